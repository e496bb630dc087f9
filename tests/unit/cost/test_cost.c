#include "cost/cost.h"

#include <criterion/criterion.h>

static const kerf_usd_micros m5_large = 96000;

static kerf_usd_micros cause_at(const struct kerf_node_bill *bill, kerf_time_us now_us, enum kerf_cost_cause cause)
{
    return kerf_node_bill_at(bill, now_us).by_cause[cause];
}

static kerf_usd_micros total_at(const struct kerf_node_bill *bill, kerf_time_us now_us)
{
    const struct kerf_cost cost = kerf_node_bill_at(bill, now_us);
    return kerf_cost_total(&cost);
}

/* 4 vCPU, 16 GB, nothing reserved: vCPU 0.69 of the value, memory 0.31. */
static struct kerf_resources resources_of(int64_t cores, int64_t gigabytes, int64_t pods)
{
    struct kerf_resources resources = {0};
    kerf_resources_set(&resources, KERF_RESOURCE_CPU, cores * 1000000000);
    kerf_resources_set(&resources, KERF_RESOURCE_MEMORY, gigabytes * 1024 * 1024 * 1024 * 1000);
    kerf_resources_set(&resources, KERF_RESOURCE_PODS, pods);
    return resources;
}

Test(cost, an_hour_costs_the_hourly_price)
{
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 5 * KERF_HOUR_US, m5_large, 0);
    cr_expect_eq(total_at(&bill, 5 * KERF_HOUR_US), 0);
    cr_expect_eq(total_at(&bill, 6 * KERF_HOUR_US), m5_large);
    cr_expect_eq(total_at(&bill, 5 * KERF_HOUR_US + 730 * KERF_HOUR_US), 730 * m5_large);
}

Test(cost, lifetimes_are_rounded_up_to_seconds_and_a_minute)
{
    static const struct {
        kerf_time_us lived_us;
        int64_t billed_s;
    } rows[] = {{0, 60},
                {1, 60},
                {59 * KERF_SECOND_US, 60},
                {60 * KERF_SECOND_US, 60},
                {60 * KERF_SECOND_US + 1, 61},
                {61 * KERF_SECOND_US, 61},
                {3599 * KERF_SECOND_US + 999999, 3600}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_node_bill bill;
        kerf_node_bill_open(&bill, 7, 3600 * 1000, 0); /* 1000 micro-dollars a second */
        kerf_node_bill_close(&bill, 7 + rows[i].lived_us, KERF_NODE_TERMINATED);
        cr_expect_eq(total_at(&bill, 0), rows[i].billed_s * 1000, "lived %" PRId64 " us: %" PRId64, rows[i].lived_us,
                     total_at(&bill, 0));
    }
}

Test(cost, what_was_not_lived_is_the_minimum)
{
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 0, 3600 * 1000, 0);
    cr_expect_eq(total_at(&bill, 10 * KERF_SECOND_US), 10000, "an open node is billed for what it lived");
    kerf_node_bill_close(&bill, 10 * KERF_SECOND_US, KERF_NODE_TERMINATED);
    cr_expect_eq(cause_at(&bill, 0, KERF_COST_BOOT), 10000);
    cr_expect_eq(cause_at(&bill, 0, KERF_COST_MINIMUM), 50000);
}

Test(cost, price_may_change)
{
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 0, 40000, 0);
    kerf_node_bill_set_price(&bill, 2 * KERF_HOUR_US, 50000);
    kerf_node_bill_set_price(&bill, 3 * KERF_HOUR_US, 0);
    kerf_node_bill_set_price(&bill, 9 * KERF_HOUR_US, 30000);
    kerf_node_bill_close(&bill, 10 * KERF_HOUR_US, KERF_NODE_TERMINATED);
    cr_expect_eq(total_at(&bill, 0), 80000 + 50000 + 0 + 30000);
}

Test(cost, first_hour_of_a_reclaimed_spot_node_is_free)
{
    static const struct {
        kerf_time_us lived_us;
        enum kerf_node_end end;
        kerf_usd_micros want;
    } rows[] = {{KERF_HOUR_US / 2, KERF_NODE_RECLAIMED, 0},
                {KERF_HOUR_US / 2, KERF_NODE_TERMINATED, 50000},
                {KERF_HOUR_US, KERF_NODE_RECLAIMED, 100000},
                {KERF_HOUR_US * 3 / 2, KERF_NODE_RECLAIMED, 150000}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_node_bill bill;
        kerf_node_bill_open(&bill, 0, 100000, 730 * 2000);
        kerf_node_bill_close(&bill, rows[i].lived_us, rows[i].end);
        cr_expect_eq(total_at(&bill, 0) - cause_at(&bill, 0, KERF_COST_VOLUME), rows[i].want, "row %zu", i);
        cr_expect_eq(cause_at(&bill, 0, KERF_COST_VOLUME), 2000 * rows[i].lived_us / KERF_HOUR_US, "the volume is not free");
    }
}

Test(cost, volume_by_the_second_of_a_month)
{
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 0, 0, 20 * KERF_GP3_USD_MICROS_PER_GB_MONTH);
    cr_expect_eq(cause_at(&bill, 730 * KERF_HOUR_US, KERF_COST_VOLUME), 1600000, "20 GB for a month: 1.60 USD");
    kerf_node_bill_close(&bill, KERF_SECOND_US, KERF_NODE_TERMINATED);
    cr_expect_eq(cause_at(&bill, 0, KERF_COST_VOLUME), 37, "a minute: 1,600,000 / 43,800");
}

Test(cost, phases_decide_what_it_was_for)
{
    const struct kerf_resources capacity = resources_of(4, 16, 100);
    const struct kerf_resources workload = resources_of(2, 8, 1);
    const struct kerf_node_use use = {.capacity = &capacity, .allocatable = &capacity, .workload = &workload};
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 0, 1000000, 0);
    kerf_node_bill_set_use(&bill, KERF_HOUR_US / 2, &use); /* bound before it is ready */
    kerf_node_bill_set_phase(&bill, KERF_HOUR_US, KERF_NODE_SERVING);
    kerf_node_bill_set_phase(&bill, 3 * KERF_HOUR_US, KERF_NODE_DRAINING);
    kerf_node_bill_close(&bill, 4 * KERF_HOUR_US, KERF_NODE_TERMINATED);
    const struct kerf_cost cost = kerf_node_bill_at(&bill, 0);
    cr_expect_eq(cost.by_cause[KERF_COST_BOOT], 1000000);
    cr_expect_eq(cost.by_cause[KERF_COST_WORKLOAD], 1500000);
    cr_expect_eq(cost.by_cause[KERF_COST_IDLE], 1000000);
    cr_expect_eq(cost.by_cause[KERF_COST_DRAIN], 500000);
    cr_expect_eq(kerf_cost_total(&cost), 4000000);
}

Test(cost, thirds_add_up)
{
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 0, 1, 0);
    kerf_node_bill_set_phase(&bill, KERF_HOUR_US / 3, KERF_NODE_SERVING);
    kerf_node_bill_set_phase(&bill, KERF_HOUR_US * 2 / 3, KERF_NODE_DRAINING);
    const struct kerf_cost cost = kerf_node_bill_at(&bill, KERF_HOUR_US);
    cr_expect_eq(kerf_cost_total(&cost), 1, "a third of a micro-dollar each");
}

Test(cost, warm_up_is_taken_off)
{
    struct kerf_node_bill bill;
    kerf_node_bill_open(&bill, 0, m5_large, 730 * 1000);
    const struct kerf_cost before = kerf_node_bill_at(&bill, 10 * KERF_HOUR_US);
    kerf_node_bill_set_phase(&bill, 12 * KERF_HOUR_US, KERF_NODE_SERVING);
    struct kerf_cost cost = kerf_node_bill_at(&bill, 20 * KERF_HOUR_US);
    kerf_cost_subtract(&cost, &before);
    cr_expect_eq(kerf_cost_total(&cost), 10 * (m5_large + 1000));
    cr_expect_eq(cost.by_cause[KERF_COST_BOOT], 2 * m5_large);
}

Test(cost, fees_and_prices)
{
    cr_expect_eq(kerf_cost_of_hours(KERF_CONTROL_PLANE_USD_MICROS_PER_HOUR, 730 * KERF_HOUR_US), 73000000, "73 USD a month");
    cr_expect_eq(kerf_cost_of_hours(1, KERF_HOUR_US / 2), 1);
    cr_expect_eq(kerf_cost_of_hours(1, KERF_HOUR_US / 2 - 1), 0);
    cr_expect_eq(kerf_usd_micros_of(0.096), 96000);
    cr_expect_eq(kerf_usd_micros_of(0.0013), 1300);
    cr_expect_eq(kerf_usd_micros_of(360.98695), 360986950);
    cr_expect_eq(kerf_gp3_price_per_gb_month("eu-central-1"), 95200);
    cr_expect_eq(kerf_gp3_price_per_gb_month("sa-east-1"), 80000);
    for (int cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        cr_expect_not_null(kerf_cost_cause_name((enum kerf_cost_cause)cause));
}

Test(cost, sums)
{
    struct kerf_cost a = {.by_cause = {[KERF_COST_IDLE] = 5, [KERF_COST_BOOT] = 7}};
    const struct kerf_cost b = {.by_cause = {[KERF_COST_IDLE] = 1, [KERF_COST_CONTROL_PLANE] = 2}};
    kerf_cost_add(&a, &b);
    cr_expect_eq(kerf_cost_total(&a), 15);
    kerf_cost_subtract(&a, &b);
    cr_expect_eq(a.by_cause[KERF_COST_IDLE], 5);
    cr_expect_eq(kerf_cost_total(&a), 12);
}
