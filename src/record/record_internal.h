/** Shared by the files of `record`. */
#ifndef KERF_RECORD_INTERNAL_H
#define KERF_RECORD_INTERNAL_H

#include "cost/cost.h"
#include "record/record.h"
#include "stats/stats.h"

/** What a pod's wait is made of, in order. */
enum kerf_wait_phase {
    KERF_WAIT_PLAN,   /* batch window and solving; or the scheduler's queue where a node was ready all the time */
    KERF_WAIT_LAUNCH, /* nodeclaim created -> EC2 answered */
    KERF_WAIT_BOOT,   /* -> the node registered */
    KERF_WAIT_READY,  /* -> the pod bound */
    KERF_WAIT_START,  /* address, image and start -> running */
    KERF_WAIT_PHASE_COUNT
};

/** Where money goes: a NodePool, a node group, or neither. */
struct kerf_record_tier {
    kerf_name name;
    struct kerf_cost cost; /* of closed nodes, after warm-up */
};

struct kerf_record_node {
    kerf_node_id id;
    kerf_name name; /* claim's or group node's; for the bill */
    uint32_t type_index;
    uint32_t zone_index;
    uint32_t capacity_type;
    uint32_t tier;
    kerf_time_us created_us; /* of the nodeclaim; of the instance for groups */
    kerf_time_us launched_us;
    kerf_time_us added_us;
    kerf_time_us ready_us; /* KERF_TIME_NEVER: not yet */
    bool billed;           /* has a bill */
    bool interrupted;      /* EC2 said that it takes the instance back, or did so */
    bool lost;             /* and did so before the drain was over */
    bool draining;
    struct kerf_node_bill bill;
    struct kerf_cost at_warm_up;
    struct kerf_resources headroom;
};

struct kerf_record_pod {
    kerf_time_us created_us;
    kerf_time_us waited_us[KERF_WAIT_PHASE_COUNT]; /* up to binding */
    kerf_time_us bound_us;                         /* KERF_TIME_NEVER: not yet */
    bool of_workload; /* no daemon and no placeholder */
    bool counts;      /* its wait is part of the figures: created after warm-up */
    bool running;
    kerf_time_us running_us; /* since when */
    kerf_time_us follows_us; /* when the pod was evicted whose work this one does; KERF_TIME_NEVER: none was, or long ago */
};

/** Something that happened in the last ten minutes and waits for its counterpart. */
struct kerf_churn_mark {
    kerf_time_us at_us;
    uint64_t key;
};
struct kerf_churn_marks {
    struct kerf_churn_mark *items;
    size_t count;
    size_t capacity;
};
struct kerf_record_churn {
    struct kerf_churn_marks launches;  /* by likeness of nodes: not yet the replacement of a node that went */
    struct kerf_churn_marks drains;    /* not yet replaced */
    struct kerf_churn_marks evictions; /* by workload: no pod has followed yet */
    uint64_t replaced_alike;
    uint64_t evicted_again;
    uint64_t nodes_ended;
    kerf_time_us lost_us; /* of pods: work and warm-up */
    kerf_usd_micros lost_usd_micros;
};

struct kerf_record {
    struct kerf_world *world;
    struct kerf_record_options options;
    bool measuring; /* warm-up is over */
    kerf_time_us measuring_since_us;
    bool finished;      /* from here on the world may be gone */
    uint64_t trace_hash;

    KERF_VEC(struct kerf_record_node) nodes; /* entries that are there; by rows_by_node */
    struct kerf_id_map rows_by_node;
    KERF_VEC(struct kerf_record_tier) tiers;
    struct kerf_cost by_capacity_type[KERF_CAPACITY_TYPE_COUNT];
    struct kerf_id_map rows_by_pod;
    KERF_VEC(struct kerf_record_pod) pods;
    KERF_VEC(uint32_t) free_pods;

    struct kerf_quantiles *wait;
    struct kerf_quantiles *wait_by_phase[KERF_WAIT_PHASE_COUNT];
    uint64_t pods_started;
    uint64_t pods_never_placed;
    uint64_t counts[KERF_NOTICE_COUNT];
    uint64_t disruptions_by_method[KERF_METHOD_COUNT];
    uint64_t nodes_launched;
    uint64_t calls_throttled;
    uint64_t launches_without_address; /* refused by a full subnet; others' wants among them */
    struct kerf_time_weighted node_count;
    struct kerf_time_weighted vcpus;
    struct kerf_time_weighted running_pods;
    struct kerf_time_weighted pending_pods;
    struct kerf_time_weighted *subnet_used; /* by subnet */
    kerf_time_us *subnet_exhausted_us;      /* first refusal for want of an address or a prefix; KERF_TIME_NEVER: none */
    kerf_usd_micros price_per_hour;         /* of all instances now */
    struct kerf_record_churn churn;

    KERF_VEC(struct kerf_metric) metrics;
};

struct kerf_record_node *kerf_record_find_node(const struct kerf_record *record, kerf_node_id id); /* NULL: not kept */
/** What a node cost since warm-up, up to now. */
struct kerf_cost kerf_record_cost_of(const struct kerf_record *record, const struct kerf_record_node *node);

void kerf_record_make_metrics(struct kerf_record *record);

/* churn: a billed node starts or its drain does; a pod comes, is evicted, or loses the work that it did */
void kerf_record_note_launch(struct kerf_record *record, const struct kerf_record_node *node);
void kerf_record_note_drain(struct kerf_record *record, const struct kerf_record_node *node);
void kerf_record_note_new_pod(struct kerf_record *record, const struct kerf_cluster_pod *pod, struct kerf_record_pod *row);
void kerf_record_note_eviction(struct kerf_record *record, const struct kerf_cluster_pod *pod, const struct kerf_record_pod *row);
void kerf_record_note_lost_work(struct kerf_record *record, const struct kerf_cluster_pod *pod, const struct kerf_record_pod *row);
void kerf_record_churn_fini(struct kerf_record_churn *churn);

/* the demand log; only with options.demand */
void kerf_record_log_change(struct kerf_record *record, const struct kerf_change *change);
void kerf_record_log_notice(struct kerf_record *record, const struct kerf_notice *notice);

/* files for --out; each does nothing where there is no file */
void kerf_record_open_csv(struct kerf_record *record);
void kerf_record_write_event(struct kerf_record *record, const char *event, kerf_node_id node, kerf_pod_id pod, const char *detail);
void kerf_record_write_sample(struct kerf_record *record);
void kerf_record_write_node(struct kerf_record *record, const struct kerf_record_node *node);

#endif
