/**
 * pass_volumes: where the volumes of a pod let it go, and how many a node may attach. karpenter-provisioning.md 8.1, 8.2.
 */
#include "provisioning/provisioning_internal.h"

struct alternatives {
    struct kerf_requirements *items; /* ORed; none: no restriction */
    size_t count;
    size_t capacity;
};

static bool has_claim(const struct kerf_pod_volume *volume)
{
    return volume->claim_name != NULL || volume->ephemeral;
}

static void add_terms_of_volume(struct kerf_pass *pass, const struct kerf_pv *pv, struct alternatives *out)
{
    for (uint32_t i = 0; i < pv->node_term_count; i++) {
        const struct kerf_expressions *expressions = &pv->node_terms[i].match_expressions;
        if (expressions->count == 0)
            continue;
        struct kerf_requirements term = {0};
        for (size_t k = 0; k < expressions->count; k++) {
            /* a local volume is pinned to a host that may be gone: Karpenter does not look at it */
            if (pv->local_or_host_path && expressions->items[k].key == pass->vocabulary->key_hostname)
                continue;
            struct kerf_requirement one = kerf_requirement_of(&pass->arena, pass->vocabulary, &expressions->items[k]);
            kerf_requirements_add(&pass->arena, &term, &one);
        }
        KERF_VEC_PUSH_IN(&pass->arena, out, term);
    }
}

/* What one volume allows; false: its claim, volume or class cannot be read. */
static bool find_alternatives(struct kerf_pass *pass, const struct kerf_pod *pod, const struct kerf_pod_volume *volume,
                              struct alternatives *out)
{
    const struct kerf_pvc *claim = kerf_volume_claim(pass->cluster, pod, volume);
    if (claim == NULL)
        return false;
    if (claim->volume_name != NULL && claim->volume_name->length > 0) {
        const struct kerf_pv *pv = kerf_cluster_find_pv(pass->cluster, claim->volume_name);
        if (pv == NULL)
            return false;
        if (pv->has_node_affinity)
            add_terms_of_volume(pass, pv, out);
        return true;
    }
    if (claim->storage_class_name == NULL || claim->storage_class_name->length == 0)
        return true;
    const struct kerf_storage_class *class = kerf_cluster_find_storage_class(pass->cluster, claim->storage_class_name);
    if (class == NULL)
        return false;
    for (uint32_t i = 0; i < class->allowed_topology_count; i++) {
        struct kerf_requirements term = {0};
        if (class->allowed_topologies[i].expressions.count == 0)
            continue;
        kerf_requirements_add_expressions(&pass->arena, pass->vocabulary, &term, &class->allowed_topologies[i].expressions);
        KERF_VEC_PUSH_IN(&pass->arena, out, term);
    }
    return true;
}

/* All combinations, in order; those that contradict themselves are left out unless nothing else is left. */
static void cross(struct kerf_pass *pass, struct alternatives *so_far, const struct alternatives *added)
{
    if (added->count == 0)
        return;
    if (so_far->count == 0) {
        *so_far = *added;
        return;
    }
    struct alternatives consistent = {0};
    struct alternatives all = {0};
    for (size_t i = 0; i < so_far->count; i++) {
        for (size_t k = 0; k < added->count; k++) {
            struct kerf_requirements merged = kerf_requirements_copy(&pass->arena, &so_far->items[i]);
            kerf_requirements_add_all(&pass->arena, &merged, &added->items[k]);
            KERF_VEC_PUSH_IN(&pass->arena, &all, merged);
            if (kerf_requirements_intersect(&so_far->items[i], &added->items[k], NULL))
                KERF_VEC_PUSH_IN(&pass->arena, &consistent, merged);
        }
    }
    *so_far = consistent.count > 0 ? consistent : all;
}

void kerf_pass_read_volumes(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->pod->spec;
    struct alternatives alternatives = {0};
    for (uint32_t i = 0; i < spec->volume_count; i++) {
        if (!has_claim(&spec->volumes[i]))
            continue;
        pod->has_claim_volumes = true;
        struct alternatives one = {0};
        if (!find_alternatives(pass, pod->pod, &spec->volumes[i], &one)) {
            pod->volumes_unreadable = true;
            return;
        }
        cross(pass, &alternatives, &one);
    }
    pod->volume_alternatives = alternatives.items;
    pod->volume_alternative_count = (uint32_t)alternatives.count;
}

/* ---- attach limits (8.2) ---------------------------------------------------------------------------------------------- */

static void attach(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pod *pod)
{
    for (uint32_t i = 0; i < pod->spec->volume_count; i++) {
        const struct kerf_pvc *claim =
            has_claim(&pod->spec->volumes[i]) ? kerf_volume_claim(pass->cluster, pod, &pod->spec->volumes[i]) : NULL;
        kerf_name driver = claim != NULL ? kerf_claim_driver(pass->cluster, claim) : NULL;
        bool known = driver == NULL;
        for (size_t k = 0; k < node->volumes.count && !known; k++)
            known = node->volumes.items[k].claim == claim && node->volumes.items[k].driver == driver;
        if (!known)
            KERF_VEC_PUSH_IN(&pass->arena, &node->volumes, (struct kerf_volume_use){driver, claim});
    }
}

static void find_attached(struct kerf_pass *pass, struct kerf_pass_node *node)
{
    if (node->volumes_known)
        return;
    node->volumes_known = true;
    for (uint32_t i = 0; i < node->node->pod_count; i++) {
        const struct kerf_cluster_pod *bound = kerf_cluster_pod(pass->cluster, node->node->pods[i]);
        if (bound != NULL && !kerf_pod_is_terminal(&bound->pod))
            attach(pass, node, &bound->pod);
    }
}

bool kerf_pass_volumes_within_limits(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pass_pod *pod)
{
    find_attached(pass, node);
    size_t before = node->volumes.count;
    if (pod->has_claim_volumes)
        attach(pass, node, pod->pod);
    bool within = true;
    for (uint32_t i = 0; i < node->csinode->driver_count && within; i++) { /* all drivers, not only the pod's (Q20) */
        const struct kerf_csi_driver_limit *limit = &node->csinode->drivers[i];
        int64_t used = 0;
        for (size_t k = 0; k < node->volumes.count; k++)
            used += node->volumes.items[k].driver == limit->driver;
        within = limit->count < 0 || used <= limit->count;
    }
    node->volumes.count = before;
    return within;
}

void kerf_pass_attach_volumes(struct kerf_pass *pass, struct kerf_pass_node *node, const struct kerf_pass_pod *pod)
{
    if (node->csinode == NULL)
        return;
    find_attached(pass, node);
    attach(pass, node, pod->pod);
}
