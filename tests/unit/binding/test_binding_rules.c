/** Rules of kube-scheduler that no worked example has. */
#include "../../support/manifest_world.h"
#include "binding/binding.h"

#include <criterion/criterion.h>

struct decided {
    struct manifest_world world;
    struct kerf_binding *binding;
    struct kerf_binding_decision decision;
};

static void decide(struct decided *decided, const char *yaml, const char *pod)
{
    manifest_world_open(&decided->world, yaml);
    decided->binding = kerf_binding_new(decided->world.cluster, (struct kerf_binding_options){.explain = true});
    kerf_binding_decide(decided->binding, world_pod(&decided->world, pod), &decided->decision);
}

static void finish(struct decided *decided)
{
    kerf_binding_free(decided->binding);
    manifest_world_close(&decided->world);
}

#define NODE(name, cpu, spec)                                                                                                       \
    "---\n{apiVersion: v1, kind: Node, metadata: {name: " name ", labels: {kubernetes.io/hostname: " name "}}, spec: {" spec          \
    "}, status: {allocatable: {cpu: '" cpu "', memory: 8Gi, pods: '110'}}}\n"
#define POD(name, cpu, spec, status)                                                                                                \
    "---\n{apiVersion: v1, kind: Pod, metadata: {name: " name ", namespace: default, labels: {app: " name "}}, spec: {containers: "   \
    "[{name: c, resources: {requests: {cpu: " cpu ", memory: 64Mi}}}]" spec "}, status: {" status "}}\n"

/* 5.1: the gate of the comparison operators is off, so such a toleration tolerates nothing. */
Test(binding_rules, tolerations_that_compare_tolerate_nothing)
{
    struct decided decided;
    decide(&decided,
           NODE("n1", "4", "taints: [{key: level, value: '5', effect: NoSchedule}]")
               POD("p", "1", ", tolerations: [{key: level, operator: Gt, value: '3', effect: NoSchedule}]", "phase: Pending"),
           "p");
    cr_expect_eq(decided.decision.feasible_count, 0);
    finish(&decided);
    decide(&decided,
           NODE("n1", "4", "taints: [{key: level, value: '5', effect: NoSchedule}]")
               POD("p", "1", ", tolerations: [{key: level, operator: Equal, value: '5', effect: NoSchedule}]", "phase: Pending"),
           "p");
    cr_expect_eq(decided.decision.feasible_count, 1);
    finish(&decided);
    decide(&decided,
           NODE("n1", "4", "taints: [{key: level, value: '5', effect: PreferNoSchedule}]") NODE("n2", "4", "")
               POD("p", "1", ", tolerations: [{key: level, operator: Lt, value: '9'}]", "phase: Pending"),
           "p");
    cr_assert_eq(decided.decision.score_count, 2);
    cr_expect_eq(decided.decision.scores[0].by_plugin[KERF_SCORE_TAINT_TOLERATION] +
                     decided.decision.scores[1].by_plugin[KERF_SCORE_TAINT_TOLERATION],
                 300);
    finish(&decided);
}

#define BUDGET(status)                                                                                                             \
    "---\n{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: default}, spec: {minAvailable: 1, "      \
    "selector: {matchLabels: {app: low}}}, status: {disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1" status "}}\n"

/* 3: a budget does not count a pod that it lists as disrupted, so n1 with its budgeted pod is as good as n2, and first by name. */
Test(binding_rules, pods_listed_as_disrupted_violate_no_budget)
{
    const char *worlds[] = {
        NODE("n1", "2", "") NODE("n2", "2", "") BUDGET("") POD("low", "2", ", nodeName: n1, priority: 0", "phase: Running")
            POD("other", "2", ", nodeName: n2, priority: 0", "phase: Running") POD("high", "2", ", priority: 100", "phase: Pending"),
        NODE("n1", "2", "") NODE("n2", "2", "") BUDGET(", disruptedPods: {low: '2026-01-01T00:00:00Z'}")
            POD("low", "2", ", nodeName: n1, priority: 0", "phase: Running")
                POD("other", "2", ", nodeName: n2, priority: 0", "phase: Running") POD("high", "2", ", priority: 100", "phase: Pending"),
    };
    for (int i = 0; i < 2; i++) {
        struct decided decided;
        decide(&decided, worlds[i], "high");
        cr_expect(kerf_node_id_equal(decided.decision.preempted_node, world_node(&decided.world, i == 0 ? "n2" : "n1")));
        finish(&decided);
    }
}

/* 5: a volume that is kept for the claim binds it to the volume's nodes, though the claim does not know yet. */
Test(binding_rules, a_volume_kept_for_a_claim_serves_it)
{
    struct decided decided;
    decide(&decided,
           NODE("n1", "4", "") NODE("n2", "4", "")
           "---\n{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: local}, provisioner: kubernetes.io/no-provisioner, "
           "volumeBindingMode: WaitForFirstConsumer}\n"
           "---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: default}, spec: {storageClassName: local, "
           "resources: {requests: {storage: 1Gi}}}, status: {phase: Pending}}\n"
           "---\n{apiVersion: v1, kind: PersistentVolume, metadata: {name: kept}, spec: {storageClassName: local, capacity: {storage: 1Gi}, "
           "claimRef: {name: data, namespace: default}, local: {path: /d}, nodeAffinity: {required: {nodeSelectorTerms: "
           "[{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n2]}]}]}}}}\n"
           "---\n{apiVersion: v1, kind: PersistentVolume, metadata: {name: of-others}, spec: {storageClassName: local, capacity: {storage: 1Gi}, "
           "claimRef: {name: data, namespace: other}, local: {path: /d}, nodeAffinity: {required: {nodeSelectorTerms: "
           "[{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [n1]}]}]}}}}\n"
               POD("p", "1", ", volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]", "phase: Pending"),
           "p");
    cr_assert_eq(decided.decision.feasible_count, 1);
    cr_expect(kerf_node_id_equal(decided.decision.node, world_node(&decided.world, "n2")));
    finish(&decided);
}
