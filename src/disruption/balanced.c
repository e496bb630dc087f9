/** The Balanced policy: what a move saves against what it disturbs, as shares of the NodePool (karpenter-disruption.md section 8). */
#include "disruption/disruption_internal.h"

#include <math.h>

double kerf_balanced_score(double savings_usd_per_hour, double disruption_cost, const struct kerf_nodepool_totals *totals)
{
    double savings_share = 0, disruption_share = 0;
    if (totals->cost_usd_per_hour > 0 && totals->disruption_cost > 0) {
        savings_share = savings_usd_per_hour / totals->cost_usd_per_hour;
        disruption_share = disruption_cost / totals->disruption_cost;
    }
    if (savings_share <= 0)
        return 0;
    return disruption_share == 0 ? INFINITY : savings_share / disruption_share;
}

bool kerf_balanced_approves(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, double savings_usd_per_hour,
                            const struct kerf_nodepool_totals *totals, bool *out_has_score, double *out_score)
{
    *out_has_score = false;
    *out_score = 0;
    if (candidates->count == 0)
        return false;
    size_t pool_count = pass->objects->nodepools.count;
    double *price = KERF_NEW_ARRAY(&pass->scratch, double, pool_count);
    double *disruption = KERF_NEW_ARRAY(&pass->scratch, double, pool_count);
    double price_of_all = 0;
    bool one_pool = true;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct kerf_candidate *candidate = candidates->items[i];
        price[candidate->nodepool_index] += candidate->price_usd_per_hour;
        disruption[candidate->nodepool_index] += candidate->disruption_cost;
        price_of_all += candidate->price_usd_per_hour;
        one_pool = one_pool && candidate->nodepool_index == candidates->items[0]->nodepool_index;
    }
    bool approved = true;
    for (size_t i = 0; i < pool_count; i++) {
        if (disruption[i] == 0 || pass->objects->nodepools.items[i].consolidation_policy != KERF_BALANCED)
            continue;
        double savings = one_pool || price_of_all == 0 ? savings_usd_per_hour : savings_usd_per_hour * price[i] / price_of_all;
        double score = totals[i].known ? kerf_balanced_score(savings, disruption[i], &totals[i]) : 0;
        *out_score = *out_has_score ? fmin(*out_score, score) : score;
        *out_has_score = true;
        approved = approved && score >= KERF_BALANCED_THRESHOLD;
    }
    return approved;
}
