/** What a pod is to Cluster Autoscaler. */
#include "autoscaling_internal.h"

const char *kerf_autoscaling_annotation(const struct kerf_vocabulary *vocabulary, const struct kerf_meta *meta, const char *key)
{
    const struct kerf_labels *annotations = &kerf_meta_details(meta)->annotations;
    if (!annotations->count)
        return NULL;
    kerf_name name = kerf_name_find(vocabulary->names, key);
    kerf_name value = name ? kerf_labels_get(annotations, name) : NULL;
    return value ? value->text : NULL;
}

bool kerf_autoscaling_is_daemon(const struct kerf_pod *pod)
{
    const struct kerf_owner *controller = kerf_meta_controller(&pod->meta);
    return controller && kerf_name_is(controller->kind, "DaemonSet");
}

bool kerf_autoscaling_is_mirror(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod)
{
    return kerf_pod_is_mirror(pod) || kerf_autoscaling_annotation(vocabulary, &pod->meta, "kubernetes.io/config.mirror");
}

bool kerf_autoscaling_is_static(const struct kerf_vocabulary *vocabulary, const struct kerf_pod *pod)
{
    const char *source = kerf_autoscaling_annotation(vocabulary, &pod->meta, "kubernetes.io/config.source");
    return source && strcmp(source, "api") != 0;
}

bool kerf_autoscaling_is_expendable(const struct kerf_autoscaling *autoscaling, const struct kerf_pod *pod)
{
    return pod->spec->has_priority && pod->spec->priority < autoscaling->options->expendable_pods_priority_cutoff;
}

bool kerf_autoscaling_is_overdue(const struct kerf_pod *pod, kerf_time_us now_epoch_us)
{
    const kerf_time_us extra_us = (pod->spec->termination_grace_seconds + 30) * KERF_SECOND_US;
    return kerf_pod_is_terminating(pod) && pod->meta.deletion_epoch_us + extra_us < now_epoch_us;
}

/** Equal specs of one input are the same spec; what Cluster Autoscaler ignores in it (host name, environment) is not read. */
bool kerf_autoscaling_pods_alike(const struct kerf_pod *a, const struct kerf_pod *b)
{
    return a->spec == b->spec && a->requests == b->requests && a->meta.namespace_name == b->meta.namespace_name &&
           kerf_labels_equal(&a->meta.labels, &b->meta.labels);
}
