/**
 * daemons: a pod of each DaemonSet on every node that it selects and whose NoSchedule and NoExecute taints it tolerates (workloads.md 5).
 * The pod is made for its node, by an affinity to the node's name, and kube-scheduler binds it as any other.
 *
 * Simplified: the pods of a node are made one after the other at once, without the controller's rate of writes; a pod whose DaemonSet no
 * longer belongs on its node stays.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct daemon_set {
    uint32_t workload_index;
    struct kerf_workload workload; /* its copy, with what all pods share */
};

/** What the pods of one node share. It outlives the node for a moment: until pods that were never bound to it are gone. */
struct daemon_node {
    struct kerf_arena arena; /* specs of its pods */
    KERF_VEC(kerf_pod_id) pods; /* by set; KERF_NO_POD: none */
    kerf_event_handle sync;
};

struct kerf_daemons {
    struct kerf_world *world;
    struct kerf_arena arena;
    struct daemon_set *sets;
    uint32_t set_count;
    struct kerf_books nodes; /* struct daemon_node * */
};

/** Should a pod of the set be made there now? not-ready:NoSchedule is an ordinary taint here: most agents tolerate it, others wait. */
static bool belongs_on(const struct daemon_set *set, const struct kerf_cluster_node *node)
{
    const struct kerf_pod_spec *spec = set->workload.pod_spec;
    for (size_t i = 0; i < spec->node_selector.count; i++)
        if (kerf_labels_get(&node->node.meta.labels, spec->node_selector.items[i].key) != spec->node_selector.items[i].value)
            return false;
    if (spec->has_required_node_terms) {
        bool matched = false;
        for (uint32_t i = 0; i < spec->required_node_term_count && !matched; i++)
            matched = kerf_node_selector_term_matches(&spec->required_node_terms[i], &node->node.meta.labels, node->node.meta.name);
        if (!matched)
            return false;
    }
    return !kerf_taints_untolerated(&node->node.taints, &spec->tolerations, KERF_EFFECTS_HARD);
}

/** The node's own copy of the spec: bound to its name in every term of the node affinity. */
static const struct kerf_pod_spec *spec_for_node(struct kerf_daemons *daemons, const struct daemon_set *set, struct kerf_arena *arena,
                                                 const struct kerf_cluster_node *node)
{
    const struct kerf_pod_spec *shared = set->workload.pod_spec;
    kerf_name *node_name = KERF_NEW(arena, kerf_name);
    *node_name = node->node.meta.name;
    struct kerf_expression *field = KERF_NEW(arena, struct kerf_expression);
    *field = (struct kerf_expression){
        .key = kerf_name_of(daemons->world->vocabulary->names, "metadata.name"),
        .op = KERF_OP_IN,
        .values = node_name,
        .value_count = 1,
        .min_values = -1,
    };
    uint32_t term_count = shared->has_required_node_terms ? shared->required_node_term_count : 1;
    struct kerf_node_selector_term *terms = KERF_NEW_ARRAY(arena, struct kerf_node_selector_term, term_count);
    for (uint32_t i = 0; i < term_count; i++) {
        if (shared->has_required_node_terms)
            terms[i] = shared->required_node_terms[i];
        terms[i].match_fields = (struct kerf_expressions){ field, 1 };
    }
    struct kerf_pod_spec *spec = kerf_arena_copy(arena, shared, sizeof *spec);
    spec->has_required_node_terms = true;
    spec->required_node_terms = terms;
    spec->required_node_term_count = term_count;
    return spec;
}

static kerf_pod_id create_pod(struct kerf_daemons *daemons, const struct daemon_set *set, struct daemon_node *books,
                              const struct kerf_cluster_node *node)
{
    struct kerf_world *world = daemons->world;
    struct kerf_pod pod;
    kerf_workload_make_pod(&books->arena, world->vocabulary, &set->workload, node->id.index, kerf_world_epoch_now(world), &pod);
    pod.has_status = true;
    pod.spec = spec_for_node(daemons, set, &books->arena, node);
    pod.requests = &pod.spec->requests;
    return kerf_cluster_add_pod(world->cluster, &pod, set->workload_index);
}

static struct daemon_node *books_of(const struct kerf_daemons *daemons, kerf_node_id id)
{
    struct daemon_node **books = kerf_books_find(&daemons->nodes, id.index);
    return books ? *books : NULL;
}

static struct daemon_node *open_node(struct kerf_daemons *daemons, kerf_node_id id)
{
    struct daemon_node **row = kerf_books_open(&daemons->nodes, id.index);
    if (*row)
        return *row;
    struct daemon_node *books = *row = kerf_allocate(sizeof *books);
    kerf_arena_init(&books->arena);
    for (uint32_t i = 0; i < daemons->set_count; i++)
        KERF_VEC_PUSH(&books->pods, KERF_NO_POD);
    return books;
}

static void free_node(struct daemon_node *books)
{
    kerf_arena_fini(&books->arena);
    KERF_VEC_FREE(&books->pods);
    free(books);
}

/** The node is gone, and with it the pods that were bound there. Those that never were go now. */
static void close_node(struct kerf_daemons *daemons, kerf_node_id id, struct daemon_node *books)
{
    struct kerf_cluster *cluster = daemons->world->cluster;
    for (uint32_t i = 0; i < daemons->set_count; i++)
        if (kerf_cluster_pod(cluster, books->pods.items[i]))
            kerf_cluster_remove_pod(cluster, books->pods.items[i]);
    kerf_books_drop(&daemons->nodes, id.index);
    free_node(books);
}

static void on_sync(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_daemons *daemons = context;
    struct kerf_world *world = daemons->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct daemon_node *books = books_of(daemons, id);
    if (!node) {
        close_node(daemons, id, books);
        return;
    }
    if (kerf_cluster_is_deleting(world->cluster, node))
        return;
    for (uint32_t i = 0; i < daemons->set_count; i++)
        if (!kerf_cluster_pod(world->cluster, books->pods.items[i]) && belongs_on(&daemons->sets[i], node))
            books->pods.items[i] = create_pod(daemons, &daemons->sets[i], books, node);
}

static void wake(struct kerf_daemons *daemons, struct daemon_node *books, kerf_node_id id)
{
    struct kerf_world *world = daemons->world;
    if (!kerf_engine_is_scheduled(world->engine, books->sync))
        books->sync = kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_DAEMON_SYNC, id.index, 0);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_daemons *daemons = context;
    struct daemon_node *books;
    switch (change->kind) {
    case KERF_CHANGE_NODE_ADDED:
        wake(daemons, open_node(daemons, change->node), change->node);
        break;
    case KERF_CHANGE_NODE_READY:
    case KERF_CHANGE_NODE_CHANGED:
    case KERF_CHANGE_NODE_REMOVED:
        books = books_of(daemons, change->node);
        if (books)
            wake(daemons, books, change->node);
        break;
    case KERF_CHANGE_POD_REMOVED: /* one that was preempted is made again */
        books = books_of(daemons, change->node);
        if (books && kerf_cluster_pod(cluster, change->pod)->daemon)
            wake(daemons, books, change->node);
        break;
    default:
        break;
    }
}

struct kerf_daemons *kerf_daemons_new(struct kerf_world *world)
{
    struct kerf_daemons *daemons = kerf_allocate(sizeof *daemons);
    const struct kerf_objects *objects = &world->design->objects;
    daemons->world = world;
    kerf_arena_init(&daemons->arena);
    kerf_books_init(&daemons->nodes, sizeof(struct daemon_node *));
    daemons->sets = KERF_NEW_ARRAY(&daemons->arena, struct daemon_set, objects->workloads.count);
    for (uint32_t i = 0; i < objects->workloads.count; i++) {
        if (objects->workloads.items[i].kind != KERF_WORKLOAD_DAEMONSET)
            continue;
        struct daemon_set *set = &daemons->sets[daemons->set_count++];
        set->workload_index = i;
        set->workload = objects->workloads.items[i];
        kerf_workload_prepare(&daemons->arena, world->vocabulary, &set->workload);
    }
    if (daemons->set_count > 0)
        kerf_cluster_listen(world->cluster, on_change, daemons);
    kerf_engine_handle(world->engine, KERF_EVENT_DAEMON_SYNC, on_sync, daemons);
    return daemons;
}

void kerf_daemons_free(struct kerf_daemons *daemons)
{
    if (!daemons)
        return;
    /* Pods that live borrow from these: the world ends with its controllers. */
    for (uint32_t id = 0; id < kerf_cluster_node_id_bound(daemons->world->cluster); id++) {
        struct daemon_node *books = books_of(daemons, (kerf_node_id){ id });
        if (books)
            free_node(books);
    }
    kerf_books_fini(&daemons->nodes);
    kerf_arena_fini(&daemons->arena);
    free(daemons);
}
