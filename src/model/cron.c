/** Cron schedules as robfig/cron v3 reads them (workloads.md 7.1), in UTC. */
#include "model/cron.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

enum { SEARCH_YEARS = 5 };

struct cron_field {
    int64_t min;
    int64_t max;
    const char *const *names; /* of the values from min on; NULL: numbers only */
    int name_count;
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
static const struct cron_field cron_fields[5] = {
    {0, 59, NULL, 0}, {0, 23, NULL, 0}, {1, 31, NULL, 0}, {1, 12, month_names, 12}, {0, 6, weekday_names, 7},
};

/* ---- reading
 * ---------------------------------------------------------------------------------------------------------------------- */

static bool parse_number(const char *text, int64_t *out_value)
{
    return kerf_parse_i64(text, out_value) && *out_value >= 0;
}

static bool parse_value(const struct cron_field *field, const char *text, int64_t *out_value)
{
    for (int i = 0; i < field->name_count; i++) {
        if (!strcasecmp(text, field->names[i])) {
            *out_value = field->min + i;
            return true;
        }
    }
    return parse_number(text, out_value);
}

/** One of a list: `*`, `?`, a, a-b, each with an optional /step. Cuts the text up. */
static bool parse_range(const struct cron_field *field, char *text, uint64_t *bits, bool *any)
{
    char *slash = strchr(text, '/');
    if (slash)
        *slash++ = 0;
    char *dash = strchr(text, '-');
    if (dash && dash > text)
        *dash++ = 0;
    else
        dash = NULL;
    int64_t first, last, step = 1;
    bool star = !strcmp(text, "*") || !strcmp(text, "?");
    if (star) {
        if (dash)
            return false;
        first = field->min;
        last = field->max;
    } else {
        if (!parse_value(field, text, &first))
            return false;
        last = first;
        if (dash && !parse_value(field, dash, &last))
            return false;
    }
    if (slash) {
        if (!parse_number(slash, &step) || step == 0)
            return false;
        if (!star && !dash)
            last = field->max; /* n/s: from n on */
    }
    if (first < field->min || last > field->max || first > last)
        return false;
    if (star && step == 1)
        *any = true;
    for (int64_t value = first; value <= last; value += step)
        *bits |= (uint64_t)1 << value;
    return true;
}

static bool parse_field(const struct cron_field *field, char *text, uint64_t *bits, bool *any)
{
    *bits = 0;
    *any = false;
    bool found = false;
    for (char *next; text; text = next) {
        next = strchr(text, ',');
        if (next)
            *next++ = 0;
        if (!*text)
            continue; /* an empty entry of a list is passed over */
        if (!parse_range(field, text, bits, any))
            return false;
        found = true;
    }
    return found;
}

static const struct {
    const char *name;
    const char *fields;
} descriptors[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

bool kerf_cron_parse(const char *text, struct kerf_cron *out_cron)
{
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        if (!strcmp(text, descriptors[i].name))
            text = descriptors[i].fields;
    char buffer[256];
    size_t length = strlen(text);
    if (length >= sizeof buffer)
        return false;
    memcpy(buffer, text, length + 1);

    char *fields[5];
    size_t count = 0;
    for (char *at = buffer; *at;) {
        while (*at && isspace((unsigned char)*at))
            *at++ = 0;
        if (!*at)
            break;
        if (count == 5)
            return false;
        fields[count++] = at;
        while (*at && !isspace((unsigned char)*at))
            at++;
    }
    if (count != 5)
        return false;
    uint64_t bits[5];
    bool any[5];
    for (size_t i = 0; i < 5; i++)
        if (!parse_field(&cron_fields[i], fields[i], &bits[i], &any[i]))
            return false;
    *out_cron = (struct kerf_cron){.minutes = bits[0],
                                   .hours = (uint32_t)bits[1],
                                   .days = (uint32_t)bits[2],
                                   .months = (uint16_t)bits[3],
                                   .weekdays = (uint8_t)bits[4],
                                   .any_day = any[2],
                                   .any_weekday = any[4]};
    return true;
}

/* ---- next hit
 * --------------------------------------------------------------------------------------------------------------------- */

struct date {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;   /* 1 to 31 */
};

static bool is_leap_year(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}
static int64_t year_length(int64_t year)
{
    return is_leap_year(year) ? 366 : 365;
}
static int64_t month_length(int64_t year, int64_t month)
{
    static const int64_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : lengths[month - 1];
}

/** Of a day counted from 1970; year by year, which is a few dozen steps. */
static struct date date_of_day(int64_t day)
{
    struct date date = {.year = 1970, .month = 1};
    while (day < 0)
        day += year_length(--date.year);
    while (day >= year_length(date.year))
        day -= year_length(date.year++);
    while (day >= month_length(date.year, date.month))
        day -= month_length(date.year, date.month++);
    date.day = day + 1;
    return date;
}

static void next_day(struct date *date)
{
    if (++date->day <= month_length(date->year, date->month))
        return;
    date->day = 1;
    if (++date->month <= 12)
        return;
    date->month = 1;
    date->year++;
}

static bool day_matches(const struct kerf_cron *cron, const struct date *date, int64_t weekday)
{
    if (!(cron->months >> date->month & 1))
        return false;
    bool day = cron->days >> date->day & 1;
    bool of_week = cron->weekdays >> weekday & 1;
    return cron->any_day || cron->any_weekday ? day && of_week : day || of_week;
}

kerf_time_us kerf_cron_next(const struct kerf_cron *cron, kerf_time_us after_epoch_us)
{
    if (after_epoch_us == KERF_TIME_NEVER)
        return KERF_TIME_NEVER;
    int64_t minute = after_epoch_us / KERF_MINUTE_US;
    if (after_epoch_us % KERF_MINUTE_US < 0)
        minute--;
    minute++; /* strictly after, seconds are zero */
    int64_t day = minute >= 0 ? minute / 1440 : -((1439 - minute) / 1440);
    int64_t minute_of_day = minute - day * 1440;
    struct date date = date_of_day(day);
    int64_t last_year = date.year + SEARCH_YEARS;
    for (; date.year <= last_year; day++, next_day(&date), minute_of_day = 0) {
        int64_t weekday = ((day + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        if (!day_matches(cron, &date, weekday))
            continue;
        for (int64_t hour = minute_of_day / 60; hour < 24; hour++) {
            if (!(cron->hours >> hour & 1))
                continue;
            int64_t from = hour == minute_of_day / 60 ? minute_of_day % 60 : 0;
            for (int64_t m = from; m < 60; m++)
                if (cron->minutes >> m & 1)
                    return ((day * 24 + hour) * 60 + m) * KERF_MINUTE_US;
        }
    }
    return KERF_TIME_NEVER;
}
