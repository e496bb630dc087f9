/** Workloads: what makes pods. */
#include "manifest/manifest_internal.h"

/** More than any cluster runs: the limit of Kubernetes is 150,000 pods. */
enum { REPLICAS_MAX = 1000000 };

static struct kerf_workload new_workload(struct kerf_reader *reader, const struct kerf_value *object,
                                         enum kerf_workload_kind kind, const struct kerf_value **out_spec)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_workload workload = {
        .kind = kind, .meta = kerf_reader_meta(reader, object, true), .completions = 1, .backoff_limit = 6};
    *out_spec = kerf_field_required_map(reader, object, "spec");
    return workload;
}

/** apps/v1 wants a selector that selects the template's own pods. */
static void read_selector_and_template(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_workload *workload)
{
    const struct kerf_value *selector = NULL;
    KERF_NOTE(reader, kerf_value_require(spec, "selector", &selector, reader->errs));
    workload->selector = kerf_field_selector(reader, spec, "selector");
    workload->template = kerf_reader_template(reader, spec, &workload->meta);
    if (workload->selector.present && !workload->selector.invalid &&
        !kerf_label_selector_matches(&workload->selector, &workload->template.labels))
        KERF_NOTE(reader, kerf_value_error(selector, reader->errs, "does not select the labels of its own template"));
}

static void push(struct kerf_reader *reader, const struct kerf_workload *workload)
{
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->workloads, *workload);
}

void kerf_read_deployment(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const strategies[] = {"RollingUpdate", "Recreate"};
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_DEPLOYMENT, &spec);
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "replicas", "selector", "template", "strategy", "minReadySeconds",
                    "revisionHistoryLimit", "paused", "progressDeadlineSeconds");
    workload.replicas = kerf_field_i64(reader, spec, "replicas", 0, REPLICAS_MAX, 1);
    read_selector_and_template(reader, spec, &workload);
    const struct kerf_value *strategy = kerf_field_map(reader, spec, "strategy");
    const struct kerf_value *rolling = kerf_field_map(reader, strategy, "rollingUpdate");
    workload.recreate = kerf_field_enum(reader, strategy, "type", strategies, KERF_COUNT_OF(strategies), 0) == 1;
    workload.max_surge = kerf_field_int_or_percent(reader, rolling, "maxSurge");
    workload.max_unavailable = kerf_field_int_or_percent(reader, rolling, "maxUnavailable");
    struct kerf_int_or_percent quarter = {.present = true, .percent = true, .value = 25};
    if (!workload.max_surge.present)
        workload.max_surge = quarter;
    if (!workload.max_unavailable.present)
        workload.max_unavailable = quarter;
    push(reader, &workload);
}

void kerf_read_replicaset(struct kerf_reader *reader, const struct kerf_value *object)
{
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_REPLICASET, &spec);
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "replicas", "selector", "template", "minReadySeconds");
    workload.replicas = kerf_field_i64(reader, spec, "replicas", 0, REPLICAS_MAX, 1);
    read_selector_and_template(reader, spec, &workload);
    push(reader, &workload);
}

void kerf_read_replicationcontroller(struct kerf_reader *reader, const struct kerf_value *object)
{
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_REPLICATIONCONTROLLER, &spec);
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "replicas", "selector", "template", "minReadySeconds");
    workload.replicas = kerf_field_i64(reader, spec, "replicas", 0, REPLICAS_MAX, 1);
    workload.template = kerf_reader_template(reader, spec, &workload.meta);
    struct kerf_labels labels = kerf_field_labels(reader, spec, "selector"); /* a plain map; none: the template's labels */
    if (labels.count == 0)
        labels = workload.template.labels;
    struct kerf_expression *items = KERF_NEW_ARRAY(reader->arena, struct kerf_expression, labels.count);
    for (size_t i = 0; i < labels.count; i++)
        items[i] = (struct kerf_expression){
            .key = labels.items[i].key, .op = KERF_OP_IN, .values = &labels.items[i].value, .value_count = 1, .min_values = -1};
    workload.selector = (struct kerf_label_selector){.present = true, .expressions = {items, labels.count}};
    push(reader, &workload);
}

static void read_claim_templates(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_workload *workload)
{
    const struct kerf_value *list = kerf_field_list(reader, spec, "volumeClaimTemplates");
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return;
    struct kerf_claim_template *templates = KERF_NEW_ARRAY(reader->arena, struct kerf_claim_template, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *metadata = kerf_field_required_map(reader, &list->items[i], "metadata");
        const struct kerf_value *claim = kerf_field_required_map(reader, &list->items[i], "spec");
        const struct kerf_value *requests = kerf_field_map(reader, kerf_field_map(reader, claim, "resources"), "requests");
        if (metadata)
            templates[i].name = kerf_field_required_name(reader, metadata, "name");
        templates[i].storage_class_name = kerf_field_name_or_empty(reader, claim, "storageClassName");
        templates[i].storage_bytes = kerf_field_bytes(reader, requests, "storage", 0);
    }
    workload->claim_templates = templates;
    workload->claim_template_count = count;
}

void kerf_read_statefulset(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const policies[] = {"OrderedReady", "Parallel"};
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_STATEFULSET, &spec);
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "replicas", "selector", "template", "serviceName",
                    "podManagementPolicy", "updateStrategy", "revisionHistoryLimit", "minReadySeconds", "volumeClaimTemplates",
                    "persistentVolumeClaimRetentionPolicy", "ordinals");
    workload.replicas = kerf_field_i64(reader, spec, "replicas", 0, REPLICAS_MAX, 1);
    workload.parallel_pod_management =
        kerf_field_enum(reader, spec, "podManagementPolicy", policies, KERF_COUNT_OF(policies), 0) == 1;
    workload.start_ordinal = kerf_field_i64(reader, kerf_field_map(reader, spec, "ordinals"), "start", 0, INT32_MAX, 0);
    read_selector_and_template(reader, spec, &workload);
    read_claim_templates(reader, spec, &workload);
    push(reader, &workload);
}

void kerf_read_daemonset(struct kerf_reader *reader, const struct kerf_value *object)
{
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_DAEMONSET, &spec);
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "selector", "template", "updateStrategy", "minReadySeconds",
                    "revisionHistoryLimit");
    read_selector_and_template(reader, spec, &workload);
    push(reader, &workload);
}

static void read_job_spec(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_workload *workload)
{
    static const char *const modes[] = {"NonIndexed", "Indexed"};
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "parallelism", "completions", "completionMode", "backoffLimit",
                    "backoffLimitPerIndex", "maxFailedIndexes", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "suspend",
                    "selector", "manualSelector", "template", "podFailurePolicy", "podReplacementPolicy", "successPolicy",
                    "managedBy");
    bool parallel = kerf_value_get(spec, "parallelism") != NULL;
    workload->parallelism = kerf_field_i64(reader, spec, "parallelism", 0, REPLICAS_MAX, 1);
    /* Without completions a Job with parallelism is a work queue, one without runs once. */
    workload->completions = kerf_field_i64(reader, spec, "completions", 0, REPLICAS_MAX, parallel ? -1 : 1);
    workload->indexed = kerf_field_enum(reader, spec, "completionMode", modes, KERF_COUNT_OF(modes), 0) == 1;
    workload->backoff_limit = kerf_field_i64(reader, spec, "backoffLimit", 0, INT32_MAX, 6);
    workload->suspend = kerf_field_bool(reader, spec, "suspend", false);
    workload->selector = kerf_field_selector(reader, spec, "selector");
    workload->template = kerf_reader_template(reader, spec, &workload->meta);
    workload->replicas =
        workload->completions < 0 ? workload->parallelism : kerf_min_i64(workload->parallelism, workload->completions);
}

void kerf_read_job(struct kerf_reader *reader, const struct kerf_value *object)
{
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_JOB, &spec);
    if (!spec)
        return;
    read_job_spec(reader, spec, &workload);
    struct kerf_conditions conditions = kerf_field_conditions(reader, kerf_field_map(reader, object, "status"));
    workload.finished = kerf_conditions_true(&conditions, "Complete") || kerf_conditions_true(&conditions, "Failed");
    push(reader, &workload);
}

void kerf_read_cronjob(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const policies[] = {"Allow", "Forbid", "Replace"};
    const struct kerf_value *spec;
    struct kerf_workload workload = new_workload(reader, object, KERF_WORKLOAD_CRONJOB, &spec);
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "schedule", "timeZone", "concurrencyPolicy", "suspend",
                    "jobTemplate", "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit");
    workload.schedule = kerf_field_required_name(reader, spec, "schedule");
    workload.time_zone = kerf_field_name(reader, spec, "timeZone");
    uint32_t policy = kerf_field_enum(reader, spec, "concurrencyPolicy", policies, KERF_COUNT_OF(policies), 0);
    workload.concurrency = policy == 1   ? KERF_CONCURRENCY_FORBID
                           : policy == 2 ? KERF_CONCURRENCY_REPLACE
                                         : KERF_CONCURRENCY_ALLOW;
    const struct kerf_value *template = kerf_field_required_map(reader, spec, "jobTemplate");
    const struct kerf_value *job = template ? kerf_field_required_map(reader, template, "spec") : NULL;
    if (!job)
        return;
    read_job_spec(reader, job, &workload);
    workload.suspend = kerf_field_bool(reader, spec, "suspend", false);
    push(reader, &workload);
}

void kerf_read_hpa(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_hpa hpa = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *target = spec ? kerf_field_required_map(reader, spec, "scaleTargetRef") : NULL;
    if (!target)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "scaleTargetRef", "minReplicas", "maxReplicas", "metrics",
                    "behavior", "targetCPUUtilizationPercentage");
    hpa.target_kind = kerf_field_required_name(reader, target, "kind");
    hpa.target_name = kerf_field_required_name(reader, target, "name");
    const struct kerf_value *max = NULL;
    KERF_NOTE(reader, kerf_value_require(spec, "maxReplicas", &max, reader->errs));
    hpa.min_replicas = kerf_field_i32(reader, spec, "minReplicas", 0, INT32_MAX, 1);
    hpa.max_replicas = kerf_field_i32(reader, spec, "maxReplicas", 1, INT32_MAX, 1);
    if (max && hpa.min_replicas > hpa.max_replicas)
        KERF_NOTE(reader, kerf_value_error(max, reader->errs, "maxReplicas %" PRId32 " is less than minReplicas %" PRId32,
                                           hpa.max_replicas, hpa.min_replicas));
    hpa.target_cpu_utilization_percent = kerf_field_i32(reader, spec, "targetCPUUtilizationPercentage", 1, INT32_MAX, 0);
    const struct kerf_value *metrics = kerf_field_list(reader, spec, "metrics");
    for (uint32_t i = 0; i < kerf_value_count(metrics); i++) {
        const struct kerf_value *resource = kerf_value_get(&metrics->items[i], "resource");
        if (strcmp(kerf_value_get_text_or(resource, "name", ""), "cpu") == 0)
            hpa.target_cpu_utilization_percent =
                kerf_field_i32(reader, kerf_field_map(reader, resource, "target"), "averageUtilization", 1, INT32_MAX,
                               hpa.target_cpu_utilization_percent);
    }
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->hpas, hpa);
}
