#include "stats/stats.h"

void kerf_moments_add(struct kerf_moments *moments, double value)
{
    KERF_ASSERT(value == value);
    if (moments->count == 0 || value < moments->minimum)
        moments->minimum = value;
    if (moments->count == 0 || value > moments->maximum)
        moments->maximum = value;
    moments->count++;
    const double before = value - moments->mean;
    moments->mean += before / (double)moments->count;
    moments->sum_squares += before * (value - moments->mean);
}

void kerf_moments_merge(struct kerf_moments *moments, const struct kerf_moments *other)
{
    if (other->count == 0)
        return;
    if (moments->count == 0) {
        *moments = *other;
        return;
    }
    const double apart = other->mean - moments->mean;
    const double count = (double)moments->count;
    const double other_count = (double)other->count;
    const double total = count + other_count;
    moments->sum_squares += other->sum_squares + apart * apart * (count * other_count / total);
    moments->mean += apart * (other_count / total);
    moments->count += other->count;
    if (other->minimum < moments->minimum)
        moments->minimum = other->minimum;
    if (other->maximum > moments->maximum)
        moments->maximum = other->maximum;
}

double kerf_moments_variance(const struct kerf_moments *moments)
{
    return moments->count < 2 ? 0.0 : moments->sum_squares / (double)(moments->count - 1);
}

/* ---- time-weighted --------------------------------------------------------------------------------------------------------- */

void kerf_time_weighted_start(struct kerf_time_weighted *mean, kerf_time_us now_us, int64_t value)
{
    *mean = (struct kerf_time_weighted){.value = value, .peak = value, .since_us = now_us, .start_us = now_us};
}

static kerf_i128 integral_at(const struct kerf_time_weighted *mean, kerf_time_us now_us)
{
    KERF_ASSERT(now_us >= mean->since_us);
    return mean->integral + (kerf_i128)mean->value * (now_us - mean->since_us);
}

void kerf_time_weighted_set(struct kerf_time_weighted *mean, kerf_time_us now_us, int64_t value)
{
    mean->integral = integral_at(mean, now_us);
    mean->since_us = now_us;
    mean->value = value;
    if (value > mean->peak)
        mean->peak = value;
}

double kerf_time_weighted_mean(const struct kerf_time_weighted *mean, kerf_time_us now_us)
{
    const kerf_i128 integral = integral_at(mean, now_us);
    const kerf_time_us duration_us = now_us - mean->start_us;
    return duration_us == 0 ? (double)mean->value : (double)integral / (double)duration_us;
}
