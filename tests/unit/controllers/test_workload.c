/** Replicas, victims, ordinals, schedules and curves. */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define CONTROLLERS (1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_KUBELETS)

static const char *workload(const char *kind, int replicas, const char *spec)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "apiVersion: apps/v1\nkind: %s\nmetadata: { name: web }\nspec: { replicas: %d%s, selector: { matchLabels: { app: web } }, template: { "
             "metadata: { labels: { app: web } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 1m } } }] } } }\n",
             kind, replicas, spec);
    return text;
}

/** Binds all pods that are not bound. */
static void bind_all(struct sim_world *world, kerf_node_id node)
{
    struct kerf_cluster *cluster = world->world->cluster;
    while (kerf_cluster_pending_count(cluster) > 0)
        kerf_cluster_bind_pod(cluster, kerf_cluster_pending_at(cluster, 0)->id, node);
}

Test(workload, creation_follows_the_rate_of_writes)
{
    struct sim_world world;
    sim_world_open(&world, "", workload("Deployment", 100, ""), CONTROLLERS);
    sim_world_run(&world, 0);
    cr_expect_eq(sim_world_active_pods(&world, "web"), 30, "a burst of 30");
    sim_world_run(&world, SECONDS(1));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 50, "then 20 a second");
    sim_world_run(&world, SECONDS(10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 100);
    sim_world_close(&world);
}

Test(workload, writes_are_first_come_first_served)
{
    struct sim_world world;
    char objects[2048];
    snprintf(objects, sizeof objects, "%s", workload("Deployment", 40, ""));
    const char *other = workload("Deployment", 20, "");
    size_t length = strlen(objects);
    snprintf(objects + length, sizeof objects - length, "---\n%s", other);
    char *name = strstr(objects + length, "name: web");
    memcpy(name, "name: api", strlen("name: api"));
    sim_world_open(&world, "", objects, CONTROLLERS);
    sim_world_run(&world, SECONDS(0.25)); /* 30 at once, then one every 50 ms */
    cr_expect_eq(sim_world_active_pods(&world, "web"), 35);
    kerf_pod_id gone = kerf_cluster_pod_at(world.world->cluster, 0)->id;
    kerf_cluster_delete_pod(world.world->cluster, gone, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(0.55));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 40, "news of a workload whose turn it is leave it its turn");
    cr_expect_eq(sim_world_active_pods(&world, "api"), 0);
    sim_world_run(&world, SECONDS(1.05));
    cr_expect_eq(sim_world_active_pods(&world, "api"), 10);
    sim_world_close(&world);
}

Test(workload, a_deleted_pod_is_replaced_at_once)
{
    struct sim_world world;
    sim_world_open(&world, "", workload("Deployment", 3, ""), CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, 0);
    bind_all(&world, node);
    sim_world_run(&world, SECONDS(60));
    kerf_pod_id victim = kerf_cluster_pod_at(world.world->cluster, 1)->id;
    kerf_cluster_delete_pod(world.world->cluster, victim, kerf_world_epoch_now(world.world) + SECONDS(30));
    sim_world_run(&world, SECONDS(60));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 3);
    cr_expect_eq(kerf_cluster_pod_count(world.world->cluster), 4, "beside the one that is going");
    sim_world_close(&world);
}

/* workloads.md 18, example 5 */
Test(workload, victims_go_in_the_order_of_a_replicaset)
{
    struct sim_world world;
    sim_world_open(&world, "load: [{ workload: Deployment/web, schedule: [{ at: \"0 0 * * *\", replicas: 6 }, { at: \"0 3 * * *\", replicas: 2 }, { at: \"0 4 * * *\", replicas: 1 }] }]\n",
                   workload("Deployment", 6, ""), CONTROLLERS);
    struct kerf_cluster *cluster = world.world->cluster;
    kerf_node_id n1 = sim_world_add_node(&world, "n1", "m5.large", "us-east-1a");
    kerf_node_id n2 = sim_world_add_node(&world, "n2", "m5.large", "us-east-1a");
    sim_world_run(&world, 0);
    kerf_pod_id pods[6];
    for (size_t i = 0; i < 6; i++)
        pods[i] = kerf_cluster_pod_at(cluster, i)->id;
    /* P1 unbound, P2 and P3 come late, P4 ready for hours, P5 for 40 s; all on n1 but P6 */
    kerf_cluster_bind_pod(cluster, pods[3], n1);
    sim_world_run(&world, SECONDS(3 * 3600 - 52)); /* the image is there: ready after 5 s */
    kerf_cluster_bind_pod(cluster, pods[4], n1);
    kerf_cluster_bind_pod(cluster, pods[5], n2); /* pulls for 7 s: ready 40 s before the hour */
    sim_world_run(&world, SECONDS(3 * 3600 - 2));
    kerf_cluster_bind_pod(cluster, pods[2], n1); /* runs, not ready */
    sim_world_run(&world, SECONDS(3 * 3600));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 2);
    cr_expect(kerf_pod_is_active(&kerf_cluster_pod(cluster, pods[3])->pod));
    const struct kerf_cluster_pod *shared = kerf_cluster_pod(cluster, pods[4]);
    const struct kerf_cluster_pod *alone = kerf_cluster_pod(cluster, pods[5]);
    cr_expect_eq(kerf_pod_is_active(&shared->pod), false, "P3, P4 and P5 share a node: the younger of the ready ones goes before P6");
    cr_expect(kerf_pod_is_active(&alone->pod));
    sim_world_run(&world, SECONDS(4 * 3600 + 60));
    cr_expect_not_null(kerf_cluster_pod(cluster, pods[3]), "the older one stays");
    cr_expect_null(kerf_cluster_pod(cluster, pods[5]));
    sim_world_close(&world);
}

Test(workload, statefulset_comes_and_goes_in_order)
{
    struct sim_world world;
    sim_world_open(&world, "load: [{ workload: StatefulSet/web, startTime: 40s, stopTime: 30s, schedule: [{ at: \"0 0 * * *\", replicas: 3 }, { at: \"0 1 * * *\", replicas: 0 }] }]\n",
                   workload("StatefulSet", 3, ""), CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    for (int second = 0; second < 600; second++) {
        sim_world_run(&world, SECONDS(second));
        bind_all(&world, node);
    }
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_READY, 0)->at_us, SECONDS(7 + 40));
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_ADDED, 1)->at_us, SECONDS(47), "the next when the first is ready");
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_READY, 2)->at_us, SECONDS(47 + 40 + 40));
    sim_world_run(&world, SECONDS(3600 + 200));
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_REMOVED, 0)->at_us, SECONDS(3600 + 31));
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_REMOVED, 2)->at_us, SECONDS(3600 + 93), "one after the other, from the top");
    cr_expect_eq(kerf_cluster_pod_count(world.world->cluster), 0);
    sim_world_close(&world);
}

Test(workload, statefulset_reuses_its_names)
{
    struct sim_world world;
    sim_world_open(&world, "", workload("StatefulSet", 2, ", podManagementPolicy: Parallel"), CONTROLLERS);
    struct kerf_cluster *cluster = world.world->cluster;
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, 0);
    cr_expect_eq(kerf_cluster_pod_count(cluster), 2, "both at once");
    bind_all(&world, node);
    sim_world_run(&world, SECONDS(60));
    kerf_name name = kerf_cluster_pod_at(cluster, 0)->pod.meta.name;
    kerf_cluster_delete_pod(cluster, kerf_cluster_pod_at(cluster, 0)->id, kerf_world_epoch_now(world.world) + SECONDS(30));
    sim_world_run(&world, SECONDS(62));
    cr_expect_eq(kerf_cluster_pod_count(cluster), 2, "its successor waits until it is gone");
    sim_world_run(&world, SECONDS(64));
    cr_expect_eq(kerf_cluster_pod_count(cluster), 2);
    cr_expect_eq(kerf_cluster_pod_at(cluster, 1)->pod.meta.name, name);
    sim_world_close(&world);
}

Test(workload, schedule_holds_over_local_midnight)
{
    struct sim_world world;
    /* Saturday 22:00 local (UTC-5) is Sunday 03:00 UTC. */
    sim_world_open(&world,
                   "start: 2026-01-03T22:00:00-05:00\ntimeZone: -05:00\nload: [{ workload: Deployment/web, schedule: [{ at: \"0 20 * * *\", replicas: 0 }, { "
                   "at: \"0 7 * * 1-5\", replicas: 9 }, { at: \"0 7 * * 6,0\", replicas: 4 }, { at: \"30 0 * * 0\", replicas: 2 }] }]\n",
                   workload("Deployment", 5, ""), CONTROLLERS);
    sim_world_run(&world, SECONDS(60));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 0, "what the last hit before the start set");
    sim_world_run(&world, SECONDS(2.5 * 3600 + 10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 2, "Sunday half past midnight by the scenario's clock");
    sim_world_run(&world, SECONDS(9 * 3600 + 10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 4, "a Sunday's seven");
    sim_world_run(&world, SECONDS(22 * 3600 + 10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 0);
    sim_world_close(&world);
}

Test(workload, curve_runs_straight_and_over_midnight)
{
    struct sim_world world;
    sim_world_open(&world,
                   "start: 2026-01-05\nload: [{ workload: Deployment/web, daily: { every: 5m, points: [{ at: \"06:00\", replicas: 10 }, { at: \"12:00\", "
                   "replicas: 22 }, { at: \"18:00\", replicas: 4 }] } }]\n",
                   workload("Deployment", 5, ""), CONTROLLERS);
    sim_world_run(&world, SECONDS(1));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 7, "half way from 18:00 to 06:00");
    sim_world_run(&world, SECONDS(8 * 3600 + 10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 14);
    sim_world_run(&world, SECONDS(12 * 3600 + 10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 22);
    sim_world_run(&world, SECONDS(15 * 3600 + 10));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 13);
    sim_world_close(&world);
}

Test(workload, budgets_reckon_with_the_wanted_replicas)
{
    struct sim_world world;
    sim_world_open(&world,
                   "start: 2026-01-05\nload: [{ workload: Deployment/web, schedule: [{ at: \"0 0 * * *\", replicas: 4 }, { at: \"0 1 * * *\", replicas: 8 }] }]\n",
                   "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: b }\nspec: { maxUnavailable: 2, selector: { matchLabels: { app: web } } }\n---\n"
                   "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 4, selector: { matchLabels: { app: web } }, template: { "
                   "metadata: { labels: { app: web } }, spec: { containers: [{ name: c, image: i }] } } }\n",
                   CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(1));
    bind_all(&world, node);
    sim_world_run(&world, SECONDS(100));
    cr_expect_eq(kerf_cluster_pdb_state(world.world->cluster, 0).disruptions_allowed, 2);
    sim_world_run(&world, SECONDS(3600));
    struct kerf_pdb_state state = kerf_cluster_pdb_state(world.world->cluster, 0);
    cr_expect_eq(state.expected_pods, 8);
    cr_expect_eq(state.disruptions_allowed, 0, "four are healthy, six are needed");
    sim_world_close(&world);
}
