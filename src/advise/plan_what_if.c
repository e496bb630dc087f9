/** plan_what_if: changes put in place, a pass over the whole world, changes taken back. */
#include <stdlib.h>

#include "advise/plan_what_if.h"

struct kerf_hypothesis kerf_hypothesis_of(const struct kerf_what_if *what_if, uint32_t nodepool_index)
{
    struct kerf_hypothesis none = {.nodepool_index = nodepool_index};
    const struct kerf_pod *pod = &kerf_cluster_pod(what_if->snapshot->cluster, what_if->pods[0])->pod;
    none.spec = *pod->spec;
    none.spec.requests = *pod->requests;
    if (nodepool_index != KERF_NOT_FOUND)
        none.pool = what_if->snapshot->objects.nodepools.items[nodepool_index];
    return none;
}

/* ---- in place, and back ------------------------------------------------------------------------------------------------ */

struct taken_back {
    const struct kerf_pod_spec *spec;
    const struct kerf_resources *requests;
};

static struct taken_back *put_pods(struct kerf_what_if *what_if, const struct kerf_hypothesis *hypothesis, struct kerf_arena *arena)
{
    struct kerf_cluster *cluster = what_if->snapshot->cluster;
    struct taken_back *before = KERF_NEW_ARRAY(arena, struct taken_back, what_if->pod_count);
    for (size_t i = 0; i < what_if->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, what_if->pods[i])->pod;
        before[i] = (struct taken_back){pod->spec, pod->requests};
        struct kerf_pod_spec *spec = kerf_arena_copy(arena, &hypothesis->spec, sizeof hypothesis->spec);
        spec->volumes = pod->spec->volumes;
        spec->volume_count = pod->spec->volume_count;
        kerf_cluster_set_pod_spec(cluster, what_if->pods[i], spec, &spec->requests);
    }
    return before;
}

static void take_pods_back(struct kerf_what_if *what_if, const struct taken_back *before)
{
    for (size_t i = 0; i < what_if->pod_count; i++)
        kerf_cluster_set_pod_spec(what_if->snapshot->cluster, what_if->pods[i], before[i].spec, before[i].requests);
}

static void plan(struct kerf_what_if *what_if, bool pool_changed, struct kerf_outcome *outcome)
{
    struct kerf_snapshot *snapshot = what_if->snapshot;
    struct kerf_provisioning_input input = {
        .cluster = snapshot->cluster,
        .cache = pool_changed ? kerf_provisioning_cache_new(snapshot->cluster) : what_if->cache,
        .options = snapshot->disruption.provisioning,
        .omit_reasons = true,
        .explain = true,
        .explain_only = &what_if->pods[0],
    };
    const struct kerf_plan_refusal *invalid;
    size_t invalid_count;
    kerf_provisioning_collect_pods(snapshot->cluster, snapshot->at_epoch_us, &outcome->arena, &input.pods, &input.pod_count, &invalid,
                                   &invalid_count);
    for (size_t i = 0; i < invalid_count; i++)
        if (kerf_pod_id_equal(invalid[i].pod, what_if->pods[0]))
            outcome->invalid = &invalid[i];
    outcome->plan = kerf_provisioning_plan(&input);
    if (pool_changed)
        kerf_provisioning_cache_free(input.cache);
}

/* ---- what came of it ---------------------------------------------------------------------------------------------------- */

static void count_places(const struct kerf_what_if *what_if, struct kerf_outcome *outcome)
{
    const struct kerf_plan *plan_made = outcome->plan;
    uint64_t *ours =
        KERF_NEW_ARRAY(&outcome->arena, uint64_t, kerf_bitset_words(kerf_cluster_pod_id_bound(what_if->snapshot->cluster)));
    for (size_t i = 0; i < what_if->pod_count; i++)
        kerf_bit_set(ours, what_if->pods[i].index);
    outcome->node = KERF_NO_NODE;
    for (size_t i = 0; i < plan_made->claim_count; i++) {
        for (size_t k = 0; k < plan_made->claims[i].pod_count; k++) {
            if (!kerf_bit_get(ours, plan_made->claims[i].pods[k].index))
                continue;
            outcome->places++;
            if (outcome->claim == NULL)
                outcome->claim = &plan_made->claims[i];
        }
    }
    for (size_t i = 0; i < plan_made->existing_count; i++) {
        for (size_t k = 0; k < plan_made->existing[i].pod_count; k++) {
            if (!kerf_bit_get(ours, plan_made->existing[i].pods[k].index))
                continue;
            outcome->places++;
            if (kerf_node_id_equal(outcome->node, KERF_NO_NODE))
                outcome->node = plan_made->existing[i].node;
        }
    }
}

struct kerf_outcome kerf_what_if_run(struct kerf_what_if *what_if, const struct kerf_hypothesis *hypothesis)
{
    struct kerf_outcome outcome = {.node = KERF_NO_NODE};
    kerf_arena_init(&outcome.arena);
    if (what_if->attempts_left == 0)
        return outcome;
    outcome.ran = true;
    struct taken_back *before = hypothesis->pod_changed ? put_pods(what_if, hypothesis, &outcome.arena) : NULL;
    struct kerf_nodepool *pool =
        hypothesis->pool_changed ? &what_if->snapshot->objects.nodepools.items[hypothesis->nodepool_index] : NULL;
    struct kerf_nodepool pool_before = {0};
    if (pool != NULL) {
        pool_before = *pool;
        *pool = hypothesis->pool;
    }
    plan(what_if, hypothesis->pool_changed, &outcome);
    if (pool != NULL)
        *pool = pool_before;
    if (before != NULL)
        take_pods_back(what_if, before);
    uint64_t used = outcome.plan->attempts + 1;
    what_if->attempts_left -= used < what_if->attempts_left ? used : what_if->attempts_left;
    count_places(what_if, &outcome);
    return outcome;
}

void kerf_outcome_fini(struct kerf_outcome *outcome)
{
    kerf_plan_free(outcome->plan);
    kerf_arena_fini(&outcome->arena);
}
