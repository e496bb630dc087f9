/**
 * explain: why the pods of a pass stay, by shape: a thousand replicas that ask the same are explained once. Works on the state in which
 * the pass ended: nothing was placed since a pod that stays was last tried, fully relaxed.
 */
#include <stdlib.h>

#include "provisioning/explain_internal.h"

const char *kerf_exclusion_rule_text(enum kerf_exclusion_rule rule)
{
    static const char *const texts[] = {
        [KERF_EXCLUDED_BY_NOTHING] = "accepts",
        [KERF_EXCLUDED_BY_VALIDATION] = "invalid-pod",
        [KERF_EXCLUDED_BY_RESOURCE_CLAIMS] = "resource-claims",
        [KERF_EXCLUDED_BY_END_OF_PASS] = "not-tried",
        [KERF_EXCLUDED_BY_RESERVATIONS] = "capacity-reservations",
        [KERF_EXCLUDED_BY_POOL] = "nodepool",
        [KERF_EXCLUDED_BY_OWN_DEMANDS] = "nodepool-requirements",
        [KERF_EXCLUDED_BY_NODE_LIMIT] = "node-limit",
        [KERF_EXCLUDED_BY_LIMITS] = "limits",
        [KERF_EXCLUDED_BY_TAINT] = "taint",
        [KERF_EXCLUDED_BY_VOLUME_LIMIT] = "volume-limit",
        [KERF_EXCLUDED_BY_REQUIREMENT] = "requirement",
        [KERF_EXCLUDED_BY_VOLUME] = "volume",
        [KERF_EXCLUDED_BY_SPREAD] = "topology-spread",
        [KERF_EXCLUDED_BY_AFFINITY] = "pod-affinity",
        [KERF_EXCLUDED_BY_ANTI_AFFINITY] = "pod-anti-affinity",
        [KERF_EXCLUDED_BY_OTHERS_ANTI_AFFINITY] = "anti-affinity-of-others",
        [KERF_EXCLUDED_BY_CONFLICT] = "topology-conflict",
        [KERF_EXCLUDED_BY_TYPES] = "instance-types",
        [KERF_EXCLUDED_BY_HOST_PORT] = "host-port",
        [KERF_EXCLUDED_BY_OFFERING] = "offering",
        [KERF_EXCLUDED_BY_RESOURCES] = "resources",
        [KERF_EXCLUDED_BY_MIN_VALUES] = "min-values",
    };
    _Static_assert(sizeof texts / sizeof texts[0] == KERF_EXCLUSION_RULE_COUNT, "a text for each rule");
    return texts[rule];
}

/* ---- one pod against all places ---------------------------------------------------------------------------------------- */

static void note(struct kerf_place_summary *summary, const struct kerf_exclusion *exclusion, kerf_name place, bool *out_kept)
{
    struct kerf_rule_count *counted = &summary->rules[exclusion->rule];
    summary->count++;
    counted->rule = exclusion->rule;
    *out_kept = counted->count++ == 0;
    if (!*out_kept && exclusion->rule == KERF_EXCLUDED_BY_RESOURCES) {
        int64_t new_excess = 0, old_excess = 0;
        for (uint32_t i = 0; i < exclusion->shortage_count; i++)
            new_excess = kerf_saturate_i64((kerf_i128)new_excess + kerf_shortage_excess(&exclusion->shortages[i]));
        for (uint32_t i = 0; i < counted->nearest.shortage_count; i++)
            old_excess = kerf_saturate_i64((kerf_i128)old_excess + kerf_shortage_excess(&counted->nearest.shortages[i]));
        uint32_t before = counted->nearest.shortage_count;
        *out_kept = exclusion->shortage_count > 0 &&
                    (before == 0 || exclusion->shortage_count < before ||
                     (exclusion->shortage_count == before && new_excess < old_excess));
    }
    if (!*out_kept)
        return;
    counted->place = place;
    counted->nearest = *exclusion;
}

/* Texts of places that are not shown are forgotten at once. */
static void ask_nodes(struct kerf_explainer *explainer, struct kerf_pass_pod *pod, struct kerf_place_summary *summary)
{
    for (uint32_t i = 0; i < explainer->pass->node_count; i++) {
        struct kerf_arena_mark mark = kerf_arena_mark(explainer->arena);
        bool kept;
        struct kerf_exclusion exclusion = kerf_explain_node(explainer, i, pod);
        note(summary, &exclusion, explainer->pass->nodes[i].name, &kept);
        if (!kept)
            kerf_arena_rewind(explainer->arena, mark);
        if (exclusion.rule == KERF_EXCLUDED_BY_NOTHING)
            return; /* the search ends there */
    }
}

static void ask_claims(struct kerf_explainer *explainer, struct kerf_pass_pod *pod, struct kerf_place_summary *summary)
{
    for (size_t i = 0; i < explainer->pass->claims.count; i++) {
        struct kerf_arena_mark mark = kerf_arena_mark(explainer->arena);
        bool kept;
        struct kerf_exclusion exclusion = kerf_explain_claim(explainer, explainer->pass->claims.items[i], pod);
        note(summary, &exclusion, NULL, &kept);
        if (!kept)
            kerf_arena_rewind(explainer->arena, mark);
    }
}

static void ask_pools(struct kerf_explainer *explainer, struct kerf_pass_pod *pod, struct kerf_explanation *explanation)
{
    struct kerf_pass *pass = explainer->pass;
    size_t all = pass->objects->nodepools.count;
    struct kerf_pool_exclusion *pools = KERF_NEW_ARRAY(explainer->arena, struct kerf_pool_exclusion, all);
    uint64_t *asked = KERF_NEW_ARRAY(explainer->arena, uint64_t, kerf_bitset_words(all));
    for (uint32_t i = 0; i < pass->template_count; i++) {
        struct kerf_template *template = &pass->templates[i];
        kerf_bit_set(asked, template->pool->nodepool_index);
        pools[explanation->pool_count++] = (struct kerf_pool_exclusion){template->pool->nodepool_index,
                                                                        kerf_explain_template(explainer, template, pod)};
    }
    for (uint32_t i = 0; i < all; i++)
        if (!kerf_bit_get(asked, i))
            pools[explanation->pool_count++] = (struct kerf_pool_exclusion){i, kerf_explain_pool(explainer, i)};
    explanation->pools = pools;
}

static void ask_places(struct kerf_explainer *explainer, struct kerf_pass_pod *pod, struct kerf_explanation *explanation)
{
    if (explainer->pass->has_pool && !pod->volumes_unreadable) /* without a NodePool no node is asked either (1.6, Q23) */
        ask_nodes(explainer, pod, &explanation->nodes);
    if (explainer->pass->has_pool)
        ask_claims(explainer, pod, &explanation->claims);
    ask_pools(explainer, pod, explanation);
}

void kerf_pass_explain_attempt(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    struct kerf_explainer explainer = {.pass = pass, .arena = pass->explain_arena};
    struct kerf_explanation *explanation = KERF_NEW(explainer.arena, struct kerf_explanation);
    explanation->pods = kerf_arena_copy(explainer.arena, &pod->id, sizeof pod->id);
    explanation->pod_count = 1;
    ask_places(&explainer, pod, explanation);
    pass->last_attempt = explanation;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------ */

struct stuck_shape {
    struct kerf_pass_pod pod;
    struct kerf_exclusion own;
    KERF_VEC(kerf_pod_id) pods;
    uint32_t next; /* with the same requests */
};

struct stuck_shapes {
    KERF_VEC(struct stuck_shape) items;
    struct kerf_id_map index;
};

static bool same_list(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof a[0]) == 0);
}

/* Labels tell pods apart only where some group selects one of them and not the other. */
static bool same_selection(const struct kerf_pass *pass, uint32_t a, uint32_t b)
{
    const struct kerf_label_class *left = &pass->topology.classes.items[a], *right = &pass->topology.classes.items[b];
    return a == b || (same_list(left->groups.items, left->groups.count, right->groups.items, right->groups.count) &&
                      same_list(left->inverse.items, left->inverse.count, right->inverse.items, right->inverse.count));
}

static bool same_alternatives(const struct kerf_pass_pod *a, const struct kerf_pass_pod *b)
{
    if (a->volumes_unreadable != b->volumes_unreadable || a->has_claim_volumes != b->has_claim_volumes ||
        a->volume_alternative_count != b->volume_alternative_count)
        return false;
    for (uint32_t i = 0; i < a->volume_alternative_count; i++) {
        const struct kerf_requirements *left = &a->volume_alternatives[i], *right = &b->volume_alternatives[i];
        if (left->count != right->count)
            return false;
        for (size_t k = 0; k < left->count; k++)
            if (!kerf_requirement_equal(&left->items[k], &right->items[k]))
                return false;
    }
    return true;
}

static bool asks_the_same(const struct kerf_pass *pass, const struct stuck_shape *shape, const struct kerf_pass_pod *pod,
                          const struct kerf_exclusion *own)
{
    const struct kerf_pod *sample = shape->pod.pod;
    return shape->own.rule == own->rule && sample->meta.namespace_name == pod->pod->meta.namespace_name &&
           kerf_resources_equal(sample->requests, pod->requests) &&
           (sample->spec == pod->pod->spec || kerf_pod_specs_ask_the_same(sample->spec, pod->pod->spec)) &&
           same_selection(pass, shape->pod.label_class, pod->label_class) && same_alternatives(&shape->pod, pod);
}

static struct kerf_exclusion own_exclusion(const struct kerf_pass *pass, const struct kerf_plan_refusal *refusal,
                                           const struct kerf_pod *pod)
{
    if (refusal->not_tried)
        return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_END_OF_PASS, .text = "the pass ended before its turn"};
    if (pass->objects->nodepools.count == 0)
        return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_POOL, .text = "there is no NodePool, and without one Karpenter places nothing"};
    if (pod->spec->resource_claim_count > 0)
        return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_RESOURCE_CLAIMS, .text = refusal->reason};
    if (refusal->is_deferred)
        return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_RESERVATIONS, .text = refusal->reason};
    for (size_t i = 0; i < pass->dropped.count; i++)
        if (kerf_pod_id_equal(pass->dropped.items[i].pod, refusal->pod))
            return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_MIN_VALUES, .text = refusal->reason};
    return (struct kerf_exclusion){0};
}

static void add_pod(struct kerf_pass *pass, struct stuck_shapes *shapes, const struct kerf_plan_refusal *refusal)
{
    const struct kerf_cluster_pod *found = kerf_cluster_pod(pass->cluster, refusal->pod);
    struct kerf_exclusion own = own_exclusion(pass, refusal, &found->pod);
    struct kerf_pass_pod pod = {.id = found->id, .pod = &found->pod, .requests = found->pod.requests, .ignores_window = true};
    pod.label_class = kerf_pass_label_class(pass, pod.pod);
    if (pod.pod->spec->volume_count > 0)
        kerf_pass_read_volumes(pass, &pod);
    uint64_t hash = kerf_requests_hash(0, pod.requests);
    uint32_t first = kerf_id_map_get(&shapes->index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = shapes->items.items[i].next) {
        if (!asks_the_same(pass, &shapes->items.items[i], &pod, &own))
            continue;
        KERF_VEC_PUSH(&shapes->items.items[i].pods, refusal->pod);
        return;
    }
    struct stuck_shape shape = {.pod = pod, .own = own, .next = first};
    KERF_VEC_PUSH(&shape.pods, refusal->pod);
    kerf_id_map_put(&shapes->index, hash, (uint32_t)shapes->items.count);
    KERF_VEC_PUSH(&shapes->items, shape);
}

/* As it was in its last attempt: nothing is left to relax. */
static void relax_fully(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    kerf_pass_read_pod(pass, pod);
    if (!pass->has_pool)
        return;
    kerf_pass_update_topology(pass, pod);
    while (kerf_pass_relax(pass, pod)) {
    }
}

static bool is_wanted(const struct kerf_pass *pass, const struct stuck_shape *shape)
{
    const kerf_pod_id *only = pass->input->explain_only;
    bool wanted = only == NULL;
    for (size_t i = 0; i < shape->pods.count && !wanted; i++)
        wanted = kerf_pod_id_equal(shape->pods.items[i], *only);
    return wanted;
}

void kerf_pass_explain(struct kerf_pass *pass, struct kerf_plan *plan)
{
    struct kerf_explainer explainer = {.pass = pass, .arena = &plan->arena};
    struct stuck_shapes shapes = {0};
    for (size_t i = 0; i < plan->refusal_count; i++)
        add_pod(pass, &shapes, &plan->refusals[i]);
    struct kerf_explanation *explanations = KERF_NEW_ARRAY(&plan->arena, struct kerf_explanation, shapes.items.count);
    for (size_t i = 0; i < shapes.items.count; i++) {
        struct stuck_shape *shape = &shapes.items.items[i];
        if (is_wanted(pass, shape)) {
            struct kerf_explanation *explanation = &explanations[plan->explanation_count++];
            explanation->pods = kerf_arena_copy(&plan->arena, shape->pods.items, shape->pods.count * sizeof shape->pods.items[0]);
            explanation->pod_count = shape->pods.count;
            explanation->own = shape->own;
            if (shape->own.rule == KERF_EXCLUDED_BY_NOTHING) {
                relax_fully(pass, &shape->pod);
                ask_places(&explainer, &shape->pod, explanation);
            }
        }
        KERF_VEC_FREE(&shape->pods);
    }
    plan->explanations = explanations;
    KERF_VEC_FREE(&shapes.items);
    kerf_id_map_fini(&shapes.index);
}
