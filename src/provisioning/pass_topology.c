/**
 * pass_topology: topology groups: which exist, who owns them, whom they select, what they count at the start.
 * karpenter-provisioning.md 7.1 to 7.3, 7.6.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- namespaces of a term (7.2) --------------------------------------------------------------------------------------- */

static void note_namespace(struct kerf_pass *pass, kerf_name namespace_name)
{
    for (size_t i = 0; i < pass->topology.namespaces.count; i++)
        if (pass->topology.namespaces.items[i] == namespace_name)
            return;
    KERF_VEC_PUSH(&pass->topology.namespaces, namespace_name);
}

/* Namespaces that were read, and those that pods are in: manifests often come without their Namespace object. */
static void list_namespaces(struct kerf_pass *pass)
{
    if (pass->topology.namespaces.count > 0)
        return;
    for (size_t i = 0; i < pass->objects->namespaces.count; i++)
        note_namespace(pass, pass->objects->namespaces.items[i].meta.name);
    kerf_name before = NULL;
    for (size_t i = 0; i < kerf_cluster_pod_count(pass->cluster); i++) {
        kerf_name namespace_name = kerf_cluster_pod_at(pass->cluster, i)->pod.meta.namespace_name;
        if (namespace_name != before && namespace_name != NULL)
            note_namespace(pass, namespace_name);
        before = namespace_name;
    }
}

static int compare_names(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_name_compare(*(const kerf_name *)a, *(const kerf_name *)b);
}

static void resolve_namespaces(struct kerf_pass *pass, const struct kerf_pod_affinity_term *term, kerf_name own,
                               struct kerf_topology_group *group)
{
    KERF_VEC(kerf_name) names = {0};
    if (term == NULL || (term->namespace_count == 0 && !term->namespace_selector.present))
        KERF_VEC_PUSH_IN(&pass->arena, &names, own);
    for (uint32_t i = 0; term != NULL && i < term->namespace_count; i++)
        KERF_VEC_PUSH_IN(&pass->arena, &names, term->namespaces[i]);
    if (term != NULL && term->namespace_selector.present) {
        list_namespaces(pass);
        for (size_t i = 0; i < pass->topology.namespaces.count; i++)
            if (kerf_namespace_matches(pass->cluster, &term->namespace_selector, pass->topology.namespaces.items[i]))
                KERF_VEC_PUSH_IN(&pass->arena, &names, pass->topology.namespaces.items[i]);
    }
    kerf_sort(names.items, names.count, sizeof names.items[0], compare_names, NULL);
    uint32_t kept = 0;
    for (size_t i = 0; i < names.count; i++)
        if (kept == 0 || names.items[kept - 1] != names.items[i])
            names.items[kept++] = names.items[i];
    group->namespaces = names.items;
    group->namespace_count = kept;
}

/* ---- identity (7.1) --------------------------------------------------------------------------------------------------- */

static uint64_t hash_selector(const struct kerf_label_selector *selector)
{
    uint64_t hash = selector->present ? 1 : 0;
    for (size_t i = 0; i < selector->expressions.count; i++) {
        const struct kerf_expression *expression = &selector->expressions.items[i];
        uint64_t values = 0;
        for (uint32_t k = 0; k < expression->value_count; k++)
            values += kerf_hash_mix(expression->values[k]->hash, 7);
        hash += kerf_hash_mix(kerf_hash_mix(expression->key->hash, (uint64_t)expression->op), values);
    }
    return hash;
}

/* Only the keys of the node requirements count, and of two terms with the same keys nothing is left (Q4): exclusive or, as in the
 * hash of sets that Karpenter uses. */
static uint64_t hash_filter(const struct kerf_pass *pass, const struct kerf_topology_group *group)
{
    uint64_t terms = 0;
    for (uint32_t i = 0; i < group->filter_term_count; i++) {
        uint64_t keys = 0;
        for (size_t k = 0; k < group->filter_terms[i].count; k++)
            keys ^= kerf_hash_mix(group->filter_terms[i].items[k].key->hash, 11);
        terms ^= kerf_hash_mix(keys, 13);
    }
    uint64_t tolerations = group->tolerates_prefer_no_schedule ? 17 : 0;
    for (size_t i = 0; i < group->tolerations.count; i++) {
        const struct kerf_toleration *toleration = &group->tolerations.items[i];
        uint64_t one = kerf_hash_mix(toleration->key != NULL ? toleration->key->hash : 0,
                                     toleration->value != NULL ? toleration->value->hash : 0);
        one = kerf_hash_mix(one, (uint64_t)toleration->op << 8 | (uint64_t)toleration->effect);
        tolerations ^= kerf_hash_mix(one, (uint64_t)toleration->toleration_seconds);
    }
    (void)pass;
    return kerf_hash_mix(kerf_hash_mix(terms, tolerations),
                         (uint64_t)group->honors_affinity << 1 | (uint64_t)group->honors_taints);
}

static uint64_t hash_group(const struct kerf_pass *pass, const struct kerf_topology_group *group)
{
    uint64_t hash = kerf_hash_mix(group->space->key->hash, (uint64_t)group->kind << 32 | (uint32_t)group->max_skew);
    for (uint32_t i = 0; i < group->namespace_count; i++)
        hash = kerf_hash_mix(hash, group->namespaces[i]->hash);
    hash = kerf_hash_mix(hash, hash_selector(&group->selector));
    return kerf_hash_mix(hash, group->kind == KERF_GROUP_SPREAD ? hash_filter(pass, group) : 0);
}

static bool same_group(const struct kerf_topology_group *a, const struct kerf_topology_group *b)
{
    if (a->identity != b->identity || a->kind != b->kind || a->inverse != b->inverse || a->space != b->space ||
        a->max_skew != b->max_skew || a->namespace_count != b->namespace_count)
        return false;
    for (uint32_t i = 0; i < a->namespace_count; i++)
        if (a->namespaces[i] != b->namespaces[i])
            return false;
    return kerf_label_selector_equal(&a->selector, &b->selector);
}

/* ---- making groups ---------------------------------------------------------------------------------------------------- */

/* The taints that keep a domain from a group: those of the pools that offer it, against the pod that makes the group (7.3, Q7).
 */
static void take_universe(struct kerf_pass *pass, struct kerf_topology_group *group, const struct kerf_tolerations *tolerations,
                          bool tolerates_prefer_no_schedule)
{
    const struct kerf_domain_space *space = group->space;
    size_t pool_words = kerf_bitset_words(pass->pool_count);
    bool takes_all = group->kind == KERF_GROUP_SPREAD && !group->honors_taints;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    uint64_t *tolerated = KERF_NEW_ARRAY(&pass->scratch, uint64_t, pool_words);
    unsigned effects = tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
    for (uint32_t i = 0; i < pass->pool_count; i++)
        if (takes_all || kerf_taints_untolerated(&pass->pools[i].nodepool->taints, tolerations, effects) == NULL)
            kerf_bit_set(tolerated, i);
    for (uint32_t domain = 0; domain < space->universe_count; domain++)
        for (size_t word = 0; word < pool_words; word++)
            if ((space->universe_pools[domain * pool_words + word] & tolerated[word]) != 0)
                kerf_group_register(group, domain);
    kerf_arena_rewind(&pass->scratch, mark);
}

/* The group with the wanted identity, made and counted if it is new; its position. */
static uint32_t find_or_make(struct kerf_pass *pass, struct kerf_topology_group *wanted,
                             const struct kerf_tolerations *tolerations, bool tolerates_prefer_no_schedule)
{
    struct kerf_topology *topology = &pass->topology;
    struct kerf_id_map *identities = wanted->inverse ? &topology->inverse_identities : &topology->identities;
    wanted->identity = hash_group(pass, wanted);
    uint32_t first = kerf_id_map_get(identities, wanted->identity);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = topology->groups.items[i]->next_same_identity)
        if (same_group(topology->groups.items[i], wanted))
            return i;
    struct kerf_topology_group *group = kerf_arena_copy(&pass->arena, wanted, sizeof *wanted);
    group->next_same_identity = first;
    uint32_t position = (uint32_t)topology->groups.count;
    kerf_id_map_put(identities, wanted->identity, position);
    KERF_VEC_PUSH(&topology->groups, group);
    take_universe(pass, group, tolerations, tolerates_prefer_no_schedule);
    if (!group->inverse)
        kerf_group_count_bound(pass, group);
    for (size_t i = 0; i < topology->classes.count; i++) {
        struct kerf_label_class *class = &topology->classes.items[i];
        if (!class->in_pass || !kerf_group_selects(pass, group, class->sample))
            continue;
        if (group->inverse)
            KERF_VEC_PUSH_IN(&pass->arena, &class->inverse, position);
        else
            KERF_VEC_PUSH_IN(&pass->arena, &class->groups, position);
    }
    return position;
}

static void read_filter(struct kerf_pass *pass, const struct kerf_pass_pod *pod, struct kerf_topology_group *group)
{
    const struct kerf_pod_spec *spec = pod->pod->spec;
    uint32_t first = pod->now.preferences.required_first;
    uint32_t count = spec->has_required_node_terms ? spec->required_node_term_count - first : 1;
    struct kerf_requirements *terms = KERF_NEW_ARRAY(&pass->arena, struct kerf_requirements, count);
    for (uint32_t i = 0; i < count; i++) {
        terms[i] = kerf_requirements_of_labels(&pass->arena, pass->vocabulary, &spec->node_selector);
        if (spec->has_required_node_terms)
            kerf_requirements_add_expressions(&pass->arena, pass->vocabulary, &terms[i],
                                              &spec->required_node_terms[first + i].match_expressions);
    }
    group->filter_terms = terms;
    group->filter_term_count = count;
    group->tolerations = spec->tolerations;
    group->tolerates_prefer_no_schedule = pod->now.preferences.tolerates_prefer_no_schedule;
}

static uint32_t spread_group(struct kerf_pass *pass, const struct kerf_pass_pod *pod, const struct kerf_topology_spread *spread)
{
    struct kerf_topology_group wanted = {
        .kind = KERF_GROUP_SPREAD,
        .space = kerf_pass_domain_space(pass, spread->topology_key),
        .selector = kerf_spread_selector(spread, &pod->pod->meta.labels, pass->vocabulary, &pass->arena),
        .max_skew = spread->max_skew,
        .min_domains = spread->min_domains,
        .honors_affinity = spread->node_affinity_policy == KERF_NODE_POLICY_HONOR,
        .honors_taints = spread->node_taints_policy == KERF_NODE_POLICY_HONOR,
    };
    resolve_namespaces(pass, NULL, pod->pod->meta.namespace_name, &wanted);
    read_filter(pass, pod, &wanted);
    return find_or_make(pass, &wanted, &pod->pod->spec->tolerations, pod->now.preferences.tolerates_prefer_no_schedule);
}

static uint32_t affinity_group(struct kerf_pass *pass, const struct kerf_pod *pod, bool tolerates_prefer_no_schedule,
                               const struct kerf_pod_affinity_term *term, enum kerf_group_kind kind, bool inverse)
{
    struct kerf_topology_group wanted = {
        .kind = kind,
        .inverse = inverse,
        .space = kerf_pass_domain_space(pass, term->topology_key),
        .selector = term->selector,
        .max_skew = INT32_MAX,
    };
    resolve_namespaces(pass, term, pod->meta.namespace_name, &wanted);
    return find_or_make(pass, &wanted, &pod->spec->tolerations, tolerates_prefer_no_schedule);
}

/* ---- ownership -------------------------------------------------------------------------------------------------------- */

static void own(struct kerf_group_list *list, uint32_t group)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == group)
            return;
    list->items[list->count++] = group;
}

void kerf_pass_update_topology(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->pod->spec;
    const struct kerf_preferences *preferences = &pod->now.preferences;
    bool prefers = pass->options.preference_policy == KERF_PREFERENCES_RESPECT;
    bool relaxed = preferences->tolerates_prefer_no_schedule;
    if (pod->inverse.items == NULL && spec->required_anti_affinity.count > 0) {
        pod->inverse.items = KERF_NEW_ARRAY(&pass->arena, uint32_t, spec->required_anti_affinity.count);
        for (size_t i = 0; i < spec->required_anti_affinity.count; i++)
            own(&pod->inverse,
                affinity_group(pass, pod->pod, relaxed, &spec->required_anti_affinity.items[i], KERF_GROUP_ANTI_AFFINITY, true));
    }
    size_t most = spec->spreads.count + spec->required_affinity.count + spec->preferred_affinity.count +
                  spec->required_anti_affinity.count + spec->preferred_anti_affinity.count;
    if (most == 0)
        return;
    struct kerf_group_list owned = {KERF_NEW_ARRAY(&pass->arena, uint32_t, most), 0};
    for (uint32_t i = 0; i < preferences->spread_count; i++) {
        const struct kerf_topology_spread *spread = &spec->spreads.items[preferences->spreads[i]];
        if (spread->do_not_schedule || prefers)
            own(&owned, spread_group(pass, pod, spread));
    }
    for (size_t i = 0; i < spec->required_affinity.count; i++)
        own(&owned, affinity_group(pass, pod->pod, relaxed, &spec->required_affinity.items[i], KERF_GROUP_AFFINITY, false));
    for (uint32_t i = 0; prefers && i < preferences->preferred_affinity_count; i++)
        own(&owned, affinity_group(pass, pod->pod, relaxed, &spec->preferred_affinity.items[preferences->preferred_affinity[i]],
                                   KERF_GROUP_AFFINITY, false));
    for (size_t i = 0; i < spec->required_anti_affinity.count; i++)
        own(&owned,
            affinity_group(pass, pod->pod, relaxed, &spec->required_anti_affinity.items[i], KERF_GROUP_ANTI_AFFINITY, false));
    for (uint32_t i = 0; prefers && i < preferences->preferred_anti_affinity_count; i++)
        own(&owned,
            affinity_group(pass, pod->pod, relaxed, &spec->preferred_anti_affinity.items[preferences->preferred_anti_affinity[i]],
                           KERF_GROUP_ANTI_AFFINITY, false));
    pod->now.groups = owned;
}

/* ---- the start of a pass ---------------------------------------------------------------------------------------------- */

static int compare_pods_by_uid(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_pod *left = *(const struct kerf_pod *const *)a;
    const struct kerf_pod *right = *(const struct kerf_pod *const *)b;
    int order = kerf_name_compare(left->meta.uid, right->meta.uid);
    return order != 0 ? order : kerf_compare_u64(kerf_meta_details(&left->meta)->input_index, kerf_meta_details(&right->meta)->input_index);
}

/* Required anti-affinity of pods that already run keeps the pods that it selects away from their domains. */
static void read_running_anti_affinity(struct kerf_pass *pass)
{
    for (size_t i = 0; i < pass->base->anti_affine_count; i++) {
        if (kerf_bit_get(pass->in_pass, pass->base->anti_affine[i]->id.index))
            continue;
        const struct kerf_pod *pod = &pass->base->anti_affine[i]->pod;
        const struct kerf_cluster_node *node = kerf_cluster_find_node(pass->cluster, pod->node_name);
        for (size_t k = 0; node != NULL && k < pod->spec->required_anti_affinity.count; k++) {
            const struct kerf_pod_affinity_term *term = &pod->spec->required_anti_affinity.items[k];
            uint32_t position = affinity_group(pass, pod, false, term, KERF_GROUP_ANTI_AFFINITY, true);
            struct kerf_topology_group *group = pass->topology.groups.items[position];
            kerf_name domain = kerf_labels_get(&node->node.meta.labels, term->topology_key);
            if (domain != NULL)
                kerf_group_record(group, kerf_domain_space_enter(group->space, domain));
        }
    }
}

static int compare_pass_pods_by_uid(const void *a, const void *b, void *context)
{
    const struct kerf_pass_pod *left = *(struct kerf_pass_pod *const *)a;
    const struct kerf_pass_pod *right = *(struct kerf_pass_pod *const *)b;
    return compare_pods_by_uid(&left->pod, &right->pod, context);
}

void kerf_pass_init_topology(struct kerf_pass *pass, struct kerf_pass_pod **pods, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pods[i]->label_class = kerf_pass_label_class(pass, pods[i]->pod);
        pass->topology.classes.items[pods[i]->label_class].in_pass = true;
    }
    read_running_anti_affinity(pass);
    struct kerf_pass_pod **constrained = KERF_NEW_ARRAY(&pass->arena, struct kerf_pass_pod *, count);
    size_t constrained_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct kerf_pod_spec *spec = pods[i]->pod->spec;
        if (!pods[i]->volumes_unreadable &&
            (spec->spreads.count > 0 || spec->required_affinity.count > 0 || spec->preferred_affinity.count > 0 ||
             spec->required_anti_affinity.count > 0 || spec->preferred_anti_affinity.count > 0))
            constrained[constrained_count++] = pods[i];
        pods[i]->original_has_groups = !pods[i]->volumes_unreadable;
    }
    kerf_sort(constrained, constrained_count, sizeof constrained[0], compare_pass_pods_by_uid, NULL);
    for (size_t i = 0; i < constrained_count; i++) {
        kerf_pass_update_topology(pass, constrained[i]);
        constrained[i]->original.groups = constrained[i]->now.groups;
    }
    for (uint32_t i = 0; i < pass->node_count; i++)
        kerf_pass_register_host(pass, pass->nodes[i].hostname);
}

void kerf_pass_fini_topology(struct kerf_pass *pass)
{
    struct kerf_topology *topology = &pass->topology;
    for (size_t i = 0; i < topology->groups.count; i++)
        free(topology->groups.items[i]->counts);
    for (size_t i = 0; i < topology->spaces.count; i++) {
        kerf_name_map_fini(&topology->spaces.items[i]->index);
        KERF_VEC_FREE(&topology->spaces.items[i]->names);
    }
    KERF_VEC_FREE(&topology->groups);
    KERF_VEC_FREE(&topology->spaces);
    KERF_VEC_FREE(&topology->classes);
    KERF_VEC_FREE(&topology->namespaces);
    kerf_id_map_fini(&topology->identities);
    kerf_id_map_fini(&topology->inverse_identities);
    kerf_id_map_fini(&topology->class_index);
}
