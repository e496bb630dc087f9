/**
 * A look over all objects for what is allowed and rarely meant: budgets that never let a pod go, single pods on Spot, spread
 * over zones that cannot be reached, pools that contradict themselves, names that nothing bears.
 */
#include "manifest/manifest_internal.h"

/** What the rules share. */
struct review {
    const struct kerf_objects *objects;
    struct kerf_vocabulary *vocabulary;
    struct kerf_errors *errs;
    struct kerf_arena arena; /* reset after each workload */
};

/* ---- how many pods a workload has
 * --------------------------------------------------------------------------------------------------- */

static bool makes_pods(const struct kerf_objects *objects, const struct kerf_workload *workload)
{
    const struct kerf_owner *controller = kerf_meta_controller(&workload->meta);
    for (size_t i = 0; controller && i < objects->workloads.count; i++) {
        const struct kerf_meta *other = &objects->workloads.items[i].meta;
        if (other->name == controller->name && other->namespace_name == workload->meta.namespace_name)
            return false; /* its controller was read too */
    }
    return workload->kind != KERF_WORKLOAD_DAEMONSET && workload->kind != KERF_WORKLOAD_JOB &&
           workload->kind != KERF_WORKLOAD_CRONJOB;
}

static int64_t replicas_of(const struct kerf_objects *objects, const struct kerf_workload *workload)
{
    int64_t replicas = workload->replicas;
    for (size_t i = 0; i < objects->hpas.count; i++) {
        const struct kerf_hpa *hpa = &objects->hpas.items[i];
        if (hpa->target_name == workload->meta.name && hpa->meta.namespace_name == workload->meta.namespace_name &&
            kerf_name_is(hpa->target_kind, kerf_workload_kind_text(workload->kind)))
            replicas = kerf_max_i64(replicas, hpa->min_replicas);
    }
    return replicas;
}

/* ---- budgets
 * ------------------------------------------------------------------------------------------------------------------------ */

static int64_t pods_of_budget(const struct kerf_objects *objects, const struct kerf_pdb *pdb)
{
    int64_t count = 0;
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_workload *workload = &objects->workloads.items[i];
        if (workload->meta.namespace_name == pdb->meta.namespace_name && makes_pods(objects, workload) &&
            kerf_label_selector_matches(&pdb->selector, &workload->template.labels))
            count += replicas_of(objects, workload);
    }
    if (count > 0)
        return count;
    for (size_t i = 0; i < objects->pods.count; i++) {
        const struct kerf_pod *pod = &objects->pods.items[i];
        count += pod->meta.namespace_name == pdb->meta.namespace_name && kerf_pod_is_active(pod) &&
                 kerf_label_selector_matches(&pdb->selector, &pod->meta.labels);
    }
    return count;
}

static void review_budget(struct review *review, const struct kerf_pdb *pdb)
{
    const char *name = kerf_name_text(pdb->meta.name);
    if (pdb->max_unavailable.present && pdb->max_unavailable.value == 0) {
        kerf_errors_warn(review->errs, kerf_meta_details(&pdb->meta)->place,
                         "PodDisruptionBudget %s allows no disruption: maxUnavailable is 0; its nodes are never drained", name);
        return;
    }
    if (!pdb->min_available.present)
        return;
    if (pdb->min_available.percent && pdb->min_available.value >= 100) {
        kerf_errors_warn(review->errs, kerf_meta_details(&pdb->meta)->place,
                         "PodDisruptionBudget %s allows no disruption: minAvailable is 100%%; its nodes are never drained", name);
        return;
    }
    int64_t pods = pods_of_budget(review->objects, pdb);
    int64_t wanted = pdb->min_available.percent ? (pdb->min_available.value * pods + 99) / 100 : pdb->min_available.value;
    if (pods > 0 && wanted >= pods)
        kerf_errors_warn(review->errs, kerf_meta_details(&pdb->meta)->place,
                         "PodDisruptionBudget %s allows no disruption: it keeps %" PRId64 " of %" PRId64
                         " pods; their nodes are never drained",
                         name, wanted, pods);
}

/* ---- where the pods of a workload may go
 * ---------------------------------------------------------------------------------------------- */

static struct kerf_requirements requirements_of_spec(struct review *review, const struct kerf_pod_spec *spec)
{
    struct kerf_requirements requirements = kerf_requirements_of_labels(&review->arena, review->vocabulary, &spec->node_selector);
    if (spec->required_node_term_count > 0)
        kerf_requirements_add_expressions(&review->arena, review->vocabulary, &requirements,
                                          &spec->required_node_terms[0].match_expressions);
    return requirements;
}

static struct kerf_requirements requirements_of_pool(struct review *review, const struct kerf_nodepool *pool)
{
    struct kerf_requirements requirements =
        kerf_requirements_of_labels(&review->arena, review->vocabulary, &pool->template_labels);
    kerf_requirements_add_expressions(&review->arena, review->vocabulary, &requirements, &pool->requirements);
    struct kerf_requirement own = kerf_requirement_in(&review->arena, review->vocabulary->key_nodepool, &pool->meta.name, 1);
    kerf_requirements_add(&review->arena, &requirements, &own);
    return requirements;
}

static bool is_spot_only(const struct review *review, const struct kerf_requirements *requirements)
{
    const struct kerf_requirement *type = kerf_requirements_get(requirements, review->vocabulary->key_capacity_type);
    return type && kerf_requirement_has(type, review->vocabulary->word_spot) &&
           !kerf_requirement_has(type, review->vocabulary->word_on_demand);
}

/** Zones that the pool names and its EC2NodeClass has no subnet in; NULL: none. */
static kerf_name zone_without_subnet(struct review *review, const struct kerf_nodepool *pool,
                                     const struct kerf_requirements *requirements)
{
    const struct kerf_requirement *zones = kerf_requirements_get(requirements, review->vocabulary->key_zone);
    const struct kerf_ec2nodeclass *nodeclass = NULL;
    for (size_t i = 0; i < review->objects->nodeclasses.count; i++)
        if (review->objects->nodeclasses.items[i].meta.name == pool->nodeclass.name)
            nodeclass = &review->objects->nodeclasses.items[i];
    if (!zones || zones->complement || !nodeclass || nodeclass->subnet_count == 0)
        return NULL;
    for (uint32_t i = 0; i < zones->value_count; i++) {
        uint32_t j = 0;
        while (j < nodeclass->subnet_count && nodeclass->subnets[j].zone != zones->values[i])
            j++;
        if (j == nodeclass->subnet_count)
            return zones->values[i];
    }
    return NULL;
}

static bool spreads_hard_over_zones(const struct review *review, const struct kerf_pod_spec *spec)
{
    for (size_t i = 0; i < spec->spreads.count; i++)
        if (spec->spreads.items[i].do_not_schedule && spec->spreads.items[i].topology_key == review->vocabulary->key_zone)
            return true;
    return false;
}

static void review_workload(struct review *review, const struct kerf_workload *workload)
{
    const struct kerf_pod_spec *spec = workload->template.spec;
    const char *kind = kerf_workload_kind_text(workload->kind), *name = kerf_name_text(workload->meta.name);
    struct kerf_requirements wanted = requirements_of_spec(review, spec);
    bool spot_only = is_spot_only(review, &wanted), hard_spread = spreads_hard_over_zones(review, spec);
    size_t reachable = 0, reachable_spot = 0;
    for (size_t i = 0; i < review->objects->nodepools.count; i++) {
        const struct kerf_nodepool *pool = &review->objects->nodepools.items[i];
        struct kerf_requirements offered = requirements_of_pool(review, pool);
        if (kerf_taints_untolerated(&pool->taints, &spec->tolerations, KERF_EFFECTS_HARD) ||
            !kerf_requirements_compatible(review->vocabulary, &offered, &wanted, KERF_UNDEFINED_WELL_KNOWN, NULL))
            continue;
        reachable++;
        reachable_spot += is_spot_only(review, &offered);
        kerf_name missing = hard_spread ? zone_without_subnet(review, pool, &offered) : NULL;
        if (missing)
            kerf_errors_warn(
                review->errs, kerf_meta_details(&workload->meta)->place,
                "%s %s must spread over zones, and NodePool %s names %s, where its EC2NodeClass has no subnet: that zone stays "
                "empty, so the others fill to maxSkew only",
                kind, name, pool->meta.name->text, missing->text);
    }
    if (replicas_of(review->objects, workload) == 1 && (spot_only || (reachable > 0 && reachable == reachable_spot)))
        kerf_errors_warn(review->errs, kerf_meta_details(&workload->meta)->place, "%s %s is a single pod on Spot: each reclaim interrupts it", kind,
                         name);
}

/* ---- pools and names
 * ------------------------------------------------------------------------------------------------------------------- */

static void review_pool(struct review *review, const struct kerf_nodepool *pool)
{
    const char *name = kerf_name_text(pool->meta.name);
    struct kerf_requirements requirements =
        kerf_requirements_of_labels(&review->arena, review->vocabulary, &pool->template_labels);
    for (size_t i = 0; i < pool->requirements.count; i++) {
        const struct kerf_expression *expression = &pool->requirements.items[i];
        struct kerf_requirement requirement = kerf_requirement_of(&review->arena, review->vocabulary, expression);
        const struct kerf_requirement *before = kerf_requirements_get(&requirements, requirement.key);
        bool possible = !before || kerf_requirement_operator(before) != KERF_OP_DOES_NOT_EXIST;
        kerf_requirements_add(&review->arena, &requirements, &requirement);
        const struct kerf_requirement *after = kerf_requirements_get(&requirements, requirement.key);
        if (possible && expression->op != KERF_OP_DOES_NOT_EXIST && kerf_requirement_operator(after) == KERF_OP_DOES_NOT_EXIST)
            kerf_errors_warn(review->errs, kerf_meta_details(&pool->meta)->place,
                             "NodePool %s contradicts itself: no value of %s meets all its requirements", name,
                             requirement.key->text);
    }
    size_t i = 0;
    while (i < review->objects->nodeclasses.count && review->objects->nodeclasses.items[i].meta.name != pool->nodeclass.name)
        i++;
    if (i == review->objects->nodeclasses.count)
        kerf_errors_warn(review->errs, kerf_meta_details(&pool->meta)->place, "NodePool %s wants the EC2NodeClass %s, which was not read", name,
                         kerf_name_text(pool->nodeclass.name));
}

static void review_priority(struct review *review, const struct kerf_meta *meta, const struct kerf_pod_spec *spec)
{
    if (spec->priority_class_name && !spec->has_priority)
        kerf_errors_warn(review->errs, kerf_meta_details(meta)->place, "%s wants the PriorityClass %s, which was not read; its priority counts as 0",
                         kerf_name_text(meta->name), spec->priority_class_name->text);
}

void kerf_manifest_review(const struct kerf_objects *objects, struct kerf_vocabulary *vocabulary, struct kerf_errors *errs)
{
    struct review review = {.objects = objects, .vocabulary = vocabulary, .errs = errs};
    kerf_arena_init(&review.arena);
    for (size_t i = 0; i < objects->nodepools.count; i++) {
        review_pool(&review, &objects->nodepools.items[i]);
        kerf_arena_reset(&review.arena);
    }
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_workload *workload = &objects->workloads.items[i];
        review_priority(&review, &workload->meta, workload->template.spec);
        if (makes_pods(objects, workload))
            review_workload(&review, workload);
        kerf_arena_reset(&review.arena);
    }
    for (size_t i = 0; i < objects->pods.count; i++)
        if (kerf_meta_details(&objects->pods.items[i].meta)->owner_count == 0)
            review_priority(&review, &objects->pods.items[i].meta, objects->pods.items[i].spec);
    for (size_t i = 0; i < objects->pdbs.count; i++)
        review_budget(&review, &objects->pdbs.items[i]);
    kerf_arena_fini(&review.arena);
}
