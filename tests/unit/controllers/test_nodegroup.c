/** Groups of a fixed size: zones, replacement, addresses. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";
#define CONTROLLERS (1u << KERF_SIM_IPAMD | 1u << KERF_SIM_NODEGROUPS | 1u << KERF_SIM_TERMINATOR | 1u << KERF_SIM_INTERRUPTION)

static void count_zones(const struct sim_world *world, int out_counts[3])
{
    out_counts[0] = out_counts[1] = out_counts[2] = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(world->world->cluster); at++)
        out_counts[kerf_cluster_node_at(world->world->cluster, at)->zone_index]++;
}

Test(nodegroup, nodes_go_round_the_zones_and_become_ready)
{
    struct sim_world world;
    sim_world_open(&world,
                   "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 7, labels: { role: web }, taints: [{ key: t, effect: NoSchedule }] }]\n",
                   nothing, CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(900));
    int zones[3];
    count_zones(&world, zones);
    cr_expect_eq(zones[0] + zones[1] + zones[2], 7);
    cr_expect(zones[0] >= 2 && zones[1] >= 2 && zones[2] >= 2);
    for (size_t at = 0; at < 7; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(world.world->cluster, at);
        cr_expect(kerf_cluster_is_ready(world.world->cluster, node));
        cr_expect_eq(node->node.taints.count, 1, "not-ready is gone, its own is there");
        cr_expect_str_eq(kerf_name_text(kerf_labels_get(&node->node.meta.labels, kerf_name_of(world.world->vocabulary->names, "role"))), "web");
        cr_expect_eq(node->capacity_type, KERF_ON_DEMAND);
    }
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED), 7);
    sim_world_close(&world);
}

Test(nodegroup, a_deleted_node_is_replaced_in_its_zone)
{
    struct sim_world world;
    sim_world_open(&world, "timings: { nodeGroupDelay: 10s, nodeGroupDelaySpread: 0s }\nnodeGroups: [{ name: g, instanceTypes: [m5.large], "
                           "desiredCapacity: 3 }]\n", nothing, CONTROLLERS);
    sim_world_run(&world, SECONDS(900));
    const struct kerf_cluster_node *victim = kerf_cluster_node_at(world.world->cluster, 1);
    uint32_t zone = victim->zone_index;
    kerf_cluster_delete_claim(world.world->cluster, victim->id);
    sim_world_run(&world, SECONDS(920));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 4, "before the old one is gone");
    cr_expect_eq(kerf_cluster_node_at(world.world->cluster, 3)->zone_index, zone);
    const struct sim_event *started = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 3);
    cr_expect_geq(started->at_us, SECONDS(910), "Auto Scaling took its ten seconds");
    sim_world_run(&world, SECONDS(1800));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 3);
    sim_world_close(&world);
}

Test(nodegroup, a_zone_without_addresses_is_left_out)
{
    struct sim_world world;
    sim_world_open(&world,
                   "subnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/28, taken: 11 }, { id: b, zone: us-east-1b, cidr: 10.0.1.0/24 }, { id: c, zone: "
                   "us-east-1c, cidr: 10.0.2.0/24 }]\nnodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 4 }]\n",
                   nothing, CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(900));
    int zones[3];
    count_zones(&world, zones);
    cr_expect_eq(zones[0], 0);
    cr_expect_eq(zones[1] + zones[2], 4);
    cr_expect_gt(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED), 0);
    sim_world_close(&world);
}

Test(nodegroup, types_are_taken_in_order_while_they_are_there)
{
    struct sim_world world;
    sim_world_open(&world,
                   "cloud: { gaps: [{ until: 1h, instanceTypes: [m5.large] }] }\nnodeGroups: [{ name: g, instanceTypes: [m5.large, m5a.large], "
                   "desiredCapacity: 2 }]\n",
                   nothing, CONTROLLERS);
    sim_world_run(&world, SECONDS(900));
    cr_assert_eq(kerf_cluster_node_count(world.world->cluster), 2);
    cr_expect_str_eq(kerf_catalog_facts(world.design->catalog, kerf_cluster_node_at(world.world->cluster, 0)->type_index)->name->text, "m5a.large");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_LAUNCH_REFUSED), 2);
    sim_world_close(&world);
}

Test(nodegroup, lost_spot_nodes_are_replaced_and_stay_lost)
{
    struct sim_world world;
    sim_world_open(&world,
                   "spot: { reclaims: false, missedNotice: 1, shocks: [{ at: 1h, fraction: 1, unavailable: 1s }] }\n"
                   "nodeGroups: [{ name: g, instanceTypes: [m5.large], capacityType: spot, desiredCapacity: 2 }]\n",
                   nothing, CONTROLLERS);
    world.checked = true;
    sim_world_run(&world, SECONDS(2.5 * 3600));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST), 2);
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED), 4);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_NODE_READY), 4, "none became ready twice");
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 2);
    sim_world_close(&world);
}
