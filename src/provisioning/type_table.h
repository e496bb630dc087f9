/** Shared by the files of `provisioning`: the instance types of one NodeClass as columns and bitsets, and what lives across passes. */
#ifndef KERF_PROVISIONING_TYPE_TABLE_H
#define KERF_PROVISIONING_TYPE_TABLE_H

#include "provisioning/provisioning.h"
#include "scheduling/scheduling.h"

/**
 * An offering's slot: On-Demand and Spot of each zone, zone after zone, then one for each capacity reservation of the NodeClass. A set of
 * slots is a bitset, so a NodeClass has at most KERF_RESERVED_SLOT_MAX reservations with offerings; the rest by ID are left out.
 */
typedef uint64_t kerf_slots;
enum { KERF_ZONE_SLOTS = 2, KERF_RESERVED_SLOT_MAX = 64 - KERF_ZONE_MAX * KERF_ZONE_SLOTS, KERF_SLOT_MAX = 64 };
static inline kerf_slots kerf_slot_bit(uint32_t slot)
{
    return (kerf_slots)1 << slot;
}

struct kerf_requirement_memo {
    struct kerf_requirement requirement;
    uint64_t hash;
    uint32_t next; /* with the same hash; KERF_NOT_FOUND: none */
    uint64_t *types;
};

struct kerf_slots_memo {
    kerf_slots slots;
    uint64_t *types;    /* with an available offering in one of the slots */
    uint32_t *by_price; /* all types: cheapest available offering of the slots first, none last, equal prices by name; NULL: not
                           yet made */
};

/** Of one resource: what amounts types have, and for each the types that have as much or more. */
struct kerf_fit_rows {
    bool known;
    uint32_t count;
    int64_t *amounts; /* ascending, each once */
    uint64_t *types;  /* a bitset for each */
};

struct kerf_type_table {
    const struct kerf_instance_type *types; /* in order of name */
    uint32_t count;
    uint32_t words;
    int64_t *allocatable[KERF_RESOURCE_MAX]; /* by type; NULL: no type has any */
    int64_t *capacity[KERF_RESOURCE_MAX];
    struct kerf_fit_rows fit_rows[KERF_RESOURCE_MAX]; /* of allocatable; see kerf_type_table_fit_rows */
    uint64_t *negative; /* types with a negative amount: nothing fits there (3.2) */
    uint32_t zone_slot_count; /* slots from here on are reserved ones */
    uint32_t slot_count;
    const struct kerf_offering **offerings;                           /* [type * slot_count + slot]; NULL: none */
    const struct kerf_requirements *slot_requirements[KERF_SLOT_MAX]; /* NULL: no type has that slot */
    uint32_t slot_reservation[KERF_SLOT_MAX]; /* of reserved ones, by index in objects->capacity_reservations */
    uint64_t *available[KERF_SLOT_MAX];                               /* types whose offering there is available now */
    KERF_VEC(struct kerf_requirement_memo) requirement_memos;
    struct kerf_id_map requirement_index;
    KERF_VEC(struct kerf_slots_memo) slots_memos;
};

/** Types that meet one requirement (those that don't know its key included). */
const uint64_t *kerf_type_table_meeting(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                                        const struct kerf_requirement *requirement);
/** Slots whose offerings are compatible with the requirements of a claim. */
kerf_slots kerf_type_table_slots(const struct kerf_vocabulary *vocabulary, const struct kerf_type_table *table,
                               const struct kerf_requirements *requirements);
struct kerf_slots_memo *kerf_type_table_offering(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                                                 kerf_slots slots);
const uint32_t *kerf_type_table_by_price(struct kerf_provisioning_cache *cache, struct kerf_type_table *table, kerf_slots slots);
/** Slots of one capacity type. */
kerf_slots kerf_type_table_slots_of(const struct kerf_type_table *table, enum kerf_capacity_type capacity_type);
/** The cheapest available offering of a type in the slots; NULL: none. */
const struct kerf_offering *kerf_type_table_cheapest(const struct kerf_type_table *table, uint32_t type, kerf_slots slots);
bool kerf_requirement_equal(const struct kerf_requirement *a, const struct kerf_requirement *b);
/** Of a resource that some type has. */
const struct kerf_fit_rows *kerf_type_table_fit_rows(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                                                     uint32_t resource);
/** The first row whose amount suffices; `count` of the rows: none does. */
uint32_t kerf_fit_rows_find(const struct kerf_fit_rows *rows, int64_t amount);
/** The most that any of the types has to allocate; 0: none has any. */
int64_t kerf_type_table_largest(struct kerf_provisioning_cache *cache, struct kerf_type_table *table, uint32_t resource,
                                const uint64_t *types);

/** Domains of one key that one NodePool offers (7.3). */
struct kerf_pool_domains {
    uint32_t nodepool_index;
    kerf_name key;
    const kerf_name *names;
    uint32_t count;
};

/** A pod that runs on a node and counts for topology. */
struct kerf_running_pod {
    uint32_t label_class;
    kerf_pod_id id;
    const struct kerf_cluster_node *node;
};
/** Running pods of one namespace with the same labels. */
struct kerf_running_class {
    const struct kerf_pod *sample;
    uint32_t first;
    uint32_t count;
};

/** What passes over one state of the world share, kept up to date as the world goes on (pass_base.c). */
struct kerf_pass_base {
    struct kerf_arena arena;
    struct kerf_arena listing_arena; /* lists of running pods */
    bool known;
    /* the state that it was made for */
    uint64_t journal_count;
    uint32_t pod_id_bound;
    size_t daemon_pod_count;
    uint64_t offering_generation;
    struct kerf_provisioning_options options;
    uint32_t renewed; /* nodes read again since all was */
    /* what follows: never changed by a pass, which takes copies */
    struct kerf_pass_pool *pools;
    uint32_t pool_count;
    struct kerf_template *templates;
    uint32_t template_count;
    struct kerf_daemon *daemons;
    uint32_t daemon_count;
    bool daemons_differ; /* from the templates of their sets: then they follow from the pods that live now */
    struct kerf_pass_node *nodes; /* left-out ones too */
    uint32_t node_count;
    uint32_t node_capacity;
    uint32_t *position_of; /* by node id; KERF_NOT_FOUND: takes no part */
    uint32_t position_capacity;
    bool has_pool;
    bool tolerate_prefer_no_schedule;
    const struct kerf_cluster_pod *const *anti_affine; /* running pods with required anti-affinity, by UID */
    size_t anti_affine_count;
    bool running_known; /* made when the first group counts */
    const struct kerf_running_pod *running; /* by class */
    struct kerf_running_class *running_classes;
    uint32_t running_class_count;
};

struct kerf_overflow;

struct kerf_provisioning_cache {
    struct kerf_pass_base base;
    struct kerf_overflow *overflow; /* NULL: nobody asked */
    uint64_t offering_generation; /* grows when offerings go out of capacity or come back */
    struct kerf_arena arena;
    struct kerf_arena offering_arena; /* what follows from the offerings available now */
    struct kerf_arena scratch;        /* of one launch request */
    const struct kerf_cluster *cluster;
    struct kerf_type_table *tables; /* by NodeClass; count 0: not yet made */
    uint64_t *unavailable;          /* the offerings out of capacity that `available` was made for */
    size_t unavailable_words;
    uint64_t *open_reservations; /* those with room that it was made for */
    bool has_reserved;           /* some of them, and so some offering */
    KERF_VEC(struct kerf_pool_domains) pool_domains;
    KERF_VEC(kerf_name) placeholders; /* host names of claims in order of opening */
};
struct kerf_type_table *kerf_provisioning_cache_table(struct kerf_provisioning_cache *cache, uint32_t nodeclass_index);
/** Compares the offerings out of capacity with those that the memos were made for. Once a pass. */
void kerf_provisioning_cache_refresh(struct kerf_provisioning_cache *cache);
const struct kerf_pool_domains *kerf_provisioning_cache_domains(struct kerf_provisioning_cache *cache, uint32_t nodepool_index,
                                                                kerf_name key);
kerf_name kerf_provisioning_cache_placeholder(struct kerf_provisioning_cache *cache, uint32_t index);

#endif
