/**
 * record: listens to a run and keeps what will be asked of it: the bill by cause, waits by phase, evictions, interruptions, nodes and
 * vCPU over time, addresses by subnet, and on demand every event. It changes nothing. After the run it is a list of named numbers.
 */
#ifndef KERF_RECORD_H
#define KERF_RECORD_H

#include "controllers/controllers.h"

/** One named number of a replication. Names carry their unit: `costUsdPerMonth`, `costUsdPerMonth.tier.spot-batch`. */
struct kerf_metric {
    char name[96];
    double value;
};

/** What the run asks of its subnets; zones are the catalogue's. All zero is empty. */
struct kerf_demand_log {
    KERF_VEC(struct kerf_demand_event) events;
    KERF_VEC(struct kerf_demand_shape) shapes;
    struct kerf_id_map nodes; /* alive: their zones */
    struct kerf_id_map pods;  /* bound: their numbers */
    KERF_VEC(uint32_t) free_pods;
    uint32_t pod_numbers;
};
void kerf_demand_log_fini(struct kerf_demand_log *log);

/** Files of `--out`; NULL: not written. */
struct kerf_record_options {
    FILE *events; /* an event a line */
    FILE *series; /* a sample a line */
    FILE *nodes;  /* the bill, a node a line: what a separate script adds up */
    kerf_time_us sample_every_us; /* of the series; 1 min when 0 */
    struct kerf_demand_log *demand; /* NULL: not kept */
};

struct kerf_record;
/** Subscribes to the world; call before the controllers are made, so that nothing is missed. */
struct kerf_record *kerf_record_new(struct kerf_world *world, struct kerf_record_options options);
void kerf_record_free(struct kerf_record *record);

/** Handles KERF_EVENT_SAMPLE and the end of warm-up; closes open nodes and fixes the metrics. Once, at the end of the run. */
void kerf_record_finish(struct kerf_record *record);

/** Sorted by the fixed order of the report (known names first, then by name). After kerf_record_finish. */
const struct kerf_metric *kerf_record_metrics(const struct kerf_record *record, size_t *out_count);

uint64_t kerf_record_trace_hash(const struct kerf_record *record);

#endif
