/** Shared by the files of `disruption`: one pass, its candidates, what-ifs and explanations. */
#ifndef KERF_DISRUPTION_INTERNAL_H
#define KERF_DISRUPTION_INTERNAL_H

#include "disruption/disruption.h"
#include "scheduling/scheduling.h"

/** Why a node is or isn't disrupted, in the making. */
struct kerf_node_reasons {
    bool candidate;
    bool asked_alone; /* single-node has looked at it, or somebody in its stead */
    KERF_VEC(const char *) texts; /* in the arena of the answer */
};

struct kerf_disruption_pass {
    const struct kerf_cluster *cluster;
    const struct kerf_objects *objects;
    const struct kerf_catalog *catalog;
    const struct kerf_vocabulary *vocabulary;
    const struct kerf_disruption_options *options;
    struct kerf_provisioning_cache *cache;
    bool owns_cache;
    kerf_time_us now_epoch_us;
    struct kerf_arena *arena; /* of the answer */
    struct kerf_arena scratch;
    /* what all what-ifs of the pass share */
    bool pods_known;
    bool bounds_known;
    bool overflow_known;
    bool can_plan_nodes;
    kerf_node_id *asked_ids; /* of one what-if: room for all nodes */
    const kerf_pod_id *pods; /* pending ones, and those of nodes that are being deleted */
    size_t pod_count;
    size_t destination_count; /* nodes that aren't being deleted: for the compute time */
    uint64_t *left_out;       /* all zero between what-ifs */
    uint64_t simulations;
    uint64_t refused_by_bounds;
    uint64_t simulated_pods;
    double compute_us;
    unsigned char *pdb_states; /* by PDB, as far as it was asked (roster.c); NULL: none was */
    struct kerf_node_reasons *reasons; /* by node id; NULL: nobody asked */
};
void kerf_disruption_pass_init(struct kerf_disruption_pass *pass, const struct kerf_cluster *cluster,
                               const struct kerf_disruption_options *options, struct kerf_arena *arena);
void kerf_disruption_pass_fini(struct kerf_disruption_pass *pass);

/** Adds a reason of a node, if somebody asked for reasons. */
void kerf_disruption_explain(struct kerf_disruption_pass *pass, kerf_node_id node, const char *format, ...) KERF_PRINTF(3, 4);

/* ---- reasons.c: each does nothing, or is NULL, where nobody asked ---------------------------------------------------------------- */

struct kerf_candidate;
struct kerf_simulation;
void kerf_explain_refusal(struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, const char *why);
void kerf_explain_do_not_disrupt(struct kerf_disruption_pass *pass, kerf_node_id node, const struct kerf_pod *pod);
void kerf_explain_several_budgets(struct kerf_disruption_pass *pass, kerf_node_id node, const struct kerf_pod *pod);
/** `what`: the subject of the sentence. */
void kerf_explain_not_consolidatable(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate, const char *what);
void kerf_explain_not_synced(struct kerf_disruption_pass *pass);
const char *kerf_failure_reason(struct kerf_disruption_pass *pass, const struct kerf_simulation *simulation);
const char *kerf_several_nodes_reason(struct kerf_disruption_pass *pass, const struct kerf_plan *plan, double price_usd_per_hour);

/* ---- candidates.c (section 2) ------------------------------------------------------------------------------------------------ */

struct kerf_candidate {
    kerf_node_id id;
    const struct kerf_cluster_node *node;
    kerf_name name;
    uint32_t nodepool_index;
    const struct kerf_nodepool *nodepool;
    const struct kerf_instance_type *type; /* NULL: unknown to the NodePool's NodeClass */
    uint32_t zone_index;                   /* KERF_NOT_FOUND: no label, or unknown */
    uint32_t capacity_type;                /* KERF_CAPACITY_TYPE_COUNT: no label, or other */
    bool has_zone_label;
    bool has_capacity_type_label;
    double price_usd_per_hour;
    double savings_ratio;   /* price over disruption cost */
    double disruption_cost; /* RDC: 1 and what its reschedulable pods cost to evict */
    uint32_t reschedulable_count;
};
struct kerf_candidates {
    const struct kerf_candidate **items;
    size_t count;
};
void kerf_candidate_fill(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, struct kerf_candidate *out_candidate);

/**
 * Entries that pass the node-level and pod-level checks, in order of name. `eventual`: blocking pods are passed over where the claim
 * has a terminationGracePeriod. `only`: those that this method will not want anyway may be left out (KERF_METHOD_COUNT: none are).
 */
struct kerf_candidates kerf_candidates_list(struct kerf_disruption_pass *pass, bool eventual, enum kerf_disruption_method only);
/** Those that a method may take (2.5), in the order given. */
struct kerf_candidates kerf_candidates_of_method(struct kerf_disruption_pass *pass, const struct kerf_candidates *listed,
                                                 enum kerf_disruption_method method);
bool kerf_method_is_eventual(enum kerf_disruption_method method);
/** By price over disruption cost descending; equal ones by name. */
void kerf_candidates_sort_by_savings(const struct kerf_disruption_pass *pass, struct kerf_candidates *candidates);
/** Of so many wanted nodeclaims those that a static NodePool may have now (11.4). */
int64_t kerf_static_grant(const struct kerf_nodepool *nodepool, struct kerf_static_counts counts, int64_t wanted);
bool kerf_nodepool_is_managed(const struct kerf_disruption_pass *pass, uint32_t nodepool_index);

/* ---- roster.c: what is remembered of nodes from pass to pass ----------------------------------------------------------------------- */

struct kerf_roster;
struct kerf_roster_entry {
    kerf_name listed_as; /* NULL: gone */
    uint32_t place;      /* in the last order of savings */
    bool known;          /* what follows, which lasts until something happens to the node */
    bool changes;        /* with time, or with the readiness of pods: ask them again */
    bool is_blocked;     /* several PDBs select a pod */
    bool is_annotated;   /* karpenter.sh/do-not-disrupt */
    bool has_pool_label;
    KERF_VEC(uint32_t) pdbs; /* that must allow a disruption */
    struct kerf_candidate candidate;
};
struct kerf_roster *kerf_roster_new(const struct kerf_cluster *cluster);
void kerf_roster_free(struct kerf_roster *roster);
/** Reads the journal. */
void kerf_roster_refresh(struct kerf_roster *roster);
/** All entries of the world, in order of name. */
const kerf_node_id *kerf_roster_by_name(const struct kerf_roster *roster, size_t *out_count);
const struct kerf_roster_entry *kerf_roster_entry(struct kerf_roster *roster, struct kerf_disruption_pass *pass,
                                                  const struct kerf_cluster_node *node);
/** Do the PDBs of the entry allow disruptions now? Of entries that don't change by themselves. */
bool kerf_roster_pods_allow(struct kerf_disruption_pass *pass, const struct kerf_roster_entry *entry);
/** Puts candidates in the order that they had last time, new ones at the end: little is left to sort. */
void kerf_roster_presort(struct kerf_roster *roster, struct kerf_candidates *candidates);
void kerf_roster_keep_order(struct kerf_roster *roster, const struct kerf_candidates *candidates);

/* ---- budgets.c (section 3) --------------------------------------------------------------------------------------------------- */

/** Remaining disruptions of every NodePool, in the scratch arena. */
int64_t *kerf_budgets_map(struct kerf_disruption_pass *pass, enum kerf_disruption_reason reason);
/** The budget of a method's reason lets no more nodes go: says by which numbers. */
void kerf_budgets_explain(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate, enum kerf_disruption_method method);
enum kerf_disruption_reason kerf_reason_of_method(enum kerf_disruption_method method);
bool kerf_budget_is_active(const struct kerf_budget *budget, kerf_time_us now_epoch_us, bool *out_unparseable);
/** Allowed disruptions of `node_count` nodes for a reason (3.3). */
int64_t kerf_budgets_allowed(const struct kerf_nodepool *nodepool, enum kerf_disruption_reason reason, int64_t node_count,
                             kerf_time_us now_epoch_us);

/* ---- cost.c (2.6, 7.4, 8.2) ---------------------------------------------------------------------------------------------------- */

/** Price of the offering that a node stands on; 0: unknown. Availability doesn't matter. */
double kerf_price_of_offering(const struct kerf_instance_type *type, uint32_t zone_index, uint32_t capacity_type);
/** RDC of a node and the number of its reschedulable pods. */
double kerf_disruption_cost(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, uint32_t *out_count);

/** Totals of one NodePool that the Balanced policy scores against. */
struct kerf_nodepool_totals {
    bool known; /* has a candidate */
    double cost_usd_per_hour;
    double disruption_cost;
};
/** By NodePool, in the scratch arena. */
struct kerf_nodepool_totals *kerf_nodepool_totals(struct kerf_disruption_pass *pass, const struct kerf_candidates *listed);

/* ---- simulation.c (7.1 to 7.3) --------------------------------------------------------------------------------------------------- */

enum kerf_simulation_outcome {
    KERF_SIMULATION_DONE,
    KERF_SIMULATION_DELETING,   /* a candidate is being deleted */
    KERF_SIMULATION_NO_NODEPOOL, /* nothing to plan new nodes with: an error of the pass */
    KERF_SIMULATION_REFUSED      /* by bounds: consolidation would come to nothing */
};
struct kerf_simulation {
    enum kerf_simulation_outcome outcome;
    struct kerf_plan *plan;  /* DONE only */
    bool failed;             /* a pod that isn't pending would have no place */
    size_t failed_count;     /* such pods; the first at least */
    kerf_pod_id failed_pod;
    const char *failed_why;  /* with explain; NULL: none known */
};
/** For what: consolidation may be refused by bounds, and then has no plan. */
enum kerf_simulation_use { KERF_SIMULATE_DRIFT, KERF_SIMULATE_CONSOLIDATION, KERF_SIMULATE_VALIDATION };
void kerf_simulate(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, enum kerf_simulation_use use,
                   struct kerf_simulation *out_simulation);
void kerf_simulation_fini(struct kerf_simulation *simulation);

/* ---- bounds.c ---------------------------------------------------------------------------------------------------------------------- */

struct kerf_roster *kerf_disruption_bounds_roster(struct kerf_disruption_bounds *bounds);
/** Looks at what is free in the world now. */
void kerf_disruption_bounds_begin(struct kerf_disruption_bounds *bounds, kerf_time_us now_epoch_us);
/** Proves that consolidating the candidates (their bits are set in left_out, `pods` are theirs to place) comes to nothing; false: simulate. */
bool kerf_disruption_bounds_refuse(const struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, const kerf_pod_id *pods,
                                   size_t pod_count);

/** The same from an answer of kerf_provisioning_overflow that is known: all places are tried, what must be launched is known exactly. */
bool kerf_disruption_bounds_refuse_overflow(const struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                                            const struct kerf_overflow_answer *overflow);

/* ---- launch_price.c (7.4) -------------------------------------------------------------------------------------------------------- */

/** Offerings of a planned node: which (zone, capacity type) its requirements are compatible with; reserved ones are asked one by one. */
struct kerf_offering_mask {
    const struct kerf_requirements *requirements; /* borrowed */
    uint64_t zones[KERF_CAPACITY_TYPE_COUNT]; /* bit: zone index */
};
struct kerf_offering_mask kerf_offerings_allowed(const struct kerf_disruption_pass *pass, const struct kerf_requirements *requirements,
                                                 const struct kerf_instance_type *const *types, size_t type_count);
/** DBL_MAX: nothing to launch. */
double kerf_worst_launch_price(const struct kerf_disruption_pass *pass, const struct kerf_instance_type *type,
                               const struct kerf_offering_mask *allowed);
double kerf_cheapest_launch_price(const struct kerf_disruption_pass *pass, const struct kerf_instance_type *type,
                                  const struct kerf_offering_mask *allowed);

/* ---- consolidation.c (7.5, 7.6) -------------------------------------------------------------------------------------------------- */

enum kerf_decision { KERF_DECIDE_NOTHING, KERF_DECIDE_DELETE, KERF_DECIDE_REPLACE, KERF_DECIDE_ERROR };

struct kerf_consolidation {
    enum kerf_decision decision;
    struct kerf_planned_claim replacement; /* REPLACE: types left by the price filter, capacity type narrowed */
    const struct kerf_planned_placement *placements;
    size_t placement_count;
    double savings_usd_per_hour;
    const char *why; /* NOTHING and ERROR, with explain; may be NULL */
};
/** What multi-node and single-node do with a set of candidates. */
void kerf_consolidate(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                      struct kerf_consolidation *out_consolidation);
/** Keeps the types whose worst launch price is below the limit; false: minValues are violated (strictly) or nothing is left. */
bool kerf_replacement_filter_by_price(struct kerf_disruption_pass *pass, struct kerf_planned_claim *replacement, double limit_usd_per_hour,
                                      const char **out_why);
/** Savings estimate (8.3): candidates' prices less, per replacement, the cheapest launch of its first type. */
double kerf_estimated_savings(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                              const struct kerf_planned_claim *replacements, size_t replacement_count);
struct kerf_planned_claim kerf_planned_claim_copy(struct kerf_arena *arena, const struct kerf_planned_claim *planned);
const struct kerf_planned_placement *kerf_placements_copy(struct kerf_arena *arena, const struct kerf_plan *plan, size_t *out_count);

/* ---- balanced.c (section 8) ------------------------------------------------------------------------------------------------------ */

#define KERF_BALANCED_THRESHOLD 0.5

double kerf_balanced_score(double savings_usd_per_hour, double disruption_cost, const struct kerf_nodepool_totals *totals);
/**
 * Do all Balanced NodePools among the candidates approve? `out_score`: the lowest of their scores; `out_has_score`: false without any.
 */
bool kerf_balanced_approves(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, double savings_usd_per_hour,
                            const struct kerf_nodepool_totals *totals, bool *out_has_score, double *out_score);

/* ---- the methods: a command, or none ----------------------------------------------------------------------------------------------- */

struct kerf_method_input {
    struct kerf_candidates candidates; /* of the method, by name */
    const struct kerf_nodepool_totals *totals; /* NULL: no NodePool is Balanced */
    int64_t *budgets; /* by NodePool; the method's own */
    struct kerf_disruption_memory *memory;
    kerf_time_us consolidation_state;
    bool memo_set; /* answer */
};
bool kerf_emptiness_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input, struct kerf_disruption_command *out_command);
size_t kerf_static_drift_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input,
                                struct kerf_disruption_command **out_commands);
/** `out_error`: the pass ends. */
bool kerf_drift_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input, struct kerf_disruption_command *out_command,
                       bool *out_error);
bool kerf_multi_node_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input,
                            struct kerf_disruption_command *out_command, bool *out_timed_out, bool *out_error);
bool kerf_single_node_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input,
                             struct kerf_disruption_command *out_command, bool *out_timed_out);

/** For people: what would come of the candidates that no method has looked at one by one. */
void kerf_single_node_explain(struct kerf_disruption_pass *pass, const struct kerf_method_input *input, const kerf_node_id *chosen,
                              size_t chosen_count);

/** A command over the candidates, ids in the arena of the answer. */
struct kerf_disruption_command kerf_command_of(struct kerf_disruption_pass *pass, enum kerf_disruption_method method,
                                               const struct kerf_candidates *candidates);
void kerf_command_set_consolidation(struct kerf_disruption_pass *pass, struct kerf_disruption_command *command,
                                    const struct kerf_consolidation *consolidation, double savings_usd_per_hour);
/** Takes candidates as long as the budget of their NodePool lasts, in order; true: some were left out. */
bool kerf_candidates_within_budgets(struct kerf_disruption_pass *pass, struct kerf_candidates *candidates, int64_t *budgets,
                                    enum kerf_disruption_method method);
struct kerf_candidates kerf_candidates_copy(struct kerf_arena *arena, const struct kerf_candidates *candidates);

#endif
