/** Every spelling of a quantity, and the canonical ones. */
#include "model/model.h"

#include <criterion/criterion.h>

#define NO INT64_MIN /* refused */

static const struct {
    const char *text;
    int scale;
    enum kerf_rounding rounding;
    int64_t want;
} rows[] = {
    {"250m", 9, KERF_ROUND_UP, 250000000},
    {"100u", 9, KERF_ROUND_UP, 100000},
    {"1n", 9, KERF_ROUND_UP, 1},
    {"0.1n", 9, KERF_ROUND_UP, 1},
    {"1", 9, KERF_ROUND_UP, 1000000000},
    {"1.5", 9, KERF_ROUND_UP, 1500000000},
    {".5", 9, KERF_ROUND_UP, 500000000},
    {"1.", 9, KERF_ROUND_UP, 1000000000},
    {"+2", 9, KERF_ROUND_UP, 2000000000},
    {"-1", 9, KERF_ROUND_UP, -1000000000},
    {"0", 9, KERF_ROUND_UP, 0},
    {"000.000", 9, KERF_ROUND_UP, 0},
    {"-0", 3, KERF_ROUND_UP, 0},
    {"2k", 9, KERF_ROUND_UP, 2000000000000},
    {"1.123456789999", 9, KERF_ROUND_UP, 1123456790},
    {"1.123456789999", 9, KERF_ROUND_DOWN, 1123456790}, /* Kubernetes itself keeps 10^-9, rounded up */
    {"128Mi", 3, KERF_ROUND_UP, INT64_C(134217728000)},
    {"0.3Gi", 3, KERF_ROUND_UP, INT64_C(322122547200)},
    {"1Ki", 3, KERF_ROUND_UP, 1024000},
    {"1.0000000001Ki", 3, KERF_ROUND_UP, 1024001},
    {"1.0000000001Ki", 3, KERF_ROUND_DOWN, 1024000},
    {"1e9", 3, KERF_ROUND_UP, INT64_C(1000000000000)},
    {"1E9", 3, KERF_ROUND_UP, INT64_C(1000000000000)},
    {"12e-1", 3, KERF_ROUND_UP, 1200},
    {"1e+3", 0, KERF_ROUND_UP, 1000},
    {"1E", 0, KERF_ROUND_UP, INT64_C(1000000000000000000)},
    {"7Ei", 0, KERF_ROUND_UP, INT64_C(8070450532247928832)},
    {"1m", 0, KERF_ROUND_UP, 1},
    {"1m", 0, KERF_ROUND_DOWN, 0},
    {"-1m", 0, KERF_ROUND_UP, 0},
    {"-1m", 0, KERF_ROUND_DOWN, -1},
    {"1e-400", 9, KERF_ROUND_UP, 1},
    {"9223372036854775807", 0, KERF_ROUND_UP, INT64_MAX},
    {"9223372036854775807000000000000000n", 0, KERF_ROUND_UP, NO},
    {"123456789123456789123456789n", 0, KERF_ROUND_DOWN, INT64_C(123456789123456789)},
    {"123456789123456789123456789n", 0, KERF_ROUND_UP, INT64_C(123456789123456790)},
    {"0.00000000000000000000000000000000000000000000000001Ei", 9, KERF_ROUND_UP, 1},
    {"100000000000000000000000000000000000000000000000000e-49", 0, KERF_ROUND_UP, 10},
    {"9223372036854775808", 0, KERF_ROUND_UP, NO},
    {"8Ei", 0, KERF_ROUND_UP, NO},
    {"1e400", 0, KERF_ROUND_UP, NO},
    {"", 0, KERF_ROUND_UP, NO},
    {"m", 0, KERF_ROUND_UP, NO},
    {".", 0, KERF_ROUND_UP, NO},
    {"1..2", 0, KERF_ROUND_UP, NO},
    {"1 ", 0, KERF_ROUND_UP, NO},
    {" 1", 0, KERF_ROUND_UP, NO},
    {"1e", 0, KERF_ROUND_UP, NO},
    {"1e1.5", 0, KERF_ROUND_UP, NO},
    {"1K", 0, KERF_ROUND_UP, NO},
    {"1ki", 0, KERF_ROUND_UP, NO},
    {"1Mib", 0, KERF_ROUND_UP, NO},
    {"4oo", 0, KERF_ROUND_UP, NO},
    {"0x10", 0, KERF_ROUND_UP, NO},
    {"1,5", 0, KERF_ROUND_UP, NO},
    {"--1", 0, KERF_ROUND_UP, NO},
};

Test(quantity, parse)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = NO; /* untouched when refused */
        bool parsed = kerf_quantity_parse(rows[i].text, rows[i].scale, rows[i].rounding, &got);
        cr_expect_eq(parsed, rows[i].want != NO, "\"%s\"", rows[i].text);
        cr_expect_eq(got, rows[i].want, "\"%s\" gave %" PRId64, rows[i].text, got);
    }
}

Test(quantity, saturating)
{
    int64_t got = 0;
    cr_expect(kerf_quantity_parse_saturating("1Ei", 3, KERF_ROUND_UP, &got));
    cr_expect_eq(got, INT64_MAX);
    cr_expect(kerf_quantity_parse_saturating("-1Ei", 3, KERF_ROUND_UP, &got));
    cr_expect_eq(got, INT64_MIN);
    cr_expect(!kerf_quantity_parse_saturating("1Eii", 3, KERF_ROUND_UP, &got));
}

static const struct {
    enum kerf_resource resource;
    int64_t amount;
    const char *want;
} formats[] = {
    {KERF_RESOURCE_CPU, 1500000000, "1500m"},
    {KERF_RESOURCE_CPU, 2000000000, "2"},
    {KERF_RESOURCE_CPU, 2000000000000, "2k"},
    {KERF_RESOURCE_CPU, 100000, "100u"},
    {KERF_RESOURCE_CPU, 1, "1n"},
    {KERF_RESOURCE_CPU, 0, "0"},
    {KERF_RESOURCE_CPU, -250000000, "-250m"},
    {KERF_RESOURCE_MEMORY, INT64_C(7238320128000), "6903Mi"},
    {KERF_RESOURCE_MEMORY, INT64_C(322122547200), "322122547200m"},
    {KERF_RESOURCE_MEMORY, 1000000, "1k"}, /* below 1024 the decimal form, as in Kubernetes */
    {KERF_RESOURCE_MEMORY, 1024000, "1Ki"},
    {KERF_RESOURCE_MEMORY, INT64_C(2000000000000), "1953125Ki"},
    {KERF_RESOURCE_MEMORY, 1025000, "1025"},
    {KERF_RESOURCE_PODS, 110, "110"},
    {KERF_RESOURCE_PODS, 0, "0"},
    {KERF_RESOURCE_NVIDIA_GPU, 4000, "4"},
    {KERF_RESOURCE_HUGEPAGES_2MI, INT64_C(134217728000), "128Mi"},
};

Test(quantity, format)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char text[40];
        kerf_quantity_format(formats[i].resource, formats[i].amount, text, sizeof text);
        cr_expect_str_eq(text, formats[i].want);
    }
}
