/** What the world believes of itself, worked out again and compared. */
#include "cluster_internal.h"

static void check_entry(const struct kerf_cluster *cluster, const struct entry *entry)
{
    const struct kerf_cluster_node *node = &entry->node;
    KERF_ASSERT(entry_of(cluster, node->id) == entry);
    KERF_ASSERT(node->has_claim || node->has_node);
    KERF_ASSERT(node->has_node || node->pod_count == 0);
    KERF_ASSERT(node->pod_count <= node->pod_capacity);
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct pod_entry *pod = pod_entry_of(cluster, node->pods[i]);
        KERF_ASSERT(pod != NULL);
        KERF_ASSERT(kerf_node_id_equal(pod->pod.node, node->id));
        KERF_ASSERT(pod->pod.index_on_node == i);
        KERF_ASSERT(pod->pod.pod.node_name == node->node.meta.name);
        KERF_ASSERT(pod->counted_room == !kerf_pod_is_terminal(&pod->pod.pod));
    }
    KERF_ASSERT(node->consolidatable == (node->has_claim && kerf_conditions_true(&node->claim.conditions, "Consolidatable")));
    KERF_ASSERT(node->drifted == (node->has_claim && kerf_conditions_true(&node->claim.conditions, "Drifted")));
    KERF_ASSERT(node->instance_terminating == (node->has_claim && kerf_conditions_true(&node->claim.conditions, "InstanceTerminating")));
    kerf_cluster_node_check_room(cluster, entry);
}

static void check_pod(const struct kerf_cluster *cluster, const struct pod_entry *pod)
{
    KERF_ASSERT(pod_entry_of(cluster, pod->pod.id) == pod);
    bool pending = !pod->pod.pod.node_name && !kerf_pod_is_terminal(&pod->pod.pod);
    KERF_ASSERT(pending == kerf_cluster_slot_order_has(cluster->pending_order, pod->slot));
    KERF_ASSERT((!pending && !pod->pod.pod.node_name) == kerf_cluster_slot_order_has(cluster->ended_order, pod->slot));
    KERF_ASSERT((pending && kerf_pod_status(&pod->pod.pod)->nominated_node_name) ==
                kerf_cluster_slot_order_has(cluster->nominated_order, pod->slot));
    KERF_ASSERT(pod->daemon == kerf_cluster_slot_order_has(cluster->daemon_order, pod->slot));
    if (kerf_node_id_equal(pod->pod.node, KERF_NO_NODE)) {
        KERF_ASSERT(!pod->counted_room);
        return;
    }
    const struct entry *entry = entry_of(cluster, pod->pod.node);
    KERF_ASSERT(entry != NULL); /* no pod on a node that is gone */
    KERF_ASSERT(pod->pod.index_on_node < entry->node.pod_count);
    KERF_ASSERT(kerf_pod_id_equal(entry->node.pods[pod->pod.index_on_node], pod->pod.id));
}

void kerf_cluster_check(const struct kerf_cluster *cluster)
{
    for (size_t at = 0; at < cluster->node_order->count; at++)
        check_entry(cluster, kerf_cluster_slot_table_item(&cluster->nodes, kerf_cluster_slot_order_at(cluster->node_order, at)));
    size_t pending_count = 0;
    for (size_t at = 0; at < cluster->pod_order->count; at++) {
        const struct pod_entry *pod =
            kerf_cluster_slot_table_item(&cluster->pods, kerf_cluster_slot_order_at(cluster->pod_order, at));
        check_pod(cluster, pod);
        pending_count += kerf_cluster_slot_order_has(cluster->pending_order, pod->slot);
    }
    KERF_ASSERT(pending_count == cluster->pending_order->count);
    KERF_ASSERT(cluster->node_order->count + cluster->nodes.free_count == cluster->nodes.slot_count);
    KERF_ASSERT(cluster->pod_order->count + cluster->pods.free_count == cluster->pods.slot_count);
    kerf_cluster_budgets_check(cluster);
}
