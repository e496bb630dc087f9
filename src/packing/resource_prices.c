/* SPDX-License-Identifier: MIT */
/*
 * What a unit of each resource may cost in each bin type: the search for a good certificate. This is the one place with floating
 * point; weights leave it as integers, and what follows from them is checked in integers.
 *
 * A split divides the price of each bin type over its resources; a class is then worth what it takes of the type in which it is
 * cheapest to hold. Candidates: the linear program over resource prices that hold for all types, with limits (a limited type may
 * be worth more than its price; the difference is its rent), each single resource, and even shares. From the best of them the
 * splits of single types climb on: where a class lies in its cheapest type, the resource that this type is short of gets dearer.
 * That finds what common prices cannot: small cheap types that hold few classes no longer cap the price of everything.
 */
#include <math.h>
#include <string.h>

#include "packing/packing_internal.h"

enum {
    PIVOTS_PER_ROW = 200,
    CLIMBS_MAX = 60,
    CLIMBS_WITHOUT_GAIN_MAX = 12,
    CLIMB_CELLS_MAX = 60000000, /* looks at a class, a type and a resource, all climbs together */
};

struct candidate {
    double *shares; /* position * resource_count + resource: parts of 1 */
    double *rents;  /* by position */
    double bound;
};

struct search {
    struct binpack_problem *problem;
    const uint32_t *types;
    size_t type_count;
    double *per_unit; /* position * resource_count + resource: price of a unit */
    double *value;    /* by position: of an item of the class in hand; infinite where it cannot lie */
    double *load;     /* position * resource_count + resource: bins that the items in the type would fill */
};

static bool candidate_start(struct candidate *candidate, const struct search *search)
{
    struct space *space = &search->problem->space;
    candidate->shares = binpack_space_scratch(space, search->type_count * search->problem->resource_count, sizeof(double));
    candidate->rents = binpack_space_scratch(space, search->type_count, sizeof(double));
    candidate->bound = -1;
    return candidate->shares != NULL && candidate->rents != NULL;
}

/* Splits the price of every type as the given price of each resource asks; a type without any priced resource is worth 0. */
static void set_shares(const struct search *search, const double *resource_price, struct candidate *candidate)
{
    const struct binpack_problem *problem = search->problem;
    size_t resource_count = problem->resource_count;
    for (size_t i = 0; i < search->type_count; i++) {
        uint32_t type = search->types[i];
        double *shares = candidate->shares + i * resource_count;
        double sum = 0;
        for (size_t r = 0; r < resource_count; r++)
            sum += shares[r] = resource_price[r] * (double)problem->capacity[type * resource_count + r];
        candidate->rents[i] = 0;
        for (size_t r = 0; r < resource_count && sum > 0; r++)
            shares[r] /= sum;
        if (problem->limit[type] != BINPACK_NO_LIMIT && sum > (double)problem->price[type])
            candidate->rents[i] = sum - (double)problem->price[type];
    }
}

/* Values of an item of the group in every type; returns the least. */
static double value_group(const struct search *search, size_t group)
{
    const struct binpack_problem *problem = search->problem;
    size_t resource_count = problem->resource_count;
    const int64_t *demand = problem->demand + group * resource_count;
    double wanted[BINPACK_RESOURCES_MAX], least = INFINITY;
    for (size_t r = 0; r < resource_count; r++)
        wanted[r] = (double)demand[r];
    for (size_t i = 0; i < search->type_count; i++) {
        double value = 0;
        for (size_t r = 0; r < resource_count; r++)
            value += search->per_unit[i * resource_count + r] * wanted[r];
        search->value[i] = binpack_could_hold(problem, group, search->types[i]) ? value : INFINITY;
        if (search->value[i] < least)
            least = search->value[i];
    }
    return least;
}

/* Adds the items of a group to the loads: most to its cheapest type, less to others the dearer they are. */
static void add_load(const struct search *search, size_t group, double least, double sharpness)
{
    const struct binpack_problem *problem = search->problem;
    size_t resource_count = problem->resource_count;
    const int64_t *demand = problem->demand + group * resource_count;
    double sum = 0;
    for (size_t i = 0; i < search->type_count; i++) {
        double part = 1 / (1 + sharpness * (search->value[i] / least - 1));
        search->value[i] = part * part * part * part; /* 0 where it cannot lie */
        sum += search->value[i];
    }
    for (size_t i = 0; i < search->type_count; i++) {
        double items = (double)problem->count[group] * search->value[i] / sum;
        if (items <= 0)
            continue;
        for (size_t r = 0; r < resource_count; r++) {
            int64_t capacity = problem->capacity[search->types[i] * resource_count + r];
            if (capacity > 0)
                search->load[i * resource_count + r] += items * (double)demand[r] / (double)capacity;
        }
    }
}

/* What the bound would be but for rounding: sum over groups of count x least value, less rents. Sharpness > 0: sets the loads
 * too. */
static double evaluate(const struct search *search, const struct candidate *candidate, double sharpness)
{
    const struct binpack_problem *problem = search->problem;
    size_t resource_count = problem->resource_count;
    double sum = 0;
    for (size_t i = 0; i < search->type_count; i++) {
        uint32_t type = search->types[i];
        double money = (double)problem->price[type] + candidate->rents[i];
        if (candidate->rents[i] > 0)
            sum -= candidate->rents[i] * (double)problem->limit[type];
        for (size_t r = 0; r < resource_count; r++) {
            double capacity = (double)problem->capacity[type * resource_count + r];
            search->per_unit[i * resource_count + r] =
                capacity > 0 ? money * candidate->shares[i * resource_count + r] / capacity : 0;
        }
    }
    memset(search->load, 0, search->type_count * resource_count * sizeof *search->load);
    for (size_t g = 0; g < problem->group_count; g++) {
        if (!problem->fits_somewhere[g])
            continue;
        double least = value_group(search, g);
        sum += least * (double)problem->count[g];
        if (sharpness > 0 && least > 0)
            add_load(search, g, least, sharpness);
    }
    return sum;
}

/* Makes the resources that a type is short of dearer, and the others cheaper, by a step; a resource never becomes free for good.
 */
static void climb(const struct search *search, struct candidate *candidate, double step)
{
    const double share_min = 1e-6, change_min = -0.9, change_max = 3;
    size_t resource_count = search->problem->resource_count;
    for (size_t i = 0; i < search->type_count; i++) {
        double *shares = candidate->shares + i * resource_count;
        const double *load = search->load + i * resource_count;
        const int64_t *capacity = search->problem->capacity + search->types[i] * resource_count;
        double mean = 0, sum = 0;
        for (size_t r = 0; r < resource_count; r++)
            mean += shares[r] * load[r];
        if (mean <= 0)
            continue;
        for (size_t r = 0; r < resource_count; r++) {
            double change = load[r] / mean - 1;
            change = change < change_min ? change_min : change > change_max ? change_max : change;
            shares[r] = shares[r] < share_min ? share_min : shares[r];
            shares[r] = capacity[r] > 0 ? shares[r] * (1 + step * change) : 0;
            sum += shares[r];
        }
        for (size_t r = 0; r < resource_count; r++)
            shares[r] /= sum;
    }
}

static void copy_candidate(const struct search *search, const struct candidate *from, struct candidate *to)
{
    memcpy(to->shares, from->shares, search->type_count * search->problem->resource_count * sizeof *to->shares);
    memcpy(to->rents, from->rents, search->type_count * sizeof *to->rents);
    to->bound = from->bound;
}

/*
 * Splits that climb from near the best candidate; *best is replaced where they lead higher. They start from a mixture with even
 * shares, for a resource that is nearly free takes long to get dear. Steps shorten and loads sharpen as they go. When the first
 * climbs gain nothing, common prices are as good as any, which is the usual case for catalogues without tiny bins.
 */
static void climb_from(const struct search *search, struct candidate *best, struct candidate *next)
{
    const double even_part = 0.3, gain_min = 1e-4;
    const double sharpness_growth = 1.06, step_growth = 0.98; /* 20 to 600 and 1 to 0.3 over all climbs */
    double sharpness = 20, step = 1;
    size_t resource_count = search->problem->resource_count;
    double cells = (double)search->problem->group_count * (double)search->type_count * (double)resource_count;
    double bound_first = best->bound;
    copy_candidate(search, best, next);
    for (size_t i = 0; i < search->type_count * resource_count; i++)
        next->shares[i] = (1 - even_part) * next->shares[i] + even_part / (double)resource_count;
    for (size_t i = 0; i < CLIMBS_MAX && (double)(i + 1) * cells < CLIMB_CELLS_MAX; i++) {
        next->bound = evaluate(search, next, sharpness);
        if (next->bound > best->bound)
            copy_candidate(search, next, best);
        if (i + 1 >= CLIMBS_WITHOUT_GAIN_MAX && best->bound <= bound_first * (1 + gain_min))
            return;
        climb(search, next, step);
        sharpness *= sharpness_growth;
        step *= step_growth;
    }
}

static bool solve_lp(const struct search *search, double *resource_price)
{
    struct binpack_problem *problem = search->problem;
    size_t resource_count = problem->resource_count, type_count = search->type_count;
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
    for (size_t i = 0; i < type_count; i++) {
        for (size_t row = 0; row < row_count; row++) {
            double share = (double)problem->capacity[search->types[i] * resource_count + row_resource[row]] /
                           (double)problem->total_demand[row_resource[row]];
            lp.tableau[row * (type_count + row_count) + i] = share;
            if (share > largest)
                largest = share;
        }
    }
    for (size_t i = 0; i < type_count && largest > 0; i++) {
        int64_t limit = problem->limit[search->types[i]];
        lp.reduced[i] = (double)problem->price[search->types[i]] / largest;
        lp.limit[i] = limit == BINPACK_NO_LIMIT ? INFINITY : (double)limit * largest;
        for (size_t row = 0; row < row_count; row++)
            lp.tableau[row * (type_count + row_count) + i] /= largest;
    }
    binpack_lp_solve(&lp, PIVOTS_PER_ROW * (row_count + 1));
    for (size_t row = 0; row < row_count; row++)
        resource_price[row_resource[row]] = binpack_lp_row_price(&lp, row) / (double)problem->total_demand[row_resource[row]];
    return true;
}

/* Floors, so that the weights of a type add up to at most 1 but for an error in the last bit, which the largest weight bears. */
static void to_weights(const struct search *search, const struct candidate *candidate, uint64_t *weights)
{
    const uint64_t one = (uint64_t)1 << SHARE_BITS;
    size_t resource_count = search->problem->resource_count;
    for (size_t t = 0; t < search->type_count; t++) {
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

static bool search_start(struct search *search, struct binpack_problem *problem)
{
    bool makes_room = false;
    for (size_t r = 0; r < problem->resource_count; r++)
        makes_room |= problem->room_made[r] > 0;
    *search = (struct search){.problem = problem,
                              .types = makes_room ? problem->by_price : problem->frontier,
                              .type_count = makes_room ? problem->type_count : problem->frontier_count};
    size_t cell_count = search->type_count * problem->resource_count;
    search->per_unit = binpack_space_scratch(&problem->space, cell_count, sizeof(double));
    search->value = binpack_space_scratch(&problem->space, search->type_count, sizeof(double));
    search->load = binpack_space_scratch(&problem->space, cell_count, sizeof(double));
    return search->per_unit != NULL && search->value != NULL && search->load != NULL;
}

bool binpack_resource_prices_find(struct binpack_problem *problem, struct resource_prices *out_prices)
{
    size_t resource_count = problem->resource_count;
    struct search search;
    struct candidate best, next;
    if (!search_start(&search, problem) || !candidate_start(&best, &search) || !candidate_start(&next, &search))
        return false;
    out_prices->types = search.types;
    out_prices->type_count = search.type_count;
    out_prices->weights = binpack_space_scratch(&problem->space, search.type_count * resource_count, sizeof(uint64_t));
    if (out_prices->weights == NULL)
        return false;
    double resource_price[BINPACK_RESOURCES_MAX];
    /* candidate 0: the linear program; then single resources; last all resources in even shares of the total demand */
    for (size_t i = 0; i <= resource_count + 1; i++) {
        for (size_t r = 0; r < resource_count; r++) {
            double demand = (double)problem->total_demand[r];
            resource_price[r] = demand > 0 && (r + 1 == i || i == resource_count + 1) ? 1 / demand : 0;
        }
        if (i == 0 && !solve_lp(&search, resource_price))
            return false;
        set_shares(&search, resource_price, &next);
        if (i > 0)
            for (size_t t = 0; t < search.type_count; t++)
                next.rents[t] = 0; /* these prices are in no unit: only their proportions count */
        next.bound = evaluate(&search, &next, 0);
        if (next.bound > best.bound)
            copy_candidate(&search, &next, &best);
    }
    climb_from(&search, &best, &next);
    to_weights(&search, &best, out_prices->weights);
    out_prices->rents = best.rents;
    return true;
}
