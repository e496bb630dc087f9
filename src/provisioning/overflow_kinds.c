/** What what-ifs without a pass keep from one to the next (overflow.c): kinds of pods, and by position the nodes that take them. */
#include <stdlib.h>

#include "provisioning/overflow_internal.h"

static const enum kerf_resource counted[KERF_OVERFLOW_AMOUNTS] = {KERF_RESOURCE_CPU, KERF_RESOURCE_MEMORY,
                                                                  KERF_RESOURCE_EPHEMERAL_STORAGE, KERF_RESOURCE_PODS};

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

void kerf_overflow_put_bit(uint64_t *bits, uint32_t at, bool value)
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
    for (uint32_t i = 0; i < overflow->capacity; i++) {
        KERF_VEC_FREE(&overflow->rows[i].pods);
        KERF_VEC_FREE(&overflow->rows[i].groups);
    }
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
    struct kerf_overflow_row spare = overflow->rows[overflow->count];
    memmove(&overflow->rows[position + 1], &overflow->rows[position], (overflow->count - position) * sizeof overflow->rows[0]);
    memmove(&overflow->room[position + 1], &overflow->room[position], (overflow->count - position) * sizeof overflow->room[0]);
    overflow->rows[position] = spare;
    overflow->count++;
    for_each_set(overflow, open_bit, position);
    kerf_overflow_node_changed(overflow, position);
}

void kerf_overflow_node_removed(struct kerf_overflow *overflow, uint32_t position)
{
    struct kerf_overflow_row spare = overflow->rows[position];
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

struct kerf_overflow_sum kerf_overflow_sum_of(const struct kerf_resources *resources)
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

bool kerf_overflow_class_admits(struct kerf_overflow *overflow, const struct kerf_overflow_class *class, uint32_t position)
{
    struct kerf_pass_node *node = &overflow->cache->base.nodes[position];
    if (node->taints.count > 0 && kerf_taints_untolerated(&node->taints, &class->tolerations, KERF_EFFECTS_ALL) != NULL)
        return false;
    return node->odd_labels || kerf_pass_labels_accept(&overflow->reader, node, &class->requirements);
}

bool kerf_overflow_kind_fits(struct kerf_overflow *overflow, const struct kerf_overflow_kind *kind, uint32_t position)
{
    return kerf_bit_get(overflow->classes.items[kind->class].admits, position) &&
           kerf_resources_fit(&kind->requests, &overflow->cache->base.nodes[position].remaining);
}

static uint32_t find_class(struct kerf_overflow *overflow, const struct kerf_pod_spec *spec, const struct kerf_requirements *requirements,
                           const struct kerf_labels *selector)
{
    for (size_t i = 0; i < overflow->kinds.count; i++) {
        uint32_t class = overflow->kinds.items[i].class;
        if (kerf_labels_equal(&overflow->kinds.items[i].selector, selector) &&
            kerf_tolerations_same(&overflow->classes.items[class].tolerations, &spec->tolerations))
            return class;
    }
    struct kerf_overflow_class class = {.requirements = *requirements, .admits = grow_set(NULL, 0, overflow->words)};
    class.tolerations = (struct kerf_tolerations){
        kerf_arena_copy(&overflow->arena, spec->tolerations.items, spec->tolerations.count * sizeof spec->tolerations.items[0]),
        spec->tolerations.count};
    for (uint32_t i = 0; i < overflow->count; i++)
        kerf_overflow_put_bit(class.admits, i, kerf_overflow_class_admits(overflow, &class, i));
    KERF_VEC_PUSH(&overflow->classes, class);
    return (uint32_t)overflow->classes.count - 1;
}

static int compare_sizes(const struct kerf_overflow_kind *a, const struct kerf_overflow_kind *b)
{
    int order = kerf_compare_i64(b->requests.cpu_nanocores, a->requests.cpu_nanocores);
    return order != 0 ? order : kerf_compare_i64(b->requests.memory_millibytes, a->requests.memory_millibytes);
}

static void rank_kinds(struct kerf_overflow *overflow)
{
    for (size_t i = 0; i < overflow->kinds.count; i++) {
        struct kerf_overflow_kind *kind = &overflow->kinds.items[i];
        kind->rank = 0; /* how many are larger: equal ones share it */
        for (size_t k = 0; k < overflow->kinds.count; k++)
            kind->rank += compare_sizes(&overflow->kinds.items[k], kind) < 0;
    }
    for (uint32_t i = 0; i < overflow->count; i++)
        overflow->rows[i].known = false; /* groups lie in order of rank */
}

/* KERF_NOT_FOUND: other rules are asked. */
uint32_t kerf_overflow_find_kind(struct kerf_overflow *overflow, const struct kerf_pod *pod)
{
    if (!asks_for_room_alone(pod))
        return KERF_NOT_FOUND;
    const struct kerf_pod_spec *spec = pod->spec;
    uint64_t hash = kerf_tolerations_hash(kerf_requests_hash(0, pod->requests), &spec->tolerations);
    for (size_t i = 0; i < spec->node_selector.count; i++)
        hash = kerf_hash_mix(kerf_hash_mix(hash, spec->node_selector.items[i].key->hash), spec->node_selector.items[i].value->hash);
    uint32_t first = kerf_id_map_get(&overflow->kind_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = overflow->kinds.items[i].next) {
        const struct kerf_overflow_kind *kind = &overflow->kinds.items[i];
        if (kerf_resources_equal(&kind->requests, pod->requests) && kerf_labels_equal(&kind->selector, &spec->node_selector) &&
            kerf_tolerations_same(&overflow->classes.items[kind->class].tolerations, &spec->tolerations))
            return i;
    }
    struct kerf_requirements requirements =
        kerf_requirements_of_labels(&overflow->arena, kerf_cluster_vocabulary(overflow->cache->cluster), &spec->node_selector);
    if (!is_plain_selector(&requirements))
        return KERF_NOT_FOUND;
    struct kerf_overflow_kind kind = {.requests = *pod->requests, .amounts = kerf_overflow_sum_of(pod->requests), .next = first};
    kind.selector = (struct kerf_labels){.items = kerf_arena_copy(&overflow->arena, spec->node_selector.items,
                                                                  spec->node_selector.count * sizeof spec->node_selector.items[0]),
                                         .count = spec->node_selector.count};
    kind.class = find_class(overflow, spec, &requirements, &kind.selector);
    kind.fits = grow_set(NULL, 0, overflow->words);
    for (uint32_t i = 0; i < overflow->count; i++)
        kerf_overflow_put_bit(kind.fits, i, kerf_overflow_kind_fits(overflow, &kind, i));
    KERF_VEC_PUSH(&overflow->kinds, kind);
    for (int i = 0; i < 4; i++)
        KERF_VEC_PUSH(&overflow->batch_slots, (struct kerf_overflow_batch_slot){0});
    uint32_t made = (uint32_t)overflow->kinds.count - 1;
    kerf_id_map_put(&overflow->kind_index, hash, made);
    rank_kinds(overflow);
    return made;
}
