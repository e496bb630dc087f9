/** NodePool and NodeClaim, also with the slips that people make in them. */
#include "manifest/manifest_internal.h"

/* ---- what both have
 * ------------------------------------------------------------------------------------------------------------- */

/** The group of `karpenter.k8s.aws/v1`. */
static kerf_name group_of(struct kerf_reader *reader, const struct kerf_value *api_version)
{
    const char *slash = strchr(api_version->text, '/');
    size_t length = slash ? (size_t)(slash - api_version->text) : strlen(api_version->text);
    return kerf_name_of_bytes(reader->vocabulary->names, api_version->text, length);
}

static struct kerf_nodeclass_ref read_nodeclass_ref(struct kerf_reader *reader, const struct kerf_value *ref)
{
    struct kerf_nodeclass_ref result = {0};
    if (!ref)
        return result;
    KERF_CHECK_KEYS(reader, ref, KERF_KEYS_WARN, "group", "kind", "name", "apiVersion");
    result.group = kerf_field_name(reader, ref, "group");
    result.kind = kerf_field_name(reader, ref, "kind");
    result.name = kerf_field_required_name(reader, ref, "name");
    const struct kerf_value *api_version = kerf_value_get(ref, "apiVersion");
    if (kerf_value_is_scalar(api_version)) {
        kerf_name group = group_of(reader, api_version);
        kerf_value_warn(api_version, reader->errs, "nodeClassRef names a group, not an apiVersion; group: %s is meant",
                        group->text);
        if (!result.group)
            result.group = group;
    } else if (!result.group) {
        kerf_value_warn(ref, reader->errs, "group is missing; group: karpenter.k8s.aws is meant");
    }
    if (!result.group)
        result.group = kerf_name_of(reader->vocabulary->names, "karpenter.k8s.aws");
    if (!result.kind) {
        kerf_value_warn(ref, reader->errs, "kind is missing; kind: EC2NodeClass is meant");
        result.kind = kerf_name_of(reader->vocabulary->names, "EC2NodeClass");
    }
    return result;
}

static struct kerf_expressions read_requirements(struct kerf_reader *reader, const struct kerf_value *spec)
{
    struct kerf_expressions requirements = kerf_field_expressions(reader, spec, "requirements", true);
    const struct kerf_value *list = kerf_value_get(spec, "requirements");
    for (uint32_t i = 0; i < kerf_value_count(list); i++)
        if (kerf_value_is_map(&list->items[i]))
            KERF_CHECK_KEYS(reader, &list->items[i], KERF_KEYS_WARN, "key", "operator", "values", "minValues");
    for (size_t i = 0; i < requirements.count; i++) {
        const struct kerf_expression *item = &requirements.items[i];
        int64_t bound;
        if (item->op >= KERF_OP_GT && item->value_count == 1 && kerf_parse_i64(item->values[0]->text, &bound) && bound < 0)
            KERF_NOTE(reader, kerf_value_error(list, reader->errs, "%s %s wants a number that is not negative", item->key->text,
                                               kerf_operator_text(item->op)));
        if (item->op == KERF_OP_IN && item->min_values > (int32_t)item->value_count)
            KERF_NOTE(reader,
                      kerf_value_error(list, reader->errs, "%s lists %" PRIu32 " values, fewer than its minValues %" PRId32,
                                       item->key->text, item->value_count, item->min_values));
    }
    return requirements;
}

/* ---- NodePool
 * ------------------------------------------------------------------------------------------------------------------- */

/** Where the pieces of a template lie, and the depths at which they are often written instead. */
struct depths {
    const struct kerf_value *spec;       /* spec */
    const struct kerf_value *template;   /* spec.template */
    const struct kerf_value *pod_like;   /* spec.template.spec: right */
    const struct kerf_value *disruption; /* spec.disruption */
};

/** The map that holds `key`: the template's spec, or another depth with a warning. */
static const struct kerf_value *holder_of(struct kerf_reader *reader, const struct depths *depths, const char *key)
{
    if (kerf_value_get_or_null(depths->pod_like, key))
        return depths->pod_like;
    const struct kerf_value *elsewhere[] = {depths->template, depths->spec, depths->disruption};
    for (size_t i = 0; i < KERF_COUNT_OF(elsewhere); i++) {
        const struct kerf_value *value = kerf_value_get(elsewhere[i], key);
        if (!value)
            continue;
        kerf_value_warn(value, reader->errs,
                        "%s belongs under spec.template.spec since karpenter.sh/v1; read as if it stood there", key);
        return elsewhere[i];
    }
    return depths->pod_like;
}

static void read_budget_value(struct kerf_reader *reader, const struct kerf_value *item, struct kerf_budget *budget)
{
    const struct kerf_value *nodes = kerf_value_get(item, "nodes");
    if (!nodes) {
        budget->percent = true;
        budget->value = 10;
        return;
    }
    kerf_reader_want_text(reader, nodes);
    struct kerf_int_or_percent value = kerf_field_int_or_percent(reader, item, "nodes");
    if (value.percent && value.value > 100)
        KERF_NOTE(reader, kerf_value_error(nodes, reader->errs, "\"%s\" is more than all nodes; expected 0%% to 100%% or a count",
                                           nodes->text));
    budget->percent = value.percent;
    budget->value = value.value;
    budget->unparseable = !value.present;
}

static void read_budget(struct kerf_reader *reader, const struct kerf_value *item, struct kerf_budget *budget)
{
    static const char *const reasons[] = {"Empty", "Drifted", "Underutilized"};
    KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN, "nodes", "reasons", "schedule", "duration");
    *budget = (struct kerf_budget){.duration_us = KERF_TIME_UNSET};
    read_budget_value(reader, item, budget);
    const struct kerf_value *list = kerf_field_list(reader, item, "reasons");
    budget->has_reasons = list != NULL;
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        uint32_t index = KERF_COUNT_OF(reasons);
        KERF_NOTE(reader, kerf_value_read_enum(&list->items[i], reasons, KERF_COUNT_OF(reasons), &index, reader->errs));
        if (index < KERF_COUNT_OF(reasons))
            budget->reasons |= 1u << index; /* the order of enum kerf_disruption_reason */
    }
    budget->schedule = kerf_field_name(reader, item, "schedule");
    budget->duration_us = kerf_field_duration(reader, item, "duration", false, KERF_TIME_UNSET);
    if ((budget->schedule != NULL) != (budget->duration_us != KERF_TIME_UNSET))
        KERF_NOTE(reader, kerf_value_error(item, reader->errs, "schedule and duration want each other"));
    if (budget->duration_us != KERF_TIME_UNSET && budget->duration_us % KERF_MINUTE_US != 0)
        KERF_NOTE(reader, kerf_value_error(kerf_value_get(item, "duration"), reader->errs, "expected hours and minutes only"));
}

static void read_budgets(struct kerf_reader *reader, const struct kerf_value *disruption, struct kerf_nodepool *nodepool)
{
    static const struct kerf_budget ten_percent = {.percent = true, .value = 10, .duration_us = KERF_TIME_UNSET};
    const struct kerf_value *list = kerf_field_list(reader, disruption, "budgets");
    if (!list) {
        nodepool->budgets = &ten_percent;
        nodepool->budget_count = 1;
        return;
    }
    if (list->count > 50)
        KERF_NOTE(reader, kerf_value_error(list, reader->errs, "%" PRIu32 " budgets, expected at most 50", list->count));
    if (list->count == 0)
        return; /* no limit at all */
    struct kerf_budget *budgets = KERF_NEW_ARRAY(reader->arena, struct kerf_budget, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        KERF_NOTE(reader, kerf_value_expect(&list->items[i], KERF_VALUE_MAP, reader->errs));
        read_budget(reader, &list->items[i], &budgets[i]);
    }
    nodepool->budgets = budgets;
    nodepool->budget_count = list->count;
}

static void read_disruption(struct kerf_reader *reader, const struct kerf_value *disruption, struct kerf_nodepool *nodepool)
{
    static const char *const policies[] = {"WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"};
    nodepool->consolidation_policy = KERF_WHEN_EMPTY_OR_UNDERUTILIZED;
    if (disruption)
        KERF_CHECK_KEYS(reader, disruption, KERF_KEYS_WARN, "consolidationPolicy", "consolidateAfter", "budgets", "expireAfter",
                        "nodeClassRef", "terminationGracePeriod");
    const char *policy = kerf_value_get_text_or(disruption, "consolidationPolicy", "");
    if (strcmp(policy, "WhenUnderutilized") == 0)
        kerf_value_warn(kerf_value_get(disruption, "consolidationPolicy"), reader->errs,
                        "WhenUnderutilized is called WhenEmptyOrUnderutilized since karpenter.sh/v1");
    else
        nodepool->consolidation_policy = (enum kerf_consolidation_policy)kerf_field_enum(
            reader, disruption, "consolidationPolicy", policies, KERF_COUNT_OF(policies), KERF_WHEN_EMPTY_OR_UNDERUTILIZED);
    nodepool->consolidate_after_us = kerf_field_duration(reader, disruption, "consolidateAfter", true, 0);
    read_budgets(reader, disruption, nodepool);
}

static void read_limits(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_nodepool_limits *limits)
{
    const struct kerf_value *entries = kerf_field_map(reader, spec, "limits");
    const struct kerf_value *nested = kerf_value_get(entries, "resources");
    if (kerf_value_is_map(nested)) { /* limits of a Provisioner */
        kerf_value_warn(nested, reader->errs, "limits holds the resources itself since NodePools; read as if they stood there");
        entries = nested;
    }
    limits->nodes = -1;
    for (uint32_t i = 0; i < kerf_value_count(entries); i++) {
        const struct kerf_value *entry = &entries->items[i];
        if (strcmp(entry->key, "nodes") != 0)
            kerf_reader_add_resource(reader, &limits->resources, entry->key, entry, KERF_ROUND_DOWN);
        else if (!kerf_value_quantity(reader, entry, 0, KERF_ROUND_DOWN, &limits->nodes))
            limits->nodes = -1;
    }
}

static void read_template(struct kerf_reader *reader, const struct kerf_value *spec, const struct kerf_value *disruption,
                          struct kerf_nodepool *nodepool)
{
    const struct kerf_value *template = kerf_field_required_map(reader, spec, "template");
    const struct kerf_value *metadata = kerf_field_map(reader, template, "metadata");
    struct depths depths = {spec, template, kerf_field_map(reader, template, "spec"), disruption};
    if (template)
        KERF_CHECK_KEYS(reader, template, KERF_KEYS_WARN, "metadata", "spec", "expireAfter", "nodeClassRef",
                        "terminationGracePeriod", "taints", "startupTaints", "requirements");
    if (metadata)
        KERF_CHECK_KEYS(reader, metadata, KERF_KEYS_WARN, "labels", "annotations");
    if (kerf_value_get(depths.pod_like, "kubelet"))
        kerf_value_warn(kerf_value_get(depths.pod_like, "kubelet"), reader->errs,
                        "kubelet settings belong to the EC2NodeClass (spec.kubelet) since karpenter.sh/v1; passed over here");
    if (depths.pod_like)
        KERF_CHECK_KEYS(reader, depths.pod_like, KERF_KEYS_WARN, "nodeClassRef", "requirements", "taints", "startupTaints",
                        "expireAfter", "terminationGracePeriod", "kubelet", "resources");
    nodepool->template_labels = kerf_field_labels(reader, metadata, "labels");
    nodepool->template_annotations = kerf_field_annotations(reader, metadata, "annotations");
    nodepool->requirements = read_requirements(reader, holder_of(reader, &depths, "requirements"));
    nodepool->taints = kerf_field_taints(reader, holder_of(reader, &depths, "taints"), "taints");
    nodepool->startup_taints = kerf_field_taints(reader, holder_of(reader, &depths, "startupTaints"), "startupTaints");
    const struct kerf_value *holder = holder_of(reader, &depths, "nodeClassRef");
    if (holder || template)
        nodepool->nodeclass =
            read_nodeclass_ref(reader, kerf_field_required_map(reader, holder ? holder : template, "nodeClassRef"));
    nodepool->expire_after_us =
        kerf_field_duration(reader, holder_of(reader, &depths, "expireAfter"), "expireAfter", true, 720 * KERF_HOUR_US);
    nodepool->termination_grace_period_us = kerf_field_duration(reader, holder_of(reader, &depths, "terminationGracePeriod"),
                                                                "terminationGracePeriod", false, KERF_TIME_UNSET);
}

void kerf_read_nodepool(struct kerf_reader *reader, const struct kerf_value *object)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_nodepool nodepool = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *status = kerf_field_map(reader, object, "status");
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN, "template", "disruption", "limits", "weight", "replicas", "expireAfter",
                    "nodeClassRef", "terminationGracePeriod", "taints", "startupTaints", "requirements");
    const struct kerf_value *disruption = kerf_field_map(reader, spec, "disruption");
    nodepool.weight = kerf_field_i32(reader, spec, "weight", 1, 100, 0);
    nodepool.replicas = kerf_field_i64(reader, spec, "replicas", 0, INT32_MAX, -1);
    read_limits(reader, spec, &nodepool.limits);
    read_template(reader, spec, disruption, &nodepool);
    read_disruption(reader, disruption, &nodepool);
    nodepool.has_status = kerf_value_count(status) > 0;
    nodepool.conditions = kerf_field_conditions(reader, status);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->nodepools, nodepool);
}

/* ---- NodeClaim
 * ------------------------------------------------------------------------------------------------------------------ */

void kerf_read_nodeclaim(struct kerf_reader *reader, const struct kerf_value *object)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_nodeclaim claim = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *status = kerf_field_map(reader, object, "status");
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN, "nodeClassRef", "requirements", "taints", "startupTaints", "expireAfter",
                    "terminationGracePeriod", "resources");
    claim.nodeclass = read_nodeclass_ref(reader, kerf_field_required_map(reader, spec, "nodeClassRef"));
    claim.requirements = read_requirements(reader, spec);
    claim.requests = kerf_field_resources(reader, kerf_field_map(reader, spec, "resources"), "requests", KERF_ROUND_UP);
    claim.taints = kerf_field_taints(reader, spec, "taints");
    claim.startup_taints = kerf_field_taints(reader, spec, "startupTaints");
    claim.expire_after_us = kerf_field_duration(reader, spec, "expireAfter", true, KERF_TIME_NEVER);
    claim.termination_grace_period_us = kerf_field_duration(reader, spec, "terminationGracePeriod", false, KERF_TIME_UNSET);
    claim.provider_id = kerf_field_name(reader, status, "providerID");
    claim.node_name = kerf_field_name(reader, status, "nodeName");
    claim.image_id = kerf_field_name(reader, status, "imageID");
    claim.capacity = kerf_field_resources(reader, status, "capacity", KERF_ROUND_DOWN);
    claim.allocatable = kerf_field_resources(reader, status, "allocatable", KERF_ROUND_DOWN);
    claim.conditions = kerf_field_conditions(reader, status);
    claim.last_pod_event_epoch_us = kerf_field_time(reader, status, "lastPodEventTime");
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->nodeclaims, claim);
}
