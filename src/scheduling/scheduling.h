/**
 * scheduling: what every decider shares, without effects: whether a term selects a pod, which ports collide, what volumes ask
 * for, which PDBs block, what a pod's state means to Karpenter. Rules that only one decider has stay with that decider.
 */
#ifndef KERF_SCHEDULING_H
#define KERF_SCHEDULING_H

#include "cluster/cluster.h"

/* ---- pods, as Karpenter classes them (karpenter-disruption 2.4, karpenter-provisioning 1.1) ------------------------------------ */

bool kerf_pod_is_provisionable(const struct kerf_pod *pod); /* a pod that was never applied counts as failed by kube-scheduler */
bool kerf_pod_is_reschedulable(const struct kerf_pod *pod);
bool kerf_pod_is_drainable(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod, kerf_time_us now_epoch_us);
/** `karpenter.sh/do-not-disrupt` is in force: `true`, or a duration that has not passed since the pod's start. */
bool kerf_pod_do_not_disrupt(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod, kerf_time_us now_epoch_us);
/** Tolerates the taint that Karpenter puts on nodes it disrupts. */
bool kerf_pod_tolerates_disruption(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod);
/** Active, and nothing of its own keeps Karpenter from evicting it (PDBs aside): only such pods are asked about their PDBs. */
bool kerf_pod_is_evictable(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod, kerf_time_us now_epoch_us);
/** Eviction cost (karpenter-disruption 2.6): 1 + deletion cost / 2^27 + priority / 2^25 within [-10, 10]. */
double kerf_pod_eviction_cost(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod);

/* ---- PDBs (karpenter-disruption 2.3, karpenter-provisioning 1.3) ---------------------------------------------------------------- */

/**
 * Karpenter's look before it disrupts: would PDBs let the pod go now? True for pods that aren't evictable: they don't block. When not,
 * `out_pdb_index` (may be NULL) is the budget that says no (KERF_NOT_FOUND: several match).
 */
bool kerf_pdb_allows_eviction(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod, uint32_t *out_pdb_index);
/** Blocked for good: maxUnavailable 0 or 0 %, minAvailable 100 %, or several budgets. */
bool kerf_pdb_fully_blocks(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod);
/** Reschedulable, and neither do-not-disrupt nor a fully blocking budget holds it ("currently reschedulable"). */
bool kerf_pod_is_currently_reschedulable(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod, kerf_time_us now_epoch_us);

/** The API server's answer to an eviction request now (workloads.md 11.2). When allowed, delete the pod: PDBs then count without it. */
enum kerf_eviction_answer {
    KERF_EVICTION_ALLOWED,
    KERF_EVICTION_BUDGET_USED_UP, /* 429: try again */
    KERF_EVICTION_SEVERAL_BUDGETS /* 500 */
};
enum kerf_eviction_answer kerf_api_eviction(const struct kerf_cluster *cluster, const struct kerf_cluster_pod *pod);

/* ---- host ports (karpenter-provisioning 8.4) ------------------------------------------------------------------------------------- */

bool kerf_host_ports_conflict(const struct kerf_host_port *a, const struct kerf_host_port *b);
/** Any port of the pod with any of the list. */
bool kerf_pod_ports_conflict(const struct kerf_pod_spec *spec, const struct kerf_host_port *ports, size_t port_count);

/* ---- affinity terms --------------------------------------------------------------------------------------------------------------- */

/** Does the term (of a pod in `own_namespace`) select this pod: namespaces and selector (karpenter-provisioning 7.2)? */
bool kerf_affinity_term_selects(const struct kerf_cluster *cluster, const struct kerf_pod_affinity_term *term, kerf_name own_namespace,
                                const struct kerf_pod *pod);
/** Does a namespaceSelector match: absent: no; empty: any. A namespace that was not read has its `kubernetes.io/metadata.name` alone. */
bool kerf_namespace_matches(const struct kerf_cluster *cluster, const struct kerf_label_selector *selector, kerf_name namespace_name);
/** The spread's selector with its matchLabelKeys of that pod added. In `arena`. */
struct kerf_label_selector kerf_spread_selector(const struct kerf_topology_spread *spread, const struct kerf_labels *pod_labels,
                                                struct kerf_vocabulary *vocabulary, struct kerf_arena *arena);

/* ---- volumes (karpenter-provisioning 8) ---------------------------------------------------------------------------------------------- */

/** The claim of a pod's volume: by name, or of a generic ephemeral volume; NULL: no claim, or not read. */
const struct kerf_pvc *kerf_volume_claim(const struct kerf_cluster *cluster, const struct kerf_pod *pod, const struct kerf_pod_volume *volume);
/** The claim's storage class, the default one where none is named; NULL: none. */
const struct kerf_storage_class *kerf_claim_storage_class(const struct kerf_cluster *cluster, const struct kerf_pvc *claim);
/** The CSI driver that attaches the claim; NULL: none known. In-tree plugins count as their CSI successors. */
kerf_name kerf_claim_driver(const struct kerf_cluster *cluster, const struct kerf_pvc *claim);

#endif
