#include "cli/run_options.h"

#include "kerf/output.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/** A line on a terminal for anything over a second; results go to another stream. */
struct progress {
    time_t started;
    bool shown;
};

static void show_progress(void *context, uint32_t done, uint32_t total)
{
    struct progress *progress = context;
    if (!isatty(STDERR_FILENO) || (time(NULL) - progress->started < 1 && !progress->shown))
        return;
    progress->shown = true;
    fprintf(stderr, done < total ? "\r%u of %u replications" : "\r\033[K", done, total);
    fflush(stderr);
}

static void set_summary_path(const struct kerf_run_arguments *arguments, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/summary.json", arguments->out_folder);
}

static enum kerf_status write_summary(const struct kerf_run_arguments *arguments, const struct kerf_comparison *comparison,
                                      struct kerf_errors *errs)
{
    char path[PATH_MAX];
    struct kerf_output output;
    set_summary_path(arguments, path);
    if (kerf_output_open(&output, path)) {
        kerf_report_comparison(comparison, KERF_AS_JSON, output.stream);
        if (kerf_output_close(&output))
            return KERF_OK;
    }
    return kerf_errors_add_io(errs, (struct kerf_place){ .file = arguments->out_folder }, "summary.json could not be written: %s",
                              strerror(errno));
}

/** The summary of an earlier run goes before the first file changes: where there is one, it is of what lies beside it. */
static enum kerf_status prepare_folder(const struct kerf_run_arguments *arguments, struct kerf_errors *errs)
{
    struct kerf_place place = { .file = *arguments->out_folder ? arguments->out_folder : "--out" };
    if (strlen(arguments->out_folder) > PATH_MAX / 2)
        return kerf_errors_add_io(errs, place, "cannot hold results: %s", strerror(ENAMETOOLONG));
    if (!kerf_output_make_folder(arguments->out_folder))
        return kerf_errors_add_io(errs, place, "cannot hold results: %s", strerror(errno));
    char path[PATH_MAX];
    set_summary_path(arguments, path);
    if (unlink(path) != 0 && errno != ENOENT)
        return kerf_errors_add_io(errs, place, "the summary.json that is there cannot be removed: %s", strerror(errno));
    return KERF_OK;
}

enum kerf_status kerf_run_scenarios(const struct kerf_run_arguments *arguments, char *const *paths, size_t path_count,
                                    struct kerf_run_work *out_work, struct kerf_errors *errs)
{
    struct kerf_scenario_overrides overrides = arguments->overrides;
    overrides.designs = arguments->designs.items;
    overrides.design_count = arguments->designs.count;
    overrides.only_first_design = arguments->only_first;
    out_work->scenarios = calloc(path_count, sizeof *out_work->scenarios);
    enum kerf_status status = KERF_OK;
    for (size_t i = 0; i < path_count && out_work->scenarios; i++) {
        enum kerf_status read = kerf_scenario_read(paths[i], &overrides, &out_work->scenarios[out_work->scenario_count], errs);
        if (read == KERF_OK)
            out_work->scenario_count++;
        else
            status = read;
    }
    KERF_TRY(status);
    if (arguments->out_folder)
        KERF_TRY(prepare_folder(arguments, errs));
    struct progress progress = { .started = time(NULL) };
    struct kerf_experiment_options options = {
        .threads = (uint32_t)arguments->threads,
        .out_folder = arguments->out_folder,
        .progress = show_progress,
        .progress_context = &progress,
    };
    KERF_TRY(kerf_experiment_run((const struct kerf_scenario *const *)out_work->scenarios, out_work->scenario_count, &options,
                                 &out_work->comparison, errs));
    return arguments->out_folder ? write_summary(arguments, out_work->comparison, errs) : KERF_OK;
}

void kerf_run_work_free(struct kerf_run_work *work)
{
    kerf_comparison_free(work->comparison);
    for (size_t i = 0; i < work->scenario_count; i++)
        kerf_scenario_free(work->scenarios[i]);
    free(work->scenarios);
}
