/**
 * disruption: Karpenter's decision whether and how to disrupt nodes now: candidates, budgets, costs, and the five methods in
 * their order. A const view of the world goes in, a command or none comes out, and for each other node why not. Waiting,
 * validating later, tainting, launching and deleting are the disruptor controller's. Rules: karpenter-disruption.md 1 to 9, 11.
 */
#ifndef KERF_DISRUPTION_H
#define KERF_DISRUPTION_H

#include "provisioning/provisioning.h"

enum kerf_disruption_method {
    KERF_METHOD_EMPTINESS,
    KERF_METHOD_STATIC_DRIFT,
    KERF_METHOD_DRIFT,
    KERF_METHOD_MULTI_NODE,
    KERF_METHOD_SINGLE_NODE,
    KERF_METHOD_COUNT
};
const char *kerf_disruption_method_text(enum kerf_disruption_method method); /* `multi-node` */

/** What a what-if costs Karpenter, and for how long the searches go on (5.2, 6.3). All zero: no time passes. */
struct kerf_disruption_compute {
    double us_per_pod;  /* microseconds per pod in the simulation */
    double us_per_node; /* and per node that may take them */
    kerf_time_us multi_node_limit_us;
    kerf_time_us single_node_limit_us;
};

/**
 * What the loop remembers of the world, which changes no decision: what can be launched at which price, for bounds that spare most what-ifs
 * a simulation; and what was found out about each node, until something happens to it. One per cluster, free it before the cluster.
 */
struct kerf_disruption_bounds;
struct kerf_disruption_bounds *kerf_disruption_bounds_new(const struct kerf_cluster *cluster);
void kerf_disruption_bounds_free(struct kerf_disruption_bounds *bounds);

struct kerf_disruption_options {
    struct kerf_provisioning_options provisioning; /* its now_epoch_us is the moment of the decision */
    struct kerf_provisioning_cache *cache;         /* of the cluster; NULL: the pass makes its own */
    struct kerf_disruption_bounds *bounds;         /* of the cluster; NULL: simulate every what-if. Not used with `explain` */
    bool spot_to_spot_consolidation;               /* feature gates */
    bool static_capacity;                          /* static drift finds its NodePools with or without it */
    bool explain;                                  /* fill the reasons per node and the candidates of every method */
    bool one_method;                               /* look at first_method alone */
    struct kerf_disruption_compute compute;
};

/** Nodeclaims of a static NodePool (14.1). */
struct kerf_static_counts {
    int64_t active;
    int64_t pending; /* in a command */
    int64_t deleting;
};
struct kerf_static_counts kerf_static_count(const struct kerf_cluster *cluster, uint32_t nodepool_index);

/** What becomes of a static NodePool now (14.1, 14.2). */
struct kerf_static_scale {
    int64_t create;
    bool limited; /* some are missing, but its limit of nodes lets none be made */
    const kerf_node_id *remove; /* in their order; in the arena */
    size_t remove_count;
};
/** `tie_seed` draws among empty nodes, which the real program takes in any order. Nothing for dynamic NodePools and those that are going. */
void kerf_static_scale_decide(const struct kerf_cluster *cluster, uint32_t nodepool_index, kerf_time_us now_epoch_us, uint64_t tie_seed,
                              struct kerf_arena *arena, struct kerf_static_scale *out_scale);
/** A nodeclaim as the NodePool's template says: no simulation, EC2 chooses the type. */
struct kerf_planned_claim kerf_static_claim(const struct kerf_cluster *cluster, uint32_t nodepool_index, struct kerf_arena *arena);

/** What the loop remembers between passes (1.4 and 6.3). Zero it before the first pass. */
struct kerf_disruption_memory {
    kerf_time_us multi_node_memo; /* consolidation state for which nothing was found; 0: none */
    kerf_time_us single_node_memo;
    uint64_t unseen_nodepools[8]; /* bitset by nodepool index (first 512) */
};

struct kerf_disruption_command {
    enum kerf_disruption_method method;
    bool replace; /* else delete */
    const kerf_node_id *candidates;
    size_t candidate_count;
    const struct kerf_planned_claim *replacements; /* instance types after price filters; none of static drift's */
    size_t replacement_count;
    const struct kerf_planned_placement *placements; /* existing nodes that the simulation gave pods to: to be nominated */
    size_t placement_count;
    double savings_usd_per_hour;
    bool has_score; /* Balanced */
    double score;
};

struct kerf_disruption_reason_text {
    kerf_node_id node;
    bool candidate; /* of any method */
    const char *const *reasons;
    size_t reason_count;
};

struct kerf_disruption_result {
    struct kerf_arena arena; /* owns all below */
    const struct kerf_disruption_command *commands; /* none, one, or several of static drift */
    size_t command_count;
    const kerf_node_id *candidates_by_method[KERF_METHOD_COUNT];
    size_t candidate_count_by_method[KERF_METHOD_COUNT];
    const struct kerf_disruption_reason_text *nodes; /* with explain */
    size_t node_count;
    uint64_t simulations; /* what-ifs: passes of the scheduler in the real system */
    uint64_t refused_by_bounds; /* of them, those that bounds answered */
    uint64_t simulated_pods;
    kerf_time_us compute_us; /* by options.compute */
    bool timed_out;          /* multi-node or single-node gave up */
    bool memo_set;           /* multi-node or single-node found nothing in this state of the world */
    bool not_synced;         /* a nodeclaim has no provider ID yet: nothing was looked at (1.3) */
};

/**
 * One pass of the loop from `first_method` on, without its waits: a found command still has to be validated 15 s later. Stops at the
 * first method with a command. `memory` is read and changed as the loop would (a search that found nothing sets its memo). Cost: a
 * walk over all entries and their pods, and one provisioning pass a what-if.
 */
struct kerf_disruption_result *kerf_disruption_decide(const struct kerf_cluster *cluster, const struct kerf_disruption_options *options,
                                                      enum kerf_disruption_method first_method, struct kerf_disruption_memory *memory);
void kerf_disruption_result_free(struct kerf_disruption_result *result);

/**
 * Validation after the wait (section 9) against the world as it now is. Returns the command that remains (for emptiness perhaps with
 * fewer nodes), in `arena`; false: dropped, and with options->explain `out_why` says why (NULL: nobody asks).
 */
bool kerf_disruption_validate(const struct kerf_cluster *cluster, const struct kerf_disruption_options *options,
                              const struct kerf_disruption_command *command, struct kerf_arena *arena,
                              struct kerf_disruption_command *out_command, const char **out_why);

/**
 * A standing look at the world for a loop that asks every ten seconds: by what cluster's journal tells it knows without a walk whether a
 * pass could find anything at all. One per cluster; free it before the cluster. A look costs as much as there was change.
 */
struct kerf_disruption_watch;
struct kerf_disruption_watch *kerf_disruption_watch_new(const struct kerf_cluster *cluster);
void kerf_disruption_watch_free(struct kerf_disruption_watch *watch);

/** What the watch counts, upper bounds of what the methods would find: time, budgets, nominations and pods that block can only take away. */
struct kerf_disruption_outlook {
    uint32_t unlaunched;   /* claims without a provider ID: the loop is not synced (1.3) */
    uint32_t tainted;      /* nodes with the disrupted taint or claims with DisruptionReason that aren't being deleted: step 3 of a pass */
    uint32_t empty;        /* for emptiness */
    uint32_t drifted;      /* for drift and static drift */
    uint32_t underutilized; /* for multi-node and single-node */
};
struct kerf_disruption_outlook kerf_disruption_look(struct kerf_disruption_watch *watch);

/** Condition Consolidatable of an entry as its controller would set it now (2.7); `out_recheck_epoch_us`: when to look again. */
bool kerf_disruption_is_consolidatable(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node, kerf_time_us now_epoch_us,
                                       kerf_time_us *out_recheck_epoch_us);
/** The drift reason of an entry by its NodePool's hash and requirements (section 11), or NULL. */
const char *kerf_disruption_drift_reason(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node,
                                         kerf_time_us now_epoch_us);
/** Remaining disruptions of a NodePool for a reason now (3.3, 3.4): max(0, allowed - disrupting); KERF_BUDGET_UNBOUNDED: no limit. */
#define KERF_BUDGET_UNBOUNDED INT32_MAX
int64_t kerf_disruption_budget(const struct kerf_cluster *cluster, uint32_t nodepool_index, enum kerf_disruption_reason reason,
                               kerf_time_us now_epoch_us);

#endif
