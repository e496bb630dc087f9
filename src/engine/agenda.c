#include "engine/engine_internal.h"

#include <stdlib.h>

/* A slot with at most this many events goes into the heap whole. Beyond this many in the heap the near end is drawn closer. */
#define NEAR_FILL 24
#define NEAR_CROWD 192

#define HEAP_ARITY 4
#define CLASS_SHIFT 60 /* of `order`: 16 classes, 10^18 events */

static uint64_t slot_width(unsigned level)
{
    return (uint64_t)1 << 8 * level;
}
static unsigned slot_digit(uint64_t at, unsigned level)
{
    return (unsigned)(at >> 8 * level) & (KERF_AGENDA_SLOTS - 1);
}

static bool entry_before(const struct kerf_agenda_entry *a, const struct kerf_agenda_entry *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void kerf_agenda_init(struct kerf_agenda *agenda)
{
    memset(agenda, 0, sizeof *agenda);
    agenda->free_ticket = KERF_AGENDA_FREE;
}

void kerf_agenda_fini(struct kerf_agenda *agenda)
{
    for (size_t i = 0; i <= KERF_AGENDA_NEAR; i++)
        KERF_VEC_FREE(&agenda->bins[i]);
    KERF_VEC_FREE(&agenda->tickets);
}

/* ---- tickets --------------------------------------------------------------------------------------------------------------- */

static uint32_t ticket_take(struct kerf_agenda *agenda, struct kerf_event event)
{
    uint32_t ticket = agenda->free_ticket;
    if (ticket == KERF_AGENDA_FREE) {
        KERF_ASSERT(agenda->tickets.count < KERF_AGENDA_FREE);
        ticket = (uint32_t)agenda->tickets.count;
        KERF_VEC_PUSH(&agenda->tickets, (struct kerf_agenda_ticket){.event = event, .generation = 1});
        return ticket;
    }
    struct kerf_agenda_ticket *reused = &agenda->tickets.items[ticket];
    agenda->free_ticket = reused->place;
    reused->event = event;
    return ticket;
}

static void ticket_give_back(struct kerf_agenda *agenda, uint32_t ticket)
{
    struct kerf_agenda_ticket *t = &agenda->tickets.items[ticket];
    t->bin = KERF_AGENDA_FREE;
    if (t->generation == UINT32_MAX)
        return; /* retired: a handle is never used twice */
    t->generation++;
    t->place = agenda->free_ticket;
    agenda->free_ticket = ticket;
}

static void ticket_points_at(struct kerf_agenda *agenda, uint32_t ticket, uint32_t bin, size_t place)
{
    agenda->tickets.items[ticket].bin = bin;
    agenda->tickets.items[ticket].place = (uint32_t)place;
}

/* ---- near: the heap -------------------------------------------------------------------------------------------------------- */

static void heap_place(struct kerf_agenda *agenda, size_t index, struct kerf_agenda_entry entry)
{
    agenda->bins[KERF_AGENDA_NEAR].items[index] = entry;
    agenda->tickets.items[entry.ticket].place = (uint32_t)index;
}

/* `entry` is to stand at `index` or above it. */
static void heap_rise(struct kerf_agenda *agenda, size_t index, struct kerf_agenda_entry entry)
{
    struct kerf_agenda_entry *heap = agenda->bins[KERF_AGENDA_NEAR].items;
    while (index > 0) {
        const size_t parent = (index - 1) / HEAP_ARITY;
        agenda->step_count++;
        if (!entry_before(&entry, &heap[parent]))
            break;
        heap_place(agenda, index, heap[parent]);
        index = parent;
    }
    heap_place(agenda, index, entry);
}

/* `entry` is to stand at `index` or below it. */
static void heap_sink(struct kerf_agenda *agenda, size_t index, struct kerf_agenda_entry entry)
{
    struct kerf_agenda_entry *heap = agenda->bins[KERF_AGENDA_NEAR].items;
    const size_t count = agenda->bins[KERF_AGENDA_NEAR].count;
    for (;;) {
        const size_t first = HEAP_ARITY * index + 1;
        if (first >= count)
            break;
        const size_t end = first + HEAP_ARITY < count ? first + HEAP_ARITY : count;
        size_t least = first;
        for (size_t i = first + 1; i < end; i++)
            if (entry_before(&heap[i], &heap[least]))
                least = i;
        agenda->step_count += end - first;
        if (!entry_before(&heap[least], &entry))
            break;
        heap_place(agenda, index, heap[least]);
        index = least;
    }
    heap_place(agenda, index, entry);
}

static void heap_add(struct kerf_agenda *agenda, struct kerf_agenda_entry entry)
{
    struct kerf_agenda_bin *heap = &agenda->bins[KERF_AGENDA_NEAR];
    agenda->tickets.items[entry.ticket].bin = KERF_AGENDA_NEAR;
    agenda->step_count++;
    KERF_VEC_PUSH(heap, entry);
    heap_rise(agenda, heap->count - 1, entry);
}

static void heap_remove(struct kerf_agenda *agenda, size_t index)
{
    struct kerf_agenda_bin *heap = &agenda->bins[KERF_AGENDA_NEAR];
    const struct kerf_agenda_entry last = heap->items[--heap->count];
    if (index == heap->count)
        return;
    if (index > 0 && entry_before(&last, &heap->items[(index - 1) / HEAP_ARITY]))
        heap_rise(agenda, index, last);
    else
        heap_sink(agenda, index, last);
}

/* ---- far: the wheel -------------------------------------------------------------------------------------------------------- */

static void slot_add(struct kerf_agenda *agenda, unsigned level, unsigned slot, struct kerf_agenda_entry entry)
{
    const uint32_t index = level * KERF_AGENDA_SLOTS + slot;
    struct kerf_agenda_bin *bin = &agenda->bins[index];
    if (bin->count == 0) {
        agenda->occupied[level][slot / 64] |= (uint64_t)1 << slot % 64;
        agenda->occupied_levels |= 1u << level;
    }
    ticket_points_at(agenda, entry.ticket, index, bin->count);
    agenda->step_count++;
    KERF_VEC_PUSH(bin, entry);
}

static void slot_mark_empty(struct kerf_agenda *agenda, unsigned level, unsigned slot)
{
    agenda->occupied[level][slot / 64] &= ~((uint64_t)1 << slot % 64);
    uint64_t any = 0;
    for (size_t i = 0; i < KERF_AGENDA_SLOTS / 64; i++)
        any |= agenda->occupied[level][i];
    if (any == 0)
        agenda->occupied_levels &= ~(1u << level);
}

static void slot_remove(struct kerf_agenda *agenda, uint32_t index, size_t place)
{
    struct kerf_agenda_bin *bin = &agenda->bins[index];
    const struct kerf_agenda_entry last = bin->items[--bin->count];
    agenda->step_count++;
    if (place != bin->count) {
        bin->items[place] = last;
        agenda->tickets.items[last.ticket].place = (uint32_t)place;
    }
    if (bin->count == 0)
        slot_mark_empty(agenda, index / KERF_AGENDA_SLOTS, index % KERF_AGENDA_SLOTS);
}

/* Puts an entry at or after near_end where it belongs, seen from the base. */
static void wheel_add(struct kerf_agenda *agenda, struct kerf_agenda_entry entry)
{
    const uint64_t at = (uint64_t)entry.at_us;
    const uint64_t difference = at ^ agenda->base;
    const unsigned level = difference == 0 ? 0 : (63 - (unsigned)__builtin_clzll(difference)) / 8;
    slot_add(agenda, level, slot_digit(at, level), entry);
}

/* Opens the earliest slot unless it starts after `until`. False when there was none to open. */
static bool wheel_open(struct kerf_agenda *agenda, uint64_t until)
{
    if (agenda->occupied_levels == 0)
        return false;
    const unsigned level = (unsigned)__builtin_ctz(agenda->occupied_levels);
    const unsigned slot = (unsigned)kerf_bitset_next(agenda->occupied[level], KERF_AGENDA_SLOTS / 64, 0);
    const uint64_t above = level + 1 < KERF_AGENDA_LEVELS ? agenda->base & ~(slot_width(level + 1) - 1) : 0;
    const uint64_t start = above | (uint64_t)slot << 8 * level;
    if (start > until)
        return false;

    struct kerf_agenda_bin *bin = &agenda->bins[level * KERF_AGENDA_SLOTS + slot];
    const size_t count = bin->count;
    bin->count = 0; /* nothing below adds to this bin: all goes to the heap or a lower level */
    slot_mark_empty(agenda, level, slot);
    agenda->base = start;
    if (level == 0 || count <= NEAR_FILL) {
        agenda->near_level = level;
        agenda->near_end = start + slot_width(level);
        for (size_t i = 0; i < count; i++)
            heap_add(agenda, bin->items[i]);
        return true;
    }
    agenda->near_end = start;
    for (size_t i = 0; i < count; i++)
        slot_add(agenda, level - 1, slot_digit((uint64_t)bin->items[i].at_us, level - 1), bin->items[i]);
    return true;
}

/*
 * The heap took a wide slot while it was nearly empty, and many events have come into that span since. Draw the near end
 * closer, by a level at a time, and hand what lies beyond to the wheel. At most 7 times for each slot opened.
 */
static void near_draw_closer(struct kerf_agenda *agenda)
{
    struct kerf_agenda_bin *heap = &agenda->bins[KERF_AGENDA_NEAR];
    const uint64_t first = (uint64_t)heap->items[0].at_us;
    if (first < agenda->base)
        return; /* the base has run ahead of the clock (an event at KERF_TIME_NEVER was looked at) */
    agenda->near_level--;
    agenda->base = first & ~(slot_width(agenda->near_level) - 1);
    agenda->near_end = agenda->base + slot_width(agenda->near_level);
    const size_t count = heap->count;
    heap->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct kerf_agenda_entry entry = heap->items[i]; /* what is kept fills places already passed */
        if ((uint64_t)entry.at_us < agenda->near_end)
            heap_add(agenda, entry);
        else
            wheel_add(agenda, entry);
    }
}

/* ---- the agenda ------------------------------------------------------------------------------------------------------------ */

kerf_event_handle kerf_agenda_add(struct kerf_agenda *agenda, kerf_time_us at_us, struct kerf_event event)
{
    KERF_ASSERT(at_us >= 0);
    KERF_ASSERT(event.event_class <= KERF_EVENT_OBSERVER);
    const uint32_t ticket = ticket_take(agenda, event);
    const struct kerf_agenda_entry entry = {
        .at_us = at_us,
        .order = (uint64_t)event.event_class << CLASS_SHIFT | ++agenda->sequence,
        .ticket = ticket,
    };
    agenda->pending_count++;
    if ((uint64_t)at_us >= agenda->near_end) {
        wheel_add(agenda, entry);
    } else {
        heap_add(agenda, entry);
        if (agenda->bins[KERF_AGENDA_NEAR].count > NEAR_CROWD && agenda->near_level > 0)
            near_draw_closer(agenda);
    }
    return (kerf_event_handle){(uint64_t)agenda->tickets.items[ticket].generation << 32 | ticket};
}

bool kerf_agenda_holds(const struct kerf_agenda *agenda, kerf_event_handle handle)
{
    const uint32_t ticket = (uint32_t)handle.id;
    if (ticket >= agenda->tickets.count)
        return false;
    const struct kerf_agenda_ticket *t = &agenda->tickets.items[ticket];
    return t->bin != KERF_AGENDA_FREE && t->generation == handle.id >> 32;
}

bool kerf_agenda_remove(struct kerf_agenda *agenda, kerf_event_handle handle)
{
    if (!kerf_agenda_holds(agenda, handle))
        return false;
    const uint32_t ticket = (uint32_t)handle.id;
    const struct kerf_agenda_ticket *t = &agenda->tickets.items[ticket];
    if (t->bin == KERF_AGENDA_NEAR)
        heap_remove(agenda, t->place);
    else
        slot_remove(agenda, t->bin, t->place);
    ticket_give_back(agenda, ticket);
    agenda->pending_count--;
    return true;
}

bool kerf_agenda_take(struct kerf_agenda *agenda, kerf_time_us until_us, kerf_time_us *out_at_us, struct kerf_event *out_event)
{
    if (until_us < 0)
        return false;
    const struct kerf_agenda_bin *heap = &agenda->bins[KERF_AGENDA_NEAR];
    while (heap->count == 0)
        if (!wheel_open(agenda, (uint64_t)until_us))
            return false;
    const struct kerf_agenda_entry first = heap->items[0];
    if (first.at_us > until_us || first.at_us == KERF_TIME_NEVER)
        return false;
    *out_at_us = first.at_us;
    *out_event = agenda->tickets.items[first.ticket].event;
    heap_remove(agenda, 0);
    ticket_give_back(agenda, first.ticket);
    agenda->pending_count--;
    return true;
}
