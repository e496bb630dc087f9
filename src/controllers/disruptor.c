/**
 * disruptor: Karpenter's disruption loop in time (karpenter-disruption.md section 1): a pass every ten seconds, at once after a success,
 * every second while a nodeclaim is being launched. A method decides on the world of its start; its compute time is a model (pods and nodes
 * of its what-ifs), cut off after the minutes of the searches. Found commands wait for 15 s and are validated against the world as it then is.
 *
 * A look at the standing counts comes before each method, so that a pass that can't find anything costs next to nothing.
 */
#include "controllers/command_queue.h"

#include <stdlib.h>

#define POLL_US (10 * KERF_SECOND_US)
#define UNSYNCED_POLL_US KERF_SECOND_US
#define VALIDATION_WAIT_US (15 * KERF_SECOND_US)
#define MULTI_NODE_LIMIT_US KERF_MINUTE_US
#define SINGLE_NODE_LIMIT_US (3 * KERF_MINUTE_US)
#define ERROR_BACKOFF_US (5 * KERF_SECOND_US / 1000)
#define ERROR_BACKOFF_MAX_US (1000 * KERF_SECOND_US)

struct kerf_disruptor {
    struct kerf_world *world;
    struct kerf_disruption_watch *watch;
    struct kerf_disruption_bounds *bounds;
    struct kerf_disruption_memory memory;
    struct kerf_command_queue queue;
    enum kerf_disruption_method method;    /* whose result is on its way */
    struct kerf_disruption_result *result; /* NULL: none is */
    uint32_t error_count;                  /* passes in a row that ended with an error */
};

static struct kerf_disruption_options options_of(const struct kerf_disruptor *disruptor)
{
    struct kerf_world *world = disruptor->world;
    const struct kerf_karpenter_settings *karpenter = &world->design->karpenter;
    const struct kerf_timings *timings = &world->design->timings;
    return (struct kerf_disruption_options){
        .provisioning = {
            .preference_policy = karpenter->ignore_preferences ? KERF_PREFERENCES_IGNORE : KERF_PREFERENCES_RESPECT,
            .min_values_policy = karpenter->best_effort_min_values ? KERF_MIN_VALUES_BEST_EFFORT : KERF_MIN_VALUES_STRICT,
            .now_epoch_us = kerf_world_epoch_now(world),
            .draw_ties = true,
            .tie_seed = kerf_hash_mix(world->seed, world->replication),
        },
        .cache = kerf_world_provisioning_cache(world),
        .bounds = disruptor->bounds,
        .spot_to_spot_consolidation = karpenter->spot_to_spot_consolidation,
        .one_method = true,
        .compute = {
            .us_per_pod = timings->simulation_seconds_per_pod * (double)KERF_SECOND_US,
            .us_per_node = timings->simulation_seconds_per_node * (double)KERF_SECOND_US,
            .multi_node_limit_us = MULTI_NODE_LIMIT_US,
            .single_node_limit_us = SINGLE_NODE_LIMIT_US,
        },
    };
}

/* ---- ends of a pass ------------------------------------------------------------------------------------------------------------ */

static void pass_after(struct kerf_disruptor *disruptor, kerf_time_us delay_us)
{
    struct kerf_world *world = disruptor->world;
    kerf_disruption_result_free(disruptor->result);
    disruptor->result = NULL;
    kerf_world_schedule(world, kerf_world_now(world) + delay_us, KERF_EVENT_DISRUPTOR_PASS, 0, 0);
}

static void end_without_command(struct kerf_disruptor *disruptor)
{
    disruptor->error_count = 0;
    pass_after(disruptor, POLL_US);
}

static void end_with_error(struct kerf_disruptor *disruptor)
{
    kerf_time_us backoff_us = ERROR_BACKOFF_US << kerf_min_i64(disruptor->error_count++, 20);
    pass_after(disruptor, kerf_min_i64(backoff_us, ERROR_BACKOFF_MAX_US));
}

static void start_commands(struct kerf_disruptor *disruptor, const struct kerf_disruption_command *commands, size_t count)
{
    bool started = true;
    for (size_t i = 0; i < count; i++)
        started = kerf_command_queue_start(&disruptor->queue, &commands[i]) && started;
    if (started) {
        disruptor->error_count = 0;
        pass_after(disruptor, 0);
    } else {
        end_with_error(disruptor);
    }
}

/* ---- methods ---------------------------------------------------------------------------------------------------------------------- */

static bool is_validated(enum kerf_disruption_method method)
{
    return method == KERF_METHOD_EMPTINESS || method == KERF_METHOD_MULTI_NODE || method == KERF_METHOD_SINGLE_NODE;
}

/** The memo of a method that has one; NULL. */
static kerf_time_us *memo_of(struct kerf_disruptor *disruptor, enum kerf_disruption_method method)
{
    return method == KERF_METHOD_MULTI_NODE    ? &disruptor->memory.multi_node_memo
           : method == KERF_METHOD_SINGLE_NODE ? &disruptor->memory.single_node_memo
                                               : NULL;
}

/** Could the method find anything now? */
static bool is_worth_asking(struct kerf_disruptor *disruptor, enum kerf_disruption_method method)
{
    struct kerf_disruption_outlook outlook = kerf_disruption_look(disruptor->watch);
    const kerf_time_us *memo = memo_of(disruptor, method);
    switch (method) {
    case KERF_METHOD_EMPTINESS:
        return outlook.empty > 0;
    case KERF_METHOD_STATIC_DRIFT:
    case KERF_METHOD_DRIFT:
        return outlook.drifted > 0;
    default:
        return outlook.underutilized > 0 && *memo != kerf_cluster_consolidation_state(disruptor->world->cluster);
    }
}

static void on_result(struct kerf_disruptor *disruptor);

static void run_from(struct kerf_disruptor *disruptor, enum kerf_disruption_method first)
{
    struct kerf_world *world = disruptor->world;
    kerf_disruption_result_free(disruptor->result);
    disruptor->result = NULL;
    for (int m = first; m < KERF_METHOD_COUNT; m++) {
        enum kerf_disruption_method method = (enum kerf_disruption_method)m;
        if (!is_worth_asking(disruptor, method))
            continue;
        struct kerf_disruption_options options = options_of(disruptor);
        struct kerf_disruption_result *result = kerf_disruption_decide(world->cluster, &options, method, &disruptor->memory);
        if (result->command_count == 0 && result->compute_us == 0) {
            kerf_disruption_result_free(result);
            continue;
        }
        disruptor->method = method;
        disruptor->result = result;
        if (result->compute_us == 0)
            on_result(disruptor);
        else
            kerf_world_schedule(world, kerf_world_now(world) + result->compute_us, KERF_EVENT_DISRUPTOR_COMPUTED, 0, 0);
        return;
    }
    end_without_command(disruptor);
}

/** The compute time of a method is over. */
static void on_result(struct kerf_disruptor *disruptor)
{
    struct kerf_world *world = disruptor->world;
    const struct kerf_disruption_result *result = disruptor->result;
    kerf_time_us *memo = memo_of(disruptor, disruptor->method);
    if (memo && result->memo_set)
        *memo = kerf_cluster_consolidation_state(world->cluster); /* read at the end: changes during the search are forgotten with it */
    if (result->command_count == 0)
        run_from(disruptor, (enum kerf_disruption_method)(disruptor->method + 1));
    else if (is_validated(disruptor->method))
        kerf_world_schedule(world, kerf_world_now(world) + VALIDATION_WAIT_US, KERF_EVENT_DISRUPTOR_VALIDATE, 0, 0);
    else
        start_commands(disruptor, result->commands, result->command_count);
}

static void on_computed(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    on_result(context);
}

static void on_validate(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    struct kerf_disruptor *disruptor = context;
    struct kerf_disruption_options options = options_of(disruptor);
    struct kerf_disruption_command validated;
    if (kerf_disruption_validate(disruptor->world->cluster, &options, disruptor->result->commands, &disruptor->result->arena, &validated, NULL))
        start_commands(disruptor, &validated, 1);
    else if (disruptor->method == KERF_METHOD_SINGLE_NODE)
        end_without_command(disruptor);
    else
        run_from(disruptor, (enum kerf_disruption_method)(disruptor->method + 1));
}

/* ---- the pass ------------------------------------------------------------------------------------------------------------------------ */

/** Taints of commands that failed, or of anybody else. */
static void clean_up(struct kerf_disruptor *disruptor)
{
    struct kerf_cluster *cluster = disruptor->world->cluster;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->has_claim && !node->in_command && !kerf_cluster_is_deleting(cluster, node))
            kerf_command_queue_clear_node(disruptor->world, node->id);
    }
}

static void on_pass(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    struct kerf_disruptor *disruptor = context;
    struct kerf_disruption_outlook outlook = kerf_disruption_look(disruptor->watch);
    if (outlook.unlaunched > 0) {
        disruptor->error_count = 0; /* a fixed delay, too, lets the back-off begin anew */
        pass_after(disruptor, UNSYNCED_POLL_US);
        return;
    }
    if (outlook.tainted > 0)
        clean_up(disruptor);
    run_from(disruptor, KERF_METHOD_EMPTINESS);
}

static void on_poll(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_disruptor *disruptor = context;
    kerf_command_queue_poll(&disruptor->queue, event->subject);
}

struct kerf_disruptor *kerf_disruptor_new(struct kerf_world *world)
{
    struct kerf_disruptor *disruptor = kerf_allocate(sizeof *disruptor);
    disruptor->world = world;
    disruptor->watch = kerf_disruption_watch_new(world->cluster);
    disruptor->bounds = kerf_disruption_bounds_new(world->cluster);
    kerf_command_queue_init(&disruptor->queue, world);
    kerf_engine_handle(world->engine, KERF_EVENT_DISRUPTOR_PASS, on_pass, disruptor);
    kerf_engine_handle(world->engine, KERF_EVENT_DISRUPTOR_COMPUTED, on_computed, disruptor);
    kerf_engine_handle(world->engine, KERF_EVENT_DISRUPTOR_VALIDATE, on_validate, disruptor);
    kerf_engine_handle(world->engine, KERF_EVENT_COMMAND_POLL, on_poll, disruptor);
    kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_DISRUPTOR_PASS, 0, 0);
    return disruptor;
}

void kerf_disruptor_free(struct kerf_disruptor *disruptor)
{
    if (!disruptor)
        return;
    kerf_disruption_result_free(disruptor->result);
    kerf_command_queue_fini(&disruptor->queue);
    kerf_disruption_watch_free(disruptor->watch);
    kerf_disruption_bounds_free(disruptor->bounds);
    free(disruptor);
}
