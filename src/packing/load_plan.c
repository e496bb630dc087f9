/* SPDX-License-Identifier: MIT */
/* A plan back into open bins: the caller's classes become groups again. */
#include <string.h>

#include "packing/packing_internal.h"

bool binpack_filling_load(struct filling *filling, const struct binpack_plan *plan)
{
    struct binpack_problem *problem = filling->problem;
    size_t resource_count = problem->resource_count;
    uint32_t *group_of = binpack_space_scratch(&problem->space, problem->input.item_class_count, sizeof *group_of);
    if (group_of == NULL) {
        filling->out_of_space = true;
        return false;
    }
    for (uint32_t g = 0; g < problem->group_count; g++)
        for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++)
            group_of[problem->members[m]] = g;
    for (size_t p = 0; p < plan->pattern_count; p++) {
        const struct binpack_pattern *pattern = &plan->patterns[p];
        int64_t room[BINPACK_RESOURCES_MAX];
        uint32_t content = UINT32_MAX;
        memcpy(room, problem->capacity + pattern->bin_type * resource_count, resource_count * sizeof *room);
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &plan->placements[pattern->placement_first + i];
            uint32_t group = group_of[placement->item_class];
            content = binpack_add_cell(filling, group, placement->item_count, content);
            if (content == UINT32_MAX)
                return false;
            for (size_t r = 0; r < resource_count; r++)
                room[r] -= placement->item_count * problem->demand[group * resource_count + r];
            filling->left[group] -= placement->item_count * pattern->bin_count;
        }
        if (!binpack_open_run(filling, pattern->bin_type, pattern->bin_count, content, room))
            return false;
    }
    return binpack_filling_reorder(filling);
}
