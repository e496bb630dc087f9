/**
 * What a fleet needs of its subnets: figures and maps of those asked about, then the smallest plan of each setting.
 */
#include <stdio.h>

#include "advise/subnet_advice.h"
#include "document/document.h"
#include "kerf/report.h"

enum { MAP_COLUMNS = 64 };

static double days_of(kerf_time_us us) { return (double)us / (double)KERF_DAY_US; }

/** Tenths are plenty. */
static double rounded(double value, double parts) { return (double)(int64_t)(value * parts + (value < 0 ? -0.5 : 0.5)) / parts; }

static const char *const cause_keys[KERF_SHORTAGE_COUNT] = {"launch", "address", "prefix"};

/* ---- JSON -------------------------------------------------------------------------------------------------------------------- */

static void put_share(struct kerf_json *json, const char *key, const struct kerf_interval *share)
{
    kerf_json_key(json, key);
    kerf_json_begin_map_in_line(json);
    kerf_json_put_double(json, "share", rounded(share->mean, 1e4));
    kerf_json_put_double(json, "low", rounded(share->low, 1e4));
    kerf_json_put_double(json, "high", rounded(share->high, 1e4));
    kerf_json_end_map(json);
}

static void put_subnet(struct kerf_json *json, const struct kerf_subnet_advice *advice, const struct kerf_subnet_seen *seen)
{
    char cidr[19];
    kerf_cidr_print(seen->spec->cidr, cidr);
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "id", seen->spec->id ? seen->spec->id : cidr);
    kerf_json_put_text(json, "cidr", cidr);
    kerf_json_put_text(json, "zone", advice->query->zones[seen->spec->zone]);
    kerf_json_put_i64(json, "usable", seen->usable);
    kerf_json_put_double(json, "takenP50", rounded(seen->taken_p50, 10));
    kerf_json_put_double(json, "takenP95", rounded(seen->taken_p95, 10));
    kerf_json_put_i64(json, "takenPeak", seen->taken_peak);
    kerf_json_put_i64(json, "free", seen->free);
    kerf_json_put_i64(json, "freePrefixes", seen->free_prefixes);
    kerf_json_put_double(json, "fragmentation", rounded(seen->fragmentation, 1e4));
    kerf_json_put_text(json, "map", seen->map);
    kerf_json_end_map(json);
}

static void put_zone(struct kerf_json *json, const char *name, const struct kerf_zone_seen *seen)
{
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "zone", name);
    kerf_json_put_double(json, "neededP50", rounded(seen->needed_p50, 10));
    kerf_json_put_double(json, "neededP95", rounded(seen->needed_p95, 10));
    kerf_json_put_i64(json, "neededPeak", seen->needed_peak);
    kerf_json_put_double(json, "strandedMean", rounded(seen->stranded_mean, 10));
    kerf_json_put_i64(json, "interfacesPeak", seen->interfaces_peak);
    put_share(json, "holds", &seen->holds);
    kerf_json_key(json, "exhaustion");
    kerf_json_begin_list(json);
    for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++) {
        const struct kerf_zone_shortage *shortage = &seen->by_cause[cause];
        if (shortage->runs == 0)
            continue;
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "cause", cause_keys[cause]);
        kerf_json_put_text(json, "error", cause == KERF_SHORTAGE_BLOCK ? "InsufficientCidrBlocks" : "InsufficientFreeAddressesInSubnet");
        kerf_json_put_i64(json, "replications", shortage->runs);
        kerf_json_put_double(json, "firstDay", rounded(days_of(shortage->earliest_us), 1e3));
        kerf_json_put_double(json, "medianDay", rounded(days_of(shortage->median_us), 1e3));
        kerf_json_put_double(json, "refusalsPerReplication", rounded(shortage->per_run, 10));
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    if (seen->nodes_at_shortage >= 0)
        kerf_json_put_i64(json, "nodesAtExhaustion", seen->nodes_at_shortage);
    else
        kerf_json_put_null(json, "nodesAtExhaustion");
    kerf_json_put_double(json, "podsWaitedOverAMinute", rounded(seen->pods_waited_long, 10));
    kerf_json_end_map(json);
}

static void put_calls(struct kerf_json *json, const struct kerf_subnet_calls_seen *calls)
{
    kerf_json_key(json, "ec2Calls");
    kerf_json_begin_map_in_line(json);
    kerf_json_put_double(json, "perHour", rounded(calls->per_hour, 100));
    kerf_json_put_i64(json, "peakHour", calls->peak_hour);
    kerf_json_put_double(json, "failedPerHour", rounded(calls->failed_per_hour, 100));
    kerf_json_put_double(json, "launchesPerHour", rounded(calls->launches_per_hour, 100));
    kerf_json_end_map(json);
}

static void put_plan(struct kerf_json *json, const struct kerf_subnet_advice *advice, const struct kerf_subnet_plan *plan)
{
    const struct kerf_cni_settings *settings = &plan->settings;
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "name", plan->name);
    kerf_json_key(json, "settings");
    kerf_json_begin_map_in_line(json);
    kerf_json_put_bool(json, "ENABLE_PREFIX_DELEGATION", settings->prefix_delegation);
    kerf_json_put_i64(json, "WARM_ENI_TARGET", settings->warm_eni_target);
    kerf_json_put_i64(json, "WARM_IP_TARGET", settings->warm_ip_target);
    kerf_json_put_i64(json, "MINIMUM_IP_TARGET", settings->minimum_ip_target);
    kerf_json_put_i64(json, "WARM_PREFIX_TARGET", settings->warm_prefix_target);
    kerf_json_end_map(json);
    kerf_json_put_bool(json, "reserved", plan->reserved);
    kerf_json_put_text(json, "refusal", plan->refusal);
    kerf_json_put_bool(json, "found", plan->found);
    kerf_json_put_i64(json, "addresses", plan->addresses);
    put_calls(json, &plan->calls);
    kerf_json_key(json, "zones");
    kerf_json_begin_list(json);
    for (uint32_t i = 0; i < advice->query->zone_count; i++) {
        const struct kerf_planned_zone *zone = &plan->zones[i];
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "zone", advice->query->zones[i]);
        if (plan->found)
            kerf_json_put_i64(json, "prefixLength", zone->prefix_length);
        else
            kerf_json_put_null(json, "prefixLength");
        if (zone->remainder_length)
            kerf_json_put_i64(json, "unreservedPrefixLength", zone->remainder_length);
        kerf_json_put_double(json, "neededP50", rounded(zone->needed_p50, 10));
        kerf_json_put_double(json, "neededP95", rounded(zone->needed_p95, 10));
        kerf_json_put_i64(json, "neededPeak", zone->needed_peak);
        kerf_json_put_double(json, "strandedMean", rounded(zone->stranded_mean, 10));
        if (plan->found)
            put_share(json, "holds", &zone->holds);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    kerf_json_end_map(json);
}

static void print_json(const struct kerf_subnet_advice *advice, FILE *stream)
{
    const struct kerf_subnet_query *query = advice->query;
    struct kerf_json json;
    kerf_json_init(&json, stream, 1);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "schema", "kerf.vpc.subnets/v1");
    kerf_json_key(&json, "seed");
    kerf_json_u64(&json, query->seed);
    kerf_json_put_i64(&json, "replications", query->replications);
    kerf_json_put_double(&json, "days", rounded(days_of(advice->horizon_us), 1e3));
    put_share(&json, "holds", &advice->holds);
    kerf_json_key(&json, "subnets");
    kerf_json_begin_list(&json);
    for (uint32_t i = 0; i < query->subnet_count; i++)
        put_subnet(&json, advice, &advice->subnets[i]);
    kerf_json_end_list(&json);
    kerf_json_key(&json, "zones");
    kerf_json_begin_list(&json);
    for (uint32_t i = 0; i < query->zone_count; i++)
        put_zone(&json, query->zones[i], &advice->zones[i]);
    kerf_json_end_list(&json);
    put_calls(&json, &advice->calls);
    kerf_json_key(&json, "nodesThatFit");
    if (advice->end.known && !advice->end.never) {
        kerf_json_begin_map_in_line(&json);
        kerf_json_put_i64(&json, "podsPerNode", advice->end.pods);
        kerf_json_put_i64(&json, "enis", advice->end.limits.enis);
        kerf_json_put_i64(&json, "addressesPerEni", advice->end.limits.ipv4_per_eni);
        kerf_json_put_i64(&json, "least", advice->end.nodes_least);
        kerf_json_put_i64(&json, "median", advice->end.nodes_median);
        kerf_json_put_text(&json, "zone", query->zones[advice->end.zone]);
        kerf_json_put_text(&json, "cause", cause_keys[advice->end.cause]);
        kerf_json_end_map(&json);
    } else {
        kerf_json_null(&json);
    }
    kerf_json_key(&json, "plans");
    kerf_json_begin_list(&json);
    for (uint32_t i = 0; i < advice->plan_count; i++)
        put_plan(&json, advice, &advice->plans[i]);
    kerf_json_end_list(&json);
    if (advice->smallest == KERF_NOT_FOUND)
        kerf_json_put_null(&json, "smallest");
    else
        kerf_json_put_i64(&json, "smallest", advice->smallest);
    kerf_json_end_map(&json);
    enum kerf_status status = kerf_json_finish(&json);
    (void)status; /* a stream that failed is seen by whoever opened it */
    kerf_json_fini(&json);
}

/* ---- text -------------------------------------------------------------------------------------------------------------------- */

static void print_subnets(const struct kerf_subnet_advice *advice, FILE *stream)
{
    fprintf(stream, "Addresses taken half of the time (p50), 95 %% of it and at most, of others too; what is free at the end of the first replication:\n");
    fprintf(stream, "%-18s  %-12s  %6s  %8s  %8s  %6s  %6s  %9s  %s\n", "subnet", "zone", "usable", "p50", "p95", "peak", "free", "free /28",
            "of free not in a free /28");
    for (uint32_t i = 0; i < advice->query->subnet_count; i++) {
        const struct kerf_subnet_seen *seen = &advice->subnets[i];
        char cidr[19];
        kerf_cidr_print(seen->spec->cidr, cidr);
        fprintf(stream, "%-18s  %-12s  %6u  %8.1f  %8.1f  %6lld  %6u  %9u  %.0f %%\n", cidr, advice->query->zones[seen->spec->zone], seen->usable,
                seen->taken_p50, seen->taken_p95, (long long)seen->taken_peak, seen->free, seen->free_prefixes, seen->fragmentation * 100);
    }
}

static void print_zones(const struct kerf_subnet_advice *advice, FILE *stream)
{
    const struct kerf_subnet_query *query = advice->query;
    for (uint32_t i = 0; i < query->zone_count; i++) {
        const struct kerf_zone_seen *zone = &advice->zones[i];
        fprintf(stream, "%s: %.1f stranded warm addresses on average, at most %lld interfaces", query->zones[i], zone->stranded_mean,
                (long long)zone->interfaces_peak);
        if (zone->nodes_at_shortage < 0) {
            fprintf(stream, "; never runs out (%.0f to 100 %% of such worlds)\n", zone->holds.low * 100);
            continue;
        }
        fprintf(stream, "; runs out in %.0f %% of worlds (%.0f to %.0f %%), from %lld nodes on\n", 100 - zone->holds.mean * 100,
                100 - zone->holds.high * 100, 100 - zone->holds.low * 100, (long long)zone->nodes_at_shortage);
        for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++) {
            const struct kerf_zone_shortage *shortage = &zone->by_cause[cause];
            if (shortage->runs > 0)
                fprintf(stream, "    day %.2f (median %.2f), %u of %u replications, %.0f times each: %s\n", days_of(shortage->earliest_us),
                        days_of(shortage->median_us), shortage->runs, query->replications, shortage->per_run,
                        kerf_shortage_text((enum kerf_shortage)cause));
        }
        if (zone->pods_waited_long > 0)
            fprintf(stream, "    %.1f pods waited more than a minute in ContainerCreating (FailedCreatePodSandBox)\n", zone->pods_waited_long);
    }
}

static void print_maps(const struct kerf_subnet_advice *advice, FILE *stream)
{
    fprintf(stream, "\nA character a /28, at the end of the first replication: . free, o partly taken, # wholly taken, r free and reserved\n");
    for (uint32_t i = 0; i < advice->query->subnet_count; i++) {
        const struct kerf_subnet_seen *seen = &advice->subnets[i];
        char cidr[19];
        kerf_cidr_print(seen->spec->cidr, cidr);
        size_t length = strlen(seen->map);
        for (size_t at = 0; at < length; at += MAP_COLUMNS)
            fprintf(stream, "%-18s  %.*s\n", at == 0 ? cidr : "", MAP_COLUMNS, seen->map + at);
    }
}

static void print_plan(const struct kerf_subnet_advice *advice, const struct kerf_subnet_plan *plan, FILE *stream)
{
    double p50 = 0, p95 = 0, stranded = 0;
    int64_t peak = 0;
    fprintf(stream, "%-66s  ", plan->name);
    if (plan->refusal) {
        fprintf(stream, "%s\n", plan->refusal);
        return;
    }
    for (uint32_t i = 0; i < advice->query->zone_count; i++) {
        p50 += plan->zones[i].needed_p50;
        p95 += plan->zones[i].needed_p95;
        peak += plan->zones[i].needed_peak;
        stranded += plan->zones[i].stranded_mean;
    }
    fprintf(stream, "%8.0f  %8.0f  %8lld  %8.0f  %9.1f  %6lld  ", p50, p95, (long long)peak, stranded, plan->calls.per_hour,
            (long long)plan->calls.peak_hour);
    if (!plan->found) {
        fprintf(stream, "none up to /16\n");
        return;
    }
    for (uint32_t i = 0; i < advice->query->zone_count; i++) {
        fprintf(stream, "%s/%u", i ? " " : "", plan->zones[i].prefix_length);
        if (plan->zones[i].remainder_length && plan->zones[i].remainder_length > plan->zones[i].prefix_length)
            fprintf(stream, " (but a /%u)", plan->zones[i].remainder_length);
    }
    double low = 1;
    for (uint32_t i = 0; i < advice->query->zone_count; i++)
        low = plan->zones[i].holds.low < low ? plan->zones[i].holds.low : low;
    fprintf(stream, "  >= %.0f %%\n", low * 100);
}

static void print_smallest(const struct kerf_subnet_query *query, const struct kerf_subnet_plan *plan, FILE *stream)
{
    fprintf(stream, "\nSmallest: %s, %lld addresses in all:", plan->name, (long long)plan->addresses);
    for (uint32_t i = 0; i < query->zone_count; i++)
        fprintf(stream, "%s a /%u in %s", i ? "," : "", plan->zones[i].prefix_length, query->zones[i]);
    fprintf(stream, ".\n");
}

/** Of all zones and causes, what comes first in any replication. */
static void print_first(const struct kerf_subnet_advice *advice, FILE *stream)
{
    kerf_time_us first_us = KERF_TIME_NEVER;
    uint32_t zone = 0;
    int cause = 0;
    for (uint32_t i = 0; i < advice->query->zone_count; i++) {
        for (int j = 0; j < KERF_SHORTAGE_COUNT; j++) {
            if (advice->zones[i].by_cause[j].earliest_us < first_us) {
                first_us = advice->zones[i].by_cause[j].earliest_us;
                zone = i;
                cause = j;
            }
        }
    }
    if (first_us != KERF_TIME_NEVER)
        fprintf(stream, "The first to run out is %s, on day %.2f: %s.\n", advice->query->zones[zone], days_of(first_us),
                kerf_shortage_text((enum kerf_shortage)cause));
}

static void print_text(const struct kerf_subnet_advice *advice, FILE *stream)
{
    const struct kerf_subnet_query *query = advice->query;
    fprintf(stream, "%u replications of %.1f days, seed %" PRIu64 ". %s of them hold (at 95 %% confidence %.0f to %.0f %% of such worlds do).\n", query->replications,
            days_of(advice->horizon_us), query->seed, advice->holds.mean >= 1 ? "All" : advice->holds.mean <= 0 ? "None" : "Some",
            advice->holds.low * 100, advice->holds.high * 100);
    print_first(advice, stream);
    fprintf(stream, "\n");
    print_subnets(advice, stream);
    fprintf(stream, "\n");
    print_zones(advice, stream);
    fprintf(stream, "EC2 calls of the CNI: %.1f an hour, %lld in the busiest hour, %.1f an hour refused\n", advice->calls.per_hour,
            (long long)advice->calls.peak_hour, advice->calls.failed_per_hour);
    if (advice->end.known && advice->end.never)
        fprintf(stream, "Nodes of %lld pods that fit one after another: %d and more\n", (long long)advice->end.pods, KERF_SUBNET_NODES_MAX);
    else if (advice->end.known)
        fprintf(stream, "Nodes of %lld pods that fit one after another: %lld (median %lld); then, in %s, %s\n", (long long)advice->end.pods,
                (long long)advice->end.nodes_least,
                (long long)advice->end.nodes_median, query->zones[advice->end.zone], kerf_shortage_text(advice->end.cause));
    print_maps(advice, stream);
    if (advice->plan_count == 0)
        return;
    bool custom = query->settings.custom_networking;
    fprintf(stream, "\nAddresses of all zones together in subnets without end, and the smallest subnets%s that hold, one a zone, with their chance to hold at\n"
                    "95 %% confidence; (but a /27): all but its first /27 is reserved for prefixes:\n", custom ? " for pods" : "");
    fprintf(stream, "%-66s  %8s  %8s  %8s  %8s  %9s  %6s  %s\n", "setting", "p50", "p95", "peak", "stranded", "calls/h", "peak h", "subnets, holding");
    for (uint32_t i = 0; i < advice->plan_count; i++)
        print_plan(advice, &advice->plans[i], stream);
    if (advice->smallest != KERF_NOT_FOUND)
        print_smallest(query, &advice->plans[advice->smallest], stream);
}

void kerf_report_subnets(const struct kerf_subnet_advice *advice, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON)
        print_json(advice, stream);
    else
        print_text(advice, stream);
}
