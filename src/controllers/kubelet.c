/**
 * kubelet: what happens to a pod on its node: it waits for the node (unless it lives in the host's network), for an address where the
 * network is modelled, for its volumes, pulls its image once a node, starts, becomes ready, finishes (jobs), and stops when it is asked to.
 *
 * Simplified: all containers of a pod are one; an image is the workload's; pulls don't share bandwidth (docs/model.md).
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct kubelet_pod {
    kerf_event_handle next; /* its start, readiness, end or stop: one at a time */
    kerf_time_us next_us;
    bool starting; /* the node, its address and its image are there, or being pulled */
};

struct kubelet_node {
    kerf_time_us *images; /* by workload index: one more than the moment at which its image is there; NULL, 0: not asked for */
    bool gone;        /* the instance has ended: nobody runs pods there, whatever the node object says */
};

struct kerf_kubelets {
    struct kerf_world *world;
    struct kerf_books pods;
    struct kerf_books nodes;
};

static const struct kerf_load *load_of(const struct kerf_world *world, const struct kerf_cluster_pod *pod)
{
    if (pod->workload_index == KERF_NOT_FOUND)
        return NULL;
    uint32_t load = world->design->load_of_workload[pod->workload_index];
    return load == KERF_NOT_FOUND ? NULL : &world->design->loads[load];
}

static bool needs_address(const struct kerf_cluster_node *node, const struct kerf_cluster_pod *pod)
{
    return node->network && !pod->pod.spec->host_network && !pod->addressed;
}

/** Zero when the node has the image already; the rest of the pull that is under way. Pods outside any workload have an image of their own. */
static kerf_time_us pull_time(struct kerf_kubelets *kubelet, const struct kerf_cluster_pod *pod)
{
    struct kerf_world *world = kubelet->world;
    const struct kerf_timings *timings = &world->design->timings;
    const struct kerf_load *load = load_of(world, pod);
    int64_t bytes = load ? load->image_bytes : timings->image_bytes;
    kerf_time_us pull_us =
        timings->image_pull_base_us + (kerf_time_us)((kerf_i128)bytes * KERF_SECOND_US / timings->image_pull_bytes_per_second);
    if (pod->workload_index == KERF_NOT_FOUND)
        return pull_us;
    struct kubelet_node *books = kerf_books_open(&kubelet->nodes, pod->node.index);
    if (!books->images)
        books->images = kerf_allocate(kerf_array_bytes(world->design->objects.workloads.count, sizeof *books->images));
    kerf_time_us *there_us = &books->images[pod->workload_index];
    if (*there_us == 0)
        *there_us = kerf_world_now(world) + pull_us + 1;
    return kerf_max_i64(0, *there_us - 1 - kerf_world_now(world));
}

static bool is_gone(const struct kerf_kubelets *kubelet, kerf_node_id id)
{
    const struct kubelet_node *books = kerf_books_find(&kubelet->nodes, id.index);
    return books && books->gone;
}

static void schedule(struct kerf_kubelets *kubelet, struct kubelet_pod *books, kerf_time_us at_us, enum kerf_event_kind kind, kerf_pod_id id)
{
    books->next_us = at_us;
    books->next = kerf_world_schedule(kubelet->world, at_us, kind, id.index, 0);
}

static void start_if_possible(struct kerf_kubelets *kubelet, kerf_pod_id id)
{
    struct kerf_world *world = kubelet->world;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, pod->node);
    if (!node || is_gone(kubelet, node->id) || kerf_pod_is_terminating(&pod->pod) || kerf_pod_is_terminal(&pod->pod))
        return;
    struct kubelet_pod *books = kerf_books_open(&kubelet->pods, id.index);
    if (books->starting)
        return;
    bool node_ready = kerf_node_is_ready(node) || pod->pod.spec->host_network;
    if (!node_ready || needs_address(node, pod) || kerf_pod_waits_for_volumes(world, pod))
        return;
    books->starting = true;
    schedule(kubelet, books, kerf_world_now(world) + pull_time(kubelet, pod), KERF_EVENT_POD_STARTED, id);
}

static void stop(struct kerf_kubelets *kubelet, const struct kerf_cluster_pod *pod)
{
    struct kerf_world *world = kubelet->world;
    bool bound = !kerf_node_id_equal(pod->node, KERF_NO_NODE);
    struct kubelet_pod *books = kerf_books_open(&kubelet->pods, pod->id.index);
    kerf_engine_cancel(world->engine, books->next);
    books->starting = true;
    if (bound && is_gone(kubelet, pod->node))
        return; /* it stays as it is seen until its node's end is noticed */
    const struct kerf_load *load = load_of(world, pod);
    kerf_time_us stop_us = load ? load->stop_us : world->design->timings.pod_stop_us;
    kerf_time_us grace_us = kerf_max_i64(0, pod->pod.meta.deletion_epoch_us - kerf_world_epoch_now(world));
    bool runs = bound && !kerf_pod_is_terminal(&pod->pod);
    /* Unbound and finished pods go at once; the others take their time, at most the grace period, and a second to clean up. */
    kerf_time_us delay_us = runs ? kerf_min_i64(stop_us, grace_us) + KERF_SECOND_US : 0;
    schedule(kubelet, books, kerf_world_now(world) + delay_us, KERF_EVENT_POD_STOPPED, pod->id);
}

/** Its deletion time moved nearer: it may have to stop sooner than it would have by itself. */
static void hurry(struct kerf_kubelets *kubelet, const struct kerf_cluster_pod *pod)
{
    struct kerf_world *world = kubelet->world;
    struct kubelet_pod *books = kerf_books_find(&kubelet->pods, pod->id.index);
    if (!books || !kerf_engine_is_scheduled(world->engine, books->next))
        return;
    kerf_time_us grace_us = kerf_max_i64(0, pod->pod.meta.deletion_epoch_us - kerf_world_epoch_now(world));
    kerf_time_us at_us = kerf_world_now(world) + grace_us + KERF_SECOND_US;
    if (at_us >= books->next_us)
        return;
    kerf_engine_cancel(world->engine, books->next);
    schedule(kubelet, books, at_us, KERF_EVENT_POD_STOPPED, pod->id);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_kubelets *kubelet = context;
    const struct kerf_cluster_node *node;
    switch (change->kind) {
    case KERF_CHANGE_POD_BOUND:
    case KERF_CHANGE_POD_ADDRESSED:
    case KERF_CHANGE_POD_ATTACHED:
        start_if_possible(kubelet, change->pod);
        break;
    case KERF_CHANGE_NODE_READY:
        node = kerf_cluster_node(cluster, change->node);
        for (uint32_t i = 0; i < node->pod_count; i++)
            start_if_possible(kubelet, node->pods[i]);
        break;
    case KERF_CHANGE_POD_TERMINATING:
        stop(kubelet, kerf_cluster_pod(cluster, change->pod));
        break;
    case KERF_CHANGE_POD_HURRIED:
        hurry(kubelet, kerf_cluster_pod(cluster, change->pod));
        break;
    case KERF_CHANGE_POD_REMOVED: {
        struct kubelet_pod *books = kerf_books_find(&kubelet->pods, change->pod.index);
        if (books)
            kerf_engine_cancel(kubelet->world->engine, books->next);
        kerf_books_drop(&kubelet->pods, change->pod.index);
        break;
    }
    case KERF_CHANGE_NODE_REMOVED: {
        struct kubelet_node *books = kerf_books_find(&kubelet->nodes, change->node.index);
        if (books)
            free(books->images);
        kerf_books_drop(&kubelet->nodes, change->node.index);
        break;
    }
    default:
        break;
    }
}

/** The instance is gone: what was to happen on it doesn't. Its pods stay as they are seen until somebody notices. */
static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_kubelets *kubelet = context;
    if (notice->kind != KERF_NOTICE_INSTANCE_ENDED)
        return;
    const struct kerf_cluster_node *node = kerf_cluster_node(kubelet->world->cluster, notice->node);
    ((struct kubelet_node *)kerf_books_open(&kubelet->nodes, node->id.index))->gone = true;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        struct kubelet_pod *books = kerf_books_find(&kubelet->pods, node->pods[i].index);
        if (books)
            kerf_engine_cancel(kubelet->world->engine, books->next);
    }
}

/** What follows the start of a pod: readiness, then, for a pod that does a job, its end. */
static void on_event(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_kubelets *kubelet = context;
    struct kerf_world *world = kubelet->world;
    kerf_pod_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    KERF_ASSERT(pod != NULL);
    const struct kerf_load *load = load_of(world, pod);
    kerf_time_us now_us = kerf_engine_now(engine);
    struct kubelet_pod *books = kerf_books_open(&kubelet->pods, id.index);
    switch (event->kind) {
    case KERF_EVENT_POD_STARTED:
        schedule(kubelet, books, now_us + (load ? load->start_us : world->design->timings.pod_start_us), KERF_EVENT_POD_READY, id);
        kerf_cluster_set_pod_phase(world->cluster, id, KERF_POD_RUNNING);
        break;
    case KERF_EVENT_POD_READY:
        if (load && load->duration_median_us != KERF_TIME_UNSET) {
            struct kerf_stream stream = kerf_stream_open(world->seed, world->replication, KERF_PURPOSE_DURATION, kerf_world_owner_of_work(world, pod));
            double median_seconds = (double)load->duration_median_us / (double)KERF_SECOND_US;
            double seconds = median_seconds * kerf_draw_lognormal(&stream, 0.0, load->duration_sigma);
            schedule(kubelet, books, now_us + kerf_time_of_seconds(seconds), KERF_EVENT_POD_FINISHED, id);
        }
        kerf_cluster_set_pod_ready(world->cluster, id, true);
        break;
    case KERF_EVENT_POD_FINISHED:
        kerf_cluster_set_pod_phase(world->cluster, id, KERF_POD_SUCCEEDED);
        break;
    default: /* KERF_EVENT_POD_STOPPED */
        kerf_cluster_remove_pod(world->cluster, id);
        break;
    }
}

struct kerf_kubelets *kerf_kubelets_new(struct kerf_world *world)
{
    struct kerf_kubelets *kubelet = kerf_allocate(sizeof *kubelet);
    kubelet->world = world;
    kerf_books_init(&kubelet->pods, sizeof(struct kubelet_pod));
    kerf_books_init(&kubelet->nodes, sizeof(struct kubelet_node));
    kerf_cluster_listen(world->cluster, on_change, kubelet);
    kerf_world_listen(world, on_notice, kubelet);
    for (uint16_t kind = KERF_EVENT_POD_STARTED; kind <= KERF_EVENT_POD_STOPPED; kind++)
        kerf_engine_handle(world->engine, kind, on_event, kubelet);
    return kubelet;
}

void kerf_kubelets_free(struct kerf_kubelets *kubelet)
{
    if (!kubelet)
        return;
    for (size_t at = 0; at < kerf_cluster_node_count(kubelet->world->cluster); at++) {
        struct kubelet_node *books = kerf_books_find(&kubelet->nodes, kerf_cluster_node_at(kubelet->world->cluster, at)->id.index);
        if (books)
            free(books->images);
    }
    kerf_books_fini(&kubelet->pods);
    kerf_books_fini(&kubelet->nodes);
    free(kubelet);
}
