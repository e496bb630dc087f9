/**
 * nodegroup: Auto Scaling groups: keep the desired number of instances (fixed, or as an autoscaler sets it), spread evenly over the zones,
 * replace what is lost; On-Demand and Spot in the group's shares.
 *
 * Simplified: a group's node object is there from the launch's answer on, not ready; the Auto Scaling group's own health checks and
 * rebalancing over zones are its delay alone. Types are tried in the order of the group for On-Demand, by EC2's choice for Spot.
 */
#include "controllers/controllers_internal.h"

#include <math.h>
#include <stdlib.h>

/** A launch under way, or an instance that boots. */
struct group_launch {
    uint32_t group;
    struct kerf_cloud_choice choice;
    uint32_t address;
    bool launched;
    enum kerf_capacity_type capacity_type;
    kerf_name name;
    struct kerf_boot_times boot;
};

struct group_node {
    kerf_event_handle ready;
    bool booted;
    bool ended; /* the instance is gone: it won't become ready any more */
};

struct kerf_nodegroup_controller {
    struct kerf_world *world;
    struct kerf_books launches; /* by a running number */
    struct kerf_books nodes;    /* by node id */
    uint32_t launch_number;
    uint32_t *in_flight;        /* by group: launches that were not answered yet */
    uint32_t *in_flight_on_demand; /* of these, On-Demand ones */
    uint32_t *in_flight_by_zone; /* of these, granted ones: group x KERF_ZONE_MAX + zone */
    kerf_event_handle *syncs;   /* by group */
    kerf_time_us *sync_us;      /* by group: when its sync is due */
};

static const struct kerf_nodegroup *group_at(const struct kerf_world *world, uint32_t index)
{
    return &world->design->objects.nodegroups.items[index];
}

static void wake(struct kerf_nodegroup_controller *controller, uint32_t group, kerf_time_us at_us)
{
    if (kerf_engine_is_scheduled(controller->world->engine, controller->syncs[group])) {
        if (controller->sync_us[group] <= at_us)
            return;
        kerf_engine_cancel(controller->world->engine, controller->syncs[group]);
    }
    controller->sync_us[group] = at_us;
    controller->syncs[group] = kerf_world_schedule(controller->world, at_us, KERF_EVENT_NODEGROUP_SYNC, group, 0);
}

/* ---- launch ------------------------------------------------------------------------------------------------------------------------ */

static bool subnet_has_address(void *context, uint32_t subnet_index)
{
    const struct kerf_world *world = context;
    return subnet_index == KERF_NOT_FOUND || kerf_vpc_subnet_counts(world->network.subnets[subnet_index]).assignable > 0;
}

struct group_count {
    int64_t alive; /* nodes that are there to stay */
    int64_t on_demand;
};

static struct group_count count_nodes(const struct kerf_nodegroup_controller *controller, uint32_t group_index)
{
    const struct kerf_world *world = controller->world;
    struct group_count count = { 0 };
    for (size_t at = 0; at < kerf_cluster_node_count(world->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
        if (node->nodegroup_index != group_index || kerf_cluster_is_deleting(world->cluster, node))
            continue;
        count.alive++;
        count.on_demand += node->capacity_type == KERF_ON_DEMAND;
    }
    return count;
}

/** What the group's next instance is to be: the base first, then the percentage above it, rounded up. */
static enum kerf_capacity_type next_capacity_type(const struct kerf_nodegroup_controller *controller, uint32_t group_index)
{
    const struct kerf_nodegroup *group = group_at(controller->world, group_index);
    if (!group->mixed)
        return group->spot ? KERF_SPOT : KERF_ON_DEMAND;
    struct group_count count = count_nodes(controller, group_index);
    int64_t on_demand = count.on_demand + controller->in_flight_on_demand[group_index];
    int64_t above = count.alive + controller->in_flight[group_index] + 1 - group->on_demand_base;
    int64_t wanted = group->on_demand_base + (kerf_max_i64(above, 0) * group->on_demand_percent + 99) / 100;
    return on_demand < wanted ? KERF_ON_DEMAND : KERF_SPOT;
}

/** Zones of the group, those with the fewest of its nodes first, then by name. */
static uint32_t zones_by_need(struct kerf_nodegroup_controller *controller, uint32_t group_index, uint32_t out_zones[KERF_ZONE_MAX])
{
    struct kerf_world *world = controller->world;
    const struct kerf_nodegroup *group = group_at(world, group_index);
    const kerf_name *names = group->zone_count > 0 ? group->zones : world->design->zones;
    uint32_t count = group->zone_count > 0 ? group->zone_count : world->design->zone_count;
    uint32_t nodes[KERF_ZONE_MAX] = { 0 };
    for (size_t at = 0; at < kerf_cluster_node_count(world->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
        if (node->nodegroup_index == group_index && node->zone_index < KERF_ZONE_MAX && !kerf_cluster_is_deleting(world->cluster, node))
            nodes[node->zone_index]++;
    }
    for (uint32_t zone = 0; zone < KERF_ZONE_MAX; zone++)
        nodes[zone] += controller->in_flight_by_zone[group_index * KERF_ZONE_MAX + zone];
    KERF_ASSERT(count <= KERF_ZONE_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t zone = kerf_catalog_zone_index(world->design->catalog, names[i]);
        uint32_t at = i;
        for (; at > 0 && nodes[out_zones[at - 1]] > nodes[zone]; at--)
            out_zones[at] = out_zones[at - 1];
        out_zones[at] = zone;
    }
    return count;
}

static bool launch_in_zone(struct kerf_nodegroup_controller *controller, struct group_launch *launch, uint32_t zone_index)
{
    struct kerf_world *world = controller->world;
    const struct kerf_nodegroup *group = group_at(world, launch->group);
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

static void start_launch(struct kerf_nodegroup_controller *controller, uint32_t group_index)
{
    struct kerf_world *world = controller->world;
    uint32_t number = controller->launch_number++;
    struct group_launch launch = {
        .group = group_index,
        .capacity_type = next_capacity_type(controller, group_index),
        .name = kerf_world_name_node(world, group_at(world, group_index)->meta.name->text),
    };
    uint32_t zones[KERF_ZONE_MAX];
    uint32_t zone_count = zones_by_need(controller, group_index, zones);
    for (uint32_t i = 0; i < zone_count && !launch.launched; i++)
        launch_in_zone(controller, &launch, zones[i]);
    bool slow = launch.launched && kerf_catalog_facts(world->design->catalog, launch.choice.type_index)->old_storage;
    launch.boot = kerf_cloud_draw_boot(world->cloud, kerf_hash_text(launch.name->text), slow);
    *(struct group_launch *)kerf_books_open(&controller->launches, number) = launch;
    controller->in_flight[group_index]++;
    controller->in_flight_on_demand[group_index] += launch.capacity_type == KERF_ON_DEMAND;
    if (launch.launched)
        controller->in_flight_by_zone[group_index * KERF_ZONE_MAX + launch.choice.zone_index]++;
    kerf_world_schedule(world, kerf_world_now(world) + launch.boot.launch_us, KERF_EVENT_GROUP_LAUNCHED, number, 0);
}

/* ---- from the launch to readiness ---------------------------------------------------------------------------------------------------- */

static void add_node(struct kerf_nodegroup_controller *controller, const struct group_launch *launch)
{
    struct kerf_world *world = controller->world;
    struct kerf_vocabulary *vocabulary = world->vocabulary;
    const struct kerf_nodegroup *group = group_at(world, launch->group);
    const struct kerf_instance_facts *facts = kerf_catalog_facts(world->design->catalog, launch->choice.type_index);
    struct kerf_arena *arena = kerf_cluster_next_arena(world->cluster);
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
    kerf_node_id id = kerf_cluster_add_node(world->cluster, &node);
    kerf_world_notify(world, (struct kerf_notice){
                                 .kind = KERF_NOTICE_INSTANCE_STARTED,
                                 .node = id,
                                 .pod = KERF_NO_POD,
                                 .detail = launch->choice.subnet_index,
                                 .value = kerf_offering_price(world, facts->index, launch->choice.zone_index, launch->capacity_type),
                             });
    if (launch->choice.subnet_index != KERF_NOT_FOUND)
        kerf_instance_join_network(world, id, launch->choice.subnet_index, launch->address, facts->index, node.capacity.pods);
    struct group_node *books = kerf_books_open(&controller->nodes, id.index);
    books->ready = kerf_world_schedule(world, kerf_world_now(world) + launch->boot.registration_us + launch->boot.initialization_us,
                                       KERF_EVENT_GROUP_READY, id.index, 0);
}

static void on_launched(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_nodegroup_controller *controller = context;
    uint32_t number = (uint32_t)event->subject;
    struct group_launch launch = *(struct group_launch *)kerf_books_find(&controller->launches, number);
    kerf_books_drop(&controller->launches, number);
    controller->in_flight[launch.group]--;
    controller->in_flight_on_demand[launch.group] -= launch.capacity_type == KERF_ON_DEMAND;
    if (launch.launched) {
        controller->in_flight_by_zone[launch.group * KERF_ZONE_MAX + launch.choice.zone_index]--;
        if (count_nodes(controller, launch.group).alive < kerf_cluster_group_size(controller->world->cluster, launch.group))
            add_node(controller, &launch);
        else if (launch.choice.subnet_index != KERF_NOT_FOUND) /* the group was made smaller meanwhile */
            kerf_instance_give_address(controller->world, launch.choice.subnet_index, launch.address);
        return;
    }
    kerf_world_notify(controller->world, (struct kerf_notice){ .kind = KERF_NOTICE_GROUP_LAUNCH_FAILED,
                                                               .node = KERF_NO_NODE,
                                                               .pod = KERF_NO_POD,
                                                               .detail = launch.group });
    /* the Auto Scaling group tries again after a while */
    wake(controller, launch.group, kerf_engine_now(engine) + KERF_MINUTE_US);
}

static void make_ready_if_possible(struct kerf_nodegroup_controller *controller, kerf_node_id id)
{
    struct kerf_world *world = controller->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    const struct group_node *books = kerf_books_find(&controller->nodes, id.index);
    if (!node || !books || !books->booted || books->ended || kerf_cluster_is_deleted(node) || kerf_node_is_ready(node))
        return;
    if (node->network && !kerf_conditions_true(&node->node.conditions, "NetworkingReady"))
        return;
    kerf_node_remove_taint(world, id, world->vocabulary->key_taint_not_ready);
    kerf_cluster_set_node_condition(world->cluster, id, "Ready", KERF_CONDITION_TRUE);
}

static void on_ready(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_nodegroup_controller *controller = context;
    kerf_node_id id = { (uint32_t)event->subject };
    struct group_node *books = kerf_books_find(&controller->nodes, id.index);
    if (!books)
        return;
    if (event->detail == 0) /* not the network's turn: the boot is over */
        books->booted = true;
    make_ready_if_possible(controller, id);
}

/* ---- the size ------------------------------------------------------------------------------------------------------------------------ */

static void on_sync(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_nodegroup_controller *controller = context;
    struct kerf_world *world = controller->world;
    uint32_t group_index = (uint32_t)event->subject;
    int64_t alive = controller->in_flight[group_index] + count_nodes(controller, group_index).alive;
    for (; alive < kerf_cluster_group_size(world->cluster, group_index); alive++)
        start_launch(controller, group_index);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_nodegroup_controller *controller = context;
    if (change->kind == KERF_CHANGE_GROUP_RESIZED) {
        const struct kerf_timings *timings = &controller->world->design->timings;
        wake(controller, change->nodegroup_index, kerf_world_now(controller->world) + timings->autoscaler_loop_us + timings->nodegroup_delay_us);
        return;
    }
    if (change->kind != KERF_CHANGE_CLAIM_DELETING && change->kind != KERF_CHANGE_NODE_REMOVED && change->kind != KERF_CHANGE_NODE_CHANGED)
        return;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, change->node);
    struct group_node *books = kerf_books_find(&controller->nodes, change->node.index);
    if (node->nodegroup_index == KERF_NOT_FOUND || !books)
        return;
    if (change->kind == KERF_CHANGE_CLAIM_DELETING && !kerf_cluster_is_deleted(node))
        return;
    struct kerf_world *world = controller->world;
    if (change->kind == KERF_CHANGE_NODE_CHANGED) {
        if (books->booted && !books->ended && !kerf_node_is_ready(node))
            kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_GROUP_READY, change->node.index, 1);
        return;
    }
    kerf_engine_cancel(world->engine, books->ready);
    wake(controller, node->nodegroup_index, kerf_world_now(world) + world->design->timings.nodegroup_delay_us);
    if (change->kind == KERF_CHANGE_NODE_REMOVED)
        kerf_books_drop(&controller->nodes, change->node.index);
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_nodegroup_controller *controller = context;
    struct group_node *books = notice->kind == KERF_NOTICE_INSTANCE_ENDED ? kerf_books_find(&controller->nodes, notice->node.index) : NULL;
    if (!books)
        return;
    books->ended = true;
    kerf_engine_cancel(controller->world->engine, books->ready);
}

struct kerf_nodegroup_controller *kerf_nodegroup_controller_new(struct kerf_world *world)
{
    struct kerf_nodegroup_controller *controller = kerf_allocate(sizeof *controller);
    uint32_t count = (uint32_t)world->design->objects.nodegroups.count;
    controller->world = world;
    kerf_books_init(&controller->launches, sizeof(struct group_launch));
    kerf_books_init(&controller->nodes, sizeof(struct group_node));
    controller->in_flight = kerf_allocate(kerf_array_bytes(count, sizeof *controller->in_flight));
    controller->in_flight_on_demand = kerf_allocate(kerf_array_bytes(count, sizeof *controller->in_flight_on_demand));
    controller->in_flight_by_zone = kerf_allocate(kerf_array_bytes((size_t)count * KERF_ZONE_MAX, sizeof *controller->in_flight_by_zone));
    controller->syncs = kerf_allocate(kerf_array_bytes(count, sizeof *controller->syncs));
    controller->sync_us = kerf_allocate(kerf_array_bytes(count, sizeof *controller->sync_us));
    kerf_cluster_listen(world->cluster, on_change, controller);
    kerf_world_listen(world, on_notice, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_NODEGROUP_SYNC, on_sync, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_GROUP_LAUNCHED, on_launched, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_GROUP_READY, on_ready, controller);
    for (uint32_t i = 0; i < count; i++)
        wake(controller, i, 0);
    return controller;
}

void kerf_nodegroup_controller_free(struct kerf_nodegroup_controller *controller)
{
    if (!controller)
        return;
    kerf_books_fini(&controller->launches);
    kerf_books_fini(&controller->nodes);
    free(controller->in_flight);
    free(controller->in_flight_on_demand);
    free(controller->in_flight_by_zone);
    free(controller->syncs);
    free(controller->sync_us);
    free(controller);
}
