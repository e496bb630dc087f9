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

static uint32_t add_shape(struct kerf_fast *fast, const struct kerf_cluster_pod *pod, bool ignores)
{
    struct kerf_pass *pass = fast->pass;
    struct kerf_shape shape = {.next = KERF_NOT_FOUND};
    shape.pod.id = pod->id;
    shape.pod.pod = &pod->pod;
    shape.pod.requests = pod->pod.requests;
    shape.pod.ignores_window = ignores;
    kerf_pass_read_pod(pass, &shape.pod);
    if (pod->pod.spec->volume_count > 0)
        kerf_pass_read_volumes(pass, &shape.pod);
    KERF_VEC_PUSH(&fast->shapes, shape);
    return (uint32_t)fast->shapes.count - 1;
}

static uint32_t find_shape(struct kerf_fast *fast, const struct kerf_cluster_pod *pod, bool ignores)
{
    if (has_claim_volumes(pod->pod.spec))
        return add_shape(fast, pod, ignores); /* volumes are its own */
    uint64_t hash = kerf_hash_mix(kerf_pod_identity_hash(&pod->pod), ignores);
    uint32_t first = kerf_id_map_get(&fast->shape_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = fast->shapes.items[i].next)
        if (fast->shapes.items[i].pod.ignores_window == ignores &&
            kerf_pods_ask_the_same(fast->shapes.items[i].pod.pod, &pod->pod))
            return i;
    uint32_t made = add_shape(fast, pod, ignores);
    fast->shapes.items[made].next = first;
    kerf_id_map_put(&fast->shape_index, hash, made);
    return made;
}

/* Neighbours are often replicas of one workload and share what they point to. */
static bool is_replica_of(const struct kerf_pod *pod, const struct kerf_pod *other)
{
    return pod->spec == other->spec && pod->requests == other->requests && pod->meta.labels.items == other->meta.labels.items &&
           pod->meta.labels.count == other->meta.labels.count && pod->meta.namespace_name == other->meta.namespace_name;
}

/* Groups are made in the order of UIDs: the sample of a shape is its first pod by that. */
static void choose_sample(struct kerf_shape *shape, const struct kerf_pod *pod)
{
    const struct kerf_pod *sample = shape->pod.pod;
    int order = kerf_name_compare(pod->meta.uid, sample->meta.uid);
    if (order < 0 || (order == 0 && pod->meta.input_index < sample->meta.input_index))
        shape->pod.pod = pod;
}

struct ranked_shape {
    const struct kerf_resources *requests;
    uint32_t shape;
};

static int compare_sizes(const struct kerf_resources *a, const struct kerf_resources *b)
{
    int order = kerf_compare_i64(b->cpu_nanocores, a->cpu_nanocores);
    return order != 0 ? order : kerf_compare_i64(b->memory_millibytes, a->memory_millibytes);
}

static int compare_ranked(const void *a, const void *b, void *context)
{
    (void)context;
    const struct ranked_shape *left = a;
    const struct ranked_shape *right = b;
    int order = compare_sizes(left->requests, right->requests);
    return order != 0 ? order : kerf_compare_u64(left->shape, right->shape);
}

/* Numbers the different sizes, the largest first; how many there are. */
static uint32_t rank_shapes(struct kerf_fast *fast)
{
    size_t count = fast->shapes.count;
    struct ranked_shape *ranked = KERF_NEW_ARRAY(&fast->pass->arena, struct ranked_shape, count);
    for (uint32_t i = 0; i < count; i++)
        ranked[i] = (struct ranked_shape){fast->shapes.items[i].pod.requests, i};
    kerf_sort(ranked, count, sizeof ranked[0], compare_ranked, NULL);
    uint32_t rank = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_sizes(ranked[i - 1].requests, ranked[i].requests) != 0)
            rank++;
        fast->shapes.items[ranked[i].shape].rank = rank;
    }
    return rank + 1;
}

/* ---- the order of the queue (2.1) -------------------------------------------------------------------------------------- */

/* Pods that follow each other in the input and are of one shape; mostly replicas, in order of age. */
struct segment {
    uint32_t begin;
    uint32_t shape;
    bool sorted;
};

struct segments {
    KERF_VEC(struct segment) items;
};

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

static uint32_t end_of_segment(const struct kerf_fast *fast, const struct segments *segments, size_t at)
{
    return at + 1 < segments->items.count ? segments->items.items[at + 1].begin : (uint32_t)fast->pass->input->pod_count;
}

static bool follows(const struct kerf_fast *fast, uint32_t before, uint32_t position)
{
    struct age age_before = age_of(pod_at(fast, before)), age = age_of(pod_at(fast, position));
    return compare_pods(fast, before, &age_before, position, &age) <= 0;
}

/* By size first, which takes no comparing, then each size by age, if it is not in order already. */
static void sort_queue(struct kerf_fast *fast, const struct segments *segments)
{
    uint32_t rank_count = rank_shapes(fast);
    struct rank {
        uint32_t end; /* of those that were put there so far */
        bool unsorted;
    } *ranks = kerf_allocate(kerf_array_bytes(rank_count + 1u, sizeof ranks[0]));
    for (size_t i = 0; i < segments->items.count; i++)
        ranks[fast->shapes.items[segments->items.items[i].shape].rank + 1].end +=
            end_of_segment(fast, segments, i) - segments->items.items[i].begin;
    for (uint32_t i = 0; i < rank_count; i++)
        ranks[i + 1].end += ranks[i].end;
    uint32_t *begins = kerf_reallocate(NULL, kerf_array_bytes(rank_count + 1u, sizeof begins[0]));
    for (uint32_t i = 0; i <= rank_count; i++)
        begins[i] = ranks[i].end;
    for (size_t i = 0; i < segments->items.count; i++) {
        const struct segment *segment = &segments->items.items[i];
        uint32_t which = fast->shapes.items[segment->shape].rank;
        struct rank *rank = &ranks[which];
        rank->unsorted |= !segment->sorted ||
                          (rank->end > begins[which] && !follows(fast, fast->order[rank->end - 1], segment->begin));
        for (uint32_t position = segment->begin; position < end_of_segment(fast, segments, i); position++)
            fast->order[rank->end++] = position;
    }
    for (uint32_t i = 0; i < rank_count; i++)
        if (ranks[i].unsorted)
            sort_by_age(fast, &fast->order[begins[i]], begins[i + 1] - begins[i]);
    free(ranks);
    free(begins);
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
    struct segments segments = {0};
    struct age age_before = {0};
    const struct kerf_pod *before = NULL;
    for (uint32_t i = 0; i < input->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(pass->cluster, input->pods[i]);
        KERF_ASSERT(pod != NULL);
        fetch_ahead(pass, i);
        bool ignores = ignores_window(pass, pod);
        bool replica = before != NULL && is_replica_of(&pod->pod, before) && pod->pod.spec->volume_count == 0 &&
                       fast->shapes.items[fast->shape_of[i - 1]].pod.ignores_window == ignores;
        uint32_t index = replica ? fast->shape_of[i - 1] : find_shape(fast, pod, ignores);
        fast->shape_of[i] = index;
        struct age age = age_of(&pod->pod);
        if (i == 0 || fast->shape_of[i - 1] != index)
            KERF_VEC_PUSH(&segments.items, (struct segment){.begin = i, .shape = index, .sorted = true});
        else if (compare_pods(fast, i - 1, &age_before, i, &age) > 0)
            segments.items.items[segments.items.count - 1].sorted = false;
        before = &pod->pod;
        age_before = age;
        struct kerf_shape *shape = &fast->shapes.items[index];
        if (is_constrained(pod->pod.spec))
            choose_sample(shape, &pod->pod);
        if (!shape->pod.volumes_unreadable)
            kerf_bit_set(pass->in_pass, pod->id.index);
    }
    sort_queue(fast, &segments);
    KERF_VEC_FREE(&segments.items);
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
