/** Shared by the files of `binding`: the snapshot of nodes that lives between pods, and one attempt to place a pod. */
#ifndef KERF_BINDING_INTERNAL_H
#define KERF_BINDING_INTERNAL_H

#include "binding/binding.h"
#include "scheduling/scheduling.h"

/* ---- the snapshot (binding_snapshot.c)
 * ------------------------------------------------------------------------------------------ */

/** A node as kube-scheduler's cache holds it: amounts in its units (millicores, bytes, pieces), each pod's request rounded up. */
struct node_info {
    kerf_node_id id;
    bool alive;
    kerf_name name;
    struct kerf_labels labels;
    struct kerf_taints taints;
    bool unschedulable;
    bool has_hard_taints;
    bool has_soft_taints;
    uint64_t scheduling_revision; /* of the node, when it was read */
    int64_t allocatable[KERF_RESOURCE_MAX];
    int64_t used[KERF_RESOURCE_MAX]; /* `pods` counts pods */
    int64_t nonzero_cpu;             /* with defaults for containers without requests: for scores only */
    int64_t nonzero_memory;
    uint32_t affinity_pods; /* with any term of their own */
    uint32_t anti_pods;     /* with required anti-affinity */
    uint32_t port_pods;
    uint32_t volume_pods;
    int32_t lowest_priority; /* of the pods that are bound there and not terminal; INT32_MAX: none */
    kerf_name region; /* zone key of the node tree */
    kerf_name zone;
    const struct kerf_node_image *images;
    uint32_t image_count;
};

/** Nodes of one zone, in order of addition. */
struct zone_list {
    kerf_name region;
    kerf_name zone;
    KERF_VEC(uint32_t) slots;
};

/** The values that nodes have for one topology key, as numbers. */
struct key_column {
    kerf_name key;
    uint64_t cursor; /* of the snapshot's log */
    uint32_t epoch;
    uint32_t generation;      /* rises when domains get other numbers */
    uint32_t *domain_of_slot; /* KERF_NOT_FOUND: the node lacks the key */
    uint32_t slot_capacity;
    uint32_t domain_count;
    struct kerf_name_map domain_by_value;
};

/** Which pods something counts: those that all of the terms select. */
struct pod_term {
    kerf_name own_namespace;
    const kerf_name *namespaces;
    uint32_t namespace_count;
    struct kerf_label_selector namespace_selector;
    struct kerf_label_selector selector;
};
struct pod_filter {
    const struct pod_term *terms;
    uint32_t term_count;
    bool skip_terminating;
};

/** So many pods more on a slot, or fewer. */
struct class_change {
    uint32_t slot;
    int32_t count;
    int32_t terminating;
};

/** Pods of one namespace with the same labels: a filter takes all of them or none. */
struct label_class {
    kerf_name namespace_name;
    struct kerf_labels labels;
    uint32_t next; /* with the same hash */
    KERF_VEC(struct class_change) changes; /* since the class was made, or cut off */
};

/** The pods of a node by class, terminal ones left out: counted once, however many columns ask. */
struct class_count {
    uint32_t class;
    uint32_t count;
    uint32_t terminating;
    uint32_t count_before; /* while they are counted anew */
    uint32_t terminating_before;
};
struct slot_classes {
    bool known;
    KERF_VEC(struct class_count) counts;
};

struct class_cursor {
    uint32_t class;
    size_t change;
};

/** How many pods of each node a filter takes. Kept between pods, for those of one workload ask the same. */
struct match_column {
    struct pod_filter filter;
    uint64_t cursor;
    uint32_t epoch;
    uint32_t *count_of_slot;
    uint32_t slot_capacity;
    uint32_t known_slots;
    uint64_t total;
    KERF_VEC(bool) takes; /* by class, as far as it was asked */
    KERF_VEC(struct class_cursor) taken; /* those that it takes, with the changes that it has followed */
};

/** Of one spread constraint of one kind of pods: what its domains hold, over the nodes that it includes. Follows the log. */
struct spread_tally {
    bool known;
    uint64_t cursor;
    uint32_t epoch;
    uint32_t generation;    /* of the key column */
    uint32_t *domain_of_slot; /* where the slot counts; KERF_NOT_FOUND: nowhere */
    uint32_t *count_of_slot;
    uint32_t slot_capacity;
    int32_t *counts;        /* by domain: pods that match */
    uint32_t *domain_nodes; /* by domain: nodes */
    uint32_t domain_capacity;
    uint32_t domain_total; /* domains with a node */
    int64_t pod_total;     /* over all domains */
};

/** Terms of pods that are there, towards the pods of one kind, on one topology key. */
struct their_key {
    struct key_column *column;
    uint32_t generation; /* of the column */
    uint32_t slot_capacity;
    uint32_t domain_capacity;
    struct their_share {
        uint32_t domain; /* KERF_NOT_FOUND: it gives nothing */
        int32_t anti;    /* required anti-affinity */
        uint32_t terms;  /* all others */
        int64_t points;  /* of these */
    } *share_of_slot;
    int32_t *anti;   /* by domain */
    int64_t *points; /* by domain */
    int64_t anti_total;
    int64_t term_total;
};

enum kind_verdict { KIND_UNUSED /* no node so far */, KIND_UNKNOWN, KIND_PASSES, KIND_REFUSES, KIND_REFUSES_FOR_NOW /* preemption might help */ };

/**
 * Pods that ask the same of every node: replicas of a workload. What a node by itself answers (filters, and scores that hang on
 * nothing else) is remembered until the node changes (binding_kinds.c).
 */
struct pod_kind {
    const struct kerf_pod_spec *spec; /* a template's, which its replicas share; it outlives the binding, as the next two do */
    const struct kerf_resources *requests;
    kerf_name namespace_name;
    kerf_name owner_kind; /* of the controller */
    kerf_name owner_name;
    struct kerf_label *labels; /* a copy */
    size_t label_count;
    uint32_t workload_index;
    bool met_again; /* only then is anything remembered */
    uint32_t next; /* with the same hash */
    uint64_t cursor;
    uint32_t epoch;
    uint32_t image_generation;
    uint32_t order_count; /* that images were weighed by */
    uint32_t slot_capacity;
    unsigned char *verdicts; /* enum kind_verdict by slot, domains apart */
    uint32_t passing;        /* slots that pass */
    KERF_VEC(uint32_t) unknown; /* all unknown slots, and some that were looked at since */
    int64_t *scores;         /* of nodes that pass: weighted, of the plugins that look at one node */
    int64_t *preferred;      /* raw sums of preferred node affinity; NULL: it prefers nothing */
    struct spread_tally *hard;
    struct spread_tally *soft;
    struct spread_tally *own; /* of its pod affinity: required, required apart, preferred, preferred apart */
    uint32_t hard_count;
    uint32_t soft_count;
    uint32_t own_count;
    KERF_VEC(struct their_key) their_keys;
    bool their_known;
    uint64_t their_cursor;
    uint32_t their_epoch;
};

struct image_state {
    int64_t size_bytes; /* as the first node that has it states */
    uint32_t node_count;
};

struct supposition; /* binding_suppose.c */

/** Pods of a node when something is supposed of them: instead of the cluster's list. */
struct supposed_pods {
    const struct kerf_cluster_pod **items;
    uint32_t count;
    uint32_t capacity;
    bool stands; /* false: the cluster's list does */
};

struct kerf_binding {
    const struct kerf_cluster *cluster;
    struct kerf_binding_options options;
    const struct kerf_scheduler_configuration *configuration;
    int64_t weights[KERF_SCORE_PLUGIN_COUNT]; /* 0: disabled */

    struct node_info *nodes; /* by slot */
    uint32_t slot_count;
    uint32_t slot_capacity;
    KERF_VEC(uint32_t) free_slots;
    uint32_t *slot_of_node; /* by node id */
    uint32_t node_id_capacity;
    struct kerf_name_map slot_by_name;
    KERF_VEC(struct zone_list) zones;
    uint32_t *order; /* slots in the order of the node tree */
    uint32_t order_count;
    bool order_stale;
    uint64_t affinity_pod_total; /* over all nodes: without any there is nothing to walk for */
    uint64_t anti_pod_total;
    uint64_t journal_cursor; /* of the cluster's journal */
    bool built;
    uint32_t epoch;         /* rises when the log is cut: columns then start anew */
    KERF_VEC(uint32_t) log; /* slots that changed */
    uint32_t start_index;   /* where the next search begins */

    KERF_VEC(struct key_column *) key_columns;
    KERF_VEC(struct match_column *) match_columns;
    struct kerf_arena filter_arena; /* texts of the match columns */
    KERF_VEC(struct label_class) label_classes;
    struct kerf_id_map label_class_index;
    struct kerf_arena label_arena;    /* of the classes */
    KERF_VEC(uint32_t) class_of_workload; /* by workload index: the class that its last pod had; KERF_NOT_FOUND: none yet */
    struct slot_classes *slot_classes;    /* by slot */
    uint64_t class_cursor;                /* of the log: slots up to there are counted, and classes know what changed */
    bool counts_by_slot;                  /* pods were supposed once: columns look at each slot that changed */
    uint32_t slot_classes_capacity;
    KERF_VEC(struct pod_kind *) kinds;
    struct kerf_id_map kind_index;
    uint32_t soft_taint_nodes; /* nodes with such taints */
    int32_t lowest_priority;   /* no pod on a node is below */
    uint32_t image_generation; /* rises when what images weigh may have changed */

    bool images_stale;
    bool any_images;
    struct kerf_name_map image_by_name;
    KERF_VEC(struct image_state) images;

    struct supposition *supposition;     /* NULL: never asked for */
    struct supposed_pods *supposed_pods; /* by slot; NULL: nothing is supposed now */

    struct kerf_arena scratch; /* of one decision */
    uint32_t *feasible;        /* slots */
    uint32_t feasible_count;
    KERF_VEC(struct kerf_node_refusal) refusals;
    KERF_VEC(uint32_t) candidates; /* slots that preemption might help */
};

void kerf_binding_refresh(struct kerf_binding *binding);
/** An unused slot, zeroed but for what its last holder left in it. */
uint32_t kerf_binding_take_slot(struct kerf_binding *binding);
/** All but the pods. */
void kerf_binding_read_node(const struct kerf_binding *binding, struct node_info *info, const struct kerf_node *node);
/** Room, and what filters look for first, when a pod comes to (+1) or leaves (-1) a node, or several like it; not what scores need. */
void kerf_binding_count_pod(struct kerf_binding *binding, struct node_info *info, const struct kerf_pod *pod, int32_t sign);
/** Something about the slot is not what it was. */
void kerf_binding_note_slot(struct kerf_binding *binding, uint32_t slot);
/** Forgets a log that has become too long; columns then start anew. */
void kerf_binding_trim_log(struct kerf_binding *binding);

/** Pods on a node as they now count, terminal ones among them. */
struct slot_pods {
    const struct kerf_cluster *cluster;
    const kerf_pod_id *ids;
    const struct kerf_cluster_pod *const *supposed; /* NULL: ids */
    uint32_t count;
};
static inline struct slot_pods kerf_slot_pods(const struct kerf_binding *binding, uint32_t slot)
{
    if (binding->supposed_pods && binding->supposed_pods[slot].stands) {
        const struct supposed_pods *pods = &binding->supposed_pods[slot];
        return (struct slot_pods){.supposed = pods->items, .count = pods->count};
    }
    const struct kerf_cluster_node *node = kerf_cluster_node(binding->cluster, binding->nodes[slot].id);
    return (struct slot_pods){.cluster = binding->cluster, .ids = node->pods, .count = node->pod_count};
}
static inline bool kerf_binding_has_name(const struct kerf_binding *binding, uint32_t slot)
{
    return kerf_name_map_get(&binding->slot_by_name, binding->nodes[slot].name) == slot;
}
static inline const struct kerf_cluster_pod *kerf_slot_pod(const struct slot_pods *pods, uint32_t at)
{
    return pods->supposed ? pods->supposed[at] : kerf_cluster_pod(pods->cluster, pods->ids[at]);
}
void kerf_binding_snapshot_fini(struct kerf_binding *binding);
void kerf_binding_suppose_fini(struct kerf_binding *binding);
/** Room for all slots, without a match on those that are new. */
void kerf_binding_grow_match_columns(struct kerf_binding *binding);
void kerf_binding_trim_columns(struct kerf_binding *binding); /* before a decision: forgets columns when there are too many */
/** Both are up to date until the next refresh. */
struct key_column *kerf_binding_key_column(struct kerf_binding *binding, kerf_name key);
struct match_column *kerf_binding_match_column(struct kerf_binding *binding, const struct pod_filter *filter);
/* binding_classes.c: counts of pods by namespace and labels */
/** Brings the column up to date by what its classes tell of the slots that changed; false: it has to look at slots itself. */
bool kerf_binding_follow_classes(struct kerf_binding *binding, struct match_column *column, bool anew);
/** The log is about to be cut: so are they. */
void kerf_binding_cut_class_changes(struct kerf_binding *binding);
/** All changes so far are in the column. */
void kerf_binding_mark_classes(struct kerf_binding *binding, struct match_column *column);
/** How many pods of the node the column's filter takes. */
uint32_t kerf_binding_count_matches(struct kerf_binding *binding, struct match_column *column, uint32_t slot);
void kerf_binding_classes_fini(struct kerf_binding *binding);
void kerf_binding_columns_fini(struct kerf_binding *binding); /* binding_columns.c */
void kerf_binding_refresh_images(struct kerf_binding *binding);
bool kerf_binding_filter_takes(const struct kerf_binding *binding, const struct pod_filter *filter, const struct kerf_pod *pod);
/** Requests in kube-scheduler's units. */
int64_t kerf_binding_unit_amount(enum kerf_resource resource, int64_t amount);
/** cpu (millicores) and memory (bytes) of a pod for the scorer of NodeResourcesFit; `on_node`: as it counts once it is there. */
void kerf_binding_nonzero_requests(const struct kerf_pod *pod, bool on_node, int64_t *out_cpu, int64_t *out_memory);

/* ---- one attempt (binding_attempt.c)
 * ----------------------------------------------------------------------------------------------- */

/** A hard spread constraint of the pod against the snapshot. */
struct spread_state {
    const struct kerf_topology_spread *spread;
    struct pod_filter filter;
    struct key_column *column;
    int32_t *counts;        /* by domain */
    uint32_t *domain_nodes; /* by domain: counted nodes */
    uint32_t domain_total;  /* domains with a counted node */
    bool *allowed;          /* by domain, once asked for; NULL: too many domains */
    int64_t self;
    int64_t minimum;
    bool minimum_stale;
};

/** Counts per domain of one topology key. */
struct domain_counts {
    struct key_column *column;
    int32_t *counts;
};

struct volume_state; /* binding_volumes.c */

struct refusal {
    const char *plugin;
    const char *reason;
    bool resolvable; /* code Unschedulable: preemption might help */
};

/** A node as a dry run of preemption, or with nominated pods, sees it. */
struct node_view {
    uint32_t slot;
    const int64_t *used;
    const kerf_pod_id *removed;
    uint32_t removed_count;
    const kerf_pod_id *added;
    uint32_t added_count;
};

struct attempt {
    struct kerf_binding *binding;
    const struct kerf_cluster_pod *pod;
    const struct kerf_pod_spec *spec;
    struct kerf_arena *arena;
    struct pod_kind *kind;   /* what is remembered of such pods; NULL: nothing may be */
    struct refusal rejected; /* on every node; plugin NULL: not */

    bool tolerates_unschedulable;
    bool restricted; /* to nodes by metadata.name */
    const kerf_name *restricted_names;
    uint32_t restricted_count;
    bool has_node_rules;

    struct {
        enum kerf_resource resource;
        int64_t amount;
    } requests[KERF_RESOURCE_MAX];
    uint32_t request_count;
    int64_t nonzero_cpu;
    int64_t nonzero_memory;

    const struct kerf_host_port *ports;
    uint32_t port_count;
    struct volume_state *volumes; /* NULL: none to look at */

    struct spread_state *spreads;
    uint32_t spread_count;

    uint32_t affinity_count; /* required terms, and per term the counts of pods that match all of them */
    struct domain_counts *affinity;
    struct pod_filter affinity_filter;
    int64_t affinity_total;
    bool affinity_self;
    uint32_t anti_affinity_count;
    struct domain_counts *anti_affinity;
    struct pod_filter *anti_affinity_filters;
    KERF_VEC(struct domain_counts) existing_anti_affinity; /* per key */
};

/** PreFilter: what the filters need to know of all nodes. */
void kerf_attempt_begin(struct attempt *attempt, struct kerf_binding *binding, const struct kerf_cluster_pod *pod,
                        struct pod_kind *kind, struct kerf_arena *arena);
/** Every filter, in the order of the profile; true: the node passes. */
bool kerf_attempt_filter(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal);
/** The filters that look at nothing but the node and what is on it. */
bool kerf_attempt_filter_node(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal);
/** The same, twice where pods of at least the same priority are nominated to the node: with and without them. */
bool kerf_attempt_filter_nominated(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal);
/** Lets the counts of domains see a pod come to (+1) or leave (-1) a node. */
void kerf_attempt_count_pod(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign);
static inline struct node_view kerf_view_of(const struct kerf_binding *binding, uint32_t slot)
{
    return (struct node_view){.slot = slot, .used = binding->nodes[slot].used};
}
/** Pods on the node as the view has them; in the attempt's arena. */
const struct kerf_cluster_pod **kerf_view_pods(const struct attempt *attempt, const struct node_view *view, uint32_t *out_count);
/** Nothing but what is on a node, and the node itself, decides whether it passes: no counts over domains. */
bool kerf_attempt_is_local(const struct attempt *attempt);
/** nodeSelector and required node affinity. */
bool kerf_attempt_node_rules_match(const struct attempt *attempt, const struct node_info *node);

/* binding_spread.c */
void kerf_spread_begin(struct attempt *attempt);
bool kerf_spread_filter(struct attempt *attempt, uint32_t slot, struct refusal *out_refusal);
/** May the pod go to a node of that domain, as counts are now? For searches that change none. */
void kerf_spread_note_allowed(struct attempt *attempt);
static inline bool kerf_spread_allows(struct attempt *attempt, uint32_t slot)
{
    struct refusal refusal;
    const struct spread_state *only = attempt->spreads;
    if (attempt->spread_count != 1 || only->allowed == NULL)
        return attempt->spread_count == 0 || kerf_spread_filter(attempt, slot, &refusal);
    uint32_t domain = only->column->domain_of_slot[slot];
    return domain != KERF_NOT_FOUND && only->allowed[domain];
}
void kerf_spread_count_pod(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign);
/** Raw scores, normalised in place; false: the plugin opts out. */
bool kerf_spread_score(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores);

/* binding_tally.c */
/** Which nodes a constraint counts. */
struct tally_rule {
    const struct kerf_topology_spread *spread; /* NULL: all that have the key */
    const struct key_column *column;
    const struct match_column *matches; /* NULL: counts nothing */
    const struct key_column *const *required; /* keys that a node must have */
    uint32_t required_count;
};
/** Node inclusion policies of one constraint. */
bool kerf_spread_policies_include(const struct attempt *attempt, const struct kerf_topology_spread *spread,
                                  const struct node_info *node);
/** Brings the tally up to date; columns must be. */
void kerf_tally_follow(const struct attempt *attempt, struct spread_tally *tally, const struct tally_rule *rule);
void kerf_tally_fini(struct spread_tally *tally);

/* binding_kinds.c */
/** What is remembered of pods like this one, up to date; NULL where nothing may be. The snapshot must be fresh. */
struct pod_kind *kerf_binding_kind_of(struct kerf_binding *binding, const struct kerf_cluster_pod *pod);
/** Tallies for so many constraints. */
struct spread_tally *kerf_kind_tallies(struct spread_tally **tallies, uint32_t *tally_count, uint32_t count);
/**
 * The search of section 6 over all nodes. False, and nothing was changed: none is feasible, and what refuses hangs on several nodes. Else
 * the feasible ones are noted, or those where preemption might help.
 */
bool kerf_kind_search(struct attempt *attempt, uint32_t wanted);
void kerf_binding_kinds_fini(struct kerf_binding *binding);

/* binding_their_terms.c */
/** Brings what pods that are there say of the kind up to date. */
void kerf_their_terms_follow(const struct attempt *attempt, struct pod_kind *kind);
void kerf_their_terms_fini(struct pod_kind *kind);
/** What a required term counts for in scores (HardPodAffinityWeight). */
static inline int64_t kerf_hard_affinity_weight(const struct kerf_scheduler_configuration *configuration)
{
    return configuration->present ? configuration->hard_pod_affinity_weight : 1;
}

/* binding_interpod.c */
void kerf_interpod_begin(struct attempt *attempt);
bool kerf_interpod_filter(const struct attempt *attempt, uint32_t slot, struct refusal *out_refusal);
void kerf_interpod_count_pod(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign);
bool kerf_interpod_score(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores);

/* binding_volumes.c */
void kerf_volumes_begin(struct attempt *attempt);
bool kerf_volumes_filter(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal);

/* binding_score.c */
void kerf_binding_score(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *totals,
                        struct kerf_node_score *explained);

/** Weighted, of the plugins that look at one node alone: their sum. */
int64_t kerf_binding_score_alone(struct attempt *attempt, uint32_t slot);
/** Weights of preferred node affinity that the node meets, not yet normalised. */
int64_t kerf_binding_preferred_of(const struct attempt *attempt, uint32_t slot);

/* binding_preempt.c */
void kerf_binding_preempt(struct attempt *attempt, struct kerf_binding_decision *decision);

#endif
