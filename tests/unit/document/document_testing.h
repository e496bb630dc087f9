/** What the tests of this room share: a document from a text, and the messages that reading left. */
#ifndef KERF_DOCUMENT_TESTING_H
#define KERF_DOCUMENT_TESTING_H

#include "document/document.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct reading {
    struct kerf_documents *documents;
    struct kerf_errors *errs;
    enum kerf_status status;
    char *messages; /* set by reading_messages */
};

static inline struct reading reading_of_bytes(const char *bytes, size_t length)
{
    struct reading reading = {.documents = kerf_documents_new(), .errs = kerf_errors_new()};
    reading.status = kerf_documents_read_bytes(reading.documents, "t", bytes, length, reading.errs);
    return reading;
}

static inline struct reading reading_of(const char *text)
{
    return reading_of_bytes(text, strlen(text));
}

/** The first document of a text that must be right. */
static inline const struct kerf_value *root_of(const struct reading *reading)
{
    cr_assert_eq(reading->status, KERF_OK);
    cr_assert_gt(reading->documents->list.count, 0);
    return &reading->documents->list.items[0]->root;
}

/** All messages so far, which also forgets the warnings. */
static inline const char *reading_messages(struct reading *reading)
{
    size_t size = 0;
    free(reading->messages);
    reading->messages = NULL;
    FILE *stream = open_memstream(&reading->messages, &size);
    kerf_errors_print(reading->errs, stream);
    fclose(stream);
    return reading->messages;
}

static inline void reading_close(struct reading *reading)
{
    kerf_documents_free(reading->documents);
    kerf_errors_free(reading->errs);
    free(reading->messages);
}

/** The tree as JSON with all scalars as texts, so that two trees can be compared. */
static inline void write_tree(struct kerf_json *json, const struct kerf_value *value)
{
    if (value->kind == KERF_VALUE_NULL) {
        kerf_json_null(json);
    } else if (value->kind == KERF_VALUE_SCALAR) {
        cr_assert_eq(strlen(value->text), value->count);
        kerf_json_text(json, value->text);
    } else {
        bool is_map = value->kind == KERF_VALUE_MAP;
        (is_map ? kerf_json_begin_map : kerf_json_begin_list)(json);
        for (uint32_t i = 0; i < value->count; i++) {
            cr_assert_eq(value->items[i].parent, value);
            cr_assert_eq(value->items[i].key != NULL, is_map);
            if (is_map)
                kerf_json_key(json, value->items[i].key);
            write_tree(json, &value->items[i]);
        }
        (is_map ? kerf_json_end_map : kerf_json_end_list)(json);
    }
}

/** Reads the text and compares all its documents, one a line. */
static inline void expect_tree(const char *text, const char *want)
{
    struct reading reading = reading_of(text);
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    cr_expect_eq(reading.status, KERF_OK, "%s: %s", text, reading_messages(&reading));
    for (size_t i = 0; i < reading.documents->list.count; i++) {
        write_tree(&json, &reading.documents->list.items[i]->root);
        cr_assert_eq(kerf_json_finish(&json), KERF_OK);
    }
    cr_expect_str_eq(json.text.bytes ? json.text.bytes : "", want, "%s\ngave %s", text, json.text.bytes ? json.text.bytes : "");
    kerf_json_fini(&json);
    reading_close(&reading);
}

static inline void expect_failure(const char *bytes, size_t length, const char *want)
{
    struct reading reading = reading_of_bytes(bytes, length);
    cr_expect_eq(reading.status, KERF_E_INPUT, "%s", bytes);
    cr_expect_not_null(strstr(reading_messages(&reading), want), "\"%s\" gave: %s, not: %s", bytes, reading.messages, want);
    reading_close(&reading);
}

#endif
