/** Load over time: replicas that follow a schedule or a daily curve. */
#include "controllers/workload_internal.h"

#include <math.h>

kerf_time_us kerf_workload_local_time(const struct kerf_world *world, kerf_time_us at_us)
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
    kerf_time_us local_us = kerf_workload_local_time(controller->world, at_us);
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

/** The step whose cron hits first after a moment; of several in one minute the last of the list, as if they came in its order. */
static kerf_time_us next_step_time(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us, uint32_t *out_step)
{
    const struct kerf_world *world = controller->world;
    const struct kerf_load *load = &world->design->loads[load_index];
    kerf_time_us best = KERF_TIME_NEVER;
    for (uint32_t i = 0; i < load->step_count; i++) {
        kerf_time_us hit = kerf_cron_next(&controller->crons[controller->first_cron[load_index] + i], kerf_workload_local_time(world, after_us));
        if (hit != KERF_TIME_NEVER && hit <= best) {
            best = hit;
            *out_step = i;
        }
    }
    return best == KERF_TIME_NEVER ? best : best - kerf_workload_local_time(world, 0);
}

static void schedule_step(struct kerf_workload_controller *controller, uint32_t load_index, kerf_time_us after_us)
{
    const struct kerf_load *load = &controller->world->design->loads[load_index];
    uint32_t step = 0;
    kerf_time_us at_us = load->point_count > 0 ? after_us + load->update_every_us : next_step_time(controller, load_index, after_us, &step);
    if (at_us != KERF_TIME_NEVER && at_us <= controller->world->design->horizon_us)
        kerf_world_schedule(controller->world, at_us, KERF_EVENT_LOAD_STEP, load_index, step);
}

void kerf_workload_on_load_step(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_workload_controller *controller = context;
    uint32_t load_index = (uint32_t)event->subject;
    const struct kerf_load *load = &controller->world->design->loads[load_index];
    kerf_time_us now_us = kerf_engine_now(engine);
    kerf_workload_set_desired(controller, load->workload_index,
                              load->point_count > 0 ? replicas_of_curve(controller, load_index, now_us) : load->steps[event->detail].replicas);
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

static uint64_t owner_of_workload(const struct kerf_workload *workload)
{
    return kerf_hash_mix(kerf_hash_text(kerf_name_text(workload->meta.namespace_name)),
                         kerf_hash_mix(kerf_hash_text(workload->meta.name->text), (uint64_t)workload->kind));
}

void kerf_workload_start_load(struct kerf_workload_controller *controller, uint32_t load_index)
{
    struct kerf_world *world = controller->world;
    const struct kerf_load *load = &world->design->loads[load_index];
    const struct kerf_workload *workload = &controller->prepared[load->workload_index];
    controller->arrivals[load_index] = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_ARRIVAL, owner_of_workload(workload));
    controller->noise[load_index] = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_LOAD, owner_of_workload(workload));
    for (uint32_t i = 0; i < load->step_count; i++) {
        bool parsed = kerf_cron_parse(load->steps[i].cron, &controller->crons[controller->first_cron[load_index] + i]);
        KERF_ASSERT(parsed);
    }
    if (load->step_count > 0 || load->point_count > 0) {
        kerf_workload_set_desired(controller, load->workload_index, replicas_at_start(controller, load_index));
        schedule_step(controller, load_index, 0);
    }
    if (load->arrivals_per_hour > 0)
        kerf_workload_schedule_arrival(controller, load_index, 0);
}
