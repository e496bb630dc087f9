/** Which of the unneeded nodes go now: age, minima of groups and cluster, order, and the budgets of deletions (10.4). */
#include "autoscaling_internal.h"

struct choosing {
    struct kerf_autoscaling *autoscaling;
    int32_t *group_sizes;        /* targets less those accepted */
    const int32_t *deletions;    /* in progress, by group */
    struct cluster_amounts left; /* above the minima */
};

static int compare_entries(const void *a, const void *b, void *context)
{
    (void)context;
    const struct unneeded_entry *x = a, *y = b;
    int order = y->node.is_empty - x->node.is_empty;
    return order ? order : kerf_name_compare(x->name, y->name);
}

static int32_t *count_deletions(struct kerf_autoscaling *autoscaling)
{
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    int32_t *counts = KERF_NEW_ARRAY(&autoscaling->arena, int32_t, moment->group_count);
    for (uint32_t i = 0; i < moment->deleting_empty_node_count + moment->draining_node_count; i++) {
        kerf_node_id id = i < moment->deleting_empty_node_count ? moment->deleting_empty_nodes[i]
                                                                : moment->draining_nodes[i - moment->deleting_empty_node_count];
        const struct kerf_cluster_node *node = kerf_cluster_node(autoscaling->cluster, id);
        uint32_t g = node ? kerf_autoscaling_group_of(autoscaling, &node->node.meta.labels) : KERF_NOT_FOUND;
        if (g != KERF_NOT_FOUND)
            counts[g]++;
    }
    return counts;
}

static enum kerf_unremovable_reason reason_to_wait(struct choosing *choosing, const struct unneeded_entry *entry)
{
    struct kerf_autoscaling *autoscaling = choosing->autoscaling;
    const struct kerf_autoscaler_options *options = autoscaling->options;
    const struct kerf_node *node = &kerf_cluster_node(autoscaling->cluster, entry->node.node)->node;
    uint32_t g = kerf_autoscaling_group_of(autoscaling, &node->meta.labels);
    const struct kerf_autoscaling_group *group = &autoscaling->moment->groups[g];
    if (kerf_node_has_annotation_true(autoscaling, node, "cluster-autoscaler.kubernetes.io/scale-down-disabled"))
        return KERF_UNREMOVABLE_SCALE_DOWN_DISABLED;
    bool ready = kerf_autoscaling_is_ready(autoscaling->cluster, node, NULL);
    kerf_time_us wait = ready ? options->scale_down_unneeded_time_us : options->scale_down_unready_time_us;
    if (entry->node.since_epoch_us + wait >= autoscaling->now_epoch_us)
        return ready ? KERF_UNREMOVABLE_NOT_UNNEEDED_LONG_ENOUGH : KERF_UNREMOVABLE_NOT_UNREADY_LONG_ENOUGH;
    if (choosing->group_sizes[g] - choosing->deletions[g] <= group->min_size)
        return KERF_UNREMOVABLE_GROUP_MIN_SIZE;
    struct cluster_amounts amounts = kerf_cluster_amounts_of(node);
    if (amounts.cores > choosing->left.cores || amounts.memory_bytes > choosing->left.memory_bytes)
        return KERF_UNREMOVABLE_MINIMAL_RESOURCE_LIMIT;
    if (entry->has_on_completion_pod)
        return KERF_UNREMOVABLE_ON_COMPLETION_POD;
    choosing->left.cores -= amounts.cores;
    choosing->left.memory_bytes -= amounts.memory_bytes;
    choosing->group_sizes[g]--;
    return KERF_UNREMOVABLE_NONE;
}

/** Nodes of one kind in the order in which groups first appear. Returns how many fit the budget. */
static uint32_t crop(struct kerf_autoscaling *autoscaling, const kerf_node_id *nodes, uint32_t count, int64_t budget,
                     const kerf_node_id **out_nodes)
{
    kerf_node_id *kept = KERF_NEW_ARRAY(&autoscaling->arena, kerf_node_id, count);
    bool *taken = KERF_NEW_ARRAY(&autoscaling->arena, bool, count);
    uint32_t kept_count = 0;
    for (uint32_t first = 0; first < count; first++) {
        if (taken[first])
            continue;
        uint32_t group =
            kerf_autoscaling_group_of(autoscaling, &kerf_cluster_node(autoscaling->cluster, nodes[first])->node.meta.labels);
        for (uint32_t i = first; i < count; i++) {
            if (taken[i] || kerf_autoscaling_group_of(
                                autoscaling, &kerf_cluster_node(autoscaling->cluster, nodes[i])->node.meta.labels) != group)
                continue;
            taken[i] = true;
            if (kept_count < budget)
                kept[kept_count++] = nodes[i];
        }
    }
    *out_nodes = kept;
    return kept_count;
}

void kerf_removal_choose(struct kerf_autoscaling *autoscaling, struct kerf_scale_down *result)
{
    struct kerf_arena *arena = &autoscaling->arena;
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    const struct kerf_autoscaler_options *options = autoscaling->options;
    uint32_t count = (uint32_t)autoscaling->unneeded.count;
    struct unneeded_entry *order = kerf_arena_copy(arena, autoscaling->unneeded.items, count * sizeof *order);
    kerf_sort(order, count, sizeof *order, compare_entries, NULL);
    struct cluster_amounts used = kerf_cluster_amounts_used(autoscaling, true);
    struct choosing choosing = {.autoscaling = autoscaling,
                                .group_sizes = KERF_NEW_ARRAY(arena, int32_t, moment->group_count),
                                .deletions = count_deletions(autoscaling),
                                .left = {used.cores - options->cores_min, used.memory_bytes - options->memory_min_bytes}};
    for (uint32_t g = 0; g < moment->group_count; g++)
        choosing.group_sizes[g] = moment->groups[g].target_size;
    kerf_node_id *empty = KERF_NEW_ARRAY(arena, kerf_node_id, count), *drain = KERF_NEW_ARRAY(arena, kerf_node_id, count);
    kerf_node_id *risky = KERF_NEW_ARRAY(arena, kerf_node_id, count);
    struct kerf_unremovable_node *not_yet = KERF_NEW_ARRAY(arena, struct kerf_unremovable_node, count);
    uint32_t risky_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        enum kerf_unremovable_reason reason = reason_to_wait(&choosing, &order[i]);
        if (reason != KERF_UNREMOVABLE_NONE)
            not_yet[result->not_yet_count++] =
                (struct kerf_unremovable_node){.node = order[i].node.node, .reason = reason, .pod = KERF_NO_POD};
        else if (order[i].node.is_empty)
            empty[result->empty_count++] = order[i].node.node;
        else if (order[i].node.is_risky)
            risky[risky_count++] = order[i].node.node;
        else
            drain[result->drain_count++] = order[i].node.node;
    }
    for (uint32_t i = 0; i < risky_count; i++)
        drain[result->drain_count++] = risky[i];
    result->empty = empty;
    result->drain = drain;
    result->not_yet = not_yet;

    int64_t budget = options->max_scale_down_parallelism - moment->deleting_empty_node_count - moment->draining_node_count;
    int64_t drain_budget = options->max_drain_parallelism - moment->draining_node_count;
    result->delete_empty_count = crop(autoscaling, empty, result->empty_count, budget, &result->delete_empty);
    drain_budget = kerf_min_i64(drain_budget, budget - result->delete_empty_count);
    result->delete_drain_count = crop(autoscaling, drain, result->drain_count, drain_budget, &result->delete_drain);
}
