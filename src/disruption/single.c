/** Single-node consolidation: candidates one by one, NodePools taking turns (karpenter-disruption.md section 6). */
#include "disruption/disruption_internal.h"

enum { UNSEEN_WORDS = sizeof((struct kerf_disruption_memory *)0)->unseen_nodepools / sizeof(uint64_t) };

static bool is_unseen(const uint64_t *unseen, uint32_t nodepool_index)
{
    return nodepool_index < UNSEEN_WORDS * 64 && kerf_bit_get(unseen, nodepool_index);
}

struct pool_order {
    const uint64_t *unseen;
    const struct kerf_objects *objects;
};

static int by_unseen_then_name(const void *a, const void *b, void *context)
{
    const struct pool_order *order = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    bool x_unseen = is_unseen(order->unseen, x), y_unseen = is_unseen(order->unseen, y);
    if (x_unseen != y_unseen)
        return x_unseen ? -1 : 1;
    int names = kerf_name_compare(order->objects->nodepools.items[x].meta.name, order->objects->nodepools.items[y].meta.name);
    return names != 0 ? names : kerf_compare_u64(x, y);
}

/** The i-th candidate of each NodePool in turn; NodePools that the last pass didn't reach come first. */
static struct kerf_candidates interleave(struct kerf_disruption_pass *pass, const struct kerf_candidates *sorted, const uint64_t *unseen)
{
    size_t pool_count = pass->objects->nodepools.count;
    uint32_t *pools = KERF_NEW_ARRAY(&pass->scratch, uint32_t, pool_count);
    for (uint32_t i = 0; i < pool_count; i++)
        pools[i] = i;
    struct pool_order order = { unseen, pass->objects };
    kerf_sort(pools, pool_count, sizeof *pools, by_unseen_then_name, &order);
    struct kerf_candidates result = { .items = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, sorted->count) };
    size_t *next = KERF_NEW_ARRAY(&pass->scratch, size_t, pool_count);
    while (result.count < sorted->count) {
        for (size_t i = 0; i < pool_count; i++) {
            size_t *at = &next[i];
            while (*at < sorted->count && sorted->items[*at]->nodepool_index != pools[i])
                (*at)++;
            if (*at < sorted->count)
                result.items[result.count++] = sorted->items[(*at)++];
        }
    }
    return result;
}

/** Worth a what-if? Deleting it would be the best that could come of it (8.4). */
static bool may_pass_balanced(const struct kerf_candidate *candidate, const struct kerf_nodepool_totals *totals)
{
    if (candidate->nodepool->consolidation_policy != KERF_BALANCED)
        return true;
    const struct kerf_nodepool_totals *of_pool = &totals[candidate->nodepool_index];
    return !of_pool->known || of_pool->cost_usd_per_hour <= 0 ||
           kerf_balanced_score(candidate->price_usd_per_hour, candidate->disruption_cost, of_pool) >= KERF_BALANCED_THRESHOLD;
}

/** Steps 4.4 to 4.6 for one candidate. */
static bool try_candidate(struct kerf_disruption_pass *pass, const struct kerf_method_input *input, const struct kerf_candidate *candidate,
                          struct kerf_disruption_command *out_command)
{
    if (pass->reasons)
        pass->reasons[candidate->id.index].asked_alone = true;
    if (!may_pass_balanced(candidate, input->totals)) {
        const struct kerf_nodepool_totals *totals = &input->totals[candidate->nodepool_index];
        if (pass->reasons)
            kerf_disruption_explain(pass, candidate->id,
                                    "Balanced: deleting it would score %.3g, less than %.3g: it saves %.3g %% of the NodePool's cost, and "
                                    "is %.3g %% of its disruption cost",
                                    kerf_balanced_score(candidate->price_usd_per_hour, candidate->disruption_cost, totals),
                                    KERF_BALANCED_THRESHOLD, 100 * candidate->price_usd_per_hour / totals->cost_usd_per_hour,
                                    100 * candidate->disruption_cost / totals->disruption_cost);
        return false;
    }
    struct kerf_candidates alone = { .items = &candidate, .count = 1 };
    struct kerf_consolidation consolidation;
    kerf_consolidate(pass, &alone, &consolidation);
    if (consolidation.decision != KERF_DECIDE_DELETE && consolidation.decision != KERF_DECIDE_REPLACE) {
        if (consolidation.why)
            kerf_disruption_explain(pass, candidate->id, "%s", consolidation.why);
        return false;
    }
    struct kerf_disruption_command command = kerf_command_of(pass, KERF_METHOD_SINGLE_NODE, &alone);
    double savings = consolidation.savings_usd_per_hour;
    if (!kerf_balanced_approves(pass, &alone, savings, input->totals, &command.has_score, &command.score)) {
        if (pass->reasons)
            kerf_disruption_explain(pass, candidate->id, "Balanced: the score %.3g is less than %.3g (saves $%.6g an hour)", command.score,
                                    KERF_BALANCED_THRESHOLD, savings);
        return false;
    }
    kerf_command_set_consolidation(pass, &command, &consolidation, savings);
    *out_command = command;
    return true;
}

bool kerf_single_node_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input,
                             struct kerf_disruption_command *out_command, bool *out_timed_out)
{
    struct kerf_disruption_memory *memory = input->memory;
    if (memory->single_node_memo != 0 && memory->single_node_memo == input->consolidation_state)
        return false;
    struct kerf_candidates sorted = kerf_candidates_copy(&pass->scratch, &input->candidates);
    kerf_candidates_sort_by_savings(pass, &sorted);
    struct kerf_candidates order = interleave(pass, &sorted, memory->unseen_nodepools);
    uint64_t unseen[UNSEEN_WORDS] = { 0 };
    for (size_t i = 0; i < order.count; i++)
        if (order.items[i]->nodepool_index < UNSEEN_WORDS * 64)
            kerf_bit_set(unseen, order.items[i]->nodepool_index);
    bool constrained = false;
    double started_us = pass->compute_us, limit_us = (double)pass->options->compute.single_node_limit_us;
    for (size_t i = 0; i < order.count; i++) {
        const struct kerf_candidate *candidate = order.items[i];
        if (limit_us > 0 && pass->compute_us - started_us > limit_us) {
            *out_timed_out = true;
            memcpy(memory->unseen_nodepools, unseen, sizeof unseen);
            return false;
        }
        if (candidate->nodepool_index < UNSEEN_WORDS * 64)
            kerf_bit_clear(unseen, candidate->nodepool_index);
        if (input->budgets[candidate->nodepool_index] <= 0) {
            constrained = true;
            kerf_budgets_explain(pass, candidate, KERF_METHOD_SINGLE_NODE);
            continue;
        }
        if (try_candidate(pass, input, candidate, out_command))
            return true; /* the rest waits for the next pass */
    }
    if (!constrained) {
        memory->single_node_memo = input->consolidation_state;
        input->memo_set = true;
    }
    memcpy(memory->unseen_nodepools, unseen, sizeof unseen);
    return false;
}

/* ---- explanations ------------------------------------------------------------------------------------------------------------------ */

static void explain_alone(struct kerf_disruption_pass *pass, const struct kerf_method_input *input, const struct kerf_candidate *candidate)
{
    struct kerf_disruption_command command;
    if (!try_candidate(pass, input, candidate, &command))
        return; /* it has said why */
    if (!command.replace) {
        kerf_disruption_explain(pass, candidate->id, "it could be deleted in a later pass: its pods fit elsewhere, $%.6g an hour",
                                command.savings_usd_per_hour);
        return;
    }
    const struct kerf_planned_claim *replacement = &command.replacements[0];
    kerf_disruption_explain(pass, candidate->id, "it could be replaced in a later pass by %s or one of %zu dearer types, $%.6g an hour cheaper",
                            kerf_name_text(replacement->instance_types[0]->name), replacement->instance_type_count - 1,
                            command.savings_usd_per_hour);
}

void kerf_single_node_explain(struct kerf_disruption_pass *pass, const struct kerf_method_input *input, const kerf_node_id *chosen,
                              size_t chosen_count)
{
    uint64_t simulations = pass->simulations, pods = pass->simulated_pods;
    double compute_us = pass->compute_us;
    for (size_t i = 0; i < input->candidates.count; i++) {
        const struct kerf_candidate *candidate = input->candidates.items[i];
        bool is_chosen = false;
        for (size_t j = 0; j < chosen_count && !is_chosen; j++)
            is_chosen = kerf_node_id_equal(chosen[j], candidate->id);
        if (!is_chosen && !pass->reasons[candidate->id.index].asked_alone)
            explain_alone(pass, input, candidate);
    }
    pass->simulations = simulations; /* nobody but the reader asked */
    pass->simulated_pods = pods;
    pass->compute_us = compute_us;
}
