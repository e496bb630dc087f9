/**
 * VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone (kube-scheduler.md 5). A volume that is still to be
 * provisioned follows its storage class; that a class may be out of storage is not modelled.
 */
#include "binding_internal.h"

struct claim_state {
    const struct kerf_pvc *claim;
    const struct kerf_pv *volume;                   /* bound; else NULL */
    const struct kerf_storage_class *storage_class; /* of a claim that waits for its first pod */
};

/** What an attachment is counted by: equal for two pods that share a volume. */
struct attachment {
    kerf_name driver;
    kerf_name handle;
    kerf_name namespace_name; /* claims without a volume: handle is the claim's name */
};

struct volume_state {
    struct claim_state *claims;
    uint32_t claim_count;
    struct attachment *attachments;
    uint32_t attachment_count;
    uint32_t sole_users; /* pods that hold one of the pod's ReadWriteOncePod claims */
};

static void reject(struct attempt *attempt, const char *plugin, const char *reason)
{
    attempt->rejected = (struct refusal){plugin, reason, false};
}

static bool is_bound(const struct kerf_cluster *cluster, const struct kerf_pvc *claim)
{
    if (!claim->volume_name)
        return false;
    if (kerf_name_is(claim->phase, "Bound"))
        return true;
    kerf_name key = kerf_name_find(kerf_cluster_vocabulary(cluster)->names, "pv.kubernetes.io/bind-completed");
    return key && kerf_labels_get(&kerf_meta_details(&claim->meta)->annotations, key);
}

static bool uses_claim(const struct kerf_cluster *cluster, const struct kerf_pod *pod, const struct kerf_pvc *claim)
{
    for (uint32_t i = 0; i < pod->spec->volume_count; i++)
        if (kerf_volume_claim(cluster, pod, &pod->spec->volumes[i]) == claim)
            return true;
    return false;
}

static uint32_t sole_uses_of(const struct attempt *attempt, const struct kerf_pod *pod)
{
    uint32_t uses = 0;
    for (uint32_t i = 0; i < attempt->volumes->claim_count; i++)
        uses += attempt->volumes->claims[i].claim->read_write_once_pod &&
                uses_claim(attempt->binding->cluster, pod, attempt->volumes->claims[i].claim);
    return uses;
}

static void count_sole_users(struct attempt *attempt)
{
    const struct kerf_binding *binding = attempt->binding;
    bool any = false;
    for (uint32_t i = 0; i < attempt->volumes->claim_count; i++)
        any |= attempt->volumes->claims[i].claim->read_write_once_pod;
    for (uint32_t at = 0; any && at < binding->order_count; at++) {
        const struct node_info *info = &binding->nodes[binding->order[at]];
        if (!info->volume_pods)
            continue;
        struct slot_pods pods = kerf_slot_pods(binding, binding->order[at]);
        for (uint32_t i = 0; i < pods.count; i++) {
            const struct kerf_pod *pod = &kerf_slot_pod(&pods, i)->pod;
            if (!kerf_pod_is_terminal(pod))
                attempt->volumes->sole_users += sole_uses_of(attempt, pod);
        }
    }
}

static struct attachment attachment_of(const struct kerf_cluster *cluster, const struct kerf_pvc *claim)
{
    struct attachment attachment = {.driver = kerf_claim_driver(cluster, claim)};
    const struct kerf_pv *volume = claim->volume_name ? kerf_cluster_find_pv(cluster, claim->volume_name) : NULL;
    if (volume) {
        attachment.handle = volume->volume_handle ? volume->volume_handle : volume->meta.name;
    } else {
        attachment.handle = claim->meta.name;
        attachment.namespace_name = claim->meta.namespace_name;
    }
    return attachment;
}

static bool is_among(const struct attachment *attachments, uint32_t count, const struct attachment *wanted)
{
    for (uint32_t i = 0; i < count; i++)
        if (attachments[i].driver == wanted->driver && attachments[i].handle == wanted->handle &&
            attachments[i].namespace_name == wanted->namespace_name)
            return true;
    return false;
}

static void add_attachments(const struct kerf_cluster *cluster, const struct kerf_pod *pod, struct attachment *attachments,
                            uint32_t *count)
{
    for (uint32_t i = 0; i < pod->spec->volume_count; i++) {
        const struct kerf_pvc *claim = kerf_volume_claim(cluster, pod, &pod->spec->volumes[i]);
        if (!claim)
            continue;
        struct attachment attachment = attachment_of(cluster, claim);
        if (attachment.driver && !is_among(attachments, *count, &attachment))
            attachments[(*count)++] = attachment;
    }
}

/** Looks a claim up; false when the pod is rejected for it. */
static bool begin_claim(struct attempt *attempt, const struct kerf_pvc *claim, struct claim_state *out_state)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    *out_state = (struct claim_state){.claim = claim};
    if (!claim)
        return reject(attempt, "VolumeBinding", "persistentvolumeclaim not found"), false;
    if (kerf_name_is(claim->phase, "Lost"))
        return reject(attempt, "VolumeBinding", "persistentvolumeclaim bound to non-existent persistentvolume"), false;
    if (claim->meta.deletion_epoch_us != KERF_TIME_UNSET)
        return reject(attempt, "VolumeBinding", "persistentvolumeclaim is being deleted"), false;
    if (is_bound(cluster, claim)) {
        out_state->volume = kerf_cluster_find_pv(cluster, claim->volume_name);
        return out_state->volume || (reject(attempt, "VolumeBinding", "persistentvolume not found"), false);
    }
    const struct kerf_storage_class *storage_class = kerf_claim_storage_class(cluster, claim);
    if (claim->volume_name || !storage_class || !storage_class->wait_for_first_consumer)
        return reject(attempt, "VolumeBinding", "pod has unbound immediate PersistentVolumeClaims"), false;
    out_state->storage_class = storage_class;
    return true;
}

void kerf_volumes_begin(struct attempt *attempt)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    const struct kerf_pod_spec *spec = attempt->spec;
    struct volume_state *state = KERF_NEW(attempt->arena, struct volume_state);
    state->claims = KERF_NEW_ARRAY(attempt->arena, struct claim_state, spec->volume_count);
    state->attachments = KERF_NEW_ARRAY(attempt->arena, struct attachment, spec->volume_count);
    bool has_disks = false;
    for (uint32_t i = 0; i < spec->volume_count; i++) {
        const struct kerf_pod_volume *volume = &spec->volumes[i];
        has_disks |= volume->disk_id != NULL;
        if ((volume->claim_name || volume->ephemeral) &&
            !begin_claim(attempt, kerf_volume_claim(cluster, &attempt->pod->pod, volume), &state->claims[state->claim_count++]))
            return;
    }
    if (!state->claim_count && !has_disks)
        return;
    attempt->volumes = state;
    add_attachments(cluster, &attempt->pod->pod, state->attachments, &state->attachment_count);
    count_sole_users(attempt);
}

/* ---- filters
 * ------------------------------------------------------------------------------------------------------------------------- */

static bool refuse(struct refusal *out_refusal, const char *plugin, const char *reason, bool resolvable)
{
    *out_refusal = (struct refusal){plugin, reason, resolvable};
    return false;
}

static bool restrictions_allow(const struct attempt *attempt, const struct node_view *view)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    uint32_t users = attempt->volumes->sole_users;
    for (uint32_t i = 0; users && i < view->removed_count; i++)
        users -= sole_uses_of(attempt, &kerf_cluster_pod(cluster, view->removed[i])->pod);
    if (users)
        return false;
    uint32_t pod_count;
    const struct kerf_cluster_pod **pods = kerf_view_pods(attempt, view, &pod_count);
    for (uint32_t own = 0; own < attempt->spec->volume_count; own++) {
        kerf_name disk = attempt->spec->volumes[own].disk_id;
        for (uint32_t p = 0; disk && p < pod_count; p++)
            for (uint32_t v = 0; v < pods[p]->pod.spec->volume_count; v++)
                if (pods[p]->pod.spec->volumes[v].disk_id == disk)
                    return false;
    }
    return true;
}

static bool limits_allow(const struct attempt *attempt, const struct node_view *view)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    const struct volume_state *state = attempt->volumes;
    const struct kerf_csinode *csinode = kerf_cluster_find_csinode(cluster, attempt->binding->nodes[view->slot].name);
    if (!csinode || !state->attachment_count)
        return true;
    uint32_t pod_count, room = 0, count = 0;
    const struct kerf_cluster_pod **pods = kerf_view_pods(attempt, view, &pod_count);
    for (uint32_t i = 0; i < pod_count; i++)
        room += pods[i]->pod.spec->volume_count;
    struct attachment *attached = KERF_NEW_ARRAY(attempt->arena, struct attachment, room);
    for (uint32_t i = 0; i < pod_count; i++)
        add_attachments(cluster, &pods[i]->pod, attached, &count);
    for (uint32_t d = 0; d < csinode->driver_count; d++) {
        const struct kerf_csi_driver_limit *limit = &csinode->drivers[d];
        if (limit->count < 0)
            continue;
        int64_t old_count = 0, new_count = 0;
        for (uint32_t i = 0; i < count; i++)
            old_count += attached[i].driver == limit->driver;
        for (uint32_t i = 0; i < state->attachment_count; i++)
            new_count += state->attachments[i].driver == limit->driver && !is_among(attached, count, &state->attachments[i]);
        if (new_count && old_count + new_count > limit->count)
            return false;
    }
    return true;
}

/**
 * Labels for the topology of volumes. The zone label of the EBS CSI driver appears on a node when its plugin registers; a node
 * without it is taken to have it, as every EKS node that runs the driver does: it says what the current zone label says.
 */
static bool topology_matches(const struct kerf_cluster *cluster, const struct kerf_expression *expression,
                             const struct kerf_labels *labels)
{
    struct kerf_expression current = *expression;
    if (!kerf_labels_get(labels, expression->key))
        current.key = kerf_vocabulary_normalize_key(kerf_cluster_vocabulary(cluster), expression->key);
    return kerf_expression_matches(&current, labels);
}

static bool all_match(const struct kerf_cluster *cluster, const struct kerf_expressions *expressions,
                      const struct kerf_labels *labels)
{
    for (size_t i = 0; i < expressions->count; i++)
        if (!topology_matches(cluster, &expressions->items[i], labels))
            return false;
    return true;
}

static bool volume_is_reachable(const struct kerf_cluster *cluster, const struct kerf_pv *volume, const struct kerf_labels *labels,
                                kerf_name node_name)
{
    if (!volume->has_node_affinity)
        return true;
    for (uint32_t t = 0; t < volume->node_term_count; t++) {
        const struct kerf_node_selector_term *term = &volume->node_terms[t];
        if (term->match_fields.count
                ? kerf_node_selector_term_matches(term, labels, node_name)
                : term->match_expressions.count && all_match(cluster, &term->match_expressions, labels))
            return true;
    }
    return false;
}

/** Of the volumes that are there and would do: the one that is kept for the claim, else the smallest. */
static const struct kerf_pv *find_volume(const struct kerf_cluster *cluster, const struct kerf_pvc *claim,
                                         const struct kerf_storage_class *storage_class, const struct kerf_labels *labels,
                                         kerf_name node_name)
{
    const struct kerf_objects *objects = kerf_cluster_objects(cluster);
    const struct kerf_pv *smallest = NULL;
    for (size_t i = 0; i < objects->pvs.count; i++) {
        const struct kerf_pv *volume = kerf_cluster_find_pv(cluster, objects->pvs.items[i].meta.name);
        if (!volume)
            continue;
        bool is_kept = volume->claim_name == claim->meta.name && volume->claim_namespace == claim->meta.namespace_name;
        if ((volume->claim_name && !is_kept) || volume->storage_class_name != storage_class->meta.name ||
            volume->capacity_bytes < claim->storage_bytes || !volume_is_reachable(cluster, volume, labels, node_name))
            continue;
        if (volume->claim_name)
            return volume;
        if (!smallest || volume->capacity_bytes < smallest->capacity_bytes)
            smallest = volume;
    }
    return smallest;
}

const struct kerf_pv *kerf_binding_volume_for(const struct kerf_cluster *cluster, const struct kerf_pvc *claim,
                                              const struct kerf_cluster_node *node)
{
    const struct kerf_storage_class *storage_class = kerf_claim_storage_class(cluster, claim);
    return storage_class ? find_volume(cluster, claim, storage_class, &node->node.meta.labels, node->node.meta.name) : NULL;
}

/** A volume nobody else has claimed that would do, or a class that can make one there. */
static bool can_be_provided(const struct kerf_cluster *cluster, const struct claim_state *state, const struct node_info *node)
{
    const struct kerf_storage_class *storage_class = state->storage_class;
    if (find_volume(cluster, state->claim, storage_class, &node->labels, node->name))
        return true;
    if (!storage_class->provisioner || kerf_name_is(storage_class->provisioner, "kubernetes.io/no-provisioner"))
        return false;
    for (uint32_t t = 0; t < storage_class->allowed_topology_count; t++)
        if (all_match(cluster, &storage_class->allowed_topologies[t].expressions, &node->labels))
            return true;
    return storage_class->allowed_topology_count == 0;
}

static const char *const zone_keys[] = {"failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
                                        "topology.kubernetes.io/zone", "topology.kubernetes.io/region"};
enum { ZONE_KEY_COUNT = sizeof zone_keys / sizeof zone_keys[0] };

/** Is the node's value one of the volume's, which are joined by two underscores? */
static bool is_one_of(const char *joined, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = joined;;) {
        const char *end = strstr(at, "__");
        if ((end ? (size_t)(end - at) : strlen(at)) == length && !strncmp(at, value, length))
            return true;
        if (!end)
            return false;
        at = end + 2;
    }
}

static bool zone_labels_match(const struct kerf_cluster *cluster, const struct kerf_pv *volume, const struct node_info *node)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    kerf_name keys[ZONE_KEY_COUNT];
    bool any = false;
    for (size_t i = 0; i < ZONE_KEY_COUNT; i++) {
        keys[i] = kerf_name_find(vocabulary->names, zone_keys[i]);
        any |= keys[i] && kerf_labels_get(&node->labels, keys[i]);
    }
    if (!any)
        return true; /* a node without any of the labels stands in no zone */
    for (size_t i = 0; i < ZONE_KEY_COUNT; i++) {
        kerf_name wanted = keys[i] ? kerf_labels_get(&volume->meta.labels, keys[i]) : NULL;
        if (!wanted)
            continue;
        kerf_name value = kerf_labels_get(&node->labels, keys[i]);
        if (!value)
            value = kerf_labels_get(&node->labels, kerf_vocabulary_normalize_key(vocabulary, keys[i]));
        if (!value || !is_one_of(wanted->text, value->text))
            return false;
    }
    return true;
}

bool kerf_volumes_filter(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    const struct node_info *node = &attempt->binding->nodes[view->slot];
    const struct volume_state *state = attempt->volumes;
    if (!restrictions_allow(attempt, view))
        return refuse(out_refusal, "VolumeRestrictions",
                      "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode", true);
    if (!limits_allow(attempt, view))
        return refuse(out_refusal, "NodeVolumeLimits", "node(s) exceed max volume count", true);
    for (uint32_t i = 0; i < state->claim_count; i++) {
        if (state->claims[i].volume && !volume_is_reachable(cluster, state->claims[i].volume, &node->labels, node->name))
            return refuse(out_refusal, "VolumeBinding", "node(s) didn't match PersistentVolume's node affinity", false);
        if (!state->claims[i].volume && !can_be_provided(cluster, &state->claims[i], node))
            return refuse(out_refusal, "VolumeBinding", "node(s) didn't find available persistent volumes to bind", false);
    }
    for (uint32_t i = 0; i < state->claim_count; i++)
        if (state->claims[i].volume && !zone_labels_match(cluster, state->claims[i].volume, node))
            return refuse(out_refusal, "VolumeZone", "node(s) had no available volume zone", false);
    return true;
}
