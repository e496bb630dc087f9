/**
 * Quantities of Kubernetes, exactly. A quantity is digits x 10^-fraction x suffix; the usual ones fit 128 bits and take the short
 * way, the others (many digits, far exponents) take long arithmetic.
 */
#include "model/resources.h"

enum { NANO_DIGITS = 9, KEPT_DIGITS_MAX = 36, FAST_DIGITS_MAX = 18, LIMB_COUNT = 12 };
/* 10^21 cores or bytes outgrow every scale of ours; 10^-40 of one is a trace that only rounds. */
enum { EXPONENT_HUGE = 22, EXPONENT_TRACE = -40, EXPONENT_MAX = 1000000 };

__extension__ typedef unsigned __int128 u128;

static const int64_t power_of_ten[] = {1,
                                       10,
                                       100,
                                       1000,
                                       10000,
                                       100000,
                                       1000000,
                                       10000000,
                                       100000000,
                                       1000000000,
                                       10000000000,
                                       100000000000,
                                       1000000000000,
                                       10000000000000,
                                       100000000000000,
                                       1000000000000000,
                                       10000000000000000,
                                       100000000000000000,
                                       1000000000000000000};

/** A quantity as written: (digits, then `sticky` for digits that were cut off and not zero) x 10^exponent10 x 2^exponent2. */
struct parts {
    bool negative;
    bool sticky;
    int digit_count; /* significant digits kept */
    int64_t exponent10;
    unsigned exponent2;
    unsigned char digits[KEPT_DIGITS_MAX];
};

static bool parse_exponent(const char *text, int64_t *out_exponent)
{
    bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    if (!*text)
        return false;
    int64_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        if (value < EXPONENT_MAX)
            value = value * 10 + (*text - '0');
    if (*text)
        return false;
    *out_exponent = negative ? -value : value;
    return true;
}

static bool parse_suffix(const char *text, int64_t *out_exponent10, unsigned *out_exponent2)
{
    static const char binary[] = "KMGTPE";
    static const char decimal[] = "num kMGTPE"; /* 10^-9 up to 10^18, the blank is the unit itself */
    *out_exponent10 = 0;
    *out_exponent2 = 0;
    if (!*text)
        return true;
    if (!text[1]) {
        const char *at = *text == ' ' ? NULL : strchr(decimal, *text);
        if (at)
            *out_exponent10 = 3 * (at - decimal) - NANO_DIGITS;
        return at != NULL;
    }
    if (text[1] == 'i' && !text[2]) {
        const char *at = strchr(binary, *text);
        if (at)
            *out_exponent2 = 10 * (unsigned)(at - binary + 1);
        return at != NULL;
    }
    return (*text == 'e' || *text == 'E') && parse_exponent(text + 1, out_exponent10);
}

static bool parse_parts(const char *text, struct parts *parts)
{
    int64_t cut = 0, fraction = 0;
    size_t seen = 0;
    bool point = false;
    *parts = (struct parts){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    for (;; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            break;
        seen++;
        fraction += point;
        if (parts->digit_count == 0 && *text == '0')
            continue;
        if (parts->digit_count < KEPT_DIGITS_MAX) {
            parts->digits[parts->digit_count++] = (unsigned char)(*text - '0');
        } else {
            cut++;
            parts->sticky = parts->sticky || *text != '0';
        }
    }
    if (seen == 0 || !parse_suffix(text, &parts->exponent10, &parts->exponent2))
        return false;
    parts->exponent10 += cut - fraction;
    return true;
}

/* ---- long arithmetic: little-endian limbs of 32 bits ------------------------------------------------------------------------
 */

static void multiply(uint32_t *limbs, uint32_t factor, uint32_t addend)
{
    uint64_t carry = addend;
    for (int i = 0; i < LIMB_COUNT; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    KERF_ASSERT(carry == 0);
}

/** Divides and returns whether something was left over. */
static bool divide(uint32_t *limbs, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = LIMB_COUNT - 1; i >= 0; i--) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    return rest != 0;
}

/** |quantity| in 10^-9, rounded up; UINT128 max when it outgrows. */
static u128 magnitude_long(const struct parts *parts)
{
    const u128 outgrown = ~(u128)0;
    int64_t order = parts->digit_count + parts->exponent10; /* value < 10^order x 2^exponent2 */
    if (order > EXPONENT_HUGE)
        return outgrown;
    if (order < EXPONENT_TRACE)
        return 1;
    uint32_t limbs[LIMB_COUNT] = {0};
    for (int i = 0; i < parts->digit_count; i++)
        multiply(limbs, 10, parts->digits[i]);
    for (unsigned i = 0; i < parts->exponent2; i += 10)
        multiply(limbs, 1024, 0);
    bool rest = parts->sticky;
    int64_t exponent = parts->exponent10 + NANO_DIGITS;
    for (; exponent > 0; exponent--)
        multiply(limbs, 10, 0);
    for (; exponent < 0; exponent++)
        rest = divide(limbs, 10) || rest;
    for (int i = 4; i < LIMB_COUNT; i++)
        if (limbs[i])
            return outgrown;
    u128 value = (u128)limbs[3] << 96 | (u128)limbs[2] << 64 | (u128)limbs[1] << 32 | limbs[0];
    return value == outgrown ? outgrown : value + rest;
}

static u128 magnitude_nano(const struct parts *parts)
{
    if (parts->digit_count == 0)
        return 0;
    int64_t exponent = parts->exponent10 + NANO_DIGITS;
    if (parts->digit_count > FAST_DIGITS_MAX || exponent > FAST_DIGITS_MAX || exponent < -FAST_DIGITS_MAX)
        return magnitude_long(parts);
    uint64_t digits = 0;
    for (int i = 0; i < parts->digit_count; i++)
        digits = digits * 10 + parts->digits[i];
    u128 value = (u128)digits << parts->exponent2; /* < 2^60 x 2^60 */
    if (exponent >= 0) {
        u128 factor = (u128)power_of_ten[exponent];
        return value > ~(u128)0 / factor ? ~(u128)0 : value * factor;
    }
    u128 divisor = (u128)power_of_ten[-exponent];
    return value / divisor + (value % divisor != 0);
}

/** As kerf_quantity_parse, but an amount beyond 64 bits becomes INT64_MAX or INT64_MIN and `*out_saturated` true. */
static bool parse(const char *text, int scale, enum kerf_rounding rounding, int64_t *out_amount, bool *out_saturated)
{
    struct parts parts;
    KERF_ASSERT(scale >= 0 && scale <= NANO_DIGITS);
    if (!parse_parts(text, &parts))
        return false;
    u128 magnitude = magnitude_nano(&parts); /* what Kubernetes keeps: away from zero */
    u128 divisor = (u128)power_of_ten[NANO_DIGITS - scale];
    bool rest = magnitude % divisor != 0;
    magnitude /= divisor;
    magnitude += rest && (rounding == KERF_ROUND_UP) != parts.negative;
    *out_saturated = magnitude > (u128)INT64_MAX;
    if (*out_saturated)
        *out_amount = parts.negative ? INT64_MIN : INT64_MAX;
    else
        *out_amount = parts.negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

bool kerf_quantity_parse_saturating(const char *text, int scale, enum kerf_rounding rounding, int64_t *out_amount)
{
    bool saturated;
    return parse(text, scale, rounding, out_amount, &saturated);
}

bool kerf_quantity_parse(const char *text, int scale, enum kerf_rounding rounding, int64_t *out_amount)
{
    int64_t amount;
    bool saturated;
    if (!parse(text, scale, rounding, &amount, &saturated) || saturated)
        return false;
    *out_amount = amount;
    return true;
}

bool kerf_quantity_parse_nanocores(const char *text, int64_t *out_cpu_nanocores)
{
    return kerf_quantity_parse(text, 9, KERF_ROUND_UP, out_cpu_nanocores);
}

bool kerf_quantity_parse_millibytes(const char *text, int64_t *out_millibytes)
{
    return kerf_quantity_parse(text, 3, KERF_ROUND_UP, out_millibytes);
}

int kerf_resource_scale(enum kerf_resource resource)
{
    return resource == KERF_RESOURCE_CPU ? 9 : resource == KERF_RESOURCE_PODS ? 0 : 3;
}

static bool counts_bytes(enum kerf_resource resource)
{
    return resource == KERF_RESOURCE_MEMORY || resource == KERF_RESOURCE_EPHEMERAL_STORAGE ||
           resource == KERF_RESOURCE_HUGEPAGES_2MI || resource == KERF_RESOURCE_HUGEPAGES_1GI;
}

/**
 * The canonical form: no fraction, the largest suffix that leaves an integer. Bytes take the binary suffixes if they are whole
 * and reach 1024, as quantities written with such a suffix do; others the decimal ones.
 */
void kerf_quantity_format(enum kerf_resource resource, int64_t amount, char *buffer, size_t buffer_bytes)
{
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    static const char *const decimal[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
    int scale = kerf_resource_scale(resource);
    int64_t unit = power_of_ten[scale];
    if (counts_bytes(resource) && amount % unit == 0 && (amount / unit >= 1024 || amount / unit <= -1024)) {
        int64_t whole = amount / unit;
        int step = 0;
        for (; whole % 1024 == 0; step++)
            whole /= 1024;
        snprintf(buffer, buffer_bytes, "%" PRId64 "%s", whole, binary[step]);
        return;
    }
    int step = (NANO_DIGITS - scale) / 3;
    if (amount == 0)
        step = 3;
    for (; amount != 0 && amount % 1000 == 0; step++)
        amount /= 1000;
    snprintf(buffer, buffer_bytes, "%" PRId64 "%s", amount, decimal[step]);
}
