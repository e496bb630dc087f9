#include <criterion/criterion.h>

#include "../../support/pack_builder.h"

static int64_t bound_of(struct pack_builder *builder)
{
    pack_solve(builder, NULL);
    return builder->bound.cost;
}

Test(bound, is_the_scarcest_resource_rounded_up)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 100, 1);
    pack_add_items(&builder, 21, 1, 1);
    cr_expect_eq(bound_of(&builder), 3);
    builder.classes[0].count = 20;
    cr_expect_eq(bound_of(&builder), 2);
    pack_builder_fini(&builder);
}

Test(bound, mixes_resources_where_types_do)
{
    /* one type rich in each: a price for both resources beats either alone (100 bins of 10, against 55 and 55) */
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 1, 1);
    pack_add_bin(&builder, 1, 10, 1);
    pack_add_items(&builder, 550, 1, 0);
    pack_add_items(&builder, 550, 0, 1);
    cr_expect_eq(bound_of(&builder), 100);
    pack_builder_fini(&builder);
}

Test(bound, splits_the_price_of_each_type_in_its_own_way)
{
    /* either type holds one item, for want of its scarce resource; common prices see 550 * 2 / 11 */
    struct pack_builder builder;
    pack_builder_init(&builder, 2);
    pack_add_bin(&builder, 10, 1, 1);
    pack_add_bin(&builder, 1, 10, 1);
    pack_add_items(&builder, 550, 1, 1);
    cr_expect_geq(bound_of(&builder), 500);
    cr_expect_eq(builder.plan.cost, 550);
    pack_builder_fini(&builder);
}

Test(bound, values_a_class_by_the_types_that_can_hold_it)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 1);   /* 0.1 a unit */
    pack_add_bin(&builder, 100, 0, 50); /* 0.5 a unit, but the only one for large items */
    pack_add_items(&builder, 10, 50, 0);
    pack_add_items(&builder, 10, 10, 0);
    cr_expect_eq(bound_of(&builder), 260);
    pack_builder_fini(&builder);
}

Test(bound, charges_for_bargains_only_as_far_as_they_last)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 100);
    pack_add_bin(&builder, 10, 0, 0)->limit = 3;
    pack_add_items(&builder, 100, 1, 0);
    cr_expect_eq(bound_of(&builder), 700);
    cr_expect_gt(builder.bound.rents[1], 0);
    cr_expect_eq(builder.plan.cost, 700);
    pack_builder_fini(&builder);
}

Test(bound, uses_up_every_open_bin)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 100, 0, 100);
    int64_t open_room = 0;
    for (int64_t room = 1; room <= 60; room++) {
        pack_add_bin(&builder, room, 0, room % 7)->limit = 1; /* none dearer than a bin of its own, most far cheaper */
        open_room += room > room % 7 ? room : 0;
    }
    pack_add_items(&builder, open_room + 1180, 1, 0);
    pack_solve(&builder, NULL);
    int64_t open_price = 0;
    for (int64_t room = 1; room <= 60; room++)
        open_price += room > room % 7 ? room % 7 : 0;
    cr_expect_eq(builder.bound.cost, open_price + 1180);
    pack_builder_fini(&builder);
}

Test(bound, rounds_to_what_prices_have_in_common)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 6);
    pack_add_bin(&builder, 20, 0, 9);
    pack_add_items(&builder, 21, 1, 0); /* 9.45 in fractions */
    cr_expect_eq(bound_of(&builder), 12);
    pack_builder_fini(&builder);
}

Test(bound, is_zero_when_bins_are_free_or_nothing_fits)
{
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    cr_expect_eq(bound_of(&builder), 0);
    pack_add_items(&builder, 3, 5, 0);
    cr_expect_eq(bound_of(&builder), 0);
    pack_add_bin(&builder, 4, 0, 9);
    cr_expect_eq(bound_of(&builder), 0);
    pack_add_bin(&builder, 5, 0, 0);
    cr_expect_eq(bound_of(&builder), 0);
    pack_builder_fini(&builder);
}

Test(bound, splits_the_gap_to_the_last_unit)
{
    /* kerf by hand: 7 items of 3 in bins of 10 at price 1: bins of 3, 3 and 1 items, values 0.3; bound 3 = ceil(2.1), gap 0 */
    struct pack_builder builder;
    pack_builder_init(&builder, 1);
    pack_add_bin(&builder, 10, 0, 1);
    pack_add_items(&builder, 7, 3, 0);
    cr_assert_eq(pack_solve(&builder, "ffd"), BINPACK_OK);
    cr_expect_eq(builder.bound.cost, 3);
    for (size_t i = 0; i < builder.plan.pattern_count; i++)
        cr_expect_eq(builder.plan.patterns[i].kerf, 0);
    /* and without rounding: price 1000 in steps of 1 through a second type that is never worth it */
    builder.types[0].price = 1000;
    pack_add_bin(&builder, 1, 0, 999);
    cr_assert_eq(pack_solve(&builder, "ffd"), BINPACK_OK);
    cr_expect_eq(builder.bound.cost, 2100);
    cr_assert_eq(builder.plan.pattern_count, 2);
    cr_expect_eq(builder.plan.patterns[0].kerf, 100 * builder.bound.scale);
    cr_expect_eq(builder.plan.patterns[1].kerf, 700 * builder.bound.scale);
    pack_builder_fini(&builder);
}
