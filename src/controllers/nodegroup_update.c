/**
 * A new version of a managed node group (cluster-autoscaler.md 13.6): instances beyond the desired capacity, then the old nodes, so many
 * at a time as maxUnavailable says: cordon, a minute's wait, evictions under budgets for at most 15 minutes, the end of the instance; then
 * back to the desired capacity, one by one. An update whose instances don't come or whose pods can't be evicted fails, and what it did
 * stays. Not there: a forced update.
 */
#include "controllers/nodegroup_internal.h"

#include "scheduling/scheduling.h"

#include <stdlib.h>

#define STEP_US (10 * KERF_SECOND_US)
#define CORDON_WAIT_US KERF_MINUTE_US
#define PHASE_MAX_US (15 * KERF_MINUTE_US) /* until new instances are ready; until the pods of a node are gone */

static void schedule_step(struct kerf_nodegroup_controller *controller, uint32_t group, kerf_time_us after_us)
{
    kerf_world_schedule(controller->world, kerf_world_now(controller->world) + after_us, KERF_EVENT_GROUP_UPDATE, group, 1);
}

static void tell(struct kerf_nodegroup_controller *controller, uint32_t group, enum kerf_notice_kind kind)
{
    kerf_world_notify(controller->world, (struct kerf_notice){ .kind = kind, .node = KERF_NO_NODE, .pod = KERF_NO_POD, .detail = group });
}

void kerf_group_begin_update(struct kerf_nodegroup_controller *controller, uint32_t group)
{
    struct group_update *update = &controller->groups[group].update;
    const struct kerf_nodegroup *nodegroup = kerf_group_at(controller->world, group);
    uint32_t zones[KERF_ZONE_MAX];
    if (update->phase != UPDATE_NONE)
        return; /* EKS refuses a second one */
    update->phase = UPDATE_SURGING;
    update->began_us = kerf_world_now(controller->world);
    update->surge = (int32_t)kerf_max_i64(2 * (int64_t)kerf_group_zones(controller->world, group, zones), nodegroup->max_unavailable);
    kerf_group_wake_after_delay(controller, group, update->began_us);
    schedule_step(controller, group, STEP_US);
}

/** What was done stays; nodes that wait to be drained are used again. */
static void fail(struct kerf_nodegroup_controller *controller, uint32_t group)
{
    struct group_update *update = &controller->groups[group].update;
    for (size_t i = 0; i < update->nodes.count; i++)
        if (kerf_cluster_node(controller->world->cluster, update->nodes.items[i].id))
            kerf_node_set_cordoned(controller->world, update->nodes.items[i].id, false);
    update->nodes.count = 0;
    update->surge = 0;
    update->phase = UPDATE_NONE;
    kerf_group_wake_after_delay(controller, group, kerf_world_now(controller->world));
    tell(controller, group, KERF_NOTICE_GROUP_UPDATE_FAILED);
}

/* ---- phases ------------------------------------------------------------------------------------------------------------------------ */

/** Ready nodes of the new version; `out_oldest`: the first of the old one that nobody drains yet. */
static int64_t count_new(const struct kerf_nodegroup_controller *controller, uint32_t group, kerf_node_id *out_oldest)
{
    const struct kerf_cluster *cluster = controller->world->cluster;
    const struct group_update *update = &controller->groups[group].update;
    int64_t count = 0;
    *out_oldest = KERF_NO_NODE;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        const struct group_node *books = kerf_books_find(&controller->nodes, node->id.index);
        if (node->nodegroup_index != group || !books || kerf_cluster_is_deleting(cluster, node))
            continue;
        bool is_new = books->launched_us >= update->began_us, waits = false;
        count += is_new && kerf_node_is_ready(node);
        for (size_t i = 0; i < update->nodes.count; i++)
            waits = waits || kerf_node_id_equal(update->nodes.items[i].id, node->id);
        if (!is_new && !waits && kerf_node_id_equal(*out_oldest, KERF_NO_NODE))
            *out_oldest = node->id;
    }
    return count;
}

/** Evicts what may go; true when nothing is left to wait for. */
static bool drain(struct kerf_world *world, const struct kerf_cluster_node *node)
{
    bool empty = true;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (kerf_pod_is_terminal(&pod->pod) || kerf_pod_is_daemon(&pod->pod) || kerf_pod_is_mirror(&pod->pod))
            continue;
        empty = false;
        if (kerf_pod_is_terminating(&pod->pod))
            continue;
        if (kerf_api_eviction(world->cluster, pod) != KERF_EVICTION_ALLOWED) {
            kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EVICTION_BLOCKED, .node = pod->node, .pod = pod->id });
            continue;
        }
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EVICTED, .node = pod->node, .pod = pod->id });
        kerf_cluster_delete_pod(world->cluster, pod->id,
                                kerf_world_epoch_now(world) + pod->pod.spec->termination_grace_seconds * KERF_SECOND_US);
    }
    return empty;
}

/** False: a node's pods could not be evicted in time. */
static bool drain_cordoned(struct kerf_nodegroup_controller *controller, struct group_update *update)
{
    struct kerf_world *world = controller->world;
    kerf_time_us now_us = kerf_world_now(world);
    size_t kept = 0;
    for (size_t i = 0; i < update->nodes.count; i++) {
        struct updated_node waiting = update->nodes.items[i];
        const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, waiting.id);
        if (!node) /* gone */
            continue;
        bool is_going = kerf_cluster_is_deleting(world->cluster, node);
        bool drains = !is_going && now_us >= waiting.cordoned_us + CORDON_WAIT_US;
        if (drains && now_us > waiting.cordoned_us + CORDON_WAIT_US + PHASE_MAX_US)
            return false;
        if (drains && drain(world, node))
            kerf_cluster_delete_claim(world->cluster, waiting.id);
        update->nodes.items[kept++] = waiting; /* unavailable until its instance is gone */
    }
    update->nodes.count = kept;
    return true;
}

static int64_t unavailable_max(const struct kerf_nodegroup_controller *controller, uint32_t group)
{
    const struct kerf_nodegroup *nodegroup = kerf_group_at(controller->world, group);
    int64_t size = kerf_cluster_group_size(controller->world->cluster, group);
    if (!nodegroup->max_unavailable_percent)
        return nodegroup->max_unavailable;
    return kerf_max_i64(size * nodegroup->max_unavailable_percent / 100, 1);
}

void kerf_group_update_step(struct kerf_nodegroup_controller *controller, uint32_t group)
{
    struct group_update *update = &controller->groups[group].update;
    kerf_node_id oldest;
    int64_t new_count = count_new(controller, group, &oldest);
    kerf_time_us now_us = kerf_world_now(controller->world), pause_us = STEP_US;
    switch (update->phase) {
    case UPDATE_SURGING:
        if (new_count >= update->surge && controller->groups[group].in_flight == 0)
            update->phase = UPDATE_DRAINING;
        else if (now_us > update->began_us + PHASE_MAX_US)
            fail(controller, group);
        break;
    case UPDATE_DRAINING:
        if (!drain_cordoned(controller, update)) {
            fail(controller, group);
            break;
        }
        for (int64_t limit = unavailable_max(controller, group);
             (int64_t)update->nodes.count < limit && !kerf_node_id_equal(oldest, KERF_NO_NODE); count_new(controller, group, &oldest)) {
            kerf_node_set_cordoned(controller->world, oldest, true);
            KERF_VEC_PUSH(&update->nodes, ((struct updated_node){ oldest, now_us }));
        }
        if (update->nodes.count == 0)
            update->phase = UPDATE_SHRINKING;
        break;
    case UPDATE_SHRINKING:
        update->surge--;
        kerf_group_wake_after_delay(controller, group, now_us);
        pause_us = KERF_MINUTE_US;
        if (update->surge > 0)
            break;
        update->phase = UPDATE_NONE;
        tell(controller, group, KERF_NOTICE_GROUP_UPDATED);
        break;
    case UPDATE_NONE:
        break;
    }
    if (update->phase != UPDATE_NONE)
        schedule_step(controller, group, pause_us);
}
