/**
 * kerf vpc subnets: what a fleet needs of its subnets, when they run out, and which would do.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd_vpc.h"
#include "kerf/report.h"
#include "kerf/subnets.h"

#define SUBNETS_MAX 64
#define ZONES_MAX 64
#define GROUPS_MAX 64
#define NODES_MAX 100000
#define PODS_MAX 1000
#define PODS_REPLACED_MAX 100000000
#define REPLICATIONS_DEFAULT 20
#define REPLICATIONS_MAX 10000

static const char command[] = "kerf vpc subnets";
static const char *const placements[] = {"random", "lowest", NULL};
static const char *const shortages[] = {"InsufficientCidrBlocks", "InvalidParameterValue", NULL};

struct flags {
    struct kerf_vpc_node_flags node;
    struct kerf_option_list subnets, env, groups, reservations, designs;
    const char *region, *churn, *node_churn, *grow, *days, *holds, *replications, *seed;
    int64_t nodes, pods_per_node, pods_room, max_pods, taken, threads;
    bool only_given;
    int format, placement, shortage;
};

struct work {
    struct kerf_subnet_query query;
    struct kerf_subnet_workload workload;
    struct kerf_subnet_spec subnets[SUBNETS_MAX];
    const char *zones[ZONES_MAX];
    char zone_texts[ZONES_MAX][64];
    struct kerf_demand_shape shapes[GROUPS_MAX];
    struct kerf_subnet_group groups[GROUPS_MAX];
};

static void show_progress(void *context, uint32_t done, uint32_t total)
{
    const time_t *started = context;
    if (isatty(STDERR_FILENO) && time(NULL) - *started >= 1) {
        fprintf(stderr, done < total ? "\r%u of %u" : "\r\033[K", done, total);
        fflush(stderr);
    }
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------- */

static bool read_number(const char *name, const char *text, double most, double *out_number)
{
    char *end;
    double number = strtod(text, &end);
    if (*text < '0' || *text > '9' || *end != '\0' || strpbrk(text, "xX") || !(number <= most)) { /* strtod reads 0x10 too */
        kerf_usage_error(command, "--%s: \"%s\" is not a number from 0 to %.0f", name, text, most);
        return false;
    }
    *out_number = number;
    return true;
}

static bool read_u64(const char *name, const char *text, uint64_t most, uint64_t *out_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number > most) {
        kerf_usage_error(command, "--%s: \"%s\" is not a whole number up to %llu", name, text, (unsigned long long)most);
        return false;
    }
    *out_number = number;
    return true;
}

static uint32_t zone_of(struct work *work, const char *name, size_t length)
{
    for (uint32_t i = 0; i < work->query.zone_count; i++)
        if (strlen(work->zones[i]) == length && memcmp(work->zones[i], name, length) == 0)
            return i;
    if (work->query.zone_count == ZONES_MAX || length >= sizeof work->zone_texts[0])
        return ZONES_MAX;
    uint32_t zone = work->query.zone_count++;
    memcpy(work->zone_texts[zone], name, length);
    work->zones[zone] = work->zone_texts[zone];
    return zone;
}

/* CIDR@ZONE[:nodes|:pods] */
static bool read_subnet(struct work *work, const char *text, int64_t taken)
{
    const char *at = strchr(text, '@');
    char cidr[32] = "";
    if (work->query.subnet_count == SUBNETS_MAX) {
        kerf_usage_error(command, "--subnet: more than %d subnets", SUBNETS_MAX);
        return false;
    }
    if (!at || at == text || (size_t)(at - text) >= sizeof cidr) {
        kerf_usage_error(command, "--subnet: \"%s\" is not CIDR@ZONE, such as 10.0.0.0/24@us-east-1a", text);
        return false;
    }
    struct kerf_subnet_spec *subnet = &work->subnets[work->query.subnet_count];
    memcpy(cidr, text, (size_t)(at - text));
    const char *problem = kerf_cidr_parse(cidr, &subnet->cidr);
    if (!problem && (subnet->cidr.prefix_length < 16 || subnet->cidr.prefix_length > 28))
        problem = "a subnet of a VPC is /16 to /28";
    for (uint32_t i = 0; i < work->query.subnet_count && !problem; i++)
        if (kerf_cidr_overlaps(work->subnets[i].cidr, subnet->cidr))
            problem = "overlaps another subnet";
    if (!problem && taken > (int64_t)kerf_cidr_size(subnet->cidr) - KERF_VPC_SUBNET_RESERVED)
        problem = "has fewer addresses than --taken";
    const char *zone = at + 1, *colon = strchr(zone, ':');
    size_t zone_length = colon ? (size_t)(colon - zone) : strlen(zone);
    if (colon && strcmp(colon, ":nodes") != 0 && strcmp(colon, ":pods") != 0)
        problem = "after the zone only :nodes or :pods is understood";
    if (zone_length == 0)
        problem = "the zone is missing";
    if (problem) {
        kerf_usage_error(command, "--subnet: \"%s\": %s", text, problem);
        return false;
    }
    subnet->use = !colon ? KERF_SUBNET_BOTH : strcmp(colon, ":nodes") == 0 ? KERF_SUBNET_NODES : KERF_SUBNET_PODS;
    subnet->taken = (uint32_t)taken;
    subnet->zone = zone_of(work, zone, zone_length);
    if (subnet->zone == ZONES_MAX) {
        kerf_usage_error(command, "--subnet: \"%s\": more than %d zones, or a name too long", text, ZONES_MAX);
        return false;
    }
    work->query.subnet_count++;
    return true;
}

static bool read_reservation(struct work *work, const char *text)
{
    struct kerf_cidr range;
    const char *problem = kerf_cidr_parse(text, &range);
    if (!problem && range.prefix_length > 28)
        problem = "a prefix reservation is smaller than a /28 block";
    struct kerf_subnet_spec *subnet = NULL;
    for (uint32_t i = 0; i < work->query.subnet_count && !problem; i++)
        if (kerf_cidr_contains(work->subnets[i].cidr, range))
            subnet = &work->subnets[i];
    if (!problem && !subnet)
        problem = "lies in none of the subnets";
    for (uint32_t i = 0; subnet && i < subnet->range_count; i++)
        if (kerf_cidr_overlaps(subnet->ranges[i].cidr, range))
            problem = "overlaps another reservation";
    if (!problem && subnet->range_count == KERF_SUBNET_RANGES_MAX)
        problem = "is one reservation too many for its subnet";
    if (problem) {
        kerf_usage_error(command, "--reserve: \"%s\": %s", text, problem);
        return false;
    }
    subnet->ranges[subnet->range_count++] = (struct kerf_subnet_range){range, KERF_RESERVATION_PREFIX};
    return true;
}

static bool subnets_make_sense(const struct work *work)
{
    bool custom = work->query.settings.custom_networking;
    for (uint32_t zone = 0; zone < work->query.zone_count; zone++) {
        bool nodes = false, pods = false;
        for (uint32_t i = 0; i < work->query.subnet_count; i++) {
            nodes |= work->subnets[i].zone == zone && work->subnets[i].use != KERF_SUBNET_PODS;
            pods |= work->subnets[i].zone == zone && work->subnets[i].use != KERF_SUBNET_NODES && (!custom || work->subnets[i].use == KERF_SUBNET_PODS);
        }
        if (!nodes || !pods) {
            kerf_usage_error(command, "zone %s has no subnet for %s%s", work->zones[zone], nodes ? "pods" : "nodes",
                             nodes && custom ? " (custom networking: CIDR@ZONE:pods)" : "");
            return false;
        }
    }
    return true;
}

static bool read_shape(struct work *work, const struct flags *flags, const char *instance_type, int *out_exit, struct kerf_errors *errs)
{
    struct kerf_vpc_node_flags node = flags->node;
    struct kerf_instance_limits limits;
    if (instance_type)
        node = (struct kerf_vpc_node_flags){.instance_type = instance_type, .catalog = flags->node.catalog};
    if (!kerf_vpc_resolve_limits(command, &node, &limits, out_exit, errs))
        return false;
    work->shapes[work->workload.group_count] = (struct kerf_demand_shape){
        .limits = {.enis = limits.enis, .ipv4_per_eni = limits.ipv4_per_eni},
        .max_pods = flags->max_pods > 0 ? flags->max_pods : 0,
        .vcpus = limits.vcpus,
        .nitro = limits.nitro,
        .bare_metal = limits.bare_metal,
        .trunk_capable = limits.trunking_compatible,
    };
    return true;
}

static bool add_group(struct work *work, const struct flags *flags, int64_t nodes, int64_t pods)
{
    if (nodes < 1 || nodes > NODES_MAX || pods < 0 || pods > PODS_MAX) {
        kerf_usage_error(command, "%lld nodes of %lld pods: expected 1 to %d nodes and up to %d pods each", (long long)nodes, (long long)pods,
                         NODES_MAX, PODS_MAX);
        return false;
    }
    int64_t room = flags->pods_room > pods ? flags->pods_room : pods;
    uint32_t at = work->workload.group_count++;
    work->groups[at] = (struct kerf_subnet_group){.shape = (uint16_t)at, .nodes = nodes, .pods_per_node = pods, .pods_per_node_max = room};
    return true;
}

/* TYPE:NODES:PODS */
static bool read_group(struct work *work, const struct flags *flags, const char *text, int *out_exit, struct kerf_errors *errs)
{
    char type[64] = "";
    long long nodes = 0, pods = 0;
    char rest = 0;
    const char *colon = strchr(text, ':');
    bool good = colon && colon > text && (size_t)(colon - text) < sizeof type && colon[1] >= '0' && colon[1] <= '9' &&
                sscanf(colon, ":%8lld:%8lld%c", &nodes, &pods, &rest) == 2;
    if (!good || work->workload.group_count == GROUPS_MAX) {
        *out_exit = work->workload.group_count == GROUPS_MAX
                        ? kerf_usage_error(command, "--group: more than %d groups", GROUPS_MAX)
                        : kerf_usage_error(command, "--group: \"%s\" is not TYPE:NODES:PODS, such as m5.xlarge:30:14", text);
        return false;
    }
    memcpy(type, text, (size_t)(colon - text));
    if (!read_shape(work, flags, type, out_exit, errs))
        return false;
    *out_exit = KERF_EXIT_USAGE;
    return add_group(work, flags, nodes, pods);
}

/* Each pod and node that comes is an event or more, in every replication. */
static bool is_bounded(const struct work *work, double days)
{
    double nodes = work->workload.nodes_added_per_day * days, pods = work->workload.pods_replaced_per_day * days;
    for (size_t i = 0; i < work->workload.group_count; i++)
        nodes += (double)work->groups[i].nodes;
    nodes += work->workload.nodes_replaced_per_day * days;
    if (nodes <= NODES_MAX && pods <= PODS_REPLACED_MAX)
        return true;
    kerf_usage_error(command, "%.0f nodes and %.0f replaced pods in %g days: expected up to %d and %d; take fewer days", nodes, pods, days, NODES_MAX,
                     PODS_REPLACED_MAX);
    return false;
}

static bool names_type(const struct flags *flags)
{
    return flags->node.instance_type || flags->node.enis > 0 || flags->node.addresses_per_eni > 0;
}

static bool read_workload(struct work *work, const struct flags *flags, int *out_exit, struct kerf_errors *errs)
{
    double days = 7;
    bool single = flags->nodes >= 0 || flags->pods_per_node >= 0;
    if (flags->groups.count == 0 && (flags->nodes < 0 || flags->pods_per_node < 0)) {
        kerf_usage_error(command, "--nodes and --pods-per-node (with --instance-type), --group TYPE:NODES:PODS, or a scenario is missing");
        return false;
    }
    if (flags->groups.count > 0 && single) {
        kerf_usage_error(command, "--group excludes --nodes and --pods-per-node");
        return false;
    }
    if (flags->groups.count > 0 && names_type(flags)) {
        kerf_usage_error(command, "--group excludes --instance-type, --enis and --addresses-per-eni: it has its own type");
        return false;
    }
    for (size_t i = 0; i < flags->groups.count; i++)
        if (!read_group(work, flags, flags->groups.items[i], out_exit, errs))
            return false;
    if (single && !read_shape(work, flags, NULL, out_exit, errs))
        return false;
    *out_exit = KERF_EXIT_USAGE;
    if (single && !add_group(work, flags, flags->nodes, flags->pods_per_node))
        return false;
    if ((flags->churn && !read_number("churn", flags->churn, 1e7, &work->workload.pods_replaced_per_day)) ||
        (flags->node_churn && !read_number("node-churn", flags->node_churn, 1e5, &work->workload.nodes_replaced_per_day)) ||
        (flags->grow && !read_number("grow", flags->grow, 1e4, &work->workload.nodes_added_per_day)) ||
        (flags->days && !read_number("days", flags->days, 3650, &days)))
        return false;
    if (days < 0.1) {
        kerf_usage_error(command, "--days %s: expected a tenth of a day or more", flags->days);
        return false;
    }
    if (!is_bounded(work, days))
        return false;
    work->workload.horizon_us = (kerf_time_us)(days * (double)KERF_DAY_US);
    work->workload.shapes = work->shapes;
    work->workload.shape_count = work->workload.group_count;
    work->workload.groups = work->groups;
    work->query.workload = &work->workload;
    return true;
}

/** What a plan must hold with, and in how many worlds it is tried. */
static bool read_trials(struct kerf_subnet_query *query, const struct flags *flags, bool of_scenario)
{
    uint64_t replications = of_scenario ? query->replications : REPLICATIONS_DEFAULT;
    if (flags->holds && (!read_number("holds", flags->holds, 1, &query->holds) || query->holds > 0.9999)) {
        kerf_usage_error(command, "--holds: expected a probability below 1");
        return false;
    }
    uint32_t wanted = kerf_subnet_replications_for(query->holds);
    if (!of_scenario && flags->holds && replications < wanted)
        replications = wanted;
    if (flags->replications && !read_u64("replications", flags->replications, REPLICATIONS_MAX, &replications))
        return false;
    if (replications < 1 || replications < wanted) {
        kerf_usage_error(command, "%llu replications cannot show that a plan holds with probability %g: that takes at least %u",
                         (unsigned long long)replications, query->holds, wanted);
        return false;
    }
    query->replications = (uint32_t)replications;
    return true;
}

static int answer(struct kerf_subnet_query *query, const struct flags *flags)
{
    time_t started = time(NULL);
    query->progress = show_progress;
    query->progress_context = &started;
    query->only_given = flags->only_given;
    struct kerf_subnet_advice *advice = kerf_advise_subnets(query);
    kerf_report_subnets(advice, (enum kerf_format)flags->format, stdout);
    int exit_code = kerf_subnet_advice_holds(advice) ? KERF_EXIT_DONE : KERF_EXIT_NO;
    kerf_subnet_advice_free(advice);
    return exit_code;
}

static int run_flags(struct work *work, const struct flags *flags, struct kerf_errors *errs)
{
    int exit_code = KERF_EXIT_USAGE;
    if (flags->subnets.count == 0)
        return kerf_usage_error(command, "--subnet CIDR@ZONE is missing (or a scenario)");
    if (flags->designs.count > 0 || flags->region)
        return kerf_usage_error(command, "--design and --region are of a scenario, and none is given");
    if (!kerf_vpc_read_env(command, &flags->env, &work->query.settings))
        return KERF_EXIT_USAGE;
    work->query.habits = (struct kerf_vpc_ec2_habits){.lowest_address = flags->placement == 1, .unrecognised_shortage = flags->shortage == 1};
    const char *refusal = kerf_cni_settings_refusal(&work->query.settings);
    if (refusal) {
        printf(flags->format == KERF_FORMAT_JSON ? "{\"schema\": \"kerf.vpc.subnets/v1\", \"error\": \"%s\"}\n" : "The nodes cannot work: %s.\n",
               refusal);
        return KERF_EXIT_NO;
    }
    for (size_t i = 0; i < flags->subnets.count; i++)
        if (!read_subnet(work, flags->subnets.items[i], flags->taken))
            return KERF_EXIT_USAGE;
    for (size_t i = 0; i < flags->reservations.count; i++)
        if (!read_reservation(work, flags->reservations.items[i]))
            return KERF_EXIT_USAGE;
    work->query.zones = work->zones;
    work->query.subnets = work->subnets;
    if (!subnets_make_sense(work) || !read_workload(work, flags, &exit_code, errs) || !read_trials(&work->query, flags, false))
        return exit_code;
    return answer(&work->query, flags);
}

static int run_scenario(struct work *work, const struct flags *flags, const char *path, struct kerf_errors *errs)
{
    if (flags->subnets.count > 0 || flags->reservations.count > 0 || flags->taken > 0 || flags->env.count > 0 || flags->groups.count > 0 ||
        flags->nodes >= 0 || flags->pods_per_node >= 0 || names_type(flags) || flags->pods_room > 0 || flags->max_pods > 0 ||
        flags->placement != 0 || flags->shortage != 0)
        return kerf_usage_error(command, "a scenario has its own subnets, settings and nodes: use --design, or its file");
    if (flags->churn || flags->node_churn || flags->grow || flags->days)
        return kerf_usage_error(command, "a scenario has its own load and horizon: use --design, or its file");
    struct kerf_scenario *scenario = NULL;
    struct kerf_scenario_overrides overrides = {
        .catalog_folder = flags->node.catalog,
        .region = flags->region,
        .seed = flags->seed,
        .replications = flags->replications,
        .designs = flags->designs.items,
        .design_count = flags->designs.count,
        .only_first_design = true,
    };
    struct kerf_subnet_scenario *simulated = NULL;
    enum kerf_status status = kerf_scenario_read(path, &overrides, &scenario, errs);
    time_t started = time(NULL);
    struct kerf_experiment_options options = {.threads = (uint32_t)flags->threads, .progress = show_progress, .progress_context = &started};
    if (status == KERF_OK)
        status = kerf_experiment_subnets(scenario, &options, &simulated, &work->query, errs);
    int exit_code = kerf_exit_of(status);
    if (status == KERF_OK)
        exit_code = read_trials(&work->query, flags, true) ? answer(&work->query, flags) : KERF_EXIT_USAGE;
    kerf_subnet_scenario_free(simulated);
    kerf_scenario_free(scenario);
    return exit_code;
}

int kerf_cmd_vpc_subnets(int argc, char **argv, struct kerf_errors *errs)
{
    struct flags flags = {.nodes = -1, .pods_per_node = -1};
    const struct kerf_option options[] = {
        {.name = "subnet", .kind = KERF_OPTION_LIST, .argument = "CIDR@ZONE[:USE]", .value = &flags.subnets,
         .help = "a subnet, as often as needed; USE nodes or pods: only for instances, or only\nfor pods' interfaces (custom networking, tagged subnets)"},
        {.name = "taken", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &flags.taken,
         .help = "addresses of each subnet that others hold from the start, scattered (default 0)"},
        {.name = "reserve", .kind = KERF_OPTION_LIST, .argument = "CIDR", .value = &flags.reservations,
         .help = "a range of a subnet reserved for prefixes, as often as needed"},
        {.name = "env", .kind = KERF_OPTION_LIST, .argument = "KEY=VALUE", .value = &flags.env,
         .help = "a setting of the aws-node container, as often as needed\n(default: the shipped manifest's)"},
        {.name = "placement", .kind = KERF_OPTION_CHOICE, .value = &flags.placement, .choices = placements,
         .help = "which free address EC2 gives an interface: random (default; any, drawn evenly)\nor lowest. AWS does not say; the lowest fragments least"},
        {.name = "prefix-shortage", .kind = KERF_OPTION_CHOICE, .value = &flags.shortage, .choices = shortages,
         .help = "EC2's error when fewer than 16 addresses are free: InsufficientCidrBlocks (default)\nor InvalidParameterValue, after which the CNI makes no pause"},
        KERF_VPC_NODE_OPTIONS(&flags.node),
        {.name = "nodes", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &flags.nodes, .help = "nodes of that type, round the zones"},
        {.name = "pods-per-node", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &flags.pods_per_node,
         .help = "pods on each that need an address"},
        {.name = "group", .kind = KERF_OPTION_LIST, .argument = "TYPE:NODES:PODS", .value = &flags.groups,
         .help = "instead: nodes of a type with so many pods each, as often as needed"},
        {.name = "pods-room", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &flags.pods_room,
         .help = "pods that a node has room for (default: as many as it has)"},
        {.name = "max-pods", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &flags.max_pods,
         .help = "kubelet's limit (default: what the calculator says for the settings)"},
        {.name = "churn", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &flags.churn, .help = "pods replaced a day (default 0)"},
        {.name = "node-churn", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &flags.node_churn, .help = "nodes replaced a day (default 0)"},
        {.name = "grow", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &flags.grow, .help = "nodes added a day (default 0)"},
        {.name = "days", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &flags.days, .help = "days to look at (default 7)"},
        {.name = "design", .kind = KERF_OPTION_LIST, .argument = "NAME", .value = &flags.designs,
         .help = "of a scenario: the design (default: the first)"},
        {.name = "region", .kind = KERF_OPTION_TEXT, .argument = "REGION", .value = &flags.region, .help = "of a scenario: another region"},
        {.name = "replications", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &flags.replications,
         .help = "random worlds (default 20, or the scenario's)"},
        {.name = "holds", .kind = KERF_OPTION_TEXT, .argument = "P", .value = &flags.holds,
         .help = "probability that a plan must hold with, at 95 % confidence\n(default: it must hold in every replication)"},
        {.name = "given-only", .kind = KERF_OPTION_FLAG, .value = &flags.only_given, .help = "look at these subnets only, not for smaller plans"},
        {.name = "seed", .kind = KERF_OPTION_TEXT, .argument = "N", .value = &flags.seed, .help = "of the random numbers (default 1)"},
        {.name = "threads", .kind = KERF_OPTION_COUNT, .argument = "N", .value = &flags.threads,
         .help = "of a scenario's simulation (default: the processors); never changes a result"},
        KERF_OPTION_FORMAT(&flags.format, kerf_formats_text_json),
    };
    const struct kerf_option_table table = {
        .command = command,
        .operands = "[SCENARIO]",
        .about = "What a fleet needs of its subnets: addresses, the day and the cause of exhaustion, stranded warm\n"
                 "addresses, EC2 calls, a map, and the smallest subnets that hold with each setting of the CNI.\n"
                 "The fleet is given by numbers, or taken from a simulated scenario.",
        .notes = "Exit 1: the subnets ran out in some replication, or the nodes cannot work with these settings.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operand_min = 0,
        .operand_max = 1,
    };
    struct kerf_operands operands;
    static struct work work;
    int exit_code = KERF_EXIT_USAGE;
    work = (struct work){.query = {.settings = kerf_cni_settings_default(), .seed = 1}};
    if (kerf_options_parse(&table, argc, argv, &operands, &exit_code)) {
        if (flags.seed && !read_u64("seed", flags.seed, UINT64_MAX, &work.query.seed))
            exit_code = KERF_EXIT_USAGE;
        else if (operands.count > 0)
            exit_code = run_scenario(&work, &flags, operands.items[0], errs);
        else
            exit_code = run_flags(&work, &flags, errs);
    }
    kerf_option_list_free(&flags.subnets);
    kerf_option_list_free(&flags.env);
    kerf_option_list_free(&flags.groups);
    kerf_option_list_free(&flags.reservations);
    kerf_option_list_free(&flags.designs);
    return exit_code;
}
