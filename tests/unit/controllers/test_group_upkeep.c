/** What Auto Scaling and EKS do to a group on their own (cluster-autoscaler.md 13.4 to 13.7): zones, Spot, updates, handlers. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";
#define CONTROLLERS                                                                                                               \
    (1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_BINDER | 1u << KERF_SIM_NODEGROUPS | 1u << KERF_SIM_INTERRUPTION |   \
     1u << KERF_SIM_TERMINATOR)
#define WEB                                                                                                                       \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 6, selector: { matchLabels: { app: web } }, template: {"  \
    " metadata: { labels: { app: web } }, spec: { containers: [{ name: c, resources: { requests: { cpu: 500m } } }] } } }\n"
#define BUDGET(n)                                                                                                                 \
    "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: b }\nspec: { maxUnavailable: " n                                \
    ", selector: { matchLabels: { app: web } } }\n"

static void count_zones(const struct sim_world *world, int out_counts[3])
{
    out_counts[0] = out_counts[1] = out_counts[2] = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(world->world->cluster); at++)
        out_counts[kerf_cluster_node_at(world->world->cluster, at)->zone_index]++;
}

static size_t nodes_of(const struct sim_world *world)
{
    return kerf_cluster_node_count(world->world->cluster);
}

Test(group_upkeep, zones_are_made_even_again)
{
    struct sim_world world;
    sim_world_open(&world,
                   "cloud: { gaps: [{ until: 1h, zones: [us-east-1c] }] }\nnodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 6 }]\n",
                   nothing, CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(1800));
    int zones[3];
    count_zones(&world, zones);
    cr_expect_eq(zones[0], 3);
    cr_expect_eq(zones[1], 3);
    size_t most = 0;
    for (int minute = 60; minute < 180; minute++) {
        sim_world_run(&world, SECONDS(60 * minute));
        size_t alive = 0;
        for (size_t at = 0; at < nodes_of(&world); at++)
            alive += !kerf_cluster_is_deleted(kerf_cluster_node_at(world.world->cluster, at));
        most = alive > most ? alive : most;
    }
    count_zones(&world, zones);
    cr_expect(zones[0] == 2 && zones[1] == 2 && zones[2] == 2, "%d, %d, %d", zones[0], zones[1], zones[2]);
    cr_expect_eq(most, 7, "launched first, ended afterwards, one at a time");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED), 8);
    sim_world_close(&world);
}

Test(group_upkeep, zones_stay_uneven_where_that_is_suspended)
{
    struct sim_world world;
    sim_world_open(&world,
                   "cloud: { gaps: [{ until: 1h, zones: [us-east-1c] }] }\nnodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 6, managed: false, "
                   "zoneRebalancing: false }]\n",
                   nothing, CONTROLLERS);
    sim_world_run(&world, SECONDS(4 * 3600));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED), 6);
    sim_world_close(&world);
}

#define SPOT_KEYS                                                                                                                 \
    "spot: { reclaims: false, missedNotice: 0, rebalanceShare: 1, rebalanceLead: 20m, shocks: [{ at: 1h, fraction: 1, unavailable: 1s }] }\n"

Test(group_upkeep, a_recommendation_brings_a_successor_first)
{
    struct sim_world world;
    sim_world_open(&world, SPOT_KEYS "nodeGroups: [{ name: g, instanceTypes: [m5.large, m5a.large], capacityType: spot, desiredCapacity: 1, maxSize: 1 }]\n",
                   nothing, CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(4 * 3600));
    cr_assert_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_REBALANCE_RECOMMENDED), 1);
    kerf_time_us recommended_us = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_REBALANCE_RECOMMENDED, 0)->at_us;
    kerf_time_us started_us = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 1)->at_us;
    kerf_time_us ready_us = sim_world_event(&world, KERF_CHANGE_NODE_READY, 1)->at_us;
    kerf_time_us deleting_us = sim_world_event(&world, KERF_CHANGE_CLAIM_DELETING, 0)->at_us;
    cr_expect(started_us > recommended_us && deleting_us == ready_us, "drained when its successor is ready");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST), 0);
    cr_expect_eq(nodes_of(&world), 1);
    sim_world_close(&world);
}

Test(group_upkeep, groups_of_ones_own_hear_nothing_without_a_handler)
{
    static const char *const keys[] = {
        "nodeGroups: [{ name: g, instanceTypes: [m5.large], capacityType: spot, desiredCapacity: 3, managed: false, terminationHandler: none }]\n",
        "nodeGroups: [{ name: g, instanceTypes: [m5.large], capacityType: spot, desiredCapacity: 3, managed: false, terminationHandler: imds }]\n",
        "nodeGroups: [{ name: g, instanceTypes: [m5.large], capacityType: spot, desiredCapacity: 3, managed: false, terminationHandler: queue }]\n",
    };
    for (size_t i = 0; i < 3; i++) {
        struct sim_world world;
        char text[512];
        snprintf(text, sizeof text, SPOT_KEYS "%s", keys[i]);
        sim_world_open(&world, text, WEB, CONTROLLERS);
        world.checked = true;
        sim_world_run(&world, SECONDS(4 * 3600));
        size_t lost = sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST), evicted = sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_EVICTED);
        cr_expect_eq(lost, i == 0 ? 3 : 0, "handler %zu: %zu lost", i, lost);
        cr_expect_eq(evicted > 0, i > 0, "handler %zu: %zu evicted", i, evicted);
        if (i == 2) /* it drains on the recommendation already */
            cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SPOT_INTERRUPTION), 0);
        cr_expect_eq(nodes_of(&world), 3);
        cr_expect_eq(sim_world_bound_pods(&world, "web"), 6);
        sim_world_close(&world);
    }
}

Test(group_upkeep, the_handlers_manifest_is_found)
{
    struct sim_world world;
    sim_world_open(&world, "nodeGroups: [{ name: g, managed: false }]\n",
                   "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: aws-node-termination-handler, namespace: kube-system }\nspec: { selector: { matchLabels: { a: b "
                   "} }, template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: c }] } } }\n",
                   CONTROLLERS);
    cr_expect_eq(world.design->objects.nodegroups.items[0].termination_handler, KERF_HANDLER_IMDS);
    sim_world_close(&world);
}

Test(group_upkeep, an_update_replaces_nodes_one_by_one)
{
    struct sim_world world;
    sim_world_open(&world, "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 3, updates: [1h] }]\n", WEB BUDGET("1"), CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(3600));
    cr_assert_eq(nodes_of(&world), 3);
    size_t most = 0, fewest_ready = 99;
    for (int step = 0; step < 360; step++) {
        size_t ready = 0;
        sim_world_run(&world, SECONDS(3600 + 10 * step));
        for (size_t at = 0; at < nodes_of(&world); at++) {
            const struct kerf_cluster_node *node = kerf_cluster_node_at(world.world->cluster, at);
            ready += kerf_cluster_is_ready(world.world->cluster, node) && !kerf_cluster_is_deleted(node);
        }
        most = nodes_of(&world) > most ? nodes_of(&world) : most;
        fewest_ready = ready < fewest_ready ? ready : fewest_ready;
    }
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_GROUP_UPDATED), 1);
    cr_expect_geq(most, 9, "six more: twice the zones");
    cr_expect_geq(fewest_ready, 3, "never fewer than before");
    sim_world_run(&world, SECONDS(3 * 3600));
    cr_expect_eq(nodes_of(&world), 3);
    for (size_t at = 0; at < nodes_of(&world); at++)
        cr_expect_geq(kerf_cluster_node_at(world.world->cluster, at)->node.meta.created_epoch_us - world.design->start_epoch_us, SECONDS(3600),
                      "all of the new version");
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 6);
    sim_world_close(&world);
}

Test(group_upkeep, an_update_fails_where_a_budget_blocks)
{
    struct sim_world world;
    sim_world_open(&world, "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 3, updates: [1h] }]\n", WEB BUDGET("0"), CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(3 * 3600));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_GROUP_UPDATE_FAILED), 1);
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_GROUP_UPDATED), 0);
    cr_expect_eq(nodes_of(&world), 3, "back to the desired capacity");
    sim_world_close(&world);
}

Test(group_upkeep, eks_gives_a_drain_up_after_a_quarter_of_an_hour)
{
    struct sim_world world;
    sim_world_open(&world, "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 3 }]\n", WEB BUDGET("0"), CONTROLLERS);
    sim_world_run(&world, SECONDS(900));
    kerf_node_id node = kerf_cluster_node_at(world.world->cluster, 0)->id;
    cr_assert_gt(kerf_cluster_node(world.world->cluster, node)->pod_count, 0);
    kerf_cluster_delete_claim(world.world->cluster, node);
    sim_world_run(&world, SECONDS(3600));
    kerf_time_us ended_us = sim_world_node_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, node)->at_us;
    cr_expect_eq(ended_us, SECONDS(1800));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 6, "its pods are replaced all the same");
    sim_world_close(&world);
}

Test(group_upkeep, a_group_that_was_made_smaller_loses_its_oldest)
{
    struct sim_world world;
    sim_world_open(&world, "nodeGroups: [{ name: g, instanceTypes: [m5.large], minSize: 1, maxSize: 4, desiredCapacity: 4 }]\n", nothing, CONTROLLERS);
    sim_world_run(&world, SECONDS(900));
    kerf_cluster_set_group_size(world.world->cluster, 0, 2);
    sim_world_run(&world, SECONDS(1800));
    cr_expect_eq(nodes_of(&world), 2);
    sim_world_close(&world);
}

/** When the n-th node became ready in a world of one group of that name. */
static kerf_time_us ready_at(const char *timings, const char *name, size_t n)
{
    struct sim_world world;
    char keys[256];
    snprintf(keys, sizeof keys, "%snodeGroups: [{ name: %s, instanceTypes: [m5.large], desiredCapacity: 4, zones: [us-east-1a] }]\n", timings, name);
    sim_world_open(&world, keys, nothing, CONTROLLERS);
    sim_world_run(&world, SECONDS(900));
    kerf_time_us at_us = sim_world_event(&world, KERF_CHANGE_NODE_READY, n)->at_us;
    sim_world_close(&world);
    return at_us;
}

Test(group_upkeep, launches_boot_alike_where_that_is_asked_for)
{
    cr_expect_neq(ready_at("", "one", 0), ready_at("", "other", 0), "each node has its own draw");
    for (size_t n = 0; n < 4; n++)
        cr_expect_eq(ready_at("timings: { bootDraws: launch }\n", "one", n), ready_at("timings: { bootDraws: launch }\n", "other", n));
}

Test(group_upkeep, auto_scaling_takes_three_to_sixteen_seconds)
{
    kerf_time_us least = KERF_TIME_NEVER, most = 0;
    for (uint32_t replication = 0; replication < 20; replication++) {
        struct sim_world world;
        sim_world_open_seeded(&world, "timings: { launch: { mu: -10, sigma: 0 } }\nnodeGroups: [{ name: g, minSize: 1, maxSize: 2, desiredCapacity: 1 }]\n", nothing,
                              CONTROLLERS, 1, replication);
        sim_world_run(&world, SECONDS(900));
        kerf_cluster_set_group_size(world.world->cluster, 0, 2);
        sim_world_run(&world, SECONDS(1000));
        kerf_time_us delay_us = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 1)->at_us - SECONDS(900) -
                                world.design->timings.autoscaler_loop_us;
        least = kerf_min_i64(least, delay_us);
        most = kerf_max_i64(most, delay_us);
        sim_world_close(&world);
    }
    cr_expect(least >= SECONDS(3) && most <= SECONDS(16.1), "%f to %f", (double)least / 1e6, (double)most / 1e6);
    cr_expect(most - least > SECONDS(5), "drawn anew");
}
