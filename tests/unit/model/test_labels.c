/** Labels, label selectors and node selector terms. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(labels, .init = set_up, .fini = tear_down);

Test(labels, sorted_and_merged)
{
    struct kerf_labels under = labels_of(&world, "b=1, a=1, b=2"), over = labels_of(&world, "c=3, b=3");
    cr_assert_eq(under.count, 2);
    cr_expect_str_eq(kerf_labels_get(&under, name_of(&world, "b"))->text, "2"); /* the later one */
    struct kerf_labels merged = kerf_labels_merge(&world.objects.arena, &under, &over);
    cr_assert_eq(merged.count, 3);
    cr_expect_str_eq(merged.items[0].key->text, "a");
    cr_expect_str_eq(merged.items[1].value->text, "3");
    cr_expect_null(kerf_labels_get(&merged, name_of(&world, "d")));
}

Test(labels, expressions)
{
    static const struct {
        const char *expression, *labels;
        bool want;
    } rows[] = {
        {"k In a b", "k=b", true},     {"k In a b", "", false},       {"k NotIn a", "", true},        {"k NotIn a", "k=a", false},
        {"k Exists", "k=", true},      {"k Exists", "", false},       {"k DoesNotExist", "", true},   {"k DoesNotExist", "k=a", false},
        {"k Gt 4", "k=5", true},       {"k Gt 4", "k=4", false},      {"k Gt 4", "", false},          {"k Gt 4", "k=x", false},
        {"k Lt 4", "k=-5", true},      {"k Lt x", "k=1", false},      {"k Gte 4", "k=4", true},       {"k Lte 4", "k=5", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_expression expression = expression_of(&world, rows[i].expression);
        struct kerf_labels labels = labels_of(&world, rows[i].labels);
        cr_expect_eq(kerf_expression_matches(&expression, &labels), rows[i].want, "%s on {%s}", rows[i].expression, rows[i].labels);
    }
}

static struct kerf_label_selector selector_of(const char *first, const char *second)
{
    struct kerf_expression *items = KERF_NEW_ARRAY(&world.objects.arena, struct kerf_expression, 2);
    size_t count = 0;
    if (first)
        items[count++] = expression_of(&world, first);
    if (second)
        items[count++] = expression_of(&world, second);
    return (struct kerf_label_selector){.present = true, .expressions = {items, count}};
}

Test(labels, selectors)
{
    struct kerf_labels labels = labels_of(&world, "app=web, tier=x");
    struct kerf_label_selector absent = {0}, all = selector_of(NULL, NULL), both = selector_of("app In web", "tier Exists");
    struct kerf_label_selector turned = selector_of("tier Exists", "app In web"), other = selector_of("app In db", "tier Exists");
    cr_expect(!kerf_label_selector_matches(&absent, &labels));
    cr_expect(kerf_label_selector_matches(&all, &labels));
    cr_expect(kerf_label_selector_matches(&both, &labels));
    cr_expect(!kerf_label_selector_matches(&other, &labels));
    cr_expect(kerf_label_selector_equal(&both, &turned));
    cr_expect(!kerf_label_selector_equal(&both, &other));
    cr_expect(!kerf_label_selector_equal(&all, &absent));
    both.invalid = true;
    cr_expect(!kerf_label_selector_matches(&both, &labels));
}

Test(labels, node_terms)
{
    struct kerf_labels labels = labels_of(&world, "zone=a");
    struct kerf_expression zone = expression_of(&world, "zone In a"), name = expression_of(&world, "metadata.name In n1");
    struct kerf_node_selector_term empty = {0}, by_label = {.match_expressions = {&zone, 1}},
                                   both = {.match_expressions = {&zone, 1}, .match_fields = {&name, 1}};
    cr_expect(!kerf_node_selector_term_matches(&empty, &labels, name_of(&world, "n1")));
    cr_expect(kerf_node_selector_term_matches(&by_label, &labels, name_of(&world, "n2")));
    cr_expect(kerf_node_selector_term_matches(&both, &labels, name_of(&world, "n1")));
    cr_expect(!kerf_node_selector_term_matches(&both, &labels, name_of(&world, "n2")));
}
