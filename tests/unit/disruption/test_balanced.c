/* The Balanced policy: examples H1 to H13 and E13 of karpenter-disruption.md 17.8 and 17.5. */
#include <criterion/criterion.h>
#include <math.h>

#include "../../support/disrupt_world.h"
#include "disruption/disruption_internal.h"

static const struct {
    double savings, disruption, total_cost, total_disruption, want;
} score_rows[] = {
    {7.26, 4, 58.08, 90, 2.8125},  {4.84, 5, 58.08, 90, 1.5},      {2.42, 9, 58.08, 90, 0.4166666}, {2.42, 9, 48.40, 90, 0.5},
    {4.84, 5, 58.08, 117, 1.95},   {4.84, 32, 58.08, 117, 0.3046}, {0, 11, 58.08, 90, 0},           {-5, 11, 58.08, 90, 0},
    {4.84, 0, 58.08, 90, INFINITY}, {4.84, 5, 0, 90, 0},            {4.84, 2, 4.84, 2, 1.0},         {0.1, 4, 1.0, 10, 0.25},
};

Test(balanced, h1_to_h10_scores)
{
    for (size_t i = 0; i < sizeof score_rows / sizeof score_rows[0]; i++) {
        struct kerf_nodepool_totals totals = {true, score_rows[i].total_cost, score_rows[i].total_disruption};
        double got = kerf_balanced_score(score_rows[i].savings, score_rows[i].disruption, &totals);
        if (isinf(score_rows[i].want))
            cr_expect(isinf(got), "row %zu: %g", i, got);
        else
            cr_expect_float_eq(got, score_rows[i].want, 1e-4, "row %zu: %g", i, got);
    }
    struct kerf_nodepool_totals boundary = {true, 48.40, 90};
    cr_expect(kerf_balanced_score(2.42, 9, &boundary) >= KERF_BALANCED_THRESHOLD); /* H4: the boundary approves */
}

static struct disrupt_world world;

static void set_up(void) { disrupt_world_init(&world); }
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(balanced_passes, .init = set_up, .fini = tear_down);

static void add_node(const char *name, const char *type, const char *pool, int pods)
{
    disrupt_world_add_node(&world, (struct disrupt_node){.name = name, .type = type, .pool = pool});
    for (int i = 0; i < pods; i++) {
        char pod[24];
        snprintf(pod, sizeof pod, "%s-p%02d", name, i);
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = pod, .node = name, .cpu = "0.1"});
    }
}

Test(balanced_passes, e13_the_prefix_is_scored_as_a_whole)
{
    disrupt_world_add_type(&world, "t8.large", 16, 8, 0);
    disrupt_world_add_type(&world, "t1.large", 16, 1, 0);
    disrupt_world_add_type(&world, "t3.large", 64, 3, 0);
    disrupt_world_add_pool(&world, "p", "consolidationPolicy: Balanced", "", "");
    add_node("a", "t8.large", "p", 1);
    add_node("b", "t8.large", "p", 1);
    add_node("c", "t1.large", "p", 12);
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "d", .type = "t3.large", .pool = "p", .not_consolidatable = true});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "dp0", .node = "d", .cpu = "0.1"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "dp1", .node = "d", .cpu = "0.1"});
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE), "multi-node delete a,b,c", "%s", world.outcome.bytes);
    cr_expect_float_eq(world.result->commands[0].score, 1.0, 1e-12); /* 17 of 20 dollars against 17 of 20 */
}

Test(balanced_passes, h11_the_filter_before_a_what_if)
{
    disrupt_world_add_type(&world, "t1.large", 16, 1, 0);
    disrupt_world_add_type(&world, "t9.large", 16, 9, 0);
    disrupt_world_add_pool(&world, "p", "consolidationPolicy: Balanced", "", "");
    add_node("a", "t1.large", "p", 20);
    add_node("b", "t9.large", "p", 1);
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_SINGLE_NODE), "single-node delete b", "%s", world.outcome.bytes);
    cr_expect_eq(world.result->simulations, 1);
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_SINGLE_NODE), "single-node delete b");
}

Test(balanced_passes, h12_each_pool_by_its_share)
{
    disrupt_world_add_type(&world, "t1.large", 16, 4.84, 0);
    disrupt_world_add_pool(&world, "p", "consolidationPolicy: Balanced, budgets: [{nodes: '1'}]", "", "");
    disrupt_world_add_pool(&world, "q", "budgets: [{nodes: '1'}]", "", "");
    static const char *const names[] = {"p0", "p1", "p2", "p3", "p4", "q0", "q1", "q2", "q3", "q4"};
    for (int i = 0; i < 10; i++)
        add_node(names[i], "t1.large", i < 5 ? "p" : "q", 1);
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE), "multi-node delete p0,q0", "%s", world.outcome.bytes);
    cr_expect_float_eq(world.result->commands[0].score, 1.0, 1e-12);
}
