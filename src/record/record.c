/**
 * What a run tells becomes books: a row a node with its bill, a row a pod with its wait, counts, and step functions of time.
 */
#include "record/record_internal.h"

#include <stdlib.h>

#define UNPLACED_AFTER_US (15 * KERF_MINUTE_US)

static kerf_time_us now_of(const struct kerf_record *record) { return kerf_world_now(record->world); }

struct kerf_record_node *kerf_record_find_node(const struct kerf_record *record, kerf_node_id id)
{
    uint32_t row = kerf_id_map_get(&record->rows_by_node, id.index);
    return row == KERF_NOT_FOUND ? NULL : &record->nodes.items[row];
}

/* ---- tiers ------------------------------------------------------------------------------------------------------------------------- */

static uint32_t tier_of(struct kerf_record *record, const struct kerf_cluster_node *node)
{
    const struct kerf_objects *objects = &record->world->design->objects;
    kerf_name name = node->nodepool_index != KERF_NOT_FOUND    ? objects->nodepools.items[node->nodepool_index].meta.name
                     : node->nodegroup_index != KERF_NOT_FOUND ? objects->nodegroups.items[node->nodegroup_index].meta.name
                                                               : record->world->vocabulary->word_default;
    for (uint32_t i = 0; i < record->tiers.count; i++)
        if (record->tiers.items[i].name == name)
            return i;
    KERF_VEC_PUSH(&record->tiers, (struct kerf_record_tier){ .name = name });
    return (uint32_t)record->tiers.count - 1;
}

/** Every pool and group has its line, also one that never had a node. */
static void open_tiers(struct kerf_record *record)
{
    const struct kerf_objects *objects = &record->world->design->objects;
    for (size_t i = 0; i < objects->nodegroups.count; i++)
        KERF_VEC_PUSH(&record->tiers, (struct kerf_record_tier){ .name = objects->nodegroups.items[i].meta.name });
    for (size_t i = 0; i < objects->nodepools.count; i++)
        KERF_VEC_PUSH(&record->tiers, (struct kerf_record_tier){ .name = objects->nodepools.items[i].meta.name });
}

/* ---- nodes -------------------------------------------------------------------------------------------------------------------------- */

static struct kerf_record_node *open_node(struct kerf_record *record, const struct kerf_cluster_node *node)
{
    struct kerf_record_node row = {
        .id = node->id,
        .name = node->has_claim ? node->claim.meta.name : node->node.meta.name,
        .type_index = KERF_NOT_FOUND,
        .created_us = now_of(record),
        .launched_us = KERF_TIME_NEVER,
        .added_us = KERF_TIME_NEVER,
        .ready_us = KERF_TIME_NEVER,
    };
    kerf_id_map_put(&record->rows_by_node, node->id.index, (uint32_t)record->nodes.count);
    KERF_VEC_PUSH(&record->nodes, row);
    return &record->nodes.items[record->nodes.count - 1];
}

static void close_node(struct kerf_record *record, kerf_node_id id)
{
    uint32_t row = kerf_id_map_get(&record->rows_by_node, id.index);
    if (row == KERF_NOT_FOUND)
        return;
    kerf_id_map_remove(&record->rows_by_node, id.index);
    struct kerf_record_node *last = &record->nodes.items[--record->nodes.count];
    if (row != record->nodes.count) {
        record->nodes.items[row] = *last;
        kerf_id_map_put(&record->rows_by_node, last->id.index, row);
    }
}

static void add_capacity(struct kerf_record *record, const struct kerf_record_node *row, int sign)
{
    kerf_time_us now_us = now_of(record);
    int64_t vcpus = kerf_catalog_facts(record->world->design->catalog, row->type_index)->vcpus;
    kerf_time_weighted_set(&record->node_count, now_us, record->node_count.value + sign);
    kerf_time_weighted_set(&record->vcpus, now_us, record->vcpus.value + sign * vcpus);
    record->price_per_hour += sign * row->bill.price_per_hour;
}

static kerf_usd_micros volume_price(const struct kerf_record *record, const struct kerf_cluster_node *node)
{
    const struct kerf_design *design = record->world->design;
    int64_t gigabytes = design->fees.root_volume_gb;
    if (node->nodegroup_index != KERF_NOT_FOUND && design->objects.nodegroups.items[node->nodegroup_index].volume_size_bytes > 0)
        gigabytes = design->objects.nodegroups.items[node->nodegroup_index].volume_size_bytes >> 30;
    if (node->nodeclass_index != KERF_NOT_FOUND) {
        const struct kerf_ec2nodeclass *nodeclass = &design->objects.nodeclasses.items[node->nodeclass_index];
        for (uint32_t i = 0; i < nodeclass->block_device_count; i++)
            if (nodeclass->block_devices[i].volume_size_bytes > 0 && (nodeclass->block_devices[i].root_volume || nodeclass->block_device_count == 1))
                gigabytes = nodeclass->block_devices[i].volume_size_bytes >> 30;
    }
    return gigabytes * design->fees.ebs_gb_month;
}

static void start_instance(struct kerf_record *record, const struct kerf_notice *notice)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(record->world->cluster, notice->node);
    struct kerf_record_node *row = kerf_record_find_node(record, node->id);
    row->launched_us = now_of(record);
    row->type_index = node->type_index;
    row->zone_index = node->zone_index;
    row->capacity_type = node->capacity_type == KERF_CAPACITY_TYPE_COUNT ? KERF_ON_DEMAND : node->capacity_type;
    row->tier = tier_of(record, node);
    row->billed = true;
    kerf_node_bill_open(&row->bill, now_of(record), notice->value, volume_price(record, node));
    record->nodes_launched++;
    add_capacity(record, row, 1);
    kerf_record_note_launch(record, row);
}

struct kerf_cost kerf_record_cost_of(const struct kerf_record *record, const struct kerf_record_node *node)
{
    if (!record->measuring)
        return (struct kerf_cost){ 0 };
    struct kerf_cost cost = kerf_node_bill_at(&node->bill, now_of(record));
    kerf_cost_subtract(&cost, &node->at_warm_up);
    return cost;
}

static void settle(struct kerf_record *record, const struct kerf_record_node *row)
{
    struct kerf_cost cost = kerf_record_cost_of(record, row);
    kerf_cost_add(&record->tiers.items[row->tier].cost, &cost);
    kerf_cost_add(&record->by_capacity_type[row->capacity_type], &cost);
    kerf_record_write_node(record, row);
}

static void end_instance(struct kerf_record *record, kerf_node_id id)
{
    struct kerf_record_node *row = kerf_record_find_node(record, id);
    if (!row || !row->billed || row->bill.closed)
        return;
    add_capacity(record, row, -1);
    if (record->measuring)
        record->churn.nodes_ended++;
    kerf_node_bill_close(&row->bill, now_of(record), row->lost ? KERF_NODE_RECLAIMED : KERF_NODE_TERMINATED);
    settle(record, row);
}

/** Placeholders that only keep room: pods of negative priority. */
static bool is_placeholder(const struct kerf_pod *pod) { return kerf_pod_priority(pod) < 0; }

/** `without`: a pod that is still counted and about to go; NULL: none. */
static void update_use(struct kerf_record *record, kerf_node_id id, const struct kerf_cluster_pod *without)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(record->world->cluster, id);
    struct kerf_record_node *row = kerf_record_find_node(record, id);
    if (!node || !row || !row->billed || row->bill.closed)
        return;
    struct kerf_resources capacity = kerf_cluster_node_capacity(record->world->cluster, node);
    struct kerf_resources allocatable = kerf_cluster_node_allocatable(record->world->cluster, node);
    struct kerf_resources workload = node->requested;
    struct kerf_resources daemonset = node->daemon_requested;
    if (without && !kerf_pod_is_terminal(&without->pod)) {
        kerf_resources_subtract(&workload, without->pod.requests);
        if (without->daemon)
            kerf_resources_subtract(&daemonset, without->pod.requests);
    }
    kerf_resources_subtract(&workload, &daemonset);
    kerf_resources_subtract(&workload, &row->headroom);
    struct kerf_node_use use = {
        .capacity = &capacity,
        .allocatable = &allocatable,
        .workload = &workload,
        .daemonset = &daemonset,
        .headroom = &row->headroom,
    };
    kerf_node_bill_set_use(&row->bill, now_of(record), &use);
}

static void set_phase(struct kerf_record *record, kerf_node_id id, enum kerf_node_phase phase)
{
    struct kerf_record_node *row = kerf_record_find_node(record, id);
    if (row && row->billed && !row->bill.closed && !(row->draining && phase == KERF_NODE_SERVING))
        kerf_node_bill_set_phase(&row->bill, now_of(record), phase);
    if (row && row->billed && phase == KERF_NODE_DRAINING && !row->draining)
        kerf_record_note_drain(record, row);
    if (row)
        row->draining |= phase == KERF_NODE_DRAINING;
}

/* ---- pods ---------------------------------------------------------------------------------------------------------------------------- */

static struct kerf_record_pod *find_pod(const struct kerf_record *record, kerf_pod_id id)
{
    uint32_t row = kerf_id_map_get(&record->rows_by_pod, id.index);
    return row == KERF_NOT_FOUND ? NULL : &record->pods.items[row];
}

static void open_pod(struct kerf_record *record, const struct kerf_cluster_pod *pod)
{
    bool of_workload = !pod->daemon && !is_placeholder(&pod->pod);
    struct kerf_record_pod row = {
        .created_us = now_of(record),
        .bound_us = KERF_TIME_NEVER,
        .of_workload = of_workload,
        .counts = record->measuring && of_workload,
    };
    kerf_record_note_new_pod(record, pod, &row);
    uint32_t index;
    if (record->free_pods.count > 0) {
        index = record->free_pods.items[--record->free_pods.count];
        record->pods.items[index] = row;
    } else {
        index = (uint32_t)record->pods.count;
        KERF_VEC_PUSH(&record->pods, row);
    }
    kerf_id_map_put(&record->rows_by_pod, pod->id.index, index);
}

/** Never bound, and not for want of time: pods that waited less may have had no chance yet. What was created in the warm-up and waits on
 *  counts by the time after it: else a design that places nothing would look like one that places all. */
static void count_unplaced(struct kerf_record *record, const struct kerf_record_pod *pod)
{
    if (!record->measuring || !pod->of_workload || pod->bound_us != KERF_TIME_NEVER)
        return;
    if (now_of(record) - kerf_max_i64(pod->created_us, record->measuring_since_us) >= UNPLACED_AFTER_US)
        record->pods_never_placed++;
}

static void note_stopped(struct kerf_record *record, kerf_pod_id id)
{
    struct kerf_record_pod *pod = find_pod(record, id);
    if (pod && pod->running)
        kerf_time_weighted_set(&record->running_pods, now_of(record), record->running_pods.value - 1);
    if (pod)
        pod->running = false;
}

static void close_pod(struct kerf_record *record, kerf_pod_id id)
{
    uint32_t row = kerf_id_map_get(&record->rows_by_pod, id.index);
    if (row == KERF_NOT_FOUND)
        return;
    note_stopped(record, id);
    count_unplaced(record, &record->pods.items[row]);
    kerf_id_map_remove(&record->rows_by_pod, id.index);
    KERF_VEC_PUSH(&record->free_pods, row);
}

static kerf_time_us overlap(kerf_time_us from, kerf_time_us until, kerf_time_us after, kerf_time_us before)
{
    return kerf_max_i64(0, kerf_min_i64(until, before) - kerf_max_i64(from, after));
}

/** Splits [created, bound] by what the node was doing meanwhile. A node that was ready all the time leaves all of it to the queue. */
static void note_binding(struct kerf_record *record, const struct kerf_change *change)
{
    struct kerf_record_pod *pod = find_pod(record, change->pod);
    const struct kerf_record_node *node = kerf_record_find_node(record, change->node);
    kerf_time_us now_us = now_of(record);
    pod->bound_us = now_us;
    kerf_time_us created_us = pod->created_us;
    if (!node || node->ready_us <= created_us) {
        pod->waited_us[KERF_WAIT_PLAN] = now_us - created_us;
        return;
    }
    pod->waited_us[KERF_WAIT_LAUNCH] = overlap(node->created_us, node->launched_us, created_us, now_us);
    pod->waited_us[KERF_WAIT_BOOT] = overlap(node->launched_us, node->added_us, created_us, now_us);
    pod->waited_us[KERF_WAIT_READY] = overlap(node->added_us, now_us, created_us, now_us);
    pod->waited_us[KERF_WAIT_PLAN] = now_us - created_us - pod->waited_us[KERF_WAIT_LAUNCH] - pod->waited_us[KERF_WAIT_BOOT] -
                                     pod->waited_us[KERF_WAIT_READY];
}

static void note_running(struct kerf_record *record, kerf_pod_id id)
{
    struct kerf_record_pod *pod = find_pod(record, id);
    kerf_time_us now_us = now_of(record);
    pod->running = pod->of_workload;
    pod->running_us = now_us;
    if (pod->of_workload)
        kerf_time_weighted_set(&record->running_pods, now_us, record->running_pods.value + 1);
    if (!pod->counts)
        return;
    pod->waited_us[KERF_WAIT_START] = now_us - pod->bound_us;
    record->pods_started++;
    kerf_quantiles_add(record->wait, now_us - pod->created_us);
    for (int phase = 0; phase < KERF_WAIT_PHASE_COUNT; phase++)
        kerf_quantiles_add(record->wait_by_phase[phase], pod->waited_us[phase]);
}

static void note_headroom(struct kerf_record *record, const struct kerf_change *change, int sign)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(record->world->cluster, change->pod);
    struct kerf_record_node *row = kerf_record_find_node(record, change->node);
    if (!row || !is_placeholder(&pod->pod))
        return;
    if (sign > 0)
        kerf_resources_add(&row->headroom, pod->pod.requests);
    else
        kerf_resources_subtract(&row->headroom, pod->pod.requests);
}

/* ---- what is told ---------------------------------------------------------------------------------------------------------------------- */

static const char *const change_names[KERF_CHANGE_COUNT] = {
    [KERF_CHANGE_CLAIM_ADDED] = "nodeClaimCreated",   [KERF_CHANGE_CLAIM_LAUNCHED] = "nodeClaimLaunched",
    [KERF_CHANGE_NODE_ADDED] = "nodeRegistered",      [KERF_CHANGE_NODE_READY] = "nodeReady",
    [KERF_CHANGE_NODE_NOT_READY] = "nodeNotReady",    [KERF_CHANGE_CLAIM_DELETING] = "nodeDeleting",
    [KERF_CHANGE_NODE_REMOVED] = "nodeRemoved",       [KERF_CHANGE_POD_ADDED] = "podCreated",
    [KERF_CHANGE_POD_BOUND] = "podBound",             [KERF_CHANGE_POD_RUNNING] = "podRunning",
    [KERF_CHANGE_POD_READY] = "podReady",             [KERF_CHANGE_POD_UNSCHEDULABLE] = "podUnschedulable",
    [KERF_CHANGE_POD_TERMINATING] = "podTerminating", [KERF_CHANGE_POD_FINISHED] = "podFinished",
    [KERF_CHANGE_POD_REMOVED] = "podRemoved",
};

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_record *record = context;
    struct kerf_record_node *row;
    kerf_engine_trace(record->world->engine, change->kind, change->node.index, change->pod.index);
    if (record->options.demand)
        kerf_record_log_change(record, change);
    if (change_names[change->kind])
        kerf_record_write_event(record, change_names[change->kind], change->node, change->pod, "");
    switch (change->kind) {
    case KERF_CHANGE_CLAIM_ADDED:
        open_node(record, kerf_cluster_node(cluster, change->node));
        break;
    case KERF_CHANGE_NODE_ADDED:
        row = kerf_record_find_node(record, change->node);
        if (!row)
            row = open_node(record, kerf_cluster_node(cluster, change->node));
        row->added_us = now_of(record);
        break;
    case KERF_CHANGE_NODE_READY:
        kerf_record_find_node(record, change->node)->ready_us = now_of(record);
        set_phase(record, change->node, KERF_NODE_SERVING);
        update_use(record, change->node, NULL);
        break;
    case KERF_CHANGE_CLAIM_DELETING:
        if (kerf_cluster_is_deleted(kerf_cluster_node(cluster, change->node)))
            set_phase(record, change->node, KERF_NODE_DRAINING);
        break;
    case KERF_CHANGE_NODE_REMOVED:
        end_instance(record, change->node);
        close_node(record, change->node);
        break;
    case KERF_CHANGE_POD_ADDED:
        open_pod(record, kerf_cluster_pod(cluster, change->pod));
        break;
    case KERF_CHANGE_POD_BOUND:
        note_binding(record, change);
        note_headroom(record, change, 1);
        update_use(record, change->node, NULL);
        break;
    case KERF_CHANGE_POD_RUNNING:
        note_running(record, change->pod);
        break;
    case KERF_CHANGE_POD_FINISHED:
        note_stopped(record, change->pod);
        note_headroom(record, change, -1);
        update_use(record, change->node, NULL);
        break;
    case KERF_CHANGE_POD_REMOVED:
        if (!kerf_pod_is_terminal(&kerf_cluster_pod(cluster, change->pod)->pod))
            note_headroom(record, change, -1);
        close_pod(record, change->pod);
        update_use(record, change->node, kerf_cluster_pod(cluster, change->pod));
        break;
    default:
        break;
    }
    kerf_time_weighted_set(&record->pending_pods, now_of(record), (int64_t)kerf_cluster_pending_count(cluster));
}

static const char *const notice_names[KERF_NOTICE_COUNT] = {
    [KERF_NOTICE_EVICTED] = "podEvicted",
    [KERF_NOTICE_EVICTION_BLOCKED] = "evictionBlocked",
    [KERF_NOTICE_SPOT_INTERRUPTION] = "spotInterruption",
    [KERF_NOTICE_NODE_LOST] = "nodeLost",
    [KERF_NOTICE_LAUNCH_REFUSED] = "InsufficientInstanceCapacity",
    [KERF_NOTICE_SUBNET_EXHAUSTED] = "InsufficientFreeAddressesInSubnet",
    [KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED] = "InsufficientCidrBlocks",
    [KERF_NOTICE_POD_WITHOUT_ADDRESS] = "podWithoutAddress",
    [KERF_NOTICE_SANDBOX_FAILED] = "FailedCreatePodSandBox",
    [KERF_NOTICE_DISRUPTION_STARTED] = "disruptionStarted",
    [KERF_NOTICE_DISRUPTION_FAILED] = "disruptionFailed",
    [KERF_NOTICE_PREEMPTED] = "podPreempted",
    [KERF_NOTICE_INSTANCE_STARTED] = "instanceStarted",
    [KERF_NOTICE_INSTANCE_PRICE] = "instancePrice",
    [KERF_NOTICE_INSTANCE_ENDED] = "instanceEnded",
    [KERF_NOTICE_DRAIN_STARTED] = "drainStarted",
    [KERF_NOTICE_REBALANCE_RECOMMENDED] = "rebalanceRecommended",
    [KERF_NOTICE_GROUP_UPDATED] = "groupUpdated",
    [KERF_NOTICE_GROUP_UPDATE_FAILED] = "groupUpdateFailed",
};

static void write_notice(struct kerf_record *record, const struct kerf_notice *notice)
{
    const struct kerf_design *design = record->world->design;
    char detail[96] = "";
    if (notice->kind == KERF_NOTICE_LAUNCH_REFUSED)
        snprintf(detail, sizeof detail, "%s", kerf_catalog_facts(design->catalog, (uint32_t)(notice->detail >> 32))->name->text);
    else if ((notice->kind == KERF_NOTICE_SUBNET_EXHAUSTED || notice->kind == KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED) && notice->detail < design->subnet_count)
        snprintf(detail, sizeof detail, "%s", design->subnets[notice->detail].id);
    else if (notice->kind == KERF_NOTICE_SANDBOX_FAILED)
        snprintf(detail, sizeof detail, "failed to assign an IP address to container, %" PRId64 " times", notice->value);
    else if (notice->kind == KERF_NOTICE_DISRUPTION_STARTED)
        snprintf(detail, sizeof detail, "%s", kerf_disruption_method_text((enum kerf_disruption_method)notice->detail));
    else if (notice->kind == KERF_NOTICE_INSTANCE_STARTED || notice->kind == KERF_NOTICE_INSTANCE_PRICE)
        snprintf(detail, sizeof detail, "%" PRId64, notice->value);
    kerf_record_write_event(record, notice_names[notice->kind], notice->node, notice->pod, detail);
}

/** A pod is told to go, for others' sake. */
static void note_removal(struct kerf_record *record, const struct kerf_notice *notice)
{
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(record->world->cluster, notice->pod);
    const struct kerf_record_pod *row = find_pod(record, notice->pod);
    if (!pod || !row)
        return;
    if (notice->kind == KERF_NOTICE_EVICTED)
        kerf_record_note_eviction(record, pod, row);
    kerf_record_note_lost_work(record, pod, row);
}

/** Pods of an instance that ends no longer run; those that nobody had told to go lose their work. */
static void note_pods_of_ended(struct kerf_record *record, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(record->world->cluster, id);
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(record->world->cluster, node->pods[i]);
        const struct kerf_record_pod *row = find_pod(record, pod->id);
        if (row && kerf_pod_is_active(&pod->pod))
            kerf_record_note_lost_work(record, pod, row);
        note_stopped(record, pod->id);
    }
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_record *record = context;
    struct kerf_record_node *row;
    kerf_time_us now_us = now_of(record);
    kerf_engine_trace(record->world->engine, KERF_CHANGE_COUNT + (uint32_t)notice->kind, notice->node.index, notice->detail);
    if (record->options.demand)
        kerf_record_log_notice(record, notice);
    if (notice_names[notice->kind])
        write_notice(record, notice);
    if (record->measuring)
        record->counts[notice->kind] += notice->kind == KERF_NOTICE_SANDBOX_FAILED ? (uint64_t)notice->value : 1;
    switch (notice->kind) {
    case KERF_NOTICE_INSTANCE_STARTED:
        start_instance(record, notice);
        break;
    case KERF_NOTICE_INSTANCE_PRICE:
        row = kerf_record_find_node(record, notice->node);
        record->price_per_hour += notice->value - row->bill.price_per_hour;
        kerf_node_bill_set_price(&row->bill, now_us, notice->value);
        break;
    case KERF_NOTICE_SPOT_INTERRUPTION:
        row = kerf_record_find_node(record, notice->node);
        if (row)
            row->interrupted = true;
        break;
    case KERF_NOTICE_NODE_LOST:
        kerf_record_find_node(record, notice->node)->interrupted = true;
        kerf_record_find_node(record, notice->node)->lost = true;
        break;
    case KERF_NOTICE_INSTANCE_ENDED:
        note_pods_of_ended(record, notice->node);
        end_instance(record, notice->node);
        break;
    case KERF_NOTICE_EVICTED:
    case KERF_NOTICE_PREEMPTED:
        note_removal(record, notice);
        break;
    case KERF_NOTICE_DISRUPTION_STARTED:
        if (record->measuring)
            record->disruptions_by_method[notice->detail]++;
        break;
    case KERF_NOTICE_SUBNET_USED:
        kerf_time_weighted_set(&record->subnet_used[notice->detail], now_us, notice->value);
        break;
    case KERF_NOTICE_EC2_CALL:
        if (record->measuring)
            record->calls_throttled += notice->value > 0;
        break;
    case KERF_NOTICE_SUBNET_EXHAUSTED:
    case KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED:
        if (record->measuring && notice->kind == KERF_NOTICE_SUBNET_EXHAUSTED && notice->node.index == KERF_NO_NODE.index)
            record->launches_without_address++;
        if (notice->detail < record->world->design->subnet_count && record->subnet_exhausted_us[notice->detail] == KERF_TIME_NEVER)
            record->subnet_exhausted_us[notice->detail] = now_us;
        break;
    default:
        break;
    }
}

/* ---- the run ----------------------------------------------------------------------------------------------------------------------------- */

static void start_measuring(struct kerf_record *record)
{
    kerf_time_us now_us = now_of(record);
    record->measuring = true;
    record->measuring_since_us = now_us;
    for (size_t i = 0; i < record->nodes.count; i++)
        if (record->nodes.items[i].billed)
            record->nodes.items[i].at_warm_up = kerf_node_bill_at(&record->nodes.items[i].bill, now_us);
    for (size_t i = 0; i < record->tiers.count; i++)
        record->tiers.items[i].cost = (struct kerf_cost){ 0 };
    memset(record->by_capacity_type, 0, sizeof record->by_capacity_type);
    record->nodes_launched = 0;
    kerf_time_weighted_start(&record->node_count, now_us, record->node_count.value);
    kerf_time_weighted_start(&record->vcpus, now_us, record->vcpus.value);
    kerf_time_weighted_start(&record->running_pods, now_us, record->running_pods.value);
    kerf_time_weighted_start(&record->pending_pods, now_us, record->pending_pods.value);
    for (uint32_t i = 0; i < record->world->design->subnet_count; i++)
        kerf_time_weighted_start(&record->subnet_used[i], now_us, record->subnet_used[i].value);
}

static void on_sample(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_record *record = context;
    if (event->detail == 1) {
        start_measuring(record);
        return;
    }
    kerf_record_write_sample(record);
    kerf_world_schedule(record->world, now_of(record) + record->options.sample_every_us, KERF_EVENT_SAMPLE, 0, 0);
}

struct kerf_record *kerf_record_new(struct kerf_world *world, struct kerf_record_options options)
{
    struct kerf_record *record = kerf_allocate(sizeof *record);
    uint32_t subnet_count = world->design->subnet_count;
    record->world = world;
    record->options = options;
    if (record->options.sample_every_us == 0)
        record->options.sample_every_us = KERF_MINUTE_US;
    record->wait = kerf_quantiles_new();
    for (int phase = 0; phase < KERF_WAIT_PHASE_COUNT; phase++)
        record->wait_by_phase[phase] = kerf_quantiles_new();
    record->subnet_used = kerf_allocate(kerf_array_bytes(subnet_count, sizeof *record->subnet_used));
    record->subnet_exhausted_us = kerf_allocate(kerf_array_bytes(subnet_count, sizeof *record->subnet_exhausted_us));
    for (uint32_t i = 0; i < subnet_count; i++) {
        struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->network.subnets[i]);
        kerf_time_weighted_start(&record->subnet_used[i], 0, (int64_t)counts.size - counts.free);
        record->subnet_exhausted_us[i] = KERF_TIME_NEVER;
    }
    kerf_time_weighted_start(&record->node_count, 0, 0);
    kerf_time_weighted_start(&record->vcpus, 0, 0);
    kerf_time_weighted_start(&record->running_pods, 0, 0);
    kerf_time_weighted_start(&record->pending_pods, 0, 0);
    open_tiers(record);
    kerf_record_open_csv(record);
    kerf_cluster_listen(world->cluster, on_change, record);
    kerf_world_listen(world, on_notice, record);
    kerf_engine_handle(world->engine, KERF_EVENT_SAMPLE, on_sample, record);
    kerf_world_schedule(world, world->design->warm_up_us, KERF_EVENT_SAMPLE, 0, 1);
    if (options.series)
        kerf_world_schedule(world, 0, KERF_EVENT_SAMPLE, 0, 0);
    return record;
}

void kerf_record_finish(struct kerf_record *record)
{
    KERF_ASSERT(!record->finished);
    record->finished = true;
    for (size_t i = 0; i < record->nodes.count; i++)
        if (record->nodes.items[i].billed && !record->nodes.items[i].bill.closed)
            settle(record, &record->nodes.items[i]);
    const struct kerf_cluster *cluster = record->world->cluster;
    for (size_t at = 0; at < kerf_cluster_pending_count(cluster); at++) {
        const struct kerf_record_pod *pod = find_pod(record, kerf_cluster_pending_at(cluster, at)->id);
        if (pod)
            count_unplaced(record, pod);
    }
    kerf_record_make_metrics(record);
    record->trace_hash = kerf_engine_trace_hash(record->world->engine);
    record->world = NULL;
}

void kerf_record_free(struct kerf_record *record)
{
    if (!record)
        return;
    KERF_VEC_FREE(&record->nodes);
    kerf_id_map_fini(&record->rows_by_node);
    KERF_VEC_FREE(&record->tiers);
    kerf_id_map_fini(&record->rows_by_pod);
    KERF_VEC_FREE(&record->pods);
    KERF_VEC_FREE(&record->free_pods);
    kerf_quantiles_free(record->wait);
    for (int phase = 0; phase < KERF_WAIT_PHASE_COUNT; phase++)
        kerf_quantiles_free(record->wait_by_phase[phase]);
    free(record->subnet_used);
    free(record->subnet_exhausted_us);
    KERF_VEC_FREE(&record->metrics);
    kerf_record_churn_fini(&record->churn);
    free(record);
}
