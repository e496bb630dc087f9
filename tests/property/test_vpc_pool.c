/* Random nodes on random small subnets: an address has one holder, free and taken make the size, an address is assignable again exactly when
 * its cool-down is over, passes that may be skipped do nothing, and all comes back in the end. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/vpc_world.h"
#include "random/random.h"

#define NODES 6
#define ADDRESSES_MAX 4096 /* a /20 */

/* Who holds an address, told by the pools; -1 nobody. */
struct holders {
    int16_t by[2][ADDRESSES_MAX];
    int node;
    int64_t held;
};

static void hold(void *context, uint32_t subnet, uint32_t first_address, uint32_t address_count)
{
    struct holders *holders = context;
    for (uint32_t i = 0; i < address_count; i++) {
        int16_t *holder = &holders->by[subnet][first_address + i];
        cr_assert_eq(*holder, -1, "address %u of subnet %u has two holders", first_address + i, subnet);
        *holder = (int16_t)holders->node;
        holders->held++;
    }
}

struct fleet {
    struct kerf_vpc_subnet *subnets[2];
    struct kerf_vpc_ec2_network network;
    struct vpc_world nodes[NODES];
    bool alive[NODES];
    int custom;
};

static void check_fleet(const struct fleet *fleet)
{
    static struct holders holders;
    memset(&holders, -1, sizeof holders);
    holders.held = 0;
    for (int i = 0; i < NODES; i++) {
        if (!fleet->alive[i])
            continue;
        holders.node = i;
        kerf_vpc_pool_check(&fleet->nodes[i].pool);
        kerf_vpc_pool_visit_ranges(&fleet->nodes[i].pool, hold, &holders);
        cr_assert_eq(kerf_vpc_pool_stats(&fleet->nodes[i].pool).assigned, fleet->nodes[i].pod_count);
    }
    int64_t taken = 0;
    for (int subnet = 0; subnet < 2; subnet++) {
        kerf_vpc_subnet_check(fleet->subnets[subnet]);
        struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(fleet->subnets[subnet]);
        taken += counts.size - counts.free;
    }
    cr_assert_eq(taken, holders.held, "taken from the subnets and held by the nodes");
}

static struct kerf_vpc_pool_options draw_options(struct kerf_stream *stream)
{
    struct kerf_vpc_pool_options options = {.settings = kerf_cni_settings_default(), .trunk_capable = kerf_draw_chance(stream, 0.5)};
    struct kerf_cni_settings *settings = &options.settings;
    settings->prefix_delegation = kerf_draw_chance(stream, 0.5);
    options.prefix_capable = kerf_draw_chance(stream, 0.9);
    settings->custom_networking = kerf_draw_chance(stream, 0.2);
    settings->pod_eni = kerf_draw_chance(stream, 0.2);
    settings->subnet_discovery = kerf_draw_chance(stream, 0.7);
    settings->warm_eni_target = (int32_t)kerf_draw_below(stream, 4);
    settings->warm_prefix_target = 1 + (int32_t)kerf_draw_below(stream, 3);
    settings->warm_ip_target = kerf_draw_chance(stream, 0.4) ? (int32_t)kerf_draw_below(stream, 20) : 0;
    settings->minimum_ip_target = kerf_draw_chance(stream, 0.4) ? (int32_t)kerf_draw_below(stream, 40) : 0;
    settings->max_enis = kerf_draw_chance(stream, 0.2) ? 1 + (int32_t)kerf_draw_below(stream, 12) : 0;
    settings->ip_cooldown_us = (kerf_time_us)kerf_draw_below(stream, 60) * KERF_SECOND_US;
    options.limits.enis = 1 + (int32_t)kerf_draw_below(stream, 12);
    options.limits.ipv4_per_eni = 1 + (int32_t)kerf_draw_below(stream, 20);
    options.max_pods = (int64_t)kerf_draw_below(stream, 120);
    options.order = kerf_draw_chance(stream, 0.8) ? KERF_ORDER_GO_MAPS : KERF_ORDER_LOWEST_FIRST;
    options.order_key = kerf_draw_u64(stream);
    options.primary_address = KERF_ADDRESS_NONE;
    options.primary_subnet = (uint32_t)kerf_draw_below(stream, 2);
    options.eni_subnet = (uint32_t)kerf_draw_below(stream, 2);
    return options;
}

static void run_fleet(uint64_t seed)
{
    struct kerf_stream stream = kerf_stream_open(seed, 0, KERF_PURPOSE_TEST, 1);
    static struct fleet fleet;
    memset(&fleet, 0, sizeof fleet);
    for (int i = 0; i < 2; i++) {
        struct kerf_cidr cidr = {.first = (10u + (uint32_t)i) << 24, .prefix_length = (uint8_t)(20 + kerf_draw_below(&stream, 8))};
        fleet.subnets[i] = kerf_vpc_subnet_new(cidr);
        while (kerf_draw_chance(&stream, 0.5)) { /* one that overlaps another is refused */
            uint8_t length = (uint8_t)(cidr.prefix_length + 1 + kerf_draw_below(&stream, 28 - cidr.prefix_length));
            struct kerf_cidr range = {.prefix_length = length};
            range.first = cidr.first + ((uint32_t)kerf_draw_below(&stream, 1u << (length - cidr.prefix_length)) << (32 - length));
            const char *refusal = kerf_vpc_subnet_reserve(fleet.subnets[i], range, kerf_draw_chance(&stream, 0.6) ? KERF_RESERVATION_PREFIX
                                                                                                             : KERF_RESERVATION_EXPLICIT);
            (void)refusal;
        }
    }
    fleet.network = (struct kerf_vpc_ec2_network){.subnets = fleet.subnets,
                                                  .subnet_count = 2,
                                                  .habits = {.lowest_address = kerf_draw_chance(&stream, 0.3),
                                                             .unrecognised_shortage = kerf_draw_chance(&stream, 0.5)},
                                                  .draws = {.key = seed}};
    for (int turn = 0; turn < 60; turn++) {
        int i = (int)kerf_draw_below(&stream, NODES);
        struct vpc_world *node = &fleet.nodes[i];
        if (!fleet.alive[i]) {
            struct kerf_vpc_pool_options options = draw_options(&stream);
            fleet.alive[i] = vpc_world_launch(node, &options, &fleet.network);
        } else if (kerf_draw_chance(&stream, 0.05) || node->pool.state == KERF_POOL_FAILED) {
            kerf_vpc_ec2_terminate(&fleet.network, &node->pool);
            vpc_world_fini(node);
            fleet.alive[i] = false;
        } else {
            node->pool.cordoned = kerf_draw_chance(&stream, 0.1);
            vpc_world_want(node, (int)kerf_draw_below(&stream, 100));
            if (kerf_draw_chance(&stream, 0.1) && kerf_vpc_pool_wants_trunk(&node->pool) &&
                kerf_vpc_subnet_counts(fleet.subnets[0]).assignable > 0)
                kerf_vpc_pool_attach_trunk(&node->pool, node->now_us, 0, kerf_vpc_subnet_take(fleet.subnets[0], 0));
            vpc_world_run_until(node, node->now_us + (kerf_time_us)kerf_draw_below(&stream, 200000000));
        }
        check_fleet(&fleet);
    }
    for (int i = 0; i < NODES; i++) {
        if (fleet.alive[i]) {
            kerf_vpc_ec2_terminate(&fleet.network, &fleet.nodes[i].pool);
            vpc_world_fini(&fleet.nodes[i]);
            fleet.alive[i] = false;
        }
    }
    check_fleet(&fleet);
    for (int i = 0; i < 2; i++)
        kerf_vpc_subnet_free(fleet.subnets[i]);
}

Test(vpc_pool, conserves_addresses)
{
    for (uint64_t seed = 1; seed <= 150; seed++)
        run_fleet(seed);
}

/* Each address of a full pool against a ledger of its own: never handed out within the period, always right after it. */
Test(vpc_pool, cools_down_exactly)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct kerf_stream stream = kerf_stream_open(seed, 0, KERF_PURPOSE_TEST, 2);
        struct kerf_vpc_pool_options options = vpc_options(1, 12, seed % 2 ? "ENABLE_PREFIX_DELEGATION=true MINIMUM_IP_TARGET=64" : "");
        options.settings.ip_cooldown_us = (kerf_time_us)kerf_draw_below(&stream, 50);
        options.order_key = seed;
        struct kerf_vpc_ec2_network network = {0};
        struct vpc_world world;
        cr_assert(vpc_world_launch(&world, &options, &network));
        int capacity = kerf_vpc_pool_stats(&world.pool).addresses;
        int64_t released_us[256];
        bool held[256] = {false};
        for (int i = 0; i < 256; i++)
            released_us[i] = INT64_MIN / 2;
        for (kerf_time_us now_us = 0; now_us < 3000; now_us += (kerf_time_us)kerf_draw_below(&stream, 3)) {
            if (world.pod_count > 0 && kerf_draw_chance(&stream, 0.45)) {
                int gone = (int)kerf_draw_below(&stream, (uint64_t)world.pod_count);
                struct kerf_pod_address address = world.pods[gone];
                world.pods[gone] = world.pods[--world.pod_count];
                kerf_vpc_pool_pod_leaves(&world.pool, now_us, address);
                released_us[address.slot * 16 + address.index] = now_us;
                held[address.slot * 16 + address.index] = false;
                continue;
            }
            int usable = 0;
            for (int slot = 0; slot < kerf_vpc_pool_stats(&world.pool).slots; slot++)
                for (int index = 0; index < world.pool.addresses_per_slot; index++)
                    usable += !held[slot * 16 + index] && now_us - released_us[slot * 16 + index] > options.settings.ip_cooldown_us;
            struct kerf_pod_address address;
            bool arrived = kerf_vpc_pool_pod_arrives(&world.pool, now_us, &address);
            cr_assert_eq(arrived, usable > 0, "seed %" PRIu64 " at %" PRId64, seed, now_us);
            if (arrived) {
                int place = address.slot * 16 + address.index;
                cr_assert(!held[place]);
                cr_assert_gt(now_us - released_us[place], options.settings.ip_cooldown_us);
                held[place] = true;
                world.pods[world.pod_count++] = address;
            }
            cr_assert_leq(world.pod_count, capacity);
            kerf_vpc_pool_check(&world.pool);
        }
        vpc_world_fini(&world);
    }
}

/* The closed forms of a grown pool, an endless subnet, no gate. */
Test(vpc_pool, grows_to_the_closed_forms)
{
    for (int enis = 1; enis <= 9; enis += 2)
        for (int slots = 1; slots <= 29; slots += 7)
            for (int pods = 1; pods <= 60; pods += 6) {
                for (int warm = 1; warm <= 4; warm++) {
                    struct kerf_node_step steps[] = {{.pods = 0}, {.pods = pods}};
                    struct kerf_node_rest rests[2];
                    struct kerf_vpc_pool_options options = vpc_options(enis, slots + 1, "");
                    options.max_pods = 1000000;
                    options.order_key = (uint64_t)pods;
                    options.settings.warm_eni_target = warm;
                    cr_assert_null(kerf_vpc_node_course(&options, steps, 2, rests));
                    int placed = pods < enis * slots ? pods : enis * slots;
                    int wanted_enis = warm + (placed + slots - 1) / slots;
                    cr_expect_eq(rests[1].stats.slots, slots * (enis < wanted_enis ? enis : wanted_enis));

                    options.settings.warm_ip_target = warm;
                    options.settings.minimum_ip_target = 10;
                    cr_assert_null(kerf_vpc_node_course(&options, steps, 2, rests));
                    int wanted = pods + warm > 10 ? pods + warm : 10;
                    int pool = enis * slots < wanted ? enis * slots : wanted;
                    cr_expect_eq(rests[1].stats.slots, pool);
                    cr_expect_eq((int)rests[1].eni_count, (pool + slots - 1) / slots);

                    options.settings.prefix_delegation = true;
                    cr_assert_null(kerf_vpc_node_course(&options, steps, 2, rests));
                    int prefixes = (wanted + 15) / 16;
                    cr_expect_eq(rests[1].stats.slots, enis * slots < prefixes ? enis * slots : prefixes);
                }
                struct kerf_node_step steps[] = {{.pods = 0}, {.pods = pods}};
                struct kerf_node_rest rests[2];
                struct kerf_vpc_pool_options options = vpc_options(enis, slots + 1, "ENABLE_PREFIX_DELEGATION=true");
                options.max_pods = 1000000;
                cr_assert_null(kerf_vpc_node_course(&options, steps, 2, rests));
                int prefixes = 1 + (pods + 15) / 16;
                cr_expect_eq(rests[1].stats.slots, enis * slots < prefixes ? enis * slots : prefixes, "%d x %d, %d pods", enis, slots, pods);
            }
}

/* A subnet against an array of booleans. */
Test(vpc_subnet, agrees_with_an_array)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct kerf_stream stream = kerf_stream_open(seed, 0, KERF_PURPOSE_TEST, 3);
        struct kerf_cidr cidr = {.first = 10u << 24, .prefix_length = (uint8_t)(20 + kerf_draw_below(&stream, 9))};
        struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new(cidr);
        uint32_t size = (uint32_t)kerf_cidr_size(cidr);
        static bool taken[ADDRESSES_MAX];
        for (uint32_t i = 0; i < size; i++)
            taken[i] = i < 4 || i == size - 1;
        for (int turn = 0; turn < 3000; turn++) {
            uint32_t pick = (uint32_t)kerf_draw_below(&stream, size);
            uint32_t assignable = kerf_vpc_subnet_counts(subnet).assignable;
            switch (kerf_draw_below(&stream, 4)) {
            case 0:
                if (assignable > 0) {
                    uint32_t rank = (uint32_t)kerf_draw_below(&stream, assignable);
                    uint32_t want = 0;
                    for (uint32_t skipped = 0; taken[want] || skipped < rank; want++)
                        skipped += !taken[want];
                    cr_assert_eq(kerf_vpc_subnet_take(subnet, rank), want);
                    taken[want] = true;
                }
                break;
            case 1: {
                uint32_t want = KERF_ADDRESS_NONE;
                for (uint32_t block = 0; block < size && want == KERF_ADDRESS_NONE; block += 16) {
                    bool whole = true;
                    for (uint32_t i = 0; i < 16; i++)
                        whole = whole && !taken[block + i];
                    want = whole ? block : want;
                }
                cr_assert_eq(kerf_vpc_subnet_take_prefix(subnet), want);
                for (uint32_t i = 0; i < 16 && want != KERF_ADDRESS_NONE; i++)
                    taken[want + i] = true;
                break;
            }
            case 2:
                cr_assert_eq(kerf_vpc_subnet_take_address(subnet, pick), !taken[pick]);
                taken[pick] = true;
                break;
            default:
                if (taken[pick] && pick >= 4 && pick != size - 1) {
                    kerf_vpc_subnet_release(subnet, pick);
                    taken[pick] = false;
                }
            }
            if (turn % 16 == 0)
                kerf_vpc_subnet_check(subnet);
        }
        kerf_vpc_subnet_free(subnet);
    }
}
