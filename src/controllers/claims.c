/**
 * Steps that Karpenter's loops share where nodeclaims are made: the sync gate, the limits at creation, names, nominations.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

#define UNAVAILABLE_US (3 * KERF_MINUTE_US)
#define RESERVATION_POLL_US KERF_MINUTE_US /* a reservation that refused a launch counts as full until it is looked at again (10.10) */
#define SWEEP_US (10 * KERF_SECOND_US)

bool kerf_claims_are_synced(const struct kerf_cluster *cluster)
{
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->has_claim && !node->claim.provider_id)
            return false;
    }
    return true;
}

/** Usage covers launched nodes that are not being deleted; equal is allowed (9.4). */
static bool is_over_limits(const struct kerf_world *world, uint32_t nodepool_index)
{
    const struct kerf_nodepool_limits *limits = &world->design->objects.nodepools.items[nodepool_index].limits;
    if (limits->resources.present == 0 && limits->nodes < 0)
        return false;
    struct kerf_resource_totals used = { 0 };
    int64_t nodes = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(world->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
        if (node->nodepool_index != nodepool_index || (node->has_claim && !node->claim.provider_id) ||
            kerf_cluster_is_deleting(world->cluster, node))
            continue;
        struct kerf_resources capacity = kerf_cluster_node_capacity(world->cluster, node);
        kerf_resource_totals_add(&used, &capacity, 1);
        nodes++;
    }
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (kerf_resources_has(&limits->resources, (enum kerf_resource)i) && used.amounts[i] > limits->resources.amounts[i])
            return true;
    return limits->nodes >= 0 && nodes > limits->nodes;
}

bool kerf_claim_create(struct kerf_world *world, const struct kerf_planned_claim *planned, kerf_node_id *out_node)
{
    if (is_over_limits(world, planned->nodepool_index))
        return false;
    const struct kerf_nodepool *nodepool = &world->design->objects.nodepools.items[planned->nodepool_index];
    kerf_name name = kerf_world_name_node(world, nodepool->meta.name->text);
    struct kerf_nodeclaim claim;
    kerf_plan_make_claim(world->cluster, planned, name, kerf_world_epoch_now(world), kerf_cluster_next_arena(world->cluster), &claim);
    *out_node = kerf_cluster_add_claim(world->cluster, &claim);
    return true;
}

kerf_name kerf_world_name_node(struct kerf_world *world, const char *prefix)
{
    static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
    struct kerf_stream stream = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_NAME,
                                                 kerf_hash_mix(kerf_hash_text(prefix), ++world->name_counter));
    char suffix[6] = { 0 };
    kerf_name name;
    do {
        for (int i = 0; i < 5; i++)
            suffix[i] = letters[kerf_draw_below(&stream, sizeof letters - 1)];
        name = kerf_name_format(world->vocabulary->names, "%s-%s", prefix, suffix);
    } while (kerf_name_map_get(&world->node_names, name) != KERF_NOT_FOUND);
    kerf_name_map_put(&world->node_names, name, 1);
    return name;
}

void kerf_nominate_placements(struct kerf_world *world, const struct kerf_planned_placement *placements, size_t placement_count)
{
    kerf_time_us window_us = kerf_max_i64(2 * world->design->karpenter.batch_max_us, 10 * KERF_SECOND_US);
    for (size_t i = 0; i < placement_count; i++)
        if (placements[i].pod_count > 0 && kerf_cluster_node(world->cluster, placements[i].node))
            kerf_cluster_nominate(world->cluster, placements[i].node, kerf_world_epoch_now(world) + window_us);
}

void kerf_node_put_taint(struct kerf_world *world, kerf_node_id id, struct kerf_taint taint)
{
    const struct kerf_taints *taints = &kerf_cluster_node(world->cluster, id)->node.taints;
    for (size_t i = 0; i < taints->count; i++)
        if (taints->items[i].key == taint.key)
            return;
    struct kerf_taint *with_it = kerf_allocate(kerf_array_bytes(taints->count + 1, sizeof *with_it));
    for (size_t i = 0; i < taints->count; i++)
        with_it[i] = taints->items[i];
    with_it[taints->count] = taint;
    kerf_cluster_set_node_taints(world->cluster, id, (struct kerf_taints){ with_it, taints->count + 1 });
    free(with_it);
}

void kerf_node_add_taint(struct kerf_world *world, kerf_node_id id, kerf_name key)
{
    kerf_node_put_taint(world, id, (struct kerf_taint){ .key = key, .effect = KERF_TAINT_NO_SCHEDULE });
}

void kerf_node_remove_taint(struct kerf_world *world, kerf_node_id id, kerf_name key)
{
    const struct kerf_taints *taints = &kerf_cluster_node(world->cluster, id)->node.taints;
    struct kerf_taint *without_it = kerf_allocate(kerf_array_bytes(taints->count + 1, sizeof *without_it));
    size_t count = 0;
    for (size_t i = 0; i < taints->count; i++)
        if (taints->items[i].key != key)
            without_it[count++] = taints->items[i];
    if (count < taints->count)
        kerf_cluster_set_node_taints(world->cluster, id, (struct kerf_taints){ without_it, count });
    free(without_it);
}

void kerf_node_set_cordoned(struct kerf_world *world, kerf_node_id id, bool cordoned)
{
    struct kerf_node node = kerf_cluster_node(world->cluster, id)->node;
    if (node.unschedulable == cordoned)
        return;
    node.unschedulable = cordoned;
    kerf_cluster_update_node(world->cluster, id, &node);
    if (cordoned)
        kerf_node_add_taint(world, id, world->vocabulary->key_taint_unschedulable);
    else
        kerf_node_remove_taint(world, id, world->vocabulary->key_taint_unschedulable);
}

void kerf_node_add_disrupted_taint(struct kerf_world *world, kerf_node_id id)
{
    kerf_node_add_taint(world, id, world->vocabulary->key_disrupted);
}

static void schedule_sweep(struct kerf_world *world)
{
    if (!kerf_engine_is_scheduled(world->engine, world->offering_sweep))
        world->offering_sweep = kerf_world_schedule(world, (kerf_world_now(world) / SWEEP_US + 1) * SWEEP_US, KERF_EVENT_OFFERING_SWEEP, 0, 0);
}

void kerf_offering_remember_unavailable(struct kerf_world *world, uint32_t type_index, uint32_t zone_index, enum kerf_capacity_type capacity_type)
{
    kerf_time_us lasting_us = capacity_type == KERF_RESERVED ? RESERVATION_POLL_US : UNAVAILABLE_US;
    kerf_cluster_set_unavailable(world->cluster, kerf_catalog_offering_index(world->design->catalog, type_index, zone_index, capacity_type),
                                 kerf_world_epoch_now(world) + lasting_us);
    schedule_sweep(world);
}

bool kerf_launch_refusal_was_told(const struct kerf_launch_outcome *outcome, size_t at)
{
    if (outcome->errors[at] != KERF_LAUNCH_INSUFFICIENT_ADDRESSES)
        return false;
    for (size_t i = 0; i < at; i++)
        if (outcome->errors[i] == outcome->errors[at] && outcome->refused[i].subnet_index == outcome->refused[at].subnet_index)
            return true;
    return false;
}

void kerf_offering_sweep(struct kerf_world *world)
{
    kerf_cluster_expire_unavailable(world->cluster);
    const uint64_t *bits = kerf_cluster_unavailable_offerings(world->cluster);
    if (kerf_bitset_count(bits, kerf_bitset_words(kerf_catalog_offering_count(world->design->catalog))) > 0)
        schedule_sweep(world);
}
