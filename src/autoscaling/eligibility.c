/** Which nodes are looked at for removal at all: utilisation, annotations, deletions under way (10.2). */
#include "autoscaling_internal.h"

const char *kerf_unremovable_reason_text(enum kerf_unremovable_reason reason)
{
    static const char *const texts[] = {
        [KERF_UNREMOVABLE_NONE] = "NoReason",
        [KERF_UNREMOVABLE_SCALE_DOWN_DISABLED] = "ScaleDownDisabledAnnotation",
        [KERF_UNREMOVABLE_SCALE_DOWN_UNREADY_DISABLED] = "ScaleDownUnreadyDisabled",
        [KERF_UNREMOVABLE_NOT_UNDERUTILIZED] = "NotUnderutilized",
        [KERF_UNREMOVABLE_NOT_UNNEEDED_LONG_ENOUGH] = "NotUnneededLongEnough",
        [KERF_UNREMOVABLE_NOT_UNREADY_LONG_ENOUGH] = "NotUnreadyLongEnough",
        [KERF_UNREMOVABLE_GROUP_MIN_SIZE] = "NodeGroupMinSizeReached",
        [KERF_UNREMOVABLE_MINIMAL_RESOURCE_LIMIT] = "MinimalResourceLimitExceeded",
        [KERF_UNREMOVABLE_BEING_DELETED] = "CurrentlyBeingDeleted",
        [KERF_UNREMOVABLE_RECENTLY] = "RecentlyUnremovable",
        [KERF_UNREMOVABLE_NO_PLACE] = "NoPlaceToMovePods",
        [KERF_UNREMOVABLE_BLOCKED_BY_POD] = "BlockedByPod",
        [KERF_UNREMOVABLE_ON_COMPLETION_POD] = "BlockedByOnCompletionPod",
    };
    return texts[reason];
}

bool kerf_node_has_annotation_true(const struct kerf_autoscaling *autoscaling, const struct kerf_node *node, const char *key)
{
    const char *text = kerf_autoscaling_annotation(autoscaling->vocabulary, &node->meta, key);
    return text && strcmp(text, "true") == 0;
}

bool kerf_node_is_being_deleted(const struct kerf_autoscaling *autoscaling, kerf_node_id id)
{
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    for (uint32_t i = 0; i < moment->deleting_empty_node_count; i++)
        if (kerf_node_id_equal(moment->deleting_empty_nodes[i], id))
            return true;
    for (uint32_t i = 0; i < moment->draining_node_count; i++)
        if (kerf_node_id_equal(moment->draining_nodes[i], id))
            return true;
    return false;
}

/** Requests of pods of one kind that leave the sum, in the unit of the slot's amounts. */
static int64_t requests_of(struct kerf_autoscaling *autoscaling, uint32_t slot, enum kerf_resource resource, bool *out_any,
                           bool (*counts)(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod))
{
    uint32_t count;
    const pod_ref *pods = kerf_binding_supposed_pods(autoscaling->binding, slot, &count);
    int64_t unit = resource == KERF_RESOURCE_CPU ? 1000000 : 1000, sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!counts(autoscaling, &pods[i]->pod))
            continue;
        int64_t amount = pods[i]->pod.requests->amounts[resource];
        sum += amount / unit + (amount % unit > 0);
        *out_any = true;
    }
    return sum;
}

static bool is_ignored_daemon(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    return autoscaling->options->ignore_daemonsets_utilization && kerf_autoscaling_is_daemon(pod);
}

static bool is_ignored_mirror(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    return !is_ignored_daemon(autoscaling, pod) && autoscaling->options->ignore_mirror_pods_utilization &&
           kerf_autoscaling_is_mirror(autoscaling->vocabulary, pod);
}

static bool is_overdue(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    return kerf_autoscaling_is_overdue(pod, autoscaling->now_epoch_us) && !is_ignored_daemon(autoscaling, pod) &&
           !is_ignored_mirror(autoscaling, pod);
}

static double utilization_of(struct kerf_autoscaling *autoscaling, uint32_t slot, enum kerf_resource resource)
{
    const struct kerf_autoscaler_options *options = autoscaling->options;
    int64_t used = kerf_binding_supposed_requests(autoscaling->binding, slot, resource);
    int64_t allocatable = kerf_binding_supposed_allocatable(autoscaling->binding, slot, resource);
    bool any = false;
    used -= requests_of(autoscaling, slot, resource, &any, is_overdue);
    if (options->ignore_daemonsets_utilization || options->ignore_mirror_pods_utilization) {
        int64_t ignored = requests_of(autoscaling, slot, resource, &any, is_ignored_daemon) +
                          requests_of(autoscaling, slot, resource, &any, is_ignored_mirror);
        used -= ignored;
        allocatable -= ignored;
    }
    return allocatable > 0 ? (double)used / (double)allocatable : 0;
}

double kerf_node_utilization_of(struct kerf_autoscaling *autoscaling, const struct listed_node *listed, bool *out_is_gpu)
{
    const struct kerf_node *node = kerf_listed_node_of(autoscaling, listed);
    kerf_name label = kerf_name_find(autoscaling->vocabulary->names, "k8s.amazonaws.com/accelerator");
    *out_is_gpu =
        node->allocatable.amounts[KERF_RESOURCE_NVIDIA_GPU] > 0 || (label && kerf_labels_get(&node->meta.labels, label));
    if (*out_is_gpu)
        return utilization_of(autoscaling, listed->slot, KERF_RESOURCE_NVIDIA_GPU);
    double cpu = utilization_of(autoscaling, listed->slot, KERF_RESOURCE_CPU);
    double memory = utilization_of(autoscaling, listed->slot, KERF_RESOURCE_MEMORY);
    return cpu > memory ? cpu : memory;
}
