/* SPDX-License-Identifier: MIT */
/**
 * What the files share that work with contents of bins as columns of a linear program: the master program (which contents, how
 * often), the search for contents that are worth more than their bin costs, and the state that both leave for diving and repair.
 *
 * All of it is floating point and proposes only: contents are checked in integers when they are put into a plan, and values of
 * items when pattern_bound.c makes a certificate of them.
 */
#ifndef BINPACK_COLUMNS_H
#define BINPACK_COLUMNS_H

#include "packing/packing_internal.h"

/* ---- master.c, simplex.c: minimise the price of contents that hold every item ------------------------------------------- */

enum { MASTER_ROWS_MAX = 1200 };

struct column_cell {
    uint32_t row;
    int64_t count;
};

/* A content of one bin; type UINT32_MAX: stands for leaving one item out, dearer than any bin. */
struct column {
    double price; /* in money units of the master */
    uint64_t mark; /* of the content, so that equal ones are found quickly */
    uint32_t type;
    uint32_t limit_row; /* UINT32_MAX: the type has no limit that matters */
    uint32_t cell_first;
    uint32_t cell_count;
    bool is_basic;
};

/*
 * Rows: a group's items are held (>= its count), then a limited type's bins are at most its limit (written >= -limit).
 * The basis is kept as a dense inverse by columns. A basic column -1 - i is the surplus of row i.
 */
struct master {
    struct binpack_problem *problem;
    double money; /* price units in a money unit of the master */
    size_t row_count;
    size_t group_row_count;
    uint32_t *row_group; /* by row */
    uint32_t *group_row; /* by group; UINT32_MAX: fits nowhere */
    uint32_t *type_row;  /* by type; UINT32_MAX: no limit that matters */

    struct column *columns;
    size_t column_count, column_capacity;
    struct column_cell *cells;
    size_t cell_count, cell_capacity;
    struct column_cell *cells_spare; /* the other half while the pool is cleared out */

    double *inverse; /* column * row_count + row */
    int32_t *basic;  /* by row */
    double *value;   /* by row: of its basic column */
    double *need;    /* by row: the right-hand side */
    double *dual;    /* by row */
    double *entering;
    double *row_values; /* a row of the inverse */
    uint32_t *entering_rows;
    size_t entering_count;
    bool *is_taken;
    size_t pivots_since_rebuild;
};

/* Rows for what is left of the filling. Fails when space runs out; with too many rows for a dense inverse, row_count is 0. */
bool binpack_master_start(struct master *master, const struct filling *filling);

/* A content as rows and counts, ascending by row; UINT32_MAX when the pool holds it already or is full of basic columns. */
uint32_t binpack_master_add(struct master *master, uint32_t type, const struct column_cell *cells, size_t cell_count);
/* A column for each group that is always there, so that the program has a solution: its dearest is `dearest` money units. */
bool binpack_master_add_artificial(struct master *master);
/* Sets the right-hand sides to what is left of the groups and of the limits, slightly shifted so that ties are rare. */
void binpack_master_set_need(struct master *master, const int64_t *left, const int64_t *type_left);
/* Price less dual values. */
double binpack_master_reduced(const struct master *master, const struct column *column);

/* Both return the number of pivots and take steps; they end early when steps run out. */
size_t binpack_simplex_primal(struct master *master, struct filling *filling);
size_t binpack_simplex_dual(struct master *master, struct filling *filling);
/* Inverse, values and duals anew from the basic columns. */
void binpack_simplex_rebuild(struct master *master);
/* Values of the basic columns for the exact needs. */
void binpack_simplex_values(struct master *master, const int64_t *left, const int64_t *type_left, double *values);
double binpack_simplex_cost(const struct master *master);

/* ---- knapsack.c, contents.c: what a bin can hold that is worth most ---------------------------------------------------- */

struct content {
    double value;
    uint32_t type;
    uint32_t cell_first;
    uint32_t cell_count;
};

/* Items that a type may hold, in the order in which they are tried: those that make room first, then by value for what they use. */
struct candidate_item {
    double value;
    double weight; /* what it uses at the type's resource prices */
    double ratio;
    uint32_t group;
    uint32_t row;
    bool makes_room;
    double most; /* of them in a bin */
    double base; /* held from the start */
};

enum { CONTENTS_MAX = 64 };

/* The most valuable pair of items for every room of two resources: completion.c. */
struct completion {
    bool is_there; /* many items are to be placed, and there is space for the table */
    size_t resources[2];
    double cell[2];   /* amounts by which the room of the two grows from cell to cell */
    double *value;    /* by cell */
    uint32_t *pair;   /* by cell: two rows in 16 bits each */
    double *varied;   /* by row: values that are varied */
    double *amount;   /* by row */
    int64_t *held;    /* by row */
    uint64_t draw;
};

struct pricer {
    struct master *master;
    struct filling *filling;
    const double *group_value; /* by row, money units: what contents are to be worth much of */
    const int64_t *left;       /* by group: more than that of it is of no use */
    double *part;              /* row * resource_count + r: demand measured by the largest bin */
    double *type_price;        /* position in frontier * resource_count + r: the latest resource prices of the type */
    double *upper;             /* by position: no content is worth more */
    double *amount;            /* by row: the linear program's answer */
    struct candidate_item *items;
    size_t item_count, maker_count;
    double *suffix; /* by position: what the items from there on could add beyond their weights */
    uint32_t *frame_position;
    int64_t *frame_count;
    uint32_t *top_count; /* by position: contents found that start with the item */
    struct content contents[CONTENTS_MAX];
    size_t content_count;
    struct column_cell *cells;
    size_t cell_count, cell_capacity;
    bool wants_best_only;
    uint64_t effort; /* looks are multiplied by it: grows when nothing more is found */
    struct completion completion;
};

/* A bin that holds more is completed from the linear program's answer; a search from nothing rarely ends. */
#define BINPACK_FEW_ITEMS 9

bool binpack_pricer_start(struct pricer *pricer, struct master *master);
/* The linear program over the items of one bin: sets type_price, amount and upper of the position; returns upper. */
double binpack_knapsack_relax(struct pricer *pricer, size_t position);
/* An upper bound at the resource prices that the type had last. */
double binpack_knapsack_quick(struct pricer *pricer, size_t position);
/*
 * Contents of the type worth more than `threshold`, added to `contents`: all, the best, or what look_limit looks find. Needs
 * binpack_knapsack_relax before. Lowers `upper` when the search was complete.
 */
void binpack_contents_find(struct pricer *pricer, size_t position, double threshold, uint64_t look_limit);

/* Contents of bins with many items, where items are many too; is_there says whether it is of use. */
void binpack_completion_start(struct pricer *pricer);
/* For the values of this round. */
void binpack_completion_fill(struct pricer *pricer);
/* Contents of the type worth more than `threshold`, added to `contents`. Needs binpack_knapsack_relax before. */
void binpack_completion_find(struct pricer *pricer, size_t position, double threshold);

/* ---- column_generation.c ----------------------------------------------------------------------------------------------- */

struct generation {
    struct master master;
    struct pricer pricer;
    double *best_dual; /* by row: the values that prove most */
    double best_bound; /* money units */
    double *trial_dual;
    int64_t *sweep_left; /* by group */
    double *sweep_ratio; /* by position in frontier: the best content's value over its price, when last looked at */
    uint32_t *sweep_seen;
    double smoothing;
    double money_step; /* costs are multiples of it, in money units */
    bool is_ready; /* there is a master program to work with */
    bool is_converged;
};

/* A program for what is left of the filling; is_ready stays false when it would be too large. False when space ran out. */
bool binpack_generation_start(struct generation *generation, struct filling *filling);
/* Puts the contents of the filling's bins from first_run on into the pool. */
void binpack_generation_add_bins(struct generation *generation, const struct filling *filling, size_t first_run);
/*
 * Solves the program, adding columns until nothing improves, or a bound proves that no solution costs less than `goal` money
 * units, or the rounds or the filling's steps are used up.
 */
void binpack_generation_run(struct generation *generation, struct filling *filling, size_t round_limit, double goal);
/* The same for what is left now, from the present basis and without regard to bounds: a few rounds. */
void binpack_generation_rerun(struct generation *generation, struct filling *filling, size_t round_limit);

/* ---- sweep.c ----------------------------------------------------------------------------------------------------------- */

/*
 * Packs everything that is left in thought, one content after the other, each as often as it lasts: always the one worth most for
 * its price at the given values (by row). The contents go into the pool. Returns how many were new to it.
 */
size_t binpack_generation_sweep(struct generation *generation, struct filling *filling, const double *dual);

/* ---- dive.c: rounds the program, a few columns at a time; what it cannot place stays left ------------------------------ */
void binpack_dive(struct generation *generation, struct filling *filling);

/* ---- pattern_bound.c --------------------------------------------------------------------------------------------------- */

/* Makes a certificate of the values (by row) if that proves more than the problem's bound, within so many looks. */
enum binpack_outcome binpack_pattern_bound_try(struct generation *generation, struct filling *filling, uint64_t look_limit);

#endif
