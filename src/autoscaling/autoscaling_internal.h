/** Shared by the files of `autoscaling`: the list of nodes of a loop, templates, groups of equal pods, and what is kept between
 * loops. */
#ifndef KERF_AUTOSCALING_INTERNAL_H
#define KERF_AUTOSCALING_INTERNAL_H

#include "autoscaling/autoscaling.h"
#include "scheduling/scheduling.h"

typedef const struct kerf_cluster_pod *pod_ref;

/* ---- the list of nodes (node_list.c)
 * ---------------------------------------------------------------------------------------------- */

enum node_mark {
    NODE_LISTED = 1,      /* every node of the list */
    NODE_NEW = 2,         /* added by the estimate that runs */
    NODE_DESTINATION = 4, /* pods of removed nodes may go there */
};

struct listed_node {
    uint32_t slot;   /* in the binding's supposition */
    kerf_node_id id; /* KERF_NO_NODE: made up */
    kerf_name name;
    uint32_t group_index; /* KERF_NOT_FOUND: none */
    unsigned marks;
};

/** Nodes in the order in which they are searched: by name, then those added in the loop. */
struct node_list {
    KERF_VEC(struct listed_node) nodes;
    uint32_t last_match; /* kept between loops: searches begin one past it */
};

/* ---- templates (node_templates.c)
 * ----------------------------------------------------------------------------------------------- */

/** What a group's next node is believed to be. */
struct node_template {
    bool present;
    struct kerf_node node; /* its name is the group's */
    pod_ref *pods;         /* that are on it from the start */
    uint32_t pod_count;
};

/** Remembered of a group by its name, over loops. */
struct group_memory {
    kerf_name name;
    struct kerf_arena arena;           /* of the template */
    struct node_template template;     /* of its last good node */
    KERF_VEC(kerf_name) node_names[2]; /* of made-up nodes, by number: those of estimates, upcoming ones */
};

/* ---- hints: where a pod went last time (pod_places.c)
 * ----------------------------------------------------------------------------- */

struct place_hints {
    struct kerf_name_map now; /* pod UID -> index of the node's name */
    struct kerf_name_map before;
    KERF_VEC(kerf_name) names_now;
    KERF_VEC(kerf_name) names_before;
};

/* ---- unneeded and unremovable nodes
 * ---------------------------------------------------------------------------------------------- */

struct unneeded_entry {
    struct kerf_unneeded_node node;
    kerf_name name;
    bool has_on_completion_pod;
};

struct unremovable_entry {
    kerf_node_id node;
    kerf_time_us until_epoch_us; /* tested again from then on */
};

/* ---- resource limits (cluster_limits.c)
 * -------------------------------------------------------------------------------------------- */

struct cluster_amounts {
    int64_t cores;
    int64_t memory_bytes;
};

/* ---- the whole
 * ------------------------------------------------------------------------------------------------------------------ */

struct kerf_autoscaling {
    const struct kerf_cluster *cluster;
    const struct kerf_vocabulary *vocabulary;
    const struct kerf_autoscaler_options *options;
    const char *priorities;
    struct kerf_binding *binding;
    bool draws;
    uint64_t draw_seed;
    uint64_t draw_count;
    uint64_t loop_count;

    /* between loops */
    struct node_list list;
    KERF_VEC(struct group_memory *) memories;
    struct kerf_name_map memory_by_name;
    struct place_hints pending_hints;
    struct place_hints moving_hints;
    KERF_VEC(struct unneeded_entry) unneeded; /* of the last loop, in the order of being found */
    KERF_VEC(struct unremovable_entry) unremovable;
    kerf_time_us last_plan_epoch_us; /* KERF_TIME_UNSET: none yet */
    kerf_time_us shortest_interval_us;

    /* of one loop */
    struct kerf_arena arena;
    const struct kerf_autoscaling_moment *moment;
    kerf_time_us now_epoch_us;
    const uint32_t *groups_by_name; /* indices in the order of names */
    struct kerf_name_map group_by_name;
    struct node_template *templates; /* by group index */
    pod_ref *unschedulable;
    uint32_t unschedulable_count;
    bool running;
};

/* node_list.c */
void kerf_node_list_read(struct kerf_autoscaling *autoscaling);
uint32_t kerf_node_list_find(const struct kerf_autoscaling *autoscaling, kerf_name name); /* KERF_NOT_FOUND */
/**
 * Adds a node of a group's template, with the pods that are on it: the `number`-th that is upcoming, or (marked NODE_NEW) of an
 * estimate. Returns its index in the list.
 */
uint32_t kerf_node_list_add(struct kerf_autoscaling *autoscaling, uint32_t group_index, uint32_t number, unsigned marks);
void kerf_node_list_remove(struct kerf_autoscaling *autoscaling, uint32_t at);
/** The pod that was asked for (kerf_binding_suppose_asked) against the nodes with that mark, round robin; KERF_NOT_FOUND: none
 * passes. */
uint32_t kerf_node_list_search(struct kerf_autoscaling *autoscaling, unsigned mark, uint32_t except);
uint32_t kerf_autoscaling_group_of(const struct kerf_autoscaling *autoscaling, const struct kerf_labels *labels);

/* node_templates.c */
void kerf_node_templates_build(struct kerf_autoscaling *autoscaling);
struct group_memory *kerf_group_memory(struct kerf_autoscaling *autoscaling, kerf_name name);

/* pod_places.c */
void kerf_place_hints_age(struct place_hints *hints);
void kerf_place_hints_fini(struct place_hints *hints);
/**
 * Puts pods on nodes with the mark, one after the other in their order (4.2): the hinted node first, then the search. Fills
 * `out_nodes` (a node's index in the list, KERF_NOT_FOUND: none). With `all_or_nothing` it stops at the first that finds no
 * place. Returns how many found one.
 */
uint32_t kerf_pod_places_find(struct kerf_autoscaling *autoscaling, struct place_hints *hints, const pod_ref *pods,
                              uint32_t count, unsigned mark, bool all_or_nothing, uint32_t *out_nodes);
void kerf_pods_sort_by_priority(pod_ref *pods, uint32_t count);

/* pod_kinds.c */
bool kerf_autoscaling_is_daemon(const struct kerf_pod *pod);
bool kerf_autoscaling_is_mirror(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod);
bool kerf_autoscaling_is_expendable(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod);
bool kerf_autoscaling_is_static(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod);
/** Should long be gone, and still isn't: counts nowhere in scale-down. */
bool kerf_autoscaling_is_overdue(const struct kerf_pod *pod, kerf_time_us now_epoch_us);
/** Value of an annotation; NULL: none. */
const char *kerf_autoscaling_annotation(const struct kerf_vocabulary *vocabulary, const struct kerf_meta *meta, const char *key);
/** Same controller, labels and spec: what Cluster Autoscaler takes for equal. */
bool kerf_autoscaling_pods_alike(const struct kerf_pod *a, const struct kerf_pod *b);

/* pod_groups.c */
struct pod_group {
    pod_ref *pods;
    uint32_t count;
    bool schedulable; /* on the template of some valid group */
    double score;     /* while an estimate runs */
};
/** Groups of equal pods (5), in the order of their first pods. */
struct pod_group *kerf_pod_groups_build(struct kerf_autoscaling *autoscaling, const pod_ref *pods, uint32_t count,
                                        uint32_t *out_count);

/* estimator.c */
struct estimate {
    int32_t node_count;
    pod_ref *pods;
    uint32_t pod_count;
};
/** How many new nodes of the group take the pods (7.2). `node_limit`: at most so many are added; negative: none, 0: no limit. */
struct estimate kerf_autoscaling_estimate(struct kerf_autoscaling *autoscaling, uint32_t group_index,
                                          struct pod_group *const *groups, uint32_t group_count, int64_t node_limit);

/* expander.c, expander_price.c, expander_priority.c: indices of options; each keeps its best ones, in order */
struct expansion {
    struct kerf_autoscaling *autoscaling;
    const struct kerf_autoscaling_option *options;
    uint32_t option_count;
    uint32_t ready_node_count;
};
/** Runs the chain; fills `out_best` with what is left. Returns the count. */
uint32_t kerf_expansion_choose(const struct expansion *expansion, uint32_t *out_best);
uint32_t kerf_expander_price(const struct expansion *expansion, uint32_t *kept, uint32_t count);
uint32_t kerf_expander_priority(const struct expansion *expansion, uint32_t *kept, uint32_t count);
const struct node_template *kerf_expansion_template(const struct expansion *expansion, uint32_t option);

/* name_pattern.c: the regular expressions of Go, searched anywhere */
struct name_pattern;
struct name_pattern *kerf_name_pattern_new(struct kerf_arena *arena, const char *text); /* NULL: not one */
bool kerf_name_pattern_finds(const struct name_pattern *pattern, const char *text);

/* similar_groups.c */
bool kerf_templates_similar(const struct kerf_autoscaling *autoscaling, const struct node_template *a,
                            const struct node_template *b);

/* cluster_limits.c */
/** What all nodes of the list have: whole cores (rounded up) and bytes, without those being deleted if asked so. */
struct cluster_amounts kerf_cluster_amounts_used(const struct kerf_autoscaling *autoscaling, bool without_deleting);
struct cluster_amounts kerf_cluster_amounts_of(const struct kerf_node *node);
/** How many nodes of that kind the upper limits still allow; `left` is what they leave. */
int64_t kerf_cluster_amounts_allow(struct cluster_amounts left, struct cluster_amounts node);

/* drain_rules.c */
enum drain_outcome { DRAIN_MOVE, DRAIN_DAEMON, DRAIN_IGNORE, DRAIN_BLOCK };
/** PDBs as the planner uses them up: disruptions that are left, by PDB index. */
struct budget_tracker {
    int64_t *left;
};
/** Section 11. `budgets` NULL: PDBs and controllers are not asked, as when candidates are sorted. */
enum drain_outcome kerf_drain_rule(const struct kerf_autoscaling *autoscaling, const struct budget_tracker *budgets, pod_ref pod,
                                   enum kerf_blocking_reason *out_reason);
bool kerf_pod_waits_for_completion(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod);
struct pods_to_move {
    pod_ref *pods; /* in the loop's arena */
    uint32_t count;
    pod_ref blocking; /* NULL: none */
    enum kerf_blocking_reason reason;
    bool has_on_completion_pod;
};
struct pods_to_move kerf_pods_to_move(struct kerf_autoscaling *autoscaling, const struct budget_tracker *budgets, uint32_t slot);

/* eligibility.c */
double kerf_node_utilization_of(struct kerf_autoscaling *autoscaling, const struct listed_node *node, bool *out_is_gpu);
bool kerf_node_has_annotation_true(const struct kerf_autoscaling *autoscaling, const struct kerf_node *node, const char *key);
bool kerf_node_is_being_deleted(const struct kerf_autoscaling *autoscaling, kerf_node_id id);

/* removal.c: which of the unneeded nodes go now */
void kerf_removal_choose(struct kerf_autoscaling *autoscaling, struct kerf_scale_down *result);

static inline const struct kerf_node *kerf_listed_node_of(const struct kerf_autoscaling *autoscaling,
                                                          const struct listed_node *node)
{
    return &kerf_cluster_node(autoscaling->cluster, node->id)->node;
}

#endif
