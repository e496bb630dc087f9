#include "document/document.h"

#include <criterion/criterion.h>

Test(times, are_read_exactly)
{
    static const struct {
        const char *text;
        bool is_time;
        int64_t want_us;
    } rows[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"2026-01-01T00:00:00Z", true, INT64_C(1767225600000000)},
        {"2024-02-29T12:30:15.5Z", true, INT64_C(1709209815500000)},
        {"2024-02-29T12:30:15.123456789Z", true, INT64_C(1709209815123456)},
        {"2026-01-01T02:00:00+02:00", true, INT64_C(1767225600000000)},
        {"2025-12-31T19:00:00-05:00", true, INT64_C(1767225600000000)},
        {"1969-12-31T23:59:59.999999Z", true, -1},
        {"2026-01-01t00:00:00z", true, INT64_C(1767225600000000)},
        {"0000-01-01T00:00:00Z", true, INT64_C(-62167219200000000)},
        {"2023-02-29T00:00:00Z", false, 0},
        {"2100-02-29T00:00:00Z", false, 0},
        {"2026-13-01T00:00:00Z", false, 0},
        {"2026-00-01T00:00:00Z", false, 0},
        {"2026-01-32T00:00:00Z", false, 0},
        {"2026-01-01T24:00:00Z", false, 0},
        {"2026-01-01T00:00:60Z", false, 0},
        {"2026-01-01T00:00:00", false, 0},
        {"2026-01-01T00:00:00.Z", false, 0},
        {"2026-01-01T00:00:00Zx", false, 0},
        {"2026-1-1T00:00:00Z", false, 0},
        {"2026-01-01", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = -77;
        cr_expect_eq(kerf_parse_time(rows[i].text, &got), rows[i].is_time, "%s", rows[i].text);
        cr_expect_eq(got, rows[i].is_time ? rows[i].want_us : -77, "%s %" PRId64, rows[i].text, got);
    }
}

Test(times, come_back_as_they_were_written)
{
    char text[KERF_TIME_TEXT_BYTES];
    /* Each day of 800 years, with a time of day that moves. */
    for (int64_t day = -146097; day < 146097; day++) {
        kerf_time_us want = day * KERF_DAY_US + (day * 7919 % 86400 + 86400) % 86400 * KERF_SECOND_US, got = 0;
        cr_assert(kerf_parse_time(kerf_format_time(text, want), &got));
        cr_assert_eq(got, want, "%s", text);
    }
    cr_expect_str_eq(kerf_format_time(text, 1500000), "1970-01-01T00:00:01.500000Z");
    cr_expect_str_eq(kerf_format_time(text, -1), "1969-12-31T23:59:59.999999Z");
    kerf_format_time(text, INT64_MAX);
    kerf_format_time(text, INT64_MIN);
}

Test(durations, are_read_exactly)
{
    static const struct {
        const char *text;
        bool is_duration;
        int64_t want_us;
    } rows[] = {
        {"0", true, 0},
        {"0s", true, 0},
        {"30s", true, 30 * KERF_SECOND_US},
        {"1h30m", true, 90 * KERF_MINUTE_US},
        {"720h", true, 720 * KERF_HOUR_US},
        {"1.5h", true, 90 * KERF_MINUTE_US},
        {".5s", true, 500000},
        {"5.s", true, 5000000},
        {"1h1h", true, 2 * KERF_HOUR_US},
        {"100ms", true, 100000},
        {"7us", true, 7},
        {"7\xc2\xb5s", true, 7},
        {"7\xce\xbcs", true, 7},
        {"1999ns", true, 1},
        {"-1m", true, -KERF_MINUTE_US},
        {"+1m", true, KERF_MINUTE_US},
        {"0.1h", true, 6 * KERF_MINUTE_US},
        {"0.333333333333333333333h", true, 1199999999},
        {"2562047788h", true, INT64_C(2562047788) * KERF_HOUR_US},
        {"9999999999h", false, 0},
        {"99999999999999999999h", false, 0},
        {"9223372036854775807h", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"5", false, 0},
        {"h", false, 0},
        {".s", false, 0},
        {"1d", false, 0},
        {"1h ", false, 0},
        {" 1h", false, 0},
        {"1H", false, 0},
        {"1h-1m", false, 0},
        {"Never", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t got = -77;
        cr_expect_eq(kerf_parse_duration(rows[i].text, &got), rows[i].is_duration, "%s", rows[i].text);
        cr_expect_eq(got, rows[i].is_duration ? rows[i].want_us : -77, "%s %" PRId64, rows[i].text, got);
    }
}

Test(durations, are_written_as_go_writes_them)
{
    static const struct {
        int64_t us;
        const char *want;
    } rows[] = {
        {0, "0s"},
        {7, "7\xc2\xb5s"},
        {1500, "1.5ms"},
        {1500000, "1.5s"},
        {30 * KERF_SECOND_US, "30s"},
        {60 * KERF_SECOND_US, "1m0s"},
        {90 * KERF_MINUTE_US, "1h30m0s"},
        {-90 * KERF_MINUTE_US, "-1h30m0s"},
        {720 * KERF_HOUR_US + 1, "720h0m0.000001s"},
        {INT64_MIN, "-2562047788h0m54.775808s"},
    };
    char text[KERF_TIME_TEXT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t again = 0;
        cr_expect_str_eq(kerf_format_duration(text, rows[i].us), rows[i].want, "%s", text);
        cr_expect(rows[i].us == INT64_MIN || (kerf_parse_duration(text, &again) && again == rows[i].us));
    }
}
