/**
 * advise_disrupt: one pass of Karpenter's disruption loop over a snapshot: the methods in their order, the 15 s of validation
 * included, in which nothing else happens.
 */
#include <stdlib.h>

#include "advise/advise_internal.h"
#include "advise/disrupt_advice.h"

#define VALIDATION_WAIT_US (15 * KERF_SECOND_US)

/* ---- conditions (karpenter-disruption.md 2.7, 11.1) ---------------------------------------------------------------------------- */

/** A condition that Karpenter would clear is False here: deciders ask for True alone. */
static void set_condition(struct kerf_cluster *cluster, const struct kerf_cluster_node *node, const char *type, bool is_true, const char *reason)
{
    if (is_true || kerf_conditions_true(&node->claim.conditions, type))
        kerf_cluster_set_claim_condition(cluster, node->id, type, is_true ? KERF_CONDITION_TRUE : KERF_CONDITION_FALSE, reason);
}

static void derive_conditions(struct kerf_snapshot *snapshot)
{
    struct kerf_cluster *cluster = snapshot->cluster;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (!node->has_claim || node->claim.meta.deletion_epoch_us != KERF_TIME_UNSET || node->nodepool_index == KERF_NOT_FOUND)
            continue;
        const char *drifted = kerf_disruption_drift_reason(cluster, node, snapshot->at_epoch_us);
        set_condition(cluster, node, "Drifted", drifted != NULL, drifted != NULL ? drifted : "NotDrifted");
        if (snapshot->objects.nodepools.items[node->nodepool_index].replicas >= 0)
            continue; /* static NodePools are not consolidated: nobody marks them */
        kerf_time_us recheck_epoch_us;
        bool consolidatable = kerf_disruption_is_consolidatable(cluster, node, snapshot->at_epoch_us, &recheck_epoch_us);
        set_condition(cluster, node, "Consolidatable", consolidatable, consolidatable ? "Consolidatable" : "NotConsolidatable");
    }
}

/* ---- the pass --------------------------------------------------------------------------------------------------------------------- */

static bool is_validated(enum kerf_disruption_method method)
{
    return method == KERF_METHOD_EMPTINESS || method == KERF_METHOD_MULTI_NODE || method == KERF_METHOD_SINGLE_NODE;
}

/** Static drift starts several commands of a node each: one answer. */
static const struct kerf_disruption_command *merge_commands(struct kerf_arena *arena, const struct kerf_disruption_command *commands, size_t count)
{
    if (count == 1)
        return commands;
    struct kerf_disruption_command *merged = KERF_NEW(arena, struct kerf_disruption_command);
    *merged = commands[0];
    merged->candidate_count = merged->replacement_count = 0;
    merged->savings_usd_per_hour = 0;
    kerf_node_id *candidates = KERF_NEW_ARRAY(arena, kerf_node_id, count);
    struct kerf_planned_claim *replacements = KERF_NEW_ARRAY(arena, struct kerf_planned_claim, count);
    for (size_t i = 0; i < count; i++) {
        candidates[merged->candidate_count++] = commands[i].candidates[0];
        replacements[merged->replacement_count++] = commands[i].replacements[0];
        merged->savings_usd_per_hour += commands[i].savings_usd_per_hour;
    }
    merged->candidates = candidates;
    merged->replacements = replacements;
    return merged;
}

static void run_pass(struct kerf_snapshot *snapshot, struct kerf_disrupt_advice *advice)
{
    struct kerf_disruption_memory memory = {0};
    struct kerf_disruption_options options = snapshot->disruption;
    options.provisioning.now_epoch_us = snapshot->at_epoch_us;
    options.cache = kerf_provisioning_cache_new(snapshot->cluster);
    enum kerf_disruption_method next = KERF_METHOD_EMPTINESS;
    while (next < KERF_METHOD_COUNT && advice->command == NULL) {
        struct kerf_disruption_result *result = kerf_disruption_decide(snapshot->cluster, &options, next, &memory);
        advice->results[advice->result_count++] = result;
        if (result->command_count == 0)
            break;
        const struct kerf_disruption_command *command = merge_commands(&advice->arena, result->commands, result->command_count);
        if (!is_validated(command->method)) {
            advice->command = command;
            break;
        }
        options.provisioning.now_epoch_us += VALIDATION_WAIT_US;
        kerf_cluster_set_now(snapshot->cluster, options.provisioning.now_epoch_us);
        struct kerf_disruption_command *validated = KERF_NEW(&advice->arena, struct kerf_disruption_command);
        const char *why = "its nodes are no candidates any more";
        if (kerf_disruption_validate(snapshot->cluster, &options, command, &advice->arena, validated, &why)) {
            advice->command = validated;
            break;
        }
        advice->dropped[advice->dropped_count++] =
            (struct kerf_dropped_command){command->method, command->candidates, command->candidate_count, why};
        next = (enum kerf_disruption_method)(command->method + 1);
    }
    kerf_cluster_set_now(snapshot->cluster, snapshot->at_epoch_us);
    kerf_provisioning_cache_free(options.cache);
}

/* ---- why and why not ------------------------------------------------------------------------------------------------------------ */

static bool is_among(const kerf_node_id *nodes, size_t count, kerf_node_id node)
{
    for (size_t i = 0; i < count; i++)
        if (kerf_node_id_equal(nodes[i], node))
            return true;
    return false;
}

struct name_order {
    const struct kerf_cluster *cluster;
};

static int by_name(const void *a, const void *b, void *context)
{
    const struct kerf_cluster *cluster = ((const struct name_order *)context)->cluster;
    const struct kerf_disrupt_node *x = a, *y = b;
    int order = kerf_name_compare(kerf_cluster_node_name(cluster, kerf_cluster_node(cluster, x->node)),
                                  kerf_cluster_node_name(cluster, kerf_cluster_node(cluster, y->node)));
    return order != 0 ? order : kerf_compare_u64(x->node.index, y->node.index);
}

/** Reasons of all passes over one node, and what became of commands with it. */
static void explain_node(struct kerf_disrupt_advice *advice, size_t at, struct kerf_disrupt_node *out)
{
    size_t capacity = advice->dropped_count + 1;
    for (size_t i = 0; i < advice->result_count; i++)
        capacity += advice->results[i]->nodes[at].reason_count;
    const char **texts = KERF_NEW_ARRAY(&advice->arena, const char *, capacity);
    const struct kerf_disruption_reason_text *first = &advice->results[0]->nodes[at];
    *out = (struct kerf_disrupt_node){.node = first->node, .candidate = first->candidate, .reasons = texts};
    if (advice->command != NULL && is_among(advice->command->candidates, advice->command->candidate_count, first->node))
        return; /* it was chosen: nothing to explain */
    for (size_t i = 0; i < advice->dropped_count; i++)
        if (is_among(advice->dropped[i].candidates, advice->dropped[i].candidate_count, first->node))
            texts[out->reason_count++] =
                kerf_arena_format(&advice->arena, "%s chose it with %zu nodes in all, but the command was no longer valid 15 s later: %s",
                                  kerf_disruption_method_text(advice->dropped[i].method), advice->dropped[i].candidate_count,
                                  advice->dropped[i].why);
    for (size_t i = 0; i < advice->result_count; i++) {
        const struct kerf_disruption_reason_text *reasons = &advice->results[i]->nodes[at];
        for (size_t j = 0; j < reasons->reason_count; j++) {
            bool known = false;
            for (size_t k = 0; k < out->reason_count; k++)
                known = known || strcmp(texts[k], reasons->reasons[j]) == 0;
            if (!known)
                texts[out->reason_count++] = reasons->reasons[j];
        }
    }
    if (out->reason_count == 0 && advice->command != NULL)
        texts[out->reason_count++] = kerf_arena_format(&advice->arena, "%s found a command before its turn came",
                                                       kerf_disruption_method_text(advice->command->method));
}

static void explain_nodes(struct kerf_disrupt_advice *advice)
{
    advice->node_count = advice->results[0]->node_count;
    struct kerf_disrupt_node *nodes = KERF_NEW_ARRAY(&advice->arena, struct kerf_disrupt_node, advice->node_count);
    for (size_t at = 0; at < advice->node_count; at++)
        explain_node(advice, at, &nodes[at]);
    struct name_order order = {advice->cluster};
    kerf_sort(nodes, advice->node_count, sizeof *nodes, by_name, &order);
    advice->nodes = nodes;
}

struct kerf_disrupt_advice *kerf_advise_disrupt(struct kerf_snapshot *snapshot)
{
    struct kerf_disrupt_advice *advice = kerf_allocate(sizeof *advice);
    kerf_arena_init(&advice->arena);
    advice->cluster = snapshot->cluster;
    advice->at_epoch_us = snapshot->at_epoch_us;
    advice->with_conditions = snapshot->derive_conditions;
    if (snapshot->derive_conditions)
        derive_conditions(snapshot);
    run_pass(snapshot, advice);
    explain_nodes(advice);
    return advice;
}

void kerf_disrupt_advice_free(struct kerf_disrupt_advice *advice)
{
    if (advice == NULL)
        return;
    for (size_t i = 0; i < advice->result_count; i++)
        kerf_disruption_result_free(advice->results[i]);
    kerf_arena_fini(&advice->arena);
    free(advice);
}

bool kerf_disrupt_advice_has_command(const struct kerf_disrupt_advice *advice)
{
    return advice->command != NULL;
}
