/*
 * The two engines of provisioning on random worlds: the same plan in every byte, reasons and attempts included. Worlds are made
 * of few shapes with many pods and of many with few, from all that the rules know. KERF_ENGINE_CASES (default 240) worlds, from
 * seed KERF_ENGINE_FIRST (default 1), with 1 to 2,000 pods each, log-uniform; the worlds are shared out among tests that run at
 * the same time. `make engines` runs many.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>

#include "../support/plan_compare.h"
#include "../support/plan_world.h"

enum { SHARES = 8, CASES_DEFAULT = 240, PODS_MAX = 2000, SHAPES_MAX = 40, TEXT_BYTES = 2048 };

static uint64_t random_state;

static unsigned draw(unsigned bound)
{
    random_state = kerf_hash_mix(random_state, bound);
    return (unsigned)(random_state % bound);
}

#define PICK(texts) (texts)[draw(sizeof(texts) / sizeof(texts)[0])]

/* ---- pods -------------------------------------------------------------------------------------------------------------- */

static const char *const topology_keys[] = {"topology.kubernetes.io/zone",
                                            "topology.kubernetes.io/zone",
                                            "kubernetes.io/hostname",
                                            "kubernetes.io/hostname",
                                            "karpenter.sh/capacity-type",
                                            "example.com/rack",
                                            "failure-domain.beta.kubernetes.io/zone"};
static const char *const selectors[] = {"matchLabels: {app: a}",
                                        "matchLabels: {app: b}",
                                        "matchLabels: {app: c}",
                                        "matchExpressions: [{key: app, operator: In, values: [a, b]}]",
                                        "matchExpressions: [{key: app, operator: Exists}]",
                                        ""};
static const char *const node_expressions[] = {
    "{key: topology.kubernetes.io/zone, operator: In, values: [z1]}",
    "{key: topology.kubernetes.io/zone, operator: In, values: [z2, z3]}",
    "{key: topology.kubernetes.io/zone, operator: NotIn, values: [z1]}",
    "{key: karpenter.sh/capacity-type, operator: In, values: [spot]}",
    "{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}",
    "{key: node.kubernetes.io/instance-type, operator: In, values: [b.large, c.large]}",
    "{key: example.com/rack, operator: In, values: [r1]}",
    "{key: example.com/rack, operator: In, values: [r2, r3]}",
    "{key: example.com/rack, operator: NotIn, values: [r1]}",
    "{key: example.com/rack, operator: Exists}",
    "{key: example.com/rack, operator: DoesNotExist}",
    "{key: example.com/team, operator: In, values: [x]}",
    "{key: example.com/team, operator: NotIn, values: [x]}",
    "{key: example.com/free, operator: NotIn, values: [x]}",
    "{key: example.com/free, operator: In, values: [x, y]}",
    "{key: example.com/free, operator: Exists}",
    "{key: karpenter.k8s.aws/instance-cpu, operator: Gt, values: ['2']}",
    "{key: karpenter.k8s.aws/instance-cpu, operator: Lt, values: ['8']}",
};

static void append_term(struct kerf_text *text)
{
    kerf_text_append_format(text, "{topologyKey: %s, labelSelector: {%s}%s}", PICK(topology_keys), PICK(selectors),
                            draw(6) == 0   ? ", namespaceSelector: {}"
                            : draw(6) == 0 ? ", namespaces: [other]"
                                           : "");
}

static void append_pod_affinity(struct kerf_text *text, const char *kind)
{
    bool required = draw(2) == 0;
    kerf_text_append_format(text, "%s: {", kind);
    if (required) {
        kerf_text_append(text, "requiredDuringSchedulingIgnoredDuringExecution: [");
        append_term(text);
        kerf_text_append(text, draw(4) == 0 ? ", " : "]");
        if (text->bytes[text->length - 1] != ']') {
            append_term(text);
            kerf_text_append(text, "]");
        }
    } else {
        unsigned count = 1 + draw(3);
        kerf_text_append(text, "preferredDuringSchedulingIgnoredDuringExecution: [");
        for (unsigned i = 0; i < count; i++) {
            kerf_text_append_format(text, "%s{weight: %u, podAffinityTerm: ", i > 0 ? ", " : "", 1 + draw(3));
            append_term(text);
            kerf_text_append(text, "}");
        }
        kerf_text_append(text, "]");
    }
    kerf_text_append(text, "}, ");
}

static void append_node_affinity(struct kerf_text *text)
{
    kerf_text_append(text, "nodeAffinity: {");
    if (draw(2) == 0) {
        unsigned count = 1 + draw(2);
        kerf_text_append(text, "requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [");
        for (unsigned i = 0; i < count; i++)
            kerf_text_append_format(text, "%s{matchExpressions: [%s, %s]}", i > 0 ? ", " : "", PICK(node_expressions),
                                    PICK(node_expressions));
        kerf_text_append(text, "]}, ");
    }
    if (draw(2) == 0) {
        unsigned count = 1 + draw(3);
        kerf_text_append(text, "preferredDuringSchedulingIgnoredDuringExecution: [");
        for (unsigned i = 0; i < count; i++)
            kerf_text_append_format(text, "%s{weight: %u, preference: {matchExpressions: [%s]}}", i > 0 ? ", " : "", 1 + draw(3),
                                    PICK(node_expressions));
        kerf_text_append(text, "]");
    }
    kerf_text_append(text, "}, ");
}

static void append_spreads(struct kerf_text *text)
{
    unsigned count = 1 + draw(2);
    kerf_text_append(text, ", topologySpreadConstraints: [");
    for (unsigned i = 0; i < count; i++) {
        kerf_text_append_format(
            text, "%s{topologyKey: %s, maxSkew: %u, whenUnsatisfiable: %s, labelSelector: {%s}%s%s%s}", i > 0 ? ", " : "",
            PICK(topology_keys), 1 + draw(2), draw(3) > 0 ? "DoNotSchedule" : "ScheduleAnyway", PICK(selectors),
            draw(5) == 0 ? ", nodeTaintsPolicy: Honor" : "", draw(5) == 0 ? ", nodeAffinityPolicy: Ignore" : "",
            draw(6) == 0 ? ", matchLabelKeys: [version]" : "");
    }
    kerf_text_append(text, "]");
}

struct pod_shape {
    char namespace_name[16];
    char labels[64];
    char cpu[16];
    char memory[16];
    char more[48]; /* of its requests */
    struct kerf_text spec;
};

static void make_shape(struct pod_shape *shape, bool plain)
{
    static const char *const cpus[] = {"0.1", "0.25", "0.5", "0.5", "1", "1", "1.5", "3", "7.9", "9"};
    static const char *const memories[] = {"128Mi", "0.3Gi", "1Gi", "3Gi", "7Gi"};
    static const char *const more[] = {"", "", "", "", "", ", ephemeral-storage: 3Gi", ", nvidia.com/gpu: 1"};
    static const char *const apps[] = {"a", "b", "c"};
    static const char *const tolerations[] = {"", "", ", tolerations: [{operator: Exists}]",
                                              ", tolerations: [{key: only, operator: Exists, effect: NoSchedule}]"};
    static const char *const selector_texts[] = {"",
                                                 "",
                                                 "",
                                                 "",
                                                 ", nodeSelector: {topology.kubernetes.io/zone: z2}",
                                                 ", nodeSelector: {karpenter.sh/capacity-type: spot}",
                                                 ", nodeSelector: {example.com/team: x}"};
    kerf_text_clear(&shape->spec);
    snprintf(shape->namespace_name, sizeof shape->namespace_name, "%s", draw(8) == 0 ? "other" : "default");
    snprintf(shape->cpu, sizeof shape->cpu, "%s", PICK(cpus));
    snprintf(shape->memory, sizeof shape->memory, "%s", PICK(memories));
    snprintf(shape->more, sizeof shape->more, "%s", PICK(more));
    snprintf(shape->labels, sizeof shape->labels, "app: %s%s", PICK(apps), draw(4) == 0 ? ", version: v1" : "");
    kerf_text_append(&shape->spec, PICK(tolerations));
    kerf_text_append(&shape->spec, PICK(selector_texts));
    if (draw(40) == 0)
        kerf_text_append(&shape->spec, ", resourceClaims: [{name: gpu}]");
    if (plain)
        return;
    if (draw(3) == 0)
        append_spreads(&shape->spec);
    if (draw(2) == 0) {
        kerf_text_append(&shape->spec, ", affinity: {");
        if (draw(2) == 0)
            append_node_affinity(&shape->spec);
        if (draw(3) == 0)
            append_pod_affinity(&shape->spec, "podAffinity");
        if (draw(2) == 0)
            append_pod_affinity(&shape->spec, "podAntiAffinity");
        kerf_text_append(&shape->spec, "}");
    }
}

static void add_pod(struct plan_world *world, const struct pod_shape *shape, unsigned index, const char *node)
{
    static const char *const ports[] = {"", "", "", "", "", "", "", ", ports: [{containerPort: 80, hostPort: 80}]"};
    static const char *const volumes[] = {"",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          "",
                                          ", volumes: [{name: v, persistentVolumeClaim: {claimName: bound}}]",
                                          ", volumes: [{name: v, persistentVolumeClaim: {claimName: wide}}]",
                                          ", volumes: [{name: v, persistentVolumeClaim: {claimName: absent}}]"};
    plan_world_add(world,
                   "{apiVersion: v1, kind: Pod, metadata: {name: p%04u, uid: u%08" PRIx64 ", namespace: %s, creationTimestamp: "
                   "'2026-01-01T00:00:0%uZ', labels: {%s}}, spec: {containers: [{name: main, resources: {requests: {cpu: '%s', "
                   "memory: %s%s}}%s}]%s%s%s%s}%s}",
                   index, kerf_hash_mix(random_state, index) >> 32, shape->namespace_name, draw(3), shape->labels, shape->cpu,
                   shape->memory, shape->more, node == NULL ? PICK(ports) : "", shape->spec.length > 0 ? shape->spec.bytes : "",
                   node == NULL ? PICK(volumes) : "", node != NULL ? ", nodeName: " : "", node != NULL ? node : "",
                   node != NULL ? ", status: {phase: Running}" : "");
}

/* ---- worlds ------------------------------------------------------------------------------------------------------------ */

static void add_pool(struct plan_world *world, const char *name)
{
    static const char *const requirements[] = {
        "",
        "",
        ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}]",
        ", requirements: [{key: topology.kubernetes.io/zone, operator: In, values: [z1, z2]}]",
        ", requirements: [{key: node.kubernetes.io/instance-type, operator: NotIn, values: [c.large]}]",
        ", requirements: [{key: example.com/rack, operator: In, values: [r1, r2]}]",
        ", requirements: [{key: example.com/team, operator: In, values: [x]}]",
        ", requirements: [{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 2}]",
    };
    static const char *const taints[] = {"", "", "", ", taints: [{key: only, effect: NoSchedule}]",
                                         ", taints: [{key: soft, effect: PreferNoSchedule}]"};
    static const char *const limits[] = {"",
                                         "",
                                         "",
                                         ", limits: {cpu: 10}",
                                         ", limits: {memory: 20Gi}",
                                         ", weight: 5, limits: {cpu: 40}",
                                         ", weight: 7",
                                         ", limits: {nodes: 2}"};
    char template_spec[512];
    snprintf(template_spec, sizeof template_spec, "%s%s", PICK(requirements), PICK(taints));
    plan_world_add_pool(world, name, template_spec, PICK(limits));
}

static void add_nodes(struct plan_world *world, const struct pod_shape *shapes, unsigned shape_count, unsigned count)
{
    static const char *const zones[] = {"z1", "z2", "z3"};
    static const char *const cpus[] = {"1", "2", "4", "8"};
    static const char *const labels[] = {"", "", ", example.com/rack: r1", ", example.com/rack: r2, example.com/team: x",
                                         ", karpenter.sh/capacity-type: spot"};
    for (unsigned i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%03u", i);
        plan_world_add_node(world, name, PICK(zones), PICK(cpus), draw(5) > 0, PICK(labels));
        if (draw(2) == 0)
            add_pod(world, &shapes[draw(shape_count)], 5000 + i, name);
        if (draw(6) == 0)
            plan_world_add(world,
                           "{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: %s}, spec: {drivers: [{name: "
                           "ebs.csi.aws.com, nodeID: i, allocatable: {count: 1}}]}}",
                           name);
    }
}

static void add_volumes(struct plan_world *world)
{
    plan_world_add(world, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: bound, namespace: default}, spec: "
                          "{volumeName: pv1}}");
    plan_world_add(world, "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv1}, spec: {csi: {driver: "
                          "ebs.csi.aws.com, volumeHandle: h}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: "
                          "[{key: topology.kubernetes.io/zone, operator: In, values: [z2]}]}, {matchExpressions: [{key: "
                          "topology.kubernetes.io/zone, operator: In, values: [z3]}]}]}}}}");
    plan_world_add(world, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: wide, namespace: default}, spec: "
                          "{storageClassName: gp3}}");
    plan_world_add(world, "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: gp3}, provisioner: "
                          "ebs.csi.aws.com}");
}

/* Half of the worlds have about 30 pods or fewer. */
static unsigned draw_pod_count(void)
{
    double uniform = (double)draw(1000000) / 1e6;
    return (unsigned)exp(pow(uniform, 1.15) * log(PODS_MAX + 0.99));
}

static void make_world(struct plan_world *world, struct pod_shape *shapes)
{
    unsigned pods = draw_pod_count();
    unsigned shape_count = 1 + draw(draw(2) == 0 ? 4 : SHAPES_MAX);
    bool mostly_plain = draw(3) == 0;
    for (unsigned i = 0; i < shape_count; i++)
        make_shape(&shapes[i], mostly_plain && draw(8) > 0);
    for (unsigned i = 1, types = draw(6); i <= types; i++) {
        char name[24];
        snprintf(name, sizeof name, "t%u.large", i);
        plan_world_add_type(world, name, 1 + (int)draw(16), 1024 * (1 + (int)draw(32)), 0.05 * (1 + draw(12)),
                            draw(3) > 0 ? 0.02 * (1 + draw(12)) : 0);
    }
    if (draw(2) == 0)
        plan_world_add_type(world, "g.large", 8, 16384, 0.60, draw(2) == 0 ? 0.20 : 0);
    unsigned pools = 1 + draw(3);
    for (unsigned i = 0; i < pools; i++)
        add_pool(world, i == 0 ? "np" : i == 1 ? "second" : "third");
    add_nodes(world, shapes, shape_count, draw(3) == 0 ? draw(80) : draw(5));
    add_volumes(world);
    if (draw(3) == 0)
        plan_world_add(world,
                       "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: ds}, spec: {selector: {matchLabels: {ds: a}}, "
                       "template: {metadata: {labels: {ds: a}}, spec: {tolerations: [{operator: Exists}], %s containers: [{name: "
                       "main, ports: [{containerPort: 80%s}], resources: {requests: {cpu: 100m, memory: 100Mi}}}]}}}}",
                       draw(2) == 0 ? "nodeSelector: {node.kubernetes.io/instance-type: b.large}," : "",
                       draw(2) == 0 ? ", hostPort: 80" : "");
    for (unsigned i = 0; i < pods; i++)
        add_pod(world, &shapes[draw(shape_count)], i, NULL);
    world->unavailable = draw(4) == 0 ? "spot:a.large:*,on-demand:b.large:z1" : NULL;
    world->options = (struct kerf_provisioning_options){
        .preference_policy = draw(5) == 0 ? KERF_PREFERENCES_IGNORE : KERF_PREFERENCES_RESPECT,
        .min_values_policy = draw(3) == 0 ? KERF_MIN_VALUES_BEST_EFFORT : KERF_MIN_VALUES_STRICT,
        .draw_ties = draw(5) == 0,
        .tie_seed = draw(1000),
        .attempt_limit = draw(8) == 0 ? 1 + draw(200) : 0,
        .protect_recent_nodes = draw(8) == 0,
    };
}

/* ---- the comparison ---------------------------------------------------------------------------------------------------- */

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

/* No plan is cheaper than the bound for the pods that it places; the packed one keeps Karpenter's as what it must beat. */
static void check_packed(struct kerf_provisioning_input *input, const struct kerf_plan *plain, uint64_t seed)
{
    input->options.engine = KERF_ENGINE_PACKED;
    input->options.packing_steps = 5000;
    struct kerf_plan *packed = kerf_provisioning_plan(input);
    const struct kerf_plan *plans[] = {plain, packed};
    KERF_VEC(kerf_pod_id) placed = {0};
    for (size_t p = 0; p < 2; p++) {
        placed.count = 0;
        for (size_t i = 0; i < plans[p]->claim_count; i++)
            for (size_t k = 0; k < plans[p]->claims[i].pod_count; k++)
                KERF_VEC_PUSH(&placed, plans[p]->claims[i].pods[k]);
        for (size_t i = 0; i < plans[p]->existing_count; i++)
            for (size_t k = 0; k < plans[p]->existing[i].pod_count; k++)
                KERF_VEC_PUSH(&placed, plans[p]->existing[i].pods[k]);
        struct kerf_provisioning_input of_placed = *input;
        of_placed.pods = placed.items;
        of_placed.pod_count = placed.count;
        struct kerf_provisioning_bound bound;
        size_t unlaunched;
        kerf_provisioning_find_bound(&of_placed, 5000, &bound);
        double usd_per_hour = kerf_plan_price_usd_per_hour(input, plans[p], &unlaunched);
        cr_expect(bound.is_known && bound.unplaceable_count == 0, "seed %" PRIu64 ": %zu placed pods fit nowhere", seed,
                  bound.unplaceable_count);
        if (unlaunched == 0)
            cr_expect_leq(bound.usd_per_hour, usd_per_hour + 1e-6, "seed %" PRIu64 ": bound %f, plan %zu %f", seed,
                          bound.usd_per_hour, p, usd_per_hour);
    }
    cr_expect_eq(packed->refusal_count + placed.count, input->pod_count, "seed %" PRIu64 ": a pod is nowhere or twice", seed);
    KERF_VEC_FREE(&placed);
    kerf_plan_free(packed);
}

static void compare_engines(uint64_t seed)
{
    static struct pod_shape shapes[SHAPES_MAX];
    random_state = seed;
    struct plan_world world;
    plan_world_init(&world);
    make_world(&world, shapes);
    plan_world_build(&world);
    struct kerf_provisioning_input input = {.cluster = world.cluster, .options = world.options};
    const struct kerf_plan_refusal *invalid;
    size_t invalid_count;
    kerf_provisioning_collect_pods(world.cluster, 0, &world.arena, &input.pods, &input.pod_count, &invalid, &invalid_count);
    uint64_t left_out[8] = {0};
    for (size_t i = 0; i < kerf_cluster_node_id_bound(world.cluster) && i < 512; i++)
        if (draw(4) == 0)
            kerf_bit_set(left_out, i);
    input.left_out = draw(4) == 0 ? left_out : NULL;
    input.stop_at_uninitialized = draw(8) == 0;
    input.cache = kerf_provisioning_cache_new(world.cluster);
    input.options.engine = KERF_ENGINE_PLAIN;
    struct kerf_plan *plain = kerf_provisioning_plan(&input);
    input.options.engine = KERF_ENGINE_FAST;
    struct kerf_plan *fast = kerf_provisioning_plan(&input);
    const char *difference = plan_difference(plain, fast, &world.arena);
    cr_expect_null(difference, "seed %" PRIu64 ", %zu pods: %s", seed, input.pod_count, difference);
    input.omit_reasons = true;
    struct kerf_plan *without_reasons = kerf_provisioning_plan(&input);
    cr_expect_eq(without_reasons->attempts, plain->attempts, "seed %" PRIu64, seed);
    if (seed % 4 == 0 && !input.stop_at_uninitialized && input.options.attempt_limit == 0)
        check_packed(&input, plain, seed);
    kerf_plan_free(plain);
    kerf_plan_free(fast);
    kerf_plan_free(without_reasons);
    kerf_provisioning_cache_free(input.cache);
    plan_world_fini(&world);
    for (size_t i = 0; i < SHAPES_MAX; i++)
        kerf_text_fini(&shapes[i].spec);
}

ParameterizedTestParameters(engines, agree)
{
    static size_t shares[SHARES];
    for (size_t i = 0; i < SHARES; i++)
        shares[i] = i;
    return cr_make_param_array(size_t, shares, SHARES);
}

ParameterizedTest(size_t *share, engines, agree)
{
    unsigned long cases = setting("KERF_ENGINE_CASES", CASES_DEFAULT);
    unsigned long first = setting("KERF_ENGINE_FIRST", 1);
    for (unsigned long i = *share; i < cases; i += SHARES)
        compare_engines(first + i);
}
