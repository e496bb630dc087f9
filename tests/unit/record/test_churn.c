/** Evicted again, replaced by one like it, work lost: against figures made by hand from what happened. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

static const char *const web =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 1, selector: { matchLabels: { a: b } }, template: { metadata: { labels: { a: "
    "b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: \"1\", memory: 2Gi } } }] } } }\n";

static const uint32_t pods_and_drains = 1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_BINDER | 1u << KERF_SIM_TERMINATOR;

static void open_world(struct sim_world *world, const char *load)
{
    struct kerf_text keys = {0};
    struct kerf_text objects = {0};
    kerf_text_append_format(&keys, "horizon: 10h\nload: [{ workload: Deployment/web, startTime: 0s, stopTime: 1s, %s }]\n", load);
    kerf_text_append_format(&objects, "%s---\n%s", web, sim_pool_of_m5_large);
    sim_world_open(world, keys.bytes, objects.bytes, pods_and_drains);
    kerf_text_fini(&keys);
    kerf_text_fini(&objects);
}

/** Hours that the n-th pod ran until it was evicted. */
static double hours_run(const struct sim_world *world, size_t n)
{
    const struct sim_event *evicted = sim_world_event(world, SIM_NOTICE + KERF_NOTICE_EVICTED, n);
    const struct sim_event *running = sim_world_pod_event(world, KERF_CHANGE_POD_RUNNING, evicted->pod);
    return (double)(evicted->at_us - running->at_us) / 3.6e9;
}

/** A pod moves from n1 to n2 after an hour, and on to n3 five minutes later; an hour after that to n4. */
static void chase(struct sim_world *world)
{
    struct kerf_cluster *cluster = world->world->cluster;
    kerf_node_id first = sim_world_add_claimed_node(world, "n1", "m5.large", "us-east-1a", false);
    sim_world_run(world, KERF_HOUR_US);
    kerf_node_id second = sim_world_add_claimed_node(world, "n2", "m5.large", "us-east-1a", false);
    kerf_cluster_delete_claim(cluster, first);
    sim_world_run(world, KERF_HOUR_US + 5 * KERF_MINUTE_US);
    kerf_node_id third = sim_world_add_claimed_node(world, "n3", "m5.xlarge", "us-east-1a", false);
    kerf_cluster_delete_claim(cluster, second);
    sim_world_run(world, 2 * KERF_HOUR_US);
    (void)sim_world_add_claimed_node(world, "n4", "m5.large", "us-east-1a", false);
    kerf_cluster_delete_claim(cluster, third);
    sim_world_run(world, world->design->horizon_us);
    cr_assert_eq(sim_world_count(world, SIM_NOTICE + KERF_NOTICE_EVICTED), 3);
}

Test(churn, evicted_again_and_replaced_by_one_like_it)
{
    struct sim_world world;
    open_world(&world, "restartPricePerHour: 12");
    chase(&world);
    double node_hours = 0;
    for (size_t i = 0; i < 3; i++)
        node_hours += (double)(sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, i)->at_us -
                               sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, i)->at_us) /
                      3.6e9;
    node_hours += 8.0; /* n4, from 2 h to 10 h */
    sim_world_finish(&world);
    const double days = 10.0 / 24.0;
    cr_expect_float_eq(sim_world_metric(&world, "evictionsPerDay"), 3 / days, 1e-9);
    cr_expect_float_eq(sim_world_metric(&world, "evictedAgainPerDay"), 1 / days, 1e-9, "the second time; the third was an hour later");
    cr_expect_float_eq(sim_world_metric(&world, "nodesReplacedAlikePerDay"), 1 / days, 1e-9, "n1 by n2; n3 is larger, n4 came too late for n2");
    cr_expect_float_eq(sim_world_metric(&world, "nodeHalfLifeHours"), 0.6931471805599453 * node_hours / 3, 1e-6);
    cr_expect_eq(sim_world_metric(&world, "restartCostUsdPerMonth"), 0.0, "a price alone costs nothing");
    cr_expect_eq(sim_world_metric(&world, "costWithRestartsUsdPerMonth"), sim_world_metric(&world, "costUsdPerMonth"));
    sim_world_close(&world);
}

/** 30 min of work and 10 min of warm-up at 12 dollars an hour, but never more than the pod had run. */
Test(churn, lost_work_at_a_price)
{
    struct sim_world world;
    open_world(&world, "restartCost: 30m, restartWarmUp: 10m, restartPricePerHour: 12");
    chase(&world);
    const double ran = hours_run(&world, 1);
    cr_assert_lt(ran, 5.0 / 60);
    cr_assert_gt(hours_run(&world, 2), 0.5);
    sim_world_finish(&world);
    const double lost_hours = 2 * (40.0 / 60) + 2 * ran;
    cr_expect_float_eq(sim_world_metric(&world, "podHoursLostPerDay"), lost_hours / 10 * 24, 1e-9);
    cr_expect_float_eq(sim_world_metric(&world, "restartCostUsdPerMonth"), lost_hours * 12 / 10 * 730, 1e-3);
    cr_expect_float_eq(sim_world_metric(&world, "costWithRestartsUsdPerMonth"),
                       sim_world_metric(&world, "costUsdPerMonth") + sim_world_metric(&world, "restartCostUsdPerMonth"), 1e-9);
    sim_world_close(&world);
}

/** Without a price of its own, a pod's hour costs what the bill gives to its requests: their worth over the node's, at Fargate's prices. */
Test(churn, lost_work_at_the_price_of_the_bill)
{
    struct sim_world world;
    open_world(&world, "restartCost: 30m");
    kerf_node_id id = sim_world_add_claimed_node(&world, "n1", "m5.large", "us-east-1a", false);
    struct kerf_resources capacity = kerf_cluster_node_capacity(world.world->cluster, kerf_cluster_node(world.world->cluster, id));
    const double gibibytes = (double)capacity.amounts[KERF_RESOURCE_MEMORY] / 1000.0 / 1024.0 / 1024.0 / 1024.0;
    sim_world_run(&world, KERF_HOUR_US);
    kerf_cluster_delete_claim(world.world->cluster, id);
    sim_world_run(&world, world.design->horizon_us);
    sim_world_finish(&world);
    const double pod_worth = 0.04048 + 2 * 0.004445, node_worth = 2 * 0.04048 + gibibytes * 0.004445;
    const double per_hour = 0.096 * pod_worth / node_worth;
    cr_expect_float_eq(sim_world_metric(&world, "restartCostUsdPerMonth"), 0.5 * per_hour / 10 * 730, 1e-3);
    sim_world_close(&world);
}

/** An instance that EC2 takes back without notice takes the work of its pods with it, and isn't replaced by anybody's choice. */
Test(churn, a_lost_instance_loses_work)
{
    struct sim_world world;
    struct kerf_text objects = {0};
    kerf_text_append_format(&objects, "%s---\n%s", web, sim_pool_of_m5_large);
    sim_world_open(&world,
                   "horizon: 10h\nspot: { reclaims: false, missedNotice: 1, shocks: [{ at: 1h, fraction: 1, unavailable: 1s }] }\n"
                   "load: [{ workload: Deployment/web, startTime: 0s, restartCost: 15m, restartPricePerHour: 4 }]\n",
                   objects.bytes, pods_and_drains | 1u << KERF_SIM_INTERRUPTION);
    kerf_text_fini(&objects);
    sim_world_add_claimed_node(&world, "n1", "m5.large", "us-east-1a", true);
    sim_world_run(&world, KERF_HOUR_US + 5 * KERF_MINUTE_US);
    sim_world_add_claimed_node(&world, "n2", "m5.large", "us-east-1a", true);
    sim_world_run(&world, world.design->horizon_us);
    cr_assert_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST), 1);
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_EVICTED), 0);
    sim_world_finish(&world);
    cr_expect_float_eq(sim_world_metric(&world, "restartCostUsdPerMonth"), 0.25 * 4 / 10 * 730, 1e-6);
    cr_expect_eq(sim_world_metric(&world, "nodesReplacedAlikePerDay"), 0.0);
    sim_world_close(&world);
}
