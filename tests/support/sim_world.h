/**
 * sim_world: a scenario from a text, and a world of it in which chosen controllers run, to be looked at between steps.
 * What happens (changes of the cluster and notices) is kept as a list.
 */
#ifndef KERF_TESTS_SIM_WORLD_H
#define KERF_TESTS_SIM_WORLD_H

#include "controllers/controllers.h"
#include "sim/sim.h"

/** What a test may look for: a change of the cluster, or a notice (then `kind` is SIM_NOTICE + its kind). */
#define SIM_NOTICE 1000
struct sim_event {
    kerf_time_us at_us;
    int kind;
    kerf_node_id node;
    kerf_pod_id pod;
    uint64_t detail;
    int64_t value;
};

struct sim_world {
    char folder[64];
    struct kerf_scenario *scenario;
    const struct kerf_design *design; /* the scenario's first */
    struct kerf_sim sim;
    struct kerf_world *world; /* of sim */
    KERF_VEC(struct sim_event) events;
    struct kerf_objects extra; /* what sim_world_add_pod read */
    bool finished;
    bool checked; /* the world is checked after each event, whatever the build */
    bool livelock;
};

/** A NodeClass named `default` and a NodePool `np` of m5.large On-Demand in the zones, for scenarios that need one. */
extern const char *const sim_pool_of_m5_large;

/**
 * Reads a scenario: `keys` are further keys of the file (zones are us-east-1a to c, the horizon a day, no warm-up unless they say
 * otherwise; the built-in catalogue), `manifests` its objects. Fails the test when there are errors. `controllers` as kerf_sim_open.
 */
void sim_world_open(struct sim_world *world, const char *keys, const char *manifests, uint32_t controllers);
/** The same with another seed and replication. */
void sim_world_open_seeded(struct sim_world *world, const char *keys, const char *manifests, uint32_t controllers, uint64_t seed,
                           uint32_t replication);
void sim_world_close(struct sim_world *world);

/** Runs up to and including that moment since the start. */
void sim_world_run(struct sim_world *world, kerf_time_us until_us);

/** A ready node outside Karpenter, of an instance type; labels: "key=value, ...". It has room for all that the type has. */
kerf_node_id sim_world_add_node(struct sim_world *world, const char *name, const char *instance_type, const char *zone);
/** The same with a claim of NodePool `np`, launched and initialized, whose instance is billed from now on. */
kerf_node_id sim_world_add_claimed_node(struct sim_world *world, const char *name, const char *instance_type, const char *zone, bool spot);
/** A pod outside any workload; `spec`: YAML flow keys of the pod's spec after the container, each begun by a comma. */
kerf_pod_id sim_world_add_pod(struct sim_world *world, const char *name, const char *cpu, const char *memory, const char *metadata,
                              const char *spec);

/** The number of events of a kind; of the n-th (from 0) the whole, borrowed until the world runs on. */
size_t sim_world_count(const struct sim_world *world, int kind);
const struct sim_event *sim_world_event(const struct sim_world *world, int kind, size_t n);
/** The first event of a kind about a pod or a node; NULL: none. */
const struct sim_event *sim_world_pod_event(const struct sim_world *world, int kind, kerf_pod_id pod);
const struct sim_event *sim_world_node_event(const struct sim_world *world, int kind, kerf_node_id node);
/** Pods of a workload that are active, and bound. */
size_t sim_world_active_pods(const struct sim_world *world, const char *workload);
size_t sim_world_bound_pods(const struct sim_world *world, const char *workload);
/** Of the finished record; call after sim_world_finish. NaN: no such metric. */
double sim_world_metric(const struct sim_world *world, const char *name);
/** Ends the run: the record is finished, the rooms are gone; sim_world_close still has to be called. */
void sim_world_finish(struct sim_world *world);

#define SECONDS(n) ((kerf_time_us)((n) * 1e6))

#endif
