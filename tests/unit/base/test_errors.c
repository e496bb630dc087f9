#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

/** What kerf_errors_print writes; freed by the caller. */
static char *printed(struct kerf_errors *errs)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    kerf_errors_print(errs, stream);
    fclose(stream);
    return text;
}

static void expect_printed(struct kerf_errors *errs, const char *want)
{
    char *text = printed(errs);
    cr_expect_str_eq(text, want);
    free(text);
}

Test(errors, leave_out_what_is_unknown)
{
    struct kerf_errors *errs = kerf_errors_new();
    cr_expect_eq(kerf_errors_add(errs, (struct kerf_place){"a.yaml", 14, 21, "spec.cpu"}, "\"%s\" is no number", "4oo"),
                 KERF_E_INPUT);
    kerf_errors_add(errs, (struct kerf_place){"a.yaml", 14, 0, NULL}, "b");
    kerf_errors_add(errs, (struct kerf_place){"a.yaml", 0, 0, ""}, "c");
    kerf_errors_add(errs, (struct kerf_place){NULL, 3, 4, "spec"}, "d");
    kerf_errors_add(errs, (struct kerf_place){0}, "e");
    expect_printed(errs, "a.yaml:14:21: spec.cpu: \"4oo\" is no number\n"
                         "a.yaml:14: b\n"
                         "a.yaml: c\n"
                         "spec: d\n"
                         "e\n");
    kerf_errors_free(errs);
    kerf_errors_free(NULL);
}

Test(errors, keep_their_order_and_forget_printed_warnings)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_place place = {"f", 1, 2, NULL};
    kerf_errors_warn(errs, place, "first");
    kerf_errors_add(errs, place, "second");
    kerf_errors_warn(errs, place, "third");
    kerf_errors_warn(errs, place, "first");
    cr_expect_eq(kerf_warnings_count(errs), 2);
    cr_expect_eq(kerf_errors_count(errs), 1);
    expect_printed(errs, "warning: f:1:2: first\nf:1:2: second\nwarning: f:1:2: third\n");
    cr_expect_eq(kerf_warnings_count(errs), 0);
    expect_printed(errs, "f:1:2: second\n");
    kerf_errors_free(errs);
}

Test(errors, have_a_bound)
{
    struct kerf_errors *errs = kerf_errors_new();
    for (int i = 0; i < 60; i++)
        kerf_errors_add(errs, (struct kerf_place){0}, "error %d", i);
    for (int i = 0; i < 60; i++)
        kerf_errors_warn(errs, (struct kerf_place){0}, "warning %d", i);
    cr_expect_eq(kerf_errors_count(errs), 60);
    cr_expect_eq(kerf_warnings_count(errs), 60);
    char *text = printed(errs);
    cr_expect_not_null(strstr(text, "error 49\n"));
    cr_expect_null(strstr(text, "error 50\n"));
    cr_expect_not_null(strstr(text, "and 10 more errors\n"));
    cr_expect_not_null(strstr(text, "and 10 more warnings\n"));
    free(text);
    kerf_errors_free(errs);
}

Test(errors, are_one_line_whatever_they_hold)
{
    struct kerf_errors *errs = kerf_errors_new();
    kerf_errors_add(errs, (struct kerf_place){.file = "a\nb"}, "\"%s\"", "x\ny\x1b[31m\t\xc3\xa9");
    kerf_errors_add(errs, (struct kerf_place){0}, "%s", "\xc2\x9b" "31m \xc2\xa0");
    expect_printed(errs, "a\\nb: \"x\\ny\\x1b[31m\\t\xc3\xa9\"\n"
                         "\\x9b31m \xc2\xa0\n");
    kerf_errors_free(errs);
}

Test(errors, keep_the_two_ends_of_a_text_too_long)
{
    enum { LENGTH = 300000 };
    char *long_text = kerf_allocate(LENGTH + 1);
    for (size_t i = 0; i < LENGTH; i += 3)
        memcpy(long_text + i, "\xe2\x82\xac", 3); /* no character is cut in two */
    for (size_t shift = 0; shift < 3; shift++) {
        struct kerf_errors *errs = kerf_errors_new();
        kerf_errors_add(errs, (struct kerf_place){.file = "a", .line = 7, .path = long_text}, "%.*s%s is no key", (int)shift, "xy", long_text);
        char *text = printed(errs);
        cr_expect_leq(strlen(text), 2010);
        cr_expect_eq(strncmp(text, "a:7: \xe2\x82\xac", 8), 0);
        cr_expect_not_null(strstr(text, "\xe2\x82\xac ... \xe2\x82\xac"));
        cr_expect_str_eq(text + strlen(text) - 11, " is no key\n");
        free(text);
        kerf_errors_free(errs);
    }
    free(long_text);
}

Test(errors, the_worst_gives_the_status)
{
    struct kerf_errors *errs = kerf_errors_new();
    cr_expect_eq(kerf_errors_status(errs), KERF_OK);
    kerf_errors_warn(errs, (struct kerf_place){0}, "w");
    cr_expect_eq(kerf_errors_status(errs), KERF_OK);
    kerf_errors_add(errs, (struct kerf_place){0}, "e");
    cr_expect_eq(kerf_errors_status(errs), KERF_E_INPUT);
    cr_expect_eq(kerf_errors_add_io(errs, (struct kerf_place){0}, "io"), KERF_E_IO);
    kerf_errors_add(errs, (struct kerf_place){0}, "e");
    cr_expect_eq(kerf_errors_status(errs), KERF_E_IO);
    kerf_errors_free(errs);
}

Test(assert, ends_the_process, .signal = SIGABRT)
{
    static const kerf_time_us now_us = 5;
    static const struct kerf_run_context context = {.seed = 1, .replication = 2, .design = "a", .now_us = &now_us};
    kerf_set_run_context(&context);
    KERF_ASSERT(1 + 1 == 3);
}

Test(assert, true_conditions_cost_nothing)
{
    int calls = 0;
    KERF_ASSERT(++calls == 1);
    cr_expect_eq(calls, 1);
}
