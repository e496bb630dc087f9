#include "sim_world.h"

#include "kerf/scenario.h"
#include "manifest/manifest.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

const char *const sim_pool_of_m5_large =
    "---\n"
    "apiVersion: karpenter.k8s.aws/v1\n"
    "kind: EC2NodeClass\n"
    "metadata: { name: default }\n"
    "spec: { amiSelectorTerms: [{ alias: al2023@latest }], role: nodes, subnetSelectorTerms: [{ tags: { a: b } }],\n"
    "        securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
    "---\n"
    "apiVersion: karpenter.sh/v1\n"
    "kind: NodePool\n"
    "metadata: { name: np }\n"
    "spec:\n"
    "  template:\n"
    "    spec:\n"
    "      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n"
    "      requirements:\n"
    "        - { key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }\n"
    "        - { key: karpenter.sh/capacity-type, operator: In, values: [on-demand] }\n"
    "---\n";

static void write_file(const struct sim_world *world, const char *name, const char *text)
{
    struct kerf_text path = {0};
    kerf_text_append_format(&path, "%s/%s", world->folder, name);
    FILE *file = fopen(path.bytes, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    kerf_text_fini(&path);
}

static void remove_file(const struct sim_world *world, const char *name)
{
    struct kerf_text path = {0};
    kerf_text_append_format(&path, "%s/%s", world->folder, name);
    unlink(path.bytes);
    kerf_text_fini(&path);
}

static void keep(struct sim_world *world, struct sim_event event)
{
    event.at_us = kerf_world_now(world->world);
    KERF_VEC_PUSH(&world->events, event);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    (void)cluster;
    keep(context, (struct sim_event){.kind = (int)change->kind, .node = change->node, .pod = change->pod});
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    keep(context, (struct sim_event){.kind = SIM_NOTICE + (int)notice->kind,
                                     .node = notice->node,
                                     .pod = notice->pod,
                                     .detail = notice->detail,
                                     .value = notice->value});
}

static void check_world(void *context, const struct kerf_event *event)
{
    (void)event;
    struct sim_world *world = context;
    if (!world->checked)
        return;
    kerf_cluster_check(world->world->cluster);
    for (uint32_t i = 0; i < world->design->subnet_count; i++)
        kerf_vpc_subnet_check(world->world->network.subnets[i]);
}

/** Keys that the test states stand; the others get what most tests want. */
static void append_default(struct kerf_text *text, const char *keys, const char *key, const char *value)
{
    size_t length = strlen(key);
    for (const char *at = keys; (at = strstr(at, key)) != NULL; at++)
        if ((at == keys || at[-1] == '\n') && at[length] == ':')
            return;
    kerf_text_append_format(text, "%s: %s\n", key, value);
}

void sim_world_open(struct sim_world *world, const char *keys, const char *manifests, uint32_t controllers)
{
    sim_world_open_seeded(world, keys, manifests, controllers, 1, 0);
}

void sim_world_open_seeded(struct sim_world *world, const char *keys, const char *manifests, uint32_t controllers, uint64_t seed,
                           uint32_t replication)
{
    *world = (struct sim_world){.folder = "/tmp/kerf-sim-XXXXXX"};
    cr_assert_not_null(mkdtemp(world->folder));
    struct kerf_text text = {0};
    kerf_text_append(&text, "apiVersion: kerf/v1alpha1\nkind: Scenario\nmetadata: { name: test }\nmanifests: [objects.yaml]\n");
    append_default(&text, keys, "zones", "[us-east-1a, us-east-1b, us-east-1c]");
    append_default(&text, keys, "horizon", "24h");
    append_default(&text, keys, "warmUp", "0s");
    append_default(&text, keys, "replications", "1");
    kerf_text_append(&text, keys);
    write_file(world, "scenario.yaml", text.bytes);
    write_file(world, "objects.yaml", manifests);
    struct kerf_text path = {0};
    kerf_text_append_format(&path, "%s/scenario.yaml", world->folder);
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_scenario_read(path.bytes, &(struct kerf_scenario_overrides){0}, &world->scenario, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
    kerf_errors_free(errs);
    kerf_text_fini(&path);
    kerf_text_fini(&text);
    remove_file(world, "scenario.yaml");
    remove_file(world, "objects.yaml");
    rmdir(world->folder);
    world->design = &world->scenario->designs[0];
    kerf_sim_open(&world->sim, world->design, seed, replication, (struct kerf_record_options){0}, controllers);
    world->world = &world->sim.world;
    kerf_objects_init(&world->extra);
    kerf_cluster_listen(world->world->cluster, on_change, world);
    kerf_world_listen(world->world, on_notice, world);
    kerf_engine_after_each(world->world->engine, check_world, world);
}

void sim_world_finish(struct sim_world *world)
{
    if (world->finished)
        return;
    kerf_sim_close(&world->sim);
    world->finished = true;
}

void sim_world_close(struct sim_world *world)
{
    sim_world_finish(world);
    kerf_record_free(world->sim.record);
    kerf_objects_fini(&world->extra);
    kerf_scenario_free(world->scenario);
    KERF_VEC_FREE(&world->events);
}

void sim_world_run(struct sim_world *world, kerf_time_us until_us)
{
    world->livelock |= kerf_engine_run(world->world->engine, until_us) == KERF_ENGINE_LIVELOCK;
    cr_assert(!world->livelock);
    kerf_cluster_set_now(world->world->cluster, kerf_world_epoch_now(world->world));
}

/* ---- nodes and pods --------------------------------------------------------------------------------------------------------- */

static kerf_name name_in(const struct sim_world *world, const char *text)
{
    return kerf_name_of(world->world->vocabulary->names, text);
}

static struct kerf_labels node_labels(struct sim_world *world, struct kerf_arena *arena, const char *name, const char *instance_type,
                                      const char *zone, const char *capacity_type)
{
    const struct kerf_vocabulary *vocabulary = world->world->vocabulary;
    struct kerf_label labels[] = {
        {vocabulary->key_hostname, name_in(world, name)},
        {vocabulary->key_instance_type, name_in(world, instance_type)},
        {vocabulary->key_zone, name_in(world, zone)},
        {vocabulary->key_os, vocabulary->word_linux},
        {vocabulary->key_arch, vocabulary->word_amd64},
        {vocabulary->key_nodepool, name_in(world, "np")},
        {vocabulary->key_capacity_type, name_in(world, capacity_type ? capacity_type : "on-demand")},
        {vocabulary->key_registered, vocabulary->word_true},
        {vocabulary->key_initialized, vocabulary->word_true},
    };
    return kerf_labels_sorted(arena, labels, capacity_type ? 9 : 5);
}

static struct kerf_node node_of(struct sim_world *world, struct kerf_arena *arena, const char *name, const char *instance_type,
                                const char *zone, const char *capacity_type)
{
    const struct kerf_instance_facts *facts = kerf_catalog_find(world->design->catalog, name_in(world, instance_type));
    cr_assert_not_null(facts);
    struct kerf_node node = {
        .meta = {.name = name_in(world, name),
                 .uid = name_in(world, name),
                 .created_epoch_us = kerf_world_epoch_now(world->world),
                 .deletion_epoch_us = KERF_TIME_UNSET,
                 .labels = node_labels(world, arena, name, instance_type, zone, capacity_type)},
        .provider_id = name_in(world, name),
    };
    kerf_catalog_node_resources(facts, KERF_AMI_AL2023, 0, (int64_t)20 << 30, &node.capacity, &node.allocatable);
    return node;
}

kerf_node_id sim_world_add_node(struct sim_world *world, const char *name, const char *instance_type, const char *zone)
{
    struct kerf_cluster *cluster = world->world->cluster;
    struct kerf_node node = node_of(world, kerf_cluster_next_arena(cluster), name, instance_type, zone, NULL);
    kerf_node_id id = kerf_cluster_add_node(cluster, &node);
    kerf_cluster_set_node_condition(cluster, id, "Ready", KERF_CONDITION_TRUE);
    return id;
}

kerf_node_id sim_world_add_claimed_node(struct sim_world *world, const char *name, const char *instance_type, const char *zone,
                                        bool spot)
{
    struct kerf_cluster *cluster = world->world->cluster;
    struct kerf_arena *arena = kerf_cluster_next_arena(cluster);
    struct kerf_node node = node_of(world, arena, name, instance_type, zone, spot ? "spot" : "on-demand");
    const struct kerf_nodepool *pool = &world->design->objects.nodepools.items[0];
    struct kerf_nodeclaim claim = {
        .meta = node.meta,
        .nodeclass = pool->nodeclass,
        .provider_id = node.provider_id,
        .capacity = node.capacity,
        .allocatable = node.allocatable,
        .expire_after_us = pool->expire_after_us,
        .termination_grace_period_us = pool->termination_grace_period_us,
        .last_pod_event_epoch_us = KERF_TIME_UNSET,
    };
    kerf_node_id id = kerf_cluster_add_claim(cluster, &claim);
    kerf_cluster_set_claim_condition(cluster, id, "Launched", KERF_CONDITION_TRUE, "Launched");
    const struct kerf_cluster_node *entry = kerf_cluster_node(cluster, id);
    kerf_world_notify(world->world,
                      (struct kerf_notice){.kind = KERF_NOTICE_INSTANCE_STARTED, .node = id, .pod = KERF_NO_POD, .value = 96000});
    cr_assert_neq(entry->type_index, KERF_NOT_FOUND);
    kerf_cluster_add_node(cluster, &node);
    kerf_cluster_set_claim_condition(cluster, id, "Registered", KERF_CONDITION_TRUE, "Registered");
    kerf_cluster_set_node_condition(cluster, id, "Ready", KERF_CONDITION_TRUE);
    kerf_cluster_set_claim_condition(cluster, id, "Initialized", KERF_CONDITION_TRUE, "Initialized");
    return id;
}

kerf_pod_id sim_world_add_pod(struct sim_world *world, const char *name, const char *cpu, const char *memory, const char *metadata,
                              const char *spec)
{
    struct kerf_text text = {0};
    kerf_text_append_format(&text,
                            "---\n{ apiVersion: v1, kind: Pod, metadata: { name: %s%s }, spec: { containers: [{ name: c, image: i, resources: "
                            "{ requests: { cpu: \"%s\", memory: \"%s\" } } }]%s } }\n",
                            name, metadata, cpu, memory, spec);
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_manifest_read_text("pod", text.bytes, text.length, world->world->vocabulary, &world->extra, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK, "%s", text.bytes);
    kerf_errors_free(errs);
    kerf_text_fini(&text);
    struct kerf_pod pod = world->extra.pods.items[world->extra.pods.count - 1];
    pod.meta.namespace_name = world->world->vocabulary->word_default;
    pod.meta.uid = pod.meta.name;
    pod.meta.created_epoch_us = kerf_world_epoch_now(world->world);
    pod.has_status = true;
    return kerf_cluster_add_pod(world->world->cluster, &pod, KERF_NOT_FOUND);
}

/* ---- what happened ------------------------------------------------------------------------------------------------------------ */

size_t sim_world_count(const struct sim_world *world, int kind)
{
    size_t count = 0;
    for (size_t i = 0; i < world->events.count; i++)
        count += world->events.items[i].kind == kind;
    return count;
}

const struct sim_event *sim_world_event(const struct sim_world *world, int kind, size_t n)
{
    for (size_t i = 0; i < world->events.count; i++)
        if (world->events.items[i].kind == kind && n-- == 0)
            return &world->events.items[i];
    cr_assert_fail("no such event");
    return NULL;
}

const struct sim_event *sim_world_pod_event(const struct sim_world *world, int kind, kerf_pod_id pod)
{
    for (size_t i = 0; i < world->events.count; i++)
        if (world->events.items[i].kind == kind && kerf_pod_id_equal(world->events.items[i].pod, pod))
            return &world->events.items[i];
    return NULL;
}

const struct sim_event *sim_world_node_event(const struct sim_world *world, int kind, kerf_node_id node)
{
    for (size_t i = 0; i < world->events.count; i++)
        if (world->events.items[i].kind == kind && kerf_node_id_equal(world->events.items[i].node, node))
            return &world->events.items[i];
    return NULL;
}

static size_t count_pods(const struct sim_world *world, const char *workload, bool bound)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    size_t count = 0;
    for (size_t at = 0; at < kerf_cluster_pod_count(cluster); at++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(cluster, at);
        if (pod->workload_index != KERF_NOT_FOUND &&
            kerf_name_is(world->design->objects.workloads.items[pod->workload_index].meta.name, workload) &&
            kerf_pod_is_active(&pod->pod) && (!bound || pod->pod.node_name))
            count++;
    }
    return count;
}

size_t sim_world_active_pods(const struct sim_world *world, const char *workload) { return count_pods(world, workload, false); }
size_t sim_world_bound_pods(const struct sim_world *world, const char *workload) { return count_pods(world, workload, true); }

double sim_world_metric(const struct sim_world *world, const char *name)
{
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(world->sim.record, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return metrics[i].value;
    return NAN;
}
