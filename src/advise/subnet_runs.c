/* Replications of a fleet over subnets. */
#include "advise/subnet_advice.h"
#include "advise/subnet_demand.h"

#include <stdlib.h>

#define LOOK_EVERY 256 /* events between looks for a shortage */

kerf_time_us kerf_subnet_query_horizon(const struct kerf_subnet_query *query, uint32_t replication)
{
    return query->workload ? query->workload->horizon_us : query->courses[replication].horizon_us;
}

kerf_time_us kerf_subnet_query_warm_up(const struct kerf_subnet_query *query, uint32_t replication)
{
    return query->workload ? kerf_demand_settled_us(query->workload) : query->courses[replication].warm_up_us;
}

static bool met_shortage(const struct kerf_fleet *fleet, uint32_t zone_count)
{
    for (uint32_t zone = 0; zone < zone_count; zone++)
        if (kerf_fleet_first_shortage(fleet, zone) != KERF_TIME_NEVER)
            return true;
    return false;
}

static struct kerf_fleet *fleet_of(const struct kerf_subnet_query *query, uint32_t replication, const struct kerf_cni_settings *settings,
                                   const struct kerf_subnet_spec *subnets, uint32_t subnet_count, const struct kerf_demand_shape *shapes)
{
    struct kerf_fleet_options options = {
        .settings = *settings,
        .habits = query->habits,
        .subnets = subnets,
        .subnet_count = subnet_count,
        .zone_count = query->zone_count,
        .shapes = shapes,
        .warm_up_us = kerf_subnet_query_warm_up(query, replication),
        .key = kerf_hash_mix(query->seed, replication),
    };
    return kerf_fleet_new(&options);
}

struct kerf_fleet *kerf_subnet_run(const struct kerf_subnet_query *query, uint32_t replication, const struct kerf_cni_settings *settings,
                                   const struct kerf_subnet_spec *subnets, uint32_t subnet_count, bool stop_at_shortage)
{
    const struct kerf_demand_shape *shapes = query->workload ? query->workload->shapes : query->courses[replication].shapes;
    struct kerf_fleet *fleet = fleet_of(query, replication, settings, subnets, subnet_count, shapes);
    uint64_t count = 0;
    bool stopped = false;
    if (query->workload) {
        struct kerf_demand_generator *generator = kerf_demand_generator_new(query->workload, query->zone_count, query->seed, replication);
        struct kerf_demand_event event;
        while (!stopped && kerf_demand_generator_next(generator, &event)) {
            kerf_fleet_apply(fleet, &event);
            stopped = stop_at_shortage && ++count % LOOK_EVERY == 0 && met_shortage(fleet, query->zone_count);
        }
        kerf_demand_generator_free(generator);
    } else {
        const struct kerf_demand_course *course = &query->courses[replication];
        for (size_t i = 0; !stopped && i < course->event_count; i++) {
            kerf_fleet_apply(fleet, &course->events[i]);
            stopped = stop_at_shortage && ++count % LOOK_EVERY == 0 && met_shortage(fleet, query->zone_count);
        }
    }
    if (!stopped)
        kerf_fleet_advance(fleet, kerf_subnet_query_horizon(query, replication));
    KERF_CHECK_SLOW((kerf_fleet_check(fleet), true));
    return fleet;
}

/** Most pods at once, by node number; of nodes that use a number again, the last. */
struct node_peak {
    int64_t now, peak;
    uint16_t shape;
    bool seen;
};

void kerf_subnet_typical_node(const struct kerf_subnet_query *query, struct kerf_demand_shape *out_shape, int64_t *out_pods)
{
    enum { PODS_MAX = 1024 };
    if (query->workload) {
        *out_shape = query->workload->shapes[query->workload->groups[0].shape];
        *out_pods = query->workload->groups[0].pods_per_node;
        return;
    }
    const struct kerf_demand_course *course = &query->courses[0];
    uint32_t node_count = 0, shape_count = 0;
    for (size_t i = 0; i < course->event_count; i++) {
        const struct kerf_demand_event *event = &course->events[i];
        node_count = event->node >= node_count ? event->node + 1 : node_count;
        if (event->kind == KERF_DEMAND_NODE_STARTS && event->shape >= shape_count)
            shape_count = event->shape + 1u;
    }
    struct node_peak *nodes = kerf_allocate(kerf_array_bytes(node_count, sizeof *nodes));
    uint32_t *of_shape = kerf_allocate(kerf_array_bytes(shape_count, sizeof *of_shape));
    for (size_t i = 0; i < course->event_count; i++) {
        const struct kerf_demand_event *event = &course->events[i];
        struct node_peak *node = &nodes[event->node];
        if (event->kind == KERF_DEMAND_NODE_STARTS) {
            *node = (struct node_peak){.shape = event->shape, .seen = true};
            of_shape[event->shape]++;
        }
        node->now += (event->kind == KERF_DEMAND_POD_COMES) - (event->kind == KERF_DEMAND_POD_GOES);
        node->peak = kerf_max_i64(node->peak, node->now);
    }
    uint32_t shape = 0;
    for (uint32_t i = 1; i < shape_count; i++)
        if (of_shape[i] > of_shape[shape])
            shape = i;
    uint32_t counts[PODS_MAX] = {0};
    for (uint32_t i = 0; i < node_count; i++)
        if (nodes[i].seen && nodes[i].shape == shape)
            counts[kerf_min_i64(nodes[i].peak, PODS_MAX - 1)]++;
    *out_pods = 0;
    for (int64_t pods = 1; pods < PODS_MAX; pods++)
        if (counts[pods] > counts[*out_pods])
            *out_pods = pods;
    *out_shape = shape_count > 0 ? course->shapes[shape] : (struct kerf_demand_shape){0};
    free(nodes);
    free(of_shape);
}

int64_t kerf_subnet_nodes_that_fit(const struct kerf_subnet_query *query, uint32_t replication, const struct kerf_demand_shape *shape,
                                   int64_t pods, uint32_t *out_zone, enum kerf_shortage *out_cause)
{
    struct kerf_fleet *fleet = fleet_of(query, replication, &query->settings, query->subnets, query->subnet_count, shape);
    int64_t fit = 0;
    uint32_t pod = 0;
    bool stopped = false;
    for (int64_t number = 0; !stopped && number < KERF_SUBNET_NODES_MAX; number++) {
        struct kerf_demand_event event = {.at_us = number * 10 * KERF_MINUTE_US, .kind = KERF_DEMAND_NODE_STARTS, .node = (uint32_t)number,
                                          .zone = (uint16_t)(number % query->zone_count)};
        kerf_fleet_apply(fleet, &event);
        event.kind = KERF_DEMAND_POD_COMES;
        for (int64_t i = 0; i < pods; i++) {
            event.pod = pod++;
            kerf_fleet_apply(fleet, &event);
        }
        kerf_fleet_advance(fleet, event.at_us + 9 * KERF_MINUTE_US);
        stopped = met_shortage(fleet, query->zone_count);
        fit += !stopped;
    }
    kerf_time_us first_us = KERF_TIME_NEVER;
    for (uint32_t zone = 0; zone < query->zone_count; zone++)
        for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++)
            if (kerf_fleet_zone_at(fleet, zone)->first_us[cause] < first_us) {
                first_us = kerf_fleet_zone_at(fleet, zone)->first_us[cause];
                *out_zone = zone;
                *out_cause = (enum kerf_shortage)cause;
            }
    kerf_fleet_free(fleet);
    return fit;
}
