/**
 * JSON is YAML: what our writer writes is read by both readers as the same tree, with the same line and column for every value
 * and key, at any indentation. Random trees with all kinds of texts and numbers.
 */
#include "document/document.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { TREE_COUNT = 400 };

static uint64_t next_random(uint64_t *state)
{
    return *state = kerf_hash_mix(*state, 1);
}

static const char *random_text(uint64_t *state)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "null",
                                        "~",
                                        "true",
                                        "1Gi",
                                        "- x",
                                        "a: b",
                                        "#",
                                        "\xc3\xa9t\xc3\xa9",
                                        "two\nlines",
                                        "tab\t",
                                        "\"quoted\"",
                                        "back\\slash",
                                        "\x01",
                                        "<<",
                                        "*a",
                                        "&a",
                                        "!t",
                                        "{}",
                                        "[",
                                        "karpenter.sh/capacity-type",
                                        "us-east-1a",
                                        " blanks ",
                                        "\xf0\x9f\x98\x80",
                                        "0x10",
                                        "1_000"};
    return texts[next_random(state) % (sizeof texts / sizeof texts[0])];
}

static void write_random(struct kerf_json *json, uint64_t *state, int depth)
{
    uint64_t kind = next_random(state) % (depth < 6 ? 9 : 6);
    uint64_t count = next_random(state) % (kind == 8 ? 30 : 5); /* now and then a map that gets an index */
    double number;
    if (kind == 0)
        kerf_json_null(json);
    else if (kind == 1)
        kerf_json_bool(json, count & 1);
    else if (kind == 2)
        kerf_json_i64(json, (int64_t)next_random(state) >> (next_random(state) % 64));
    else if (kind == 3)
        kerf_json_double(json,
                         (number = (double)(next_random(state) >> 11), number / (double)(1 + next_random(state) % 1000000)));
    else if (kind < 6)
        kerf_json_text(json, random_text(state));
    else if (kind == 6) {
        (next_random(state) % 2 ? kerf_json_begin_list : kerf_json_begin_list_in_line)(json);
        for (uint64_t i = 0; i < count; i++)
            write_random(json, state, depth + 1);
        kerf_json_end_list(json);
    } else {
        (next_random(state) % 2 ? kerf_json_begin_map : kerf_json_begin_map_in_line)(json);
        for (uint64_t i = 0; i < count; i++) {
            char key[64];
            snprintf(key, sizeof key, "%s %d", random_text(state), (int)i);
            kerf_json_key(json, key);
            write_random(json, state, depth + 1);
        }
        kerf_json_end_map(json);
    }
}

/** As libyaml counts: the first line of the YAML text is `---`. */
static void expect_same(const struct kerf_value *json, const struct kerf_value *yaml)
{
    cr_assert_eq(json->kind, yaml->kind);
    cr_assert_eq(json->quoted, yaml->quoted);
    cr_assert_eq(json->count, yaml->count);
    cr_assert_eq(json->line + 1, yaml->line);
    cr_assert_eq(json->column, yaml->column);
    cr_assert_eq(json->key != NULL, yaml->key != NULL);
    if (json->key) {
        cr_assert_str_eq(json->key, yaml->key);
        cr_assert_eq(json->key_line + 1, yaml->key_line);
        cr_assert_eq(json->key_column, yaml->key_column);
    }
    if (json->kind < KERF_VALUE_LIST) {
        cr_assert_str_eq(json->text, yaml->text);
        return;
    }
    for (uint32_t i = 0; i < json->count; i++) {
        expect_same(&json->items[i], &yaml->items[i]);
        if (json->kind == KERF_VALUE_MAP)
            cr_assert_eq(kerf_value_get_or_null(json, yaml->items[i].key), &json->items[i]);
    }
}

Test(documents, both_readers_see_one_tree)
{
    uint64_t state = 20260101;
    for (int tree = 0; tree < TREE_COUNT; tree++) {
        struct kerf_json json;
        kerf_json_init(&json, NULL, (uint32_t)(tree % 3) * 2);
        kerf_json_begin_list(&json);
        write_random(&json, &state, 0);
        write_random(&json, &state, 0);
        kerf_json_end_list(&json);
        cr_assert_eq(kerf_json_finish(&json), KERF_OK);
        struct kerf_text yaml = {0};
        kerf_text_append(&yaml, "---\n");
        kerf_text_append_bytes(&yaml, json.text.bytes, json.text.length);
        struct kerf_documents *documents = kerf_documents_new();
        struct kerf_errors *errs = kerf_errors_new();
        enum kerf_status status = kerf_documents_read_bytes(documents, "json", json.text.bytes, json.text.length, errs);
        if (status == KERF_OK)
            status = kerf_documents_read_bytes(documents, "yaml", yaml.bytes, yaml.length, errs);
        if (status != KERF_OK)
            kerf_errors_print(errs, stderr);
        cr_assert_eq(status, KERF_OK, "%s", json.text.bytes);
        cr_assert_eq(documents->list.count, 2);
        cr_assert_eq(documents->list.items[0]->format, KERF_FORMAT_JSON);
        cr_assert_eq(documents->list.items[1]->format, KERF_FORMAT_YAML);
        expect_same(&documents->list.items[0]->root, &documents->list.items[1]->root);
        kerf_documents_free(documents);
        kerf_errors_free(errs);
        kerf_text_fini(&yaml);
        kerf_json_fini(&json);
    }
}
