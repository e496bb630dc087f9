/* SPDX-License-Identifier: MIT */
/*
 * A changed filling back into the caller's classes. Items that a bin keeps are of the classes that stood there; all other slots
 * of a group are given what is not kept, class after class.
 */
#include <string.h>

#include "packing/revise.h"

struct result {
    struct revising *revising;
    uint32_t *member;     /* by group: position in members of the class that gives next */
    int64_t *pool;        /* by class: items that are kept nowhere */
    int64_t *kept;        /* by class: of the run at hand, in one bin */
    int64_t *slots;       /* by group: of the run at hand, that the pool fills */
    uint32_t *run_groups; /* of the run at hand */
    size_t run_group_count;
    uint32_t *run_classes; /* with kept items */
    size_t run_class_count;
    struct binpack_pattern *patterns; /* NULL: only count */
    struct binpack_placement *placements;
    size_t *origins;
    size_t pattern_count, placement_count;
};

static int64_t move_price(const struct result *result, uint32_t class)
{
    const int64_t *prices = result->revising->options->move_prices;
    return prices != NULL ? prices[class] : 0;
}

/* Sets kept, slots and run_groups for one bin of the run. */
static void look_at(struct result *result, const struct run *run)
{
    struct revising *revising = result->revising;
    const struct filling *filling = &revising->filling;
    for (size_t i = 0; i < result->run_class_count; i++)
        result->kept[result->run_classes[i]] = 0;
    result->run_group_count = result->run_class_count = 0;
    for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next) {
        uint32_t group = filling->cells[at].group;
        if (result->slots[group] == 0)
            result->run_groups[result->run_group_count++] = group;
        result->slots[group] += filling->cells[at].item_count;
    }
    const struct base *base = run->base != 0 ? &revising->bases[run->base] : NULL;
    for (;;) { /* the dearest to move first */
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; base != NULL && i < base->cell_count; i++) {
            const struct base_cell *cell = &revising->cells[base->cell_first + i];
            if (result->slots[cell->group] > 0 && result->kept[cell->item_class] == 0 &&
                (best == UINT32_MAX || move_price(result, cell->item_class) >
                                           move_price(result, revising->cells[base->cell_first + best].item_class)))
                best = i;
        }
        if (best == UINT32_MAX)
            return;
        const struct base_cell *cell = &revising->cells[base->cell_first + best];
        int64_t kept = cell->item_count < result->slots[cell->group] ? cell->item_count : result->slots[cell->group];
        result->kept[cell->item_class] = kept;
        result->slots[cell->group] -= kept;
        result->run_classes[result->run_class_count++] = cell->item_class;
    }
}

static void clear_slots(struct result *result)
{
    for (size_t i = 0; i < result->run_group_count; i++)
        result->slots[result->run_groups[i]] = 0;
}

/* What no run keeps: all items of a class less those that stay. */
static void fill_pool(struct result *result)
{
    const struct filling *filling = &result->revising->filling;
    const struct binpack_problem *problem = filling->problem;
    for (size_t c = 0; c < problem->input.item_class_count; c++)
        result->pool[c] = problem->input.item_classes[c].count;
    for (size_t i = 0; i < filling->run_count; i++) {
        look_at(result, &filling->runs[i]);
        for (size_t k = 0; k < result->run_class_count; k++)
            result->pool[result->run_classes[k]] -= result->kept[result->run_classes[k]] * filling->runs[i].bin_count;
        clear_slots(result);
    }
}

static void put(struct result *result, uint32_t item_class, int64_t item_count)
{
    if (result->patterns == NULL) {
        result->placement_count++;
        return;
    }
    size_t first = result->patterns[result->pattern_count].placement_first, at = result->placement_count;
    while (at > first && result->placements[at - 1].item_class > item_class)
        at--;
    if (at > first && result->placements[at - 1].item_class == item_class) {
        result->placements[at - 1].item_count += item_count;
        return;
    }
    for (size_t k = result->placement_count++; k > at; k--)
        result->placements[k] = result->placements[k - 1];
    result->placements[at] = (struct binpack_placement){item_class, item_count};
}

static uint32_t next_member(struct result *result, uint32_t group)
{
    const struct binpack_problem *problem = result->revising->filling.problem;
    while (result->pool[problem->members[result->member[group]]] == 0 && result->member[group] + 1 < problem->member_first[group + 1])
        result->member[group]++;
    return problem->members[result->member[group]];
}

/* Bins of the run that a single class serves in every group. */
static int64_t alike(struct result *result, int64_t bins_left)
{
    for (size_t i = 0; i < result->run_group_count && bins_left > 1; i++) {
        int64_t slots = result->slots[result->run_groups[i]];
        if (slots == 0)
            continue;
        int64_t times = result->pool[next_member(result, result->run_groups[i])] / slots;
        bins_left = times < 1 ? 1 : times < bins_left ? times : bins_left;
    }
    return bins_left;
}

static void write_run(struct result *result, const struct run *run)
{
    const struct base *base = run->base != 0 ? &result->revising->bases[run->base] : NULL;
    look_at(result, run);
    for (int64_t bins_left = run->bin_count; bins_left > 0;) {
        int64_t bin_count = alike(result, bins_left);
        size_t first = result->placement_count;
        if (result->patterns != NULL) {
            result->patterns[result->pattern_count] =
                (struct binpack_pattern){.bin_type = run->type, .bin_count = bin_count, .placement_first = first};
            result->origins[result->pattern_count] = base != NULL ? base->pattern : SIZE_MAX;
        }
        for (size_t i = 0; i < result->run_class_count; i++)
            put(result, result->run_classes[i], result->kept[result->run_classes[i]]);
        for (size_t i = 0; i < result->run_group_count; i++) {
            for (int64_t slots = result->slots[result->run_groups[i]]; slots > 0;) {
                uint32_t class = next_member(result, result->run_groups[i]);
                int64_t here = result->pool[class] < slots ? result->pool[class] : slots;
                put(result, class, here);
                result->pool[class] -= here * bin_count;
                slots -= here;
            }
        }
        if (result->patterns != NULL)
            result->patterns[result->pattern_count].placement_count = result->placement_count - first;
        result->pattern_count++;
        bins_left -= bin_count;
    }
    clear_slots(result);
}

static void write_all(struct result *result)
{
    const struct binpack_problem *problem = result->revising->filling.problem;
    fill_pool(result);
    for (size_t g = 0; g < problem->group_count; g++)
        result->member[g] = problem->member_first[g];
    result->pattern_count = result->placement_count = 0;
    for (size_t i = 0; i < result->revising->filling.run_count; i++)
        write_run(result, &result->revising->filling.runs[i]);
}

static bool start(struct result *result, struct revising *revising)
{
    struct binpack_problem *problem = revising->filling.problem;
    struct space *space = &problem->space;
    size_t class_count = problem->input.item_class_count;
    *result = (struct result){.revising = revising};
    result->member = binpack_space_scratch(space, problem->group_count, sizeof *result->member);
    result->slots = binpack_space_scratch(space, problem->group_count, sizeof *result->slots);
    result->run_groups = binpack_space_scratch(space, problem->group_count, sizeof *result->run_groups);
    result->pool = binpack_space_scratch(space, class_count, sizeof *result->pool);
    result->kept = binpack_space_scratch(space, class_count, sizeof *result->kept);
    result->run_classes = binpack_space_scratch(space, class_count, sizeof *result->run_classes);
    return result->member != NULL && result->slots != NULL && result->run_groups != NULL && result->pool != NULL &&
           result->kept != NULL && result->run_classes != NULL;
}

/* ---- sums ------------------------------------------------------------------------------------------------------------- */

/* Items of a class that the bins of a pattern still hold where they stood. */
static int64_t still_there(const struct revising *revising, const struct result *result, size_t pattern, const struct binpack_placement *now)
{
    if (result->origins[pattern] == SIZE_MAX)
        return 0;
    const struct binpack_pattern *stood = &revising->standing->patterns[result->origins[pattern]];
    for (size_t i = 0; i < stood->placement_count; i++) {
        const struct binpack_placement *before = &revising->standing->placements[stood->placement_first + i];
        if (before->item_class == now->item_class)
            return before->item_count < now->item_count ? before->item_count : now->item_count;
    }
    return 0;
}

static enum binpack_outcome count_moves(struct result *result, struct binpack_revision *revision, int64_t *moved)
{
    const struct revising *revising = result->revising;
    const struct binpack_problem *problem = revising->filling.problem;
    const struct binpack_plan *standing = revising->standing;
    memset(moved, 0, problem->input.item_class_count * sizeof *moved);
    for (size_t p = 0; p < standing->pattern_count; p++)
        for (size_t i = 0; i < standing->patterns[p].placement_count; i++) {
            const struct binpack_placement *placement = &standing->placements[standing->patterns[p].placement_first + i];
            moved[placement->item_class] += placement->item_count * standing->patterns[p].bin_count;
        }
    for (size_t c = 0; c < problem->input.item_class_count; c++)
        if (moved[c] > problem->input.item_classes[c].count)
            moved[c] = problem->input.item_classes[c].count; /* the rest leaves */
    for (size_t p = 0; p < result->pattern_count; p++) {
        const struct binpack_pattern *pattern = &result->patterns[p];
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *now = &result->placements[pattern->placement_first + i];
            moved[now->item_class] -= still_there(revising, result, p, now) * pattern->bin_count;
        }
        revision->closed_count -= result->origins[p] != SIZE_MAX ? pattern->bin_count : 0;
    }
    for (size_t p = 0; p < standing->pattern_count; p++)
        revision->closed_count += standing->patterns[p].bin_count;
    binpack_i128 price = 0;
    for (size_t c = 0; c < problem->input.item_class_count; c++) {
        int64_t count = moved[c] > 0 ? moved[c] : 0;
        revision->moved_count += count;
        price += (binpack_i128)count * move_price(result, (uint32_t)c);
    }
    if (price > INT64_MAX)
        return BINPACK_E_OVERFLOW;
    revision->moved_price = (int64_t)price;
    return BINPACK_OK;
}

enum binpack_outcome binpack_revising_result(struct revising *revising, struct binpack_revision *out_revision)
{
    struct binpack_problem *problem = revising->filling.problem;
    struct space *space = &problem->space;
    size_t class_count = problem->input.item_class_count;
    struct result result;
    int64_t *moved = binpack_space_scratch(space, class_count, sizeof *moved);
    if (moved == NULL || !start(&result, revising))
        return BINPACK_OUT_OF_SPACE;
    write_all(&result);
    int64_t *unplaced = binpack_space_keep(space, class_count, sizeof *unplaced);
    result.patterns = binpack_space_keep(space, result.pattern_count, sizeof *result.patterns);
    result.placements = binpack_space_keep(space, result.placement_count, sizeof *result.placements);
    result.origins = binpack_space_keep(space, result.pattern_count, sizeof *result.origins);
    if (unplaced == NULL || result.patterns == NULL || result.placements == NULL || result.origins == NULL)
        return BINPACK_OUT_OF_SPACE;
    write_all(&result);
    struct binpack_revision revision = {.origins = result.origins};
    struct binpack_plan *plan = &revision.plan;
    *plan = (struct binpack_plan){.patterns = result.patterns,
                                  .pattern_count = result.pattern_count,
                                  .placements = result.placements,
                                  .placement_count = result.placement_count,
                                  .unplaced = unplaced,
                                  .method = "revise",
                                  .steps = revising->filling.steps};
    for (size_t c = 0; c < class_count; c++) {
        unplaced[c] = result.pool[c];
        plan->unplaced_count += unplaced[c];
    }
    for (size_t p = 0; p < result.pattern_count; p++) {
        int64_t price;
        if (__builtin_mul_overflow(problem->price[result.patterns[p].bin_type], result.patterns[p].bin_count, &price) ||
            __builtin_add_overflow(plan->cost, price, &plan->cost))
            return BINPACK_E_OVERFLOW;
        plan->bin_count += result.patterns[p].bin_count;
    }
    plan->is_cheapest = plan->unplaced_count == 0 && plan->cost <= problem->bound.cost;
    enum binpack_outcome outcome = count_moves(&result, &revision, moved);
    if (outcome == BINPACK_OK)
        *out_revision = revision;
    return outcome;
}
