/** What a run says adds up: waits to their phases, causes and tiers to the bill, nodes.csv to the same. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static const char *const objects =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 4, selector: { matchLabels: { a: b } }, template: { metadata: { labels: { a: "
    "b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 900m, memory: 1Gi } } }] } } }\n"
    "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: agent }\nspec: { selector: { matchLabels: { d: e } }, template: { metadata: { labels: { d: e } }, "
    "spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 100m } } }] } } }\n"
    "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\nspec: { amiSelectorTerms: [{ alias: al2023@latest }], role: r, "
    "subnetSelectorTerms: [{ tags: { a: b } }], securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
    "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: np }\nspec: { disruption: { consolidateAfter: 30s, consolidationPolicy: "
    "WhenEmptyOrUnderutilized }, template: { spec: { nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }, requirements: [{ key: "
    "karpenter.sh/capacity-type, operator: In, values: [spot, on-demand] }, { key: karpenter.k8s.aws/instance-family, operator: In, values: [m5, c5] }] } } }\n";

static const char *const keys = "warmUp: 2h\nhorizon: 12h\nspot: { hazardFactor: 100 }\nnodeGroups: [{ name: g, desiredCapacity: 1 }]\n"
                                "load: [{ workload: Deployment/web, daily: { points: [{ at: \"00:00\", replicas: 2 }, { at: \"08:00\", replicas: 20 }] } }]\n";

static double sum_of(const struct sim_world *world, const char *prefix)
{
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(world->sim.record, &count);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        if (strncmp(metrics[i].name, prefix, strlen(prefix)) == 0)
            sum += metrics[i].value;
    return sum;
}

Test(record, parts_add_up_to_the_whole)
{
    struct sim_world world;
    sim_world_open(&world, keys, objects, KERF_SIM_ALL);
    sim_world_run(&world, world.design->horizon_us);
    sim_world_finish(&world);
    double total = sim_world_metric(&world, "costUsdPerMonth");
    cr_assert_gt(total, 100.0);
    cr_expect_float_eq(sum_of(&world, "costUsdPerMonth.cause."), total, 1e-6);
    double control_plane = sim_world_metric(&world, "costUsdPerMonth.cause.controlPlane");
    cr_expect_float_eq(control_plane, 73.0, 1e-9);
    cr_expect_float_eq(sum_of(&world, "costUsdPerMonth.tier.") + control_plane, total, 1e-6);
    cr_expect_float_eq(sum_of(&world, "costUsdPerMonth.capacityType.") + control_plane, total, 1e-6);
    cr_expect_float_eq(sum_of(&world, "podWaitSecondsMean.phase."), sim_world_metric(&world, "podWaitSecondsMean"), 1e-6);
    cr_expect_gt(sim_world_metric(&world, "podWaitSecondsMean.phase.boot"), 0.0);
    cr_expect_gt(sim_world_metric(&world, "interruptionsPerDay"), 0.0);
    sim_world_close(&world);
}

/** Each pod's wait by our own watch: from created to running, after warm-up. */
Test(record, waits_are_those_of_the_pods)
{
    struct sim_world world;
    sim_world_open(&world, keys, objects, KERF_SIM_ALL);
    sim_world_run(&world, world.design->horizon_us);
    double sum = 0, count = 0;
    for (size_t i = 0; i < world.events.count; i++) {
        const struct sim_event *running = &world.events.items[i];
        if (running->kind != KERF_CHANGE_POD_RUNNING)
            continue;
        const struct sim_event *added = sim_world_pod_event(&world, KERF_CHANGE_POD_ADDED, running->pod);
        const struct sim_event *marked = sim_world_pod_event(&world, KERF_CHANGE_POD_BOUND, running->pod);
        cr_assert_leq(added->at_us, marked->at_us);
        cr_assert_leq(marked->at_us, running->at_us);
        if (added->at_us < 2 * KERF_HOUR_US) /* pods of DaemonSets are in here, and not in the figures */
            continue;
        sum += (double)(running->at_us - added->at_us) / 1e6;
        count++;
    }
    sim_world_finish(&world);
    double started = sim_world_metric(&world, "podsStartedPerDay") / 24.0 * 10.0;
    cr_expect_leq(started, count + 0.5);
    cr_expect_gt(started, 20);
    cr_expect_leq(sim_world_metric(&world, "podWaitSecondsMean") * started, sum + 1e-3);
    sim_world_close(&world);
}

/** A pod of the warm-up that waits to the end is never placed; one that the end of the warm-up found waiting for minutes is not yet. */
Test(record, pods_of_the_warm_up_that_wait_on_are_never_placed)
{
    static const char *const without_room = "warmUp: 2h\nhorizon: 3h\nnodeGroups: [{ name: g, desiredCapacity: 1, instanceTypes: [t3.nano] }]\n"
                                            "load: [{ workload: Deployment/web, replicas: 7 }]\n";
    static const char *const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 4, selector: { matchLabels: { a: b } }, template: "
                                          "{ metadata: { labels: { a: b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 64 } } }] } } }\n";
    struct sim_world world;
    sim_world_open(&world, without_room, deployment, KERF_SIM_ALL);
    sim_world_run(&world, world.design->horizon_us);
    sim_world_finish(&world);
    cr_expect_eq(sim_world_metric(&world, "podsNeverPlaced"), 7);
    sim_world_close(&world);
    sim_world_open(&world, "warmUp: 2h\nhorizon: 130m\nnodeGroups: [{ name: g, desiredCapacity: 1, instanceTypes: [t3.nano] }]\n", deployment, KERF_SIM_ALL);
    sim_world_run(&world, world.design->horizon_us);
    sim_world_finish(&world);
    cr_expect_eq(sim_world_metric(&world, "podsNeverPlaced"), 0);
    sim_world_close(&world);
}

Test(record, pods_on_a_lost_instance_no_longer_run)
{
    struct sim_world world;
    sim_world_open(&world, "spot: { reclaims: false, missedNotice: 1, shocks: [{ at: 1h, fraction: 1, unavailable: 1s }] }\n", sim_pool_of_m5_large,
                   1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_LIFECYCLE | 1u << KERF_SIM_INTERRUPTION);
    kerf_node_id node = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", true);
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "10m", "10Mi", "", "");
    kerf_cluster_bind_pod(world.world->cluster, pod, node);
    sim_world_run(&world, world.design->horizon_us);
    kerf_time_us lost_us = sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST, 0)->at_us;
    sim_world_finish(&world);
    double hours = (double)(lost_us - SECONDS(7)) / 3.6e9;
    cr_expect_float_eq(sim_world_metric(&world, "podsRunningMean") * 24.0, hours, 1e-6);
    cr_expect_float_eq(sim_world_metric(&world, "nodesMean") * 24.0, (double)lost_us / 3.6e9, 1e-6);
    sim_world_close(&world);
}

/** nodes.csv: what a script that knows nothing of us adds up. */
Test(record, the_bill_file_adds_up_to_the_bill)
{
    char *bytes = NULL;
    size_t length = 0;
    FILE *nodes = open_memstream(&bytes, &length);
    struct sim_world world;
    sim_world_open(&world, keys, objects, 0);
    struct kerf_sim_outcome outcome;
    kerf_sim_run(world.design, 1, 0, (struct kerf_record_options){.nodes = nodes}, &outcome);
    fclose(nodes);
    double since_warm_up = 0;
    size_t lines = 0;
    for (char *line = strtok(bytes, "\n"); line; line = strtok(NULL, "\n")) {
        if (lines++ > 0)
            since_warm_up += atof(strrchr(line, ',') + 1);
    }
    cr_expect_gt(lines, 5);
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(outcome.record, &count);
    cr_expect_str_eq(metrics[0].name, "costUsdPerMonth");
    cr_expect_float_eq((since_warm_up + 10 * 100000.0) / 1e6 / 10.0 * 730.0, metrics[0].value, 1e-6);
    kerf_record_free(outcome.record);
    free(bytes);
    sim_world_close(&world);
}

Test(record, the_same_run_twice_has_one_hash_and_another_seed_another)
{
    struct sim_world world;
    sim_world_open(&world, keys, objects, 0);
    uint64_t hashes[3];
    for (int i = 0; i < 3; i++) {
        struct kerf_sim_outcome outcome;
        kerf_sim_run(world.design, i == 2 ? 2 : 1, 0, (struct kerf_record_options){0}, &outcome);
        hashes[i] = kerf_record_trace_hash(outcome.record);
        cr_expect_not(outcome.livelock);
        kerf_record_free(outcome.record);
    }
    cr_expect_eq(hashes[0], hashes[1]);
    cr_expect_neq(hashes[0], hashes[2]);
    sim_world_close(&world);
}
