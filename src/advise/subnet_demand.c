/* The times between events are drawn anew after each one: all that is random has no memory, so that changes nothing. */
#include "advise/subnet_demand.h"

#include <stdlib.h>

#include "random/random.h"

#define SETTLE_US (10 * KERF_MINUTE_US)
#define HANDOVER_US KERF_MINUTE_US

struct demand_node {
    uint32_t number;
    uint16_t zone, shape;
    uint32_t group;
    int64_t pods, pods_max;
};

struct demand_pod {
    uint32_t number;
    uint32_t node; /* its number */
};

struct kerf_demand_generator {
    const struct kerf_subnet_workload *workload;
    uint32_t zone_count;
    struct kerf_stream stream;
    kerf_time_us now_us;
    KERF_VEC(struct kerf_demand_event) queue; /* of this moment */
    size_t queue_at;
    KERF_VEC(struct kerf_demand_event) ends; /* of replaced nodes, in order of time */
    size_t ends_at;
    KERF_VEC(struct demand_node) nodes; /* alive */
    KERF_VEC(uint32_t) place_of_node;   /* by number */
    KERF_VEC(uint32_t) free_nodes;
    KERF_VEC(struct demand_pod) pods; /* alive */
    KERF_VEC(uint32_t) free_pods;
    uint32_t node_numbers, pod_numbers;
    int64_t first_nodes, first_at; /* of the fleet's beginning */
    int64_t added;
};

static int64_t nodes_of(const struct kerf_subnet_workload *workload)
{
    int64_t nodes = 0;
    for (uint32_t i = 0; i < workload->group_count; i++)
        nodes += workload->groups[i].nodes;
    return nodes;
}

kerf_time_us kerf_demand_settled_us(const struct kerf_subnet_workload *workload)
{
    return kerf_min_i64(nodes_of(workload) * KERF_DEMAND_NODE_EVERY_US + SETTLE_US, workload->horizon_us / 2);
}

static void emit(struct kerf_demand_generator *generator, struct kerf_demand_event event)
{
    event.at_us = generator->now_us;
    KERF_VEC_PUSH(&generator->queue, event);
}

static void add_pod(struct kerf_demand_generator *generator, struct demand_node *node)
{
    uint32_t number =
        generator->free_pods.count > 0 ? generator->free_pods.items[--generator->free_pods.count] : generator->pod_numbers++;
    KERF_VEC_PUSH(&generator->pods, (struct demand_pod){number, node->number});
    node->pods++;
    emit(generator, (struct kerf_demand_event){.kind = KERF_DEMAND_POD_COMES, .node = node->number, .pod = number});
}

static void remove_pod(struct kerf_demand_generator *generator, size_t place)
{
    struct demand_pod pod = generator->pods.items[place];
    generator->pods.items[place] = generator->pods.items[--generator->pods.count];
    generator->nodes.items[generator->place_of_node.items[pod.node]].pods--;
    KERF_VEC_PUSH(&generator->free_pods, pod.number);
    emit(generator, (struct kerf_demand_event){.kind = KERF_DEMAND_POD_GOES, .node = pod.node, .pod = pod.number});
}

static struct demand_node *add_node(struct kerf_demand_generator *generator, uint32_t group_index, uint16_t zone)
{
    const struct kerf_subnet_group *group = &generator->workload->groups[group_index];
    uint32_t number =
        generator->free_nodes.count > 0 ? generator->free_nodes.items[--generator->free_nodes.count] : generator->node_numbers++;
    while (generator->place_of_node.count <= number)
        KERF_VEC_PUSH(&generator->place_of_node, 0);
    generator->place_of_node.items[number] = (uint32_t)generator->nodes.count;
    KERF_VEC_PUSH(&generator->nodes, (struct demand_node){.number = number, .zone = zone, .shape = group->shape, .group = group_index,
                                                          .pods_max = group->pods_per_node_max});
    emit(generator, (struct kerf_demand_event){.kind = KERF_DEMAND_NODE_STARTS, .node = number, .shape = group->shape, .zone = zone});
    return &generator->nodes.items[generator->nodes.count - 1];
}

static void add_full_node(struct kerf_demand_generator *generator, uint32_t group_index, uint16_t zone)
{
    struct demand_node *node = add_node(generator, group_index, zone);
    for (int64_t i = 0; i < generator->workload->groups[group_index].pods_per_node; i++)
        add_pod(generator, node);
}

static void replace_pod(struct kerf_demand_generator *generator)
{
    if (generator->pods.count == 0)
        return;
    remove_pod(generator, (size_t)kerf_draw_below(&generator->stream, generator->pods.count));
    struct demand_node *best = NULL;
    for (int draws = 0, found = 0; found < 2 && draws < 64; draws++) {
        struct demand_node *node = &generator->nodes.items[kerf_draw_below(&generator->stream, generator->nodes.count)];
        if (node->pods >= node->pods_max)
            continue;
        found++;
        if (!best || node->pods_max - node->pods > best->pods_max - best->pods)
            best = node;
    }
    for (size_t i = 0; !best; i++) /* the draws met full nodes only; the pod that went has left room somewhere */
        if (generator->nodes.items[i].pods < generator->nodes.items[i].pods_max)
            best = &generator->nodes.items[i];
    add_pod(generator, best);
}

static void replace_node(struct kerf_demand_generator *generator)
{
    size_t place = (size_t)kerf_draw_below(&generator->stream, generator->nodes.count);
    struct demand_node old = generator->nodes.items[place];
    uint32_t moved = 0;
    for (size_t i = 0; i < generator->pods.count;) {
        if (generator->pods.items[i].node == old.number) {
            remove_pod(generator, i);
            moved++;
        } else {
            i++;
        }
    }
    struct demand_node *node = add_node(generator, old.group, old.zone);
    while (moved-- > 0)
        add_pod(generator, node);
    KERF_VEC_PUSH(&generator->ends, (struct kerf_demand_event){.at_us = generator->now_us + HANDOVER_US, .kind = KERF_DEMAND_NODE_ENDS,
                                                               .node = old.number});
    struct demand_node last = generator->nodes.items[--generator->nodes.count];
    if (last.number != old.number) {
        generator->nodes.items[place] = last;
        generator->place_of_node.items[last.number] = (uint32_t)place;
    }
}

/** Lets the earliest of what comes next happen. False: nothing before the horizon. */
static bool go_on(struct kerf_demand_generator *generator)
{
    const struct kerf_subnet_workload *workload = generator->workload;
    kerf_time_us first_us = generator->first_at < generator->first_nodes ? generator->first_at * KERF_DEMAND_NODE_EVERY_US : KERF_TIME_NEVER;
    kerf_time_us end_us = generator->ends_at < generator->ends.count ? generator->ends.items[generator->ends_at].at_us : KERF_TIME_NEVER;
    kerf_time_us add_us = KERF_TIME_NEVER, random_us = KERF_TIME_NEVER;
    if (workload->nodes_added_per_day > 0)
        add_us = (kerf_time_us)((double)(generator->added + 1) / workload->nodes_added_per_day * (double)KERF_DAY_US);
    double rate = workload->pods_replaced_per_day + workload->nodes_replaced_per_day;
    if (rate > 0 && first_us == KERF_TIME_NEVER)
        random_us = generator->now_us + kerf_time_of_seconds(kerf_draw_exponential(&generator->stream, 86400.0 / rate));
    kerf_time_us next_us = kerf_min_i64(kerf_min_i64(first_us, end_us), kerf_min_i64(add_us, random_us));
    if (next_us >= workload->horizon_us)
        return false;
    generator->now_us = kerf_max_i64(generator->now_us, next_us);
    if (next_us == first_us) {
        int64_t index = generator->first_at++;
        uint32_t group = 0;
        for (int64_t before = 0; index - before >= workload->groups[group].nodes; group++)
            before += workload->groups[group].nodes;
        add_full_node(generator, group, (uint16_t)(index % generator->zone_count));
    } else if (next_us == end_us) {
        const struct kerf_demand_event *end = &generator->ends.items[generator->ends_at++];
        KERF_VEC_PUSH(&generator->free_nodes, end->node);
        emit(generator, *end);
        if (generator->ends_at == generator->ends.count)
            generator->ends_at = generator->ends.count = 0;
    } else if (next_us == add_us) {
        int64_t index = generator->first_nodes + generator->added++;
        add_full_node(generator, 0, (uint16_t)(index % generator->zone_count));
    } else if (kerf_draw_uniform(&generator->stream) * rate < workload->pods_replaced_per_day) {
        replace_pod(generator);
    } else if (generator->nodes.count > 0) {
        replace_node(generator);
    }
    return true;
}

struct kerf_demand_generator *kerf_demand_generator_new(const struct kerf_subnet_workload *workload, uint32_t zone_count, uint64_t seed,
                                                        uint32_t replication)
{
    struct kerf_demand_generator *generator = kerf_allocate(sizeof *generator);
    generator->workload = workload;
    generator->zone_count = zone_count;
    generator->stream = kerf_stream_open(seed, replication, KERF_PURPOSE_LOAD, kerf_hash_text("subnet demand"));
    generator->first_nodes = nodes_of(workload);
    return generator;
}

void kerf_demand_generator_free(struct kerf_demand_generator *generator)
{
    if (!generator)
        return;
    KERF_VEC_FREE(&generator->queue);
    KERF_VEC_FREE(&generator->ends);
    KERF_VEC_FREE(&generator->nodes);
    KERF_VEC_FREE(&generator->place_of_node);
    KERF_VEC_FREE(&generator->free_nodes);
    KERF_VEC_FREE(&generator->pods);
    KERF_VEC_FREE(&generator->free_pods);
    free(generator);
}

bool kerf_demand_generator_next(struct kerf_demand_generator *generator, struct kerf_demand_event *out_event)
{
    if (generator->queue_at == generator->queue.count) {
        generator->queue_at = generator->queue.count = 0;
        while (generator->queue.count == 0)
            if (!go_on(generator))
                return false;
    }
    *out_event = generator->queue.items[generator->queue_at++];
    return true;
}
