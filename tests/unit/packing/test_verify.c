#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../support/pack_builder.h"

/* A problem in which everything that a plan may violate is close at hand, its plan and its bound, all writable. */
struct bench {
    struct pack_builder builder;
    struct binpack_pattern patterns[PACK_BUILDER_MAX];
    struct binpack_placement placements[PACK_BUILDER_MAX];
    int64_t unplaced[PACK_BUILDER_MAX];
    int64_t item_values[PACK_BUILDER_MAX];
    int64_t price_shares[PACK_BUILDER_MAX];
    int64_t rents[PACK_BUILDER_MAX];
    struct binpack_plan plan;
    struct binpack_bound bound;
};

static void bench_init(struct bench *bench)
{
    struct pack_builder *builder = &bench->builder;
    pack_builder_init(builder, 2);
    pack_add_bin(builder, 10, 10, 10);
    pack_add_bin(builder, 20, 20, 18)->limit = 1;
    pack_add_items(builder, 6, 5, 5)->per_bin_max = 2;
    pack_allow(builder, pack_add_items(builder, 2, 1, 4), 1);
    cr_assert_eq(pack_solve(builder, "ffd"), BINPACK_OK);
    bench->plan = builder->plan;
    memcpy(bench->patterns, builder->plan.patterns, builder->plan.pattern_count * sizeof *bench->patterns);
    memcpy(bench->placements, builder->plan.placements, builder->plan.placement_count * sizeof *bench->placements);
    memcpy(bench->unplaced, builder->plan.unplaced, builder->class_count * sizeof *bench->unplaced);
    bench->plan.patterns = bench->patterns;
    bench->plan.placements = bench->placements;
    bench->plan.unplaced = bench->unplaced;
    bench->bound = builder->bound;
    memcpy(bench->item_values, builder->bound.item_values, builder->class_count * sizeof(int64_t));
    memcpy(bench->price_shares, builder->bound.price_shares, 2 * builder->type_count * sizeof(int64_t));
    memcpy(bench->rents, builder->bound.rents, builder->type_count * sizeof(int64_t));
    bench->bound.item_values = bench->item_values;
    bench->bound.price_shares = bench->price_shares;
    bench->bound.rents = bench->rents;
}

/* The message that the verifier gives, NULL when all is well. */
static const char *plan_fault(struct bench *bench)
{
    static struct binpack_fault fault;
    int64_t scratch[2 * PACK_BUILDER_MAX];
    return binpack_verify_plan(&bench->builder.input, &bench->plan, scratch, &fault) ? NULL : fault.what;
}

static const char *bound_fault(struct bench *bench)
{
    static struct binpack_fault fault;
    int64_t scratch[9 * PACK_BUILDER_MAX];
    return binpack_verify_bound(&bench->builder.input, &bench->bound, scratch, &fault) ? NULL : fault.what;
}

static void violate_plan(struct bench *bench, size_t how)
{
    switch (how) {
    case 0:
        bench->patterns[0].bin_type = 7;
        break;
    case 1:
        bench->patterns[0].bin_count = 0;
        break;
    case 2:
        bench->patterns[0].placement_first = SIZE_MAX;
        break;
    case 3:
        bench->placements[0].item_class = 9;
        break;
    case 4:
        bench->placements[0].item_count = 0;
        break;
    case 5:
        bench->placements[0].item_count = 3;
        break;
    case 6:
        bench->plan.cost--;
        break;
    case 7:
        bench->plan.bin_count++;
        break;
    case 8:
        bench->unplaced[0] = 1;
        break;
    case 9:
        bench->plan.unplaced_count = 1;
        break;
    case 10: /* forgets a bin */
        bench->plan.pattern_count--;
        break;
    case 11: /* repeats a bin */
        bench->patterns[bench->plan.pattern_count] = bench->patterns[0];
        bench->plan.pattern_count++;
        break;
    case 12:
        bench->builder.capacity[bench->patterns[0].bin_type][0] = 9;
        break;
    case 13:
        bench->builder.types[bench->patterns[0].bin_type].limit = 0;
        break;
    case 14:
        bench->builder.allowed[1] = 2;
        break;
    case 15:
        bench->builder.classes[0].per_bin_max = 1;
        break;
    case 16: /* a class that may not lie beside itself */
        pack_add_conflict(&bench->builder, 0, 0);
        break;
    default: /* names a class twice */
        bench->patterns[0].placement_count = 2;
        bench->placements[1] = bench->placements[0];
        break;
    }
}
enum { PLAN_VIOLATIONS = 18 };

Test(verify, finds_each_violation_of_a_plan)
{
    struct bench bench;
    bench_init(&bench);
    cr_assert_null(plan_fault(&bench));
    pack_builder_fini(&bench.builder);
    for (size_t how = 0; how < PLAN_VIOLATIONS; how++) {
        bench_init(&bench);
        violate_plan(&bench, how);
        cr_expect_not_null(plan_fault(&bench), "violation %zu passed", how);
        pack_builder_fini(&bench.builder);
    }
}

static void violate_bound(struct bench *bench, size_t how)
{
    switch (how) {
    case 0: /* claims more than is proven */
        bench->bound.cost += 2;
        break;
    case 1: /* claims a cost between two possible ones */
        bench->bound.cost -= 1;
        break;
    case 2:
        bench->bound.scale = 0;
        break;
    case 3:
        bench->bound.cost = -2;
        break;
    case 4:
        bench->item_values[0]++;
        break;
    case 5:
        bench->price_shares[0]++;
        break;
    case 6:
        bench->price_shares[1] = -1;
        break;
    case 7: /* a rent without a limit costs nothing */
        bench->rents[0] = 5;
        break;
    case 8:
        bench->rents[1] = -1;
        break;
    case 9: /* a class that fits nowhere is worth nothing */
        bench->builder.demand[1][0] = 11;
        break;
    case 10: /* the bargain lasts longer than the bound believed */
        bench->rents[1] += 1000;
        bench->builder.types[1].limit = INT64_MAX - 1;
        break;
    default:
        bench->builder.types[0].price -= 2;
        break;
    }
}
enum { BOUND_VIOLATIONS = 12 };

Test(verify, finds_each_flaw_of_a_certificate)
{
    struct bench bench;
    bench_init(&bench);
    cr_assert_null(bound_fault(&bench), "%s", bound_fault(&bench));
    pack_builder_fini(&bench.builder);
    for (size_t how = 0; how < BOUND_VIOLATIONS; how++) {
        bench_init(&bench);
        violate_bound(&bench, how);
        cr_expect_not_null(bound_fault(&bench), "flaw %zu passed", how);
        pack_builder_fini(&bench.builder);
    }
}

Test(verify, accepts_a_weaker_claim_that_is_a_possible_cost)
{
    struct bench bench;
    bench_init(&bench);
    bench.bound.cost -= 2;
    cr_expect_null(bound_fault(&bench));
    bench.bound.cost = 0;
    cr_expect_null(bound_fault(&bench));
    pack_builder_fini(&bench.builder);
}
