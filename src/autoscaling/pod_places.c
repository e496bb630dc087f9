/** Places for pods on nodes that are there: the routine behind "fits already" and behind the simulated removal of nodes (4.2). */
#include "autoscaling_internal.h"

#include <stdlib.h>

enum { SHAPES_PER_CONTROLLER_MAX = 10 };

/* ---- hints
 * ------------------------------------------------------------------------------------------------------------------------- */

void kerf_place_hints_age(struct place_hints *hints)
{
    struct kerf_name_map map = hints->before;
    hints->before = hints->now;
    hints->now = map;
    kerf_name_map_clear(&hints->now);
    kerf_name *items = hints->names_before.items;
    size_t capacity = hints->names_before.capacity;
    hints->names_before.items = hints->names_now.items;
    hints->names_before.count = hints->names_now.count;
    hints->names_before.capacity = hints->names_now.capacity;
    hints->names_now.items = items;
    hints->names_now.capacity = capacity;
    hints->names_now.count = 0;
}

void kerf_place_hints_fini(struct place_hints *hints)
{
    kerf_name_map_fini(&hints->now);
    kerf_name_map_fini(&hints->before);
    KERF_VEC_FREE(&hints->names_now);
    KERF_VEC_FREE(&hints->names_before);
}

static kerf_name hint_of(const struct place_hints *hints, kerf_name uid)
{
    uint32_t index = kerf_name_map_get(&hints->now, uid);
    if (index != KERF_NOT_FOUND)
        return hints->names_now.items[index];
    index = kerf_name_map_get(&hints->before, uid);
    return index != KERF_NOT_FOUND ? hints->names_before.items[index] : NULL;
}

static void set_hint(struct place_hints *hints, kerf_name uid, kerf_name node)
{
    uint32_t index = kerf_name_map_get(&hints->now, uid);
    if (index != KERF_NOT_FOUND) {
        hints->names_now.items[index] = node;
        return;
    }
    kerf_name_map_put(&hints->now, uid, (uint32_t)hints->names_now.count);
    KERF_VEC_PUSH(&hints->names_now, node);
}

/* ---- pods that need not be tried: one like them failed
 * ------------------------------------------------------------------------------- */

struct failed_shape {
    pod_ref pod;
    uint32_t next; /* of the same controller; KERF_NOT_FOUND: last */
};
struct failed_shapes {
    struct kerf_name_map first_of_controller; /* by UID */
    KERF_VEC(struct failed_shape) shapes;
};

static kerf_name controller_uid(const struct kerf_pod *pod)
{
    const struct kerf_owner *controller = kerf_meta_controller(&pod->meta);
    return controller ? (controller->uid ? controller->uid : controller->name) : NULL;
}

static bool has_failed(const struct failed_shapes *failed, pod_ref pod)
{
    kerf_name uid = controller_uid(&pod->pod);
    uint32_t at = uid && failed->shapes.count ? kerf_name_map_get(&failed->first_of_controller, uid) : KERF_NOT_FOUND;
    for (; at != KERF_NOT_FOUND; at = failed->shapes.items[at].next)
        if (kerf_autoscaling_pods_alike(&failed->shapes.items[at].pod->pod, &pod->pod))
            return true;
    return false;
}

/** Replicas of one workload share what they are made of: no need to compare. False says nothing. */
static bool is_next_replica(pod_ref a, pod_ref b)
{
    return a->pod.meta.details == b->pod.meta.details && a->pod.meta.labels.items == b->pod.meta.labels.items && a->pod.spec == b->pod.spec &&
           a->pod.requests == b->pod.requests && a->pod.meta.namespace_name == b->pod.meta.namespace_name;
}

static void note_failure(struct failed_shapes *failed, pod_ref pod)
{
    kerf_name uid = controller_uid(&pod->pod);
    if (!uid)
        return;
    uint32_t first = kerf_name_map_get(&failed->first_of_controller, uid), count = 0;
    for (uint32_t at = first; at != KERF_NOT_FOUND; at = failed->shapes.items[at].next)
        count++;
    if (count >= SHAPES_PER_CONTROLLER_MAX)
        return;
    kerf_name_map_put(&failed->first_of_controller, uid, (uint32_t)failed->shapes.count);
    KERF_VEC_PUSH(&failed->shapes, (struct failed_shape){pod, first});
}

/* ---- finding places
 * ---------------------------------------------------------------------------------------------------------------- */

/** The pod is asked for; equal pods in a row share what was prepared. */
static bool ask(struct kerf_autoscaling *autoscaling, pod_ref pod, pod_ref *asked, bool *possible)
{
    if (!*asked || !kerf_autoscaling_pods_alike(&(*asked)->pod, &pod->pod)) {
        *possible = kerf_binding_suppose_asked(autoscaling->binding, pod);
        *asked = pod;
    }
    return *possible;
}

static uint32_t hinted_node(struct kerf_autoscaling *autoscaling, const struct place_hints *hints, pod_ref pod, unsigned mark)
{
    kerf_name hint = hint_of(hints, pod->pod.meta.uid);
    uint32_t at = hint ? kerf_node_list_find(autoscaling, hint) : KERF_NOT_FOUND;
    if (at == KERF_NOT_FOUND || !(autoscaling->list.nodes.items[at].marks & mark) ||
        !kerf_binding_suppose_passes(autoscaling->binding, autoscaling->list.nodes.items[at].slot, NULL))
        return KERF_NOT_FOUND;
    return at;
}

uint32_t kerf_pod_places_find(struct kerf_autoscaling *autoscaling, struct place_hints *hints, const pod_ref *pods,
                              uint32_t count, unsigned mark, bool all_or_nothing, uint32_t *out_nodes)
{
    struct failed_shapes failed = {0};
    pod_ref asked = NULL, last_failed = NULL;
    bool possible = false;
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        out_nodes[i] = KERF_NOT_FOUND;
        bool failed_before = (last_failed && is_next_replica(last_failed, pods[i])) || has_failed(&failed, pods[i]);
        uint32_t at = KERF_NOT_FOUND;
        if (!failed_before || hint_of(hints, pods[i]->pod.meta.uid)) {
            if (ask(autoscaling, pods[i], &asked, &possible))
                at = hinted_node(autoscaling, hints, pods[i], mark);
            if (possible && at == KERF_NOT_FOUND && !failed_before)
                at = kerf_node_list_search(autoscaling, mark, KERF_NOT_FOUND);
        }
        if (at == KERF_NOT_FOUND) {
            if (!failed_before)
                note_failure(&failed, pods[i]);
            last_failed = failed_before || controller_uid(&pods[i]->pod) ? pods[i] : NULL;
            if (all_or_nothing)
                break;
            continue;
        }
        out_nodes[i] = at;
        found++;
        kerf_binding_suppose_pods(autoscaling->binding, autoscaling->list.nodes.items[at].slot, &pods[i], 1);
        set_hint(hints, pods[i]->pod.meta.uid, autoscaling->list.nodes.items[at].name);
    }
    kerf_name_map_fini(&failed.first_of_controller);
    KERF_VEC_FREE(&failed.shapes);
    return found;
}

static int compare_priorities(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_i64(kerf_pod_priority(&(*(const pod_ref *)b)->pod), kerf_pod_priority(&(*(const pod_ref *)a)->pod));
}

/** Stable: pods of equal priority stay in their order, where the real program's sort may mix them beyond 12. */
void kerf_pods_sort_by_priority(pod_ref *pods, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (compare_priorities(&pods[i - 1], &pods[i], NULL) > 0) {
            kerf_sort(pods, count, sizeof *pods, compare_priorities, NULL);
            return;
        }
    }
}
