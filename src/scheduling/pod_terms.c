/** Which pods a term selects, which ports collide, what a volume's claim is. */
#include "scheduling/scheduling.h"

/* ---- host ports (karpenter-provisioning 8.4)
 * ------------------------------------------------------------------------------------ */

static bool is_unspecified(kerf_name address)
{
    return !address || kerf_name_is(address, "0.0.0.0") || kerf_name_is(address, "::");
}

bool kerf_host_ports_conflict(const struct kerf_host_port *a, const struct kerf_host_port *b)
{
    return a->port == b->port && a->protocol == b->protocol &&
           (a->address == b->address || is_unspecified(a->address) || is_unspecified(b->address));
}

bool kerf_pod_ports_conflict(const struct kerf_pod_spec *spec, const struct kerf_host_port *ports, size_t port_count)
{
    for (uint32_t c = 0; c < spec->container_count; c++) {
        const struct kerf_container *container = &spec->containers[c];
        if (container->init)
            continue;
        for (uint32_t p = 0; p < container->host_port_count; p++)
            for (size_t i = 0; i < port_count; i++)
                if (kerf_host_ports_conflict(&container->host_ports[p], &ports[i]))
                    return true;
    }
    return false;
}

/* ---- affinity terms
 * ------------------------------------------------------------------------------------------------------------- */

bool kerf_namespace_matches(const struct kerf_cluster *cluster, const struct kerf_label_selector *selector,
                            kerf_name namespace_name)
{
    if (!selector->present)
        return false;
    if (selector->expressions.count == 0 && !selector->invalid)
        return true;
    const struct kerf_namespace *object = kerf_cluster_find_namespace(cluster, namespace_name);
    if (object)
        return kerf_label_selector_matches(selector, &object->meta.labels);
    /* Not read, but it exists, for the pod does; then it carries the label that the API server gives to each. */
    struct kerf_label label = {.key = kerf_name_find(kerf_cluster_vocabulary(cluster)->names, "kubernetes.io/metadata.name"),
                               .value = namespace_name};
    struct kerf_labels labels = {&label, label.key ? 1 : 0};
    return kerf_label_selector_matches(selector, &labels);
}

bool kerf_affinity_term_selects(const struct kerf_cluster *cluster, const struct kerf_pod_affinity_term *term,
                                kerf_name own_namespace, const struct kerf_pod *pod)
{
    if (!kerf_label_selector_matches(&term->selector, &pod->meta.labels))
        return false;
    if (term->namespace_count == 0 && !term->namespace_selector.present)
        return pod->meta.namespace_name == own_namespace;
    for (uint32_t i = 0; i < term->namespace_count; i++)
        if (term->namespaces[i] == pod->meta.namespace_name)
            return true;
    return kerf_namespace_matches(cluster, &term->namespace_selector, pod->meta.namespace_name);
}

struct kerf_label_selector kerf_spread_selector(const struct kerf_topology_spread *spread, const struct kerf_labels *pod_labels,
                                                struct kerf_vocabulary *vocabulary, struct kerf_arena *arena)
{
    (void)vocabulary;
    struct kerf_label_selector selector = spread->selector;
    if (!spread->match_label_key_count || !selector.present)
        return selector;
    struct kerf_expression *expressions =
        KERF_NEW_ARRAY(arena, struct kerf_expression, selector.expressions.count + spread->match_label_key_count);
    size_t count = selector.expressions.count;
    if (count)
        memcpy(expressions, selector.expressions.items, count * sizeof *expressions);
    for (uint32_t i = 0; i < spread->match_label_key_count; i++) {
        kerf_name value = kerf_labels_get(pod_labels, spread->match_label_keys[i]);
        if (!value)
            continue;
        expressions[count++] = (struct kerf_expression){.key = spread->match_label_keys[i],
                                                        .op = KERF_OP_IN,
                                                        .values = kerf_arena_copy(arena, &value, sizeof value),
                                                        .value_count = 1,
                                                        .min_values = -1};
    }
    selector.expressions = (struct kerf_expressions){expressions, count};
    return selector;
}

/* ---- volumes (karpenter-provisioning 8)
 * ----------------------------------------------------------------------------------------- */

const struct kerf_pvc *kerf_volume_claim(const struct kerf_cluster *cluster, const struct kerf_pod *pod,
                                         const struct kerf_pod_volume *volume)
{
    if (volume->claim_name) {
        const struct kerf_pvc *claim = kerf_cluster_find_pvc(cluster, pod->meta.namespace_name, volume->claim_name);
        return claim ? claim : volume->own_claim;
    }
    if (!volume->ephemeral || !volume->name || !pod->meta.name)
        return NULL;
    struct kerf_text text = {0};
    kerf_text_append_format(&text, "%s-%s", pod->meta.name->text, volume->name->text);
    kerf_name name = kerf_name_find(kerf_cluster_vocabulary(cluster)->names, text.bytes);
    kerf_text_fini(&text);
    return name ? kerf_cluster_find_pvc(cluster, pod->meta.namespace_name, name) : NULL;
}

const struct kerf_storage_class *kerf_claim_storage_class(const struct kerf_cluster *cluster, const struct kerf_pvc *claim)
{
    if (claim->has_storage_class_name || claim->storage_class_name)
        return kerf_cluster_find_storage_class(cluster, claim->storage_class_name);
    const struct kerf_objects *objects = kerf_cluster_objects(cluster);
    const struct kerf_storage_class *newest = NULL; /* of several defaults the newest holds, then the first by name */
    for (size_t i = 0; i < objects->storage_classes.count; i++) {
        const struct kerf_storage_class *one = &objects->storage_classes.items[i];
        if (one->is_default && (!newest || one->meta.created_epoch_us > newest->meta.created_epoch_us ||
                                (one->meta.created_epoch_us == newest->meta.created_epoch_us &&
                                 kerf_name_compare(one->meta.name, newest->meta.name) < 0)))
            newest = one;
    }
    return newest;
}

/** In-tree volume plugins and provisioners and the CSI drivers that took their place. */
static const struct {
    const char *volume_kind;
    const char *provisioner;
    const char *csi_driver;
} in_tree_plugins[] = {
    {"awsElasticBlockStore", "kubernetes.io/aws-ebs", "ebs.csi.aws.com"},
    {"gcePersistentDisk", "kubernetes.io/gce-pd", "pd.csi.storage.gke.io"},
    {"azureDisk", "kubernetes.io/azure-disk", "disk.csi.azure.com"},
    {"azureFile", "kubernetes.io/azure-file", "file.csi.azure.com"},
    {"cinder", "kubernetes.io/cinder", "cinder.csi.openstack.org"},
    {"vsphereVolume", "kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"},
    {"portworxVolume", "kubernetes.io/portworx-volume", "pxd.portworx.com"},
};

kerf_name kerf_claim_driver(const struct kerf_cluster *cluster, const struct kerf_pvc *claim)
{
    struct kerf_names *names = kerf_cluster_vocabulary(cluster)->names;
    if (claim->volume_name) {
        const struct kerf_pv *pv = kerf_cluster_find_pv(cluster, claim->volume_name);
        if (!pv || pv->csi_driver)
            return pv ? pv->csi_driver : NULL;
        for (size_t i = 0; i < sizeof in_tree_plugins / sizeof in_tree_plugins[0]; i++)
            if (kerf_name_is(pv->in_tree_kind, in_tree_plugins[i].volume_kind))
                return kerf_name_of(names, in_tree_plugins[i].csi_driver);
        return NULL;
    }
    const struct kerf_storage_class *storage_class = kerf_claim_storage_class(cluster, claim);
    if (!storage_class || !storage_class->provisioner)
        return NULL;
    for (size_t i = 0; i < sizeof in_tree_plugins / sizeof in_tree_plugins[0]; i++)
        if (kerf_name_is(storage_class->provisioner, in_tree_plugins[i].provisioner))
            return kerf_name_of(names, in_tree_plugins[i].csi_driver);
    return storage_class->provisioner;
}
