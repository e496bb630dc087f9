/** Drift: which nodeclaims no longer are what their NodePool asks for, and their replacement (karpenter-disruption.md section 11). */
#include "disruption/disruption_internal.h"

/* ---- marking (11.1) -------------------------------------------------------------------------------------------------------------- */

/** An annotation whose key is no well-known one; NULL: absent, or nobody ever wrote that key. */
static kerf_name annotation(const struct kerf_cluster *cluster, const struct kerf_labels *annotations, const char *key)
{
    kerf_name name = kerf_name_find(kerf_cluster_vocabulary(cluster)->names, key);
    return name ? kerf_labels_get(annotations, name) : NULL;
}

static bool hash_differs(const struct kerf_cluster *cluster, const struct kerf_nodepool *nodepool, const struct kerf_nodeclaim *claim)
{
    static const char hash_key[] = "karpenter.sh/nodepool-hash", version_key[] = "karpenter.sh/nodepool-hash-version";
    kerf_name hash_of_pool = annotation(cluster, &kerf_meta_details(&nodepool->meta)->annotations, hash_key);
    kerf_name hash_of_claim = annotation(cluster, &kerf_meta_details(&claim->meta)->annotations, hash_key);
    kerf_name version_of_pool = annotation(cluster, &kerf_meta_details(&nodepool->meta)->annotations, version_key);
    kerf_name version_of_claim = annotation(cluster, &kerf_meta_details(&claim->meta)->annotations, version_key);
    return hash_of_pool && hash_of_claim && version_of_pool && version_of_claim && version_of_pool == version_of_claim &&
           hash_of_pool != hash_of_claim;
}

static bool labels_leave_requirements(const struct kerf_cluster *cluster, const struct kerf_nodepool *nodepool,
                                      const struct kerf_nodeclaim *claim)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_requirements wanted = { 0 };
    kerf_requirements_add_expressions(&scratch, vocabulary, &wanted, &nodepool->requirements);
    struct kerf_requirements labels = kerf_requirements_of_labels(&scratch, vocabulary, &claim->meta.labels);
    bool leave = !kerf_requirements_compatible(vocabulary, &labels, &wanted, KERF_UNDEFINED_NONE, NULL);
    kerf_arena_fini(&scratch);
    return leave;
}

static bool type_is_gone(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    uint32_t nodeclass_index = kerf_cluster_nodeclass_of_pool(cluster, node->nodepool_index);
    if (nodeclass_index == KERF_NOT_FOUND)
        return false; /* an error of the look-up: no verdict */
    kerf_name type_name = kerf_labels_get(&node->claim.meta.labels, vocabulary->key_instance_type);
    const struct kerf_instance_facts *facts = type_name ? kerf_catalog_find(kerf_cluster_catalog(cluster), type_name) : NULL;
    if (!facts)
        return true;
    const struct kerf_instance_type *type = &kerf_cluster_instance_types(cluster, nodeclass_index)->items[facts->index];
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_requirements labels = kerf_requirements_of_labels(&scratch, vocabulary, &node->claim.meta.labels);
    if (kerf_labels_get(&node->claim.meta.labels, vocabulary->key_capacity_type) == vocabulary->word_reserved) {
        /* A reservation may end: the instance then runs On-Demand. */
        struct kerf_requirement on_demand = kerf_requirement_in(&scratch, vocabulary->key_capacity_type, &vocabulary->word_on_demand, 1);
        kerf_requirements_set(&scratch, &labels, &on_demand);
        kerf_requirements_remove(&labels, vocabulary->key_capacity_reservation_id);
        kerf_requirements_remove(&labels, vocabulary->key_capacity_reservation_type);
        kerf_requirements_remove(&labels, vocabulary->key_capacity_reservation_interruptible);
    }
    bool offered = false;
    for (uint32_t i = 0; i < type->offering_count && !offered; i++)
        offered = kerf_requirements_compatible(vocabulary, &labels, &type->offerings[i].requirements, KERF_UNDEFINED_WELL_KNOWN, NULL);
    kerf_arena_fini(&scratch);
    return !offered;
}

const char *kerf_disruption_drift_reason(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node, kerf_time_us now_epoch_us)
{
    if (!node->has_claim || node->nodepool_index == KERF_NOT_FOUND || !kerf_conditions_true(&node->claim.conditions, "Launched"))
        return NULL;
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[node->nodepool_index];
    if (hash_differs(cluster, nodepool, &node->claim))
        return "NodePoolDrifted";
    if (labels_leave_requirements(cluster, nodepool, &node->claim))
        return "RequirementsDrifted";
    if (now_epoch_us - node->claim.meta.created_epoch_us >= KERF_HOUR_US && type_is_gone(cluster, node))
        return "InstanceTypeNotFound";
    return NULL; /* the provider's reasons (11.3) need AMIs, subnets and security groups, which kerf doesn't follow */
}

/* ---- static drift (11.4) ----------------------------------------------------------------------------------------------------------- */

size_t kerf_static_drift_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input,
                                struct kerf_disruption_command **out_commands)
{
    struct kerf_disruption_command *commands = KERF_NEW_ARRAY(pass->arena, struct kerf_disruption_command, input->candidates.count);
    size_t count = 0;
    for (uint32_t pool = 0; pool < pass->objects->nodepools.count; pool++) {
        const struct kerf_nodepool *nodepool = &pass->objects->nodepools.items[pool];
        int64_t drifted = 0;
        for (size_t i = 0; i < input->candidates.count; i++)
            drifted += input->candidates.items[i]->nodepool_index == pool;
        if (drifted == 0 || input->budgets[pool] <= 0)
            continue;
        struct kerf_static_counts counts = kerf_static_count(pass->cluster, pool);
        if (counts.active + counts.pending > nodepool->replicas)
            continue; /* the scale-down comes first */
        int64_t left = kerf_static_grant(nodepool, counts, kerf_min_i64(input->budgets[pool], drifted));
        for (size_t i = 0; i < input->candidates.count && left > 0; i++) {
            const struct kerf_candidate *candidate = input->candidates.items[i];
            if (candidate->nodepool_index != pool)
                continue;
            struct kerf_candidates alone = { .items = &candidate, .count = 1 };
            struct kerf_disruption_command command = kerf_command_of(pass, KERF_METHOD_STATIC_DRIFT, &alone);
            struct kerf_planned_claim *replacement = KERF_NEW(pass->arena, struct kerf_planned_claim);
            *replacement = kerf_static_claim(pass->cluster, pool, pass->arena);
            command.replace = true;
            command.replacements = replacement;
            command.replacement_count = 1;
            command.savings_usd_per_hour = candidate->price_usd_per_hour;
            commands[count++] = command;
            left--;
        }
    }
    *out_commands = commands;
    return count;
}

/* ---- drift (11.2) --------------------------------------------------------------------------------------------------------------------- */

static kerf_time_us drifted_since(const struct kerf_candidate *candidate)
{
    return kerf_conditions_get(&candidate->node->claim.conditions, "Drifted")->transition_epoch_us;
}

/** Nodes without pods to move first; then the longest drifted. */
static int by_pods_then_age(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_candidate *const *x = a, *const *y = b;
    bool x_has_pods = (*x)->reschedulable_count > 0, y_has_pods = (*y)->reschedulable_count > 0;
    if (x_has_pods != y_has_pods)
        return x_has_pods ? 1 : -1;
    int order = kerf_compare_i64(drifted_since(*x), drifted_since(*y));
    return order != 0 ? order : kerf_name_compare((*x)->name, (*y)->name);
}

bool kerf_drift_decide(struct kerf_disruption_pass *pass, struct kerf_method_input *input, struct kerf_disruption_command *out_command,
                       bool *out_error)
{
    struct kerf_candidates sorted = kerf_candidates_copy(&pass->scratch, &input->candidates);
    kerf_sort(sorted.items, sorted.count, sizeof *sorted.items, by_pods_then_age, NULL);
    for (size_t i = 0; i < sorted.count; i++) {
        const struct kerf_candidate *candidate = sorted.items[i];
        if (input->budgets[candidate->nodepool_index] <= 0) {
            kerf_budgets_explain(pass, candidate, KERF_METHOD_DRIFT);
            continue;
        }
        struct kerf_candidates alone = { .items = &candidate, .count = 1 };
        struct kerf_simulation simulation;
        kerf_simulate(pass, &alone, KERF_SIMULATE_DRIFT, &simulation);
        *out_error = simulation.outcome == KERF_SIMULATION_NO_NODEPOOL;
        bool possible = simulation.outcome == KERF_SIMULATION_DONE && !simulation.failed;
        if (possible) {
            *out_command = kerf_command_of(pass, KERF_METHOD_DRIFT, &alone);
            size_t replacement_count = simulation.plan->claim_count;
            struct kerf_planned_claim *replacements = KERF_NEW_ARRAY(pass->arena, struct kerf_planned_claim, replacement_count);
            for (size_t j = 0; j < replacement_count; j++)
                replacements[j] = kerf_planned_claim_copy(pass->arena, &simulation.plan->claims[j]);
            out_command->replace = replacement_count > 0;
            out_command->replacements = replacements;
            out_command->replacement_count = replacement_count;
            out_command->placements = kerf_placements_copy(pass->arena, simulation.plan, &out_command->placement_count);
            out_command->savings_usd_per_hour = kerf_estimated_savings(pass, &alone, replacements, replacement_count);
            kerf_balanced_approves(pass, &alone, out_command->savings_usd_per_hour, input->totals, &out_command->has_score,
                                   &out_command->score);
        } else if (simulation.failed && pass->reasons) {
            kerf_disruption_explain(pass, candidate->id, "drift: %s", kerf_failure_reason(pass, &simulation));
        }
        kerf_simulation_fini(&simulation);
        if (possible || *out_error)
            return possible;
    }
    return false;
}
