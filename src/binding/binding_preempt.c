/** Preemption: whose pods would have to go so that this one fits, and on which node (kube-scheduler.md 3). */
#include "binding_internal.h"
#include "random/random.h"

struct victims {
    uint32_t slot;
    kerf_pod_id *pods;
    uint32_t count;
    uint32_t violation_count;
    int32_t highest_priority;
    kerf_i128 priority_sum;
    kerf_time_us earliest_start_epoch_us; /* among those of the highest priority */
};

/** A pod that hasn't started yet counts as starting now. */
static kerf_time_us start_of(const struct kerf_cluster *cluster, const struct kerf_pod *pod)
{
    kerf_time_us started_epoch_us = kerf_pod_status(pod)->started_epoch_us;
    return started_epoch_us == KERF_TIME_UNSET ? kerf_cluster_now(cluster) : started_epoch_us;
}

static int compare_importance(const void *a, const void *b, void *context)
{
    const struct kerf_cluster *cluster = context;
    const struct kerf_pod *x = &kerf_cluster_pod(cluster, *(const kerf_pod_id *)a)->pod;
    const struct kerf_pod *y = &kerf_cluster_pod(cluster, *(const kerf_pod_id *)b)->pod;
    int order = kerf_compare_i64(kerf_pod_priority(y), kerf_pod_priority(x));
    return order ? order : kerf_compare_i64(start_of(cluster, x), start_of(cluster, y));
}

/** Uses up the budgets that select the pod; true if one of them had nothing left. */
static bool violates_budget(const struct kerf_cluster *cluster, kerf_pod_id id, int64_t *allowed)
{
    const struct kerf_objects *objects = kerf_cluster_objects(cluster);
    if (!kerf_cluster_pod(cluster, id)->pod.meta.labels.count)
        return false;
    size_t count;
    const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(cluster, id, &count);
    bool violating = false;
    for (size_t i = 0; i < count; i++) {
        const struct kerf_label_selector *selector = &objects->pdbs.items[pdbs[i]].selector;
        if (selector->expressions.count == 0)
            continue; /* here an empty selector selects nothing */
        if (kerf_labels_get(&objects->pdbs.items[pdbs[i]].disrupted_pods, kerf_cluster_pod(cluster, id)->pod.meta.name))
            continue; /* counted as gone already */
        violating |= --allowed[pdbs[i]] < 0;
    }
    return violating;
}

struct dry_run {
    struct attempt *attempt;
    struct node_view view;
    int64_t used[KERF_RESOURCE_MAX];
    kerf_pod_id *removed;
};

static void change_room(struct dry_run *run, const struct kerf_pod *pod, int32_t sign)
{
    for (int r = 0; r < KERF_RESOURCE_MAX; r++)
        if (r != KERF_RESOURCE_PODS)
            run->used[r] += sign * kerf_binding_unit_amount((enum kerf_resource)r, pod->requests->amounts[r]);
    run->used[KERF_RESOURCE_PODS] += sign;
    kerf_attempt_count_pod(run->attempt, run->view.slot, pod, sign);
}

static void take_away(struct dry_run *run, kerf_pod_id id)
{
    run->removed[run->view.removed_count++] = id;
    change_room(run, &kerf_cluster_pod(run->attempt->binding->cluster, id)->pod, -1);
}

static void put_back(struct dry_run *run, kerf_pod_id id)
{
    uint32_t at = 0;
    while (!kerf_pod_id_equal(run->removed[at], id))
        at++;
    run->view.removed_count--;
    for (uint32_t i = at; i < run->view.removed_count; i++)
        run->removed[i] = run->removed[i + 1];
    change_room(run, &kerf_cluster_pod(run->attempt->binding->cluster, id)->pod, 1);
}

static bool fits(struct dry_run *run)
{
    struct refusal refusal;
    return kerf_attempt_filter_nominated(run->attempt, &run->view, &refusal);
}

/** Those of the list that cannot go back are victims. */
static uint32_t reprieve(struct dry_run *run, const kerf_pod_id *pods, uint32_t count, struct victims *victims)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < count; i++) {
        put_back(run, pods[i]);
        if (fits(run))
            continue;
        take_away(run, pods[i]);
        victims->pods[victims->count++] = pods[i];
        lost++;
    }
    return lost;
}

/** Fewest victims on one node; false: even without all pods of lower priority it doesn't fit. */
static bool select_victims(struct attempt *attempt, uint32_t slot, struct victims *out_victims)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, attempt->binding->nodes[slot].id);
    int32_t priority = kerf_pod_priority(&attempt->pod->pod);
    if (attempt->binding->nodes[slot].lowest_priority >= priority)
        return false;
    kerf_pod_id *potential = KERF_NEW_ARRAY(attempt->arena, kerf_pod_id, node->pod_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, node->pods[i])->pod;
        if (!kerf_pod_is_terminal(pod) && kerf_pod_priority(pod) < priority)
            potential[count++] = node->pods[i];
    }
    if (!count)
        return false;
    struct dry_run run = {.attempt = attempt, .view = kerf_view_of(attempt->binding, slot)};
    memcpy(run.used, run.view.used, sizeof run.used);
    run.view.used = run.used;
    run.removed = KERF_NEW_ARRAY(attempt->arena, kerf_pod_id, count);
    run.view.removed = run.removed;
    for (uint32_t i = 0; i < count; i++)
        take_away(&run, potential[i]);
    *out_victims = (struct victims){.slot = slot, .pods = KERF_NEW_ARRAY(attempt->arena, kerf_pod_id, count)};
    bool found = fits(&run);
    if (found) {
        kerf_sort(potential, count, sizeof *potential, compare_importance, (void *)(uintptr_t)cluster);
        size_t pdb_count = kerf_cluster_objects(cluster)->pdbs.count;
        int64_t *allowed = KERF_NEW_ARRAY(attempt->arena, int64_t, pdb_count);
        for (uint32_t i = 0; i < pdb_count; i++)
            allowed[i] = kerf_cluster_pdb_state(cluster, i).disruptions_allowed;
        kerf_pod_id *violating = KERF_NEW_ARRAY(attempt->arena, kerf_pod_id, count);
        kerf_pod_id *others = KERF_NEW_ARRAY(attempt->arena, kerf_pod_id, count);
        uint32_t violating_count = 0, other_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (violates_budget(cluster, potential[i], allowed))
                violating[violating_count++] = potential[i];
            else
                others[other_count++] = potential[i];
        }
        out_victims->violation_count = reprieve(&run, violating, violating_count, out_victims);
        reprieve(&run, others, other_count, out_victims);
    }
    while (run.view.removed_count) /* the counts are the attempt's: leave them as they were */
        put_back(&run, run.removed[0]);
    return found;
}

static void weigh(const struct kerf_cluster *cluster, struct victims *victims)
{
    victims->highest_priority = INT32_MIN;
    victims->priority_sum = 0;
    victims->earliest_start_epoch_us = INT64_MAX;
    for (uint32_t i = 0; i < victims->count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, victims->pods[i])->pod;
        victims->priority_sum += (kerf_i128)kerf_pod_priority(pod) + ((int64_t)1 << 31);
        if (kerf_pod_priority(pod) > victims->highest_priority) {
            victims->highest_priority = kerf_pod_priority(pod);
            victims->earliest_start_epoch_us = INT64_MAX;
        }
        if (kerf_pod_priority(pod) == victims->highest_priority)
            victims->earliest_start_epoch_us = kerf_min_i64(victims->earliest_start_epoch_us, start_of(cluster, pod));
    }
}

/** Negative: a is the better node to preempt on. */
static int compare_victims(const struct kerf_binding *binding, const struct victims *a, const struct victims *b)
{
    int order = kerf_compare_u64(a->violation_count, b->violation_count);
    order = order ? order : kerf_compare_i64(a->highest_priority, b->highest_priority);
    order = order ? order : (a->priority_sum > b->priority_sum) - (a->priority_sum < b->priority_sum);
    order = order ? order : kerf_compare_u64(a->count, b->count);
    order = order ? order : kerf_compare_i64(b->earliest_start_epoch_us, a->earliest_start_epoch_us);
    return order ? order : kerf_name_compare(binding->nodes[a->slot].name, binding->nodes[b->slot].name);
}

/** A lower pod on the nominated node is going already: wait for its room instead of asking for more. */
static bool waits_for_victims(const struct attempt *attempt)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    kerf_name nominated = kerf_pod_status(&attempt->pod->pod)->nominated_node_name;
    uint32_t slot = nominated ? kerf_name_map_get(&attempt->binding->slot_by_name, nominated) : KERF_NOT_FOUND;
    if (slot == KERF_NOT_FOUND)
        return false;
    bool may_help = false;
    for (size_t i = 0; i < attempt->binding->candidates.count; i++)
        may_help |= attempt->binding->candidates.items[i] == slot;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, attempt->binding->nodes[slot].id);
    for (uint32_t i = 0; may_help && i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, node->pods[i])->pod;
        if (kerf_pod_is_terminating(pod) && kerf_pod_priority(pod) < kerf_pod_priority(&attempt->pod->pod))
            return true;
    }
    return false;
}

void kerf_binding_preempt(struct attempt *attempt, struct kerf_binding_decision *decision)
{
    const struct kerf_binding *binding = attempt->binding;
    size_t candidate_count = binding->candidates.count;
    if (attempt->spec->preemption_policy == KERF_PREEMPT_NEVER || !candidate_count)
        return;
    decision->waits_for_victims = waits_for_victims(attempt);
    if (decision->waits_for_victims)
        return;
    size_t wanted = candidate_count / 10 > 100 ? candidate_count / 10 : 100;
    size_t offset = 0;
    if (binding->options.draw_ties) {
        struct kerf_stream stream =
            kerf_stream_open(binding->options.tie_seed, 0, KERF_PURPOSE_NODE_TIE,
                             kerf_hash_mix(kerf_hash_text(kerf_name_text(attempt->pod->pod.meta.uid)), 1));
        offset = (size_t)kerf_draw_below(&stream, candidate_count);
    }
    struct victims best = {0};
    size_t found = 0;
    bool any_without_violation = false;
    for (size_t i = 0; i < candidate_count && !(any_without_violation && found >= wanted); i++) {
        uint32_t slot = binding->candidates.items[(offset + i) % candidate_count];
        struct victims victims;
        if (!select_victims(attempt, slot, &victims))
            continue;
        weigh(binding->cluster, &victims);
        any_without_violation |= victims.violation_count == 0;
        if (!found++ || compare_victims(binding, &victims, &best) < 0)
            best = victims;
    }
    if (!found)
        return;
    decision->preempted_node = binding->nodes[best.slot].id;
    decision->victims = best.pods;
    decision->victim_count = best.count;
}
