/** Cron schedules: every spelling, and when they hit. */
#include "model/model.h"
#include "document/document.h"

#include <criterion/criterion.h>

static const struct {
    const char *text;
    bool parses;
} spellings[] = {
    { "* * * * *", true },      { "0 7 * * 1-5", true },     { "*/15 * * * *", true },   { "5/10 * * * *", true },
    { "0 0 1,15 * ?", true },   { "0 0 * JAN-mar SUN", true }, { "@yearly", true },       { "@annually", true },
    { "@monthly", true },       { "@weekly", true },         { "@daily", true },         { "@midnight", true },
    { "@hourly", true },        { "  0\t0 * * *  ", true },  { "0 0 * * 6", true },      { "1-5/2 * * * *", true },
    { "0,, 0 * * *", true },    { "0 0 * * 7", false },      { "60 * * * *", false },    { "* 24 * * *", false },
    { "* * 0 * *", false },     { "* * 32 * *", false },     { "* * * 13 *", false },    { "* * * *", false },
    { "* * * * * *", false },   { "@every 5m", false },      { "@Daily", false },        { "5-1 * * * *", false },
    { "*/0 * * * *", false },   { "a * * * *", false },      { "", false },              { "0 0 L * *", false },
    { "0 0 * * MON#2", false }, { "-1 * * * *", false },     { "1- * * * *", false },    { ", * * * *", false },
    { "*-5 * * * *", false },   { "TZ=UTC 0 0 * * *", false },
};

Test(cron, spellings)
{
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        struct kerf_cron cron;
        cr_expect_eq(kerf_cron_parse(spellings[i].text, &cron), spellings[i].parses, "\"%s\"", spellings[i].text);
    }
}

static const struct {
    const char *text;
    const char *after;
    const char *hit; /* NULL: never */
} hits[] = {
    { "0 7 * * 1-5", "2026-01-02T07:00:00Z", "2026-01-05T07:00:00Z" }, /* a Friday; strictly after */
    { "0 7 * * 1-5", "2026-01-02T06:59:59.999999Z", "2026-01-02T07:00:00Z" },
    { "*/15 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z" },
    { "*/15 * * * *", "2026-01-01T23:45:00Z", "2026-01-02T00:00:00Z" },
    { "5/20 * * * *", "2026-01-01T00:45:00Z", "2026-01-01T01:05:00Z" },
    { "30 2 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T02:30:00Z" },
    { "0 0 31 4 *", "2026-01-01T00:00:00Z", NULL },
    { "0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z" },   /* both restricted: the 13th or a Friday */
    { "0 0 13 * *", "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z" },
    { "0 0 13 * */1", "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z" }, /* a step of one restricts nothing */
    { "0 0 */2 * 1", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z" },  /* a step of two does: odd days or Mondays */
    { "0 0 ? * 0", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z" },
    { "@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z" },
    { "@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z" },
    { "@monthly", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z" },
    { "@hourly", "2026-01-01T10:59:59Z", "2026-01-01T11:00:00Z" },
    { "0 0 * * *", "1969-12-30T12:00:00Z", "1969-12-31T00:00:00Z" },
    { "59 23 31 12 *", "1969-12-31T23:58:00Z", "1969-12-31T23:59:00Z" },
};

Test(cron, hits)
{
    for (size_t i = 0; i < sizeof hits / sizeof hits[0]; i++) {
        struct kerf_cron cron;
        kerf_time_us after, want = KERF_TIME_NEVER;
        cr_assert(kerf_cron_parse(hits[i].text, &cron));
        cr_assert(kerf_parse_time(hits[i].after, &after));
        if (hits[i].hit)
            cr_assert(kerf_parse_time(hits[i].hit, &want));
        char buffer[KERF_TIME_TEXT_BYTES];
        kerf_time_us got = kerf_cron_next(&cron, after);
        cr_expect_eq(got, want, "%s after %s: %s", hits[i].text, hits[i].after,
                     got == KERF_TIME_NEVER ? "never" : kerf_format_time(buffer, got));
    }
    struct kerf_cron cron;
    cr_assert(kerf_cron_parse("@daily", &cron));
    cr_expect_eq(kerf_cron_next(&cron, KERF_TIME_NEVER), KERF_TIME_NEVER);
}
