/**
 * pass_base: what passes over one state of the world share. Karpenter asks the same question over and over with a few nodes left out
 * (disruption's what-ifs); templates, daemon pods and what is free on each node are the same every time, so they are worked out once
 * and each pass takes a copy without the nodes that it leaves out. Cluster's journal tells when the world has changed.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

void kerf_pass_base_fini(struct kerf_pass_base *base)
{
    kerf_arena_fini(&base->arena);
}

static bool is_current(const struct kerf_pass_base *base, const struct kerf_pass *pass)
{
    const struct kerf_provisioning_options *then = &base->options, *now = &pass->options;
    return base->known && base->offering_generation == pass->cache->offering_generation &&
           base->journal_count == kerf_cluster_journal_count(pass->cluster) &&
           base->pod_id_bound == kerf_cluster_pod_id_bound(pass->cluster) && base->pod_count == kerf_cluster_pod_count(pass->cluster) &&
           then->now_epoch_us == now->now_epoch_us && then->preference_policy == now->preference_policy &&
           then->min_values_policy == now->min_values_policy && then->protect_recent_nodes == now->protect_recent_nodes;
}

/* ---- running pods, for topology ---------------------------------------------------------------------------------------- */

static int compare_running(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_u64(((const struct kerf_running_pod *)a)->label_class, ((const struct kerf_running_pod *)b)->label_class);
}

static int compare_by_uid(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_cluster_pod *left = *(const struct kerf_cluster_pod *const *)a;
    const struct kerf_cluster_pod *right = *(const struct kerf_cluster_pod *const *)b;
    int order = kerf_name_compare(left->pod.meta.uid, right->pod.meta.uid);
    return order != 0 ? order : kerf_compare_u64(left->pod.meta.input_index, right->pod.meta.input_index);
}

static void list_anti_affine(struct kerf_pass_base *base, const struct kerf_cluster *cluster)
{
    KERF_VEC(const struct kerf_cluster_pod *) pods = {0};
    for (size_t i = 0; i < kerf_cluster_pod_count(cluster); i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(cluster, i);
        if (pod->pod.spec->required_anti_affinity.count == 0 || kerf_pod_is_terminal(&pod->pod))
            continue;
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, pod->node);
        if (node != NULL && node->has_node)
            KERF_VEC_PUSH_IN(&base->arena, &pods, pod);
    }
    kerf_sort(pods.items, pods.count, sizeof pods.items[0], compare_by_uid, NULL);
    base->anti_affine = pods.items;
    base->anti_affine_count = pods.count;
}

void kerf_pass_base_list_running(struct kerf_pass *pass)
{
    struct kerf_pass_base *base = pass->base;
    if (base->running_known)
        return;
    base->running_known = true;
    struct kerf_pass maker = {.cluster = pass->cluster, .vocabulary = pass->vocabulary}; /* label classes alone */
    size_t all = kerf_cluster_pod_count(pass->cluster);
    struct kerf_running_pod *running = KERF_NEW_ARRAY(&base->arena, struct kerf_running_pod, all);
    size_t count = 0;
    for (size_t i = 0; i < all; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(pass->cluster, i);
        const struct kerf_cluster_node *node = kerf_cluster_node(pass->cluster, pod->node);
        if (node == NULL || !node->has_node || !kerf_pod_is_active(&pod->pod))
            continue;
        running[count++] = (struct kerf_running_pod){kerf_pass_label_class(&maker, &pod->pod), pod->id, node};
    }
    kerf_sort(running, count, sizeof running[0], compare_running, NULL);
    base->running = running;
    base->running_class_count = (uint32_t)maker.topology.classes.count;
    base->running_classes = KERF_NEW_ARRAY(&base->arena, struct kerf_running_class, base->running_class_count);
    for (uint32_t i = 0; i < base->running_class_count; i++)
        base->running_classes[i].sample = maker.topology.classes.items[i].sample;
    for (size_t i = 0; i < count; i++) {
        struct kerf_running_class *class = &base->running_classes[running[i].label_class];
        if (class->count++ == 0)
            class->first = (uint32_t)i;
    }
    kerf_pass_fini_topology(&maker);
}

/* ---- the base ------------------------------------------------------------------------------------------------------------ */

static void build(struct kerf_pass_base *base, struct kerf_pass *pass)
{
    kerf_arena_reset(&base->arena);
    *base = (struct kerf_pass_base){
        .arena = base->arena,
        .known = true,
        .journal_count = kerf_cluster_journal_count(pass->cluster),
        .pod_id_bound = kerf_cluster_pod_id_bound(pass->cluster),
        .pod_count = kerf_cluster_pod_count(pass->cluster),
        .offering_generation = pass->cache->offering_generation,
        .options = pass->options,
    };
    struct kerf_provisioning_input nothing_left_out = *pass->input;
    nothing_left_out.left_out = NULL;
    struct kerf_pass maker = {
        .input = &nothing_left_out,
        .cluster = pass->cluster,
        .objects = pass->objects,
        .vocabulary = pass->vocabulary,
        .options = pass->options,
        .cache = pass->cache,
        .arena = base->arena,
    };
    kerf_arena_init(&maker.scratch);
    kerf_pass_list_pools(&maker);
    if (maker.has_pool) {
        kerf_pass_list_nodes(&maker);
        kerf_pass_read_daemons(&maker);
        kerf_pass_make_templates(&maker);
        kerf_pass_fill_nodes(&maker);
    }
    base->arena = maker.arena;
    kerf_arena_fini(&maker.scratch);
    base->pools = maker.pools;
    base->pool_count = maker.pool_count;
    base->templates = maker.templates;
    base->template_count = maker.template_count;
    base->nodes = maker.nodes;
    base->node_count = maker.node_count;
    base->has_pool = maker.has_pool;
    base->tolerate_prefer_no_schedule = maker.tolerate_prefer_no_schedule;
    list_anti_affine(base, pass->cluster);
}

void kerf_pass_take_base(struct kerf_pass *pass)
{
    struct kerf_pass_base *base = &pass->cache->base;
    if (!is_current(base, pass))
        build(base, pass);
    pass->base = base;
    pass->has_pool = base->has_pool;
    pass->tolerate_prefer_no_schedule = base->tolerate_prefer_no_schedule;
    pass->pools = kerf_arena_copy(&pass->arena, base->pools, base->pool_count * sizeof base->pools[0]);
    pass->pool_count = base->pool_count;
    pass->templates = kerf_arena_copy(&pass->arena, base->templates, base->template_count * sizeof base->templates[0]);
    pass->template_count = base->template_count;
    for (uint32_t i = 0; i < pass->template_count; i++)
        pass->templates[i].pool = &pass->pools[pass->templates[i].pool_index];
    pass->nodes = KERF_NEW_ARRAY(&pass->arena, struct kerf_pass_node, base->node_count);
    pass->node_rooms = KERF_NEW_ARRAY(&pass->arena, struct kerf_node_room, base->node_count);
    for (uint32_t i = 0; i < base->node_count; i++) {
        const struct kerf_pass_node *node = &base->nodes[i];
        if (pass->input->left_out != NULL && kerf_bit_get(pass->input->left_out, node->id.index))
            continue;
        pass->node_rooms[pass->node_count] =
            (struct kerf_node_room){node->remaining.cpu_nanocores, node->remaining.memory_millibytes};
        pass->nodes[pass->node_count++] = *node;
    }
    for (uint32_t i = 0; i < pass->pool_count; i++)
        kerf_pass_compute_limits(pass, &pass->pools[i]);
}
