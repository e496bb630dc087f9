/**
 * What designs cost and how long pods waited, side by side: a table for people, JSON and CSV for programs.
 */
#include "document/document.h"
#include "experiment/experiment.h"
#include "kerf/report.h"

/** Rows of the table: one metric, or all that begin with a prefix (ending in a dot). */
static const struct {
    const char *metric;
    const char *label; /* of a prefix: put before what follows it */
    int decimals;
    bool keep_zero; /* show the row also if it is zero in every design */
    const char *only_with; /* a metric: nothing is shown where that one is zero in every design; NULL: always */
} rows[] = {
    { "costUsdPerMonth", "dollars a month", 2, true, NULL },
    { "costUsdPerMonth.tier.", "  tier ", 2, true, NULL },
    { "costUsdPerMonth.capacityType.", "  capacity ", 2, false, NULL },
    { "costUsdPerMonth.cause.", "  for ", 2, false, NULL },
    { "restartCostUsdPerMonth", "work lost in restarts, dollars a month", 2, false, NULL },
    { "costWithRestartsUsdPerMonth", "bill plus restarts", 2, true, "restartCostUsdPerMonth" },
    { "savedUsdPerEviction", "dollars saved for each more eviction", 3, true, NULL },
    { "podWaitSecondsP50", "pod waiting, seconds, p50", 1, true, NULL },
    { "podWaitSecondsP95", "pod waiting, seconds, p95", 1, true, NULL },
    { "podWaitSecondsP99", "pod waiting, seconds, p99", 1, true, NULL },
    { "podWaitSecondsMean", "pod waiting, seconds, mean", 1, true, NULL },
    { "podWaitSecondsMean.phase.", "  of it ", 1, true, NULL },
    { "podsNeverPlaced", "pods never placed (15 min and more)", 1, true, NULL },
    { "podsStartedPerDay", "pods started a day", 1, true, NULL },
    { "evictionsPerDay", "evictions a day", 1, true, NULL },
    { "evictedAgainPerDay", "  again within ten minutes", 1, false, NULL },
    { "podHoursLostPerDay", "  pod hours lost by them a day", 1, false, NULL },
    { "evictionsBlockedPerDay", "evictions blocked a day", 1, false, NULL },
    { "interruptionsPerDay", "Spot interruptions a day", 2, true, NULL },
    { "nodesLostPerDay", "nodes lost under pods a day", 2, false, NULL },
    { "preemptionsPerDay", "preemptions a day", 1, false, NULL },
    { "launchesRefusedPerDay", "launches refused a day", 1, false, NULL },
    { "nodesLaunchedPerDay", "nodes launched a day", 1, true, NULL },
    { "nodesReplacedAlikePerDay", "  in place of one like it", 1, false, NULL },
    { "disruptionsPerDay.method.", "  disrupted by ", 1, false, NULL },
    { "disruptionsFailedPerDay", "disruptions failed a day", 1, false, NULL },
    { "nodeHalfLifeHours", "half-life of nodes, hours", 1, true, NULL },
    { "nodesMean", "nodes, mean", 1, true, NULL },
    { "nodesPeak", "nodes, peak", 1, true, NULL },
    { "vcpusMean", "vCPU, mean", 1, true, NULL },
    { "vcpusPeak", "vCPU, peak", 1, true, NULL },
    { "podsRunningMean", "pods running, mean", 1, true, NULL },
    { "podsRunningPeak", "pods running, peak", 1, true, NULL },
    { "subnetAddressesPeak", "addresses of the fullest subnet, peak", 1, true, NULL },
    { "subnetAddressesPeak.subnet.", "  subnet ", 1, true, NULL },
    { "subnetsExhausted", "subnets that ran out", 1, true, NULL },
    { "subnetExhaustedAfterDays", "days until one ran out (or the end)", 2, true, NULL },
    { "addressesRefusedPerDay", "addresses refused a day", 1, false, NULL },
    { "addressesRefusedPerDay.error.", "  ", 1, false, NULL },
    { "launchesWithoutAddressPerDay", "launches refused by a full subnet a day", 1, false, NULL },
    { "podsWithoutAddressPerDay", "pods without an address a day", 1, false, NULL },
    { "failedCreatePodSandBoxPerDay", "FailedCreatePodSandBox a day", 1, false, NULL },
    { "ec2CallsPerHour", "EC2 calls of the CNI an hour", 1, true, NULL },
    { "ec2CallsThrottledPerHour", "  throttled", 1, false, NULL },
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0], CELL_BYTES = 48, LABEL_BYTES = 112 };

struct table {
    const struct kerf_comparison *comparison;
    FILE *stream;
    int label_width;
    int cell_width;
    size_t first_design;
    bool differences;
};

static const struct kerf_compared_metric *metric_of(const struct table *table, size_t design_index, const char *name)
{
    const struct kerf_compared_design *design = &table->comparison->designs[design_index];
    return table->differences ? kerf_compared_metric_find(design->differences, design->difference_count, name)
                              : kerf_compared_metric_find(design->metrics, design->metric_count, name);
}

static void format_cell(char cell[CELL_BYTES], const struct kerf_compared_metric *metric, int decimals, bool with_sign)
{
    if (!metric) {
        snprintf(cell, CELL_BYTES, "-");
        return;
    }
    const struct kerf_interval *interval = &metric->interval;
    double half_unit = decimals >= 3 ? 0.0005 : decimals == 2 ? 0.005 : 0.05;
    double mean = interval->mean > -half_unit && interval->mean < half_unit ? 0.0 : interval->mean; /* no minus before a zero */
    if (interval->known)
        snprintf(cell, CELL_BYTES, with_sign ? "%+.*f +-%.*f" : "%.*f +-%.*f", decimals, mean, decimals, (interval->high - interval->low) / 2);
    else
        snprintf(cell, CELL_BYTES, with_sign ? "%+.*f" : "%.*f", decimals, mean);
}

static bool is_zero_everywhere(const struct table *table, const char *name)
{
    for (size_t d = table->first_design; d < table->comparison->design_count; d++) {
        const struct kerf_compared_metric *metric = metric_of(table, d, name);
        if (metric && (metric->interval.low != 0.0 || metric->interval.high != 0.0))
            return false;
    }
    return true;
}

static void print_row(const struct table *table, const char *name, const char *label, int decimals, bool keep_zero)
{
    bool seen = false;
    for (size_t d = table->first_design; d < table->comparison->design_count; d++) {
        const struct kerf_compared_metric *metric = metric_of(table, d, name);
        if (metric && (keep_zero || metric->interval.low != 0.0 || metric->interval.high != 0.0))
            seen = true;
    }
    if (!seen)
        return;
    fprintf(table->stream, "%-*s", table->label_width, label);
    for (size_t d = table->first_design; d < table->comparison->design_count; d++) {
        char cell[CELL_BYTES];
        format_cell(cell, metric_of(table, d, name), decimals, table->differences);
        fprintf(table->stream, " %*s", table->cell_width, cell);
    }
    fputc('\n', table->stream);
}

/** All names with the prefix, in the order in which designs bring them. */
static void print_rows_of_prefix(const struct table *table, size_t row)
{
    const struct kerf_comparison *comparison = table->comparison;
    size_t length = strlen(rows[row].metric);
    for (size_t d = table->first_design; d < comparison->design_count; d++) {
        const struct kerf_compared_design *design = &comparison->designs[d];
        for (size_t m = 0; m < design->metric_count; m++) {
            const char *name = design->metrics[m].name;
            if (strncmp(name, rows[row].metric, length) != 0)
                continue;
            bool printed = false;
            for (size_t earlier = table->first_design; earlier < d && !printed; earlier++)
                printed = kerf_compared_metric_find(comparison->designs[earlier].metrics, comparison->designs[earlier].metric_count, name) != NULL;
            if (printed)
                continue;
            char label[LABEL_BYTES];
            snprintf(label, sizeof label, "%s%s", rows[row].label, name + length);
            print_row(table, name, label, rows[row].decimals, rows[row].keep_zero);
        }
    }
}

static void print_table(const struct table *table)
{
    fprintf(table->stream, "%-*s", table->label_width, table->differences ? "difference to" : "");
    for (size_t d = table->first_design; d < table->comparison->design_count; d++)
        fprintf(table->stream, " %*s", table->cell_width, table->comparison->designs[d].name);
    fputc('\n', table->stream);
    if (table->differences)
        fprintf(table->stream, "  %s\n", table->comparison->designs[0].name);
    for (size_t row = 0; row < ROW_COUNT; row++) {
        size_t length = strlen(rows[row].metric);
        if (rows[row].metric[length - 1] == '.')
            print_rows_of_prefix(table, row);
        else if (!rows[row].only_with || !is_zero_everywhere(table, rows[row].only_with))
            print_row(table, rows[row].metric, rows[row].label, rows[row].decimals, rows[row].keep_zero);
    }
}

static void set_widths(struct table *table)
{
    table->label_width = 38;
    table->cell_width = 12;
    for (size_t d = 0; d < table->comparison->design_count; d++) {
        const struct kerf_compared_design *design = &table->comparison->designs[d];
        int name_width = (int)strlen(design->name);
        table->cell_width = name_width > table->cell_width ? name_width : table->cell_width;
        for (size_t m = 0; m < design->metric_count; m++) {
            char cell[CELL_BYTES];
            format_cell(cell, &design->metrics[m], 2, true);
            int width = (int)strlen(cell);
            table->cell_width = width > table->cell_width ? width : table->cell_width;
        }
    }
}

static void print_heading(const struct kerf_comparison *comparison, FILE *stream)
{
    const struct kerf_scenario *scenario = comparison->scenario;
    const struct kerf_design *design = comparison->designs[0].design;
    if (scenario->question)
        fprintf(stream, "%s\n\n", scenario->question);
    char horizon[KERF_TIME_TEXT_BYTES];
    char warm_up[KERF_TIME_TEXT_BYTES];
    fprintf(stream, "%s: %u replication%s of %s (the first %s are warm-up), seed %" PRIu64 ", %s\n", scenario->name, comparison->replications,
            comparison->replications == 1 ? "" : "s", kerf_format_duration(horizon, design->horizon_us),
            kerf_format_duration(warm_up, design->warm_up_us), scenario->seed, kerf_name_text(kerf_catalog_region(design->catalog)));
    fprintf(stream, "prices: %s\n", kerf_catalog_snapshot(design->catalog));
    if (comparison->replications > 1)
        fprintf(stream, "+- is half of a %.0f %% confidence interval over replications\n", comparison->confidence * 100);
    fputc('\n', stream);
}

/* ---- JSON and CSV --------------------------------------------------------------------------------------------------------------------- */

/** `replications`: of each value, so that others can pair designs as they like; 0: only the interval. */
static void write_metrics(struct kerf_json *json, const struct kerf_compared_metric *metrics, size_t count, uint32_t replications)
{
    kerf_json_key(json, "metrics");
    kerf_json_begin_map(json);
    for (size_t m = 0; m < count; m++) {
        kerf_json_key(json, metrics[m].name);
        kerf_json_begin_map_in_line(json);
        kerf_json_put_double(json, "mean", metrics[m].interval.mean);
        kerf_json_put_double(json, "low", metrics[m].interval.low);
        kerf_json_put_double(json, "high", metrics[m].interval.high);
        if (replications > 0) {
            kerf_json_key(json, "values");
            kerf_json_begin_list_in_line(json);
            for (uint32_t r = 0; r < replications; r++)
                kerf_json_double(json, metrics[m].values[r]);
            kerf_json_end_list(json);
        }
        kerf_json_end_map(json);
    }
    kerf_json_end_map(json);
}

static void write_inputs(struct kerf_json *json, const struct kerf_comparison *comparison)
{
    const struct kerf_design *design = comparison->designs[0].design;
    kerf_json_put_text(json, "scenario", comparison->scenario->name);
    kerf_json_key(json, "seed");
    kerf_json_u64(json, comparison->scenario->seed);
    kerf_json_put_i64(json, "replications", comparison->replications);
    kerf_json_put_double(json, "confidence", comparison->confidence);
    kerf_json_put_text(json, "version", KERF_VERSION);
    kerf_json_put_text(json, "region", kerf_name_text(kerf_catalog_region(design->catalog)));
    kerf_json_put_text(json, "prices", kerf_catalog_snapshot(design->catalog));
}

static void write_design(struct kerf_json *json, const struct kerf_compared_design *design, uint32_t replications)
{
    kerf_json_put_text(json, "name", design->name);
    kerf_json_key(json, "traceHash");
    kerf_json_format(json, "%016" PRIx64, design->trace_hash);
    kerf_json_key(json, "events");
    kerf_json_u64(json, design->event_count);
    write_metrics(json, design->metrics, design->metric_count, replications);
}

static void write_json(const struct kerf_comparison *comparison, const char *schema, FILE *stream)
{
    struct kerf_json json;
    kerf_json_init(&json, stream, 2);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "schema", schema);
    write_inputs(&json, comparison);
    kerf_json_key(&json, "designs");
    kerf_json_begin_list(&json);
    for (size_t d = 0; d < comparison->design_count; d++) {
        kerf_json_begin_map(&json);
        write_design(&json, &comparison->designs[d], comparison->replications);
        kerf_json_end_map(&json);
    }
    kerf_json_end_list(&json);
    kerf_json_key(&json, "differences");
    kerf_json_begin_list(&json);
    for (size_t d = 1; d < comparison->design_count; d++) {
        kerf_json_begin_map(&json);
        kerf_json_put_text(&json, "design", comparison->designs[d].name);
        kerf_json_put_text(&json, "baseline", comparison->designs[0].name);
        write_metrics(&json, comparison->designs[d].differences, comparison->designs[d].difference_count, 0);
        kerf_json_end_map(&json);
    }
    kerf_json_end_list(&json);
    kerf_json_end_map(&json);
    enum kerf_status ignored = kerf_json_finish(&json); /* the stream remembers; the program looks at it before it ends */
    (void)ignored;
    kerf_json_fini(&json);
}

static void write_csv(const struct kerf_comparison *comparison, FILE *stream)
{
    fputs("design,baseline,metric,mean,low,high\n", stream);
    for (size_t d = 0; d < comparison->design_count; d++) {
        const struct kerf_compared_design *design = &comparison->designs[d];
        for (size_t m = 0; m < design->metric_count; m++)
            fprintf(stream, "%s,,%s,%.9g,%.9g,%.9g\n", design->name, design->metrics[m].name, design->metrics[m].interval.mean,
                    design->metrics[m].interval.low, design->metrics[m].interval.high);
        for (size_t m = 0; m < design->difference_count; m++)
            fprintf(stream, "%s,%s,%s,%.9g,%.9g,%.9g\n", design->name, comparison->designs[0].name, design->differences[m].name,
                    design->differences[m].interval.mean, design->differences[m].interval.low, design->differences[m].interval.high);
    }
}

void kerf_report_comparison(const struct kerf_comparison *comparison, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON) {
        write_json(comparison, "kerf.compare/v1", stream);
        return;
    }
    if (format == KERF_AS_CSV) {
        write_csv(comparison, stream);
        return;
    }
    print_heading(comparison, stream);
    struct table table = { .comparison = comparison, .stream = stream };
    set_widths(&table);
    print_table(&table);
    if (comparison->design_count > 1) {
        fputc('\n', stream);
        table.differences = true;
        table.first_design = 1;
        print_table(&table);
    }
}

void kerf_report_run(const struct kerf_comparison *comparison, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_TEXT)
        kerf_report_comparison(comparison, format, stream);
    else if (format == KERF_AS_CSV)
        write_csv(comparison, stream);
    else
        write_json(comparison, "kerf.run/v1", stream);
}
