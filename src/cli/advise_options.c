/** What plan, disrupt, schedule and check take from the command line alike. */
#include "cli/advise_options.h"

bool kerf_advise_arguments_finish(struct kerf_advise_arguments *arguments, const char *command, int *out_exit)
{
    if (arguments->files.count == 0) {
        *out_exit = kerf_usage_error(command, "no input (expected -f FILE)");
        return false;
    }
    arguments->options.files = arguments->files.items;
    arguments->options.file_count = arguments->files.count;
    arguments->options.unavailable = arguments->unavailable.items;
    arguments->options.unavailable_count = arguments->unavailable.count;
    arguments->options.nominated = arguments->nominated.items;
    arguments->options.nominated_count = arguments->nominated.count;
    arguments->options.feature_gates = arguments->feature_gates.items;
    arguments->options.feature_gate_count = arguments->feature_gates.count;
    return true;
}

void kerf_advise_arguments_free(struct kerf_advise_arguments *arguments)
{
    kerf_option_list_free(&arguments->files);
    kerf_option_list_free(&arguments->unavailable);
    kerf_option_list_free(&arguments->nominated);
    kerf_option_list_free(&arguments->feature_gates);
}
