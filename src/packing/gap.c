/* SPDX-License-Identifier: MIT */
/* Splits the gap between a plan and its bound over the bins. */
#include <string.h>

#include "packing/packing_internal.h"

/* Price and rent of a bin less the values of its items, in 1/scale; the bound's certificate makes it >= 0. */
static binpack_i128 kerf_before_rounding(const struct binpack_problem *problem, const struct binpack_bound *bound,
                                         const struct binpack_plan *plan, const struct binpack_pattern *pattern)
{
    binpack_i128 kerf = (binpack_i128)bound->scale * problem->price[pattern->bin_type] + bound->rents[pattern->bin_type];
    for (size_t i = 0; i < pattern->placement_count; i++) {
        const struct binpack_placement *placement = &plan->placements[pattern->placement_first + i];
        kerf -= (binpack_i128)bound->item_values[placement->item_class] * placement->item_count;
    }
    return kerf;
}

/* The pattern with the largest kerf below `below` (ties: all of them have it); -1: none. */
static int64_t next_largest(const struct binpack_pattern *patterns, size_t count, int64_t below)
{
    int64_t largest = -1;
    for (size_t i = 0; i < count; i++)
        if (patterns[i].kerf < below && patterns[i].kerf > largest)
            largest = patterns[i].kerf;
    return largest;
}

/*
 * Takes `excess` off the largest kerfs: bins are cut down to a common level, and what does not divide evenly is taken as one unit
 * more from the bins that come last. Returns how many bins of the pattern *out_split should be one unit lower (0: none).
 */
static int64_t cut_largest(struct binpack_pattern *patterns, size_t count, binpack_i128 excess, size_t *out_split)
{
    int64_t top = next_largest(patterns, count, INT64_MAX);
    while (excess > 0 && top > 0) {
        int64_t next = next_largest(patterns, count, top);
        next = next < 0 ? 0 : next;
        binpack_i128 bins = 0;
        for (size_t i = 0; i < count; i++)
            bins += patterns[i].kerf == top ? patterns[i].bin_count : 0;
        if (excess >= bins * (top - next)) {
            for (size_t i = 0; i < count; i++)
                if (patterns[i].kerf == top)
                    patterns[i].kerf = next;
            excess -= bins * (top - next);
            top = next;
            continue;
        }
        int64_t cut = (int64_t)(excess / bins);
        binpack_i128 rest = excess % bins; /* bins that give one unit more */
        for (size_t i = count; i-- > 0;) {
            if (patterns[i].kerf != top)
                continue;
            patterns[i].kerf -= cut;
            if (rest >= patterns[i].bin_count) {
                patterns[i].kerf--;
                rest -= patterns[i].bin_count;
            } else if (rest > 0) {
                *out_split = i;
                int64_t split = (int64_t)rest;
                rest = 0;
                for (size_t j = i; j-- > 0;)
                    if (patterns[j].kerf == top)
                        patterns[j].kerf -= cut;
                return split;
            }
        }
        return 0;
    }
    return 0;
}

enum binpack_outcome binpack_plan_split_gap(struct binpack_problem *problem, const struct binpack_bound *bound,
                                            struct binpack_plan *plan, int64_t *out_kerf_unopened)
{
    if (plan->unplaced_count > 0)
        return BINPACK_E_ARGUMENT;
    size_t front = problem->space.front;
    struct binpack_pattern *patterns = binpack_space_keep(&problem->space, plan->pattern_count + 1, sizeof *patterns);
    int64_t *unopened = binpack_space_scratch(&problem->space, problem->type_count, sizeof *unopened);
    problem->space.back = 0;
    if (patterns == NULL || unopened == NULL) {
        problem->space.front = front;
        return BINPACK_OUT_OF_SPACE;
    }
    if (plan->pattern_count > 0)
        memcpy(patterns, plan->patterns, plan->pattern_count * sizeof *patterns);
    memcpy(unopened, problem->limit, problem->type_count * sizeof *unopened);
    binpack_i128 sum = 0;
    for (size_t i = 0; i < plan->pattern_count; i++) {
        binpack_i128 kerf = kerf_before_rounding(problem, bound, plan, &patterns[i]);
        if (kerf > INT64_MAX) {
            problem->space.front = front;
            return BINPACK_E_OVERFLOW;
        }
        patterns[i].kerf = (int64_t)kerf;
        sum += (binpack_i128)patterns[i].kerf * patterns[i].bin_count;
        unopened[patterns[i].bin_type] -= patterns[i].bin_count;
    }
    binpack_i128 rents = 0;
    for (size_t t = 0; t < problem->type_count; t++)
        if (bound->rents[t] > 0)
            rents += (binpack_i128)bound->rents[t] * unopened[t];
    /* what the bound gained by rounding, first off the bins that are not there */
    binpack_i128 excess = sum + rents - (binpack_i128)bound->scale * (plan->cost - bound->cost);
    binpack_i128 off_rents = excess < rents ? excess : rents;
    rents -= off_rents;
    size_t split = 0;
    int64_t split_bins = cut_largest(patterns, plan->pattern_count, excess - off_rents, &split);
    if (rents > INT64_MAX) {
        problem->space.front = front;
        return BINPACK_E_OVERFLOW;
    }
    if (split_bins > 0) {
        memmove(patterns + split + 1, patterns + split, (plan->pattern_count - split) * sizeof *patterns);
        patterns[split].bin_count -= split_bins;
        patterns[split + 1].bin_count = split_bins;
        patterns[split + 1].kerf--;
        plan->pattern_count++;
    }
    plan->patterns = patterns;
    *out_kerf_unopened = (int64_t)rents;
    return BINPACK_OK;
}
