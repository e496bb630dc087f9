/*
 * All tiny problems against the plainest oracle there is: every way to put the items into bins. Drawn at random with every
 * restriction switched on now and then, and enumerated in one dimension.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/pack_builder.h"

enum { ITEMS_MAX = 7, DRAWN_PROBLEMS = 4000 };

/* ---- the oracle ------------------------------------------------------------------------------------------------------- */

struct oracle {
    const struct binpack_input *input;
    uint32_t class_of[ITEMS_MAX];
    size_t item_count;
    struct {
        size_t type;
        int64_t load[2];
        int64_t of_class[ITEMS_MAX];
    } bins[ITEMS_MAX];
    size_t bin_count;
    int64_t opened[PACK_BUILDER_MAX];
    int64_t cost;
    int64_t best; /* -1: no packing of all items is known */
};

static bool says_conflict(const struct binpack_input *input, uint32_t class_index, uint32_t other)
{
    const uint64_t *conflicts = input->item_classes[class_index].conflicts;
    return conflicts != NULL && (conflicts[0] >> other & 1) != 0;
}

static bool may_lie_in(const struct oracle *oracle, uint32_t class_index, size_t bin)
{
    const struct binpack_item_class *class = &oracle->input->item_classes[class_index];
    for (uint32_t c = 0; c < oracle->input->item_class_count; c++)
        if (oracle->bins[bin].of_class[c] > 0 &&
            (says_conflict(oracle->input, c, class_index) || says_conflict(oracle->input, class_index, c)))
            return false;
    return (class->allowed_bin_types == NULL || (class->allowed_bin_types[0] >> oracle->bins[bin].type & 1) != 0) &&
           (class->per_bin_max == 0 || oracle->bins[bin].of_class[class_index] < class->per_bin_max);
}

static bool all_bins_hold(const struct oracle *oracle)
{
    for (size_t b = 0; b < oracle->bin_count; b++)
        for (size_t r = 0; r < oracle->input->resource_count; r++)
            if (oracle->bins[b].load[r] > oracle->input->bin_types[oracle->bins[b].type].capacity[r])
                return false;
    return true;
}

static void place_from(struct oracle *oracle, size_t item);

static void put(struct oracle *oracle, size_t item, size_t bin)
{
    uint32_t class_index = oracle->class_of[item];
    const struct binpack_item_class *class = &oracle->input->item_classes[class_index];
    if (!may_lie_in(oracle, class_index, bin))
        return;
    for (size_t r = 0; r < oracle->input->resource_count; r++)
        oracle->bins[bin].load[r] += class->demand[r];
    oracle->bins[bin].of_class[class_index]++;
    place_from(oracle, item + 1);
    oracle->bins[bin].of_class[class_index]--;
    for (size_t r = 0; r < oracle->input->resource_count; r++)
        oracle->bins[bin].load[r] -= class->demand[r];
}

/* Loads are judged at the end only, for an item may make room for those before it. */
static void place_from(struct oracle *oracle, size_t item)
{
    if (oracle->best >= 0 && oracle->cost >= oracle->best)
        return;
    if (item == oracle->item_count) {
        if (all_bins_hold(oracle))
            oracle->best = oracle->cost;
        return;
    }
    for (size_t b = 0; b < oracle->bin_count; b++)
        put(oracle, item, b);
    for (size_t t = 0; t < oracle->input->bin_type_count; t++) {
        if (oracle->opened[t] >= oracle->input->bin_types[t].limit)
            continue;
        size_t bin = oracle->bin_count++;
        oracle->bins[bin].type = t;
        oracle->opened[t]++;
        oracle->cost += oracle->input->bin_types[t].price;
        put(oracle, item, bin);
        oracle->cost -= oracle->input->bin_types[t].price;
        oracle->opened[t]--;
        oracle->bin_count--;
    }
}

static int64_t optimum_of(const struct binpack_input *input)
{
    struct oracle oracle = {.input = input, .best = -1};
    for (uint32_t c = 0; c < input->item_class_count; c++)
        for (int64_t i = 0; i < input->item_classes[c].count; i++)
            oracle.class_of[oracle.item_count++] = c;
    place_from(&oracle, 0);
    return oracle.best;
}

/* ---- what must hold --------------------------------------------------------------------------------------------------- */

struct tally {
    int64_t problems, complete_expected, complete, optimal, tight;
};

static bool makes_room(const struct pack_builder *builder)
{
    for (size_t c = 0; c < builder->class_count; c++)
        if (builder->demand[c][0] < 0 || builder->demand[c][1] < 0)
            return true;
    return false;
}

/* `must_be_complete`: nothing but size keeps items out, so an item that fits somewhere is placed. */
static void check(struct pack_builder *builder, bool must_be_complete, struct tally *tally)
{
    size_t method_count;
    const struct binpack_method *methods = binpack_methods(&method_count);
    int64_t optimum = -1;
    for (size_t m = 0; m <= method_count; m++) {
        builder->step_limit = m < method_count ? 10000 : 100000;
        enum binpack_outcome outcome =
            pack_solve(builder, m < method_count ? methods[m].name : NULL); /* verifies all that comes out */
        if (m == 0)
            optimum = optimum_of(&builder->input);
        if (optimum >= 0)
            cr_assert_leq(builder->bound.cost, optimum, "the bound lies above the optimum");
        if (outcome == BINPACK_OK) {
            cr_assert_geq(optimum, 0, "items are placed that cannot be");
            cr_assert_geq(builder->plan.cost, optimum, "a plan lies below the optimum");
            if (builder->plan.is_cheapest)
                cr_assert_eq(builder->plan.cost, optimum, "a plan is not as cheap as it says: %s %lld, %lld", builder->plan.method, (long long)builder->plan.cost, (long long)optimum);
        } else if (must_be_complete) {
            cr_assert_eq(optimum, -1, "items are left over that fit");
        }
    }
    tally->problems++;
    tally->complete_expected += optimum >= 0;
    if (builder->plan.unplaced_count == 0) {
        tally->complete++;
        tally->optimal += builder->plan.cost == optimum || makes_room(builder); /* branch and bound leaves those alone */
        tally->tight += builder->bound.cost == optimum;
    }
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 20) % below);
}

static void draw_problem(struct pack_builder *builder, uint64_t *state, bool *out_must_be_complete)
{
    bool has_limits = draw(state, 3) == 0, has_sets = draw(state, 4) == 0, has_caps = draw(state, 4) == 0;
    bool has_conflicts = draw(state, 4) == 0, has_room_makers = draw(state, 6) == 0, has_unit_price = draw(state, 4) == 0;
    uint32_t size = draw(state, 3) == 0 ? 3 : 12;
    pack_builder_init(builder, 1 + draw(state, 2));
    size_t type_count = 1 + draw(state, 4);
    for (size_t t = 0; t < type_count; t++) {
        int64_t first = 1 + draw(state, 2 * size), second = 1 + draw(state, 2 * size);
        int64_t price = has_unit_price ? 1 : draw(state, 4) == 0 ? draw(state, 3) : 1 + draw(state, 40);
        struct binpack_bin_type *bin = pack_add_bin(builder, first, second, price);
        if (has_limits && draw(state, 2) == 0)
            bin->limit = draw(state, 4);
    }
    /* the oracle's work grows with types^bins, so fewer items with more types */
    int64_t items_left = type_count >= 3 ? 5 : type_count == 2 ? 6 : ITEMS_MAX;
    while (items_left > 0) {
        int64_t count = 1 + draw(state, (uint32_t)items_left);
        items_left -= count;
        int64_t first = draw(state, size + 1), second = draw(state, size + 1);
        if (has_room_makers && draw(state, 3) == 0)
            first = -(int64_t)(1 + draw(state, 3));
        struct binpack_item_class *class = pack_add_items(builder, count, first, second);
        if (has_caps && draw(state, 2) == 0)
            class->per_bin_max = 1 + draw(state, 2);
        if (has_sets && draw(state, 2) == 0)
            pack_allow(builder, class, draw(state, 1u << type_count));
        for (size_t other = 0; has_conflicts && other < builder->class_count; other++)
            if (draw(state, 3) == 0)
                pack_add_conflict(builder, builder->class_count - 1, other); /* with itself too */
    }
    *out_must_be_complete = !has_limits && !has_room_makers;
}

Test(packing, drawn_tiny_problems_agree_with_brute_force)
{
    struct tally tally = {0};
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < DRAWN_PROBLEMS; i++) {
        struct pack_builder builder;
        bool must_be_complete;
        draw_problem(&builder, &state, &must_be_complete);
        check(&builder, must_be_complete, &tally);
        pack_builder_fini(&builder);
    }
    cr_expect_geq(tally.complete * 1000, tally.complete_expected * 999, "%lld of %lld complete", (long long)tally.complete,
                  (long long)tally.complete_expected);
    cr_expect_geq(tally.optimal * 1000, tally.complete * 999, "%lld of %lld optimal", (long long)tally.optimal,
                  (long long)tally.complete);
    cr_expect_gt(tally.tight * 10, tally.complete * 7, "%lld of %lld bounds tight", (long long)tally.tight,
                 (long long)tally.complete);
}

/* ---- plans that stand and change ---------------------------------------------------------------------------------------- */

/* A copy of the plan that outlives its problem. */
struct kept_plan {
    struct binpack_plan plan;
    struct binpack_pattern patterns[ITEMS_MAX];
    struct binpack_placement placements[ITEMS_MAX];
};

static void keep_plan(struct kept_plan *kept, const struct binpack_plan *plan)
{
    kept->plan = *plan;
    for (size_t i = 0; i < plan->pattern_count; i++)
        kept->patterns[i] = plan->patterns[i];
    for (size_t i = 0; i < plan->placement_count; i++)
        kept->placements[i] = plan->placements[i];
    kept->plan.patterns = kept->patterns;
    kept->plan.placements = kept->placements;
}

/* Counts change by one or two, and so do prices: what stands is no longer the best. */
static void change_counts(struct pack_builder *builder, uint64_t *state)
{
    int64_t items = 0;
    for (size_t c = 0; c < builder->class_count; c++)
        items += builder->classes[c].count;
    for (size_t c = 0; c < builder->class_count; c++) {
        int64_t change = (int64_t)draw(state, 3) - 1;
        if (draw(state, 2) == 0 || builder->classes[c].count + change < 0 || (change > 0 && items >= 5))
            continue;
        builder->classes[c].count += change;
        items += change;
    }
    for (size_t t = 0; t < builder->type_count; t++)
        if (draw(state, 4) == 0)
            builder->types[t].price += 1 + draw(state, 20);
}

Test(packing, revised_tiny_plans_are_valid_and_near_the_optimum)
{
    uint64_t state = 0x2545f4914f6cdd1du;
    int64_t free_moves = 0, optimal = 0, better = 0;
    for (size_t i = 0; i < DRAWN_PROBLEMS; i++) {
        struct pack_builder builder;
        struct kept_plan standing;
        bool must_be_complete;
        draw_problem(&builder, &state, &must_be_complete);
        builder.step_limit = 2000;
        pack_solve(&builder, draw(&state, 2) == 0 ? "ffd" : "bfd");
        keep_plan(&standing, &builder.plan);
        change_counts(&builder, &state);
        int64_t prices[PACK_BUILDER_MAX], must_close[ITEMS_MAX] = {0};
        for (size_t c = 0; c < builder.class_count; c++)
            prices[c] = draw(&state, 6);
        struct binpack_revision_options options = {.step_limit = 20000};
        bool is_free = draw(&state, 2) == 0;
        options.move_limit = is_free ? BINPACK_NO_LIMIT : draw(&state, 4);
        options.move_prices = is_free ? NULL : prices;
        if (draw(&state, 4) == 0 && standing.plan.pattern_count > 0) {
            must_close[draw(&state, (uint32_t)standing.plan.pattern_count)] = 1;
            options.must_close = must_close;
        }
        cr_assert_eq(pack_make(&builder, 1 << 20), BINPACK_OK);
        struct binpack_revision revision;
        struct binpack_what_if answers[ITEMS_MAX];
        enum binpack_outcome outcome = binpack_revise(builder.problem, &standing.plan, &options, &revision);
        cr_assert_eq(binpack_what_if_closed(builder.problem, &standing.plan, &options, answers) == BINPACK_E_ARGUMENT,
                     outcome == BINPACK_E_ARGUMENT);
        if (outcome == BINPACK_E_ARGUMENT) { /* an item that made room has left */
            cr_expect(makes_room(&builder));
            pack_builder_fini(&builder);
            continue;
        }
        pack_check_revision(&builder, &standing.plan, &options, &revision);
        int64_t optimum = optimum_of(&builder.input);
        if (revision.plan.unplaced_count == 0) {
            cr_assert_geq(optimum, 0);
            cr_assert_geq(revision.plan.cost, optimum);
            if (is_free && !makes_room(&builder)) {
                free_moves++;
                optimal += revision.plan.cost == optimum;
            }
        } else if (must_be_complete) {
            cr_assert_eq(optimum, -1, "items are left over that fit");
        }
        better += revision.moved_count > 0;
        pack_builder_fini(&builder);
    }
    cr_expect_gt(free_moves, 1000);
    cr_expect_gt(better, 200);
    cr_expect_geq(optimal * 100, free_moves * 99, "%lld of %lld optimal", (long long)optimal, (long long)free_moves);
}

/* Every set of conflicts among four classes of one or two items, in bins that hold all of them, and in small ones. */
Test(packing, enumerated_conflicts_agree_with_brute_force)
{
    struct tally tally = {0};
    for (uint32_t conflicts = 0; conflicts < 1u << 6; conflicts++) {
        for (int64_t capacity = 4; capacity <= 12; capacity += 4) {
            struct pack_builder builder;
            pack_builder_init(&builder, 1);
            pack_add_bin(&builder, capacity, 0, 5);
            pack_add_bin(&builder, 3, 0, 3);
            for (int64_t c = 0; c < 4; c++)
                pack_add_items(&builder, 1 + c % 2, 1 + c / 2, 0);
            uint32_t bit = 0;
            for (size_t first = 0; first < 4; first++)
                for (size_t second = first + 1; second < 4; second++, bit++)
                    if (conflicts >> bit & 1)
                        pack_add_conflict(&builder, bit % 2 == 0 ? first : second, bit % 2 == 0 ? second : first);
            check(&builder, true, &tally);
            pack_builder_fini(&builder);
        }
    }
    cr_expect_eq(tally.complete, tally.problems);
    cr_expect_eq(tally.optimal, tally.problems, "%lld of %lld optimal", (long long)tally.optimal, (long long)tally.problems);
}

/* Every multiset of up to 5 sizes from 1 to 5, in bins of 5 and of 3 whose prices take every ratio that matters. */
static void enumerate_sizes(struct pack_builder *builder, int64_t size, int64_t items_left, struct tally *tally)
{
    if (size > 5) {
        for (int64_t price = 1; price <= 5; price++) {
            builder->types[1].price = price;
            check(builder, true, tally);
        }
        return;
    }
    for (int64_t count = 0; count <= items_left; count++) {
        pack_add_items(builder, count, size, 0);
        enumerate_sizes(builder, size + 1, items_left - count, tally);
        builder->class_count--;
    }
}

Test(packing, enumerated_tiny_problems_agree_with_brute_force)
{
    struct tally tally = {0};
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 5, 0, 4);
    pack_add_bin(&builder, 3, 0, 1);
    enumerate_sizes(&builder, 1, 5, &tally);
    cr_expect_eq(tally.complete, tally.problems);
    cr_expect_eq(tally.problems, 252 * 5);
    cr_expect_eq(tally.optimal, tally.problems, "%lld of %lld optimal", (long long)tally.optimal,
                 (long long)tally.problems);
    pack_builder_fini(&builder);
}
