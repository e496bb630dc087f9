/**
 * cluster: the mutable world, and the only place where it changes: nodes and nodeclaims, pods and where they are bound, what
 * Karpenter remembers (nominations, marks, offerings out of capacity), what the CNI holds. Deciders read it const; controllers
 * change it through the verbs below; whoever wants to know listens. It decides nothing and has no agenda of its own.
 *
 * One entry stands for a nodeclaim and its node, which Karpenter calls a StateNode: either half may be missing. Entries and pods
 * have ids that are never used again within a run; memory of what is gone is re-used. All times are microseconds since 1970.
 */
#ifndef KERF_CLUSTER_H
#define KERF_CLUSTER_H

#include "model/model.h"
#include "catalog/catalog.h"

typedef struct {
    uint32_t index;
} kerf_node_id;
typedef struct {
    uint32_t index;
} kerf_pod_id;
#define KERF_NO_NODE ((kerf_node_id){ UINT32_MAX })
#define KERF_NO_POD ((kerf_pod_id){ UINT32_MAX })
static inline bool kerf_node_id_equal(kerf_node_id a, kerf_node_id b) { return a.index == b.index; }
static inline bool kerf_pod_id_equal(kerf_pod_id a, kerf_pod_id b) { return a.index == b.index; }

struct kerf_cluster;
struct kerf_vpc_pool;

/* ---- what stands in the world ------------------------------------------------------------------------------------------------ */

struct kerf_cluster_pod {
    kerf_pod_id id;
    kerf_node_id node;       /* where it is bound; KERF_NO_NODE: nowhere, or on a node that was not read */
    struct kerf_pod pod;     /* pod.node_name agrees with `node` where the node is known */
    uint32_t workload_index; /* of objects->workloads; KERF_NOT_FOUND: none */
    uint32_t index_on_node;  /* place in the node's list */
    bool addressed;          /* the CNI gave it an address */
    bool attached;           /* its volumes are attached to its node */
    bool ready;              /* its condition Ready is True */
    bool daemon;             /* owned by a DaemonSet: kerf_pod_is_daemon, looked up once */
    uint64_t tag;            /* of the controller that made it (a slot of its own books); 0: none */
};

struct kerf_cluster_node {
    kerf_node_id id;
    bool has_claim;
    bool has_node;
    struct kerf_nodeclaim claim;
    struct kerf_node node;
    /* found from labels and references when the halves change */
    uint32_t nodepool_index;  /* of objects->nodepools; KERF_NOT_FOUND: none, or unknown */
    uint32_t nodeclass_index; /* of objects->nodeclasses */
    uint32_t nodegroup_index; /* of objects->nodegroups; KERF_NOT_FOUND: none */
    uint32_t type_index;      /* of the catalogue; KERF_NOT_FOUND: unknown */
    uint32_t zone_index;      /* of the catalogue's zones; KERF_NOT_FOUND: unknown */
    uint32_t capacity_type;   /* enum kerf_capacity_type; KERF_CAPACITY_TYPE_COUNT: unknown or other */
    bool consolidatable;      /* conditions of the claim that are True: Consolidatable, Drifted, InstanceTerminating */
    bool drifted;
    bool instance_terminating;
    /* Karpenter's memory */
    bool marked_for_deletion; /* the in-memory mark alone; see kerf_cluster_is_deleting */
    bool in_command;          /* its provider ID belongs to a command of the orchestration queue */
    kerf_time_us nominated_until_epoch_us; /* KERF_TIME_UNSET: never */
    /* kept by cluster */
    uint64_t scheduling_revision; /* rises with each change that kube-scheduler's filters and scores may see */
    uint64_t appearance; /* running number of the Node object: kube-scheduler's order of nodes; 0: no Node yet */
    const kerf_pod_id *pods; /* bound pods, terminal ones until they are removed; in order of binding */
    uint32_t pod_count;
    uint32_t pod_capacity;
    struct kerf_resources requested;        /* of bound pods that are not terminal */
    struct kerf_resources daemon_requested; /* of those owned by a DaemonSet */
    /* the network, kept by ipamd */
    uint32_t subnet_index;         /* of the scenario's subnets; KERF_NOT_FOUND: not modelled */
    struct kerf_vpc_pool *network; /* owned by the entry (kerf_cluster_set_network); NULL: not modelled */
    uint64_t tag;                  /* slot of the lifecycle's books; 0: none */
    const kerf_name *attached;     /* VolumeAttachments: names of volumes that are attached, being attached or being detached */
    uint32_t attached_count;
};

/* ---- building ------------------------------------------------------------------------------------------------------------------ */

/**
 * An empty world over immutable inputs, which must outlive it: NodePools, NodeClasses, DaemonSets, budgets, volumes and namespaces are
 * read from `objects` (not its pods, nodes and nodeclaims: see kerf_cluster_add_objects). Lists the instance types of each NodeClass.
 */
struct kerf_cluster *kerf_cluster_new(const struct kerf_objects *objects, const struct kerf_catalog *catalog,
                                      struct kerf_instance_options instance_options, struct kerf_vocabulary *vocabulary);
void kerf_cluster_free(struct kerf_cluster *cluster);

/** Puts the nodes, nodeclaims and pods of `objects` into the world: nodes and claims meet by provider ID; pods by spec.nodeName. */
void kerf_cluster_add_objects(struct kerf_cluster *cluster);

/* ---- reading ------------------------------------------------------------------------------------------------------------------- */

const struct kerf_objects *kerf_cluster_objects(const struct kerf_cluster *cluster);
const struct kerf_catalog *kerf_cluster_catalog(const struct kerf_cluster *cluster);
struct kerf_vocabulary *kerf_cluster_vocabulary(const struct kerf_cluster *cluster);
/** Instance types of a NodeClass, by its index in objects->nodeclasses. */
const struct kerf_instance_types *kerf_cluster_instance_types(const struct kerf_cluster *cluster, uint32_t nodeclass_index);
/** The NodeClass that a NodePool refers to; KERF_NOT_FOUND if it was not read. */
uint32_t kerf_cluster_nodeclass_of_pool(const struct kerf_cluster *cluster, uint32_t nodepool_index);

/** Entries in order of appearance; `at` from 0 to count - 1. Ids stay; positions change when entries go. */
size_t kerf_cluster_node_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_node *kerf_cluster_node_at(const struct kerf_cluster *cluster, size_t at);
const struct kerf_cluster_node *kerf_cluster_node(const struct kerf_cluster *cluster, kerf_node_id id); /* NULL: gone */
/** By node name, or by claim name before registration; NULL: none. */
const struct kerf_cluster_node *kerf_cluster_find_node(const struct kerf_cluster *cluster, kerf_name name);
/** Upper bound of all ids given so far: sizes a bitset by node id. */
uint32_t kerf_cluster_node_id_bound(const struct kerf_cluster *cluster);

size_t kerf_cluster_pod_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_pod *kerf_cluster_pod_at(const struct kerf_cluster *cluster, size_t at); /* in order of appearance */
const struct kerf_cluster_pod *kerf_cluster_pod(const struct kerf_cluster *cluster, kerf_pod_id id); /* NULL: gone */
/** Pods of DaemonSets, and pods with required anti-affinity, terminal ones too; in order of appearance. */
size_t kerf_cluster_daemon_pod_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_pod *kerf_cluster_daemon_pod_at(const struct kerf_cluster *cluster, size_t at);
size_t kerf_cluster_anti_affine_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_pod *kerf_cluster_anti_affine_at(const struct kerf_cluster *cluster, size_t at);
/** Pods without a node, not terminal, in order of appearance (gated and terminating ones too). */
size_t kerf_cluster_pending_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_pod *kerf_cluster_pending_at(const struct kerf_cluster *cluster, size_t at);
/** Terminal pods that never had a node, in order of appearance: Karpenter doesn't look at the phase (karpenter-provisioning 1.1). */
size_t kerf_cluster_ended_unbound_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_pod *kerf_cluster_ended_unbound_at(const struct kerf_cluster *cluster, size_t at);

/** Upper bound of all pod ids given so far. */
uint32_t kerf_cluster_pod_id_bound(const struct kerf_cluster *cluster);
/** Pending pods with a nominated node, in the order in which they were nominated. */
size_t kerf_cluster_nominated_count(const struct kerf_cluster *cluster);
const struct kerf_cluster_pod *kerf_cluster_nominated_at(const struct kerf_cluster *cluster, size_t at);
/** Replicas that a workload is to have now: those it was read with until kerf_cluster_set_workload_replicas. */
int64_t kerf_cluster_workload_replicas(const struct kerf_cluster *cluster, uint32_t workload_index);

/** Nodes that a node group is to have now: its desiredCapacity until kerf_cluster_set_group_size. */
int32_t kerf_cluster_group_size(const struct kerf_cluster *cluster, uint32_t nodegroup_index);

/* The entry as Karpenter sees it (karpenter-provisioning 5.2) */
bool kerf_cluster_is_registered(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
bool kerf_cluster_is_initialized(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
bool kerf_cluster_is_ready(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node); /* the Node's condition Ready is True */
/** Marked, claim being deleted or InstanceTerminating, or an unmanaged node being deleted. */
bool kerf_cluster_is_deleting(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
/** The deletion timestamp is set: of the claim, or of the node where there is no claim. */
bool kerf_cluster_is_deleted(const struct kerf_cluster_node *node);
kerf_name kerf_cluster_node_name(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
kerf_name kerf_cluster_node_hostname(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
const struct kerf_labels *kerf_cluster_node_labels(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
const struct kerf_labels *kerf_cluster_node_annotations(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
/** Taints that count for Karpenter: without ephemeral and startup taints until initialised. In `arena`. */
struct kerf_taints kerf_cluster_node_taints(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node,
                                            struct kerf_arena *arena);
/** Status of the node, completed from the claim until it is initialised. */
struct kerf_resources kerf_cluster_node_allocatable(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);
struct kerf_resources kerf_cluster_node_capacity(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node);

/**
 * What is known of a PDB now: from its status if it was read with one (until kerf_cluster_count_pdbs), else counted from the pods
 * (workloads.md 11.1): ready ones against the replicas of their controllers; a controller that was not read counts as its pods. O(1).
 */
struct kerf_pdb_state {
    int32_t disruptions_allowed;
    int32_t current_healthy;
    int32_t desired_healthy;
    int32_t expected_pods;
};
struct kerf_pdb_state kerf_cluster_pdb_state(const struct kerf_cluster *cluster, uint32_t pdb_index);
/** PDBs of the pod's namespace that select it, as indices of objects->pdbs. */
const uint32_t *kerf_cluster_pdbs_of_pod(const struct kerf_cluster *cluster, kerf_pod_id pod, size_t *out_count);

/** Look-ups by name; NULL: not there. Claims and volumes are as they are now; the rest does not change. */
const struct kerf_pvc *kerf_cluster_find_pvc(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name);
const struct kerf_pv *kerf_cluster_find_pv(const struct kerf_cluster *cluster, kerf_name name);
const struct kerf_storage_class *kerf_cluster_find_storage_class(const struct kerf_cluster *cluster, kerf_name name);
const struct kerf_csinode *kerf_cluster_find_csinode(const struct kerf_cluster *cluster, kerf_name node_name);
/** Index in objects->workloads of the workload of that kind (`ReplicaSet`) and name; KERF_NOT_FOUND: not read. */
uint32_t kerf_cluster_find_workload(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name kind, kerf_name name);
const struct kerf_namespace *kerf_cluster_find_namespace(const struct kerf_cluster *cluster, kerf_name name);

/** Offerings that Karpenter remembers as out of capacity now: a bitset by offering index. */
const uint64_t *kerf_cluster_unavailable_offerings(const struct kerf_cluster *cluster);
/** Instances that a capacity reservation (of objects->capacity_reservations) has room for now; 0 as well when it is about to end. */
int64_t kerf_cluster_reservation_room(const struct kerf_cluster *cluster, uint32_t reservation);
/** May a launch ask for the offering now? It is sold, not out of capacity, and its reservation, if any, has room. */
bool kerf_cluster_offering_is_available(const struct kerf_cluster *cluster, const struct kerf_offering *offering);

/** The consolidation state (karpenter-disruption 1.4): when something last changed that consolidation cares about. */
kerf_time_us kerf_cluster_consolidation_state(const struct kerf_cluster *cluster);

/* ---- changing ------------------------------------------------------------------------------------------------------------------ */

/** The present, for time stamps and listeners; controllers set it at each event. */
void kerf_cluster_set_now(struct kerf_cluster *cluster, kerf_time_us now_epoch_us);
kerf_time_us kerf_cluster_now(const struct kerf_cluster *cluster);

/* Values are copied; what they point to (labels, taints, specs, texts) is borrowed and must live as long as the world, or lie in
 * kerf_cluster_node_arena: an arena of the entry that goes when the entry goes. */
struct kerf_arena *kerf_cluster_node_arena(struct kerf_cluster *cluster, kerf_node_id id);
/** The arena that the next entry (add_claim, add_node without a claim to join) will own: to build its values in. Valid until then. */
struct kerf_arena *kerf_cluster_next_arena(struct kerf_cluster *cluster);

kerf_node_id kerf_cluster_add_claim(struct kerf_cluster *cluster, const struct kerf_nodeclaim *claim);
kerf_node_id kerf_cluster_add_node(struct kerf_cluster *cluster, const struct kerf_node *node); /* without a claim, or joins it by provider ID */
void kerf_cluster_update_claim(struct kerf_cluster *cluster, kerf_node_id id, const struct kerf_nodeclaim *claim);
void kerf_cluster_update_node(struct kerf_cluster *cluster, kerf_node_id id, const struct kerf_node *node);
/** Sets a condition of the claim (transition time: now, if the status changes). */
void kerf_cluster_set_claim_condition(struct kerf_cluster *cluster, kerf_node_id id, const char *type, enum kerf_condition_status status,
                                      const char *reason);
void kerf_cluster_set_node_condition(struct kerf_cluster *cluster, kerf_node_id id, const char *type, enum kerf_condition_status status);
void kerf_cluster_set_node_taints(struct kerf_cluster *cluster, kerf_node_id id, struct kerf_taints taints); /* copied into the entry's arena */
void kerf_cluster_set_node_label(struct kerf_cluster *cluster, kerf_node_id id, kerf_name key, kerf_name value);
/** Sets the deletion timestamp: of the claim, or of the node where there is no claim (both are KERF_CHANGE_CLAIM_DELETING). Nothing if it has one. */
void kerf_cluster_delete_claim(struct kerf_cluster *cluster, kerf_node_id id);
void kerf_cluster_remove_node(struct kerf_cluster *cluster, kerf_node_id id);  /* the entry and both halves; no pod may be bound (asserted) */
void kerf_cluster_mark_for_deletion(struct kerf_cluster *cluster, kerf_node_id id, bool marked);
void kerf_cluster_set_in_command(struct kerf_cluster *cluster, kerf_node_id id, bool in_command);
void kerf_cluster_nominate(struct kerf_cluster *cluster, kerf_node_id id, kerf_time_us until_epoch_us);
void kerf_cluster_note_pod_event(struct kerf_cluster *cluster, kerf_node_id id); /* lastPodEventTime, with its 10 s rule */
/** The pool comes from kerf_allocate and is the entry's from now on: it is finished and freed when another takes its place or the entry goes. */
void kerf_cluster_set_network(struct kerf_cluster *cluster, kerf_node_id id, uint32_t subnet_index, struct kerf_vpc_pool *network);
void kerf_cluster_set_node_tag(struct kerf_cluster *cluster, kerf_node_id id, uint64_t tag);

kerf_pod_id kerf_cluster_add_pod(struct kerf_cluster *cluster, const struct kerf_pod *pod, uint32_t workload_index);
void kerf_cluster_bind_pod(struct kerf_cluster *cluster, kerf_pod_id pod, kerf_node_id node);
void kerf_cluster_set_pod_phase(struct kerf_cluster *cluster, kerf_pod_id pod, enum kerf_pod_phase phase);
void kerf_cluster_set_pod_ready(struct kerf_cluster *cluster, kerf_pod_id pod, bool ready);
/** kube-scheduler could not place it: condition PodScheduled False, reason Unschedulable; or takes that back. */
void kerf_cluster_set_pod_unschedulable(struct kerf_cluster *cluster, kerf_pod_id pod, bool unschedulable);
void kerf_cluster_set_pod_addressed(struct kerf_cluster *cluster, kerf_pod_id pod); /* KERF_CHANGE_POD_ADDRESSED */
void kerf_cluster_set_pod_attached(struct kerf_cluster *cluster, kerf_pod_id pod);  /* KERF_CHANGE_POD_ATTACHED */
void kerf_cluster_set_pod_nominated(struct kerf_cluster *cluster, kerf_pod_id pod, kerf_name node_name);
/** Takes back the nominations to that node of pods below that priority: another preempts there (kube-scheduler 3, "Act"). */
void kerf_cluster_clear_nominations(struct kerf_cluster *cluster, kerf_node_id node, int32_t priority);
void kerf_cluster_delete_pod(struct kerf_cluster *cluster, kerf_pod_id pod, kerf_time_us deletion_epoch_us); /* terminating from now on */
void kerf_cluster_remove_pod(struct kerf_cluster *cluster, kerf_pod_id pod);
/** What a pod asks for, for what-ifs that put it back: nobody is told, and PDBs don't care. Both are borrowed. */
void kerf_cluster_set_pod_spec(struct kerf_cluster *cluster, kerf_pod_id pod, const struct kerf_pod_spec *spec,
                               const struct kerf_resources *requests);
void kerf_cluster_set_pod_tag(struct kerf_cluster *cluster, kerf_pod_id pod, uint64_t tag);

/** A copy of the claim, unless one of its name is there: the one that is there then. Valid until it is removed. */
const struct kerf_pvc *kerf_cluster_add_pvc(struct kerf_cluster *cluster, const struct kerf_pvc *claim);
/** Binds a claim to a volume that was read, or to a new one: both KERF_CHANGE_VOLUME_BOUND. Without a `zone` it is reachable from everywhere. */
void kerf_cluster_bind_pvc(struct kerf_cluster *cluster, const struct kerf_pvc *claim, const struct kerf_pv *volume);
void kerf_cluster_provision_pvc(struct kerf_cluster *cluster, const struct kerf_pvc *claim, kerf_name storage_class_name,
                                kerf_name csi_driver, kerf_name zone, kerf_time_us ready_epoch_us);
/** A claim that was added goes, and the volume that was provisioned for it; one that was read is as it was read again. */
void kerf_cluster_remove_pvc(struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name);
void kerf_cluster_attach_volume(struct kerf_cluster *cluster, kerf_node_id node, kerf_name volume);
void kerf_cluster_detach_volume(struct kerf_cluster *cluster, kerf_node_id node, kerf_name volume); /* KERF_CHANGE_VOLUME_DETACHED */

/** What PDBs count as expected of the workload's pods. O(PDBs). */
void kerf_cluster_set_workload_replicas(struct kerf_cluster *cluster, uint32_t workload_index, int64_t replicas);
/** Desired capacity of a node group, within its minimum and maximum (asserted). KERF_CHANGE_GROUP_RESIZED, unless it is the same. */
void kerf_cluster_set_group_size(struct kerf_cluster *cluster, uint32_t nodegroup_index, int32_t size);
/** From now on every PDB is counted, whatever status it was read with: for a world in which time passes. */
void kerf_cluster_count_pdbs(struct kerf_cluster *cluster);

/** Karpenter's memory of an offering without capacity, until a time; `kerf_cluster_expire_unavailable` sweeps (every 10 s in the real one). */
void kerf_cluster_set_unavailable(struct kerf_cluster *cluster, size_t offering_index, kerf_time_us until_epoch_us);
void kerf_cluster_expire_unavailable(struct kerf_cluster *cluster);
/** A launch into a capacity reservation took an instance of it (-1), or one ended (1). */
void kerf_cluster_change_reservation_room(struct kerf_cluster *cluster, uint32_t reservation, int64_t instances);
/** `--unavailable`: for ever. */
void kerf_cluster_set_unavailable_bits(struct kerf_cluster *cluster, const uint64_t *bits);
void kerf_cluster_advance_consolidation_state(struct kerf_cluster *cluster);

/* ---- listening ----------------------------------------------------------------------------------------------------------------- */

enum kerf_change_kind {
    KERF_CHANGE_CLAIM_ADDED,
    KERF_CHANGE_CLAIM_LAUNCHED,   /* got a provider ID */
    KERF_CHANGE_NODE_ADDED,       /* the Node object appeared */
    KERF_CHANGE_NODE_REGISTERED,
    KERF_CHANGE_NODE_READY,       /* Ready condition became true */
    KERF_CHANGE_NODE_NOT_READY,
    KERF_CHANGE_NODE_INITIALIZED,
    KERF_CHANGE_NODE_CHANGED,     /* taints, labels, conditions or resources of the Node; what a launch stores on the claim */
    KERF_CHANGE_CLAIM_CHANGED,    /* conditions of the claim, or Karpenter's mark: nothing that kube-scheduler or a kubelet sees */
    KERF_CHANGE_CLAIM_DELETING,   /* marked for deletion, or deleted: told for each; kerf_cluster_is_deleted tells them apart */
    KERF_CHANGE_NODE_REMOVED,     /* the entry is still readable while listeners run */
    KERF_CHANGE_POD_ADDED,
    KERF_CHANGE_POD_BOUND,
    KERF_CHANGE_POD_ADDRESSED,    /* has an address (networks that are modelled only) */
    KERF_CHANGE_POD_ATTACHED,     /* its volumes are attached */
    KERF_CHANGE_POD_RUNNING,
    KERF_CHANGE_POD_READY,
    KERF_CHANGE_POD_NOT_READY,
    KERF_CHANGE_POD_UNSCHEDULABLE, /* kube-scheduler could not place it; again when a nomination of such a pod is taken back */
    KERF_CHANGE_POD_TERMINATING,
    KERF_CHANGE_POD_HURRIED,      /* terminating already, and its deletion time moved nearer */
    KERF_CHANGE_POD_FINISHED,     /* Succeeded or Failed */
    KERF_CHANGE_POD_REMOVED,      /* the pod is still readable while listeners run */
    KERF_CHANGE_GROUP_RESIZED,    /* desired capacity of a node group */
    KERF_CHANGE_VOLUME_BOUND,     /* a claim got a volume */
    KERF_CHANGE_VOLUME_DETACHED,  /* from the node */
    KERF_CHANGE_COUNT
};
struct kerf_change {
    enum kerf_change_kind kind;
    kerf_node_id node; /* for pods: where it is or was bound; KERF_NO_NODE: none */
    kerf_pod_id pod;   /* KERF_NO_POD for changes of nodes */
    uint32_t nodegroup_index; /* of KERF_CHANGE_GROUP_RESIZED */
};
typedef void (*kerf_cluster_listener)(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change);
/** Listeners are called in order of registration, after the change. They must not change the world (they schedule). At most 24. */
void kerf_cluster_listen(struct kerf_cluster *cluster, kerf_cluster_listener listener, void *context);

/**
 * For readers who hold a const view and look again later: the entries that each change touched, numbered from 0. A reader keeps the count up
 * to which it has read. Numbers too long ago (some thousands) are forgotten: false, and the reader looks at everything.
 */
uint64_t kerf_cluster_journal_count(const struct kerf_cluster *cluster);
bool kerf_cluster_journal_at(const struct kerf_cluster *cluster, uint64_t number, kerf_node_id *out_node);

/** Recomputes what is kept and compares: bound requests fit, each pod in one place, sums agree. Aborts with a message. O(everything). */
void kerf_cluster_check(const struct kerf_cluster *cluster);

#endif
