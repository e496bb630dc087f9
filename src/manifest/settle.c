/** The rules of all objects together, once the last file has been read. */
#include "manifest/manifest_internal.h"

/* ---- priorities
 * ------------------------------------------------------------------------------------------------------------------ */

static const struct kerf_priority_class *find_class(const struct kerf_objects *objects, kerf_name name)
{
    const struct kerf_priority_class *found = NULL;
    for (size_t i = 0; i < objects->priority_classes.count; i++) {
        const struct kerf_priority_class *class = &objects->priority_classes.items[i];
        if (name ? class->meta.name == name : class->global_default && (!found || class->value < found->value))
            found = class; /* of several defaults the lowest counts */
    }
    return found;
}

static void settle_priority(const struct kerf_objects *objects, struct kerf_pod_spec *spec, bool live)
{
    const struct kerf_priority_class *class = find_class(objects, spec->priority_class_name);
    if (live && !spec->priority_class_name)
        return; /* the default of today says nothing about a pod of yesterday */
    if (!spec->has_priority) {
        if (class)
            spec->priority = class->value;
        else if (kerf_name_is(spec->priority_class_name, "system-node-critical"))
            spec->priority = 2000001000;
        else if (kerf_name_is(spec->priority_class_name, "system-cluster-critical"))
            spec->priority = 2000000000;
        else
            return;
        spec->has_priority = true;
    }
    if (class && !spec->has_preemption_policy)
        spec->preemption_policy = class->preemption_policy;
}

/* ---- LimitRanges
 * ------------------------------------------------------------------------------------------------------------------ */

static bool fill_gaps(struct kerf_resources *into, const struct kerf_resources *from)
{
    bool filled = false;
    for (int i = 0; i < KERF_RESOURCE_MAX; i++) {
        if (!kerf_resources_has(from, (enum kerf_resource)i) || kerf_resources_has(into, (enum kerf_resource)i))
            continue;
        kerf_resources_set(into, (enum kerf_resource)i, from->amounts[i]);
        filled = true;
    }
    return filled;
}

/** The first LimitRange of the namespace that sets a value wins; Kubernetes leaves it open. */
static void settle_limits(struct kerf_objects *objects, const struct kerf_owned_pod_spec *owned)
{
    struct kerf_container *containers = NULL;
    for (size_t i = 0; i < objects->limit_ranges.count; i++) {
        const struct kerf_limit_range *range = &objects->limit_ranges.items[i];
        if (range->meta.namespace_name != owned->namespace_name)
            continue;
        if (!containers)
            containers =
                kerf_arena_copy(&objects->arena, owned->spec->containers, owned->spec->container_count * sizeof *containers);
        for (uint32_t j = 0; j < owned->spec->container_count; j++) {
            fill_gaps(&containers[j].limits, &range->default_limit);
            fill_gaps(&containers[j].requests, &range->default_request);
        }
    }
    if (!containers)
        return;
    owned->spec->containers = containers;
    kerf_pod_spec_compute_requests(owned->spec);
}

/* ---- which pods stand for a workload
 * ----------------------------------------------------------------------------------------------- */

/** Owners of pods that were read, and their owners, as "KIND/NAMESPACE/NAME". */
struct owners {
    struct kerf_names *names;
    struct kerf_name_map seen;
};

static kerf_name owner_key(struct owners *owners, const char *kind, kerf_name namespace_name, const char *name)
{
    return kerf_name_format(owners->names, "%s/%s/%s", kind, kerf_name_text(namespace_name), name);
}

static void see(struct owners *owners, const char *kind, kerf_name namespace_name, const char *name)
{
    kerf_name_map_put(&owners->seen, owner_key(owners, kind, namespace_name, name), 1);
}

static bool seen(struct owners *owners, enum kerf_workload_kind kind, const struct kerf_meta *meta)
{
    return kerf_name_map_get(&owners->seen, owner_key(owners, kerf_workload_kind_text(kind), meta->namespace_name,
                                                      kerf_name_text(meta->name))) != KERF_NOT_FOUND;
}

/** A ReplicaSet or Job that wasn't read itself: its Deployment or CronJob is its name without the last part. */
static void see_presumed(struct owners *owners, const struct kerf_owner *owner, kerf_name namespace_name)
{
    const char *text = kerf_name_text(owner->name), *dash = strrchr(text, '-');
    bool replicaset = kerf_name_is(owner->kind, "ReplicaSet");
    if (!dash || (!replicaset && !kerf_name_is(owner->kind, "Job")))
        return;
    kerf_name parent = kerf_name_of_bytes(owners->names, text, (size_t)(dash - text));
    see(owners, replicaset ? "Deployment" : "CronJob", namespace_name, parent->text);
}

static void see_owners_of_pods(struct owners *owners, const struct kerf_objects *objects)
{
    for (size_t i = 0; i < objects->pods.count; i++) {
        const struct kerf_meta *meta = &objects->pods.items[i].meta;
        const struct kerf_meta_details *details = kerf_meta_details(meta);
        for (uint32_t j = 0; j < details->owner_count; j++) {
            see(owners, kerf_name_text(details->owners[j].kind), meta->namespace_name, kerf_name_text(details->owners[j].name));
            see_presumed(owners, &details->owners[j], meta->namespace_name);
        }
    }
    for (size_t i = 0; i < objects->workloads.count; i++) { /* ReplicaSets and Jobs whose pods were read: their controllers too */
        const struct kerf_workload *workload = &objects->workloads.items[i];
        const struct kerf_owner *controller = kerf_meta_controller(&workload->meta);
        if (controller && seen(owners, workload->kind, &workload->meta))
            see(owners, kerf_name_text(controller->kind), workload->meta.namespace_name, kerf_name_text(controller->name));
    }
}

/** Its controller was read too, and makes the pods. */
static bool is_controlled(const struct kerf_objects *objects, const struct kerf_workload *workload)
{
    const struct kerf_owner *controller = kerf_meta_controller(&workload->meta);
    for (size_t i = 0; controller && i < objects->workloads.count; i++) {
        const struct kerf_workload *other = &objects->workloads.items[i];
        if (other->meta.name == controller->name && other->meta.namespace_name == workload->meta.namespace_name &&
            kerf_name_is(controller->kind, kerf_workload_kind_text(other->kind)))
            return true;
    }
    return false;
}

static void expand_workloads(struct kerf_objects *objects, struct kerf_vocabulary *vocabulary)
{
    struct owners owners = {.names = kerf_names_new(NULL)};
    see_owners_of_pods(&owners, objects);
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_workload *workload = &objects->workloads.items[i];
        if (workload->kind == KERF_WORKLOAD_DAEMONSET || workload->kind == KERF_WORKLOAD_CRONJOB || workload->suspend ||
            workload->finished)
            continue;
        if (seen(&owners, workload->kind, &workload->meta) || is_controlled(objects, workload))
            continue;
        kerf_workload_expand(objects, vocabulary, workload, 0, (uint32_t)workload->replicas);
    }
    kerf_name_map_fini(&owners.seen);
    kerf_names_free(owners.names);
}

/* ---- all of it
 * --------------------------------------------------------------------------------------------------------------------- */

static void settle_identities(struct kerf_objects *objects, struct kerf_vocabulary *vocabulary)
{
    for (size_t i = 0; i < objects->pods.count; i++) {
        struct kerf_meta *meta = &objects->pods.items[i].meta;
        if (!meta->uid)
            meta->uid =
                kerf_name_format(vocabulary->names, "%s/%s", kerf_name_text(meta->namespace_name), kerf_name_text(meta->name));
        if (meta->created_epoch_us == KERF_TIME_UNSET)
            meta->created_epoch_us = kerf_objects_creation_time(objects, kerf_meta_details(meta)->input_index);
    }
}

void kerf_manifest_settle(struct kerf_objects *objects, struct kerf_vocabulary *vocabulary, bool expand)
{
    for (size_t i = 0; i < objects->pod_specs.count; i++) {
        const struct kerf_owned_pod_spec *owned = &objects->pod_specs.items[i];
        settle_priority(objects, owned->spec, owned->live);
        if (!owned->live)
            settle_limits(objects, owned);
    }
    kerf_settle_security_groups(objects);
    kerf_settle_capacity_reservations(objects);
    for (size_t i = 0; i < objects->workloads.count; i++)
        kerf_workload_prepare(&objects->arena, vocabulary, &objects->workloads.items[i]);
    if (expand)
        expand_workloads(objects, vocabulary);
    settle_identities(objects, vocabulary);
}
