#include "cost/cost.h"

#define BILLED_MIN_US KERF_MINUTE_US
#define FORGIVEN_BELOW_US KERF_HOUR_US
#define MONTH_US (KERF_HOURS_PER_MONTH * KERF_HOUR_US)

const char *kerf_cost_cause_name(enum kerf_cost_cause cause)
{
    static const char *const names[KERF_COST_CAUSE_COUNT] = {
        [KERF_COST_WORKLOAD] = "workload",
        [KERF_COST_DAEMONSET] = "daemonset",
        [KERF_COST_HEADROOM] = "headroom",
        [KERF_COST_OVERHEAD] = "overhead",
        [KERF_COST_IDLE] = "idle",
        [KERF_COST_FRAGMENTATION] = "fragmentation",
        [KERF_COST_BOOT] = "boot",
        [KERF_COST_DRAIN] = "drain",
        [KERF_COST_MINIMUM] = "minimum",
        [KERF_COST_VOLUME] = "volume",
        [KERF_COST_CONTROL_PLANE] = "controlPlane",
    };
    KERF_ASSERT(cause < KERF_COST_CAUSE_COUNT);
    return names[cause];
}

kerf_usd_micros kerf_gp3_price_per_gb_month(const char *region)
{
    /* EBS price file of 2024-07-18 */
    static const struct {
        const char *region;
        kerf_usd_micros per_gb_month;
    } prices[] = {
        {"us-east-1", KERF_GP3_USD_MICROS_PER_GB_MONTH},
        {"us-west-2", 80000},
        {"eu-west-1", 88000},
        {"eu-central-1", 95200},
        {"ap-southeast-1", 96000},
    };
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++)
        if (strcmp(prices[i].region, region) == 0)
            return prices[i].per_gb_month;
    return KERF_GP3_USD_MICROS_PER_GB_MONTH;
}

kerf_usd_micros kerf_usd_micros_of(double usd)
{
    KERF_ASSERT(usd >= 0.0);
    KERF_ASSERT(usd < 1e12);
    return (kerf_usd_micros)(usd * 1e6 + 0.5);
}

kerf_usd_micros kerf_cost_total(const struct kerf_cost *cost)
{
    kerf_usd_micros total = 0;
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        total += cost->by_cause[cause];
    return total;
}

void kerf_cost_add(struct kerf_cost *into, const struct kerf_cost *added)
{
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        into->by_cause[cause] += added->by_cause[cause];
}

void kerf_cost_subtract(struct kerf_cost *from, const struct kerf_cost *taken)
{
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        from->by_cause[cause] -= taken->by_cause[cause];
}

/* To the nearest, halves up; of what is not negative. */
static kerf_usd_micros divide_rounded(kerf_i128 amount, kerf_i128 by)
{
    return kerf_saturate_i64((amount + by / 2) / by);
}

kerf_usd_micros kerf_cost_of_hours(kerf_usd_micros per_hour, kerf_time_us duration_us)
{
    KERF_ASSERT(per_hour >= 0);
    KERF_ASSERT(duration_us >= 0);
    return divide_rounded((kerf_i128)per_hour * duration_us, KERF_HOUR_US);
}

/* ---- a node
 * --------------------------------------------------------------------------------------------------------------------- */

static struct kerf_cost_shares shares_in_phase(const struct kerf_node_bill *bill)
{
    struct kerf_cost_shares shares = {0};
    switch (bill->phase) {
    case KERF_NODE_BOOTING:
        shares.by_cause[KERF_COST_BOOT] = KERF_SHARE_ONE;
        return shares;
    case KERF_NODE_SERVING:
        return bill->serving;
    case KERF_NODE_DRAINING:
        shares.by_cause[KERF_COST_WORKLOAD] = bill->serving.by_cause[KERF_COST_WORKLOAD];
        shares.by_cause[KERF_COST_DRAIN] = KERF_SHARE_ONE - shares.by_cause[KERF_COST_WORKLOAD];
        return shares;
    }
    KERF_ASSERT(false);
    return shares;
}

static void integrate(const struct kerf_node_bill *bill, kerf_time_us until_us, kerf_i128 integrals[KERF_COST_CAUSE_COUNT])
{
    KERF_ASSERT(until_us >= bill->since_us);
    const struct kerf_cost_shares shares = shares_in_phase(bill);
    const kerf_i128 price_time = (kerf_i128)bill->price_per_hour * (until_us - bill->since_us);
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        integrals[cause] += price_time * shares.by_cause[cause];
}

static void advance(struct kerf_node_bill *bill, kerf_time_us now_us)
{
    KERF_ASSERT(!bill->closed);
    integrate(bill, now_us, bill->integrals);
    bill->since_us = now_us;
}

void kerf_node_bill_open(struct kerf_node_bill *bill, kerf_time_us now_us, kerf_usd_micros price_per_hour,
                         kerf_usd_micros volume_per_month)
{
    KERF_ASSERT(price_per_hour >= 0);
    KERF_ASSERT(volume_per_month >= 0);
    *bill = (struct kerf_node_bill){
        .opened_us = now_us,
        .since_us = now_us,
        .phase = KERF_NODE_BOOTING,
        .price_per_hour = price_per_hour,
        .volume_per_month = volume_per_month,
    };
    bill->serving.by_cause[KERF_COST_IDLE] = KERF_SHARE_ONE;
}

void kerf_node_bill_set_price(struct kerf_node_bill *bill, kerf_time_us now_us, kerf_usd_micros price_per_hour)
{
    KERF_ASSERT(price_per_hour >= 0);
    advance(bill, now_us);
    bill->price_per_hour = price_per_hour;
}

void kerf_node_bill_set_phase(struct kerf_node_bill *bill, kerf_time_us now_us, enum kerf_node_phase phase)
{
    advance(bill, now_us);
    bill->phase = phase;
}

void kerf_node_bill_set_use(struct kerf_node_bill *bill, kerf_time_us now_us, const struct kerf_node_use *use)
{
    advance(bill, now_us);
    bill->serving = kerf_node_shares(use);
}

static kerf_time_us billed_us(kerf_time_us lived_us)
{
    const kerf_time_us whole_us = (lived_us + KERF_SECOND_US - 1) / KERF_SECOND_US * KERF_SECOND_US;
    return kerf_max_i64(whole_us, BILLED_MIN_US);
}

void kerf_node_bill_close(struct kerf_node_bill *bill, kerf_time_us now_us, enum kerf_node_end end)
{
    advance(bill, now_us);
    const kerf_time_us lived_us = now_us - bill->opened_us;
    bill->integrals[KERF_COST_MINIMUM] += (kerf_i128)bill->price_per_hour * (billed_us(lived_us) - lived_us) * KERF_SHARE_ONE;
    bill->closed = true;
    bill->closed_us = now_us;
    bill->forgiven = end == KERF_NODE_RECLAIMED && lived_us < FORGIVEN_BELOW_US;
}

/* Whole micro-dollars for each cause: rounded down, then one more for those that lost most, until the rounded total is reached.
 */
static void settle(const kerf_i128 integrals[KERF_COST_CAUSE_COUNT], struct kerf_cost *cost)
{
    const kerf_i128 unit = (kerf_i128)KERF_SHARE_ONE * KERF_HOUR_US;
    kerf_i128 remainders[KERF_COST_CAUSE_COUNT];
    kerf_i128 sum = 0;
    kerf_usd_micros given = 0;
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++) {
        sum += integrals[cause];
        cost->by_cause[cause] = kerf_saturate_i64(integrals[cause] / unit);
        remainders[cause] = integrals[cause] % unit;
        given += cost->by_cause[cause];
    }
    for (kerf_usd_micros total = divide_rounded(sum, unit); given < total; given++) {
        size_t most = 0;
        for (size_t cause = 1; cause < KERF_COST_CAUSE_COUNT; cause++)
            if (remainders[cause] > remainders[most])
                most = cause;
        cost->by_cause[most]++;
        remainders[most] = -1;
    }
}

struct kerf_cost kerf_node_bill_at(const struct kerf_node_bill *bill, kerf_time_us now_us)
{
    struct kerf_cost cost = {0};
    kerf_i128 integrals[KERF_COST_CAUSE_COUNT];
    memcpy(integrals, bill->integrals, sizeof integrals);
    if (!bill->closed)
        integrate(bill, now_us, integrals);
    if (!bill->forgiven)
        settle(integrals, &cost);
    const kerf_time_us volume_us = bill->closed ? billed_us(bill->closed_us - bill->opened_us) : now_us - bill->opened_us;
    cost.by_cause[KERF_COST_VOLUME] = divide_rounded((kerf_i128)bill->volume_per_month * volume_us, MONTH_US);
    return cost;
}
