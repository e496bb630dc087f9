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

/** Does the node pass every filter for the pod, as it now is? */
bool kerf_binding_fits(struct kerf_binding *binding, kerf_pod_id pod, kerf_node_id node);

/** Queue order (PrioritySort): higher priority first, then earlier time of entering the queue, then input order. */
int kerf_binding_compare_queue(const struct kerf_cluster_pod *a, kerf_time_us a_queued_us, const struct kerf_cluster_pod *b,
                               kerf_time_us b_queued_us);
/** Back-off after the given number of failed attempts: 1 s doubling to 10 s. */
kerf_time_us kerf_binding_backoff_us(uint32_t attempts);

#endif
