/** Disruption budgets: which are active, what they allow, and what is left of it (karpenter-disruption.md section 3). */
#include "disruption/disruption_internal.h"

bool kerf_budget_is_active(const struct kerf_budget *budget, kerf_time_us now_epoch_us, bool *out_unparseable)
{
    *out_unparseable = budget->unparseable;
    if (!budget->schedule && budget->duration_us == KERF_TIME_UNSET)
        return true;
    struct kerf_cron cron;
    if (!budget->schedule || !kerf_cron_parse(budget->schedule->text, &cron)) {
        *out_unparseable = true;
        return false;
    }
    kerf_time_us duration_us = budget->duration_us == KERF_TIME_UNSET ? 0 : budget->duration_us;
    return kerf_cron_next(&cron, now_epoch_us - duration_us) <= now_epoch_us;
}

int64_t kerf_budgets_allowed(const struct kerf_nodepool *nodepool, enum kerf_disruption_reason reason, int64_t node_count,
                             kerf_time_us now_epoch_us)
{
    int64_t allowed = KERF_BUDGET_UNBOUNDED;
    for (uint32_t i = 0; i < nodepool->budget_count; i++) {
        const struct kerf_budget *budget = &nodepool->budgets[i];
        bool unparseable;
        bool active = kerf_budget_is_active(budget, now_epoch_us, &unparseable);
        if (unparseable)
            return 0; /* whatever its reasons: the whole NodePool is closed */
        if (!active || (budget->has_reasons && !(budget->reasons & (unsigned)reason)))
            continue;
        int64_t value = budget->percent ? (budget->value * node_count + 99) / 100 : budget->value;
        allowed = kerf_min_i64(allowed, value);
    }
    return allowed;
}

struct pool_nodes {
    int64_t count;
    int64_t disrupting; /* not ready, or being deleted for any cause */
};

static void count_node(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node, struct pool_nodes *into)
{
    if (!node->has_claim || !node->has_node || !kerf_cluster_is_initialized(cluster, node) ||
        node->instance_terminating)
        return;
    into->count++;
    into->disrupting += !kerf_cluster_is_ready(cluster, node) || kerf_cluster_is_deleting(cluster, node);
}

static int64_t remaining(const struct kerf_nodepool *nodepool, enum kerf_disruption_reason reason, struct pool_nodes nodes,
                         kerf_time_us now_epoch_us)
{
    int64_t allowed = kerf_budgets_allowed(nodepool, reason, nodes.count, now_epoch_us);
    return kerf_max_i64(0, allowed - nodes.disrupting);
}

int64_t *kerf_budgets_map(struct kerf_disruption_pass *pass, enum kerf_disruption_reason reason)
{
    size_t pool_count = pass->objects->nodepools.count;
    struct pool_nodes *nodes = KERF_NEW_ARRAY(&pass->scratch, struct pool_nodes, pool_count);
    for (size_t at = 0; at < kerf_cluster_node_count(pass->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(pass->cluster, at);
        if (node->nodepool_index != KERF_NOT_FOUND)
            count_node(pass->cluster, node, &nodes[node->nodepool_index]);
    }
    int64_t *map = KERF_NEW_ARRAY(&pass->scratch, int64_t, pool_count);
    for (size_t i = 0; i < pool_count; i++)
        map[i] = remaining(&pass->objects->nodepools.items[i], reason, nodes[i], pass->now_epoch_us);
    return map;
}

int64_t kerf_disruption_budget(const struct kerf_cluster *cluster, uint32_t nodepool_index, enum kerf_disruption_reason reason,
                               kerf_time_us now_epoch_us)
{
    struct pool_nodes nodes = { 0 };
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->nodepool_index == nodepool_index)
            count_node(cluster, node, &nodes);
    }
    return remaining(&kerf_cluster_objects(cluster)->nodepools.items[nodepool_index], reason, nodes, now_epoch_us);
}

/* ---- for people ------------------------------------------------------------------------------------------------------------------ */

/** The budget that lets the fewest nodes go; NULL: there is none for the reason. */
static const struct kerf_budget *tightest(const struct kerf_nodepool *nodepool, enum kerf_disruption_reason reason, int64_t node_count,
                                          kerf_time_us now_epoch_us)
{
    const struct kerf_budget *chosen = NULL;
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < nodepool->budget_count; i++) {
        const struct kerf_budget *budget = &nodepool->budgets[i];
        bool unparseable;
        bool active = kerf_budget_is_active(budget, now_epoch_us, &unparseable);
        if (unparseable)
            return budget;
        int64_t value = budget->percent ? (budget->value * node_count + 99) / 100 : budget->value;
        if (!active || (budget->has_reasons && !(budget->reasons & (unsigned)reason)) || value >= least)
            continue;
        least = value;
        chosen = budget;
    }
    return chosen;
}

void kerf_budgets_explain(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate, enum kerf_disruption_method method)
{
    if (!pass->reasons)
        return;
    enum kerf_disruption_reason reason = kerf_reason_of_method(method);
    struct pool_nodes nodes = { 0 };
    for (size_t at = 0; at < kerf_cluster_node_count(pass->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(pass->cluster, at);
        if (node->nodepool_index == candidate->nodepool_index)
            count_node(pass->cluster, node, &nodes);
    }
    const struct kerf_budget *budget = tightest(candidate->nodepool, reason, nodes.count, pass->now_epoch_us);
    const char *name = kerf_name_text(candidate->nodepool->meta.name), *method_text = kerf_disruption_method_text(method);
    bool unparseable = false;
    if (budget)
        (void)kerf_budget_is_active(budget, pass->now_epoch_us, &unparseable);
    if (!budget || unparseable) {
        kerf_disruption_explain(pass, candidate->id, "%s: NodePool %s lets no node go: a budget of it can't be understood", method_text, name);
        return;
    }
    int64_t allowed = kerf_budgets_allowed(candidate->nodepool, reason, nodes.count, pass->now_epoch_us);
    int64_t others = kerf_max_i64(0, allowed - nodes.disrupting);
    const char *schedule = budget->schedule ? kerf_arena_format(pass->arena, ", scheduled %s", budget->schedule->text) : "";
    kerf_disruption_explain(pass, candidate->id,
                            "%s: the disruption budget of NodePool %s is used up: nodes: %" PRId32 "%s%s lets %" PRId64 " of %" PRId64 " go, %" PRId64
                            " are not ready or going already, %" PRId64 " come first",
                            method_text, name, budget->value, budget->percent ? "%" : "", schedule, allowed, nodes.count, nodes.disrupting, others);
}
