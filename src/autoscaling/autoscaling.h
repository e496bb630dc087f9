/**
 * autoscaling: Cluster Autoscaler's decision, as release 1.36 takes it: which group grows and by how much, which nodes are
 * unneeded and which of them go now, and why not the others. It reads the world const and asks kube-scheduler's filters (binding)
 * about nodes and pods on paper; it knows nothing of Karpenter. When loops run, what a node group's cloud does, failures and
 * their back-off, tainting and draining are the controller's. Rules: cluster-autoscaler.md, 4 to 8, 10, 11; orders where the real
 * program walks a hash map: 14.
 */
#ifndef KERF_AUTOSCALING_H
#define KERF_AUTOSCALING_H

#include "binding/binding.h"

/** A node group at the start of a loop. */
struct kerf_autoscaling_group {
    kerf_name name; /* nodes name it in the label eks.amazonaws.com/nodegroup */
    int32_t min_size;
    int32_t max_size;
    int32_t target_size;
    int32_t upcoming_count;                /* nodes on their way that count as there (4.3) */
    bool can_scale_up;                     /* healthy, and not in back-off (9.2, 9.3) */
    const struct kerf_node *template_node; /* what the cloud says of its nodes; NULL: nothing */
    bool template_has_proxy; /* such a template carries kube-proxy as a mirror pod of 100m (6): EKS; false: only what suits it */
    double price_usd_per_hour; /* of a node, for expander price */
};

/** What a loop starts from. Lists are borrowed until the loop ends. */
struct kerf_autoscaling_moment {
    kerf_time_us now_epoch_us;
    const struct kerf_autoscaling_group *groups;
    uint32_t group_count;
    struct kerf_autoscale_pricing pricing;
    /** Nodes that are registered but count as upcoming: in nobody's snapshot (3.2, step 12). */
    const kerf_node_id *starting_nodes;
    uint32_t starting_node_count;
    /** Nodes whose deletion was begun: empty ones, and ones that are drained. */
    const kerf_node_id *deleting_empty_nodes;
    uint32_t deleting_empty_node_count;
    const kerf_node_id *draining_nodes;
    uint32_t draining_node_count;
    /** Nodes that can't be removed now, although they could be candidates (scale-down-delay-type-local, group unknown to the
     * cloud). */
    const kerf_node_id *held_nodes;
    uint32_t held_node_count;
};

/* ---- answers: all lists live until the next loop begins
 * ---------------------------------------------------------------------------- */

struct kerf_autoscaling_fit {
    kerf_pod_id pod;
    kerf_name node; /* existing, or a made-up name of an upcoming one */
};

struct kerf_autoscaling_option {
    uint32_t group_index;
    int32_t node_count;
    const kerf_pod_id *pods; /* placed on those nodes */
    uint32_t pod_count;
    const uint32_t *similar_groups; /* only with balancing */
    uint32_t similar_group_count;
};

struct kerf_autoscaling_size {
    uint32_t group_index;
    int32_t from;
    int32_t to;
};

enum kerf_scale_up_result {
    KERF_SCALE_UP_NOT_NEEDED,   /* no pod is left */
    KERF_SCALE_UP_NODES_AT_MAX, /* max-nodes-total is reached: not tried */
    KERF_SCALE_UP_NO_OPTIONS,
    KERF_SCALE_UP_LIMITED, /* a limit of the cluster left nothing of the best option */
    KERF_SCALE_UP_DONE
};

struct kerf_scale_up {
    enum kerf_scale_up_result result;
    const struct kerf_autoscaling_option *options; /* in the order of the groups' names */
    uint32_t option_count;
    const uint32_t *best_groups; /* what the chain of expanders left */
    uint32_t best_group_count;
    uint32_t chosen_option;                    /* KERF_NOT_FOUND: none */
    const struct kerf_autoscaling_size *sizes; /* targets that change, in the order of execution */
    uint32_t size_count;
    const kerf_pod_id *remaining; /* no group can help */
    uint32_t remaining_count;
    const kerf_pod_id *awaiting; /* some group could, not the chosen one: next loop */
    uint32_t awaiting_count;
};

enum kerf_unremovable_reason {
    KERF_UNREMOVABLE_NONE,
    KERF_UNREMOVABLE_SCALE_DOWN_DISABLED,
    KERF_UNREMOVABLE_SCALE_DOWN_UNREADY_DISABLED,
    KERF_UNREMOVABLE_NOT_UNDERUTILIZED,
    KERF_UNREMOVABLE_NOT_UNNEEDED_LONG_ENOUGH,
    KERF_UNREMOVABLE_NOT_UNREADY_LONG_ENOUGH,
    KERF_UNREMOVABLE_GROUP_MIN_SIZE,
    KERF_UNREMOVABLE_MINIMAL_RESOURCE_LIMIT,
    KERF_UNREMOVABLE_BEING_DELETED,
    KERF_UNREMOVABLE_RECENTLY,
    KERF_UNREMOVABLE_NO_PLACE,
    KERF_UNREMOVABLE_BLOCKED_BY_POD,
    KERF_UNREMOVABLE_ON_COMPLETION_POD,
};
const char *kerf_unremovable_reason_text(enum kerf_unremovable_reason reason); /* the program's constants: `NoPlaceToMovePods` */

enum kerf_blocking_reason {
    KERF_BLOCKING_NONE,
    KERF_BLOCKING_CONTROLLER_NOT_FOUND,
    KERF_BLOCKING_MIN_REPLICAS_REACHED,
    KERF_BLOCKING_NOT_REPLICATED,
    KERF_BLOCKING_LOCAL_STORAGE,
    KERF_BLOCKING_NOT_SAFE_TO_EVICT,
    KERF_BLOCKING_KUBE_SYSTEM,
    KERF_BLOCKING_NOT_ENOUGH_PDB,
};
const char *kerf_blocking_reason_text(enum kerf_blocking_reason reason); /* `LocalStorageRequested` */

struct kerf_node_utilization {
    kerf_node_id node;
    double utilization;
};
struct kerf_unremovable_node {
    kerf_node_id node;
    enum kerf_unremovable_reason reason;
    kerf_pod_id pod; /* that blocks */
    enum kerf_blocking_reason pod_reason;
};
struct kerf_unneeded_node {
    kerf_node_id node;
    kerf_time_us since_epoch_us;
    bool is_empty;
    bool is_risky; /* its pods could not all be evicted at once */
};

struct kerf_scale_down {
    const struct kerf_node_utilization *utilizations; /* of candidates that were looked at */
    uint32_t utilization_count;
    const struct kerf_unneeded_node *unneeded; /* in the order in which they were found */
    uint32_t unneeded_count;
    const struct kerf_unremovable_node *unremovable;
    uint32_t unremovable_count;
    /* of the unneeded ones: */
    const kerf_node_id *empty; /* may go now */
    uint32_t empty_count;
    const kerf_node_id *drain;
    uint32_t drain_count;
    const kerf_node_id *delete_empty; /* of these, within the budgets */
    uint32_t delete_empty_count;
    const kerf_node_id *delete_drain;
    uint32_t delete_drain_count;
    const struct kerf_unremovable_node *not_yet; /* the rest */
    uint32_t not_yet_count;
};

/* ---- the decider
 * --------------------------------------------------------------------------------------------------------------- */

/** What Cluster Autoscaler remembers between loops: templates, hints, the search's index, unneeded and unremovable nodes. */
struct kerf_autoscaling;

/** `priorities`: text of the ConfigMap of expander priority, NULL without one. All is borrowed. */
struct kerf_autoscaling *kerf_autoscaling_new(const struct kerf_cluster *cluster, const struct kerf_autoscaler_options *options,
                                              const char *priorities);
void kerf_autoscaling_free(struct kerf_autoscaling *autoscaling);

/**
 * A loop: begin, then filter, then the other two as the caller needs them, then end. In between the world must not change. Placed
 * pods stay placed for the rest of the loop, as in the real one. Equal options after the last expander: the first group by name,
 * or drawn when kerf_autoscaling_draw was called.
 */
void kerf_autoscaling_begin(struct kerf_autoscaling *autoscaling, const struct kerf_autoscaling_moment *moment);
void kerf_autoscaling_end(struct kerf_autoscaling *autoscaling);

/** Pending pods that fit what is there or upcoming get their place; the rest is what a scale-up is for (4). Returns how many are
 * left. */
uint32_t kerf_autoscaling_filter(struct kerf_autoscaling *autoscaling, const struct kerf_autoscaling_fit **out_fits,
                                 uint32_t *out_fit_count);
/** The pods that are left, in order. */
const kerf_pod_id *kerf_autoscaling_unschedulable(struct kerf_autoscaling *autoscaling, uint32_t *out_count);
/** Steps 1 to 8 of 7.1. Cost: groups x nodes estimated x pods tried; equal plain pods in one step per node. */
const struct kerf_scale_up *kerf_autoscaling_scale_up(struct kerf_autoscaling *autoscaling);
/** Sections 10 and 11. Clocks of unneeded nodes advance with each call, once a loop. */
const struct kerf_scale_down *kerf_autoscaling_scale_down(struct kerf_autoscaling *autoscaling);
/** The cluster is too unhealthy: all clocks of unneeded nodes are dropped (3.2, step 9). */
void kerf_autoscaling_drop_unneeded(struct kerf_autoscaling *autoscaling);

/**
 * Before a node that was chosen is really emptied (12): do its pods still allow it, by the world as it is now and outside of any loop?
 * Fills `out_pods` (room for all pods of the node) with those that must be evicted. False: one of them blocks.
 */
bool kerf_autoscaling_may_drain(struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us, kerf_node_id node, kerf_pod_id *out_pods,
                                uint32_t *out_pod_count);

/** Pods that a node which is being emptied must still lose before it goes; rules are not asked again. Fills `out_pods` as above. */
uint32_t kerf_autoscaling_pods_left(const struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us, kerf_node_id node,
                                    kerf_pod_id *out_pods);

/** For callers that leave loops out in which nothing can have changed: the first moment after `now` at which a clock of the last plan
 *  may change it; KERF_TIME_NEVER: none. */
kerf_time_us kerf_autoscaling_next_change(const struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us);
/** A loop was left out: its interval counts. */
void kerf_autoscaling_pass_over(struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us);

/** Ties of the expander chain are drawn, keyed by seed and the number of the draw; and which good node a template is made from. */
void kerf_autoscaling_draw(struct kerf_autoscaling *autoscaling, uint64_t seed);

/** Ready as Cluster Autoscaler sees a node (9.1): condition, pressure, network, taints. `out_since` may be NULL. */
bool kerf_autoscaling_is_ready(const struct kerf_cluster *cluster, const struct kerf_node *node,
                               kerf_time_us *out_since_epoch_us);
/**
 * Spreads new nodes over groups (8.1): the first group is the chosen one. Sizes in, sizes out in `to`; groups that don't change
 * are left out. Returns how many sizes are in `out_sizes`, which has room for all.
 */
uint32_t kerf_autoscaling_balance(const struct kerf_autoscaling_group *groups, const uint32_t *group_indices,
                                  uint32_t group_count, int32_t node_count, struct kerf_autoscaling_size *out_sizes);

/**
 * What the AWS provider says of a group's nodes before any is there (6): the first type, nominal; `first_zone` where the group
 * names none. In `arena`; a type that the catalogue doesn't know gives a node without cpu and memory.
 */
void kerf_autoscaling_cloud_template(const struct kerf_cluster *cluster, const struct kerf_nodegroup *group, kerf_name first_zone,
                                     int64_t root_volume_bytes, struct kerf_arena *arena, struct kerf_node *out_node);

#define KERF_TO_BE_DELETED_TAINT "ToBeDeletedByClusterAutoscaler"
#define KERF_DELETION_CANDIDATE_TAINT "DeletionCandidateOfClusterAutoscaler"

#endif
