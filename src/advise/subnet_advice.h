/**
 * subnet_advice: what `kerf vpc subnets` knows in the end; for `report`.
 */
#ifndef KERF_SUBNET_ADVICE_H
#define KERF_SUBNET_ADVICE_H

#include "advise/subnet_fleet.h"
#include "stats/stats.h"

/** A subnet of the query, over all replications. */
struct kerf_subnet_seen {
    const struct kerf_subnet_spec *spec;
    uint32_t usable;
    double taken_p50, taken_p95; /* means over replications; others' included */
    int64_t taken_peak;          /* of all */
    char *map;                   /* a character a /28, at the end of the first replication; see kerf_subnet_map_character */
    uint32_t free, free_prefixes; /* then */
    double fragmentation;        /* then */
};

struct kerf_zone_shortage {
    uint32_t runs;         /* replications that met it */
    kerf_time_us earliest_us, median_us; /* of the first one, over the replications that met it; KERF_TIME_NEVER: none did */
    double per_run;        /* refusals a replication */
};
struct kerf_zone_seen {
    struct kerf_zone_shortage by_cause[KERF_SHORTAGE_COUNT];
    struct kerf_interval holds;  /* share of replications without a shortage */
    int64_t nodes_at_shortage;   /* fewest nodes alive then; -1: never */
    double pods_waited_long;     /* a replication */
    double needed_p50, needed_p95, stranded_mean; /* addresses, means over replications; others' not included in stranded */
    int64_t needed_peak;
    int64_t interfaces_peak;
};

/** The fleet grown node by node, each with its pods, until something is refused. */
struct kerf_subnet_end {
    bool known; /* false: the fleet has no nodes */
    struct kerf_eni_limits limits; /* of such a node */
    int64_t pods;
    bool never; /* a hundred thousand nodes fit */
    int64_t nodes_least, nodes_median; /* that fit, over replications */
    uint32_t zone;           /* of the least */
    enum kerf_shortage cause;
};

struct kerf_subnet_calls_seen {
    double per_hour; /* of the CNI, mean */
    double launches_per_hour;
    double failed_per_hour;
    int64_t peak_hour; /* most in one hour of any replication */
};

/** A plan: settings, and one subnet a zone (with custom networking: one for pods a zone). */
struct kerf_subnet_plan {
    char *name;
    struct kerf_cni_settings settings;
    bool reserved;        /* all but the first addresses of each subnet are reserved for prefixes */
    const char *refusal;  /* why the CNI would not work so; NULL */
    bool found;           /* some subnet up to /16 holds in each zone */
    int64_t addresses;    /* of all its subnets */
    struct kerf_subnet_calls_seen calls;
    struct kerf_planned_zone {
        double needed_p50, needed_p95, stranded_mean;
        int64_t needed_peak;
        uint8_t prefix_length; /* 0: none */
        uint8_t remainder_length; /* of what is not reserved; 0: no reservation */
        struct kerf_interval holds;
    } *zones;
};

struct kerf_subnet_advice {
    struct kerf_arena arena;
    const struct kerf_subnet_query *query;
    kerf_time_us horizon_us, warm_up_us;
    struct kerf_subnet_seen *subnets;
    struct kerf_zone_seen *zones;
    struct kerf_interval holds;
    struct kerf_subnet_calls_seen calls;
    struct kerf_subnet_end end;
    struct kerf_subnet_plan *plans;
    uint32_t plan_count;
    uint32_t smallest; /* of plans; KERF_NOT_FOUND */
};

/** '.' free, '#' wholly taken, 'o' partly taken, 'r' free and reserved for prefixes or explicit use. */
char kerf_subnet_map_character(struct kerf_vpc_subnet_block block);

const char *kerf_shortage_text(enum kerf_shortage cause); /* as EC2 says it */

/* what the files of the advice share */

/** One replication over these subnets. With stop_at_shortage it ends with the first shortage in any zone. The fleet is the caller's. */
struct kerf_fleet *kerf_subnet_run(const struct kerf_subnet_query *query, uint32_t replication, const struct kerf_cni_settings *settings,
                                   const struct kerf_subnet_spec *subnets, uint32_t subnet_count, bool stop_at_shortage);
kerf_time_us kerf_subnet_query_horizon(const struct kerf_subnet_query *query, uint32_t replication);
kerf_time_us kerf_subnet_query_warm_up(const struct kerf_subnet_query *query, uint32_t replication);

/** What the fleet has most of: the first group of a workload; of courses the commonest kind of node, with the pods that most of them have at
 *  their fullest. */
void kerf_subnet_typical_node(const struct kerf_subnet_query *query, struct kerf_demand_shape *out_shape, int64_t *out_pods);

/** Such nodes that fit one after another round the zones, and what stopped the next one. */
int64_t kerf_subnet_nodes_that_fit(const struct kerf_subnet_query *query, uint32_t replication, const struct kerf_demand_shape *shape,
                                   int64_t pods, uint32_t *out_zone, enum kerf_shortage *out_cause);
enum { KERF_SUBNET_NODES_MAX = 100000 };

void kerf_subnet_find_plans(struct kerf_subnet_advice *advice);
/** Counts replications against the query's progress. */
void kerf_subnet_progress(const struct kerf_subnet_advice *advice, uint32_t done, uint32_t total);

#endif
