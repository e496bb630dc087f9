/** Numbers from text, exactly: no blanks, no octal or hexadecimal, no locale. */
#include "base/base.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static bool parse_digits(const char *digits, uint64_t *out_value)
{
    uint64_t value = 0;
    if (!*digits)
        return false;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9')
            return false;
        if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (uint64_t)(*digits - '0'), &value))
            return false;
    }
    *out_value = value;
    return true;
}

bool kerf_parse_i64(const char *text, int64_t *out_value)
{
    bool negative = *text == '-';
    uint64_t magnitude;
    if (!parse_digits(text + (*text == '-' || *text == '+'), &magnitude))
        return false;
    if (magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out_value = negative ? -(int64_t)(magnitude - (magnitude > 0)) - (magnitude > 0) : (int64_t)magnitude;
    return true;
}

bool kerf_parse_u64(const char *text, uint64_t *out_value)
{
    return parse_digits(text + (*text == '+'), out_value);
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

/** [+-] digits [. digits] [e [+-] digits], with a digit before or after the point. */
static bool is_decimal(const char *text)
{
    text += *text == '+' || *text == '-';
    const char *after = skip_digits(text);
    size_t digit_count = (size_t)(after - text);
    if (*after == '.') {
        const char *fraction = after + 1;
        after = skip_digits(fraction);
        digit_count += (size_t)(after - fraction);
    }
    if (digit_count == 0)
        return false;
    if (*after == 'e' || *after == 'E') {
        const char *exponent = after + 1;
        exponent += *exponent == '+' || *exponent == '-';
        after = skip_digits(exponent);
        if (after == exponent)
            return false;
    }
    return *after == '\0';
}

static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void open_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool kerf_parse_double(const char *text, double *out_value)
{
    if (!is_decimal(text))
        return false;
    pthread_once(&c_locale_once, open_c_locale);
    KERF_ASSERT(c_locale);
    double value = strtod_l(text, NULL, c_locale);
    if (!isfinite(value))
        return false;
    *out_value = value;
    return true;
}
