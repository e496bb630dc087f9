/*
 * How long does Karpenter's pass take here? Types c, m, r of amd64 from the built-in catalogue, one NodePool, and pods
 *   plain        of 30 shapes without constraints
 *   mix          as in Karpenter's own benchmark, five equal parts: generic, zone spread, host spread, zone self-affinity, host
 *                self-anti-affinity (it needs 2.1, 11.8, 72.6 s for 1,000, 5,000, 20,000 pods on two cores)
 *   preferences  equal pods that prefer a zone, and to be apart by zone and by host (52.8 s for 4,000)
 *   what-if      ten pending pods over nodes that run ten pods each: what disruption asks for every candidate
 * Prints minimum and median of the runs, pods a second at the minimum, claims, and a hash of the plan. Reading is not counted;
 * the cache is warm. usage: bench_provisioning [--small]
 */
#include "manifest/manifest.h"
#include "provisioning/provisioning.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 5, NODE_PODS = 10, PENDING_PODS = 10, KINDS = 5 };

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_doubles(const void *a, const void *b)
{
    return kerf_compare_double(*(const double *)a, *(const double *)b);
}

static uint64_t random_state;

static const char *pick(const char *const *texts, unsigned count)
{
    random_state = kerf_hash_mix(random_state, count);
    return texts[random_state % count];
}

static const char *const cpus[] = {"100m", "250m", "500m", "1", "1500m"};
static const char *const memories[] = {"100Mi", "256Mi", "512Mi", "1Gi", "2Gi", "4Gi"};
static const char *const values[] = {"a", "b", "c", "d", "e", "f", "g"};

/* ---- objects ---------------------------------------------------------------------------------------------------------- */

static const char pool[] =
    "---\n{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: default}, spec: {amiSelectorTerms: [{alias: "
    "al2023@latest}], role: nodes}}\n"
    "---\n{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: default}, spec: {template: {spec: {nodeClassRef: "
    "{group: "
    "karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: [{key: karpenter.k8s.aws/instance-category, operator: "
    "In, "
    "values: [c, m, r]}, {key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ['2']}, {key: kubernetes.io/arch, "
    "operator: In, values: [amd64]}]}}}}\n";

static void add_pod(struct kerf_text *text, unsigned index, const char *labels, const char *wishes, const char *node)
{
    kerf_text_append_format(text,
                            "---\n{apiVersion: v1, kind: Pod, metadata: {name: p%06u, uid: p%06u, creationTimestamp: "
                            "'2026-01-01T00:00:00Z', labels: {%s}}, spec: {containers: [{name: main, resources: {requests: {cpu: "
                            "'%s', memory: %s}}}]%s%s%s}%s}\n",
                            index, index, labels, pick(cpus, 5), pick(memories, 6), wishes, node != NULL ? ", nodeName: " : "",
                            node != NULL ? node : "", node != NULL ? ", status: {phase: Running}" : "");
}

static void add_mixed_pod(struct kerf_text *text, unsigned index, unsigned kind)
{
    static const char *const spread_keys[] = {"", "topology.kubernetes.io/zone", "kubernetes.io/hostname"};
    char labels[64], wishes[256] = "";
    snprintf(labels, sizeof labels, "my-label: %s", pick(values, 7));
    if (kind == 1 || kind == 2) {
        snprintf(wishes, sizeof wishes,
                 ", topologySpreadConstraints: [{topologyKey: %s, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: "
                 "{matchLabels: {my-label: %s}}}]",
                 spread_keys[kind], pick(values, 7));
    } else if (kind == 3) {
        const char *value = pick(values, 7);
        snprintf(labels, sizeof labels, "my-affinity: %s", value);
        snprintf(wishes, sizeof wishes,
                 ", affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
                 "topology.kubernetes.io/zone, labelSelector: {matchLabels: {my-affinity: %s}}}]}}",
                 value);
    } else if (kind == 4) {
        snprintf(labels, sizeof labels, "app: apart");
        snprintf(wishes, sizeof wishes,
                 ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
                 "kubernetes.io/hostname, labelSelector: {matchLabels: {app: apart}}}]}}");
    }
    add_pod(text, index, labels, wishes, NULL);
}

static const char preferences[] =
    ", affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: "
    "[{key: "
    "topology.kubernetes.io/zone, operator: In, values: [us-east-1a]}]}}]}, podAntiAffinity: "
    "{preferredDuringSchedulingIgnoredDuringExecution: [{weight: 10, podAffinityTerm: {topologyKey: topology.kubernetes.io/zone, "
    "labelSelector: {matchLabels: {app: x}}}}, {weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: "
    "{matchLabels: {app: x}}}}]}}";

static void add_node(struct kerf_text *text, unsigned index)
{
    kerf_text_append_format(
        text,
        "---\n{apiVersion: v1, kind: Node, metadata: {name: n%05u, labels: {kubernetes.io/hostname: n%05u, "
        "topology.kubernetes.io/zone: us-east-1%c, kubernetes.io/arch: amd64, kubernetes.io/os: linux, "
        "karpenter.sh/nodepool: default, node.kubernetes.io/instance-type: m5.2xlarge}}, spec: {providerID: 'i-%u'}, "
        "status: {capacity: {cpu: 16, memory: 64Gi, pods: 100}, allocatable: {cpu: 16, memory: 64Gi, pods: 100}}}\n",
        index, index, 'a' + (int)(index % 3), index);
}

enum shape { SHAPE_PLAIN, SHAPE_MIX, SHAPE_PREFERENCES, SHAPE_WHAT_IF, SHAPE_COUNT };
static const char *const shape_names[SHAPE_COUNT] = {"plain", "mix", "preferences", "what-if"};

static void add_objects(struct kerf_text *text, enum shape shape, unsigned count)
{
    kerf_text_append(text, pool);
    for (unsigned i = 0; i < count; i++) {
        char node[16];
        switch (shape) {
        case SHAPE_PLAIN:
            add_pod(text, i, "app: x", "", NULL);
            break;
        case SHAPE_MIX:
            add_mixed_pod(text, i, i * KINDS / count);
            break;
        case SHAPE_PREFERENCES:
            add_pod(text, i, "app: x", preferences, NULL);
            break;
        case SHAPE_WHAT_IF:
            add_node(text, i);
            snprintf(node, sizeof node, "n%05u", i);
            for (unsigned k = 0; k < NODE_PODS; k++)
                add_pod(text, i * NODE_PODS + k, "app: x", "", node);
            break;
        case SHAPE_COUNT:
            break;
        }
    }
    for (unsigned i = 0; shape == SHAPE_WHAT_IF && i < PENDING_PODS; i++)
        add_pod(text, count * NODE_PODS + i, "app: y", "", NULL);
}

/* ---- runs ------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_plan(const struct kerf_plan *plan)
{
    uint64_t hash = plan->refusal_count;
    for (size_t i = 0; i < plan->claim_count; i++) {
        hash = kerf_hash_mix(hash, plan->claims[i].instance_type_count);
        for (size_t k = 0; k < plan->claims[i].pod_count; k++)
            hash = kerf_hash_mix(hash, plan->claims[i].pods[k].index);
    }
    for (size_t i = 0; i < plan->existing_count; i++)
        for (size_t k = 0; k < plan->existing[i].pod_count; k++)
            hash = kerf_hash_mix(hash, (uint64_t)plan->existing[i].node.index << 32 | plan->existing[i].pods[k].index);
    return hash;
}

static void run_case(const struct kerf_catalog *catalog, struct kerf_vocabulary *parent, enum shape shape, unsigned count)
{
    random_state = 1;
    struct kerf_text text = {0};
    add_objects(&text, shape, count);
    struct kerf_vocabulary *vocabulary = kerf_vocabulary_new(parent);
    struct kerf_objects objects;
    struct kerf_errors *errs = kerf_errors_new();
    kerf_objects_init(&objects);
    if (kerf_manifest_read_text("bench", text.bytes, text.length, vocabulary, &objects, errs) != KERF_OK) {
        kerf_errors_print(errs, stderr);
        exit(1);
    }
    kerf_manifest_settle(&objects, vocabulary, true);
    struct kerf_cluster *cluster = kerf_cluster_new(&objects, catalog, kerf_instance_options_default(), vocabulary);
    kerf_cluster_add_objects(cluster);
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_provisioning_input input = {
        .cluster = cluster, .cache = kerf_provisioning_cache_new(cluster), .omit_reasons = true};
    const struct kerf_plan_refusal *invalid;
    size_t invalid_count;
    kerf_provisioning_collect_pods(cluster, 0, &arena, &input.pods, &input.pod_count, &invalid, &invalid_count);
    double seconds[RUNS];
    uint64_t hash = 0;
    size_t claim_count = 0;
    for (int i = -1; i < RUNS; i++) { /* the first warms the cache */
        const double begin = seconds_now();
        struct kerf_plan *plan = kerf_provisioning_plan(&input);
        if (i >= 0)
            seconds[i] = seconds_now() - begin;
        hash = hash_plan(plan);
        claim_count = plan->claim_count;
        kerf_plan_free(plan);
    }
    qsort(seconds, RUNS, sizeof seconds[0], compare_doubles);
    printf("%-12s %6u %-5s %6zu pods  min %9.3f ms  median %9.3f ms  %9.0f pods/s  %5zu claims  hash %016" PRIx64 "\n",
           shape_names[shape], count, shape == SHAPE_WHAT_IF ? "nodes" : "pods", input.pod_count, seconds[0] * 1e3,
           seconds[RUNS / 2] * 1e3, (double)input.pod_count / seconds[0], claim_count, hash);
    kerf_provisioning_cache_free(input.cache);
    kerf_arena_fini(&arena);
    kerf_cluster_free(cluster);
    kerf_objects_fini(&objects);
    kerf_vocabulary_free(vocabulary);
    kerf_errors_free(errs);
    kerf_text_fini(&text);
}

int main(int argc, char **argv)
{
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    static const struct {
        enum shape shape;
        unsigned count;
    } cases[] = {{SHAPE_PLAIN, 1000}, {SHAPE_PLAIN, 20000},      {SHAPE_MIX, 1000},    {SHAPE_MIX, 5000},
                 {SHAPE_MIX, 20000},  {SHAPE_PREFERENCES, 4000}, {SHAPE_WHAT_IF, 300}, {SHAPE_WHAT_IF, 1000}};
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_catalog *catalog;
    if (kerf_catalog_load(NULL, NULL, &catalog, errs) != KERF_OK) {
        kerf_errors_print(errs, stderr);
        return 1;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(catalog, kerf_catalog_vocabulary(catalog), cases[i].shape, small ? cases[i].count / 20 : cases[i].count);
    kerf_catalog_free(catalog);
    kerf_errors_free(errs);
    return 0;
}
