/**
 * What the AWS provider makes of a managed node group that never had a good node (6): the first type's nominal size, nothing
 * reserved, 110 pods, the first zone; labels and taints as EKS describes the group.
 */
#include "autoscaling_internal.h"

enum { PODS = 110 };

void kerf_autoscaling_cloud_template(const struct kerf_cluster *cluster, const struct kerf_nodegroup *group, kerf_name first_zone,
                                     int64_t root_volume_bytes, struct kerf_arena *arena, struct kerf_node *out_node)
{
    struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    const struct kerf_catalog *catalog = kerf_cluster_catalog(cluster);
    const struct kerf_instance_facts *facts = kerf_catalog_find_anywhere(catalog, group->instance_types[0]);
    kerf_name zone = group->zone_count ? group->zones[0] : first_zone;
    struct kerf_resources capacity = {0};
    struct kerf_label labels[10];
    size_t count = 0;
    if (facts) {
        kerf_resources_set(&capacity, KERF_RESOURCE_CPU, facts->vcpus * 1000000000);
        kerf_resources_set(&capacity, KERF_RESOURCE_MEMORY, facts->memory_mib * 1024 * 1024 * 1000);
        if (facts->gpu_count > 0)
            kerf_resources_set(&capacity, KERF_RESOURCE_NVIDIA_GPU, facts->gpu_count * 1000);
        labels[count++] = (struct kerf_label){vocabulary->key_arch, facts->arch};
        labels[count++] = (struct kerf_label){vocabulary->key_instance_type, facts->name};
    }
    kerf_resources_set(&capacity, KERF_RESOURCE_PODS, PODS);
    kerf_resources_set(&capacity, KERF_RESOURCE_EPHEMERAL_STORAGE,
                       (group->volume_size_bytes > 0 ? group->volume_size_bytes : root_volume_bytes) * 1000);
    labels[count++] = (struct kerf_label){vocabulary->key_os, vocabulary->word_linux};
    labels[count++] = (struct kerf_label){vocabulary->key_region, kerf_catalog_region(catalog)};
    labels[count++] = (struct kerf_label){vocabulary->key_hostname, group->meta.name};
    labels[count++] = (struct kerf_label){vocabulary->key_eks_nodegroup, group->meta.name};
    labels[count++] = (struct kerf_label){vocabulary->key_eks_capacity_type,
                                          kerf_name_of(vocabulary->names, group->spot ? "SPOT" : "ON_DEMAND")};
    if (zone) {
        labels[count++] = (struct kerf_label){vocabulary->key_zone, zone};
        labels[count++] = (struct kerf_label){vocabulary->alias_ebs_zone, zone};
    }
    struct kerf_labels own = kerf_labels_sorted(arena, labels, count);
    *out_node = (struct kerf_node){
        .meta = {.name = group->meta.name,
                 .created_epoch_us = KERF_TIME_UNSET,
                 .deletion_epoch_us = KERF_TIME_UNSET,
                 .labels = kerf_labels_merge(arena, &own, &group->labels)},
        .taints = group->taints,
        .capacity = capacity,
        .allocatable = capacity,
    };
}
