/** EC2's pools and answers against the formulas of spot-model.md. */
#include "../../support/sim_world.h"

#include "cloud/pools.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";

static uint32_t type_of_band(const struct sim_world *world, int band, size_t skip)
{
    for (uint32_t i = 0; i < kerf_catalog_type_count(world->design->catalog); i++) {
        const struct kerf_instance_facts *facts = kerf_catalog_facts(world->design->catalog, i);
        bool scarce = facts->gpu_count > 0 || facts->bare_metal || facts->vcpus >= 64;
        if (facts->advisor_interruption_band == band && !scarce && skip-- == 0)
            return i;
    }
    cr_assert_fail("no type in band %d", band);
    return 0;
}

/** Mean over types and zones of ln(hazard): the zones' factor is lognormal with mean 0. */
static double mean_log_hazard(struct kerf_cloud *cloud, const struct sim_world *world, int band, double *out_low, double *out_high)
{
    double sum = 0, count = 0;
    *out_low = INFINITY;
    *out_high = 0;
    for (uint32_t i = 0; i < kerf_catalog_type_count(world->design->catalog); i++) {
        const struct kerf_instance_facts *facts = kerf_catalog_facts(world->design->catalog, i);
        if (facts->advisor_interruption_band != band || facts->gpu_count > 0 || facts->bare_metal || facts->vcpus >= 64)
            continue;
        for (uint32_t zone = 0; zone < 3; zone++) {
            double hazard = kerf_pool_open(cloud, i, zone)->hazard_per_hour;
            sum += log(hazard);
            count++;
            *out_low = fmin(*out_low, hazard);
            *out_high = fmax(*out_high, hazard);
        }
    }
    cr_assert_gt(count, 20);
    return sum / count;
}

Test(cloud, hazards_follow_the_bands)
{
    struct sim_world world;
    sim_world_open(&world, "", nothing, 0);
    for (int band = 0; band < 4; band++) {
        double low, high;
        double mean = mean_log_hazard(world.world->cloud, &world, band, &low, &high);
        double middle = -log(1.0 - 0.05 * (band + 0.5)) / 72.0; /* reading R2, mean life 72 h */
        cr_expect_float_eq(exp(mean) / middle, 1.0, band == 0 ? 0.45 : 0.2, "band %d: %g against %g", band, exp(mean), middle);
    }
    double low, high;
    double top = exp(mean_log_hazard(world.world->cloud, &world, 4, &low, &high));
    double edge = -log(0.8) / 72.0;
    cr_expect_float_eq(top / (edge * sqrt(10.0)), 1.0, 0.25, "log-uniform from the edge to ten times the edge");
    sim_world_close(&world);
}

Test(cloud, the_optimistic_reading_is_a_month)
{
    struct sim_world pessimist, optimist;
    sim_world_open(&pessimist, "", nothing, 0);
    sim_world_open(&optimist, "spot: { optimistic: true, hazardFactor: 2 }\n", nothing, 0);
    uint32_t type = type_of_band(&pessimist, 2, 0);
    double ratio = kerf_pool_open(pessimist.world->cloud, type, 1)->hazard_per_hour / kerf_pool_open(optimist.world->cloud, type, 1)->hazard_per_hour;
    cr_expect_float_eq(ratio, 730.0 / 72.0 / 2.0, 1e-9, "the same draws for both");
    sim_world_close(&pessimist);
    sim_world_close(&optimist);
}

Test(cloud, shocks_keep_the_mean_hazard_and_availability)
{
    struct sim_world world;
    sim_world_open(&world, "horizon: 24000h\n", nothing, 0);
    double struck = 0, hours = 0, constrained = 0, expected = 0, expected_events = 0;
    for (size_t n = 0; n < 30; n++) {
        uint32_t type = type_of_band(&world, 3, n);
        struct kerf_pool *pool = kerf_pool_open(world.world->cloud, type, 0);
        kerf_time_us end_us = world.design->horizon_us;
        kerf_pool_extend(world.world->cloud, pool, end_us);
        double available_hours = 0;
        kerf_time_us from_us = 0;
        for (size_t i = 0; i < pool->shocks.count && pool->shocks.items[i].at_us <= end_us; i++) {
            const struct kerf_pool_shock *shock = &pool->shocks.items[i];
            struck += shock->fraction;
            available_hours += (double)(shock->at_us - from_us) / 3.6e9;
            constrained += (double)(shock->recovers_us - shock->at_us) / 3.6e9;
            from_us = shock->recovers_us;
        }
        hours += available_hours;
        expected += pool->hazard_per_hour * available_hours;
        expected_events += pool->hazard_per_hour * available_hours / 0.6;
    }
    cr_expect_float_eq(struck / expected, 1.0, 0.08, "E[f] / E[time in A] is the hazard: %g", struck / expected);
    double mean_constrained = constrained / expected_events; /* 0.82 * 0.21 + 0.18 * 2.65 h */
    cr_expect_float_eq(mean_constrained, 0.82 * 0.21 + 0.18 * 2.65, 0.08, "%g", mean_constrained);
    (void)hours;
    sim_world_close(&world);
}

Test(cloud, capacity_and_shocks_are_the_same_for_all_designs)
{
    struct sim_world one, other;
    sim_world_open(&one, "", nothing, 0);
    sim_world_open(&other, "spot: { hitAlpha: 0.9, notice: 1m }\nnodeGroups: [{ name: g, desiredCapacity: 1 }]\n", nothing, 0);
    uint32_t type = type_of_band(&one, 4, 1);
    kerf_cloud_next_shock(other.world->cloud, type_of_band(&other, 4, 3), 2, 0); /* another order of questions */
    kerf_time_us at_us = 0;
    for (int i = 0; i < 10; i++) {
        kerf_time_us next_us = kerf_cloud_next_shock(one.world->cloud, type, 1, at_us);
        cr_expect_eq(next_us, kerf_cloud_next_shock(other.world->cloud, type, 1, at_us));
        if (next_us == KERF_TIME_NEVER)
            break;
        cr_expect_eq(kerf_cloud_has_capacity(one.world->cloud, next_us, KERF_SPOT, type, 1),
                     kerf_cloud_has_capacity(other.world->cloud, next_us, KERF_SPOT, type, 1));
        at_us = next_us;
    }
    sim_world_close(&one);
    sim_world_close(&other);
}

Test(cloud, a_share_of_the_shocks_strikes_other_zones)
{
    struct sim_world world;
    sim_world_open(&world, "horizon: 87840h\nspot: { regionalShare: 0.3, regionalHit: 0.5 }\n", nothing, 0);
    uint32_t type = type_of_band(&world, 4, 0);
    struct kerf_pool *pool = kerf_pool_open(world.world->cloud, type, 0);
    kerf_pool_extend(world.world->cloud, pool, world.design->horizon_us);
    double own = 0, spread = 0;
    for (size_t i = 0; i < pool->shocks.count && pool->shocks.items[i].at_us <= world.design->horizon_us; i++) {
        own++;
        kerf_time_us at_us = pool->shocks.items[i].at_us;
        cr_expect_eq(kerf_cloud_next_shock(world.world->cloud, type, 0, at_us - 1), at_us);
        spread += kerf_cloud_next_shock(world.world->cloud, type, 1, at_us - 1) == at_us;
    }
    cr_assert_gt(own, 300);
    cr_expect_float_eq(spread / own, 0.15, 4 * sqrt(0.15 * 0.85 / own), "%g of %g", spread, own);
    sim_world_close(&world);
}

static bool has_addresses(void *context, uint32_t subnet_index)
{
    (void)context;
    return subnet_index == KERF_NOT_FOUND;
}

Test(cloud, a_constrained_pool_refuses_and_another_is_taken)
{
    struct sim_world world;
    sim_world_open(&world, "cloud: { gaps: [{ until: 1h, instanceTypes: [m5.large], zones: [us-east-1a] }] }\n", nothing, 0);
    uint32_t m5 = kerf_catalog_find(world.design->catalog, kerf_name_find(world.world->vocabulary->names, "m5.large"))->index;
    struct kerf_cloud_choice choices[] = {{m5, 0, KERF_NOT_FOUND, 0.096, KERF_NOT_FOUND}, {m5, 1, KERF_NOT_FOUND, 0.097, KERF_NOT_FOUND}};
    struct kerf_launch_outcome outcome;
    kerf_cloud_launch(world.world->cloud, 0, KERF_ON_DEMAND, choices, 2, 7, has_addresses, NULL, &outcome);
    cr_assert(outcome.launched);
    cr_expect_eq(outcome.choice.zone_index, 1);
    cr_assert_eq(outcome.refused_count, 1);
    cr_expect_eq(outcome.errors[0], KERF_LAUNCH_INSUFFICIENT_CAPACITY);
    kerf_cloud_launch(world.world->cloud, KERF_HOUR_US, KERF_ON_DEMAND, choices, 2, 7, has_addresses, NULL, &outcome);
    cr_expect_eq(outcome.choice.zone_index, 0, "the cheapest, once it is back");
    cr_expect_eq(outcome.refused_count, 0, "pools that were not tried are not told");
    sim_world_close(&world);
}

static int compare_times(const void *a, const void *b) { return kerf_compare_i64(*(const kerf_time_us *)a, *(const kerf_time_us *)b); }

/* timings.md 9: medians 2.2, 23 and 26 s */
Test(cloud, boots_have_the_quantiles_of_their_settings)
{
    struct sim_world world;
    sim_world_open(&world, "", nothing, 0);
    enum { DRAWS = 4001 };
    static kerf_time_us launch[DRAWS], registration[DRAWS], initialization[DRAWS];
    double product = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct kerf_boot_times boot = kerf_cloud_draw_boot(world.world->cloud, (uint64_t)i + 1, false);
        struct kerf_boot_times slow = kerf_cloud_draw_boot(world.world->cloud, (uint64_t)i + 1, true);
        launch[i] = boot.launch_us;
        registration[i] = boot.registration_us;
        initialization[i] = boot.initialization_us;
        cr_expect_leq(llabs((long long)(slow.registration_us - 2 * boot.registration_us)), 1);
        product += (log((double)boot.registration_us / 1e6) - 3.15) / 0.20 * (log((double)boot.initialization_us / 1e6) - 3.25) / 0.45;
    }
    qsort(launch, DRAWS, sizeof launch[0], compare_times);
    qsort(registration, DRAWS, sizeof registration[0], compare_times);
    qsort(initialization, DRAWS, sizeof initialization[0], compare_times);
    cr_expect_float_eq((double)launch[DRAWS / 2] / 1e6, exp(0.81), 0.03);
    cr_expect_float_eq((double)registration[DRAWS / 2] / 1e6, exp(3.15), 0.4);
    cr_expect_float_eq((double)initialization[DRAWS / 2] / 1e6, exp(3.25), 1.0);
    cr_expect_float_eq((double)initialization[DRAWS * 9 / 10] / 1e6, exp(3.25 + 1.2816 * 0.45), 2.5);
    cr_expect_float_eq(product / DRAWS, 0.6, 0.06, "the two parts go together");
    sim_world_close(&world);
}

Test(cloud, on_demand_refusals_have_their_chance)
{
    struct sim_world world;
    sim_world_open(&world, "cloud: { onDemandRefusal: 0.3 }\n", nothing, 0);
    double refused = 0, asked = 0;
    for (uint32_t type = 0; type < 200; type++)
        for (kerf_time_us hour = 0; hour < 20; hour++, asked++)
            refused += !kerf_cloud_has_capacity(world.world->cloud, hour * KERF_HOUR_US, KERF_ON_DEMAND, type, 0);
    cr_expect_float_eq(refused / asked, 0.3, 4 * sqrt(0.21 / asked));
    sim_world_close(&world);
}
