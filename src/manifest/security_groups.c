/**
 * Security groups for pods: the webhook of the VPC resource controller gives each new pod that a SecurityGroupPolicy selects one
 * vpc.amazonaws.com/pod-eni, in requests and limits of its first container; pods on the host network never (vpc-cni.md 6).
 */
#include "manifest/manifest_internal.h"

void kerf_read_security_group_policy(struct kerf_reader *reader, const struct kerf_value *object)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_security_group_policy policy = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "podSelector", "serviceAccountSelector", "securityGroups");
    if (kerf_value_get(spec, "serviceAccountSelector"))
        kerf_value_warn(kerf_value_get(spec, "serviceAccountSelector"), reader->errs,
                        "service accounts are not looked at: this SecurityGroupPolicy selects pods by podSelector alone");
    policy.pod_selector = kerf_field_selector(reader, spec, "podSelector");
    if (policy.pod_selector.present)
        KERF_VEC_PUSH_IN(reader->arena, &reader->objects->security_group_policies, policy);
}

static bool is_selected(const struct kerf_objects *objects, kerf_name namespace_name, const struct kerf_labels *labels,
                        const struct kerf_pod_spec *spec)
{
    if (spec->host_network || spec->container_count == 0 || kerf_resources_has(&spec->requests, KERF_RESOURCE_POD_ENI))
        return false;
    for (size_t i = 0; i < objects->security_group_policies.count; i++) {
        const struct kerf_security_group_policy *policy = &objects->security_group_policies.items[i];
        if (policy->meta.namespace_name == namespace_name && kerf_label_selector_matches(&policy->pod_selector, labels))
            return true;
    }
    return false;
}

/** A copy of the spec with one branch interface asked for by its first container that isn't an init container. */
static const struct kerf_pod_spec *with_branch(struct kerf_arena *arena, const struct kerf_pod_spec *spec)
{
    struct kerf_pod_spec *copy = kerf_arena_copy(arena, spec, sizeof *spec);
    struct kerf_container *containers = kerf_arena_copy(arena, spec->containers, spec->container_count * sizeof *containers);
    const int64_t one = 1000; /* in thousandths */
    uint32_t first = 0;
    while (first + 1 < spec->container_count && containers[first].init)
        first++;
    kerf_resources_set(&containers[first].requests, KERF_RESOURCE_POD_ENI, one);
    kerf_resources_set(&containers[first].limits, KERF_RESOURCE_POD_ENI, one);
    copy->containers = containers;
    kerf_pod_spec_compute_requests(copy);
    return copy;
}

void kerf_settle_security_groups(struct kerf_objects *objects)
{
    if (objects->security_group_policies.count == 0)
        return;
    for (size_t i = 0; i < objects->workloads.count; i++) {
        struct kerf_workload *workload = &objects->workloads.items[i];
        if (is_selected(objects, workload->meta.namespace_name, &workload->template.labels, workload->template.spec))
            workload->template.spec = with_branch(&objects->arena, workload->template.spec);
    }
    const struct kerf_pod_spec *last = NULL, *last_copy = NULL; /* pods that share a spec go on sharing one, where they come together */
    for (size_t i = 0; i < objects->pods.count; i++) {
        struct kerf_pod *pod = &objects->pods.items[i];
        if (pod->has_status || !is_selected(objects, pod->meta.namespace_name, &pod->meta.labels, pod->spec))
            continue;
        if (pod->spec != last) {
            last = pod->spec;
            last_copy = with_branch(&objects->arena, last);
        }
        pod->spec = last_copy;
        pod->requests = &pod->spec->requests;
    }
}
