/*
 * How many events a second does the engine handle? The hold model: each event that fires schedules one in its place, after an
 * exponential time with a mean of an hour, so the number pending stays. In the cancelling variant each event also sets four
 * timeouts of five minutes and cancels those of the event before, as a reconcile loop with requeues does.
 * Prints minimum and median of the runs, millions of events a second at the minimum, and the trace hash.
 * usage: bench_event_queue [--small]
 */
#include "engine/engine.h"
#include "random/random.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

enum { KIND_HOLD = 1, KIND_TIMEOUT = 2, TIMEOUTS = 4, RUNS = 5 };

struct bench {
    struct kerf_stream stream;
    uint64_t fired;
    uint64_t wanted;
    bool cancelling;
    kerf_event_handle timeouts[TIMEOUTS];
};

static void on_hold(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct bench *bench = context;
    if (bench->cancelling)
        for (size_t i = 0; i < TIMEOUTS; i++) {
            kerf_engine_cancel(engine, bench->timeouts[i]);
            bench->timeouts[i] =
                kerf_engine_schedule_after(engine, 5 * KERF_MINUTE_US, (struct kerf_event){.kind = KIND_TIMEOUT});
        }
    if (bench->fired++ < bench->wanted)
        kerf_engine_schedule_after(engine, kerf_draw_exponential_us(&bench->stream, KERF_HOUR_US), *event);
}

static void on_timeout(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)context;
    kerf_engine_trace(engine, event->kind, event->subject, event->detail);
}

static uint64_t run_once(size_t pending, uint64_t events, bool cancelling, double *out_seconds, uint64_t *out_fired)
{
    struct bench bench = {
        .stream = kerf_stream_open(1, 0, KERF_PURPOSE_TEST, pending), .wanted = events, .cancelling = cancelling};
    struct kerf_engine *engine = kerf_engine_new();
    kerf_engine_handle(engine, KIND_HOLD, on_hold, &bench);
    kerf_engine_handle(engine, KIND_TIMEOUT, on_timeout, &bench);
    for (size_t i = 0; i < pending; i++)
        kerf_engine_schedule_after(engine, kerf_draw_exponential_us(&bench.stream, KERF_HOUR_US),
                                   (struct kerf_event){.kind = KIND_HOLD, .subject = i});
    const double begin = seconds_now();
    kerf_engine_run(engine, KERF_TIME_NEVER);
    *out_seconds = seconds_now() - begin;
    *out_fired = kerf_engine_event_count(engine);
    kerf_engine_trace(engine, 0, bench.fired, kerf_draw_u64(&bench.stream));
    const uint64_t hash = kerf_engine_trace_hash(engine);
    kerf_engine_free(engine);
    return hash;
}

static void run_case(const char *name, size_t pending, uint64_t events, bool cancelling)
{
    double seconds[RUNS];
    uint64_t hash = 0;
    uint64_t fired = 0;
    for (size_t i = 0; i < RUNS; i++)
        hash = run_once(pending, events, cancelling, &seconds[i], &fired);
    sort_seconds(seconds, RUNS);
    printf("%-22s %9zu pending %9" PRIu64 " events  min %8.2f ms  median %8.2f ms  %6.2f M/s  hash %016" PRIx64 "\n", name,
           pending, fired, seconds[0] * 1e3, seconds[RUNS / 2] * 1e3, (double)fired / seconds[0] / 1e6, hash);
}

int main(int argc, char **argv)
{
    const bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    const uint64_t events = small ? 20000 : 2000000;
    run_case("hold", 1000, events, false);
    run_case("hold", small ? 10000 : 100000, events, false);
    run_case("hold and cancel", 1000, events / 4, true);
    run_case("hold and cancel", small ? 10000 : 100000, events / 4, true);
    return 0;
}
