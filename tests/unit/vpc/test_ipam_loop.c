/* Decisions of one pass: facts of ipamd's own tests, the course in time, and a subnet that runs out. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "../../support/vpc_world.h"
#include "vpc/vpc_internal.h"

#define PD "ENABLE_PREFIX_DELEGATION=true"
#define CUSTOM "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true"
#define SECONDS(seconds) ((kerf_time_us)((seconds)*1e6))

/* A pool that runs, with interfaces of these many slots and pods on the first; the primary is the first. */
static struct kerf_vpc_pool pool_of(int enis, int slots_per_eni, const char *env, int64_t max_pods, const int *slots, int eni_count, int pods)
{
    struct kerf_vpc_pool_options options = vpc_options(enis, slots_per_eni + 1, env);
    options.max_pods = max_pods;
    options.order = KERF_ORDER_LOWEST_FIRST;
    struct kerf_vpc_pool pool;
    kerf_vpc_pool_init(&pool, &options, 0);
    pool.state = KERF_POOL_RUNNING;
    for (int eni = 0; eni < eni_count; eni++) {
        if (eni > 0)
            kerf_vpc_pool_add_eni(&pool, &(struct kerf_vpc_eni_record){.attached_us = 0, .own_address = KERF_ADDRESS_NONE});
        for (int slot = 0; slot < slots[eni]; slot++)
            kerf_vpc_pool_add_slot(&pool, (uint32_t)eni, KERF_ADDRESS_NONE);
    }
    struct kerf_pod_address address;
    for (int pod = 0; pod < pods; pod++)
        cr_assert(kerf_vpc_pool_pod_arrives(&pool, 0, &address));
    return pool;
}

/* pkg/ipamd/ipamd_test.go: low or high, and by how many slots the first request of the pass would change the pool. */
static const struct {
    const char *env;
    int slots_per_eni, max_pods, slots, pods;
    int want; /* slots: > 0 assigned, < 0 returned */
} target_rows[] = {
    {"WARM_IP_TARGET=5", 14, 1000, 0, 0, 5},
    {"WARM_IP_TARGET=5", 14, 1000, 2, 0, 3},
    {"WARM_IP_TARGET=5", 14, 1000, 5, 0, 0},
    {PD " WARM_IP_TARGET=5", 14, 1000, 0, 0, 1},
    {PD " WARM_IP_TARGET=5", 14, 1000, 2, 0, -1},
    {PD " WARM_IP_TARGET=5", 14, 1000, 1, 0, 0},
    {"WARM_IP_TARGET=1", 14, 1000, 4, 2, -1},
    {"WARM_IP_TARGET=1", 14, 1000, 3, 2, 0},
    {"WARM_ENI_TARGET=1", 3, 1000, 3, 1, 3},
    {"WARM_ENI_TARGET=0", 3, 1000, 3, 1, 0},
    {"WARM_ENI_TARGET=0", 3, 1000, 3, 3, 3},
    {"WARM_IP_TARGET=5", 3, 3, 3, 3, 0},
    {PD, 3, 1000, 1, 0, 0},
    {PD, 3, 1000, 1, 1, 1},
    {PD " WARM_PREFIX_TARGET=0 MINIMUM_IP_TARGET=1", 3, 1000, 1, 1, 0},
    {PD, 3, 4, 1, 3, 0},
};
#define TARGET_ROWS (sizeof target_rows / sizeof target_rows[0])

ParameterizedTestParameters(ipam_loop, target)
{
    static size_t rows[TARGET_ROWS];
    for (size_t i = 0; i < TARGET_ROWS; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, TARGET_ROWS);
}

ParameterizedTest(size_t *row, ipam_loop, target)
{
    struct kerf_vpc_pool pool = pool_of(3, target_rows[*row].slots_per_eni, target_rows[*row].env, target_rows[*row].max_pods,
                                        &target_rows[*row].slots, 1, target_rows[*row].pods);
    const struct kerf_vpc_action *action = kerf_vpc_pool_step(&pool, SECONDS(300));
    int change = 0;
    if (action->kind == KERF_VPC_ASSIGN || action->kind == KERF_VPC_CREATE_ENI)
        change = action->slot_count;
    else if (action->kind == KERF_VPC_UNASSIGN)
        change = -action->slot_count;
    cr_expect_eq(change, target_rows[*row].want, "row %zu: %d", *row, change);
    kerf_vpc_pool_fini(&pool);
}

/* pkg/ipamd/datastore/data_store_test.go: interfaces with 2 (both held by pods), 2 and 1 addresses; which may go? */
static int released_slots(const char *env, const int *slots, int eni_count)
{
    struct kerf_vpc_pool pool = pool_of(4, 3, env, 0, slots, eni_count, 2); /* max_pods 0: no growth comes in between */
    pool.last_shrink_us = SECONDS(299);                                    /* nor a shrink */
    const struct kerf_vpc_action *action = kerf_vpc_pool_step(&pool, SECONDS(300));
    int released = action->kind == KERF_VPC_FREE_ENI ? action->slot_count : 0;
    kerf_vpc_pool_fini(&pool);
    return released;
}

Test(ipam_loop, which_interface_is_released)
{
    static const int three[] = {2, 2, 1}, two[] = {2, 2};
    cr_expect_eq(released_slots("WARM_IP_TARGET=3 MINIMUM_IP_TARGET=1", three, 3), 0);
    cr_expect_eq(released_slots("WARM_IP_TARGET=1 MINIMUM_IP_TARGET=5", three, 3), 0);
    cr_expect_eq(released_slots("WARM_IP_TARGET=2 MINIMUM_IP_TARGET=4", three, 3), 1);
    cr_expect_eq(released_slots("WARM_IP_TARGET=0 MINIMUM_IP_TARGET=3", two, 2), 0);
    cr_expect_eq(released_slots("WARM_IP_TARGET=0 MINIMUM_IP_TARGET=2", two, 2), 2);
}

Test(ipam_loop, a_warm_prefix_target_pins_an_idle_interface)
{
    for (int warm_prefixes = 0; warm_prefixes <= 1; warm_prefixes++) {
        static const int slots[] = {2, 1};
        struct kerf_vpc_pool pool =
            pool_of(3, 3, warm_prefixes ? PD " WARM_IP_TARGET=5" : PD " WARM_IP_TARGET=5 WARM_PREFIX_TARGET=0", 0, slots, 2, 17);
        struct kerf_pod_address first_prefix = {.eni = 0, .slot = 0, .index = 0};
        for (uint8_t i = 0; i < 15; i++) { /* leaves one pod in each of the two prefixes */
            first_prefix.index = i;
            kerf_vpc_pool_pod_leaves(&pool, SECONDS(1), first_prefix);
        }
        pool.last_shrink_us = SECONDS(299);
        const struct kerf_vpc_action *action = kerf_vpc_pool_step(&pool, SECONDS(300));
        cr_expect_eq(action->kind == KERF_VPC_FREE_ENI, warm_prefixes == 0);
        kerf_vpc_pool_fini(&pool);
    }
}

Test(ipam_loop, an_address_cools_for_exactly_its_period)
{
    static const int slots[] = {1};
    struct kerf_vpc_pool pool = pool_of(1, 1, "", 1, slots, 1, 0);
    struct kerf_pod_address address, again;
    cr_assert(kerf_vpc_pool_pod_arrives(&pool, SECONDS(5), &address));
    kerf_vpc_pool_pod_leaves(&pool, SECONDS(10), address);
    cr_expect_eq(kerf_vpc_pool_cooling_until(&pool), SECONDS(40) + 1);
    cr_expect_not(kerf_vpc_pool_pod_arrives(&pool, SECONDS(40), &again));
    cr_expect_eq(pool.failed_assignments, 1);
    cr_expect(kerf_vpc_pool_pod_arrives(&pool, SECONDS(40.001), &again));
    kerf_vpc_pool_check(&pool);
    kerf_vpc_pool_fini(&pool);
}

/* ---- the course in time, without latency -------------------------------------------------------------------------------------- */

struct course {
    struct vpc_world world;
    struct kerf_vpc_ec2_network network;
    struct kerf_vpc_subnet *subnet;
};

/* A node in a /16, of which `free` addresses are left before its launch; free < 0: all. */
static void start(struct course *course, struct kerf_vpc_pool_options options, int free)
{
    *course = (struct course){0};
    course->subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 16});
    while (free >= 0 && kerf_vpc_subnet_counts(course->subnet).free > (uint32_t)free)
        kerf_vpc_subnet_take(course->subnet, 0);
    course->network.subnets = &course->subnet;
    course->network.subnet_count = 1;
    cr_assert(vpc_world_launch(&course->world, &options, &course->network));
}

static void finish(struct course *course)
{
    kerf_vpc_pool_check(&course->world.pool);
    kerf_vpc_subnet_check(course->subnet);
    kerf_vpc_ec2_terminate(&course->network, &course->world.pool);
    vpc_world_fini(&course->world);
    kerf_vpc_subnet_free(course->subnet);
}

static int64_t taken_at(struct course *course, double seconds)
{
    vpc_world_run_until(&course->world, SECONDS(seconds));
    return kerf_vpc_pool_taken(&course->world.pool, 0);
}

Test(ipam_loop, default_node_grows_by_an_interface_a_pass)
{
    struct course course;
    start(&course, vpc_options(3, 10, ""), -1);
    vpc_world_want(&course.world, 27);
    cr_expect_eq(course.world.pod_count, 9);
    cr_expect_eq(taken_at(&course, 2.4), 10);
    cr_expect_eq(taken_at(&course, 2.5), 20);
    cr_expect_eq(taken_at(&course, 7.4), 20);
    cr_expect_eq(taken_at(&course, 7.5), 30);
    cr_expect_eq(course.world.pod_count, 27);

    taken_at(&course, 600); /* a pass was due at 597.5 */
    vpc_world_want(&course.world, 0);
    cr_expect_eq(taken_at(&course, 632.4), 30);
    cr_expect_eq(taken_at(&course, 632.5), 20); /* the first pass past the cool-down */
    cr_expect_eq(taken_at(&course, 639.4), 20);
    cr_expect_eq(taken_at(&course, 639.5), 10); /* the release before took the two seconds between detaching and deleting */
    finish(&course);
}

Test(ipam_loop, prefixes_come_and_go)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, PD);
    options.max_pods = 110;
    struct course course;
    start(&course, options, -1);
    vpc_world_want(&course.world, 60);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(taken_at(&course, 2.4 + 5 * i), 17 + 16 * i);
        cr_expect_eq(taken_at(&course, 2.5 + 5 * i), 33 + 16 * i);
    }
    cr_expect_eq(taken_at(&course, 600), 81);
    vpc_world_want(&course.world, 0);
    cr_expect_eq(taken_at(&course, 602.5), 17, "prefixes go back although their addresses are cooling");
    finish(&course);
}

Test(ipam_loop, address_targets_fill_the_interface_first)
{
    struct course course;
    start(&course, vpc_options(3, 10, "WARM_IP_TARGET=5"), -1);
    vpc_world_want(&course.world, 3);
    cr_expect_eq(taken_at(&course, 600), 1 + 8);
    vpc_world_want(&course.world, 10);
    cr_expect_eq(taken_at(&course, 602.5), 1 + 9);
    cr_expect_eq(taken_at(&course, 607.5), 1 + 9 + 1 + 5);
    cr_expect_eq(taken_at(&course, 612.5), 1 + 9 + 1 + 6);
    cr_expect_eq(taken_at(&course, 1200), 17);
    vpc_world_want(&course.world, 3);
    vpc_world_run_until(&course.world, SECONDS(1202.5));
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).addresses, 8, "returned while cooling");
    finish(&course);
}

Test(ipam_loop, s25_a_small_warm_target_grows_by_one_address_a_pass)
{
    struct course course;
    start(&course, vpc_options(4, 15, "WARM_IP_TARGET=1"), -1);
    vpc_world_want(&course.world, 1);
    vpc_world_run_until(&course.world, SECONDS(600));
    int64_t assigned = course.network.assign_calls, created = course.network.create_calls;
    vpc_world_want(&course.world, 14);
    vpc_world_run_until(&course.world, SECONDS(600 + 57.5));
    cr_expect_eq(course.network.assign_calls - assigned, 12);
    cr_expect_eq(course.network.create_calls - created, 0);
    vpc_world_run_until(&course.world, SECONDS(600 + 62.5));
    cr_expect_eq(course.network.create_calls - created, 1);
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).addresses, 15);
    finish(&course);
}

Test(ipam_loop, a_cordoned_node_shrinks_but_neither_grows_nor_frees)
{
    struct course course;
    start(&course, vpc_options(3, 10, "WARM_IP_TARGET=2"), -1);
    vpc_world_want(&course.world, 12);
    vpc_world_run_until(&course.world, SECONDS(600));
    course.world.pool.cordoned = true;
    vpc_world_want(&course.world, 20);
    vpc_world_run_until(&course.world, SECONDS(1200));
    cr_expect_eq(course.world.waiting, 6, "14 addresses were there");
    vpc_world_want(&course.world, 0);
    vpc_world_run_until(&course.world, SECONDS(1800));
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).addresses, 2);
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).enis, 2);
    finish(&course);
}

Test(ipam_loop, a_restart_forgets_ages_and_cool_downs_but_no_pod)
{
    struct course course;
    start(&course, vpc_options(3, 10, ""), -1);
    vpc_world_want(&course.world, 9);
    vpc_world_run_until(&course.world, SECONDS(600));
    vpc_world_want(&course.world, 1);
    vpc_world_run_until(&course.world, SECONDS(601));
    kerf_vpc_pool_restart(&course.world.pool, course.world.now_us);
    kerf_vpc_pool_check(&course.world.pool);
    kerf_vpc_pool_pass(&course.world.pool, course.world.now_us, &course.network);
    vpc_world_want(&course.world, 18);
    cr_expect_eq(course.world.pod_count, 18);
    finish(&course);
}

Test(ipam_loop, an_instance_that_ends_returns_what_was_on_its_way_back)
{
    struct course course;
    start(&course, vpc_options(3, 10, ""), -1);
    uint32_t free_before = kerf_vpc_subnet_counts(course.subnet).free + 10; /* the launch took one, the start nine */
    vpc_world_want(&course.world, 9);
    vpc_world_run_until(&course.world, SECONDS(600));
    cr_assert_eq(kerf_vpc_pool_taken(&course.world.pool, 0), 20);
    vpc_world_want(&course.world, 0);
    kerf_time_us pass_us = course.world.pool.next_loop_us;
    const struct kerf_vpc_action *action = kerf_vpc_pool_step(&course.world.pool, pass_us);
    cr_assert_eq(action->kind, KERF_VPC_FREE_ENI); /* the second, which never had a pod; EC2 takes its time */
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).enis, 1);
    cr_expect_eq(kerf_vpc_pool_taken(&course.world.pool, 0), 20);
    kerf_vpc_ec2_terminate(&course.network, &course.world.pool);
    cr_expect_eq(kerf_vpc_subnet_counts(course.subnet).free, free_before);
    vpc_world_fini(&course.world);
    kerf_vpc_subnet_free(course.subnet);
}

/* ---- a subnet that runs out ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *id;
    const char *env;
    int free, pods;
    int want_addresses, want_placed, want_free, want_failed_min, want_failed_max; /* failed calls after the start */
} exhaustion_rows[] = {
    {"X1", "", 20, 12, 18, 12, 0, 5, 5},
    {"X2", "", 19, 12, 9, 9, 9, 5, 5},
    {"X3", "", 8, 0, 7, 0, 0, 21, 21},
    {"X4", "ENABLE_SUBNET_DISCOVERY=false", 8, 0, 7, 0, 0, 16, 16},
    {"X5", "WARM_IP_TARGET=5 MAX_ENI=1", 4, 0, 3, 0, 0, 238, 238},
    {"X5 without discovery", "WARM_IP_TARGET=5 MAX_ENI=1 ENABLE_SUBNET_DISCOVERY=false", 4, 0, 3, 0, 0, 12, 12},
};
#define EXHAUSTION_ROWS (sizeof exhaustion_rows / sizeof exhaustion_rows[0])

ParameterizedTestParameters(ipam_loop, exhaustion)
{
    static size_t rows[EXHAUSTION_ROWS];
    for (size_t i = 0; i < EXHAUSTION_ROWS; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, EXHAUSTION_ROWS);
}

ParameterizedTest(size_t *row, ipam_loop, exhaustion)
{
    struct course course;
    start(&course, vpc_options(3, 10, exhaustion_rows[*row].env), exhaustion_rows[*row].free);
    cr_assert_eq(course.world.pool.state, KERF_POOL_RUNNING);
    int64_t failed = course.network.failed_calls;
    vpc_world_want(&course.world, exhaustion_rows[*row].pods);
    vpc_world_run_until(&course.world, SECONDS(600));
    failed = course.network.failed_calls - failed;
    struct kerf_vpc_pool_stats stats = kerf_vpc_pool_stats(&course.world.pool);
    cr_expect_eq(stats.addresses, exhaustion_rows[*row].want_addresses, "%s: %d", exhaustion_rows[*row].id, stats.addresses);
    cr_expect_eq(course.world.pod_count, exhaustion_rows[*row].want_placed, "%s", exhaustion_rows[*row].id);
    cr_expect_eq((int)kerf_vpc_subnet_counts(course.subnet).free, exhaustion_rows[*row].want_free, "%s", exhaustion_rows[*row].id);
    cr_expect(failed >= exhaustion_rows[*row].want_failed_min && failed <= exhaustion_rows[*row].want_failed_max, "%s: %" PRId64,
              exhaustion_rows[*row].id, failed);
    finish(&course);
}

/* A subnet of which only `blocks` aligned blocks and `singles` scattered addresses are free. */
static void fragment(struct kerf_vpc_subnet *subnet, int blocks, int singles)
{
    uint32_t first_kept = kerf_vpc_subnet_block_count(subnet) - 1 - (uint32_t)blocks;
    for (uint32_t address = 4; address < first_kept * 16; address++) {
        bool keep = address % 16 == 5 && singles > 0;
        singles -= keep;
        if (!keep)
            cr_assert(kerf_vpc_subnet_take_address(subnet, address));
    }
    uint32_t last_block = kerf_vpc_subnet_block_count(subnet) - 1;
    for (uint32_t address = last_block * 16; address < last_block * 16 + 15; address++)
        cr_assert(kerf_vpc_subnet_take_address(subnet, address));
    cr_assert_eq((int)kerf_vpc_subnet_counts(subnet).free_prefixes, blocks);
}

static void start_fragmented(struct course *course, int blocks, int singles, int pods, int max_pods)
{
    struct kerf_vpc_pool_options options = vpc_options(3, 10, PD);
    options.max_pods = max_pods;
    *course = (struct course){0};
    course->subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 20});
    fragment(course->subnet, blocks, singles + 1);
    cr_assert(kerf_vpc_subnet_take_address(course->subnet, 5));
    options.primary_address = 5;
    course->network.subnets = &course->subnet;
    course->network.subnet_count = 1;
    cr_assert(vpc_world_launch(&course->world, &options, &course->network));
    cr_assert_eq(course->world.pool.state, KERF_POOL_RUNNING);
    vpc_world_want(&course->world, pods);
}

Test(ipam_loop, x6_no_free_block)
{
    struct course course;
    start_fragmented(&course, 0, 200, 0, 110);
    int64_t failed = course.network.failed_calls;
    vpc_world_run_until(&course.world, SECONDS(600));
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).addresses, 0);
    cr_expect_eq(course.network.failed_calls - failed, 12);
    finish(&course);
}

Test(ipam_loop, x7_one_free_block)
{
    struct course course;
    start_fragmented(&course, 1, 200, 20, 110);
    vpc_world_run_until(&course.world, SECONDS(600));
    cr_expect_eq(kerf_vpc_pool_stats(&course.world.pool).slots, 1);
    cr_expect_eq(course.world.pod_count, 16);
    cr_expect_eq(course.world.waiting, 4);
    finish(&course);
}

Test(ipam_loop, x8_an_unrecognised_error_at_the_start_fails_it)
{
    struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 24});
    while (kerf_vpc_subnet_counts(subnet).free > 10)
        kerf_vpc_subnet_take(subnet, 0);
    struct kerf_vpc_ec2_network network = {.subnets = &subnet, .subnet_count = 1, .habits.unrecognised_shortage = true};
    struct kerf_vpc_pool_options options = vpc_options(3, 10, PD);
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    cr_expect_eq(world.pool.state, KERF_POOL_FAILED);
    cr_expect_eq(kerf_vpc_pool_wake(&world.pool), KERF_TIME_NEVER);
    vpc_world_fini(&world);
    kerf_vpc_subnet_free(subnet);
}

Test(ipam_loop, x9_custom_networking_without_addresses_fails_the_start)
{
    struct kerf_vpc_subnet *subnets[2] = {kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 24}),
                                          kerf_vpc_subnet_new((struct kerf_cidr){.first = 100u << 24 | 64u << 16, .prefix_length = 28})};
    while (kerf_vpc_subnet_counts(subnets[1]).free > 5)
        kerf_vpc_subnet_take(subnets[1], 0);
    struct kerf_vpc_ec2_network network = {.subnets = subnets, .subnet_count = 2};
    struct kerf_vpc_pool_options options = vpc_options(3, 10, CUSTOM);
    options.eni_subnet = 1;
    struct vpc_world world;
    cr_assert(vpc_world_launch(&world, &options, &network));
    cr_expect_eq(world.pool.state, KERF_POOL_FAILED);
    vpc_world_fini(&world);
    kerf_vpc_subnet_free(subnets[0]);
    kerf_vpc_subnet_free(subnets[1]);
}

Test(ipam_loop, x10_the_last_addresses_are_out_of_reach)
{
    struct course course;
    start(&course, vpc_options(3, 10, "WARM_IP_TARGET=5"), 12);
    cr_expect_eq(kerf_vpc_pool_taken(&course.world.pool, 0), 6);
    vpc_world_want(&course.world, 3);
    cr_expect_eq(taken_at(&course, 600), 9);
    vpc_world_want(&course.world, 12);
    cr_expect_eq(taken_at(&course, 1200), 10);
    cr_expect_eq(course.world.pod_count, 9);
    cr_expect_eq(course.world.waiting, 3);
    finish(&course);
}

/* Nodes of five pods each, one after another, until the subnet launches no more; the primary's address is chosen by `place`. */
struct fleet_outcome {
    int launched;
    int64_t taken[20];
    int addresses[20];
};

static struct fleet_outcome fill_subnet(const char *env, bool primaries_at_the_edge)
{
    struct fleet_outcome outcome = {0};
    static struct vpc_world worlds[20];
    struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 24});
    struct kerf_vpc_ec2_network network = {.subnets = &subnet, .subnet_count = 1};
    struct kerf_vpc_pool_options options = vpc_options(3, 10, env);
    for (; outcome.launched < 20; outcome.launched++) {
        struct vpc_world *world = &worlds[outcome.launched];
        options.order_key = (uint64_t)outcome.launched;
        if (primaries_at_the_edge) {
            options.primary_address = (uint32_t)(4 + outcome.launched);
            if (outcome.launched == 8)
                break;
            cr_assert(kerf_vpc_subnet_take_address(subnet, options.primary_address));
        }
        if (!vpc_world_launch(world, &options, &network))
            break;
        vpc_world_want(world, 5);
        vpc_world_run_until(world, SECONDS(600));
        outcome.taken[outcome.launched] = kerf_vpc_pool_taken(&world->pool, 0);
        outcome.addresses[outcome.launched] = kerf_vpc_pool_stats(&world->pool).addresses;
        kerf_vpc_subnet_check(subnet);
    }
    int64_t taken = 0;
    for (int i = 0; i < outcome.launched; i++) {
        taken += outcome.taken[i];
        kerf_vpc_ec2_terminate(&network, &worlds[i].pool);
        vpc_world_fini(&worlds[i]);
    }
    cr_expect_leq(taken, 251);
    cr_expect_eq(kerf_vpc_subnet_counts(subnet).free, 251, "all came back");
    kerf_vpc_subnet_free(subnet);
    return outcome;
}

Test(ipam_loop, x11_a_slash_24_of_default_nodes)
{
    struct fleet_outcome outcome = fill_subnet("", false);
    cr_expect_eq(outcome.launched, 14);
    for (int i = 0; i < 12; i++)
        cr_expect_eq(outcome.taken[i], 20);
    cr_expect_eq(outcome.taken[12], 10);
    cr_expect_eq(outcome.addresses[12], 9);
    cr_expect_eq(outcome.taken[13], 1);
    cr_expect_eq(outcome.addresses[13], 0);
}

Test(ipam_loop, x12_a_slash_24_of_prefixes)
{
    struct fleet_outcome outcome = fill_subnet(PD, true);
    cr_expect_eq(outcome.launched, 8);
    for (int i = 0; i < 7; i++)
        cr_expect_eq(outcome.taken[i], 33);
    cr_expect_eq(outcome.addresses[7], 0);
}
