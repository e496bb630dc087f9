/**
 * kerf vpc max-pods: pods that a node can hold, as each tool computes it.
 */
#include <stdio.h>

#include "cli/cmd_vpc.h"
#include "kerf/vpc.h"

struct tool_row {
    const char *key;
    int64_t value;
    const char *meaning;
};

#define TOOL_COUNT 6

static void list_tools(const struct kerf_max_pods_by_tool *by, bool capped, struct tool_row rows[TOOL_COUNT])
{
    rows[0] = (struct tool_row){"eniMaxPods", by->standard, "eni-max-pods.txt: nodeadm without an expression, on self-managed nodes or with a custom AMI"};
    rows[1] = (struct tool_row){"formula", by->formula, "the formula for these settings, without a cap"};
    rows[2] = (struct tool_row){"calculator", by->calculator,
                                capped ? "max-pods-calculator.sh: the formula, capped at 110 (above 30 vCPU 250)"
                                       : "max-pods-calculator.sh, but for its cap: --vcpus is not given"};
    rows[3] = (struct tool_row){"managedNodeGroup", by->managed_node_group, "a managed node group without a custom AMI"};
    rows[4] = (struct tool_row){"karpenter", by->karpenter, "Karpenter: no prefixes; custom networking only by RESERVED_ENIS"};
    rows[5] = (struct tool_row){"autoMode", by->auto_mode, "EKS Auto Mode"};
}

#define DIFFERENCES_MAX 8
#define DIFFERENCE_BYTES 320

/* Why the tools don't agree on this node, and what that does: sentences of plain ASCII without quotes. Returns how many. */
static int list_differences(const struct kerf_max_pods_query *query, const struct kerf_max_pods_by_tool *by,
                            char out_texts[DIFFERENCES_MAX][DIFFERENCE_BYTES])
{
    int count = 0;
    long long host = 2; /* aws-node and kube-proxy */
    bool prefixes = query->prefix_delegation && (query->nitro || query->bare_metal);
    if (by->calculator < by->formula)
        snprintf(out_texts[count++], DIFFERENCE_BYTES, "The calculator and managed node groups cap at %lld what the formula gives (%lld).",
                 (long long)by->calculator, (long long)by->formula);
    if (query->prefix_delegation && query->bare_metal && !query->nitro)
        snprintf(out_texts[count++], DIFFERENCE_BYTES,
                 "The calculator asks for hypervisor nitro, which bare metal does not report, so it reckons without prefixes; ipamd delegates them "
                 "there (%lld addresses).", (long long)by->pool_addresses);
    if (prefixes && by->karpenter < by->calculator)
        snprintf(out_texts[count++], DIFFERENCE_BYTES,
                 "Karpenter and nodeadm know no prefixes: kubelet gets %lld, and the pool stops at the next multiple of 16, unless kubelet.maxPods is set "
                 "in the EC2NodeClass (%lld).", (long long)by->karpenter, (long long)by->calculator);
    if (query->custom_networking && by->karpenter - host > by->pool_addresses)
        snprintf(out_texts[count++], DIFFERENCE_BYTES,
                 "Karpenter counts the primary interface, which serves no pods with custom networking: %lld pods too many, which stay in "
                 "ContainerCreating, unless RESERVED_ENIS is 1.", (long long)(by->karpenter - host - by->pool_addresses));
    if (query->custom_networking && by->standard - host > by->pool_addresses)
        snprintf(out_texts[count++], DIFFERENCE_BYTES,
                 "nodeadm takes the standard value (%lld) for a custom AMI without maxPods: more than the %lld addresses for pods.", (long long)by->standard,
                 (long long)by->pool_addresses);
    if (!query->custom_networking && !prefixes && by->karpenter > by->calculator)
        snprintf(out_texts[count++], DIFFERENCE_BYTES, "A node of Karpenter or of a custom AMI takes up to %lld pods, one of a managed node group %lld.",
                 (long long)by->karpenter, (long long)by->managed_node_group);
    if (by->karpenter < by->standard && query->reserved_enis > 0)
        snprintf(out_texts[count++], DIFFERENCE_BYTES, "RESERVED_ENIS lowers Karpenter's value alone (%lld, standard %lld).", (long long)by->karpenter,
                 (long long)by->standard);
    if (by->auto_mode + host != by->standard && by->auto_mode != by->standard)
        snprintf(out_texts[count++], DIFFERENCE_BYTES, "EKS Auto Mode caps at 110 and adds nothing for the host network: %lld.", (long long)by->auto_mode);
    return count;
}

int kerf_cmd_vpc_max_pods(int argc, char **argv, struct kerf_errors *errs)
{
    static const char command[] = "kerf vpc max-pods";
    struct kerf_vpc_node_flags flags = {0};
    struct kerf_max_pods_query query = {0};
    int64_t vcpus = -1;
    bool xen = false;
    int format = KERF_FORMAT_TEXT;
    const struct kerf_option options[] = {
        KERF_VPC_NODE_OPTIONS(&flags),
        {.name = "vcpus", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &vcpus,
         .help = "vCPUs, for the cap (default: the type's; without a type no cap)"},
        {.name = "xen", .kind = KERF_OPTION_FLAG, .value = &xen, .help = "the hypervisor delegates no prefixes (default: the type's)"},
        {.name = "prefix-delegation", .kind = KERF_OPTION_FLAG, .value = &query.prefix_delegation, .help = "ENABLE_PREFIX_DELEGATION is true"},
        {.name = "custom-networking", .kind = KERF_OPTION_FLAG, .value = &query.custom_networking,
         .help = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG is true: the primary interface holds no pods"},
        {.name = "max-eni", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &query.cni_max_enis, .help = "MAX_ENI of the CNI"},
        {.name = "reserved-enis", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &query.reserved_enis,
         .help = "RESERVED_ENIS of Karpenter (default 0)"},
        KERF_OPTION_FORMAT(&format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = command,
        .about = "Pods that a node can hold, as each tool computes it.",
        .notes = "The first number is kubelet's max-pods for these settings: the formula, and with prefixes what the calculator recommends.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct kerf_operands operands;
    struct kerf_instance_limits limits;
    int exit_code = KERF_EXIT_DONE;
    if (!kerf_options_parse(&table, argc, argv, &operands, &exit_code) ||
        !kerf_vpc_resolve_limits(command, &flags, &limits, &exit_code, errs))
        return exit_code;

    query.limits = (struct kerf_eni_limits){.enis = limits.enis, .ipv4_per_eni = limits.ipv4_per_eni};
    query.vcpus = vcpus >= 0 ? vcpus : limits.vcpus;
    query.nitro = limits.nitro && !xen;
    query.bare_metal = limits.bare_metal;
    struct kerf_max_pods_by_tool by = kerf_vpc_max_pods_by_tool(&query);
    int64_t max_pods = query.prefix_delegation ? by.calculator : by.formula;
    struct tool_row rows[TOOL_COUNT];
    list_tools(&by, query.vcpus > 0, rows);
    bool prefixes = query.prefix_delegation && (query.nitro || query.bare_metal);

    char differences[DIFFERENCES_MAX][DIFFERENCE_BYTES];
    int difference_count = list_differences(&query, &by, differences);

    if (format == KERF_FORMAT_JSON) {
        printf("{\"schema\": \"kerf.vpc.max-pods/v1\", ");
        if (flags.instance_type)
            printf("\"instanceType\": \"%s\", ", flags.instance_type); /* a name of the catalogue: letters, digits, dot, dash */
        printf("\"enis\": %d, \"addressesPerEni\": %d, \"prefixDelegation\": %s, \"customNetworking\": %s,\n \"maxPods\": %lld,\n \"byTool\": {",
               limits.enis, limits.ipv4_per_eni, prefixes ? "true" : "false", query.custom_networking ? "true" : "false",
               (long long)max_pods);
        for (int i = 0; i < TOOL_COUNT; i++)
            printf("%s\"%s\": %lld", i ? ", " : "", rows[i].key, (long long)rows[i].value);
        printf("},\n \"podAddresses\": %lld,\n \"differences\": [", (long long)by.pool_addresses);
        for (int i = 0; i < difference_count; i++)
            printf("%s\"%s\"", i ? ", " : "", differences[i]);
        printf("]}\n");
        return KERF_EXIT_DONE;
    }
    printf("%lld\n\n%s%s%d network interfaces of %d IPv4 addresses, %s%s:\n", (long long)max_pods, flags.instance_type ? flags.instance_type : "",
           flags.instance_type ? ": " : "", limits.enis, limits.ipv4_per_eni, prefixes ? "/28 prefixes" : "secondary addresses",
           query.custom_networking ? ", custom networking" : "");
    for (int i = 0; i < TOOL_COUNT; i++)
        printf("%6lld  %s\n", (long long)rows[i].value, rows[i].meaning);
    printf("%6lld  addresses for pods; those on the host network need none\n", (long long)by.pool_addresses);
    if (difference_count > 0)
        printf("\n");
    for (int i = 0; i < difference_count; i++)
        printf("%s\n", differences[i]);
    if (query.prefix_delegation && !prefixes)
        printf("\nPrefixes are not delegated to this type: the CNI hands out secondary addresses.\n");
    return KERF_EXIT_DONE;
}
