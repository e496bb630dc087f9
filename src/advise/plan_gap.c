/**
 * plan_gap: how far a plan is from the cheapest under the same NodePools (`kerf plan --bound`), and what restrictions cost: both planners
 * again with one kind of restriction taken away.
 */
#include <stdlib.h>

#include "advise/advise_internal.h"
#include "advise/plan_advice.h"

/* Steps of the packer: about a second for the gap, a third of it for each what-if. */
static const uint64_t STEPS = 30000000, STEPS_WHAT_IF = 10000000;

static void mark_placed(const struct kerf_plan *plan, uint64_t *placed)
{
    for (size_t i = 0; i < plan->claim_count; i++)
        for (size_t k = 0; k < plan->claims[i].pod_count; k++)
            kerf_bit_set(placed, plan->claims[i].pods[k].index);
    for (size_t i = 0; i < plan->existing_count; i++)
        for (size_t k = 0; k < plan->existing[i].pod_count; k++)
            kerf_bit_set(placed, plan->existing[i].pods[k].index);
}

static struct kerf_gap_plan gap_of_plan(const struct kerf_provisioning_input *input, const struct kerf_plan *plan)
{
    struct kerf_gap_plan row = {.node_count = plan->claim_count, .left_count = plan->refusal_count};
    row.usd_per_hour = kerf_plan_price_usd_per_hour(input, plan, &row.unlaunched_count);
    return row;
}

/* Both planners and the bound for the pods that both place. */
static void find_gap(const struct kerf_provisioning_input *pass, uint32_t lifted, uint64_t steps, struct kerf_plan_gap *gap)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_provisioning_input input = *pass;
    input.explain = false;
    input.explain_only = NULL;
    input.omit_reasons = true;
    input.options.lifted = lifted;
    input.options.packing_steps = steps;
    size_t words = kerf_bitset_words(kerf_cluster_pod_id_bound(input.cluster));
    uint64_t *placed[2];
    struct kerf_gap_plan *rows[2] = {&gap->karpenter, &gap->packed};
    for (int i = 0; i < 2; i++) {
        input.options.engine = i == 0 ? KERF_ENGINE_FAST : KERF_ENGINE_PACKED;
        struct kerf_plan *plan = kerf_provisioning_plan(&input);
        placed[i] = KERF_NEW_ARRAY(&arena, uint64_t, words);
        mark_placed(plan, placed[i]);
        *rows[i] = gap_of_plan(&input, plan);
        kerf_plan_free(plan);
    }
    kerf_pod_id *pods = KERF_NEW_ARRAY(&arena, kerf_pod_id, pass->pod_count);
    input.pod_count = 0;
    for (size_t i = 0; i < pass->pod_count; i++)
        if (kerf_bit_get(placed[0], pass->pods[i].index) && kerf_bit_get(placed[1], pass->pods[i].index))
            pods[input.pod_count++] = pass->pods[i];
    input.pods = pods;
    kerf_provisioning_find_bound(&input, steps, &gap->bound);
    kerf_arena_fini(&arena);
}

/* Is there anything to take away? */
static bool is_present(const struct kerf_provisioning_input *input, uint32_t lift)
{
    const struct kerf_objects *objects = kerf_cluster_objects(input->cluster);
    bool found = false;
    for (size_t i = 0; i < input->pod_count && lift == KERF_LIFT_SPREADS; i++)
        found |= kerf_cluster_pod(input->cluster, input->pods[i])->pod.spec->spreads.count > 0;
    for (size_t i = 0; i < objects->nodepools.count && lift == KERF_LIFT_LIMITS; i++)
        found |= objects->nodepools.items[i].limits.resources.present != 0 || objects->nodepools.items[i].limits.nodes >= 0;
    for (size_t i = 0; i < objects->workloads.count && lift == KERF_LIFT_DAEMONS; i++)
        found |= objects->workloads.items[i].kind == KERF_WORKLOAD_DAEMONSET;
    return found;
}

void kerf_plan_find_gap(const struct kerf_provisioning_input *input, struct kerf_plan_advice *advice)
{
    static const struct {
        uint32_t lift;
        const char *name, *text;
    } restrictions[] = {
        {KERF_LIFT_SPREADS, "topologySpread", "topology spread constraints"},
        {KERF_LIFT_LIMITS, "limits", "limits of NodePools"},
        {KERF_LIFT_DAEMONS, "daemonSets", "DaemonSets on each node"},
    };
    enum { RESTRICTIONS = sizeof restrictions / sizeof restrictions[0] };
    struct kerf_plan_gap *gap = KERF_NEW(&advice->arena, struct kerf_plan_gap);
    find_gap(input, 0, STEPS, gap);
    struct kerf_plan_restriction *found = KERF_NEW_ARRAY(&advice->arena, struct kerf_plan_restriction, RESTRICTIONS);
    for (size_t i = 0; i < RESTRICTIONS; i++) {
        if (!is_present(input, restrictions[i].lift))
            continue;
        struct kerf_plan_restriction *restriction = &found[gap->restriction_count++];
        *restriction = (struct kerf_plan_restriction){.name = restrictions[i].name, .text = restrictions[i].text};
        struct kerf_plan_gap without = {0};
        find_gap(input, restrictions[i].lift, STEPS_WHAT_IF, &without);
        restriction->karpenter = without.karpenter;
        restriction->packed = without.packed;
        restriction->bound = without.bound;
    }
    gap->restrictions = found;
    advice->gap = gap;
}
