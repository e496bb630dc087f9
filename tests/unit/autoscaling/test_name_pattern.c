/** Patterns of group names: what Go's regular expressions find. */
#include "autoscaling/autoscaling_internal.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

static const struct {
    const char *pattern, *name;
    bool finds;
} rows[] = {
    {".*", "", true},
    {"spot", "ng-spot-1", true},
    {"^spot", "ng-spot-1", false},
    {"-a$", "ng-a", true},
    {"-a$", "ng-ab", false},
    {"^(od|spot)-[a-c]$", "spot-b", true},
    {"^(od|spot)-[a-c]$", "spot-d", false},
    {"a{2,3}b", "xaab", true},
    {"^a{2,3}b", "aaaab", false},
    {"^a{2,3}b", "aaab", true},
    {"^a{2,}b", "aaaaab", true},
    {"^a{2,}b", "ab", false},
    {"^(ab){2}$", "abab", true},
    {"^(ab){2}$", "ababab", false},
    {"^x(a|b)*y$", "xabbay", true},
    {"^x(a|b)+y$", "xy", false},
    {"\\d+", "ng-12", true},
    {"^\\D+$", "ng-12", false},
    {"[^0-9]", "12", false},
    {"[[:alpha:]]", "12a", true},
    {"(?i)SPOT", "ng-spot", true},
    {"(?i:S)pot", "spot", true},
    {"(?i:S)POT", "spot", false},
    {"\\bspot\\b", "ng-spot-1", true},
    {"\\bspot\\b", "ng-spots", false},
    {"a.c", "abc", true},
    {"a\\.c", "abc", false},
    {"", "anything", true},
    {"a|", "b", true},
    {"x*?y", "xxy", true},
    {"[a-]", "-", true},
    {"[]]", "]", true},
    {"{", "a{b", true},
    {"(?P<zone>a|b)$", "ng-b", true},
    {"^(a|b|c|d)?e{0}f$", "cf", true},
};

ParameterizedTestParameters(name_pattern, finds)
{
    static size_t row[sizeof rows / sizeof rows[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        row[i] = i;
    return cr_make_param_array(size_t, row, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(size_t *index, name_pattern, finds)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    const struct name_pattern *pattern = kerf_name_pattern_new(&arena, rows[*index].pattern);
    cr_assert_not_null(pattern, "%s", rows[*index].pattern);
    cr_expect_eq(kerf_name_pattern_finds(pattern, rows[*index].name), rows[*index].finds, "%s in %s", rows[*index].pattern,
                 rows[*index].name);
    kerf_arena_fini(&arena);
}

Test(name_pattern, what_is_none)
{
    static const char *const broken[] = {"*",      "a**",   "(",       "a)", "[a",    "[b-a]", "\\",
                                         "a{3,2}", "(?x)a", "a{2000}", "+",  "(?P<n", "\\1"};
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        cr_expect_null(kerf_name_pattern_new(&arena, broken[i]), "%s", broken[i]);
    kerf_arena_fini(&arena);
}
