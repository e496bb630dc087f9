/** Any bytes as a cluster, asked for every decision, each printed; checked builds hold their invariants on the way. */
#include "fuzz_snapshot.h"
#include "fuzz_target.h"
#include "kerf/report.h"

static void append_autoscale(struct fuzz_bytes *bytes, struct kerf_text *text)
{
    kerf_text_append_format(text, "---\napiVersion: kerf.dev/v1\nkind: Autoscale\naction: %s\nat: '2026-01-01T00:00:00Z'\nnodeGroups:\n",
                            fuzz_chance(bytes, 2) ? "scale-up" : "scale-down");
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t min = fuzz_take(bytes, 3);
        kerf_text_append_format(text, "- {name: group%u, min: %u, max: %u, size: %u, template: {labels: {node.kubernetes.io/instance-type: m5.large, topology.kubernetes.io/zone: %s}, "
                                      "capacity: {cpu: 2, memory: 8Gi, pods: 29}, allocatable: {cpu: '%s', memory: '%s', pods: %u}}}\n",
                                i, min, min + fuzz_take(bytes, 10), fuzz_take(bytes, 5), FUZZ_ANY(bytes, fuzz_zones), FUZZ_ANY(bytes, fuzz_cpus),
                                FUZZ_ANY(bytes, fuzz_memories), fuzz_take(bytes, 30));
    }
}

static struct kerf_snapshot *load(const char *path, bool autoscale, bool derive)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_advise_options options = {.files = &path, .file_count = 1, .catalog_folder = fuzz_catalog(), .at = "2026-01-01T00:00:00Z",
                                          .autoscale = autoscale, .derive_conditions = derive};
    struct kerf_snapshot *snapshot = NULL;
    if (kerf_snapshot_load(&options, &snapshot, errs) != KERF_OK) {
        KERF_ASSERT(kerf_errors_count(errs) > 0);
        if (getenv("KERF_FUZZ_SHOW"))
            kerf_errors_print(errs, stderr);
        snapshot = NULL;
    }
    kerf_errors_free(errs);
    return snapshot;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct kerf_text text = {0};
    uint32_t ask = fuzz_take(&bytes, 4), pool_count = fuzz_take(&bytes, 4), node_count = fuzz_take(&bytes, 6), workload_count = fuzz_take(&bytes, 4),
             pod_count = fuzz_take(&bytes, 16);
    fuzz_policies(&bytes, &text);
    for (uint32_t i = 0; i < pool_count; i++)
        fuzz_nodepool(&bytes, &text, i);
    for (uint32_t i = 0; i < node_count; i++)
        fuzz_node(&bytes, &text, i, ask != 3);
    for (uint32_t i = 0; i < pod_count; i++)
        fuzz_pod(&bytes, &text, i, node_count);
    for (uint32_t i = 0; i < workload_count; i++)
        fuzz_workload(&bytes, &text, i);
    if (ask == 3)
        append_autoscale(&bytes, &text);
    if (getenv("KERF_FUZZ_SHOW"))
        fputs(text.bytes, stdout);
    char path[FUZZ_PATH_BYTES];
    int descriptor = fuzz_file_of(&text, path);
    FILE *nowhere = fopen("/dev/null", "w");
    struct kerf_snapshot *snapshot = load(path, ask == 3, ask == 1 && fuzz_chance(&bytes, 2));
    if (snapshot && ask == 0) {
        struct kerf_plan_advice *advice = kerf_advise_plan(snapshot);
        kerf_report_plan(advice, KERF_AS_JSON, nowhere);
        kerf_report_plan(advice, KERF_AS_TEXT, nowhere);
        kerf_plan_advice_free(advice);
    } else if (snapshot && ask == 1) {
        struct kerf_disrupt_advice *advice = kerf_advise_disrupt(snapshot);
        kerf_report_disrupt(advice, KERF_AS_JSON, nowhere);
        kerf_report_disrupt(advice, KERF_AS_TEXT, nowhere);
        kerf_disrupt_advice_free(advice);
    } else if (snapshot && ask == 2) {
        struct kerf_schedule_advice *advice = kerf_advise_schedule(snapshot);
        kerf_report_schedule(advice, KERF_AS_JSON, nowhere);
        kerf_report_schedule(advice, KERF_AS_TEXT, nowhere);
        kerf_schedule_advice_free(advice);
    } else if (snapshot) {
        struct kerf_autoscale_advice *advice = kerf_advise_autoscale(snapshot);
        kerf_report_autoscale(advice, KERF_AS_JSON, nowhere);
        kerf_report_autoscale(advice, KERF_AS_TEXT, nowhere);
        kerf_autoscale_advice_free(advice);
    }
    kerf_snapshot_free(snapshot);
    fclose(nowhere);
    close(descriptor);
    kerf_text_fini(&text);
    return 0;
}
