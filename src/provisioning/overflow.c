/**
 * overflow: what-ifs without a pass. Disruption asks thousands of times which pods would find no place if some nodes were gone. Where no
 * rule but room, taints and node selectors is asked, existing nodes are a first-fit in a fixed order (5.2), and where it ends follows from
 * counts of equal pods and, for each kind of pod, the set of nodes that take it: kept from one look to the next, with an overlay of what the
 * what-if has put where. Anything else, and what becomes of the pods without a place, is left to a pass.
 */
#include <stdlib.h>

#include "provisioning/overflow_internal.h"

/* ---- what would move --------------------------------------------------------------------------------------------------- */

/* May the answer change though nothing happens to the node? */
static bool depends_on_time(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod)
{
    if (kerf_labels_get(&kerf_meta_details(&pod->pod.meta)->annotations, kerf_cluster_vocabulary(cluster)->key_do_not_disrupt) != NULL)
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

static void add_to_groups(const struct kerf_overflow *overflow, struct kerf_overflow_row *row, struct kerf_overflow_group added)
{
    size_t at = 0;
    uint32_t rank = overflow->kinds.items[added.kind].rank;
    for (; at < row->groups.count; at++) {
        struct kerf_overflow_group *group = &row->groups.items[at];
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

static const struct kerf_overflow_row *row_at(struct kerf_overflow *overflow, uint32_t position)
{
    const struct kerf_cluster *cluster = overflow->cache->cluster;
    struct kerf_overflow_row *row = &overflow->rows[position];
    if (row->known && !row->changes)
        return row;
    const struct kerf_cluster_node *node = overflow->cache->base.nodes[position].node;
    row->changes = false;
    row->pods.count = 0;
    for (uint32_t i = 0; i < node->pod_count; i++) { /* a new kind changes ranks, by which groups lie, so kinds come first */
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[i]);
        row->changes = row->changes || depends_on_time(cluster, pod);
        if (kerf_pod_is_currently_reschedulable(cluster, pod, overflow->now_epoch_us))
            KERF_VEC_PUSH(&row->pods, ((struct kerf_overflow_pod){pod->id, kerf_overflow_find_kind(overflow, &pod->pod)}));
    }
    row->known = row->is_simple = true;
    row->groups.count = 0;
    for (size_t i = 0; i < row->pods.count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, row->pods.items[i].id)->pod;
        if (row->pods.items[i].kind == KERF_NOT_FOUND)
            row->is_simple = false;
        else
            add_to_groups(overflow, row, (struct kerf_overflow_group){row->pods.items[i].kind, 1, ignores_window(pod)});
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
        uint32_t kind = kerf_overflow_find_kind(overflow, &kerf_cluster_pod(overflow->cache->cluster, pods[i])->pod);
        if (kind == KERF_NOT_FOUND)
            return false;
        KERF_VEC_PUSH(&overflow->shared, (struct kerf_overflow_pod){pods[i], kind});
    }
    return true;
}

static void refresh_position(struct kerf_overflow *overflow, uint32_t position)
{
    const struct kerf_pass_node *node = &overflow->cache->base.nodes[position];
    overflow->room[position] = kerf_overflow_sum_of(&node->remaining);
    bool odd = node->odd_labels || node->csinode != NULL;
    overflow->odd_count += odd;
    overflow->odd_count -= kerf_bit_get(overflow->odd, position);
    kerf_overflow_put_bit(overflow->odd, position, odd);
    for (size_t i = 0; i < overflow->classes.count; i++)
        kerf_overflow_put_bit(overflow->classes.items[i].admits, position,
                              kerf_overflow_class_admits(overflow, &overflow->classes.items[i], position));
    for (size_t i = 0; i < overflow->kinds.count; i++)
        kerf_overflow_put_bit(overflow->kinds.items[i].fits, position,
                              kerf_overflow_kind_fits(overflow, &overflow->kinds.items[i], position));
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
static uint32_t place(struct kerf_overflow *overflow, struct kerf_overflow_group group, bool *out_on_uninitialized)
{
    const struct kerf_overflow_kind *kind = &overflow->kinds.items[group.kind];
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

static void add_homeless(const struct kerf_overflow *overflow, struct kerf_overflow_group group, struct kerf_overflow_answer *answer)
{
    const struct kerf_overflow_kind *kind = &overflow->kinds.items[group.kind];
    answer->homeless_count += group.count;
    if (kind->class < 64)
        answer->homeless_classes |= (uint64_t)1 << kind->class;
    for (int i = 0; i < KERF_OVERFLOW_AMOUNTS; i++)
        answer->homeless.amounts[i] = kerf_saturate_i64((kerf_i128)answer->homeless.amounts[i] +
                                                        (kerf_i128)kind->amounts.amounts[i] * group.count);
}

static void take_turn(struct kerf_overflow *overflow, struct kerf_overflow_batch batch, struct kerf_overflow_answer *answer)
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
    return compare_ages(overflow->cache->cluster, ((const struct kerf_overflow_pod *)a)->id, ((const struct kerf_overflow_pod *)b)->id);
}

static void add_turn(struct kerf_overflow *overflow, struct kerf_overflow_pod pod, uint32_t rank)
{
    if (overflow->kinds.items[pod.kind].rank == rank)
        KERF_VEC_PUSH(&overflow->turns, pod);
}

/* Pods of different kinds but one size: by age, one at a time. */
static void take_turns(struct kerf_overflow *overflow, uint32_t rank, struct kerf_overflow_answer *answer)
{
    const struct kerf_cluster *cluster = overflow->cache->cluster;
    const uint32_t *position_of = overflow->cache->base.position_of;
    overflow->turns.count = 0;
    for (size_t i = 0; i < overflow->shared.count; i++)
        add_turn(overflow, overflow->shared.items[i], rank);
    for (size_t i = 0; i < overflow->candidate_count; i++) {
        const struct kerf_overflow_row *row = &overflow->rows[position_of[overflow->candidates[i].index]];
        for (size_t k = 0; k < row->pods.count; k++)
            add_turn(overflow, row->pods.items[k], rank);
    }
    kerf_sort(overflow->turns.items, overflow->turns.count, sizeof overflow->turns.items[0], compare_turns, overflow);
    for (size_t i = 0; i < overflow->turns.count && !answer->stopped; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, overflow->turns.items[i].id);
        uint32_t position = kerf_cluster_node(cluster, pod->node) != NULL ? position_of[pod->node.index] : KERF_NOT_FOUND;
        bool from_candidate = position != KERF_NOT_FOUND && kerf_bit_get(overflow->left_out, position);
        struct kerf_overflow_group one = {overflow->turns.items[i].kind, 1, !from_candidate || ignores_window(&pod->pod)};
        take_turn(overflow, (struct kerf_overflow_batch){one, from_candidate}, answer);
    }
}

/* Do two batches of one size never meet on a node? Their kinds differ, and so do the nodes that take them. */
static bool never_meet(const struct kerf_overflow *overflow, const struct kerf_overflow_batch *a, const struct kerf_overflow_batch *b)
{
    if (a->group.kind == b->group.kind)
        return false;
    const uint64_t *of_a = overflow->kinds.items[a->group.kind].fits, *of_b = overflow->kinds.items[b->group.kind].fits;
    size_t words = kerf_bitset_words(overflow->count);
    for (size_t word = 0; word < words; word++)
        if ((of_a[word] & of_b[word] & ~overflow->left_out[word]) != 0)
            return false;
    return true;
}

/* Batches of one size: the order of their pods matters where two of them may want the same node. */
static void take_rank(struct kerf_overflow *overflow, size_t begin, size_t end, struct kerf_overflow_answer *answer)
{
    const struct kerf_overflow_batch *batches = overflow->batches.items;
    bool apart = true;
    for (size_t i = begin; i < end && apart; i++)
        for (size_t k = begin; k < i && apart; k++)
            apart = never_meet(overflow, &batches[i], &batches[k]);
    if (!apart) {
        take_turns(overflow, overflow->kinds.items[batches[begin].group.kind].rank, answer);
        return;
    }
    for (size_t i = begin; i < end && !answer->stopped; i++)
        take_turn(overflow, batches[i], answer);
}

static void add_batch(struct kerf_overflow *overflow, struct kerf_overflow_batch added)
{
    uint32_t at = added.group.kind * 4u + added.group.ignores_window * 2u + added.from_candidate;
    struct kerf_overflow_batch_slot *slot = &overflow->batch_slots.items[at];
    if (slot->what_if == overflow->what_if) {
        overflow->batches.items[slot->batch].group.count += added.group.count;
        return;
    }
    *slot = (struct kerf_overflow_batch_slot){overflow->what_if, (uint32_t)overflow->batches.count};
    KERF_VEC_PUSH(&overflow->batches, added);
}

/* Few, and those of one node in order already. */
static void sort_batches(struct kerf_overflow *overflow)
{
    struct kerf_overflow_batch *items = overflow->batches.items;
    for (size_t i = 1; i < overflow->batches.count; i++) {
        struct kerf_overflow_batch batch = items[i];
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
        add_batch(overflow, (struct kerf_overflow_batch){{overflow->shared.items[i].kind, 1, true}, false});
    for (size_t i = 0; i < overflow->candidate_count; i++) {
        uint32_t position = overflow->cache->base.position_of[overflow->candidates[i].index];
        if (position == KERF_NOT_FOUND)
            return false;
        const struct kerf_overflow_row *row = row_at(overflow, position);
        answer->pod_count += (uint32_t)row->pods.count;
        if (!row->is_simple)
            return false;
        for (size_t k = 0; k < row->groups.count; k++)
            add_batch(overflow, (struct kerf_overflow_batch){row->groups.items[k], true});
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
        take_rank(overflow, i, end, &answer);
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
