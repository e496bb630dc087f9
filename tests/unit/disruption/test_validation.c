/* Validation 15 s later, the memo and the turns of NodePools: examples I1 to I6 and P4 to P8 of karpenter-disruption.md 17.9, 17.14. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"

static struct disrupt_world world;

static void set_up(void)
{
    disrupt_world_init(&world);
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0);
    disrupt_world_add_type(&world, "t2.large", 8, 1.0, 0);
}
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(validation, .init = set_up, .fini = tear_down);

static void add_pair(const char *disruption, const char *type)
{
    disrupt_world_add_pool(&world, "np", disruption, "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "a", .type = type});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "b", .type = type});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pa", .node = "a", .cpu = "1"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pb", .node = "b", .cpu = "1"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pc", .node = "b", .cpu = "1"});
}

static const char *later(void)
{
    disrupt_world_set_now(&world, "2026-01-10T12:00:15Z");
    return disrupt_world_validate(&world);
}

Test(validation, a_command_that_still_holds)
{
    add_pair("", "t1.large");
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE), "single-node delete a");
    cr_expect_str_eq(later(), "single-node delete a");
}
Test(validation, i1_a_candidate_is_nominated)
{
    add_pair("", "t1.large");
    disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE);
    kerf_cluster_nominate(world.cluster, disrupt_world_node(&world, "a")->id, world.options.provisioning.now_epoch_us + KERF_MINUTE_US);
    cr_expect_str_eq(later(), "dropped");
}
Test(validation, i1_its_condition_is_gone)
{
    add_pair("", "t1.large");
    disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE);
    kerf_cluster_set_claim_condition(world.cluster, disrupt_world_node(&world, "a")->id, "Consolidatable", KERF_CONDITION_FALSE, "x");
    cr_expect_str_eq(later(), "dropped");
}
Test(validation, i1_the_budget_closes)
{
    add_pair("budgets: [{nodes: '1'}]", "t1.large");
    disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE);
    kerf_cluster_set_node_condition(world.cluster, disrupt_world_node(&world, "b")->id, "Ready", KERF_CONDITION_FALSE);
    cr_expect_str_eq(later(), "dropped");
}
Test(validation, i5_a_delete_that_would_need_a_node)
{
    add_pair("", "t1.large");
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "wide", .cpu = "2"});
    disrupt_world_build(&world);
    kerf_pod_id wide = kerf_cluster_pending_at(world.cluster, 0)->id;
    kerf_cluster_set_pod_unschedulable(world.cluster, wide, false);
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_MULTI_NODE), "single-node delete a");
    kerf_cluster_bind_pod(world.cluster, wide, disrupt_world_node(&world, "b")->id);
    cr_expect_str_eq(later(), "dropped");
}
Test(validation, i6_a_replacement_that_is_no_longer_needed)
{
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "a", .type = "t2.large"});
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "b", .type = "t1.large", .not_consolidatable = true});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pa", .node = "a", .cpu = "2"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "pb", .node = "b", .cpu = "3"});
    cr_expect_str_eq(disrupt_world_pass(&world, KERF_METHOD_SINGLE_NODE), "single-node replace a by np[t1]");
    const struct kerf_cluster_node *b = disrupt_world_node(&world, "b");
    kerf_cluster_remove_pod(world.cluster, b->pods[0]);
    cr_expect_str_eq(later(), "dropped");
}

/* ---- the memo (1.4) ----------------------------------------------------------------------------------------------------------------- */

static void add_stuck_node(const char *disruption)
{
    disrupt_world_add_pool(&world, "np", disruption, "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "y", .type = "t1.large"});
    disrupt_world_add_pod(&world, (struct disrupt_pod){.name = "py", .node = "y", .cpu = "4"});
}

Test(validation, p4_what_was_found_to_be_stuck_is_not_asked_again)
{
    add_stuck_node("");
    disrupt_world_pass(&world, KERF_METHOD_EMPTINESS);
    cr_expect(world.result->memo_set);
    cr_expect_eq(world.result->simulations, 1);
    disrupt_world_set_now(&world, "2026-01-10T12:04:59Z");
    disrupt_world_pass(&world, KERF_METHOD_EMPTINESS);
    cr_expect_eq(world.result->simulations, 0);
    disrupt_world_set_now(&world, "2026-01-10T12:05:00Z"); /* forgotten after five minutes */
    disrupt_world_pass(&world, KERF_METHOD_EMPTINESS);
    cr_expect_eq(world.result->simulations, 1);
}
Test(validation, p6_a_budget_leaves_the_memo_unset)
{
    add_stuck_node("budgets: [{nodes: '0'}]");
    disrupt_world_pass(&world, KERF_METHOD_EMPTINESS);
    cr_expect(!world.result->memo_set);
}
Test(validation, p8_pools_that_were_not_reached_come_first)
{
    static const char *const pools[] = {"p1", "p2"};
    for (int i = 0; i < 2; i++) {
        disrupt_world_add_pool(&world, pools[i], "", "", "");
        disrupt_world_add_node(&world, (struct disrupt_node){.name = i == 0 ? "a" : "b", .type = "t1.large", .pool = pools[i]});
        disrupt_world_add_pod(&world, (struct disrupt_pod){.name = pools[i], .node = i == 0 ? "a" : "b", .cpu = "4"});
    }
    world.options.compute = (struct kerf_disruption_compute){.us_per_node = 1e6, .single_node_limit_us = KERF_SECOND_US / 2};
    disrupt_world_pass(&world, KERF_METHOD_SINGLE_NODE);
    cr_expect(world.result->timed_out);
    cr_expect_eq(world.result->simulations, 1);
    cr_expect_eq(world.memory.unseen_nodepools[0], 2); /* p2 */
}
