/* Budgets: activity, what they allow, what is left (karpenter-disruption.md section 3; examples C1 to C14). */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "../../support/disrupt_world.h"
#include "disruption/disruption_internal.h"
#include "document/document.h"

static const struct kerf_budget ten_percent = {.percent = true, .value = 10, .duration_us = KERF_TIME_UNSET};
#define PERCENT(p) {.percent = true, .value = (p), .duration_us = KERF_TIME_UNSET}
#define COUNT(n) {.value = (n), .duration_us = KERF_TIME_UNSET}
#define COUNT_FOR(n, why) {.value = (n), .duration_us = KERF_TIME_UNSET, .has_reasons = true, .reasons = (why)}

static int64_t allowed(const struct kerf_budget *budgets, uint32_t count, enum kerf_disruption_reason reason, int64_t nodes, kerf_time_us now)
{
    struct kerf_nodepool nodepool = {.budgets = budgets, .budget_count = count};
    return kerf_budgets_allowed(&nodepool, reason, nodes, now);
}

Test(budgets, c1_a_percentage_is_rounded_up)
{
    static const int64_t nodes[] = {0, 1, 10, 11}, want[] = {0, 1, 1, 2};
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(allowed(&ten_percent, 1, KERF_REASON_EMPTY, nodes[i], 0), want[i], "%d", (int)i);
}

Test(budgets, c2_half_of_three_is_two)
{
    const struct kerf_budget half = PERCENT(50);
    cr_expect_eq(allowed(&half, 1, KERF_REASON_DRIFTED, 3, 0), 2);
}

Test(budgets, c8_the_least_of_those_for_the_reason)
{
    const struct kerf_budget budgets[] = {COUNT(10),
                                          COUNT(100),
                                          PERCENT(100),
                                          COUNT_FOR(15, KERF_REASON_DRIFTED | KERF_REASON_UNDERUTILIZED),
                                          COUNT_FOR(5, KERF_REASON_DRIFTED),
                                          COUNT_FOR(4, KERF_REASON_EMPTY)};
    cr_expect_eq(allowed(budgets, 6, KERF_REASON_EMPTY, 100, 0), 4);
    cr_expect_eq(allowed(budgets, 6, KERF_REASON_DRIFTED, 100, 0), 5);
    cr_expect_eq(allowed(budgets, 6, KERF_REASON_UNDERUTILIZED, 100, 0), 10);
}

Test(budgets, an_empty_list_of_reasons_applies_to_none_and_no_budget_to_all)
{
    const struct kerf_budget none = COUNT_FOR(0, 0);
    cr_expect_eq(allowed(&none, 1, KERF_REASON_EMPTY, 10, 0), KERF_BUDGET_UNBOUNDED);
    cr_expect_eq(allowed(NULL, 0, KERF_REASON_EMPTY, 10, 0), KERF_BUDGET_UNBOUNDED);
}

static struct kerf_budget scheduled(struct kerf_names *names, const char *schedule, kerf_time_us duration_us)
{
    return (struct kerf_budget){.schedule = kerf_name_of(names, schedule), .duration_us = duration_us};
}

static kerf_time_us at(const char *time)
{
    kerf_time_us epoch_us = 0;
    cr_assert(kerf_parse_time(time, &epoch_us));
    return epoch_us;
}

static const struct {
    const char *schedule;
    const char *now;
    kerf_time_us duration_us;
    bool active;
} activity_rows[] = {
    {"@daily", "2026-01-10T00:00:00Z", 30 * KERF_MINUTE_US, true},  /* C11: from the hit on */
    {"@daily", "2026-01-10T00:29:59Z", 30 * KERF_MINUTE_US, true},  /* until before its end */
    {"@daily", "2026-01-10T00:30:00Z", 30 * KERF_MINUTE_US, false}, /* the end is outside */
    {"@daily", "2026-01-10T13:00:00Z", 48 * KERF_HOUR_US, true},    /* C12: longer than the period */
    {"30 6 * * SUN", "2026-01-11T00:00:00Z", 6 * KERF_HOUR_US, false}, /* C13: a Sunday, before */
    {"30 6 * * SUN", "2026-01-11T06:30:00Z", 6 * KERF_HOUR_US, true},
    {"30 6 * * SUN", "2026-01-11T12:29:59Z", 6 * KERF_HOUR_US, true},
    {"0 9 * * mon-fri", "2026-01-09T10:00:00Z", 8 * KERF_HOUR_US, true}, /* a Friday */
    {"0 9 * * mon-fri", "2026-01-10T10:00:00Z", 8 * KERF_HOUR_US, false},
    {"0 22 13 * FRI", "2026-01-13T23:00:00Z", 2 * KERF_HOUR_US, true}, /* both day fields: either suffices; a Tuesday */
};
ParameterizedTestParameters(budgets, activity)
{
    static size_t row[sizeof activity_rows / sizeof activity_rows[0]];
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        row[i] = i;
    return cr_make_param_array(size_t, row, sizeof row / sizeof row[0]);
}
ParameterizedTest(size_t *row, budgets, activity)
{
    struct kerf_names *names = kerf_names_new(NULL);
    struct kerf_budget budget = scheduled(names, activity_rows[*row].schedule, activity_rows[*row].duration_us);
    bool unparseable;
    cr_expect_eq(kerf_budget_is_active(&budget, at(activity_rows[*row].now), &unparseable), activity_rows[*row].active, "%s at %s",
                 activity_rows[*row].schedule, activity_rows[*row].now);
    cr_expect(!unparseable);
    kerf_names_free(names);
}

Test(budgets, c9_and_c10_inactive_is_unbounded_and_nonsense_closes_all)
{
    struct kerf_names *names = kerf_names_new(NULL);
    struct kerf_budget inactive = scheduled(names, "@daily", KERF_HOUR_US);
    cr_expect_eq(allowed(&inactive, 1, KERF_REASON_EMPTY, 10, at("2026-01-10T12:00:00Z")), KERF_BUDGET_UNBOUNDED);
    static const char *const nonsense[] = {"@wrongly", "0 0 * * 7", "0 22-6 * * *"};
    for (size_t i = 0; i < 3; i++) {
        struct kerf_budget budgets[] = {COUNT(5), scheduled(names, nonsense[i], KERF_HOUR_US)};
        budgets[1].has_reasons = true;
        budgets[1].reasons = KERF_REASON_EMPTY;
        cr_expect_eq(allowed(budgets, 2, KERF_REASON_DRIFTED, 10, 0), 0, "%s", nonsense[i]);
    }
    kerf_names_free(names);
}

/* ---- what counts as a node of the pool, and as being disrupted ----------------------------------------------------------------- */

static struct disrupt_world world;

static void set_up(void)
{
    disrupt_world_init(&world);
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0.1);
}
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(budgets_counted, .init = set_up, .fini = tear_down);

static void add_nodes(int count, int not_ready, const char *claim_extra, int with_extra)
{
    for (int i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        disrupt_world_add_node(&world, (struct disrupt_node){.name = kerf_arena_text(&world.arena, name),
                                                             .type = "t1.large",
                                                             .not_ready = i < not_ready,
                                                             .claim_extra = i >= count - with_extra ? claim_extra : NULL});
    }
}

static int64_t left(enum kerf_disruption_reason reason)
{
    disrupt_world_build(&world);
    return kerf_disruption_budget(world.cluster, 0, reason, world.options.provisioning.now_epoch_us);
}

Test(budgets_counted, c4_nodes_that_are_not_ready_are_disrupted_already)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_nodes(10, 2, NULL, 0);
    cr_expect_eq(left(KERF_REASON_EMPTY), 8);
}

Test(budgets_counted, c5_so_are_those_being_deleted_or_marked)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_nodes(10, 0, ", deletionTimestamp: '2026-01-10T11:59:00Z', finalizers: [karpenter.sh/termination]", 1);
    disrupt_world_build(&world);
    kerf_cluster_mark_for_deletion(world.cluster, disrupt_world_node(&world, "n0")->id, true);
    cr_expect_eq(left(KERF_REASON_UNDERUTILIZED), 8);
}

Test(budgets_counted, c6_only_initialized_managed_nodes_count)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_nodes(10, 0, NULL, 0);
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "young", .type = "t1.large", .not_initialized = true});
    disrupt_world_add_node(
        &world, (struct disrupt_node){.name = "gone", .type = "t1.large", .conditions = ", {type: InstanceTerminating, status: 'True'}"});
    disrupt_world_add(&world, "{apiVersion: v1, kind: Node, metadata: {name: foreign, labels: {karpenter.sh/nodepool: np}}, status: "
                              "{conditions: [{type: Ready, status: 'True'}]}}");
    cr_expect_eq(left(KERF_REASON_DRIFTED), 10);
}

Test(budgets_counted, c7_never_less_than_none)
{
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: 10%}]", "", "");
    add_nodes(10, 0, ", deletionTimestamp: '2026-01-10T11:59:00Z', finalizers: [karpenter.sh/termination]", 10);
    cr_expect_eq(left(KERF_REASON_EMPTY), 0);
}

Test(budgets_counted, c14_a_slot_is_free_once_the_instance_terminates)
{
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: 20%}]", "", "");
    add_nodes(10, 0, ", deletionTimestamp: '2026-01-10T11:59:00Z', finalizers: [karpenter.sh/termination]", 2);
    cr_expect_eq(left(KERF_REASON_EMPTY), 0);
    kerf_cluster_set_claim_condition(world.cluster, disrupt_world_node(&world, "n9")->id, "InstanceTerminating", KERF_CONDITION_TRUE, "x");
    cr_expect_eq(left(KERF_REASON_EMPTY), 1); /* n = 9, allowed 2, one disrupted */
}

Test(budgets_counted, the_api_server_fills_in_ten_percent)
{
    disrupt_world_add(&world, "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: np}, spec: {template: {spec: {nodeClassRef: "
                              "{group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}}}}}");
    add_nodes(11, 0, NULL, 0);
    cr_expect_eq(left(KERF_REASON_EMPTY), 2);
}
