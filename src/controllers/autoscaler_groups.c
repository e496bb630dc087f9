/**
 * What Cluster Autoscaler believes of its groups (cluster-autoscaler.md 9): the cache of EC2's answer, classes of nodes, requests for
 * instances with their time-outs, back-off, health.
 *
 * An instance has its Node object from the launch on; until the Node has a condition it counts as unregistered. Simplified: a target that
 * has been wrong for long is not lowered (the AWS provider refuses it).
 */
#include "controllers/autoscaler_internal.h"

#define CACHE_AGE_US KERF_MINUTE_US

void kerf_autoscaler_groups_init(struct kerf_autoscaler *autoscaler)
{
    const struct kerf_design *design = autoscaler->world->design;
    autoscaler->group_count = (uint32_t)design->objects.nodegroups.count;
    autoscaler->groups = KERF_NEW_ARRAY(&autoscaler->arena, struct group_state, autoscaler->group_count);
    for (uint32_t g = 0; g < autoscaler->group_count; g++) {
        struct group_state *state = &autoscaler->groups[g];
        state->last_scale_up_us = state->last_deletion_us = state->last_taint_failure_us = KERF_TIME_UNSET;
        kerf_autoscaling_cloud_template(autoscaler->world->cluster, kerf_autoscaler_group(autoscaler, g),
                                        design->zone_count ? design->zones[0] : NULL, design->fees.root_volume_gb << 30,
                                        &autoscaler->arena, &state->template_node);
    }
}

/* ---- back-off (9.3)
 * ------------------------------------------------------------------------------------------------------------------ */

bool kerf_autoscaler_in_backoff(const struct kerf_autoscaler *autoscaler, uint32_t group)
{
    const struct group_state *state = &autoscaler->groups[group];
    return state->has_failed && kerf_world_now(autoscaler->world) <= state->backoff_until_us;
}

static void back_off(struct kerf_autoscaler *autoscaler, uint32_t group)
{
    const struct kerf_autoscaler_options *options = autoscaler->options;
    struct group_state *state = &autoscaler->groups[group];
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    bool is_forgotten = !state->has_failed || state->last_failure_us + options->backoff_reset_us < now_us;
    if (is_forgotten)
        state->backoff_length_us = options->initial_backoff_us;
    else if (now_us > state->backoff_until_us)
        state->backoff_length_us = kerf_min_i64(2 * state->backoff_length_us, options->max_backoff_us);
    state->has_failed = true;
    state->last_failure_us = now_us;
    state->backoff_until_us = now_us + state->backoff_length_us;
}

/* ---- the cache (9.5)
 * ----------------------------------------------------------------------------------------------------------------- */

/** Instances that EC2 could not create: the request is reduced, the group pauses, and its desired capacity is what it has. */
static void give_up_placeholders(struct kerf_autoscaler *autoscaler, uint32_t group)
{
    struct group_state *state = &autoscaler->groups[group];
    struct kerf_cluster *cluster = autoscaler->world->cluster;
    if (state->has_request) {
        state->requested_count -= state->placeholder_count;
        state->has_request = state->requested_count > 0;
    }
    back_off(autoscaler, group);
    int32_t size = kerf_cluster_group_size(cluster, group) - state->placeholder_count;
    kerf_cluster_set_group_size(cluster, group, (int32_t)kerf_max_i64(size, kerf_autoscaler_group(autoscaler, group)->min_size));
    state->placeholder_count = 0;
    state->failed_launch_count = 0;
}

void kerf_autoscaler_read_cache(struct kerf_autoscaler *autoscaler)
{
    struct kerf_cluster *cluster = autoscaler->world->cluster;
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    if (autoscaler->cache_read_us != KERF_TIME_UNSET && now_us < autoscaler->cache_read_us + CACHE_AGE_US)
        return;
    autoscaler->cache_read_us = now_us;
    for (uint32_t g = 0; g < autoscaler->group_count; g++)
        autoscaler->groups[g].placeholder_count = kerf_cluster_group_size(cluster, g);
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->nodegroup_index == KERF_NOT_FOUND)
            continue;
        struct node_state *state = kerf_autoscaler_node(autoscaler, node->id);
        if (!state->is_known)
            state->first_seen_us = now_us;
        state->is_known = true;
        autoscaler->groups[node->nodegroup_index].placeholder_count--;
    }
    for (uint32_t g = 0; g < autoscaler->group_count; g++) {
        if (autoscaler->groups[g].placeholder_count > 0 && autoscaler->groups[g].failed_launch_count > 0)
            give_up_placeholders(autoscaler, g);
    }
}

/* ---- classes and requests (9.1, 9.2)
 * --------------------------------------------------------------------------------------------------- */

static bool is_ready(const struct kerf_autoscaler *autoscaler, const struct kerf_cluster_node *node)
{
    return kerf_autoscaling_is_ready(autoscaler->world->cluster, &node->node, NULL);
}

bool kerf_autoscaler_is_registered(const struct kerf_cluster_node *node)
{
    return kerf_conditions_get(&node->node.conditions, "Ready") != NULL;
}

/** EC2 has listed it for so long that it won't join any more. */
static bool is_long_unregistered(const struct kerf_autoscaler *autoscaler, const struct kerf_cluster_node *node)
{
    const struct node_state *state = kerf_books_find(&autoscaler->nodes, node->id.index);
    return state && state->is_known && !kerf_autoscaler_is_registered(node) && state->phase == REMOVAL_NONE &&
           !kerf_cluster_is_deleting(autoscaler->world->cluster, node) &&
           state->first_seen_us + autoscaler->options->max_node_provision_time_us < kerf_world_now(autoscaler->world);
}

bool kerf_autoscaler_is_starting(const struct kerf_autoscaler *autoscaler, const struct kerf_cluster_node *node)
{
    return kerf_autoscaler_is_registered(node) && !is_ready(autoscaler, node) &&
           kerf_world_epoch_now(autoscaler->world) < node->node.meta.created_epoch_us + autoscaler->options->max_node_startup_time_us;
}

static void settle_request(struct kerf_autoscaler *autoscaler, uint32_t group)
{
    struct group_state *state = &autoscaler->groups[group];
    int32_t missing = kerf_cluster_group_size(autoscaler->world->cluster, group) - state->ready_count - state->unready_count -
                      state->long_unregistered_count;
    if (state->has_request && missing <= 0)
        state->has_request = false;
    if (state->has_request && state->expected_by_us < kerf_world_now(autoscaler->world)) {
        back_off(autoscaler, group); /* the provider refuses to lower the target: instances and placeholders are still there */
        state->has_request = false;
    }
    bool counts = state->has_request && !kerf_autoscaler_in_backoff(autoscaler, group);
    state->upcoming_count = counts ? (int32_t)kerf_max_i64(missing, 0) : 0;
}

bool kerf_autoscaler_update_groups(struct kerf_autoscaler *autoscaler)
{
    const struct kerf_cluster *cluster = autoscaler->world->cluster;
    int64_t registered = 0, unready = 0;
    for (uint32_t g = 0; g < autoscaler->group_count; g++) {
        struct group_state *state = &autoscaler->groups[g];
        state->ready_count = state->unready_count = state->not_started_count = state->long_unregistered_count = 0;
    }
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (!node->has_node)
            continue;
        if (!kerf_autoscaler_is_registered(node)) {
            if (node->nodegroup_index != KERF_NOT_FOUND)
                autoscaler->groups[node->nodegroup_index].long_unregistered_count += is_long_unregistered(autoscaler, node);
            continue;
        }
        bool ready = is_ready(autoscaler, node), starting = kerf_autoscaler_is_starting(autoscaler, node);
        registered++;
        unready += !ready && !starting;
        if (node->nodegroup_index == KERF_NOT_FOUND || !kerf_autoscaler_node(autoscaler, node->id)->is_known)
            continue;
        struct group_state *state = &autoscaler->groups[node->nodegroup_index];
        state->ready_count += ready;
        state->not_started_count += starting;
        state->unready_count += !ready && !starting;
    }
    for (uint32_t g = 0; g < autoscaler->group_count; g++)
        settle_request(autoscaler, g);
    return !(unready > autoscaler->options->ok_total_unready_count &&
             (double)unready > autoscaler->options->max_total_unready_percentage / 100 * (double)registered);
}

void kerf_autoscaler_remove_unregistered(struct kerf_autoscaler *autoscaler)
{
    const struct kerf_cluster *cluster = autoscaler->world->cluster;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->nodegroup_index != KERF_NOT_FOUND && node->has_node && is_long_unregistered(autoscaler, node) &&
            kerf_cluster_group_size(cluster, node->nodegroup_index) > kerf_autoscaler_group(autoscaler, node->nodegroup_index)->min_size)
            kerf_autoscaler_terminate(autoscaler, node->id);
    }
}

bool kerf_autoscaler_group_may_grow(const struct kerf_autoscaler *autoscaler, uint32_t group)
{
    const struct group_state *state = &autoscaler->groups[group];
    int32_t size = kerf_cluster_group_size(autoscaler->world->cluster, group);
    int32_t requested = state->has_request ? state->requested_count : 0;
    int32_t there = state->ready_count + state->unready_count + state->not_started_count;
    int32_t missing = (int32_t)kerf_max_i64(size - requested - state->long_unregistered_count - state->ready_count, 0);
    bool healthy = !(missing > autoscaler->options->ok_total_unready_count &&
                     (double)missing > autoscaler->options->max_total_unready_percentage / 100 * (double)there);
    if (there == 0)
        healthy = size == 0 || requested >= size;
    return healthy && !kerf_autoscaler_in_backoff(autoscaler, group);
}

void kerf_autoscaler_request(struct kerf_autoscaler *autoscaler, uint32_t group, int32_t added_count)
{
    struct group_state *state = &autoscaler->groups[group];
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    state->requested_count = (state->has_request ? state->requested_count : 0) + added_count;
    state->has_request = true;
    state->expected_by_us = now_us + autoscaler->options->max_node_provision_time_us;
    state->failed_launch_count = 0;
    state->last_scale_up_us = now_us;
}

kerf_time_us kerf_autoscaler_groups_quiet_until(const struct kerf_autoscaler *autoscaler)
{
    const struct kerf_world *world = autoscaler->world;
    kerf_time_us now_us = kerf_world_now(world), until = KERF_TIME_NEVER;
    for (uint32_t g = 0; g < autoscaler->group_count; g++)
        if (autoscaler->groups[g].has_request || autoscaler->groups[g].placeholder_count > 0 || autoscaler->groups[g].failed_launch_count > 0)
            return now_us;
    for (size_t at = 0; at < kerf_cluster_node_count(world->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, at);
        const struct node_state *state = kerf_books_find(&autoscaler->nodes, node->id.index);
        if (node->nodegroup_index != KERF_NOT_FOUND && (!state || !state->is_known))
            return now_us;
        if (node->has_node && state && node->nodegroup_index != KERF_NOT_FOUND && !kerf_autoscaler_is_registered(node))
            until = kerf_min_i64(until, state->first_seen_us + autoscaler->options->max_node_provision_time_us);
        if (node->has_node && kerf_autoscaler_is_starting(autoscaler, node))
            until = kerf_min_i64(until, node->node.meta.created_epoch_us + autoscaler->options->max_node_startup_time_us -
                                            world->design->start_epoch_us);
    }
    return until;
}
