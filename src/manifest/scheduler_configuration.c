/** KubeSchedulerConfiguration: the profile `default-scheduler`, or the first, as far as kerf follows it. */
#include "manifest/manifest_internal.h"

static const struct kerf_resource_weight *read_weights(struct kerf_reader *reader, const struct kerf_value *map, const char *key,
                                                       int64_t weight_max, uint32_t *out_count)
{
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    *out_count = kerf_value_count(list);
    if (*out_count == 0)
        return NULL;
    struct kerf_resource_weight *weights = KERF_NEW_ARRAY(reader->arena, struct kerf_resource_weight, *out_count);
    for (uint32_t i = 0; i < *out_count; i++) {
        weights[i].resource = kerf_field_required_name(reader, &list->items[i], "name");
        weights[i].weight = kerf_field_i64(reader, &list->items[i], "weight", 0, weight_max, 1);
        if (weights[i].weight == 0)
            weights[i].weight = 1; /* as the API defaults it */
    }
    return weights;
}

static void read_shape(struct kerf_reader *reader, const struct kerf_value *ratio,
                       struct kerf_scheduler_configuration *configuration)
{
    const struct kerf_value *list = kerf_field_list(reader, ratio, "shape");
    uint32_t count = kerf_value_count(list);
    struct kerf_shape_point *points = KERF_NEW_ARRAY(reader->arena, struct kerf_shape_point, count);
    for (uint32_t i = 0; i < count; i++) {
        points[i].utilization = kerf_field_i32(reader, &list->items[i], "utilization", 0, 100, 0);
        points[i].score = kerf_field_i32(reader, &list->items[i], "score", 0, 10, 0);
        if (i > 0 && points[i].utilization <= points[i - 1].utilization)
            KERF_NOTE(reader, kerf_value_error(&list->items[i], reader->errs, "utilization must rise from point to point"));
    }
    configuration->shape = points;
    configuration->shape_count = count;
}

static void read_fit_args(struct kerf_reader *reader, const struct kerf_value *args,
                          struct kerf_scheduler_configuration *configuration)
{
    static const char *const strategies[] = {"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"};
    const struct kerf_value *strategy = kerf_field_map(reader, args, "scoringStrategy");
    uint32_t index = kerf_field_enum(reader, strategy, "type", strategies, KERF_COUNT_OF(strategies), 0);
    configuration->fit_strategy = index == 1   ? KERF_FIT_MOST_ALLOCATED
                                  : index == 2 ? KERF_FIT_REQUESTED_TO_CAPACITY_RATIO
                                               : KERF_FIT_LEAST_ALLOCATED;
    configuration->fit_resources = read_weights(reader, strategy, "resources", 100, &configuration->fit_resource_count);
    if (index != 2)
        return;
    const struct kerf_value *ratio = kerf_field_required_map(reader, strategy, "requestedToCapacityRatio");
    if (ratio)
        read_shape(reader, ratio, configuration);
}

static void read_plugin_args(struct kerf_reader *reader, const struct kerf_value *item,
                             struct kerf_scheduler_configuration *configuration)
{
    static const char *const defaulting[] = {"System", "List"};
    const char *name = kerf_value_get_text_or(item, "name", "");
    const struct kerf_value *args = kerf_field_map(reader, item, "args");
    if (!args)
        return;
    if (strcmp(name, "NodeResourcesFit") == 0) {
        read_fit_args(reader, args, configuration);
    } else if (strcmp(name, "NodeResourcesBalancedAllocation") == 0) {
        configuration->balanced_resources = read_weights(reader, args, "resources", 1, &configuration->balanced_resource_count);
    } else if (strcmp(name, "PodTopologySpread") == 0) {
        configuration->spread_defaults_list =
            kerf_field_enum(reader, args, "defaultingType", defaulting, KERF_COUNT_OF(defaulting), 0) == 1;
        configuration->default_spreads = kerf_field_spreads(reader, args, "defaultConstraints");
    } else if (strcmp(name, "InterPodAffinity") == 0) {
        configuration->hard_pod_affinity_weight = kerf_field_i64(reader, args, "hardPodAffinityWeight", 0, 100, 1);
        configuration->ignore_preferred_terms_of_existing_pods =
            kerf_field_bool(reader, args, "ignorePreferredTermsOfExistingPods", false);
    } else if (strcmp(name, "NodeAffinity") == 0) {
        const struct kerf_value *required = kerf_field_map(reader, kerf_field_map(reader, args, "addedAffinity"),
                                                           "requiredDuringSchedulingIgnoredDuringExecution");
        uint32_t count;
        const struct kerf_node_selector_term *terms = kerf_field_node_terms(reader, required, "nodeSelectorTerms", &count);
        if (count > 1)
            kerf_value_warn(required, reader->errs, "only the first of %" PRIu32 " terms of addedAffinity is followed", count);
        configuration->has_added_affinity = count > 0;
        if (count > 0)
            configuration->added_affinity = terms[0];
    }
}

static void read_plugins(struct kerf_reader *reader, const struct kerf_value *plugins,
                         struct kerf_scheduler_configuration *configuration)
{
    KERF_VEC(kerf_name) disabled = {0};
    KERF_VEC(struct kerf_resource_weight) weights = {0};
    for (uint32_t i = 0; i < kerf_value_count(plugins); i++) {
        const struct kerf_value *point = &plugins->items[i]; /* an extension point: score, filter, multiPoint, ... */
        const struct kerf_value *off = kerf_field_list(reader, point, "disabled"),
                                *on = kerf_field_list(reader, point, "enabled");
        for (uint32_t j = 0; j < kerf_value_count(off); j++)
            KERF_VEC_PUSH_IN(reader->arena, &disabled, kerf_field_required_name(reader, &off->items[j], "name"));
        if (strcmp(point->key, "score") != 0 && strcmp(point->key, "multiPoint") != 0)
            continue;
        for (uint32_t j = 0; j < kerf_value_count(on); j++) {
            kerf_name name = kerf_field_required_name(reader, &on->items[j], "name");
            int64_t weight = kerf_field_i64(reader, &on->items[j], "weight", 0, INT32_MAX, 1);
            KERF_VEC_PUSH_IN(reader->arena, &weights,
                             (struct kerf_resource_weight){.resource = name, .weight = weight ? weight : 1});
        }
    }
    configuration->disabled_plugins = disabled.items;
    configuration->disabled_plugin_count = (uint32_t)disabled.count;
    configuration->plugin_weights = weights.items;
    configuration->plugin_weight_count = (uint32_t)weights.count;
}

void kerf_read_scheduler_configuration(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_scheduler_configuration configuration = {.present = true, .hard_pod_affinity_weight = 1};
    const struct kerf_value *profiles = kerf_field_list(reader, object, "profiles");
    const struct kerf_value *profile = kerf_value_count(profiles) ? &profiles->items[0] : NULL;
    reader->objects->object_count++;
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "profiles", "percentageOfNodesToScore",
                    "parallelism", "leaderElection", "clientConnection", "enableProfiling", "enableContentionProfiling",
                    "podInitialBackoffSeconds", "podMaxBackoffSeconds", "extenders", "delayCacheUntilActive");
    for (uint32_t i = 0; i < kerf_value_count(profiles); i++)
        if (strcmp(kerf_value_get_text_or(&profiles->items[i], "schedulerName", "default-scheduler"), "default-scheduler") == 0)
            profile = &profiles->items[i];
    configuration.percentage_of_nodes_to_score = kerf_field_i32(reader, object, "percentageOfNodesToScore", 0, 100, 0);
    if (kerf_value_get(profile, "percentageOfNodesToScore"))
        configuration.percentage_of_nodes_to_score = kerf_field_i32(reader, profile, "percentageOfNodesToScore", 0, 100, 0);
    const struct kerf_value *arguments = kerf_field_list(reader, profile, "pluginConfig");
    for (uint32_t i = 0; i < kerf_value_count(arguments); i++)
        read_plugin_args(reader, &arguments->items[i], &configuration);
    read_plugins(reader, kerf_field_map(reader, profile, "plugins"), &configuration);
    if (reader->objects->scheduler.present)
        KERF_NOTE(reader, kerf_value_error(object, reader->errs, "a second KubeSchedulerConfiguration"));
    reader->objects->scheduler = configuration;
}
