#include "random/random_internal.h"

#include <float.h>
#include <math.h>

#define HALF_LN_2PI 0.91893853320467274178
#define SHAPE_EXACT_MAX 1e5     /* beyond, Wilson and Hilferty's formula alone */
#define POISSON_SEARCH_MAX 16.0 /* up to this mean, probabilities are summed from 0 */

/* Stirling's series from 10 on, where it is good to the last digit; smaller arguments are shifted up by the recurrence. */
double kerf_log_gamma(double x)
{
    KERF_ASSERT(x > 0.0);
    double product = 1.0;
    for (; x < 10.0; x += 1.0)
        product *= x;
    const double y = 1.0 / x;
    const double w = y * y;
    const double series =
        y *
        (1.0 / 12 - w * (1.0 / 360 - w * (1.0 / 1260 - w * (1.0 / 1680 - w * (1.0 / 1188 - w * (691.0 / 360360 - w / 156))))));
    return (x - 0.5) * kerf_exact_log(x) - x + HALF_LN_2PI + series - kerf_exact_log(product);
}

/* Lower function by its power series: x^a e^-x / gamma(a + 1) (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...). */
static double series_sum(double shape, double x)
{
    double term = 1.0;
    double sum = 1.0;
    for (double a = shape + 1.0; term > sum * (DBL_EPSILON / 4); a += 1.0) {
        term *= x / a;
        sum += term;
    }
    return sum;
}

/* Upper function by Legendre's continued fraction, evaluated from the front (modified Lentz): x^a e^-x / gamma(a) times this. */
static double fraction_value(double shape, double x)
{
    double b = x + 1.0 - shape;
    double c = 1.0 / DBL_MIN;
    double d = 1.0 / b;
    double value = d;
    for (double i = 1.0;; i += 1.0) {
        const double an = -i * (i - shape);
        b += 2.0;
        d = an * d + b;
        d = 1.0 / (fabs(d) < DBL_MIN ? DBL_MIN : d);
        c = b + an / c;
        if (fabs(c) < DBL_MIN)
            c = DBL_MIN;
        const double factor = d * c;
        value *= factor;
        if (fabs(factor - 1.0) <= 2 * DBL_EPSILON)
            return value;
    }
}

void kerf_incomplete_gamma(double shape, double x, double *out_p, double *out_q)
{
    KERF_ASSERT(shape > 0.0);
    KERF_ASSERT(x >= 0.0);
    if (x == 0.0) {
        *out_p = 0.0;
        *out_q = 1.0;
        return;
    }
    const double log_power = shape * kerf_exact_log(x) - x;
    if (x < shape + 1.0) {
        *out_p = fmin(1.0, kerf_exact_exp(log_power - kerf_log_gamma(shape + 1.0)) * series_sum(shape, x));
        *out_q = 1.0 - *out_p;
    } else {
        *out_q = fmin(1.0, kerf_exact_exp(log_power - kerf_log_gamma(shape)) * fraction_value(shape, x));
        *out_p = 1.0 - *out_q;
    }
}

static double gamma_density(double shape, double x)
{
    return kerf_exact_exp((shape - 1.0) * kerf_exact_log(x) - x - kerf_log_gamma(shape));
}

/* P(x) is about x^a / gamma(a + 1) where x is small against the shape. */
static double gamma_quantile_small(double shape, double probability)
{
    return kerf_exact_exp((kerf_exact_log(probability) + kerf_log_gamma(shape + 1.0)) / shape);
}

static double gamma_quantile_guess(double shape, double probability)
{
    if (shape < 0.5)
        return gamma_quantile_small(shape, probability);
    const double root = 1.0 - 1.0 / (9.0 * shape) + kerf_normal_quantile(probability) / (3.0 * sqrt(shape));
    return root > 0.1 ? shape * root * root * root : gamma_quantile_small(shape, probability);
}

/* Newton's method within a bracket; the bracket is halved (doubled, while it is open) when a step would leave it or leap. */
double kerf_gamma_quantile(double shape, double probability)
{
    KERF_ASSERT(shape > 0.0);
    KERF_ASSERT(probability > 0.0);
    KERF_ASSERT(probability < 1.0);
    double x = gamma_quantile_guess(shape, probability);
    if (shape > SHAPE_EXACT_MAX || x < DBL_MIN)
        return x;
    double low = 0.0;
    double high = HUGE_VAL;
    for (int i = 0; i < 200; i++) {
        double p;
        double q;
        kerf_incomplete_gamma(shape, x, &p, &q);
        const double excess = probability < 0.5 ? p - probability : (1.0 - probability) - q;
        if (excess == 0.0)
            return x;
        if (excess < 0.0)
            low = x;
        else
            high = x;
        double next = x - excess / gamma_density(shape, x);
        if (!(next > low && next < high && next < 8 * x))
            next = high < HUGE_VAL ? low + (high - low) / 2 : 2 * x;
        if (fabs(next - x) <= 4 * DBL_EPSILON * x)
            return next;
        x = next;
    }
    return x;
}

/* P(K <= k) > probability, compared on the side where the tail is small. */
static bool poisson_exceeds(double mean, double k, double probability)
{
    double above; /* P(K > k) */
    double up_to;
    kerf_incomplete_gamma(k + 1.0, mean, &above, &up_to);
    return probability < 0.5 ? up_to > probability : above < 1.0 - probability;
}

static uint64_t poisson_search_from_zero(double mean, double probability)
{
    double term = kerf_exact_exp(-mean);
    double sum = term;
    uint64_t k = 0;
    while (sum <= probability && term > 0x1p-80) { /* the sum may round to just below the largest probabilities */
        k++;
        term *= mean / (double)k;
        sum += term;
    }
    return k;
}

uint64_t kerf_poisson_quantile(double mean, double probability)
{
    KERF_ASSERT(mean >= 0.0);
    KERF_ASSERT(probability >= 0.0);
    KERF_ASSERT(probability < 1.0);
    if (mean <= POISSON_SEARCH_MAX)
        return poisson_search_from_zero(mean, probability);
    /* From the expansion of Cornish and Fisher, which is seldom off by more than one, to the place where the sum crosses. */
    probability = fmax(probability, 0x1p-54);
    const double z = kerf_normal_quantile(probability);
    double k = fmax(0.0, floor(mean + sqrt(mean) * z + (z * z - 1.0) / 6.0));
    if (poisson_exceeds(mean, k, probability)) {
        while (k > 0.0 && poisson_exceeds(mean, k - 1.0, probability))
            k -= 1.0;
    } else {
        do
            k += 1.0;
        while (!poisson_exceeds(mean, k, probability));
    }
    return (uint64_t)k;
}
