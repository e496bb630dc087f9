/*
 * Bounds, and what is remembered from one pass to the next, never change a decision: on random small clusters that change between the passes,
 * a pass with them and one that simulates every what-if in a world that it has never seen agree in all they say.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/disrupt_world.h"

enum { WORLDS = 300 };

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

static const char *pick(const char *const *texts, size_t count) { return texts[draw(count)]; }

static void add_world(struct disrupt_world *world, bool simple)
{
    static const char *const type_names[] = {"t0.large", "t1.large", "t2.large", "t3.large", "t4.large"};
    static const char *const capacity_types[] = {"", ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}]",
                                                 ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [spot]}]",
                                                 ", requirements: [{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 2}]"};
    static const char *const disruptions[] = {"", "consolidationPolicy: Balanced", "consolidateAfter: 10m", "budgets: [{nodes: 30%}]"};
    static const char *const extras[] = {NULL, NULL, NULL, ", nodeSelector: {topology.kubernetes.io/zone: z2}",
                                         ", nodeSelector: {karpenter.sh/capacity-type: on-demand}",
                                         ", topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: "
                                         "DoNotSchedule, labelSelector: {}}]"};
    static const char *const cpus[] = {"0.1", "0.25", "0.5", "1", "2", "3.5"};
    static const char *const zones[] = {"z1", "z2", "z3"};
    for (int i = 0; i < 5; i++)
        disrupt_world_add_type(world, type_names[i], 1 << i, 0.05 * (double)(1 << i) * (0.8 + 0.1 * (double)draw(5)),
                               draw(4) > 0 ? 0.02 * (double)(1 << i) * (0.7 + 0.1 * (double)draw(6)) : 0);
    size_t pool_count = 1 + draw(2);
    static const char *const pools[] = {"np", "other"};
    for (size_t i = 0; i < pool_count; i++)
        disrupt_world_add_pool(world, pools[i], pick(disruptions, 4), pick(capacity_types, 4), "");
    size_t node_count = 2 + draw(9);
    for (size_t i = 0; i < node_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%02zu", i);
        size_t type = draw(5);
        bool open = draw(5) > 0;
        disrupt_world_add_node(world, (struct disrupt_node){.name = name,
                                                            .type = type_names[type],
                                                            .pool = pick(pools, pool_count),
                                                            .zone = pick(zones, 3),
                                                            .capacity_type = draw(2) ? "spot" : "on-demand",
                                                            .not_initialized = draw(12) == 0,
                                                            .not_consolidatable = !open});
        double free_cpu = (double)(1 << type);
        for (size_t k = 1 + draw(12); k > 0; k--) {
            const char *cpu = pick(cpus, 6);
            char pod[48];
            snprintf(pod, sizeof pod, "p%02zu-%zu", i, k);
            if (strtod(cpu, NULL) > free_cpu)
                continue;
            free_cpu -= strtod(cpu, NULL);
            disrupt_world_add_pod(world, (struct disrupt_pod){.name = pod, .node = name, .cpu = cpu, .spec_extra = pick(extras, simple ? 5 : 6),
                                                               .status_extra = draw(8) ? NULL : ", phase: Pending"});
        }
    }
    if (draw(3) == 0) { /* whose pod asks for more than its template: then it may change with every pod */
        disrupt_world_add(world, "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent, namespace: default, uid: agent}, spec: {selector: "
                                 "{matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, resources: "
                                 "{requests: {cpu: 10m}}}]}}}}");
        disrupt_world_add_pod(world, (struct disrupt_pod){.name = "agent-1", .node = "n00", .cpu = "0.05",
                                                           .meta_extra = ", ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: agent, "
                                                                         "uid: agent, controller: true}]"});
    }
    for (size_t k = draw(3); k > 0; k--) {
        char pod[32];
        snprintf(pod, sizeof pod, "w%zu", k);
        disrupt_world_add_pod(world, (struct disrupt_pod){.name = pod, .cpu = pick(cpus, 6), .spec_extra = pick(extras, 5)});
    }
    world->options.explain = false;
    world->options.spot_to_spot_consolidation = draw(2);
    world->options.compute = (struct kerf_disruption_compute){.us_per_pod = 3, .us_per_node = 5};
}

Test(disruption_bounds, a_pass_says_the_same_with_and_without, .timeout = 60)
{
    size_t commands = 0, refusals = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct disrupt_world world;
        disrupt_world_init(&world);
        state = seed * 2654435761u + 88172645463325252u;
        add_world(&world, seed % 2 == 0);
        for (int method = KERF_METHOD_MULTI_NODE; method <= KERF_METHOD_SINGLE_NODE; method++) {
            world.options.bounds = NULL;
            world.memory = (struct kerf_disruption_memory){0};
            char *want = kerf_arena_text(&world.arena, disrupt_world_pass(&world, (enum kerf_disruption_method)method));
            uint64_t simulations = world.result->simulations, pods = world.result->simulated_pods;
            kerf_time_us compute_us = world.result->compute_us;
            commands += world.result->command_count;
            world.options.bounds = kerf_disruption_bounds_new(world.cluster);
            world.memory = (struct kerf_disruption_memory){0};
            const char *got = disrupt_world_pass(&world, (enum kerf_disruption_method)method);
            cr_expect_str_eq(got, want, "seed %" PRIu64 ": %s, %s without bounds", seed, got, want);
            cr_expect_eq(world.result->simulations, simulations, "seed %" PRIu64, seed);
            cr_expect_eq(world.result->simulated_pods, pods, "seed %" PRIu64, seed);
            cr_expect_eq(world.result->compute_us, compute_us, "seed %" PRIu64, seed);
            refusals += world.result->refused_by_bounds;
            kerf_disruption_bounds_free(world.options.bounds);
            world.options.bounds = NULL;
        }
        disrupt_world_fini(&world);
    }
    cr_expect_gt(commands, WORLDS / 4, "%zu commands", commands); /* the worlds are worth it */
    cr_expect_gt(refusals, WORLDS / 4, "%zu refusals", refusals);
}

/* ---- worlds that go on ------------------------------------------------------------------------------------------------- */

enum { STEPS = 12 };

static const struct kerf_cluster_node *draw_node(const struct kerf_cluster *cluster)
{
    size_t count = kerf_cluster_node_count(cluster);
    return count > 0 ? kerf_cluster_node_at(cluster, draw(count)) : NULL;
}

/* A pod like one that runs, where there is room for it. */
static void add_replica(struct kerf_cluster *cluster, uint64_t number)
{
    size_t count = kerf_cluster_pod_count(cluster);
    const struct kerf_cluster_node *node = draw_node(cluster);
    if (count == 0 || node == NULL || !node->has_node)
        return;
    struct kerf_pod pod = kerf_cluster_pod_at(cluster, draw(count))->pod;
    struct kerf_resources room = node->node.allocatable;
    kerf_resources_subtract(&room, &node->requested);
    if (!kerf_resources_fit(pod.requests, &room))
        return;
    char name[32];
    snprintf(name, sizeof name, "r%02" PRIu64, number);
    pod.meta.name = pod.meta.uid = kerf_name_of(kerf_cluster_vocabulary(cluster)->names, name);
    pod.node_name = NULL;
    pod.status = NULL;
    pod.phase = draw(3) ? KERF_POD_RUNNING : KERF_POD_PENDING;
    pod.node_name = node->node.meta.name;
    (void)kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
}

static void change_world(struct disrupt_world *world, uint64_t number)
{
    struct kerf_cluster *cluster = world->cluster;
    const struct kerf_cluster_node *node = draw_node(cluster);
    size_t pods = kerf_cluster_pod_count(cluster);
    switch (draw(9)) {
    case 0:
    case 1:
        if (pods > 0)
            kerf_cluster_remove_pod(cluster, kerf_cluster_pod_at(cluster, draw(pods))->id);
        break;
    case 2:
    case 3:
        add_replica(cluster, number);
        break;
    case 4:
        if (node != NULL)
            kerf_cluster_mark_for_deletion(cluster, node->id, draw(2));
        break;
    case 5:
        if (node != NULL && node->pod_count == 0)
            kerf_cluster_remove_node(cluster, node->id);
        break;
    case 6:
        if (node != NULL) {
            kerf_cluster_note_pod_event(cluster, node->id);
            kerf_cluster_set_claim_condition(cluster, node->id, "Consolidatable", draw(2) ? KERF_CONDITION_TRUE : KERF_CONDITION_FALSE, "C");
        }
        break;
    case 7:
        if (node != NULL && node->has_node)
            kerf_cluster_set_node_label(cluster, node->id, kerf_cluster_vocabulary(cluster)->key_initialized,
                                        draw(2) ? kerf_cluster_vocabulary(cluster)->word_true : NULL);
        break;
    case 8:
        if (pods > 0)
            kerf_cluster_delete_pod(cluster, kerf_cluster_pod_at(cluster, draw(pods))->id, world->options.provisioning.now_epoch_us);
        break;
    }
    world->options.provisioning.now_epoch_us += (kerf_time_us)draw(300) * KERF_SECOND_US;
    kerf_cluster_set_now(cluster, world->options.provisioning.now_epoch_us);
}

Test(disruption_bounds, what_is_remembered_follows_the_world, .timeout = 120)
{
    size_t commands = 0, refusals = 0;
    for (uint64_t seed = 1; seed <= WORLDS / 2; seed++) {
        struct disrupt_world world;
        disrupt_world_init(&world);
        state = seed * 2654435761u + 88172645463325252u;
        add_world(&world, seed % 3 != 0);
        disrupt_world_build(&world);
        struct kerf_provisioning_cache *cache = kerf_provisioning_cache_new(world.cluster);
        struct kerf_disruption_bounds *bounds = kerf_disruption_bounds_new(world.cluster);
        for (uint64_t step = 0; step < STEPS; step++) {
            for (int method = KERF_METHOD_EMPTINESS; method <= KERF_METHOD_SINGLE_NODE; method++) {
                world.options.bounds = NULL;
                world.options.cache = NULL;
                world.memory = (struct kerf_disruption_memory){0};
                char *want = kerf_arena_text(&world.arena, disrupt_world_pass(&world, (enum kerf_disruption_method)method));
                uint64_t simulations = world.result->simulations, pods = world.result->simulated_pods;
                world.options.bounds = bounds;
                world.options.cache = cache;
                world.memory = (struct kerf_disruption_memory){0};
                const char *got = disrupt_world_pass(&world, (enum kerf_disruption_method)method);
                cr_expect_str_eq(got, want, "seed %" PRIu64 " step %" PRIu64 ": %s, %s without memory", seed, step, got, want);
                cr_expect_eq(world.result->simulations, simulations, "seed %" PRIu64 " step %" PRIu64, seed, step);
                cr_expect_eq(world.result->simulated_pods, pods, "seed %" PRIu64 " step %" PRIu64, seed, step);
                commands += world.result->command_count;
                refusals += world.result->refused_by_bounds;
            }
            for (uint64_t k = 1 + draw(3); k > 0; k--)
                change_world(&world, step * 8 + k);
        }
        kerf_disruption_bounds_free(bounds);
        kerf_provisioning_cache_free(cache);
        world.options.cache = NULL;
        disrupt_world_fini(&world);
    }
    cr_expect_gt(commands, WORLDS, "%zu commands", commands); /* the worlds are worth it */
    cr_expect_gt(refusals, WORLDS, "%zu refusals", refusals);
}
