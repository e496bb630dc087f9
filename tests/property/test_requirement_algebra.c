/**
 * The algebra of requirements against an oracle of sets: over a small universe of values a requirement is the set of those it
 * has, so an intersection must have exactly what both have. What the algebra adds to sets (operators, the answer of
 * `intersects` for two complements) is stated apart.
 */
#include "../support/objects_builder.h"

#include <criterion/criterion.h>

static const char *const universe[] = {"1", "2", "3", "4", "5", "a", "b", "05"};
enum { VALUE_COUNT = sizeof universe / sizeof universe[0], KEY_COUNT = 4 };

static struct test_world world;
static uint64_t state;

static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(requirement_algebra, .init = set_up, .fini = tear_down);

static uint32_t draw(uint32_t below)
{
    state += 0x9e3779b97f4a7c15u;
    return (uint32_t)(kerf_hash_mix(state, 0) % below);
}

static struct kerf_requirement random_requirement(kerf_name key)
{
    kerf_name values[VALUE_COUNT], bound = name_of(&world, universe[draw(5)]);
    struct kerf_expression expression = {.key = key, .op = (enum kerf_operator)draw(8), .values = values, .min_values = -1};
    if (expression.op == KERF_OP_IN || expression.op == KERF_OP_NOT_IN)
        for (uint32_t i = 0, count = draw(5); i < count; i++)
            values[expression.value_count++] = name_of(&world, universe[draw(VALUE_COUNT)]);
    if (expression.op >= KERF_OP_GT)
        values[expression.value_count++] = bound;
    if (draw(4) == 0)
        expression.min_values = (int32_t)draw(4);
    return kerf_requirement_of(&world.objects.arena, world.vocabulary, &expression);
}

/** A requirement that came about by several intersections, so that sets, exclusions and bounds meet. */
static struct kerf_requirement mixed_requirement(kerf_name key)
{
    struct kerf_requirement result = random_requirement(key);
    for (uint32_t i = draw(3); i > 0; i--) {
        struct kerf_requirement other = random_requirement(key);
        result = kerf_requirement_intersection(&world.objects.arena, &result, &other);
    }
    return result;
}

static unsigned set_of(const struct kerf_requirement *requirement)
{
    unsigned set = 0;
    for (unsigned i = 0; i < VALUE_COUNT; i++)
        set |= (unsigned)kerf_requirement_has(requirement, name_of(&world, universe[i])) << i;
    return set;
}

static void expect_well_formed(const struct kerf_requirement *requirement)
{
    for (uint32_t i = 1; i < requirement->value_count; i++)
        cr_assert_lt(kerf_name_compare(requirement->values[i - 1], requirement->values[i]), 0);
    if (!requirement->complement)
        cr_assert(!requirement->has_lower && !requirement->has_upper);
}

Test(requirement_algebra, intersection_is_that_of_sets)
{
    kerf_name key = name_of(&world, "k");
    for (int i = 0; i < 50000; i++) {
        struct kerf_requirement a = mixed_requirement(key), b = mixed_requirement(key);
        struct kerf_requirement ab = kerf_requirement_intersection(&world.objects.arena, &a, &b);
        struct kerf_requirement ba = kerf_requirement_intersection(&world.objects.arena, &b, &a);
        expect_well_formed(&ab);
        const char *text = requirement_text(&world, &ab);
        cr_assert_eq(set_of(&ab), set_of(&a) & set_of(&b), "%s and %s gave %s", requirement_text(&world, &a), requirement_text(&world, &b),
                     text);
        cr_assert_str_eq(requirement_text(&world, &ba), text);
        cr_assert_eq(ab.min_values, a.min_values > b.min_values ? a.min_values : b.min_values);
        /* Concrete on one side: there is a common value or not. Two complements always meet, unless their bounds cross. */
        bool intersects = kerf_requirement_intersects(&a, &b);
        cr_assert_eq(intersects, kerf_requirement_intersects(&b, &a));
        if (!a.complement || !b.complement)
            cr_assert_eq(intersects, (set_of(&a) & set_of(&b)) != 0);
        else
            cr_assert_eq(intersects, kerf_requirement_operator(&ab) != KERF_OP_DOES_NOT_EXIST);
        struct kerf_requirement again = kerf_requirement_intersection(&world.objects.arena, &ab, &a);
        cr_assert_str_eq(requirement_text(&world, &again), text); /* narrowing twice changes nothing */
        kerf_arena_reset(&world.objects.arena);
    }
}

static struct kerf_requirements random_list(void)
{
    static const char *const keys[KEY_COUNT] = {"a", "b", "kubernetes.io/arch", "topology.kubernetes.io/zone"};
    struct kerf_requirements list = {0};
    for (uint32_t i = draw(6); i > 0; i--) {
        struct kerf_requirement requirement = random_requirement(name_of(&world, keys[draw(KEY_COUNT)]));
        kerf_requirements_add(&world.objects.arena, &list, &requirement);
    }
    return list;
}

static bool content_with_absence(const struct kerf_requirement *requirement)
{
    enum kerf_operator op = kerf_requirement_operator(requirement);
    return op == KERF_OP_NOT_IN || op == KERF_OP_DOES_NOT_EXIST;
}

/** karpenter-provisioning 4.3, key by key, without the walks in step. */
static bool plainly_compatible(const struct kerf_requirements *node, const struct kerf_requirements *incoming, bool well_known)
{
    for (size_t i = 0; i < incoming->count; i++) {
        const struct kerf_requirement *wanted = &incoming->items[i], *has = NULL;
        for (size_t j = 0; j < node->count; j++)
            if (node->items[j].key == wanted->key)
                has = &node->items[j];
        if (!has && !content_with_absence(wanted) &&
            !(well_known && kerf_vocabulary_is_well_known(world.vocabulary, wanted->key)))
            return false;
        if (has && !kerf_requirement_intersects(has, wanted) && !(content_with_absence(has) && content_with_absence(wanted)))
            return false;
    }
    return true;
}

Test(requirement_algebra, lists)
{
    for (int i = 0; i < 50000; i++) {
        struct kerf_requirements node = random_list(), incoming = random_list();
        for (size_t j = 1; j < node.count; j++)
            cr_assert_lt(kerf_name_compare(node.items[j - 1].key, node.items[j].key), 0);
        cr_assert_eq(kerf_requirements_compatible(world.vocabulary, &node, &incoming, KERF_UNDEFINED_NONE, NULL),
                     plainly_compatible(&node, &incoming, false));
        cr_assert_eq(kerf_requirements_compatible(world.vocabulary, &node, &incoming, KERF_UNDEFINED_WELL_KNOWN, NULL),
                     plainly_compatible(&node, &incoming, true));
        cr_assert_eq(kerf_requirements_intersect(&node, &incoming, NULL), kerf_requirements_intersect(&incoming, &node, NULL));
        struct kerf_requirements sum = kerf_requirements_copy(&world.objects.arena, &node);
        kerf_requirements_add_all(&world.objects.arena, &sum, &incoming);
        for (size_t j = 0; j < sum.count; j++) {
            const struct kerf_requirement *a = kerf_requirements_get(&node, sum.items[j].key);
            const struct kerf_requirement *b = kerf_requirements_get(&incoming, sum.items[j].key);
            unsigned all = (1u << VALUE_COUNT) - 1;
            cr_assert_eq(set_of(&sum.items[j]), (a ? set_of(a) : all) & (b ? set_of(b) : all));
        }
        kerf_arena_reset(&world.objects.arena);
    }
}

Test(requirement_algebra, long_lists)
{
    /* Beyond the sizes where single look-ups give way to walking both lists in step. */
    kerf_name key = name_of(&world, "type");
    for (int round = 0; round < 300; round++) {
        kerf_name values[2][400];
        size_t counts[2];
        for (int side = 0; side < 2; side++) {
            counts[side] = 1 + draw(draw(2) ? 400 : 30);
            for (size_t i = 0; i < counts[side]; i++)
                values[side][i] = kerf_name_format(world.vocabulary->names, "t%" PRIu32, draw(500));
        }
        struct kerf_requirement a = kerf_requirement_in(&world.objects.arena, key, values[0], counts[0]);
        struct kerf_requirement b = kerf_requirement_in(&world.objects.arena, key, values[1], counts[1]);
        b.complement = draw(2);
        struct kerf_requirement ab = kerf_requirement_intersection(&world.objects.arena, &a, &b);
        expect_well_formed(&ab);
        uint32_t want = 0;
        for (uint32_t i = 0; i < a.value_count; i++)
            want += kerf_requirement_has(&b, a.values[i]);
        cr_assert_eq(ab.value_count, want);
        for (uint32_t i = 0; i < ab.value_count; i++)
            cr_assert(kerf_requirement_has(&a, ab.values[i]) && kerf_requirement_has(&b, ab.values[i]));
        cr_assert_eq(kerf_requirement_intersects(&a, &b), want > 0);
        kerf_arena_reset(&world.objects.arena);
    }
}
