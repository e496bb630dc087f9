/** Worked examples of cluster-autoscaler.md 15.3: new nodes over similar groups. */
#include "../../support/autoscaling_world.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

struct row {
    int32_t size[3], max[3]; /* of a, b, c; max 0: there is no such group */
    int32_t nodes;
    int32_t want[3];
};
static const struct row rows[] = {
    {{3, 1, 2}, {10, 10, 10}, 6, {4, 4, 4}}, {{3, 1, 2}, {10, 2, 10}, 6, {5, 2, 5}},
    {{3, 1, 2}, {10, 10, 10}, 2, {3, 3, 2}}, /* after the first step b equals c, so b is taken again */
    {{0, 0, 0}, {10, 10, 10}, 4, {2, 1, 1}}, {{5, 1, 0}, {10, 10, 0}, 3, {5, 4, 0}},
    {{9, 1, 0}, {10, 3, 0}, 10, {10, 3, 0}}, {{2, 2, 5}, {4, 2, 10}, 5, {4, 2, 8}},
};

ParameterizedTestParameters(balancing, sizes)
{
    static size_t row[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        row[i] = i;
    return cr_make_param_array(size_t, row, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(size_t *index, balancing, sizes)
{
    const struct row *row = &rows[*index];
    struct kerf_autoscaling_group groups[3];
    uint32_t indices[3], count = 0;
    int32_t sizes[3];
    for (uint32_t i = 0; i < 3; i++) {
        groups[i] = (struct kerf_autoscaling_group){.target_size = row->size[i], .max_size = row->max[i]};
        sizes[i] = row->size[i];
        if (row->max[i])
            indices[count++] = i;
    }
    struct kerf_autoscaling_size changed[3];
    uint32_t changed_count = kerf_autoscaling_balance(groups, indices, count, row->nodes, changed);
    for (uint32_t i = 0; i < changed_count; i++) {
        cr_expect_eq(changed[i].from, sizes[changed[i].group_index]);
        sizes[changed[i].group_index] = changed[i].to;
    }
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_eq(sizes[i], row->want[i], "B%zu: group %u has %d", *index + 1, i, sizes[i]);
}

Test(balancing, b8_room_of_all_similar_groups)
{
    struct autoscaling_world world;
    world_init(&world);
    world.options.balance_similar_node_groups = true;
    world_add_group(&world, "a", SHAPE_A, "a", 0, 1);
    world_add_group(&world, "b", SHAPE_A, "b", 0, 1);
    world_add_group(&world, "c", SHAPE_A, "c", 0, 1);
    struct world_pods pods = world_pods_of(&world, "p", 1000, 1024);
    world_add_pending(&world, &pods, 10);
    world_scale_up(&world, 0);
    cr_expect_eq(world_option(&world, "a")->node_count, 3);
    cr_expect_eq(world_option(&world, "a")->pod_count, 9, "one stays pending");
    cr_expect_eq(world_grown(&world, "a"), 1);
    cr_expect_eq(world_grown(&world, "b"), 1);
    cr_expect_eq(world_grown(&world, "c"), 1);
    world_fini(&world);
}

Test(balancing, other_shapes_are_not_similar)
{
    struct autoscaling_world world;
    world_init(&world);
    world.options.balance_similar_node_groups = true;
    world_add_group(&world, "a", SHAPE_A, "a", 0, 10);
    world_add_group(&world, "b", SHAPE_C, "b", 0, 10);
    struct world_pods pods = world_pods_of(&world, "p", 3000, 1024);
    world_add_pending(&world, &pods, 4);
    world_scale_up(&world, 0);
    cr_expect_eq(world_option(&world, "a")->similar_group_count, 0);
    cr_expect_eq(world.up->size_count, 1);
    world_fini(&world);
}
