/**
 * What disruption costs those who are disrupted: pods evicted again and again, nodes replaced by their like, work lost with a pod.
 *
 * A pod's work goes on in another pod, which nobody names: the next pod that its workload makes is taken for it.
 */
#include "record/record_internal.h"

#include <stdlib.h>

static const kerf_time_us churn_window_us = 10 * KERF_MINUTE_US;

/* ---- marks of the last ten minutes ------------------------------------------------------------------------------------------- */

/** Drops what is too old. Marks come in order of time. */
static void forget_old(struct kerf_churn_marks *marks, kerf_time_us now_us)
{
    size_t old = 0;
    while (old < marks->count && now_us - marks->items[old].at_us > churn_window_us)
        old++;
    if (old == 0)
        return;
    marks->count -= old;
    memmove(marks->items, marks->items + old, marks->count * sizeof *marks->items);
}

/** Takes the oldest mark of that key; KERF_TIME_NEVER: there is none. */
static kerf_time_us take_mark(struct kerf_churn_marks *marks, uint64_t key, kerf_time_us now_us)
{
    forget_old(marks, now_us);
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->items[i].key != key)
            continue;
        kerf_time_us at_us = marks->items[i].at_us;
        marks->count--;
        memmove(marks->items + i, marks->items + i + 1, (marks->count - i) * sizeof *marks->items);
        return at_us;
    }
    return KERF_TIME_NEVER;
}

static void put_mark(struct kerf_churn_marks *marks, uint64_t key, kerf_time_us now_us)
{
    forget_old(marks, now_us);
    KERF_VEC_PUSH(marks, (struct kerf_churn_mark){ .at_us = now_us, .key = key });
}

/* ---- nodes --------------------------------------------------------------------------------------------------------------------- */

/** Nodes of one key are alike: of the same NodePool or group, instance type and capacity type. */
static uint64_t likeness_of(const struct kerf_record_node *node)
{
    return ((uint64_t)node->tier << 32 | node->type_index) * KERF_CAPACITY_TYPE_COUNT + node->capacity_type;
}

static void pair_with(struct kerf_record *record, struct kerf_churn_marks *others, struct kerf_churn_marks *own, const struct kerf_record_node *node)
{
    kerf_time_us now_us = kerf_world_now(record->world);
    if (take_mark(others, likeness_of(node), now_us) == KERF_TIME_NEVER)
        put_mark(own, likeness_of(node), now_us);
    else if (record->measuring)
        record->churn.replaced_alike++;
}

void kerf_record_note_launch(struct kerf_record *record, const struct kerf_record_node *node)
{
    pair_with(record, &record->churn.drains, &record->churn.launches, node);
}

void kerf_record_note_drain(struct kerf_record *record, const struct kerf_record_node *node)
{
    if (!node->interrupted) /* EC2 wanted it back: nobody chose to replace it */
        pair_with(record, &record->churn.launches, &record->churn.drains, node);
}

/* ---- pods ---------------------------------------------------------------------------------------------------------------------- */

void kerf_record_note_new_pod(struct kerf_record *record, const struct kerf_cluster_pod *pod, struct kerf_record_pod *row)
{
    row->follows_us = KERF_TIME_NEVER;
    row->running_us = KERF_TIME_NEVER;
    if (row->of_workload && pod->workload_index != KERF_NOT_FOUND)
        row->follows_us = take_mark(&record->churn.evictions, pod->workload_index, kerf_world_now(record->world));
}

void kerf_record_note_eviction(struct kerf_record *record, const struct kerf_cluster_pod *pod, const struct kerf_record_pod *row)
{
    kerf_time_us now_us = kerf_world_now(record->world);
    if (!row->of_workload || pod->workload_index == KERF_NOT_FOUND)
        return;
    if (record->measuring && row->follows_us != KERF_TIME_NEVER && now_us - row->follows_us <= churn_window_us)
        record->churn.evicted_again++;
    put_mark(&record->churn.evictions, pod->workload_index, now_us);
}

/** Micro-dollars an hour that the bill of its node gives to the pod's requests. */
static kerf_usd_micros billed_per_hour(const struct kerf_record *record, const struct kerf_cluster_pod *pod, const struct kerf_record_node *row)
{
    const struct kerf_cluster *cluster = record->world->cluster;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, pod->node);
    struct kerf_resources capacity = kerf_cluster_node_capacity(cluster, node);
    struct kerf_resources allocatable = kerf_cluster_node_allocatable(cluster, node);
    struct kerf_node_use use = { .capacity = &capacity, .allocatable = &allocatable, .workload = pod->pod.requests };
    struct kerf_cost_shares shares = kerf_node_shares(&use);
    return (kerf_usd_micros)((kerf_i128)row->bill.price_per_hour * (kerf_i128)shares.by_cause[KERF_COST_WORKLOAD] / (kerf_i128)KERF_SHARE_ONE);
}

void kerf_record_note_lost_work(struct kerf_record *record, const struct kerf_cluster_pod *pod, const struct kerf_record_pod *row)
{
    const struct kerf_design *design = record->world->design;
    const struct kerf_record_node *node = kerf_record_find_node(record, pod->node);
    if (!record->measuring || !row->of_workload || !row->running || !node || !node->billed || pod->workload_index == KERF_NOT_FOUND ||
        design->load_of_workload[pod->workload_index] == KERF_NOT_FOUND)
        return;
    const struct kerf_load *load = &design->loads[design->load_of_workload[pod->workload_index]];
    kerf_time_us ran_us = kerf_world_now(record->world) - row->running_us;
    kerf_time_us lost_us = kerf_min_i64(load->restart_cost_us, ran_us) + kerf_min_i64(load->restart_warm_up_us, ran_us);
    if (lost_us == 0)
        return;
    kerf_usd_micros per_hour = load->restart_price_per_hour;
    if (per_hour == KERF_RESTART_AT_BILL)
        per_hour = billed_per_hour(record, pod, node);
    record->churn.lost_us += lost_us;
    record->churn.lost_usd_micros += kerf_cost_of_hours(per_hour, lost_us);
}

void kerf_record_churn_fini(struct kerf_record_churn *churn)
{
    KERF_VEC_FREE(&churn->launches);
    KERF_VEC_FREE(&churn->drains);
    KERF_VEC_FREE(&churn->evictions);
}
