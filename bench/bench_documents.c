/*
 * How long does it take to read what `kubectl get pods` prints, and how much memory? A list of pods as JSON, and a tenth of it as
 * YAML, from memory. Prints minimum and median of the runs, megabytes a second at the minimum, bytes of the tree per byte of
 * text, and a hash of all texts.
 * usage: bench_documents [--small]
 */
#include "document/document.h"

#include <stdlib.h>

#include "measure.h"

enum { RUNS = 5 };

enum { VARIABLES = 10, CONDITIONS = 4 };
static const char *const conditions[CONDITIONS] = {"Initialized", "Ready", "ContainersReady", "PodScheduled"};

static void begin_map_at(struct kerf_json *json, const char *key)
{
    kerf_json_key(json, key);
    kerf_json_begin_map(json);
}

static void begin_list_at(struct kerf_json *json, const char *key)
{
    kerf_json_key(json, key);
    kerf_json_begin_list(json);
}

static void write_json_pod(struct kerf_json *json, int i)
{
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "apiVersion", "v1");
    kerf_json_put_text(json, "kind", "Pod");
    begin_map_at(json, "metadata");
    begin_map_at(json, "labels");
    kerf_json_put_text(json, "app", "web");
    kerf_json_end_map(json);
    kerf_json_key(json, "name");
    kerf_json_format(json, "web-%d", i);
    kerf_json_end_map(json);
    begin_map_at(json, "spec");
    begin_list_at(json, "containers");
    kerf_json_begin_map(json);
    begin_list_at(json, "env");
    for (int j = 0; j < VARIABLES; j++) {
        kerf_json_begin_map(json);
        kerf_json_put_text(json, "name", "VARIABLE");
        kerf_json_put_i64(json, "value", j);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    begin_map_at(json, "resources");
    begin_map_at(json, "requests");
    kerf_json_put_text(json, "cpu", "500m");
    kerf_json_put_text(json, "memory", "512Mi");
    kerf_json_end_map(json);
    kerf_json_end_map(json);
    kerf_json_end_map(json);
    kerf_json_end_list(json);
    kerf_json_end_map(json);
    begin_map_at(json, "status");
    begin_list_at(json, "conditions");
    for (int j = 0; j < CONDITIONS; j++) {
        kerf_json_begin_map(json);
        kerf_json_put_null(json, "lastProbeTime");
        kerf_json_put_text(json, "lastTransitionTime", "2026-01-01T00:00:00Z");
        kerf_json_put_text(json, "status", "True");
        kerf_json_put_text(json, "type", conditions[j]);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    kerf_json_put_text(json, "phase", "Running");
    kerf_json_end_map(json);
    kerf_json_end_map(json);
}

static struct kerf_text json_pods(int pod_count)
{
    struct kerf_json json;
    kerf_json_init(&json, NULL, 4);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "apiVersion", "v1");
    begin_list_at(&json, "items");
    for (int i = 0; i < pod_count; i++)
        write_json_pod(&json, i);
    kerf_json_end_list(&json);
    kerf_json_put_text(&json, "kind", "List");
    kerf_json_end_map(&json);
    if (kerf_json_finish(&json) != KERF_OK)
        abort();
    return json.text;
}

static struct kerf_text yaml_pods(int pod_count)
{
    struct kerf_text text = {0};
    kerf_text_append(&text, "apiVersion: v1\nkind: List\nitems:\n");
    for (int i = 0; i < pod_count; i++) {
        kerf_text_append_format(&text,
                                "- apiVersion: v1\n  kind: Pod\n  metadata:\n    labels:\n      app: web\n    name: web-%d\n"
                                "  spec:\n    containers:\n    - env:\n",
                                i);
        for (int j = 0; j < VARIABLES; j++)
            kerf_text_append_format(&text, "      - name: VARIABLE\n        value: %d\n", j);
        kerf_text_append(&text, "      resources:\n        requests:\n          cpu: 500m\n          memory: 512Mi\n"
                                "  status:\n    conditions:\n");
        for (int j = 0; j < CONDITIONS; j++)
            kerf_text_append_format(&text,
                                    "    - lastProbeTime: null\n      lastTransitionTime: \"2026-01-01T00:00:00Z\"\n"
                                    "      status: \"True\"\n      type: %s\n",
                                    conditions[j]);
        kerf_text_append(&text, "    phase: Running\n");
    }
    return text;
}

static uint64_t hash_of(const struct kerf_value *value, uint64_t hash)
{
    if (value->kind < KERF_VALUE_LIST)
        return kerf_hash_mix(hash, kerf_hash_bytes(value->text, value->count));
    for (uint32_t i = 0; i < value->count; i++)
        hash = hash_of(&value->items[i], hash);
    return hash;
}

static void measure(int pod_count, bool is_json)
{
    struct kerf_text text = is_json ? json_pods(pod_count) : yaml_pods(pod_count);
    double times[RUNS];
    size_t tree_bytes = 0;
    uint64_t hash = 0;
    for (int run = 0; run < RUNS; run++) {
        struct kerf_documents *documents = kerf_documents_new();
        struct kerf_errors *errs = kerf_errors_new();
        double start = seconds_now();
        enum kerf_status status = kerf_documents_read_bytes(documents, "pods", text.bytes, text.length, errs);
        times[run] = seconds_now() - start;
        KERF_ASSERT(status == KERF_OK);
        tree_bytes = documents->arena.allocated_bytes;
        hash = hash_of(&documents->list.items[0]->root, 0);
        kerf_documents_free(documents);
        kerf_errors_free(errs);
    }
    sort_seconds(times, RUNS);
    double megabytes = (double)text.length * 1e-6;
    printf("%s %6d pods %6.1f MB  min %7.3f s  median %7.3f s  %6.1f MB/s  %4.1f bytes a byte  hash %016" PRIx64 "\n",
           is_json ? "json" : "yaml", pod_count, megabytes, times[0], times[RUNS / 2], megabytes / times[0],
           (double)tree_bytes / (double)text.length, hash);
    kerf_text_fini(&text);
}

int main(int argument_count, char **arguments)
{
    bool is_small = argument_count > 1 && strcmp(arguments[1], "--small") == 0;
    measure(is_small ? 200 : 24000, true);
    measure(is_small ? 20 : 2400, false);
    return 0;
}
