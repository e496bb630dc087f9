/** Multi-node consolidation: the longest prefix of the sorted candidates that a binary search accepts (karpenter-disruption.md section 5). */
#include "disruption/disruption_internal.h"

#include <float.h>
#include <math.h>

/** The largest index that the search looks at: prefixes of one node more. */
#define PREFIX_INDEX_MAX 100

/** The cheapest offering of a candidate's type that its labels allow, available or not; NAN: none. */
static double cheapest_of_labels(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate)
{
    struct kerf_requirements labels =
        kerf_requirements_of_labels(&pass->scratch, pass->vocabulary, kerf_cluster_node_labels(pass->cluster, candidate->node));
    double cheapest = NAN;
    for (uint32_t i = 0; i < candidate->type->offering_count; i++) {
        const struct kerf_offering *offering = &candidate->type->offerings[i];
        if (kerf_requirements_compatible(pass->vocabulary, &labels, &offering->requirements, KERF_UNDEFINED_WELL_KNOWN, NULL) &&
            !(offering->price_usd_per_hour >= cheapest))
            cheapest = offering->price_usd_per_hour;
    }
    return cheapest;
}

/**
 * The same-instance-type filter (5.3): to become one node of a type that is among the candidates, keep that one and delete the others.
 * A type whose candidates have no compatible offering counts as free, so that everything is refused: as the real code has it.
 */
static bool filter_same_type(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                             struct kerf_planned_claim *replacement, const char **out_why)
{
    double limit = DBL_MAX;
    for (size_t i = 0; i < replacement->instance_type_count; i++) {
        double cheapest = NAN;
        bool exists = false;
        for (size_t j = 0; j < candidates->count; j++) {
            if (candidates->items[j]->type->name != replacement->instance_types[i]->name)
                continue;
            exists = true;
            double price = cheapest_of_labels(pass, candidates->items[j]);
            if (!isnan(price) && !(price >= cheapest))
                cheapest = price;
        }
        if (exists)
            limit = fmin(limit, isnan(cheapest) ? 0 : cheapest);
    }
    return kerf_replacement_filter_by_price(pass, replacement, limit, out_why);
}

/** Section 7 on a prefix, then the same-type filter and the Balanced policy; false: this prefix is no command. */
static bool try_prefix(struct kerf_disruption_pass *pass, const struct kerf_method_input *input, const struct kerf_candidates *prefix,
                       struct kerf_disruption_command *out_command, bool *out_error)
{
    struct kerf_consolidation consolidation;
    kerf_consolidate(pass, prefix, &consolidation);
    if (consolidation.decision == KERF_DECIDE_ERROR) {
        *out_error = true;
        return false;
    }
    if (consolidation.decision == KERF_DECIDE_NOTHING)
        return false;
    bool replace = consolidation.decision == KERF_DECIDE_REPLACE;
    const char *why;
    if (replace && !filter_same_type(pass, prefix, &consolidation.replacement, &why))
        return false;
    double savings = kerf_estimated_savings(pass, prefix, &consolidation.replacement, replace);
    struct kerf_disruption_command command = kerf_command_of(pass, KERF_METHOD_MULTI_NODE, prefix);
    if (!kerf_balanced_approves(pass, prefix, savings, input->totals, &command.has_score, &command.score))
        return false;
    kerf_command_set_consolidation(pass, &command, &consolidation, savings);
    *out_command = command;
    return true;
}

bool kerf_multi_node_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input, struct kerf_disruption_command *out_command,
                            bool *out_timed_out, bool *out_error)
{
    if (input->memory->multi_node_memo != 0 && input->memory->multi_node_memo == input->consolidation_state)
        return false;
    struct kerf_candidates sorted = kerf_candidates_copy(&pass->scratch, &input->candidates);
    kerf_candidates_sort_by_savings(pass, &sorted);
    bool constrained = kerf_candidates_within_budgets(pass, &sorted, input->budgets, KERF_METHOD_MULTI_NODE);
    bool found = false;
    if (sorted.count >= 2) {
        size_t low = 1, high = sorted.count <= PREFIX_INDEX_MAX ? sorted.count - 1 : PREFIX_INDEX_MAX;
        double started_us = pass->compute_us;
        while (low <= high) {
            double limit_us = (double)pass->options->compute.multi_node_limit_us;
            if (limit_us > 0 && pass->compute_us - started_us >= limit_us) {
                *out_timed_out = true;
                break;
            }
            size_t middle = (low + high) / 2;
            struct kerf_candidates prefix = { .items = sorted.items, .count = middle + 1 };
            bool accepted = try_prefix(pass, input, &prefix, out_command, out_error);
            if (*out_error)
                return false;
            if (accepted) {
                found = true;
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
    }
    if (!found && !constrained) {
        input->memory->multi_node_memo = input->consolidation_state;
        input->memo_set = true;
    }
    return found;
}
