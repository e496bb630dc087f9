/** A pod's life on its node: from binding to running and ready, from the stop signal to the end. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

/* 2 s + 200 MB at 40 MB/s, then 5 s to ready; 2 s to stop and one to clean up: the defaults. */
#define PULL_US SECONDS(7)
#define START_US SECONDS(5)
#define STOP_US SECONDS(3)

static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";
static const char *const web = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n"
                               "spec: { replicas: 2, selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } }, spec: { "
                               "containers: [{ name: c, image: i, resources: { requests: { cpu: 100m } } }] } } }\n";

static void open_world(struct sim_world *world, const char *keys, const char *manifests, uint32_t controllers)
{
    sim_world_open(world, keys, manifests, controllers | 1u << KERF_SIM_KUBELETS);
}

Test(kubelet, pod_pulls_starts_and_becomes_ready)
{
    struct sim_world world;
    open_world(&world, "", nothing, 0);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "100m", "1Gi", "", "");
    sim_world_run(&world, SECONDS(10));
    kerf_cluster_bind_pod(world.world->cluster, pod, node);
    sim_world_run(&world, SECONDS(60));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, pod)->at_us, SECONDS(10) + PULL_US);
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_READY, pod)->at_us, SECONDS(10) + PULL_US + START_US);
    cr_expect_eq(kerf_pod_status(&kerf_cluster_pod(world.world->cluster, pod)->pod)->started_epoch_us, world.design->start_epoch_us + SECONDS(10) + PULL_US);
    kerf_cluster_delete_pod(world.world->cluster, pod, kerf_world_epoch_now(world.world) + SECONDS(30));
    sim_world_run(&world, SECONDS(120));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_REMOVED, pod)->at_us, SECONDS(60) + STOP_US);
    sim_world_close(&world);
}

Test(kubelet, image_is_pulled_once_a_node_and_workload)
{
    struct sim_world world;
    open_world(&world, "", web, 1u << KERF_SIM_WORKLOADS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    kerf_node_id other = sim_world_add_node(&world, "m", "m5.large", "us-east-1a");
    sim_world_run(&world, 0);
    kerf_pod_id first = kerf_cluster_pod_at(world.world->cluster, 0)->id;
    kerf_pod_id second = kerf_cluster_pod_at(world.world->cluster, 1)->id;
    kerf_cluster_bind_pod(world.world->cluster, first, node);
    sim_world_run(&world, SECONDS(60));
    kerf_cluster_bind_pod(world.world->cluster, second, node);
    sim_world_run(&world, SECONDS(120));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, first)->at_us, PULL_US);
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, second)->at_us, SECONDS(60), "the image is there");
    kerf_cluster_delete_pod(world.world->cluster, second, kerf_world_epoch_now(world.world) + SECONDS(30));
    sim_world_run(&world, SECONDS(180));
    kerf_pod_id third = kerf_cluster_pod_at(world.world->cluster, 1)->id;
    kerf_cluster_bind_pod(world.world->cluster, third, other);
    sim_world_run(&world, SECONDS(240));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, third)->at_us, SECONDS(180) + PULL_US, "not on the other node");
    sim_world_close(&world);
}

Test(kubelet, waits_for_the_node_but_not_on_the_host_network)
{
    struct sim_world world;
    open_world(&world, "", nothing, 0);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    kerf_cluster_set_node_condition(world.world->cluster, node, "Ready", KERF_CONDITION_FALSE);
    kerf_pod_id waiting = sim_world_add_pod(&world, "p", "100m", "1Gi", "", "");
    kerf_pod_id agent = sim_world_add_pod(&world, "q", "100m", "1Gi", "", ", hostNetwork: true");
    kerf_cluster_bind_pod(world.world->cluster, waiting, node);
    kerf_cluster_bind_pod(world.world->cluster, agent, node);
    sim_world_run(&world, SECONDS(60));
    cr_expect_null(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, waiting));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, agent)->at_us, PULL_US);
    kerf_cluster_set_node_condition(world.world->cluster, node, "Ready", KERF_CONDITION_TRUE);
    sim_world_run(&world, SECONDS(120));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_RUNNING, waiting)->at_us, SECONDS(60) + PULL_US);
    sim_world_close(&world);
}

Test(kubelet, a_repeated_delete_shortens_the_stop)
{
    struct sim_world world;
    open_world(&world, "load: [{ workload: Deployment/web, stopTime: 100s }]\n", web, 1u << KERF_SIM_WORKLOADS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, 0);
    kerf_pod_id pod = kerf_cluster_pod_at(world.world->cluster, 0)->id;
    kerf_cluster_bind_pod(world.world->cluster, pod, node);
    sim_world_run(&world, SECONDS(60));
    kerf_cluster_delete_pod(world.world->cluster, pod, kerf_world_epoch_now(world.world) + SECONDS(600));
    sim_world_run(&world, SECONDS(70));
    kerf_cluster_delete_pod(world.world->cluster, pod, kerf_world_epoch_now(world.world) + SECONDS(900)); /* later: nothing */
    kerf_cluster_delete_pod(world.world->cluster, pod, kerf_world_epoch_now(world.world) + SECONDS(20));
    sim_world_run(&world, SECONDS(300));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_REMOVED, pod)->at_us, SECONDS(70 + 20 + 1));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_HURRIED), 1);
    sim_world_close(&world);
}

Test(kubelet, unbound_pods_go_at_once)
{
    struct sim_world world;
    open_world(&world, "", nothing, 0);
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "100m", "1Gi", "", "");
    sim_world_run(&world, SECONDS(5));
    kerf_cluster_delete_pod(world.world->cluster, pod, kerf_world_epoch_now(world.world) + SECONDS(30));
    sim_world_run(&world, SECONDS(6));
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_REMOVED, pod)->at_us, SECONDS(5));
    sim_world_close(&world);
}

Test(kubelet, nothing_happens_on_an_instance_that_ended)
{
    struct sim_world world;
    open_world(&world, "", sim_pool_of_m5_large, 0);
    kerf_node_id node = sim_world_add_claimed_node(&world, "n", "m5.large", "us-east-1a", true);
    kerf_pod_id starting = sim_world_add_pod(&world, "p", "100m", "1Gi", "", "");
    kerf_pod_id late = sim_world_add_pod(&world, "q", "100m", "1Gi", "", "");
    kerf_cluster_bind_pod(world.world->cluster, starting, node);
    sim_world_run(&world, SECONDS(3));
    kerf_world_notify(world.world, (struct kerf_notice){.kind = KERF_NOTICE_INSTANCE_ENDED, .node = node, .pod = KERF_NO_POD});
    kerf_cluster_bind_pod(world.world->cluster, late, node); /* nobody knows yet */
    kerf_cluster_delete_pod(world.world->cluster, late, kerf_world_epoch_now(world.world) + SECONDS(1));
    sim_world_run(&world, SECONDS(300));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_RUNNING), 0);
    cr_expect_not_null(kerf_cluster_pod(world.world->cluster, late), "it stays as it is seen");
    sim_world_close(&world);
}
