/* Nodes wake by a heap of times; between wakes nothing moves but what the caller feeds in. */
#include "advise/subnet_fleet_internal.h"

#include <stdlib.h>

#define NO_NODE UINT32_MAX
#define LAUNCH_RETRY_US KERF_MINUTE_US
#define RESTART_US (10 * KERF_SECOND_US) /* the aws-node container after it exited */
#define TRUNK_RETRY_US KERF_MINUTE_US /* at least; a multiple of the loop's period */
#define LONG_WAIT_US KERF_MINUTE_US

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

/* ---- nodes ---------------------------------------------------------------------------------------------------------------------- */

/** Security groups for pods: the trunk comes once the CNI works, and is asked for in every pass until it is there. True: it came. */
static bool attach_trunk(struct kerf_fleet *fleet, struct fleet_node *node)
{
    struct kerf_vpc_pool *pool = &node->pool;
    if (!kerf_vpc_pool_wants_trunk(pool))
        return false;
    uint32_t address, subnet = pool->options.settings.custom_networking ? pool->options.eni_subnet : pool->options.primary_subnet;
    if (!kerf_vpc_ec2_launch(&fleet->network, subnet, &address)) {
        kerf_fleet_note_shortage(fleet, node->zone, KERF_SHORTAGE_ADDRESS);
        return false;
    }
    kerf_vpc_pool_attach_trunk(pool, fleet->now_us, subnet, address);
    return true;
}

/** One pass, with its refusals counted by cause. */
static bool run_pass(struct kerf_fleet *fleet, struct fleet_node *node)
{
    bool acted = false;
    kerf_time_us now_us = fleet->now_us;
    for (;;) {
        const struct kerf_vpc_action *action = kerf_vpc_pool_step(&node->pool, now_us);
        if (action->kind == KERF_VPC_NOTHING)
            break;
        acted = true;
        struct kerf_vpc_result result;
        kerf_vpc_ec2_perform(&fleet->network, action, &result);
        if (result.code == KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES)
            kerf_fleet_note_shortage(fleet, node->zone, KERF_SHORTAGE_ADDRESS);
        else if (result.code == KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS || result.code == KERF_VPC_EC2_OTHER)
            kerf_fleet_note_shortage(fleet, node->zone, KERF_SHORTAGE_BLOCK);
        if (action->kind == KERF_VPC_FREE_ENI)
            now_us += KERF_VPC_DETACH_PAUSE_US;
        kerf_vpc_pool_apply(&node->pool, now_us, &result);
    }
    return attach_trunk(fleet, node) || acted;
}

static void place_waiting(struct kerf_fleet *fleet, struct fleet_node *node)
{
    size_t placed = 0;
    for (; placed < node->waiting.count; placed++) {
        struct fleet_pod *pod = &fleet->pods.items[node->waiting.items[placed]];
        if (!kerf_vpc_pool_pod_arrives(&node->pool, fleet->now_us, &pod->address))
            break;
        pod->state = POD_ADDRESSED;
        kerf_fleet_account_pod(fleet, node, 1);
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
        if (node->heap_at == NO_NODE || node->wake_us <= fleet->now_us) /* pods that come meanwhile don't put it off */
            set_wake(fleet, number, fleet->now_us + RESTART_US);
        return;
    }
    if (node->pool.state == KERF_POOL_RUNNING)
        kerf_vpc_pool_skip_to(&node->pool, fleet->now_us);
    kerf_time_us wake_us = kerf_vpc_pool_wake(&node->pool);
    if (node->waiting.count > 0)
        wake_us = kerf_min_i64(wake_us, kerf_vpc_pool_cooling_until(&node->pool));
    if (kerf_vpc_pool_wants_trunk(&node->pool))
        wake_us = kerf_min_i64(wake_us, node->pool.next_loop_us + TRUNK_RETRY_US);
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
        kerf_fleet_note_shortage(fleet, node->zone, KERF_SHORTAGE_LAUNCH);
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
        .unmanaged_enis = shape->unmanaged_enis,
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
    kerf_fleet_account(fleet, node);
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
        kerf_fleet_account(fleet, node);
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
    kerf_fleet_account(fleet, node);
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
        kerf_fleet_account_pod(fleet, node, 1);
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
        kerf_fleet_account_pod(fleet, node, -1);
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
            kerf_fleet_start_measuring(fleet);
        fleet->now_us = to_us;
        kerf_fleet_close_hour(fleet);
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
        .subnets = fleet->subnets, .places = fleet->places, .subnet_count = count, .habits = options->habits, .draws = {.key = kerf_hash_mix(options->key, 1)}};
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
        kerf_fleet_histogram_init(&fleet->subnet_taken[i], size, kerf_fleet_taken_of(fleet, i));
        zone_sizes[subnet->zone] += size;
        fleet->zones[subnet->zone].others += kerf_fleet_taken_of(fleet, i);
    }
    for (uint32_t i = 0; i < options->zone_count; i++) {
        struct fleet_zone *zone = &fleet->zones[i];
        kerf_fleet_histogram_init(&zone->taken, zone_sizes[i], zone->others);
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
