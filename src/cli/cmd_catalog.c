/** cmd_catalog: `kerf catalog list` and `kerf catalog show TYPE`. */
#include "cli/command.h"
#include "cli/options.h"
#include "kerf/report.h"

/* What both share. */
struct catalog_arguments {
    const char *folder;
    const char *region;
    struct kerf_catalog_query query;
    int format;
};

#define OPTION_CATALOG(variable)                                                                                                  \
    {                                                                                                                             \
        .name = "catalog", .kind = KERF_OPTION_TEXT, .argument = "DIR", .value = &(variable),                                     \
        .help = "folder of CSV files instead of the built-in catalogue"                                                           \
    }
#define OPTION_REGION(variable)                                                                                                   \
    {                                                                                                                             \
        .name = "region", .kind = KERF_OPTION_TEXT, .argument = "REGION", .value = &(variable),                                   \
        .help = "region whose prices and zones hold (default: us-east-1)"                                                         \
    }
#define OPTION_AMI_FAMILY(variable)                                                                                               \
    {                                                                                                                             \
        .name = "ami-family", .kind = KERF_OPTION_TEXT, .argument = "FAMILY", .value = &(variable),                               \
        .help = "AL2023 (default), AL2, Bottlerocket, Windows2019, Windows2022,\nWindows2025, Custom"                             \
    }

static enum kerf_status list(const struct catalog_arguments *arguments, struct kerf_errors *errs)
{
    struct kerf_catalog *catalog = NULL;
    KERF_TRY(kerf_catalog_load(arguments->folder, arguments->region, &catalog, errs));
    struct kerf_catalog_answer *answer = NULL;
    enum kerf_status status = kerf_catalog_ask(catalog, &arguments->query, &answer, errs);
    if (status == KERF_OK)
        kerf_report_catalog_list(answer, (enum kerf_format)arguments->format, stdout);
    kerf_catalog_answer_free(answer);
    kerf_catalog_free(catalog);
    return status;
}

static int run_list(int argc, char **argv, struct kerf_errors *errs)
{
    struct catalog_arguments arguments = {.format = KERF_FORMAT_TEXT};
    struct kerf_option_list requirements = {0};
    const struct kerf_option options[] = {
        {.name = "requirement", .letter = 'r', .kind = KERF_OPTION_LIST, .argument = "SELECTOR", .value = &requirements,
         .help = "only types with such labels, written as Kubernetes writes selectors:\n"
                 "'key in (a,b)', key=a, key!=a, 'key>5', 'key<5', key, '!key'; may be\nrepeated, or joined by commas"},
        {.name = "zone", .kind = KERF_OPTION_TEXT, .argument = "ZONE", .value = &arguments.query.zone,
         .help = "only what is sold in this zone, at its prices"},
        OPTION_AMI_FAMILY(arguments.query.ami_family),
        OPTION_REGION(arguments.region),
        OPTION_CATALOG(arguments.folder),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json_csv),
    };
    const struct kerf_option_table table = {
        .command = "kerf catalog list",
        .about = "Lists the instance types that can be launched, the cheapest first.",
        .notes = "Example: kerf catalog list --requirement 'karpenter.k8s.aws/instance-generation>5' \\\n"
                 "             --requirement 'karpenter.k8s.aws/instance-category in (c,m,r)' --region eu-west-1",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct kerf_operands operands;
    int exit_code = KERF_EXIT_DONE;
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code)) {
        arguments.query.requirements = requirements.items;
        arguments.query.requirement_count = requirements.count;
        exit_code = kerf_exit_of(list(&arguments, errs));
    }
    kerf_option_list_free(&requirements);
    return exit_code;
}

static enum kerf_status show(const char *type_name, const struct catalog_arguments *arguments, struct kerf_errors *errs)
{
    struct kerf_catalog *catalog = NULL;
    KERF_TRY(kerf_catalog_load(arguments->folder, arguments->region, &catalog, errs));
    struct kerf_catalog_answer *answer = NULL;
    enum kerf_status status = kerf_catalog_ask_type(catalog, type_name, &arguments->query, &answer, errs);
    if (status == KERF_OK)
        kerf_report_catalog_type(answer, (enum kerf_format)arguments->format, stdout);
    kerf_catalog_answer_free(answer);
    kerf_catalog_free(catalog);
    return status;
}

static int run_show(int argc, char **argv, struct kerf_errors *errs)
{
    struct catalog_arguments arguments = {.format = KERF_FORMAT_TEXT};
    const struct kerf_option options[] = {
        OPTION_AMI_FAMILY(arguments.query.ami_family),
        OPTION_REGION(arguments.region),
        OPTION_CATALOG(arguments.folder),
        KERF_OPTION_FORMAT(&arguments.format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = "kerf catalog show",
        .operands = "TYPE",
        .about = "Shows one instance type: capacity, overhead, allocatable, labels, offerings with prices.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operand_min = 1,
        .operand_max = 1,
    };
    struct kerf_operands operands;
    int exit_code = KERF_EXIT_DONE;
    if (!kerf_options_parse(&table, argc, argv, &operands, &exit_code))
        return exit_code;
    return kerf_exit_of(show(operands.items[0], &arguments, errs));
}

int kerf_cmd_catalog(int argc, char **argv, struct kerf_errors *errs)
{
    static const struct kerf_command commands[] = {
        {"list", "instance types that meet requirements, the cheapest first", run_list},
        {"show", "one instance type: capacity, allocatable, labels, offerings", run_show},
        {NULL, NULL, NULL},
    };
    return kerf_command_dispatch("kerf catalog", "The EC2 instance catalogue.", commands, argc, argv, errs);
}
