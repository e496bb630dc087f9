/* What is seen of a fleet: how long so many addresses were taken, what is stranded, the first shortage of each cause, calls by the hour. */
#include "advise/subnet_fleet_internal.h"

#include <stdlib.h>

static void histogram_set(struct histogram *histogram, kerf_time_us now_us, int64_t value)
{
    if (value == histogram->value)
        return;
    KERF_ASSERT(value <= histogram->size);
    histogram->held_us[histogram->value] += now_us - histogram->since_us;
    histogram->since_us = now_us;
    histogram->value = value;
}

static int64_t histogram_at(const struct histogram *histogram, kerf_time_us now_us, double share)
{
    kerf_time_us total_us = now_us - histogram->since_us;
    for (int64_t i = 0; i <= histogram->size; i++)
        total_us += histogram->held_us[i];
    double wanted = share * (double)total_us, reached = 0;
    int64_t last = histogram->value;
    for (int64_t i = 0; i <= histogram->size; i++) {
        kerf_time_us held_us = histogram->held_us[i] + (i == histogram->value ? now_us - histogram->since_us : 0);
        if (held_us == 0 && i != histogram->value)
            continue;
        last = i;
        reached += (double)held_us;
        if (reached >= wanted)
            break;
    }
    return last;
}

void kerf_fleet_histogram_init(struct histogram *histogram, int64_t size, int64_t value)
{
    histogram->size = size;
    histogram->value = value;
    histogram->held_us = kerf_allocate(kerf_array_bytes((size_t)size + 1, sizeof *histogram->held_us));
}

int64_t kerf_fleet_taken_of(const struct kerf_fleet *fleet, uint32_t subnet)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(fleet->subnets[subnet]);
    return (int64_t)counts.size - counts.free;
}

static int64_t cni_calls(const struct kerf_fleet *fleet)
{
    return fleet->network.assign_calls + fleet->network.create_calls + fleet->network.unassign_calls + fleet->network.delete_calls;
}

void kerf_fleet_close_hour(struct kerf_fleet *fleet)
{
    if (fleet->now_us < fleet->hour_us + KERF_HOUR_US)
        return;
    int64_t calls = cni_calls(fleet);
    if (fleet->measuring)
        fleet->peak_hour = kerf_max_i64(fleet->peak_hour, calls - fleet->calls_before_hour);
    fleet->calls_before_hour = calls;
    fleet->hour_us += (fleet->now_us - fleet->hour_us) / KERF_HOUR_US * KERF_HOUR_US;
}

void kerf_fleet_account(struct kerf_fleet *fleet, struct fleet_node *node)
{
    struct fleet_zone *zone = &fleet->zones[node->zone];
    int32_t enis = node->launched ? node->pool.eni_count : 0;
    int32_t assigned = node->launched ? kerf_vpc_pool_stats(&node->pool).assigned : 0;
    zone->enis += enis - node->enis;
    zone->assigned += assigned - node->assigned;
    zone->enis_peak = kerf_max_i64(zone->enis_peak, zone->enis);
    node->enis = enis;
    node->assigned = assigned;
    int64_t zone_taken = 0;
    for (uint32_t i = 0; i < fleet->options.subnet_count; i++) {
        if (fleet->options.subnets[i].zone != node->zone)
            continue;
        int64_t taken = kerf_fleet_taken_of(fleet, i);
        histogram_set(&fleet->subnet_taken[i], fleet->now_us, taken);
        zone_taken += taken;
    }
    histogram_set(&zone->taken, fleet->now_us, zone_taken);
    kerf_time_weighted_set(&zone->seen.taken, fleet->now_us, zone_taken - zone->others);
    kerf_time_weighted_set(&zone->seen.stranded, fleet->now_us, zone_taken - zone->others - zone->enis - zone->assigned);
}

void kerf_fleet_account_pod(struct kerf_fleet *fleet, struct fleet_node *node, int32_t change)
{
    struct fleet_zone *zone = &fleet->zones[node->zone];
    if (fleet->options.settings.ipv6)
        return; /* pods draw from a /80, not from the subnet's IPv4 addresses */
    zone->assigned += change;
    node->assigned += change;
    kerf_time_weighted_set(&zone->seen.stranded, fleet->now_us, zone->seen.stranded.value - change);
}

void kerf_fleet_note_shortage(struct kerf_fleet *fleet, uint32_t zone_index, enum kerf_shortage cause)
{
    struct kerf_fleet_zone *zone = &fleet->zones[zone_index].seen;
    if (kerf_fleet_first_shortage(fleet, zone_index) == KERF_TIME_NEVER)
        zone->nodes_at_shortage = zone->nodes - (cause == KERF_SHORTAGE_LAUNCH ? 0 : 1);
    if (zone->first_us[cause] == KERF_TIME_NEVER)
        zone->first_us[cause] = fleet->now_us;
    zone->counts[cause]++;
}

static struct kerf_fleet_calls calls_now(const struct kerf_fleet *fleet)
{
    return (struct kerf_fleet_calls){
        .launch = fleet->launches,
        .assign = fleet->network.assign_calls,
        .create = fleet->network.create_calls,
        .unassign = fleet->network.unassign_calls,
        .remove = fleet->network.delete_calls,
        .failed = fleet->network.failed_calls,
    };
}

void kerf_fleet_start_measuring(struct kerf_fleet *fleet)
{
    kerf_time_us now_us = fleet->options.warm_up_us;
    fleet->measuring = true;
    fleet->at_warm_up = calls_now(fleet);
    fleet->calls_before_hour = cni_calls(fleet);
    fleet->hour_us = now_us;
    for (uint32_t i = 0; i < fleet->options.zone_count; i++) {
        struct fleet_zone *zone = &fleet->zones[i];
        kerf_time_weighted_start(&zone->seen.taken, now_us, zone->seen.taken.value);
        kerf_time_weighted_start(&zone->seen.stranded, now_us, zone->seen.stranded.value);
        memset(zone->taken.held_us, 0, ((size_t)zone->taken.size + 1) * sizeof *zone->taken.held_us);
        zone->taken.since_us = now_us;
        zone->enis_peak = zone->enis;
    }
    for (uint32_t i = 0; i < fleet->options.subnet_count; i++) {
        memset(fleet->subnet_taken[i].held_us, 0, ((size_t)fleet->subnet_taken[i].size + 1) * sizeof *fleet->subnet_taken[i].held_us);
        fleet->subnet_taken[i].since_us = now_us;
    }
}


const struct kerf_fleet_zone *kerf_fleet_zone_at(const struct kerf_fleet *fleet, uint32_t zone)
{
    KERF_ASSERT(zone < fleet->options.zone_count);
    return &fleet->zones[zone].seen;
}

kerf_time_us kerf_fleet_first_shortage(const struct kerf_fleet *fleet, uint32_t zone)
{
    kerf_time_us first_us = KERF_TIME_NEVER;
    for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++)
        first_us = kerf_min_i64(first_us, fleet->zones[zone].seen.first_us[cause]);
    return first_us;
}

int64_t kerf_fleet_taken_at(const struct kerf_fleet *fleet, uint32_t zone, double share)
{
    return histogram_at(&fleet->zones[zone].taken, fleet->now_us, share);
}

int64_t kerf_fleet_subnet_taken_at(const struct kerf_fleet *fleet, uint32_t subnet, double share)
{
    return histogram_at(&fleet->subnet_taken[subnet], fleet->now_us, share);
}

const struct kerf_vpc_subnet *kerf_fleet_subnet_state(const struct kerf_fleet *fleet, uint32_t subnet) { return fleet->subnets[subnet]; }

int64_t kerf_fleet_own_peak(const struct kerf_fleet *fleet, uint32_t zone) { return fleet->zones[zone].enis_peak; }

struct kerf_fleet_calls kerf_fleet_calls(const struct kerf_fleet *fleet)
{
    struct kerf_fleet_calls calls = calls_now(fleet);
    calls.launch -= fleet->at_warm_up.launch;
    calls.assign -= fleet->at_warm_up.assign;
    calls.create -= fleet->at_warm_up.create;
    calls.unassign -= fleet->at_warm_up.unassign;
    calls.remove -= fleet->at_warm_up.remove;
    calls.failed -= fleet->at_warm_up.failed;
    calls.peak_hour = kerf_max_i64(fleet->peak_hour, cni_calls(fleet) - fleet->calls_before_hour);
    return calls;
}

struct recount {
    struct kerf_vpc_subnet **unheld; /* copies from which every holder's addresses are given back */
    int64_t held;
};

static void give_back(void *context, uint32_t subnet, uint32_t first_address, uint32_t address_count)
{
    struct recount *recount = context;
    for (uint32_t i = 0; i < address_count; i++)
        kerf_vpc_subnet_release(recount->unheld[subnet], first_address + i); /* asserts that it was taken, once */
    recount->held += address_count;
}

void kerf_fleet_check(const struct kerf_fleet *fleet)
{
    uint32_t count = fleet->options.subnet_count;
    struct recount recount = {.unheld = kerf_allocate(kerf_array_bytes(count, sizeof *recount.unheld))};
    int64_t taken = 0, others = 0, enis = 0, assigned = 0;
    for (uint32_t i = 0; i < count; i++) {
        kerf_vpc_subnet_check(fleet->subnets[i]);
        taken += kerf_fleet_taken_of(fleet, i);
        recount.unheld[i] = kerf_vpc_subnet_copy(fleet->subnets[i]);
    }
    for (size_t i = 0; i < fleet->nodes.count; i++) {
        const struct fleet_node *node = fleet->nodes.items[i];
        if (!node || !node->launched)
            continue;
        kerf_vpc_pool_check(&node->pool);
        kerf_vpc_pool_visit_ranges(&node->pool, give_back, &recount);
        enis += node->pool.eni_count;
        assigned += kerf_vpc_pool_stats(&node->pool).assigned;
    }
    for (uint32_t i = 0; i < fleet->options.zone_count; i++) {
        others += fleet->zones[i].others;
        enis -= fleet->zones[i].enis;
        assigned -= fleet->zones[i].assigned;
    }
    KERF_ASSERT(taken == recount.held + others);
    KERF_ASSERT(enis == 0);
    KERF_ASSERT(assigned == 0);
    for (uint32_t i = 0; i < count; i++)
        kerf_vpc_subnet_free(recount.unheld[i]);
    free(recount.unheld);
}
