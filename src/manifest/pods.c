/** Pods: what belongs to the single pod, beside the spec that it shares. */
#include "manifest/manifest_internal.h"

/** What the kubelet says of a container: what it was admitted with, and what it runs with. */
struct container_status {
    kerf_name name;
    struct kerf_resources allocated;
    struct kerf_resources actual;
};

struct resize {
    bool infeasible;
    struct container_status *items;
    size_t count;
};

/** While a resize is under way a container counts for the largest of what it asks for, what it was given and what it has. */
static void choose_requests(const void *context, const struct kerf_container *container, struct kerf_resources *out_requests)
{
    const struct resize *resize = context;
    for (size_t i = 0; i < resize->count; i++) {
        const struct container_status *status = &resize->items[i];
        if (status->name != container->name)
            continue;
        *out_requests = resize->infeasible ? (struct kerf_resources){0} : container->requests;
        kerf_resources_maximum(out_requests, &status->actual);
        kerf_resources_maximum(out_requests, &status->allocated);
        return;
    }
    *out_requests = container->requests;
}

static bool is_infeasible(const struct kerf_conditions *conditions)
{
    const struct kerf_condition *pending = kerf_conditions_get(conditions, "PodResizePending");
    return pending && kerf_name_is(pending->reason, "Infeasible");
}

static void read_resize(struct kerf_reader *reader, const struct kerf_value *status, struct kerf_pod *pod)
{
    static const char *const lists[] = {"initContainerStatuses", "containerStatuses"};
    struct resize resize = {.infeasible = is_infeasible(&kerf_pod_status(pod)->conditions)};
    size_t capacity = kerf_value_count(kerf_value_get(status, lists[0])) + kerf_value_count(kerf_value_get(status, lists[1]));
    if (capacity == 0)
        return;
    resize.items = KERF_NEW_ARRAY(&reader->scratch, struct container_status, capacity);
    for (size_t i = 0; i < KERF_COUNT_OF(lists); i++) {
        const struct kerf_value *list = kerf_field_list(reader, status, lists[i]);
        for (uint32_t j = 0; j < kerf_value_count(list); j++) {
            const struct kerf_value *item = &list->items[j], *resources = kerf_field_map(reader, item, "resources");
            if (!resources)
                continue;
            resize.items[resize.count++] = (struct container_status){
                .name = kerf_field_name(reader, item, "name"),
                .allocated = kerf_field_resources(reader, item, "allocatedResources", KERF_ROUND_UP),
                .actual = kerf_field_resources(reader, resources, "requests", KERF_ROUND_UP),
            };
        }
    }
    if (resize.count == 0)
        return;
    struct kerf_resources requests;
    kerf_pod_requests_of(pod->spec, choose_requests, &resize, &requests);
    if (!kerf_resources_equal(&requests, pod->requests))
        pod->requests = kerf_arena_copy(reader->arena, &requests, sizeof requests);
}

static void read_pod_status(struct kerf_reader *reader, const struct kerf_value *status, struct kerf_pod *pod)
{
    static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed", "Unknown"};
    pod->phase = (enum kerf_pod_phase)kerf_field_enum(reader, status, "phase", phases, KERF_COUNT_OF(phases), KERF_POD_PENDING);
    struct kerf_pod_status rest = {
        .nominated_node_name = kerf_field_name(reader, status, "nominatedNodeName"),
        .conditions = kerf_field_conditions(reader, status),
        .started_epoch_us = kerf_field_time(reader, status, "startTime"),
    };
    pod->status = kerf_arena_copy(reader->arena, &rest, sizeof rest);
    read_resize(reader, status, pod);
}

void kerf_read_pod(struct kerf_reader *reader, const struct kerf_value *object)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_pod pod = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    const struct kerf_value *status = kerf_field_map(reader, object, "status");
    pod.has_status = kerf_value_count(status) > 0;
    pod.spec = kerf_reader_pod_spec(reader, spec, &pod.meta, false, pod.has_status);
    const struct kerf_pod_spec *own = kerf_pod_spec_of_pod(reader->arena, reader->vocabulary, pod.spec, pod.meta.name);
    if (own != pod.spec) { /* claims of its own */
        struct kerf_pod_spec *registered = kerf_arena_copy(reader->arena, own, sizeof *own);
        KERF_VEC_PUSH_IN(
            reader->arena, &reader->objects->pod_specs,
            (struct kerf_owned_pod_spec){.spec = registered, .namespace_name = pod.meta.namespace_name, .live = pod.has_status});
        pod.spec = registered;
    }
    pod.requests = &pod.spec->requests;
    pod.node_name = kerf_field_name(reader, spec, "nodeName");
    if (pod.has_status)
        read_pod_status(reader, status, &pod);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->pods, pod);
}
