/** Nodes and pods on paper against the same ones in the world: every filter says the same, and in the end nothing is left of
 * them. */
#include "binding/binding.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { KINDS = 5, NODES = 5, STEPS = 40, SEEDS = 60, NODES_MAX = NODES + STEPS };

struct step {
    enum { STEP_POD, STEP_NO_POD, STEP_NODE, STEP_NO_NODE, STEP_TAINT } kind;
    uint32_t node, pod; /* numbers of the test */
};

struct world {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_pod kinds[KINDS];
    kerf_node_id nodes[NODES_MAX];
    kerf_pod_id pods[STEPS + 1];
};

static uint64_t state;
static uint32_t draw(uint32_t bound)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % bound;
}

static kerf_name name_of(struct world *world, const char *text)
{
    return kerf_name_of(world->vocabulary->names, text);
}

static struct kerf_label_selector selector_of(struct world *world, kerf_name app)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_expression expression = {.key = name_of(world, "app"),
                                         .op = KERF_OP_IN,
                                         .values = kerf_arena_copy(arena, &app, sizeof app),
                                         .value_count = 1,
                                         .min_values = -1};
    return (struct kerf_label_selector){.present = true,
                                        .expressions = {kerf_arena_copy(arena, &expression, sizeof expression), 1}};
}

/** Plain, spread over zones, spread over hosts, apart, together with kind 0; two labels among them. */
static void make_kinds(struct world *world)
{
    struct kerf_arena *arena = &world->objects.arena;
    for (uint32_t k = 0; k < KINDS; k++) {
        struct kerf_label app = {name_of(world, "app"), name_of(world, k % 2 ? "odd" : "even")};
        struct kerf_container container = {.name = name_of(world, "c")};
        kerf_resources_set(&container.requests, KERF_RESOURCE_CPU, (int64_t)(300 + 100 * k) * 1000000);
        struct kerf_pod_spec *spec = KERF_NEW(arena, struct kerf_pod_spec);
        spec->containers = kerf_arena_copy(arena, &container, sizeof container);
        spec->container_count = 1;
        kerf_pod_spec_compute_requests(spec);
        if (k == 1 || k == 2) {
            struct kerf_topology_spread spread = {.max_skew = 1,
                                                  .do_not_schedule = true,
                                                  .node_taints_policy = k == 1 ? KERF_NODE_POLICY_IGNORE : KERF_NODE_POLICY_HONOR,
                                                  .topology_key =
                                                      k == 1 ? world->vocabulary->key_zone : world->vocabulary->key_hostname,
                                                  .selector = selector_of(world, app.value)};
            spec->spreads = (struct kerf_topology_spreads){kerf_arena_copy(arena, &spread, sizeof spread), 1};
        }
        if (k >= 3) {
            struct kerf_pod_affinity_term term = {.topology_key =
                                                      k == 3 ? world->vocabulary->key_hostname : world->vocabulary->key_zone,
                                                  .selector = selector_of(world, k == 3 ? app.value : name_of(world, "even"))};
            struct kerf_pod_affinity_terms terms = {kerf_arena_copy(arena, &term, sizeof term), 1};
            *(k == 3 ? &spec->required_anti_affinity : &spec->required_affinity) = terms;
        }
        world->kinds[k] = (struct kerf_pod){.meta = {.namespace_name = name_of(world, "default"),
                                                     .created_epoch_us = 0,
                                                     .deletion_epoch_us = KERF_TIME_UNSET,
                                                     .labels = {kerf_arena_copy(arena, &app, sizeof app), 1}},
                                            .spec = spec,
                                            .requests = &spec->requests};
    }
}

static struct kerf_node node_of(struct world *world, uint32_t number)
{
    kerf_name name = kerf_name_format(world->vocabulary->names, "node-%u", number);
    struct kerf_label labels[] = {{world->vocabulary->key_hostname, name},
                                  {world->vocabulary->key_zone, kerf_name_format(world->vocabulary->names, "z%u", number % 3)}};
    struct kerf_node node = {.meta = {.name = name, .created_epoch_us = 0, .deletion_epoch_us = KERF_TIME_UNSET}};
    node.meta.labels = kerf_labels_sorted(&world->objects.arena, labels, 2);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_CPU, 2000000000);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_PODS, 5);
    return node;
}

static struct kerf_taints hard_taints(struct world *world)
{
    struct kerf_taint taint = {.key = name_of(world, "gone"), .effect = KERF_TAINT_NO_SCHEDULE};
    return (struct kerf_taints){kerf_arena_copy(&world->objects.arena, &taint, sizeof taint), 1};
}

static kerf_pod_id add_pod(struct world *world, uint32_t kind, uint32_t number)
{
    struct kerf_pod pod = world->kinds[kind];
    pod.meta.name = pod.meta.uid = kerf_name_format(world->vocabulary->names, "pod-%u", number);
    return kerf_cluster_add_pod(world->cluster, &pod, KERF_NOT_FOUND);
}

static void world_init(struct world *world)
{
    *world = (struct world){.vocabulary = kerf_vocabulary_new(NULL)};
    kerf_objects_init(&world->objects);
    make_kinds(world);
    world->cluster = kerf_cluster_new(&world->objects, NULL, (struct kerf_instance_options){0}, world->vocabulary);
    for (uint32_t n = 0; n < NODES; n++) {
        struct kerf_node node = node_of(world, n);
        world->nodes[n] = kerf_cluster_add_node(world->cluster, &node);
        kerf_cluster_bind_pod(world->cluster, add_pod(world, n % KINDS, 1000 + n), world->nodes[n]);
    }
}

static void world_fini(struct world *world)
{
    kerf_cluster_free(world->cluster);
    kerf_objects_fini(&world->objects);
    kerf_vocabulary_free(world->vocabulary);
}

/** Steps that make sense one after the other. */
static uint32_t make_steps(struct step *steps)
{
    bool node_alive[NODES_MAX] = {0}, pod_alive[STEPS] = {0};
    uint32_t pod_node[STEPS] = {0}, node_count = NODES, pod_count = 0, count = 0;
    for (uint32_t n = 0; n < NODES; n++)
        node_alive[n] = true;
    for (uint32_t i = 0; i < STEPS; i++) {
        struct step step = {.kind = draw(8) % 5, .node = draw(node_count), .pod = pod_count ? draw(pod_count) : 0};
        if (step.kind == STEP_POD && node_alive[step.node]) {
            step.pod = pod_count;
            pod_node[pod_count] = step.node;
            pod_alive[pod_count++] = true;
        } else if (step.kind == STEP_NO_POD && pod_count && pod_alive[step.pod] && node_alive[pod_node[step.pod]]) {
            step.node = pod_node[step.pod];
            pod_alive[step.pod] = false;
        } else if (step.kind == STEP_NODE) {
            step.node = node_count;
            node_alive[node_count++] = true;
        } else if (step.kind == STEP_NO_NODE && node_alive[step.node]) {
            node_alive[step.node] = false;
        } else if (step.kind != STEP_TAINT || !node_alive[step.node]) {
            continue;
        }
        steps[count++] = step;
    }
    return count;
}

/** The kind of the test's pods follows from their number. */
static uint32_t kind_of(uint32_t pod)
{
    return pod * 7 % KINDS;
}

static void do_really(struct world *world, const struct step *step)
{
    const struct kerf_cluster_node *node;
    struct kerf_node made;
    switch (step->kind) {
    case STEP_POD:
        world->pods[step->pod] = add_pod(world, kind_of(step->pod), step->pod);
        kerf_cluster_bind_pod(world->cluster, world->pods[step->pod], world->nodes[step->node]);
        break;
    case STEP_NO_POD:
        kerf_cluster_remove_pod(world->cluster, world->pods[step->pod]);
        break;
    case STEP_NODE:
        made = node_of(world, step->node);
        world->nodes[step->node] = kerf_cluster_add_node(world->cluster, &made);
        break;
    case STEP_NO_NODE:
        node = kerf_cluster_node(world->cluster, world->nodes[step->node]);
        while (node->pod_count)
            kerf_cluster_remove_pod(world->cluster, node->pods[0]);
        kerf_cluster_remove_node(world->cluster, world->nodes[step->node]);
        break;
    case STEP_TAINT:
        kerf_cluster_set_node_taints(world->cluster, world->nodes[step->node], hard_taints(world));
        break;
    }
}

struct paper {
    struct world world;
    struct kerf_binding *binding;
    uint32_t slots[NODES_MAX];
    struct kerf_cluster_pod pods[STEPS];
    struct kerf_cluster_pod probes[KINDS];
};

static struct kerf_cluster_pod paper_pod(const struct paper *paper, uint32_t kind)
{
    return (struct kerf_cluster_pod){.id = KERF_NO_POD, .node = KERF_NO_NODE, .pod = paper->world.kinds[kind]};
}

static void do_on_paper(struct paper *paper, const struct step *step)
{
    const struct kerf_cluster_pod *pod = &paper->pods[step->pod];
    struct kerf_node *node = KERF_NEW(&paper->world.objects.arena, struct kerf_node);
    switch (step->kind) {
    case STEP_POD:
        kerf_binding_suppose_pods(paper->binding, paper->slots[step->node], &pod, 1);
        break;
    case STEP_NO_POD:
        kerf_binding_suppose_no_pod(paper->binding, paper->slots[step->node], pod);
        break;
    case STEP_NODE:
        *node = node_of(&paper->world, step->node);
        paper->slots[step->node] = kerf_binding_suppose_node(paper->binding, node);
        break;
    case STEP_NO_NODE:
        kerf_binding_suppose_no_node(paper->binding, paper->slots[step->node]);
        break;
    case STEP_TAINT:
        kerf_binding_suppose_taints(paper->binding, paper->slots[step->node], hard_taints(&paper->world));
        break;
    }
}

/** Every kind against every node that is there, on paper and in a world after the same steps; the kind that was asked for before
 * them first. */
static void compare(struct paper *paper, const struct step *steps, uint32_t count, uint32_t asked, uint64_t seed)
{
    struct world real;
    world_init(&real);
    bool alive[NODES_MAX] = {0};
    for (uint32_t n = 0; n < NODES; n++)
        alive[n] = true;
    for (uint32_t i = 0; i < count; i++) {
        do_really(&real, &steps[i]);
        if (steps[i].kind == STEP_NODE || steps[i].kind == STEP_NO_NODE)
            alive[steps[i].node] = steps[i].kind == STEP_NODE;
    }
    struct kerf_binding *binding = kerf_binding_new(real.cluster, (struct kerf_binding_options){0});
    for (uint32_t i = 0; i < KINDS; i++) {
        uint32_t kind = asked < KINDS ? (asked + i) % KINDS : i;
        kerf_pod_id probe = add_pod(&real, kind, 5000 + kind);
        if (i > 0 || asked >= KINDS)
            kerf_binding_suppose_asked(paper->binding, &paper->probes[kind]);
        for (uint32_t n = 0; n < NODES_MAX; n++)
            if (alive[n])
                cr_assert_eq(kerf_binding_suppose_passes(paper->binding, paper->slots[n], NULL),
                             kerf_binding_fits(binding, probe, real.nodes[n]), "seed %" PRIu64 ", %u steps, kind %u, node %u",
                             seed, count, kind, n);
    }
    kerf_binding_free(binding);
    world_fini(&real);
}

static void run(uint64_t seed)
{
    state = seed * 977 + 5;
    struct step steps[STEPS];
    uint32_t count = make_steps(steps);
    struct paper *paper = calloc(1, sizeof *paper);
    world_init(&paper->world);
    paper->binding = kerf_binding_new(paper->world.cluster, (struct kerf_binding_options){0});
    for (uint32_t p = 0; p < STEPS; p++)
        paper->pods[p] = paper_pod(paper, kind_of(p));
    for (uint32_t k = 0; k < KINDS; k++)
        paper->probes[k] = paper_pod(paper, k);
    for (int round = 0; round < 2; round++) { /* the second one begins where the first left nothing */
        size_t marks[STEPS];
        uint32_t asked = draw(KINDS), back = draw(count);
        kerf_binding_suppose_begin(paper->binding);
        for (uint32_t n = 0; n < NODES; n++)
            paper->slots[n] = kerf_binding_suppose_slot(paper->binding, paper->world.nodes[n]);
        kerf_binding_suppose_asked(paper->binding, &paper->probes[asked]);
        for (uint32_t i = 0; i < count; i++) {
            marks[i] = kerf_binding_suppose_mark(paper->binding);
            do_on_paper(paper, &steps[i]);
        }
        compare(paper, steps, count, asked, seed);
        kerf_binding_suppose_rewind(paper->binding, marks[back]);
        compare(paper, steps, back, KINDS, seed);
        kerf_binding_suppose_end(paper->binding);
    }
    kerf_binding_free(paper->binding);
    world_fini(&paper->world);
    free(paper);
}

Test(suppositions, agree_with_the_world)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        run(seed);
}
