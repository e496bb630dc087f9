/**
 * Claims and volumes that come into being, or are bound, while time passes, and what is attached to nodes. Objects that were read don't
 * change: what became of them is kept in a record of this file, which look-ups by name meet first.
 */
#include "cluster_internal.h"

#include <stdlib.h>

struct claim_record {
    struct kerf_pvc claim;
    bool bound;
    struct kerf_label bind_completed; /* the claim's annotation from then on */
    struct kerf_meta_details details;
    struct kerf_pv volume;
    /* where a provisioned volume is */
    struct kerf_node_selector_term term;
    struct kerf_expression in_zone;
    kerf_name zone;
};

struct wanted_claim {
    const struct kerf_cluster *cluster;
    kerf_name namespace_name;
    kerf_name name;
};

static bool record_is(const void *context, uint32_t value)
{
    const struct wanted_claim *wanted = context;
    const struct claim_record *record = wanted->cluster->claim_records.items[value];
    return record && record->claim.meta.name == wanted->name && record->claim.meta.namespace_name == wanted->namespace_name;
}

static struct claim_record *find_record(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name)
{
    struct wanted_claim wanted = {cluster, namespace_name, name};
    uint32_t index =
        kerf_cluster_content_index_find(&cluster->claim_record_index, hash_names(namespace_name, name), record_is, &wanted);
    return index == KERF_NOT_FOUND ? NULL : cluster->claim_records.items[index];
}

const struct kerf_pvc *kerf_cluster_record_of_claim(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name)
{
    const struct claim_record *record = cluster->claim_records.count ? find_record(cluster, namespace_name, name) : NULL;
    return record ? &record->claim : NULL;
}

const struct kerf_pv *kerf_cluster_record_of_volume(const struct kerf_cluster *cluster, kerf_name name)
{
    uint32_t index = cluster->claim_records.count ? kerf_name_map_get(&cluster->recorded_volumes, name) : KERF_NOT_FOUND;
    return index == KERF_NOT_FOUND ? NULL : &cluster->claim_records.items[index]->volume;
}

static void put_in_index(struct kerf_cluster *cluster, uint32_t index)
{
    const struct claim_record *record = cluster->claim_records.items[index];
    kerf_cluster_content_index_put(&cluster->claim_record_index,
                                   hash_names(record->claim.meta.namespace_name, record->claim.meta.name), index);
    if (record->bound)
        kerf_name_map_put(&cluster->recorded_volumes, record->volume.meta.name, index);
}

static struct claim_record *open_record(struct kerf_cluster *cluster, const struct kerf_pvc *claim, uint32_t *out_index)
{
    const struct kerf_meta *meta = &claim->meta;
    struct wanted_claim wanted = {cluster, meta->namespace_name, meta->name};
    uint32_t index = kerf_cluster_content_index_find(&cluster->claim_record_index, hash_names(meta->namespace_name, meta->name),
                                                     record_is, &wanted);
    if (index == KERF_NOT_FOUND) {
        struct claim_record *record = kerf_allocate(sizeof *record);
        *record = (struct claim_record){.claim = *claim};
        index = (uint32_t)cluster->claim_records.count;
        KERF_VEC_PUSH(&cluster->claim_records, record);
        put_in_index(cluster, index);
    }
    *out_index = index;
    return cluster->claim_records.items[index];
}

const struct kerf_pvc *kerf_cluster_add_pvc(struct kerf_cluster *cluster, const struct kerf_pvc *claim)
{
    assert_may_change(cluster);
    const struct kerf_pvc *there = kerf_cluster_find_pvc(cluster, claim->meta.namespace_name, claim->meta.name);
    if (there)
        return there;
    uint32_t index;
    return &open_record(cluster, claim, &index)->claim;
}

static void note_bound(struct kerf_cluster *cluster, struct claim_record *record, uint32_t index)
{
    record->bound = true;
    record->claim.volume_name = record->volume.meta.name;
    record->claim.phase = kerf_name_of(cluster->vocabulary->names, "Bound");
    record->bind_completed = (struct kerf_label){kerf_name_of(cluster->vocabulary->names, "pv.kubernetes.io/bind-completed"),
                                                 kerf_name_of(cluster->vocabulary->names, "yes")};
    record->details = (struct kerf_meta_details){.annotations = {&record->bind_completed, 1}};
    record->claim.meta.details = &record->details;
    record->volume.claim_namespace = record->claim.meta.namespace_name;
    record->volume.claim_name = record->claim.meta.name;
    kerf_name_map_put(&cluster->recorded_volumes, record->volume.meta.name, index);
    kerf_cluster_tell(cluster, KERF_CHANGE_VOLUME_BOUND, KERF_NO_NODE, KERF_NO_POD);
}

void kerf_cluster_bind_pvc(struct kerf_cluster *cluster, const struct kerf_pvc *claim, const struct kerf_pv *volume)
{
    assert_may_change(cluster);
    uint32_t index;
    struct claim_record *record = open_record(cluster, claim, &index);
    KERF_ASSERT(!record->bound && !record->claim.volume_name);
    record->volume = *volume;
    note_bound(cluster, record, index);
}

void kerf_cluster_provision_pvc(struct kerf_cluster *cluster, const struct kerf_pvc *claim, kerf_name storage_class_name,
                                kerf_name csi_driver, kerf_name zone, kerf_time_us ready_epoch_us)
{
    assert_may_change(cluster);
    uint32_t index;
    struct claim_record *record = open_record(cluster, claim, &index);
    KERF_ASSERT(!record->bound && !record->claim.volume_name);
    kerf_name name = kerf_name_format(cluster->vocabulary->names, "pvc-%s-%s", kerf_name_text(record->claim.meta.namespace_name),
                                      kerf_name_text(record->claim.meta.name));
    record->volume = (struct kerf_pv){
        .meta = {.name = name, .created_epoch_us = ready_epoch_us, .deletion_epoch_us = KERF_TIME_UNSET},
        .csi_driver = csi_driver,
        .storage_class_name = storage_class_name,
        .capacity_bytes = record->claim.storage_bytes,
    };
    if (zone) {
        record->zone = zone;
        record->in_zone = (struct kerf_expression){.key = cluster->vocabulary->key_zone,
                                                   .op = KERF_OP_IN,
                                                   .values = &record->zone,
                                                   .value_count = 1,
                                                   .min_values = -1};
        record->term.match_expressions = (struct kerf_expressions){&record->in_zone, 1};
        record->volume.has_node_affinity = true;
        record->volume.node_terms = &record->term;
        record->volume.node_term_count = 1;
    }
    note_bound(cluster, record, index);
}

/** The index forgets nothing by itself: it is made anew when most of it is of claims that are gone. */
static void close_gaps(struct kerf_cluster *cluster)
{
    kerf_cluster_content_index_clear(&cluster->claim_record_index);
    kerf_name_map_clear(&cluster->recorded_volumes);
    size_t kept = 0;
    for (size_t i = 0; i < cluster->claim_records.count; i++)
        if (cluster->claim_records.items[i])
            cluster->claim_records.items[kept++] = cluster->claim_records.items[i];
    cluster->claim_records.count = kept;
    cluster->claim_gaps = 0;
    for (size_t i = 0; i < kept; i++)
        put_in_index(cluster, (uint32_t)i);
}

void kerf_cluster_remove_pvc(struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name)
{
    assert_may_change(cluster);
    struct wanted_claim wanted = {cluster, namespace_name, name};
    uint32_t index =
        kerf_cluster_content_index_find(&cluster->claim_record_index, hash_names(namespace_name, name), record_is, &wanted);
    if (index == KERF_NOT_FOUND)
        return;
    struct claim_record *record = cluster->claim_records.items[index];
    if (record->bound)
        kerf_name_map_remove(&cluster->recorded_volumes, record->volume.meta.name);
    free(record);
    cluster->claim_records.items[index] = NULL;
    if (++cluster->claim_gaps * 2 > cluster->claim_records.count)
        close_gaps(cluster);
}

void kerf_cluster_claims_fini(struct kerf_cluster *cluster)
{
    for (size_t i = 0; i < cluster->claim_records.count; i++)
        free(cluster->claim_records.items[i]);
    KERF_VEC_FREE(&cluster->claim_records);
    kerf_cluster_content_index_fini(&cluster->claim_record_index);
    kerf_name_map_fini(&cluster->recorded_volumes);
}

/* ---- attachments ------------------------------------------------------------------------------------------------------- */

void kerf_cluster_attach_volume(struct kerf_cluster *cluster, kerf_node_id id, kerf_name volume)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    KERF_VEC_PUSH(&entry->attached, volume);
    entry->node.attached = entry->attached.items;
    entry->node.attached_count = (uint32_t)entry->attached.count;
}

void kerf_cluster_detach_volume(struct kerf_cluster *cluster, kerf_node_id id, kerf_name volume)
{
    assert_may_change(cluster);
    struct entry *entry = kerf_cluster_require_entry(cluster, id);
    size_t at = 0;
    while (at < entry->attached.count && entry->attached.items[at] != volume)
        at++;
    KERF_ASSERT(at < entry->attached.count);
    for (; at + 1 < entry->attached.count; at++)
        entry->attached.items[at] = entry->attached.items[at + 1];
    entry->attached.count--;
    entry->node.attached_count--;
    kerf_cluster_tell(cluster, KERF_CHANGE_VOLUME_DETACHED, id, KERF_NO_POD);
}
