/** Which pods of a node would move, which are ignored, which one keeps the node (11). The first rule with an opinion decides. */
#include "autoscaling_internal.h"

#include <stdlib.h>

static const char safe_to_evict[] = "cluster-autoscaler.kubernetes.io/safe-to-evict";

const char *kerf_blocking_reason_text(enum kerf_blocking_reason reason)
{
    static const char *const texts[] = {
        [KERF_BLOCKING_NONE] = "NoReason",
        [KERF_BLOCKING_CONTROLLER_NOT_FOUND] = "ControllerNotFound",
        [KERF_BLOCKING_MIN_REPLICAS_REACHED] = "MinReplicasReached",
        [KERF_BLOCKING_NOT_REPLICATED] = "NotReplicated",
        [KERF_BLOCKING_LOCAL_STORAGE] = "LocalStorageRequested",
        [KERF_BLOCKING_NOT_SAFE_TO_EVICT] = "NotSafeToEvictAnnotation",
        [KERF_BLOCKING_KUBE_SYSTEM] = "UnmovableKubeSystemPod",
        [KERF_BLOCKING_NOT_ENOUGH_PDB] = "NotEnoughPdb",
    };
    return texts[reason];
}

static bool is_one_of(kerf_name kind, const char *const *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (kerf_name_is(kind, kinds[i]))
            return true;
    return false;
}

/** The controller as it was read; a ReplicaSet or Job that only its Deployment or CronJob stands for exists, too. */
static enum kerf_blocking_reason controller_blocks(const struct kerf_autoscaling *autoscaling, pod_ref pod,
                                                   const struct kerf_owner *controller)
{
    static const char *const known[] = {"ReplicationController", "Job", "ReplicaSet", "StatefulSet", "DaemonSet"};
    if (!is_one_of(controller->kind, known, sizeof known / sizeof known[0]))
        return KERF_BLOCKING_NONE;
    const struct kerf_objects *objects = kerf_cluster_objects(autoscaling->cluster);
    uint32_t index =
        kerf_cluster_find_workload(autoscaling->cluster, pod->pod.meta.namespace_name, controller->kind, controller->name);
    if (index == KERF_NOT_FOUND)
        index = pod->workload_index;
    if (index == KERF_NOT_FOUND)
        return KERF_BLOCKING_CONTROLLER_NOT_FOUND;
    enum kerf_workload_kind kind = objects->workloads.items[index].kind;
    bool counts =
        kind == KERF_WORKLOAD_REPLICASET || kind == KERF_WORKLOAD_REPLICATIONCONTROLLER || kind == KERF_WORKLOAD_DEPLOYMENT;
    if (counts && kerf_cluster_workload_replicas(autoscaling->cluster, index) < autoscaling->options->min_replica_count)
        return KERF_BLOCKING_MIN_REPLICAS_REACHED;
    return KERF_BLOCKING_NONE;
}

static bool is_replicated(const struct kerf_autoscaling *autoscaling, const struct kerf_owner *controller)
{
    static const char *const kinds[] = {"ReplicationController", "Job", "ReplicaSet", "StatefulSet"};
    return controller && (!autoscaling->options->skip_nodes_with_custom_controller_pods ||
                          is_one_of(controller->kind, kinds, sizeof kinds / sizeof kinds[0]));
}

static bool is_listed(const char *list, kerf_name name)
{
    size_t length = name ? name->length : 0;
    while (list) {
        const char *comma = strchr(list, ',');
        size_t piece = comma ? (size_t)(comma - list) : strlen(list);
        if (piece == length && strncmp(list, kerf_name_text(name), length) == 0)
            return true;
        list = comma ? comma + 1 : NULL;
    }
    return false;
}

static bool has_local_storage(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    const char *safe = kerf_autoscaling_annotation(autoscaling->vocabulary, &pod->meta,
                                                   "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes");
    for (uint32_t i = 0; i < pod->spec->volume_count; i++)
        if (pod->spec->volumes[i].local && !is_listed(safe, pod->spec->volumes[i].name))
            return true;
    return false;
}

/** PDBs that select the pod; copies of pods (in a drain) have the same labels as their originals. */
static const uint32_t *pdbs_of(const struct kerf_autoscaling *autoscaling, pod_ref pod, size_t *out_count)
{
    return kerf_cluster_pdbs_of_pod(autoscaling->cluster, pod->id, out_count);
}

static bool budget_blocks(const struct kerf_autoscaling *autoscaling, const struct budget_tracker *budgets, pod_ref pod)
{
    size_t count;
    const uint32_t *pdbs = pdbs_of(autoscaling, pod, &count);
    for (size_t i = 0; i < count; i++)
        if (budgets->left[pdbs[i]] < 1)
            return true;
    return false;
}

static bool is_in_system_without_budget(const struct kerf_autoscaling *autoscaling, pod_ref pod)
{
    size_t count;
    if (pod->pod.meta.namespace_name != autoscaling->vocabulary->word_kube_system)
        return false;
    pdbs_of(autoscaling, pod, &count);
    return count == 0;
}

static enum drain_outcome block(enum kerf_blocking_reason reason, enum kerf_blocking_reason *out_reason)
{
    *out_reason = reason;
    return DRAIN_BLOCK;
}

bool kerf_pod_waits_for_completion(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    const char *text = kerf_autoscaling_annotation(autoscaling->vocabulary, &pod->meta, safe_to_evict);
    return text && strcmp(text, "on-completion") == 0;
}

enum drain_outcome kerf_drain_rule(const struct kerf_autoscaling *autoscaling, const struct budget_tracker *budgets, pod_ref pod,
                                   enum kerf_blocking_reason *out_reason)
{
    const struct kerf_autoscaler_options *options = autoscaling->options;
    const struct kerf_owner *controller = kerf_meta_controller(&pod->pod.meta);
    const char *safe = kerf_autoscaling_annotation(autoscaling->vocabulary, &pod->pod.meta, safe_to_evict);
    *out_reason = KERF_BLOCKING_NONE;
    if (kerf_autoscaling_is_mirror(autoscaling->vocabulary, &pod->pod) ||
        kerf_autoscaling_is_overdue(&pod->pod, autoscaling->now_epoch_us))
        return DRAIN_IGNORE;
    if (budgets && controller && options->skip_nodes_with_custom_controller_pods) {
        enum kerf_blocking_reason reason = controller_blocks(autoscaling, pod, controller);
        if (reason != KERF_BLOCKING_NONE)
            return block(reason, out_reason);
    }
    if (kerf_autoscaling_is_daemon(&pod->pod))
        return DRAIN_DAEMON;
    if (safe && strcmp(safe, "true") == 0)
        return DRAIN_MOVE;
    if (kerf_pod_is_terminal(&pod->pod) || (safe && strcmp(safe, "on-completion") == 0))
        return DRAIN_MOVE;
    if (!is_replicated(autoscaling, controller))
        return block(KERF_BLOCKING_NOT_REPLICATED, out_reason);
    if (budgets && options->skip_nodes_with_system_pods && is_in_system_without_budget(autoscaling, pod)) {
        if (autoscaling->now_epoch_us - pod->pod.meta.created_epoch_us <= options->blocking_system_pod_timeout_us)
            return block(KERF_BLOCKING_KUBE_SYSTEM, out_reason);
        return DRAIN_MOVE;
    }
    if (safe && strcmp(safe, "false") == 0)
        return block(KERF_BLOCKING_NOT_SAFE_TO_EVICT, out_reason);
    if (options->skip_nodes_with_local_storage && has_local_storage(autoscaling, &pod->pod))
        return block(KERF_BLOCKING_LOCAL_STORAGE, out_reason);
    if (budgets && budget_blocks(autoscaling, budgets, pod))
        return block(KERF_BLOCKING_NOT_ENOUGH_PDB, out_reason);
    return DRAIN_MOVE;
}

bool kerf_autoscaling_may_drain(struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us, kerf_node_id id, kerf_pod_id *out_pods,
                                uint32_t *out_pod_count)
{
    const struct kerf_cluster *cluster = autoscaling->cluster;
    const struct kerf_cluster_node *node = kerf_cluster_node(cluster, id);
    size_t pdb_count = kerf_cluster_objects(cluster)->pdbs.count;
    struct budget_tracker budgets = {.left = kerf_allocate(kerf_array_bytes(pdb_count, sizeof *budgets.left))};
    for (uint32_t i = 0; i < pdb_count; i++)
        budgets.left[i] = kerf_cluster_pdb_state(cluster, i).disruptions_allowed;
    autoscaling->now_epoch_us = now_epoch_us;
    bool may = true;
    *out_pod_count = 0;
    for (uint32_t i = 0; i < node->pod_count && may; i++) {
        pod_ref pod = kerf_cluster_pod(cluster, node->pods[i]);
        enum kerf_blocking_reason reason;
        if (kerf_pod_is_terminal(&pod->pod) || kerf_autoscaling_is_expendable(autoscaling, &pod->pod))
            continue;
        enum drain_outcome outcome = kerf_drain_rule(autoscaling, &budgets, pod, &reason);
        may = outcome != DRAIN_BLOCK;
        if (outcome == DRAIN_MOVE)
            out_pods[(*out_pod_count)++] = pod->id;
    }
    free(budgets.left);
    return may;
}

uint32_t kerf_autoscaling_pods_left(const struct kerf_autoscaling *autoscaling, kerf_time_us now_epoch_us, kerf_node_id id,
                                    kerf_pod_id *out_pods)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(autoscaling->cluster, id);
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(autoscaling->cluster, node->pods[i])->pod;
        if (!kerf_pod_is_terminal(pod) && !kerf_autoscaling_is_daemon(pod) && !kerf_autoscaling_is_mirror(autoscaling->vocabulary, pod) &&
            !kerf_autoscaling_is_overdue(pod, now_epoch_us) && !kerf_autoscaling_is_expendable(autoscaling, pod))
            out_pods[count++] = node->pods[i];
    }
    return count;
}

struct pods_to_move kerf_pods_to_move(struct kerf_autoscaling *autoscaling, const struct budget_tracker *budgets, uint32_t slot)
{
    uint32_t count;
    const pod_ref *pods = kerf_binding_supposed_pods(autoscaling->binding, slot, &count);
    struct pods_to_move result = {.pods = KERF_NEW_ARRAY(&autoscaling->arena, pod_ref, count)};
    for (uint32_t i = 0; i < count; i++) {
        enum kerf_blocking_reason reason;
        enum drain_outcome outcome = kerf_drain_rule(autoscaling, budgets, pods[i], &reason);
        if (outcome == DRAIN_BLOCK) {
            result.blocking = pods[i];
            result.reason = reason;
            return result;
        }
        if (outcome == DRAIN_MOVE) {
            result.pods[result.count++] = pods[i];
            result.has_on_completion_pod |= kerf_pod_waits_for_completion(autoscaling, &pods[i]->pod);
        }
    }
    return result;
}
