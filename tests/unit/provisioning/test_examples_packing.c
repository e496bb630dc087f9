/* The worked examples 1 to 23 of karpenter-provisioning.md 16.2 to 16.4: packing, order, limits, pools, daemons, host ports. */
#include <criterion/criterion.h>

#include "../../support/plan_world.h"

static struct plan_world world;

static void set_up(void)
{
    plan_world_init(&world);
}
static void tear_down(void)
{
    plan_world_fini(&world);
}
TestSuite(examples_packing, .init = set_up, .fini = tear_down);

#define EXPECT(text) cr_expect_str_eq(plan_world_run(&world), text, "%s\n%s", world.outcome.bytes, world.reasons.bytes)
#define APART                                                                                                                    \
    ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, "     \
    "labelSelector: {matchLabels: {app: x}}}]}}"
#define REASON(pod, text)                                                                                                        \
    cr_expect(strstr(world.reasons.bytes, pod ": ") != NULL && strstr(strstr(world.reasons.bytes, pod ": "), text) != NULL,      \
              "%s", world.reasons.bytes)

Test(examples_packing, e01_three_pods_share_a_node)
{
    plan_world_add_pods(&world, "p", 3, "1.5", "1Gi", "", "");
    EXPECT("np{p1,p2,p3}[C] 4500m");
}

Test(examples_packing, e02_twenty_pods_take_four_nodes)
{
    plan_world_add_pods(&world, "p", 20, "1.5", "1Gi", "", "");
    EXPECT("np{p01,p02,p03,p04,p05}[C] 7500m; np{p06,p07,p08,p09,p10}[C] 7500m; np{p11,p12,p13,p14,p15}[C] 7500m; "
           "np{p16,p17,p18,p19,p20}[C] 7500m");
}

Test(examples_packing, e03_the_claim_with_fewer_pods_is_asked_first)
{
    static const char *const cpus[] = {"5", "3.5", "2.5", "2", "1.5"};
    for (size_t i = 0; i < 5; i++)
        plan_world_add_pod(&world, (char[]){(char)('a' + i), 0}, cpus[i], "1Gi", "", "");
    EXPECT("np{a,c}[C] 7500m; np{b,d,e}[C] 7");
}

Test(examples_packing, e04_a_full_claim_makes_a_new_one)
{
    plan_world_add_pod(&world, "g1", "7", "1Gi", "", "");
    plan_world_add_pod(&world, "g2", "0.9", "1Gi", "", "");
    plan_world_add_pod(&world, "g3", "0.9", "1Gi", "", "");
    EXPECT("np{g1,g2}[C] 7900m; np{g3}[A,B,C] 900m");
}

Test(examples_packing, e05_small_pods_alternate)
{
    plan_world_add_pods(&world, "b", 2, "1", "256Mi", "app: x", APART);
    plan_world_add_pods(&world, "s", 4, "0.5", "128Mi", "", "");
    EXPECT("np{b1,s1,s4}[A,B,C] 2; np{b2,s2,s3}[A,B,C] 2");
}

Test(examples_packing, e06_above_twelve_claims_the_sort_is_unstable)
{
    plan_world_add_pods(&world, "b", 14, "1", "256Mi", "app: x", APART);
    for (int i = 1; i <= 6; i++)
        plan_world_add_pod(&world, (char[]){'s', '0', (char)('0' + i), 0}, "0.25", "128Mi", "", "");
    EXPECT("np{b01,s01}[A,B,C] 1250m; np{b02,s04}[A,B,C] 1250m; np{b03}[A,B,C] 1; np{b04}[A,B,C] 1; np{b05}[A,B,C] 1; "
           "np{b06}[A,B,C] 1; np{b07,s02}[A,B,C] 1250m; np{b08,s06}[A,B,C] 1250m; np{b09,s03}[A,B,C] 1250m; np{b10}[A,B,C] 1; "
           "np{b11}[A,B,C] 1; np{b12}[A,B,C] 1; np{b13,s05}[A,B,C] 1250m; np{b14}[A,B,C] 1");
}

static void add_timed(const char *name, const char *cpu, const char *memory, int second)
{
    plan_world_add(&world,
                   "{apiVersion: v1, kind: Pod, metadata: {name: %s, uid: %s, creationTimestamp: '2026-01-01T00:00:0%dZ'}, spec: "
                   "{containers: [{name: main, resources: {requests: {cpu: '%s', memory: %s}}}]}}",
                   name, name, second, cpu, memory);
}

Test(examples_packing, e07_queue_order)
{
    add_timed("u0", "0.5", "8Gi", 0);
    add_timed("u1", "1", "1Gi", 5);
    add_timed("u2", "1", "2Gi", 9);
    add_timed("u3", "1", "1Gi", 5);
    add_timed("u9", "1", "1Gi", 4);
    EXPECT("np{u2,u9,u1,u3,u0}[C] 4500m");
}

Test(examples_packing, e08_a_nodes_limit_is_exceeded_within_a_pass)
{
    plan_world_add_pool(&world, "np", "", ", limits: {nodes: 2}");
    plan_world_add_pods(&world, "p", 3, "1.5", "128Mi", "app: x", APART);
    EXPECT("np{p1}[A,B,C] 1500m; np{p2}[A,B,C] 1500m; np{p3}[A,B,C] 1500m");
}

Test(examples_packing, e09_pods_per_node)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "a.large", 2, 4096, 0.1, 0);
    world.kubelet = "maxPods: 3,";
    plan_world_add_pods(&world, "p", 7, "0.1", "128Mi", "", "");
    EXPECT("np{p1,p2,p3}[A] 300m; np{p4,p5,p6}[A] 300m; np{p7}[A] 100m");
}

Test(examples_packing, e10_overhead_is_not_for_pods)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "a.large", 2, 4096, 0.1, 0);
    world.kubelet = "systemReserved: {cpu: 100m},";
    plan_world_add_pod(&world, "fits", "1900m", "128Mi", "", "");
    plan_world_add_pod(&world, "not", "1901m", "128Mi", "", "");
    EXPECT("np{fits}[A] 1900m; left not");
    REASON("not", "no instance type has enough resources");
}

Test(examples_packing, e11_large_and_small_pods_pair_up)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "a.large", 4, 4096, 0.1, 0);
    world.kubelet = "maxPods: 5, systemReserved: {cpu: 100m, memory: 10Mi},";
    plan_world_add_pods(&world, "l", 40, "0", "1.8G", "", "");
    plan_world_add_pods(&world, "s", 20, "0", "400M", "", "");
    plan_world_run(&world);
    cr_expect_eq(world.plan->claim_count, 20);
    cr_expect_eq(world.plan->refusal_count, 0);
    for (size_t i = 0; i < world.plan->claim_count; i++) {
        size_t small = 0;
        for (size_t k = 0; k < world.plan->claims[i].pod_count; k++)
            small += kerf_cluster_pod(world.cluster, world.plan->claims[i].pods[k])->pod.meta.name->text[0] == 's';
        cr_expect_eq(world.plan->claims[i].pod_count, 3);
        cr_expect_eq(small, 1);
    }
}

Test(examples_packing, e12_weight_then_name_descending)
{
    plan_world_add_pool(&world, "a", "", ", weight: 10");
    plan_world_add_pool(&world, "b", "", ", weight: 10");
    plan_world_add_pool(&world, "c", "", "");
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "", "");
    EXPECT("b{p}[A,B,C] 500m");
}

/* ---- limits and pools ------------------------------------------------------------------------------------------------- */

Test(examples_packing, e13_limit_of_cpu)
{
    plan_world_add_pool(&world, "np", "", ", limits: {cpu: 3}");
    plan_world_add_pods(&world, "p", 2, "1.5", "128Mi", "app: x", APART);
    EXPECT("np{p1}[A] 1500m; left p2");
    REASON("p2", "all available instance types exceed limits");
}

Test(examples_packing, e14_the_largest_option_counts_against_the_limit)
{
    plan_world_add_pool(&world, "np", "", ", limits: {cpu: 10}");
    plan_world_add_pods(&world, "p", 3, "1.5", "128Mi", "app: x", APART);
    EXPECT("np{p1}[A,B,C] 1500m; np{p2}[A] 1500m; left p3");
}

Test(examples_packing, e15_nodes_of_the_pool_count_against_the_limit)
{
    plan_world_add_pool(&world, "np", "", ", limits: {cpu: 6}");
    plan_world_add_node(&world, "full", "z1", "4", true, "");
    plan_world_add_bound(&world, "runs", "full", "4", "");
    plan_world_add_pod(&world, "p1", "1.5", "128Mi", "", "");
    EXPECT("np{p1}[A] 1500m");
}

Test(examples_packing, e16_limit_of_memory)
{
    plan_world_add_pool(&world, "np", "", ", limits: {memory: 20Gi}");
    plan_world_add_pods(&world, "p", 3, "3", "1Gi", "app: x", APART);
    EXPECT("np{p1}[B,C] 3; left p2,p3");
    REASON("p2", "no instance type has enough resources");
}

Test(examples_packing, e17_what_one_pool_may_not_another_does)
{
    plan_world_add_pool(&world, "hi", "", ", weight: 50, limits: {cpu: 8}");
    plan_world_add_pool(&world, "lo", "", "");
    plan_world_add_pods(&world, "p", 3, "3", "128Mi", "app: x", APART);
    EXPECT("hi{p1}[B,C] 3; lo{p2}[B,C] 3; lo{p3}[B,C] 3");
}

Test(examples_packing, e18_a_claim_in_flight_beats_a_higher_weight)
{
    plan_world_add_pool(&world, "hi", ", taints: [{key: gpu, effect: NoSchedule}]", ", weight: 50");
    plan_world_add_pool(&world, "lo", "", "");
    plan_world_add_pod(&world, "p", "1.5", "128Mi", "", "");
    plan_world_add_pod(&world, "q", "1", "128Mi", "", ", tolerations: [{key: gpu, operator: Exists}]");
    EXPECT("lo{p,q}[B,C] 2500m");
}

Test(examples_packing, e19_offerings_out_of_capacity)
{
    plan_world_add_pool(&world, "np", ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]", "");
    world.unavailable = "spot:a.large:*,spot:b.large:*";
    plan_world_add_pod(&world, "p1", "1.5", "128Mi", "", "");
    EXPECT("np{p1}[C] 1500m");
}

/* ---- daemons and host ports ------------------------------------------------------------------------------------------- */

static void add_daemonset(const char *cpu, const char *memory, const char *spec, const char *ports)
{
    plan_world_add(&world,
                   "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: ds, namespace: kube-system}, spec: {selector: "
                   "{matchLabels: {ds: ds}}, template: {metadata: {labels: {ds: ds}}, spec: {containers: [{name: main, "
                   "resources: {requests: {cpu: '%s', memory: %s}}%s}]%s}}}}",
                   cpu, memory, ports, spec);
}

Test(examples_packing, e20_daemons_are_in_the_stated_requests)
{
    add_daemonset("1", "1Gi", "", "");
    plan_world_add_pods(&world, "p", 2, "1", "1Gi", "", "");
    EXPECT("np{p1,p2}[B,C] 3");
    const struct kerf_resources *requests = &world.plan->claims[0].requests;
    cr_expect_eq(requests->memory_millibytes, (int64_t)3 * 1024 * 1024 * 1024 * 1000);
    cr_expect_eq(requests->pods, 3);
}

Test(examples_packing, e21_a_type_is_excluded_by_its_own_daemon)
{
    add_daemonset("0.5", "0", ", nodeSelector: {node.kubernetes.io/instance-type: a.large}", "");
    plan_world_add_pod(&world, "p", "1.6", "128Mi", "", "");
    EXPECT("np{p}[B,C] 1600m");
}

#define PORT_8080 ", ports: [{containerPort: 80, hostPort: 8080}]"

static void add_port_pod(const char *name)
{
    plan_world_add(&world,
                   "{apiVersion: v1, kind: Pod, metadata: {name: %s, uid: %s}, spec: {containers: [{name: main, resources: "
                   "{requests: {cpu: '0.5'}}%s}]}}",
                   name, name, PORT_8080);
}

Test(examples_packing, e22_host_ports_keep_pods_apart)
{
    add_port_pod("p1");
    add_port_pod("p2");
    EXPECT("np{p1}[A,B,C] 500m; np{p2}[A,B,C] 500m");
}

Test(examples_packing, e23_a_daemon_has_the_port)
{
    add_daemonset("0.1", "0", "", PORT_8080);
    add_port_pod("p1");
    EXPECT("left p1");
    REASON("p1", "met the scheduling requirements or had enough resources or had a required offering");
}
