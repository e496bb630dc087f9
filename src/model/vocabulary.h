/** Part of the door of `model`: the names that an input uses, with those that the field knows. Include model/model.h. */
#ifndef KERF_MODEL_VOCABULARY_H
#define KERF_MODEL_VOCABULARY_H

#include "model/resources.h"

/** One row per well-known key: member of kerf_vocabulary, its text, and whether Karpenter calls it well known (4.3). */
#define KERF_WELL_KNOWN_KEYS(X)                                                                                                   \
    X(key_nodepool, "karpenter.sh/nodepool", true)                                                                                \
    X(key_zone, "topology.kubernetes.io/zone", true)                                                                              \
    X(key_region, "topology.kubernetes.io/region", true)                                                                          \
    X(key_instance_type, "node.kubernetes.io/instance-type", true)                                                                \
    X(key_arch, "kubernetes.io/arch", true)                                                                                       \
    X(key_os, "kubernetes.io/os", true)                                                                                           \
    X(key_capacity_type, "karpenter.sh/capacity-type", true)                                                                      \
    X(key_windows_build, "node.kubernetes.io/windows-build", true)                                                                \
    X(key_zone_id, "topology.k8s.aws/zone-id", true)                                                                              \
    X(key_capacity_reservation_id, "karpenter.k8s.aws/capacity-reservation-id", true)                                             \
    X(key_capacity_reservation_type, "karpenter.k8s.aws/capacity-reservation-type", true)                                         \
    X(key_capacity_reservation_interruptible, "karpenter.k8s.aws/capacity-reservation-interruptible", true)                       \
    X(key_hypervisor, "karpenter.k8s.aws/instance-hypervisor", true)                                                              \
    X(key_encryption_in_transit, "karpenter.k8s.aws/instance-encryption-in-transit-supported", true)                              \
    X(key_nitro_sandbox, "karpenter.k8s.aws/nitro-sandbox", true)                                                                 \
    X(key_category, "karpenter.k8s.aws/instance-category", true)                                                                  \
    X(key_capability_flex, "karpenter.k8s.aws/instance-capability-flex", true)                                                    \
    X(key_family, "karpenter.k8s.aws/instance-family", true)                                                                      \
    X(key_generation, "karpenter.k8s.aws/instance-generation", true)                                                              \
    X(key_size, "karpenter.k8s.aws/instance-size", true)                                                                          \
    X(key_local_nvme, "karpenter.k8s.aws/instance-local-nvme", true)                                                              \
    X(key_cpu, "karpenter.k8s.aws/instance-cpu", true)                                                                            \
    X(key_cpu_manufacturer, "karpenter.k8s.aws/instance-cpu-manufacturer", true)                                                  \
    X(key_cpu_sustained_clock, "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz", true)                                  \
    X(key_memory, "karpenter.k8s.aws/instance-memory", true)                                                                      \
    X(key_ebs_bandwidth, "karpenter.k8s.aws/instance-ebs-bandwidth", true)                                                        \
    X(key_network_bandwidth, "karpenter.k8s.aws/instance-network-bandwidth", true)                                                \
    X(key_gpu_name, "karpenter.k8s.aws/instance-gpu-name", true)                                                                  \
    X(key_gpu_manufacturer, "karpenter.k8s.aws/instance-gpu-manufacturer", true)                                                  \
    X(key_gpu_count, "karpenter.k8s.aws/instance-gpu-count", true)                                                                \
    X(key_gpu_memory, "karpenter.k8s.aws/instance-gpu-memory", true)                                                              \
    X(key_accelerator_name, "karpenter.k8s.aws/instance-accelerator-name", true)                                                  \
    X(key_accelerator_manufacturer, "karpenter.k8s.aws/instance-accelerator-manufacturer", true)                                  \
    X(key_accelerator_count, "karpenter.k8s.aws/instance-accelerator-count", true)                                                \
    X(key_tenancy, "karpenter.k8s.aws/instance-tenancy", true)                                                                    \
    X(key_placement_group_id, "karpenter.k8s.aws/placement-group-id", true)                                                       \
    X(key_placement_group_partition, "karpenter.k8s.aws/placement-group-partition", true)                                         \
    X(key_hostname, "kubernetes.io/hostname", false)                                                                              \
    X(key_ec2nodeclass, "karpenter.k8s.aws/ec2nodeclass", false)                                                                  \
    X(key_registered, "karpenter.sh/registered", false)                                                                           \
    X(key_initialized, "karpenter.sh/initialized", false)                                                                         \
    X(key_disrupted, "karpenter.sh/disrupted", false)                                                                             \
    X(key_unregistered, "karpenter.sh/unregistered", false)                                                                       \
    X(key_do_not_disrupt, "karpenter.sh/do-not-disrupt", false)                                                                   \
    X(key_pod_deletion_cost, "controller.kubernetes.io/pod-deletion-cost", false)                                                 \
    X(key_taint_not_ready, "node.kubernetes.io/not-ready", false)                                                                 \
    X(key_taint_unreachable, "node.kubernetes.io/unreachable", false)                                                             \
    X(key_taint_unschedulable, "node.kubernetes.io/unschedulable", false)                                                         \
    X(key_taint_uninitialized, "node.cloudprovider.kubernetes.io/uninitialized", false)                                           \
    X(key_eks_nodegroup, "eks.amazonaws.com/nodegroup", false)                                                                    \
    X(key_eks_capacity_type, "eks.amazonaws.com/capacityType", false)

/** Values and other words that deciders compare with. */
#define KERF_WELL_KNOWN_WORDS(X)                                                                                                  \
    X(word_true, "true")                                                                                                          \
    X(word_false, "false")                                                                                                        \
    X(word_spot, "spot")                                                                                                          \
    X(word_on_demand, "on-demand")                                                                                                \
    X(word_reserved, "reserved")                                                                                                  \
    X(word_linux, "linux")                                                                                                        \
    X(word_windows, "windows")                                                                                                    \
    X(word_amd64, "amd64")                                                                                                        \
    X(word_arm64, "arm64")                                                                                                        \
    X(word_default, "default")                                                                                                    \
    X(word_kube_system, "kube-system")

/** Older spellings of label keys; kerf_vocabulary_normalize_key turns them into the current ones. */
#define KERF_ALIAS_KEYS(X)                                                                                                        \
    X(alias_zone, "failure-domain.beta.kubernetes.io/zone")                                                                       \
    X(alias_region, "failure-domain.beta.kubernetes.io/region")                                                                   \
    X(alias_arch, "beta.kubernetes.io/arch")                                                                                      \
    X(alias_os, "beta.kubernetes.io/os")                                                                                          \
    X(alias_instance_type, "beta.kubernetes.io/instance-type")                                                                    \
    X(alias_ebs_zone, "topology.ebs.csi.aws.com/zone")

/**
 * The names of one input or run. A child (one a replication) sees its parent's and adds its own; the parent must not grow
 * while children live. Well-known names are the same pointers in parent and child.
 */
struct kerf_vocabulary {
    struct kerf_names *names;
    kerf_name resource_names[KERF_RESOURCE_MAX]; /* by kerf_resource; NULL beyond resource_count */
    uint32_t resource_count;
#define KERF_MEMBER_KEY(member, text, well_known) kerf_name member;
#define KERF_MEMBER_WORD(member, text) kerf_name member;
    KERF_WELL_KNOWN_KEYS(KERF_MEMBER_KEY)
    KERF_WELL_KNOWN_WORDS(KERF_MEMBER_WORD)
    KERF_ALIAS_KEYS(KERF_MEMBER_WORD)
#undef KERF_MEMBER_KEY
#undef KERF_MEMBER_WORD
    const struct kerf_vocabulary *parent;
    struct kerf_name_map resources;  /* name -> kerf_resource */
    struct kerf_name_map well_known; /* Karpenter's well-known keys; a child shares its parent's */
};

struct kerf_vocabulary *kerf_vocabulary_new(const struct kerf_vocabulary *parent);
void kerf_vocabulary_free(struct kerf_vocabulary *vocabulary);

/** The resource of that name, entered if new; KERF_RESOURCE_MAX when the table is full. */
enum kerf_resource kerf_vocabulary_resource(struct kerf_vocabulary *vocabulary, const char *resource_name);

/** Label keys as they are meant today: the beta keys of zone, region, arch, os and instance type, and the EBS CSI zone key,
 *  become the current ones (karpenter-provisioning 4.1); any other key is itself. */
kerf_name kerf_vocabulary_normalize_key(const struct kerf_vocabulary *vocabulary, kerf_name key);

/** Is it one of Karpenter's or the AWS provider's well-known keys, which a NodePool may leave undefined? O(1). */
bool kerf_vocabulary_is_well_known(const struct kerf_vocabulary *vocabulary, kerf_name key);

#endif
