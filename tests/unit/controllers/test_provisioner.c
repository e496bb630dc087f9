/** The batch window (karpenter-provisioning.md 1.5), the gate (1.6) and the timeline (1.8). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

/* No binder: tests mark pods themselves, to the tenth of a second. A pass takes no time: pods are placed at a million a second. */
#define CONTROLLERS (1u << KERF_SIM_LIFECYCLE | 1u << KERF_SIM_PROVISIONER)
#define TIMINGS "timings: { provisionerPodsPerSecond: 1000000, launch: { mu: 1.0986122886681098, sigma: 0 }"

static void open_world(struct sim_world *world, const char *timings)
{
    char keys[256];
    snprintf(keys, sizeof keys, TIMINGS "%s }\n", timings);
    sim_world_open(world, keys, sim_pool_of_m5_large, CONTROLLERS);
}

static kerf_pod_id mark(struct sim_world *world, double second, const char *name)
{
    sim_world_run(world, SECONDS(second));
    kerf_pod_id pod = sim_world_add_pod(world, name, "1500m", "1Gi", "", "");
    kerf_cluster_set_pod_unschedulable(world->world->cluster, pod, true);
    return pod;
}

static double created_at(const struct sim_world *world, size_t n)
{
    return (double)sim_world_event(world, KERF_CHANGE_CLAIM_ADDED, n)->at_us / 1e6;
}

Test(provisioner, one_pod_waits_a_second)
{
    struct sim_world world;
    open_world(&world, "");
    mark(&world, 0, "p");
    sim_world_run(&world, SECONDS(5));
    cr_expect_float_eq(created_at(&world, 0), 1.0, 1e-4);
    sim_world_close(&world);
}

Test(provisioner, each_new_pod_extends_the_window)
{
    struct sim_world world;
    open_world(&world, "");
    mark(&world, 0, "p");
    mark(&world, 0.6, "q");
    mark(&world, 1.5, "r");
    sim_world_run(&world, SECONDS(5));
    cr_expect_float_eq(created_at(&world, 0), 2.5, 1e-4);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 3);
    sim_world_close(&world);
}

Test(provisioner, ten_seconds_end_any_window)
{
    struct sim_world world;
    open_world(&world, "");
    for (int i = 0; i < 30; i++) {
        char name[24];
        snprintf(name, sizeof name, "p%d", i);
        mark(&world, 0.5 * i, name);
    }
    cr_expect_float_eq(created_at(&world, 0), 10.0, 1e-4);
    sim_world_close(&world);
}

Test(provisioner, a_pod_during_a_pass_opens_the_next_window_at_its_end)
{
    struct sim_world world;
    sim_world_open(&world, "timings: { provisionerPodsPerSecond: 0.25, launch: { mu: -3, sigma: 0 } }\n", sim_pool_of_m5_large, CONTROLLERS);
    mark(&world, 0, "p"); /* window ends at 1, the pass takes 4 s */
    mark(&world, 2, "q");
    sim_world_run(&world, SECONDS(30));
    cr_expect_float_eq(created_at(&world, 0), 5.0, 1e-4);
    cr_expect_float_eq(created_at(&world, 1), 6.0 + 8.0, 1e-4, "the window of 5 to 6, then a pass over both pods");
    sim_world_close(&world);
}

/* 1.8, with a launch of three seconds */
Test(provisioner, passes_wait_for_launches)
{
    struct sim_world world;
    open_world(&world, "");
    mark(&world, 0, "p1");
    mark(&world, 2, "p4");
    sim_world_run(&world, SECONDS(9.9));
    cr_expect_float_eq(created_at(&world, 0), 1.0, 1e-4);
    cr_expect_float_eq((double)sim_world_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, 0)->at_us / 1e6, 4.0, 1e-3);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 1, "the window of 2 to 3 met a claim without an answer");
    sim_world_run(&world, SECONDS(20));
    cr_expect_float_eq(created_at(&world, 1), 11.0, 1e-3, "p1's repeat at 10 s opens a window, p4 is part of its pass");
    sim_world_close(&world);
}

Test(provisioner, pods_come_back_until_they_have_a_node)
{
    struct sim_world world;
    open_world(&world, ", registration: { mu: 5, sigma: 0 }");
    mark(&world, 0, "p");
    sim_world_run(&world, SECONDS(120));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 1, "a launched claim is an existing node: no second one");
    const struct kerf_cluster_node *node = kerf_cluster_node_at(world.world->cluster, 0);
    cr_expect_geq(node->nominated_until_epoch_us - world.design->start_epoch_us, SECONDS(111 + 20), "and is nominated by each pass");
    sim_world_close(&world);
}

Test(provisioner, limits_hold_at_creation)
{
    struct sim_world world;
    struct kerf_text text = {0};
    kerf_text_append(&text, sim_pool_of_m5_large);
    kerf_text_append(&text, "{ apiVersion: v1, kind: Namespace, metadata: { name: x } }\n");
    char *at = strstr(text.bytes, "  template:");
    struct kerf_text limited = {0};
    kerf_text_append_bytes(&limited, text.bytes, (size_t)(at - text.bytes));
    kerf_text_append(&limited, "  limits: { cpu: 3 }\n");
    kerf_text_append(&limited, at);
    sim_world_open(&world, TIMINGS " }\n", limited.bytes, CONTROLLERS);
    mark(&world, 0, "p");
    mark(&world, 0, "q");
    mark(&world, 0, "r");
    sim_world_run(&world, SECONDS(300));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 1, "two nodes of two vCPU exceed three");
    sim_world_close(&world);
    kerf_text_fini(&text);
    kerf_text_fini(&limited);
}
