/** Cluster Autoscaler in time: worked examples of cluster-autoscaler.md 15.1, 15.4, 15.5, 15.6 whose loops take no time; and chaos. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";
#define CONTROLLERS                                                                                                               \
    (1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_BINDER | 1u << KERF_SIM_AUTOSCALER | 1u << KERF_SIM_NODEGROUPS |      \
     1u << KERF_SIM_INTERRUPTION | 1u << KERF_SIM_TERMINATOR)
#define NO_TIME "timings: { autoscalerLoop: 0s }\nautoscaler: {}\n"
#define GROUP_A "{ name: a, instanceTypes: [m5.xlarge], zones: [us-east-1a], minSize: 0, maxSize: 10, desiredCapacity: 0 }"
#define GROUP_B "{ name: b, instanceTypes: [m5.2xlarge], zones: [us-east-1a], minSize: 0, maxSize: 10, desiredCapacity: 0 }"
#define ONE_GROUP "nodeGroups: [" GROUP_A "]\n"

/** The loops are at 10, 20, ... until something moves them. */
static void open_world(struct sim_world *world, const char *keys, const char *manifests)
{
    sim_world_open(world, keys, manifests, CONTROLLERS);
}

static kerf_pod_id add_pod_at(struct sim_world *world, double seconds, const char *name, const char *cpu)
{
    sim_world_run(world, SECONDS(seconds));
    return sim_world_add_pod(world, name, cpu, "512Mi", "", "");
}

/** When the n-th change of a group's size came, in seconds; -1: there is none. */
static double resized_at(const struct sim_world *world, size_t n)
{
    if (n >= sim_world_count(world, KERF_CHANGE_GROUP_RESIZED))
        return -1;
    return (double)sim_world_event(world, KERF_CHANGE_GROUP_RESIZED, n)->at_us / 1e6;
}

static int32_t size_of(const struct sim_world *world, uint32_t group)
{
    return kerf_cluster_group_size(world->world->cluster, group);
}

static bool has_taint(const struct sim_world *world, kerf_node_id node, const char *key)
{
    const struct kerf_taints *taints = &kerf_cluster_node(world->world->cluster, node)->node.taints;
    for (size_t i = 0; i < taints->count; i++)
        if (kerf_name_is(taints->items[i].key, key))
            return true;
    return false;
}

/* ---- loops ---- */

Test(autoscaler, l1_a_lone_pod_is_too_new)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP, nothing);
    add_pod_at(&world, 97, "p", "1");
    sim_world_run(&world, SECONDS(300));
    cr_expect_float_eq(resized_at(&world, 0), 107, 1e-6, "%f", resized_at(&world, 0));
    cr_expect_eq(size_of(&world, 0), 1);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_GROUP_RESIZED), 1, "the two loops at once find it on its way");
    sim_world_close(&world);
}

Test(autoscaler, l2_a_second_pod_wakes_the_loop)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP, nothing);
    add_pod_at(&world, 97, "p", "3");
    add_pod_at(&world, 99, "q", "3");
    sim_world_run(&world, SECONDS(105));
    cr_expect_float_eq(resized_at(&world, 0), 99, 1e-6, "%f", resized_at(&world, 0));
    cr_expect_eq(size_of(&world, 0), 2, "for both");
    sim_world_close(&world);
}

Test(autoscaler, l3_creation_times_have_whole_seconds)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP, nothing);
    add_pod_at(&world, 97.7, "p", "1");
    sim_world_run(&world, SECONDS(300));
    cr_expect_float_eq(resized_at(&world, 0), 107.7, 1e-6, "%f", resized_at(&world, 0));
    sim_world_close(&world);
}

/* Pods that ask for GPUs are too new for half a minute, and with them all others of the loop. */
Test(autoscaler, l4_gpus_hold_everybody_up)
{
    struct sim_world world;
    open_world(&world, NO_TIME "nodeGroups: [" GROUP_A ", { name: g, instanceTypes: [g4dn.xlarge], zones: [us-east-1a], minSize: 0, maxSize: 5, desiredCapacity: 0 }]\n",
               nothing);
    sim_world_run(&world, SECONDS(97));
    sim_world_add_pod(&world, "plain", "3", "512Mi", "", ", nodeSelector: { eks.amazonaws.com/nodegroup: a }");
    sim_world_add_pod(&world, "gpu", "1", "512Mi", "",
                      ", initContainers: [{ name: g, resources: { requests: { nvidia.com/gpu: 1 }, limits: { nvidia.com/gpu: 1 } } }]");
    sim_world_run(&world, SECONDS(300));
    cr_expect_float_eq(resized_at(&world, 0), 127, 1e-6, "%f", resized_at(&world, 0));
    cr_expect_float_eq(resized_at(&world, 1), 127, 1e-6, "the other one in the next loop, at the same instant: %f", resized_at(&world, 1));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_GROUP_RESIZED), 2);
    sim_world_close(&world);
}

Test(autoscaler, l5_a_steady_stream)
{
    struct sim_world world;
    open_world(&world,
               NO_TIME "nodeGroups: [{ name: a, instanceTypes: [m5.xlarge], zones: [us-east-1a], minSize: 0, maxSize: 1000, desiredCapacity: 0 }]\n",
               nothing);
    for (int k = 0; k < 100; k++) {
        char name[24];
        snprintf(name, sizeof name, "p%d", k);
        add_pod_at(&world, 100 + k / 20.0, name, "3");
    }
    sim_world_run(&world, SECONDS(115));
    cr_assert_eq(sim_world_count(&world, KERF_CHANGE_GROUP_RESIZED), 3);
    cr_expect_float_eq(resized_at(&world, 0), 102.00, 1e-6, "41 pods: %f", resized_at(&world, 0));
    cr_expect_float_eq(resized_at(&world, 1), 104.00, 1e-6, "40 pods: %f", resized_at(&world, 1));
    cr_expect_float_eq(resized_at(&world, 2), 114.95, 1e-6, "the rest, whose last signal came at 104.95: %f", resized_at(&world, 2));
    cr_expect_eq(size_of(&world, 0), 100);
    sim_world_close(&world);
}

Test(autoscaler, a_loop_takes_its_time)
{
    struct sim_world world;
    open_world(&world, "timings: { autoscalerLoop: 2s, nodeGroupDelay: 10s, nodeGroupDelaySpread: 0s }\nautoscaler: {}\n" ONE_GROUP, nothing);
    add_pod_at(&world, 95, "p", "1"); /* loops at 10, 22, 34, ... 94: it ends at 96, and the signal starts the next */
    sim_world_run(&world, SECONDS(300));
    cr_expect_float_eq(resized_at(&world, 0), 108, 1e-6, "%f", resized_at(&world, 0));
    const struct sim_event *started = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 0);
    cr_expect_geq(started->at_us, SECONDS(120), "the loop's end, and Auto Scaling's ten seconds");
    sim_world_close(&world);
}

/* ---- failures ---- */

Test(autoscaler, f2_a_group_without_capacity_gives_way)
{
    struct sim_world world;
    open_world(&world, NO_TIME "cloud: { gaps: [{ instanceTypes: [m5.xlarge] }] }\nnodeGroups: [" GROUP_A ", " GROUP_B "]\n", nothing);
    kerf_pod_id pod = add_pod_at(&world, 97, "p", "1");
    sim_world_run(&world, SECONDS(127));
    cr_expect_float_eq(resized_at(&world, 0), 107, 1e-6);
    cr_expect_eq(size_of(&world, 0), 1, "the smaller one wastes less");
    cr_expect_geq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_GROUP_LAUNCH_FAILED), 1);
    sim_world_run(&world, SECONDS(137)); /* EC2 is asked at 10, 70 and then in the first loop from 130 on */
    cr_expect_eq(size_of(&world, 0), 0, "what it has");
    cr_expect_eq(size_of(&world, 1), 1, "in the same loop");
    cr_expect_float_eq(resized_at(&world, 1), 137, 1e-6);
    cr_expect_float_eq(resized_at(&world, 2), 137, 1e-6);
    sim_world_run(&world, SECONDS(600));
    cr_expect(!kerf_node_id_equal(kerf_cluster_pod(world.world->cluster, pod)->node, KERF_NO_NODE));
    sim_world_close(&world);
}

Test(autoscaler, f1_backoff_doubles)
{
    struct sim_world world;
    open_world(&world, NO_TIME "cloud: { gaps: [{ instanceTypes: [m5.xlarge] }] }\n" ONE_GROUP, nothing);
    add_pod_at(&world, 97, "p", "1");
    sim_world_run(&world, SECONDS(5 * 3600));
    double pauses[4] = {0};
    size_t count = 0;
    for (size_t n = 2; n < sim_world_count(&world, KERF_CHANGE_GROUP_RESIZED) && count < 4; n += 2)
        pauses[count++] = resized_at(&world, n) - resized_at(&world, n - 1); /* up again less given up */
    cr_assert_eq(count, 4);
    static const double lengths[] = {300, 600, 1200, 1800};
    for (size_t i = 0; i < 4; i++)
        cr_expect(pauses[i] > lengths[i] && pauses[i] <= lengths[i] + 10, "pause %zu: %f", i, pauses[i]);
    sim_world_close(&world);
}

Test(autoscaler, f3_an_instance_that_never_joins)
{
    struct sim_world world;
    open_world(&world,
               NO_TIME "nodeGroups: [{ name: a, instanceTypes: [m5.xlarge], zones: [us-east-1a], minSize: 0, maxSize: 10, desiredCapacity: 0, joinFailure: 1 }, "
                       GROUP_B "]\n",
               nothing);
    kerf_pod_id pod = add_pod_at(&world, 97, "p", "1");
    sim_world_run(&world, SECONDS(1016));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_GROUP_RESIZED), 1, "it is on its way until 107 + 900 is over");
    sim_world_run(&world, SECONDS(1017));
    cr_expect_eq(size_of(&world, 0), 1, "EC2 lists it: the size can't be lowered");
    cr_expect_eq(size_of(&world, 1), 1, "the other group, in the same loop");
    sim_world_run(&world, SECONDS(1046)); /* first seen at 137 */
    cr_expect_eq(size_of(&world, 0), 1);
    sim_world_run(&world, SECONDS(1047));
    cr_expect_eq(size_of(&world, 0), 0);
    sim_world_run(&world, SECONDS(1400));
    cr_expect(!kerf_node_id_equal(kerf_cluster_pod(world.world->cluster, pod)->node, KERF_NO_NODE));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 1);
    sim_world_close(&world);
}

Test(autoscaler, f4_a_node_that_never_becomes_ready)
{
    struct sim_world world;
    open_world(&world, "timings: { autoscalerLoop: 0s, initialization: { mu: 12, sigma: 0 } }\nautoscaler: {}\n" ONE_GROUP, nothing);
    kerf_pod_id pod = add_pod_at(&world, 97, "p", "1");
    sim_world_run(&world, SECONDS(1016));
    cr_expect_eq(size_of(&world, 0), 1);
    kerf_cluster_remove_pod(world.world->cluster, pod);
    sim_world_run(&world, SECONDS(2217)); /* upcoming until the time-out at 1017, unneeded since then, 20 minutes because it is not ready */
    kerf_node_id node = kerf_cluster_node_at(world.world->cluster, 0)->id;
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    sim_world_run(&world, SECONDS(2227));
    cr_expect(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    sim_world_run(&world, SECONDS(2240));
    cr_expect_eq(size_of(&world, 0), 0);
    sim_world_run(&world, SECONDS(3000));
    cr_expect_not_null(kerf_cluster_node(world.world->cluster, node), "EKS tries to drain it, for a quarter of an hour");
    sim_world_run(&world, SECONDS(3300));
    cr_expect_null(kerf_cluster_node(world.world->cluster, node));
    sim_world_close(&world);
}

/** Fills `count` nodes of m5.xlarge; the world is at half an hour then, and they count as started. */
static void fill_nodes(struct sim_world *world, int count)
{
    sim_world_run(world, SECONDS(97));
    for (int i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "full-%d", i);
        sim_world_add_pod(world, name, "3500m", "512Mi", "", "");
    }
    sim_world_run(world, SECONDS(1800));
    cr_assert_eq(kerf_cluster_node_count(world->world->cluster), count);
}

/** A full disk makes a node unready for Cluster Autoscaler, and nobody in a run mends it. */
static void set_unready(struct sim_world *world, size_t count)
{
    for (size_t at = 0; at < kerf_cluster_node_count(world->world->cluster); at++)
        kerf_cluster_set_node_condition(world->world->cluster, kerf_cluster_node_at(world->world->cluster, at)->id, "DiskPressure",
                                        at < count ? KERF_CONDITION_TRUE : KERF_CONDITION_FALSE);
}

#define LARGE_GROUP_A "{ name: a, instanceTypes: [m5.xlarge], zones: [us-east-1a], minSize: 0, maxSize: 40, desiredCapacity: 0 }"

Test(autoscaler, f5_a_group_with_many_unready_nodes_does_not_grow)
{
    struct sim_world world;
    open_world(&world, NO_TIME "nodeGroups: [" LARGE_GROUP_A "]\n", nothing);
    fill_nodes(&world, 10);
    set_unready(&world, 5);
    add_pod_at(&world, 1807, "p", "3");
    sim_world_run(&world, SECONDS(1900));
    cr_expect_eq(size_of(&world, 0), 10, "5 > 3 and 5 > 4.5");
    set_unready(&world, 4);
    sim_world_run(&world, SECONDS(1950));
    cr_expect_eq(size_of(&world, 0), 11, "4 > 3, but not > 4.5");
    sim_world_close(&world);
}

Test(autoscaler, f6_an_unhealthy_cluster_is_left_alone)
{
    struct sim_world world;
    open_world(&world, NO_TIME "nodeGroups: [" LARGE_GROUP_A ", " GROUP_B "]\n", nothing);
    fill_nodes(&world, 20);
    set_unready(&world, 10);
    add_pod_at(&world, 1807, "p", "6"); /* fits group b alone, which is healthy */
    sim_world_run(&world, SECONDS(1900));
    cr_expect_eq(size_of(&world, 1), 0, "10 > 9.0: the loop ends early");
    set_unready(&world, 9);
    sim_world_run(&world, SECONDS(1950));
    cr_expect_eq(size_of(&world, 1), 1, "9 is not > 9.0");
    sim_world_close(&world);
}

/* W1: Auto Scaling replaces what Spot takes, Cluster Autoscaler adds one on top. */
Test(autoscaler, w1_a_replacement_is_not_upcoming)
{
    struct sim_world world;
    open_world(&world,
               "spot: { reclaims: false, missedNotice: 0, shocks: [{ at: 1h, zones: [us-east-1a], fraction: 1, unavailable: 1s }] }\n" NO_TIME
               "nodeGroups: [{ name: a, instanceTypes: [m5.large], zones: [us-east-1a, us-east-1b], capacityType: spot, minSize: 2, maxSize: 10 }]\n"
               "load: [{ workload: Deployment/web }]\n",
               "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 2, selector: { matchLabels: { app: web } }, template: { metadata: { "
               "labels: { app: web } }, spec: { containers: [{ name: c, resources: { requests: { cpu: 1500m } } }] } } }\n");
    sim_world_run(&world, SECONDS(3590));
    cr_assert_eq(kerf_cluster_node_count(world.world->cluster), 2);
    size_t started = sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED);
    sim_world_run(&world, SECONDS(3600 + 400));
    cr_expect_eq(size_of(&world, 0), 3, "one node too many");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED), started + 2);
    sim_world_run(&world, SECONDS(3600 * 2));
    cr_expect_eq(size_of(&world, 0), 2, "it goes after its ten minutes");
    sim_world_close(&world);
}

/** A system group of fixed size, the workloads' group under Cluster Autoscaler. */
Test(autoscaler, fixed_groups_stay_as_they_are)
{
    struct sim_world world;
    open_world(&world,
               NO_TIME "nodeGroups: [{ name: system, instanceTypes: [m5.large], desiredCapacity: 2, taints: [{ key: CriticalAddonsOnly, effect: NoSchedule }] }, "
                       GROUP_A "]\n",
               nothing);
    add_pod_at(&world, 97, "p", "1");
    sim_world_run(&world, SECONDS(4 * 3600));
    cr_expect_eq(size_of(&world, 0), 2);
    cr_expect_eq(size_of(&world, 1), 1);
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 3);
    sim_world_close(&world);
}

/* W4: a group over two zones is taken for one of the zone that its template happens to come from; a pod that needs the other one is helped
   in a later loop, and EC2 may start the node in the wrong zone. */
Test(autoscaler, w4_a_group_over_zones_has_any_zone)
{
    struct sim_world world;
    open_world(&world,
               NO_TIME "nodeGroups: [{ name: a, instanceTypes: [m5.large], zones: [us-east-1a, us-east-1b], minSize: 2, maxSize: 10, managed: false, zoneRebalancing: false }]\n",
               nothing);
    sim_world_run(&world, SECONDS(600));
    const char *in_b = ", nodeSelector: { topology.kubernetes.io/zone: us-east-1b }";
    kerf_pod_id one = sim_world_add_pod(&world, "one", "1900m", "64Mi", "", in_b), two = sim_world_add_pod(&world, "two", "1900m", "64Mi", "", in_b);
    sim_world_run(&world, SECONDS(3600));
    cr_expect(!kerf_node_id_equal(kerf_cluster_pod(world.world->cluster, one)->node, KERF_NO_NODE));
    cr_expect(!kerf_node_id_equal(kerf_cluster_pod(world.world->cluster, two)->node, KERF_NO_NODE));
    sim_world_close(&world);
}

/* A template is remembered when the node that it came from, and that node's DaemonSet pods, are gone. */
Test(autoscaler, templates_outlive_their_nodes)
{
    struct sim_world world;
    sim_world_open(&world, NO_TIME ONE_GROUP,
                   "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: agent }\nspec: { selector: { matchLabels: { a: agent } }, template: { metadata: { labels: { a: "
                   "agent } }, spec: { tolerations: [{ operator: Exists }], containers: [{ name: c, resources: { requests: { cpu: 500m } } }] } } }\n",
                   CONTROLLERS | 1u << KERF_SIM_DAEMONS);
    kerf_pod_id first = add_pod_at(&world, 97, "p", "3");
    sim_world_run(&world, SECONDS(1000));
    cr_assert(!kerf_node_id_equal(kerf_cluster_pod(world.world->cluster, first)->node, KERF_NO_NODE));
    kerf_cluster_remove_pod(world.world->cluster, first);
    sim_world_run(&world, SECONDS(3600));
    cr_assert_eq(kerf_cluster_node_count(world.world->cluster), 0);
    sim_world_add_pod(&world, "q", "3", "512Mi", "", "");
    sim_world_add_pod(&world, "r", "700m", "512Mi", "", "");
    sim_world_run(&world, SECONDS(3700));
    cr_expect_eq(size_of(&world, 0), 2, "the agent of the node that is gone takes room on the template: 3920m less 500m");
    sim_world_close(&world);
}

/* ---- removal ---- */

/** A node of group a, made for a pod that then ends; returns when that pod is gone. */
static kerf_node_id empty_node(struct sim_world *world, kerf_time_us gone_us)
{
    kerf_pod_id pod = add_pod_at(world, 97, "p", "3"); /* too much for the node to be looked at while it is there */
    sim_world_run(world, gone_us);
    kerf_node_id node = kerf_cluster_pod(world->world->cluster, pod)->node;
    cr_assert(!kerf_node_id_equal(node, KERF_NO_NODE));
    kerf_cluster_remove_pod(world->world->cluster, pod);
    return node;
}

Test(autoscaler, d1_an_empty_node_goes_after_ten_minutes)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP, nothing);
    kerf_node_id node = empty_node(&world, SECONDS(1000)); /* the cooldown of the scale-up at 107 is over at 707; loops at 1007, ... */
    sim_world_run(&world, SECONDS(1008));
    cr_expect(has_taint(&world, node, KERF_DELETION_CANDIDATE_TAINT), "unneeded from 1007 on");
    sim_world_run(&world, SECONDS(1616));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "600 is not more than 600");
    sim_world_run(&world, SECONDS(1617));
    cr_expect(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    sim_world_run(&world, SECONDS(3000));
    cr_expect_float_eq(resized_at(&world, 1), 1622, 1e-6, "%f", resized_at(&world, 1));
    cr_expect_eq(size_of(&world, 0), 0);
    cr_expect_null(kerf_cluster_node(world.world->cluster, node));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED), 1, "nobody replaces it");
    sim_world_close(&world);
}

Test(autoscaler, d2_cooldown_after_a_scale_up)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP, nothing);
    kerf_node_id node = empty_node(&world, SECONDS(300)); /* unneeded from 307 on: it could go at 917 */
    sim_world_run(&world, SECONDS(600));
    sim_world_add_pod(&world, "big", "3800m", "512Mi", "", ""); /* fits no node, and no group: then one that fits a new node only */
    kerf_pod_id second = sim_world_add_pod(&world, "second", "3", "10Gi", "", "");
    kerf_pod_id third = sim_world_add_pod(&world, "third", "3", "10Gi", "", "");
    (void)second;
    (void)third;
    sim_world_run(&world, SECONDS(650));
    double scaled_up = resized_at(&world, 1);
    cr_assert_gt(scaled_up, 600);
    sim_world_run(&world, SECONDS(scaled_up + 599));
    cr_expect(kerf_cluster_node(world.world->cluster, node) != NULL);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_DELETING), 0, "no deletion in the cooldown");
    sim_world_close(&world);
}

Test(autoscaler, d20_a_pod_comes_between)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP, nothing);
    kerf_node_id node = empty_node(&world, SECONDS(1000));
    sim_world_run(&world, SECONDS(1617));
    cr_assert(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    kerf_pod_id late = sim_world_add_pod(&world, "late", "1", "512Mi", "", "");
    kerf_cluster_bind_pod(world.world->cluster, late, node);
    sim_world_run(&world, SECONDS(1623));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "the second test finds it");
    cr_expect_eq(size_of(&world, 0), 1);
    cr_expect(!kerf_cluster_is_deleted(kerf_cluster_node(world.world->cluster, node)));
    sim_world_close(&world);
}

#define REPLICATED ", ownerReferences: [{ apiVersion: apps/v1, kind: ReplicaSet, name: r, uid: r, controller: true }], labels: { app: r }"
#define REPLICASET                                                                                                                \
    "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: { name: r, uid: r }\nspec: { replicas: 0, selector: { matchLabels: { app: r } }, "      \
    "template: { metadata: { labels: { app: r } }, spec: { containers: [{ name: c }] } } }\n---\n"

/** Two nodes of group a: one with a replicated pod that could move, one that has room for it. Returns the first. */
static kerf_node_id node_to_drain(struct sim_world *world, const char *spec, kerf_pod_id *out_pod)
{
    sim_world_run(world, SECONDS(97));
    kerf_pod_id a = sim_world_add_pod(world, "a", "3", "512Mi", "", ""), b = sim_world_add_pod(world, "b", "2500m", "512Mi", "", "");
    sim_world_run(world, SECONDS(1000));
    kerf_node_id node = kerf_cluster_pod(world->world->cluster, a)->node;
    cr_assert(!kerf_node_id_equal(node, KERF_NO_NODE));
    cr_assert(!kerf_node_id_equal(node, kerf_cluster_pod(world->world->cluster, b)->node));
    kerf_cluster_remove_pod(world->world->cluster, a);
    *out_pod = sim_world_add_pod(world, "r-1", "1", "512Mi", REPLICATED, spec);
    kerf_cluster_bind_pod(world->world->cluster, *out_pod, node);
    return node;
}

static double told_at(const struct sim_world *world, int kind, kerf_pod_id pod)
{
    const struct sim_event *event = sim_world_pod_event(world, kind, pod);
    return event ? (double)event->at_us / 1e6 : -1;
}

Test(autoscaler, d8_a_node_is_drained)
{
    struct sim_world world;
    open_world(&world, "timings: { autoscalerLoop: 0s, podStop: 20s }\nautoscaler: {}\n" ONE_GROUP, REPLICASET);
    kerf_pod_id pod;
    kerf_node_id node = node_to_drain(&world, "", &pod);
    sim_world_run(&world, SECONDS(3000));
    double evicted = told_at(&world, KERF_CHANGE_POD_TERMINATING, pod), gone = told_at(&world, KERF_CHANGE_POD_REMOVED, pod);
    cr_expect_float_eq(evicted, 1622, 1e-6, "unneeded from 1007 on, tainted at 1617: %f", evicted);
    cr_expect_float_eq(gone, 1643, 1e-6, "the kubelet needs a second more: %f", gone);
    cr_expect_float_eq(resized_at(&world, 1), 1647, 1e-6, "looked for every five seconds: %f", resized_at(&world, 1));
    cr_expect_null(kerf_cluster_node(world.world->cluster, node));
    cr_expect_eq(size_of(&world, 0), 1);
    sim_world_close(&world);
}

Test(autoscaler, d12_grace_is_cut)
{
    struct sim_world world;
    open_world(&world, "timings: { autoscalerLoop: 0s, podStop: 1h }\nautoscaler: {}\n" ONE_GROUP, REPLICASET);
    kerf_pod_id pod;
    node_to_drain(&world, ", terminationGracePeriodSeconds: 900", &pod);
    sim_world_run(&world, SECONDS(4000));
    double evicted = told_at(&world, KERF_CHANGE_POD_TERMINATING, pod);
    cr_expect_float_eq(told_at(&world, KERF_CHANGE_POD_REMOVED, pod), evicted + 600, 1.01);
    cr_expect_float_eq(resized_at(&world, 1), evicted + 600, 5.01);
    sim_world_close(&world);
}

/* D11b: two pods under a budget of one: the second is refused until nobody tries any more */
Test(autoscaler, d11_evictions_are_given_up)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP,
               REPLICASET "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: b }\nspec: { minAvailable: 1, selector: { "
                          "matchLabels: { app: r } } }\n");
    kerf_pod_id first;
    kerf_node_id node = node_to_drain(&world, "", &first);
    kerf_pod_id second = sim_world_add_pod(&world, "r-2", "100m", "64Mi", REPLICATED, "");
    kerf_cluster_bind_pod(world.world->cluster, second, node);
    sim_world_run(&world, SECONDS(2040));
    cr_expect_float_eq(told_at(&world, KERF_CHANGE_POD_TERMINATING, first), 1922, 1e-6, "pods were ready after the loop of 1007: looked at again at 1307, and one may go");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_EVICTION_BLOCKED), 12, "at 1922, 1932, ... 2032");
    cr_expect(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    sim_world_run(&world, SECONDS(2043));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "given up after two minutes");
    cr_expect_lt(told_at(&world, KERF_CHANGE_POD_TERMINATING, second), 0);
    cr_expect_eq(size_of(&world, 0), 2);
    sim_world_run(&world, SECONDS(2340));
    cr_expect(!has_taint(&world, node, KERF_DELETION_CANDIDATE_TAINT), "blocked by the budget, looked at again after five minutes");
    sim_world_close(&world);
}

Test(autoscaler, d11_a_budget_blocks_the_second_test)
{
    struct sim_world world;
    open_world(&world, NO_TIME ONE_GROUP,
               REPLICASET "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: b }\nspec: { minAvailable: 1, selector: { "
                          "matchLabels: { app: r } } }\n");
    kerf_pod_id pod;
    kerf_node_id node = node_to_drain(&world, "", &pod), other = KERF_NO_NODE;
    for (size_t at = 0; at < kerf_cluster_node_count(world.world->cluster); at++)
        if (!kerf_node_id_equal(kerf_cluster_node_at(world.world->cluster, at)->id, node))
            other = kerf_cluster_node_at(world.world->cluster, at)->id;
    kerf_pod_id second = sim_world_add_pod(&world, "r-2", "100m", "64Mi", REPLICATED, "");
    kerf_cluster_bind_pod(world.world->cluster, second, other);
    sim_world_run(&world, SECONDS(1919));
    cr_assert(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "its pods were ready after the loop of 1007: unneeded from 1307 on, tainted at 1917");
    kerf_cluster_remove_pod(world.world->cluster, second);
    sim_world_run(&world, SECONDS(1923));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "the second test at 1922 finds that none may go");
    cr_expect_lt(told_at(&world, KERF_CHANGE_POD_TERMINATING, pod), 0);
    sim_world_run(&world, SECONDS(1930));
    cr_expect(!has_taint(&world, node, KERF_DELETION_CANDIDATE_TAINT), "blocked in the next loop");
    cr_expect_eq(size_of(&world, 0), 2);
    sim_world_close(&world);
}

Test(autoscaler, d14_cooldown_after_a_tainting_failure)
{
    struct sim_world world;
    open_world(&world, "timings: { autoscalerLoop: 0s }\nautoscaler: { taintFailure: 1 }\n" ONE_GROUP, nothing);
    kerf_node_id node = empty_node(&world, SECONDS(1000));
    sim_world_run(&world, SECONDS(1620)); /* tainting fails at 1617 */
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    world.scenario->designs[0].autoscaler.taint_failure = 0;
    sim_world_run(&world, SECONDS(1796));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "three minutes without a deletion");
    sim_world_run(&world, SECONDS(1797));
    cr_expect(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "1617 + 180 is not later than 1797");
    sim_world_close(&world);
}

Test(autoscaler, d15_a_scale_up_of_another_group_starts_the_cooldown)
{
    struct sim_world world;
    open_world(&world, NO_TIME "nodeGroups: [" GROUP_A ", " GROUP_B "]\n", nothing);
    kerf_node_id node = empty_node(&world, SECONDS(1000));
    add_pod_at(&world, 1616.5, "p", "6");
    sim_world_run(&world, SECONDS(1620));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "a loop at 1616.5 for a pod that is too new deletes nothing");
    sim_world_run(&world, SECONDS(1630));
    cr_expect_float_eq(resized_at(&world, 1), 1626.5, 1e-6, "%f", resized_at(&world, 1));
    sim_world_run(&world, SECONDS(2226.4));
    cr_expect(!has_taint(&world, node, KERF_TO_BE_DELETED_TAINT));
    sim_world_run(&world, SECONDS(2236.6));
    cr_expect(has_taint(&world, node, KERF_TO_BE_DELETED_TAINT), "the first loop ten minutes after the scale-up");
    sim_world_close(&world);
}

/* ---- chaos: groups that fail, lose a zone, are reclaimed ---- */

static void run_chaos(uint64_t seed)
{
    static const char *const keys =
        "horizon: 20h\nspot: { hazardFactor: 30, missedNotice: 0.3 }\n"
        "cloud: { onDemandRefusal: 0.3, gaps: [{ from: 3h, until: 6h, zones: [us-east-1a] }, { from: 5h, until: 5h30m }] }\n"
        "load: [{ workload: Deployment/web, daily: { noise: 0.4, every: 5m, points: [{ at: \"02:00\", replicas: 3 }, { at: \"12:00\", replicas: 40 }] } },\n"
        "       { workload: Deployment/apart, daily: { every: 10m, points: [{ at: \"00:00\", replicas: 1 }, { at: \"10:00\", replicas: 9 }] } }]\n"
        "nodeGroups:\n"
        "  - { name: od, instanceTypes: [m5.xlarge, m5a.xlarge], minSize: 1, maxSize: 6, desiredCapacity: 2 }\n"
        "  - { name: spot, instanceTypes: [m5.2xlarge, m6i.2xlarge], capacityType: spot, minSize: 0, maxSize: 5, desiredCapacity: 0 }\n"
        "  - { name: both, instanceTypes: [c5.xlarge], onDemandBase: 1, onDemandPercentage: 30, minSize: 0, maxSize: 5, desiredCapacity: 0 }\n"
        "autoscaler: { flags: { scale-down-unneeded-time: 2m, scale-down-delay-after-add: 1m, max-drain-parallelism: 3, balance-similar-node-groups: true, "
        "skip-nodes-with-local-storage: false } }\n";
    static const char *const manifests =
        "---\n{ apiVersion: apps/v1, kind: Deployment, metadata: { name: web }, spec: { replicas: 3, selector: { matchLabels: { app: web } }, template: { "
        "metadata: { labels: { app: web } }, spec: { topologySpreadConstraints: [{ maxSkew: 2, topologyKey: topology.kubernetes.io/zone, "
        "whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }], containers: [{ name: c, resources: { requests: { cpu: "
        "600m, memory: 1Gi } } }] } } } }\n---\n"
        "{ apiVersion: apps/v1, kind: Deployment, metadata: { name: apart }, spec: { replicas: 1, selector: { matchLabels: { app: apart } }, template: { "
        "metadata: { labels: { app: apart } }, spec: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "
        "kubernetes.io/hostname, labelSelector: { matchLabels: { app: apart } } }] } }, containers: [{ name: c, resources: { requests: { cpu: 200m } } }] } } } "
        "}\n---\n"
        "{ apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: { name: web }, spec: { maxUnavailable: 2, selector: { matchLabels: { app: web } } } }\n";
    struct sim_world world;
    sim_world_open_seeded(&world, keys, manifests, KERF_SIM_ALL, seed, 0);
    world.checked = seed % 4 == 0; /* it takes its time */
    for (int hour = 1; hour <= 20; hour++) {
        sim_world_run(&world, (kerf_time_us)hour * KERF_HOUR_US);
        for (uint32_t g = 0; g < 3; g++) {
            const struct kerf_nodegroup *group = &world.design->objects.nodegroups.items[g];
            cr_expect(size_of(&world, g) >= group->min_size && size_of(&world, g) <= group->max_size);
        }
    }
    cr_expect_gt(sim_world_count(&world, KERF_CHANGE_GROUP_RESIZED), 4, "seed %" PRIu64, seed);
    sim_world_close(&world);
}

Test(autoscaler, chaos)
{
    for (uint64_t seed = 0; seed < 8; seed++)
        run_chaos(seed);
}
