/** pass_refusal: the words in which a refusal is told, close to Karpenter's own. */
#include "provisioning/provisioning_internal.h"

enum { VALUES_SHOWN_MAX = 5 };

void kerf_text_append_requirement(struct kerf_text *text, const struct kerf_requirement *requirement)
{
    enum kerf_operator op = kerf_requirement_operator(requirement);
    kerf_text_append_format(text, "%s %s", requirement->key->text, kerf_operator_text(op));
    if (requirement->value_count > 0) {
        uint32_t shown = requirement->value_count <= VALUES_SHOWN_MAX ? requirement->value_count : VALUES_SHOWN_MAX;
        for (uint32_t i = 0; i < shown; i++)
            kerf_text_append_format(text, "%s%s", i == 0 ? " [" : " ", requirement->values[i]->text);
        if (shown < requirement->value_count)
            kerf_text_append_format(text, " and %u others", requirement->value_count - shown);
        kerf_text_append(text, "]");
    } else if (op == KERF_OP_DOES_NOT_EXIST && requirement->min_values > 0) {
        kerf_text_append(text, " []");
    }
    if (requirement->has_lower)
        kerf_text_append_format(text, " >=%" PRId64, requirement->lower);
    if (requirement->has_upper)
        kerf_text_append_format(text, " <=%" PRId64, requirement->upper);
    if (requirement->min_values > 0)
        kerf_text_append_format(text, " minValues %d", requirement->min_values);
}

void kerf_text_append_requirements(struct kerf_text *text, const struct kerf_requirements *requirements)
{
    bool first = true;
    for (size_t i = 0; i < requirements->count; i++) {
        if (strcmp(requirements->items[i].key->text, "kubernetes.io/hostname") == 0)
            continue; /* the placeholder says nothing */
        if (!first)
            kerf_text_append(text, ", ");
        first = false;
        kerf_text_append_requirement(text, &requirements->items[i]);
    }
}

void kerf_text_append_resources(struct kerf_text *text, const struct kerf_vocabulary *vocabulary,
                                const struct kerf_resources *resources)
{
    const char *separator = "{";
    for (uint32_t i = 0; i < KERF_RESOURCE_MAX; i++) {
        if (!kerf_resources_has(resources, (enum kerf_resource)i) || vocabulary->resource_names[i] == NULL)
            continue;
        char amount[40];
        kerf_quantity_format((enum kerf_resource)i, resources->amounts[i], amount, sizeof amount);
        kerf_text_append_format(text, "%s\"%s\":\"%s\"", separator, vocabulary->resource_names[i]->text, amount);
        separator = ",";
    }
    kerf_text_append(text, *separator == '{' ? "{}" : "}");
}

void kerf_text_append_incompatible(struct kerf_text *text, const struct kerf_requirements *node,
                                   const struct kerf_requirements *incoming, kerf_name key)
{
    const struct kerf_requirement *own = kerf_requirements_get(node, key);
    const struct kerf_requirement *wanted = kerf_requirements_get(incoming, key);
    if (own == NULL || wanted == NULL) {
        kerf_text_append_format(text, "label \"%s\" does not have known values", kerf_name_text(key));
        return;
    }
    kerf_text_append_format(text, "key %s, ", key->text);
    kerf_text_append_requirement(text, wanted);
    kerf_text_append(text, " not in ");
    kerf_text_append_requirement(text, own);
}

void kerf_text_append_taint(struct kerf_text *text, const struct kerf_taint *taint)
{
    kerf_text_append_format(text, "did not tolerate taint (taint=%s", taint->key->text);
    if (taint->value != NULL && taint->value->length > 0)
        kerf_text_append_format(text, "=%s", taint->value->text);
    kerf_text_append_format(text, ":%s)", kerf_taint_effect_text(taint->effect));
}
