/** cmd_compare: `kerf compare`. */
#include "cli/command.h"
#include "cli/run_options.h"

int kerf_cmd_compare(int argc, char **argv, struct kerf_errors *errs)
{
    struct kerf_run_arguments arguments = {.format = KERF_FORMAT_TEXT};
    const struct kerf_option options[] = {
        KERF_RUN_ROWS(&arguments),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json_csv),
    };
    const struct kerf_option_table table = {
        .command = "kerf compare",
        .operands = "SCENARIO...",
        .about = "Simulates the designs of one or more scenarios on the same random worlds and prints them side by\n"
                 "side, with the paired differences to the first and their intervals.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operand_min = 1,
        .operand_max = SIZE_MAX,
    };
    struct kerf_operands operands;
    struct kerf_run_work work = {0};
    int exit_code = KERF_EXIT_DONE;
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code)) {
        enum kerf_status status = kerf_run_scenarios(&arguments, operands.items, operands.count, &work, errs);
        if (status == KERF_OK)
            kerf_report_comparison(work.comparison, (enum kerf_format)arguments.format, stdout);
        exit_code = kerf_exit_of(status);
    }
    kerf_run_work_free(&work);
    kerf_option_list_free(&arguments.designs);
    return exit_code;
}
