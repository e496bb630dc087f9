/** A pod of each DaemonSet on every node where it belongs (workloads.md 5). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define CONTROLLERS (1u << KERF_SIM_DAEMONS | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_BINDER | 1u << KERF_SIM_TERMINATOR)

static const char *const sets =
    "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: cni }\nspec: { selector: { matchLabels: { a: cni } }, template: { metadata: { labels: { a: cni } }, "
    "spec: { hostNetwork: true, tolerations: [{ operator: Exists }], containers: [{ name: c, image: i, resources: { requests: { cpu: 10m } } }] } } }\n"
    "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: agent }\nspec: { selector: { matchLabels: { a: agent } }, template: { metadata: { labels: { a: "
    "agent } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 10m } } }] } } }\n"
    "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: gpu }\nspec: { selector: { matchLabels: { a: gpu } }, template: { metadata: { labels: { a: gpu } "
    "}, spec: { nodeSelector: { accelerator: yes }, containers: [{ name: c, image: i }] } } }\n";

static void taint(struct sim_world *world, kerf_node_id node, const char *key)
{
    struct kerf_taint taint = {.key = kerf_name_of(world->world->vocabulary->names, key), .effect = KERF_TAINT_NO_SCHEDULE};
    kerf_cluster_set_node_taints(world->world->cluster, node, (struct kerf_taints){&taint, key ? 1 : 0});
}

/* workloads.md 18, example 12 */
Test(daemons, a_startup_taint_keeps_ordinary_sets_away)
{
    struct sim_world world;
    sim_world_open(&world, "", sets, CONTROLLERS);
    world.checked = true;
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    taint(&world, node, "example.com/agent");
    sim_world_run(&world, SECONDS(10));
    cr_expect_eq(sim_world_bound_pods(&world, "cni"), 1);
    cr_expect_eq(sim_world_active_pods(&world, "agent"), 0);
    taint(&world, node, NULL);
    sim_world_run(&world, SECONDS(20));
    cr_expect_eq(sim_world_bound_pods(&world, "agent"), 1);
    cr_expect_eq(sim_world_active_pods(&world, "gpu"), 0);
    kerf_cluster_set_node_label(world.world->cluster, node, kerf_name_of(world.world->vocabulary->names, "accelerator"),
                                kerf_name_of(world.world->vocabulary->names, "yes"));
    sim_world_run(&world, SECONDS(30));
    cr_expect_eq(sim_world_bound_pods(&world, "gpu"), 1);
    sim_world_close(&world);
}

Test(daemons, pods_are_bound_to_their_own_node)
{
    struct sim_world world;
    sim_world_open(&world, "", sets, CONTROLLERS);
    kerf_node_id a = sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    kerf_node_id b = sim_world_add_node(&world, "b", "m5.large", "us-east-1b");
    sim_world_run(&world, SECONDS(10));
    cr_expect_eq(kerf_cluster_node(world.world->cluster, a)->pod_count, 2);
    cr_expect_eq(kerf_cluster_node(world.world->cluster, b)->pod_count, 2);
    sim_world_close(&world);
}

Test(daemons, one_that_was_taken_from_a_node_that_stays_comes_back)
{
    struct sim_world world;
    sim_world_open(&world, "", sets, CONTROLLERS);
    sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(10));
    kerf_pod_id pod = kerf_cluster_node_at(world.world->cluster, 0)->pods[1];
    kerf_cluster_delete_pod(world.world->cluster, pod, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(20));
    cr_expect_null(kerf_cluster_pod(world.world->cluster, pod));
    cr_expect_eq(kerf_cluster_node_at(world.world->cluster, 0)->pod_count, 2);
    sim_world_close(&world);
}

Test(daemons, pods_of_a_node_that_goes_go_with_it_bound_or_not)
{
    struct sim_world world;
    sim_world_open(&world, "", sets, CONTROLLERS);
    world.checked = true;
    kerf_node_id node = sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    /* No room for the agent: its pod waits for ever. */
    kerf_pod_id big = sim_world_add_pod(&world, "big", "1925m", "1Mi", "", ", priority: 2000000000");
    kerf_cluster_bind_pod(world.world->cluster, big, node);
    sim_world_run(&world, SECONDS(10));
    cr_expect_eq(kerf_cluster_pending_count(world.world->cluster), 2);
    kerf_cluster_delete_claim(world.world->cluster, node);
    sim_world_run(&world, SECONDS(400));
    cr_expect_null(kerf_cluster_node(world.world->cluster, node));
    cr_expect_eq(kerf_cluster_pod_count(world.world->cluster), 0);
    sim_world_close(&world);
}
