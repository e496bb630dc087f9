/* Branch interfaces (N9), a pool a network card (N10), enhanced discovery over several subnets of a zone. */
#include <criterion/criterion.h>

#include "../../support/vpc_world.h"

#define SECONDS(seconds) ((kerf_time_us)((seconds)*1e6))
#define PD "ENABLE_PREFIX_DELEGATION=true"

/* N9: N6 plus b branch pods: + b addresses, which return 60 to 90 s after the pods ended. */
Test(branches, n9_branch_pods_take_an_address_each)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, "ENABLE_POD_ENI=true");
    struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 24});
    struct kerf_vpc_ec2_network network = {.subnets = &subnet, .subnet_count = 1};
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    uint32_t trunk;
    cr_assert(kerf_vpc_ec2_launch(&network, 0, &trunk));
    kerf_vpc_pool_attach_trunk(&world.pool, 0, 0, trunk);
    vpc_world_want(&world, 1);
    vpc_world_run_until(&world, SECONDS(600));
    int64_t before = kerf_vpc_subnet_counts(subnet).size - kerf_vpc_subnet_counts(subnet).free;
    cr_expect_eq(before, 21);

    struct kerf_vpc_branches branches = {.limit = 9, .cooldown_us = KERF_BRANCH_COOLDOWN_US};
    uint32_t addresses[9], returned;
    for (int i = 0; i < 9; i++) {
        cr_assert(kerf_vpc_branches_arrive(&branches));
        cr_assert(kerf_vpc_ec2_launch(&network, 0, &addresses[i]));
    }
    cr_expect_not(kerf_vpc_branches_arrive(&branches), "the type carries nine");
    cr_expect_eq((int64_t)kerf_vpc_subnet_counts(subnet).size - kerf_vpc_subnet_counts(subnet).free, before + 9);
    cr_expect_eq(kerf_vpc_branches_due(&branches), KERF_TIME_NEVER);

    for (int i = 0; i < 9; i++)
        kerf_vpc_branches_leave(&branches, SECONDS(601) + i, addresses[i]);
    cr_expect_not(kerf_vpc_branches_arrive(&branches), "those that cool count");
    kerf_time_us due = kerf_vpc_branches_due(&branches);
    cr_expect_geq(due, SECONDS(601 + 60));
    cr_expect_leq(due, SECONDS(601 + 90));
    cr_expect_not(kerf_vpc_branches_delete(&branches, due - 1, &returned));
    for (int i = 0; i < 9; i++) {
        cr_assert(kerf_vpc_branches_delete(&branches, due, &returned));
        cr_expect_eq(returned, addresses[i]);
        kerf_vpc_subnet_release(subnet, returned);
    }
    cr_expect_not(kerf_vpc_branches_delete(&branches, due, &returned));
    cr_expect(kerf_vpc_branches_arrive(&branches));
    cr_expect_eq((int64_t)kerf_vpc_subnet_counts(subnet).size - kerf_vpc_subnet_counts(subnet).free, before);
    kerf_vpc_branches_fini(&branches);
    vpc_world_fini(&world);
    kerf_vpc_subnet_free(subnet);
}

/* An address returns 60 to 90 s after its pod, wherever on the grid of thirty seconds that was; a shorter cool-down than 30 s is 30 s. */
Test(branches, are_deleted_on_the_controllers_grid)
{
    for (int second = 0; second < 200; second++) {
        struct kerf_vpc_branches branches = {.limit = 1, .cooldown_us = KERF_BRANCH_COOLDOWN_US, .examined_from_us = SECONDS(7)};
        cr_assert(kerf_vpc_branches_arrive(&branches));
        kerf_vpc_branches_leave(&branches, SECONDS(second), 3);
        kerf_time_us waited = kerf_vpc_branches_due(&branches) - SECONDS(second);
        cr_expect_geq(waited, SECONDS(60), "second %d", second);
        cr_expect_lt(waited, SECONDS(90), "second %d", second);
        branches.cooldown_us = SECONDS(1);
        waited = kerf_vpc_branches_due(&branches) - SECONDS(second);
        cr_expect_geq(waited, SECONDS(30), "second %d", second);
        cr_expect_lt(waited, SECONDS(60), "second %d", second);
        kerf_vpc_branches_fini(&branches);
    }
}

static void run_cards(struct kerf_vpc_cards *cards, kerf_time_us from_us, kerf_time_us until_us, struct kerf_vpc_ec2_network *network)
{
    for (kerf_time_us now = from_us; now <= until_us; now += SECONDS(0.5))
        for (uint32_t card = 0; card < cards->count; card++)
            if (cards->pools[card].next_loop_us <= now)
                kerf_vpc_pool_pass(&cards->pools[card], now, network);
}

static void open_cards(struct kerf_vpc_cards *cards, const char *env, uint32_t count, struct kerf_vpc_ec2_network *network)
{
    struct kerf_vpc_pool_options options = vpc_options(4, 15, env);
    struct kerf_eni_limits limits[KERF_VPC_CARDS_MAX];
    uint32_t own[KERF_VPC_CARDS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        limits[i] = options.limits;
        own[i] = KERF_ADDRESS_NONE;
    }
    kerf_vpc_cards_init(cards, &options, limits, own, count, 0);
    run_cards(cards, 0, SECONDS(60), network);
}

/* N10: a 4 x 15 type with two cards: 17 addresses idle, 32 with five pods. */
Test(cards, n10_two_cards)
{
    static struct kerf_vpc_cards cards;
    struct kerf_vpc_ec2_network network = {0};
    open_cards(&cards, "ENABLE_MULTI_NIC=true", 2, &network);
    cr_expect_eq(kerf_vpc_cards_taken(&cards, 0), 17);
    cr_expect_eq(kerf_vpc_pool_stats(&cards.pools[1]).addresses, 1);
    struct kerf_vpc_card_address address;
    for (int pod = 0; pod < 5; pod++) {
        cr_assert(kerf_vpc_cards_pod_arrives(&cards, SECONDS(60), false, &address));
        cr_expect_eq(address.held, 1u, "card 0 has room");
    }
    run_cards(&cards, SECONDS(60), SECONDS(120), &network);
    uint8_t slots[KERF_ENIS_MAX];
    cr_expect_eq(kerf_vpc_pool_slots(&cards.pools[0], slots), 2u);
    cr_expect_eq(slots[1], 14);
    cr_expect_eq(kerf_vpc_cards_taken(&cards, 0), 32);
    kerf_vpc_cards_fini(&cards);
}

Test(cards, annotated_pods_take_one_of_each_or_none)
{
    static struct kerf_vpc_cards cards;
    struct kerf_vpc_ec2_network network = {0};
    open_cards(&cards, "ENABLE_MULTI_NIC=true", 3, &network);
    struct kerf_vpc_card_address first, second;
    cr_assert(kerf_vpc_cards_pod_arrives(&cards, SECONDS(60), true, &first));
    cr_expect_eq(first.held, 7u);
    int32_t assigned = kerf_vpc_pool_stats(&cards.pools[0]).assigned;
    cr_expect_not(kerf_vpc_cards_pod_arrives(&cards, SECONDS(60), true, &second), "the further cards' only addresses are held");
    cr_expect_eq(kerf_vpc_pool_stats(&cards.pools[0]).assigned, assigned, "then card 0 gives none either");
    kerf_vpc_cards_pod_leaves(&cards, SECONDS(61), &first);
    for (uint32_t card = 0; card < 3; card++) {
        cr_expect_eq(kerf_vpc_pool_stats(&cards.pools[card]).assigned, 0);
        kerf_vpc_pool_check(&cards.pools[card]);
    }
    kerf_vpc_cards_fini(&cards);
}

Test(cards, ordinary_pods_spill_when_card_0_is_empty)
{
    static struct kerf_vpc_cards cards;
    struct kerf_vpc_ec2_network network = {0};
    open_cards(&cards, "ENABLE_MULTI_NIC=true", 2, &network);
    struct kerf_vpc_card_address address;
    for (int pod = 0; pod < 14; pod++)
        cr_assert(kerf_vpc_cards_pod_arrives(&cards, SECONDS(60), false, &address));
    cr_assert(kerf_vpc_cards_pod_arrives(&cards, SECONDS(60), false, &address));
    cr_expect_eq(address.held, 2u);
    cr_expect_not(kerf_vpc_cards_pod_arrives(&cards, SECONDS(60), false, &address));
    kerf_vpc_cards_fini(&cards);
}

/* 5.3: with prefixes an idle card's prefix is released and taken again about every 35 s. */
Test(cards, an_idle_cards_prefix_comes_and_goes)
{
    static struct kerf_vpc_cards cards;
    struct kerf_vpc_ec2_network network = {0};
    open_cards(&cards, "ENABLE_MULTI_NIC=true " PD, 2, &network);
    int64_t unassigned = network.unassign_calls;
    run_cards(&cards, SECONDS(60), SECONDS(410), &network);
    int64_t times = network.unassign_calls - unassigned;
    cr_expect_geq(times, 9, "%lld in 350 s", (long long)times);
    cr_expect_leq(times, 11, "%lld in 350 s", (long long)times);
    kerf_vpc_cards_fini(&cards);
}

/* ---- several subnets of a zone ------------------------------------------------------------------------------------------------------ */

static struct kerf_vpc_subnet *subnet_of(uint32_t number, uint8_t prefix_length)
{
    return kerf_vpc_subnet_new((struct kerf_cidr){.first = (10u << 24) + (number << 16), .prefix_length = prefix_length});
}

/* The node's own /28 (untagged), another untagged /24, a tagged /26 and /25 in the zone, a tagged /24 elsewhere. */
Test(discovery, chooses_the_valid_subnet_with_most_free_addresses)
{
    struct kerf_vpc_subnet *subnets[] = {subnet_of(0, 28), subnet_of(1, 24), subnet_of(2, 26), subnet_of(3, 25), subnet_of(4, 24)};
    const struct kerf_vpc_subnet_place places[] = {
        {0, KERF_SUBNET_BOTH}, {0, KERF_SUBNET_BOTH}, {0, KERF_SUBNET_PODS}, {0, KERF_SUBNET_PODS}, {1, KERF_SUBNET_PODS}};
    struct kerf_vpc_ec2_network network = {.subnets = subnets, .places = places, .subnet_count = 5};
    struct kerf_vpc_pool_options options = vpc_options(4, 8, "");
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    vpc_world_want(&world, 1);
    vpc_world_run_until(&world, SECONDS(120));
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 0), 8, "the primary fills in its own subnet");
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 3), 8, "the next one goes to the tagged /25");
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 1) + kerf_vpc_pool_taken(&world.pool, 2) + kerf_vpc_pool_taken(&world.pool, 4), 0);
    vpc_world_fini(&world);

    options = vpc_options(4, 8, "ENABLE_SUBNET_DISCOVERY=false");
    network.subnets[0] = subnets[0];
    options.primary_subnet = 1;
    cr_assert(vpc_world_launch(&world, &options, &network));
    vpc_world_want(&world, 1);
    vpc_world_run_until(&world, SECONDS(120));
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 1), 16, "without discovery, the node's own");
    vpc_world_fini(&world);
    for (int i = 0; i < 5; i++)
        kerf_vpc_subnet_free(subnets[i]);
}

/* Without discovery ipamd thinks of the node's own subnet alone, whose tag 0 forbids it: Ready with an empty pool, and no call to EC2. */
Test(discovery, off_in_a_subnet_for_nodes_alone)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, "ENABLE_SUBNET_DISCOVERY=false");
    options.primary_excluded = true;
    struct kerf_vpc_ec2_network network = {0};
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    vpc_world_want(&world, 3);
    vpc_world_run_until(&world, SECONDS(600));
    cr_expect_eq(world.pool.state, KERF_POOL_RUNNING);
    cr_expect_eq(world.waiting, 3);
    cr_expect_eq(network.create_calls + network.assign_calls, 0);
    cr_expect_eq(kerf_vpc_pool_wake(&world.pool), KERF_TIME_NEVER);
    vpc_world_fini(&world);
    struct kerf_node_step step = {.pods = 3};
    struct kerf_node_rest rest;
    cr_assert_null(kerf_vpc_node_course(&options, &step, 1, &rest));
    cr_expect(rest.settled);
    cr_expect_eq(rest.pods_waiting, 3);
    options.settings.custom_networking = true; /* the ENIConfig's subnet is another matter */
    cr_assert_null(kerf_vpc_node_course(&options, &step, 1, &rest));
    cr_expect_eq(rest.pods_placed, 3);
}

/* A subnet that cannot hold the whole interface is passed over for the next one. */
Test(discovery, tries_the_next_subnet)
{
    struct kerf_vpc_subnet *subnets[] = {subnet_of(0, 28), subnet_of(1, 27)};
    const struct kerf_vpc_subnet_place places[] = {{0, KERF_SUBNET_BOTH}, {0, KERF_SUBNET_PODS}};
    struct kerf_vpc_ec2_network network = {.subnets = subnets, .places = places, .subnet_count = 2};
    for (int taken = 0; taken < 17; taken++) /* ten are left, five in the node's */
        kerf_vpc_subnet_take(subnets[1], 0);
    struct kerf_vpc_pool_options options = vpc_options(2, 6, "");
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    vpc_world_want(&world, 5);
    vpc_world_run_until(&world, SECONDS(60));
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 1), 6);
    vpc_world_fini(&world);
    for (int i = 0; i < 2; i++)
        kerf_vpc_subnet_free(subnets[i]);
}
