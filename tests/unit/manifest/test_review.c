/** What is allowed and rarely meant. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct test_world world;
static char *said;

static void set_up(void) { test_world_init(&world); }
static void tear_down(void)
{
    free(said);
    said = NULL;
    test_world_fini(&world);
}
TestSuite(review, .init = set_up, .fini = tear_down);

static const char *review_of(const char *yaml)
{
    size_t size = 0;
    test_world_read_clean(&world, yaml);
    kerf_manifest_settle(&world.objects, world.vocabulary, true);
    kerf_manifest_review(&world.objects, world.vocabulary, world.errs);
    FILE *stream = open_memstream(&said, &size);
    kerf_errors_print(world.errs, stream);
    fclose(stream);
    return said;
}

#define DEPLOYMENT(replicas, spec_more)                                                                                           \
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: " replicas                              \
    "\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n"                        \
    "      containers: [{name: m}]\n" spec_more
#define PDB(spec) "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\nspec: {selector: {matchLabels: {app: web}}, " spec "}\n"
#define CLASS                                                                                                                      \
    "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: d}\nspec: {amiSelectorTerms: [{alias: al2023@latest}]}\n" \
    "status: {subnets: [{id: s, zone: us-east-1a}, {id: t, zone: us-east-1b}]}\n"
#define POOL(labels, requirements)                                                                                                 \
    "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: p}\nspec:\n  template:\n    metadata: {labels: {" labels   \
    "}}\n    spec:\n      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: d}\n      requirements: [" requirements "]\n"

Test(review, nothing_to_say)
{
    cr_expect_str_eq(review_of(DEPLOYMENT("3", "") PDB("maxUnavailable: 1") CLASS POOL("", "{key: a, operator: Exists}")), "");
}

Test(review, budgets)
{
    cr_expect_not_null(strstr(review_of(DEPLOYMENT("1", "") PDB("minAvailable: 1")), "b allows no disruption: it keeps 1 of 1 pods"));
}
Test(review, budget_of_percent)
{
    cr_expect_not_null(strstr(review_of(DEPLOYMENT("3", "") PDB("minAvailable: 90%")), "it keeps 3 of 3 pods"));
}
Test(review, budget_of_zero)
{
    cr_expect_not_null(strstr(review_of(PDB("maxUnavailable: 0%")), "maxUnavailable is 0"));
}
Test(review, budget_of_all)
{
    cr_expect_not_null(strstr(review_of(PDB("minAvailable: 100%")), "minAvailable is 100%"));
}
Test(review, budget_and_hpa)
{
    cr_expect_str_eq(review_of(DEPLOYMENT("1", "") PDB("minAvailable: 1")
                               "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h}\n"
                               "spec: {scaleTargetRef: {kind: Deployment, name: web}, minReplicas: 2, maxReplicas: 4}\n"),
                     "");
}

Test(review, single_pod_asks_for_spot)
{
    cr_expect_not_null(strstr(review_of(DEPLOYMENT("1", "      nodeSelector: {karpenter.sh/capacity-type: spot}\n")),
                              "Deployment web is a single pod on Spot"));
}
Test(review, single_pod_reaches_spot_only)
{
    cr_expect_not_null(strstr(review_of(DEPLOYMENT("1", "      nodeSelector: {node-pool: batch}\n") CLASS
                                            POOL("node-pool: batch", "{key: karpenter.sh/capacity-type, operator: In, values: [spot]}")),
                              "Deployment web is a single pod on Spot"));
}
Test(review, several_pods_on_spot)
{
    cr_expect_str_eq(review_of(DEPLOYMENT("2", "      nodeSelector: {karpenter.sh/capacity-type: spot}\n")), "");
}

Test(review, spread_over_a_zone_without_subnet)
{
    cr_expect_not_null(
        strstr(review_of(DEPLOYMENT("3", "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, "
                                         "whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}}]\n") CLASS
                             POOL("", "{key: topology.kubernetes.io/zone, operator: In, values: [us-east-1a, us-east-1b, us-east-1c]}")),
               "NodePool p names us-east-1c, where its EC2NodeClass has no subnet"));
}

Test(review, pool_that_contradicts_itself)
{
    cr_expect_not_null(strstr(review_of(CLASS POOL("", "{key: kubernetes.io/arch, operator: In, values: [amd64]}, "
                                                       "{key: kubernetes.io/arch, operator: NotIn, values: [amd64]}")),
                              "NodePool p contradicts itself: no value of kubernetes.io/arch meets all its requirements"));
}

Test(review, names_that_nothing_bears)
{
    const char *text = review_of(POOL("", "{key: a, operator: Exists}") DEPLOYMENT("2", "      priorityClassName: high\n"));
    cr_expect_not_null(strstr(text, "NodePool p wants the EC2NodeClass d, which was not read"));
    cr_expect_not_null(strstr(text, "web wants the PriorityClass high, which was not read"));
}
