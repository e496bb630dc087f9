/**
 * pass_finish: what becomes of the claims when the queue stops: requests, the cut of the type list, requirements as the NodeClaim
 * object states them; and the plan. karpenter-provisioning.md 9.1 to 9.3.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

enum { CLAIM_TYPES_MAX = 600 }; /* types of one NodeClaim (13.3) */

/* Values are copied into the plan's arena: those of the pass die with it. */
static void copy_requirement(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirement *requirement)
{
    struct kerf_requirement copy = *requirement;
    if (copy.value_count > 0)
        copy.values = kerf_arena_copy(arena, copy.values, copy.value_count * sizeof copy.values[0]);
    kerf_requirements_set(arena, into, &copy);
}

static void keep_min_values(struct kerf_requirement *into, const struct kerf_requirement *from)
{
    if (from != NULL && from->min_values > into->min_values)
        into->min_values = from->min_values;
}

/* Capacity types of the available offerings that the claim allows, over its types. */
static struct kerf_requirement capacity_types(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const uint32_t *types,
                                              size_t count)
{
    const struct kerf_type_table *table = claim->template->pool->table;
    kerf_name found[KERF_CAPACITY_TYPE_COUNT];
    size_t found_count = 0;
    for (uint32_t capacity_type = 0; capacity_type < KERF_CAPACITY_TYPE_COUNT; capacity_type++) {
        bool offered = false;
        kerf_slots slots = claim->slots & kerf_type_table_slots_of(table, (enum kerf_capacity_type)capacity_type);
        for (uint32_t slot = 0; slot < table->slot_count && !offered; slot++)
            for (size_t i = 0; (slots >> slot & 1) && i < count && !offered; i++)
                offered = kerf_bit_get(table->available[slot], types[i]);
        if (offered)
            found[found_count++] = kerf_capacity_type_word(pass->vocabulary, (enum kerf_capacity_type)capacity_type);
    }
    return kerf_requirement_in(&pass->scratch, pass->vocabulary->key_capacity_type, found, found_count);
}

static void write_requirements(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const uint32_t *types, size_t count,
                               struct kerf_arena *arena, struct kerf_requirements *out)
{
    const struct kerf_vocabulary *vocabulary = pass->vocabulary;
    const struct kerf_type_table *table = claim->template->pool->table;
    for (size_t i = 0; i < claim->requirements.count; i++) {
        const struct kerf_requirement *requirement = &claim->requirements.items[i];
        if (requirement->key == vocabulary->key_hostname || requirement->key == vocabulary->key_registered ||
            requirement->key == vocabulary->key_initialized)
            continue;
        copy_requirement(arena, out, requirement);
    }
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    kerf_name *names = KERF_NEW_ARRAY(&pass->scratch, kerf_name, count);
    /* Positions in the table are in order of name: a bitset sorts what comes in order of price. */
    uint64_t *chosen = KERF_NEW_ARRAY(&pass->scratch, uint64_t, table->words);
    for (size_t i = 0; i < count; i++)
        kerf_bit_set(chosen, types[i]);
    size_t type = kerf_bitset_next(chosen, table->words, 0);
    for (size_t i = 0; i < count; i++, type = kerf_bitset_next(chosen, table->words, type + 1))
        names[i] = table->types[type].name;
    struct kerf_requirement instance_types = kerf_requirement_in(&pass->scratch, vocabulary->key_instance_type, names, count);
    keep_min_values(&instance_types, kerf_requirements_get(out, vocabulary->key_instance_type));
    copy_requirement(arena, out, &instance_types);
    struct kerf_requirement offered = capacity_types(pass, claim, types, count);
    keep_min_values(&offered, kerf_requirements_get(out, vocabulary->key_capacity_type));
    if (offered.value_count > 0)
        copy_requirement(arena, out, &offered);
    kerf_arena_rewind(&pass->scratch, mark);
}

/* What the requirements allow before 9.3 leaves out what isn't offered: disruption decides by it. */
static uint32_t allowed_capacity_types(const struct kerf_pass *pass, const struct kerf_pass_claim *claim)
{
    const struct kerf_requirement *requirement = kerf_requirements_get(&claim->requirements, pass->vocabulary->key_capacity_type);
    uint32_t allowed = 0;
    for (int i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++)
        if (requirement == NULL ||
            kerf_requirement_has(requirement, kerf_capacity_type_word(pass->vocabulary, (enum kerf_capacity_type)i)))
            allowed |= 1u << i;
    return allowed;
}

static const kerf_pod_id *list_pods(struct kerf_arena *arena, const struct kerf_pass_claim *claim)
{
    return kerf_arena_copy(arena, claim->pods.items, claim->pods.count * sizeof claim->pods.items[0]);
}

/* The options, cheapest first, at most as many as a NodeClaim may list (9.2). */
static size_t cut_types(struct kerf_pass *pass, const struct kerf_pass_claim *claim, uint32_t *out_types)
{
    struct kerf_type_table *table = claim->template->pool->table;
    const uint32_t *by_price = kerf_type_table_by_price(pass->cache, table, claim->slots);
    size_t count = 0;
    for (uint32_t i = 0; i < table->count && count < CLAIM_TYPES_MAX; i++)
        if (kerf_bit_get(claim->options, by_price[i]))
            out_types[count++] = by_price[i];
    return count;
}

static void drop_claim(struct kerf_pass *pass, const struct kerf_pass_claim *claim, kerf_name key)
{
    const char *reason = NULL;
    if (!pass->input->omit_reasons)
        reason = kerf_arena_format(&pass->arena, "NodePool couldn't meet minValues requirements (NodePool=%s, label=%s)",
                                   claim->template->pool->nodepool->meta.name->text, key->text);
    for (size_t i = 0; i < claim->pods.count; i++)
        KERF_VEC_PUSH_IN(&pass->arena, &pass->dropped, (struct kerf_dropped_pod){claim->pods.items[i], reason});
}

/* What a claim becomes, its own pods apart; false: its types don't meet minValues (9.2), `key` says whose. */
static bool finish_claim(struct kerf_pass *pass, const struct kerf_pass_claim *claim, struct kerf_arena *arena,
                         struct kerf_planned_claim *out, kerf_name *key)
{
    const struct kerf_type_table *table = claim->template->pool->table;
    uint32_t *types = KERF_NEW_ARRAY(&pass->scratch, uint32_t, CLAIM_TYPES_MAX);
    size_t count = cut_types(pass, claim, types);
    const struct kerf_instance_type **list = KERF_NEW_ARRAY(arena, const struct kerf_instance_type *, count);
    for (size_t i = 0; i < count; i++)
        list[i] = &table->types[types[i]];
    uint32_t observed = 0;
    if (pass->options.min_values_policy == KERF_MIN_VALUES_STRICT &&
        !kerf_min_values_met(&claim->requirements, list, count, key, &observed))
        return false;
    *out = (struct kerf_planned_claim){
        .nodepool_index = claim->template->pool->nodepool_index,
        .instance_types = list,
        .instance_type_count = count,
        .capacity_types = allowed_capacity_types(pass, claim),
        .requests = kerf_pass_stated_overhead(claim->template, claim->options),
    };
    write_requirements(pass, claim, types, count, arena, &out->requirements);
    return true;
}

/* ---- claims that end alike: lists of types and requirements are made once ------------------------------------------------ */

struct ending {
    const struct kerf_pass_claim *sample;
    uint32_t next; /* with the same hash */
    bool finished; /* else dropped, for `key` */
    kerf_name key;
    struct kerf_planned_claim planned;
};

struct endings {
    KERF_VEC(struct ending) items;
    struct kerf_id_map index;
};

static uint64_t hash_of_ending(const struct kerf_pass_claim *claim)
{
    uint64_t hash = kerf_hash_mix(claim->slots, claim->requirements.count);
    for (uint32_t word = 0; word < claim->template->pool->table->words; word++)
        hash = kerf_hash_mix(hash, claim->options[word]);
    return hash;
}

static bool ends_like(const struct kerf_pass *pass, const struct kerf_pass_claim *claim, const struct kerf_pass_claim *other)
{
    if (claim->template != other->template || claim->slots != other->slots ||
        claim->requirements.count != other->requirements.count ||
        memcmp(claim->options, other->options, claim->template->pool->table->words * sizeof claim->options[0]) != 0)
        return false;
    for (size_t i = 0; i < claim->requirements.count; i++)
        if (claim->requirements.items[i].key != pass->vocabulary->key_hostname && /* left out of what is written */
            !kerf_requirement_equal(&claim->requirements.items[i], &other->requirements.items[i]))
            return false;
    return true;
}

static const struct ending *ending_of(struct kerf_pass *pass, struct endings *endings, const struct kerf_pass_claim *claim,
                                      struct kerf_arena *arena)
{
    uint64_t hash = hash_of_ending(claim);
    uint32_t first = pass->options.engine == KERF_ENGINE_PLAIN ? KERF_NOT_FOUND : kerf_id_map_get(&endings->index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = endings->items.items[i].next)
        if (ends_like(pass, claim, endings->items.items[i].sample))
            return &endings->items.items[i];
    struct ending made = {.sample = claim, .next = first};
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    made.finished = finish_claim(pass, claim, arena, &made.planned, &made.key);
    kerf_arena_rewind(&pass->scratch, mark);
    kerf_id_map_put(&endings->index, hash, (uint32_t)endings->items.count);
    KERF_VEC_PUSH(&endings->items, made);
    return &endings->items.items[endings->items.count - 1];
}

static void list_claims(struct kerf_pass *pass, struct kerf_plan *plan)
{
    struct kerf_planned_claim *claims = KERF_NEW_ARRAY(&plan->arena, struct kerf_planned_claim, pass->claims.count);
    struct endings endings = {0};
    for (size_t i = 0; i < pass->claims.count; i++) {
        const struct kerf_pass_claim *claim = pass->claims.items[i];
        const struct ending *ending = ending_of(pass, &endings, claim, &plan->arena);
        if (!ending->finished) {
            drop_claim(pass, claim, ending->key);
            continue;
        }
        struct kerf_planned_claim *out = &claims[plan->claim_count++];
        *out = ending->planned;
        out->pods = list_pods(&plan->arena, claim);
        out->pod_count = claim->pods.count;
        out->min_values_relaxed = claim->min_values_relaxed;
        kerf_resources_add(&out->requests, &claim->requests);
    }
    plan->claims = claims;
    KERF_VEC_FREE(&endings.items);
    kerf_id_map_fini(&endings.index);
}

static int compare_dropped(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_u64(((const struct kerf_dropped_pod *)a)->pod.index, ((const struct kerf_dropped_pod *)b)->pod.index);
}

static const char *keep_reason(struct kerf_plan *plan, const char *reason)
{
    return reason != NULL && reason[0] != '\0' ? kerf_arena_text(&plan->arena, reason) : NULL;
}

static void list_refusals(struct kerf_pass *pass, struct kerf_plan *plan, const struct kerf_plan_refusal *left, size_t left_count)
{
    struct kerf_plan_refusal *refusals = KERF_NEW_ARRAY(&plan->arena, struct kerf_plan_refusal, left_count + pass->dropped.count);
    for (size_t i = 0; i < left_count; i++) {
        refusals[i] = left[i];
        refusals[i].reason = keep_reason(plan, left[i].reason);
    }
    kerf_sort(pass->dropped.items, pass->dropped.count, sizeof pass->dropped.items[0], compare_dropped, NULL);
    for (size_t i = 0; i < pass->dropped.count; i++) {
        const struct kerf_dropped_pod *dropped = &pass->dropped.items[i];
        refusals[left_count + i] = (struct kerf_plan_refusal){.pod = dropped->pod, .reason = keep_reason(plan, dropped->reason)};
    }
    plan->refusals = refusals;
    plan->refusal_count = left_count + pass->dropped.count;
}

void kerf_pass_finish(struct kerf_pass *pass, struct kerf_plan *plan, const struct kerf_plan_refusal *left, size_t left_count)
{
    for (size_t i = 0; i < pass->claims.count; i++)
        kerf_pass_settle_reserved(pass, pass->claims.items[i]);
    list_claims(pass, plan);
    struct kerf_planned_placement *existing = KERF_NEW_ARRAY(&plan->arena, struct kerf_planned_placement, pass->node_count);
    for (uint32_t i = 0; i < pass->node_count; i++) {
        const struct kerf_pass_node *node = &pass->nodes[i];
        if (node->placed.count == 0)
            continue;
        existing[plan->existing_count++] = (struct kerf_planned_placement){
            node->id, kerf_arena_copy(&plan->arena, node->placed.items, node->placed.count * sizeof node->placed.items[0]),
            node->placed.count};
    }
    plan->existing = existing;
    list_refusals(pass, plan, left, left_count);
    plan->attempts = pass->attempts;
}
