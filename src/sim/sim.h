/**
 * sim: builds the rooms for one replication of one design, runs it, returns the record. It only wires: a rule found here belongs
 * to a controller or a decider.
 */
#ifndef KERF_SIM_ROOM_H
#define KERF_SIM_ROOM_H

#include "record/record.h"

/** The controllers, in the order in which they are made and hear of changes. */
enum kerf_sim_controller {
    KERF_SIM_IPAMD,
    KERF_SIM_BRANCHES,
    KERF_SIM_WORKLOADS,
    KERF_SIM_DAEMONS,
    KERF_SIM_VOLUMES,
    KERF_SIM_KUBELETS,
    KERF_SIM_BINDER,
    KERF_SIM_LIFECYCLE,
    KERF_SIM_PROVISIONER,
    KERF_SIM_STATIC_POOLS,
    KERF_SIM_DISRUPTOR,
    KERF_SIM_AUTOSCALER,
    KERF_SIM_NODEGROUPS,
    KERF_SIM_INTERRUPTION,
    KERF_SIM_TERMINATOR,
    KERF_SIM_TAKERS,
    KERF_SIM_CONTROLLER_COUNT
};
#define KERF_SIM_ALL ((1u << KERF_SIM_CONTROLLER_COUNT) - 1)

/** The rooms of one replication, built but not run: what kerf_sim_run does in one step. Must not move while it is open. */
struct kerf_sim {
    struct kerf_world world;
    struct kerf_record *record;
    void *controllers[KERF_SIM_CONTROLLER_COUNT]; /* NULL: left out, or nothing for it to do */
    struct kerf_run_context context;
};

/** `controllers`: a bit for each to be made, where the design needs it; KERF_SIM_ALL but for tests that look at one alone. */
void kerf_sim_open(struct kerf_sim *sim, const struct kerf_design *design, uint64_t seed, uint32_t replication,
                   struct kerf_record_options options, uint32_t controllers);
/** Finishes the record, which is the caller's from now on (sim->record), and frees the rest. */
void kerf_sim_close(struct kerf_sim *sim);

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
