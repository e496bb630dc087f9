/* SPDX-License-Identifier: MIT */
/*
 * From groups back to the caller's item classes. The items of a group are handed to its classes in their order, so a run of equal
 * bins becomes several patterns where one class ends and the next begins. Two passes over the same walk: count, then write.
 */
#include <string.h>

#include "packing/packing_internal.h"

struct expansion {
    struct filling *filling;
    uint32_t *member;                 /* by group: position in members of the class that gives next */
    int64_t *member_left;             /* by group: items that this class still has */
    struct binpack_pattern *patterns; /* NULL: only count */
    struct binpack_placement *placements;
    size_t pattern_count;
    size_t placement_count;
};

static void rewind_members(struct expansion *expansion)
{
    const struct binpack_problem *problem = expansion->filling->problem;
    for (size_t g = 0; g < problem->group_count; g++) {
        expansion->member[g] = problem->member_first[g];
        expansion->member_left[g] = problem->input.item_classes[problem->members[problem->member_first[g]]].count;
    }
    expansion->pattern_count = expansion->placement_count = 0;
}

/* Takes items of a group from the class that gives next, once for each of bin_count bins. */
static void take(struct expansion *expansion, uint32_t group, int64_t item_count, int64_t bin_count)
{
    const struct binpack_problem *problem = expansion->filling->problem;
    uint32_t item_class = problem->members[expansion->member[group]];
    expansion->member_left[group] -= item_count * bin_count;
    if (expansion->member_left[group] == 0 && expansion->member[group] + 1 < problem->member_first[group + 1]) {
        expansion->member[group]++;
        expansion->member_left[group] = problem->input.item_classes[problem->members[expansion->member[group]]].count;
    }
    if (expansion->placements == NULL) {
        expansion->placement_count++;
        return;
    }
    /* ascending by class: patterns hold few classes, so insertion is enough. A group may have two cells in a content. */
    size_t first = expansion->patterns[expansion->pattern_count].placement_first;
    size_t at = expansion->placement_count;
    while (at > first && expansion->placements[at - 1].item_class > item_class)
        at--;
    if (at > first && expansion->placements[at - 1].item_class == item_class) {
        expansion->placements[at - 1].item_count += item_count;
        return;
    }
    for (size_t i = expansion->placement_count++; i > at; i--)
        expansion->placements[i] = expansion->placements[i - 1];
    expansion->placements[at] = (struct binpack_placement){item_class, item_count};
}

static void expand_run(struct expansion *expansion, const struct run *run)
{
    const struct cell *cells = expansion->filling->cells;
    for (int64_t bins_left = run->bin_count; bins_left > 0;) {
        int64_t bin_count = bins_left; /* that a single class serves in every group */
        for (uint32_t at = run->content; at != UINT32_MAX && bin_count > 1; at = cells[at].next) {
            int64_t times = expansion->member_left[cells[at].group] / cells[at].item_count;
            bin_count = times < 1 ? 1 : times < bin_count ? times : bin_count;
        }
        size_t first = expansion->placement_count;
        if (expansion->patterns != NULL)
            expansion->patterns[expansion->pattern_count] =
                (struct binpack_pattern){.bin_type = run->type, .bin_count = bin_count, .placement_first = first};
        for (uint32_t at = run->content; at != UINT32_MAX; at = cells[at].next) {
            uint32_t group = cells[at].group;
            for (int64_t items_left = cells[at].item_count; items_left > 0;) {
                int64_t here = expansion->member_left[group];
                here = here < items_left ? here : items_left;
                take(expansion, group, here, bin_count);
                items_left -= here;
            }
        }
        if (expansion->patterns != NULL)
            expansion->patterns[expansion->pattern_count].placement_count = expansion->placement_count - first;
        expansion->pattern_count++;
        bins_left -= bin_count;
    }
}

static void expand_all(struct expansion *expansion)
{
    rewind_members(expansion);
    for (size_t i = 0; i < expansion->filling->run_count; i++)
        expand_run(expansion, &expansion->filling->runs[i]);
}

enum binpack_outcome binpack_expand(struct filling *filling, struct binpack_plan *out_plan)
{
    struct binpack_problem *problem = filling->problem;
    struct space *space = &problem->space;
    struct expansion expansion = {.filling = filling};
    expansion.member = binpack_space_scratch(space, problem->group_count, sizeof *expansion.member);
    expansion.member_left = binpack_space_scratch(space, problem->group_count, sizeof *expansion.member_left);
    if (expansion.member == NULL || expansion.member_left == NULL)
        return BINPACK_OUT_OF_SPACE;
    expand_all(&expansion);
    int64_t *unplaced = binpack_space_keep(space, problem->input.item_class_count, sizeof *unplaced);
    expansion.patterns = binpack_space_keep(space, expansion.pattern_count, sizeof *expansion.patterns);
    expansion.placements = binpack_space_keep(space, expansion.placement_count, sizeof *expansion.placements);
    if (unplaced == NULL || expansion.patterns == NULL || expansion.placements == NULL)
        return BINPACK_OUT_OF_SPACE;
    expand_all(&expansion);
    out_plan->unplaced_count = 0;
    for (size_t g = 0; g < problem->group_count; g++) {
        int64_t left = filling->left[g];
        out_plan->unplaced_count += left;
        for (uint32_t m = problem->member_first[g + 1]; left > 0; m--) { /* the last classes gave nothing or not all */
            int64_t count = problem->input.item_classes[problem->members[m - 1]].count;
            unplaced[problem->members[m - 1]] = left < count ? left : count;
            left -= left < count ? left : count;
        }
    }
    out_plan->patterns = expansion.patterns;
    out_plan->pattern_count = expansion.pattern_count;
    out_plan->placements = expansion.placements;
    out_plan->placement_count = expansion.placement_count;
    out_plan->unplaced = unplaced;
    return BINPACK_OK;
}
