#include "base/base.h"

#include <criterion/criterion.h>

Test(names, equal_texts_are_one_pointer)
{
    struct kerf_names *names = kerf_names_new(NULL);
    char text[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            snprintf(text, sizeof text, "node-%d", i);
            kerf_name name = kerf_name_of(names, text);
            cr_assert_eq(name, kerf_name_format(names, "node-%d", i));
            cr_assert_eq(name, kerf_name_find(names, text));
            cr_assert_str_eq(name->text, text);
            cr_assert_eq(name->length, strlen(text));
        }
    }
    kerf_names_free(names);
}

Test(names, a_child_sees_its_parents_names_and_keeps_its_own)
{
    struct kerf_names *parent = kerf_names_new(NULL);
    kerf_name common = kerf_name_of(parent, "zone");
    struct kerf_names *one = kerf_names_new(parent), *other = kerf_names_new(parent);
    cr_expect_eq(kerf_name_of(one, "zone"), common);
    cr_expect_eq(kerf_name_of(other, "zone"), common);
    kerf_name_of(one, "mine");
    cr_expect_null(kerf_name_find(other, "mine"));
    cr_expect_null(kerf_name_find(parent, "mine"));
    cr_expect_not_null(kerf_name_find(one, "mine"));
    kerf_names_free(one);
    kerf_names_free(other);
    kerf_names_free(parent);
    kerf_names_free(NULL);
}

Test(names, absent_and_empty_differ)
{
    struct kerf_names *names = kerf_names_new(NULL);
    cr_expect_null(kerf_name_of(names, NULL));
    cr_expect_null(kerf_name_find(names, NULL));
    cr_expect_not_null(kerf_name_of(names, ""));
    cr_expect_str_eq(kerf_name_text(NULL), "");
    cr_expect_not(kerf_name_is(NULL, ""));
    cr_expect(kerf_name_is(kerf_name_of(names, ""), ""));
    kerf_names_free(names);
}

Test(names, order_is_that_of_bytes)
{
    struct kerf_names *names = kerf_names_new(NULL);
    static const char *const ordered[] = {NULL, "", "A", "AA", "B", "a", "a-", "a-1", "\xc3\xa9"};
    enum { COUNT = sizeof ordered / sizeof ordered[0] };
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            cr_expect_eq(kerf_name_compare(kerf_name_of(names, ordered[i]), kerf_name_of(names, ordered[j])), (i > j) - (i < j));
    kerf_names_free(names);
}

Test(names, a_long_formatted_name_is_kept_whole)
{
    struct kerf_names *names = kerf_names_new(NULL);
    kerf_name name = kerf_name_format(names, "%01000d", 7);
    cr_expect_eq(name->length, 1000);
    cr_expect_eq(strlen(name->text), 1000);
    cr_expect_eq(name, kerf_name_of_bytes(names, name->text, 1000));
    kerf_names_free(names);
}

Test(names, the_hash_follows_from_the_text_alone)
{
    struct kerf_names *one = kerf_names_new(NULL), *other = kerf_names_new(NULL);
    kerf_name_of(other, "something else");
    cr_expect_eq(kerf_name_of(one, "m5.large")->hash, kerf_name_of(other, "m5.large")->hash);
    kerf_names_free(one);
    kerf_names_free(other);
}
