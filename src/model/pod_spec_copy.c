/** Specs that depend on the single pod: on its labels, or on its name. */
#include "model/pod.h"

static bool has_same(const struct kerf_label_selector *selector, kerf_name key, enum kerf_operator op, kerf_name value)
{
    for (size_t i = 0; i < selector->expressions.count; i++) {
        const struct kerf_expression *item = &selector->expressions.items[i];
        if (item->key == key && item->op == op && item->value_count == 1 && item->values[0] == value)
            return true; /* a pod that the API server has seen */
    }
    return false;
}

static void merge_term(struct kerf_arena *arena, struct kerf_pod_affinity_term *term, const struct kerf_labels *labels)
{
    size_t key_count = (size_t)term->match_label_key_count + term->mismatch_label_key_count;
    if (key_count == 0 || !term->selector.present)
        return;
    struct kerf_expressions *old = &term->selector.expressions;
    struct kerf_expression *items = KERF_NEW_ARRAY(arena, struct kerf_expression, old->count + key_count);
    size_t count = old->count;
    if (count)
        memcpy(items, old->items, count * sizeof *items);
    for (size_t i = 0; i < key_count; i++) {
        bool mismatch = i >= term->match_label_key_count;
        kerf_name key = mismatch ? term->mismatch_label_keys[i - term->match_label_key_count] : term->match_label_keys[i];
        kerf_name value = kerf_labels_get(labels, key);
        enum kerf_operator op = mismatch ? KERF_OP_NOT_IN : KERF_OP_IN;
        if (!value || has_same(&term->selector, key, op, value))
            continue; /* a label that the pod lacks is left out */
        kerf_name *values = KERF_NEW(arena, kerf_name);
        *values = value;
        items[count++] = (struct kerf_expression){.key = key, .op = op, .values = values, .value_count = 1, .min_values = -1};
    }
    *old = (struct kerf_expressions){items, count};
}

static void merge_terms(struct kerf_arena *arena, struct kerf_pod_affinity_terms *terms, const struct kerf_labels *labels)
{
    size_t i = 0;
    while (i < terms->count && terms->items[i].match_label_key_count + terms->items[i].mismatch_label_key_count == 0)
        i++;
    if (i == terms->count)
        return;
    struct kerf_pod_affinity_term *items = kerf_arena_copy(arena, terms->items, terms->count * sizeof *items);
    for (; i < terms->count; i++)
        merge_term(arena, &items[i], labels);
    terms->items = items;
}

void kerf_pod_spec_merge_label_keys(struct kerf_arena *arena, struct kerf_pod_spec *spec, const struct kerf_labels *labels)
{
    merge_terms(arena, &spec->required_affinity, labels);
    merge_terms(arena, &spec->preferred_affinity, labels);
    merge_terms(arena, &spec->required_anti_affinity, labels);
    merge_terms(arena, &spec->preferred_anti_affinity, labels);
}

const struct kerf_pod_spec *kerf_pod_spec_of_pod(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                                 const struct kerf_pod_spec *spec, kerf_name pod_name)
{
    uint32_t i = 0;
    while (i < spec->volume_count && !spec->volumes[i].ephemeral)
        i++;
    if (i == spec->volume_count)
        return spec;
    struct kerf_pod_spec *own = kerf_arena_copy(arena, spec, sizeof *spec);
    struct kerf_pod_volume *volumes = kerf_arena_copy(arena, spec->volumes, spec->volume_count * sizeof *volumes);
    for (; i < spec->volume_count; i++)
        if (volumes[i].ephemeral)
            volumes[i].claim_name =
                kerf_name_format(vocabulary->names, "%s-%s", kerf_name_text(pod_name), kerf_name_text(volumes[i].name));
    own->volumes = volumes;
    return own;
}
