/* What is searched and what is found: further examples of karpenter-disruption.md 17.5 to 17.7 and 17.10. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"

static struct disrupt_world world;

static void set_up(void) { disrupt_world_init(&world); }
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(search, .init = set_up, .fini = tear_down);

#define PASS(text) cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_EMPTINESS), text, "%s", world.outcome.bytes)
#define ON_DEMAND_ONLY ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}]"

static void add_node(const char *name, const char *type, bool spot)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = kerf_arena_text(&world.arena, name), .type = type, .capacity_type = spot ? "spot" : NULL});
}
static void add_pod(const char *name, const char *node, const char *cpu)
{
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = kerf_arena_text(&world.arena, name), .node = node, .cpu = cpu});
}

/* ---- prefixes ------------------------------------------------------------------------------------------------------------ */

/** Full nodes of the smallest type, and one that is no candidate with room for some of their pods. */
static void add_prefix_world(int count, const char *room_of_sink, double price_of_big)
{
    disrupt_world_add_type(&world, "one.large", 1, 1.0, 0);
    if (price_of_big > 0)
        disrupt_world_add_type(&world, "big.large", 10, price_of_big, 0);
    disrupt_world_add_type(&world, "sink.large", 16, 100.0, 0);
    disrupt_world_add_pool(&world, "np", "",
                           price_of_big > 0 ? ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [one.large, big.large]}]"
                                            : ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [one.large]}]",
                           "");
    for (int i = 0; i < count; i++) {
        char node[24], pod[24];
        snprintf(node, sizeof node, "n%02d", i);
        snprintf(pod, sizeof pod, "p%02d", i);
        add_node(node, "one.large", false);
        add_pod(pod, node, "1");
    }
    if (!room_of_sink)
        return;
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "sink", .type = "sink.large", .not_consolidatable = true});
    add_pod("in-sink", "sink", room_of_sink);
}

Test(search, e1_three_of_five)
{
    add_prefix_world(5, "13", 0); /* room for three */
    PASS("multi-node delete n00,n01,n02");
    cr_expect_eq(world.result->simulations, 2, "3 and 4");
}
Test(search, e2_four_of_ten)
{
    add_prefix_world(10, "12", 0);
    PASS("multi-node delete n00,n01,n02,n03");
    cr_expect_eq(world.result->simulations, 4, "6, 3, 4 and 5");
}
Test(search, e3_what_only_many_can_do_is_not_found)
{
    add_prefix_world(10, NULL, 8.5); /* one big node for nine or ten */
    world.options.explain = false;   /* else what is not asked for is explained by further simulations */
    PASS("nothing");
    cr_expect_eq(world.result->simulations, 3 + 10, "6, 3 and 2, then each alone");
}
Test(search, e4_two_of_three_are_tried)
{
    add_prefix_world(3, NULL, 2.5); /* one big node for all three */
    world.options.explain = false;
    PASS("nothing");
    cr_expect_eq(world.result->simulations, 1 + 3, "2, then each alone");
}
Test(search, e6_the_most_savings_for_the_least_disruption)
{
    disrupt_world_add_type(&world, "dear.large", 16, 16.0, 0);
    disrupt_world_add_type(&world, "middle.large", 16, 8.0, 0);
    disrupt_world_add_type(&world, "cheap.large", 16, 1.2, 0);
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: '2'}]", "", "");
    static const struct {
        const char *name, *type;
        int pods;
    } nodes[] = {{"a", "dear.large", 10}, {"b", "middle.large", 1}, {"c", "cheap.large", 8}};
    for (int i = 0; i < 3; i++) {
        add_node(nodes[i].name, nodes[i].type, false);
        for (int k = 0; k < nodes[i].pods; k++) {
            char pod[24];
            snprintf(pod, sizeof pod, "%s%d", nodes[i].name, k);
            add_pod(pod, nodes[i].name, "0.5");
        }
    }
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "sink", .type = "cheap.large", .not_consolidatable = true});
    PASS("multi-node delete b,a"); /* 8 / 2, 16 / 11; 1.2 / 9 comes last */
}

/* ---- where pods land ----------------------------------------------------------------------------------------------------- */

Test(search, f14_pods_of_a_node_that_goes_may_wait_for_a_new_one)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "", ON_DEMAND_ONLY, "");
    add_node("going", "t1.large", false);
    add_pod("of-going", "going", "1");
    add_node("n", "t1.large", false);
    add_pod("of-n", "n", "0.5");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "full", .type = "t1.large", .not_consolidatable = true});
    add_pod("in-full", "full", "3.5"); /* room for the small pod alone */
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "young", .type = "t1.large", .not_initialized = true});
    disrupt_world_build(&world);
    kerf_cluster_mark_for_deletion(world.cluster, disrupt_world_node(&world, "going")->id, true);
    PASS("single-node delete n");
}
Test(search, f17_a_new_node_is_never_closed)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_type(&world, "t2.large", 4, 0.4, 0);
    disrupt_world_add_pool(&world, "np", "consolidateAfter: 1m", ON_DEMAND_ONLY, "");
    add_node("n", "t2.large", false);
    add_pod("p", "n", "1");
    PASS("single-node replace n by np[t1]");
}

/* ---- Spot ----------------------------------------------------------------------------------------------------------------- */

Test(search, g3_one_cheaper_type_is_not_enough)
{
    for (int i = 0; i < 20; i++) {
        char name[24];
        snprintf(name, sizeof name, "s%02d.large", i);
        disrupt_world_add_type(&world, name, 4, 5.0, 1.0 + 0.1 * i);
    }
    disrupt_world_add_pool(&world, "np", "", "", "");
    add_node("n", "s01.large", true);
    add_pod("p", "n", "1");
    world.options.spot_to_spot_consolidation = true;
    PASS("nothing");
}
static void add_two_types(void)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0.1);
    disrupt_world_add_type(&world, "t2.large", 4, 0.4, 0.3);
    disrupt_world_add_pool(&world, "np", "", "", "");
}
Test(search, g9_spot_among_on_demand_needs_no_gate)
{
    add_two_types();
    add_node("a", "t2.large", false);
    add_node("b", "t2.large", false);
    add_node("c", "t2.large", true);
    add_pod("pa", "a", "1.2");
    add_pod("pb", "b", "1.2");
    add_pod("pc", "c", "1.2");
    disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE);
    cr_assert_eq(world.result->command_count, 1);
    cr_expect_eq(world.result->commands[0].method, KERF_METHOD_MULTI_NODE);
    size_t spot = 0;
    for (size_t i = 0; i < world.result->commands[0].candidate_count; i++)
        spot += kerf_node_id_equal(world.result->commands[0].candidates[i], disrupt_world_node(&world, "c")->id);
    cr_expect_eq(spot, 1, "%s", world.outcome.bytes);
}
Test(search, g10_a_spot_node_whose_pods_fit_elsewhere_is_deleted)
{
    add_two_types();
    add_node("a", "t2.large", true);
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "b", .type = "t1.large", .capacity_type = "spot", .not_consolidatable = true});
    add_pod("pa", "a", "1");
    add_pod("pb", "b", "1");
    PASS("single-node delete a");
}

/* ---- drift ----------------------------------------------------------------------------------------------------------------- */

Test(search, j5_open_commands_use_up_the_budget)
{
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_pool(&world, "np", "budgets: [{nodes: 30%}]", "", "");
    for (int i = 0; i < 10; i++) {
        char node[24], pod[24];
        snprintf(node, sizeof node, "n%d", i);
        snprintf(pod, sizeof pod, "p%d", i);
        disrupt_world_add_node(&world, (struct disrupt_node){
                                           .name = kerf_arena_text(&world.arena, node),
                                           .type = "t1.large",
                                           .not_consolidatable = true,
                                           .conditions = i < 5 ? ", {type: Drifted, status: 'True', reason: NodePoolDrifted, lastTransitionTime: "
                                                                 "'2026-01-10T11:00:00Z'}"
                                                               : NULL});
        add_pod(pod, node, "4");
    }
    int commands = 0;
    for (int pass = 0; pass < 5; pass++) {
        disrupt_world_pass(&world, KERF_METHOD_EMPTINESS);
        for (size_t i = 0; i < world.result->command_count; i++) {
            cr_assert_eq(world.result->commands[i].candidate_count, 1);
            kerf_cluster_mark_for_deletion(world.cluster, world.result->commands[i].candidates[0], true);
            commands++;
        }
    }
    cr_expect_eq(commands, 3);
}
