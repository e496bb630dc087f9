/* How fast is the address pool? Passes of idle and of churning nodes, skipped and unskipped; addresses taken from a /16; a year of a fleet.
 * usage: bench_vpc [--small] */
#include <stdio.h>
#include <stdlib.h>

#include "advise/subnet_demand.h"
#include "advise/subnet_fleet.h"
#include "base/base.h"
#include "kerf/vpc.h"

#include "measure.h"

#define RUNS_MAX 9

struct measure {
    double seconds[RUNS_MAX];
    uint64_t items; /* of one run */
    uint64_t hash;
};

static struct kerf_vpc_pool_options options_of(bool prefixes, uint64_t key)
{
    struct kerf_vpc_pool_options options = {
        .settings = kerf_cni_settings_default(),
        .limits = {.enis = 4, .ipv4_per_eni = 15},
        .max_pods = prefixes ? 110 : 58,
        .prefix_capable = true,
        .order_key = key,
        .primary_address = KERF_ADDRESS_NONE,
    };
    options.settings.prefix_delegation = prefixes;
    return options;
}

struct node {
    struct kerf_vpc_pool pool;
    struct kerf_pod_address pods[64];
    int pod_count;
};

/* Every pass of settled nodes, none skipped. */
static void idle_passes(struct measure *measure, uint32_t node_count, uint32_t pass_count)
{
    struct kerf_vpc_ec2_network network = {0};
    struct kerf_vpc_pool *pools = kerf_allocate(node_count * sizeof *pools);
    struct kerf_pod_address address;
    for (uint32_t i = 0; i < node_count; i++) {
        struct kerf_vpc_pool_options options = options_of(i % 2, i);
        kerf_vpc_pool_init(&pools[i], &options, 0);
        kerf_vpc_pool_pass(&pools[i], 0, &network);
        for (int pod = 0; pod < 10; pod++)
            measure->hash += kerf_vpc_pool_pod_arrives(&pools[i], 0, &address);
    }
    for (uint32_t pass = 0; pass < pass_count; pass++)
        for (uint32_t i = 0; i < node_count; i++)
            kerf_vpc_pool_pass(&pools[i], pools[i].next_loop_us, &network);
    for (uint32_t i = 0; i < node_count; i++) {
        measure->hash = kerf_hash_mix(measure->hash, (uint64_t)kerf_vpc_pool_taken(&pools[i], 0));
        kerf_vpc_pool_fini(&pools[i]);
    }
    free(pools);
    measure->items = (uint64_t)node_count * pass_count;
}

/* Days of nodes whose pods come and go at random, over three /19; passes that do nothing are skipped. Items: pods. */
static void churn(struct measure *measure, bool prefixes, uint32_t node_count, uint64_t pod_count)
{
    struct kerf_vpc_subnet *subnets[3];
    for (uint32_t i = 0; i < 3; i++)
        subnets[i] = kerf_vpc_subnet_new((struct kerf_cidr){.first = (10u << 24) + (i << 13), .prefix_length = 19});
    struct kerf_vpc_ec2_network networks[3];
    for (uint32_t i = 0; i < 3; i++)
        networks[i] = (struct kerf_vpc_ec2_network){.subnets = &subnets[i], .subnet_count = 1, .draws = {.key = i}};
    struct node *nodes = kerf_allocate(node_count * sizeof *nodes);
    for (uint32_t i = 0; i < node_count; i++) {
        struct kerf_vpc_pool_options options = options_of(prefixes, i);
        if (!kerf_vpc_ec2_launch(&networks[i % 3], 0, &options.primary_address))
            abort();
        kerf_vpc_pool_init(&nodes[i].pool, &options, 0);
        kerf_vpc_pool_pass(&nodes[i].pool, 0, &networks[i % 3]);
    }
    struct kerf_vpc_draws draws = {.key = 42};
    const kerf_time_us step_us = KERF_DAY_US / 40000; /* 20,000 pods a day come, as many go */
    kerf_time_us now_us = 0;
    for (uint64_t event = 0; event < 2 * pod_count; event++) {
        now_us += step_us;
        uint32_t index = (uint32_t)kerf_vpc_draw_below(&draws, node_count);
        struct node *node = &nodes[index];
        for (kerf_time_us wake_us; (wake_us = kerf_vpc_pool_wake(&node->pool)) <= now_us;) {
            kerf_vpc_pool_skip_to(&node->pool, wake_us);
            kerf_vpc_pool_pass(&node->pool, wake_us, &networks[index % 3]);
        }
        kerf_vpc_pool_skip_to(&node->pool, now_us);
        int wanted = (int)kerf_vpc_draw_below(&draws, 50);
        if (node->pod_count < wanted) {
            node->pod_count += kerf_vpc_pool_pod_arrives(&node->pool, now_us, &node->pods[node->pod_count]);
        } else if (node->pod_count > 0) {
            int gone = (int)kerf_vpc_draw_below(&draws, (uint64_t)node->pod_count);
            kerf_vpc_pool_pod_leaves(&node->pool, now_us, node->pods[gone]);
            node->pods[gone] = node->pods[--node->pod_count];
        }
    }
    for (uint32_t i = 0; i < 3; i++) {
        measure->hash = kerf_hash_mix(measure->hash, kerf_vpc_subnet_counts(subnets[i]).taken_peak);
        measure->hash = kerf_hash_mix(measure->hash, (uint64_t)(networks[i].assign_calls + networks[i].create_calls));
    }
    for (uint32_t i = 0; i < node_count; i++)
        kerf_vpc_pool_fini(&nodes[i].pool);
    for (uint32_t i = 0; i < 3; i++)
        kerf_vpc_subnet_free(subnets[i]);
    free(nodes);
    measure->items = pod_count;
}

/* Random addresses of a half-full /16 go and come, a prefix now and then. */
static void subnet_churn(struct measure *measure, uint64_t count)
{
    struct kerf_vpc_subnet *subnet = kerf_vpc_subnet_new((struct kerf_cidr){.first = 10u << 24, .prefix_length = 16});
    enum { HELD = 30000 };
    uint32_t *held = kerf_allocate(HELD * sizeof *held);
    struct kerf_vpc_draws draws = {.key = 7};
    for (uint32_t i = 0; i < HELD; i++)
        held[i] = kerf_vpc_subnet_take(subnet, (uint32_t)kerf_vpc_draw_below(&draws, kerf_vpc_subnet_counts(subnet).assignable));
    for (uint64_t i = 0; i < count; i++) {
        uint32_t place = (uint32_t)kerf_vpc_draw_below(&draws, HELD);
        kerf_vpc_subnet_release(subnet, held[place]);
        held[place] = kerf_vpc_subnet_take(subnet, (uint32_t)kerf_vpc_draw_below(&draws, kerf_vpc_subnet_counts(subnet).assignable));
        if (i % 8 == 0) {
            uint32_t prefix = kerf_vpc_subnet_take_prefix(subnet);
            measure->hash = kerf_hash_mix(measure->hash, prefix);
            if (prefix != KERF_ADDRESS_NONE)
                kerf_vpc_subnet_release_prefix(subnet, prefix);
        }
        measure->hash = kerf_hash_mix(measure->hash, held[place]);
    }
    free(held);
    kerf_vpc_subnet_free(subnet);
    measure->items = count;
}

/* Days of 200 nodes of m5.xlarge whose pods are replaced 20,000 times a day, over three /19, every figure kept. Items: pods. */
static void fleet_days(struct measure *measure, bool prefixes, double days)
{
    struct kerf_demand_shape shape = {.limits = {.enis = 4, .ipv4_per_eni = 15}, .vcpus = 4, .nitro = true};
    struct kerf_subnet_group group = {.nodes = 200, .pods_per_node = 20, .pods_per_node_max = 30};
    struct kerf_subnet_workload workload = {
        .shapes = &shape, .shape_count = 1, .groups = &group, .group_count = 1, .pods_replaced_per_day = 20000,
        .horizon_us = (kerf_time_us)(days * (double)KERF_DAY_US)};
    struct kerf_subnet_spec subnets[3];
    for (uint32_t i = 0; i < 3; i++)
        subnets[i] = (struct kerf_subnet_spec){.cidr = {.first = (10u << 24) + (i << 13), .prefix_length = 19}, .zone = i};
    struct kerf_fleet_options options = {.settings = kerf_cni_settings_default(), .subnets = subnets, .subnet_count = 3, .zone_count = 3,
                                         .shapes = &shape, .key = 1};
    options.settings.prefix_delegation = prefixes;
    struct kerf_fleet *fleet = kerf_fleet_new(&options);
    struct kerf_demand_generator *generator = kerf_demand_generator_new(&workload, 3, 1, 0);
    struct kerf_demand_event event;
    while (kerf_demand_generator_next(generator, &event)) {
        kerf_fleet_apply(fleet, &event);
        measure->items += event.kind == KERF_DEMAND_POD_COMES;
    }
    for (uint32_t zone = 0; zone < 3; zone++)
        measure->hash = kerf_hash_mix(measure->hash, (uint64_t)kerf_fleet_taken_at(fleet, zone, 1));
    measure->hash = kerf_hash_mix(measure->hash, (uint64_t)kerf_fleet_calls(fleet).assign);
    kerf_demand_generator_free(generator);
    kerf_fleet_free(fleet);
}

static void report(const char *name, const char *item, struct measure *measure, int runs)
{
    sort_seconds(measure->seconds, (size_t)runs);
    double best = measure->seconds[0], median = measure->seconds[runs / 2];
    printf("%-24s min %9.3f ms  median %9.3f ms  %12.0f %s/s  hash %016" PRIx64 "\n", name, best * 1e3, median * 1e3,
           (double)measure->items / median, item, measure->hash);
}

int main(int argc, char **argv)
{
    bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    int runs = small ? 3 : 7;
    uint64_t scale = small ? 1 : 100;
    static const char *const names[] = {"idle passes",       "churn, secondary",    "churn, prefixes",
                                        "subnet /16", "fleet year, secondary", "fleet year, prefixes"};
    static const char *const items[] = {"passes", "pods", "pods", "addresses", "pods", "pods"};
    for (int which = 0; which < 6; which++) {
        struct measure measure = {0};
        if (which >= 4)
            runs = 3;
        for (int run = 0; run < runs; run++) {
            measure.hash = 0;
            measure.items = 0;
            double start = seconds_now();
            if (which == 0)
                idle_passes(&measure, 200, (uint32_t)(200 * scale));
            else if (which == 3)
                subnet_churn(&measure, 10000 * scale);
            else if (which >= 4)
                fleet_days(&measure, which == 5, small ? 1 : 365);
            else
                churn(&measure, which == 2, 200, 10000 * scale);
            measure.seconds[run] = seconds_now() - start;
        }
        report(names[which], items[which], &measure, runs);
    }
    return 0;
}
