/**
 * static_pools: NodePools with replicas (karpenter-disruption.md 14): as many nodeclaims as they ask for, made from the template without pods;
 * surplus ones are deleted. Only with the gate StaticCapacity.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

#define RECHECK_US KERF_MINUTE_US
#define LIMITED_US (30 * KERF_SECOND_US)

struct kerf_static_pools {
    struct kerf_world *world;
    kerf_event_handle *next; /* by NodePool */
    uint32_t count;
};

static bool is_static(const struct kerf_static_pools *pools, uint32_t nodepool_index)
{
    return nodepool_index < pools->count && pools->world->design->objects.nodepools.items[nodepool_index].replicas >= 0;
}

static void look_at(struct kerf_static_pools *pools, uint32_t nodepool_index, kerf_time_us at_us)
{
    struct kerf_world *world = pools->world;
    kerf_engine_cancel(world->engine, pools->next[nodepool_index]);
    pools->next[nodepool_index] = kerf_world_schedule(world, at_us, KERF_EVENT_STATIC_POOL, nodepool_index, 0);
}

static void on_look(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_static_pools *pools = context;
    struct kerf_world *world = pools->world;
    uint32_t nodepool_index = (uint32_t)event->subject;
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_static_scale scale;
    kerf_static_scale_decide(world->cluster, nodepool_index, kerf_world_epoch_now(world), kerf_hash_mix(world->seed, world->replication), &scratch,
                             &scale);
    for (size_t i = 0; i < scale.remove_count; i++)
        kerf_cluster_delete_claim(world->cluster, scale.remove[i]);
    for (int64_t i = 0; i < scale.create; i++) {
        struct kerf_planned_claim planned = kerf_static_claim(world->cluster, nodepool_index, &scratch);
        kerf_node_id node;
        if (!kerf_claim_create(world, &planned, &node))
            break;
    }
    kerf_arena_fini(&scratch);
    look_at(pools, nodepool_index, kerf_engine_now(engine) + (scale.limited ? LIMITED_US : RECHECK_US));
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_static_pools *pools = context;
    if (change->kind != KERF_CHANGE_CLAIM_ADDED && change->kind != KERF_CHANGE_CLAIM_DELETING && change->kind != KERF_CHANGE_NODE_REMOVED)
        return;
    uint32_t nodepool_index = kerf_cluster_node(cluster, change->node)->nodepool_index;
    if (is_static(pools, nodepool_index))
        look_at(pools, nodepool_index, kerf_world_now(pools->world));
}

struct kerf_static_pools *kerf_static_pools_new(struct kerf_world *world)
{
    struct kerf_static_pools *pools = kerf_allocate(sizeof *pools);
    *pools = (struct kerf_static_pools){ .world = world, .count = (uint32_t)world->design->objects.nodepools.count };
    pools->next = kerf_allocate(kerf_array_bytes(pools->count, sizeof *pools->next));
    kerf_cluster_listen(world->cluster, on_change, pools);
    kerf_engine_handle(world->engine, KERF_EVENT_STATIC_POOL, on_look, pools);
    for (uint32_t i = 0; i < pools->count; i++)
        if (is_static(pools, i))
            look_at(pools, i, 0);
    return pools;
}

void kerf_static_pools_free(struct kerf_static_pools *pools)
{
    if (!pools)
        return;
    free(pools->next);
    free(pools);
}
