#include "autoscaling_world.h"

#define EPOCH_US (400 * KERF_DAY_US) /* of second 0: pods can be a year old */
#define MEBIBYTE ((int64_t)1 << 20)

static const struct {
    int64_t capacity_millicores, capacity_mebibytes, millicores, mebibytes, pods;
} shapes[] = {
    [SHAPE_A] = {4000, 16 << 10, 3900, 15 << 10, 58},
    [SHAPE_B] = {2000, 8 << 10, 1900, 7 << 10, 29},
    [SHAPE_C] = {8000, 32 << 10, 7900, 30 << 10, 58},
};

kerf_time_us world_time(double seconds)
{
    return EPOCH_US + (kerf_time_us)(seconds * 1e6 + 0.5);
}

static kerf_name name_in(struct autoscaling_world *world, const char *text)
{
    return text ? kerf_name_of(world->vocabulary->names, text) : NULL;
}

static struct kerf_meta meta_of(struct autoscaling_world *world, const char *namespace_name, const char *name)
{
    return (struct kerf_meta){.namespace_name = name_in(world, namespace_name),
                              .name = name_in(world, name),
                              .uid = name_in(world, name),
                              .created_epoch_us = EPOCH_US - 365 * KERF_DAY_US,
                              .deletion_epoch_us = KERF_TIME_UNSET};
}

static struct kerf_pod_spec *spec_of(struct autoscaling_world *world, int64_t millicores, int64_t mebibytes)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_container container = {.name = name_in(world, "c")};
    kerf_resources_set(&container.requests, KERF_RESOURCE_CPU, millicores * 1000000);
    kerf_resources_set(&container.requests, KERF_RESOURCE_MEMORY, mebibytes * MEBIBYTE * 1000);
    struct kerf_pod_spec *spec = KERF_NEW(arena, struct kerf_pod_spec);
    spec->containers = kerf_arena_copy(arena, &container, sizeof container);
    spec->container_count = 1;
    spec->termination_grace_seconds = 30;
    kerf_pod_spec_compute_requests(spec);
    return spec;
}

static void add_daemonset(struct autoscaling_world *world, const char *name, int64_t millicores, int64_t mebibytes)
{
    struct kerf_workload workload = {.kind = KERF_WORKLOAD_DAEMONSET, .meta = meta_of(world, "kube-system", name)};
    workload.template.spec = spec_of(world, millicores, mebibytes);
    kerf_workload_prepare(&world->objects.arena, world->vocabulary, &workload);
    KERF_VEC_PUSH_IN(&world->objects.arena, &world->objects.workloads, workload);
}

void world_init(struct autoscaling_world *world)
{
    *world = (struct autoscaling_world){.vocabulary = kerf_vocabulary_new(NULL), .options = kerf_autoscaler_options_default()};
    kerf_objects_init(&world->objects);
    add_daemonset(world, "agent", 100, 150);
    add_daemonset(world, "proxy", 50, 50);
}

void world_fini(struct autoscaling_world *world)
{
    kerf_autoscaling_free(world->autoscaling);
    kerf_cluster_free(world->cluster);
    kerf_objects_fini(&world->objects);
    kerf_vocabulary_free(world->vocabulary);
}

static struct kerf_cluster *cluster_of(struct autoscaling_world *world)
{
    if (!world->cluster)
        world->cluster = kerf_cluster_new(&world->objects, NULL, (struct kerf_instance_options){0}, world->vocabulary);
    return world->cluster;
}

static struct kerf_node node_of(struct autoscaling_world *world, const char *name, const char *group, enum world_shape shape,
                                const char *zone)
{
    struct kerf_label labels[] = {{world->vocabulary->key_hostname, name_in(world, name)},
                                  {world->vocabulary->key_zone, name_in(world, zone ? zone : "a")},
                                  {world->vocabulary->key_eks_nodegroup, name_in(world, group)}};
    struct kerf_node node = {.meta = meta_of(world, NULL, name)};
    node.meta.labels = kerf_labels_sorted(&world->objects.arena, labels, 3);
    kerf_resources_set(&node.capacity, KERF_RESOURCE_CPU, shapes[shape].capacity_millicores * 1000000);
    kerf_resources_set(&node.capacity, KERF_RESOURCE_MEMORY, shapes[shape].capacity_mebibytes * MEBIBYTE * 1000);
    kerf_resources_set(&node.capacity, KERF_RESOURCE_PODS, shapes[shape].pods);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_CPU, shapes[shape].millicores * 1000000);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_MEMORY, shapes[shape].mebibytes * MEBIBYTE * 1000);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_PODS, shapes[shape].pods);
    return node;
}

uint32_t world_add_group(struct autoscaling_world *world, const char *name, enum world_shape shape, const char *zone,
                         int32_t size, int32_t max)
{
    struct kerf_node *node = KERF_NEW(&world->objects.arena, struct kerf_node);
    *node = node_of(world, name, name, shape, zone);
    world->groups[world->group_count] = (struct kerf_autoscaling_group){
        .name = node->meta.name, .target_size = size, .max_size = max, .can_scale_up = true, .template_node = node};
    return world->group_count++;
}

kerf_node_id world_add_node(struct autoscaling_world *world, const char *name, uint32_t group_index)
{
    struct kerf_cluster *cluster = cluster_of(world);
    struct kerf_node node = *world->groups[group_index].template_node;
    kerf_name zone = kerf_labels_get(&node.meta.labels, world->vocabulary->key_zone);
    struct kerf_label labels[] = {{world->vocabulary->key_hostname, name_in(world, name)},
                                  {world->vocabulary->key_zone, zone},
                                  {world->vocabulary->key_eks_nodegroup, world->groups[group_index].name}};
    struct kerf_condition ready = {
        .type = name_in(world, "Ready"), .status = KERF_CONDITION_TRUE, .transition_epoch_us = EPOCH_US - KERF_DAY_US};
    node.meta = meta_of(world, NULL, name);
    node.meta.labels = kerf_labels_sorted(&world->objects.arena, labels, 3);
    node.conditions = (struct kerf_conditions){kerf_arena_copy(&world->objects.arena, &ready, sizeof ready), 1};
    kerf_node_id id = kerf_cluster_add_node(cluster, &node);
    for (uint32_t w = 0; w < 2; w++) {
        struct kerf_pod pod;
        kerf_workload_make_pod(&world->objects.arena, world->vocabulary, &world->objects.workloads.items[w], world->pod_number++,
                               EPOCH_US - KERF_DAY_US, &pod);
        pod.has_status = true;
        pod.phase = KERF_POD_RUNNING;
        kerf_cluster_bind_pod(cluster, kerf_cluster_add_pod(cluster, &pod, w), id);
    }
    return id;
}

struct kerf_label_selector world_selector(struct autoscaling_world *world, const char *app)
{
    struct kerf_arena *arena = &world->objects.arena;
    kerf_name value = name_in(world, app);
    struct kerf_expression expression = {.key = name_in(world, "app"),
                                         .op = KERF_OP_IN,
                                         .values = kerf_arena_copy(arena, &value, sizeof value),
                                         .value_count = 1,
                                         .min_values = -1};
    return (struct kerf_label_selector){.present = true,
                                        .expressions = {kerf_arena_copy(arena, &expression, sizeof expression), 1}};
}

void world_add_budget(struct autoscaling_world *world, const char *app, int32_t disruptions_allowed)
{
    struct kerf_pdb pdb = {.meta = meta_of(world, "default", app),
                           .selector = world_selector(world, app),
                           .has_status = true,
                           .disruptions_allowed = disruptions_allowed};
    KERF_VEC_PUSH_IN(&world->objects.arena, &world->objects.pdbs, pdb);
}

struct kerf_labels world_annotation(struct autoscaling_world *world, const char *key, const char *value)
{
    struct kerf_label label = {name_in(world, key), name_in(world, value)};
    return (struct kerf_labels){kerf_arena_copy(&world->objects.arena, &label, sizeof label), 1};
}

struct world_pods world_pods_of(struct autoscaling_world *world, const char *app, int64_t millicores, int64_t mebibytes)
{
    struct kerf_arena *arena = &world->objects.arena;
    struct kerf_label label = {name_in(world, "app"), name_in(world, app)};
    struct kerf_owner owner = {.api_version = name_in(world, "apps/v1"),
                               .kind = name_in(world, "ReplicaSet"),
                               .name = label.value,
                               .uid = label.value,
                               .controller = true};
    struct world_pods pods = {.spec = spec_of(world, millicores, mebibytes),
                              .workload_index = (uint32_t)world->objects.workloads.count};
    pods.pod = (struct kerf_pod){.meta = meta_of(world, "default", app),
                                 .spec = pods.spec,
                                 .requests = &pods.spec->requests};
    pods.pod.meta.labels = (struct kerf_labels){kerf_arena_copy(arena, &label, sizeof label), 1};
    pods.details = KERF_NEW(arena, struct kerf_meta_details);
    *pods.details = (struct kerf_meta_details){.owners = kerf_arena_copy(arena, &owner, sizeof owner), .owner_count = 1};
    pods.pod.meta.details = pods.details;
    struct kerf_workload workload = {.kind = KERF_WORKLOAD_REPLICASET, .meta = meta_of(world, "default", app), .replicas = 3};
    KERF_VEC_PUSH_IN(arena, &world->objects.workloads, workload);
    return pods;
}

static kerf_pod_id add_pod(struct autoscaling_world *world, const struct world_pods *pods)
{
    struct kerf_pod pod = pods->pod;
    pod.meta.name = pod.meta.uid = kerf_name_format(world->vocabulary->names, "%s-%u", pod.meta.name->text, world->pod_number++);
    return kerf_cluster_add_pod(cluster_of(world), &pod, KERF_NOT_FOUND);
}

kerf_pod_id world_add_pending(struct autoscaling_world *world, const struct world_pods *pods, uint32_t count)
{
    kerf_pod_id first = add_pod(world, pods);
    for (uint32_t i = 1; i < count; i++)
        add_pod(world, pods);
    return first;
}

kerf_pod_id world_add_bound(struct autoscaling_world *world, const struct world_pods *pods, kerf_node_id node)
{
    struct world_pods running = *pods;
    running.pod.has_status = true;
    running.pod.phase = KERF_POD_RUNNING;
    kerf_pod_id id = add_pod(world, &running);
    kerf_cluster_bind_pod(world->cluster, id, node);
    return id;
}

static void begin(struct autoscaling_world *world, struct kerf_autoscaling_moment *moment, double now_seconds)
{
    if (!world->autoscaling)
        world->autoscaling = kerf_autoscaling_new(cluster_of(world), &world->options, world->priorities);
    world->now_epoch_us = world_time(now_seconds);
    kerf_cluster_set_now(world->cluster, world->now_epoch_us);
    *moment = (struct kerf_autoscaling_moment){.now_epoch_us = world->now_epoch_us,
                                               .groups = world->groups,
                                               .group_count = world->group_count,
                                               .deleting_empty_nodes = world->deleting,
                                               .deleting_empty_node_count = world->deleting_count};
    kerf_autoscaling_begin(world->autoscaling, moment);
    kerf_autoscaling_filter(world->autoscaling, &world->fits, &world->fit_count);
}

void world_scale_up(struct autoscaling_world *world, double now_seconds)
{
    struct kerf_autoscaling_moment moment;
    begin(world, &moment, now_seconds);
    world->up = kerf_autoscaling_scale_up(world->autoscaling);
    kerf_autoscaling_end(world->autoscaling);
}

void world_scale_down(struct autoscaling_world *world, double now_seconds)
{
    struct kerf_autoscaling_moment moment;
    begin(world, &moment, now_seconds);
    world->down = kerf_autoscaling_scale_down(world->autoscaling);
    kerf_autoscaling_end(world->autoscaling);
}

void world_apply(struct autoscaling_world *world)
{
    for (uint32_t i = 0; i < world->up->size_count; i++) {
        struct kerf_autoscaling_group *group = &world->groups[world->up->sizes[i].group_index];
        group->upcoming_count += world->up->sizes[i].to - group->target_size;
        group->target_size = world->up->sizes[i].to;
    }
}

int32_t world_grown(const struct autoscaling_world *world, const char *group)
{
    for (uint32_t i = 0; i < world->up->size_count; i++)
        if (kerf_name_is(world->groups[world->up->sizes[i].group_index].name, group))
            return world->up->sizes[i].to - world->up->sizes[i].from;
    return 0;
}

const struct kerf_autoscaling_option *world_option(const struct autoscaling_world *world, const char *group)
{
    for (uint32_t i = 0; i < world->up->option_count; i++)
        if (kerf_name_is(world->groups[world->up->options[i].group_index].name, group))
            return &world->up->options[i];
    return NULL;
}

bool world_is_unneeded(const struct autoscaling_world *world, kerf_node_id node)
{
    for (uint32_t i = 0; i < world->down->unneeded_count; i++)
        if (kerf_node_id_equal(world->down->unneeded[i].node, node))
            return true;
    return false;
}

enum kerf_unremovable_reason world_why_stays(const struct autoscaling_world *world, kerf_node_id node)
{
    for (uint32_t i = 0; i < world->down->unremovable_count; i++)
        if (kerf_node_id_equal(world->down->unremovable[i].node, node))
            return world->down->unremovable[i].reason;
    return KERF_UNREMOVABLE_NONE;
}
