/**
 * launch_request: what the AWS provider asks EC2 for when it launches a claim. karpenter-provisioning.md 10.2, 10.3, 10.5.
 * Reserved capacity is not modelled, so filters 2 to 4 have nothing to do.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

enum { LAUNCH_TYPES_MAX = 60 }; /* types of one fleet request (13.3) */

struct launch_type {
    const struct kerf_instance_type *type;
    double cheapest_usd_per_hour;
};

struct launch {
    const struct kerf_vocabulary *vocabulary;
    const uint64_t *unavailable;
    const struct kerf_nodeclaim *claim;
    struct kerf_requirements requirements;
    bool has_min_values;
    bool allows_on_demand;
    bool allows_spot;
    double spot_limit_usd_per_hour; /* dearer spot offerings are out (filter 6) */
    bool has_spot_limit;
    struct launch_type *types;
    size_t count;
};

static bool is_offered(const struct launch *launch, const struct kerf_offering *offering)
{
    if (!offering->available || kerf_bit_get(launch->unavailable, offering->index))
        return false;
    if (launch->has_spot_limit && offering->capacity_type == KERF_SPOT &&
        offering->price_usd_per_hour > launch->spot_limit_usd_per_hour)
        return false;
    return kerf_requirements_compatible(launch->vocabulary, &launch->requirements, &offering->requirements,
                                        KERF_UNDEFINED_WELL_KNOWN, NULL);
}

/* The cheapest offering of a type, of one capacity type or (COUNT) of any; NULL: none. */
static const struct kerf_offering *cheapest_offering(const struct launch *launch, const struct kerf_instance_type *type,
                                                     enum kerf_capacity_type capacity_type)
{
    const struct kerf_offering *cheapest = NULL;
    for (uint32_t i = 0; i < type->offering_count; i++) {
        const struct kerf_offering *offering = &type->offerings[i];
        if (capacity_type != KERF_CAPACITY_TYPE_COUNT && offering->capacity_type != capacity_type)
            continue;
        if ((cheapest == NULL || offering->price_usd_per_hour < cheapest->price_usd_per_hour) && is_offered(launch, offering))
            cheapest = offering;
    }
    return cheapest;
}

/* Filter 1. */
static void keep_compatible(struct launch *launch, const struct kerf_instance_types *all, struct kerf_arena *arena)
{
    launch->types = KERF_NEW_ARRAY(arena, struct launch_type, all->count);
    const struct kerf_requirement *named = kerf_requirements_get(&launch->requirements, launch->vocabulary->key_instance_type);
    for (size_t i = 0; i < all->count; i++) {
        const struct kerf_instance_type *type = &all->items[i];
        if (named != NULL && !kerf_requirement_has(named, type->name))
            continue;
        if (!kerf_requirements_compatible(launch->vocabulary, &launch->requirements, &type->requirements,
                                          KERF_UNDEFINED_WELL_KNOWN, NULL) ||
            !kerf_resources_fit(&launch->claim->requests, &type->allocatable) ||
            cheapest_offering(launch, type, KERF_CAPACITY_TYPE_COUNT) == NULL)
            continue;
        launch->types[launch->count++].type = type;
    }
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
    size_t ordinary = 0;
    for (size_t i = 0; i < launch->count; i++)
        ordinary += !is_exotic(launch->types[i].type);
    if (launch->has_min_values || ordinary == 0)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < launch->count; i++)
        if (!is_exotic(launch->types[i].type))
            launch->types[kept++] = launch->types[i];
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
        const struct kerf_offering *cheapest = cheapest_offering(launch, launch->types[i].type, KERF_ON_DEMAND);
        if (cheapest != NULL && (on_demand == NULL || cheapest->price_usd_per_hour < on_demand->price_usd_per_hour))
            on_demand = cheapest;
        has_spot = has_spot || cheapest_offering(launch, launch->types[i].type, KERF_SPOT) != NULL;
    }
    if (on_demand == NULL || !has_spot)
        return;
    launch->has_spot_limit = true;
    launch->spot_limit_usd_per_hour = on_demand->price_usd_per_hour;
    size_t kept = 0;
    for (size_t i = 0; i < launch->count; i++)
        if (cheapest_offering(launch, launch->types[i].type, KERF_CAPACITY_TYPE_COUNT) != NULL)
            launch->types[kept++] = launch->types[i];
    launch->count = kept;
}

static int compare_types(const void *a, const void *b, void *context)
{
    (void)context;
    const struct launch_type *left = a;
    const struct launch_type *right = b;
    int order = kerf_compare_double(left->cheapest_usd_per_hour, right->cheapest_usd_per_hour);
    return order != 0 ? order : kerf_name_compare(left->type->name, right->type->name);
}

/* Filter 7; false: minValues are not met by what is left. */
static bool truncate_types(struct launch *launch, struct kerf_arena *arena)
{
    for (size_t i = 0; i < launch->count; i++)
        launch->types[i].cheapest_usd_per_hour =
            cheapest_offering(launch, launch->types[i].type, KERF_CAPACITY_TYPE_COUNT)->price_usd_per_hour;
    kerf_sort(launch->types, launch->count, sizeof launch->types[0], compare_types, NULL);
    if (launch->count > LAUNCH_TYPES_MAX)
        launch->count = LAUNCH_TYPES_MAX;
    const struct kerf_instance_type **list = KERF_NEW_ARRAY(arena, const struct kerf_instance_type *, launch->count);
    for (size_t i = 0; i < launch->count; i++)
        list[i] = launch->types[i].type;
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
        order = kerf_name_compare(left->type->name, right->type->name);
    return order != 0 ? order : kerf_compare_u64(left->offering->zone_index, right->offering->zone_index);
}

static void list_overrides(const struct launch *launch, struct kerf_arena *arena, struct kerf_launch_request *out_request)
{
    out_request->capacity_type = KERF_ON_DEMAND;
    for (size_t i = 0; i < launch->count && launch->allows_spot; i++)
        if (cheapest_offering(launch, launch->types[i].type, KERF_SPOT) != NULL)
            out_request->capacity_type = KERF_SPOT; /* one capacity type a launch: no falling back within it (10.3) */
    size_t most = 0;
    for (size_t i = 0; i < launch->count; i++)
        most += launch->types[i].type->offering_count;
    struct kerf_launch_override *overrides = KERF_NEW_ARRAY(arena, struct kerf_launch_override, most);
    size_t count = 0;
    for (size_t i = 0; i < launch->count; i++) {
        const struct kerf_instance_type *type = launch->types[i].type;
        for (uint32_t k = 0; k < type->offering_count; k++)
            if (type->offerings[k].capacity_type == out_request->capacity_type && is_offered(launch, &type->offerings[k]))
                overrides[count++] = (struct kerf_launch_override){type, &type->offerings[k]};
    }
    kerf_sort(overrides, count, sizeof overrides[0], compare_overrides, NULL);
    out_request->overrides = overrides;
    out_request->override_count = count;
}

static uint32_t find_nodeclass(const struct kerf_cluster *cluster, kerf_name name)
{
    const struct kerf_objects *objects = kerf_cluster_objects(cluster);
    for (size_t i = 0; i < objects->nodeclasses.count; i++)
        if (objects->nodeclasses.items[i].meta.name == name)
            return (uint32_t)i;
    return KERF_NOT_FOUND;
}

void kerf_provisioning_request_launch(const struct kerf_cluster *cluster, const struct kerf_nodeclaim *claim,
                                      struct kerf_arena *arena, struct kerf_launch_request *out_request)
{
    *out_request = (struct kerf_launch_request){.capacity_type = KERF_ON_DEMAND};
    uint32_t nodeclass_index = find_nodeclass(cluster, claim->nodeclass.name);
    if (nodeclass_index == KERF_NOT_FOUND)
        return; /* treated as insufficient capacity (10.1) */
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    struct launch launch = {.vocabulary = vocabulary, .unavailable = kerf_cluster_unavailable_offerings(cluster), .claim = claim};
    kerf_requirements_add_expressions(arena, vocabulary, &launch.requirements, &claim->requirements);
    for (size_t i = 0; i < launch.requirements.count; i++)
        launch.has_min_values |= launch.requirements.items[i].min_values > 0;
    const struct kerf_requirement *capacity_type = kerf_requirements_get(&launch.requirements, vocabulary->key_capacity_type);
    launch.allows_on_demand = capacity_type == NULL || kerf_requirement_has(capacity_type, vocabulary->word_on_demand);
    launch.allows_spot = capacity_type == NULL || kerf_requirement_has(capacity_type, vocabulary->word_spot);
    keep_compatible(&launch, kerf_cluster_instance_types(cluster, nodeclass_index), arena);
    drop_exotic(&launch);
    drop_dear_spot(&launch);
    if (truncate_types(&launch, arena))
        list_overrides(&launch, arena, out_request);
}
