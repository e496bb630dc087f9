/** From the deletion of a nodeclaim to the end of its instance (karpenter-disruption.md 12.6 to 12.10, 17.11). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define CONTROLLERS (1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_TERMINATOR)

struct drained {
    struct sim_world world;
    kerf_node_id node;
};

/** A node whose claim has that terminationGracePeriod ("" for none). */
static void open_world(struct drained *drained, const char *grace, const char *manifests)
{
    struct kerf_text text = {0};
    kerf_text_append(&text, manifests);
    kerf_text_append(&text, sim_pool_of_m5_large);
    if (grace[0])
        kerf_text_append_format(&text,
                                "{ apiVersion: karpenter.sh/v1, kind: NodePool, metadata: { name: graceful }, spec: { template: { spec: { "
                                "terminationGracePeriod: %s, nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }, requirements: "
                                "[] } } } }\n",
                                grace);
    sim_world_open(&drained->world, "", text.bytes, CONTROLLERS);
    drained->node = sim_world_add_claimed_node(&drained->world, "n", "m5.large", "us-east-1a", false);
    if (grace[0]) {
        struct kerf_nodeclaim claim = kerf_cluster_node(drained->world.world->cluster, drained->node)->claim;
        claim.termination_grace_period_us = drained->world.design->objects.nodepools.items[1].termination_grace_period_us;
        kerf_cluster_update_claim(drained->world.world->cluster, drained->node, &claim);
    }
    kerf_text_fini(&text);
}

static kerf_pod_id run_pod(struct drained *drained, const char *name, const char *metadata, const char *spec)
{
    kerf_pod_id pod = sim_world_add_pod(&drained->world, name, "10m", "10Mi", metadata, spec);
    kerf_cluster_bind_pod(drained->world.world->cluster, pod, drained->node);
    return pod;
}

static void start_drain(struct drained *drained)
{
    sim_world_run(&drained->world, SECONDS(100));
    kerf_cluster_delete_claim(drained->world.world->cluster, drained->node);
}

/** Seconds after the deletion. */
static double told_after(const struct drained *drained, int kind, kerf_pod_id pod)
{
    const struct sim_event *event = sim_world_pod_event(&drained->world, kind, pod);
    return event ? (double)(event->at_us - SECONDS(100)) / 1e6 : -1.0;
}

static double ended_after(const struct drained *drained)
{
    const struct sim_event *event = sim_world_node_event(&drained->world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, drained->node);
    return event ? (double)(event->at_us - SECONDS(100)) / 1e6 : -1.0;
}

/* K8 */
Test(terminator, an_empty_node_takes_five_seconds)
{
    struct drained drained;
    open_world(&drained, "", "");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(400));
    cr_expect_float_eq(ended_after(&drained), 5.0, 1e-9);
    const struct sim_event *gone = sim_world_node_event(&drained.world, KERF_CHANGE_NODE_REMOVED, drained.node);
    kerf_time_us shutdown_us = gone->at_us - SECONDS(105);
    cr_expect_gt(shutdown_us, SECONDS(10));
    cr_expect_eq(shutdown_us % SECONDS(5), 0, "looked for every five seconds");
    cr_expect_eq(sim_world_count(&drained.world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED), 1);
    sim_world_close(&drained.world);
}

Test(terminator, the_node_is_tainted_and_groups_go_in_order)
{
    struct drained drained;
    open_world(&drained, "", "");
    kerf_pod_id critical = run_pod(&drained, "critical", "", ", priorityClassName: system-cluster-critical");
    kerf_pod_id ordinary = run_pod(&drained, "ordinary", "", "");
    kerf_pod_id daemon = run_pod(&drained, "daemon", ", ownerReferences: [{ apiVersion: apps/v1, kind: DaemonSet, name: d, uid: d, controller: true }]", "");
    kerf_pod_id stays = run_pod(&drained, "stays", "", ", tolerations: [{ operator: Exists }]");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(101));
    const struct kerf_taints *taints = &kerf_cluster_node(drained.world.world->cluster, drained.node)->node.taints;
    cr_assert_eq(taints->count, 1);
    cr_expect_eq(taints->items[0].key, drained.world.world->vocabulary->key_disrupted);
    sim_world_run(&drained.world, SECONDS(400));
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, ordinary), 0.0, 1e-9);
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_REMOVED, ordinary), 3.0, 1e-9);
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, daemon), 3.0, 1e-9);
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, critical), 6.0, 1e-9);
    cr_expect_lt(told_after(&drained, KERF_CHANGE_POD_TERMINATING, stays), 0.0, "nobody asks it to go");
    cr_expect_float_eq(ended_after(&drained), 9.0, 1e-9);
    cr_expect_null(kerf_cluster_pod(drained.world.world->cluster, stays), "it goes with its node");
    sim_world_close(&drained.world);
}

/* 12.8: 100 ms doubling to 10 s */
Test(terminator, a_budget_makes_evictions_wait)
{
    struct drained drained;
    open_world(&drained, "",
               "---\n{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: b }, spec: { minAvailable: 1, selector: { matchLabels: { a: b } } } }\n");
    kerf_pod_id held = run_pod(&drained, "held", ", labels: { a: b }", "");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(160));
    cr_expect_lt(told_after(&drained, KERF_CHANGE_POD_TERMINATING, held), 0.0);
    cr_expect_eq(sim_world_count(&drained.world, SIM_NOTICE + KERF_NOTICE_EVICTION_BLOCKED), 1, "told once a pod");
    /* Tries at 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7, 22.7, 32.7, ... 62.7: another pod is ready at 60 s. */
    kerf_node_id other = sim_world_add_node(&drained.world, "m", "m5.large", "us-east-1a");
    kerf_pod_id second = sim_world_add_pod(&drained.world, "second", "10m", "10Mi", ", labels: { a: b }", "");
    kerf_cluster_bind_pod(drained.world.world->cluster, second, other);
    kerf_cluster_set_pod_phase(drained.world.world->cluster, second, KERF_POD_RUNNING);
    kerf_cluster_set_pod_ready(drained.world.world->cluster, second, true);
    sim_world_run(&drained.world, SECONDS(200));
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, held), 62.7, 1e-9);
    cr_expect_float_eq(ended_after(&drained), 66.0, 1e-9, "gone at 65.7 s, seen at the next second");
    sim_world_close(&drained.world);
}

/* K9 and K10 */
Test(terminator, a_deadline_ends_do_not_disrupt)
{
    struct drained drained;
    open_world(&drained, "300s", "");
    kerf_pod_id pod = run_pod(&drained, "p", ", annotations: { karpenter.sh/do-not-disrupt: 'true' }", ", terminationGracePeriodSeconds: 60");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(900));
    double told = told_after(&drained, KERF_CHANGE_POD_TERMINATING, pod);
    cr_expect_gt(told, 240.0);
    cr_expect_leq(told, 251.0, "at the next look or the next try: %f", told);
    cr_expect_gt(ended_after(&drained), 0.0);
    sim_world_close(&drained.world);

    open_world(&drained, "300s", "");
    pod = run_pod(&drained, "p", ", annotations: { karpenter.sh/do-not-disrupt: 'true' }", ", terminationGracePeriodSeconds: 301");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(102));
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, pod), 0.0, 1e-9, "too long a grace: told at once");
    sim_world_close(&drained.world);
}

Test(terminator, without_a_deadline_do_not_disrupt_holds_and_costs_no_events)
{
    struct drained drained;
    open_world(&drained, "", "");
    run_pod(&drained, "p", ", annotations: { karpenter.sh/do-not-disrupt: 'true' }", "");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(1000));
    uint64_t before = kerf_engine_event_count(drained.world.world->engine);
    sim_world_run(&drained.world, SECONDS(2000));
    cr_expect_lt(ended_after(&drained), 0.0);
    cr_expect_leq(kerf_engine_event_count(drained.world.world->engine) - before, 101, "only the tries of its eviction");
    sim_world_close(&drained.world);
}

/* K13 */
Test(terminator, a_deadline_in_the_past_leaves_a_second)
{
    struct drained drained;
    open_world(&drained, "0s", "");
    kerf_pod_id pod = run_pod(&drained, "p", "", ", terminationGracePeriodSeconds: 600");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(101));
    const struct kerf_cluster_pod *state = kerf_cluster_pod(drained.world.world->cluster, pod);
    cr_expect_eq(state->pod.meta.deletion_epoch_us - drained.world.design->start_epoch_us, SECONDS(101));
    sim_world_run(&drained.world, SECONDS(200));
    cr_expect_eq(sim_world_count(&drained.world, SIM_NOTICE + KERF_NOTICE_EVICTED), 1, "told once, however often");
    sim_world_close(&drained.world);
}

Test(terminator, a_group_node_is_drained_alike)
{
    struct drained drained;
    open_world(&drained, "", "");
    kerf_node_id node = sim_world_add_node(&drained.world, "g", "m5.large", "us-east-1a");
    sim_world_run(&drained.world, SECONDS(100));
    kerf_cluster_delete_claim(drained.world.world->cluster, node);
    sim_world_run(&drained.world, SECONDS(300));
    cr_expect_eq(sim_world_node_event(&drained.world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, node)->at_us, SECONDS(105));
    cr_expect_null(kerf_cluster_node(drained.world.world->cluster, node));
    sim_world_close(&drained.world);
}

/* K11: who needs longer than what is left is told at once, whatever its group. */
Test(terminator, k11_a_grace_longer_than_the_deadline_is_cut_at_once)
{
    struct drained drained;
    open_world(&drained, "300s", "");
    kerf_pod_id ordinary = run_pod(&drained, "ordinary", "", ", terminationGracePeriodSeconds: 30");
    kerf_pod_id critical = run_pod(&drained, "critical", "", ", priorityClassName: system-cluster-critical, terminationGracePeriodSeconds: 600");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(101));
    const struct kerf_cluster *cluster = drained.world.world->cluster;
    kerf_time_us deleted_epoch_us = drained.world.design->start_epoch_us + SECONDS(100);
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, critical), 0.0, 1e-9, "though ordinary pods come first");
    cr_expect_eq(kerf_cluster_pod(cluster, critical)->pod.meta.deletion_epoch_us, deleted_epoch_us + SECONDS(300));
    cr_expect_float_eq(told_after(&drained, KERF_CHANGE_POD_TERMINATING, ordinary), 0.0, 1e-9);
    cr_expect_eq(kerf_cluster_pod(cluster, ordinary)->pod.meta.deletion_epoch_us, deleted_epoch_us + SECONDS(30), "evicted with its own grace");
    sim_world_close(&drained.world);
}

/* K12: a pod comes late, and is told to go with a grace of its own. */
Test(terminator, k12_a_pod_that_would_outlast_the_deadline_is_deleted_again)
{
    struct drained drained;
    open_world(&drained, "300s", "");
    run_pod(&drained, "holds", ", annotations: { karpenter.sh/do-not-disrupt: \"true\" }", ", terminationGracePeriodSeconds: 30");
    start_drain(&drained);
    sim_world_run(&drained.world, SECONDS(190));
    kerf_pod_id pod = run_pod(&drained, "slow", "", ", terminationGracePeriodSeconds: 6000");
    kerf_cluster_delete_pod(drained.world.world->cluster, pod, kerf_world_epoch_now(drained.world.world) + SECONDS(6000));
    sim_world_run(&drained.world, SECONDS(191));
    cr_assert_not_null(kerf_cluster_pod(drained.world.world->cluster, pod));
    cr_expect_eq(kerf_cluster_pod(drained.world.world->cluster, pod)->pod.meta.deletion_epoch_us,
                 drained.world.design->start_epoch_us + SECONDS(190 + 210));
    sim_world_close(&drained.world);
}
