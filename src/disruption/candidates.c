/** Which nodes a method may look at, and why not the others (karpenter-disruption.md section 2). */
#include "disruption/disruption_internal.h"

/* ---- construction (2.1 to 2.3) ----------------------------------------------------------------------------------------------- */

bool kerf_nodepool_is_managed(const struct kerf_disruption_pass *pass, uint32_t nodepool_index)
{
    if (nodepool_index == KERF_NOT_FOUND)
        return false;
    const struct kerf_nodeclass_ref *ref = &pass->objects->nodepools.items[nodepool_index].nodeclass;
    return (!ref->group || kerf_name_is(ref->group, "karpenter.k8s.aws")) && (!ref->kind || kerf_name_is(ref->kind, "EC2NodeClass"));
}

/** Why the node can't be disrupted now, by what it is at; NULL: it can. */
static const char *standing_refusal(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node)
{
    const struct kerf_cluster *cluster = pass->cluster;
    if (node->in_command)
        return "it belongs to a disruption command that is under way";
    if (!node->has_claim)
        return "it has no NodeClaim: Karpenter doesn't manage it";
    if (!node->has_node)
        return "its NodeClaim has no Node yet";
    if (!kerf_cluster_is_initialized(cluster, node))
        return "it isn't initialized";
    if (kerf_cluster_is_deleting(cluster, node))
        return "it is being deleted, or marked for deletion";
    if (node->nominated_until_epoch_us != KERF_TIME_UNSET && pass->now_epoch_us < node->nominated_until_epoch_us)
        return "it is nominated for a pending pod";
    return NULL;
}

/** With a NodeClass that was read. */
static bool is_of_known_pool(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node)
{
    return kerf_nodepool_is_managed(pass, node->nodepool_index) &&
           kerf_cluster_nodeclass_of_pool(pass->cluster, node->nodepool_index) != KERF_NOT_FOUND;
}

/** Why the node can't be disrupted by any method, before its pods are looked at; NULL: it can. */
static const char *node_refusal(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node)
{
    const struct kerf_cluster *cluster = pass->cluster;
    const char *why = standing_refusal(pass, node);
    if (why)
        return why;
    if (kerf_labels_get(kerf_cluster_node_annotations(cluster, node), pass->vocabulary->key_do_not_disrupt) == pass->vocabulary->word_true)
        return "its annotation karpenter.sh/do-not-disrupt is true";
    if (!kerf_labels_get(kerf_cluster_node_labels(cluster, node), pass->vocabulary->key_nodepool))
        return "it has no label karpenter.sh/nodepool";
    if (!kerf_nodepool_is_managed(pass, node->nodepool_index))
        return "its NodePool is unknown";
    if (!is_of_known_pool(pass, node))
        return "its NodePool has no instance types: the EC2NodeClass is unknown";
    return NULL;
}

static void explain_pod(struct kerf_disruption_pass *pass, kerf_node_id node, const struct kerf_cluster_pod *pod, uint32_t pdb_index)
{
    const char *namespace_name = kerf_name_text(pod->pod.meta.namespace_name), *name = kerf_name_text(pod->pod.meta.name);
    if (pdb_index == KERF_NOT_FOUND) {
        kerf_explain_several_budgets(pass, node, &pod->pod);
        return;
    }
    const struct kerf_pdb *pdb = &pass->objects->pdbs.items[pdb_index];
    struct kerf_pdb_state state = kerf_cluster_pdb_state(pass->cluster, pdb_index);
    kerf_disruption_explain(pass, node,
                            "PodDisruptionBudget %s/%s allows %" PRId32 " disruptions (%" PRId32 " healthy, %" PRId32
                            " wanted): pod %s/%s stays",
                            namespace_name, kerf_name_text(pdb->meta.name), state.disruptions_allowed, state.current_healthy,
                            state.desired_healthy, namespace_name, name);
}

/** Do all pods of the node let it be disrupted? Explains the first that doesn't. */
static bool pods_allow(struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node)
{
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(pass->cluster, node->pods[i]);
        if (kerf_pod_is_active(&pod->pod) && kerf_pod_do_not_disrupt(pass->vocabulary, &pod->pod, pass->now_epoch_us)) {
            kerf_explain_do_not_disrupt(pass, node->id, &pod->pod);
            return false;
        }
    }
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(pass->cluster, node->pods[i]);
        uint32_t pdb_index;
        if (!kerf_pdb_allows_eviction(pass->cluster, pod, &pdb_index)) {
            if (pass->reasons)
                explain_pod(pass, node->id, pod, pdb_index);
            return false;
        }
    }
    return true;
}

static const struct kerf_instance_type *find_type(const struct kerf_disruption_pass *pass, const struct kerf_labels *labels,
                                                  uint32_t nodepool_index)
{
    kerf_name name = kerf_labels_get(labels, pass->vocabulary->key_instance_type);
    const struct kerf_instance_facts *facts = name ? kerf_catalog_find(pass->catalog, name) : NULL;
    if (!facts)
        return NULL;
    uint32_t nodeclass_index = kerf_cluster_nodeclass_of_pool(pass->cluster, nodepool_index);
    return &kerf_cluster_instance_types(pass->cluster, nodeclass_index)->items[facts->index];
}

void kerf_candidate_fill(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, struct kerf_candidate *out_candidate)
{
    const struct kerf_labels *labels = kerf_cluster_node_labels(pass->cluster, node);
    kerf_name zone = kerf_labels_get(labels, pass->vocabulary->key_zone);
    kerf_name capacity_type = kerf_labels_get(labels, pass->vocabulary->key_capacity_type);
    *out_candidate = (struct kerf_candidate){
        .id = node->id,
        .node = node,
        .name = kerf_cluster_node_name(pass->cluster, node),
        .nodepool_index = node->nodepool_index,
        .nodepool = &pass->objects->nodepools.items[node->nodepool_index],
        .type = find_type(pass, labels, node->nodepool_index),
        .zone_index = zone ? kerf_catalog_zone_index(pass->catalog, zone) : KERF_NOT_FOUND,
        .has_zone_label = zone != NULL,
        .has_capacity_type_label = capacity_type != NULL,
        .capacity_type = kerf_capacity_type_of_label(pass->vocabulary, capacity_type),
    };
    out_candidate->price_usd_per_hour = kerf_price_of_offering(out_candidate->type, out_candidate->zone_index, out_candidate->capacity_type);
    out_candidate->disruption_cost = kerf_disruption_cost(pass, node, &out_candidate->reschedulable_count);
    out_candidate->savings_ratio = out_candidate->price_usd_per_hour / out_candidate->disruption_cost;
}

static const struct kerf_candidate *make_candidate(struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node)
{
    struct kerf_candidate *candidate = KERF_NEW(&pass->scratch, struct kerf_candidate);
    kerf_candidate_fill(pass, node, candidate);
    return candidate;
}

static int by_name(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_candidate *const *x = a, *const *y = b;
    return kerf_name_compare((*x)->name, (*y)->name);
}

/** What a method asks of a node before its pods are looked at: what fails here would fail in its predicate. */
static bool is_plausible(const struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, enum kerf_disruption_method method)
{
    if (method == KERF_METHOD_COUNT || !node->has_claim || node->nodepool_index == KERF_NOT_FOUND)
        return true;
    if (kerf_method_is_eventual(method))
        return node->drifted;
    const struct kerf_nodepool *nodepool = &pass->objects->nodepools.items[node->nodepool_index];
    return nodepool->replicas < 0 && nodepool->consolidate_after_us != KERF_TIME_NEVER &&
           (method == KERF_METHOD_EMPTINESS || nodepool->consolidation_policy != KERF_WHEN_EMPTY) &&
           node->consolidatable;
}

static bool is_empty(const struct kerf_candidate *candidate) { return candidate->disruption_cost <= 1.0; }

/** Nobody asks for reasons: with what is remembered of the nodes. */
static struct kerf_candidates list_from_roster(struct kerf_disruption_pass *pass, bool eventual, enum kerf_disruption_method only)
{
    struct kerf_roster *roster = kerf_disruption_bounds_roster(pass->options->bounds);
    kerf_roster_refresh(roster);
    size_t count;
    const kerf_node_id *ids = kerf_roster_by_name(roster, &count);
    struct kerf_candidates listed = { .items = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, count) };
    for (size_t at = 0; at < count; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(pass->cluster, ids[at]);
        if (!is_plausible(pass, node, only) || standing_refusal(pass, node) || !is_of_known_pool(pass, node))
            continue;
        const struct kerf_roster_entry *entry = kerf_roster_entry(roster, pass, node);
        if (entry->is_annotated || !entry->has_pool_label || (only == KERF_METHOD_EMPTINESS && !is_empty(&entry->candidate)))
            continue;
        bool allowed = entry->changes ? pods_allow(pass, node) : kerf_roster_pods_allow(pass, entry);
        if (allowed || (eventual && node->claim.termination_grace_period_us != KERF_TIME_UNSET))
            listed.items[listed.count++] = &entry->candidate;
    }
    return listed;
}

struct kerf_candidates kerf_candidates_list(struct kerf_disruption_pass *pass, bool eventual, enum kerf_disruption_method only)
{
    if (pass->options->bounds && !pass->reasons)
        return list_from_roster(pass, eventual, only);
    size_t node_count = kerf_cluster_node_count(pass->cluster);
    struct kerf_candidates listed = { .items = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, node_count) };
    for (size_t at = 0; at < node_count; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(pass->cluster, at);
        if (!is_plausible(pass, node, only))
            continue;
        const char *why = node_refusal(pass, node);
        if (why) {
            kerf_explain_refusal(pass, node, why);
            continue;
        }
        if (!pods_allow(pass, node) && !(eventual && node->claim.termination_grace_period_us != KERF_TIME_UNSET))
            continue;
        listed.items[listed.count++] = make_candidate(pass, node);
    }
    kerf_sort(listed.items, listed.count, sizeof *listed.items, by_name, NULL);
    return listed;
}

/* ---- predicates (2.5) ---------------------------------------------------------------------------------------------------------- */

bool kerf_method_is_eventual(enum kerf_disruption_method method)
{
    return method == KERF_METHOD_DRIFT || method == KERF_METHOD_STATIC_DRIFT;
}

static bool may_drift(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate, bool is_static)
{
    (void)pass;
    return (candidate->nodepool->replicas >= 0) == is_static && candidate->node->drifted;
}

static bool may_be_emptied(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate)
{
    (void)pass;
    return candidate->nodepool->replicas < 0 && candidate->nodepool->consolidate_after_us != KERF_TIME_NEVER && is_empty(candidate) &&
           candidate->node->consolidatable;
}

static const char when_empty[] = "consolidationPolicy of its NodePool is WhenEmpty, and it is not empty";
static const char not_consolidatable[] = "its NodeClaim is not Consolidatable";

/** NULL: yes. Its own texts, for people ask most often why a node is not consolidated. */
static const char *consolidation_refusal(const struct kerf_candidate *candidate)
{
    if (candidate->nodepool->replicas >= 0)
        return "its NodePool is static: it is not consolidated";
    if (!candidate->type)
        return "its instance type is unknown: it is not consolidated";
    if (!candidate->has_capacity_type_label)
        return "it has no label karpenter.sh/capacity-type: it is not consolidated";
    if (!candidate->has_zone_label)
        return "it has no label topology.kubernetes.io/zone: it is not consolidated";
    if (candidate->nodepool->consolidate_after_us == KERF_TIME_NEVER)
        return "consolidateAfter of its NodePool is Never";
    if (is_empty(candidate))
        return candidate->node->consolidatable
                   ? "" /* emptiness's business */
                   : not_consolidatable;
    if (candidate->nodepool->consolidation_policy == KERF_WHEN_EMPTY)
        return when_empty;
    if (!candidate->node->consolidatable)
        return not_consolidatable;
    return NULL;
}

static void explain_consolidation(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate, const char *why)
{
    if (why == not_consolidatable)
        kerf_explain_not_consolidatable(pass, candidate, is_empty(candidate) ? "it is empty, but its NodeClaim" : "its NodeClaim");
    else if (why == when_empty)
        kerf_disruption_explain(pass, candidate->id, "%s: %" PRIu32 " pods would have to move", why, candidate->reschedulable_count);
    else
        kerf_disruption_explain(pass, candidate->id, "%s", why);
}

struct kerf_candidates kerf_candidates_of_method(struct kerf_disruption_pass *pass, const struct kerf_candidates *listed,
                                                 enum kerf_disruption_method method)
{
    struct kerf_candidates chosen = { .items = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, listed->count) };
    for (size_t i = 0; i < listed->count; i++) {
        const struct kerf_candidate *candidate = listed->items[i];
        bool wanted = false;
        switch (method) {
        case KERF_METHOD_EMPTINESS:
            wanted = may_be_emptied(pass, candidate);
            break;
        case KERF_METHOD_STATIC_DRIFT:
            wanted = may_drift(pass, candidate, true);
            break;
        case KERF_METHOD_DRIFT:
            wanted = may_drift(pass, candidate, false);
            break;
        case KERF_METHOD_MULTI_NODE:
        case KERF_METHOD_SINGLE_NODE:
        case KERF_METHOD_COUNT: {
            const char *why = consolidation_refusal(candidate);
            wanted = !why;
            if (why && *why && method == KERF_METHOD_MULTI_NODE) /* the same texts once */
                explain_consolidation(pass, candidate, why);
            break;
        }
        }
        if (wanted)
            chosen.items[chosen.count++] = candidate;
        if (wanted && pass->reasons)
            pass->reasons[candidate->id.index].candidate = true;
    }
    return chosen;
}

/* ---- lists ------------------------------------------------------------------------------------------------------------------------ */

static bool saves_less(const struct kerf_candidate *candidate, const struct kerf_candidate *other)
{
    int order = kerf_compare_double(other->savings_ratio, candidate->savings_ratio);
    return (order != 0 ? order : kerf_name_compare(candidate->name, other->name)) > 0;
}

static int by_savings(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_candidate *const *x = a, *const *y = b;
    int order = kerf_compare_double((*y)->savings_ratio, (*x)->savings_ratio);
    return order != 0 ? order : kerf_name_compare((*x)->name, (*y)->name);
}

/** For lists that are nearly in order; false: it was given up, half done. */
static bool insert_in_order(struct kerf_candidates *candidates)
{
    size_t moves_left = 8 * candidates->count;
    for (size_t i = 1; i < candidates->count; i++) {
        const struct kerf_candidate *candidate = candidates->items[i];
        size_t at = i;
        for (; at > 0 && saves_less(candidates->items[at - 1], candidate); at--)
            candidates->items[at] = candidates->items[at - 1];
        candidates->items[at] = candidate;
        if (i - at > moves_left)
            return false;
        moves_left -= i - at;
    }
    return true;
}

void kerf_candidates_sort_by_savings(const struct kerf_disruption_pass *pass, struct kerf_candidates *candidates)
{
    struct kerf_roster *roster = pass->options->bounds && !pass->reasons ? kerf_disruption_bounds_roster(pass->options->bounds) : NULL;
    if (roster)
        kerf_roster_presort(roster, candidates);
    if (!roster || !insert_in_order(candidates))
        kerf_sort(candidates->items, candidates->count, sizeof *candidates->items, by_savings, NULL);
    if (roster)
        kerf_roster_keep_order(roster, candidates);
}

struct kerf_candidates kerf_candidates_copy(struct kerf_arena *arena, const struct kerf_candidates *candidates)
{
    return (struct kerf_candidates){
        .items = kerf_arena_copy(arena, candidates->items, candidates->count * sizeof *candidates->items),
        .count = candidates->count,
    };
}

bool kerf_candidates_within_budgets(struct kerf_disruption_pass *pass, struct kerf_candidates *candidates, int64_t *budgets,
                                    enum kerf_disruption_method method)
{
    size_t kept = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct kerf_candidate *candidate = candidates->items[i];
        if (budgets[candidate->nodepool_index] > 0) {
            budgets[candidate->nodepool_index]--;
            candidates->items[kept++] = candidate;
        } else {
            kerf_budgets_explain(pass, candidate, method);
        }
    }
    bool constrained = kept < candidates->count;
    candidates->count = kept;
    return constrained;
}
