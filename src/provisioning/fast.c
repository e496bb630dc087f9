/**
 * fast: the pass by shapes. The same queue and the same search as plain (karpenter-provisioning.md section 2), but pods that ask
 * the same are one shape, read and relaxed once; what a place has refused for good is passed over (fast_search); and a view that
 * failed everywhere fails again as long as nothing was placed.
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

/* Does failing say something of other pods of the shape? Not if each draws ties for itself. */
static bool failure_holds(const struct kerf_fast *fast, const struct kerf_shape_view *view)
{
    return view->failed_at == fast->state && (view->is_simple || !fast->pods_differ);
}

/* All destinations, once (2.3). */
static bool attempt(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view)
{
    struct kerf_pass *pass = fast->pass;
    pass->attempts++;
    if (failure_holds(fast, view))
        return false;
    struct kerf_text *reason = pass->input->omit_reasons ? NULL : &view->reason;
    kerf_text_clear(&view->reason);
    if (kerf_fast_add_to_node(fast, shape, view) || kerf_fast_add_to_claim(fast, shape, view) ||
        kerf_fast_open_claim(fast, shape, view, NULL, reason)) {
        fast->state++;
        return true;
    }
    view->failed_at = fast->state;
    return false;
}

/* Tries and relaxes until the pod has a place or nothing is left to relax; then `out_step` is how far it was relaxed. */
static bool take_turn(struct kerf_fast *fast, struct kerf_shape *shape, uint32_t *out_step)
{
    struct kerf_pass *pass = fast->pass;
    *out_step = 0;
    if (shape->pod.pod->spec->resource_claim_count > 0) {
        pass->attempts++;
        return false;
    }
    struct kerf_shape_view *view = kerf_fast_view(fast, shape, 0);
    while (!attempt(fast, shape, view)) {
        struct kerf_shape_view *next = kerf_pass_is_out_of_attempts(pass) ? NULL : kerf_fast_view(fast, shape, *out_step + 1);
        if (next == NULL)
            return false;
        view = next;
        (*out_step)++;
    }
    return true;
}

/* ---- the queue (2.2) --------------------------------------------------------------------------------------------------- */

/** Of one pod, by its position in the input. */
struct turn {
    uint32_t queue_length; /* after it was put back; 0: never failed */
    uint32_t step;         /* of the view that failed last */
};

struct queue {
    uint32_t *items; /* positions: a ring */
    size_t capacity;
    size_t head;
    size_t count;
    struct turn *turns;    /* NULL: nobody failed yet */
    const char **reasons; /* where the view's text may be another one by the end; NULL: not yet needed */
};

static struct turn turn_of(const struct queue *queue, uint32_t position)
{
    return queue->turns != NULL ? queue->turns[position] : (struct turn){0};
}

static void give_identity(struct kerf_fast *fast, struct kerf_shape *shape, uint32_t position)
{
    shape->pod.id = fast->pass->input->pods[position];
    if (fast->pods_differ)
        shape->pod.pod = &kerf_cluster_pod(fast->pass->cluster, shape->pod.id)->pod;
}

/* The text of a view is that of its last failure: of this pod's too, if the pass ends as it should. */
static void keep_reason(struct kerf_fast *fast, struct queue *queue, const struct kerf_shape *shape, uint32_t position)
{
    const struct kerf_pass *pass = fast->pass;
    bool may_change = fast->pods_differ || pass->options.attempt_limit != 0 || !shape->pod.original_has_groups;
    if (pass->input->omit_reasons || !may_change || shape->views.count == 0)
        return;
    if (queue->reasons == NULL)
        queue->reasons = KERF_NEW_ARRAY(&fast->pass->arena, const char *, queue->capacity);
    const struct kerf_text *text = &shape->views.items[queue->turns[position].step].reason;
    queue->reasons[position] = text->length > 0 ? kerf_arena_text(&fast->pass->arena, text->bytes) : NULL;
}

static void put_back(struct queue *queue, uint32_t position)
{
    size_t at = queue->head + queue->count;
    queue->items[at >= queue->capacity ? at - queue->capacity : at] = position;
    queue->count++;
    queue->turns[position].queue_length = (uint32_t)queue->count;
}

static void drop_head(struct queue *queue, size_t count)
{
    queue->head += count;
    queue->head -= queue->head >= queue->capacity ? queue->capacity : 0;
    queue->count -= count;
}

/* The next pods, as long as they are of the shape and wait for their first turn, placed in a row. */
static void place_likes(struct kerf_fast *fast, struct queue *queue, struct kerf_shape *shape, uint32_t shape_index)
{
    struct kerf_shape_view *view = kerf_fast_view(fast, shape, 0);
    if (fast->pass->stopped || !kerf_fast_may_run(fast, shape, view))
        return;
    const uint32_t *next = &queue->items[queue->head];
    size_t most = queue->capacity - queue->head < queue->count ? queue->capacity - queue->head : queue->count;
    size_t count = 0;
    while (count < most && fast->shape_of[next[count]] == shape_index && turn_of(queue, next[count]).queue_length == 0)
        count++;
    drop_head(queue, kerf_fast_place_run(fast, shape, view, next, count));
}

static void run(struct kerf_fast *fast, struct queue *queue)
{
    while (queue->count > 0 && !kerf_pass_is_out_of_attempts(fast->pass) && !fast->pass->stopped) {
        uint32_t position = queue->items[queue->head];
        if (turn_of(queue, position).queue_length == queue->count)
            return; /* everybody was tried since anybody was placed */
        drop_head(queue, 1);
        uint32_t shape_index = fast->shape_of[position];
        struct kerf_shape *shape = &fast->shapes.items[shape_index];
        give_identity(fast, shape, position);
        uint32_t step;
        if (take_turn(fast, shape, &step)) {
            if (step == 0)
                place_likes(fast, queue, shape, shape_index);
            continue;
        }
        if (queue->turns == NULL)
            queue->turns = KERF_NEW_ARRAY(&fast->pass->arena, struct turn, queue->capacity);
        queue->turns[position].step = step;
        keep_reason(fast, queue, shape, position);
        kerf_fast_restore(fast, shape);
        put_back(queue, position);
    }
}

static const char *reason_of(const struct kerf_fast *fast, const struct queue *queue, uint32_t position)
{
    const struct kerf_shape *shape = &fast->shapes.items[fast->shape_of[position]];
    if (fast->pass->input->omit_reasons)
        return NULL;
    if (!fast->pass->has_pool)
        return kerf_no_pool_reason;
    if (turn_of(queue, position).queue_length == 0)
        return NULL;
    if (shape->pod.pod->spec->resource_claim_count > 0)
        return kerf_dra_reason;
    if (queue->reasons != NULL && queue->reasons[position] != NULL)
        return queue->reasons[position];
    return shape->views.items[turn_of(queue, position).step].reason.bytes;
}

const struct kerf_plan_refusal *kerf_fast_solve(struct kerf_fast *fast, size_t *out_left_count)
{
    struct kerf_pass *pass = fast->pass;
    size_t count = pass->input->pod_count;
    fast->state = 1;
    kerf_fast_read_pods(fast);
    struct queue queue = {.items = fast->order, .capacity = count, .count = count};
    if (pass->has_pool) { /* without one nothing is placed, not even on existing nodes (1.6, Q23) */
        kerf_fast_init_topology(fast);
        run(fast, &queue);
    }
    struct kerf_plan_refusal *left = KERF_NEW_ARRAY(&pass->arena, struct kerf_plan_refusal, queue.count);
    for (size_t i = 0; i < queue.count; i++) {
        uint32_t position = queue.items[(queue.head + i) % queue.capacity];
        left[i] = (struct kerf_plan_refusal){
            .pod = pass->input->pods[position],
            .not_tried = pass->has_pool && turn_of(&queue, position).queue_length == 0,
            .reason = reason_of(fast, &queue, position),
        };
    }
    *out_left_count = queue.count;
    return left;
}
