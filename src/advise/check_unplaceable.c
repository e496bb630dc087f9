/** Pods that can never run: neither on a node that Karpenter could launch, nor on one of a node group, nor on one that is there. */
#include "advise/check_findings.h"
#include "provisioning/provisioning.h"

/* ---- node groups, which Karpenter's pass knows nothing of -------------------------------------------------------------------------- */

static bool terms_match(const struct kerf_pod_spec *spec, const struct kerf_labels *labels)
{
    for (size_t i = 0; i < spec->node_selector.count; i++)
        if (kerf_labels_get(labels, spec->node_selector.items[i].key) != spec->node_selector.items[i].value)
            return false;
    bool any = !spec->has_required_node_terms;
    for (uint32_t i = 0; i < spec->required_node_term_count && !any; i++)
        any = kerf_node_selector_term_matches(&spec->required_node_terms[i], labels, NULL);
    return any;
}

/** Labels of a node of the group in one of its zones, as far as pods select by them. */
static struct kerf_labels labels_of_group(const struct kerf_check_subject *subject, const struct kerf_nodegroup *group,
                                          const struct kerf_instance_type *type, kerf_name zone)
{
    const struct kerf_vocabulary *vocabulary = subject->vocabulary;
    struct kerf_label own[] = {
        { vocabulary->key_zone, zone },
        { vocabulary->key_region, kerf_catalog_region(subject->catalog) },
        { vocabulary->key_eks_nodegroup, group->meta.name },
        { vocabulary->key_eks_capacity_type, kerf_name_of(subject->vocabulary->names, group->spot ? "SPOT" : "ON_DEMAND") },
    };
    struct kerf_labels of_type = kerf_catalog_type_labels(type, subject->vocabulary, subject->arena);
    struct kerf_labels of_place = kerf_labels_sorted(subject->arena, own, sizeof own / sizeof own[0]);
    struct kerf_labels both = kerf_labels_merge(subject->arena, &of_type, &of_place);
    return kerf_labels_merge(subject->arena, &both, &group->labels);
}

static bool group_takes(const struct kerf_check_subject *subject, const struct kerf_nodegroup *group,
                        const struct kerf_instance_types *types, const struct kerf_pod *pod)
{
    if (kerf_taints_untolerated(&group->taints, &pod->spec->tolerations, KERF_EFFECTS_HARD))
        return false;
    const kerf_name *zones = group->zone_count > 0 ? group->zones : subject->instance_options.default_zones;
    size_t zone_count = group->zone_count > 0 ? group->zone_count : subject->instance_options.default_zone_count;
    for (uint32_t i = 0; i < group->instance_type_count; i++) {
        const struct kerf_instance_facts *facts = kerf_catalog_find(subject->catalog, group->instance_types[i]);
        if (!facts)
            continue;
        struct kerf_resources capacity, allocatable;
        int64_t volume_bytes = group->volume_size_bytes > 0 ? group->volume_size_bytes : (int64_t)20 << 30;
        kerf_catalog_node_resources(facts, group->ami_family, group->max_pods, volume_bytes, &capacity, &allocatable);
        if (!kerf_resources_fit(pod->requests, &allocatable))
            continue;
        for (size_t z = 0; z < zone_count; z++) {
            struct kerf_labels labels = labels_of_group(subject, group, &types->items[facts->index], zones[z]);
            if (terms_match(pod->spec, &labels))
                return true;
        }
    }
    return false;
}

static bool some_group_takes(const struct kerf_check_subject *subject, const struct kerf_instance_types *types, const struct kerf_pod *pod)
{
    for (size_t i = 0; i < subject->objects->nodegroups.count; i++)
        if (group_takes(subject, &subject->objects->nodegroups.items[i], types, pod))
            return true;
    return false;
}

/* ---- one pod of each workload ------------------------------------------------------------------------------------------------------- */

static bool has_pods(const struct kerf_objects *objects, const struct kerf_workload *workload, size_t pod_count)
{
    for (size_t i = 0; i < pod_count; i++)
        if (objects->pods.items[i].meta.namespace_name == workload->meta.namespace_name &&
            kerf_label_selector_matches(&workload->selector, &objects->pods.items[i].meta.labels))
            return true;
    return false;
}

static void expand_one_each(const struct kerf_check_subject *subject)
{
    size_t read_count = subject->objects->pods.count;
    for (size_t i = 0; i < subject->objects->workloads.count; i++) {
        const struct kerf_workload *workload = &subject->objects->workloads.items[i];
        if (workload->kind != KERF_WORKLOAD_DAEMONSET && !workload->finished && !has_pods(subject->objects, workload, read_count))
            kerf_workload_expand(subject->objects, subject->vocabulary, workload, 0, 1);
    }
}

/** "Never" is about one pod, not about how many there may be. */
static void lift_limits(struct kerf_objects *objects)
{
    for (size_t i = 0; i < objects->nodepools.count; i++)
        objects->nodepools.items[i].limits = (struct kerf_nodepool_limits){ .nodes = -1 };
}

static void report(const struct kerf_check_subject *subject, const struct kerf_cluster *cluster, const struct kerf_instance_types *types,
                   const struct kerf_plan_refusal *refusal)
{
    const struct kerf_pod *pod = &kerf_cluster_pod(cluster, refusal->pod)->pod;
    if (some_group_takes(subject, types, pod))
        return;
    const char *design = subject->design ? subject->design->name : NULL;
    kerf_errors_warn(subject->errs, kerf_meta_details(&pod->meta)->place, "%s%s%spod \"%s/%s\" can never run: %s", design ? "in design \"" : "",
                     design ? design : "", design ? "\", " : "", kerf_name_text(pod->meta.namespace_name), pod->meta.name->text,
                     refusal->reason ? refusal->reason : "no NodePool or node group takes it");
}

void kerf_check_unplaceable(const struct kerf_check_subject *subject)
{
    const struct kerf_objects *objects = subject->objects;
    if (objects->nodepools.count == 0 && objects->nodegroups.count == 0 && objects->nodes.count == 0)
        return; /* nobody said where pods may go */
    expand_one_each(subject);
    lift_limits(subject->objects);
    struct kerf_ec2nodeclass plain = { .kubelet = { .max_pods = -1 } };
    struct kerf_instance_types types =
        kerf_catalog_list_types(subject->catalog, &plain, subject->instance_options, subject->vocabulary, subject->arena);
    struct kerf_cluster *cluster = kerf_cluster_new(objects, subject->catalog, subject->instance_options, subject->vocabulary);
    kerf_cluster_set_now(cluster, subject->at_epoch_us);
    kerf_cluster_add_objects(cluster);
    struct kerf_provisioning_input input = { .cluster = cluster, .options = { .now_epoch_us = subject->at_epoch_us } };
    const struct kerf_plan_refusal *invalid;
    size_t invalid_count;
    kerf_provisioning_collect_pods(cluster, subject->at_epoch_us, subject->arena, &input.pods, &input.pod_count, &invalid, &invalid_count);
    struct kerf_plan *plan = kerf_provisioning_plan(&input);
    for (size_t i = 0; i < invalid_count; i++)
        report(subject, cluster, &types, &invalid[i]);
    for (size_t i = 0; i < plan->refusal_count; i++)
        report(subject, cluster, &types, &plan->refusals[i]);
    kerf_plan_free(plan);
    kerf_cluster_free(cluster);
}
