/** kerf plan: one Karpenter provisioning pass over manifests: the NodeClaims it would make, and the pods that stay. */
#include "cli/advise_options.h"
#include "cli/command.h"
#include "kerf/report.h"

static const char command[] = "kerf plan";

int kerf_cmd_plan(int argc, char **argv, struct kerf_errors *errs)
{
    static const char *const engines[] = {"fast", "plain", NULL};
    struct kerf_advise_arguments arguments = {0};
    static const char *const planners[] = {"karpenter", "packed", NULL};
    int engine = 0, planner = 0;
    const struct kerf_option rows[] = {
        KERF_ADVISE_ROWS_INPUT(&arguments),
        KERF_ADVISE_ROWS_KARPENTER(&arguments),
        {.name = "explain",
         .kind = KERF_OPTION_FLAG,
         .value = &arguments.options.explain,
         .help = "for each pod that stays: the first rule by which each NodePool and\nnode refuses it, with the numbers, and the smallest change that a\nsecond pass found to let "
                 "it in. With POD only that one (NAMESPACE/NAME\nor NAME), also if it has a place: where, and why there"},
        {.name = "bound",
         .kind = KERF_OPTION_FLAG,
         .value = &arguments.options.bound,
         .help = "how far from the cheapest: a proved lower bound for all plans under\nthese NodePools, what Karpenter's and the packed plan cost above "
                 "it, and\nwhat spreads, limits and DaemonSets cost"},
        {.name = "planner",
         .kind = KERF_OPTION_CHOICE,
         .value = &planner,
         .choices = planners,
         .help = "karpenter (default), or packed: pods are packed into priced types\nfirst, by the same NodePools and rules"},
        {.name = "engine",
         .kind = KERF_OPTION_CHOICE,
         .value = &engine,
         .choices = engines,
         .help = "fast (default), or plain, which goes a pod at a time to the\nsame answer"},
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = command,
        .operands = "[POD]",
        .operand_max = 1,
        .about =
            "One provisioning pass of Karpenter over the pods that wait: new nodes with their instance types and the cheapest\n"
            "launch, existing nodes that take pods, and pods that stay with the reason.",
        .notes = "Exit 1: pods are left over.",
        .options = rows,
        .option_count = sizeof rows / sizeof rows[0],
    };
    struct kerf_operands operands;
    int exit_code = KERF_EXIT_DONE;
    struct kerf_snapshot *snapshot = NULL;
    if (!kerf_options_parse(&table, argc, argv, &operands, &exit_code) ||
        !kerf_advise_arguments_finish(&arguments, command, &exit_code))
        goto out;
    if (operands.count > 0 && !arguments.options.explain) {
        exit_code = kerf_usage_error(command, "\"%s\" is not expected (a POD goes with --explain)", operands.items[0]);
        goto out;
    }
    arguments.options.explain_pod = operands.count > 0 ? operands.items[0] : NULL;
    arguments.options.plain_engine = engine == 1;
    arguments.options.packed_planner = planner == 1;
    enum kerf_status status = kerf_snapshot_load(&arguments.options, &snapshot, errs);
    if (status != KERF_OK) {
        exit_code = kerf_exit_of(status);
        goto out;
    }
    struct kerf_plan_advice *advice = kerf_advise_plan(snapshot);
    kerf_report_plan(advice, (enum kerf_format)arguments.format, stdout);
    exit_code = kerf_plan_advice_all_placed(advice) ? KERF_EXIT_DONE : KERF_EXIT_NO;
    kerf_plan_advice_free(advice);
out:
    kerf_snapshot_free(snapshot);
    kerf_advise_arguments_free(&arguments);
    return exit_code;
}
