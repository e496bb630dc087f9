/** Looking around in a tree, and where a value stands. */
#include "document/document_internal.h"

#include <stdlib.h>

const struct kerf_value *kerf_value_get_or_null(const struct kerf_value *map, const char *key)
{
    return kerf_value_is_map(map) ? kerf_tree_find(map, key) : NULL;
}

const struct kerf_value *kerf_value_get(const struct kerf_value *map, const char *key)
{
    const struct kerf_value *value = kerf_value_get_or_null(map, key);
    return value && value->kind != KERF_VALUE_NULL ? value : NULL;
}

const char *kerf_value_get_text_or(const struct kerf_value *map, const char *key, const char *otherwise)
{
    const struct kerf_value *value = kerf_value_get(map, key);
    return kerf_value_is_scalar(value) ? value->text : otherwise;
}

const struct kerf_document *kerf_value_document(const struct kerf_value *value)
{
    while (value->parent)
        value = value->parent;
    return (const struct kerf_document *)(const void *)value; /* the root is its first member */
}

static bool is_plain_key(const char *key)
{
    if (!*key)
        return false;
    for (const char *c = key; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-'))
            return false;
    return true;
}

/** spec.containers[0].resources.limits["nvidia.com/gpu"]; nothing for a root. */
static void append_path(struct kerf_text *path, const struct kerf_value *value)
{
    const struct kerf_value *steps[KERF_NESTING_MAX + 1];
    size_t step_count = 0;
    for (; value->parent; value = value->parent) {
        KERF_ASSERT(step_count < sizeof steps / sizeof steps[0]);
        steps[step_count++] = value;
    }
    while (step_count > 0) {
        const struct kerf_value *step = steps[--step_count];
        if (!step->key)
            kerf_text_append_format(path, "[%td]", step - step->parent->items);
        else if (is_plain_key(step->key))
            kerf_text_append_format(path, "%s%s", path->length ? "." : "", step->key);
        else
            kerf_text_append_format(path, "[\"%s\"]", step->key);
    }
}

struct kerf_place kerf_value_place(const struct kerf_value *value, struct kerf_arena *arena)
{
    struct kerf_place place = {.file = kerf_value_document(value)->file, .line = value->line, .column = value->column};
    if (arena && value->parent) {
        struct kerf_text path = {0};
        append_path(&path, value);
        place.path = kerf_arena_text(arena, path.bytes);
        kerf_text_fini(&path);
    }
    return place;
}

struct kerf_place kerf_value_key_place(const struct kerf_value *value, struct kerf_arena *arena)
{
    struct kerf_place place = kerf_value_place(value, arena);
    if (value->key) {
        place.line = value->key_line;
        place.column = value->key_column;
    }
    return place;
}

enum kerf_status kerf_value_error(const struct kerf_value *value, struct kerf_errors *errs, const char *format, ...)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    va_list arguments;
    va_start(arguments, format);
    struct kerf_text message = {0};
    kerf_text_append_format_list(&message, format, arguments);
    va_end(arguments);
    kerf_errors_add(errs, kerf_value_place(value, &arena), "%s", message.bytes);
    kerf_text_fini(&message);
    kerf_arena_fini(&arena);
    return KERF_E_INPUT;
}

void kerf_value_warn(const struct kerf_value *value, struct kerf_errors *errs, const char *format, ...)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    va_list arguments;
    va_start(arguments, format);
    struct kerf_text message = {0};
    kerf_text_append_format_list(&message, format, arguments);
    va_end(arguments);
    kerf_errors_warn(errs, kerf_value_place(value, &arena), "%s", message.bytes);
    kerf_text_fini(&message);
    kerf_arena_fini(&arena);
}
