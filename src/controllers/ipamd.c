/**
 * ipamd: the CNI of each node in time (vpc-cni.md 2 and 3): its loop, EC2's calls under the account's budget and with their latencies,
 * pods that get an address or wait for one, and the node that is ready only when its CNI works.
 *
 * A pod without an address asks again and again; that is acted out only when its node has got something to give, and counted all the same.
 *
 * Simplified: the kubelet's while between two tries is fixed; with security groups for pods the trunk comes when the CNI works.
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
    kerf_time_us tried_us; /* the last try that is counted, after `told` */
    kerf_event_handle retry;
};

#define TRUNK_RETRY_US KERF_MINUTE_US /* ipamd asks in every pass; the refusals of a minute are told as one */
#define TRIES_COUNTED_LATE 25 /* while nothing changes, so many tries of a pod are counted at once */

struct kerf_ipamd {
    struct kerf_world *world;
    struct kerf_books nodes;
    struct kerf_books pods;
    struct kerf_token_bucket calls; /* of the account and region */
};

/** A pod on the host network has its node's address; one with a branch interface gets its own from elsewhere. */
static bool asks_ipamd(const struct kerf_world *world, const struct kerf_cluster_pod *pod)
{
    return !pod->pod.spec->host_network && !kerf_pod_has_branch(world, pod);
}

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

/** Counts the tries up to now, which found nothing since nothing had changed. */
static void count_tries(struct kerf_world *world, struct pod_network *books, kerf_pod_id id, int64_t tries)
{
    if (tries > 0)
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SANDBOX_FAILED, .node = books->node, .pod = id, .value = tries });
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
    kerf_time_us now_us = kerf_world_now(world), retry_us = world->design->timings.sandbox_retry_us;
    books->node = node->id;
    bool placed = kerf_vpc_pool_pod_arrives(node->network, now_us, &books->address);
    schedule_loop(ipamd, node);
    int64_t tries = books->told ? (now_us - books->tried_us) / retry_us - (placed ? 1 : 0) : !placed;
    count_tries(world, books, id, tries);
    books->tried_us = now_us;
    if (placed) {
        books->has_address = true;
        kerf_cluster_set_pod_addressed(world->cluster, id);
        return;
    }
    if (!books->told) {
        books->told = true;
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_POD_WITHOUT_ADDRESS, .node = node->id, .pod = id });
    }
    kerf_time_us cooled_us = kerf_vpc_pool_cooling_until(node->network);
    kerf_time_us tries_to_cooled = cooled_us == KERF_TIME_NEVER ? TRIES_COUNTED_LATE : (cooled_us - now_us + retry_us - 1) / retry_us;
    tries = kerf_max_i64(1, kerf_min_i64(tries_to_cooled, TRIES_COUNTED_LATE));
    books->retry = kerf_world_schedule(world, now_us + tries * retry_us, KERF_EVENT_IPAMD_POD, id.index, 0);
}

/** The node has something to give from that moment on: its waiting pods act out the first try after it. */
static void wake_waiting(struct kerf_ipamd *ipamd, const struct kerf_cluster_node *node, kerf_time_us from_us)
{
    struct kerf_world *world = ipamd->world;
    kerf_time_us retry_us = world->design->timings.sandbox_retry_us;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        struct pod_network *books = kerf_books_find(&ipamd->pods, node->pods[i].index);
        if (!books || books->has_address || !kerf_engine_is_scheduled(world->engine, books->retry))
            continue;
        kerf_time_us tries = kerf_max_i64(1, (from_us - books->tried_us + retry_us - 1) / retry_us);
        if (tries >= TRIES_COUNTED_LATE)
            continue;
        kerf_engine_cancel(world->engine, books->retry);
        books->retry = kerf_world_schedule(world, kerf_max_i64(kerf_world_now(world), books->tried_us + tries * retry_us), KERF_EVENT_IPAMD_POD,
                                           node->pods[i].index, 0);
    }
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
        wake_waiting(ipamd, node, kerf_vpc_pool_cooling_until(node->network));
    } else if (books->told && !books->has_address) {
        count_tries(world, books, id, (kerf_world_now(world) - books->tried_us) / world->design->timings.sandbox_retry_us);
    }
    kerf_books_drop(&ipamd->pods, id.index);
}

/* ---- the loop ---------------------------------------------------------------------------------------------------------------------- */

static kerf_time_us latency_of(const struct kerf_timings *timings, enum kerf_vpc_action_kind kind)
{
    return kind == KERF_VPC_CREATE_ENI || kind == KERF_VPC_FREE_ENI ? timings->eni_attach_us : timings->address_assign_us;
}

/** The VPC resource controller: with security groups for pods each node that can has a trunk, in the subnet of its other interfaces. */
static void attach_trunk(struct kerf_world *world, const struct kerf_cluster_node *node)
{
    struct kerf_vpc_pool *pool = node->network;
    if (!kerf_vpc_pool_wants_trunk(pool))
        return;
    uint32_t subnet = kerf_branch_subnet(node);
    uint32_t address;
    if (!kerf_vpc_ec2_launch(&world->network, subnet, &address)) {
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SUBNET_EXHAUSTED, .node = node->id, .pod = KERF_NO_POD,
                                                       .detail = subnet });
        kerf_world_schedule(world, kerf_world_now(world) + TRUNK_RETRY_US, KERF_EVENT_IPAMD_TRUNK, node->id.index, 0);
        return;
    }
    kerf_vpc_pool_attach_trunk(pool, kerf_world_now(world), subnet, address);
    kerf_subnet_notify(world, subnet);
    struct kerf_node changed = node->node;
    int64_t branches = 1000 * kerf_catalog_facts(world->design->catalog, node->type_index)->branch_enis; /* in thousandths */
    kerf_resources_set(&changed.capacity, KERF_RESOURCE_POD_ENI, branches);
    kerf_resources_set(&changed.allocatable, KERF_RESOURCE_POD_ENI, branches);
    kerf_cluster_update_node(world->cluster, node->id, &changed);
}

static void on_trunk(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_ipamd *ipamd = context;
    const struct kerf_cluster_node *node = kerf_cluster_node(ipamd->world->cluster, (kerf_node_id){ (uint32_t)event->subject });
    if (node && node->network && kerf_books_find(&ipamd->nodes, node->id.index))
        attach_trunk(ipamd->world, node);
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
        uint32_t subnet = action->subnet == KERF_NOT_FOUND ? node->subnet_index : action->subnet; /* no ENIConfig: EC2 is asked all the same */
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_EC2_CALL, .node = node->id, .pod = KERF_NO_POD,
                                                       .detail = subnet, .value = call_us - now_us });
        books->answer = kerf_world_schedule(world, call_us + latency_of(&world->design->timings, action->kind), KERF_EVENT_IPAMD_ANSWER,
                                            node->id.index, 0);
        return;
    }
    bool starts = node->network->state == KERF_POOL_RUNNING && !books->serving;
    if (starts) {
        books->serving = true;
        attach_trunk(world, node);
        kerf_cluster_set_node_condition(world->cluster, node->id, "NetworkingReady", KERF_CONDITION_TRUE);
    }
    for (uint32_t i = 0; starts && i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (asks_ipamd(world, pod) && !pod->addressed && !kerf_pod_is_terminating(&pod->pod))
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
    bool addresses = result.code == KERF_VPC_EC2_INSUFFICIENT_FREE_ADDRESSES;
    bool unrecognised = result.code == KERF_VPC_EC2_OTHER && action.mode == KERF_IP_PREFIX && world->network.habits.unrecognised_shortage;
    if (addresses || unrecognised || result.code == KERF_VPC_EC2_INSUFFICIENT_CIDR_BLOCKS) {
        kerf_world_notify(world, (struct kerf_notice){ .kind = addresses ? KERF_NOTICE_SUBNET_EXHAUSTED : KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED,
                                                       .node = node->id, .pod = KERF_NO_POD, .detail = action.subnet });
    }
    if (result.subnet != KERF_NOT_FOUND)
        kerf_subnet_notify(world, result.subnet);
    if (result.slot_count > 0)
        wake_waiting(ipamd, node, kerf_engine_now(engine));
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

/** A cordoned node's pool neither grows nor gives up interfaces (vpc-cni.md 2). */
static void note_cordon(struct kerf_ipamd *ipamd, const struct kerf_cluster_node *node)
{
    if (!node || !node->network || node->network->cordoned == node->node.unschedulable)
        return;
    node->network->cordoned = node->node.unschedulable;
    schedule_loop(ipamd, node);
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
    case KERF_CHANGE_NODE_CHANGED:
        note_cordon(ipamd, kerf_cluster_node(cluster, change->node));
        break;
    case KERF_CHANGE_POD_BOUND: {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, change->node);
        if (node && node->network && asks_ipamd(world, pod))
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
    kerf_engine_handle(world->engine, KERF_EVENT_IPAMD_TRUNK, on_trunk, ipamd);
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
