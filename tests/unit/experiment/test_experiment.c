/** Designs side by side: threads change nothing, replications differ, the same design differs from itself by nothing. */
#include "experiment/experiment.h"

#include <criterion/criterion.h>
#include <math.h>

static struct kerf_scenario *read_scenario(void)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_scenario *scenario = NULL;
    struct kerf_scenario_overrides overrides = {.horizon = "3h", .replications = "4"};
    enum kerf_status status = kerf_scenario_read("tests/golden/same_bytes/scenario.yaml", &overrides, &scenario, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK, "run the tests from the top of the repository");
    kerf_errors_free(errs);
    return scenario;
}

static struct kerf_comparison *run(const struct kerf_scenario *const *scenarios, size_t count, uint32_t threads)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_comparison *comparison = NULL;
    cr_assert_eq(kerf_experiment_run(scenarios, count, &(struct kerf_experiment_options){.threads = threads}, &comparison, errs), KERF_OK);
    kerf_errors_free(errs);
    return comparison;
}

Test(experiment, threads_change_nothing)
{
    const struct kerf_scenario *scenario = read_scenario();
    struct kerf_comparison *one = run(&scenario, 1, 1);
    struct kerf_comparison *two = run(&scenario, 1, 2);
    cr_assert_eq(one->design_count, 2);
    for (size_t d = 0; d < one->design_count; d++) {
        cr_expect_eq(one->designs[d].trace_hash, two->designs[d].trace_hash);
        cr_expect_eq(one->designs[d].event_count, two->designs[d].event_count);
        cr_assert_eq(one->designs[d].metric_count, two->designs[d].metric_count);
        for (size_t m = 0; m < one->designs[d].metric_count; m++)
            for (uint32_t r = 0; r < one->replications; r++)
                cr_expect(memcmp(&one->designs[d].metrics[m].values[r], &two->designs[d].metrics[m].values[r], sizeof(double)) == 0, "%s",
                          one->designs[d].metrics[m].name);
    }
    cr_expect_neq(one->designs[0].trace_hash, one->designs[1].trace_hash);
    kerf_comparison_free(one);
    kerf_comparison_free(two);
    kerf_scenario_free((struct kerf_scenario *)(uintptr_t)scenario);
}

Test(experiment, worlds_differ_and_designs_meet_the_same_ones)
{
    struct kerf_scenario *first = read_scenario();
    struct kerf_scenario *second = read_scenario();
    const struct kerf_scenario *scenarios[] = {first, second};
    struct kerf_comparison *comparison = run(scenarios, 2, 2);
    cr_assert_eq(comparison->design_count, 4);
    const struct kerf_compared_design *itself = &comparison->designs[2];
    cr_expect_eq(itself->trace_hash, comparison->designs[0].trace_hash);
    cr_expect_str_neq(itself->name, comparison->designs[0].name);
    for (size_t i = 0; i < itself->difference_count; i++)
        cr_expect_eq(itself->differences[i].interval.mean, 0.0, "%s", itself->differences[i].name);
    const struct kerf_compared_metric *cost = kerf_compared_metric_find(comparison->designs[0].metrics, comparison->designs[0].metric_count, "costUsdPerMonth");
    cr_assert_not_null(cost);
    cr_expect_neq(cost->values[0], cost->values[1], "replications are worlds of their own");
    const struct kerf_compared_design *other = &comparison->designs[1];
    const struct kerf_compared_metric *difference = kerf_compared_metric_find(other->differences, other->difference_count, "costUsdPerMonth");
    const struct kerf_compared_metric *other_cost = kerf_compared_metric_find(other->metrics, other->metric_count, "costUsdPerMonth");
    cr_expect_float_eq(difference->interval.mean, other_cost->interval.mean - cost->interval.mean, 1e-6, "the mean of the pairs' differences");
    kerf_comparison_free(comparison);
    kerf_scenario_free(first);
    kerf_scenario_free(second);
}
