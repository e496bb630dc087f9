/**
 * Look-up tables from names and numbers to numbers: open addressing with linear probing. Removing shifts back the entries
 * that probed past the hole, so a table that lives long never fills with tombstones.
 */
#include "base/base.h"

#include <stdlib.h>

struct kerf_name_map_entry {
    kerf_name key; /* NULL: free */
    uint32_t value;
};

struct kerf_id_map_entry {
    uint64_t key;
    uint32_t value;
    bool used;
};

static uint32_t grown_capacity(uint32_t capacity)
{
    KERF_ASSERT(capacity <= UINT32_MAX / 4);
    return capacity ? capacity * 2 : 16;
}

static bool is_crowded(uint32_t count, uint32_t capacity)
{
    return count >= capacity - capacity / 4;
}

/** May the entry whose home slot is `home` and which lies at `slot` move to the hole? Yes, if its probe passed the hole. */
static bool probed_past(uint32_t home, uint32_t hole, uint32_t slot, uint32_t mask)
{
    return ((slot - home) & mask) >= ((slot - hole) & mask);
}

/* ---- by name ---- */

void kerf_name_map_fini(struct kerf_name_map *map)
{
    if (!map)
        return;
    free(map->entries);
    *map = (struct kerf_name_map){0};
}

void kerf_name_map_clear(struct kerf_name_map *map)
{
    if (map->capacity)
        memset(map->entries, 0, map->capacity * sizeof *map->entries);
    map->count = 0;
}

static uint32_t name_slot(const struct kerf_name_map *map, kerf_name key)
{
    uint32_t slot = key->hash & (map->capacity - 1);
    while (map->entries[slot].key && map->entries[slot].key != key)
        slot = (slot + 1) & (map->capacity - 1);
    return slot;
}

void kerf_name_map_put(struct kerf_name_map *map, kerf_name key, uint32_t value)
{
    KERF_ASSERT(key);
    KERF_ASSERT(value != KERF_NOT_FOUND);
    if (is_crowded(map->count, map->capacity)) {
        struct kerf_name_map grown = {.capacity = grown_capacity(map->capacity), .count = map->count};
        grown.entries = kerf_allocate(kerf_array_bytes(grown.capacity, sizeof *grown.entries));
        for (uint32_t i = 0; i < map->capacity; i++)
            if (map->entries[i].key)
                grown.entries[name_slot(&grown, map->entries[i].key)] = map->entries[i];
        free(map->entries);
        *map = grown;
    }
    struct kerf_name_map_entry *entry = &map->entries[name_slot(map, key)];
    if (!entry->key)
        map->count++;
    *entry = (struct kerf_name_map_entry){.key = key, .value = value};
}

uint32_t kerf_name_map_get(const struct kerf_name_map *map, kerf_name key)
{
    if (!key || !map->count)
        return KERF_NOT_FOUND;
    const struct kerf_name_map_entry *entry = &map->entries[name_slot(map, key)];
    return entry->key ? entry->value : KERF_NOT_FOUND;
}

void kerf_name_map_remove(struct kerf_name_map *map, kerf_name key)
{
    if (!key || !map->count)
        return;
    uint32_t mask = map->capacity - 1;
    uint32_t hole = name_slot(map, key);
    if (!map->entries[hole].key)
        return;
    for (uint32_t slot = (hole + 1) & mask; map->entries[slot].key; slot = (slot + 1) & mask) {
        if (probed_past(map->entries[slot].key->hash & mask, hole, slot, mask)) {
            map->entries[hole] = map->entries[slot];
            hole = slot;
        }
    }
    map->entries[hole] = (struct kerf_name_map_entry){0};
    map->count--;
}

/* ---- by number ---- */

void kerf_id_map_fini(struct kerf_id_map *map)
{
    if (!map)
        return;
    free(map->entries);
    *map = (struct kerf_id_map){0};
}

void kerf_id_map_clear(struct kerf_id_map *map)
{
    if (map->capacity)
        memset(map->entries, 0, map->capacity * sizeof *map->entries);
    map->count = 0;
}

static uint32_t id_home(uint64_t key, uint32_t mask)
{
    return (uint32_t)kerf_hash_mix(key, 0) & mask;
}

static uint32_t id_slot(const struct kerf_id_map *map, uint64_t key)
{
    uint32_t mask = map->capacity - 1;
    uint32_t slot = id_home(key, mask);
    while (map->entries[slot].used && map->entries[slot].key != key)
        slot = (slot + 1) & mask;
    return slot;
}

void kerf_id_map_put(struct kerf_id_map *map, uint64_t key, uint32_t value)
{
    KERF_ASSERT(value != KERF_NOT_FOUND);
    if (is_crowded(map->count, map->capacity)) {
        struct kerf_id_map grown = {.capacity = grown_capacity(map->capacity), .count = map->count};
        grown.entries = kerf_allocate(kerf_array_bytes(grown.capacity, sizeof *grown.entries));
        for (uint32_t i = 0; i < map->capacity; i++)
            if (map->entries[i].used)
                grown.entries[id_slot(&grown, map->entries[i].key)] = map->entries[i];
        free(map->entries);
        *map = grown;
    }
    struct kerf_id_map_entry *entry = &map->entries[id_slot(map, key)];
    if (!entry->used)
        map->count++;
    *entry = (struct kerf_id_map_entry){.key = key, .value = value, .used = true};
}

uint32_t kerf_id_map_get(const struct kerf_id_map *map, uint64_t key)
{
    if (!map->count)
        return KERF_NOT_FOUND;
    const struct kerf_id_map_entry *entry = &map->entries[id_slot(map, key)];
    return entry->used ? entry->value : KERF_NOT_FOUND;
}

void kerf_id_map_remove(struct kerf_id_map *map, uint64_t key)
{
    if (!map->count)
        return;
    uint32_t mask = map->capacity - 1;
    uint32_t hole = id_slot(map, key);
    if (!map->entries[hole].used)
        return;
    for (uint32_t slot = (hole + 1) & mask; map->entries[slot].used; slot = (slot + 1) & mask) {
        if (probed_past(id_home(map->entries[slot].key, mask), hole, slot, mask)) {
            map->entries[hole] = map->entries[slot];
            hole = slot;
        }
    }
    map->entries[hole] = (struct kerf_id_map_entry){0};
    map->count--;
}
