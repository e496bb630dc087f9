#include "engine/engine_internal.h"

#include <stdlib.h>

#define INSTANT_LIMIT_DEFAULT 1000000

struct handler {
    kerf_event_handler handle;
    void *context;
};

struct kerf_engine {
    kerf_time_us now_us;
    uint64_t event_count;
    uint64_t instant_count; /* events fired at now_us */
    uint64_t instant_limit;
    uint64_t trace_hash;
    bool running;
    KERF_VEC(struct handler) handlers; /* by kind */
    void (*prepare)(void *context, const struct kerf_event *event);
    void *prepare_context;
    void (*check)(void *context, const struct kerf_event *event);
    void *check_context;
    struct kerf_agenda agenda;
};

struct kerf_engine *kerf_engine_new(void)
{
    struct kerf_engine *engine = kerf_allocate(sizeof *engine);
    engine->instant_limit = INSTANT_LIMIT_DEFAULT;
    kerf_agenda_init(&engine->agenda);
    return engine;
}

void kerf_engine_free(struct kerf_engine *engine)
{
    if (engine == NULL)
        return;
    kerf_agenda_fini(&engine->agenda);
    KERF_VEC_FREE(&engine->handlers);
    free(engine);
}

void kerf_engine_handle(struct kerf_engine *engine, uint16_t kind, kerf_event_handler handler, void *context)
{
    KERF_ASSERT(handler != NULL);
    while (engine->handlers.count <= kind)
        KERF_VEC_PUSH(&engine->handlers, (struct handler){0});
    KERF_ASSERT(engine->handlers.items[kind].handle == NULL);
    engine->handlers.items[kind] = (struct handler){handler, context};
}

void kerf_engine_before_each(struct kerf_engine *engine, void (*prepare)(void *context, const struct kerf_event *event),
                             void *context)
{
    engine->prepare = prepare;
    engine->prepare_context = context;
}

void kerf_engine_after_each(struct kerf_engine *engine, void (*check)(void *context, const struct kerf_event *event),
                            void *context)
{
    engine->check = check;
    engine->check_context = context;
}

kerf_time_us kerf_engine_now(const struct kerf_engine *engine)
{
    return engine->now_us;
}

const kerf_time_us *kerf_engine_clock(const struct kerf_engine *engine)
{
    return &engine->now_us;
}

kerf_event_handle kerf_engine_schedule(struct kerf_engine *engine, kerf_time_us at_us, struct kerf_event event)
{
    KERF_ASSERT(at_us >= engine->now_us);
    return kerf_agenda_add(&engine->agenda, at_us, event);
}

kerf_event_handle kerf_engine_schedule_after(struct kerf_engine *engine, kerf_time_us delay_us, struct kerf_event event)
{
    KERF_ASSERT(delay_us >= 0);
    const kerf_time_us at_us = delay_us < KERF_TIME_NEVER - engine->now_us ? engine->now_us + delay_us : KERF_TIME_NEVER;
    return kerf_agenda_add(&engine->agenda, at_us, event);
}

bool kerf_engine_cancel(struct kerf_engine *engine, kerf_event_handle handle)
{
    return kerf_agenda_remove(&engine->agenda, handle);
}

bool kerf_engine_is_scheduled(const struct kerf_engine *engine, kerf_event_handle handle)
{
    return kerf_agenda_holds(&engine->agenda, handle);
}

static void advance_clock(struct kerf_engine *engine, kerf_time_us to_us)
{
    if (to_us != engine->now_us)
        engine->instant_count = 0;
    engine->now_us = to_us;
}

enum kerf_engine_outcome kerf_engine_run(struct kerf_engine *engine, kerf_time_us until_us)
{
    KERF_ASSERT(!engine->running);
    KERF_ASSERT(until_us >= engine->now_us);
    engine->running = true;
    enum kerf_engine_outcome outcome = KERF_ENGINE_DONE;
    kerf_time_us at_us;
    struct kerf_event event;
    while (kerf_agenda_take(&engine->agenda, until_us, &at_us, &event)) {
        KERF_ASSERT(at_us >= engine->now_us);
        advance_clock(engine, at_us);
        engine->event_count++;
        engine->instant_count++;
        if (engine->prepare != NULL)
            engine->prepare(engine->prepare_context, &event);
        KERF_ASSERT(event.kind < engine->handlers.count);
        const struct handler handler = engine->handlers.items[event.kind];
        KERF_ASSERT(handler.handle != NULL);
        handler.handle(handler.context, engine, &event);
        if (engine->check != NULL)
            engine->check(engine->check_context, &event);
        if (engine->instant_count > engine->instant_limit) {
            outcome = KERF_ENGINE_LIVELOCK;
            break;
        }
    }
    if (outcome == KERF_ENGINE_DONE && until_us != KERF_TIME_NEVER)
        advance_clock(engine, until_us);
    engine->running = false;
    return outcome;
}

void kerf_engine_set_instant_limit(struct kerf_engine *engine, uint64_t event_count)
{
    engine->instant_limit = event_count;
}

void kerf_engine_trace(struct kerf_engine *engine, uint32_t what, uint64_t subject, uint64_t detail)
{
    uint64_t hash = kerf_hash_mix(engine->trace_hash, (uint64_t)engine->now_us);
    hash = kerf_hash_mix(hash, what);
    hash = kerf_hash_mix(hash, subject);
    engine->trace_hash = kerf_hash_mix(hash, detail);
}

uint64_t kerf_engine_trace_hash(const struct kerf_engine *engine)
{
    return engine->trace_hash;
}

uint64_t kerf_engine_event_count(const struct kerf_engine *engine)
{
    return engine->event_count;
}
