/** Part of the door of `model`: nodes and Karpenter's objects. Include model/model.h. */
#ifndef KERF_MODEL_NODE_H
#define KERF_MODEL_NODE_H

#include "model/pod.h"

struct kerf_node_image {
    const kerf_name *names; /* all names of one image */
    uint32_t name_count;
    int64_t size_bytes;
};

struct kerf_node {
    struct kerf_meta meta;
    kerf_name provider_id; /* NULL: none */
    bool unschedulable;
    struct kerf_taints taints; /* as written; the reader doesn't add the unschedulable taint */
    struct kerf_resources capacity;
    struct kerf_resources allocatable;
    struct kerf_conditions conditions;
    const struct kerf_node_image *images;
    uint32_t image_count;
};

struct kerf_nodeclass_ref {
    kerf_name group; /* NULL: not given */
    kerf_name kind;
    kerf_name name;
};

struct kerf_nodeclaim {
    struct kerf_meta meta;
    struct kerf_nodeclass_ref nodeclass;
    struct kerf_expressions requirements; /* as written */
    struct kerf_resources requests;
    struct kerf_taints taints;
    struct kerf_taints startup_taints;
    kerf_time_us expire_after_us;             /* KERF_TIME_NEVER */
    kerf_time_us termination_grace_period_us; /* KERF_TIME_UNSET: none */
    /* status */
    kerf_name provider_id; /* NULL: not launched */
    kerf_name node_name;
    kerf_name image_id;
    struct kerf_resources capacity;
    struct kerf_resources allocatable;
    struct kerf_conditions conditions;
    kerf_time_us last_pod_event_epoch_us; /* KERF_TIME_UNSET: none */
};

/* ---- NodePool ------------------------------------------------------------------------------------------------------------------ */

enum kerf_consolidation_policy { KERF_WHEN_EMPTY, KERF_WHEN_EMPTY_OR_UNDERUTILIZED, KERF_BALANCED };

enum kerf_disruption_reason { KERF_REASON_EMPTY = 1, KERF_REASON_DRIFTED = 2, KERF_REASON_UNDERUTILIZED = 4 };

struct kerf_budget {
    bool percent;       /* value is a percentage of nodes, else a count */
    bool unparseable;   /* value or schedule that the API accepts and Karpenter can't use: closes the NodePool (3.3) */
    int32_t value;
    bool has_reasons;   /* false: all */
    unsigned reasons;   /* bits of kerf_disruption_reason */
    kerf_name schedule; /* cron text, UTC; NULL: always */
    kerf_time_us duration_us; /* KERF_TIME_UNSET: none */
};

struct kerf_nodepool_limits {
    struct kerf_resources resources; /* present entries limit; amounts beyond int64 saturate */
    int64_t nodes;                   /* -1: no limit */
};

struct kerf_nodepool {
    struct kerf_meta meta;
    int32_t weight;    /* 0: none */
    int64_t replicas;  /* -1: dynamic; >= 0: static pool */
    struct kerf_nodepool_limits limits;
    /* template */
    struct kerf_labels template_labels;
    struct kerf_labels template_annotations;
    struct kerf_expressions requirements;
    struct kerf_taints taints;
    struct kerf_taints startup_taints;
    struct kerf_nodeclass_ref nodeclass;
    kerf_time_us expire_after_us;             /* default 720 h; KERF_TIME_NEVER */
    kerf_time_us termination_grace_period_us; /* KERF_TIME_UNSET: none */
    /* disruption */
    kerf_time_us consolidate_after_us; /* default 0; KERF_TIME_NEVER */
    enum kerf_consolidation_policy consolidation_policy;
    const struct kerf_budget *budgets; /* the default of one with 10 % is filled in when absent */
    uint32_t budget_count;
    /* status */
    bool has_status;
    struct kerf_conditions conditions;
};
/** Ready as a pass sees it (karpenter-provisioning 1.6, 12.2): no status at all counts as ready. */
bool kerf_nodepool_is_ready(const struct kerf_nodepool *nodepool);

/* ---- EC2NodeClass -------------------------------------------------------------------------------------------------------------- */

enum kerf_ami_family {
    KERF_AMI_AL2023, /* default */
    KERF_AMI_AL2,
    KERF_AMI_BOTTLEROCKET,
    KERF_AMI_WINDOWS2019,
    KERF_AMI_WINDOWS2022,
    KERF_AMI_WINDOWS2025,
    KERF_AMI_CUSTOM
};

/** An eviction threshold or a reservation: an amount, or a share of the capacity. */
struct kerf_kubelet_signal {
    bool present;
    bool percent;
    int64_t amount;        /* in the resource's unit */
    double percent_value;  /* 0 to 100 */
};

struct kerf_kubelet {
    int32_t max_pods;      /* -1: not given */
    int32_t pods_per_core; /* 0: not given */
    struct kerf_resources kube_reserved;
    struct kerf_resources system_reserved;
    struct kerf_kubelet_signal eviction_hard_memory;  /* memory.available */
    struct kerf_kubelet_signal eviction_hard_storage; /* nodefs.available */
    bool has_eviction_hard;
};

struct kerf_block_device {
    kerf_name device_name;
    bool root_volume;
    int64_t volume_size_bytes; /* 0: not given */
    kerf_name volume_type;
};

struct kerf_subnet_status {
    kerf_name id;
    kerf_name zone;
    kerf_name zone_id;
};

/** A capacity reservation of EC2, as `aws ec2 describe-capacity-reservations` tells it. */
struct kerf_capacity_reservation {
    kerf_name id; /* cr-0123456789abcdef0 */
    kerf_name instance_type;
    kerf_name zone;
    kerf_name owner_id;
    struct kerf_labels tags;
    bool targeted;       /* instanceMatchCriteria: targeted, not open */
    bool capacity_block; /* ReservationType capacity-block, not default */
    bool interruptible;
    int64_t available_count;   /* instances that it still has room for when the input was taken */
    kerf_time_us end_epoch_us; /* KERF_TIME_NEVER: none */
    uint32_t index;            /* in kerf_objects.capacity_reservations */
};

/** A term of capacityReservationSelectorTerms: what is given must agree. */
struct kerf_reservation_term {
    kerf_name id;
    kerf_name owner_id;
    kerf_name match_criteria; /* open or targeted */
    struct kerf_labels tags;  /* `*`: any value */
};

struct kerf_ec2nodeclass {
    struct kerf_meta meta;
    enum kerf_ami_family ami_family;
    struct kerf_kubelet kubelet;
    const struct kerf_block_device *block_devices;
    uint32_t block_device_count;
    bool instance_store_raid0;
    bool has_status;
    const struct kerf_subnet_status *subnets; /* status.subnets; none: the rule of product.md for zones */
    uint32_t subnet_count;
    const struct kerf_reservation_term *reservation_terms;
    uint32_t reservation_term_count;
    const kerf_name *reservation_ids; /* status.capacityReservations */
    uint32_t reservation_id_count;
    /* those that were read and are the class's: by its status, where it has one, else by its terms; by ID; settled at the end of reading */
    const struct kerf_capacity_reservation *reservations;
    uint32_t reservation_count;
    struct kerf_conditions conditions;
};

#endif
