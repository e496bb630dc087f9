/* SPDX-License-Identifier: MIT */
/*
 * From the linear program to whole bins. Contents that the program uses once or more are opened as often as it says, rounded
 * down; when there are none, the ones that it nearly wants once. Then the program is solved again for what is left, with contents
 * that suit it. Bins that are opened once are filled up with whatever is left and fits.
 */
#include <string.h>

#include "packing/columns.h"

enum { ROUNDS_PER_DIVE = 12, PARTS_OF_STEPS = 8 };
static const double NEARLY_ONE = 0.75;

static bool makes_room(const struct binpack_problem *problem, size_t group)
{
    for (size_t r = 0; r < problem->resource_count; r++)
        if (problem->demand[group * problem->resource_count + r] < 0)
            return true;
    return false;
}

static bool is_in_conflict(const struct master *master, uint32_t group, const int64_t *held)
{
    for (uint32_t row = 0; master->problem->conflicts != NULL && row < master->group_row_count; row++)
        if (held[row] > 0 && binpack_in_conflict(master->problem, group, master->row_group[row]))
            return true;
    return false;
}

/* As many of the items that are left as fit beside what the bin holds, the most valuable first; counts by row. */
static void fill_up(struct generation *generation, const struct filling *filling, uint32_t type, int64_t *held, int64_t *room)
{
    const struct master *master = &generation->master;
    const struct binpack_problem *problem = master->problem;
    size_t resource_count = problem->resource_count;
    for (;;) {
        uint32_t best = UINT32_MAX;
        for (uint32_t row = 0; row < master->group_row_count; row++) {
            uint32_t group = master->row_group[row];
            if (makes_room(problem, group)) /* others wait for it */
                continue;
            if (filling->left[group] <= held[row] || held[row] >= problem->per_bin_max[group] ||
                (best != UINT32_MAX && generation->best_dual[row] <= generation->best_dual[best]) ||
                !binpack_is_allowed(problem, group, type) ||
                !binpack_fits(problem->demand + group * resource_count, room, resource_count) ||
                is_in_conflict(master, group, held))
                continue;
            best = row;
        }
        if (best == UINT32_MAX)
            return;
        uint32_t group = master->row_group[best];
        const int64_t *demand = problem->demand + group * resource_count;
        int64_t most = filling->left[group] < problem->per_bin_max[group] ? filling->left[group] : problem->per_bin_max[group];
        int64_t count = binpack_fit_count(demand, room, resource_count, most - held[best]);
        held[best] += count;
        for (size_t r = 0; r < resource_count; r++)
            room[r] -= count * demand[r];
    }
}

/* Opens bins with the content of a column, at most `times`, as far as items and limits last. Returns how many; 0 too when space
 * ran out. `held` has room for every row. */
static int64_t open_bins(struct generation *generation, struct filling *filling, uint32_t column_index, int64_t times, int64_t *held)
{
    const struct master *master = &generation->master;
    const struct binpack_problem *problem = master->problem;
    const struct column *column = &master->columns[column_index];
    const struct column_cell *cells = master->cells + column->cell_first;
    size_t resource_count = problem->resource_count;
    if (column->type == UINT32_MAX || filling->type_left[column->type] == 0)
        return 0;
    int64_t whole = times;
    for (uint32_t c = 0; c < column->cell_count; c++) {
        int64_t lasts = filling->left[master->row_group[cells[c].row]] / cells[c].count;
        whole = lasts < whole ? lasts : whole;
    }
    if (whole > filling->type_left[column->type])
        whole = filling->type_left[column->type];
    int64_t bin_count = whole > 0 ? whole : 1, room[BINPACK_RESOURCES_MAX], item_count = 0;
    memset(held, 0, master->group_row_count * sizeof *held);
    memcpy(room, problem->capacity + column->type * resource_count, resource_count * sizeof *room);
    for (uint32_t c = 0; c < column->cell_count; c++) {
        uint32_t group = master->row_group[cells[c].row];
        int64_t count = cells[c].count < filling->left[group] ? cells[c].count : filling->left[group];
        if (count < cells[c].count && makes_room(problem, group))
            return 0; /* the others may not fit without it */
        held[cells[c].row] = count;
        item_count += count;
        for (size_t r = 0; r < resource_count; r++)
            room[r] -= count * problem->demand[group * resource_count + r];
    }
    if (item_count == 0)
        return 0;
    if (bin_count == 1)
        fill_up(generation, filling, column->type, held, room);
    uint32_t content = UINT32_MAX;
    for (uint32_t row = 0; row < master->group_row_count; row++) {
        if (held[row] == 0)
            continue;
        content = binpack_add_cell(filling, master->row_group[row], held[row], content);
        if (content == UINT32_MAX)
            return 0;
    }
    if (!binpack_open_run(filling, column->type, bin_count, content, room))
        return 0;
    for (uint32_t row = 0; row < master->group_row_count; row++)
        filling->left[master->row_group[row]] -= held[row] * bin_count;
    binpack_steps(filling, column->cell_count + master->group_row_count / 8);
    return bin_count;
}

static bool is_done(const struct master *master, const struct filling *filling)
{
    for (size_t row = 0; row < master->group_row_count; row++)
        if (filling->left[master->row_group[row]] > 0)
            return false;
    return true;
}

/* The basic column that is used most, below `limit` and above `least`; row_count: none. */
static size_t most_used(const struct master *master, const double *values, const bool *is_used)
{
    size_t best = master->row_count;
    for (size_t i = 0; i < master->row_count; i++) {
        if (master->basic[i] < 0 || is_used[i] || values[i] < 1e-6 || master->columns[master->basic[i]].type == UINT32_MAX)
            continue;
        if (best == master->row_count || values[i] > values[best] + 1e-9 ||
            (values[i] > values[best] - 1e-9 && master->basic[i] < master->basic[best]))
            best = i;
    }
    return best;
}

/* One rounding of the present solution: false when it opened nothing. */
static bool round_once(struct generation *generation, struct filling *filling, double *values, bool *is_used, int64_t *held)
{
    struct master *master = &generation->master;
    binpack_simplex_values(master, filling->left, filling->type_left, values);
    memset(is_used, 0, master->row_count * sizeof *is_used);
    bool has_opened = false;
    for (size_t i = 0; i < master->row_count; i++) {
        if (master->basic[i] < 0 || values[i] < 1 - 1e-6)
            continue;
        has_opened |= open_bins(generation, filling, (uint32_t)master->basic[i], (int64_t)(values[i] + 1e-6), held) > 0;
    }
    if (has_opened)
        return true;
    /* none is wanted whole: those that are nearly wanted, and of a long list a part of it at once */
    size_t fractional = 0;
    for (size_t i = 0; i < master->row_count; i++)
        fractional += master->basic[i] >= 0 && values[i] > 1e-6;
    size_t batch = 1 + fractional / 20;
    for (size_t n = 0; n < master->row_count; n++) {
        size_t i = most_used(master, values, is_used);
        if (i == master->row_count || (n >= batch && values[i] < NEARLY_ONE))
            break;
        is_used[i] = true;
        if (n > 0 && values[i] < 0.5)
            break;
        bool opened = open_bins(generation, filling, (uint32_t)master->basic[i], 1, held) > 0;
        has_opened |= opened;
        if (!opened && !has_opened)
            batch++; /* the next one instead */
    }
    return has_opened;
}

void binpack_dive(struct generation *generation, struct filling *filling)
{
    struct master *master = &generation->master;
    struct space *space = &master->problem->space;
    double *values = binpack_space_scratch(space, master->row_count, sizeof *values);
    bool *is_used = binpack_space_scratch(space, master->row_count, sizeof *is_used);
    int64_t *held = binpack_space_scratch(space, master->row_count, sizeof *held);
    if (values == NULL || is_used == NULL || held == NULL) {
        filling->out_of_space = true;
        return;
    }
    while (!is_done(master, filling) && !filling->out_of_space && !filling->out_of_steps) {
        if (!round_once(generation, filling, values, is_used, held))
            return;
        if (is_done(master, filling))
            return;
        /* a part of the steps that are left for each round, so that they last to the end */
        uint64_t limit = filling->step_limit;
        filling->step_limit = filling->steps + (limit - filling->steps) / PARTS_OF_STEPS;
        binpack_generation_rerun(generation, filling, ROUNDS_PER_DIVE);
        filling->step_limit = limit;
        filling->out_of_steps = filling->steps >= limit;
    }
}
