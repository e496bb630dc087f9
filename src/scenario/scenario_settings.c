/**
 * Every key of a scenario, once: path, default, unit, and where its value goes. The check of unknown keys, the reading of simple
 * values, their defaults and the list in docs/scenario.md all come from this table.
 */
#include "scenario/scenario_internal.h"

#include <math.h>

enum key_kind {
    KEY_OTHER, /* a map, a list, or a value that another file reads */
    KEY_FREE,  /* a map with keys of its own: labels, environment variables */
    KEY_BOOL,
    KEY_COUNT,     /* int64_t */
    KEY_COUNT_32,  /* int32_t */
    KEY_NUMBER,    /* double */
    KEY_DURATION,  /* kerf_time_us; bounds in seconds */
    KEY_BYTES,     /* int64_t, from a quantity */
    KEY_GIBIBYTES, /* int64_t, from a quantity */
    KEY_DOLLARS,   /* kerf_usd_micros */
    KEY_CHOICE,    /* bool: the second of two words */
};

struct key {
    const char *path;
    const char *standard;
    const char *unit;
    enum key_kind kind;
    bool preset; /* the default is not the text of `standard`: the caller has set the member */
    size_t offset;
    double min;
    double max;
    const char *words[2];
};

#define IN_DESIGN(member) .offset = offsetof(struct kerf_design, member)
#define IN_LOAD(member) .offset = offsetof(struct kerf_load, member)
#define IN_GROUP(member) .offset = offsetof(struct kerf_nodegroup, member)
#define OTHER(path_, standard_, unit_) { .path = (path_), .standard = (standard_), .unit = (unit_), .kind = KEY_OTHER }
#define FREE(path_, standard_, unit_) { .path = (path_), .standard = (standard_), .unit = (unit_), .kind = KEY_FREE }
#define BOOL(path_, standard_, where) { .path = (path_), .standard = (standard_), .unit = "true or false", .kind = KEY_BOOL, where }
#define VALUE(path_, kind_, min_, max_, standard_, unit_, where)                                                                  \
    { .path = (path_), .standard = (standard_), .unit = (unit_), .kind = (kind_), .min = (min_), .max = (max_), where }
#define SHARE(path_, standard_, where) VALUE(path_, KEY_NUMBER, 0, 1, standard_, "0 to 1", where)
#define DURATION(path_, min_, max_, standard_, where) VALUE(path_, KEY_DURATION, min_, max_, standard_, "duration", where)
#define LOGNORMAL(path_, mu_, sigma_, member)                                                                                     \
    VALUE(path_ ".mu", KEY_NUMBER, -10, 12, mu_, "ln of seconds", IN_DESIGN(member.mu)),                                          \
        VALUE(path_ ".sigma", KEY_NUMBER, 0, 3, sigma_, "ln of seconds", IN_DESIGN(member.sigma))
#define CHOICE(path_, first, second, where)                                                                                       \
    { .path = (path_), .standard = (first), .unit = first " or " second, .kind = KEY_CHOICE, .words = { first, second }, where }

#define DAY 86400.0
#define YEAR (366 * DAY)
#define EBIBYTE 1152921504606846976.0 /* what no image and no disk reaches */

static const struct key keys[] = {
    OTHER("apiVersion", "", "kerf/v1alpha1"),
    OTHER("kind", "", "Scenario"),
    OTHER("metadata", "", "map"),
    OTHER("metadata.name", "the file's name", "text"),
    OTHER("question", "", "text"),
    OTHER("manifests", "", "list of paths"),
    OTHER("region", "us-east-1", "name"),
    OTHER("zones", "those of subnets, else the first three of the region", "list of names"),
    OTHER("start", "2026-01-04", "date or RFC 3339"),
    OTHER("timeZone", "UTC", "UTC or +HH:MM"),
    DURATION("horizon", 1, 10 * YEAR, "192h", IN_DESIGN(horizon_us)),
    DURATION("warmUp", 0, 10 * YEAR, "24h", IN_DESIGN(warm_up_us)),
    OTHER("seed", "1", "whole number"),
    OTHER("replications", "20", "1 to 10000"),
    OTHER("designs", "one, named as the scenario", "list"),
    OTHER("designs[].name", "", "text"),

    OTHER("subnets", "none: addresses are not modelled", "list"),
    OTHER("subnets[].id", "", "text"),
    OTHER("subnets[].zone", "", "name"),
    OTHER("subnets[].cidr", "", "CIDR of /16 to /28"),
    OTHER("subnets[].use", "both", "both, nodes or pods"),
    OTHER("subnets[].taken", "0", "addresses"),
    OTHER("subnets[].takers", "none", "list"),
    OTHER("subnets[].takers[].name", "", "text"),
    OTHER("subnets[].takers[].addresses", "", "addresses"),
    OTHER("subnets[].takers[].from", "0s", "duration since the start, or RFC 3339"),
    OTHER("subnets[].takers[].until", "the end", "duration since the start, or RFC 3339"),
    OTHER("subnets[].reserved", "none", "list"),
    OTHER("subnets[].reserved[].cidr", "", "CIDR in the subnet"),
    OTHER("subnets[].reserved[].type", "prefix", "prefix or explicit"),
    FREE("cni", "as the shipped manifest", "environment of aws-node"),

    OTHER("nodeGroups", "none", "list"),
    OTHER("nodeGroups[].name", "", "text"),
    OTHER("nodeGroups[].instanceTypes", "m5.large", "list of names"),
    OTHER("nodeGroups[].capacityType", "on-demand", "on-demand or spot"),
    OTHER("nodeGroups[].onDemandBase", "0", "nodes"),
    OTHER("nodeGroups[].onDemandPercentage", "none: all of one capacity type", "0 to 100"),
    OTHER("nodeGroups[].minSize", "desiredCapacity", "nodes"),
    OTHER("nodeGroups[].maxSize", "desiredCapacity", "nodes"),
    OTHER("nodeGroups[].desiredCapacity", "minSize, else 2", "nodes"),
    FREE("nodeGroups[].labels", "none", "map"),
    OTHER("nodeGroups[].taints", "none", "list"),
    OTHER("nodeGroups[].taints[].key", "", "text"),
    OTHER("nodeGroups[].taints[].value", "none", "text"),
    OTHER("nodeGroups[].taints[].effect", "", "NoSchedule, PreferNoSchedule or NoExecute"),
    OTHER("nodeGroups[].zones", "zones", "list of names"),
    OTHER("nodeGroups[].volumeSize", "fees.rootVolume", "quantity"),
    OTHER("nodeGroups[].maxPods", "what the type allows", "pods"),
    VALUE("nodeGroups[].unmanagedEnis", KEY_COUNT_32, 0, 64, "0", "network interfaces", IN_GROUP(unmanaged_enis)),
    OTHER("nodeGroups[].amiFamily", "AL2023", "name"),
    BOOL("nodeGroups[].managed", "true", IN_GROUP(managed)),
    OTHER("nodeGroups[].terminationHandler", "as the manifests have it", "none, imds or queue"),
    BOOL("nodeGroups[].zoneRebalancing", "true", IN_GROUP(zone_rebalancing)),
    OTHER("nodeGroups[].capacityRebalancing", "true for managed Spot, else false", "true or false"),
    OTHER("nodeGroups[].maxUnavailable", "1", "nodes, or a percentage"),
    OTHER("nodeGroups[].updates", "none", "list of durations since the start, or RFC 3339"),
    VALUE("nodeGroups[].bootFactor", KEY_NUMBER, 0.01, 1000, "1", "factor", IN_GROUP(boot_factor)),
    SHARE("nodeGroups[].joinFailure", "0", IN_GROUP(join_failure)),

    OTHER("load", "none: replicas of the manifests", "list"),
    OTHER("load[].workload", "", "Kind/namespace/name"),
    OTHER("load[].replicas", "the manifest's", "pods"),
    OTHER("load[].schedule", "none", "list"),
    OTHER("load[].schedule[].at", "", "cron"),
    OTHER("load[].schedule[].replicas", "", "pods"),
    OTHER("load[].daily", "none", "map"),
    OTHER("load[].daily.points", "", "list, at least two"),
    OTHER("load[].daily.points[].at", "", "HH:MM"),
    OTHER("load[].daily.points[].replicas", "", "pods"),
    VALUE("load[].daily.weekendFactor", KEY_NUMBER, 0, 100, "1", "factor", IN_LOAD(weekend_factor)),
    VALUE("load[].daily.noise", KEY_NUMBER, 0, 2, "0", "deviation of ln(replicas)", IN_LOAD(noise_sigma)),
    DURATION("load[].daily.every", 1, DAY, "5m", IN_LOAD(update_every_us)),
    OTHER("load[].arrivals", "none", "map"),
    VALUE("load[].arrivals.perHour", KEY_NUMBER, 0, 100000, "0", "jobs an hour", IN_LOAD(arrivals_per_hour)),
    VALUE("load[].arrivals.peakFactor", KEY_NUMBER, 1, 2, "1", "factor", IN_LOAD(arrivals_peak_factor)),
    OTHER("load[].duration", "none: pods run until they are deleted", "map"),
    { .path = "load[].duration.median", .standard = "", .unit = "duration", .kind = KEY_DURATION, .preset = true, .min = 1e-3,
      .max = YEAR, IN_LOAD(duration_median_us) },
    VALUE("load[].duration.sigma", KEY_NUMBER, 0, 3, "0.8", "ln", IN_LOAD(duration_sigma)),
    { .path = "load[].imageSize", .standard = "timings.imageSize", .unit = "quantity", .kind = KEY_BYTES, .preset = true,
      .max = EBIBYTE, IN_LOAD(image_bytes) },
    { .path = "load[].startTime", .standard = "timings.podStart", .unit = "duration", .kind = KEY_DURATION, .preset = true, .max = DAY,
      IN_LOAD(start_us) },
    { .path = "load[].stopTime", .standard = "timings.podStop", .unit = "duration", .kind = KEY_DURATION, .preset = true, .max = DAY,
      IN_LOAD(stop_us) },
    DURATION("load[].restartCost", 0, YEAR, "0s", IN_LOAD(restart_cost_us)),
    DURATION("load[].restartWarmUp", 0, YEAR, "0s", IN_LOAD(restart_warm_up_us)),
    { .path = "load[].restartPricePerHour", .standard = "as the bill charges its requests", .unit = "dollars an hour", .kind = KEY_DOLLARS,
      .preset = true, .max = 1e6, IN_LOAD(restart_price_per_hour) },

    OTHER("spot", "", "map"),
    BOOL("spot.reclaims", "true", IN_DESIGN(spot.reclaims)),
    BOOL("spot.optimistic", "false", IN_DESIGN(spot.optimistic)),
    DURATION("spot.launchLife", 3600, YEAR, "72h", IN_DESIGN(spot.launch_life_us)),
    VALUE("spot.hitAlpha", KEY_NUMBER, 1e-3, 1e6, "0.9", "of Beta", IN_DESIGN(spot.hit_alpha)),
    VALUE("spot.hitBeta", KEY_NUMBER, 1e-3, 1e6, "0.6", "of Beta", IN_DESIGN(spot.hit_beta)),
    SHARE("spot.regionalShare", "0.3", IN_DESIGN(spot.regional_share)),
    SHARE("spot.regionalHit", "0.5", IN_DESIGN(spot.regional_hit)),
    SHARE("spot.missedNotice", "0.01", IN_DESIGN(spot.missed_notice)),
    VALUE("spot.hazardFactor", KEY_NUMBER, 0, 1000, "1", "factor", IN_DESIGN(spot.hazard_factor)),
    DURATION("spot.notice", 0, 3600, "2m", IN_DESIGN(spot.notice_us)),
    SHARE("spot.rebalanceShare", "0", IN_DESIGN(spot.rebalance_share)),
    DURATION("spot.rebalanceLead", 0, DAY, "10m", IN_DESIGN(spot.rebalance_lead_us)),
    OTHER("spot.shocks", "none", "list"),
    OTHER("spot.shocks[].at", "", "duration since the start, or RFC 3339"),
    OTHER("spot.shocks[].zones", "all", "list of names"),
    OTHER("spot.shocks[].instanceTypes", "all", "list of patterns or selectors"),
    OTHER("spot.shocks[].fraction", "1", "0 to 1"),
    OTHER("spot.shocks[].unavailable", "1h", "duration"),

    OTHER("cloud", "", "map"),
    OTHER("cloud.gaps", "none", "list"),
    OTHER("cloud.gaps[].from", "0s", "duration since the start, or RFC 3339"),
    OTHER("cloud.gaps[].until", "the end", "duration since the start, or RFC 3339"),
    OTHER("cloud.gaps[].capacityType", "all", "on-demand, spot or reserved"),
    OTHER("cloud.gaps[].error", "InsufficientInstanceCapacity", "InsufficientInstanceCapacity or UnauthorizedOperation"),
    OTHER("cloud.gaps[].instances", "0", "instances"),
    OTHER("cloud.gaps[].instanceTypes", "all", "list of patterns or selectors"),
    OTHER("cloud.gaps[].zones", "all", "list of names"),
    SHARE("cloud.onDemandRefusal", "0", IN_DESIGN(cloud.on_demand_refusal)),
    VALUE("cloud.ec2CallsPerSecond", KEY_NUMBER, 1e-3, 1e6, "20", "calls a second", IN_DESIGN(cloud.ec2_calls_per_second)),
    VALUE("cloud.ec2CallsBurst", KEY_COUNT, 1, 1e6, "100", "calls", IN_DESIGN(cloud.ec2_calls_burst)),
    CHOICE("cloud.addressPlacement", "random", "lowest", IN_DESIGN(cloud.lowest_address)),
    CHOICE("cloud.prefixShortage", "InsufficientCidrBlocks", "InvalidParameterValue", IN_DESIGN(cloud.unrecognised_shortage)),

    OTHER("timings", "", "map"),
    OTHER("timings.launch", "", "map"),
    LOGNORMAL("timings.launch", "0.81", "0.09", timings.launch),
    OTHER("timings.registration", "", "map"),
    LOGNORMAL("timings.registration", "3.15", "0.20", timings.registration),
    OTHER("timings.initialization", "", "map"),
    LOGNORMAL("timings.initialization", "3.25", "0.45", timings.initialization),
    SHARE("timings.bootCorrelation", "0.6", IN_DESIGN(timings.boot_correlation)),
    CHOICE("timings.bootDraws", "node", "launch", IN_DESIGN(timings.boot_by_launch)),
    VALUE("timings.oldStorageFactor", KEY_NUMBER, 0.1, 100, "2", "factor", IN_DESIGN(timings.old_storage_factor)),
    OTHER("timings.shutdown", "", "map"),
    LOGNORMAL("timings.shutdown", "3.9", "0.3", timings.shutdown),
    DURATION("timings.imagePullBase", 0, DAY, "2s", IN_DESIGN(timings.image_pull_base_us)),
    VALUE("timings.imagePullPerSecond", KEY_BYTES, 1, EBIBYTE, "40M", "quantity a second", IN_DESIGN(timings.image_pull_bytes_per_second)),
    VALUE("timings.imageSize", KEY_BYTES, 0, EBIBYTE, "200M", "quantity", IN_DESIGN(timings.image_bytes)),
    DURATION("timings.podStart", 0, DAY, "5s", IN_DESIGN(timings.pod_start_us)),
    DURATION("timings.podStop", 0, DAY, "2s", IN_DESIGN(timings.pod_stop_us)),
    DURATION("timings.volumeProvision", 0, DAY, "2s", IN_DESIGN(timings.volume_provision_us)),
    DURATION("timings.volumeAttach", 0, DAY, "5s", IN_DESIGN(timings.volume_attach_us)),
    DURATION("timings.volumeDetach", 0, DAY, "10s", IN_DESIGN(timings.volume_detach_us)),
    DURATION("timings.volumeForceDetach", 0, DAY, "6m", IN_DESIGN(timings.volume_force_detach_us)),
    DURATION("timings.eniAttach", 0, 3600, "6s", IN_DESIGN(timings.eni_attach_us)),
    DURATION("timings.addressAssign", 0, 3600, "1s", IN_DESIGN(timings.address_assign_us)),
    DURATION("timings.interruptionDelivery", 0, 3600, "2s", IN_DESIGN(timings.interruption_delivery_us)),
    VALUE("timings.schedulerPodsPerSecond", KEY_NUMBER, 1e-3, 1e6, "50", "pods a second", IN_DESIGN(timings.scheduler_pods_per_second)),
    VALUE("timings.schedulerBurst", KEY_COUNT, 1, 1e6, "100", "pods", IN_DESIGN(timings.scheduler_burst)),
    VALUE("timings.controllerWritesPerSecond", KEY_NUMBER, 1e-3, 1e6, "20", "pods a second",
          IN_DESIGN(timings.controller_writes_per_second)),
    VALUE("timings.controllerBurst", KEY_COUNT, 1, 1e6, "30", "pods", IN_DESIGN(timings.controller_burst)),
    VALUE("timings.provisionerPodsPerSecond", KEY_NUMBER, 1e-3, 1e6, "100", "pods a second", IN_DESIGN(timings.provisioner_pods_per_second)),
    VALUE("timings.simulationSecondsPerPod", KEY_NUMBER, 0, 60, "0.0002", "seconds", IN_DESIGN(timings.simulation_seconds_per_pod)),
    VALUE("timings.simulationSecondsPerNode", KEY_NUMBER, 0, 60, "0.00005", "seconds", IN_DESIGN(timings.simulation_seconds_per_node)),
    DURATION("timings.nodeGroupDelay", 0, DAY, "9500ms", IN_DESIGN(timings.nodegroup_delay_us)),
    DURATION("timings.nodeGroupDelaySpread", 0, DAY, "6500ms", IN_DESIGN(timings.nodegroup_delay_spread_us)),
    DURATION("timings.autoscalerLoop", 0, 3600, "1s", IN_DESIGN(timings.autoscaler_loop_us)),
    DURATION("timings.lostNode", 0, DAY, "60s", IN_DESIGN(timings.lost_node_us)),
    DURATION("timings.podCollection", 0, DAY, "60s", IN_DESIGN(timings.pod_collection_us)),
    DURATION("timings.sandboxRetry", 1, 3600, "12s", IN_DESIGN(timings.sandbox_retry_us)),

    OTHER("fees", "", "map"),
    VALUE("fees.controlPlanePerHour", KEY_DOLLARS, 0, 1000, "0.10", "dollars an hour", IN_DESIGN(fees.control_plane_per_hour)),
    VALUE("fees.ebsGbMonth", KEY_DOLLARS, 0, 1000, "0.08", "dollars a GiB and month", IN_DESIGN(fees.ebs_gb_month)),
    VALUE("fees.rootVolume", KEY_GIBIBYTES, 1, 65536, "20Gi", "quantity", IN_DESIGN(fees.root_volume_gb)),

    OTHER("autoscaler", "none: groups keep their size", "map"),
    FREE("autoscaler.flags", "the program's own defaults", "map"),
    SHARE("autoscaler.taintFailure", "0", IN_DESIGN(autoscaler.taint_failure)),

    OTHER("karpenter", "", "map"),
    DURATION("karpenter.batchIdleDuration", 1e-3, 3600, "1s", IN_DESIGN(karpenter.batch_idle_us)),
    DURATION("karpenter.batchMaxDuration", 1e-3, 3600, "10s", IN_DESIGN(karpenter.batch_max_us)),
    CHOICE("karpenter.planner", "karpenter", "packed", IN_DESIGN(karpenter.packed_planner)),
    CHOICE("karpenter.preferencePolicy", "Respect", "Ignore", IN_DESIGN(karpenter.ignore_preferences)),
    CHOICE("karpenter.minValuesPolicy", "Strict", "BestEffort", IN_DESIGN(karpenter.best_effort_min_values)),
    OTHER("karpenter.featureGates", "", "map"),
    BOOL("karpenter.featureGates.SpotToSpotConsolidation", "false", IN_DESIGN(karpenter.spot_to_spot_consolidation)),
    BOOL("karpenter.featureGates.StaticCapacity", "false", IN_DESIGN(karpenter.static_capacity)),
    BOOL("karpenter.interruptionQueue", "true", IN_DESIGN(karpenter.interruption_queue)),
    VALUE("karpenter.vmMemoryOverheadPercent", KEY_NUMBER, 0, 1, "0.075", "share of the memory",
          IN_DESIGN(instance_options.vm_memory_overhead_percent)),
    VALUE("karpenter.reservedEnis", KEY_COUNT_32, 0, 64, "0", "network interfaces", IN_DESIGN(instance_options.reserved_enis)),
};

bool kerf_scenario_key_at(size_t index, struct kerf_scenario_key *out_key)
{
    if (index >= KERF_SCENARIO_COUNT_OF(keys))
        return false;
    *out_key = (struct kerf_scenario_key){ keys[index].path, keys[index].standard, keys[index].unit };
    return true;
}

/* ---- unknown keys ---------------------------------------------------------------------------------------------------------------- */

/** What of the path lies below the prefix, or NULL. */
static const char *below(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    if (length == 0)
        return path;
    return strncmp(path, prefix, length) == 0 && path[length] == '.' ? path + length + 1 : NULL;
}

static const struct key *find_key(const char *path)
{
    for (size_t i = 0; i < KERF_SCENARIO_COUNT_OF(keys); i++)
        if (strcmp(keys[i].path, path) == 0)
            return &keys[i];
    return NULL;
}

/** What a later version will read; saying so is kinder than "unknown". */
static bool refuse_later_key(struct kerf_scenario_reader *reader, const struct kerf_value *value, const char *prefix)
{
    if (*prefix || (strcmp(value->key, "prices") != 0 && strcmp(value->key, "commitments") != 0))
        return false;
    kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_value_key_place(value, reader->arena),
                                               "this version of kerf doesn't read it yet; prices are those of the catalogue (a folder of "
                                               "your own: --catalog), commitments are not modelled"));
    return true;
}

void kerf_scenario_check_keys(struct kerf_scenario_reader *reader, const struct kerf_value *map, const char *prefix)
{
    const char *known[KERF_SCENARIO_COUNT_OF(keys) + 2];
    size_t known_count = 0;
    for (size_t i = 0; i < KERF_SCENARIO_COUNT_OF(keys); i++) {
        const char *rest = below(keys[i].path, prefix);
        if (rest && !strpbrk(rest, ".["))
            known[known_count++] = rest;
    }
    for (uint32_t i = 0; i < map->count; i++) /* known for now: it has a message of its own */
        if (refuse_later_key(reader, &map->items[i], prefix))
            known[known_count++] = map->items[i].key;
    KERF_SCENARIO_NOTE(reader, kerf_value_check_keys(map, known, known_count, KERF_KEYS_REFUSE, reader->errs));
    for (uint32_t i = 0; i < map->count; i++) {
        const struct kerf_value *value = &map->items[i];
        const char *path = kerf_arena_format(reader->arena, "%s%s%s", prefix, *prefix ? "." : "", value->key);
        const struct key *key = find_key(path);
        if (!key || key->kind != KEY_OTHER || strcmp(path, "designs") == 0)
            continue;
        if (value->kind == KERF_VALUE_MAP) {
            kerf_scenario_check_keys(reader, value, path);
        } else if (value->kind == KERF_VALUE_LIST) {
            const char *item_prefix = kerf_arena_format(reader->arena, "%s[]", path);
            for (uint32_t j = 0; j < value->count; j++)
                if (kerf_value_is_map(&value->items[j]))
                    kerf_scenario_check_keys(reader, &value->items[j], item_prefix);
        }
    }
}

/* ---- values ---------------------------------------------------------------------------------------------------------------------- */

static enum kerf_status read_quantity(const struct kerf_value *value, int64_t *out_bytes, struct kerf_errors *errs)
{
    const char *text = NULL;
    KERF_TRY(kerf_value_read_text(value, &text, errs));
    if (!text)
        return KERF_OK;
    int64_t bytes;
    if (!kerf_quantity_parse(text, 0, KERF_ROUND_UP, &bytes))
        return kerf_value_error(value, errs, "\"%s\" is not a quantity of bytes (digits, then k, Ki, M, Mi, G, Gi, ...)", text);
    *out_bytes = bytes;
    return KERF_OK;
}

enum kerf_status kerf_scenario_read_bytes(const struct kerf_value *value, int64_t *out_bytes, struct kerf_errors *errs)
{
    int64_t bytes = -1;
    KERF_TRY(read_quantity(value, &bytes, errs));
    if (value && bytes < 0)
        return kerf_value_error(value, errs, "%s is negative; expected a quantity of bytes", value->text);
    *out_bytes = value ? bytes : *out_bytes;
    return KERF_OK;
}

static enum kerf_status read_value(const struct key *key, const struct kerf_value *value, char *member, struct kerf_errors *errs)
{
    double number = 0;
    int64_t integer = 0;
    bool flag = false;
    uint32_t choice = 0;
    switch (key->kind) {
    case KEY_OTHER:
    case KEY_FREE:
        break;
    case KEY_BOOL:
        KERF_TRY(kerf_value_read_bool(value, &flag, errs));
        memcpy(member, &flag, sizeof flag);
        break;
    case KEY_CHOICE:
        KERF_TRY(kerf_value_read_enum(value, key->words, 2, &choice, errs));
        flag = choice == 1;
        memcpy(member, &flag, sizeof flag);
        break;
    case KEY_COUNT:
        KERF_TRY(kerf_value_read_i64(value, (int64_t)key->min, (int64_t)key->max, &integer, errs));
        memcpy(member, &integer, sizeof integer);
        break;
    case KEY_COUNT_32: {
        KERF_TRY(kerf_value_read_i64(value, (int64_t)key->min, (int64_t)key->max, &integer, errs));
        int32_t small = (int32_t)integer;
        memcpy(member, &small, sizeof small);
        break;
    }
    case KEY_NUMBER:
        KERF_TRY(kerf_value_read_double(value, key->min, key->max, &number, errs));
        memcpy(member, &number, sizeof number);
        break;
    case KEY_DURATION:
        KERF_TRY(kerf_value_read_duration(value, (kerf_time_us)(key->min * 1e6), (kerf_time_us)(key->max * 1e6), &integer, errs));
        memcpy(member, &integer, sizeof integer);
        break;
    case KEY_DOLLARS: /* the one place where a price of the scenario becomes micro-dollars */
        KERF_TRY(kerf_value_read_double(value, key->min, key->max, &number, errs));
        integer = llround(number * 1e6);
        memcpy(member, &integer, sizeof integer);
        break;
    case KEY_BYTES:
    case KEY_GIBIBYTES: {
        int64_t unit = key->kind == KEY_GIBIBYTES ? (int64_t)1 << 30 : 1;
        KERF_TRY(read_quantity(value, &integer, errs));
        if (integer < (int64_t)key->min * unit || integer > (int64_t)key->max * unit)
            return kerf_value_error(value, errs, "%s is out of range; expected %.0f to %.0f %s", value->text, key->min, key->max,
                                    unit == 1 ? "bytes" : "GiB");
        integer = integer / unit + (integer % unit != 0);
        memcpy(member, &integer, sizeof integer);
        break;
    }
    }
    return KERF_OK;
}

/** The value at a path of maps, `a.b.c`; NULL when absent. `*out_problem`: what lies on the way and is no map. */
static const struct kerf_value *find_value(const struct kerf_value *map, const char *path, const struct kerf_value **out_problem)
{
    char segment[64];
    for (;;) {
        size_t length = strcspn(path, ".");
        KERF_ASSERT(length < sizeof segment);
        memcpy(segment, path, length);
        segment[length] = '\0';
        map = kerf_value_get(map, segment);
        if (!path[length] || !map)
            return map;
        if (map->kind != KERF_VALUE_MAP) {
            *out_problem = map;
            return NULL;
        }
        path += length + 1;
    }
}

void kerf_scenario_read_settings(struct kerf_scenario_reader *reader, const struct kerf_value *map, const char *prefix, void *into)
{
    for (size_t i = 0; i < KERF_SCENARIO_COUNT_OF(keys); i++) {
        const struct key *key = &keys[i];
        const char *rest = below(key->path, prefix);
        if (!rest || strchr(rest, '[') || key->kind == KEY_OTHER || key->kind == KEY_FREE)
            continue;
        char *member = (char *)into + key->offset;
        struct kerf_value standard = { .kind = KERF_VALUE_SCALAR, .text = key->standard, .count = (uint32_t)strlen(key->standard) };
        if (!key->preset) {
            enum kerf_status status = read_value(key, &standard, member, reader->errs);
            KERF_ASSERT(status == KERF_OK);
        }
        const struct kerf_value *problem = NULL;
        const struct kerf_value *value = find_value(map, rest, &problem);
        if (problem)
            KERF_SCENARIO_NOTE(reader, kerf_value_expect(problem, KERF_VALUE_MAP, reader->errs));
        else if (value)
            KERF_SCENARIO_NOTE(reader, read_value(key, value, member, reader->errs));
    }
}
