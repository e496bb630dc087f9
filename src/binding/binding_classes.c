/**
 * How many pods of a node a filter takes. What a filter reads of a pod is its namespace and its labels, so the pods of a node are counted by
 * class once after each change there, and each column asks of a class once whether it takes it.
 */
#include "binding_internal.h"

#include <stdlib.h>

/** Labels that are different for each pod must not fill memory for ever: then all classes are forgotten. */
enum { LABEL_CLASSES_MAX = 4096 };

static bool is_of_class(const struct label_class *class, const struct kerf_meta *meta)
{
    if (class->namespace_name != meta->namespace_name || class->labels.count != meta->labels.count)
        return false;
    for (size_t i = 0; i < meta->labels.count; i++)
        if (class->labels.items[i].key != meta->labels.items[i].key || class->labels.items[i].value != meta->labels.items[i].value)
            return false;
    return true;
}

static uint32_t find_class(struct kerf_binding *binding, const struct kerf_meta *meta)
{
    uint64_t hash = meta->namespace_name ? meta->namespace_name->hash : 1;
    for (size_t i = 0; i < meta->labels.count; i++)
        hash = kerf_hash_mix(kerf_hash_mix(hash, meta->labels.items[i].key->hash),
                             meta->labels.items[i].value ? meta->labels.items[i].value->hash : 1);
    uint32_t first = kerf_id_map_get(&binding->label_class_index, hash);
    for (uint32_t class = first; class != KERF_NOT_FOUND; class = binding->label_classes.items[class].next)
        if (is_of_class(&binding->label_classes.items[class], meta))
            return class;
    struct label_class made = {.namespace_name = meta->namespace_name, .labels.count = meta->labels.count, .next = first};
    made.labels.items = kerf_arena_copy(&binding->label_arena, meta->labels.items, meta->labels.count * sizeof *meta->labels.items);
    KERF_VEC_PUSH(&binding->label_classes, made);
    kerf_id_map_put(&binding->label_class_index, hash, (uint32_t)binding->label_classes.count - 1);
    return (uint32_t)binding->label_classes.count - 1;
}

static uint32_t class_of_pod(struct kerf_binding *binding, const struct kerf_cluster_pod *pod)
{
    uint32_t workload = pod->workload_index;
    if (workload == KERF_NOT_FOUND)
        return find_class(binding, &pod->pod.meta);
    while (binding->class_of_workload.count <= workload)
        KERF_VEC_PUSH(&binding->class_of_workload, KERF_NOT_FOUND);
    uint32_t *class = &binding->class_of_workload.items[workload];
    if (*class == KERF_NOT_FOUND || !is_of_class(&binding->label_classes.items[*class], &pod->pod.meta))
        *class = find_class(binding, &pod->pod.meta);
    return *class;
}

static void forget_classes(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->label_classes.count; i++)
        KERF_VEC_FREE(&binding->label_classes.items[i].changes);
    binding->label_classes.count = 0;
    binding->epoch++; /* columns start anew */
    kerf_id_map_clear(&binding->label_class_index);
    kerf_arena_reset(&binding->label_arena);
    binding->class_of_workload.count = 0;
    for (uint32_t slot = 0; slot < binding->slot_classes_capacity; slot++) {
        binding->slot_classes[slot].known = false;
        binding->slot_classes[slot].counts.count = 0;
    }
    for (size_t i = 0; i < binding->match_columns.count; i++)
        binding->match_columns.items[i]->takes.count = binding->match_columns.items[i]->taken.count = 0;
}

static void grow_slot_classes(struct kerf_binding *binding)
{
    if (binding->slot_classes_capacity < binding->slot_capacity) {
        uint32_t before = binding->slot_classes_capacity;
        binding->slot_classes_capacity = binding->slot_capacity;
        binding->slot_classes =
            kerf_reallocate(binding->slot_classes, kerf_array_bytes(binding->slot_capacity, sizeof *binding->slot_classes));
        memset(binding->slot_classes + before, 0, (binding->slot_capacity - before) * sizeof *binding->slot_classes);
    }
}

static struct class_count *open_count(struct slot_classes *classes, uint32_t class)
{
    for (size_t i = 0; i < classes->counts.count; i++)
        if (classes->counts.items[i].class == class)
            return &classes->counts.items[i];
    KERF_VEC_PUSH(&classes->counts, (struct class_count){.class = class});
    return &classes->counts.items[classes->counts.count - 1];
}

/** What changed goes to the classes, unless nobody follows them. */
static void recount(struct kerf_binding *binding, uint32_t slot)
{
    struct slot_classes *classes = &binding->slot_classes[slot];
    for (size_t i = 0; i < classes->counts.count; i++) {
        struct class_count *count = &classes->counts.items[i];
        *count = (struct class_count){.class = count->class, .count_before = count->count, .terminating_before = count->terminating};
    }
    const struct kerf_cluster_node *node =
        binding->nodes[slot].alive ? kerf_cluster_node(binding->cluster, binding->nodes[slot].id) : NULL;
    for (uint32_t i = 0; node && i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(binding->cluster, node->pods[i]);
        if (kerf_pod_is_terminal(&pod->pod))
            continue;
        struct class_count *count = open_count(classes, class_of_pod(binding, pod));
        count->count++;
        count->terminating += kerf_pod_is_terminating(&pod->pod);
    }
    size_t kept = 0;
    for (size_t i = 0; i < classes->counts.count; i++) {
        struct class_count count = classes->counts.items[i];
        int32_t more = (int32_t)(count.count - count.count_before), more_terminating = (int32_t)(count.terminating - count.terminating_before);
        if ((more || more_terminating) && !binding->counts_by_slot)
            KERF_VEC_PUSH(&binding->label_classes.items[count.class].changes, ((struct class_change){slot, more, more_terminating}));
        count.count_before = count.terminating_before = 0;
        if (count.count > 0)
            classes->counts.items[kept++] = count;
    }
    classes->counts.count = kept;
    classes->known = true;
}

static const struct slot_classes *classes_of_slot(struct kerf_binding *binding, uint32_t slot)
{
    grow_slot_classes(binding);
    if (!binding->slot_classes[slot].known && binding->counts_by_slot && binding->label_classes.count > LABEL_CLASSES_MAX)
        forget_classes(binding); /* columns that follow classes do so before they look at slots */
    if (!binding->slot_classes[slot].known)
        recount(binding, slot);
    return &binding->slot_classes[slot];
}

static bool takes_class(struct kerf_binding *binding, struct match_column *column, uint32_t class)
{
    while (column->takes.count <= class) {
        const struct label_class *next = &binding->label_classes.items[column->takes.count];
        struct kerf_pod sample = {.meta = {.namespace_name = next->namespace_name, .labels = next->labels}};
        bool takes = kerf_binding_filter_takes(binding, &column->filter, &sample);
        if (takes)
            KERF_VEC_PUSH(&column->taken, ((struct class_cursor){.class = (uint32_t)column->takes.count}));
        KERF_VEC_PUSH(&column->takes, takes);
    }
    return column->takes.items[class];
}

/** One by one: something is supposed of the node's pods. */
static uint32_t count_supposed(const struct kerf_binding *binding, const struct pod_filter *filter, uint32_t slot)
{
    struct slot_pods pods = kerf_slot_pods(binding, slot);
    uint32_t count = 0;
    for (uint32_t i = 0; i < pods.count; i++) {
        const struct kerf_pod *pod = &kerf_slot_pod(&pods, i)->pod;
        if (!kerf_pod_is_terminal(pod) && !(filter->skip_terminating && kerf_pod_is_terminating(pod)))
            count += kerf_binding_filter_takes(binding, filter, pod);
    }
    return count;
}

uint32_t kerf_binding_count_matches(struct kerf_binding *binding, struct match_column *column, uint32_t slot)
{
    if (!binding->nodes[slot].alive)
        return 0;
    if (binding->supposed_pods && binding->supposed_pods[slot].stands)
        return count_supposed(binding, &column->filter, slot);
    const struct slot_classes *classes = classes_of_slot(binding, slot);
    uint32_t count = 0;
    for (size_t i = 0; i < classes->counts.count; i++) {
        const struct class_count *of_class = &classes->counts.items[i];
        uint32_t counted = of_class->count - (column->filter.skip_terminating ? of_class->terminating : 0);
        if (counted > 0 && takes_class(binding, column, of_class->class))
            count += counted;
    }
    KERF_CHECK_SLOW(count == count_supposed(binding, &column->filter, slot));
    return count;
}

/** Slots that changed are counted anew, so that their classes know of it. */
static void follow_log(struct kerf_binding *binding)
{
    grow_slot_classes(binding);
    for (; binding->class_cursor < binding->log.count; binding->class_cursor++)
        if (!binding->slot_classes[binding->log.items[binding->class_cursor]].known)
            recount(binding, binding->log.items[binding->class_cursor]);
}

void kerf_binding_cut_class_changes(struct kerf_binding *binding)
{
    follow_log(binding); /* a slot whose node is gone must not keep its counts */
    binding->class_cursor = 0;
    for (size_t i = 0; i < binding->label_classes.count; i++)
        binding->label_classes.items[i].changes.count = 0;
}

bool kerf_binding_follow_classes(struct kerf_binding *binding, struct match_column *column, bool anew)
{
    if (binding->counts_by_slot)
        return false;
    if (binding->label_classes.count > LABEL_CLASSES_MAX)
        forget_classes(binding);
    follow_log(binding);
    if (anew || column->epoch != binding->epoch)
        return false;
    if (binding->label_classes.count > 0)
        (void)takes_class(binding, column, (uint32_t)binding->label_classes.count - 1);
    for (size_t i = 0; i < column->taken.count; i++) {
        struct class_cursor *taken = &column->taken.items[i];
        const struct label_class *class = &binding->label_classes.items[taken->class];
        for (; taken->change < class->changes.count; taken->change++) {
            const struct class_change *change = &class->changes.items[taken->change];
            int32_t more = change->count - (column->filter.skip_terminating ? change->terminating : 0);
            column->count_of_slot[change->slot] += (uint32_t)more;
            column->total += (uint64_t)(int64_t)more;
        }
    }
    for (uint32_t slot = 0; slot < binding->slot_count; slot++)
        KERF_CHECK_SLOW(column->count_of_slot[slot] == kerf_binding_count_matches(binding, column, slot));
    return true;
}

void kerf_binding_mark_classes(struct kerf_binding *binding, struct match_column *column)
{
    if (binding->label_classes.count > 0)
        (void)takes_class(binding, column, (uint32_t)binding->label_classes.count - 1);
    for (size_t i = 0; i < column->taken.count; i++)
        column->taken.items[i].change = binding->label_classes.items[column->taken.items[i].class].changes.count;
}

void kerf_binding_classes_fini(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->label_classes.count; i++)
        KERF_VEC_FREE(&binding->label_classes.items[i].changes);
    for (uint32_t slot = 0; slot < binding->slot_classes_capacity; slot++)
        KERF_VEC_FREE(&binding->slot_classes[slot].counts);
    free(binding->slot_classes);
    KERF_VEC_FREE(&binding->label_classes);
    KERF_VEC_FREE(&binding->class_of_workload);
    kerf_id_map_fini(&binding->label_class_index);
    kerf_arena_fini(&binding->label_arena);
}
