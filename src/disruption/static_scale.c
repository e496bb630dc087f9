/** Static NodePools: how many nodeclaims there are, how many there should be, and which go first (karpenter-disruption.md 11.4, 14.1, 14.2). */
#include "disruption/disruption_internal.h"

struct kerf_static_counts kerf_static_count(const struct kerf_cluster *cluster, uint32_t nodepool_index)
{
    struct kerf_static_counts counts = { 0 };
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (!node->has_claim || node->nodepool_index != nodepool_index)
            continue;
        if (kerf_cluster_is_deleting(cluster, node))
            counts.deleting++;
        else if (node->in_command)
            counts.pending++;
        else
            counts.active++;
    }
    return counts;
}

int64_t kerf_static_grant(const struct kerf_nodepool *nodepool, struct kerf_static_counts counts, int64_t wanted)
{
    if (nodepool->limits.nodes < 0)
        return wanted;
    return kerf_max_i64(0, kerf_min_i64(wanted, nodepool->limits.nodes - (counts.active + counts.pending + counts.deleting)));
}

struct kerf_planned_claim kerf_static_claim(const struct kerf_cluster *cluster, uint32_t nodepool_index, struct kerf_arena *arena)
{
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[nodepool_index];
    struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    struct kerf_planned_claim claim = { .nodepool_index = nodepool_index };
    claim.requirements = kerf_requirements_of_labels(arena, vocabulary, &nodepool->template_labels);
    kerf_requirements_add_expressions(arena, vocabulary, &claim.requirements, &nodepool->requirements);
    return claim;
}

/* ---- scale-down -------------------------------------------------------------------------------------------------------- */

enum turn { TURN_UNLAUNCHED, TURN_EMPTY, TURN_OTHERS, TURN_PROTECTED };

struct victim {
    kerf_node_id id;
    enum turn turn;
    double cost;   /* of those with pods */
    uint64_t draw; /* of empty ones */
};

static double lifetime_remaining(const struct kerf_nodeclaim *claim, kerf_time_us now_epoch_us)
{
    if (claim->expire_after_us == KERF_TIME_NEVER || claim->expire_after_us <= 0)
        return 1.0;
    double share = (double)(claim->expire_after_us - (now_epoch_us - claim->meta.created_epoch_us)) / (double)claim->expire_after_us;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static struct victim victim_of(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node, kerf_time_us now_epoch_us,
                               uint64_t tie_seed)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    struct victim victim = { .id = node->id, .draw = kerf_hash_mix(tie_seed, kerf_hash_text(node->claim.meta.name->text)) };
    bool daemons_alone = true, is_protected = false;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, node->pods[i])->pod;
        daemons_alone = daemons_alone && kerf_pod_is_daemon(pod);
        is_protected = is_protected || kerf_pod_do_not_disrupt(vocabulary, pod, now_epoch_us);
        victim.cost += kerf_pod_eviction_cost(vocabulary, pod);
    }
    victim.cost *= lifetime_remaining(&node->claim, now_epoch_us);
    victim.turn = !node->claim.provider_id          ? TURN_UNLAUNCHED
                  : daemons_alone && !is_protected ? TURN_EMPTY
                  : !is_protected                  ? TURN_OTHERS
                                                   : TURN_PROTECTED;
    return victim;
}

/** Unlaunched ones stay in the order of the list: the sort is stable. */
static int compare_victims(const void *a, const void *b, void *context)
{
    (void)context;
    const struct victim *x = a, *y = b;
    int order = kerf_compare_i64(x->turn, y->turn);
    if (order != 0 || x->turn == TURN_UNLAUNCHED)
        return order;
    return x->turn == TURN_EMPTY ? kerf_compare_u64(x->draw, y->draw) : kerf_compare_double(x->cost, y->cost);
}

static void choose_victims(const struct kerf_cluster *cluster, uint32_t nodepool_index, kerf_time_us now_epoch_us, uint64_t tie_seed,
                           size_t wanted, struct kerf_arena *arena, struct kerf_static_scale *out)
{
    size_t count = 0;
    struct victim *victims = KERF_NEW_ARRAY(arena, struct victim, kerf_cluster_node_count(cluster));
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->has_claim && node->nodepool_index == nodepool_index && !kerf_cluster_is_deleting(cluster, node) && !node->in_command)
            victims[count++] = victim_of(cluster, node, now_epoch_us, tie_seed);
    }
    KERF_ASSERT(wanted <= count);
    kerf_sort(victims, count, sizeof *victims, compare_victims, NULL);
    kerf_node_id *ids = KERF_NEW_ARRAY(arena, kerf_node_id, wanted);
    for (size_t i = 0; i < wanted; i++)
        ids[i] = victims[i].id;
    out->remove = ids;
    out->remove_count = wanted;
}

void kerf_static_scale_decide(const struct kerf_cluster *cluster, uint32_t nodepool_index, kerf_time_us now_epoch_us, uint64_t tie_seed,
                              struct kerf_arena *arena, struct kerf_static_scale *out_scale)
{
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[nodepool_index];
    *out_scale = (struct kerf_static_scale){ 0 };
    if (nodepool->replicas < 0 || nodepool->meta.deletion_epoch_us != KERF_TIME_UNSET)
        return;
    struct kerf_static_counts counts = kerf_static_count(cluster, nodepool_index);
    if (counts.active > nodepool->replicas) {
        choose_victims(cluster, nodepool_index, now_epoch_us, tie_seed, (size_t)(counts.active - nodepool->replicas), arena, out_scale);
    } else if (counts.active + counts.pending < nodepool->replicas && kerf_nodepool_is_ready(nodepool)) {
        out_scale->create = kerf_static_grant(nodepool, counts, nodepool->replicas - counts.active);
        out_scale->limited = out_scale->create == 0;
    }
}
