/** Pods: whose they are, what they report, and how much room they ask for. */
#include "model/pod.h"

const struct kerf_condition *kerf_conditions_get(const struct kerf_conditions *conditions, const char *type)
{
    for (size_t i = 0; i < conditions->count; i++)
        if (kerf_name_is(conditions->items[i].type, type))
            return &conditions->items[i];
    return NULL;
}

bool kerf_conditions_true(const struct kerf_conditions *conditions, const char *type)
{
    const struct kerf_condition *condition = kerf_conditions_get(conditions, type);
    return condition && condition->status == KERF_CONDITION_TRUE;
}

const struct kerf_meta_details kerf_meta_no_details = {0};
const struct kerf_pod_status kerf_pod_no_status = {.started_epoch_us = KERF_TIME_UNSET};

const struct kerf_owner *kerf_meta_controller(const struct kerf_meta *meta)
{
    const struct kerf_meta_details *details = kerf_meta_details(meta);
    for (uint32_t i = 0; i < details->owner_count; i++)
        if (details->owners[i].controller)
            return &details->owners[i];
    return NULL;
}

bool kerf_meta_owned_by(const struct kerf_meta *meta, const char *api_version, const char *kind)
{
    const struct kerf_meta_details *details = kerf_meta_details(meta);
    for (uint32_t i = 0; i < details->owner_count; i++)
        if (kerf_name_is(details->owners[i].kind, kind) && kerf_name_is(details->owners[i].api_version, api_version))
            return true;
    return false;
}

bool kerf_pod_is_daemon(const struct kerf_pod *pod)
{
    return kerf_meta_owned_by(&pod->meta, "apps/v1", "DaemonSet");
}
bool kerf_pod_is_mirror(const struct kerf_pod *pod)
{
    return kerf_meta_owned_by(&pod->meta, "v1", "Node");
}

void kerf_pod_requests_of(const struct kerf_pod_spec *spec, kerf_container_requests choose, const void *context,
                          struct kerf_resources *out_requests)
{
    struct kerf_resources running = {0};  /* containers and sidecars */
    struct kerf_resources starting = {0}; /* the largest step of initialization */
    struct kerf_resources sidecars = {0}; /* those declared so far */
    for (uint32_t i = 0; i < spec->container_count; i++) {
        const struct kerf_container *container = &spec->containers[i];
        struct kerf_resources chosen;
        const struct kerf_resources *requests = &container->requests;
        if (choose) {
            choose(context, container, &chosen);
            requests = &chosen;
        }
        if (!container->init) {
            kerf_resources_add(&running, requests);
        } else if (container->restart_always) {
            kerf_resources_add(&running, requests);
            kerf_resources_add(&sidecars, requests);
            kerf_resources_maximum(&starting, &sidecars);
        } else {
            struct kerf_resources step = *requests;
            kerf_resources_add(&step, &sidecars);
            kerf_resources_maximum(&starting, &step);
        }
    }
    kerf_resources_maximum(&running, &starting);
    if (spec->has_pod_level_requests) {
        static const enum kerf_resource replaced[] = {KERF_RESOURCE_CPU, KERF_RESOURCE_MEMORY, KERF_RESOURCE_HUGEPAGES_2MI,
                                                      KERF_RESOURCE_HUGEPAGES_1GI};
        for (size_t i = 0; i < sizeof replaced / sizeof replaced[0]; i++)
            if (kerf_resources_has(&spec->pod_level_requests, replaced[i]))
                kerf_resources_set(&running, replaced[i], spec->pod_level_requests.amounts[replaced[i]]);
    }
    kerf_resources_add(&running, &spec->overhead);
    kerf_resources_set(&running, KERF_RESOURCE_PODS, 1);
    *out_requests = running;
}

void kerf_pod_spec_compute_requests(struct kerf_pod_spec *spec)
{
    kerf_pod_requests_of(spec, NULL, NULL, &spec->requests);
}
