#include "engine/engine_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct kerf_agenda *agenda_new(void)
{
    struct kerf_agenda *agenda = kerf_allocate(sizeof *agenda);
    kerf_agenda_init(agenda);
    return agenda;
}

static void agenda_free(struct kerf_agenda *agenda)
{
    kerf_agenda_fini(agenda);
    free(agenda);
}

Test(agenda, ticket_without_generations_left_is_retired)
{
    struct kerf_agenda *agenda = agenda_new();
    const kerf_event_handle first = kerf_agenda_add(agenda, 1, (struct kerf_event){0});
    agenda->tickets.items[0].generation = UINT32_MAX; /* as after 2^32 - 2 further uses */
    cr_expect(!kerf_agenda_holds(agenda, first));
    const kerf_event_handle last = {(uint64_t)UINT32_MAX << 32};
    cr_expect(kerf_agenda_remove(agenda, last));
    const kerf_event_handle next = kerf_agenda_add(agenda, 1, (struct kerf_event){0});
    cr_expect_eq((uint32_t)next.id, 1);
    cr_expect(!kerf_agenda_holds(agenda, last));
    agenda_free(agenda);
}

Test(agenda, events_at_both_ends_of_time)
{
    struct kerf_agenda *agenda = agenda_new();
    kerf_time_us at_us = -1;
    struct kerf_event event;
    kerf_agenda_add(agenda, KERF_TIME_NEVER - 1, (struct kerf_event){.subject = 2});
    kerf_agenda_add(agenda, 0, (struct kerf_event){.subject = 1});
    cr_expect(!kerf_agenda_take(agenda, -1, &at_us, &event));
    cr_assert(kerf_agenda_take(agenda, 0, &at_us, &event));
    cr_expect_eq(event.subject, 1);
    cr_expect(!kerf_agenda_take(agenda, KERF_TIME_NEVER - 2, &at_us, &event));
    cr_assert(kerf_agenda_take(agenda, KERF_TIME_NEVER - 1, &at_us, &event));
    cr_expect_eq(at_us, KERF_TIME_NEVER - 1);
    cr_expect(!kerf_agenda_take(agenda, KERF_TIME_NEVER, &at_us, &event));
    agenda_free(agenda);
}

Test(agenda, many_events_at_one_instant_stay_in_sequence)
{
    struct kerf_agenda *agenda = agenda_new();
    enum { COUNT = 50000 };
    for (uint64_t i = 0; i < COUNT; i++)
        kerf_agenda_add(agenda, KERF_HOUR_US, (struct kerf_event){.subject = i});
    for (uint64_t i = 0; i < COUNT; i++) {
        kerf_time_us at_us;
        struct kerf_event event;
        cr_assert(kerf_agenda_take(agenda, KERF_HOUR_US, &at_us, &event));
        cr_assert_eq(event.subject, i);
    }
    agenda_free(agenda);
}

/* Looking for an event that isn't due must not lead the base past the clock, or all that follows would crowd the heap. */
Test(agenda, looking_ahead_leaves_the_base_behind_the_clock)
{
    struct kerf_agenda *agenda = agenda_new();
    kerf_time_us at_us;
    struct kerf_event event;
    for (int i = 0; i < 100; i++)
        kerf_agenda_add(agenda, 10 * KERF_DAY_US + i, (struct kerf_event){0});
    for (kerf_time_us until_us = 0; until_us < 10 * KERF_DAY_US; until_us += KERF_HOUR_US) {
        cr_assert(!kerf_agenda_take(agenda, until_us, &at_us, &event));
        cr_assert_leq(agenda->base, (uint64_t)until_us);
    }
    agenda_free(agenda);
}
