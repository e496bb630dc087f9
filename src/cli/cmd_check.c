/** cmd_check: `kerf check`. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/options.h"
#include "kerf/advise.h"

static int conclude(enum kerf_status status, const struct kerf_errors *errs)
{
    size_t errors = kerf_errors_count(errs), warnings = kerf_warnings_count(errs);
    if (errors == 0 && warnings == 0)
        printf("nothing found\n");
    else
        printf("%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
    return status != KERF_OK ? kerf_exit_of(status) : warnings > 0 ? KERF_EXIT_NO : KERF_EXIT_DONE;
}

int kerf_cmd_check(int argc, char **argv, struct kerf_errors *errs)
{
    struct kerf_option_list files = {0};
    struct kerf_advise_options options = {0};
    const struct kerf_option rows[] = {
        {.name = "file", .letter = 'f', .kind = KERF_OPTION_LIST, .argument = "FILE", .value = &files,
         .help = "the same as an operand; may be repeated"},
        {.name = "catalog", .kind = KERF_OPTION_TEXT, .argument = "DIR", .value = &options.catalog_folder,
         .help = "folder of CSV files instead of the built-in catalogue"},
        {.name = "region", .kind = KERF_OPTION_TEXT, .argument = "REGION", .value = &options.region,
         .help = "region whose instance types and zones hold (default: the scenario's,\nelse us-east-1)"},
    };
    const struct kerf_option_table table = {
        .command = "kerf check",
        .operands = "FILE...",
        .about = "Reads manifests and scenarios (files, directories, - for standard input) and says what is wrong:\n"
                 "unknown keys, impossible values, NodePools that can never launch, pods that can never run, budgets\n"
                 "that allow no disruption, single replicas on Spot, spreads over zones that nobody offers.",
        .notes = "Exit 0: nothing found; 1: warnings; 3: errors.",
        .options = rows,
        .option_count = sizeof rows / sizeof rows[0],
        .operand_max = SIZE_MAX,
    };
    struct kerf_operands operands;
    int exit_code = KERF_EXIT_DONE;
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code)) {
        size_t count = files.count + operands.count;
        const char **paths = calloc(count + 1, sizeof *paths);
        for (size_t i = 0; paths && i < count; i++)
            paths[i] = i < files.count ? files.items[i] : operands.items[i - files.count];
        options.files = paths;
        options.file_count = count;
        if (!paths)
            exit_code = KERF_EXIT_MACHINE;
        else if (count == 0)
            exit_code = kerf_usage_error("kerf check", "no input (expected FILE...)");
        else
            exit_code = conclude(kerf_advise_check(&options, errs), errs);
        free(paths);
    }
    kerf_option_list_free(&files);
    return exit_code;
}
