/** What a pod's state means to Karpenter (karpenter-disruption 2.4, 2.6; karpenter-provisioning 1.1). */
#include "scheduling/scheduling.h"
#include "document/document.h"

#include <math.h>
#include <strings.h>

/** A terminating pod whose time is over by more than this is stuck: nobody waits for it any more. */
#define STUCK_AFTER_US KERF_MINUTE_US

bool kerf_pod_is_provisionable(const struct kerf_pod *pod)
{
    if (pod->node_name || kerf_pod_status(pod)->nominated_node_name || kerf_pod_is_daemon(pod) || kerf_pod_is_mirror(pod))
        return false;
    if (!pod->has_status)
        return pod->spec->scheduling_gate_count == 0; /* once applied, a gated pod has another reason */
    const struct kerf_condition *condition = kerf_conditions_get(&kerf_pod_status(pod)->conditions, "PodScheduled");
    return condition && kerf_name_is(condition->reason, "Unschedulable");
}

bool kerf_pod_is_reschedulable(const struct kerf_pod *pod)
{
    bool replaced_in_place = kerf_pod_is_terminating(pod) && kerf_meta_owned_by(&pod->meta, "apps/v1", "StatefulSet");
    return (kerf_pod_is_active(pod) || replaced_in_place) && !kerf_pod_is_daemon(pod) && !kerf_pod_is_mirror(pod);
}

bool kerf_pod_tolerates_disruption(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod)
{
    struct kerf_taint disrupted = {.key = vocabulary->key_disrupted, .effect = KERF_TAINT_NO_SCHEDULE};
    struct kerf_taints taints = {&disrupted, 1};
    return !kerf_taints_untolerated(&taints, &pod->spec->tolerations, KERF_EFFECTS_ALL);
}

bool kerf_pod_is_drainable(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod, kerf_time_us now_epoch_us)
{
    bool stuck = kerf_pod_is_terminating(pod) && now_epoch_us - pod->meta.deletion_epoch_us > STUCK_AFTER_US;
    return !stuck && !kerf_pod_is_mirror(pod) && !kerf_pod_tolerates_disruption(vocabulary, pod);
}

bool kerf_pod_do_not_disrupt(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod, kerf_time_us now_epoch_us)
{
    kerf_name value = kerf_labels_get(&kerf_meta_details(&pod->meta)->annotations, vocabulary->key_do_not_disrupt);
    if (!value)
        return false;
    if (value == vocabulary->word_true)
        return true;
    kerf_time_us duration_us;
    if (!kerf_parse_duration(value->text, &duration_us) || duration_us <= 0)
        return false;
    kerf_time_us started_epoch_us = kerf_pod_status(pod)->started_epoch_us;
    return started_epoch_us == KERF_TIME_UNSET || now_epoch_us - started_epoch_us < duration_us;
}

bool kerf_pod_is_evictable(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod, kerf_time_us now_epoch_us)
{
    return kerf_pod_is_active(pod) && !kerf_pod_is_mirror(pod) && !kerf_pod_tolerates_disruption(vocabulary, pod) &&
           !kerf_pod_do_not_disrupt(vocabulary, pod, now_epoch_us);
}

/** As Go's ParseFloat reads an annotation: infinities are numbers there. */
static bool parse_cost(const char *text, double *out_value)
{
    const char *digits = text[0] == '+' || text[0] == '-' ? text + 1 : text;
    if (!strcasecmp(digits, "inf") || !strcasecmp(digits, "infinity")) {
        *out_value = text[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return kerf_parse_double(text, out_value);
}

double kerf_pod_eviction_cost(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod)
{
    double cost = 1.0;
    double deletion_cost;
    kerf_name annotation = kerf_labels_get(&kerf_meta_details(&pod->meta)->annotations, vocabulary->key_pod_deletion_cost);
    if (annotation && parse_cost(annotation->text, &deletion_cost))
        cost += deletion_cost / 134217728.0; /* 2^27 */
    if (pod->spec->has_priority)
        cost += pod->spec->priority / 33554432.0; /* 2^25 */
    return cost < -10.0 ? -10.0 : cost > 10.0 ? 10.0 : cost;
}
