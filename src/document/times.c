/** Times (RFC 3339) and durations (Go's syntax), exact to the microsecond. */
#include "document/document_internal.h"

/** Days from 1970-01-01 of a date of the Gregorian calendar, carried back to the year 0. March begins the year here, so that
 *  the leap day is its last. */
static int64_t days_of_date(int64_t year, int64_t month, int64_t day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t era = (march_year >= 0 ? march_year : march_year - 399) / 400;
    int64_t year_of_era = march_year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t days, int64_t *out_year, int64_t *out_month, int64_t *out_day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *out_day = day_of_year - (153 * month + 2) / 5 + 1;
    *out_month = month < 10 ? month + 3 : month - 9;
    *out_year = year_of_era + era * 400 + (*out_month <= 2);
}

static int64_t month_length(int64_t year, int64_t month)
{
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 ? 28 + is_leap : 30 + (month + month / 8) % 2;
}

/** Reads exactly `count` digits and moves behind them. */
static bool read_digits(const char **at, int count, int64_t *out_number)
{
    int64_t number = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        number = number * 10 + (**at - '0');
    }
    *out_number = number;
    return true;
}

static bool read_char(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool read_fraction_us(const char **at, int64_t *out_us)
{
    int64_t us = 0, weight = 100000;
    if (!read_char(at, '.'))
        return true;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++, weight /= 10)
        us += weight * (**at - '0');
    *out_us = us;
    return true;
}

static bool read_offset_minutes(const char **at, int64_t *out_minutes)
{
    if (read_char(at, 'Z') || read_char(at, 'z'))
        return true;
    bool is_west = **at == '-';
    int64_t hours, minutes;
    if (!(read_char(at, '+') || read_char(at, '-')))
        return false;
    if (!read_digits(at, 2, &hours) || !read_char(at, ':') || !read_digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (is_west ? -1 : 1);
    return true;
}

bool kerf_parse_time(const char *text, kerf_time_us *out_epoch_us)
{
    const char *at = text;
    int64_t year, month, day, hour, minute, second, fraction_us = 0, offset_minutes = 0;
    if (!read_digits(&at, 4, &year) || !read_char(&at, '-') || !read_digits(&at, 2, &month) || !read_char(&at, '-') ||
        !read_digits(&at, 2, &day))
        return false;
    if (!(read_char(&at, 'T') || read_char(&at, 't') || read_char(&at, ' ')))
        return false;
    if (!read_digits(&at, 2, &hour) || !read_char(&at, ':') || !read_digits(&at, 2, &minute) || !read_char(&at, ':') ||
        !read_digits(&at, 2, &second))
        return false;
    if (!read_fraction_us(&at, &fraction_us) || !read_offset_minutes(&at, &offset_minutes) || *at)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_length(year, month) || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t minutes = (days_of_date(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    *out_epoch_us = minutes * KERF_MINUTE_US + second * KERF_SECOND_US + fraction_us;
    return true;
}

const char *kerf_format_time(char buffer[KERF_TIME_TEXT_BYTES], kerf_time_us epoch_us)
{
    int64_t days = epoch_us / KERF_DAY_US - (epoch_us % KERF_DAY_US < 0);
    int64_t rest_us = epoch_us % KERF_DAY_US + (epoch_us % KERF_DAY_US < 0 ? KERF_DAY_US : 0);
    int64_t year, month, day;
    date_of_days(days, &year, &month, &day);
    int64_t second = rest_us / KERF_SECOND_US, fraction_us = rest_us % KERF_SECOND_US;
    char fraction[16] = "";
    if (fraction_us)
        snprintf(fraction, sizeof fraction, ".%06" PRId64, fraction_us);
    snprintf(buffer, KERF_TIME_TEXT_BYTES, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d%sZ", year, (int)month, (int)day,
             (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60), fraction);
    return buffer;
}

/* ---- durations ---- */

static const struct {
    const char *name;
    int64_t ns;
} duration_units[] = {
    /* A name that begins another one comes after it. */
    {"ns", 1},           {"us", 1000},    {"\xc2\xb5s", 1000}, /* the micro sign, and the Greek letter */
    {"\xce\xbcs", 1000}, {"ms", 1000000}, {"s", 1000000000},   {"m", 60 * INT64_C(1000000000)}, {"h", 3600 * INT64_C(1000000000)},
};

static bool read_unit(const char **at, int64_t *out_ns)
{
    for (size_t i = 0; i < sizeof duration_units / sizeof duration_units[0]; i++) {
        size_t length = strlen(duration_units[i].name);
        if (strncmp(*at, duration_units[i].name, length) == 0) {
            *at += length;
            *out_ns = duration_units[i].ns;
            return true;
        }
    }
    return false;
}

/** A number with its unit. Digits of the fraction beyond 15 are below a nanosecond of any unit. */
static bool read_part(const char **at, kerf_i128 *out_ns)
{
    enum { FRACTION_DIGITS_MAX = 15 };
    kerf_i128 whole = 0;
    int64_t fraction = 0, fraction_scale = 1, unit_ns;
    int digit_count = 0, fraction_digit_count = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++, digit_count++) {
        whole = whole * 10 + (**at - '0');
        if (whole > INT64_MAX)
            return false;
    }
    if (read_char(at, '.')) {
        for (; **at >= '0' && **at <= '9'; (*at)++, digit_count++) {
            if (fraction_digit_count++ < FRACTION_DIGITS_MAX) {
                fraction = fraction * 10 + (**at - '0');
                fraction_scale *= 10;
            }
        }
    }
    if (digit_count == 0 || !read_unit(at, &unit_ns))
        return false;
    *out_ns = whole * unit_ns + (kerf_i128)fraction * unit_ns / fraction_scale;
    return true;
}

bool kerf_parse_duration(const char *text, kerf_time_us *out_us)
{
    const char *at = text;
    bool is_negative = *at == '-';
    at += *at == '-' || *at == '+';
    if (strcmp(at, "0") == 0) {
        *out_us = 0;
        return true;
    }
    kerf_i128 total_ns = 0, part_ns;
    const kerf_i128 limit_ns = (kerf_i128)INT64_MAX * 1000;
    do {
        if (!read_part(&at, &part_ns))
            return false;
        total_ns += part_ns;
        if (total_ns > limit_ns)
            return false;
    } while (*at);
    int64_t total_us = (int64_t)(total_ns / 1000);
    *out_us = is_negative ? -total_us : total_us;
    return true;
}

const char *kerf_format_duration(char buffer[KERF_TIME_TEXT_BYTES], kerf_time_us us)
{
    uint64_t rest_us = us < 0 ? -(uint64_t)us : (uint64_t)us;
    const char *sign = us < 0 ? "-" : "";
    uint64_t hours = rest_us / KERF_HOUR_US, minutes = rest_us / KERF_MINUTE_US % 60;
    uint64_t seconds_us = rest_us % KERF_MINUTE_US;
    if (rest_us > 0 && rest_us < 1000) {
        snprintf(buffer, KERF_TIME_TEXT_BYTES, "%s%" PRIu64 "\xc2\xb5s", sign, rest_us);
        return buffer;
    }
    const char *unit = rest_us > 0 && rest_us < KERF_SECOND_US ? "ms" : "s";
    uint64_t unit_us = *unit == 'm' ? 1000 : KERF_SECOND_US;
    char seconds[32];
    int length = snprintf(seconds, sizeof seconds, "%" PRIu64 ".%0*" PRIu64, seconds_us / unit_us, *unit == 'm' ? 3 : 6,
                          seconds_us % unit_us);
    while (seconds[length - 1] == '0')
        length--;
    length -= seconds[length - 1] == '.';
    if (hours)
        snprintf(buffer, KERF_TIME_TEXT_BYTES, "%s%" PRIu64 "h%" PRIu64 "m%.*s%s", sign, hours, minutes, length, seconds, unit);
    else if (minutes)
        snprintf(buffer, KERF_TIME_TEXT_BYTES, "%s%" PRIu64 "m%.*s%s", sign, minutes, length, seconds, unit);
    else
        snprintf(buffer, KERF_TIME_TEXT_BYTES, "%s%.*s%s", sign, length, seconds, unit);
    return buffer;
}
