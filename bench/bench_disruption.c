/* How long does one disruption pass take when there is nothing to consolidate: a full multi-node search and a what-if for each node?
 * Clusters of 100, 300 and 1,000 nodes (5,000 with --large) with 10 to 30 pods each, without and with topology spread.
 * usage: bench_disruption [--small | --large] */
#include <stdio.h>
#include <stdlib.h>

#include "disruption/disruption.h"
#include "kerf/catalog.h"
#include "manifest/manifest.h"

#include "measure.h"

enum { RUNS = 3, TEMPLATES = 40, PODS_MAX = 30 };

static const char objects_text[] =
    "---\n{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: default}, spec: {amiFamily: AL2023, amiSelectorTerms: [{alias: "
    "al2023@latest}], role: r}}\n---\n"
    "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: np}, spec: {disruption: {budgets: [{nodes: '100%'}]}, template: {spec: "
    "{nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: [{key: karpenter.sh/capacity-type, operator: In, "
    "values: [on-demand]}, {key: karpenter.k8s.aws/instance-family, operator: In, values: [m5]}, {key: karpenter.k8s.aws/instance-size, "
    "operator: In, values: [large, xlarge, 2xlarge, 4xlarge]}]}}}}\n";

struct bench {
    struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_arena arena;
    struct kerf_pod_spec specs[TEMPLATES];
    struct kerf_labels labels[TEMPLATES];
    uint64_t random;
};

static uint64_t draw(struct bench *bench, uint64_t below)
{
    bench->random ^= bench->random << 13;
    bench->random ^= bench->random >> 7;
    bench->random ^= bench->random << 17;
    return (bench->random >> 11) % below;
}

static kerf_name name_of(struct bench *bench, const char *prefix, size_t number)
{
    return kerf_name_format(bench->vocabulary->names, "%s%06zu", prefix, number);
}

static void make_templates(struct bench *bench, bool spread)
{
    for (size_t i = 0; i < TEMPLATES; i++) {
        struct kerf_pod_spec *spec = &bench->specs[i];
        *spec = (struct kerf_pod_spec){.termination_grace_seconds = 30};
        kerf_resources_set(&spec->requests, KERF_RESOURCE_CPU, (int64_t)(150 + 25 * draw(bench, 20)) * 1000000);
        kerf_resources_set(&spec->requests, KERF_RESOURCE_MEMORY, (int64_t)(256 + 64 * draw(bench, 12)) * 1024 * 1024 * 1000);
        kerf_resources_set(&spec->requests, KERF_RESOURCE_PODS, 1);
        struct kerf_label label = {kerf_name_of(bench->vocabulary->names, "app"), name_of(bench, "app-", i)};
        bench->labels[i] = kerf_labels_sorted(&bench->arena, &label, 1);
        if (!spread || i % 2)
            continue;
        struct kerf_expression *same_app = KERF_NEW(&bench->arena, struct kerf_expression);
        *same_app = (struct kerf_expression){label.key, KERF_OP_IN, kerf_arena_copy(&bench->arena, &label.value, sizeof label.value), 1, -1};
        struct kerf_topology_spread *zonal = KERF_NEW(&bench->arena, struct kerf_topology_spread);
        *zonal = (struct kerf_topology_spread){.max_skew = 5,
                                               .do_not_schedule = true,
                                               .node_affinity_policy = KERF_NODE_POLICY_HONOR,
                                               .node_taints_policy = KERF_NODE_POLICY_IGNORE,
                                               .topology_key = bench->vocabulary->key_zone,
                                               .selector = {.present = true, .expressions = {same_app, 1}}};
        spec->spreads = (struct kerf_topology_spreads){zonal, 1};
    }
}

static void add_condition(struct bench *bench, struct kerf_condition *at, const char *type)
{
    *at = (struct kerf_condition){.type = kerf_name_of(bench->vocabulary->names, type), .status = KERF_CONDITION_TRUE};
}

static kerf_node_id add_node(struct bench *bench, size_t number)
{
    struct kerf_vocabulary *vocabulary = bench->vocabulary;
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(bench->catalog, &zone_count);
    const struct kerf_instance_facts *facts = kerf_catalog_find(bench->catalog, kerf_name_of(vocabulary->names, "m5.2xlarge"));
    const struct kerf_instance_type *type = &kerf_cluster_instance_types(bench->cluster, 0)->items[facts->index];
    struct kerf_label own[] = {
        {vocabulary->key_zone, zones[number % 3].name},
        {vocabulary->key_capacity_type, vocabulary->word_on_demand},
        {vocabulary->key_nodepool, bench->objects.nodepools.items[0].meta.name},
        {vocabulary->key_hostname, name_of(bench, "node-", number)},
        {vocabulary->key_registered, vocabulary->word_true},
        {vocabulary->key_initialized, vocabulary->word_true},
    };
    struct kerf_labels type_labels = kerf_catalog_type_labels(type, vocabulary, &bench->arena);
    struct kerf_labels own_labels = kerf_labels_sorted(&bench->arena, own, sizeof own / sizeof own[0]);
    struct kerf_condition *conditions = KERF_NEW_ARRAY(&bench->arena, struct kerf_condition, 5);
    static const char *const condition_types[] = {"Launched", "Registered", "Initialized", "Consolidatable", "Ready"};
    for (size_t i = 0; i < 5; i++)
        add_condition(bench, &conditions[i], condition_types[i]);
    struct kerf_meta meta = {.name = name_of(bench, "claim-", number),
                             .uid = name_of(bench, "claim-", number),
                             .deletion_epoch_us = KERF_TIME_UNSET,
                             .labels = kerf_labels_merge(&bench->arena, &type_labels, &own_labels)};
    struct kerf_nodeclaim claim = {.meta = meta,
                                   .nodeclass = bench->objects.nodepools.items[0].nodeclass,
                                   .expire_after_us = KERF_TIME_NEVER,
                                   .termination_grace_period_us = KERF_TIME_UNSET,
                                   .provider_id = name_of(bench, "aws:///i-", number),
                                   .capacity = type->capacity,
                                   .allocatable = type->allocatable,
                                   .conditions = {conditions, 4},
                                   .last_pod_event_epoch_us = KERF_TIME_UNSET};
    kerf_cluster_add_claim(bench->cluster, &claim);
    meta.name = meta.uid = name_of(bench, "node-", number);
    struct kerf_node node = {.meta = meta,
                             .provider_id = claim.provider_id,
                             .capacity = type->capacity,
                             .allocatable = type->allocatable,
                             .conditions = {&conditions[4], 1}};
    return kerf_cluster_add_node(bench->cluster, &node);
}

/* Pods until the next one wouldn't fit: what is left on a node holds no set of another's pods. */
static size_t fill_node(struct bench *bench, kerf_node_id id, size_t first_pod)
{
    struct kerf_resources room = kerf_cluster_node_allocatable(bench->cluster, kerf_cluster_node(bench->cluster, id));
    size_t count = 0;
    for (int misses = 0; count < PODS_MAX && misses < 400;) {
        size_t template_index = draw(bench, TEMPLATES);
        const struct kerf_pod_spec *spec = &bench->specs[template_index];
        if (!kerf_resources_fit(&spec->requests, &room)) {
            misses++;
            continue;
        }
        kerf_resources_subtract(&room, &spec->requests);
        kerf_name name = name_of(bench, "pod-", first_pod + count++);
        struct kerf_pod pod = {.meta = {.namespace_name = bench->vocabulary->word_default,
                                        .name = name,
                                        .uid = name,
                                        .deletion_epoch_us = KERF_TIME_UNSET,
                                        .labels = bench->labels[template_index]},
                               .spec = spec,
                               .requests = &spec->requests,
                               .has_status = true,
                               .phase = KERF_POD_RUNNING};
        kerf_cluster_bind_pod(bench->cluster, kerf_cluster_add_pod(bench->cluster, &pod, KERF_NOT_FOUND), id);
    }
    return count;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_disruption: %s\n", what);
    exit(1);
}

static void open_bench(struct bench *bench, size_t node_count, bool spread, size_t *out_pods)
{
    *bench = (struct bench){.random = 88172645463325252u};
    struct kerf_errors *errs = kerf_errors_new();
    if (kerf_catalog_load(NULL, NULL, &bench->catalog, errs) != KERF_OK)
        fail("no catalogue");
    bench->vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(bench->catalog));
    kerf_arena_init(&bench->arena);
    kerf_objects_init(&bench->objects);
    if (kerf_manifest_read_text("bench", objects_text, sizeof objects_text - 1, bench->vocabulary, &bench->objects, errs) != KERF_OK)
        fail("no objects");
    kerf_manifest_settle(&bench->objects, bench->vocabulary, true);
    kerf_errors_free(errs);
    bench->cluster = kerf_cluster_new(&bench->objects, bench->catalog, kerf_instance_options_default(), bench->vocabulary);
    make_templates(bench, spread);
    size_t pods = 0;
    for (size_t i = 0; i < node_count; i++)
        pods += fill_node(bench, add_node(bench, i), pods);
    *out_pods = pods;
}

static void close_bench(struct bench *bench)
{
    kerf_cluster_free(bench->cluster);
    kerf_objects_fini(&bench->objects);
    kerf_arena_fini(&bench->arena);
    kerf_vocabulary_free(bench->vocabulary);
    kerf_catalog_free(bench->catalog);
}

static void measure(size_t node_count, bool spread, bool with_bounds)
{
    struct bench bench;
    size_t pods;
    open_bench(&bench, node_count, spread, &pods);
    struct kerf_disruption_options options = {.provisioning = {.now_epoch_us = KERF_DAY_US}, .cache = kerf_provisioning_cache_new(bench.cluster),
                                              .bounds = with_bounds ? kerf_disruption_bounds_new(bench.cluster) : NULL};
    kerf_cluster_set_now(bench.cluster, KERF_DAY_US);
    double seconds[RUNS];
    uint64_t simulations = 0, simulated_pods = 0;
    for (size_t run = 0; run < RUNS; run++) {
        struct kerf_disruption_memory memory = {0};
        double start = seconds_now();
        struct kerf_disruption_result *result = kerf_disruption_decide(bench.cluster, &options, KERF_METHOD_EMPTINESS, &memory);
        seconds[run] = seconds_now() - start;
        if (result->command_count > 0)
            fail("there was something to consolidate");
        simulations = result->simulations;
        simulated_pods = result->simulated_pods;
        kerf_disruption_result_free(result);
    }
    sort_seconds(seconds, RUNS);
    printf("%-9s %-6s %5zu nodes %6zu pods  min %9.3f ms  median %9.3f ms  %5" PRIu64 " what-ifs of %.1f pods, %8.1f us each\n",
           with_bounds ? "bounds" : "simulated", spread ? "spread" : "plain", node_count, pods, seconds[0] * 1e3, seconds[RUNS / 2] * 1e3, simulations,
           (double)simulated_pods / (double)simulations, seconds[0] * 1e6 / (double)simulations);
    kerf_disruption_bounds_free(options.bounds);
    kerf_provisioning_cache_free(options.cache);
    close_bench(&bench);
}

int main(int argument_count, char **arguments)
{
    bool is_small = argument_count > 1 && strcmp(arguments[1], "--small") == 0;
    bool is_large = argument_count > 1 && strcmp(arguments[1], "--large") == 0;
    static const size_t sizes[] = {100, 300, 1000, 5000};
    size_t count = is_small ? 1 : is_large ? 4 : 3;
    for (int spread = 0; spread < 2; spread++)
        for (size_t i = 0; i < count; i++)
            measure(is_small ? 20 : sizes[i], spread, true);
    for (int spread = 0; spread < 2; spread++) /* every what-if simulated */
        for (size_t i = 0; i < (is_small ? 1u : 2u); i++)
            measure(is_small ? 20 : sizes[i], spread, false);
    return 0;
}
