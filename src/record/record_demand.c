/**
 * What a run asked of its subnets, as events that can be replayed over others: nodes as their instances start and end, pods that need an
 * address as they are bound and end.
 */
#include "record/record_internal.h"

#include <stdlib.h>

static void log_event(struct kerf_record *record, struct kerf_demand_event event)
{
    event.at_us = kerf_world_now(record->world);
    KERF_VEC_PUSH(&record->options.demand->events, event);
}

static uint16_t shape_of(struct kerf_demand_log *log, const struct kerf_demand_shape *shape)
{
    for (size_t i = 0; i < log->shapes.count; i++) {
        const struct kerf_demand_shape *other = &log->shapes.items[i];
        if (other->limits.enis == shape->limits.enis && other->limits.ipv4_per_eni == shape->limits.ipv4_per_eni &&
            other->max_pods == shape->max_pods && other->vcpus == shape->vcpus && other->nitro == shape->nitro &&
            other->bare_metal == shape->bare_metal && other->trunk_capable == shape->trunk_capable &&
            other->unmanaged_enis == shape->unmanaged_enis)
            return (uint16_t)i;
    }
    KERF_ASSERT(log->shapes.count < UINT16_MAX);
    KERF_VEC_PUSH(&log->shapes, *shape);
    return (uint16_t)(log->shapes.count - 1);
}

static void log_node_start(struct kerf_record *record, kerf_node_id id)
{
    struct kerf_demand_log *log = record->options.demand;
    const struct kerf_cluster_node *node = kerf_cluster_node(record->world->cluster, id);
    const struct kerf_instance_facts *facts = kerf_catalog_facts(record->world->design->catalog, node->type_index);
    const struct kerf_nodegroup *group =
        node->nodegroup_index == KERF_NOT_FOUND ? NULL : &record->world->design->objects.nodegroups.items[node->nodegroup_index];
    struct kerf_demand_shape shape = {
        .limits = {.enis = (int32_t)facts->enis, .ipv4_per_eni = (int32_t)facts->ipv4_per_eni},
        .max_pods = node->has_claim ? node->claim.capacity.pods : node->node.capacity.pods,
        .vcpus = facts->vcpus,
        .nitro = facts->prefix_capable,
        .trunk_capable = facts->branch_enis > 0,
        .unmanaged_enis = group ? group->unmanaged_enis : 0,
    };
    if (facts->enis < 1 || facts->ipv4_per_eni < 1)
        return; /* a type of which the catalogue knows no interfaces */
    kerf_id_map_put(&log->nodes, id.index, node->zone_index);
    log_event(record, (struct kerf_demand_event){.kind = KERF_DEMAND_NODE_STARTS, .node = id.index, .shape = shape_of(log, &shape),
                                                 .zone = (uint16_t)node->zone_index});
}

void kerf_record_log_notice(struct kerf_record *record, const struct kerf_notice *notice)
{
    struct kerf_demand_log *log = record->options.demand;
    if (notice->kind == KERF_NOTICE_INSTANCE_STARTED) {
        log_node_start(record, notice->node);
    } else if (notice->kind == KERF_NOTICE_INSTANCE_ENDED && kerf_id_map_get(&log->nodes, notice->node.index) != KERF_NOT_FOUND) {
        kerf_id_map_remove(&log->nodes, notice->node.index);
        log_event(record, (struct kerf_demand_event){.kind = KERF_DEMAND_NODE_ENDS, .node = notice->node.index});
    }
}

void kerf_record_log_change(struct kerf_record *record, const struct kerf_change *change)
{
    struct kerf_demand_log *log = record->options.demand;
    if (change->kind == KERF_CHANGE_POD_BOUND) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(record->world->cluster, change->pod);
        if (pod->pod.spec->host_network || kerf_id_map_get(&log->nodes, change->node.index) == KERF_NOT_FOUND)
            return;
        uint32_t number = log->free_pods.count > 0 ? log->free_pods.items[--log->free_pods.count] : log->pod_numbers++;
        kerf_id_map_put(&log->pods, change->pod.index, number);
        log_event(record, (struct kerf_demand_event){.kind = KERF_DEMAND_POD_COMES, .node = change->node.index, .pod = number});
    } else if (change->kind == KERF_CHANGE_POD_REMOVED || change->kind == KERF_CHANGE_POD_FINISHED) {
        uint32_t number = kerf_id_map_get(&log->pods, change->pod.index);
        if (number == KERF_NOT_FOUND)
            return;
        kerf_id_map_remove(&log->pods, change->pod.index);
        KERF_VEC_PUSH(&log->free_pods, number);
        log_event(record, (struct kerf_demand_event){.kind = KERF_DEMAND_POD_GOES, .node = change->node.index, .pod = number});
    }
}

void kerf_demand_log_fini(struct kerf_demand_log *log)
{
    KERF_VEC_FREE(&log->events);
    KERF_VEC_FREE(&log->shapes);
    KERF_VEC_FREE(&log->free_pods);
    kerf_id_map_fini(&log->nodes);
    kerf_id_map_fini(&log->pods);
}
