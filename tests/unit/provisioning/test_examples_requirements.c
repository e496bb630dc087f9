/*
 * The worked examples 46 to 60 of karpenter-provisioning.md 16.7 and 16.8: requirements, relaxation, minValues, capacity reservations,
 * existing nodes.
 */
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
TestSuite(examples_requirements, .init = set_up, .fini = tear_down);

#define EXPECT(text) cr_expect_str_eq(plan_world_run(&world), text, "%s\n%s", world.outcome.bytes, world.reasons.bytes)

#define ZONE "topology.kubernetes.io/zone"
#define HOST "kubernetes.io/hostname"
#define WANTS(expression)                                                                                                        \
    ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: "       \
    "[{" expression "}]}]}}}"
#define ZONE_TERM(zone) "{matchExpressions: [{key: " ZONE ", operator: In, values: [" zone "]}]}"
#define ZONES(zones) ", requirements: [{key: " ZONE ", operator: In, values: [" zones "]}]"

Test(examples_requirements, e46_a_label_that_nobody_defines)
{
    plan_world_add_pod(&world, "in", "0.4", "128Mi", "", WANTS("key: foo, operator: In, values: [x]"));
    plan_world_add_pod(&world, "exists", "0.3", "128Mi", "", WANTS("key: foo, operator: Exists"));
    EXPECT("left exists,in");
}

Test(examples_requirements, e46_may_be_absent)
{
    plan_world_add_pod(&world, "notin", "0.2", "128Mi", "", WANTS("key: foo, operator: NotIn, values: [x]"));
    EXPECT("np{notin}[A,B,C] 200m");
}

Test(examples_requirements, e46_may_have_to_be_absent)
{
    plan_world_add_pod(&world, "absent", "0.1", "128Mi", "", WANTS("key: foo, operator: DoesNotExist"));
    EXPECT("np{absent}[A,B,C] 100m");
}

Test(examples_requirements, e47_an_exclusion_makes_a_label_known)
{
    plan_world_add_pod(&world, "p1", "1", "128Mi", "", WANTS("key: foo, operator: NotIn, values: [x]"));
    plan_world_add_pod(&world, "p2", "0.5", "128Mi", "", WANTS("key: foo, operator: In, values: [y]"));
    world.shown_keys[0] = "foo";
    EXPECT("np{p1,p2}[A,B,C] 1500m foo=y");
    struct kerf_nodeclaim claim;
    kerf_plan_make_claim(world.cluster, &world.plan->claims[0], world.vocabulary->word_default, 0, &world.arena, &claim);
    kerf_name value = kerf_labels_get(&claim.meta.labels, kerf_name_find(world.vocabulary->names, "foo"));
    cr_expect_str_eq(kerf_name_text(value), "y");
}

Test(examples_requirements, e48_terms_are_given_up_from_the_front)
{
    world.shown_keys[0] = ZONE;
    plan_world_add_pod(
        &world, "p", "0.5", "128Mi", "",
        ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" ZONE_TERM(
            "bad") ", " ZONE_TERM("bad2") ", " ZONE_TERM("z1") ", " ZONE_TERM("z2") "]}}}");
    EXPECT("np{p}[A,B,C] 500m zone=z1");
    cr_expect_eq(world.plan->attempts, 3);
}

Test(examples_requirements, e49_the_heaviest_preference_first)
{
    world.shown_keys[0] = ZONE;
    plan_world_add_pool(&world, "np", ZONES("z1, z2"), "");
    plan_world_add_pod(
        &world, "p", "0.5", "128Mi", "",
        ", affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: " ZONE_TERM(
            "z1") "}, {weight: 100, preference: " ZONE_TERM("bad") "}, {weight: 50, preference: " ZONE_TERM("z2") "}]}}");
    EXPECT("np{p}[A,B,C] 500m zone=z2");
    cr_expect_eq(world.plan->attempts, 2);
}

#define AFFINE_TO_NOBODY                                                                                                         \
    "podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: " HOST           \
    ", labelSelector: {matchLabels: {app: nobody}}}}]}"

Test(examples_requirements, e50_a_term_goes_before_a_preference)
{
    world.shown_keys[0] = ZONE;
    plan_world_add_pod(
        &world, "p", "0.5", "128Mi", "",
        ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" ZONE_TERM(
            "z1") ", " ZONE_TERM("z2") "]}}, " AFFINE_TO_NOBODY "}");
    EXPECT("np{p}[A,B,C] 500m zone=z2");
    cr_expect_eq(world.plan->attempts, 3);
}

Test(examples_requirements, e51_all_six_steps)
{
    world.shown_keys[0] = ZONE;
    plan_world_add_pool(&world, "np", ", taints: [{key: soft, effect: PreferNoSchedule}]" ZONES("z1, z2"), "");
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "app: x",
                       ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
                       "[" ZONE_TERM("z9") ", " ZONE_TERM("z1") "]}, preferredDuringSchedulingIgnoredDuringExecution: [{weight: "
                                                                "1, preference: " ZONE_TERM(
                                                                    "z8") "}]}, " AFFINE_TO_NOBODY
                                                                          ", podAntiAffinity: "
                                                                          "{preferredDuringSchedulingIgnoredDuringExecution: "
                                                                          "[{weight: 1, "
                                                                          "podAffinityTerm: {topologyKey: " HOST
                                                                          ", labelSelector: {matchLabels: {app: x}}}}]}}"
                                                                          ", topologySpreadConstraints: [{topologyKey: " ZONE
                                                                          ", maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, "
                                                                          "labelSelector: "
                                                                          "{matchLabels: {app: x}}}]");
    EXPECT("np{p}[A,B,C] 500m zone=z1");
    cr_expect_eq(world.plan->attempts, 7);
}

/* ---- minValues -------------------------------------------------------------------------------------------------------- */

static void add_t1_and_t2(const char *min_values)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "t1.large", 1, 1024, 0.52, 0);
    plan_world_add_type(&world, "t2.large", 4, 4096, 1.0, 0);
    world.kubelet = "systemReserved: {cpu: 100m, memory: 10Mi},";
    world.shown_keys[0] = "node.kubernetes.io/instance-type";
    plan_world_add_pool(&world, "np", min_values, "");
}

#define TYPES(types, count) ", requirements: [{key: node.kubernetes.io/instance-type, " types ", minValues: " count "}]"

Test(examples_requirements, e52_min_values_of_types)
{
    add_t1_and_t2(TYPES("operator: Exists", "2"));
    plan_world_add_pods(&world, "p", 2, "0.9", "0.9Gi", "", "");
    EXPECT(
        "np{p1}[t1,t2] 900m instance-type=t1.large|t2.large(min 2); np{p2}[t1,t2] 900m instance-type=t1.large|t2.large(min 2)");
}

Test(examples_requirements, e53_strict_drops_the_template)
{
    add_t1_and_t2(TYPES("operator: In, values: [t1.large, t2.large, t3.large]", "3"));
    plan_world_add_pods(&world, "p", 3, "0.9", "0.9Gi", "", "");
    EXPECT("left p1,p2,p3");
    cr_expect(strstr(world.reasons.bytes, "nodepool requirements filtered out all available instance types"));
}

Test(examples_requirements, e53_best_effort_lowers_the_number)
{
    add_t1_and_t2(TYPES("operator: In, values: [t1.large, t2.large, t3.large]", "3"));
    plan_world_add_pods(&world, "p", 3, "0.9", "0.9Gi", "", "");
    world.options.min_values_policy = KERF_MIN_VALUES_BEST_EFFORT;
    EXPECT(
        "np{p1}[t1,t2] 900m instance-type=t1.large|t2.large(min 2); np{p2}[t1,t2] 900m instance-type=t1.large|t2.large(min 2); "
        "np{p3}[t1,t2] 900m instance-type=t1.large|t2.large(min 2)");
    cr_expect(world.plan->claims[0].min_values_relaxed);
}

Test(examples_requirements, e54_min_values_of_zones_counts_what_types_have)
{
    plan_world_add_pool(&world, "np", ", requirements: [{key: " ZONE ", operator: In, values: [z1, z2, z3], minValues: 2}]", "");
    world.shown_keys[0] = ZONE;
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "", ", nodeSelector: {" ZONE ": z1}");
    EXPECT("np{p}[A,B,C] 500m zone=z1(min 2)");
}

/* ---- capacity reservations --------------------------------------------------------------------------------------------- */

#define CAPACITY_TYPE "karpenter.sh/capacity-type"
#define RESERVATION "karpenter.k8s.aws/capacity-reservation-id"

/** What the claim of the last pass was made for is done: its pod has a place, its reservation an instance less. */
static void launch_claim(const char *reservation)
{
    kerf_cluster_remove_pod(world.cluster, world.plan->claims[0].pods[0]);
    for (size_t i = 0; i < world.objects.capacity_reservations.count; i++)
        if (kerf_name_is(world.objects.capacity_reservations.items[i].id, reservation))
            kerf_cluster_change_reservation_room(world.cluster, (uint32_t)i, -1);
}

Test(examples_requirements, e55_a_pass_holds_every_reservation_that_a_claim_may_get)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "large.x", 6, 16384, 0.6, 0);
    plan_world_add_type(&world, "medium.x", 3, 8192, 0.3, 0);
    plan_world_add_type(&world, "small.x", 2, 4096, 0.2, 0);
    plan_world_add_reservation(&world, "cr-medium", "medium.x", "z1", 1, "");
    plan_world_add_reservation(&world, "cr-small", "small.x", "z1", 1, "");
    plan_world_add_pods(&world, "p", 3, "1.8", "128Mi", "", "");
    world.shown_keys[0] = CAPACITY_TYPE;
    world.shown_keys[1] = RESERVATION;
    EXPECT("np{p1}[small,medium,large] 1800m capacity-type=reserved capacity-reservation-id=cr-medium|cr-small; left p2,p3");
    cr_expect(world.plan->refusals[0].is_deferred);
    cr_expect(world.plan->refusals[1].is_deferred);
    cr_expect_str_eq(plan_world_launch(&world, 0), "reserved small/z1/cr-small medium/z1/cr-medium");

    launch_claim("cr-small");
    EXPECT("np{p2}[medium,large,small] 1800m capacity-type=reserved capacity-reservation-id=cr-medium; left p3");
    cr_expect(world.plan->refusals[0].is_deferred);
    cr_expect_str_eq(plan_world_launch(&world, 0), "reserved medium/z1/cr-medium");

    launch_claim("cr-medium");
    EXPECT("np{p3}[small,medium,large] 1800m capacity-type=on-demand capacity-reservation-id=any");
    cr_expect_str_eq(plan_world_launch(&world, 0), "on-demand small/z1 small/z2 small/z3 medium/z1 medium/z2 medium/z3 large/z1 large/z2 large/z3");
}

/** Q24: a NodePool of lower weight is not used while reservations are only short in this pass. */
Test(examples_requirements, a_deferred_pod_does_not_go_to_the_next_template)
{
    plan_world_add_pool(&world, "heavy", "", ", weight: 10");
    plan_world_add_pool(&world, "light", ", requirements: [{key: " CAPACITY_TYPE ", operator: In, values: [on-demand]}]", "");
    plan_world_add_reservation(&world, "cr-1", "a.large", "z1", 1, "");
    plan_world_add_pods(&world, "p", 2, "1.8", "128Mi", "", "");
    EXPECT("heavy{p1}[A,B,C] 1800m; left p2");
    cr_expect(world.plan->refusals[0].is_deferred);
}

/** A pod that no reservation suits is none of their business; nor is one where they may do without (disruption). */
Test(examples_requirements, only_compatible_reservations_defer)
{
    plan_world_add_reservation(&world, "cr-1", "a.large", "z1", 1, "");
    plan_world_add_pod(&world, "p1", "1.9", "128Mi", "", "");
    plan_world_add_pod(&world, "p2", "1.8", "128Mi", "", ", nodeSelector: {" ZONE ": z2}");
    plan_world_add_pod(&world, "p3", "1.7", "128Mi", "", ", nodeSelector: {" RESERVATION ": cr-1}");
    world.shown_keys[0] = CAPACITY_TYPE;
    EXPECT("np{p1}[A,B,C] 1900m capacity-type=reserved; np{p2}[A,B,C] 1800m capacity-type=on-demand|spot; left p3");
}

/* ---- existing nodes --------------------------------------------------------------------------------------------------- */

Test(examples_requirements, e56_initialized_nodes_first_then_by_name)
{
    plan_world_add_node(&world, "node-a", "z1", "4", false, "");
    plan_world_add_node(&world, "node-b", "z1", "1.5", true, "");
    plan_world_add_node(&world, "node-c", "z1", "1", true, "");
    plan_world_add_pods(&world, "p", 3, "1", "512Mi", "", "");
    EXPECT("node-b{p1}; node-c{p2}; node-a{p3}");
}

Test(examples_requirements, e57_a_launched_claim_is_a_node)
{
    plan_world_add_node(&world, "b-node", "z1", "1.5", true, "");
    plan_world_add(
        &world, "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: a-claim, labels: {karpenter.sh/nodepool: np}}, "
                "spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}, status: {providerID: "
                "'aws:///z1/i-1', capacity: {cpu: 1500m, memory: 4Gi, pods: '9'}, allocatable: {cpu: 1500m, memory: 4Gi, pods: "
                "'9'}, conditions: [{type: Launched, status: 'True'}]}}");
    plan_world_add_pods(&world, "p", 3, "1", "128Mi", "", "");
    EXPECT("np{p3}[A,B,C] 1; b-node{p1}; a-claim{p2}");
}

Test(examples_requirements, e58_a_node_must_have_the_label)
{
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", ", nodeSelector: {karpenter.sh/capacity-type: spot}");
    EXPECT("np{p}[A,B,C] 1");
}

Test(examples_requirements, e59_a_negative_rest_closes_the_node)
{
    plan_world_add(
        &world,
        "{apiVersion: v1, kind: Node, metadata: {name: n, labels: {kubernetes.io/hostname: n}}, spec: {providerID: "
        "'aws:///z1/i-1'}, status: {allocatable: {cpu: '4', memory: 8Gi, pods: '20', nvidia.com/gpu: '0'}, capacity: {cpu: "
        "'4', memory: 8Gi, pods: '20', nvidia.com/gpu: '0'}}}");
    plan_world_add(&world,
                   "{apiVersion: v1, kind: Pod, metadata: {name: runs, uid: runs}, spec: {nodeName: n, containers: [{name: main, "
                   "resources: {requests: {nvidia.com/gpu: '1'}}}]}, status: {phase: Running}}");
    plan_world_add_pod(&world, "p", "0.1", "128Mi", "", "");
    EXPECT("np{p}[A,B,C] 100m");
}

#define STARTUP_POOL ", startupTaints: [{key: x, effect: NoSchedule}]"

static void add_tainted_node(bool initialized)
{
    plan_world_add_pool(&world, "np", STARTUP_POOL, "");
    plan_world_add(
        &world,
        "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: c, labels: {karpenter.sh/nodepool: np}}, spec: "
        "{startupTaints: [{key: x, effect: NoSchedule}], nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, "
        "name: default}}, status: {providerID: 'aws:///z1/i-1', capacity: {cpu: '2', memory: 4Gi, pods: '9'}, allocatable: "
        "{cpu: '2', memory: 4Gi, pods: '9'}, conditions: [{type: Launched, status: 'True'}]}}");
    plan_world_add(
        &world,
        "{apiVersion: v1, kind: Node, metadata: {name: n, labels: {karpenter.sh/nodepool: np, karpenter.sh/registered: "
        "'true'%s}}, spec: {providerID: 'aws:///z1/i-1', taints: [{key: x, effect: NoSchedule}]}, status: {capacity: {cpu: "
        "'2', memory: 4Gi, pods: '9'}, allocatable: {cpu: '2', memory: 4Gi, pods: '9'}}}",
        initialized ? ", karpenter.sh/initialized: 'true'" : "");
}

Test(examples_requirements, e60_startup_taints_of_a_new_node)
{
    plan_world_add_pool(&world, "np", STARTUP_POOL, "");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("np{p}[A,B,C] 1");
}

Test(examples_requirements, e60_startup_taints_of_a_node_that_starts)
{
    add_tainted_node(false);
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("n{p}");
}

Test(examples_requirements, e60_startup_taints_that_come_back)
{
    add_tainted_node(true);
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("np{p}[A,B,C] 1");
}
