/** Shared by the files of `provisioning`: one pass, and what it keeps of pods, nodes, claims and topology. */
#ifndef KERF_PROVISIONING_INTERNAL_H
#define KERF_PROVISIONING_INTERNAL_H

#include "provisioning/type_table.h"

/* ---- one pass -------------------------------------------------------------------------------------------------------- */

/** What relaxation takes from a pod (4.7): positions in the lists of its spec, in the order that the pod has them now. */
struct kerf_preferences {
    uint32_t required_first; /* required node terms before it are gone */
    uint32_t *preferred_nodes;
    uint32_t preferred_node_count;
    uint32_t *preferred_affinity;
    uint32_t preferred_affinity_count;
    uint32_t *preferred_anti_affinity;
    uint32_t preferred_anti_affinity_count;
    uint32_t *spreads;
    uint32_t spread_count;
    bool tolerates_prefer_no_schedule;
};

struct kerf_group_list {
    uint32_t *items; /* groups of kerf_topology */
    uint32_t count;
};

/** A pod as the pass sees it at the moment, relaxed or not. */
struct kerf_pass_view {
    struct kerf_preferences preferences;
    struct kerf_requirements full;   /* 4.4 */
    struct kerf_requirements strict; /* without the preferred term */
    struct kerf_group_list groups;   /* owned; inverse groups apart */
};

struct kerf_pass_pod {
    kerf_pod_id id;
    const struct kerf_pod *pod;
    const struct kerf_resources *requests;
    struct kerf_pass_view now;
    struct kerf_pass_view original; /* to be restored after a failed turn */
    bool original_has_groups;       /* its topology was looked at (not yet, if its volumes could not be read: Q14) */
    bool can_relax;
    bool has_host_ports;
    bool has_claim_volumes;
    bool volumes_unreadable;
    bool ignores_window;                                 /* closed nodes are open to it (karpenter-disruption 7.2) */
    const struct kerf_requirements *volume_alternatives; /* ORed; none: no restriction */
    uint32_t volume_alternative_count;
    uint32_t label_class;
    struct kerf_group_list inverse; /* groups of its own required anti-affinity */
    uint32_t queue_length;          /* of the queue after it was put back; 0: never (plain) */
    bool has_error;                 /* the last turn failed (plain) */
    bool is_deferred;               /* by a capacity reservation */
    struct kerf_text reason;
};

/** Why a place refused a pod, as far as it is worth remembering. */
enum kerf_refusal_kind {
    KERF_REFUSED_NOW,    /* another time it may take it */
    KERF_REFUSED_EVER,   /* it only fills up: never, unless its requirements get a key that was not defined */
    KERF_REFUSED_BY_HOST /* never, by a group that counts host names */
};
struct kerf_refusal {
    bool asked_ever; /* the caller wants to know it even where that takes another look */
    enum kerf_refusal_kind kind;
    uint32_t group; /* by host */
};

/** Daemon pods that land on the same types of a template (3.3). */
struct kerf_daemon_group {
    uint64_t *types;
    struct kerf_resources overhead;
    const struct kerf_host_port *ports;
    uint32_t port_count;
};

struct kerf_daemon {
    const struct kerf_pod_spec *spec;
    uint32_t first_term; /* required terms before it were dropped (Q9) */
    uint32_t term_count;
    bool tolerates_prefer_no_schedule;
    struct kerf_requirements *terms; /* strict requirements with each term; one without terms */
};

/** A NodePool that the pass considers (1.6). */
struct kerf_pass_pool {
    uint32_t nodepool_index;
    const struct kerf_nodepool *nodepool;
    struct kerf_type_table *table;
    bool has_limits;
    uint32_t limited; /* bits of kerf_resource */
    kerf_i128 remaining[KERF_RESOURCE_MAX];
    bool limits_nodes;
    int64_t remaining_nodes;
    uint64_t *within_limits; /* types whose capacity the rest still holds */
    bool within_limits_known;
};

struct kerf_template {
    struct kerf_pass_pool *pool;
    uint32_t pool_index;
    struct kerf_requirements requirements;
    uint64_t *options;
    kerf_slots slots; /* of `requirements` */
    struct kerf_daemon_group *daemon_groups;
    uint32_t daemon_group_count;
    bool min_values_lowered;
};

struct kerf_volume_use {
    kerf_name driver;
    const struct kerf_pvc *claim;
};

struct kerf_pass_node {
    kerf_node_id id;
    const struct kerf_cluster_node *node;
    kerf_name name;
    bool initialized;
    bool closed;     /* within its consolidateAfter window */
    kerf_time_us window_us; /* that window since the last event of a pod, or since this; 0: none */
    kerf_time_us initialized_epoch_us;
    bool odd_labels; /* labels under old keys that don't agree with the current ones */
    kerf_name hostname;
    const struct kerf_labels *labels;
    struct kerf_taints taints;
    struct kerf_resources remaining;
    struct kerf_requirements requirements; /* made when the labels alone no longer say it; count 0: not made */
    bool ports_known;
    KERF_VEC(struct kerf_host_port) ports;
    const struct kerf_csinode *csinode; /* NULL: no attach limits */
    bool volumes_known;
    KERF_VEC(struct kerf_volume_use) volumes;
    KERF_VEC(kerf_pod_id) placed;
};

enum { KERF_ROOM_RESOURCES = KERF_RESOURCE_PODS + 1 }; /* those that every type has: a claim is first asked for them */

struct kerf_pass_claim {
    /* first what every pod asks every claim: one line of the processor's cache */
    int64_t room[KERF_ROOM_RESOURCES]; /* what the largest option would still take of each */
    uint32_t host_domain;              /* of topology's space of host names; KERF_NOT_FOUND: not yet looked up */
    uint32_t index;                    /* in order of opening */
    kerf_name hostname;
    struct kerf_template *template;
    int64_t largest[KERF_ROOM_RESOURCES]; /* what the largest option holds of each */
    struct kerf_requirements requirements;
    uint64_t *options; /* in a pass that keeps room apart: but for the fit of room resources, until they are settled */
    kerf_slots slots;
    kerf_slots held; /* reserved slots of whose reservations it holds an instance each */
    struct kerf_resources requests;        /* of its pods */
    KERF_VEC(struct kerf_host_port) ports; /* of its pods */
    KERF_VEC(kerf_pod_id) pods;
    bool min_values_relaxed;
    bool largest_known;
    bool room_known;
    bool fits_by_room;                      /* (fast) room resources alone decide which options are left, and one is enough */
    const struct kerf_frontier *frontier; /* (fast) of its options; NULL: not yet known */
};

/** A pod whose claim was given up at truncation (9.2). */
struct kerf_dropped_pod {
    kerf_pod_id pod;
    const char *reason; /* NULL: texts are not wanted */
};

/* ---- topology (section 7) --------------------------------------------------------------------------------------------- */

enum kerf_group_kind { KERF_GROUP_SPREAD, KERF_GROUP_AFFINITY, KERF_GROUP_ANTI_AFFINITY };

/** The domains of one topology key that the pass has met. */
struct kerf_domain_space {
    kerf_name key;
    bool is_hostname;
    struct kerf_name_map index;
    KERF_VEC(kerf_name) names;
    uint32_t *universe;       /* domains that NodePools offer */
    uint64_t *universe_pools; /* by which of the pass's pools: a row of words each */
    uint32_t universe_count;
    uint32_t *node_domains; /* by position among the existing nodes: what a pod there gets; KERF_NOT_FOUND: none */
};

struct kerf_topology_group {
    enum kerf_group_kind kind;
    bool inverse;
    struct kerf_domain_space *space;
    const kerf_name *namespaces; /* sorted */
    uint32_t namespace_count;
    struct kerf_label_selector selector;
    int32_t max_skew;
    int32_t min_domains; /* 0: none */
    /* node filter: spread only */
    bool honors_affinity;
    bool honors_taints;
    const struct kerf_requirements *filter_terms; /* ORed; none: everything passes */
    uint32_t filter_term_count;
    struct kerf_tolerations tolerations;
    bool tolerates_prefer_no_schedule;
    uint64_t identity;
    uint32_t next_same_identity; /* KERF_NOT_FOUND: none */
    /* counts by domain of the space; -1: not known to the group */
    int32_t *counts;
    uint32_t capacity;
    uint32_t known_count;
    uint32_t empty_count;
};

/** Pods of one namespace with the same labels. */
struct kerf_label_class {
    const struct kerf_pod *sample;
    uint64_t hash;
    uint32_t next;
    bool in_pass;               /* some pod of the pass belongs to it */
    KERF_VEC(uint32_t) groups;  /* that select it */
    KERF_VEC(uint32_t) inverse; /* the same among inverse groups */
};

struct kerf_topology {
    KERF_VEC(struct kerf_topology_group *) groups;
    struct kerf_id_map identities; /* of groups that are not inverse: first with that hash */
    struct kerf_id_map inverse_identities;
    KERF_VEC(struct kerf_domain_space *) spaces;
    KERF_VEC(struct kerf_label_class) classes;
    struct kerf_id_map class_index;
    KERF_VEC(kerf_name) namespaces;  /* all, for namespace selectors; empty: not yet listed */
    struct kerf_domain_space *hosts; /* the space of host names; NULL: nobody asked for it */
};

/** A node or claim that is being asked. */
struct kerf_candidate {
    struct kerf_pass_node *node; /* NULL: a claim */
    uint32_t node_position;
    const struct kerf_taints *taints;
    const struct kerf_requirements *requirements; /* NULL: an existing node whose labels say all */
    kerf_name hostname;
    uint32_t host_domain; /* KERF_NOT_FOUND: no group asks for host names */
};

/** What is free on a node of what nearly every pod asks for. */
struct kerf_node_room {
    int64_t cpu_nanocores;
    int64_t memory_millibytes;
};

struct kerf_pass {
    const struct kerf_provisioning_input *input;
    const struct kerf_cluster *cluster;
    const struct kerf_objects *objects;
    struct kerf_vocabulary *vocabulary;
    struct kerf_provisioning_options options;
    struct kerf_provisioning_cache *cache;
    struct kerf_arena arena;   /* of the pass */
    struct kerf_arena scratch; /* of one attempt */

    struct kerf_pass_pool *pools; /* considered and with types, in order of the templates */
    uint32_t pool_count;
    bool has_pool; /* some NodePool is considered, with types or without */
    struct kerf_template *templates;
    uint32_t template_count;
    bool tolerate_prefer_no_schedule; /* some considered pool has such a taint: step 6 of 4.7 */

    struct kerf_daemon *daemons;
    uint32_t daemon_count;
    bool daemons_differ;

    struct kerf_pass_base *base;
    struct kerf_pass_node *nodes;      /* existing ones, in order of the search */
    struct kerf_node_room *node_rooms; /* by node: a first look that stays in the cache */
    uint32_t node_count;

    struct kerf_pass_pod *pods; /* (plain) */
    uint32_t pod_count;
    uint64_t *in_pass; /* bitset by pod id: not counted in topology */

    KERF_VEC(struct kerf_pass_claim *) claims; /* in order of opening */
    uint32_t *search;                          /* their indices in order of the search (5.3) */
    uint32_t *search_keys;                     /* their number of pods */
    uint32_t search_capacity;
    bool search_sorted;

    struct kerf_topology topology;
    bool keeps_room_apart; /* claims' options are settled when all is placed (fast) */
    KERF_VEC(struct kerf_dropped_pod) dropped;
    uint64_t attempts;
    int64_t *reservation_room; /* by capacity reservation, less what claims hold; NULL: not yet asked */
    bool reserved_error;       /* the last claim asked refused for a capacity reservation: the pod is deferred */
    bool stopped; /* at a node that isn't initialized */
    uint32_t refusing_group; /* of topology: where kerf_pass_topology_tighten last failed */
    struct kerf_arena *explain_arena; /* the plan's */
    const struct kerf_explanation *last_attempt; /* of input->explain_attempts_of */
};

/* go_sort.c: Go's sort.Slice on keys, ascending, moving `items` along (appendix A) */
void kerf_go_sort(uint32_t *keys, uint32_t *items, size_t count);

/* pass_base.c */
void kerf_pass_base_init(struct kerf_pass_base *base);
void kerf_pass_base_fini(struct kerf_pass_base *base);
/** Brings the base of the pass's cache up to the world as it is. */
void kerf_pass_base_refresh(struct kerf_pass *pass);
/** Pools, templates and nodes of the pass: copies of what the world's last state gave, without the nodes left out. */
void kerf_pass_take_base(struct kerf_pass *pass);
void kerf_pass_base_list_running(struct kerf_pass *pass);

/* overflow.c: told of every change to the nodes of the base, by their position there */
struct kerf_overflow *kerf_overflow_new(struct kerf_provisioning_cache *cache);
void kerf_overflow_free(struct kerf_overflow *overflow);
void kerf_overflow_node_added(struct kerf_overflow *overflow, uint32_t position);
void kerf_overflow_node_removed(struct kerf_overflow *overflow, uint32_t position);
void kerf_overflow_node_changed(struct kerf_overflow *overflow, uint32_t position);
void kerf_overflow_reset(struct kerf_overflow *overflow); /* all nodes are new */

/* pass_templates.c */
void kerf_pass_list_pools(struct kerf_pass *pass);
/** What limits leave once the pool's nodes are taken off (5.5); nodes that are being deleted or left out are not in the list. */
void kerf_pass_compute_limits(struct kerf_pass *pass, struct kerf_pass_pool *pool);
void kerf_pass_make_templates(struct kerf_pass *pass);
/** What every claim of the pool requires (12.1), the two simulation labels included (3.3). In the arena of the pass. */
struct kerf_requirements kerf_pass_template_requirements(struct kerf_pass *pass, const struct kerf_nodepool *nodepool);
/** Types of the template that the pool's limits still allow (5.4); NULL with a reason in `reason` (may be NULL): none. */
const uint64_t *kerf_pass_options_within_limits(struct kerf_pass *pass, struct kerf_template *template, struct kerf_text *reason);
void kerf_pass_charge_limits(struct kerf_template *template, const uint64_t *options);

/* pass_daemons.c */
void kerf_pass_read_daemons(struct kerf_pass *pass);
/** Does any set's live pod ask for something else than its template? */
bool kerf_pass_daemons_differ(struct kerf_pass *pass);
void kerf_pass_group_daemons(struct kerf_pass *pass, struct kerf_template *template);
/** What daemon pods would ask for on a node, `pods` included. */
struct kerf_resources kerf_pass_daemons_of_node(struct kerf_pass *pass, struct kerf_pass_node *node);
/** The overhead that a finished claim states (9.1, Q10). */
struct kerf_resources kerf_pass_stated_overhead(const struct kerf_template *template, const uint64_t *options);

/* spec_identity.c */
/** Does a DaemonSet's pod ask of nodes what the template asks? */
bool kerf_daemon_specs_same(const struct kerf_pod_spec *live, const struct kerf_pod_spec *template);

/* pass_nodes.c */
/** All that take part, in order of the search; room for them is the caller's. */
void kerf_pass_list_nodes(struct kerf_pass *pass);
bool kerf_pass_considers_node(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
void kerf_pass_read_node(struct kerf_pass *pass, const struct kerf_cluster_node *node, struct kerf_pass_node *out_entry);
/** What is free on it; after the templates, which change the daemon pods (Q9). */
void kerf_pass_fill_node(struct kerf_pass *pass, struct kerf_pass_node *node);
int kerf_pass_compare_nodes(const struct kerf_pass_node *left, const struct kerf_pass_node *right);
bool kerf_pass_node_is_closed(const struct kerf_provisioning_options *options, const struct kerf_pass_node *entry);
bool kerf_pass_add_to_node(struct kerf_pass *pass, struct kerf_pass_pod *pod);
/** One of them, by position. */
bool kerf_pass_try_node(struct kerf_pass *pass, uint32_t position, struct kerf_pass_pod *pod, struct kerf_refusal *refusal);
/** Label of a node as Karpenter's requirements know it: under current keys. NULL: not defined. */
kerf_name kerf_pass_node_label(const struct kerf_pass *pass, const struct kerf_pass_node *node, kerf_name key);
/** Compatible (strict) of a node that is only its labels. */
bool kerf_pass_labels_accept(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_requirements *incoming);
/** The same for plain labels. */
bool kerf_pass_plain_labels_accept(struct kerf_pass *pass, const struct kerf_labels *labels,
                                   const struct kerf_requirements *incoming);
/** The requirements of the node as a list. */
const struct kerf_requirements *kerf_pass_node_requirements(struct kerf_pass *pass, struct kerf_pass_node *node);

bool kerf_pass_node_ports_conflict(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pass_pod *pod);

/** `merged`, copied out of scratch into the pass; items that equal those of `before` are shared with it. */
struct kerf_requirements kerf_pass_keep_requirements(struct kerf_pass *pass, const struct kerf_requirements *before,
                                                     const struct kerf_requirements *merged);

/* pass_claims.c */
bool kerf_pass_add_to_claim(struct kerf_pass *pass, struct kerf_pass_pod *pod);
bool kerf_pass_try_claim(struct kerf_pass *pass, struct kerf_pass_claim *claim, struct kerf_pass_pod *pod,
                         struct kerf_refusal *refusal);
/** A pod that asks nothing of the claim but room, and finds it. */
void kerf_pass_put_on_claim(struct kerf_pass *pass, struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod);
/** Several such pods, by their positions in the input, that topology has nothing to do with. */
void kerf_pass_put_likes(struct kerf_pass *pass, struct kerf_pass_claim *claim, const struct kerf_resources *requests,
                         const uint32_t *positions, uint32_t count);
bool kerf_pass_open_claim(struct kerf_pass *pass, struct kerf_pass_pod *pod, struct kerf_text *reason);
/**
 * A claim for a pod that no topology has to do with: as `like` was opened, of a pool without limits, for a pod that asks the same. It has
 * got others since, but only such.
 */
void kerf_pass_open_like(struct kerf_pass *pass, const struct kerf_pass_claim *like, const struct kerf_pass_pod *pod);
/** A claim of that template for the pod, further restricted. */
struct kerf_opening {
    kerf_name zone;          /* NULL: any */
    const uint64_t *options; /* types that may be listed; NULL: all */
};
bool kerf_pass_open_claim_from(struct kerf_pass *pass, struct kerf_template *template, const struct kerf_opening *opening,
                               struct kerf_pass_pod *pod);
bool kerf_pass_tolerates(const struct kerf_pass_pod *pod, const struct kerf_taints *taints);

/* pass_reservations.c (6.5) */
/** Which reserved slots the claim would hold with these options and slots; false: it may not take the pod, `reason` (may be NULL) says why. */
bool kerf_pass_find_reserved(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const uint64_t *options, kerf_slots slots,
                             kerf_slots *out_held, struct kerf_text *reason);
void kerf_pass_hold_reserved(struct kerf_pass *pass, struct kerf_pass_claim *claim, kerf_slots held);
/** A finished claim that holds reservations is launched into one of them or not at all (9.1). */
void kerf_pass_settle_reserved(struct kerf_pass *pass, struct kerf_pass_claim *claim);

/* pass_filter.c */
struct kerf_filter {
    struct kerf_template *template;
    const uint64_t *options;
    const struct kerf_requirements *before; /* requirements that all options meet already; NULL: none */
    kerf_slots slots_before;                /* of `before` */
    struct kerf_requirements *requirements; /* minValues may be lowered */
    const struct kerf_resources *requests;
    const struct kerf_pass_pod *pod;    /* NULL: none */
    const struct kerf_host_port *ports; /* of the claim's pods */
    size_t port_count;
    bool lower_min_values;
    uint64_t *room_apart; /* NULL: not asked; else memory of the caller for an answer */
    /* answers */
    uint64_t *remaining; /* room for it: the caller's */
    /* room_apart: options of which `remaining` are those that have room enough, now and with whatever more is asked of cpu, memory,
     * storage and pods */
    kerf_slots slots;
    bool min_values_lowered;
};
/** Section 6.2. False: no type is left; then `reason`, if given, says why (6.3). */
bool kerf_pass_filter_types(struct kerf_pass *pass, struct kerf_filter *filter, struct kerf_text *reason);
/** Of a claim's options those that hold what it asks. */
void kerf_pass_settle_options(struct kerf_pass *pass, struct kerf_pass_claim *claim);
/** Number of types needed, in the order of `types`, to satisfy all minValues (4.5); false: not satisfied by all of them. */
bool kerf_min_values_met(const struct kerf_requirements *requirements, const struct kerf_instance_type *const *types,
                         size_t type_count, kerf_name *out_key, uint32_t *out_observed);

/* pass_refusal.c: texts */
void kerf_text_append_requirement(struct kerf_text *text, const struct kerf_requirement *requirement);
void kerf_text_append_requirements(struct kerf_text *text, const struct kerf_requirements *requirements);
void kerf_text_append_resources(struct kerf_text *text, const struct kerf_vocabulary *vocabulary,
                                const struct kerf_resources *resources);
void kerf_text_append_incompatible(struct kerf_text *text, const struct kerf_requirements *node,
                                   const struct kerf_requirements *incoming, kerf_name key);
void kerf_text_append_taint(struct kerf_text *text, const struct kerf_taint *taint);

/* pass_topology.c: groups and what they count */
/** Of pods in the order of the input, or of a sample of each kind: the one with the first UID of its kind. */
void kerf_pass_init_topology(struct kerf_pass *pass, struct kerf_pass_pod **pods, size_t count);
void kerf_pass_fini_topology(struct kerf_pass *pass);
/** Ownership of the pod as it is now; makes groups that are not yet known (7.1). */
void kerf_pass_update_topology(struct kerf_pass *pass, struct kerf_pass_pod *pod);

/* pass_counts.c: domains, and what is in them */
struct kerf_domain_space *kerf_pass_domain_space(struct kerf_pass *pass, kerf_name key);
uint32_t kerf_pass_label_class(struct kerf_pass *pass, const struct kerf_pod *pod);
/** Domains of active nodes, and the pods that run there (7.3). */
void kerf_group_count_bound(struct kerf_pass *pass, struct kerf_topology_group *group);
void kerf_pass_register_host(struct kerf_pass *pass, kerf_name hostname);
/** Keeps what was looked up in `*host_domain`. */
uint32_t kerf_pass_host_domain(const struct kerf_pass *pass, kerf_name hostname, uint32_t *host_domain);
uint32_t kerf_domain_space_find(const struct kerf_domain_space *space, kerf_name domain);
uint32_t kerf_domain_space_enter(struct kerf_domain_space *space, kerf_name domain);
bool kerf_group_selects(const struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pod *pod);
bool kerf_group_filter_passes(struct kerf_pass *pass, const struct kerf_topology_group *group,
                              const struct kerf_candidate *candidate);
void kerf_group_record(struct kerf_topology_group *group, uint32_t domain);
void kerf_group_register(struct kerf_topology_group *group, uint32_t domain);
static inline int32_t kerf_group_count(const struct kerf_topology_group *group, uint32_t domain)
{
    return domain < group->capacity ? group->counts[domain] : -1;
}

/* pass_domains.c: which domains a pod may take */
bool kerf_pass_has_topology(const struct kerf_pass *pass, const struct kerf_pass_pod *pod);
/** For an existing node that is only its labels. */
bool kerf_pass_topology_accepts_node(struct kerf_pass *pass, const struct kerf_pass_pod *pod,
                                     const struct kerf_candidate *candidate, bool *out_needs_requirements,
                                     struct kerf_refusal *refusal);
/** A quick no for a claim: its host name alone. KERF_NOT_FOUND: go on asking; else the group that refuses. */
uint32_t kerf_pass_topology_refusing_host(struct kerf_pass *pass, const struct kerf_pass_pod *pod, kerf_name hostname,
                                          uint32_t host_domain);
/** A group of host names that refuses a host refuses it ever after: all but affinity, which may find a friend there later. */
static inline bool kerf_group_refuses_for_good(const struct kerf_topology_group *group)
{
    return group->space->is_hostname && group->kind != KERF_GROUP_AFFINITY;
}
/** Merges what topology demands into `requirements` (7.4, 7.5), in scratch. False: no domain; `reason` may be NULL. */
bool kerf_pass_topology_tighten(struct kerf_pass *pass, const struct kerf_pass_pod *pod, const struct kerf_candidate *candidate,
                                const struct kerf_requirements *requirements, struct kerf_requirements *out_demanded,
                                struct kerf_text *reason);
void kerf_pass_topology_record(struct kerf_pass *pass, const struct kerf_pass_pod *pod, const struct kerf_candidate *candidate);

/* pass_relaxation.c */
void kerf_pass_read_pod(struct kerf_pass *pass, struct kerf_pass_pod *pod);
/** One step of 4.7; false: nothing is left. */
bool kerf_pass_relax(struct kerf_pass *pass, struct kerf_pass_pod *pod);
void kerf_pass_restore(struct kerf_pass *pass, struct kerf_pass_pod *pod);

/* pass_volumes.c */
void kerf_pass_read_volumes(struct kerf_pass *pass, struct kerf_pass_pod *pod);
bool kerf_pass_volumes_within_limits(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pass_pod *pod);
void kerf_pass_attach_volumes(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pass_pod *pod);

/* pod_validation.c (1.2): NULL: valid; else why not, in `arena` */
const char *kerf_pod_validate(const struct kerf_cluster *cluster, const struct kerf_pod *pod, struct kerf_arena *arena);

/* pass_finish.c (9.1 to 9.3) */
/** `left`: what the queue still held, in its order; texts are copied. */
void kerf_pass_finish(struct kerf_pass *pass, struct kerf_plan *plan, const struct kerf_plan_refusal *left, size_t left_count);

/* provisioning.c */
/** A pass with its pods read and its topology known, and nothing placed (plain). */
void kerf_pass_start(struct kerf_pass *pass, const struct kerf_provisioning_input *input);
void kerf_pass_end(struct kerf_pass *pass);

/* packed.c: places what it can of the queue of a plain pass; the rest stays in the queue, in its order */
void kerf_packed_place(struct kerf_pass *pass, uint32_t *queue, size_t *queue_count);

/* plain.c: the engine. What is left in the queue, in its order; in the arena of the pass, texts until kerf_plain_fini */
const struct kerf_plan_refusal *kerf_plain_solve(struct kerf_pass *pass, size_t *out_left_count);
/** Reads the pods of the input and their topology, without placing any. */
void kerf_plain_read(struct kerf_pass *pass);
void kerf_plain_fini(struct kerf_pass *pass);

/* explain.c: why pods stay; after kerf_pass_finish */
void kerf_pass_explain(struct kerf_pass *pass, struct kerf_plan *plan);
/** Before an attempt of input->explain_attempts_of (plain engine): what each place will say. */
void kerf_pass_explain_attempt(struct kerf_pass *pass, struct kerf_pass_pod *pod);

/* spec_identity.c */
uint64_t kerf_requests_hash(uint64_t hash, const struct kerf_resources *requests);
/** The specs ask the same of a pass, volumes aside. */
bool kerf_pod_specs_ask_the_same(const struct kerf_pod_spec *a, const struct kerf_pod_spec *b);

/* provisioning.c */
extern const char kerf_no_pool_reason[];
extern const char kerf_dra_reason[];
static inline bool kerf_pass_is_out_of_attempts(const struct kerf_pass *pass)
{
    return pass->options.attempt_limit != 0 && pass->attempts >= pass->options.attempt_limit;
}

/* bitsets of types */
static inline bool kerf_types_any(const uint64_t *types, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if (types[i] != 0)
            return true;
    return false;
}
#define KERF_FOR_TYPES(index, bits, words)                                                                                       \
    for (uint32_t kerf_word_ = 0; kerf_word_ < (words); kerf_word_++)                                                            \
        for (uint64_t kerf_rest_ = (bits)[kerf_word_];                                                                           \
             kerf_rest_ != 0 && ((index) = kerf_word_ * 64 + (uint32_t)__builtin_ctzll(kerf_rest_), true);                       \
             kerf_rest_ &= kerf_rest_ - 1)

#endif
