/* SPDX-License-Identifier: MIT */
/*
 * Branch and bound for small problems. The largest item that is left must lie in some bin: every type is opened for it, with every
 * content around it, and what is left after that is packed in the same way. A branch ends where its cost and the worth of what is
 * left reach the best plan so far; the search ends when that plan costs no more than the bound, or when all branches did.
 *
 * It works on items that make no room only, so that contents grow by one item after the other and each prefix fits.
 */
#include <string.h>

#include "packing/columns.h"

enum { ITEMS_MAX = 64 };

/* A bin while it is filled: then the next is opened. */
struct open_bin {
    uint32_t type;
    uint32_t first_placed; /* position in placed */
};

struct branching {
    struct filling *filling;
    int64_t best_cost;
    binpack_i128 scaled_left; /* worth of what is left, in 1/scale */
    int64_t cost;
    int64_t left_count;
    uint32_t placed[ITEMS_MAX]; /* groups, bin after bin */
    uint32_t placed_count;
    struct open_bin bins[ITEMS_MAX];
    uint32_t bin_count;
    uint32_t best_placed[ITEMS_MAX];
    struct open_bin best_bins[ITEMS_MAX + 1];
    uint32_t best_bin_count, best_placed_count;
    bool has_best;
};

static void open_next(struct branching *branching);

/* Could this branch still become cheaper than the best plan? Rents of limited types are left to the bins that are opened. */
static bool is_promising(const struct branching *branching)
{
    const struct binpack_problem *problem = branching->filling->problem;
    binpack_i128 worth = branching->scaled_left;
    for (size_t t = 0; t < problem->type_count; t++)
        if (problem->bound.rents[t] > 0)
            worth -= (binpack_i128)problem->bound.rents[t] * branching->filling->type_left[t];
    binpack_i128 cost = branching->cost;
    if (worth > 0 && problem->price_step > 0) {
        binpack_i128 step = (binpack_i128)problem->bound.scale * problem->price_step;
        cost += (worth + step - 1) / step * problem->price_step;
    }
    return cost < branching->best_cost;
}

static void keep_best(struct branching *branching)
{
    branching->best_cost = branching->cost;
    branching->has_best = true;
    branching->best_bin_count = branching->bin_count;
    branching->best_placed_count = branching->placed_count;
    memcpy(branching->best_placed, branching->placed, sizeof branching->placed);
    memcpy(branching->best_bins, branching->bins, branching->bin_count * sizeof branching->bins[0]);
}

static void place(struct branching *branching, uint32_t group)
{
    branching->filling->left[group]--;
    branching->left_count--;
    branching->scaled_left -= branching->filling->problem->group_value[group];
    branching->placed[branching->placed_count++] = group;
}

static void take_back(struct branching *branching, uint32_t group)
{
    branching->filling->left[group]++;
    branching->left_count++;
    branching->scaled_left += branching->filling->problem->group_value[group];
    branching->placed_count--;
}

/* Is the group in conflict with what the last bin holds? */
static bool is_in_conflict(const struct branching *branching, uint32_t group)
{
    const struct binpack_problem *problem = branching->filling->problem;
    size_t first = branching->bins[branching->bin_count - 1].first_placed;
    for (size_t i = first; problem->conflicts != NULL && i < branching->placed_count; i++)
        if (binpack_in_conflict(problem, group, branching->placed[i]))
            return true;
    return false;
}

/* Adds items from the order position on to the bin, in every way, then opens the next bin. */
static void fill_from(struct branching *branching, size_t position, int64_t *room, int64_t in_a_row)
{
    struct filling *filling = branching->filling;
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    uint32_t type = branching->bins[branching->bin_count - 1].type;
    for (size_t i = position; i < filling->order_count && !filling->out_of_steps; i++) {
        uint32_t group = filling->order[i];
        if (i != position)
            in_a_row = 0;
        if (filling->left[group] == 0)
            continue;
        if (!binpack_step(filling))
            return;
        const int64_t *demand = problem->demand + group * resource_count;
        if (in_a_row >= problem->per_bin_max[group] || !binpack_is_allowed(problem, group, type) ||
            !binpack_fits(demand, room, resource_count) || is_in_conflict(branching, group))
            continue;
        place(branching, group);
        for (size_t r = 0; r < resource_count; r++)
            room[r] -= demand[r];
        fill_from(branching, i, room, in_a_row + 1);
        for (size_t r = 0; r < resource_count; r++)
            room[r] += demand[r];
        take_back(branching, group);
    }
    if (!filling->out_of_steps && is_promising(branching))
        open_next(branching);
}

static void open_next(struct branching *branching)
{
    struct filling *filling = branching->filling;
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count, position = 0;
    if (branching->left_count == 0) {
        keep_best(branching);
        return;
    }
    while (filling->left[filling->order[position]] == 0)
        position++;
    uint32_t group = filling->order[position];
    const int64_t *demand = problem->demand + group * resource_count;
    for (size_t i = 0; i < problem->frontier_count && !filling->out_of_steps; i++) {
        uint32_t type = problem->frontier[i];
        const int64_t *capacity = problem->capacity + type * resource_count;
        if (!binpack_step(filling))
            return;
        if (filling->type_left[type] == 0 || !binpack_is_allowed(problem, group, type) ||
            !binpack_fits(demand, capacity, resource_count) ||
            __builtin_add_overflow(branching->cost, problem->price[type], &branching->cost))
            continue;
        int64_t room[BINPACK_RESOURCES_MAX];
        for (size_t r = 0; r < resource_count; r++)
            room[r] = capacity[r] - demand[r];
        branching->bins[branching->bin_count++] = (struct open_bin){type, branching->placed_count};
        if (filling->type_left[type] != BINPACK_NO_LIMIT)
            filling->type_left[type]--;
        place(branching, group);
        if (branching->cost < branching->best_cost) /* what is left may yet lie in this bin: its worth says nothing here */
            fill_from(branching, position, room, 1);
        take_back(branching, group);
        if (filling->type_left[type] != BINPACK_NO_LIMIT)
            filling->type_left[type]++;
        branching->bin_count--;
        branching->cost -= problem->price[type];
    }
}

static void open_best(struct branching *branching)
{
    struct filling *filling = branching->filling;
    const struct binpack_problem *problem = filling->problem;
    branching->best_bins[branching->best_bin_count].first_placed = branching->best_placed_count;
    for (uint32_t b = 0; b < branching->best_bin_count; b++) {
        const struct open_bin *bin = &branching->best_bins[b];
        int64_t room[BINPACK_RESOURCES_MAX];
        uint32_t content = UINT32_MAX;
        memcpy(room, problem->capacity + bin->type * problem->resource_count, problem->resource_count * sizeof *room);
        for (uint32_t p = bin->first_placed; p < bin[1].first_placed;) {
            uint32_t group = branching->best_placed[p];
            int64_t count = 0;
            for (; p < bin[1].first_placed && branching->best_placed[p] == group; p++)
                count++;
            content = binpack_add_cell(filling, group, count, content);
            if (content == UINT32_MAX)
                return;
            filling->left[group] -= count;
            for (size_t r = 0; r < problem->resource_count; r++)
                room[r] -= count * problem->demand[group * problem->resource_count + r];
        }
        if (!binpack_open_run(filling, bin->type, 1, content, room))
            return;
    }
}

void binpack_method_exact(struct filling *filling)
{
    const struct binpack_problem *problem = filling->problem;
    int64_t item_count = 0, placeable = 0;
    bool is_plain = true;
    for (size_t g = 0; g < problem->group_count && item_count <= ITEMS_MAX; g++) {
        item_count = problem->count[g] > ITEMS_MAX ? ITEMS_MAX + 1 : item_count + problem->count[g];
        placeable += problem->fits_somewhere[g] ? problem->count[g] : 0;
    }
    for (size_t r = 0; r < problem->resource_count; r++)
        is_plain &= problem->room_made[r] == 0;
    bool is_done = filling->start != NULL && filling->start->unplaced_count == 0 && filling->start->cost <= problem->bound.cost;
    if (item_count > ITEMS_MAX || placeable < item_count || !is_plain || is_done) {
        if (filling->start == NULL)
            binpack_method_ffd(filling);
        return;
    }
    uint64_t limit = filling->step_limit;
    if (filling->start == NULL) /* for ffd, should the steps not last */
        filling->step_limit -= (limit - filling->steps) / 4;
    struct branching branching = {.filling = filling, .best_cost = INT64_MAX, .left_count = item_count};
    if (filling->start != NULL && filling->start->unplaced_count == 0)
        branching.best_cost = filling->start->cost;
    for (size_t g = 0; g < problem->group_count; g++)
        branching.scaled_left += (binpack_i128)problem->group_value[g] * problem->count[g];
    open_next(&branching);
    bool was_cut = filling->out_of_steps;
    filling->is_exhausted = !was_cut;
    filling->step_limit = limit;
    filling->out_of_steps = filling->steps >= limit;
    if (branching.has_best)
        open_best(&branching);
    else if (filling->start == NULL)
        binpack_method_ffd(filling);
}
