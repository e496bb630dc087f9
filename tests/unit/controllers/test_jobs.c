/** Jobs: waves, work that is done over, arrivals by chance and by schedule. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>
#include <math.h>

#define CONTROLLERS (1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_KUBELETS)

static const char *job(const char *spec)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "apiVersion: batch/v1\nkind: Job\nmetadata: { name: batch }\nspec: { %s, template: { spec: { restartPolicy: Never, containers: [{ name: c, "
             "image: i, resources: { requests: { cpu: 1m } } }] } } }\n",
             spec);
    return text;
}

static const char *cron_job(const char *spec)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "apiVersion: batch/v1\nkind: CronJob\nmetadata: { name: batch }\nspec: { %s, jobTemplate: { spec: { template: { spec: { restartPolicy: Never, "
             "containers: [{ name: c, image: i, resources: { requests: { cpu: 1m } } }] } } } } }\n",
             spec);
    return text;
}

static void run_and_bind(struct sim_world *world, kerf_node_id node, int until_second)
{
    struct kerf_cluster *cluster = world->world->cluster;
    for (kerf_time_us at_us = kerf_world_now(world->world); at_us <= SECONDS(until_second); at_us += SECONDS(1)) {
        sim_world_run(world, at_us);
        while (kerf_cluster_pending_count(cluster) > 0 && kerf_cluster_node(cluster, node)->pod_count < 29)
            kerf_cluster_bind_pod(cluster, kerf_cluster_pending_at(cluster, 0)->id, node);
    }
}

/* workloads.md 18, example 13: twelve pieces, five at a time */
Test(jobs, completions_come_in_waves)
{
    struct sim_world world;
    sim_world_open(&world, "load: [{ workload: Job/batch, startTime: 0s, duration: { median: 60s, sigma: 0 } }]\n", job("parallelism: 5, completions: 12"),
                   CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    run_and_bind(&world, node, 400);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_ADDED), 12);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_FINISHED), 12);
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_FINISHED, 4)->at_us, SECONDS(67));
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_ADDED, 5)->at_us, SECONDS(67), "one starts when one is done");
    cr_expect_leq(sim_world_event(&world, KERF_CHANGE_POD_FINISHED, 11)->at_us, SECONDS(67 + 61 + 61 + 10));
    cr_expect_eq(kerf_cluster_pod_count(world.world->cluster), 0, "pods that are done are taken away");
    sim_world_close(&world);
}

Test(jobs, evicted_work_is_done_over)
{
    struct sim_world world;
    sim_world_open(&world, "load: [{ workload: Job/batch, startTime: 0s, duration: { median: 5m, sigma: 0.8 } }]\n", job("parallelism: 3, completions: 3"),
                   CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    run_and_bind(&world, node, 20);
    const struct kerf_cluster_pod *evicted = kerf_cluster_pod_at(world.world->cluster, 1);
    uint64_t work = kerf_world_owner_of_work(world.world, evicted);
    kerf_cluster_delete_pod(world.world->cluster, evicted->id, kerf_world_epoch_now(world.world) + SECONDS(30));
    run_and_bind(&world, node, 21);
    const struct kerf_cluster_pod *successor = kerf_cluster_pod_at(world.world->cluster, 3);
    cr_expect_eq(kerf_world_owner_of_work(world.world, successor), work, "the same piece of work, so the same duration");
    run_and_bind(&world, node, 4 * 3600);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_FINISHED), 3);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_ADDED), 4);
    sim_world_close(&world);
}

Test(jobs, arrivals_are_as_many_as_their_rate)
{
    struct sim_world world;
    sim_world_open(&world, "horizon: 240h\nload: [{ workload: Job/batch, arrivals: { perHour: 20, peakFactor: 1.6 }, duration: { median: 1m } }]\n",
                   job("parallelism: 1"), 1u << KERF_SIM_WORKLOADS);
    sim_world_run(&world, world.design->horizon_us);
    double expected = 20.0 * 240.0;
    double arrived = (double)sim_world_count(&world, KERF_CHANGE_POD_ADDED);
    cr_expect_float_eq(arrived, expected, 4.0 * sqrt(expected), "%g", arrived);
    /* Two thirds of a day's peak hours against the same hours of the night: 1 + 0.6 against 1 - 0.6 times a mean of 8/9. */
    double by_day = 0, by_night = 0;
    for (size_t i = 0; i < world.events.count; i++) {
        int64_t hour = world.events.items[i].at_us / KERF_HOUR_US % 24;
        by_day += hour >= 12 && hour < 16;
        by_night += hour < 4;
    }
    cr_expect_gt(by_day / by_night, 2.8, "%g by day, %g by night", by_day, by_night);
    cr_expect_lt(by_day / by_night, 4.5);
    sim_world_close(&world);
}

Test(jobs, cronjob_runs_in_utc_and_forbids_two)
{
    struct sim_world world;
    sim_world_open(&world,
                   "start: 2026-01-05\ntimeZone: +05:00\nload: [{ workload: CronJob/batch, startTime: 0s, duration: { median: 90m, sigma: 0 } }]\n",
                   cron_job("schedule: \"0 * * * *\", concurrencyPolicy: Forbid"), CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    run_and_bind(&world, node, 4 * 3600);
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_ADDED, 0)->at_us, SECONDS(3600));
    kerf_time_us end_us = sim_world_event(&world, KERF_CHANGE_POD_FINISHED, 0)->at_us;
    cr_expect_eq(end_us, SECONDS(3600 + 5400 + 7));
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_ADDED, 1)->at_us, end_us, "the run that was missed starts at the end of the first");
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_ADDED), 2);
    sim_world_close(&world);
}

Test(jobs, cronjob_replaces_the_one_that_runs)
{
    struct sim_world world;
    sim_world_open(&world, "start: 2026-01-05\nload: [{ workload: CronJob/batch, startTime: 0s, duration: { median: 90m, sigma: 0 } }]\n",
                   cron_job("schedule: \"0 * * * *\", concurrencyPolicy: Replace"), CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    run_and_bind(&world, node, 3 * 3600 + 100);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_ADDED), 3);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_TERMINATING), 2);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_FINISHED), 0);
    cr_expect_eq(sim_world_active_pods(&world, "batch"), 1);
    sim_world_close(&world);
}
