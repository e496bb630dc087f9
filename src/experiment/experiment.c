/**
 * Replications write into places of their own; folding begins when all are done.
 */
#include "experiment/experiment.h"

#include "experiment/experiment_internal.h"
#include "kerf/output.h"
#include "sim/sim.h"

#include <errno.h>
#include <stdlib.h>

struct replication {
    struct kerf_metric *metrics;
    size_t metric_count;
    uint64_t trace_hash;
    uint64_t event_count;
    bool livelock;
    kerf_time_us stopped_us;
    char *unwritable; /* the file that could not be written; NULL: none */
    int write_errno;
};

struct work {
    struct kerf_comparison *comparison;
    const struct kerf_experiment_options *options;
    struct replication *replications; /* design x replication */
};

/* ---- files ---------------------------------------------------------------------------------------------------------------------------- */

static const char *const file_names[] = { "events.csv", "series.csv", "nodes.csv" };

enum { FILE_COUNT = 3 };

static char *folder_of(const struct work *work, const char *design, uint32_t number)
{
    struct kerf_text folder = { 0 };
    kerf_text_append_format(&folder, "%s/%s/%03u", work->options->out_folder, design, number);
    return folder.bytes;
}

static void note_failure(struct replication *replication, const char *path)
{
    if (replication->unwritable)
        return;
    replication->write_errno = errno;
    struct kerf_text text = { 0 };
    kerf_text_append(&text, path);
    replication->unwritable = text.bytes;
}

static void open_files(const struct work *work, struct replication *replication, const char *design, uint32_t number,
                       struct kerf_output files[FILE_COUNT])
{
    char *folder = folder_of(work, design, number);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        struct kerf_text path = { 0 };
        kerf_text_append_format(&path, "%s/%s", folder, file_names[i]);
        if (!kerf_output_open(&files[i], path.bytes))
            note_failure(replication, path.bytes);
        kerf_text_fini(&path);
    }
    free(folder);
}

static void close_files(const struct work *work, struct replication *replication, const char *design, uint32_t number,
                        struct kerf_output files[FILE_COUNT])
{
    char *folder = folder_of(work, design, number);
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if (kerf_output_close(&files[i]))
            continue;
        int reason = errno;
        struct kerf_text path = { 0 };
        kerf_text_append_format(&path, "%s/%s", folder, file_names[i]);
        errno = reason;
        note_failure(replication, path.bytes);
        kerf_text_fini(&path);
    }
    free(folder);
}

/** All folders before the first replication: who waits for an hour must not learn then that there is no place for the result. */
static enum kerf_status make_folders(const struct work *work, struct kerf_errors *errs)
{
    const struct kerf_comparison *comparison = work->comparison;
    for (size_t i = 0; i < comparison->design_count; i++)
        for (uint32_t number = 0; number < comparison->replications; number++) {
            char *folder = folder_of(work, comparison->designs[i].name, number);
            bool is_made = kerf_output_make_folder(folder);
            int reason = errno;
            free(folder);
            if (!is_made)
                return kerf_errors_add_io(errs, (struct kerf_place){ .file = work->options->out_folder }, "cannot hold results: %s",
                                          strerror(reason));
        }
    return KERF_OK;
}

/* ---- replications ---------------------------------------------------------------------------------------------------------------------- */

static void run_one(void *context, uint32_t index)
{
    struct work *work = context;
    const struct kerf_comparison *comparison = work->comparison;
    const struct kerf_compared_design *design = &comparison->designs[index / comparison->replications];
    uint32_t number = index % comparison->replications;
    struct replication *replication = &work->replications[index];
    struct kerf_output files[FILE_COUNT] = { 0 };
    if (work->options->out_folder)
        open_files(work, replication, design->name, number, files);
    struct kerf_record_options options = { .events = files[0].stream, .series = files[1].stream, .nodes = files[2].stream };
    struct kerf_sim_outcome outcome;
    kerf_sim_run(design->design, comparison->scenario->seed, number, options, &outcome);
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(outcome.record, &count);
    replication->metrics = kerf_allocate(kerf_array_bytes(count, sizeof *metrics));
    memcpy(replication->metrics, metrics, count * sizeof *metrics);
    replication->metric_count = count;
    replication->trace_hash = kerf_record_trace_hash(outcome.record);
    replication->event_count = outcome.event_count;
    replication->livelock = outcome.livelock;
    replication->stopped_us = outcome.stopped_us;
    kerf_record_free(outcome.record);
    if (work->options->out_folder)
        close_files(work, replication, design->name, number, files);
}

/* ---- folding ------------------------------------------------------------------------------------------------------------------------- */

const struct kerf_compared_metric *kerf_compared_metric_find(const struct kerf_compared_metric *metrics, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    return NULL;
}

static void fold_design(struct work *work, size_t design_index)
{
    struct kerf_comparison *comparison = work->comparison;
    struct kerf_compared_design *design = &comparison->designs[design_index];
    uint32_t count = comparison->replications;
    const struct replication *replications = &work->replications[design_index * count];
    design->metric_count = replications[0].metric_count;
    design->metrics = KERF_NEW_ARRAY(&comparison->arena, struct kerf_compared_metric, design->metric_count);
    for (size_t m = 0; m < design->metric_count; m++) {
        struct kerf_compared_metric *metric = &design->metrics[m];
        memcpy(metric->name, replications[0].metrics[m].name, sizeof metric->name);
        metric->values = KERF_NEW_ARRAY(&comparison->arena, double, count);
        for (uint32_t r = 0; r < count; r++)
            metric->values[r] = replications[r].metrics[m].value;
        metric->interval = kerf_interval_of(metric->values, count, comparison->confidence);
    }
    for (uint32_t r = 0; r < count; r++) {
        design->trace_hash = kerf_hash_mix(design->trace_hash, replications[r].trace_hash);
        design->event_count += replications[r].event_count;
    }
}

/** Dollars that the design saves against the first one for each eviction that it has more; left out where it isn't sure that it has more. */
static void fold_savings(struct kerf_comparison *comparison, struct kerf_compared_design *design)
{
    uint32_t count = comparison->replications;
    const struct kerf_compared_metric *cost = kerf_compared_metric_find(design->differences, design->difference_count, "costUsdPerMonth");
    const struct kerf_compared_metric *evictions = kerf_compared_metric_find(design->differences, design->difference_count, "evictionsPerDay");
    if (!cost || !evictions || evictions->interval.low <= 0)
        return;
    double *saved = KERF_NEW_ARRAY(&comparison->arena, double, count);
    double *more = KERF_NEW_ARRAY(&comparison->arena, double, count);
    for (uint32_t r = 0; r < count; r++) {
        saved[r] = -cost->values[r];
        more[r] = evictions->values[r] * KERF_HOURS_PER_MONTH / 24.0;
    }
    design->differences[design->difference_count++] = (struct kerf_compared_metric){
        .name = "savedUsdPerEviction",
        .interval = kerf_interval_of_ratio(saved, more, count, comparison->confidence),
    };
}

static void fold_differences(struct kerf_comparison *comparison, size_t design_index)
{
    struct kerf_compared_design *design = &comparison->designs[design_index];
    const struct kerf_compared_design *baseline = &comparison->designs[0];
    uint32_t count = comparison->replications;
    design->differences = KERF_NEW_ARRAY(&comparison->arena, struct kerf_compared_metric, design->metric_count + 1);
    for (size_t m = 0; m < design->metric_count; m++) {
        const struct kerf_compared_metric *metric = &design->metrics[m];
        const struct kerf_compared_metric *other = kerf_compared_metric_find(baseline->metrics, baseline->metric_count, metric->name);
        if (!other)
            continue;
        struct kerf_compared_metric *difference = &design->differences[design->difference_count++];
        memcpy(difference->name, metric->name, sizeof difference->name);
        difference->values = KERF_NEW_ARRAY(&comparison->arena, double, count);
        for (uint32_t r = 0; r < count; r++)
            difference->values[r] = metric->values[r] - other->values[r];
        difference->interval = kerf_interval_of_differences(metric->values, other->values, count, comparison->confidence);
    }
    fold_savings(comparison, design);
}

static enum kerf_status report_failures(const struct work *work, struct kerf_errors *errs)
{
    const struct kerf_comparison *comparison = work->comparison;
    for (uint32_t i = 0; i < (uint32_t)work->comparison->design_count * work->comparison->replications; i++) {
        const struct replication *replication = &work->replications[i];
        const struct kerf_compared_design *design = &comparison->designs[i / comparison->replications];
        if (replication->unwritable)
            (void)kerf_errors_add_io(errs, (struct kerf_place){ .file = work->options->out_folder }, "%s could not be written: %s",
                                     replication->unwritable, strerror(replication->write_errno));
        if (replication->livelock)
            (void)kerf_errors_add(errs, (struct kerf_place){ .file = design->scenario->file },
                                  "design \"%s\", replication %u stopped after %" PRId64 " s: its controllers undo one another at one instant",
                                  design->name, i % comparison->replications, replication->stopped_us / KERF_SECOND_US);
    }
    return kerf_errors_status(errs);
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------------------- */

static bool is_taken(const struct kerf_comparison *comparison, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(comparison->designs[i].name, name) == 0)
            return true;
    return false;
}

/** A scenario may be called anything, and designs are folders. */
static const char *folder_name_of(struct kerf_comparison *comparison, const char *name)
{
    char *copy = kerf_arena_text(&comparison->arena, name);
    for (char *c = copy; *c; c++)
        if (*c == '/' || *c == '.' || (unsigned char)*c < 0x20)
            *c = '-';
    return copy;
}

/** Names are unique in one scenario; where several have the same, the scenario's goes before it. */
static const char *unique_name(struct kerf_comparison *comparison, size_t count, const struct kerf_scenario *scenario, const char *name)
{
    if (!is_taken(comparison, count, name))
        return name;
    const char *before = folder_name_of(comparison, scenario->name);
    const char *longer = kerf_arena_format(&comparison->arena, "%s-%s", before, name);
    for (uint32_t number = 2; is_taken(comparison, count, longer); number++)
        longer = kerf_arena_format(&comparison->arena, "%s-%s-%u", before, name, number);
    return longer;
}

static void list_designs(struct kerf_comparison *comparison, const struct kerf_scenario *const *scenarios, size_t scenario_count)
{
    size_t count = 0;
    for (size_t i = 0; i < scenario_count; i++)
        count += scenarios[i]->design_count;
    comparison->designs = KERF_NEW_ARRAY(&comparison->arena, struct kerf_compared_design, count);
    for (size_t i = 0; i < scenario_count; i++)
        for (uint32_t j = 0; j < scenarios[i]->design_count; j++) {
            const struct kerf_design *design = &scenarios[i]->designs[j];
            const char *name = unique_name(comparison, comparison->design_count, scenarios[i], design->name);
            comparison->designs[comparison->design_count++] =
                (struct kerf_compared_design){ .design = design, .scenario = scenarios[i], .name = name };
        }
}

enum kerf_status kerf_experiment_run(const struct kerf_scenario *const *scenarios, size_t scenario_count,
                                     const struct kerf_experiment_options *options, struct kerf_comparison **out_comparison,
                                     struct kerf_errors *errs)
{
    struct kerf_comparison *comparison = kerf_allocate(sizeof *comparison);
    kerf_arena_init(&comparison->arena);
    comparison->scenario = scenarios[0];
    comparison->replications = scenarios[0]->replications;
    comparison->confidence = options->confidence > 0 ? options->confidence : 0.95;
    list_designs(comparison, scenarios, scenario_count);
    struct work work = { .comparison = comparison, .options = options };
    uint32_t total = (uint32_t)comparison->design_count * comparison->replications;
    if (options->out_folder && make_folders(&work, errs) != KERF_OK) {
        kerf_comparison_free(comparison);
        return KERF_E_IO;
    }
    work.replications = kerf_allocate(kerf_array_bytes(total, sizeof *work.replications));
    kerf_experiment_share(total, run_one, &work, options);

    for (size_t i = 0; i < comparison->design_count; i++)
        fold_design(&work, i);
    for (size_t i = 1; i < comparison->design_count; i++)
        fold_differences(comparison, i);
    enum kerf_status status = report_failures(&work, errs);
    for (uint32_t i = 0; i < total; i++) {
        free(work.replications[i].metrics);
        free(work.replications[i].unwritable);
    }
    free(work.replications);
    if (status != KERF_OK) {
        kerf_comparison_free(comparison);
        return status;
    }
    *out_comparison = comparison;
    return KERF_OK;
}

void kerf_comparison_free(struct kerf_comparison *comparison)
{
    if (!comparison)
        return;
    kerf_arena_fini(&comparison->arena);
    free(comparison);
}
