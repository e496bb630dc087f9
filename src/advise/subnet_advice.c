/* The subnets as they are asked about, over all replications. */
#include "advise/subnet_advice.h"

#include <stdlib.h>

static const double confidence = 0.95;

char kerf_subnet_map_character(struct kerf_vpc_subnet_block block)
{
    switch (block.state) {
    case KERF_BLOCK_FREE:
        return block.reserved ? 'r' : '.';
    case KERF_BLOCK_FULL:
        return '#';
    case KERF_BLOCK_PARTIAL:
        break;
    }
    return 'o';
}

const char *kerf_shortage_text(enum kerf_shortage cause)
{
    switch (cause) {
    case KERF_SHORTAGE_LAUNCH:
        return "InsufficientFreeAddressesInSubnet at a launch";
    case KERF_SHORTAGE_ADDRESS:
        return "InsufficientFreeAddressesInSubnet at an interface or address for pods";
    case KERF_SHORTAGE_BLOCK:
    case KERF_SHORTAGE_COUNT:
        break;
    }
    return "InsufficientCidrBlocks: no free /28";
}

uint32_t kerf_subnet_replications_for(double holds)
{
    uint32_t count = 1;
    while (kerf_interval_of_share(count, count, confidence).low < holds)
        count++;
    return count;
}

void kerf_subnet_progress(const struct kerf_subnet_advice *advice, uint32_t done, uint32_t total)
{
    if (advice->query->progress)
        advice->query->progress(advice->query->progress_context, done, total);
}

struct totals {
    kerf_time_us *first_us; /* replication x zone x cause */
    uint32_t held, zone_held[64];
    double hours;
};

static void note_subnets(struct kerf_subnet_advice *advice, const struct kerf_fleet *fleet, bool first)
{
    double share = 1.0 / advice->query->replications;
    for (uint32_t i = 0; i < advice->query->subnet_count; i++) {
        struct kerf_subnet_seen *seen = &advice->subnets[i];
        const struct kerf_vpc_subnet *state = kerf_fleet_subnet_state(fleet, i);
        seen->taken_p50 += share * (double)kerf_fleet_subnet_taken_at(fleet, i, 0.5);
        seen->taken_p95 += share * (double)kerf_fleet_subnet_taken_at(fleet, i, 0.95);
        seen->taken_peak = kerf_max_i64(seen->taken_peak, kerf_fleet_subnet_taken_at(fleet, i, 1));
        if (!first)
            continue;
        struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(state);
        seen->usable = counts.size;
        seen->free = counts.free;
        seen->free_prefixes = counts.free_prefixes;
        seen->fragmentation = kerf_vpc_subnet_fragmentation(state);
        uint32_t blocks = kerf_vpc_subnet_block_count(state);
        seen->map = kerf_arena_alloc(&advice->arena, blocks + 1);
        for (uint32_t block = 0; block < blocks; block++)
            seen->map[block] = kerf_subnet_map_character(kerf_vpc_subnet_block(state, block));
    }
}

static void note_zones(struct kerf_subnet_advice *advice, const struct kerf_fleet *fleet, uint32_t replication, struct totals *totals)
{
    double share = 1.0 / advice->query->replications;
    bool held = true;
    for (uint32_t i = 0; i < advice->query->zone_count; i++) {
        struct kerf_zone_seen *seen = &advice->zones[i];
        const struct kerf_fleet_zone *zone = kerf_fleet_zone_at(fleet, i);
        bool zone_held = kerf_fleet_first_shortage(fleet, i) == KERF_TIME_NEVER;
        totals->zone_held[i] += zone_held;
        held &= zone_held;
        if (!zone_held && (seen->nodes_at_shortage < 0 || zone->nodes_at_shortage < seen->nodes_at_shortage))
            seen->nodes_at_shortage = zone->nodes_at_shortage;
        for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++) {
            totals->first_us[(replication * advice->query->zone_count + i) * KERF_SHORTAGE_COUNT + (uint32_t)cause] = zone->first_us[cause];
            seen->by_cause[cause].runs += zone->first_us[cause] != KERF_TIME_NEVER;
            seen->by_cause[cause].per_run += share * (double)zone->counts[cause];
        }
        seen->pods_waited_long += share * (double)zone->pods_waited_long;
        seen->needed_p50 += share * (double)kerf_fleet_taken_at(fleet, i, 0.5);
        seen->needed_p95 += share * (double)kerf_fleet_taken_at(fleet, i, 0.95);
        seen->needed_peak = kerf_max_i64(seen->needed_peak, kerf_fleet_taken_at(fleet, i, 1));
        seen->stranded_mean += share * kerf_time_weighted_mean(&zone->stranded, kerf_subnet_query_horizon(advice->query, replication));
        seen->interfaces_peak = kerf_max_i64(seen->interfaces_peak, kerf_fleet_own_peak(fleet, i));
    }
    totals->held += held;
}

static int compare_times(const void *a, const void *b)
{
    kerf_time_us time_a = *(const kerf_time_us *)a, time_b = *(const kerf_time_us *)b;
    return (time_a > time_b) - (time_a < time_b);
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t number_a = *(const int64_t *)a, number_b = *(const int64_t *)b;
    return (number_a > number_b) - (number_a < number_b);
}

/** Equal times are alike, so the order of ties is of no consequence. */
static void fold_times(struct kerf_subnet_advice *advice, const struct totals *totals)
{
    uint32_t replications = advice->query->replications, zones = advice->query->zone_count;
    kerf_time_us *times = kerf_allocate(kerf_array_bytes(replications, sizeof *times));
    for (uint32_t zone = 0; zone < zones; zone++) {
        for (uint32_t cause = 0; cause < KERF_SHORTAGE_COUNT; cause++) {
            struct kerf_zone_shortage *shortage = &advice->zones[zone].by_cause[cause];
            for (uint32_t i = 0; i < replications; i++)
                times[i] = totals->first_us[(i * zones + zone) * KERF_SHORTAGE_COUNT + cause];
            qsort(times, replications, sizeof *times, compare_times);
            shortage->earliest_us = times[0];
            shortage->median_us = shortage->runs > 0 ? times[(shortage->runs - 1) / 2] : KERF_TIME_NEVER;
        }
        advice->zones[zone].holds = kerf_interval_of_share(totals->zone_held[zone], replications, confidence);
    }
    free(times);
    advice->holds = kerf_interval_of_share(totals->held, replications, confidence);
}

static void note_calls(struct kerf_subnet_calls_seen *seen, const struct kerf_fleet *fleet, double hours, uint32_t replications)
{
    struct kerf_fleet_calls calls = kerf_fleet_calls(fleet);
    double share = 1.0 / (hours * replications);
    seen->per_hour += share * (double)(calls.assign + calls.create + calls.unassign + calls.remove);
    seen->launches_per_hour += share * (double)calls.launch;
    seen->failed_per_hour += share * (double)calls.failed;
    seen->peak_hour = kerf_max_i64(seen->peak_hour, calls.peak_hour);
}

static void find_end(struct kerf_subnet_advice *advice)
{
    const struct kerf_subnet_query *query = advice->query;
    struct kerf_demand_shape shape;
    kerf_subnet_typical_node(query, &shape, &advice->end.pods);
    advice->end.limits = shape.limits;
    if (shape.limits.enis < 1)
        return;
    int64_t *fits = kerf_allocate(kerf_array_bytes(query->replications, sizeof *fits));
    advice->end.known = true;
    for (uint32_t i = 0; i < query->replications; i++) {
        uint32_t zone = 0;
        enum kerf_shortage cause = KERF_SHORTAGE_LAUNCH;
        fits[i] = kerf_subnet_nodes_that_fit(query, i, &shape, advice->end.pods, &zone, &cause);
        if (i == 0 || fits[i] < advice->end.nodes_least) {
            advice->end.nodes_least = fits[i];
            advice->end.zone = zone;
            advice->end.cause = cause;
        }
    }
    qsort(fits, query->replications, sizeof *fits, compare_numbers);
    advice->end.nodes_median = fits[(query->replications - 1) / 2];
    advice->end.never = advice->end.nodes_least == KERF_SUBNET_NODES_MAX;
    free(fits);
}

struct kerf_subnet_advice *kerf_advise_subnets(const struct kerf_subnet_query *query)
{
    KERF_ASSERT(query->zone_count >= 1);
    KERF_ASSERT(query->zone_count <= 64);
    KERF_ASSERT(query->replications >= 1);
    KERF_ASSERT(kerf_cni_settings_refusal(&query->settings) == NULL);
    struct kerf_subnet_advice *advice = kerf_allocate(sizeof *advice);
    kerf_arena_init(&advice->arena);
    advice->query = query;
    advice->horizon_us = kerf_subnet_query_horizon(query, 0);
    advice->warm_up_us = kerf_subnet_query_warm_up(query, 0);
    advice->subnets = KERF_NEW_ARRAY(&advice->arena, struct kerf_subnet_seen, query->subnet_count);
    advice->zones = KERF_NEW_ARRAY(&advice->arena, struct kerf_zone_seen, query->zone_count);
    advice->smallest = KERF_NOT_FOUND;
    for (uint32_t i = 0; i < query->subnet_count; i++)
        advice->subnets[i].spec = &query->subnets[i];
    for (uint32_t i = 0; i < query->zone_count; i++)
        advice->zones[i].nodes_at_shortage = -1;
    struct totals totals = {.hours = (double)(advice->horizon_us - advice->warm_up_us) / (double)KERF_HOUR_US};
    totals.first_us =
        kerf_allocate(kerf_array_bytes((size_t)query->replications * query->zone_count * KERF_SHORTAGE_COUNT, sizeof *totals.first_us));
    for (uint32_t i = 0; i < query->replications; i++) {
        struct kerf_fleet *fleet = kerf_subnet_run(query, i, &query->settings, query->subnets, query->subnet_count, false);
        note_subnets(advice, fleet, i == 0);
        note_zones(advice, fleet, i, &totals);
        note_calls(&advice->calls, fleet, totals.hours, query->replications);
        kerf_fleet_free(fleet);
        kerf_subnet_progress(advice, i + 1, query->replications);
    }
    fold_times(advice, &totals);
    free(totals.first_us);
    find_end(advice);
    if (!query->only_given)
        kerf_subnet_find_plans(advice);
    return advice;
}

void kerf_subnet_advice_free(struct kerf_subnet_advice *advice)
{
    if (!advice)
        return;
    kerf_arena_fini(&advice->arena);
    free(advice);
}

bool kerf_subnet_advice_holds(const struct kerf_subnet_advice *advice)
{
    for (uint32_t i = 0; i < advice->query->zone_count; i++)
        for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++)
            if (advice->zones[i].by_cause[cause].runs > 0)
                return false;
    return true;
}
