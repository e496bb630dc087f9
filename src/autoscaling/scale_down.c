/** The scale-down plan: which nodes are unneeded, found by removing them on paper one after the other (10.1 to 10.3). */
#include "autoscaling_internal.h"

enum { DELETION_SECONDS = 300 };

struct candidate {
    uint32_t node; /* index in the list of the loop's start */
    kerf_node_id id;
    bool is_empty;
    bool has_on_completion_pod;
    bool was_unneeded;
};

struct plan {
    struct kerf_autoscaling *autoscaling;
    struct kerf_scale_down *result;
    struct budget_tracker budgets;
    struct candidate *candidates;
    uint32_t candidate_count;
    struct kerf_node_utilization *utilizations;
    struct kerf_unremovable_node *unremovable;
    struct unneeded_entry *removable;
    uint32_t removable_count;
};

/* ---- candidates
 * --------------------------------------------------------------------------------------------------------------------- */

static uint32_t find_unneeded(const struct kerf_autoscaling *autoscaling, kerf_node_id id)
{
    for (size_t i = 0; i < autoscaling->unneeded.count; i++)
        if (kerf_node_id_equal(autoscaling->unneeded.items[i].node.node, id))
            return (uint32_t)i;
    return KERF_NOT_FOUND;
}

static bool is_held(const struct kerf_autoscaling *autoscaling, kerf_node_id id)
{
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    for (uint32_t i = 0; i < moment->held_node_count; i++)
        if (kerf_node_id_equal(moment->held_nodes[i], id))
            return true;
    return false;
}

static int compare_candidates(const void *a, const void *b, void *context)
{
    (void)context;
    const struct candidate *x = a, *y = b;
    int order = y->is_empty - x->is_empty;
    order = order ? order : x->has_on_completion_pod - y->has_on_completion_pod;
    return order ? order : y->was_unneeded - x->was_unneeded;
}

/** Nodes of groups above their minimum, empty ones first, then those that were unneeded before; else by name. */
static void find_candidates(struct plan *plan)
{
    struct kerf_autoscaling *autoscaling = plan->autoscaling;
    uint32_t count = (uint32_t)autoscaling->list.nodes.count;
    plan->candidates = KERF_NEW_ARRAY(&autoscaling->arena, struct candidate, count);
    for (uint32_t i = 0; i < count; i++) {
        struct listed_node *listed = &autoscaling->list.nodes.items[i];
        if (kerf_node_id_equal(listed->id, KERF_NO_NODE) || kerf_node_is_being_deleted(autoscaling, listed->id))
            continue;
        listed->marks |= NODE_DESTINATION;
        if (listed->group_index == KERF_NOT_FOUND || is_held(autoscaling, listed->id))
            continue;
        const struct kerf_autoscaling_group *group = &autoscaling->moment->groups[listed->group_index];
        if (group->target_size <= group->min_size)
            continue;
        struct pods_to_move pods = kerf_pods_to_move(autoscaling, NULL, listed->slot);
        plan->candidates[plan->candidate_count++] =
            (struct candidate){.node = i,
                               .id = listed->id,
                               .is_empty = !pods.blocking && !pods.count,
                               .has_on_completion_pod = pods.has_on_completion_pod,
                               .was_unneeded = find_unneeded(autoscaling, listed->id) != KERF_NOT_FOUND};
    }
    kerf_sort(plan->candidates, plan->candidate_count, sizeof *plan->candidates, compare_candidates, NULL);
}

/* ---- eligibility
 * -------------------------------------------------------------------------------------------------------------------- */

static void add_unremovable(struct plan *plan, struct kerf_unremovable_node entry)
{
    plan->unremovable[plan->result->unremovable_count++] = entry;
}

/** Nodes that a simulation found unremovable rest for a while. */
static void forget_old_failures(struct kerf_autoscaling *autoscaling)
{
    size_t kept = 0;
    for (size_t i = 0; i < autoscaling->unremovable.count; i++)
        if (autoscaling->unremovable.items[i].until_epoch_us > autoscaling->now_epoch_us)
            autoscaling->unremovable.items[kept++] = autoscaling->unremovable.items[i];
    autoscaling->unremovable.count = kept;
}

static bool failed_recently(const struct kerf_autoscaling *autoscaling, kerf_node_id id)
{
    for (size_t i = 0; i < autoscaling->unremovable.count; i++)
        if (kerf_node_id_equal(autoscaling->unremovable.items[i].node, id))
            return true;
    return false;
}

/** Its deletion was begun less than five minutes ago: the taint's value says when. */
static bool was_tainted_lately(const struct kerf_autoscaling *autoscaling, const struct kerf_node *node)
{
    int64_t seconds;
    for (size_t i = 0; i < node->taints.count; i++) {
        const struct kerf_taint *taint = &node->taints.items[i];
        if (kerf_name_is(taint->key, KERF_TO_BE_DELETED_TAINT) && taint->value && kerf_parse_i64(taint->value->text, &seconds))
            return autoscaling->now_epoch_us / KERF_SECOND_US - seconds < DELETION_SECONDS;
    }
    return false;
}

static enum kerf_unremovable_reason reason_to_skip(struct plan *plan, const struct listed_node *listed)
{
    struct kerf_autoscaling *autoscaling = plan->autoscaling;
    const struct kerf_autoscaler_options *options = autoscaling->options;
    const struct kerf_node *node = kerf_listed_node_of(autoscaling, listed);
    if (failed_recently(autoscaling, listed->id))
        return KERF_UNREMOVABLE_RECENTLY;
    if (was_tainted_lately(autoscaling, node))
        return KERF_UNREMOVABLE_BEING_DELETED;
    if (kerf_node_has_annotation_true(autoscaling, node, "cluster-autoscaler.kubernetes.io/scale-down-disabled"))
        return KERF_UNREMOVABLE_SCALE_DOWN_DISABLED;
    if (!options->scale_down_unready_enabled && !kerf_autoscaling_is_ready(autoscaling->cluster, node, NULL))
        return KERF_UNREMOVABLE_SCALE_DOWN_UNREADY_DISABLED;
    bool is_gpu;
    double utilization = kerf_node_utilization_of(autoscaling, listed, &is_gpu);
    plan->utilizations[plan->result->utilization_count++] = (struct kerf_node_utilization){listed->id, utilization};
    double threshold = is_gpu ? options->scale_down_gpu_utilization_threshold : options->scale_down_utilization_threshold;
    return utilization > threshold ? KERF_UNREMOVABLE_NOT_UNDERUTILIZED : KERF_UNREMOVABLE_NONE;
}

/** Leaves the eligible ones in the list of candidates. */
static void drop_ineligible(struct plan *plan)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->candidate_count; i++) {
        const struct candidate *candidate = &plan->candidates[i];
        enum kerf_unremovable_reason reason = reason_to_skip(plan, &plan->autoscaling->list.nodes.items[candidate->node]);
        if (reason == KERF_UNREMOVABLE_NONE)
            plan->candidates[kept++] = *candidate;
        else
            add_unremovable(plan, (struct kerf_unremovable_node){.node = candidate->id, .reason = reason, .pod = KERF_NO_POD});
    }
    plan->candidate_count = kept;
}

/* ---- removal on paper
 * ---------------------------------------------------------------------------------------------------------------- */

/** How many nodes may be unneeded: enough for the deletions of the time that a node waits. */
static uint32_t unneeded_limit(const struct kerf_autoscaling *autoscaling)
{
    int64_t n = autoscaling->options->max_scale_down_parallelism;
    kerf_time_us interval = kerf_max_i64(autoscaling->shortest_interval_us, 1000);
    kerf_time_us unneeded = kerf_max_i64(autoscaling->options->scale_down_unneeded_time_us, interval);
    int64_t upper = n * (unneeded / interval) + n;
    return (uint32_t)kerf_max_i64(kerf_min_i64((int64_t)autoscaling->unneeded.count + 2 * n, upper), 0);
}

static uint32_t listed_at(const struct kerf_autoscaling *autoscaling, kerf_node_id id, uint32_t guess)
{
    uint32_t at = guess < autoscaling->list.nodes.count ? guess : (uint32_t)autoscaling->list.nodes.count - 1;
    while (!kerf_node_id_equal(autoscaling->list.nodes.items[at].id, id))
        at--; /* nodes only leave: it moved to the front, if at all */
    return at;
}

/** Its pods leave it, and it stays as an empty copy that nobody may use, so that spreads still count its domain. */
static void make_ghost(struct kerf_autoscaling *autoscaling, uint32_t slot)
{
    struct kerf_taint *taint = KERF_NEW(&autoscaling->arena, struct kerf_taint);
    *taint =
        (struct kerf_taint){.key = kerf_name_of(kerf_cluster_vocabulary(autoscaling->cluster)->names, KERF_TO_BE_DELETED_TAINT),
                            .effect = KERF_TAINT_NO_SCHEDULE};
    uint32_t count;
    const pod_ref *there = kerf_binding_supposed_pods(autoscaling->binding, slot, &count);
    while (count) {
        kerf_binding_suppose_no_pod(autoscaling->binding, slot, there[count - 1]);
        there = kerf_binding_supposed_pods(autoscaling->binding, slot, &count);
    }
    kerf_binding_suppose_taints(autoscaling->binding, slot, (struct kerf_taints){taint, 1});
}

static bool has_budget_for_all(const struct plan *plan, const struct pods_to_move *pods)
{
    const struct kerf_cluster *cluster = plan->autoscaling->cluster;
    size_t pdb_count = kerf_cluster_objects(cluster)->pdbs.count;
    struct kerf_arena_mark mark = kerf_arena_mark(&plan->autoscaling->arena);
    int64_t *wanted = KERF_NEW_ARRAY(&plan->autoscaling->arena, int64_t, pdb_count);
    bool enough = true;
    for (uint32_t i = 0; i < pods->count; i++) {
        size_t count;
        const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(cluster, pods->pods[i]->id, &count);
        for (size_t p = 0; p < count; p++)
            enough &= ++wanted[pdbs[p]] <= plan->budgets.left[pdbs[p]];
    }
    kerf_arena_rewind(&plan->autoscaling->arena, mark);
    return enough;
}

static void use_budgets(const struct plan *plan, const struct pods_to_move *pods)
{
    for (uint32_t i = 0; i < pods->count; i++) {
        size_t count;
        const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(plan->autoscaling->cluster, pods->pods[i]->id, &count);
        for (size_t p = 0; p < count; p++)
            plan->budgets.left[pdbs[p]]--;
    }
}

/** True: all its pods find a place elsewhere, and they are there now; the node is gone. */
static bool move_pods(struct plan *plan, uint32_t at, const struct pods_to_move *pods)
{
    struct kerf_autoscaling *autoscaling = plan->autoscaling;
    struct listed_node *listed = &autoscaling->list.nodes.items[at];
    size_t mark = kerf_binding_suppose_mark(autoscaling->binding);
    listed->marks &= ~(unsigned)NODE_DESTINATION;
    pod_ref *moving = kerf_arena_copy(&autoscaling->arena, pods->pods, pods->count * sizeof *moving);
    uint32_t *places = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, pods->count);
    make_ghost(autoscaling, listed->slot);
    kerf_pods_sort_by_priority(moving, pods->count);
    uint32_t found =
        kerf_pod_places_find(autoscaling, &autoscaling->moving_hints, moving, pods->count, NODE_DESTINATION, true, places);
    if (found < pods->count) {
        kerf_binding_suppose_rewind(autoscaling->binding, mark);
        listed->marks |= NODE_DESTINATION;
        return false;
    }
    kerf_node_list_remove(autoscaling, at);
    return true;
}

static void try_candidate(struct plan *plan, const struct candidate *candidate)
{
    struct kerf_autoscaling *autoscaling = plan->autoscaling;
    uint32_t at = listed_at(autoscaling, candidate->id, candidate->node);
    kerf_name name = autoscaling->list.nodes.items[at].name;
    struct pods_to_move pods = kerf_pods_to_move(autoscaling, &plan->budgets, autoscaling->list.nodes.items[at].slot);
    struct kerf_unremovable_node failure = {.node = candidate->id, .reason = KERF_UNREMOVABLE_NONE, .pod = KERF_NO_POD};
    if (pods.blocking) {
        failure.reason = KERF_UNREMOVABLE_BLOCKED_BY_POD;
        failure.pod = pods.blocking->id;
        failure.pod_reason = pods.reason;
    } else if (!move_pods(plan, at, &pods)) {
        failure.reason = KERF_UNREMOVABLE_NO_PLACE;
    }
    if (failure.reason != KERF_UNREMOVABLE_NONE) {
        add_unremovable(plan, failure);
        KERF_VEC_PUSH(&autoscaling->unremovable,
                      (struct unremovable_entry){candidate->id,
                                                 autoscaling->now_epoch_us + autoscaling->options->unremovable_node_recheck_us});
        return;
    }
    bool is_risky = !has_budget_for_all(plan, &pods);
    use_budgets(plan, &pods);
    uint32_t before = find_unneeded(autoscaling, candidate->id);
    plan->removable[plan->removable_count++] = (struct unneeded_entry){
        .node = {.node = candidate->id,
                 .since_epoch_us = before != KERF_NOT_FOUND ? autoscaling->unneeded.items[before].node.since_epoch_us
                                                            : autoscaling->now_epoch_us,
                 .is_empty = pods.count == 0,
                 .is_risky = is_risky},
        .name = name,
        .has_on_completion_pod = pods.has_on_completion_pod,
    };
}

/* ---- the plan
 * ----------------------------------------------------------------------------------------------------------------------- */

static void note_interval(struct kerf_autoscaling *autoscaling)
{
    if (autoscaling->last_plan_epoch_us != KERF_TIME_UNSET)
        autoscaling->shortest_interval_us =
            kerf_min_i64(autoscaling->shortest_interval_us, autoscaling->now_epoch_us - autoscaling->last_plan_epoch_us);
    autoscaling->last_plan_epoch_us = autoscaling->now_epoch_us;
}

static void read_budgets(struct plan *plan)
{
    const struct kerf_cluster *cluster = plan->autoscaling->cluster;
    size_t count = kerf_cluster_objects(cluster)->pdbs.count;
    plan->budgets.left = KERF_NEW_ARRAY(&plan->autoscaling->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++)
        plan->budgets.left[i] = kerf_cluster_pdb_state(cluster, i).disruptions_allowed;
}

const struct kerf_scale_down *kerf_autoscaling_scale_down(struct kerf_autoscaling *autoscaling)
{
    struct kerf_arena *arena = &autoscaling->arena;
    uint32_t count = (uint32_t)autoscaling->list.nodes.count;
    struct plan plan = {.autoscaling = autoscaling,
                        .result = KERF_NEW(arena, struct kerf_scale_down),
                        .utilizations = KERF_NEW_ARRAY(arena, struct kerf_node_utilization, count),
                        .unremovable = KERF_NEW_ARRAY(arena, struct kerf_unremovable_node, count),
                        .removable = KERF_NEW_ARRAY(arena, struct unneeded_entry, count)};
    note_interval(autoscaling);
    forget_old_failures(autoscaling);
    read_budgets(&plan);
    struct listed_node *list_before = kerf_arena_copy(arena, autoscaling->list.nodes.items, count * sizeof *list_before);
    size_t mark = kerf_binding_suppose_mark(autoscaling->binding);
    find_candidates(&plan);
    drop_ineligible(&plan);
    for (uint32_t i = 0, limit = unneeded_limit(autoscaling); i < plan.candidate_count && plan.removable_count < limit; i++)
        try_candidate(&plan, &plan.candidates[i]);
    kerf_binding_suppose_rewind(autoscaling->binding, mark);
    if (count > 0)
        memcpy(autoscaling->list.nodes.items, list_before, count * sizeof *list_before);
    autoscaling->list.nodes.count = count;
    kerf_place_hints_age(&autoscaling->moving_hints);

    struct kerf_unneeded_node *unneeded = KERF_NEW_ARRAY(arena, struct kerf_unneeded_node, plan.removable_count);
    autoscaling->unneeded.count = 0;
    for (uint32_t i = 0; i < plan.removable_count; i++) {
        KERF_VEC_PUSH(&autoscaling->unneeded, plan.removable[i]);
        unneeded[i] = plan.removable[i].node;
    }
    plan.result->unneeded = unneeded;
    plan.result->unneeded_count = plan.removable_count;
    plan.result->utilizations = plan.utilizations;
    plan.result->unremovable = plan.unremovable;
    kerf_removal_choose(autoscaling, plan.result);
    return plan.result;
}

kerf_time_us kerf_autoscaling_next_change(const struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us)
{
    const struct kerf_autoscaler_options *options = autoscaling->options;
    kerf_time_us next = KERF_TIME_NEVER;
    for (size_t i = 0; i < autoscaling->unneeded.count; i++) {
        kerf_time_us since = autoscaling->unneeded.items[i].node.since_epoch_us;
        kerf_time_us ages[] = {since + options->scale_down_unneeded_time_us, since + options->scale_down_unready_time_us};
        for (int a = 0; a < 2; a++)
            if (ages[a] >= now_epoch_us)
                next = kerf_min_i64(next, ages[a]);
    }
    for (size_t i = 0; i < autoscaling->unremovable.count; i++)
        next = kerf_min_i64(next, autoscaling->unremovable.items[i].until_epoch_us);
    return next;
}

void kerf_autoscaling_pass_over(struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us)
{
    autoscaling->now_epoch_us = now_epoch_us;
    note_interval(autoscaling);
}

void kerf_autoscaling_drop_unneeded(struct kerf_autoscaling *autoscaling)
{
    autoscaling->unneeded.count = 0;
}
