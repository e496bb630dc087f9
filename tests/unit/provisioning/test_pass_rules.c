/* Rules of karpenter-provisioning.md that its worked examples leave out, the surprising ones (section 15) above all. */
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
TestSuite(pass_rules, .init = set_up, .fini = tear_down);

#define EXPECT(text) cr_expect_str_eq(plan_world_run(&world), text, "%s\n%s", world.outcome.bytes, world.reasons.bytes)
#define EXPECT_REASON(text) cr_expect(strstr(world.reasons.bytes, text) != NULL, "%s", world.reasons.bytes)
#define ZONE "topology.kubernetes.io/zone"

/* ---- pools ------------------------------------------------------------------------------------------------------------ */

Test(pass_rules, without_a_pool_nothing_is_placed)
{
    plan_world_add_pool(&world, "np", "", ", replicas: 2"); /* static: not for passes */
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("left p");
    EXPECT_REASON("no dynamic nodepools found");
}

Test(pass_rules, a_pool_without_types_still_lets_pods_go_to_nodes)
{
    world.has_pool = true;
    plan_world_add(&world,
                   "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: np}, spec: {template: {spec: {nodeClassRef: "
                   "{group: karpenter.k8s.aws, kind: EC2NodeClass, name: absent}}}}}");
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p", "3", "128Mi", "", "");
    plan_world_add_pod(&world, "q", "2", "128Mi", "", "");
    EXPECT("n{p}; left q");
    EXPECT_REASON("nodepool requirements filtered out all available instance types");
}

Test(pass_rules, a_pool_that_is_ready_by_name_only_is_not)
{
    world.has_pool = true;
    plan_world_add(&world,
                   "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: np}, spec: {template: {spec: {nodeClassRef: "
                   "{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}, status: {conditions: [{type: Ready, "
                   "status: 'True'}]}}");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("left p");
}

/* ---- daemons ---------------------------------------------------------------------------------------------------------- */

static void add_daemonset(const char *name, const char *requests, const char *spec)
{
    plan_world_add(
        &world,
        "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: %s, namespace: kube-system}, spec: {selector: "
        "{matchLabels: {ds: %s}}, template: {metadata: {labels: {ds: %s}}, spec: {containers: [{name: main, resources: "
        "{requests: {%s}}}]%s}}}}",
        name, name, name, requests, spec);
}

Test(pass_rules, a_daemon_that_wants_what_a_node_lacks_does_not_close_it)
{
    add_daemonset("gpu", "nvidia.com/gpu: 1", "");
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("n{p}");
}

Test(pass_rules, daemons_still_to_come_are_kept_room_for)
{
    add_daemonset("ds", "cpu: 500m", "");
    plan_world_add_node(&world, "n", "z1", "2", true, "");
    plan_world_add_pod(&world, "p", "1600m", "128Mi", "", "");
    EXPECT("np{p}[B,C] 2100m");
}

#define TYPE_TERM(type) "{matchExpressions: [{key: node.kubernetes.io/instance-type, operator: In, values: [" type "]}]}"

Test(pass_rules, a_dropped_term_of_a_daemon_stays_dropped)
{
    /* a.large meets neither term, so the first is gone when b.large, which it named, is looked at (Q9) */
    add_daemonset("ds", "cpu: 500m",
                  ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" TYPE_TERM(
                      "b.large") ", " TYPE_TERM("c.large") "]}}}");
    plan_world_add_pod(&world, "p", "3600m", "128Mi", "", "");
    EXPECT("np{p}[B,C] 4100m"); /* B is free of it; of the overhead that is stated, none gives way to the next group's (Q10) */
}

Test(pass_rules, stated_overhead_is_the_least_that_any_type_has)
{
    add_daemonset("all", "cpu: 100m", "");
    add_daemonset("large", "cpu: 200m, memory: 1Gi", ", nodeSelector: {node.kubernetes.io/instance-type: c.large}");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT("np{p}[A,B,C] 1100m");
    cr_expect_eq(world.plan->claims[0].requests.memory_millibytes, (int64_t)128 * 1024 * 1024 * 1000);
}

/* ---- topology --------------------------------------------------------------------------------------------------------- */

Test(pass_rules, excluded_values_become_domains)
{
    /* the pool's NotIn meets the types' zones, so the excluded zone is none of theirs: it does not count as one here */
    plan_world_add_pool(&world, "np", ", requirements: [{key: " ZONE ", operator: NotIn, values: [z3]}]", "");
    world.shown_keys[0] = ZONE;
    plan_world_add_pods(&world, "p", 2, "0.5", "128Mi", "app: x",
                        ", topologySpreadConstraints: [{topologyKey: " ZONE
                        ", maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: x}}}]");
    EXPECT("np{p1}[A,B,C] 500m zone=z1; np{p2}[A,B,C] 500m zone=z2");
}

Test(pass_rules, a_custom_key_that_only_a_pool_excludes_makes_domains)
{
    /* no type knows the key: the excluded value is all there is, and it becomes a known domain (Q12) */
    plan_world_add_pool(&world, "np", ", requirements: [{key: rack, operator: NotIn, values: [r1]}]", "");
    plan_world_add_pods(&world, "p", 1, "0.5", "128Mi", "app: x",
                        ", topologySpreadConstraints: [{topologyKey: rack, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, "
                        "labelSelector: {matchLabels: {app: x}}}]");
    EXPECT("left p1");
}

Test(pass_rules, without_a_selector_every_running_pod_counts_at_the_start)
{
    /* Q6: three unrelated pods in z1 keep a spread that selects nobody out of z1 */
    plan_world_add_node(&world, "n", "z1", "1", true, "");
    plan_world_add_bound(&world, "b1", "n", "0.3", "");
    plan_world_add_bound(&world, "b2", "n", "0.3", "");
    plan_world_add_bound(&world, "b3", "n", "0.3", "");
    world.shown_keys[0] = ZONE;
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "app: x",
                       ", topologySpreadConstraints: [{topologyKey: " ZONE ", maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]");
    EXPECT("np{p}[A,B,C] 500m zone=z2");
}

Test(pass_rules, a_running_pod_keeps_others_away)
{
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add(
        &world, "{apiVersion: v1, kind: Pod, metadata: {name: lone, uid: lone}, spec: {nodeName: n, containers: [{name: main}], "
                "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: " ZONE
                ", labelSelector: {matchLabels: {app: x}}}]}}}, status: {phase: Running}}");
    world.shown_keys[0] = ZONE;
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "app: x", "");
    plan_world_add_pod(&world, "q", "0.4", "128Mi", "app: y", "");
    EXPECT("np{p}[A,B,C] 500m zone=z2|z3; n{q}");
}

/* ---- pods that do not take part --------------------------------------------------------------------------------------- */

Test(pass_rules, validation_says_why)
{
    plan_world_add_pod(&world, "a", "0.1", "128Mi", "", ", nodeSelector: {karpenter.sh/registered: 'true'}");
    plan_world_add_pod(&world, "b", "0.1", "128Mi", "", ", nodeSelector: {karpenter.sh/capacity-type: bogus}");
    plan_world_add_pod(&world, "c", "0.1", "128Mi", "", ", volumes: [{name: v, persistentVolumeClaim: {claimName: none}}]");
    plan_world_add_pod(
        &world, "d", "0.1", "128Mi", "",
        ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: "
        "[{key: metadata.name, operator: In, values: [n]}]}]}}}");
    plan_world_add_pod(&world, "e", "0.1", "128Mi", "",
                       ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
                       "[{matchExpressions: [{key: karpenter.sh/nodepool, operator: DoesNotExist}]}]}}}");
    EXPECT("left a,b,c,d,e");
    EXPECT_REASON("a: ignoring pod, using label karpenter.sh/registered is not allowed");
    EXPECT_REASON("b: ignoring pod, no valid values found in [bogus]");
    EXPECT_REASON("c: ignoring pod, persistentvolumeclaims \"none\" not found");
    EXPECT_REASON("d: ignoring pod, node selector term with matchFields is not supported");
    EXPECT_REASON("e: ignoring pod, configured to not run on a Karpenter provisioned node");
}

/* 1.1: what counts is that kube-scheduler has failed the pod; neither its phase nor its deletion is looked at. */
Test(pass_rules, nobody_looks_at_the_phase)
{
    const char *pods[][2] = {{"a", "phase: Failed"}, {"b", "phase: Succeeded"}, {"c", "phase: Pending"}};
    for (size_t i = 0; i < 3; i++)
        plan_world_add(&world,
                       "{apiVersion: v1, kind: Pod, metadata: {name: %s, uid: %s, deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: "
                       "{containers: [{name: m, resources: {requests: {cpu: 100m, memory: 1Mi}}}]}, status: {%s, conditions: [{type: "
                       "PodScheduled, status: 'False', reason: Unschedulable}]}}",
                       pods[i][0], pods[i][0], pods[i][1]);
    plan_world_add(&world, "{apiVersion: v1, kind: Pod, metadata: {name: d, uid: d}, spec: {containers: [{name: m, resources: {requests: "
                           "{cpu: 100m}}}]}, status: {phase: Failed}}");
    EXPECT("np{a,b,c}[A,B,C] 300m");
}

Test(pass_rules, resource_claims_are_ignored)
{
    plan_world_add_pod(&world, "p", "0.1", "128Mi", "", ", resourceClaims: [{name: gpu, resourceClaimName: g}]");
    plan_world_add_pod(&world, "q", "0.1", "128Mi", "", "");
    EXPECT("np{q}[A,B,C] 100m; left p");
    EXPECT_REASON("p: pod has resource claims");
}

Test(pass_rules, the_attempt_limit_leaves_pods_untried)
{
    plan_world_add_pods(&world, "p", 4, "1", "128Mi", "", "");
    world.options.attempt_limit = 2;
    EXPECT("np{p1,p2}[A,B,C] 2; left p3,p4");
    EXPECT_REASON("p3: not tried");
}

/* ---- volumes ---------------------------------------------------------------------------------------------------------- */

Test(pass_rules, a_volume_names_the_zone)
{
    plan_world_add(&world,
                   "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: default, annotations: "
                   "{pv.kubernetes.io/bind-completed: 'yes'}}, spec: {storageClassName: gp3, volumeName: pv-1}, status: {phase: "
                   "Bound}}");
    plan_world_add(&world,
                   "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-1}, spec: {csi: {driver: ebs.csi.aws.com, "
                   "volumeHandle: v}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: "
                   "topology.ebs.csi.aws.com/zone, operator: In, values: [z3]}]}]}}}}");
    world.shown_keys[0] = ZONE;
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", ", volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]");
    EXPECT("np{p}[A,B,C] 1 zone=z3");
}

/* 8.2, Q20: a node beyond an attach limit takes nobody, volumes or not. */
Test(pass_rules, a_node_beyond_its_attach_limit_takes_nobody)
{
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add(&world, "{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: n}, spec: {drivers: [{name: ebs.csi.aws.com, "
                           "nodeID: n, allocatable: {count: 1}}]}}");
    plan_world_add(&world, "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3}, provisioner: ebs.csi.aws.com, "
                           "volumeBindingMode: WaitForFirstConsumer}");
    for (int i = 1; i <= 2; i++) {
        plan_world_add(&world,
                       "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c%d, namespace: default}, spec: {storageClassName: gp3}}", i);
        plan_world_add(&world,
                       "{apiVersion: v1, kind: Pod, metadata: {name: b%d, uid: b%d}, spec: {nodeName: n, containers: [{name: m}], volumes: [{name: "
                       "v, persistentVolumeClaim: {claimName: c%d}}]}, status: {phase: Running}}",
                       i, i, i);
    }
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "", "");
    EXPECT("np{p}[A,B,C] 500m");
}

/* Q11: what one pod excludes makes the label known on the node, and the next may ask for it. */
Test(pass_rules, what_a_pod_excludes_is_known_on_the_node)
{
    static const char wants[] = ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
                                "[{matchExpressions: [{key: foo, operator: %s, values: [%s]}]}]}}}";
    char excludes[256], asks[256];
    snprintf(excludes, sizeof excludes, wants, "NotIn", "x");
    snprintf(asks, sizeof asks, wants, "In", "y");
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p1", "1", "128Mi", "", excludes);
    plan_world_add_pod(&world, "p2", "0.5", "128Mi", "", asks);
    EXPECT("n{p1,p2}");
}

/* Q22: an initialized node that turns not-ready keeps its taint, and new capacity is made. */
Test(pass_rules, a_node_that_turned_not_ready_is_left_out)
{
    plan_world_add(&world, "{apiVersion: v1, kind: Node, metadata: {name: n, labels: {kubernetes.io/hostname: n, karpenter.sh/nodepool: np, "
                           "karpenter.sh/registered: 'true', karpenter.sh/initialized: 'true'}}, spec: {taints: [{key: "
                           "node.kubernetes.io/not-ready, effect: NoSchedule}]}, status: {allocatable: {cpu: '4', memory: 8Gi, pods: '10'}, "
                           "capacity: {cpu: '4', memory: 8Gi, pods: '10'}}}");
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "", "");
    EXPECT("np{p}[A,B,C] 500m");
}

/* ---- consolidation's window ------------------------------------------------------------------------------------------- */

Test(pass_rules, pending_pods_may_use_nodes_that_are_closed_to_others)
{
    plan_world_add_pool(&world, "np", "", ", disruption: {consolidateAfter: 1h, consolidationPolicy: WhenEmpty}");
    plan_world_add_node(&world, "n", "z1", "4", true, "");
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    world.options.protect_recent_nodes = true;
    EXPECT("n{p}");
}
