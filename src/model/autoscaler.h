/** Part of the door of `model`: Cluster Autoscaler's settings, and a moment that it is asked about. Include model/model.h. */
#ifndef KERF_MODEL_AUTOSCALER_H
#define KERF_MODEL_AUTOSCALER_H

#include "model/node.h"

enum kerf_expander {
    KERF_EXPANDER_LEAST_WASTE,
    KERF_EXPANDER_MOST_PODS,
    KERF_EXPANDER_LEAST_NODES,
    KERF_EXPANDER_PRIORITY,
    KERF_EXPANDER_PRICE,
    KERF_EXPANDER_RANDOM,
    KERF_EXPANDER_COUNT
};
const char *kerf_expander_text(enum kerf_expander expander); /* `least-waste`, as the flag has it */

/** The flags that a decision or its effects follow, in the program's own terms (cluster-autoscaler.md 2). Limits: 0 is no limit.
 */
struct kerf_autoscaler_options {
    kerf_time_us scan_interval_us;
    bool frequent_loops;
    bool scale_up_from_zero;
    /* scale-up */
    int64_t max_nodes_total;
    int64_t cores_min, cores_max; /* whole cores */
    int64_t memory_min_bytes, memory_max_bytes;
    int64_t max_nodes_per_scaleup;
    kerf_time_us new_pod_scale_up_delay_us;
    int64_t expendable_pods_priority_cutoff;
    enum kerf_expander expanders[KERF_EXPANDER_COUNT]; /* a chain */
    uint32_t expander_count;
    bool balance_similar_node_groups;
    const kerf_name *balancing_ignored_labels;
    uint32_t balancing_ignored_label_count;
    const kerf_name *balancing_labels; /* any: these alone are compared */
    uint32_t balancing_label_count;
    double memory_difference_ratio;
    double max_free_difference_ratio;
    double max_allocatable_difference_ratio;
    bool force_daemonsets;
    bool enforce_node_group_min_size;
    /* cluster state */
    kerf_time_us max_node_provision_time_us;
    kerf_time_us max_node_startup_time_us;
    kerf_time_us initial_backoff_us;
    kerf_time_us max_backoff_us;
    kerf_time_us backoff_reset_us;
    double max_total_unready_percentage;
    int64_t ok_total_unready_count;
    /* scale-down */
    bool scale_down_enabled;
    kerf_time_us scale_down_delay_after_add_us;
    kerf_time_us scale_down_delay_after_delete_us;
    kerf_time_us scale_down_delay_after_failure_us;
    bool scale_down_delay_type_local;
    kerf_time_us scale_down_unneeded_time_us;
    kerf_time_us scale_down_unready_time_us;
    double scale_down_utilization_threshold;
    double scale_down_gpu_utilization_threshold;
    bool scale_down_unready_enabled;
    bool ignore_daemonsets_utilization;
    bool ignore_mirror_pods_utilization;
    kerf_time_us unremovable_node_recheck_us;
    int64_t max_scale_down_parallelism;
    int64_t max_drain_parallelism;
    bool skip_nodes_with_system_pods;
    bool skip_nodes_with_local_storage;
    bool skip_nodes_with_custom_controller_pods;
    kerf_time_us blocking_system_pod_timeout_us;
    int64_t min_replica_count;
    /* its execution */
    kerf_time_us node_delete_delay_after_taint_us;
    kerf_time_us node_deletion_delay_timeout_us;
    kerf_time_us max_graceful_termination_us;
    kerf_time_us max_pod_eviction_time_us;
    bool daemonset_eviction_for_empty_nodes;
    bool daemonset_eviction_for_occupied_nodes;
    int64_t max_bulk_soft_taint_count;
    bool cordon_node_before_terminating;
};
struct kerf_autoscaler_options kerf_autoscaler_options_default(void);

/** A node group as Cluster Autoscaler's cloud provider states it. */
struct kerf_autoscale_group {
    kerf_name name;
    int32_t min_size;
    int32_t max_size;
    int32_t size;              /* target, and registered */
    struct kerf_node node;     /* the template: labels, taints, capacity, allocatable */
    double price_usd_per_hour; /* for the expander price; 0: not given */
    struct kerf_place place;
};

/** What a pod's requests cost, for the expander price. */
struct kerf_autoscale_pricing {
    double pod_cpu_usd_per_hour;
    double pod_gib_usd_per_hour;
};

/** `kind: Autoscale`: one moment, with the flags and groups that the manifests can't say. */
struct kerf_autoscale {
    bool present;
    bool scale_down;          /* the action that is asked about */
    kerf_time_us at_epoch_us; /* KERF_TIME_UNSET: not given */
    struct kerf_autoscaler_options options;
    const struct kerf_autoscale_group *groups;
    uint32_t group_count;
    struct kerf_autoscale_pricing pricing;
};

#endif
