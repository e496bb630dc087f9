/** kube-scheduler's queue in time: rate, marks, wake-ups, order, preemption (kube-scheduler.md 2, 3 and 11). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define CONTROLLERS (1u << KERF_SIM_BINDER | 1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_KUBELETS)

static const char *web(int replicas, const char *cpu, const char *spec)
{
    static char text[1024];
    snprintf(text, sizeof text,
             "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: %d, selector: { matchLabels: { app: web } }, template: { metadata: { "
             "labels: { app: web } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: %s } } }]%s } } }\n",
             replicas, cpu, spec);
    return text;
}

Test(binder, binds_a_hundred_at_once_then_fifty_a_second)
{
    struct sim_world world;
    sim_world_open(&world, "timings: { controllerBurst: 1000 }\n", web(200, "1m", ""), CONTROLLERS);
    for (int i = 0; i < 8; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        sim_world_add_node(&world, name, "m5.large", "us-east-1a");
    }
    sim_world_run(&world, 0);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_BOUND), 100);
    sim_world_run(&world, SECONDS(1));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_BOUND), 150);
    sim_world_run(&world, SECONDS(3));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_BOUND), 200);
    sim_world_close(&world);
}

Test(binder, marks_take_tokens_and_are_made_once)
{
    struct sim_world world;
    sim_world_open(&world, "timings: { controllerBurst: 1000 }\n", web(200, "1m", ""), CONTROLLERS);
    sim_world_run(&world, 0);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 100);
    sim_world_run(&world, SECONDS(60));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 200);
    sim_world_close(&world);
}

/* Example 25 of kube-scheduler.md 14: a hundred marks at once, then fifty a second. */
Test(binder, example_25_a_thousand_pods_without_room_are_marked_in_18_seconds)
{
    struct sim_world world;
    sim_world_open(&world, "timings: { controllerBurst: 1000 }\n", web(1000, "1m", ""), CONTROLLERS);
    sim_world_run(&world, SECONDS(10));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 600, "those of Karpenter's first batch");
    sim_world_run(&world, SECONDS(17.9));
    cr_expect_lt(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 1000);
    sim_world_run(&world, SECONDS(18));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 1000);
    sim_world_close(&world);
}

/* Example 26: the pod fails at 0 s, its node appears at 35 s with a taint and is ready at 48 s; the scheduler is idle. */
Test(binder, example_26_a_pod_is_bound_when_its_node_loses_the_taint)
{
    struct sim_world world;
    sim_world_open(&world, "", web(1, "500m", ""), CONTROLLERS);
    kerf_node_id full = sim_world_add_node(&world, "full", "m5.large", "us-east-1a");
    kerf_cluster_bind_pod(world.world->cluster, sim_world_add_pod(&world, "big", "1900m", "1Gi", "", ""), full);
    sim_world_run(&world, SECONDS(35));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 1);
    kerf_node_id node = sim_world_add_node(&world, "new", "m5.large", "us-east-1a");
    struct kerf_taint taint = {.key = world.world->vocabulary->key_taint_not_ready, .effect = KERF_TAINT_NO_SCHEDULE};
    kerf_cluster_set_node_taints(world.world->cluster, node, (struct kerf_taints){&taint, 1});
    sim_world_run(&world, SECONDS(48));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 0);
    kerf_cluster_set_node_taints(world.world->cluster, node, (struct kerf_taints){NULL, 0});
    sim_world_run(&world, SECONDS(60));
    cr_assert_eq(sim_world_bound_pods(&world, "web"), 1);
    kerf_pod_id pod = kerf_cluster_pod_at(world.world->cluster, 0)->id;
    if (kerf_cluster_pod(world.world->cluster, pod)->workload_index == KERF_NOT_FOUND)
        pod = kerf_cluster_pod_at(world.world->cluster, 1)->id;
    cr_expect_eq(sim_world_pod_event(&world, KERF_CHANGE_POD_BOUND, pod)->at_us, SECONDS(48));
    sim_world_close(&world);
}

/* Example 28: without a node there is no plugin to blame; attempts come by the clock, and a node that comes doesn't hasten them. */
Test(binder, example_28_a_cluster_without_nodes)
{
    static const double joins_s[] = {0.5, 2.5, 7, 17, 29.5, 30.5, 41.5}, bound_s[] = {2, 5, 10, 19, 30, 41, 52};
    for (size_t i = 0; i < sizeof joins_s / sizeof joins_s[0]; i++) {
        struct sim_world world;
        sim_world_open(&world, "", web(1, "1m", ""), CONTROLLERS);
        sim_world_run(&world, SECONDS(joins_s[i]));
        cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_UNSCHEDULABLE, 0)->at_us, 0);
        sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
        sim_world_run(&world, SECONDS(60));
        cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_BOUND, 0)->at_us, SECONDS(bound_s[i]), "a node after %g s", joins_s[i]);
        sim_world_close(&world);
    }
}

Test(binder, a_node_helps_at_once_whatever_the_back_off)
{
    struct sim_world world;
    sim_world_open(&world, "", web(1, "100m", ""), CONTROLLERS);
    kerf_node_id full = sim_world_add_node(&world, "full", "m5.large", "us-east-1a");
    struct kerf_taint taint = {.key = kerf_name_of(world.world->vocabulary->names, "t"), .effect = KERF_TAINT_NO_SCHEDULE};
    for (int i = 0; i < 8; i++) { /* eight events that don't help: eight failures, and a back-off of ten seconds */
        taint.value = kerf_name_of(world.world->vocabulary->names, i % 2 ? "a" : "b");
        kerf_cluster_set_node_taints(world.world->cluster, full, (struct kerf_taints){&taint, 1});
        sim_world_run(&world, SECONDS(i));
    }
    sim_world_run(&world, SECONDS(9));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 0);
    sim_world_add_node(&world, "new", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(9));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);
    sim_world_close(&world);
}

Test(binder, the_first_come_is_the_first_served)
{
    struct sim_world world;
    sim_world_open(&world, "timings: { controllerWritesPerSecond: 1, controllerBurst: 1 }\n", web(6, "900m", ""), CONTROLLERS);
    kerf_node_id other = sim_world_add_node(&world, "other", "m5.large", "us-east-1a"); /* with none at all, see example 28 */
    struct kerf_taint taint = {.key = kerf_name_of(world.world->vocabulary->names, "t"), .effect = KERF_TAINT_NO_SCHEDULE};
    kerf_cluster_set_node_taints(world.world->cluster, other, (struct kerf_taints){&taint, 1});
    sim_world_run(&world, SECONDS(30));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_UNSCHEDULABLE), 6);
    sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(40));
    sim_world_add_node(&world, "b", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(50));
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_BOUND, i)->pod.index, sim_world_event(&world, KERF_CHANGE_POD_ADDED, i)->pod.index);
    sim_world_close(&world);
}

Test(binder, room_that_pods_leave_is_taken)
{
    struct sim_world world;
    sim_world_open(&world, "", web(3, "900m", ""), CONTROLLERS);
    sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(60));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 2);
    kerf_pod_id bound = sim_world_event(&world, KERF_CHANGE_POD_BOUND, 0)->pod;
    kerf_cluster_delete_pod(world.world->cluster, bound, kerf_world_epoch_now(world.world) + SECONDS(30));
    sim_world_run(&world, SECONDS(100));
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_BOUND, 2)->at_us, sim_world_pod_event(&world, KERF_CHANGE_POD_REMOVED, bound)->at_us);
    sim_world_close(&world);
}

Test(binder, pods_that_want_company_are_tried_when_it_comes)
{
    struct sim_world world;
    sim_world_open(&world, "",
                   web(1, "100m",
                       ", affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: { "
                       "matchLabels: { app: db } } }] } }"),
                   CONTROLLERS);
    sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(60));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 0);
    sim_world_add_pod(&world, "db", "100m", "1Mi", ", labels: { app: db }", "");
    sim_world_run(&world, SECONDS(61));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);
    sim_world_close(&world);
}

Test(binder, preemption_makes_room_and_is_taken_back_when_the_room_goes)
{
    struct sim_world world;
    sim_world_open(&world, "", web(2, "900m", ""), CONTROLLERS);
    kerf_node_id node = sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(60));
    kerf_pod_id urgent = sim_world_add_pod(&world, "urgent", "1", "1Mi", "", ", priority: 1000");
    sim_world_run(&world, SECONDS(61));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_PREEMPTED), 1);
    cr_expect_not_null(kerf_pod_status(&kerf_cluster_pod(world.world->cluster, urgent)->pod)->nominated_node_name);
    sim_world_run(&world, SECONDS(70));
    cr_expect(kerf_node_id_equal(kerf_cluster_pod(world.world->cluster, urgent)->node, node));
    cr_expect_eq(sim_world_active_pods(&world, "web"), 2, "its victim's successor waits");
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);

    kerf_pod_id second = sim_world_add_pod(&world, "second", "1900m", "1Mi", "", ", priority: 2000");
    sim_world_run(&world, SECONDS(71));
    struct kerf_taint taint = {.key = kerf_name_of(world.world->vocabulary->names, "t"), .effect = KERF_TAINT_NO_SCHEDULE};
    kerf_cluster_set_node_taints(world.world->cluster, node, (struct kerf_taints){&taint, 1});
    sim_world_run(&world, SECONDS(200));
    const struct kerf_cluster_pod *waiting = kerf_cluster_pod(world.world->cluster, second);
    cr_expect_null(kerf_pod_status(&waiting->pod)->nominated_node_name, "nobody is left to go, and there is no room: Karpenter may help");
    size_t told = 0;
    for (size_t i = 0; i < world.events.count; i++)
        told += world.events.items[i].kind == KERF_CHANGE_POD_UNSCHEDULABLE && kerf_pod_id_equal(world.events.items[i].pod, second);
    cr_expect_eq(told, 2, "marked, and again when the nomination was taken back");
    sim_world_close(&world);
}

Test(binder, a_higher_preemptor_takes_back_the_hope_of_a_lower_one)
{
    struct sim_world world;
    sim_world_open(&world, "", web(1, "1700m", ""), CONTROLLERS);
    sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(60));
    kerf_pod_id lower = sim_world_add_pod(&world, "lower", "1", "1Mi", "", ", priority: 10");
    sim_world_run(&world, SECONDS(61));
    cr_expect_not_null(kerf_pod_status(&kerf_cluster_pod(world.world->cluster, lower)->pod)->nominated_node_name);
    kerf_pod_id higher = sim_world_add_pod(&world, "higher", "1700m", "1Mi", "", ", priority: 20");
    sim_world_run(&world, SECONDS(61.5));
    cr_expect_not_null(kerf_pod_status(&kerf_cluster_pod(world.world->cluster, higher)->pod)->nominated_node_name);
    cr_expect_null(kerf_pod_status(&kerf_cluster_pod(world.world->cluster, lower)->pod)->nominated_node_name);
    sim_world_close(&world);
}
