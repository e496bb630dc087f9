/**
 * An Auto Scaling group asks EC2 for an instance (cluster-autoscaler.md 13.3): which capacity type, which zone, which type; and the node
 * that comes of it.
 *
 * Simplified: a group's node object is there from the launch's answer on, without a condition until it registers.
 */
#include "controllers/nodegroup_internal.h"

#include "random/random.h"

#include <math.h>
#include <stdlib.h>

static bool subnet_has_address(void *context, uint32_t subnet_index)
{
    const struct kerf_world *world = context;
    return subnet_index == KERF_NOT_FOUND || kerf_vpc_subnet_counts(world->network.subnets[subnet_index]).assignable > 0;
}

/** What the group's next instance is to be: the base first, then the percentage above it, rounded up. */
static enum kerf_capacity_type next_capacity_type(const struct kerf_nodegroup_controller *controller, uint32_t group_index)
{
    const struct kerf_nodegroup *group = kerf_group_at(controller->world, group_index);
    if (!group->mixed)
        return group->spot ? KERF_SPOT : KERF_ON_DEMAND;
    struct group_count count = kerf_group_count_nodes(controller, group_index);
    int64_t on_demand = count.on_demand + controller->groups[group_index].in_flight_on_demand;
    int64_t above = count.alive + controller->groups[group_index].in_flight + 1 - group->on_demand_base;
    int64_t wanted = group->on_demand_base + (kerf_max_i64(above, 0) * group->on_demand_percent + 99) / 100;
    return on_demand < wanted ? KERF_ON_DEMAND : KERF_SPOT;
}

/** Zones of the group, those with the fewest of its nodes first, then in their order. */
static uint32_t zones_by_need(struct kerf_nodegroup_controller *controller, uint32_t group_index, uint32_t out_zones[KERF_ZONE_MAX])
{
    const uint32_t *in_flight = controller->groups[group_index].in_flight_by_zone;
    uint32_t zones[KERF_ZONE_MAX], count = kerf_group_zones(controller->world, group_index, zones);
    struct group_count nodes = kerf_group_count_nodes(controller, group_index);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t zone = zones[i], need = nodes.by_zone[zone] + in_flight[zone], at = i;
        for (; at > 0 && nodes.by_zone[out_zones[at - 1]] + in_flight[out_zones[at - 1]] > need; at--)
            out_zones[at] = out_zones[at - 1];
        out_zones[at] = zone;
    }
    return count;
}

static bool launch_in_zone(struct kerf_nodegroup_controller *controller, struct group_launch *launch, uint32_t zone_index)
{
    struct kerf_world *world = controller->world;
    const struct kerf_nodegroup *group = kerf_group_at(world, launch->group);
    const bool spot = launch->capacity_type == KERF_SPOT;
    uint32_t subnet_index = kerf_subnet_of_group(world, zone_index, kerf_hash_text(launch->name->text));
    if (world->design->subnet_count > 0 && subnet_index == KERF_NOT_FOUND)
        return false;
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_cloud_choice *choices = KERF_NEW_ARRAY(&scratch, struct kerf_cloud_choice, group->instance_type_count);
    size_t count = 0;
    for (uint32_t i = 0; i < group->instance_type_count; i++) {
        const struct kerf_instance_facts *facts = kerf_catalog_find(world->design->catalog, group->instance_types[i]);
        if (!facts || !(facts->zone_mask >> zone_index & 1) || (spot && isnan(facts->spot_usd_per_hour[zone_index])))
            continue;
        choices[count++] = (struct kerf_cloud_choice){
            .type_index = facts->index,
            .zone_index = zone_index,
            .subnet_index = subnet_index,
            /* On-Demand groups take the first type of their list that has capacity. */
            .price_usd_per_hour = spot ? facts->spot_usd_per_hour[zone_index] : (double)i,
        };
    }
    struct kerf_launch_outcome outcome;
    kerf_cloud_launch(world->cloud, kerf_world_now(world), launch->capacity_type, choices, count,
                      kerf_hash_text(launch->name->text), subnet_has_address, world, &outcome);
    launch->launched = outcome.launched;
    launch->choice = outcome.choice;
    launch->address = KERF_ADDRESS_NONE;
    if (launch->launched && subnet_index != KERF_NOT_FOUND)
        launch->launched = kerf_instance_take_address(world, subnet_index, &launch->address);
    for (size_t i = 0; i < outcome.refused_count; i++) {
        bool addresses = outcome.errors[i] == KERF_LAUNCH_INSUFFICIENT_ADDRESSES;
        if (kerf_launch_refusal_was_told(&outcome, i))
            continue;
        kerf_world_notify(world, (struct kerf_notice){
                                     .kind = addresses ? KERF_NOTICE_SUBNET_EXHAUSTED : KERF_NOTICE_LAUNCH_REFUSED,
                                     .node = KERF_NO_NODE,
                                     .pod = KERF_NO_POD,
                                     .detail = addresses ? subnet_index : (uint64_t)outcome.refused[i].type_index << 32 | zone_index,
                                 });
    }
    kerf_arena_fini(&scratch);
    return launch->launched;
}

bool kerf_group_launch(struct kerf_nodegroup_controller *controller, uint32_t group_index, uint32_t job)
{
    struct kerf_world *world = controller->world;
    struct scaling_group *state = &controller->groups[group_index];
    const struct kerf_nodegroup *group = kerf_group_at(world, group_index);
    const struct replacement *replacement = kerf_group_job(controller, job);
    uint32_t number = controller->launch_number++;
    struct group_launch launch = {
        .group = group_index,
        .capacity_type = next_capacity_type(controller, group_index),
        .name = kerf_world_name_node(world, group->meta.name->text),
        .job = job,
    };
    uint32_t zones[KERF_ZONE_MAX];
    uint32_t zone_count = zones_by_need(controller, group_index, zones);
    if (replacement && replacement->for_zone)
        launch_in_zone(controller, &launch, replacement->zone);
    else
        for (uint32_t i = 0; i < zone_count && !launch.launched; i++)
            launch_in_zone(controller, &launch, zones[i]);
    bool slow = launch.launched && kerf_catalog_facts(world->design->catalog, launch.choice.type_index)->old_storage;
    launch.boot = kerf_world_draw_boot(world, kerf_hash_text(launch.name->text), slow);
    launch.boot.registration_us = (kerf_time_us)((double)launch.boot.registration_us * group->boot_factor);
    launch.boot.initialization_us = (kerf_time_us)((double)launch.boot.initialization_us * group->boot_factor);
    *(struct group_launch *)kerf_books_open(&controller->launches, number) = launch;
    state->in_flight++;
    state->in_flight_on_demand += launch.capacity_type == KERF_ON_DEMAND;
    if (launch.launched)
        state->in_flight_by_zone[launch.choice.zone_index]++;
    kerf_world_schedule(world, kerf_world_now(world) + launch.boot.launch_us, KERF_EVENT_GROUP_LAUNCHED, number, 0);
    return launch.launched;
}

/* ---- the node ------------------------------------------------------------------------------------------------------------------- */

static struct kerf_node node_of(struct kerf_nodegroup_controller *controller, const struct group_launch *launch, struct kerf_arena *arena)
{
    struct kerf_world *world = controller->world;
    struct kerf_vocabulary *vocabulary = world->vocabulary;
    const struct kerf_nodegroup *group = kerf_group_at(world, launch->group);
    const struct kerf_instance_facts *facts = kerf_catalog_facts(world->design->catalog, launch->choice.type_index);
    size_t zone_count;
    const struct kerf_zone *zone = &kerf_catalog_zones(world->design->catalog, &zone_count)[launch->choice.zone_index];
    struct kerf_label own[] = {
        { vocabulary->key_eks_nodegroup, group->meta.name },
        { vocabulary->key_eks_capacity_type, kerf_name_of(vocabulary->names, launch->capacity_type == KERF_SPOT ? "SPOT" : "ON_DEMAND") },
        { vocabulary->key_instance_type, facts->name },
        { vocabulary->key_arch, facts->arch },
        { vocabulary->key_os, vocabulary->word_linux },
        { vocabulary->key_zone, zone->name },
        { vocabulary->key_region, kerf_catalog_region(world->design->catalog) },
        { vocabulary->key_hostname, launch->name },
    };
    struct kerf_labels own_labels = kerf_labels_sorted(arena, own, sizeof own / sizeof own[0]);
    struct kerf_taint *taints = KERF_NEW_ARRAY(arena, struct kerf_taint, group->taints.count + 1);
    for (size_t i = 0; i < group->taints.count; i++)
        taints[i] = group->taints.items[i];
    taints[group->taints.count] = (struct kerf_taint){ .key = vocabulary->key_taint_not_ready, .effect = KERF_TAINT_NO_SCHEDULE };
    struct kerf_node node = {
        .meta = {
            .name = launch->name,
            .uid = launch->name,
            .created_epoch_us = kerf_world_epoch_now(world),
            .deletion_epoch_us = KERF_TIME_UNSET,
            .labels = kerf_labels_merge(arena, &own_labels, &group->labels),
        },
        .provider_id = kerf_name_format(vocabulary->names, "aws:///%s/i-%016" PRIx64, zone->name->text, kerf_hash_text(launch->name->text)),
        .taints = { taints, group->taints.count + 1 },
    };
    int64_t volume_bytes = group->volume_size_bytes > 0 ? group->volume_size_bytes : world->design->fees.root_volume_gb << 30;
    kerf_catalog_node_resources(facts, group->ami_family, group->max_pods, volume_bytes, &node.capacity, &node.allocatable);
    return node;
}

static bool never_joins(const struct kerf_world *world, const struct group_launch *launch)
{
    struct kerf_stream stream =
        kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_FAULT, kerf_hash_text(launch->name->text));
    return kerf_draw_chance(&stream, kerf_group_at(world, launch->group)->join_failure);
}

void kerf_group_add_node(struct kerf_nodegroup_controller *controller, const struct group_launch *launch)
{
    struct kerf_world *world = controller->world;
    struct kerf_node node = node_of(controller, launch, kerf_cluster_next_arena(world->cluster));
    const uint32_t type_index = launch->choice.type_index;
    kerf_node_id id = kerf_cluster_add_node(world->cluster, &node);
    kerf_world_notify(world, (struct kerf_notice){
                                 .kind = KERF_NOTICE_INSTANCE_STARTED,
                                 .node = id,
                                 .pod = KERF_NO_POD,
                                 .detail = launch->choice.subnet_index,
                                 .value = kerf_offering_price(world, type_index, launch->choice.zone_index, launch->capacity_type),
                             });
    if (launch->choice.subnet_index != KERF_NOT_FOUND)
        kerf_instance_join_network(world, id, launch->choice.subnet_index, launch->address, type_index, node.capacity.pods);
    struct group_node *books = kerf_books_open(&controller->nodes, id.index);
    books->launched_us = kerf_world_now(world);
    books->initialization_us = launch->boot.initialization_us;
    books->job = launch->job;
    struct replacement *replacement = kerf_group_job(controller, launch->job);
    if (replacement)
        replacement->node = id;
    books->next = KERF_NO_EVENT;
    if (!never_joins(world, launch))
        books->next = kerf_world_schedule(world, kerf_world_now(world) + launch->boot.registration_us, KERF_EVENT_GROUP_READY, id.index,
                                          KERF_GROUP_REGISTERS);
}
