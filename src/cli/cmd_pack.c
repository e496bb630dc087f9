/**
 * kerf pack: bin packing alone. Items and priced bins to a packing, its cost, a proven lower bound, and the gap between them
 * split over the bins.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binpack/binpack.h"
#include "cli/command.h"
#include "cli/options.h"
#include "kerf/pack_input.h"

static const char command[] = "kerf pack";

/* ---- the problem, solved ---------------------------------------------------------------------------------------------- */

struct packing {
    struct binpack_input input;
    struct binpack_bin_type *bin_types;
    struct binpack_item_class *item_classes;
    void *memory;
    struct binpack_bound bound;
    struct binpack_plan plan;
    int64_t kerf_unopened;
};

static void packing_fini(struct packing *packing)
{
    free(packing->bin_types);
    free(packing->item_classes);
    free(packing->memory);
}

static bool packing_init(struct packing *packing, const struct kerf_pack_input *read)
{
    *packing = (struct packing){.bin_types = calloc(read->bin_count + 1, sizeof *packing->bin_types),
                                .item_classes = calloc(read->item_count + 1, sizeof *packing->item_classes)};
    if (packing->bin_types == NULL || packing->item_classes == NULL)
        return false;
    for (size_t t = 0; t < read->bin_count; t++)
        packing->bin_types[t] = (struct binpack_bin_type){.capacity = read->bin_capacities + t * read->resource_count,
                                                          .price = read->bin_prices[t],
                                                          .limit = read->bin_limits[t]};
    for (size_t c = 0; c < read->item_count; c++)
        packing->item_classes[c] =
            (struct binpack_item_class){.demand = read->item_demands + c * read->resource_count, .count = read->item_counts[c]};
    packing->input = (struct binpack_input){.resource_count = read->resource_count,
                                            .bin_types = packing->bin_types,
                                            .bin_type_count = read->bin_count,
                                            .item_classes = packing->item_classes,
                                            .item_class_count = read->item_count};
    return true;
}

/* In one piece of memory; false with BINPACK_OUT_OF_SPACE when twice as much may do. */
static enum binpack_outcome solve_in(struct packing *packing, size_t memory_bytes, const struct binpack_options *options,
                                     struct binpack_fault *out_fault)
{
    struct binpack_problem *problem;
    enum binpack_outcome outcome = binpack_problem_new(&packing->input, packing->memory, memory_bytes, &problem, out_fault);
    if (outcome == BINPACK_OK)
        outcome = binpack_bound_find(problem, &packing->bound);
    if (outcome != BINPACK_OK)
        return outcome;
    outcome = binpack_solve(problem, options, &packing->plan);
    if (outcome != BINPACK_E_OVERFLOW && binpack_bound_find(problem, &packing->bound) != BINPACK_OK) /* solving may have raised it */
        return BINPACK_OUT_OF_SPACE;
    if ((outcome == BINPACK_OK || outcome == BINPACK_OUT_OF_STEPS) && packing->plan.unplaced_count == 0) {
        enum binpack_outcome split = binpack_plan_split_gap(problem, &packing->bound, &packing->plan, &packing->kerf_unopened);
        outcome = split != BINPACK_OK ? split : outcome;
    }
    return outcome;
}

static enum binpack_outcome solve(struct packing *packing, const struct binpack_options *options, struct binpack_fault *out_fault)
{
    size_t memory_bytes = binpack_memory_bytes(&packing->input);
    for (;;) {
        free(packing->memory);
        packing->memory = malloc(memory_bytes);
        if (packing->memory == NULL)
            return BINPACK_OUT_OF_SPACE;
        enum binpack_outcome outcome = solve_in(packing, memory_bytes, options, out_fault);
        if (outcome != BINPACK_OUT_OF_SPACE || memory_bytes > SIZE_MAX / 2)
            return outcome;
        memory_bytes *= 2;
    }
}

/* Whatever the solvers did, what is printed has been checked apart: a wrong plan would be our bug, and is not shown as an answer.
 */
static bool verify(const struct packing *packing)
{
    struct binpack_fault fault = {0};
    int64_t *scratch = malloc((BINPACK_VERIFY_CELLS(&packing->input) + 1) * sizeof *scratch);
    bool is_right = scratch != NULL && binpack_verify_plan(&packing->input, &packing->plan, scratch, &fault) &&
                    binpack_verify_bound(&packing->input, &packing->bound, scratch, &fault);
    if (!is_right)
        fprintf(stderr, "%s: the result did not pass verification: %s\n", command,
                fault.what != NULL ? fault.what : "out of memory");
    free(scratch);
    return is_right;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------- */

/* An integer over a power of ten, exactly. */
static void print_decimal(int64_t value, int64_t scale)
{
    printf("%" PRId64, value / scale);
    int64_t rest = value % scale;
    if (rest == 0)
        return;
    putchar('.');
    while (rest != 0) {
        scale /= 10;
        putchar((int)('0' + rest / scale));
        rest %= scale;
    }
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (*byte == '"' || *byte == '\\')
            printf("\\%c", *byte);
        else if ((unsigned char)*byte < 0x20)
            printf("\\u%04x", (unsigned)*byte);
        else
            putchar(*byte);
    }
    putchar('"');
}

static double gap_percent(const struct packing *packing)
{
    return 100 * (double)(packing->plan.cost - packing->bound.cost) / (double)packing->bound.cost;
}

/* A gap is that of a packing of all items, and relative to something. */
static bool has_gap(const struct packing *packing)
{
    return packing->plan.unplaced_count == 0 && (packing->bound.cost > 0 || packing->plan.cost == 0);
}

static void print_json_pattern(const struct packing *packing, const struct kerf_pack_input *read, size_t index)
{
    const struct binpack_pattern *pattern = &packing->plan.patterns[index];
    printf("%s\n    {\"type\": ", index == 0 ? "" : ",");
    print_json_text(read->bin_names[pattern->bin_type]);
    printf(", \"count\": %" PRId64 ", \"items\": {", pattern->bin_count);
    for (size_t i = 0; i < pattern->placement_count; i++) {
        const struct binpack_placement *placement = &packing->plan.placements[pattern->placement_first + i];
        printf("%s", i == 0 ? "" : ", ");
        print_json_text(read->item_names[placement->item_class]);
        printf(": %" PRId64, placement->item_count);
    }
    printf("}, \"kerf\": ");
    if (packing->plan.unplaced_count == 0)
        print_decimal(pattern->kerf, packing->bound.scale);
    else
        printf("null");
    printf("}");
}

static void print_json(const struct packing *packing, const struct kerf_pack_input *read)
{
    const struct binpack_plan *plan = &packing->plan;
    printf("{\n  \"schema\": \"kerf.pack/v1\",\n  \"method\": \"%s\",\n  \"steps\": %" PRIu64 ",\n  \"cost\": %" PRId64
           ",\n  \"bound\": %" PRId64 ",\n",
           plan->method, plan->steps, plan->cost, packing->bound.cost);
    if (has_gap(packing))
        printf("  \"gapPercent\": %.4f,\n", packing->bound.cost > 0 ? gap_percent(packing) : 0.0);
    else
        printf("  \"gapPercent\": null,\n");
    printf("  \"binCount\": %" PRId64 ",\n  \"bins\": [", plan->bin_count);
    for (size_t i = 0; i < plan->pattern_count; i++)
        print_json_pattern(packing, read, i);
    printf("%s],\n  \"kerfUnopened\": ", plan->pattern_count == 0 ? "" : "\n  ");
    if (plan->unplaced_count == 0)
        print_decimal(packing->kerf_unopened, packing->bound.scale);
    else
        printf("null");
    printf(",\n  \"unplaced\": {");
    const char *separator = "";
    for (size_t c = 0; c < read->item_count; c++) {
        if (plan->unplaced[c] == 0)
            continue;
        printf("%s", separator);
        print_json_text(read->item_names[c]);
        printf(": %" PRId64, plan->unplaced[c]);
        separator = ", ";
    }
    printf("}\n}\n");
}

enum { TEXT_ITEMS_MAX = 6 }; /* of a pattern on its line: the JSON has all */

static void print_text(const struct packing *packing, const struct kerf_pack_input *read)
{
    const struct binpack_plan *plan = &packing->plan;
    printf("cost   %" PRId64 " for %" PRId64 " bins (%s, %" PRIu64 " steps)\nbound  %" PRId64 "\n", plan->cost, plan->bin_count,
           plan->method, plan->steps, packing->bound.cost);
    if (has_gap(packing))
        printf("gap    %" PRId64 " (%.2f %%)\n", plan->cost - packing->bound.cost,
               packing->bound.cost > 0 ? gap_percent(packing) : 0.0);
    if (plan->pattern_count > 0)
        printf("\n%10s  %-20s  %14s  %s\n", "bins", "type", "kerf of each", "items of each");
    for (size_t p = 0; p < plan->pattern_count; p++) {
        const struct binpack_pattern *pattern = &plan->patterns[p];
        char kerf[32] = "-";
        if (plan->unplaced_count == 0)
            snprintf(kerf, sizeof kerf, "%.6g", (double)pattern->kerf / (double)packing->bound.scale);
        printf("%10" PRId64 "  %-20s  %14s  ", pattern->bin_count, read->bin_names[pattern->bin_type], kerf);
        for (size_t i = 0; i < pattern->placement_count && i < TEXT_ITEMS_MAX; i++) {
            const struct binpack_placement *placement = &plan->placements[pattern->placement_first + i];
            printf("%s%" PRId64 " %s", i == 0 ? "" : ", ", placement->item_count, read->item_names[placement->item_class]);
        }
        if (pattern->placement_count > TEXT_ITEMS_MAX)
            printf(", and of %zu more", pattern->placement_count - TEXT_ITEMS_MAX);
        putchar('\n');
    }
    if (plan->unplaced_count == 0)
        return;
    printf("\nleft over: %" PRId64 " items, which fit no bin that may still be opened\n", plan->unplaced_count);
    for (size_t c = 0; c < read->item_count; c++)
        if (plan->unplaced[c] > 0)
            printf("%10" PRId64 "  %s\n", plan->unplaced[c], read->item_names[c]);
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

static int pack(const struct kerf_pack_input *read, const char *file, const struct binpack_options *options, int format,
                struct kerf_errors *errs)
{
    struct packing packing;
    struct binpack_fault fault = {0};
    int exit_code = KERF_EXIT_MACHINE;
    if (!packing_init(&packing, read)) {
        fprintf(stderr, "%s: out of memory\n", command);
        goto out;
    }
    enum binpack_outcome outcome = solve(&packing, options, &fault);
    switch (outcome) {
    case BINPACK_OUT_OF_SPACE:
        fprintf(stderr, "%s: out of memory\n", command);
        goto out;
    case BINPACK_E_ARGUMENT:
    case BINPACK_E_OVERFLOW:
        exit_code = kerf_exit_of(kerf_errors_add(errs, (struct kerf_place){.file = file}, "%s",
                                                 fault.what != NULL ? fault.what : "the cost of a packing outgrows 64 bits"));
        goto out;
    case BINPACK_OUT_OF_STEPS:
        fprintf(stderr, "%s: the step limit ended the search; this is the best packing that was found\n", command);
        break;
    case BINPACK_OK:
    case BINPACK_LEFT_OVER:
        break;
    }
    if (!verify(&packing))
        goto out;
    if (format == KERF_FORMAT_JSON)
        print_json(&packing, read);
    else
        print_text(&packing, read);
    exit_code = packing.plan.unplaced_count > 0 ? KERF_EXIT_NO : KERF_EXIT_DONE;
out:
    packing_fini(&packing);
    return exit_code;
}

static bool is_method(const char *name)
{
    size_t count;
    const struct binpack_method *methods = binpack_methods(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return true;
    return false;
}

/* The methods come from the library's table, so --help cannot forget one. */
static const char *method_help(void)
{
    static char text[2000];
    size_t count;
    const struct binpack_method *methods = binpack_methods(&count);
    size_t length = (size_t)snprintf(text, sizeof text, "how to pack (default: all of these, and the cheapest packing is taken)");
    for (size_t i = 0; i < count && length < sizeof text; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "\n%s  %s", methods[i].name, methods[i].summary);
    return text;
}

int kerf_cmd_pack(int argc, char **argv, struct kerf_errors *errs)
{
    const char *items = NULL, *bins = NULL, *vbp = NULL;
    int64_t step_limit = 0;
    int format = KERF_FORMAT_TEXT;
    struct binpack_options pack_options = {0};
    const struct kerf_option options[] = {
        {.name = "items",
         .kind = KERF_OPTION_TEXT,
         .argument = "FILE",
         .value = &items,
         .help = "table of items: columns name, count, and one a resource"},
        {.name = "bins",
         .kind = KERF_OPTION_TEXT,
         .argument = "FILE",
         .value = &bins,
         .help = "table of bin types: columns name, price, limit (empty: any\nnumber), and the same resources"},
        {.name = "vbp",
         .kind = KERF_OPTION_TEXT,
         .argument = "FILE",
         .value = &vbp,
         .help = "items and one bin type of price 1 in the form of VPSolver,\ninstead of the two tables"},
        {.name = "method", .kind = KERF_OPTION_TEXT, .argument = "NAME", .value = &pack_options.method, .help = method_help()},
        {.name = "steps",
         .kind = KERF_OPTION_COUNT,
         .argument = "N",
         .value = &step_limit,
         .help = "end the search after so many looks at a class and a bin\n(default: 0, no limit)"},
        KERF_OPTION_FORMAT(&format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = command,
        .about = "Packs items into priced bins as cheaply as it can, proves a lower bound on the cost of any\n"
                 "packing, and splits the gap between the two over the bins.\n\n"
                 "Tables are tab-separated with a header row; columns are found by name, numbers are integers.\n"
                 "'-' reads standard input.",
        .notes = "Exit 1: items are left over that fit no bin.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct kerf_operands operands;
    int exit_code;
    if (!kerf_options_parse(&table, argc, argv, &operands, &exit_code))
        return exit_code;
    if (vbp != NULL && (items != NULL || bins != NULL))
        return kerf_usage_error(command, "--vbp excludes --items and --bins");
    if (vbp == NULL && (items == NULL || bins == NULL))
        return kerf_usage_error(command, "%s is missing (or --vbp)",
                                items == NULL && bins == NULL ? "--items and --bins"
                                : items == NULL               ? "--items"
                                                              : "--bins");
    if (vbp == NULL && strcmp(items, "-") == 0 && strcmp(bins, "-") == 0)
        return kerf_usage_error(command, "--items and --bins cannot both be standard input");
    if (pack_options.method != NULL && !is_method(pack_options.method))
        return kerf_usage_error(command, "--method: \"%s\" is not a method", pack_options.method);
    pack_options.step_limit = (uint64_t)step_limit;
    struct kerf_pack_input read;
    enum kerf_status status =
        vbp != NULL ? kerf_pack_input_read_vbp(vbp, &read, errs) : kerf_pack_input_read_tables(items, bins, &read, errs);
    if (status != KERF_OK)
        return kerf_exit_of(status);
    exit_code = pack(&read, vbp != NULL ? vbp : items, &pack_options, format, errs);
    kerf_pack_input_free(&read);
    return exit_code;
}
