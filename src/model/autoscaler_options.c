/** Defaults of Cluster Autoscaler 1.36 (cluster-autoscaler.md 2). */
#include "model/model.h"

static const char *const expander_texts[KERF_EXPANDER_COUNT] = {
    [KERF_EXPANDER_LEAST_WASTE] = "least-waste",
    [KERF_EXPANDER_MOST_PODS] = "most-pods",
    [KERF_EXPANDER_LEAST_NODES] = "least-nodes",
    [KERF_EXPANDER_PRIORITY] = "priority",
    [KERF_EXPANDER_PRICE] = "price",
    [KERF_EXPANDER_RANDOM] = "random",
};

const char *kerf_expander_text(enum kerf_expander expander)
{
    return expander_texts[expander];
}

#define GIB ((int64_t)1 << 30)

struct kerf_autoscaler_options kerf_autoscaler_options_default(void)
{
    return (struct kerf_autoscaler_options){
        .scan_interval_us = 10 * KERF_SECOND_US,
        .frequent_loops = true,
        .scale_up_from_zero = true,
        .cores_max = 5000 * 64,
        .memory_max_bytes = 5000 * 64 * 20 * GIB,
        .max_nodes_per_scaleup = 1000,
        .expendable_pods_priority_cutoff = -10,
        .expanders = {KERF_EXPANDER_LEAST_WASTE},
        .expander_count = 1,
        .memory_difference_ratio = 0.015,
        .max_free_difference_ratio = 0.05,
        .max_allocatable_difference_ratio = 0.05,
        .max_node_provision_time_us = 15 * KERF_MINUTE_US,
        .max_node_startup_time_us = 15 * KERF_MINUTE_US,
        .initial_backoff_us = 5 * KERF_MINUTE_US,
        .max_backoff_us = 30 * KERF_MINUTE_US,
        .backoff_reset_us = 3 * KERF_HOUR_US,
        .max_total_unready_percentage = 45,
        .ok_total_unready_count = 3,
        .scale_down_enabled = true,
        .scale_down_delay_after_add_us = 10 * KERF_MINUTE_US,
        .scale_down_delay_after_failure_us = 3 * KERF_MINUTE_US,
        .scale_down_unneeded_time_us = 10 * KERF_MINUTE_US,
        .scale_down_unready_time_us = 20 * KERF_MINUTE_US,
        .scale_down_utilization_threshold = 0.5,
        .scale_down_gpu_utilization_threshold = 0.5,
        .scale_down_unready_enabled = true,
        .unremovable_node_recheck_us = 5 * KERF_MINUTE_US,
        .max_scale_down_parallelism = 10,
        .max_drain_parallelism = 1,
        .skip_nodes_with_system_pods = true,
        .skip_nodes_with_local_storage = true,
        .skip_nodes_with_custom_controller_pods = true,
        .blocking_system_pod_timeout_us = KERF_HOUR_US,
        .node_delete_delay_after_taint_us = 5 * KERF_SECOND_US,
        .node_deletion_delay_timeout_us = 2 * KERF_MINUTE_US,
        .max_graceful_termination_us = 10 * KERF_MINUTE_US,
        .max_pod_eviction_time_us = 2 * KERF_MINUTE_US,
        .daemonset_eviction_for_occupied_nodes = true,
        .max_bulk_soft_taint_count = 10,
        .cordon_node_before_terminating = true,
    };
}
