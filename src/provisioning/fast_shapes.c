/**
 * fast_shapes: pods by shape, their queue, and the views of a shape as it is relaxed. What a view asks of a place is put together
 * from what shapes have in common: a fit, and gates of topology.
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

/* ---- reading pods ------------------------------------------------------------------------------------------------------ */

/* What two pods of the queue are compared by after cpu and memory (2.1); the rest of the UID where its beginning is the same. */
struct age {
    int64_t created_epoch_s; /* creation times have whole seconds */
    uint64_t uid_begin;
};

static struct age age_of(const struct kerf_pod *pod)
{
    struct age age = {.created_epoch_s = pod->meta.created_epoch_us / KERF_SECOND_US};
    kerf_name uid = pod->meta.uid;
    if (uid == NULL)
        return age;
    if (uid->length >= 8) { /* the same, with fewer steps */
        for (uint32_t i = 0; i < 8; i++)
            age.uid_begin = age.uid_begin << 8 | (unsigned char)uid->text[i];
        return age;
    }
    for (uint32_t i = 0; i < 8; i++) /* a short text ends in zeros */
        age.uid_begin = age.uid_begin << 8 | (i < uid->length ? (unsigned char)uid->text[i] : 0u);
    return age;
}

static int compare_ages(const struct age *a, const struct age *b)
{
    int order = kerf_compare_i64(a->created_epoch_s, b->created_epoch_s);
    return order != 0 ? order : kerf_compare_u64(a->uid_begin, b->uid_begin);
}

static bool is_constrained(const struct kerf_pod_spec *spec)
{
    return spec->spreads.count > 0 || spec->required_affinity.count > 0 || spec->preferred_affinity.count > 0 ||
           spec->required_anti_affinity.count > 0 || spec->preferred_anti_affinity.count > 0;
}

static bool ignores_window(const struct kerf_pass *pass, const struct kerf_cluster_pod *pod)
{
    if (!pass->options.protect_recent_nodes || pod->pod.phase == KERF_POD_PENDING)
        return true;
    const struct kerf_cluster_node *node = kerf_cluster_node(pass->cluster, pod->node);
    return node != NULL && kerf_cluster_is_deleting(pass->cluster, node);
}

static bool has_claim_volumes(const struct kerf_pod_spec *spec)
{
    for (uint32_t i = 0; i < spec->volume_count; i++)
        if (spec->volumes[i].claim_name != NULL || spec->volumes[i].ephemeral)
            return true;
    return false;
}

static int compare_sizes(const struct kerf_resources *a, const struct kerf_resources *b)
{
    int order = kerf_compare_i64(b->cpu_nanocores, a->cpu_nanocores);
    return order != 0 ? order : kerf_compare_i64(b->memory_millibytes, a->memory_millibytes);
}

/* Pods of one size, in the order of the input. */
struct size {
    const struct kerf_resources *requests;
    uint32_t next; /* with the same hash */
    uint32_t count;
    uint32_t last; /* position of the last one */
    struct age last_age;
    bool unsorted; /* the input has them in another order than the queue */
};

/* A pod that was read, by what its replicas share with it. */
struct known_pod {
    const struct kerf_pod_spec *spec; /* the pod's: a first look. NULL: nobody is here */
    const struct kerf_pod *pod;
    bool ignores_window;
    uint32_t shape;
};

enum { KNOWN_SETS = 256, KNOWN_PER_SET = 8, FEW_PODS = 256 };

struct reader {
    struct kerf_fast *fast;
    KERF_VEC(struct size) sizes;
    struct kerf_id_map size_index;
    struct known_pod *known; /* KNOWN_SETS by hash, each of KNOWN_PER_SET; NULL: not worth it for few pods */
    uint32_t known_next;     /* whose place in a full set the next one takes */
};

static uint32_t find_size(struct reader *reader, const struct kerf_resources *requests)
{
    uint64_t hash = kerf_hash_mix((uint64_t)requests->cpu_nanocores, (uint64_t)requests->memory_millibytes);
    uint32_t first = kerf_id_map_get(&reader->size_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = reader->sizes.items[i].next)
        if (compare_sizes(reader->sizes.items[i].requests, requests) == 0)
            return i;
    uint32_t made = (uint32_t)reader->sizes.count;
    KERF_VEC_PUSH(&reader->sizes, (struct size){.requests = requests, .next = first});
    kerf_id_map_put(&reader->size_index, hash, made);
    return made;
}

static uint32_t add_shape(struct reader *reader, const struct kerf_cluster_pod *pod, bool ignores)
{
    struct kerf_fast *fast = reader->fast;
    struct kerf_pass *pass = fast->pass;
    struct kerf_shape shape = {.next = KERF_NOT_FOUND, .size = find_size(reader, pod->pod.requests)};
    shape.pod.id = pod->id;
    shape.pod.pod = &pod->pod;
    shape.pod.requests = pod->pod.requests;
    shape.pod.ignores_window = ignores;
    shape.constrained = is_constrained(pod->pod.spec);
    kerf_pass_read_pod(pass, &shape.pod);
    if (pod->pod.spec->volume_count > 0)
        kerf_pass_read_volumes(pass, &shape.pod);
    KERF_VEC_PUSH(&fast->shapes, shape);
    return (uint32_t)fast->shapes.count - 1;
}

static uint32_t find_shape(struct reader *reader, const struct kerf_cluster_pod *pod, bool ignores)
{
    struct kerf_fast *fast = reader->fast;
    if (has_claim_volumes(pod->pod.spec))
        return add_shape(reader, pod, ignores); /* volumes are its own */
    uint64_t hash = kerf_hash_mix(kerf_pod_identity_hash(&pod->pod), ignores);
    uint32_t first = kerf_id_map_get(&fast->shape_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = fast->shapes.items[i].next)
        if (fast->shapes.items[i].pod.ignores_window == ignores &&
            kerf_pods_ask_the_same(fast->shapes.items[i].pod.pod, &pod->pod))
            return i;
    uint32_t made = add_shape(reader, pod, ignores);
    fast->shapes.items[made].next = first;
    kerf_id_map_put(&fast->shape_index, hash, made);
    return made;
}

/* Replicas of one workload share their spec. */
static bool is_replica_of(const struct kerf_pod *pod, const struct kerf_pod *other)
{
    return pod->spec == other->spec && pod->requests == other->requests &&
           pod->meta.namespace_name == other->meta.namespace_name && kerf_labels_equal(&pod->meta.labels, &other->meta.labels);
}

/* Groups are made in the order of UIDs: the sample of a shape is its first pod by that. */
static void choose_sample(struct kerf_shape *shape, const struct kerf_pod *pod)
{
    const struct kerf_pod *sample = shape->pod.pod;
    int order = kerf_name_compare(pod->meta.uid, sample->meta.uid);
    if (order < 0 || (order == 0 && kerf_meta_details(&pod->meta)->input_index < kerf_meta_details(&sample->meta)->input_index))
        shape->pod.pod = pod;
}

/* What is common to replicas finds the shape without reading all that a pod asks. */
static uint32_t find_shape_by_replica(struct reader *reader, const struct kerf_cluster_pod *pod, bool ignores)
{
    if (reader->known == NULL)
        return find_shape(reader, pod, ignores);
    const struct kerf_meta *meta = &pod->pod.meta;
    uint64_t hash = kerf_hash_mix((uint64_t)pod->pod.requests->cpu_nanocores, (uint64_t)pod->pod.requests->memory_millibytes);
    hash = kerf_hash_mix(hash, meta->namespace_name != NULL ? meta->namespace_name->hash : 0);
    if (meta->labels.count > 0)
        hash = kerf_hash_mix(hash, meta->labels.items[0].value != NULL ? meta->labels.items[0].value->hash : 0);
    struct known_pod *set = &reader->known[hash % KNOWN_SETS * KNOWN_PER_SET];
    uint32_t at = 0;
    for (; at < KNOWN_PER_SET && set[at].spec != NULL; at++)
        if (set[at].spec == pod->pod.spec && set[at].ignores_window == ignores && is_replica_of(&pod->pod, set[at].pod))
            return set[at].shape;
    if (pod->pod.spec->volume_count > 0) /* volumes may be its own */
        return find_shape(reader, pod, ignores);
    if (at == KNOWN_PER_SET)
        at = reader->known_next++ % KNOWN_PER_SET;
    set[at] = (struct known_pod){pod->pod.spec, &pod->pod, ignores, find_shape(reader, pod, ignores)};
    return set[at].shape;
}

/* ---- the order of the queue (2.1) -------------------------------------------------------------------------------------- */

static const struct kerf_pod *pod_at(const struct kerf_fast *fast, uint32_t position)
{
    return &kerf_cluster_pod(fast->pass->cluster, fast->pass->input->pods[position])->pod;
}

/* Of pods of one size. */
static int compare_pods(const struct kerf_fast *fast, uint32_t left, const struct age *left_age, uint32_t right,
                        const struct age *right_age)
{
    int order = compare_ages(left_age, right_age);
    if (order == 0)
        order = kerf_name_compare(pod_at(fast, left)->meta.uid, pod_at(fast, right)->meta.uid);
    return order != 0 ? order
                      : kerf_compare_u64(fast->pass->input->pods[left].index, fast->pass->input->pods[right].index);
}

struct aged_position {
    struct age age;
    uint32_t position;
};

static int compare_positions(const void *a, const void *b, void *context)
{
    const struct aged_position *left = a, *right = b;
    return compare_pods(context, left->position, &left->age, right->position, &right->age);
}

static void sort_by_age(struct kerf_fast *fast, uint32_t *positions, size_t count)
{
    struct aged_position *aged = kerf_reallocate(NULL, kerf_array_bytes(count, sizeof aged[0]));
    for (size_t i = 0; i < count; i++)
        aged[i] = (struct aged_position){age_of(pod_at(fast, positions[i])), positions[i]};
    kerf_sort(aged, count, sizeof aged[0], compare_positions, fast);
    for (size_t i = 0; i < count; i++)
        positions[i] = aged[i].position;
    free(aged);
}

struct ranked_size {
    const struct kerf_resources *requests;
    uint32_t size;
};

static int compare_ranked(const void *a, const void *b, void *context)
{
    (void)context;
    return compare_sizes(((const struct ranked_size *)a)->requests, ((const struct ranked_size *)b)->requests);
}

/* By size first, which takes no comparing, then each size by age, if it is not in order already. */
static void sort_queue(struct reader *reader)
{
    struct kerf_fast *fast = reader->fast;
    size_t size_count = reader->sizes.count;
    struct ranked_size *ranked = kerf_reallocate(NULL, kerf_array_bytes(size_count, sizeof ranked[0]));
    for (uint32_t i = 0; i < size_count; i++)
        ranked[i] = (struct ranked_size){reader->sizes.items[i].requests, i};
    kerf_sort(ranked, size_count, sizeof ranked[0], compare_ranked, NULL);
    uint32_t *ends = kerf_reallocate(NULL, kerf_array_bytes(size_count, sizeof ends[0])); /* of those put into the queue so far */
    uint32_t begin = 0;
    for (size_t i = 0; i < size_count; i++) {
        ends[ranked[i].size] = begin;
        begin += reader->sizes.items[ranked[i].size].count;
    }
    uint32_t *size_of = kerf_reallocate(NULL, kerf_array_bytes(fast->shapes.count, sizeof size_of[0]));
    for (size_t i = 0; i < fast->shapes.count; i++)
        size_of[i] = fast->shapes.items[i].size;
    for (uint32_t i = 0; i < fast->pass->input->pod_count; i++)
        fast->order[ends[size_of[fast->shape_of[i]]]++] = i;
    for (size_t i = 0; i < size_count; i++)
        if (reader->sizes.items[i].unsorted)
            sort_by_age(fast, &fast->order[ends[i] - reader->sizes.items[i].count], reader->sizes.items[i].count);
    free(size_of);
    free(ends);
    free(ranked);
}

static void note_age(struct reader *reader, struct size *size, uint32_t position, const struct kerf_pod *pod)
{
    struct age age = age_of(pod);
    size->unsorted |= size->count > 0 && compare_pods(reader->fast, size->last, &size->last_age, position, &age) > 0;
    size->count++;
    size->last = position;
    size->last_age = age;
}

/* What is read of a pod some places on is on its way by then: a million pods are read at the speed of memory. */
static void fetch_ahead(const struct kerf_pass *pass, size_t position)
{
    enum { PLACES = 16, LINE_BYTES = 64 };
    if (position + PLACES >= pass->input->pod_count)
        return;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(pass->cluster, pass->input->pods[position + PLACES]);
    KERF_ASSERT(pod != NULL);
    __builtin_prefetch(pod);
    __builtin_prefetch((const char *)pod + LINE_BYTES);
}

void kerf_fast_read_pods(struct kerf_fast *fast)
{
    struct kerf_pass *pass = fast->pass;
    const struct kerf_provisioning_input *input = pass->input;
    pass->in_pass = KERF_NEW_ARRAY(&pass->arena, uint64_t, kerf_bitset_words(kerf_cluster_pod_id_bound(pass->cluster)));
    fast->shape_of = KERF_NEW_ARRAY(&pass->arena, uint32_t, input->pod_count);
    fast->order = KERF_NEW_ARRAY(&pass->arena, uint32_t, input->pod_count);
    fast->pods_differ = pass->options.draw_ties;
    struct reader reader = {.fast = fast};
    if (input->pod_count > FEW_PODS)
        reader.known = kerf_allocate(kerf_array_bytes((size_t)KNOWN_SETS * KNOWN_PER_SET, sizeof reader.known[0]));
    const struct kerf_pod *before = NULL;
    bool ignored_before = false;
    for (uint32_t i = 0; i < input->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(pass->cluster, input->pods[i]);
        KERF_ASSERT(pod != NULL);
        fetch_ahead(pass, i);
        bool ignores = ignores_window(pass, pod);
        bool replica = before != NULL && ignores == ignored_before && is_replica_of(&pod->pod, before) &&
                       pod->pod.spec->volume_count == 0;
        uint32_t index = replica ? fast->shape_of[i - 1] : find_shape_by_replica(&reader, pod, ignores);
        fast->shape_of[i] = index;
        before = &pod->pod;
        ignored_before = ignores;
        struct kerf_shape *shape = &fast->shapes.items[index];
        note_age(&reader, &reader.sizes.items[shape->size], i, &pod->pod);
        if (shape->constrained)
            choose_sample(shape, &pod->pod);
        if (!shape->pod.volumes_unreadable)
            kerf_bit_set(pass->in_pass, pod->id.index);
    }
    sort_queue(&reader);
    KERF_VEC_FREE(&reader.sizes);
    kerf_id_map_fini(&reader.size_index);
    free(reader.known);
}

/* ---- fits and gates ---------------------------------------------------------------------------------------------------- */

static uint64_t hash_fit(const struct kerf_pass_pod *pod)
{
    uint64_t hash = kerf_requests_hash(pod->now.preferences.tolerates_prefer_no_schedule, pod->requests);
    const struct kerf_requirements *requirements = &pod->now.full;
    for (size_t i = 0; i < requirements->count; i++) {
        hash = kerf_hash_mix(hash, (uint64_t)requirements->items[i].key->hash << 1 | requirements->items[i].complement);
        for (uint32_t k = 0; k < requirements->items[i].value_count; k++)
            hash = kerf_hash_mix(hash, requirements->items[i].values[k]->hash);
    }
    return kerf_tolerations_hash(hash, &pod->pod->spec->tolerations);
}

static bool is_of_fit(const struct kerf_fit *fit, const struct kerf_pass_pod *pod)
{
    const struct kerf_pass_pod *other = fit->pod;
    if (fit->tolerates_prefer_no_schedule != pod->now.preferences.tolerates_prefer_no_schedule ||
        other->ignores_window != pod->ignores_window || fit->requirements.count != pod->now.full.count)
        return false;
    for (size_t i = 0; i < fit->requirements.count; i++)
        if (!kerf_requirement_equal(&fit->requirements.items[i], &pod->now.full.items[i]))
            return false;
    return kerf_resources_equal(other->requests, pod->requests) &&
           kerf_tolerations_same(&other->pod->spec->tolerations, &pod->pod->spec->tolerations) &&
           kerf_host_ports_same(other->pod->spec, pod->pod->spec);
}

static uint32_t find_fit(struct kerf_fast *fast, struct kerf_pass_pod *pod)
{
    bool own = pod->has_claim_volumes; /* its volumes let it go where others may not */
    uint64_t hash = hash_fit(pod);
    uint32_t first = own ? KERF_NOT_FOUND : kerf_id_map_get(&fast->fit_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = fast->fits.items[i].next)
        if (is_of_fit(&fast->fits.items[i], pod))
            return i;
    struct kerf_fit fit = {
        .pod = pod,
        .tolerates_prefer_no_schedule = pod->now.preferences.tolerates_prefer_no_schedule,
        .requirements = pod->now.full,
        .hash = hash,
        .next = first,
        .refusals.nodes = KERF_NEW_ARRAY(&fast->pass->arena, uint64_t, kerf_bitset_words(fast->pass->node_count)),
    };
    uint32_t made = (uint32_t)fast->fits.count;
    KERF_VEC_PUSH(&fast->fits, fit);
    if (!own)
        kerf_id_map_put(&fast->fit_index, hash, made);
    return made;
}

static uint32_t find_gate(struct kerf_fast *fast, uint32_t group, bool self)
{
    uint64_t key = (uint64_t)group << 1 | self;
    uint32_t found = kerf_id_map_get(&fast->gate_index, key);
    if (found != KERF_NOT_FOUND)
        return found;
    struct kerf_gate gate = {
        .group = group,
        .self = self,
        .refusals.nodes = KERF_NEW_ARRAY(&fast->pass->arena, uint64_t, kerf_bitset_words(fast->pass->node_count)),
    };
    found = (uint32_t)fast->gates.count;
    kerf_id_map_put(&fast->gate_index, key, found);
    KERF_VEC_PUSH(&fast->gates, gate);
    return found;
}

/* Groups that apply (7.4): those behind gates, and whether there are others. */
static void set_gates(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view)
{
    struct kerf_pass *pass = fast->pass;
    const struct kerf_label_class *class = &pass->topology.classes.items[shape->pod.label_class];
    uint32_t owned = view->view.groups.count;
    uint32_t count = owned + (uint32_t) class->inverse.count;
    view->gates = count > 0 ? KERF_NEW_ARRAY(&pass->arena, uint32_t, count) : NULL;
    view->gate_count = 0;
    view->is_simple = true;
    view->inverse_count = (uint32_t) class->inverse.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t position = i < owned ? view->view.groups.items[i] : class->inverse.items[i - owned];
        const struct kerf_topology_group *group = pass->topology.groups.items[position];
        if (kerf_group_refuses_for_good(group))
            view->gates[view->gate_count++] = find_gate(fast, position, kerf_group_selects(pass, group, shape->pod.pod));
        else
            view->is_simple = false;
    }
    view->asks_for_room = kerf_fast_asks_for_room(shape, view);
}

/* ---- views ------------------------------------------------------------------------------------------------------------- */

static struct kerf_shape_view *add_view(struct kerf_fast *fast, struct kerf_shape *shape)
{
    struct kerf_shape_view view = {.view = shape->pod.now, .fit = find_fit(fast, &shape->pod)};
    set_gates(fast, shape, &view);
    KERF_VEC_PUSH_IN(&fast->pass->arena, &shape->views, view);
    shape->current = (uint32_t)shape->views.count - 1;
    fast->cursor_view = NULL; /* views have moved */
    return &shape->views.items[shape->current];
}

void kerf_fast_init_topology(struct kerf_fast *fast)
{
    struct kerf_pass_pod **pods = KERF_NEW_ARRAY(&fast->pass->arena, struct kerf_pass_pod *, fast->shapes.count);
    for (size_t i = 0; i < fast->shapes.count; i++)
        pods[i] = &fast->shapes.items[i].pod;
    kerf_pass_init_topology(fast->pass, pods, fast->shapes.count);
}

struct kerf_shape_view *kerf_fast_view(struct kerf_fast *fast, struct kerf_shape *shape, uint32_t step)
{
    if (step >= shape->views.count) {
        if (shape->views.count == 0)
            return add_view(fast, shape);
        if (shape->fully_relaxed)
            return NULL;
        /* what is left to relax lies in arrays that belong to the last view */
        shape->pod.now = shape->views.items[shape->views.count - 1].view;
        shape->current = (uint32_t)shape->views.count - 1;
        if (!kerf_pass_relax(fast->pass, &shape->pod)) {
            shape->fully_relaxed = true;
            return NULL;
        }
        return add_view(fast, shape);
    }
    struct kerf_shape_view *view = &shape->views.items[step];
    if (shape->current != step) {
        shape->pod.now = view->view;
        shape->current = step;
    }
    if (view->inverse_count != fast->pass->topology.classes.items[shape->pod.label_class].inverse.count)
        set_gates(fast, shape, view);
    return view;
}

void kerf_fast_restore(struct kerf_fast *fast, struct kerf_shape *shape)
{
    if (shape->pod.original_has_groups)
        return;                                 /* the first view is still there */
    kerf_pass_restore(fast->pass, &shape->pod); /* from now on topology counts (Q14) */
    for (size_t i = 0; i < shape->views.count; i++)
        kerf_text_fini(&shape->views.items[i].reason);
    shape->views.count = 0;
    shape->fully_relaxed = false;
    fast->state++;
}

void kerf_fast_fini(struct kerf_fast *fast)
{
    for (size_t i = 0; i < fast->shapes.count; i++)
        for (size_t k = 0; k < fast->shapes.items[i].views.count; k++)
            kerf_text_fini(&fast->shapes.items[i].views.items[k].reason);
    for (size_t i = 0; i < fast->fits.count; i++) {
        free(fast->fits.items[i].refusals.claims);
        free(fast->fits.items[i].admitted);
    }
    for (size_t i = 0; i < fast->gates.count; i++)
        free(fast->gates.items[i].refusals.claims);
    KERF_VEC_FREE(&fast->shapes);
    KERF_VEC_FREE(&fast->fits);
    KERF_VEC_FREE(&fast->gates);
    KERF_VEC_FREE(&fast->frontiers);
    kerf_id_map_fini(&fast->frontier_index);
    kerf_id_map_fini(&fast->shape_index);
    kerf_id_map_fini(&fast->fit_index);
    kerf_id_map_fini(&fast->gate_index);
}
