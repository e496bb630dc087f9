/** Spot shocks, notices, reclaims, and instances that vanish under their pods (karpenter-disruption.md 13.4, workloads.md 14). */
#include "../../support/sim_world.h"

#include "controllers/controllers_internal.h"

#include <criterion/criterion.h>
#include <math.h>

#define CONTROLLERS (1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_LIFECYCLE | 1u << KERF_SIM_TERMINATOR | 1u << KERF_SIM_INTERRUPTION)

static const char *shock(const char *fraction, const char *missed)
{
    static char text[256];
    snprintf(text, sizeof text, "spot: { reclaims: false, missedNotice: %s, shocks: [{ at: 1h, fraction: %s, unavailable: 30m }] }\n", missed, fraction);
    return text;
}

Test(interruption, a_notice_drains_the_node_before_it_is_taken)
{
    struct sim_world world;
    sim_world_open(&world, shock("1", "0"), sim_pool_of_m5_large, CONTROLLERS);
    kerf_node_id spot = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", true);
    kerf_node_id on_demand = sim_world_add_claimed_node(&world, "m", "m5.large", "us-east-1a", false);
    sim_world_run(&world, SECONDS(2 * 3600));
    const struct sim_event *notice = sim_world_node_event(&world, SIM_NOTICE + KERF_NOTICE_SPOT_INTERRUPTION, spot);
    cr_assert_not_null(notice);
    cr_expect_geq(notice->at_us, SECONDS(3600));
    cr_expect_eq(sim_world_node_event(&world, KERF_CHANGE_CLAIM_DELETING, spot)->at_us, notice->at_us + SECONDS(2), "the message took 2 s");
    cr_expect_eq(sim_world_node_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, spot)->at_us, notice->at_us + SECONDS(7));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST), 0);
    cr_expect_not_null(kerf_cluster_node(world.world->cluster, on_demand));
    sim_world_close(&world);
}

/* L7: the later mark holds for its own three minutes, to the sweep that follows. */
Test(interruption, l7_a_second_mark_begins_anew)
{
    struct sim_world world;
    sim_world_open(&world, "", sim_pool_of_m5_large, CONTROLLERS);
    kerf_node_id spot = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", true);
    const struct kerf_cluster_node *node = kerf_cluster_node(world.world->cluster, spot);
    size_t offering = kerf_catalog_offering_index(world.design->catalog, node->type_index, node->zone_index, KERF_SPOT);
    sim_world_run(&world, SECONDS(1005));
    kerf_offering_remember_unavailable(world.world, node->type_index, node->zone_index, KERF_SPOT);
    sim_world_run(&world, SECONDS(1105));
    kerf_offering_remember_unavailable(world.world, node->type_index, node->zone_index, KERF_SPOT);
    sim_world_run(&world, SECONDS(1005 + 280) - 1);
    cr_expect(kerf_bit_get(kerf_cluster_unavailable_offerings(world.world->cluster), (uint32_t)offering));
    sim_world_run(&world, SECONDS(1005 + 290));
    cr_expect_not(kerf_bit_get(kerf_cluster_unavailable_offerings(world.world->cluster), (uint32_t)offering));
    sim_world_close(&world);
}

Test(interruption, karpenter_remembers_the_offering)
{
    struct sim_world world;
    sim_world_open(&world, shock("1", "0"), sim_pool_of_m5_large, CONTROLLERS);
    kerf_node_id spot = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", true);
    const struct kerf_cluster_node *node = kerf_cluster_node(world.world->cluster, spot);
    size_t offering = kerf_catalog_offering_index(world.design->catalog, node->type_index, node->zone_index, KERF_SPOT);
    kerf_time_us deleted_us = 0;
    for (int second = 3600; second < 3600 * 2 && deleted_us == 0; second++) {
        sim_world_run(&world, SECONDS(second));
        const struct sim_event *deleting = sim_world_node_event(&world, KERF_CHANGE_CLAIM_DELETING, spot);
        deleted_us = deleting ? deleting->at_us : 0;
    }
    cr_expect(kerf_bit_get(kerf_cluster_unavailable_offerings(world.world->cluster), offering));
    sim_world_run(&world, deleted_us + SECONDS(179));
    cr_expect(kerf_bit_get(kerf_cluster_unavailable_offerings(world.world->cluster), offering));
    sim_world_run(&world, deleted_us + SECONDS(190));
    cr_expect_not(kerf_bit_get(kerf_cluster_unavailable_offerings(world.world->cluster), offering), "swept 180 to 190 s later");
    sim_world_close(&world);
}

Test(interruption, a_share_of_the_nodes_is_hit_and_notices_go_missing)
{
    struct sim_world world;
    sim_world_open(&world, shock("0.6", "0.25"), sim_pool_of_m5_large, 1u << KERF_SIM_LIFECYCLE | 1u << KERF_SIM_INTERRUPTION);
    enum { NODES = 800 };
    for (int i = 0; i < NODES; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        sim_world_add_claimed_node(&world, name, "m5.large", "us-east-1a", true);
    }
    sim_world_run(&world, SECONDS(2 * 3600));
    double hit = (double)sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST); /* nobody drains here */
    cr_expect_float_eq(hit, 0.6 * NODES, 4 * sqrt(NODES * 0.6 * 0.4));
    double noticed = 0, first_minutes = 0;
    for (size_t i = 0; i < world.events.count; i++) {
        const struct sim_event *event = &world.events.items[i];
        if (event->kind != SIM_NOTICE + KERF_NOTICE_SPOT_INTERRUPTION)
            continue;
        const struct sim_event *lost = sim_world_node_event(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST, event->node);
        noticed += lost->at_us - event->at_us == SECONDS(120);
        first_minutes += lost->at_us - SECONDS(3600 + 120) < SECONDS(180);
    }
    cr_expect_float_eq(noticed / hit, 0.75, 4 * sqrt(0.75 * 0.25 / hit));
    cr_expect_float_eq(first_minutes / hit, 0.95, 4 * sqrt(0.95 * 0.05 / hit), "most within three minutes of the shock");
    sim_world_close(&world);
}

Test(interruption, without_a_notice_the_node_is_lost_and_stays_lost)
{
    struct sim_world world;
    sim_world_open(&world, shock("1", "1"), sim_pool_of_m5_large, CONTROLLERS);
    struct kerf_cluster *cluster = world.world->cluster;
    kerf_node_id node = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", true);
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "10m", "10Mi", "", "");
    kerf_cluster_bind_pod(cluster, pod, node);
    sim_world_run(&world, SECONDS(3600));
    kerf_time_us lost_us = 0;
    while (lost_us == 0) {
        sim_world_run(&world, kerf_world_now(world.world) + SECONDS(1));
        const struct sim_event *lost = sim_world_node_event(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST, node);
        lost_us = lost ? lost->at_us : 0;
    }
    cr_expect(kerf_cluster_is_ready(cluster, kerf_cluster_node(cluster, node)), "nobody has noticed");
    sim_world_run(&world, lost_us + SECONDS(61));
    const struct kerf_cluster_node *seen = kerf_cluster_node(cluster, node);
    cr_expect_not(kerf_cluster_is_ready(cluster, seen));
    cr_expect_eq(seen->node.taints.items[0].key, world.world->vocabulary->key_taint_unreachable, "nobody is scheduled there");
    cr_expect_not(kerf_conditions_true(&kerf_pod_status(&kerf_cluster_pod(cluster, pod)->pod)->conditions, "Ready"));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SPOT_INTERRUPTION), 1);
    sim_world_run(&world, lost_us + SECONDS(121));
    cr_expect_null(kerf_cluster_node(cluster, node));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_REMOVED, pod)->at_us, lost_us + SECONDS(120));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED), 1);
    sim_world_finish(&world);
    sim_world_close(&world);
}

Test(interruption, a_node_taken_while_it_boots_never_joins)
{
    struct sim_world world;
    sim_world_open(&world,
                   "spot: { reclaims: false, missedNotice: 1, notice: 0s, shocks: [{ at: 10s, fraction: 1, unavailable: 1s }] }\n"
                   "timings: { registration: { mu: 7, sigma: 0 } }\n",
                   "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 1, selector: { matchLabels: { a: b } }, template: { "
                   "metadata: { labels: { a: b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 1 } } }] } } }\n"
                   "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\nspec: { amiSelectorTerms: [{ alias: al2023@latest }], "
                   "role: r, subnetSelectorTerms: [{ tags: { a: b } }], securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
                   "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: np }\nspec: { template: { spec: { nodeClassRef: { group: "
                   "karpenter.k8s.aws, kind: EC2NodeClass, name: default }, requirements: [{ key: karpenter.sh/capacity-type, operator: In, values: [spot] }, { "
                   "key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }] } } }\n",
                   KERF_SIM_ALL);
    world.checked = true;
    sim_world_run(&world, SECONDS(600));
    kerf_node_id first = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST, 0)->node;
    cr_expect_null(sim_world_node_event(&world, KERF_CHANGE_NODE_ADDED, first));
    sim_world_run(&world, SECONDS(2000));
    cr_expect_null(kerf_cluster_node(world.world->cluster, first));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1, "another node came");
    sim_world_close(&world);
}
