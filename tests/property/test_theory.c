/*
 * Queues with a formula, built from engine, random and stats as controllers are: an event per arrival and per departure, a
 * stream per purpose. Seeds are fixed, so a test passes always or never; intervals are at 99.9 %.
 */
#include "engine/engine.h"
#include "random/random.h"
#include "stats/stats.h"

#include <criterion/criterion.h>
#include <math.h>

enum { KIND_ARRIVAL, KIND_DEPARTURE, REPLICATIONS = 16 };

struct queue {
    struct kerf_stream arrivals;
    struct kerf_stream services;
    kerf_time_us arrival_us_mean;
    double service_s_mean;
    double service_shape; /* 1: exponential; else gamma of this shape */
    bool infinite_servers;
    int64_t in_system;
    struct kerf_time_weighted in_system_mean;
    struct kerf_quantiles *waits; /* of M/M/1: from arrival to departure */
    kerf_time_us arrived_us[1024];
    size_t first_waiting;
    size_t waiting_count;
};

static kerf_time_us draw_service(struct queue *queue)
{
    if (queue->service_shape == 1.0)
        return kerf_time_of_seconds(kerf_draw_exponential(&queue->services, queue->service_s_mean));
    return kerf_time_of_seconds(
        kerf_draw_gamma(&queue->services, queue->service_shape, queue->service_s_mean / queue->service_shape));
}

static void change(struct queue *queue, struct kerf_engine *engine, int64_t by)
{
    queue->in_system += by;
    kerf_time_weighted_set(&queue->in_system_mean, kerf_engine_now(engine), queue->in_system);
    kerf_engine_trace(engine, (uint32_t)(by > 0), (uint64_t)queue->in_system, 0);
}

static void start_service(struct queue *queue, struct kerf_engine *engine)
{
    kerf_engine_schedule_after(engine, draw_service(queue), (struct kerf_event){.kind = KIND_DEPARTURE});
}

static void on_arrival(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct queue *queue = context;
    kerf_engine_schedule_after(engine, kerf_draw_exponential_us(&queue->arrivals, queue->arrival_us_mean), *event);
    change(queue, engine, 1);
    if (!queue->infinite_servers) {
        cr_assert_lt(queue->waiting_count, 1024);
        queue->arrived_us[(queue->first_waiting + queue->waiting_count++) % 1024] = kerf_engine_now(engine);
    }
    if (queue->infinite_servers || queue->in_system == 1)
        start_service(queue, engine);
}

static void on_departure(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)event;
    struct queue *queue = context;
    change(queue, engine, -1);
    if (queue->infinite_servers)
        return;
    kerf_quantiles_add(queue->waits, kerf_engine_now(engine) - queue->arrived_us[queue->first_waiting]);
    queue->first_waiting = (queue->first_waiting + 1) % 1024;
    queue->waiting_count--;
    if (queue->in_system > 0)
        start_service(queue, engine);
}

struct result {
    double in_system;
    double wait_s;
    double wait_s_p95;
    uint64_t trace_hash;
};

static struct result run(struct queue queue, uint64_t seed, uint32_t replication, kerf_time_us warm_up_us, kerf_time_us until_us)
{
    queue.arrivals = kerf_stream_open(seed, replication, KERF_PURPOSE_ARRIVAL, kerf_hash_text("queue"));
    queue.services = kerf_stream_open(seed, replication, KERF_PURPOSE_DURATION, kerf_hash_text("queue"));
    queue.waits = kerf_quantiles_new();
    struct kerf_engine *engine = kerf_engine_new();
    kerf_engine_handle(engine, KIND_ARRIVAL, on_arrival, &queue);
    kerf_engine_handle(engine, KIND_DEPARTURE, on_departure, &queue);
    kerf_time_weighted_start(&queue.in_system_mean, 0, 0);
    kerf_engine_schedule(engine, 0, (struct kerf_event){.kind = KIND_ARRIVAL});
    cr_assert_eq(kerf_engine_run(engine, warm_up_us), KERF_ENGINE_DONE);
    kerf_time_weighted_start(&queue.in_system_mean, warm_up_us, queue.in_system);
    kerf_quantiles_clear(queue.waits);
    cr_assert_eq(kerf_engine_run(engine, until_us), KERF_ENGINE_DONE);
    const struct result result = {
        .in_system = kerf_time_weighted_mean(&queue.in_system_mean, until_us),
        .wait_s = kerf_quantiles_mean(queue.waits) / 1e6,
        .wait_s_p95 = (double)kerf_quantiles_at(queue.waits, 0.95) / 1e6,
        .trace_hash = kerf_engine_trace_hash(engine),
    };
    kerf_engine_free(engine);
    kerf_quantiles_free(queue.waits);
    return result;
}

static void expect_within(const char *what, const double *values, double want, double slack)
{
    const struct kerf_interval interval = kerf_interval_of(values, REPLICATIONS, 0.999);
    cr_expect(interval.low - slack <= want && want <= interval.high + slack, "%s: %g not in [%g, %g]", what, want, interval.low,
              interval.high);
    cr_expect_lt((interval.high - interval.low) / want, 0.25, "%s: the interval says something", what);
}

/* A customer each 10 s, 7 s of service: utilisation 0.7, 7/3 in the system, 70/3 s in it (exponential, so p95 = ln 20 times
 * that). */
Test(theory, mm1)
{
    const struct queue queue = {.arrival_us_mean = 10 * KERF_SECOND_US, .service_s_mean = 7.0, .service_shape = 1.0};
    double in_system[REPLICATIONS];
    double wait_s[REPLICATIONS];
    double wait_s_p95[REPLICATIONS];
    for (uint32_t i = 0; i < REPLICATIONS; i++) {
        const struct result result = run(queue, 11, i, KERF_DAY_US / 4, 3 * KERF_DAY_US);
        in_system[i] = result.in_system;
        wait_s[i] = result.wait_s;
        wait_s_p95[i] = result.wait_s_p95;
    }
    expect_within("customers", in_system, 7.0 / 3.0, 0.0);
    expect_within("time in system", wait_s, 70.0 / 3.0, 0.0);
    expect_within("95th percentile", wait_s_p95, log(20.0) * 70.0 / 3.0, 0.008 * 70.0); /* the quantiles' bins are 0.8 % wide */
}

/* The number of busy servers is Poisson with mean rate x mean service, whatever the distribution of the service is. */
Test(theory, mg_infinity)
{
    static const double shapes[] = {0.5, 1.0, 4.0};
    for (size_t s = 0; s < 3; s++) {
        const struct queue queue = {
            .arrival_us_mean = 2 * KERF_SECOND_US, .service_s_mean = 50.0, .service_shape = shapes[s], .infinite_servers = true};
        double in_system[REPLICATIONS];
        for (uint32_t i = 0; i < REPLICATIONS; i++)
            in_system[i] = run(queue, 12, i, KERF_HOUR_US, 5 * KERF_HOUR_US).in_system;
        expect_within("busy servers", in_system, 25.0, 0.0);
    }
}

Test(theory, equal_seeds_have_equal_traces)
{
    const struct queue queue = {.arrival_us_mean = 10 * KERF_SECOND_US, .service_s_mean = 7.0, .service_shape = 1.0};
    const uint64_t hash = run(queue, 1, 0, 0, KERF_DAY_US).trace_hash;
    cr_expect_eq(run(queue, 1, 0, 0, KERF_DAY_US).trace_hash, hash);
    cr_expect_neq(run(queue, 1, 1, 0, KERF_DAY_US).trace_hash, hash);
    cr_expect_neq(run(queue, 2, 0, 0, KERF_DAY_US).trace_hash, hash);
    cr_expect_eq(hash, 0x76f5865e684495a2u, "0x%016" PRIx64 ": pinned, so that compilers and machines can be compared", hash);
}

/* A change of the service leaves every arrival in place: what common random numbers rest on. */
Test(theory, faster_service_never_waits_longer)
{
    struct queue queue = {.arrival_us_mean = 10 * KERF_SECOND_US, .service_s_mean = 7.0, .service_shape = 1.0};
    for (uint32_t i = 0; i < REPLICATIONS; i++) {
        queue.service_s_mean = 7.0;
        const struct result slow = run(queue, 13, i, 0, KERF_DAY_US / 2);
        queue.service_s_mean = 6.5;
        const struct result fast = run(queue, 13, i, 0, KERF_DAY_US / 2);
        cr_expect_lt(fast.wait_s, slow.wait_s);
        cr_expect_lt(fast.in_system, slow.in_system);
    }
}
