/** The rules over all objects together: which pods stand for a workload, priorities, limit ranges, identities. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(settle, .init = set_up, .fini = tear_down);

#define WORKLOAD(api, kind, name, more)                                                                                           \
    "---\napiVersion: " api "\nkind: " kind "\nmetadata: {name: " name "}\nspec:\n" more                                          \
    "  selector: {matchLabels: {app: a}}\n  template: {metadata: {labels: {app: a}}, spec: {containers: [{name: m}]}}\n"
#define POD_OF(name, api, kind, owner)                                                                                            \
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: " name ", ownerReferences: [{apiVersion: " api ", kind: " kind              \
    ", name: " owner ", uid: x, controller: true}]}\nspec: {nodeName: n, containers: [{name: m}]}\nstatus: {phase: Running}\n"

static size_t pods_after(const char *yaml, bool expand)
{
    test_world_read_clean(&world, yaml);
    kerf_manifest_settle(&world.objects, world.vocabulary, expand);
    return world.objects.pods.count;
}

Test(settle, workloads_become_pods)
{
    cr_expect_eq(pods_after(WORKLOAD("apps/v1", "Deployment", "a", "  replicas: 3\n") WORKLOAD("apps/v1", "DaemonSet", "b", ""), true), 3);
    cr_expect_str_eq(world.objects.pods.items[0].meta.uid->text, "default/a/Deployment/0000000000");
}

Test(settle, not_unless_asked) { cr_expect_eq(pods_after(WORKLOAD("apps/v1", "Deployment", "a", "  replicas: 3\n"), false), 0); }

Test(settle, own_pods_stand_for_it)
{
    cr_expect_eq(pods_after(WORKLOAD("apps/v1", "StatefulSet", "a", "  replicas: 3\n") POD_OF("a-0", "apps/v1", "StatefulSet", "a"), true), 1);
}

Test(settle, pods_of_a_replicaset_that_was_read)
{
    cr_expect_eq(pods_after("---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: any, ownerReferences: [{apiVersion: apps/v1, kind: "
                            "Deployment, name: a, uid: x, controller: true}]}\nspec: {replicas: 3, selector: {matchLabels: {app: a}}, "
                            "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: m}]}}}\n" WORKLOAD(
                                "apps/v1", "Deployment", "a", "  replicas: 3\n") POD_OF("p", "apps/v1", "ReplicaSet", "any"),
                            true),
                 1);
}

Test(settle, pods_of_a_replicaset_that_was_not_read)
{
    cr_expect_eq(pods_after(WORKLOAD("apps/v1", "Deployment", "a", "  replicas: 3\n") POD_OF("p", "apps/v1", "ReplicaSet", "a-7d9f"), true), 1);
}

Test(settle, the_controller_alone_makes_pods)
{
    cr_expect_eq(pods_after("---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: any, ownerReferences: [{apiVersion: apps/v1, kind: "
                            "Deployment, name: a, uid: x, controller: true}]}\nspec: {replicas: 3, selector: {matchLabels: {app: a}}, "
                            "template: {metadata: {labels: {app: a}}, spec: {containers: [{name: m}]}}}\n" WORKLOAD(
                                "apps/v1", "Deployment", "a", "  replicas: 4\n"),
                            true),
                 4);
}

Test(settle, jobs_that_are_over_or_suspended)
{
#define JOB(name, more, status)                                                                                                   \
    "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: " name "}\nspec: {" more                                              \
    "template: {spec: {restartPolicy: Never, containers: [{name: m}]}}}\n" status
    cr_expect_eq(pods_after(JOB("a", "completions: 5, parallelism: 3, ", "") JOB("b", "suspend: true, ", "")
                                JOB("c", "", "status: {conditions: [{type: Complete, status: 'True'}]}\n"),
                            true),
                 3);
}

Test(settle, priorities)
{
    pods_after("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {priorityClassName: high, containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {priorityClassName: high, priority: 7, containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec: {priorityClassName: system-node-critical, containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: d}\nspec: {containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: e}\nspec: {containers: [{name: m}]}\nstatus: {phase: Running}\n---\n"
               "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\npreemptionPolicy: Never\n---\n"
               "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: base}\nvalue: 5\nglobalDefault: true\n",
               true);
    const struct kerf_pod *pods = world.objects.pods.items;
    cr_expect_eq(kerf_pod_priority(&pods[0]), 1000);
    cr_expect_eq(pods[0].spec->preemption_policy, KERF_PREEMPT_NEVER);
    cr_expect_eq(kerf_pod_priority(&pods[1]), 7);
    cr_expect_eq(kerf_pod_priority(&pods[2]), 2000001000);
    cr_expect_eq(kerf_pod_priority(&pods[3]), 5);
    cr_expect_eq(kerf_pod_priority(&pods[4]), 0); /* it runs already: what it has is what it was given */
}

Test(settle, limit_ranges)
{
    pods_after("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: m}, {name: n, resources: {requests: {cpu: 2}}}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: other}\nspec: {containers: [{name: m}, {name: n, resources: {requests: {cpu: 2}}}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec: {containers: [{name: m}]}\nstatus: {phase: Running}\n---\n"
               "apiVersion: v1\nkind: LimitRange\nmetadata: {name: l}\n"
               "spec: {limits: [{type: Container, default: {cpu: 500m}, defaultRequest: {cpu: 100m, memory: 128Mi}}]}\n",
               true);
    const struct kerf_pod *pods = world.objects.pods.items;
    cr_expect_eq(pods[0].requests->cpu_nanocores, 2100000000);
    cr_expect_eq(pods[0].requests->memory_millibytes, INT64_C(268435456000));
    cr_expect_eq(pods[1].requests->cpu_nanocores, 2000000000);
    cr_expect_eq(pods[2].requests->cpu_nanocores, 0); /* admission is behind it */
}

/* The webhook asks for a branch interface in the first container that is no init container; what an API server has seen is left alone. */
Test(settle, security_groups)
{
    pods_after("apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: v}}\nspec: {initContainers: [{name: i}], containers: [{name: m}, {name: n}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: b, namespace: other, labels: {x: v}}\nspec: {containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: c, labels: {x: w}}\nspec: {containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: d, labels: {x: v}}\nspec: {hostNetwork: true, containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: e, labels: {x: v}}\nspec: {containers: [{name: m}]}\nstatus: {phase: Running}\n---\n"
               "apiVersion: vpcresources.k8s.aws/v1beta1\nkind: SecurityGroupPolicy\nmetadata: {name: s}\n"
               "spec: {podSelector: {matchLabels: {x: v}}, securityGroups: {groupIds: [sg-1]}}\n",
               true);
    const struct kerf_pod *pods = world.objects.pods.items;
    static const int64_t wanted[] = {1000, 0, 0, 0, 0};
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(pods[i].requests->amounts[KERF_RESOURCE_POD_ENI], wanted[i], "pod %zu", i);
    cr_expect_not(kerf_resources_has(&pods[0].spec->containers[0].requests, KERF_RESOURCE_POD_ENI));
    cr_expect(kerf_resources_has(&pods[0].spec->containers[1].requests, KERF_RESOURCE_POD_ENI));
    cr_expect(kerf_resources_has(&pods[0].spec->containers[1].limits, KERF_RESOURCE_POD_ENI));
}

Test(settle, identities)
{
    pods_after("apiVersion: v1\nkind: Pod\nmetadata: {name: b}\nspec: {containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {name: a, uid: u, creationTimestamp: '2026-01-01T00:00:00Z'}\nspec: {containers: [{name: m}]}\n---\n"
               "apiVersion: v1\nkind: Pod\nmetadata: {generateName: g-, deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30}\n"
               "spec: {containers: [{name: m}]}\n",
               true);
    const struct kerf_pod *pods = world.objects.pods.items;
    kerf_time_us newest = INT64_C(1767225630000000); /* when the deletion was asked for, not when it ends */
    cr_expect_eq(world.objects.newest_epoch_us, newest);
    cr_expect_str_eq(pods[0].meta.uid->text, "default/b");
    cr_expect_eq(pods[0].meta.created_epoch_us, newest);
    cr_expect_str_eq(pods[1].meta.uid->text, "u");
    cr_expect_str_eq(pods[2].meta.name->text, "g-00002");
    cr_expect_eq(pods[2].meta.created_epoch_us, newest + 2);
}
