/* Costs, emptiness and candidacy: examples A1 to A12 and B1 to B14 of karpenter-disruption.md 17.1 and 17.2. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"
#include "disruption/disruption_internal.h"
#include "scheduling/scheduling.h"

static struct disrupt_world world;

static void set_up(void)
{
    disrupt_world_init(&world);
    disrupt_world_add_type(&world, "t1.large", 8, 4.84, 1.0);
    disrupt_world_add_pool(&world, "np", "", "", "");
}
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(candidates, .init = set_up, .fini = tear_down);

#define FREE_PODS ", annotations: {controller.kubernetes.io/pod-deletion-cost: '-134217728'}"
#define OWNER(api, kind) ", ownerReferences: [{apiVersion: " api ", kind: " kind ", name: o, uid: o, controller: true}]"
#define TERMINATING ", deletionTimestamp: '2026-01-10T12:00:30Z', deletionGracePeriodSeconds: 30"

static void add_node(const char *name) { disrupt_world_add_node(&world, (struct disrupt_node){.name = name, .type = "t1.large"}); }

/* ---- costs ------------------------------------------------------------------------------------------------------------------------ */

static double cost_of(const char *name)
{
    disrupt_world_build(&world);
    for (size_t i = 0; i < kerf_cluster_pod_count(world.cluster); i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod_at(world.cluster, i)->pod;
        if (kerf_name_is(pod->meta.name, name))
            return kerf_pod_eviction_cost(world.vocabulary, pod);
    }
    cr_assert_fail("%s", name);
    return 0;
}

Test(candidates, a1_to_a6_eviction_costs)
{
    static const struct {
        const char *name, *meta_extra, *spec_extra;
        double want;
    } rows[] = {
        {"a1", NULL, NULL, 1.0},
        {"a2", ", annotations: {controller.kubernetes.io/pod-deletion-cost: '2147483647'}", NULL, 10},
        {"a3", ", annotations: {controller.kubernetes.io/pod-deletion-cost: '-2147483647'}", NULL, -10},
        {"a4", FREE_PODS, NULL, 0},
        {"a5a", NULL, ", priority: 2001000", 1.0 + 2001000.0 / 33554432.0},
        {"a5b", NULL, ", priority: 1000", 1.0000298023223877},
        {"a5c", NULL, ", priority: -33554432", 0},
        {"a6", FREE_PODS, ", priority: 33554432", 1.0},
        {"odd", ", annotations: {controller.kubernetes.io/pod-deletion-cost: many}", NULL, 1.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = rows[i].name, .meta_extra = rows[i].meta_extra, .spec_extra = rows[i].spec_extra});
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(cost_of(rows[i].name), rows[i].want, "%s: %.17g", rows[i].name, cost_of(rows[i].name));
}

static struct kerf_candidates list(struct kerf_disruption_pass *pass, bool eventual)
{
    disrupt_world_build(&world);
    kerf_disruption_pass_init(pass, world.cluster, &world.options, &world.arena);
    return kerf_candidates_list(pass, eventual, KERF_METHOD_COUNT);
}

Test(candidates, a7_price_and_disruption_cost)
{
    add_node("n");
    for (int i = 0; i < 3; i++)
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = (char[]){'p', (char)('0' + i), 0}, .node = "n"});
    struct kerf_disruption_pass pass;
    struct kerf_candidates listed = list(&pass, false);
    cr_assert_eq(listed.count, 1);
    cr_expect_eq(listed.items[0]->price_usd_per_hour, 4.84);
    cr_expect_eq(listed.items[0]->disruption_cost, 4.0);
    cr_expect_eq(listed.items[0]->price_usd_per_hour / listed.items[0]->disruption_cost, 1.21);
    kerf_disruption_pass_fini(&pass);
}

Test(candidates, a12_an_offering_out_of_capacity_keeps_its_price)
{
    world.unavailable = "spot:t1.large:z1";
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .capacity_type = "spot"});
    struct kerf_disruption_pass pass;
    struct kerf_candidates listed = list(&pass, false);
    cr_assert_eq(listed.count, 1);
    cr_expect_eq(listed.items[0]->price_usd_per_hour, 1.0);
    kerf_disruption_pass_fini(&pass);
}

/* ---- emptiness --------------------------------------------------------------------------------------------------------------------- */

#define EMPTY(yes) cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_EMPTINESS), (yes) ? "n" : "")

Test(candidates, a8_pods_that_cost_nothing_leave_the_node_empty)
{
    add_node("n");
    for (int i = 0; i < 5; i++)
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = (char[]){'p', (char)('0' + i), 0}, .node = "n", .meta_extra = FREE_PODS});
    EMPTY(true);
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_SINGLE_NODE), "");
}

Test(candidates, a9_and_a10_daemons_and_terminating_pods_of_deployments_do_not_count)
{
    add_node("n");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "d", .node = "n", .meta_extra = OWNER("apps/v1", "DaemonSet")});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "t", .node = "n", .meta_extra = OWNER("apps/v1", "ReplicaSet") TERMINATING});
    EMPTY(true);
}

Test(candidates, a11_a_terminating_pod_of_a_statefulset_does)
{
    add_node("n");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "s", .node = "n", .meta_extra = OWNER("apps/v1", "StatefulSet") TERMINATING});
    EMPTY(false);
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_SINGLE_NODE), "n");
}

/* ---- candidacy: E for emptiness and consolidation, D for drift, DT for drift with a terminationGracePeriod ---------------------- */

#define DRIFTED ", {type: Drifted, status: 'True', lastTransitionTime: '2026-01-09T00:00:00Z', reason: NodePoolDrifted}"

/** Nodes n and t: t has a terminationGracePeriod; the same pod on both (NULL: none), and another one. */
static void add_pair(const char *node_extra, const char *meta_extra, const char *spec_extra, const char *status_extra)
{
    static const char *const nodes[] = {"n", "t"};
    for (int i = 0; i < 2; i++) {
        disrupt_world_add_node(&world, (struct disrupt_node){.name = nodes[i],
                                                             .type = "t1.large",
                                                             .node_extra = node_extra,
                                                             .conditions = DRIFTED,
                                                             .claim_spec = i == 1 ? ", terminationGracePeriod: 300s" : NULL});
        char pod[8] = {'p', nodes[i][0], 0}, other[8] = {'o', nodes[i][0], 0};
        disrupt_world_add_pod(
            &world, (struct disrupt_pod){
                        .name = pod, .node = nodes[i], .meta_extra = meta_extra, .spec_extra = spec_extra, .status_extra = status_extra});
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = other, .node = nodes[i]});
    }
}

static void expect_candidates(bool consolidation, bool drift, bool drift_with_grace)
{
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_SINGLE_NODE), consolidation ? "n,t" : "", "E: %s", world.outcome.bytes);
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_DRIFT), drift ? drift_with_grace ? "n,t" : "n" : drift_with_grace ? "t" : "",
                     "D: %s", world.outcome.bytes);
}

#define DO_NOT_DISRUPT(value) ", annotations: {karpenter.sh/do-not-disrupt: '" value "'}"

Test(candidates, b1_a_pod_that_must_not_be_disrupted)
{
    add_pair(NULL, DO_NOT_DISRUPT("true"), NULL, NULL);
    expect_candidates(false, false, true);
}
Test(candidates, b2_also_of_a_daemonset)
{
    add_pair(NULL, DO_NOT_DISRUPT("true") OWNER("apps/v1", "DaemonSet"), NULL, NULL);
    expect_candidates(false, false, true);
}
Test(candidates, b3_not_if_it_is_over)
{
    add_pair(NULL, DO_NOT_DISRUPT("true"), NULL, ", phase: Succeeded");
    expect_candidates(true, true, true);
}
Test(candidates, b3_not_if_it_is_terminating)
{
    add_pair(NULL, DO_NOT_DISRUPT("true") TERMINATING, NULL, NULL);
    expect_candidates(true, true, true);
}
Test(candidates, b4_a_duration_runs)
{
    add_pair(NULL, DO_NOT_DISRUPT("2m"), NULL, NULL);
    disrupt_world_set_now(&world, "2026-01-05T00:01:59Z");
    expect_candidates(false, false, true);
}
Test(candidates, b5_a_duration_is_over_at_its_end)
{
    add_pair(NULL, DO_NOT_DISRUPT("5m"), NULL, NULL);
    disrupt_world_set_now(&world, "2026-01-05T00:05:00Z");
    expect_candidates(true, true, true);
}
Test(candidates, b6_values_without_effect)
{
    static const char *const values[] = {DO_NOT_DISRUPT("0s"), DO_NOT_DISRUPT("-5m"), DO_NOT_DISRUPT("abc"), DO_NOT_DISRUPT("false")};
    for (int i = 0; i < 4; i++) {
        tear_down();
        set_up();
        add_pair(NULL, values[i], NULL, NULL);
        expect_candidates(true, true, true);
    }
}
Test(candidates, b7_on_the_node_it_holds_for_drift_with_grace_too)
{
    add_pair(DO_NOT_DISRUPT("true"), NULL, NULL, NULL);
    expect_candidates(false, false, false);
}
Test(candidates, b7_on_the_node_only_true_counts)
{
    add_pair(DO_NOT_DISRUPT("5m"), NULL, NULL, NULL);
    expect_candidates(true, true, true);
}

static void add_pdb(const char *name, const char *spec, int allowed)
{
    disrupt_world_add(&world,
                      "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: %s, namespace: default}, spec: {selector: "
                      "{matchLabels: {app: x}}, %s}, status: {disruptionsAllowed: %d, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2}}",
                      name, spec, allowed);
}
#define APP ", labels: {app: x}"

Test(candidates, b8_a_budget_that_is_used_up)
{
    add_pdb("b", "minAvailable: 1", 0);
    add_pair(NULL, APP, NULL, NULL);
    expect_candidates(false, false, true);
}
Test(candidates, b9_two_budgets_block_whatever_they_allow)
{
    add_pdb("b", "minAvailable: 1", 5);
    add_pdb("c", "minAvailable: 1", 5);
    add_pair(NULL, APP, NULL, NULL);
    expect_candidates(false, false, true);
}
Test(candidates, b10_a_daemon_pod_blocks_through_its_budget)
{
    add_pdb("b", "maxUnavailable: 0", 0);
    add_pair(NULL, APP OWNER("apps/v1", "DaemonSet"), NULL, NULL);
    expect_candidates(false, false, true);
}
Test(candidates, b11_a_mirror_pod_does_not)
{
    add_pdb("b", "maxUnavailable: 0", 0);
    add_pair(NULL, APP OWNER("v1", "Node"), NULL, NULL);
    expect_candidates(true, true, true);
}
Test(candidates, b11_a_terminal_pod_does_not)
{
    add_pdb("b", "maxUnavailable: 0", 0);
    add_pair(NULL, APP, NULL, ", phase: Failed");
    expect_candidates(true, true, true);
}
Test(candidates, b12_unhealthy_pods_may_always_go)
{
    add_pdb("b", "minAvailable: 100%, unhealthyPodEvictionPolicy: AlwaysAllow", 0);
    add_pair(NULL, APP, NULL, ", conditions: [{type: Ready, status: 'False'}]");
    expect_candidates(true, true, true);
}
Test(candidates, b13_nominated)
{
    add_pair(NULL, NULL, NULL, NULL);
    disrupt_world_build(&world);
    kerf_cluster_nominate(world.cluster, disrupt_world_node(&world, "n")->id, world.options.provisioning.now_epoch_us + 1);
    kerf_cluster_nominate(world.cluster, disrupt_world_node(&world, "t")->id, world.options.provisioning.now_epoch_us);
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_SINGLE_NODE), "t"); /* the end itself is no longer nominated */
}
Test(candidates, b13_half_entries_and_the_rest)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "young", .type = "t1.large", .not_initialized = true, .conditions = DRIFTED});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "orphan", .type = "t1.large", .pool = "nobody", .conditions = DRIFTED});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "queued", .type = "t1.large", .conditions = DRIFTED});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "leaving",
                                                         .type = "t1.large",
                                                         .conditions = DRIFTED,
                                                         .claim_extra = ", deletionTimestamp: '2026-01-10T11:59:00Z', finalizers: [x/y]"});
    disrupt_world_add(&world, "{apiVersion: v1, kind: Node, metadata: {name: foreign, labels: {karpenter.sh/nodepool: np}}}");
    disrupt_world_build(&world);
    kerf_cluster_set_in_command(world.cluster, disrupt_world_node(&world, "queued")->id, true);
    for (int m = 0; m < KERF_METHOD_COUNT; m++)
        cr_expect_str_eq(disrupt_world_candidates(&world, (enum kerf_disruption_method)m), "", "%d: %s", m, world.outcome.bytes);
}
Test(candidates, b14_an_unknown_type_can_be_emptied_and_drift_but_not_be_consolidated)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "x9.large", .conditions = DRIFTED});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "e", .type = "x9.large"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "p", .node = "n"});
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_EMPTINESS), "e");
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_DRIFT), "n");
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_MULTI_NODE), "");
}
Test(candidates, policies_and_never)
{
    disrupt_world_add_pool(&world, "we", "consolidationPolicy: WhenEmpty", "", "");
    disrupt_world_add_pool(&world, "never", "consolidateAfter: Never", "", "");
    static const char *const pools[] = {"np", "we", "never"};
    for (int i = 0; i < 3; i++) {
        char empty[24], full[24], pod[24];
        snprintf(empty, sizeof empty, "%s-e", pools[i]);
        snprintf(full, sizeof full, "%s-f", pools[i]);
        snprintf(pod, sizeof pod, "%s-p", pools[i]);
        disrupt_world_add_node(&world, (struct disrupt_node){.name = empty, .type = "t1.large", .pool = pools[i]});
        disrupt_world_add_node(&world, (struct disrupt_node){.name = full, .type = "t1.large", .pool = pools[i]});
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = pod, .node = full});
    }
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_EMPTINESS), "np-e,we-e");
    cr_expect_str_eq(disrupt_world_candidates(&world, KERF_METHOD_MULTI_NODE), "np-f");
}
