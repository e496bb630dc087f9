/**
 * Random worlds under random verbs: what the cluster keeps is what it would count anew, after every verb; and a scheduler that has followed
 * all changes decides as one that has just come.
 */
#include "../support/manifest_world.h"
#include "binding/binding.h"
#include "random/random.h"

#include <criterion/criterion.h>

enum { WORLDS = 12, VERBS = 600, PODS_MAX = 160, NODES_MAX = 24, WORKLOADS = 8 };

static const char manifests[] =
    "apiVersion: v1\nkind: List\nitems:\n"
    "- {apiVersion: v1, kind: Service, metadata: {name: plain, namespace: default}, spec: {selector: {app: plain}}}\n"
    "- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: one, namespace: default}, spec: {maxUnavailable: 1, selector: {matchLabels: {app: plain}}}}\n"
    "- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: all, namespace: default}, spec: {minAvailable: 50%, selector: {}}}\n"
    "- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: number, namespace: default}, spec: {minAvailable: 2, selector: {matchLabels: {app: low}}}}\n"
    "- {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: elsewhere, namespace: other}, spec: {minAvailable: 1, selector: {matchLabels: {app: plain}}}}\n"
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: plain, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: plain}}, template: {metadata: {labels: {app: plain}}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: 700m, memory: 1Gi}}}]}}}}\n"
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: zones, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: zones}}, template: {metadata: {labels: {app: zones}}, spec: {topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: zones}}}, {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: zones}}, matchLabelKeys: [pod-template-hash]}], containers: [{name: c, image: i, resources: {requests: {cpu: 300m}}}]}}}}\n"
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: apart, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: apart}}, template: {metadata: {labels: {app: apart}}, spec: {affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: apart}}}], preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, podAffinityTerm: {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: plain}}}}]}}, containers: [{name: c, image: i, resources: {requests: {memory: 2Gi}}}]}}}}\n"
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: near, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: near}}, template: {metadata: {labels: {app: near}}, spec: {affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: near}}}], preferredDuringSchedulingIgnoredDuringExecution: [{weight: 3, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: zones}}}}]}}, containers: [{name: c, image: i}]}}}}\n"
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: ports, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: ports}}, template: {metadata: {labels: {app: ports}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}], resources: {requests: {cpu: 100m}}}]}}}}\n"
    "- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: low, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: low}}, template: {metadata: {labels: {app: low}}, spec: {priority: -5, containers: [{name: c, image: i, resources: {requests: {cpu: \"2\"}}}]}}}}\n"
    "- {apiVersion: apps/v1, kind: Deployment, metadata: {name: high, namespace: default}, spec: {replicas: 0, selector: {matchLabels: {app: high}}, template: {metadata: {labels: {app: high}}, spec: {priority: 1000, tolerations: [{operator: Exists}], containers: [{name: c, image: i, resources: {requests: {cpu: 1500m, memory: 3Gi}}}]}}}}\n"
    "- {apiVersion: batch/v1, kind: Job, metadata: {name: job, namespace: other}, spec: {parallelism: 0, template: {metadata: {labels: {app: plain}}, spec: {restartPolicy: Never, containers: [{name: c, image: i, resources: {requests: {cpu: 400m}}}]}}}}\n";

struct story {
    struct manifest_world world;
    struct kerf_cluster *cluster;
    struct kerf_stream stream;
    struct kerf_binding *follower;
    struct kerf_arena arena;
    uint32_t made_nodes;
    uint32_t made_pods;
};

static uint64_t below(struct story *story, uint64_t bound) { return kerf_draw_below(&story->stream, bound); }

static const struct kerf_cluster_pod *any_pod(struct story *story)
{
    size_t count = kerf_cluster_pod_count(story->cluster);
    return count ? kerf_cluster_pod_at(story->cluster, below(story, count)) : NULL;
}

static const struct kerf_cluster_node *any_node(struct story *story)
{
    size_t count = kerf_cluster_node_count(story->cluster);
    return count ? kerf_cluster_node_at(story->cluster, below(story, count)) : NULL;
}

/* ---- verbs -------------------------------------------------------------------------------------------------------------------------- */

static void come_node(struct story *story)
{
    if (kerf_cluster_node_count(story->cluster) >= NODES_MAX)
        return;
    struct kerf_vocabulary *vocabulary = story->world.vocabulary;
    kerf_name name = kerf_name_format(vocabulary->names, "n%u", story->made_nodes++);
    kerf_name zone = kerf_name_format(vocabulary->names, "zone-%c", (char)('a' + below(story, 3)));
    struct kerf_label labels[] = { { vocabulary->key_hostname, name }, { vocabulary->key_zone, zone } };
    struct kerf_node node = { .meta = { .name = name,
                                        .created_epoch_us = KERF_TIME_UNSET,
                                        .deletion_epoch_us = KERF_TIME_UNSET,
                                        .labels = kerf_labels_sorted(&story->arena, labels, below(story, 8) ? 2 : 1) },
                              .provider_id = kerf_name_format(vocabulary->names, "aws:///%s", name->text) };
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_CPU, (int64_t)(2 + below(story, 6)) * 1000000000);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_MEMORY, (int64_t)(4 + below(story, 12)) << 30 << 10);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_PODS, 4 + (int64_t)below(story, 20));
    node.capacity = node.allocatable;
    if (below(story, 2)) {
        struct kerf_nodeclaim claim = { .meta = { .name = kerf_name_format(vocabulary->names, "claim-%s", name->text),
                                                  .created_epoch_us = KERF_TIME_UNSET,
                                                  .deletion_epoch_us = KERF_TIME_UNSET },
                                        .provider_id = node.provider_id,
                                        .last_pod_event_epoch_us = KERF_TIME_UNSET };
        kerf_node_id id = kerf_cluster_add_claim(story->cluster, &claim);
        cr_assert_eq(kerf_cluster_add_node(story->cluster, &node).index, id.index);
        kerf_cluster_set_node_label(story->cluster, id, vocabulary->key_registered, vocabulary->word_true);
    } else {
        kerf_cluster_add_node(story->cluster, &node);
    }
}

static void go_node(struct story *story)
{
    const struct kerf_cluster_node *node = any_node(story);
    if (!node || node->pod_count)
        return;
    kerf_cluster_remove_node(story->cluster, node->id);
}

static void change_node(struct story *story)
{
    const struct kerf_cluster_node *node = any_node(story);
    if (!node)
        return;
    struct kerf_vocabulary *vocabulary = story->world.vocabulary;
    switch (below(story, 4)) {
    case 0: {
        struct kerf_taint taint = { .key = vocabulary->key_disrupted,
                                    .effect = below(story, 2) ? KERF_TAINT_NO_SCHEDULE : KERF_TAINT_PREFER_NO_SCHEDULE };
        kerf_cluster_set_node_taints(story->cluster, node->id, (struct kerf_taints){ &taint, below(story, 3) != 0 });
        break;
    }
    case 1:
        kerf_cluster_set_node_condition(story->cluster, node->id, "Ready", below(story, 2) ? KERF_CONDITION_TRUE : KERF_CONDITION_FALSE);
        break;
    case 2:
        kerf_cluster_set_node_label(story->cluster, node->id, vocabulary->key_zone,
                                    kerf_name_format(vocabulary->names, "zone-%c", (char)('a' + below(story, 3))));
        break;
    default:
        kerf_cluster_mark_for_deletion(story->cluster, node->id, below(story, 2));
    }
}

static void come_pod(struct story *story)
{
    if (kerf_cluster_pod_count(story->cluster) >= PODS_MAX)
        return;
    uint32_t index = (uint32_t)below(story, story->world.objects.workloads.count);
    struct kerf_pod pod;
    kerf_workload_make_pod(&story->arena, story->world.vocabulary, &story->world.objects.workloads.items[index], story->made_pods++, 0, &pod);
    pod.has_status = true;
    kerf_cluster_add_pod(story->cluster, &pod, index);
}

/** The follower and a newcomer agree; then what they said is done. */
static void schedule(struct story *story)
{
    size_t pending_count = kerf_cluster_pending_count(story->cluster);
    if (!pending_count)
        return;
    kerf_pod_id pod = kerf_cluster_pending_at(story->cluster, below(story, pending_count))->id;
    struct kerf_binding *newcomer = kerf_binding_new(story->cluster, (struct kerf_binding_options){ .explain = true });
    struct kerf_binding_decision theirs, ours;
    kerf_binding_decide(newcomer, pod, &theirs);
    kerf_binding_decide(story->follower, pod, &ours);
    cr_assert_eq(ours.node.index, theirs.node.index);
    cr_assert_eq(ours.feasible_count, theirs.feasible_count);
    cr_assert_eq(ours.score_count, theirs.score_count);
    for (size_t i = 0; i < ours.score_count; i++)
        for (size_t j = 0; j < theirs.score_count; j++)
            if (kerf_node_id_equal(ours.scores[i].node, theirs.scores[j].node))
                cr_assert_eq(ours.scores[i].total, theirs.scores[j].total);
    cr_assert_eq(ours.preempted_node.index, theirs.preempted_node.index);
    cr_assert_eq(ours.victim_count, theirs.victim_count);
    if (!kerf_node_id_equal(ours.node, KERF_NO_NODE)) {
        kerf_cluster_bind_pod(story->cluster, pod, ours.node);
        cr_assert(kerf_node_id_equal(kerf_cluster_pod(story->cluster, pod)->node, theirs.node));
    } else if (!kerf_node_id_equal(ours.preempted_node, KERF_NO_NODE)) {
        kerf_cluster_set_pod_nominated(story->cluster, pod, kerf_cluster_node(story->cluster, ours.preempted_node)->node.meta.name);
        for (size_t i = 0; i < theirs.victim_count; i++)
            kerf_cluster_remove_pod(story->cluster, theirs.victims[i]);
        cr_assert(kerf_binding_fits(story->follower, pod, theirs.preempted_node));
    } else {
        kerf_cluster_set_pod_unschedulable(story->cluster, pod, true);
    }
    kerf_binding_free(newcomer);
}

static void change_pod(struct story *story)
{
    const struct kerf_cluster_pod *pod = any_pod(story);
    if (!pod)
        return;
    switch (below(story, 4)) {
    case 0:
        kerf_cluster_set_pod_ready(story->cluster, pod->id, below(story, 3) != 0);
        break;
    case 1:
        if (!kerf_pod_is_terminal(&pod->pod))
            kerf_cluster_set_pod_phase(story->cluster, pod->id,
                                       below(story, 4) ? KERF_POD_RUNNING : below(story, 2) ? KERF_POD_SUCCEEDED : KERF_POD_FAILED);
        break;
    case 2:
        kerf_cluster_delete_pod(story->cluster, pod->id, kerf_cluster_now(story->cluster) + 30 * KERF_SECOND_US);
        break;
    default:
        kerf_cluster_remove_pod(story->cluster, pod->id);
    }
}

static void count_changes(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    (void)cluster;
    ((uint64_t *)context)[change->kind]++;
}

Test(cluster, random_worlds, .timeout = 120)
{
    for (uint32_t round = 0; round < WORLDS; round++) {
        struct story story = { .stream = kerf_stream_open(round, 0, KERF_PURPOSE_TEST, 7) };
        kerf_arena_init(&story.arena);
        manifest_world_open(&story.world, manifests);
        cr_assert_eq(story.world.objects.workloads.count, WORKLOADS);
        story.cluster = story.world.cluster;
        story.follower = kerf_binding_new(story.cluster, (struct kerf_binding_options){ .explain = true });
        uint64_t changes[KERF_CHANGE_COUNT] = { 0 };
        kerf_cluster_listen(story.cluster, count_changes, changes);
        for (uint32_t verb = 0; verb < VERBS; verb++) {
            kerf_cluster_set_now(story.cluster, (kerf_time_us)verb * KERF_SECOND_US);
            uint64_t which = below(&story, 20);
            if (which < 2)
                come_node(&story);
            else if (which < 3)
                go_node(&story);
            else if (which < 5)
                change_node(&story);
            else if (which < 10)
                come_pod(&story);
            else if (which < 17)
                schedule(&story);
            else if (which < 19)
                change_pod(&story);
            else
                kerf_cluster_set_workload_replicas(story.cluster, (uint32_t)below(&story, WORKLOADS), (int64_t)below(&story, 9));
            kerf_cluster_check(story.cluster);
        }
        cr_expect_gt(changes[KERF_CHANGE_POD_BOUND], 30);
        cr_expect_eq(changes[KERF_CHANGE_POD_ADDED] - changes[KERF_CHANGE_POD_REMOVED], kerf_cluster_pod_count(story.cluster));
        kerf_binding_free(story.follower);
        manifest_world_close(&story.world);
        kerf_arena_fini(&story.arena);
    }
}
