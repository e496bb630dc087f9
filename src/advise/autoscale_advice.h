/** What `kerf autoscale` answers: written by advise_autoscale.c, printed by report_autoscale.c. */
#ifndef KERF_ADVISE_AUTOSCALE_ADVICE_H
#define KERF_ADVISE_AUTOSCALE_ADVICE_H

#include "autoscaling/autoscaling.h"
#include "kerf/advise.h"

/** A loop of the scale-down as it was told. */
struct kerf_autoscale_loop {
    int64_t at_seconds; /* since the first */
    const kerf_node_id *unneeded;
    uint32_t unneeded_count;
    const struct kerf_unremovable_node *unremovable;
    uint32_t unremovable_count;
};

struct kerf_autoscale_advice {
    struct kerf_arena arena;
    const struct kerf_cluster *cluster;
    struct kerf_autoscaling *autoscaling; /* owns what the answers point to */
    const struct kerf_autoscaling_group *groups;
    uint32_t group_count;
    bool is_scale_down;
    /* scale-up */
    const struct kerf_autoscaling_fit *fits;
    uint32_t fit_count;
    const struct kerf_scale_up *up;
    /* scale-down */
    struct kerf_autoscale_loop loops[2];              /* the first and the last */
    const struct kerf_node_utilization *utilizations; /* of the first loop */
    uint32_t utilization_count;
    const struct kerf_scale_down *down; /* of the last loop */
};

#endif
