/**
 * What binding remembers of pods of one kind against each pod by itself (options.plain): the same node, the same victims, pod after pod,
 * while nodes and pods come, change and go. KERF_KIND_CASES worlds (default 150).
 */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "../support/manifest_world.h"
#include "binding/binding.h"

enum { NODES_MAX = 260, PODS = 140, KINDS_MAX = 7 };

static uint64_t state;
static uint32_t draw(uint32_t bound)
{
    state = kerf_hash_mix(state, bound);
    return (uint32_t)(state % bound);
}
#define PICK(texts) (texts)[draw(sizeof(texts) / sizeof(texts)[0])]

/* ---- worlds -------------------------------------------------------------------------------------------------------------------------- */

static void append_node(struct kerf_text *text, uint32_t number)
{
    static const char *const zones[] = {"topology.kubernetes.io/zone: z1", "topology.kubernetes.io/zone: z2",
                                        "topology.kubernetes.io/zone: z3, disk: ssd", "disk: hdd"};
    static const char *const taints[] = {"", "", "", ", taints: [{key: soft, effect: PreferNoSchedule}]",
                                         ", taints: [{key: hard, effect: NoSchedule}]", ", unschedulable: true"};
    static const char *const cpus[] = {"2", "4", "16"};
    static const char *const images[] = {"", "", ", images: [{names: ['web:1'], sizeBytes: 500000000}]"};
    kerf_text_append_format(text,
                            "---\n{apiVersion: v1, kind: Node, metadata: {name: n%03u, labels: {kubernetes.io/hostname: n%03u, %s}}, "
                            "spec: {providerID: 'i-%u'%s}, status: {allocatable: {cpu: %s, memory: 8Gi, pods: 12}%s}}\n",
                            number, number, PICK(zones), number, PICK(taints), PICK(cpus), PICK(images));
}

static const char *const keys[] = {"topology.kubernetes.io/zone", "kubernetes.io/hostname", "disk"};

static void append_spread(struct kerf_text *text)
{
    kerf_text_append_format(text,
                            "{topologyKey: %s, maxSkew: %u, whenUnsatisfiable: %s, labelSelector: {matchLabels: {app: %s}}%s%s}",
                            PICK(keys), 1 + draw(3), draw(2) ? "DoNotSchedule" : "ScheduleAnyway", draw(4) ? "a" : "b",
                            draw(3) ? "" : ", nodeTaintsPolicy: Honor", draw(3) ? "" : ", nodeAffinityPolicy: Ignore");
}

static void append_term(struct kerf_text *text)
{
    kerf_text_append_format(text, "{topologyKey: %s, labelSelector: {matchLabels: {app: %s}}}", PICK(keys), draw(2) ? "a" : "b");
}

/* What is in a pod's spec beside its containers. */
static void append_wishes(struct kerf_text *text)
{
    static const char *const simple[] = {"", "", "", ", nodeSelector: {disk: ssd}", ", tolerations: [{operator: Exists}]",
                                         ", tolerations: [{key: soft, operator: Exists}]"};
    kerf_text_append(text, PICK(simple));
    if (draw(3) == 0) {
        kerf_text_append(text, ", topologySpreadConstraints: [");
        append_spread(text);
        if (draw(2)) {
            kerf_text_append(text, ", ");
            append_spread(text);
        }
        kerf_text_append(text, "]");
    }
    kerf_text_append(text, ", affinity: {");
    if (draw(4) == 0)
        kerf_text_append(text, "nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: "
                               "[{key: disk, operator: Exists}]}]}}, ");
    else if (draw(4) == 0)
        kerf_text_append(text, "nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5, preference: "
                               "{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}]}, ");
    static const char *const kinds[] = {"podAffinity", "podAntiAffinity"};
    for (uint32_t k = 0; k < 2; k++) {
        if (draw(5))
            continue;
        bool required = draw(2);
        kerf_text_append_format(text, "%s: {%s: [%s", kinds[k],
                                required ? "requiredDuringSchedulingIgnoredDuringExecution"
                                         : "preferredDuringSchedulingIgnoredDuringExecution",
                                required ? "" : "{weight: 7, podAffinityTerm: ");
        append_term(text);
        kerf_text_append_format(text, "%s]}, ", required ? "" : "}");
    }
    kerf_text_append(text, "}");
}

static void append_pods(struct kerf_text *text)
{
    static const char *const cpus[] = {"100m", "500m", "1500m"};
    static const char *const ports[] = {"", "", "", "", ", ports: [{containerPort: 80, hostPort: 80}]"};
    struct kerf_text kinds[KINDS_MAX] = {0};
    uint32_t kind_count = 1 + draw(KINDS_MAX), priorities = draw(2);
    for (uint32_t k = 0; k < kind_count; k++) {
        kerf_text_append_format(&kinds[k], "labels: {app: %s}%s}, spec: {containers: [{name: c, image: 'web:1', resources: "
                                           "{requests: {cpu: %s}}%s}], priority: %u",
                                draw(3) ? "a" : "b",
                                draw(3) ? "" : ", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, uid: u, controller: true}]",
                                PICK(cpus), PICK(ports), priorities ? draw(3) * 10 : 0);
        append_wishes(&kinds[k]);
    }
    for (uint32_t i = 0; i < PODS; i++) {
        const struct kerf_text *kind = &kinds[draw(kind_count)];
        kerf_text_append_format(text, "---\n{apiVersion: v1, kind: Pod, metadata: {name: p%03u, namespace: default, uid: p%03u, %s}}\n",
                                i, i, kind->bytes);
    }
    for (uint32_t k = 0; k < kind_count; k++)
        kerf_text_fini(&kinds[k]);
}

static uint32_t make_world(struct manifest_world *world)
{
    struct kerf_text text = {0};
    uint32_t node_count = draw(3) ? 2 + draw(30) : 100 + draw(NODES_MAX - 160);
    for (uint32_t i = 0; i < node_count; i++)
        append_node(&text, i);
    if (draw(2))
        kerf_text_append(&text, "---\n{apiVersion: v1, kind: Service, metadata: {name: s, namespace: default}, spec: {selector: {app: a}}}\n");
    kerf_text_append(&text, "---\n{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: rs, namespace: default}, spec: {replicas: 0, "
                            "selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c}]}}}}\n");
    append_pods(&text);
    manifest_world_open(world, text.bytes);
    kerf_text_fini(&text);
    return node_count;
}

/* ---- what happens between decisions ------------------------------------------------------------------------------------------------------ */

static const struct kerf_cluster_node *some_node(const struct kerf_cluster *cluster)
{
    return kerf_cluster_node_at(cluster, draw((uint32_t)kerf_cluster_node_count(cluster)));
}

static void taint(struct manifest_world *world, const struct kerf_cluster_node *node)
{
    struct kerf_taint taint = {.key = world_name(world, draw(2) ? "soft" : "hard")};
    taint.effect = kerf_name_is(taint.key, "soft") ? KERF_TAINT_PREFER_NO_SCHEDULE : KERF_TAINT_NO_SCHEDULE;
    kerf_cluster_set_node_taints(world->cluster, node->id, (struct kerf_taints){&taint, draw(2)});
}

static void add_node(struct manifest_world *world, uint32_t *node_count)
{
    struct kerf_node node = some_node(world->cluster)->node;
    struct kerf_label label = {world->vocabulary->key_hostname, kerf_name_format(world->vocabulary->names, "n%03u", *node_count)};
    struct kerf_labels labels = {&label, 1};
    node.taints = (struct kerf_taints){0}; /* they lie with the other node, and change with it */
    node.meta.name = label.value;
    node.meta.labels = kerf_labels_merge(&world->objects.arena, &node.meta.labels, &labels);
    node.provider_id = kerf_name_format(world->vocabulary->names, "i-%u", (*node_count)++);
    kerf_cluster_add_node(world->cluster, &node);
}

static void change_pod(struct manifest_world *world)
{
    const struct kerf_cluster_node *node = some_node(world->cluster);
    if (node->pod_count == 0)
        return;
    kerf_pod_id id = node->pods[draw(node->pod_count)];
    const struct kerf_pod *pod = &kerf_cluster_pod(world->cluster, id)->pod;
    uint32_t what = draw(3);
    if (what == 0)
        kerf_cluster_remove_pod(world->cluster, id);
    else if (what == 1 && !kerf_pod_is_terminal(pod))
        kerf_cluster_set_pod_phase(world->cluster, id, KERF_POD_SUCCEEDED);
    else if (what == 2 && !kerf_pod_is_terminating(pod))
        kerf_cluster_delete_pod(world->cluster, id, kerf_cluster_now(world->cluster));
}

static void happen(struct manifest_world *world, uint32_t *node_count)
{
    const struct kerf_cluster_node *node = some_node(world->cluster);
    switch (draw(8)) {
    case 0:
        taint(world, node);
        break;
    case 1:
        kerf_cluster_set_node_label(world->cluster, node->id, world->vocabulary->key_zone, world_name(world, draw(2) ? "z1" : "z4"));
        break;
    case 2:
        if (*node_count < NODES_MAX)
            add_node(world, node_count);
        break;
    case 3:
        if (node->pod_count == 0 && kerf_cluster_node_count(world->cluster) > 1)
            kerf_cluster_remove_node(world->cluster, node->id);
        break;
    case 4:
    case 5:
        change_pod(world);
        break;
    default:
        break;
    }
}

/* ---- the comparison ------------------------------------------------------------------------------------------------------------------------ */

static void check_same(const struct kerf_binding_decision *plain, const struct kerf_binding_decision *kinds, uint64_t seed, uint32_t at)
{
    cr_assert_eq(plain->node.index, kinds->node.index, "seed %" PRIu64 ", decision %u: node %u, plain %u", seed, at, kinds->node.index,
                 plain->node.index);
    cr_assert_eq(plain->preempted_node.index, kinds->preempted_node.index, "seed %" PRIu64 ", decision %u", seed, at);
    cr_assert_eq(plain->victim_count, kinds->victim_count, "seed %" PRIu64 ", decision %u", seed, at);
    for (size_t i = 0; i < plain->victim_count; i++)
        cr_assert_eq(plain->victims[i].index, kinds->victims[i].index, "seed %" PRIu64 ", decision %u", seed, at);
}

/* Does as the scheduler does; victims are gone at once. */
static void follow(struct manifest_world *world, kerf_pod_id pod, const struct kerf_binding_decision *decision)
{
    struct kerf_cluster *cluster = world->cluster;
    if (decision->node.index != KERF_NO_NODE.index) {
        kerf_cluster_bind_pod(cluster, pod, decision->node);
    } else if (decision->victim_count > 0) {
        kerf_pod_id victims[PODS];
        size_t count = decision->victim_count;
        memcpy(victims, decision->victims, count * sizeof victims[0]);
        for (size_t i = 0; i < count; i++)
            kerf_cluster_remove_pod(cluster, victims[i]);
        if (draw(2))
            kerf_cluster_set_pod_nominated(cluster, pod, kerf_cluster_node(cluster, decision->preempted_node)->node.meta.name);
    }
}

static uint32_t compare(uint64_t seed)
{
    state = seed;
    struct manifest_world world;
    uint32_t node_count = make_world(&world), placed = 0;
    struct kerf_binding_options options = {.draw_ties = draw(2), .tie_seed = draw(100)};
    struct kerf_binding *kinds = kerf_binding_new(world.cluster, options);
    options.plain = true;
    struct kerf_binding *plain = kerf_binding_new(world.cluster, options);
    for (uint32_t at = 0; at < PODS && kerf_cluster_pending_count(world.cluster) > 0; at++) {
        uint32_t pending = (uint32_t)kerf_cluster_pending_count(world.cluster);
        kerf_pod_id pod = kerf_cluster_pending_at(world.cluster, draw(4) ? 0 : draw(pending))->id;
        struct kerf_binding_decision by_kind, by_itself;
        kerf_binding_decide(kinds, pod, &by_kind);
        kerf_binding_decide(plain, pod, &by_itself);
        check_same(&by_itself, &by_kind, seed, at);
        placed += by_kind.node.index != KERF_NO_NODE.index;
        follow(&world, pod, &by_kind);
        while (draw(3) == 0)
            happen(&world, &node_count);
    }
    kerf_binding_free(plain);
    kerf_binding_free(kinds);
    manifest_world_close(&world);
    return placed;
}

Test(binding_kinds, decide_as_each_pod_by_itself)
{
    const char *cases = getenv("KERF_KIND_CASES");
    uint64_t count = cases ? strtoull(cases, NULL, 10) : 150;
    uint32_t placed = 0;
    for (uint64_t seed = 1; seed <= count; seed++)
        placed += compare(seed);
    cr_expect_gt(placed, count * 20, "%u placed", placed);
}
