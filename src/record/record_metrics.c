/**
 * The named numbers of a replication. Rates are of the time after warm-up; a month is 730 hours of it.
 */
#include "record/record_internal.h"

static void add(struct kerf_record *record, double value, const char *format, ...) KERF_PRINTF(3, 4);
static void add(struct kerf_record *record, double value, const char *format, ...)
{
    struct kerf_metric metric = { .value = value };
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(metric.name, sizeof metric.name, format, arguments);
    va_end(arguments);
    KERF_VEC_PUSH(&record->metrics, metric);
}

static double seconds_of(kerf_time_us us) { return (double)us / (double)KERF_SECOND_US; }

struct rates {
    double hours;
    double days;
};

static double usd_per_month(struct rates rates, kerf_usd_micros micros)
{
    return (double)micros / 1e6 / rates.hours * KERF_HOURS_PER_MONTH;
}

static void add_costs(struct kerf_record *record, struct rates rates)
{
    const struct kerf_design *design = record->world->design;
    struct kerf_cost total = { 0 };
    for (size_t i = 0; i < record->tiers.count; i++)
        kerf_cost_add(&total, &record->tiers.items[i].cost);
    total.by_cause[KERF_COST_CONTROL_PLANE] =
        kerf_cost_of_hours(design->fees.control_plane_per_hour, design->horizon_us - design->warm_up_us);
    add(record, usd_per_month(rates, kerf_cost_total(&total)), "costUsdPerMonth");
    for (size_t i = 0; i < record->tiers.count; i++)
        add(record, usd_per_month(rates, kerf_cost_total(&record->tiers.items[i].cost)), "costUsdPerMonth.tier.%s",
            record->tiers.items[i].name->text);
    for (int i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++)
        if (i != KERF_RESERVED || design->objects.capacity_reservations.count > 0)
            add(record, usd_per_month(rates, kerf_cost_total(&record->by_capacity_type[i])), "costUsdPerMonth.capacityType.%s",
                kerf_capacity_type_text((enum kerf_capacity_type)i));
    for (int i = 0; i < KERF_COST_CAUSE_COUNT; i++)
        add(record, usd_per_month(rates, total.by_cause[i]), "costUsdPerMonth.cause.%s", kerf_cost_cause_name((enum kerf_cost_cause)i));
}

static void add_waits(struct kerf_record *record)
{
    static const char *const phases[KERF_WAIT_PHASE_COUNT] = { "plan", "launch", "boot", "ready", "start" };
    add(record, seconds_of(kerf_quantiles_at(record->wait, 0.50)), "podWaitSecondsP50");
    add(record, seconds_of(kerf_quantiles_at(record->wait, 0.95)), "podWaitSecondsP95");
    add(record, seconds_of(kerf_quantiles_at(record->wait, 0.99)), "podWaitSecondsP99");
    add(record, kerf_quantiles_mean(record->wait) / (double)KERF_SECOND_US, "podWaitSecondsMean");
    for (int phase = 0; phase < KERF_WAIT_PHASE_COUNT; phase++)
        add(record, kerf_quantiles_mean(record->wait_by_phase[phase]) / (double)KERF_SECOND_US, "podWaitSecondsMean.phase.%s", phases[phase]);
    for (int phase = 0; phase < KERF_WAIT_PHASE_COUNT; phase++)
        add(record, seconds_of(kerf_quantiles_at(record->wait_by_phase[phase], 0.95)), "podWaitSecondsP95.phase.%s", phases[phase]);
}

static void add_counts(struct kerf_record *record, struct rates rates)
{
    static const struct {
        enum kerf_notice_kind kind;
        const char *name;
    } daily[] = {
        { KERF_NOTICE_EVICTED, "evictionsPerDay" },
        { KERF_NOTICE_EVICTION_BLOCKED, "evictionsBlockedPerDay" },
        { KERF_NOTICE_SPOT_INTERRUPTION, "interruptionsPerDay" },
        { KERF_NOTICE_NODE_LOST, "nodesLostPerDay" },
        { KERF_NOTICE_PREEMPTED, "preemptionsPerDay" },
        { KERF_NOTICE_LAUNCH_REFUSED, "launchesRefusedPerDay" },
        { KERF_NOTICE_DISRUPTION_FAILED, "disruptionsFailedPerDay" },
    };
    for (size_t i = 0; i < sizeof daily / sizeof daily[0]; i++)
        add(record, (double)record->counts[daily[i].kind] / rates.days, "%s", daily[i].name);
    for (int i = 0; i < KERF_METHOD_COUNT; i++)
        add(record, (double)record->disruptions_by_method[i] / rates.days, "disruptionsPerDay.method.%s",
            kerf_disruption_method_text((enum kerf_disruption_method)i));
    add(record, (double)record->nodes_launched / rates.days, "nodesLaunchedPerDay");
    add(record, (double)record->pods_started / rates.days, "podsStartedPerDay");
    add(record, (double)record->pods_never_placed, "podsNeverPlaced");
}

static void add_churn(struct kerf_record *record, struct rates rates)
{
    const struct kerf_record_churn *churn = &record->churn;
    add(record, (double)churn->evicted_again / rates.days, "evictedAgainPerDay");
    add(record, (double)churn->replaced_alike / rates.days, "nodesReplacedAlikePerDay");
    static const double ln_2 = 0.6931471805599453;
    /* After so long half of the nodes would be gone, at the rate at which nodes ended; none ended: as if one had, a lower bound. */
    double node_hours = kerf_time_weighted_mean(&record->node_count, kerf_world_now(record->world)) * rates.hours;
    add(record, ln_2 * node_hours / (double)kerf_max_i64((int64_t)churn->nodes_ended, 1), "nodeHalfLifeHours");
    double restarts = usd_per_month(rates, churn->lost_usd_micros);
    add(record, (double)churn->lost_us / (double)KERF_HOUR_US / rates.days, "podHoursLostPerDay");
    add(record, restarts, "restartCostUsdPerMonth");
    KERF_ASSERT(!strcmp(record->metrics.items[0].name, "costUsdPerMonth"));
    add(record, record->metrics.items[0].value + restarts, "costWithRestartsUsdPerMonth");
}

static void add_series(struct kerf_record *record)
{
    kerf_time_us now_us = kerf_world_now(record->world);
    const struct {
        const struct kerf_time_weighted *series;
        const char *name;
    } rows[] = {
        { &record->node_count, "nodes" },
        { &record->vcpus, "vcpus" },
        { &record->running_pods, "podsRunning" },
        { &record->pending_pods, "podsPending" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        add(record, kerf_time_weighted_mean(rows[i].series, now_us), "%sMean", rows[i].name);
        add(record, (double)rows[i].series->peak, "%sPeak", rows[i].name);
    }
}

static void add_network(struct kerf_record *record, struct rates rates)
{
    const struct kerf_design *design = record->world->design;
    if (design->subnet_count == 0)
        return;
    int64_t peak = 0;
    for (uint32_t i = 0; i < design->subnet_count; i++)
        peak = kerf_max_i64(peak, record->subnet_used[i].peak);
    add(record, (double)peak, "subnetAddressesPeak");
    for (uint32_t i = 0; i < design->subnet_count; i++)
        add(record, (double)record->subnet_used[i].peak, "subnetAddressesPeak.subnet.%s", design->subnets[i].id);
    uint32_t exhausted = 0;
    kerf_time_us first_us = KERF_TIME_NEVER;
    for (uint32_t i = 0; i < design->subnet_count; i++) {
        exhausted += record->subnet_exhausted_us[i] != KERF_TIME_NEVER;
        first_us = kerf_min_i64(first_us, record->subnet_exhausted_us[i]);
    }
    add(record, exhausted, "subnetsExhausted");
    /* A run without exhaustion counts with its whole length: a lower bound, which the count beside it tells. */
    add(record, seconds_of(kerf_min_i64(first_us, design->horizon_us)) / 86400.0, "subnetExhaustedAfterDays");
    /* What users see, by the name under which they see it. */
    double addresses_refused = (double)record->counts[KERF_NOTICE_SUBNET_EXHAUSTED];
    double blocks_refused = (double)record->counts[KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED];
    add(record, (addresses_refused + blocks_refused) / rates.days, "addressesRefusedPerDay");
    add(record, addresses_refused / rates.days, "addressesRefusedPerDay.error.InsufficientFreeAddressesInSubnet");
    add(record, blocks_refused / rates.days, "addressesRefusedPerDay.error.InsufficientCidrBlocks");
    add(record, (double)record->launches_without_address / rates.days, "launchesWithoutAddressPerDay");
    add(record, (double)record->counts[KERF_NOTICE_POD_WITHOUT_ADDRESS] / rates.days, "podsWithoutAddressPerDay");
    add(record, (double)record->counts[KERF_NOTICE_SANDBOX_FAILED] / rates.days, "failedCreatePodSandBoxPerDay");
    add(record, (double)record->counts[KERF_NOTICE_EC2_CALL] / rates.hours, "ec2CallsPerHour");
    add(record, (double)record->calls_throttled / rates.hours, "ec2CallsThrottledPerHour");
}

void kerf_record_make_metrics(struct kerf_record *record)
{
    const struct kerf_design *design = record->world->design;
    double hours = (double)(design->horizon_us - design->warm_up_us) / (double)KERF_HOUR_US;
    struct rates rates = { .hours = hours, .days = hours / 24.0 };
    add_costs(record, rates);
    add_waits(record);
    add_counts(record, rates);
    add_churn(record, rates);
    add_series(record);
    add_network(record, rates);
}

const struct kerf_metric *kerf_record_metrics(const struct kerf_record *record, size_t *out_count)
{
    KERF_ASSERT(record->finished);
    *out_count = record->metrics.count;
    return record->metrics.items;
}

uint64_t kerf_record_trace_hash(const struct kerf_record *record) { return record->trace_hash; }
