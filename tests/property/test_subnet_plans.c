/* Fleets over subnets: the node count at which they end agrees with the closed forms, fragmentation with an exact calculation, addresses have
 * one holder whatever comes and goes, and the smallest plan holds while half of it does not. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "../support/vpc_world.h"
#include "advise/subnet_advice.h"
#include "advise/subnet_demand.h"
#include "random/random.h"

static struct kerf_subnet_spec spec_of(uint32_t zone, uint8_t prefix_length, uint32_t taken)
{
    return (struct kerf_subnet_spec){.cidr = {.first = (10u << 24) + (zone << 16), .prefix_length = prefix_length}, .zone = zone, .taken = taken};
}

static const char *const zone_names[] = {"a", "b", "c"};

/* ---- closed forms (vpc-cni.md 3.9) --------------------------------------------------------------------------------------------------- */

/** Addresses that a node takes from the subnet of its pods once it is at rest. */
static int64_t addresses_of(const struct kerf_demand_shape *shape, const struct kerf_cni_settings *settings, int64_t pods)
{
    int64_t slots = shape->limits.ipv4_per_eni - 1;
    int64_t usable = shape->limits.enis;
    int64_t pool;
    if (settings->warm_ip_target > 0)
        pool = kerf_min_i64(usable * slots, kerf_max_i64(pods + settings->warm_ip_target, settings->minimum_ip_target));
    else
        pool = slots * kerf_min_i64(usable, settings->warm_eni_target + (pods + slots - 1) / slots);
    return pool + (pool + slots - 1) / slots;
}

Test(subnet_plans, end_where_the_closed_forms_say)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct kerf_stream stream = kerf_stream_open(seed, 0, KERF_PURPOSE_TEST, 7);
        struct kerf_demand_shape shape = {.limits = {.enis = 2 + (int32_t)kerf_draw_below(&stream, 7), .ipv4_per_eni = 3 + (int32_t)kerf_draw_below(&stream, 28)},
                                          .nitro = true};
        int64_t room = (int64_t)shape.limits.enis * (shape.limits.ipv4_per_eni - 1);
        int64_t pods = (int64_t)kerf_draw_below(&stream, (uint64_t)room + 1);
        shape.max_pods = room + 2;
        uint8_t prefix_length = (uint8_t)(21 + kerf_draw_below(&stream, 5));
        uint32_t taken = (uint32_t)kerf_draw_below(&stream, 40);
        struct kerf_subnet_group group = {.nodes = 1, .pods_per_node = pods, .pods_per_node_max = pods};
        struct kerf_subnet_workload workload = {.shapes = &shape, .shape_count = 1, .groups = &group, .group_count = 1, .horizon_us = KERF_DAY_US};
        struct kerf_subnet_spec subnets[3];
        for (uint32_t i = 0; i < 3; i++)
            subnets[i] = spec_of(i, prefix_length, taken);
        struct kerf_subnet_query query = {.zones = zone_names, .zone_count = 3, .subnets = subnets, .subnet_count = 3,
                                          .settings = kerf_cni_settings_default(), .workload = &workload, .replications = 1, .seed = seed};
        if (kerf_draw_chance(&stream, 0.5)) {
            query.settings.warm_ip_target = 1 + (int32_t)kerf_draw_below(&stream, 6);
            query.settings.minimum_ip_target = (int32_t)kerf_draw_below(&stream, 40);
        } else {
            query.settings.warm_eni_target = 1 + (int32_t)kerf_draw_below(&stream, 2);
        }
        int64_t usable = ((int64_t)1 << (32 - prefix_length)) - KERF_VPC_SUBNET_RESERVED - taken;
        int64_t want = 3 * (usable / addresses_of(&shape, &query.settings, pods));
        uint32_t zone;
        enum kerf_shortage cause;
        int64_t got = kerf_subnet_nodes_that_fit(&query, 0, &shape, pods, &zone, &cause);
        cr_expect_eq(got, want, "seed %d: %d x %d, %d pods, /%d less %u: %d nodes, by the closed form %d", (int)seed, shape.limits.enis,
                     shape.limits.ipv4_per_eni, (int)pods, prefix_length, taken, (int)got, (int)want);
    }
}

/* Prefixes where no single address spoils a block: as many nodes as the blocks feed. */
Test(subnet_plans, end_where_the_blocks_do)
{
    struct kerf_demand_shape shape = {.limits = {4, 15}, .max_pods = 110, .nitro = true};
    for (int64_t pods = 0; pods <= 96; pods += 12) {
        struct kerf_subnet_group group = {.nodes = 1, .pods_per_node = pods, .pods_per_node_max = pods};
        struct kerf_subnet_workload workload = {.shapes = &shape, .shape_count = 1, .groups = &group, .group_count = 1, .horizon_us = KERF_DAY_US};
        struct kerf_subnet_spec subnet = spec_of(0, 22, 0);
        for (uint8_t length = 25; length >= 23; length--) /* all but a /25 is reserved for prefixes */
            subnet.ranges[subnet.range_count++] = (struct kerf_subnet_range){
                {.first = (10u << 24) + (1u << (32 - length)), .prefix_length = length}, KERF_RESERVATION_PREFIX};
        struct kerf_subnet_query query = {.zones = zone_names, .zone_count = 1, .subnets = &subnet, .subnet_count = 1,
                                          .settings = kerf_cni_settings_default(), .workload = &workload, .replications = 1, .seed = 5};
        query.settings.prefix_delegation = true;
        uint32_t zone;
        enum kerf_shortage cause = KERF_SHORTAGE_LAUNCH;
        int64_t got = kerf_subnet_nodes_that_fit(&query, 0, &shape, pods, &zone, &cause);
        int64_t blocks = 55; /* 56, less the one with the last address */
        int64_t prefixes = 1 + (pods + 15) / 16;
        cr_expect_eq(cause, KERF_SHORTAGE_BLOCK);
        /* What is not reserved still gives blocks that no interface's own address has spoilt. */
        cr_expect_geq(got, blocks / prefixes, "%d pods", (int)pods);
        cr_expect_leq(got, (blocks + 7) / prefixes, "%d pods", (int)pods);
    }
}

/* ---- fragmentation ---------------------------------------------------------------------------------------------------------------------- */

/** Of all ways to take `taken` of the usable addresses, how many leave a block of sixteen free? By inclusion and exclusion over which blocks
 *  are free: a sum with changing signs, exact enough for the few blocks of a small subnet. */
static double counted_chance(uint8_t prefix_length, uint32_t taken)
{
    uint32_t usable = (1u << (32 - prefix_length)) - 5;
    int64_t blocks = kerf_vpc_subnet_prefixes_max(prefix_length);
    double chance = 0, sign = 1, ways = 1;
    for (int64_t n = 1; n <= blocks && taken + 16 * n <= usable; n++, sign = -sign) {
        ways = ways * (double)(blocks - n + 1) / (double)n;
        double all_elsewhere = 1;
        for (uint32_t i = 0; i < taken; i++)
            all_elsewhere *= (double)(usable - 16 * n - i) / (double)(usable - i);
        chance += sign * ways * all_elsewhere;
    }
    return chance;
}

Test(fragmentation, the_chance_of_a_block_is_exact)
{
    for (uint8_t prefix_length = 24; prefix_length <= 28; prefix_length++) {
        uint32_t usable = (1u << (32 - prefix_length)) - 5;
        double before = 1;
        for (uint32_t taken = 0; taken <= usable; taken++) {
            double got = kerf_vpc_prefix_chance(prefix_length, taken);
            double want = prefix_length >= 27 ? 0 : counted_chance(prefix_length, taken);
            cr_expect_float_eq(got, want, 1e-9, "/%d with %u taken: %.12f, counted %.12f", prefix_length, taken, got, want);
            cr_expect_leq(got, before + 1e-12, "/%d with %u taken", prefix_length, taken);
            before = got;
        }
    }
    cr_expect_float_eq(kerf_vpc_prefix_chance(16, 0), 1, 1e-12);
    cr_expect_float_eq(kerf_vpc_prefix_chance(19, 8187), 0, 1e-12);
}

/* A subnet is filled to 15 to 95 % with single addresses, which then come and go at random; every so often somebody asks for a /28. */
Test(fragmentation, churn_agrees_with_the_exact_chance)
{
    enum { LOOKS = 1500, TURNS_BETWEEN = 160 };
    for (uint8_t prefix_length = 24; prefix_length <= 26; prefix_length++) {
        for (int percent = 15; percent <= 95; percent += 10) {
            struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = prefix_length});
            uint32_t usable = kerf_vpc_subnet_counts(subnet).size, taken = usable * (uint32_t)percent / 100, held[256];
            struct kerf_vpc_draws draws = {.key = (uint64_t)prefix_length * 100 + (uint64_t)percent};
            for (uint32_t i = 0; i < taken; i++)
                held[i] = kerf_vpc_subnet_take(subnet, (uint32_t)kerf_vpc_draw_below(&draws, usable - i));
            uint64_t had = 0;
            for (int look = 0; look < LOOKS; look++) {
                for (int turn = 0; turn < TURNS_BETWEEN; turn++) {
                    uint32_t i = (uint32_t)kerf_vpc_draw_below(&draws, taken);
                    kerf_vpc_subnet_release(subnet, held[i]);
                    held[i] = kerf_vpc_subnet_take(subnet, (uint32_t)kerf_vpc_draw_below(&draws, kerf_vpc_subnet_counts(subnet).assignable));
                }
                uint32_t prefix = kerf_vpc_subnet_take_prefix(subnet);
                had += prefix != KERF_ADDRESS_NONE;
                if (prefix != KERF_ADDRESS_NONE)
                    kerf_vpc_subnet_release_prefix(subnet, prefix);
            }
            kerf_vpc_subnet_check(subnet);
            kerf_vpc_subnet_free(subnet);
            double exact = kerf_vpc_prefix_chance(prefix_length, taken), share = (double)had / LOOKS;
            /* Looks are nearly independent; five deviations and a percent leave room for what they are not. */
            double slack = 5 * sqrt(exact * (1 - exact) / LOOKS) + 0.01;
            cr_expect_float_eq(share, exact, slack, "/%d at %d %%: %.3f of looks, exactly %.3f", prefix_length, percent, share, exact);
        }
    }
}

/* ---- whole fleets ------------------------------------------------------------------------------------------------------------------------ */

Test(subnet_plans, random_fleets_conserve_addresses)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct kerf_stream stream = kerf_stream_open(seed, 0, KERF_PURPOSE_TEST, 8);
        struct kerf_demand_shape shapes[2] = {
            {.limits = {1 + (int32_t)kerf_draw_below(&stream, 5), 2 + (int32_t)kerf_draw_below(&stream, 14)}, .nitro = true},
            {.limits = {2, 10}, .vcpus = 2}};
        struct kerf_subnet_group groups[2] = {{.shape = 0, .nodes = 1 + (int64_t)kerf_draw_below(&stream, 10), .pods_per_node = 6, .pods_per_node_max = 9},
                                              {.shape = 1, .nodes = 3, .pods_per_node = 2, .pods_per_node_max = 2}};
        struct kerf_subnet_workload workload = {.shapes = shapes, .shape_count = 2, .groups = groups, .group_count = 2,
                                                .pods_replaced_per_day = 2000, .nodes_replaced_per_day = 40, .nodes_added_per_day = 10,
                                                .horizon_us = KERF_DAY_US / 2};
        struct kerf_subnet_spec subnets[4] = {spec_of(0, (uint8_t)(24 + kerf_draw_below(&stream, 4)), 3), spec_of(1, 26, 0), spec_of(2, 27, 9), spec_of(3, 27, 0)};
        subnets[2].zone = 0;
        subnets[3].zone = 1;
        subnets[3].use = KERF_SUBNET_PODS;
        struct kerf_fleet_options options = {.settings = kerf_cni_settings_default(), .subnets = subnets, .subnet_count = 4, .zone_count = 2,
                                             .shapes = shapes, .warm_up_us = KERF_HOUR_US, .key = seed};
        options.settings.prefix_delegation = kerf_draw_chance(&stream, 0.5);
        options.settings.warm_ip_target = kerf_draw_chance(&stream, 0.5) ? 3 : 0;
        struct kerf_fleet *fleet = kerf_fleet_new(&options);
        struct kerf_demand_generator *generator = kerf_demand_generator_new(&workload, 2, seed, 0);
        struct kerf_demand_event event;
        int count = 0;
        kerf_time_us last_us = 0;
        while (kerf_demand_generator_next(generator, &event)) {
            cr_assert_geq(event.at_us, last_us);
            last_us = event.at_us;
            kerf_fleet_apply(fleet, &event);
            if (++count % 50 == 0)
                kerf_fleet_check(fleet);
        }
        kerf_fleet_advance(fleet, workload.horizon_us);
        kerf_fleet_check(fleet);
        for (uint32_t zone = 0; zone < 2; zone++) {
            cr_expect_leq(kerf_fleet_taken_at(fleet, zone, 0.5), kerf_fleet_taken_at(fleet, zone, 0.95));
            cr_expect_leq(kerf_fleet_taken_at(fleet, zone, 0.95), kerf_fleet_taken_at(fleet, zone, 1));
            cr_expect_geq(kerf_fleet_zone_at(fleet, zone)->stranded.value, 0);
        }
        kerf_demand_generator_free(generator);
        kerf_fleet_free(fleet);
    }
}

/* With security groups for pods each node has one interface more, the trunk, with its own address and none for pods; a trunk that found no
 * address comes when there is one again. */
Test(subnet_plans, count_the_trunk)
{
    struct kerf_demand_shape shape = {.limits = {3, 10}, .max_pods = 29, .nitro = true, .trunk_capable = true};
    struct kerf_subnet_spec subnet = spec_of(0, 26, 5);
    struct kerf_fleet_options options = {.settings = kerf_cni_settings_default(), .subnets = &subnet, .subnet_count = 1, .zone_count = 1,
                                         .shapes = &shape};
    options.settings.pod_eni = true;
    struct kerf_fleet *fleet = kerf_fleet_new(&options);
    struct kerf_demand_event event = {.kind = KERF_DEMAND_NODE_STARTS};
    for (; event.node < 5; event.node++) { /* four take eleven each of the 54, the fifth the last ten */
        event.at_us = event.node * KERF_HOUR_US;
        kerf_fleet_apply(fleet, &event);
        kerf_fleet_check(fleet);
        kerf_fleet_advance(fleet, event.at_us + KERF_MINUTE_US);
        cr_expect_eq(kerf_fleet_taken_at(fleet, 0, 1), kerf_min_i64(5 + 11 * (event.node + 1), 59), "node %u: %d", event.node, (int)kerf_fleet_taken_at(fleet, 0, 1));
    }
    kerf_fleet_advance(fleet, 5 * KERF_HOUR_US);
    cr_expect_eq(kerf_fleet_own_peak(fleet, 0), 9, "the fifth has no trunk");
    cr_expect_neq(kerf_fleet_first_shortage(fleet, 0), KERF_TIME_NEVER);
    event = (struct kerf_demand_event){.at_us = 5 * KERF_HOUR_US, .kind = KERF_DEMAND_NODE_ENDS, .node = 0};
    kerf_fleet_apply(fleet, &event);
    cr_expect_eq(kerf_fleet_zone_at(fleet, 0)->taken.value, 43);
    kerf_fleet_advance(fleet, 5 * KERF_HOUR_US + 2 * KERF_MINUTE_US);
    cr_expect_eq(kerf_fleet_zone_at(fleet, 0)->taken.value, 44, "now it has");
    kerf_fleet_check(fleet);
    kerf_fleet_free(fleet);
}

Test(subnet_plans, the_smallest_plan_holds_and_half_of_it_does_not)
{
    struct kerf_demand_shape shape = {.limits = {4, 15}, .vcpus = 4, .nitro = true};
    struct kerf_subnet_group group = {.nodes = 9, .pods_per_node = 14, .pods_per_node_max = 20};
    struct kerf_subnet_workload workload = {.shapes = &shape, .shape_count = 1, .groups = &group, .group_count = 1, .pods_replaced_per_day = 500,
                                            .nodes_replaced_per_day = 5, .horizon_us = 2 * KERF_DAY_US};
    struct kerf_subnet_spec subnets[3];
    for (uint32_t i = 0; i < 3; i++)
        subnets[i] = spec_of(i, 27, 4);
    struct kerf_subnet_query query = {.zones = zone_names, .zone_count = 3, .subnets = subnets, .subnet_count = 3,
                                      .settings = kerf_cni_settings_default(), .workload = &workload, .replications = 5, .seed = 3};
    struct kerf_subnet_advice *advice = kerf_advise_subnets(&query);
    cr_expect_not(kerf_subnet_advice_holds(advice), "three /27 hold no nine nodes");
    cr_assert_neq(advice->smallest, KERF_NOT_FOUND);
    for (uint32_t i = 0; i < advice->plan_count; i++) {
        const struct kerf_subnet_plan *plan = &advice->plans[i];
        cr_assert(plan->found, "%s", plan->name);
        cr_expect_geq(plan->addresses, advice->plans[advice->smallest].addresses);
        if (plan->reserved)
            continue;
        for (int half = 0; half <= 1; half++) {
            struct kerf_subnet_spec own[3];
            for (uint32_t zone = 0; zone < 3; zone++)
                own[zone] = spec_of(zone, (uint8_t)(plan->zones[zone].prefix_length + half), 4);
            struct kerf_subnet_query again = query;
            again.subnets = own;
            again.settings = plan->settings;
            again.only_given = true;
            struct kerf_subnet_advice *told = kerf_advise_subnets(&again);
            cr_expect_eq(kerf_subnet_advice_holds(told), half == 0, "%s, half %d", plan->name, half);
            for (uint32_t zone = 0; zone < 3 && half; zone++)
                cr_expect_lt(told->zones[zone].holds.mean, 1, "%s: half of zone %u", plan->name, zone);
            kerf_subnet_advice_free(told);
        }
    }
    kerf_subnet_advice_free(advice);
}

Test(subnet_plans, a_probability_takes_replications)
{
    cr_expect_eq(kerf_subnet_replications_for(0), 1u);
    for (double holds = 0.1; holds < 0.999; holds += 0.09) {
        uint32_t count = kerf_subnet_replications_for(holds);
        cr_expect_geq(kerf_interval_of_share(count, count, 0.95).low, holds);
        cr_expect(count == 1 || kerf_interval_of_share(count - 1, count - 1, 0.95).low < holds);
    }
}
