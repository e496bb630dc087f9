/** Prices of a planned node: the cheapest and the worst that a launch may cost (karpenter-disruption.md 7.4, 8.3). */
#include "disruption/disruption_internal.h"

#include <float.h>

struct kerf_offering_mask kerf_offerings_allowed(const struct kerf_disruption_pass *pass, const struct kerf_requirements *requirements,
                                                 const struct kerf_instance_type *const *types, size_t type_count)
{
    /* What an offering requires follows from its zone and capacity type alone, but for reserved ones. */
    struct kerf_offering_mask known = { 0 }, allowed = { .requirements = requirements };
    for (size_t i = 0; i < type_count; i++) {
        for (uint32_t j = 0; j < types[i]->offering_count; j++) {
            const struct kerf_offering *offering = &types[i]->offerings[j];
            uint64_t bit = (uint64_t)1 << offering->zone_index;
            if (offering->capacity_type == KERF_RESERVED || (known.zones[offering->capacity_type] & bit))
                continue;
            known.zones[offering->capacity_type] |= bit;
            if (kerf_requirements_compatible(pass->vocabulary, requirements, &offering->requirements, KERF_UNDEFINED_WELL_KNOWN, NULL))
                allowed.zones[offering->capacity_type] |= bit;
        }
    }
    return allowed;
}

static bool may_launch(const struct kerf_disruption_pass *pass, const struct kerf_offering *offering, const struct kerf_offering_mask *allowed)
{
    if (!kerf_cluster_offering_is_available(pass->cluster, offering))
        return false;
    if (offering->capacity_type == KERF_RESERVED)
        return kerf_requirements_compatible(pass->vocabulary, allowed->requirements, &offering->requirements, KERF_UNDEFINED_WELL_KNOWN,
                                            NULL);
    return allowed->zones[offering->capacity_type] >> offering->zone_index & 1;
}

double kerf_worst_launch_price(const struct kerf_disruption_pass *pass, const struct kerf_instance_type *type,
                               const struct kerf_offering_mask *allowed)
{
    static const enum kerf_capacity_type order[] = { KERF_RESERVED, KERF_SPOT, KERF_ON_DEMAND };
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        double worst = -1;
        for (uint32_t i = 0; i < type->offering_count; i++) {
            const struct kerf_offering *offering = &type->offerings[i];
            if (offering->capacity_type == order[k] && may_launch(pass, offering, allowed) && offering->price_usd_per_hour > worst)
                worst = offering->price_usd_per_hour;
        }
        if (worst >= 0)
            return worst;
    }
    return DBL_MAX;
}

double kerf_cheapest_launch_price(const struct kerf_disruption_pass *pass, const struct kerf_instance_type *type,
                                  const struct kerf_offering_mask *allowed)
{
    double cheapest = DBL_MAX;
    for (uint32_t i = 0; i < type->offering_count; i++)
        if (may_launch(pass, &type->offerings[i], allowed) && type->offerings[i].price_usd_per_hour < cheapest)
            cheapest = type->offerings[i].price_usd_per_hour;
    return cheapest;
}
