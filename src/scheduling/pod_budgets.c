/** PDBs against evictions: Karpenter's look before it disrupts, and the API server's answer to an eviction. */
#include "scheduling/scheduling.h"

static bool ready_is_false(const struct kerf_pod *pod)
{
    const struct kerf_condition *ready = kerf_conditions_get(&kerf_pod_status(pod)->conditions, "Ready");
    return ready && ready->status == KERF_CONDITION_FALSE;
}

/** The spec alone says never: no look at replicas (an integer minAvailable equal to them isn't seen). */
static bool blocks_for_good(const struct kerf_pdb *pdb)
{
    if (pdb->max_unavailable.present && pdb->max_unavailable.value == 0)
        return true;
    return pdb->min_available.present && pdb->min_available.percent && pdb->min_available.value == 100;
}

static bool budgets_allow(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod, bool for_good,
                          uint32_t *out_pdb_index)
{
    size_t count;
    const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(cluster, pod->id, &count);
    if (count == 0 || !kerf_pod_is_evictable(kerf_cluster_vocabulary(cluster), &pod->pod, kerf_cluster_now(cluster)))
        return true;
    *out_pdb_index = count == 1 ? pdbs[0] : KERF_NOT_FOUND;
    if (count > 1)
        return false;
    const struct kerf_pdb *pdb = &kerf_cluster_objects(cluster)->pdbs.items[pdbs[0]];
    if (pdb->unhealthy_policy == KERF_EVICT_ALWAYS_ALLOW && ready_is_false(&pod->pod))
        return true;
    return for_good ? !blocks_for_good(pdb) : kerf_cluster_pdb_state(cluster, pdbs[0]).disruptions_allowed != 0;
}

bool kerf_pdb_allows_eviction(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod, uint32_t *out_pdb_index)
{
    uint32_t pdb_index = KERF_NOT_FOUND;
    bool allowed = budgets_allow(cluster, pod, false, &pdb_index);
    if (!allowed && out_pdb_index)
        *out_pdb_index = pdb_index;
    return allowed;
}

bool kerf_pdb_fully_blocks(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod)
{
    uint32_t pdb_index;
    return !budgets_allow(cluster, pod, true, &pdb_index);
}

bool kerf_pod_is_currently_reschedulable(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod,
                                         kerf_time_us now_epoch_us)
{
    if (!kerf_pod_is_reschedulable(&pod->pod))
        return false;
    if (kerf_pod_is_active(&pod->pod) && kerf_pod_do_not_disrupt(kerf_cluster_vocabulary(cluster), &pod->pod, now_epoch_us))
        return false;
    return !kerf_pdb_fully_blocks(cluster, pod);
}

enum kerf_eviction_answer kerf_api_eviction(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod)
{
    if (pod->pod.phase == KERF_POD_PENDING || !kerf_pod_is_active(&pod->pod))
        return KERF_EVICTION_ALLOWED;
    size_t count;
    const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(cluster, pod->id, &count);
    if (count == 0)
        return KERF_EVICTION_ALLOWED;
    if (count > 1)
        return KERF_EVICTION_SEVERAL_BUDGETS;
    const struct kerf_pdb *pdb = &kerf_cluster_objects(cluster)->pdbs.items[pdbs[0]];
    struct kerf_pdb_state state = kerf_cluster_pdb_state(cluster, pdbs[0]);
    if (!kerf_conditions_true(&kerf_pod_status(&pod->pod)->conditions, "Ready")) {
        if (pdb->unhealthy_policy == KERF_EVICT_ALWAYS_ALLOW)
            return KERF_EVICTION_ALLOWED;
        if (state.current_healthy >= state.desired_healthy && state.desired_healthy > 0)
            return KERF_EVICTION_ALLOWED;
    }
    return state.disruptions_allowed > 0 ? KERF_EVICTION_ALLOWED : KERF_EVICTION_BUDGET_USED_UP;
}
