/**
 * pass_nodes: existing nodes as destinations. karpenter-provisioning.md 3.3, 5.1, 5.2.
 *
 * Most nodes are only ever asked whether a pod fits, so a node keeps its labels until a pod makes its requirements say more than
 * they do (Q11); only then the list of requirements is made.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- labels as requirements ------------------------------------------------------------------------------------------- */

kerf_name kerf_pass_node_label(const struct kerf_pass *pass, const struct kerf_pass_node *node, kerf_name key)
{
    if (key == pass->vocabulary->key_hostname)
        return node->hostname;
    return kerf_labels_get(node->labels, key);
}

/* Old keys beside current ones that say the same are of no account; anything else needs the list. */
static bool has_odd_labels(const struct kerf_pass *pass, const struct kerf_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        kerf_name key = kerf_vocabulary_normalize_key(pass->vocabulary, labels->items[i].key);
        if (key != labels->items[i].key && kerf_labels_get(labels, key) != labels->items[i].value)
            return true;
    }
    return false;
}

const struct kerf_requirements *kerf_pass_node_requirements(struct kerf_pass *pass, struct kerf_pass_node *node)
{
    if (node->requirements.count == 0) {
        node->requirements = kerf_requirements_of_labels(&pass->arena, pass->vocabulary, node->labels);
        struct kerf_requirement host = kerf_requirement_in(&pass->arena, pass->vocabulary->key_hostname, &node->hostname, 1);
        kerf_requirements_add(&pass->arena, &node->requirements, &host);
    }
    return &node->requirements;
}

/* Compatible of 4.3, nothing undefined allowed, for a key whose label is known: NULL: not defined. */
static bool value_accepted(const struct kerf_requirement *wanted, kerf_name value)
{
    if (value != NULL)
        return kerf_requirement_has(wanted, value);
    enum kerf_operator op = kerf_requirement_operator(wanted);
    return op == KERF_OP_NOT_IN || op == KERF_OP_DOES_NOT_EXIST;
}

bool kerf_pass_labels_accept(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_requirements *incoming)
{
    if (incoming->count == 0)
        return true;
    if (node->odd_labels || node->requirements.count > 0)
        return kerf_requirements_compatible(pass->vocabulary, kerf_pass_node_requirements(pass, node), incoming,
                                            KERF_UNDEFINED_NONE, NULL);
    for (size_t i = 0; i < incoming->count; i++)
        if (!value_accepted(&incoming->items[i], kerf_pass_node_label(pass, node, incoming->items[i].key)))
            return false;
    return true;
}

bool kerf_pass_plain_labels_accept(struct kerf_pass *pass, const struct kerf_labels *labels,
                                   const struct kerf_requirements *incoming)
{
    if (incoming->count == 0)
        return true;
    if (has_odd_labels(pass, labels)) {
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        struct kerf_requirements own = kerf_requirements_of_labels(&pass->scratch, pass->vocabulary, labels);
        bool accepted = kerf_requirements_compatible(pass->vocabulary, &own, incoming, KERF_UNDEFINED_NONE, NULL);
        kerf_arena_rewind(&pass->scratch, mark);
        return accepted;
    }
    for (size_t i = 0; i < incoming->count; i++)
        if (!value_accepted(&incoming->items[i], kerf_labels_get(labels, incoming->items[i].key)))
            return false;
    return true;
}

/* ---- the list --------------------------------------------------------------------------------------------------------- */

int kerf_pass_compare_nodes(const struct kerf_pass_node *left, const struct kerf_pass_node *right)
{
    if (left->initialized != right->initialized)
        return left->initialized ? -1 : 1;
    int order = kerf_name_compare(left->name, right->name);
    return order != 0 ? order : kerf_compare_u64(left->id.index, right->id.index);
}

static int compare_nodes(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_pass_compare_nodes(a, b);
}

/* Consolidation's simulations give a node no pods within its pool's consolidateAfter (karpenter-disruption 7.2): what of it stays. */
static void read_window(const struct kerf_pass *pass, struct kerf_pass_node *entry)
{
    const struct kerf_cluster_node *node = entry->node;
    entry->window_us = 0;
    if (!node->has_claim || node->nodepool_index == KERF_NOT_FOUND)
        return;
    const struct kerf_nodepool *pool = &pass->objects->nodepools.items[node->nodepool_index];
    if (pool->replicas >= 0 || pool->meta.deletion_epoch_us != KERF_TIME_UNSET || !kerf_nodepool_is_ready(pool))
        return;
    if (pool->consolidate_after_us == 0 || pool->consolidate_after_us == KERF_TIME_NEVER)
        return;
    const struct kerf_condition *initialized = kerf_conditions_get(&node->claim.conditions, "Initialized");
    if (initialized == NULL || initialized->status != KERF_CONDITION_TRUE)
        return;
    entry->window_us = pool->consolidate_after_us;
    entry->initialized_epoch_us = initialized->transition_epoch_us;
}

bool kerf_pass_node_is_closed(const struct kerf_provisioning_options *options, const struct kerf_pass_node *entry)
{
    if (!options->protect_recent_nodes || entry->window_us == 0)
        return false;
    kerf_time_us event_epoch_us = entry->node->claim.last_pod_event_epoch_us;
    kerf_time_us since = event_epoch_us != KERF_TIME_UNSET ? event_epoch_us : entry->initialized_epoch_us;
    return since != KERF_TIME_UNSET && options->now_epoch_us - since < entry->window_us;
}

/* A resource that the node does not have is not missed: only a negative rest of what it has closes it (3.2). */
static void take_off(struct kerf_resources *rest, struct kerf_resources taken)
{
    taken.present &= rest->present;
    kerf_resources_subtract(rest, &taken);
}

void kerf_pass_fill_node(struct kerf_pass *pass, struct kerf_pass_node *node)
{
    struct kerf_resources still_to_come = kerf_pass_daemons_of_node(pass, node);
    for (uint32_t present = still_to_come.present; present != 0; present &= present - 1) {
        uint32_t resource = (uint32_t)__builtin_ctz(present);
        int64_t missing = still_to_come.amounts[resource] - node->node->daemon_requested.amounts[resource];
        still_to_come.amounts[resource] = kerf_max_i64(0, missing);
    }
    node->remaining = kerf_cluster_node_allocatable(pass->cluster, node->node);
    take_off(&node->remaining, node->node->requested);
    take_off(&node->remaining, still_to_come);
}

bool kerf_pass_considers_node(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    if (kerf_cluster_is_deleting(cluster, node))
        return false;
    return node->has_node || node->claim.provider_id != NULL; /* not yet launched: such an entry blocks real passes (1.6) */
}

void kerf_pass_read_node(struct kerf_pass *pass, const struct kerf_cluster_node *node, struct kerf_pass_node *out_entry)
{
    const struct kerf_cluster *cluster = pass->cluster;
    *out_entry = (struct kerf_pass_node){
        .id = node->id,
        .node = node,
        .name = kerf_cluster_node_name(cluster, node),
        .hostname = kerf_cluster_node_hostname(cluster, node),
        .initialized = kerf_cluster_is_initialized(cluster, node),
        .labels = kerf_cluster_node_labels(cluster, node),
        .taints = kerf_cluster_node_taints(cluster, node, &pass->arena),
        .csinode = node->has_node ? kerf_cluster_find_csinode(cluster, node->node.meta.name) : NULL,
    };
    out_entry->odd_labels = has_odd_labels(pass, out_entry->labels);
    read_window(pass, out_entry);
    out_entry->closed = kerf_pass_node_is_closed(&pass->options, out_entry);
}

void kerf_pass_list_nodes(struct kerf_pass *pass)
{
    const struct kerf_cluster *cluster = pass->cluster;
    for (size_t i = 0; i < kerf_cluster_node_count(cluster); i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, i);
        if (kerf_pass_considers_node(cluster, node))
            kerf_pass_read_node(pass, node, &pass->nodes[pass->node_count++]);
    }
    kerf_sort(pass->nodes, pass->node_count, sizeof pass->nodes[0], compare_nodes, NULL);
}

/* ---- host ports ------------------------------------------------------------------------------------------------------- */

static void add_ports(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pod_spec *spec)
{
    for (uint32_t i = 0; i < spec->container_count; i++)
        for (uint32_t k = 0; !spec->containers[i].init && k < spec->containers[i].host_port_count; k++)
            KERF_VEC_PUSH_IN(&pass->arena, &node->ports, spec->containers[i].host_ports[k]);
}

bool kerf_pass_node_ports_conflict(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pass_pod *pod)
{
    if (!node->ports_known) {
        node->ports_known = true;
        for (uint32_t i = 0; i < node->node->pod_count; i++) {
            const struct kerf_cluster_pod *bound = kerf_cluster_pod(pass->cluster, node->node->pods[i]);
            if (bound != NULL && !kerf_pod_is_terminal(&bound->pod))
                add_ports(pass, node, bound->pod.spec);
        }
        for (size_t i = 0; i < node->placed.count; i++)
            add_ports(pass, node, kerf_cluster_pod(pass->cluster, node->placed.items[i])->pod.spec);
    }
    return kerf_pod_ports_conflict(pod->pod->spec, node->ports.items, node->ports.count);
}

/* ---- a pod at a node -------------------------------------------------------------------------------------------------- */

/* A what-if has failed once such a pod has no better place than a node that may never be there. */
static bool may_not_wait(const struct kerf_pass *pass, const struct kerf_pass_pod *pod)
{
    const struct kerf_cluster_pod *found = kerf_cluster_pod(pass->cluster, pod->id);
    const struct kerf_cluster_node *home = kerf_cluster_node(pass->cluster, found->node);
    return !(home != NULL && kerf_cluster_is_deleting(pass->cluster, home)) && !kerf_pod_is_provisionable(&found->pod);
}

static void place(struct kerf_pass *pass, struct kerf_pass_node *node, struct kerf_pass_pod *pod,
                  const struct kerf_candidate *candidate)
{
    if (!node->initialized && pass->input->stop_at_uninitialized)
        pass->stopped = pass->stopped || may_not_wait(pass, pod);
    kerf_resources_subtract(&node->remaining, pod->requests);
    struct kerf_node_room *room = &pass->node_rooms[node - pass->nodes];
    room->cpu_nanocores = node->remaining.cpu_nanocores;
    room->memory_millibytes = node->remaining.memory_millibytes;
    if (pod->has_host_ports && node->ports_known)
        add_ports(pass, node, pod->pod->spec);
    if (pod->has_claim_volumes)
        kerf_pass_attach_volumes(pass, node, pod);
    KERF_VEC_PUSH_IN(&pass->arena, &node->placed, pod->id);
    kerf_pass_topology_record(pass, pod, candidate);
}

/* The rule in full: merge what the pod, a volume alternative and topology demand into the node's requirements (5.2, 5 and 6). */
static bool merge_and_place(struct kerf_pass *pass, struct kerf_pass_node *node, struct kerf_pass_pod *pod,
                            struct kerf_candidate *candidate)
{
    const struct kerf_requirements *own = kerf_pass_node_requirements(pass, node);
    if (!kerf_requirements_compatible(pass->vocabulary, own, &pod->now.full, KERF_UNDEFINED_NONE, NULL))
        return false;
    struct kerf_requirements with_pod = kerf_requirements_copy(&pass->scratch, own);
    kerf_requirements_add_all(&pass->scratch, &with_pod, &pod->now.full);
    uint32_t alternatives = pod->volume_alternative_count > 0 ? pod->volume_alternative_count : 1;
    for (uint32_t i = 0; i < alternatives; i++) {
        struct kerf_requirements merged = kerf_requirements_copy(&pass->scratch, &with_pod);
        if (pod->volume_alternative_count > 0) {
            if (!kerf_requirements_compatible(pass->vocabulary, &merged, &pod->volume_alternatives[i], KERF_UNDEFINED_NONE, NULL))
                continue;
            kerf_requirements_add_all(&pass->scratch, &merged, &pod->volume_alternatives[i]);
        }
        struct kerf_requirements demanded;
        if (!kerf_pass_topology_tighten(pass, pod, candidate, &merged, &demanded, NULL))
            continue;
        if (!kerf_requirements_compatible(pass->vocabulary, &merged, &demanded, KERF_UNDEFINED_NONE, NULL))
            continue;
        kerf_requirements_add_all(&pass->scratch, &merged, &demanded);
        node->requirements = kerf_pass_keep_requirements(pass, own, &merged);
        candidate->requirements = &node->requirements;
        place(pass, node, pod, candidate);
        return true;
    }
    return false;
}

/* Does the pod bring a key that the node's labels don't define? Then it stays on the node (Q11), and the list must be made. */
static bool brings_new_key(const struct kerf_pass *pass, const struct kerf_pass_node *node,
                           const struct kerf_requirements *incoming)
{
    for (size_t i = 0; i < incoming->count; i++)
        if (kerf_pass_node_label(pass, node, incoming->items[i].key) == NULL)
            return true;
    return false;
}

/* What only gets worse in the course of a pass. */
static bool is_open_to(const struct kerf_pass_node *node, const struct kerf_pass_pod *pod)
{
    return kerf_resources_fit(pod->requests, &node->remaining) && (!node->closed || pod->ignores_window) &&
           kerf_pass_tolerates(pod, &node->taints);
}

bool kerf_pass_try_node(struct kerf_pass *pass, uint32_t position, struct kerf_pass_pod *pod, struct kerf_refusal *refusal)
{
    struct kerf_pass_node *node = &pass->nodes[position];
    refusal->kind = KERF_REFUSED_EVER;
    if (!is_open_to(node, pod) || (pod->has_host_ports && kerf_pass_node_ports_conflict(pass, node, pod)))
        return false;
    refusal->kind = KERF_REFUSED_NOW; /* a volume that another pod attaches costs nothing */
    if (node->csinode != NULL && !kerf_pass_volumes_within_limits(pass, node, pod))
        return false;
    struct kerf_candidate candidate = {
        .node = node,
        .node_position = position,
        .taints = &node->taints,
        .hostname = node->hostname,
        .host_domain = pass->topology.hosts != NULL ? pass->topology.hosts->node_domains[position] : KERF_NOT_FOUND,
    };
    if (node->odd_labels || node->requirements.count > 0)
        return merge_and_place(pass, node, pod, &candidate);
    if (!kerf_pass_labels_accept(pass, node, &pod->now.full)) {
        refusal->kind = KERF_REFUSED_EVER;
        return false;
    }
    if (brings_new_key(pass, node, &pod->now.full))
        return merge_and_place(pass, node, pod, &candidate);
    bool volumes_accept = pod->volume_alternative_count == 0;
    for (uint32_t i = 0; i < pod->volume_alternative_count; i++) {
        if (!kerf_pass_labels_accept(pass, node, &pod->volume_alternatives[i]))
            continue;
        if (brings_new_key(pass, node, &pod->volume_alternatives[i]))
            return merge_and_place(pass, node, pod, &candidate);
        volumes_accept = true;
        break;
    }
    if (!volumes_accept)
        return false;
    bool needs_requirements = false;
    bool accepted = kerf_pass_topology_accepts_node(pass, pod, &candidate, &needs_requirements, refusal);
    if (needs_requirements)
        return merge_and_place(pass, node, pod, &candidate);
    if (accepted)
        place(pass, node, pod, &candidate);
    return accepted;
}

bool kerf_pass_add_to_node(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    struct kerf_refusal refusal = {0};
    if (pod->volumes_unreadable)
        return false;
    int64_t cpu = pod->requests->cpu_nanocores, memory = pod->requests->memory_millibytes;
    for (uint32_t i = 0; i < pass->node_count; i++) {
        const struct kerf_node_room *room = &pass->node_rooms[i];
        if ((cpu > room->cpu_nanocores && cpu > 0) || (memory > room->memory_millibytes && memory > 0))
            continue; /* wouldn't fit (3.2) */
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        bool placed = kerf_pass_try_node(pass, i, pod, &refusal);
        kerf_arena_rewind(&pass->scratch, mark);
        if (placed)
            return true;
    }
    return false;
}
