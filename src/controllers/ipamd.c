/**
 * ipamd: the CNI of each node in time (vpc-cni.md 2 and 3): its loop, EC2's calls under the account's budget and with their latencies,
 * pods that get an address or wait for one, and the node that is ready only when its CNI works.
 *
 * Simplified: subnets of pods are the node's own; a pod that gets no address asks again after a fixed while.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

struct node_network {
    kerf_event_handle loop;   /* the loop's next pass, or the retry of a call */
    kerf_event_handle answer; /* EC2's answer under way */
    bool serving;             /* initialised: pods may ask */
};

struct pod_network {
    struct kerf_pod_address address;
    kerf_node_id node;
    bool has_address;
    bool told; /* that it found none: once a pod */
    kerf_event_handle retry;
};

struct kerf_ipamd {
    struct kerf_world *world;
    struct kerf_books nodes;
    struct kerf_books pods;
    struct kerf_token_bucket calls; /* of the account and region */
};

/* ---- pods -------------------------------------------------------------------------------------------------------------------------- */

/** The loop may have something to do sooner than it thought: a pod came or went. */
static void schedule_loop(struct kerf_ipamd *ipamd, const struct kerf_cluster_node *node)
{
    struct kerf_world *world = ipamd->world;
    struct node_network *books = kerf_books_find(&ipamd->nodes, node->id.index);
    if (!books || !books->serving || kerf_engine_is_scheduled(world->engine, books->answer))
        return;
    kerf_engine_cancel(world->engine, books->loop);
    kerf_time_us at_us = kerf_vpc_pool_wake(node->network);
    if (at_us == KERF_TIME_NEVER)
        return;
    at_us = kerf_max_i64(at_us, kerf_world_now(world));
    books->loop = kerf_world_schedule(world, at_us, KERF_EVENT_IPAMD_LOOP, node->id.index, 0);
}

static void ask_for_address(struct kerf_ipamd *ipamd, kerf_pod_id id)
{
    struct kerf_world *world = ipamd->world;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, id);
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, pod->node);
    struct pod_network *books = kerf_books_open(&ipamd->pods, id.index);
    struct node_network *node_books = kerf_books_find(&ipamd->nodes, node->id.index);
    if (!node->network || !node_books || !node_books->serving || books->has_address || kerf_engine_is_scheduled(world->engine, books->retry))
        return;
    books->node = node->id;
    if (kerf_vpc_pool_pod_arrives(node->network, kerf_world_now(world), &books->address)) {
        books->has_address = true;
        schedule_loop(ipamd, node);
        kerf_cluster_set_pod_addressed(world->cluster, id);
        return;
    }
    schedule_loop(ipamd, node);
    if (!books->told) {
        books->told = true;
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_POD_WITHOUT_ADDRESS, .node = node->id, .pod = id });
    }
    books->retry = kerf_world_schedule(world, kerf_world_now(world) + world->design->timings.sandbox_retry_us, KERF_EVENT_IPAMD_POD, id.index, 0);
}

static void on_pod(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_ipamd *ipamd = context;
    kerf_pod_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(ipamd->world->cluster, id);
    if (pod && !kerf_pod_is_terminating(&pod->pod) && !kerf_pod_is_terminal(&pod->pod))
        ask_for_address(ipamd, id);
}

static void leave(struct kerf_ipamd *ipamd, kerf_pod_id id)
{
    struct kerf_world *world = ipamd->world;
    struct pod_network *books = kerf_books_find(&ipamd->pods, id.index);
    if (!books)
        return;
    kerf_engine_cancel(world->engine, books->retry);
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, books->node);
    if (node && node->network && books->has_address) {
        kerf_vpc_pool_pod_leaves(node->network, kerf_world_now(world), books->address);
        schedule_loop(ipamd, node);
    }
    kerf_books_drop(&ipamd->pods, id.index);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------------------------- */

static kerf_time_us latency_of(const struct kerf_timings *timings, enum kerf_vpc_action_kind kind)
{
    return kind == KERF_VPC_CREATE_ENI || kind == KERF_VPC_FREE_ENI ? timings->eni_attach_us : timings->address_assign_us;
}

/** Steps the pool until it waits for EC2 or its pass is over. */
static void run_loop(struct kerf_ipamd *ipamd, const struct kerf_cluster_node *node)
{
    struct kerf_world *world = ipamd->world;
    struct node_network *books = kerf_books_find(&ipamd->nodes, node->id.index);
    kerf_time_us now_us = kerf_world_now(world);
    const struct kerf_vpc_action *action = kerf_vpc_pool_step(node->network, now_us);
    if (action->kind != KERF_VPC_NOTHING) {
        /* A call beyond the account's budget is throttled: the client waits and asks again, which a later answer stands for. */
        kerf_time_us call_us = kerf_token_bucket_next(&ipamd->calls, now_us);
        ipamd->calls.tokens -= 1.0;
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EC2_CALL, .node = node->id, .pod = KERF_NO_POD, .detail = action->subnet });
        books->answer = kerf_world_schedule(world, call_us + latency_of(&world->design->timings, action->kind), KERF_EVENT_IPAMD_ANSWER,
                                            node->id.index, 0);
        return;
    }
    bool starts = node->network->state == KERF_POOL_RUNNING && !books->serving;
    if (starts) {
        books->serving = true;
        kerf_cluster_set_node_condition(world->cluster, node->id, "NetworkingReady", KERF_CONDITION_TRUE);
    }
    for (uint32_t i = 0; starts && i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (!pod->pod.spec->host_network && !pod->addressed && !kerf_pod_is_terminating(&pod->pod))
            ask_for_address(ipamd, pod->id);
    }
    if (node->network->state == KERF_POOL_FAILED) { /* the container exits and is started again */
        kerf_vpc_pool_restart(node->network, now_us);
        books->loop = kerf_world_schedule(world, now_us + 10 * KERF_SECOND_US, KERF_EVENT_IPAMD_LOOP, node->id.index, 0);
        return;
    }
    schedule_loop(ipamd, node);
}

static void on_loop(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_ipamd *ipamd = context;
    const struct kerf_cluster_node *node = kerf_cluster_node(ipamd->world->cluster, (kerf_node_id){ (uint32_t)event->subject });
    if (!node || !node->network)
        return;
    kerf_time_us now_us = kerf_engine_now(engine);
    if (node->network->state == KERF_POOL_RUNNING && node->network->next_loop_us < now_us)
        kerf_vpc_pool_skip_to(node->network, now_us);
    if (node->network->state == KERF_POOL_RUNNING && node->network->next_loop_us > now_us) {
        schedule_loop(ipamd, node);
        return;
    }
    run_loop(ipamd, node);
}

static void on_answer(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_ipamd *ipamd = context;
    struct kerf_world *world = ipamd->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, (kerf_node_id){ (uint32_t)event->subject });
    if (!node || !node->network)
        return;
    struct kerf_vpc_action action = node->network->pass.action;
    struct kerf_vpc_result result = { 0 };
    kerf_vpc_ec2_perform(&world->network, &action, &result);
    kerf_vpc_pool_apply(node->network, kerf_engine_now(engine), &result);
    if (result.code != KERF_VPC_EC2_OK && (action.kind == KERF_VPC_CREATE_ENI || action.kind == KERF_VPC_ASSIGN))
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SUBNET_EXHAUSTED, .node = node->id, .pod = KERF_NO_POD,
                                                       .detail = action.subnet });
    kerf_subnet_notify(world, action.subnet);
    run_loop(ipamd, node);
}

/* ---- nodes -------------------------------------------------------------------------------------------------------------------------- */

static void start_node(struct kerf_ipamd *ipamd, kerf_node_id id)
{
    struct kerf_world *world = ipamd->world;
    struct node_network *books = kerf_books_open(&ipamd->nodes, id.index);
    books->loop = kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_IPAMD_LOOP, id.index, 0);
}

/** Interface and instance are one to EC2: what ends is given back by whoever ends it. */
static void stop_node(struct kerf_ipamd *ipamd, kerf_node_id id)
{
    struct node_network *books = kerf_books_find(&ipamd->nodes, id.index);
    if (!books)
        return;
    kerf_engine_cancel(ipamd->world->engine, books->loop);
    kerf_engine_cancel(ipamd->world->engine, books->answer);
    kerf_books_drop(&ipamd->nodes, id.index);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_ipamd *ipamd = context;
    struct kerf_world *world = ipamd->world;
    switch (change->kind) {
    case KERF_CHANGE_NODE_ADDED:
        kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_IPAMD_NODE, change->node.index, 0);
        break;
    case KERF_CHANGE_NODE_REMOVED:
        stop_node(ipamd, change->node);
        break;
    case KERF_CHANGE_POD_BOUND: {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, change->node);
        if (node && node->network && !pod->pod.spec->host_network)
            kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_IPAMD_POD, change->pod.index, 0);
        break;
    }
    case KERF_CHANGE_POD_REMOVED:
    case KERF_CHANGE_POD_FINISHED:
        leave(ipamd, change->pod);
        break;
    default:
        break;
    }
}

/** A node's pool exists when the instance was launched into a subnet; groups make it just after their node appears. */
static void on_node(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_ipamd *ipamd = context;
    const struct kerf_cluster_node *node = kerf_cluster_node(ipamd->world->cluster, (kerf_node_id){ (uint32_t)event->subject });
    if (node && node->network)
        start_node(ipamd, node->id);
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_ipamd *ipamd = context;
    if (notice->kind == KERF_NOTICE_INSTANCE_ENDED)
        stop_node(ipamd, notice->node);
}

struct kerf_ipamd *kerf_ipamd_new(struct kerf_world *world)
{
    struct kerf_ipamd *ipamd = kerf_allocate(sizeof *ipamd);
    ipamd->world = world;
    kerf_books_init(&ipamd->nodes, sizeof(struct node_network));
    kerf_books_init(&ipamd->pods, sizeof(struct pod_network));
    ipamd->calls = kerf_token_bucket_of(world->design->cloud.ec2_calls_per_second, world->design->cloud.ec2_calls_burst);
    kerf_cluster_listen(world->cluster, on_change, ipamd);
    kerf_world_listen(world, on_notice, ipamd);
    kerf_engine_handle(world->engine, KERF_EVENT_IPAMD_NODE, on_node, ipamd);
    kerf_engine_handle(world->engine, KERF_EVENT_IPAMD_LOOP, on_loop, ipamd);
    kerf_engine_handle(world->engine, KERF_EVENT_IPAMD_ANSWER, on_answer, ipamd);
    kerf_engine_handle(world->engine, KERF_EVENT_IPAMD_POD, on_pod, ipamd);
    return ipamd;
}

void kerf_ipamd_free(struct kerf_ipamd *ipamd)
{
    if (!ipamd)
        return;
    kerf_books_fini(&ipamd->nodes);
    kerf_books_fini(&ipamd->pods);
    free(ipamd);
}
