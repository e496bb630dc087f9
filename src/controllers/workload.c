/**
 * workloads: the controllers of Deployments, ReplicaSets, StatefulSets, ReplicationControllers, Jobs and CronJobs: they keep the wanted
 * number of active pods (workloads.md 2 and 6), and the load of the scenario moves that number over time: schedules, daily curves,
 * Poisson arrivals of jobs. DaemonSets are in daemons.c.
 *
 * Simplified: a StatefulSet creates and deletes its pods in order but doesn't wait for readiness between them; rollouts don't happen.
 */
#include "controllers/controllers_internal.h"

#include "scheduling/scheduling.h"

#include <math.h>
#include <stdlib.h>

struct workload_state {
    int64_t desired;
    KERF_VEC(kerf_pod_id) active; /* in order of creation; those that stopped being active are dropped at the next sync */
    KERF_VEC(uint64_t) undone;    /* jobs: tags of pods that ended before their work was done; the next pods take it over */
    uint32_t next_index;          /* of names, never used again (StatefulSets re-use ordinals) */
    uint64_t next_tag;            /* of pieces of work */
    kerf_event_handle sync;
};

struct kerf_workload_controller {
    struct kerf_world *world;
    struct workload_state *states; /* by workload index */
    struct kerf_arena arena;       /* what pods of a workload share; lives as long as the run */
    struct kerf_token_bucket writes;
    struct kerf_cron *crons;       /* of load steps, flattened; by first_cron + step */
    uint32_t *first_cron;          /* by load index */
    struct kerf_stream *arrivals;  /* by load index */
    struct kerf_stream *noise;
    struct kerf_workload *prepared; /* copies of the workloads, with what their pods share */
};

static const struct kerf_workload *workload_at(const struct kerf_workload_controller *controller, uint32_t index)
{
    return &controller->prepared[index];
}

static bool is_job(const struct kerf_workload *workload)
{
    return workload->kind == KERF_WORKLOAD_JOB || workload->kind == KERF_WORKLOAD_CRONJOB;
}

static void wake(struct kerf_workload_controller *controller, uint32_t index, kerf_time_us at_us)
{
    struct workload_state *state = &controller->states[index];
    if (!kerf_engine_is_scheduled(controller->world->engine, state->sync))
        state->sync = kerf_world_schedule(controller->world, at_us, KERF_EVENT_WORKLOAD_SYNC, index, 0);
}

/* ---- pods ---------------------------------------------------------------------------------------------------------------------- */

static uint32_t free_ordinal(const struct kerf_workload_controller *controller, const struct workload_state *state)
{
    for (uint32_t ordinal = 0;; ordinal++) {
        bool used = false;
        for (size_t i = 0; i < state->active.count && !used; i++)
            used = kerf_cluster_pod(controller->world->cluster, state->active.items[i])->tag == (uint64_t)ordinal + 1;
        if (!used)
            return ordinal;
    }
}

static void create_pod(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    bool ordinals = workload_at(controller, index)->kind == KERF_WORKLOAD_STATEFULSET;
    uint32_t pod_index = ordinals ? free_ordinal(controller, state) : state->next_index++;
    uint64_t tag = ordinals ? (uint64_t)pod_index + 1 : state->undone.count > 0 ? state->undone.items[--state->undone.count] : ++state->next_tag;
    struct kerf_world *world = controller->world;
    struct kerf_pod pod;
    kerf_workload_make_pod(&controller->arena, world->vocabulary, workload_at(controller, index), pod_index, kerf_world_epoch_now(world),
                           &pod);
    pod.has_status = true;
    kerf_pod_id id = kerf_cluster_add_pod(world->cluster, &pod, index);
    kerf_cluster_set_pod_tag(world->cluster, id, tag);
    KERF_VEC_PUSH(&state->active, id);
}

static void delete_pod(struct kerf_world *world, kerf_pod_id id)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    kerf_time_us grace_us = pod->pod.spec->termination_grace_seconds * KERF_SECOND_US;
    kerf_cluster_delete_pod(world->cluster, id, kerf_world_epoch_now(world) + grace_us);
}

/** Facts of a victim that don't change while we sort (workloads.md 2.1). */
struct victim {
    kerf_pod_id id;
    const struct kerf_cluster_pod *pod;
    bool ready;
    int64_t deletion_cost;
    uint32_t neighbours; /* active pods of the workload on its node */
    int age_bucket;
};

static int log_bucket(kerf_time_us age_us)
{
    int bucket = 0;
    /* Buckets are by the logarithm of nanoseconds: one microsecond is 2^9.97 of them. */
    for (kerf_i128 age_ns = (kerf_i128)age_us * 1000; age_ns > 1; age_ns >>= 1)
        bucket++;
    return bucket;
}

static int compare_victims(const void *a, const void *b, void *context)
{
    (void)context;
    const struct victim *x = a;
    const struct victim *y = b;
    int order = kerf_compare_i64(!kerf_node_id_equal(x->pod->node, KERF_NO_NODE), !kerf_node_id_equal(y->pod->node, KERF_NO_NODE));
    if (order == 0)
        order = kerf_compare_i64(x->pod->pod.phase == KERF_POD_RUNNING, y->pod->pod.phase == KERF_POD_RUNNING);
    if (order == 0)
        order = kerf_compare_i64(x->ready, y->ready);
    if (order == 0)
        order = kerf_compare_i64(x->deletion_cost, y->deletion_cost);
    if (order == 0)
        order = kerf_compare_i64(y->neighbours, x->neighbours);
    if (order == 0)
        order = kerf_compare_i64(x->age_bucket, y->age_bucket);
    /* The real tie is the UID's order, which is drawn: a hash of the name is as random and the same in every design. */
    if (order == 0)
        order = kerf_compare_u64(kerf_world_owner_of_pod(x->pod), kerf_world_owner_of_pod(y->pod));
    return order != 0 ? order : kerf_compare_u64(x->id.index, y->id.index);
}

static void delete_victims(struct kerf_workload_controller *controller, uint32_t index, size_t count)
{
    struct kerf_world *world = controller->world;
    struct workload_state *state = &controller->states[index];
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct victim *victims = KERF_NEW_ARRAY(&scratch, struct victim, state->active.count);
    struct kerf_id_map on_node = { 0 };
    for (size_t i = 0; i < state->active.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, state->active.items[i]);
        uint32_t seen = kerf_id_map_get(&on_node, pod->node.index);
        kerf_id_map_put(&on_node, pod->node.index, seen == KERF_NOT_FOUND ? 1 : seen + 1);
    }
    for (size_t i = 0; i < state->active.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, state->active.items[i]);
        int64_t cost = 0;
        kerf_name cost_text = kerf_labels_get(&pod->pod.meta.annotations, world->vocabulary->key_pod_deletion_cost);
        if (cost_text && !kerf_parse_i64(cost_text->text, &cost))
            cost = 0;
        victims[i] = (struct victim){
            .id = pod->id,
            .pod = pod,
            .ready = kerf_conditions_true(&pod->pod.conditions, "Ready"),
            .deletion_cost = cost,
            .neighbours = kerf_id_map_get(&on_node, pod->node.index),
            .age_bucket = log_bucket(kerf_world_epoch_now(world) - pod->pod.meta.created_epoch_us),
        };
    }
    if (workload_at(controller, index)->kind == KERF_WORKLOAD_STATEFULSET) {
        /* The highest ordinals go. */
        for (size_t n = 0; n < count; n++) {
            size_t highest = SIZE_MAX;
            for (size_t i = 0; i < state->active.count; i++)
                if (victims[i].pod && (highest == SIZE_MAX || victims[i].pod->tag > victims[highest].pod->tag))
                    highest = i;
            delete_pod(world, victims[highest].id);
            victims[highest].pod = NULL;
        }
    } else {
        kerf_sort(victims, state->active.count, sizeof *victims, compare_victims, NULL);
        for (size_t i = 0; i < count; i++)
            delete_pod(world, victims[i].id);
    }
    kerf_id_map_fini(&on_node);
    kerf_arena_fini(&scratch);
}

static void drop_inactive(struct kerf_workload_controller *controller, uint32_t index)
{
    struct kerf_world *world = controller->world;
    struct workload_state *state = &controller->states[index];
    size_t kept = 0;
    for (size_t i = 0; i < state->active.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, state->active.items[i]);
        if (pod && kerf_pod_is_active(&pod->pod))
            state->active.items[kept++] = pod->id;
        else if (pod && kerf_pod_is_terminal(&pod->pod))
            kerf_cluster_remove_pod(world->cluster, pod->id);
    }
    state->active.count = kept;
}

static void on_sync(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_workload_controller *controller = context;
    uint32_t index = (uint32_t)event->subject;
    struct workload_state *state = &controller->states[index];
    kerf_time_us now_us = kerf_engine_now(engine);
    drop_inactive(controller, index);
    if ((int64_t)state->active.count > state->desired) {
        size_t surplus = (size_t)((int64_t)state->active.count - state->desired);
        delete_victims(controller, index, surplus > 500 ? 500 : surplus);
        wake(controller, index, now_us);
        return;
    }
    while ((int64_t)state->active.count < state->desired) {
        if (!kerf_token_bucket_take(&controller->writes, now_us)) {
            wake(controller, index, kerf_token_bucket_next(&controller->writes, now_us));
            return;
        }
        create_pod(controller, index);
    }
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_workload_controller *controller = context;
    if (change->kind != KERF_CHANGE_POD_TERMINATING && change->kind != KERF_CHANGE_POD_FINISHED && change->kind != KERF_CHANGE_POD_REMOVED)
        return;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
    uint32_t index = pod->workload_index;
    if (index == KERF_NOT_FOUND || workload_at(controller, index)->kind == KERF_WORKLOAD_DAEMONSET)
        return;
    if (is_job(workload_at(controller, index))) {
        struct workload_state *state = &controller->states[index];
        bool was_active = change->kind == KERF_CHANGE_POD_TERMINATING
                              ? !kerf_pod_is_terminal(&pod->pod)
                              : change->kind == KERF_CHANGE_POD_REMOVED && kerf_pod_is_active(&pod->pod);
        if (change->kind == KERF_CHANGE_POD_FINISHED && pod->pod.phase == KERF_POD_SUCCEEDED && !kerf_pod_is_terminating(&pod->pod))
            state->desired--; /* that much of the work is done */
        else if (was_active)
            KERF_VEC_PUSH(&state->undone, pod->tag);
    }
    wake(controller, index, kerf_world_now(controller->world));
}

/* ---- load over time -------------------------------------------------------------------------------------------------------------- */

/** Local time of the scenario: microseconds since 1970 as its clocks show them. */
static kerf_time_us local_of(const struct kerf_world *world, kerf_time_us at_us)
{
    return world->design->start_epoch_us + at_us + world->design->utc_offset_minutes * KERF_MINUTE_US;
}

static bool is_weekend(kerf_time_us local_us)
{
    int64_t day = local_us / KERF_DAY_US; /* 1970-01-01 was a Thursday */
    int64_t weekday = (day + 4) % 7;      /* 0: Sunday */
    return weekday == 0 || weekday == 6;
}

static int64_t replicas_of_curve(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us at_us)
{
    const struct kerf_load *load = &controller->world->design->loads[load_index];
    kerf_time_us local_us = local_of(controller->world, at_us);
    double minute = (double)(local_us % KERF_DAY_US) / (double)KERF_MINUTE_US;
    uint32_t next = 0;
    while (next < load->point_count && load->points[next].minute <= minute)
        next++;
    const struct kerf_load_point *after = &load->points[next % load->point_count];
    const struct kerf_load_point *before = &load->points[(next + load->point_count - 1) % load->point_count];
    double from = before->minute - (next == 0 ? 1440 : 0);
    double until = after->minute + (next == load->point_count ? 1440 : 0);
    double share = until > from ? (minute - from) / (until - from) : 0.0;
    double replicas = (double)before->replicas + share * (double)(after->replicas - before->replicas);
    if (is_weekend(local_us))
        replicas *= load->weekend_factor;
    if (load->noise_sigma > 0)
        replicas *= kerf_draw_lognormal(&controller->noise[load_index], 0.0, load->noise_sigma);
    return (int64_t)floor(replicas + 0.5);
}

static kerf_time_us next_step_time(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us, uint32_t *out_step)
{
    const struct kerf_world *world = controller->world;
    const struct kerf_load *load = &world->design->loads[load_index];
    kerf_time_us best = KERF_TIME_NEVER;
    for (uint32_t i = 0; i < load->step_count; i++) {
        kerf_time_us hit = kerf_cron_next(&controller->crons[controller->first_cron[load_index] + i], local_of(world, after_us));
        if (hit != KERF_TIME_NEVER && hit < best) {
            best = hit;
            *out_step = i;
        }
    }
    return best == KERF_TIME_NEVER ? best : best - local_of(world, 0);
}

/** The cluster is told too: PDBs reckon with the replicas that a workload is to have. */
static void set_desired(struct kerf_workload_controller *controller, uint32_t workload_index, int64_t replicas)
{
    controller->states[workload_index].desired = replicas;
    kerf_cluster_set_workload_replicas(controller->world->cluster, workload_index, replicas);
}

static void schedule_step(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us)
{
    const struct kerf_load *load = &controller->world->design->loads[load_index];
    uint32_t step = 0;
    kerf_time_us at_us = load->point_count > 0 ? after_us + load->update_every_us : next_step_time(controller, load_index, after_us, &step);
    if (at_us != KERF_TIME_NEVER && at_us <= controller->world->design->horizon_us)
        kerf_world_schedule(controller->world, at_us, KERF_EVENT_LOAD_STEP, load_index, step);
}

static void on_load_step(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_workload_controller *controller = context;
    uint32_t load_index = (uint32_t)event->subject;
    const struct kerf_load *load = &controller->world->design->loads[load_index];
    kerf_time_us now_us = kerf_engine_now(engine);
    set_desired(controller, load->workload_index,
                load->point_count > 0 ? replicas_of_curve(controller, load_index, now_us) : load->steps[event->detail].replicas);
    wake(controller, load->workload_index, now_us);
    schedule_step(controller, load_index, now_us);
}

/** Replicas at the start: what the last step before it would have set. */
static int64_t replicas_at_start(struct kerf_workload_controller *controller, uint32_t load_index)
{
    const struct kerf_load *load = &controller->world->design->loads[load_index];
    if (load->point_count > 0)
        return replicas_of_curve(controller, load_index, 0);
    int64_t replicas = controller->states[load->workload_index].desired;
    kerf_time_us at_us = -8 * KERF_DAY_US; /* a week and a day back: weekly schedules have had their last hit */
    uint32_t step = 0;
    while ((at_us = next_step_time(controller, load_index, at_us, &step)) != KERF_TIME_NEVER && at_us <= 0)
        replicas = load->steps[step].replicas;
    return replicas;
}

/* ---- jobs ------------------------------------------------------------------------------------------------------------------------ */

/**
 * Arrivals of the moment over the daily mean: highest at 14:00 local, lowest at 02:00. Two parabolas stand for a cosine, which they
 * follow within 6 %: the C library's cosine has not the same last digit everywhere.
 */
static double arrival_factor(const struct kerf_world *world, const struct kerf_load *load, kerf_time_us at_us)
{
    double hour = (double)(local_of(world, at_us) % KERF_DAY_US) / (double)KERF_HOUR_US;
    double u = (hour < 8.0 ? hour + 16.0 : hour - 8.0) / 6.0; /* 0 at 08:00, 1 at the peak, 2 at 20:00, 4 a day later */
    double wave = u < 2.0 ? u * (2.0 - u) : -(u - 2.0) * (4.0 - u);
    return 1.0 + (load->arrivals_peak_factor - 1.0) * wave;
}

/** Thinning: candidates at the peak rate, kept by the rate of their moment. Two draws each, in a stream of its own. */
static void schedule_arrival(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us)
{
    struct kerf_world *world = controller->world;
    const struct kerf_load *load = &world->design->loads[load_index];
    double peak_per_hour = load->arrivals_per_hour * load->arrivals_peak_factor;
    struct kerf_stream *stream = &controller->arrivals[load_index];
    for (kerf_time_us at_us = after_us; at_us <= world->design->horizon_us;) {
        at_us += kerf_time_of_seconds(kerf_draw_exponential(stream, 3600.0 / peak_per_hour));
        if (kerf_draw_chance(stream, arrival_factor(world, load, at_us) / load->arrivals_peak_factor)) {
            if (at_us <= world->design->horizon_us)
                kerf_world_schedule(world, at_us, KERF_EVENT_JOB_ARRIVAL, load_index, 0);
            return;
        }
    }
}

/** A job's pods: as many as run at once. A job that has more completions starts the others as its pods finish. */
static void start_job(struct kerf_workload_controller *controller, uint32_t workload_index)
{
    controller->states[workload_index].desired += workload_at(controller, workload_index)->replicas;
    wake(controller, workload_index, kerf_world_now(controller->world));
}

static void schedule_cronjob(struct kerf_workload_controller *controller, uint32_t workload_index)
{
    struct kerf_world *world = controller->world;
    struct kerf_cron cron;
    const struct kerf_workload *workload = workload_at(controller, workload_index);
    if (workload->suspend || !kerf_cron_parse(workload->schedule->text, &cron))
        return;
    kerf_time_us hit = kerf_cron_next(&cron, local_of(world, kerf_world_now(world)));
    if (hit != KERF_TIME_NEVER && hit - local_of(world, 0) <= world->design->horizon_us)
        kerf_world_schedule(world, hit - local_of(world, 0), KERF_EVENT_JOB_ARRIVAL, UINT64_MAX, workload_index);
}

static void on_job_arrival(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_workload_controller *controller = context;
    if (event->subject == UINT64_MAX) {
        start_job(controller, event->detail);
        schedule_cronjob(controller, event->detail);
        return;
    }
    uint32_t load_index = (uint32_t)event->subject;
    start_job(controller, controller->world->design->loads[load_index].workload_index);
    schedule_arrival(controller, load_index, kerf_engine_now(engine));
}

/* ---- building ---------------------------------------------------------------------------------------------------------------------- */

static uint64_t owner_of_workload(const struct kerf_workload *workload)
{
    return kerf_hash_mix(kerf_hash_text(kerf_name_text(workload->meta.namespace_name)),
                         kerf_hash_mix(kerf_hash_text(workload->meta.name->text), (uint64_t)workload->kind));
}

static void start_load(struct kerf_workload_controller *controller, uint32_t load_index)
{
    struct kerf_world *world = controller->world;
    const struct kerf_load *load = &world->design->loads[load_index];
    const struct kerf_workload *workload = workload_at(controller, load->workload_index);
    controller->arrivals[load_index] = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_ARRIVAL, owner_of_workload(workload));
    controller->noise[load_index] = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_LOAD, owner_of_workload(workload));
    for (uint32_t i = 0; i < load->step_count; i++) {
        bool parsed = kerf_cron_parse(load->steps[i].cron, &controller->crons[controller->first_cron[load_index] + i]);
        KERF_ASSERT(parsed);
    }
    if (load->step_count > 0 || load->point_count > 0) {
        set_desired(controller, load->workload_index, replicas_at_start(controller, load_index));
        schedule_step(controller, load_index, 0);
    }
    if (load->arrivals_per_hour > 0)
        schedule_arrival(controller, load_index, 0);
}

struct kerf_workload_controller *kerf_workload_controller_new(struct kerf_world *world)
{
    struct kerf_workload_controller *controller = kerf_allocate(sizeof *controller);
    const struct kerf_design *design = world->design;
    uint32_t count = (uint32_t)design->objects.workloads.count;
    controller->world = world;
    kerf_arena_init(&controller->arena);
    controller->states = KERF_NEW_ARRAY(&controller->arena, struct workload_state, count);
    controller->writes = kerf_token_bucket_of(design->timings.controller_writes_per_second, design->timings.controller_burst);
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
    kerf_engine_handle(world->engine, KERF_EVENT_LOAD_STEP, on_load_step, controller);
    kerf_engine_handle(world->engine, KERF_EVENT_JOB_ARRIVAL, on_job_arrival, controller);
    for (uint32_t i = 0; i < count; i++) {
        kerf_workload_prepare(&controller->arena, world->vocabulary, &controller->prepared[i]);
        const struct kerf_workload *workload = workload_at(controller, i);
        uint32_t load = design->load_of_workload[i];
        bool arrives = load != KERF_NOT_FOUND && design->loads[load].arrivals_per_hour > 0;
        if (workload->kind != KERF_WORKLOAD_DAEMONSET && !(is_job(workload) && (arrives || workload->kind == KERF_WORKLOAD_CRONJOB)))
            controller->states[i].desired = workload->replicas;
    }
    for (uint32_t i = 0; i < design->load_count; i++)
        start_load(controller, i);
    for (uint32_t i = 0; i < count; i++) {
        if (workload_at(controller, i)->kind == KERF_WORKLOAD_CRONJOB)
            schedule_cronjob(controller, i);
        else if (controller->states[i].desired > 0)
            wake(controller, i, 0);
    }
    return controller;
}

void kerf_workload_controller_free(struct kerf_workload_controller *controller)
{
    if (!controller)
        return;
    for (size_t i = 0; i < controller->world->design->objects.workloads.count; i++) {
        KERF_VEC_FREE(&controller->states[i].active);
        KERF_VEC_FREE(&controller->states[i].undone);
    }
    kerf_arena_fini(&controller->arena);
    free(controller);
}
