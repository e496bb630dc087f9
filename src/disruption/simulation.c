/**
 * What-ifs: where would the pods of some candidates go if their nodes were gone (karpenter-disruption.md 7.1 to 7.3)? One provisioning
 * pass with the candidates left out, and the failure test on its result.
 */
#include "disruption/disruption_internal.h"

#include <stdlib.h>

/** What every what-if of the pass begins with: pending pods, and those of nodes that are being deleted. */
static void collect_shared_pods(struct kerf_disruption_pass *pass)
{
    if (pass->pods_known)
        return;
    pass->pods_known = true;
    const struct kerf_plan_refusal *refusals;
    size_t refusal_count;
    kerf_provisioning_collect_pods(pass->cluster, pass->now_epoch_us, pass->arena, &pass->pods, &pass->pod_count, &refusals, &refusal_count);
    for (size_t at = 0; at < kerf_cluster_node_count(pass->cluster); at++)
        pass->destination_count += !kerf_cluster_is_deleting(pass->cluster, kerf_cluster_node_at(pass->cluster, at));
}

static bool can_plan_nodes(const struct kerf_disruption_pass *pass)
{
    for (uint32_t i = 0; i < pass->objects->nodepools.count; i++) {
        const struct kerf_nodepool *nodepool = &pass->objects->nodepools.items[i];
        if (kerf_nodepool_is_managed(pass, i) && nodepool->replicas < 0 && kerf_nodepool_is_ready(nodepool) &&
            nodepool->meta.deletion_epoch_us == KERF_TIME_UNSET)
            return true;
    }
    return false;
}

static void fail(struct kerf_simulation *simulation, kerf_pod_id pod, const char *why)
{
    simulation->failed_count++;
    if (simulation->failed)
        return;
    simulation->failed = true;
    simulation->failed_pod = pod;
    simulation->failed_why = why;
}

/** Pods on nodes that aren't initialized have no place yet, unless their own node is being deleted (7.3 rule 2). */
static void test_placements(const struct kerf_disruption_pass *pass, struct kerf_simulation *simulation)
{
    for (size_t i = 0; i < simulation->plan->existing_count; i++) {
        const struct kerf_planned_placement *placement = &simulation->plan->existing[i];
        if (kerf_cluster_is_initialized(pass->cluster, kerf_cluster_node(pass->cluster, placement->node)))
            continue;
        for (size_t j = 0; j < placement->pod_count; j++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(pass->cluster, placement->pods[j]);
            const struct kerf_cluster_node *from = kerf_cluster_node(pass->cluster, pod->node);
            if (!(from && kerf_cluster_is_deleting(pass->cluster, from)) && !kerf_pod_is_provisionable(&pod->pod))
                fail(simulation, pod->id, "it would only fit on a node that is not initialized");
        }
    }
}

static void test_refusals(const struct kerf_disruption_pass *pass, struct kerf_simulation *simulation)
{
    for (size_t i = 0; i < simulation->plan->refusal_count; i++) {
        const struct kerf_plan_refusal *refusal = &simulation->plan->refusals[i];
        if (!refusal->not_tried && !kerf_pod_is_provisionable(&kerf_cluster_pod(pass->cluster, refusal->pod)->pod))
            fail(simulation, refusal->pod, refusal->reason);
    }
}

/** Consolidation only: bounds that are allowed to answer. */
static bool is_refused(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, const kerf_pod_id *pods, size_t pod_count)
{
    if (!pass->bounds_known)
        kerf_disruption_bounds_begin(pass->options->bounds, pass->now_epoch_us);
    pass->bounds_known = true;
    return kerf_disruption_bounds_refuse(pass, candidates, pods, pod_count);
}

static struct kerf_provisioning_options provisioning_options(const struct kerf_disruption_pass *pass, bool protect_recent_nodes)
{
    struct kerf_provisioning_options options = pass->options->provisioning;
    options.now_epoch_us = pass->now_epoch_us;
    options.protect_recent_nodes = protect_recent_nodes;
    return options;
}

static struct kerf_overflow_answer ask_overflow(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates)
{
    if (!pass->overflow_known) {
        struct kerf_provisioning_options options = provisioning_options(pass, true);
        kerf_provisioning_overflow_begin(pass->cache, &options, pass->pods, pass->pod_count);
        pass->asked_ids = KERF_NEW_ARRAY(&pass->scratch, kerf_node_id, kerf_cluster_node_count(pass->cluster));
    }
    pass->overflow_known = true;
    for (size_t i = 0; i < candidates->count; i++)
        pass->asked_ids[i] = candidates->items[i]->id;
    return kerf_provisioning_overflow(pass->cache, pass->asked_ids, candidates->count);
}

static struct kerf_plan *plan(const struct kerf_disruption_pass *pass, const kerf_pod_id *pods, size_t pod_count, bool protect_recent_nodes)
{
    struct kerf_provisioning_input input = {
        .cluster = pass->cluster,
        .cache = pass->cache,
        .pods = pods,
        .pod_count = pod_count,
        .left_out = pass->left_out,
        .stop_at_uninitialized = !pass->reasons,
        .reservations_are_optional = true,
        .omit_reasons = !pass->reasons,
        .options = provisioning_options(pass, protect_recent_nodes),
    };
    return kerf_provisioning_plan(&input);
}

/** Those of the pass, then those of the candidates, whose nodes are left out from now on. The caller's to free. */
static kerf_pod_id *collect_pods(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, size_t *out_count)
{
    size_t capacity = pass->pod_count;
    for (size_t i = 0; i < candidates->count; i++)
        capacity += candidates->items[i]->node->pod_count;
    kerf_pod_id *pods = kerf_allocate(capacity * sizeof *pods);
    size_t pod_count = pass->pod_count;
    if (pod_count > 0)
        memcpy(pods, pass->pods, pod_count * sizeof *pods);
    for (size_t i = 0; i < candidates->count; i++) {
        const struct kerf_cluster_node *node = candidates->items[i]->node;
        kerf_bit_set(pass->left_out, node->id.index);
        for (uint32_t j = 0; j < node->pod_count; j++)
            if (kerf_pod_is_currently_reschedulable(pass->cluster, kerf_cluster_pod(pass->cluster, node->pods[j]), pass->now_epoch_us))
                pods[pod_count++] = node->pods[j];
    }
    *out_count = pod_count;
    return pods;
}

/** The what-if itself; how many pods took part. */
static size_t simulate(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, enum kerf_simulation_use use,
                       struct kerf_simulation *simulation)
{
    bool may_refuse = use == KERF_SIMULATE_CONSOLIDATION && pass->options->bounds && !pass->reasons;
    struct kerf_overflow_answer overflow = { 0 };
    if (may_refuse)
        overflow = ask_overflow(pass, candidates);
    if (overflow.known && kerf_disruption_bounds_refuse_overflow(pass, candidates, &overflow)) {
        simulation->outcome = KERF_SIMULATION_REFUSED;
        return pass->pod_count + overflow.pod_count;
    }
    size_t pod_count;
    kerf_pod_id *pods = collect_pods(pass, candidates, &pod_count);
    KERF_ASSERT(!overflow.known || pod_count == pass->pod_count + overflow.pod_count);
    if (may_refuse && !overflow.known && is_refused(pass, candidates, pods + pass->pod_count, pod_count - pass->pod_count))
        simulation->outcome = KERF_SIMULATION_REFUSED;
    else
        simulation->plan = plan(pass, pods, pod_count, use != KERF_SIMULATE_DRIFT);
    free(pods);
    for (size_t i = 0; i < candidates->count; i++)
        kerf_bit_clear(pass->left_out, candidates->items[i]->id.index);
    return pod_count;
}

void kerf_simulate(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, enum kerf_simulation_use use,
                   struct kerf_simulation *out_simulation)
{
    *out_simulation = (struct kerf_simulation){ .failed_pod = KERF_NO_POD };
    for (size_t i = 0; i < candidates->count; i++) {
        if (kerf_cluster_is_deleting(pass->cluster, candidates->items[i]->node)) {
            out_simulation->outcome = KERF_SIMULATION_DELETING;
            return;
        }
    }
    if (!pass->pods_known)
        pass->can_plan_nodes = can_plan_nodes(pass);
    if (!pass->can_plan_nodes) {
        out_simulation->outcome = KERF_SIMULATION_NO_NODEPOOL;
        return;
    }
    collect_shared_pods(pass);
    size_t pod_count = simulate(pass, candidates, use, out_simulation);
    pass->refused_by_bounds += out_simulation->outcome == KERF_SIMULATION_REFUSED;
    pass->simulations++;
    pass->simulated_pods += pod_count;
    pass->compute_us += (double)pod_count * pass->options->compute.us_per_pod +
                        (double)(pass->destination_count - candidates->count) * pass->options->compute.us_per_node;
    if (out_simulation->plan && out_simulation->plan->stopped)
        fail(out_simulation, KERF_NO_POD, NULL);
    else if (out_simulation->plan) {
        test_refusals(pass, out_simulation);
        test_placements(pass, out_simulation);
    }
}

void kerf_simulation_fini(struct kerf_simulation *simulation)
{
    kerf_plan_free(simulation->plan);
    simulation->plan = NULL;
}
