/** Shared by the files of `cluster`: how entries, pods and what is counted about them lie in memory. */
#ifndef KERF_CLUSTER_INTERNAL_H
#define KERF_CLUSTER_INTERNAL_H

#include "cluster/cluster.h"

/* ---- slots: memory that is used again under ids that are not (cluster_tables.c) ----------------------------------------------
 */

/** Items never move. A dead id costs the four bytes that say so. */
struct slot_table {
    size_t item_bytes;
    unsigned char **chunks;
    uint32_t chunk_count;
    uint32_t slot_count; /* slots ever used */
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t free_capacity;
    uint32_t *slot_of_id; /* KERF_NOT_FOUND: gone */
    uint32_t id_bound;
    uint32_t id_capacity;
};
void kerf_cluster_slot_table_init(struct slot_table *table, size_t item_bytes);
void kerf_cluster_slot_table_fini(struct slot_table *table);
/** A slot under a new id. What the slot's last holder left is still there (its vecs are used again); zero the first time. */
uint32_t kerf_cluster_slot_table_take(struct slot_table *table, uint32_t *out_slot);
void kerf_cluster_slot_table_release(struct slot_table *table, uint32_t id);
enum { SLOT_CHUNK_ITEMS = 64 };
static inline void *kerf_cluster_slot_table_item(const struct slot_table *table, uint32_t slot)
{
    return table->chunks[slot / SLOT_CHUNK_ITEMS] + (slot % SLOT_CHUNK_ITEMS) * table->item_bytes;
}
static inline uint32_t slot_table_slot(const struct slot_table *table, uint32_t id)
{
    return id < table->id_bound ? table->slot_of_id[id] : KERF_NOT_FOUND;
}

/**
 * Slots in order of appearance. Removal leaves a hole; holes are closed when somebody reads beyond the first of them, or when
 * they outnumber what is left. So adding and removing are O(1), a walk costs its length, and the order is the same on every run.
 */
struct slot_order {
    uint32_t *items; /* KERF_NOT_FOUND: hole */
    uint32_t begin;  /* holes before it have been passed */
    uint32_t end;
    uint32_t capacity;
    uint32_t count;
    uint32_t first_hole; /* == end: none */
    uint32_t *places;    /* by slot: index in items; KERF_NOT_FOUND: not here */
    uint32_t place_capacity;
};
void kerf_cluster_slot_order_fini(struct slot_order *order);
void kerf_cluster_slot_order_add(struct slot_order *order, uint32_t slot);
void kerf_cluster_slot_order_remove(struct slot_order *order, uint32_t slot); /* asserts that it is there */
bool kerf_cluster_slot_order_has(const struct slot_order *order, uint32_t slot);
uint32_t kerf_cluster_slot_order_at(struct slot_order *order, size_t at);

/** Look-ups by content that two hashes could confuse: the caller compares. Values are never removed one by one. */
struct content_index {
    struct content_index_cell {
        uint64_t hash;
        uint32_t value;
        bool used;
    } * cells;
    uint32_t count;
    uint32_t capacity;
};
typedef bool (*content_equal)(const void *context, uint32_t value);
void kerf_cluster_content_index_fini(struct content_index *index);
void kerf_cluster_content_index_clear(struct content_index *index);
uint32_t kerf_cluster_content_index_find(const struct content_index *index, uint64_t hash, content_equal equal,
                                         const void *context);
void kerf_cluster_content_index_put(struct content_index *index, uint64_t hash, uint32_t value);
static inline uint64_t hash_names(kerf_name a, kerf_name b)
{
    return kerf_hash_mix(a ? a->hash + 1u : 0, b ? b->hash + 1u : 0);
}

/* ---- entries and pods
 * ------------------------------------------------------------------------------------------------------------ */

struct entry {
    struct kerf_cluster_node node; /* first: a pointer to it is a pointer to the entry */
    uint32_t slot;
    bool registered; /* as Karpenter sees it; kept so that look-ups don't read labels */
    bool initialized;
    bool ready;
    bool overcommitted;   /* read so, or its allocatable shrank: the sums need not fit */
    kerf_pod_id *pod_ids; /* node.pods */
    struct kerf_arena arena;
    bool has_arena;
    KERF_VEC(struct kerf_condition) claim_conditions; /* what the conditions of the halves point to once they were set here */
    KERF_VEC(struct kerf_condition) node_conditions;
    KERF_VEC(struct kerf_taint) node_taints;
    KERF_VEC(kerf_name) attached; /* node.attached */
};

/** A pod's status once it was changed here. */
struct own_status {
    struct kerf_pod_status now;
    struct kerf_condition *conditions; /* what now.conditions points to once one was set */
    size_t condition_capacity;
};

struct pod_entry {
    struct kerf_cluster_pod pod; /* first */
    uint32_t slot;
    uint32_t budgets;    /* of cluster->budget_sets: the PDBs that select it */
    uint32_t controller; /* of cluster->controllers; KERF_NOT_FOUND: none that has replicas */
    bool daemon;
    bool counted_healthy; /* in its PDBs */
    bool counted_room;    /* in the requests of its node */
    struct own_status *status; /* NULL: no pod in this slot needed one yet */
};

/* A million pods that wait, their names and the tables included, and a pass over them stay below 300 MB (bench_provisioning). */
_Static_assert(sizeof(struct pod_entry) <= 160, "what a pod seldom has lies behind a pointer");

/* ---- PDBs
 * ---------------------------------------------------------------------------------------------------------------------------- */

struct budget_count {
    int64_t pods;            /* that match */
    int64_t healthy;         /* ready and not terminating */
    int64_t replicas;        /* of the distinct controllers of known size */
    int64_t pods_of_unknown; /* whose controller's size wasn't read: it counts as just these */
};

/** A set of PDBs that select the same pods; the empty set is number 0. */
struct budget_set {
    const uint32_t *pdbs;
    uint32_t count;
};

/** What PDBs count replicas of: a Deployment, not its ReplicaSets. */
struct pod_controller {
    kerf_name namespace_name;
    kerf_name kind;
    kerf_name name;
    int64_t replicas;        /* -1: not known */
    uint32_t workload_index; /* KERF_NOT_FOUND: not read */
};

/** PDB sets found for (namespace, labels) so far. */
struct labels_memo {
    kerf_name namespace_name;
    struct kerf_labels labels; /* a copy */
    uint32_t budgets;
};

/* ---- the world
 * ------------------------------------------------------------------------------------------------------------------------- */

#define LISTENERS_MAX 24
#define JOURNAL_LENGTH 8192u /* a power of two */

struct kerf_cluster {
    const struct kerf_objects *objects;
    const struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary;
    struct kerf_arena arena;
    struct kerf_instance_types *types_of_nodeclass;
    uint32_t *nodeclass_of_pool;
    kerf_time_us now_epoch_us;

    struct slot_table nodes;
    struct slot_table pods;
    struct kerf_arena next_arena; /* of the entry to come, if somebody asked for it */
    bool has_next_arena;
    struct slot_order *node_order; /* pointers: reading closes holes */
    struct slot_order *pod_order;
    struct slot_order *pending_order;
    struct slot_order *nominated_order;
    struct slot_order *ended_order; /* terminal pods that never had a node */
    struct slot_order *daemon_order;
    struct slot_order *anti_affine_order;
    struct kerf_name_map node_by_name;
    struct kerf_name_map claim_by_name;
    struct kerf_name_map node_by_provider_id;
    uint64_t appearance_count;

    struct kerf_name_map nodepool_by_name;
    struct kerf_name_map nodeclass_by_name;
    struct kerf_name_map nodegroup_by_name;
    struct kerf_name_map pv_by_name;
    struct kerf_name_map storage_class_by_name;
    struct kerf_name_map csinode_by_name;
    struct kerf_name_map namespace_by_name;
    struct content_index pvcs;
    struct content_index workloads;
    KERF_VEC(struct claim_record *) claim_records; /* cluster_claims.c; NULL: gone */
    size_t claim_gaps;
    struct content_index claim_record_index;
    struct kerf_name_map recorded_volumes; /* index in claim_records */

    bool budgets_counted;                           /* statuses that were read no longer count */
    struct budget_count *budget_counts;             /* by PDB */
    struct kerf_name_map first_budget_of_namespace; /* of next_budget: PDBs of a namespace in a list */
    uint32_t *next_budget;
    KERF_VEC(struct budget_set) budget_sets;
    KERF_VEC(struct pod_controller) controllers;
    int64_t *workload_replicas;
    int32_t *group_sizes; /* desired capacity by node group */
    struct content_index controller_index;
    struct kerf_id_map budget_controller_pods; /* PDB << 32 | controller -> number of pods */
    KERF_VEC(struct labels_memo) labels_memos;
    struct content_index labels_memo_index;
    struct kerf_arena labels_memo_arena;

    int64_t *reservation_room; /* by capacity reservation */
    uint64_t *unavailable_bits;
    kerf_time_us *unavailable_until_epoch_us; /* by offering, where the bit is set; NULL before the first */
    struct consolidation_state { /* a pointer: reading renews it */
        kerf_time_us at_epoch_us;
        bool was_read; /* since it was set: the next change at the same instant must differ */
    } * consolidation_state;

    struct {
        kerf_cluster_listener function;
        void *context;
    } listeners[LISTENERS_MAX];
    uint32_t listener_count;
    bool telling; /* listeners are running: the world must not change */
    uint64_t journal_count;
    kerf_node_id *journal;
};

static inline struct entry *entry_of(const struct kerf_cluster *cluster, kerf_node_id id)
{
    uint32_t slot = slot_table_slot(&cluster->nodes, id.index);
    return slot == KERF_NOT_FOUND ? NULL : kerf_cluster_slot_table_item(&cluster->nodes, slot);
}
static inline struct pod_entry *pod_entry_of(const struct kerf_cluster *cluster, kerf_pod_id id)
{
    uint32_t slot = slot_table_slot(&cluster->pods, id.index);
    return slot == KERF_NOT_FOUND ? NULL : kerf_cluster_slot_table_item(&cluster->pods, slot);
}
struct entry *kerf_cluster_require_entry(const struct kerf_cluster *cluster, kerf_node_id id);        /* asserts that it lives */
struct pod_entry *kerf_cluster_require_pod_entry(const struct kerf_cluster *cluster, kerf_pod_id id); /* asserts that it lives */

/** Writes the journal and calls the listeners. */
void kerf_cluster_tell(struct kerf_cluster *cluster, enum kerf_change_kind kind, kerf_node_id node, kerf_pod_id pod);
static inline void assert_may_change(const struct kerf_cluster *cluster)
{
    KERF_ASSERT(!cluster->telling);
}

/* cluster_nodes.c */
void kerf_cluster_entry_free(struct entry *entry);
void kerf_cluster_node_take_room(struct entry *entry, struct pod_entry *pod, bool as_read);
void kerf_cluster_node_give_room(struct kerf_cluster *cluster, struct entry *entry, struct pod_entry *pod);
void kerf_cluster_node_check_room(const struct kerf_cluster *cluster,
                                  const struct entry *entry); /* asserts that sums agree and fit */
/** Copies conditions into the vec with one set; true if the status changed. */
bool kerf_cluster_conditions_set(struct kerf_conditions *conditions, struct kerf_condition **items, size_t *count,
                                 size_t *capacity, struct kerf_condition condition);

/* cluster_pods.c */
void kerf_cluster_pod_entry_free(struct pod_entry *pod);

/* cluster_lookup.c */
void kerf_cluster_lookups_build(struct kerf_cluster *cluster);
void kerf_cluster_lookups_fini(struct kerf_cluster *cluster);
/* cluster_claims.c: what became of a claim or volume since the start; NULL: nothing */
const struct kerf_pvc *kerf_cluster_record_of_claim(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name);
const struct kerf_pv *kerf_cluster_record_of_volume(const struct kerf_cluster *cluster, kerf_name name);
void kerf_cluster_claims_fini(struct kerf_cluster *cluster);

/** The workload whose template the pod came from, found from its owners; KERF_NOT_FOUND. */
uint32_t kerf_cluster_find_workload_of_pod(const struct kerf_cluster *cluster, const struct kerf_pod *pod);

/* cluster_budgets.c */
void kerf_cluster_budgets_build(struct kerf_cluster *cluster);
void kerf_cluster_budgets_fini(struct kerf_cluster *cluster);
void kerf_cluster_budgets_add_pod(struct kerf_cluster *cluster, struct pod_entry *pod);
void kerf_cluster_budgets_refresh_pod(struct kerf_cluster *cluster, struct pod_entry *pod); /* after its state changed */
void kerf_cluster_budgets_remove_pod(struct kerf_cluster *cluster, struct pod_entry *pod);
uint32_t kerf_cluster_budgets_find_set(struct kerf_cluster *cluster, kerf_name namespace_name, const struct kerf_labels *labels);
void kerf_cluster_budgets_check(const struct kerf_cluster *cluster);

#endif
