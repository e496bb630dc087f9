/**
 * Random small clusters under random trouble: pools, budgets, taints, spreads, tiny subnets, refusals, reclaims. Whatever happens, the
 * world stays consistent after every event, what is billed is what ran, nothing that was started stays open for ever, and where there is
 * room for everybody, nobody waits in vain.
 */
#include "../support/sim_invariants.h"
#include "disruption/disruption_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { WORLDS_FAST = 40, WORLDS_LARGE = 1000, HOURS = 5 };

/** What the random worlds have to reach, all of them together, or the trouble is too mild. */
enum mechanism {
    BY_EMPTINESS, BY_MULTI_NODE, BY_SINGLE_NODE, BY_BALANCED, ROLLED_BACK, EXPIRED_OR_INTERRUPTED, PAST_DEADLINE, EVICTION_BLOCKED, PREEMPTED,
    INTERRUPTED, LOST, REFUSED, WITH_VOLUME, RESERVED, MECHANISM_COUNT
};
static const char *const mechanism_names[MECHANISM_COUNT] = {
    "emptiness", "multi-node", "single-node", "Balanced", "rolled back", "deleted without a command", "evicted past the deadline", "eviction blocked",
    "preempted", "interrupted", "lost", "launch refused", "pods with volumes running", "reserved nodes"};

struct chaos {
    struct kerf_stream draws;
    struct kerf_text keys;
    struct kerf_text manifests;
    bool easy;        /* On-Demand is there without limit, and so are addresses: everybody finds a place */
    bool may_block;   /* drains may wait for ever: budgets or pods that nobody may disturb, and no deadline */
    int deployments;
    struct sim_world *world;
    uint64_t *reached; /* by enum mechanism */
    struct kerf_id_map in_command; /* by node: the second at which its command was started */
};

static uint64_t below(struct chaos *chaos, uint64_t bound) { return kerf_draw_below(&chaos->draws, bound); }
static bool chance(struct chaos *chaos, double probability) { return kerf_draw_chance(&chaos->draws, probability); }
static const char *one_of(struct chaos *chaos, const char *const *texts, size_t count) { return texts[below(chaos, count)]; }
#define ONE_OF(chaos, ...)                                                                                                       \
    one_of(chaos, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- random worlds ---------------------------------------------------------------------------------------------------------- */

static void add_pool(struct chaos *chaos, const char *name, const char *capacity_types, bool limited)
{
    struct kerf_text *text = &chaos->manifests;
    kerf_text_append_format(text,
                            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: %s }\nspec:\n  weight: %d\n  template:\n%s"
                            "    spec:\n      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n"
                            "      expireAfter: %s\n",
                            name, (int)below(chaos, 100) + 1,
                            chance(chaos, 0.1) ? "    metadata: { annotations: { karpenter.sh/do-not-disrupt: \"true\" } }\n" : "",
                            ONE_OF(chaos, "Never", "720h", "90m", "2h"));
    if (chance(chaos, 0.4) || chaos->may_block)
        kerf_text_append_format(text, "      terminationGracePeriod: %s\n", ONE_OF(chaos, "2m", "10m", "20m"));
    if (chance(chaos, 0.2))
        kerf_text_append(text, "      startupTaints: [{ key: example.com/agent, value: x, effect: NoSchedule }]\n");
    kerf_text_append_format(text,
                            "      requirements:\n"
                            "        - { key: karpenter.sh/capacity-type, operator: In, values: %s }\n"
                            "        - { key: karpenter.k8s.aws/instance-family, operator: In, values: %s }\n"
                            "        - { key: karpenter.k8s.aws/instance-cpu, operator: In, values: %s }\n",
                            capacity_types, ONE_OF(chaos, "[m5]", "[m5, c5]", "[m5, c5, r5, m6i]"),
                            ONE_OF(chaos, "[\"2\", \"4\"]", "[\"4\"]", "[\"2\", \"4\", \"8\"]"));
    if (chance(chaos, 0.2))
        kerf_text_append_format(text, "        - { key: node.kubernetes.io/instance-type, operator: Exists, minValues: %d }\n", chaos->easy ? 1 : 3);
    if (limited && chance(chaos, 0.5))
        kerf_text_append_format(text, "  limits: { cpu: %d }\n", 8 + (int)below(chaos, 40));
    kerf_text_append_format(text, "  disruption:\n    consolidationPolicy: %s\n    consolidateAfter: %s\n",
                            ONE_OF(chaos, "WhenEmpty", "Balanced", "WhenEmptyOrUnderutilized", "WhenEmptyOrUnderutilized"),
                            ONE_OF(chaos, "0s", "0s", "30s", "30s", "5m", "5m", "1h", "Never"));
    kerf_text_append_format(text, "    budgets: %s\n",
                            ONE_OF(chaos, "[{ nodes: 10% }]", "[{ nodes: 100% }]", "[{ nodes: 100% }]", "[{ nodes: \"1\" }]", "[{ nodes: \"0\" }]", "[]",
                                   "[{ nodes: \"2\", reasons: [Underutilized, Drifted] }]",
                                   "[{ nodes: 50%, reasons: [Empty] }, { nodes: \"0\", schedule: \"10 * * * *\", duration: 25m }]"));
}

/** Its nodes come from its own controller alone; no pass may plan one. */
static void add_static_pool(struct chaos *chaos)
{
    kerf_text_append(&chaos->manifests,
                     "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: static }\nspec:\n  replicas: 2\n  template:\n    spec:\n"
                     "      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n      requirements:\n"
                     "        - { key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }\n");
}

static void add_reservation(struct chaos *chaos, int number)
{
    kerf_text_append_format(&chaos->manifests,
                            "---\nCapacityReservations: [{ CapacityReservationId: cr-%d, OwnerId: '1', InstanceType: %s, AvailabilityZone: %s, "
                            "AvailableInstanceCount: %d }]\n",
                            number, ONE_OF(chaos, "m5.large", "m5.xlarge"), ONE_OF(chaos, "us-east-1a", "us-east-1b"), (int)below(chaos, 4));
}

static void add_deployment(struct chaos *chaos)
{
    struct kerf_text *text = &chaos->manifests;
    int number = chaos->deployments++;
    bool stateful = chance(chaos, 0.15);
    kerf_text_append_format(text,
                            "---\napiVersion: apps/v1\nkind: %s\nmetadata: { name: web-%d }\nspec:\n  replicas: %d\n"
                            "  selector: { matchLabels: { app: web-%d } }\n  template:\n    metadata:\n      labels: { app: web-%d }\n",
                            stateful ? "StatefulSet" : "Deployment", number, 1 + (int)below(chaos, 9), number, number);
    if (chance(chaos, 0.1) && chaos->may_block)
        kerf_text_append(text, "      annotations: { karpenter.sh/do-not-disrupt: \"true\" }\n");
    else if (chance(chaos, 0.15))
        kerf_text_append_format(text, "      annotations: { %s }\n",
                                ONE_OF(chaos, "karpenter.sh/do-not-disrupt: 10m", "controller.kubernetes.io/pod-deletion-cost: \"-200000000\"",
                                       "controller.kubernetes.io/pod-deletion-cost: \"300000000\""));
    kerf_text_append_format(text, "    spec:\n      terminationGracePeriodSeconds: %s\n", ONE_OF(chaos, "5", "30", "90"));
    bool volumes = stateful && chance(chaos, 0.6);
    kerf_text_append_format(text, "      containers: [{ name: c, image: i, resources: { requests: { cpu: %sm, memory: %sMi } }%s }]\n",
                            ONE_OF(chaos, "50", "250", "700", "1500"), ONE_OF(chaos, "64", "512", "1500", "3000"),
                            volumes ? ", volumeMounts: [{ name: data, mountPath: /data }]" : "");
    if (chance(chaos, 0.3))
        kerf_text_append_format(text,
                                "      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: %s, whenUnsatisfiable: %s, labelSelector: { "
                                "matchLabels: { app: web-%d } } }]\n",
                                ONE_OF(chaos, "topology.kubernetes.io/zone", "kubernetes.io/hostname"),
                                chaos->easy ? "ScheduleAnyway" : ONE_OF(chaos, "DoNotSchedule", "ScheduleAnyway"), number);
    if (chance(chaos, 0.2))
        kerf_text_append_format(text,
                                "      affinity: { podAntiAffinity: { %s } }\n",
                                chance(chaos, 0.5)
                                    ? "preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: "
                                      "kubernetes.io/hostname, labelSelector: { matchLabels: { app: web-0 } } } }]"
                                    : "requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: "
                                      "{ matchLabels: { app: web-1 } } }]");
    if (chance(chaos, 0.2))
        kerf_text_append_format(text, "      priorityClassName: %s\n", ONE_OF(chaos, "high", "low"));
    if (volumes)
        kerf_text_append(text, "  volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], storageClassName: gp3, "
                               "resources: { requests: { storage: 1Gi } } } }]\n");
    if (chance(chaos, chaos->may_block ? 0.4 : 0.2))
        kerf_text_append_format(text,
                                "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: pdb-%d }\nspec: { selector: { "
                                "matchLabels: { app: web-%d } }, maxUnavailable: %s }\n",
                                number, number, chaos->may_block ? ONE_OF(chaos, "0", "1", "50%") : ONE_OF(chaos, "1", "50%", "2"));
    if (!stateful && chance(chaos, 0.5))
        kerf_text_append_format(&chaos->keys, "  - { workload: Deployment/web-%d, startTime: %s, stopTime: %s, %s }\n", number,
                                ONE_OF(chaos, "0s", "5s", "40s"), ONE_OF(chaos, "0s", "10s", "3m"),
                                chance(chaos, 0.5) ? "schedule: [{ at: \"15 * * * *\", replicas: 0 }, { at: \"45 * * * *\", replicas: 7 }]"
                                                   : "daily: { noise: 0.4, every: 7m, points: [{ at: \"00:00\", replicas: 2 }, { at: \"12:00\", "
                                                     "replicas: 9 }] }");
}

static void make_world(struct chaos *chaos, uint64_t seed)
{
    *chaos = (struct chaos){.draws = kerf_stream_open(seed, 0, KERF_PURPOSE_TEST, 0)};
    struct kerf_text *keys = &chaos->keys;
    struct kerf_text *text = &chaos->manifests;
    chaos->easy = chance(chaos, 0.4);
    chaos->may_block = chance(chaos, 0.3);
    kerf_text_append_format(keys, "horizon: %dh\n", HOURS);
    bool network = chance(chaos, 0.7);
    if (network) {
        const char *length = chaos->easy ? "20" : ONE_OF(chaos, "26", "25", "24");
        kerf_text_append_format(keys,
                                "subnets:\n  - { id: a, zone: us-east-1a, cidr: 10.0.0.0/%s, taken: %d }\n  - { id: b, zone: us-east-1b, cidr: "
                                "10.0.16.0/%s }\n  - { id: c, zone: us-east-1c, cidr: 10.0.32.0/%s }\n",
                                length, (int)below(chaos, 20), length, length);
        if (chance(chaos, 0.4))
            kerf_text_append_format(keys, "cni: { ENABLE_PREFIX_DELEGATION: true }\n");
        else if (chance(chaos, 0.4))
            kerf_text_append_format(keys, "cni: { WARM_IP_TARGET: %d, MINIMUM_IP_TARGET: %d }\n", 1 + (int)below(chaos, 4), (int)below(chaos, 8));
    }
    kerf_text_append_format(keys, "spot: { hazardFactor: %s, missedNotice: %s, regionalShare: 0.7", ONE_OF(chaos, "1", "30", "300"),
                            ONE_OF(chaos, "0.01", "0.5"));
    if (chance(chaos, 0.5))
        kerf_text_append_format(keys, ", shocks: [{ at: 2h, fraction: %s, unavailable: 20m }]", ONE_OF(chaos, "0.5", "1"));
    kerf_text_append(keys, " }\n");
    if (!chaos->easy && chance(chaos, 0.5))
        kerf_text_append_format(keys, "cloud: { onDemandRefusal: %s, gaps: [{ from: 1h, until: 100m, capacityType: on-demand, instances: %d }%s] }\n",
                                ONE_OF(chaos, "0.1", "0.6"), (int)below(chaos, 3),
                                ONE_OF(chaos, "", ", { from: 3h, until: 190m, zones: [us-east-1b], error: UnauthorizedOperation }",
                                       ", { from: 2h, until: 140m, capacityType: reserved }"));
    kerf_text_append_format(keys, "karpenter: { planner: %s, interruptionQueue: %s, preferencePolicy: %s, minValuesPolicy: %s, featureGates: { SpotToSpotConsolidation: %s, StaticCapacity: true } }\n",
                            chance(chaos, 0.3) ? "packed" : "karpenter", chance(chaos, 0.2) ? "false" : "true", ONE_OF(chaos, "Respect", "Respect", "Ignore"),
                            ONE_OF(chaos, "Strict", "Strict", "BestEffort"), chance(chaos, 0.4) ? "true" : "false");
    if (chance(chaos, 0.15)) /* what-ifs so slow that both searches run into their time-outs */
        kerf_text_append_format(keys, "timings: { simulationSecondsPerPod: %s, simulationSecondsPerNode: 0.5 }\n", ONE_OF(chaos, "0.1", "1", "5"));
    if (chance(chaos, 0.4))
        kerf_text_append_format(keys, "nodeGroups:\n  - { name: group, instanceTypes: [m5.large, m5.xlarge], capacityType: %s, desiredCapacity: %d }\n",
                                ONE_OF(chaos, "on-demand", "spot"), 1 + (int)below(chaos, 4));
    kerf_text_append(keys, "load:\n  - { workload: Job/batch, arrivals: { perHour: 12, peakFactor: 1.5 }, duration: { median: 4m } }\n");

    kerf_text_append(text, "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\n"
                           "spec: { amiSelectorTerms: [{ alias: al2023@latest }], role: nodes, subnetSelectorTerms: [{ tags: { a: b } }], "
                           "securityGroupSelectorTerms: [{ tags: { a: b } }], capacityReservationSelectorTerms: [{ ownerID: '1' }] }\n"
                           "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: high }\nvalue: 1000\n"
                           "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: low }\nvalue: -5\n"
                           "---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: { name: gp3 }\nprovisioner: ebs.csi.aws.com\n"
                           "volumeBindingMode: WaitForFirstConsumer\n"
                           "---\napiVersion: batch/v1\nkind: Job\nmetadata: { name: batch }\nspec: { parallelism: 2, completions: 5, template: { "
                           "spec: { restartPolicy: Never, containers: [{ name: c, image: i, resources: { requests: { cpu: 600m, memory: 900Mi } } "
                           "}] } } }\n"
                           "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: agent, namespace: kube-system }\nspec: { selector: { "
                           "matchLabels: { a: agent } }, template: { metadata: { labels: { a: agent } }, spec: { containers: [{ name: c, image: i, "
                           "resources: { requests: { cpu: 100m, memory: 100Mi } } }] } } }\n"
                           "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: cni, namespace: kube-system }\nspec: { selector: { "
                           "matchLabels: { a: cni } }, template: { metadata: { labels: { a: cni } }, spec: { hostNetwork: true, priorityClassName: "
                           "system-node-critical, tolerations: [{ operator: Exists }], containers: [{ name: c, image: i, resources: { requests: { "
                           "cpu: 25m } } }] } } }\n");
    if (chaos->easy || chance(chaos, 0.5))
        add_pool(chaos, "on-demand", "[on-demand]", !chaos->easy);
    if (chance(chaos, 0.6))
        add_pool(chaos, "spot", "[spot]", !chaos->easy);
    bool reserves = chance(chaos, 0.25);
    add_pool(chaos, "any", reserves ? "[spot, on-demand, reserved]" : "[spot, on-demand]", !chaos->easy);
    for (int i = 0; reserves && i < 3; i++)
        add_reservation(chaos, i);
    if (chance(chaos, 0.1))
        add_static_pool(chaos);
    int count = 2 + (int)below(chaos, 6);
    while (chaos->deployments < count)
        add_deployment(chaos);
}

/* ---- what must hold ------------------------------------------------------------------------------------------------------------ */

/** Nodes of a NodePool as budgets count them, and how many of them are being disrupted. */
static void count_pool(const struct kerf_cluster *cluster, uint32_t nodepool_index, int64_t *out_count, int64_t *out_disrupted)
{
    *out_count = *out_disrupted = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (!node->has_claim || node->nodepool_index != nodepool_index || !kerf_conditions_true(&node->claim.conditions, "Initialized") ||
            kerf_conditions_true(&node->claim.conditions, "InstanceTerminating"))
            continue;
        ++*out_count;
        *out_disrupted += node->in_command || kerf_cluster_is_deleted(node) || !kerf_conditions_true(&node->node.conditions, "Ready");
    }
}

/** A command has just started with this node among its candidates. */
static void check_candidate(const struct chaos *chaos, const struct kerf_cluster_node *node, enum kerf_disruption_method method)
{
    const struct sim_world *world = chaos->world;
    const struct kerf_cluster *cluster = world->world->cluster;
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    const struct kerf_nodepool *nodepool = &world->design->objects.nodepools.items[node->nodepool_index];
    bool empties = method == KERF_METHOD_EMPTINESS;
    chaos->reached[empties ? BY_EMPTINESS : method == KERF_METHOD_MULTI_NODE ? BY_MULTI_NODE : BY_SINGLE_NODE]++;
    chaos->reached[BY_BALANCED] += !empties && nodepool->consolidation_policy == KERF_BALANCED;
    cr_assert(empties || method == KERF_METHOD_MULTI_NODE || method == KERF_METHOD_SINGLE_NODE, "nothing drifts in a run");
    cr_assert_lt(nodepool->replicas, 0);
    cr_assert_neq(nodepool->consolidate_after_us, KERF_TIME_NEVER);
    cr_assert(empties || nodepool->consolidation_policy != KERF_WHEN_EMPTY);
    cr_assert_neq(kerf_labels_get(kerf_cluster_node_annotations(cluster, node), vocabulary->key_do_not_disrupt), vocabulary->word_true);
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, node->pods[i])->pod;
        cr_assert(!kerf_pod_is_active(pod) || !kerf_pod_do_not_disrupt(vocabulary, pod, kerf_world_epoch_now(world->world)));
        cr_assert(!empties || !kerf_pod_is_reschedulable(pod) || kerf_pod_eviction_cost(vocabulary, pod) <= 0, "an empty node has pods to move");
    }
    int64_t count, disrupted;
    count_pool(cluster, node->nodepool_index, &count, &disrupted);
    int64_t allowed = kerf_budgets_allowed(nodepool, empties ? KERF_REASON_EMPTY : KERF_REASON_UNDERUTILIZED, count, kerf_world_epoch_now(world->world));
    cr_assert_leq(disrupted, allowed, "%d of %d nodes are disrupted, the budget allows %d", (int)disrupted, (int)count, (int)allowed);
}

static void check_eviction(const struct chaos *chaos, kerf_pod_id id)
{
    const struct sim_world *world = chaos->world;
    const struct kerf_cluster *cluster = world->world->cluster;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, id);
    const struct kerf_nodeclaim *claim = &kerf_cluster_node(cluster, pod->node)->claim;
    kerf_time_us now_epoch_us = kerf_world_epoch_now(world->world);
    if (kerf_cluster_node(cluster, pod->node)->has_claim && claim->termination_grace_period_us != KERF_TIME_UNSET &&
        now_epoch_us > claim->meta.deletion_epoch_us + claim->termination_grace_period_us - pod->pod.spec->termination_grace_seconds * KERF_SECOND_US) {
        chaos->reached[PAST_DEADLINE]++; /* so late that nothing is asked any more */
        return;
    }
    cr_assert_not(kerf_pod_do_not_disrupt(kerf_cluster_vocabulary(cluster), &pod->pod, now_epoch_us));
    for (uint32_t i = 0; i < world->design->objects.pdbs.count; i++) {
        const struct kerf_pdb *pdb = &world->design->objects.pdbs.items[i];
        if (pdb->meta.namespace_name != pod->pod.meta.namespace_name || !kerf_label_selector_matches(&pdb->selector, &pod->pod.meta.labels) ||
            !kerf_conditions_true(&kerf_pod_status(&pod->pod)->conditions, "Ready"))
            continue;
        struct kerf_pdb_state state = kerf_cluster_pdb_state(cluster, i);
        cr_assert_gt(state.current_healthy, state.desired_healthy, "%s was evicted: %d healthy, %d wanted", pod->pod.meta.name->text,
                     (int)state.current_healthy, (int)state.desired_healthy);
    }
}

/** Every command ends within the ten minutes of a small queue: its nodes are deleted, or it is rolled back. */
static void check_commands(struct chaos *chaos)
{
    const struct kerf_cluster *cluster = chaos->world->world->cluster;
    kerf_time_us now_second = kerf_world_now(chaos->world->world) / KERF_SECOND_US;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        uint32_t since = kerf_id_map_get(&chaos->in_command, node->id.index);
        cr_assert(!node->in_command || since != KERF_NOT_FOUND, "node %u is in a command that nobody started", node->id.index);
        cr_assert(!node->in_command || now_second - since <= 602, "node %u is still in a command ten minutes after its start", node->id.index);
        if (!node->in_command)
            kerf_id_map_remove(&chaos->in_command, node->id.index);
    }
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    const struct chaos *chaos = context;
    if (change->kind != KERF_CHANGE_CLAIM_DELETING)
        return;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, change->node);
    chaos->reached[EXPIRED_OR_INTERRUPTED] += node->has_claim && kerf_cluster_is_deleted(node) && !node->in_command;
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct chaos *chaos = context;
    const struct kerf_cluster *cluster = chaos->world->world->cluster;
    if (notice->kind == KERF_NOTICE_EVICTED) {
        check_eviction(chaos, notice->pod);
    } else if (notice->kind == KERF_NOTICE_DISRUPTION_STARTED) {
        uint32_t now_second = (uint32_t)(kerf_world_now(chaos->world->world) / KERF_SECOND_US);
        int64_t found = 0;
        for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
            const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
            if (!node->in_command || kerf_id_map_get(&chaos->in_command, node->id.index) != KERF_NOT_FOUND)
                continue;
            kerf_id_map_put(&chaos->in_command, node->id.index, now_second);
            check_candidate(chaos, node, (enum kerf_disruption_method)notice->detail);
            found++;
        }
        cr_assert_eq(found, notice->value);
    } else if (notice->kind == KERF_NOTICE_DISRUPTION_FAILED) {
        check_commands(chaos); /* they are free for others */
    }
}

/** Nothing stays open for ever. */
static void check_progress(struct chaos *chaos, const struct sim_world *world)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    kerf_time_us now_us = kerf_world_now(world->world);
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        const struct sim_event *deleting = sim_world_node_event(world, KERF_CHANGE_CLAIM_DELETING, node->id);
        /* Where evicted pods find no other place, a budget holds the rest for ever. */
        if (deleting && kerf_cluster_is_deleted(node) && !chaos->may_block && chaos->easy)
            cr_assert_leq(now_us - deleting->at_us, KERF_HOUR_US, "node %u is still going after an hour", node->id.index);
    }
    if (!chaos->easy)
        return;
    for (size_t at = 0; at < kerf_cluster_pod_count(cluster); at++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(cluster, at);
        kerf_time_us age_us = kerf_world_epoch_now(world->world) - pod->pod.meta.created_epoch_us;
        if (kerf_pod_is_daemon(&pod->pod) || !kerf_pod_is_active(&pod->pod))
            continue;
        bool runs = pod->pod.phase == KERF_POD_RUNNING;
        cr_assert(runs || age_us < 25 * KERF_MINUTE_US, "pod %s waits since %d s: node %s, nominated %s", pod->pod.meta.name->text,
                  (int)(age_us / KERF_SECOND_US), kerf_name_text(pod->pod.node_name), kerf_name_text(kerf_pod_status(&pod->pod)->nominated_node_name));
    }
}

/** A pod with a volume runs where its volume is: in its zone, and attached; a volume is attached to one node. */
static void check_volumes(const struct chaos *chaos)
{
    const struct kerf_cluster *cluster = chaos->world->world->cluster;
    struct kerf_name_map attached = {0};
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        for (uint32_t i = 0; i < node->attached_count; i++) {
            cr_assert_eq(kerf_name_map_get(&attached, node->attached[i]), KERF_NOT_FOUND, "%s is attached twice", node->attached[i]->text);
            kerf_name_map_put(&attached, node->attached[i], node->id.index);
        }
    }
    for (size_t at = 0; at < kerf_cluster_pod_count(cluster); at++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(cluster, at);
        for (uint32_t i = 0; pod->pod.phase == KERF_POD_RUNNING && i < pod->pod.spec->volume_count; i++) {
            const struct kerf_pvc *claim = kerf_volume_claim(cluster, &pod->pod, &pod->pod.spec->volumes[i]);
            if (!claim)
                continue;
            cr_assert_not_null(claim->volume_name, "%s runs without its volume", pod->pod.meta.name->text);
            cr_assert_eq(kerf_name_map_get(&attached, claim->volume_name), pod->node.index, "%s: its volume is elsewhere",
                         pod->pod.meta.name->text);
            const struct kerf_pv *volume = kerf_cluster_find_pv(cluster, claim->volume_name);
            cr_assert(kerf_node_selector_term_matches(&volume->node_terms[0],
                                                      kerf_cluster_node_labels(cluster, kerf_cluster_node(cluster, pod->node)), NULL));
        }
    }
    kerf_name_map_fini(&attached);
}

/** Whoever took of a reservation is there: a nodeclaim that says so, or that waits for EC2's answer. */
static void check_reservations(const struct chaos *chaos)
{
    const struct sim_world *world = chaos->world;
    const struct kerf_cluster *cluster = world->world->cluster;
    for (uint32_t i = 0; i < world->design->objects.capacity_reservations.count; i++) {
        const struct kerf_capacity_reservation *reservation = &world->design->objects.capacity_reservations.items[i];
        int64_t taken = reservation->available_count - kerf_cluster_reservation_room(cluster, i), known = 0;
        for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
            const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
            kerf_name id = kerf_labels_get(&node->claim.meta.labels, world->world->vocabulary->key_capacity_reservation_id);
            known += id == reservation->id || (node->has_claim && !node->claim.provider_id);
            chaos->reached[RESERVED] += id == reservation->id;
        }
        cr_assert_geq(taken, 0);
        cr_assert_leq(taken, known, "%s: %d instances are taken, %d nodeclaims could have", reservation->id->text, (int)taken, (int)known);
    }
}

/** Adds up what the world went through. */
static void note_reached(struct chaos *chaos)
{
    static const int kinds[MECHANISM_COUNT] = {[ROLLED_BACK] = KERF_NOTICE_DISRUPTION_FAILED, [EVICTION_BLOCKED] = KERF_NOTICE_EVICTION_BLOCKED,
                                               [PREEMPTED] = KERF_NOTICE_PREEMPTED, [INTERRUPTED] = KERF_NOTICE_SPOT_INTERRUPTION,
                                               [LOST] = KERF_NOTICE_NODE_LOST, [REFUSED] = KERF_NOTICE_LAUNCH_REFUSED};
    const struct kerf_cluster *cluster = chaos->world->world->cluster;
    for (int i = 0; i < MECHANISM_COUNT; i++)
        if (kinds[i] != 0) /* the first kind, evictions, is not among them */
            chaos->reached[i] += sim_world_count(chaos->world, SIM_NOTICE + kinds[i]);
    for (size_t at = 0; at < kerf_cluster_pod_count(cluster); at++) {
        const struct kerf_pod *pod = &kerf_cluster_pod_at(cluster, at)->pod;
        chaos->reached[WITH_VOLUME] += pod->spec->volume_count > 0 && pod->phase == KERF_POD_RUNNING;
    }
}

static void run_chaos(uint64_t seed, bool show, uint64_t *reached)
{
    struct chaos chaos;
    make_world(&chaos, seed);
    if (show)
        fprintf(stderr, "%s%s", chaos.keys.bytes, chaos.manifests.bytes);
    struct sim_world world;
    sim_world_open_seeded(&world, chaos.keys.bytes, chaos.manifests.bytes, KERF_SIM_ALL, seed, 0);
    world.checked = true;
    chaos.world = &world;
    chaos.reached = reached;
    kerf_cluster_listen(world.world->cluster, on_change, &chaos);
    kerf_world_listen(world.world, on_notice, &chaos);
    kerf_engine_set_instant_limit(world.world->engine, 10000);
    for (kerf_time_us at_us = 0; at_us < world.design->horizon_us; at_us += 5 * KERF_MINUTE_US) {
        sim_world_run(&world, at_us);
        sim_check_addresses(&world, 0);
        check_commands(&chaos);
        check_progress(&chaos, &world);
        check_volumes(&chaos);
        check_reservations(&chaos);
    }
    sim_world_run(&world, world.design->horizon_us);
    note_reached(&chaos);
    sim_finish_and_check_bill(&world);
    sim_world_close(&world);
    kerf_text_fini(&chaos.keys);
    kerf_text_fini(&chaos.manifests);
    kerf_id_map_fini(&chaos.in_command);
}

Test(chaos, random_clusters_under_random_trouble)
{
    const char *effort = getenv("KERF_TEST_EFFORT");
    const char *one = getenv("KERF_CHAOS_SEED"); /* to look at a failure alone: its world is shown */
    uint64_t first = 1;
    uint64_t count = effort && strcmp(effort, "large") == 0 ? WORLDS_LARGE : WORLDS_FAST;
    if (one && kerf_parse_u64(one, &first))
        count = 1;
    uint64_t reached[MECHANISM_COUNT] = {0};
    for (uint64_t seed = first; seed < first + count; seed++)
        run_chaos(seed, one != NULL, reached);
    for (int i = 0; i < MECHANISM_COUNT; i++) {
        if (getenv("KERF_CHAOS_TELL"))
            fprintf(stderr, "%8" PRIu64 " %s\n", reached[i], mechanism_names[i]);
        cr_expect(one || reached[i] > 0, "no world reaches: %s", mechanism_names[i]);
    }
}
