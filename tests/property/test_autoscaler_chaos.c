/**
 * Random node groups under Cluster Autoscaler and under random trouble: groups without capacity, slow ones, instances that never join, a
 * zone that is lost, Spot that is reclaimed, updates, budgets. Whatever happens, a group's desired capacity stays within its minimum and
 * maximum, nothing that was begun stays open, what is billed is what ran, and where there is room for everybody nobody waits in vain.
 */
#include "../support/sim_invariants.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { WORLDS_FAST = 40, WORLDS_LARGE = 1000, HOURS = 4 };

struct chaos {
    struct kerf_stream draws;
    struct kerf_text keys;
    struct kerf_text manifests;
    bool easy; /* capacity without end, every instance joins in time, no pod is bound to a place: everybody finds one */
    int deployments;
    struct kerf_id_map useless; /* by node: the minute since which it could have been given up */
    struct kerf_id_map tainted; /* by node: the minute at which it was first seen with Cluster Autoscaler's taint */
};

static uint64_t below(struct chaos *chaos, uint64_t bound) { return kerf_draw_below(&chaos->draws, bound); }
static bool chance(struct chaos *chaos, double probability) { return kerf_draw_chance(&chaos->draws, probability); }
static const char *one_of(struct chaos *chaos, const char *const *texts, size_t count) { return texts[below(chaos, count)]; }
#define ONE_OF(chaos, ...)                                                                                                       \
    one_of(chaos, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- random worlds ---------------------------------------------------------------------------------------------------------- */

static void add_group(struct chaos *chaos, int number)
{
    struct kerf_text *text = &chaos->keys;
    bool managed = chance(chaos, 0.7);
    int min = (int)below(chaos, 3), desired = min + (int)below(chaos, 3), max = desired + (chaos->easy && number == 0 ? 40 : (int)below(chaos, 9));
    kerf_text_append_format(text, "  - { name: g%d, instanceTypes: %s, minSize: %d, maxSize: %d, desiredCapacity: %d, zones: %s", number,
                            ONE_OF(chaos, "[m5.xlarge]", "[m5.large]", "[m5.2xlarge]", "[m5.xlarge, m5a.xlarge]", "[m6i.2xlarge, m5.2xlarge]"), min, max,
                            desired, ONE_OF(chaos, "[us-east-1a]", "[us-east-1b]", "[us-east-1a, us-east-1b, us-east-1c]", "[us-east-1b, us-east-1c]"));
    if (number == 0 && chaos->easy)
        ;
    else if (!managed && chance(chaos, 0.3))
        kerf_text_append_format(text, ", onDemandBase: %d, onDemandPercentage: %d", (int)below(chaos, 3), (int)below(chaos, 101));
    else if (chance(chaos, 0.4))
        kerf_text_append(text, ", capacityType: spot");
    if (!chaos->easy && chance(chaos, 0.3))
        kerf_text_append_format(text, ", bootFactor: %s", ONE_OF(chaos, "4", "15", "60"));
    if (!chaos->easy && chance(chaos, 0.3))
        kerf_text_append_format(text, ", joinFailure: %s", ONE_OF(chaos, "0.2", "0.5", "1"));
    if (!managed)
        kerf_text_append_format(text, ", managed: false, terminationHandler: %s, zoneRebalancing: %s, capacityRebalancing: %s",
                                ONE_OF(chaos, "none", "imds", "queue"), ONE_OF(chaos, "true", "false"), ONE_OF(chaos, "true", "false"));
    else if (chance(chaos, 0.3))
        kerf_text_append_format(text, ", updates: [%s], maxUnavailable: %s", ONE_OF(chaos, "1h", "70m, 2h"), ONE_OF(chaos, "1", "3", "50%"));
    kerf_text_append(text, " }\n");
}

static void add_deployment(struct chaos *chaos)
{
    struct kerf_text *text = &chaos->manifests;
    int number = chaos->deployments++;
    kerf_text_append_format(text,
                            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web-%d }\nspec:\n  replicas: %d\n  selector: { matchLabels: { app: "
                            "web-%d } }\n  template:\n    metadata: { labels: { app: web-%d } }\n    spec:\n      terminationGracePeriodSeconds: %s\n"
                            "      containers: [{ name: c, image: i, resources: { requests: { cpu: %sm, memory: %sMi } } }]\n",
                            number, 1 + (int)below(chaos, 9), number, number, ONE_OF(chaos, "5", "30", "900"), ONE_OF(chaos, "50", "250", "700", "1400"),
                            ONE_OF(chaos, "64", "512", "1500", "2500"));
    if (chance(chaos, 0.3) && !chaos->easy)
        kerf_text_append_format(text,
                                "      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: %s, whenUnsatisfiable: DoNotSchedule, labelSelector: { "
                                "matchLabels: { app: web-%d } } }]\n",
                                ONE_OF(chaos, "topology.kubernetes.io/zone", "kubernetes.io/hostname"), number);
    if (chance(chaos, 0.2) && !chaos->easy)
        kerf_text_append_format(text,
                                "      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "
                                "kubernetes.io/hostname, labelSelector: { matchLabels: { app: web-%d } } }] } }\n",
                                (int)below(chaos, 3));
    if (chance(chaos, 0.15))
        kerf_text_append_format(text, "      priorityClassName: %s\n", ONE_OF(chaos, "high", "expendable"));
    if (chance(chaos, 0.3))
        kerf_text_append_format(text,
                                "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: pdb-%d }\nspec: { selector: { matchLabels: { app: "
                                "web-%d } }, maxUnavailable: %s }\n",
                                number, number, ONE_OF(chaos, "0", "1", "50%"));
    if (chance(chaos, 0.6))
        kerf_text_append_format(&chaos->keys, "  - { workload: Deployment/web-%d, startTime: %s, stopTime: %s, %s }\n", number, ONE_OF(chaos, "0s", "40s"),
                                ONE_OF(chaos, "0s", "10s", "20m"),
                                chance(chaos, 0.5) ? "schedule: [{ at: \"15 * * * *\", replicas: 0 }, { at: \"45 * * * *\", replicas: 9 }]"
                                                   : "daily: { noise: 0.5, every: 7m, points: [{ at: \"00:00\", replicas: 2 }, { at: \"02:00\", replicas: 12 "
                                                     "}] }");
}

static void make_world(struct chaos *chaos, uint64_t seed)
{
    *chaos = (struct chaos){.draws = kerf_stream_open(seed, 1, KERF_PURPOSE_TEST, 0)};
    struct kerf_text *keys = &chaos->keys;
    chaos->easy = chance(chaos, 0.3);
    kerf_text_append_format(keys, "horizon: %dh\n", HOURS);
    if (chance(chaos, 0.4))
        kerf_text_append(keys, "subnets:\n  - { id: a, zone: us-east-1a, cidr: 10.0.0.0/20 }\n  - { id: b, zone: us-east-1b, cidr: 10.0.16.0/20 }\n  - { id: c, "
                               "zone: us-east-1c, cidr: 10.0.32.0/20 }\n");
    kerf_text_append_format(keys, "spot: { hazardFactor: %s, missedNotice: %s, rebalanceShare: %s, rebalanceLead: %s }\n", ONE_OF(chaos, "1", "30", "300"),
                            ONE_OF(chaos, "0.01", "0.5"), ONE_OF(chaos, "0", "0.5", "1"), ONE_OF(chaos, "0s", "1m", "10m"));
    if (!chaos->easy)
        kerf_text_append_format(keys, "cloud: { onDemandRefusal: %s, gaps: [{ from: 30m, until: %s, zones: [us-east-1b] }, { from: 2h, until: 130m }] }\n",
                                ONE_OF(chaos, "0", "0.3", "0.8"), ONE_OF(chaos, "40m", "3h"));
    kerf_text_append_format(keys, "timings: { autoscalerLoop: %s }\nnodeGroups:\n", ONE_OF(chaos, "0s", "1s", "15s"));
    int count = 1 + (int)below(chaos, 4);
    for (int i = 0; i < count; i++)
        add_group(chaos, i);
    kerf_text_append_format(keys,
                            "autoscaler: { flags: { expander: %s, balance-similar-node-groups: %s, scale-down-unneeded-time: %s, scale-down-delay-after-add: %s, "
                            "max-drain-parallelism: %d, scale-down-delay-type-local: %s, enforce-node-group-min-size: %s, frequent-loops-enabled: %s, "
                            "max-node-provision-time: %s } }\n",
                            ONE_OF(chaos, "least-waste", "random", "most-pods", "\"least-nodes,least-waste\""), ONE_OF(chaos, "true", "false"),
                            ONE_OF(chaos, "1m", "10m"), ONE_OF(chaos, "0s", "1m", "10m"), 1 + (int)below(chaos, 4), ONE_OF(chaos, "true", "false"),
                            ONE_OF(chaos, "true", "false"), ONE_OF(chaos, "true", "true", "false"), ONE_OF(chaos, "5m", "15m"));
    kerf_text_append(keys, "load:\n  - { workload: Job/batch, arrivals: { perHour: 6, peakFactor: 1.5 }, duration: { median: 4m } }\n");
    kerf_text_append(&chaos->manifests,
                     "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: high }\nvalue: 1000\n"
                     "---\napiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: expendable }\nvalue: -100\n"
                     "---\napiVersion: batch/v1\nkind: Job\nmetadata: { name: batch }\nspec: { parallelism: 2, completions: 5, template: { spec: { "
                     "restartPolicy: Never, containers: [{ name: c, image: i, resources: { requests: { cpu: 600m, memory: 900Mi } } }] } } }\n"
                     "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: agent, namespace: kube-system }\nspec: { selector: { matchLabels: { a: "
                     "agent } }, template: { metadata: { labels: { a: agent } }, spec: { tolerations: [{ operator: Exists }], containers: [{ name: c, image: i, "
                     "resources: { requests: { cpu: 100m, memory: 100Mi } } }] } } }\n");
    count = 2 + (int)below(chaos, 5);
    while (chaos->deployments < count)
        add_deployment(chaos);
}

/* ---- what must hold ------------------------------------------------------------------------------------------------------------ */

static bool has_deletion_taint(const struct kerf_cluster_node *node)
{
    for (size_t i = 0; i < node->node.taints.count; i++)
        if (kerf_name_is(node->node.taints.items[i].key, KERF_TO_BE_DELETED_TAINT))
            return true;
    return false;
}

static void check_groups(const struct sim_world *world)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    for (uint32_t g = 0; g < world->design->objects.nodegroups.count; g++) {
        const struct kerf_nodegroup *group = &world->design->objects.nodegroups.items[g];
        int32_t size = kerf_cluster_group_size(cluster, g), alive = 0;
        cr_assert(size >= group->min_size && size <= group->max_size, "%d nodes wanted of %d to %d", size, group->min_size, group->max_size);
        for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
            const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
            alive += node->nodegroup_index == g && !kerf_cluster_is_deleting(cluster, node);
        }
        /* successors of Spot nodes, one of a zone, and an update's surge */
        cr_assert_leq(alive, 2 * group->max_size + 7);
    }
}

/** Is it so for longer than `minutes_max` at a stretch? */
static bool lasts(struct kerf_id_map *since, kerf_node_id id, bool holds, kerf_time_us now_us, int64_t minutes_max)
{
    uint32_t first = kerf_id_map_get(since, id.index), minute = (uint32_t)(now_us / KERF_MINUTE_US);
    if (!holds)
        kerf_id_map_remove(since, id.index);
    else if (first == KERF_NOT_FOUND)
        kerf_id_map_put(since, id.index, minute);
    return holds && first != KERF_NOT_FOUND && (int64_t)minute - first > minutes_max;
}

/** Nothing that was begun stays open. */
static void check_progress(struct chaos *chaos, const struct sim_world *world)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    kerf_time_us now_us = kerf_world_now(world->world);
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        const struct kerf_nodegroup *group = &world->design->objects.nodegroups.items[node->nodegroup_index];
        const struct sim_event *deleting = sim_world_node_event(world, KERF_CHANGE_CLAIM_DELETING, node->id);
        bool is_going = deleting && kerf_cluster_is_deleted(node);
        if (is_going)
            cr_assert_leq(now_us - deleting->at_us, 20 * KERF_MINUTE_US, "%s is still going", node->node.meta.name->text);
        /* evictions for two minutes, ten and a half for the pods' end */
        cr_assert(!lasts(&chaos->tainted, node->id, !is_going && has_deletion_taint(node), now_us, 20), "%s keeps its taint",
                  node->node.meta.name->text);
        bool may_go = kerf_cluster_group_size(cluster, node->nodegroup_index) > group->min_size && group->boot_factor < 2;
        bool never_joined = !kerf_conditions_get(&node->node.conditions, "Ready");
        cr_assert(!lasts(&chaos->useless, node->id, !is_going && never_joined && may_go, now_us, 25), "%s never joined and is kept",
                  node->node.meta.name->text);
    }
    for (size_t at = 0; chaos->easy && at < kerf_cluster_pod_count(cluster); at++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(cluster, at);
        kerf_time_us age_us = kerf_world_epoch_now(world->world) - pod->pod.meta.created_epoch_us;
        bool expendable = pod->pod.spec->has_priority && pod->pod.spec->priority < -10;
        if (kerf_pod_is_daemon(&pod->pod) || !kerf_pod_is_active(&pod->pod) || expendable)
            continue;
        cr_assert(pod->pod.phase == KERF_POD_RUNNING || age_us < 30 * KERF_MINUTE_US, "pod %s waits since %d s", pod->pod.meta.name->text,
                  (int)(age_us / KERF_SECOND_US));
    }
}

static void tell(const struct sim_world *world)
{
    static const struct {
        int kind;
        const char *name;
    } rows[] = {{KERF_CHANGE_GROUP_RESIZED, "resized"},
                {KERF_CHANGE_POD_RUNNING, "running"},
                {SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, "instances"},
                {SIM_NOTICE + KERF_NOTICE_EVICTED, "evicted"},
                {SIM_NOTICE + KERF_NOTICE_EVICTION_BLOCKED, "blocked"},
                {SIM_NOTICE + KERF_NOTICE_SPOT_INTERRUPTION, "interrupted"},
                {SIM_NOTICE + KERF_NOTICE_REBALANCE_RECOMMENDED, "recommended"},
                {SIM_NOTICE + KERF_NOTICE_NODE_LOST, "lost"},
                {SIM_NOTICE + KERF_NOTICE_GROUP_LAUNCH_FAILED, "failed"},
                {SIM_NOTICE + KERF_NOTICE_GROUP_UPDATED, "updated"},
                {SIM_NOTICE + KERF_NOTICE_GROUP_UPDATE_FAILED, "not updated"}};
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
    if (getenv("KERF_CHAOS_SHOW"))
        fprintf(stderr, "%s\n%s\n", chaos.keys.bytes, chaos.manifests.bytes);
    sim_world_open_seeded(&world, chaos.keys.bytes, chaos.manifests.bytes, KERF_SIM_ALL, seed, 0);
    world.checked = seed % 3 == 0; /* it takes its time */
    kerf_engine_set_instant_limit(world.world->engine, 100000);
    for (kerf_time_us at_us = 0; at_us < world.design->horizon_us; at_us += 5 * KERF_MINUTE_US) {
        sim_world_run(&world, at_us);
        kerf_cluster_check(world.world->cluster);
        sim_check_addresses(&world, 30); /* groups grow, and replace some before they go */
        check_groups(&world);
        check_progress(&chaos, &world);
    }
    sim_world_run(&world, world.design->horizon_us);
    if (getenv("KERF_CHAOS_TELL"))
        tell(&world);
    sim_finish_and_check_bill(&world);
    sim_world_close(&world);
    kerf_text_fini(&chaos.keys);
    kerf_text_fini(&chaos.manifests);
    kerf_id_map_fini(&chaos.tainted);
    kerf_id_map_fini(&chaos.useless);
}

Test(autoscaler_chaos, random_groups_under_random_trouble)
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
