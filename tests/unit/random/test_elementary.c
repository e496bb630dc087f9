/* Our own functions against libm's long doubles and against GSL. */
#include "random/random_internal.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

Test(elementary, log_is_right_to_the_last_place)
{
    for (int i = 1; i < 200000; i++) {
        const double x = i * 1.7e-5;
        const double want = (double)logl(x);
        cr_assert_leq(fabs(kerf_exact_log(x) - want), 0x1p-52 * fabs(want) + 0x1p-60, "%a", x);
    }
    for (double x = 0x1p-1074; x < 0x1p1000; x *= 37.0) {
        const double want = (double)logl(x);
        cr_assert_leq(fabs(kerf_exact_log(x) - want), 0x1p-52 * fabs(want), "%a", x);
    }
    cr_expect_eq(kerf_exact_log(1.0), 0.0);
    cr_expect_eq(kerf_exact_log(2.0), 0x1.62e42fefa39efp-1);
}

Test(elementary, exp_is_right_to_the_last_place)
{
    for (double x = -707.0; x < 709.0; x += 0.0137) {
        const double want = (double)expl(x);
        cr_assert_leq(fabs(kerf_exact_exp(x) - want), 0x1p-52 * want, "%a", x);
    }
    cr_expect_eq(kerf_exact_exp(0.0), 1.0);
    cr_expect_eq(kerf_exact_exp(-800.0), 0.0);
    cr_expect_eq(kerf_exact_exp(-HUGE_VAL), 0.0);
    cr_expect_eq(kerf_exact_exp(711.0), HUGE_VAL);
    cr_expect_gt(kerf_exact_exp(-744.0), 0.0);
}

Test(elementary, normal_quantile_agrees_with_gsl)
{
    for (double p = 0x1p-1000; p < 1e-4; p *= 19.0)
        cr_assert_lt(fabs(kerf_normal_quantile(p) / gsl_cdf_ugaussian_Pinv(p) - 1.0), 1e-15, "%g", p);
    for (int i = 1; i < 20000; i++) {
        const double p = i / 20000.0;
        cr_assert_lt(fabs(kerf_normal_quantile(p) - gsl_cdf_ugaussian_Pinv(p)), 4e-15, "%g", p);
    }
    cr_expect_eq(kerf_normal_quantile(0.5), 0.0);
    cr_expect_eq(kerf_normal_quantile(0.25), -kerf_normal_quantile(0.75));
}

Test(elementary, log_gamma_agrees_with_libm)
{
    for (double x = 1e-6; x < 1e8; x *= 1.07) {
        const double want = (double)lgammal(x);
        cr_assert_leq(fabs(kerf_log_gamma(x) - want), 1e-14 + 1e-15 * x * fabs(log(x)), "%g: %.17g, not %.17g", x,
                      kerf_log_gamma(x), want);
    }
}

Test(elementary, incomplete_gamma_agrees_with_gsl)
{
    for (double shape = 0.02; shape < 1e5; shape *= 2.3)
        for (double ratio = 0.02; ratio < 5.0; ratio *= 1.2) {
            const double x = shape * ratio;
            double p;
            double q;
            kerf_incomplete_gamma(shape, x, &p, &q);
            const double tolerance = 1e-13 * fmax(1.0, shape / 100.0);
            cr_assert_leq(fabs(p - gsl_cdf_gamma_P(x, shape, 1.0)), tolerance, "P(%g, %g)", shape, x);
            cr_assert_leq(fabs(q - gsl_cdf_gamma_Q(x, shape, 1.0)), tolerance, "Q(%g, %g)", shape, x);
            cr_assert_float_eq(p + q, 1.0, 1e-15);
        }
    double p;
    double q;
    kerf_incomplete_gamma(2.0, 0.0, &p, &q);
    cr_expect_eq(p, 0.0);
    cr_expect_eq(q, 1.0);
    kerf_incomplete_gamma(2.0, 1e6, &p, &q);
    cr_expect_eq(p, 1.0);
}

Test(elementary, gamma_quantile_inverts)
{
    for (double shape = 0.1; shape < 9e4; shape *= 2.7)
        for (double probability = 0x1p-53; probability < 1.0;
             probability = probability < 0.01 ? probability * 8.0 : probability + 0.0101) {
            const double x = kerf_gamma_quantile(shape, probability);
            if (x == 0.0)
                continue; /* less than the smallest double */
            double p;
            double q;
            kerf_incomplete_gamma(shape, x, &p, &q);
            cr_assert_leq(fabs(p - probability), 1e-13 * fmax(1.0, shape / 10.0) * probability, "shape %g, probability %g: %g",
                          shape, probability, p);
        }
}

Test(elementary, gamma_quantile_is_continuous_where_the_method_changes)
{
    for (double probability = 0.001; probability < 1.0; probability += 0.0499) {
        const double exact = kerf_gamma_quantile(1e5, probability);
        const double approximate = kerf_gamma_quantile(100000.0001, probability);
        cr_expect_lt(fabs(approximate / exact - 1.0), 1e-7, "%g: %g and %g", probability, exact, approximate);
    }
}

Test(elementary, poisson_quantile_crosses_where_the_sum_does)
{
    for (double mean = 0.05; mean < 1e4; mean *= 1.9)
        for (int i = 0; i < 400; i++) {
            const double probability = (i + 0.37) / 400.0;
            const uint64_t k = kerf_poisson_quantile(mean, probability);
            cr_assert_gt(gsl_cdf_poisson_P((unsigned)k, mean), probability - 1e-9, "mean %g, probability %g", mean, probability);
            if (k > 0)
                cr_assert_leq(gsl_cdf_poisson_P((unsigned)(k - 1), mean), probability + 1e-9, "mean %g, probability %g", mean,
                              probability);
        }
}

Test(elementary, poisson_quantile_ends_at_both_ends)
{
    static const double means[] = {0.0, 1e-3, 15.9, 16.0, 16.1, 700.0, 10000.0};
    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++) {
        const double deviations = sqrt(means[i]) * 9.0;
        cr_expect_geq((double)kerf_poisson_quantile(means[i], 0.0), means[i] - deviations);
        cr_expect_leq((double)kerf_poisson_quantile(means[i], 1.0 - 0x1p-53), means[i] + deviations + 25.0);
    }
}
