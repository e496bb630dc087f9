/* SPDX-License-Identifier: MIT */
/*
 * Best-fit-decreasing over classes: the items of a class go to the open bins with the least room that still take one, fullest
 * first (a bin that took an item is fuller still, so it takes all that it can before the next). Then bins are opened.
 */
#include "packing/packing_internal.h"

enum { FRACTION_BITS = 28 };

struct fit_key {
    uint64_t room;
    uint32_t run;
    uint32_t unused;
    int64_t item_count; /* of the class in each bin */
};

static int compare_fit(const void *a, const void *b)
{
    const struct fit_key *x = a, *y = b;
    if (x->room != y->room)
        return x->room < y->room ? -1 : 1;
    return (x->run > y->run) - (x->run < y->run);
}

/* Sum of the free parts of the resources, each measured by the largest bin. */
static uint64_t room_of(const struct filling *filling, size_t run)
{
    const struct binpack_problem *problem = filling->problem;
    uint64_t sum = 0;
    for (size_t r = 0; r < problem->resource_count; r++) {
        int64_t room = filling->room[run * problem->resource_count + r];
        if (room > 0 && problem->capacity_max[r] > 0)
            sum += (uint64_t)(((binpack_u128)room << FRACTION_BITS) / (binpack_u128)problem->capacity_max[r]);
    }
    return sum;
}

/* Puts item_count items of the group into each of the first bin_count bins of a run, splitting the run if need be. */
static bool put_into_run(struct filling *filling, size_t run, uint32_t group, int64_t item_count, int64_t bin_count)
{
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    const int64_t *demand = problem->demand + group * resource_count;
    const struct run before = filling->runs[run];
    uint32_t content = binpack_add_cell(filling, group, item_count, before.content);
    if (content == UINT32_MAX)
        return false;
    if (bin_count < before.bin_count) {
        int64_t room[BINPACK_RESOURCES_MAX];
        for (size_t r = 0; r < resource_count; r++)
            room[r] = filling->room[run * resource_count + r];
        if (filling->type_left[before.type] != BINPACK_NO_LIMIT)
            filling->type_left[before.type] +=
                before.bin_count - bin_count; /* they are open already: open_run takes them again */
        if (!binpack_open_run(filling, before.type, before.bin_count - bin_count, before.content, room))
            return false;
        filling->runs[filling->run_count - 1].base = before.base;
        filling->runs[run].bin_count = bin_count;
    }
    filling->runs[run].content = content;
    for (size_t r = 0; r < resource_count; r++)
        filling->room[run * resource_count + r] -= item_count * demand[r];
    return true;
}

/* How many more items of the group a bin of the run may hold, whatever their size. */
static int64_t most_more(const struct filling *filling, size_t run, uint32_t group)
{
    int64_t most = filling->problem->per_bin_max[group];
    if (most == INT64_MAX && filling->problem->conflicts == NULL)
        return most;
    for (uint32_t at = filling->runs[run].content; at != UINT32_MAX; at = filling->cells[at].next) {
        if (binpack_in_conflict(filling->problem, group, filling->cells[at].group))
            return 0;
        most -= filling->cells[at].group == group && most != INT64_MAX ? filling->cells[at].item_count : 0;
    }
    return most > 0 ? most : 0;
}

/* Items of the group into open bins; `keys` has room for every run. False when steps or space ran out. */
static bool put_into_open_bins(struct filling *filling, uint32_t group, struct fit_key *keys)
{
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count, key_count = 0;
    const int64_t *demand = problem->demand + group * resource_count;
    for (size_t run = 0; run < filling->run_count; run++) {
        if (!binpack_step(filling))
            return false;
        int64_t item_count =
            binpack_fit_count(demand, filling->room + run * resource_count, resource_count, most_more(filling, run, group));
        if (item_count > 0 && filling->runs[run].bin_count > 0 && binpack_is_allowed(problem, group, filling->runs[run].type))
            keys[key_count++] = (struct fit_key){room_of(filling, run), (uint32_t)run, 0, item_count};
    }
    binpack_sort(keys, key_count, sizeof *keys, compare_fit);
    int64_t *left = &filling->left[group];
    for (size_t i = 0; i<key_count && * left> 0; i++) {
        size_t run = keys[i].run;
        int64_t full_bins = *left / keys[i].item_count;
        if (full_bins > filling->runs[run].bin_count)
            full_bins = filling->runs[run].bin_count;
        if (full_bins > 0) {
            size_t rest = filling->run_count; /* where a split puts the bins that got nothing */
            if (!put_into_run(filling, run, group, keys[i].item_count, full_bins))
                return false;
            *left -= full_bins * keys[i].item_count;
            if (filling->run_count == rest)
                continue;
            run = rest;
        }
        if (*left > 0 && !put_into_run(filling, run, group, *left, 1))
            return false;
        *left = 0;
    }
    return true;
}

/* Opens bins for what is left of the first group of the order. False when steps or space ran out. */
static bool open_bins(struct filling *filling, uint32_t group)
{
    const struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    const int64_t *demand = problem->demand + group * resource_count;
    uint32_t type;
    while (filling->left[group] > 0 && binpack_choose_type(filling, &type)) {
        int64_t left = filling->left[group];
        int64_t most = left < problem->per_bin_max[group] ? left : problem->per_bin_max[group];
        int64_t item_count = binpack_fit_count(demand, problem->capacity + type * resource_count, resource_count, most);
        int64_t bin_count = left / item_count;
        if (bin_count > filling->type_left[type])
            bin_count = filling->type_left[type];
        int64_t room[BINPACK_RESOURCES_MAX];
        for (size_t r = 0; r < resource_count; r++)
            room[r] = problem->capacity[type * resource_count + r] - item_count * demand[r];
        uint32_t content = binpack_add_cell(filling, group, item_count, UINT32_MAX);
        if (content == UINT32_MAX || !binpack_open_run(filling, type, bin_count, content, room))
            return false;
        filling->left[group] -= bin_count * item_count;
    }
    return !filling->out_of_steps;
}

/* Room for as many keys as there are runs; NULL when space ran out. */
static struct fit_key *keys_for(struct filling *filling, struct fit_key *keys, size_t *capacity)
{
    if (keys != NULL && *capacity >= filling->run_count)
        return keys;
    *capacity = 2 * filling->run_count + 1;
    keys = binpack_space_scratch(&filling->problem->space, *capacity, sizeof *keys);
    filling->out_of_space |= keys == NULL;
    return keys;
}

bool binpack_fill_open_bins(struct filling *filling)
{
    struct fit_key *keys = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < filling->order_count; i++)
        if ((keys = keys_for(filling, keys, &capacity)) == NULL || !put_into_open_bins(filling, filling->order[i], keys))
            return false;
    binpack_filling_compact(filling);
    return true;
}

void binpack_method_bfd(struct filling *filling)
{
    struct fit_key *keys = NULL;
    size_t capacity = 0;
    while (filling->order_count > 0) {
        uint32_t group = filling->order[0];
        if ((keys = keys_for(filling, keys, &capacity)) == NULL || !put_into_open_bins(filling, group, keys) ||
            !open_bins(filling, group))
            return;
        /* what is still left has no bin: the limits are used up for it */
        filling->order++;
        filling->order_count--;
        binpack_filling_compact(filling);
    }
}
