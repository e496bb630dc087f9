/* The worked cases of ipamd's pool: what every course of the real decision code came to, and, where they differ, what all of them share. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "kerf/vpc.h"
#include "../../support/vpc_world.h"

#define COURSES 40
#define PD "ENABLE_PREFIX_DELEGATION=true"
#define CUSTOM "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true"

/* `want`, a word a step: filled slots per interface (primary first), @ addresses of the node's subnet, / of the pods' subnet, + pods waiting. */
static const struct {
    const char *id;
    int enis, ipv4_per_eni, max_pods; /* max_pods 0: what the interfaces allow */
    const char *env;
    const char *pods;
    const char *want;
} cases[] = {
    {"S1", 3, 4, 0, "", "0 5 9 0", "3@4 3,3,3@12 3,3,3@12 3@4"},
    {"S2", 3, 10, 0, "", "0 1 9 10 27 0", "9@10 9,9@20 9,9@20 9,9,9@30 9,9,9@30 9@10"},
    {"S3", 3, 10, 0, "", "20 1", "9,9,9@30 9,9@20"},
    {"S4", 4, 15, 0, "", "0 15 30 56 10 0", "14@15 14,14,14@45 14,14,14,14@60 14,14,14,14@60 14,14@30 14@15"},
    {"S5", 8, 30, 0, "", "0 1 30 59 200 0",
     "29@30 29,29@60 29,29,29@90 29,29,29,29@120 29,29,29,29,29,29,29,29@240 29@30"},
    {"S6", 15, 50, 0, "", "0 3 95 0", "49@50 49,49@100 49,49,49@150 49@50"},
    {"S7", 3, 10, 0, "", "1", "9,9@20"},
    {"S7 without pods", 3, 10, 0, "", "0", "9@10"},
    {"S8", 4, 15, 0, "WARM_ENI_TARGET=3", "0 1", "14,14,14@45 14,14,14,14@60"},
    {"S9", 4, 15, 0, "WARM_ENI_TARGET=3 MAX_ENI=2", "0 28", "14,14@30 14,14@30"},
    {"S10", 3, 10, 0, "WARM_ENI_TARGET=2", "0 1 10 0", "9,9@20 9,9,9@30 9,9,9@30 9,9@20"},
    {"S11", 3, 10, 0, "WARM_ENI_TARGET=0", "0 8 10 0", "9@10 9@10 9,9@20 9@10"},
    {"S13", 2, 2, 0, "", "0 1 2", "1@2 1,1@4 1,1@4"},
    {"S14", 3, 10, 9, "", "0 7", "9@10 9@10"},
    {"S15", 3, 4, 0, "WARM_IP_TARGET=1 MINIMUM_IP_TARGET=1", "0 5 9", "1@2 3,3@8 3,3,3@12"},
    {"S17", 3, 4, 0, "WARM_IP_TARGET=2 MINIMUM_IP_TARGET=5", "0 5 9", "3,2@7 3,3,1@10 3,3,3@12"},
    {"S18", 15, 50, 0, "WARM_IP_TARGET=5 MINIMUM_IP_TARGET=10", "0 7 15 45", "10@11 12@13 20@21 49,1@52"},
    {"S19", 3, 10, 0, "WARM_IP_TARGET=5", "0 10", "5@6 9,6@17"},
    {"S21", 3, 10, 0, "WARM_IP_TARGET=2 MINIMUM_IP_TARGET=12", "0 10 11 20", "9,3@14 9,3@14 9,4@15 9,9,4@25"},
    {"S23", 3, 10, 0, "MINIMUM_IP_TARGET=10", "0 10 15", "9,1@12 9,1@12 9,1@12+5"},
    {"S24", 4, 15, 0, "WARM_IP_TARGET=1", "0 1 14 15", "1@2 2@3 14,1@17 14,2@18"},
    {"S26", 3, 10, 0, "WARM_IP_TARGET=30", "0 5", "9,9,9@30 9,9,9@30"},
    {"S27", 4, 15, 0, "WARM_IP_TARGET=2 MINIMUM_IP_TARGET=30", "0 28 29 40", "14,14,2@33 14,14,2@33 14,14,3@34 14,14,14@45"},
    {"P1", 3, 4, 110, PD, "0 5 16 17 58", "1@17 2@33 2@33 3@49 3,2@82"},
    {"P2", 3, 4, 110, PD " WARM_IP_TARGET=1 MINIMUM_IP_TARGET=1", "0 5 17 58", "1@17 1@17 2@33 3,1@66"},
    {"P3", 3, 4, 110, PD " WARM_IP_TARGET=7 MINIMUM_IP_TARGET=20", "0 5 17 58", "2@33 2@33 2@33 3,2@82"},
    {"P4", 15, 50, 250, PD, "0 3 95", "1@17 2@33 7@113"},
    {"P5", 15, 50, 250, PD " WARM_IP_TARGET=5 MINIMUM_IP_TARGET=10", "0 7 15 45", "1@17 1@17 2@33 4@65"},
    {"P6", 3, 10, 110, PD, "0 1 20 108 0", "1@17 2@33 3@49 7@113 1@17"},
    {"P7", 3, 10, 29, PD, "0 27", "1@17 2@33"},
    {"P8", 3, 10, 110, PD " WARM_IP_TARGET=5", "0 12 28 2 0", "1@17 2@33 3@49 1@17 1@17"},
    {"P9", 3, 4, 110, PD " WARM_IP_TARGET=5 MINIMUM_IP_TARGET=10", "58 40 5 0", "3,1@66 3,0@50 1,0@18 1@17"},
    {"P12", 2, 4, 98, PD, "0 30 96", "1@17 3@49 3,3@98"},
    {"N1", 3, 10, 20, CUSTOM, "0 1 10 18 0", "0,9@1/10 0,9,9@1/20 0,9,9@1/20 0,9,9@1/20 0,9@1/10"},
    {"N2", 3, 10, 20, CUSTOM " WARM_IP_TARGET=2 MINIMUM_IP_TARGET=12", "0 10 0", "0,9,3@1/14 0,9,3@1/14 0,9,3@1/14"},
    {"N3", 3, 10, 110, CUSTOM " " PD, "0 1 17 108 0", "0,1@1/17 0,2@1/33 0,3@1/49 0,7@1/113 0,1@1/17"},
    {"N7", 3, 10, 0, "ENABLE_POD_ENI=true", "1 20", "9,9@20 9,9@20+2"},
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

static size_t read_pods(const char *text, struct kerf_node_step *steps)
{
    size_t count = 0;
    for (char *end; *text; text = end + (*end == ' '))
        steps[count++] = (struct kerf_node_step){.pods = strtol(text, &end, 10)};
    return count;
}

static void print_rests(const struct kerf_node_rest *rests, size_t count, struct kerf_text *text)
{
    for (size_t i = 0; i < count; i++) {
        kerf_text_append(text, i ? " " : "");
        for (uint32_t eni = 0; eni < rests[i].eni_count; eni++)
            kerf_text_append_format(text, "%s%u", eni ? "," : "", rests[i].slots[eni]);
        kerf_text_append_format(text, "@%" PRId64, rests[i].node_subnet_addresses);
        if (rests[i].pod_subnet_addresses)
            kerf_text_append_format(text, "/%" PRId64, rests[i].pod_subnet_addresses);
        if (rests[i].pods_waiting)
            kerf_text_append_format(text, "+%" PRId64, rests[i].pods_waiting);
        kerf_text_append(text, rests[i].settled ? "" : "~");
    }
}

ParameterizedTestParameters(node_course, worked_case)
{
    static size_t rows[CASE_COUNT];
    for (size_t i = 0; i < CASE_COUNT; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, CASE_COUNT);
}

ParameterizedTest(size_t *row, node_course, worked_case)
{
    struct kerf_vpc_pool_options options = vpc_options(cases[*row].enis, cases[*row].ipv4_per_eni, cases[*row].env);
    if (cases[*row].max_pods)
        options.max_pods = cases[*row].max_pods;
    struct kerf_node_step steps[16];
    size_t count = read_pods(cases[*row].pods, steps);
    for (uint64_t key = 0; key < COURSES; key++) {
        struct kerf_node_rest rests[16];
        options.order_key = key;
        cr_assert_null(kerf_vpc_node_course(&options, steps, count, rests));
        struct kerf_text got = {0};
        print_rests(rests, count, &got);
        cr_expect_str_eq(got.bytes, cases[*row].want, "%s, key %" PRIu64 ": %s", cases[*row].id, key, got.bytes);
        kerf_text_fini(&got);
    }
}

/* Cases whose courses differ: after the last step these hold in each, and every listed number of interfaces is met by some. */
static const struct {
    const char *id;
    int enis, ipv4_per_eni, max_pods;
    const char *env;
    const char *pods;
    int slots_min, slots_max;
    int enis_min, enis_max;
} spreads[] = {
    {"S16", 3, 4, 0, "WARM_IP_TARGET=1 MINIMUM_IP_TARGET=1", "9 0", 1, 1, 1, 2},
    {"S20", 3, 10, 0, "WARM_IP_TARGET=5", "0 10 3", 8, 8, 1, 2},
    {"S20 empty", 3, 10, 0, "WARM_IP_TARGET=5", "0 10 3 0", 5, 5, 1, 2},
    {"S22", 3, 10, 0, "WARM_IP_TARGET=2 MINIMUM_IP_TARGET=12", "0 10 11 20 5", 12, 12, 2, 3},
    {"S22 empty", 3, 10, 0, "WARM_IP_TARGET=2 MINIMUM_IP_TARGET=12", "0 10 11 20 5 0", 12, 12, 2, 3},
    {"P10", 3, 4, 110, PD, "58 5", 2, 2, 1, 2},
    {"P11", 3, 10, 110, PD " WARM_PREFIX_TARGET=2", "0 1 20", 4, 5, 1, 1},
    {"P11 empty", 3, 10, 110, PD " WARM_PREFIX_TARGET=2", "0 1 20 0", 2, 2, 1, 1},
};
#define SPREAD_COUNT (sizeof spreads / sizeof spreads[0])

ParameterizedTestParameters(node_course, spread)
{
    static size_t rows[SPREAD_COUNT];
    for (size_t i = 0; i < SPREAD_COUNT; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, SPREAD_COUNT);
}

ParameterizedTest(size_t *row, node_course, spread)
{
    struct kerf_vpc_pool_options options = vpc_options(spreads[*row].enis, spreads[*row].ipv4_per_eni, spreads[*row].env);
    if (spreads[*row].max_pods)
        options.max_pods = spreads[*row].max_pods;
    struct kerf_node_step steps[16];
    size_t count = read_pods(spreads[*row].pods, steps);
    int fewest = KERF_ENIS_MAX, most = 0;
    for (uint64_t key = 0; key < 300; key++) {
        struct kerf_node_rest rests[16];
        options.order_key = key;
        cr_assert_null(kerf_vpc_node_course(&options, steps, count, rests));
        const struct kerf_node_rest *last = &rests[count - 1];
        cr_expect(last->stats.slots >= spreads[*row].slots_min && last->stats.slots <= spreads[*row].slots_max, "%s: %d slots",
                  spreads[*row].id, last->stats.slots);
        cr_expect(last->settled);
        fewest = (int)last->eni_count < fewest ? (int)last->eni_count : fewest;
        most = (int)last->eni_count > most ? (int)last->eni_count : most;
    }
    cr_expect_eq(fewest, spreads[*row].enis_min, "%s", spreads[*row].id);
    cr_expect_eq(most, spreads[*row].enis_max, "%s", spreads[*row].id);
}

Test(node_course, s12_warm_eni_target_0_flaps_at_full_interfaces)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, "WARM_ENI_TARGET=0");
    struct kerf_node_step step = {.pods = 9};
    struct kerf_node_rest rest;
    cr_assert_null(kerf_vpc_node_course(&options, &step, 1, &rest));
    cr_expect_not(rest.settled);
    cr_expect_eq(rest.eni_count, 2); /* 60 of 67 seconds */

    struct kerf_vpc_ec2_network network = {0};
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    vpc_world_want(&world, 9);
    vpc_world_run_until(&world, 3600 * KERF_SECOND_US);
    cr_expect_eq(network.delete_calls, (3600 - 2) / 67); /* created at 2.5 s, then every 67 s */
    vpc_world_fini(&world);
}

/* What is returned is walked in a copy of the map: of two interfaces the second goes first in 14 of 64 courses, not in 1 of 8. */
Test(node_course, returns_walk_a_copy)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 6, "WARM_IP_TARGET=5 MINIMUM_IP_TARGET=5");
    struct kerf_node_step steps[] = {{.pods = 10}, {.pods = 0}};
    int second_first = 0;
    enum { TRIES = 3200 };
    for (uint64_t key = 0; key < TRIES; key++) {
        struct kerf_node_rest rests[2];
        options.order_key = key;
        cr_assert_null(kerf_vpc_node_course(&options, steps, 2, rests));
        second_first += rests[1].eni_count == 1;
    }
    cr_expect_float_eq((double)second_first / TRIES, 14.0 / 64, 0.03, "%d of %d", second_first, TRIES);
}

Test(node_course, n4_custom_networking_flaps_without_pods)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, CUSTOM " WARM_ENI_TARGET=0");
    struct kerf_node_step step = {.pods = 0};
    struct kerf_node_rest rest;
    cr_assert_null(kerf_vpc_node_course(&options, &step, 1, &rest));
    cr_expect_not(rest.settled);
}

Test(node_course, p13_xen_hands_out_secondary_addresses)
{
    struct kerf_vpc_pool_options options = vpc_options(8, 30, PD);
    options.prefix_capable = false;
    struct kerf_node_step step = {.pods = 0};
    struct kerf_node_rest rest;
    cr_assert_null(kerf_vpc_node_course(&options, &step, 1, &rest));
    cr_expect_eq(rest.node_subnet_addresses, 30);
}

Test(node_course, ipv6_takes_one_address_a_node)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, PD " ENABLE_IPv4=false ENABLE_IPv6=true");
    struct kerf_node_step steps[] = {{.pods = 100}, {.pods = 3}};
    struct kerf_node_rest rests[2];
    cr_assert_null(kerf_vpc_node_course(&options, steps, 2, rests));
    cr_expect_eq(rests[0].pods_placed, 100);
    cr_expect_eq(rests[0].node_subnet_addresses, 1);
    cr_expect_eq(rests[1].pods_placed, 3);
    cr_expect(rests[1].settled);
}

Test(node_course, n5_excluded_primary)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, "");
    options.primary_excluded = true;
    struct kerf_node_step steps[] = {{.pods = 0}, {.pods = 1}, {.pods = 18}};
    struct kerf_node_rest rests[3];
    cr_assert_null(kerf_vpc_node_course(&options, steps, 3, rests));
    struct kerf_text got = {0};
    print_rests(rests, 3, &got);
    cr_expect_str_eq(got.bytes, "0,9@1/10 0,9,9@1/20 0,9,9@1/20", "%s", got.bytes);
    kerf_text_fini(&got);
}

/* N6, N8: the trunk comes when the node is up; then pods 1, 18 (40), 20. */
static void run_with_trunk(const char *env, const int *pods, size_t count, const int64_t *want_addresses, const int *want_waiting)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, env);
    struct kerf_vpc_ec2_network network = {0};
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    vpc_world_run_until(&world, 60 * KERF_SECOND_US);
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 0), want_addresses[0]);
    cr_assert(kerf_vpc_pool_wants_trunk(&world.pool));
    kerf_vpc_pool_attach_trunk(&world.pool, world.now_us, 0, KERF_ADDRESS_NONE);
    cr_expect_not(kerf_vpc_pool_wants_trunk(&world.pool));
    vpc_world_run_until(&world, 120 * KERF_SECOND_US);
    cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 0), want_addresses[1]);
    for (size_t i = 0; i < count; i++) {
        vpc_world_want(&world, pods[i]);
        vpc_world_run_until(&world, world.now_us + 600 * KERF_SECOND_US);
        cr_expect_eq(kerf_vpc_pool_taken(&world.pool, 0), want_addresses[2 + i], "%d pods", pods[i]);
        cr_expect_eq(world.waiting, want_waiting[i], "%d pods", pods[i]);
    }
    kerf_vpc_pool_check(&world.pool);
    vpc_world_fini(&world);
}

Test(node_course, n6_trunk_takes_an_interface)
{
    run_with_trunk("ENABLE_POD_ENI=true", (const int[]){1, 18, 20}, 3, (const int64_t[]){10, 11, 21, 21, 21}, (const int[]){0, 0, 2});
}

Test(node_course, n8_trunk_and_prefixes)
{
    run_with_trunk("ENABLE_POD_ENI=true " PD, (const int[]){1, 40}, 2, (const int64_t[]){17, 18, 34, 66}, (const int[]){0, 0});
}

Test(node_course, refused_settings)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, PD " WARM_PREFIX_TARGET=0");
    struct kerf_node_step step = {.pods = 0};
    struct kerf_node_rest rest;
    cr_expect_not_null(kerf_vpc_node_course(&options, &step, 1, &rest));
    options = vpc_options(1, 10, CUSTOM);
    cr_expect_not_null(kerf_vpc_node_course(&options, &step, 1, &rest), "no interface for pods");
}

Test(node_course, commonest_is_one_of_its_courses)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 4, PD);
    options.max_pods = 110;
    struct kerf_node_step steps[] = {{.pods = 58}, {.pods = 5}};
    struct kerf_node_rest rests[2];
    double share = 0;
    uint32_t distinct = 0;
    cr_assert_null(kerf_vpc_node_commonest(&options, steps, 2, 200, rests, &share, &distinct));
    cr_expect_eq(distinct, 2);
    cr_expect(share > 0.7 && share < 0.95, "%f", share); /* P10: two interfaces in about four of five */
    cr_expect_eq(rests[1].eni_count, 2);
}
