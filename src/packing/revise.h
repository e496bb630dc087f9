/* SPDX-License-Identifier: MIT */
/**
 * What the files share that change a standing plan. A base is a standing bin as it is before anything moves; a run of bins says
 * which base it is (struct run: base, counted from 1). Content that a run shares with its base has not moved.
 */
#ifndef BINPACK_REVISE_H
#define BINPACK_REVISE_H

#include "packing/columns.h"

struct base_cell {
    uint32_t item_class;
    uint32_t group;
    int64_t item_count; /* in one bin */
};

/* Equal standing bins, of one pattern. */
struct base {
    uint32_t pattern; /* of the standing plan */
    uint32_t type;
    int64_t bin_count;
    size_t cell_first;
    uint32_t cell_count;
};

enum { CLOSED_MAX = 16 };

struct revising {
    struct filling filling;
    const struct binpack_plan *standing;
    const struct binpack_revision_options *options;
    struct base *bases; /* from 1 */
    size_t base_count;
    struct base_cell *cells;
    size_t cell_count;
    int64_t *group_move_price; /* of the dearest class of the group */
    int64_t *stood;            /* by group, in all bases */
    int64_t *seen;             /* by group, zero between uses */
    int64_t move_limit;
};

struct measure {
    int64_t unplaced;
    binpack_i128 cost; /* of bins and moves */
    binpack_i128 bin_cost;
    binpack_i128 move_cost;
    int64_t moved;
};

/* revise_load.c: the standing plan as runs of the filling, after items have left. */
enum binpack_outcome binpack_revising_load(struct revising *revising);
/* Items of one bin of the run that are where they stood, and what moving them would cost. */
int64_t binpack_revising_kept(struct revising *revising, const struct run *run, binpack_i128 *out_move_cost);
struct measure binpack_revising_measure(struct revising *revising);

/* revise_try.c: bins are closed on trial. */
struct trial {
    struct run *runs; /* what was there before */
    int64_t *room;
    size_t capacity;
    size_t run_count, cell_count;
    int64_t *left, *type_left;
    uint32_t closed[CLOSED_MAX]; /* bases whose bins are free to be opened again */
    size_t closed_count;
    binpack_i128 closed_price;
    size_t first_new; /* runs from here on were opened by the trial */
};
bool binpack_trial_start(struct trial *trial, struct revising *revising);
bool binpack_trial_save(struct trial *trial, struct revising *revising);
void binpack_trial_undo(struct trial *trial, struct revising *revising);
/* Takes one bin out of a run, its items are left; call binpack_trial_place then. */
void binpack_trial_close(struct trial *trial, struct revising *revising, size_t run);
/* Puts what is left into room of open bins, if wanted, and the rest into new bins: by first fit, or by column generation. */
void binpack_trial_place(struct trial *trial, struct revising *revising, bool into_room, bool by_columns);

/* revise_result.c */
enum binpack_outcome binpack_revising_result(struct revising *revising, struct binpack_revision *out_revision);

#endif
