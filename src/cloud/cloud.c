/**
 * EC2's answers: which offering a launch gets, who is reclaimed when a pool is struck, how long a node takes to come and to go.
 */
#include "cloud/pools.h"

#include <stdlib.h>

static const kerf_time_us hit_offset_mean_us = KERF_MINUTE_US; /* spot-model.md 2: 95 % of a shock's notices within three minutes */

struct kerf_cloud *kerf_cloud_new(const struct kerf_design *design, uint64_t seed, uint32_t replication)
{
    struct kerf_cloud *cloud = kerf_allocate(sizeof *cloud);
    cloud->design = design;
    cloud->seed = seed;
    cloud->replication = replication;
    cloud->pool_count = kerf_catalog_type_count(design->catalog) * KERF_ZONE_MAX;
    cloud->pools = kerf_allocate(kerf_array_bytes(cloud->pool_count, sizeof *cloud->pools));
    cloud->granted = kerf_allocate(kerf_array_bytes(design->cloud.gap_count, sizeof *cloud->granted));
    return cloud;
}

void kerf_cloud_free(struct kerf_cloud *cloud)
{
    if (!cloud)
        return;
    for (size_t i = 0; i < cloud->pool_count; i++)
        KERF_VEC_FREE(&cloud->pools[i].shocks);
    free(cloud->pools);
    free(cloud->granted);
    KERF_VEC_FREE(&cloud->refused);
    KERF_VEC_FREE(&cloud->errors);
    free(cloud);
}

/* ---- capacity ---------------------------------------------------------------------------------------------------------------------- */

static bool is_in_gap(const struct kerf_capacity_gap *gap, kerf_time_us now_us, size_t offering)
{
    return now_us >= gap->from_us && now_us < gap->until_us && kerf_bit_get(gap->offerings, offering);
}

/** What the scenario prescribes: gaps, and the time after its own shocks. */
static enum kerf_launch_error error_of_scenario(const struct kerf_cloud *cloud, kerf_time_us now_us, size_t offering)
{
    for (uint32_t i = 0; i < cloud->design->cloud.gap_count; i++) {
        const struct kerf_capacity_gap *gap = &cloud->design->cloud.gaps[i];
        if (is_in_gap(gap, now_us, offering) && cloud->granted[i] >= gap->instances)
            return gap->error;
    }
    for (uint32_t i = 0; i < cloud->design->spot.shock_count; i++) {
        const struct kerf_spot_shock *shock = &cloud->design->spot.shocks[i];
        if (now_us >= shock->at_us && now_us < shock->at_us + shock->unavailable_us && kerf_bit_get(shock->offerings, offering))
            return KERF_LAUNCH_INSUFFICIENT_CAPACITY;
    }
    return KERF_LAUNCH_OK;
}

static bool market_has_capacity(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type, uint32_t type_index,
                                uint32_t zone_index)
{
    if (capacity_type == KERF_RESERVED)
        return true;
    if (capacity_type == KERF_ON_DEMAND) {
        /* Whether a pool is empty is drawn anew every hour. */
        uint64_t owner = kerf_hash_mix(kerf_pool_owner(cloud, type_index, zone_index), (uint64_t)(now_us / KERF_HOUR_US));
        struct kerf_stream stream = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_FAULT, owner);
        return !kerf_draw_chance(&stream, cloud->design->cloud.on_demand_refusal);
    }
    struct kerf_pool *pool = kerf_pool_open(cloud, type_index, zone_index);
    kerf_pool_extend(cloud, pool, now_us);
    for (size_t i = pool->shocks.count; i-- > 0;)
        if (pool->shocks.items[i].at_us <= now_us)
            return now_us >= pool->shocks.items[i].recovers_us;
    return true;
}

static enum kerf_launch_error error_of(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type,
                                       uint32_t type_index, uint32_t zone_index)
{
    size_t offering = kerf_catalog_offering_index(cloud->design->catalog, type_index, zone_index, capacity_type);
    enum kerf_launch_error error = error_of_scenario(cloud, now_us, offering);
    if (error == KERF_LAUNCH_OK && !market_has_capacity(cloud, now_us, capacity_type, type_index, zone_index))
        error = KERF_LAUNCH_INSUFFICIENT_CAPACITY;
    return error;
}

bool kerf_cloud_has_capacity(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type, uint32_t type_index,
                             uint32_t zone_index)
{
    return error_of(cloud, now_us, capacity_type, type_index, zone_index) == KERF_LAUNCH_OK;
}

/** An instance of the offering was granted. */
static void count_grant(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type,
                        const struct kerf_cloud_choice *choice)
{
    size_t offering = kerf_catalog_offering_index(cloud->design->catalog, choice->type_index, choice->zone_index, capacity_type);
    for (uint32_t i = 0; i < cloud->design->cloud.gap_count; i++)
        cloud->granted[i] += is_in_gap(&cloud->design->cloud.gaps[i], now_us, offering);
}

/* ---- launch -------------------------------------------------------------------------------------------------------------------------- */

/** Is `a` to be tried before `b`? Spot: deeper pools, then cheaper; On-Demand: cheaper. Equal ones: as drawn. */
static bool goes_before(const struct kerf_cloud *cloud, enum kerf_capacity_type capacity_type, const struct kerf_cloud_choice *a,
                        const struct kerf_cloud_choice *b, uint64_t owner_hash)
{
    if (capacity_type == KERF_SPOT) {
        int tiers = kerf_pool_depth_tier(cloud, a->type_index) - kerf_pool_depth_tier(cloud, b->type_index);
        if (tiers != 0)
            return tiers < 0;
    }
    if (a->price_usd_per_hour < b->price_usd_per_hour || a->price_usd_per_hour > b->price_usd_per_hour)
        return a->price_usd_per_hour < b->price_usd_per_hour;
    uint64_t key_a = kerf_hash_mix(owner_hash, kerf_pool_owner(cloud, a->type_index, a->zone_index));
    uint64_t key_b = kerf_hash_mix(owner_hash, kerf_pool_owner(cloud, b->type_index, b->zone_index));
    return key_a < key_b;
}

void kerf_cloud_launch(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type,
                       const struct kerf_cloud_choice *choices, size_t choice_count, uint64_t owner_hash,
                       kerf_subnet_has_address subnet_has_address, void *context, struct kerf_launch_outcome *out_outcome)
{
    cloud->refused.count = 0;
    cloud->errors.count = 0;
    uint64_t draw = kerf_hash_mix(kerf_hash_mix(cloud->seed, cloud->replication), kerf_hash_mix(owner_hash, KERF_PURPOSE_POOL_CHOICE));
    uint64_t *tried = kerf_allocate(kerf_bitset_words(choice_count) * sizeof *tried);
    *out_outcome = (struct kerf_launch_outcome){ 0 };
    for (size_t n = 0; n < choice_count && !out_outcome->launched; n++) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < choice_count; i++)
            if (!kerf_bit_get(tried, i) && (best == SIZE_MAX || goes_before(cloud, capacity_type, &choices[i], &choices[best], draw)))
                best = i;
        kerf_bit_set(tried, best);
        const struct kerf_cloud_choice *choice = &choices[best];
        enum kerf_launch_error error = error_of(cloud, now_us, capacity_type, choice->type_index, choice->zone_index);
        if (error == KERF_LAUNCH_OK && !subnet_has_address(context, choice->subnet_index))
            error = KERF_LAUNCH_INSUFFICIENT_ADDRESSES;
        if (error == KERF_LAUNCH_OK) {
            count_grant(cloud, now_us, capacity_type, choice);
            out_outcome->launched = true;
            out_outcome->choice = *choice;
        } else {
            KERF_VEC_PUSH(&cloud->refused, *choice);
            KERF_VEC_PUSH(&cloud->errors, error);
        }
    }
    free(tried);
    out_outcome->refused = cloud->refused.items;
    out_outcome->refused_count = cloud->refused.count;
    out_outcome->errors = cloud->errors.items;
}

/* ---- reclaims ------------------------------------------------------------------------------------------------------------------------ */

/** Does the shock of another zone's pool strike this zone too? Drawn once per shock and zone. */
static bool spreads_to(const struct kerf_cloud *cloud, uint32_t type_index, uint32_t from_zone, const struct kerf_pool_shock *shock,
                       uint32_t to_zone)
{
    if (!shock->regional)
        return false;
    uint64_t owner = kerf_hash_mix(kerf_hash_mix(kerf_pool_owner(cloud, type_index, from_zone), (uint64_t)shock->at_us),
                                   kerf_pool_owner(cloud, type_index, to_zone));
    struct kerf_stream stream = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_POOL_AFTERMATH, owner);
    return kerf_draw_chance(&stream, cloud->design->spot.regional_hit);
}

static uint32_t zone_count_of(const struct kerf_cloud *cloud)
{
    size_t count;
    kerf_catalog_zones(cloud->design->catalog, &count);
    return (uint32_t)count;
}

/** First shock of any zone's pool, after a moment, that strikes this zone. */
static kerf_time_us next_market_shock(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index, kerf_time_us after_us)
{
    kerf_time_us horizon_us = cloud->design->horizon_us;
    kerf_time_us best = KERF_TIME_NEVER;
    for (uint32_t zone = 0; zone < zone_count_of(cloud); zone++) {
        struct kerf_pool *pool = kerf_pool_open(cloud, type_index, zone);
        kerf_pool_extend(cloud, pool, after_us);
        for (size_t i = 0; i < pool->shocks.count; i++) {
            struct kerf_pool_shock shock = pool->shocks.items[i];
            if (shock.at_us > horizon_us || shock.at_us >= best)
                break;
            if (shock.at_us > after_us && (zone == zone_index || spreads_to(cloud, type_index, zone, &shock, zone_index))) {
                best = shock.at_us;
                break;
            }
            if (i + 1 == pool->shocks.count)
                kerf_pool_extend(cloud, pool, shock.at_us);
        }
    }
    return best;
}

kerf_time_us kerf_cloud_next_shock(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index, kerf_time_us after_us)
{
    kerf_time_us best = cloud->design->spot.reclaims ? next_market_shock(cloud, type_index, zone_index, after_us) : KERF_TIME_NEVER;
    size_t offering = kerf_catalog_offering_index(cloud->design->catalog, type_index, zone_index, KERF_SPOT);
    for (uint32_t i = 0; i < cloud->design->spot.shock_count; i++) {
        const struct kerf_spot_shock *shock = &cloud->design->spot.shocks[i];
        if (shock->at_us > after_us && shock->at_us < best && kerf_bit_get(shock->offerings, offering))
            best = shock->at_us;
    }
    return best;
}

/** The share of nodes that what happens at this moment takes: of several shocks the worst. */
static double fraction_at(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index, kerf_time_us at_us)
{
    double fraction = 0;
    for (uint32_t zone = 0; zone < zone_count_of(cloud); zone++) {
        const struct kerf_pool *pool = kerf_pool_open(cloud, type_index, zone);
        for (size_t i = 0; i < pool->shocks.count; i++) {
            const struct kerf_pool_shock *shock = &pool->shocks.items[i];
            if (shock->at_us == at_us && shock->fraction > fraction &&
                (zone == zone_index || spreads_to(cloud, type_index, zone, shock, zone_index)))
                fraction = shock->fraction;
        }
    }
    size_t offering = kerf_catalog_offering_index(cloud->design->catalog, type_index, zone_index, KERF_SPOT);
    for (uint32_t i = 0; i < cloud->design->spot.shock_count; i++) {
        const struct kerf_spot_shock *shock = &cloud->design->spot.shocks[i];
        if (shock->at_us == at_us && shock->fraction > fraction && kerf_bit_get(shock->offerings, offering))
            fraction = shock->fraction;
    }
    return fraction;
}

struct kerf_reclaim kerf_cloud_reclaim(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index, kerf_time_us at_us,
                                       uint64_t owner_hash)
{
    uint64_t owner = kerf_hash_mix(kerf_hash_mix(kerf_pool_owner(cloud, type_index, zone_index), (uint64_t)at_us), owner_hash);
    struct kerf_stream stream = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_POOL_AFTERMATH, owner);
    struct kerf_reclaim reclaim = { .hit = kerf_draw_chance(&stream, fraction_at(cloud, type_index, zone_index, at_us)) };
    reclaim.noticed = !kerf_draw_chance(&stream, cloud->design->spot.missed_notice);
    reclaim.notice_us = at_us + kerf_draw_exponential_us(&stream, hit_offset_mean_us);
    reclaim.recommended_us = KERF_TIME_NEVER;
    if (cloud->design->spot.rebalance_share > 0 && kerf_draw_chance(&stream, cloud->design->spot.rebalance_share)) {
        reclaim.recommended_us = reclaim.notice_us;
        reclaim.notice_us += kerf_draw_exponential_us(&stream, cloud->design->spot.rebalance_lead_us);
    }
    reclaim.end_us = reclaim.notice_us + cloud->design->spot.notice_us;
    return reclaim;
}

/* ---- boot ------------------------------------------------------------------------------------------------------------------------------ */

struct kerf_boot_times kerf_cloud_draw_boot(const struct kerf_cloud *cloud, uint64_t owner_hash, bool slow)
{
    const struct kerf_timings *timings = &cloud->design->timings;
    struct kerf_stream launch = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_LAUNCH, owner_hash);
    struct kerf_stream boot = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_BOOT, owner_hash);
    struct kerf_stream end = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_TERMINATION, owner_hash);
    double z[2];
    kerf_draw_normal_pair(&boot, timings->boot_correlation, z);
    double factor = slow ? timings->old_storage_factor : 1.0;
    return (struct kerf_boot_times){
        .launch_us = kerf_draw_lognormal_us(&launch, timings->launch.mu, timings->launch.sigma),
        .registration_us = kerf_time_of_seconds(factor * kerf_lognormal_at(timings->registration.mu, timings->registration.sigma, z[0])),
        .initialization_us = kerf_time_of_seconds(factor * kerf_lognormal_at(timings->initialization.mu, timings->initialization.sigma, z[1])),
        .shutdown_us = kerf_draw_lognormal_us(&end, timings->shutdown.mu, timings->shutdown.sigma),
    };
}
