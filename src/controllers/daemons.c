/**
 * daemons: a pod of each DaemonSet on every node that it selects and whose NoSchedule and NoExecute taints it tolerates (workloads.md 5).
 * The pod is made for its node, by an affinity to the node's name, and kube-scheduler binds it as any other.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct daemon_set {
    uint32_t workload_index;
    struct kerf_workload workload; /* its copy, with what all pods share */
    struct kerf_pod_spec spec;     /* the template's, with the tolerations that the controller adds */
};

struct kerf_daemons {
    struct kerf_world *world;
    struct kerf_arena arena;
    struct daemon_set *sets;
    uint32_t set_count;
    struct kerf_books nodes; /* a bitset by set: its pod was made */
};

/** Keys that the controller's own tolerations cover; the last only for pods on the host's network. */
static const struct {
    const char *key;
    enum kerf_taint_effect effect;
} added_tolerations[] = {
    { "node.kubernetes.io/not-ready", KERF_TAINT_NO_EXECUTE },      { "node.kubernetes.io/unreachable", KERF_TAINT_NO_EXECUTE },
    { "node.kubernetes.io/disk-pressure", KERF_TAINT_NO_SCHEDULE }, { "node.kubernetes.io/memory-pressure", KERF_TAINT_NO_SCHEDULE },
    { "node.kubernetes.io/pid-pressure", KERF_TAINT_NO_SCHEDULE },  { "node.kubernetes.io/unschedulable", KERF_TAINT_NO_SCHEDULE },
    { "node.kubernetes.io/network-unavailable", KERF_TAINT_NO_SCHEDULE },
};
enum { ADDED_TOLERATION_COUNT = sizeof added_tolerations / sizeof added_tolerations[0] };

static struct kerf_tolerations with_added_tolerations(struct kerf_daemons *daemons, const struct kerf_pod_spec *spec)
{
    uint32_t added = ADDED_TOLERATION_COUNT - (spec->host_network ? 0 : 1);
    struct kerf_toleration *items = KERF_NEW_ARRAY(&daemons->arena, struct kerf_toleration, spec->tolerations.count + added);
    if (spec->tolerations.count > 0)
        memcpy(items, spec->tolerations.items, spec->tolerations.count * sizeof *items);
    for (uint32_t i = 0; i < added; i++)
        items[spec->tolerations.count + i] = (struct kerf_toleration){
            .key = kerf_name_of(daemons->world->vocabulary->names, added_tolerations[i].key),
            .op = KERF_TOLERATION_EXISTS,
            .effect = added_tolerations[i].effect,
            .toleration_seconds = -1,
        };
    return (struct kerf_tolerations){ items, spec->tolerations.count + added };
}

/** Should a pod of the set be made there now? not-ready:NoSchedule is an ordinary taint here: most agents tolerate it, others wait. */
static bool belongs_on(const struct daemon_set *set, const struct kerf_cluster_node *node)
{
    const struct kerf_pod_spec *spec = &set->spec;
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

/** The node's own copy of the spec: bound to its name in every term of the node affinity. In the node's arena. */
static const struct kerf_pod_spec *spec_for_node(struct kerf_daemons *daemons, const struct daemon_set *set,
                                                 const struct kerf_cluster_node *node)
{
    struct kerf_arena *arena = kerf_cluster_node_arena(daemons->world->cluster, node->id);
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
    uint32_t term_count = set->spec.has_required_node_terms ? set->spec.required_node_term_count : 1;
    struct kerf_node_selector_term *terms = KERF_NEW_ARRAY(arena, struct kerf_node_selector_term, term_count);
    for (uint32_t i = 0; i < term_count; i++) {
        if (set->spec.has_required_node_terms)
            terms[i] = set->spec.required_node_terms[i];
        terms[i].match_fields = (struct kerf_expressions){ field, 1 };
    }
    struct kerf_pod_spec *spec = kerf_arena_copy(arena, &set->spec, sizeof *spec);
    spec->has_required_node_terms = true;
    spec->required_node_terms = terms;
    spec->required_node_term_count = term_count;
    return spec;
}

static void create_pod(struct kerf_daemons *daemons, const struct daemon_set *set, const struct kerf_cluster_node *node)
{
    struct kerf_world *world = daemons->world;
    struct kerf_pod pod;
    kerf_workload_make_pod(kerf_cluster_node_arena(world->cluster, node->id), world->vocabulary, &set->workload, node->id.index,
                           kerf_world_epoch_now(world), &pod);
    pod.has_status = true;
    pod.spec = spec_for_node(daemons, set, node);
    pod.requests = &pod.spec->requests;
    kerf_cluster_add_pod(world->cluster, &pod, set->workload_index);
}

static void on_sync(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_daemons *daemons = context;
    struct kerf_world *world = daemons->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, (kerf_node_id){ (uint32_t)event->subject });
    if (!node || !node->has_node || kerf_cluster_is_deleting(world->cluster, node))
        return;
    for (uint32_t i = 0; i < daemons->set_count; i++) {
        uint64_t *made = kerf_books_open(&daemons->nodes, node->id.index);
        if (kerf_bit_get(made, i) || !belongs_on(&daemons->sets[i], node))
            continue;
        kerf_bit_set(made, i);
        create_pod(daemons, &daemons->sets[i], node);
    }
}

/** A daemon pod that is taken from a node which stays is not made again: nothing here takes one but the node's own end. */
static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    (void)cluster;
    struct kerf_daemons *daemons = context;
    switch (change->kind) {
    case KERF_CHANGE_NODE_ADDED:
    case KERF_CHANGE_NODE_READY:
    case KERF_CHANGE_NODE_CHANGED:
        kerf_world_schedule(daemons->world, kerf_world_now(daemons->world), KERF_EVENT_DAEMON_SYNC, change->node.index, 0);
        break;
    case KERF_CHANGE_NODE_REMOVED:
        kerf_books_drop(&daemons->nodes, change->node.index);
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
    daemons->sets = KERF_NEW_ARRAY(&daemons->arena, struct daemon_set, objects->workloads.count);
    for (uint32_t i = 0; i < objects->workloads.count; i++) {
        if (objects->workloads.items[i].kind != KERF_WORKLOAD_DAEMONSET)
            continue;
        struct daemon_set *set = &daemons->sets[daemons->set_count++];
        set->workload_index = i;
        set->workload = objects->workloads.items[i];
        kerf_workload_prepare(&daemons->arena, world->vocabulary, &set->workload);
        set->spec = *set->workload.template.spec;
        set->spec.tolerations = with_added_tolerations(daemons, &set->spec);
    }
    kerf_books_init(&daemons->nodes, kerf_bitset_words(daemons->set_count) * sizeof(uint64_t));
    kerf_cluster_listen(world->cluster, on_change, daemons);
    kerf_engine_handle(world->engine, KERF_EVENT_DAEMON_SYNC, on_sync, daemons);
    return daemons;
}

void kerf_daemons_free(struct kerf_daemons *daemons)
{
    if (!daemons)
        return;
    kerf_books_fini(&daemons->nodes);
    kerf_arena_fini(&daemons->arena);
    free(daemons);
}
