/**
 * provisioner: Karpenter's provisioning loop in time (karpenter-provisioning.md 1.5 to 1.8, 9.4): triggers, the batch window, the gate,
 * the pass with its compute time, and the creation of nodeclaims.
 *
 * The pass decides on the world of its start; its results take effect when its compute time is over. Compute time is a model: pods by
 * a rate, cut off after a minute.
 */
#include "controllers/controllers_internal.h"

#include "scheduling/scheduling.h"

#include <stdlib.h>

#define TRIGGER_REPEAT_US (10 * KERF_SECOND_US)
#define SOLVE_LIMIT_US KERF_MINUTE_US
#define PACKING_STEPS 100000 /* of the packed planner, a pass: some milliseconds; `kerf plan --bound` takes more */

enum provisioner_state { WAITING, IN_WINDOW, IN_PASS };

/** Keys of triggers: pods and nodes. */
#define POD_KEY(id) ((uint64_t)(id).index << 1)
#define NODE_KEY(id) ((uint64_t)(id).index << 1 | 1)

struct kerf_provisioner {
    struct kerf_world *world;
    enum provisioner_state state;
    bool armed;
    struct kerf_id_map keys;      /* triggers seen since the last window ended */
    struct kerf_id_map repeating; /* pods and nodes whose ten-second repeat runs */
    kerf_event_handle idle_timer;
    kerf_event_handle max_timer;
    struct kerf_plan *plan;       /* of the pass whose compute time runs */
};

/* ---- the batcher ----------------------------------------------------------------------------------------------------------------- */

static void open_window(struct kerf_provisioner *provisioner)
{
    struct kerf_world *world = provisioner->world;
    const struct kerf_karpenter_settings *karpenter = &world->design->karpenter;
    kerf_time_us now_us = kerf_world_now(world);
    provisioner->state = IN_WINDOW;
    provisioner->armed = false;
    provisioner->idle_timer = kerf_world_schedule(world, now_us + karpenter->batch_idle_us, KERF_EVENT_PROVISIONER_WINDOW, 0, 0);
    provisioner->max_timer = kerf_world_schedule(world, now_us + karpenter->batch_max_us, KERF_EVENT_PROVISIONER_WINDOW, 0, 0);
}

static void trigger(struct kerf_provisioner *provisioner, uint64_t key)
{
    if (kerf_id_map_get(&provisioner->keys, key) != KERF_NOT_FOUND)
        return;
    kerf_id_map_put(&provisioner->keys, key, 1);
    struct kerf_world *world = provisioner->world;
    switch (provisioner->state) {
    case WAITING:
        open_window(provisioner);
        break;
    case IN_WINDOW:
        kerf_engine_cancel(world->engine, provisioner->idle_timer);
        provisioner->idle_timer = kerf_world_schedule(world, kerf_world_now(world) + world->design->karpenter.batch_idle_us,
                                                      KERF_EVENT_PROVISIONER_WINDOW, 0, 0);
        break;
    case IN_PASS:
        provisioner->armed = true;
        break;
    }
}

static void wait_again(struct kerf_provisioner *provisioner)
{
    provisioner->state = WAITING;
    if (provisioner->armed)
        open_window(provisioner);
}

static bool pod_wants_place(const struct kerf_cluster *cluster, kerf_pod_id id)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, id);
    return pod && kerf_pod_is_provisionable(&pod->pod);
}

static bool node_is_disrupted(const struct kerf_provisioner *provisioner, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(provisioner->world->cluster, id);
    if (!node || !node->has_node)
        return false;
    for (size_t i = 0; i < node->node.taints.count; i++)
        if (node->node.taints.items[i].key == provisioner->world->vocabulary->key_disrupted)
            return true;
    return false;
}

static void start_repeating(struct kerf_provisioner *provisioner, uint64_t key)
{
    trigger(provisioner, key);
    if (kerf_id_map_get(&provisioner->repeating, key) != KERF_NOT_FOUND)
        return;
    kerf_id_map_put(&provisioner->repeating, key, 1);
    kerf_world_schedule(provisioner->world, kerf_world_now(provisioner->world) + TRIGGER_REPEAT_US, KERF_EVENT_PROVISIONER_TRIGGER, key, 0);
}

static void on_trigger(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_provisioner *provisioner = context;
    uint64_t key = event->subject;
    uint32_t index = (uint32_t)(key >> 1);
    bool wanted = key & 1 ? node_is_disrupted(provisioner, (kerf_node_id){ index })
                          : pod_wants_place(provisioner->world->cluster, (kerf_pod_id){ index });
    kerf_id_map_remove(&provisioner->repeating, key);
    if (wanted)
        start_repeating(provisioner, key);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_provisioner *provisioner = context;
    if (change->kind == KERF_CHANGE_POD_UNSCHEDULABLE) {
        if (pod_wants_place(cluster, change->pod))
            start_repeating(provisioner, POD_KEY(change->pod));
    } else if (change->kind == KERF_CHANGE_NODE_CHANGED) {
        if (node_is_disrupted(provisioner, change->node))
            start_repeating(provisioner, NODE_KEY(change->node));
    }
}

/* ---- the pass ---------------------------------------------------------------------------------------------------------------------- */

static void on_window_end(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)event;
    struct kerf_provisioner *provisioner = context;
    struct kerf_world *world = provisioner->world;
    const struct kerf_karpenter_settings *karpenter = &world->design->karpenter;
    kerf_engine_cancel(engine, provisioner->idle_timer);
    kerf_engine_cancel(engine, provisioner->max_timer);
    kerf_id_map_clear(&provisioner->keys);
    if (!kerf_claims_are_synced(world->cluster)) {
        wait_again(provisioner);
        return;
    }
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    const kerf_pod_id *pods;
    size_t pod_count;
    const struct kerf_plan_refusal *refusals;
    size_t refusal_count;
    kerf_time_us epoch_us = kerf_world_epoch_now(world);
    kerf_provisioning_collect_pods(world->cluster, epoch_us, &scratch, &pods, &pod_count, &refusals, &refusal_count);
    if (pod_count > 0) {
        double pods_per_second = world->design->timings.provisioner_pods_per_second;
        struct kerf_provisioning_input input = {
            .cluster = world->cluster,
            .cache = kerf_world_provisioning_cache(world),
            .pods = pods,
            .pod_count = pod_count,
            .omit_reasons = true,
            .options = {
                .engine = karpenter->packed_planner ? KERF_ENGINE_PACKED : KERF_ENGINE_FAST,
                .packing_steps = PACKING_STEPS,
                .preference_policy = karpenter->ignore_preferences ? KERF_PREFERENCES_IGNORE : KERF_PREFERENCES_RESPECT,
                .min_values_policy = karpenter->best_effort_min_values ? KERF_MIN_VALUES_BEST_EFFORT : KERF_MIN_VALUES_STRICT,
                .now_epoch_us = epoch_us,
                .draw_ties = true,
                .tie_seed = kerf_hash_mix(world->seed, world->replication),
                .attempt_limit = (uint64_t)(pods_per_second * (double)SOLVE_LIMIT_US / (double)KERF_SECOND_US),
            },
        };
        provisioner->plan = kerf_provisioning_plan(&input);
        kerf_time_us compute_us = kerf_time_of_seconds((double)provisioner->plan->attempts / pods_per_second);
        provisioner->state = IN_PASS;
        kerf_world_schedule(world, kerf_engine_now(engine) + kerf_min_i64(compute_us, SOLVE_LIMIT_US), KERF_EVENT_PROVISIONER_DONE, 0, 0);
    } else {
        wait_again(provisioner);
    }
    kerf_arena_fini(&scratch);
}

static void on_pass_done(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    struct kerf_provisioner *provisioner = context;
    struct kerf_world *world = provisioner->world;
    struct kerf_plan *plan = provisioner->plan;
    provisioner->plan = NULL;
    kerf_nominate_placements(world, plan->existing, plan->existing_count);
    for (size_t i = 0; i < plan->claim_count; i++) {
        kerf_node_id node;
        (void)kerf_claim_create(world, &plan->claims[i], &node); /* a NodePool over its limit creates nothing; the pods come back */
    }
    kerf_plan_free(plan);
    wait_again(provisioner);
}

struct kerf_provisioner *kerf_provisioner_new(struct kerf_world *world)
{
    struct kerf_provisioner *provisioner = kerf_allocate(sizeof *provisioner);
    provisioner->world = world;
    kerf_cluster_listen(world->cluster, on_change, provisioner);
    kerf_engine_handle(world->engine, KERF_EVENT_PROVISIONER_TRIGGER, on_trigger, provisioner);
    kerf_engine_handle(world->engine, KERF_EVENT_PROVISIONER_WINDOW, on_window_end, provisioner);
    kerf_engine_handle(world->engine, KERF_EVENT_PROVISIONER_DONE, on_pass_done, provisioner);
    return provisioner;
}

void kerf_provisioner_free(struct kerf_provisioner *provisioner)
{
    if (!provisioner)
        return;
    kerf_id_map_fini(&provisioner->keys);
    kerf_id_map_fini(&provisioner->repeating);
    kerf_plan_free(provisioner->plan);
    free(provisioner);
}
