/** What each group's next node is believed to be: a copy of a good node, or what the cloud says (6). */
#include "autoscaling_internal.h"

#include <stdlib.h>

#define STABLE_US KERF_MINUTE_US
#define SYSTEM_NODE_CRITICAL 2000001000

/* ---- readiness (9.1)
 * ---------------------------------------------------------------------------------------------------------------- */

static bool starts_with(kerf_name name, const char *prefix)
{
    return strncmp(kerf_name_text(name), prefix, strlen(prefix)) == 0;
}

static bool is_startup_taint(kerf_name key)
{
    return starts_with(key, "startup-taint.cluster-autoscaler.kubernetes.io/") ||
           starts_with(key, "ignore-taint.cluster-autoscaler.kubernetes.io/");
}

/** A node that is labelled as having GPUs and shows none yet waits for their driver (3.2, step 2). */
static bool lacks_gpu(const struct kerf_cluster *cluster, const struct kerf_node *node)
{
    kerf_name label = kerf_name_find(kerf_cluster_vocabulary(cluster)->names, "k8s.amazonaws.com/accelerator");
    return label && kerf_labels_get(&node->meta.labels, label) && node->allocatable.amounts[KERF_RESOURCE_NVIDIA_GPU] <= 0;
}

bool kerf_autoscaling_is_ready(const struct kerf_cluster *cluster, const struct kerf_node *node, kerf_time_us *out_since_epoch_us)
{
    bool ready = true, found = false;
    kerf_time_us since = KERF_TIME_UNSET;
    for (size_t i = 0; i < node->conditions.count; i++) {
        const struct kerf_condition *condition = &node->conditions.items[i];
        bool is_ready = kerf_name_is(condition->type, "Ready");
        if (!is_ready && !kerf_name_is(condition->type, "DiskPressure") && !kerf_name_is(condition->type, "NetworkUnavailable"))
            continue;
        found |= is_ready;
        ready &= is_ready == (condition->status == KERF_CONDITION_TRUE);
        since = kerf_max_i64(since, condition->transition_epoch_us);
    }
    static const char *const taints[] = {"node.kubernetes.io/not-ready", "node.kubernetes.io/disk-pressure",
                                         "node.kubernetes.io/network-unavailable"};
    for (size_t t = 0; t < node->taints.count; t++)
        for (size_t i = 0; i < sizeof taints / sizeof taints[0]; i++)
            ready &= !kerf_name_is(node->taints.items[t].key, taints[i]);
    for (size_t t = 0; t < node->taints.count; t++)
        ready &= !is_startup_taint(node->taints.items[t].key);
    if (out_since_epoch_us)
        *out_since_epoch_us = since;
    return ready && found && !lacks_gpu(cluster, node);
}

static bool has_taint(const struct kerf_node *node, const char *key)
{
    for (size_t i = 0; i < node->taints.count; i++)
        if (kerf_name_is(node->taints.items[i].key, key))
            return true;
    return false;
}

static bool is_good(const struct kerf_autoscaling *autoscaling, const struct kerf_node *node)
{
    kerf_time_us since;
    return kerf_autoscaling_is_ready(autoscaling->cluster, node, &since) &&
           (since == KERF_TIME_UNSET || since + STABLE_US < autoscaling->now_epoch_us) && !node->unschedulable &&
           !has_taint(node, KERF_TO_BE_DELETED_TAINT);
}

/* ---- cleaning
 * ---------------------------------------------------------------------------------------------------------------------- */

/** Taints that tell of a node's passing state, not of the group. */
static bool is_passing(kerf_name key)
{
    static const char *const keys[] = {
        KERF_TO_BE_DELETED_TAINT,
        KERF_DELETION_CANDIDATE_TAINT,
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/memory-pressure",
        "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/pid-pressure",
        "node.kubernetes.io/network-unavailable",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "node.cloudprovider.kubernetes.io/shutdown",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (kerf_name_is(key, keys[i]))
            return true;
    return is_startup_taint(key) || starts_with(key, "status-taint.cluster-autoscaler.kubernetes.io/");
}

static struct kerf_taints lasting_taints(struct kerf_arena *arena, const struct kerf_taints *taints)
{
    struct kerf_taint *kept = KERF_NEW_ARRAY(arena, struct kerf_taint, taints->count);
    size_t count = 0;
    for (size_t i = 0; i < taints->count; i++)
        if (!is_passing(taints->items[i].key))
            kept[count++] = taints->items[i];
    return (struct kerf_taints){kept, count};
}

/** The node without what is its own; labels get the group's name for a host name, which each made-up node replaces. */
static struct kerf_node cleaned(const struct kerf_autoscaling *autoscaling, struct kerf_arena *arena,
                                const struct kerf_node *node, kerf_name group_name)
{
    struct kerf_label hostname = {autoscaling->vocabulary->key_hostname, group_name};
    struct kerf_labels own = {&hostname, 1};
    struct kerf_labels merged = kerf_labels_merge(arena, &node->meta.labels, &own);
    return (struct kerf_node){
        .meta = {.name = group_name,
                 .created_epoch_us = KERF_TIME_UNSET,
                 .deletion_epoch_us = KERF_TIME_UNSET,
                 .labels = {kerf_arena_copy(arena, merged.items, merged.count * sizeof *merged.items), merged.count}},
        .unschedulable = node->unschedulable,
        .taints = lasting_taints(arena, &node->taints),
        .capacity = node->capacity,
        .allocatable = node->allocatable,
    };
}

/* ---- DaemonSets
 * -------------------------------------------------------------------------------------------------------------------- */

static bool suits(const struct kerf_pod_spec *spec, const struct kerf_node *node)
{
    for (size_t i = 0; i < spec->node_selector.count; i++)
        if (kerf_labels_get(&node->meta.labels, spec->node_selector.items[i].key) != spec->node_selector.items[i].value)
            return false;
    bool matches = !spec->has_required_node_terms;
    for (uint32_t t = 0; t < spec->required_node_term_count && !matches; t++)
        matches = kerf_node_selector_term_matches(&spec->required_node_terms[t], &node->meta.labels, node->meta.name);
    return matches && !kerf_taints_untolerated(&node->taints, &spec->tolerations, KERF_EFFECTS_HARD);
}

static bool is_critical(const struct kerf_pod_spec *spec)
{
    return spec->has_priority && spec->priority >= SYSTEM_NODE_CRITICAL && spec->preemption_policy != KERF_PREEMPT_NEVER;
}

static bool runs_there(const struct kerf_workload *daemonset, const pod_ref *pods, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_owner *controller = kerf_meta_controller(&pods[i]->pod.meta);
        if (controller && kerf_name_is(controller->kind, "DaemonSet") && controller->name == daemonset->meta.name &&
            pods[i]->pod.meta.namespace_name == daemonset->meta.namespace_name)
            return true;
    }
    return false;
}

/** Adds pods of DaemonSets that suit the node and don't run on it yet. */
static void add_daemons(const struct kerf_autoscaling *autoscaling, struct kerf_arena *arena, bool critical_only,
                        struct node_template *template, uint32_t room)
{
    const struct kerf_objects *objects = kerf_cluster_objects(autoscaling->cluster);
    pod_ref *pods = KERF_NEW_ARRAY(arena, pod_ref, template->pod_count + room + objects->workloads.count);
    uint32_t running = template->pod_count;
    if (running)
        memcpy(pods, template->pods, running * sizeof *pods);
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_workload *workload = &objects->workloads.items[i];
        if (workload->kind != KERF_WORKLOAD_DAEMONSET || runs_there(workload, pods, running))
            continue;
        struct kerf_cluster_pod *pod = KERF_NEW(arena, struct kerf_cluster_pod);
        pod->id = KERF_NO_POD;
        pod->node = KERF_NO_NODE;
        pod->workload_index = (uint32_t)i;
        kerf_workload_make_pod(arena, kerf_cluster_vocabulary(autoscaling->cluster), workload, 0, autoscaling->now_epoch_us,
                               &pod->pod);
        if (suits(pod->pod.spec, &template->node) && (!critical_only || is_critical(pod->pod.spec)))
            pods[template->pod_count++] = pod;
    }
    template->pods = pods;
}

/* ---- from a node
 * ------------------------------------------------------------------------------------------------------------------- */

/**
 * A pod that outlives its original and its node: what it points to is copied, its spec too, but for the parts that are the workload's.
 * The affinity to its node's name, which a DaemonSet's controller gives it, goes with the node.
 */
static pod_ref copy_of_pod(struct kerf_arena *arena, pod_ref pod)
{
    struct kerf_cluster_pod *copy = kerf_arena_copy(arena, pod, sizeof *pod);
    struct kerf_meta *meta = &copy->pod.meta;
    copy->id = KERF_NO_POD;
    copy->node = KERF_NO_NODE;
    meta->labels.items = kerf_arena_copy(arena, meta->labels.items, meta->labels.count * sizeof *meta->labels.items);
    const struct kerf_meta_details *theirs = kerf_meta_details(meta);
    struct kerf_meta_details *details = KERF_NEW(arena, struct kerf_meta_details);
    details->owners = kerf_arena_copy(arena, theirs->owners, theirs->owner_count * sizeof *theirs->owners);
    details->owner_count = theirs->owner_count;
    meta->details = details;
    copy->pod.status = NULL;
    struct kerf_pod_spec *spec = kerf_arena_copy(arena, pod->pod.spec, sizeof *spec);
    spec->has_required_node_terms = false;
    spec->required_node_terms = NULL;
    spec->required_node_term_count = 0;
    copy->pod.spec = spec;
    copy->pod.requests = kerf_arena_copy(arena, pod->pod.requests, sizeof *copy->pod.requests);
    return copy;
}

/** A resource that the real nodes don't show yet (GPUs before their driver runs) is taken from the cloud's template. */
static void complete_resources(struct kerf_node *node, const struct kerf_node *cloud)
{
    for (int r = KERF_RESOURCE_NVIDIA_GPU; cloud && r < KERF_RESOURCE_MAX; r++) {
        enum kerf_resource resource = (enum kerf_resource)r;
        if (kerf_resources_has(&cloud->capacity, resource) && !kerf_resources_has(&node->capacity, resource))
            kerf_resources_set(&node->capacity, resource, cloud->capacity.amounts[r]);
        if (kerf_resources_has(&cloud->allocatable, resource) && !kerf_resources_has(&node->allocatable, resource))
            kerf_resources_set(&node->allocatable, resource, cloud->allocatable.amounts[r]);
    }
}

static void from_node(struct kerf_autoscaling *autoscaling, const struct listed_node *listed, struct node_template *out)
{
    const struct kerf_autoscaling_group *group = &autoscaling->moment->groups[listed->group_index];
    struct group_memory *memory = kerf_group_memory(autoscaling, group->name);
    kerf_arena_reset(&memory->arena);
    struct kerf_arena *arena = &memory->arena;
    struct node_template template = {.present = true};
    template.node = cleaned(autoscaling, arena, kerf_listed_node_of(autoscaling, listed), group->name);
    complete_resources(&template.node, group->template_node);
    uint32_t count;
    const pod_ref *pods = kerf_binding_supposed_pods(autoscaling->binding, listed->slot, &count);
    template.pods = KERF_NEW_ARRAY(arena, pod_ref, count);
    for (uint32_t i = 0; i < count; i++)
        if (!kerf_pod_is_terminating(&pods[i]->pod) &&
            (kerf_autoscaling_is_daemon(&pods[i]->pod) || kerf_autoscaling_is_mirror(autoscaling->vocabulary, &pods[i]->pod)))
            template.pods[template.pod_count++] = copy_of_pod(arena, pods[i]);
    add_daemons(autoscaling, arena, !autoscaling->options->force_daemonsets, &template, 0);
    memory->template = template;
    *out = template;
}

/* ---- from the cloud
 * ------------------------------------------------------------------------------------------------------------------ */

/** The program adds the old spellings of instance type, region and zone, but not those of architecture and system. */
static struct kerf_labels with_old_labels(const struct kerf_autoscaling *autoscaling, struct kerf_arena *arena,
                                          const struct kerf_labels *labels, kerf_name group_name)
{
    const struct kerf_vocabulary *vocabulary = autoscaling->vocabulary;
    const struct {
        kerf_name key;
        kerf_name old;
    } pairs[] = {{vocabulary->key_instance_type, vocabulary->alias_instance_type},
                 {vocabulary->key_region, vocabulary->alias_region},
                 {vocabulary->key_zone, vocabulary->alias_zone}};
    struct kerf_label added[4];
    size_t count = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        kerf_name value = kerf_labels_get(labels, pairs[i].key);
        if (value)
            added[count++] = (struct kerf_label){pairs[i].old, value};
    }
    added[count++] = (struct kerf_label){vocabulary->key_eks_nodegroup, group_name};
    struct kerf_labels extra = kerf_labels_sorted(arena, added, count);
    return kerf_labels_merge(arena, labels, &extra);
}

/** kube-proxy as the AWS provider puts it on its templates. */
static pod_ref proxy_pod(const struct kerf_autoscaling *autoscaling, struct kerf_arena *arena)
{
    struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(autoscaling->cluster);
    struct kerf_container *container = KERF_NEW(arena, struct kerf_container);
    kerf_resources_set(&container->requests, KERF_RESOURCE_CPU, 100000000);
    struct kerf_pod_spec *spec = KERF_NEW(arena, struct kerf_pod_spec);
    spec->containers = container;
    spec->container_count = 1;
    kerf_pod_spec_compute_requests(spec);
    struct kerf_label *annotation = KERF_NEW(arena, struct kerf_label);
    *annotation = (struct kerf_label){kerf_name_of(vocabulary->names, "kubernetes.io/config.mirror"), vocabulary->word_true};
    struct kerf_meta_details *details = KERF_NEW(arena, struct kerf_meta_details);
    details->annotations = (struct kerf_labels){annotation, 1};
    struct kerf_cluster_pod *pod = KERF_NEW(arena, struct kerf_cluster_pod);
    *pod = (struct kerf_cluster_pod){
        .id = KERF_NO_POD,
        .node = KERF_NO_NODE,
        .workload_index = KERF_NOT_FOUND,
        .pod = {.meta = {.namespace_name = vocabulary->word_kube_system,
                         .name = kerf_name_of(vocabulary->names, "kube-proxy"),
                         .uid = kerf_name_of(vocabulary->names, "kube-proxy"),
                         .created_epoch_us = autoscaling->now_epoch_us,
                         .deletion_epoch_us = KERF_TIME_UNSET,
                         .details = details},
                .spec = spec,
                .requests = &spec->requests,
                .phase = KERF_POD_RUNNING},
    };
    return pod;
}

static void from_cloud(struct kerf_autoscaling *autoscaling, uint32_t group_index, struct node_template *out)
{
    const struct kerf_autoscaling_group *group = &autoscaling->moment->groups[group_index];
    struct kerf_arena *arena = &autoscaling->arena;
    struct kerf_node node = *group->template_node;
    node.meta.labels = with_old_labels(autoscaling, arena, &node.meta.labels, group->name);
    *out = (struct node_template){.present = true, .node = cleaned(autoscaling, arena, &node, group->name)};
    pod_ref proxy;
    if (group->template_has_proxy) {
        proxy = proxy_pod(autoscaling, arena);
        out->pods = &proxy;
        out->pod_count = 1;
    }
    add_daemons(autoscaling, arena, false, out, 0);
}

/* ---- all groups
 * -------------------------------------------------------------------------------------------------------------------- */

struct group_memory *kerf_group_memory(struct kerf_autoscaling *autoscaling, kerf_name name)
{
    uint32_t at = kerf_name_map_get(&autoscaling->memory_by_name, name);
    if (at != KERF_NOT_FOUND)
        return autoscaling->memories.items[at];
    struct group_memory *memory = kerf_allocate(sizeof *memory);
    memory->name = name;
    kerf_arena_init(&memory->arena);
    kerf_name_map_put(&autoscaling->memory_by_name, name, (uint32_t)autoscaling->memories.count);
    KERF_VEC_PUSH(&autoscaling->memories, memory);
    return memory;
}

/**
 * Where lots are drawn, the order in which the real program lists nodes is drawn, too: it walks a hash map, so the template of a group over
 * several zones is of any of them, another one in each loop.
 */
static uint64_t listing_rank(const struct kerf_autoscaling *autoscaling, const struct listed_node *listed)
{
    return kerf_hash_mix(kerf_hash_mix(autoscaling->draw_seed, autoscaling->loop_count), listed->id.index);
}

/** The node that each group without a template gets its template from: its first of that kind, by name or as drawn. */
static void use_nodes(struct kerf_autoscaling *autoscaling, bool good_ones)
{
    uint32_t group_count = autoscaling->moment->group_count;
    const struct listed_node **chosen = KERF_NEW_ARRAY(&autoscaling->arena, const struct listed_node *, group_count);
    for (size_t i = 0; i < autoscaling->list.nodes.count; i++) {
        const struct listed_node *listed = &autoscaling->list.nodes.items[i];
        if (listed->group_index == KERF_NOT_FOUND || autoscaling->templates[listed->group_index].present)
            continue;
        const struct listed_node **first = &chosen[listed->group_index];
        if (*first && (!autoscaling->draws || listing_rank(autoscaling, *first) <= listing_rank(autoscaling, listed)))
            continue;
        if (is_good(autoscaling, kerf_listed_node_of(autoscaling, listed)) == good_ones)
            *first = listed;
    }
    for (uint32_t g = 0; g < group_count; g++) {
        if (!chosen[g])
            continue;
        from_node(autoscaling, chosen[g], &autoscaling->templates[g]);
        if (!good_ones) /* a last resort is not remembered */
            kerf_group_memory(autoscaling, autoscaling->moment->groups[g].name)->template.present = false;
    }
}

void kerf_node_templates_build(struct kerf_autoscaling *autoscaling)
{
    uint32_t group_count = autoscaling->moment->group_count;
    autoscaling->templates = KERF_NEW_ARRAY(&autoscaling->arena, struct node_template, group_count);
    use_nodes(autoscaling, true);
    for (uint32_t g = 0; g < group_count; g++) {
        const struct kerf_autoscaling_group *group = &autoscaling->moment->groups[g];
        struct node_template *template = &autoscaling->templates[g];
        if (template->present)
            continue;
        const struct group_memory *memory = kerf_group_memory(autoscaling, group->name);
        if (memory->template.present)
            *template = memory->template;
        else if (group->template_node)
            from_cloud(autoscaling, g, template);
    }
    use_nodes(autoscaling, false);
}
