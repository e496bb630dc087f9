/** Part of the door of `model`: workloads, budgets, volumes and the rest, and all objects of an input together. Include model/model.h. */
#ifndef KERF_MODEL_OBJECTS_H
#define KERF_MODEL_OBJECTS_H

#include "model/autoscaler.h"

/* ---- workloads ----------------------------------------------------------------------------------------------------------------- */

struct kerf_pod_template {
    struct kerf_labels labels;
    struct kerf_labels annotations;
    const struct kerf_pod_spec *spec;
};

enum kerf_workload_kind {
    KERF_WORKLOAD_DEPLOYMENT,
    KERF_WORKLOAD_REPLICASET,
    KERF_WORKLOAD_REPLICATIONCONTROLLER,
    KERF_WORKLOAD_STATEFULSET,
    KERF_WORKLOAD_DAEMONSET,
    KERF_WORKLOAD_JOB,
    KERF_WORKLOAD_CRONJOB
};
const char *kerf_workload_kind_text(enum kerf_workload_kind kind);        /* `Deployment` */
const char *kerf_workload_kind_api_version(enum kerf_workload_kind kind); /* `apps/v1` */

/** An integer or a percentage. */
struct kerf_int_or_percent {
    bool present;
    bool percent;
    int32_t value;
};

struct kerf_claim_template {
    kerf_name name;
    kerf_name storage_class_name; /* NULL: default class */
    int64_t storage_bytes;
};

struct kerf_workload {
    enum kerf_workload_kind kind;
    struct kerf_meta meta;
    struct kerf_label_selector selector;
    struct kerf_pod_template template;
    int64_t replicas; /* Deployment, ReplicaSet, StatefulSet, ReplicationController: default 1; Job: min(parallelism, completions) */
    /* Deployment */
    bool recreate; /* strategy Recreate */
    struct kerf_int_or_percent max_surge;
    struct kerf_int_or_percent max_unavailable;
    /* StatefulSet */
    bool parallel_pod_management;
    int64_t start_ordinal;
    const struct kerf_claim_template *claim_templates;
    uint32_t claim_template_count;
    /* Job, CronJob */
    int64_t parallelism; /* default 1 */
    int64_t completions; /* -1: work queue */
    bool indexed;
    int64_t backoff_limit; /* default 6 */
    bool suspend;
    bool finished;       /* a Job whose status says Complete or Failed: no pods any more */
    kerf_name schedule;  /* CronJob */
    kerf_name time_zone; /* CronJob; NULL: UTC */
    enum { KERF_CONCURRENCY_ALLOW, KERF_CONCURRENCY_FORBID, KERF_CONCURRENCY_REPLACE } concurrency;
    /* what all its pods share, filled by kerf_workload_prepare; pod_details NULL: not yet */
    struct kerf_labels pod_labels;      /* the template's, and those that the controller adds (pod-template-hash, ...) */
    const struct kerf_meta_details *pod_details; /* one owner: a Deployment's pods are owned by its ReplicaSet */
    const struct kerf_pod_spec *pod_spec; /* the template's, with matchLabelKeys merged and the tolerations of admission (or, for a
                                             DaemonSet, of its controller) added */
    kerf_name pod_name_prefix;
};

struct kerf_hpa {
    struct kerf_meta meta;
    kerf_name target_kind;
    kerf_name target_name;
    int32_t min_replicas; /* default 1 */
    int32_t max_replicas;
    int32_t target_cpu_utilization_percent; /* 0: no such metric */
};

enum kerf_unhealthy_policy { KERF_EVICT_IF_HEALTHY_BUDGET, KERF_EVICT_ALWAYS_ALLOW };

struct kerf_pdb {
    struct kerf_meta meta;
    struct kerf_label_selector selector;
    struct kerf_int_or_percent min_available;
    struct kerf_int_or_percent max_unavailable;
    enum kerf_unhealthy_policy unhealthy_policy;
    bool has_status; /* false: computed from the pods */
    int32_t disruptions_allowed;
    int32_t current_healthy;
    int32_t desired_healthy;
    int32_t expected_pods;
    int64_t observed_generation;
    struct kerf_labels disrupted_pods; /* by name: the API server has evicted them, and nobody has seen them go yet */
};

struct kerf_priority_class {
    struct kerf_meta meta;
    int32_t value;
    bool global_default;
    enum kerf_preemption_policy preemption_policy;
};

struct kerf_service {
    struct kerf_meta meta;
    struct kerf_labels selector; /* count 0: none */
    bool load_balancer;          /* type LoadBalancer: takes addresses of subnets */
};

/* ---- volumes ------------------------------------------------------------------------------------------------------------------- */

struct kerf_pvc {
    struct kerf_meta meta;
    kerf_name storage_class_name; /* NULL: not given */
    bool has_storage_class_name;  /* "" is not the default class */
    kerf_name volume_name;        /* NULL: not bound to a volume */
    kerf_name phase;              /* Bound, Pending, Lost; NULL */
    int64_t storage_bytes;
    bool read_write_once_pod;
};

struct kerf_pv {
    struct kerf_meta meta;
    const struct kerf_node_selector_term *node_terms; /* nodeAffinity.required */
    uint32_t node_term_count;
    bool has_node_affinity;
    bool local_or_host_path;
    kerf_name csi_driver;
    kerf_name volume_handle;
    kerf_name in_tree_kind; /* awsElasticBlockStore, ...; NULL */
    kerf_name storage_class_name;
    kerf_name claim_namespace;
    kerf_name claim_name;
    int64_t capacity_bytes;
};

struct kerf_topology_term { /* one entry of allowedTopologies: ANDed expressions */
    struct kerf_expressions expressions;
};

struct kerf_storage_class {
    struct kerf_meta meta;
    kerf_name provisioner;
    bool wait_for_first_consumer;
    bool is_default;
    const struct kerf_topology_term *allowed_topologies;
    uint32_t allowed_topology_count;
};

struct kerf_csi_driver_limit {
    kerf_name driver;
    int64_t count; /* -1: no limit */
    const kerf_name *topology_keys;
    uint32_t topology_key_count;
};
struct kerf_csinode {
    struct kerf_meta meta; /* name = node */
    const struct kerf_csi_driver_limit *drivers;
    uint32_t driver_count;
};

/* ---- the rest ------------------------------------------------------------------------------------------------------------------ */

struct kerf_namespace {
    struct kerf_meta meta;
};

struct kerf_eniconfig {
    struct kerf_meta meta; /* name = zone, by convention */
    kerf_name subnet;
};

/** A SecurityGroupPolicy: pods that it selects get a branch interface of their own. */
struct kerf_security_group_policy {
    struct kerf_meta meta;
    struct kerf_label_selector pod_selector;
};

struct kerf_resource_quota {
    struct kerf_meta meta;
    struct kerf_resources requests; /* requests.cpu, requests.memory, pods, ... */
    struct kerf_resources limits;   /* limits.cpu, limits.memory */
};

struct kerf_limit_range {
    struct kerf_meta meta;
    struct kerf_resources default_request; /* type Container */
    struct kerf_resources default_limit;
    struct kerf_resources container_min;
    struct kerf_resources container_max;
    struct kerf_resources pod_min;
    struct kerf_resources pod_max;
};

/** Who answers EC2's messages about nodes of a group that EKS doesn't manage: aws-node-termination-handler in one of its modes. */
enum kerf_termination_handler {
    KERF_HANDLER_NOT_SAID, /* the manifests tell */
    KERF_HANDLER_NONE,
    KERF_HANDLER_IMDS,
    KERF_HANDLER_QUEUE,
};

/** A group of equal nodes that somebody else scales: an eksctl managed node group, or `nodeGroups` of a scenario. */
struct kerf_nodegroup {
    struct kerf_meta meta;
    const kerf_name *instance_types;
    uint32_t instance_type_count;
    bool spot;                 /* all of it; with `mixed`: neither */
    bool mixed;                /* a base of On-Demand, and a percentage of it above */
    int32_t on_demand_base;
    int32_t on_demand_percent;
    int32_t min_size;
    int32_t max_size;
    int32_t desired_capacity;
    struct kerf_labels labels;
    struct kerf_taints taints;
    const kerf_name *zones; /* none: those of the cluster */
    uint32_t zone_count;
    int64_t volume_size_bytes; /* 0: default */
    int32_t max_pods;          /* 0: what the type allows */
    int32_t unmanaged_enis;    /* network interfaces of its launch template that the CNI keeps away from */
    enum kerf_ami_family ami_family;
    bool managed; /* by EKS: its hooks drain nodes before they end; false: an Auto Scaling group of one's own */
    enum kerf_termination_handler termination_handler; /* of a group that EKS doesn't manage */
    bool zone_rebalancing;
    bool capacity_rebalancing;       /* a rebalance recommendation launches a replacement */
    int32_t max_unavailable;         /* of an update: nodes, or */
    int32_t max_unavailable_percent; /* a percentage of the group; 0: the number holds */
    const kerf_time_us *updates_us;  /* since the start: when a new version is rolled out */
    uint32_t update_count;
    double boot_factor;  /* of the boot times; 1 */
    double join_failure; /* chance that an instance never joins */
};

/** Scoring strategy of NodeResourcesFit. */
struct kerf_resource_weight {
    kerf_name resource;
    int64_t weight;
};
struct kerf_shape_point {
    int32_t utilization;
    int32_t score;
};
/** The first profile of a KubeSchedulerConfiguration, as far as kerf follows it. */
struct kerf_scheduler_configuration {
    bool present;
    int32_t percentage_of_nodes_to_score; /* 0: adaptive */
    enum { KERF_FIT_LEAST_ALLOCATED, KERF_FIT_MOST_ALLOCATED, KERF_FIT_REQUESTED_TO_CAPACITY_RATIO } fit_strategy;
    const struct kerf_resource_weight *fit_resources; /* none: cpu and memory, 1 each */
    uint32_t fit_resource_count;
    const struct kerf_shape_point *shape;
    uint32_t shape_count;
    const struct kerf_resource_weight *balanced_resources; /* none: cpu and memory */
    uint32_t balanced_resource_count;
    bool spread_defaults_list;                            /* defaultingType List: default_spreads replace the built-in ones */
    struct kerf_topology_spreads default_spreads;
    int64_t hard_pod_affinity_weight;                     /* default 1 */
    bool ignore_preferred_terms_of_existing_pods;
    const struct kerf_resource_weight *plugin_weights;    /* score plugins named in plugins.score.enabled: name and weight */
    uint32_t plugin_weight_count;
    const kerf_name *disabled_plugins;                    /* plugins.*.disabled; `*` stands as itself */
    uint32_t disabled_plugin_count;
    struct kerf_node_selector_term added_affinity;        /* NodeAffinityArgs.addedAffinity: one required term at most is kept */
    bool has_added_affinity;
};

/** A pod spec of the input, shared by equal pods and templates; still changeable, for kerf_manifest_settle alone. */
struct kerf_owned_pod_spec {
    struct kerf_pod_spec *spec;
    kerf_name namespace_name; /* of the pods, or of the first of them if `live` */
    bool live;                /* of pods with a status: admission is behind them */
};

/** Everything that was read, each kind in the order of the input. Pods of workloads are expanded on demand, not here. */
struct kerf_objects {
    struct kerf_arena arena; /* owns everything below */
    KERF_VEC(struct kerf_pod) pods;
    KERF_VEC(struct kerf_owned_pod_spec) pod_specs;
    KERF_VEC(struct kerf_node) nodes;
    KERF_VEC(struct kerf_nodeclaim) nodeclaims;
    KERF_VEC(struct kerf_nodepool) nodepools;
    KERF_VEC(struct kerf_ec2nodeclass) nodeclasses;
    KERF_VEC(struct kerf_capacity_reservation) capacity_reservations;
    KERF_VEC(struct kerf_workload) workloads; /* daemonsets too */
    KERF_VEC(struct kerf_hpa) hpas;
    KERF_VEC(struct kerf_pdb) pdbs;
    KERF_VEC(struct kerf_priority_class) priority_classes;
    KERF_VEC(struct kerf_namespace) namespaces;
    KERF_VEC(struct kerf_service) services;
    KERF_VEC(struct kerf_pvc) pvcs;
    KERF_VEC(struct kerf_pv) pvs;
    KERF_VEC(struct kerf_storage_class) storage_classes;
    KERF_VEC(struct kerf_csinode) csinodes;
    KERF_VEC(struct kerf_eniconfig) eniconfigs;
    KERF_VEC(struct kerf_security_group_policy) security_group_policies;
    KERF_VEC(struct kerf_resource_quota) quotas;
    KERF_VEC(struct kerf_limit_range) limit_ranges;
    KERF_VEC(struct kerf_nodegroup) nodegroups;
    struct kerf_scheduler_configuration scheduler;
    struct kerf_autoscale autoscale;   /* present: false without one */
    const char *autoscaler_priorities; /* of the ConfigMap of expander priority; NULL: not read */
    uint32_t object_count; /* objects read so far: the next input_index */
    kerf_time_us newest_epoch_us; /* the newest time met anywhere in the input; KERF_TIME_UNSET: none */
};
void kerf_objects_init(struct kerf_objects *objects);
void kerf_objects_fini(struct kerf_objects *objects); /* vec items live in the arena (KERF_VEC_PUSH_IN) */

/**
 * The pods of a workload as its controller would make them: `count` of them, from index `first`, appended to `objects->pods`.
 * Names: a Deployment's ReplicaSet gets a hash of its template; replicas `NAME-HASH-00000`; StatefulSets `NAME-0`; Jobs
 * `NAME-00000`. UID and creation time follow product.md (from namespace, name and replica index; from the place in the input).
 */
void kerf_workload_expand(struct kerf_objects *objects, struct kerf_vocabulary *vocabulary, const struct kerf_workload *workload,
                          uint32_t first, uint32_t count);
/** Fills what all pods of the workload share, so that making a pod is cheap; the reader's kerf_manifest_settle has done it. */
void kerf_workload_prepare(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, struct kerf_workload *workload);
const struct kerf_pod_spec *kerf_workload_spec_of_pods(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                                       const struct kerf_workload *workload);
/** The creation time of an object that has none: just after the newest time of the input (else after 1970), in input order. */
kerf_time_us kerf_objects_creation_time(const struct kerf_objects *objects, uint32_t input_index);
/** Fills `out_pod` with the pod of that index; what all pods of the workload share is borrowed from it. */
void kerf_workload_make_pod(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, const struct kerf_workload *workload,
                            uint32_t index, kerf_time_us created_epoch_us, struct kerf_pod *out_pod);

#endif
