/**
 * Capacity pools: each alternates between available and constrained; what ends an available stay is a shock (spot-model.md 2 and 3).
 * Ordinary pools get their hazard from the Spot Advisor's band of their type; nothing measured says more.
 */
#include "cloud/pools.h"

#include <math.h>
#include <stdlib.h>

/* Two-phase stays (spot-model.md 3a, pooled row, and 3b): with probability q short, else long; hours. Constrained stays of ordinary pools
 * are taken as half of those of the tight pools that were measured. */
static const double available_short_share = 0.5;
static const double available_short_hours = 1.0;
static const double constrained_short_share = 0.82;
static const double constrained_short_hours = 0.42 * 0.5;
static const double constrained_long_hours = 5.3 * 0.5;
/* Between zones the band hides a spread of hazards: deviation of its logarithm (an assumption). */
static const double zone_sigma = 0.5;
/* Geometric mean hazard of the tight pools, per hour: the upper end of the top band for scarce types. */
static const double tight_hazard_per_hour = 0.33;
/* Types that the Advisor doesn't know are taken to be in the middle. */
enum { UNKNOWN_BAND = 2, TOP_BAND = 4 };
static const double month_hours = 730.0;

static bool is_scarce(const struct kerf_instance_facts *facts)
{
    int64_t sixteen_xlarge_vcpus = 64;
    return facts->gpu_count > 0 || facts->bare_metal || facts->vcpus >= sixteen_xlarge_vcpus;
}

static double hazard_of(const struct kerf_cloud *cloud, const struct kerf_instance_facts *facts, struct kerf_stream *stream)
{
    const struct kerf_spot_settings *spot = &cloud->design->spot;
    double hours = spot->optimistic ? month_hours : (double)spot->launch_life_us / (double)KERF_HOUR_US;
    int band = facts->advisor_interruption_band < 0 ? UNKNOWN_BAND : facts->advisor_interruption_band;
    double place = kerf_draw_uniform(stream); /* within the band; drawn for every pool, so that zones keep step */
    double zone_factor = kerf_draw_lognormal(stream, 0.0, zone_sigma);
    double edge = -kerf_exact_log(1.0 - 0.05 * band) / hours;
    double hazard;
    if (band == TOP_BAND) {
        double top = is_scarce(facts) ? fmax(tight_hazard_per_hour, edge) : 10.0 * edge;
        hazard = edge * kerf_exact_exp(place * kerf_exact_log(top / edge));
    } else {
        hazard = -kerf_exact_log(1.0 - 0.05 * (band + place)) / hours;
    }
    return hazard * zone_factor * spot->hazard_factor;
}

uint64_t kerf_pool_owner(const struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index)
{
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(cloud->design->catalog, &zone_count);
    const struct kerf_instance_facts *facts = kerf_catalog_facts(cloud->design->catalog, type_index);
    return kerf_hash_mix(kerf_hash_text(facts->name->text), kerf_hash_text(zones[zone_index].name->text));
}

int kerf_pool_depth_tier(const struct kerf_cloud *cloud, uint32_t type_index)
{
    int band = kerf_catalog_facts(cloud->design->catalog, type_index)->advisor_interruption_band;
    return band < 0 ? 1 : band <= 1 ? 0 : band < TOP_BAND ? 1 : 2;
}

struct kerf_pool *kerf_pool_open(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index)
{
    struct kerf_pool *pool = &cloud->pools[type_index * KERF_ZONE_MAX + zone_index];
    if (pool->opened)
        return pool;
    pool->opened = true;
    pool->stream = kerf_stream_open(cloud->seed, cloud->replication, KERF_PURPOSE_POOL_SHOCK, kerf_pool_owner(cloud, type_index, zone_index));
    pool->hazard_per_hour = hazard_of(cloud, kerf_catalog_facts(cloud->design->catalog, type_index), &pool->stream);
    return pool;
}

static double draw_stay_hours(struct kerf_stream *stream, double short_share, double short_hours, double long_hours)
{
    bool is_short = kerf_draw_chance(stream, short_share);
    return kerf_draw_exponential(stream, is_short ? short_hours : long_hours);
}

void kerf_pool_extend(struct kerf_cloud *cloud, struct kerf_pool *pool, kerf_time_us beyond_us)
{
    const struct kerf_spot_settings *spot = &cloud->design->spot;
    if (!spot->reclaims || pool->hazard_per_hour <= 0)
        return;
    double mean_fraction = spot->hit_alpha / (spot->hit_alpha + spot->hit_beta);
    double mean_available_hours = mean_fraction / pool->hazard_per_hour;
    double short_hours = fmin(available_short_hours, mean_available_hours);
    double long_hours = (mean_available_hours - available_short_share * short_hours) / (1.0 - available_short_share);
    kerf_time_us from_us = pool->shocks.count > 0 ? pool->shocks.items[pool->shocks.count - 1].recovers_us : 0;
    while (pool->shocks.count == 0 || pool->shocks.items[pool->shocks.count - 1].at_us <= beyond_us) {
        struct kerf_pool_shock shock;
        shock.at_us = from_us + kerf_time_of_seconds(3600.0 * draw_stay_hours(&pool->stream, available_short_share, short_hours, long_hours));
        double hours = draw_stay_hours(&pool->stream, constrained_short_share, constrained_short_hours, constrained_long_hours);
        shock.recovers_us = shock.at_us + kerf_time_of_seconds(3600.0 * hours);
        double a = kerf_draw_gamma(&pool->stream, spot->hit_alpha, 1.0);
        double b = kerf_draw_gamma(&pool->stream, spot->hit_beta, 1.0);
        shock.fraction = a + b > 0 ? a / (a + b) : mean_fraction; /* Beta(alpha, beta) */
        shock.regional = kerf_draw_chance(&pool->stream, spot->regional_share);
        KERF_VEC_PUSH(&pool->shocks, shock);
        from_us = shock.recovers_us;
    }
}
