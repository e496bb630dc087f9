/** Which pods a ReplicaSet deletes first (workloads.md 2.1). */
#include "controllers/workload_internal.h"

/** What decides first: of one rank, or the lower one goes. */
struct rank {
    bool bound;
    bool running;
    bool ready;
    int64_t deletion_cost;
    uint32_t neighbours; /* active pods of the workload on its node: the more, the earlier */
};

/** A pod of the rank whose turn it is; facts that don't change while we sort. */
struct victim {
    kerf_pod_id id;
    const struct kerf_cluster_pod *pod;
    bool ready;
    int64_t ready_epoch_s; /* the API's times are whole seconds */
    int ready_bucket;
    int age_bucket;
    uint64_t owner; /* 0: not asked for yet */
};

/** The logarithm of the age in nanoseconds, rounded down: one microsecond is 2^9.97 of them. */
static int log_bucket(kerf_time_us age_us)
{
    if (age_us <= 0)
        return 0;
    kerf_i128 age_ns = (kerf_i128)age_us * 1000;
    uint64_t high = (uint64_t)(age_ns >> 64);
    return high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll((uint64_t)age_ns);
}

/** The real tie is the UID's order, which is drawn: a hash of the name is as random and the same in every design. */
static uint64_t owner_of(struct victim *victim)
{
    if (victim->owner == 0)
        victim->owner = kerf_world_owner_of_pod(victim->pod);
    return victim->owner;
}

static int compare_ranks(const struct rank *x, const struct rank *y)
{
    int order = kerf_compare_i64(x->bound, y->bound);
    order = order ? order : kerf_compare_i64(x->running, y->running);
    order = order ? order : kerf_compare_i64(x->ready, y->ready);
    order = order ? order : kerf_compare_i64(x->deletion_cost, y->deletion_cost);
    return order ? order : kerf_compare_i64(y->neighbours, x->neighbours);
}

/** Of one rank. Ready times and ages together are no order: what comes first depends on the sort. */
static int compare_victims(const void *a, const void *b, void *context)
{
    (void)context;
    struct victim *x = *(struct victim *const *)a;
    struct victim *y = *(struct victim *const *)b;
    bool by_ready_time = x->ready && y->ready && x->ready_epoch_s != y->ready_epoch_s;
    int order = by_ready_time ? kerf_compare_i64(x->ready_bucket, y->ready_bucket) : kerf_compare_i64(x->age_bucket, y->age_bucket);
    if (order == 0)
        order = kerf_compare_u64(owner_of(x), owner_of(y));
    return order != 0 ? order : kerf_compare_u64(x->id.index, y->id.index);
}

static int64_t deletion_cost(const struct kerf_world *world, const struct kerf_pod *pod)
{
    int64_t cost;
    kerf_name text = kerf_labels_get(&kerf_meta_details(&pod->meta)->annotations, world->vocabulary->key_pod_deletion_cost);
    return text && kerf_parse_i64(text->text, &cost) ? cost : 0;
}

static struct rank *rank_pods(struct kerf_world *world, const kerf_pod_id *active, size_t count, struct kerf_arena *arena)
{
    struct rank *ranks = KERF_NEW_ARRAY(arena, struct rank, count);
    uint32_t *nodes = KERF_NEW_ARRAY(arena, uint32_t, count);
    struct kerf_id_map on_node = { 0 };
    for (size_t i = 0; i < count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, active[i]);
        ranks[i] = (struct rank){
            .bound = !kerf_node_id_equal(pod->node, KERF_NO_NODE),
            .running = pod->pod.phase == KERF_POD_RUNNING,
            .ready = pod->ready,
            .deletion_cost = deletion_cost(world, &pod->pod),
        };
        nodes[i] = pod->node.index;
        uint32_t seen = kerf_id_map_get(&on_node, nodes[i]);
        kerf_id_map_put(&on_node, nodes[i], seen == KERF_NOT_FOUND ? 1 : seen + 1);
    }
    for (size_t i = 0; i < count; i++)
        ranks[i].neighbours = kerf_id_map_get(&on_node, nodes[i]);
    kerf_id_map_fini(&on_node);
    return ranks;
}

static struct victim victim_of(const struct kerf_world *world, kerf_pod_id id)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    kerf_time_us now_epoch_us = kerf_world_epoch_now(world);
    struct victim victim = {
        .id = id,
        .pod = pod,
        .ready = pod->ready,
        .age_bucket = log_bucket(now_epoch_us - pod->pod.meta.created_epoch_us),
    };
    if (pod->ready) {
        const struct kerf_condition *ready = kerf_conditions_get(&kerf_pod_status(&pod->pod)->conditions, "Ready");
        victim.ready_epoch_s = ready->transition_epoch_us / KERF_SECOND_US;
        victim.ready_bucket = log_bucket(now_epoch_us - ready->transition_epoch_us);
    }
    return victim;
}

const kerf_pod_id *kerf_workload_first_victims(struct kerf_world *world, const kerf_pod_id *active, size_t count, size_t wanted,
                                               struct kerf_arena *arena)
{
    KERF_ASSERT(wanted <= count);
    const struct rank *ranks = rank_pods(world, active, count, arena);
    struct victim *victims = KERF_NEW_ARRAY(arena, struct victim, count);
    struct victim **order = KERF_NEW_ARRAY(arena, struct victim *, count);
    kerf_pod_id *ordered = KERF_NEW_ARRAY(arena, kerf_pod_id, count);
    size_t found = 0;
    for (const struct rank *last = NULL; found < wanted;) { /* rank by rank: few are met */
        const struct rank *next = NULL;
        for (size_t i = 0; i < count; i++)
            if ((!last || compare_ranks(&ranks[i], last) > 0) && (!next || compare_ranks(&ranks[i], next) < 0))
                next = &ranks[i];
        size_t of_rank = 0;
        for (size_t i = 0; i < count; i++) {
            if (compare_ranks(&ranks[i], next) != 0)
                continue;
            victims[of_rank] = victim_of(world, active[i]);
            order[of_rank] = &victims[of_rank];
            of_rank++;
        }
        kerf_sort(order, of_rank, sizeof *order, compare_victims, NULL);
        for (size_t i = 0; i < of_rank; i++)
            ordered[found++] = order[i]->id;
        last = next;
    }
    return ordered;
}
