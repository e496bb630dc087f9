/**
 * cloud: what EC2 does to us: capacity pools (instance type x zone) that come and go, launches that it grants or refuses, the
 * offering that it takes among those asked for, Spot reclaims of correlated pools, and what each hour of Spot costs. It decides
 * for EC2; controllers carry the effects. Model and parameters: spot-model.md 2 and 3, karpenter-provisioning.md 10.11.
 *
 * Every pool has streams of its own, keyed by type and zone, so two designs see the same pools fail at the same moments.
 * Pools are simulated lazily: only those that somebody asks about.
 */
#ifndef KERF_CLOUD_H
#define KERF_CLOUD_H

#include "scenario/scenario.h"

struct kerf_cloud;

struct kerf_cloud *kerf_cloud_new(const struct kerf_design *design, uint64_t seed, uint32_t replication);
void kerf_cloud_free(struct kerf_cloud *cloud);

/** One (type, zone) that a launch may take, in the order of preference of the request (cheapest first). */
struct kerf_cloud_choice {
    uint32_t type_index;
    uint32_t zone_index;
    uint32_t subnet_index; /* KERF_NOT_FOUND: network not modelled */
    double price_usd_per_hour; /* what the requester believes */
    uint32_t reservation; /* of objects->capacity_reservations; a reserved launch alone */
};

struct kerf_launch_outcome {
    bool launched;
    struct kerf_cloud_choice choice;      /* when launched */
    size_t refused_count;                 /* choices that were tried and refused, in order */
    const struct kerf_cloud_choice *refused;
    const enum kerf_launch_error *errors; /* by refused choice */
};

/**
 * EC2 answers a fleet request for one instance now. On-Demand: lowest price; Spot: price-capacity-optimized (pools of the deepest tier
 * that have capacity, the cheapest of them); reserved: lowest price among reservations that the caller knows to have room. `owner_hash`
 * keys the draw among equals; `subnet_has_address` asks the caller whether a subnet can hold a new node. Lists of the outcome are borrowed
 * until the next call.
 */
typedef bool (*kerf_subnet_has_address)(void *context, uint32_t subnet_index);
void kerf_cloud_launch(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type,
                       const struct kerf_cloud_choice *choices, size_t choice_count, uint64_t owner_hash,
                       kerf_subnet_has_address subnet_has_address, void *context, struct kerf_launch_outcome *out_outcome);

/** The next moment after `after_us` at which a shock strikes Spot nodes of the pool (its own, one that spreads from another zone, or one
 *  that the scenario prescribes); KERF_TIME_NEVER: none within the horizon. */
kerf_time_us kerf_cloud_next_shock(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index, kerf_time_us after_us);

/** Is this node hit by the shock at that moment, and when does its notice come, and its end? Keyed by shock and owner. */
struct kerf_reclaim {
    bool hit;
    bool noticed;           /* false: the notice is lost */
    kerf_time_us recommended_us; /* a rebalance recommendation comes before the notice; KERF_TIME_NEVER: none */
    kerf_time_us notice_us; /* >= at_us */
    kerf_time_us end_us;    /* the instance is taken back */
};
struct kerf_reclaim kerf_cloud_reclaim(struct kerf_cloud *cloud, uint32_t type_index, uint32_t zone_index, kerf_time_us at_us,
                                       uint64_t owner_hash);

/** Does the pool have capacity now? */
bool kerf_cloud_has_capacity(struct kerf_cloud *cloud, kerf_time_us now_us, enum kerf_capacity_type capacity_type, uint32_t type_index,
                             uint32_t zone_index);

/** Drawn phases of a node's life, keyed by owner; `slow` for old storage types. */
struct kerf_boot_times {
    kerf_time_us launch_us;         /* CreateFleet's answer */
    kerf_time_us registration_us;   /* launched -> Node object */
    kerf_time_us initialization_us; /* Node object -> Ready */
    kerf_time_us shutdown_us;       /* terminate call -> gone */
};
struct kerf_boot_times kerf_cloud_draw_boot(const struct kerf_cloud *cloud, uint64_t owner_hash, bool slow);

#endif
