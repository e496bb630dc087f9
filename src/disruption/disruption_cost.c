/** Costs: what a node's price is, what evicting its pods counts, and the totals of a NodePool (karpenter-disruption.md 2.6, 8.2). */
#include "disruption/disruption_internal.h"

#include <math.h>

#define NODE_BASE_COST 1.0

double kerf_price_of_offering(const struct kerf_instance_type *type, uint32_t zone_index, uint32_t capacity_type)
{
    for (uint32_t i = 0; type && i < type->offering_count; i++) {
        const struct kerf_offering *offering = &type->offerings[i];
        if (offering->zone_index == zone_index && (uint32_t)offering->capacity_type == capacity_type)
            return isnan(offering->price_usd_per_hour) ? 0 : offering->price_usd_per_hour;
    }
    return 0;
}

double kerf_disruption_cost(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, uint32_t *out_count)
{
    double cost = NODE_BASE_COST;
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(pass->cluster, node->pods[i])->pod;
        if (!kerf_pod_is_reschedulable(pod))
            continue;
        count++;
        double eviction_cost = kerf_pod_eviction_cost(pass->vocabulary, pod);
        if (eviction_cost > 0)
            cost += eviction_cost;
    }
    *out_count = count;
    return cost;
}

/**
 * What a node that is no candidate counts in its NodePool's total: other pods than RDC looks at. The real controller loses this sum at
 * each update of the NodeClaim until the node or its pods are seen again, within a minute; ours doesn't.
 */
static double maintained_cost(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node)
{
    double cost = NODE_BASE_COST;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(pass->cluster, node->pods[i])->pod;
        if (kerf_pod_is_terminal(pod) || kerf_pod_is_daemon(pod))
            continue;
        double eviction_cost = kerf_pod_eviction_cost(pass->vocabulary, pod);
        if (eviction_cost > 0)
            cost += eviction_cost;
    }
    return cost;
}

/** What the NodePool's books say that a nodeclaim costs: by the labels of the claim. */
static double claim_price(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, uint32_t nodepool_index)
{
    const struct kerf_labels *labels = &node->claim.meta.labels;
    kerf_name type_name = kerf_labels_get(labels, pass->vocabulary->key_instance_type);
    kerf_name zone = kerf_labels_get(labels, pass->vocabulary->key_zone);
    kerf_name capacity_type = kerf_labels_get(labels, pass->vocabulary->key_capacity_type);
    uint32_t nodeclass_index = kerf_cluster_nodeclass_of_pool(pass->cluster, nodepool_index);
    if (!type_name || !zone || !capacity_type || nodeclass_index == KERF_NOT_FOUND)
        return 0;
    const struct kerf_instance_facts *facts = kerf_catalog_find(pass->catalog, type_name);
    if (!facts)
        return 0;
    return kerf_price_of_offering(&kerf_cluster_instance_types(pass->cluster, nodeclass_index)->items[facts->index],
                                  kerf_catalog_zone_index(pass->catalog, zone),
                                  kerf_capacity_type_of_label(pass->vocabulary, capacity_type));
}

static uint32_t nodepool_of_labels(const struct kerf_disruption_pass *pass, const struct kerf_labels *labels)
{
    kerf_name name = kerf_labels_get(labels, pass->vocabulary->key_nodepool);
    for (size_t i = 0; name && i < pass->objects->nodepools.count; i++)
        if (pass->objects->nodepools.items[i].meta.name == name)
            return (uint32_t)i;
    return KERF_NOT_FOUND;
}

struct kerf_nodepool_totals *kerf_nodepool_totals(struct kerf_disruption_pass *pass, const struct kerf_candidates *listed)
{
    struct kerf_nodepool_totals *totals = KERF_NEW_ARRAY(&pass->scratch, struct kerf_nodepool_totals, pass->objects->nodepools.count);
    double *candidate_cost = KERF_NEW_ARRAY(&pass->scratch, double, pass->objects->nodepools.count);
    const struct kerf_candidate **of_node =
        KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, kerf_cluster_node_id_bound(pass->cluster));
    for (size_t i = 0; i < listed->count; i++) {
        const struct kerf_candidate *candidate = listed->items[i];
        totals[candidate->nodepool_index].known = true;
        candidate_cost[candidate->nodepool_index] += candidate->price_usd_per_hour;
        of_node[candidate->id.index] = candidate;
    }
    for (size_t at = 0; at < kerf_cluster_node_count(pass->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(pass->cluster, at);
        if (node->has_claim) {
            uint32_t nodepool_index = nodepool_of_labels(pass, &node->claim.meta.labels);
            if (nodepool_index != KERF_NOT_FOUND)
                totals[nodepool_index].cost_usd_per_hour += claim_price(pass, node, nodepool_index);
        }
        uint32_t nodepool_index = nodepool_of_labels(pass, kerf_cluster_node_labels(pass->cluster, node));
        if (nodepool_index == KERF_NOT_FOUND || !totals[nodepool_index].known)
            continue;
        const struct kerf_candidate *candidate = of_node[node->id.index];
        totals[nodepool_index].disruption_cost += candidate ? candidate->disruption_cost : maintained_cost(pass, node);
    }
    for (size_t i = 0; i < pass->objects->nodepools.count; i++)
        if (!(totals[i].cost_usd_per_hour > 0))
            totals[i].cost_usd_per_hour = candidate_cost[i];
    return totals;
}
