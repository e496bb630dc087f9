/**
 * experiment: runs designs side by side and compares them. A door for `report`, which prints what stands here; others use
 * kerf/experiment.h.
 */
#ifndef KERF_EXPERIMENT_ROOM_H
#define KERF_EXPERIMENT_ROOM_H

#include "kerf/experiment.h"
#include "scenario/scenario.h"
#include "stats/stats.h"

struct kerf_compared_metric {
    char name[96];
    struct kerf_interval interval; /* over replications; of a difference: of the paired differences */
    double *values;                /* by replication; NULL: a ratio of means */
};

struct kerf_compared_design {
    const struct kerf_design *design;
    const struct kerf_scenario *scenario;
    const char *name; /* unique in the comparison */
    struct kerf_compared_metric *metrics;
    size_t metric_count;
    struct kerf_compared_metric *differences; /* to the first design, for the names that both have; none for the first itself */
    size_t difference_count;
    uint64_t trace_hash; /* of all replications */
    uint64_t event_count;
};

struct kerf_comparison {
    struct kerf_arena arena;
    const struct kerf_scenario *scenario; /* the first */
    uint32_t replications;
    double confidence;
    struct kerf_compared_design *designs;
    size_t design_count;
};

const struct kerf_compared_metric *kerf_compared_metric_find(const struct kerf_compared_metric *metrics, size_t count, const char *name);

#endif
