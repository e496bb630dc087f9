/*
 * How long does Karpenter's pass take here? One NodePool, and pods
 *   mix          as in Karpenter's own benchmark, over its 400 made-up types, in five equal parts: generic, zone spread, host spread,
 *                zone self-affinity, host self-anti-affinity; it needs 2.1, 11.8 and 72.6 s for 1,000, 5,000 and 20,000 pods on two
 *                cores, and opens a node for every five pods (checked here)
 *   preferences  equal pods over those types that prefer a zone, and to be apart by zone and by host (52.8 s for 4,000)
 *   plain        without constraints, 200 shapes, over the 714 types c, m, r of amd64 above generation 2
 *   shuffled     the same in random order, not workload by workload
 *   what-if      ten pending pods over nodes that run ten pods each: what disruption asks for every candidate
 * Prints minimum and median of the runs, pods a second at the minimum, claims, a hash of the plan, and the most memory that the
 * program had before the passes (the world: a pod takes some 240 bytes) and what they added; a million plain pods must stay below
 * 300 MB in all. Reading is not counted; the cache is warm. Where the plain engine is bearable it runs too, once, and must give the
 * same plan.
 * usage: bench_provisioning [--small] [--engine plain|fast] [CASE [PODS]]
 */
#include "manifest/manifest.h"
#include "provisioning/provisioning.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "measure.h"

enum { RUNS = 5, NODE_PODS = 10, PENDING_PODS = 10, KINDS = 5, MIX_TYPES = 400, PLAIN_SHAPES = 200 };

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

static const char nodeclass_format[] =
    "---\n{apiVersion: karpenter.k8s.aws/v1, kind: EC2NodeClass, metadata: {name: default}, spec: {amiSelectorTerms: [{alias: "
    "al2023@latest}], role: nodes%s}}\n";
/* pods and overhead of the made-up types */
static const char kubelet[] =
    ", kubelet: {maxPods: 4000, podsPerCore: 10, kubeReserved: {cpu: 100m, memory: 10Mi}, evictionHard: {memory.available: '0'}}";
static const char pool_format[] = "---\n{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: default}, spec: "
                                  "{template: {spec: {nodeClassRef: {group: "
                                  "karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: [%s]}}}}\n";
static const char wanted_types[] = "{key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m, r]}, "
                                   "{key: karpenter.k8s.aws/instance-generation, operator: Gt, values: ['2']}, "
                                   "{key: kubernetes.io/arch, operator: In, values: [amd64]}";

static void add_pod(struct kerf_text *text, unsigned index, const char *labels, const char *wishes, const char *node)
{
    kerf_text_append_format(text,
                            "---\n{apiVersion: v1, kind: Pod, metadata: {name: p%06u, uid: %016" PRIx64 ", creationTimestamp: "
                            "'2026-01-01T00:00:00Z', labels: {%s}}, spec: {containers: [{name: main, resources: {requests: {cpu: "
                            "'%s', memory: %s}}}]%s%s%s}%s}\n",
                            index, kerf_hash_mix(0, index), labels, pick(cpus, 5), pick(memories, 6), wishes,
                            node != NULL ? ", nodeName: " : "", node != NULL ? node : "",
                            node != NULL ? ", status: {phase: Running}" : "");
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
    "topology.kubernetes.io/zone, operator: In, values: [zone-1]}]}}]}, podAntiAffinity: "
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

enum shape { SHAPE_MIX, SHAPE_PREFERENCES, SHAPE_PLAIN, SHAPE_SHUFFLED, SHAPE_WHAT_IF, SHAPE_COUNT };
static const char *const shape_names[SHAPE_COUNT] = {"mix", "preferences", "plain", "shuffled", "what-if"};

static void add_objects(struct kerf_text *text, enum shape shape, unsigned count)
{
    bool of_mix = shape == SHAPE_MIX || shape == SHAPE_PREFERENCES;
    kerf_text_append_format(text, nodeclass_format, of_mix ? kubelet : "");
    kerf_text_append_format(text, pool_format, of_mix ? "" : wanted_types);
    for (unsigned i = 0; i < count; i++) {
        char node[24];
        switch (shape) {
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
        case SHAPE_PLAIN: /* see add_plain_pods */
        case SHAPE_SHUFFLED:
        case SHAPE_COUNT:
            break;
        }
    }
    for (unsigned i = 0; shape == SHAPE_WHAT_IF && i < PENDING_PODS; i++)
        add_pod(text, count * NODE_PODS + i, "app: y", "", NULL);
}

/* A million of them outgrow a text, so they are put into the cluster as a workload's replicas would be: specs are shared. */
static void add_plain_pods(struct kerf_cluster *cluster, struct kerf_arena *arena, unsigned count, bool shuffled)
{
    struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    struct kerf_pod_spec *specs = KERF_NEW_ARRAY(arena, struct kerf_pod_spec, PLAIN_SHAPES);
    for (unsigned i = 0; i < PLAIN_SHAPES; i++) {
        random_state = kerf_hash_mix(random_state, i);
        int64_t cpu_millicores = 50 * (int64_t)(1 + random_state % 40); /* 50m to 2 */
        int64_t mib_per_core = (int64_t)1024 << (random_state >> 32) % 4;
        kerf_resources_set(&specs[i].requests, KERF_RESOURCE_CPU, cpu_millicores * 1000000);
        kerf_resources_set(&specs[i].requests, KERF_RESOURCE_MEMORY,
                           (cpu_millicores * mib_per_core + 1000 * (int64_t)i) * 1048576); /* in 10^-3 bytes; no two are the same */
        kerf_resources_set(&specs[i].requests, KERF_RESOURCE_PODS, 1);
    }
    for (unsigned i = 0; i < count; i++) {
        const struct kerf_pod_spec *spec = &specs[shuffled ? kerf_hash_mix(i, 7) % PLAIN_SHAPES : (uint64_t)i * PLAIN_SHAPES / count];
        struct kerf_pod pod = {.spec = spec, .requests = &spec->requests};
        pod.meta.namespace_name = vocabulary->word_default;
        pod.meta.name = pod.meta.uid = kerf_name_format(vocabulary->names, "p%07u", i);
        pod.meta.created_epoch_us = 0;
        pod.meta.deletion_epoch_us = KERF_TIME_UNSET;
        kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    }
}

/* Karpenter's own catalogue for benchmarks, as files: the i-th type has i vCPU, 2i GiB and room for 10i pods. */
static void write_catalog(const char *folder)
{
    static const char *const names[] = {"instance_types.csv", "on_demand_prices.csv", "spot_prices.csv", "zones.csv"};
    static const char *const heads[] = {
        "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni,hypervisor,usage_classes,bare_metal\n",
        "instance_type,usd_per_hour\n", "zone,instance_type,usd_per_hour\n", "zone,zone_id\nzone-1,z1\nzone-2,z2\nzone-3,z3\n"};
    for (size_t file_index = 0; file_index < sizeof names / sizeof names[0]; file_index++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[file_index]);
        FILE *file = fopen(path, "w");
        if (file == NULL)
            exit(4);
        fputs(heads[file_index], file);
        for (int i = 1; i <= MIX_TYPES; i++) {
            double price = 0.1 * i + 0.1 * 2 * i * 1.073741824;
            if (file_index == 0)
                fprintf(file, "fake%03d.large,amd64,%d,%d,4,15,nitro,on-demand+spot,false\n", i, i, 2048 * i);
            else if (file_index == 1)
                fprintf(file, "fake%03d.large,%.10f\n", i, price);
            else if (file_index == 2)
                fprintf(file, "zone-1,fake%03d.large,%.10f\nzone-2,fake%03d.large,%.10f\n", i, price, i, price);
        }
        fclose(file);
    }
}

static void remove_catalog(const char *folder)
{
    static const char *const names[] = {"instance_types.csv", "on_demand_prices.csv", "spot_prices.csv", "zones.csv"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* ---- runs ------------------------------------------------------------------------------------------------------------- */

static uint64_t hash_plan(const struct kerf_plan *plan)
{
    uint64_t hash = plan->refusal_count;
    for (size_t i = 0; i < plan->claim_count; i++) {
        const struct kerf_planned_claim *claim = &plan->claims[i];
        hash = kerf_hash_mix(hash, (uint64_t)claim->requests.cpu_nanocores ^ (uint64_t)claim->requests.memory_millibytes << 1);
        for (size_t k = 0; k < claim->instance_type_count; k++)
            hash = kerf_hash_mix(hash, claim->instance_types[k]->name->hash);
        for (size_t k = 0; k < claim->requirements.count; k++)
            hash = kerf_hash_mix(hash, (uint64_t)claim->requirements.items[k].key->hash << 32 | claim->requirements.items[k].value_count);
        for (size_t k = 0; k < plan->claims[i].pod_count; k++)
            hash = kerf_hash_mix(hash, plan->claims[i].pods[k].index);
    }
    for (size_t i = 0; i < plan->existing_count; i++)
        for (size_t k = 0; k < plan->existing[i].pod_count; k++)
            hash = kerf_hash_mix(hash, (uint64_t)plan->existing[i].node.index << 32 | plan->existing[i].pods[k].index);
    return hash;
}

static long most_memory_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

struct world {
    struct kerf_text text;
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_errors *errs;
    struct kerf_cluster *cluster;
    struct kerf_arena arena;
};

static void build_world(struct world *world, struct kerf_catalog *catalog, enum shape shape, unsigned count)
{
    random_state = 1;
    world->text = (struct kerf_text){0};
    add_objects(&world->text, shape, count);
    world->vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(catalog));
    world->errs = kerf_errors_new();
    kerf_objects_init(&world->objects);
    if (kerf_manifest_read_text("bench", world->text.bytes, world->text.length, world->vocabulary, &world->objects,
                                world->errs) != KERF_OK) {
        kerf_errors_print(world->errs, stderr);
        exit(1);
    }
    kerf_manifest_settle(&world->objects, world->vocabulary, true);
    world->cluster = kerf_cluster_new(&world->objects, catalog, kerf_instance_options_default(), world->vocabulary);
    kerf_cluster_add_objects(world->cluster);
    kerf_arena_init(&world->arena);
    if (shape == SHAPE_PLAIN || shape == SHAPE_SHUFFLED)
        add_plain_pods(world->cluster, &world->arena, count, shape == SHAPE_SHUFFLED);
}

static void free_world(struct world *world)
{
    kerf_arena_fini(&world->arena);
    kerf_cluster_free(world->cluster);
    kerf_objects_fini(&world->objects);
    kerf_vocabulary_free(world->vocabulary);
    kerf_errors_free(world->errs);
    kerf_text_fini(&world->text);
}

/* Returns the hash of the plan. */
static uint64_t run_engine(const struct world *world, enum shape shape, unsigned count, enum kerf_provisioning_engine engine)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_provisioning_input input = {.cluster = world->cluster,
                                            .cache = kerf_provisioning_cache_new(world->cluster),
                                            .omit_reasons = true,
                                            .options = {.engine = engine}};
    const struct kerf_plan_refusal *invalid;
    size_t invalid_count;
    kerf_provisioning_collect_pods(world->cluster, 0, &arena, &input.pods, &input.pod_count, &invalid, &invalid_count);
    const long world_kib = most_memory_kib();
    double seconds[RUNS];
    uint64_t hash = 0;
    size_t claim_count = 0;
    int runs = engine == KERF_ENGINE_PLAIN ? 1 : RUNS;
    for (int i = engine == KERF_ENGINE_PLAIN ? 0 : -1; i < runs; i++) { /* the first warms the cache */
        const double begin = seconds_now();
        struct kerf_plan *plan = kerf_provisioning_plan(&input);
        if (i >= 0)
            seconds[i] = seconds_now() - begin;
        hash = hash_plan(plan);
        claim_count = plan->claim_count;
        kerf_plan_free(plan);
    }
    sort_seconds(seconds, (size_t)runs);
    printf("%-12s %7u %-5s %-5s %7zu pods  min %9.3f ms  median %9.3f ms  %9.0f pods/s  %5zu claims  hash %016" PRIx64 "  %4ld + %ld MiB\n",
           shape_names[shape], count, shape == SHAPE_WHAT_IF ? "nodes" : "pods", engine == KERF_ENGINE_PLAIN ? "plain" : "fast",
           input.pod_count, seconds[0] * 1e3, seconds[runs / 2] * 1e3, (double)input.pod_count / seconds[0], claim_count, hash,
           world_kib / 1024, (most_memory_kib() - world_kib) / 1024);
    fflush(stdout);
    if (shape == SHAPE_MIX && claim_count != count / KINDS) {
        fprintf(stderr, "bench_provisioning: %zu claims for %u pods of the mix, expected %u\n", claim_count, count, count / KINDS);
        exit(1);
    }
    if (shape == SHAPE_PLAIN && count == 1000000 && engine == KERF_ENGINE_FAST && most_memory_kib() > 300L * 1000 * 1000 / 1024) {
        fprintf(stderr, "bench_provisioning: a million plain pods took %ld KiB, expected at most 300 MB\n", most_memory_kib());
        exit(1);
    }
    kerf_provisioning_cache_free(input.cache);
    kerf_arena_fini(&arena);
    return hash;
}

struct choice {
    bool small;
    bool one_engine;
    enum kerf_provisioning_engine engine;
    const char *only;
    unsigned count; /* 0: as the case has it */
};

static void run_case(struct kerf_catalog *catalog, enum shape shape, unsigned count, bool plain_is_bearable,
                     const struct choice *choice)
{
    struct world world;
    build_world(&world, catalog, shape, count);
    uint64_t hash = run_engine(&world, shape, count, choice->engine);
    if (plain_is_bearable && !choice->one_engine && run_engine(&world, shape, count, KERF_ENGINE_PLAIN) != hash) {
        fprintf(stderr, "bench_provisioning: the engines disagree on %s, %u\n", shape_names[shape], count);
        exit(1);
    }
    free_world(&world);
}

static struct kerf_catalog *load_catalog(const char *folder)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_catalog *catalog;
    if (kerf_catalog_load(folder, NULL, &catalog, errs) != KERF_OK) {
        kerf_errors_print(errs, stderr);
        exit(1);
    }
    kerf_errors_free(errs);
    return catalog;
}

static struct choice read_choice(int argc, char **argv)
{
    struct choice choice = {.engine = KERF_ENGINE_FAST};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--small") == 0) {
            choice.small = true;
        } else if (strcmp(argv[i], "--engine") == 0 && i + 1 < argc) {
            choice.one_engine = true;
            choice.engine = strcmp(argv[++i], "plain") == 0 ? KERF_ENGINE_PLAIN : KERF_ENGINE_FAST;
        } else if (choice.only == NULL) {
            choice.only = argv[i];
        } else {
            choice.count = (unsigned)strtoul(argv[i], NULL, 10);
        }
    }
    return choice;
}

int main(int argc, char **argv)
{
    const struct choice choice = read_choice(argc, argv);
    static const struct {
        enum shape shape;
        unsigned count;
        bool plain_is_bearable;
    } cases[] = {{SHAPE_MIX, 1000, true},     {SHAPE_MIX, 5000, true},         {SHAPE_MIX, 20000, true}, {SHAPE_PREFERENCES, 4000, true},
                 {SHAPE_PLAIN, 20000, true}, {SHAPE_PLAIN, 1000000, true}, {SHAPE_SHUFFLED, 1000000, false}, {SHAPE_WHAT_IF, 300, true}, {SHAPE_WHAT_IF, 1000, true}};
    char folder[] = "/tmp/kerf-bench-XXXXXX";
    if (mkdtemp(folder) == NULL)
        return 4;
    write_catalog(folder);
    struct kerf_catalog *made_up = load_catalog(folder);
    struct kerf_catalog *built_in = load_catalog(NULL);
    remove_catalog(folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (choice.only != NULL && strcmp(choice.only, shape_names[cases[i].shape]) != 0)
            continue;
        unsigned count = choice.count != 0 ? choice.count : choice.small ? cases[i].count / 20 : cases[i].count;
        bool of_mix = cases[i].shape == SHAPE_MIX || cases[i].shape == SHAPE_PREFERENCES;
        run_case(of_mix ? made_up : built_in, cases[i].shape, count, cases[i].plain_is_bearable, &choice);
        if (choice.count != 0)
            break;
    }
    kerf_catalog_free(made_up);
    kerf_catalog_free(built_in);
    return 0;
}
