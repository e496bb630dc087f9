/** What if: nodes and pods that come and go on paper, undone in the end, under the filters of the real ones. */
#include "binding_internal.h"

#include <stdlib.h>

enum undo_kind { UNDO_PODS, UNDO_NO_POD, UNDO_NODE, UNDO_NO_NODE, UNDO_TAINTS };

struct undo {
    enum undo_kind kind;
    uint32_t slot;
    uint32_t count; /* UNDO_PODS: how many came; UNDO_NO_POD: where it stood */
    const struct kerf_cluster_pod *pod;
    struct kerf_taints taints;
};

struct supposition {
    KERF_VEC(struct undo) done;
    KERF_VEC(uint32_t) touched; /* slots with a list of their own */
    struct supposed_pods *pods; /* by slot */
    uint32_t pods_capacity;
    uint32_t *order; /* of before */
    uint32_t order_count;
    uint32_t order_capacity;              /* of the binding's own, while something is supposed */
    struct kerf_arena arena;              /* of the attempt */
    const struct kerf_cluster_pod *asked; /* NULL: nothing */
    struct attempt attempt;
    bool stale; /* the attempt must be prepared anew */
};

/* ---- beginning and ending
 * ------------------------------------------------------------------------------------------------------------ */

static void grow_pods(struct kerf_binding *binding)
{
    struct supposition *supposition = binding->supposition;
    if (supposition->pods_capacity < binding->slot_capacity) {
        size_t before = supposition->pods_capacity;
        supposition->pods = kerf_reallocate(supposition->pods, binding->slot_capacity * sizeof *supposition->pods);
        memset(supposition->pods + before, 0, (binding->slot_capacity - before) * sizeof *supposition->pods);
        supposition->pods_capacity = binding->slot_capacity;
    }
    binding->supposed_pods = supposition->pods;
}

void kerf_binding_suppose_begin(struct kerf_binding *binding)
{
    KERF_ASSERT(!binding->supposed_pods);
    kerf_binding_refresh(binding);
    kerf_binding_trim_columns(binding);
    for (size_t i = 0; i < binding->match_columns.count; i++) /* from here on they follow each step */
        kerf_binding_match_column(binding, &binding->match_columns.items[i]->filter);
    binding->counts_by_slot = true;
    if (!binding->supposition) {
        binding->supposition = kerf_allocate(sizeof *binding->supposition);
        kerf_arena_init(&binding->supposition->arena);
    }
    struct supposition *supposition = binding->supposition;
    if (!binding->slot_capacity) { /* so that there is an array to stand for "begun" */
        binding->slot_capacity = 64;
        binding->nodes = kerf_reallocate(binding->nodes, binding->slot_capacity * sizeof *binding->nodes);
    }
    grow_pods(binding);
    supposition->order = kerf_reallocate(supposition->order, (binding->order_count + 1) * sizeof *supposition->order);
    if (binding->order_count)
        memcpy(supposition->order, binding->order, binding->order_count * sizeof *supposition->order);
    supposition->order_count = binding->order_count;
    supposition->order_capacity = binding->order_count;
    supposition->asked = NULL;
}

void kerf_binding_suppose_end(struct kerf_binding *binding)
{
    struct supposition *supposition = binding->supposition;
    kerf_binding_suppose_rewind(binding, 0);
    for (size_t i = 0; i < supposition->touched.count; i++)
        supposition->pods[supposition->touched.items[i]].stands = false;
    supposition->touched.count = 0;
    binding->supposed_pods = NULL;
    KERF_ASSERT(binding->order_count == supposition->order_count);
    if (binding->order_count)
        memcpy(binding->order, supposition->order, binding->order_count * sizeof *binding->order);
    kerf_binding_trim_log(binding);
}

void kerf_binding_suppose_fini(struct kerf_binding *binding)
{
    struct supposition *supposition = binding->supposition;
    if (!supposition)
        return;
    for (uint32_t i = 0; i < supposition->pods_capacity; i++)
        free(supposition->pods[i].items);
    free(supposition->pods);
    free(supposition->order);
    KERF_VEC_FREE(&supposition->done);
    KERF_VEC_FREE(&supposition->touched);
    kerf_arena_fini(&supposition->arena);
    free(supposition);
}

/* ---- pods of a node
 * ------------------------------------------------------------------------------------------------------------------ */

static struct supposed_pods *pods_of(struct kerf_binding *binding, uint32_t slot)
{
    struct supposed_pods *pods = &binding->supposed_pods[slot];
    if (pods->stands)
        return pods;
    const struct kerf_cluster_node *node = kerf_cluster_node(binding->cluster, binding->nodes[slot].id);
    uint32_t most = node ? node->pod_count : 0;
    if (pods->capacity < most) {
        pods->capacity = most + 8;
        pods->items = kerf_reallocate(pods->items, pods->capacity * sizeof *pods->items);
    }
    pods->count = 0;
    for (uint32_t i = 0; i < most; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(binding->cluster, node->pods[i]);
        if (!kerf_pod_is_terminal(&pod->pod))
            pods->items[pods->count++] = pod;
    }
    pods->stands = true;
    KERF_VEC_PUSH(&binding->supposition->touched, slot);
    return pods;
}

static void reserve(struct supposed_pods *pods, uint32_t more)
{
    uint32_t wanted = pods->count + more;
    if (wanted <= pods->capacity)
        return;
    pods->capacity = wanted > 2 * pods->capacity ? wanted : 2 * pods->capacity;
    pods->items = kerf_reallocate(pods->items, pods->capacity * sizeof *pods->items);
}

/** Columns that count pods follow each step, so that none has to look at a node again. Equal pods in a row are looked at once. */
static void count_in_columns(struct kerf_binding *binding, uint32_t slot, const struct kerf_cluster_pod *const *pods,
                             uint32_t count, int32_t sign)
{
    for (size_t c = 0; c < binding->match_columns.count; c++) {
        struct match_column *column = binding->match_columns.items[c];
        const struct kerf_pod *before = NULL;
        bool takes = false;
        uint32_t matches = 0;
        for (uint32_t i = 0; i < count; i++) {
            const struct kerf_pod *pod = &pods[i]->pod;
            if (!before || pod->meta.labels.items != before->meta.labels.items ||
                pod->meta.namespace_name != before->meta.namespace_name || kerf_pod_is_terminating(pod))
                takes = !(column->filter.skip_terminating && kerf_pod_is_terminating(pod)) &&
                        kerf_binding_filter_takes(binding, &column->filter, pod);
            before = kerf_pod_is_terminating(pod) ? NULL : pod;
            matches += takes;
        }
        column->count_of_slot[slot] += (uint32_t)sign * matches;
        column->total += (uint64_t)((int64_t)sign * matches);
    }
}

/** The node's pods enter or leave all columns with it. */
static void count_node_in_columns(struct kerf_binding *binding, uint32_t slot, bool present)
{
    kerf_binding_grow_match_columns(binding);
    const struct supposed_pods *pods = pods_of(binding, slot);
    if (present) {
        count_in_columns(binding, slot, pods->items, pods->count, 1);
        return;
    }
    for (size_t c = 0; c < binding->match_columns.count; c++) {
        struct match_column *column = binding->match_columns.items[c];
        column->total -= column->count_of_slot[slot];
        column->count_of_slot[slot] = 0;
    }
}

/** Lets the attempt that is open see a pod come or go. */
static void follow_pod(struct kerf_binding *binding, uint32_t slot, const struct kerf_pod *pod, int32_t sign)
{
    struct supposition *supposition = binding->supposition;
    if (!supposition->asked || supposition->stale ||
        (!pod->spec->required_anti_affinity.count && !supposition->attempt.volumes &&
         kerf_attempt_is_local(&supposition->attempt)))
        return;
    if (kerf_pod_is_terminating(pod) || (supposition->attempt.volumes && pod->spec->volume_count))
        supposition->stale = true; /* such pods are counted in ways that can't be followed */
    else
        kerf_attempt_count_pod(&supposition->attempt, slot, pod, sign);
}

/** Room on the node; pods of one spec in a row are added up at once. */
static void count_room(struct kerf_binding *binding, uint32_t slot, const struct kerf_cluster_pod *const *pods, uint32_t count,
                       int32_t sign)
{
    for (uint32_t i = 0; i < count;) {
        uint32_t next = i + 1;
        while (next < count && pods[next]->pod.spec == pods[i]->pod.spec && pods[next]->pod.requests == pods[i]->pod.requests)
            next++;
        kerf_binding_count_pod(binding, &binding->nodes[slot], &pods[i]->pod, sign * (int32_t)(next - i));
        i = next;
    }
}

void kerf_binding_suppose_pods(struct kerf_binding *binding, uint32_t slot, const struct kerf_cluster_pod *const *pods,
                               uint32_t count)
{
    struct supposition *supposition = binding->supposition;
    struct supposed_pods *there = pods_of(binding, slot);
    reserve(there, count);
    for (uint32_t i = 0; i < count; i++) {
        there->items[there->count++] = pods[i];
        follow_pod(binding, slot, &pods[i]->pod, 1);
    }
    count_room(binding, slot, pods, count, 1);
    count_in_columns(binding, slot, pods, count, 1);
    KERF_VEC_PUSH(&supposition->done, (struct undo){.kind = UNDO_PODS, .slot = slot, .count = count});
}

void kerf_binding_suppose_no_pod(struct kerf_binding *binding, uint32_t slot, const struct kerf_cluster_pod *pod)
{
    struct supposed_pods *there = pods_of(binding, slot);
    uint32_t at = 0;
    while (at < there->count && there->items[at] != pod)
        at++;
    KERF_ASSERT(at < there->count);
    there->count--;
    memmove(there->items + at, there->items + at + 1, (there->count - at) * sizeof *there->items);
    kerf_binding_count_pod(binding, &binding->nodes[slot], &pod->pod, -1);
    follow_pod(binding, slot, &pod->pod, -1);
    count_in_columns(binding, slot, &pod, 1, -1);
    KERF_VEC_PUSH(&binding->supposition->done, (struct undo){.kind = UNDO_NO_POD, .slot = slot, .count = at, .pod = pod});
}

const struct kerf_cluster_pod *const *kerf_binding_supposed_pods(struct kerf_binding *binding, uint32_t slot, uint32_t *out_count)
{
    const struct supposed_pods *pods = pods_of(binding, slot);
    *out_count = pods->count;
    return pods->items;
}

int64_t kerf_binding_supposed_requests(const struct kerf_binding *binding, uint32_t slot, enum kerf_resource resource)
{
    return binding->nodes[slot].used[resource];
}

int64_t kerf_binding_supposed_allocatable(const struct kerf_binding *binding, uint32_t slot, enum kerf_resource resource)
{
    return binding->nodes[slot].allocatable[resource];
}

bool kerf_binding_supposed_cordoned(const struct kerf_binding *binding, uint32_t slot)
{
    return binding->nodes[slot].unschedulable;
}

/* ---- nodes
 * --------------------------------------------------------------------------------------------------------------------------- */

uint32_t kerf_binding_suppose_slot(const struct kerf_binding *binding, kerf_node_id node)
{
    uint32_t slot = node.index < binding->node_id_capacity ? binding->slot_of_node[node.index] : KERF_NOT_FOUND;
    return slot != KERF_NOT_FOUND && binding->nodes[slot].alive ? slot : KERF_NOT_FOUND;
}

static void enter_order(struct kerf_binding *binding, uint32_t slot)
{
    struct supposition *supposition = binding->supposition;
    if (binding->order_count >= supposition->order_capacity) {
        supposition->order_capacity = binding->order_count * 2 + 64;
        binding->order = kerf_reallocate(binding->order, (supposition->order_capacity + 1) * sizeof *binding->order);
    }
    binding->order[binding->order_count++] = slot;
    if (!kerf_binding_has_name(binding, slot))
        kerf_name_map_put(&binding->slot_by_name, binding->nodes[slot].name, slot);
}

static void leave_order(struct kerf_binding *binding, uint32_t slot)
{
    uint32_t at = binding->order_count; /* mostly one of the last */
    while (binding->order[--at] != slot) {
    }
    binding->order_count--;
    memmove(binding->order + at, binding->order + at + 1, (binding->order_count - at) * sizeof *binding->order);
    if (kerf_binding_has_name(binding, slot))
        kerf_name_map_remove(&binding->slot_by_name, binding->nodes[slot].name);
}

/** A node came, went or changed: domains and what counts in them are others now. */
static void note_node(struct kerf_binding *binding, uint32_t slot)
{
    struct supposition *supposition = binding->supposition;
    kerf_binding_note_slot(binding, slot);
    for (size_t c = 0; c < binding->match_columns.count; c++)
        binding->match_columns.items[c]->cursor = binding->log.count; /* it was told */
    if (supposition->asked && !kerf_attempt_is_local(&supposition->attempt))
        supposition->stale = true;
    if (binding->nodes[slot].anti_pods)
        supposition->stale = true;
}

uint32_t kerf_binding_suppose_node(struct kerf_binding *binding, const struct kerf_node *node)
{
    uint32_t slot = kerf_binding_take_slot(binding);
    grow_pods(binding);
    struct node_info *info = &binding->nodes[slot];
    info->id = KERF_NO_NODE;
    kerf_binding_read_node(binding, info, node);
    struct supposed_pods *pods = pods_of(binding, slot);
    pods->count = 0;
    enter_order(binding, slot);
    kerf_binding_grow_match_columns(binding);
    note_node(binding, slot);
    KERF_VEC_PUSH(&binding->supposition->done, (struct undo){.kind = UNDO_NODE, .slot = slot});
    return slot;
}

static void set_present(struct kerf_binding *binding, uint32_t slot, bool present)
{
    struct node_info *info = &binding->nodes[slot];
    int64_t sign = present ? 1 : -1;
    info->alive = present;
    binding->affinity_pod_total += (uint64_t)(sign * info->affinity_pods);
    binding->anti_pod_total += (uint64_t)(sign * info->anti_pods);
    if (present)
        enter_order(binding, slot);
    else
        leave_order(binding, slot);
    count_node_in_columns(binding, slot, present);
    note_node(binding, slot);
}

void kerf_binding_suppose_no_node(struct kerf_binding *binding, uint32_t slot)
{
    set_present(binding, slot, false);
    KERF_VEC_PUSH(&binding->supposition->done, (struct undo){.kind = UNDO_NO_NODE, .slot = slot});
}

static void set_taints(struct kerf_binding *binding, uint32_t slot, struct kerf_taints taints)
{
    struct node_info *info = &binding->nodes[slot];
    info->taints = taints;
    info->has_hard_taints = false;
    for (size_t i = 0; i < taints.count; i++)
        info->has_hard_taints |= taints.items[i].effect != KERF_TAINT_PREFER_NO_SCHEDULE;
    note_node(binding, slot);
}

void kerf_binding_suppose_taints(struct kerf_binding *binding, uint32_t slot, struct kerf_taints taints)
{
    KERF_VEC_PUSH(&binding->supposition->done,
                  (struct undo){.kind = UNDO_TAINTS, .slot = slot, .taints = binding->nodes[slot].taints});
    set_taints(binding, slot, taints);
}

/* ---- undoing
 * ------------------------------------------------------------------------------------------------------------------------- */

size_t kerf_binding_suppose_mark(const struct kerf_binding *binding)
{
    return binding->supposition->done.count;
}

static void undo_pods(struct kerf_binding *binding, const struct undo *undo)
{
    struct supposed_pods *pods = &binding->supposed_pods[undo->slot];
    pods->count -= undo->count;
    count_room(binding, undo->slot, pods->items + pods->count, undo->count, -1);
    count_in_columns(binding, undo->slot, pods->items + pods->count, undo->count, -1);
}

static void undo_no_pod(struct kerf_binding *binding, const struct undo *undo)
{
    struct supposed_pods *pods = &binding->supposed_pods[undo->slot];
    reserve(pods, 1);
    memmove(pods->items + undo->count + 1, pods->items + undo->count, (pods->count - undo->count) * sizeof *pods->items);
    pods->items[undo->count] = undo->pod;
    pods->count++;
    kerf_binding_count_pod(binding, &binding->nodes[undo->slot], &undo->pod->pod, 1);
    count_in_columns(binding, undo->slot, &undo->pod, 1, 1);
}

void kerf_binding_suppose_rewind(struct kerf_binding *binding, size_t mark)
{
    struct supposition *supposition = binding->supposition;
    supposition->asked = NULL;
    while (supposition->done.count > mark) {
        const struct undo *undo = &supposition->done.items[--supposition->done.count];
        switch (undo->kind) {
        case UNDO_PODS:
            undo_pods(binding, undo);
            break;
        case UNDO_NO_POD:
            undo_no_pod(binding, undo);
            break;
        case UNDO_NODE:
            set_present(binding, undo->slot, false);
            KERF_VEC_PUSH(&binding->free_slots, undo->slot);
            break;
        case UNDO_NO_NODE:
            set_present(binding, undo->slot, true);
            break;
        case UNDO_TAINTS:
            set_taints(binding, undo->slot, undo->taints);
            break;
        }
    }
}

/* ---- asking
 * -------------------------------------------------------------------------------------------------------------------------- */

bool kerf_binding_suppose_asked(struct kerf_binding *binding, const struct kerf_cluster_pod *pod)
{
    struct supposition *supposition = binding->supposition;
    kerf_arena_reset(&supposition->arena);
    supposition->asked = pod;
    supposition->stale = false;
    kerf_attempt_begin(&supposition->attempt, binding, pod, NULL, &supposition->arena);
    return !supposition->attempt.rejected.plugin;
}

static struct attempt *fresh_attempt(struct kerf_binding *binding)
{
    struct supposition *supposition = binding->supposition;
    KERF_ASSERT(supposition->asked != NULL);
    if (supposition->stale)
        kerf_binding_suppose_asked(binding, supposition->asked);
    return &supposition->attempt;
}

bool kerf_binding_suppose_passes(struct kerf_binding *binding, uint32_t slot, const char **out_plugin)
{
    struct attempt *attempt = fresh_attempt(binding);
    struct refusal refusal = attempt->rejected;
    struct node_view view = kerf_view_of(binding, slot);
    bool passes = !attempt->rejected.plugin && kerf_attempt_filter(attempt, &view, &refusal);
    if (!passes && out_plugin)
        *out_plugin = refusal.plugin;
    return passes;
}

uint32_t kerf_binding_suppose_room(struct kerf_binding *binding, uint32_t slot, uint32_t wanted)
{
    if (!wanted || !kerf_binding_suppose_passes(binding, slot, NULL))
        return 0;
    const struct attempt *attempt = &binding->supposition->attempt;
    if (!kerf_binding_suppose_is_resource_bound(binding))
        return 1;
    const struct node_info *info = &binding->nodes[slot];
    int64_t room = info->allocatable[KERF_RESOURCE_PODS] - info->used[KERF_RESOURCE_PODS];
    for (uint32_t i = 0; i < attempt->request_count; i++) {
        enum kerf_resource resource = attempt->requests[i].resource;
        room = kerf_min_i64(room, (info->allocatable[resource] - info->used[resource]) / attempt->requests[i].amount);
    }
    return (uint32_t)kerf_min_i64(room, wanted);
}

bool kerf_binding_suppose_is_resource_bound(struct kerf_binding *binding)
{
    const struct attempt *attempt = fresh_attempt(binding);
    return kerf_attempt_is_local(attempt) && !attempt->port_count && !attempt->volumes;
}
