/**
 * advise_options: the options that plan, disrupt, schedule and check share, as rows for their tables, and their way into
 * struct kerf_advise_options.
 */
#ifndef KERF_CLI_ADVISE_OPTIONS_H
#define KERF_CLI_ADVISE_OPTIONS_H

#include "cli/options.h"
#include "kerf/advise.h"

/** All zero is the default of each. */
struct kerf_advise_arguments {
    struct kerf_option_list files;
    struct kerf_option_list unavailable;
    struct kerf_option_list nominated;
    struct kerf_option_list feature_gates;
    struct kerf_advise_options options; /* texts and flags; the lists enter with kerf_advise_arguments_finish */
    int format;
};

/** Rows for a table: `KERF_ADVISE_ROWS_INPUT(&arguments), KERF_ADVISE_ROWS_KARPENTER(&arguments), KERF_OPTION_FORMAT(...)`. */
#define KERF_ADVISE_ROWS_INPUT(arguments)                                                                                         \
    {.name = "file", .letter = 'f', .kind = KERF_OPTION_LIST, .argument = "FILE", .value = &(arguments)->files,                   \
     .help = "manifests: a file, a directory, or - for standard input; may be repeated"},                                         \
        {.name = "catalog", .kind = KERF_OPTION_TEXT, .argument = "DIR", .value = &(arguments)->options.catalog_folder,           \
         .help = "folder of CSV files instead of the built-in catalogue"},                                                        \
        {.name = "region", .kind = KERF_OPTION_TEXT, .argument = "REGION", .value = &(arguments)->options.region,                 \
         .help = "region whose prices and zones hold (default: us-east-1)"},                                                      \
    {                                                                                                                             \
        .name = "at", .kind = KERF_OPTION_TEXT, .argument = "TIME", .value = &(arguments)->options.at,                            \
        .help = "moment of the decision, RFC 3339 (default: the newest time in the input)"                                        \
    }
#define KERF_ADVISE_ROWS_KARPENTER(arguments)                                                                                     \
    {.name = "unavailable", .kind = KERF_OPTION_LIST, .argument = "LIST", .value = &(arguments)->unavailable,                     \
     .help = "offerings out of capacity: capacityType:type:zone[,...], * for any\ntype or zone; may be repeated"},                \
        {.name = "feature-gate", .kind = KERF_OPTION_LIST, .argument = "NAME=BOOL", .value = &(arguments)->feature_gates,         \
         .help = "a feature gate of Karpenter; may be repeated"},                                                                 \
        {.name = "preference-policy", .kind = KERF_OPTION_TEXT, .argument = "POLICY",                                             \
         .value = &(arguments)->options.preference_policy, .help = "Karpenter's option: Respect (default) or Ignore"},            \
    {                                                                                                                             \
        .name = "min-values-policy", .kind = KERF_OPTION_TEXT, .argument = "POLICY",                                              \
        .value = &(arguments)->options.min_values_policy, .help = "Karpenter's option: Strict (default) or BestEffort"            \
    }
#define KERF_ADVISE_ROWS_DISRUPTION(arguments)                                                                                    \
    {.name = "nominated", .kind = KERF_OPTION_LIST, .argument = "NODE=TIME", .value = &(arguments)->nominated,                    \
     .help = "the node is nominated for pods until then; may be repeated"},                                                       \
    {                                                                                                                             \
        .name = "derive-conditions", .kind = KERF_OPTION_FLAG, .value = &(arguments)->options.derive_conditions,                  \
        .help = "set the conditions Consolidatable and Drifted first, as Karpenter\nwould, instead of taking them as read"        \
    }

/** After kerf_options_parse: puts the lists into `options`. False, with a usage error printed, when no file is given. */
bool kerf_advise_arguments_finish(struct kerf_advise_arguments *arguments, const char *command, int *out_exit);
void kerf_advise_arguments_free(struct kerf_advise_arguments *arguments);

#endif
