/**
 * Jobs and CronJobs: pieces of work that wait for pods, jobs that arrive by schedule or by chance. An evicted pod's piece is done over by
 * another pod.
 *
 * Simplified: an eviction doesn't count against backoffLimit; syncs aren't batched; a CronJob with a time zone runs by the scenario's.
 */
#include "controllers/workload_internal.h"

#include <math.h>

/* ---- pieces of work ------------------------------------------------------------------------------------------------------------- */

void kerf_workload_start_job(struct kerf_workload_controller *controller, uint32_t index)
{
    const struct kerf_workload *workload = &controller->prepared[index];
    struct workload_state *state = &controller->states[index];
    int64_t pieces = kerf_max_i64(workload->completions, workload->replicas); /* a work queue's pods each do one */
    struct running_job job = { .first_tag = state->next_tag + 1, .end_tag = state->next_tag + 1 + (uint64_t)pieces };
    job.next_tag = job.first_tag + (uint64_t)workload->replicas;
    for (uint64_t tag = job.first_tag; tag < job.next_tag; tag++)
        KERF_VEC_PUSH(&state->todo, tag);
    if (job.next_tag < job.end_tag)
        KERF_VEC_PUSH(&state->jobs, job);
    state->next_tag = job.end_tag - 1;
    kerf_workload_wake(controller, index, kerf_world_now(controller->world));
}

/** A piece is done: the job that it belongs to starts its next one. */
static void start_next_piece(struct workload_state *state, uint64_t tag)
{
    for (size_t i = 0; i < state->jobs.count && state->jobs.items[i].first_tag <= tag; i++) {
        struct running_job *job = &state->jobs.items[i];
        if (tag >= job->end_tag)
            continue;
        KERF_VEC_PUSH(&state->todo, job->next_tag);
        if (++job->next_tag == job->end_tag) { /* all are under way */
            state->jobs.count--;
            memmove(job, job + 1, (state->jobs.count - i) * sizeof *job);
        }
        return;
    }
}

void kerf_workload_note_job_pod(struct kerf_workload_controller *controller, const struct kerf_change *change)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(controller->world->cluster, change->pod);
    struct workload_state *state = &controller->states[pod->workload_index];
    bool terminal = kerf_pod_is_terminal(&pod->pod);
    bool terminating = kerf_pod_is_terminating(&pod->pod);
    bool lost = change->kind == KERF_CHANGE_POD_TERMINATING ? !terminal
                : change->kind == KERF_CHANGE_POD_FINISHED  ? !terminating && pod->pod.phase == KERF_POD_FAILED
                                                            : !terminal && !terminating; /* removed */
    if (change->kind == KERF_CHANGE_POD_FINISHED && !terminating && pod->pod.phase == KERF_POD_SUCCEEDED)
        start_next_piece(state, pod->tag);
    else if (lost && !state->discards)
        KERF_VEC_PUSH(&state->todo, pod->tag);
}

/* ---- CronJobs ------------------------------------------------------------------------------------------------------------------- */

static kerf_time_us cronjob_offset_us(const struct kerf_world *world, const struct kerf_workload *workload)
{
    kerf_time_us utc_us = world->design->start_epoch_us;
    return workload->time_zone ? kerf_workload_local_time(world, 0) : utc_us;
}

void kerf_workload_schedule_cronjob(struct kerf_workload_controller *controller, uint32_t index)
{
    struct kerf_world *world = controller->world;
    struct kerf_cron cron;
    const struct kerf_workload *workload = &controller->prepared[index];
    if (workload->suspend || !workload->schedule || !kerf_cron_parse(workload->schedule->text, &cron))
        return;
    kerf_time_us offset_us = cronjob_offset_us(world, workload);
    kerf_time_us hit = kerf_cron_next(&cron, offset_us + kerf_world_now(world));
    if (hit != KERF_TIME_NEVER && hit - offset_us <= world->design->horizon_us)
        kerf_world_schedule(world, hit - offset_us, KERF_EVENT_JOB_ARRIVAL, UINT64_MAX, index);
}

static bool has_work(const struct kerf_workload_controller *controller, uint32_t index)
{
    const struct workload_state *state = &controller->states[index];
    bool works = state->todo_first < state->todo.count;
    for (size_t i = 0; i < state->active.count && !works; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(controller->world->cluster, state->active.items[i]);
        works = pod && kerf_pod_is_active(&pod->pod);
    }
    return works;
}

void kerf_workload_start_missed_job(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    if (!state->missed || has_work(controller, index))
        return;
    state->missed = false;
    kerf_workload_start_job(controller, index);
}

/** Concurrency policy Replace: the job that runs is deleted with its pods. */
static void discard_job(struct kerf_workload_controller *controller, uint32_t index)
{
    struct workload_state *state = &controller->states[index];
    state->todo.count = state->todo_first = state->jobs.count = 0;
    state->discards = true;
    for (size_t i = 0; i < state->active.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(controller->world->cluster, state->active.items[i]);
        if (pod && kerf_pod_is_active(&pod->pod))
            kerf_workload_delete_pod(controller->world, pod->id);
    }
    state->discards = false;
}

static void start_cronjob(struct kerf_workload_controller *controller, uint32_t index)
{
    const struct kerf_workload *workload = &controller->prepared[index];
    if (workload->concurrency == KERF_CONCURRENCY_FORBID && has_work(controller, index)) {
        controller->states[index].missed = true;
        return;
    }
    if (workload->concurrency == KERF_CONCURRENCY_REPLACE)
        discard_job(controller, index);
    kerf_workload_start_job(controller, index);
}

/* ---- arrivals ------------------------------------------------------------------------------------------------------------------- */

/**
 * Arrivals of the moment over the daily mean: highest at 14:00 local, lowest at 02:00. Two parabolas stand for a cosine, which they
 * follow within 6 %: the C library's cosine has not the same last digit everywhere.
 */
static double arrival_factor(const struct kerf_world *world, const struct kerf_load *load, kerf_time_us at_us)
{
    double hour = (double)(kerf_workload_local_time(world, at_us) % KERF_DAY_US) / (double)KERF_HOUR_US;
    double u = (hour < 8.0 ? hour + 16.0 : hour - 8.0) / 6.0; /* 0 at 08:00, 1 at the peak, 2 at 20:00, 4 a day later */
    double wave = u < 2.0 ? u * (2.0 - u) : -(u - 2.0) * (4.0 - u);
    return fmax(0.0, 1.0 + (load->arrivals_peak_factor - 1.0) * wave);
}

/** Thinning: candidates at the highest rate of the day, kept by the rate of their moment. Two draws each, in a stream of its own. */
void kerf_workload_schedule_arrival(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us)
{
    struct kerf_world *world = controller->world;
    const struct kerf_load *load = &world->design->loads[load_index];
    double highest = fmax(load->arrivals_peak_factor, 2.0 - load->arrivals_peak_factor);
    double mean_seconds = 3600.0 / (load->arrivals_per_hour * highest);
    struct kerf_stream *stream = &controller->arrivals[load_index];
    for (kerf_time_us at_us = after_us; at_us <= world->design->horizon_us;) {
        at_us += kerf_time_of_seconds(kerf_draw_exponential(stream, mean_seconds));
        if (kerf_draw_chance(stream, fmin(1.0, arrival_factor(world, load, at_us) / highest))) {
            if (at_us <= world->design->horizon_us)
                kerf_world_schedule(world, at_us, KERF_EVENT_JOB_ARRIVAL, load_index, 0);
            return;
        }
    }
}

void kerf_workload_on_job_arrival(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_workload_controller *controller = context;
    if (event->subject == UINT64_MAX) {
        start_cronjob(controller, event->detail);
        kerf_workload_schedule_cronjob(controller, event->detail);
        return;
    }
    uint32_t load_index = (uint32_t)event->subject;
    kerf_workload_start_job(controller, controller->world->design->loads[load_index].workload_index);
    kerf_workload_schedule_arrival(controller, load_index, kerf_engine_now(engine));
}
