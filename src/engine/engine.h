/**
 * engine: simulated time and what happens next. It keeps an agenda of events, hands them out in an order that is the same
 * on every machine, and hashes what happened. It has never heard of Kubernetes: an event is a small plain value, and who
 * handles it is decided by a table that `sim` fills.
 *
 * Order: by time, then by class (the world before controllers), then by the sequence in which they were scheduled. A handle
 * cancels; a handle whose event has fired or was cancelled is ignored. Cancelled events leave the agenda at once (no
 * tombstones), so runs that cancel much stay fast.
 */
#ifndef KERF_ENGINE_H
#define KERF_ENGINE_H

#include "base/base.h"

enum kerf_event_class {
    KERF_EVENT_WORLD,      /* EC2, kubelet, users: what happens to us */
    KERF_EVENT_CONTROLLER, /* what reacts */
    KERF_EVENT_OBSERVER,   /* samples of a state that has settled */
};

/** What an event carries. `kind` names the handler (an index of the table of handlers), `subject` and `detail` are ids of its own. */
struct kerf_event {
    uint16_t kind;
    uint16_t event_class; /* enum kerf_event_class */
    uint32_t detail;
    uint64_t subject;
};

/** Names a scheduled event; 0 is no event. Never reused within a run. */
typedef struct {
    uint64_t id;
} kerf_event_handle;
#define KERF_NO_EVENT ((kerf_event_handle){ 0 })

struct kerf_engine;
typedef void (*kerf_event_handler)(void *context, struct kerf_engine *engine, const struct kerf_event *event);

struct kerf_engine *kerf_engine_new(void);
void kerf_engine_free(struct kerf_engine *engine);

/** Who handles events of a kind; set once per kind before the run. */
void kerf_engine_handle(struct kerf_engine *engine, uint16_t kind, kerf_event_handler handler, void *context);

/** Called before each event, with the clock at its time. NULL: none. */
void kerf_engine_before_each(struct kerf_engine *engine, void (*prepare)(void *context, const struct kerf_event *event), void *context);

/** Called after each event (checks of invariants in debug builds). NULL: none. */
void kerf_engine_after_each(struct kerf_engine *engine, void (*check)(void *context, const struct kerf_event *event), void *context);

kerf_time_us kerf_engine_now(const struct kerf_engine *engine);
const kerf_time_us *kerf_engine_clock(const struct kerf_engine *engine); /* stays valid until the engine is freed */

/**
 * At a time >= now (asserted). An event of the present fires within this instant, in its place by class and sequence: after
 * the events of its class that are due already. At KERF_TIME_NEVER it waits for ever, but can be cancelled. `event_class`
 * is one of enum kerf_event_class (asserted). Constant time but for events of the near future, O(log n) of those.
 */
kerf_event_handle kerf_engine_schedule(struct kerf_engine *engine, kerf_time_us at_us, struct kerf_event event);
kerf_event_handle kerf_engine_schedule_after(struct kerf_engine *engine, kerf_time_us delay_us, struct kerf_event event);

/** True if the event was still to come; the handle of the event being handled is no longer scheduled. Cost as above. */
bool kerf_engine_cancel(struct kerf_engine *engine, kerf_event_handle handle);
bool kerf_engine_is_scheduled(const struct kerf_engine *engine, kerf_event_handle handle);

enum kerf_engine_outcome {
    KERF_ENGINE_DONE,    /* the horizon was reached or the agenda is empty */
    KERF_ENGINE_LIVELOCK /* more than `instant_limit` events at one instant: two controllers undo each other */
};

/**
 * Runs all events up to and including `until_us` (>= now); the clock then stands at `until_us`, or with KERF_TIME_NEVER at
 * the last event. After a livelock it stands at the instant that was too crowded. Not to be called by a handler.
 */
enum kerf_engine_outcome kerf_engine_run(struct kerf_engine *engine, kerf_time_us until_us);
void kerf_engine_set_instant_limit(struct kerf_engine *engine, uint64_t event_count); /* default 1,000,000 */

/** Data for the trace hash: what happened to whom, as it happens. The hash covers the times too. */
void kerf_engine_trace(struct kerf_engine *engine, uint32_t what, uint64_t subject, uint64_t detail);
uint64_t kerf_engine_trace_hash(const struct kerf_engine *engine);
uint64_t kerf_engine_event_count(const struct kerf_engine *engine); /* events fired so far */

#endif
