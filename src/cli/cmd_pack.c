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
#include "cli/pack_certificate.h"
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
            (struct binpack_item_class){.demand = read->item_demands + c * read->resource_count,
                                        .count = read->item_counts[c],
                                        .conflicts = read->item_conflicts[c]};
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

/* An integer over a power of ten, exactly. Items of negative size can have a negative value. */
static void print_decimal(int64_t value, int64_t scale)
{
    printf("%s%" PRIu64, value < 0 ? "-" : "", (uint64_t)llabs(value / scale));
    int64_t rest = llabs(value % scale);
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

static void print_causes_json(const struct packing *packing, const struct kerf_pack_input *read);
static void print_causes_text(const struct packing *packing, const struct kerf_pack_input *read);

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
    if (plan->unplaced_count == 0)
        print_causes_json(packing, read);
    printf(",\n  \"boundMethod\": \"%s\",\n  \"isCheapest\": %s", packing->bound.method, plan->is_cheapest ? "true" : "false");
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
    if (plan->is_cheapest)
        printf("no packing is cheaper: %s\n", plan->cost == packing->bound.cost ? "the bound proves it" : "all were looked at");
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
    if (plan->unplaced_count == 0) {
        if (plan->cost > packing->bound.cost)
            print_causes_text(packing, read);
        return;
    }
    printf("\nleft over: %" PRId64 " items, which fit no bin that may still be opened\n", plan->unplaced_count);
    for (size_t c = 0; c < read->item_count; c++)
        if (plan->unplaced[c] > 0)
            printf("%10" PRId64 "  %s\n", plan->unplaced[c], read->item_names[c]);
}

/* ---- what wastes the money -------------------------------------------------------------------------------------------- */

__extension__ typedef __int128 wide;

/*
 * The kerf of all bins by cause, in 1/scale: room that stays free (by resource, at the resource's share of the bin's price), bins
 * of a type that is dearer than its resources, and items that lie where they take more than they are worth. What rounding the
 * bound up took off the kerfs is told apart. The causes add up to the gap exactly.
 */
struct causes {
    wide idle[BINPACK_RESOURCES_MAX];
    wide dear_types;
    wide dear_places;
    wide rounding;
};

static void find_causes(const struct packing *packing, struct causes *out_causes)
{
    const struct binpack_input *input = &packing->input;
    const struct binpack_bound *bound = &packing->bound;
    *out_causes = (struct causes){.rounding = packing->kerf_unopened};
    for (size_t p = 0; p < packing->plan.pattern_count; p++) {
        const struct binpack_pattern *pattern = &packing->plan.patterns[p];
        const struct binpack_bin_type *type = &input->bin_types[pattern->bin_type];
        wide money = (wide)bound->scale * type->price + bound->rents[pattern->bin_type];
        wide worth = 0, taken = 0;
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &packing->plan.placements[pattern->placement_first + i];
            worth += (wide)bound->item_values[placement->item_class] * placement->item_count;
        }
        for (size_t r = 0; r < input->resource_count; r++) {
            int64_t share = bound->price_shares[pattern->bin_type * input->resource_count + r];
            wide load = 0;
            for (size_t i = 0; i < pattern->placement_count; i++) {
                const struct binpack_placement *placement = &packing->plan.placements[pattern->placement_first + i];
                load += (wide)input->item_classes[placement->item_class].demand[r] * placement->item_count;
            }
            wide used = type->capacity[r] > 0 ? share * load / type->capacity[r] : share;
            out_causes->idle[r] += (share - used) * pattern->bin_count;
            taken += used;
            money -= share;
        }
        out_causes->dear_types += money * pattern->bin_count;
        out_causes->dear_places += (taken - worth) * pattern->bin_count;
        money = (wide)bound->scale * type->price + bound->rents[pattern->bin_type];
        out_causes->rounding += (pattern->kerf - (money - worth)) * pattern->bin_count;
    }
}

static double in_price_units(const struct packing *packing, wide money)
{
    return (double)money / (double)packing->bound.scale;
}

static void print_causes_json(const struct packing *packing, const struct kerf_pack_input *read)
{
    struct causes causes;
    find_causes(packing, &causes);
    printf(",\n  \"causes\": {\"idle\": {");
    for (size_t r = 0; r < read->resource_count; r++) {
        printf("%s", r == 0 ? "" : ", ");
        print_json_text(read->resource_names[r]);
        printf(": %.6g", in_price_units(packing, causes.idle[r]));
    }
    printf("}, \"dearTypes\": %.6g, \"dearPlaces\": %.6g, \"boundRounding\": %.6g}", in_price_units(packing, causes.dear_types),
           in_price_units(packing, causes.dear_places), in_price_units(packing, causes.rounding));
    printf(",\n  \"fairCost\": {");
    for (size_t c = 0; c < read->item_count; c++) {
        printf("%s", c == 0 ? "" : ", ");
        print_json_text(read->item_names[c]);
        printf(": ");
        print_decimal(packing->bound.item_values[c], packing->bound.scale);
    }
    printf("}");
}

static void print_causes_text(const struct packing *packing, const struct kerf_pack_input *read)
{
    struct causes causes;
    find_causes(packing, &causes);
    printf("\nwhere the gap comes from\n");
    for (size_t r = 0; r < read->resource_count; r++)
        printf("%14.6g  %s that stays free\n", in_price_units(packing, causes.idle[r]), read->resource_names[r]);
    printf("%14.6g  bins dearer than what they offer\n%14.6g  items that take more than their worth where they lie\n",
           in_price_units(packing, causes.dear_types), in_price_units(packing, causes.dear_places));
    printf("%14.6g  rounding of the bound, and bins that stay closed\n", in_price_units(packing, causes.rounding));
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

struct pack_request {
    const char *file; /* for messages about the problem */
    const char *certificate; /* to write; NULL: none */
    struct binpack_options options;
    int format;
};

static int pack(const struct kerf_pack_input *read, const struct pack_request *request, struct kerf_errors *errs)
{
    struct packing packing;
    struct binpack_fault fault = {0};
    int exit_code = KERF_EXIT_MACHINE;
    if (!packing_init(&packing, read)) {
        fprintf(stderr, "%s: out of memory\n", command);
        goto out;
    }
    enum binpack_outcome outcome = solve(&packing, &request->options, &fault);
    switch (outcome) {
    case BINPACK_OUT_OF_SPACE:
        fprintf(stderr, "%s: out of memory\n", command);
        goto out;
    case BINPACK_E_ARGUMENT:
    case BINPACK_E_OVERFLOW:
        exit_code = kerf_exit_of(kerf_errors_add(errs, (struct kerf_place){.file = request->file}, "%s",
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
    if (request->certificate != NULL && !kerf_pack_certificate_write(request->certificate, read, &packing.plan, &packing.bound, errs)) {
        exit_code = kerf_exit_of(kerf_errors_status(errs));
        goto out;
    }
    if (request->format == KERF_FORMAT_JSON)
        print_json(&packing, read);
    else
        print_text(&packing, read);
    exit_code = packing.plan.unplaced_count > 0 ? KERF_EXIT_NO : KERF_EXIT_DONE;
out:
    packing_fini(&packing);
    return exit_code;
}

/* Judges a certificate that was written before, by the input alone. */
static int check_certificate(const struct kerf_pack_input *read, const char *path, struct kerf_errors *errs)
{
    struct packing packing;
    struct kerf_pack_certificate certificate;
    struct binpack_fault fault = {0};
    enum kerf_status status = kerf_pack_certificate_read(path, read, &certificate, errs);
    if (status != KERF_OK)
        return kerf_exit_of(status);
    int exit_code = KERF_EXIT_MACHINE;
    int64_t *scratch = NULL;
    if (packing_init(&packing, read))
        scratch = malloc((BINPACK_VERIFY_CELLS(&packing.input) + 1) * sizeof *scratch);
    if (scratch == NULL) {
        fprintf(stderr, "%s: out of memory\n", command);
    } else if (!binpack_verify_plan(&packing.input, &certificate.plan, scratch, &fault)) {
        printf("wrong: %s\n", fault.what);
        exit_code = KERF_EXIT_NO;
    } else if (!binpack_verify_bound(&packing.input, &certificate.bound, scratch, &fault)) {
        printf("not proven: %s\n", fault.what);
        exit_code = KERF_EXIT_NO;
    } else {
        printf("verified: the packing holds %s and costs %" PRId64 "; no packing of all items costs less than %" PRId64 "\n",
               certificate.plan.unplaced_count == 0 ? "all items" : "what it says", certificate.plan.cost, certificate.bound.cost);
        exit_code = KERF_EXIT_DONE;
    }
    free(scratch);
    packing_fini(&packing);
    kerf_pack_certificate_free(&certificate);
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
    const char *certificate = NULL;
    int64_t step_limit = 0;
    int format = KERF_FORMAT_TEXT;
    bool wants_check = false;
    struct binpack_options pack_options = {0};
    const struct kerf_option options[] = {
        {.name = "items",
         .kind = KERF_OPTION_TEXT,
         .argument = "FILE",
         .value = &items,
         .help = "table of items: columns name, count, conflicts (items that\nmay not lie beside these, by name), and one a resource"},
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
         .help = "end the search after so many looks at a class and a bin\n(default: 0, each search takes what is usual, about half a second)"},
        {.name = "certificate",
         .kind = KERF_OPTION_TEXT,
         .argument = "FILE",
         .value = &certificate,
         .help = "write the packing and the proof of its bound to FILE"},
        {.name = "verify",
         .kind = KERF_OPTION_FLAG,
         .value = &wants_check,
         .help = "pack nothing: check that the certificate fits the items and bins"},
        KERF_OPTION_FORMAT(&format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = command,
        .about = "Packs items into priced bins as cheaply as it can, proves a lower bound on the cost of any\n"
                 "packing, and splits the gap between the two over the bins.\n\n"
                 "Tables are tab-separated with a header row; columns are found by name, numbers are integers.\n"
                 "'-' reads standard input.",
        .notes = "Exit 1: items are left over that fit no bin, or the certificate does not hold.",
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
    if (wants_check && certificate == NULL)
        return kerf_usage_error(command, "--verify needs --certificate");
    pack_options.step_limit = (uint64_t)step_limit;
    struct kerf_pack_input read;
    enum kerf_status status =
        vbp != NULL ? kerf_pack_input_read_vbp(vbp, &read, errs) : kerf_pack_input_read_tables(items, bins, &read, errs);
    if (status != KERF_OK)
        return kerf_exit_of(status);
    const struct pack_request request = {
        .file = vbp != NULL ? vbp : items, .certificate = certificate, .options = pack_options, .format = format};
    exit_code = wants_check ? check_certificate(&read, certificate, errs) : pack(&read, &request, errs);
    kerf_pack_input_free(&read);
    return exit_code;
}
