/* SPDX-License-Identifier: MIT */
/* The method `columns`: column generation, its bound made a certificate, and a dive to whole bins. */
#include "packing/columns.h"

enum { ROUNDS_MAX = 600 };
static const uint64_t STEPS_AT_LEAST = 2000;

/* Lets a phase end at a part of the steps that are left; returns the limit to put back. */
static uint64_t limit_phase(struct filling *filling, uint64_t parts_of_eight)
{
    uint64_t limit = filling->step_limit;
    uint64_t left = limit - filling->steps;
    filling->step_limit = filling->steps + left / 8 * parts_of_eight;
    return limit;
}

/* The contents of the best plan so far are columns to begin with. */
static bool add_start(struct generation *generation, struct filling *filling)
{
    if (filling->start == NULL)
        return true;
    struct filling loaded;
    if (!binpack_filling_start(&loaded, filling->problem, 0, UINT64_MAX) || !binpack_filling_load(&loaded, filling->start)) {
        filling->out_of_space = true;
        return false;
    }
    binpack_generation_add_bins(generation, &loaded, 0);
    return true;
}

void binpack_method_columns(struct filling *filling)
{
    uint64_t limit = filling->step_limit;
    uint64_t rest = (limit - filling->steps) / 4; /* for ffd, so that nothing is left over */
    if (filling->start != NULL && filling->steps_for_rest < rest)
        rest = filling->steps_for_rest;
    filling->step_limit -= rest;
    struct generation generation;
    if (limit - filling->steps > STEPS_AT_LEAST) {
        if (!binpack_generation_start(&generation, filling)) {
            filling->out_of_space = true;
            return;
        }
        if (generation.is_ready) {
            if (!add_start(&generation, filling))
                return;
            uint64_t phase_limit = limit_phase(filling, 5);
            binpack_generation_run(&generation, filling, ROUNDS_MAX, 1e300);
            filling->step_limit = phase_limit;
            filling->out_of_steps = false;
            binpack_pattern_bound_try(&generation, filling, (phase_limit - filling->steps) / 4);
            binpack_dive(&generation, filling);
        }
    }
    filling->step_limit = limit;
    filling->out_of_steps = filling->steps >= limit;
    binpack_filling_compact(filling);
    if (!filling->out_of_space)
        binpack_method_ffd(filling);
}
