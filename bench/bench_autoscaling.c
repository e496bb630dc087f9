/*
 * How long does Cluster Autoscaler's decision take? estimate: 51,000 pods of two shapes onto one group of 1 cpu nodes (the
 * estimator's own benchmark, for which the real one needs 5.5 CPU seconds on a two-core machine); mixed: 10,000 pods of 100
 * workloads, some of them spread over zones or apart from each other, over 20 groups; scale-down: the first pass over 1,000 nodes
 * that are a third to four fifths full, which stops at 20 unneeded ones; all nodes: the same without that limit. Prints minimum
 * and median of the runs in CPU time (the real figure is one too, and machines are shared) of the decision, and of the whole loop
 * with the reading of the world and the filter of pending pods; items a second at the minimum of the decision, and a hash of it.
 * usage: bench_autoscaling [--small]
 */
#include "autoscaling/autoscaling.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

enum { RUNS = 5 };

struct world {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_autoscaling_group *groups;
    uint32_t group_count;
    uint64_t random;
};

static uint32_t draw(struct world *world, uint32_t bound)
{
    world->random = world->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(world->random >> 33) % bound;
}

static kerf_name name_of(struct world *world, const char *text)
{
    return kerf_name_of(world->vocabulary->names, text);
}

static void world_init(struct world *world)
{
    *world = (struct world){.vocabulary = kerf_vocabulary_new(NULL), .random = 7};
    kerf_objects_init(&world->objects);
    world->groups = KERF_NEW_ARRAY(&world->objects.arena, struct kerf_autoscaling_group, 32);
}

/** When all workloads are there: a cluster knows those that it was made with. */
static void open_cluster(struct world *world)
{
    world->cluster = kerf_cluster_new(&world->objects, NULL, (struct kerf_instance_options){0}, world->vocabulary);
}

static void world_fini(struct world *world)
{
    kerf_cluster_free(world->cluster);
    kerf_objects_fini(&world->objects);
    kerf_vocabulary_free(world->vocabulary);
}

/* ---- nodes and groups
 * ------------------------------------------------------------------------------------------------------------ */

static struct kerf_node node_of(struct world *world, kerf_name name, kerf_name group, const char *zone, int64_t millicores,
                                int64_t bytes, int64_t pods)
{
    struct kerf_label labels[] = {{world->vocabulary->key_hostname, name},
                                  {world->vocabulary->key_zone, name_of(world, zone)},
                                  {world->vocabulary->key_eks_nodegroup, group}};
    struct kerf_node node = {.meta = {.name = name, .created_epoch_us = 0, .deletion_epoch_us = KERF_TIME_UNSET}};
    node.meta.labels = kerf_labels_sorted(&world->objects.arena, labels, 3);
    kerf_resources_set(&node.capacity, KERF_RESOURCE_CPU, millicores * 1000000);
    kerf_resources_set(&node.capacity, KERF_RESOURCE_MEMORY, bytes * 1000);
    kerf_resources_set(&node.capacity, KERF_RESOURCE_PODS, pods);
    node.allocatable = node.capacity;
    return node;
}

static void add_group(struct world *world, const char *name, const char *zone, int64_t millicores, int64_t bytes, int64_t pods)
{
    struct kerf_node *node = KERF_NEW(&world->objects.arena, struct kerf_node);
    *node = node_of(world, name_of(world, name), name_of(world, name), zone, millicores, bytes, pods);
    world->groups[world->group_count++] = (struct kerf_autoscaling_group){
        .name = name_of(world, name), .max_size = 5000, .can_scale_up = true, .template_node = node};
}

/* ---- pods
 * ------------------------------------------------------------------------------------------------------------------------ */

static struct kerf_label_selector selector_of(struct world *world, struct kerf_label label)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_expression expression = {.key = label.key,
                                         .op = KERF_OP_IN,
                                         .values = kerf_arena_copy(arena, &label.value, sizeof label.value),
                                         .value_count = 1,
                                         .min_values = -1};
    return (struct kerf_label_selector){.present = true,
                                        .expressions = {kerf_arena_copy(arena, &expression, sizeof expression), 1}};
}

static struct kerf_pod workload_of(struct world *world, const char *name, int64_t millicores, int64_t bytes, bool spread,
                                   bool apart)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_container container = {.name = name_of(world, "c")};
    kerf_resources_set(&container.requests, KERF_RESOURCE_CPU, millicores * 1000000);
    kerf_resources_set(&container.requests, KERF_RESOURCE_MEMORY, bytes * 1000);
    struct kerf_pod_spec *spec = KERF_NEW(arena, struct kerf_pod_spec);
    spec->containers = kerf_arena_copy(arena, &container, sizeof container);
    spec->container_count = 1;
    kerf_pod_spec_compute_requests(spec);
    struct kerf_label app = {name_of(world, "app"), name_of(world, name)};
    if (spread) {
        struct kerf_topology_spread constraint = {.max_skew = 1,
                                                  .do_not_schedule = true,
                                                  .node_affinity_policy = KERF_NODE_POLICY_HONOR,
                                                  .node_taints_policy = KERF_NODE_POLICY_IGNORE,
                                                  .topology_key = world->vocabulary->key_zone,
                                                  .selector = selector_of(world, app)};
        spec->spreads = (struct kerf_topology_spreads){kerf_arena_copy(arena, &constraint, sizeof constraint), 1};
    }
    if (apart) {
        struct kerf_pod_affinity_term term = {.topology_key = world->vocabulary->key_hostname,
                                              .selector = selector_of(world, app)};
        spec->required_anti_affinity = (struct kerf_pod_affinity_terms){kerf_arena_copy(arena, &term, sizeof term), 1};
    }
    struct kerf_owner owner = {.api_version = name_of(world, "apps/v1"),
                               .kind = name_of(world, "ReplicaSet"),
                               .name = app.value,
                               .uid = app.value,
                               .controller = true};
    struct kerf_meta_details details = {.owners = kerf_arena_copy(arena, &owner, sizeof owner), .owner_count = 1};
    struct kerf_pod pod = {
        .meta = {.namespace_name = name_of(world, "default"),
                 .created_epoch_us = 0,
                 .deletion_epoch_us = KERF_TIME_UNSET,
                 .labels = {kerf_arena_copy(arena, &app, sizeof app), 1},
                 .details = kerf_arena_copy(arena, &details, sizeof details)},
        .spec = spec,
        .requests = &spec->requests,
    };
    struct kerf_workload workload = {.kind = KERF_WORKLOAD_REPLICASET,
                                     .meta = {.namespace_name = pod.meta.namespace_name, .name = app.value}};
    KERF_VEC_PUSH_IN(arena, &world->objects.workloads, workload);
    return pod;
}

static kerf_pod_id add_pod(struct world *world, struct kerf_pod pod, uint32_t workload)
{
    static uint32_t number;
    pod.meta.name = pod.meta.uid = kerf_name_format(world->vocabulary->names, "pod-%u", number++);
    return kerf_cluster_add_pod(world->cluster, &pod, workload);
}

/* ---- cases
 * ---------------------------------------------------------------------------------------------------------------------- */

static uint32_t fill_estimate(struct world *world, bool small)
{
    uint32_t counts[] = {small ? 500u : 50000u, small ? 10u : 1000u};
    add_group(world, "one", "a", 1000, 5000, 100);
    struct kerf_pod pods[2];
    for (uint32_t shape = 0; shape < 2; shape++)
        pods[shape] = workload_of(world, shape ? "large" : "little", shape ? 95 : 50, shape ? 190 : 100, false, false);
    open_cluster(world);
    for (uint32_t shape = 0; shape < 2; shape++)
        for (uint32_t i = 0; i < counts[shape]; i++)
            add_pod(world, pods[shape], shape);
    return counts[0] + counts[1];
}

static uint32_t fill_mixed(struct world *world, bool small)
{
    static const char *const zones[] = {"a", "b"};
    uint32_t workloads = small ? 10 : 100, replicas = small ? 10 : 100;
    struct kerf_pod pods[100];
    for (uint32_t i = 0; i < 20; i++) {
        int64_t cores = (int64_t)2 << (i / 2 % 5), gib_per_core = i < 10 ? 4 : 8;
        char name[24];
        snprintf(name, sizeof name, "group-%02u", i);
        add_group(world, name, zones[i % 2], cores * 1000 - 100, cores * gib_per_core << 30, cores < 8 ? 58 : 234);
    }
    for (uint32_t w = 0; w < workloads; w++) {
        char name[24];
        snprintf(name, sizeof name, "app-%03u", w);
        int64_t millicores = 50 * (1 + draw(world, 40)), bytes = (int64_t)(1 + draw(world, 32)) << 27;
        pods[w] = workload_of(world, name, millicores, bytes, w % 10 == 3, w % 10 == 7);
    }
    open_cluster(world);
    for (uint32_t w = 0; w < workloads; w++)
        for (uint32_t i = 0; i < replicas; i++)
            add_pod(world, pods[w], w);
    return workloads * replicas;
}

static uint32_t fill_nodes(struct world *world, bool small)
{
    enum { WORKLOADS = 50, CORES = 8 };
    uint32_t node_count = small ? 50 : 1000;
    struct kerf_pod pods[WORKLOADS];
    add_group(world, "one", "a", CORES * 1000, (int64_t)32 << 30, 58);
    world->groups[0].target_size = (int32_t)node_count;
    for (uint32_t w = 0; w < WORKLOADS; w++) {
        char name[24];
        snprintf(name, sizeof name, "app-%03u", w);
        pods[w] = workload_of(world, name, 200 * (1 + draw(world, 5)), (int64_t)1 << 29, w % 10 == 3, w % 10 == 7);
    }
    open_cluster(world);
    struct kerf_condition ready = {.type = name_of(world, "Ready"), .status = KERF_CONDITION_TRUE, .transition_epoch_us = 0};
    for (uint32_t n = 0; n < node_count; n++) {
        kerf_name name = kerf_name_format(world->vocabulary->names, "node-%04u", n);
        struct kerf_node node = node_of(world, name, world->groups[0].name, "a", CORES * 1000, (int64_t)32 << 30, 58);
        node.conditions = (struct kerf_conditions){kerf_arena_copy(&world->objects.arena, &ready, sizeof ready), 1};
        kerf_node_id id = kerf_cluster_add_node(world->cluster, &node);
        int64_t wanted = (int64_t)CORES * 10000000 * (30 + draw(world, 50));
        uint32_t w = draw(world, WORKLOADS);
        for (int64_t used = 0; used < wanted; used += pods[w].requests->cpu_nanocores, w = (w + 1) % WORKLOADS) {
            pods[w].phase = KERF_POD_RUNNING;
            kerf_cluster_bind_pod(world->cluster, add_pod(world, pods[w], w), id);
        }
    }
    return node_count;
}

struct bench_case {
    const char *name;
    uint32_t (*fill)(struct world *world, bool small); /* returns the number of items */
    bool scale_down;
    int64_t parallelism; /* max-scale-down-parallelism: the first pass stops at twice as many */
};

static uint64_t run_loop(struct world *world, const struct kerf_autoscaler_options *options, bool scale_down, double *out_seconds,
                         double *out_loop_seconds)
{
    struct kerf_autoscaling *autoscaling = kerf_autoscaling_new(world->cluster, options, NULL);
    struct kerf_autoscaling_moment moment = {
        .now_epoch_us = KERF_DAY_US, .groups = world->groups, .group_count = world->group_count};
    uint64_t hash = 0;
    const struct kerf_autoscaling_fit *fits;
    uint32_t fit_count;
    double begin = seconds_now();
    kerf_autoscaling_begin(autoscaling, &moment);
    kerf_autoscaling_filter(autoscaling, &fits, &fit_count);
    double decision_begin = seconds_now();
    if (scale_down) {
        const struct kerf_scale_down *down = kerf_autoscaling_scale_down(autoscaling);
        for (uint32_t i = 0; i < down->unneeded_count; i++)
            hash = kerf_hash_mix(hash, down->unneeded[i].node.index);
    } else {
        const struct kerf_scale_up *up = kerf_autoscaling_scale_up(autoscaling);
        for (uint32_t i = 0; i < up->option_count; i++)
            hash = kerf_hash_mix(hash, (uint64_t)up->options[i].node_count << 32 | up->options[i].pod_count);
    }
    *out_seconds = seconds_now() - decision_begin;
    kerf_autoscaling_end(autoscaling);
    *out_loop_seconds = seconds_now() - begin;
    kerf_autoscaling_free(autoscaling);
    return hash;
}

static void run_case(const struct bench_case *bench_case, bool small)
{
    double seconds[RUNS], loop_seconds[RUNS];
    uint64_t hash = 0;
    uint32_t items = 0;
    struct kerf_autoscaler_options options = kerf_autoscaler_options_default();
    options.max_nodes_per_scaleup = 3000;
    options.max_scale_down_parallelism = bench_case->parallelism;
    for (size_t i = 0; i < RUNS; i++) {
        struct world world;
        world_init(&world);
        items = bench_case->fill(&world, small);
        hash = run_loop(&world, &options, bench_case->scale_down, &seconds[i], &loop_seconds[i]);
        world_fini(&world);
    }
    sort_seconds(seconds, RUNS);
    sort_seconds(loop_seconds, RUNS);
    printf("%-11s %6u %s  min %8.2f ms  median %8.2f ms  loop %8.2f ms  %9.0f %s/s  hash %016" PRIx64 "\n", bench_case->name,
           items, bench_case->scale_down ? "nodes" : "pods ", seconds[0] * 1e3, seconds[RUNS / 2] * 1e3, loop_seconds[0] * 1e3,
           (double)items / seconds[0], bench_case->scale_down ? "nodes" : "pods", hash);
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"estimate", fill_estimate, false, 10},
        {"mixed", fill_mixed, false, 10},
        {"scale-down", fill_nodes, true, 10},
        {"all nodes", fill_nodes, true, 1000},
    };
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run_case(&cases[i], small);
    return 0;
}
