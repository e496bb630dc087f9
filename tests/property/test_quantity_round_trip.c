/** Quantities: what is written reads back the same; spellings of one number agree; the rounding is the right one. */
#include "model/model.h"

#include <criterion/criterion.h>

static uint64_t state;
static uint64_t next_random(void)
{
    state += 0x9e3779b97f4a7c15u;
    return kerf_hash_mix(state, 0);
}
static int64_t draw(int64_t below) { return (int64_t)(next_random() % (uint64_t)below); }

Test(quantity_round_trip, format_then_parse)
{
    static const enum kerf_resource resources[] = {KERF_RESOURCE_CPU, KERF_RESOURCE_MEMORY, KERF_RESOURCE_PODS, KERF_RESOURCE_NVIDIA_GPU};
    for (int i = 0; i < 200000; i++) {
        enum kerf_resource resource = resources[draw(4)];
        int64_t amount = (int64_t)(next_random() >> (1 + draw(62))), got = -1;
        for (int64_t zeros = draw(10); zeros > 0 && amount < INT64_MAX / 1024; zeros--)
            amount *= draw(2) ? 10 : 1024;
        char text[40];
        kerf_quantity_format(resource, amount, text, sizeof text);
        cr_assert(kerf_quantity_parse(text, kerf_resource_scale(resource), KERF_ROUND_UP, &got), "%s", text);
        cr_assert_eq(got, amount, "%s", text);
    }
}

/** Exact decimal arithmetic the slow way: `digits` x 10^exponent, rounded up (away from zero is up here: no signs). */
static int64_t scaled(int64_t digits, int exponent)
{
    kerf_i128 value = digits;
    for (; exponent > 0; exponent--)
        value *= 10;
    for (; exponent < 0; exponent++)
        value = value / 10 + (value % 10 != 0); /* ceilings of ceilings: the ceiling */
    return (int64_t)value;
}

Test(quantity_round_trip, spellings_agree)
{
    static const struct {
        const char *suffix;
        int exponent;
    } suffixes[] = {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"e-7", -7}, {"e2", 2}, {"E+1", 1}};
    for (int i = 0; i < 100000; i++) {
        int64_t digits = draw(1000000), got = -1;
        int fraction = (int)draw(4);
        size_t suffix = (size_t)draw(8);
        char text[64];
        int64_t unit = fraction == 0 ? 1 : fraction == 1 ? 10 : fraction == 2 ? 100 : 1000;
        if (fraction)
            snprintf(text, sizeof text, "%" PRId64 ".%0*" PRId64 "%s", digits / unit, fraction, digits % unit, suffixes[suffix].suffix);
        else
            snprintf(text, sizeof text, "%" PRId64 "%s", digits, suffixes[suffix].suffix);
        int64_t want_nano = scaled(digits, suffixes[suffix].exponent - fraction + 9);
        cr_assert(kerf_quantity_parse(text, 9, KERF_ROUND_UP, &got), "%s", text);
        cr_assert_eq(got, want_nano, "%s gave %" PRId64 ", not %" PRId64, text, got, want_nano);
        cr_assert(kerf_quantity_parse(text, 3, KERF_ROUND_UP, &got), "%s", text);
        cr_assert_eq(got, want_nano / 1000000 + (want_nano % 1000000 != 0), "%s", text);
        cr_assert(kerf_quantity_parse(text, 0, KERF_ROUND_DOWN, &got), "%s", text);
        cr_assert_eq(got, want_nano / 1000000000, "%s", text);
    }
}

Test(quantity_round_trip, long_way_agrees_with_the_short_one)
{
    /* The same number with so many zeros that only long arithmetic can hold it. */
    static const char *const suffixes[] = {"", "m", "Ki", "Gi", "k", "e-3"};
    for (int i = 0; i < 20000; i++) {
        int64_t digits = draw(100000000), short_way = -1, long_way = -2;
        const char *suffix = suffixes[draw(6)];
        char short_text[64], long_text[160];
        snprintf(short_text, sizeof short_text, "%" PRId64 ".%03" PRId64 "%s", digits / 1000, digits % 1000, suffix);
        snprintf(long_text, sizeof long_text, "%" PRId64 ".%03" PRId64 "%030d%s", digits / 1000, digits % 1000, 0, suffix);
        bool fits = kerf_quantity_parse(short_text, 9, KERF_ROUND_UP, &short_way);
        cr_assert_eq(kerf_quantity_parse(long_text, 9, KERF_ROUND_UP, &long_way), fits, "%s", long_text);
        if (fits)
            cr_assert_eq(long_way, short_way, "%s and %s", short_text, long_text);
    }
}
