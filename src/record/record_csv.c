/**
 * Files of `--out`: every event, samples of the series, and a line of the bill for each node. Times in seconds since the start, money in
 * micro-dollars, so that a script can add up what the report says.
 */
#include "record/record_internal.h"

static void append_seconds(struct kerf_text *text, kerf_time_us us)
{
    kerf_text_append_format(text, "%" PRId64 ".%06" PRId64, us / KERF_SECOND_US, us % KERF_SECOND_US);
}

void kerf_record_open_csv(struct kerf_record *record)
{
    if (!record->options.keep_events)
        return;
    kerf_text_append(&record->events_csv, "seconds,event,node,pod,detail\n");
    kerf_text_append(&record->series_csv, "seconds,nodes,vcpus,podsRunning,podsPending,usdMicrosPerHour");
    for (uint32_t i = 0; i < record->world->design->subnet_count; i++)
        kerf_text_append_format(&record->series_csv, ",addresses.%s", record->world->design->subnets[i].id);
    kerf_text_append(&record->series_csv, "\n");
    kerf_text_append(&record->nodes_csv, "node,tier,instanceType,zone,capacityType,openedSeconds,closedSeconds,open");
    for (int i = 0; i < KERF_COST_CAUSE_COUNT; i++)
        kerf_text_append_format(&record->nodes_csv, ",%sUsdMicros", kerf_cost_cause_name((enum kerf_cost_cause)i));
    kerf_text_append(&record->nodes_csv, ",totalUsdMicros,sinceWarmUpUsdMicros\n");
}

void kerf_record_write_event(struct kerf_record *record, const char *event, kerf_node_id node_id, kerf_pod_id pod_id, const char *detail)
{
    if (!record->options.keep_events)
        return;
    const struct kerf_cluster_node *node = kerf_cluster_node(record->world->cluster, node_id);
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(record->world->cluster, pod_id);
    append_seconds(&record->events_csv, kerf_world_now(record->world));
    kerf_text_append_format(&record->events_csv, ",%s,%s,", event,
                            !node ? "" : node->has_claim ? node->claim.meta.name->text : node->node.meta.name->text);
    if (pod)
        kerf_text_append_format(&record->events_csv, "%s/%s", kerf_name_text(pod->pod.meta.namespace_name), pod->pod.meta.name->text);
    kerf_text_append_format(&record->events_csv, ",%s\n", detail);
}

void kerf_record_write_sample(struct kerf_record *record)
{
    struct kerf_text *text = &record->series_csv;
    append_seconds(text, kerf_world_now(record->world));
    kerf_text_append_format(text, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, record->node_count.value, record->vcpus.value,
                            record->running_pods.value, record->pending_pods.value, record->price_per_hour);
    for (uint32_t i = 0; i < record->world->design->subnet_count; i++)
        kerf_text_append_format(text, ",%" PRId64, record->subnet_used[i].value);
    kerf_text_append(text, "\n");
}

void kerf_record_write_node(struct kerf_record *record, const struct kerf_record_node *node)
{
    if (!record->options.keep_events)
        return;
    struct kerf_text *text = &record->nodes_csv;
    const struct kerf_catalog *catalog = record->world->design->catalog;
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(catalog, &zone_count);
    kerf_time_us now_us = kerf_world_now(record->world);
    kerf_text_append_format(text, "%s,%s,%s,%s,%s,", node->name->text, record->tiers.items[node->tier].name->text,
                            kerf_catalog_facts(catalog, node->type_index)->name->text, zones[node->zone_index].name->text,
                            node->capacity_type == KERF_SPOT ? "spot" : "on-demand");
    append_seconds(text, node->bill.opened_us);
    kerf_text_append(text, ",");
    append_seconds(text, node->bill.closed ? node->bill.closed_us : now_us);
    kerf_text_append_format(text, ",%d", !node->bill.closed);
    struct kerf_cost cost = kerf_node_bill_at(&node->bill, now_us);
    for (int i = 0; i < KERF_COST_CAUSE_COUNT; i++)
        kerf_text_append_format(text, ",%" PRId64, cost.by_cause[i]);
    struct kerf_cost since = kerf_record_cost_of(record, node);
    kerf_text_append_format(text, ",%" PRId64 ",%" PRId64 "\n", kerf_cost_total(&cost), kerf_cost_total(&since));
}

static const char *kept(const struct kerf_record *record, const struct kerf_text *text)
{
    return record->options.keep_events && text->length > 0 ? text->bytes : NULL;
}

const char *kerf_record_events_csv(const struct kerf_record *record) { return kept(record, &record->events_csv); }
const char *kerf_record_series_csv(const struct kerf_record *record) { return kept(record, &record->series_csv); }
const char *kerf_record_nodes_csv(const struct kerf_record *record) { return kept(record, &record->nodes_csv); }
