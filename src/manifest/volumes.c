/** Volumes: claims, what they are bound to, and the classes that make them. */
#include "manifest/manifest_internal.h"

static bool has_mode(const struct kerf_value *spec, const char *mode)
{
    const struct kerf_value *modes = kerf_value_get(spec, "accessModes");
    for (uint32_t i = 0; i < kerf_value_count(modes); i++)
        if (kerf_value_is_scalar(&modes->items[i]) && strcmp(modes->items[i].text, mode) == 0)
            return true;
    return false;
}

void kerf_read_pvc(struct kerf_reader *reader, const struct kerf_value *object)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_pvc pvc = {.meta = kerf_reader_meta(reader, object, true)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "accessModes", "selector", "resources", "volumeName",
                    "storageClassName", "volumeMode", "dataSource", "dataSourceRef", "volumeAttributesClassName");
    const struct kerf_value *requests = kerf_field_map(reader, kerf_field_map(reader, spec, "resources"), "requests");
    pvc.storage_class_name = kerf_field_name_or_empty(reader, spec, "storageClassName");
    pvc.has_storage_class_name = pvc.storage_class_name != NULL;
    pvc.volume_name = kerf_field_name(reader, spec, "volumeName");
    pvc.phase = kerf_field_name(reader, kerf_field_map(reader, object, "status"), "phase");
    pvc.storage_bytes = kerf_field_bytes(reader, requests, "storage", 0);
    pvc.read_write_once_pod = has_mode(spec, "ReadWriteOncePod");
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->pvcs, pvc);
}

void kerf_read_pv(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const in_tree_kinds[] = {"awsElasticBlockStore",
                                                "gcePersistentDisk",
                                                "azureDisk",
                                                "azureFile",
                                                "cinder",
                                                "vsphereVolume",
                                                "portworxVolume",
                                                "nfs",
                                                "iscsi",
                                                "fc",
                                                "rbd",
                                                "cephfs"};
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_pv pv = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    if (!spec)
        return;
    const struct kerf_value *required = kerf_field_map(reader, kerf_field_map(reader, spec, "nodeAffinity"), "required");
    const struct kerf_value *csi = kerf_field_map(reader, spec, "csi"), *claim = kerf_field_map(reader, spec, "claimRef");
    pv.has_node_affinity = required != NULL;
    pv.node_terms = kerf_field_node_terms(reader, required, "nodeSelectorTerms", &pv.node_term_count);
    pv.local_or_host_path = kerf_value_get_or_null(spec, "local") || kerf_value_get_or_null(spec, "hostPath");
    pv.csi_driver = kerf_field_name(reader, csi, "driver");
    pv.volume_handle = kerf_field_name(reader, csi, "volumeHandle");
    for (size_t i = 0; i < KERF_COUNT_OF(in_tree_kinds); i++)
        if (kerf_value_get(spec, in_tree_kinds[i]))
            pv.in_tree_kind = kerf_name_of(reader->vocabulary->names, in_tree_kinds[i]);
    if (kerf_name_is(pv.in_tree_kind, "awsElasticBlockStore"))
        pv.volume_handle = kerf_field_name(reader, kerf_field_map(reader, spec, "awsElasticBlockStore"), "volumeID");
    pv.storage_class_name = kerf_field_name(reader, spec, "storageClassName");
    pv.claim_namespace = kerf_field_name(reader, claim, "namespace");
    pv.claim_name = kerf_field_name(reader, claim, "name");
    pv.capacity_bytes = kerf_field_bytes(reader, kerf_field_map(reader, spec, "capacity"), "storage", 0);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->pvs, pv);
}

/** One entry of allowedTopologies: `matchLabelExpressions` with key and values, each an In. */
static struct kerf_topology_term read_topology_term(struct kerf_reader *reader, const struct kerf_value *term)
{
    const struct kerf_value *list = kerf_field_list(reader, term, "matchLabelExpressions");
    uint32_t count = kerf_value_count(list);
    struct kerf_expression *items = KERF_NEW_ARRAY(reader->arena, struct kerf_expression, count);
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct kerf_expression){.op = KERF_OP_IN, .min_values = -1};
        items[i].key = kerf_field_required_name(reader, &list->items[i], "key");
        items[i].values = kerf_field_names(reader, &list->items[i], "values", &items[i].value_count);
    }
    return (struct kerf_topology_term){{items, count}};
}

void kerf_read_storage_class(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const modes[] = {"Immediate", "WaitForFirstConsumer"};
    static const char *const default_keys[] = {"storageclass.kubernetes.io/is-default-class",
                                               "storageclass.beta.kubernetes.io/is-default-class"};
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "provisioner", "parameters",
                    "reclaimPolicy", "mountOptions", "allowVolumeExpansion", "volumeBindingMode", "allowedTopologies");
    struct kerf_storage_class class = {.meta = kerf_reader_meta(reader, object, false)};
    class.provisioner = kerf_field_required_name(reader, object, "provisioner");
    class.wait_for_first_consumer = kerf_field_enum(reader, object, "volumeBindingMode", modes, KERF_COUNT_OF(modes), 0) == 1;
    for (size_t i = 0; i < KERF_COUNT_OF(default_keys); i++)
        if (kerf_labels_get(&kerf_meta_details(&class.meta)->annotations, kerf_name_of(reader->vocabulary->names, default_keys[i])) ==
            reader->vocabulary->word_true)
            class.is_default = true;
    const struct kerf_value *list = kerf_field_list(reader, object, "allowedTopologies");
    uint32_t count = kerf_value_count(list);
    if (count > 0) {
        struct kerf_topology_term *terms = KERF_NEW_ARRAY(reader->arena, struct kerf_topology_term, count);
        for (uint32_t i = 0; i < count; i++)
            terms[i] = read_topology_term(reader, &list->items[i]);
        class.allowed_topologies = terms;
        class.allowed_topology_count = count;
    }
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->storage_classes, class);
}
