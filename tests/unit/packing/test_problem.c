#include <criterion/criterion.h>
#include <stdlib.h>

#include "../../support/pack_builder.h"

/* ---- what is refused -------------------------------------------------------------------------------------------------- */

static enum binpack_outcome fault_of(struct pack_builder *builder, struct binpack_fault *out_fault)
{
    static unsigned char memory[1 << 16];
    builder->input = (struct binpack_input){builder->resource_count, builder->types, builder->type_count, builder->classes,
                                            builder->class_count};
    return binpack_problem_new(&builder->input, memory, sizeof memory, &builder->problem, out_fault);
}

Test(problem, refuses_what_is_no_problem_and_says_where)
{
    struct pack_builder builder;
    struct binpack_fault fault = {0};
    for (size_t wrong = 0; wrong < 6; wrong++) {
        pack_builder_init(&builder, 2);
        pack_add_bin(&builder, 4, 4, 1);
        struct binpack_bin_type *bin = pack_add_bin(&builder, 8, 8, 2);
        pack_add_items(&builder, 1, 1, 1);
        struct binpack_item_class *items = pack_add_items(&builder, 3, 2, 2);
        cr_assert_eq(fault_of(&builder, &fault), BINPACK_OK);
        switch (wrong) {
        case 0:
            bin->price = -1;
            break;
        case 1:
            bin->limit = -1;
            break;
        case 2:
            builder.capacity[1][1] = -1;
            break;
        case 3:
            items->count = -1;
            break;
        case 4:
            items->per_bin_max = -1;
            break;
        default:
            builder.resource_count = 17;
            break;
        }
        fault = (struct binpack_fault){0};
        cr_expect_eq(fault_of(&builder, &fault), BINPACK_E_ARGUMENT, "case %zu", wrong);
        cr_expect_not_null(fault.what);
        cr_expect_eq(fault.index, wrong == 5 ? SIZE_MAX : 1, "case %zu", wrong);
        cr_expect_eq(fault.resource, wrong == 2 ? 1 : SIZE_MAX, "case %zu", wrong);
    }
    pack_builder_init(&builder, 0);
    cr_expect_eq(fault_of(&builder, &fault), BINPACK_E_ARGUMENT);
}

Test(problem, refuses_overflow)
{
    struct pack_builder builder;
    struct binpack_fault fault;
    pack_builder_init(&builder, 1); /* items */
    pack_add_bin(&builder, 1, 0, 1);
    pack_add_items(&builder, INT64_MAX, 0, 0);
    cr_expect_eq(fault_of(&builder, &fault), BINPACK_OK);
    pack_add_items(&builder, 1, 1, 0);
    cr_expect_eq(fault_of(&builder, &fault), BINPACK_E_OVERFLOW);

    pack_builder_init(&builder, 1); /* room that items make */
    pack_add_bin(&builder, INT64_MAX, 0, 1);
    pack_add_items(&builder, 1, -1, 0);
    cr_expect_eq(fault_of(&builder, &fault), BINPACK_E_OVERFLOW);
    builder.demand[0][0] = INT64_MIN;
    cr_expect_eq(fault_of(&builder, &fault), BINPACK_E_OVERFLOW);
}

Test(problem, refuses_a_cost_beyond_64_bits)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 1, 0, INT64_MAX / 2);
    pack_add_items(&builder, 2, 1, 0);
    cr_expect_eq(pack_solve(&builder, NULL), BINPACK_OK);
    cr_expect_eq(builder.plan.cost, INT64_MAX / 2 * 2);
    builder.classes[0].count = 3;
    cr_assert_eq(pack_make(&builder, 1 << 16), BINPACK_OK);
    cr_expect_eq(binpack_solve(builder.problem, NULL, &builder.plan), BINPACK_E_OVERFLOW);
    pack_builder_fini(&builder);
}

Test(problem, works_at_the_ends_of_64_bits)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, INT64_MAX, INT64_MAX, 7);
    pack_add_items(&builder, 3, INT64_MAX / 2, INT64_MAX / 3);
    pack_add_items(&builder, INT64_MAX - 3, 0, 0);
    cr_expect_eq(pack_solve(&builder, NULL), BINPACK_OK);
    cr_expect_eq(builder.plan.cost, 14);
    cr_expect_eq(builder.bound.cost, 14);
    pack_builder_fini(&builder);
}

/* ---- grouping --------------------------------------------------------------------------------------------------------- */

static uint64_t steps_of(size_t class_count, int64_t count_each)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 10, 3);
    for (size_t i = 0; i < class_count; i++)
        pack_add_items(&builder, count_each, 3, 2);
    pack_solve(&builder, NULL);
    uint64_t steps = builder.plan.steps;
    cr_expect_eq(builder.plan.cost, ((int64_t)class_count * count_each + 2) / 3 * 3);
    pack_builder_fini(&builder);
    return steps;
}

Test(problem, works_on_equal_classes_as_one)
{
    cr_expect_eq(steps_of(60, 1), steps_of(1, 60));
    cr_expect_eq(steps_of(60, 1), steps_of(20, 3));
}

Test(problem, hands_items_back_to_the_classes_that_they_came_from)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 4, 0, 1);
    pack_add_items(&builder, 5, 1, 0); /* equal to the third: 8 items, two bins */
    pack_add_items(&builder, 0, 1, 0); /* empty */
    pack_add_items(&builder, 3, 1, 0);
    cr_assert_eq(pack_solve(&builder, "ffd"), BINPACK_OK);
    cr_assert_eq(builder.plan.bin_count, 2);
    cr_assert_eq(builder.plan.pattern_count, 2);
    const struct binpack_pattern *second = &builder.plan.patterns[1];
    cr_assert_eq(second->placement_count, 2);
    cr_expect_eq(builder.plan.placements[second->placement_first].item_class, 0);
    cr_expect_eq(builder.plan.placements[second->placement_first].item_count, 1);
    cr_expect_eq(builder.plan.placements[second->placement_first + 1].item_class, 2);
    cr_expect_eq(builder.plan.placements[second->placement_first + 1].item_count, 3);
    pack_builder_fini(&builder);
}

/* ---- space and steps -------------------------------------------------------------------------------------------------- */

Test(problem, runs_out_of_any_amount_of_memory_without_harm)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 10, 3);
    pack_add_bin(&builder, 20, 30, 7);
    for (int64_t i = 0; i < 12; i++)
        pack_add_items(&builder, 3 + i, 1 + i % 5, 1 + i % 7);
    cr_assert_eq(pack_solve(&builder, NULL), BINPACK_OK);
    int64_t best = builder.plan.cost;
    bool has_solved = false;
    for (size_t bytes = 0; bytes < 1200000; bytes += bytes < 40000 ? 8 : 4000) {
        struct binpack_plan plan = {0};
        int64_t scratch[2 * PACK_BUILDER_MAX];
        struct binpack_fault fault;
        enum binpack_outcome outcome = pack_make(&builder, bytes);
        if (outcome == BINPACK_OK)
            outcome = binpack_solve(builder.problem, NULL, &plan);
        cr_assert(outcome == BINPACK_OK || outcome == BINPACK_OUT_OF_SPACE);
        cr_assert(!has_solved || outcome == BINPACK_OK, "%zu bytes do not suffice, less did", bytes);
        has_solved = outcome == BINPACK_OK;
        if (plan.method != NULL) /* also when a later method found no space */
            cr_assert(binpack_verify_plan(&builder.input, &plan, scratch, &fault), "%s", fault.what);
        if (outcome == BINPACK_OK)
            cr_assert_eq(plan.cost, best);
    }
    cr_expect(has_solved);
    pack_builder_fini(&builder);
}

Test(problem, the_advised_memory_suffices_here)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 10, 3);
    for (int64_t i = 0; i < 40; i++)
        pack_add_items(&builder, 1 + i * 37 % 11, 1 + i % 6, 1 + i % 7);
    cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
    cr_assert_eq(pack_make(&builder, binpack_memory_bytes(&builder.input)), BINPACK_OK);
    cr_expect_eq(binpack_solve(builder.problem, NULL, &builder.plan), BINPACK_OK);
    pack_builder_fini(&builder);
}

Test(problem, forgets_results_to_work_again_in_the_same_memory)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 10, 3);
    for (int64_t i = 0; i < 20; i++)
        pack_add_items(&builder, 3 + i, 1 + i % 5, 1 + i % 7);
    cr_assert_eq(pack_solve(&builder, NULL), BINPACK_OK);
    int64_t cost = builder.plan.cost;
    for (size_t round = 0; round < 1000; round++) {
        binpack_problem_forget_results(builder.problem);
        cr_assert_eq(binpack_solve(builder.problem, NULL, &builder.plan), BINPACK_OK);
        cr_assert_eq(builder.plan.cost, cost);
    }
    pack_builder_fini(&builder);
}

Test(problem, ends_at_any_step_limit_with_the_best_plan_so_far)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 10, 3);
    pack_add_bin(&builder, 21, 20, 6);
    for (int64_t i = 0; i < 15; i++)
        pack_add_items(&builder, 3 + i, 1 + i % 5, 1 + i % 7);
    cr_assert_eq(pack_solve(&builder, NULL), BINPACK_OK);
    uint64_t all_steps = builder.plan.steps;
    int64_t unplaced = INT64_MAX;
    for (uint64_t limit = 1; limit <= all_steps; limit += limit < 2000 ? 1 : all_steps / 300) {
        struct binpack_plan plan;
        int64_t scratch[2 * PACK_BUILDER_MAX];
        struct binpack_fault fault;
        binpack_problem_forget_results(builder.problem);
        enum binpack_outcome outcome = binpack_solve(builder.problem, &(struct binpack_options){.step_limit = limit}, &plan);
        cr_assert(outcome == BINPACK_OUT_OF_STEPS || (outcome == BINPACK_OK && plan.unplaced_count == 0), "limit %llu",
                  (unsigned long long)limit);
        cr_assert_leq(plan.steps, limit);
        cr_assert(binpack_verify_plan(&builder.input, &plan, scratch, &fault), "%s", fault.what);
        cr_assert_leq(plan.unplaced_count, unplaced, "more steps place no fewer items");
        unplaced = plan.unplaced_count;
    }
    cr_expect_eq(unplaced, 0);
    pack_builder_fini(&builder);
}
