/** From files to objects: documents, lists, and the table of kinds. */
#include "manifest/manifest_internal.h"

#include <stdlib.h>

typedef void (*read_function)(struct kerf_reader *reader, const struct kerf_value *object);

/** Kinds by group; a group of a built-in API has all its versions. NULL: known, and passed over. */
static const struct kind {
    const char *group;
    const char *kind;
    read_function read;
} kinds[] = {
    {"", "Pod", kerf_read_pod},
    {"", "Node", kerf_read_node},
    {"", "Namespace", kerf_read_namespace},
    {"", "Service", kerf_read_service},
    {"", "ReplicationController", kerf_read_replicationcontroller},
    {"", "PersistentVolumeClaim", kerf_read_pvc},
    {"", "PersistentVolume", kerf_read_pv},
    {"", "ResourceQuota", kerf_read_resource_quota},
    {"", "LimitRange", kerf_read_limit_range},
    {"", "ConfigMap", kerf_read_config_map},
    {"apps", "Deployment", kerf_read_deployment},
    {"apps", "ReplicaSet", kerf_read_replicaset},
    {"apps", "StatefulSet", kerf_read_statefulset},
    {"apps", "DaemonSet", kerf_read_daemonset},
    {"batch", "Job", kerf_read_job},
    {"batch", "CronJob", kerf_read_cronjob},
    {"autoscaling", "HorizontalPodAutoscaler", kerf_read_hpa},
    {"policy", "PodDisruptionBudget", kerf_read_pdb},
    {"scheduling.k8s.io", "PriorityClass", kerf_read_priority_class},
    {"storage.k8s.io", "StorageClass", kerf_read_storage_class},
    {"storage.k8s.io", "CSINode", kerf_read_csinode},
    {"karpenter.sh", "NodePool", kerf_read_nodepool},
    {"karpenter.sh", "NodeClaim", kerf_read_nodeclaim},
    {"karpenter.k8s.aws", "EC2NodeClass", kerf_read_ec2nodeclass},
    {"crd.k8s.amazonaws.com", "ENIConfig", kerf_read_eniconfig},
    {"vpcresources.k8s.aws", "SecurityGroupPolicy", kerf_read_security_group_policy},
    {"kubescheduler.config.k8s.io", "KubeSchedulerConfiguration", kerf_read_scheduler_configuration},
    {"eksctl.io", "ClusterConfig", kerf_read_cluster_config},
    {"", "Secret", NULL},
    {"", "ServiceAccount", NULL},
    {"", "Endpoints", NULL},
    {"", "Event", NULL},
    {"", "Binding", NULL},
    {"", "ComponentStatus", NULL},
    {"", "PodTemplate", NULL},
    {"apps", "ControllerRevision", NULL},
    {"storage.k8s.io", "CSIDriver", NULL},
    {"storage.k8s.io", "CSIStorageCapacity", NULL},
    {"storage.k8s.io", "VolumeAttachment", NULL},
    {"storage.k8s.io", "VolumeAttributesClass", NULL},
    {"karpenter.sh", "NodeOverlay", NULL},
    {"autoscaling.x-k8s.io", "CapacityBuffer", NULL},
    {"crd.k8s.amazonaws.com", NULL, NULL},
    {"vpcresources.k8s.aws", NULL, NULL},
    {"networking.k8s.aws", NULL, NULL},
    {"kerf.dev", "Autoscale", kerf_read_autoscale},
    {"kerf", NULL, NULL},
    {"kerf.dev", NULL, NULL},
    {"kustomize.config.k8s.io", NULL, NULL},
    /* groups of Kubernetes itself that hold nothing for us */
    {"admissionregistration.k8s.io", NULL, NULL},
    {"apiextensions.k8s.io", NULL, NULL},
    {"apiregistration.k8s.io", NULL, NULL},
    {"authentication.k8s.io", NULL, NULL},
    {"authorization.k8s.io", NULL, NULL},
    {"certificates.k8s.io", NULL, NULL},
    {"coordination.k8s.io", NULL, NULL},
    {"discovery.k8s.io", NULL, NULL},
    {"events.k8s.io", NULL, NULL},
    {"flowcontrol.apiserver.k8s.io", NULL, NULL},
    {"gateway.networking.k8s.io", NULL, NULL},
    {"internal.apiserver.k8s.io", NULL, NULL},
    {"metrics.k8s.io", NULL, NULL},
    {"networking.k8s.io", NULL, NULL},
    {"node.k8s.io", NULL, NULL},
    {"rbac.authorization.k8s.io", NULL, NULL},
    {"resource.k8s.io", NULL, NULL},
    {"storagemigration.k8s.io", NULL, NULL},
};

static bool is_group(const char *group, const char *api_version, size_t length)
{
    return strlen(group) == length && strncmp(group, api_version, length) == 0;
}

/** The row of a kind; NULL when it is not known. `out_group_known`: others of its group are. */
static const struct kind *find_kind(const char *api_version, const char *kind, bool *out_group_known)
{
    const char *slash = strchr(api_version, '/');
    size_t length = slash ? (size_t)(slash - api_version) : 0;
    *out_group_known = false;
    for (size_t i = 0; i < KERF_COUNT_OF(kinds); i++) {
        if (!is_group(kinds[i].group, api_version, length))
            continue;
        *out_group_known = true;
        if (!kinds[i].kind || strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    }
    return NULL;
}

/** Each unknown kind once, with what may have been meant. */
static void note_unknown(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind,
                         bool group_known)
{
    const char *both = kerf_arena_format(reader->arena, "%s %s", api_version, kind);
    for (size_t i = 0; i < reader->noted_kinds.count; i++)
        if (strcmp(reader->noted_kinds.items[i], both) == 0)
            return;
    KERF_VEC_PUSH(&reader->noted_kinds, both);
    const struct kerf_value *at = kerf_value_get(object, "kind"); /* absent in the items of a typed list */
    at = at ? at : object;
    const char *candidates[KERF_COUNT_OF(kinds)];
    size_t count = 0;
    for (size_t i = 0; i < KERF_COUNT_OF(kinds); i++)
        if (kinds[i].kind)
            candidates[count++] = kinds[i].kind;
    const char *nearest = group_known || strchr(api_version, '/') == NULL ? kerf_nearest(kind, candidates, count) : NULL;
    if (strcmp(kind, "Provisioner") == 0)
        kerf_value_warn(at, reader->errs, "Provisioner became NodePool (karpenter.sh/v1); passed over");
    else if (strcmp(kind, "AWSNodeTemplate") == 0)
        kerf_value_warn(at, reader->errs, "AWSNodeTemplate became EC2NodeClass (karpenter.k8s.aws/v1); passed over");
    else if (nearest && strcmp(nearest, kind) == 0)
        kerf_value_warn(at, reader->errs, "%s is not of %s; passed over", kind, api_version);
    else if (nearest)
        kerf_value_warn(at, reader->errs, "unknown kind %s of %s; did you mean %s? Passed over", kind, api_version, nearest);
    else
        kerf_value_warn(at, reader->errs, "kerf doesn't know the kind %s of %s; passed over", kind, api_version);
}

/** karpenter.sh/v1beta1 and older: read as v1, whose readers know the old places of keys. */
static void check_version(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version)
{
    const char *slash = strchr(api_version, '/');
    const struct kerf_value *at = kerf_value_get(object, "apiVersion"); /* absent in the items of a typed list */
    bool karpenter = strncmp(api_version, "karpenter.", strlen("karpenter.")) == 0;
    if (karpenter && slash && strcmp(slash, "/v1") != 0 && strcmp(slash, "/v1alpha1") != 0)
        kerf_value_warn(at ? at : object, reader->errs,
                        "%s is not served since Karpenter 1.1; %.*s/v1 is meant, and read", api_version,
                        (int)(slash - api_version), api_version);
}

/* ---- objects that come again: the last one counts, as it does for kubectl apply ------------------------------------------------- */

static kerf_name identity_of(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind)
{
    const struct kerf_value *metadata = kerf_value_get(object, "metadata");
    const char *name = kerf_value_get_text_or(metadata, "name", "");
    const char *slash = strchr(api_version, '/');
    if (!*name)
        return NULL;
    return kerf_name_format(reader->contents, "%.*s/%s/%s/%s", slash ? (int)(slash - api_version) : 0, api_version, kind,
                            kerf_value_get_text_or(metadata, "namespace", "default"), name);
}

/** Lists an object and those in it; kind and apiVersion are those of the typed list around it, NULL for none. */
static void list_object(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind)
{
    if (kerf_value_get_text_or(object, "kind", NULL)) {
        kind = kerf_value_get_text_or(object, "kind", NULL);
        api_version = kerf_value_get_text_or(object, "apiVersion", NULL);
    }
    if (!kind || !api_version)
        return;
    size_t length = strlen(kind);
    const struct kerf_value *items = kerf_value_get(object, "items");
    if (length >= 4 && strcmp(kind + length - 4, "List") == 0 && items) {
        const char *item_kind = length > 4 ? kerf_arena_format(reader->arena, "%.*s", (int)(length - 4), kind) : NULL;
        for (uint32_t i = 0; i < kerf_value_count(items); i++)
            list_object(reader, &items->items[i], item_kind ? api_version : NULL, item_kind);
        return;
    }
    kerf_name identity = identity_of(reader, object, api_version, kind);
    if (!identity)
        return;
    uint32_t index = kerf_name_map_get(&reader->object_indices, identity);
    if (index == KERF_NOT_FOUND) {
        kerf_name_map_put(&reader->object_indices, identity, (uint32_t)reader->last_objects.count);
        KERF_VEC_PUSH(&reader->last_objects, object);
    } else {
        reader->last_objects.items[index] = object;
        reader->has_repeats = true;
    }
}

static bool is_replaced(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind)
{
    kerf_name identity = reader->has_repeats ? identity_of(reader, object, api_version, kind) : NULL;
    uint32_t index = identity ? kerf_name_map_get(&reader->object_indices, identity) : KERF_NOT_FOUND;
    if (index == KERF_NOT_FOUND || reader->last_objects.items[index] == object)
        return false;
    struct kerf_place last = kerf_value_place(reader->last_objects.items[index], NULL);
    kerf_value_warn(object, reader->errs, "%s %s comes again in %s:%" PRIu32 ", which counts; this one is passed over", kind,
                    kerf_value_get_text_or(kerf_value_get(object, "metadata"), "name", ""), last.file, last.line);
    return true;
}

/* ---- reading ---- */

static void read_object(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind);

/** `kind: List`, or PodList and the like, whose items may lack kind and apiVersion. */
static bool read_list(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind)
{
    size_t length = strlen(kind);
    if (length < 4 || strcmp(kind + length - 4, "List") != 0 || !kerf_value_get_or_null(object, "items"))
        return false;
    const struct kerf_value *items = kerf_field_list(reader, object, "items");
    const char *item_kind = length > 4 ? kerf_arena_format(reader->arena, "%.*s", (int)(length - 4), kind) : NULL;
    for (uint32_t i = 0; i < kerf_value_count(items); i++)
        read_object(reader, &items->items[i], item_kind ? api_version : NULL, item_kind);
    return true;
}

static void read_object(struct kerf_reader *reader, const struct kerf_value *object, const char *api_version, const char *kind)
{
    if (!kerf_value_is_map(object)) {
        KERF_NOTE(reader, kerf_value_expect(object, KERF_VALUE_MAP, reader->errs));
        return;
    }
    if (!kerf_value_get(object, "kind") && !kerf_value_get(object, "apiVersion") &&
        (kerf_read_capacity_reservations(reader, object) || kerf_read_helm_values(reader, object)))
        return;
    if (!kind || kerf_value_get(object, "kind")) {
        const struct kerf_value *required = NULL;
        KERF_NOTE(reader, kerf_value_require(object, "kind", &required, reader->errs));
        KERF_NOTE(reader, kerf_value_require(object, "apiVersion", &required, reader->errs));
        kind = kerf_field_text(reader, object, "kind");
        api_version = kerf_field_text(reader, object, "apiVersion");
        if (!kind || !api_version)
            return;
    }
    if (read_list(reader, object, api_version, kind))
        return;
    bool group_known;
    const struct kind *row = find_kind(api_version, kind, &group_known);
    if (!row) {
        note_unknown(reader, object, api_version, kind, group_known);
    } else if (row->read && !is_replaced(reader, object, api_version, kind)) {
        check_version(reader, object, api_version);
        row->read(reader, object);
        kerf_arena_reset(&reader->scratch);
    }
}

static enum kerf_status read_documents(const struct kerf_documents *documents, struct kerf_vocabulary *vocabulary,
                                       struct kerf_objects *objects, struct kerf_errors *errs)
{
    struct kerf_reader reader = {
        .vocabulary = vocabulary,
        .objects = objects,
        .arena = &objects->arena,
        .errs = errs,
        .contents = kerf_names_new(NULL),
    };
    kerf_arena_init(&reader.scratch);
    for (size_t i = 0; i < documents->list.count; i++) {
        const struct kerf_value *root = &documents->list.items[i]->root;
        if (!kerf_value_is_list(root))
            list_object(&reader, root, NULL, NULL);
        for (uint32_t j = 0; kerf_value_is_list(root) && j < root->count; j++)
            list_object(&reader, &root->items[j], NULL, NULL);
    }
    for (size_t i = 0; i < documents->list.count; i++) {
        const struct kerf_value *root = &documents->list.items[i]->root;
        if (!kerf_value_is_list(root)) {
            read_object(&reader, root, NULL, NULL);
            continue;
        }
        for (uint32_t j = 0; j < root->count; j++) /* a JSON list of objects */
            read_object(&reader, &root->items[j], NULL, NULL);
    }
    kerf_warn_of_unknown_reservations(&reader);
    KERF_VEC_FREE(&reader.noted_kinds);
    KERF_VEC_FREE(&reader.last_objects);
    kerf_name_map_fini(&reader.object_indices);
    kerf_text_fini(&reader.content);
    kerf_name_map_fini(&reader.spec_indices);
    kerf_names_free(reader.contents);
    kerf_arena_fini(&reader.scratch);
    return reader.status;
}

enum kerf_status kerf_manifest_read(const char *const *paths, size_t path_count, struct kerf_vocabulary *vocabulary,
                                    struct kerf_objects *objects, struct kerf_errors *errs)
{
    struct kerf_documents *documents = kerf_documents_new();
    enum kerf_status files = kerf_documents_read_files(documents, paths, path_count, errs);
    enum kerf_status content = read_documents(documents, vocabulary, objects, errs);
    kerf_documents_free(documents);
    return files > content ? files : content;
}

enum kerf_status kerf_manifest_read_text(const char *file, const char *text, size_t length, struct kerf_vocabulary *vocabulary,
                                         struct kerf_objects *objects, struct kerf_errors *errs)
{
    struct kerf_documents *documents = kerf_documents_new();
    enum kerf_status parsed = kerf_documents_read_bytes(documents, file, text, length, errs);
    enum kerf_status content = read_documents(documents, vocabulary, objects, errs);
    kerf_documents_free(documents);
    return parsed > content ? parsed : content;
}
