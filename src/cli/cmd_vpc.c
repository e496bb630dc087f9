/**
 * kerf vpc: the arithmetic of the VPC CNI at the command line.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_vpc.h"
#include "kerf/vpc.h"

bool kerf_vpc_resolve_limits(const char *command, const struct kerf_vpc_node_flags *flags, struct kerf_instance_limits *out_limits,
                             int *out_exit, struct kerf_errors *errs)
{
    *out_exit = KERF_EXIT_USAGE;
    bool numbers = flags->enis > 0 || flags->addresses_per_eni > 0;
    if (flags->instance_type && numbers) {
        kerf_usage_error(command, "--instance-type excludes --enis and --addresses-per-eni");
        return false;
    }
    if (flags->instance_type) {
        struct kerf_catalog *catalog = NULL;
        enum kerf_status status = kerf_catalog_load(flags->catalog, NULL, &catalog, errs);
        if (status == KERF_OK) {
            status = kerf_catalog_get_limits(catalog, flags->instance_type, out_limits, errs);
            kerf_catalog_free(catalog);
        }
        *out_exit = kerf_exit_of(status);
        if (status == KERF_OK && (out_limits->enis < 1 || out_limits->ipv4_per_eni < 1)) {
            kerf_errors_add(errs, (struct kerf_place){0}, "instance type %s: the catalogue does not state its network interfaces",
                            flags->instance_type);
            *out_exit = KERF_EXIT_INPUT;
            return false;
        }
        return status == KERF_OK;
    }
    if (flags->enis < 1 || flags->addresses_per_eni < 1) {
        kerf_usage_error(command, "--instance-type, or --enis and --addresses-per-eni (each 1 or more), is missing");
        return false;
    }
    if (flags->enis > KERF_ENIS_MAX || flags->addresses_per_eni > KERF_ENI_SLOTS_MAX + 1) {
        kerf_usage_error(command, "--enis %lld --addresses-per-eni %lld: no instance type has so many (expected at most %d and %d)",
                         (long long)flags->enis, (long long)flags->addresses_per_eni, KERF_ENIS_MAX, KERF_ENI_SLOTS_MAX + 1);
        return false;
    }
    *out_limits = (struct kerf_instance_limits){
        .enis = (int32_t)flags->enis,
        .ipv4_per_eni = (int32_t)flags->addresses_per_eni,
        .nitro = true,
        .trunking_compatible = true,
    };
    return true;
}

bool kerf_vpc_read_env(const char *command, const struct kerf_option_list *pairs, struct kerf_cni_settings *settings)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const char *equals = strchr(pairs->items[i], '=');
        if (!equals || equals == pairs->items[i]) {
            kerf_usage_error(command, "--env: \"%s\" is not KEY=VALUE", pairs->items[i]);
            return false;
        }
        size_t length = (size_t)(equals - pairs->items[i]);
        char name[64] = "";
        if (length < sizeof name)
            memcpy(name, pairs->items[i], length);
        enum kerf_cni_env read = kerf_cni_settings_read(settings, name, equals + 1);
        if (read == KERF_CNI_ENV_DEFAULTED)
            fprintf(stderr, "%s: note: %s: aws-node takes its default, since it cannot use \"%s\"\n", command, name, equals + 1);
        if (read == KERF_CNI_ENV_UNKNOWN)
            fprintf(stderr, "%s: note: %.*s moves no addresses and is passed over\n", command, (int)length, pairs->items[i]);
    }
    return true;
}

static const struct kerf_command commands[] = {
    {"max-pods", "pods that a node can hold, as each tool computes it", kerf_cmd_vpc_max_pods},
    {"node", "the address pool of a node as pods come and go", kerf_cmd_vpc_node},
    {"subnets", "what a fleet needs of its subnets, when they run out, and which would do", kerf_cmd_vpc_subnets},
    {NULL, NULL, NULL},
};

int kerf_cmd_vpc(int argc, char **argv, struct kerf_errors *errs)
{
    return kerf_command_dispatch("kerf vpc", "The arithmetic of the Amazon VPC CNI.", commands, argc, argv, errs);
}
