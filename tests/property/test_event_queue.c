/* The agenda against an oracle without any cleverness: a list in which the next event is searched anew each time. */
#include "engine/engine_internal.h"
#include "random/random.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { OPERATIONS = 20000, ORACLE_MAX = 700 };

struct oracle_event {
    kerf_time_us at_us;
    uint64_t sequence;
    kerf_event_handle handle;
    struct kerf_event event;
};

struct oracle {
    struct oracle_event events[ORACLE_MAX];
    size_t count;
};

static bool oracle_before(const struct oracle_event *a, const struct oracle_event *b)
{
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us;
    if (a->event.event_class != b->event.event_class)
        return a->event.event_class < b->event.event_class;
    return a->sequence < b->sequence;
}

static size_t oracle_first(const struct oracle *oracle)
{
    size_t first = 0;
    for (size_t i = 1; i < oracle->count; i++)
        if (oracle_before(&oracle->events[i], &oracle->events[first]))
            first = i;
    return first;
}

static void oracle_remove(struct oracle *oracle, size_t index)
{
    oracle->events[index] = oracle->events[--oracle->count];
}

/* Everything that the agenda keeps twice is the same in both places. */
static void check_agenda(const struct kerf_agenda *agenda)
{
    size_t pending = 0;
    for (uint32_t bin = 0; bin <= KERF_AGENDA_NEAR; bin++) {
        const struct kerf_agenda_bin *b = &agenda->bins[bin];
        pending += b->count;
        if (bin < KERF_AGENDA_NEAR)
            cr_assert_eq(kerf_bit_get(agenda->occupied[bin / KERF_AGENDA_SLOTS], bin % KERF_AGENDA_SLOTS), b->count > 0);
        for (size_t i = 0; i < b->count; i++) {
            const struct kerf_agenda_ticket *ticket = &agenda->tickets.items[b->items[i].ticket];
            cr_assert_eq(ticket->bin, bin);
            cr_assert_eq(ticket->place, i);
            cr_assert_eq((uint64_t)b->items[i].at_us < agenda->near_end, bin == KERF_AGENDA_NEAR);
        }
    }
    cr_assert_eq(pending, agenda->pending_count);
}

/* How far ahead events are scheduled: from ties in the present instant to years, mixed and apart. */
static kerf_time_us draw_delay(struct kerf_stream *stream, int shape)
{
    switch (shape) {
    case 0:
        return (kerf_time_us)kerf_draw_below(stream, 3);
    case 1:
        return (kerf_time_us)kerf_draw_below(stream, 1000);
    case 2:
        return kerf_draw_exponential_us(stream, KERF_HOUR_US);
    case 3:
        return (kerf_time_us)(kerf_draw_u64(stream) >> (1 + kerf_draw_below(stream, 63))) / 4;
    case 4:
        return (kerf_time_us)kerf_draw_below(stream, 5) * KERF_SECOND_US;
    default:
        return kerf_draw_chance(stream, 0.02) ? KERF_DAY_US * 400 : (kerf_time_us)kerf_draw_below(stream, 50);
    }
}

struct world {
    struct kerf_agenda agenda;
    struct oracle oracle;
    kerf_time_us now_us;
    uint64_t sequence;
    uint64_t taken;
};

static void schedule(struct world *world, struct kerf_stream *stream, kerf_time_us at_us)
{
    if (world->oracle.count == ORACLE_MAX)
        return;
    const struct kerf_event event = {.kind = 1,
                                     .event_class = (uint16_t)kerf_draw_below(stream, 3),
                                     .subject = world->sequence,
                                     .detail = (uint32_t)kerf_draw_u64(stream)};
    struct oracle_event *added = &world->oracle.events[world->oracle.count++];
    *added = (struct oracle_event){.at_us = at_us, .sequence = world->sequence++, .event = event};
    added->handle = kerf_agenda_add(&world->agenda, at_us, event);
}

static void take_until(struct world *world, kerf_time_us until_us, size_t at_most)
{
    for (size_t i = 0; i < at_most; i++) {
        kerf_time_us at_us = -1;
        struct kerf_event event;
        const bool got = kerf_agenda_take(&world->agenda, until_us, &at_us, &event);
        const size_t first = oracle_first(&world->oracle);
        const bool want = world->oracle.count > 0 && world->oracle.events[first].at_us <= until_us;
        cr_assert_eq(got, want);
        if (!got) {
            world->now_us = until_us;
            return;
        }
        const struct oracle_event *expected = &world->oracle.events[first];
        cr_assert_eq(at_us, expected->at_us);
        cr_assert_eq(event.subject, expected->event.subject);
        cr_assert_eq(event.detail, expected->event.detail);
        cr_assert(!kerf_agenda_holds(&world->agenda, expected->handle));
        cr_assert(!kerf_agenda_remove(&world->agenda, expected->handle));
        oracle_remove(&world->oracle, first);
        world->now_us = at_us;
        world->taken++;
    }
}

static void play(uint64_t seed, int shape)
{
    struct kerf_stream stream = kerf_stream_open(seed, (uint32_t)shape, KERF_PURPOSE_TEST, kerf_hash_text("event queue"));
    struct world *world = kerf_allocate(sizeof *world);
    kerf_agenda_init(&world->agenda);
    const kerf_time_us latest_us = KERF_TIME_NEVER / 2;
    for (int i = 0; i < OPERATIONS && world->now_us < latest_us; i++) {
        const uint64_t choice = kerf_draw_below(&stream, 100);
        if (choice < 45) {
            schedule(world, &stream, world->now_us + draw_delay(&stream, shape));
        } else if (choice < 50) { /* a burst, so that the heap is crowded and slots are full */
            const kerf_time_us at_us = world->now_us + draw_delay(&stream, shape);
            for (uint64_t n = kerf_draw_below(&stream, 60); n > 0; n--)
                schedule(world, &stream, at_us + (kerf_time_us)kerf_draw_below(&stream, 4));
        } else if (choice < 70 && world->oracle.count > 0) {
            const size_t index = (size_t)kerf_draw_below(&stream, world->oracle.count);
            const kerf_event_handle handle = world->oracle.events[index].handle;
            cr_assert(kerf_agenda_holds(&world->agenda, handle));
            cr_assert(kerf_agenda_remove(&world->agenda, handle));
            cr_assert(!kerf_agenda_remove(&world->agenda, handle));
            oracle_remove(&world->oracle, index);
            if (choice < 60) /* rescheduled */
                schedule(world, &stream, world->now_us + draw_delay(&stream, shape));
        } else if (choice < 80) {
            take_until(world, world->now_us + draw_delay(&stream, shape), SIZE_MAX);
        } else {
            take_until(world, KERF_TIME_NEVER - 1,
                       world->oracle.count > 0 ? 1 + (size_t)kerf_draw_below(&stream, 3) % world->oracle.count : 0);
        }
        if (i % 64 == 0)
            check_agenda(&world->agenda);
    }
    take_until(world, KERF_TIME_NEVER - 1, SIZE_MAX);
    cr_assert_eq(world->agenda.pending_count, 0);
    cr_expect_gt(world->taken, 50);
    kerf_agenda_fini(&world->agenda);
    free(world);
}

Test(event_queue, agrees_with_a_list)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        for (int shape = 0; shape <= 5; shape++)
            play(seed, shape);
}

/* Steps a taken event of the hold model costs, with `cancels` timeouts set and cancelled for each. */
static double steps_per_event(size_t pending, int cancels, kerf_time_us mean_us)
{
    struct kerf_stream stream = kerf_stream_open(7, 0, KERF_PURPOSE_TEST, pending);
    struct kerf_agenda *agenda = kerf_allocate(sizeof *agenda);
    kerf_agenda_init(agenda);
    const struct kerf_event event = {.kind = 1};
    for (size_t i = 0; i < pending; i++)
        kerf_agenda_add(agenda, kerf_draw_exponential_us(&stream, mean_us), event);
    const uint64_t before = agenda->step_count;
    const uint64_t events = 50000;
    for (uint64_t i = 0; i < events; i++) {
        kerf_time_us now_us = 0;
        struct kerf_event taken;
        cr_assert(kerf_agenda_take(agenda, KERF_TIME_NEVER - 1, &now_us, &taken));
        for (int c = 0; c < cancels; c++)
            cr_assert(kerf_agenda_remove(agenda, kerf_agenda_add(agenda, now_us + 5 * KERF_MINUTE_US, event)));
        kerf_agenda_add(agenda, now_us + kerf_draw_exponential_us(&stream, mean_us), event);
    }
    cr_assert_eq(agenda->pending_count, pending, "cancelled events leave nothing behind");
    const double steps = (double)(agenda->step_count - before) / (double)events;
    kerf_agenda_fini(agenda);
    free(agenda);
    return steps;
}

Test(event_queue, work_does_not_grow_with_what_is_pending)
{
    for (size_t pending = 100; pending <= 100000; pending *= 10) {
        const double plain = steps_per_event(pending, 0, KERF_HOUR_US);
        const double cancelling = steps_per_event(pending, 10, KERF_HOUR_US);
        cr_expect_lt(plain, 40.0, "%zu pending: %.1f steps an event", pending, plain);
        cr_expect_lt(cancelling, plain + 10 * 25.0, "%zu pending: %.1f steps an event", pending, cancelling);
    }
}

Test(event_queue, work_stays_small_when_everything_is_near)
{
    /* The first slot opened is a day wide; then all come into it. Without drawing the near end closer the heap would hold them
     * all. */
    struct kerf_stream stream = kerf_stream_open(8, 0, KERF_PURPOSE_TEST, 0);
    struct kerf_agenda *agenda = kerf_allocate(sizeof *agenda);
    kerf_agenda_init(agenda);
    const struct kerf_event event = {.kind = 1};
    kerf_time_us now_us = 0;
    struct kerf_event taken;
    kerf_agenda_add(agenda, 30 * KERF_DAY_US, event);
    cr_assert(kerf_agenda_take(agenda, KERF_TIME_NEVER - 1, &now_us, &taken));
    for (int i = 0; i < 100000; i++)
        kerf_agenda_add(agenda, now_us + (kerf_time_us)kerf_draw_below(&stream, (uint64_t)KERF_DAY_US), event);
    cr_expect_lt(agenda->bins[KERF_AGENDA_NEAR].count, 1000);
    kerf_time_us last_us = now_us;
    for (int i = 0; i < 100000; i++, last_us = now_us) {
        cr_assert(kerf_agenda_take(agenda, KERF_TIME_NEVER - 1, &now_us, &taken));
        cr_assert_leq(last_us, now_us);
    }
    cr_expect_lt(agenda->step_count, 50 * 100000);
    kerf_agenda_fini(agenda);
    free(agenda);
}
