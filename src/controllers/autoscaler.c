/**
 * autoscaler: Cluster Autoscaler's loop in time (cluster-autoscaler.md 3): what starts it, its order of work, when it tries a scale-up and
 * when it may begin deletions; what comes of its decisions. Groups and back-off are in autoscaler_groups.c, the removal of nodes in
 * autoscaler_removal.c.
 *
 * A loop takes `timings.autoscalerLoop`: it decides on the world of its start, its changes of sizes reach Auto Scaling at its end, taints are
 * set at its start. Loops in which nothing can have changed since the last one are left out; the index of the round robin search stands
 * still in them.
 */
#include "controllers/autoscaler_internal.h"

#include <stdlib.h>

#define TOO_NEW_US (2 * KERF_SECOND_US)
#define TOO_NEW_GPU_US (30 * KERF_SECOND_US)

/* ---- what starts a loop (3.1)
 * -------------------------------------------------------------------------------------------------------- */

static void wake(struct kerf_autoscaler *autoscaler, kerf_time_us at_us)
{
    struct kerf_world *world = autoscaler->world;
    if (autoscaler->in_loop)
        return;
    if (kerf_engine_is_scheduled(world->engine, autoscaler->next)) {
        if (autoscaler->next_us <= at_us)
            return;
        kerf_engine_cancel(world->engine, autoscaler->next);
    }
    autoscaler->next_us = at_us;
    autoscaler->next = kerf_world_schedule(world, at_us, KERF_EVENT_AUTOSCALER_LOOP, 0, 0);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_autoscaler *autoscaler = context;
    (void)cluster;
    switch (change->kind) {
    case KERF_CHANGE_POD_ADDED:
    case KERF_CHANGE_POD_ADDRESSED:
    case KERF_CHANGE_POD_RUNNING:
    case KERF_CHANGE_CLAIM_ADDED:
    case KERF_CHANGE_CLAIM_LAUNCHED:
    case KERF_CHANGE_CLAIM_CHANGED:
        return; /* no decision sees it */
    case KERF_CHANGE_NODE_REMOVED:
        kerf_autoscaler_forget_node(autoscaler, change->node);
        break;
    case KERF_CHANGE_POD_UNSCHEDULABLE:
        autoscaler->changed = true;
        if (autoscaler->options->frequent_loops) /* not before the loop that runs has ended */
            wake(autoscaler, kerf_max_i64(kerf_world_now(autoscaler->world), autoscaler->loop_end_us));
        return;
    default:
        break;
    }
    autoscaler->changed = true;
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_autoscaler *autoscaler = context;
    if (notice->kind == KERF_NOTICE_GROUP_LAUNCH_FAILED)
        autoscaler->groups[notice->detail].failed_launch_count++;
}

/* ---- what a loop sees
 * ------------------------------------------------------------------------------------------------------------------ */

struct loop {
    struct kerf_arena arena;
    struct kerf_autoscaling_moment moment;
    bool was_productive;
    bool pods_are_new; /* no scale-up was tried for that, and nothing is deleted */
};

static kerf_usd_micros price_of(const struct kerf_autoscaler *autoscaler, const struct kerf_nodegroup *group)
{
    const struct kerf_design *design = autoscaler->world->design;
    const struct kerf_instance_facts *facts = kerf_catalog_find(design->catalog, group->instance_types[0]);
    const kerf_name zone = group->zone_count ? group->zones[0] : design->zones[0];
    return facts ? kerf_offering_price(autoscaler->world, facts->index, kerf_catalog_zone_index(design->catalog, zone),
                                       group->spot ? KERF_SPOT : KERF_ON_DEMAND)
                 : 0;
}

static bool is_cooling_down(kerf_time_us last_us, kerf_time_us delay_us, kerf_time_us now_us)
{
    return last_us != KERF_TIME_UNSET && last_us + delay_us > now_us;
}

static bool group_cools_down(const struct kerf_autoscaler *autoscaler, uint32_t group)
{
    const struct kerf_autoscaler_options *options = autoscaler->options;
    const struct group_state *state = &autoscaler->groups[group];
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    return options->scale_down_delay_type_local &&
           (is_cooling_down(state->last_scale_up_us, options->scale_down_delay_after_add_us, now_us) ||
            is_cooling_down(state->last_taint_failure_us, options->scale_down_delay_after_failure_us, now_us) ||
            is_cooling_down(state->last_deletion_us, options->scale_down_delay_after_delete_us, now_us));
}

static void see_groups(struct kerf_autoscaler *autoscaler, struct loop *loop)
{
    struct kerf_autoscaling_group *groups = KERF_NEW_ARRAY(&loop->arena, struct kerf_autoscaling_group, autoscaler->group_count);
    for (uint32_t g = 0; g < autoscaler->group_count; g++) {
        const struct kerf_nodegroup *group = kerf_autoscaler_group(autoscaler, g);
        groups[g] = (struct kerf_autoscaling_group){
            .name = group->meta.name,
            .min_size = group->min_size,
            .max_size = group->max_size,
            .target_size = kerf_cluster_group_size(autoscaler->world->cluster, g),
            .upcoming_count = autoscaler->groups[g].upcoming_count,
            .can_scale_up = kerf_autoscaler_group_may_grow(autoscaler, g),
            .template_node = &autoscaler->groups[g].template_node,
            .template_has_proxy = true,
            .price_usd_per_hour = (double)price_of(autoscaler, group) / 1e6,
        };
    }
    loop->moment.groups = groups;
    loop->moment.group_count = autoscaler->group_count;
}

static void see_nodes(struct kerf_autoscaler *autoscaler, struct loop *loop)
{
    const struct kerf_cluster *cluster = autoscaler->world->cluster;
    size_t count = kerf_cluster_node_count(cluster);
    kerf_node_id *starting = KERF_NEW_ARRAY(&loop->arena, kerf_node_id, count), *empty = KERF_NEW_ARRAY(&loop->arena, kerf_node_id, count);
    kerf_node_id *draining = KERF_NEW_ARRAY(&loop->arena, kerf_node_id, count), *held = KERF_NEW_ARRAY(&loop->arena, kerf_node_id, count);
    struct kerf_autoscaling_moment *moment = &loop->moment;
    for (size_t at = 0; at < count; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (!node->has_node || node->nodegroup_index == KERF_NOT_FOUND)
            continue;
        const struct node_state *state = kerf_autoscaler_node(autoscaler, node->id);
        if (!kerf_autoscaler_is_registered(node)) {
            starting[moment->starting_node_count++] = node->id;
        } else if (state->phase != REMOVAL_NONE && state->phase != REMOVAL_CALLED) {
            if (state->drains)
                draining[moment->draining_node_count++] = node->id;
            else
                empty[moment->deleting_empty_node_count++] = node->id;
        } else if (state->is_known && autoscaler->groups[node->nodegroup_index].upcoming_count > 0 &&
                   kerf_autoscaler_is_starting(autoscaler, node)) {
            starting[moment->starting_node_count++] = node->id;
        } else if (!state->is_known || state->phase == REMOVAL_CALLED || kerf_cluster_is_deleting(cluster, node) ||
                   group_cools_down(autoscaler, node->nodegroup_index)) {
            held[moment->held_node_count++] = node->id;
        }
    }
    moment->starting_nodes = starting;
    moment->deleting_empty_nodes = empty;
    moment->draining_nodes = draining;
    moment->held_nodes = held;
}

/* ---- scale-up (3.3)
 * ------------------------------------------------------------------------------------------------------------------- */

static bool wants_gpu(const struct kerf_pod *pod)
{
    return pod->requests->amounts[KERF_RESOURCE_NVIDIA_GPU] > 0;
}

/** Creation times have whole seconds. Without any pod of the kind: long ago. */
static kerf_time_us oldest_creation(const struct kerf_autoscaler *autoscaler, const kerf_pod_id *pods, uint32_t count, bool gpu_only)
{
    kerf_time_us oldest = KERF_TIME_NEVER;
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(autoscaler->world->cluster, pods[i])->pod;
        if (!gpu_only || wants_gpu(pod))
            oldest = kerf_min_i64(oldest, pod->meta.created_epoch_us / KERF_SECOND_US * KERF_SECOND_US);
    }
    return oldest == KERF_TIME_NEVER ? 0 : oldest;
}

static bool pods_are_new(struct kerf_autoscaler *autoscaler)
{
    uint32_t count;
    const kerf_pod_id *pods = kerf_autoscaling_unschedulable(autoscaler->autoscaling, &count);
    kerf_time_us now_epoch_us = kerf_world_epoch_now(autoscaler->world);
    return oldest_creation(autoscaler, pods, count, false) + TOO_NEW_US > now_epoch_us ||
           oldest_creation(autoscaler, pods, count, true) + TOO_NEW_GPU_US > now_epoch_us;
}

static void grow(struct kerf_autoscaler *autoscaler, struct loop *loop, const struct kerf_scale_up *up)
{
    for (uint32_t i = 0; i < up->size_count; i++) {
        const struct kerf_autoscaling_size *size = &up->sizes[i];
        kerf_autoscaler_request(autoscaler, size->group_index, size->to - size->from);
        loop->was_productive = true;
    }
    if (up->size_count)
        autoscaler->last_scale_up_us = kerf_world_now(autoscaler->world);
}

/* ---- scale-down (3.4)
 * ----------------------------------------------------------------------------------------------------------------- */

static bool may_delete(const struct kerf_autoscaler *autoscaler, const struct loop *loop)
{
    const struct kerf_autoscaler_options *options = autoscaler->options;
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    if (loop->pods_are_new)
        return false;
    return options->scale_down_delay_type_local ||
           (!is_cooling_down(autoscaler->last_scale_up_us, options->scale_down_delay_after_add_us, now_us) &&
            !is_cooling_down(autoscaler->last_taint_failure_us, options->scale_down_delay_after_failure_us, now_us) &&
            !is_cooling_down(autoscaler->last_deletion_us, options->scale_down_delay_after_delete_us, now_us));
}

/** One refusal is enough: what was tainted of this kind is untainted again (12, d). */
static bool tainting_fails(struct kerf_autoscaler *autoscaler, uint32_t count)
{
    const struct kerf_world *world = autoscaler->world;
    bool fails = false;
    for (uint32_t i = 0; i < count && world->design->autoscaler.taint_failure > 0; i++) {
        struct kerf_stream stream =
            kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_FAULT, kerf_hash_mix(kerf_hash_text("taint"), autoscaler->taint_count++));
        fails |= kerf_draw_chance(&stream, world->design->autoscaler.taint_failure);
    }
    return fails;
}

static void begin_removals(struct kerf_autoscaler *autoscaler, struct loop *loop, const kerf_node_id *nodes, uint32_t count, bool drains)
{
    kerf_time_us now_us = kerf_world_now(autoscaler->world);
    if (tainting_fails(autoscaler, count)) {
        autoscaler->last_taint_failure_us = now_us;
        for (uint32_t i = 0; i < count; i++)
            autoscaler->groups[kerf_cluster_node(autoscaler->world->cluster, nodes[i])->nodegroup_index].last_taint_failure_us = now_us;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t group = kerf_cluster_node(autoscaler->world->cluster, nodes[i])->nodegroup_index;
        kerf_autoscaler_begin_removal(autoscaler, nodes[i], drains);
        autoscaler->last_deletion_us = now_us;
        autoscaler->groups[group].last_deletion_us = now_us;
        loop->was_productive = true;
    }
}

/* ---- the loop (3.2)
 * --------------------------------------------------------------------------------------------------------------------- */

/** Pods that no group can ever take, as things are: waiting alone helps none of them. A group over several zones or types may have another
 *  template in the next loop. */
static bool are_hopeless(const struct kerf_autoscaler *autoscaler, const struct kerf_scale_up *up)
{
    if (!up || up->result != KERF_SCALE_UP_NO_OPTIONS)
        return false;
    for (uint32_t g = 0; g < autoscaler->group_count; g++) {
        const struct kerf_nodegroup *group = kerf_autoscaler_group(autoscaler, g);
        uint32_t zone_count = group->zone_count ? group->zone_count : autoscaler->world->design->zone_count;
        if (!kerf_autoscaler_group_may_grow(autoscaler, g) ||
            (group->max_size > group->min_size && (zone_count > 1 || group->instance_type_count > 1)))
            return false;
    }
    return true;
}

/** The earliest moment at which the passing of time alone can change what a loop decides. */
static void find_quiet(struct kerf_autoscaler *autoscaler, const struct loop *loop, bool pods_wait)
{
    const struct kerf_autoscaler_options *options = autoscaler->options;
    const struct kerf_world *world = autoscaler->world;
    kerf_time_us now_us = kerf_world_now(world), until = kerf_autoscaler_groups_quiet_until(autoscaler);
    if (loop->was_productive || pods_wait || autoscaler->deleting_count > 0 || options->new_pod_scale_up_delay_us > 0)
        until = now_us;
    kerf_time_us change_epoch_us = kerf_autoscaling_next_change(autoscaler->autoscaling, kerf_world_epoch_now(world));
    if (change_epoch_us != KERF_TIME_NEVER)
        until = kerf_min_i64(until, change_epoch_us - world->design->start_epoch_us);
    for (uint32_t g = 0; g < autoscaler->group_count; g++)
        if (group_cools_down(autoscaler, g))
            until = now_us;
    if (is_cooling_down(autoscaler->last_scale_up_us, options->scale_down_delay_after_add_us, now_us))
        until = kerf_min_i64(until, autoscaler->last_scale_up_us + options->scale_down_delay_after_add_us);
    if (is_cooling_down(autoscaler->last_deletion_us, options->scale_down_delay_after_delete_us, now_us) ||
        is_cooling_down(autoscaler->last_taint_failure_us, options->scale_down_delay_after_failure_us, now_us))
        until = now_us;
    autoscaler->quiet_until_us = until;
}

static void decide(struct kerf_autoscaler *autoscaler, struct loop *loop)
{
    struct kerf_world *world = autoscaler->world;
    const struct kerf_autoscaling_fit *fits;
    uint32_t fit_count;
    loop->moment.now_epoch_us = kerf_world_epoch_now(world);
    see_groups(autoscaler, loop);
    see_nodes(autoscaler, loop);
    kerf_autoscaling_begin(autoscaler->autoscaling, &loop->moment);
    uint32_t left = kerf_autoscaling_filter(autoscaler->autoscaling, &fits, &fit_count);
    const struct kerf_scale_up *up = NULL;
    loop->pods_are_new = left > 0 && pods_are_new(autoscaler);
    if (left > 0 && !loop->pods_are_new)
        up = kerf_autoscaling_scale_up(autoscaler->autoscaling);
    const struct kerf_scale_down *down =
        autoscaler->options->scale_down_enabled ? kerf_autoscaling_scale_down(autoscaler->autoscaling) : NULL;
    kerf_autoscaling_end(autoscaler->autoscaling); /* from here on the world may change */
    autoscaler->changed = false;
    const bool hopeless = are_hopeless(autoscaler, up);
    if (up) {
        grow(autoscaler, loop, up);
        for (uint32_t i = 0; i < up->size_count; i++)
            kerf_cluster_set_group_size(world->cluster, up->sizes[i].group_index, up->sizes[i].to);
    }
    if (down && may_delete(autoscaler, loop)) {
        begin_removals(autoscaler, loop, down->delete_empty, down->delete_empty_count, false);
        begin_removals(autoscaler, loop, down->delete_drain, down->delete_drain_count, true);
    }
    if (down)
        kerf_autoscaler_update_soft_taints(autoscaler, down->unneeded, down->unneeded_count);
    find_quiet(autoscaler, loop, left > 0 && !hopeless);
}

static bool is_worth_looking(const struct kerf_autoscaler *autoscaler)
{
    return autoscaler->changed || autoscaler->was_productive || kerf_world_now(autoscaler->world) >= autoscaler->quiet_until_us;
}

static void on_loop(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)event;
    struct kerf_autoscaler *autoscaler = context;
    kerf_time_us now_us = kerf_engine_now(engine), length_us = autoscaler->world->design->timings.autoscaler_loop_us;
    struct loop loop = { 0 };
    kerf_arena_init(&loop.arena);
    autoscaler->in_loop = true;
    autoscaler->loop_end_us = now_us + length_us;
    kerf_autoscaler_read_cache(autoscaler);
    if (is_worth_looking(autoscaler)) {
        bool healthy = kerf_autoscaler_update_groups(autoscaler);
        kerf_autoscaler_remove_unregistered(autoscaler);
        if (healthy)
            decide(autoscaler, &loop);
        else
            kerf_autoscaling_drop_unneeded(autoscaler->autoscaling);
    } else {
        kerf_autoscaling_pass_over(autoscaler->autoscaling, kerf_world_epoch_now(autoscaler->world));
    }
    autoscaler->in_loop = false;
    kerf_arena_fini(&loop.arena);
    bool at_once = autoscaler->options->frequent_loops && (loop.was_productive || autoscaler->was_productive);
    autoscaler->was_productive = loop.was_productive;
    wake(autoscaler, autoscaler->loop_end_us + (at_once ? 0 : autoscaler->options->scan_interval_us));
}

static void on_node(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_autoscaler *autoscaler = context;
    kerf_node_id id = { (uint32_t)event->subject };
    if (kerf_cluster_node(autoscaler->world->cluster, id))
        kerf_autoscaler_removal_step(autoscaler, id);
}

struct kerf_autoscaler *kerf_autoscaler_new(struct kerf_world *world)
{
    struct kerf_autoscaler *autoscaler = kerf_allocate(sizeof *autoscaler);
    autoscaler->world = world;
    autoscaler->options = &world->design->autoscaler.options;
    autoscaler->autoscaling = kerf_autoscaling_new(world->cluster, autoscaler->options, world->design->objects.autoscaler_priorities);
    kerf_autoscaling_draw(autoscaler->autoscaling, kerf_hash_mix(world->seed, world->replication));
    kerf_arena_init(&autoscaler->arena);
    kerf_autoscaler_groups_init(autoscaler);
    kerf_books_init(&autoscaler->nodes, sizeof(struct node_state));
    autoscaler->cache_read_us = KERF_TIME_UNSET;
    autoscaler->last_scale_up_us = autoscaler->last_deletion_us = autoscaler->last_taint_failure_us = KERF_TIME_UNSET;
    autoscaler->changed = true;
    kerf_cluster_listen(world->cluster, on_change, autoscaler);
    kerf_world_listen(world, on_notice, autoscaler);
    kerf_engine_handle(world->engine, KERF_EVENT_AUTOSCALER_LOOP, on_loop, autoscaler);
    kerf_engine_handle(world->engine, KERF_EVENT_AUTOSCALER_NODE, on_node, autoscaler);
    wake(autoscaler, kerf_world_now(world) + autoscaler->options->scan_interval_us);
    return autoscaler;
}

void kerf_autoscaler_free(struct kerf_autoscaler *autoscaler)
{
    if (!autoscaler)
        return;
    kerf_autoscaling_free(autoscaler->autoscaling);
    kerf_books_fini(&autoscaler->nodes);
    kerf_arena_fini(&autoscaler->arena);
    free(autoscaler);
}
