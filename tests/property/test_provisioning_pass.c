/*
 * Random small worlds: whatever a pass decides, each pod is in one place, each claim holds its pods on every type that it lists,
 * limits and hosts are respected, and neither the order of the pods nor a cache changes the plan.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/plan_world.h"

enum { WORLDS = 250 };

static uint64_t random_state;

static unsigned draw(unsigned bound)
{
    random_state = kerf_hash_mix(random_state, bound);
    return (unsigned)(random_state % bound);
}

static const char *pick(const char *const *texts, unsigned count)
{
    return texts[draw(count)];
}

/* ---- worlds ----------------------------------------------------------------------------------------------------------- */

static void add_random_pool(struct plan_world *world, const char *name)
{
    static const char *const requirements[] = {
        "",
        "",
        ", requirements: [{key: karpenter.sh/capacity-type, operator: In, values: [on-demand]}]",
        ", requirements: [{key: topology.kubernetes.io/zone, operator: In, values: [z1, z2]}]",
        ", requirements: [{key: node.kubernetes.io/instance-type, operator: NotIn, values: [c.large]}]",
    };
    static const char *const taints[] = {"", "", ", taints: [{key: only, effect: NoSchedule}]",
                                         ", taints: [{key: soft, effect: PreferNoSchedule}]"};
    static const char *const limits[] = {"", "", ", limits: {cpu: 10}", ", limits: {memory: 20Gi}",
                                         ", weight: 5, limits: {cpu: 4}"};
    char template_spec[512];
    snprintf(template_spec, sizeof template_spec, "%s%s", pick(requirements, 5), pick(taints, 4));
    plan_world_add_pool(world, name, template_spec, pick(limits, 5));
}

#define SELF_TERM(key) "[{topologyKey: " key ", labelSelector: {matchLabels: {app: %s}}}]"
#define SPREAD(key, how)                                                                                                         \
    ", topologySpreadConstraints: [{topologyKey: " key ", maxSkew: 1, whenUnsatisfiable: " how ", labelSelector: {matchLabels: " \
    "{app: %s}}}]"

static void add_random_pod(struct plan_world *world, unsigned index)
{
    static const char *const cpus[] = {"0.1", "0.25", "0.5", "1", "1.5", "3", "7.9", "9"};
    static const char *const memories[] = {"128Mi", "0.3Gi", "1Gi", "3Gi", "7Gi"};
    static const char *const apps[] = {"x", "y"};
    static const char *const wishes[] = {
        "",
        "",
        "",
        ", nodeSelector: {topology.kubernetes.io/zone: z2}",
        ", nodeSelector: {karpenter.sh/capacity-type: spot}",
        SPREAD("topology.kubernetes.io/zone", "DoNotSchedule"),
        SPREAD("topology.kubernetes.io/zone", "ScheduleAnyway"),
        SPREAD("kubernetes.io/hostname", "DoNotSchedule"),
        ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: " SELF_TERM(
            "kubernetes.io/hostname") "}}",
        ", affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: " SELF_TERM(
            "topology.kubernetes.io/zone") "}}",
    };
    static const char *const tolerations[] = {"", ", tolerations: [{operator: Exists}]"};
    const char *app = pick(apps, 2);
    char name[24], labels[32], wish[512], spec[640];
    snprintf(name, sizeof name, "p%02u", index);
    snprintf(labels, sizeof labels, "app: %s", app);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(wish, sizeof wish, pick(wishes, 10), app); /* the texts are those above, with one %s at most */
#pragma GCC diagnostic pop
    snprintf(spec, sizeof spec, "%s%s", wish, pick(tolerations, 2));
    plan_world_add_pod(world, name, pick(cpus, 8), pick(memories, 5), labels, spec);
}

static void add_random_world(struct plan_world *world)
{
    unsigned pools = 1 + draw(2);
    for (unsigned i = 0; i < pools; i++)
        add_random_pool(world, i == 0 ? "np" : "second");
    unsigned nodes = draw(4);
    for (unsigned i = 0; i < nodes; i++) {
        static const char *const zones[] = {"z1", "z2", "z3"};
        static const char *const cpus[] = {"1", "2", "4"};
        char node[24], pod[24];
        snprintf(node, sizeof node, "n%u", i);
        snprintf(pod, sizeof pod, "b%u", i);
        plan_world_add_node(world, node, pick(zones, 3), pick(cpus, 3), draw(4) > 0, "");
        plan_world_add_bound(world, pod, node, "0.5", draw(2) > 0 ? "app: x" : "");
    }
    if (draw(3) == 0)
        plan_world_add(world,
                       "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: ds}, spec: {selector: {matchLabels: {ds: a}}, "
                       "template: {metadata: {labels: {ds: a}}, spec: {tolerations: [{operator: Exists}], containers: [{name: "
                       "main, resources: {requests: {cpu: 100m, memory: 100Mi}}}]}}}}");
    unsigned pods = 1 + draw(25);
    for (unsigned i = 0; i < pods; i++)
        add_random_pod(world, i);
}

/* ---- what must hold --------------------------------------------------------------------------------------------------- */

static void mark_pod(const struct plan_world *world, uint8_t *places, kerf_pod_id pod)
{
    cr_expect_eq(places[pod.index]++, 0, "%s is in two places", kerf_cluster_pod(world->cluster, pod)->pod.meta.name->text);
}

static void check_places(struct plan_world *world, const struct kerf_provisioning_input *input)
{
    uint8_t places[256] = {0};
    const struct kerf_plan *plan = world->plan;
    for (size_t i = 0; i < plan->claim_count; i++)
        for (size_t k = 0; k < plan->claims[i].pod_count; k++)
            mark_pod(world, places, plan->claims[i].pods[k]);
    for (size_t i = 0; i < plan->existing_count; i++)
        for (size_t k = 0; k < plan->existing[i].pod_count; k++)
            mark_pod(world, places, plan->existing[i].pods[k]);
    for (size_t i = 0; i < plan->refusal_count; i++) {
        mark_pod(world, places, plan->refusals[i].pod);
        cr_expect_not_null(plan->refusals[i].reason);
    }
    for (size_t i = 0; i < input->pod_count; i++)
        cr_expect_eq(places[input->pods[i].index], 1, "a pod is nowhere");
}

static void check_claim(const struct plan_world *world, const struct kerf_planned_claim *claim)
{
    cr_expect_gt(claim->pod_count, 0);
    cr_expect_gt(claim->instance_type_count, 0);
    struct kerf_resources sum = {0};
    for (size_t i = 0; i < claim->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(world->cluster, claim->pods[i])->pod;
        kerf_resources_add(&sum, pod->requests);
    }
    for (size_t i = 0; i < claim->instance_type_count; i++) {
        const struct kerf_instance_type *type = claim->instance_types[i];
        cr_expect(kerf_resources_fit(&sum, &type->allocatable), "%s does not hold its pods", type->name->text);
        cr_expect(kerf_resources_fit(&claim->requests, &type->allocatable), "%s does not hold what is stated", type->name->text);
        cr_expect(kerf_requirements_intersect(&type->requirements, &claim->requirements, NULL));
    }
}

static void check_nodes(const struct plan_world *world)
{
    for (size_t i = 0; i < world->plan->existing_count; i++) {
        const struct kerf_planned_placement *placement = &world->plan->existing[i];
        const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, placement->node);
        struct kerf_resources sum = node->requested;
        for (size_t k = 0; k < placement->pod_count; k++)
            kerf_resources_add(&sum, kerf_cluster_pod(world->cluster, placement->pods[k])->pod.requests);
        struct kerf_resources allocatable = kerf_cluster_node_allocatable(world->cluster, node);
        cr_expect(kerf_resources_fit(&sum, &allocatable), "%s is overfull", node->node.meta.name->text);
    }
}

/* The largest type of every claim, and the pool's nodes, stay within the limit. */
static void check_limits(const struct plan_world *world)
{
    for (uint32_t p = 0; p < world->objects.nodepools.count; p++) {
        const struct kerf_nodepool_limits *limits = &world->objects.nodepools.items[p].limits;
        for (uint32_t resource = 0; resource < KERF_RESOURCE_MAX; resource++) {
            if (!kerf_resources_has(&limits->resources, (enum kerf_resource)resource))
                continue;
            int64_t used = 0;
            for (size_t i = 0; i < kerf_cluster_node_count(world->cluster); i++) {
                const struct kerf_cluster_node *node = kerf_cluster_node_at(world->cluster, i);
                struct kerf_resources capacity = kerf_cluster_node_capacity(world->cluster, node);
                used += node->nodepool_index == p ? capacity.amounts[resource] : 0;
            }
            bool opened = false;
            for (size_t i = 0; i < world->plan->claim_count; i++) {
                const struct kerf_planned_claim *claim = &world->plan->claims[i];
                if (claim->nodepool_index != p)
                    continue;
                opened = true;
                int64_t largest = 0;
                for (size_t k = 0; k < claim->instance_type_count; k++)
                    largest = kerf_max_i64(largest, claim->instance_types[k]->capacity.amounts[resource]);
                used += largest;
            }
            cr_expect(!opened || used <= limits->resources.amounts[resource], "a limit of pool %u is exceeded", p);
        }
    }
}

/* Pods that repel their own kind from the host have at most themselves of it there. */
static void check_hosts(const struct plan_world *world)
{
    for (size_t i = 0; i < world->plan->claim_count; i++) {
        const struct kerf_planned_claim *claim = &world->plan->claims[i];
        for (size_t k = 0; k < claim->pod_count; k++) {
            const struct kerf_pod *pod = &kerf_cluster_pod(world->cluster, claim->pods[k])->pod;
            for (size_t m = 0; m < claim->pod_count && pod->spec->required_anti_affinity.count > 0; m++) {
                const struct kerf_pod *other = &kerf_cluster_pod(world->cluster, claim->pods[m])->pod;
                cr_expect(m == k || !kerf_label_selector_matches(&pod->spec->required_anti_affinity.items[0].selector,
                                                                 &other->meta.labels),
                          "%s and %s share a node", pod->meta.name->text, other->meta.name->text);
            }
        }
    }
}

static bool same_pods(const kerf_pod_id *a, size_t a_count, const kerf_pod_id *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!kerf_pod_id_equal(a[i], b[i]))
            return false;
    return true;
}

static bool same_plan(const struct kerf_plan *a, const struct kerf_plan *b)
{
    if (a->claim_count != b->claim_count || a->existing_count != b->existing_count || a->refusal_count != b->refusal_count ||
        a->attempts != b->attempts)
        return false;
    for (size_t i = 0; i < a->claim_count; i++) {
        const struct kerf_planned_claim *left = &a->claims[i], *right = &b->claims[i];
        if (left->nodepool_index != right->nodepool_index || left->instance_type_count != right->instance_type_count ||
            !same_pods(left->pods, left->pod_count, right->pods, right->pod_count))
            return false;
        for (size_t k = 0; k < left->instance_type_count; k++)
            if (left->instance_types[k] != right->instance_types[k])
                return false;
    }
    for (size_t i = 0; i < a->existing_count; i++)
        if (!same_pods(a->existing[i].pods, a->existing[i].pod_count, b->existing[i].pods, b->existing[i].pod_count))
            return false;
    return true;
}

static void check_repeatable(const struct plan_world *world, const struct kerf_provisioning_input *input)
{
    kerf_pod_id reversed[64];
    for (size_t i = 0; i < input->pod_count; i++)
        reversed[i] = input->pods[input->pod_count - 1 - i];
    struct kerf_provisioning_input again = *input;
    again.pods = reversed;
    again.omit_reasons = true;
    again.cache = kerf_provisioning_cache_new(world->cluster);
    for (int round = 0; round < 2; round++) {
        struct kerf_plan *plan = kerf_provisioning_plan(&again);
        cr_expect(same_plan(plan, world->plan), "another plan in round %d", round);
        kerf_plan_free(plan);
    }
    kerf_provisioning_cache_free(again.cache);
}

static void check_all(struct plan_world *world, const struct kerf_provisioning_input *input)
{
    check_places(world, input);
    for (size_t i = 0; i < world->plan->claim_count; i++)
        check_claim(world, &world->plan->claims[i]);
    check_nodes(world);
    check_limits(world);
    check_hosts(world);
    check_repeatable(world, input);
}

/* No plan is cheaper than the bound for the pods that it places. */
static double check_bound(const struct plan_world *world, const struct kerf_provisioning_input *input, const struct kerf_plan *plan)
{
    kerf_pod_id placed[64];
    struct kerf_provisioning_input of_placed = *input;
    of_placed.pods = placed;
    of_placed.pod_count = 0;
    for (size_t i = 0; i < plan->claim_count; i++)
        for (size_t k = 0; k < plan->claims[i].pod_count; k++)
            placed[of_placed.pod_count++] = plan->claims[i].pods[k];
    for (size_t i = 0; i < plan->existing_count; i++)
        for (size_t k = 0; k < plan->existing[i].pod_count; k++)
            placed[of_placed.pod_count++] = plan->existing[i].pods[k];
    struct kerf_provisioning_bound bound;
    size_t unlaunched;
    kerf_provisioning_find_bound(&of_placed, 20000, &bound);
    double usd_per_hour = kerf_plan_price_usd_per_hour(input, plan, &unlaunched);
    cr_expect(bound.is_known);
    cr_expect_eq(bound.unplaceable_count, 0, "pods that a plan places fit nowhere");
    if (unlaunched == 0)
        cr_expect_leq(bound.usd_per_hour, usd_per_hour + 1e-6, "bound %f, plan %f: %s", bound.usd_per_hour, usd_per_hour,
                      world->manifest.bytes);
    return usd_per_hour;
}

/* The packed planner keeps the same rules, and its plan is no dearer where it places as much. */
static double check_packed(struct plan_world *world, struct kerf_provisioning_input *input)
{
    struct kerf_plan *plan = world->plan;
    double karpenter = check_bound(world, input, plan);
    input->options.engine = KERF_ENGINE_PACKED;
    input->options.packing_steps = 20000;
    world->plan = kerf_provisioning_plan(input);
    check_all(world, input);
    double packed = check_bound(world, input, world->plan);
    cr_expect_leq(world->plan->refusal_count, plan->refusal_count);
    if (world->plan->refusal_count == plan->refusal_count)
        cr_expect_leq(packed, karpenter + 1e-9);
    kerf_plan_free(world->plan);
    world->plan = plan;
    return karpenter - packed;
}

Test(provisioning_pass, holds_in_random_worlds)
{
    int saved = 0;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        random_state = seed;
        struct plan_world world;
        plan_world_init(&world);
        add_random_world(&world);
        plan_world_run(&world);
        struct kerf_provisioning_input input = {.cluster = world.cluster, .options = world.options};
        const struct kerf_plan_refusal *invalid;
        size_t invalid_count;
        kerf_provisioning_collect_pods(world.cluster, 0, &world.arena, &input.pods, &input.pod_count, &invalid, &invalid_count);
        cr_assert_leq(input.pod_count, 64);
        check_all(&world, &input);
        saved += check_packed(&world, &input) > 1e-9;
        plan_world_fini(&world);
    }
    cr_expect_gt(saved, 10, "packing saved money in %d worlds only", saved);
}
