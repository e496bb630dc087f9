/** Any bytes as a scenario over a cluster, simulated for some hours; checked builds hold their invariants after every event. */
#include "fuzz_snapshot.h"
#include "fuzz_target.h"
#include "scenario/scenario.h"
#include "sim/sim.h"

static const char *const durations[] = {"1m", "30m", "0s", "1s", "1h"};
static const char *const cidrs[] = {"/28", "/26", "/24"};
static const char *const crons[] = {"*/10 * * * *", "0 0 31 2 *", "30 2 * * *", "@hourly"};

static void append_network(struct fuzz_bytes *bytes, struct kerf_text *text)
{
    kerf_text_append(text, "subnets:\n");
    for (uint32_t i = 0; i < 3; i++)
        kerf_text_append_format(text, "- {id: s%u, zone: %s, cidr: 10.0.%u.0%s, taken: %u%s}\n", i, fuzz_zones[i], i, FUZZ_ANY(bytes, cidrs),
                                fuzz_take(bytes, 12), fuzz_chance(bytes, 4) ? ", takers: [{name: t, addresses: 5, from: 20m, until: 90m}]" : "");
    if (fuzz_chance(bytes, 2))
        kerf_text_append_format(text, "cni: {ENABLE_PREFIX_DELEGATION: 'true', WARM_PREFIX_TARGET: '%u'}\n", 1 + fuzz_take(bytes, 3));
    else if (fuzz_chance(bytes, 2))
        kerf_text_append_format(text, "cni: {WARM_IP_TARGET: '%u', MINIMUM_IP_TARGET: '%u'}\n", 1 + fuzz_take(bytes, 5), fuzz_take(bytes, 9));
}

static void append_groups(struct fuzz_bytes *bytes, struct kerf_text *text)
{
    kerf_text_append(text, "nodeGroups:\n");
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t desired = fuzz_take(bytes, 4);
        bool is_managed = fuzz_chance(bytes, 2);
        kerf_text_append_format(text, "- {name: group%u, instanceTypes: [%s], capacityType: %s, minSize: %u, desiredCapacity: %u, maxSize: %u, managed: %s, joinFailure: %s%s%s}\n", i,
                                fuzz_types[fuzz_take(bytes, 5)], fuzz_chance(bytes, 2) ? "spot" : "on-demand", fuzz_take(bytes, desired + 1), desired,
                                desired + fuzz_take(bytes, 4), is_managed ? "true" : "false", fuzz_chance(bytes, 4) ? "1" : "0",
                                is_managed && fuzz_chance(bytes, 4) ? ", updates: [40m]" : "", fuzz_chance(bytes, 4) ? ", zones: [us-east-1b]" : "");
    }
    if (fuzz_chance(bytes, 2))
        kerf_text_append(text, "autoscaler: {}\n");
}

static void append_load(struct fuzz_bytes *bytes, struct kerf_text *text)
{
    kerf_text_append(text, "load:\n");
    kerf_text_append_format(text, "- {workload: '*/*/*', replicas: %u, restartCost: %s, startTime: %s}\n", fuzz_take(bytes, 30), FUZZ_ANY(bytes, durations),
                            FUZZ_ANY(bytes, durations));
    if (fuzz_chance(bytes, 2))
        kerf_text_append_format(text, "- {workload: Deployment/w0, schedule: [{at: '%s', replicas: %u}, {at: '15 * * * *', replicas: %u}]}\n", FUZZ_ANY(bytes, crons),
                                fuzz_take(bytes, 30), fuzz_take(bytes, 30));
}

static void append_market(struct fuzz_bytes *bytes, struct kerf_text *text)
{
    static const char *const hazards[] = {"1", "0", "50", "1000"};
    kerf_text_append_format(text, "spot: {hazardFactor: %s, notice: %s, missedNotice: %s, rebalanceShare: %s, shocks: [{at: 35m, fraction: %s, unavailable: %s}]}\n",
                            FUZZ_ANY(bytes, hazards), FUZZ_ANY(bytes, durations), fuzz_chance(bytes, 3) ? "1" : "0", fuzz_chance(bytes, 3) ? "1" : "0",
                            fuzz_chance(bytes, 3) ? "0.5" : "1", FUZZ_ANY(bytes, durations));
    kerf_text_append_format(text, "cloud: {onDemandRefusal: %s, ec2CallsPerSecond: %s, gaps: [{from: 10m, until: 50m, capacityType: %s}]}\n", fuzz_chance(bytes, 3) ? "1" : "0.1",
                            fuzz_chance(bytes, 3) ? "0.1" : "20", fuzz_chance(bytes, 2) ? "spot" : "on-demand");
}

static void append_scenario(struct fuzz_bytes *bytes, struct kerf_text *text, const char *manifests)
{
    kerf_text_append_format(text, "apiVersion: kerf/v1alpha1\nkind: Scenario\nmanifests: [%s]\nhorizon: 2h\nwarmUp: %s\nreplications: 1\nstart: '2026-03-28T23:30:00Z'\ntimeZone: '+05:45'\n",
                            manifests, fuzz_chance(bytes, 2) ? "119m59s" : "0s");
    if (fuzz_chance(bytes, 2))
        append_network(bytes, text);
    if (fuzz_chance(bytes, 2))
        append_groups(bytes, text);
    if (fuzz_chance(bytes, 2))
        append_load(bytes, text);
    if (fuzz_chance(bytes, 2))
        append_market(bytes, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct kerf_text manifests = {0}, text = {0};
    uint32_t pool_count = fuzz_take(&bytes, 4), workload_count = 1 + fuzz_take(&bytes, 4);
    fuzz_policies(&bytes, &manifests);
    for (uint32_t i = 0; i < pool_count; i++)
        fuzz_nodepool(&bytes, &manifests, i);
    for (uint32_t i = 0; i < workload_count; i++)
        fuzz_workload(&bytes, &manifests, i);
    char path[FUZZ_PATH_BYTES];
    int descriptor = fuzz_file_of(&manifests, path);
    append_scenario(&bytes, &text, path);
    if (getenv("KERF_FUZZ_SHOW"))
        printf("%s# scenario\n%s", manifests.bytes, text.bytes);
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_scenario *scenario = NULL;
    struct kerf_scenario_overrides overrides = {.catalog_folder = fuzz_catalog()};
    if (kerf_scenario_read_text("fuzz.yaml", text.bytes, text.length, &overrides, &scenario, errs) == KERF_OK) {
        struct kerf_sim_outcome outcome;
        kerf_sim_run(&scenario->designs[0], 1, 0, (struct kerf_record_options){0}, &outcome);
        KERF_ASSERT(!outcome.livelock);
        size_t count;
        const struct kerf_metric *metrics = kerf_record_metrics(outcome.record, &count);
        for (size_t i = 0; i < count; i++)
            KERF_ASSERT(metrics[i].value == metrics[i].value); /* a number */
        kerf_record_free(outcome.record);
        kerf_scenario_free(scenario);
    } else if (getenv("KERF_FUZZ_SHOW")) {
        kerf_errors_print(errs, stderr);
    }
    kerf_errors_free(errs);
    close(descriptor);
    kerf_text_fini(&manifests);
    kerf_text_fini(&text);
    return 0;
}
