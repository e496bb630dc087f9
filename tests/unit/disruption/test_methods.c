/* The methods: examples of karpenter-disruption.md 17.4 to 17.7, 17.10. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"

static struct disrupt_world world;

static void set_up(void) { disrupt_world_init(&world); }
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(methods, .init = set_up, .fini = tear_down);

#define PASS(text) cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_EMPTINESS), text, "%s", world.outcome.bytes)
#define SINGLE(text) cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_SINGLE_NODE), text, "%s", world.outcome.bytes)

static void add_node(const char *name, const char *type)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = kerf_arena_text(&world.arena, name), .type = type});
}
static void add_pod(const char *name, const char *node, const char *cpu)
{
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = name, .node = node, .cpu = cpu});
}
static void add_full_nodes(int count, const char *type, const char *cpu)
{
    for (int i = 0; i < count; i++) {
        char node[24], pod[24];
        snprintf(node, sizeof node, "n%02d", i);
        snprintf(pod, sizeof pod, "p%02d", i);
        add_node(node, type);
        add_pod(pod, node, cpu);
    }
}

/* ---- emptiness ------------------------------------------------------------------------------------------------------------------- */

Test(methods, d7_a_budget_of_thirty_percent_of_ten)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: 30%}]", "", "");
    for (int i = 0; i < 10; i++)
        add_node((char[]){'n', (char)('0' + i), 0}, "t1.large");
    PASS("emptiness delete n0,n1,n2");
}
Test(methods, d8_the_dearest_goes_first)
{
    disrupt_world_add_type(&world, "t1.large", 4, 1, 0);
    disrupt_world_add_type(&world, "t3.large", 4, 3, 0);
    disrupt_world_add_type(&world, "t5.large", 4, 5, 0);
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: '1'}]", "", "");
    add_node("a", "t1.large");
    add_node("b", "t5.large");
    add_node("c", "t3.large");
    PASS("emptiness delete b");
}
Test(methods, d9_a_pod_comes_while_the_command_waits)
{
    disrupt_world_add_type(&world, "t1.large", 4, 1, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_node("a", "t1.large");
    add_node("b", "t1.large");
    add_pod("p", NULL, "1");
    PASS("emptiness delete a,b");
    kerf_cluster_bind_pod(world.cluster, kerf_cluster_pending_at(world.cluster, 0)->id, disrupt_world_node(&world, "a")->id);
    disrupt_world_set_now(&world, "2026-01-10T12:00:15Z");
    cr_expect_str_eq(disrupt_world_validate(&world), "emptiness delete b");
}
Test(methods, p2_emptiness_before_drift)
{
    disrupt_world_add_type(&world, "t1.large", 4, 1, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_node("a", "t1.large");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "b",
                                                         .type = "t1.large",
                                                         .not_consolidatable = true,
                                                         .conditions = ", {type: Drifted, status: 'True', reason: NodePoolDrifted, "
                                                                       "lastTransitionTime: '2026-01-09T00:00:00Z'}"});
    PASS("emptiness delete a");
    kerf_cluster_mark_for_deletion(world.cluster, disrupt_world_node(&world, "a")->id, true);
    PASS("drift delete b");
}

#define ON_DEMAND_ONLY ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}]"

/* ---- multi-node ------------------------------------------------------------------------------------------------------------------- */

Test(methods, e12_the_best_three_of_ten)
{
    disrupt_world_add_type(&world, "t1.large", 8, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: 30%}]", "", "");
    add_full_nodes(10, "t1.large", "0.5");
    add_pod("more", "n00", "0.5"); /* a worse ratio than the others */
    PASS("multi-node delete n01,n02,n03");
}
Test(methods, e5_at_most_a_hundred_and_one)
{
    disrupt_world_add_type(&world, "t1.large", 64, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    for (int i = 0; i < 120; i++) {
        char node[24], pod[24];
        snprintf(node, sizeof node, "n%03d", i);
        snprintf(pod, sizeof pod, "p%03d", i);
        add_node(node, "t1.large");
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = pod, .node = node, .cpu = "0.1"});
    }
    disrupt_world_pass(&world, KERF_METHOD_EMPTINESS);
    cr_assert_eq(world.result->command_count, 1);
    cr_expect_eq(world.result->commands[0].candidate_count, 101);
    cr_expect_eq(world.result->simulations, 7); /* 51, 76, 89, 95, 98, 100, 101 */
}
Test(methods, e7_three_equal_dear_nodes_become_one_cheaper_one)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_type(&world, "t2.large", 8, 1.0, 0);
    disrupt_world_add_pool(&world, "np", "", ON_DEMAND_ONLY, "");
    add_full_nodes(3, "t2.large", "1");
    PASS("multi-node replace n00,n01,n02 by np[t1]");
    cr_expect_eq(world.result->simulations, 2);
}
Test(methods, e8_two_of_the_cheapest_type_are_a_delete_for_single_node)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_full_nodes(2, "t1.large", "1");
    add_pod("p2", "n01", "1");
    PASS("single-node delete n00");
}
static void add_sizes(bool nano, const char *cpu)
{
    if (nano)
        disrupt_world_add_type(&world, "nano.large", 1, 0.0047, 0);
    disrupt_world_add_type(&world, "small.large", 2, 0.0188, 0);
    disrupt_world_add_type(&world, "xl.large", 4, 0.1504, 0);
    disrupt_world_add_type(&world, "xxl.large", 8, 0.3008, 0);
    disrupt_world_add_pool(&world, "np", "", ON_DEMAND_ONLY, "");
    add_node("a", "xxl.large");
    add_node("b", "xxl.large");
    add_node("c", "small.large");
    add_pod("pa", "a", cpu);
    add_pod("pb", "b", cpu);
    add_pod("pc", "c", cpu);
    disrupt_world_build(&world);
}
Test(methods, e9_to_become_what_one_of_them_is_keep_that_one)
{
    add_sizes(false, "0.3");
    disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE);
    cr_expect_eq(world.result->command_count == 1 && world.result->commands[0].replace && world.result->commands[0].candidate_count == 3, false);
}
Test(methods, e10_only_what_is_cheaper_than_that_one)
{
    add_sizes(true, "0.3");
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE), "multi-node replace a,b,c by np[nano]", "%s", world.outcome.bytes);
}
Test(methods, e11_a_type_that_is_too_small_does_not_count)
{
    add_sizes(false, "0.9");
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE), "multi-node replace a,b,c by np[xl]", "%s", world.outcome.bytes);
}

Test(methods, nodes_that_stay_say_what_would_come_of_them)
{
    disrupt_world_add_type(&world, "t1.large", 8, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: '2'}]", "", "");
    add_full_nodes(4, "t1.large", "1");
    add_pod("more", "n03", "5");
    PASS("multi-node delete n00,n01");
    const struct kerf_disruption_reason_text *n02 = &world.result->nodes[2], *n03 = &world.result->nodes[3];
    cr_assert_eq(n02->reason_count, 2);
    cr_expect_str_eq(n02->reasons[0], "multi-node: the disruption budget of NodePool np is used up: nodes: 2 lets 2 of 4 go, 0 are not ready or going already, 2 come first");
    cr_expect_str_eq(n02->reasons[1], "it could be deleted in a later pass: its pods fit elsewhere, $0.2 an hour");
    cr_expect_eq(n03->reason_count, 2);
    cr_expect_eq(world.result->simulations, 1);
}

/* ---- price and capacity type ---------------------------------------------------------------------------------------------------------- */

static void add_f_world(double on_demand, const double spot[3], const char *template_spec, const char *spec_extra)
{
    static const char *const zones[] = {"z1", "z2", "z3"};
    disrupt_world_add_type(&world, "dear.large", 8, 0.5, 0);
    disrupt_world_add_type(&world, "t1.large", 4, on_demand, 0);
    for (int i = 0; i < 3; i++)
        if (spot[i] > 0)
            disrupt_world_set_spot(&world, zones[i], "t1.large", spot[i]);
    disrupt_world_add_pool(&world, "np", "", template_spec, "");
    add_node("n", "dear.large");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "p", .node = "n", .cpu = "1", .spec_extra = spec_extra});
}
Test(methods, f1_the_worst_launch_counts)
{
    add_f_world(0, (double[]){1.0, 0.2, 0.4}, "", NULL);
    PASS("nothing");
}
Test(methods, f2_pinned_to_the_cheap_zone)
{
    add_f_world(0, (double[]){1.0, 0.2, 0.4}, "", ", nodeSelector: {topology.kubernetes.io/zone: z2}");
    PASS("single-node replace n by np[t1]");
}
Test(methods, f3_spot_does_not_count_where_it_is_not_allowed)
{
    add_f_world(0.6, (double[]){0.2, 0.2, 0.2}, ON_DEMAND_ONLY, NULL);
    PASS("nothing");
}
Test(methods, f4_allowed_both_the_replacement_must_be_spot)
{
    add_f_world(0.6, (double[]){0.2, 0.3, 0}, "", NULL);
    PASS("single-node replace n by np[t1]");
    const struct kerf_planned_claim *replacement = &world.result->commands[0].replacements[0];
    const struct kerf_requirement *capacity_type = kerf_requirements_get(&replacement->requirements, world.vocabulary->key_capacity_type);
    cr_assert_eq(capacity_type->value_count, 1);
    cr_expect_str_eq(capacity_type->values[0]->text, "spot");
}
Test(methods, f5_as_dear_is_not_cheaper)
{
    add_f_world(0.5, (double[]){0, 0, 0}, "", NULL);
    PASS("nothing");
}
Test(methods, f6_an_unknown_price_can_be_deleted_but_not_beaten)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .capacity_type = "spot"}); /* no Spot price: 0 */
    add_pod("p", "n", "1");
    PASS("nothing");
    tear_down();
    set_up();
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_pool(&world, "other", "consolidateAfter: Never", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .capacity_type = "spot"});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "room", .type = "t1.large", .pool = "other"}); /* F16: open as a destination */
    add_pod("p", "n", "1");
    PASS("single-node delete n");
}
static void add_reservation(const char *id, const char *type, int available)
{
    disrupt_world_add(&world,
                      "{CapacityReservations: [{CapacityReservationId: %s, OwnerId: '1', InstanceType: %s, AvailabilityZone: z1, "
                      "AvailableInstanceCount: %d}]}",
                      id, type, available);
}
static void expect_value_of_replacement(const char *key, const char *value)
{
    const struct kerf_planned_claim *replacement = &world.result->commands[0].replacements[0];
    const struct kerf_requirement *requirement = kerf_requirements_get(&replacement->requirements, kerf_name_find(world.vocabulary->names, key));
    cr_assert_eq(requirement->value_count, 1);
    cr_expect_str_eq(requirement->values[0]->text, value);
}
Test(methods, f7_spot_gives_way_to_a_reservation_of_its_type)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0.1);
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .capacity_type = "spot"});
    add_pod("p", "n", "1");
    add_reservation("cr-1", "t1.large", 1);
    PASS("single-node replace n by np[t1]");
    expect_value_of_replacement("karpenter.sh/capacity-type", "reserved");
    expect_value_of_replacement("karpenter.k8s.aws/capacity-reservation-id", "cr-1");
}
Test(methods, f8_reserved_nodes_are_replaced_by_cheaper_reserved_ones)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_type(&world, "t2.large", 8, 0.4, 0);
    disrupt_world_add_type(&world, "t3.large", 16, 0.8, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t3.large", .capacity_type = "reserved",
                                                         .labels = ", karpenter.k8s.aws/capacity-reservation-id: cr-3"});
    add_pod("p", "n", "1");
    add_reservation("cr-1", "t1.large", 1);
    add_reservation("cr-3", "t3.large", 0);
    PASS("single-node replace n by np[t1]");
    expect_value_of_replacement("karpenter.sh/capacity-type", "reserved");
    expect_value_of_replacement("karpenter.k8s.aws/capacity-reservation-id", "cr-1");
}
/* 7.1: whoever finds all reservations held goes without. */
Test(methods, simulations_fall_back_from_reservations)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_type(&world, "t2.large", 8, 0.5, 0);
    disrupt_world_add_pool(&world, "np", "", ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [t1.large]}]", "");
    add_node("n", "t2.large");
    add_pod("p", "n", "3");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pending", .cpu = "3.5"});
    add_reservation("cr-1", "t1.large", 1);
    PASS("nothing");
    cr_expect_str_eq(world.result->nodes[0].reasons[0], "2 new nodes would be needed, $4e-08 an hour at least, now it is $0.5: consolidation makes one at most");
}
Test(methods, f9_two_new_nodes_are_no_consolidation)
{
    disrupt_world_add_type(&world, "t1.large", 2, 0.1, 0);
    disrupt_world_add_type(&world, "t2.large", 8, 1.0, 0);
    disrupt_world_add_pool(&world, "np", "", ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [t1.large]}]", "");
    add_node("n", "t2.large");
    add_pod("a", "n", "1.5");
    add_pod("b", "n", "1.5");
    PASS("nothing");
    cr_expect_str_eq(world.result->nodes[0].reasons[0], "2 new nodes would be needed, $0.2 an hour at least, now it is $1: consolidation makes one at most");
}
Test(methods, f10_min_values_hold_after_the_price_filter)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.1, 0);
    disrupt_world_add_type(&world, "t2.large", 4, 0.9, 0);
    disrupt_world_add_type(&world, "t3.large", 8, 0.5, 0);
    world.options.provisioning.min_values_policy = KERF_MIN_VALUES_BEST_EFFORT;
    disrupt_world_add_pool(&world, "np", "", ", requirements: [{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 2}]", "");
    add_node("n", "t3.large");
    add_pod("p", "n", "1");
    PASS("nothing");
}
Test(methods, f11_a_pod_that_never_fits_does_not_matter)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_full_nodes(2, "t1.large", "1");
    add_pod("p2", "n01", "1");
    add_pod("giant", NULL, "500");
    SINGLE("single-node delete n00");
}
Test(methods, f12_a_pending_pod_that_needs_the_node)
{
    disrupt_world_add_type(&world, "t1.large", 64, 2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_node("n", "t1.large");
    add_pod("p", "n", "1");
    add_pod("wide", NULL, "62");
    PASS("nothing");
}
Test(methods, f13_a_node_that_is_not_initialized_is_no_destination)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_node("n", "t1.large");
    add_pod("p", "n", "1");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "young", .type = "t1.large", .not_initialized = true});
    PASS("nothing");
    cr_expect(strstr(world.result->nodes[0].reasons[0], "not initialized") != NULL, "%s", world.result->nodes[0].reasons[0]);
}
static void add_f15_world(const char *event)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "consolidateAfter: 1m", "", "");
    add_node("a", "t1.large");
    disrupt_world_add_node(&world,
                           (struct disrupt_node){.name = "b", .type = "t1.large", .not_consolidatable = true, .claim_status = event});
    add_pod("pa", "a", "1");
    add_pod("pb", "b", "1");
}
Test(methods, f15_a_destination_within_its_window_is_closed)
{
    add_f15_world(", lastPodEventTime: '2026-01-10T11:59:30Z'");
    PASS("nothing");
    disrupt_world_set_now(&world, "2026-01-10T12:00:30Z");
    world.memory = (struct kerf_disruption_memory){0}; /* the end of a window is not a change that the memo hears of */
    PASS("single-node delete a");
}

/* ---- Spot to Spot ------------------------------------------------------------------------------------------------------------------------ */

static void add_spot_types(int count, bool one_nearly_free, const char *template_spec)
{
    for (int i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "s%02d.large", i);
        disrupt_world_add_type(&world, name, 4, 5.0, one_nearly_free && i == 8 ? 0.001 : 1.0 + 0.1 * i);
    }
    disrupt_world_add_pool(&world, "np", "", template_spec, "");
    char dearest[24];
    snprintf(dearest, sizeof dearest, "s%02d.large", count - 1);
    disrupt_world_add_node(&world,
                           (struct disrupt_node){.name = "n", .type = kerf_arena_text(&world.arena, dearest), .capacity_type = "spot"});
    add_pod("p", "n", "1");
    world.options.spot_to_spot_consolidation = true;
}
Test(methods, g1_the_gate_is_off)
{
    add_spot_types(18, false, "");
    world.options.spot_to_spot_consolidation = false;
    PASS("nothing");
}
Test(methods, g2_and_g7_fewer_than_fifteen_cheaper_types)
{
    add_spot_types(15, false, ""); /* 14 are cheaper */
    PASS("nothing");
    cr_expect_str_eq(world.result->nodes[0].reasons[0], "a Spot node needs 15 cheaper instance types to be replaced by Spot, there are 14");
}
Test(methods, g4_exactly_the_fifteen_cheapest)
{
    add_spot_types(18, true, "");
    PASS("single-node replace n by np[s08,s00,s01,s02,s03,s04,s05,s06,s07,s09,s10,s11,s12,s13,s14]");
}
Test(methods, g5_min_values_above_fifteen)
{
    add_spot_types(18, true, ", requirements: [{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 16}]");
    PASS("single-node replace n by np[s08,s00,s01,s02,s03,s04,s05,s06,s07,s09,s10,s11,s12,s13,s14,s15]");
}
Test(methods, g6_min_values_below_fifteen_leave_fifteen)
{
    add_spot_types(18, true, ", requirements: [{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 3}]");
    PASS("single-node replace n by np[s08,s00,s01,s02,s03,s04,s05,s06,s07,s09,s10,s11,s12,s13,s14]");
}
Test(methods, g8_several_nodes_need_no_flexibility)
{
    add_spot_types(4, false, "");
    for (int i = 0; i < 2; i++) {
        char node[8] = {'m', (char)('0' + i), 0}, pod[8] = {'q', (char)('0' + i), 0};
        disrupt_world_add_node(&world, (struct disrupt_node){.name = kerf_arena_text(&world.arena, node), .type = "s03.large", .capacity_type = "spot"});
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = kerf_arena_text(&world.arena, pod), .node = node, .cpu = "1"});
    }
    PASS("multi-node replace m0,m1,n by np[s00,s01,s02]");
}

/* ---- drift -------------------------------------------------------------------------------------------------------------------------------- */

#define DRIFTED_AT(time) ", {type: Drifted, status: 'True', reason: NodePoolDrifted, lastTransitionTime: '" time "'}"

static void add_drifted(const char *name, const char *since, const char *claim_spec)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = name, .type = "t1.large", .not_consolidatable = true, .conditions = since, .claim_spec = claim_spec});
}
static void add_drift_world(int cpu)
{
    disrupt_world_add_type(&world, "t1.large", cpu, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", "");
}
Test(methods, j1_the_longest_drifted_goes_first)
{
    add_drift_world(4);
    add_drifted("b", DRIFTED_AT("2026-01-10T11:00:00Z"), NULL);
    add_drifted("a", DRIFTED_AT("2026-01-10T12:00:00Z"), NULL);
    add_pod("pa", "a", "4");
    add_pod("pb", "b", "4");
    PASS("drift replace b by np[t1]");
}
Test(methods, j2_but_nodes_without_pods_before_it)
{
    add_drift_world(4);
    add_drifted("a", DRIFTED_AT("2026-01-10T11:00:00Z"), NULL);
    add_drifted("b", DRIFTED_AT("2026-01-10T12:00:00Z"), NULL);
    add_pod("pa", "a", "4");
    PASS("drift delete b");
}
Test(methods, j3_the_next_if_its_pods_have_no_place)
{
    add_drift_world(4);
    add_drifted("a", DRIFTED_AT("2026-01-10T11:00:00Z"), NULL);
    add_drifted("b", DRIFTED_AT("2026-01-10T12:00:00Z"), NULL);
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pa", .node = "a", .spec_extra = ", nodeSelector: {example.com/rack: '7'}"});
    add_pod("pb", "b", "4");
    PASS("drift replace b by np[t1]");
}
Test(methods, j4_as_many_replacements_as_it_takes)
{
    disrupt_world_add_type(&world, "t1.large", 8, 0.8, 0);
    disrupt_world_add_type(&world, "t2.large", 3, 0.3, 0);
    disrupt_world_add_pool(&world, "np", "", ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [t2.large]}]", "");
    add_drifted("a", DRIFTED_AT("2026-01-10T11:00:00Z"), NULL);
    for (int i = 0; i < 3; i++)
        add_pod((char[]){'p', (char)('0' + i), 0}, "a", "2");
    PASS("drift replace a by np[t2],np[t2],np[t2]");
}
Test(methods, j6_blocked_pods_get_no_replacement_when_grace_ends_all)
{
    add_drift_world(4);
    disrupt_world_add(&world, "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: default}, spec: {selector: "
                              "{matchLabels: {app: x}}, maxUnavailable: 0}, status: {disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, "
                              "expectedPods: 1}}");
    add_drifted("a", DRIFTED_AT("2026-01-10T11:00:00Z"), ", terminationGracePeriod: 300s");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pa", .node = "a", .meta_extra = ", labels: {app: x}"});
    PASS("drift delete a");
}
static void add_static_world(int replicas, int limit, int nodes)
{
    char rest[64];
    snprintf(rest, sizeof rest, ", replicas: %d, limits: {nodes: '%d'}", replicas, limit);
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", "", rest);
    for (int i = 0; i < nodes; i++) {
        char name[8] = {'n', (char)('0' + i), 0};
        add_drifted(kerf_arena_text(&world.arena, name), DRIFTED_AT("2026-01-10T11:00:00Z"), NULL);
    }
}
Test(methods, j13_no_room_for_a_replacement)
{
    add_static_world(5, 5, 5);
    PASS("nothing");
}
Test(methods, j14_two_at_once)
{
    add_static_world(5, 7, 5);
    PASS("static-drift replace n0 by np[]; static-drift replace n1 by np[]");
}
Test(methods, j15_one_at_a_time)
{
    add_static_world(5, 6, 5);
    PASS("static-drift replace n0 by np[]");
    kerf_node_id first = disrupt_world_node(&world, "n0")->id;
    kerf_cluster_set_in_command(world.cluster, first, true); /* its replacement is made: six nodeclaims */
    kerf_cluster_mark_for_deletion(world.cluster, first, true);
    struct kerf_nodeclaim claim = disrupt_world_node(&world, "n1")->claim;
    claim.meta.name = claim.meta.uid = kerf_name_of(world.vocabulary->names, "np-new");
    claim.provider_id = kerf_name_of(world.vocabulary->names, "aws:///z1/i-new");
    claim.node_name = NULL;
    kerf_cluster_add_claim(world.cluster, &claim);
    PASS("nothing");
}
Test(methods, j16_first_the_scale_down)
{
    add_static_world(1, 9, 2);
    PASS("nothing");
}
