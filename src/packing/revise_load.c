/* SPDX-License-Identifier: MIT */
/* A standing plan becomes open bins: its items are checked, those that leave go, and the rest is where it stood. */
#include <string.h>

#include "packing/revise.h"

/* ---- is it a plan? ---------------------------------------------------------------------------------------------------- */

static bool says_conflict(const struct binpack_item_class *class, uint32_t other)
{
    return class->conflicts != NULL && (class->conflicts[other / 64] >> (other % 64) & 1) != 0;
}

/* Is the placement in conflict with one before it, or with itself? */
static bool breaks_conflict(const struct binpack_input *input, const struct binpack_placement *first, size_t at)
{
    const struct binpack_item_class *class = &input->item_classes[first[at].item_class];
    if (first[at].item_count > 1 && says_conflict(class, first[at].item_class))
        return true;
    for (size_t i = 0; i < at; i++)
        if (says_conflict(class, first[i].item_class) ||
            says_conflict(&input->item_classes[first[i].item_class], first[at].item_class))
            return true;
    return false;
}

static bool pattern_holds(const struct binpack_problem *problem, const struct binpack_plan *standing,
                          const struct binpack_pattern *pattern)
{
    const struct binpack_input *input = &problem->input;
    if (pattern->bin_type >= problem->type_count || pattern->bin_count < 1 ||
        pattern->placement_count > standing->placement_count ||
        pattern->placement_first > standing->placement_count - pattern->placement_count)
        return false;
    binpack_i128 load[BINPACK_RESOURCES_MAX] = {0};
    for (size_t i = 0; i < pattern->placement_count; i++) {
        const struct binpack_placement *placement = &standing->placements[pattern->placement_first + i];
        if (placement->item_class >= input->item_class_count || placement->item_count < 1 ||
            (i > 0 && placement[-1].item_class >= placement->item_class))
            return false;
        const struct binpack_item_class *class = &input->item_classes[placement->item_class];
        if (breaks_conflict(input, &standing->placements[pattern->placement_first], i) ||
            (class->per_bin_max > 0 && placement->item_count > class->per_bin_max) ||
            (class->allowed_bin_types != NULL &&
             (class->allowed_bin_types[pattern->bin_type / 64] >> (pattern->bin_type % 64) & 1) == 0))
            return false;
        for (size_t r = 0; r < input->resource_count; r++)
            if (__builtin_add_overflow(load[r], (binpack_i128)class->demand[r] * placement->item_count, &load[r]))
                return false;
    }
    for (size_t r = 0; r < input->resource_count; r++)
        if (load[r] > input->bin_types[pattern->bin_type].capacity[r])
            return false;
    return true;
}

/* Sums of bins by type and of items by class; false: no plan. */
static bool check_standing(const struct revising *revising, int64_t *opened, int64_t *excess)
{
    const struct binpack_problem *problem = revising->filling.problem;
    const struct binpack_plan *standing = revising->standing;
    int64_t all = 0;
    for (size_t p = 0; p < standing->pattern_count; p++) {
        const struct binpack_pattern *pattern = &standing->patterns[p];
        if (!pattern_holds(problem, standing, pattern) ||
            __builtin_add_overflow(opened[pattern->bin_type], pattern->bin_count, &opened[pattern->bin_type]) ||
            opened[pattern->bin_type] > problem->limit[pattern->bin_type])
            return false;
        const int64_t *must_close = revising->options->must_close;
        if (must_close != NULL && (must_close[p] < 0 || must_close[p] > pattern->bin_count))
            return false;
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &standing->placements[pattern->placement_first + i];
            int64_t items;
            if (__builtin_mul_overflow(placement->item_count, pattern->bin_count, &items) ||
                __builtin_add_overflow(excess[placement->item_class], items, &excess[placement->item_class]) ||
                __builtin_add_overflow(all, items, &all))
                return false;
        }
    }
    for (size_t c = 0; c < problem->input.item_class_count; c++)
        excess[c] -= problem->input.item_classes[c].count;
    return true;
}

/* ---- bases ------------------------------------------------------------------------------------------------------------ */

static double worth_of(const struct binpack_problem *problem, const uint32_t *group_of, const struct binpack_plan *standing,
                       const struct binpack_pattern *pattern)
{
    double worth = 0, scale = (double)problem->bound.scale;
    for (size_t i = 0; i < pattern->placement_count; i++) {
        const struct binpack_placement *placement = &standing->placements[pattern->placement_first + i];
        if (group_of[placement->item_class] != UINT32_MAX)
            worth += (double)placement->item_count * (double)problem->group_value[group_of[placement->item_class]] / scale;
    }
    return worth - (double)problem->price[pattern->bin_type];
}

struct leave_key {
    double worth;
    uint32_t pattern;
};

static int compare_leave(const void *a, const void *b)
{
    const struct leave_key *x = a, *y = b;
    if (x->worth < y->worth || x->worth > y->worth)
        return x->worth < y->worth ? -1 : 1;
    return (x->pattern > y->pattern) - (x->pattern < y->pattern);
}

static struct base *add_base(struct revising *revising, uint32_t pattern, int64_t bin_count)
{
    struct base *base = &revising->bases[++revising->base_count];
    *base = (struct base){.pattern = pattern,
                          .type = revising->standing->patterns[pattern].bin_type,
                          .bin_count = bin_count,
                          .cell_first = revising->cell_count};
    return base;
}

/* Most bins of the pattern that lose what its first bin loses; `lost` is by placement. */
static int64_t take_leaving(const struct revising *revising, const struct binpack_pattern *pattern, int64_t bins_left, int64_t *excess,
                            int64_t *lost)
{
    int64_t bins = bins_left;
    for (size_t i = 0; i < pattern->placement_count; i++) {
        const struct binpack_placement *placement = &revising->standing->placements[pattern->placement_first + i];
        int64_t leaving = excess[placement->item_class] > 0 ? excess[placement->item_class] : 0;
        lost[i] = leaving < placement->item_count ? leaving : placement->item_count;
        if (lost[i] > 0 && leaving / lost[i] < bins)
            bins = leaving / lost[i];
    }
    for (size_t i = 0; i < pattern->placement_count; i++)
        if (lost[i] > 0)
            excess[revising->standing->placements[pattern->placement_first + i].item_class] -= bins * lost[i];
    return bins;
}

/* Bins of the pattern as bases: those that lose items apart from those that lose others or none. */
static void add_bases(struct revising *revising, uint32_t index, const uint32_t *group_of, int64_t *excess, int64_t *lost)
{
    const struct binpack_pattern *pattern = &revising->standing->patterns[index];
    for (int64_t bins_left = pattern->bin_count; bins_left > 0;) {
        int64_t bins = take_leaving(revising, pattern, bins_left, excess, lost);
        struct base *base = add_base(revising, index, bins);
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &revising->standing->placements[pattern->placement_first + i];
            if (placement->item_count > lost[i])
                revising->cells[revising->cell_count++] =
                    (struct base_cell){placement->item_class, group_of[placement->item_class], placement->item_count - lost[i]};
        }
        base->cell_count = (uint32_t)(revising->cell_count - base->cell_first);
        bins_left -= bins;
    }
}

/* Opens all bins of the base but `closed`, whose items are left. */
static enum binpack_outcome open_base(struct revising *revising, uint32_t index, int64_t closed)
{
    struct filling *filling = &revising->filling;
    const struct binpack_problem *problem = filling->problem;
    const struct base *base = &revising->bases[index];
    size_t resource_count = problem->resource_count;
    int64_t room[BINPACK_RESOURCES_MAX];
    binpack_i128 load[BINPACK_RESOURCES_MAX] = {0};
    uint32_t content = UINT32_MAX;
    for (uint32_t i = 0; i < base->cell_count; i++) {
        const struct base_cell *cell = &revising->cells[base->cell_first + i];
        revising->stood[cell->group] += cell->item_count * base->bin_count;
        for (size_t r = 0; r < resource_count; r++)
            load[r] += (binpack_i128)cell->item_count * problem->demand[cell->group * resource_count + r];
        if (base->bin_count == closed)
            continue;
        content = binpack_add_cell(filling, cell->group, cell->item_count, content);
        if (content == UINT32_MAX)
            return BINPACK_OUT_OF_SPACE;
        filling->left[cell->group] -= cell->item_count * (base->bin_count - closed);
    }
    for (size_t r = 0; r < resource_count; r++) {
        if (load[r] > problem->capacity[base->type * resource_count + r]) /* what made room for the others has left */
            return BINPACK_E_ARGUMENT;
        room[r] = (int64_t)(problem->capacity[base->type * resource_count + r] - load[r]);
    }
    if (base->bin_count == closed || base->cell_count == 0) /* empty bins are closed, which moves nothing */
        return BINPACK_OK;
    if (!binpack_open_run(filling, base->type, base->bin_count - closed, content, room))
        return BINPACK_OUT_OF_SPACE;
    filling->runs[filling->run_count - 1].base = index;
    return BINPACK_OK;
}

static enum binpack_outcome open_bases(struct revising *revising)
{
    const int64_t *must_close = revising->options->must_close;
    uint32_t before = UINT32_MAX;
    int64_t closing = 0, forced = 0;
    for (uint32_t b = 1; b <= revising->base_count; b++) {
        const struct base *base = &revising->bases[b];
        if (base->pattern != before) /* bases of a pattern lie together */
            closing = must_close != NULL ? must_close[base->pattern] : 0;
        before = base->pattern;
        int64_t closed = closing < base->bin_count ? closing : base->bin_count;
        closing -= closed;
        for (uint32_t i = 0; i < base->cell_count; i++)
            forced += revising->cells[base->cell_first + i].item_count * closed;
        enum binpack_outcome outcome = open_base(revising, b, closed);
        if (outcome != BINPACK_OK)
            return outcome;
    }
    revising->move_limit = revising->options->move_limit > forced ? revising->options->move_limit : forced;
    return BINPACK_OK;
}

static bool make_groups(struct revising *revising, uint32_t *group_of)
{
    const struct binpack_problem *problem = revising->filling.problem;
    const int64_t *prices = revising->options->move_prices;
    for (size_t c = 0; c < problem->input.item_class_count; c++) {
        group_of[c] = UINT32_MAX;
        if (prices != NULL && prices[c] < 0)
            return false;
    }
    for (uint32_t g = 0; g < problem->group_count; g++)
        for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++) {
            uint32_t class = problem->members[m];
            group_of[class] = g;
            if (prices != NULL && prices[class] > revising->group_move_price[g])
                revising->group_move_price[g] = prices[class];
        }
    return true;
}

/* Each class that leaves cuts a pattern at most twice. */
static bool make_room_for_bases(struct revising *revising)
{
    const struct binpack_plan *standing = revising->standing;
    size_t class_count = revising->filling.problem->input.item_class_count, placement_count = 0, widest = 0;
    for (size_t p = 0; p < standing->pattern_count; p++) {
        size_t here = standing->patterns[p].placement_count;
        placement_count += here;
        widest = here > widest ? here : widest;
    }
    struct space *space = &revising->filling.problem->space;
    revising->bases = binpack_space_scratch(space, standing->pattern_count + 2 * class_count + 1, sizeof *revising->bases);
    revising->cells = binpack_space_scratch(space, placement_count + 2 * class_count * widest, sizeof *revising->cells);
    return revising->bases != NULL && revising->cells != NULL;
}

enum binpack_outcome binpack_revising_load(struct revising *revising)
{
    struct binpack_problem *problem = revising->filling.problem;
    struct space *space = &problem->space;
    const struct binpack_plan *standing = revising->standing;
    size_t class_count = problem->input.item_class_count, pattern_count = standing->pattern_count;
    uint32_t *group_of = binpack_space_scratch(space, class_count, sizeof *group_of);
    int64_t *opened = binpack_space_scratch(space, problem->type_count, sizeof *opened);
    int64_t *excess = binpack_space_scratch(space, class_count, sizeof *excess);
    int64_t *lost = binpack_space_scratch(space, class_count, sizeof *lost);
    struct leave_key *keys = binpack_space_scratch(space, pattern_count, sizeof *keys);
    revising->group_move_price = binpack_space_scratch(space, problem->group_count, sizeof(int64_t));
    revising->stood = binpack_space_scratch(space, problem->group_count, sizeof(int64_t));
    revising->seen = binpack_space_scratch(space, problem->group_count, sizeof(int64_t));
    if (group_of == NULL || opened == NULL || excess == NULL || lost == NULL || keys == NULL ||
        revising->group_move_price == NULL || revising->stood == NULL || revising->seen == NULL)
        return BINPACK_OUT_OF_SPACE;
    if (!check_standing(revising, opened, excess) || !make_groups(revising, group_of))
        return BINPACK_E_ARGUMENT;
    if (!make_room_for_bases(revising))
        return BINPACK_OUT_OF_SPACE;
    for (uint32_t p = 0; p < pattern_count; p++)
        keys[p] = (struct leave_key){worth_of(problem, group_of, standing, &standing->patterns[p]), p};
    binpack_sort(keys, pattern_count, sizeof *keys, compare_leave);
    for (size_t p = 0; p < pattern_count; p++)
        add_bases(revising, keys[p].pattern, group_of, excess, lost);
    enum binpack_outcome outcome = open_bases(revising);
    if (outcome == BINPACK_OK && !binpack_filling_reorder(&revising->filling))
        return BINPACK_OUT_OF_SPACE;
    return outcome;
}

/* ---- what has moved --------------------------------------------------------------------------------------------------- */

int64_t binpack_revising_kept(struct revising *revising, const struct run *run, binpack_i128 *out_move_cost)
{
    const struct filling *filling = &revising->filling;
    int64_t kept = 0;
    *out_move_cost = 0;
    if (run->base == 0)
        return 0;
    for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
        revising->seen[filling->cells[at].group] += filling->cells[at].item_count;
    const struct base *base = &revising->bases[run->base];
    for (uint32_t i = 0; i < base->cell_count; i++) {
        const struct base_cell *cell = &revising->cells[base->cell_first + i];
        int64_t *seen = &revising->seen[cell->group];
        int64_t here = *seen < cell->item_count ? *seen : cell->item_count;
        *seen -= here; /* another class of the group finds what is left */
        kept += here;
        *out_move_cost += (binpack_i128)here * revising->group_move_price[cell->group];
    }
    for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
        revising->seen[filling->cells[at].group] = 0;
    return kept;
}

struct measure binpack_revising_measure(struct revising *revising)
{
    const struct filling *filling = &revising->filling;
    const struct binpack_problem *problem = filling->problem;
    struct measure measure = {0};
    for (size_t g = 0; g < problem->group_count; g++) {
        measure.unplaced += filling->left[g];
        measure.moved += revising->stood[g];
        measure.move_cost += (binpack_i128)revising->stood[g] * revising->group_move_price[g];
    }
    for (size_t i = 0; i < filling->run_count; i++) {
        const struct run *run = &filling->runs[i];
        binpack_i128 kept_cost;
        int64_t kept = binpack_revising_kept(revising, run, &kept_cost);
        measure.moved -= kept * run->bin_count;
        measure.move_cost -= kept_cost * run->bin_count;
        measure.bin_cost += (binpack_i128)problem->price[run->type] * run->bin_count;
    }
    measure.cost = measure.bin_cost + measure.move_cost;
    return measure;
}
