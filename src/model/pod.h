/** Part of the door of `model`: what every object has, and the pod. Include model/model.h. */
#ifndef KERF_MODEL_POD_H
#define KERF_MODEL_POD_H

#include "model/requirements.h"

/* ---- what every object has ------------------------------------------------------------------------------------------------- */

struct kerf_owner {
    kerf_name api_version; /* `apps/v1` */
    kerf_name kind;
    kerf_name name;
    kerf_name uid; /* NULL: not given */
    bool controller;
};

/** What an object has that is seldom asked for; the pods of a workload share it. */
struct kerf_meta_details {
    struct kerf_labels annotations;
    const struct kerf_owner *owners;
    uint32_t owner_count;
    uint32_t input_index; /* place among all objects of the input, from 0 */
    int64_t generation;   /* 0: not given */
    struct kerf_place place;
};

struct kerf_meta {
    kerf_name namespace_name; /* NULL for objects of the cluster */
    struct kerf_labels labels;
    kerf_name uid;
    kerf_time_us created_epoch_us; /* KERF_TIME_UNSET: not given; filled by the reader's rule (product.md) */
    kerf_name name;
    kerf_time_us deletion_epoch_us; /* deletionTimestamp, grace period included; KERF_TIME_UNSET: none */
    const struct kerf_meta_details *details; /* NULL: none of them; read through kerf_meta_details */
};
extern const struct kerf_meta_details kerf_meta_no_details;
static inline const struct kerf_meta_details *kerf_meta_details(const struct kerf_meta *meta)
{
    return meta->details ? meta->details : &kerf_meta_no_details;
}

enum kerf_condition_status { KERF_CONDITION_UNKNOWN, KERF_CONDITION_TRUE, KERF_CONDITION_FALSE };

struct kerf_condition {
    kerf_name type;
    enum kerf_condition_status status;
    kerf_name reason; /* NULL: none */
    kerf_time_us transition_epoch_us; /* KERF_TIME_UNSET: not given */
    int64_t observed_generation;      /* 0: not given */
};
struct kerf_conditions {
    const struct kerf_condition *items;
    size_t count;
};
const struct kerf_condition *kerf_conditions_get(const struct kerf_conditions *conditions, const char *type); /* NULL: absent */
bool kerf_conditions_true(const struct kerf_conditions *conditions, const char *type);

/** The owner that is a controller, or NULL. */
const struct kerf_owner *kerf_meta_controller(const struct kerf_meta *meta);
/** Has an owner of that API version and kind (`apps/v1`, `DaemonSet`). */
bool kerf_meta_owned_by(const struct kerf_meta *meta, const char *api_version, const char *kind);

/* ---- pod spec: what a pod wants. Immutable, shared by all pods of a template ------------------------------------------------- */

/** Unset stands only in objects of a cluster that never met API defaulting: kube-scheduler takes it for TCP, Karpenter for itself. */
enum kerf_protocol { KERF_PROTOCOL_TCP, KERF_PROTOCOL_UDP, KERF_PROTOCOL_SCTP, KERF_PROTOCOL_UNSET };

struct kerf_host_port {
    kerf_name address; /* NULL: all addresses (empty, 0.0.0.0 and :: as given in address_text rules of the deciders) */
    uint16_t port;
    enum kerf_protocol protocol;
};

struct kerf_container {
    kerf_name name;
    kerf_name image; /* NULL: not given */
    struct kerf_resources requests; /* limits have been copied into missing requests, as the API server does */
    struct kerf_resources limits;
    bool init;            /* an init container, in order of declaration */
    bool restart_always;  /* an init container that stays: a sidecar */
    const struct kerf_host_port *host_ports; /* ports with a hostPort (hostNetwork: every port) */
    uint32_t host_port_count;
};

struct kerf_preferred_node_term {
    int32_t weight;
    struct kerf_node_selector_term term;
};

struct kerf_pod_affinity_term {
    int32_t weight; /* preferred terms only */
    kerf_name topology_key;
    struct kerf_label_selector selector; /* matchLabelKeys and mismatchLabelKeys merged for pods from manifests, as the API server does */
    const kerf_name *namespaces;
    uint32_t namespace_count;
    struct kerf_label_selector namespace_selector; /* present == false: none */
    const kerf_name *match_label_keys; /* as written; kerf_pod_spec_merge_label_keys has put them into the selector of pods */
    const kerf_name *mismatch_label_keys;
    uint32_t match_label_key_count;
    uint32_t mismatch_label_key_count;
};
struct kerf_pod_affinity_terms {
    const struct kerf_pod_affinity_term *items;
    size_t count;
};

enum kerf_node_policy { KERF_NODE_POLICY_HONOR, KERF_NODE_POLICY_IGNORE };

struct kerf_topology_spread {
    int32_t max_skew;
    int32_t min_domains; /* 0: not given */
    bool do_not_schedule; /* false: ScheduleAnyway */
    enum kerf_node_policy node_affinity_policy; /* default Honor */
    enum kerf_node_policy node_taints_policy;   /* default Ignore */
    kerf_name topology_key;
    struct kerf_label_selector selector; /* without matchLabelKeys */
    const kerf_name *match_label_keys;
    uint32_t match_label_key_count;
};
struct kerf_topology_spreads {
    const struct kerf_topology_spread *items;
    size_t count;
};

struct kerf_pvc;
struct kerf_pod_volume {
    kerf_name name;
    kerf_name claim_name;         /* persistentVolumeClaim, or the claim of an ephemeral volume (`POD-VOLUME`, filled per pod); NULL: other kinds */
    bool ephemeral;               /* generic ephemeral volume: claim_name is NULL in a template */
    kerf_name storage_class_name; /* ephemeral volumes; NULL: default class */
    kerf_name csi_driver;         /* inline CSI volume; NULL: none */
    kerf_name disk_id;            /* awsElasticBlockStore volume ID, for VolumeRestrictions; NULL */
    bool read_only;               /* of that disk */
    bool local;                   /* emptyDir (not in memory) or hostPath: storage of the node */
    const struct kerf_pvc *own_claim; /* that a controller makes with the pod, unless one of its name is there; NULL: none */
};

enum kerf_preemption_policy { KERF_PREEMPT_LOWER_PRIORITY, KERF_PREEMPT_NEVER };
enum kerf_restart_policy { KERF_RESTART_ALWAYS, KERF_RESTART_ON_FAILURE, KERF_RESTART_NEVER };

struct kerf_pod_spec {
    struct kerf_labels node_selector;
    bool has_required_node_terms; /* present but empty matches nothing */
    const struct kerf_node_selector_term *required_node_terms;
    uint32_t required_node_term_count;
    const struct kerf_preferred_node_term *preferred_node_terms;
    uint32_t preferred_node_term_count;
    struct kerf_pod_affinity_terms required_affinity;
    struct kerf_pod_affinity_terms preferred_affinity;
    struct kerf_pod_affinity_terms required_anti_affinity;
    struct kerf_pod_affinity_terms preferred_anti_affinity;
    struct kerf_tolerations tolerations;
    struct kerf_topology_spreads spreads;
    const struct kerf_container *containers; /* init containers first, each kind in order of declaration */
    uint32_t container_count;
    const struct kerf_pod_volume *volumes;
    uint32_t volume_count;
    const kerf_name *scheduling_gates;
    uint32_t scheduling_gate_count;
    const kerf_name *resource_claims; /* dynamic resource allocation: names only */
    uint32_t resource_claim_count;
    struct kerf_resources overhead;
    bool has_pod_level_requests;
    struct kerf_resources pod_level_requests;
    struct kerf_resources requests; /* of the whole pod by karpenter-provisioning 3.1, `pods` = 1 included */
    bool has_priority;
    int32_t priority;
    kerf_name priority_class_name;
    bool has_preemption_policy; /* else that of the priority class, or the default, stands below */
    enum kerf_preemption_policy preemption_policy;
    enum kerf_restart_policy restart_policy;
    kerf_name scheduler_name; /* NULL: default-scheduler */
    kerf_name runtime_class_name;
    int64_t termination_grace_seconds; /* default 30 */
    int64_t active_deadline_seconds;   /* 0: none */
    bool host_network;
};

/** Fills `requests` from containers, overhead and pod-level requests (karpenter-provisioning 3.1). */
void kerf_pod_spec_compute_requests(struct kerf_pod_spec *spec);

/** Chooses what one container counts for, where that isn't its spec (a resize under way). */
typedef void (*kerf_container_requests)(const void *context, const struct kerf_container *container,
                                        struct kerf_resources *out_requests);
/** The same rule over the requests that `choose` gives (NULL: those of the spec). */
void kerf_pod_requests_of(const struct kerf_pod_spec *spec, kerf_container_requests choose, const void *context,
                          struct kerf_resources *out_requests);

/** Puts matchLabelKeys and mismatchLabelKeys of (anti-)affinity terms into their selectors, with the values of the pod's labels. */
void kerf_pod_spec_merge_label_keys(struct kerf_arena *arena, struct kerf_pod_spec *spec, const struct kerf_labels *labels);
/** `spec` itself, or a copy in which the claims of generic ephemeral volumes have their names (POD-VOLUME). */
const struct kerf_pod_spec *kerf_pod_spec_of_pod(struct kerf_arena *arena, struct kerf_vocabulary *vocabulary,
                                                 const struct kerf_pod_spec *spec, kerf_name pod_name);

/* ---- pod ---------------------------------------------------------------------------------------------------------------------- */

enum kerf_pod_phase { KERF_POD_PENDING, KERF_POD_RUNNING, KERF_POD_SUCCEEDED, KERF_POD_FAILED, KERF_POD_UNKNOWN };

/** What a pod's status says beside its phase. */
struct kerf_pod_status {
    struct kerf_conditions conditions;
    kerf_name nominated_node_name;
    kerf_time_us started_epoch_us; /* startTime; KERF_TIME_UNSET: not yet */
};

/** What a pass over many pods reads comes first, so that it lies together: up to meta.created_epoch_us. */
struct kerf_pod {
    const struct kerf_pod_spec *spec;
    const struct kerf_resources *requests; /* &spec->requests, or larger after an in-place resize */
    struct kerf_meta meta;
    kerf_name node_name;            /* spec.nodeName; NULL: not bound */
    bool has_status;                /* false: never applied, so pending in every command */
    enum kerf_pod_phase phase;
    const struct kerf_pod_status *status; /* NULL: nothing of it given; read through kerf_pod_status */
};
extern const struct kerf_pod_status kerf_pod_no_status;
static inline const struct kerf_pod_status *kerf_pod_status(const struct kerf_pod *pod)
{
    return pod->status ? pod->status : &kerf_pod_no_status;
}

static inline bool kerf_pod_is_terminal(const struct kerf_pod *pod)
{
    return pod->phase == KERF_POD_SUCCEEDED || pod->phase == KERF_POD_FAILED;
}
static inline bool kerf_pod_is_terminating(const struct kerf_pod *pod) { return pod->meta.deletion_epoch_us != KERF_TIME_UNSET; }
static inline bool kerf_pod_is_active(const struct kerf_pod *pod) { return !kerf_pod_is_terminal(pod) && !kerf_pod_is_terminating(pod); }
static inline int32_t kerf_pod_priority(const struct kerf_pod *pod) { return pod->spec->has_priority ? pod->spec->priority : 0; }
bool kerf_pod_is_daemon(const struct kerf_pod *pod); /* owned by an apps/v1 DaemonSet */
bool kerf_pod_is_mirror(const struct kerf_pod *pod); /* owned by a v1 Node */

#endif
