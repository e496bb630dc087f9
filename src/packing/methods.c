/* SPDX-License-Identifier: MIT */
/* The table of methods, and the choice of the best plan among them. A new method is a file and a row. */
#include <string.h>

#include "packing/packing_internal.h"

static const struct binpack_method descriptions[] = {
    {"ffd", "first-fit-decreasing: each bin takes the largest items that still fit, in the type that costs least for what it "
            "then holds"},
    {"bfd", "best-fit-decreasing: items by falling size, each into the fullest open bin that takes it"},
    {"columns", "column generation: whole contents of bins chosen by a linear program, which also raises the bound, then "
                "rounded a few at a time"},
    {"exact", "branch and bound, for up to 64 items: the cheapest packing, if the steps last"},
    {"improve", "ruin and recreate: the best packing so far (or that of ffd), a few wasteful bins at a time packed anew by column "
                "generation"},
};
static const binpack_method_function functions[] = {binpack_method_ffd, binpack_method_bfd, binpack_method_columns,
                                                    binpack_method_exact, binpack_method_improve};

/* Searches end by their own effort, not when everything is placed; without a limit of the caller's they take the usual steps. */
static const bool is_search[] = {false, false, true, true, true};

enum { METHOD_COUNT = sizeof descriptions / sizeof descriptions[0] };
_Static_assert(sizeof functions / sizeof functions[0] == METHOD_COUNT && sizeof is_search / sizeof is_search[0] == METHOD_COUNT,
               "every method has a description, a function and a kind");

const struct binpack_method *binpack_methods(size_t *out_count)
{
    *out_count = METHOD_COUNT;
    return descriptions;
}

static bool sum_plan(const struct filling *filling, int64_t *out_bin_count, int64_t *out_cost)
{
    int64_t bin_count = 0, cost = 0;
    for (size_t i = 0; i < filling->run_count; i++) {
        const struct run *run = &filling->runs[i];
        int64_t price;
        if (__builtin_mul_overflow(filling->problem->price[run->type], run->bin_count, &price) ||
            __builtin_add_overflow(cost, price, &cost) || __builtin_add_overflow(bin_count, run->bin_count, &bin_count))
            return false;
    }
    *out_bin_count = bin_count;
    *out_cost = cost;
    return true;
}

/* Alone a search has all of them. Where every sort of items is in hundreds of bins, repairing single bins brings little: then the
 * search for whole contents gets half of what repair would have. */
static uint64_t usual_steps(const struct binpack_problem *problem, size_t method, size_t searches_left)
{
    enum { HUNDREDS = 300 };
    if (searches_left == 0 || !binpack_has_equal_items(problem, HUNDREDS))
        return BINPACK_STEPS_USUAL;
    return functions[method] == binpack_method_columns ? BINPACK_STEPS_USUAL / 2 * 3 : BINPACK_STEPS_USUAL / 2;
}

/* Runs one method; *plan is replaced if the new one is better or the first (method NULL). */
static enum binpack_outcome try_method(struct binpack_problem *problem, size_t method, uint64_t step_limit,
                                       size_t searches_left, struct binpack_plan *plan)
{
    struct filling filling;
    bool has_usual_limit = step_limit == 0 && is_search[method];
    if (has_usual_limit)
        step_limit = plan->steps + usual_steps(problem, method, searches_left);
    else if (step_limit == 0)
        step_limit = UINT64_MAX;
    else if (searches_left > 1 && step_limit > plan->steps)
        step_limit -= (step_limit - plan->steps) / (binpack_has_equal_items(problem, BINPACK_MANY_EQUAL) ? 8 : 2);
    if (!binpack_filling_start(&filling, problem, plan->steps, step_limit))
        return BINPACK_OUT_OF_SPACE;
    filling.start = plan->method != NULL ? plan : NULL;
    filling.steps_for_rest = 2 * plan->steps;
    functions[method](&filling);
    if (filling.out_of_space || !binpack_right_size(&filling))
        return BINPACK_OUT_OF_SPACE;
    plan->steps = filling.steps;
    struct binpack_plan next = {.method = descriptions[method].name, .steps = filling.steps};
    if (!sum_plan(&filling, &next.bin_count, &next.cost))
        return BINPACK_E_OVERFLOW;
    for (size_t g = 0; g < problem->group_count; g++)
        next.unplaced_count += filling.left[g];
    bool is_better = plan->method == NULL || next.unplaced_count < plan->unplaced_count ||
                     (next.unplaced_count == plan->unplaced_count && next.cost < plan->cost);
    if (is_better) {
        size_t front = problem->space.front;
        enum binpack_outcome outcome = binpack_expand(&filling, &next);
        if (outcome != BINPACK_OK) {
            problem->space.front = front;
            return outcome;
        }
        *plan = next;
    }
    if (plan->unplaced_count == 0 && (filling.is_exhausted || plan->cost <= problem->bound.cost))
        plan->is_cheapest = true;
    return filling.out_of_steps && !has_usual_limit && searches_left <= 1 ? BINPACK_OUT_OF_STEPS : BINPACK_OK;
}

static size_t searches_after(size_t method)
{
    size_t count = 0;
    for (size_t i = method + 1; i < METHOD_COUNT; i++)
        count += is_search[i];
    return count;
}

enum binpack_outcome binpack_solve(struct binpack_problem *problem, const struct binpack_options *options,
                                   struct binpack_plan *out_plan)
{
    const struct binpack_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    struct binpack_plan plan = {0};
    struct binpack_bound bound; /* the values of items that methods go by */
    enum binpack_outcome outcome = binpack_bound_find(problem, &bound);
    bool is_known = false;
    for (size_t i = 0; i < METHOD_COUNT && outcome == BINPACK_OK; i++) {
        if (options->method != NULL && strcmp(options->method, descriptions[i].name) != 0)
            continue;
        is_known = true;
        outcome = try_method(problem, i, options->step_limit, options->method == NULL && is_search[i] ? searches_after(i) + 1 : 0,
                             &plan);
        problem->space.back = 0;
    }
    if (outcome == BINPACK_OK && !is_known)
        return BINPACK_E_ARGUMENT;
    if (outcome == BINPACK_E_OVERFLOW || (plan.method == NULL && outcome != BINPACK_OUT_OF_SPACE))
        return outcome;
    *out_plan = plan;
    if (outcome == BINPACK_OK && plan.unplaced_count > 0)
        return BINPACK_LEFT_OVER;
    return outcome;
}
