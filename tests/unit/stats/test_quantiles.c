#include "stats/stats.h"

#include <criterion/criterion.h>

Test(quantiles, empty)
{
    struct kerf_quantiles *quantiles = kerf_quantiles_new();
    cr_expect_eq(kerf_quantiles_count(quantiles), 0);
    cr_expect_eq(kerf_quantiles_at(quantiles, 0.5), 0);
    cr_expect_eq(kerf_quantiles_mean(quantiles), 0.0);
    cr_expect_eq(kerf_quantiles_maximum(quantiles), 0);
    kerf_quantiles_free(quantiles);
    kerf_quantiles_free(NULL);
}

Test(quantiles, small_values_are_exact)
{
    struct kerf_quantiles *quantiles = kerf_quantiles_new();
    for (int64_t i = 255; i >= 0; i--)
        kerf_quantiles_add(quantiles, i);
    for (int i = 1; i <= 256; i++)
        cr_expect_eq(kerf_quantiles_at(quantiles, i / 256.0), i - 1);
    cr_expect_eq(kerf_quantiles_at(quantiles, 0.0), 0);
    cr_expect_eq(kerf_quantiles_mean(quantiles), 127.5);
    kerf_quantiles_free(quantiles);
}

Test(quantiles, rank_is_not_moved_by_rounding)
{
    struct kerf_quantiles *quantiles = kerf_quantiles_new();
    for (int64_t i = 1; i <= 100; i++)
        kerf_quantiles_add(quantiles, i);
    for (int i = 1; i <= 100; i++)
        cr_expect_eq(kerf_quantiles_at(quantiles, i / 100.0), i, "%d: %" PRId64, i, kerf_quantiles_at(quantiles, i / 100.0));
    cr_expect_eq(kerf_quantiles_at(quantiles, 0.991), 100);
    kerf_quantiles_free(quantiles);
}

/* Of one value `v` and one larger, the median is v's bin's upper edge: v <= edge <= 1.008 v. */
Test(quantiles, edges_are_within_a_hundredth)
{
    for (int64_t v = 1; v > 0 && v < INT64_MAX / 3; v += v / 5 + 1) {
        struct kerf_quantiles *quantiles = kerf_quantiles_new();
        kerf_quantiles_add(quantiles, v);
        kerf_quantiles_add(quantiles, INT64_MAX);
        const int64_t got = kerf_quantiles_at(quantiles, 0.5);
        cr_assert_geq(got, v);
        cr_assert_leq(got - v, v / 128, "%" PRId64 " for %" PRId64, got, v);
        cr_assert_eq(kerf_quantiles_at(quantiles, 1.0), INT64_MAX);
        kerf_quantiles_free(quantiles);
    }
}

Test(quantiles, bins_are_in_order_and_without_gaps)
{
    int64_t last = -1;
    for (int64_t v = 0; v < 70000; v++) {
        struct kerf_quantiles *quantiles = kerf_quantiles_new();
        kerf_quantiles_add(quantiles, v);
        kerf_quantiles_add(quantiles, INT64_MAX);
        const int64_t edge = kerf_quantiles_at(quantiles, 0.5);
        cr_assert(edge == last || v == last + 1, "a new bin begins right after the edge of the last: %" PRId64, v);
        last = edge;
        kerf_quantiles_free(quantiles);
    }
}

Test(quantiles, never_above_the_maximum)
{
    struct kerf_quantiles *quantiles = kerf_quantiles_new();
    kerf_quantiles_add(quantiles, 1000001);
    kerf_quantiles_add(quantiles, -7);
    cr_expect_eq(kerf_quantiles_at(quantiles, 1.0), 1000001);
    cr_expect_eq(kerf_quantiles_at(quantiles, 0.5), 0, "negative counts as 0");
    cr_expect_eq(kerf_quantiles_maximum(quantiles), 1000001);
    cr_expect_eq(kerf_quantiles_mean(quantiles), 500000.5);
    kerf_quantiles_free(quantiles);
}

Test(quantiles, merged_are_those_of_all)
{
    struct kerf_quantiles *all = kerf_quantiles_new();
    struct kerf_quantiles *parts[2] = {kerf_quantiles_new(), kerf_quantiles_new()};
    for (int64_t i = 0; i < 5000; i++) {
        const int64_t value = i * i * 31 % 1000003;
        kerf_quantiles_add(all, value);
        kerf_quantiles_add(parts[i % 2], value);
    }
    kerf_quantiles_merge(parts[0], parts[1]);
    cr_expect_eq(kerf_quantiles_count(parts[0]), 5000);
    cr_expect_eq(kerf_quantiles_mean(parts[0]), kerf_quantiles_mean(all));
    for (int i = 0; i <= 50; i++)
        cr_expect_eq(kerf_quantiles_at(parts[0], i / 50.0), kerf_quantiles_at(all, i / 50.0));
    kerf_quantiles_clear(all);
    cr_expect_eq(kerf_quantiles_count(all), 0);
    kerf_quantiles_add(all, 5);
    cr_expect_eq(kerf_quantiles_at(all, 0.99), 5);
    kerf_quantiles_free(all);
    kerf_quantiles_free(parts[0]);
    kerf_quantiles_free(parts[1]);
}
