/**
 * interruption: Spot reclaims reach nodes, and Karpenter (or the managed node group) hears of them (karpenter-disruption.md 13,
 * workloads.md 14): shocks of capacity pools, notices, messages, and instances that vanish under their pods.
 *
 * EKS and the termination handlers of other groups answer a notice as Karpenter does, by draining the node. Simplified: an instance that
 * was drained ends then, not when EC2 takes it back; a group's successor is launched at the notice, not when the instance is gone.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct spot_node {
    kerf_event_handle recommendation;
    kerf_event_handle notice;
    kerf_event_handle reclaim;
    bool runs; /* its instance is there, and is Spot */
};

struct spot_pool {
    kerf_event_handle shock;
    uint32_t node_count;
};

struct kerf_interruption {
    struct kerf_world *world;
    struct kerf_books nodes; /* by node id */
    struct kerf_books pools; /* by type and zone */
};

static uint32_t pool_key(uint32_t type_index, uint32_t zone_index) { return type_index * KERF_ZONE_MAX + zone_index; }

static void schedule_shock(struct kerf_interruption *interruption, uint32_t type_index, uint32_t zone_index)
{
    struct kerf_world *world = interruption->world;
    struct spot_pool *pool = kerf_books_open(&interruption->pools, pool_key(type_index, zone_index));
    if (pool->node_count == 0 || kerf_engine_is_scheduled(world->engine, pool->shock))
        return;
    kerf_time_us at_us = kerf_cloud_next_shock(world->cloud, type_index, zone_index, kerf_world_now(world));
    if (at_us != KERF_TIME_NEVER)
        pool->shock = kerf_world_schedule(world, at_us, KERF_EVENT_POOL_SHOCK, type_index, zone_index);
}

static void on_shock(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    uint32_t type_index = (uint32_t)event->subject;
    uint32_t zone_index = event->detail;
    kerf_time_us now_us = kerf_engine_now(engine);
    for (size_t at = 0; at < kerf_cluster_node_count(world->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
        struct spot_node *books = kerf_books_find(&interruption->nodes, node->id.index);
        if (!books || !books->runs || node->type_index != type_index || node->zone_index != zone_index ||
            kerf_engine_is_scheduled(engine, books->reclaim))
            continue;
        struct kerf_reclaim reclaim =
            kerf_cloud_reclaim(world->cloud, type_index, zone_index, now_us, kerf_world_owner_of_node(node));
        if (!reclaim.hit)
            continue;
        if (reclaim.recommended_us != KERF_TIME_NEVER)
            books->recommendation = kerf_world_schedule(world, reclaim.recommended_us, KERF_EVENT_SPOT_RECOMMENDATION, node->id.index, 0);
        if (reclaim.noticed)
            books->notice = kerf_world_schedule(world, reclaim.notice_us, KERF_EVENT_SPOT_NOTICE, node->id.index, 0);
        books->reclaim = kerf_world_schedule(world, reclaim.end_us, KERF_EVENT_SPOT_RECLAIM, node->id.index, reclaim.noticed);
    }
    schedule_shock(interruption, type_index, zone_index);
}

/** Karpenter and the handler in the node do nothing; the one with a queue drains; groups launch a successor (nodegroup_upkeep.c). */
static void on_recommendation(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_nodegroup *group = kerf_node_group(world, kerf_cluster_node(world->cluster, id));
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_REBALANCE_RECOMMENDED, .node = id, .pod = KERF_NO_POD });
    if (group && !group->managed && group->termination_handler == KERF_HANDLER_QUEUE)
        kerf_world_schedule(world, kerf_engine_now(engine) + world->design->timings.interruption_delivery_us, KERF_EVENT_INTERRUPTION_MESSAGE,
                            id.index, 0);
}

static void on_spot_notice(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    kerf_node_id id = { (uint32_t)event->subject };
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SPOT_INTERRUPTION, .node = id, .pod = KERF_NO_POD });
    if (kerf_node_hears_of_notices(world, kerf_cluster_node(world->cluster, id)))
        kerf_world_schedule(world, kerf_engine_now(engine) + world->design->timings.interruption_delivery_us, KERF_EVENT_INTERRUPTION_MESSAGE,
                            id.index, 0);
}

static void on_message(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    if (!node)
        return;
    if (node->has_claim)
        kerf_offering_remember_unavailable(world, node->type_index, node->zone_index, KERF_SPOT);
    kerf_cluster_delete_claim(world->cluster, id);
}

/** The instance is gone, whether or not its drain was over. */
static void on_reclaim(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    kerf_node_id id = { (uint32_t)event->subject };
    if (!event->detail)
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SPOT_INTERRUPTION, .node = id, .pod = KERF_NO_POD });
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_NODE_LOST, .node = id, .pod = KERF_NO_POD });
    kerf_instance_end(world, id);
    kerf_world_schedule(world, kerf_engine_now(engine) + world->design->timings.lost_node_us, KERF_EVENT_NODE_LOST, id.index, 0);
}

static void on_node_lost(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    KERF_ASSERT(node != NULL);
    if (event->detail == 1) {
        kerf_node_remove_with_pods(world, id);
        return;
    }
    if (node->has_node) {
        /* The node monitor's taint comes with the condition: nobody is scheduled there any more (workloads.md 14.2). */
        kerf_node_add_taint(world, id, world->vocabulary->key_taint_unreachable);
        kerf_cluster_set_node_condition(world->cluster, id, "Ready", KERF_CONDITION_UNKNOWN);
    }
    for (uint32_t i = 0; i < node->pod_count; i++)
        kerf_cluster_set_pod_ready(world->cluster, node->pods[i], false);
    kerf_cluster_delete_claim(world->cluster, id);
    kerf_world_schedule(world, kerf_engine_now(engine) + world->design->timings.pod_collection_us, KERF_EVENT_NODE_LOST, id.index, 1);
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_interruption *interruption = context;
    struct kerf_world *world = interruption->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, notice->node);
    if (notice->kind == KERF_NOTICE_INSTANCE_STARTED && node->capacity_type == KERF_SPOT) {
        struct spot_node *books = kerf_books_open(&interruption->nodes, node->id.index);
        books->runs = true;
        struct spot_pool *pool = kerf_books_open(&interruption->pools, pool_key(node->type_index, node->zone_index));
        pool->node_count++;
        schedule_shock(interruption, node->type_index, node->zone_index);
    } else if (notice->kind == KERF_NOTICE_INSTANCE_ENDED) {
        struct spot_node *books = kerf_books_find(&interruption->nodes, notice->node.index);
        if (!books)
            return;
        kerf_engine_cancel(world->engine, books->recommendation);
        kerf_engine_cancel(world->engine, books->notice);
        kerf_engine_cancel(world->engine, books->reclaim);
        kerf_books_drop(&interruption->nodes, notice->node.index);
        struct spot_pool *pool = kerf_books_open(&interruption->pools, pool_key(node->type_index, node->zone_index));
        if (--pool->node_count == 0)
            kerf_engine_cancel(world->engine, pool->shock);
    }
}

struct kerf_interruption *kerf_interruption_new(struct kerf_world *world)
{
    struct kerf_interruption *interruption = kerf_allocate(sizeof *interruption);
    interruption->world = world;
    kerf_books_init(&interruption->nodes, sizeof(struct spot_node));
    kerf_books_init(&interruption->pools, sizeof(struct spot_pool));
    kerf_world_listen(world, on_notice, interruption);
    kerf_engine_handle(world->engine, KERF_EVENT_POOL_SHOCK, on_shock, interruption);
    kerf_engine_handle(world->engine, KERF_EVENT_SPOT_RECOMMENDATION, on_recommendation, interruption);
    kerf_engine_handle(world->engine, KERF_EVENT_SPOT_NOTICE, on_spot_notice, interruption);
    kerf_engine_handle(world->engine, KERF_EVENT_INTERRUPTION_MESSAGE, on_message, interruption);
    kerf_engine_handle(world->engine, KERF_EVENT_SPOT_RECLAIM, on_reclaim, interruption);
    kerf_engine_handle(world->engine, KERF_EVENT_NODE_LOST, on_node_lost, interruption);
    return interruption;
}

void kerf_interruption_free(struct kerf_interruption *interruption)
{
    if (!interruption)
        return;
    kerf_books_fini(&interruption->nodes);
    kerf_books_fini(&interruption->pools);
    free(interruption);
}
