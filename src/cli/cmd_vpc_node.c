/**
 * kerf vpc node: the address pool of one node as pods come and go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_vpc.h"
#include "kerf/vpc.h"

#define COURSES_DEFAULT 101 /* enough to tell the commonest course from the others; microseconds each */
#define COURSES_MAX 100000
#define STEPS_MAX 1000
#define PODS_MAX 100000

struct step_list {
    struct kerf_node_step items[STEPS_MAX];
    size_t count;
};

/* "0,27:newest,3:oldest". False when a message went out. */
static bool read_steps(const char *command, const char *text, struct step_list *steps)
{
    const char *rest = text;
    steps->count = 0;
    for (;;) {
        size_t length = strcspn(rest, ",");
        size_t digits = strspn(rest, "0123456789");
        struct kerf_node_step *step = &steps->items[steps->count];
        char number[12] = "";
        bool fits = digits > 0 && digits < sizeof number;
        if (fits)
            memcpy(number, rest, digits);
        step->pods = fits ? atol(number) : -1;
        step->leave = KERF_LEAVE_NEWEST;
        const char *order = rest + digits;
        size_t order_length = length - (digits < length ? digits : length);
        bool known = order_length == 0 || (order_length == 7 && memcmp(order, ":newest", 7) == 0);
        if (order_length == 7 && memcmp(order, ":oldest", 7) == 0) {
            known = true;
            step->leave = KERF_LEAVE_OLDEST;
        }
        if (!fits || !known || step->pods > PODS_MAX) {
            kerf_usage_error(command, "--pods: \"%.*s\" is not a number of pods (0 to %d) with :newest or :oldest, which go first",
                             (int)length, rest, PODS_MAX);
            return false;
        }
        steps->count++;
        if (rest[length] == '\0')
            return true;
        if (steps->count == STEPS_MAX) {
            kerf_usage_error(command, "--pods: more than %d steps", STEPS_MAX);
            return false;
        }
        rest += length + 1;
    }
}

static void print_slots(const struct kerf_node_rest *rest, const char *separator)
{
    for (uint32_t i = 0; i < rest->eni_count; i++)
        printf("%s%u", i ? separator : "", (unsigned)rest->slots[i]);
}

static void print_node_json(const struct kerf_node_rest *rests, size_t count, bool prefixes, bool two_subnets, double share,
                            uint32_t distinct)
{
    printf("{\"schema\": \"kerf.vpc.node/v1\", \"courses\": {\"distinct\": %u, \"share\": %.3f},\n \"steps\": [", distinct, share);
    for (size_t i = 0; i < count; i++) {
        const struct kerf_node_rest *rest = &rests[i];
        printf("%s\n  {\"enis\": %u, \"slots\": [", i ? "," : "", rest->eni_count);
        print_slots(rest, ", ");
        printf("], \"secondaryAddresses\": %d, \"prefixes\": %d, \"podsPlaced\": %lld, \"podsPending\": %lld, "
               "\"addressesTaken\": {\"node\": %lld",
               prefixes ? 0 : rest->stats.slots, prefixes ? rest->stats.slots : 0, (long long)rest->pods_placed,
               (long long)rest->pods_waiting, (long long)rest->node_subnet_addresses);
        if (two_subnets)
            printf(", \"pod\": %lld", (long long)rest->pod_subnet_addresses);
        printf("}, \"settled\": %s, \"restSeconds\": ", rest->settled ? "true" : "false");
        if (rest->settled)
            printf("%.1f", (double)rest->rest_after_us / (double)KERF_SECOND_US);
        else
            printf("null");
        printf(", \"ec2Calls\": {\"createNetworkInterface\": %lld, \"deleteNetworkInterface\": %lld, \"assign\": %lld, "
               "\"unassign\": %lld, \"failed\": %lld}}",
               (long long)rest->create_calls, (long long)rest->delete_calls, (long long)rest->assign_calls,
               (long long)rest->unassign_calls, (long long)rest->failed_calls);
    }
    printf("\n]}\n");
}

static void print_node_text(const struct kerf_node_rest *rests, const struct step_list *steps, bool prefixes, bool two_subnets,
                            double share, uint32_t distinct)
{
    printf("%8s  %8s  %8s  %5s  %10s  %10s%s  %8s  %s\n", "pods", "placed", "waiting", "ENIs", prefixes ? "prefixes" : "addresses",
           "subnet", two_subnets ? "  pod subnet" : "", "rest", prefixes ? "prefixes per ENI" : "addresses per ENI");
    for (size_t i = 0; i < steps->count; i++) {
        const struct kerf_node_rest *rest = &rests[i];
        printf("%8lld  %8lld  %8lld  %5u  %10d  %10lld", (long long)steps->items[i].pods, (long long)rest->pods_placed,
               (long long)rest->pods_waiting, rest->eni_count, rest->stats.slots, (long long)rest->node_subnet_addresses);
        if (two_subnets)
            printf("  %10lld", (long long)rest->pod_subnet_addresses);
        if (rest->settled)
            printf("  %7.1fs  ", (double)rest->rest_after_us / (double)KERF_SECOND_US);
        else
            printf("  %8s  ", "flaps");
        print_slots(rest, " ");
        printf("\n");
    }
    if (distinct > 1)
        printf("\nThe commonest of %u courses (%.0f %%): ipamd walks its interfaces in no fixed order.\n", distinct, share * 100);
}

static void print_finding(void *context, enum kerf_vpc_misconfiguration kind, const char *text)
{
    (void)context;
    (void)kind;
    printf("Note: %s.\n", text);
}

/* What is rarely meant, and what the table does not show. */
static void print_notes(const struct kerf_vpc_pool_options *pool, const char *instance_type, bool warm_eni_given)
{
    const struct kerf_cni_settings *settings = &pool->settings;
    struct kerf_vpc_judged_node node = {
        .name = instance_type ? instance_type : "this node",
        .limits = pool->limits,
        .max_pods = pool->max_pods,
        .max_pods_standard = kerf_vpc_max_pods(pool->limits, KERF_IP_SECONDARY, 0),
        .host_pods = 2,
        .unmanaged_enis = pool->unmanaged_enis,
        .prefix_capable = pool->prefix_capable,
        .trunk_capable = pool->trunk_capable,
    };
    kerf_vpc_review_settings(settings, warm_eni_given, print_finding, NULL);
    kerf_vpc_review_node(settings, &node, print_finding, NULL);
    if (settings->ipv6)
        printf("Note: IPv6: pods draw from a /80 of the primary interface; only interfaces take IPv4 addresses.\n");
    if (settings->pod_eni && pool->trunk_capable)
        printf("Note: an interface is kept for the trunk of security groups for pods, which is not attached here: with it the subnet has one "
               "address less, and one for each pod with a security group.\n");
    if (settings->multi_nic)
        printf("Note: only the default network card is shown; with ENABLE_MULTI_NIC each further card takes at least two addresses.\n");
}

int kerf_cmd_vpc_node(int argc, char **argv, struct kerf_errors *errs)
{
    static const char command[] = "kerf vpc node";
    struct kerf_vpc_node_flags flags = {0};
    struct kerf_instance_limits limits;
    int64_t max_pods = -1, courses = COURSES_DEFAULT, seed = 1, unmanaged = 0;
    struct kerf_option_list env = {0};
    const char *pods = NULL;
    int format = KERF_FORMAT_TEXT;
    bool xen = false;
    const struct kerf_option options[] = {
        KERF_VPC_NODE_OPTIONS(&flags),
        {.name = "xen", .kind = KERF_OPTION_FLAG, .value = &xen, .help = "the hypervisor delegates no prefixes (default: the type's)"},
        {.name = "max-pods", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &max_pods,
         .help = "kubelet's limit (default: what the interfaces allow)"},
        {.name = "unmanaged-enis", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &unmanaged,
         .help = "interfaces attached by others and tagged no_manage (default 0)"},
        {.name = "env", .kind = KERF_OPTION_LIST, .argument = "KEY=VALUE", .value = &env,
         .help = "a setting of the aws-node container, as often as needed\n(default: the shipped manifest's)"},
        {.name = "pods", .kind = KERF_OPTION_TEXT, .argument = "N[:ORDER],...", .value = &pods,
         .help = "pods on the node, step by step; ORDER newest (default) or oldest:\nwho goes first when their number falls"},
        {.name = "courses", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &courses,
         .help = "courses to draw (default 101); the commonest is shown"},
        {.name = "seed", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &seed, .help = "of the draws (default 1)"},
        KERF_OPTION_FORMAT(&format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = command,
        .about = "The address pool of one node as pods come and go: after each step, once ipamd is at rest.\n"
                 "EC2 answers at once, from a subnet without end.",
        .notes = "Exit 1: the node cannot work with these settings.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct kerf_operands operands;
    static struct step_list steps;
    int exit_code = KERF_EXIT_USAGE;
    struct kerf_vpc_pool_options pool = {.settings = kerf_cni_settings_default()};
    if (!kerf_options_parse(&table, argc, argv, &operands, &exit_code))
        goto out;
    if (!kerf_vpc_resolve_limits(command, &flags, &limits, &exit_code, errs))
        goto out;
    exit_code = KERF_EXIT_USAGE;
    if (!kerf_vpc_read_env(command, &env, &pool.settings))
        goto out;
    if (!pods) {
        kerf_usage_error(command, "--pods is missing (such as --pods 0,27,3:oldest)");
        goto out;
    }
    if (courses < 1 || courses > COURSES_MAX) {
        kerf_usage_error(command, "--courses %lld: expected 1 to %d", (long long)courses, COURSES_MAX);
        goto out;
    }
    if (unmanaged >= limits.enis) {
        kerf_usage_error(command, "--unmanaged-enis %lld: expected fewer than the node has (%d): its primary interface is always managed",
                         (long long)unmanaged, limits.enis);
        goto out;
    }
    if (!read_steps(command, pods, &steps))
        goto out;

    pool.limits = (struct kerf_eni_limits){.enis = limits.enis, .ipv4_per_eni = limits.ipv4_per_eni};
    pool.prefix_capable = (limits.nitro || limits.bare_metal) && !xen;
    pool.trunk_capable = limits.trunking_compatible;
    pool.unmanaged_enis = (int32_t)unmanaged;
    bool prefixes = pool.settings.prefix_delegation && pool.prefix_capable;
    bool two_subnets = pool.settings.custom_networking;
    pool.max_pods = max_pods >= 0 ? max_pods
                                  : kerf_vpc_max_pods(pool.limits, prefixes ? KERF_IP_PREFIX : KERF_IP_SECONDARY, two_subnets ? 1 : 0);
    pool.primary_address = KERF_ADDRESS_NONE;
    pool.order_key = (uint64_t)seed;
    bool warm_eni_given = false;
    for (size_t i = 0; i < env.count; i++)
        warm_eni_given |= strncmp(env.items[i], "WARM_ENI_TARGET=", strlen("WARM_ENI_TARGET=")) == 0;
    struct kerf_node_rest *rests = calloc(steps.count, sizeof *rests);
    if (!rests) {
        fprintf(stderr, "%s: out of memory\n", command);
        exit_code = KERF_EXIT_MACHINE;
        goto out;
    }
    double share = 0;
    uint32_t distinct = 0;
    const char *refusal = kerf_vpc_node_commonest(&pool, steps.items, steps.count, (uint32_t)courses, rests, &share, &distinct);
    exit_code = refusal ? KERF_EXIT_NO : KERF_EXIT_DONE;
    if (refusal && format == KERF_FORMAT_JSON)
        printf("{\"schema\": \"kerf.vpc.node/v1\", \"error\": \"%s\"}\n", refusal);
    else if (refusal)
        printf("The node cannot work: %s.\n", refusal);
    else if (format == KERF_FORMAT_JSON)
        print_node_json(rests, steps.count, prefixes, two_subnets, share, distinct);
    else
        print_node_text(rests, &steps, prefixes, two_subnets, share, distinct);
    if (!refusal && format != KERF_FORMAT_JSON)
        print_notes(&pool, flags.instance_type, warm_eni_given);
    free(rests);
out:
    kerf_option_list_free(&env);
    return exit_code;
}
