/* The store of ipamd: interfaces, slots, addresses held by pods and addresses cooling down. */
#include <stdlib.h>

#include "vpc/vpc_internal.h"

static struct kerf_vpc_eni_record *eni_at(const struct kerf_vpc_pool *pool, uint32_t eni)
{
    KERF_ASSERT(eni < (uint32_t)pool->options.limits.enis);
    KERF_ASSERT(pool->enis[eni].present);
    return &pool->enis[eni];
}

void kerf_vpc_pool_init(struct kerf_vpc_pool *pool, const struct kerf_vpc_pool_options *options, kerf_time_us now_us)
{
    KERF_ASSERT(options->limits.enis >= 1);
    KERF_ASSERT(options->limits.enis <= KERF_ENIS_MAX);
    KERF_ASSERT(options->limits.ipv4_per_eni >= 1);
    KERF_ASSERT(options->limits.ipv4_per_eni <= KERF_ENI_SLOTS_MAX + 1);
    KERF_ASSERT(kerf_cni_settings_refusal(&options->settings) == NULL);

    *pool = (struct kerf_vpc_pool){
        .options = *options,
        .draws = {.key = options->order_key},
        .next_loop_us = now_us,
        .last_shrink_us = KERF_TIME_UNSET,
        .last_shortage_us = KERF_TIME_UNSET,
        .slots_per_eni = (uint8_t)(options->limits.ipv4_per_eni - 1),
        /* On xen the CNI logs a warning and hands out secondary addresses. */
        .mode = options->settings.prefix_delegation && options->prefix_capable ? KERF_IP_PREFIX : KERF_IP_SECONDARY,
    };
    pool->addresses_per_slot = pool->mode == KERF_IP_PREFIX ? KERF_PREFIX_ADDRESSES : 1;
    size_t eni_places = (size_t)options->limits.enis;
    size_t eni_bytes = eni_places * sizeof *pool->enis;
    pool->enis = kerf_allocate(eni_bytes + eni_places * pool->slots_per_eni * sizeof *pool->slots);
    pool->slots = (struct kerf_vpc_slot_record *)(pool->enis + eni_places);
    kerf_vpc_pool_add_eni(pool, &(struct kerf_vpc_eni_record){
                                    .attached_us = now_us,
                                    .subnet = options->primary_subnet,
                                    .own_address = options->primary_address,
                                    .primary = true,
                                    .excluded = options->primary_excluded,
                                });
}

void kerf_vpc_pool_fini(struct kerf_vpc_pool *pool)
{
    if (!pool)
        return;
    free(pool->enis);
    free(pool->cooling);
    *pool = (struct kerf_vpc_pool){0};
}

uint8_t kerf_vpc_pool_add_eni(struct kerf_vpc_pool *pool, const struct kerf_vpc_eni_record *record)
{
    uint32_t place = 0;
    while (pool->enis[place].present)
        place++;
    KERF_ASSERT(place < (uint32_t)pool->options.limits.enis);
    if (pool->eni_count == GO_MAP_PLACES)
        pool->eni_map_grown = true;
    pool->enis[place] = *record;
    pool->enis[place].present = true;
    pool->enis[place].last_release_us = KERF_TIME_UNSET;
    pool->eni_count++;
    return (uint8_t)place;
}

void kerf_vpc_pool_add_slot(struct kerf_vpc_pool *pool, uint32_t eni, uint32_t address)
{
    struct kerf_vpc_eni_record *record = eni_at(pool, eni);
    KERF_ASSERT(record->slot_count < pool->slots_per_eni);
    struct kerf_vpc_slot_record *slot = pool_slots_of(pool, eni);
    while (slot->filled)
        slot++;
    if (record->slot_count == GO_MAP_PLACES)
        record->slot_map_grown = true;
    *slot = (struct kerf_vpc_slot_record){.address = address, .filled = true};
    record->slot_count++;
    record->free_slots++;
}

/* Addresses of a slot that goes back to the subnet cool no longer here. */
static void forget_cooling(struct kerf_vpc_pool *pool, uint32_t eni, uint32_t slot)
{
    for (uint32_t i = 0; i < pool->cooling_count; i++) {
        struct kerf_vpc_cooling *entry = &pool->cooling[(pool->cooling_head + i) % pool->cooling_capacity];
        if (entry->live && entry->eni == eni && entry->slot == slot) {
            entry->live = false;
            pool->enis[eni].cooling--;
        }
    }
}

void kerf_vpc_pool_remove_slot(struct kerf_vpc_pool *pool, uint32_t eni, uint32_t slot)
{
    struct kerf_vpc_eni_record *record = eni_at(pool, eni);
    struct kerf_vpc_slot_record *removed = &pool_slots_of(pool, eni)[slot];
    KERF_ASSERT(removed->filled);
    KERF_ASSERT(removed->assigned == 0);
    if (removed->cooling)
        forget_cooling(pool, eni, slot);
    *removed = (struct kerf_vpc_slot_record){0};
    record->slot_count--;
    record->free_slots--;
}

void kerf_vpc_pool_remove_eni(struct kerf_vpc_pool *pool, uint32_t eni)
{
    struct kerf_vpc_eni_record *record = eni_at(pool, eni);
    for (uint32_t slot = 0; slot < pool->slots_per_eni; slot++)
        if (pool_slots_of(pool, eni)[slot].filled)
            kerf_vpc_pool_remove_slot(pool, eni, slot);
    KERF_ASSERT(record->slot_count == 0);
    *record = (struct kerf_vpc_eni_record){0};
    pool->eni_count--;
}

void kerf_vpc_pool_expire(struct kerf_vpc_pool *pool, kerf_time_us now_us)
{
    while (pool->cooling_count > 0) {
        const struct kerf_vpc_cooling *entry = &pool->cooling[pool->cooling_head];
        if (entry->live) {
            if (now_us - entry->released_us <= pool->options.settings.ip_cooldown_us)
                return;
            struct kerf_vpc_slot_record *slot = &pool_slots_of(pool, entry->eni)[entry->slot];
            slot->cooling = (uint16_t)(slot->cooling & ~(1u << entry->index));
            pool->enis[entry->eni].cooling--;
        }
        pool->cooling_head = (pool->cooling_head + 1) % pool->cooling_capacity;
        pool->cooling_count--;
    }
}

static void queue_cooling(struct kerf_vpc_pool *pool, struct kerf_vpc_cooling entry)
{
    if (pool->cooling_count == pool->cooling_capacity) {
        uint32_t capacity = pool->cooling_capacity ? 2 * pool->cooling_capacity : 16;
        struct kerf_vpc_cooling *ring = kerf_allocate(capacity * sizeof *ring);
        for (uint32_t i = 0; i < pool->cooling_count; i++)
            ring[i] = pool->cooling[(pool->cooling_head + i) % pool->cooling_capacity];
        free(pool->cooling);
        pool->cooling = ring;
        pool->cooling_head = 0;
        pool->cooling_capacity = capacity;
    }
    pool->cooling[(pool->cooling_head + pool->cooling_count++) % pool->cooling_capacity] = entry;
}

bool kerf_vpc_pool_pod_arrives(struct kerf_vpc_pool *pool, kerf_time_us now_us, struct kerf_pod_address *out_address)
{
    if (pool->state != KERF_POOL_RUNNING)
        return false; /* the node is not Ready: nothing listens yet, nothing is counted */
    if (pool->options.settings.ipv6) {
        *out_address = (struct kerf_pod_address){0};
        return true;
    }
    kerf_vpc_pool_expire(pool, now_us);
    uint8_t eni = kerf_vpc_walk_to_usable_eni(pool);
    if (eni == KERF_ENIS_MAX) {
        pool->failed_assignments++;
        return false;
    }
    uint8_t slot = kerf_vpc_walk_to_usable_slot(pool, eni);
    struct kerf_vpc_slot_record *record = &pool_slots_of(pool, eni)[slot];
    uint16_t usable = (uint16_t)(pool_slot_mask(pool) & ~(record->assigned | record->cooling));
    uint16_t reusable = usable & record->recorded; /* which of several is again the order of a map: of no consequence, so the lowest */
    uint8_t index = (uint8_t)__builtin_ctz(reusable ? reusable : usable);
    if (record->assigned == 0)
        pool->enis[eni].free_slots--;
    record->assigned = (uint16_t)(record->assigned | 1u << index);
    record->recorded = (uint16_t)(record->recorded | 1u << index);
    pool->enis[eni].assigned++;
    *out_address = (struct kerf_pod_address){.eni = eni, .slot = slot, .index = index};
    return true;
}

void kerf_vpc_pool_pod_leaves(struct kerf_vpc_pool *pool, kerf_time_us now_us, struct kerf_pod_address address)
{
    if (pool->options.settings.ipv6)
        return;
    struct kerf_vpc_eni_record *eni = eni_at(pool, address.eni);
    KERF_ASSERT(address.slot < pool->slots_per_eni);
    struct kerf_vpc_slot_record *slot = &pool_slots_of(pool, address.eni)[address.slot];
    uint16_t bit = (uint16_t)(1u << address.index);
    KERF_ASSERT(slot->filled);
    KERF_ASSERT((slot->assigned & bit) != 0);
    slot->assigned = (uint16_t)(slot->assigned & ~bit);
    slot->cooling |= bit;
    eni->assigned--;
    eni->cooling++;
    eni->last_release_us = now_us;
    if (slot->assigned == 0)
        eni->free_slots++;
    queue_cooling(pool, (struct kerf_vpc_cooling){now_us, address.eni, address.slot, address.index, true});
}

uint32_t kerf_vpc_pool_pod_subnet_address(const struct kerf_vpc_pool *pool, struct kerf_pod_address address, uint32_t *out_subnet)
{
    *out_subnet = eni_at(pool, address.eni)->subnet;
    if (pool->options.settings.ipv6)
        return KERF_ADDRESS_NONE;
    uint32_t first = pool_slots_of(pool, address.eni)[address.slot].address;
    return first == KERF_ADDRESS_NONE ? KERF_ADDRESS_NONE : first + address.index;
}

kerf_time_us kerf_vpc_pool_cooling_until(const struct kerf_vpc_pool *pool)
{
    for (uint32_t i = 0; i < pool->cooling_count; i++) {
        const struct kerf_vpc_cooling *entry = &pool->cooling[(pool->cooling_head + i) % pool->cooling_capacity];
        if (entry->live)
            return entry->released_us + pool->options.settings.ip_cooldown_us + 1;
    }
    return KERF_TIME_NEVER;
}

bool kerf_vpc_pool_wants_trunk(const struct kerf_vpc_pool *pool)
{
    return pool->state == KERF_POOL_RUNNING && pool->options.settings.pod_eni && pool->options.trunk_capable && !pool->trunk_attached &&
           pool->eni_count < pool_enis_max(pool);
}

void kerf_vpc_pool_attach_trunk(struct kerf_vpc_pool *pool, kerf_time_us now_us, uint32_t subnet, uint32_t own_address)
{
    KERF_ASSERT(kerf_vpc_pool_wants_trunk(pool));
    kerf_vpc_pool_add_eni(
        pool, &(struct kerf_vpc_eni_record){.attached_us = now_us, .subnet = subnet, .own_address = own_address, .trunk = true});
    pool->trunk_attached = true;
}

void kerf_vpc_pool_restart(struct kerf_vpc_pool *pool, kerf_time_us now_us)
{
    KERF_ASSERT(!pool->pass.awaiting);
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        struct kerf_vpc_eni_record *eni = &pool->enis[i];
        if (!eni->present)
            continue;
        eni->attached_us = now_us;
        eni->cooling = 0;
        struct kerf_vpc_slot_record *slots = pool_slots_of(pool, (uint32_t)i);
        for (uint32_t slot = 0; slot < pool->slots_per_eni; slot++) {
            slots[slot].cooling = 0;
            slots[slot].recorded = slots[slot].assigned; /* the checkpoint holds pods' addresses, not past ones */
        }
    }
    pool->cooling_count = 0;
    pool->state = KERF_POOL_STARTING;
    pool->pass = (struct kerf_vpc_pass){0};
    pool->last_shrink_us = KERF_TIME_UNSET;
    pool->last_shortage_us = KERF_TIME_UNSET;
    pool->next_loop_us = now_us;
}

struct kerf_vpc_pool_stats kerf_vpc_pool_stats(const struct kerf_vpc_pool *pool)
{
    struct kerf_vpc_pool_stats stats = {.enis = pool->eni_count};
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[i];
        if (!eni->present)
            continue;
        stats.slots += eni->slot_count;
        stats.free_slots += eni->free_slots;
        stats.cooling += eni->cooling;
        if (!eni->excluded) {
            stats.addresses += eni_addresses(pool, eni);
            stats.assigned += eni->assigned;
        }
    }
    return stats;
}

uint32_t kerf_vpc_pool_slots(const struct kerf_vpc_pool *pool, uint8_t out_slots[KERF_ENIS_MAX])
{
    uint32_t count = 0;
    uint32_t primaries = 0;
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[i];
        if (!eni->present)
            continue;
        uint32_t place = count++; /* insertion into the descending rest; the primary goes to the front */
        uint32_t front = eni->primary ? 0 : primaries;
        while (place > front && (eni->primary || out_slots[place - 1] < eni->slot_count)) {
            out_slots[place] = out_slots[place - 1];
            place--;
        }
        out_slots[place] = eni->slot_count;
        primaries += eni->primary;
    }
    return count;
}

/* What the pool has forgotten and EC2 has not taken back yet, or NULL. */
static const struct kerf_vpc_action *returning(const struct kerf_vpc_pool *pool)
{
    const struct kerf_vpc_action *action = &pool->pass.action;
    bool gives = action->kind == KERF_VPC_UNASSIGN || action->kind == KERF_VPC_FREE_ENI;
    return pool->pass.awaiting && gives ? action : NULL;
}

int64_t kerf_vpc_pool_taken(const struct kerf_vpc_pool *pool, uint32_t subnet)
{
    int64_t taken = 0;
    for (int32_t i = 0; i < pool->options.limits.enis; i++)
        if (pool->enis[i].present && pool->enis[i].subnet == subnet)
            taken += 1 + eni_addresses(pool, &pool->enis[i]);
    const struct kerf_vpc_action *action = returning(pool);
    if (action && action->subnet == subnet)
        taken += (action->kind == KERF_VPC_FREE_ENI ? 1 : 0) + action->slot_count * pool->addresses_per_slot;
    return taken;
}

void kerf_vpc_pool_visit_ranges(const struct kerf_vpc_pool *pool, kerf_vpc_range_visitor visit, void *context)
{
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[i];
        if (!eni->present)
            continue;
        if (eni->own_address != KERF_ADDRESS_NONE)
            visit(context, eni->subnet, eni->own_address, 1);
        const struct kerf_vpc_slot_record *slots = pool_slots_of(pool, (uint32_t)i);
        for (uint32_t slot = 0; slot < pool->slots_per_eni; slot++)
            if (slots[slot].filled && slots[slot].address != KERF_ADDRESS_NONE)
                visit(context, eni->subnet, slots[slot].address, pool->addresses_per_slot);
    }
    const struct kerf_vpc_action *action = returning(pool);
    if (action && action->own_address != KERF_ADDRESS_NONE)
        visit(context, action->subnet, action->own_address, 1);
    for (uint8_t i = 0; action && i < action->slot_count; i++)
        if (action->addresses[i] != KERF_ADDRESS_NONE)
            visit(context, action->subnet, action->addresses[i], pool->addresses_per_slot);
}

void kerf_vpc_pool_check(const struct kerf_vpc_pool *pool)
{
    uint16_t mask = pool_slot_mask(pool);
    int32_t enis = 0;
    uint32_t cooling = 0;
    for (int32_t i = 0; i < pool->options.limits.enis; i++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[i];
        const struct kerf_vpc_slot_record *slots = pool_slots_of(pool, (uint32_t)i);
        int32_t filled = 0, free_slots = 0, assigned = 0, cooling_here = 0;
        for (uint32_t slot = 0; slot < pool->slots_per_eni; slot++) {
            const struct kerf_vpc_slot_record *record = &slots[slot];
            KERF_ASSERT(eni->present || !record->filled);
            KERF_ASSERT(record->filled || (record->assigned | record->cooling | record->recorded) == 0);
            KERF_ASSERT((record->assigned & record->cooling) == 0); /* one holder: a pod or the cool-down */
            KERF_ASSERT(((record->assigned | record->cooling) & ~record->recorded) == 0);
            KERF_ASSERT((record->recorded & ~mask) == 0);
            filled += record->filled;
            free_slots += record->filled && record->assigned == 0;
            assigned += __builtin_popcount(record->assigned);
            cooling_here += __builtin_popcount(record->cooling);
        }
        KERF_ASSERT(filled == eni->slot_count);
        KERF_ASSERT(free_slots == eni->free_slots);
        KERF_ASSERT(assigned == eni->assigned);
        KERF_ASSERT(cooling_here == eni->cooling);
        KERF_ASSERT(!eni->trunk || filled == 0);
        enis += eni->present;
        cooling += (uint32_t)cooling_here;
    }
    KERF_ASSERT(enis == pool->eni_count);
    uint32_t live = 0;
    for (uint32_t i = 0; i < pool->cooling_count; i++)
        live += pool->cooling[(pool->cooling_head + i) % pool->cooling_capacity].live;
    KERF_ASSERT(live == cooling);
}
