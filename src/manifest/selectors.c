/** Selectors, requirements, taints and tolerations as they are written. */
#include "manifest/manifest_internal.h"

/** The API refuses it; in a manifest from git it is still worth reading the rest. */
static void refuse(struct kerf_reader *reader, const struct kerf_value *at, const char *op, const char *wanted)
{
    KERF_NOTE(reader, kerf_value_error(at, reader->errs, "%s wants %s", op, wanted));
}

static void check_values(struct kerf_reader *reader, const struct kerf_value *item, const struct kerf_expression *expression)
{
    const char *op = kerf_operator_text(expression->op);
    int64_t bound;
    switch (expression->op) {
    case KERF_OP_IN:
    case KERF_OP_NOT_IN:
        if (expression->value_count == 0)
            refuse(reader, item, op, "at least one value");
        break;
    case KERF_OP_EXISTS:
    case KERF_OP_DOES_NOT_EXIST:
        if (expression->value_count > 0)
            refuse(reader, item, op, "no values");
        break;
    default:
        if (expression->value_count != 1 || !kerf_parse_i64(expression->values[0]->text, &bound))
            refuse(reader, item, op, "exactly one value, a whole number in quotes");
    }
}

static bool read_expression(struct kerf_reader *reader, const struct kerf_value *item, bool with_min_values,
                            struct kerf_expression *out_expression)
{
    struct kerf_expression expression = {.min_values = -1};
    if (!kerf_value_is_map(item)) {
        KERF_NOTE(reader, kerf_value_expect(item, KERF_VALUE_MAP, reader->errs));
        return false;
    }
    expression.key = kerf_field_required_name(reader, item, "key");
    const struct kerf_value *op = NULL;
    KERF_NOTE(reader, kerf_value_require(item, "operator", &op, reader->errs));
    if (!expression.key || !op)
        return false;
    if (!kerf_value_is_scalar(op) || !kerf_operator_parse(op->text, &expression.op)) {
        KERF_NOTE(reader,
                  kerf_value_error(op, reader->errs, "\"%s\" is no operator; expected In, NotIn, Exists, DoesNotExist, Gt, Lt%s",
                                   kerf_value_is_scalar(op) ? op->text : "", with_min_values ? ", Gte or Lte" : ""));
        return false;
    }
    const struct kerf_value *values = kerf_value_get(item, "values");
    if (kerf_value_is_scalar(values)) { /* values: "5" instead of a list */
        kerf_value_warn(values, reader->errs, "values is a list; read as [\"%s\"]", values->text);
        kerf_name *single = KERF_NEW(reader->arena, kerf_name);
        *single = kerf_value_name(reader, values);
        expression.values = single;
        expression.value_count = 1;
    } else {
        expression.values = kerf_field_names(reader, item, "values", &expression.value_count);
    }
    if (with_min_values)
        expression.min_values = kerf_field_i32(reader, item, "minValues", 1, 50, -1);
    *out_expression = expression;
    return true;
}

struct kerf_expressions kerf_field_expressions(struct kerf_reader *reader, const struct kerf_value *map, const char *key,
                                               bool with_min_values)
{
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    uint32_t count = kerf_value_count(list);
    size_t kept = 0;
    if (count == 0)
        return (struct kerf_expressions){0};
    struct kerf_expression *items = KERF_NEW_ARRAY(reader->arena, struct kerf_expression, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_expression(reader, &list->items[i], with_min_values, &items[kept]))
            continue;
        check_values(reader, &list->items[i], &items[kept]);
        kept++;
    }
    return (struct kerf_expressions){items, kept};
}

struct kerf_label_selector kerf_field_selector(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *selector = kerf_field_map(reader, map, key);
    struct kerf_label_selector result = {.present = selector != NULL};
    if (!selector)
        return result;
    KERF_CHECK_KEYS(reader, selector, KERF_KEYS_WARN, "matchLabels", "matchExpressions");
    struct kerf_labels labels = kerf_field_labels(reader, selector, "matchLabels");
    const struct kerf_value *list = kerf_field_list(reader, selector, "matchExpressions");
    size_t count = labels.count + kerf_value_count(list), kept = 0;
    if (count == 0)
        return result;
    struct kerf_expression *items = KERF_NEW_ARRAY(reader->arena, struct kerf_expression, count);
    for (size_t i = 0; i < labels.count; i++)
        items[kept++] = (struct kerf_expression){
            .key = labels.items[i].key,
            .op = KERF_OP_IN,
            .values = &labels.items[i].value,
            .value_count = 1,
            .min_values = -1,
        };
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        struct kerf_expression *item = &items[kept];
        if (!read_expression(reader, &list->items[i], false, item))
            continue;
        bool wants_values = item->op == KERF_OP_IN || item->op == KERF_OP_NOT_IN;
        if (item->op > KERF_OP_DOES_NOT_EXIST || wants_values != (item->value_count > 0)) {
            kerf_value_warn(&list->items[i], reader->errs, "%s %s in a label selector; it selects nothing",
                            kerf_operator_text(item->op),
                            item->op > KERF_OP_DOES_NOT_EXIST ? "is no operator"
                            : wants_values                    ? "wants at least one value"
                                                              : "wants no values");
            result.invalid = true;
        }
        kept++;
    }
    result.expressions = (struct kerf_expressions){items, kept};
    return result;
}

struct kerf_node_selector_term kerf_value_node_term(struct kerf_reader *reader, const struct kerf_value *term)
{
    struct kerf_node_selector_term result = {0};
    KERF_NOTE(reader, kerf_value_expect(term, KERF_VALUE_MAP, reader->errs));
    if (!kerf_value_is_map(term))
        return result;
    KERF_CHECK_KEYS(reader, term, KERF_KEYS_WARN, "matchExpressions", "matchFields");
    result.match_expressions = kerf_field_expressions(reader, term, "matchExpressions", false);
    result.match_fields = kerf_field_expressions(reader, term, "matchFields", false);
    for (size_t i = 0; i < result.match_fields.count; i++) {
        const struct kerf_expression *field = &result.match_fields.items[i];
        if (!kerf_name_is(field->key, "metadata.name") || field->op > KERF_OP_NOT_IN || field->value_count != 1)
            KERF_NOTE(reader, kerf_value_error(kerf_value_get(term, "matchFields"), reader->errs,
                                               "matchFields knows metadata.name only, with In or NotIn and one value"));
    }
    return result;
}

const struct kerf_node_selector_term *kerf_field_node_terms(struct kerf_reader *reader, const struct kerf_value *map,
                                                            const char *key, uint32_t *out_count)
{
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    *out_count = kerf_value_count(list);
    if (*out_count == 0)
        return NULL;
    struct kerf_node_selector_term *terms = KERF_NEW_ARRAY(reader->arena, struct kerf_node_selector_term, *out_count);
    for (uint32_t i = 0; i < *out_count; i++)
        terms[i] = kerf_value_node_term(reader, &list->items[i]);
    return terms;
}

bool kerf_reader_taint_effect(struct kerf_reader *reader, const struct kerf_value *effect, enum kerf_taint_effect *out_effect)
{
    static const char *const eks_spellings[] = {"NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"};
    if (kerf_value_is_scalar(effect)) {
        for (int i = KERF_TAINT_NO_SCHEDULE; i < KERF_TAINT_EFFECT_ANY; i++) {
            bool eks = strcmp(effect->text, eks_spellings[i]) == 0;
            if (!eks && strcmp(effect->text, kerf_taint_effect_text((enum kerf_taint_effect)i)) != 0)
                continue;
            if (eks)
                kerf_value_warn(effect, reader->errs, "%s is how the EKS API spells it; Kubernetes and Karpenter write %s",
                                effect->text, kerf_taint_effect_text((enum kerf_taint_effect)i));
            *out_effect = (enum kerf_taint_effect)i;
            return true;
        }
    }
    KERF_NOTE(reader, kerf_value_error(effect, reader->errs,
                                       "\"%s\" is no taint effect; expected NoSchedule, PreferNoSchedule or NoExecute",
                                       kerf_value_is_scalar(effect) ? effect->text : ""));
    return false;
}

struct kerf_taints kerf_field_taints(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    uint32_t count = kerf_value_count(list);
    size_t kept = 0;
    if (count == 0)
        return (struct kerf_taints){0};
    struct kerf_taint *taints = KERF_NEW_ARRAY(reader->arena, struct kerf_taint, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i], *effect = NULL;
        if (kerf_value_is_map(item))
            KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN, "key", "value", "effect", "timeAdded");
        struct kerf_taint taint = {.key = kerf_field_required_name(reader, item, "key")};
        kerf_reader_want_text(reader, kerf_value_get(item, "value"));
        taint.value = kerf_field_name(reader, item, "value");
        if (!taint.key || kerf_value_require(item, "effect", &effect, reader->errs) != KERF_OK) {
            KERF_NOTE(reader, KERF_E_INPUT);
            continue;
        }
        if (kerf_reader_taint_effect(reader, effect, &taint.effect))
            taints[kept++] = taint;
    }
    return (struct kerf_taints){taints, kept};
}

struct kerf_tolerations kerf_field_tolerations(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    static const char *const operators[] = {"Equal", "Exists", "Gt", "Lt"};
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return (struct kerf_tolerations){0};
    struct kerf_toleration *tolerations = KERF_NEW_ARRAY(reader->arena, struct kerf_toleration, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i], *effect = kerf_value_get(item, "effect");
        KERF_NOTE(reader, kerf_value_expect(item, KERF_VALUE_MAP, reader->errs));
        if (kerf_value_is_map(item))
            KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN_NEAR_MISSES, "key", "operator", "value", "effect", "tolerationSeconds");
        kerf_reader_want_text(reader, kerf_value_get(item, "value"));
        tolerations[i] = (struct kerf_toleration){
            .key = kerf_field_name(reader, item, "key"),
            .op =
                (enum kerf_toleration_operator)kerf_field_enum(reader, item, "operator", operators, KERF_COUNT_OF(operators), 0),
            .value = kerf_field_name(reader, item, "value"),
            .effect = KERF_TAINT_EFFECT_ANY,
            .toleration_seconds = kerf_field_i64(reader, item, "tolerationSeconds", INT64_MIN, INT64_MAX, -1),
        };
        if (kerf_value_get(item, "tolerationSeconds") && tolerations[i].toleration_seconds < 0)
            tolerations[i].toleration_seconds = 0; /* negative: evicted at once */
        if (effect && !(kerf_value_is_scalar(effect) && effect->count == 0) &&
            !kerf_reader_taint_effect(reader, effect, &tolerations[i].effect))
            continue;
        if (!tolerations[i].key && tolerations[i].op != KERF_TOLERATION_EXISTS)
            KERF_NOTE(reader, kerf_value_error(item, reader->errs, "a toleration without key wants operator Exists"));
        if (tolerations[i].op == KERF_TOLERATION_EXISTS && tolerations[i].value)
            KERF_NOTE(reader, kerf_value_error(item, reader->errs, "a toleration with operator Exists wants no value"));
    }
    return (struct kerf_tolerations){tolerations, count};
}
