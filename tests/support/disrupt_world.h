/**
 * disrupt_world: small clusters of Karpenter's nodes for the worked examples of karpenter-disruption.md section 17, and what a pass does
 * with them in a line of text. Instance types are as many cpu and Gi as asked, with a price each; zones z1 to z3; no overhead.
 */
#ifndef KERF_TESTS_DISRUPT_WORLD_H
#define KERF_TESTS_DISRUPT_WORLD_H

#include "catalog_folder.h"
#include "disruption/disruption.h"

struct disrupt_world {
    struct test_folder folder;
    struct kerf_text types;
    struct kerf_text on_demand;
    struct kerf_text spot;
    struct kerf_text manifest;
    const char *unavailable; /* as --unavailable takes it */
    struct kerf_disruption_options options;
    struct kerf_disruption_memory memory;
    /* after disrupt_world_build */
    struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_arena arena;
    struct kerf_disruption_result *result; /* of the last pass */
    struct kerf_text outcome;
};

/** The present of every test: 2026-01-10T12:00:00Z, a Saturday. */
#define DISRUPT_NOW "2026-01-10T12:00:00Z"

void disrupt_world_init(struct disrupt_world *world);
void disrupt_world_fini(struct disrupt_world *world);

/** A price of 0: none. `t1.large`: shown as t1. Spot: the same in all zones. */
void disrupt_world_add_type(struct disrupt_world *world, const char *name, int cpu, double on_demand, double spot);
void disrupt_world_set_spot(struct disrupt_world *world, const char *zone, const char *type, double spot);
void disrupt_world_add(struct disrupt_world *world, const char *format, ...) KERF_PRINTF(2, 3);
/** `disruption` and `rest`: flow-style keys of spec.disruption and spec; `rest` begun by a comma, `template_spec` too. Budgets of 100 % if none are named. */
void disrupt_world_add_pool(struct disrupt_world *world, const char *name, const char *disruption, const char *template_spec, const char *rest);

/** A node with its claim: all NULL and false is an ordinary one of pool `np`, On-Demand, zone z1, initialized, ready, consolidatable. */
struct disrupt_node {
    const char *name;
    const char *type;
    const char *pool;
    const char *zone;
    const char *capacity_type;
    const char *node_extra;       /* keys of the Node's metadata, begun by a comma */
    const char *claim_extra;      /* of the claim's metadata */
    const char *claim_spec;       /* of the claim's spec */
    const char *claim_status;     /* of its status */
    const char *conditions;       /* of the claim, besides the usual ones, begun by a comma */
    const char *labels;           /* of both, begun by a comma */
    const char *initialized_at;   /* transition time; NULL: days ago */
    bool not_initialized;
    bool not_ready;
    bool not_consolidatable;
};
void disrupt_world_add_node(struct disrupt_world *world, struct disrupt_node node);
/** A pod on a node (NULL: waiting, unschedulable). Extras are flow-style keys begun by a comma. */
struct disrupt_pod {
    const char *name;
    const char *node;
    const char *cpu;        /* NULL: 0.5 */
    const char *meta_extra; /* of metadata; owners are given here */
    const char *spec_extra;
    const char *status_extra;
};
void disrupt_world_add_pod(struct disrupt_world *world, struct disrupt_pod pod);

void disrupt_world_build(struct disrupt_world *world);
const struct kerf_cluster_node *disrupt_world_node(const struct disrupt_world *world, const char *name);
void disrupt_world_set_now(struct disrupt_world *world, const char *time);

/**
 * One pass from a method on (builds first if needed): "emptiness delete a,b", "multi-node replace a,b by np[t1,t2]", "nothing"; commands
 * of static drift one after another, separated by "; ".
 */
const char *disrupt_world_pass(struct disrupt_world *world, enum kerf_disruption_method first_method);
/** Names of a method's candidates, "a,b". */
const char *disrupt_world_candidates(struct disrupt_world *world, enum kerf_disruption_method method);
/** The command of the last pass, validated now: as above, or "dropped". */
const char *disrupt_world_validate(struct disrupt_world *world);

#endif
