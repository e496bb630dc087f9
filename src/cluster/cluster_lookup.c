/** Look-ups among the objects that don't change, by name. The first of equal names holds. */
#include "cluster_internal.h"

struct namespaced_name {
    const struct kerf_cluster *cluster;
    kerf_name namespace_name;
    kerf_name kind;
    kerf_name name;
};

static bool pvc_is(const void *context, uint32_t value)
{
    const struct namespaced_name *wanted = context;
    const struct kerf_meta *meta = &wanted->cluster->objects->pvcs.items[value].meta;
    return meta->name == wanted->name && meta->namespace_name == wanted->namespace_name;
}

static bool workload_is(const void *context, uint32_t value)
{
    const struct namespaced_name *wanted = context;
    const struct kerf_workload *workload = &wanted->cluster->objects->workloads.items[value];
    return workload->meta.name == wanted->name && workload->meta.namespace_name == wanted->namespace_name &&
           kerf_name_is(wanted->kind, kerf_workload_kind_text(workload->kind));
}

static void map_first(struct kerf_name_map *map, kerf_name name, size_t index)
{
    if (name && kerf_name_map_get(map, name) == KERF_NOT_FOUND)
        kerf_name_map_put(map, name, (uint32_t)index);
}

void kerf_cluster_lookups_build(struct kerf_cluster *cluster)
{
    const struct kerf_objects *objects = cluster->objects;
    for (size_t i = 0; i < objects->nodepools.count; i++)
        map_first(&cluster->nodepool_by_name, objects->nodepools.items[i].meta.name, i);
    for (size_t i = 0; i < objects->nodeclasses.count; i++)
        map_first(&cluster->nodeclass_by_name, objects->nodeclasses.items[i].meta.name, i);
    cluster->group_sizes = KERF_NEW_ARRAY(&cluster->arena, int32_t, objects->nodegroups.count);
    for (size_t i = 0; i < objects->nodegroups.count; i++) {
        map_first(&cluster->nodegroup_by_name, objects->nodegroups.items[i].meta.name, i);
        cluster->group_sizes[i] = objects->nodegroups.items[i].desired_capacity;
    }
    for (size_t i = 0; i < objects->pvs.count; i++)
        map_first(&cluster->pv_by_name, objects->pvs.items[i].meta.name, i);
    for (size_t i = 0; i < objects->storage_classes.count; i++)
        map_first(&cluster->storage_class_by_name, objects->storage_classes.items[i].meta.name, i);
    for (size_t i = 0; i < objects->csinodes.count; i++)
        map_first(&cluster->csinode_by_name, objects->csinodes.items[i].meta.name, i);
    for (size_t i = 0; i < objects->namespaces.count; i++)
        map_first(&cluster->namespace_by_name, objects->namespaces.items[i].meta.name, i);
    for (size_t i = 0; i < objects->pvcs.count; i++) {
        const struct kerf_meta *meta = &objects->pvcs.items[i].meta;
        if (!kerf_cluster_find_pvc(cluster, meta->namespace_name, meta->name))
            kerf_cluster_content_index_put(&cluster->pvcs, hash_names(meta->namespace_name, meta->name), (uint32_t)i);
    }
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_meta *meta = &objects->workloads.items[i].meta;
        kerf_cluster_content_index_put(&cluster->workloads, hash_names(meta->namespace_name, meta->name), (uint32_t)i);
    }
}

void kerf_cluster_lookups_fini(struct kerf_cluster *cluster)
{
    kerf_name_map_fini(&cluster->nodepool_by_name);
    kerf_name_map_fini(&cluster->nodeclass_by_name);
    kerf_name_map_fini(&cluster->nodegroup_by_name);
    kerf_name_map_fini(&cluster->pv_by_name);
    kerf_name_map_fini(&cluster->storage_class_by_name);
    kerf_name_map_fini(&cluster->csinode_by_name);
    kerf_name_map_fini(&cluster->namespace_by_name);
    kerf_cluster_content_index_fini(&cluster->pvcs);
    kerf_cluster_content_index_fini(&cluster->workloads);
}

const struct kerf_pvc *kerf_cluster_find_pvc(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name)
{
    const struct kerf_pvc *now = kerf_cluster_record_of_claim(cluster, namespace_name, name);
    if (now)
        return now;
    struct namespaced_name wanted = {.cluster = cluster, .namespace_name = namespace_name, .name = name};
    uint32_t index = kerf_cluster_content_index_find(&cluster->pvcs, hash_names(namespace_name, name), pvc_is, &wanted);
    return index == KERF_NOT_FOUND ? NULL : &cluster->objects->pvcs.items[index];
}

static uint32_t look_up(const struct kerf_name_map *map, kerf_name name)
{
    return name ? kerf_name_map_get(map, name) : KERF_NOT_FOUND;
}

const struct kerf_pv *kerf_cluster_find_pv(const struct kerf_cluster *cluster, kerf_name name)
{
    const struct kerf_pv *now = name ? kerf_cluster_record_of_volume(cluster, name) : NULL;
    if (now)
        return now;
    uint32_t index = look_up(&cluster->pv_by_name, name);
    return index == KERF_NOT_FOUND ? NULL : &cluster->objects->pvs.items[index];
}

const struct kerf_storage_class *kerf_cluster_find_storage_class(const struct kerf_cluster *cluster, kerf_name name)
{
    uint32_t index = look_up(&cluster->storage_class_by_name, name);
    return index == KERF_NOT_FOUND ? NULL : &cluster->objects->storage_classes.items[index];
}

const struct kerf_csinode *kerf_cluster_find_csinode(const struct kerf_cluster *cluster, kerf_name node_name)
{
    uint32_t index = look_up(&cluster->csinode_by_name, node_name);
    return index == KERF_NOT_FOUND ? NULL : &cluster->objects->csinodes.items[index];
}

const struct kerf_namespace *kerf_cluster_find_namespace(const struct kerf_cluster *cluster, kerf_name name)
{
    uint32_t index = look_up(&cluster->namespace_by_name, name);
    return index == KERF_NOT_FOUND ? NULL : &cluster->objects->namespaces.items[index];
}

uint32_t kerf_cluster_find_workload(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name kind, kerf_name name)
{
    struct namespaced_name wanted = {.cluster = cluster, .namespace_name = namespace_name, .kind = kind, .name = name};
    return kerf_cluster_content_index_find(&cluster->workloads, hash_names(namespace_name, name), workload_is, &wanted);
}

/** `web` of `web-6d4cf56db6` when nobody read the ReplicaSet: Deployments name theirs so. */
static uint32_t find_deployment_of_replicaset_name(const struct kerf_cluster *cluster, kerf_name namespace_name, kerf_name name)
{
    const char *dash = strrchr(name->text, '-');
    if (!dash || dash == name->text)
        return KERF_NOT_FOUND;
    kerf_name deployment_kind = kerf_name_of(cluster->vocabulary->names, "Deployment");
    kerf_name prefix = kerf_name_of_bytes(cluster->vocabulary->names, name->text, (size_t)(dash - name->text));
    return kerf_cluster_find_workload(cluster, namespace_name, deployment_kind, prefix);
}

uint32_t kerf_cluster_find_workload_of_pod(const struct kerf_cluster *cluster, const struct kerf_pod *pod)
{
    const struct kerf_owner *owner = kerf_meta_controller(&pod->meta);
    if (!owner || !owner->kind || !owner->name)
        return KERF_NOT_FOUND;
    uint32_t index = kerf_cluster_find_workload(cluster, pod->meta.namespace_name, owner->kind, owner->name);
    if (index == KERF_NOT_FOUND && kerf_name_is(owner->kind, "ReplicaSet"))
        return find_deployment_of_replicaset_name(cluster, pod->meta.namespace_name, owner->name);
    /* A ReplicaSet of a Deployment, a Job of a CronJob: up to the topmost that was read. Owners in a circle end the walk. */
    for (int height = 0; index != KERF_NOT_FOUND && height < 4; height++) {
        const struct kerf_workload *workload = &cluster->objects->workloads.items[index];
        owner = kerf_meta_controller(&workload->meta);
        if (!owner || !owner->kind || !owner->name)
            break;
        uint32_t above = kerf_cluster_find_workload(cluster, pod->meta.namespace_name, owner->kind, owner->name);
        if (above == KERF_NOT_FOUND || above == index)
            break;
        index = above;
    }
    return index;
}
