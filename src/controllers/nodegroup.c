/**
 * nodegroup: Auto Scaling groups: keep the desired number of instances (fixed, or as an autoscaler sets it), spread evenly over the zones,
 * replace what is lost; On-Demand and Spot in the group's shares. What a group does on its own is in nodegroup_upkeep.c (zones, rebalance
 * recommendations) and nodegroup_update.c (new versions).
 */
#include "controllers/nodegroup_internal.h"

#include "random/random.h"

#include <stdlib.h>

/* ---- when it looks ---------------------------------------------------------------------------------------------------------------- */

void kerf_group_wake(struct kerf_nodegroup_controller *controller, uint32_t group, kerf_time_us at_us)
{
    struct scaling_group *state = &controller->groups[group];
    if (kerf_engine_is_scheduled(controller->world->engine, state->sync)) {
        if (state->sync_us <= at_us)
            return;
        kerf_engine_cancel(controller->world->engine, state->sync);
    }
    state->sync_us = at_us;
    state->sync = kerf_world_schedule(controller->world, at_us, KERF_EVENT_NODEGROUP_SYNC, group, 0);
}

void kerf_group_wake_after_delay(struct kerf_nodegroup_controller *controller, uint32_t group, kerf_time_us from_us)
{
    const struct kerf_world *world = controller->world;
    const struct kerf_timings *timings = &world->design->timings;
    kerf_time_us spread_us = kerf_min_i64(timings->nodegroup_delay_spread_us, timings->nodegroup_delay_us);
    uint64_t owner = kerf_hash_mix(kerf_hash_text(kerf_group_at(world, group)->meta.name->text), controller->groups[group].delay_count++);
    struct kerf_stream stream = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_SCALING_DELAY, owner);
    kerf_time_us delay_us = timings->nodegroup_delay_us - spread_us + (kerf_time_us)(kerf_draw_uniform(&stream) * 2.0 * (double)spread_us);
    kerf_group_wake(controller, group, from_us + delay_us);
}

/* ---- what is there ---------------------------------------------------------------------------------------------------------------- */

struct group_count kerf_group_count_nodes(const struct kerf_nodegroup_controller *controller, uint32_t group_index)
{
    const struct kerf_world *world = controller->world;
    struct group_count count = { 0 };
    for (size_t at = 0; at < kerf_cluster_node_count(world->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
        if (node->nodegroup_index != group_index || kerf_cluster_is_deleting(world->cluster, node))
            continue;
        count.alive++;
        count.on_demand += node->capacity_type == KERF_ON_DEMAND;
        if (node->zone_index < KERF_ZONE_MAX)
            count.by_zone[node->zone_index]++;
    }
    return count;
}

int64_t kerf_group_target(const struct kerf_nodegroup_controller *controller, uint32_t group)
{
    const struct scaling_group *state = &controller->groups[group];
    return (int64_t)kerf_cluster_group_size(controller->world->cluster, group) + state->job_count + state->update.surge;
}

uint32_t kerf_group_zones(const struct kerf_world *world, uint32_t group_index, uint32_t out_zones[KERF_ZONE_MAX])
{
    const struct kerf_nodegroup *group = kerf_group_at(world, group_index);
    const kerf_name *names = group->zone_count > 0 ? group->zones : world->design->zones;
    uint32_t count = group->zone_count > 0 ? group->zone_count : world->design->zone_count;
    KERF_ASSERT(count <= KERF_ZONE_MAX);
    for (uint32_t i = 0; i < count; i++)
        out_zones[i] = kerf_catalog_zone_index(world->design->catalog, names[i]);
    return count;
}

/* ---- the size ------------------------------------------------------------------------------------------------------------------------ */

static void on_sync(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_nodegroup_controller *controller = context;
    uint32_t group = (uint32_t)event->subject;
    int64_t there = kerf_group_count_nodes(controller, group).alive, target = kerf_group_target(controller, group);
    for (int64_t alive = there + controller->groups[group].in_flight; alive < target; alive++)
        kerf_group_launch(controller, group, KERF_NO_JOB);
    if (there > target)
        kerf_group_shrink(controller, group, there - target);
    else if (there == target)
        kerf_group_rebalance_zones(controller, group);
}

static void on_launched(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_nodegroup_controller *controller = context;
    uint32_t number = (uint32_t)event->subject;
    struct group_launch launch = *(struct group_launch *)kerf_books_find(&controller->launches, number);
    struct scaling_group *state = &controller->groups[launch.group];
    kerf_books_drop(&controller->launches, number);
    state->in_flight--;
    state->in_flight_on_demand -= launch.capacity_type == KERF_ON_DEMAND;
    if (launch.launched) {
        state->in_flight_by_zone[launch.choice.zone_index]--;
        if (kerf_group_count_nodes(controller, launch.group).alive < kerf_group_target(controller, launch.group)) {
            kerf_group_add_node(controller, &launch);
        } else { /* the group was made smaller meanwhile */
            if (launch.choice.subnet_index != KERF_NOT_FOUND)
                kerf_instance_give_address(controller->world, launch.choice.subnet_index, launch.address);
            kerf_group_end_job(controller, launch.job, false);
        }
        return;
    }
    if (launch.job != KERF_NO_JOB) {
        kerf_group_end_job(controller, launch.job, false);
        return;
    }
    kerf_world_notify(controller->world, (struct kerf_notice){ .kind = KERF_NOTICE_GROUP_LAUNCH_FAILED,
                                                               .node = KERF_NO_NODE,
                                                               .pod = KERF_NO_POD,
                                                               .detail = launch.group });
    /* the Auto Scaling group tries again after a while */
    kerf_group_wake(controller, launch.group, kerf_engine_now(engine) + KERF_MINUTE_US);
}

/* ---- from the launch to readiness ---------------------------------------------------------------------------------------------------- */

static void make_ready_if_possible(struct kerf_nodegroup_controller *controller, kerf_node_id id)
{
    struct kerf_world *world = controller->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    const struct group_node *books = kerf_books_find(&controller->nodes, id.index);
    if (!node || !books || !books->booted || books->ended || kerf_cluster_is_deleted(node) || kerf_node_is_ready(node))
        return;
    if (node->network && !kerf_conditions_true(&node->node.conditions, "NetworkingReady"))
        return;
    uint32_t job = books->job;
    kerf_node_remove_taint(world, id, world->vocabulary->key_taint_not_ready);
    kerf_cluster_set_node_condition(world->cluster, id, "Ready", KERF_CONDITION_TRUE);
    kerf_group_end_job(controller, job, true);
    if (kerf_group_at(world, node->nodegroup_index)->zone_rebalancing)
        kerf_group_wake_after_delay(controller, node->nodegroup_index, kerf_world_now(world));
}

static void on_ready(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_nodegroup_controller *controller = context;
    kerf_node_id id = { (uint32_t)event->subject };
    struct group_node *books = kerf_books_find(&controller->nodes, id.index);
    if (!books)
        return;
    if (event->detail == KERF_GROUP_REGISTERS) {
        books->next = kerf_world_schedule(controller->world, kerf_engine_now(engine) + books->initialization_us, KERF_EVENT_GROUP_READY, id.index,
                                          KERF_GROUP_BOOTED);
        kerf_cluster_set_node_condition(controller->world->cluster, id, "Ready", KERF_CONDITION_FALSE);
        return;
    }
    if (event->detail == KERF_GROUP_BOOTED)
        books->booted = true;
    make_ready_if_possible(controller, id);
}

/* ---- what happens to it ---------------------------------------------------------------------------------------------------------------- */

static void on_replace(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_nodegroup_controller *controller = context;
    kerf_node_id id = { (uint32_t)event->subject };
    if (event->detail == KERF_GROUP_REPLACES)
        kerf_group_replace(controller, id);
    else
        kerf_group_forget_node(controller, id);
}

static void on_update(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    if (event->detail == 0)
        kerf_group_begin_update(context, (uint32_t)event->subject);
    else
        kerf_group_update_step(context, (uint32_t)event->subject);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_nodegroup_controller *controller = context;
    struct kerf_world *world = controller->world;
    if (change->kind == KERF_CHANGE_GROUP_RESIZED) {
        kerf_group_wake_after_delay(controller, change->nodegroup_index, kerf_world_now(world) + world->design->timings.autoscaler_loop_us);
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
    if (change->kind == KERF_CHANGE_NODE_CHANGED) {
        if (books->booted && !books->ended && !kerf_node_is_ready(node))
            kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_GROUP_READY, change->node.index, KERF_GROUP_NETWORK);
        return;
    }
    kerf_engine_cancel(world->engine, books->next);
    kerf_group_wake_after_delay(controller, node->nodegroup_index, kerf_world_now(world));
    if (controller->groups[node->nodegroup_index].job_count > 0)
        kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_GROUP_REPLACE, change->node.index, KERF_GROUP_FORGETS);
    if (change->kind == KERF_CHANGE_NODE_REMOVED)
        kerf_books_drop(&controller->nodes, change->node.index);
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_nodegroup_controller *controller = context;
    struct kerf_world *world = controller->world;
    if (notice->kind != KERF_NOTICE_INSTANCE_ENDED && notice->kind != KERF_NOTICE_REBALANCE_RECOMMENDED)
        return;
    struct group_node *books = kerf_books_find(&controller->nodes, notice->node.index);
    if (!books)
        return;
    if (notice->kind == KERF_NOTICE_REBALANCE_RECOMMENDED) {
        kerf_world_schedule(world, kerf_world_now(world) + world->design->timings.nodegroup_delay_us, KERF_EVENT_GROUP_REPLACE,
                            notice->node.index, KERF_GROUP_REPLACES);
        return;
    }
    books->ended = true;
    kerf_engine_cancel(world->engine, books->next);
}

/* ---- building ------------------------------------------------------------------------------------------------------------------------ */

struct kerf_nodegroup_controller *kerf_nodegroup_controller_new(struct kerf_world *world)
{
    struct kerf_nodegroup_controller *controller = kerf_allocate(sizeof *controller);
    uint32_t count = (uint32_t)world->design->objects.nodegroups.count;
    controller->world = world;
    kerf_books_init(&controller->launches, sizeof(struct group_launch));
    kerf_books_init(&controller->nodes, sizeof(struct group_node));
    controller->groups = kerf_allocate(kerf_array_bytes(count, sizeof *controller->groups));
    controller->group_count = count;
    kerf_cluster_listen(world->cluster, on_change, controller);
    kerf_world_listen(world, on_notice, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_NODEGROUP_SYNC, on_sync, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_GROUP_LAUNCHED, on_launched, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_GROUP_READY, on_ready, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_GROUP_REPLACE, on_replace, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_GROUP_UPDATE, on_update, controller);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_nodegroup *group = kerf_group_at(world, i);
        controller->groups[i].sync = KERF_NO_EVENT;
        kerf_group_wake(controller, i, 0);
        for (uint32_t u = 0; u < group->update_count; u++)
            kerf_world_schedule(world, group->updates_us[u], KERF_EVENT_GROUP_UPDATE, i, 0);
    }
    return controller;
}

void kerf_nodegroup_controller_free(struct kerf_nodegroup_controller *controller)
{
    if (!controller)
        return;
    for (uint32_t i = 0; i < controller->group_count; i++)
        KERF_VEC_FREE(&controller->groups[i].update.nodes);
    kerf_books_fini(&controller->launches);
    kerf_books_fini(&controller->nodes);
    KERF_VEC_FREE(&controller->jobs);
    free(controller->groups);
    free(controller);
}
