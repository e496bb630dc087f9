/**
 * plain: the engine that goes a pod at a time, as karpenter-provisioning.md tells it: the queue (section 2), and for each pod
 * existing nodes, then claims in flight, then a new claim, relaxing one preference after another. The fast engine is held against
 * it.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

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
    uint32_t *items; /* a ring of pods */
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
    if (pass->input->explain_attempts_of != NULL && kerf_pod_id_equal(*pass->input->explain_attempts_of, pod->id))
        kerf_pass_explain_attempt(pass, pod);
    struct kerf_text *reason = pass->input->omit_reasons ? NULL : &pod->reason;
    kerf_text_clear(&pod->reason);
    return kerf_pass_add_to_node(pass, pod) || kerf_pass_add_to_claim(pass, pod) || kerf_pass_open_claim(pass, pod, reason);
}

/* Tries and relaxes until the pod has a place or nothing is left to relax. */
static bool take_turn(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    if (pod->pod->spec->resource_claim_count > 0) {
        pass->attempts++;
        kerf_text_clear(&pod->reason);
        if (!pass->input->omit_reasons)
            kerf_text_append(&pod->reason, kerf_dra_reason);
        return false;
    }
    for (;;) {
        if (attempt(pass, pod))
            return true;
        pod->is_deferred = pass->reserved_error;
        if (pod->is_deferred || kerf_pass_is_out_of_attempts(pass) || !kerf_pass_relax(pass, pod))
            return false;
    }
}

static void run(struct kerf_pass *pass, struct queue *queue)
{
    while (queue->count > 0 && !kerf_pass_is_out_of_attempts(pass) && !pass->stopped) {
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

static void list_queue(struct kerf_pass *pass, struct queue *queue)
{
    queue->capacity = queue->count = pass->pod_count;
    queue->items = KERF_NEW_ARRAY(&pass->arena, uint32_t, pass->pod_count);
    for (uint32_t i = 0; i < pass->pod_count; i++)
        queue->items[i] = i;
    kerf_sort(queue->items, pass->pod_count, sizeof queue->items[0], compare_queue, pass);
}

static void init_topology(struct kerf_pass *pass)
{
    struct kerf_pass_pod **pods = KERF_NEW_ARRAY(&pass->arena, struct kerf_pass_pod *, pass->pod_count);
    for (uint32_t i = 0; i < pass->pod_count; i++)
        pods[i] = &pass->pods[i];
    kerf_pass_init_topology(pass, pods, pass->pod_count);
}

void kerf_plain_read(struct kerf_pass *pass)
{
    read_pods(pass);
    if (pass->has_pool)
        init_topology(pass);
}

const struct kerf_plan_refusal *kerf_plain_solve(struct kerf_pass *pass, size_t *out_left_count)
{
    struct queue queue = {0};
    kerf_plain_read(pass);
    list_queue(pass, &queue);
    if (pass->has_pool) { /* without one nothing is placed, not even on existing nodes (1.6, Q23) */
        if (pass->options.engine == KERF_ENGINE_PACKED)
            kerf_packed_place(pass, queue.items, &queue.count);
        run(pass, &queue);
    }
    struct kerf_plan_refusal *left = KERF_NEW_ARRAY(&pass->arena, struct kerf_plan_refusal, queue.count);
    for (*out_left_count = 0; queue.count > 0;) {
        const struct kerf_pass_pod *pod = &pass->pods[queue_pop(&queue)];
        const char *reason = pass->has_pool ? pod->reason.bytes : pass->input->omit_reasons ? NULL : kerf_no_pool_reason;
        left[(*out_left_count)++] = (struct kerf_plan_refusal){
            .pod = pod->id, .not_tried = pass->has_pool && !pod->has_error, .is_deferred = pod->is_deferred, .reason = reason};
    }
    return left;
}

void kerf_plain_fini(struct kerf_pass *pass)
{
    for (uint32_t i = 0; i < pass->pod_count; i++)
        kerf_text_fini(&pass->pods[i].reason);
}
