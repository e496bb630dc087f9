/* The life of one node, step by step, each until the pool is at rest; and the commonest of many such lives. */
#include <stdlib.h>

#include "vpc/vpc_internal.h"

#define STEP_GAP_US (5 * KERF_MINUTE_US) /* between rest and the next step: ages, cool-downs and pauses are over */
#define FLAP_AFTER_US (6 * KERF_HOUR_US) /* longer than the slowest growth there is (an address a pass, some thousand addresses) */
#define FLAP_WATCH_US (KERF_HOUR_US)     /* the last stretch of it, in which the longest held state is looked for */
#define FLAP_STATES_MAX 8

struct pods {
    struct kerf_pod_address *placed; /* in order of arrival */
    size_t placed_count;
    size_t placed_capacity;
    int64_t waiting;
};

static void place_waiting(struct kerf_vpc_pool *pool, struct pods *pods, kerf_time_us now_us)
{
    struct kerf_pod_address address;
    while (pods->waiting > 0 && kerf_vpc_pool_pod_arrives(pool, now_us, &address)) {
        if (pods->placed_count == pods->placed_capacity)
            pods->placed = kerf_vec_grow(pods->placed, &pods->placed_capacity, sizeof *pods->placed);
        pods->placed[pods->placed_count++] = address;
        pods->waiting--;
    }
}

static void change_pods(struct kerf_vpc_pool *pool, struct pods *pods, const struct kerf_node_step *step, kerf_time_us now_us)
{
    int64_t leaving = (int64_t)pods->placed_count + pods->waiting - step->pods;
    if (leaving <= 0) {
        pods->waiting -= leaving;
    } else {
        int64_t unplaced = leaving < pods->waiting ? leaving : pods->waiting;
        pods->waiting -= unplaced;
        size_t released = (size_t)(leaving - unplaced);
        size_t first = step->leave == KERF_LEAVE_OLDEST ? 0 : pods->placed_count - released;
        for (size_t i = 0; i < released; i++)
            kerf_vpc_pool_pod_leaves(pool, now_us, pods->placed[first + i]);
        pods->placed_count -= released;
        if (first == 0 && pods->placed_count > 0)
            memmove(pods->placed, pods->placed + released, pods->placed_count * sizeof *pods->placed);
    }
    place_waiting(pool, pods, now_us);
}

static void describe(const struct kerf_vpc_pool *pool, const struct pods *pods, struct kerf_node_rest *rest)
{
    rest->stats = kerf_vpc_pool_stats(pool);
    rest->eni_count = kerf_vpc_pool_slots(pool, rest->slots);
    rest->pods_placed = (int64_t)pods->placed_count;
    rest->pods_waiting = pods->waiting;
    rest->node_subnet_addresses = kerf_vpc_pool_taken(pool, pool->options.primary_subnet);
    rest->pod_subnet_addresses = kerf_vpc_pool_taken(pool, pool->options.primary_subnet + 1);
}

static bool same_state(const struct kerf_node_rest *a, const struct kerf_node_rest *b)
{
    return a->eni_count == b->eni_count && memcmp(a->slots, b->slots, a->eni_count) == 0 && a->pods_placed == b->pods_placed &&
           a->pods_waiting == b->pods_waiting && a->node_subnet_addresses == b->node_subnet_addresses &&
           a->pod_subnet_addresses == b->pod_subnet_addresses && a->settled == b->settled;
}

/* A flapping pool: how long it kept each of its states. */
struct flapping {
    struct kerf_node_rest states[FLAP_STATES_MAX];
    kerf_time_us held_us[FLAP_STATES_MAX];
    uint32_t state_count;
};

static void note_state(struct flapping *flapping, const struct kerf_node_rest *state, kerf_time_us held_us)
{
    uint32_t i = 0;
    while (i < flapping->state_count && !same_state(&flapping->states[i], state))
        i++;
    if (i == FLAP_STATES_MAX)
        return;
    if (i == flapping->state_count) {
        flapping->states[i] = *state;
        flapping->held_us[i] = 0;
        flapping->state_count++;
    }
    flapping->held_us[i] += held_us;
}

static void come_to_rest(struct kerf_vpc_pool *pool, struct pods *pods, struct kerf_vpc_ec2_network *network, kerf_time_us *now_us,
                         struct kerf_node_rest *rest)
{
    kerf_time_us start_us = *now_us, last_us = *now_us;
    struct flapping flapping = {.state_count = 0};
    *rest = (struct kerf_node_rest){.settled = true};
    for (;;) {
        kerf_time_us wake_us = kerf_vpc_pool_wake(pool);
        kerf_time_us retry_us = pods->waiting > 0 ? kerf_vpc_pool_cooling_until(pool) : KERF_TIME_NEVER;
        kerf_time_us next_us = retry_us <= wake_us ? retry_us : wake_us;
        if (next_us == KERF_TIME_NEVER)
            break;
        if (next_us < *now_us)
            next_us = *now_us; /* an address cooled down in the gap before this step */
        if (next_us - start_us > FLAP_AFTER_US - FLAP_WATCH_US) {
            struct kerf_node_rest state = {.settled = false};
            describe(pool, pods, &state);
            note_state(&flapping, &state, next_us - *now_us);
        }
        *now_us = next_us;
        if (next_us - start_us > FLAP_AFTER_US) {
            uint32_t longest = 0;
            for (uint32_t i = 1; i < flapping.state_count; i++)
                if (flapping.held_us[i] > flapping.held_us[longest])
                    longest = i;
            *rest = flapping.states[longest];
            rest->rest_after_us = KERF_TIME_NEVER;
            return;
        }
        if (retry_us > wake_us) {
            kerf_vpc_pool_skip_to(pool, next_us);
            if (kerf_vpc_pool_pass(pool, next_us, network) > 0)
                last_us = next_us;
        }
        int64_t waiting = pods->waiting;
        place_waiting(pool, pods, next_us);
        if (pods->waiting < waiting)
            last_us = next_us;
    }
    describe(pool, pods, rest);
    rest->rest_after_us = last_us - start_us;
}

const char *kerf_vpc_node_course(const struct kerf_vpc_pool_options *options, const struct kerf_node_step *steps, size_t step_count,
                                 struct kerf_node_rest *out_rests)
{
    const char *refusal = kerf_cni_settings_refusal(&options->settings);
    if (refusal)
        return refusal;
    struct kerf_vpc_ec2_network network = {0};
    struct kerf_vpc_pool_options with_subnets = *options;
    with_subnets.eni_subnet = options->primary_subnet + 1;
    struct kerf_vpc_pool pool;
    struct pods pods = {0};
    kerf_time_us now_us = 0;
    kerf_vpc_pool_init(&pool, &with_subnets, now_us);
    kerf_vpc_pool_pass(&pool, now_us, &network);
    if (pool.state == KERF_POOL_FAILED) {
        kerf_vpc_pool_fini(&pool);
        return "custom networking and no interface left for pods: ipamd does not start, the node stays NotReady";
    }
    for (size_t i = 0; i < step_count; i++) {
        struct kerf_vpc_ec2_network before = network;
        change_pods(&pool, &pods, &steps[i], now_us);
        come_to_rest(&pool, &pods, &network, &now_us, &out_rests[i]);
        KERF_CHECK_SLOW((kerf_vpc_pool_check(&pool), true));
        out_rests[i].assign_calls = network.assign_calls - before.assign_calls;
        out_rests[i].create_calls = network.create_calls - before.create_calls;
        out_rests[i].unassign_calls = network.unassign_calls - before.unassign_calls;
        out_rests[i].delete_calls = network.delete_calls - before.delete_calls;
        out_rests[i].failed_calls = network.failed_calls - before.failed_calls;
        kerf_vpc_pool_skip_to(&pool, now_us + STEP_GAP_US);
        now_us = pool.next_loop_us - LOOP_FIRST_US; /* as the first step: half-way between two passes */
    }
    free(pods.placed);
    kerf_vpc_pool_fini(&pool);
    return NULL;
}

static uint64_t hash_course(const struct kerf_node_rest *rests, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) {
        const struct kerf_node_rest *rest = &rests[i];
        hash = kerf_hash_mix(hash, kerf_hash_bytes(rest->slots, rest->eni_count));
        hash = kerf_hash_mix(hash, (uint64_t)rest->eni_count * 2 + rest->settled);
        hash = kerf_hash_mix(hash, (uint64_t)rest->pods_placed);
        hash = kerf_hash_mix(hash, (uint64_t)rest->pods_waiting);
        hash = kerf_hash_mix(hash, (uint64_t)rest->node_subnet_addresses);
        hash = kerf_hash_mix(hash, (uint64_t)rest->pod_subnet_addresses);
    }
    return hash;
}

struct seen {
    uint64_t hash;
    uint32_t course; /* the first one like this */
    uint32_t count;
};

const char *kerf_vpc_node_commonest(const struct kerf_vpc_pool_options *options, const struct kerf_node_step *steps, size_t step_count,
                                    uint32_t course_count, struct kerf_node_rest *out_rests, double *out_share, uint32_t *out_distinct)
{
    KERF_ASSERT(course_count > 0);
    struct seen *seen = kerf_allocate(course_count * sizeof *seen);
    uint32_t seen_count = 0;
    struct kerf_vpc_pool_options varied = *options;
    const char *refusal = NULL;
    for (uint32_t course = 0; course < course_count && !refusal; course++) {
        varied.order_key = kerf_hash_mix(options->order_key, course);
        refusal = kerf_vpc_node_course(&varied, steps, step_count, out_rests);
        if (refusal)
            break;
        uint64_t hash = hash_course(out_rests, step_count);
        uint32_t i = 0;
        while (i < seen_count && seen[i].hash != hash)
            i++;
        if (i == seen_count)
            seen[seen_count++] = (struct seen){.hash = hash, .course = course};
        seen[i].count++;
    }
    if (!refusal) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < seen_count; i++)
            if (seen[i].count > seen[best].count)
                best = i;
        varied.order_key = kerf_hash_mix(options->order_key, seen[best].course);
        refusal = kerf_vpc_node_course(&varied, steps, step_count, out_rests);
        *out_share = (double)seen[best].count / course_count;
        *out_distinct = seen_count;
    }
    free(seen);
    return refusal;
}
