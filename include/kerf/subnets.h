/**
 * kerf/subnets: how many addresses a fleet needs, when subnets run out of them and why, and which subnets would do. Many nodes' address
 * pools fill and empty over the same subnets while nodes and pods come and go, again and again with other random numbers; EC2 answers at
 * once (what its latencies and limits of calls do is the question of `kerf run`).
 */
#ifndef KERF_SUBNETS_H
#define KERF_SUBNETS_H

#include "kerf/vpc.h"

struct kerf_subnet_spec {
    const char *id; /* NULL: its CIDR is its name */
    struct kerf_cidr cidr;
    uint32_t zone;  /* number of the query's zones */
    enum kerf_subnet_use use;
    uint32_t taken; /* by others from the start, at places that are drawn */
    uint32_t range_count;
    struct kerf_subnet_range ranges[KERF_SUBNET_RANGES_MAX]; /* in the subnet, disjoint */
};

/** Nodes of one kind. They go round the zones, and lost ones are replaced where they were. */
struct kerf_subnet_group {
    uint16_t shape; /* number of the query's shapes */
    int64_t nodes;
    int64_t pods_per_node;     /* that need an address */
    int64_t pods_per_node_max; /* what a node has room for; at least pods_per_node */
};

/** What the nodes do. Rates are of the whole fleet, events of Poisson processes but for growth, which is even. */
struct kerf_subnet_workload {
    const struct kerf_demand_shape *shapes;
    uint32_t shape_count;
    const struct kerf_subnet_group *groups;
    uint32_t group_count;
    double pods_replaced_per_day;
    double nodes_replaced_per_day;
    double nodes_added_per_day; /* of the first group */
    kerf_time_us horizon_us;
};

/** What really happened to a fleet (of a simulated scenario): one course a replication. */
struct kerf_demand_course {
    const struct kerf_demand_event *events;
    size_t event_count;
    const struct kerf_demand_shape *shapes;
    kerf_time_us horizon_us;
    kerf_time_us warm_up_us;
};

struct kerf_subnet_query {
    const char *const *zones; /* names */
    uint32_t zone_count;
    const struct kerf_subnet_spec *subnets; /* at least one a zone that instances can be launched in */
    uint32_t subnet_count;
    struct kerf_cni_settings settings;
    struct kerf_vpc_ec2_habits habits;
    const struct kerf_subnet_workload *workload; /* or: */
    const struct kerf_demand_course *courses;    /* one a replication */
    uint32_t replications;
    uint64_t seed;
    double holds;      /* 0: a plan must hold in every replication; else with at least this probability, at 95 % confidence (lower end of Wilson's interval) */
    bool only_given;   /* don't look for other plans */
    void (*progress)(void *context, uint32_t done, uint32_t total); /* NULL: never */
    void *progress_context;
};

/** Replications that it takes to show a probability at 95 % confidence when all of them hold; 0 <= holds < 1. */
uint32_t kerf_subnet_replications_for(double holds);

struct kerf_subnet_advice; /* printed by kerf/report.h */
/** Never fails: what is impossible to ask is asserted. Cost: a second for a month of a few hundred nodes, times replications. */
struct kerf_subnet_advice *kerf_advise_subnets(const struct kerf_subnet_query *query);
void kerf_subnet_advice_free(struct kerf_subnet_advice *advice);
/** No replication ran out of anything; else exit 1. */
bool kerf_subnet_advice_holds(const struct kerf_subnet_advice *advice);

#endif
