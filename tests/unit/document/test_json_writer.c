#include "document/document.h"

#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>

static void write_sample(struct kerf_json *json)
{
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "schema", "kerf.test/v1");
    kerf_json_key(json, "list");
    kerf_json_begin_list(json);
    kerf_json_i64(json, INT64_MIN);
    kerf_json_u64(json, UINT64_MAX);
    kerf_json_double(json, 0.1);
    kerf_json_bool(json, true);
    kerf_json_null(json);
    kerf_json_format(json, "%d\"", 5);
    kerf_json_end_list(json);
    kerf_json_key(json, "empty");
    kerf_json_begin_list(json);
    kerf_json_end_list(json);
    kerf_json_key(json, "short");
    kerf_json_begin_list_in_line(json);
    kerf_json_begin_map(json);
    kerf_json_put_bool(json, "a", false);
    kerf_json_put_null(json, "b");
    kerf_json_end_map(json);
    kerf_json_i64(json, 2);
    kerf_json_end_list(json);
    kerf_json_put_decimal(json, "cost", 1234500, 6);
    kerf_json_put_i64(json, "n", 0);
    kerf_json_put_double(json, "d", NAN);
    kerf_json_end_map(json);
}

Test(json_writer, one_line)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    write_sample(&json);
    cr_expect_eq(kerf_json_finish(&json), KERF_OK);
    cr_expect_str_eq(json.text.bytes,
                     "{\"schema\":\"kerf.test/v1\",\"list\":[-9223372036854775808,18446744073709551615,0.1,true,null,"
                     "\"5\\\"\"],\"empty\":[],\"short\":[{\"a\":false,\"b\":null},2],\"cost\":1.2345,\"n\":0,\"d\":null}\n");
    kerf_json_fini(&json);
}

Test(json_writer, indented)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 2);
    write_sample(&json);
    cr_expect_eq(kerf_json_finish(&json), KERF_OK);
    cr_expect_str_eq(json.text.bytes, "{\n  \"schema\": \"kerf.test/v1\",\n  \"list\": [\n    -9223372036854775808,\n"
                                      "    18446744073709551615,\n    0.1,\n    true,\n    null,\n    \"5\\\"\"\n  ],\n"
                                      "  \"empty\": [],\n  \"short\": [{\"a\": false, \"b\": null}, 2],\n  \"cost\": 1.2345,\n"
                                      "  \"n\": 0,\n  \"d\": null\n}\n");
    kerf_json_fini(&json);
}

Test(json_writer, a_stream_gets_the_same)
{
    struct kerf_json whole, streamed;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    kerf_json_init(&whole, NULL, 2);
    kerf_json_init(&streamed, stream, 2);
    kerf_json_begin_list(&whole);
    kerf_json_begin_list(&streamed);
    for (int i = 0; i < 2000; i++) {
        write_sample(&whole);
        write_sample(&streamed);
    }
    kerf_json_end_list(&whole);
    kerf_json_end_list(&streamed);
    cr_expect_eq(kerf_json_finish(&whole), KERF_OK);
    cr_expect_eq(kerf_json_finish(&streamed), KERF_OK);
    fclose(stream);
    cr_expect_eq(size, whole.text.length);
    cr_expect(strcmp(text, whole.text.bytes) == 0);
    free(text);
    kerf_json_fini(&whole);
    kerf_json_fini(&streamed);
    kerf_json_fini(NULL);
}

Test(json_writer, a_full_disk_shows)
{
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    struct kerf_json json;
    kerf_json_init(&json, full, 0);
    kerf_json_i64(&json, 1);
    cr_expect_eq(kerf_json_finish(&json), KERF_E_IO);
    kerf_json_fini(&json);
    fclose(full);
}

static void expect_text(const char *text, const char *want)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    kerf_json_text(&json, text);
    cr_expect_str_eq(json.text.bytes, want);
    kerf_json_fini(&json);
}

Test(json_writer, texts)
{
    expect_text(NULL, "null");
    expect_text("", "\"\"");
    expect_text("a\"\\\b\f\n\r\t\x01\x7f/", "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u007f/\"");
    expect_text("\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"");
    expect_text("\xc3", "\"\xef\xbf\xbd\"");
    expect_text("\xff\x80z\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(json_writer, doubles_are_short_and_read_back_the_same)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1.5e21, "1.5e+21"},
        {1e-7, "0.0000001"},
        {1.25e-8, "1.25e-08"},
        {123456.789, "123456.789"},
        {100, "100"},
        {9007199254740993.0, "9007199254740992"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {0.00012, "0.00012"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
    };
    char text[KERF_DOUBLE_TEXT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_str_eq(kerf_format_double(text, rows[i].value), rows[i].want, "%s", text);
    uint64_t state = 5;
    for (int i = 0; i < 200000; i++) {
        double value, again = 0;
        state = kerf_hash_mix(state, (uint64_t)i);
        memcpy(&value, &state, sizeof value);
        if (!isfinite(value))
            continue;
        cr_assert(kerf_parse_double(kerf_format_double(text, value), &again), "%s", text);
        cr_assert(again == value, "%s is not %.17g", text, value);
        cr_assert_lt(strlen(text), sizeof text);
    }
}

Test(json_writer, no_locale_reaches_a_number)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        cr_skip_test("no locale with a decimal comma is installed");
    char text[KERF_DOUBLE_TEXT_BYTES];
    double value = 0;
    cr_expect_str_eq(kerf_format_double(text, 1.5), "1.5");
    cr_expect(kerf_parse_double("1.5", &value) && value == 1.5);
}

Test(json_writer, decimals)
{
    static const struct {
        int64_t value;
        uint32_t decimals;
        const char *want;
    } rows[] = {
        {0, 6, "0"},
        {1, 6, "0.000001"},
        {-1, 6, "-0.000001"},
        {1500000, 6, "1.5"},
        {-96000, 6, "-0.096"},
        {100, 0, "100"},
        {100, 2, "1"},
        {INT64_MIN, 6, "-9223372036854.775808"},
        {7, 18, "0.000000000000000007"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_json json;
        kerf_json_init(&json, NULL, 0);
        kerf_json_decimal(&json, rows[i].value, rows[i].decimals);
        cr_expect_str_eq(json.text.bytes, rows[i].want);
        kerf_json_fini(&json);
    }
}

Test(json_writer, a_map_wants_keys, .signal = SIGABRT)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    kerf_json_begin_map(&json);
    kerf_json_i64(&json, 1);
}

Test(json_writer, what_was_begun_must_end, .signal = SIGABRT)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    kerf_json_begin_list(&json);
    if (kerf_json_finish(&json) != KERF_OK)
        return;
}

Test(json_writer, a_list_is_no_map, .signal = SIGABRT)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 0);
    kerf_json_begin_list(&json);
    kerf_json_end_map(&json);
}
