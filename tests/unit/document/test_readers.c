#include "document_testing.h"

Test(yaml, every_scalar_is_text)
{
    expect_tree("a: no\nb: 0.5\nc: 1Gi\nd: '07'\ne: 12345678901234567890123\n",
                "{\"a\":\"no\",\"b\":\"0.5\",\"c\":\"1Gi\",\"d\":\"07\",\"e\":\"12345678901234567890123\"}\n");
    expect_tree("a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}\n");
}

Test(yaml, nulls)
{
    expect_tree("- ~\n- null\n- Null\n- NULL\n-\n- ''\n- \"null\"\n- nULL\n- !!str null\n",
                "[null,null,null,null,null,\"\",\"null\",\"nULL\",\"null\"]\n");
}

Test(yaml, documents_of_a_stream)
{
    expect_tree("a: 1\n---\n# nothing\n---\nb: 2\n...\n---\n- 3\n---\n", "{\"a\":\"1\"}\n{\"b\":\"2\"}\n[\"3\"]\n");
    expect_tree("# only a comment\n", "");
    expect_tree("", "");
    expect_tree("plain\n", "\"plain\"\n");
    struct reading reading = reading_of("a: 1\n---\n---\nb: 2\n");
    cr_expect_eq(reading.documents->list.items[1]->index_in_file, 2);
    cr_expect_str_eq(reading.documents->list.items[1]->file, "t");
    reading_close(&reading);
}

Test(yaml, byte_order_marks_and_carriage_returns)
{
    expect_tree("\xef\xbb\xbf"
                "a: 1\r\nb:\r\n  - x\r\n",
                "{\"a\":\"1\",\"b\":[\"x\"]}\n");
}

Test(yaml, aliases_are_copies_with_paths_of_their_own)
{
    struct reading reading = reading_of("a: &x {k: [1, {m: 2}]}\nb: *x\nc: [*x]\nd: &s text\n*s : *s\n");
    const struct kerf_value *root = root_of(&reading);
    const struct kerf_value *copy = kerf_value_get(kerf_value_get(root, "c")->items[0].items[0].items + 1, "m");
    struct kerf_place place = kerf_value_place(copy, &reading.documents->arena);
    cr_expect_str_eq(place.path, "c[0].k[1].m");
    cr_expect_eq(place.line, 1);
    cr_expect_str_eq(kerf_value_get_text_or(root, "text", "?"), "text");
    reading_close(&reading);
}

Test(yaml, merge_keys)
{
    expect_tree("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n", "{\"a\":{\"x\":\"1\",\"y\":\"2\"},\"b\":{\"y\":\"3\",\"x\":\"1\"}}\n");
    expect_tree("- &a {x: 1}\n- &b {x: 2, z: 3}\n- <<: [*a, *b]\n",
                "[{\"x\":\"1\"},{\"x\":\"2\",\"z\":\"3\"},{\"x\":\"1\",\"z\":\"3\"}]\n");
    struct reading reading = reading_of("a: &a {x: {y: 1}}\nb:\n  <<: *a\n");
    const struct kerf_value *y = kerf_value_get(kerf_value_get(kerf_value_get(root_of(&reading), "b"), "x"), "y");
    cr_expect_str_eq(kerf_value_place(y, &reading.documents->arena).path, "b.x.y");
    reading_close(&reading);
}

Test(yaml, tags_that_say_what_is_seen_anyway)
{
    expect_tree("- !!str 5\n- !!int 5\n- ! x\n- !!map {}\n- !!seq []\n", "[\"5\",\"5\",\"x\",{},[]]\n");
    struct reading reading = reading_of("a: !!str 5\nb: !!int 6\n");
    cr_expect(kerf_value_get(root_of(&reading), "a")->quoted);
    cr_expect_not(kerf_value_get(root_of(&reading), "b")->quoted);
    reading_close(&reading);
}

Test(json, all_of_its_values)
{
    expect_tree("{\"a\":[1,-2.50,1e3,true,false,null],\"b\":{},\"c\":[],\"d\":\"\"}",
                "{\"a\":[\"1\",\"-2.50\",\"1e3\",\"true\",\"false\",null],\"b\":{},\"c\":[],\"d\":\"\"}\n");
    expect_tree(" \r\n\t[ ]\n", "[]\n");
    expect_tree("[12345678901234567890.12345678901234567890]", "[\"12345678901234567890.12345678901234567890\"]\n");
}

Test(json, escapes)
{
    expect_tree("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\\\"\\\\/\\b\\f\\n\\r\\t\"]\n");
    expect_tree("[\"\\u00e9\\u20AC\\ud83d\\ude00x\"]", "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x\"]\n");
    expect_tree("[\"\\ud83d\\ud83d\\ude00\\ude00\"]", "[\"\xef\xbf\xbd\xf0\x9f\x98\x80\xef\xbf\xbd\"]\n");
}

Test(json, several_values)
{
    expect_tree("{\"a\":1}\n{\"a\":2} [3]", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n[\"3\"]\n");
    expect_tree("{\"a\":1}\n---\n{\"a\":2}\n", "{\"a\":\"1\"}\n{\"a\":\"2\"}\n");
}

Test(json, numbers_are_not_texts)
{
    struct reading reading = reading_of("{\"n\": 5, \"t\": \"5\"}");
    cr_expect_not(kerf_value_get(root_of(&reading), "n")->quoted);
    cr_expect(kerf_value_get(root_of(&reading), "t")->quoted);
    reading_close(&reading);
}

/** Both readers give the same places for the same text, since JSON is YAML. */
Test(places, of_values_and_keys)
{
    static const char text[] = "{\"spec\":\n  {\"nodePools\": [ {\"limits\":\n{ \"\xc3\xa9\": 1, \"karpenter.sh/x\": [\n 7]}}]}}";
    for (int is_yaml = 0; is_yaml < 2; is_yaml++) {
        char marked[sizeof text + 4];
        snprintf(marked, sizeof marked, "%s%s", is_yaml ? "---\n" : "", text);
        struct reading reading = reading_of(marked);
        const struct kerf_value *root = root_of(&reading);
        cr_assert_eq(reading.documents->list.items[0]->format, is_yaml ? KERF_FORMAT_YAML : KERF_FORMAT_JSON);
        const struct kerf_value *pools = kerf_value_get(kerf_value_get(root, "spec"), "nodePools");
        const struct kerf_value *limits = kerf_value_get(&pools->items[0], "limits");
        const struct kerf_value *list = kerf_value_get(limits, "karpenter.sh/x");
        uint32_t shift = (uint32_t)is_yaml;
        struct kerf_arena *arena = &reading.documents->arena;
        struct kerf_place place = kerf_value_place(&list->items[0], arena);
        cr_expect_str_eq(place.file, "t");
        cr_expect_str_eq(place.path, "spec.nodePools[0].limits[\"karpenter.sh/x\"][0]");
        cr_expect_eq(place.line, 4 + shift);
        cr_expect_eq(place.column, 2);
        place = kerf_value_key_place(list, arena);
        cr_expect_eq(place.line, 3 + shift);
        cr_expect_eq(place.column, 11, "characters are counted, not bytes: %u", place.column);
        cr_expect_eq(kerf_value_place(list, NULL).column, 29);
        cr_expect_null(kerf_value_place(list, NULL).path);
        place = kerf_value_place(root, arena);
        cr_expect_null(place.path);
        cr_expect_eq(place.column, 1);
        reading_close(&reading);
    }
}

Test(map, big_ones_find_their_keys)
{
    for (int count = 15; count < 3000; count = count < 20 ? count + 1 : count * 3) {
        struct kerf_text text = {0};
        kerf_text_append(&text, "{");
        for (int i = 0; i < count; i++)
            kerf_text_append_format(&text, "%s\"key-%d\":%d", i ? "," : "", i, i);
        kerf_text_append(&text, "}");
        struct reading reading = reading_of(text.bytes);
        const struct kerf_value *root = root_of(&reading);
        char key[32];
        for (int i = 0; i < count; i++) {
            snprintf(key, sizeof key, "key-%d", i);
            const struct kerf_value *value = kerf_value_get(root, key);
            cr_assert_eq(value, &root->items[i]);
            cr_assert_eq(atoi(value->text), i);
        }
        cr_expect_null(kerf_value_get(root, "key-"));
        cr_expect_null(kerf_value_get(root, ""));
        reading_close(&reading);
        kerf_text_clear(&text);
        kerf_text_append(&text, "a:");
        for (int i = 0; i < count; i++)
            kerf_text_append_format(&text, "\n  key-%d: %d", i == count - 1 ? 3 : i, i);
        kerf_text_append(&text, "\n");
        reading = reading_of(text.bytes);
        cr_expect_eq(reading.status, KERF_E_INPUT);
        cr_expect_not_null(strstr(reading_messages(&reading), "key \"key-3\" is given twice (first in line 5)"));
        reading_close(&reading);
        kerf_text_fini(&text);
    }
}

Test(lookups, pass_over_what_is_not_there)
{
    struct reading reading = reading_of("a: {b: 1, c: ~, d: [x]}\n");
    const struct kerf_value *root = root_of(&reading), *a = kerf_value_get(root, "a");
    cr_expect_null(kerf_value_get(NULL, "a"));
    cr_expect_null(kerf_value_get(kerf_value_get(root, "zzz"), "b"));
    cr_expect_null(kerf_value_get(kerf_value_get(a, "b"), "b"));
    cr_expect_null(kerf_value_get(a, "c"));
    cr_expect_not_null(kerf_value_get_or_null(a, "c"));
    cr_expect_eq(kerf_value_count(NULL), 0);
    cr_expect_eq(kerf_value_count(kerf_value_get(a, "b")), 0);
    cr_expect_eq(kerf_value_count(kerf_value_get(a, "d")), 1);
    cr_expect_str_eq(kerf_value_get_text_or(a, "b", "?"), "1");
    cr_expect_str_eq(kerf_value_get_text_or(a, "d", "?"), "?");
    cr_expect_eq(kerf_value_document(a), reading.documents->list.items[0]);
    reading_close(&reading);
}
