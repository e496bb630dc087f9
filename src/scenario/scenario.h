/**
 * scenario: what to run. A file of kind Scenario names manifests and says what they can't: load over time, subnets, the CNI, Spot,
 * timings, prices, horizon, seed, and the designs to compare, each an overlay of any other key. Out comes, per design, everything a
 * run needs, checked: no value here is impossible or refers to something that was not read. Every key, its default and its unit
 * stand in docs/scenario.md, which a test holds against the reader.
 */
#ifndef KERF_SCENARIO_ROOM_H
#define KERF_SCENARIO_ROOM_H

#include "catalog/catalog.h"
#include "document/document.h"
#include "kerf/scenario.h"
#include "kerf/vpc.h"

/* ---- load ---------------------------------------------------------------------------------------------------------------------- */

/** At each hit of a cron expression (in the scenario's time zone) the workload gets this many replicas. */
struct kerf_load_step {
    const char *cron;
    int64_t replicas;
};

/** A point of a daily curve: minutes after local midnight. Between points the replicas go in a straight line. */
struct kerf_load_point {
    int32_t minute;
    int64_t replicas;
};

#define KERF_RESTART_AT_BILL ((kerf_usd_micros)-1)

struct kerf_load {
    uint32_t workload_index; /* of objects->workloads */
    /* replicas: a schedule, or a curve, or neither (the manifest's replicas) */
    const struct kerf_load_step *steps;
    uint32_t step_count;
    const struct kerf_load_point *points; /* at least two when given */
    uint32_t point_count;
    double weekend_factor; /* of the curve on Saturday and Sunday; 1 */
    double noise_sigma;    /* of ln(replicas), drawn anew each update; 0 */
    kerf_time_us update_every_us; /* of the curve; 5 min */
    /* jobs: Poisson arrivals of the Job or CronJob's template, besides what a CronJob starts by itself */
    double arrivals_per_hour; /* 0: none */
    double arrivals_peak_factor; /* arrivals at 14:00 local over the daily mean, as 1 + (f - 1) cos; 1: flat */
    kerf_time_us duration_median_us; /* of a job's pod: lognormal; KERF_TIME_UNSET: pods run until they are deleted */
    double duration_sigma;           /* of ln(duration); 0.8 */
    /* pods */
    int64_t image_bytes;         /* compressed; default of the scenario */
    kerf_time_us start_us;       /* from container start to ready; default of the scenario */
    kerf_time_us stop_us;        /* from the stop signal to the end, at most the grace period */
    /* what it costs when a running pod is evicted: reported, not simulated */
    kerf_time_us restart_cost_us;    /* work that is lost */
    kerf_time_us restart_warm_up_us; /* for which the next pod runs, but doesn't serve yet */
    kerf_usd_micros restart_price_per_hour; /* of a pod's time; KERF_RESTART_AT_BILL: what the bill charges for its requests */
};

/* ---- network --------------------------------------------------------------------------------------------------------------------- */

/** Addresses that others than the cluster's nodes hold for a while: load balancers, endpoints, an upgrade of the control plane. */
struct kerf_subnet_taker {
    const char *name;
    int64_t addresses;
    kerf_time_us from_us; /* since the start */
    kerf_time_us until_us; /* KERF_TIME_NEVER: to the end */
};

struct kerf_scenario_subnet {
    const char *id;
    uint32_t zone_index; /* of the catalogue's zones */
    struct kerf_cidr cidr;
    enum kerf_subnet_use use; /* both */
    int64_t taken; /* addresses that others hold from the start, beside EC2's five */
    const struct kerf_subnet_taker *takers;
    uint32_t taker_count;
    uint32_t range_count;
    struct kerf_subnet_range ranges[KERF_SUBNET_RANGES_MAX]; /* CIDR reservations */
};

/* ---- EC2 --------------------------------------------------------------------------------------------------------------------------- */

/** What EC2 says of an offering that it doesn't grant. */
enum kerf_launch_error {
    KERF_LAUNCH_OK,
    KERF_LAUNCH_INSUFFICIENT_CAPACITY,
    KERF_LAUNCH_INSUFFICIENT_ADDRESSES,
    KERF_LAUNCH_UNAUTHORIZED
};

/** A window in which launches of offerings are refused; nodes that run stay. */
struct kerf_capacity_gap {
    kerf_time_us from_us; /* since the start */
    kerf_time_us until_us;
    enum kerf_launch_error error;
    int64_t instances; /* that are still granted, of all the offerings together */
    const uint64_t *offerings; /* bitset by offering index */
};

/** A reclaim that the scenario prescribes: at this moment each running Spot node of these pools is hit with this probability. */
struct kerf_spot_shock {
    kerf_time_us at_us; /* since the start */
    double fraction;    /* 0 to 1 */
    kerf_time_us unavailable_us; /* the pools refuse launches for so long */
    const uint64_t *offerings;   /* bitset by offering index */
};

struct kerf_spot_settings {
    bool reclaims;             /* false: no random shocks at all; true */
    bool optimistic;           /* reading R1 of the Advisor's bands (spot-model.md 3b); false: R2 */
    kerf_time_us launch_life_us; /* L of R2; 72 h */
    double hit_alpha;          /* f ~ Beta(alpha, beta): share of a pool's nodes that a shock takes; 0.9, 0.6 */
    double hit_beta;
    double regional_share;     /* g: shocks that also strike the type's other zones; 0.3 */
    double regional_hit;       /* h: chance that another zone is struck; 0.5 */
    double missed_notice;      /* e: chance that no notice is seen; 0.01 */
    double hazard_factor;      /* multiplies all hazards; 1 */
    kerf_time_us notice_us;    /* 2 min */
    double rebalance_share;    /* of reclaims that a rebalance recommendation announces; 0 */
    kerf_time_us rebalance_lead_us; /* from it to the notice, on the average: 10 min */
    const struct kerf_spot_shock *shocks;
    uint32_t shock_count;
};

struct kerf_cloud_settings {
    const struct kerf_capacity_gap *gaps;
    uint32_t gap_count;
    double on_demand_refusal; /* chance that a launch of an On-Demand pool finds it empty for an hour; 0 */
    double ec2_calls_per_second; /* refill of the account's token bucket for the CNI's calls; 20 */
    int64_t ec2_calls_burst;     /* 100 */
    bool lowest_address;         /* habits of EC2: see struct kerf_vpc_ec2_habits */
    bool unrecognised_shortage;
};

/* ---- timings: lognormal by mu and sigma of ln(seconds) unless they are times ----------------------------------------------------------- */

struct kerf_lognormal {
    double mu;
    double sigma;
};

struct kerf_timings {
    struct kerf_lognormal launch;       /* created -> launched: 0.81, 0.09 */
    struct kerf_lognormal registration; /* launched -> registered: 3.15, 0.20 */
    struct kerf_lognormal initialization; /* registered -> ready: 3.25, 0.45 */
    double boot_correlation;            /* of the two boot phases: 0.6 */
    bool boot_by_launch;                /* the n-th instance of a run boots alike in all designs */
    double old_storage_factor;          /* boot of i3 and the like: 2 */
    struct kerf_lognormal shutdown;     /* terminate call -> instance gone: 3.9, 0.3 (the rest of timings.md 6 is drain and waits) */
    kerf_time_us image_pull_base_us;    /* 2 s */
    int64_t image_pull_bytes_per_second; /* 40 MB/s */
    int64_t image_bytes;                /* default image: 200 MB */
    kerf_time_us pod_start_us;          /* container start -> ready without a setting of the workload: 5 s */
    kerf_time_us pod_stop_us;           /* stop signal -> end without one: 2 s */
    kerf_time_us volume_provision_us;   /* a new EBS volume: 2 s */
    kerf_time_us volume_attach_us;      /* 5 s */
    kerf_time_us volume_detach_us;      /* 10 s */
    kerf_time_us volume_force_detach_us; /* from an instance that ended under its pods: 6 min */
    kerf_time_us eni_attach_us;         /* 6 s */
    kerf_time_us address_assign_us;     /* 1 s */
    kerf_time_us interruption_delivery_us; /* EC2 -> Karpenter: 2 s */
    double scheduler_pods_per_second;   /* token bucket of binds and marks: 50 */
    int64_t scheduler_burst;            /* 100 */
    double controller_writes_per_second; /* pods that workload controllers create: 20 */
    int64_t controller_burst;           /* 30 */
    double provisioner_pods_per_second; /* compute-time model of a pass: 100 */
    double simulation_seconds_per_pod;  /* compute-time model of a what-if, per pod in it: 0.0002 */
    double simulation_seconds_per_node; /* per node: 0.00005 */
    kerf_time_us nodegroup_delay_us;    /* Auto Scaling's reaction, on the average: 9.5 s */
    kerf_time_us nodegroup_delay_spread_us; /* uniform, so much less to so much more: 6.5 s */
    kerf_time_us autoscaler_loop_us;    /* one loop of Cluster Autoscaler, its calls included: 1 s */
    kerf_time_us lost_node_us;          /* instance gone without a drain -> its node object deleted: 60 s */
    kerf_time_us pod_collection_us;     /* node object deleted -> its pods replaced: 60 s */
    kerf_time_us sandbox_retry_us;      /* kubelet asks again for an address: 12 s */
};

/* ---- money ------------------------------------------------------------------------------------------------------------------------------ */

struct kerf_fees {
    kerf_usd_micros control_plane_per_hour; /* 100,000 */
    kerf_usd_micros ebs_gb_month;           /* gp3: 80,000 */
    int64_t root_volume_gb;                 /* where neither NodeClass nor group says: 20 */
};

/* ---- the whole ----------------------------------------------------------------------------------------------------------------------------- */

struct kerf_karpenter_settings {
    bool enabled; /* any NodePool was read */
    kerf_time_us batch_idle_us; /* 1 s */
    kerf_time_us batch_max_us;  /* 10 s */
    bool packed_planner; /* pods are packed by price, instead of Karpenter's filling */
    bool ignore_preferences;
    bool best_effort_min_values;
    bool spot_to_spot_consolidation;
    bool static_capacity;
    bool interruption_queue; /* true: Spot notices reach Karpenter */
};

struct kerf_autoscaler_settings {
    bool enabled; /* the scenario has an `autoscaler` */
    double taint_failure; /* chance that the API server refuses its taint; 0 */
    struct kerf_autoscaler_options options;
};

/** One design, complete. Immutable during runs; shared by threads. */
struct kerf_design {
    const char *name;
    struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary; /* parent of each replication's */
    struct kerf_objects objects;        /* manifests and nodeGroups, settled, without pods of workloads */
    struct kerf_instance_options instance_options; /* its default_zones are `zones` */
    const kerf_name *zones;             /* of the cluster */
    uint32_t zone_count;
    const struct kerf_load *loads; /* at most one a workload */
    uint32_t load_count;
    const uint32_t *load_of_workload; /* by workload index: of loads; KERF_NOT_FOUND: none */
    const struct kerf_scenario_subnet *subnets; /* none: the network is not modelled */
    uint32_t subnet_count;
    struct kerf_cni_settings cni;
    bool warm_eni_given; /* WARM_ENI_TARGET was set, not left to its default */
    kerf_name eni_config_label; /* of a node: its value names the node's ENIConfig; k8s.amazonaws.com/eniConfig */
    struct kerf_spot_settings spot;
    struct kerf_cloud_settings cloud;
    struct kerf_timings timings;
    struct kerf_fees fees;
    struct kerf_karpenter_settings karpenter;
    struct kerf_autoscaler_settings autoscaler;
    kerf_time_us start_epoch_us;
    int32_t utc_offset_minutes; /* of the scenario's time zone (fixed over the run) */
    kerf_time_us horizon_us;
    kerf_time_us warm_up_us;
};

struct kerf_scenario {
    struct kerf_arena arena;
    struct kerf_documents *documents; /* own the texts below */
    struct kerf_catalog **catalogs;   /* one a region */
    uint32_t catalog_count;
    const char *name; /* of metadata.name, or the file's name */
    const char *question;
    const char *file;
    uint64_t seed;
    uint32_t replications;
    struct kerf_design *designs; /* at least one */
    uint32_t design_count;
};

/** Of design->subnets; KERF_NOT_FOUND: none of that id. */
uint32_t kerf_scenario_subnet_index(const struct kerf_design *design, const char *id);

/** kerf_scenario_read for one text in memory; `file` names it in errors, and its folder is where relative paths begin. */
KERF_MUST_CHECK enum kerf_status kerf_scenario_read_text(const char *file, const char *text, size_t length,
                                                         const struct kerf_scenario_overrides *overrides,
                                                         struct kerf_scenario **out_scenario, struct kerf_errors *errs);

/* ---- keys of the file ---------------------------------------------------------------------------------------------------------- */

/** A key as docs/scenario.md lists it: `spot.notice`, `load[].daily.points[].at`. */
struct kerf_scenario_key {
    const char *path;
    const char *standard; /* default, as it would be written; "" for none */
    const char *unit;     /* unit or form */
};
/** All keys that the reader knows, in the order of the documentation; false beyond the last. */
bool kerf_scenario_key_at(size_t index, struct kerf_scenario_key *out_key);

#endif
