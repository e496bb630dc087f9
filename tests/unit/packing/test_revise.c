/* Standing plans that change: items come and go, bins close, and moves have a limit and a price. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../support/pack_builder.h"

/* A standing plan in the test's own arrays. */
struct standing {
    struct binpack_plan plan;
    struct binpack_pattern patterns[8];
    struct binpack_placement placements[32];
};

static void add_bins(struct standing *standing, uint32_t type, int64_t bin_count)
{
    struct binpack_plan *plan = &standing->plan;
    plan->patterns = standing->patterns;
    plan->placements = standing->placements;
    standing->patterns[plan->pattern_count++] =
        (struct binpack_pattern){.bin_type = type, .bin_count = bin_count, .placement_first = plan->placement_count};
}

static void add_content(struct standing *standing, uint32_t item_class, int64_t item_count)
{
    standing->placements[standing->plan.placement_count++] = (struct binpack_placement){item_class, item_count};
    standing->patterns[standing->plan.pattern_count - 1].placement_count++;
}

static struct binpack_revision revise(struct pack_builder *builder, const struct standing *standing,
                                      const struct binpack_revision_options *options)
{
    struct binpack_revision revision = {0};
    cr_assert_eq(pack_make(builder, 1 << 20), BINPACK_OK);
    enum binpack_outcome outcome = binpack_revise(builder->problem, &standing->plan, options, &revision);
    cr_assert(outcome == BINPACK_OK || outcome == BINPACK_LEFT_OVER, "%s", binpack_outcome_text(outcome));
    pack_check_revision(builder, &standing->plan, options, &revision);
    return revision;
}

Test(revise, new_items_go_into_room_before_a_bin_is_opened)
{
    struct pack_builder builder;
    struct standing standing = {0};
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 7);
    pack_add_items(&builder, 4, 3, 0); /* two stand, two are new: one fits beside them, one does not */
    add_bins(&standing, 0, 1);
    add_content(&standing, 0, 2);
    struct binpack_revision revision = revise(&builder, &standing, &(struct binpack_revision_options){0});
    cr_expect_eq(revision.plan.bin_count, 2);
    cr_expect_eq(revision.moved_count, 0);
    cr_expect_eq(revision.origins[0], 0);
    cr_expect_eq(revision.plan.placements[0].item_count, 3);
    pack_builder_fini(&builder);
}

Test(revise, items_leave_the_bin_that_holds_least_of_value)
{
    struct pack_builder builder;
    struct standing standing = {0};
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 7);
    pack_add_items(&builder, 3, 3, 0);
    add_bins(&standing, 0, 1);
    add_content(&standing, 0, 3);
    add_bins(&standing, 0, 1);
    add_content(&standing, 0, 1); /* this one leaves, and its empty bin closes, though nothing may move */
    struct binpack_revision revision = revise(&builder, &standing, &(struct binpack_revision_options){0});
    cr_expect_eq(revision.plan.bin_count, 1);
    cr_expect_eq(revision.closed_count, 1);
    cr_expect_eq(revision.moved_count, 0);
    cr_expect_eq(revision.origins[0], 0);
    pack_builder_fini(&builder);
}

/* Three bins of one item each fit into one; each move costs 2, a bin 5. */
static struct binpack_revision close_bins(int64_t move_limit, int64_t move_price)
{
    struct pack_builder builder;
    struct standing standing = {0};
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 5);
    pack_add_items(&builder, 3, 3, 0);
    add_bins(&standing, 0, 3);
    add_content(&standing, 0, 1);
    struct binpack_revision revision = revise(
        &builder, &standing, &(struct binpack_revision_options){.move_limit = move_limit, .move_prices = &move_price});
    pack_builder_fini(&builder);
    return revision;
}

Test(revise, bins_close_within_the_limit_on_moves)
{
    for (int64_t limit = 0; limit <= 3; limit++) {
        struct binpack_revision revision = close_bins(limit, 2);
        cr_expect_eq(revision.closed_count, limit < 2 ? limit : 2);
        cr_expect_eq(revision.moved_count, limit < 2 ? limit : 2);
        cr_expect_eq(revision.moved_price, 2 * revision.moved_count);
    }
    cr_expect_eq(close_bins(BINPACK_NO_LIMIT, 5).closed_count, 0, "a move costs what it saves");
    cr_expect_eq(close_bins(BINPACK_NO_LIMIT, 4).closed_count, 2);
}

Test(revise, a_bin_is_replaced_by_two_cheaper_ones)
{
    struct pack_builder builder;
    struct standing standing = {0};
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 16, 16, 20);
    pack_add_bin(&builder, 8, 2, 5);
    pack_add_bin(&builder, 2, 8, 5);
    pack_add_items(&builder, 1, 8, 1);
    pack_add_items(&builder, 1, 1, 8);
    add_bins(&standing, 0, 1);
    add_content(&standing, 0, 1);
    add_content(&standing, 1, 1);
    struct binpack_revision revision =
        revise(&builder, &standing, &(struct binpack_revision_options){.move_limit = BINPACK_NO_LIMIT});
    cr_expect_eq(revision.plan.cost, 10);
    cr_expect_eq(revision.moved_count, 2);
    pack_builder_fini(&builder);
}

Test(revise, bins_that_must_close_do_whatever_the_limit)
{
    struct pack_builder builder;
    struct standing standing = {0};
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 5);
    pack_add_items(&builder, 5, 3, 0);
    add_bins(&standing, 0, 1);
    add_content(&standing, 0, 2);
    add_bins(&standing, 0, 1);
    add_content(&standing, 0, 3);
    struct binpack_revision revision =
        revise(&builder, &standing, &(struct binpack_revision_options){.must_close = (int64_t[]){0, 1}});
    cr_expect_eq(revision.plan.bin_count, 2);
    cr_expect_eq(revision.closed_count, 1);
    cr_expect_eq(revision.moved_count, 3);
    pack_builder_fini(&builder);
}

Test(revise, what_is_no_plan_is_refused)
{
    struct pack_builder builder;
    struct standing standing = {0};
    struct binpack_revision revision;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 5)->limit = 2;
    pack_add_items(&builder, 9, 3, 0);
    cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
    add_bins(&standing, 0, 2);
    add_content(&standing, 0, 3);
    cr_expect_eq(binpack_revise(builder.problem, &standing.plan, NULL, &revision), BINPACK_LEFT_OVER);
    cr_expect_eq(revision.plan.unplaced_count, 3);
    standing.placements[0].item_count = 4;
    cr_expect_eq(binpack_revise(builder.problem, &standing.plan, NULL, &revision), BINPACK_E_ARGUMENT, "overfull");
    standing.placements[0] = (struct binpack_placement){1, 1};
    cr_expect_eq(binpack_revise(builder.problem, &standing.plan, NULL, &revision), BINPACK_E_ARGUMENT, "unknown class");
    standing.placements[0] = (struct binpack_placement){0, 1};
    standing.patterns[0].bin_count = 3;
    cr_expect_eq(binpack_revise(builder.problem, &standing.plan, NULL, &revision), BINPACK_E_ARGUMENT, "more than the limit");
    standing.patterns[0].bin_count = 2;
    cr_expect_eq(binpack_revise(builder.problem, &standing.plan,
                                &(struct binpack_revision_options){.move_prices = (int64_t[]){-1}}, &revision),
                 BINPACK_E_ARGUMENT, "a negative price");
    pack_builder_fini(&builder);
}

Test(what_if, tells_what_closing_a_bin_would_do)
{
    struct pack_builder builder;
    struct standing standing = {0};
    struct binpack_what_if answers[3];
    int64_t move_price = 1;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 9);
    pack_add_bin(&builder, 4, 0, 3);
    pack_add_items(&builder, 6, 3, 0);
    add_bins(&standing, 0, 1); /* 0: full; its items take the room of the other and two small bins */
    add_content(&standing, 0, 3);
    add_bins(&standing, 0, 1); /* 1: its two items find no room; two small bins are cheaper */
    add_content(&standing, 0, 2);
    add_bins(&standing, 1, 1); /* 2: its item fits beside those of 1 */
    add_content(&standing, 0, 1);
    cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
    cr_assert_eq(binpack_what_if_closed(builder.problem, &standing.plan,
                                        &(struct binpack_revision_options){.move_prices = &move_price}, answers),
                 BINPACK_OK);
    cr_expect(answers[0].can_close && answers[1].can_close && answers[2].can_close);
    cr_expect_eq(answers[0].cost_change, 3 + 3 - 9);
    cr_expect_eq(answers[0].to_open_count, 1);
    cr_expect_eq(answers[1].cost_change, 3 + 3 - 9);
    cr_expect_eq(answers[1].moved_count, 2);
    cr_expect_eq(answers[1].moved_price, 2);
    cr_expect_eq(answers[2].cost_change, -3);
    cr_expect_eq(answers[2].to_open_count, 1);
    cr_assert_eq(binpack_what_if_closed(builder.problem, &standing.plan,
                                        &(struct binpack_revision_options){.move_prices = &move_price, .step_limit = 1}, answers),
                 BINPACK_OUT_OF_STEPS);
    cr_expect_not(answers[0].can_close || answers[1].can_close, "of what was not reached nothing is told");
    pack_builder_fini(&builder);
}

Test(bound, of_other_counts_is_adopted_or_refused)
{
    struct pack_builder builder;
    struct binpack_bound other, adopted;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 5);
    struct binpack_item_class *items = pack_add_items(&builder, 100, 3, 0);
    cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
    cr_assert_eq(binpack_bound_find(builder.problem, &other), BINPACK_OK);
    void *first_memory = builder.memory; /* the certificate lies in it */
    builder.memory = NULL;
    items->count = 200;
    cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
    cr_assert_eq(binpack_bound_adopt(builder.problem, &other, &adopted), BINPACK_OK);
    cr_expect_eq(adopted.cost, 300);
    struct binpack_bound found;
    cr_assert_eq(binpack_bound_find(builder.problem, &found), BINPACK_OK);
    cr_expect_eq(found.cost, 300);
    builder.types[0].price = 4; /* the certificate's shares are too dear now */
    cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
    cr_expect_eq(binpack_bound_adopt(builder.problem, &other, &adopted), BINPACK_E_ARGUMENT);
    free(first_memory);
    pack_builder_fini(&builder);
}
