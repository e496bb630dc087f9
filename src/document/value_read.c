/** Reading values as what the caller expects, with the same words for all that is not as expected. */
#include "document/document_internal.h"

#include <stdlib.h>

static const int64_t JSON_INTEGER_MAX = (int64_t)1 << 53; /* beyond it a double no longer tells neighbours apart */

static const char *kind_name(enum kerf_value_kind kind)
{
    switch (kind) {
    case KERF_VALUE_NULL:
        return "null";
    case KERF_VALUE_SCALAR:
        return "a single value";
    case KERF_VALUE_LIST:
        return "a list";
    case KERF_VALUE_MAP:
        return "a map";
    }
    return "";
}

enum { SHOWN_BYTES_MAX = 80 };

/** How much of a text a message shows: not half of a character. */
static int shown_length(const struct kerf_value *value)
{
    if (value->count <= SHOWN_BYTES_MAX)
        return (int)value->count;
    int length = SHOWN_BYTES_MAX;
    while (length > 0 && ((unsigned char)value->text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static const char *cut_mark(const struct kerf_value *value)
{
    return value->count > SHOWN_BYTES_MAX ? "..." : "";
}

/** For a value that is no such thing. */
static enum kerf_status fail_expecting(const struct kerf_value *value, struct kerf_errors *errs, const char *expected)
{
    if (value->kind != KERF_VALUE_SCALAR)
        return kerf_value_error(value, errs, "%s was found; expected %s", kind_name(value->kind), expected);
    return kerf_value_error(value, errs, "%s\"%.*s%s\" is not %s", value->quoted ? "the text " : "", shown_length(value),
                            value->text, cut_mark(value), expected);
}

enum kerf_status kerf_value_require(const struct kerf_value *map, const char *key, const struct kerf_value **out_value,
                                    struct kerf_errors *errs)
{
    if (map->kind != KERF_VALUE_MAP)
        return kerf_value_error(map, errs, "%s was found; expected a map with key \"%s\"", kind_name(map->kind), key);
    const struct kerf_value *value = kerf_value_get_or_null(map, key);
    if (!value)
        return kerf_value_error(map, errs, "key \"%s\" is missing", key);
    if (value->kind == KERF_VALUE_NULL)
        return kerf_value_error(value, errs, "null was found; expected a value");
    *out_value = value;
    return KERF_OK;
}

enum kerf_status kerf_value_expect(const struct kerf_value *value, enum kerf_value_kind kind, struct kerf_errors *errs)
{
    if (!value || value->kind == kind)
        return KERF_OK;
    if (value->kind == KERF_VALUE_SCALAR)
        return kerf_value_error(value, errs, "\"%.*s%s\" was found; expected %s", shown_length(value), value->text,
                                cut_mark(value), kind_name(kind));
    return kerf_value_error(value, errs, "%s was found; expected %s", kind_name(value->kind), kind_name(kind));
}

static enum kerf_status get_of_kind(const struct kerf_value *map, const char *key, enum kerf_value_kind kind,
                                    const struct kerf_value **out_value, struct kerf_errors *errs)
{
    const struct kerf_value *value = kerf_value_get(map, key);
    KERF_TRY(kerf_value_expect(value, kind, errs));
    *out_value = value;
    return KERF_OK;
}

enum kerf_status kerf_value_get_map(const struct kerf_value *map, const char *key, const struct kerf_value **out_value,
                                    struct kerf_errors *errs)
{
    return get_of_kind(map, key, KERF_VALUE_MAP, out_value, errs);
}

enum kerf_status kerf_value_get_list(const struct kerf_value *map, const char *key, const struct kerf_value **out_value,
                                     struct kerf_errors *errs)
{
    return get_of_kind(map, key, KERF_VALUE_LIST, out_value, errs);
}

static bool is_absent(const struct kerf_value *value)
{
    return !value || value->kind == KERF_VALUE_NULL;
}

enum kerf_status kerf_value_read_text(const struct kerf_value *value, const char **out_text, struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    if (value->kind != KERF_VALUE_SCALAR)
        return fail_expecting(value, errs, "a text");
    *out_text = value->text;
    return KERF_OK;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

enum kerf_status kerf_value_read_bool(const struct kerf_value *value, bool *out_value, struct kerf_errors *errs)
{
    static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    if (is_absent(value))
        return KERF_OK;
    bool is_word = value->kind == KERF_VALUE_SCALAR && !value->quoted;
    if (!is_word || !(is_one_of(value->text, yes) || is_one_of(value->text, no)))
        return fail_expecting(value, errs, "true or false");
    *out_value = is_one_of(value->text, yes);
    return KERF_OK;
}

static bool is_json(const struct kerf_value *value)
{
    return kerf_value_document(value)->format == KERF_FORMAT_JSON;
}

static enum kerf_status check_json_integer(const struct kerf_value *value, bool is_beyond, struct kerf_errors *errs)
{
    if (!is_beyond || !is_json(value))
        return KERF_OK;
    return kerf_value_error(value, errs, "%s is beyond 2^53, where JSON writers round; expected a smaller number", value->text);
}

/** Digits with a sign, perhaps too many of them. */
static bool is_integer(const char *text)
{
    text += *text == '-' || *text == '+';
    if (!*text)
        return false;
    while (*text >= '0' && *text <= '9')
        text++;
    return !*text;
}

enum kerf_status kerf_value_read_i64(const struct kerf_value *value, int64_t min, int64_t max, int64_t *out_value,
                                     struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    if (value->kind != KERF_VALUE_SCALAR || value->quoted || !is_integer(value->text))
        return fail_expecting(value, errs, "a whole number");
    int64_t number;
    bool fits = kerf_parse_i64(value->text, &number);
    KERF_TRY(check_json_integer(value, !fits || number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX, errs));
    if (!fits || number < min || number > max)
        return kerf_value_error(value, errs, "%.*s%s is out of range; expected %" PRId64 " to %" PRId64, shown_length(value),
                                value->text, cut_mark(value), min, max);
    *out_value = number;
    return KERF_OK;
}

enum kerf_status kerf_value_read_u64(const struct kerf_value *value, uint64_t max, uint64_t *out_value, struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    if (value->kind != KERF_VALUE_SCALAR || value->quoted || !is_integer(value->text))
        return fail_expecting(value, errs, "a whole number");
    uint64_t number;
    bool fits = kerf_parse_u64(value->text, &number);
    KERF_TRY(check_json_integer(value, !fits || number > (uint64_t)JSON_INTEGER_MAX, errs));
    if (!fits || number > max)
        return kerf_value_error(value, errs, "%.*s%s is out of range; expected 0 to %" PRIu64, shown_length(value), value->text,
                                cut_mark(value), max);
    *out_value = number;
    return KERF_OK;
}

enum kerf_status kerf_value_read_double(const struct kerf_value *value, double min, double max, double *out_value,
                                        struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    double number;
    if (value->kind != KERF_VALUE_SCALAR || value->quoted || !kerf_parse_double(value->text, &number))
        return fail_expecting(value, errs, "a number");
    char min_text[KERF_DOUBLE_TEXT_BYTES], max_text[KERF_DOUBLE_TEXT_BYTES];
    if (number < min || number > max)
        return kerf_value_error(value, errs, "%.*s%s is out of range; expected %s to %s", shown_length(value), value->text,
                                cut_mark(value), kerf_format_double(min_text, min), kerf_format_double(max_text, max));
    *out_value = number;
    return KERF_OK;
}

static void append_words(struct kerf_text *list, const char *const *words, size_t word_count)
{
    size_t shown_count = 0;
    for (size_t i = 0; i < word_count; i++)
        if (words[i])
            kerf_text_append_format(list, "%s%s", shown_count++ ? ", " : "", words[i]);
}

enum kerf_status kerf_value_read_enum(const struct kerf_value *value, const char *const *names, size_t name_count,
                                      uint32_t *out_index, struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    for (size_t i = 0; value->kind == KERF_VALUE_SCALAR && i < name_count; i++) {
        if (names[i] && strcmp(value->text, names[i]) == 0) {
            *out_index = (uint32_t)i;
            return KERF_OK;
        }
    }
    struct kerf_text expected = {0};
    kerf_text_append(&expected, "one of ");
    append_words(&expected, names, name_count);
    enum kerf_status status = fail_expecting(value, errs, expected.bytes);
    kerf_text_fini(&expected);
    return status;
}

enum kerf_status kerf_value_read_time(const struct kerf_value *value, kerf_time_us *out_epoch_us, struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    kerf_time_us time_us;
    if (value->kind != KERF_VALUE_SCALAR || !kerf_parse_time(value->text, &time_us))
        return fail_expecting(value, errs, "a time (RFC 3339, such as 2026-01-01T00:00:00Z)");
    *out_epoch_us = time_us;
    return KERF_OK;
}

enum kerf_status kerf_value_read_duration(const struct kerf_value *value, kerf_time_us min, kerf_time_us max,
                                          kerf_time_us *out_us, struct kerf_errors *errs)
{
    if (is_absent(value))
        return KERF_OK;
    kerf_time_us duration_us;
    if (value->kind != KERF_VALUE_SCALAR || !kerf_parse_duration(value->text, &duration_us))
        return fail_expecting(value, errs, "a duration (numbers with h, m, s, ms, such as 1h30m)");
    char min_text[KERF_TIME_TEXT_BYTES], max_text[KERF_TIME_TEXT_BYTES];
    if (duration_us < min || duration_us > max)
        return kerf_value_error(value, errs, "%.*s%s is out of range; expected %s to %s", shown_length(value), value->text,
                                cut_mark(value), kerf_format_duration(min_text, min), kerf_format_duration(max_text, max));
    *out_us = duration_us;
    return KERF_OK;
}

/* ---- keys ---- */

/** The known key that was probably meant, or NULL. A cluster's objects repeat their keys, so answers are kept. */
static const char *near_miss(const struct kerf_value *value, const char *const *known_keys, size_t known_count,
                             uint64_t known_hash)
{
    struct kerf_id_map *answers = &kerf_value_document(value)->owner->near_misses;
    uint64_t question = kerf_hash_mix(kerf_hash_text(value->key), known_hash);
    uint32_t answer = kerf_id_map_get(answers, question);
    if (answer == KERF_NOT_FOUND) {
        const char *nearest = kerf_nearest(value->key, known_keys, known_count);
        answer = (uint32_t)known_count;
        for (uint32_t i = 0; nearest && i < known_count; i++)
            if (known_keys[i] == nearest)
                answer = i;
        kerf_id_map_put(answers, question, answer);
    }
    return answer < known_count ? known_keys[answer] : NULL;
}

static enum kerf_status report_unknown_key(const struct kerf_value *value, const char *meant, const char *const *known_keys,
                                           size_t known_count, enum kerf_key_mode mode, struct kerf_errors *errs)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_place place = kerf_value_key_place(value, &arena);
    struct kerf_text hint = {0};
    if (meant)
        kerf_text_append_format(&hint, "; did you mean \"%s\"?", meant);
    else if (known_count <= 24) {
        kerf_text_append(&hint, "; expected one of ");
        append_words(&hint, known_keys, known_count);
    }
    const char *hint_text = hint.bytes ? hint.bytes : "";
    enum kerf_status status = KERF_OK;
    if (mode == KERF_KEYS_REFUSE)
        status = kerf_errors_add(errs, place, "unknown key%s", hint_text);
    else
        kerf_errors_warn(errs, place, "unknown key%s", hint_text);
    kerf_text_fini(&hint);
    kerf_arena_fini(&arena);
    return status;
}

enum kerf_status kerf_value_check_keys(const struct kerf_value *map, const char *const *known_keys, size_t known_count,
                                       enum kerf_key_mode mode, struct kerf_errors *errs)
{
    KERF_TRY(kerf_value_expect(map, KERF_VALUE_MAP, errs));
    enum kerf_status status = KERF_OK;
    uint64_t known_hash = 0;
    for (uint32_t i = 0; i < kerf_value_count(map); i++) {
        const struct kerf_value *value = &map->items[i];
        bool is_known = false;
        for (size_t j = 0; j < known_count && !is_known; j++)
            is_known = strcmp(value->key, known_keys[j]) == 0;
        if (is_known)
            continue;
        if (known_hash == 0)
            for (size_t j = 0; j < known_count; j++)
                known_hash = kerf_hash_mix(known_hash, kerf_hash_text(known_keys[j]));
        const char *meant = near_miss(value, known_keys, known_count, known_hash);
        if (!meant && mode == KERF_KEYS_WARN_NEAR_MISSES)
            continue;
        if (report_unknown_key(value, meant, known_keys, known_count, mode, errs) != KERF_OK)
            status = KERF_E_INPUT;
    }
    return status;
}
