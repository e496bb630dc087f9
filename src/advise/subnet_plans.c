/* Which settings need what, and the smallest subnets that hold with each. Zones don't meet, so each zone's subnet is found for itself, all in
 * the same runs: from the least that could do, a zone that runs out gets twice as much. */
#include "advise/subnet_advice.h"

#include <stdlib.h>

#define PREFIX_LENGTH_MIN 16
#define PREFIX_LENGTH_MAX 28
static const double confidence = 0.95;

struct search {
    struct kerf_subnet_advice *advice;
    struct kerf_subnet_plan *plan;
    struct kerf_subnet_spec *subnets; /* one a zone, then, with custom networking, an ample one for nodes a zone */
    uint32_t subnet_count;
    uint32_t *others;     /* by zone: addresses that others hold */
    int64_t *peak;        /* by zone: most addresses of the searched subnet, others' included */
    int64_t *own_peak;    /* by zone: most interfaces */
    uint32_t failures_allowed;
};

static struct kerf_cidr cidr_of_zone(uint32_t zone, uint8_t prefix_length)
{
    /* 128 ranges of /16: numbers that mean nothing but that they differ */
    return (struct kerf_cidr){.first = (10u << 24) + (zone << 16), .prefix_length = prefix_length};
}

static void set_length(struct search *search, uint32_t zone, uint8_t prefix_length)
{
    search->plan->zones[zone].prefix_length = prefix_length;
    search->subnets[zone].cidr = cidr_of_zone(zone, prefix_length);
    search->subnets[zone].range_count = 0;
    search->plan->zones[zone].remainder_length = 0;
    if (!search->plan->reserved)
        return;
    /* What is not reserved must hold the interfaces' own addresses, others' and AWS's first four, with a quarter of the interfaces to spare. */
    int64_t wanted = search->own_peak[zone] + search->own_peak[zone] / 4 + search->others[zone] + 4;
    uint8_t remainder = PREFIX_LENGTH_MAX;
    while (remainder > prefix_length && (int64_t)1 << (32 - remainder) < wanted)
        remainder--;
    search->plan->zones[zone].remainder_length = remainder;
    for (uint8_t length = remainder; length > prefix_length; length--) {
        struct kerf_cidr range = {.first = search->subnets[zone].cidr.first + (1u << (32 - length)), .prefix_length = length};
        search->subnets[zone].ranges[search->subnets[zone].range_count++] = (struct kerf_subnet_range){range, KERF_RESERVATION_PREFIX};
    }
}

static void measure_need(struct search *search)
{
    const struct kerf_subnet_query *query = search->advice->query;
    struct kerf_subnet_plan *plan = search->plan;
    double share = 1.0 / query->replications;
    for (uint32_t zone = 0; zone < query->zone_count; zone++)
        set_length(search, zone, PREFIX_LENGTH_MIN);
    for (uint32_t zone = 0; zone < query->zone_count; zone++)
        search->subnets[zone].range_count = 0; /* own_peak is not known yet */
    for (uint32_t i = 0; i < query->replications; i++) {
        struct kerf_fleet *fleet = kerf_subnet_run(query, i, &plan->settings, search->subnets, search->subnet_count, false);
        double hours = (double)(kerf_subnet_query_horizon(query, i) - kerf_subnet_query_warm_up(query, i)) / (double)KERF_HOUR_US;
        for (uint32_t zone = 0; zone < query->zone_count; zone++) {
            struct kerf_planned_zone *planned = &plan->zones[zone];
            planned->needed_p50 += share * (double)kerf_fleet_taken_at(fleet, zone, 0.5);
            planned->needed_p95 += share * (double)kerf_fleet_taken_at(fleet, zone, 0.95);
            planned->needed_peak = kerf_max_i64(planned->needed_peak, kerf_fleet_taken_at(fleet, zone, 1));
            planned->stranded_mean +=
                share * kerf_time_weighted_mean(&kerf_fleet_zone_at(fleet, zone)->stranded, kerf_subnet_query_horizon(query, i));
            search->peak[zone] = kerf_max_i64(search->peak[zone], kerf_fleet_subnet_taken_at(fleet, zone, 1));
            search->own_peak[zone] = kerf_max_i64(search->own_peak[zone], kerf_fleet_own_peak(fleet, zone));
        }
        struct kerf_fleet_calls calls = kerf_fleet_calls(fleet);
        plan->calls.per_hour += share * (double)(calls.assign + calls.create + calls.unassign + calls.remove) / hours;
        plan->calls.launches_per_hour += share * (double)calls.launch / hours;
        plan->calls.failed_per_hour += share * (double)calls.failed / hours;
        plan->calls.peak_hour = kerf_max_i64(plan->calls.peak_hour, calls.peak_hour);
        kerf_fleet_free(fleet);
    }
}

/** Runs the replications; false: some zone fails too often and has got more, so all must be run again. */
static bool try_lengths(struct search *search, uint32_t *failed)
{
    const struct kerf_subnet_query *query = search->advice->query;
    memset(failed, 0, query->zone_count * sizeof *failed);
    for (uint32_t i = 0; i < query->replications; i++) {
        struct kerf_fleet *fleet = kerf_subnet_run(query, i, &search->plan->settings, search->subnets, search->subnet_count,
                                                   search->failures_allowed == 0);
        bool too_often = false;
        for (uint32_t zone = 0; zone < query->zone_count; zone++) {
            failed[zone] += kerf_fleet_first_shortage(fleet, zone) != KERF_TIME_NEVER;
            too_often |= failed[zone] > search->failures_allowed;
        }
        kerf_fleet_free(fleet);
        if (too_often)
            return false;
    }
    return true;
}

static void find_lengths(struct search *search)
{
    const struct kerf_subnet_query *query = search->advice->query;
    struct kerf_subnet_plan *plan = search->plan;
    uint32_t *failed = kerf_allocate(kerf_array_bytes(query->zone_count, sizeof *failed));
    for (uint32_t zone = 0; zone < query->zone_count; zone++) {
        uint8_t length = PREFIX_LENGTH_MAX;
        while (length > PREFIX_LENGTH_MIN && ((int64_t)1 << (32 - length)) - KERF_VPC_SUBNET_RESERVED < search->peak[zone])
            length--;
        set_length(search, zone, length);
    }
    plan->found = true;
    while (plan->found && !try_lengths(search, failed)) {
        for (uint32_t zone = 0; zone < query->zone_count; zone++) {
            if (failed[zone] <= search->failures_allowed)
                continue;
            uint8_t length = plan->zones[zone].prefix_length;
            plan->found &= length > PREFIX_LENGTH_MIN;
            if (length > PREFIX_LENGTH_MIN)
                set_length(search, zone, (uint8_t)(length - 1));
        }
    }
    for (uint32_t zone = 0; zone < query->zone_count; zone++) {
        if (plan->found) {
            plan->zones[zone].holds = kerf_interval_of_share(query->replications - failed[zone], query->replications, confidence);
            plan->addresses += (int64_t)1 << (32 - plan->zones[zone].prefix_length);
        } else {
            plan->zones[zone].prefix_length = 0;
            plan->zones[zone].remainder_length = 0;
        }
    }
    free(failed);
}

static uint32_t failures_allowed(const struct kerf_subnet_query *query)
{
    uint32_t allowed = 0;
    while (query->holds > 0 && allowed < query->replications &&
           kerf_interval_of_share(query->replications - allowed - 1, query->replications, confidence).low >= query->holds)
        allowed++;
    return allowed;
}

static void make_plan(struct kerf_subnet_advice *advice, struct kerf_subnet_plan *plan)
{
    const struct kerf_subnet_query *query = advice->query;
    uint32_t zones = query->zone_count;
    bool custom = plan->settings.custom_networking;
    struct search search = {.advice = advice, .plan = plan, .failures_allowed = failures_allowed(query)};
    plan->zones = KERF_NEW_ARRAY(&advice->arena, struct kerf_planned_zone, zones);
    plan->refusal = kerf_cni_settings_refusal(&plan->settings);
    if (plan->refusal)
        return;
    search.subnet_count = custom ? 2 * zones : zones;
    search.subnets = KERF_NEW_ARRAY(&advice->arena, struct kerf_subnet_spec, search.subnet_count);
    search.others = KERF_NEW_ARRAY(&advice->arena, uint32_t, zones);
    search.peak = KERF_NEW_ARRAY(&advice->arena, int64_t, zones);
    search.own_peak = KERF_NEW_ARRAY(&advice->arena, int64_t, zones);
    for (uint32_t i = 0; i < query->subnet_count; i++)
        if (query->subnets[i].use != KERF_SUBNET_NODES || !custom)
            search.others[query->subnets[i].zone] += query->subnets[i].taken;
    for (uint32_t zone = 0; zone < zones; zone++) {
        search.subnets[zone] = (struct kerf_subnet_spec){.zone = zone, .taken = search.others[zone], .use = custom ? KERF_SUBNET_PODS : KERF_SUBNET_BOTH};
        if (custom)
            search.subnets[zones + zone] =
                (struct kerf_subnet_spec){.zone = zone, .use = KERF_SUBNET_NODES, .cidr = cidr_of_zone(zones + zone, PREFIX_LENGTH_MIN)};
    }
    measure_need(&search);
    find_lengths(&search);
}

/* ---- the settings that are tried ------------------------------------------------------------------------------------------------ */

static bool same_targets(const struct kerf_cni_settings *a, const struct kerf_cni_settings *b)
{
    return a->prefix_delegation == b->prefix_delegation && a->warm_eni_target == b->warm_eni_target && a->warm_ip_target == b->warm_ip_target &&
           a->minimum_ip_target == b->minimum_ip_target && (!a->prefix_delegation || a->warm_prefix_target == b->warm_prefix_target);
}

static char *name_of(struct kerf_subnet_advice *advice, const struct kerf_cni_settings *settings, bool reserved)
{
    char targets[64];
    if (settings->warm_ip_target || settings->minimum_ip_target)
        snprintf(targets, sizeof targets, "WARM_IP_TARGET=%d MINIMUM_IP_TARGET=%d", settings->warm_ip_target, settings->minimum_ip_target);
    else if (settings->prefix_delegation)
        snprintf(targets, sizeof targets, "WARM_PREFIX_TARGET=%d", settings->warm_prefix_target);
    else
        snprintf(targets, sizeof targets, "WARM_ENI_TARGET=%d", settings->warm_eni_target);
    return kerf_arena_format(&advice->arena, "%s, %s%s", settings->prefix_delegation ? "prefixes" : "secondary addresses", targets,
                             reserved ? ", reserved for prefixes" : "");
}

static void add_plan(struct kerf_subnet_advice *advice, struct kerf_cni_settings settings, bool reserved)
{
    for (uint32_t i = 0; i < advice->plan_count; i++)
        if (same_targets(&advice->plans[i].settings, &settings) && advice->plans[i].reserved == reserved)
            return;
    advice->plans[advice->plan_count++] =
        (struct kerf_subnet_plan){.settings = settings, .reserved = reserved, .name = name_of(advice, &settings, reserved)};
}

void kerf_subnet_find_plans(struct kerf_subnet_advice *advice)
{
    enum { PLANS_MAX = 8, WARM_ADDRESSES = 5 };
    const struct kerf_subnet_query *query = advice->query;
    advice->plans = KERF_NEW_ARRAY(&advice->arena, struct kerf_subnet_plan, PLANS_MAX);
    struct kerf_cni_settings whole = query->settings, targets = query->settings;
    whole.warm_ip_target = whole.minimum_ip_target = 0;
    whole.warm_eni_target = whole.warm_prefix_target = 1;
    targets.warm_ip_target = WARM_ADDRESSES;
    struct kerf_demand_shape shape;
    int64_t pods;
    kerf_subnet_typical_node(query, &shape, &pods);
    targets.minimum_ip_target = (int32_t)kerf_max_i64(1, pods);
    add_plan(advice, query->settings, false);
    for (int prefixes = 0; !query->settings.ipv6 && prefixes <= 1; prefixes++) {
        whole.prefix_delegation = targets.prefix_delegation = prefixes == 1;
        add_plan(advice, whole, false);
        add_plan(advice, targets, false);
        if (prefixes && !query->settings.custom_networking) {
            add_plan(advice, whole, true);
            add_plan(advice, targets, true);
        }
    }
    for (uint32_t i = 0; i < advice->plan_count; i++) {
        struct kerf_subnet_plan *plan = &advice->plans[i];
        make_plan(advice, plan);
        kerf_subnet_progress(advice, i + 1, advice->plan_count);
        if (!plan->found)
            continue;
        const struct kerf_subnet_plan *best = advice->smallest == KERF_NOT_FOUND ? NULL : &advice->plans[advice->smallest];
        if (!best || plan->addresses < best->addresses ||
            (plan->addresses == best->addresses && plan->calls.per_hour < best->calls.per_hour))
            advice->smallest = i;
    }
}
