/**
 * pass_base: what passes over one state of the world share. Karpenter asks the same question over and over with a few nodes left out
 * (disruption's what-ifs); templates, daemon pods and what is free on each node are the same every time, so they are worked out once
 * and each pass takes a copy without the nodes that it leaves out. As the world goes on, cluster's journal names the nodes that must be
 * read again; all is read again when offerings come or go, or daemon pods differ from the templates of their sets.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/** Nodes read again leave their old lists in the arena: after so many all is read again. */
enum { RENEWED_MAX = 4096 };

void kerf_pass_base_init(struct kerf_pass_base *base)
{
    kerf_arena_init(&base->arena);
    kerf_arena_init(&base->listing_arena);
}

void kerf_pass_base_fini(struct kerf_pass_base *base)
{
    kerf_arena_fini(&base->arena);
    kerf_arena_fini(&base->listing_arena);
    free(base->nodes);
    free(base->position_of);
}

/* ---- running pods, for topology ---------------------------------------------------------------------------------------- */

static int compare_running(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_u64(((const struct kerf_running_pod *)a)->label_class, ((const struct kerf_running_pod *)b)->label_class);
}

static int compare_by_uid(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_cluster_pod *left = *(const struct kerf_cluster_pod *const *)a;
    const struct kerf_cluster_pod *right = *(const struct kerf_cluster_pod *const *)b;
    int order = kerf_name_compare(left->pod.meta.uid, right->pod.meta.uid);
    return order != 0 ? order : kerf_compare_u64(kerf_meta_details(&left->pod.meta)->input_index, kerf_meta_details(&right->pod.meta)->input_index);
}

static void list_anti_affine(struct kerf_pass_base *base, const struct kerf_cluster *cluster)
{
    KERF_VEC(const struct kerf_cluster_pod *) pods = {0};
    for (size_t i = 0; i < kerf_cluster_anti_affine_count(cluster); i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_anti_affine_at(cluster, i);
        if (kerf_pod_is_terminal(&pod->pod))
            continue;
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, pod->node);
        if (node != NULL && node->has_node)
            KERF_VEC_PUSH_IN(&base->listing_arena, &pods, pod);
    }
    kerf_sort(pods.items, pods.count, sizeof pods.items[0], compare_by_uid, NULL);
    base->anti_affine = pods.items;
    base->anti_affine_count = pods.count;
}

void kerf_pass_base_list_running(struct kerf_pass *pass)
{
    struct kerf_pass_base *base = pass->base;
    if (base->running_known)
        return;
    base->running_known = true;
    struct kerf_pass maker = {.cluster = pass->cluster, .vocabulary = pass->vocabulary}; /* label classes alone */
    size_t all = kerf_cluster_pod_count(pass->cluster);
    struct kerf_running_pod *running = KERF_NEW_ARRAY(&base->listing_arena, struct kerf_running_pod, all);
    size_t count = 0;
    for (size_t i = 0; i < all; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(pass->cluster, i);
        const struct kerf_cluster_node *node = kerf_cluster_node(pass->cluster, pod->node);
        if (node == NULL || !node->has_node || !kerf_pod_is_active(&pod->pod))
            continue;
        running[count++] = (struct kerf_running_pod){kerf_pass_label_class(&maker, &pod->pod), pod->id, node};
    }
    kerf_sort(running, count, sizeof running[0], compare_running, NULL);
    base->running = running;
    base->running_class_count = (uint32_t)maker.topology.classes.count;
    base->running_classes = KERF_NEW_ARRAY(&base->listing_arena, struct kerf_running_class, base->running_class_count);
    for (uint32_t i = 0; i < base->running_class_count; i++)
        base->running_classes[i].sample = maker.topology.classes.items[i].sample;
    for (size_t i = 0; i < count; i++) {
        struct kerf_running_class *class = &base->running_classes[running[i].label_class];
        if (class->count++ == 0)
            class->first = (uint32_t)i;
    }
    kerf_pass_fini_topology(&maker);
}

/* ---- places ------------------------------------------------------------------------------------------------------------ */

static void make_room(struct kerf_pass_base *base, const struct kerf_cluster *cluster)
{
    uint32_t id_bound = kerf_cluster_node_id_bound(cluster);
    if (id_bound > base->position_capacity) {
        uint32_t capacity = id_bound + id_bound / 2 + 64;
        base->position_of = kerf_reallocate(base->position_of, kerf_array_bytes(capacity, sizeof base->position_of[0]));
        for (uint32_t i = base->position_capacity; i < capacity; i++)
            base->position_of[i] = KERF_NOT_FOUND;
        base->position_capacity = capacity;
    }
    size_t count = kerf_cluster_node_count(cluster);
    if (count > base->node_capacity) {
        base->node_capacity = (uint32_t)(count + count / 2);
        base->nodes = kerf_reallocate(base->nodes, kerf_array_bytes(base->node_capacity, sizeof base->nodes[0]));
    }
}

static void number(struct kerf_pass_base *base, uint32_t from)
{
    for (uint32_t i = from; i < base->node_count; i++)
        base->position_of[base->nodes[i].id.index] = i;
}

static void take_out(struct kerf_pass_base *base, uint32_t position, struct kerf_overflow *overflow)
{
    base->position_of[base->nodes[position].id.index] = KERF_NOT_FOUND;
    base->node_count--;
    memmove(&base->nodes[position], &base->nodes[position + 1], (base->node_count - position) * sizeof base->nodes[0]);
    number(base, position);
    if (overflow != NULL)
        kerf_overflow_node_removed(overflow, position);
}

static void put_in(struct kerf_pass_base *base, const struct kerf_pass_node *entry, struct kerf_overflow *overflow)
{
    uint32_t first = 0;
    for (uint32_t length = base->node_count; length > 0;) {
        uint32_t half = length / 2;
        bool before = kerf_pass_compare_nodes(&base->nodes[first + half], entry) < 0;
        first = before ? first + half + 1 : first;
        length = before ? length - half - 1 : half;
    }
    KERF_ASSERT(base->node_count < base->node_capacity);
    memmove(&base->nodes[first + 1], &base->nodes[first], (base->node_count - first) * sizeof base->nodes[0]);
    base->nodes[first] = *entry;
    base->node_count++;
    number(base, first);
    if (overflow != NULL)
        kerf_overflow_node_added(overflow, first);
}

/* ---- the base ------------------------------------------------------------------------------------------------------------ */

/* A pass over nothing, to read the world with; its arena is the base's until it is given back. */
static struct kerf_pass make_reader(struct kerf_pass_base *base, const struct kerf_pass *pass)
{
    struct kerf_pass reader = {
        .input = pass->input,
        .cluster = pass->cluster,
        .objects = pass->objects,
        .vocabulary = pass->vocabulary,
        .options = pass->options,
        .cache = pass->cache,
        .arena = base->arena,
        .daemons = base->daemons,
        .daemon_count = base->daemon_count,
    };
    kerf_arena_init(&reader.scratch);
    return reader;
}

static void release_reader(struct kerf_pass_base *base, struct kerf_pass *reader)
{
    base->arena = reader->arena;
    kerf_arena_fini(&reader->scratch);
}

static void build(struct kerf_pass_base *base, const struct kerf_pass *pass)
{
    kerf_arena_reset(&base->arena);
    for (uint32_t i = 0; i < base->node_count; i++)
        base->position_of[base->nodes[i].id.index] = KERF_NOT_FOUND;
    base->node_count = base->daemon_count = 0;
    make_room(base, pass->cluster);
    struct kerf_pass maker = make_reader(base, pass);
    maker.nodes = base->nodes;
    kerf_pass_list_pools(&maker);
    if (maker.has_pool) {
        kerf_pass_list_nodes(&maker);
        kerf_pass_read_daemons(&maker);
        kerf_pass_make_templates(&maker);
        for (uint32_t i = 0; i < maker.node_count; i++)
            kerf_pass_fill_node(&maker, &maker.nodes[i]);
    }
    release_reader(base, &maker);
    base->known = true;
    base->renewed = 0;
    base->offering_generation = pass->cache->offering_generation;
    base->pools = maker.pools;
    base->pool_count = maker.pool_count;
    base->templates = maker.templates;
    base->template_count = maker.template_count;
    base->daemons = maker.daemons;
    base->daemon_count = maker.daemon_count;
    base->daemons_differ = maker.daemons_differ;
    base->node_count = maker.node_count;
    base->has_pool = maker.has_pool;
    base->tolerate_prefer_no_schedule = maker.tolerate_prefer_no_schedule;
    number(base, 0);
}

/* The node as it is now. */
static void renew_node(struct kerf_pass_base *base, struct kerf_pass *reader, kerf_node_id id)
{
    struct kerf_overflow *overflow = reader->cache->overflow;
    const struct kerf_cluster_node *node = kerf_cluster_node(reader->cluster, id);
    uint32_t position = base->position_of[id.index];
    if (node == NULL || !kerf_pass_considers_node(reader->cluster, node)) {
        if (position != KERF_NOT_FOUND)
            take_out(base, position, overflow);
        return;
    }
    struct kerf_pass_node entry;
    kerf_pass_read_node(reader, node, &entry);
    kerf_pass_fill_node(reader, &entry);
    if (position != KERF_NOT_FOUND && kerf_pass_compare_nodes(&base->nodes[position], &entry) == 0) {
        base->nodes[position] = entry;
        if (overflow != NULL)
            kerf_overflow_node_changed(overflow, position);
        return;
    }
    if (position != KERF_NOT_FOUND)
        take_out(base, position, overflow);
    put_in(base, &entry, overflow);
}

/* Follows the journal; false: it no longer reaches back so far. */
static bool follow(struct kerf_pass_base *base, const struct kerf_pass *pass, uint64_t written)
{
    kerf_node_id id;
    if (base->journal_count < written && !kerf_cluster_journal_at(pass->cluster, base->journal_count, &id))
        return false;
    make_room(base, pass->cluster);
    struct kerf_pass reader = make_reader(base, pass);
    uint64_t *done = KERF_NEW_ARRAY(&reader.scratch, uint64_t, kerf_bitset_words(kerf_cluster_node_id_bound(pass->cluster)));
    for (uint64_t entry = base->journal_count; entry < written; entry++) {
        (void)kerf_cluster_journal_at(pass->cluster, entry, &id);
        if (kerf_bit_get(done, id.index))
            continue;
        kerf_bit_set(done, id.index);
        renew_node(base, &reader, id);
        base->renewed++;
    }
    release_reader(base, &reader);
    return true;
}

/* What was worked out of other things than nodes still holds. */
static bool holds(const struct kerf_pass_base *base, struct kerf_pass *pass, bool changed)
{
    const struct kerf_provisioning_options *then = &base->options, *now = &pass->options;
    if (!base->known || base->offering_generation != pass->cache->offering_generation ||
        then->preference_policy != now->preference_policy || then->min_values_policy != now->min_values_policy || then->lifted != now->lifted)
        return false;
    bool same_daemons = base->pod_id_bound == kerf_cluster_pod_id_bound(pass->cluster) &&
                        base->daemon_pod_count == kerf_cluster_daemon_pod_count(pass->cluster);
    if (!base->has_pool || (same_daemons && !changed))
        return true;
    return !base->daemons_differ && base->renewed <= RENEWED_MAX && (same_daemons || !kerf_pass_daemons_differ(pass));
}

#ifdef KERF_CHECKED
/* What was followed is what a walk over the world finds. */
static void check(const struct kerf_pass_base *base, const struct kerf_pass *pass)
{
    struct kerf_pass_base anew = {0};
    kerf_pass_base_init(&anew);
    build(&anew, pass);
    KERF_ASSERT(base->node_count == anew.node_count);
    KERF_ASSERT(base->template_count == anew.template_count);
    for (uint32_t i = 0; i < base->node_count; i++) {
        const struct kerf_pass_node *kept = &base->nodes[i], *made = &anew.nodes[i];
        KERF_ASSERT(kerf_node_id_equal(kept->id, made->id));
        KERF_ASSERT(base->position_of[kept->id.index] == i);
        KERF_ASSERT(kept->initialized == made->initialized);
        KERF_ASSERT(kept->closed == made->closed);
        KERF_ASSERT(kept->name == made->name);
        KERF_ASSERT(kept->labels == made->labels);
        KERF_ASSERT(kept->taints.count == made->taints.count);
        KERF_ASSERT(kerf_resources_equal(&kept->remaining, &made->remaining));
    }
    kerf_pass_base_fini(&anew);
}
#endif

void kerf_pass_base_refresh(struct kerf_pass *pass)
{
    struct kerf_pass_base *base = &pass->cache->base;
    uint64_t written = kerf_cluster_journal_count(pass->cluster);
    bool changed = !base->known || base->journal_count != written;
    if (!holds(base, pass, changed) || (base->has_pool && changed && !follow(base, pass, written))) {
        build(base, pass);
        if (pass->cache->overflow != NULL)
            kerf_overflow_reset(pass->cache->overflow);
        changed = true;
    }
    if (changed) {
        kerf_arena_reset(&base->listing_arena);
        base->running_known = false;
        list_anti_affine(base, pass->cluster);
    }
    for (uint32_t i = 0; i < base->node_count; i++)
        base->nodes[i].closed = kerf_pass_node_is_closed(&pass->options, &base->nodes[i]);
    base->journal_count = written;
    base->pod_id_bound = kerf_cluster_pod_id_bound(pass->cluster);
    base->daemon_pod_count = kerf_cluster_daemon_pod_count(pass->cluster);
    base->options = pass->options;
#ifdef KERF_CHECKED
    if (changed)
        check(base, pass);
#endif
}

void kerf_pass_take_base(struct kerf_pass *pass)
{
    struct kerf_pass_base *base = &pass->cache->base;
    kerf_pass_base_refresh(pass);
    pass->base = base;
    pass->has_pool = base->has_pool;
    pass->tolerate_prefer_no_schedule = base->tolerate_prefer_no_schedule;
    pass->pools = kerf_arena_copy(&pass->arena, base->pools, base->pool_count * sizeof base->pools[0]);
    pass->pool_count = base->pool_count;
    pass->templates = kerf_arena_copy(&pass->arena, base->templates, base->template_count * sizeof base->templates[0]);
    pass->template_count = base->template_count;
    for (uint32_t i = 0; i < pass->template_count; i++)
        pass->templates[i].pool = &pass->pools[pass->templates[i].pool_index];
    pass->nodes = KERF_NEW_ARRAY(&pass->arena, struct kerf_pass_node, base->node_count);
    pass->node_rooms = KERF_NEW_ARRAY(&pass->arena, struct kerf_node_room, base->node_count);
    for (uint32_t i = 0; i < base->node_count; i++) {
        const struct kerf_pass_node *node = &base->nodes[i];
        if (pass->input->left_out != NULL && kerf_bit_get(pass->input->left_out, node->id.index))
            continue;
        pass->node_rooms[pass->node_count] =
            (struct kerf_node_room){node->remaining.cpu_nanocores, node->remaining.memory_millibytes};
        pass->nodes[pass->node_count++] = *node;
    }
    for (uint32_t i = 0; i < pass->pool_count; i++)
        kerf_pass_compute_limits(pass, &pass->pools[i]);
}
