/*
 * The worked examples L1 to L8, L10 and L12 of karpenter-provisioning.md 16.10; of L7 and L10 what the memory of refusals holds. L9 and L11,
 * where several requests and time come in, are in tests/unit/controllers/test_lifecycle.c.
 */
#include <criterion/criterion.h>

#include "../../support/plan_world.h"

static struct plan_world world;

static void set_up(void)
{
    plan_world_init(&world);
    plan_world_clear_types(&world);
}
static void tear_down(void)
{
    plan_world_fini(&world);
}
TestSuite(examples_launch, .init = set_up, .fini = tear_down);

#define EXPECT_LAUNCH(text)                                                                                                      \
    do {                                                                                                                         \
        plan_world_run(&world);                                                                                                  \
        cr_assert_eq(world.plan->claim_count, 1, "%s", world.reasons.bytes);                                                     \
        cr_expect_str_eq(plan_world_launch(&world, 0), text);                                                                    \
    } while (0)

static void add_x_and_y(double x_z1, double x_z2, double y)
{
    plan_world_add_type(&world, "x.large", 2, 4096, 0.10, 0);
    plan_world_add_type(&world, "y.large", 2, 4096, 0.20, y);
    plan_world_set_spot(&world, "z1", "x.large", x_z1);
    plan_world_set_spot(&world, "z2", "x.large", x_z2);
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
}

Test(examples_launch, l1_spot_that_costs_more_than_on_demand_is_out)
{
    add_x_and_y(0.03, 0.12, 0.06);
    EXPECT_LAUNCH("spot X/z1 Y/z1 Y/z2 Y/z3");
}

Test(examples_launch, l2_without_cheap_spot_on_demand)
{
    add_x_and_y(0.11, 0.12, 0.13);
    EXPECT_LAUNCH("on-demand X/z1 X/z2 X/z3 Y/z1 Y/z2 Y/z3");
}

Test(examples_launch, l3_min_values_keep_dear_spot)
{
    plan_world_add_pool(&world, "np", ", requirements: [{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 2}]",
                        "");
    add_x_and_y(0.03, 0.12, 0.06);
    EXPECT_LAUNCH("spot X/z1 Y/z1 Y/z2 Y/z3 X/z2");
}

Test(examples_launch, l4_accelerators_and_metal_only_if_nothing_else)
{
    plan_world_add_type(&world, "g.large", 2, 4096, 0.1, 0);
    plan_world_add_type(&world, "m.metal", 2, 4096, 0.1, 0);
    plan_world_add_type(&world, "n.large", 2, 4096, 0.2, 0);
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT_LAUNCH("on-demand N/z1 N/z2 N/z3");
}

Test(examples_launch, l4_and_then_all_of_them)
{
    plan_world_add_type(&world, "g.large", 2, 4096, 0.1, 0);
    plan_world_add_type(&world, "m.metal", 2, 4096, 0.1, 0);
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    EXPECT_LAUNCH("on-demand G/z1 G/z2 G/z3 M/z1 M/z2 M/z3");
}

Test(examples_launch, l5_spot_at_the_price_of_on_demand_stays)
{
    add_x_and_y(0.10, 0.12, 0.13);
    EXPECT_LAUNCH("spot X/z1");
}

Test(examples_launch, l6_the_sixty_cheapest)
{
    for (int i = 0; i < 75; i++) {
        char name[32];
        snprintf(name, sizeof name, "t%02d.large", 74 - i);
        plan_world_add_type(&world, name, 2, 4096, 0.1 + 0.001 * (74 - i), 0);
    }
    plan_world_add_pod(&world, "p", "1", "128Mi", "", "");
    plan_world_run(&world);
    const char *launch = plan_world_launch(&world, 0);
    cr_expect(strstr(launch, "t00/z1") != NULL);
    cr_expect(strstr(launch, "t59/z3") != NULL);
    cr_expect(strstr(launch, "t60") == NULL);
}

Test(examples_launch, l7_a_refused_offering_is_remembered)
{
    add_x_and_y(0.03, 0.12, 0.06);
    world.unavailable = "spot:y.large:z2";
    EXPECT_LAUNCH("spot X/z1 Y/z1 Y/z3");
}

Test(examples_launch, l8_of_two_reservations_the_roomier_one)
{
    add_x_and_y(0.03, 0.12, 0.06);
    plan_world_add_reservation(&world, "r1", "x.large", "z1", 1, "");
    plan_world_add_reservation(&world, "r2", "x.large", "z1", 3, "");
    EXPECT_LAUNCH("reserved X/z1/r2");
}

/* 10.2, filters 2 and 3: one kind, of equal price the default one; of capacity blocks the cheapest alone. */
Test(examples_launch, reservations_of_one_kind_alone_are_asked_for)
{
    add_x_and_y(0.03, 0.12, 0.06);
    plan_world_add_reservation(&world, "r1", "x.large", "z1", 1, ", Interruptible: true");
    plan_world_add_reservation(&world, "r2", "x.large", "z2", 1, "");
    plan_world_add_reservation(&world, "r3", "y.large", "z1", 1, "");
    EXPECT_LAUNCH("reserved X/z2/r2 Y/z1/r3");
}

Test(examples_launch, one_capacity_block_is_asked_for)
{
    add_x_and_y(0.03, 0.12, 0.06);
    plan_world_add_reservation(&world, "b1", "y.large", "z1", 1, ", ReservationType: capacity-block, EndDate: '2100-01-01T00:00:00+00:00'");
    plan_world_add_reservation(&world, "b2", "x.large", "z2", 1, ", ReservationType: capacity-block, EndDate: '2100-01-01T00:00:00+00:00'");
    EXPECT_LAUNCH("reserved X/z2/b2");
}

Test(examples_launch, an_ended_reservation_is_none)
{
    add_x_and_y(0.03, 0.12, 0.06);
    plan_world_add_reservation(&world, "r1", "x.large", "z1", 1, ", EndDate: '1960-01-01T00:00:00Z'");
    EXPECT_LAUNCH("spot X/z1 Y/z1 Y/z2 Y/z3");
}

Test(examples_launch, l10_all_spot_refused)
{
    plan_world_add_pool(&world, "np", ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]", "");
    add_x_and_y(0.03, 0.12, 0.06);
    world.unavailable = "spot:*:*";
    cr_expect_str_eq(plan_world_run(&world), "left p");
    cr_expect(strstr(world.reasons.bytes, "nodepool requirements filtered out all available instance types"), "%s",
              world.reasons.bytes);
}

Test(examples_launch, l12_on_demand_when_spot_is_gone)
{
    add_x_and_y(0.03, 0.12, 0.06);
    world.unavailable = "spot:*:*";
    EXPECT_LAUNCH("on-demand X/z1 X/z2 X/z3 Y/z1 Y/z2 Y/z3");
}
