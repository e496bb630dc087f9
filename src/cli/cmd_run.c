/** cmd_run: `kerf run`. */
#include "cli/command.h"
#include "cli/run_options.h"

int kerf_cmd_run(int argc, char **argv, struct kerf_errors *errs)
{
    struct kerf_run_arguments arguments = {.format = KERF_FORMAT_TEXT, .only_first = true};
    const struct kerf_option options[] = {
        KERF_RUN_ROWS(&arguments),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json_csv),
    };
    const struct kerf_option_table table = {
        .command = "kerf run",
        .operands = "SCENARIO",
        .about = "Simulates one design of a scenario (the first, or --design NAME) and prints cost, waits,\n"
                 "evictions, nodes and addresses, with intervals over replications.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operand_min = 1,
        .operand_max = 1,
    };
    struct kerf_operands operands;
    struct kerf_run_work work = {0};
    int exit_code = KERF_EXIT_DONE;
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code)) {
        enum kerf_status status = kerf_run_scenarios(&arguments, operands.items, operands.count, &work, errs);
        if (status == KERF_OK)
            kerf_report_run(work.comparison, (enum kerf_format)arguments.format, stdout);
        exit_code = kerf_exit_of(status);
    }
    kerf_run_work_free(&work);
    kerf_option_list_free(&arguments.designs);
    return exit_code;
}
