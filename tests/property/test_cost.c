/* Random lives of nodes: whatever happens, causes add up to the bill, and the bill is what a plain sum says. */
#include "cost/cost.h"
#include "random/random.h"

#include <criterion/criterion.h>

#define GB ((int64_t)1024 * 1024 * 1024 * 1000)
#define CORE ((int64_t)1000000000)

static struct kerf_resources draw_resources(struct kerf_stream *stream, int64_t cores, int64_t gigabytes, int64_t pods)
{
    struct kerf_resources resources = {0};
    kerf_resources_set(&resources, KERF_RESOURCE_CPU, (int64_t)kerf_draw_below(stream, (uint64_t)(cores * CORE)));
    kerf_resources_set(&resources, KERF_RESOURCE_MEMORY, (int64_t)kerf_draw_below(stream, (uint64_t)(gigabytes * GB)));
    kerf_resources_set(&resources, KERF_RESOURCE_PODS, (int64_t)kerf_draw_below(stream, (uint64_t)pods));
    if (kerf_draw_chance(stream, 0.3))
        kerf_resources_set(&resources, KERF_RESOURCE_NVIDIA_GPU, (int64_t)kerf_draw_below(stream, 8000));
    return resources;
}

static kerf_time_us draw_time(struct kerf_stream *stream)
{
    static const kerf_time_us spans_us[] = {1, 1000, KERF_SECOND_US, KERF_MINUTE_US, KERF_DAY_US};
    return (kerf_time_us)kerf_draw_below(stream, (uint64_t)spans_us[kerf_draw_below(stream, 5)] + 1);
}

static void live(struct kerf_stream *stream, struct kerf_cost *fleet, kerf_usd_micros *fleet_total)
{
    struct kerf_node_bill bill;
    kerf_time_us now_us = draw_time(stream);
    const kerf_time_us opened_us = now_us;
    kerf_usd_micros price = (kerf_usd_micros)kerf_draw_below(stream, 400000000);
    const kerf_usd_micros volume = (kerf_usd_micros)kerf_draw_below(stream, 100000000);
    kerf_node_bill_open(&bill, now_us, price, volume);
    kerf_i128 price_time = 0;
    struct kerf_cost last = {0};
    for (uint64_t changes = kerf_draw_below(stream, 30); changes > 0; changes--) {
        const kerf_time_us passed_us = draw_time(stream);
        now_us += passed_us;
        price_time += (kerf_i128)price * passed_us;
        const struct kerf_cost cost = kerf_node_bill_at(&bill, now_us);
        cr_assert_eq(kerf_cost_total(&cost) - cost.by_cause[KERF_COST_VOLUME],
                     (int64_t)((price_time + KERF_HOUR_US / 2) / KERF_HOUR_US));
        for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
            cr_assert_geq(cost.by_cause[cause], last.by_cause[cause] - 1, "no cause falls, but for its rounding");
        last = cost;
        switch (kerf_draw_below(stream, 3)) {
        case 0:
            price = (kerf_usd_micros)kerf_draw_below(stream, 400000000);
            kerf_node_bill_set_price(&bill, now_us, price);
            break;
        case 1:
            kerf_node_bill_set_phase(&bill, now_us, (enum kerf_node_phase)kerf_draw_below(stream, 3));
            break;
        default: {
            const struct kerf_resources capacity = draw_resources(stream, 64, 256, 200);
            const struct kerf_resources allocatable = draw_resources(stream, 64, 256, 200);
            const struct kerf_resources workload = draw_resources(stream, 48, 200, 60);
            const struct kerf_resources daemonset = draw_resources(stream, 4, 8, 10);
            const struct kerf_resources headroom = draw_resources(stream, 8, 32, 10);
            kerf_node_bill_set_use(&bill, now_us,
                                   &(struct kerf_node_use){.capacity = &capacity,
                                                           .allocatable = &allocatable,
                                                           .workload = &workload,
                                                           .daemonset = &daemonset,
                                                           .headroom = &headroom});
        }
        }
    }
    const kerf_time_us passed_us = draw_time(stream);
    now_us += passed_us;
    const kerf_time_us lived_us = now_us - opened_us;
    const kerf_time_us billed_us = kerf_max_i64((lived_us + KERF_SECOND_US - 1) / KERF_SECOND_US, 60) * KERF_SECOND_US;
    price_time += (kerf_i128)price * (passed_us + billed_us - lived_us);
    const bool reclaimed = kerf_draw_chance(stream, 0.5);
    kerf_node_bill_close(&bill, now_us, reclaimed ? KERF_NODE_RECLAIMED : KERF_NODE_TERMINATED);
    const struct kerf_cost cost = kerf_node_bill_at(&bill, now_us);
    const kerf_usd_micros want =
        reclaimed && lived_us < KERF_HOUR_US ? 0 : (int64_t)((price_time + KERF_HOUR_US / 2) / KERF_HOUR_US);
    cr_assert_eq(kerf_cost_total(&cost) - cost.by_cause[KERF_COST_VOLUME], want);
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        cr_assert_geq(cost.by_cause[cause], 0);
    kerf_cost_add(fleet, &cost);
    *fleet_total += kerf_cost_total(&cost);
}

Test(cost, causes_add_up_to_the_bill)
{
    struct kerf_stream stream = kerf_stream_open(3, 0, KERF_PURPOSE_TEST, kerf_hash_text("cost"));
    struct kerf_cost fleet = {0};
    kerf_usd_micros fleet_total = 0;
    for (int i = 0; i < 3000; i++)
        live(&stream, &fleet, &fleet_total);
    cr_expect_eq(kerf_cost_total(&fleet), fleet_total);
}
