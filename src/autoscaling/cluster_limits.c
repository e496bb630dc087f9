/** Limits of the whole cluster on cores and memory, over all nodes of the snapshot by their capacity (7.1). */
#include "autoscaling_internal.h"

struct cluster_amounts kerf_cluster_amounts_of(const struct kerf_node *node)
{
    int64_t cores = node->capacity.cpu_nanocores / 1000000000 + (node->capacity.cpu_nanocores % 1000000000 > 0);
    return (struct cluster_amounts){cores, node->capacity.memory_millibytes / 1000};
}

struct cluster_amounts kerf_cluster_amounts_used(const struct kerf_autoscaling *autoscaling, bool without_deleting)
{
    struct cluster_amounts used = {0};
    for (size_t i = 0; i < autoscaling->list.nodes.count; i++) {
        const struct listed_node *listed = &autoscaling->list.nodes.items[i];
        bool made_up = kerf_node_id_equal(listed->id, KERF_NO_NODE);
        if (without_deleting && !made_up && kerf_node_is_being_deleted(autoscaling, listed->id))
            continue;
        struct cluster_amounts amounts = kerf_cluster_amounts_of(made_up ? &autoscaling->templates[listed->group_index].node
                                                                         : kerf_listed_node_of(autoscaling, listed));
        used.cores += amounts.cores;
        used.memory_bytes = kerf_saturate_i64((kerf_i128)used.memory_bytes + amounts.memory_bytes);
    }
    return used;
}

int64_t kerf_cluster_amounts_allow(struct cluster_amounts left, struct cluster_amounts node)
{
    int64_t allowed = INT32_MAX;
    if (node.cores > 0)
        allowed = kerf_min_i64(allowed, kerf_max_i64(left.cores, 0) / node.cores);
    if (node.memory_bytes > 0)
        allowed = kerf_min_i64(allowed, kerf_max_i64(left.memory_bytes, 0) / node.memory_bytes);
    return allowed;
}
