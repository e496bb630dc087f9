/** An entry as Karpenter sees it, whichever halves it has (karpenter-provisioning 5.2). */
#include "cluster_internal.h"

static const struct entry *entry_of_node(const struct kerf_cluster_node *node)
{
    return (const struct entry *)node;
}

bool kerf_cluster_is_registered(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return entry_of_node(node)->registered;
}

bool kerf_cluster_is_initialized(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return entry_of_node(node)->initialized;
}

bool kerf_cluster_is_ready(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return entry_of_node(node)->ready;
}

bool kerf_cluster_is_deleted(const struct kerf_cluster_node *node)
{
    return (node->has_claim ? node->claim.meta.deletion_epoch_us : node->node.meta.deletion_epoch_us) != KERF_TIME_UNSET;
}

bool kerf_cluster_is_deleting(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    if (node->marked_for_deletion)
        return true;
    if (!node->has_claim)
        return node->has_node && node->node.meta.deletion_epoch_us != KERF_TIME_UNSET;
    return node->claim.meta.deletion_epoch_us != KERF_TIME_UNSET || node->instance_terminating;
}

/** Is the claim what counts: there is no node, or it hasn't registered? */
static bool seen_by_claim(const struct kerf_cluster_node *node)
{
    return !node->has_node || (node->has_claim && !entry_of_node(node)->registered);
}

kerf_name kerf_cluster_node_name(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return seen_by_claim(node) ? node->claim.meta.name : node->node.meta.name;
}

kerf_name kerf_cluster_node_hostname(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    kerf_name label = kerf_labels_get(kerf_cluster_node_labels(cluster, node), cluster->vocabulary->key_hostname);
    return label && label->length ? label : kerf_cluster_node_name(cluster, node);
}

const struct kerf_labels *kerf_cluster_node_labels(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return seen_by_claim(node) ? &node->claim.meta.labels : &node->node.meta.labels;
}

const struct kerf_labels *kerf_cluster_node_annotations(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return &kerf_meta_details(seen_by_claim(node) ? &node->claim.meta : &node->node.meta)->annotations;
}

/** Taints that a new node carries for a while and that Karpenter looks through (karpenter-provisioning 4.6). */
static bool is_ephemeral(const struct kerf_vocabulary *vocabulary, const struct kerf_taint *taint)
{
    static const char readiness_prefix[] = "readiness.k8s.io/";
    if (taint->key == vocabulary->key_taint_not_ready)
        return taint->effect == KERF_TAINT_NO_SCHEDULE || taint->effect == KERF_TAINT_NO_EXECUTE;
    if (taint->key == vocabulary->key_taint_unreachable || taint->key == vocabulary->key_taint_uninitialized)
        return taint->effect == KERF_TAINT_NO_SCHEDULE;
    if (taint->key == vocabulary->key_unregistered)
        return taint->effect == KERF_TAINT_NO_EXECUTE;
    return !strncmp(kerf_name_text(taint->key), readiness_prefix, sizeof readiness_prefix - 1);
}

static bool is_among(const struct kerf_taints *taints, const struct kerf_taint *taint)
{
    for (size_t i = 0; i < taints->count; i++)
        if (taints->items[i].key == taint->key && taints->items[i].effect == taint->effect)
            return true;
    return false;
}

struct kerf_taints kerf_cluster_node_taints(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node,
                                            struct kerf_arena *arena)
{
    const struct kerf_taints *taints = seen_by_claim(node) ? &node->claim.taints : &node->node.taints;
    if (!node->has_claim || entry_of_node(node)->initialized)
        return *taints;
    struct kerf_taint *kept = KERF_NEW_ARRAY(arena, struct kerf_taint, taints->count);
    size_t count = 0;
    for (size_t i = 0; i < taints->count; i++)
        if (!is_ephemeral(cluster->vocabulary, &taints->items[i]) && !is_among(&node->claim.startup_taints, &taints->items[i]))
            kept[count++] = taints->items[i];
    return (struct kerf_taints){.items = kept, .count = count};
}

static struct kerf_resources completed(const struct kerf_cluster_node *node, const struct kerf_resources *of_node,
                                       const struct kerf_resources *of_claim)
{
    if (!node->has_claim || (node->has_node && entry_of_node(node)->initialized))
        return *of_node;
    if (!node->has_node)
        return *of_claim;
    struct kerf_resources result = *of_node;
    for (int r = 0; r < KERF_RESOURCE_MAX; r++)
        if (kerf_resources_has(of_claim, (enum kerf_resource)r) && !result.amounts[r])
            kerf_resources_set(&result, (enum kerf_resource)r, of_claim->amounts[r]);
    return result;
}

struct kerf_resources kerf_cluster_node_allocatable(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return completed(node, &node->node.allocatable, &node->claim.allocatable);
}

struct kerf_resources kerf_cluster_node_capacity(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    (void)cluster;
    return completed(node, &node->node.capacity, &node->claim.capacity);
}
