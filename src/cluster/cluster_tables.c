/**
 * The tables of the world: slots under ids that are never used again, slots in order of appearance, look-ups by content.
 */
#include "cluster_internal.h"

#include <stdlib.h>

/* ---- slots
 * ------------------------------------------------------------------------------------------------------------------------ */

void kerf_cluster_slot_table_init(struct slot_table *table, size_t item_bytes)
{
    *table = (struct slot_table){.item_bytes = item_bytes};
}

void kerf_cluster_slot_table_fini(struct slot_table *table)
{
    for (uint32_t i = 0; i < table->chunk_count; i++)
        free(table->chunks[i]);
    free(table->chunks);
    free(table->free_slots);
    free(table->slot_of_id);
    *table = (struct slot_table){0};
}

static uint32_t grown(uint32_t capacity)
{
    KERF_ASSERT(capacity < UINT32_MAX / 4);
    return capacity ? capacity * 2 : 64;
}

uint32_t kerf_cluster_slot_table_take(struct slot_table *table, uint32_t *out_slot)
{
    uint32_t slot;
    if (table->free_count) {
        slot = table->free_slots[--table->free_count];
    } else {
        slot = table->slot_count++;
        if (slot / SLOT_CHUNK_ITEMS == table->chunk_count) {
            table->chunks = kerf_reallocate(table->chunks, (table->chunk_count + 1) * sizeof *table->chunks);
            table->chunks[table->chunk_count++] = kerf_allocate(kerf_array_bytes(SLOT_CHUNK_ITEMS, table->item_bytes));
        }
    }
    if (table->id_bound == table->id_capacity) {
        table->id_capacity = grown(table->id_capacity);
        table->slot_of_id = kerf_reallocate(table->slot_of_id, table->id_capacity * sizeof *table->slot_of_id);
    }
    KERF_ASSERT(table->id_bound < UINT32_MAX - 1);
    table->slot_of_id[table->id_bound] = slot;
    *out_slot = slot;
    return table->id_bound++;
}

void kerf_cluster_slot_table_release(struct slot_table *table, uint32_t id)
{
    uint32_t slot = slot_table_slot(table, id);
    KERF_ASSERT(slot != KERF_NOT_FOUND);
    if (table->free_count == table->free_capacity) {
        table->free_capacity = grown(table->free_capacity);
        table->free_slots = kerf_reallocate(table->free_slots, table->free_capacity * sizeof *table->free_slots);
    }
    table->free_slots[table->free_count++] = slot;
    table->slot_of_id[id] = KERF_NOT_FOUND;
}

/* ---- order
 * ------------------------------------------------------------------------------------------------------------------------- */

void kerf_cluster_slot_order_fini(struct slot_order *order)
{
    free(order->items);
    free(order->places);
    *order = (struct slot_order){0};
}

bool kerf_cluster_slot_order_has(const struct slot_order *order, uint32_t slot)
{
    return slot < order->place_capacity && order->places[slot] != KERF_NOT_FOUND;
}

/** Moves everything from the given place on down over the holes. */
static void close_holes(struct slot_order *order, uint32_t from)
{
    uint32_t to = from;
    for (uint32_t i = from; i < order->end; i++) {
        uint32_t slot = order->items[i];
        if (slot == KERF_NOT_FOUND)
            continue;
        order->items[to] = slot;
        order->places[slot] = to++;
    }
    order->end = order->first_hole = to;
}

void kerf_cluster_slot_order_add(struct slot_order *order, uint32_t slot)
{
    if (slot >= order->place_capacity) {
        uint32_t capacity = grown(order->place_capacity);
        while (capacity <= slot)
            capacity = grown(capacity);
        order->places = kerf_reallocate(order->places, capacity * sizeof *order->places);
        for (uint32_t i = order->place_capacity; i < capacity; i++)
            order->places[i] = KERF_NOT_FOUND;
        order->place_capacity = capacity;
    }
    KERF_ASSERT(order->places[slot] == KERF_NOT_FOUND);
    if (order->end == order->capacity && order->begin > order->capacity / 2) {
        memmove(order->items, order->items + order->begin, (order->end - order->begin) * sizeof *order->items);
        order->end -= order->begin;
        order->begin = 0;
        close_holes(order, 0);
    }
    if (order->end == order->capacity) {
        order->capacity = grown(order->capacity);
        order->items = kerf_reallocate(order->items, order->capacity * sizeof *order->items);
    }
    bool whole = order->first_hole == order->end;
    order->items[order->end] = slot;
    order->places[slot] = order->end++;
    if (whole)
        order->first_hole = order->end;
    order->count++;
}

void kerf_cluster_slot_order_remove(struct slot_order *order, uint32_t slot)
{
    KERF_ASSERT(kerf_cluster_slot_order_has(order, slot));
    uint32_t place = order->places[slot];
    order->places[slot] = KERF_NOT_FOUND;
    order->items[place] = KERF_NOT_FOUND;
    order->count--;
    if (place == order->begin) { /* a queue loses its head: nothing moves */
        while (order->begin < order->end && order->items[order->begin] == KERF_NOT_FOUND)
            order->begin++;
        if (order->first_hole < order->begin) /* there may be more: to claim one too early costs a shortcut, not an answer */
            order->first_hole = order->begin;
    } else if (place < order->first_hole) {
        order->first_hole = place;
    }
    if (order->end - order->begin > 64 && order->end - order->begin > 2 * order->count)
        close_holes(order, order->begin);
}

uint32_t kerf_cluster_slot_order_at(struct slot_order *order, size_t at)
{
    KERF_ASSERT(at < order->count);
    uint32_t place = order->begin + (uint32_t)at;
    if (place >= order->first_hole) {
        close_holes(order, order->first_hole);
        KERF_ASSERT(place < order->end);
    }
    return order->items[place];
}

/* ---- content
 * ------------------------------------------------------------------------------------------------------------------------ */

void kerf_cluster_content_index_fini(struct content_index *index)
{
    free(index->cells);
    *index = (struct content_index){0};
}

void kerf_cluster_content_index_clear(struct content_index *index)
{
    if (index->capacity)
        memset(index->cells, 0, index->capacity * sizeof *index->cells);
    index->count = 0;
}

uint32_t kerf_cluster_content_index_find(const struct content_index *index, uint64_t hash, content_equal equal,
                                         const void *context)
{
    if (!index->count)
        return KERF_NOT_FOUND;
    for (uint32_t at = (uint32_t)hash & (index->capacity - 1); index->cells[at].used; at = (at + 1) & (index->capacity - 1))
        if (index->cells[at].hash == hash && equal(context, index->cells[at].value))
            return index->cells[at].value;
    return KERF_NOT_FOUND;
}

static void content_index_place(struct content_index *index, uint64_t hash, uint32_t value)
{
    uint32_t at = (uint32_t)hash & (index->capacity - 1);
    while (index->cells[at].used)
        at = (at + 1) & (index->capacity - 1);
    index->cells[at] = (struct content_index_cell){.hash = hash, .value = value, .used = true};
}

void kerf_cluster_content_index_put(struct content_index *index, uint64_t hash, uint32_t value)
{
    if (index->count >= index->capacity - index->capacity / 4) {
        struct content_index larger = {.capacity = grown(index->capacity), .count = index->count};
        larger.cells = kerf_allocate(larger.capacity * sizeof *larger.cells);
        for (uint32_t i = 0; i < index->capacity; i++) /* order doesn't matter: equal hashes keep theirs by the values compared */
            if (index->cells[i].used)
                content_index_place(&larger, index->cells[i].hash, index->cells[i].value);
        free(index->cells);
        *index = larger;
    }
    content_index_place(index, hash, value);
    index->count++;
}
