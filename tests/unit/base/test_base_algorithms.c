#include "base/base.h"

#include <criterion/criterion.h>

static uint64_t next_random(uint64_t *state)
{
    return *state = kerf_hash_mix(*state, 1);
}

/* ---- bitsets ---- */

Test(bitset, finds_and_counts_what_was_set)
{
    uint64_t words[5] = {0};
    static const size_t set[] = {0, 1, 63, 64, 127, 200, 319};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        kerf_bit_set(words, set[i]);
    cr_expect_eq(kerf_bitset_count(words, 5), 7);
    size_t found = 0;
    for (size_t bit = kerf_bitset_next(words, 5, 0); bit != SIZE_MAX; bit = kerf_bitset_next(words, 5, bit + 1))
        cr_assert_eq(bit, set[found++]);
    cr_expect_eq(found, 7);
    kerf_bit_clear(words, 319);
    cr_expect_not(kerf_bit_get(words, 319));
    cr_expect(kerf_bit_get(words, 200));
    cr_expect_eq(kerf_bitset_next(words, 5, 201), SIZE_MAX);
    cr_expect_eq(kerf_bitset_next(words, 5, 320), SIZE_MAX);
    cr_expect_eq(kerf_bitset_next(words, 0, 0), SIZE_MAX);
    cr_expect_eq(kerf_bitset_words(0), 0);
    cr_expect_eq(kerf_bitset_words(64), 1);
    cr_expect_eq(kerf_bitset_words(65), 2);
}

/* ---- sort ---- */

struct item {
    uint32_t key;
    uint32_t place;
    char filler[5];
};

static int compare_keys(const void *a, const void *b, void *context)
{
    (*(size_t *)context)++;
    return kerf_compare_u64(((const struct item *)a)->key, ((const struct item *)b)->key);
}

Test(sort, is_stable_for_all_lengths)
{
    static struct item items[1000];
    uint64_t state = 3;
    for (size_t count = 0; count <= 1000; count += count < 40 ? 1 : 320) {
        for (size_t i = 0; i < count; i++)
            items[i] = (struct item){.key = (uint32_t)(next_random(&state) % 50), .place = (uint32_t)i, .filler = "abc"};
        size_t comparisons = 0;
        kerf_sort(items, count, sizeof items[0], compare_keys, &comparisons);
        for (size_t i = 1; i < count; i++) {
            cr_assert(items[i - 1].key < items[i].key ||
                      (items[i - 1].key == items[i].key && items[i - 1].place < items[i].place));
            cr_assert_str_eq(items[i].filler, "abc");
        }
        cr_assert_lt(comparisons, count * 12 + 64);
    }
}

/* ---- numbers ---- */

Test(parse, whole_numbers)
{
    static const struct {
        const char *text;
        bool is_number;
        int64_t want;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+-1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
        {"1_000", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = -77;
        cr_expect_eq(kerf_parse_i64(rows[i].text, &got), rows[i].is_number, "%s", rows[i].text);
        cr_expect_eq(got, rows[i].is_number ? rows[i].want : -77, "%s", rows[i].text);
    }
    uint64_t got = 0;
    cr_expect(kerf_parse_u64("18446744073709551615", &got));
    cr_expect_eq(got, UINT64_MAX);
    cr_expect_not(kerf_parse_u64("18446744073709551616", &got));
    cr_expect_not(kerf_parse_u64("-1", &got));
}

Test(parse, decimal_numbers)
{
    static const struct {
        const char *text;
        bool is_number;
        double want;
    } rows[] = {
        {"0.1", true, 0.1},    {".5", true, 0.5},   {"5.", true, 5},
        {"-1e3", true, -1000}, {"1E+2", true, 100}, {"1e-400", true, 0},
        {"1e400", false, 0},   {"inf", false, 0},   {"nan", false, 0},
        {"0x1p3", false, 0},   {"", false, 0},      {".", false, 0},
        {"1e", false, 0},      {"1,5", false, 0},   {" 1", false, 0},
        {"1f", false, 0},      {"-", false, 0},     {"9007199254740993", true, 9007199254740992.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double got = -77;
        cr_expect_eq(kerf_parse_double(rows[i].text, &got), rows[i].is_number, "%s", rows[i].text);
        cr_expect(got == (rows[i].is_number ? rows[i].want : -77), "%s", rows[i].text);
    }
}

/* ---- texts ---- */

Test(text, grows_and_stays_terminated)
{
    struct kerf_text text = {0};
    for (int i = 0; i < 500; i++)
        kerf_text_append_format(&text, "%d,", i % 10);
    cr_expect_eq(text.length, 1000);
    cr_expect_eq(strlen(text.bytes), 1000);
    kerf_text_clear(&text);
    cr_expect_str_eq(text.bytes, "");
    kerf_text_append(&text, "a");
    kerf_text_append_bytes(&text, "\0b", 2);
    cr_expect_eq(text.length, 3);
    cr_expect_eq(text.bytes[2], 'b');
    kerf_text_fini(&text);
    kerf_text_clear(&text);
    kerf_text_append_bytes(&text, NULL, 0);
    cr_expect_str_eq(text.bytes, "");
    kerf_text_fini(&text);
}

/* ---- did you mean ---- */

Test(nearest, distances)
{
    static const struct {
        const char *a, *b;
        uint32_t limit, want;
    } rows[] = {
        {"", "", 5, 0},
        {"abc", "abc", 5, 0},
        {"abc", "acb", 5, 1},
        {"replicas", "replcias", 5, 1},
        {"cpu", "cup", 5, 1},
        {"memory", "memroy", 5, 1},
        {"kitten", "sitting", 9, 3},
        {"", "abc", 9, 3},
        {"abcdef", "uvwxyz", 3, 3},
        {"a", "abcdefgh", 4, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_expect_eq(kerf_edit_distance(rows[i].a, rows[i].b, rows[i].limit), rows[i].want, "%s %s", rows[i].a, rows[i].b);
        cr_expect_eq(kerf_edit_distance(rows[i].b, rows[i].a, rows[i].limit), rows[i].want, "%s %s", rows[i].b, rows[i].a);
    }
}

Test(nearest, takes_the_nearest_and_the_first_of_equals)
{
    static const char *const keys[] = {"replicas", "selector", "template", "cpu", "consolidateAfter", "consolidationPolicy"};
    enum { COUNT = sizeof keys / sizeof keys[0] };
    cr_expect_str_eq(kerf_nearest("replica", keys, COUNT), "replicas");
    cr_expect_str_eq(kerf_nearest("ConsolidateAfter", keys, COUNT), "consolidateAfter");
    cr_expect_str_eq(kerf_nearest("cpus", keys, COUNT), "cpu");
    cr_expect_null(kerf_nearest("nodeSelector", keys, COUNT));
    cr_expect_null(kerf_nearest("x", keys, COUNT));
    cr_expect_null(kerf_nearest("", keys, COUNT));
    static const char *const twins[] = {"abcx", "abcy"};
    cr_expect_str_eq(kerf_nearest("abcz", twins, 2), "abcx");
}

/* ---- hashes ---- */

Test(hash, has_the_same_value_everywhere)
{
    cr_expect_eq(kerf_hash_text("us-east-1a/m5.large"), kerf_hash_bytes("us-east-1a/m5.large", 19));
    cr_expect_neq(kerf_hash_text("a"), kerf_hash_text("b"));
    cr_expect_neq(kerf_hash_bytes("\0", 1), kerf_hash_bytes("\0\0", 2));
    /* Streams of random numbers are keyed by it: a change would change all results. */
    cr_expect_eq(kerf_hash_text(""), UINT64_C(0x61f4a1de98e2f0e9));
    cr_expect_eq(kerf_hash_text("us-east-1a/m5.large"), UINT64_C(0xf35d39b859e4c5a2));
}

Test(arithmetic, saturates)
{
    cr_expect_eq(kerf_saturate_i64((kerf_i128)INT64_MAX * 2), INT64_MAX);
    cr_expect_eq(kerf_saturate_i64((kerf_i128)INT64_MIN * 2), INT64_MIN);
    cr_expect_eq(kerf_saturate_i64(-5), -5);
}
