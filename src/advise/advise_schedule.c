/**
 * `kerf schedule`: every pending pod is tried once, in the order of the input, and bound before the next is tried. Victims of a
 * preemption are gone at once, and the preemptor is tried again at once. Pods that are bound start a second apart, the first at
 * the moment of the decision.
 */
#include "advise/advise_internal.h"
#include "advise/advise_schedule.h"

#include <stdlib.h>

static int compare_input(const void *a, const void *b, void *context)
{
    const struct kerf_cluster *cluster = context;
    return kerf_compare_u64(kerf_meta_details(&kerf_cluster_pod(cluster, *(const kerf_pod_id *)a)->pod.meta)->input_index,
                            kerf_meta_details(&kerf_cluster_pod(cluster, *(const kerf_pod_id *)b)->pod.meta)->input_index);
}

static kerf_name node_name(const struct kerf_cluster *cluster, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, id);
    return node ? node->node.meta.name : NULL;
}

static void keep_explanation(struct kerf_arena *arena, const struct kerf_cluster *cluster,
                             const struct kerf_binding_decision *decision, struct kerf_schedule_pod *out)
{
    kerf_name *feasible = KERF_NEW_ARRAY(arena, kerf_name, decision->feasible_count);
    for (size_t i = 0; i < decision->feasible_count; i++)
        feasible[i] = node_name(cluster, decision->feasible[i]);
    out->feasible = feasible;
    out->feasible_count = decision->feasible_count;
    out->scores = kerf_arena_copy(arena, decision->scores, decision->score_count * sizeof *out->scores);
    out->score_count = decision->score_count;
    struct kerf_schedule_refusal *refusals = KERF_NEW_ARRAY(arena, struct kerf_schedule_refusal, decision->refusal_count);
    for (size_t i = 0; i < decision->refusal_count; i++)
        refusals[i] = (struct kerf_schedule_refusal){.node = node_name(cluster, decision->refusals[i].node),
                                                     .plugin = decision->refusals[i].plugin,
                                                     .reason = decision->refusals[i].reason,
                                                     .preemption_might_help = decision->refusals[i].preemption_might_help};
    out->refusals = refusals;
    out->refusal_count = decision->refusal_count;
}

static void preempt(struct kerf_arena *arena, struct kerf_cluster *cluster, kerf_pod_id pod,
                    const struct kerf_binding_decision *decision, struct kerf_schedule_pod *out)
{
    const char **names = KERF_NEW_ARRAY(arena, const char *, decision->victim_count);
    for (size_t i = 0; i < decision->victim_count; i++) {
        const struct kerf_meta *meta = &kerf_cluster_pod(cluster, decision->victims[i])->pod.meta;
        names[i] = kerf_arena_format(arena, "%s/%s", kerf_name_text(meta->namespace_name), kerf_name_text(meta->name));
        kerf_cluster_remove_pod(cluster, decision->victims[i]);
    }
    kerf_cluster_clear_nominations(cluster, decision->preempted_node, kerf_pod_priority(&kerf_cluster_pod(cluster, pod)->pod));
    out->victims = names;
    out->victim_count = decision->victim_count;
    out->nominated = node_name(cluster, decision->preempted_node);
    kerf_cluster_set_pod_nominated(cluster, pod, out->nominated);
}

static void try_pod(struct kerf_arena *arena, struct kerf_cluster *cluster, struct kerf_binding *binding, kerf_pod_id id,
                    struct kerf_schedule_pod *out)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, id);
    *out = (struct kerf_schedule_pod){.namespace_name = pod->pod.meta.namespace_name, .name = pod->pod.meta.name};
    if (pod->pod.spec->scheduling_gate_count) {
        out->gated = true;
        return;
    }
    struct kerf_binding_decision decision;
    kerf_binding_decide(binding, id, &decision);
    keep_explanation(arena, cluster, &decision, out);
    if (!kerf_node_id_equal(decision.preempted_node, KERF_NO_NODE)) {
        preempt(arena, cluster, id, &decision, out);
        kerf_binding_decide(binding, id, &decision);
    }
    if (kerf_node_id_equal(decision.node, KERF_NO_NODE))
        return;
    out->node = node_name(cluster, decision.node);
    kerf_cluster_bind_pod(cluster, id, decision.node);
    kerf_cluster_set_pod_phase(cluster, id, KERF_POD_RUNNING);
}

struct kerf_schedule_advice *kerf_advise_schedule(struct kerf_snapshot *snapshot)
{
    struct kerf_cluster *cluster = snapshot->cluster;
    struct kerf_schedule_advice *advice = kerf_allocate(sizeof *advice);
    kerf_arena_init(&advice->arena);
    size_t pending_count = kerf_cluster_pending_count(cluster);
    kerf_pod_id *ids = KERF_NEW_ARRAY(&advice->arena, kerf_pod_id, pending_count);
    size_t count = 0;
    for (size_t at = 0; at < pending_count; at++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pending_at(cluster, at);
        if (!kerf_pod_is_terminating(&pod->pod)) /* kube-scheduler passes over what is going */
            ids[count++] = pod->id;
    }
    kerf_sort(ids, count, sizeof *ids, compare_input, cluster);
    struct kerf_schedule_pod *pods = KERF_NEW_ARRAY(&advice->arena, struct kerf_schedule_pod, count);
    struct kerf_binding *binding = kerf_binding_new(cluster, (struct kerf_binding_options){.explain = true});
    for (size_t i = 0; i < count; i++) {
        kerf_cluster_set_now(cluster, snapshot->at_epoch_us + (kerf_time_us)i * KERF_SECOND_US);
        try_pod(&advice->arena, cluster, binding, ids[i], &pods[i]);
        advice->placed_count += pods[i].node != NULL;
    }
    kerf_binding_free(binding);
    advice->pods = pods;
    advice->pod_count = count;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++)
        advice->node_count += kerf_cluster_node_at(cluster, at)->has_node;
    return advice;
}

void kerf_schedule_advice_free(struct kerf_schedule_advice *advice)
{
    if (!advice)
        return;
    kerf_arena_fini(&advice->arena);
    free(advice);
}

bool kerf_schedule_advice_all_placed(const struct kerf_schedule_advice *advice)
{
    return advice->placed_count == advice->pod_count;
}
