/** Nodes, namespaces and what hangs on nodes. */
#include "manifest/manifest_internal.h"

static void read_images(struct kerf_reader *reader, const struct kerf_value *status, struct kerf_node *node)
{
    const struct kerf_value *list = kerf_field_list(reader, status, "images");
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return;
    struct kerf_node_image *images = KERF_NEW_ARRAY(reader->arena, struct kerf_node_image, count);
    for (uint32_t i = 0; i < count; i++) {
        images[i].names = kerf_field_names(reader, &list->items[i], "names", &images[i].name_count);
        images[i].size_bytes = kerf_field_i64(reader, &list->items[i], "sizeBytes", 0, INT64_MAX, 0);
    }
    node->images = images;
    node->image_count = count;
}

void kerf_read_node(struct kerf_reader *reader, const struct kerf_value *object)
{
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN_NEAR_MISSES, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_node node = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *spec = kerf_field_map(reader, object, "spec");
    const struct kerf_value *status = kerf_field_map(reader, object, "status");
    if (spec)
        KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN_NEAR_MISSES, "providerID", "unschedulable", "taints", "podCIDR", "podCIDRs",
                        "configSource", "externalID");
    node.provider_id = kerf_field_name(reader, spec, "providerID");
    node.unschedulable = kerf_field_bool(reader, spec, "unschedulable", false);
    node.taints = kerf_field_taints(reader, spec, "taints");
    node.capacity = kerf_field_resources(reader, status, "capacity", KERF_ROUND_DOWN);
    node.allocatable = kerf_value_get(status, "allocatable")
                           ? kerf_field_resources(reader, status, "allocatable", KERF_ROUND_DOWN)
                           : node.capacity; /* as the API server defaults it */
    node.conditions = kerf_field_conditions(reader, status);
    read_images(reader, status, &node);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->nodes, node);
}

void kerf_read_namespace(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_namespace namespace_object = {.meta = kerf_reader_meta(reader, object, false)};
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->namespaces, namespace_object);
}

void kerf_read_csinode(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_csinode csinode = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *list = kerf_field_list(reader, kerf_field_map(reader, object, "spec"), "drivers");
    uint32_t count = kerf_value_count(list);
    if (count > 0) {
        struct kerf_csi_driver_limit *drivers = KERF_NEW_ARRAY(reader->arena, struct kerf_csi_driver_limit, count);
        for (uint32_t i = 0; i < count; i++) {
            const struct kerf_value *allocatable = kerf_field_map(reader, &list->items[i], "allocatable");
            drivers[i].driver = kerf_field_required_name(reader, &list->items[i], "name");
            drivers[i].count = kerf_field_i64(reader, allocatable, "count", 0, INT32_MAX, -1);
            drivers[i].topology_keys = kerf_field_names(reader, &list->items[i], "topologyKeys", &drivers[i].topology_key_count);
        }
        csinode.drivers = drivers;
        csinode.driver_count = count;
    }
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->csinodes, csinode);
}

void kerf_read_eniconfig(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_eniconfig eniconfig = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    if (spec)
        eniconfig.subnet = kerf_field_required_name(reader, spec, "subnet");
    if (eniconfig.meta.name && eniconfig.subnet)
        KERF_VEC_PUSH_IN(reader->arena, &reader->objects->eniconfigs, eniconfig);
}
