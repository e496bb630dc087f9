/* SPDX-License-Identifier: MIT */
/* Closing bins on trial: what was there is kept aside, the items go elsewhere, and all of it can be undone. */
#include <string.h>

#include "packing/revise.h"

enum { ROUNDS_MAX = 40 };

bool binpack_trial_start(struct trial *trial, struct revising *revising)
{
    struct binpack_problem *problem = revising->filling.problem;
    *trial = (struct trial){0};
    trial->left = binpack_space_scratch(&problem->space, problem->group_count, sizeof *trial->left);
    trial->type_left = binpack_space_scratch(&problem->space, problem->type_count, sizeof *trial->type_left);
    return trial->left != NULL && trial->type_left != NULL;
}

bool binpack_trial_save(struct trial *trial, struct revising *revising)
{
    const struct filling *filling = &revising->filling;
    struct space *space = &filling->problem->space;
    size_t resource_count = filling->problem->resource_count;
    if (trial->capacity < filling->run_count) {
        trial->capacity = filling->run_capacity;
        trial->runs = binpack_space_scratch(space, trial->capacity, sizeof *trial->runs);
        trial->room = binpack_space_scratch(space, trial->capacity, resource_count * sizeof *trial->room);
        if (trial->runs == NULL || trial->room == NULL) {
            trial->capacity = 0;
            return false;
        }
    }
    if (filling->run_count > 0) {
        memcpy(trial->runs, filling->runs, filling->run_count * sizeof *trial->runs);
        memcpy(trial->room, filling->room, filling->run_count * resource_count * sizeof *trial->room);
    }
    memcpy(trial->left, filling->left, filling->problem->group_count * sizeof *trial->left);
    memcpy(trial->type_left, filling->type_left, filling->problem->type_count * sizeof *trial->type_left);
    trial->run_count = filling->run_count;
    trial->cell_count = filling->cell_count;
    trial->closed_count = 0;
    trial->closed_price = 0;
    return true;
}

void binpack_trial_undo(struct trial *trial, struct revising *revising)
{
    struct filling *filling = &revising->filling;
    size_t resource_count = filling->problem->resource_count;
    if (trial->run_count > 0) {
        memcpy(filling->runs, trial->runs, trial->run_count * sizeof *trial->runs);
        memcpy(filling->room, trial->room, trial->run_count * resource_count * sizeof *trial->room);
    }
    memcpy(filling->left, trial->left, filling->problem->group_count * sizeof *trial->left);
    memcpy(filling->type_left, trial->type_left, filling->problem->type_count * sizeof *trial->type_left);
    filling->run_count = trial->run_count;
    filling->cell_count = trial->cell_count;
}

void binpack_trial_close(struct trial *trial, struct revising *revising, size_t index)
{
    struct filling *filling = &revising->filling;
    struct run *run = &filling->runs[index];
    if (run->bin_count == 0 || trial->closed_count == CLOSED_MAX)
        return;
    run->bin_count--;
    for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
        filling->left[filling->cells[at].group] += filling->cells[at].item_count;
    if (filling->type_left[run->type] != BINPACK_NO_LIMIT)
        filling->type_left[run->type]++;
    trial->closed[trial->closed_count++] = run->base;
    trial->closed_price += filling->problem->price[run->type];
}

/* ---- new bins that are what was closed -------------------------------------------------------------------------------- */

/* What a bin of the run would keep if it were one of the base: moves spared first, then items. */
static bool keeps_more(struct revising *revising, struct run run, uint32_t base, binpack_i128 *best_cost, int64_t *best_kept)
{
    binpack_i128 cost;
    run.base = base;
    int64_t kept = binpack_revising_kept(revising, &run, &cost);
    if (cost < *best_cost || (cost == *best_cost && kept <= *best_kept))
        return false;
    *best_cost = cost;
    *best_kept = kept;
    return true;
}

/* One bin of the run becomes one of the base. */
static bool match(struct revising *revising, size_t index, uint32_t base)
{
    struct filling *filling = &revising->filling;
    size_t resource_count = filling->problem->resource_count;
    const struct run run = filling->runs[index];
    if (run.bin_count > 1) {
        int64_t room[BINPACK_RESOURCES_MAX];
        memcpy(room, filling->room + index * resource_count, resource_count * sizeof *room);
        if (filling->type_left[run.type] != BINPACK_NO_LIMIT)
            filling->type_left[run.type] += run.bin_count - 1; /* they are open already: open_run takes them again */
        if (!binpack_open_run(filling, run.type, run.bin_count - 1, run.content, room))
            return false;
        filling->runs[index].bin_count = 1;
    }
    filling->runs[index].base = base;
    return true;
}

/* Bins that were opened where an equal one was closed are that one again, those first that keep most. */
static void match_closed(struct trial *trial, struct revising *revising)
{
    struct filling *filling = &revising->filling;
    for (;;) {
        binpack_i128 best_cost = -1;
        int64_t best_kept = -1;
        size_t best_run = 0, best_slot = SIZE_MAX;
        for (size_t i = trial->first_new; i < filling->run_count; i++)
            for (size_t s = 0; s < trial->closed_count && filling->runs[i].base == 0; s++)
                if (trial->closed[s] != 0 && revising->bases[trial->closed[s]].type == filling->runs[i].type &&
                    keeps_more(revising, filling->runs[i], trial->closed[s], &best_cost, &best_kept)) {
                    best_run = i;
                    best_slot = s;
                }
        if (best_slot == SIZE_MAX)
            return;
        uint32_t base = trial->closed[best_slot];
        trial->closed[best_slot] = 0;
        if (!match(revising, best_run, base))
            return;
    }
}

/* ---- placing ---------------------------------------------------------------------------------------------------------- */

/* Column generation over what is left; ends early when the prices of what was closed cannot be undercut. */
static void place_by_columns(const struct trial *trial, struct revising *revising)
{
    struct filling *filling = &revising->filling;
    struct generation generation;
    if (!binpack_generation_start(&generation, filling)) {
        filling->out_of_space = true;
        return;
    }
    if (!generation.is_ready)
        return;
    double goal = (double)(trial->closed_price - filling->problem->price_step) / generation.master.money;
    if (trial->closed_count == 0)
        goal = 1e300;
    binpack_generation_run(&generation, filling, ROUNDS_MAX, goal + 0.5 * generation.money_step);
    if (!filling->out_of_steps && binpack_simplex_cost(&generation.master) <= goal + 1e-4 * goal + 1e-9)
        binpack_dive(&generation, filling);
}

void binpack_trial_place(struct trial *trial, struct revising *revising, bool into_room, bool by_columns)
{
    struct filling *filling = &revising->filling;
    binpack_drop_empty_runs(filling);
    binpack_steps(filling, filling->run_count / 8 + trial->closed_count);
    if (!binpack_filling_reorder(filling) || (into_room && !binpack_fill_open_bins(filling)))
        return;
    trial->first_new = filling->run_count;
    if (by_columns && filling->order_count > 0)
        place_by_columns(trial, revising);
    if (filling->out_of_space || !binpack_filling_reorder(filling))
        return;
    binpack_method_ffd(filling);
    if (!filling->out_of_space && binpack_right_size_from(filling, trial->first_new))
        match_closed(trial, revising);
}
