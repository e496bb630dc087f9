/**
 * plan_world: the fixture of karpenter-provisioning.md 16.1 and what a pass makes of it, in a line of text.
 *
 * Types a.large (A: 2 cpu, 4 Gi, 10 pods, 0.10 on demand, 0.04 spot), b.large (twice that) and c.large (four times); zones z1 to
 * z3; no overhead. What a test needs besides is added as manifests; one world at a time per test is enough.
 */
#ifndef KERF_TESTS_PLAN_WORLD_H
#define KERF_TESTS_PLAN_WORLD_H

#include "catalog_folder.h"
#include "provisioning/provisioning.h"

enum { PLAN_WORLD_KEYS_MAX = 8 };

struct plan_world {
    struct test_folder folder;
    struct kerf_text types; /* instance_types.csv and the other tables so far */
    struct kerf_text on_demand;
    struct kerf_text spot;
    struct kerf_text gaps;
    struct kerf_text manifest;                   /* documents so far */
    const char *kubelet;                         /* more keys of the NodeClass's kubelet block, each followed by a comma */
    bool has_pool;                               /* a NodePool was added: else `np` without anything is */
    const char *unavailable;                     /* as --unavailable takes it */
    const char *shown_keys[PLAN_WORLD_KEYS_MAX]; /* requirements that the outcome names; NULL ends */
    struct kerf_provisioning_options options;
    /* after plan_world_run */
    struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_arena arena;
    struct kerf_plan *plan;
    struct kerf_text outcome;
    struct kerf_text reasons; /* of the pods that stay, a line each */
};

void plan_world_init(struct plan_world *world);
void plan_world_fini(struct plan_world *world);

/** Instead of A, B and C: call first, then plan_world_add_type. */
void plan_world_clear_types(struct plan_world *world);
/** A price of 0 means none. Name: `t1.large`. */
void plan_world_add_type(struct plan_world *world, const char *name, int vcpus, int memory_mib, double on_demand, double spot);
void plan_world_set_spot(struct plan_world *world, const char *zone, const char *type, double spot);
void plan_world_add_gap(struct plan_world *world, const char *zone, const char *type); /* not sold there */

/** Any object, as a YAML flow map or a block. */
void plan_world_add(struct plan_world *world, const char *format, ...) KERF_PRINTF(2, 3);
/** A capacity reservation that the NodeClass selects; keys: more of them in flow style, each begun by a comma. */
void plan_world_add_reservation(struct plan_world *world, const char *id, const char *type, const char *zone, int available,
                                const char *keys);
/** template_spec and spec: more keys in flow style, each begun by a comma; "" for none. */
void plan_world_add_pool(struct plan_world *world, const char *name, const char *template_spec, const char *spec);
/** A waiting pod, UID = name. labels: flow-style entries; spec: more keys, each begun by a comma. */
void plan_world_add_pod(struct plan_world *world, const char *name, const char *cpu, const char *memory, const char *labels,
                        const char *spec);
/** `prefix`1 to `prefix`count, all alike. */
void plan_world_add_pods(struct plan_world *world, const char *prefix, int count, const char *cpu, const char *memory,
                         const char *labels, const char *spec);
/**
 * A launched node of pool `np` with its claim: labels are flow-style entries begun by a comma (zone and host name are there).
 * initialized false: registered, but not yet initialised.
 */
void plan_world_add_node(struct plan_world *world, const char *name, const char *zone, const char *cpu, bool initialized,
                         const char *labels);
/** A pod that runs on a node. */
void plan_world_add_bound(struct plan_world *world, const char *name, const char *node, const char *cpu, const char *labels);

/**
 * Builds the world and runs one pass. The outcome: claims in order of opening, nodes that took pods, pods left, such as
 * "np{p1,p2}[A,B,C] 3 zone=z1; node-b{p3}; left p4,p5": pods, types by price, requested cpu, the shown keys.
 */
const char *plan_world_run(struct plan_world *world);
/** Reads and builds without a pass; plan_world_run does it itself. */
void plan_world_build(struct plan_world *world);

/** What would be asked of EC2 for a claim of the plan: "spot X/z1 Y/z1 Y/z2", "reserved X/z1/cr-1", or "nothing". */
const char *plan_world_launch(struct plan_world *world, size_t claim_index);

#endif
