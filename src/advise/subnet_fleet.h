/**
 * subnet_fleet: the address pools of many nodes over subnets that fill up, in time, fed with nodes and pods that come and go. EC2
 * answers at once: what its latencies and limits of calls do is the simulation's question (`kerf run`), what fits is this one's.
 *
 * Simplified: a waiting pod gets an address as soon as its node has one (a kubelet asks every 10 to 15 s); a launch that is refused is
 * tried again every minute, in the same zone; nodes go to the subnet of their zone with most free addresses, as Karpenter chooses when its
 * counts are fresh.
 */
#ifndef KERF_SUBNET_FLEET_H
#define KERF_SUBNET_FLEET_H

#include "base/base.h"
#include "kerf/subnets.h"
#include "stats/stats.h"

/** Why a plan ends, as users see it. */
enum kerf_shortage {
    KERF_SHORTAGE_LAUNCH,  /* InsufficientFreeAddressesInSubnet at a launch */
    KERF_SHORTAGE_ADDRESS, /* the same, at an interface or an address for pods */
    KERF_SHORTAGE_BLOCK,   /* InsufficientCidrBlocks: no free /28 */
    KERF_SHORTAGE_COUNT
};

struct kerf_fleet_options {
    struct kerf_cni_settings settings;
    struct kerf_vpc_ec2_habits habits;
    const struct kerf_subnet_spec *subnets;
    uint32_t subnet_count;
    uint32_t zone_count;
    const struct kerf_demand_shape *shapes;
    kerf_time_us warm_up_us; /* figures start here; shortages count from the start */
    uint64_t key;            /* of all draws */
};

struct kerf_fleet;
/** The options' arrays are borrowed until the fleet is freed. Reservations must lie in their subnets (asserted). */
struct kerf_fleet *kerf_fleet_new(const struct kerf_fleet_options *options);
void kerf_fleet_free(struct kerf_fleet *fleet);

/** Lets time go by until the event, then does it. Events must not go back in time. A few hundred nanoseconds. */
void kerf_fleet_apply(struct kerf_fleet *fleet, const struct kerf_demand_event *event);
/** Lets time go by. */
void kerf_fleet_advance(struct kerf_fleet *fleet, kerf_time_us until_us);

/** What was seen of a zone, up to now. */
struct kerf_fleet_zone {
    kerf_time_us first_us[KERF_SHORTAGE_COUNT]; /* KERF_TIME_NEVER: never */
    uint64_t counts[KERF_SHORTAGE_COUNT];
    struct kerf_time_weighted taken;    /* by nodes, all subnets of the zone */
    struct kerf_time_weighted stranded; /* addresses on interfaces that no pod holds; those of the interfaces themselves are not among them */
    uint32_t nodes;                     /* launched, alive */
    uint32_t nodes_at_shortage;         /* alive when the first shortage came, the one that met it not counted */
    uint64_t pods_waiting;              /* now */
    uint64_t pods_waited_long;          /* pods that waited more than a minute for an address */
};
const struct kerf_fleet_zone *kerf_fleet_zone_at(const struct kerf_fleet *fleet, uint32_t zone);
kerf_time_us kerf_fleet_first_shortage(const struct kerf_fleet *fleet, uint32_t zone); /* of any cause; KERF_TIME_NEVER */

/** Addresses taken of a zone (all subnets, others' included) that a share of the time after warm-up did not exceed. 0 < share <= 1. */
int64_t kerf_fleet_taken_at(const struct kerf_fleet *fleet, uint32_t zone, double share);
/** The same of one subnet. */
int64_t kerf_fleet_subnet_taken_at(const struct kerf_fleet *fleet, uint32_t subnet, double share);
const struct kerf_vpc_subnet *kerf_fleet_subnet_state(const struct kerf_fleet *fleet, uint32_t subnet);

struct kerf_fleet_calls {
    int64_t launch, assign, create, unassign, remove, failed; /* after warm-up */
    int64_t peak_hour; /* most of all kinds but launches within an hour, counted from the start of each hour */
};
struct kerf_fleet_calls kerf_fleet_calls(const struct kerf_fleet *fleet);
int64_t kerf_fleet_own_peak(const struct kerf_fleet *fleet, uint32_t zone); /* most interfaces at once */

/** Recounts holders of every address and asserts that they agree with the subnets: one holder, free + taken = size. For tests. */
void kerf_fleet_check(const struct kerf_fleet *fleet);

#endif
