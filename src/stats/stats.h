/**
 * stats: what is said about many numbers: moments, time-weighted means, quantiles, confidence intervals, paired differences.
 * GSL stays behind this door. Doubles are at home here; results depend only on the order in which values were given.
 */
#ifndef KERF_STATS_H
#define KERF_STATS_H

#include "base/base.h"

/** Count, mean and variance in one pass (Welford); two can be merged. All zero is empty. */
struct kerf_moments {
    uint64_t count;
    double mean;
    double sum_squares; /* of deviations from the mean */
    double minimum;
    double maximum;
};
void kerf_moments_add(struct kerf_moments *moments, double value);
void kerf_moments_merge(struct kerf_moments *moments, const struct kerf_moments *other);
double kerf_moments_variance(const struct kerf_moments *moments); /* of a sample (n - 1); 0 below two values */

/** The integral of a step function of time, exact in integers: value x microseconds in 128 bits. */
struct kerf_time_weighted {
    int64_t value;
    int64_t peak;
    kerf_time_us since_us; /* of the current value */
    kerf_time_us start_us;
    kerf_i128 integral;
};
void kerf_time_weighted_start(struct kerf_time_weighted *mean, kerf_time_us now_us, int64_t value); /* also restarts (end of warm-up) */
void kerf_time_weighted_set(struct kerf_time_weighted *mean, kerf_time_us now_us, int64_t value);
double kerf_time_weighted_mean(const struct kerf_time_weighted *mean, kerf_time_us now_us); /* the value itself if no time passed */

/**
 * Quantiles of durations: a histogram over non-negative integers with relative width 2^-7 (values below 256 exact), mergeable;
 * a kilobyte for each power of two in use, however many values. A quantile is the value of rank ceil(probability x count), at
 * least 1; what is returned is the upper edge of its bin or the maximum: at most 0.8 % above the true one.
 */
struct kerf_quantiles;
struct kerf_quantiles *kerf_quantiles_new(void);
void kerf_quantiles_free(struct kerf_quantiles *quantiles);
void kerf_quantiles_add(struct kerf_quantiles *quantiles, int64_t value); /* negative counts as 0 */
void kerf_quantiles_merge(struct kerf_quantiles *quantiles, const struct kerf_quantiles *other);
void kerf_quantiles_clear(struct kerf_quantiles *quantiles);
uint64_t kerf_quantiles_count(const struct kerf_quantiles *quantiles);
int64_t kerf_quantiles_at(const struct kerf_quantiles *quantiles, double probability); /* 0 when empty */
double kerf_quantiles_mean(const struct kerf_quantiles *quantiles);                    /* exact, not from the bins; 0 when empty */
int64_t kerf_quantiles_maximum(const struct kerf_quantiles *quantiles);

/**
 * A mean with its confidence interval by Student's t. With fewer than two values low = high = mean and `known` is false.
 * 0 < confidence < 1 (asserted), and so is that no value is NaN.
 */
struct kerf_interval {
    double mean;
    double low;
    double high;
    uint64_t count;
    bool known;
};
struct kerf_interval kerf_interval_of(const double *values, size_t count, double confidence);
/** Of the differences values[i] - baseline[i]: common random numbers make them small. */
struct kerf_interval kerf_interval_of_differences(const double *values, const double *baseline, size_t count, double confidence);

/**
 * Of the ratio of two sums, numerators over denominators: the interval of its linearization (delta method), good where the denominators'
 * sum is well away from zero, which must not be zero (asserted).
 */
struct kerf_interval kerf_interval_of_ratio(const double *numerators, const double *denominators, size_t count, double confidence);

/** The share `successes` of `count` with its Wilson interval; not `known` when the count is 0. */
struct kerf_interval kerf_interval_of_share(uint64_t successes, uint64_t count, double confidence);

#endif
