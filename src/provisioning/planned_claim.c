/** planned_claim: the NodeClaim object of a claim that a pass has planned. karpenter-provisioning.md 4.8, 9.3. */
#include "provisioning/provisioning_internal.h"

/* ---- requirements as written (4.8) ------------------------------------------------------------------------------------ */

static kerf_name integer_name(struct kerf_vocabulary *vocabulary, int64_t value)
{
    return kerf_name_format(vocabulary->names, "%" PRId64, value);
}

static void write_bound(struct kerf_vocabulary *vocabulary, struct kerf_arena *arena, const struct kerf_requirement *requirement,
                        enum kerf_operator op, int64_t bound, struct kerf_expression *out)
{
    kerf_name *value = KERF_NEW(arena, kerf_name);
    *value = integer_name(vocabulary, bound);
    *out = (struct kerf_expression){requirement->key, op, value, 1, requirement->min_values};
}

struct kerf_expressions kerf_requirements_write(struct kerf_vocabulary *vocabulary, struct kerf_arena *arena,
                                                const struct kerf_requirements *requirements)
{
    struct kerf_expression *items = KERF_NEW_ARRAY(arena, struct kerf_expression, requirements->count * 2);
    size_t count = 0;
    for (size_t i = 0; i < requirements->count; i++) {
        const struct kerf_requirement *requirement = &requirements->items[i];
        if (requirement->has_lower)
            write_bound(vocabulary, arena, requirement, KERF_OP_GTE, requirement->lower, &items[count++]);
        if (requirement->has_upper)
            write_bound(vocabulary, arena, requirement, KERF_OP_LTE, requirement->upper, &items[count++]);
        if (!requirement->has_lower && !requirement->has_upper)
            items[count++] = (struct kerf_expression){requirement->key, kerf_requirement_operator(requirement),
                                                      requirement->values, requirement->value_count, requirement->min_values};
    }
    return (struct kerf_expressions){items, count};
}

/* ---- labels ----------------------------------------------------------------------------------------------------------- */

/* Karpenter takes any member or integer; here the first by name, or the lowest (section 14). */
static kerf_name any_value(struct kerf_vocabulary *vocabulary, const struct kerf_requirement *requirement)
{
    if (!requirement->complement)
        return requirement->value_count > 0 ? requirement->values[0] : NULL;
    int64_t value = requirement->has_lower   ? requirement->lower
                    : requirement->has_upper ? kerf_min_i64(0, requirement->upper)
                                             : 0;
    for (;; value++) {
        kerf_name name = integer_name(vocabulary, value);
        if (kerf_requirement_has(requirement, name))
            return name;
        if (requirement->has_upper && value >= requirement->upper)
            return NULL;
    }
}

static bool is_custom_key(const struct kerf_vocabulary *vocabulary, kerf_name key)
{
    return !kerf_vocabulary_is_well_known(vocabulary, key) && key != vocabulary->key_hostname &&
           key != vocabulary->key_ec2nodeclass && key != vocabulary->key_registered && key != vocabulary->key_initialized;
}

static struct kerf_labels claim_labels(struct kerf_vocabulary *vocabulary, const struct kerf_nodepool *nodepool,
                                       const struct kerf_requirements *requirements, struct kerf_arena *arena)
{
    struct kerf_label *items =
        KERF_NEW_ARRAY(arena, struct kerf_label, nodepool->template_labels.count + requirements->count + 2);
    size_t count = 0;
    for (size_t i = 0; i < nodepool->template_labels.count; i++)
        items[count++] = nodepool->template_labels.items[i];
    items[count++] = (struct kerf_label){vocabulary->key_nodepool, nodepool->meta.name};
    items[count++] = (struct kerf_label){vocabulary->key_ec2nodeclass, nodepool->nodeclass.name};
    for (size_t i = 0; i < requirements->count; i++) {
        const struct kerf_requirement *requirement = &requirements->items[i];
        kerf_name value = is_custom_key(vocabulary, requirement->key) ? any_value(vocabulary, requirement) : NULL;
        if (value != NULL)
            items[count++] = (struct kerf_label){requirement->key, value};
    }
    return kerf_labels_sorted(arena, items, count);
}

static struct kerf_labels claim_annotations(struct kerf_vocabulary *vocabulary, const struct kerf_nodepool *nodepool,
                                            const struct kerf_planned_claim *planned, struct kerf_arena *arena)
{
    static const char *const from_pool[] = {"karpenter.sh/nodepool-hash", "karpenter.sh/nodepool-hash-version"};
    struct kerf_label *items = KERF_NEW_ARRAY(arena, struct kerf_label, nodepool->template_annotations.count + 3);
    size_t count = 0;
    for (size_t i = 0; i < nodepool->template_annotations.count; i++)
        items[count++] = nodepool->template_annotations.items[i];
    for (size_t i = 0; i < sizeof from_pool / sizeof from_pool[0]; i++) {
        kerf_name key = kerf_name_of(vocabulary->names, from_pool[i]);
        kerf_name value = kerf_labels_get(&kerf_meta_details(&nodepool->meta)->annotations, key);
        if (value != NULL)
            items[count++] = (struct kerf_label){key, value};
    }
    items[count++] = (struct kerf_label){kerf_name_of(vocabulary->names, "karpenter.sh/nodeclaim-min-values-relaxed"),
                                         planned->min_values_relaxed ? vocabulary->word_true : vocabulary->word_false};
    return kerf_labels_sorted(arena, items, count);
}

/* ---- the object ------------------------------------------------------------------------------------------------------- */

void kerf_plan_make_claim(const struct kerf_cluster *cluster, const struct kerf_planned_claim *planned, kerf_name claim_name,
                          kerf_time_us now_epoch_us, struct kerf_arena *arena, struct kerf_nodeclaim *out_claim)
{
    struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[planned->nodepool_index];
    struct kerf_owner *owner = KERF_NEW(arena, struct kerf_owner);
    *owner = (struct kerf_owner){kerf_name_of(vocabulary->names, "karpenter.sh/v1"), kerf_name_of(vocabulary->names, "NodePool"),
                                 nodepool->meta.name, nodepool->meta.uid, false};
    struct kerf_meta_details *details = KERF_NEW(arena, struct kerf_meta_details);
    *details = (struct kerf_meta_details){
        .annotations = claim_annotations(vocabulary, nodepool, planned, arena), .owners = owner, .owner_count = 1, .generation = 1};
    *out_claim = (struct kerf_nodeclaim){
        .meta = {.name = claim_name,
                 .uid = claim_name,
                 .created_epoch_us = now_epoch_us,
                 .deletion_epoch_us = KERF_TIME_UNSET,
                 .labels = claim_labels(vocabulary, nodepool, &planned->requirements, arena),
                 .details = details},
        .nodeclass = nodepool->nodeclass,
        .requirements = kerf_requirements_write(vocabulary, arena, &planned->requirements),
        .requests = planned->requests,
        .taints = nodepool->taints,
        .startup_taints = nodepool->startup_taints,
        .expire_after_us = nodepool->expire_after_us,
        .termination_grace_period_us = nodepool->termination_grace_period_us,
        .last_pod_event_epoch_us = KERF_TIME_UNSET,
    };
    for (size_t i = 0; i < out_claim->requirements.count; i++) { /* the plan may go before the claim does */
        struct kerf_expression *expression = (struct kerf_expression *)(uintptr_t)&out_claim->requirements.items[i];
        if (expression->value_count > 0)
            expression->values =
                kerf_arena_copy(arena, expression->values, expression->value_count * sizeof expression->values[0]);
    }
}
