#include "stats/stats.h"

#include <criterion/criterion.h>

Test(moments, of_a_few_values)
{
    struct kerf_moments moments = {0};
    cr_expect_eq(kerf_moments_variance(&moments), 0.0);
    static const double values[] = {-2.0, 4.0, 4.0, 10.0};
    for (size_t i = 0; i < 4; i++)
        kerf_moments_add(&moments, values[i]);
    cr_expect_eq(moments.count, 4);
    cr_expect_float_eq(moments.mean, 4.0, 1e-15);
    cr_expect_float_eq(kerf_moments_variance(&moments), 24.0, 1e-13);
    cr_expect_eq(moments.minimum, -2.0);
    cr_expect_eq(moments.maximum, 10.0);
}

Test(moments, keep_precision_far_from_zero)
{
    struct kerf_moments moments = {0};
    for (int i = 0; i < 1000; i++)
        kerf_moments_add(&moments, 1e9 + i % 2);
    cr_expect_float_eq(kerf_moments_variance(&moments), 0.25025025025, 1e-9);
}

Test(moments, one_negative_value_is_minimum_and_maximum)
{
    struct kerf_moments moments = {0};
    kerf_moments_add(&moments, -5.0);
    cr_expect_eq(moments.minimum, -5.0);
    cr_expect_eq(moments.maximum, -5.0);
    cr_expect_eq(kerf_moments_variance(&moments), 0.0);
}

Test(moments, merged_are_those_of_all)
{
    for (int split = 0; split <= 20; split++) {
        struct kerf_moments all = {0};
        struct kerf_moments first = {0};
        struct kerf_moments second = {0};
        for (int i = 0; i < 20; i++) {
            const double value = (i * 7 % 11) * 1.25 - 3.0;
            kerf_moments_add(&all, value);
            kerf_moments_add(i < split ? &first : &second, value);
        }
        kerf_moments_merge(&first, &second);
        cr_expect_eq(first.count, 20);
        cr_expect_float_eq(first.mean, all.mean, 1e-14);
        cr_expect_float_eq(first.sum_squares, all.sum_squares, 1e-12);
        cr_expect_eq(first.minimum, all.minimum);
        cr_expect_eq(first.maximum, all.maximum);
    }
}

Test(time_weighted, integrates_a_step_function)
{
    struct kerf_time_weighted mean;
    kerf_time_weighted_start(&mean, 100, 3);
    cr_expect_eq(kerf_time_weighted_mean(&mean, 100), 3.0, "no time has passed");
    kerf_time_weighted_set(&mean, 110, 9);
    kerf_time_weighted_set(&mean, 110, 5); /* 9 lasted no time, but it was the peak */
    kerf_time_weighted_set(&mean, 130, 0);
    cr_expect_eq(mean.peak, 9);
    cr_expect_float_eq(kerf_time_weighted_mean(&mean, 140), (3.0 * 10 + 5.0 * 20) / 40.0, 1e-15);
    kerf_time_weighted_start(&mean, 140, mean.value);
    cr_expect_eq(kerf_time_weighted_mean(&mean, 150), 0.0);
    cr_expect_eq(mean.peak, 0);
}

Test(time_weighted, integral_outgrows_64_bits)
{
    struct kerf_time_weighted mean;
    kerf_time_weighted_start(&mean, 0, INT64_MAX);
    kerf_time_weighted_set(&mean, 365 * KERF_DAY_US, INT64_MAX / 3);
    cr_expect_float_eq(kerf_time_weighted_mean(&mean, 730 * KERF_DAY_US) / ((double)INT64_MAX * 2 / 3), 1.0, 1e-15);
}
