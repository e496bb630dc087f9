/* SPDX-License-Identifier: MIT */
/**
 * What the files of the packing library share: the problem as the solvers see it (plain arrays, classes grouped), the space in
 * the caller's memory, and the open bins that a method fills. verify.c does not include this file.
 */
#ifndef BINPACK_INTERNAL_H
#define BINPACK_INTERNAL_H

#include "binpack/binpack.h"

__extension__ typedef __int128 binpack_i128; /* sums and products of 64-bit numbers */
__extension__ typedef unsigned __int128 binpack_u128;

/* ---- space.c: results from the front of the caller's memory, scratch from its back ------------------------------------ */

struct space {
    unsigned char *memory;
    size_t bytes;
    size_t front; /* bytes in use from the start: live until results are forgotten */
    size_t back;  /* bytes in use from the end: live until a call returns */
};

/* Zeroed, aligned to 16; NULL when the memory is too small. */
void *binpack_space_keep(struct space *space, size_t count, size_t item_bytes);
void *binpack_space_scratch(struct space *space, size_t count, size_t item_bytes);

/* ---- heap_sort.c: items of at most 64 bytes, by a total order --------------------------------------------------------- */

void binpack_sort(void *items, size_t count, size_t item_bytes, int (*compare)(const void *, const void *));

/* ---- problem.c -------------------------------------------------------------------------------------------------------- */

struct binpack_problem {
    struct binpack_input input;
    struct space space;
    size_t front_of_results;
    size_t resource_count;
    size_t type_count;
    size_t group_count;

    int64_t *capacity; /* type * resource_count + resource */
    int64_t *price;
    int64_t *limit;
    uint32_t *by_price; /* all types, cheapest first */
    uint32_t *frontier; /* types worth opening: none cheaper-or-equal is as large in every way; cheapest first */
    size_t frontier_count;
    uint32_t *stand_in; /* by type: that of the frontier which makes it needless; itself if none does, or limit is 0 */
    int64_t price_step;    /* every cost is a multiple: the greatest common divisor of the prices; 0 when all are 0 */
    int64_t *capacity_max; /* over the types, one a resource; the yardstick by which demands are made comparable */

    /* A group is what one or several item classes are when nothing tells them apart. */
    int64_t *demand; /* group * resource_count + resource */
    int64_t *count;
    int64_t *per_bin_max;   /* INT64_MAX: as many as fit */
    uint32_t *allowed_set;  /* position in allowed_sets, 0: all types */
    bool *fits_somewhere;   /* some type could hold one */
    uint32_t *member_first; /* members[member_first[g] .. member_first[g + 1]) are its item classes */
    uint32_t *members;
    const uint64_t **allowed_sets; /* [0] is NULL */
    size_t allowed_set_count;
    uint64_t *conflicts; /* group * conflict_words + word: the groups that may not lie beside it; NULL: there are no conflicts */
    size_t conflict_words;
    binpack_i128 total_demand[BINPACK_RESOURCES_MAX]; /* of the groups that fit somewhere */
    int64_t room_made[BINPACK_RESOURCES_MAX];         /* by all items of negative demand together */

    struct binpack_bound bound; /* found at most once: `scale` 0 before */
    int64_t *group_value;       /* by group: what its items are worth under the bound */
};

/* May items of this group lie in bins of this type, whatever their size? */
static inline bool binpack_is_allowed(const struct binpack_problem *problem, size_t group, size_t type)
{
    const uint64_t *set = problem->allowed_sets[problem->allowed_set[group]];
    return set == NULL || (set[type / 64] >> (type % 64) & 1) != 0;
}

/* May no bin hold items of both groups? */
static inline bool binpack_in_conflict(const struct binpack_problem *problem, size_t group, size_t other)
{
    return problem->conflicts != NULL && (problem->conflicts[group * problem->conflict_words + other / 64] >> (other % 64) & 1) != 0;
}

/* Could some plan put an item of this group into a bin of this type? */
static inline bool binpack_could_hold(const struct binpack_problem *problem, size_t group, size_t type)
{
    const int64_t *demand = problem->demand + group * problem->resource_count;
    const int64_t *capacity = problem->capacity + type * problem->resource_count;
    for (size_t r = 0; r < problem->resource_count; r++)
        if (demand[r] > capacity[r] && demand[r] - capacity[r] > problem->room_made[r])
            return false;
    return problem->limit[type] > 0 && binpack_is_allowed(problem, group, type);
}

/* Does a vector fit another in every resource? */
static inline bool binpack_fits(const int64_t *demand, const int64_t *room, size_t resource_count)
{
    for (size_t r = 0; r < resource_count; r++)
        if (demand[r] > room[r])
            return false;
    return true;
}

/* How many of a demand fit the room, at most `most`. */
/* Are there so many items of each group on the average? */
bool binpack_has_equal_items(const struct binpack_problem *problem, int64_t times);
#define BINPACK_MANY_EQUAL 20 /* then whole contents matter most, and repairing single bins less */

/* The table of completion.c: a line of cells for each amount of room. */
enum { BINPACK_COMPLETION_LINE = 385, BINPACK_COMPLETION_BYTES = BINPACK_COMPLETION_LINE * BINPACK_COMPLETION_LINE * 12 };

static inline int64_t binpack_fit_count(const int64_t *demand, const int64_t *room, size_t resource_count, int64_t most)
{
    if (!binpack_fits(demand, room, resource_count))
        return 0;
    for (size_t r = 0; r < resource_count; r++) {
        /* the product is tried first: a division costs as much as the rest of the loop */
        int64_t product;
        if (demand[r] <= 0 || (!__builtin_mul_overflow(demand[r], most, &product) && product <= room[r]))
            continue;
        most = room[r] / demand[r];
    }
    return most;
}

/* ---- resource_prices.c: the one place with floating point ------------------------------------------------------------- */

enum { SHARE_BITS = 40 }; /* a share of 1 is 2^40 */

/* The types that a bound need look at, and how the price of each is split. */
struct resource_prices {
    const uint32_t *types; /* the frontier; every type when items make room */
    size_t type_count;
    uint64_t *weights; /* position in types * resource_count + resource; they add up to at most 2^SHARE_BITS a type */
    double *rents;     /* by position, in price units; > 0 for limited types that are a bargain at these prices */
};

/* Finds the best split it knows; false when space ran out. */
bool binpack_resource_prices_find(struct binpack_problem *problem, struct resource_prices *out_prices);

/* ---- lp.c: dual simplex with bounds ----------------------------------------------------------------------------------- */

/*
 * Minimise sum price_j n_j so that sum over j of a_ij n_j >= 1 in every row i and 0 <= n_j <= limit_j (infinity: none). It starts
 * from n = 0, so the row prices are feasible at every step, and those after `pivot_limit` pivots are the best that this many
 * give.
 */
struct lp {
    size_t row_count;
    size_t column_count; /* of the caller; row_count surplus columns follow them */
    double *tableau;     /* row * (column_count + row_count) + column; filled with a_ij, then worked on */
    double *reduced;     /* by column: filled with the prices, then worked on; >= 0 at its lower, <= 0 at its upper bound */
    double *limit;       /* by column; infinity for surplus */
    bool *at_upper;      /* by column */
    double *value;       /* by row: of its basic column */
    size_t *basic;       /* by row: its basic column */
    struct lp_candidate *candidates;
};
bool binpack_lp_start(struct lp *lp, struct space *space, size_t row_count, size_t column_count);
void binpack_lp_solve(struct lp *lp, size_t pivot_limit);
static inline double binpack_lp_row_price(const struct lp *lp, size_t row)
{
    double price = lp->reduced[lp->column_count + row];
    return price > 0 ? price : 0;
}

/* ---- open_bins.c: bins while a method fills them ---------------------------------------------------------------------- */

/* Contents are chains of cells that never change, so bins that were equal for a while share what they have in common. */
struct cell {
    uint32_t group;
    uint32_t next; /* UINT32_MAX: last */
    int64_t item_count;
};

/* Equal bins. */
struct run {
    uint32_t type;
    uint32_t content; /* the cell added last, UINT32_MAX: empty */
    int64_t bin_count;
    uint32_t base; /* revise.h: these bins stand; 0: they are new */
};

struct filling {
    struct binpack_problem *problem;
    uint64_t steps;
    uint64_t step_limit; /* UINT64_MAX: none */
    bool out_of_space;
    bool out_of_steps;
    bool is_exhausted; /* every plan was looked at: none is cheaper than the best of `start` and this one */

    uint32_t *order_start; /* room for all groups */
    uint32_t *order; /* groups of which items are left, largest first */
    size_t order_count;
    int64_t *left;        /* by group */
    int64_t *type_left;   /* by type: bins that may still be opened */
    int64_t *least_after; /* order position * resource_count + r: the least demand from there on */

    struct run *runs;
    size_t run_count, run_capacity;
    int64_t *room; /* run * resource_count + r */
    struct cell *cells;
    size_t cell_count, cell_capacity;

    const struct binpack_plan *start; /* the best plan so far, to work from; NULL: there is none */
    uint64_t steps_for_rest;          /* what ffd may take for items that a method leaves */

    /* one bin filled on trial */
    uint32_t *trial_groups;
    int64_t *trial_counts;
    size_t trial_count;
    int64_t *trial_room;
};

bool binpack_filling_start(struct filling *filling, struct binpack_problem *problem, uint64_t steps, uint64_t step_limit);

/* Puts what is left into bins that are open, each group into the fullest that take it. False when steps or space ran out. */
bool binpack_fill_open_bins(struct filling *filling);

/* Drops groups that are used up from the order and sets least_after. */
void binpack_filling_compact(struct filling *filling);

/* Appends bins; false when space ran out. The caller takes the items off `left`. */
bool binpack_open_run(struct filling *filling, uint32_t type, int64_t bin_count, uint32_t content, const int64_t *room);
/* A cell in front of `next`; UINT32_MAX when space ran out. */
uint32_t binpack_add_cell(struct filling *filling, uint32_t group, int64_t item_count, uint32_t next);

/* Takes one step; false when there is none left. */
static inline bool binpack_step(struct filling *filling)
{
    if (filling->steps >= filling->step_limit) {
        filling->out_of_steps = true;
        return false;
    }
    filling->steps++;
    return true;
}

/* Takes many steps at once; false, and no more than the limit is counted, when there are not as many. */
static inline bool binpack_steps(struct filling *filling, uint64_t steps)
{
    if (steps > filling->step_limit - filling->steps) {
        filling->steps = filling->step_limit;
        filling->out_of_steps = true;
        return false;
    }
    filling->steps += steps;
    return true;
}

/* Fills an empty bin of the type with what is left, largest first, into trial_*; returns the worth of what it holds. */
binpack_u128 binpack_fill_trial(struct filling *filling, uint32_t type);

/*
 * The type to open for the first group of the order: the one whose trial content costs least for its worth, counting the price
 * of the cheapest type that holds that content. The winner's content is in trial_* and *out_type is that cheapest type.
 * False: no type may be opened that holds an item of the group.
 */
bool binpack_choose_type(struct filling *filling, uint32_t *out_type);

/* Gives every bin the cheapest type that holds its content, as far as limits allow. False when space ran out. */
bool binpack_right_size(struct filling *filling);
/* The same for the runs from first_run on. */
bool binpack_right_size_from(struct filling *filling, size_t first_run);
/* The order anew, of all groups of which items are left. */
bool binpack_filling_reorder(struct filling *filling);

/* Opens the bins of a plan of this problem in a filling that has none. False when space ran out. */
bool binpack_filling_load(struct filling *filling, const struct binpack_plan *plan);

/* ---- bound.c ---------------------------------------------------------------------------------------------------------- */

/* What the values prove: sets bound->cost. */
enum binpack_outcome binpack_bound_round_up(const struct binpack_problem *problem, struct binpack_bound *bound,
                                            const int64_t *group_value);

/* ---- methods.c, expand.c ---------------------------------------------------------------------------------------------- */

/* Fills until nothing is left that fits, or steps or space run out (flags of the filling). */
typedef void (*binpack_method_function)(struct filling *filling);
void binpack_method_ffd(struct filling *filling);
void binpack_method_bfd(struct filling *filling);
void binpack_method_columns(struct filling *filling);
void binpack_method_improve(struct filling *filling);
void binpack_method_exact(struct filling *filling);

/* Drops runs of which no bin is left. */
void binpack_drop_empty_runs(struct filling *filling);

/* Turns groups back into the caller's classes and lays the plan into the kept space. */
enum binpack_outcome binpack_expand(struct filling *filling, struct binpack_plan *out_plan);

#endif
