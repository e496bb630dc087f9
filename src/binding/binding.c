/** The decision for one pod: search, score, choose, and preempt when nothing fits; and the rules of the queue. */
#include "binding_internal.h"
#include "random/random.h"

#include <stdlib.h>

static const struct {
    const char *name;
    int64_t weight;
} score_plugins[KERF_SCORE_PLUGIN_COUNT] = {
    [KERF_SCORE_TAINT_TOLERATION] = {"TaintToleration", 3},
    [KERF_SCORE_NODE_AFFINITY] = {"NodeAffinity", 2},
    [KERF_SCORE_TOPOLOGY_SPREAD] = {"PodTopologySpread", 2},
    [KERF_SCORE_INTER_POD_AFFINITY] = {"InterPodAffinity", 2},
    [KERF_SCORE_RESOURCES_FIT] = {"NodeResourcesFit", 1},
    [KERF_SCORE_BALANCED_ALLOCATION] = {"NodeResourcesBalancedAllocation", 1},
    [KERF_SCORE_IMAGE_LOCALITY] = {"ImageLocality", 1},
};

const char *kerf_score_plugin_text(enum kerf_score_plugin plugin)
{
    return score_plugins[plugin].name;
}

/* ---- making
 * --------------------------------------------------------------------------------------------------------------------------- */

static void read_weights(struct kerf_binding *binding)
{
    const struct kerf_scheduler_configuration *configuration = binding->configuration;
    for (uint32_t plugin = 0; plugin < KERF_SCORE_PLUGIN_COUNT; plugin++) {
        binding->weights[plugin] = score_plugins[plugin].weight;
        for (uint32_t i = 0; i < configuration->disabled_plugin_count; i++)
            if (kerf_name_is(configuration->disabled_plugins[i], "*") ||
                kerf_name_is(configuration->disabled_plugins[i], score_plugins[plugin].name))
                binding->weights[plugin] = 0;
        for (uint32_t i = 0; i < configuration->plugin_weight_count; i++)
            if (kerf_name_is(configuration->plugin_weights[i].resource, score_plugins[plugin].name))
                binding->weights[plugin] = configuration->plugin_weights[i].weight;
    }
}

struct kerf_binding *kerf_binding_new(const struct kerf_cluster *cluster, struct kerf_binding_options options)
{
    struct kerf_binding *binding = kerf_allocate(sizeof *binding);
    binding->cluster = cluster;
    binding->options = options;
    binding->configuration = &kerf_cluster_objects(cluster)->scheduler;
    binding->images_stale = true;
    binding->lowest_priority = INT32_MAX;
    kerf_arena_init(&binding->scratch);
    kerf_arena_init(&binding->filter_arena);
    kerf_arena_init(&binding->label_arena);
    read_weights(binding);
    return binding;
}

void kerf_binding_free(struct kerf_binding *binding)
{
    if (!binding)
        return;
    kerf_binding_suppose_fini(binding);
    kerf_binding_kinds_fini(binding);
    kerf_binding_snapshot_fini(binding);
    KERF_VEC_FREE(&binding->refusals);
    KERF_VEC_FREE(&binding->candidates);
    kerf_arena_fini(&binding->scratch);
    free(binding);
}

/* ---- searching
 * ------------------------------------------------------------------------------------------------------------------------ */

/** How many feasible nodes to find among so many (section 6). */
static uint32_t nodes_to_find(const struct kerf_binding *binding, uint32_t node_count)
{
    enum { AT_LEAST = 100, PERCENT_MIN = 5 };
    if (node_count < AT_LEAST)
        return node_count;
    uint32_t percent = (uint32_t)kerf_max_i64(binding->configuration->percentage_of_nodes_to_score, 0);
    if (percent == 0)
        percent = node_count / 125 < 50 - PERCENT_MIN ? 50 - node_count / 125 : PERCENT_MIN;
    if (percent >= 100)
        return node_count;
    uint32_t wanted = (uint32_t)((uint64_t)node_count * percent / 100);
    return wanted < AT_LEAST ? AT_LEAST : wanted;
}

static void note_refusal(struct kerf_binding *binding, uint32_t slot, const struct refusal *refusal)
{
    if (refusal->resolvable)
        KERF_VEC_PUSH(&binding->candidates, slot);
    if (binding->options.explain)
        KERF_VEC_PUSH(&binding->refusals, (struct kerf_node_refusal){.node = binding->nodes[slot].id,
                                                                     .plugin = refusal->plugin,
                                                                     .reason = refusal->reason,
                                                                     .preemption_might_help = refusal->resolvable});
}

/** Nodes to examine: all in the order of the tree, or those that the pod's affinity names. */
static const uint32_t *nodes_to_examine(struct attempt *attempt, uint32_t *out_count)
{
    const struct kerf_binding *binding = attempt->binding;
    *out_count = binding->order_count;
    if (!attempt->restricted)
        return binding->order;
    uint32_t *slots = KERF_NEW_ARRAY(attempt->arena, uint32_t, attempt->restricted_count);
    *out_count = 0;
    for (uint32_t i = 0; i < attempt->restricted_count; i++) {
        uint32_t slot = kerf_name_map_get(&binding->slot_by_name, attempt->restricted_names[i]);
        if (slot != KERF_NOT_FOUND)
            slots[(*out_count)++] = slot;
    }
    return slots;
}

static void search(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    uint32_t node_count;
    const uint32_t *slots = nodes_to_examine(attempt, &node_count);
    uint32_t wanted = nodes_to_find(binding, node_count);
    bool done = attempt->kind && kerf_kind_search(attempt, wanted);
    if (done && binding->feasible_count)
        return;
    attempt->kind = NULL; /* preemption, and nodes that shall say why they refuse, look at the pod alone */
    if (done)
        return;
    uint32_t refused_count = 0;
    for (uint32_t i = 0; i < node_count; i++) {
        uint32_t slot = slots[(binding->start_index + i) % node_count];
        struct node_view view = kerf_view_of(binding, slot);
        struct refusal refusal;
        if (kerf_attempt_filter_nominated(attempt, &view, &refusal)) {
            if (binding->feasible_count == wanted)
                break; /* one beyond the limit ends the search, and is the next pod's first */
            binding->feasible[binding->feasible_count++] = slot;
        } else {
            note_refusal(binding, slot, &refusal);
            refused_count++;
        }
    }
    binding->start_index = (binding->start_index + binding->feasible_count + refused_count) % binding->order_count;
}

/** The node that the pod is nominated to is tried first and alone. */
static bool nominated_node_fits(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    kerf_name nominated = kerf_pod_status(&attempt->pod->pod)->nominated_node_name;
    uint32_t slot = nominated ? kerf_name_map_get(&binding->slot_by_name, nominated) : KERF_NOT_FOUND;
    if (slot == KERF_NOT_FOUND)
        return false;
    struct node_view view = kerf_view_of(binding, slot);
    struct refusal refusal;
    if (!kerf_attempt_filter_nominated(attempt, &view, &refusal))
        return false;
    binding->feasible[binding->feasible_count++] = slot;
    return true;
}

/* ---- choosing
 * ------------------------------------------------------------------------------------------------------------------------- */

static uint32_t choose(const struct attempt *attempt, const int64_t *totals)
{
    const struct kerf_binding *binding = attempt->binding;
    uint32_t best = 0, tied = 1;
    for (uint32_t i = 1; i < binding->feasible_count; i++) {
        if (totals[i] > totals[best]) {
            best = i;
            tied = 1;
        } else if (totals[i] == totals[best]) {
            tied++;
            if (!binding->options.draw_ties &&
                kerf_name_compare(binding->nodes[binding->feasible[i]].name, binding->nodes[binding->feasible[best]].name) < 0)
                best = i;
        }
    }
    if (!binding->options.draw_ties || tied == 1)
        return binding->feasible[best];
    struct kerf_stream stream = kerf_stream_open(binding->options.tie_seed, 0, KERF_PURPOSE_NODE_TIE,
                                                 kerf_hash_text(kerf_name_text(attempt->pod->pod.meta.uid)));
    uint64_t drawn = kerf_draw_below(&stream, tied);
    for (uint32_t i = 0;; i++)
        if (totals[i] == totals[best] && drawn-- == 0)
            return binding->feasible[i];
}

static uint32_t score_and_choose(struct attempt *attempt, struct kerf_binding_decision *decision)
{
    struct kerf_binding *binding = attempt->binding;
    uint32_t count = binding->feasible_count;
    if (count == 1)
        return binding->feasible[0];
    int64_t *totals = KERF_NEW_ARRAY(attempt->arena, int64_t, count);
    struct kerf_node_score *scores = NULL;
    if (binding->options.explain)
        scores = KERF_NEW_ARRAY(attempt->arena, struct kerf_node_score, count);
    kerf_binding_score(attempt, binding->feasible, count, totals, scores);
    for (uint32_t i = 0; scores && i < count; i++) {
        scores[i].node = binding->nodes[binding->feasible[i]].id;
        scores[i].total = totals[i];
    }
    decision->scores = scores;
    decision->score_count = scores ? count : 0;
    return choose(attempt, totals);
}

static void begin(struct kerf_binding *binding, kerf_pod_id id, bool by_kind, struct attempt *out_attempt)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(binding->cluster, id);
    KERF_ASSERT(pod != NULL);
    kerf_arena_reset(&binding->scratch);
    kerf_binding_refresh(binding);
    kerf_binding_trim_columns(binding);
    binding->feasible_count = 0;
    binding->refusals.count = 0;
    binding->candidates.count = 0;
    struct pod_kind *kind = by_kind ? kerf_binding_kind_of(binding, pod) : NULL;
    kerf_attempt_begin(out_attempt, binding, pod, kind, &binding->scratch);
}

void kerf_binding_decide(struct kerf_binding *binding, kerf_pod_id pod, struct kerf_binding_decision *out_decision)
{
    struct attempt attempt;
    begin(binding, pod, true, &attempt);
    *out_decision = (struct kerf_binding_decision){.node = KERF_NO_NODE, .preempted_node = KERF_NO_NODE};
    out_decision->no_nodes = binding->order_count == 0;
    if (out_decision->no_nodes)
        return;
    if (attempt.rejected.plugin) {
        for (uint32_t at = 0; at < binding->order_count; at++)
            note_refusal(binding, binding->order[at], &attempt.rejected);
    } else if (!nominated_node_fits(&attempt)) {
        search(&attempt);
    }
    if (binding->feasible_count)
        out_decision->node = binding->nodes[score_and_choose(&attempt, out_decision)].id;
    else
        kerf_binding_preempt(&attempt, out_decision);
    if (binding->options.explain) {
        kerf_node_id *feasible = KERF_NEW_ARRAY(attempt.arena, kerf_node_id, binding->feasible_count);
        for (uint32_t i = 0; i < binding->feasible_count; i++)
            feasible[i] = binding->nodes[binding->feasible[i]].id;
        out_decision->feasible = feasible;
        out_decision->feasible_count = binding->feasible_count;
        out_decision->refusals = binding->refusals.items;
        out_decision->refusal_count = binding->refusals.count;
    }
}

bool kerf_binding_fits(struct kerf_binding *binding, kerf_pod_id pod, kerf_node_id node)
{
    struct attempt attempt;
    begin(binding, pod, false, &attempt);
    uint32_t slot = node.index < binding->node_id_capacity ? binding->slot_of_node[node.index] : KERF_NOT_FOUND;
    if (slot == KERF_NOT_FOUND || attempt.rejected.plugin)
        return false;
    struct node_view view = kerf_view_of(binding, slot);
    struct refusal refusal;
    return kerf_attempt_filter_nominated(&attempt, &view, &refusal);
}

/* ---- the queue
 * ------------------------------------------------------------------------------------------------------------------------ */

int kerf_binding_compare_queue(const struct kerf_cluster_pod *a, kerf_time_us a_queued_us, const struct kerf_cluster_pod *b,
                               kerf_time_us b_queued_us)
{
    int order = kerf_compare_i64(kerf_pod_priority(&b->pod), kerf_pod_priority(&a->pod));
    order = order ? order : kerf_compare_i64(a_queued_us, b_queued_us);
    order = order ? order : kerf_compare_u64(kerf_meta_details(&a->pod.meta)->input_index, kerf_meta_details(&b->pod.meta)->input_index);
    return order ? order : kerf_compare_u64(a->id.index, b->id.index);
}

kerf_time_us kerf_binding_backoff_us(uint32_t attempts)
{
    enum { LONGEST_S = 10 };
    if (attempts == 0)
        return 0;
    return attempts > 4 ? LONGEST_S * KERF_SECOND_US : KERF_SECOND_US << (attempts - 1);
}

kerf_time_us kerf_binding_error_retry_us(kerf_time_us failed_epoch_us, uint32_t errors)
{
    kerf_time_us expiry_epoch_us = failed_epoch_us + kerf_binding_backoff_us(errors);
    return (expiry_epoch_us / KERF_SECOND_US + 1) * KERF_SECOND_US;
}
