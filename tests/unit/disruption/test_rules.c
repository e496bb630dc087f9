/* Rules of karpenter-disruption.md that no worked example of section 17 shows alone. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"

static struct disrupt_world world;

static void set_up(void)
{
    disrupt_world_init(&world);
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_type(&world, "t2.large", 8, 0.5, 0);
}
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(rules, .init = set_up, .fini = tear_down);

#define PASS(text) cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_EMPTINESS), text, "%s", world.outcome.bytes)

static void add(const char *node, const char *type, const char *pool, const char *pod, const char *cpu)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = node, .type = type, .pool = pool});
    if (pod)
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = pod, .node = node, .cpu = cpu});
}

/** 7.1: the candidate's own capacity doesn't count, so a NodePool at its limit still gets a replacement; one beyond it too (it fails later). */
Test(rules, limits_leave_the_candidate_out)
{
    disrupt_world_add_pool(&world, "np", "", "", ", limits: {cpu: 8}");
    add("n", "t2.large", NULL, "p", "3");
    PASS("single-node replace n by np[t1]");
    tear_down();
    set_up();
    disrupt_world_add_pool(&world, "np", "", "", ", limits: {cpu: 3}");
    add("n", "t2.large", NULL, "p", "3");
    PASS("nothing");
}

/** 7.5: a pending pod's node counts as the replacement, if it is cheaper. */
Test(rules, a_planned_node_for_a_pending_pod_counts)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_pool(&world, "other", "consolidateAfter: Never", "", "");
    add("n", "t2.large", NULL, "p", "7.5");
    add("room", "t2.large", "other", NULL, NULL);
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pending", .cpu = "3"});
    PASS("single-node replace n by other[t1]"); /* NodePools by name descending; p and the pending one together fit neither room nor t1, but each fits one of them */
}

/** 2.2: readiness is no check; but a node that isn't ready takes its NodePool's budget. */
Test(rules, a_node_that_is_not_ready_is_a_candidate_and_takes_budget)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .not_ready = true});
    PASS("nothing"); /* 100 % of one node, and that one isn't ready */
    disrupt_world_candidates(&world, KERF_METHOD_EMPTINESS);
    cr_expect_eq(world.result->candidate_count_by_method[KERF_METHOD_EMPTINESS], 1);
    tear_down();
    set_up();
    disrupt_world_add_pool(&world, "np", "budgets: []", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .not_ready = true});
    PASS("emptiness delete n");
}

/** 2.1, 7.1: nodes of a NodePool that is being deleted are candidates, but nothing new comes from it. */
Test(rules, a_nodepool_that_is_being_deleted)
{
    for (int with_other = 0; with_other < 2; with_other++) {
        disrupt_world_add(&world, "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: np, deletionTimestamp: '2026-01-10T11:00:00Z', finalizers: "
                                  "[x]}, spec: {disruption: {budgets: [{nodes: 100%%}]}, template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: "
                                  "EC2NodeClass, name: default}, requirements: []}}}}\n");
        if (with_other)
            disrupt_world_add_pool(&world, "other", "", "", "");
        add("n", "t2.large", NULL, "p", "3");
        PASS(with_other ? "single-node replace n by other[t1]" : "nothing");
        tear_down();
        set_up();
    }
}

/** MarkedForDeletion (glossary): the deletion of a Node whose NodeClaim isn't being deleted doesn't count. */
Test(rules, a_node_with_a_deletion_time_of_its_own)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){
                                       .name = "n", .type = "t1.large", .node_extra = ", deletionTimestamp: '2026-01-10T11:59:00Z', finalizers: [x]"});
    PASS("emptiness delete n");
}

/** 7.2: a window closes a destination, but not one whose NodePool is not ready, and not to pods that have yet to start. */
Test(rules, windows_of_destinations)
{
    static const struct {
        const char *status;
        const char *phase;
        const char *want;
    } rows[] = {
        {"", "", "nothing"},
        {", status: {conditions: [{type: Ready, status: 'False'}]}", "", "single-node delete n"},
        {"", ", phase: Pending", "single-node delete n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        disrupt_world_add_pool(&world, "np", "", ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [t1.large]}]", "");
        disrupt_world_add(&world, "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: other}, spec: {disruption: {consolidateAfter: 1h, budgets: "
                                  "[{nodes: 100%%}]}, template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}, "
                                  "requirements: []}}}%s}\n",
                          rows[i].status);
        disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large"});
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "p", .node = "n", .cpu = "1", .status_extra = rows[i].phase});
        disrupt_world_add_node(&world, (struct disrupt_node){.name = "room", .type = "t2.large", .pool = "other", .not_consolidatable = true,
                                                             .claim_status = ", lastPodEventTime: '2026-01-10T11:59:00Z'"});
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "there", .node = "room", .cpu = "1"});
        PASS(rows[i].want);
        tear_down();
        set_up();
    }
}

/** 2.3 and 11.2: a grace period of nothing lets drift pass over pods that block, too. */
Test(rules, drift_with_a_termination_grace_period_of_zero)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .claim_spec = ", terminationGracePeriod: 0s",
                                                         .conditions = ", {type: Drifted, status: 'True', lastTransitionTime: '2026-01-10T11:00:00Z'}"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "p", .node = "n", .meta_extra = ", annotations: {karpenter.sh/do-not-disrupt: 'true'}"});
    PASS("drift delete n");
}
