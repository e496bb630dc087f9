/**
 * controllers: effects. Each file is a reconcile loop of the real system: it reads the world as it is, asks a decider or the cloud,
 * and changes the world through `cluster`'s verbs. Controllers know nothing of one another; they meet in `cluster` (which tells
 * listeners what changed) and in `engine` (which wakes them). A listener only schedules; work happens in events.
 *
 * A new controller is one file and one row of the table in sim/sim.c: a function that makes it, subscribes it and returns it.
 */
#ifndef KERF_CONTROLLERS_H
#define KERF_CONTROLLERS_H

#include "autoscaling/autoscaling.h"
#include "binding/binding.h"
#include "cloud/cloud.h"
#include "disruption/disruption.h"
#include "engine/engine.h"
#include "provisioning/provisioning.h"
#include "random/random.h"

/** Events, by who handles them: an index of the engine's table. */
enum kerf_event_kind {
    KERF_EVENT_NONE,
    /* the world */
    KERF_EVENT_INSTANCE_LAUNCHED,   /* EC2's answer to a launch reaches its controller; subject: node id */
    KERF_EVENT_NODE_JOINS,          /* kubelet registers */
    KERF_EVENT_NODE_READY,
    KERF_EVENT_GROUP_LAUNCHED,      /* EC2's answer to a node group; subject: number of the launch */
    KERF_EVENT_GROUP_READY,         /* subject: node id; detail: enum kerf_group_ready */
    KERF_EVENT_INSTANCE_GONE,
    KERF_EVENT_POOL_SHOCK,          /* subject: type index, detail: zone index */
    KERF_EVENT_SPOT_RECOMMENDATION, /* EC2 recommends to replace an instance; subject: node id */
    KERF_EVENT_SPOT_NOTICE,         /* EC2 sends the notice; subject: node id */
    KERF_EVENT_SPOT_RECLAIM,        /* EC2 takes the instance back */
    KERF_EVENT_TAKER,               /* others take or return addresses; subject: number of the taker; detail 1: return */
    KERF_EVENT_POD_STARTED,         /* containers run; subject: pod id */
    KERF_EVENT_POD_READY,
    KERF_EVENT_POD_FINISHED,        /* a job's pod is done */
    KERF_EVENT_POD_STOPPED,         /* a terminating pod's end */
    /* controllers */
    KERF_EVENT_WORKLOAD_SYNC,       /* subject: workload index */
    KERF_EVENT_LOAD_STEP,           /* subject: load index */
    KERF_EVENT_JOB_ARRIVAL,         /* subject: load index */
    KERF_EVENT_DAEMON_SYNC,         /* subject: node id */
    KERF_EVENT_BINDER_ATTEMPT,
    KERF_EVENT_PROVISIONER_TRIGGER, /* a pod's or node's ten-second repeat; subject: pod or node id */
    KERF_EVENT_PROVISIONER_WINDOW,  /* idle or maximum timer of the batch window */
    KERF_EVENT_PROVISIONER_DONE,    /* the pass' compute time is over */
    KERF_EVENT_CLAIM_LAUNCH,        /* subject: node id */
    KERF_EVENT_CLAIM_EXPIRE,
    KERF_EVENT_CLAIM_POD_EVENT,     /* a pod came to the node or is going */
    KERF_EVENT_NETWORK_READY,       /* the node may have its CNI by now */
    KERF_EVENT_CLAIM_CONSOLIDATABLE, /* consolidateAfter is over; subject: node id */
    KERF_EVENT_OFFERING_SWEEP,      /* the ten-second sweep of unavailable offerings */
    KERF_EVENT_SUBNET_REFRESH,      /* Karpenter reads free addresses from EC2 */
    KERF_EVENT_DISRUPTOR_PASS,
    KERF_EVENT_DISRUPTOR_COMPUTED,  /* a method's compute time is over */
    KERF_EVENT_DISRUPTOR_VALIDATE,  /* 15 s later */
    KERF_EVENT_COMMAND_POLL,        /* subject: command */
    KERF_EVENT_TERMINATOR_DRAIN,    /* subject: node id */
    KERF_EVENT_EVICTION_RETRY,      /* subject: pod id */
    KERF_EVENT_INTERRUPTION_MESSAGE, /* the notice reaches Karpenter; subject: node id */
    KERF_EVENT_IPAMD_NODE,          /* a node appeared; subject: node id */
    KERF_EVENT_IPAMD_LOOP,          /* subject: node id */
    KERF_EVENT_IPAMD_ANSWER,        /* EC2's answer to ipamd; subject: node id */
    KERF_EVENT_IPAMD_TRUNK,         /* the trunk of a node is asked for again; subject: node id */
    KERF_EVENT_IPAMD_POD,           /* kubelet asks again for a pod's address; subject: pod id */
    KERF_EVENT_BRANCH_POD,          /* a branch interface is created, or tried again; subject: pod id */
    KERF_EVENT_BRANCH_CREATED,      /* EC2's answer; subject: pod id */
    KERF_EVENT_BRANCH_DELETED,      /* a branch that cooled down, or those of a node that is gone; subject: node id, or none */
    KERF_EVENT_NODEGROUP_SYNC,      /* subject: nodegroup index */
    KERF_EVENT_GROUP_REPLACE,       /* subject: node id; detail: enum kerf_group_replacing */
    KERF_EVENT_GROUP_UPDATE,        /* subject: nodegroup index; detail 0: a new version is rolled out; 1: its next step */
    KERF_EVENT_AUTOSCALER_LOOP,
    KERF_EVENT_AUTOSCALER_NODE,     /* the next step of a node's removal; subject: node id */
    KERF_EVENT_VOLUME_PROVISIONED,  /* a volume that did not wait for a pod */
    KERF_EVENT_VOLUMES_WANTED,      /* a pod with volumes was bound; subject: pod id */
    KERF_EVENT_VOLUME_ATTACHED,     /* subject: row of the attachment */
    KERF_EVENT_VOLUME_DETACHED,     /* subject: row of the attachment */
    KERF_EVENT_CLAIMS_GO,           /* claims of ephemeral volumes whose pods are gone */
    KERF_EVENT_STATIC_POOL,         /* subject: NodePool index */
    KERF_EVENT_NODE_LOST,           /* detail 0: the node monitor finds that the instance is gone; 1: pod garbage collection; subject: node id */
    /* observers */
    KERF_EVENT_SAMPLE,              /* a row of the series */
    KERF_EVENT_KIND_COUNT
};

enum kerf_group_ready { KERF_GROUP_BOOTED, KERF_GROUP_NETWORK /* may be ready */, KERF_GROUP_REGISTERS };
enum kerf_group_replacing { KERF_GROUP_REPLACES /* it is to be replaced */, KERF_GROUP_FORGETS /* it is going, or gone */ };

/** What is counted besides what `cluster` tells: EC2's refusals, addresses, evictions. Record listens here. */
enum kerf_notice_kind {
    KERF_NOTICE_EVICTED,             /* a pod was evicted by a drain; pod, node */
    KERF_NOTICE_EVICTION_BLOCKED,    /* a PDB or do-not-disrupt said no */
    KERF_NOTICE_SPOT_INTERRUPTION,   /* EC2 sent a notice, or took a node back without one; node */
    KERF_NOTICE_NODE_LOST,           /* the instance vanished under its pods; node */
    KERF_NOTICE_LAUNCH_REFUSED,      /* insufficient capacity: type, zone in detail */
    KERF_NOTICE_SUBNET_EXHAUSTED,    /* InsufficientFreeAddressesInSubnet at a launch, an interface or an address; detail: subnet index */
    KERF_NOTICE_POD_WITHOUT_ADDRESS, /* the first time that a pod finds none; pod, node */
    KERF_NOTICE_DISRUPTION_STARTED,  /* detail: method; node: the first candidate */
    KERF_NOTICE_DISRUPTION_FAILED,
    KERF_NOTICE_PREEMPTED,           /* pod */
    KERF_NOTICE_EC2_CALL,            /* the CNI asked EC2 for something; detail: subnet index; value: microseconds that it was throttled for */
    KERF_NOTICE_SUBNET_USED,         /* detail: subnet index; value: addresses taken, EC2's reserved ones not counted */
    KERF_NOTICE_INSTANCE_STARTED,    /* billing starts; node; value: micro-dollars an hour at launch */
    KERF_NOTICE_INSTANCE_PRICE,      /* the Spot price changed; node, value */
    KERF_NOTICE_INSTANCE_ENDED,      /* billing ends; node; its pods no longer run */
    KERF_NOTICE_DRAIN_STARTED,       /* node */
    KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED, /* InsufficientCidrBlocks: no free /28; node; detail: subnet index */
    KERF_NOTICE_SANDBOX_FAILED,      /* FailedCreatePodSandBox: a pod found no address; pod, node; value: so many times since it was told last */
    KERF_NOTICE_REBALANCE_RECOMMENDED, /* EC2 expects to take a Spot instance back; node */
    KERF_NOTICE_GROUP_UPDATED,       /* all nodes of a group are of the new version; detail: nodegroup index */
    KERF_NOTICE_GROUP_UPDATE_FAILED, /* instances did not come, or pods could not be evicted; detail: nodegroup index */
    KERF_NOTICE_GROUP_LAUNCH_FAILED, /* no zone of a node group had capacity for an instance; detail: nodegroup index */
    KERF_NOTICE_COUNT
};
struct kerf_notice {
    enum kerf_notice_kind kind;
    kerf_node_id node; /* KERF_NO_NODE: none */
    kerf_pod_id pod;   /* KERF_NO_POD: none */
    uint64_t detail;
    int64_t value;
};
typedef void (*kerf_notice_listener)(void *context, const struct kerf_notice *notice);

enum { KERF_NOTICE_LISTENERS_MAX = 24 };

/** What Karpenter believes of a subnet. */
struct kerf_subnet_view {
    int64_t cached;   /* free addresses when EC2 was last asked */
    int64_t estimate; /* that, less what its launches since are expected to take */
    kerf_time_us unavailable_until_us;
};

/** What a reconcile sees. Owned by `sim`; one a replication. */
struct kerf_world {
    const struct kerf_design *design;
    struct kerf_vocabulary *vocabulary; /* of the replication: names made during the run */
    struct kerf_engine *engine;
    struct kerf_cluster *cluster;
    struct kerf_cloud *cloud;
    struct kerf_vpc_ec2_network network; /* subnets by index of design->subnets; changed by ipamd, launches and ends of instances */
    struct kerf_vpc_subnet_place *subnet_places;
    struct kerf_subnet_view *subnet_views; /* by subnet; NULL until Karpenter launches something */
    uint64_t seed;
    uint32_t replication;
    kerf_notice_listener notice_listeners[KERF_NOTICE_LISTENERS_MAX];
    void *notice_contexts[KERF_NOTICE_LISTENERS_MAX];
    uint32_t notice_listener_count;
    uint64_t launch_counter; /* instances asked for so far */
    uint64_t name_counter; /* claims and nodes made by groups: unique suffixes */
    struct kerf_name_map node_names; /* given so far: two instances of one name would be one to EC2 */
    kerf_event_handle offering_sweep; /* while an offering is remembered as unavailable */
    struct kerf_provisioning_cache *provisioning_cache; /* of the cluster, once a pass wanted it; freed before the cluster */
};
/** What all provisioning passes of the replication share; made when first asked for. */
struct kerf_provisioning_cache *kerf_world_provisioning_cache(struct kerf_world *world);

/** The subnets of the design, with what others hold of them from the start; and their end. */
void kerf_network_open(struct kerf_world *world);
void kerf_network_close(struct kerf_world *world);

static inline kerf_time_us kerf_world_now(const struct kerf_world *world) { return kerf_engine_now(world->engine); }
static inline kerf_time_us kerf_world_epoch_now(const struct kerf_world *world)
{
    return world->design->start_epoch_us + kerf_engine_now(world->engine);
}
void kerf_world_notify(struct kerf_world *world, struct kerf_notice notice);
void kerf_world_listen(struct kerf_world *world, kerf_notice_listener listener, void *context);
/** Frees what controllers keep in the world itself; the rooms it points to are their maker's. */
void kerf_world_fini(struct kerf_world *world);
/** Schedules an event of the class that its kind belongs to. */
kerf_event_handle kerf_world_schedule(struct kerf_world *world, kerf_time_us at_us, enum kerf_event_kind kind, uint64_t subject,
                                      uint32_t detail);
/** A hash that names a pod or node by content for keyed draws. */
uint64_t kerf_world_owner_of_pod(const struct kerf_cluster_pod *pod);
/** What a pod works on: the same for the pod that replaces it. */
uint64_t kerf_world_owner_of_work(const struct kerf_world *world, const struct kerf_cluster_pod *pod);
uint64_t kerf_world_owner_of_node(const struct kerf_cluster_node *node);

/* ---- the controllers: each `_new` subscribes and schedules its first event; `_free` is NULL-safe -------------------------------- */

struct kerf_workload_controller; /* replicas, jobs; load over time */
struct kerf_workload_controller *kerf_workload_controller_new(struct kerf_world *world);
void kerf_workload_controller_free(struct kerf_workload_controller *controller);

struct kerf_daemons; /* DaemonSets: a pod a node */
struct kerf_daemons *kerf_daemons_new(struct kerf_world *world);
void kerf_daemons_free(struct kerf_daemons *controller);

struct kerf_kubelets; /* of all nodes: bound pods start, become ready, finish, stop */
struct kerf_kubelets *kerf_kubelets_new(struct kerf_world *world);
void kerf_kubelets_free(struct kerf_kubelets *controller);

struct kerf_binder; /* kube-scheduler's queue in time */
struct kerf_binder *kerf_binder_new(struct kerf_world *world);
void kerf_binder_free(struct kerf_binder *controller);

struct kerf_provisioner; /* Karpenter's batch window, gates, passes, creation of nodeclaims */
struct kerf_provisioner *kerf_provisioner_new(struct kerf_world *world);
void kerf_provisioner_free(struct kerf_provisioner *controller);

struct kerf_lifecycle; /* nodeclaims: launch, registration, initialization, time-outs, expiry, conditions, end of instances */
struct kerf_lifecycle *kerf_lifecycle_new(struct kerf_world *world);
void kerf_lifecycle_free(struct kerf_lifecycle *controller);

struct kerf_static_pools; /* NodePools with replicas */
struct kerf_static_pools *kerf_static_pools_new(struct kerf_world *world);
void kerf_static_pools_free(struct kerf_static_pools *controller);

struct kerf_disruptor; /* Karpenter's disruption loop and its queue of commands */
struct kerf_disruptor *kerf_disruptor_new(struct kerf_world *world);
void kerf_disruptor_free(struct kerf_disruptor *controller);

struct kerf_terminator; /* drain, eviction, deletion of instances */
struct kerf_terminator *kerf_terminator_new(struct kerf_world *world);
void kerf_terminator_free(struct kerf_terminator *controller);

struct kerf_interruption; /* Spot shocks, notices, reclaims; Karpenter's answer to messages; lost nodes */
struct kerf_interruption *kerf_interruption_new(struct kerf_world *world);
void kerf_interruption_free(struct kerf_interruption *controller);

struct kerf_ipamd; /* the CNI of each node */
struct kerf_ipamd *kerf_ipamd_new(struct kerf_world *world);
void kerf_ipamd_free(struct kerf_ipamd *controller);

struct kerf_branches; /* security groups for pods: a branch interface a pod */
struct kerf_branches *kerf_branches_new(struct kerf_world *world);
void kerf_branches_free(struct kerf_branches *controller);
/** Addresses that branch interfaces hold, those that cool down and those of nodes that are gone included. NULL: none. */
int64_t kerf_branches_held(const struct kerf_branches *controller);

struct kerf_volumes; /* claims get volumes, volumes are attached and detached */
struct kerf_volumes *kerf_volumes_new(struct kerf_world *world);
void kerf_volumes_free(struct kerf_volumes *controller);

struct kerf_takers; /* addresses that others hold for a while */
struct kerf_takers *kerf_takers_new(struct kerf_world *world);
void kerf_takers_free(struct kerf_takers *controller);

struct kerf_autoscaler; /* Cluster Autoscaler over the node groups: its loop, what it knows of them, the removal of nodes */
struct kerf_autoscaler *kerf_autoscaler_new(struct kerf_world *world);
void kerf_autoscaler_free(struct kerf_autoscaler *controller);

struct kerf_nodegroup_controller; /* Auto Scaling groups: keep desired capacity */
struct kerf_nodegroup_controller *kerf_nodegroup_controller_new(struct kerf_world *world);
void kerf_nodegroup_controller_free(struct kerf_nodegroup_controller *controller);

#endif
