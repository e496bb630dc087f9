/**
 * provisioning: Karpenter's pass. From a const view of the world and a list of pods to a plan: which pods go on existing nodes,
 * which new nodeclaims to open with which instance types, which pods stay and why. No effects, no time of its own. `plain`
 * follows karpenter-provisioning.md rule by rule, a pod at a time. Disruption asks the same pass with candidates left out.
 */
#ifndef KERF_PROVISIONING_H
#define KERF_PROVISIONING_H

#include "cluster/cluster.h"
#include "provisioning/explanation.h"

enum kerf_preference_policy { KERF_PREFERENCES_RESPECT, KERF_PREFERENCES_IGNORE };
enum kerf_min_values_policy { KERF_MIN_VALUES_STRICT, KERF_MIN_VALUES_BEST_EFFORT };

/** The first two give the same plan in every byte; `plain` is what the tests of `fast` are held against. */
enum kerf_provisioning_engine {
    KERF_ENGINE_FAST,  /* shapes instead of pods, and what was refused is not asked again */
    KERF_ENGINE_PLAIN, /* a pod at a time, every destination each time, as the reference tells it */
    KERF_ENGINE_PACKED /* not Karpenter's: pods without an existing node are packed into priced offerings first (packed.c), by the
                          same NodePools, rules and limits; Karpenter's own plan where that is no dearer */
};

/** Restrictions that a what-if takes away: bits of kerf_provisioning_options.lifted. */
enum kerf_provisioning_lift {
    KERF_LIFT_SPREADS = 1, /* topology spread constraints */
    KERF_LIFT_LIMITS = 2,  /* of NodePools */
    KERF_LIFT_DAEMONS = 4  /* what DaemonSets take of a node */
};

/** Search of the packer in a pass that doesn't say: some tens of milliseconds. */
#define KERF_PACKING_STEPS_USUAL ((uint64_t)2000000)

struct kerf_provisioning_options {
    enum kerf_provisioning_engine engine;
    enum kerf_preference_policy preference_policy;
    enum kerf_min_values_policy min_values_policy;
    kerf_time_us now_epoch_us;
    /** Ties among equal domains. false: first by name, as in the recorded cases; true: drawn, keyed by seed and pod UID. */
    bool draw_ties;
    uint64_t tie_seed;
    /** Attempts (a pod against all destinations) after which the pass stops, as Karpenter's minute would; 0: none. */
    uint64_t attempt_limit;
    uint64_t packing_steps; /* KERF_ENGINE_PACKED: steps of the packer (binpack.h); 0: KERF_PACKING_STEPS_USUAL */
    uint32_t lifted;
    /** Consolidation simulations: nodes inside their consolidateAfter window take no pods (karpenter-disruption 7.2). */
    bool protect_recent_nodes;
};

/**
 * What passes over one world have in common: the instance types of its NodeClasses as columns and bitsets, which of them meet a
 * requirement, price orders, domains that NodePools offer. It follows from the immutable inputs of the cluster (kerf_cluster_new)
 * and grows with use; offerings out of capacity are compared at each pass. So: one per cluster, made once, freed before the
 * cluster, never shared by threads. A pass without one makes its own (some milliseconds).
 */
struct kerf_provisioning_cache;
struct kerf_provisioning_cache *kerf_provisioning_cache_new(const struct kerf_cluster *cluster);
void kerf_provisioning_cache_free(struct kerf_provisioning_cache *cache);

struct kerf_provisioning_input {
    const struct kerf_cluster *cluster;
    struct kerf_provisioning_cache *cache; /* of this cluster; NULL: none */
    /** To place; see kerf_provisioning_collect_pods. Order does not matter. */
    const kerf_pod_id *pods;
    size_t pod_count;
    /** Bitset by node id: neither destinations nor counted against limits (besides deleting nodes); NULL: none. */
    const uint64_t *left_out;
    /** What-ifs: end as soon as a pod that runs on a node which isn't being deleted lands on one that isn't initialized (disruption 7.3). */
    bool stop_at_uninitialized;
    /** A claim that finds all capacity reservations held may do without (disruption's fallback mode); else its pod is deferred (6.5). */
    bool reservations_are_optional;
    bool omit_reasons; /* refusals carry no texts: for callers that ask thousands of times */
    bool explain; /* the plan tells why pods stay, by shape: pods x places at most, texts included */
    const kerf_pod_id *explain_only; /* only the shape of that pod; NULL: all */
    /** A pod that may have been placed: what each place said to its last attempt (engine plain only); NULL: none. */
    const kerf_pod_id *explain_attempts_of;
    struct kerf_provisioning_options options;
};

/** Why a pod stays, per template tried: texts as Karpenter's. */
struct kerf_plan_refusal {
    kerf_pod_id pod;
    bool not_tried;     /* the pass stopped before its turn */
    bool is_deferred;   /* other claims of the pass may need the capacity reservations that it could get: the next pass will tell (6.5) */
    const char *reason; /* NULL: not tried, or texts were not asked for */
};

struct kerf_planned_claim {
    uint32_t nodepool_index;
    const kerf_pod_id *pods; /* in the order in which they were placed */
    size_t pod_count;
    /**
     * spec.requirements of the NodeClaim object (9.3), sorted by key, instance types included. Claims that end alike share what these
     * lists point to: copy before you change anything.
     */
    struct kerf_requirements requirements;
    const struct kerf_instance_type *const *instance_types; /* cheapest first, equal prices by name, after truncation */
    size_t instance_type_count;
    /** Bits of kerf_capacity_type that the claim's own requirements allow, offered now or not (9.3 leaves out what isn't). */
    uint32_t capacity_types;
    struct kerf_resources requests; /* pods plus daemon overhead */
    bool min_values_relaxed;
};

struct kerf_planned_placement {
    kerf_node_id node;
    const kerf_pod_id *pods;
    size_t pod_count;
};

struct kerf_plan {
    struct kerf_arena arena;                 /* owns all below */
    const struct kerf_planned_claim *claims; /* in the order in which the pass opened them */
    size_t claim_count;
    const struct kerf_planned_placement *existing; /* nodes that received pods, in order of the search */
    size_t existing_count;
    const struct kerf_plan_refusal *refusals; /* pods that stay, in order of the queue's end */
    size_t refusal_count;
    const struct kerf_explanation *explanations; /* of input->explain, in order of the first pod's refusal */
    size_t explanation_count;
    const struct kerf_explanation *last_attempt; /* of input->explain_attempts_of; NULL: not tried */
    bool stopped; /* by stop_at_uninitialized: nothing else is told */
    uint64_t attempts; /* pods tried against all destinations: what the compute-time model counts */
};

/**
 * Pods that a pass takes (1.1 to 1.3): provisionable ones that pass validation, then reschedulable pods of deleting nodes.
 * `out_refusals` are those that validation left out. Both lie in `arena`.
 */
void kerf_provisioning_collect_pods(const struct kerf_cluster *cluster, kerf_time_us now_epoch_us, struct kerf_arena *arena,
                                    const kerf_pod_id **out_pods, size_t *out_pod_count,
                                    const struct kerf_plan_refusal **out_refusals, size_t *out_refusal_count);

/** One pass. The plan is the caller's: free with kerf_plan_free. Cannot fail: what has no place is a refusal. */
struct kerf_plan *kerf_provisioning_plan(const struct kerf_provisioning_input *input);
void kerf_plan_free(struct kerf_plan *plan);

/**
 * What-ifs without a pass: which pods of some nodes would the others not take, if they were gone? Told only where pods ask for nothing but
 * room, taints and node selectors; the pods of these nodes are those that are currently reschedulable, `shared_pods` take their turns among
 * them. `begin` reads the world as it is: again after each change of world or time. An answer costs as much as the pods have places tried.
 */
enum { KERF_OVERFLOW_AMOUNTS = 4 };
struct kerf_overflow_sum {
    int64_t amounts[KERF_OVERFLOW_AMOUNTS]; /* cpu, memory, ephemeral storage, pods, in the units of kerf_resources */
};
struct kerf_overflow_answer {
    bool known;         /* false: only a pass can tell */
    bool stopped;       /* one of their pods would land on a node that isn't initialized: the rest is not told */
    uint32_t pod_count; /* of these nodes */
    uint32_t homeless_count;
    struct kerf_overflow_sum homeless; /* what those of their pods ask that found no node */
    uint64_t homeless_classes;         /* bits: their classes, below */
};
void kerf_provisioning_overflow_begin(struct kerf_provisioning_cache *cache, const struct kerf_provisioning_options *options,
                                      const kerf_pod_id *shared_pods, size_t shared_count);
struct kerf_overflow_answer kerf_provisioning_overflow(struct kerf_provisioning_cache *cache, const kerf_node_id *nodes, size_t count);
/** Classes of pods seen so far: what they ask of a node but room. They stay, and grow in number. */
size_t kerf_provisioning_overflow_class_count(const struct kerf_provisioning_cache *cache);
void kerf_provisioning_overflow_class(const struct kerf_provisioning_cache *cache, size_t class,
                                      const struct kerf_requirements **out_requirements, const struct kerf_tolerations **out_tolerations);

/** What the claims cost an hour if each launches the cheapest offering of its request (10.2); `out_unlaunched`: claims that have none. */
double kerf_plan_price_usd_per_hour(const struct kerf_provisioning_input *input, const struct kerf_plan *plan, size_t *out_unlaunched);

/**
 * The least that new nodes can cost an hour that hold the input's pods beside the existing nodes: no plan under these NodePools is
 * cheaper, whoever makes it. The proof is an integer certificate, checked before it is told (binpack.h). Restrictions that one node
 * cannot see (spreads over zones, affinity, volumes) are left out, preferences given up, so the bound holds with them all the more.
 */
struct kerf_provisioning_bound {
    bool is_known; /* false: numbers outgrew the packer */
    double usd_per_hour;
    size_t pod_count;            /* that it counts */
    size_t unplaceable_count;    /* that fit no offering and no node: not counted */
    const char *method;
};
void kerf_provisioning_find_bound(const struct kerf_provisioning_input *input, uint64_t step_limit,
                                  struct kerf_provisioning_bound *out_bound);

/** Requirements as a NodeClaim object states them (4.8): bounds become Gte and Lte, exclusions beside them are lost. */
struct kerf_expressions kerf_requirements_write(struct kerf_vocabulary *vocabulary, struct kerf_arena *arena,
                                                const struct kerf_requirements *requirements);

/** The NodeClaim object of a planned claim (9.3): labels, annotations, requirements, taints; borrowed values lie in `arena`. */
void kerf_plan_make_claim(const struct kerf_cluster *cluster, const struct kerf_planned_claim *planned, kerf_name claim_name,
                          kerf_time_us now_epoch_us, struct kerf_arena *arena, struct kerf_nodeclaim *out_claim);

/**
 * The launch request (10.1 to 10.5): filters, capacity type, overrides. Cheapest first; empty: insufficient capacity.
 * `R` is taken from the claim's requirements. Pure: reads availability from the cluster's memory.
 */
struct kerf_launch_override {
    const struct kerf_instance_type *type;
    const struct kerf_offering *offering;
};
struct kerf_launch_request {
    enum kerf_capacity_type capacity_type;
    const struct kerf_launch_override *overrides; /* by price, then type name, then zone */
    size_t override_count;
};
void kerf_provisioning_request_launch(struct kerf_provisioning_cache *cache, const struct kerf_nodeclaim *claim,
                                      struct kerf_arena *arena, struct kerf_launch_request *out_request);

#endif
