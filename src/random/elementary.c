#include "random/random_internal.h"

#include <math.h>

/* ln 2 in two parts: the first has 32 trailing zero bits, so its product with an exponent is exact. */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define LOG2_E 0x1.71547652b82fep0

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/*
 * x = m 2^k with m between sqrt(1/2) and sqrt(2); with f = m - 1 and s = f / (2 + f), ln m = 2 artanh s, whose series
 * 2 s (1 + z/3 + z^2/5 + ...), z = s^2 <= 0.0295, is cut where the rest is below 2^-56 of the sum. The sum is arranged as
 * f - s (f - r), in which only the small second part is rounded more than once. Even and odd powers are summed apart: two
 * short chains of multiplications instead of a long one.
 */
double kerf_exact_log(double x)
{
    KERF_ASSERT(x > 0.0);
    KERF_ASSERT(x < HUGE_VAL);
    int exponent = -1023;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        exponent -= 54;
    }
    uint64_t bits = bits_of(x);
    const uint64_t sqrt_half_fraction = 0x6a09e667f3bcd; /* of sqrt(2) = 1.41...: above it, halve and count one more */
    const uint64_t fraction = bits & 0xfffffffffffff;
    const bool upper = fraction > sqrt_half_fraction;
    exponent += (int)(bits >> 52) + (upper ? 1 : 0);
    const double f = double_of(fraction | (uint64_t)(upper ? 1022 : 1023) << 52) - 1.0;

    const double s = f / (2.0 + f);
    const double z = s * s;
    const double w = z * z;
    const double odd = 2.0 / 3 + w * (2.0 / 7 + w * (2.0 / 11 + w * (2.0 / 15 + w * (2.0 / 19))));
    const double even = 2.0 / 5 + w * (2.0 / 9 + w * (2.0 / 13 + w * (2.0 / 17 + w * (2.0 / 21))));
    const double r = z * (odd + z * even);
    return exponent * LN2_HIGH + (f - (s * (f - r) - exponent * LN2_LOW));
}

/* x = k ln 2 + r, |r| <= ln 2 / 2; the series of exp r up to r^13 / 13!, of which 1 + r is added last. */
double kerf_exact_exp(double x)
{
    KERF_ASSERT(x == x);
    if (x > 710.0)
        return HUGE_VAL;
    if (x < -746.0)
        return 0.0;
    const double k = floor(x * LOG2_E + 0.5);
    const double high = x - k * LN2_HIGH;
    const double low = k * LN2_LOW;
    const double r = high - low;
    const double lost = (high - r) - low; /* of r, by its rounding */
    const double w = r * r;
    const double even =
        1.0 / 2 + w * (1.0 / 24 + w * (1.0 / 720 + w * (1.0 / 40320 + w * (1.0 / 3628800 + w * (1.0 / 479001600)))));
    const double odd =
        1.0 / 6 + w * (1.0 / 120 + w * (1.0 / 5040 + w * (1.0 / 362880 + w * (1.0 / 39916800 + w * (1.0 / 6227020800)))));
    return ldexp(1.0 + (r + (w * (even + r * odd) + lost)), (int)k);
}

/* Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988): relative error about 1e-16. Coefficients from there. */
static double ratio(double x, const double numerator[8], const double denominator[8])
{
    double above = numerator[7];
    double below = denominator[7];
    for (int i = 6; i >= 0; i--) {
        above = above * x + numerator[i];
        below = below * x + denominator[i];
    }
    return above / below;
}

double kerf_normal_quantile(double probability)
{
    static const double middle_above[8] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                                           1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                                           3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double middle_below[8] = {1.0,
                                           4.2313330701600911252e1,
                                           6.8718700749205790830e2,
                                           5.3941960214247511077e3,
                                           2.1213794301586595867e4,
                                           3.9307895800092710610e4,
                                           2.8729085735721942674e4,
                                           5.2264952788528545610e3};
    static const double near_above[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                         3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                         2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double near_below[8] = {1.0,
                                         2.05319162663775882187e0,
                                         1.67638483018380384940e0,
                                         6.89767334985100004550e-1,
                                         1.48103976427480074590e-1,
                                         1.51986665636164571966e-2,
                                         5.47593808499534494600e-4,
                                         1.05075007164441684324e-9};
    static const double far_above[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                        2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double far_below[8] = {1.0,
                                        5.99832206555887937690e-1,
                                        1.36929880922735805310e-1,
                                        1.48753612908506148525e-2,
                                        7.86869131145613259100e-4,
                                        1.84631831751005468180e-5,
                                        1.42151175831644588870e-7,
                                        2.04426310338993978564e-15};
    KERF_ASSERT(probability > 0.0);
    KERF_ASSERT(probability < 1.0);
    const double q = probability - 0.5;
    if (fabs(q) <= 0.425)
        return q * ratio(0.180625 - q * q, middle_above, middle_below);
    const double r = sqrt(-kerf_exact_log(q < 0.0 ? probability : 1.0 - probability));
    const double z = r <= 5.0 ? ratio(r - 1.6, near_above, near_below) : ratio(r - 5.0, far_above, far_below);
    return q < 0.0 ? -z : z;
}
