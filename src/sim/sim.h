/**
 * sim: builds the rooms for one replication of one design, runs it, returns the record. It only wires: a rule found here belongs
 * to a controller or a decider.
 */
#ifndef KERF_SIM_ROOM_H
#define KERF_SIM_ROOM_H

#include "record/record.h"

struct kerf_sim_outcome {
    struct kerf_record *record; /* the caller's */
    bool livelock;              /* two controllers undid each other at one instant: the run stopped there */
    kerf_time_us stopped_us;
    uint64_t event_count;
};

/** One replication. Deterministic in (design, seed, replication). Thread-safe for different calls on shared designs. */
void kerf_sim_run(const struct kerf_design *design, uint64_t seed, uint32_t replication, struct kerf_record_options options,
                  struct kerf_sim_outcome *out_outcome);

#endif
