/**
 * workloads: the controllers of Deployments, ReplicaSets, StatefulSets, ReplicationControllers, Jobs and CronJobs: they keep the wanted
 * number of active pods (workloads.md 2, 4 and 6) at the rate of their writes. What is wanted follows the manifests and, over time, the
 * load of the scenario (workload_load.c, workload_jobs.c). DaemonSets are in daemons.c.
 *
 * Simplified: rollouts don't happen; slow start and its round trips are left out; minReadySeconds is not waited for.
 */
#include "controllers/workload_internal.h"

#include <stdlib.h>

/** Most creations or deletions of one sync. */
enum { BURST = 500 };

/** Subject of the event that brings the pods which no workload makes. */
#define STANDING_PODS UINT64_MAX

static const struct kerf_workload *workload_at(const struct kerf_workload_controller *controller, uint32_t index)
{
    return &controller->prepared[index];
}

static void schedule_sync(struct kerf_workload_controller *controller, uint32_t index, kerf_time_us at_us)
{
    struct workload_state *state = &controller->states[index];
    if (kerf_engine_is_scheduled(controller->world->engine, state->sync)) {
        if (state->sync_us <= at_us)
            return;
        kerf_engine_cancel(controller->world->engine, state->sync);
    }
    state->sync_us = at_us;
    state->sync = kerf_world_schedule(controller->world, at_us, KERF_EVENT_WORKLOAD_SYNC, index, 0);
}

void kerf_workload_wake(struct kerf_workload_controller *controller, uint32_t index, kerf_time_us at_us)
{
    if (!controller->states[index].in_line) /* a sync that waits for a token sees the news when it goes on */
        schedule_sync(controller, index, at_us);
}

void kerf_workload_set_desired(struct kerf_workload_controller *controller, uint32_t index, int64_t replicas)
{
    struct workload_state *state = &controller->states[index];
    if (replicas == state->desired)
        return;
    state->desired = replicas;
    kerf_cluster_set_workload_replicas(controller->world->cluster, index, replicas);
    kerf_workload_wake(controller, index, kerf_world_now(controller->world));
}

/* ---- writes --------------------------------------------------------------------------------------------------------------------- */

static struct writer *writer_of(struct kerf_workload_controller *controller, uint32_t index)
{
    switch (workload_at(controller, index)->kind) {
    case KERF_WORKLOAD_STATEFULSET:
        return &controller->writers[WRITER_STATEFULSET];
    case KERF_WORKLOAD_REPLICATIONCONTROLLER:
        return &controller->writers[WRITER_REPLICATIONCONTROLLER];
    case KERF_WORKLOAD_JOB:
    case KERF_WORKLOAD_CRONJOB:
        return &controller->writers[WRITER_JOB];
    default:
        return &controller->writers[WRITER_REPLICASET];
    }
}

/** Takes a token for a write; false: the workload stands in line, at its end or where it stood. */
static bool may_write(struct kerf_workload_controller *controller, uint32_t index)
{
    struct writer *writer = writer_of(controller, index);
    struct workload_state *state = &controller->states[index];
    if (kerf_token_bucket_take(&writer->tokens, kerf_world_now(controller->world)))
        return true;
    state->in_line = true;
    if (writer->line.count == 0 || writer->line.items[0] != index)
        KERF_VEC_PUSH(&writer->line, index);
    if (kerf_engine_is_scheduled(controller->world->engine, state->sync)) /* woken by what it wrote itself */
        kerf_engine_cancel(controller->world->engine, state->sync);
    return false;
}

/** Who is first in line goes on when there is a token; the others would find none. */
static void serve_line(struct kerf_workload_controller *controller, struct writer *writer)
{
    bool served = writer->line.count > 0 && !controller->states[writer->line.items[0]].in_line;
    if (served) {
        writer->line.count--;
        memmove(writer->line.items, writer->line.items + 1, writer->line.count * sizeof *writer->line.items);
    }
    if (writer->line.count > 0)
        schedule_sync(controller, writer->line.items[0],
                      kerf_token_bucket_next(&writer->tokens, kerf_world_now(controller->world)));
}

static void create_pod(struct kerf_workload_controller *controller, uint32_t index, uint32_t pod_index, uint64_t tag)
{
    struct workload_state *state = &controller->states[index];
    struct kerf_world *world = controller->world;
    struct kerf_pod pod;
    kerf_workload_make_pod(&controller->arena, world->vocabulary, workload_at(controller, index), pod_index, kerf_world_epoch_now(world),
                           &pod);
    pod.has_status = true;
    kerf_pod_id id = kerf_cluster_add_pod(world->cluster, &pod, index);
    kerf_cluster_set_pod_tag(world->cluster, id, tag);
    KERF_VEC_PUSH(&state->active, id);
}

void kerf_workload_delete_pod(struct kerf_world *world, kerf_pod_id id)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    kerf_time_us grace_us = pod->pod.spec->termination_grace_seconds * KERF_SECOND_US;
    kerf_cluster_delete_pod(world->cluster, id, kerf_world_epoch_now(world) + grace_us);
}

/** Pods that are done are taken away: nobody looks at them any more. */
static void drop_inactive(struct kerf_workload_controller *controller, uint32_t index)
{
    struct kerf_world *world = controller->world;
    struct workload_state *state = &controller->states[index];
    bool waits_for_end = workload_at(controller, index)->kind == KERF_WORKLOAD_STATEFULSET;
    if (!state->untidy)
        return;
    state->untidy = false;
    size_t kept = 0;
    for (size_t i = 0; i < state->active.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, state->active.items[i]);
        if (pod && kerf_pod_is_terminal(&pod->pod))
            kerf_cluster_remove_pod(world->cluster, pod->id);
        else if (pod && (waits_for_end || !kerf_pod_is_terminating(&pod->pod)))
            state->active.items[kept++] = pod->id;
    }
    state->active.count = kept;
}

/* ---- ReplicaSets and their like ---------------------------------------------------------------------------------------------------- */

static void choose_victims(struct kerf_workload_controller *controller, uint32_t index, size_t surplus)
{
    struct workload_state *state = &controller->states[index];
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    const kerf_pod_id *victims = state->active.items;
    size_t wanted = surplus < BURST ? surplus : BURST;
    if (surplus < state->active.count) /* if all must go, no ordering is done */
        victims = kerf_workload_first_victims(controller->world, victims, state->active.count, wanted, &scratch);
    state->victims.count = state->next_victim = 0;
    for (size_t i = 0; i < wanted; i++)
        KERF_VEC_PUSH(&state->victims, victims[i]);
    kerf_arena_fini(&scratch);
}

/** A sync ends when its victims are deleted, whatever is wanted meanwhile. */
static bool delete_victims(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    for (; state->next_victim < state->victims.count; state->next_victim++) {
        kerf_pod_id victim = state->victims.items[state->next_victim];
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(controller->world->cluster, victim);
        if (!pod || !kerf_pod_is_active(&pod->pod))
            continue;
        if (!may_write(controller, index))
            return false;
        kerf_workload_delete_pod(controller->world, victim);
    }
    return true;
}

static void sync_replicas(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    if (!delete_victims(controller, index))
        return;
    drop_inactive(controller, index);
    if ((int64_t)state->active.count > state->desired) {
        choose_victims(controller, index, (size_t)((int64_t)state->active.count - state->desired));
        if (delete_victims(controller, index))
            kerf_workload_wake(controller, index, kerf_world_now(controller->world));
        return;
    }
    while ((int64_t)state->active.count < state->desired && may_write(controller, index))
        create_pod(controller, index, state->next_index++, 0);
}

static void sync_job(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    while (state->todo_first < state->todo.count && may_write(controller, index)) {
        uint64_t tag = state->todo.items[state->todo_first++];
        create_pod(controller, index, state->next_index++, tag);
    }
    if (state->todo_first == state->todo.count)
        state->todo_first = state->todo.count = 0;
    kerf_workload_start_missed_job(controller, index);
}

/* ---- StatefulSets ------------------------------------------------------------------------------------------------------------------- */

static bool is_healthy(const struct kerf_cluster_pod *pod)
{
    return pod->pod.phase == KERF_POD_RUNNING && !kerf_pod_is_terminating(&pod->pod) && kerf_conditions_true(&kerf_pod_status(&pod->pod)->conditions, "Ready");
}

/** Pods by ordinal (their tag less one), NULL: none; as many as the highest or the wanted number. */
static const struct kerf_cluster_pod **by_ordinal(const struct kerf_workload_controller *controller, const struct workload_state *state,
                                                  struct kerf_arena *arena, size_t *out_count)
{
    size_t count = (size_t)kerf_max_i64(state->desired, 0);
    for (size_t i = 0; i < state->active.count; i++) {
        uint64_t tag = kerf_cluster_pod(controller->world->cluster, state->active.items[i])->tag;
        count = tag > count ? tag : count;
    }
    const struct kerf_cluster_pod **pods = KERF_NEW_ARRAY(arena, const struct kerf_cluster_pod *, count);
    memset(pods, 0, count * sizeof *pods);
    for (size_t i = 0; i < state->active.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(controller->world->cluster, state->active.items[i]);
        pods[pod->tag - 1] = pod;
    }
    *out_count = count;
    return pods;
}

/** Ordinals come in order, each when all below are healthy, and go from the highest down; all at once where that is asked for. */
static void sync_ordinals(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    bool parallel = workload_at(controller, index)->parallel_pod_management;
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    size_t count;
    const struct kerf_cluster_pod **pods = by_ordinal(controller, state, &scratch, &count);
    size_t wanted = (size_t)kerf_max_i64(state->desired, 0);
    bool goes_on = true;
    for (size_t ordinal = 0; goes_on && ordinal < wanted; ordinal++) {
        if (!pods[ordinal]) {
            goes_on = may_write(controller, index);
            if (goes_on)
                create_pod(controller, index, (uint32_t)ordinal, ordinal + 1);
            goes_on = goes_on && parallel;
        } else {
            goes_on = parallel || is_healthy(pods[ordinal]);
        }
    }
    for (size_t ordinal = count; goes_on && ordinal-- > wanted;) {
        if (!pods[ordinal])
            continue;
        if (!kerf_pod_is_terminating(&pods[ordinal]->pod)) {
            goes_on = may_write(controller, index);
            if (goes_on)
                kerf_workload_delete_pod(controller->world, pods[ordinal]->id);
        }
        goes_on = goes_on && parallel; /* in order: each is gone before the next goes */
    }
    kerf_arena_fini(&scratch);
}

/* ---- events --------------------------------------------------------------------------------------------------------------------------- */

/** Pods of the manifests that belong to no workload: they come at the start and, once gone, stay gone. */
static void add_standing_pods(struct kerf_workload_controller *controller)
{
    struct kerf_world *world = controller->world;
    const struct kerf_objects *objects = &world->design->objects;
    for (size_t i = 0; i < objects->pods.count; i++) {
        struct kerf_pod pod = objects->pods.items[i];
        if (pod.node_name || kerf_pod_is_terminal(&pod) || kerf_pod_is_terminating(&pod))
            continue;
        pod.has_status = true;
        pod.phase = KERF_POD_PENDING;
        pod.status = NULL;
        pod.meta.created_epoch_us = kerf_world_epoch_now(world);
        kerf_cluster_add_pod(world->cluster, &pod, KERF_NOT_FOUND);
    }
}

static void on_sync(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_workload_controller *controller = context;
    if (event->subject == STANDING_PODS) {
        add_standing_pods(controller);
        return;
    }
    uint32_t index = (uint32_t)event->subject;
    controller->states[index].in_line = false;
    drop_inactive(controller, index);
    if (kerf_workload_is_job(workload_at(controller, index)))
        sync_job(controller, index);
    else if (workload_at(controller, index)->kind == KERF_WORKLOAD_STATEFULSET)
        sync_ordinals(controller, index);
    else
        sync_replicas(controller, index);
    serve_line(controller, writer_of(controller, index));
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_workload_controller *controller = context;
    bool ready = change->kind == KERF_CHANGE_POD_READY;
    if (!ready && change->kind != KERF_CHANGE_POD_TERMINATING && change->kind != KERF_CHANGE_POD_FINISHED &&
        change->kind != KERF_CHANGE_POD_REMOVED)
        return;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
    uint32_t index = pod->workload_index;
    if (index == KERF_NOT_FOUND || workload_at(controller, index)->kind == KERF_WORKLOAD_DAEMONSET)
        return;
    bool by_ordinal = workload_at(controller, index)->kind == KERF_WORKLOAD_STATEFULSET;
    if (ready && !by_ordinal)
        return;
    /* What goes was told of when it began to go; only the names of a StatefulSet's pods are waited for. */
    bool is_news = by_ordinal || change->kind != KERF_CHANGE_POD_REMOVED || kerf_pod_is_active(&pod->pod);
    controller->states[index].untidy |= !ready && is_news;
    if (!ready && kerf_workload_is_job(workload_at(controller, index)))
        kerf_workload_note_job_pod(controller, change);
    kerf_workload_wake(controller, index, kerf_world_now(controller->world));
}

/* ---- building ---------------------------------------------------------------------------------------------------------------------- */

static void start_workload(struct kerf_workload_controller *controller, uint32_t index)
{
    const struct kerf_design *design = controller->world->design;
    const struct kerf_workload *workload = workload_at(controller, index);
    uint32_t load = design->load_of_workload[index];
    bool arrives = load != KERF_NOT_FOUND && design->loads[load].arrivals_per_hour > 0;
    controller->states[index].desired = kerf_cluster_workload_replicas(controller->world->cluster, index);
    if (workload->kind == KERF_WORKLOAD_CRONJOB)
        kerf_workload_schedule_cronjob(controller, index);
    else if (workload->kind == KERF_WORKLOAD_JOB) {
        if (!arrives && !workload->suspend && !workload->finished)
            kerf_workload_start_job(controller, index);
    } else if (workload->kind != KERF_WORKLOAD_DAEMONSET)
        kerf_workload_wake(controller, index, 0);
}

struct kerf_workload_controller *kerf_workload_controller_new(struct kerf_world *world)
{
    struct kerf_workload_controller *controller = kerf_allocate(sizeof *controller);
    const struct kerf_design *design = world->design;
    uint32_t count = (uint32_t)design->objects.workloads.count;
    controller->world = world;
    kerf_arena_init(&controller->arena);
    controller->states = KERF_NEW_ARRAY(&controller->arena, struct workload_state, count);
    for (int i = 0; i < WRITER_COUNT; i++)
        controller->writers[i].tokens = kerf_token_bucket_of(design->timings.controller_writes_per_second, design->timings.controller_burst);
    controller->prepared = kerf_arena_copy(&controller->arena, design->objects.workloads.items, kerf_array_bytes(count, sizeof(struct kerf_workload)));
    controller->arrivals = KERF_NEW_ARRAY(&controller->arena, struct kerf_stream, design->load_count);
    controller->noise = KERF_NEW_ARRAY(&controller->arena, struct kerf_stream, design->load_count);
    controller->first_cron = KERF_NEW_ARRAY(&controller->arena, uint32_t, design->load_count);
    uint32_t cron_count = 0;
    for (uint32_t i = 0; i < design->load_count; i++) {
        controller->first_cron[i] = cron_count;
        cron_count += design->loads[i].step_count;
    }
    controller->crons = KERF_NEW_ARRAY(&controller->arena, struct kerf_cron, cron_count);
    kerf_cluster_listen(world->cluster, on_change, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_WORKLOAD_SYNC, on_sync, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_LOAD_STEP, kerf_workload_on_load_step, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_JOB_ARRIVAL, kerf_workload_on_job_arrival, controller);
    for (uint32_t i = 0; i < count; i++)
        kerf_workload_prepare(&controller->arena, world->vocabulary, &controller->prepared[i]);
    for (uint32_t i = 0; i < count; i++)
        start_workload(controller, i);
    for (uint32_t i = 0; i < design->load_count; i++)
        kerf_workload_start_load(controller, i);
    if (design->objects.pods.count > 0)
        kerf_world_schedule(world, 0, KERF_EVENT_WORKLOAD_SYNC, STANDING_PODS, 0);
    return controller;
}

void kerf_workload_controller_free(struct kerf_workload_controller *controller)
{
    if (!controller)
        return;
    for (size_t i = 0; i < controller->world->design->objects.workloads.count; i++) {
        KERF_VEC_FREE(&controller->states[i].active);
        KERF_VEC_FREE(&controller->states[i].victims);
        KERF_VEC_FREE(&controller->states[i].todo);
        KERF_VEC_FREE(&controller->states[i].jobs);
    }
    for (int i = 0; i < WRITER_COUNT; i++)
        KERF_VEC_FREE(&controller->writers[i].line);
    kerf_arena_fini(&controller->arena);
    free(controller);
}
