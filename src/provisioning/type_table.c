/**
 * type_table: the instance types of a NodeClass as columns of amounts and bitsets, with memos of what many claims ask again:
 * which types meet one requirement, which have an available offering in some slots, and their order by price.
 */
#include <math.h>
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- one requirement -------------------------------------------------------------------------------------------------- */

bool kerf_requirement_equal(const struct kerf_requirement *a, const struct kerf_requirement *b)
{
    if (a->key != b->key || a->complement != b->complement || a->has_lower != b->has_lower || a->has_upper != b->has_upper ||
        a->min_values != b->min_values || a->value_count != b->value_count)
        return false;
    if ((a->has_lower && a->lower != b->lower) || (a->has_upper && a->upper != b->upper))
        return false;
    if (a->values == b->values || a->value_count == 0)
        return true;
    return memcmp(a->values, b->values, a->value_count * sizeof a->values[0]) == 0; /* names: equal texts are the same pointer */
}

static uint64_t hash_requirement(const struct kerf_requirement *requirement)
{
    uint64_t hash = requirement->key->hash;
    hash = kerf_hash_mix(hash, (uint64_t)requirement->complement | (uint64_t)requirement->has_lower << 1 |
                                   (uint64_t)requirement->has_upper << 2 | (uint64_t)requirement->value_count << 8);
    if (requirement->has_lower)
        hash = kerf_hash_mix(hash, (uint64_t)requirement->lower);
    if (requirement->has_upper)
        hash = kerf_hash_mix(hash, (uint64_t)requirement->upper);
    for (uint32_t i = 0; i < requirement->value_count; i++)
        hash = kerf_hash_mix(hash, requirement->values[i]->hash);
    return hash;
}

/* Intersects of 4.3 for one key. */
static bool meets(const struct kerf_instance_type *type, const struct kerf_requirement *wanted)
{
    const struct kerf_requirement *own = kerf_requirements_get(&type->requirements, wanted->key);
    if (own == NULL || kerf_requirement_intersects(own, wanted))
        return true;
    enum kerf_operator own_operator = kerf_requirement_operator(own);
    enum kerf_operator wanted_operator = kerf_requirement_operator(wanted);
    return (own_operator == KERF_OP_NOT_IN || own_operator == KERF_OP_DOES_NOT_EXIST) &&
           (wanted_operator == KERF_OP_NOT_IN || wanted_operator == KERF_OP_DOES_NOT_EXIST);
}

const uint64_t *kerf_type_table_meeting(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                                        const struct kerf_requirement *requirement)
{
    struct kerf_requirement wanted = *requirement;
    wanted.min_values = -1; /* counts types, doesn't choose them */
    uint64_t hash = hash_requirement(&wanted);
    uint32_t first = kerf_id_map_get(&table->requirement_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = table->requirement_memos.items[i].next)
        if (kerf_requirement_equal(&table->requirement_memos.items[i].requirement, &wanted))
            return table->requirement_memos.items[i].types;
    if (wanted.value_count > 0)
        wanted.values = kerf_arena_copy(&cache->arena, wanted.values, wanted.value_count * sizeof wanted.values[0]);
    uint64_t *types = KERF_NEW_ARRAY(&cache->arena, uint64_t, table->words);
    for (uint32_t i = 0; i < table->count; i++)
        if (meets(&table->types[i], &wanted))
            kerf_bit_set(types, i);
    kerf_id_map_put(&table->requirement_index, hash, (uint32_t)table->requirement_memos.count);
    KERF_VEC_PUSH(&table->requirement_memos, (struct kerf_requirement_memo){wanted, hash, first, types});
    return types;
}

/* ---- fit -------------------------------------------------------------------------------------------------------------- */

static int compare_amounts(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_i64(*(const int64_t *)a, *(const int64_t *)b);
}

const struct kerf_fit_rows *kerf_type_table_fit_rows(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                                                     uint32_t resource)
{
    struct kerf_fit_rows *rows = &table->fit_rows[resource];
    if (rows->known)
        return rows;
    const int64_t *column = table->allocatable[resource];
    rows->known = true;
    rows->amounts = kerf_arena_copy(&cache->arena, column, table->count * sizeof column[0]);
    kerf_sort(rows->amounts, table->count, sizeof rows->amounts[0], compare_amounts, NULL);
    for (uint32_t i = 0; i < table->count; i++)
        if (rows->count == 0 || rows->amounts[rows->count - 1] != rows->amounts[i])
            rows->amounts[rows->count++] = rows->amounts[i];
    rows->types = KERF_NEW_ARRAY(&cache->arena, uint64_t, (size_t)rows->count * table->words);
    for (uint32_t type = 0; type < table->count; type++)
        for (uint32_t row = kerf_fit_rows_find(rows, column[type]) + 1; row-- > 0;)
            kerf_bit_set(&rows->types[(size_t)row * table->words], type);
    return rows;
}

uint32_t kerf_fit_rows_find(const struct kerf_fit_rows *rows, int64_t amount)
{
    uint32_t first = 0;
    uint32_t length = rows->count;
    while (length > 0) { /* the loop has no other branch: amounts are as good as random */
        uint32_t half = length / 2;
        bool less = rows->amounts[first + half] < amount;
        first = less ? first + half + 1 : first;
        length = less ? length - half - 1 : half;
    }
    return first;
}

int64_t kerf_type_table_largest(struct kerf_provisioning_cache *cache, struct kerf_type_table *table, uint32_t resource,
                                const uint64_t *types)
{
    if (table->allocatable[resource] == NULL)
        return 0;
    const struct kerf_fit_rows *rows = kerf_type_table_fit_rows(cache, table, resource);
    for (uint32_t row = rows->count; row-- > 0;)
        for (uint32_t word = 0; word < table->words; word++)
            if ((rows->types[(size_t)row * table->words + word] & types[word]) != 0)
                return kerf_max_i64(0, rows->amounts[row]);
    return 0;
}

/* ---- offerings -------------------------------------------------------------------------------------------------------- */

kerf_slots kerf_type_table_slots(const struct kerf_vocabulary *vocabulary, const struct kerf_type_table *table,
                               const struct kerf_requirements *requirements)
{
    kerf_slots slots = 0;
    for (uint32_t slot = 0; slot < table->slot_count; slot++)
        if (table->slot_requirements[slot] != NULL &&
            kerf_requirements_compatible(vocabulary, requirements, table->slot_requirements[slot], KERF_UNDEFINED_WELL_KNOWN,
                                         NULL))
            slots |= kerf_slot_bit(slot);
    return slots;
}

kerf_slots kerf_type_table_slots_of(const struct kerf_type_table *table, enum kerf_capacity_type capacity_type)
{
    kerf_slots slots = 0;
    for (uint32_t slot = 0; slot < table->slot_count; slot++)
        if (capacity_type == KERF_RESERVED ? slot >= table->zone_slot_count
                                           : slot < table->zone_slot_count && slot % KERF_ZONE_SLOTS == (uint32_t)capacity_type)
            slots |= kerf_slot_bit(slot);
    return slots;
}

struct kerf_slots_memo *kerf_type_table_offering(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                                                 kerf_slots slots)
{
    for (size_t i = 0; i < table->slots_memos.count; i++)
        if (table->slots_memos.items[i].slots == slots)
            return &table->slots_memos.items[i];
    uint64_t *types = KERF_NEW_ARRAY(&cache->offering_arena, uint64_t, table->words);
    for (uint32_t slot = 0; slot < table->slot_count; slot++)
        if (slots >> slot & 1)
            for (uint32_t word = 0; word < table->words; word++)
                types[word] |= table->available[slot][word];
    KERF_VEC_PUSH(&table->slots_memos, (struct kerf_slots_memo){slots, types, NULL});
    return &table->slots_memos.items[table->slots_memos.count - 1];
}

const struct kerf_offering *kerf_type_table_cheapest(const struct kerf_type_table *table, uint32_t type, kerf_slots slots)
{
    const struct kerf_offering *cheapest = NULL;
    for (uint32_t slot = 0; slot < table->slot_count; slot++) {
        if (!(slots >> slot & 1) || !kerf_bit_get(table->available[slot], type))
            continue;
        const struct kerf_offering *offering = table->offerings[(size_t)type * table->slot_count + slot];
        if (cheapest == NULL || offering->price_usd_per_hour < cheapest->price_usd_per_hour)
            cheapest = offering;
    }
    return cheapest;
}

struct priced_type {
    double price_usd_per_hour;
    uint32_t type;
};

static int compare_priced(const void *a, const void *b, void *context)
{
    (void)context;
    const struct priced_type *left = a;
    const struct priced_type *right = b;
    int order = kerf_compare_double(left->price_usd_per_hour, right->price_usd_per_hour);
    return order != 0 ? order : (left->type > right->type) - (left->type < right->type); /* types are in order of name */
}

const uint32_t *kerf_type_table_by_price(struct kerf_provisioning_cache *cache, struct kerf_type_table *table, kerf_slots slots)
{
    struct kerf_slots_memo *memo = kerf_type_table_offering(cache, table, slots);
    if (memo->by_price != NULL)
        return memo->by_price;
    struct priced_type *priced = KERF_NEW_ARRAY(&cache->offering_arena, struct priced_type, table->count);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct kerf_offering *cheapest = kerf_type_table_cheapest(table, i, slots);
        priced[i] = (struct priced_type){cheapest != NULL ? cheapest->price_usd_per_hour : HUGE_VAL, i};
    }
    kerf_sort(priced, table->count, sizeof priced[0], compare_priced, NULL);
    memo->by_price = KERF_NEW_ARRAY(&cache->offering_arena, uint32_t, table->count);
    for (uint32_t i = 0; i < table->count; i++)
        memo->by_price[i] = priced[i].type;
    return memo->by_price;
}

/* ---- building --------------------------------------------------------------------------------------------------------- */

static void set_amount(struct kerf_provisioning_cache *cache, struct kerf_type_table *table, int64_t **columns, uint32_t type,
                       const struct kerf_resources *resources)
{
    for (uint32_t present = resources->present; present != 0; present &= present - 1) {
        uint32_t resource = (uint32_t)__builtin_ctz(present);
        int64_t amount = resources->amounts[resource];
        if (amount == 0)
            continue;
        if (columns[resource] == NULL)
            columns[resource] = KERF_NEW_ARRAY(&cache->arena, int64_t, table->count);
        columns[resource][type] = amount;
    }
}

static void mark_available(struct kerf_provisioning_cache *cache, struct kerf_type_table *table)
{
    table->slots_memos.count = 0;
    for (uint32_t slot = 0; slot < table->slot_count; slot++)
        table->available[slot] = KERF_NEW_ARRAY(&cache->offering_arena, uint64_t, table->words);
    for (uint32_t type = 0; type < table->count; type++) {
        for (uint32_t slot = 0; slot < table->slot_count; slot++) {
            const struct kerf_offering *offering = table->offerings[(size_t)type * table->slot_count + slot];
            if (offering != NULL && kerf_cluster_offering_is_available(cache->cluster, offering))
                kerf_bit_set(table->available[slot], type);
        }
    }
}

/* The slot of an offering; KERF_NOT_FOUND: one reservation too many. */
static uint32_t slot_of(struct kerf_type_table *table, const struct kerf_offering *offering)
{
    if (offering->capacity_type != KERF_RESERVED)
        return offering->zone_index * KERF_ZONE_SLOTS + (uint32_t)offering->capacity_type;
    for (uint32_t slot = table->zone_slot_count; slot < table->slot_count; slot++)
        if (table->slot_reservation[slot] == offering->reservation)
            return slot;
    return KERF_NOT_FOUND;
}

/* Reservations in order of their IDs, as the NodeClass has them. */
static void open_reserved_slots(struct kerf_type_table *table, const struct kerf_ec2nodeclass *nodeclass)
{
    for (uint32_t i = 0; i < nodeclass->reservation_count && i < KERF_RESERVED_SLOT_MAX; i++)
        table->slot_reservation[table->slot_count++] = nodeclass->reservations[i].index;
}

static void build_table(struct kerf_provisioning_cache *cache, struct kerf_type_table *table,
                        const struct kerf_ec2nodeclass *nodeclass, const struct kerf_instance_types *types)
{
    table->types = types->items;
    table->count = (uint32_t)types->count;
    table->words = (uint32_t)kerf_bitset_words(types->count);
    table->negative = KERF_NEW_ARRAY(&cache->arena, uint64_t, table->words);
    size_t zone_count = 0;
    kerf_catalog_zones(kerf_cluster_catalog(cache->cluster), &zone_count);
    table->zone_slot_count = table->slot_count = (uint32_t)zone_count * KERF_ZONE_SLOTS;
    open_reserved_slots(table, nodeclass);
    table->offerings = KERF_NEW_ARRAY(&cache->arena, const struct kerf_offering *, types->count * table->slot_count);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct kerf_instance_type *type = &table->types[i];
        set_amount(cache, table, table->allocatable, i, &type->allocatable);
        set_amount(cache, table, table->capacity, i, &type->capacity);
        for (uint32_t resource = 0; resource < KERF_RESOURCE_MAX; resource++)
            if (kerf_resources_has(&type->allocatable, (enum kerf_resource)resource) && type->allocatable.amounts[resource] < 0)
                kerf_bit_set(table->negative, i);
        for (uint32_t k = 0; k < type->offering_count; k++) {
            const struct kerf_offering *offering = &type->offerings[k];
            uint32_t slot = slot_of(table, offering);
            if (slot == KERF_NOT_FOUND)
                continue;
            table->offerings[(size_t)i * table->slot_count + slot] = offering;
            table->slot_requirements[slot] = &offering->requirements; /* the same for every type */
        }
    }
    mark_available(cache, table);
}

/* ---- the cache -------------------------------------------------------------------------------------------------------- */

static size_t reservation_bytes(const struct kerf_provisioning_cache *cache)
{
    return kerf_array_bytes(kerf_bitset_words(kerf_cluster_objects(cache->cluster)->capacity_reservations.count), sizeof(uint64_t));
}

/* Those of EC2NodeClasses that have room now. */
static void note_open_reservations(struct kerf_provisioning_cache *cache, uint64_t *bits)
{
    const struct kerf_objects *objects = kerf_cluster_objects(cache->cluster);
    cache->has_reserved = false;
    for (size_t c = 0; c < objects->nodeclasses.count; c++) {
        const struct kerf_ec2nodeclass *nodeclass = &objects->nodeclasses.items[c];
        for (uint32_t i = 0; i < nodeclass->reservation_count; i++) {
            if (kerf_cluster_reservation_room(cache->cluster, nodeclass->reservations[i].index) == 0)
                continue;
            kerf_bit_set(bits, nodeclass->reservations[i].index);
            cache->has_reserved = true;
        }
    }
}

struct kerf_provisioning_cache *kerf_provisioning_cache_new(const struct kerf_cluster *cluster)
{
    struct kerf_provisioning_cache *cache = kerf_allocate(sizeof *cache);
    kerf_pass_base_init(&cache->base);
    kerf_arena_init(&cache->arena);
    kerf_arena_init(&cache->offering_arena);
    kerf_arena_init(&cache->scratch);
    cache->cluster = cluster;
    cache->tables = kerf_allocate(kerf_array_bytes(kerf_cluster_objects(cluster)->nodeclasses.count, sizeof cache->tables[0]));
    cache->unavailable_words = kerf_bitset_words(kerf_catalog_offering_count(kerf_cluster_catalog(cluster)));
    cache->unavailable = kerf_allocate(kerf_array_bytes(cache->unavailable_words, sizeof(uint64_t)));
    cache->open_reservations = kerf_allocate(reservation_bytes(cache));
    note_open_reservations(cache, cache->open_reservations);
    return cache;
}

void kerf_provisioning_cache_free(struct kerf_provisioning_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < kerf_cluster_objects(cache->cluster)->nodeclasses.count; i++) {
        KERF_VEC_FREE(&cache->tables[i].requirement_memos);
        KERF_VEC_FREE(&cache->tables[i].slots_memos);
        kerf_id_map_fini(&cache->tables[i].requirement_index);
    }
    free(cache->tables);
    free(cache->unavailable);
    free(cache->open_reservations);
    kerf_pass_base_fini(&cache->base);
    kerf_overflow_free(cache->overflow);
    KERF_VEC_FREE(&cache->pool_domains);
    KERF_VEC_FREE(&cache->placeholders);
    kerf_arena_fini(&cache->arena);
    kerf_arena_fini(&cache->offering_arena);
    kerf_arena_fini(&cache->scratch);
    free(cache);
}

struct kerf_type_table *kerf_provisioning_cache_table(struct kerf_provisioning_cache *cache, uint32_t nodeclass_index)
{
    struct kerf_type_table *table = &cache->tables[nodeclass_index];
    if (table->types == NULL)
        build_table(cache, table, &kerf_cluster_objects(cache->cluster)->nodeclasses.items[nodeclass_index],
                    kerf_cluster_instance_types(cache->cluster, nodeclass_index));
    return table;
}

void kerf_provisioning_cache_refresh(struct kerf_provisioning_cache *cache)
{
    const uint64_t *now = kerf_cluster_unavailable_offerings(cache->cluster);
    bool same = cache->unavailable_words == 0 || memcmp(now, cache->unavailable, cache->unavailable_words * sizeof now[0]) == 0;
    if (kerf_cluster_objects(cache->cluster)->capacity_reservations.count > 0) {
        uint64_t *open = kerf_allocate(reservation_bytes(cache));
        note_open_reservations(cache, open);
        same &= memcmp(open, cache->open_reservations, reservation_bytes(cache)) == 0;
        free(cache->open_reservations);
        cache->open_reservations = open;
    }
    if (same)
        return;
    cache->offering_generation++;
    memcpy(cache->unavailable, now, cache->unavailable_words * sizeof now[0]);
    kerf_arena_reset(&cache->offering_arena);
    for (size_t i = 0; i < kerf_cluster_objects(cache->cluster)->nodeclasses.count; i++)
        if (cache->tables[i].types != NULL)
            mark_available(cache, &cache->tables[i]);
}

/* Domains of section 7.3 that one NodePool gives to a key: of each type as listed, and of its own In requirements. */
static void collect_domains(struct kerf_provisioning_cache *cache, uint32_t nodepool_index, kerf_name key,
                            struct kerf_arena *scratch, struct kerf_name_map *seen, struct kerf_pool_domains *out)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cache->cluster);
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cache->cluster)->nodepools.items[nodepool_index];
    uint32_t nodeclass_index = kerf_cluster_nodeclass_of_pool(cache->cluster, nodepool_index);
    const struct kerf_type_table *table = kerf_provisioning_cache_table(cache, nodeclass_index);
    struct kerf_requirements own = {0};
    kerf_requirements_add_expressions(scratch, vocabulary, &own, &nodepool->requirements);
    struct kerf_requirements labels = kerf_requirements_of_labels(scratch, vocabulary, &nodepool->template_labels);
    kerf_requirements_add_all(scratch, &own, &labels);
    const struct kerf_requirement *of_pool = kerf_requirements_get(&own, key);
    KERF_VEC(kerf_name) names = {0};
    const struct kerf_requirement *before = NULL;
    for (uint32_t i = 0; i <= table->count; i++) {
        const struct kerf_requirement *of_type =
            i < table->count ? kerf_requirements_get(&table->types[i].requirements, key) : NULL;
        struct kerf_requirement domains;
        if (i == table->count) { /* the pool's own */
            if (of_pool == NULL || kerf_requirement_operator(of_pool) != KERF_OP_IN)
                continue;
            domains = *of_pool;
        } else if (of_type == NULL && of_pool == NULL) {
            continue;
        } else if (of_type == NULL || of_pool == NULL) {
            domains = of_type != NULL ? *of_type : *of_pool;
        } else {
            if (before != NULL && kerf_requirement_equal(before, of_type))
                continue; /* neighbours in the list mostly agree */
            domains = kerf_requirement_intersection(scratch, of_pool, of_type);
        }
        before = of_type;
        for (uint32_t k = 0; k < domains.value_count; k++) {
            if (kerf_name_map_get(seen, domains.values[k]) != KERF_NOT_FOUND)
                continue;
            kerf_name_map_put(seen, domains.values[k], 1);
            KERF_VEC_PUSH_IN(&cache->arena, &names, domains.values[k]);
        }
    }
    *out = (struct kerf_pool_domains){nodepool_index, key, names.items, (uint32_t)names.count};
}

const struct kerf_pool_domains *kerf_provisioning_cache_domains(struct kerf_provisioning_cache *cache, uint32_t nodepool_index,
                                                                kerf_name key)
{
    for (size_t i = 0; i < cache->pool_domains.count; i++)
        if (cache->pool_domains.items[i].nodepool_index == nodepool_index && cache->pool_domains.items[i].key == key)
            return &cache->pool_domains.items[i];
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_name_map seen = {0};
    struct kerf_pool_domains domains;
    collect_domains(cache, nodepool_index, key, &scratch, &seen, &domains);
    kerf_name_map_fini(&seen);
    kerf_arena_fini(&scratch);
    KERF_VEC_PUSH(&cache->pool_domains, domains);
    return &cache->pool_domains.items[cache->pool_domains.count - 1];
}

kerf_name kerf_provisioning_cache_placeholder(struct kerf_provisioning_cache *cache, uint32_t index)
{
    struct kerf_names *names = kerf_cluster_vocabulary(cache->cluster)->names;
    while (cache->placeholders.count <= index) {
        kerf_name next = kerf_name_format(names, "hostname-placeholder-%04zu", cache->placeholders.count + 1);
        KERF_VEC_PUSH(&cache->placeholders, next);
    }
    return cache->placeholders.items[index];
}
