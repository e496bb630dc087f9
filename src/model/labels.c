/** Labels, and the selectors of Kubernetes over them. */
#include "model/requirements.h"

kerf_name kerf_labels_get(const struct kerf_labels *labels, kerf_name key)
{
    for (size_t i = 0; i < labels->count; i++)
        if (labels->items[i].key == key)
            return labels->items[i].value;
    return NULL;
}

bool kerf_labels_equal(const struct kerf_labels *a, const struct kerf_labels *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; a->items != b->items && i < a->count; i++)
        if (a->items[i].key != b->items[i].key || a->items[i].value != b->items[i].value)
            return false;
    return true;
}

struct kerf_labels kerf_labels_merge(struct kerf_arena *arena, const struct kerf_labels *under, const struct kerf_labels *over)
{
    if (under->count == 0)
        return *over;
    if (over->count == 0)
        return *under;
    struct kerf_label *merged = KERF_NEW_ARRAY(arena, struct kerf_label, under->count + over->count);
    size_t count = 0, i = 0, j = 0;
    while (i < under->count || j < over->count) {
        int order = i == under->count ? 1 : j == over->count ? -1 : kerf_name_compare(under->items[i].key, over->items[j].key);
        merged[count++] = order < 0 ? under->items[i] : over->items[j];
        i += order <= 0;
        j += order >= 0;
    }
    return (struct kerf_labels){merged, count};
}

static int compare_label_keys(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_label *left = a, *right = b;
    return kerf_name_compare(left->key, right->key);
}

struct kerf_labels kerf_labels_sorted(struct kerf_arena *arena, const struct kerf_label *items, size_t count)
{
    if (count == 0)
        return (struct kerf_labels){0};
    struct kerf_label *sorted = kerf_arena_copy(arena, items, count * sizeof *items);
    kerf_sort(sorted, count, sizeof *sorted, compare_label_keys, NULL);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) { /* equal keys keep their order: the later one wins */
        if (kept > 0 && sorted[kept - 1].key == sorted[i].key)
            kept--;
        sorted[kept++] = sorted[i];
    }
    return (struct kerf_labels){sorted, kept};
}

/* ---- expressions -------------------------------------------------------------------------------------------------------------
 */

static const char *const operator_texts[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"};

const char *kerf_operator_text(enum kerf_operator op)
{
    return operator_texts[op];
}

bool kerf_operator_parse(const char *text, enum kerf_operator *out_op)
{
    for (size_t i = 0; i < sizeof operator_texts / sizeof operator_texts[0]; i++) {
        if (strcmp(text, operator_texts[i]) == 0) {
            *out_op = (enum kerf_operator)i;
            return true;
        }
    }
    return false;
}

static bool has_value(const struct kerf_expression *expression, kerf_name value)
{
    for (uint32_t i = 0; i < expression->value_count; i++)
        if (expression->values[i] == value)
            return true;
    return false;
}

static bool compare_integers(const struct kerf_expression *expression, kerf_name value)
{
    int64_t label, bound;
    if (!value || expression->value_count != 1 || !kerf_parse_i64(value->text, &label) ||
        !kerf_parse_i64(kerf_name_text(expression->values[0]), &bound))
        return false;
    switch (expression->op) {
    case KERF_OP_GT:
        return label > bound;
    case KERF_OP_LT:
        return label < bound;
    case KERF_OP_GTE:
        return label >= bound;
    default:
        return label <= bound;
    }
}

static bool value_matches(const struct kerf_expression *expression, kerf_name value)
{
    switch (expression->op) {
    case KERF_OP_IN:
        return value && has_value(expression, value);
    case KERF_OP_NOT_IN:
        return !value || !has_value(expression, value);
    case KERF_OP_EXISTS:
        return value != NULL;
    case KERF_OP_DOES_NOT_EXIST:
        return value == NULL;
    default:
        return compare_integers(expression, value);
    }
}

bool kerf_expression_matches(const struct kerf_expression *expression, const struct kerf_labels *labels)
{
    return value_matches(expression, kerf_labels_get(labels, expression->key));
}

bool kerf_label_selector_matches(const struct kerf_label_selector *selector, const struct kerf_labels *labels)
{
    if (!selector->present || selector->invalid)
        return false;
    for (size_t i = 0; i < selector->expressions.count; i++)
        if (!kerf_expression_matches(&selector->expressions.items[i], labels))
            return false;
    return true;
}

static bool same_values(const struct kerf_expression *a, const struct kerf_expression *b)
{
    if (a->value_count != b->value_count)
        return false;
    for (uint32_t i = 0; i < a->value_count; i++)
        if (!has_value(b, a->values[i]) || !has_value(a, b->values[i]))
            return false;
    return true;
}

static bool has_expression(const struct kerf_expressions *among, const struct kerf_expression *wanted)
{
    for (size_t i = 0; i < among->count; i++) {
        const struct kerf_expression *item = &among->items[i];
        if (item->key == wanted->key && item->op == wanted->op && same_values(item, wanted))
            return true;
    }
    return false;
}

bool kerf_label_selector_equal(const struct kerf_label_selector *a, const struct kerf_label_selector *b)
{
    if (a->present != b->present || a->invalid != b->invalid || a->expressions.count != b->expressions.count)
        return false;
    for (size_t i = 0; i < a->expressions.count; i++)
        if (!has_expression(&b->expressions, &a->expressions.items[i]) ||
            !has_expression(&a->expressions, &b->expressions.items[i]))
            return false;
    return true;
}

bool kerf_node_selector_term_matches(const struct kerf_node_selector_term *term, const struct kerf_labels *labels,
                                     kerf_name node_name)
{
    if (term->match_expressions.count == 0 && term->match_fields.count == 0)
        return false;
    for (size_t i = 0; i < term->match_expressions.count; i++)
        if (!kerf_expression_matches(&term->match_expressions.items[i], labels))
            return false;
    for (size_t i = 0; i < term->match_fields.count; i++) /* the only field is metadata.name */
        if (!value_matches(&term->match_fields.items[i], node_name))
            return false;
    return true;
}
