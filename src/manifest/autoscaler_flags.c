/** Cluster Autoscaler's command line flags, by their own names. */
#include "manifest/manifest_internal.h"

enum flag_kind {
    FLAG_BOOL,
    FLAG_COUNT,
    FLAG_DURATION,
    FLAG_SECONDS,
    FLAG_RATIO,
    FLAG_CORES,
    FLAG_MEMORY,
    FLAG_EXPANDER,
    FLAG_LABELS,
    FLAG_PASSED_OVER
};

#define AT(member) offsetof(struct kerf_autoscaler_options, member)

static const struct flag {
    const char *name;
    enum flag_kind kind;
    size_t offset; /* of the value in the options; of the minimum for ranges */
} flags[] = {
    {"scan-interval", FLAG_DURATION, AT(scan_interval_us)},
    {"frequent-loops-enabled", FLAG_BOOL, AT(frequent_loops)},
    {"scale-up-from-zero", FLAG_BOOL, AT(scale_up_from_zero)},
    {"max-nodes-total", FLAG_COUNT, AT(max_nodes_total)},
    {"cores-total", FLAG_CORES, AT(cores_min)},
    {"memory-total", FLAG_MEMORY, AT(memory_min_bytes)},
    {"max-nodes-per-scaleup", FLAG_COUNT, AT(max_nodes_per_scaleup)},
    {"new-pod-scale-up-delay", FLAG_DURATION, AT(new_pod_scale_up_delay_us)},
    {"expendable-pods-priority-cutoff", FLAG_COUNT, AT(expendable_pods_priority_cutoff)},
    {"expander", FLAG_EXPANDER, 0},
    {"balance-similar-node-groups", FLAG_BOOL, AT(balance_similar_node_groups)},
    {"balancing-ignore-label", FLAG_LABELS, AT(balancing_ignored_labels)},
    {"balancing-label", FLAG_LABELS, AT(balancing_labels)},
    {"memory-difference-ratio", FLAG_RATIO, AT(memory_difference_ratio)},
    {"max-free-difference-ratio", FLAG_RATIO, AT(max_free_difference_ratio)},
    {"max-allocatable-difference-ratio", FLAG_RATIO, AT(max_allocatable_difference_ratio)},
    {"force-ds", FLAG_BOOL, AT(force_daemonsets)},
    {"enforce-node-group-min-size", FLAG_BOOL, AT(enforce_node_group_min_size)},
    {"max-node-provision-time", FLAG_DURATION, AT(max_node_provision_time_us)},
    {"max-node-startup-time", FLAG_DURATION, AT(max_node_startup_time_us)},
    {"initial-node-group-backoff-duration", FLAG_DURATION, AT(initial_backoff_us)},
    {"max-node-group-backoff-duration", FLAG_DURATION, AT(max_backoff_us)},
    {"node-group-backoff-reset-timeout", FLAG_DURATION, AT(backoff_reset_us)},
    {"max-total-unready-percentage", FLAG_RATIO, AT(max_total_unready_percentage)},
    {"ok-total-unready-count", FLAG_COUNT, AT(ok_total_unready_count)},
    {"scale-down-enabled", FLAG_BOOL, AT(scale_down_enabled)},
    {"scale-down-delay-after-add", FLAG_DURATION, AT(scale_down_delay_after_add_us)},
    {"scale-down-delay-after-delete", FLAG_DURATION, AT(scale_down_delay_after_delete_us)},
    {"scale-down-delay-after-failure", FLAG_DURATION, AT(scale_down_delay_after_failure_us)},
    {"scale-down-delay-type-local", FLAG_BOOL, AT(scale_down_delay_type_local)},
    {"scale-down-unneeded-time", FLAG_DURATION, AT(scale_down_unneeded_time_us)},
    {"scale-down-unready-time", FLAG_DURATION, AT(scale_down_unready_time_us)},
    {"scale-down-utilization-threshold", FLAG_RATIO, AT(scale_down_utilization_threshold)},
    {"scale-down-gpu-utilization-threshold", FLAG_RATIO, AT(scale_down_gpu_utilization_threshold)},
    {"scale-down-unready-enabled", FLAG_BOOL, AT(scale_down_unready_enabled)},
    {"ignore-daemonsets-utilization", FLAG_BOOL, AT(ignore_daemonsets_utilization)},
    {"ignore-mirror-pods-utilization", FLAG_BOOL, AT(ignore_mirror_pods_utilization)},
    {"unremovable-node-recheck-timeout", FLAG_DURATION, AT(unremovable_node_recheck_us)},
    {"max-scale-down-parallelism", FLAG_COUNT, AT(max_scale_down_parallelism)},
    {"max-drain-parallelism", FLAG_COUNT, AT(max_drain_parallelism)},
    {"skip-nodes-with-system-pods", FLAG_BOOL, AT(skip_nodes_with_system_pods)},
    {"skip-nodes-with-local-storage", FLAG_BOOL, AT(skip_nodes_with_local_storage)},
    {"skip-nodes-with-custom-controller-pods", FLAG_BOOL, AT(skip_nodes_with_custom_controller_pods)},
    {"blocking-system-pod-distruption-timeout", FLAG_DURATION, AT(blocking_system_pod_timeout_us)}, /* spelt so */
    {"min-replica-count", FLAG_COUNT, AT(min_replica_count)},
    {"node-delete-delay-after-taint", FLAG_DURATION, AT(node_delete_delay_after_taint_us)},
    {"node-deletion-delay-timeout", FLAG_DURATION, AT(node_deletion_delay_timeout_us)},
    {"max-graceful-termination-sec", FLAG_SECONDS, AT(max_graceful_termination_us)},
    {"max-pod-eviction-time", FLAG_DURATION, AT(max_pod_eviction_time_us)},
    {"daemonset-eviction-for-empty-nodes", FLAG_BOOL, AT(daemonset_eviction_for_empty_nodes)},
    {"daemonset-eviction-for-occupied-nodes", FLAG_BOOL, AT(daemonset_eviction_for_occupied_nodes)},
    {"max-bulk-soft-taint-count", FLAG_COUNT, AT(max_bulk_soft_taint_count)},
    {"cordon-node-before-terminating", FLAG_BOOL, AT(cordon_node_before_terminating)},
    /* what a decision of kerf doesn't hang on: logs, elections, clocks of the machine, settings without effect since 1.36 */
    {"v", FLAG_PASSED_OVER, 0},
    {"vmodule", FLAG_PASSED_OVER, 0},
    {"logtostderr", FLAG_PASSED_OVER, 0},
    {"stderrthreshold", FLAG_PASSED_OVER, 0},
    {"cloud-provider", FLAG_PASSED_OVER, 0},
    {"cloud-config", FLAG_PASSED_OVER, 0},
    {"cluster-name", FLAG_PASSED_OVER, 0},
    {"namespace", FLAG_PASSED_OVER, 0},
    {"kubeconfig", FLAG_PASSED_OVER, 0},
    {"node-group-auto-discovery", FLAG_PASSED_OVER, 0},
    {"nodes", FLAG_PASSED_OVER, 0},
    {"leader-elect", FLAG_PASSED_OVER, 0},
    {"address", FLAG_PASSED_OVER, 0},
    {"profiling", FLAG_PASSED_OVER, 0},
    {"write-status-configmap", FLAG_PASSED_OVER, 0},
    {"status-config-map-name", FLAG_PASSED_OVER, 0},
    {"max-inactivity", FLAG_PASSED_OVER, 0},
    {"max-failing-time", FLAG_PASSED_OVER, 0},
    {"max-startup-time", FLAG_PASSED_OVER, 0},
    {"max-binpacking-time", FLAG_PASSED_OVER, 0},
    {"max-nodegroup-binpacking-duration", FLAG_PASSED_OVER, 0},
    {"scale-down-simulation-timeout", FLAG_PASSED_OVER, 0},
    {"scale-down-non-empty-candidates-count", FLAG_PASSED_OVER, 0},
    {"scale-down-candidates-pool-ratio", FLAG_PASSED_OVER, 0},
    {"scale-down-candidates-pool-min-count", FLAG_PASSED_OVER, 0},
    {"max-bulk-soft-taint-time", FLAG_PASSED_OVER, 0},
    {"node-info-cache-expire-time", FLAG_PASSED_OVER, 0},
    {"predicate-parallelism", FLAG_PASSED_OVER, 0},
    {"emit-per-nodegroup-metrics", FLAG_PASSED_OVER, 0},
    {"record-duplicated-events", FLAG_PASSED_OVER, 0},
    {"aws-use-static-instance-list", FLAG_PASSED_OVER, 0},
};

static void *member(struct kerf_autoscaler_options *options, size_t offset)
{
    return (char *)options + offset;
}

static bool read_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"true", "1", "t", "T", "TRUE", "True"}; /* as Go parses flags */
    static const char *const no[] = {"false", "0", "f", "F", "FALSE", "False"};
    for (size_t i = 0; i < KERF_COUNT_OF(yes); i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

/** `MIN:MAX` in units of `unit`. */
static bool read_range(const char *text, int64_t unit, int64_t *out_min, int64_t *out_max)
{
    char min[24];
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof min)
        return false;
    memcpy(min, text, (size_t)(colon - text));
    min[colon - text] = '\0';
    int64_t low, high;
    if (!kerf_parse_i64(min, &low) || !kerf_parse_i64(colon + 1, &high) || low < 0 || high < low || high > INT64_MAX / unit)
        return false;
    *out_min = low * unit;
    *out_max = high * unit;
    return true;
}

/** Pieces of a comma-separated list, in turn; NULL at its end. */
static const char *next_piece(struct kerf_arena *arena, const char **rest)
{
    if (!*rest)
        return NULL;
    const char *comma = strchr(*rest, ',');
    const char *piece = comma ? kerf_arena_format(arena, "%.*s", (int)(comma - *rest), *rest) : *rest;
    *rest = comma ? comma + 1 : NULL;
    return piece;
}

static bool read_expanders(struct kerf_arena *arena, const char *text, struct kerf_autoscaler_options *options)
{
    uint32_t count = 0;
    enum kerf_expander chain[KERF_EXPANDER_COUNT];
    for (const char *piece; (piece = next_piece(arena, &text)) != NULL;) {
        uint32_t expander = 0;
        while (expander < KERF_EXPANDER_COUNT && strcmp(piece, kerf_expander_text((enum kerf_expander)expander)) != 0)
            expander++;
        if (expander == KERF_EXPANDER_COUNT)
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (chain[i] == (enum kerf_expander)expander)
                return false;
        chain[count++] = (enum kerf_expander)expander;
    }
    memcpy(options->expanders, chain, sizeof chain);
    options->expander_count = count;
    return count > 0;
}

static void read_labels(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, const char *text,
                        const kerf_name **out_names, uint32_t *out_count)
{
    KERF_VEC(kerf_name) names = {0};
    for (const char *piece; (piece = next_piece(arena, &text)) != NULL;)
        KERF_VEC_PUSH_IN(arena, &names, kerf_name_of(vocabulary->names, piece));
    *out_names = names.items;
    *out_count = (uint32_t)names.count;
}

static const char *expected(enum flag_kind kind)
{
    switch (kind) {
    case FLAG_BOOL:
        return "true or false";
    case FLAG_COUNT:
    case FLAG_SECONDS:
        return "a whole number";
    case FLAG_DURATION:
        return "a duration such as 10m0s";
    case FLAG_RATIO:
        return "a number that is not negative";
    case FLAG_CORES:
        return "MIN:MAX in cores";
    case FLAG_MEMORY:
        return "MIN:MAX in GiB";
    case FLAG_EXPANDER:
        return "least-waste, most-pods, least-nodes, priority, price and random, in a comma-separated chain";
    default:
        return "a text";
    }
}

static bool read_value(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary, const struct flag *flag, const char *text,
                       struct kerf_autoscaler_options *options)
{
    int64_t number;
    double ratio;
    void *into = member(options, flag->offset);
    switch (flag->kind) {
    case FLAG_BOOL:
        return read_bool(text, into);
    case FLAG_COUNT:
        return kerf_parse_i64(text, into);
    case FLAG_SECONDS:
        if (!kerf_parse_i64(text, &number) || number < 0 || number > INT32_MAX)
            return false;
        *(kerf_time_us *)into = number * KERF_SECOND_US;
        return true;
    case FLAG_DURATION:
        if (!kerf_parse_duration(text, &number) || number < 0)
            return false;
        *(kerf_time_us *)into = number;
        return true;
    case FLAG_RATIO:
        if (!kerf_parse_double(text, &ratio) || ratio < 0)
            return false;
        *(double *)into = ratio;
        return true;
    case FLAG_CORES:
        return read_range(text, 1, &options->cores_min, &options->cores_max);
    case FLAG_MEMORY:
        return read_range(text, (int64_t)1 << 30, &options->memory_min_bytes, &options->memory_max_bytes);
    case FLAG_EXPANDER:
        return read_expanders(arena, text, options);
    case FLAG_LABELS:
        if (flag->offset == AT(balancing_labels))
            read_labels(arena, vocabulary, text, &options->balancing_labels, &options->balancing_label_count);
        else
            read_labels(arena, vocabulary, text, &options->balancing_ignored_labels, &options->balancing_ignored_label_count);
        return true;
    case FLAG_PASSED_OVER:
        return true;
    }
    return false;
}

enum kerf_status kerf_manifest_read_autoscaler_flags(const struct kerf_value *map, struct kerf_arena *arena,
                                                     struct kerf_vocabulary *vocabulary, struct kerf_autoscaler_options *options,
                                                     struct kerf_errors *errs)
{
    enum kerf_status worst = KERF_OK;
    KERF_TRY(kerf_value_expect(map, KERF_VALUE_MAP, errs));
    for (uint32_t i = 0; i < kerf_value_count(map); i++) {
        const struct kerf_value *value = &map->items[i];
        const char *names[KERF_COUNT_OF(flags)];
        const struct flag *flag = NULL;
        for (size_t f = 0; f < KERF_COUNT_OF(flags); f++) {
            names[f] = flags[f].name;
            if (strcmp(value->key, flags[f].name) == 0)
                flag = &flags[f];
        }
        enum kerf_status status = KERF_OK;
        const char *text = NULL;
        if (!flag) {
            const char *nearest = kerf_nearest(value->key, names, KERF_COUNT_OF(flags));
            status = kerf_value_error(value, errs, "kerf knows no such flag of Cluster Autoscaler%s%s%s",
                                      nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
        } else {
            status = kerf_value_read_text(value, &text, errs);
        }
        if (text && !read_value(arena, vocabulary, flag, text, options))
            status = kerf_value_error(value, errs, "\"%s\" is not %s", text, expected(flag->kind));
        worst = status > worst ? status : worst;
    }
    return worst;
}
