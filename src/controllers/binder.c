/**
 * binder: kube-scheduler's queue in time (kube-scheduler.md 2 and 11). Pods wait in order of priority and time; each attempt asks
 * `binding`; binds and first failures take a token of the scheduler's client. A pod that found no node waits until something happens
 * that may help it, and at least as long as its back-off.
 *
 * Simplified: queueing hints by kind of event, not by plugin. An attempt that would surely fail again (the same shape of pod failed and
 * nothing that can help happened since) is not made and does not count for back-off, which is what hints achieve.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct queued_pod {
    kerf_pod_id pod;
    kerf_time_us queued_us;  /* first time in the queue: its order among equal priorities */
    kerf_time_us retry_us;   /* end of the back-off */
    uint32_t attempts;
    bool waiting; /* in the unschedulable set */
    bool marked;  /* has the Unschedulable condition */
};

/** What a failure of one shape (spec, namespace and labels) depends on. */
struct shape_failure {
    uint64_t helped; /* value of helped_count at the failure */
    uint64_t bound;  /* value of bound_count */
};

struct kerf_binder {
    struct kerf_world *world;
    struct kerf_binding *binding;
    KERF_VEC(struct queued_pod) queue; /* sorted before use: priority, time, pod id */
    struct kerf_token_bucket tokens;
    kerf_event_handle next;
    kerf_time_us next_us;
    uint64_t helped_count; /* events after which a pod that failed may fit */
    uint64_t bound_count;  /* pods bound: may help those that want to be near others */
    struct kerf_id_map failures_by_shape;
    KERF_VEC(struct shape_failure) failures;
    bool sorted;
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

static void enqueue(struct kerf_binder *binder, const struct kerf_cluster_pod *pod)
{
    if (pod->pod.spec->scheduling_gate_count > 0)
        return;
    kerf_time_us now_us = kerf_world_now(binder->world);
    KERF_VEC_PUSH(&binder->queue, (struct queued_pod){ .pod = pod->id, .queued_us = now_us, .retry_us = now_us });
    binder->sorted = false;
    wake(binder, now_us);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_binder *binder = context;
    switch (change->kind) {
    case KERF_CHANGE_POD_ADDED: {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
        if (kerf_node_id_equal(pod->node, KERF_NO_NODE) && !kerf_pod_is_terminal(&pod->pod))
            enqueue(binder, pod);
        return;
    }
    case KERF_CHANGE_POD_BOUND:
        binder->bound_count++;
        return;
    case KERF_CHANGE_NODE_ADDED:
    case KERF_CHANGE_NODE_READY:
    case KERF_CHANGE_NODE_CHANGED:
    case KERF_CHANGE_NODE_REMOVED:
    case KERF_CHANGE_POD_FINISHED:
    case KERF_CHANGE_POD_REMOVED:
    case KERF_CHANGE_POD_TERMINATING:
        binder->helped_count++;
        wake(binder, kerf_world_now(binder->world));
        return;
    default:
        return;
    }
}

/* ---- what need not be tried -------------------------------------------------------------------------------------------------- */

/** Pods of one template are one shape, but for those with claims of their own and those made for one node. */
static uint64_t shape_of(const struct kerf_binder *binder, const struct kerf_cluster_pod *pod)
{
    if (pod->workload_index != KERF_NOT_FOUND) {
        const struct kerf_workload *workload = &binder->world->design->objects.workloads.items[pod->workload_index];
        if (workload->kind != KERF_WORKLOAD_DAEMONSET && pod->pod.spec == workload->template.spec)
            return pod->workload_index;
    }
    return (uint64_t)1 << 32 | pod->id.index;
}

static bool wants_company(const struct kerf_pod_spec *spec) { return spec->required_affinity.count > 0 || spec->spreads.count > 0; }

static bool surely_fails_again(const struct kerf_binder *binder, const struct kerf_cluster_pod *pod)
{
    uint32_t row = kerf_id_map_get(&binder->failures_by_shape, shape_of(binder, pod));
    if (row == KERF_NOT_FOUND)
        return false;
    const struct shape_failure *failure = &binder->failures.items[row];
    return failure->helped == binder->helped_count && (!wants_company(pod->pod.spec) || failure->bound == binder->bound_count);
}

static void note_failure(struct kerf_binder *binder, const struct kerf_cluster_pod *pod)
{
    uint64_t shape = shape_of(binder, pod);
    uint32_t row = kerf_id_map_get(&binder->failures_by_shape, shape);
    if (row == KERF_NOT_FOUND) {
        row = (uint32_t)binder->failures.count;
        KERF_VEC_PUSH(&binder->failures, (struct shape_failure){ 0 });
        kerf_id_map_put(&binder->failures_by_shape, shape, row);
    }
    binder->failures.items[row] = (struct shape_failure){ binder->helped_count, binder->bound_count };
}

/* ---- attempts ------------------------------------------------------------------------------------------------------------------ */

static int compare_queued(const void *a, const void *b, void *context)
{
    const struct kerf_binder *binder = context;
    const struct queued_pod *x = a;
    const struct queued_pod *y = b;
    const struct kerf_cluster_pod *x_pod = kerf_cluster_pod(binder->world->cluster, x->pod);
    const struct kerf_cluster_pod *y_pod = kerf_cluster_pod(binder->world->cluster, y->pod);
    int order = kerf_binding_compare_queue(x_pod, x->queued_us, y_pod, y->queued_us);
    return order != 0 ? order : kerf_compare_u64(x->pod.index, y->pod.index);
}

static bool is_gone(const struct kerf_binder *binder, kerf_pod_id id)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(binder->world->cluster, id);
    return !pod || !kerf_node_id_equal(pod->node, KERF_NO_NODE) || kerf_pod_is_terminating(&pod->pod) || kerf_pod_is_terminal(&pod->pod);
}

static void drop_gone(struct kerf_binder *binder)
{
    size_t kept = 0;
    for (size_t i = 0; i < binder->queue.count; i++)
        if (!is_gone(binder, binder->queue.items[i].pod))
            binder->queue.items[kept++] = binder->queue.items[i];
    binder->queue.count = kept;
}

static void preempt(struct kerf_binder *binder, kerf_pod_id pod, const struct kerf_binding_decision *decision)
{
    struct kerf_world *world = binder->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, decision->preempted_node);
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

/** False: no token is left, so nobody else can be tried now. */
static bool attempt(struct kerf_binder *binder, struct queued_pod *queued)
{
    struct kerf_world *world = binder->world;
    kerf_time_us now_us = kerf_world_now(world);
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, queued->pod);
    if (surely_fails_again(binder, pod)) {
        if (!queued->marked) {
            if (!kerf_token_bucket_take(&binder->tokens, now_us))
                return false;
            queued->attempts++;
            queued->retry_us = now_us + kerf_binding_backoff_us(queued->attempts);
            queued->marked = true;
            kerf_cluster_set_pod_unschedulable(world->cluster, queued->pod, true);
        }
        queued->waiting = true;
        return true;
    }
    if (kerf_token_bucket_next(&binder->tokens, now_us) > now_us)
        return false;
    struct kerf_binding_decision decision;
    kerf_binding_decide(binder->binding, queued->pod, &decision);
    if (!kerf_node_id_equal(decision.node, KERF_NO_NODE)) {
        kerf_token_bucket_take(&binder->tokens, now_us);
        kerf_cluster_bind_pod(world->cluster, queued->pod, decision.node);
        return true;
    }
    note_failure(binder, pod);
    queued->attempts++;
    queued->retry_us = now_us + kerf_binding_backoff_us(queued->attempts);
    queued->waiting = true;
    if (!kerf_node_id_equal(decision.preempted_node, KERF_NO_NODE))
        preempt(binder, queued->pod, &decision);
    else if (pod->pod.nominated_node_name && !decision.waits_for_victims)
        kerf_cluster_set_pod_nominated(world->cluster, queued->pod, NULL); /* its place is gone: Karpenter may look at it again */
    if (!queued->marked) {
        kerf_token_bucket_take(&binder->tokens, now_us);
        queued->marked = true;
        kerf_cluster_set_pod_unschedulable(world->cluster, queued->pod, true);
    }
    return true;
}

static void on_attempt(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)event;
    struct kerf_binder *binder = context;
    kerf_time_us now_us = kerf_engine_now(engine);
    binder->in_attempt = true;
    drop_gone(binder);
    if (!binder->sorted) {
        kerf_sort(binder->queue.items, binder->queue.count, sizeof *binder->queue.items, compare_queued, binder);
        binder->sorted = true;
    }
    kerf_time_us next_us = KERF_TIME_NEVER;
    size_t count = binder->queue.count; /* pods that appear meanwhile wait for the next event */
    for (size_t i = 0; i < count; i++) {
        struct queued_pod *queued = &binder->queue.items[i];
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(binder->world->cluster, queued->pod);
        if (queued->waiting && surely_fails_again(binder, pod))
            continue; /* the next event that may help wakes it */
        if (queued->retry_us > now_us) {
            next_us = kerf_min_i64(next_us, queued->retry_us);
            continue;
        }
        if (!attempt(binder, queued)) {
            next_us = kerf_min_i64(next_us, kerf_token_bucket_next(&binder->tokens, now_us));
            break;
        }
    }
    drop_gone(binder);
    binder->in_attempt = false;
    if (binder->queue.count > count || !binder->sorted)
        next_us = now_us;
    if (next_us != KERF_TIME_NEVER)
        wake(binder, next_us);
}

struct kerf_binder *kerf_binder_new(struct kerf_world *world)
{
    struct kerf_binder *binder = kerf_allocate(sizeof *binder);
    binder->world = world;
    binder->binding = kerf_binding_new(world->cluster, (struct kerf_binding_options){
                                                           .draw_ties = true,
                                                           .tie_seed = kerf_hash_mix(world->seed, world->replication),
                                                       });
    binder->tokens = kerf_token_bucket_of(world->design->timings.scheduler_pods_per_second, world->design->timings.scheduler_burst);
    kerf_cluster_listen(world->cluster, on_change, binder);
    kerf_engine_handle(world->engine, KERF_EVENT_BINDER_ATTEMPT, on_attempt, binder);
    return binder;
}

void kerf_binder_free(struct kerf_binder *binder)
{
    if (!binder)
        return;
    kerf_binding_free(binder->binding);
    kerf_id_map_fini(&binder->failures_by_shape);
    KERF_VEC_FREE(&binder->failures);
    KERF_VEC_FREE(&binder->queue);
    free(binder);
}
