/** cmd_disrupt: `kerf disrupt -f FILE...`: one disruption decision over a cluster snapshot. */
#include "cli/advise_options.h"
#include "cli/command.h"
#include "kerf/report.h"

int kerf_cmd_disrupt(int argc, char **argv, struct kerf_errors *errs)
{
    struct kerf_advise_arguments arguments = {.format = KERF_FORMAT_TEXT};
    const struct kerf_option options[] = {
        KERF_ADVISE_ROWS_INPUT(&arguments),
        KERF_ADVISE_ROWS_KARPENTER(&arguments),
        KERF_ADVISE_ROWS_DISRUPTION(&arguments),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = "kerf disrupt",
        .about = "Says which nodes Karpenter would disrupt now, and of each other node why not.\n"
                 "One pass of its disruption loop: emptiness, static drift, drift, multi-node and\n"
                 "single-node consolidation, the first that finds a command; with the 15 s wait\n"
                 "and the validation after it.",
        .notes = "Exit 1: there is nothing to do.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct kerf_operands operands;
    int exit_code = KERF_EXIT_DONE;
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code) && kerf_advise_arguments_finish(&arguments, table.command, &exit_code)) {
        struct kerf_snapshot *snapshot = NULL;
        enum kerf_status status = kerf_snapshot_load(&arguments.options, &snapshot, errs);
        exit_code = kerf_exit_of(status);
        if (status == KERF_OK) {
            struct kerf_disrupt_advice *advice = kerf_advise_disrupt(snapshot);
            kerf_report_disrupt(advice, (enum kerf_format)arguments.format, stdout);
            exit_code = kerf_disrupt_advice_has_command(advice) ? KERF_EXIT_DONE : KERF_EXIT_NO;
            kerf_disrupt_advice_free(advice);
        }
        kerf_snapshot_free(snapshot);
    }
    kerf_advise_arguments_free(&arguments);
    return exit_code;
}
