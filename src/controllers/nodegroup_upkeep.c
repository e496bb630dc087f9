/**
 * What an Auto Scaling group does on its own (cluster-autoscaler.md 13.4, 13.5): it keeps its zones even, and launches a successor for a
 * Spot instance that a rebalance recommendation names; both launch first and terminate afterwards. And which instance goes when there are
 * too many.
 *
 * Simplified: one zone replacement at a time and group; a successor counts as in service when its node is ready; a zone that had no
 * capacity is asked again after ten minutes (an assumption).
 */
#include "controllers/nodegroup_internal.h"

#include <stdlib.h>

#define REBALANCE_PAUSE_US (10 * KERF_MINUTE_US)

/* ---- replacements ------------------------------------------------------------------------------------------------------------------ */

struct replacement *kerf_group_job(struct kerf_nodegroup_controller *controller, uint32_t number)
{
    for (size_t i = 0; number != KERF_NO_JOB && i < controller->jobs.count; i++)
        if (controller->jobs.items[i].number == number)
            return &controller->jobs.items[i];
    return NULL;
}

static void begin_job(struct kerf_nodegroup_controller *controller, struct replacement job)
{
    job.number = controller->job_number++;
    job.node = KERF_NO_NODE;
    KERF_VEC_PUSH(&controller->jobs, job);
    controller->groups[job.group].job_count++;
    kerf_group_launch(controller, job.group, job.number);
}

/** Takes it off the list: its successor, if there is one, is a member like all others from now on. */
static struct replacement finish_job(struct kerf_nodegroup_controller *controller, const struct replacement *job)
{
    struct replacement finished = *job;
    size_t at = (size_t)(job - controller->jobs.items);
    memmove(controller->jobs.items + at, controller->jobs.items + at + 1, (controller->jobs.count - at - 1) * sizeof *job);
    controller->jobs.count--;
    controller->groups[finished.group].job_count--;
    kerf_group_wake_after_delay(controller, finished.group, kerf_world_now(controller->world));
    return finished;
}

/** The oldest node of the zone that is there to stay; among equals the one that appeared first. */
static kerf_node_id oldest_in_zone(const struct kerf_nodegroup_controller *controller, uint32_t group, uint32_t zone)
{
    const struct kerf_cluster *cluster = controller->world->cluster;
    kerf_node_id oldest = KERF_NO_NODE;
    kerf_time_us since = KERF_TIME_NEVER;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->nodegroup_index != group || node->zone_index != zone || kerf_cluster_is_deleting(cluster, node) ||
            node->node.meta.created_epoch_us >= since)
            continue;
        since = node->node.meta.created_epoch_us;
        oldest = node->id;
    }
    return oldest;
}

void kerf_group_end_job(struct kerf_nodegroup_controller *controller, uint32_t number, bool is_ready)
{
    struct kerf_world *world = controller->world;
    const struct replacement *job = kerf_group_job(controller, number);
    if (!job)
        return;
    struct replacement finished = finish_job(controller, job);
    if (!is_ready && finished.for_zone)
        controller->groups[finished.group].rebalance_after_us = kerf_world_now(world) + REBALANCE_PAUSE_US;
    if (!is_ready)
        return;
    kerf_node_id victim = finished.for_zone ? oldest_in_zone(controller, finished.group, finished.crowded_zone) : finished.victim;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, victim);
    if (node && !kerf_cluster_is_deleting(world->cluster, node))
        kerf_cluster_delete_claim(world->cluster, victim);
}

void kerf_group_forget_node(struct kerf_nodegroup_controller *controller, kerf_node_id id)
{
    for (size_t i = controller->jobs.count; i-- > 0;) {
        const struct replacement *job = &controller->jobs.items[i];
        if (kerf_node_id_equal(job->node, id) || (!job->for_zone && kerf_node_id_equal(job->victim, id)))
            finish_job(controller, job);
    }
}

void kerf_group_replace(struct kerf_nodegroup_controller *controller, kerf_node_id victim)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(controller->world->cluster, victim);
    if (!node || kerf_cluster_is_deleting(controller->world->cluster, node) ||
        !kerf_group_at(controller->world, node->nodegroup_index)->capacity_rebalancing)
        return;
    begin_job(controller, (struct replacement){ .group = node->nodegroup_index, .victim = victim });
}

/* ---- zones ------------------------------------------------------------------------------------------------------------------------- */

void kerf_group_rebalance_zones(struct kerf_nodegroup_controller *controller, uint32_t group)
{
    struct scaling_group *state = &controller->groups[group];
    kerf_time_us now_us = kerf_world_now(controller->world);
    uint32_t zones[KERF_ZONE_MAX], count = kerf_group_zones(controller->world, group, zones);
    if (!kerf_group_at(controller->world, group)->zone_rebalancing || count < 2 || state->in_flight > 0 || state->job_count > 0 ||
        state->update.phase != UPDATE_NONE)
        return;
    struct group_count nodes = kerf_group_count_nodes(controller, group);
    uint32_t most = zones[0], fewest = zones[0];
    for (uint32_t i = 1; i < count; i++) {
        most = nodes.by_zone[zones[i]] > nodes.by_zone[most] ? zones[i] : most;
        fewest = nodes.by_zone[zones[i]] < nodes.by_zone[fewest] ? zones[i] : fewest;
    }
    if (nodes.by_zone[most] - nodes.by_zone[fewest] < 2)
        return;
    if (now_us < state->rebalance_after_us)
        kerf_group_wake(controller, group, state->rebalance_after_us);
    else
        begin_job(controller, (struct replacement){ .group = group, .for_zone = true, .crowded_zone = most, .zone = fewest, .victim = KERF_NO_NODE });
}

void kerf_group_shrink(struct kerf_nodegroup_controller *controller, uint32_t group, int64_t surplus)
{
    struct kerf_world *world = controller->world;
    for (; surplus > 0; surplus--) {
        struct group_count nodes = kerf_group_count_nodes(controller, group);
        uint32_t most = 0;
        for (uint32_t zone = 1; zone < KERF_ZONE_MAX; zone++)
            most = nodes.by_zone[zone] > nodes.by_zone[most] ? zone : most;
        kerf_node_id oldest = oldest_in_zone(controller, group, most);
        if (kerf_node_id_equal(oldest, KERF_NO_NODE))
            return;
        kerf_cluster_delete_claim(world->cluster, oldest);
    }
}
