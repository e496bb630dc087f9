/**
 * Entries change: claims and nodes come, meet by provider ID, get conditions, taints and labels, and go. Each verb changes the
 * entry, works out again what follows from labels and conditions, and tells what is new.
 */
#include "cluster_internal.h"
#include "kerf/vpc.h"

#include <stdlib.h>

/** lastPodEventTime moves at most this often (karpenter-disruption 2.7). */
#define POD_EVENT_INTERVAL_US (10 * KERF_SECOND_US)

static void free_network(struct entry *entry)
{
    if (entry->node.network) {
        kerf_vpc_pool_fini(entry->node.network);
        free(entry->node.network);
    }
    entry->node.network = NULL;
}

void kerf_cluster_entry_free(struct entry *entry)
{
    if (entry->has_arena)
        kerf_arena_fini(&entry->arena);
    free_network(entry);
    free(entry->pod_ids);
    KERF_VEC_FREE(&entry->claim_conditions);
    KERF_VEC_FREE(&entry->node_conditions);
    KERF_VEC_FREE(&entry->node_taints);
    KERF_VEC_FREE(&entry->attached);
}

/* ---- what follows from the halves
 * -------------------------------------------------------------------------------------------------- */

struct entry_state {
    bool launched;
    bool has_node;
    bool registered;
    bool ready;
    bool initialized;
    bool deleting;
};

static struct entry_state state_of(const struct kerf_cluster *cluster, const struct entry *entry)
{
    return (struct entry_state){.launched = entry->node.has_claim && entry->node.claim.provider_id,
                                .has_node = entry->node.has_node,
                                .registered = entry->node.has_node && entry->registered,
                                .ready = entry->ready,
                                .initialized = entry->node.has_node && entry->initialized,
                                .deleting = kerf_cluster_is_deleting(cluster, &entry->node)};
}

static bool node_label_is_true(const struct entry *entry, const struct kerf_vocabulary *vocabulary, kerf_name key)
{
    return entry->node.has_node && kerf_labels_get(&entry->node.node.meta.labels, key) == vocabulary->word_true;
}

static uint32_t capacity_type_of_labels(const struct kerf_vocabulary *vocabulary, const struct kerf_labels *labels)
{
    kerf_name value = kerf_labels_get(labels, vocabulary->key_capacity_type);
    if (value)
        return kerf_capacity_type_of_label(vocabulary, value);
    value = kerf_labels_get(labels, vocabulary->key_eks_capacity_type);
    return kerf_name_is(value, "SPOT") ? KERF_SPOT : kerf_name_is(value, "ON_DEMAND") ? KERF_ON_DEMAND : KERF_CAPACITY_TYPE_COUNT;
}

static uint32_t look_up(const struct kerf_name_map *map, kerf_name name)
{
    return name ? kerf_name_map_get(map, name) : KERF_NOT_FOUND;
}

static void read_claim_conditions(struct kerf_cluster_node *node)
{
    const struct kerf_conditions *conditions = &node->claim.conditions;
    node->consolidatable = node->has_claim && kerf_conditions_true(conditions, "Consolidatable");
    node->drifted = node->has_claim && kerf_conditions_true(conditions, "Drifted");
    node->instance_terminating = node->has_claim && kerf_conditions_true(conditions, "InstanceTerminating");
}

static void work_out(struct kerf_cluster *cluster, struct entry *entry)
{
    const struct kerf_vocabulary *vocabulary = cluster->vocabulary;
    struct kerf_cluster_node *node = &entry->node;
    bool managed = node->has_claim;
    read_claim_conditions(node);
    entry->registered = !managed || node_label_is_true(entry, vocabulary, vocabulary->key_registered);
    entry->initialized = !managed || node_label_is_true(entry, vocabulary, vocabulary->key_initialized);
    entry->ready = node->has_node && kerf_conditions_true(&node->node.conditions, "Ready");

    const struct kerf_labels *labels = node->has_node ? &node->node.meta.labels : &node->claim.meta.labels;
    const struct kerf_labels *claim_labels = managed ? &node->claim.meta.labels : labels;
    kerf_name pool = kerf_labels_get(labels, vocabulary->key_nodepool);
    if (!pool)
        pool = kerf_labels_get(claim_labels, vocabulary->key_nodepool);
    node->nodepool_index = look_up(&cluster->nodepool_by_name, pool);
    if (managed && node->claim.nodeclass.name)
        node->nodeclass_index = look_up(&cluster->nodeclass_by_name, node->claim.nodeclass.name);
    else
        node->nodeclass_index =
            node->nodepool_index == KERF_NOT_FOUND ? KERF_NOT_FOUND : cluster->nodeclass_of_pool[node->nodepool_index];
    node->nodegroup_index = look_up(&cluster->nodegroup_by_name, kerf_labels_get(labels, vocabulary->key_eks_nodegroup));

    kerf_name type = kerf_labels_get(labels, vocabulary->key_instance_type);
    if (!type)
        type = kerf_labels_get(claim_labels, vocabulary->key_instance_type);
    const struct kerf_instance_facts *facts = type && cluster->catalog ? kerf_catalog_find(cluster->catalog, type) : NULL;
    node->type_index = facts ? facts->index : KERF_NOT_FOUND;
    kerf_name zone = kerf_labels_get(labels, vocabulary->key_zone);
    if (!zone)
        zone = kerf_labels_get(claim_labels, vocabulary->key_zone);
    node->zone_index = zone && cluster->catalog ? kerf_catalog_zone_index(cluster->catalog, zone) : KERF_NOT_FOUND;
    node->capacity_type = capacity_type_of_labels(vocabulary, labels);
    if (node->capacity_type == KERF_CAPACITY_TYPE_COUNT)
        node->capacity_type = capacity_type_of_labels(vocabulary, claim_labels);
}

/** Tells every transition between two states; `otherwise` when there was none (KERF_CHANGE_COUNT: then nothing). */
static void tell_transitions(struct kerf_cluster *cluster, struct entry *entry, struct entry_state before,
                             enum kerf_change_kind otherwise)
{
    struct entry_state after = state_of(cluster, entry);
    kerf_node_id id = entry->node.id;
    if (before.initialized != after.initialized || before.deleting != after.deleting || (!before.launched && after.launched) ||
        (!before.has_node && after.has_node && !after.launched))
        kerf_cluster_advance_consolidation_state(cluster);
    bool told = false;
    const struct {
        bool happened;
        enum kerf_change_kind kind;
    } transitions[] = {
        {!before.launched && after.launched, KERF_CHANGE_CLAIM_LAUNCHED},
        {!before.has_node && after.has_node, KERF_CHANGE_NODE_ADDED},
        {!before.registered && after.registered, KERF_CHANGE_NODE_REGISTERED},
        {!before.ready && after.ready, KERF_CHANGE_NODE_READY},
        {before.ready && !after.ready, KERF_CHANGE_NODE_NOT_READY},
        {!before.initialized && after.initialized, KERF_CHANGE_NODE_INITIALIZED},
        {!before.deleting && after.deleting, KERF_CHANGE_CLAIM_DELETING},
    };
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++) {
        if (transitions[i].happened) {
            kerf_cluster_tell(cluster, transitions[i].kind, id, KERF_NO_POD);
            told = true;
        }
    }
    if (otherwise != KERF_CHANGE_COUNT && (!told || otherwise == KERF_CHANGE_NODE_CHANGED || otherwise == KERF_CHANGE_CLAIM_CHANGED))
        kerf_cluster_tell(cluster, otherwise, id, KERF_NO_POD);
}

/* ---- names
 * -----------------------------------------------------------------------------------------------------------------------------
 */

static void enter_name(struct kerf_name_map *map, kerf_name name, kerf_node_id id)
{
    if (name && kerf_name_map_get(map, name) == KERF_NOT_FOUND)
        kerf_name_map_put(map, name, id.index);
}

static void leave_name(struct kerf_name_map *map, kerf_name name, kerf_node_id id)
{
    if (name && kerf_name_map_get(map, name) == id.index)
        kerf_name_map_remove(map, name);
}

static void enter_names(struct kerf_cluster *cluster, const struct entry *entry)
{
    const struct kerf_cluster_node *node = &entry->node;
    if (node->has_node) {
        enter_name(&cluster->node_by_name, node->node.meta.name, node->id);
        enter_name(&cluster->node_by_provider_id, node->node.provider_id, node->id);
    }
    if (node->has_claim) {
        enter_name(&cluster->claim_by_name, node->claim.meta.name, node->id);
        enter_name(&cluster->node_by_provider_id, node->claim.provider_id, node->id);
    }
}

static void leave_names(struct kerf_cluster *cluster, const struct entry *entry)
{
    const struct kerf_cluster_node *node = &entry->node;
    if (node->has_node) {
        leave_name(&cluster->node_by_name, node->node.meta.name, node->id);
        leave_name(&cluster->node_by_provider_id, node->node.provider_id, node->id);
    }
    if (node->has_claim) {
        leave_name(&cluster->claim_by_name, node->claim.meta.name, node->id);
        leave_name(&cluster->node_by_provider_id, node->claim.provider_id, node->id);
    }
}

/* ---- coming and going
 * ------------------------------------------------------------------------------------------------------------------ */

static struct entry *new_entry(struct kerf_cluster *cluster)
{
    uint32_t slot;
    uint32_t id = kerf_cluster_slot_table_take(&cluster->nodes, &slot);
    struct entry *entry = kerf_cluster_slot_table_item(&cluster->nodes, slot);
    uint32_t pod_capacity = entry->node.pod_capacity;
    entry->node = (struct kerf_cluster_node){.id = {id},
                                             .nominated_until_epoch_us = KERF_TIME_UNSET,
                                             .pods = entry->pod_ids,
                                             .pod_capacity = pod_capacity,
                                             .subnet_index = KERF_NOT_FOUND};
    entry->slot = slot;
    entry->ready = entry->registered = entry->initialized = entry->overcommitted = false;
    entry->claim_conditions.count = entry->node_conditions.count = entry->node_taints.count = 0;
    if (cluster->has_next_arena) {
        if (entry->has_arena)
            kerf_arena_fini(&entry->arena);
        entry->arena = cluster->next_arena;
        entry->has_arena = true;
        cluster->has_next_arena = false;
    } else if (!entry->has_arena) {
        kerf_arena_init(&entry->arena);
        entry->has_arena = true;
    }
    kerf_cluster_slot_order_add(cluster->node_order, slot);
    return entry;
}

struct kerf_arena *kerf_cluster_next_arena(struct kerf_cluster *cluster)
{
    if (!cluster->has_next_arena)
        kerf_arena_init(&cluster->next_arena);
    cluster->has_next_arena = true;
    return &cluster->next_arena;
}

/** The entry that waits for its other half: same provider ID, or named by the claim where one of them has no ID. */
static struct entry *find_half(const struct kerf_cluster *cluster, kerf_name provider_id, kerf_name node_name, bool wants_node)
{
    uint32_t id = look_up(&cluster->node_by_provider_id, provider_id);
    if (id == KERF_NOT_FOUND && wants_node)
        id = look_up(&cluster->node_by_name, node_name);
    struct entry *entry = id == KERF_NOT_FOUND ? NULL : entry_of(cluster, (kerf_node_id){id});
    if (!entry || (wants_node ? entry->node.has_claim || !entry->node.has_node : entry->node.has_node || !entry->node.has_claim))
        return NULL;
    if (wants_node && provider_id && entry->node.node.provider_id && entry->node.node.provider_id != provider_id)
        return NULL;
    return entry;
}

/** kube-scheduler counts in millicores and whole units, rounding up on both sides: less than one of them is no excess. */
static bool requests_exceed(const struct kerf_resources *requests, const struct kerf_resources *allocatable)
{
    for (int r = 0; r < KERF_RESOURCE_MAX; r++) {
        int64_t slack = r == KERF_RESOURCE_CPU ? 999999 : r == KERF_RESOURCE_PODS ? 0 : 999;
        if (requests->amounts[r] > allocatable->amounts[r] && requests->amounts[r] - allocatable->amounts[r] > slack)
            return true;
    }
    return false;
}

kerf_node_id kerf_cluster_add_claim(struct kerf_cluster *cluster, const struct kerf_nodeclaim *claim)
{
    assert_may_change(cluster);
    struct entry *entry = find_half(cluster, claim->provider_id, claim->node_name, true);
    struct entry_state before = {0};
    if (entry) {
        before = state_of(cluster, entry);
        before.registered = before.initialized = true; /* it stood for itself until now: no news */
        leave_names(cluster, entry);
    } else {
        entry = new_entry(cluster);
    }
    entry->node.has_claim = true;
    entry->node.claim = *claim;
    work_out(cluster, entry);
    enter_names(cluster, entry);
    kerf_cluster_tell(cluster, KERF_CHANGE_CLAIM_ADDED, entry->node.id, KERF_NO_POD);
    tell_transitions(cluster, entry, before, KERF_CHANGE_COUNT);
    return entry->node.id;
}

kerf_node_id kerf_cluster_add_node(struct kerf_cluster *cluster, const struct kerf_node *node)
{
    assert_may_change(cluster);
    struct entry *entry = find_half(cluster, node->provider_id, NULL, false);
    if (!entry) {
        uint32_t id = look_up(&cluster->claim_by_name, node->meta.name); /* a claim that knows no ID yet but this name */
        struct entry *named = id == KERF_NOT_FOUND ? NULL : entry_of(cluster, (kerf_node_id){id});
        if (named && !named->node.has_node && !named->node.claim.provider_id && named->node.claim.node_name == node->meta.name)
            entry = named;
    }
    struct entry_state before = {0};
    if (entry) {
        before = state_of(cluster, entry);
        leave_names(cluster, entry);
    } else {
        entry = new_entry(cluster);
    }
    entry->node.has_node = true;
    entry->node.node = *node;
    entry->node.appearance = ++cluster->appearance_count;
    work_out(cluster, entry);
    enter_names(cluster, entry);
    tell_transitions(cluster, entry, before, KERF_CHANGE_COUNT);
    return entry->node.id;
}

void kerf_cluster_update_claim(struct kerf_cluster *cluster, kerf_node_id id, const struct kerf_nodeclaim *claim)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.has_claim);
    struct entry_state before = state_of(cluster, entry);
    leave_names(cluster, entry);
    entry->node.claim = *claim;
    work_out(cluster, entry);
    enter_names(cluster, entry);
    tell_transitions(cluster, entry, before, KERF_CHANGE_NODE_CHANGED);
}

void kerf_cluster_update_node(struct kerf_cluster *cluster, kerf_node_id id, const struct kerf_node *node)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.has_node);
    struct entry_state before = state_of(cluster, entry);
    leave_names(cluster, entry);
    entry->node.node = *node;
    work_out(cluster, entry);
    enter_names(cluster, entry);
    if (requests_exceed(&entry->node.requested, &entry->node.node.allocatable))
        entry->overcommitted = true;
    tell_transitions(cluster, entry, before, KERF_CHANGE_NODE_CHANGED);
}

void kerf_cluster_remove_node(struct kerf_cluster *cluster, kerf_node_id id)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.pod_count == 0);
    if (entry->node.has_node || entry->node.claim.provider_id)
        kerf_cluster_advance_consolidation_state(cluster);
    kerf_cluster_tell(cluster, KERF_CHANGE_NODE_REMOVED, id, KERF_NO_POD);
    leave_names(cluster, entry);
    kerf_cluster_slot_order_remove(cluster->node_order, entry->slot);
    free_network(entry);
    entry->attached.count = 0;
    kerf_arena_reset(&entry->arena);
    kerf_cluster_slot_table_release(&cluster->nodes, id.index);
}

struct kerf_arena *kerf_cluster_node_arena(struct kerf_cluster *cluster, kerf_node_id id)
{
    return &kerf_cluster_require_entry(cluster, id)->arena;
}

/* ---- conditions, taints, labels
 * ---------------------------------------------------------------------------------------------------- */

bool kerf_cluster_conditions_set(struct kerf_conditions *conditions, struct kerf_condition **items, size_t *count,
                                 size_t *capacity, struct kerf_condition condition)
{
    bool own = conditions->items == *items;
    *count = conditions->count;
    while (*capacity < *count + 1)
        *items = kerf_vec_grow(*items, capacity, sizeof **items);
    if (!own && *count)
        memcpy(*items, conditions->items, *count * sizeof **items);
    bool changed = true;
    size_t at = 0;
    while (at < *count && (*items)[at].type != condition.type)
        at++;
    if (at == *count) {
        (*count)++;
    } else if ((*items)[at].status == condition.status) {
        condition.transition_epoch_us = (*items)[at].transition_epoch_us;
        changed = false;
    }
    (*items)[at] = condition;
    conditions->items = *items;
    conditions->count = *count;
    return changed;
}

void kerf_cluster_set_claim_condition(struct kerf_cluster *cluster, kerf_node_id id, const char *type,
                                      enum kerf_condition_status status, const char *reason)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.has_claim);
    struct entry_state before = state_of(cluster, entry);
    struct kerf_condition condition = {.type = kerf_name_of(cluster->vocabulary->names, type),
                                       .status = status,
                                       .reason = kerf_name_of(cluster->vocabulary->names, reason),
                                       .transition_epoch_us = cluster->now_epoch_us};
    bool changed = kerf_cluster_conditions_set(&entry->node.claim.conditions, &entry->claim_conditions.items,
                                               &entry->claim_conditions.count, &entry->claim_conditions.capacity, condition);
    read_claim_conditions(&entry->node);
    tell_transitions(cluster, entry, before, changed ? KERF_CHANGE_CLAIM_CHANGED : KERF_CHANGE_COUNT);
}

void kerf_cluster_set_node_condition(struct kerf_cluster *cluster, kerf_node_id id, const char *type,
                                     enum kerf_condition_status status)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.has_node);
    struct entry_state before = state_of(cluster, entry);
    struct kerf_condition condition = {
        .type = kerf_name_of(cluster->vocabulary->names, type), .status = status, .transition_epoch_us = cluster->now_epoch_us};
    bool changed = kerf_cluster_conditions_set(&entry->node.node.conditions, &entry->node_conditions.items,
                                               &entry->node_conditions.count, &entry->node_conditions.capacity, condition);
    work_out(cluster, entry);
    tell_transitions(cluster, entry, before, changed ? KERF_CHANGE_NODE_CHANGED : KERF_CHANGE_COUNT);
}

void kerf_cluster_set_node_taints(struct kerf_cluster *cluster, kerf_node_id id, struct kerf_taints taints)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.has_node);
    while (entry->node_taints.capacity < taints.count) {
        bool own = taints.items == entry->node_taints.items;
        entry->node_taints.items =
            kerf_vec_grow(entry->node_taints.items, &entry->node_taints.capacity, sizeof *entry->node_taints.items);
        if (own)
            taints.items = entry->node_taints.items;
    }
    if (taints.count)
        memmove(entry->node_taints.items, taints.items, taints.count * sizeof *taints.items);
    entry->node_taints.count = taints.count;
    entry->node.node.taints = (struct kerf_taints){.items = entry->node_taints.items, .count = taints.count};
    kerf_cluster_tell(cluster, KERF_CHANGE_NODE_CHANGED, id, KERF_NO_POD);
}

void kerf_cluster_set_node_label(struct kerf_cluster *cluster, kerf_node_id id, kerf_name key, kerf_name value)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_ASSERT(entry->node.has_node);
    struct entry_state before = state_of(cluster, entry);
    struct kerf_label label = {.key = key, .value = value};
    struct kerf_labels over = {.items = kerf_arena_copy(&entry->arena, &label, sizeof label), .count = 1}; /* a merge may borrow it */
    entry->node.node.meta.labels = kerf_labels_merge(&entry->arena, &entry->node.node.meta.labels, &over);
    work_out(cluster, entry);
    tell_transitions(cluster, entry, before, KERF_CHANGE_NODE_CHANGED);
}

void kerf_cluster_delete_claim(struct kerf_cluster *cluster, kerf_node_id id)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    struct kerf_meta *meta = entry->node.has_claim ? &entry->node.claim.meta : &entry->node.node.meta;
    if (meta->deletion_epoch_us != KERF_TIME_UNSET)
        return;
    struct entry_state before = state_of(cluster, entry);
    meta->deletion_epoch_us = cluster->now_epoch_us;
    if (!before.deleting) {
        tell_transitions(cluster, entry, before, KERF_CHANGE_COUNT);
    } else { /* marked before: the deletion itself is news all the same */
        kerf_cluster_tell(cluster, KERF_CHANGE_CLAIM_DELETING, id, KERF_NO_POD);
    }
}

/* ---- Karpenter's memory
 * ----------------------------------------------------------------------------------------------------------------- */

void kerf_cluster_mark_for_deletion(struct kerf_cluster *cluster, kerf_node_id id, bool marked)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    if (entry->node.marked_for_deletion == marked)
        return;
    entry->node.marked_for_deletion =
        marked; /* no update of an object: the consolidation state stays (karpenter-disruption 1.4) */
    kerf_cluster_tell(cluster, KERF_CHANGE_CLAIM_CHANGED, id, KERF_NO_POD);
}

void kerf_cluster_set_in_command(struct kerf_cluster *cluster, kerf_node_id id, bool in_command)
{
    assert_may_change(cluster);
    kerf_cluster_require_entry(cluster, id)->node.in_command = in_command;
}

void kerf_cluster_nominate(struct kerf_cluster *cluster, kerf_node_id id, kerf_time_us until_epoch_us)
{
    assert_may_change(cluster);
    kerf_cluster_require_entry(cluster, id)->node.nominated_until_epoch_us = until_epoch_us;
}

void kerf_cluster_note_pod_event(struct kerf_cluster *cluster, kerf_node_id id)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    if (!entry->node.has_claim)
        return;
    kerf_time_us last = entry->node.claim.last_pod_event_epoch_us;
    if (last == KERF_TIME_UNSET || cluster->now_epoch_us - last >= POD_EVENT_INTERVAL_US)
        entry->node.claim.last_pod_event_epoch_us = cluster->now_epoch_us;
}

void kerf_cluster_set_network(struct kerf_cluster *cluster, kerf_node_id id, uint32_t subnet_index, struct kerf_vpc_pool *network)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    if (entry->node.network != network)
        free_network(entry);
    entry->node.subnet_index = subnet_index;
    entry->node.network = network;
}

void kerf_cluster_set_node_tag(struct kerf_cluster *cluster, kerf_node_id id, uint64_t tag)
{
    assert_may_change(cluster);
    kerf_cluster_require_entry(cluster, id)->node.tag = tag;
}

/* ---- room
 * ----------------------------------------------------------------------------------------------------------------------------------
 */

/** Sums saturate on absurd requests; then taking one away doesn't give back the rest, and they are made anew. */
static bool is_saturated(const struct kerf_resources *resources)
{
    for (int r = 0; r < KERF_RESOURCE_MAX; r++)
        if (resources->amounts[r] == INT64_MAX)
            return true;
    return false;
}

static void sum_room(const struct kerf_cluster *cluster, const struct entry *entry, struct kerf_resources *out_requested,
                     struct kerf_resources *out_daemon)
{
    *out_requested = *out_daemon = (struct kerf_resources){0};
    for (uint32_t i = 0; i < entry->node.pod_count; i++) {
        const struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, entry->pod_ids[i]);
        if (!pod->counted_room)
            continue;
        kerf_resources_add(out_requested, pod->pod.pod.requests);
        if (pod->daemon)
            kerf_resources_add(out_daemon, pod->pod.pod.requests);
    }
}

void kerf_cluster_node_take_room(struct entry *entry, struct pod_entry *pod, bool as_read)
{
    KERF_ASSERT(!pod->counted_room);
    pod->counted_room = true;
    kerf_resources_add(&entry->node.requested, pod->pod.pod.requests);
    if (pod->daemon)
        kerf_resources_add(&entry->node.daemon_requested, pod->pod.pod.requests);
    if (as_read && requests_exceed(&entry->node.requested, &entry->node.node.allocatable))
        entry->overcommitted = true;
}

void kerf_cluster_node_give_room(struct kerf_cluster *cluster, struct entry *entry, struct pod_entry *pod)
{
    if (!pod->counted_room)
        return;
    pod->counted_room = false;
    if (is_saturated(&entry->node.requested)) {
        sum_room(cluster, entry, &entry->node.requested, &entry->node.daemon_requested);
        return;
    }
    kerf_resources_subtract(&entry->node.requested, pod->pod.pod.requests);
    if (pod->daemon)
        kerf_resources_subtract(&entry->node.daemon_requested, pod->pod.pod.requests);
}

void kerf_cluster_node_check_room(const struct kerf_cluster *cluster, const struct entry *entry)
{
    struct kerf_resources requested, daemon;
    sum_room(cluster, entry, &requested, &daemon);
    KERF_ASSERT(!memcmp(requested.amounts, entry->node.requested.amounts, sizeof requested.amounts));
    KERF_ASSERT(!memcmp(daemon.amounts, entry->node.daemon_requested.amounts, sizeof daemon.amounts));
    KERF_ASSERT(entry->overcommitted || !entry->node.has_node || !requests_exceed(&requested, &entry->node.node.allocatable));
}
