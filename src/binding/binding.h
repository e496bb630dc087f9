/**
 * binding: kube-scheduler's decision for one pod: which nodes are feasible, how they score, which one it takes, whom it would
 * preempt. No queue in time here: the order of the queue and back-off lengths are rules of this room, the waiting is the binder
 * controller's. Rules: kube-scheduler.md.
 */
#ifndef KERF_BINDING_H
#define KERF_BINDING_H

#include "cluster/cluster.h"

struct kerf_binding_options {
    /** Equal best nodes: false: the first by name (as recorded cases take it); true: drawn, keyed by seed and the pod's UID. */
    bool draw_ties;
    uint64_t tie_seed;
    bool explain; /* fill per-node scores and refusals (slower) */
    bool plain;   /* each pod by itself, nothing remembered of pods of its kind: the same decisions, for tests */
};

enum kerf_score_plugin {
    KERF_SCORE_TAINT_TOLERATION,
    KERF_SCORE_NODE_AFFINITY,
    KERF_SCORE_TOPOLOGY_SPREAD,
    KERF_SCORE_INTER_POD_AFFINITY,
    KERF_SCORE_RESOURCES_FIT,
    KERF_SCORE_BALANCED_ALLOCATION,
    KERF_SCORE_IMAGE_LOCALITY,
    KERF_SCORE_PLUGIN_COUNT
};
const char *kerf_score_plugin_text(enum kerf_score_plugin plugin); /* `NodeResourcesFit` */

struct kerf_node_score {
    kerf_node_id node;
    int64_t total;
    int64_t by_plugin[KERF_SCORE_PLUGIN_COUNT]; /* normalised and weighted */
    uint32_t scored; /* bit per plugin that didn't opt out */
};

struct kerf_node_refusal {
    kerf_node_id node;
    const char *plugin;
    const char *reason;
    bool preemption_might_help;
};

struct kerf_binding_decision {
    kerf_node_id node; /* KERF_NO_NODE: none feasible */
    bool no_nodes;     /* the cluster has none: no plugin is to blame, which the queue counts as an internal error */
    /* with explain: */
    const kerf_node_id *feasible;
    size_t feasible_count;
    const struct kerf_node_score *scores; /* empty with exactly one feasible node */
    size_t score_count;
    const struct kerf_node_refusal *refusals;
    size_t refusal_count;
    /* preemption, when node is none: */
    kerf_node_id preempted_node; /* KERF_NO_NODE: nobody can be preempted */
    const kerf_pod_id *victims;
    size_t victim_count;
    bool waits_for_victims; /* pods on its nominated node are going already: it keeps its nomination. A pod that finds no node, preempts
                               nobody and doesn't wait loses it */
};

/**
 * What the scheduler keeps between pods: its snapshot order, the rotating start index, caches. Reads the world const; told of nothing: it
 * looks at what changed. Several deciders over one world are fine.
 */
struct kerf_binding;
struct kerf_binding *kerf_binding_new(const struct kerf_cluster *cluster, struct kerf_binding_options options);
void kerf_binding_free(struct kerf_binding *binding);

/** Decides for one pod. Lists of the decision are borrowed until the next call. */
void kerf_binding_decide(struct kerf_binding *binding, kerf_pod_id pod, struct kerf_binding_decision *out_decision);

/** Which of the volumes that are there a pod's unbound claim gets once the pod is bound to the node; NULL: a new one. */
const struct kerf_pv *kerf_binding_volume_for(const struct kerf_cluster *cluster, const struct kerf_pvc *claim,
                                              const struct kerf_cluster_node *node);

/** Does the node pass every filter for the pod, as it now is? */
bool kerf_binding_fits(struct kerf_binding *binding, kerf_pod_id pod, kerf_node_id node);

/* ---- what if: the same filters over nodes and pods that aren't there ------------------------------------------------------------- */

/**
 * From here on nodes and pods can be supposed to come and go, until kerf_binding_suppose_end undoes all of it. Meanwhile the world must not
 * change, and nothing but the functions below may be asked. Places of nodes ("slots") hold until the node is taken away or undone. What is
 * passed in is borrowed that long. Filters run as kube-scheduler's default profile has them, nominations and added affinity aside: so Cluster
 * Autoscaler asks them.
 */
void kerf_binding_suppose_begin(struct kerf_binding *binding);
void kerf_binding_suppose_end(struct kerf_binding *binding);
/** A point to come back to: what was supposed after it is undone by kerf_binding_suppose_rewind, last first. */
size_t kerf_binding_suppose_mark(const struct kerf_binding *binding);
void kerf_binding_suppose_rewind(struct kerf_binding *binding, size_t mark);

/** The place of a node of the world; KERF_NOT_FOUND: it has no Node object, or was taken away. */
uint32_t kerf_binding_suppose_slot(const struct kerf_binding *binding, kerf_node_id node);
/** A made-up node, empty; its name must be unused. */
uint32_t kerf_binding_suppose_node(struct kerf_binding *binding, const struct kerf_node *node);
/** The node is gone, with its pods. */
void kerf_binding_suppose_no_node(struct kerf_binding *binding, uint32_t slot);
void kerf_binding_suppose_taints(struct kerf_binding *binding, uint32_t slot, struct kerf_taints taints);
/** Pods come to a node (equal ones may be put together), or one leaves it. None may be terminal. */
void kerf_binding_suppose_pods(struct kerf_binding *binding, uint32_t slot, const struct kerf_cluster_pod *const *pods, uint32_t count);
void kerf_binding_suppose_no_pod(struct kerf_binding *binding, uint32_t slot, const struct kerf_cluster_pod *pod);

/** The pods on a node as supposed, those that are terminal left out; borrowed until the node is touched. */
const struct kerf_cluster_pod *const *kerf_binding_supposed_pods(struct kerf_binding *binding, uint32_t slot, uint32_t *out_count);
/** Sum of their requests and what the node has, in kube-scheduler's units (millicores, bytes, pieces). */
int64_t kerf_binding_supposed_requests(const struct kerf_binding *binding, uint32_t slot, enum kerf_resource resource);
int64_t kerf_binding_supposed_allocatable(const struct kerf_binding *binding, uint32_t slot, enum kerf_resource resource);
bool kerf_binding_supposed_cordoned(const struct kerf_binding *binding, uint32_t slot);

/**
 * The pod to ask about from now on: prepared once (PreFilter), kept in step with what is supposed afterwards, until a rewind or another
 * pod. Pods whose labels and spec are equal need no further call. False: no node at all can take it.
 */
bool kerf_binding_suppose_asked(struct kerf_binding *binding, const struct kerf_cluster_pod *pod);
/** Does the node pass every filter? When not, `out_plugin` (may be NULL) is the one that says no. */
bool kerf_binding_suppose_passes(struct kerf_binding *binding, uint32_t slot, const char **out_plugin);
/** How many such pods, up to `wanted`, could be put there one after the other; more than one is found only where resources alone decide. */
uint32_t kerf_binding_suppose_room(struct kerf_binding *binding, uint32_t slot, uint32_t wanted);
/** Resources alone decide how many such pods a node that passes can take. */
bool kerf_binding_suppose_is_resource_bound(struct kerf_binding *binding);

/** Queue order (PrioritySort): higher priority first, then earlier time of entering the queue, then input order. */
int kerf_binding_compare_queue(const struct kerf_cluster_pod *a, kerf_time_us a_queued_us, const struct kerf_cluster_pod *b,
                               kerf_time_us b_queued_us);
/** Back-off after the given number of failed attempts: 1 s doubling to 10 s. */
kerf_time_us kerf_binding_backoff_us(uint32_t attempts);
/** When a pod that failed with its n-th internal error in a row is tried again: on a whole second after its back-off (2.2). */
kerf_time_us kerf_binding_error_retry_us(kerf_time_us failed_epoch_us, uint32_t errors);

#endif
