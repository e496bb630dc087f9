/** The decider between loops, and a loop's beginning: what it sees, and which pods are left for a scale-up. */
#include "autoscaling_internal.h"
#include "document/document.h"

#include <stdlib.h>

struct kerf_autoscaling *kerf_autoscaling_new(const struct kerf_cluster *cluster, const struct kerf_autoscaler_options *options,
                                              const char *priorities)
{
    struct kerf_autoscaling *autoscaling = kerf_allocate(sizeof *autoscaling);
    autoscaling->cluster = cluster;
    autoscaling->vocabulary = kerf_cluster_vocabulary(cluster);
    autoscaling->options = options;
    autoscaling->priorities = priorities;
    autoscaling->binding = kerf_binding_new(cluster, (struct kerf_binding_options){0});
    autoscaling->last_plan_epoch_us = KERF_TIME_UNSET;
    autoscaling->shortest_interval_us = options->scale_down_unneeded_time_us;
    kerf_arena_init(&autoscaling->arena);
    return autoscaling;
}

void kerf_autoscaling_free(struct kerf_autoscaling *autoscaling)
{
    if (!autoscaling)
        return;
    kerf_binding_free(autoscaling->binding);
    for (size_t i = 0; i < autoscaling->memories.count; i++) {
        kerf_arena_fini(&autoscaling->memories.items[i]->arena);
        KERF_VEC_FREE(&autoscaling->memories.items[i]->node_names[0]);
        KERF_VEC_FREE(&autoscaling->memories.items[i]->node_names[1]);
        free(autoscaling->memories.items[i]);
    }
    KERF_VEC_FREE(&autoscaling->memories);
    kerf_name_map_fini(&autoscaling->memory_by_name);
    kerf_name_map_fini(&autoscaling->group_by_name);
    kerf_place_hints_fini(&autoscaling->pending_hints);
    kerf_place_hints_fini(&autoscaling->moving_hints);
    KERF_VEC_FREE(&autoscaling->list.nodes);
    KERF_VEC_FREE(&autoscaling->unneeded);
    KERF_VEC_FREE(&autoscaling->unremovable);
    kerf_arena_fini(&autoscaling->arena);
    free(autoscaling);
}

void kerf_autoscaling_draw(struct kerf_autoscaling *autoscaling, uint64_t seed)
{
    autoscaling->draws = true;
    autoscaling->draw_seed = seed;
}

/* ---- a loop
 * -------------------------------------------------------------------------------------------------------------------------- */

static int compare_group_names(const void *a, const void *b, void *context)
{
    const struct kerf_autoscaling_group *groups = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = kerf_name_compare(groups[x].name, groups[y].name);
    return order ? order : kerf_compare_u64(x, y);
}

static void order_groups(struct kerf_autoscaling *autoscaling)
{
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    uint32_t *order = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, moment->group_count);
    kerf_name_map_clear(&autoscaling->group_by_name);
    for (uint32_t g = 0; g < moment->group_count; g++) {
        order[g] = g;
        kerf_name_map_put(&autoscaling->group_by_name, moment->groups[g].name, g);
    }
    kerf_sort(order, moment->group_count, sizeof *order, compare_group_names, (void *)(uintptr_t)moment->groups);
    autoscaling->groups_by_name = order;
}

/** Nodes that are on their way take pods like those that are there (4.3). */
static void add_upcoming(struct kerf_autoscaling *autoscaling)
{
    for (uint32_t i = 0; i < autoscaling->moment->group_count; i++) {
        uint32_t g = autoscaling->groups_by_name[i];
        if (!autoscaling->templates[g].present)
            continue;
        for (int32_t n = 0; n < autoscaling->moment->groups[g].upcoming_count; n++)
            kerf_node_list_add(autoscaling, g, (uint32_t)n, 0);
    }
}

void kerf_autoscaling_begin(struct kerf_autoscaling *autoscaling, const struct kerf_autoscaling_moment *moment)
{
    KERF_ASSERT(!autoscaling->running);
    autoscaling->running = true;
    autoscaling->loop_count++;
    kerf_arena_reset(&autoscaling->arena);
    autoscaling->moment = moment;
    autoscaling->now_epoch_us = moment->now_epoch_us;
    autoscaling->unschedulable = NULL;
    autoscaling->unschedulable_count = 0;
    order_groups(autoscaling);
    kerf_binding_suppose_begin(autoscaling->binding);
    kerf_node_list_read(autoscaling);
    kerf_node_templates_build(autoscaling);
    add_upcoming(autoscaling);
}

void kerf_autoscaling_end(struct kerf_autoscaling *autoscaling)
{
    KERF_ASSERT(autoscaling->running);
    autoscaling->running = false;
    kerf_binding_suppose_end(autoscaling->binding);
}

/* ---- pending pods (4.1)
 * --------------------------------------------------------------------------------------------------------------- */

/** kube-scheduler has given up on it for now; a pod that was never applied counts as such. */
static bool is_unschedulable(const struct kerf_pod *pod)
{
    if (pod->node_name || kerf_pod_is_terminal(pod) || kerf_pod_is_terminating(pod) || pod->spec->scheduling_gate_count)
        return false;
    if (!pod->has_status || !kerf_pod_status(pod)->conditions.count)
        return !pod->has_status;
    const struct kerf_condition *condition = kerf_conditions_get(&kerf_pod_status(pod)->conditions, "PodScheduled");
    return condition && condition->status == KERF_CONDITION_FALSE && kerf_name_is(condition->reason, "Unschedulable");
}

/** Pods of nodes that are drained will come back without a node. */
static uint32_t add_drained_pods(struct kerf_autoscaling *autoscaling, pod_ref *pods, uint32_t count)
{
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    for (uint32_t n = 0; n < moment->draining_node_count; n++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(autoscaling->cluster, moment->draining_nodes[n]);
        for (uint32_t i = 0; node && i < node->pod_count; i++) {
            pod_ref pod = kerf_cluster_pod(autoscaling->cluster, node->pods[i]);
            if (!kerf_pod_is_active(&pod->pod) || kerf_autoscaling_is_daemon(&pod->pod) ||
                kerf_autoscaling_is_mirror(autoscaling->vocabulary, &pod->pod) ||
                kerf_autoscaling_is_static(autoscaling->vocabulary, &pod->pod) || !kerf_meta_controller(&pod->pod.meta) ||
                kerf_autoscaling_is_expendable(autoscaling, &pod->pod))
                continue;
            struct kerf_cluster_pod *copy = kerf_arena_copy(&autoscaling->arena, pod, sizeof *pod);
            copy->node = KERF_NO_NODE;
            copy->pod.node_name = NULL;
            pods[count++] = copy;
        }
    }
    return count;
}

static uint32_t count_drained_pods(const struct kerf_autoscaling *autoscaling)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < autoscaling->moment->draining_node_count; n++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(autoscaling->cluster, autoscaling->moment->draining_nodes[n]);
        count += node ? node->pod_count : 0;
    }
    return count;
}

static uint32_t pending_pods(struct kerf_autoscaling *autoscaling, pod_ref **out_pods)
{
    size_t pending_count = kerf_cluster_pending_count(autoscaling->cluster);
    pod_ref *pods = KERF_NEW_ARRAY(&autoscaling->arena, pod_ref, pending_count + count_drained_pods(autoscaling));
    uint32_t count = 0;
    for (size_t at = 0; at < pending_count; at++) {
        pod_ref pod = kerf_cluster_pending_at(autoscaling->cluster, at);
        kerf_name nominated = kerf_pod_status(&pod->pod)->nominated_node_name;
        bool is_nominated = nominated && kerf_node_list_find(autoscaling, nominated) != KERF_NOT_FOUND;
        if (is_unschedulable(&pod->pod) && !is_nominated && !kerf_autoscaling_is_expendable(autoscaling, &pod->pod))
            pods[count++] = pod;
    }
    count = add_drained_pods(autoscaling, pods, count);
    *out_pods = pods;
    return count;
}

/** Young pods wait, each as long as the flag or its own annotation says. */
static bool is_too_young(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    kerf_time_us delay = autoscaling->options->new_pod_scale_up_delay_us, own;
    const char *text =
        kerf_autoscaling_annotation(autoscaling->vocabulary, &pod->meta, "cluster-autoscaler.kubernetes.io/pod-scale-up-delay");
    if (text && kerf_parse_duration(text, &own))
        delay = kerf_max_i64(delay, own);
    kerf_time_us created_epoch_us = pod->meta.created_epoch_us / KERF_SECOND_US * KERF_SECOND_US; /* as the API server keeps it */
    return autoscaling->now_epoch_us - created_epoch_us <= delay && delay > 0;
}

uint32_t kerf_autoscaling_filter(struct kerf_autoscaling *autoscaling, const struct kerf_autoscaling_fit **out_fits,
                                 uint32_t *out_fit_count)
{
    pod_ref *pods;
    uint32_t count = pending_pods(autoscaling, &pods);
    kerf_pods_sort_by_priority(pods, count);
    uint32_t *places = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, count);
    uint32_t found = kerf_pod_places_find(autoscaling, &autoscaling->pending_hints, pods, count, NODE_LISTED, false, places);
    kerf_place_hints_age(&autoscaling->pending_hints);
    struct kerf_autoscaling_fit *fits = KERF_NEW_ARRAY(&autoscaling->arena, struct kerf_autoscaling_fit, found);
    uint32_t fit_count = 0, left = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (places[i] != KERF_NOT_FOUND)
            fits[fit_count++] = (struct kerf_autoscaling_fit){pods[i]->id, autoscaling->list.nodes.items[places[i]].name};
        else if (!kerf_autoscaling_is_daemon(&pods[i]->pod) && !is_too_young(autoscaling, &pods[i]->pod))
            pods[left++] = pods[i];
    }
    *out_fits = fits;
    *out_fit_count = fit_count;
    autoscaling->unschedulable = pods;
    autoscaling->unschedulable_count = left;
    return left;
}

const kerf_pod_id *kerf_autoscaling_unschedulable(struct kerf_autoscaling *autoscaling, uint32_t *out_count)
{
    kerf_pod_id *ids = KERF_NEW_ARRAY(&autoscaling->arena, kerf_pod_id, autoscaling->unschedulable_count);
    for (uint32_t i = 0; i < autoscaling->unschedulable_count; i++)
        ids[i] = autoscaling->unschedulable[i]->id;
    *out_count = autoscaling->unschedulable_count;
    return ids;
}
