/**
 * plan_explain: why pods stay, and the smallest change that would let them in. A change is only told after a pass with it made placed
 * one of the pods: changes are tried one rule at a time, and where one rule hides behind another, step upon step.
 */
#include <stdlib.h>

#include "advise/plan_what_if.h"

enum { POOLS_TRIED_MAX = 4, LIMIT_NODES_MAX = 1 << 20 };
#define ATTEMPTS_OF_ALL_SEARCHES UINT64_C(5000000)
#define ATTEMPTS_OF_ONE_SEARCH UINT64_C(2000000) /* a second or two */

/* ---- results ----------------------------------------------------------------------------------------------------------- */

struct search {
    struct kerf_what_if what_if;
    struct kerf_plan_change found[KERF_CHANGES_MAX];
    size_t found_count;
};

static const char *place_of(const struct search *search, const struct kerf_outcome *outcome)
{
    const struct kerf_snapshot *snapshot = search->what_if.snapshot;
    if (outcome->claim != NULL)
        return kerf_arena_format(search->what_if.arena, "a new node of NodePool %s",
                                 snapshot->objects.nodepools.items[outcome->claim->nodepool_index].meta.name->text);
    const struct kerf_cluster_node *node = kerf_cluster_node(snapshot->cluster, outcome->node);
    return kerf_arena_format(search->what_if.arena, "the node %s", kerf_cluster_node_name(snapshot->cluster, node)->text);
}

static bool is_known(const struct search *search, const struct kerf_hypothesis *hypothesis)
{
    for (size_t i = 0; i < search->found_count; i++) {
        bool same = search->found[i].step_count == hypothesis->step_count;
        for (uint32_t k = 0; same && k < hypothesis->step_count; k++)
            same = strcmp(search->found[i].steps[k].text, hypothesis->steps[k].text) == 0;
        if (same)
            return true;
    }
    return false;
}

/** The steps in the advice's own memory: a step's values are those of the plan that it came from, which goes. */
static const struct kerf_plan_step *copy_steps(struct kerf_arena *arena, const struct kerf_hypothesis *hypothesis)
{
    struct kerf_plan_step *steps = kerf_arena_copy(arena, hypothesis->steps, hypothesis->step_count * sizeof *steps);
    for (uint32_t i = 0; i < hypothesis->step_count; i++) {
        steps[i].value = steps[i].value ? kerf_arena_text(arena, steps[i].value) : NULL;
        steps[i].was = steps[i].was ? kerf_arena_text(arena, steps[i].was) : NULL;
    }
    return steps;
}

static void keep(struct search *search, const struct kerf_hypothesis *hypothesis, const struct kerf_outcome *outcome)
{
    if (search->found_count == KERF_CHANGES_MAX || is_known(search, hypothesis))
        return;
    search->found[search->found_count++] = (struct kerf_plan_change){
        .steps = copy_steps(search->what_if.arena, hypothesis),
        .step_count = hypothesis->step_count,
        .places = outcome->places,
        .where = place_of(search, outcome),
    };
}

/* ---- limits ------------------------------------------------------------------------------------------------------------ */

static bool places_as_many(struct search *search, const struct kerf_hypothesis *base, const struct kerf_exclusion *exclusion, int64_t nodes,
                           size_t wanted, struct kerf_hypothesis *out_raised, struct kerf_outcome *out_outcome)
{
    *out_raised = kerf_raise_limits(&search->what_if, base, exclusion, nodes);
    *out_outcome = kerf_what_if_run(&search->what_if, out_raised);
    return out_outcome->ran && out_outcome->places >= wanted;
}

/* The fewest nodes' worth with which so many pods have a place: found by doubling and halving; 0: none. */
static int64_t find_nodes(struct search *search, const struct kerf_hypothesis *base, const struct kerf_exclusion *exclusion, size_t wanted)
{
    struct kerf_hypothesis raised;
    struct kerf_outcome outcome;
    int64_t too_few = 0, enough = 1;
    for (bool found = false; !found; enough *= 2) {
        found = places_as_many(search, base, exclusion, enough, wanted, &raised, &outcome);
        bool ran = outcome.ran;
        kerf_outcome_fini(&outcome);
        if (found)
            break;
        if (!ran || enough >= LIMIT_NODES_MAX)
            return 0;
        too_few = enough;
        if (enough == 1) { /* would all the room in the world help? */
            bool hopeless = !places_as_many(search, base, exclusion, LIMIT_NODES_MAX, wanted, &raised, &outcome);
            kerf_outcome_fini(&outcome);
            if (hopeless)
                return 0;
        }
    }
    while (enough - too_few > 1) {
        int64_t middle = too_few + (enough - too_few) / 2;
        bool found = places_as_many(search, base, exclusion, middle, wanted, &raised, &outcome);
        bool ran = outcome.ran;
        kerf_outcome_fini(&outcome);
        if (!ran)
            return enough;
        if (found)
            enough = middle;
        else
            too_few = middle;
    }
    return enough;
}

/* Room for one of the pods, and room for all. */
static void try_limits(struct search *search, const struct kerf_hypothesis *base, const struct kerf_exclusion *exclusion)
{
    size_t most = 0;
    for (int round = 0; round < 2 && most < search->what_if.pod_count; round++) {
        int64_t nodes = find_nodes(search, base, exclusion, round == 0 ? 1 : search->what_if.pod_count);
        struct kerf_hypothesis raised;
        struct kerf_outcome outcome;
        if (nodes == 0)
            return;
        if (places_as_many(search, base, exclusion, nodes, 1, &raised, &outcome)) {
            keep(search, &raised, &outcome);
            most = outcome.places;
        }
        kerf_outcome_fini(&outcome);
    }
}

/* ---- steps ------------------------------------------------------------------------------------------------------------- */

/* What the NodePool, or for KERF_NOT_FOUND the pod itself, says after a pass that left the pod. */
static const struct kerf_exclusion *exclusion_of(const struct kerf_explanation *explanation, uint32_t nodepool_index)
{
    if (explanation->own.rule != KERF_EXCLUDED_BY_NOTHING)
        return nodepool_index == KERF_NOT_FOUND ? &explanation->own : NULL;
    for (uint32_t i = 0; i < explanation->pool_count; i++)
        if (explanation->pools[i].nodepool_index == nodepool_index)
            return &explanation->pools[i].exclusion;
    return NULL;
}

static bool limits_it(const struct kerf_exclusion *exclusion)
{
    return exclusion->rule == KERF_EXCLUDED_BY_LIMITS || exclusion->rule == KERF_EXCLUDED_BY_NODE_LIMIT;
}

/* The same steps but one; false: the rest cannot be taken without it. */
static bool replay_without(struct search *search, const struct kerf_hypothesis *whole, uint32_t skipped, struct kerf_hypothesis *out_rest)
{
    *out_rest = kerf_hypothesis_of(&search->what_if, whole->nodepool_index);
    for (uint32_t i = 0; i < whole->step_count; i++) {
        const struct kerf_exclusion *cause = whole->causes[i];
        if (i == skipped)
            continue;
        if (limits_it(cause)) {
            *out_rest = kerf_raise_limits(&search->what_if, out_rest, cause, whole->choices[i]);
            continue;
        }
        kerf_hypotheses list = {0};
        kerf_list_changes(&search->what_if, out_rest, whole->nodepool_index, cause, &list);
        bool found = whole->choices[i] < (int64_t)list.count;
        if (found)
            *out_rest = list.items[whole->choices[i]];
        KERF_VEC_FREE(&list);
        if (!found || strcmp(out_rest->steps[out_rest->step_count - 1].text, whole->steps[i].text) != 0)
            return false;
    }
    return true;
}

/* A step that the last one made superfluous goes. */
static bool leave_out_steps(struct search *search, struct kerf_hypothesis *hypothesis, struct kerf_outcome *outcome)
{
    for (uint32_t i = 0; hypothesis->step_count > 1 && i < hypothesis->step_count; i++) {
        struct kerf_hypothesis rest;
        if (!replay_without(search, hypothesis, i, &rest))
            continue;
        struct kerf_outcome without = kerf_what_if_run(&search->what_if, &rest);
        if (without.ran && without.places > 0) {
            kerf_outcome_fini(outcome);
            *hypothesis = rest;
            *outcome = without;
            return true;
        }
        kerf_outcome_fini(&without);
    }
    return false;
}

/* A dropped requirement that helped: would a wider one do as well? */
static void keep_narrowest(struct search *search, const struct kerf_hypothesis *hypothesis, const struct kerf_outcome *outcome)
{
    struct kerf_hypothesis narrow;
    if (kerf_narrow_change(&search->what_if, hypothesis, outcome, &narrow)) {
        struct kerf_outcome second = kerf_what_if_run(&search->what_if, &narrow);
        bool holds = second.ran && second.places > 0;
        if (holds)
            keep(search, &narrow, &second);
        kerf_outcome_fini(&second);
        if (holds)
            return;
    }
    keep(search, hypothesis, outcome);
}

static void try_pool(struct search *search, const struct kerf_hypothesis *base, const struct kerf_exclusion *exclusion, bool deeper);

/* The first step that leads to another rule, and what helps against that. */
static void try_next_rule(struct search *search, const struct kerf_hypothesis *hypothesis, const struct kerf_outcome *outcome,
                          const struct kerf_exclusion *before)
{
    if (outcome->plan->explanation_count == 0 || hypothesis->step_count == KERF_CHANGE_STEPS_MAX)
        return;
    uint32_t nodepool_index = hypothesis->nodepool_index;
    const struct kerf_exclusion *next = exclusion_of(&outcome->plan->explanations[0], nodepool_index);
    if (next != NULL && (next->rule != before->rule || next->key != before->key))
        try_pool(search, hypothesis, next, true);
}

static void try_pool(struct search *search, const struct kerf_hypothesis *base, const struct kerf_exclusion *exclusion, bool deeper)
{
    if (limits_it(exclusion) && base->step_count < KERF_CHANGE_STEPS_MAX) {
        try_limits(search, base, exclusion);
        return;
    }
    kerf_hypotheses list = {0};
    size_t before = search->found_count;
    kerf_list_changes(&search->what_if, base, base->nodepool_index, exclusion, &list);
    for (size_t i = 0; i < list.count; i++) {
        struct kerf_outcome outcome = kerf_what_if_run(&search->what_if, &list.items[i]);
        if (outcome.ran && outcome.places > 0) {
            struct kerf_hypothesis found = list.items[i];
            while (leave_out_steps(search, &found, &outcome)) {
            }
            keep_narrowest(search, &found, &outcome);
        }
        kerf_outcome_fini(&outcome);
    }
    for (size_t i = 0; deeper && i < list.count && search->found_count == before; i++) {
        struct kerf_outcome outcome = kerf_what_if_run(&search->what_if, &list.items[i]);
        if (outcome.ran)
            try_next_rule(search, &list.items[i], &outcome, exclusion);
        kerf_outcome_fini(&outcome);
    }
    KERF_VEC_FREE(&list);
}

/* Less of what the nearest existing node lacks. */
static void try_nodes(struct search *search, const struct kerf_explanation *explanation)
{
    const struct kerf_rule_count *roomless = &explanation->nodes.rules[KERF_EXCLUDED_BY_RESOURCES];
    if (roomless->count == 0)
        return;
    struct kerf_hypothesis none = kerf_hypothesis_of(&search->what_if, KERF_NOT_FOUND);
    try_pool(search, &none, &roomless->nearest, false);
}

/* Fewest steps first; what was found first stays first. */
static void sort_changes(struct search *search)
{
    for (size_t i = 1; i < search->found_count; i++) {
        struct kerf_plan_change one = search->found[i];
        size_t k = i;
        for (; k > 0 && search->found[k - 1].step_count > one.step_count; k--)
            search->found[k] = search->found[k - 1];
        search->found[k] = one;
    }
}

static void try_everywhere(struct search *search, const struct kerf_explanation *explanation)
{
    if (explanation->own.rule != KERF_EXCLUDED_BY_NOTHING) {
        struct kerf_hypothesis none = kerf_hypothesis_of(&search->what_if, KERF_NOT_FOUND);
        try_pool(search, &none, &explanation->own, false);
        return;
    }
    for (int deeper = 0; deeper < 2 && search->found_count == 0; deeper++) {
        for (uint32_t i = 0; i < explanation->pool_count && i < POOLS_TRIED_MAX; i++) {
            struct kerf_hypothesis none = kerf_hypothesis_of(&search->what_if, explanation->pools[i].nodepool_index);
            try_pool(search, &none, &explanation->pools[i].exclusion, deeper == 1);
        }
        if (deeper == 0)
            try_nodes(search, explanation);
    }
    sort_changes(search);
}

/* ---- all that stay ----------------------------------------------------------------------------------------------------- */

static void find_changes(struct kerf_snapshot *snapshot, struct kerf_provisioning_cache *cache, struct kerf_plan_advice *advice,
                         struct kerf_plan_explanation *told, uint64_t *work)
{
    struct search search = {.what_if = {
                                .snapshot = snapshot,
                                .cache = cache,
                                .arena = &advice->arena,
                                .pods = told->of->pods,
                                .pod_count = told->of->pod_count,
                                .attempts_left = *work < ATTEMPTS_OF_ONE_SEARCH ? *work : ATTEMPTS_OF_ONE_SEARCH,
                            }};
    uint64_t before = search.what_if.attempts_left;
    if (before > 0)
        try_everywhere(&search, told->of);
    *work -= before - search.what_if.attempts_left;
    told->gave_up = search.what_if.attempts_left == 0;
    told->changes = kerf_arena_copy(&advice->arena, search.found, search.found_count * sizeof search.found[0]);
    told->change_count = search.found_count;
}

/* Pods that validation refused for the same reason, of one template. */
static size_t group_invalid(const struct kerf_snapshot *snapshot, struct kerf_plan_advice *advice, struct kerf_explanation *groups)
{
    size_t count = 0;
    uint64_t *taken = KERF_NEW_ARRAY(&advice->arena, uint64_t, kerf_bitset_words(advice->invalid_count));
    for (size_t i = 0; i < advice->invalid_count; i++) {
        if (kerf_bit_get(taken, i))
            continue;
        const struct kerf_pod_spec *spec = kerf_cluster_pod(snapshot->cluster, advice->invalid[i].pod)->pod.spec;
        KERF_VEC(kerf_pod_id) pods = {0};
        for (size_t k = i; k < advice->invalid_count; k++) {
            if (kerf_bit_get(taken, k) || kerf_cluster_pod(snapshot->cluster, advice->invalid[k].pod)->pod.spec != spec ||
                strcmp(advice->invalid[k].reason, advice->invalid[i].reason) != 0)
                continue;
            kerf_bit_set(taken, k);
            KERF_VEC_PUSH_IN(&advice->arena, &pods, advice->invalid[k].pod);
        }
        groups[count++] = (struct kerf_explanation){
            .pods = pods.items, .pod_count = pods.count, .own = {.rule = KERF_EXCLUDED_BY_VALIDATION, .text = advice->invalid[i].reason}};
    }
    return count;
}

static bool has_pod(const struct kerf_explanation *explanation, kerf_pod_id pod)
{
    for (size_t i = 0; i < explanation->pod_count; i++)
        if (kerf_pod_id_equal(explanation->pods[i], pod))
            return true;
    return false;
}

/* ---- one pod that has a place, or takes no part ------------------------------------------------------------------------- */

static bool find_place(struct kerf_snapshot *snapshot, struct kerf_plan_advice *advice, kerf_pod_id pod, struct kerf_plan_explanation *told)
{
    const struct kerf_plan *plan = advice->plan;
    for (size_t i = 0; i < plan->existing_count; i++)
        for (size_t k = 0; k < plan->existing[i].pod_count; k++)
            if (kerf_pod_id_equal(plan->existing[i].pods[k], pod)) {
                const struct kerf_cluster_node *node = kerf_cluster_node(snapshot->cluster, plan->existing[i].node);
                told->where = kerf_arena_format(&advice->arena, "the node %s", kerf_cluster_node_name(snapshot->cluster, node)->text);
                told->why = "the first node, initialized ones by name before the others, that accepts it; existing nodes are asked before new ones";
                return true;
            }
    for (size_t i = 0; i < plan->claim_count; i++)
        for (size_t k = 0; k < plan->claims[i].pod_count; k++)
            if (kerf_pod_id_equal(plan->claims[i].pods[k], pod)) {
                told->where = kerf_arena_format(&advice->arena, "new node %zu, of NodePool %s", i + 1,
                                                snapshot->objects.nodepools.items[plan->claims[i].nodepool_index].meta.name->text);
                told->why = k == 0 ? "no existing or new node took it, so this one was opened: NodePools are asked by weight, then by name descending"
                                   : kerf_arena_format(&advice->arena,
                                                       "no existing node took it; of the new nodes, those with the fewest pods are asked first, "
                                                       "and this one, with %zu of its %zu pods then, is the first that accepted",
                                                       k, plan->claims[i].pod_count);
                return true;
            }
    return false;
}

static const char *why_no_part(struct kerf_plan_advice *advice, const struct kerf_pod *pod)
{
    if (pod->node_name != NULL)
        return kerf_arena_format(&advice->arena, "it is bound to %s", pod->node_name->text);
    if (pod->spec->scheduling_gate_count > 0)
        return "it has scheduling gates";
    kerf_name nominated = kerf_pod_status(pod)->nominated_node_name;
    if (nominated != NULL && nominated->length > 0)
        return kerf_arena_format(&advice->arena, "kube-scheduler makes room for it on %s (status.nominatedNodeName)",
                                 nominated->text);
    if (kerf_pod_is_terminal(pod))
        return "it has ended";
    if (kerf_pod_is_daemon(pod) || kerf_pod_is_mirror(pod))
        return "it belongs to a DaemonSet or is a static pod of a node";
    return "kube-scheduler has not found it unschedulable yet (condition PodScheduled)";
}

/* Nothing but the pod. */
static const struct kerf_explanation *bare_explanation(struct kerf_plan_advice *advice, kerf_pod_id pod)
{
    struct kerf_explanation *bare = KERF_NEW(&advice->arena, struct kerf_explanation);
    bare->pods = kerf_arena_copy(&advice->arena, &pod, sizeof pod);
    bare->pod_count = 1;
    return bare;
}

static void explain_one(struct kerf_snapshot *snapshot, struct kerf_provisioning_input input, struct kerf_plan_advice *advice,
                        struct kerf_plan_explanation *told)
{
    kerf_pod_id pod = snapshot->explain_pod;
    told->of = bare_explanation(advice, pod);
    if (!find_place(snapshot, advice, pod, told)) {
        told->where = "no part in the pass";
        told->why = why_no_part(advice, &kerf_cluster_pod(snapshot->cluster, pod)->pod);
        return;
    }
    if (input.options.engine == KERF_ENGINE_PACKED) { /* it does not ask a place at a time */
        told->why = "the packed plan has it there: pods are packed into the cheapest offerings, whatever Karpenter's order of asking";
        return;
    }
    input.options.engine = KERF_ENGINE_PLAIN;
    input.omit_reasons = true;
    input.explain = false;
    input.explain_attempts_of = &pod;
    advice->traced = kerf_provisioning_plan(&input);
    told->of = advice->traced->last_attempt;
    KERF_ASSERT(told->of != NULL);
}

void kerf_explain_plan(struct kerf_snapshot *snapshot, const struct kerf_provisioning_input *input, struct kerf_plan_advice *advice)
{
    struct kerf_explanation *invalid = KERF_NEW_ARRAY(&advice->arena, struct kerf_explanation, advice->invalid_count);
    size_t invalid_count = group_invalid(snapshot, advice, invalid);
    size_t stuck_count = advice->plan->explanation_count;
    struct kerf_plan_explanation *told = KERF_NEW_ARRAY(&advice->arena, struct kerf_plan_explanation, invalid_count + stuck_count + 1);
    uint64_t work = ATTEMPTS_OF_ALL_SEARCHES;
    advice->explains = true;
    for (size_t i = 0; i < invalid_count + stuck_count; i++) {
        const struct kerf_explanation *of = i < invalid_count ? &invalid[i] : &advice->plan->explanations[i - invalid_count];
        if (snapshot->explain_one && !has_pod(of, snapshot->explain_pod))
            continue;
        told[advice->explanation_count].of = of;
        find_changes(snapshot, input->cache, advice, &told[advice->explanation_count++], &work);
    }
    if (snapshot->explain_one && advice->explanation_count == 0)
        explain_one(snapshot, *input, advice, &told[advice->explanation_count++]);
    advice->explanations = told;
}
