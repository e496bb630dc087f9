#include "pack_builder.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MEMORY_BYTES = 1 << 20 };

void pack_builder_init(struct pack_builder *builder, size_t resource_count)
{
    *builder = (struct pack_builder){.resource_count = resource_count};
}

void pack_builder_fini(struct pack_builder *builder)
{
    free(builder->memory);
}

struct binpack_bin_type *pack_add_bin(struct pack_builder *builder, int64_t first, int64_t second, int64_t price)
{
    size_t index = builder->type_count++;
    builder->capacity[index][0] = first;
    builder->capacity[index][1] = second;
    builder->types[index] =
        (struct binpack_bin_type){.capacity = builder->capacity[index], .price = price, .limit = BINPACK_NO_LIMIT};
    return &builder->types[index];
}

struct binpack_item_class *pack_add_items(struct pack_builder *builder, int64_t count, int64_t first, int64_t second)
{
    size_t index = builder->class_count++;
    builder->demand[index][0] = first;
    builder->demand[index][1] = second;
    builder->classes[index] = (struct binpack_item_class){.demand = builder->demand[index], .count = count};
    return &builder->classes[index];
}

void pack_allow(struct pack_builder *builder, struct binpack_item_class *class, uint64_t types)
{
    size_t index = (size_t)(class - builder->classes);
    builder->allowed[index] = types;
    class->allowed_bin_types = &builder->allowed[index];
}

void pack_add_conflict(struct pack_builder *builder, size_t class, size_t other)
{
    builder->conflicts[class] |= (uint64_t)1 << other;
    builder->classes[class].conflicts = &builder->conflicts[class];
}

enum binpack_outcome pack_make(struct pack_builder *builder, size_t memory_bytes)
{
    builder->input = (struct binpack_input){.resource_count = builder->resource_count,
                                            .bin_types = builder->types,
                                            .bin_type_count = builder->type_count,
                                            .item_classes = builder->classes,
                                            .item_class_count = builder->class_count};
    free(builder->memory);
    builder->memory = malloc(memory_bytes);
    struct binpack_fault fault;
    return binpack_problem_new(&builder->input, builder->memory, memory_bytes, &builder->problem, &fault);
}

static void check_split(struct pack_builder *builder)
{
    const struct binpack_plan *plan = &builder->plan;
    __extension__ __int128 sum = builder->kerf_unopened;
    cr_assert_geq(builder->kerf_unopened, 0);
    for (size_t i = 0; i < plan->pattern_count; i++) {
        cr_assert_geq(plan->patterns[i].kerf, 0, "kerf of pattern %zu is %lld", i, (long long)plan->patterns[i].kerf);
        sum += (__int128)plan->patterns[i].kerf * plan->patterns[i].bin_count;
    }
    cr_assert(sum == (__int128)builder->bound.scale * (plan->cost - builder->bound.cost), "the kerf does not add up to the gap");
}

static void check_bound(struct pack_builder *builder)
{
    struct binpack_fault fault = {0};
    int64_t scratch[9 * PACK_BUILDER_MAX];
    cr_assert(binpack_verify_bound(&builder->input, &builder->bound, scratch, &fault), "%s", fault.what);
}

static void check_plan(struct pack_builder *builder)
{
    struct binpack_fault fault = {0};
    int64_t scratch[9 * PACK_BUILDER_MAX];
    cr_assert(binpack_verify_plan(&builder->input, &builder->plan, scratch, &fault), "%s (%s)", fault.what, builder->plan.method);
}

enum binpack_outcome pack_solve(struct pack_builder *builder, const char *method)
{
    cr_assert_eq(pack_make(builder, MEMORY_BYTES), BINPACK_OK);
    cr_assert_eq(binpack_bound_find(builder->problem, &builder->bound), BINPACK_OK);
    check_bound(builder);
    enum binpack_outcome outcome = binpack_solve(builder->problem, &(struct binpack_options){.method = method, .step_limit = builder->step_limit},
                                               &builder->plan);
    if (outcome == BINPACK_OUT_OF_STEPS && builder->step_limit > 0)
        outcome = builder->plan.unplaced_count > 0 ? BINPACK_LEFT_OVER : BINPACK_OK;
    cr_assert(outcome == BINPACK_OK || outcome == BINPACK_LEFT_OVER, "%s", binpack_outcome_text(outcome));
    cr_assert_eq(outcome == BINPACK_LEFT_OVER, builder->plan.unplaced_count > 0);
    check_plan(builder);
    cr_assert_eq(binpack_bound_find(builder->problem, &builder->bound), BINPACK_OK); /* solving may have raised it */
    check_bound(builder);
    if (outcome == BINPACK_OK) {
        cr_assert_leq(builder->bound.cost, builder->plan.cost);
        cr_assert_eq(binpack_plan_split_gap(builder->problem, &builder->bound, &builder->plan, &builder->kerf_unopened),
                     BINPACK_OK);
        check_split(builder);
        check_plan(builder); /* splitting may have cut a pattern in two */
    }
    return outcome;
}

void pack_check_revision(struct pack_builder *builder, const struct binpack_plan *standing,
                         const struct binpack_revision_options *options, const struct binpack_revision *revision)
{
    struct binpack_fault fault = {0};
    int64_t scratch[9 * PACK_BUILDER_MAX];
    cr_assert(binpack_verify_revision(&builder->input, standing, options, revision, scratch, &fault), "%s (%zu)", fault.what,
              fault.index);
}
