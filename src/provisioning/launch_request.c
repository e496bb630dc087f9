/**
 * launch_request: what the AWS provider asks EC2 for when it launches a claim. karpenter-provisioning.md 10.2, 10.3, 10.5.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

enum { LAUNCH_TYPES_MAX = 60 }; /* types of one fleet request (13.3) */

struct launch_type {
    uint32_t type;
    double cheapest_usd_per_hour;
};

struct launch {
    const struct kerf_vocabulary *vocabulary;
    struct kerf_provisioning_cache *cache;
    struct kerf_type_table *table;
    const struct kerf_nodeclaim *claim;
    struct kerf_requirements requirements;
    kerf_slots slots[KERF_CAPACITY_TYPE_COUNT]; /* that the requirements allow */
    bool has_min_values;
    bool allows_on_demand;
    bool allows_spot;
    bool allows_reserved;
    bool has_spot_limit;
    double spot_limit_usd_per_hour; /* dearer spot offerings are out (filter 6) */
    struct launch_type *types;
    size_t count;
};

/* The cheapest offering of a type that may still be asked for; NULL: none. */
static const struct kerf_offering *cheapest_of(const struct launch *launch, uint32_t type, enum kerf_capacity_type capacity_type)
{
    const struct kerf_offering *cheapest = kerf_type_table_cheapest(launch->table, type, launch->slots[capacity_type]);
    bool dear = launch->has_spot_limit && capacity_type == KERF_SPOT && cheapest != NULL &&
                cheapest->price_usd_per_hour > launch->spot_limit_usd_per_hour;
    return dear ? NULL : cheapest;
}

static const struct kerf_offering *cheapest_of_any(const struct launch *launch, uint32_t type)
{
    const struct kerf_offering *cheapest = NULL;
    for (int i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++) {
        const struct kerf_offering *offering = cheapest_of(launch, type, (enum kerf_capacity_type)i);
        if (offering != NULL && (cheapest == NULL || offering->price_usd_per_hour < cheapest->price_usd_per_hour))
            cheapest = offering;
    }
    return cheapest;
}

/* Filter 1. */
static void keep_compatible(struct launch *launch, struct kerf_arena *scratch)
{
    struct kerf_type_table *table = launch->table;
    kerf_slots slots = launch->slots[KERF_ON_DEMAND] | launch->slots[KERF_SPOT] | launch->slots[KERF_RESERVED];
    uint64_t *types =
        kerf_arena_copy(scratch, kerf_type_table_offering(launch->cache, table, slots)->types, table->words * sizeof(uint64_t));
    for (size_t i = 0; i < launch->requirements.count; i++) {
        const uint64_t *meeting = kerf_type_table_meeting(launch->cache, table, &launch->requirements.items[i]);
        for (uint32_t word = 0; word < table->words; word++)
            types[word] &= meeting[word];
    }
    launch->types = KERF_NEW_ARRAY(scratch, struct launch_type, table->count);
    uint32_t type;
    KERF_FOR_TYPES(type, types, table->words)
    {
        if (kerf_resources_fit(&launch->claim->requests, &table->types[type].allocatable))
            launch->types[launch->count++].type = type;
    }
}

/* ---- reservations: filters 2 to 4 ---------------------------------------------------------------------------------------- */

static const struct kerf_capacity_reservation *reservation_of(const struct launch *launch, uint32_t slot)
{
    return &kerf_cluster_objects(launch->cache->cluster)->capacity_reservations.items[launch->table->slot_reservation[slot]];
}

/* Default, capacity block, interruptible: of equal price the first goes first. */
static int kind_of(const struct kerf_capacity_reservation *reservation)
{
    return reservation->capacity_block ? 1 : reservation->interruptible ? 2 : 0;
}

/* The offering of a launch's type in a reserved slot that may be asked for; NULL: none. */
static const struct kerf_offering *reserved_offering(const struct launch *launch, uint32_t type, uint32_t slot)
{
    bool offered = (launch->slots[KERF_RESERVED] >> slot & 1) && kerf_bit_get(launch->table->available[slot], type);
    return offered ? launch->table->offerings[(size_t)type * launch->table->slot_count + slot] : NULL;
}

/* Is `slot` of that type to be asked for rather than `best`? Of capacity blocks the cheapest one, of others the roomiest of each zone. */
static bool beats(const struct launch *launch, const struct kerf_offering *offering, const struct kerf_offering *best, bool blocks)
{
    if (best == NULL)
        return true;
    const struct kerf_cluster *cluster = launch->cache->cluster;
    return blocks ? offering->price_usd_per_hour < best->price_usd_per_hour
                  : kerf_cluster_reservation_room(cluster, offering->reservation) > kerf_cluster_reservation_room(cluster, best->reservation);
}

/* The kind with the cheapest reservation; -1: no type has any. */
static int cheapest_kind(const struct launch *launch)
{
    const struct kerf_offering *cheapest = NULL;
    int kind = -1;
    for (size_t i = 0; i < launch->count; i++) {
        for (uint32_t slot = launch->table->zone_slot_count; slot < launch->table->slot_count; slot++) {
            const struct kerf_offering *offering = reserved_offering(launch, launch->types[i].type, slot);
            if (offering == NULL)
                continue;
            int order = cheapest == NULL ? -1 : kerf_compare_double(offering->price_usd_per_hour, cheapest->price_usd_per_hour);
            if (order > 0 || (order == 0 && kind_of(reservation_of(launch, slot)) >= kind))
                continue;
            cheapest = offering;
            kind = kind_of(reservation_of(launch, slot));
        }
    }
    return kind;
}

/* Reserved capacity of one kind alone is asked for, if there is any: one reservation for each type and zone, or one capacity block. */
static void prefer_reserved(struct launch *launch)
{
    int kind = launch->allows_reserved ? cheapest_kind(launch) : -1;
    if (kind < 0)
        return;
    bool blocks = kind == 1;
    kerf_slots chosen = 0;
    size_t kept = 0;
    const struct kerf_offering *best[KERF_ZONE_MAX] = {NULL};
    uint32_t best_slot[KERF_ZONE_MAX];
    for (size_t i = 0; i < launch->count; i++) {
        uint32_t type = launch->types[i].type;
        for (uint32_t zone = 0; zone < KERF_ZONE_MAX && !blocks; zone++)
            best[zone] = NULL;
        for (uint32_t slot = launch->table->zone_slot_count; slot < launch->table->slot_count; slot++) {
            const struct kerf_offering *offering = reserved_offering(launch, type, slot);
            uint32_t place = offering != NULL && !blocks ? offering->zone_index : 0;
            if (offering == NULL || kind_of(reservation_of(launch, slot)) != kind || !beats(launch, offering, best[place], blocks))
                continue;
            if (best[place] != NULL)
                chosen &= ~kerf_slot_bit(best_slot[place]);
            best[place] = offering;
            best_slot[place] = slot;
            chosen |= kerf_slot_bit(slot);
        }
    }
    launch->slots[KERF_ON_DEMAND] = launch->slots[KERF_SPOT] = 0;
    launch->slots[KERF_RESERVED] = chosen;
    for (size_t i = 0; i < launch->count; i++)
        if (cheapest_of(launch, launch->types[i].type, KERF_RESERVED) != NULL)
            launch->types[kept++] = launch->types[i];
    launch->count = kept;
}

static bool is_exotic(const struct kerf_instance_type *type)
{
    static const enum kerf_resource devices[] = {KERF_RESOURCE_NVIDIA_GPU, KERF_RESOURCE_AMD_GPU, KERF_RESOURCE_NEURON,
                                                 KERF_RESOURCE_NEURONCORE, KERF_RESOURCE_GAUDI};
    if (strstr(kerf_name_text(type->facts->size), "metal") != NULL)
        return true;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (type->capacity.amounts[devices[i]] > 0)
            return true;
    return false;
}

/* Filter 5: bare metal and accelerators only if there is nothing else. */
static void drop_exotic(struct launch *launch)
{
    if (launch->has_min_values)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < launch->count; i++) {
        if (is_exotic(&launch->table->types[launch->types[i].type]))
            continue;
        struct launch_type ordinary = launch->types[i];
        launch->types[i] = launch->types[kept]; /* exchanged: all are still there should nothing ordinary be */
        launch->types[kept++] = ordinary;
    }
    if (kept > 0)
        launch->count = kept;
}

/* Filter 6: spot that costs more than the cheapest on-demand is no bargain. */
static void drop_dear_spot(struct launch *launch)
{
    if (launch->has_min_values || !launch->allows_on_demand || !launch->allows_spot)
        return;
    bool has_spot = false;
    const struct kerf_offering *on_demand = NULL;
    for (size_t i = 0; i < launch->count; i++) {
        const struct kerf_offering *cheapest = cheapest_of(launch, launch->types[i].type, KERF_ON_DEMAND);
        if (cheapest != NULL && (on_demand == NULL || cheapest->price_usd_per_hour < on_demand->price_usd_per_hour))
            on_demand = cheapest;
        has_spot = has_spot || cheapest_of(launch, launch->types[i].type, KERF_SPOT) != NULL;
    }
    if (on_demand == NULL || !has_spot)
        return;
    launch->has_spot_limit = true;
    launch->spot_limit_usd_per_hour = on_demand->price_usd_per_hour;
    size_t kept = 0;
    for (size_t i = 0; i < launch->count; i++)
        if (cheapest_of_any(launch, launch->types[i].type) != NULL)
            launch->types[kept++] = launch->types[i];
    launch->count = kept;
}

static int compare_types(const void *a, const void *b, void *context)
{
    (void)context;
    const struct launch_type *left = a;
    const struct launch_type *right = b;
    int order = kerf_compare_double(left->cheapest_usd_per_hour, right->cheapest_usd_per_hour);
    return order != 0 ? order : kerf_compare_u64(left->type, right->type); /* types are in order of name */
}

/* Filter 7; false: minValues are not met by what is left. */
static bool truncate_types(struct launch *launch, struct kerf_arena *scratch)
{
    for (size_t i = 0; i < launch->count; i++)
        launch->types[i].cheapest_usd_per_hour = cheapest_of_any(launch, launch->types[i].type)->price_usd_per_hour;
    kerf_sort(launch->types, launch->count, sizeof launch->types[0], compare_types, NULL);
    if (launch->count > LAUNCH_TYPES_MAX)
        launch->count = LAUNCH_TYPES_MAX;
    const struct kerf_instance_type **list = KERF_NEW_ARRAY(scratch, const struct kerf_instance_type *, launch->count);
    for (size_t i = 0; i < launch->count; i++)
        list[i] = &launch->table->types[launch->types[i].type];
    kerf_name key;
    uint32_t observed;
    return kerf_min_values_met(&launch->requirements, list, launch->count, &key, &observed);
}

static int compare_overrides(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_launch_override *left = a;
    const struct kerf_launch_override *right = b;
    int order = kerf_compare_double(left->offering->price_usd_per_hour, right->offering->price_usd_per_hour);
    if (order == 0)
        order = kerf_compare_u64(left->type->index, right->type->index);
    return order != 0 ? order : kerf_compare_u64(left->offering->zone_index, right->offering->zone_index);
}

static bool any_has(const struct launch *launch, enum kerf_capacity_type capacity_type)
{
    for (size_t i = 0; i < launch->count; i++)
        if (cheapest_of(launch, launch->types[i].type, capacity_type) != NULL)
            return true;
    return false;
}

static void list_overrides(const struct launch *launch, struct kerf_arena *arena, struct kerf_launch_request *out_request)
{
    const struct kerf_type_table *table = launch->table;
    enum kerf_capacity_type capacity_type = KERF_ON_DEMAND; /* one a launch: no falling back within it (10.3) */
    if (launch->allows_reserved && any_has(launch, KERF_RESERVED))
        capacity_type = KERF_RESERVED;
    else if (launch->allows_spot && any_has(launch, KERF_SPOT))
        capacity_type = KERF_SPOT;
    struct kerf_launch_override *overrides =
        KERF_NEW_ARRAY(arena, struct kerf_launch_override, launch->count * table->slot_count);
    size_t count = 0;
    for (size_t i = 0; i < launch->count; i++) {
        uint32_t type = launch->types[i].type;
        for (uint32_t slot = 0; slot < table->slot_count; slot++) {
            if (!(launch->slots[capacity_type] >> slot & 1) || !kerf_bit_get(table->available[slot], type))
                continue;
            const struct kerf_offering *offering = table->offerings[(size_t)type * table->slot_count + slot];
            if (capacity_type == KERF_SPOT && launch->has_spot_limit &&
                offering->price_usd_per_hour > launch->spot_limit_usd_per_hour)
                continue;
            overrides[count++] = (struct kerf_launch_override){&table->types[type], offering};
        }
    }
    kerf_sort(overrides, count, sizeof overrides[0], compare_overrides, NULL);
    overrides = kerf_arena_copy(arena, overrides, count * sizeof overrides[0]);
    *out_request = (struct kerf_launch_request){capacity_type, overrides, count};
}

static uint32_t find_nodeclass(const struct kerf_cluster *cluster, kerf_name name)
{
    const struct kerf_objects *objects = kerf_cluster_objects(cluster);
    for (size_t i = 0; i < objects->nodeclasses.count; i++)
        if (objects->nodeclasses.items[i].meta.name == name)
            return (uint32_t)i;
    return KERF_NOT_FOUND;
}

void kerf_provisioning_request_launch(struct kerf_provisioning_cache *cache, const struct kerf_nodeclaim *claim,
                                      struct kerf_arena *arena, struct kerf_launch_request *out_request)
{
    *out_request = (struct kerf_launch_request){.capacity_type = KERF_ON_DEMAND};
    uint32_t nodeclass_index = find_nodeclass(cache->cluster, claim->nodeclass.name);
    if (nodeclass_index == KERF_NOT_FOUND)
        return; /* treated as insufficient capacity (10.1) */
    kerf_provisioning_cache_refresh(cache);
    kerf_arena_reset(&cache->scratch);
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cache->cluster);
    struct launch launch = {
        .vocabulary = vocabulary, .cache = cache, .table = kerf_provisioning_cache_table(cache, nodeclass_index), .claim = claim};
    kerf_requirements_add_expressions(&cache->scratch, vocabulary, &launch.requirements, &claim->requirements);
    for (size_t i = 0; i < launch.requirements.count; i++)
        launch.has_min_values |= launch.requirements.items[i].min_values > 0;
    kerf_slots slots = kerf_type_table_slots(vocabulary, launch.table, &launch.requirements);
    for (int i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++)
        launch.slots[i] = slots & kerf_type_table_slots_of(launch.table, (enum kerf_capacity_type)i);
    const struct kerf_requirement *capacity_type = kerf_requirements_get(&launch.requirements, vocabulary->key_capacity_type);
    launch.allows_on_demand = capacity_type == NULL || kerf_requirement_has(capacity_type, vocabulary->word_on_demand);
    launch.allows_spot = capacity_type == NULL || kerf_requirement_has(capacity_type, vocabulary->word_spot);
    launch.allows_reserved = capacity_type == NULL || kerf_requirement_has(capacity_type, vocabulary->word_reserved);
    keep_compatible(&launch, &cache->scratch);
    prefer_reserved(&launch);
    drop_exotic(&launch);
    drop_dear_spot(&launch);
    if (truncate_types(&launch, &cache->scratch))
        list_overrides(&launch, arena, out_request);
}
