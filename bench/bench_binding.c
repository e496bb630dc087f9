/*
 * How many pods a second does kube-scheduler's decision place? Empty nodes of 16 cpu and 64 Gi in three zones; each pod is decided and bound
 * before the next. plain: no constraints; owned: of a ReplicaSet, so the default spreading scores it; hard, soft: spread over zones;
 * apart: anti-affinity by host against its like, required or preferred (half as many pods as nodes then, or 3,000).
 * On two cores the real scheduler places 957, 652 (plain), 500, 243 (hard) and 626, 457 (soft) a second on 1,000 and 5,000 nodes.
 * Prints minimum and median of the runs, pods a second at the minimum, and a hash of the nodes chosen.
 * usage: bench_binding [--small]
 */
#include "binding/binding.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

enum { RUNS = 3, ZONES = 3 };

enum shape { SHAPE_PLAIN, SHAPE_OWNED, SHAPE_HARD, SHAPE_SOFT, SHAPE_APART, SHAPE_RATHER_APART, SHAPE_COUNT };
static const char *const shape_names[SHAPE_COUNT] = { "plain", "owned", "hard zone spread", "soft zone spread",
                                                       "apart", "rather apart" };

struct world {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
};

static struct kerf_meta meta_of(struct world *world, const char *namespace_name, kerf_name name)
{
    return (struct kerf_meta){.namespace_name = kerf_name_of(world->vocabulary->names, namespace_name),
                              .name = name,
                              .uid = name,
                              .created_epoch_us = KERF_TIME_UNSET,
                              .deletion_epoch_us = KERF_TIME_UNSET};
}

static struct kerf_label_selector selector_of(struct world *world, struct kerf_label label)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_expression expression = {.key = label.key,
                                         .op = KERF_OP_IN,
                                         .values = kerf_arena_copy(arena, &label.value, sizeof label.value),
                                         .value_count = 1,
                                         .min_values = -1};
    return (struct kerf_label_selector){
        .present = true, .expressions = {kerf_arena_copy(arena, &expression, sizeof expression), 1}};
}

static void add_nodes(struct world *world, uint32_t node_count)
{
    for (uint32_t i = 0; i < node_count; i++) {
        kerf_name name = kerf_name_format(world->vocabulary->names, "node-%05u", i);
        struct kerf_label labels[] = {{world->vocabulary->key_hostname, name},
                                      {world->vocabulary->key_zone, kerf_name_format(world->vocabulary->names, "z%u", i % ZONES)}};
        struct kerf_node node = {.meta = meta_of(world, NULL, name)};
        node.meta.labels = kerf_labels_sorted(&world->objects.arena, labels, 2);
        kerf_resources_set(&node.allocatable, KERF_RESOURCE_CPU, 16000000000);
        kerf_resources_set(&node.allocatable, KERF_RESOURCE_MEMORY, 64ll << 30 << 10);
        kerf_resources_set(&node.allocatable, KERF_RESOURCE_PODS, 110);
        kerf_cluster_add_node(world->cluster, &node);
    }
}

static struct kerf_pod template_of(struct world *world, enum shape shape, struct kerf_label app)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_container container = {.name = kerf_name_of(world->vocabulary->names, "c")};
    kerf_resources_set(&container.requests, KERF_RESOURCE_CPU, 100000000);
    kerf_resources_set(&container.requests, KERF_RESOURCE_MEMORY, 500ll << 20 << 10);
    struct kerf_pod_spec *spec = KERF_NEW(arena, struct kerf_pod_spec);
    spec->containers = kerf_arena_copy(arena, &container, sizeof container);
    spec->container_count = 1;
    kerf_pod_spec_compute_requests(spec);
    if (shape == SHAPE_HARD || shape == SHAPE_SOFT) {
        struct kerf_topology_spread spread = {.max_skew = 1,
                                              .do_not_schedule = shape == SHAPE_HARD,
                                              .node_affinity_policy = KERF_NODE_POLICY_HONOR,
                                              .node_taints_policy = KERF_NODE_POLICY_IGNORE,
                                              .topology_key = world->vocabulary->key_zone,
                                              .selector = selector_of(world, app)};
        spec->spreads = (struct kerf_topology_spreads){kerf_arena_copy(arena, &spread, sizeof spread), 1};
    }
    if (shape == SHAPE_APART || shape == SHAPE_RATHER_APART) {
        struct kerf_pod_affinity_term term = {
            .weight = 100, .topology_key = world->vocabulary->key_hostname, .selector = selector_of(world, app)};
        struct kerf_pod_affinity_terms terms = {kerf_arena_copy(arena, &term, sizeof term), 1};
        *(shape == SHAPE_APART ? &spec->required_anti_affinity : &spec->preferred_anti_affinity) = terms;
    }
    struct kerf_pod pod = {.meta = meta_of(world, "default", NULL),
                           .spec = spec,
                           .requests = &spec->requests,
                           .has_status = true};
    pod.meta.labels = (struct kerf_labels){kerf_arena_copy(arena, &app, sizeof app), 1};
    if (shape == SHAPE_OWNED) {
        struct kerf_owner owner = {.api_version = kerf_name_of(world->vocabulary->names, "apps/v1"),
                                   .kind = kerf_name_of(world->vocabulary->names, "ReplicaSet"),
                                   .name = app.value,
                                   .controller = true};
        struct kerf_meta_details details = {.owners = kerf_arena_copy(arena, &owner, sizeof owner), .owner_count = 1};
        pod.meta.details = kerf_arena_copy(arena, &details, sizeof details);
    }
    return pod;
}

static uint64_t run_once(enum shape shape, uint32_t node_count, uint32_t pod_count, double *out_seconds)
{
    struct world world = {.vocabulary = kerf_vocabulary_new(NULL)};
    kerf_objects_init(&world.objects);
    struct kerf_label app = {kerf_name_of(world.vocabulary->names, "app"), kerf_name_of(world.vocabulary->names, "web")};
    struct kerf_workload replicaset = {
        .kind = KERF_WORKLOAD_REPLICASET, .meta = meta_of(&world, "default", app.value), .selector = selector_of(&world, app)};
    if (shape == SHAPE_OWNED)
        KERF_VEC_PUSH_IN(&world.objects.arena, &world.objects.workloads, replicaset);
    world.cluster = kerf_cluster_new(&world.objects, NULL, (struct kerf_instance_options){0}, world.vocabulary);
    add_nodes(&world, node_count);
    struct kerf_pod pod = template_of(&world, shape, app);
    kerf_pod_id *ids = kerf_allocate(pod_count * sizeof *ids);
    for (uint32_t i = 0; i < pod_count; i++) {
        pod.meta.name = pod.meta.uid = kerf_name_format(world.vocabulary->names, "pod-%u", i);
        ids[i] = kerf_cluster_add_pod(world.cluster, &pod, KERF_NOT_FOUND);
    }
    struct kerf_binding *binding = kerf_binding_new(world.cluster, (struct kerf_binding_options){.draw_ties = true, .tie_seed = 1});
    uint64_t hash = 0;
    const double begin = seconds_now();
    for (uint32_t i = 0; i < pod_count; i++) {
        struct kerf_binding_decision decision;
        kerf_binding_decide(binding, ids[i], &decision);
        hash = kerf_hash_mix(hash, decision.node.index);
        if (decision.node.index != KERF_NO_NODE.index)
            kerf_cluster_bind_pod(world.cluster, ids[i], decision.node);
    }
    *out_seconds = seconds_now() - begin;
    kerf_binding_free(binding);
    free(ids);
    kerf_cluster_free(world.cluster);
    kerf_objects_fini(&world.objects);
    kerf_vocabulary_free(world.vocabulary);
    return hash;
}

static void run_case(enum shape shape, uint32_t node_count, uint32_t pod_count)
{
    double seconds[RUNS];
    uint64_t hash = 0;
    for (size_t i = 0; i < RUNS; i++)
        hash = run_once(shape, node_count, pod_count, &seconds[i]);
    sort_seconds(seconds, RUNS);
    printf("%-18s %6u nodes %6u pods  min %9.2f ms  median %9.2f ms  %9.0f pods/s  hash %016" PRIx64 "\n", shape_names[shape],
           node_count, pod_count, seconds[0] * 1e3, seconds[RUNS / 2] * 1e3, (double)pod_count / seconds[0], hash);
}

int main(int argc, char **argv)
{
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    static const uint32_t node_counts[] = {1000, 5000};
    for (size_t n = 0; n < sizeof node_counts / sizeof node_counts[0]; n++)
        for (enum shape shape = 0; shape < SHAPE_COUNT; shape++) {
            uint32_t pods = shape == SHAPE_APART || shape == SHAPE_RATHER_APART ? node_counts[n] / 2 : 3000;
            run_case(shape, small ? node_counts[n] / 10 : node_counts[n], small ? 100 : pods);
        }
    return 0;
}
