/**
 * Which subnet a launch goes to. EC2 knows what is free; Karpenter knows what it was told up to five minutes ago, less what it expects its own
 * launches to take since (karpenter-provisioning 10.4), and so asks for addresses that are gone, or believes gone what is not.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

#define REFRESH_US (5 * KERF_MINUTE_US) /* its cache of DescribeSubnets */
#define UNAVAILABLE_US (3 * KERF_MINUTE_US)

static bool takes_instances(const struct kerf_world *world, uint32_t subnet_index, uint32_t zone_index)
{
    const struct kerf_scenario_subnet *subnet = &world->design->subnets[subnet_index];
    return subnet->zone_index == zone_index && subnet->use != KERF_SUBNET_PODS;
}

/** A read from EC2 clears what was estimated. */
static void refresh(struct kerf_world *world)
{
    for (uint32_t i = 0; i < world->design->subnet_count; i++) {
        world->subnet_views[i].cached = kerf_vpc_subnet_counts(world->network.subnets[i]).free;
        world->subnet_views[i].estimate = world->subnet_views[i].cached;
    }
    kerf_world_schedule(world, kerf_world_now(world) + REFRESH_US, KERF_EVENT_SUBNET_REFRESH, 0, 0);
}

static void open_views(struct kerf_world *world)
{
    if (world->subnet_views || world->design->subnet_count == 0)
        return;
    world->subnet_views = kerf_allocate(kerf_array_bytes(world->design->subnet_count, sizeof *world->subnet_views));
    for (uint32_t i = 0; i < world->design->subnet_count; i++)
        world->subnet_views[i].unavailable_until_us = KERF_TIME_UNSET;
    refresh(world);
}

static void on_refresh(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    refresh(context);
}

void kerf_subnet_views_watch(struct kerf_world *world)
{
    kerf_engine_handle(world->engine, KERF_EVENT_SUBNET_REFRESH, on_refresh, world);
}

uint32_t kerf_subnet_of_claim(struct kerf_world *world, uint32_t zone_index)
{
    open_views(world);
    uint32_t best = KERF_NOT_FOUND;
    for (uint32_t i = 0; i < world->design->subnet_count; i++) {
        if (!takes_instances(world, i, zone_index))
            continue;
        const struct kerf_subnet_view *view = &world->subnet_views[i];
        if (best == KERF_NOT_FOUND || view->estimate > world->subnet_views[best].estimate) {
            best = i;
            continue;
        }
        /* Equal estimates: the list is sorted by what was told, then by id. */
        const struct kerf_subnet_view *other = &world->subnet_views[best];
        if (view->estimate == other->estimate &&
            (view->cached > other->cached ||
             (view->cached == other->cached && strcmp(world->design->subnets[i].id, world->design->subnets[best].id) < 0)))
            best = i;
    }
    return best;
}

uint32_t kerf_subnet_of_group(const struct kerf_world *world, uint32_t zone_index, uint64_t owner)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->design->subnet_count; i++)
        count += takes_instances(world, i, zone_index);
    if (count == 0)
        return KERF_NOT_FOUND;
    struct kerf_stream stream = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_SUBNET, owner);
    uint32_t wanted = (uint32_t)kerf_draw_below(&stream, count);
    for (uint32_t i = 0;; i++)
        if (takes_instances(world, i, zone_index) && wanted-- == 0)
            return i;
}

void kerf_subnet_note_request(struct kerf_world *world, const struct kerf_cloud_choice *choices, const int64_t *pods, size_t choice_count,
                              const struct kerf_cloud_choice *used)
{
    for (uint32_t subnet = 0; subnet < world->design->subnet_count; subnet++) {
        int64_t least_pods = INT64_MAX;
        for (size_t i = 0; i < choice_count; i++)
            if (choices[i].subnet_index == subnet)
                least_pods = kerf_min_i64(least_pods, pods[i]);
        /* What the answer did not use is given back: the others stay as they were. */
        if (least_pods != INT64_MAX && used && used->subnet_index == subnet)
            world->subnet_views[subnet].estimate -= least_pods;
    }
}

void kerf_subnet_note_full(struct kerf_world *world, uint32_t subnet_index)
{
    open_views(world);
    kerf_time_us now_us = kerf_world_now(world);
    world->subnet_views[subnet_index].estimate = 0;
    world->subnet_views[subnet_index].unavailable_until_us = now_us + UNAVAILABLE_US;
    uint32_t zone_index = world->design->subnets[subnet_index].zone_index;
    for (uint32_t i = 0; i < world->design->subnet_count; i++)
        if (takes_instances(world, i, zone_index) && world->subnet_views[i].unavailable_until_us <= now_us)
            return;
    /* All subnets of the zone: its offerings are gone for a while. */
    uint32_t type_count = (uint32_t)kerf_catalog_type_count(world->design->catalog);
    for (uint32_t type = 0; type < type_count; type++)
        for (int capacity_type = 0; capacity_type < KERF_CAPACITY_TYPE_COUNT; capacity_type++)
            kerf_offering_remember_unavailable(world, type, zone_index, (enum kerf_capacity_type)capacity_type);
}

/** The ENIConfig of a node: by the label that beats all others, by the label of the CNI's settings, else "default" (vpc-cni.md 5.1). */
static uint32_t subnet_of_eniconfig(const struct kerf_world *world, const struct kerf_labels *labels)
{
    const struct kerf_design *design = world->design;
    kerf_name external = kerf_name_find(world->vocabulary->names, "vpc.amazonaws.com/externalEniConfig");
    kerf_name name = external ? kerf_labels_get(labels, external) : NULL;
    if (!name)
        name = kerf_labels_get(labels, design->eni_config_label);
    const char *wanted = name ? name->text : "default";
    for (size_t i = 0; i < design->objects.eniconfigs.count; i++)
        if (kerf_name_is(design->objects.eniconfigs.items[i].meta.name, wanted))
            return kerf_scenario_subnet_index(design, design->objects.eniconfigs.items[i].subnet->text);
    return KERF_NOT_FOUND;
}

uint32_t kerf_subnet_for_pods(const struct kerf_world *world, uint32_t node_subnet, const struct kerf_labels *labels)
{
    const struct kerf_design *design = world->design;
    if (design->cni.custom_networking && design->objects.eniconfigs.count > 0)
        return subnet_of_eniconfig(world, labels);
    for (uint32_t i = 0; i < design->subnet_count; i++)
        if (design->subnets[i].zone_index == design->subnets[node_subnet].zone_index && design->subnets[i].use == KERF_SUBNET_PODS)
            return i;
    return node_subnet;
}

void kerf_network_open(struct kerf_world *world)
{
    const struct kerf_design *design = world->design;
    struct kerf_vpc_ec2_network *network = &world->network;
    network->subnet_count = design->subnet_count;
    network->subnets = kerf_allocate(kerf_array_bytes(design->subnet_count, sizeof *network->subnets));
    world->subnet_places = kerf_allocate(kerf_array_bytes(design->subnet_count, sizeof *world->subnet_places));
    network->places = world->subnet_places;
    network->habits = (struct kerf_vpc_ec2_habits){ design->cloud.lowest_address, design->cloud.unrecognised_shortage };
    network->draws.key = kerf_hash_mix(kerf_hash_mix(world->seed, world->replication), KERF_PURPOSE_SUBNET);
    for (uint32_t i = 0; i < design->subnet_count; i++) {
        const struct kerf_scenario_subnet *from = &design->subnets[i];
        struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new(from->cidr);
        network->subnets[i] = subnet;
        world->subnet_places[i] = (struct kerf_vpc_subnet_place){ from->zone_index, from->use };
        for (uint32_t j = 0; j < from->range_count; j++) {
            const char *problem = kerf_vpc_subnet_reserve(subnet, from->ranges[j].cidr, from->ranges[j].kind);
            KERF_ASSERT(problem == NULL);
        }
        for (int64_t taken = 0; taken < from->taken && kerf_vpc_subnet_counts(subnet).assignable > 0; taken++)
            kerf_vpc_subnet_take(subnet, (uint32_t)kerf_vpc_draw_below(&network->draws, kerf_vpc_subnet_counts(subnet).assignable));
    }
}

void kerf_network_close(struct kerf_world *world)
{
    for (uint32_t i = 0; i < world->network.subnet_count; i++)
        kerf_vpc_subnet_free(world->network.subnets[i]);
    free(world->network.subnets);
    free(world->subnet_places);
    free(world->subnet_views);
}
