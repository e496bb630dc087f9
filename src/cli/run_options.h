/**
 * run_options: what `kerf run` and `kerf compare` share: their options, the progress line, and the way from files to a comparison.
 */
#ifndef KERF_CLI_RUN_OPTIONS_H
#define KERF_CLI_RUN_OPTIONS_H

#include "cli/options.h"
#include "kerf/report.h"

struct kerf_run_arguments {
    struct kerf_scenario_overrides overrides;
    struct kerf_option_list designs;
    int64_t threads;
    const char *out_folder;
    bool only_first; /* without --design: the scenario's first */
    int format;
};

#define KERF_RUN_ROWS(arguments)                                                                                                  \
    {.name = "design", .kind = KERF_OPTION_LIST, .argument = "NAME", .value = &(arguments)->designs,                              \
     .help = "only this design; may be repeated"},                                                                                \
        {.name = "seed", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &(arguments)->overrides.seed,                        \
         .help = "another seed than the scenario's"},                                                                             \
        {.name = "replications", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &(arguments)->overrides.replications,        \
         .help = "another number of replications than the scenario's"},                                                           \
        {.name = "horizon", .kind = KERF_OPTION_TEXT, .argument = "DURATION", .value = &(arguments)->overrides.horizon,           \
         .help = "another simulated time than the scenario's, for example 48h"},                                                  \
        {.name = "warm-up", .kind = KERF_OPTION_TEXT, .argument = "DURATION", .value = &(arguments)->overrides.warm_up,           \
         .help = "another warm-up than the scenario's"},                                                                          \
        {.name = "catalog", .kind = KERF_OPTION_TEXT, .argument = "DIR", .value = &(arguments)->overrides.catalog_folder,         \
         .help = "folder of CSV files instead of the built-in catalogue"},                                                        \
        {.name = "region", .kind = KERF_OPTION_TEXT, .argument = "REGION", .value = &(arguments)->overrides.region,               \
         .help = "another region than the scenario's"},                                                                           \
        {.name = "threads", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &(arguments)->threads,                           \
         .help = "threads (default: the processors); never changes a result"},                                                    \
    {                                                                                                                             \
        .name = "out", .kind = KERF_OPTION_TEXT, .argument = "DIR", .value = &(arguments)->out_folder,                            \
        .help = "keep events, series and bills as CSV and the summary as JSON there"                                              \
    }

/** Scenarios that were read, and what came of running them. All zero is nothing. */
struct kerf_run_work {
    struct kerf_scenario **scenarios;
    size_t scenario_count;
    struct kerf_comparison *comparison;
};

/** Reads, runs, and writes `summary.json` under --out. */
enum kerf_status kerf_run_scenarios(const struct kerf_run_arguments *arguments, char *const *paths, size_t path_count,
                                    struct kerf_run_work *out_work, struct kerf_errors *errs);
void kerf_run_work_free(struct kerf_run_work *work);

#endif
