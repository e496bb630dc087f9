/* Walks over ipamd's two kinds of maps: interfaces of the node, slots of an interface. See enum kerf_vpc_order. */
#include "vpc/vpc_internal.h"

uint64_t kerf_vpc_draw_below(struct kerf_vpc_draws *draws, uint64_t bound)
{
    KERF_ASSERT(bound > 0);
    uint64_t number = kerf_hash_mix(draws->key, draws->counter++);
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)number * bound >> 64);
}

static uint32_t draw_start(struct kerf_vpc_pool *pool)
{
    return pool->options.order == KERF_ORDER_LOWEST_FIRST ? 0 : (uint32_t)kerf_vpc_draw_below(&pool->draws, GO_MAP_PLACES);
}

static void shuffle(struct kerf_vpc_pool *pool, uint8_t *walk, uint32_t count)
{
    if (pool->options.order == KERF_ORDER_LOWEST_FIRST)
        return;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)kerf_vpc_draw_below(&pool->draws, i);
        uint8_t kept = walk[i - 1];
        walk[i - 1] = walk[other];
        walk[other] = kept;
    }
}

/* The first of several in a shuffled order is a uniform choice among them. */
static uint32_t draw_among(struct kerf_vpc_pool *pool, uint32_t count)
{
    return pool->options.order == KERF_ORDER_LOWEST_FIRST ? 0 : (uint32_t)kerf_vpc_draw_below(&pool->draws, count);
}

uint8_t kerf_vpc_walk_enis(struct kerf_vpc_pool *pool, uint8_t out_walk[KERF_ENIS_MAX])
{
    uint8_t count = 0;
    uint32_t places = (uint32_t)pool->options.limits.enis;
    if (!pool->eni_map_grown) {
        uint32_t start = draw_start(pool);
        for (uint32_t i = 0; i < GO_MAP_PLACES; i++) {
            uint32_t place = (start + i) % GO_MAP_PLACES;
            if (place < places && pool->enis[place].present)
                out_walk[count++] = (uint8_t)place;
        }
        return count;
    }
    for (uint32_t place = 0; place < places; place++)
        if (pool->enis[place].present)
            out_walk[count++] = (uint8_t)place;
    shuffle(pool, out_walk, count);
    return count;
}

uint8_t kerf_vpc_walk_copied_enis(struct kerf_vpc_pool *pool, uint8_t out_walk[KERF_ENIS_MAX])
{
    uint8_t copied[KERF_ENIS_MAX];
    uint8_t count = kerf_vpc_walk_enis(pool, copied);
    if (count > GO_MAP_PLACES) {
        memcpy(out_walk, copied, count);
        shuffle(pool, out_walk, count);
        return count;
    }
    uint32_t start = draw_start(pool);
    uint8_t walked = 0;
    for (uint32_t i = 0; i < GO_MAP_PLACES; i++) {
        uint32_t place = (start + i) % GO_MAP_PLACES;
        if (place < count)
            out_walk[walked++] = copied[place];
    }
    return count;
}

uint8_t kerf_vpc_walk_to_usable_eni(struct kerf_vpc_pool *pool)
{
    uint8_t usable[KERF_ENIS_MAX];
    uint32_t usable_count = 0;
    uint32_t places = (uint32_t)pool->options.limits.enis;
    for (uint32_t place = 0; place < places; place++) {
        const struct kerf_vpc_eni_record *eni = &pool->enis[place];
        if (eni->present && !eni->excluded && eni_usable(pool, eni) > 0)
            usable[usable_count++] = (uint8_t)place;
    }
    if (usable_count == 0)
        return KERF_ENIS_MAX;
    if (usable_count == 1)
        return usable[0];
    if (pool->eni_map_grown)
        return usable[draw_among(pool, usable_count)];
    uint32_t start = draw_start(pool);
    for (uint32_t i = 0; i < usable_count; i++)
        if (usable[i] >= start)
            return usable[i];
    return usable[0]; /* the walk wrapped */
}

uint8_t kerf_vpc_walk_free_slots(struct kerf_vpc_pool *pool, uint32_t eni, uint8_t limit, uint8_t out_slots[KERF_ENI_SLOTS_MAX])
{
    const struct kerf_vpc_slot_record *slots = pool_slots_of(pool, eni);
    uint8_t found[KERF_ENI_SLOTS_MAX];
    uint32_t found_count = 0;
    for (uint32_t place = 0; place < pool->slots_per_eni; place++)
        if (slots[place].filled && slots[place].assigned == 0)
            found[found_count++] = (uint8_t)place;
    if (found_count == 0)
        return 0;
    uint32_t first = 0;
    if (pool->enis[eni].slot_map_grown) {
        shuffle(pool, found, found_count);
    } else {
        uint32_t start = draw_start(pool);
        while (first < found_count && found[first] < start)
            first++;
    }
    uint8_t count = 0;
    for (uint32_t i = 0; i < found_count && count < limit; i++)
        out_slots[count++] = found[(first + i) % found_count];
    return count;
}

uint8_t kerf_vpc_walk_to_usable_slot(struct kerf_vpc_pool *pool, uint32_t eni)
{
    const struct kerf_vpc_slot_record *slots = pool_slots_of(pool, eni);
    uint16_t mask = pool_slot_mask(pool);
    uint8_t usable[KERF_ENI_SLOTS_MAX];
    uint32_t usable_count = 0;
    for (uint32_t place = 0; place < pool->slots_per_eni; place++)
        if (slots[place].filled && (slots[place].assigned | slots[place].cooling) != mask)
            usable[usable_count++] = (uint8_t)place;
    KERF_ASSERT(usable_count > 0);
    if (pool->enis[eni].slot_map_grown)
        return usable[draw_among(pool, usable_count)];
    uint32_t start = usable_count > 1 ? draw_start(pool) : 0;
    for (uint32_t i = 0; i < usable_count; i++)
        if (usable[i] >= start)
            return usable[i];
    return usable[0];
}
