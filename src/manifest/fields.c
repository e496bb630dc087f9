/** Fields that all kinds share: texts, numbers, times, quantities. */
#include "manifest/manifest_internal.h"

void kerf_reader_note(struct kerf_reader *reader, enum kerf_status status)
{
    if (status > reader->status)
        reader->status = status;
}

const struct kerf_value *kerf_field_map(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *value = NULL;
    KERF_NOTE(reader, kerf_value_get_map(map, key, &value, reader->errs));
    return kerf_value_is_map(value) ? value : NULL;
}

const struct kerf_value *kerf_field_list(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *value = NULL;
    KERF_NOTE(reader, kerf_value_get_list(map, key, &value, reader->errs));
    return kerf_value_is_list(value) ? value : NULL;
}

const struct kerf_value *kerf_field_required_map(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *value = NULL;
    if (kerf_value_require(map, key, &value, reader->errs) != KERF_OK) {
        KERF_NOTE(reader, KERF_E_INPUT);
        return NULL;
    }
    KERF_NOTE(reader, kerf_value_expect(value, KERF_VALUE_MAP, reader->errs));
    return kerf_value_is_map(value) ? value : NULL;
}

const char *kerf_field_text(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const char *text = NULL;
    KERF_NOTE(reader, kerf_value_read_text(kerf_value_get(map, key), &text, reader->errs));
    return text;
}

kerf_name kerf_value_name(struct kerf_reader *reader, const struct kerf_value *scalar)
{
    const char *text = NULL;
    KERF_NOTE(reader, kerf_value_read_text(scalar, &text, reader->errs));
    return text ? kerf_name_of_bytes(reader->vocabulary->names, text, scalar->count) : NULL;
}

kerf_name kerf_field_name_or_empty(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    return kerf_value_name(reader, kerf_value_get(map, key));
}

kerf_name kerf_field_name(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    kerf_name name = kerf_field_name_or_empty(reader, map, key);
    return name && name->length > 0 ? name : NULL;
}

kerf_name kerf_field_required_name(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *value = NULL;
    KERF_NOTE(reader, kerf_value_require(map, key, &value, reader->errs));
    kerf_name name = kerf_value_name(reader, value);
    if (name && name->length == 0)
        KERF_NOTE(reader, kerf_value_error(value, reader->errs, "empty, expected a text"));
    return name && name->length > 0 ? name : NULL;
}

bool kerf_field_bool(struct kerf_reader *reader, const struct kerf_value *map, const char *key, bool otherwise)
{
    bool value = otherwise;
    KERF_NOTE(reader, kerf_value_read_bool(kerf_value_get(map, key), &value, reader->errs));
    return value;
}

int64_t kerf_field_i64(struct kerf_reader *reader, const struct kerf_value *map, const char *key, int64_t min, int64_t max,
                       int64_t otherwise)
{
    int64_t value = otherwise;
    KERF_NOTE(reader, kerf_value_read_i64(kerf_value_get(map, key), min, max, &value, reader->errs));
    return value;
}

int32_t kerf_field_i32(struct kerf_reader *reader, const struct kerf_value *map, const char *key, int32_t min, int32_t max,
                       int32_t otherwise)
{
    return (int32_t)kerf_field_i64(reader, map, key, min, max, otherwise);
}

uint32_t kerf_field_enum(struct kerf_reader *reader, const struct kerf_value *map, const char *key, const char *const *names,
                         size_t name_count, uint32_t otherwise)
{
    const struct kerf_value *value = kerf_value_get(map, key);
    uint32_t index = otherwise;
    if (kerf_value_is_scalar(value) && value->count == 0)
        return otherwise; /* an empty text is the API's default */
    KERF_NOTE(reader, kerf_value_read_enum(value, names, name_count, &index, reader->errs));
    return index;
}

kerf_time_us kerf_field_time(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    kerf_time_us epoch_us = KERF_TIME_UNSET;
    KERF_NOTE(reader, kerf_value_read_time(kerf_value_get(map, key), &epoch_us, reader->errs));
    if (epoch_us > reader->objects->newest_epoch_us)
        reader->objects->newest_epoch_us = epoch_us;
    return epoch_us;
}

kerf_time_us kerf_field_duration(struct kerf_reader *reader, const struct kerf_value *map, const char *key, bool may_be_never,
                                 kerf_time_us otherwise)
{
    const struct kerf_value *value = kerf_value_get(map, key);
    kerf_time_us duration_us = otherwise;
    if (may_be_never && kerf_value_is_scalar(value) && strcmp(value->text, "Never") == 0)
        return KERF_TIME_NEVER;
    if (may_be_never && kerf_value_is_scalar(value) && !kerf_parse_duration(value->text, &duration_us)) {
        KERF_NOTE(reader, kerf_value_error(value, reader->errs, "\"%s\" is neither a duration (such as 30s, 1h30m) nor Never",
                                           value->text));
        return otherwise;
    }
    KERF_NOTE(reader, kerf_value_read_duration(value, 0, KERF_TIME_NEVER - 1, &duration_us, reader->errs));
    return duration_us;
}

struct kerf_int_or_percent kerf_field_int_or_percent(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    struct kerf_int_or_percent result = {0};
    const struct kerf_value *value = kerf_value_get(map, key);
    const char *text = NULL;
    KERF_NOTE(reader, kerf_value_read_text(value, &text, reader->errs));
    if (!text)
        return result;
    char digits[24];
    size_t length = strlen(text);
    int64_t number = -1;
    bool percent = length > 0 && text[length - 1] == '%';
    length -= percent;
    if (length < sizeof digits) {
        memcpy(digits, text, length);
        digits[length] = '\0';
        if (!kerf_parse_i64(digits, &number))
            number = -1;
    }
    if (number < 0 || number > INT32_MAX) {
        KERF_NOTE(reader,
                  kerf_value_error(value, reader->errs, "\"%s\" is neither a whole number nor a percentage such as 25%%", text));
        return result;
    }
    return (struct kerf_int_or_percent){.present = true, .percent = percent, .value = (int32_t)number};
}

bool kerf_value_quantity(struct kerf_reader *reader, const struct kerf_value *scalar, int scale, enum kerf_rounding rounding,
                         int64_t *out_amount)
{
    const char *text = NULL;
    KERF_NOTE(reader, kerf_value_read_text(scalar, &text, reader->errs));
    if (!text)
        return false;
    if (!kerf_quantity_parse_saturating(text, scale, rounding, out_amount)) {
        KERF_NOTE(reader,
                  kerf_value_error(scalar, reader->errs,
                                   "\"%s\" is not a quantity (digits, then m, k, Ki, M, Mi, G, Gi, ... or an exponent)", text));
        return false;
    }
    if (*out_amount < 0) {
        KERF_NOTE(reader, kerf_value_error(scalar, reader->errs, "\"%s\" is negative", text));
        return false;
    }
    return true;
}

int64_t kerf_field_bytes(struct kerf_reader *reader, const struct kerf_value *map, const char *key, int64_t otherwise)
{
    int64_t amount = otherwise;
    const struct kerf_value *value = kerf_value_get(map, key);
    if (value && !kerf_value_quantity(reader, value, 0, KERF_ROUND_UP, &amount))
        return otherwise;
    return amount;
}

const kerf_name *kerf_field_names(struct kerf_reader *reader, const struct kerf_value *map, const char *key, uint32_t *out_count)
{
    const struct kerf_value *list = kerf_field_list(reader, map, key);
    uint32_t count = kerf_value_count(list), kept = 0;
    *out_count = 0;
    if (count == 0)
        return NULL;
    kerf_name *names = KERF_NEW_ARRAY(reader->arena, kerf_name, count);
    for (uint32_t i = 0; i < count; i++) {
        kerf_reader_want_text(reader, &list->items[i]);
        kerf_name name = kerf_value_name(reader, &list->items[i]);
        if (name)
            names[kept++] = name;
    }
    *out_count = kept;
    return names;
}

void kerf_reader_add_resource(struct kerf_reader *reader, struct kerf_resources *into, const char *resource_name,
                              const struct kerf_value *quantity, enum kerf_rounding rounding)
{
    enum kerf_resource resource = kerf_vocabulary_resource(reader->vocabulary, resource_name);
    int64_t amount;
    if (resource == KERF_RESOURCE_MAX) {
        KERF_NOTE(reader, kerf_value_error(quantity, reader->errs, "too many different resource names (at most %d in one input)",
                                           KERF_RESOURCE_MAX));
        return;
    }
    if (kerf_value_quantity(reader, quantity, kerf_resource_scale(resource), rounding, &amount))
        kerf_resources_set(into, resource, amount);
}

struct kerf_resources kerf_field_resources(struct kerf_reader *reader, const struct kerf_value *map, const char *key,
                                           enum kerf_rounding rounding)
{
    struct kerf_resources resources = {0};
    const struct kerf_value *entries = kerf_field_map(reader, map, key);
    for (uint32_t i = 0; i < kerf_value_count(entries); i++)
        kerf_reader_add_resource(reader, &resources, entries->items[i].key, &entries->items[i], rounding);
    return resources;
}

/** Would YAML or JSON read the bare text as something else than a text? */
static bool reads_as_number_or_bool(const char *text)
{
    static const char *const words[] = {"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no", "No",
                                        "NO",   "on",   "On",   "ON",    "off",   "Off",   "OFF", "y",   "Y",   "n",  "N"};
    double number;
    for (size_t i = 0; i < KERF_COUNT_OF(words); i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return kerf_parse_double(text, &number);
}

void kerf_reader_want_text(struct kerf_reader *reader, const struct kerf_value *scalar)
{
    if (!kerf_value_is_scalar(scalar) || scalar->quoted || !reads_as_number_or_bool(scalar->text))
        return;
    kerf_value_warn(scalar, reader->errs, "%s without quotes is no text, as the API wants it; read as \"%s\"", scalar->text,
                    scalar->text);
}
