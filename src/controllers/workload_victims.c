/** Which pods a ReplicaSet deletes first (workloads.md 2.1). */
#include "controllers/workload_internal.h"

/** Facts of a victim that don't change while we sort (workloads.md 2.1). */
struct victim {
    kerf_pod_id id;
    const struct kerf_cluster_pod *pod;
    bool ready;
    int64_t deletion_cost;
    uint32_t neighbours; /* active pods of the workload on its node */
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

static int compare_victims(const void *a, const void *b, void *context)
{
    (void)context;
    struct victim *x = *(struct victim *const *)a;
    struct victim *y = *(struct victim *const *)b;
    int order = kerf_compare_i64(!kerf_node_id_equal(x->pod->node, KERF_NO_NODE), !kerf_node_id_equal(y->pod->node, KERF_NO_NODE));
    if (order == 0)
        order = kerf_compare_i64(x->pod->pod.phase == KERF_POD_RUNNING, y->pod->pod.phase == KERF_POD_RUNNING);
    if (order == 0)
        order = kerf_compare_i64(x->ready, y->ready);
    if (order == 0)
        order = kerf_compare_i64(x->deletion_cost, y->deletion_cost);
    if (order == 0)
        order = kerf_compare_i64(y->neighbours, x->neighbours);
    bool by_ready_time = x->ready && y->ready && x->ready_epoch_s != y->ready_epoch_s;
    if (order == 0)
        order = by_ready_time ? kerf_compare_i64(x->ready_bucket, y->ready_bucket) : kerf_compare_i64(x->age_bucket, y->age_bucket);
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

const kerf_pod_id *kerf_workload_order_victims(struct kerf_world *world, const kerf_pod_id *active, size_t count, struct kerf_arena *arena)
{
    struct victim *victims = KERF_NEW_ARRAY(arena, struct victim, count);
    struct victim **order = KERF_NEW_ARRAY(arena, struct victim *, count);
    struct kerf_id_map on_node = { 0 };
    for (size_t i = 0; i < count; i++) {
        uint32_t node = kerf_cluster_pod(world->cluster, active[i])->node.index;
        uint32_t seen = kerf_id_map_get(&on_node, node);
        kerf_id_map_put(&on_node, node, seen == KERF_NOT_FOUND ? 1 : seen + 1);
    }
    kerf_time_us now_epoch_us = kerf_world_epoch_now(world);
    for (size_t i = 0; i < count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, active[i]);
        const struct kerf_condition *ready = kerf_conditions_get(&kerf_pod_status(&pod->pod)->conditions, "Ready");
        victims[i] = (struct victim){
            .id = pod->id,
            .pod = pod,
            .ready = ready && ready->status == KERF_CONDITION_TRUE,
            .deletion_cost = deletion_cost(world, &pod->pod),
            .neighbours = kerf_id_map_get(&on_node, pod->node.index),
            .age_bucket = log_bucket(now_epoch_us - pod->pod.meta.created_epoch_us),
        };
        order[i] = &victims[i];
        if (victims[i].ready) {
            victims[i].ready_epoch_s = ready->transition_epoch_us / KERF_SECOND_US;
            victims[i].ready_bucket = log_bucket(now_epoch_us - ready->transition_epoch_us);
        }
    }
    /* Ready times and ages together are no order: what comes first depends on the sort, so all are sorted, however few are wanted. */
    kerf_sort(order, count, sizeof *order, compare_victims, NULL);
    kerf_pod_id *ordered = KERF_NEW_ARRAY(arena, kerf_pod_id, count);
    for (size_t i = 0; i < count; i++)
        ordered[i] = order[i]->id;
    kerf_id_map_fini(&on_node);
    return ordered;
}
