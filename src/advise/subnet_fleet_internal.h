/** What the files of the fleet share. */
#ifndef KERF_SUBNET_FLEET_INTERNAL_H
#define KERF_SUBNET_FLEET_INTERNAL_H

#include "advise/subnet_fleet.h"

/* How long each number of taken addresses was held. */
struct histogram {
    kerf_time_us *held_us; /* by number */
    int64_t size;
    int64_t value;
    kerf_time_us since_us;
};

struct fleet_pod {
    struct kerf_pod_address address;
    kerf_time_us asked_us;
    uint32_t node;
    uint32_t life; /* of the node: another one means that it ended under the pod */
    enum { POD_ABSENT, POD_WAITING, POD_ADDRESSED } state;
};

struct fleet_node {
    struct kerf_vpc_pool pool;
    kerf_time_us wake_us;
    uint32_t heap_at; /* place in the heap; NO_NODE: sleeps */
    uint32_t life;
    uint32_t subnet;
    uint16_t zone, shape;
    int32_t enis;     /* as the zone counts them */
    int32_t assigned; /* the same */
    bool wanted;      /* started and not ended */
    bool launched;
    KERF_VEC(uint32_t) waiting;
};

struct fleet_zone {
    struct kerf_fleet_zone seen;
    struct histogram taken; /* others' included */
    int64_t others;
    int64_t enis, enis_peak;
    int64_t assigned;
};

struct kerf_fleet {
    struct kerf_fleet_options options;
    kerf_time_us now_us;
    bool measuring;
    struct kerf_vpc_ec2_network network;
    struct kerf_vpc_subnet **subnets;
    struct kerf_vpc_subnet_place *places;
    struct histogram *subnet_taken;
    struct fleet_zone *zones;
    KERF_VEC(struct fleet_node *) nodes; /* NULL: number not used yet */
    KERF_VEC(struct fleet_pod) pods;
    KERF_VEC(uint32_t) heap; /* node numbers by (wake_us, number) */
    int64_t launches;
    struct kerf_fleet_calls at_warm_up;
    kerf_time_us hour_us; /* the hour whose calls are counted */
    int64_t calls_before_hour;
    int64_t peak_hour;
};

/* subnet_fleet_figures.c: what is seen of a fleet */
void kerf_fleet_histogram_init(struct histogram *histogram, int64_t size, int64_t value);
int64_t kerf_fleet_taken_of(const struct kerf_fleet *fleet, uint32_t subnet);
/** Counts of the hour before end when a new one begins. */
void kerf_fleet_close_hour(struct kerf_fleet *fleet);
/** After EC2 did something for a node of the zone: its interfaces, its pods with an address, and what is taken. */
void kerf_fleet_account(struct kerf_fleet *fleet, struct fleet_node *node);
/** A pod got an address or left one: nothing else moved. */
void kerf_fleet_account_pod(struct kerf_fleet *fleet, struct fleet_node *node, int32_t change);
void kerf_fleet_note_shortage(struct kerf_fleet *fleet, uint32_t zone_index, enum kerf_shortage cause);
void kerf_fleet_start_measuring(struct kerf_fleet *fleet);

#endif
