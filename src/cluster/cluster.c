/** The world as a whole: made, freed, filled from objects; walking it; listeners and the journal; offerings out of capacity. */
#include "cluster_internal.h"

#include <stdlib.h>

/** Reading the consolidation state renews it at this age (karpenter-disruption 1.4). */
#define CONSOLIDATION_STATE_AGE_US (5 * KERF_MINUTE_US)

struct kerf_cluster *kerf_cluster_new(const struct kerf_objects *objects, const struct kerf_catalog *catalog,
                                      struct kerf_instance_options instance_options, struct kerf_vocabulary *vocabulary)
{
    struct kerf_cluster *cluster = kerf_allocate(sizeof *cluster);
    cluster->objects = objects;
    cluster->catalog = catalog;
    cluster->vocabulary = vocabulary;
    kerf_arena_init(&cluster->arena);
    cluster->now_epoch_us = objects->newest_epoch_us == KERF_TIME_UNSET ? 0 : objects->newest_epoch_us;
    kerf_cluster_slot_table_init(&cluster->nodes, sizeof(struct entry));
    kerf_cluster_slot_table_init(&cluster->pods, sizeof(struct pod_entry));
    cluster->node_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->pod_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->pending_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->nominated_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->ended_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->daemon_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->anti_affine_order = KERF_NEW(&cluster->arena, struct slot_order);
    cluster->consolidation_state = KERF_NEW(&cluster->arena, struct consolidation_state);
    cluster->consolidation_state->at_epoch_us = cluster->now_epoch_us;
    cluster->journal = KERF_NEW_ARRAY(&cluster->arena, kerf_node_id, JOURNAL_LENGTH);
    if (catalog)
        cluster->unavailable_bits =
            KERF_NEW_ARRAY(&cluster->arena, uint64_t, kerf_bitset_words(kerf_catalog_offering_count(catalog)) + 1);

    cluster->reservation_room = KERF_NEW_ARRAY(&cluster->arena, int64_t, objects->capacity_reservations.count);
    for (size_t i = 0; i < objects->capacity_reservations.count; i++)
        cluster->reservation_room[i] = objects->capacity_reservations.items[i].available_count;
    kerf_cluster_lookups_build(cluster);
    kerf_cluster_budgets_build(cluster);

    cluster->types_of_nodeclass = KERF_NEW_ARRAY(&cluster->arena, struct kerf_instance_types, objects->nodeclasses.count);
    for (size_t i = 0; catalog && i < objects->nodeclasses.count; i++)
        cluster->types_of_nodeclass[i] =
            kerf_catalog_list_types(catalog, &objects->nodeclasses.items[i], instance_options, vocabulary, &cluster->arena);
    cluster->nodeclass_of_pool = KERF_NEW_ARRAY(&cluster->arena, uint32_t, objects->nodepools.count);
    for (size_t i = 0; i < objects->nodepools.count; i++) {
        kerf_name name = objects->nodepools.items[i].nodeclass.name;
        cluster->nodeclass_of_pool[i] = name ? kerf_name_map_get(&cluster->nodeclass_by_name, name) : KERF_NOT_FOUND;
    }
    return cluster;
}

void kerf_cluster_free(struct kerf_cluster *cluster)
{
    if (!cluster)
        return;
    for (uint32_t slot = 0; slot < cluster->nodes.slot_count; slot++)
        kerf_cluster_entry_free(kerf_cluster_slot_table_item(&cluster->nodes, slot));
    for (uint32_t slot = 0; slot < cluster->pods.slot_count; slot++)
        kerf_cluster_pod_entry_free(kerf_cluster_slot_table_item(&cluster->pods, slot));
    if (cluster->has_next_arena)
        kerf_arena_fini(&cluster->next_arena);
    kerf_cluster_slot_table_fini(&cluster->nodes);
    kerf_cluster_slot_table_fini(&cluster->pods);
    kerf_cluster_slot_order_fini(cluster->node_order);
    kerf_cluster_slot_order_fini(cluster->pod_order);
    kerf_cluster_slot_order_fini(cluster->pending_order);
    kerf_cluster_slot_order_fini(cluster->nominated_order);
    kerf_cluster_slot_order_fini(cluster->ended_order);
    kerf_cluster_slot_order_fini(cluster->daemon_order);
    kerf_cluster_slot_order_fini(cluster->anti_affine_order);
    kerf_name_map_fini(&cluster->node_by_name);
    kerf_name_map_fini(&cluster->claim_by_name);
    kerf_name_map_fini(&cluster->node_by_provider_id);
    kerf_cluster_lookups_fini(cluster);
    kerf_cluster_claims_fini(cluster);
    kerf_cluster_budgets_fini(cluster);
    kerf_arena_fini(&cluster->arena);
    free(cluster);
}

void kerf_cluster_add_objects(struct kerf_cluster *cluster)
{
    const struct kerf_objects *objects = cluster->objects;
    for (size_t i = 0; i < objects->nodes.count; i++) /* nodes first: kube-scheduler knows them in the order of the input */
        kerf_cluster_add_node(cluster, &objects->nodes.items[i]);
    for (size_t i = 0; i < objects->nodeclaims.count; i++)
        kerf_cluster_add_claim(cluster, &objects->nodeclaims.items[i]);
    for (size_t i = 0; i < objects->pods.count; i++)
        kerf_cluster_add_pod(cluster, &objects->pods.items[i],
                             kerf_cluster_find_workload_of_pod(cluster, &objects->pods.items[i]));
}

/* ---- reading
 * ---------------------------------------------------------------------------------------------------------------------- */

const struct kerf_objects *kerf_cluster_objects(const struct kerf_cluster *cluster)
{
    return cluster->objects;
}
const struct kerf_catalog *kerf_cluster_catalog(const struct kerf_cluster *cluster)
{
    return cluster->catalog;
}
struct kerf_vocabulary *kerf_cluster_vocabulary(const struct kerf_cluster *cluster)
{
    return cluster->vocabulary;
}

const struct kerf_instance_types *kerf_cluster_instance_types(const struct kerf_cluster *cluster, uint32_t nodeclass_index)
{
    KERF_ASSERT(nodeclass_index < cluster->objects->nodeclasses.count);
    return &cluster->types_of_nodeclass[nodeclass_index];
}

uint32_t kerf_cluster_nodeclass_of_pool(const struct kerf_cluster *cluster, uint32_t nodepool_index)
{
    KERF_ASSERT(nodepool_index < cluster->objects->nodepools.count);
    return cluster->nodeclass_of_pool[nodepool_index];
}

struct entry *kerf_cluster_require_entry(const struct kerf_cluster *cluster, kerf_node_id id)
{
    struct entry *entry = entry_of(cluster, id);
    KERF_ASSERT(entry != NULL);
    return entry;
}

struct pod_entry *kerf_cluster_require_pod_entry(const struct kerf_cluster *cluster, kerf_pod_id id)
{
    struct pod_entry *entry = pod_entry_of(cluster, id);
    KERF_ASSERT(entry != NULL);
    return entry;
}

size_t kerf_cluster_node_count(const struct kerf_cluster *cluster)
{
    return cluster->node_order->count;
}

const struct kerf_cluster_node *kerf_cluster_node_at(const struct kerf_cluster *cluster, size_t at)
{
    const struct entry *entry =
        kerf_cluster_slot_table_item(&cluster->nodes, kerf_cluster_slot_order_at(cluster->node_order, at));
    return &entry->node;
}

const struct kerf_cluster_node *kerf_cluster_node(const struct kerf_cluster *cluster, kerf_node_id id)
{
    const struct entry *entry = entry_of(cluster, id);
    return entry ? &entry->node : NULL;
}

const struct kerf_cluster_node *kerf_cluster_find_node(const struct kerf_cluster *cluster, kerf_name name)
{
    if (!name)
        return NULL;
    uint32_t id = kerf_name_map_get(&cluster->node_by_name, name);
    if (id != KERF_NOT_FOUND)
        return kerf_cluster_node(cluster, (kerf_node_id){id});
    id = kerf_name_map_get(&cluster->claim_by_name, name);
    const struct entry *entry = id == KERF_NOT_FOUND ? NULL : entry_of(cluster, (kerf_node_id){id});
    return entry && !entry->registered ? &entry->node : NULL;
}

uint32_t kerf_cluster_node_id_bound(const struct kerf_cluster *cluster)
{
    return cluster->nodes.id_bound;
}

static const struct kerf_cluster_pod *pod_of_order(const struct kerf_cluster *cluster, struct slot_order *order, size_t at)
{
    const struct pod_entry *entry = kerf_cluster_slot_table_item(&cluster->pods, kerf_cluster_slot_order_at(order, at));
    return &entry->pod;
}

size_t kerf_cluster_pod_count(const struct kerf_cluster *cluster)
{
    return cluster->pod_order->count;
}
const struct kerf_cluster_pod *kerf_cluster_pod_at(const struct kerf_cluster *cluster, size_t at)
{
    return pod_of_order(cluster, cluster->pod_order, at);
}
const struct kerf_cluster_pod *kerf_cluster_pod(const struct kerf_cluster *cluster, kerf_pod_id id)
{
    const struct pod_entry *entry = pod_entry_of(cluster, id);
    return entry ? &entry->pod : NULL;
}
uint32_t kerf_cluster_pod_id_bound(const struct kerf_cluster *cluster)
{
    return cluster->pods.id_bound;
}
size_t kerf_cluster_pending_count(const struct kerf_cluster *cluster)
{
    return cluster->pending_order->count;
}
const struct kerf_cluster_pod *kerf_cluster_pending_at(const struct kerf_cluster *cluster, size_t at)
{
    return pod_of_order(cluster, cluster->pending_order, at);
}
size_t kerf_cluster_ended_unbound_count(const struct kerf_cluster *cluster)
{
    return cluster->ended_order->count;
}
const struct kerf_cluster_pod *kerf_cluster_ended_unbound_at(const struct kerf_cluster *cluster, size_t at)
{
    return pod_of_order(cluster, cluster->ended_order, at);
}
size_t kerf_cluster_nominated_count(const struct kerf_cluster *cluster)
{
    return cluster->nominated_order->count;
}
const struct kerf_cluster_pod *kerf_cluster_nominated_at(const struct kerf_cluster *cluster, size_t at)
{
    return pod_of_order(cluster, cluster->nominated_order, at);
}

size_t kerf_cluster_daemon_pod_count(const struct kerf_cluster *cluster)
{
    return cluster->daemon_order->count;
}
const struct kerf_cluster_pod *kerf_cluster_daemon_pod_at(const struct kerf_cluster *cluster, size_t at)
{
    return pod_of_order(cluster, cluster->daemon_order, at);
}
size_t kerf_cluster_anti_affine_count(const struct kerf_cluster *cluster)
{
    return cluster->anti_affine_order->count;
}
const struct kerf_cluster_pod *kerf_cluster_anti_affine_at(const struct kerf_cluster *cluster, size_t at)
{
    return pod_of_order(cluster, cluster->anti_affine_order, at);
}

/* ---- time and consolidation
 * ---------------------------------------------------------------------------------------------------- */

void kerf_cluster_set_now(struct kerf_cluster *cluster, kerf_time_us now_epoch_us)
{
    cluster->now_epoch_us = now_epoch_us;
}
kerf_time_us kerf_cluster_now(const struct kerf_cluster *cluster)
{
    return cluster->now_epoch_us;
}

kerf_time_us kerf_cluster_consolidation_state(const struct kerf_cluster *cluster)
{
    struct consolidation_state *state = cluster->consolidation_state;
    if (cluster->now_epoch_us - state->at_epoch_us >= CONSOLIDATION_STATE_AGE_US)
        state->at_epoch_us = cluster->now_epoch_us;
    state->was_read = true;
    return state->at_epoch_us;
}

void kerf_cluster_advance_consolidation_state(struct kerf_cluster *cluster)
{
    struct consolidation_state *state = cluster->consolidation_state;
    if (cluster->now_epoch_us > state->at_epoch_us)
        state->at_epoch_us = cluster->now_epoch_us;
    else if (state->was_read)
        state->at_epoch_us++;
    state->was_read = false;
}

/* ---- offerings out of capacity
 * --------------------------------------------------------------------------------------------------- */

const uint64_t *kerf_cluster_unavailable_offerings(const struct kerf_cluster *cluster)
{
    return cluster->unavailable_bits;
}

int64_t kerf_cluster_reservation_room(const struct kerf_cluster *cluster, uint32_t reservation)
{
    /* A capacity block counts as expiring so long before its end (aws-instance-model.md 6.2). */
    static const kerf_time_us capacity_block_expiry_us = 40 * KERF_MINUTE_US;
    KERF_ASSERT(reservation < cluster->objects->capacity_reservations.count);
    const struct kerf_capacity_reservation *facts = &cluster->objects->capacity_reservations.items[reservation];
    kerf_time_us left_us = facts->end_epoch_us == KERF_TIME_NEVER ? KERF_TIME_NEVER : facts->end_epoch_us - cluster->now_epoch_us;
    return left_us > (facts->capacity_block ? capacity_block_expiry_us : 0) ? cluster->reservation_room[reservation] : 0;
}

bool kerf_cluster_offering_is_available(const struct kerf_cluster *cluster, const struct kerf_offering *offering)
{
    if (!offering->available || kerf_bit_get(cluster->unavailable_bits, offering->index))
        return false;
    return offering->reservation == KERF_NOT_FOUND || kerf_cluster_reservation_room(cluster, offering->reservation) > 0;
}

void kerf_cluster_change_reservation_room(struct kerf_cluster *cluster, uint32_t reservation, int64_t instances)
{
    KERF_ASSERT(reservation < cluster->objects->capacity_reservations.count);
    cluster->reservation_room[reservation] = kerf_max_i64(0, cluster->reservation_room[reservation] + instances);
}

void kerf_cluster_set_unavailable(struct kerf_cluster *cluster, size_t offering_index, kerf_time_us until_epoch_us)
{
    KERF_ASSERT(offering_index < kerf_catalog_offering_count(cluster->catalog));
    if (!cluster->unavailable_until_epoch_us)
        cluster->unavailable_until_epoch_us =
            KERF_NEW_ARRAY(&cluster->arena, kerf_time_us, kerf_catalog_offering_count(cluster->catalog));
    kerf_bit_set(cluster->unavailable_bits, offering_index);
    cluster->unavailable_until_epoch_us[offering_index] = until_epoch_us;
}

void kerf_cluster_expire_unavailable(struct kerf_cluster *cluster)
{
    size_t word_count = cluster->catalog ? kerf_bitset_words(kerf_catalog_offering_count(cluster->catalog)) : 0;
    for (size_t at = kerf_bitset_next(cluster->unavailable_bits, word_count, 0); at != SIZE_MAX;
         at = kerf_bitset_next(cluster->unavailable_bits, word_count, at + 1))
        if (cluster->unavailable_until_epoch_us[at] <= cluster->now_epoch_us)
            kerf_bit_clear(cluster->unavailable_bits, at);
}

void kerf_cluster_set_unavailable_bits(struct kerf_cluster *cluster, const uint64_t *bits)
{
    size_t word_count = kerf_bitset_words(kerf_catalog_offering_count(cluster->catalog));
    for (size_t at = kerf_bitset_next(bits, word_count, 0); at != SIZE_MAX; at = kerf_bitset_next(bits, word_count, at + 1))
        kerf_cluster_set_unavailable(cluster, at, KERF_TIME_NEVER);
}

/* ---- listening
 * --------------------------------------------------------------------------------------------------------------------- */

void kerf_cluster_listen(struct kerf_cluster *cluster, kerf_cluster_listener listener, void *context)
{
    KERF_ASSERT(cluster->listener_count < LISTENERS_MAX);
    cluster->listeners[cluster->listener_count].function = listener;
    cluster->listeners[cluster->listener_count++].context = context;
}

static void tell(struct kerf_cluster *cluster, struct kerf_change change)
{
    cluster->telling = true;
    for (uint32_t i = 0; i < cluster->listener_count; i++)
        cluster->listeners[i].function(cluster->listeners[i].context, cluster, &change);
    cluster->telling = false;
}

/** Where pods are bound and which are going, and the Node object: not claims, nor how far a pod has got in starting. */
static bool scheduler_sees(enum kerf_change_kind kind)
{
    switch (kind) {
    case KERF_CHANGE_CLAIM_ADDED:
    case KERF_CHANGE_CLAIM_LAUNCHED:
    case KERF_CHANGE_CLAIM_CHANGED:
    case KERF_CHANGE_CLAIM_DELETING:
    case KERF_CHANGE_POD_ADDRESSED:
    case KERF_CHANGE_POD_ATTACHED:
    case KERF_CHANGE_POD_RUNNING:
    case KERF_CHANGE_POD_READY:
    case KERF_CHANGE_POD_NOT_READY:
    case KERF_CHANGE_POD_HURRIED:
    case KERF_CHANGE_VOLUME_DETACHED:
        return false;
    default:
        return true;
    }
}

void kerf_cluster_tell(struct kerf_cluster *cluster, enum kerf_change_kind kind, kerf_node_id node, kerf_pod_id pod)
{
    if (node.index != UINT32_MAX) {
        cluster->journal[cluster->journal_count++ & (JOURNAL_LENGTH - 1)] = node;
        struct entry *entry = scheduler_sees(kind) ? entry_of(cluster, node) : NULL;
        if (entry)
            entry->node.scheduling_revision++;
    }
    tell(cluster, (struct kerf_change){.kind = kind, .node = node, .pod = pod, .nodegroup_index = KERF_NOT_FOUND});
}

/* ---- sizes of groups
 * ----------------------------------------------------------------------------------------------------------- */

int32_t kerf_cluster_group_size(const struct kerf_cluster *cluster, uint32_t nodegroup_index)
{
    KERF_ASSERT(nodegroup_index < cluster->objects->nodegroups.count);
    return cluster->group_sizes[nodegroup_index];
}

void kerf_cluster_set_group_size(struct kerf_cluster *cluster, uint32_t nodegroup_index, int32_t size)
{
    assert_may_change(cluster);
    KERF_ASSERT(nodegroup_index < cluster->objects->nodegroups.count);
    const struct kerf_nodegroup *group = &cluster->objects->nodegroups.items[nodegroup_index];
    KERF_ASSERT(size >= group->min_size);
    KERF_ASSERT(size <= group->max_size);
    if (cluster->group_sizes[nodegroup_index] == size)
        return;
    cluster->group_sizes[nodegroup_index] = size;
    tell(cluster, (struct kerf_change){
                      .kind = KERF_CHANGE_GROUP_RESIZED, .node = KERF_NO_NODE, .pod = KERF_NO_POD, .nodegroup_index = nodegroup_index});
}

uint64_t kerf_cluster_journal_count(const struct kerf_cluster *cluster)
{
    return cluster->journal_count;
}

bool kerf_cluster_journal_at(const struct kerf_cluster *cluster, uint64_t number, kerf_node_id *out_node)
{
    KERF_ASSERT(number < cluster->journal_count);
    if (cluster->journal_count - number > JOURNAL_LENGTH)
        return false;
    *out_node = cluster->journal[number & (JOURNAL_LENGTH - 1)];
    return true;
}
