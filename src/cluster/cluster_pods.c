/** Pods change: they come, are bound, run, become ready, end, go. What nodes and PDBs count of them is kept on the way. */
#include "cluster_internal.h"

#include <stdlib.h>

void kerf_cluster_pod_entry_free(struct pod_entry *pod)
{
    if (pod->status)
        free(pod->status->conditions);
    free(pod->status);
}

static bool is_pending(const struct kerf_pod *pod)
{
    return !pod->node_name && !kerf_pod_is_terminal(pod);
}

static void keep_in(struct slot_order *order, uint32_t slot, bool wanted)
{
    if (wanted == kerf_cluster_slot_order_has(order, slot))
        return;
    if (wanted)
        kerf_cluster_slot_order_add(order, slot);
    else
        kerf_cluster_slot_order_remove(order, slot);
}

static void refresh_pending(struct kerf_cluster *cluster, struct pod_entry *pod)
{
    bool pending = is_pending(&pod->pod.pod);
    keep_in(cluster->pending_order, pod->slot, pending);
    keep_in(cluster->nominated_order, pod->slot, pending && kerf_pod_status(&pod->pod.pod)->nominated_node_name);
    keep_in(cluster->ended_order, pod->slot, !pending && !pod->pod.pod.node_name);
}

static void put_on_node(struct kerf_cluster *cluster, struct pod_entry *pod, struct entry *entry, bool as_read)
{
    struct kerf_cluster_node *node = &entry->node;
    if (node->pod_count == node->pod_capacity) {
        node->pod_capacity = node->pod_capacity ? node->pod_capacity * 2 : 16;
        entry->pod_ids = kerf_reallocate(entry->pod_ids, node->pod_capacity * sizeof *entry->pod_ids);
        node->pods = entry->pod_ids;
    }
    pod->pod.node = node->id;
    pod->pod.index_on_node = node->pod_count;
    entry->pod_ids[node->pod_count++] = pod->pod.id;
    if (!kerf_pod_is_terminal(&pod->pod.pod))
        kerf_cluster_node_take_room(entry, pod, as_read);
    kerf_cluster_advance_consolidation_state(cluster);
}

static void take_off_node(struct kerf_cluster *cluster, struct pod_entry *pod)
{
    struct entry *entry = entry_of(cluster, pod->pod.node);
    if (!entry)
        return;
    struct kerf_cluster_node *node = &entry->node;
    uint32_t at = pod->pod.index_on_node;
    KERF_ASSERT(at < node->pod_count);
    node->pod_count--;
    for (uint32_t i = at; i < node->pod_count; i++) { /* binding order stays: a node holds dozens, at most hundreds */
        entry->pod_ids[i] = entry->pod_ids[i + 1];
        kerf_cluster_require_pod_entry(cluster, entry->pod_ids[i])->pod.index_on_node = i;
    }
    kerf_cluster_node_give_room(cluster, entry, pod);
}

kerf_pod_id kerf_cluster_add_pod(struct kerf_cluster *cluster, const struct kerf_pod *pod, uint32_t workload_index)
{
    assert_may_change(cluster);
    uint32_t slot;
    kerf_pod_id id = {kerf_cluster_slot_table_take(&cluster->pods, &slot)};
    struct pod_entry *entry = kerf_cluster_slot_table_item(&cluster->pods, slot);
    entry->pod = (struct kerf_cluster_pod){.id = id, .pod = *pod, .node = KERF_NO_NODE, .workload_index = workload_index};
    entry->slot = slot;
    entry->daemon = entry->pod.daemon = kerf_pod_is_daemon(pod);
    entry->pod.ready = kerf_conditions_true(&kerf_pod_status(pod)->conditions, "Ready");
    entry->counted_room = false;
    kerf_cluster_slot_order_add(cluster->pod_order, slot);
    if (entry->daemon)
        kerf_cluster_slot_order_add(cluster->daemon_order, slot);
    if (pod->spec->required_anti_affinity.count > 0)
        kerf_cluster_slot_order_add(cluster->anti_affine_order, slot);
    uint32_t node_id = pod->node_name ? kerf_name_map_get(&cluster->node_by_name, pod->node_name) : KERF_NOT_FOUND;
    if (node_id != KERF_NOT_FOUND)
        put_on_node(cluster, entry, kerf_cluster_require_entry(cluster, (kerf_node_id){node_id}), true);
    refresh_pending(cluster, entry);
    kerf_cluster_budgets_add_pod(cluster, entry);
    kerf_cluster_tell(cluster, KERF_CHANGE_POD_ADDED, entry->pod.node, id);
    return id;
}

void kerf_cluster_bind_pod(struct kerf_cluster *cluster, kerf_pod_id id, kerf_node_id node_id)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    struct entry *entry = kerf_cluster_require_entry(cluster, node_id);
    KERF_ASSERT(is_pending(&pod->pod.pod));
    KERF_ASSERT(entry->node.has_node);
    pod->pod.pod.node_name = entry->node.node.meta.name;
    put_on_node(cluster, pod, entry, false);
    refresh_pending(cluster, pod);
    kerf_cluster_tell(cluster, KERF_CHANGE_POD_BOUND, node_id, id);
}

/** The pod's status, to be changed: its own from now on. */
static struct own_status *open_status(struct pod_entry *pod)
{
    if (!pod->status)
        pod->status = kerf_allocate(sizeof *pod->status);
    if (pod->pod.pod.status != &pod->status->now) {
        pod->status->now = *kerf_pod_status(&pod->pod.pod);
        pod->pod.pod.status = &pod->status->now;
    }
    return pod->status;
}

void kerf_cluster_set_pod_phase(struct kerf_cluster *cluster, kerf_pod_id id, enum kerf_pod_phase phase)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    enum kerf_pod_phase before = pod->pod.pod.phase;
    pod->pod.pod.has_status = true;
    if (before == phase)
        return;
    KERF_ASSERT(!kerf_pod_is_terminal(&pod->pod.pod));
    pod->pod.pod.phase = phase;
    if (phase == KERF_POD_RUNNING && kerf_pod_status(&pod->pod.pod)->started_epoch_us == KERF_TIME_UNSET)
        open_status(pod)->now.started_epoch_us = cluster->now_epoch_us;
    if (kerf_pod_is_terminal(&pod->pod.pod)) {
        struct entry *entry = entry_of(cluster, pod->pod.node);
        if (entry)
            kerf_cluster_node_give_room(cluster, entry, pod);
        refresh_pending(cluster, pod);
    }
    kerf_cluster_budgets_refresh_pod(cluster, pod);
    if (kerf_pod_is_terminal(&pod->pod.pod))
        kerf_cluster_tell(cluster, KERF_CHANGE_POD_FINISHED, pod->pod.node, id);
    else if (phase == KERF_POD_RUNNING)
        kerf_cluster_tell(cluster, KERF_CHANGE_POD_RUNNING, pod->pod.node, id);
}

static bool set_condition(struct kerf_cluster *cluster, struct pod_entry *pod, const char *type,
                          enum kerf_condition_status status, const char *reason)
{
    struct kerf_condition condition = {.type = kerf_name_of(cluster->vocabulary->names, type),
                                       .status = status,
                                       .reason = kerf_name_of(cluster->vocabulary->names, reason),
                                       .transition_epoch_us = cluster->now_epoch_us};
    pod->pod.pod.has_status = true;
    struct own_status *own = open_status(pod);
    size_t count;
    return kerf_cluster_conditions_set(&own->now.conditions, &own->conditions, &count, &own->condition_capacity, condition);
}

void kerf_cluster_set_pod_ready(struct kerf_cluster *cluster, kerf_pod_id id, bool ready)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    set_condition(cluster, pod, "Ready", ready ? KERF_CONDITION_TRUE : KERF_CONDITION_FALSE, NULL);
    if (pod->pod.ready == ready)
        return;
    pod->pod.ready = ready;
    kerf_cluster_budgets_refresh_pod(cluster, pod);
    kerf_cluster_tell(cluster, ready ? KERF_CHANGE_POD_READY : KERF_CHANGE_POD_NOT_READY, pod->pod.node, id);
}

static bool is_unschedulable(const struct pod_entry *pod)
{
    const struct kerf_condition *condition = kerf_conditions_get(&kerf_pod_status(&pod->pod.pod)->conditions, "PodScheduled");
    return condition && condition->status == KERF_CONDITION_FALSE && kerf_name_is(condition->reason, "Unschedulable");
}

void kerf_cluster_set_pod_unschedulable(struct kerf_cluster *cluster, kerf_pod_id id, bool unschedulable)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    if (!unschedulable) {
        set_condition(cluster, pod, "PodScheduled", KERF_CONDITION_UNKNOWN, NULL);
        return;
    }
    bool known = is_unschedulable(pod);
    set_condition(cluster, pod, "PodScheduled", KERF_CONDITION_FALSE, "Unschedulable");
    if (!known)
        kerf_cluster_tell(cluster, KERF_CHANGE_POD_UNSCHEDULABLE, KERF_NO_NODE, id);
}

void kerf_cluster_set_pod_nominated(struct kerf_cluster *cluster, kerf_pod_id id, kerf_name node_name)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    bool taken_back = kerf_pod_status(&pod->pod.pod)->nominated_node_name && !node_name;
    open_status(pod)->now.nominated_node_name = node_name;
    refresh_pending(cluster, pod);
    if (taken_back && is_unschedulable(pod)) /* Karpenter sees it again */
        kerf_cluster_tell(cluster, KERF_CHANGE_POD_UNSCHEDULABLE, KERF_NO_NODE, id);
}

void kerf_cluster_clear_nominations(struct kerf_cluster *cluster, kerf_node_id node, int32_t priority)
{
    kerf_name name = kerf_cluster_node(cluster, node)->node.meta.name;
    for (size_t at = kerf_cluster_nominated_count(cluster); at-- > 0;) {
        const struct kerf_cluster_pod *pod = kerf_cluster_nominated_at(cluster, at);
        if (kerf_pod_status(&pod->pod)->nominated_node_name == name && kerf_pod_priority(&pod->pod) < priority)
            kerf_cluster_set_pod_nominated(cluster, pod->id, NULL);
    }
}

void kerf_cluster_set_pod_addressed(struct kerf_cluster *cluster, kerf_pod_id id)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    pod->pod.addressed = true;
    kerf_cluster_tell(cluster, KERF_CHANGE_POD_ADDRESSED, pod->pod.node, id);
}

void kerf_cluster_set_pod_attached(struct kerf_cluster *cluster, kerf_pod_id id)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    pod->pod.attached = true;
    kerf_cluster_tell(cluster, KERF_CHANGE_POD_ATTACHED, pod->pod.node, id);
}

void kerf_cluster_delete_pod(struct kerf_cluster *cluster, kerf_pod_id id, kerf_time_us deletion_epoch_us)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    bool before = kerf_pod_is_terminating(&pod->pod.pod);
    if (before && deletion_epoch_us >= pod->pod.pod.meta.deletion_epoch_us)
        return; /* a repeated delete can only shorten the time */
    pod->pod.pod.meta.deletion_epoch_us = deletion_epoch_us;
    if (before) {
        kerf_cluster_tell(cluster, KERF_CHANGE_POD_HURRIED, pod->pod.node, id);
        return;
    }
    kerf_cluster_budgets_refresh_pod(cluster, pod);
    kerf_cluster_tell(cluster, KERF_CHANGE_POD_TERMINATING, pod->pod.node, id);
}

void kerf_cluster_remove_pod(struct kerf_cluster *cluster, kerf_pod_id id)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    kerf_node_id node = pod->pod.node;
    kerf_cluster_tell(cluster, KERF_CHANGE_POD_REMOVED, node, id);
    take_off_node(cluster, pod);
    kerf_cluster_budgets_remove_pod(cluster, pod);
    kerf_cluster_slot_order_remove(cluster->pod_order, pod->slot);
    struct slot_order *const others[] = {cluster->pending_order, cluster->nominated_order, cluster->ended_order, cluster->daemon_order,
                                         cluster->anti_affine_order};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (kerf_cluster_slot_order_has(others[i], pod->slot))
            kerf_cluster_slot_order_remove(others[i], pod->slot);
    kerf_cluster_slot_table_release(&cluster->pods, id.index);
    kerf_cluster_advance_consolidation_state(cluster);
}

void kerf_cluster_set_pod_tag(struct kerf_cluster *cluster, kerf_pod_id id, uint64_t tag)
{
    assert_may_change(cluster);
    kerf_cluster_require_pod_entry(cluster, id)->pod.tag = tag;
}

void kerf_cluster_set_pod_spec(struct kerf_cluster *cluster, kerf_pod_id id, const struct kerf_pod_spec *spec,
                               const struct kerf_resources *requests)
{
    assert_may_change(cluster);
    struct pod_entry *pod = kerf_cluster_require_pod_entry(cluster, id);
    struct entry *entry = pod->counted_room ? entry_of(cluster, pod->pod.node) : NULL;
    if (entry)
        kerf_cluster_node_give_room(cluster, entry, pod);
    pod->pod.pod.spec = spec;
    pod->pod.pod.requests = requests;
    if (entry)
        kerf_cluster_node_take_room(entry, pod, false);
}
