/**
 * cmd_vpc: what the commands of `kerf vpc` share: the limits of a node, by instance type or by number.
 */
#ifndef KERF_CLI_CMD_VPC_H
#define KERF_CLI_CMD_VPC_H

#include "cli/command.h"
#include "cli/options.h"
#include "kerf/catalog.h"
#include "kerf/vpc.h"

/** Values of the options that both commands take; `catalog` and `instance_type` may stay NULL. */
struct kerf_vpc_node_flags {
    const char *instance_type;
    const char *catalog;
    int64_t enis;
    int64_t addresses_per_eni;
};

/** Rows of an option table for these flags. */
#define KERF_VPC_NODE_OPTIONS(flags)                                                                                              \
    {.name = "instance-type", .kind = KERF_OPTION_TEXT, .argument = "TYPE", .value = &(flags)->instance_type,                     \
     .help = "take the limits of this instance type"},                                                                            \
        {.name = "catalog", .kind = KERF_OPTION_TEXT, .argument = "DIR", .value = &(flags)->catalog,                              \
         .help = "look the type up in these CSV files (default: the built-in catalogue)"},                                        \
        {.name = "enis", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &(flags)->enis,                                     \
         .help = "or: network interfaces that the node may have"},                                                                \
        {.name = "addresses-per-eni", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &(flags)->addresses_per_eni,           \
         .help = "and IPv4 addresses per interface, its own included"}

/** Resolves the flags. By number, the type is taken for a nitro one that can carry branch interfaces, its vCPUs unknown (0).
 *  False: *out_exit is what the command should return, and what was wrong is said. */
bool kerf_vpc_resolve_limits(const char *command, const struct kerf_vpc_node_flags *flags, struct kerf_instance_limits *out_limits,
                             int *out_exit, struct kerf_errors *errs);

/** Applies --env KEY=VALUE pairs. False when a message went out. */
bool kerf_vpc_read_env(const char *command, const struct kerf_option_list *pairs, struct kerf_cni_settings *settings);

int kerf_cmd_vpc_max_pods(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_vpc_node(int argc, char **argv, struct kerf_errors *errs);
int kerf_cmd_vpc_subnets(int argc, char **argv, struct kerf_errors *errs);

#endif
