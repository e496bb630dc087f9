/**
 * autoscaling_world: a small cluster for Cluster Autoscaler, in the shapes of cluster-autoscaler.md section 15: node groups,
 * nodes with their DaemonSet pods, ReplicaSet pods. Times are seconds since the start; memory in MiB.
 */
#ifndef KERF_TESTS_AUTOSCALING_WORLD_H
#define KERF_TESTS_AUTOSCALING_WORLD_H

#include "autoscaling/autoscaling.h"

enum { WORLD_GROUPS_MAX = 8 };

/** A: 4 cpu, 16 GiB; B: 2 cpu, 8 GiB; C: 8 cpu, 32 GiB. */
enum world_shape { SHAPE_A, SHAPE_B, SHAPE_C };

struct autoscaling_world {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_autoscaler_options options;
    struct kerf_autoscaling_group groups[WORLD_GROUPS_MAX];
    uint32_t group_count;
    const char *priorities;
    struct kerf_autoscaling *autoscaling; /* made by the first loop */
    kerf_time_us now_epoch_us;
    /* of the last loop */
    const struct kerf_autoscaling_fit *fits;
    uint32_t fit_count;
    const struct kerf_scale_up *up;
    const struct kerf_scale_down *down;
    uint32_t pod_number;
    kerf_node_id deleting[64]; /* what later loops are told */
    uint32_t deleting_count;
};

/** The cluster comes into being with the first node, pod or loop: PDBs and workloads are added before. */
void world_init(struct autoscaling_world *world);
void world_fini(struct autoscaling_world *world);
kerf_time_us world_time(double seconds);

/** Returns the group's index. */
uint32_t world_add_group(struct autoscaling_world *world, const char *name, enum world_shape shape, const char *zone,
                         int32_t size, int32_t max);
/** A ready node of the group with its DaemonSet pods; the group's size is not touched. */
kerf_node_id world_add_node(struct autoscaling_world *world, const char *name, uint32_t group_index);
void world_add_budget(struct autoscaling_world *world, const char *app, int32_t disruptions_allowed);

/** A kind of pods: those of one ReplicaSet, labelled app=NAME. `spec` may be changed before the first pod is made. */
struct world_pods {
    struct kerf_meta_details *details; /* of pod: still changeable */
    struct kerf_pod pod;
    struct kerf_pod_spec *spec;
    uint32_t workload_index;
};
struct world_pods world_pods_of(struct autoscaling_world *world, const char *app, int64_t millicores, int64_t mebibytes);
/** Pending pods, a year old. Returns the id of the first; the others follow it. */
kerf_pod_id world_add_pending(struct autoscaling_world *world, const struct world_pods *pods, uint32_t count);
kerf_pod_id world_add_bound(struct autoscaling_world *world, const struct world_pods *pods, kerf_node_id node);
struct kerf_label_selector world_selector(struct autoscaling_world *world, const char *app);
struct kerf_labels world_annotation(struct autoscaling_world *world, const char *key, const char *value);

/** One loop: filter, scale-up; or filter, scale-down. Answers stand in the world. */
void world_scale_up(struct autoscaling_world *world, double now_seconds);
void world_scale_down(struct autoscaling_world *world, double now_seconds);
/** Sets the targets of the last scale-up; the new nodes are upcoming from then on. */
void world_apply(struct autoscaling_world *world);

/** Change of the group's size in the last scale-up; 0: none. */
int32_t world_grown(const struct autoscaling_world *world, const char *group);
const struct kerf_autoscaling_option *world_option(const struct autoscaling_world *world, const char *group); /* NULL: none */
bool world_is_unneeded(const struct autoscaling_world *world, kerf_node_id node);
/** Of the last scale-down; NONE: it is not in the list. */
enum kerf_unremovable_reason world_why_stays(const struct autoscaling_world *world, kerf_node_id node);

#endif
