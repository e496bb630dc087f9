/**
 * The removal of a node that Cluster Autoscaler chose (cluster-autoscaler.md 12): taint, second test, evictions, the wait for its pods, the
 * terminate call with the group made smaller; or the way back. From the call on the terminator has it, as it has every group's node: what
 * EKS' lifecycle hook drains, and the instance's end.
 *
 * Simplified: DaemonSet pods go with the instance; annotations that delay a deletion are not read.
 */
#include "controllers/autoscaler_internal.h"

#include "scheduling/scheduling.h"

#include <stdlib.h>

#define EVICTION_PAUSE_US (10 * KERF_SECOND_US)
#define LEAVING_PAUSE_US (5 * KERF_SECOND_US)
#define LEAVING_EXTRA_US (30 * KERF_SECOND_US) /* beyond the longest grace */

struct node_state *kerf_autoscaler_node(struct kerf_autoscaler *autoscaler, kerf_node_id id)
{
    return kerf_books_open(&autoscaler->nodes, id.index);
}

static kerf_name taint_name(const struct kerf_autoscaler *autoscaler, const char *text)
{
    return kerf_name_of(autoscaler->world->vocabulary->names, text);
}

static void schedule(struct kerf_autoscaler *autoscaler, kerf_node_id id, kerf_time_us after_us)
{
    kerf_autoscaler_node(autoscaler, id)->next =
        kerf_world_schedule(autoscaler->world, kerf_world_now(autoscaler->world) + after_us, KERF_EVENT_AUTOSCALER_NODE, id.index, 0);
}

/** Its place in the budgets is free again. */
static void leave_budgets(struct kerf_autoscaler *autoscaler, struct node_state *state)
{
    if (state->phase == REMOVAL_NONE || state->phase == REMOVAL_CALLED)
        return;
    autoscaler->deleting_count--;
}

void kerf_autoscaler_begin_removal(struct kerf_autoscaler *autoscaler, kerf_node_id id, bool drains)
{
    struct node_state *state = kerf_autoscaler_node(autoscaler, id);
    KERF_ASSERT(state->phase == REMOVAL_NONE);
    state->phase = REMOVAL_TAINTED;
    state->drains = drains;
    autoscaler->deleting_count++;
    kerf_node_add_taint(autoscaler->world, id, taint_name(autoscaler, KERF_TO_BE_DELETED_TAINT));
    if (autoscaler->options->cordon_node_before_terminating)
        kerf_node_set_cordoned(autoscaler->world, id, true);
    schedule(autoscaler, id, autoscaler->options->node_delete_delay_after_taint_us);
}

static void abort_removal(struct kerf_autoscaler *autoscaler, kerf_node_id id)
{
    struct node_state *state = kerf_autoscaler_node(autoscaler, id);
    leave_budgets(autoscaler, state);
    state->phase = REMOVAL_NONE;
    kerf_node_remove_taint(autoscaler->world, id, taint_name(autoscaler, KERF_TO_BE_DELETED_TAINT));
    if (autoscaler->options->cordon_node_before_terminating)
        kerf_node_set_cordoned(autoscaler->world, id, false);
}

/** One instance less, and that one: refused at the minimum. */
void kerf_autoscaler_terminate(struct kerf_autoscaler *autoscaler, kerf_node_id id)
{
    struct kerf_cluster *cluster = autoscaler->world->cluster;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, id);
    uint32_t group = node->nodegroup_index;
    int32_t size = kerf_cluster_group_size(cluster, group);
    bool is_going = kerf_cluster_is_deleted(node); /* somebody else was faster: nothing to call for */
    if (!is_going && size <= kerf_autoscaler_group(autoscaler, group)->min_size) {
        abort_removal(autoscaler, id);
        return;
    }
    struct node_state *state = kerf_autoscaler_node(autoscaler, id);
    leave_budgets(autoscaler, state);
    state->phase = REMOVAL_CALLED;
    autoscaler->cache_read_us = KERF_TIME_UNSET; /* EC2 is asked again */
    autoscaler->changed = true;
    if (is_going)
        return;
    kerf_cluster_set_group_size(cluster, group, size - 1);
    kerf_cluster_delete_claim(cluster, id);
}

/* ---- pods of a node that is drained
 * ---------------------------------------------------------------------------------------------------- */

/** Tries to evict those that were not told to go yet; false: some still weren't. */
static bool evict(struct kerf_autoscaler *autoscaler, const kerf_pod_id *pods, uint32_t count)
{
    struct kerf_world *world = autoscaler->world;
    bool all = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, pods[i]);
        if (kerf_pod_is_terminating(&pod->pod))
            continue;
        if (kerf_api_eviction(world->cluster, pod) != KERF_EVICTION_ALLOWED) {
            kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EVICTION_BLOCKED, .node = pod->node, .pod = pods[i] });
            all = false;
            continue;
        }
        kerf_time_us grace_us = kerf_min_i64(pod->pod.spec->termination_grace_seconds * KERF_SECOND_US,
                                             autoscaler->options->max_graceful_termination_us);
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EVICTED, .node = pod->node, .pod = pods[i] });
        kerf_cluster_delete_pod(world->cluster, pods[i], kerf_world_epoch_now(world) + grace_us);
    }
    return all;
}

static void go_on_evicting(struct kerf_autoscaler *autoscaler, kerf_node_id id, const kerf_pod_id *pods, uint32_t count)
{
    struct node_state *state = kerf_autoscaler_node(autoscaler, id);
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    if (now_us >= state->began_us + autoscaler->options->max_pod_eviction_time_us) {
        abort_removal(autoscaler, id);
    } else if (evict(autoscaler, pods, count)) {
        state = kerf_autoscaler_node(autoscaler, id);
        state->phase = REMOVAL_LEAVING;
        state->began_us = now_us;
        kerf_autoscaler_removal_step(autoscaler, id);
    } else {
        kerf_autoscaler_node(autoscaler, id)->phase = REMOVAL_EVICTING;
        schedule(autoscaler, id, EVICTION_PAUSE_US);
    }
}

void kerf_autoscaler_removal_step(struct kerf_autoscaler *autoscaler, kerf_node_id id)
{
    struct kerf_world *world = autoscaler->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct node_state *state = kerf_autoscaler_node(autoscaler, id);
    kerf_pod_id *pods = kerf_allocate(kerf_array_bytes((size_t)node->pod_count + 1, sizeof *pods));
    uint32_t count = 0;
    kerf_time_us now_us = kerf_world_now(world);
    bool may;
    switch (state->phase) {
    case REMOVAL_TAINTED: /* the second test, on the world as it is now */
        may = kerf_autoscaling_may_drain(autoscaler->autoscaling, kerf_world_epoch_now(world), id, pods, &count);
        state->began_us = now_us;
        if (!may || (!state->drains && count > 0))
            abort_removal(autoscaler, id);
        else if (count > 0)
            go_on_evicting(autoscaler, id, pods, count);
        else
            kerf_autoscaler_terminate(autoscaler, id);
        break;
    case REMOVAL_EVICTING:
        count = kerf_autoscaling_pods_left(autoscaler->autoscaling, kerf_world_epoch_now(world), id, pods);
        go_on_evicting(autoscaler, id, pods, count);
        break;
    case REMOVAL_LEAVING:
        if (kerf_autoscaling_pods_left(autoscaler->autoscaling, kerf_world_epoch_now(world), id, pods) == 0)
            kerf_autoscaler_terminate(autoscaler, id);
        else if (now_us >= state->began_us + autoscaler->options->max_graceful_termination_us + LEAVING_EXTRA_US)
            abort_removal(autoscaler, id);
        else
            schedule(autoscaler, id, LEAVING_PAUSE_US);
        break;
    case REMOVAL_NONE:
    case REMOVAL_CALLED:
        break;
    }
    free(pods);
}

void kerf_autoscaler_forget_node(struct kerf_autoscaler *autoscaler, kerf_node_id id)
{
    struct node_state *state = kerf_books_find(&autoscaler->nodes, id.index);
    if (!state)
        return;
    leave_budgets(autoscaler, state);
    kerf_engine_cancel(autoscaler->world->engine, state->next);
    kerf_books_drop(&autoscaler->nodes, id.index);
}

/* ---- soft taints
 * --------------------------------------------------------------------------------------------------------------------- */

static bool is_unneeded(const struct kerf_unneeded_node *unneeded, uint32_t count, kerf_node_id id)
{
    for (uint32_t i = 0; i < count; i++)
        if (kerf_node_id_equal(unneeded[i].node, id))
            return true;
    return false;
}

void kerf_autoscaler_update_soft_taints(struct kerf_autoscaler *autoscaler, const struct kerf_unneeded_node *unneeded, uint32_t count)
{
    struct kerf_world *world = autoscaler->world;
    struct kerf_taint taint = { .key = taint_name(autoscaler, KERF_DELETION_CANDIDATE_TAINT), .effect = KERF_TAINT_PREFER_NO_SCHEDULE };
    int64_t left = autoscaler->options->max_bulk_soft_taint_count;
    for (int adding = 0; adding < 2; adding++) {
        for (size_t at = 0; at < kerf_cluster_node_count(world->cluster) && left > 0; at++) {
            const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
            struct node_state *state = kerf_books_find(&autoscaler->nodes, node->id.index);
            if (!state || !node->has_node || state->phase != REMOVAL_NONE || kerf_cluster_is_deleting(world->cluster, node) ||
                state->is_soft_tainted == adding || is_unneeded(unneeded, count, node->id) != adding)
                continue;
            state->is_soft_tainted = adding;
            left--;
            if (adding)
                kerf_node_put_taint(world, node->id, taint);
            else
                kerf_node_remove_taint(world, node->id, taint.key);
        }
    }
}
