/** The algebra of requirements, row by row of karpenter-provisioning 4.1 to 4.3. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(requirements, .init = set_up, .fini = tear_down);

Test(requirements, canonical_form)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"k In b a b", "k In [a b]"},
        {"k NotIn b a", "k NotIn [a b]"},
        {"k In", "k DoesNotExist"},
        {"k NotIn", "k Exists"},
        {"k Exists", "k Exists"},
        {"k DoesNotExist", "k DoesNotExist"},
        {"k Gt 4", "k Exists >=5"},
        {"k Lt 4", "k Exists <=3"},
        {"k Gte 4", "k Exists >=4"},
        {"k Lte 4", "k Exists <=4"},
        {"k Gt 9223372036854775807", "k DoesNotExist"},
        {"k Gte 9223372036854775807", "k Exists >=9223372036854775807"},
        {"k Gt 9223372036854775806", "k Exists >=9223372036854775807"},
        {"k In a minValues 2", "k In [a] minValues 2"},
        {"failure-domain.beta.kubernetes.io/zone In a", "topology.kubernetes.io/zone In [a]"},
        {"failure-domain.beta.kubernetes.io/region In a", "topology.kubernetes.io/region In [a]"},
        {"beta.kubernetes.io/arch In a", "kubernetes.io/arch In [a]"},
        {"beta.kubernetes.io/os In a", "kubernetes.io/os In [a]"},
        {"beta.kubernetes.io/instance-type In a", "node.kubernetes.io/instance-type In [a]"},
        {"topology.ebs.csi.aws.com/zone In a", "topology.kubernetes.io/zone In [a]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_requirement requirement = requirement_of(&world, rows[i].text);
        cr_expect_str_eq(requirement_text(&world, &requirement), rows[i].want);
    }
}

Test(requirements, has)
{
    static const struct {
        const char *text, *value;
        bool want;
    } rows[] = {
        {"k In a b", "a", true},  {"k In a b", "c", false}, {"k NotIn a b", "c", true}, {"k NotIn a b", "b", false},
        {"k Exists", "x", true},  {"k DoesNotExist", "x", false}, {"k Gt 4", "5", true}, {"k Gt 4", "4", false},
        {"k Lt 4", "3", true},    {"k Lt 4", "4", false}, {"k Gte 4", "4", true}, {"k Lte 4", "4", true},
        {"k Gt 4", "many", false}, {"k Gt 4", "", false}, {"k Gt 4", "5.5", false}, {"k Gt 4", "+5", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_requirement requirement = requirement_of(&world, rows[i].text);
        cr_expect_eq(kerf_requirement_has(&requirement, name_of(&world, rows[i].value)), rows[i].want, "%s has %s", rows[i].text,
                     rows[i].value);
    }
}

Test(requirements, intersection)
{
    static const struct {
        const char *a, *b, *want;
        bool intersects;
    } rows[] = {
        {"k In a b", "k In b c", "k In [b]", true},
        {"k In a", "k In b", "k DoesNotExist", false},
        {"k In a b", "k NotIn a", "k In [b]", true},
        {"k In a", "k NotIn a", "k DoesNotExist", false},
        {"k NotIn a", "k NotIn b", "k NotIn [a b]", true},
        {"k NotIn a b", "k NotIn b", "k NotIn [a b]", true},
        {"k NotIn a", "k Exists", "k NotIn [a]", true},
        {"k Exists", "k Exists", "k Exists", true},
        {"k Exists", "k DoesNotExist", "k DoesNotExist", false},
        {"k In 3 5 7", "k Gt 4", "k In [5 7]", true},
        {"k In 3 5 x", "k Gt 4", "k In [5]", true},
        {"k In 3", "k Gt 4", "k DoesNotExist", false},
        {"k Gt 4", "k Lt 8", "k Exists >=5 <=7", true},
        {"k Gt 4", "k Lt 5", "k DoesNotExist", false},
        {"k Gte 4", "k Lte 4", "k Exists >=4 <=4", true},
        {"k Gt 4", "k Gt 6", "k Exists >=7", true},
        {"k NotIn 3 5 x", "k Gt 4", "k NotIn [5] >=5", true},
        {"k In a b minValues 2", "k In a minValues 3", "k In [a] minValues 3", true},
        {"k Gt 4 minValues 2", "k Lt 4", "k DoesNotExist minValues 2", false},
        {"k DoesNotExist", "k NotIn a", "k DoesNotExist", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_requirement a = requirement_of(&world, rows[i].a), b = requirement_of(&world, rows[i].b);
        struct kerf_requirement ab = kerf_requirement_intersection(&world.objects.arena, &a, &b);
        struct kerf_requirement ba = kerf_requirement_intersection(&world.objects.arena, &b, &a);
        cr_expect_str_eq(requirement_text(&world, &ab), rows[i].want);
        cr_expect_str_eq(requirement_text(&world, &ba), rows[i].want);
        cr_expect_eq(kerf_requirement_intersects(&a, &b), rows[i].intersects, "%s / %s", rows[i].a, rows[i].b);
        cr_expect_eq(kerf_requirement_intersects(&b, &a), rows[i].intersects, "%s / %s", rows[i].b, rows[i].a);
    }
}

Test(requirements, shares_what_stays)
{
    struct kerf_requirement a = requirement_of(&world, "k In a b c"), any = requirement_of(&world, "k Exists");
    struct kerf_requirement wide = requirement_of(&world, "k In a b c d");
    size_t before = world.objects.arena.allocated_bytes;
    cr_expect_eq(kerf_requirement_intersection(&world.objects.arena, &a, &any).values, a.values);
    cr_expect_eq(kerf_requirement_intersection(&world.objects.arena, &wide, &a).values, a.values);
    cr_expect_eq(world.objects.arena.allocated_bytes, before);
}

Test(requirements, lists)
{
    struct kerf_requirements list = requirements_of(&world, "z In a b; a Exists; m Gt 3; z In b c");
    cr_assert_eq(list.count, 3);
    cr_expect_str_eq(list.items[0].key->text, "a");
    cr_expect_str_eq(list.items[2].key->text, "z");
    cr_expect_str_eq(requirement_text(&world, kerf_requirements_get(&list, name_of(&world, "z"))), "z In [b]");
    struct kerf_requirements copy = kerf_requirements_copy(&world.objects.arena, &list);
    kerf_requirements_remove(&copy, name_of(&world, "m"));
    struct kerf_requirement other = requirement_of(&world, "z In q");
    kerf_requirements_set(&world.objects.arena, &copy, &other);
    cr_expect_null(kerf_requirements_get(&copy, name_of(&world, "m")));
    cr_expect_str_eq(requirement_text(&world, kerf_requirements_get(&copy, name_of(&world, "z"))), "z In [q]");
    cr_expect_eq(list.count, 3);
    struct kerf_labels labels = labels_of(&world, "beta.kubernetes.io/os=linux, app=web");
    struct kerf_requirements of_labels = kerf_requirements_of_labels(&world.objects.arena, world.vocabulary, &labels);
    cr_expect_str_eq(requirement_text(&world, &of_labels.items[1]), "kubernetes.io/os In [linux]");
}

Test(requirements, compatible)
{
    static const struct {
        const char *node, *incoming;
        bool strict, well_known;
        const char *key; /* that fails with well-known keys allowed */
    } rows[] = {
        {"", "foo In x", false, false, "foo"},
        {"", "foo Exists", false, false, "foo"},
        {"", "foo NotIn x", true, true, NULL},
        {"", "foo DoesNotExist", true, true, NULL},
        {"", "topology.kubernetes.io/zone In z1", false, true, NULL},
        {"", "kubernetes.io/hostname In n1", false, false, "kubernetes.io/hostname"},
        {"foo NotIn x", "foo In y", true, true, NULL}, /* a NotIn makes the key known */
        {"foo In x", "foo In y", false, false, "foo"},
        {"foo In x", "foo In x y; bar NotIn z", true, true, NULL},
        {"foo DoesNotExist", "foo NotIn x", true, true, NULL}, /* both are content with absence */
        {"foo DoesNotExist", "foo Exists", false, false, "foo"},
        {"a In 1; b In 2", "b In 3; a In 2", false, false, "a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_requirements node = requirements_of(&world, rows[i].node), incoming = requirements_of(&world, rows[i].incoming);
        kerf_name key = NULL;
        cr_expect_eq(kerf_requirements_compatible(world.vocabulary, &node, &incoming, KERF_UNDEFINED_NONE, NULL), rows[i].strict, "%s",
                     rows[i].incoming);
        cr_expect_eq(kerf_requirements_compatible(world.vocabulary, &node, &incoming, KERF_UNDEFINED_WELL_KNOWN, &key),
                     rows[i].well_known, "%s", rows[i].incoming);
        cr_expect_str_eq(kerf_name_text(key), rows[i].key ? rows[i].key : "");
    }
}

/* ---- worked examples 46 and 47 of karpenter-provisioning: an undefined custom label, and one that a pod brought ---- */

Test(requirements, worked_example_47)
{
    struct kerf_requirements claim = {0}, first = requirements_of(&world, "foo NotIn x"), second = requirements_of(&world, "foo In y");
    cr_expect(!kerf_requirements_compatible(world.vocabulary, &claim, &second, KERF_UNDEFINED_WELL_KNOWN, NULL));
    kerf_requirements_add_all(&world.objects.arena, &claim, &first);
    cr_expect(kerf_requirements_compatible(world.vocabulary, &claim, &second, KERF_UNDEFINED_WELL_KNOWN, NULL));
    kerf_requirements_add_all(&world.objects.arena, &claim, &second);
    cr_expect_str_eq(requirement_text(&world, &claim.items[0]), "foo In [y]");
}
