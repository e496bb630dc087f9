/**
 * Files of `--out`: every event, samples of the series, and a line of the bill for each node. Times in seconds since the start, money in
 * micro-dollars, so that a script can add up what the report says.
 */
#include "record/record_internal.h"

static void write_seconds(FILE *stream, kerf_time_us us)
{
    fprintf(stream, "%" PRId64 ".%06" PRId64, us / KERF_SECOND_US, us % KERF_SECOND_US);
}

void kerf_record_open_csv(struct kerf_record *record)
{
    if (record->options.events)
        fputs("seconds,event,node,pod,detail\n", record->options.events);
    FILE *series = record->options.series;
    if (series) {
        fputs("seconds,nodes,vcpus,podsRunning,podsPending,usdMicrosPerHour", series);
        for (uint32_t i = 0; i < record->world->design->subnet_count; i++)
            fprintf(series, ",addresses.%s", record->world->design->subnets[i].id);
        fputs("\n", series);
    }
    FILE *nodes = record->options.nodes;
    if (nodes) {
        fputs("node,tier,instanceType,zone,capacityType,openedSeconds,closedSeconds,open", nodes);
        for (int i = 0; i < KERF_COST_CAUSE_COUNT; i++)
            fprintf(nodes, ",%sUsdMicros", kerf_cost_cause_name((enum kerf_cost_cause)i));
        fputs(",totalUsdMicros,sinceWarmUpUsdMicros\n", nodes);
    }
}

void kerf_record_write_event(struct kerf_record *record, const char *event, kerf_node_id node_id, kerf_pod_id pod_id, const char *detail)
{
    FILE *stream = record->options.events;
    if (!stream)
        return;
    const struct kerf_cluster_node *node = kerf_cluster_node(record->world->cluster, node_id);
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(record->world->cluster, pod_id);
    write_seconds(stream, kerf_world_now(record->world));
    fprintf(stream, ",%s,%s,", event, !node ? "" : node->has_claim ? node->claim.meta.name->text : node->node.meta.name->text);
    if (pod)
        fprintf(stream, "%s/%s", kerf_name_text(pod->pod.meta.namespace_name), pod->pod.meta.name->text);
    fprintf(stream, ",%s\n", detail);
}

void kerf_record_write_sample(struct kerf_record *record)
{
    FILE *stream = record->options.series;
    write_seconds(stream, kerf_world_now(record->world));
    fprintf(stream, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, record->node_count.value, record->vcpus.value,
            record->running_pods.value, record->pending_pods.value, record->price_per_hour);
    for (uint32_t i = 0; i < record->world->design->subnet_count; i++)
        fprintf(stream, ",%" PRId64, record->subnet_used[i].value);
    fputs("\n", stream);
}

void kerf_record_write_node(struct kerf_record *record, const struct kerf_record_node *node)
{
    FILE *stream = record->options.nodes;
    if (!stream)
        return;
    const struct kerf_catalog *catalog = record->world->design->catalog;
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(catalog, &zone_count);
    kerf_time_us now_us = kerf_world_now(record->world);
    fprintf(stream, "%s,%s,%s,%s,%s,", node->name->text, record->tiers.items[node->tier].name->text,
            kerf_catalog_facts(catalog, node->type_index)->name->text, zones[node->zone_index].name->text,
            kerf_capacity_type_text((enum kerf_capacity_type)node->capacity_type));
    write_seconds(stream, node->bill.opened_us);
    fputs(",", stream);
    write_seconds(stream, node->bill.closed ? node->bill.closed_us : now_us);
    fprintf(stream, ",%d", !node->bill.closed);
    struct kerf_cost cost = kerf_node_bill_at(&node->bill, now_us);
    for (int i = 0; i < KERF_COST_CAUSE_COUNT; i++)
        fprintf(stream, ",%" PRId64, cost.by_cause[i]);
    struct kerf_cost since = kerf_record_cost_of(record, node);
    fprintf(stream, ",%" PRId64 ",%" PRId64 "\n", kerf_cost_total(&cost), kerf_cost_total(&since));
}
