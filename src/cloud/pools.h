/** Shared by the files of `cloud`: the states of capacity pools over time. */
#ifndef KERF_CLOUD_POOLS_H
#define KERF_CLOUD_POOLS_H

#include "cloud/cloud.h"
#include "random/random.h"

/** A stay in A ends with a shock; then the pool is constrained until it recovers. */
struct kerf_pool_shock {
    kerf_time_us at_us;
    kerf_time_us recovers_us;
    double fraction;  /* of the pool's nodes that it takes */
    bool regional;
};

struct kerf_pool {
    bool opened;
    double hazard_per_hour; /* per node, from shocks of its own */
    struct kerf_stream stream;
    KERF_VEC(struct kerf_pool_shock) shocks; /* in order of time, as far as somebody asked */
};

struct kerf_cloud {
    const struct kerf_design *design;
    uint64_t seed;
    uint32_t replication;
    struct kerf_pool *pools; /* by type x KERF_ZONE_MAX + zone */
    size_t pool_count;
    int64_t *granted; /* instances, by gap of the scenario */
    KERF_VEC(struct kerf_cloud_choice) refused;
    KERF_VEC(enum kerf_launch_error) errors;
};

/** The pool, its process begun. */
struct kerf_pool *kerf_pool_open(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index);
/** Makes shocks until one lies beyond that moment. */
void kerf_pool_extend(struct kerf_cloud *cloud, struct kerf_pool *pool, kerf_time_us beyond_us);
/** A hash that names pool and shock, for draws of what the shock does. */
uint64_t kerf_pool_owner(const struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index);
/** Depth of the pool for EC2's choice: 0 deep, 1, 2 shallow. */
int kerf_pool_depth_tier(const struct kerf_cloud *cloud, uint32_t type_index);

#endif
