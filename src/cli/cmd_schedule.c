/** cmd_schedule: `kerf schedule -f FILE...`, kube-scheduler's choice for each pending pod. */
#include "cli/advise_options.h"
#include "cli/command.h"
#include "kerf/report.h"

static int run(const struct kerf_advise_arguments *arguments, struct kerf_errors *errs)
{
    struct kerf_snapshot *snapshot = NULL;
    enum kerf_status status = kerf_snapshot_load(&arguments->options, &snapshot, errs);
    if (status != KERF_OK)
        return kerf_exit_of(status);
    struct kerf_schedule_advice *advice = kerf_advise_schedule(snapshot);
    kerf_report_schedule(advice, (enum kerf_format)arguments->format, stdout);
    int exit_code = kerf_schedule_advice_all_placed(advice) ? KERF_EXIT_DONE : KERF_EXIT_NO;
    kerf_schedule_advice_free(advice);
    kerf_snapshot_free(snapshot);
    return exit_code;
}

int kerf_cmd_schedule(int argc, char **argv, struct kerf_errors *errs)
{
    struct kerf_advise_arguments arguments = {.format = KERF_FORMAT_TEXT};
    const struct kerf_option options[] = {
        KERF_ADVISE_ROWS_INPUT(&arguments),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = "kerf schedule",
        .about = "Says which node kube-scheduler would choose for each pending pod, and whom it would preempt.\n"
                 "Pods are tried in the order of the input, each bound before the next.",
        .notes = "Exit 1: some pod finds no node.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct kerf_operands operands;
    int exit_code = KERF_EXIT_DONE;
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code) &&
        kerf_advise_arguments_finish(&arguments, table.command, &exit_code))
        exit_code = run(&arguments, errs);
    kerf_advise_arguments_free(&arguments);
    return exit_code;
}
