/** Affinity and topology spread of a pod spec. */
#include "manifest/manifest_internal.h"

static void read_pod_term(struct kerf_reader *reader, const struct kerf_value *item, struct kerf_pod_affinity_term *term)
{
    KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN_NEAR_MISSES, "topologyKey", "labelSelector", "namespaces", "namespaceSelector",
                    "matchLabelKeys", "mismatchLabelKeys");
    term->topology_key = kerf_field_required_name(reader, item, "topologyKey");
    term->selector = kerf_field_selector(reader, item, "labelSelector");
    term->namespaces = kerf_field_names(reader, item, "namespaces", &term->namespace_count);
    term->namespace_selector = kerf_field_selector(reader, item, "namespaceSelector");
    term->match_label_keys = kerf_field_names(reader, item, "matchLabelKeys", &term->match_label_key_count);
    term->mismatch_label_keys = kerf_field_names(reader, item, "mismatchLabelKeys", &term->mismatch_label_key_count);
}

static struct kerf_pod_affinity_terms read_pod_terms(struct kerf_reader *reader, const struct kerf_value *affinity,
                                                     bool preferred)
{
    const char *key =
        preferred ? "preferredDuringSchedulingIgnoredDuringExecution" : "requiredDuringSchedulingIgnoredDuringExecution";
    const struct kerf_value *list = kerf_field_list(reader, affinity, key);
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return (struct kerf_pod_affinity_terms){0};
    struct kerf_pod_affinity_term *terms = KERF_NEW_ARRAY(reader->arena, struct kerf_pod_affinity_term, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i];
        KERF_NOTE(reader, kerf_value_expect(item, KERF_VALUE_MAP, reader->errs));
        if (preferred) {
            terms[i].weight = kerf_field_i32(reader, item, "weight", 1, 100, 1);
            item = kerf_field_required_map(reader, item, "podAffinityTerm");
        }
        if (kerf_value_is_map(item))
            read_pod_term(reader, item, &terms[i]);
    }
    return (struct kerf_pod_affinity_terms){terms, count};
}

static void read_node_affinity(struct kerf_reader *reader, const struct kerf_value *affinity, struct kerf_pod_spec *spec)
{
    KERF_CHECK_KEYS(reader, affinity, KERF_KEYS_WARN_NEAR_MISSES, "requiredDuringSchedulingIgnoredDuringExecution",
                    "preferredDuringSchedulingIgnoredDuringExecution");
    const struct kerf_value *required = kerf_field_map(reader, affinity, "requiredDuringSchedulingIgnoredDuringExecution");
    if (required) {
        spec->has_required_node_terms = true;
        spec->required_node_terms = kerf_field_node_terms(reader, required, "nodeSelectorTerms", &spec->required_node_term_count);
        if (!kerf_value_get(required, "nodeSelectorTerms"))
            KERF_NOTE(reader, kerf_value_error(required, reader->errs, "nodeSelectorTerms is missing"));
    }
    const struct kerf_value *list = kerf_field_list(reader, affinity, "preferredDuringSchedulingIgnoredDuringExecution");
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return;
    struct kerf_preferred_node_term *terms = KERF_NEW_ARRAY(reader->arena, struct kerf_preferred_node_term, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *preference = kerf_field_required_map(reader, &list->items[i], "preference");
        terms[i].weight = kerf_field_i32(reader, &list->items[i], "weight", 1, 100, 1);
        if (preference)
            terms[i].term = kerf_value_node_term(reader, preference);
    }
    spec->preferred_node_terms = terms;
    spec->preferred_node_term_count = count;
}

void kerf_reader_affinity(struct kerf_reader *reader, const struct kerf_value *affinity, struct kerf_pod_spec *spec)
{
    if (!affinity)
        return;
    KERF_CHECK_KEYS(reader, affinity, KERF_KEYS_WARN_NEAR_MISSES, "nodeAffinity", "podAffinity", "podAntiAffinity");
    const struct kerf_value *node = kerf_field_map(reader, affinity, "nodeAffinity");
    const struct kerf_value *pod = kerf_field_map(reader, affinity, "podAffinity");
    const struct kerf_value *anti = kerf_field_map(reader, affinity, "podAntiAffinity");
    if (node)
        read_node_affinity(reader, node, spec);
    spec->required_affinity = read_pod_terms(reader, pod, false);
    spec->preferred_affinity = read_pod_terms(reader, pod, true);
    spec->required_anti_affinity = read_pod_terms(reader, anti, false);
    spec->preferred_anti_affinity = read_pod_terms(reader, anti, true);
}

static void read_spread(struct kerf_reader *reader, const struct kerf_value *item, struct kerf_topology_spread *spread)
{
    static const char *const actions[] = {"ScheduleAnyway", "DoNotSchedule"};
    static const char *const policies[] = {"Honor", "Ignore"};
    KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN_NEAR_MISSES, "maxSkew", "minDomains", "topologyKey", "whenUnsatisfiable",
                    "labelSelector", "matchLabelKeys", "nodeAffinityPolicy", "nodeTaintsPolicy");
    const struct kerf_value *required = NULL;
    KERF_NOTE(reader, kerf_value_require(item, "maxSkew", &required, reader->errs));
    KERF_NOTE(reader, kerf_value_require(item, "whenUnsatisfiable", &required, reader->errs));
    spread->max_skew = kerf_field_i32(reader, item, "maxSkew", 1, INT32_MAX, 1);
    spread->topology_key = kerf_field_required_name(reader, item, "topologyKey");
    spread->do_not_schedule = kerf_field_enum(reader, item, "whenUnsatisfiable", actions, KERF_COUNT_OF(actions), 0) == 1;
    spread->min_domains = kerf_field_i32(reader, item, "minDomains", 1, INT32_MAX, 0);
    if (spread->min_domains && !spread->do_not_schedule)
        KERF_NOTE(reader, kerf_value_error(kerf_value_get(item, "minDomains"), reader->errs,
                                           "minDomains wants whenUnsatisfiable: DoNotSchedule"));
    spread->node_affinity_policy =
        (enum kerf_node_policy)kerf_field_enum(reader, item, "nodeAffinityPolicy", policies, 2, KERF_NODE_POLICY_HONOR);
    spread->node_taints_policy =
        (enum kerf_node_policy)kerf_field_enum(reader, item, "nodeTaintsPolicy", policies, 2, KERF_NODE_POLICY_IGNORE);
    spread->selector = kerf_field_selector(reader, item, "labelSelector");
    spread->match_label_keys = kerf_field_names(reader, item, "matchLabelKeys", &spread->match_label_key_count);
}

struct kerf_topology_spreads kerf_field_spreads(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return (struct kerf_topology_spreads){0};
    struct kerf_topology_spread *spreads = KERF_NEW_ARRAY(reader->arena, struct kerf_topology_spread, count);
    for (uint32_t i = 0; i < count; i++) {
        KERF_NOTE(reader, kerf_value_expect(&list->items[i], KERF_VALUE_MAP, reader->errs));
        if (kerf_value_is_map(&list->items[i]))
            read_spread(reader, &list->items[i], &spreads[i]);
    }
    return (struct kerf_topology_spreads){spreads, count};
}
