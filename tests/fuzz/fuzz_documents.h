/** What the targets of the document room share: all of a tree is looked at, and read, write, read gives an equal tree. */
#ifndef FUZZ_DOCUMENTS_H
#define FUZZ_DOCUMENTS_H

#include "document/document.h"

#include <stdlib.h>

static inline void fuzz_read_scalar(const struct kerf_value *value, struct kerf_errors *errs)
{
    static const char *const names[] = {"a", NULL, "b"};
    const char *text;
    bool flag;
    int64_t whole;
    uint64_t natural;
    double number;
    uint32_t index;
    kerf_time_us us, again_us;
    char buffer[KERF_TIME_TEXT_BYTES];
    enum kerf_status ignored = kerf_value_read_text(value, &text, errs);
    ignored |= kerf_value_read_bool(value, &flag, errs);
    ignored |= kerf_value_read_i64(value, -5, 5, &whole, errs);
    ignored |= kerf_value_read_u64(value, 5, &natural, errs);
    ignored |= kerf_value_read_double(value, -5, 5, &number, errs);
    ignored |= kerf_value_read_enum(value, names, 3, &index, errs);
    if (kerf_value_read_time(value, &us, errs) == KERF_OK && value->kind == KERF_VALUE_SCALAR &&
        us >= INT64_C(-62167219200000000) && us < INT64_C(253402300800000000)) {
        KERF_ASSERT(kerf_parse_time(kerf_format_time(buffer, us), &again_us));
        KERF_ASSERT(us == again_us);
    }
    if (kerf_value_read_duration(value, INT64_MIN, INT64_MAX, &us, errs) == KERF_OK && value->kind == KERF_VALUE_SCALAR) {
        KERF_ASSERT(kerf_parse_duration(kerf_format_duration(buffer, us), &again_us));
        KERF_ASSERT(us == again_us);
    }
    (void)ignored;
}

static inline void fuzz_write(struct kerf_json *json, const struct kerf_value *value, struct kerf_errors *errs)
{
    static const char *const known[] = {"spec", "name", "kind"};
    KERF_ASSERT(value->line > 0);
    KERF_ASSERT(value->column > 0);
    if (value->kind < KERF_VALUE_LIST) {
        KERF_ASSERT(strlen(value->text) == value->count);
        fuzz_read_scalar(value, errs);
        kerf_json_text(json, value->kind == KERF_VALUE_NULL ? NULL : value->text);
        return;
    }
    bool is_map = value->kind == KERF_VALUE_MAP;
    if (kerf_value_check_keys(is_map ? value : NULL, known, 3, KERF_KEYS_WARN, errs) != KERF_OK)
        abort();
    (is_map ? kerf_json_begin_map : kerf_json_begin_list)(json);
    for (uint32_t i = 0; i < value->count; i++) {
        KERF_ASSERT(value->items[i].parent == value);
        if (is_map) {
            kerf_json_key(json, value->items[i].key);
            KERF_ASSERT(kerf_value_get_or_null(value, value->items[i].key) == &value->items[i]);
        }
        fuzz_write(json, &value->items[i], errs);
    }
    (is_map ? kerf_json_end_map : kerf_json_end_list)(json);
}

/** All documents as one JSON list of texts; what is nested too deep for the writer is left out. */
static inline void fuzz_write_all(struct kerf_text *out, const struct kerf_documents *documents, struct kerf_errors *errs)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    kerf_json_begin_list(&json);
    for (size_t i = 0; i < documents->list.count; i++)
        fuzz_write(&json, &documents->list.items[i]->root, errs);
    kerf_json_end_list(&json);
    if (kerf_json_finish(&json) != KERF_OK)
        abort();
    *out = json.text;
}

static inline uint32_t fuzz_depth(const struct kerf_value *value)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < kerf_value_count(value); i++) {
        uint32_t below = fuzz_depth(&value->items[i]) + 1;
        depth = below > depth ? below : depth;
    }
    return depth;
}

static inline void fuzz_round_trip(const uint8_t *data, size_t size)
{
    struct kerf_documents *documents = kerf_documents_new(), *again = kerf_documents_new();
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_documents_read_bytes(documents, "fuzz", data, size, errs);
    KERF_ASSERT((status == KERF_OK) == (kerf_errors_count(errs) == 0));
    bool is_left_out = status != KERF_OK; /* a map with a key twice is kept, for further messages, but cannot be written */
    for (size_t i = 0; i < documents->list.count; i++)
        is_left_out = is_left_out || fuzz_depth(&documents->list.items[i]->root) + 2 > KERF_JSON_DEPTH_MAX;
    if (!is_left_out) {
        struct kerf_text written = {0}, written_again = {0};
        fuzz_write_all(&written, documents, errs);
        struct kerf_errors *none = kerf_errors_new();
        KERF_ASSERT(kerf_documents_read_bytes(again, "again", written.bytes, written.length, none) == KERF_OK);
        fuzz_write_all(&written_again, again, errs);
        KERF_ASSERT(written_again.length == written.length + 2); /* one list more around */
        KERF_ASSERT(memcmp(written_again.bytes + 1, written.bytes, written.length - 1) == 0);
        kerf_errors_free(none);
        kerf_text_fini(&written);
        kerf_text_fini(&written_again);
    }
    kerf_documents_free(documents);
    kerf_documents_free(again);
    kerf_errors_free(errs);
}

#endif
