/** Shared by the files of the autoscaler controller: what it knows of groups and nodes between its loops. */
#ifndef KERF_AUTOSCALER_INTERNAL_H
#define KERF_AUTOSCALER_INTERNAL_H

#include "controllers/controllers_internal.h"

/** A group as Cluster Autoscaler has it: its cache of EC2's answer, its open request, its back-off (cluster-autoscaler.md 9). */
struct group_state {
    /* since the last read of the cache */
    int32_t placeholder_count; /* desired instances that EC2 didn't list */
    uint32_t failed_launch_count; /* since its own last change of the size */
    /* request */
    bool has_request;
    int32_t requested_count;
    kerf_time_us expected_by_us;
    /* back-off */
    bool has_failed;
    kerf_time_us backoff_until_us;
    kerf_time_us backoff_length_us;
    kerf_time_us last_failure_us;
    /* cooldown of its own (scale-down-delay-type-local) */
    kerf_time_us last_scale_up_us;
    kerf_time_us last_deletion_us;
    kerf_time_us last_taint_failure_us;
    /* classes of its nodes, of this loop */
    int32_t ready_count;
    int32_t unready_count;
    int32_t not_started_count;
    int32_t long_unregistered_count;
    int32_t upcoming_count;
    struct kerf_node template_node; /* what the provider says */
};

enum removal_phase {
    REMOVAL_NONE,
    REMOVAL_TAINTED,  /* waits before the second test */
    REMOVAL_EVICTING, /* some evictions were refused and are tried again */
    REMOVAL_LEAVING,  /* its pods were told to go */
    REMOVAL_CALLED,   /* EC2 was told to terminate it: its place in the budgets is free */
};

struct node_state {
    bool is_known; /* its instance was in the last answer of EC2 */
    kerf_time_us first_seen_us; /* there */
    bool is_soft_tainted;
    enum removal_phase phase;
    bool drains;
    kerf_time_us began_us; /* of the evictions */
    kerf_event_handle next;
};

struct kerf_autoscaler {
    struct kerf_world *world;
    const struct kerf_autoscaler_options *options;
    struct kerf_autoscaling *autoscaling;
    struct kerf_arena arena; /* templates of groups */
    struct group_state *groups; /* by index of objects->nodegroups */
    uint32_t group_count;
    struct kerf_books nodes; /* struct node_state, by node id */
    kerf_time_us cache_read_us; /* KERF_TIME_UNSET: never, or it must be read again */
    kerf_time_us last_scale_up_us;
    kerf_time_us last_deletion_us;
    kerf_time_us last_taint_failure_us;
    uint64_t taint_count; /* tried: each draws for itself */
    uint32_t deleting_count; /* nodes from the taint to the call */
    /* the loop */
    kerf_event_handle next;
    kerf_time_us next_us;
    kerf_time_us loop_end_us; /* of the last one: no other begins before */
    bool in_loop;
    bool was_productive; /* the loop before the one that runs */
    bool changed;        /* something happened since the last loop that may change a decision */
    kerf_time_us quiet_until_us; /* till then no clock changes one either */
};

static inline const struct kerf_nodegroup *kerf_autoscaler_group(const struct kerf_autoscaler *autoscaler, uint32_t group)
{
    return &autoscaler->world->design->objects.nodegroups.items[group];
}

/* autoscaler_groups.c */
void kerf_autoscaler_groups_init(struct kerf_autoscaler *autoscaler);
/** Reads EC2's answer when it is due; instances that failed at creation are seen then. */
void kerf_autoscaler_read_cache(struct kerf_autoscaler *autoscaler);
/** Classes of nodes, requests that are fulfilled or timed out. False: the cluster is too unhealthy for anything (3.2, step 9). */
bool kerf_autoscaler_update_groups(struct kerf_autoscaler *autoscaler);
bool kerf_autoscaler_group_may_grow(const struct kerf_autoscaler *autoscaler, uint32_t group);
bool kerf_autoscaler_in_backoff(const struct kerf_autoscaler *autoscaler, uint32_t group);
void kerf_autoscaler_request(struct kerf_autoscaler *autoscaler, uint32_t group, int32_t added_count);
/** Its kubelet has joined: Cluster Autoscaler sees the Node. */
bool kerf_autoscaler_is_registered(const struct kerf_cluster_node *node);
/** Instances that were listed for long and never joined are terminated, down to the group's minimum (3.2, step 8). */
void kerf_autoscaler_remove_unregistered(struct kerf_autoscaler *autoscaler);
/** A registered node that is not ready and not yet expected to be. */
bool kerf_autoscaler_is_starting(const struct kerf_autoscaler *autoscaler, const struct kerf_cluster_node *node);
/** The earliest moment at which a clock of groups or nodes changes something; the present while something is under way. */
kerf_time_us kerf_autoscaler_groups_quiet_until(const struct kerf_autoscaler *autoscaler);

/* autoscaler_removal.c */
struct node_state *kerf_autoscaler_node(struct kerf_autoscaler *autoscaler, kerf_node_id id); /* made when first asked for */
void kerf_autoscaler_begin_removal(struct kerf_autoscaler *autoscaler, kerf_node_id id, bool drains);
/** The terminate call: one instance less, and that one. */
void kerf_autoscaler_terminate(struct kerf_autoscaler *autoscaler, kerf_node_id id);
void kerf_autoscaler_removal_step(struct kerf_autoscaler *autoscaler, kerf_node_id id);
void kerf_autoscaler_forget_node(struct kerf_autoscaler *autoscaler, kerf_node_id id);
/** Soft taints follow the unneeded nodes, so many a loop. */
void kerf_autoscaler_update_soft_taints(struct kerf_autoscaler *autoscaler, const struct kerf_unneeded_node *unneeded, uint32_t count);

#endif
