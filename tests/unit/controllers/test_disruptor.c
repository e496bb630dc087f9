/* The disruption loop and its queue in time: examples D6, I7 to I12, P1 and P5 of karpenter-disruption.md section 17. */
#include "../../support/sim_world.h"
#include "controllers/controllers_internal.h"

#include <criterion/criterion.h>

static const uint32_t loop = 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_LIFECYCLE | 1u << KERF_SIM_DISRUPTOR | 1u << KERF_SIM_TERMINATOR;

static struct sim_world world;

/** A NodePool of m5.large and m5.xlarge, On-Demand, all of it at once. */
static void open_world(const char *keys, const char *disruption, const char *spec, uint32_t controllers)
{
    struct kerf_text objects = {0};
    kerf_text_append_format(&objects,
                            "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\nspec: { amiSelectorTerms: [{ alias: "
                            "al2023@latest }], role: r, subnetSelectorTerms: [{ tags: { a: b } }], securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
                            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: np }\nspec: { disruption: { budgets: [{ nodes: 100%% "
                            "}], %s }, template: { spec: { nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }, requirements: "
                            "[{ key: karpenter.sh/capacity-type, operator: In, values: [on-demand] }, { key: node.kubernetes.io/instance-type, operator: "
                            "In, values: [m5.large, m5.xlarge] }] } }%s }\n",
                            disruption, spec);
    sim_world_open(&world, keys, objects.bytes, controllers);
    kerf_text_fini(&objects);
}

/** What a node that boots in the run does by itself: its consolidateAfter begins. */
static void begin_window(kerf_node_id node)
{
    kerf_world_schedule(world.world, kerf_world_now(world.world), KERF_EVENT_CLAIM_CONSOLIDATABLE, node.index, 0);
}

/** A node of the larger type whose only pod would fit on the smaller. */
static kerf_node_id add_wasteful_node(void)
{
    kerf_node_id node = sim_world_add_claimed_node(&world, "n", "m5.xlarge", "us-east-1a", false);
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "500m", "1Gi", "", "");
    kerf_cluster_bind_pod(world.world->cluster, pod, node);
    return node;
}

static kerf_time_us at_of(int kind, kerf_node_id node)
{
    const struct sim_event *event = sim_world_node_event(&world, kind, node);
    cr_assert_not_null(event, "event %d", kind);
    return event->at_us;
}

static bool is_tainted(kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(world.world->cluster, id);
    for (size_t i = 0; i < node->node.taints.count; i++)
        if (node->node.taints.items[i].key == world.world->vocabulary->key_disrupted)
            return true;
    return false;
}

/** The replacement: the entry that came after the node. */
static kerf_node_id replacement_of(void) { return sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 1)->node; }

Test(disruptor, d6_an_empty_node_goes_after_its_window_a_pass_and_a_wait)
{
    open_world("", "consolidateAfter: 30s", "", loop);
    kerf_node_id node = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", false);
    begin_window(node);
    sim_world_run(&world, SECONDS(200));
    kerf_time_us started_us = at_of(SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED, node);
    cr_expect_geq(started_us, SECONDS(45));
    cr_expect_leq(started_us, SECONDS(55));
    cr_expect_eq(at_of(KERF_CHANGE_CLAIM_DELETING, node), started_us);
    cr_expect_geq(at_of(SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, node), started_us + SECONDS(5));
    cr_expect_leq(at_of(SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, node), started_us + SECONDS(6));
    sim_world_close(&world);
}

Test(disruptor, i7_the_poll_after_the_replacement_is_initialized_deletes)
{
    open_world("", "consolidateAfter: 0s", "", loop);
    kerf_node_id node = add_wasteful_node();
    sim_world_run(&world, SECONDS(600));
    kerf_time_us started_us = at_of(SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED, node);
    kerf_time_us initialized_us = at_of(KERF_CHANGE_NODE_INITIALIZED, replacement_of());
    kerf_time_us polls = (initialized_us - started_us + 999999) / 1000000;
    cr_expect_eq(at_of(SIM_NOTICE + KERF_NOTICE_DRAIN_STARTED, node), started_us + polls * 1000000, "deleted %d us after the start",
                 (int)(at_of(SIM_NOTICE + KERF_NOTICE_DRAIN_STARTED, node) - started_us));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_DISRUPTION_FAILED), 0);
    sim_world_close(&world);
}

Test(disruptor, i8_a_replacement_that_takes_too_long_stays_and_so_does_the_node)
{
    open_world("timings: { registration: { mu: 8, sigma: 0 } }\n", "consolidateAfter: 0s", "", loop); /* 50 minutes */
    kerf_node_id node = add_wasteful_node();
    sim_world_run(&world, SECONDS(100));
    kerf_time_us started_us = at_of(SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED, node);
    cr_expect(is_tainted(node));
    sim_world_run(&world, started_us + SECONDS(599));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_DISRUPTION_FAILED), 0);
    sim_world_run(&world, started_us + SECONDS(602));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_DISRUPTION_FAILED), 1);
    cr_expect_not(is_tainted(node));
    cr_expect_not(kerf_cluster_node(world.world->cluster, node)->marked_for_deletion);
    cr_expect_not_null(kerf_cluster_node(world.world->cluster, replacement_of()));
    sim_world_close(&world);
}

/** 2.7: pod events go on while a node is in a command, so its window is the right one when the command is rolled back. */
Test(disruptor, a_window_moves_on_during_a_command)
{
    open_world("timings: { registration: { mu: 8, sigma: 0 } }\n", "consolidateAfter: 30s", "", loop);
    kerf_node_id node = add_wasteful_node();
    sim_world_run(&world, SECONDS(100));
    kerf_time_us started_us = at_of(SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED, node);
    sim_world_run(&world, started_us + SECONDS(590));
    kerf_pod_id late = sim_world_add_pod(&world, "late", "500m", "1Gi", "", "");
    kerf_cluster_bind_pod(world.world->cluster, late, node);
    sim_world_run(&world, started_us + SECONDS(602));
    cr_assert_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_DISRUPTION_FAILED), 1);
    cr_expect_not(kerf_cluster_node(world.world->cluster, node)->consolidatable);
    sim_world_run(&world, started_us + SECONDS(621));
    cr_expect(kerf_cluster_node(world.world->cluster, node)->consolidatable);
    sim_world_close(&world);
}

Test(disruptor, i9_no_capacity_for_the_replacement)
{
    open_world("cloud: { gaps: [{ capacityType: on-demand }] }\n", "consolidateAfter: 0s", "", loop);
    kerf_node_id node = add_wasteful_node();
    sim_world_run(&world, SECONDS(120));
    kerf_time_us gone_us = at_of(KERF_CHANGE_NODE_REMOVED, replacement_of());
    kerf_time_us failed_us = at_of(SIM_NOTICE + KERF_NOTICE_DISRUPTION_FAILED, node);
    cr_expect_geq(failed_us, gone_us);
    cr_expect_leq(failed_us, gone_us + SECONDS(1));
    cr_expect_not(is_tainted(node));
    cr_expect_not(kerf_cluster_node(world.world->cluster, node)->in_command);
    sim_world_close(&world);
}

Test(disruptor, i12_somebody_elses_taint_goes_with_the_next_pass)
{
    open_world("", "consolidateAfter: Never", "", loop);
    kerf_node_id node = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", false);
    sim_world_run(&world, SECONDS(1));
    kerf_node_add_disrupted_taint(world.world, node);
    sim_world_run(&world, SECONDS(9));
    cr_expect(is_tainted(node));
    sim_world_run(&world, SECONDS(11));
    cr_expect_not(is_tainted(node));
    sim_world_close(&world);
}

Test(disruptor, p1_a_launch_of_ninety_seconds_holds_the_loop)
{
    open_world("timings: { launch: { mu: 4.5, sigma: 0 } }\n", "consolidateAfter: 30s", "", loop | 1u << KERF_SIM_PROVISIONER);
    kerf_node_id empty = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", false);
    begin_window(empty);
    sim_world_run(&world, SECONDS(20));
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "3", "1Gi", "", "");
    kerf_cluster_set_pod_unschedulable(world.world->cluster, pod, true);
    sim_world_run(&world, SECONDS(300));
    kerf_time_us launched_us = at_of(KERF_CHANGE_CLAIM_LAUNCHED, replacement_of());
    kerf_time_us started_us = at_of(SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED, empty);
    cr_expect_gt(launched_us, SECONDS(110));
    cr_expect_geq(started_us, launched_us + SECONDS(15));
    cr_expect_leq(started_us, launched_us + SECONDS(16.1));
    sim_world_close(&world);
}

/** 10.1 step 3: over its limit, a NodePool gets the decision but no NodeClaim; the taint comes and goes, nothing else happens. */
Test(disruptor, a_nodepool_over_its_limit_starts_nothing)
{
    open_world("", "consolidateAfter: 0s", ", limits: { cpu: 3 }", loop);
    sim_world_run(&world, 1);
    kerf_node_id node = add_wasteful_node();
    sim_world_run(&world, SECONDS(400));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED), 0);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 1);
    cr_expect_geq(sim_world_count(&world, KERF_CHANGE_NODE_CHANGED), 4, "tainted and cleared, again and again");
    cr_expect_not(kerf_cluster_node(world.world->cluster, node)->marked_for_deletion);
    sim_world_close(&world);
}
