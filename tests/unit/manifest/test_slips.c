/** What people write instead, and what is said about it (warnings); and what cannot be read (errors). */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(slips, .init = set_up, .fini = tear_down);

#define POOL(disruption_and_more, template_more)                                                                                  \
    "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec:\n" disruption_and_more                               \
    "  template:\n    spec:\n      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: d}\n" template_more
#define POD(metadata_more, spec_more)                                                                                             \
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p" metadata_more "}\nspec:\n  containers: [{name: m}]\n" spec_more

/** Read with a warning, at line:column, that contains the text. */
static void expect_warning(const char *yaml, const char *want)
{
    test_world_read(&world, yaml);
    cr_expect_eq(world.status, KERF_OK, "%s", world.messages);
    cr_expect_not_null(strstr(world.messages, want), "%s\n  is not in: %s", want, world.messages);
}

static const struct kerf_nodepool *pool(void)
{
    cr_assert_eq(world.objects.nodepools.count, 1);
    return &world.objects.nodepools.items[0];
}

/* ---- the manifests of clusters.md, section 5 ---- */

Test(slips, nodeclass_ref_with_api_version)
{
    expect_warning("apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec:\n  template:\n    spec:\n"
                   "      nodeClassRef: {apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, name: d}\n",
                   "t:7:34: spec.template.spec.nodeClassRef.apiVersion: nodeClassRef names a group, not an apiVersion; group: "
                   "karpenter.k8s.aws is meant");
    cr_expect_str_eq(pool()->nodeclass.group->text, "karpenter.k8s.aws");
    cr_expect_str_eq(pool()->nodeclass.name->text, "d");
}

Test(slips, expire_after_in_disruption)
{
    expect_warning(POOL("  disruption:\n    expireAfter: 24h\n", ""), "t:6:18: spec.disruption.expireAfter: expireAfter belongs under "
                                                                      "spec.template.spec since karpenter.sh/v1");
    cr_expect_eq(pool()->expire_after_us, 24 * KERF_HOUR_US);
}

Test(slips, expire_after_in_spec)
{
    expect_warning(POOL("  expireAfter: 24h\n", ""), "spec.expireAfter: expireAfter belongs under spec.template.spec");
    cr_expect_eq(pool()->expire_after_us, 24 * KERF_HOUR_US);
}

Test(slips, nodeclass_ref_in_template)
{
    expect_warning("apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec:\n  template:\n"
                   "    nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: d}\n    spec: {}\n",
                   "spec.template.nodeClassRef: nodeClassRef belongs under spec.template.spec");
    cr_expect_str_eq(pool()->nodeclass.name->text, "d");
}

Test(slips, do_disrupt)
{
    expect_warning(POD(", annotations: {karpenter.sh/do-disrupt: 'false'}", ""),
                   "Karpenter knows no annotation karpenter.sh/do-disrupt; karpenter.sh/do-not-disrupt: \"true\" is meant");
}

Test(slips, drift_gate)
{
    expect_warning("settings:\n  clusterName: prod\n  featureGates:\n    drift: true\n",
                   "t:4:12: settings.featureGates.drift: the feature gate drift is gone since Karpenter 1.0: drift is always on");
    expect_warning("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: karpenter-global-settings}\ndata: {featureGates.driftEnabled: 'true'}\n",
                   "the feature gate drift is gone since Karpenter 1.0");
}

Test(slips, ami_family_without_terms)
{
    expect_warning("apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: d}\nspec: {amiFamily: Bottlerocket}\n",
                   "t:4:19: spec.amiFamily: amiSelectorTerms is required since karpenter.k8s.aws/v1; amiSelectorTerms: [{alias: "
                   "bottlerocket@latest}] is meant");
    cr_expect_eq(world.objects.nodeclasses.items[0].ami_family, KERF_AMI_BOTTLEROCKET);
}

Test(slips, taint_effect_of_eks)
{
    expect_warning(POOL("", "      taints: [{key: a, effect: NO_SCHEDULE}]\n"),
                   "NO_SCHEDULE is how the EKS API spells it; Kubernetes and Karpenter write NoSchedule");
    cr_expect_eq(pool()->taints.items[0].effect, KERF_TAINT_NO_SCHEDULE);
}

Test(slips, gt_with_number)
{
    expect_warning(POOL("", "      requirements: [{key: karpenter.k8s.aws/instance-generation, operator: Gt, values: [5]}]\n"),
                   "5 without quotes is no text, as the API wants it; read as \"5\"");
    cr_expect_str_eq(pool()->requirements.items[0].values[0]->text, "5");
}

Test(slips, values_without_list)
{
    expect_warning(POOL("", "      requirements: [{key: a, operator: Gt, values: '5'}]\n"), "values is a list; read as [\"5\"]");
    cr_expect_str_eq(pool()->requirements.items[0].values[0]->text, "5");
}

Test(slips, old_names)
{
    expect_warning(POOL("  disruption: {consolidationPolicy: WhenUnderutilized}\n", ""),
                   "WhenUnderutilized is called WhenEmptyOrUnderutilized since karpenter.sh/v1");
    expect_warning("apiVersion: karpenter.sh/v1beta1\nkind: NodePool\nmetadata: {name: q}\nspec:\n  template:\n    spec:\n"
                   "      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: d}\n      kubelet: {maxPods: 20}\n",
                   "t:1:13: apiVersion: karpenter.sh/v1beta1 is not served since Karpenter 1.1; karpenter.sh/v1 is meant, and read");
    cr_expect_not_null(strstr(world.messages, "kubelet settings belong to the EC2NodeClass"));
    expect_warning("apiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: q}\n", "Provisioner became NodePool");
}

/* ---- unknown keys and kinds ---- */

Test(slips, unknown_keys)
{
    expect_warning(POOL("  disruption: {consolidateafter: 30s}\n", ""), "did you mean");
    expect_warning(POOL("", "      foo: 1\n"), "foo");               /* Karpenter: every unknown key */
    expect_warning(POD("", "  tolerrations: []\n"), "tolerations");   /* Kubernetes: near misses */
    test_world_read_clean(&world, POD("", "  somethingNew: 1\n"));
}

Test(slips, unknown_kinds)
{
    test_world_read(&world, "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n---\n"
                            "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: b}\n");
    cr_expect_eq(world.status, KERF_OK);
    const char *first = strstr(world.messages, "kerf doesn't know the kind Widget of example.com/v1; passed over");
    cr_assert_not_null(first, "%s", world.messages);
    cr_expect_null(strstr(first + strlen("kerf doesn't know the kind"), "know the kind")); /* once */
    expect_warning("apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: a}\n", "did you mean Deployment?");
    expect_warning("apiVersion: v1\nkind: Deployment\nmetadata: {name: a}\n", "Deployment is not of v1; passed over");
    test_world_read_clean(&world, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n---\n"
                                  "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: 5}\n");
}

/* ---- errors: each names its place and what was expected ---- */

static const struct {
    const char *yaml, *want;
} errors[] = {
    {"kind: Pod\nmetadata: {name: a}\n", "apiVersion"},
    {"apiVersion: v1\nmetadata: {name: a}\n", "kind"},
    {"just text\n", "t:1:1: "},
    {"apiVersion: v1\nkind: Pod\n", "metadata"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {containers: [{name: m}]}\n", "name"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "spec"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}\n", "containers"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n", "expected at least one container"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{}]}\n", "spec.containers[0]"},
    {"apiVersion: v1\nkind: Pod\nmetadata: [a]\nspec: {containers: [{name: m}]}\n", "metadata"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: m, resources: {requests: {cpu: 4oo}}}]}\n",
     "spec.containers[0].resources.requests.cpu: \"4oo\" is not a quantity"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: m, resources: {requests: {cpu: -1}}}]}\n", "\"-1\" is negative"},
    {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: m, resources: {requests: {cpu: 2}, limits: {cpu: 1}}}]}\n",
     "requests more cpu than its limit"},
    {POD("", "  restartPolicy: Sometimes\n"), "spec.restartPolicy"},
    {POD("", "  priority: 1.5\n"), "spec.priority"},
    {POD("", "  tolerations: [{key: a, effect: Never}]\n"), "expected NoSchedule, PreferNoSchedule or NoExecute"},
    {POD("", "  tolerations: [{value: a}]\n"), "a toleration without key wants operator Exists"},
    {POD("", "  topologySpreadConstraints: [{maxSkew: 0, topologyKey: z, whenUnsatisfiable: DoNotSchedule}]\n"), "maxSkew"},
    {POD("", "  topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]\n"), "topologyKey"},
    {POD("", "  topologySpreadConstraints: [{maxSkew: 1, topologyKey: z}]\n"), "whenUnsatisfiable"},
    {POD("", "  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Is}]}]}}}\n"),
     "\"Is\" is no operator; expected In, NotIn, Exists"},
    {POD("", "  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In}]}]}}}\n"),
     "In wants at least one value"},
    {POD("", "  affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}\n"), "topologyKey"},
    {POD(", creationTimestamp: yesterday", ""), "metadata.creationTimestamp"},
    {POOL("  weight: 101\n", ""), "spec.weight"},
    {POOL("  limits: {cpu: many}\n", ""), "spec.limits.cpu: \"many\" is not a quantity"},
    {POOL("  disruption: {consolidateAfter: soon}\n", ""), "\"soon\" is neither a duration"},
    {POOL("  disruption: {consolidationPolicy: Always}\n", ""), "spec.disruption.consolidationPolicy"},
    {POOL("  disruption: {budgets: [{nodes: 150%}]}\n", ""), "more than all nodes"},
    {POOL("  disruption: {budgets: [{nodes: '5', schedule: '0 9 * * *'}]}\n", ""), "schedule and duration want each other"},
    {POOL("  disruption: {budgets: [{nodes: '5', reasons: [Bored]}]}\n", ""), "Bored"},
    {POOL("", "      requirements: [{key: a, operator: Gt, values: ['x']}]\n"), "Gt wants exactly one value, a whole number in quotes"},
    {POOL("", "      requirements: [{key: a, operator: Gt, values: ['-5']}]\n"), "not negative"},
    {POOL("", "      requirements: [{key: a, operator: In, values: [x], minValues: 2}]\n"), "fewer than its minValues 2"},
    {POOL("", "      requirements: [{key: a, operator: Exists, values: [x]}]\n"), "Exists wants no values"},
    {POOL("", "      requirements: [{operator: Exists}]\n"), "key"},
    {"apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec: {template: {spec: {}}}\n", "nodeClassRef"},
    {"apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec: {}\n", "template"},
    {"apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: d}\nspec: {amiSelectorTerms: [{alias: al2024@latest}]}\n", "al2024"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {spec: {containers: [{name: m}]}}}\n", "selector"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
     "spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: m}]}}}\n",
     "does not select the labels of its own template"},
    {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: -1, selector: {}, template: {spec: {containers: [{name: m}]}}}\n",
     "spec.replicas"},
    {"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: 1, maxUnavailable: 1}\n", "exclude each other"},
    {"apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {minAvailable: half}\n",
     "\"half\" is neither a whole number nor a percentage"},
    {"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
     "spec: {scaleTargetRef: {kind: Deployment, name: d}, minReplicas: 5, maxReplicas: 2}\n",
     "maxReplicas 2 is less than minReplicas 5"},
    {"apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: c}\nmanagedNodeGroups: [{name: a, minSize: 3, maxSize: 2}]\n",
     "sizes contradict"},
    {"apiVersion: v1\nkind: List\nitems: [5]\n", "items[0]"},
    {"apiVersion: v1\nkind: List\nitems: {}\n", "items"},
};

Test(slips, errors)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        test_world_read(&world, errors[i].yaml);
        cr_expect_eq(world.status, KERF_E_INPUT, "%s", errors[i].yaml);
        cr_expect_not_null(strstr(world.messages, errors[i].want), "%s\n  is not in: %s  for: %s", errors[i].want, world.messages,
                           errors[i].yaml);
    }
}

Test(slips, several_errors_at_once)
{
    test_world_read(&world, POD("", "  priority: x\n  restartPolicy: y\n  tolerations: [{key: a, effect: z}]\n"));
    cr_expect_not_null(strstr(world.messages, "spec.priority"));
    cr_expect_not_null(strstr(world.messages, "spec.restartPolicy"));
    cr_expect_not_null(strstr(world.messages, "spec.tolerations[0].effect"));
}
