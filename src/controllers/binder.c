/**
 * binder: kube-scheduler's queue in time (kube-scheduler.md 2 and 11). Pods wait in order of priority and time; each attempt asks
 * `binding`; binds and first failures take a token of the scheduler's client. A pod that found no node waits until something happens
 * that may help it. Its back-off then only ranks it behind pods that don't back off: the scheduler takes pods from the back-off queue
 * early when it has nothing else to do (2.3), and here it always gets that far within the instant, unless tokens run out.
 *
 * Simplified: queueing hints by kind of event, not by plugin. An attempt that would surely fail again (the same shape of pod failed and
 * nothing that can help happened since) is not made and does not count for back-off, which is what hints achieve. The flush of pods that
 * wait for more than five minutes does nothing that an event doesn't.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct queued_pod {
    kerf_pod_id pod;
    kerf_time_us queued_us; /* when it came, or failed last: its order among equal priorities */
    kerf_time_us retry_us;  /* end of the back-off */
    kerf_time_us error_retry_us; /* end of the back-off from an internal error, which nothing shortens */
    uint32_t attempts; /* that plugins rejected */
    uint32_t errors;   /* internal ones in a row */
    uint32_t shape;
    uint64_t round; /* of its last failure */
    int32_t priority;
    bool waiting; /* in the unschedulable set */
    bool marked;  /* has the Unschedulable condition */
};

/** Pods of one workload that share spec and labels: what fails for one fails for all. */
struct pod_shape {
    const struct kerf_pod_spec *spec;
    const struct kerf_label *labels;
    uint32_t workload_index;
    uint64_t helped; /* value of helped_count at the last failure */
    uint64_t moved;  /* value of moved_count */
    uint64_t round;
    bool failed;
    bool wants_company; /* pods that are bound elsewhere may help it */
    uint32_t queued;    /* pods of it in the queue */
};

struct kerf_binder {
    struct kerf_world *world;
    struct kerf_binding *binding;
    KERF_VEC(struct queued_pod) queue; /* sorted before use: priority, time, order of coming */
    struct kerf_token_bucket tokens;
    kerf_event_handle next;
    kerf_time_us next_us;
    uint64_t helped_count; /* events after which any pod that failed may fit */
    uint64_t moved_count;  /* events after which one that wants company may: others were bound or are going */
    uint64_t round;        /* number of the attempts' event */
    KERF_VEC(struct pod_shape) shapes;
    KERF_VEC(uint32_t) free_shapes;
    uint32_t *shape_of_workload; /* by workload index: the shape that most of its pods have; KERF_NOT_FOUND: none yet */
    uint32_t company_count;      /* queued pods that want company */
    bool sorted;
    bool untidy; /* pods in the queue may be bound or gone */
    bool in_attempt;
};

static void wake(struct kerf_binder *binder, kerf_time_us at_us)
{
    struct kerf_world *world = binder->world;
    if (binder->in_attempt)
        return; /* the attempt looks at the queue once more before it ends */
    if (kerf_engine_is_scheduled(world->engine, binder->next)) {
        if (binder->next_us <= at_us)
            return;
        kerf_engine_cancel(world->engine, binder->next);
    }
    binder->next_us = at_us;
    binder->next = kerf_world_schedule(world, at_us, KERF_EVENT_BINDER_ATTEMPT, 0, 0);
}

/* ---- shapes ------------------------------------------------------------------------------------------------------------------ */

static uint32_t new_shape(struct kerf_binder *binder, const struct kerf_pod *pod)
{
    struct pod_shape shape = {
        .spec = pod->spec,
        .labels = pod->meta.labels.items,
        .workload_index = KERF_NOT_FOUND,
        .wants_company = pod->spec->required_affinity.count > 0 || pod->spec->spreads.count > 0,
    };
    if (binder->free_shapes.count == 0) {
        KERF_VEC_PUSH(&binder->shapes, shape);
        return (uint32_t)binder->shapes.count - 1;
    }
    uint32_t row = binder->free_shapes.items[--binder->free_shapes.count];
    binder->shapes.items[row] = shape;
    return row;
}

/** Pods with volumes, names or nodes of their own have a spec of their own, and so a shape; DaemonSets' always. */
static uint32_t open_shape(struct kerf_binder *binder, const struct kerf_cluster_pod *pod)
{
    const struct kerf_workload *workloads = binder->world->design->objects.workloads.items;
    bool alone = pod->workload_index == KERF_NOT_FOUND || workloads[pod->workload_index].kind == KERF_WORKLOAD_DAEMONSET;
    uint32_t *shared = alone ? NULL : &binder->shape_of_workload[pod->workload_index];
    uint32_t row = shared ? *shared : KERF_NOT_FOUND;
    if (row == KERF_NOT_FOUND || binder->shapes.items[row].spec != pod->pod.spec ||
        binder->shapes.items[row].labels != pod->pod.meta.labels.items) {
        row = new_shape(binder, &pod->pod);
        if (shared && *shared == KERF_NOT_FOUND) {
            *shared = row;
            binder->shapes.items[row].workload_index = pod->workload_index;
        }
    }
    binder->shapes.items[row].queued++;
    binder->company_count += binder->shapes.items[row].wants_company;
    return row;
}

static void close_shape(struct kerf_binder *binder, uint32_t row)
{
    struct pod_shape *shape = &binder->shapes.items[row];
    binder->company_count -= shape->wants_company;
    if (--shape->queued > 0)
        return;
    if (shape->workload_index != KERF_NOT_FOUND)
        binder->shape_of_workload[shape->workload_index] = KERF_NOT_FOUND;
    KERF_VEC_PUSH(&binder->free_shapes, row);
}

static bool surely_fails_again(const struct kerf_binder *binder, const struct queued_pod *queued)
{
    const struct pod_shape *shape = &binder->shapes.items[queued->shape];
    return shape->failed && shape->helped == binder->helped_count && (!shape->wants_company || shape->moved == binder->moved_count);
}

/* ---- the queue --------------------------------------------------------------------------------------------------------------- */

static void enqueue(struct kerf_binder *binder, const struct kerf_cluster_pod *pod)
{
    if (pod->pod.spec->scheduling_gate_count > 0)
        return;
    kerf_time_us now_us = kerf_world_now(binder->world);
    struct queued_pod queued = { .pod = pod->id, .queued_us = now_us, .retry_us = now_us, .shape = open_shape(binder, pod),
                                 .priority = kerf_pod_priority(&pod->pod) };
    KERF_VEC_PUSH(&binder->queue, queued);
    binder->sorted = false;
    wake(binder, now_us);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_binder *binder = context;
    switch (change->kind) {
    case KERF_CHANGE_POD_ADDED: {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
        if (!pod->pod.node_name && !kerf_pod_is_terminal(&pod->pod) && !kerf_pod_is_terminating(&pod->pod))
            enqueue(binder, pod);
        return;
    }
    case KERF_CHANGE_POD_BOUND:
    case KERF_CHANGE_POD_TERMINATING:
    case KERF_CHANGE_NODE_REMOVED:
        binder->untidy = true;
        binder->moved_count++;
        if (binder->company_count > 0)
            wake(binder, kerf_world_now(binder->world));
        return;
    case KERF_CHANGE_VOLUME_BOUND:
        if (binder->in_attempt)
            return; /* with a pod that is just being bound */
        /* fall through */
    case KERF_CHANGE_NODE_ADDED:
    case KERF_CHANGE_NODE_CHANGED: /* readiness acts through the taint alone */
    case KERF_CHANGE_POD_FINISHED:
    case KERF_CHANGE_POD_REMOVED:
        binder->untidy |= kerf_node_id_equal(change->node, KERF_NO_NODE);
        binder->helped_count++;
        if (binder->queue.count > 0)
            wake(binder, kerf_world_now(binder->world));
        return;
    default:
        return;
    }
}

static int compare_queued(const void *a, const void *b, void *context)
{
    (void)context;
    const struct queued_pod *x = a;
    const struct queued_pod *y = b;
    int order = kerf_compare_i64(y->priority, x->priority);
    return order != 0 ? order : kerf_compare_i64(x->queued_us, y->queued_us); /* the sort is stable: equal ones stay in order */
}

static bool is_gone(const struct kerf_cluster_pod *pod)
{
    return !pod || pod->pod.node_name || kerf_pod_is_terminating(&pod->pod) || kerf_pod_is_terminal(&pod->pod);
}

/** Leaves out pods that are bound or gone, and sorts the rest. */
static void tidy(struct kerf_binder *binder)
{
    const struct kerf_cluster *cluster = binder->world->cluster;
    size_t kept = 0;
    for (size_t i = 0; binder->untidy && i < binder->queue.count; i++) {
        const struct queued_pod *queued = &binder->queue.items[i];
        if (is_gone(kerf_cluster_pod(cluster, queued->pod)))
            close_shape(binder, queued->shape);
        else
            binder->queue.items[kept++] = *queued;
    }
    if (binder->untidy)
        binder->queue.count = kept;
    binder->untidy = false;
    bool ordered = true; /* pods that fail together stay in order: mostly there is nothing to sort */
    for (size_t i = 1; !binder->sorted && ordered && i < binder->queue.count; i++)
        ordered = compare_queued(&binder->queue.items[i - 1], &binder->queue.items[i], NULL) <= 0;
    if (!ordered)
        kerf_sort(binder->queue.items, binder->queue.count, sizeof *binder->queue.items, compare_queued, NULL);
    binder->sorted = true;
}

/* ---- attempts ---------------------------------------------------------------------------------------------------------------- */

static void preempt(struct kerf_binder *binder, kerf_pod_id pod, const struct kerf_binding_decision *decision)
{
    struct kerf_world *world = binder->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, decision->preempted_node);
    kerf_cluster_clear_nominations(world->cluster, node->id, kerf_pod_priority(&kerf_cluster_pod(world->cluster, pod)->pod));
    kerf_cluster_set_pod_nominated(world->cluster, pod, node->node.meta.name);
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    const kerf_pod_id *victims = kerf_arena_copy(&scratch, decision->victims, kerf_array_bytes(decision->victim_count, sizeof *victims));
    for (size_t i = 0; i < decision->victim_count; i++) {
        const struct kerf_cluster_pod *victim = kerf_cluster_pod(world->cluster, victims[i]);
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_PREEMPTED, .node = victim->node, .pod = victims[i] });
        kerf_cluster_delete_pod(world->cluster, victims[i],
                                kerf_world_epoch_now(world) + victim->pod.spec->termination_grace_seconds * KERF_SECOND_US);
    }
    kerf_arena_fini(&scratch);
}

static void put_back(struct kerf_binder *binder, struct queued_pod *queued)
{
    struct kerf_world *world = binder->world;
    kerf_time_us now_us = kerf_world_now(world);
    queued->round = binder->round;
    queued->queued_us = now_us;
    binder->sorted = false;
    if (queued->marked)
        return;
    queued->marked = true;
    kerf_token_bucket_take(&binder->tokens, now_us);
    kerf_cluster_set_pod_unschedulable(world->cluster, queued->pod, true);
}

static void note_failure(struct kerf_binder *binder, struct queued_pod *queued)
{
    queued->attempts++;
    queued->errors = 0;
    queued->retry_us = kerf_world_now(binder->world) + kerf_binding_backoff_us(queued->attempts);
    queued->waiting = true;
    put_back(binder, queued);
}

/** Without any node there is nobody to blame (2.4): the pod goes round by the clock, whatever happens meanwhile. */
static void note_error(struct kerf_binder *binder, struct queued_pod *queued)
{
    struct kerf_world *world = binder->world;
    queued->errors++;
    queued->error_retry_us =
        kerf_binding_error_retry_us(kerf_world_epoch_now(world), queued->errors) - kerf_world_epoch_now(world) + kerf_world_now(world);
    queued->waiting = false;
    put_back(binder, queued);
}

static void attempt(struct kerf_binder *binder, struct queued_pod *queued)
{
    struct kerf_world *world = binder->world;
    struct pod_shape *shape = &binder->shapes.items[queued->shape];
    if (surely_fails_again(binder, queued)) {
        note_failure(binder, queued);
        return;
    }
    struct kerf_binding_decision decision;
    kerf_binding_decide(binder->binding, queued->pod, &decision);
    if (!kerf_node_id_equal(decision.node, KERF_NO_NODE)) {
        kerf_token_bucket_take(&binder->tokens, kerf_world_now(world));
        kerf_volumes_bind_claims(world, &kerf_cluster_pod(world->cluster, queued->pod)->pod,
                                 kerf_cluster_node(world->cluster, decision.node));
        kerf_cluster_bind_pod(world->cluster, queued->pod, decision.node);
        return;
    }
    if (decision.no_nodes) {
        note_error(binder, queued);
        return;
    }
    shape->failed = true;
    shape->helped = binder->helped_count;
    shape->moved = binder->moved_count;
    shape->round = binder->round;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, queued->pod);
    if (!kerf_node_id_equal(decision.preempted_node, KERF_NO_NODE))
        preempt(binder, queued->pod, &decision);
    else if (kerf_pod_status(&pod->pod)->nominated_node_name && !decision.waits_for_victims)
        kerf_cluster_set_pod_nominated(world->cluster, queued->pod, NULL); /* nobody is left to go: Karpenter may help */
    note_failure(binder, queued);
}

/**
 * One walk over the queue: pods that don't back off, or those that do. False: tokens ran out. Preemption and binding change what may help
 * others; those before them in the queue get their turn in another event of this instant.
 */
static bool walk(struct kerf_binder *binder, size_t count, bool backing_off)
{
    kerf_time_us now_us = kerf_world_now(binder->world);
    for (size_t i = 0; i < count; i++) {
        struct queued_pod *queued = &binder->queue.items[i];
        if ((queued->retry_us > now_us) != backing_off || queued->round == binder->round || queued->error_retry_us > now_us)
            continue;
        if (queued->waiting && surely_fails_again(binder, queued)) {
            if (binder->shapes.items[queued->shape].round == binder->round)
                note_failure(binder, queued); /* as the one before it */
            continue;
        }
        if (is_gone(kerf_cluster_pod(binder->world->cluster, queued->pod)))
            continue;
        if (kerf_token_bucket_next(&binder->tokens, now_us) > now_us)
            return false;
        attempt(binder, queued);
    }
    return true;
}

/** When there is more to try: now, at the end of a back-off from an error, or KERF_TIME_NEVER unless something happens. */
static kerf_time_us next_try(const struct kerf_binder *binder)
{
    kerf_time_us now_us = kerf_world_now(binder->world), next_us = KERF_TIME_NEVER;
    for (size_t i = 0; i < binder->queue.count && next_us > now_us; i++) {
        const struct queued_pod *queued = &binder->queue.items[i];
        if (queued->error_retry_us > now_us)
            next_us = kerf_min_i64(next_us, queued->error_retry_us);
        else if (!queued->waiting || !surely_fails_again(binder, queued))
            next_us = now_us;
    }
    return next_us;
}

static void on_attempt(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)event;
    struct kerf_binder *binder = context;
    kerf_time_us now_us = kerf_engine_now(engine);
    binder->in_attempt = true;
    binder->round++;
    tidy(binder);
    size_t count = binder->queue.count;
    bool all_had_a_turn = walk(binder, count, false) && walk(binder, count, true);
    tidy(binder);
    binder->in_attempt = false;
    kerf_time_us next_us = all_had_a_turn ? next_try(binder) : kerf_token_bucket_next(&binder->tokens, now_us);
    if (next_us != KERF_TIME_NEVER)
        wake(binder, next_us);
}

struct kerf_binder *kerf_binder_new(struct kerf_world *world)
{
    struct kerf_binder *binder = kerf_allocate(sizeof *binder);
    size_t workload_count = world->design->objects.workloads.count;
    binder->world = world;
    binder->binding = kerf_binding_new(world->cluster, (struct kerf_binding_options){
                                                           .draw_ties = true,
                                                           .tie_seed = kerf_hash_mix(world->seed, world->replication),
                                                       });
    binder->tokens = kerf_token_bucket_of(world->design->timings.scheduler_pods_per_second, world->design->timings.scheduler_burst);
    binder->shape_of_workload = kerf_allocate(kerf_array_bytes(workload_count, sizeof *binder->shape_of_workload));
    for (size_t i = 0; i < workload_count; i++)
        binder->shape_of_workload[i] = KERF_NOT_FOUND;
    kerf_cluster_listen(world->cluster, on_change, binder);
    kerf_engine_handle(world->engine, KERF_EVENT_BINDER_ATTEMPT, on_attempt, binder);
    return binder;
}

void kerf_binder_free(struct kerf_binder *binder)
{
    if (!binder)
        return;
    kerf_binding_free(binder->binding);
    KERF_VEC_FREE(&binder->shapes);
    KERF_VEC_FREE(&binder->free_shapes);
    KERF_VEC_FREE(&binder->queue);
    free(binder->shape_of_workload);
    free(binder);
}
