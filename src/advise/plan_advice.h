/** What `kerf plan` answers: written by advise_plan.c, printed by report_plan.c. */
#ifndef KERF_ADVISE_PLAN_ADVICE_H
#define KERF_ADVISE_PLAN_ADVICE_H

#include "kerf/advise.h"
#include "provisioning/provisioning.h"

struct kerf_plan_advice {
    struct kerf_arena arena;
    const struct kerf_cluster *cluster;
    kerf_time_us at_epoch_us;
    size_t pod_count; /* that took part or were refused by validation */
    struct kerf_plan *plan;
    const struct kerf_launch_request *launches; /* by claim; no overrides: nothing could be launched */
    const struct kerf_plan_refusal *invalid;    /* pods that validation left out */
    size_t invalid_count;
};

#endif
