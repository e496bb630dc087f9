/**
 * The agenda: what the engine still has to do, in the order of its door (time, class, sequence). Only engine's own files and
 * tests include this.
 *
 * Two parts. Near events, those before `near_end`, lie in an indexed 4-ary heap that is kept small. Far events lie in a
 * radix wheel: KERF_AGENDA_LEVELS levels of 256 slots, one level a byte of the time; an event stands at the level of the
 * highest byte in which its time differs from `base`. A slot is an unordered array, so putting an event in, and taking one
 * out by handle, costs the same however many are pending. When the heap has run dry the earliest slot is opened: a slot with
 * few events goes into the heap as it is, one with many is dealt over the 256 slots of the level below. An event is so moved
 * at most once a level, usually once or twice, and the heap's depth does not grow with the number of events pending.
 * All comparisons are of (time, class, sequence), which is unique: how events travelled can't change their order.
 */
#ifndef KERF_ENGINE_INTERNAL_H
#define KERF_ENGINE_INTERNAL_H

#include "engine/engine.h"

#define KERF_AGENDA_LEVELS 8
#define KERF_AGENDA_SLOTS 256
#define KERF_AGENDA_NEAR (KERF_AGENDA_LEVELS * KERF_AGENDA_SLOTS) /* index of the heap among the bins */

struct kerf_agenda_entry {
    kerf_time_us at_us;
    uint64_t order; /* class, then sequence */
    uint32_t ticket;
};

struct kerf_agenda_bin {
    struct kerf_agenda_entry *items;
    size_t count;
    size_t capacity;
};

/** Where the event of a handle is. A free ticket has bin KERF_AGENDA_FREE and links to the next by `place`. */
struct kerf_agenda_ticket {
    struct kerf_event event;
    uint32_t generation; /* of the handle; a ticket is retired when it has no generation left */
    uint32_t place;      /* index in its bin */
    uint32_t bin;
};
#define KERF_AGENDA_FREE UINT32_MAX

struct kerf_agenda {
    struct kerf_agenda_bin bins[KERF_AGENDA_NEAR + 1];
    uint64_t occupied[KERF_AGENDA_LEVELS][KERF_AGENDA_SLOTS / 64]; /* slots with events */
    uint32_t occupied_levels;                                      /* levels with such slots, one bit each */
    unsigned near_level;                                           /* near_end - base is 256^near_level, unless base was left behind */
    uint64_t base;                                                 /* unsigned: the end of the last slot is 2^63 */
    uint64_t near_end;
    struct {
        struct kerf_agenda_ticket *items;
        size_t count;
        size_t capacity;
    } tickets;
    uint32_t free_ticket; /* KERF_AGENDA_FREE: none */
    uint64_t sequence;
    uint64_t pending_count;
    uint64_t step_count; /* entries compared or moved: what the work of the agenda is measured by, apart from the machine */
};

void kerf_agenda_init(struct kerf_agenda *agenda);
void kerf_agenda_fini(struct kerf_agenda *agenda);
kerf_event_handle kerf_agenda_add(struct kerf_agenda *agenda, kerf_time_us at_us, struct kerf_event event);
bool kerf_agenda_holds(const struct kerf_agenda *agenda, kerf_event_handle handle);
bool kerf_agenda_remove(struct kerf_agenda *agenda, kerf_event_handle handle);
/** Takes the first event if it is due at or before `until_us`; one at KERF_TIME_NEVER never is. */
bool kerf_agenda_take(struct kerf_agenda *agenda, kerf_time_us until_us, kerf_time_us *out_at_us, struct kerf_event *out_event);

#endif
