/** cmd_autoscale: `kerf autoscale -f FILE...`: what Cluster Autoscaler would do now. */
#include "cli/advise_options.h"
#include "cli/command.h"
#include "kerf/report.h"

static int run(const struct kerf_advise_arguments *arguments, struct kerf_errors *errs)
{
    struct kerf_snapshot *snapshot = NULL;
    enum kerf_status status = kerf_snapshot_load(&arguments->options, &snapshot, errs);
    if (status != KERF_OK)
        return kerf_exit_of(status);
    struct kerf_autoscale_advice *advice = kerf_advise_autoscale(snapshot);
    kerf_report_autoscale(advice, (enum kerf_format)arguments->format, stdout);
    int exit_code = kerf_autoscale_advice_acts(advice) ? KERF_EXIT_DONE : KERF_EXIT_NO;
    kerf_autoscale_advice_free(advice);
    kerf_snapshot_free(snapshot);
    return exit_code;
}

int kerf_cmd_autoscale(int argc, char **argv, struct kerf_errors *errs)
{
    struct kerf_advise_arguments arguments = {.format = KERF_FORMAT_TEXT, .options = {.autoscale = true}};
    const struct kerf_option options[] = {
        KERF_ADVISE_ROWS_INPUT(&arguments),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = "kerf autoscale",
        .about = "Says what Cluster Autoscaler would do now: which node group grows for the pending\n"
                 "pods, or which nodes it would remove, and why not the others.\n"
                 "Groups, flags and what is asked come from an Autoscale (kerf.dev/v1) among the files;\n"
                 "without one: the groups of an eksctl ClusterConfig under default flags, a scale-up if\n"
                 "pods are pending, else a scale-down.",
        .notes = "Exit 1: no group changes, no node is removed.",
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
