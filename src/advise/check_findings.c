/** Findings about single objects: NodePools, budgets, workloads. */
#include "advise/check_findings.h"

/* ---- what pools offer and pods ask ------------------------------------------------------------------------------------------------- */

static struct kerf_requirements requirements_of_pool(const struct kerf_check_subject *subject, const struct kerf_nodepool *nodepool)
{
    struct kerf_requirements requirements =
        kerf_requirements_of_labels(subject->arena, subject->vocabulary, &nodepool->template_labels);
    kerf_requirements_add_expressions(subject->arena, subject->vocabulary, &requirements, &nodepool->requirements);
    struct kerf_requirement name = kerf_requirement_in(subject->arena, subject->vocabulary->key_nodepool, &nodepool->meta.name, 1);
    kerf_requirements_add(subject->arena, &requirements, &name);
    return requirements;
}

/** What the pod's node selector and one of its required terms ask together; term_index beyond the terms: the selector alone. */
static struct kerf_requirements requirements_of_pod(const struct kerf_check_subject *subject, const struct kerf_pod_spec *spec,
                                                    uint32_t term_index)
{
    struct kerf_requirements requirements = kerf_requirements_of_labels(subject->arena, subject->vocabulary, &spec->node_selector);
    if (term_index < spec->required_node_term_count)
        kerf_requirements_add_expressions(subject->arena, subject->vocabulary, &requirements,
                                          &spec->required_node_terms[term_index].match_expressions);
    return requirements;
}

static uint32_t alternatives_of_pod(const struct kerf_pod_spec *spec)
{
    return spec->required_node_term_count > 0 ? spec->required_node_term_count : 1;
}

static bool pool_may_take(const struct kerf_check_subject *subject, const struct kerf_nodepool *nodepool, const struct kerf_pod_spec *spec)
{
    if (kerf_taints_untolerated(&nodepool->taints, &spec->tolerations, KERF_EFFECTS_HARD))
        return false;
    struct kerf_requirements pool = requirements_of_pool(subject, nodepool);
    for (uint32_t i = 0; i < alternatives_of_pod(spec); i++) {
        struct kerf_requirements pod = requirements_of_pod(subject, spec, i);
        if (kerf_requirements_compatible(subject->vocabulary, &pool, &pod, KERF_UNDEFINED_WELL_KNOWN, NULL))
            return true;
    }
    return false;
}

/* ---- NodePools ---------------------------------------------------------------------------------------------------------------------- */

/** Has the type an offering within these requirements? Only offerings that are sold and in a zone of the NodeClass count. */
static bool can_launch(const struct kerf_check_subject *subject, const struct kerf_instance_type *type,
                       const struct kerf_requirements *requirements)
{
    if (!kerf_requirements_intersect(&type->requirements, requirements, NULL))
        return false;
    for (uint32_t i = 0; i < type->offering_count; i++)
        if (type->offerings[i].available && kerf_requirements_compatible(subject->vocabulary, requirements, &type->offerings[i].requirements,
                                                                         KERF_UNDEFINED_WELL_KNOWN, NULL))
            return true;
    return false;
}

static bool any_can_launch(const struct kerf_check_subject *subject, const struct kerf_instance_types *types,
                           const struct kerf_requirements *requirements)
{
    for (size_t i = 0; i < types->count; i++)
        if (can_launch(subject, &types->items[i], requirements))
            return true;
    return false;
}

/** The key whose requirement, after those before it in the manifest, leaves nothing. */
static kerf_name find_culprit(const struct kerf_check_subject *subject, const struct kerf_nodepool *nodepool,
                              const struct kerf_instance_types *types)
{
    struct kerf_requirements requirements = { 0 };
    for (size_t i = 0; i < nodepool->requirements.count; i++) {
        struct kerf_requirement one = kerf_requirement_of(subject->arena, subject->vocabulary, &nodepool->requirements.items[i]);
        kerf_requirements_add(subject->arena, &requirements, &one);
        if (!any_can_launch(subject, types, &requirements))
            return nodepool->requirements.items[i].key;
    }
    return NULL;
}

static const struct kerf_ec2nodeclass *find_nodeclass(const struct kerf_objects *objects, kerf_name name)
{
    for (size_t i = 0; i < objects->nodeclasses.count; i++)
        if (objects->nodeclasses.items[i].meta.name == name)
            return &objects->nodeclasses.items[i];
    return NULL;
}

size_t kerf_check_types_of_pool(const struct kerf_check_subject *subject, const struct kerf_nodepool *nodepool,
                                const struct kerf_instance_type *const **out_types)
{
    const struct kerf_ec2nodeclass *nodeclass = find_nodeclass(subject->objects, nodepool->nodeclass.name);
    if (!nodeclass)
        return 0;
    struct kerf_instance_types types = kerf_catalog_list_types(subject->catalog, nodeclass, subject->instance_options, subject->vocabulary, subject->arena);
    struct kerf_requirements requirements = requirements_of_pool(subject, nodepool);
    const struct kerf_instance_type **listed = KERF_NEW_ARRAY(subject->arena, const struct kerf_instance_type *, types.count);
    size_t count = 0;
    for (size_t i = 0; i < types.count; i++)
        if (can_launch(subject, &types.items[i], &requirements))
            listed[count++] = &types.items[i];
    *out_types = listed;
    return count;
}

void kerf_check_nodepools(const struct kerf_check_subject *subject)
{
    for (size_t i = 0; i < subject->objects->nodepools.count; i++) {
        const struct kerf_nodepool *nodepool = &subject->objects->nodepools.items[i];
        const char *name = kerf_name_text(nodepool->meta.name);
        const struct kerf_ec2nodeclass *nodeclass = find_nodeclass(subject->objects, nodepool->nodeclass.name);
        if (!nodeclass) {
            kerf_errors_warn(subject->errs, kerf_meta_details(&nodepool->meta)->place, "NodePool \"%s\" refers to EC2NodeClass \"%s\", which the input lacks", name,
                             kerf_name_text(nodepool->nodeclass.name));
            continue;
        }
        struct kerf_instance_types types = kerf_catalog_list_types(subject->catalog, nodeclass, subject->instance_options,
                                                                   subject->vocabulary, subject->arena);
        struct kerf_requirements requirements = requirements_of_pool(subject, nodepool);
        if (any_can_launch(subject, &types, &requirements))
            continue;
        kerf_name culprit = find_culprit(subject, nodepool, &types);
        if (culprit)
            kerf_errors_warn(subject->errs, kerf_meta_details(&nodepool->meta)->place,
                             "NodePool \"%s\" can never launch a node: its requirement on %s leaves no instance type that the ones before it "
                             "allow in %s", name, culprit->text, kerf_catalog_region(subject->catalog)->text);
        else
            kerf_errors_warn(subject->errs, kerf_meta_details(&nodepool->meta)->place,
                             "NodePool \"%s\" can never launch a node: labels of its template contradict every instance type in %s", name,
                             kerf_catalog_region(subject->catalog)->text);
    }
}

/* ---- replicas ----------------------------------------------------------------------------------------------------------------------- */

static bool has_replicas(const struct kerf_workload *workload)
{
    return workload->kind != KERF_WORKLOAD_DAEMONSET && workload->kind != KERF_WORKLOAD_JOB && workload->kind != KERF_WORKLOAD_CRONJOB;
}

/** The most replicas that the manifest, an autoscaler or the load of the design ever ask for. */
static int64_t most_replicas(const struct kerf_check_subject *subject, uint32_t workload_index)
{
    const struct kerf_workload *workload = &subject->objects->workloads.items[workload_index];
    int64_t most = workload->replicas;
    for (size_t i = 0; i < subject->objects->hpas.count; i++) {
        const struct kerf_hpa *hpa = &subject->objects->hpas.items[i];
        if (hpa->target_name == workload->meta.name && hpa->meta.namespace_name == workload->meta.namespace_name &&
            kerf_name_is(hpa->target_kind, kerf_workload_kind_text(workload->kind)))
            most = kerf_max_i64(most, hpa->max_replicas);
    }
    uint32_t load_index = subject->design ? subject->design->load_of_workload[workload_index] : KERF_NOT_FOUND;
    if (load_index == KERF_NOT_FOUND)
        return most;
    const struct kerf_load *load = &subject->design->loads[load_index];
    for (uint32_t i = 0; i < load->step_count; i++)
        most = kerf_max_i64(most, load->steps[i].replicas);
    for (uint32_t i = 0; i < load->point_count; i++)
        most = kerf_max_i64(most, load->points[i].replicas);
    return most;
}

/* ---- budgets ------------------------------------------------------------------------------------------------------------------------ */

/** Disruptions that the budget allows with so many healthy pods; percentages round up, as in Kubernetes. */
static int64_t allowed_by(const struct kerf_pdb *pdb, int64_t pods)
{
    const struct kerf_int_or_percent *bound = pdb->max_unavailable.present ? &pdb->max_unavailable : &pdb->min_available;
    int64_t count = bound->percent ? (bound->value * pods + 99) / 100 : bound->value;
    return pdb->max_unavailable.present ? kerf_min_i64(count, pods) : pods - count;
}

static const char *bound_text(const struct kerf_check_subject *subject, const struct kerf_pdb *pdb)
{
    const struct kerf_int_or_percent *bound = pdb->max_unavailable.present ? &pdb->max_unavailable : &pdb->min_available;
    return kerf_arena_format(subject->arena, "%s %" PRId32 "%s", pdb->max_unavailable.present ? "maxUnavailable" : "minAvailable",
                             bound->value, bound->percent ? "%" : "");
}

void kerf_check_budgets(const struct kerf_check_subject *subject)
{
    for (size_t i = 0; i < subject->objects->pdbs.count; i++) {
        const struct kerf_pdb *pdb = &subject->objects->pdbs.items[i];
        if (!pdb->max_unavailable.present && !pdb->min_available.present)
            continue;
        int64_t pods = 0;
        for (uint32_t j = 0; j < subject->objects->workloads.count; j++) {
            const struct kerf_workload *workload = &subject->objects->workloads.items[j];
            if (has_replicas(workload) && workload->meta.namespace_name == pdb->meta.namespace_name &&
                kerf_label_selector_matches(&pdb->selector, &workload->template.labels))
                pods += most_replicas(subject, j);
        }
        if (pods > 0 && allowed_by(pdb, pods) <= 0)
            kerf_errors_warn(subject->errs, kerf_meta_details(&pdb->meta)->place,
                             "PodDisruptionBudget \"%s\" never allows a disruption: %s with at most %" PRId64 " pod%s; drains will wait for it, "
                             "and nodes under its pods are not consolidated", kerf_name_text(pdb->meta.name), bound_text(subject, pdb), pods,
                             pods == 1 ? "" : "s");
    }
}

/* ---- singletons on Spot ------------------------------------------------------------------------------------------------------------- */

/** Does the pod itself ask for Spot, and nothing else? */
static bool asks_for_spot(const struct kerf_check_subject *subject, const struct kerf_pod_spec *spec)
{
    const struct kerf_vocabulary *vocabulary = subject->vocabulary;
    kerf_name others[] = { vocabulary->word_on_demand };
    struct kerf_requirement spot = kerf_requirement_in(subject->arena, vocabulary->key_capacity_type, &vocabulary->word_spot, 1);
    struct kerf_requirement on_demand = kerf_requirement_in(subject->arena, vocabulary->key_capacity_type, others, 1);
    for (uint32_t i = 0; i < alternatives_of_pod(spec); i++) {
        struct kerf_requirements pod = requirements_of_pod(subject, spec, i);
        const struct kerf_requirement *wanted = kerf_requirements_get(&pod, vocabulary->key_capacity_type);
        if (!wanted || !kerf_requirement_intersects(wanted, &spot) || kerf_requirement_intersects(wanted, &on_demand))
            return false;
    }
    return true;
}

void kerf_check_singletons(const struct kerf_check_subject *subject)
{
    for (uint32_t i = 0; i < subject->objects->workloads.count; i++) {
        const struct kerf_workload *workload = &subject->objects->workloads.items[i];
        if (has_replicas(workload) && most_replicas(subject, i) == 1 && asks_for_spot(subject, workload->template.spec))
            kerf_errors_warn(subject->errs, kerf_meta_details(&workload->meta)->place,
                             "%s \"%s\" has one replica and asks for Spot: each reclaim is an outage", kerf_workload_kind_text(workload->kind),
                             kerf_name_text(workload->meta.name));
    }
}

/* ---- spread over zones ---------------------------------------------------------------------------------------------------------------- */

/** Zones in which somebody offers nodes: of all pools and groups, or of those that may take the pod (spec not NULL). */
static uint32_t count_zones(const struct kerf_check_subject *subject, const struct kerf_pod_spec *spec)
{
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(subject->catalog, &zone_count);
    uint32_t found = 0;
    for (size_t z = 0; z < zone_count; z++) {
        bool of_cluster = subject->instance_options.default_zone_count == 0 && z < 3;
        for (size_t i = 0; i < subject->instance_options.default_zone_count; i++)
            of_cluster = of_cluster || subject->instance_options.default_zones[i] == zones[z].name;
        bool offered = false;
        struct kerf_requirement here = kerf_requirement_in(subject->arena, subject->vocabulary->key_zone, &zones[z].name, 1);
        for (size_t i = 0; of_cluster && i < subject->objects->nodepools.count && !offered; i++) {
            const struct kerf_nodepool *nodepool = &subject->objects->nodepools.items[i];
            struct kerf_requirements pool = requirements_of_pool(subject, nodepool);
            const struct kerf_requirement *zone = kerf_requirements_get(&pool, subject->vocabulary->key_zone);
            offered = (!zone || kerf_requirement_intersects(zone, &here)) && (!spec || pool_may_take(subject, nodepool, spec));
        }
        found += offered;
    }
    return found;
}

static void check_spread(const struct kerf_check_subject *subject, uint32_t workload_index, const struct kerf_topology_spread *spread)
{
    const struct kerf_workload *workload = &subject->objects->workloads.items[workload_index];
    uint32_t all = count_zones(subject, NULL), own = count_zones(subject, workload->template.spec);
    int64_t replicas = most_replicas(subject, workload_index);
    if (own == 0)
        return; /* for node groups, or for nobody: kerf_check_unplaceable speaks of that */
    if (spread->min_domains > (int32_t)own)
        kerf_errors_warn(subject->errs, kerf_meta_details(&workload->meta)->place,
                         "%s \"%s\" wants %" PRId32 " zones (minDomains), and nodes for it are offered in %" PRIu32 ": no more than maxSkew pods a "
                         "zone will run", kerf_workload_kind_text(workload->kind), kerf_name_text(workload->meta.name), spread->min_domains, own);
    else if (own < all && replicas > (int64_t)own * spread->max_skew)
        kerf_errors_warn(subject->errs, kerf_meta_details(&workload->meta)->place,
                         "%s \"%s\" spreads hard over zones, but the pools that take it offer %" PRIu32 " of the %" PRIu32 " zones: pods beyond "
                         "maxSkew %" PRId32 " wait wherever nodes of the other zones count", kerf_workload_kind_text(workload->kind),
                         kerf_name_text(workload->meta.name), own, all, spread->max_skew);
}

void kerf_check_spreads(const struct kerf_check_subject *subject)
{
    if (subject->objects->nodepools.count == 0)
        return;
    for (uint32_t i = 0; i < subject->objects->workloads.count; i++) {
        const struct kerf_workload *workload = &subject->objects->workloads.items[i];
        const struct kerf_topology_spreads *spreads = &workload->template.spec->spreads;
        for (size_t j = 0; has_replicas(workload) && j < spreads->count; j++)
            if (spreads->items[j].do_not_schedule && spreads->items[j].topology_key == subject->vocabulary->key_zone)
                check_spread(subject, i, &spreads->items[j]);
    }
}
