/**
 * overflow: what-ifs without a pass. Disruption asks thousands of times which pods would find no place if some nodes were gone. Where no
 * rule but room, taints and node selectors is asked, existing nodes are a first-fit in a fixed order (5.2), and where it ends follows from
 * counts of equal pods and, for each kind of pod, the set of nodes that take it: kept from one look to the next, with an overlay of what the
 * what-if has put where. Anything else, and what becomes of the pods without a place, is left to a pass.
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

static const enum kerf_resource counted[KERF_OVERFLOW_AMOUNTS] = {KERF_RESOURCE_CPU, KERF_RESOURCE_MEMORY,
                                                                  KERF_RESOURCE_EPHEMERAL_STORAGE, KERF_RESOURCE_PODS};

/** Taints and node selector alike: the same nodes admit them, room aside. */
struct class {
    struct kerf_tolerations tolerations;
    struct kerf_requirements requirements;
    uint64_t *admits; /* by position */
};

/** Pods that no rule tells apart, their age aside. */
struct kind {
    struct kerf_resources requests;
    struct kerf_overflow_sum amounts;
    struct kerf_labels selector;
    uint32_t class;
    uint32_t next; /* with the same hash */
    uint32_t rank; /* by cpu and memory, the largest first (2.1); equal ones share it */
    uint64_t *fits; /* by position: admits it, and has room before anything is placed */
};

/** Pods of one kind, all with or without the right to nodes within their window. */
struct group {
    uint32_t kind;
    uint32_t count;
    bool ignores_window;
};

/** What would have to move from a node. */
struct row {
    bool known;
    bool changes;   /* with time alone: look again each time */
    bool is_simple; /* all of it is of some kind */
    uint32_t moving_count;
    KERF_VEC(struct group) groups;
};

struct shared_pod {
    kerf_pod_id id;
    uint32_t kind;
};

/** Equal pods that take their turn together. */
struct batch {
    struct group group;
    bool from_candidate;
};

/** Where the batch of a kind is; four for each: with the right to closed nodes or without, from candidates or not. */
struct batch_slot {
    uint64_t what_if;
    uint32_t batch;
};

struct kerf_overflow {
    struct kerf_provisioning_cache *cache;
    struct kerf_pass reader; /* for rules that read the labels of a node */
    struct kerf_arena arena; /* kinds and classes */
    KERF_VEC(struct class) classes;
    KERF_VEC(struct kind) kinds;
    struct kerf_id_map kind_index;
    uint32_t words;    /* of each set of positions */
    uint32_t capacity; /* positions */
    uint32_t count;
    /* by position */
    struct row *rows;
    struct kerf_overflow_sum *room;
    struct kerf_overflow_sum *rest; /* where the current what-if has put something */
    uint64_t *rest_of;              /* the what-if that rest is of */
    uint64_t *stale;                /* a set: room and fits are out of date */
    uint64_t *odd;                  /* a set: nodes where other rules are asked */
    uint64_t *open;                 /* a set: not within their window */
    uint32_t odd_count;
    uint32_t initialized_count;
    uint64_t what_if;
    /* of the current pass */
    bool usable;
    kerf_time_us now_epoch_us;
    KERF_VEC(struct shared_pod) shared;
    KERF_VEC(struct batch) batches; /* in order of size */
    KERF_VEC(struct batch_slot) batch_slots;
    KERF_VEC(kerf_pod_id) turns;
    const kerf_node_id *candidates;
    size_t candidate_count;
    uint64_t *left_out; /* a set of positions, empty between what-ifs */
};

/* ---- sets of positions ------------------------------------------------------------------------------------------------- */

static void open_bit(uint64_t *bits, uint32_t words, uint32_t at)
{
    uint32_t word = at / 64;
    uint64_t below = ((uint64_t)1 << at % 64) - 1;
    uint64_t carry = bits[word] >> 63;
    bits[word] = (bits[word] & below) | (bits[word] & ~below) << 1;
    for (uint32_t i = word + 1; i < words; i++) {
        uint64_t next = bits[i] >> 63;
        bits[i] = bits[i] << 1 | carry;
        carry = next;
    }
}

static void close_bit(uint64_t *bits, uint32_t words, uint32_t at)
{
    uint32_t word = at / 64;
    uint64_t below = ((uint64_t)1 << at % 64) - 1;
    bits[word] = (bits[word] & below) | (bits[word] >> 1 & ~below);
    for (uint32_t i = word + 1; i < words; i++) {
        bits[i - 1] = (bits[i - 1] & ~((uint64_t)1 << 63)) | bits[i] << 63;
        bits[i] >>= 1;
    }
}

static void put_bit(uint64_t *bits, uint32_t at, bool value)
{
    if (value)
        kerf_bit_set(bits, at);
    else
        kerf_bit_clear(bits, at);
}

static uint64_t *grow_set(uint64_t *bits, uint32_t words_before, uint32_t words)
{
    bits = kerf_reallocate(bits, kerf_array_bytes(words, sizeof bits[0]));
    memset(bits + words_before, 0, (words - words_before) * sizeof bits[0]);
    return bits;
}

static void for_each_set(struct kerf_overflow *overflow, void (*change)(uint64_t *bits, uint32_t words, uint32_t at), uint32_t at)
{
    for (size_t i = 0; i < overflow->classes.count; i++)
        change(overflow->classes.items[i].admits, overflow->words, at);
    for (size_t i = 0; i < overflow->kinds.count; i++)
        change(overflow->kinds.items[i].fits, overflow->words, at);
    change(overflow->stale, overflow->words, at);
    change(overflow->odd, overflow->words, at);
}

/* ---- following the base ------------------------------------------------------------------------------------------------ */

struct kerf_overflow *kerf_overflow_new(struct kerf_provisioning_cache *cache)
{
    struct kerf_overflow *overflow = kerf_allocate(sizeof *overflow);
    overflow->cache = cache;
    overflow->reader = (struct kerf_pass){.cluster = cache->cluster,
                                          .objects = kerf_cluster_objects(cache->cluster),
                                          .vocabulary = kerf_cluster_vocabulary(cache->cluster)};
    kerf_arena_init(&overflow->arena);
    return overflow;
}

void kerf_overflow_free(struct kerf_overflow *overflow)
{
    if (overflow == NULL)
        return;
    for (size_t i = 0; i < overflow->classes.count; i++)
        free(overflow->classes.items[i].admits);
    for (size_t i = 0; i < overflow->kinds.count; i++)
        free(overflow->kinds.items[i].fits);
    for (uint32_t i = 0; i < overflow->capacity; i++)
        KERF_VEC_FREE(&overflow->rows[i].groups);
    KERF_VEC_FREE(&overflow->classes);
    KERF_VEC_FREE(&overflow->kinds);
    KERF_VEC_FREE(&overflow->shared);
    KERF_VEC_FREE(&overflow->batches);
    KERF_VEC_FREE(&overflow->batch_slots);
    KERF_VEC_FREE(&overflow->turns);
    kerf_id_map_fini(&overflow->kind_index);
    free(overflow->rows);
    free(overflow->room);
    free(overflow->rest);
    free(overflow->rest_of);
    free(overflow->stale);
    free(overflow->odd);
    free(overflow->open);
    free(overflow->left_out);
    kerf_arena_fini(&overflow->arena);
    free(overflow);
}

static void make_room(struct kerf_overflow *overflow, uint32_t count)
{
    if (count <= overflow->capacity)
        return;
    uint32_t words_before = overflow->words, before = overflow->capacity;
    overflow->words = (uint32_t)kerf_bitset_words(count + count / 2);
    overflow->capacity = overflow->words * 64;
    overflow->rows = kerf_reallocate(overflow->rows, kerf_array_bytes(overflow->capacity, sizeof overflow->rows[0]));
    memset(overflow->rows + before, 0, (overflow->capacity - before) * sizeof overflow->rows[0]);
    overflow->room = kerf_reallocate(overflow->room, kerf_array_bytes(overflow->capacity, sizeof overflow->room[0]));
    overflow->rest = kerf_reallocate(overflow->rest, kerf_array_bytes(overflow->capacity, sizeof overflow->rest[0]));
    overflow->rest_of = kerf_reallocate(overflow->rest_of, kerf_array_bytes(overflow->capacity, sizeof overflow->rest_of[0]));
    memset(overflow->rest_of + before, 0, (overflow->capacity - before) * sizeof overflow->rest_of[0]);
    uint64_t **sets[] = {&overflow->stale, &overflow->odd, &overflow->open, &overflow->left_out};
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        *sets[i] = grow_set(*sets[i], words_before, overflow->words);
    for (size_t i = 0; i < overflow->classes.count; i++)
        overflow->classes.items[i].admits = grow_set(overflow->classes.items[i].admits, words_before, overflow->words);
    for (size_t i = 0; i < overflow->kinds.count; i++)
        overflow->kinds.items[i].fits = grow_set(overflow->kinds.items[i].fits, words_before, overflow->words);
}

void kerf_overflow_node_changed(struct kerf_overflow *overflow, uint32_t position)
{
    kerf_bit_set(overflow->stale, position);
    overflow->rows[position].known = false;
    overflow->usable = false; /* until the next begin */
}

void kerf_overflow_node_added(struct kerf_overflow *overflow, uint32_t position)
{
    make_room(overflow, overflow->count + 1);
    struct row spare = overflow->rows[overflow->count];
    memmove(&overflow->rows[position + 1], &overflow->rows[position], (overflow->count - position) * sizeof overflow->rows[0]);
    memmove(&overflow->room[position + 1], &overflow->room[position], (overflow->count - position) * sizeof overflow->room[0]);
    overflow->rows[position] = spare;
    overflow->count++;
    for_each_set(overflow, open_bit, position);
    kerf_overflow_node_changed(overflow, position);
}

void kerf_overflow_node_removed(struct kerf_overflow *overflow, uint32_t position)
{
    struct row spare = overflow->rows[position];
    overflow->usable = false;
    overflow->odd_count -= kerf_bit_get(overflow->odd, position);
    overflow->count--;
    memmove(&overflow->rows[position], &overflow->rows[position + 1], (overflow->count - position) * sizeof overflow->rows[0]);
    memmove(&overflow->room[position], &overflow->room[position + 1], (overflow->count - position) * sizeof overflow->room[0]);
    overflow->rows[overflow->count] = spare;
    for_each_set(overflow, close_bit, position);
}

void kerf_overflow_reset(struct kerf_overflow *overflow)
{
    overflow->count = 0;
    overflow->odd_count = 0;
    overflow->usable = false;
    make_room(overflow, overflow->cache->base.node_count);
    size_t bytes = overflow->words * sizeof overflow->odd[0];
    memset(overflow->odd, 0, bytes);
    memset(overflow->stale, 0, bytes);
    for (size_t i = 0; i < overflow->classes.count; i++)
        memset(overflow->classes.items[i].admits, 0, bytes);
    for (size_t i = 0; i < overflow->kinds.count; i++)
        memset(overflow->kinds.items[i].fits, 0, bytes);
    overflow->count = overflow->cache->base.node_count;
    for (uint32_t position = 0; position < overflow->count; position++)
        kerf_overflow_node_changed(overflow, position);
}

/* ---- kinds ------------------------------------------------------------------------------------------------------------- */

static bool has_claims_or_ports(const struct kerf_pod_spec *spec)
{
    for (uint32_t i = 0; i < spec->volume_count; i++)
        if (spec->volumes[i].claim_name != NULL || spec->volumes[i].ephemeral)
            return true;
    for (uint32_t i = 0; i < spec->container_count; i++)
        if (!spec->containers[i].init && spec->containers[i].host_port_count > 0)
            return true;
    return false;
}

static bool asks_for_room_alone(const struct kerf_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->spec;
    uint32_t known = 0;
    for (int i = 0; i < KERF_OVERFLOW_AMOUNTS; i++)
        known |= 1u << counted[i];
    return (pod->requests->present & ~known) == 0 && !spec->has_required_node_terms && spec->required_node_term_count == 0 &&
           spec->preferred_node_term_count == 0 && spec->spreads.count == 0 && spec->required_affinity.count == 0 &&
           spec->preferred_affinity.count == 0 && spec->required_anti_affinity.count == 0 &&
           spec->preferred_anti_affinity.count == 0 && spec->resource_claim_count == 0 && !has_claims_or_ports(spec);
}

static bool same_selector(const struct kerf_labels *a, const struct kerf_labels *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; a->items != b->items && i < a->count; i++)
        if (a->items[i].key != b->items[i].key || a->items[i].value != b->items[i].value)
            return false;
    return true;
}

static struct kerf_overflow_sum sum_of(const struct kerf_resources *resources)
{
    struct kerf_overflow_sum sum;
    for (int i = 0; i < KERF_OVERFLOW_AMOUNTS; i++)
        sum.amounts[i] = resources->amounts[counted[i]];
    return sum;
}

/* Only demands for one value or another: what a label that is missing can't meet. */
static bool is_plain_selector(const struct kerf_requirements *requirements)
{
    for (size_t i = 0; i < requirements->count; i++)
        if (kerf_requirement_operator(&requirements->items[i]) != KERF_OP_IN)
            return false;
    return true;
}

static bool class_admits(struct kerf_overflow *overflow, const struct class *class, uint32_t position)
{
    struct kerf_pass_node *node = &overflow->cache->base.nodes[position];
    if (node->taints.count > 0 && kerf_taints_untolerated(&node->taints, &class->tolerations, KERF_EFFECTS_ALL) != NULL)
        return false;
    return node->odd_labels || kerf_pass_labels_accept(&overflow->reader, node, &class->requirements);
}

static bool kind_fits(struct kerf_overflow *overflow, const struct kind *kind, uint32_t position)
{
    return kerf_bit_get(overflow->classes.items[kind->class].admits, position) &&
           kerf_resources_fit(&kind->requests, &overflow->cache->base.nodes[position].remaining);
}

static uint32_t find_class(struct kerf_overflow *overflow, const struct kerf_pod_spec *spec, const struct kerf_requirements *requirements,
                           const struct kerf_labels *selector)
{
    for (size_t i = 0; i < overflow->kinds.count; i++) {
        uint32_t class = overflow->kinds.items[i].class;
        if (same_selector(&overflow->kinds.items[i].selector, selector) &&
            kerf_tolerations_same(&overflow->classes.items[class].tolerations, &spec->tolerations))
            return class;
    }
    struct class class = {.requirements = *requirements, .admits = grow_set(NULL, 0, overflow->words)};
    class.tolerations = (struct kerf_tolerations){
        kerf_arena_copy(&overflow->arena, spec->tolerations.items, spec->tolerations.count * sizeof spec->tolerations.items[0]),
        spec->tolerations.count};
    for (uint32_t i = 0; i < overflow->count; i++)
        put_bit(class.admits, i, class_admits(overflow, &class, i));
    KERF_VEC_PUSH(&overflow->classes, class);
    return (uint32_t)overflow->classes.count - 1;
}

static int compare_sizes(const struct kind *a, const struct kind *b)
{
    int order = kerf_compare_i64(b->requests.cpu_nanocores, a->requests.cpu_nanocores);
    return order != 0 ? order : kerf_compare_i64(b->requests.memory_millibytes, a->requests.memory_millibytes);
}

static void rank_kinds(struct kerf_overflow *overflow)
{
    for (size_t i = 0; i < overflow->kinds.count; i++) {
        struct kind *kind = &overflow->kinds.items[i];
        kind->rank = 0; /* how many are larger: equal ones share it */
        for (size_t k = 0; k < overflow->kinds.count; k++)
            kind->rank += compare_sizes(&overflow->kinds.items[k], kind) < 0;
    }
    for (uint32_t i = 0; i < overflow->count; i++)
        overflow->rows[i].known = false; /* groups lie in order of rank */
}

/* KERF_NOT_FOUND: other rules are asked. */
static uint32_t find_kind(struct kerf_overflow *overflow, const struct kerf_pod *pod)
{
    if (!asks_for_room_alone(pod))
        return KERF_NOT_FOUND;
    const struct kerf_pod_spec *spec = pod->spec;
    uint64_t hash = kerf_tolerations_hash(kerf_requests_hash(0, pod->requests), &spec->tolerations);
    for (size_t i = 0; i < spec->node_selector.count; i++)
        hash = kerf_hash_mix(kerf_hash_mix(hash, spec->node_selector.items[i].key->hash), spec->node_selector.items[i].value->hash);
    uint32_t first = kerf_id_map_get(&overflow->kind_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = overflow->kinds.items[i].next) {
        const struct kind *kind = &overflow->kinds.items[i];
        if (kerf_resources_equal(&kind->requests, pod->requests) && same_selector(&kind->selector, &spec->node_selector) &&
            kerf_tolerations_same(&overflow->classes.items[kind->class].tolerations, &spec->tolerations))
            return i;
    }
    struct kerf_requirements requirements =
        kerf_requirements_of_labels(&overflow->arena, kerf_cluster_vocabulary(overflow->cache->cluster), &spec->node_selector);
    if (!is_plain_selector(&requirements))
        return KERF_NOT_FOUND;
    struct kind kind = {.requests = *pod->requests, .amounts = sum_of(pod->requests), .next = first};
    kind.selector = (struct kerf_labels){.items = kerf_arena_copy(&overflow->arena, spec->node_selector.items,
                                                                  spec->node_selector.count * sizeof spec->node_selector.items[0]),
                                         .count = spec->node_selector.count};
    kind.class = find_class(overflow, spec, &requirements, &kind.selector);
    kind.fits = grow_set(NULL, 0, overflow->words);
    for (uint32_t i = 0; i < overflow->count; i++)
        put_bit(kind.fits, i, kind_fits(overflow, &kind, i));
    KERF_VEC_PUSH(&overflow->kinds, kind);
    for (int i = 0; i < 4; i++)
        KERF_VEC_PUSH(&overflow->batch_slots, (struct batch_slot){0});
    uint32_t made = (uint32_t)overflow->kinds.count - 1;
    kerf_id_map_put(&overflow->kind_index, hash, made);
    rank_kinds(overflow);
    return made;
}

/* ---- what would move --------------------------------------------------------------------------------------------------- */

/* May the answer change though nothing happens to the node? */
static bool depends_on_time(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod)
{
    if (kerf_labels_get(&pod->pod.meta.annotations, kerf_cluster_vocabulary(cluster)->key_do_not_disrupt) != NULL)
        return true;
    size_t count;
    const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(cluster, pod->id, &count);
    for (size_t i = 0; i < count; i++)
        if (kerf_cluster_objects(cluster)->pdbs.items[pdbs[i]].unhealthy_policy == KERF_EVICT_ALWAYS_ALLOW)
            return true;
    return false;
}

static bool ignores_window(const struct kerf_pod *pod)
{
    return pod->phase == KERF_POD_PENDING;
}

static void add_to_groups(const struct kerf_overflow *overflow, struct row *row, struct group added)
{
    size_t at = 0;
    uint32_t rank = overflow->kinds.items[added.kind].rank;
    for (; at < row->groups.count; at++) {
        struct group *group = &row->groups.items[at];
        if (group->kind == added.kind && group->ignores_window == added.ignores_window) {
            group->count += added.count;
            return;
        }
        if (overflow->kinds.items[group->kind].rank > rank)
            break;
    }
    KERF_VEC_PUSH(&row->groups, added);
    memmove(&row->groups.items[at + 1], &row->groups.items[at], (row->groups.count - 1 - at) * sizeof added);
    row->groups.items[at] = added;
}

static const struct row *row_at(struct kerf_overflow *overflow, uint32_t position)
{
    const struct kerf_cluster *cluster = overflow->cache->cluster;
    struct row *row = &overflow->rows[position];
    if (row->known && !row->changes)
        return row;
    const struct kerf_cluster_node *node = overflow->cache->base.nodes[position].node;
    for (uint32_t i = 0; i < node->pod_count; i++) { /* a new kind changes ranks, so kinds come first */
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, node->pods[i])->pod;
        if (kerf_pod_is_reschedulable(pod))
            (void)find_kind(overflow, pod);
    }
    row->known = row->is_simple = true;
    row->changes = false;
    row->moving_count = 0;
    row->groups.count = 0;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[i]);
        row->changes = row->changes || depends_on_time(cluster, pod);
        if (!kerf_pod_is_currently_reschedulable(cluster, pod, overflow->now_epoch_us))
            continue;
        row->moving_count++;
        uint32_t kind = find_kind(overflow, &pod->pod);
        if (kind == KERF_NOT_FOUND)
            row->is_simple = false;
        else
            add_to_groups(overflow, row, (struct group){kind, 1, ignores_window(&pod->pod)});
    }
    return row;
}

/* ---- a pass of disruption ------------------------------------------------------------------------------------------------ */

/* karpenter-provisioning 2.1, sizes being equal. */
static int compare_ages(const struct kerf_cluster *cluster, kerf_pod_id a, kerf_pod_id b)
{
    const struct kerf_meta *left = &kerf_cluster_pod(cluster, a)->pod.meta, *right = &kerf_cluster_pod(cluster, b)->pod.meta;
    int order = kerf_compare_i64(left->created_epoch_us / KERF_SECOND_US, right->created_epoch_us / KERF_SECOND_US);
    if (order == 0)
        order = kerf_name_compare(left->uid, right->uid);
    return order != 0 ? order : kerf_compare_u64(a.index, b.index);
}

static bool read_shared(struct kerf_overflow *overflow, const kerf_pod_id *pods, size_t count)
{
    overflow->shared.count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = find_kind(overflow, &kerf_cluster_pod(overflow->cache->cluster, pods[i])->pod);
        if (kind == KERF_NOT_FOUND)
            return false;
        KERF_VEC_PUSH(&overflow->shared, (struct shared_pod){pods[i], kind});
    }
    return true;
}

static void refresh_position(struct kerf_overflow *overflow, uint32_t position)
{
    const struct kerf_pass_node *node = &overflow->cache->base.nodes[position];
    overflow->room[position] = sum_of(&node->remaining);
    bool odd = node->odd_labels || node->csinode != NULL;
    overflow->odd_count += odd;
    overflow->odd_count -= kerf_bit_get(overflow->odd, position);
    put_bit(overflow->odd, position, odd);
    for (size_t i = 0; i < overflow->classes.count; i++)
        put_bit(overflow->classes.items[i].admits, position, class_admits(overflow, &overflow->classes.items[i], position));
    for (size_t i = 0; i < overflow->kinds.count; i++)
        put_bit(overflow->kinds.items[i].fits, position, kind_fits(overflow, &overflow->kinds.items[i], position));
}

static void begin(struct kerf_overflow *overflow, const kerf_pod_id *shared_pods, size_t shared_count)
{
    struct kerf_pass_base *base = &overflow->cache->base;
    KERF_ASSERT(overflow->count == base->node_count);
    overflow->now_epoch_us = base->options.now_epoch_us;
    for (uint32_t word = 0; word < overflow->words; word++) {
        for (uint64_t rest = overflow->stale[word]; rest != 0; rest &= rest - 1) {
            uint32_t position = word * 64 + (uint32_t)__builtin_ctzll(rest);
            if (position < overflow->count)
                refresh_position(overflow, position);
        }
        overflow->stale[word] = 0;
        overflow->open[word] = 0;
    }
    overflow->initialized_count = 0;
    for (uint32_t i = 0; i < base->node_count; i++) {
        if (!base->nodes[i].closed)
            kerf_bit_set(overflow->open, i);
        overflow->initialized_count += base->nodes[i].initialized;
    }
    overflow->usable = base->has_pool && !base->tolerate_prefer_no_schedule && base->anti_affine_count == 0 && overflow->odd_count == 0 &&
                       read_shared(overflow, shared_pods, shared_count);
}

/* ---- a what-if ------------------------------------------------------------------------------------------------------------- */

static bool has_room(const struct kerf_overflow_sum *room, const struct kerf_overflow_sum *request)
{
    for (int i = 0; i < KERF_OVERFLOW_AMOUNTS; i++)
        if (request->amounts[i] > room->amounts[i])
            return false;
    return true;
}

/* Puts as many of equal pods as it can, each on the first node that takes it; how many found none. */
static uint32_t place(struct kerf_overflow *overflow, struct group group, bool *out_on_uninitialized)
{
    const struct kind *kind = &overflow->kinds.items[group.kind];
    uint32_t words = (uint32_t)kerf_bitset_words(overflow->count);
    for (uint32_t word = 0; word < words; word++) {
        uint64_t places = kind->fits[word] & ~overflow->left_out[word];
        if (!group.ignores_window)
            places &= overflow->open[word];
        for (; places != 0; places &= places - 1) {
            uint32_t position = word * 64 + (uint32_t)__builtin_ctzll(places);
            struct kerf_overflow_sum *rest = &overflow->rest[position];
            if (overflow->rest_of[position] != overflow->what_if) {
                *rest = overflow->room[position];
                overflow->rest_of[position] = overflow->what_if;
            }
            while (has_room(rest, &kind->amounts)) {
                for (int i = 0; i < KERF_OVERFLOW_AMOUNTS; i++)
                    rest->amounts[i] -= kind->amounts.amounts[i];
                *out_on_uninitialized |= position >= overflow->initialized_count;
                if (--group.count == 0)
                    return 0;
            }
        }
    }
    return group.count;
}

static void add_homeless(const struct kerf_overflow *overflow, struct group group, struct kerf_overflow_answer *answer)
{
    const struct kind *kind = &overflow->kinds.items[group.kind];
    answer->homeless_count += group.count;
    if (kind->class < 64)
        answer->homeless_classes |= (uint64_t)1 << kind->class;
    for (int i = 0; i < KERF_OVERFLOW_AMOUNTS; i++)
        answer->homeless.amounts[i] = kerf_saturate_i64((kerf_i128)answer->homeless.amounts[i] +
                                                        (kerf_i128)kind->amounts.amounts[i] * group.count);
}

static void take_turn(struct kerf_overflow *overflow, struct batch batch, struct kerf_overflow_answer *answer)
{
    bool on_uninitialized = false;
    batch.group.count = place(overflow, batch.group, &on_uninitialized);
    answer->stopped |= on_uninitialized && batch.from_candidate;
    if (batch.group.count > 0 && batch.from_candidate)
        add_homeless(overflow, batch.group, answer);
}

static int compare_turns(const void *a, const void *b, void *context)
{
    const struct kerf_overflow *overflow = context;
    return compare_ages(overflow->cache->cluster, *(const kerf_pod_id *)a, *(const kerf_pod_id *)b);
}

/* Pods of different kinds but one size: by age, one at a time. */
static void take_turns(struct kerf_overflow *overflow, uint32_t rank, struct kerf_overflow_answer *answer)
{
    const struct kerf_cluster *cluster = overflow->cache->cluster;
    overflow->turns.count = 0;
    for (size_t i = 0; i < overflow->shared.count; i++)
        if (overflow->kinds.items[overflow->shared.items[i].kind].rank == rank)
            KERF_VEC_PUSH(&overflow->turns, overflow->shared.items[i].id);
    for (size_t i = 0; i < overflow->candidate_count; i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, overflow->candidates[i]);
        for (uint32_t k = 0; k < node->pod_count; k++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[k]);
            if (kerf_pod_is_currently_reschedulable(cluster, pod, overflow->now_epoch_us) &&
                overflow->kinds.items[find_kind(overflow, &pod->pod)].rank == rank)
                KERF_VEC_PUSH(&overflow->turns, pod->id);
        }
    }
    kerf_sort(overflow->turns.items, overflow->turns.count, sizeof overflow->turns.items[0], compare_turns, overflow);
    for (size_t i = 0; i < overflow->turns.count && !answer->stopped; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, overflow->turns.items[i]);
        uint32_t position = kerf_cluster_node(cluster, pod->node) != NULL ? overflow->cache->base.position_of[pod->node.index] : KERF_NOT_FOUND;
        bool from_candidate = position != KERF_NOT_FOUND && kerf_bit_get(overflow->left_out, position);
        struct group one = {find_kind(overflow, &pod->pod), 1, !from_candidate || ignores_window(&pod->pod)};
        take_turn(overflow, (struct batch){one, from_candidate}, answer);
    }
}

static void add_batch(struct kerf_overflow *overflow, struct batch added)
{
    struct batch_slot *slot = &overflow->batch_slots.items[added.group.kind * 4u + added.group.ignores_window * 2u + added.from_candidate];
    if (slot->what_if == overflow->what_if) {
        overflow->batches.items[slot->batch].group.count += added.group.count;
        return;
    }
    *slot = (struct batch_slot){overflow->what_if, (uint32_t)overflow->batches.count};
    KERF_VEC_PUSH(&overflow->batches, added);
}

/* Few, and those of one node in order already. */
static void sort_batches(struct kerf_overflow *overflow)
{
    struct batch *items = overflow->batches.items;
    for (size_t i = 1; i < overflow->batches.count; i++) {
        struct batch batch = items[i];
        uint32_t rank = overflow->kinds.items[batch.group.kind].rank;
        size_t at = i;
        for (; at > 0 && overflow->kinds.items[items[at - 1].group.kind].rank > rank; at--)
            items[at] = items[at - 1];
        items[at] = batch;
    }
}

/* Who takes part, in order of size; false: somebody asks for more than room. */
static bool gather(struct kerf_overflow *overflow, struct kerf_overflow_answer *answer)
{
    overflow->batches.count = 0;
    for (size_t i = 0; i < overflow->shared.count; i++)
        add_batch(overflow, (struct batch){{overflow->shared.items[i].kind, 1, true}, false});
    for (size_t i = 0; i < overflow->candidate_count; i++) {
        uint32_t position = overflow->cache->base.position_of[overflow->candidates[i].index];
        if (position == KERF_NOT_FOUND)
            return false;
        const struct row *row = row_at(overflow, position);
        answer->pod_count += row->moving_count;
        if (!row->is_simple)
            return false;
        for (size_t k = 0; k < row->groups.count; k++)
            add_batch(overflow, (struct batch){row->groups.items[k], true});
    }
    sort_batches(overflow);
    return true;
}

static struct kerf_overflow_answer ask(struct kerf_overflow *overflow, const kerf_node_id *nodes, size_t count)
{
    struct kerf_overflow_answer answer = {0};
    if (!overflow->usable)
        return answer;
    overflow->what_if++;
    overflow->candidates = nodes;
    overflow->candidate_count = count;
    if (!gather(overflow, &answer) || overflow->classes.count > 64)
        return (struct kerf_overflow_answer){0};
    answer.known = true;
    for (size_t i = 0; i < count; i++)
        kerf_bit_set(overflow->left_out, overflow->cache->base.position_of[nodes[i].index]);
    for (size_t i = 0; i < overflow->batches.count && !answer.stopped;) {
        uint32_t rank = overflow->kinds.items[overflow->batches.items[i].group.kind].rank;
        size_t end = i + 1;
        while (end < overflow->batches.count && overflow->kinds.items[overflow->batches.items[end].group.kind].rank == rank)
            end++;
        if (end == i + 1)
            take_turn(overflow, overflow->batches.items[i], &answer);
        else
            take_turns(overflow, rank, &answer);
        i = end;
    }
    for (size_t i = 0; i < count; i++)
        kerf_bit_clear(overflow->left_out, overflow->cache->base.position_of[nodes[i].index]);
    return answer;
}

/* ---- the door --------------------------------------------------------------------------------------------------------------- */

void kerf_provisioning_overflow_begin(struct kerf_provisioning_cache *cache, const struct kerf_provisioning_options *options,
                                      const kerf_pod_id *shared_pods, size_t shared_count)
{
    struct kerf_pass pass = {.cluster = cache->cluster,
                             .objects = kerf_cluster_objects(cache->cluster),
                             .vocabulary = kerf_cluster_vocabulary(cache->cluster),
                             .options = *options,
                             .cache = cache};
    kerf_arena_init(&pass.arena);
    kerf_arena_init(&pass.scratch);
    kerf_provisioning_cache_refresh(cache);
    kerf_pass_base_refresh(&pass);
    if (cache->overflow == NULL) {
        cache->overflow = kerf_overflow_new(cache);
        kerf_overflow_reset(cache->overflow);
    }
    begin(cache->overflow, shared_pods, shared_count);
    kerf_arena_fini(&pass.arena);
    kerf_arena_fini(&pass.scratch);
}

struct kerf_overflow_answer kerf_provisioning_overflow(struct kerf_provisioning_cache *cache, const kerf_node_id *nodes, size_t count)
{
    return ask(cache->overflow, nodes, count);
}

size_t kerf_provisioning_overflow_class_count(const struct kerf_provisioning_cache *cache)
{
    return cache->overflow->classes.count;
}

void kerf_provisioning_overflow_class(const struct kerf_provisioning_cache *cache, size_t class,
                                      const struct kerf_requirements **out_requirements, const struct kerf_tolerations **out_tolerations)
{
    *out_requirements = &cache->overflow->classes.items[class].requirements;
    *out_tolerations = &cache->overflow->classes.items[class].tolerations;
}
