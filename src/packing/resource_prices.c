/* SPDX-License-Identifier: MIT */
/*
 * What a unit of each resource may cost: the search for a good certificate. This is the one place with floating point; weights
 * leave it as integers, and what follows from them is checked in integers.
 *
 * Candidates: the linear program over resource prices, with the limits of bin types (a limited type may be worth more than its
 * price; the difference is its rent), each single resource, and the resources in even shares. A candidate splits the price of each
 * bin type over its resources; a class is then worth what it takes of the type in which it is cheapest to hold, which also
 * counts for classes that the best types cannot hold.
 */
#include <math.h>

#include "packing/packing_internal.h"

enum { PIVOTS_PER_ROW = 200 };

struct candidate {
    double *shares; /* type * resource_count + resource: parts of 1 */
    double *rents;  /* by type */
    double bound;
};

static bool candidate_start(struct candidate *candidate, struct binpack_problem *problem)
{
    candidate->shares =
        binpack_space_scratch(&problem->space, problem->type_count * problem->resource_count, sizeof *candidate->shares);
    candidate->rents = binpack_space_scratch(&problem->space, problem->type_count, sizeof *candidate->rents);
    candidate->bound = -1;
    return candidate->shares != NULL && candidate->rents != NULL;
}

/* Splits the price of every type as the given price of each resource asks; a type without any priced resource is worth 0. */
static void set_shares(const struct binpack_problem *problem, const double *resource_price, struct candidate *candidate)
{
    size_t resource_count = problem->resource_count;
    for (size_t t = 0; t < problem->type_count; t++) {
        double *shares = candidate->shares + t * resource_count;
        double sum = 0;
        for (size_t r = 0; r < resource_count; r++)
            sum += shares[r] = resource_price[r] * (double)problem->capacity[t * resource_count + r];
        candidate->rents[t] = 0;
        if (sum > 0) {
            for (size_t r = 0; r < resource_count; r++)
                shares[r] /= sum;
            if (problem->limit[t] != BINPACK_NO_LIMIT && problem->limit[t] > 0 && sum > (double)problem->price[t])
                candidate->rents[t] = sum - (double)problem->price[t];
        }
    }
}

/* Sum over groups of count x value, less rents: what the bound would be but for rounding. */
static double evaluate(const struct binpack_problem *problem, const struct candidate *candidate, double *per_unit)
{
    size_t resource_count = problem->resource_count;
    double sum = 0;
    for (size_t t = 0; t < problem->type_count; t++) {
        double money = (double)problem->price[t] + candidate->rents[t];
        if (candidate->rents[t] > 0)
            sum -= candidate->rents[t] * (double)problem->limit[t];
        for (size_t r = 0; r < resource_count; r++) {
            double capacity = (double)problem->capacity[t * resource_count + r];
            per_unit[t * resource_count + r] = capacity > 0 ? money * candidate->shares[t * resource_count + r] / capacity : 0;
        }
    }
    for (size_t g = 0; g < problem->group_count; g++) {
        if (!problem->fits_somewhere[g])
            continue;
        const int64_t *demand = problem->demand + g * resource_count;
        double least = INFINITY;
        for (size_t t = 0; t < problem->type_count; t++) {
            double value = 0;
            for (size_t r = 0; r < resource_count; r++)
                value += per_unit[t * resource_count + r] * (double)demand[r];
            if (value < least && binpack_could_hold(problem, g, t))
                least = value;
        }
        sum += least * (double)problem->count[g];
    }
    return sum;
}

static bool solve_lp(struct binpack_problem *problem, double *resource_price)
{
    size_t resource_count = problem->resource_count, type_count = problem->type_count;
    size_t row_resource[BINPACK_RESOURCES_MAX];
    size_t row_count = 0;
    for (size_t r = 0; r < resource_count; r++) {
        resource_price[r] = 0;
        if (problem->total_demand[r] > 0)
            row_resource[row_count++] = r;
    }
    struct lp lp;
    if (!binpack_lp_start(&lp, &problem->space, row_count, type_count))
        return false;
    /* a bin is counted in parts of the largest share of a total demand that any bin holds, which keeps coefficients near 1 */
    double largest = 0;
    for (size_t t = 0; t < type_count; t++) {
        for (size_t i = 0; i < row_count; i++) {
            double share = (double)problem->capacity[t * resource_count + row_resource[i]] /
                           (double)problem->total_demand[row_resource[i]];
            lp.tableau[i * (type_count + row_count) + t] = share;
            if (share > largest)
                largest = share;
        }
    }
    for (size_t t = 0; t < type_count && largest > 0; t++) {
        lp.reduced[t] = (double)problem->price[t] / largest;
        lp.limit[t] = problem->limit[t] == BINPACK_NO_LIMIT ? INFINITY : (double)problem->limit[t] * largest;
        for (size_t i = 0; i < row_count; i++)
            lp.tableau[i * (type_count + row_count) + t] /= largest;
    }
    binpack_lp_solve(&lp, PIVOTS_PER_ROW * (row_count + 1));
    for (size_t i = 0; i < row_count; i++)
        resource_price[row_resource[i]] = binpack_lp_row_price(&lp, i) / (double)problem->total_demand[row_resource[i]];
    return true;
}

/* Floors, so that the weights of a type add up to at most 1 but for an error in the last bit, which the largest weight bears. */
static void to_weights(const struct binpack_problem *problem, const struct candidate *candidate, uint64_t *weights)
{
    const uint64_t one = (uint64_t)1 << SHARE_BITS;
    size_t resource_count = problem->resource_count;
    for (size_t t = 0; t < problem->type_count; t++) {
        uint64_t sum = 0;
        size_t largest = t * resource_count;
        for (size_t i = t * resource_count; i < (t + 1) * resource_count; i++) {
            double share = candidate->shares[i];
            weights[i] = share > 0 ? (uint64_t)((share < 1 ? share : 1) * (double)one) : 0;
            sum += weights[i];
            if (weights[i] > weights[largest])
                largest = i;
        }
        if (sum > one)
            weights[largest] -= sum - one;
    }
}

bool binpack_resource_prices_find(struct binpack_problem *problem, struct resource_prices *out_prices)
{
    size_t resource_count = problem->resource_count, cell_count = problem->type_count * resource_count;
    struct candidate best, next;
    double *per_unit = binpack_space_scratch(&problem->space, cell_count, sizeof *per_unit);
    out_prices->weights = binpack_space_scratch(&problem->space, cell_count, sizeof *out_prices->weights);
    if (per_unit == NULL || out_prices->weights == NULL || !candidate_start(&best, problem) || !candidate_start(&next, problem))
        return false;
    double resource_price[BINPACK_RESOURCES_MAX];
    /* candidate 0: the linear program; then single resources; last all resources in even shares of the total demand */
    for (size_t i = 0; i <= resource_count + 1; i++) {
        for (size_t r = 0; r < resource_count; r++) {
            double demand = (double)problem->total_demand[r];
            resource_price[r] = demand > 0 && (r + 1 == i || i == resource_count + 1) ? 1 / demand : 0;
        }
        if (i == 0 && !solve_lp(problem, resource_price))
            return false;
        set_shares(problem, resource_price, &next);
        if (i > 0)
            for (size_t t = 0; t < problem->type_count; t++)
                next.rents[t] = 0; /* these prices are in no unit: only their proportions count */
        next.bound = evaluate(problem, &next, per_unit);
        if (next.bound > best.bound) {
            struct candidate held = best;
            best = next;
            next = held;
        }
    }
    to_weights(problem, &best, out_prices->weights);
    out_prices->rents = best.rents;
    return true;
}
