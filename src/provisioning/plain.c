/**
 * plain: the pass, a pod at a time, as karpenter-provisioning.md tells it: the pods that take part (1.1 to 1.3), the queue
 * (section 2), and for each pod existing nodes, then claims in flight, then a new claim, relaxing one preference after another.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- pods that take part ---------------------------------------------------------------------------------------------- */

static void collect_pending(const struct kerf_cluster *cluster, struct kerf_arena *arena, kerf_pod_id *pods, size_t *pod_count,
                            struct kerf_plan_refusal *refusals, size_t *refusal_count)
{
    for (size_t i = 0; i < kerf_cluster_pending_count(cluster); i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pending_at(cluster, i);
        if (!kerf_pod_is_provisionable(&pod->pod))
            continue;
        const char *problems = kerf_pod_validate(cluster, &pod->pod, arena);
        if (problems == NULL)
            pods[(*pod_count)++] = pod->id;
        else
            refusals[(*refusal_count)++] = (struct kerf_plan_refusal){.pod = pod->id, .reason = problems};
    }
}

void kerf_provisioning_collect_pods(const struct kerf_cluster *cluster, kerf_time_us now_epoch_us, struct kerf_arena *arena,
                                    const kerf_pod_id **out_pods, size_t *out_pod_count,
                                    const struct kerf_plan_refusal **out_refusals, size_t *out_refusal_count)
{
    size_t pending = kerf_cluster_pending_count(cluster);
    size_t on_deleting = 0;
    for (size_t i = 0; i < kerf_cluster_node_count(cluster); i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, i);
        if (node->has_node && kerf_cluster_is_deleting(cluster, node))
            on_deleting += node->pod_count;
    }
    kerf_pod_id *pods = KERF_NEW_ARRAY(arena, kerf_pod_id, pending + on_deleting);
    struct kerf_plan_refusal *refusals = KERF_NEW_ARRAY(arena, struct kerf_plan_refusal, pending);
    size_t pod_count = 0;
    size_t refusal_count = 0;
    collect_pending(cluster, arena, pods, &pod_count, refusals, &refusal_count);
    for (size_t i = 0; on_deleting > 0 && i < kerf_cluster_node_count(cluster); i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, i);
        if (!node->has_node || !kerf_cluster_is_deleting(cluster, node))
            continue;
        for (uint32_t k = 0; k < node->pod_count; k++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[k]);
            if (pod != NULL && kerf_pod_is_currently_reschedulable(cluster, pod, now_epoch_us))
                pods[pod_count++] = pod->id;
        }
    }
    *out_pods = pods;
    *out_pod_count = pod_count;
    *out_refusals = refusals;
    *out_refusal_count = refusal_count;
}

/* ---- setting up ------------------------------------------------------------------------------------------------------- */

static bool is_on_deleting_node(const struct kerf_pass *pass, const struct kerf_cluster_pod *pod)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(pass->cluster, pod->node);
    return node != NULL && kerf_cluster_is_deleting(pass->cluster, node);
}

static void read_pods(struct kerf_pass *pass)
{
    const struct kerf_provisioning_input *input = pass->input;
    pass->pods = KERF_NEW_ARRAY(&pass->arena, struct kerf_pass_pod, input->pod_count);
    pass->in_pass = KERF_NEW_ARRAY(&pass->arena, uint64_t, kerf_bitset_words(kerf_cluster_pod_id_bound(pass->cluster)));
    for (size_t i = 0; i < input->pod_count; i++) {
        const struct kerf_cluster_pod *found = kerf_cluster_pod(pass->cluster, input->pods[i]);
        KERF_ASSERT(found != NULL);
        struct kerf_pass_pod *pod = &pass->pods[pass->pod_count++];
        pod->id = found->id;
        pod->pod = &found->pod;
        pod->requests = found->pod.requests;
        pod->ignores_window = found->pod.phase == KERF_POD_PENDING || is_on_deleting_node(pass, found);
        kerf_pass_read_pod(pass, pod);
        if (found->pod.spec->volume_count > 0)
            kerf_pass_read_volumes(pass, pod);
        if (!pod->volumes_unreadable)
            kerf_bit_set(pass->in_pass, found->id.index);
    }
}

/* ---- the queue (section 2) -------------------------------------------------------------------------------------------- */

static int compare_queue(const void *a, const void *b, void *context)
{
    const struct kerf_pass *pass = context;
    const struct kerf_pass_pod *left = &pass->pods[*(const uint32_t *)a];
    const struct kerf_pass_pod *right = &pass->pods[*(const uint32_t *)b];
    int order = kerf_compare_i64(right->requests->cpu_nanocores, left->requests->cpu_nanocores);
    if (order == 0)
        order = kerf_compare_i64(right->requests->memory_millibytes, left->requests->memory_millibytes);
    if (order == 0) /* creation times have whole seconds */
        order = kerf_compare_i64(left->pod->meta.created_epoch_us / KERF_SECOND_US,
                                 right->pod->meta.created_epoch_us / KERF_SECOND_US);
    if (order == 0)
        order = kerf_name_compare(left->pod->meta.uid, right->pod->meta.uid);
    return order != 0 ? order : kerf_compare_u64(left->id.index, right->id.index);
}

struct queue {
    uint32_t *items; /* a ring */
    size_t capacity;
    size_t head;
    size_t count;
};

static uint32_t queue_pop(struct queue *queue)
{
    uint32_t item = queue->items[queue->head];
    queue->head = queue->head + 1 == queue->capacity ? 0 : queue->head + 1;
    queue->count--;
    return item;
}

static void queue_push(struct queue *queue, uint32_t item)
{
    size_t at = queue->head + queue->count;
    queue->items[at >= queue->capacity ? at - queue->capacity : at] = item;
    queue->count++;
}

/* All destinations, once (2.3). */
static bool attempt(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    pass->attempts++;
    struct kerf_text *reason = pass->input->omit_reasons ? NULL : &pod->reason;
    kerf_text_clear(&pod->reason);
    return kerf_pass_add_to_node(pass, pod) || kerf_pass_add_to_claim(pass, pod) || kerf_pass_open_claim(pass, pod, reason);
}

static bool is_out_of_attempts(const struct kerf_pass *pass)
{
    return pass->options.attempt_limit != 0 && pass->attempts >= pass->options.attempt_limit;
}

/* Tries and relaxes until the pod has a place or nothing is left to relax. */
static bool take_turn(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    if (pod->pod->spec->resource_claim_count > 0) {
        pass->attempts++;
        kerf_text_clear(&pod->reason);
        if (!pass->input->omit_reasons)
            kerf_text_append(&pod->reason,
                             "pod has resource claims, and dynamic resource allocation is ignored (ignore-dra-requests)");
        return false;
    }
    for (;;) {
        if (attempt(pass, pod))
            return true;
        if (is_out_of_attempts(pass) || !kerf_pass_relax(pass, pod))
            return false;
    }
}

static void solve(struct kerf_pass *pass, struct queue *queue)
{
    while (queue->count > 0 && !is_out_of_attempts(pass) && !pass->stopped) {
        struct kerf_pass_pod *pod = &pass->pods[queue->items[queue->head]];
        if (pod->queue_length == queue->count)
            return; /* everybody was tried since anybody was placed */
        uint32_t index = queue_pop(queue);
        if (take_turn(pass, pod)) {
            pod->has_error = false;
            kerf_text_clear(&pod->reason);
            continue;
        }
        pod->has_error = true;
        kerf_pass_restore(pass, pod);
        queue_push(queue, index);
        pod->queue_length = (uint32_t)queue->count;
    }
}

/* Without any NodePool nothing is placed, not even on existing nodes (1.6, Q23). */
static void refuse_all(struct kerf_pass *pass)
{
    for (uint32_t i = 0; i < pass->pod_count; i++) {
        pass->pods[i].has_error = true;
        if (!pass->input->omit_reasons)
            kerf_text_append(&pass->pods[i].reason, "no dynamic nodepools found");
    }
}

static void list_queue(struct kerf_pass *pass, struct queue *queue)
{
    queue->capacity = pass->pod_count;
    queue->count = pass->pod_count;
    queue->items = KERF_NEW_ARRAY(&pass->arena, uint32_t, pass->pod_count);
    for (uint32_t i = 0; i < pass->pod_count; i++)
        queue->items[i] = i;
    kerf_sort(queue->items, pass->pod_count, sizeof queue->items[0], compare_queue, pass);
}

static void fini(struct kerf_pass *pass)
{
    for (uint32_t i = 0; i < pass->pod_count; i++)
        kerf_text_fini(&pass->pods[i].reason);
    kerf_pass_fini_topology(pass);
    free(pass->search);
    free(pass->search_keys);
    kerf_arena_fini(&pass->arena);
    kerf_arena_fini(&pass->scratch);
}

struct kerf_plan *kerf_provisioning_plan(const struct kerf_provisioning_input *input)
{
    struct kerf_plan *plan = kerf_allocate(sizeof *plan);
    kerf_arena_init(&plan->arena);
    if (input->pod_count == 0)
        return plan;
    struct kerf_pass pass = {
        .input = input,
        .cluster = input->cluster,
        .objects = kerf_cluster_objects(input->cluster),
        .vocabulary = kerf_cluster_vocabulary(input->cluster),
        .options = input->options,
        .cache = input->cache != NULL ? input->cache : kerf_provisioning_cache_new(input->cluster),
        .search_sorted = true,
    };
    KERF_ASSERT(pass.cache->cluster == input->cluster);
    kerf_arena_init(&pass.arena);
    kerf_arena_init(&pass.scratch);
    kerf_provisioning_cache_refresh(pass.cache);
    kerf_pass_take_base(&pass); /* before the pods: their last preference depends on the pools */
    read_pods(&pass);
    struct queue queue = {0};
    list_queue(&pass, &queue);
    if (!pass.has_pool) {
        refuse_all(&pass);
    } else {
        kerf_pass_init_topology(&pass);
        solve(&pass, &queue);
    }
    uint32_t *left = KERF_NEW_ARRAY(&pass.arena, uint32_t, queue.count);
    size_t left_count = queue.count;
    for (size_t i = 0; i < left_count; i++)
        left[i] = queue_pop(&queue);
    plan->stopped = pass.stopped;
    if (!pass.stopped)
        kerf_pass_finish(&pass, plan, left, left_count);
    if (input->cache == NULL)
        kerf_provisioning_cache_free(pass.cache);
    fini(&pass);
    return plan;
}

void kerf_plan_free(struct kerf_plan *plan)
{
    if (plan == NULL)
        return;
    kerf_arena_fini(&plan->arena);
    free(plan);
}
