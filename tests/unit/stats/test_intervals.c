#include "stats/stats.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

Test(intervals, students_t_of_five_values)
{
    static const double values[] = {1.0, 2.0, 3.0, 4.0, 5.0};
    const struct kerf_interval interval = kerf_interval_of(values, 5, 0.95);
    const double half = 2.7764451051977987 * sqrt(2.5 / 5.0); /* t(0.975, 4) from printed tables: 2.776 */
    cr_expect(interval.known);
    cr_expect_eq(interval.count, 5);
    cr_expect_float_eq(interval.mean, 3.0, 1e-15);
    cr_expect_float_eq(interval.low, 3.0 - half, 1e-12);
    cr_expect_float_eq(interval.high, 3.0 + half, 1e-12);
}

Test(intervals, fewer_than_two_values_say_nothing)
{
    static const double values[] = {7.5};
    const struct kerf_interval none = kerf_interval_of(values, 0, 0.95);
    cr_expect(!none.known);
    cr_expect_eq(none.mean, 0.0);
    const struct kerf_interval one = kerf_interval_of(values, 1, 0.95);
    cr_expect(!one.known);
    cr_expect_eq(one.low, 7.5);
    cr_expect_eq(one.high, 7.5);
    cr_expect_eq(one.mean, 7.5);
}

Test(intervals, equal_values_have_no_width)
{
    static const double values[] = {0.1, 0.1, 0.1};
    const struct kerf_interval interval = kerf_interval_of(values, 3, 0.99);
    cr_expect(interval.known);
    cr_expect_eq(interval.low, interval.high);
}

Test(intervals, differences_are_taken_in_pairs)
{
    static const double values[] = {101.0, 205.0, 303.0};
    static const double baseline[] = {100.0, 203.0, 300.0};
    const struct kerf_interval interval = kerf_interval_of_differences(values, baseline, 3, 0.90);
    const double half = 2.919985580353726 / sqrt(3.0); /* t(0.95, 2); the differences 1, 2, 3 have deviation 1 */
    cr_expect_float_eq(interval.mean, 2.0, 1e-15);
    cr_expect_float_eq(interval.high, 2.0 + half, 1e-12);
}

Test(intervals, a_ratio_is_one_of_sums)
{
    static const double saved[] = {2.0, 3.0, 7.0};
    static const double moved[] = {1.0, 2.0, 3.0};
    const struct kerf_interval interval = kerf_interval_of_ratio(saved, moved, 3, 0.90);
    /* ratio 12 / 6 = 2; what remains is 2 - 2, 3 - 4, 7 - 6 over the mean 2: 0, -1/2, 1/2, of deviation 1/2 */
    const double half = 2.919985580353726 * 0.5 / sqrt(3.0);
    cr_expect_float_eq(interval.mean, 2.0, 1e-15);
    cr_expect_float_eq(interval.low, 2.0 - half, 1e-12);
    cr_expect_float_eq(interval.high, 2.0 + half, 1e-12);
    cr_expect_eq(kerf_interval_of_ratio(saved, moved, 1, 0.95).mean, 2.0);
}

/* The inverse of Student's t is GSL's; where it doesn't converge its handler would abort this test. */
Test(intervals, every_degree_of_freedom_has_a_quantile)
{
    static const double confidences[] = {0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999};
    for (size_t i = 0; i < sizeof confidences / sizeof confidences[0]; i++) {
        double last = HUGE_VAL;
        for (int degrees = 1; degrees < 100000; degrees += 1 + degrees / 300) {
            const double upper = 0.5 + confidences[i] / 2.0;
            const double t = gsl_cdf_tdist_Pinv(upper, degrees);
            cr_assert_lt(t, last, "quantiles fall as values are added");
            cr_assert_float_eq(gsl_cdf_tdist_P(t, degrees), upper, 1e-9);
            last = t;
        }
    }
}

Test(intervals, share_after_wilson)
{
    const struct kerf_interval interval = kerf_interval_of_share(10, 100, 0.95);
    cr_expect_eq(interval.mean, 0.1);
    cr_expect_float_eq(interval.low, 0.0552291370, 1e-9);
    cr_expect_float_eq(interval.high, 0.1743657, 1e-7);
    cr_expect(interval.known);
}

Test(intervals, share_of_none_and_of_all)
{
    const struct kerf_interval none = kerf_interval_of_share(0, 50, 0.95);
    cr_expect_eq(none.low, 0.0);
    cr_expect_float_eq(none.high, 3.8414588 / (50 + 3.8414588), 1e-7);
    const struct kerf_interval all = kerf_interval_of_share(50, 50, 0.95);
    cr_expect_eq(all.high, 1.0);
    cr_expect_float_eq(all.low, 1.0 - none.high, 1e-12);
    cr_expect(!kerf_interval_of_share(0, 0, 0.95).known);
}
