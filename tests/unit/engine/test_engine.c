#include "engine/engine.h"

#include <criterion/criterion.h>

enum { KIND_NOTE = 3, KIND_CHAIN = 4, KIND_SELF_CANCEL = 5 };

struct notes {
    uint64_t subjects[64];
    kerf_time_us times_us[64];
    size_t count;
    kerf_event_handle handle;
    kerf_time_us again_after_us;
    uint16_t again_class;
    bool cancelled;
};

static void note(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct notes *notes = context;
    cr_assert_lt(notes->count, 64);
    notes->subjects[notes->count] = event->subject;
    notes->times_us[notes->count++] = kerf_engine_now(engine);
}

/* Notes itself, then schedules a note 100 + subject. */
static void chain(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct notes *notes = context;
    note(context, engine, event);
    kerf_engine_schedule_after(
        engine, notes->again_after_us,
        (struct kerf_event){.kind = KIND_NOTE, .event_class = notes->again_class, .subject = 100 + event->subject});
}

static void cancel_self(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct notes *notes = context;
    note(context, engine, event);
    cr_expect(!kerf_engine_is_scheduled(engine, notes->handle));
    notes->cancelled = kerf_engine_cancel(engine, notes->handle);
}

static struct kerf_engine *engine_with(struct notes *notes)
{
    struct kerf_engine *engine = kerf_engine_new();
    kerf_engine_handle(engine, KIND_NOTE, note, notes);
    kerf_engine_handle(engine, KIND_CHAIN, chain, notes);
    kerf_engine_handle(engine, KIND_SELF_CANCEL, cancel_self, notes);
    return engine;
}

static struct kerf_event note_of(uint64_t subject, enum kerf_event_class event_class)
{
    return (struct kerf_event){.kind = KIND_NOTE, .event_class = (uint16_t)event_class, .subject = subject};
}

static void expect_subjects(const struct notes *notes, size_t count, const uint64_t *subjects)
{
    cr_assert_eq(notes->count, count, "%zu events", notes->count);
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(notes->subjects[i], subjects[i], "event %zu is %" PRIu64, i, notes->subjects[i]);
}

Test(engine, orders_by_time_then_class_then_sequence)
{
    struct notes notes = {0};
    struct kerf_engine *engine = engine_with(&notes);
    kerf_engine_schedule(engine, 20, note_of(6, KERF_EVENT_WORLD));
    kerf_engine_schedule(engine, 10, note_of(5, KERF_EVENT_OBSERVER));
    kerf_engine_schedule(engine, 10, note_of(3, KERF_EVENT_CONTROLLER));
    kerf_engine_schedule(engine, 10, note_of(1, KERF_EVENT_WORLD));
    kerf_engine_schedule(engine, 10, note_of(4, KERF_EVENT_CONTROLLER));
    kerf_engine_schedule(engine, 10, note_of(2, KERF_EVENT_WORLD));
    cr_expect_eq(kerf_engine_run(engine, 15), KERF_ENGINE_DONE);
    cr_expect_eq(kerf_engine_now(engine), 15);
    expect_subjects(&notes, 5, (const uint64_t[]){1, 2, 3, 4, 5});
    kerf_engine_run(engine, 20);
    expect_subjects(&notes, 6, (const uint64_t[]){1, 2, 3, 4, 5, 6});
    cr_expect_eq(kerf_engine_event_count(engine), 6);
    kerf_engine_free(engine);
}

Test(engine, event_of_the_present_fires_after_those_due)
{
    struct notes notes = {.again_class = KERF_EVENT_CONTROLLER};
    struct kerf_engine *engine = engine_with(&notes);
    kerf_engine_schedule(engine, 10, (struct kerf_event){.kind = KIND_CHAIN, .event_class = KERF_EVENT_CONTROLLER, .subject = 1});
    kerf_engine_schedule(engine, 10, note_of(2, KERF_EVENT_CONTROLLER));
    kerf_engine_schedule(engine, 10, note_of(3, KERF_EVENT_OBSERVER));
    kerf_engine_schedule(engine, 11, note_of(4, KERF_EVENT_WORLD));
    kerf_engine_run(engine, 100);
    expect_subjects(&notes, 5, (const uint64_t[]){1, 2, 101, 3, 4});
    kerf_engine_free(engine);
}

Test(engine, world_comes_before_controllers_even_when_scheduled_by_one)
{
    struct notes notes = {.again_class = KERF_EVENT_WORLD};
    struct kerf_engine *engine = engine_with(&notes);
    kerf_engine_schedule(engine, 0, (struct kerf_event){.kind = KIND_CHAIN, .event_class = KERF_EVENT_CONTROLLER, .subject = 1});
    kerf_engine_schedule(engine, 0, note_of(2, KERF_EVENT_CONTROLLER));
    kerf_engine_run(engine, 0);
    expect_subjects(&notes, 3, (const uint64_t[]){1, 101, 2});
    kerf_engine_free(engine);
}

Test(engine, handles_name_one_event_for_ever)
{
    struct notes notes = {0};
    struct kerf_engine *engine = engine_with(&notes);
    cr_expect(!kerf_engine_cancel(engine, KERF_NO_EVENT));
    cr_expect(!kerf_engine_is_scheduled(engine, KERF_NO_EVENT));
    const kerf_event_handle fired = kerf_engine_schedule(engine, 1, note_of(1, KERF_EVENT_WORLD));
    const kerf_event_handle cancelled = kerf_engine_schedule(engine, 2, note_of(2, KERF_EVENT_WORLD));
    cr_expect(kerf_engine_is_scheduled(engine, cancelled));
    cr_expect(kerf_engine_cancel(engine, cancelled));
    cr_expect(!kerf_engine_cancel(engine, cancelled));
    kerf_engine_run(engine, 5);
    const kerf_event_handle later = kerf_engine_schedule(engine, 6, note_of(3, KERF_EVENT_WORLD));
    const kerf_event_handle last = kerf_engine_schedule(engine, 7, note_of(4, KERF_EVENT_WORLD));
    cr_expect_neq(later.id, fired.id);
    cr_expect_neq(last.id, cancelled.id);
    cr_expect(!kerf_engine_cancel(engine, fired), "a fired handle must not reach the event that took its place");
    cr_expect(!kerf_engine_cancel(engine, cancelled));
    kerf_engine_run(engine, 10);
    expect_subjects(&notes, 3, (const uint64_t[]){1, 3, 4});
    kerf_engine_free(engine);
}

Test(engine, event_being_handled_is_no_longer_scheduled)
{
    struct notes notes = {.cancelled = true};
    struct kerf_engine *engine = engine_with(&notes);
    notes.handle = kerf_engine_schedule(engine, 1, (struct kerf_event){.kind = KIND_SELF_CANCEL});
    kerf_engine_run(engine, 1);
    cr_expect(!notes.cancelled);
    cr_expect_eq(notes.count, 1);
    kerf_engine_free(engine);
}

Test(engine, stops_at_a_livelock)
{
    struct notes notes = {0};
    struct kerf_engine *engine = engine_with(&notes);
    kerf_engine_set_instant_limit(engine, 10);
    for (uint64_t i = 0; i < 11; i++)
        kerf_engine_schedule(engine, 5, note_of(i, KERF_EVENT_WORLD));
    for (uint64_t i = 0; i < 10; i++)
        kerf_engine_schedule(engine, 6, note_of(i, KERF_EVENT_WORLD));
    cr_expect_eq(kerf_engine_run(engine, 20), KERF_ENGINE_LIVELOCK);
    cr_expect_eq(kerf_engine_now(engine), 5);
    cr_expect_eq(kerf_engine_run(engine, 20), KERF_ENGINE_DONE, "10 events at 6 are allowed");
    cr_expect_eq(notes.count, 21);
    kerf_engine_free(engine);
}

Test(engine, instants_are_counted_across_runs)
{
    struct notes notes = {0};
    struct kerf_engine *engine = engine_with(&notes);
    kerf_engine_set_instant_limit(engine, 3);
    for (int i = 0; i < 3; i++) {
        kerf_engine_schedule(engine, 5, note_of(1, KERF_EVENT_WORLD));
        cr_expect_eq(kerf_engine_run(engine, 5), KERF_ENGINE_DONE);
    }
    kerf_engine_schedule(engine, 5, note_of(1, KERF_EVENT_WORLD));
    cr_expect_eq(kerf_engine_run(engine, 5), KERF_ENGINE_LIVELOCK);
    kerf_engine_free(engine);
}

Test(engine, never_is_later_than_anything)
{
    struct notes notes = {0};
    struct kerf_engine *engine = engine_with(&notes);
    const kerf_event_handle never = kerf_engine_schedule(engine, KERF_TIME_NEVER, note_of(1, KERF_EVENT_WORLD));
    kerf_engine_schedule(engine, 3 * KERF_DAY_US, note_of(2, KERF_EVENT_WORLD));
    cr_expect_eq(kerf_engine_run(engine, KERF_TIME_NEVER), KERF_ENGINE_DONE);
    cr_expect_eq(kerf_engine_now(engine), 3 * KERF_DAY_US, "runs until nothing is to come; the clock stays at the last event");
    kerf_engine_schedule_after(engine, KERF_TIME_NEVER, note_of(3, KERF_EVENT_WORLD));
    kerf_engine_schedule_after(engine, KERF_TIME_NEVER - 1, note_of(4, KERF_EVENT_WORLD));
    kerf_engine_schedule_after(engine, 1, note_of(5, KERF_EVENT_WORLD));
    kerf_engine_run(engine, KERF_TIME_NEVER);
    expect_subjects(&notes, 2, (const uint64_t[]){2, 5});
    cr_expect(kerf_engine_cancel(engine, never));
    kerf_engine_free(engine);
}

Test(engine, clock_is_read_through_a_pointer)
{
    struct notes notes = {0};
    struct kerf_engine *engine = engine_with(&notes);
    const kerf_time_us *clock = kerf_engine_clock(engine);
    cr_expect_eq(*clock, 0);
    kerf_engine_run(engine, 12);
    cr_expect_eq(*clock, 12);
    kerf_engine_free(engine);
}

static void count_checks(void *context, const struct kerf_event *event)
{
    uint64_t *sum = context;
    *sum += event->subject;
}

Test(engine, checks_after_each_event)
{
    struct notes notes = {0};
    uint64_t sum = 0;
    struct kerf_engine *engine = engine_with(&notes);
    kerf_engine_after_each(engine, count_checks, &sum);
    kerf_engine_schedule(engine, 1, note_of(4, KERF_EVENT_WORLD));
    kerf_engine_schedule(engine, 2, note_of(5, KERF_EVENT_WORLD));
    kerf_engine_run(engine, 1);
    cr_expect_eq(sum, 4);
    kerf_engine_after_each(engine, NULL, NULL);
    kerf_engine_run(engine, 2);
    cr_expect_eq(sum, 4);
    kerf_engine_free(engine);
}

static uint64_t hash_of_trace(kerf_time_us at_us, uint32_t what, uint64_t subject, uint64_t detail)
{
    struct kerf_engine *engine = kerf_engine_new();
    kerf_engine_run(engine, at_us);
    kerf_engine_trace(engine, what, subject, detail);
    const uint64_t hash = kerf_engine_trace_hash(engine);
    kerf_engine_free(engine);
    return hash;
}

Test(engine, trace_hash_covers_time_and_all_that_is_said)
{
    const uint64_t hash = hash_of_trace(7, 1, 2, 3);
    cr_expect_eq(hash, hash_of_trace(7, 1, 2, 3));
    cr_expect_neq(hash, hash_of_trace(8, 1, 2, 3));
    cr_expect_neq(hash, hash_of_trace(7, 2, 2, 3));
    cr_expect_neq(hash, hash_of_trace(7, 1, 3, 3));
    cr_expect_neq(hash, hash_of_trace(7, 1, 2, 4));
    cr_expect_neq(hash, hash_of_trace(7, 2, 1, 3));
    cr_expect_neq(hash_of_trace(0, 0, 0, 0), 0);
}

Test(engine, trace_hash_depends_on_order)
{
    uint64_t hashes[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct kerf_engine *engine = kerf_engine_new();
        kerf_engine_trace(engine, 1, i, 0);
        kerf_engine_trace(engine, 1, 1 - i, 0);
        hashes[i] = kerf_engine_trace_hash(engine);
        kerf_engine_free(engine);
    }
    cr_expect_neq(hashes[0], hashes[1]);
}
