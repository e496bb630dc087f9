/**
 * The VPC resource controller: security groups for pods (vpc-cni.md 6). A pod that asks for vpc.amazonaws.com/pod-eni gets an interface of
 * its own, a branch of the node's trunk, with one address of the trunk's subnet. None is kept warm. After its pod's end it cools down; those
 * of a node that is gone are deleted a minute later.
 *
 * Simplified: creating a branch takes as long as assigning an address, and its calls count against no budget.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

#define FAILED_RETRY_US (30 * KERF_MINUTE_US) /* the controller drops a pod after five quick tries and meets it again at its resync */
#define NODE_GONE_US KERF_MINUTE_US

struct pod_branch {
    kerf_node_id node;
    uint32_t address;
    bool held;
    kerf_event_handle next; /* the next try, or EC2's answer */
};

struct node_branches {
    struct kerf_vpc_branches queue;
    kerf_event_handle due; /* the next deletion */
};

/** A branch whose node is gone. */
struct orphan {
    kerf_time_us due_us;
    uint32_t subnet;
    uint32_t address;
};

struct kerf_branches {
    struct kerf_world *world;
    struct kerf_books pods;
    struct kerf_books nodes;
    struct orphan *orphans; /* in order of deletion, from orphan_first on */
    size_t orphan_first, orphan_count, orphan_capacity;
    int64_t held;
};

bool kerf_pod_has_branch(const struct kerf_world *world, const struct kerf_cluster_pod *pod)
{
    return world->design->cni.pod_eni && pod->pod.spec->requests.amounts[KERF_RESOURCE_POD_ENI] > 0 && !pod->pod.spec->host_network;
}

uint32_t kerf_branch_subnet(const struct kerf_cluster_node *node)
{
    const struct kerf_vpc_pool_options *options = &node->network->options;
    return options->settings.custom_networking ? options->eni_subnet : options->primary_subnet;
}

static struct node_branches *open_node(struct kerf_branches *branches, const struct kerf_cluster_node *node)
{
    struct node_branches *books = kerf_books_find(&branches->nodes, node->id.index);
    if (books)
        return books;
    books = kerf_books_open(&branches->nodes, node->id.index);
    books->queue = (struct kerf_vpc_branches){
        .limit = (int32_t)kerf_catalog_facts(branches->world->design->catalog, node->type_index)->branch_enis,
        .cooldown_us = KERF_BRANCH_COOLDOWN_US,
    };
    return books;
}

static void return_address(struct kerf_branches *branches, uint32_t subnet, uint32_t address)
{
    kerf_vpc_subnet_release(branches->world->network.subnets[subnet], address);
    branches->held--;
    kerf_subnet_notify(branches->world, subnet);
}

/* ---- pods ------------------------------------------------------------------------------------------------------------------------- */

static void try_again(struct kerf_branches *branches, struct pod_branch *books, kerf_pod_id id, kerf_time_us in_us)
{
    books->next = kerf_world_schedule(branches->world, kerf_world_now(branches->world) + in_us, KERF_EVENT_BRANCH_POD, id.index, 0);
}

static void create(struct kerf_branches *branches, const struct kerf_cluster_pod *pod, const struct kerf_cluster_node *node)
{
    struct kerf_world *world = branches->world;
    struct pod_branch *books = kerf_books_open(&branches->pods, pod->id.index);
    books->node = node->id;
    if (!node->network->trunk_attached) {
        try_again(branches, books, pod->id, world->design->timings.sandbox_retry_us);
        return;
    }
    struct node_branches *of_node = open_node(branches, node);
    if (!kerf_vpc_branches_arrive(&of_node->queue)) { /* those in use and those cooling down are all that the type carries */
        try_again(branches, books, pod->id, KERF_BRANCH_COOLDOWN_US);
        return;
    }
    uint32_t subnet = kerf_branch_subnet(node);
    if (!kerf_vpc_ec2_launch(&world->network, subnet, &books->address)) { /* BranchAllocationFailed */
        of_node->queue.in_use--;
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SUBNET_EXHAUSTED, .node = node->id, .pod = pod->id, .detail = subnet });
        kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_POD_WITHOUT_ADDRESS, .node = node->id, .pod = pod->id });
        try_again(branches, books, pod->id, FAILED_RETRY_US);
        return;
    }
    books->held = true;
    branches->held++;
    kerf_subnet_notify(world, subnet);
    books->next = kerf_world_schedule(world, kerf_world_now(world) + world->design->timings.address_assign_us, KERF_EVENT_BRANCH_CREATED,
                                      pod->id.index, 0);
}

static const struct kerf_cluster_pod *living_pod(const struct kerf_branches *branches, const struct kerf_event *event)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(branches->world->cluster, (kerf_pod_id){ (uint32_t)event->subject });
    return pod && !kerf_pod_is_terminating(&pod->pod) && !kerf_pod_is_terminal(&pod->pod) ? pod : NULL;
}

static void on_pod(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_branches *branches = context;
    const struct kerf_cluster_pod *pod = living_pod(branches, event);
    const struct kerf_cluster_node *node = pod ? kerf_cluster_node(branches->world->cluster, pod->node) : NULL;
    if (node && node->network)
        create(branches, pod, node);
}

static void on_created(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_branches *branches = context;
    const struct kerf_cluster_pod *pod = living_pod(branches, event);
    if (pod)
        kerf_cluster_set_pod_addressed(branches->world->cluster, pod->id);
}

static void schedule_deletion(struct kerf_branches *branches, struct node_branches *books, kerf_node_id node)
{
    kerf_engine_cancel(branches->world->engine, books->due);
    kerf_time_us due_us = kerf_vpc_branches_due(&books->queue);
    if (due_us != KERF_TIME_NEVER)
        books->due = kerf_world_schedule(branches->world, due_us, KERF_EVENT_BRANCH_DELETED, node.index, 0);
}

static void leave(struct kerf_branches *branches, kerf_pod_id id)
{
    struct pod_branch *books = kerf_books_find(&branches->pods, id.index);
    if (!books)
        return;
    kerf_engine_cancel(branches->world->engine, books->next);
    struct node_branches *of_node = books->held ? kerf_books_find(&branches->nodes, books->node.index) : NULL;
    if (of_node) {
        kerf_vpc_branches_leave(&of_node->queue, kerf_world_now(branches->world), books->address);
        schedule_deletion(branches, of_node, books->node);
    }
    kerf_books_drop(&branches->pods, id.index);
}

/* ---- deletion --------------------------------------------------------------------------------------------------------------------- */

static void orphan(struct kerf_branches *branches, uint32_t subnet, uint32_t address)
{
    if (branches->orphan_first + branches->orphan_count == branches->orphan_capacity) {
        if (branches->orphan_first > 0)
            memmove(branches->orphans, branches->orphans + branches->orphan_first, branches->orphan_count * sizeof *branches->orphans);
        else
            branches->orphans = kerf_vec_grow(branches->orphans, &branches->orphan_capacity, sizeof *branches->orphans);
        branches->orphan_first = 0;
    }
    branches->orphans[branches->orphan_first + branches->orphan_count++] =
        (struct orphan){ kerf_world_now(branches->world) + NODE_GONE_US, subnet, address };
}

/** The instance ends, with its trunk: what its branches hold is returned a minute later. */
static void end_node(struct kerf_branches *branches, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(branches->world->cluster, id);
    struct node_branches *books = kerf_books_find(&branches->nodes, id.index);
    if (!books)
        return;
    uint32_t subnet = kerf_branch_subnet(node), address;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        struct pod_branch *of_pod = kerf_books_find(&branches->pods, node->pods[i].index);
        if (!of_pod || !of_pod->held)
            continue;
        of_pod->held = false;
        orphan(branches, subnet, of_pod->address);
    }
    while (kerf_vpc_branches_delete(&books->queue, KERF_TIME_NEVER - 1, &address))
        orphan(branches, subnet, address);
    kerf_engine_cancel(branches->world->engine, books->due);
    kerf_vpc_branches_fini(&books->queue);
    kerf_books_drop(&branches->nodes, id.index);
    kerf_world_schedule(branches->world, kerf_world_now(branches->world) + NODE_GONE_US, KERF_EVENT_BRANCH_DELETED, KERF_NO_NODE.index, 0);
}

static void on_deleted(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_branches *branches = context;
    kerf_time_us now_us = kerf_engine_now(engine);
    for (; branches->orphan_count > 0 && branches->orphans[branches->orphan_first].due_us <= now_us; branches->orphan_count--) {
        const struct orphan *first = &branches->orphans[branches->orphan_first++];
        return_address(branches, first->subnet, first->address);
    }
    kerf_node_id id = { (uint32_t)event->subject };
    struct node_branches *books = kerf_books_find(&branches->nodes, id.index);
    if (!books)
        return;
    uint32_t subnet = kerf_branch_subnet(kerf_cluster_node(branches->world->cluster, id)), address;
    while (kerf_vpc_branches_delete(&books->queue, now_us, &address))
        return_address(branches, subnet, address);
    schedule_deletion(branches, books, id);
}

/* ---- the controller --------------------------------------------------------------------------------------------------------------- */

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_branches *branches = context;
    switch (change->kind) {
    case KERF_CHANGE_POD_BOUND: {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, change->pod);
        if (kerf_pod_has_branch(branches->world, pod))
            kerf_world_schedule(branches->world, kerf_world_now(branches->world), KERF_EVENT_BRANCH_POD, change->pod.index, 0);
        break;
    }
    case KERF_CHANGE_POD_REMOVED:
    case KERF_CHANGE_POD_FINISHED:
        leave(branches, change->pod);
        break;
    default:
        break;
    }
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    if (notice->kind == KERF_NOTICE_INSTANCE_ENDED)
        end_node(context, notice->node);
}

int64_t kerf_branches_held(const struct kerf_branches *branches) { return branches ? branches->held : 0; }

struct kerf_branches *kerf_branches_new(struct kerf_world *world)
{
    struct kerf_branches *branches = kerf_allocate(sizeof *branches);
    branches->world = world;
    kerf_books_init(&branches->pods, sizeof(struct pod_branch));
    kerf_books_init(&branches->nodes, sizeof(struct node_branches));
    kerf_cluster_listen(world->cluster, on_change, branches);
    kerf_world_listen(world, on_notice, branches);
    kerf_engine_handle(world->engine, KERF_EVENT_BRANCH_POD, on_pod, branches);
    kerf_engine_handle(world->engine, KERF_EVENT_BRANCH_CREATED, on_created, branches);
    kerf_engine_handle(world->engine, KERF_EVENT_BRANCH_DELETED, on_deleted, branches);
    return branches;
}

void kerf_branches_free(struct kerf_branches *branches)
{
    if (!branches)
        return;
    for (uint32_t i = 0; i < branches->nodes.row_count; i++)
        kerf_vpc_branches_fini(&((struct node_branches *)(void *)branches->nodes.rows)[i].queue);
    kerf_books_fini(&branches->pods);
    kerf_books_fini(&branches->nodes);
    free(branches->orphans);
    free(branches);
}
