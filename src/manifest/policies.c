/** Budgets, priorities, quotas and limit ranges, services. */
#include "manifest/manifest_internal.h"

void kerf_read_pdb(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const policies[] = {"IfHealthyBudget", "AlwaysAllow"};
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_pdb pdb = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *status = kerf_field_map(reader, object, "status");
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "minAvailable", "maxUnavailable", "selector",
                    "unhealthyPodEvictionPolicy");
    pdb.selector = kerf_field_selector(reader, spec, "selector");
    pdb.min_available = kerf_field_int_or_percent(reader, spec, "minAvailable");
    pdb.max_unavailable = kerf_field_int_or_percent(reader, spec, "maxUnavailable");
    if (pdb.min_available.present && pdb.max_unavailable.present)
        KERF_NOTE(reader, kerf_value_error(spec, reader->errs, "minAvailable and maxUnavailable exclude each other"));
    pdb.unhealthy_policy = (enum kerf_unhealthy_policy)kerf_field_enum(reader, spec, "unhealthyPodEvictionPolicy", policies,
                                                                       KERF_COUNT_OF(policies), 0);
    pdb.has_status = kerf_value_count(status) > 0;
    pdb.disruptions_allowed = kerf_field_i32(reader, status, "disruptionsAllowed", INT32_MIN, INT32_MAX, 0);
    pdb.current_healthy = kerf_field_i32(reader, status, "currentHealthy", INT32_MIN, INT32_MAX, 0);
    pdb.desired_healthy = kerf_field_i32(reader, status, "desiredHealthy", INT32_MIN, INT32_MAX, 0);
    pdb.expected_pods = kerf_field_i32(reader, status, "expectedPods", INT32_MIN, INT32_MAX, 0);
    pdb.observed_generation = kerf_field_i64(reader, status, "observedGeneration", 0, INT64_MAX, 0);
    pdb.disrupted_pods = kerf_field_annotations(reader, status, "disruptedPods");
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->pdbs, pdb);
}

void kerf_read_priority_class(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const policies[] = {"PreemptLowerPriority", "Never"};
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "value", "globalDefault",
                    "description", "preemptionPolicy");
    const struct kerf_value *value = NULL;
    struct kerf_priority_class class = {.meta = kerf_reader_meta(reader, object, false)};
    KERF_NOTE(reader, kerf_value_require(object, "value", &value, reader->errs));
    class.value = kerf_field_i32(reader, object, "value", INT32_MIN, INT32_MAX, 0);
    class.global_default = kerf_field_bool(reader, object, "globalDefault", false);
    class.preemption_policy =
        (enum kerf_preemption_policy)kerf_field_enum(reader, object, "preemptionPolicy", policies, KERF_COUNT_OF(policies), 0);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->priority_classes, class);
}

void kerf_read_service(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_service service = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_map(reader, object, "spec");
    service.selector = kerf_field_labels(reader, spec, "selector");
    service.load_balancer = strcmp(kerf_value_get_text_or(spec, "type", ""), "LoadBalancer") == 0;
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->services, service);
}

void kerf_read_resource_quota(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_resource_quota quota = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *hard = kerf_field_map(reader, spec, "hard");
    for (uint32_t i = 0; i < kerf_value_count(hard); i++) {
        const struct kerf_value *entry = &hard->items[i];
        const char *key = entry->key;
        if (strncmp(key, "limits.", strlen("limits.")) == 0)
            kerf_reader_add_resource(reader, &quota.limits, key + strlen("limits."), entry, KERF_ROUND_DOWN);
        else if (strncmp(key, "requests.", strlen("requests.")) == 0 && strcmp(key, "requests.storage") != 0)
            kerf_reader_add_resource(reader, &quota.requests, key + strlen("requests."), entry, KERF_ROUND_DOWN);
        else if (strcmp(key, "cpu") == 0 || strcmp(key, "memory") == 0 || strcmp(key, "pods") == 0 ||
                 strcmp(key, "ephemeral-storage") == 0)
            kerf_reader_add_resource(reader, &quota.requests, key, entry, KERF_ROUND_DOWN);
    }
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->quotas, quota);
}

/** What `into` has stands; `from` fills the gaps. */
static void fill_gaps(struct kerf_resources *into, const struct kerf_resources *from)
{
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (kerf_resources_has(from, (enum kerf_resource)i) && !kerf_resources_has(into, (enum kerf_resource)i))
            kerf_resources_set(into, (enum kerf_resource)i, from->amounts[i]);
}

void kerf_read_limit_range(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_limit_range range = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *list = kerf_field_list(reader, spec, "limits");
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        const struct kerf_value *item = &list->items[i];
        const char *type = kerf_value_get_text_or(item, "type", "");
        if (!kerf_value_is_map(item) || (strcmp(type, "Container") != 0 && strcmp(type, "Pod") != 0))
            continue; /* claims of volumes */
        KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN_NEAR_MISSES, "type", "default", "defaultRequest", "min", "max",
                        "maxLimitRequestRatio");
        struct kerf_resources min = kerf_field_resources(reader, item, "min", KERF_ROUND_UP);
        struct kerf_resources max = kerf_field_resources(reader, item, "max", KERF_ROUND_DOWN);
        if (strcmp(type, "Pod") == 0) {
            range.pod_min = min;
            range.pod_max = max;
            continue;
        }
        range.container_min = min;
        range.container_max = max;
        range.default_limit = kerf_field_resources(reader, item, "default", KERF_ROUND_UP);
        range.default_request = kerf_field_resources(reader, item, "defaultRequest", KERF_ROUND_UP);
        fill_gaps(&range.default_limit, &max);
        fill_gaps(&range.default_request, &range.default_limit);
        fill_gaps(&range.default_request, &min);
    }
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->limit_ranges, range);
}
