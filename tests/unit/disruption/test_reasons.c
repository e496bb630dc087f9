/* What people read of nodes that stay: the rule, and the numbers. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"

static struct disrupt_world world;

static void set_up(void)
{
    disrupt_world_init(&world);
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0.1);
    disrupt_world_add_type(&world, "t2.large", 8, 0.5, 0.3);
}
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(reasons, .init = set_up, .fini = tear_down);

static void add(const char *node, const char *type, const char *capacity_type, const char *pod, const char *cpu)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = node, .type = type, .capacity_type = capacity_type});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = pod, .node = node, .cpu = cpu, .meta_extra = ", labels: {app: web}"});
}

/** The n-th reason of the only node, or of the first. */
static const char *reason(size_t n)
{
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_EMPTINESS), "nothing", "%s", world.outcome.bytes);
    cr_assert_gt(world.result->nodes[0].reason_count, n);
    return world.result->nodes[0].reasons[n];
}

Test(reasons, what_the_gate_keeps_from_happening)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    add("n", "t2.large", "spot", "p", "3");
    cr_expect_str_eq(reason(0), "a Spot node is not replaced by a Spot node (feature gate SpotToSpotConsolidation is off): t1.large would cost "
                                "$0.1 an hour, now it is $0.3");
}

Test(reasons, when_a_window_is_over)
{
    disrupt_world_add_pool(&world, "np", "consolidateAfter: 1h", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){
                                       .name = "n", .type = "t2.large", .not_consolidatable = true, .claim_status = ", lastPodEventTime: '2026-01-10T11:30:00Z'"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "p", .node = "n"});
    cr_expect_str_eq(reason(0), "its NodeClaim is not Consolidatable before 2026-01-10T12:30:00Z: consolidateAfter 1h0m0s since its last pod came or went");
    disrupt_world_set_now(&world, "2026-01-10T13:00:00Z");
    cr_expect_str_eq(reason(0), "its NodeClaim is not Consolidatable: consolidateAfter 1h0m0s is over, but the condition isn't True");
}

Test(reasons, which_budgets_select_a_pod)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    add("n", "t2.large", NULL, "p", "3");
    for (int i = 0; i < 2; i++)
        disrupt_world_add(&world, "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: %s, namespace: default}, spec: {selector: "
                                  "{matchLabels: {app: web}}, maxUnavailable: 5}}\n",
                          i == 0 ? "first" : "second");
    cr_expect_str_eq(reason(0), "several PodDisruptionBudgets select pod default/p, so it can't be evicted: first, second");
}

Test(reasons, which_budget_is_used_up)
{
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: 50%}, {nodes: '0', schedule: '0 12 * * *', duration: 2h}]", "", "");
    add("n", "t2.large", NULL, "p", "3");
    cr_expect_str_eq(reason(0), "multi-node: the disruption budget of NodePool np is used up: nodes: 0, scheduled 0 12 * * * lets 0 of 1 go, 0 are "
                                "not ready or going already, 0 come first");
}

Test(reasons, how_many_pods_have_no_place)
{
    disrupt_world_add_pool(&world, "np", "", ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [t1.large]}]", "");
    add("n", "t2.large", NULL, "a", "5");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "b", .node = "n", .cpu = "6"});
    const char *text = reason(0);
    cr_expect(strstr(text, " would have no place: ") != NULL, "%s", text);
    cr_expect_str_eq(text + strlen(text) - strlen("; 1 more pods have none either"), "; 1 more pods have none either");
}

Test(reasons, what_the_loop_waits_for)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    add("n", "t2.large", NULL, "p", "3");
    disrupt_world_add(&world, "{apiVersion: karpenter.sh/v1, kind: NodeClaim, metadata: {name: late, labels: {karpenter.sh/nodepool: np}}, spec: "
                              "{nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: []}}\n");
    cr_expect_str_eq(reason(0), "no node is looked at before NodeClaim late is launched: it has no provider ID yet");
}
