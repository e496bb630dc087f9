/**
 * pass_relaxation: a pod's requirements, and how they are given up one by one. karpenter-provisioning.md 4.4, 4.7.
 */
#include "provisioning/provisioning_internal.h"

/* ---- requirements (4.4) ----------------------------------------------------------------------------------------------- */

/* Karpenter sorts the preferred terms in place, heaviest first, by its unstable sort: the order stays on the pod. */
static void sort_preferred_nodes(struct kerf_pass *pass, struct kerf_preferences *preferences, const struct kerf_pod_spec *spec)
{
    uint32_t count = preferences->preferred_node_count;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    uint32_t *keys = KERF_NEW_ARRAY(&pass->scratch, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_preferred_node_term *term = &spec->preferred_node_terms[preferences->preferred_nodes[i]];
        keys[i] = UINT32_MAX / 2 - (uint32_t)term->weight;
    }
    kerf_go_sort(keys, preferences->preferred_nodes, count);
    kerf_arena_rewind(&pass->scratch, mark);
}

static void compute_requirements(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->pod->spec;
    struct kerf_preferences *preferences = &pod->now.preferences;
    struct kerf_requirements strict = kerf_requirements_of_labels(&pass->arena, pass->vocabulary, &spec->node_selector);
    bool prefers = pass->options.preference_policy == KERF_PREFERENCES_RESPECT && preferences->preferred_node_count > 0;
    struct kerf_requirements full = {0};
    if (prefers) {
        sort_preferred_nodes(pass, preferences, spec);
        full = kerf_requirements_copy(&pass->arena, &strict);
        kerf_requirements_add_expressions(&pass->arena, pass->vocabulary, &full,
                                          &spec->preferred_node_terms[preferences->preferred_nodes[0]].term.match_expressions);
    }
    if (spec->required_node_term_count > 0) {
        const struct kerf_expressions *first = &spec->required_node_terms[preferences->required_first].match_expressions;
        kerf_requirements_add_expressions(&pass->arena, pass->vocabulary, &strict, first);
        if (prefers)
            kerf_requirements_add_expressions(&pass->arena, pass->vocabulary, &full, first);
    }
    pod->now.strict = strict;
    pod->now.full = prefers ? full : strict;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static uint32_t *positions(struct kerf_arena *arena, size_t count)
{
    uint32_t *items = count > 0 ? KERF_NEW_ARRAY(arena, uint32_t, count) : NULL;
    for (size_t i = 0; i < count; i++)
        items[i] = (uint32_t)i;
    return items;
}

static void copy_positions(uint32_t *to, const uint32_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = from[i];
}

/* Copies what relaxation changes; both sides keep arrays of their own. */
static void copy_preferences(struct kerf_preferences *to, const struct kerf_preferences *from)
{
    to->required_first = from->required_first;
    to->tolerates_prefer_no_schedule = from->tolerates_prefer_no_schedule;
    to->preferred_node_count = from->preferred_node_count;
    to->preferred_affinity_count = from->preferred_affinity_count;
    to->preferred_anti_affinity_count = from->preferred_anti_affinity_count;
    to->spread_count = from->spread_count;
    copy_positions(to->preferred_nodes, from->preferred_nodes, from->preferred_node_count);
    copy_positions(to->preferred_affinity, from->preferred_affinity, from->preferred_affinity_count);
    copy_positions(to->preferred_anti_affinity, from->preferred_anti_affinity, from->preferred_anti_affinity_count);
    copy_positions(to->spreads, from->spreads, from->spread_count);
}

static void init_preferences(struct kerf_pass *pass, const struct kerf_pod_spec *spec, struct kerf_preferences *preferences)
{
    *preferences = (struct kerf_preferences){
        .preferred_nodes = positions(&pass->arena, spec->preferred_node_term_count),
        .preferred_node_count = spec->preferred_node_term_count,
        .preferred_affinity = positions(&pass->arena, spec->preferred_affinity.count),
        .preferred_affinity_count = (uint32_t)spec->preferred_affinity.count,
        .preferred_anti_affinity = positions(&pass->arena, spec->preferred_anti_affinity.count),
        .preferred_anti_affinity_count = (uint32_t)spec->preferred_anti_affinity.count,
        .spreads = positions(&pass->arena, spec->spreads.count),
        .spread_count = pass->options.lifted & KERF_LIFT_SPREADS ? 0 : (uint32_t)spec->spreads.count,
    };
}

static bool tolerates_every_preference(const struct kerf_pod_spec *spec)
{
    for (size_t i = 0; i < spec->tolerations.count; i++) {
        const struct kerf_toleration *toleration = &spec->tolerations.items[i];
        if (toleration->op == KERF_TOLERATION_EXISTS && toleration->effect == KERF_TAINT_PREFER_NO_SCHEDULE &&
            (toleration->key == NULL || toleration->key->length == 0))
            return true;
    }
    return false;
}

void kerf_pass_read_pod(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->pod->spec;
    init_preferences(pass, spec, &pod->now.preferences);
    init_preferences(pass, spec, &pod->original.preferences);
    compute_requirements(pass, pod);
    copy_preferences(&pod->original.preferences, &pod->now.preferences);
    pod->original.full = pod->now.full;
    pod->original.strict = pod->now.strict;
    pod->can_relax = spec->required_node_term_count > 1 || spec->preferred_node_term_count > 0 ||
                     spec->preferred_affinity.count > 0 || spec->preferred_anti_affinity.count > 0 ||
                     pass->tolerate_prefer_no_schedule;
    for (size_t i = 0; i < spec->spreads.count; i++)
        pod->can_relax |= !spec->spreads.items[i].do_not_schedule;
    for (uint32_t i = 0; i < spec->container_count; i++)
        pod->has_host_ports |= !spec->containers[i].init && spec->containers[i].host_port_count > 0;
}

/* ---- one step (4.7) --------------------------------------------------------------------------------------------------- */

struct weight_context {
    const struct kerf_pod_affinity_term *affinity;
    const struct kerf_preferred_node_term *nodes;
};

static int compare_weights(const void *a, const void *b, void *context)
{
    const struct weight_context *weights = context;
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    if (weights->nodes != NULL)
        return kerf_compare_i64(weights->nodes[right].weight, weights->nodes[left].weight);
    return kerf_compare_i64(weights->affinity[right].weight, weights->affinity[left].weight);
}

/* Removes the heaviest term, of equal ones the first; the others are left in the order of their weights. */
static bool remove_heaviest(uint32_t *items, uint32_t *count, struct weight_context weights)
{
    if (*count == 0)
        return false;
    kerf_sort(items, *count, sizeof items[0], compare_weights, &weights);
    (*count)--;
    memmove(items, items + 1, *count * sizeof items[0]);
    return true;
}

static bool remove_schedule_anyway(struct kerf_preferences *preferences, const struct kerf_pod_spec *spec)
{
    for (uint32_t i = 0; i < preferences->spread_count; i++) {
        if (spec->spreads.items[preferences->spreads[i]].do_not_schedule)
            continue;
        preferences->spreads[i] = preferences->spreads[--preferences->spread_count]; /* the last one takes its place */
        return true;
    }
    return false;
}

static bool relax_once(const struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->pod->spec;
    struct kerf_preferences *preferences = &pod->now.preferences;
    if (spec->required_node_term_count > preferences->required_first + 1) {
        preferences->required_first++;
        return true;
    }
    if (remove_heaviest(preferences->preferred_affinity, &preferences->preferred_affinity_count,
                        (struct weight_context){spec->preferred_affinity.items, NULL}))
        return true;
    if (remove_heaviest(preferences->preferred_anti_affinity, &preferences->preferred_anti_affinity_count,
                        (struct weight_context){spec->preferred_anti_affinity.items, NULL}))
        return true;
    if (remove_heaviest(preferences->preferred_nodes, &preferences->preferred_node_count,
                        (struct weight_context){NULL, spec->preferred_node_terms}))
        return true;
    if (remove_schedule_anyway(preferences, spec))
        return true;
    if (!pass->tolerate_prefer_no_schedule || preferences->tolerates_prefer_no_schedule || tolerates_every_preference(spec))
        return false;
    preferences->tolerates_prefer_no_schedule = true;
    return true;
}

bool kerf_pass_relax(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    if (!pod->can_relax || !relax_once(pass, pod))
        return false;
    kerf_pass_update_topology(pass, pod);
    compute_requirements(pass, pod);
    return true;
}

void kerf_pass_restore(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    if (pod->can_relax) {
        copy_preferences(&pod->now.preferences, &pod->original.preferences);
        pod->now.full = pod->original.full;
        pod->now.strict = pod->original.strict;
    }
    if (!pod->original_has_groups) { /* now its topology is looked at after all (Q14) */
        kerf_pass_update_topology(pass, pod);
        pod->original.groups = pod->now.groups;
        pod->original_has_groups = true;
    }
    pod->now.groups = pod->original.groups;
}
