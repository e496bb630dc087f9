/**
 * Random small clusters under random trouble: pools, budgets, taints, spreads, tiny subnets, refusals, reclaims. Whatever happens, the
 * world stays consistent after every event, what is billed is what ran, nothing that was started stays open for ever, and where there is
 * room for everybody, nobody waits in vain.
 */
#include "../support/sim_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { WORLDS_FAST = 20, WORLDS_LARGE = 200, HOURS = 5 };

struct chaos {
    struct kerf_stream draws;
    struct kerf_text keys;
    struct kerf_text manifests;
    bool easy;        /* On-Demand is there without limit, and so are addresses: everybody finds a place */
    bool may_block;   /* drains may wait for ever: budgets or pods that nobody may disturb, and no deadline */
    int deployments;
    struct kerf_id_map in_command; /* by node: the minute at which it was first seen in a command */
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
                            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: %s }\nspec:\n  weight: %d\n  template:\n"
                            "    spec:\n      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n"
                            "      expireAfter: %s\n",
                            name, (int)below(chaos, 100) + 1, ONE_OF(chaos, "Never", "720h", "90m", "2h"));
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
    if (limited && chance(chaos, 0.5))
        kerf_text_append_format(text, "  limits: { cpu: %d }\n", 8 + (int)below(chaos, 40));
    kerf_text_append_format(text, "  disruption:\n    consolidationPolicy: %s\n    consolidateAfter: %s\n",
                            ONE_OF(chaos, "WhenEmpty", "WhenEmptyOrUnderutilized", "WhenEmptyOrUnderutilized"),
                            ONE_OF(chaos, "0s", "30s", "5m"));
    kerf_text_append_format(text, "    budgets: %s\n", ONE_OF(chaos, "[{ nodes: 10% }]", "[{ nodes: 100% }]", "[{ nodes: \"1\" }]", "[{ nodes: \"0\" }]"));
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
    kerf_text_append_format(text, "    spec:\n      terminationGracePeriodSeconds: %s\n", ONE_OF(chaos, "5", "30", "90"));
    kerf_text_append_format(text, "      containers: [{ name: c, image: i, resources: { requests: { cpu: %sm, memory: %sMi } } }]\n",
                            ONE_OF(chaos, "50", "250", "700", "1500"), ONE_OF(chaos, "64", "512", "1500", "3000"));
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
        kerf_text_append_format(keys, "cloud: { onDemandRefusal: %s, gaps: [{ from: 1h, until: 100m, capacityType: on-demand }] }\n",
                                ONE_OF(chaos, "0.1", "0.6"));
    if (chance(chaos, 0.2))
        kerf_text_append(keys, "karpenter: { interruptionQueue: false }\n");
    if (chance(chaos, 0.4))
        kerf_text_append_format(keys, "nodeGroups:\n  - { name: group, instanceTypes: [m5.large, m5.xlarge], capacityType: %s, desiredCapacity: %d }\n",
                                ONE_OF(chaos, "on-demand", "spot"), 1 + (int)below(chaos, 4));
    kerf_text_append(keys, "load:\n  - { workload: Job/batch, arrivals: { perHour: 12, peakFactor: 1.5 }, duration: { median: 4m } }\n");

    kerf_text_append(text, "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\n"
                           "spec: { amiSelectorTerms: [{ alias: al2023@latest }], role: nodes, subnetSelectorTerms: [{ tags: { a: b } }], "
                           "securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
                           "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: high }\nvalue: 1000\n"
                           "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: low }\nvalue: -5\n"
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
    add_pool(chaos, "any", "[spot, on-demand]", !chaos->easy);
    int count = 2 + (int)below(chaos, 6);
    while (chaos->deployments < count)
        add_deployment(chaos);
}

/* ---- what must hold ------------------------------------------------------------------------------------------------------------ */

/** Our own account of a node's life, from the notices alone. */
struct life {
    kerf_time_us started_us;
    kerf_time_us ended_us; /* KERF_TIME_NEVER: runs */
    kerf_usd_micros per_hour;
    bool lost;
};

static void check_lives(const struct sim_world *world, struct life *lives, uint32_t bound)
{
    for (uint32_t i = 0; i < bound; i++)
        lives[i] = (struct life){.started_us = KERF_TIME_NEVER, .ended_us = KERF_TIME_NEVER};
    for (size_t i = 0; i < world->events.count; i++) {
        const struct sim_event *event = &world->events.items[i];
        struct life *life = event->node.index < bound ? &lives[event->node.index] : NULL;
        switch (event->kind) {
        case SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED:
            cr_assert_eq(life->started_us, KERF_TIME_NEVER);
            life->started_us = event->at_us;
            life->per_hour = event->value;
            break;
        case SIM_NOTICE + KERF_NOTICE_NODE_LOST:
            cr_assert_eq(life->ended_us, KERF_TIME_NEVER);
            life->lost = true;
            break;
        case SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED:
            cr_assert_neq(life->started_us, KERF_TIME_NEVER);
            cr_assert_eq(life->ended_us, KERF_TIME_NEVER, "an instance ends once");
            life->ended_us = event->at_us;
            break;
        case KERF_CHANGE_NODE_REMOVED:
            cr_assert(life->started_us == KERF_TIME_NEVER || life->ended_us != KERF_TIME_NEVER, "a node goes after its instance");
            break;
        case KERF_CHANGE_POD_RUNNING:
        case KERF_CHANGE_POD_READY:
        case KERF_CHANGE_POD_FINISHED:
        case KERF_CHANGE_NODE_READY:
            cr_assert(!life || life->ended_us == KERF_TIME_NEVER, "nothing starts on an instance that is gone (%d)", event->kind);
            break;
        default:
            break;
        }
    }
}

/** Sum over lives of price times billed seconds, and volumes, in micro-dollars: close to the bill, which rounds each node. */
static double expected_bill(const struct sim_world *world, const struct life *lives, uint32_t bound)
{
    double sum = 0;
    kerf_time_us end_us = world->design->horizon_us;
    double volume_per_hour = (double)world->design->fees.root_volume_gb * (double)world->design->fees.ebs_gb_month / 730.0;
    for (uint32_t i = 0; i < bound; i++) {
        if (lives[i].started_us == KERF_TIME_NEVER)
            continue;
        bool open = lives[i].ended_us == KERF_TIME_NEVER;
        kerf_time_us lived_us = (open ? end_us : lives[i].ended_us) - lives[i].started_us;
        kerf_time_us billed_us = open ? lived_us : kerf_max_i64((lived_us + 999999) / 1000000 * 1000000, 60000000);
        bool forgiven = lives[i].lost && lived_us < KERF_HOUR_US;
        sum += ((forgiven ? 0.0 : (double)lives[i].per_hour) + volume_per_hour) * (double)billed_us / (double)KERF_HOUR_US;
    }
    return sum + (double)world->design->fees.control_plane_per_hour * (double)end_us / (double)KERF_HOUR_US;
}

/** Addresses: each pool agrees with itself and with the pods that hold its addresses; the subnets know no other holders. */
static void check_addresses(const struct sim_world *world)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    int64_t launching = 0;
    int64_t held = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        launching += node->has_claim && !node->claim.provider_id;
        if (!node->network)
            continue;
        kerf_vpc_pool_check(node->network);
        int32_t pods = 0;
        for (uint32_t i = 0; i < node->pod_count; i++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[i]);
            pods += pod->addressed && !kerf_pod_is_terminal(&pod->pod);
        }
        cr_assert_eq(kerf_vpc_pool_stats(node->network).assigned, pods);
        for (uint32_t i = 0; i < world->design->subnet_count; i++)
            held += kerf_vpc_pool_taken(node->network, i);
    }
    for (size_t i = 0; i < world->design->objects.nodegroups.count; i++)
        launching += world->design->objects.nodegroups.items[i].desired_capacity;
    int64_t taken = 0;
    for (uint32_t i = 0; i < world->design->subnet_count; i++) {
        struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->world->network.subnets[i]);
        taken += (int64_t)counts.size - counts.free - world->design->subnets[i].taken;
    }
    cr_assert_geq(taken, held);
    cr_assert_leq(taken, held + launching, "no address is lost: %d taken, %d held, %d launches", (int)taken, (int)held, (int)launching);
}

/** Nothing stays open for ever. */
static void check_progress(struct chaos *chaos, const struct sim_world *world)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    kerf_time_us now_us = kerf_world_now(world->world);
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        uint32_t since_minute = kerf_id_map_get(&chaos->in_command, node->id.index);
        if (!node->in_command)
            kerf_id_map_remove(&chaos->in_command, node->id.index);
        else if (since_minute == KERF_NOT_FOUND)
            kerf_id_map_put(&chaos->in_command, node->id.index, (uint32_t)(now_us / KERF_MINUTE_US));
        else
            cr_assert_leq(now_us / KERF_MINUTE_US - since_minute, 65, "a command ends within its hour");
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
                  (int)(age_us / KERF_SECOND_US), kerf_name_text(pod->pod.node_name), kerf_name_text(pod->pod.nominated_node_name));
    }
}

/** What a world went through, for those who tune the trouble. */
static void tell(const struct sim_world *world)
{
    static const struct {
        int kind;
        const char *name;
    } rows[] = {{KERF_CHANGE_CLAIM_ADDED, "claims"},
                {KERF_CHANGE_POD_ADDED, "pods"},
                {KERF_CHANGE_POD_RUNNING, "running"},
                {SIM_NOTICE + KERF_NOTICE_EVICTED, "evicted"},
                {SIM_NOTICE + KERF_NOTICE_EVICTION_BLOCKED, "blocked"},
                {SIM_NOTICE + KERF_NOTICE_SPOT_INTERRUPTION, "interrupted"},
                {SIM_NOTICE + KERF_NOTICE_NODE_LOST, "lost"},
                {SIM_NOTICE + KERF_NOTICE_LAUNCH_REFUSED, "refused"},
                {SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED, "exhausted"},
                {SIM_NOTICE + KERF_NOTICE_POD_WITHOUT_ADDRESS, "without address"},
                {SIM_NOTICE + KERF_NOTICE_DISRUPTION_STARTED, "commands"},
                {SIM_NOTICE + KERF_NOTICE_DISRUPTION_FAILED, "failed"},
                {SIM_NOTICE + KERF_NOTICE_PREEMPTED, "preempted"}};
    fprintf(stderr, "  %" PRIu64 " events", kerf_engine_event_count(world->world->engine));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fprintf(stderr, ", %zu %s", sim_world_count(world, rows[i].kind), rows[i].name);
    fprintf(stderr, "; %zu pending\n", kerf_cluster_pending_count(world->world->cluster));
}

static void run_chaos(uint64_t seed)
{
    struct chaos chaos;
    make_world(&chaos, seed);
    struct sim_world world;
    sim_world_open_seeded(&world, chaos.keys.bytes, chaos.manifests.bytes, KERF_SIM_ALL, seed, 0);
    world.checked = true;
    kerf_engine_set_instant_limit(world.world->engine, 100000);
    for (kerf_time_us at_us = 0; at_us < world.design->horizon_us; at_us += 5 * KERF_MINUTE_US) {
        sim_world_run(&world, at_us);
        check_addresses(&world);
        check_progress(&chaos, &world);
    }
    sim_world_run(&world, world.design->horizon_us);
    if (getenv("KERF_CHAOS_TELL"))
        tell(&world);
    uint32_t bound = kerf_cluster_node_id_bound(world.world->cluster);
    struct life *lives = kerf_allocate(bound * sizeof *lives + 1);
    check_lives(&world, lives, bound);
    double expected = expected_bill(&world, lives, bound);
    free(lives);
    sim_world_finish(&world);
    double billed = sim_world_metric(&world, "costUsdPerMonth") * 1e6 * (double)HOURS / 730.0;
    cr_expect_float_eq(billed, expected, (double)bound + 2.0, "billed %f, ran %f", billed, expected);
    double causes = 0;
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(world.sim.record, &count);
    for (size_t i = 0; i < count; i++)
        if (strncmp(metrics[i].name, "costUsdPerMonth.cause.", 22) == 0)
            causes += metrics[i].value;
    cr_expect_float_eq(causes, sim_world_metric(&world, "costUsdPerMonth"), 1e-6);
    sim_world_close(&world);
    kerf_text_fini(&chaos.keys);
    kerf_text_fini(&chaos.manifests);
    kerf_id_map_fini(&chaos.in_command);
}

Test(chaos, random_clusters_under_random_trouble)
{
    const char *effort = getenv("KERF_TEST_EFFORT");
    const char *one = getenv("KERF_CHAOS_SEED"); /* to look at a failure alone */
    uint64_t first = 1;
    uint64_t count = effort && strcmp(effort, "large") == 0 ? WORLDS_LARGE : WORLDS_FAST;
    if (one && kerf_parse_u64(one, &first))
        count = 1;
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (getenv("KERF_CHAOS_TELL"))
            fprintf(stderr, "seed %" PRIu64 "\n", seed);
        run_chaos(seed);
    }
}
