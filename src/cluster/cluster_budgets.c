/**
 * PDBs: which of them select a pod, and what they count (workloads.md 11.1). Matching is remembered by namespace and labels, for
 * pods of one template look alike; counts follow each change of a pod, so a look at a PDB is O(1).
 */
#include "cluster_internal.h"

#include <stdlib.h>

/** Labels that are different for each pod (indices of a Job, names in a StatefulSet) must not fill memory for ever. */
enum { LABELS_MEMO_MAX = 8192 };

void kerf_cluster_budgets_build(struct kerf_cluster *cluster)
{
    const struct kerf_objects *objects = cluster->objects;
    cluster->budget_counts = KERF_NEW_ARRAY(&cluster->arena, struct budget_count, objects->pdbs.count);
    cluster->next_budget = KERF_NEW_ARRAY(&cluster->arena, uint32_t, objects->pdbs.count);
    for (size_t i = objects->pdbs.count; i-- > 0;) { /* backwards: lists then run in order of the input */
        kerf_name namespace_name = objects->pdbs.items[i].meta.namespace_name;
        cluster->next_budget[i] = KERF_NOT_FOUND;
        if (!namespace_name)
            continue;
        cluster->next_budget[i] = kerf_name_map_get(&cluster->first_budget_of_namespace, namespace_name);
        kerf_name_map_put(&cluster->first_budget_of_namespace, namespace_name, (uint32_t)i);
    }
    KERF_VEC_PUSH(&cluster->budget_sets, (struct budget_set){0});
    kerf_arena_init(&cluster->labels_memo_arena);
    cluster->workload_replicas = KERF_NEW_ARRAY(&cluster->arena, int64_t, objects->workloads.count);
    for (size_t i = 0; i < objects->workloads.count; i++)
        cluster->workload_replicas[i] = objects->workloads.items[i].replicas;
}

void kerf_cluster_budgets_fini(struct kerf_cluster *cluster)
{
    kerf_name_map_fini(&cluster->first_budget_of_namespace);
    KERF_VEC_FREE(&cluster->budget_sets);
    KERF_VEC_FREE(&cluster->controllers);
    kerf_cluster_content_index_fini(&cluster->controller_index);
    kerf_id_map_fini(&cluster->budget_controller_pods);
    KERF_VEC_FREE(&cluster->labels_memos);
    kerf_cluster_content_index_fini(&cluster->labels_memo_index);
    kerf_arena_fini(&cluster->labels_memo_arena);
}

/* ---- which PDBs
 * ------------------------------------------------------------------------------------------------------------------------- */

static uint32_t match_budgets(struct kerf_cluster *cluster, kerf_name namespace_name, const struct kerf_labels *labels)
{
    uint32_t first = kerf_name_map_get(&cluster->first_budget_of_namespace, namespace_name);
    uint32_t count = 0;
    for (uint32_t pdb = first; pdb != KERF_NOT_FOUND; pdb = cluster->next_budget[pdb])
        count += kerf_label_selector_matches(&cluster->objects->pdbs.items[pdb].selector, labels);
    if (!count)
        return 0;
    uint32_t *matching = kerf_allocate(count * sizeof *matching);
    count = 0;
    for (uint32_t pdb = first; pdb != KERF_NOT_FOUND; pdb = cluster->next_budget[pdb])
        if (kerf_label_selector_matches(&cluster->objects->pdbs.items[pdb].selector, labels))
            matching[count++] = pdb;
    uint32_t set = 1;
    for (; set < cluster->budget_sets.count; set++) {
        const struct budget_set *known = &cluster->budget_sets.items[set];
        if (known->count == count && !memcmp(known->pdbs, matching, count * sizeof *matching))
            break;
    }
    if (set == cluster->budget_sets.count) {
        const uint32_t *kept = kerf_arena_copy(&cluster->arena, matching, count * sizeof *matching);
        KERF_VEC_PUSH(&cluster->budget_sets, (struct budget_set){.pdbs = kept, .count = count});
    }
    free(matching);
    return set;
}

static bool labels_memo_is(const void *context, uint32_t value)
{
    const struct {
        const struct kerf_cluster *cluster;
        kerf_name namespace_name;
        const struct kerf_labels *labels;
    } *wanted = context;
    const struct labels_memo *memo = &wanted->cluster->labels_memos.items[value];
    if (memo->namespace_name != wanted->namespace_name || memo->labels.count != wanted->labels->count)
        return false;
    for (size_t i = 0; i < memo->labels.count; i++)
        if (memo->labels.items[i].key != wanted->labels->items[i].key ||
            memo->labels.items[i].value != wanted->labels->items[i].value)
            return false;
    return true;
}

uint32_t kerf_cluster_budgets_find_set(struct kerf_cluster *cluster, kerf_name namespace_name, const struct kerf_labels *labels)
{
    if (!namespace_name || kerf_name_map_get(&cluster->first_budget_of_namespace, namespace_name) == KERF_NOT_FOUND)
        return 0;
    uint64_t hash = namespace_name->hash;
    for (size_t i = 0; i < labels->count; i++)
        hash = kerf_hash_mix(hash, hash_names(labels->items[i].key, labels->items[i].value));
    const struct {
        const struct kerf_cluster *cluster;
        kerf_name namespace_name;
        const struct kerf_labels *labels;
    } wanted = {cluster, namespace_name, labels};
    uint32_t memo = kerf_cluster_content_index_find(&cluster->labels_memo_index, hash, labels_memo_is, &wanted);
    if (memo != KERF_NOT_FOUND)
        return cluster->labels_memos.items[memo].budgets;
    if (cluster->labels_memos.count >= LABELS_MEMO_MAX) {
        cluster->labels_memos.count = 0;
        kerf_cluster_content_index_clear(&cluster->labels_memo_index);
        kerf_arena_reset(&cluster->labels_memo_arena);
    }
    struct labels_memo found = {.namespace_name = namespace_name, .budgets = match_budgets(cluster, namespace_name, labels)};
    found.labels.count = labels->count;
    found.labels.items = kerf_arena_copy(&cluster->labels_memo_arena, labels->items, labels->count * sizeof *labels->items);
    kerf_cluster_content_index_put(&cluster->labels_memo_index, hash, (uint32_t)cluster->labels_memos.count);
    KERF_VEC_PUSH(&cluster->labels_memos, found);
    return found.budgets;
}

const uint32_t *kerf_cluster_pdbs_of_pod(const struct kerf_cluster *cluster, kerf_pod_id pod, size_t *out_count)
{
    const struct budget_set *set = &cluster->budget_sets.items[kerf_cluster_require_pod_entry(cluster, pod)->budgets];
    *out_count = set->count;
    return set->pdbs;
}

/* ---- whose replicas
 * ---------------------------------------------------------------------------------------------------------------------- */

static bool has_scale(enum kerf_workload_kind kind)
{
    return kind == KERF_WORKLOAD_DEPLOYMENT || kind == KERF_WORKLOAD_REPLICASET || kind == KERF_WORKLOAD_STATEFULSET ||
           kind == KERF_WORKLOAD_REPLICATIONCONTROLLER;
}

struct controller_key {
    const struct kerf_cluster *cluster;
    struct pod_controller wanted;
};

static bool controller_is(const void *context, uint32_t value)
{
    const struct controller_key *key = context;
    const struct pod_controller *known = &key->cluster->controllers.items[value];
    return known->workload_index == key->wanted.workload_index && known->namespace_name == key->wanted.namespace_name &&
           known->kind == key->wanted.kind && known->name == key->wanted.name;
}

static uint32_t find_controller(struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod)
{
    struct controller_key key = {.cluster = cluster, .wanted = {.replicas = -1, .workload_index = pod->workload_index}};
    uint64_t hash;
    if (pod->workload_index != KERF_NOT_FOUND) {
        if (!has_scale(cluster->objects->workloads.items[pod->workload_index].kind))
            return KERF_NOT_FOUND;
        key.wanted.replicas = cluster->workload_replicas[pod->workload_index];
        hash = kerf_hash_mix(pod->workload_index, 0);
    } else {
        const struct kerf_owner *owner = kerf_meta_controller(&pod->pod.meta);
        if (!owner || !(kerf_name_is(owner->kind, "ReplicaSet") || kerf_name_is(owner->kind, "StatefulSet") ||
                        kerf_name_is(owner->kind, "ReplicationController") || kerf_name_is(owner->kind, "Deployment")))
            return KERF_NOT_FOUND;
        key.wanted.namespace_name = pod->pod.meta.namespace_name;
        key.wanted.kind = owner->kind;
        key.wanted.name = owner->name;
        hash = kerf_hash_mix(hash_names(key.wanted.namespace_name, owner->name), owner->kind->hash);
    }
    uint32_t index = kerf_cluster_content_index_find(&cluster->controller_index, hash, controller_is, &key);
    if (index == KERF_NOT_FOUND) {
        index = (uint32_t)cluster->controllers.count;
        KERF_VEC_PUSH(&cluster->controllers, key.wanted);
        kerf_cluster_content_index_put(&cluster->controller_index, hash, index);
    }
    return index;
}

/* ---- counts
 * -------------------------------------------------------------------------------------------------------------------------------
 */

static uint64_t budget_controller(uint32_t pdb, uint32_t controller)
{
    return (uint64_t)pdb << 32 | controller;
}

static bool is_healthy(const struct pod_entry *pod)
{
    return pod->pod.ready && kerf_pod_is_active(&pod->pod.pod);
}

void kerf_cluster_budgets_add_pod(struct kerf_cluster *cluster, struct pod_entry *pod)
{
    pod->budgets = kerf_cluster_budgets_find_set(cluster, pod->pod.pod.meta.namespace_name, &pod->pod.pod.meta.labels);
    pod->controller = KERF_NOT_FOUND;
    pod->counted_healthy = false;
    const struct budget_set *set = &cluster->budget_sets.items[pod->budgets];
    if (!set->count)
        return;
    pod->controller = find_controller(cluster, &pod->pod);
    for (uint32_t i = 0; i < set->count; i++) {
        struct budget_count *count = &cluster->budget_counts[set->pdbs[i]];
        count->pods++;
        if (pod->controller == KERF_NOT_FOUND)
            continue;
        int64_t replicas = cluster->controllers.items[pod->controller].replicas;
        if (replicas < 0) {
            count->pods_of_unknown++;
            continue;
        }
        uint64_t key = budget_controller(set->pdbs[i], pod->controller);
        uint32_t pods = kerf_id_map_get(&cluster->budget_controller_pods, key);
        if (pods == KERF_NOT_FOUND) {
            count->replicas += replicas;
            pods = 0;
        }
        kerf_id_map_put(&cluster->budget_controller_pods, key, pods + 1);
    }
    kerf_cluster_budgets_refresh_pod(cluster, pod);
}

void kerf_cluster_budgets_refresh_pod(struct kerf_cluster *cluster, struct pod_entry *pod)
{
    bool healthy = is_healthy(pod);
    if (healthy == pod->counted_healthy)
        return;
    pod->counted_healthy = healthy;
    const struct budget_set *set = &cluster->budget_sets.items[pod->budgets];
    for (uint32_t i = 0; i < set->count; i++)
        cluster->budget_counts[set->pdbs[i]].healthy += healthy ? 1 : -1;
}

void kerf_cluster_budgets_remove_pod(struct kerf_cluster *cluster, struct pod_entry *pod)
{
    const struct budget_set *set = &cluster->budget_sets.items[pod->budgets];
    for (uint32_t i = 0; i < set->count; i++) {
        struct budget_count *count = &cluster->budget_counts[set->pdbs[i]];
        count->pods--;
        count->healthy -= pod->counted_healthy;
        if (pod->controller == KERF_NOT_FOUND)
            continue;
        int64_t replicas = cluster->controllers.items[pod->controller].replicas;
        if (replicas < 0) {
            count->pods_of_unknown--;
            continue;
        }
        uint64_t key = budget_controller(set->pdbs[i], pod->controller);
        uint32_t pods = kerf_id_map_get(&cluster->budget_controller_pods, key);
        KERF_ASSERT(pods != KERF_NOT_FOUND);
        if (pods > 1) {
            kerf_id_map_put(&cluster->budget_controller_pods, key, pods - 1);
        } else {
            kerf_id_map_remove(&cluster->budget_controller_pods, key);
            count->replicas -= replicas;
        }
    }
    pod->counted_healthy = false;
}

void kerf_cluster_set_workload_replicas(struct kerf_cluster *cluster, uint32_t workload_index, int64_t replicas)
{
    assert_may_change(cluster);
    KERF_ASSERT(workload_index < cluster->objects->workloads.count);
    KERF_ASSERT(replicas >= 0);
    cluster->workload_replicas[workload_index] = replicas;
    struct controller_key key = {.cluster = cluster, .wanted = {.workload_index = workload_index}};
    uint32_t index =
        kerf_cluster_content_index_find(&cluster->controller_index, kerf_hash_mix(workload_index, 0), controller_is, &key);
    if (index == KERF_NOT_FOUND)
        return;
    struct pod_controller *controller = &cluster->controllers.items[index];
    for (uint32_t pdb = 0; pdb < cluster->objects->pdbs.count; pdb++)
        if (kerf_id_map_get(&cluster->budget_controller_pods, budget_controller(pdb, index)) != KERF_NOT_FOUND)
            cluster->budget_counts[pdb].replicas += replicas - controller->replicas;
    controller->replicas = replicas;
}

int64_t kerf_cluster_workload_replicas(const struct kerf_cluster *cluster, uint32_t workload_index)
{
    KERF_ASSERT(workload_index < cluster->objects->workloads.count);
    return cluster->workload_replicas[workload_index];
}

void kerf_cluster_count_pdbs(struct kerf_cluster *cluster)
{
    cluster->budgets_counted = true;
}

static int64_t percent_of(int32_t percent, int64_t count)
{
    return (percent * count + 99) / 100;
}

static int32_t narrowed(int64_t value)
{
    return (int32_t)kerf_min_i64(kerf_max_i64(value, 0), INT32_MAX);
}

struct kerf_pdb_state kerf_cluster_pdb_state(const struct kerf_cluster *cluster, uint32_t pdb_index)
{
    KERF_ASSERT(pdb_index < cluster->objects->pdbs.count);
    const struct kerf_pdb *pdb = &cluster->objects->pdbs.items[pdb_index];
    if (pdb->has_status && !cluster->budgets_counted)
        return (struct kerf_pdb_state){.disruptions_allowed = pdb->disruptions_allowed,
                                       .current_healthy = pdb->current_healthy,
                                       .desired_healthy = pdb->desired_healthy,
                                       .expected_pods = pdb->expected_pods};
    const struct budget_count *count = &cluster->budget_counts[pdb_index];
    int64_t expected = count->replicas + count->pods_of_unknown;
    int64_t desired;
    if (pdb->max_unavailable.present) {
        int64_t unavailable =
            pdb->max_unavailable.percent ? percent_of(pdb->max_unavailable.value, expected) : pdb->max_unavailable.value;
        desired = kerf_max_i64(0, expected - unavailable);
    } else if (pdb->min_available.present && pdb->min_available.percent) {
        desired = percent_of(pdb->min_available.value, expected);
    } else {
        expected = count->pods;
        /* The API server defaults a budget without either to nothing; the controller then reads minAvailable as 0. */
        desired = pdb->min_available.present ? pdb->min_available.value : 0;
    }
    int64_t allowed = expected <= 0 ? 0 : kerf_max_i64(0, count->healthy - desired);
    return (struct kerf_pdb_state){.disruptions_allowed = narrowed(allowed),
                                   .current_healthy = narrowed(count->healthy),
                                   .desired_healthy = narrowed(desired),
                                   .expected_pods = narrowed(expected)};
}

void kerf_cluster_budgets_check(const struct kerf_cluster *cluster)
{
    size_t pdb_count = cluster->objects->pdbs.count;
    struct budget_count *counts = kerf_allocate(kerf_array_bytes(pdb_count, sizeof *counts));
    struct kerf_id_map seen = {0};
    for (size_t at = 0; at < cluster->pod_order->count; at++) {
        const struct pod_entry *pod =
            kerf_cluster_slot_table_item(&cluster->pods, kerf_cluster_slot_order_at(cluster->pod_order, at));
        KERF_ASSERT(pod->counted_healthy == (is_healthy(pod) && cluster->budget_sets.items[pod->budgets].count > 0) ||
                    cluster->budget_sets.items[pod->budgets].count == 0);
        KERF_ASSERT(pod->pod.ready == kerf_conditions_true(&kerf_pod_status(&pod->pod.pod)->conditions, "Ready"));
        uint32_t matching = 0;
        for (uint32_t pdb = 0; pdb < pdb_count; pdb++) {
            const struct kerf_pdb *budget = &cluster->objects->pdbs.items[pdb];
            if (budget->meta.namespace_name != pod->pod.pod.meta.namespace_name || !budget->meta.namespace_name ||
                !kerf_label_selector_matches(&budget->selector, &pod->pod.pod.meta.labels))
                continue;
            const struct budget_set *set = &cluster->budget_sets.items[pod->budgets];
            KERF_ASSERT(matching < set->count && set->pdbs[matching] == pdb);
            matching++;
            counts[pdb].pods++;
            counts[pdb].healthy += is_healthy(pod);
            if (pod->controller == KERF_NOT_FOUND)
                continue;
            int64_t replicas = cluster->controllers.items[pod->controller].replicas;
            if (replicas < 0) {
                counts[pdb].pods_of_unknown++;
            } else if (kerf_id_map_get(&seen, budget_controller(pdb, pod->controller)) == KERF_NOT_FOUND) {
                counts[pdb].replicas += replicas;
                kerf_id_map_put(&seen, budget_controller(pdb, pod->controller), 1);
            }
        }
        KERF_ASSERT(matching == cluster->budget_sets.items[pod->budgets].count);
    }
    for (size_t pdb = 0; pdb < pdb_count; pdb++) {
        KERF_ASSERT(counts[pdb].pods == cluster->budget_counts[pdb].pods);
        KERF_ASSERT(counts[pdb].healthy == cluster->budget_counts[pdb].healthy);
        KERF_ASSERT(counts[pdb].replicas == cluster->budget_counts[pdb].replicas);
        KERF_ASSERT(counts[pdb].pods_of_unknown == cluster->budget_counts[pdb].pods_of_unknown);
    }
    kerf_id_map_fini(&seen);
    free(counts);
}
