/** Shared by the files of the node group controller: what an Auto Scaling group is doing. */
#ifndef KERF_NODEGROUP_INTERNAL_H
#define KERF_NODEGROUP_INTERNAL_H

#include "controllers/controllers_internal.h"

#define KERF_NO_JOB UINT32_MAX

/** A launch under way, or an instance that boots. */
struct group_launch {
    uint32_t group;
    struct kerf_cloud_choice choice;
    uint32_t address;
    bool launched;
    enum kerf_capacity_type capacity_type;
    kerf_name name;
    struct kerf_boot_times boot;
    uint32_t job; /* the replacement that it is for; KERF_NO_JOB: an instance that is missing */
};

struct group_node {
    kerf_event_handle next; /* it registers, it becomes ready */
    kerf_time_us launched_us;
    kerf_time_us initialization_us;
    bool booted;
    bool ended; /* the instance is gone: it won't become ready any more */
    uint32_t job; /* as of its launch */
};

/** Launches first, terminates afterwards: a node for one that a rebalance recommendation named, or for one of a zone that has too many. */
struct replacement {
    uint32_t number;
    uint32_t group;
    bool for_zone;         /* else for a node */
    uint32_t crowded_zone; /* where one goes */
    uint32_t zone;         /* where its successor is launched */
    kerf_node_id victim;
    kerf_node_id node; /* KERF_NO_NODE: not launched yet */
};

enum update_phase { UPDATE_NONE, UPDATE_SURGING, UPDATE_DRAINING, UPDATE_SHRINKING };

/** A new version of a group that EKS manages is rolled out (cluster-autoscaler.md 13.6). */
struct group_update {
    enum update_phase phase;
    kerf_time_us began_us; /* nodes launched before are of the old version */
    int32_t surge;         /* instances beyond the desired capacity */
    KERF_VEC(struct updated_node { kerf_node_id id; kerf_time_us cordoned_us; }) nodes; /* unavailable now */
};

/** An Auto Scaling group. */
struct scaling_group {
    uint32_t in_flight; /* launches that were not answered yet */
    uint32_t in_flight_on_demand; /* of these, On-Demand ones */
    uint32_t in_flight_by_zone[KERF_ZONE_MAX]; /* of these, granted ones */
    kerf_event_handle sync;
    kerf_time_us sync_us; /* when its sync is due */
    uint32_t job_count;   /* replacements under way: so many instances more than desired */
    kerf_time_us rebalance_after_us; /* a zone without capacity is not asked again before */
    uint32_t delay_count; /* number of the next drawn delay */
    struct group_update update;
};

struct kerf_nodegroup_controller {
    struct kerf_world *world;
    struct kerf_books launches; /* by a running number */
    struct kerf_books nodes;    /* struct group_node, by node id */
    KERF_VEC(struct replacement) jobs; /* under way: few */
    uint32_t launch_number;
    uint32_t job_number;
    struct scaling_group *groups;
    uint32_t group_count;
};

struct group_count {
    int64_t alive; /* nodes that are there to stay */
    int64_t on_demand;
    uint32_t by_zone[KERF_ZONE_MAX];
};

static inline const struct kerf_nodegroup *kerf_group_at(const struct kerf_world *world, uint32_t index)
{
    return &world->design->objects.nodegroups.items[index];
}

/* nodegroup.c */
void kerf_group_wake(struct kerf_nodegroup_controller *controller, uint32_t group, kerf_time_us at_us);
/** Auto Scaling looks after its delay, drawn for each time. */
void kerf_group_wake_after_delay(struct kerf_nodegroup_controller *controller, uint32_t group, kerf_time_us from_us);
struct group_count kerf_group_count_nodes(const struct kerf_nodegroup_controller *controller, uint32_t group);
/** Instances that it keeps now: desired ones, and those that replace or update others. */
int64_t kerf_group_target(const struct kerf_nodegroup_controller *controller, uint32_t group);
/** Indices of its zones in the catalogue; returns how many. */
uint32_t kerf_group_zones(const struct kerf_world *world, uint32_t group, uint32_t out_zones[KERF_ZONE_MAX]);

/* nodegroup_launch.c */
/** Asks EC2 for an instance: in its zones by need, or for `job` where that says. False: no capacity (its answer still travels). */
bool kerf_group_launch(struct kerf_nodegroup_controller *controller, uint32_t group, uint32_t job);
void kerf_group_add_node(struct kerf_nodegroup_controller *controller, const struct group_launch *launch);

/* nodegroup_upkeep.c */
void kerf_group_rebalance_zones(struct kerf_nodegroup_controller *controller, uint32_t group);
/** Borrowed until jobs begin or end; NULL: it is over, or there is none. */
struct replacement *kerf_group_job(struct kerf_nodegroup_controller *controller, uint32_t number);
/** More instances than wanted: the oldest of the fullest zone goes. */
void kerf_group_shrink(struct kerf_nodegroup_controller *controller, uint32_t group, int64_t surplus);
/** A rebalance recommendation came: a successor is launched, where there is capacity. */
void kerf_group_replace(struct kerf_nodegroup_controller *controller, kerf_node_id victim);
/** The successor is ready, or will never be. */
void kerf_group_end_job(struct kerf_nodegroup_controller *controller, uint32_t job, bool is_ready);
/** A node is going: jobs that it was the victim or the successor of have an end. */
void kerf_group_forget_node(struct kerf_nodegroup_controller *controller, kerf_node_id id);

/* nodegroup_update.c */
void kerf_group_begin_update(struct kerf_nodegroup_controller *controller, uint32_t group);
void kerf_group_update_step(struct kerf_nodegroup_controller *controller, uint32_t group);

#endif
