#include "document_testing.h"

#include <math.h>

/** One document with all that a reader may meet; each test asks for some of it. */
static const char mixed[] = "i: 42\nneg: -7\nbig: 99999999999999999999\nf: 0.25\nq: \"42\"\nt: true\nn: no\nw: maybe\nnul: ~\n"
                            "l: [1]\nm: {k: v}\nd: 1h30m\nts: 2026-01-01T00:00:00Z\ne: Spot\nlong: "
                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";

static const char *const capacity_types[] = {"on-demand", NULL, "spot"};

/** The last message ends with this. */
static void expect_last(struct reading *reading, const char *want)
{
    const char *messages = reading_messages(reading);
    size_t length = strlen(messages), want_length = strlen(want);
    bool ends_so = length > want_length && strncmp(messages + length - 1 - want_length, want, want_length) == 0;
    cr_expect(ends_so, "wanted \"%s\" at the end of:\n%s", want, messages);
}

Test(value, right_ones_are_read)
{
    struct reading reading = reading_of(mixed);
    const struct kerf_value *root = root_of(&reading);
    struct kerf_errors *errs = reading.errs;
    int64_t whole = 0;
    uint64_t natural = 0;
    double number = 0;
    bool flag = false;
    const char *text = NULL;
    uint32_t index = 9;
    kerf_time_us time_us = 0;
    cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "neg"), -7, 0, &whole, errs), KERF_OK);
    cr_expect_eq(whole, -7);
    cr_expect_eq(kerf_value_read_u64(kerf_value_get(root, "i"), 42, &natural, errs), KERF_OK);
    cr_expect_eq(natural, 42);
    cr_expect_eq(kerf_value_read_double(kerf_value_get(root, "f"), -INFINITY, INFINITY, &number, errs), KERF_OK);
    cr_expect(number == 0.25);
    cr_expect_eq(kerf_value_read_bool(kerf_value_get(root, "t"), &flag, errs), KERF_OK);
    cr_expect(flag);
    cr_expect_eq(kerf_value_read_bool(kerf_value_get(root, "n"), &flag, errs), KERF_OK);
    cr_expect_not(flag);
    cr_expect_eq(kerf_value_read_text(kerf_value_get(root, "i"), &text, errs), KERF_OK);
    cr_expect_str_eq(text, "42");
    cr_expect_eq(kerf_value_read_duration(kerf_value_get(root, "d"), 0, KERF_DAY_US, &time_us, errs), KERF_OK);
    cr_expect_eq(time_us, 90 * KERF_MINUTE_US);
    cr_expect_eq(kerf_value_read_time(kerf_value_get(root, "ts"), &time_us, errs), KERF_OK);
    cr_expect_eq(time_us, INT64_C(1767225600000000));
    cr_expect_eq(kerf_value_read_enum(kerf_value_get(root, "e"), (const char *const[]){"x", NULL, "Spot"}, 3, &index, errs),
                 KERF_OK);
    cr_expect_eq(index, 2);
    cr_expect_eq(kerf_errors_count(errs), 0);
    reading_close(&reading);
}

Test(value, absent_ones_leave_the_default)
{
    struct reading reading = reading_of(mixed);
    const struct kerf_value *absent[] = {NULL, kerf_value_get_or_null(root_of(&reading), "nul")};
    for (size_t i = 0; i < 2; i++) {
        int64_t whole = 5;
        uint64_t natural = 5;
        double number = 5;
        bool flag = true;
        const char *text = "d";
        uint32_t index = 5;
        kerf_time_us time_us = 5;
        cr_expect_eq(kerf_value_read_i64(absent[i], 0, 0, &whole, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_u64(absent[i], 0, &natural, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_double(absent[i], 0, 0, &number, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_bool(absent[i], &flag, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_text(absent[i], &text, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_enum(absent[i], capacity_types, 3, &index, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_time(absent[i], &time_us, reading.errs), KERF_OK);
        cr_expect_eq(kerf_value_read_duration(absent[i], 0, 0, &time_us, reading.errs), KERF_OK);
        cr_expect(whole == 5 && natural == 5 && number == 5 && flag && index == 5 && time_us == 5);
    }
    cr_expect_eq(kerf_value_expect(NULL, KERF_VALUE_MAP, reading.errs), KERF_OK);
    reading_close(&reading);
}

Test(value, wrong_ones_say_what_was_found_and_expected)
{
    struct reading reading = reading_of(mixed);
    const struct kerf_value *root = root_of(&reading);
    struct kerf_errors *errs = reading.errs;
    int64_t whole = 5;
    uint64_t natural = 5;
    double number = 5;
    bool flag = true;
    const char *text = "d";
    uint32_t index = 5;
    kerf_time_us time_us = 5;
    cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "w"), 0, 9, &whole, errs), KERF_E_INPUT);
    expect_last(&reading, "t:8:4: w: \"maybe\" is not a whole number");
    cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "f"), 0, 9, &whole, errs), KERF_E_INPUT);
    expect_last(&reading, "t:4:4: f: \"0.25\" is not a whole number");
    cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "q"), 0, 99, &whole, errs), KERF_E_INPUT);
    expect_last(&reading, "t:5:4: q: the text \"42\" is not a whole number");
    cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "i"), 0, 9, &whole, errs), KERF_E_INPUT);
    expect_last(&reading, "t:1:4: i: 42 is out of range; expected 0 to 9");
    cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "big"), 0, INT64_MAX, &whole, errs), KERF_E_INPUT);
    expect_last(&reading, "big: 99999999999999999999 is out of range; expected 0 to 9223372036854775807");
    cr_expect_eq(kerf_value_read_u64(kerf_value_get(root, "neg"), 9, &natural, errs), KERF_E_INPUT);
    expect_last(&reading, "neg: -7 is out of range; expected 0 to 9");
    cr_expect_eq(kerf_value_read_double(kerf_value_get(root, "f"), 0.5, 1e300, &number, errs), KERF_E_INPUT);
    expect_last(&reading, "f: 0.25 is out of range; expected 0.5 to 1e+300");
    cr_expect_eq(kerf_value_read_double(kerf_value_get(root, "f"), 1, INFINITY, &number, errs), KERF_E_INPUT);
    expect_last(&reading, "f: 0.25 is out of range; expected 1 to inf");
    cr_expect_eq(kerf_value_read_double(kerf_value_get(root, "m"), 0, 1, &number, errs), KERF_E_INPUT);
    expect_last(&reading, "m: a map was found; expected a number");
    cr_expect_eq(kerf_value_read_bool(kerf_value_get(root, "w"), &flag, errs), KERF_E_INPUT);
    expect_last(&reading, "w: \"maybe\" is not true or false");
    cr_expect_eq(kerf_value_read_text(kerf_value_get(root, "l"), &text, errs), KERF_E_INPUT);
    expect_last(&reading, "l: a list was found; expected a text");
    cr_expect_eq(kerf_value_read_enum(kerf_value_get(root, "e"), capacity_types, 3, &index, errs), KERF_E_INPUT);
    expect_last(&reading, "e: \"Spot\" is not one of on-demand, spot");
    cr_expect_eq(kerf_value_read_time(kerf_value_get(root, "d"), &time_us, errs), KERF_E_INPUT);
    expect_last(&reading, "d: \"1h30m\" is not a time (RFC 3339, such as 2026-01-01T00:00:00Z)");
    cr_expect_eq(kerf_value_read_duration(kerf_value_get(root, "i"), 0, 9, &time_us, errs), KERF_E_INPUT);
    expect_last(&reading, "i: \"42\" is not a duration (numbers with h, m, s, ms, such as 1h30m)");
    cr_expect_eq(kerf_value_read_duration(kerf_value_get(root, "d"), 0, KERF_MINUTE_US, &time_us, errs), KERF_E_INPUT);
    expect_last(&reading, "d: 1h30m is out of range; expected 0s to 1m0s");
    cr_expect_eq(kerf_value_read_bool(kerf_value_get(root, "long"), &flag, errs), KERF_E_INPUT);
    expect_last(&reading, "aaa...\" is not true or false");
    cr_expect(whole == 5 && natural == 5 && number == 5 && flag && index == 5 && time_us == 5 && strcmp(text, "d") == 0);
    reading_close(&reading);
}

Test(value, integers_of_json_beyond_2_to_the_53_are_refused)
{
    static const char *const formats[] = {"{\"a\": 9007199254740993, \"b\": 9007199254740992, \"c\": -9007199254740993}",
                                          "---\na: 9007199254740993\nb: 9007199254740992\nc: -9007199254740993\n"};
    for (int i = 0; i < 2; i++) {
        struct reading reading = reading_of(formats[i]);
        const struct kerf_value *root = root_of(&reading);
        int64_t whole = 0;
        uint64_t natural = 0;
        enum kerf_status want = i == 0 ? KERF_E_INPUT : KERF_OK;
        cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "a"), 0, INT64_MAX, &whole, reading.errs), want);
        cr_expect_eq(kerf_value_read_u64(kerf_value_get(root, "a"), UINT64_MAX, &natural, reading.errs), want);
        cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "c"), INT64_MIN, 0, &whole, reading.errs), want);
        cr_expect_eq(kerf_value_read_i64(kerf_value_get(root, "b"), 0, INT64_MAX, &whole, reading.errs), KERF_OK);
        cr_expect_eq(whole, INT64_C(1) << 53);
        reading_close(&reading);
    }
}

Test(value, required_children)
{
    struct reading reading = reading_of(mixed);
    const struct kerf_value *root = root_of(&reading), *value = NULL;
    cr_expect_eq(kerf_value_require(root, "i", &value, reading.errs), KERF_OK);
    cr_expect_str_eq(value->text, "42");
    cr_expect_eq(kerf_value_require(root, "zzz", &value, reading.errs), KERF_E_INPUT);
    expect_last(&reading, "t:1:1: key \"zzz\" is missing");
    cr_expect_eq(kerf_value_require(root, "nul", &value, reading.errs), KERF_E_INPUT);
    expect_last(&reading, "nul: null was found; expected a value");
    cr_expect_eq(kerf_value_require(kerf_value_get(root, "l"), "k", &value, reading.errs), KERF_E_INPUT);
    expect_last(&reading, "l: a list was found; expected a map with key \"k\"");
    cr_expect_eq(kerf_value_get_map(root, "m", &value, reading.errs), KERF_OK);
    cr_expect_eq(kerf_value_get_list(root, "m", &value, reading.errs), KERF_E_INPUT);
    expect_last(&reading, "m: a map was found; expected a list");
    cr_expect_eq(kerf_value_get_map(root, "i", &value, reading.errs), KERF_E_INPUT);
    expect_last(&reading, "i: \"42\" was found; expected a map");
    cr_expect_eq(kerf_value_get_list(root, "absent", &value, reading.errs), KERF_OK);
    cr_expect_null(value);
    reading_close(&reading);
}

Test(value, unknown_keys)
{
    static const char *const known[] = {"replicas", "selector", "template"};
    static const char text[] = "spec:\n  replica: 1\n  somethingElse: 2\n  selector: {}\n";
    static const struct {
        enum kerf_key_mode mode;
        enum kerf_status status;
        const char *messages;
    } want[] = {
        {KERF_KEYS_REFUSE, KERF_E_INPUT,
         "t:2:3: spec.replica: unknown key; did you mean \"replicas\"?\n"
         "t:3:3: spec.somethingElse: unknown key; expected one of replicas, selector, template\n"},
        {KERF_KEYS_WARN, KERF_OK,
         "warning: t:2:3: spec.replica: unknown key; did you mean \"replicas\"?\n"
         "warning: t:3:3: spec.somethingElse: unknown key; expected one of replicas, selector, template\n"},
        {KERF_KEYS_WARN_NEAR_MISSES, KERF_OK, "warning: t:2:3: spec.replica: unknown key; did you mean \"replicas\"?\n"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct reading reading = reading_of(text);
        const struct kerf_value *spec = kerf_value_get(root_of(&reading), "spec");
        cr_expect_eq(kerf_value_check_keys(spec, known, 3, want[i].mode, reading.errs), want[i].status);
        cr_expect_eq(kerf_value_check_keys(NULL, known, 3, want[i].mode, reading.errs), KERF_OK);
        cr_expect_str_eq(reading_messages(&reading), want[i].messages);
        reading_close(&reading);
    }
}
