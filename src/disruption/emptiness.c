/** Emptiness: nodes without pods that would have to move (karpenter-disruption.md section 4). */
#include "disruption/disruption_internal.h"

bool kerf_emptiness_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input, struct kerf_disruption_command *out_command)
{
    struct kerf_candidates taken = kerf_candidates_copy(&pass->scratch, &input->candidates);
    kerf_candidates_sort_by_savings(pass, &taken);
    kerf_candidates_within_budgets(pass, &taken, input->budgets, KERF_METHOD_EMPTINESS);
    if (taken.count == 0)
        return false;
    *out_command = kerf_command_of(pass, KERF_METHOD_EMPTINESS, &taken);
    out_command->savings_usd_per_hour = kerf_estimated_savings(pass, &taken, NULL, 0);
    kerf_balanced_approves(pass, &taken, out_command->savings_usd_per_hour, input->totals, &out_command->has_score, &out_command->score);
    return true;
}
