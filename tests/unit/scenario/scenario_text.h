/** Scenarios as texts, read as if they lay beside the manifests of this folder; errors as texts. */
#ifndef SCENARIO_TEXT_H
#define SCENARIO_TEXT_H

#include "scenario/scenario.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define SCENARIO_HEAD "apiVersion: kerf/v1alpha1\nkind: Scenario\n"
#define SCENARIO_MANIFESTS "manifests: [manifests/workloads.yaml, manifests/pool.yaml]\n"

/** What the list holds, one message a line; the caller's. */
static inline char *errors_text(struct kerf_errors *errs)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    kerf_errors_print(errs, stream);
    fclose(stream);
    return bytes;
}

/** NULL when it was refused; `out_errors` NULL: there must be no message at all. */
static inline struct kerf_scenario *read_scenario_with(const char *text, const struct kerf_scenario_overrides *overrides, char **out_errors)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_scenario *scenario = NULL;
    enum kerf_status status = kerf_scenario_read_text("tests/unit/scenario/t.yaml", text, strlen(text), overrides, &scenario, errs);
    cr_expect_eq(status == KERF_OK, scenario != NULL);
    char *errors = errors_text(errs);
    if (out_errors)
        *out_errors = errors;
    else {
        cr_expect_str_eq(errors, "");
        free(errors);
    }
    kerf_errors_free(errs);
    return scenario;
}

static inline struct kerf_scenario *read_scenario(const char *text) { return read_scenario_with(text, NULL, NULL); }

#endif
