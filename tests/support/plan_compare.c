#include "plan_compare.h"

static const char *pods_difference(const kerf_pod_id *a, size_t a_count, const kerf_pod_id *b, size_t b_count,
                                   struct kerf_arena *arena)
{
    for (size_t i = 0; i < a_count && i < b_count; i++)
        if (!kerf_pod_id_equal(a[i], b[i]))
            return kerf_arena_format(arena, "pod %zu is %u or %u", i, a[i].index, b[i].index);
    return a_count == b_count ? NULL : kerf_arena_format(arena, "%zu or %zu pods", a_count, b_count);
}

static const char *requirements_difference(const struct kerf_requirements *a, const struct kerf_requirements *b,
                                           struct kerf_arena *arena)
{
    if (a->count != b->count)
        return kerf_arena_format(arena, "%zu or %zu requirements", a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct kerf_requirement *left = &a->items[i], *right = &b->items[i];
        bool same = left->key == right->key && left->complement == right->complement && left->has_lower == right->has_lower &&
                    left->has_upper == right->has_upper && left->min_values == right->min_values && left->lower == right->lower &&
                    left->upper == right->upper && left->value_count == right->value_count;
        for (uint32_t k = 0; same && k < left->value_count; k++)
            same = left->values[k] == right->values[k];
        if (!same)
            return kerf_arena_format(arena, "requirements on %s and %s", left->key->text, right->key->text);
    }
    return NULL;
}

static const char *claim_difference(const struct kerf_planned_claim *a, const struct kerf_planned_claim *b,
                                    struct kerf_arena *arena)
{
    const char *difference = pods_difference(a->pods, a->pod_count, b->pods, b->pod_count, arena);
    if (difference == NULL)
        difference = requirements_difference(&a->requirements, &b->requirements, arena);
    if (difference != NULL)
        return difference;
    if (a->nodepool_index != b->nodepool_index)
        return "the pool";
    if (a->instance_type_count != b->instance_type_count)
        return kerf_arena_format(arena, "%zu or %zu types", a->instance_type_count, b->instance_type_count);
    for (size_t i = 0; i < a->instance_type_count; i++)
        if (a->instance_types[i] != b->instance_types[i])
            return kerf_arena_format(arena, "type %zu", i);
    if (!kerf_resources_equal(&a->requests, &b->requests))
        return "requests";
    if (a->capacity_types != b->capacity_types)
        return "capacity types";
    return a->min_values_relaxed != b->min_values_relaxed ? "lowered minValues" : NULL;
}

static const char *refusal_difference(const struct kerf_plan_refusal *a, const struct kerf_plan_refusal *b,
                                      struct kerf_arena *arena)
{
    if (!kerf_pod_id_equal(a->pod, b->pod))
        return kerf_arena_format(arena, "pod %u or %u", a->pod.index, b->pod.index);
    if (a->not_tried != b->not_tried)
        return "tried or not";
    if ((a->reason == NULL) != (b->reason == NULL) || (a->reason != NULL && strcmp(a->reason, b->reason) != 0))
        return kerf_arena_format(arena, "\"%s\" or \"%s\"", a->reason != NULL ? a->reason : "",
                                 b->reason != NULL ? b->reason : "");
    return NULL;
}

const char *plan_difference(const struct kerf_plan *a, const struct kerf_plan *b, struct kerf_arena *arena)
{
    const char *difference;
    if (a->stopped != b->stopped)
        return "stopped or not";
    for (size_t i = 0; i < a->claim_count && i < b->claim_count; i++)
        if ((difference = claim_difference(&a->claims[i], &b->claims[i], arena)) != NULL)
            return kerf_arena_format(arena, "claim %zu: %s", i, difference);
    if (a->claim_count != b->claim_count)
        return kerf_arena_format(arena, "%zu or %zu claims", a->claim_count, b->claim_count);
    for (size_t i = 0; i < a->existing_count && i < b->existing_count; i++) {
        const struct kerf_planned_placement *left = &a->existing[i], *right = &b->existing[i];
        if (!kerf_node_id_equal(left->node, right->node))
            return kerf_arena_format(arena, "node %u or %u", left->node.index, right->node.index);
        if ((difference = pods_difference(left->pods, left->pod_count, right->pods, right->pod_count, arena)) != NULL)
            return kerf_arena_format(arena, "node %zu: %s", i, difference);
    }
    if (a->existing_count != b->existing_count)
        return kerf_arena_format(arena, "%zu or %zu nodes", a->existing_count, b->existing_count);
    for (size_t i = 0; i < a->refusal_count && i < b->refusal_count; i++)
        if ((difference = refusal_difference(&a->refusals[i], &b->refusals[i], arena)) != NULL)
            return kerf_arena_format(arena, "refusal %zu: %s", i, difference);
    if (a->refusal_count != b->refusal_count)
        return kerf_arena_format(arena, "%zu or %zu refusals", a->refusal_count, b->refusal_count);
    if (a->attempts != b->attempts)
        return kerf_arena_format(arena, "%" PRIu64 " or %" PRIu64 " attempts", a->attempts, b->attempts);
    return NULL;
}
