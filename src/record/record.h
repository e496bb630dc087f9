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

struct kerf_record_options {
    bool keep_events; /* for --out: an event a line, and samples of the series */
    kerf_time_us sample_every_us; /* 1 min when 0 */
};

struct kerf_record;
/** Subscribes to the world; call before the controllers are made, so that nothing is missed. */
struct kerf_record *kerf_record_new(struct kerf_world *world, struct kerf_record_options options);
void kerf_record_free(struct kerf_record *record);

/** Handles KERF_EVENT_SAMPLE and the end of warm-up; closes open nodes and fixes the metrics. Once, at the end of the run. */
void kerf_record_finish(struct kerf_record *record);

/** Sorted by the fixed order of the report (known names first, then by name). After kerf_record_finish. */
const struct kerf_metric *kerf_record_metrics(const struct kerf_record *record, size_t *out_count);

/** CSV of events and of the series, as text; NULL unless kept. After kerf_record_finish. */
const char *kerf_record_events_csv(const struct kerf_record *record);
const char *kerf_record_series_csv(const struct kerf_record *record);
/** Bill line by line: a row a node, with its cause split; what a separate script adds up. */
const char *kerf_record_nodes_csv(const struct kerf_record *record);

uint64_t kerf_record_trace_hash(const struct kerf_record *record);

#endif
