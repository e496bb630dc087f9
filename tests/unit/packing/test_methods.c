#include <criterion/criterion.h>
#include <string.h>

#include "../../support/pack_builder.h"

static const char *const method_rows[] = {NULL, "ffd", "bfd", "columns", "exact", "improve"};
enum { METHOD_ROWS = sizeof method_rows / sizeof method_rows[0] };

static int64_t cost_of(struct pack_builder *builder, size_t method)
{
    cr_assert_eq(pack_solve(builder, method_rows[method]), BINPACK_OK);
    return builder->plan.cost;
}

Test(methods, are_those_of_the_table)
{
    size_t count;
    const struct binpack_method *methods = binpack_methods(&count);
    cr_assert_eq(count, METHOD_ROWS - 1);
    for (size_t i = 0; i < count; i++)
        cr_expect_str_eq(methods[i].name, method_rows[i + 1]);
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    cr_assert_eq(pack_make(&builder, 1 << 16), BINPACK_OK);
    cr_expect_eq(binpack_solve(builder.problem, &(struct binpack_options){.method = "luck"}, &builder.plan), BINPACK_E_ARGUMENT);
    pack_builder_fini(&builder);
}

Test(methods, pack_nothing_into_nothing)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 1);
        cr_expect_eq(cost_of(&builder, method), 0);
        pack_add_bin(&builder, 5, 0, 1);
        cr_expect_eq(cost_of(&builder, method), 0);
        pack_add_items(&builder, 0, 1, 0);
        cr_expect_eq(cost_of(&builder, method), 0);
        cr_expect_eq(builder.plan.pattern_count, 0);
        pack_builder_fini(&builder);
    }
}

Test(methods, classes_that_are_alike_share_bins)
{
    /* a plan holds two classes of one demand in a bin; the next method works on from it, and names each class once */
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 97, 89, 10);
    pack_add_bin(&builder, 53, 71, 7);
    for (int64_t i = 0; i < 30; i++)
        pack_add_items(&builder, 5 + i % 4, 5 + i * 7 % 11, 3 + i * 5 % 11);
    builder.step_limit = 300000;
    cr_expect_eq(pack_solve(&builder, NULL), BINPACK_OK);
    cr_expect_str_eq(builder.plan.method, "improve");
    pack_builder_fini(&builder);
}

Test(methods, leave_over_what_fits_nowhere_and_place_the_rest)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 4, 4, 5);
        pack_add_items(&builder, 2, 5, 1);
        pack_add_items(&builder, 3, 2, 2);
        cr_expect_eq(pack_solve(&builder, method_rows[method]), BINPACK_LEFT_OVER);
        cr_expect_eq(builder.plan.unplaced_count, 2);
        cr_expect_eq(builder.plan.unplaced[0], 2);
        cr_expect_eq(builder.plan.cost, 10);
        cr_expect_eq(binpack_plan_split_gap(builder.problem, &builder.bound, &builder.plan, &builder.kerf_unopened),
                     BINPACK_E_ARGUMENT);
        pack_builder_fini(&builder);
    }
}

Test(methods, keep_limits)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 1);
        pack_add_bin(&builder, 4, 0, 1)->limit = 2;
        pack_add_bin(&builder, 4, 0, 10)->limit = 1;
        pack_add_bin(&builder, 9, 0, 1)->limit = 0; /* the bargain that is not to be had */
        pack_add_items(&builder, 5, 2, 0);
        cr_expect_eq(cost_of(&builder, method), 12);
        cr_expect_eq(builder.bound.cost, 7, "half of the dear bin is needed: 1 + 1 + 5");
        builder.classes[0].count = 7;
        cr_expect_eq(pack_solve(&builder, method_rows[method]), BINPACK_LEFT_OVER);
        cr_expect_eq(builder.plan.unplaced[0], 1);
        pack_builder_fini(&builder);
    }
}

Test(methods, fill_open_bins_first)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 8, 8, 100);
        pack_add_bin(&builder, 3, 4, 0)->limit = 1;
        pack_add_bin(&builder, 5, 4, 0)->limit = 1;
        pack_add_items(&builder, 12, 1, 1);
        cr_expect_eq(cost_of(&builder, method), 100);
        builder.classes[0].count = 7;
        cr_expect_eq(cost_of(&builder, method), 0);
        pack_builder_fini(&builder);
    }
}

Test(methods, keep_allowed_types)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 1);
        pack_add_bin(&builder, 10, 0, 1);
        pack_add_bin(&builder, 10, 0, 5);
        pack_allow(&builder, pack_add_items(&builder, 10, 1, 0), 2); /* equal demands, another set */
        pack_add_items(&builder, 10, 1, 0);
        cr_expect_eq(cost_of(&builder, method), 6);
        cr_expect_eq(builder.bound.cost, 6, "the picky class is valued at its dear bin");
        pack_builder_fini(&builder);
    }
}

Test(methods, keep_the_number_of_a_class_in_a_bin)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 1);
        pack_add_bin(&builder, 10, 0, 1);
        pack_add_items(&builder, 3, 1, 0)->per_bin_max = 1; /* anti-affinity with itself */
        pack_add_items(&builder, 3, 1, 0)->per_bin_max = 1; /* but not with the other */
        pack_add_items(&builder, 20, 1, 0);
        cr_expect_eq(cost_of(&builder, method), 3);
        pack_builder_fini(&builder);
    }
}

Test(methods, keep_classes_in_conflict_apart)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 1);
        pack_add_bin(&builder, 10, 0, 1);
        for (int c = 0; c < 3; c++)
            pack_add_items(&builder, 3, 1, 0); /* equal, but for their conflicts */
        pack_add_items(&builder, 5, 1, 0);
        pack_add_conflict(&builder, 0, 1);
        pack_add_conflict(&builder, 2, 0);
        pack_add_conflict(&builder, 2, 1);
        cr_expect_eq(cost_of(&builder, method), 3);
        pack_builder_fini(&builder);
    }
}

/* Many items of many sorts, so that column generation has contents to complete. */
Test(methods, keep_many_classes_in_conflict_apart)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 640, 1280, 64);
        pack_add_bin(&builder, 160, 640, 20);
        for (size_t c = 0; c < 30; c++) {
            pack_add_items(&builder, 40, 7 + (int64_t)(c * 13 % 29), 11 + (int64_t)(c * 7 % 53));
            for (size_t other = c % 5; other < c; other += 5) /* of the six that are alike modulo 5 no two share a bin */
                pack_add_conflict(&builder, c, other);
        }
        builder.step_limit = 3000000;
        pack_solve(&builder, method_rows[method]); /* verifies what comes out */
        bool is_exact = method > 0 && strcmp(method_rows[method], "exact") == 0; /* for few items only */
        cr_expect(is_exact || builder.plan.unplaced_count == 0, "method %zu", method);
        pack_builder_fini(&builder);
    }
}

Test(methods, end_in_the_cheapest_type_that_holds_the_content)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 2, 16, 13);
        pack_add_bin(&builder, 64, 128, 640);
        pack_add_bin(&builder, 2, 4, 9);
        pack_add_bin(&builder, 4, 8, 17);
        pack_add_items(&builder, 1, 2, 3);
        cr_expect_eq(cost_of(&builder, method), 9);
        builder.classes[0].count = 2;
        cr_expect_eq(cost_of(&builder, method), 17);
        pack_builder_fini(&builder);
    }
}

Test(methods, look_at_price_while_they_fill)
{
    /* memory-heavy items: the cheap type per cpu is the dear one per GiB */
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 64, 128, 200);
        pack_add_bin(&builder, 16, 128, 100);
        pack_add_items(&builder, 1000, 1, 8);
        cr_expect_eq(cost_of(&builder, method), 6300);
        cr_expect_eq(builder.bound.cost, 6300); /* 62.5 bins, and prices are multiples of 100 */
        pack_builder_fini(&builder);
    }
}

Test(methods, use_items_that_make_room)
{
    for (size_t method = 0; method < METHOD_ROWS; method++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 10, 10, 1);
        pack_add_items(&builder, 1, 3, 10);
        pack_add_items(&builder, 1, 2, -9);
        pack_add_items(&builder, 5, 1, 1);
        cr_expect_eq(cost_of(&builder, method), 1);
        pack_add_items(&builder, 1, 1, 18); /* fits no bin alone, only beside one that makes room: ffd and bfd do not look for that */
        bool is_plain = method == 1 || method == 2 || method >= 4;
        cr_expect_eq(pack_solve(&builder, method_rows[method]), is_plain ? BINPACK_LEFT_OVER : BINPACK_OK, "method %zu", method);
        pack_builder_fini(&builder);
    }
}

Test(methods, take_the_same_steps_to_the_same_plan_again)
{
    struct binpack_plan first = {0};
    for (size_t round = 0; round < 2; round++) {
        struct pack_builder builder;
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 100, 120, 7);
        pack_add_bin(&builder, 200, 120, 9);
        for (int64_t i = 0; i < 30; i++)
            pack_add_items(&builder, 1 + i % 4, 1 + i * 7 % 60, 1 + i * 11 % 70);
        cr_assert_eq(pack_solve(&builder, NULL), BINPACK_OK);
        if (round == 0)
            first = builder.plan;
        cr_expect_eq(builder.plan.cost, first.cost);
        cr_expect_eq(builder.plan.steps, first.steps);
        cr_expect_eq(builder.plan.pattern_count, first.pattern_count);
        cr_expect_str_eq(builder.plan.method, first.method);
        pack_builder_fini(&builder);
    }
}
