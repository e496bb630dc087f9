/**
 * terminator: from the deletion of a nodeclaim (or of a group's node) to the end of its instance (karpenter-disruption.md 12.6 to 12.10,
 * workloads.md 11.2): the disrupted taint, the drain in its groups, evictions against budgets with back-off, the minimum drain time, the
 * wait for volumes, the terminate call.
 *
 * Nodes of groups go the same way, for so long as EKS' hook or the termination handler's keeps them (cluster-autoscaler.md 13.6, 13.7).
 *
 * Simplified: the eviction queue has workers enough.
 */
#include "controllers/controllers_internal.h"

#include "scheduling/scheduling.h"

#include <stdlib.h>

#define DRAIN_POLL_US KERF_SECOND_US
#define STUCK_AFTER_US KERF_MINUTE_US /* a terminating pod so long after its time isn't waited for (kerf_pod_is_drainable) */
#define MINIMUM_DRAIN_US (5 * KERF_SECOND_US)
#define INSTANCE_POLL_US (5 * KERF_SECOND_US)
#define MANAGED_DRAIN_MAX_US (15 * KERF_MINUTE_US)
#define HANDLER_DRAIN_MAX_US (120 * KERF_SECOND_US)
#define EVICTION_BACKOFF_BASE_US (KERF_SECOND_US / 10)
#define EVICTION_BACKOFF_MAX_US (10 * KERF_SECOND_US)

struct draining_node {
    kerf_time_us started_us; /* of the drain; KERF_TIME_UNSET: not yet */
    kerf_event_handle next;
    kerf_time_us next_us;
    bool terminating; /* the instance was told to end */
    bool noticed;     /* EC2 announced its end */
};

struct evicted_pod {
    uint32_t attempts;
    bool queued;
    kerf_event_handle retry;
};

struct kerf_terminator {
    struct kerf_world *world;
    struct kerf_books nodes;
    struct kerf_books pods;
};

/* ---- eviction ---------------------------------------------------------------------------------------------------------------------- */

/** Deadline of the node's drain (terminationGracePeriod), or KERF_TIME_NEVER. */
static kerf_time_us deadline_of(const struct kerf_cluster_node *node)
{
    if (!node->has_claim || node->claim.termination_grace_period_us == KERF_TIME_UNSET || node->claim.meta.deletion_epoch_us == KERF_TIME_UNSET)
        return KERF_TIME_NEVER;
    return node->claim.meta.deletion_epoch_us + node->claim.termination_grace_period_us;
}

/** So late that the pod must be told now to be gone by the deadline (12.7 rule 1). */
static bool is_past_threshold(const struct kerf_cluster_pod *pod, kerf_time_us deadline_epoch_us, kerf_time_us now_epoch_us)
{
    if (deadline_epoch_us == KERF_TIME_NEVER)
        return false;
    if (kerf_pod_is_terminating(&pod->pod))
        return pod->pod.meta.deletion_epoch_us > deadline_epoch_us;
    return now_epoch_us > deadline_epoch_us - pod->pod.spec->termination_grace_seconds * KERF_SECOND_US;
}

static void evict(struct kerf_world *world, kerf_pod_id id, kerf_time_us grace_us)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    if (!kerf_pod_is_terminating(&pod->pod)) /* else it is only told to hurry */
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EVICTED, .node = pod->node, .pod = id });
    kerf_cluster_delete_pod(world->cluster, id, kerf_world_epoch_now(world) + grace_us);
}

/** One attempt of the eviction queue (12.8). */
static void try_to_evict(struct kerf_terminator *terminator, kerf_pod_id id)
{
    struct kerf_world *world = terminator->world;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    struct evicted_pod *books = kerf_books_find(&terminator->pods, id.index);
    const struct kerf_cluster_node *node = pod ? kerf_cluster_node(world->cluster, pod->node) : NULL;
    kerf_time_us epoch_us = kerf_world_epoch_now(world);
    if (!node || kerf_pod_is_terminal(&pod->pod)) {
        kerf_books_drop(&terminator->pods, id.index);
        return;
    }
    kerf_time_us deadline_epoch_us = deadline_of(node);
    if (is_past_threshold(pod, deadline_epoch_us, epoch_us)) {
        kerf_books_drop(&terminator->pods, id.index);
        evict(world, id, kerf_max_i64((deadline_epoch_us - epoch_us) / KERF_SECOND_US, 1) * KERF_SECOND_US);
        return;
    }
    if (kerf_pod_is_terminating(&pod->pod)) {
        kerf_books_drop(&terminator->pods, id.index);
        return;
    }
    if (!kerf_pod_do_not_disrupt(world->vocabulary, &pod->pod, epoch_us) && kerf_api_eviction(world->cluster, pod) == KERF_EVICTION_ALLOWED) {
        kerf_books_drop(&terminator->pods, id.index);
        evict(world, id, pod->pod.spec->termination_grace_seconds * KERF_SECOND_US);
        return;
    }
    if (books->attempts == 0)
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EVICTION_BLOCKED, .node = pod->node, .pod = id });
    kerf_time_us backoff_us = EVICTION_BACKOFF_BASE_US << (books->attempts < 7 ? books->attempts : 7);
    books->attempts++;
    books->retry = kerf_world_schedule(world, kerf_world_now(world) + kerf_min_i64(backoff_us, EVICTION_BACKOFF_MAX_US),
                                       KERF_EVENT_EVICTION_RETRY, id.index, 0);
}

static void enqueue(struct kerf_terminator *terminator, kerf_pod_id id)
{
    struct evicted_pod *books = kerf_books_open(&terminator->pods, id.index);
    if (books->queued)
        return;
    books->queued = true;
    try_to_evict(terminator, id);
}

static void on_retry(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    try_to_evict(context, (kerf_pod_id){ (uint32_t)event->subject });
}

/* ---- drain --------------------------------------------------------------------------------------------------------------------------- */

enum drain_group { DRAIN_ORDINARY, DRAIN_DAEMON, DRAIN_CRITICAL, DRAIN_CRITICAL_DAEMON, DRAIN_GROUP_COUNT };

static enum drain_group group_of(const struct kerf_pod *pod)
{
    bool critical = kerf_name_is(pod->spec->priority_class_name, "system-cluster-critical") ||
                    kerf_name_is(pod->spec->priority_class_name, "system-node-critical");
    return (enum drain_group)((critical ? DRAIN_CRITICAL : DRAIN_ORDINARY) + (kerf_pod_is_daemon(pod) ? 1 : 0));
}

static bool is_waited_for(const struct kerf_world *world, const struct kerf_cluster_pod *pod)
{
    return !kerf_pod_is_terminal(&pod->pod) && kerf_pod_is_drainable(world->vocabulary, &pod->pod, kerf_world_epoch_now(world));
}

/** Enqueues what is due; true when nothing waits any more (12.7). */
static bool drain(struct kerf_terminator *terminator, const struct kerf_cluster_node *node)
{
    struct kerf_world *world = terminator->world;
    kerf_time_us epoch_us = kerf_world_epoch_now(world);
    kerf_time_us deadline_epoch_us = deadline_of(node);
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    kerf_pod_id *due = KERF_NEW_ARRAY(&scratch, kerf_pod_id, node->pod_count);
    size_t due_count = 0;
    enum drain_group first = DRAIN_GROUP_COUNT;
    bool waits = false;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (!is_waited_for(world, pod))
            continue;
        waits = true;
        if (is_past_threshold(pod, deadline_epoch_us, epoch_us))
            due[due_count++] = pod->id;
        else if (group_of(&pod->pod) < first)
            first = group_of(&pod->pod);
    }
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (is_waited_for(world, pod) && !kerf_pod_is_terminating(&pod->pod) && !is_past_threshold(pod, deadline_epoch_us, epoch_us) && group_of(&pod->pod) == first)
            due[due_count++] = pod->id;
    }
    for (size_t i = 0; i < due_count; i++)
        enqueue(terminator, due[i]);
    kerf_arena_fini(&scratch);
    return !waits;
}

/** For how long somebody drains a node of a group before its instance ends; claims: until it is done. */
static kerf_time_us drain_max_us(const struct kerf_world *world, const struct kerf_cluster_node *node, const struct draining_node *books)
{
    const struct kerf_nodegroup *group = kerf_node_group(world, node);
    if (!group)
        return KERF_TIME_NEVER;
    if (group->managed)
        return MANAGED_DRAIN_MAX_US;
    bool drained = group->termination_handler == KERF_HANDLER_QUEUE || (group->termination_handler == KERF_HANDLER_IMDS && books->noticed);
    return drained ? HANDLER_DRAIN_MAX_US : 0;
}

/** EKS tries in vain to drain a node that is no longer ready, or never was when it should have been, until it gives up. */
static bool drains_in_vain(const struct kerf_world *world, const struct kerf_cluster_node *node)
{
    const struct kerf_nodegroup *group = kerf_node_group(world, node);
    return group && group->managed && kerf_conditions_get(&node->node.conditions, "Ready") && !kerf_node_is_ready(node) &&
           node->node.meta.created_epoch_us + MANAGED_DRAIN_MAX_US <= kerf_world_epoch_now(world);
}

/** Does a nodeclaim's instance wait until its volumes are detached (12.9)? Those of pods that aren't drained are left attached. */
static bool waits_for_volumes(const struct kerf_world *world, const struct kerf_cluster_node *node)
{
    if (!node->has_claim || kerf_world_epoch_now(world) > deadline_of(node))
        return false;
    for (uint32_t i = 0; i < node->attached_count; i++) {
        bool stays = false;
        for (uint32_t p = 0; p < node->pod_count && !stays; p++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[p]);
            stays = !kerf_pod_is_drainable(world->vocabulary, &pod->pod, kerf_world_epoch_now(world)) &&
                    kerf_pod_uses_volume(world, &pod->pod, node->attached[i]);
        }
        if (!stays)
            return true;
    }
    return false;
}

static bool is_over(const struct kerf_world *world, const struct kerf_cluster_node *node, const struct draining_node *books, bool drained)
{
    kerf_time_us lasted_us = kerf_world_now(world) - books->started_us, max_us = drain_max_us(world, node, books);
    if (lasted_us >= max_us)
        return true;
    return drained && lasted_us >= MINIMUM_DRAIN_US && !drains_in_vain(world, node) && !waits_for_volumes(world, node);
}

/**
 * Karpenter looks again every second. A look between changes finds what the last one found, so they are left out up to the first that may
 * find something else: pods that come or go (on_change), a deadline, a pod that is stuck, the minimum drain time.
 */
static kerf_time_us next_look(const struct kerf_world *world, const struct kerf_cluster_node *node, const struct draining_node *books)
{
    kerf_time_us now_us = kerf_world_now(world);
    kerf_time_us to_epoch_us = kerf_world_epoch_now(world) - now_us;
    kerf_time_us deadline_epoch_us = deadline_of(node);
    kerf_time_us next_us = KERF_TIME_NEVER;
    bool waits = false;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (!is_waited_for(world, pod))
            continue;
        waits = true;
        if (kerf_pod_is_terminating(&pod->pod))
            next_us = kerf_min_i64(next_us, pod->pod.meta.deletion_epoch_us - to_epoch_us + STUCK_AFTER_US + 1);
        else if (deadline_epoch_us != KERF_TIME_NEVER)
            next_us = kerf_min_i64(next_us, deadline_epoch_us - pod->pod.spec->termination_grace_seconds * KERF_SECOND_US - to_epoch_us + 1);
    }
    if (!waits && now_us < books->started_us + MINIMUM_DRAIN_US)
        next_us = books->started_us + MINIMUM_DRAIN_US;
    else if (!waits && deadline_epoch_us != KERF_TIME_NEVER)
        next_us = deadline_epoch_us - to_epoch_us + 1; /* volumes are not waited for any longer */
    kerf_time_us max_us = drain_max_us(world, node, books);
    if (max_us != KERF_TIME_NEVER)
        next_us = kerf_min_i64(next_us, books->started_us + max_us);
    return kerf_max_i64(now_us + 1, next_us);
}

static void schedule_look(struct kerf_terminator *terminator, kerf_node_id id, struct draining_node *books, kerf_time_us at_us)
{
    struct kerf_world *world = terminator->world;
    kerf_time_us looks = at_us == KERF_TIME_NEVER ? 0 : (at_us - books->started_us + DRAIN_POLL_US - 1) / DRAIN_POLL_US;
    books->next_us = at_us == KERF_TIME_NEVER ? at_us : books->started_us + looks * DRAIN_POLL_US;
    kerf_engine_cancel(world->engine, books->next);
    books->next = at_us == KERF_TIME_NEVER ? KERF_NO_EVENT
                                           : kerf_world_schedule(world, books->next_us, KERF_EVENT_TERMINATOR_DRAIN, id.index, 0);
}

/* ---- the instance ------------------------------------------------------------------------------------------------------------------- */

/** The terminate call; billing ends with it. What is left is removed when the instance is seen to be gone. */
static void terminate(struct kerf_terminator *terminator, const struct kerf_cluster_node *node)
{
    struct kerf_world *world = terminator->world;
    struct draining_node *books = kerf_books_open(&terminator->nodes, node->id.index);
    books->terminating = true;
    if (node->has_claim)
        kerf_cluster_set_claim_condition(world->cluster, node->id, "InstanceTerminating", KERF_CONDITION_TRUE, "InstanceTerminating");
    kerf_instance_end(world, node->id);
    bool slow = node->type_index != KERF_NOT_FOUND && kerf_catalog_facts(world->design->catalog, node->type_index)->old_storage;
    kerf_time_us shutdown_us = kerf_cloud_draw_boot(world->cloud, kerf_world_owner_of_node(node), slow).shutdown_us;
    kerf_time_us polls = (shutdown_us + INSTANCE_POLL_US - 1) / INSTANCE_POLL_US;
    books->next = kerf_world_schedule(world, kerf_world_now(world) + polls * INSTANCE_POLL_US, KERF_EVENT_INSTANCE_GONE, node->id.index, 0);
}

static void on_gone(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_terminator *terminator = context;
    kerf_node_remove_with_pods(terminator->world, (kerf_node_id){ (uint32_t)event->subject });
}

static void on_drain(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_terminator *terminator = context;
    struct kerf_world *world = terminator->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct draining_node *books = kerf_books_find(&terminator->nodes, id.index);
    if (!node || !books || books->terminating)
        return;
    if (!node->has_node) { /* launched, never registered: nothing to drain */
        if (node->claim.provider_id)
            terminate(terminator, node);
        return;
    }
    kerf_time_us now_us = kerf_engine_now(engine);
    if (books->started_us == KERF_TIME_UNSET) {
        books->started_us = now_us;
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_DRAIN_STARTED, .node = id, .pod = KERF_NO_POD });
        if (node->nodegroup_index == KERF_NOT_FOUND)
            kerf_node_add_disrupted_taint(world, id);
        else
            kerf_node_set_cordoned(world, id, true);
    }
    bool drained = drain_max_us(world, node, books) > 0 && drain(terminator, node);
    books = kerf_books_find(&terminator->nodes, id.index);
    if (is_over(world, node, books, drained))
        terminate(terminator, node);
    else
        schedule_look(terminator, id, books, next_look(world, node, books));
}

/** Something changed on a node: its drain looks at its next second. */
static void look_soon(struct kerf_terminator *terminator, kerf_node_id id)
{
    struct draining_node *books = kerf_books_find(&terminator->nodes, id.index);
    if (!books || books->terminating || books->started_us == KERF_TIME_UNSET || books->next_us <= kerf_world_now(terminator->world))
        return;
    schedule_look(terminator, id, books, kerf_world_now(terminator->world));
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_terminator *terminator = context;
    struct kerf_world *world = terminator->world;
    struct draining_node *books;
    switch (change->kind) {
    case KERF_CHANGE_CLAIM_DELETING:
        if (!kerf_cluster_is_deleted(kerf_cluster_node(cluster, change->node)))
            break;
        books = kerf_books_open(&terminator->nodes, change->node.index);
        books->started_us = KERF_TIME_UNSET;
        books->next = kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_TERMINATOR_DRAIN, change->node.index, 0);
        break;
    case KERF_CHANGE_CLAIM_LAUNCHED: /* it was deleted before EC2 answered */
        if (kerf_books_find(&terminator->nodes, change->node.index))
            kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_TERMINATOR_DRAIN, change->node.index, 0);
        break;
    case KERF_CHANGE_NODE_REMOVED:
        books = kerf_books_find(&terminator->nodes, change->node.index);
        if (books)
            kerf_engine_cancel(world->engine, books->next);
        kerf_books_drop(&terminator->nodes, change->node.index);
        break;
    case KERF_CHANGE_POD_REMOVED: {
        struct evicted_pod *pod = kerf_books_find(&terminator->pods, change->pod.index);
        if (pod)
            kerf_engine_cancel(world->engine, pod->retry);
        kerf_books_drop(&terminator->pods, change->pod.index);
        look_soon(terminator, change->node);
        break;
    }
    case KERF_CHANGE_POD_BOUND:
    case KERF_CHANGE_POD_FINISHED:
    case KERF_CHANGE_POD_TERMINATING:
    case KERF_CHANGE_POD_HURRIED:
    case KERF_CHANGE_VOLUME_DETACHED:
        look_soon(terminator, change->node);
        break;
    default:
        break;
    }
}

/** EC2 announced the instance's end; or took it before its drain was over: nobody drains any more, the node monitor finds out. */
static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_terminator *terminator = context;
    if (notice->kind != KERF_NOTICE_NODE_LOST && notice->kind != KERF_NOTICE_SPOT_INTERRUPTION)
        return;
    struct draining_node *books = kerf_books_find(&terminator->nodes, notice->node.index);
    if (!books) {
        books = kerf_books_open(&terminator->nodes, notice->node.index);
        books->started_us = KERF_TIME_UNSET;
    }
    books->noticed = true;
    if (notice->kind == KERF_NOTICE_SPOT_INTERRUPTION)
        return;
    kerf_engine_cancel(terminator->world->engine, books->next);
    books->terminating = true;
}

struct kerf_terminator *kerf_terminator_new(struct kerf_world *world)
{
    struct kerf_terminator *terminator = kerf_allocate(sizeof *terminator);
    terminator->world = world;
    kerf_books_init(&terminator->nodes, sizeof(struct draining_node));
    kerf_books_init(&terminator->pods, sizeof(struct evicted_pod));
    kerf_cluster_listen(world->cluster, on_change, terminator);
    kerf_world_listen(world, on_notice, terminator);
    kerf_engine_handle(world->engine, KERF_EVENT_TERMINATOR_DRAIN, on_drain, terminator);
    kerf_engine_handle(world->engine, KERF_EVENT_EVICTION_RETRY, on_retry, terminator);
    kerf_engine_handle(world->engine, KERF_EVENT_INSTANCE_GONE, on_gone, terminator);
    return terminator;
}

void kerf_terminator_free(struct kerf_terminator *terminator)
{
    if (!terminator)
        return;
    kerf_books_fini(&terminator->nodes);
    kerf_books_fini(&terminator->pods);
    free(terminator);
}
