#include "stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* GSL's handler aborts, so what it refuses is asserted here, with our message. Its inverse of Student's t converges for every
 * whole number of degrees of freedom (tests walk through them). */
static double upper_probability(double confidence)
{
    KERF_ASSERT(confidence > 0.0);
    KERF_ASSERT(confidence < 1.0);
    return 0.5 + confidence / 2.0;
}

static struct kerf_interval interval_of_moments(const struct kerf_moments *moments, double confidence)
{
    const double upper = upper_probability(confidence);
    struct kerf_interval interval = {.mean = moments->mean, .low = moments->mean, .high = moments->mean, .count = moments->count};
    if (moments->count < 2)
        return interval;
    const double count = (double)moments->count;
    const double half_width = gsl_cdf_tdist_Pinv(upper, count - 1.0) * sqrt(kerf_moments_variance(moments) / count);
    interval.low = moments->mean - half_width;
    interval.high = moments->mean + half_width;
    interval.known = true;
    return interval;
}

struct kerf_interval kerf_interval_of(const double *values, size_t count, double confidence)
{
    struct kerf_moments moments = {0};
    for (size_t i = 0; i < count; i++)
        kerf_moments_add(&moments, values[i]);
    return interval_of_moments(&moments, confidence);
}

struct kerf_interval kerf_interval_of_differences(const double *values, const double *baseline, size_t count, double confidence)
{
    struct kerf_moments moments = {0};
    for (size_t i = 0; i < count; i++)
        kerf_moments_add(&moments, values[i] - baseline[i]);
    return interval_of_moments(&moments, confidence);
}

struct kerf_interval kerf_interval_of_ratio(const double *numerators, const double *denominators, size_t count, double confidence)
{
    double numerator = 0, denominator = 0;
    for (size_t i = 0; i < count; i++) {
        numerator += numerators[i];
        denominator += denominators[i];
    }
    KERF_ASSERT(denominator != 0.0);
    const double ratio = numerator / denominator;
    const double mean_denominator = denominator / (double)count;
    struct kerf_moments moments = {0};
    for (size_t i = 0; i < count; i++)
        kerf_moments_add(&moments, ratio + (numerators[i] - ratio * denominators[i]) / mean_denominator);
    return interval_of_moments(&moments, confidence);
}

struct kerf_interval kerf_interval_of_share(uint64_t successes, uint64_t count, double confidence)
{
    const double upper = upper_probability(confidence);
    KERF_ASSERT(successes <= count);
    if (count == 0)
        return (struct kerf_interval){0};
    const double n = (double)count;
    const double share = (double)successes / n;
    const double z = gsl_cdf_ugaussian_Pinv(upper);
    const double weight = 1.0 / (1.0 + z * z / n);
    const double center = weight * (share + z * z / (2.0 * n));
    const double half_width = weight * z * sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n));
    return (struct kerf_interval){
        .mean = share,
        .low = successes == 0 ? 0.0 : fmax(0.0, center - half_width), /* exactly: the two terms cancel but for rounding */
        .high = successes == count ? 1.0 : fmin(1.0, center + half_width),
        .count = count,
        .known = true,
    };
}
