/* SPDX-License-Identifier: MIT */
/* Bins while a method fills them: runs of equal bins, contents as shared chains, and the choice of a type for a new bin. */
#include <string.h>

#include "packing/packing_internal.h"

enum { FRACTION_BITS = 28, FIRST_CAPACITY = 64 };
static const binpack_u128 FRACTION_MAX = (binpack_u128)1 << 56; /* of demands that only fit beside items that make room */

/* ---- the order in which groups are placed ----------------------------------------------------------------------------- */

struct size_key {
    binpack_u128 size;
    uint32_t group;
};

static int compare_size(const void *a, const void *b)
{
    const struct size_key *x = a, *y = b;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

/* Square of the length of the demand, each resource measured by the largest bin: of the static orders, the one that wastes least
 * over the known benchmark sets. */
static binpack_u128 size_of(const struct binpack_problem *problem, size_t group)
{
    binpack_u128 size = 0;
    for (size_t r = 0; r < problem->resource_count; r++) {
        int64_t demand = problem->demand[group * problem->resource_count + r];
        if (demand <= 0 || problem->capacity_max[r] == 0)
            continue;
        binpack_u128 fraction = ((binpack_u128)demand << FRACTION_BITS) / (binpack_u128)problem->capacity_max[r];
        if (fraction > FRACTION_MAX)
            fraction = FRACTION_MAX;
        size += fraction * fraction;
    }
    return size;
}

bool binpack_filling_reorder(struct filling *filling)
{
    const struct binpack_problem *problem = filling->problem;
    size_t back = filling->problem->space.back;
    struct size_key *keys = binpack_space_scratch(&filling->problem->space, problem->group_count, sizeof *keys);
    if (keys == NULL) {
        filling->out_of_space = true;
        return false;
    }
    size_t count = 0;
    filling->order = filling->order_start;
    for (size_t g = 0; g < problem->group_count; g++)
        if (problem->fits_somewhere[g] && filling->left[g] > 0)
            keys[count++] = (struct size_key){size_of(problem, g), (uint32_t)g};
    binpack_sort(keys, count, sizeof *keys, compare_size);
    for (size_t i = 0; i < count; i++)
        filling->order[i] = keys[i].group;
    filling->order_count = count;
    filling->problem->space.back = back;
    binpack_filling_compact(filling);
    return true;
}

bool binpack_filling_start(struct filling *filling, struct binpack_problem *problem, uint64_t steps, uint64_t step_limit)
{
    struct space *space = &problem->space;
    size_t group_count = problem->group_count, resource_count = problem->resource_count;
    *filling = (struct filling){.problem = problem, .steps = steps, .step_limit = step_limit};
    filling->order_start = binpack_space_scratch(space, group_count, sizeof *filling->order);
    filling->left = binpack_space_scratch(space, group_count, sizeof *filling->left);
    filling->type_left = binpack_space_scratch(space, problem->type_count, sizeof *filling->type_left);
    filling->least_after = binpack_space_scratch(space, group_count * resource_count, sizeof *filling->least_after);
    filling->trial_groups = binpack_space_scratch(space, group_count, sizeof *filling->trial_groups);
    filling->trial_counts = binpack_space_scratch(space, group_count, sizeof *filling->trial_counts);
    filling->trial_room = binpack_space_scratch(space, resource_count, sizeof *filling->trial_room);
    if (filling->order_start == NULL || filling->left == NULL || filling->type_left == NULL || filling->least_after == NULL ||
        filling->trial_groups == NULL || filling->trial_counts == NULL || filling->trial_room == NULL)
        return false;
    memcpy(filling->left, problem->count, group_count * sizeof *filling->left);
    memcpy(filling->type_left, problem->limit, problem->type_count * sizeof *filling->type_left);
    return binpack_filling_reorder(filling);
}

void binpack_filling_compact(struct filling *filling)
{
    size_t resource_count = filling->problem->resource_count;
    size_t count = 0;
    for (size_t i = 0; i < filling->order_count; i++)
        if (filling->left[filling->order[i]] > 0)
            filling->order[count++] = filling->order[i];
    filling->order_count = count;
    for (size_t i = count; i-- > 0;) {
        const int64_t *demand = filling->problem->demand + filling->order[i] * resource_count;
        int64_t *least = filling->least_after + i * resource_count;
        for (size_t r = 0; r < resource_count; r++)
            least[r] = i + 1 < count && least[resource_count + r] < demand[r] ? least[resource_count + r] : demand[r];
    }
}

/* ---- runs and contents ------------------------------------------------------------------------------------------------ */

/* Scratch cannot grow in place: a doubled copy leaves the old one behind, at most as much again. */
static void *grown(struct filling *filling, const void *items, size_t count, size_t capacity, size_t item_bytes)
{
    void *copy = binpack_space_scratch(&filling->problem->space, capacity, item_bytes);
    if (copy == NULL)
        filling->out_of_space = true;
    else if (count > 0)
        memcpy(copy, items, count * item_bytes);
    return copy;
}

bool binpack_open_run(struct filling *filling, uint32_t type, int64_t bin_count, uint32_t content, const int64_t *room)
{
    size_t resource_count = filling->problem->resource_count;
    if (filling->run_count == filling->run_capacity) {
        size_t capacity = filling->run_capacity == 0 ? FIRST_CAPACITY : 2 * filling->run_capacity;
        struct run *runs = grown(filling, filling->runs, filling->run_count, capacity, sizeof *runs);
        int64_t *rooms = grown(filling, filling->room, filling->run_count, capacity, resource_count * sizeof *rooms);
        if (runs == NULL || rooms == NULL)
            return false;
        filling->runs = runs;
        filling->room = rooms;
        filling->run_capacity = capacity;
    }
    memcpy(filling->room + filling->run_count * resource_count, room, resource_count * sizeof *room);
    filling->runs[filling->run_count++] = (struct run){.type = type, .content = content, .bin_count = bin_count};
    if (filling->type_left[type] != BINPACK_NO_LIMIT)
        filling->type_left[type] -= bin_count;
    return true;
}

uint32_t binpack_add_cell(struct filling *filling, uint32_t group, int64_t item_count, uint32_t next)
{
    if (filling->cell_count == filling->cell_capacity) {
        size_t capacity = filling->cell_capacity == 0 ? FIRST_CAPACITY : 2 * filling->cell_capacity;
        struct cell *cells =
            capacity < UINT32_MAX ? grown(filling, filling->cells, filling->cell_count, capacity, sizeof *cells) : NULL;
        if (cells == NULL) {
            filling->out_of_space = true;
            return UINT32_MAX;
        }
        filling->cells = cells;
        filling->cell_capacity = capacity;
    }
    filling->cells[filling->cell_count] = (struct cell){group, next, item_count};
    return (uint32_t)filling->cell_count++;
}

void binpack_drop_empty_runs(struct filling *filling)
{
    size_t resource_count = filling->problem->resource_count, count = 0;
    for (size_t i = 0; i < filling->run_count; i++) {
        if (filling->runs[i].bin_count == 0)
            continue;
        filling->runs[count] = filling->runs[i];
        memmove(filling->room + count * resource_count, filling->room + i * resource_count, resource_count * sizeof(int64_t));
        count++;
    }
    filling->run_count = count;
}

/* ---- a type for a new bin --------------------------------------------------------------------------------------------- */

static bool is_in_conflict_with_trial(const struct filling *filling, uint32_t group)
{
    for (size_t i = 0; filling->problem->conflicts != NULL && i < filling->trial_count; i++)
        if (binpack_in_conflict(filling->problem, group, filling->trial_groups[i]))
            return true;
    return false;
}

binpack_u128 binpack_fill_trial(struct filling *filling, uint32_t type)
{
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    int64_t *room = filling->trial_room;
    memcpy(room, problem->capacity + type * resource_count, resource_count * sizeof *room);
    filling->trial_count = 0;
    binpack_u128 worth = 0;
    for (size_t i = 0; i < filling->order_count; i++) {
        uint32_t group = filling->order[i];
        if (!binpack_fits(filling->least_after + i * resource_count, room, resource_count) || !binpack_step(filling))
            break;
        const int64_t *demand = problem->demand + group * resource_count;
        int64_t most = filling->left[group] < problem->per_bin_max[group] ? filling->left[group] : problem->per_bin_max[group];
        int64_t item_count = binpack_fit_count(demand, room, resource_count, most);
        if (item_count == 0 || !binpack_is_allowed(problem, group, type) || is_in_conflict_with_trial(filling, group))
            continue;
        for (size_t r = 0; r < resource_count; r++)
            room[r] -= item_count * demand[r];
        filling->trial_groups[filling->trial_count] = group;
        filling->trial_counts[filling->trial_count++] = item_count;
        /* one more than the value: where resources are free, holding more is still better */
        int64_t value = problem->group_value[group];
        worth += (binpack_u128)item_count * ((binpack_u128)(value > 0 ? value : 0) + 1);
    }
    return worth;
}

static bool may_hold_trial(const struct filling *filling, const int64_t *content, uint32_t type)
{
    const struct binpack_problem *problem = filling->problem;
    if (filling->type_left[type] == 0 ||
        !binpack_fits(content, problem->capacity + type * problem->resource_count, problem->resource_count))
        return false;
    for (size_t i = 0; i < filling->trial_count && problem->allowed_set_count > 1; i++)
        if (!binpack_is_allowed(problem, filling->trial_groups[i], type))
            return false;
    return true;
}

/* The cheapest type that holds the trial content of `type`, and its first item alone too: others may make room, but come later.
 */
static uint32_t cheapest_for_trial(const struct filling *filling, uint32_t type)
{
    const struct binpack_problem *problem = filling->problem;
    const int64_t *first = problem->demand + filling->order[0] * problem->resource_count;
    int64_t content[BINPACK_RESOURCES_MAX];
    for (size_t r = 0; r < problem->resource_count; r++) {
        content[r] = problem->capacity[type * problem->resource_count + r] - filling->trial_room[r];
        content[r] = content[r] > first[r] ? content[r] : first[r];
    }
    for (size_t i = 0; i < problem->frontier_count; i++) {
        uint32_t other = problem->frontier[i];
        if (problem->price[other] >= problem->price[type])
            break;
        if (may_hold_trial(filling, content, other))
            return other;
    }
    return type;
}

bool binpack_choose_type(struct filling *filling, uint32_t *out_type)
{
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    uint32_t group = filling->order[0];
    const int64_t *demand = problem->demand + group * resource_count;
    uint32_t best = UINT32_MAX, best_holder = UINT32_MAX;
    binpack_u128 best_worth = 0;
    for (size_t i = 0; i < problem->frontier_count; i++) {
        uint32_t type = problem->frontier[i];
        if (filling->type_left[type] == 0 || !binpack_is_allowed(problem, group, type) ||
            !binpack_fits(demand, problem->capacity + type * resource_count, resource_count))
            continue;
        binpack_u128 worth = binpack_fill_trial(filling, type);
        if (filling->out_of_steps)
            return false;
        uint32_t holder = cheapest_for_trial(filling, type);
        /* worth <= 2^64 and prices < 2^63, so the products fit */
        if (best != UINT32_MAX) {
            binpack_u128 cost_here = (binpack_u128)problem->price[holder] * best_worth;
            binpack_u128 cost_best = (binpack_u128)problem->price[best_holder] * worth;
            if (cost_here > cost_best || (cost_here == cost_best && worth <= best_worth))
                continue;
        }
        best = type;
        best_holder = holder;
        best_worth = worth;
    }
    if (best == UINT32_MAX)
        return false;
    binpack_fill_trial(filling, best);
    if (best_holder != best) /* room of the type that is opened in the end */
        for (size_t r = 0; r < resource_count; r++)
            filling->trial_room[r] +=
                problem->capacity[best_holder * resource_count + r] - problem->capacity[best * resource_count + r];
    *out_type = best_holder;
    return !filling->out_of_steps;
}

/* ---- right-sizing ----------------------------------------------------------------------------------------------------- */

static bool may_hold_run(const struct filling *filling, const struct run *run, const int64_t *content, uint32_t type)
{
    const struct binpack_problem *problem = filling->problem;
    if (filling->type_left[type] == 0 ||
        !binpack_fits(content, problem->capacity + type * problem->resource_count, problem->resource_count))
        return false;
    if (problem->allowed_set_count > 1)
        for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
            if (!binpack_is_allowed(problem, filling->cells[at].group, type))
                return false;
    return true;
}

/* Moves as many bins of a run as the limit permits to the cheapest type that is cheaper; true if any moved. */
static bool right_size_run(struct filling *filling, size_t index)
{
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    struct run *run = &filling->runs[index];
    int64_t content[BINPACK_RESOURCES_MAX], room[BINPACK_RESOURCES_MAX];
    if (run->base != 0)
        return false;
    for (size_t r = 0; r < resource_count; r++)
        content[r] = problem->capacity[run->type * resource_count + r] - filling->room[index * resource_count + r];
    for (size_t i = 0; i < problem->frontier_count; i++) {
        uint32_t type = problem->frontier[i];
        if (problem->price[type] >= problem->price[run->type])
            return false;
        if (!may_hold_run(filling, run, content, type))
            continue;
        int64_t moved = run->bin_count < filling->type_left[type] ? run->bin_count : filling->type_left[type];
        for (size_t r = 0; r < resource_count; r++)
            room[r] = problem->capacity[type * resource_count + r] - content[r];
        if (filling->type_left[run->type] != BINPACK_NO_LIMIT)
            filling->type_left[run->type] += moved;
        if (moved < run->bin_count) {
            run->bin_count -= moved;
            return binpack_open_run(filling, type, moved, run->content, room);
        }
        run->type = type;
        memcpy(filling->room + index * resource_count, room, resource_count * sizeof *room);
        if (filling->type_left[type] != BINPACK_NO_LIMIT)
            filling->type_left[type] -= moved;
        return true;
    }
    return false;
}

bool binpack_right_size_from(struct filling *filling, size_t first_run)
{
    /* a bin that moves may free a limited type for another: again until nothing moves, and each move makes the plan cheaper */
    for (bool has_moved = true; has_moved && !filling->out_of_space;) {
        has_moved = false;
        for (size_t i = first_run; i < filling->run_count && !filling->out_of_space; i++)
            has_moved |= right_size_run(filling, i);
    }
    return !filling->out_of_space;
}

bool binpack_right_size(struct filling *filling)
{
    return binpack_right_size_from(filling, 0);
}
