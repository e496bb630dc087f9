/* Nodes wake by a heap of times; between wakes nothing moves but what the caller feeds in. */
#include "advise/subnet_fleet.h"

#include <stdlib.h>

#define NO_NODE UINT32_MAX
#define LAUNCH_RETRY_US KERF_MINUTE_US
#define RESTART_US (10 * KERF_SECOND_US) /* the aws-node container after it exited */
#define LONG_WAIT_US KERF_MINUTE_US

/* How long each number of taken addresses was held. */
struct histogram {
    kerf_time_us *held_us; /* by number */
    int64_t size;
    int64_t value;
    kerf_time_us since_us;
};

struct fleet_pod {
    struct kerf_pod_address address;
    kerf_time_us asked_us;
    uint32_t node;
    uint32_t life; /* of the node: another one means that it ended under the pod */
    enum { POD_ABSENT, POD_WAITING, POD_ADDRESSED } state;
};

struct fleet_node {
    struct kerf_vpc_pool pool;
    kerf_time_us wake_us;
    uint32_t heap_at; /* place in the heap; NO_NODE: sleeps */
    uint32_t life;
    uint32_t subnet;
    uint16_t zone, shape;
    int32_t enis;     /* as the zone counts them */
    int32_t assigned; /* the same */
    bool wanted;      /* started and not ended */
    bool launched;
    KERF_VEC(uint32_t) waiting;
};

struct fleet_zone {
    struct kerf_fleet_zone seen;
    struct histogram taken; /* others' included */
    int64_t others;
    int64_t enis, enis_peak;
    int64_t assigned;
};

struct kerf_fleet {
    struct kerf_fleet_options options;
    kerf_time_us now_us;
    bool measuring;
    struct kerf_vpc_ec2_network network;
    struct kerf_vpc_subnet **subnets;
    struct kerf_vpc_subnet_place *places;
    struct histogram *subnet_taken;
    struct fleet_zone *zones;
    KERF_VEC(struct fleet_node *) nodes; /* NULL: number not used yet */
    KERF_VEC(struct fleet_pod) pods;
    KERF_VEC(uint32_t) heap; /* node numbers by (wake_us, number) */
    int64_t launches;
    struct kerf_fleet_calls at_warm_up;
    kerf_time_us hour_us; /* the hour whose calls are counted */
    int64_t calls_before_hour;
    int64_t peak_hour;
};

/* ---- the heap --------------------------------------------------------------------------------------------------------------- */

static bool wakes_before(const struct kerf_fleet *fleet, uint32_t a, uint32_t b)
{
    const struct fleet_node *node_a = fleet->nodes.items[a], *node_b = fleet->nodes.items[b];
    return node_a->wake_us < node_b->wake_us || (node_a->wake_us == node_b->wake_us && a < b);
}

static void heap_put(struct kerf_fleet *fleet, uint32_t at, uint32_t node)
{
    fleet->heap.items[at] = node;
    fleet->nodes.items[node]->heap_at = at;
}

static void heap_rise(struct kerf_fleet *fleet, uint32_t at)
{
    uint32_t node = fleet->heap.items[at];
    while (at > 0 && wakes_before(fleet, node, fleet->heap.items[(at - 1) / 2])) {
        heap_put(fleet, at, fleet->heap.items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(fleet, at, node);
}

static void heap_sink(struct kerf_fleet *fleet, uint32_t at)
{
    uint32_t node = fleet->heap.items[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= fleet->heap.count)
            break;
        if (child + 1 < fleet->heap.count && wakes_before(fleet, fleet->heap.items[child + 1], fleet->heap.items[child]))
            child++;
        if (!wakes_before(fleet, fleet->heap.items[child], node))
            break;
        heap_put(fleet, at, fleet->heap.items[child]);
        at = child;
    }
    heap_put(fleet, at, node);
}

static void set_wake(struct kerf_fleet *fleet, uint32_t number, kerf_time_us wake_us)
{
    struct fleet_node *node = fleet->nodes.items[number];
    if (node->heap_at != NO_NODE && node->wake_us == wake_us)
        return;
    node->wake_us = wake_us;
    if (wake_us == KERF_TIME_NEVER) {
        uint32_t at = node->heap_at;
        if (at == NO_NODE)
            return;
        node->heap_at = NO_NODE;
        uint32_t last = fleet->heap.items[--fleet->heap.count];
        if (last == number)
            return;
        heap_put(fleet, at, last);
        heap_rise(fleet, at);
        heap_sink(fleet, fleet->nodes.items[last]->heap_at);
        return;
    }
    if (node->heap_at == NO_NODE) {
        KERF_VEC_PUSH(&fleet->heap, number);
        node->heap_at = (uint32_t)fleet->heap.count - 1;
    }
    heap_rise(fleet, node->heap_at);
    heap_sink(fleet, node->heap_at);
}

/* ---- figures ------------------------------------------------------------------------------------------------------------------ */

static void histogram_set(struct histogram *histogram, kerf_time_us now_us, int64_t value)
{
    if (value == histogram->value)
        return;
    KERF_ASSERT(value <= histogram->size);
    histogram->held_us[histogram->value] += now_us - histogram->since_us;
    histogram->since_us = now_us;
    histogram->value = value;
}

static int64_t histogram_at(const struct histogram *histogram, kerf_time_us now_us, double share)
{
    kerf_time_us total_us = now_us - histogram->since_us;
    for (int64_t i = 0; i <= histogram->size; i++)
        total_us += histogram->held_us[i];
    double wanted = share * (double)total_us, reached = 0;
    int64_t last = histogram->value;
    for (int64_t i = 0; i <= histogram->size; i++) {
        kerf_time_us held_us = histogram->held_us[i] + (i == histogram->value ? now_us - histogram->since_us : 0);
        if (held_us == 0 && i != histogram->value)
            continue;
        last = i;
        reached += (double)held_us;
        if (reached >= wanted)
            break;
    }
    return last;
}

static int64_t taken_of(const struct kerf_fleet *fleet, uint32_t subnet)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(fleet->subnets[subnet]);
    return (int64_t)counts.size - counts.free;
}

static int64_t cni_calls(const struct kerf_fleet *fleet)
{
    return fleet->network.assign_calls + fleet->network.create_calls + fleet->network.unassign_calls + fleet->network.delete_calls;
}

/** Counts of the hour before end when a new one begins. */
static void close_hour(struct kerf_fleet *fleet)
{
    if (fleet->now_us < fleet->hour_us + KERF_HOUR_US)
        return;
    int64_t calls = cni_calls(fleet);
    if (fleet->measuring)
        fleet->peak_hour = kerf_max_i64(fleet->peak_hour, calls - fleet->calls_before_hour);
    fleet->calls_before_hour = calls;
    fleet->hour_us += (fleet->now_us - fleet->hour_us) / KERF_HOUR_US * KERF_HOUR_US;
}

/** After EC2 did something for a node of the zone: its interfaces, its pods with an address, and what is taken. */
static void account(struct kerf_fleet *fleet, struct fleet_node *node)
{
    struct fleet_zone *zone = &fleet->zones[node->zone];
    int32_t enis = node->launched ? node->pool.eni_count : 0;
    int32_t assigned = node->launched ? kerf_vpc_pool_stats(&node->pool).assigned : 0;
    zone->enis += enis - node->enis;
    zone->assigned += assigned - node->assigned;
    zone->enis_peak = kerf_max_i64(zone->enis_peak, zone->enis);
    node->enis = enis;
    node->assigned = assigned;
    int64_t zone_taken = 0;
    for (uint32_t i = 0; i < fleet->options.subnet_count; i++) {
        if (fleet->options.subnets[i].zone != node->zone)
            continue;
        int64_t taken = taken_of(fleet, i);
        histogram_set(&fleet->subnet_taken[i], fleet->now_us, taken);
        zone_taken += taken;
    }
    histogram_set(&zone->taken, fleet->now_us, zone_taken);
    kerf_time_weighted_set(&zone->seen.taken, fleet->now_us, zone_taken - zone->others);
    kerf_time_weighted_set(&zone->seen.stranded, fleet->now_us, zone_taken - zone->others - zone->enis - zone->assigned);
}

/** A pod got an address or left one: nothing else moved. */
static void account_pod(struct kerf_fleet *fleet, struct fleet_node *node, int32_t change)
{
    struct fleet_zone *zone = &fleet->zones[node->zone];
    if (fleet->options.settings.ipv6)
        return; /* pods draw from a /80, not from the subnet's IPv4 addresses */
    zone->assigned += change;
    node->assigned += change;
    kerf_time_weighted_set(&zone->seen.stranded, fleet->now_us, zone->seen.stranded.value - change);
}

static void note_shortage(struct kerf_fleet *fleet, uint32_t zone_index, enum kerf_shortage cause)
{
    struct kerf_fleet_zone *zone = &fleet->zones[zone_index].seen;
    if (kerf_fleet_first_shortage(fleet, zone_index) == KERF_TIME_NEVER)
        zone->nodes_at_shortage = zone->nodes - (cause == KERF_SHORTAGE_LAUNCH ? 0 : 1);
    if (zone->first_us[cause] == KERF_TIME_NEVER)
        zone->first_us[cause] = fleet->now_us;
    zone->counts[cause]++;
}

static struct kerf_fleet_calls calls_now(const struct kerf_fleet *fleet)
{
    return (struct kerf_fleet_calls){
        .launch = fleet->launches,
        .assign = fleet->network.assign_calls,
        .create = fleet->network.create_calls,
        .unassign = fleet->network.unassign_calls,
        .remove = fleet->network.delete_calls,
        .failed = fleet->network.failed_calls,
    };
}

static void start_measuring(struct kerf_fleet *fleet)
{
    kerf_time_us now_us = fleet->options.warm_up_us;
    fleet->measuring = true;
    fleet->at_warm_up = calls_now(fleet);
    fleet->calls_before_hour = cni_calls(fleet);
    fleet->hour_us = now_us;
    for (uint32_t i = 0; i < fleet->options.zone_count; i++) {
        struct fleet_zone *zone = &fleet->zones[i];
        kerf_time_weighted_start(&zone->seen.taken, now_us, zone->seen.taken.value);
        kerf_time_weighted_start(&zone->seen.stranded, now_us, zone->seen.stranded.value);
        memset(zone->taken.held_us, 0, ((size_t)zone->taken.size + 1) * sizeof *zone->taken.held_us);
        zone->taken.since_us = now_us;
        zone->enis_peak = zone->enis;
    }
    for (uint32_t i = 0; i < fleet->options.subnet_count; i++) {
        memset(fleet->subnet_taken[i].held_us, 0, ((size_t)fleet->subnet_taken[i].size + 1) * sizeof *fleet->subnet_taken[i].held_us);
        fleet->subnet_taken[i].since_us = now_us;
    }
}

/* ---- nodes ---------------------------------------------------------------------------------------------------------------------- */

/** One pass, with its refusals counted by cause. */
static bool run_pass(struct kerf_fleet *fleet, struct fleet_node *node)
{
    bool acted = false;
    for (;;) {
        const struct kerf_vpc_action *action = kerf_vpc_pool_step(&node->pool, fleet->now_us);
        if (action->kind == KERF_VPC_NOTHING)
            return acted;
        acted = true;
        struct kerf_vpc_result result;
        kerf_vpc_ec2_perform(&fleet->network, action, &result);
        if (result.code == KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES)
            note_shortage(fleet, node->zone, KERF_SHORTAGE_ADDRESS);
        else if (result.code == KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS || result.code == KERF_VPC_EC2_OTHER)
            note_shortage(fleet, node->zone, KERF_SHORTAGE_BLOCK);
        kerf_vpc_pool_apply(&node->pool, fleet->now_us, &result);
    }
}

static void place_waiting(struct kerf_fleet *fleet, struct fleet_node *node)
{
    size_t placed = 0;
    for (; placed < node->waiting.count; placed++) {
        struct fleet_pod *pod = &fleet->pods.items[node->waiting.items[placed]];
        if (!kerf_vpc_pool_pod_arrives(&node->pool, fleet->now_us, &pod->address))
            break;
        pod->state = POD_ADDRESSED;
        account_pod(fleet, node, 1);
        if (fleet->now_us - pod->asked_us > LONG_WAIT_US)
            fleet->zones[node->zone].seen.pods_waited_long++;
    }
    if (placed == 0)
        return;
    fleet->zones[node->zone].seen.pods_waiting -= placed;
    node->waiting.count -= placed;
    memmove(node->waiting.items, node->waiting.items + placed, node->waiting.count * sizeof *node->waiting.items);
}

static void rest(struct kerf_fleet *fleet, uint32_t number)
{
    struct fleet_node *node = fleet->nodes.items[number];
    if (node->pool.state == KERF_POOL_FAILED) {
        set_wake(fleet, number, fleet->now_us + RESTART_US);
        return;
    }
    if (node->pool.state == KERF_POOL_RUNNING)
        kerf_vpc_pool_skip_to(&node->pool, fleet->now_us);
    kerf_time_us wake_us = kerf_vpc_pool_wake(&node->pool);
    if (node->waiting.count > 0)
        wake_us = kerf_min_i64(wake_us, kerf_vpc_pool_cooling_until(&node->pool));
    if (wake_us < fleet->now_us)
        wake_us = fleet->now_us;
    set_wake(fleet, number, wake_us);
}

static void launch(struct kerf_fleet *fleet, uint32_t number)
{
    struct fleet_node *node = fleet->nodes.items[number];
    uint32_t best = KERF_NOT_FOUND, best_free = 0, for_pods = KERF_NOT_FOUND;
    for (uint32_t i = 0; i < fleet->options.subnet_count; i++) {
        const struct kerf_subnet_spec *subnet = &fleet->options.subnets[i];
        if (subnet->zone != node->zone)
            continue;
        uint32_t free_addresses = kerf_vpc_subnet_counts(fleet->subnets[i]).assignable;
        if (subnet->use != KERF_SUBNET_PODS && free_addresses > best_free) {
            best = i;
            best_free = free_addresses;
        }
        if (subnet->use == KERF_SUBNET_PODS && for_pods == KERF_NOT_FOUND)
            for_pods = i;
    }
    uint32_t address = KERF_ADDRESS_NONE;
    if (best == KERF_NOT_FOUND || !kerf_vpc_ec2_launch(&fleet->network, best, &address)) {
        note_shortage(fleet, node->zone, KERF_SHORTAGE_LAUNCH);
        set_wake(fleet, number, fleet->now_us + LAUNCH_RETRY_US);
        return;
    }
    const struct kerf_demand_shape *shape = &fleet->options.shapes[node->shape];
    struct kerf_vpc_pool_options options = {
        .settings = fleet->options.settings,
        .limits = shape->limits,
        .max_pods = shape->max_pods,
        .prefix_capable = shape->nitro || shape->bare_metal,
        .trunk_capable = shape->trunk_capable,
        .primary_excluded = fleet->options.subnets[best].use == KERF_SUBNET_NODES,
        .primary_subnet = best,
        .eni_subnet = for_pods == KERF_NOT_FOUND ? best : for_pods,
        .primary_address = address,
        .order_key = kerf_hash_mix(fleet->options.key, kerf_hash_mix(number, node->life)),
    };
    if (options.max_pods == 0) {
        struct kerf_max_pods_query query = {
            .limits = shape->limits,
            .vcpus = shape->vcpus,
            .nitro = shape->nitro,
            .bare_metal = shape->bare_metal,
            .prefix_delegation = options.settings.prefix_delegation,
            .custom_networking = options.settings.custom_networking,
            .cni_max_enis = options.settings.max_enis,
        };
        struct kerf_max_pods_by_tool by_tool = kerf_vpc_max_pods_by_tool(&query);
        options.max_pods = options.settings.prefix_delegation ? by_tool.calculator : by_tool.formula;
    }
    fleet->launches++;
    node->launched = true;
    node->subnet = best;
    fleet->zones[node->zone].seen.nodes++;
    kerf_vpc_pool_init(&node->pool, &options, fleet->now_us);
    run_pass(fleet, node);
    account(fleet, node);
    place_waiting(fleet, node);
    rest(fleet, number);
}

static void wake(struct kerf_fleet *fleet, uint32_t number)
{
    struct fleet_node *node = fleet->nodes.items[number];
    if (!node->launched) {
        launch(fleet, number);
        return;
    }
    if (node->pool.state == KERF_POOL_FAILED)
        kerf_vpc_pool_restart(&node->pool, fleet->now_us);
    bool due = node->pool.state == KERF_POOL_STARTING;
    if (!due) { /* or an address has cooled down that a pod waits for */
        kerf_vpc_pool_skip_to(&node->pool, fleet->now_us);
        due = node->pool.next_loop_us == fleet->now_us;
    }
    if (due && run_pass(fleet, node))
        account(fleet, node);
    if (node->waiting.count > 0)
        place_waiting(fleet, node);
    rest(fleet, number);
}

static void end_node(struct kerf_fleet *fleet, uint32_t number)
{
    struct fleet_node *node = fleet->nodes.items[number];
    KERF_ASSERT(node->wanted);
    set_wake(fleet, number, KERF_TIME_NEVER);
    struct kerf_fleet_zone *zone = &fleet->zones[node->zone].seen;
    zone->pods_waiting -= node->waiting.count;
    node->waiting.count = 0;
    node->wanted = false;
    node->life++;
    if (!node->launched)
        return;
    kerf_vpc_ec2_terminate(&fleet->network, &node->pool);
    node->launched = false;
    zone->nodes--;
    account(fleet, node);
    kerf_vpc_pool_fini(&node->pool);
}

/* ---- pods ----------------------------------------------------------------------------------------------------------------------- */

static void pod_comes(struct kerf_fleet *fleet, const struct kerf_demand_event *event)
{
    while (fleet->pods.count <= event->pod)
        KERF_VEC_PUSH(&fleet->pods, (struct fleet_pod){.state = POD_ABSENT});
    struct fleet_node *node = fleet->nodes.items[event->node];
    struct fleet_pod *pod = &fleet->pods.items[event->pod];
    KERF_ASSERT(node->wanted);
    *pod = (struct fleet_pod){.node = event->node, .life = node->life, .asked_us = fleet->now_us};
    bool asks = node->launched && node->waiting.count == 0; /* who waits goes first */
    if (asks && kerf_vpc_pool_pod_arrives(&node->pool, fleet->now_us, &pod->address)) {
        pod->state = POD_ADDRESSED;
        account_pod(fleet, node, 1);
    } else {
        pod->state = POD_WAITING;
        KERF_VEC_PUSH(&node->waiting, event->pod);
        fleet->zones[node->zone].seen.pods_waiting++;
    }
    if (node->launched)
        rest(fleet, event->node);
}

static void pod_goes(struct kerf_fleet *fleet, const struct kerf_demand_event *event)
{
    KERF_ASSERT(event->pod < fleet->pods.count);
    struct fleet_pod *pod = &fleet->pods.items[event->pod];
    struct fleet_node *node = fleet->nodes.items[pod->node];
    if (node->life == pod->life && pod->state == POD_WAITING) {
        size_t at = 0;
        while (node->waiting.items[at] != event->pod)
            at++;
        node->waiting.count--;
        memmove(node->waiting.items + at, node->waiting.items + at + 1, (node->waiting.count - at) * sizeof *node->waiting.items);
        fleet->zones[node->zone].seen.pods_waiting--;
        fleet->zones[node->zone].seen.pods_waited_long += fleet->now_us - pod->asked_us > LONG_WAIT_US;
    } else if (node->life == pod->life && pod->state == POD_ADDRESSED) {
        kerf_vpc_pool_pod_leaves(&node->pool, fleet->now_us, pod->address);
        account_pod(fleet, node, -1);
    }
    pod->state = POD_ABSENT;
    if (node->life == pod->life && node->launched)
        rest(fleet, pod->node);
}

/* ---- the door ------------------------------------------------------------------------------------------------------------------- */

void kerf_fleet_advance(struct kerf_fleet *fleet, kerf_time_us until_us)
{
    KERF_ASSERT(until_us >= fleet->now_us);
    for (;;) {
        kerf_time_us next_us = fleet->heap.count > 0 ? fleet->nodes.items[fleet->heap.items[0]]->wake_us : KERF_TIME_NEVER;
        kerf_time_us to_us = kerf_min_i64(next_us, until_us);
        if (!fleet->measuring && to_us >= fleet->options.warm_up_us)
            start_measuring(fleet);
        fleet->now_us = to_us;
        close_hour(fleet);
        if (next_us > until_us)
            return;
        wake(fleet, fleet->heap.items[0]);
    }
}

void kerf_fleet_apply(struct kerf_fleet *fleet, const struct kerf_demand_event *event)
{
    kerf_fleet_advance(fleet, event->at_us);
    struct fleet_node *node;
    switch (event->kind) {
    case KERF_DEMAND_NODE_STARTS:
        while (fleet->nodes.count <= event->node)
            KERF_VEC_PUSH(&fleet->nodes, NULL);
        if (!fleet->nodes.items[event->node]) {
            fleet->nodes.items[event->node] = kerf_allocate(sizeof *node);
            fleet->nodes.items[event->node]->heap_at = NO_NODE;
        }
        node = fleet->nodes.items[event->node];
        KERF_ASSERT(!node->wanted);
        KERF_ASSERT(event->zone < fleet->options.zone_count);
        node->wanted = true;
        node->zone = event->zone;
        node->shape = event->shape;
        launch(fleet, event->node);
        break;
    case KERF_DEMAND_NODE_ENDS:
        end_node(fleet, event->node);
        break;
    case KERF_DEMAND_POD_COMES:
        pod_comes(fleet, event);
        break;
    case KERF_DEMAND_POD_GOES:
        pod_goes(fleet, event);
        break;
    }
}

static void histogram_new(struct histogram *histogram, int64_t size, int64_t value)
{
    histogram->size = size;
    histogram->value = value;
    histogram->held_us = kerf_allocate(kerf_array_bytes((size_t)size + 1, sizeof *histogram->held_us));
}

struct kerf_fleet *kerf_fleet_new(const struct kerf_fleet_options *options)
{
    struct kerf_fleet *fleet = kerf_allocate(sizeof *fleet);
    fleet->options = *options;
    fleet->measuring = options->warm_up_us == 0;
    uint32_t count = options->subnet_count;
    fleet->subnets = kerf_allocate(kerf_array_bytes(count, sizeof *fleet->subnets));
    fleet->places = kerf_allocate(kerf_array_bytes(count, sizeof *fleet->places));
    fleet->subnet_taken = kerf_allocate(kerf_array_bytes(count, sizeof *fleet->subnet_taken));
    fleet->zones = kerf_allocate(kerf_array_bytes(options->zone_count, sizeof *fleet->zones));
    fleet->network = (struct kerf_vpc_ec2_network){
        .subnets = fleet->subnets, .places = fleet->places, .subnet_count = count, .draws = {.key = kerf_hash_mix(options->key, 1)}};
    int64_t *zone_sizes = kerf_allocate(kerf_array_bytes(options->zone_count, sizeof *zone_sizes));
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_subnet_spec *subnet = &options->subnets[i];
        fleet->subnets[i] = kerf_vpc_subnet_new(subnet->cidr);
        for (uint32_t j = 0; j < subnet->range_count; j++) {
            const char *problem = kerf_vpc_subnet_reserve(fleet->subnets[i], subnet->ranges[j].cidr, subnet->ranges[j].kind);
            KERF_ASSERT(problem == NULL);
        }
        fleet->places[i] = (struct kerf_vpc_subnet_place){subnet->zone, subnet->use};
        for (uint32_t taken = 0; taken < subnet->taken; taken++) {
            uint32_t assignable = kerf_vpc_subnet_counts(fleet->subnets[i]).assignable;
            if (assignable == 0)
                break;
            kerf_vpc_subnet_take(fleet->subnets[i], (uint32_t)kerf_vpc_draw_below(&fleet->network.draws, assignable));
        }
        int64_t size = kerf_vpc_subnet_counts(fleet->subnets[i]).size;
        histogram_new(&fleet->subnet_taken[i], size, taken_of(fleet, i));
        zone_sizes[subnet->zone] += size;
        fleet->zones[subnet->zone].others += taken_of(fleet, i);
    }
    for (uint32_t i = 0; i < options->zone_count; i++) {
        struct fleet_zone *zone = &fleet->zones[i];
        histogram_new(&zone->taken, zone_sizes[i], zone->others);
        kerf_time_weighted_start(&zone->seen.taken, 0, 0);
        kerf_time_weighted_start(&zone->seen.stranded, 0, 0);
        for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++)
            zone->seen.first_us[cause] = KERF_TIME_NEVER;
    }
    free(zone_sizes);
    return fleet;
}

void kerf_fleet_free(struct kerf_fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; i < fleet->nodes.count; i++) {
        struct fleet_node *node = fleet->nodes.items[i];
        if (!node)
            continue;
        if (node->launched)
            kerf_vpc_pool_fini(&node->pool);
        KERF_VEC_FREE(&node->waiting);
        free(node);
    }
    for (uint32_t i = 0; i < fleet->options.subnet_count; i++) {
        kerf_vpc_subnet_free(fleet->subnets[i]);
        free(fleet->subnet_taken[i].held_us);
    }
    for (uint32_t i = 0; i < fleet->options.zone_count; i++)
        free(fleet->zones[i].taken.held_us);
    free(fleet->subnets);
    free(fleet->places);
    free(fleet->subnet_taken);
    free(fleet->zones);
    KERF_VEC_FREE(&fleet->nodes);
    KERF_VEC_FREE(&fleet->pods);
    KERF_VEC_FREE(&fleet->heap);
    free(fleet);
}

const struct kerf_fleet_zone *kerf_fleet_zone_at(const struct kerf_fleet *fleet, uint32_t zone)
{
    KERF_ASSERT(zone < fleet->options.zone_count);
    return &fleet->zones[zone].seen;
}

kerf_time_us kerf_fleet_first_shortage(const struct kerf_fleet *fleet, uint32_t zone)
{
    kerf_time_us first_us = KERF_TIME_NEVER;
    for (int cause = 0; cause < KERF_SHORTAGE_COUNT; cause++)
        first_us = kerf_min_i64(first_us, fleet->zones[zone].seen.first_us[cause]);
    return first_us;
}

int64_t kerf_fleet_taken_at(const struct kerf_fleet *fleet, uint32_t zone, double share)
{
    return histogram_at(&fleet->zones[zone].taken, fleet->now_us, share);
}

int64_t kerf_fleet_subnet_taken_at(const struct kerf_fleet *fleet, uint32_t subnet, double share)
{
    return histogram_at(&fleet->subnet_taken[subnet], fleet->now_us, share);
}

const struct kerf_vpc_subnet *kerf_fleet_subnet_state(const struct kerf_fleet *fleet, uint32_t subnet) { return fleet->subnets[subnet]; }

int64_t kerf_fleet_own_peak(const struct kerf_fleet *fleet, uint32_t zone) { return fleet->zones[zone].enis_peak; }

struct kerf_fleet_calls kerf_fleet_calls(const struct kerf_fleet *fleet)
{
    struct kerf_fleet_calls calls = calls_now(fleet);
    calls.launch -= fleet->at_warm_up.launch;
    calls.assign -= fleet->at_warm_up.assign;
    calls.create -= fleet->at_warm_up.create;
    calls.unassign -= fleet->at_warm_up.unassign;
    calls.remove -= fleet->at_warm_up.remove;
    calls.failed -= fleet->at_warm_up.failed;
    calls.peak_hour = kerf_max_i64(fleet->peak_hour, cni_calls(fleet) - fleet->calls_before_hour);
    return calls;
}

struct recount {
    struct kerf_vpc_subnet **unheld; /* copies from which every holder's addresses are given back */
    int64_t held;
};

static void give_back(void *context, uint32_t subnet, uint32_t first_address, uint32_t address_count)
{
    struct recount *recount = context;
    for (uint32_t i = 0; i < address_count; i++)
        kerf_vpc_subnet_release(recount->unheld[subnet], first_address + i); /* asserts that it was taken, once */
    recount->held += address_count;
}

void kerf_fleet_check(const struct kerf_fleet *fleet)
{
    uint32_t count = fleet->options.subnet_count;
    struct recount recount = {.unheld = kerf_allocate(kerf_array_bytes(count, sizeof *recount.unheld))};
    int64_t taken = 0, others = 0, enis = 0, assigned = 0;
    for (uint32_t i = 0; i < count; i++) {
        kerf_vpc_subnet_check(fleet->subnets[i]);
        taken += taken_of(fleet, i);
        recount.unheld[i] = kerf_vpc_subnet_copy(fleet->subnets[i]);
    }
    for (size_t i = 0; i < fleet->nodes.count; i++) {
        const struct fleet_node *node = fleet->nodes.items[i];
        if (!node || !node->launched)
            continue;
        kerf_vpc_pool_check(&node->pool);
        kerf_vpc_pool_visit_ranges(&node->pool, give_back, &recount);
        enis += node->pool.eni_count;
        assigned += kerf_vpc_pool_stats(&node->pool).assigned;
    }
    for (uint32_t i = 0; i < fleet->options.zone_count; i++) {
        others += fleet->zones[i].others;
        enis -= fleet->zones[i].enis;
        assigned -= fleet->zones[i].assigned;
    }
    KERF_ASSERT(taken == recount.held + others);
    KERF_ASSERT(enis == 0);
    KERF_ASSERT(assigned == 0);
    for (uint32_t i = 0; i < count; i++)
        kerf_vpc_subnet_free(recount.unheld[i]);
    free(recount.unheld);
}
