/** Shared by the controllers' files only. */
#ifndef KERF_CONTROLLERS_INTERNAL_H
#define KERF_CONTROLLERS_INTERNAL_H

#include "controllers/controllers.h"

/** A client-side rate limit: `burst` calls at once, refilled at a rate. */
struct kerf_token_bucket {
    double tokens;
    double burst;
    double per_second;
    kerf_time_us at_us;
};
struct kerf_token_bucket kerf_token_bucket_of(double per_second, int64_t burst);
/** Takes a token if there is one. */
bool kerf_token_bucket_take(struct kerf_token_bucket *bucket, kerf_time_us now_us);
/** When the next token will be there; now if there is one. */
kerf_time_us kerf_token_bucket_next(struct kerf_token_bucket *bucket, kerf_time_us now_us);

/** Books by node id or pod id: rows appear when first asked for (zeroed) and stay until they are dropped. */
struct kerf_books {
    struct kerf_id_map rows_by_id;
    char *rows;
    uint32_t *free_rows;
    uint32_t row_count, row_capacity, free_count, free_capacity;
    size_t row_bytes;
};
void kerf_books_init(struct kerf_books *books, size_t row_bytes);
void kerf_books_fini(struct kerf_books *books);
void *kerf_books_open(struct kerf_books *books, uint32_t id);       /* valid until the next open */
void *kerf_books_find(const struct kerf_books *books, uint32_t id); /* NULL: none */
void kerf_books_drop(struct kerf_books *books, uint32_t id);

/** Adds a NoSchedule taint to the Node unless it has one of that key. */
void kerf_node_add_taint(struct kerf_world *world, kerf_node_id node, kerf_name key);

/** Adds the taint unless the Node has one of its key. */
void kerf_node_put_taint(struct kerf_world *world, kerf_node_id node, struct kerf_taint taint);
/** Takes all taints of that key away; nothing when there is none. */
void kerf_node_remove_taint(struct kerf_world *world, kerf_node_id node, kerf_name key);

/** `kubectl cordon`, or its opposite: the node's spec, and the taint that follows it. Nothing when it is so already. */
void kerf_node_set_cordoned(struct kerf_world *world, kerf_node_id node, bool cordoned);

/** A kubelet runs there: the node is there, its instance has not been taken away, and Ready is true. */
bool kerf_node_is_ready(const struct kerf_cluster_node *node);

/**
 * Ends the billing of a node's instance and gives its addresses back. Called once, by whoever terminates or loses it.
 */
void kerf_instance_end(struct kerf_world *world, kerf_node_id node);

/** The instance is running: its primary address is taken, billing starts. False when the subnet has no address. */
/** The instance's CNI begins with its primary address; later the pool is the node's (kerf_cluster_node.network). */
void kerf_instance_join_network(struct kerf_world *world, kerf_node_id node, uint32_t subnet_index, uint32_t address, uint32_t type_index,
                                int64_t max_pods);
bool kerf_instance_take_address(struct kerf_world *world, uint32_t subnet_index, uint32_t *out_address);
void kerf_instance_give_address(struct kerf_world *world, uint32_t subnet_index, uint32_t address);

/** Tells listeners how many addresses of the subnet are taken. */
void kerf_subnet_notify(struct kerf_world *world, uint32_t subnet_index);

/* subnet_choice.c; KERF_NOT_FOUND: no subnet that takes instances in the zone */

/** Karpenter's choice: the subnet that it believes to have most free addresses. */
uint32_t kerf_subnet_of_claim(struct kerf_world *world, uint32_t zone_index);
/** An Auto Scaling group's: it does not weigh free addresses (an inference), so any of the zone, drawn by owner. */
uint32_t kerf_subnet_of_group(const struct kerf_world *world, uint32_t zone_index, uint64_t owner);
/** Karpenter asked for an instance with these choices of these pod capacities; `used` is the one it got, NULL: none. It takes the smallest pod
 *  capacity that could have come into the subnet off what it believes to be free there. */
void kerf_subnet_note_request(struct kerf_world *world, const struct kerf_cloud_choice *choices, const int64_t *pods, size_t choice_count,
                              const struct kerf_cloud_choice *used);
/** EC2 refused a launch for want of an address: Karpenter counts the subnet as empty, and a zone without another one as unavailable. */
void kerf_subnet_note_full(struct kerf_world *world, uint32_t subnet_index);
/** Handles the reads of free addresses from EC2. Once. */
void kerf_subnet_views_watch(struct kerf_world *world);
/** Where pods' interfaces of a node in this subnet go when they don't go there. KERF_NOT_FOUND: custom networking, and no ENIConfig for a node
 *  with these labels, or one whose subnet is none of the design's. */
uint32_t kerf_subnet_for_pods(const struct kerf_world *world, uint32_t node_subnet, const struct kerf_labels *labels);

/** The pod's address is that of a branch interface (branches.c): it asks for vpc.amazonaws.com/pod-eni, and ENABLE_POD_ENI is on. */
bool kerf_pod_has_branch(const struct kerf_world *world, const struct kerf_cluster_pod *pod);
/** Where trunk and branch interfaces of a node with a network are: the ENIConfig's subnet, else the node's own (vpc-cni.md 6). */
uint32_t kerf_branch_subnet(const struct kerf_cluster_node *node);

/* claim_volumes.c */

/** Binds the pod's claims that wait for it, with the pod's own binding: to volumes that are there or to new ones in the node's zone. */
void kerf_volumes_bind_claims(struct kerf_world *world, const struct kerf_pod *pod, const struct kerf_cluster_node *node);
/** EBS volumes of the bound pod are not attached to its node yet. */
bool kerf_pod_waits_for_volumes(const struct kerf_world *world, const struct kerf_cluster_pod *pod);
/** One of the pod's claims has that EBS volume. */
bool kerf_pod_uses_volume(const struct kerf_world *world, const struct kerf_pod *pod, kerf_name volume);

/** Every nodeclaim has been launched: else neither provisioner nor disruptor starts a pass (karpenter-provisioning 1.6). */
bool kerf_claims_are_synced(const struct kerf_cluster *cluster);

/**
 * Creates the NodeClaim of a planned claim, unless its NodePool's usage exceeds a limit (karpenter-provisioning 9.4): then false.
 */
bool kerf_claim_create(struct kerf_world *world, const struct kerf_planned_claim *planned, kerf_node_id *out_node);

/** Puts Karpenter's taint on a node that it disrupts, if it isn't there. */
void kerf_node_add_disrupted_taint(struct kerf_world *world, kerf_node_id node);

/** Nominates the existing nodes that a pass or a command gave pods to (karpenter-provisioning 11.5). */
void kerf_nominate_placements(struct kerf_world *world, const struct kerf_planned_placement *placements, size_t placement_count);

/** Is there an earlier refusal of the same subnet in this answer? A subnet without addresses refuses every type; users are told once. */
bool kerf_launch_refusal_was_told(const struct kerf_launch_outcome *outcome, size_t at);

/** Karpenter remembers an offering as unavailable for three minutes; forgotten by a sweep every ten seconds (10.8). */
void kerf_offering_remember_unavailable(struct kerf_world *world, uint32_t type_index, uint32_t zone_index, enum kerf_capacity_type capacity_type);
void kerf_offering_sweep(struct kerf_world *world);

/** How long the instance's way takes: drawn for its owner, or for its place among the run's launches (timings.bootDraws). */
struct kerf_boot_times kerf_world_draw_boot(struct kerf_world *world, uint64_t owner_hash, bool slow);

/** Does anybody answer EC2's notices about it: Karpenter's queue, EKS, a termination handler? */
bool kerf_node_hears_of_notices(const struct kerf_world *world, const struct kerf_cluster_node *node);

/** The node group of a node; NULL: none. */
const struct kerf_nodegroup *kerf_node_group(const struct kerf_world *world, const struct kerf_cluster_node *node);

/** `PREFIX-` and five letters drawn for the prefix's next name. */
kerf_name kerf_world_name_node(struct kerf_world *world, const char *prefix);

/** Removes what is left on a node (pods of daemonsets, pods of a lost instance) and the entry itself. */
void kerf_node_remove_with_pods(struct kerf_world *world, kerf_node_id node);

/** Micro-dollars an hour of an offering, from the catalogue: what EC2 bills. */
kerf_usd_micros kerf_offering_price(const struct kerf_world *world, uint32_t type_index, uint32_t zone_index,
                                    enum kerf_capacity_type capacity_type);

#endif
