/** One pass of the loop: the five methods in their order (karpenter-disruption.md section 1), and what they share. */
#include "disruption/disruption_internal.h"

#include <stdlib.h>

const char *kerf_disruption_method_text(enum kerf_disruption_method method)
{
    static const char *const texts[] = { "emptiness", "static-drift", "drift", "multi-node", "single-node" };
    KERF_ASSERT(method < KERF_METHOD_COUNT);
    return texts[method];
}

enum kerf_disruption_reason kerf_reason_of_method(enum kerf_disruption_method method)
{
    return method == KERF_METHOD_EMPTINESS ? KERF_REASON_EMPTY
           : kerf_method_is_eventual(method) ? KERF_REASON_DRIFTED
                                             : KERF_REASON_UNDERUTILIZED;
}

/* ---- the pass --------------------------------------------------------------------------------------------------------------------- */

void kerf_disruption_pass_init(struct kerf_disruption_pass *pass, const struct kerf_cluster *cluster,
                               const struct kerf_disruption_options *options, struct kerf_arena *arena)
{
    *pass = (struct kerf_disruption_pass){
        .cluster = cluster,
        .objects = kerf_cluster_objects(cluster),
        .catalog = kerf_cluster_catalog(cluster),
        .vocabulary = kerf_cluster_vocabulary(cluster),
        .options = options,
        .cache = options->cache,
        .now_epoch_us = options->provisioning.now_epoch_us,
        .arena = arena,
    };
    kerf_arena_init(&pass->scratch);
    if (!pass->cache) {
        pass->cache = kerf_provisioning_cache_new(cluster);
        pass->owns_cache = true;
    }
    uint32_t id_bound = kerf_cluster_node_id_bound(cluster);
    pass->left_out = KERF_NEW_ARRAY(&pass->scratch, uint64_t, kerf_bitset_words(id_bound));
    if (options->explain)
        pass->reasons = KERF_NEW_ARRAY(&pass->scratch, struct kerf_node_reasons, id_bound);
}

void kerf_disruption_pass_fini(struct kerf_disruption_pass *pass)
{
    if (pass->owns_cache)
        kerf_provisioning_cache_free(pass->cache);
    kerf_arena_fini(&pass->scratch);
}

void kerf_disruption_explain(struct kerf_disruption_pass *pass, kerf_node_id node, const char *format, ...)
{
    if (!pass->reasons)
        return;
    struct kerf_text text = { 0 };
    va_list arguments;
    va_start(arguments, format);
    kerf_text_append_format_list(&text, format, arguments);
    va_end(arguments);
    struct kerf_node_reasons *reasons = &pass->reasons[node.index];
    bool known = false;
    for (size_t i = 0; i < reasons->texts.count; i++)
        known = known || !strcmp(reasons->texts.items[i], text.bytes);
    if (!known)
        KERF_VEC_PUSH_IN(pass->arena, &reasons->texts, kerf_arena_text(pass->arena, text.bytes));
    kerf_text_fini(&text);
}

/* ---- commands ---------------------------------------------------------------------------------------------------------------------- */

struct kerf_disruption_command kerf_command_of(struct kerf_disruption_pass *pass, enum kerf_disruption_method method,
                                               const struct kerf_candidates *candidates)
{
    kerf_node_id *ids = KERF_NEW_ARRAY(pass->arena, kerf_node_id, candidates->count);
    for (size_t i = 0; i < candidates->count; i++)
        ids[i] = candidates->items[i]->id;
    return (struct kerf_disruption_command){ .method = method, .candidates = ids, .candidate_count = candidates->count };
}

void kerf_command_set_consolidation(struct kerf_disruption_pass *pass, struct kerf_disruption_command *command,
                                    const struct kerf_consolidation *consolidation, double savings_usd_per_hour)
{
    command->replace = consolidation->decision == KERF_DECIDE_REPLACE;
    if (command->replace) {
        command->replacements = kerf_arena_copy(pass->arena, &consolidation->replacement, sizeof consolidation->replacement);
        command->replacement_count = 1;
    }
    command->placements = consolidation->placements;
    command->placement_count = consolidation->placement_count;
    command->savings_usd_per_hour = savings_usd_per_hour;
}

/* ---- the loop ------------------------------------------------------------------------------------------------------------------------ */

static bool is_synced(const struct kerf_cluster *cluster)
{
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (node->has_claim && !node->claim.provider_id)
            return false;
    }
    return true;
}

/** What candidates of a class have in common, made when first needed: the world stands still during a pass. */
struct listing {
    bool known;
    enum kerf_disruption_method method; /* that it was made for, unless for all */
    struct kerf_candidates listed;
    const struct kerf_nodepool_totals *totals; /* NULL: nobody scores */
};

static bool has_balanced_pool(const struct kerf_objects *objects)
{
    for (size_t i = 0; i < objects->nodepools.count; i++)
        if (objects->nodepools.items[i].consolidation_policy == KERF_BALANCED)
            return true;
    return false;
}

static const struct listing *listing_of(struct kerf_disruption_pass *pass, struct listing *listings, enum kerf_disruption_method method)
{
    bool eventual = kerf_method_is_eventual(method);
    struct listing *listing = &listings[eventual];
    /* Totals are over all candidates of the class, and reasons are of all nodes; else those of the method suffice. */
    bool of_all = pass->reasons || has_balanced_pool(pass->objects);
    bool of_both = listing->known && method == KERF_METHOD_SINGLE_NODE && listing->method == KERF_METHOD_MULTI_NODE;
    if (of_both || (listing->known && of_all)) /* both kinds of consolidation ask for the same nodes */
        return listing;
    listing->known = true;
    listing->method = method;
    listing->listed = kerf_candidates_list(pass, eventual, of_all ? KERF_METHOD_COUNT : method);
    listing->totals = of_all ? kerf_nodepool_totals(pass, &listing->listed) : NULL;
    return listing;
}

static void publish_candidates(struct kerf_disruption_pass *pass, struct kerf_disruption_result *result, enum kerf_disruption_method method,
                               const struct kerf_candidates *candidates)
{
    kerf_node_id *ids = KERF_NEW_ARRAY(pass->arena, kerf_node_id, candidates->count);
    for (size_t i = 0; i < candidates->count; i++)
        ids[i] = candidates->items[i]->id;
    result->candidates_by_method[method] = ids;
    result->candidate_count_by_method[method] = candidates->count;
}

/** True: the pass is over. */
static bool run_method(struct kerf_disruption_pass *pass, struct kerf_disruption_result *result, enum kerf_disruption_method method,
                       struct kerf_method_input *input)
{
    struct kerf_disruption_command *command = KERF_NEW(pass->arena, struct kerf_disruption_command);
    bool error = false, found = false;
    switch (method) {
    case KERF_METHOD_EMPTINESS:
        found = kerf_emptiness_decide(pass, input, command);
        break;
    case KERF_METHOD_STATIC_DRIFT:
        result->command_count = kerf_static_drift_decide(pass, input, &command);
        result->commands = command;
        return result->command_count > 0;
    case KERF_METHOD_DRIFT:
        found = kerf_drift_decide(pass, input, command, &error);
        break;
    case KERF_METHOD_MULTI_NODE:
        found = kerf_multi_node_decide(pass, input, command, &result->timed_out, &error);
        break;
    case KERF_METHOD_SINGLE_NODE:
    case KERF_METHOD_COUNT:
        found = kerf_single_node_decide(pass, input, command, &result->timed_out);
        break;
    }
    if (found) {
        result->commands = command;
        result->command_count = 1;
    }
    return found || error;
}

/** Nodes that the command, whichever method found it, leaves where they are. */
static void explain_rest(struct kerf_disruption_pass *pass, const struct kerf_disruption_result *result, const struct kerf_method_input *input)
{
    size_t chosen_count = 0;
    for (size_t i = 0; i < result->command_count; i++)
        chosen_count += result->commands[i].candidate_count;
    kerf_node_id *chosen = KERF_NEW_ARRAY(&pass->scratch, kerf_node_id, chosen_count);
    size_t at = 0;
    for (size_t i = 0; i < result->command_count; i++)
        for (size_t j = 0; j < result->commands[i].candidate_count; j++)
            chosen[at++] = result->commands[i].candidates[j];
    kerf_single_node_explain(pass, input, chosen, chosen_count);
}

static void publish_reasons(struct kerf_disruption_pass *pass, struct kerf_disruption_result *result)
{
    size_t node_count = kerf_cluster_node_count(pass->cluster);
    struct kerf_disruption_reason_text *nodes = KERF_NEW_ARRAY(pass->arena, struct kerf_disruption_reason_text, node_count);
    for (size_t at = 0; at < node_count; at++) {
        kerf_node_id id = kerf_cluster_node_at(pass->cluster, at)->id;
        const struct kerf_node_reasons *reasons = &pass->reasons[id.index];
        nodes[at] = (struct kerf_disruption_reason_text){
            .node = id,
            .candidate = reasons->candidate,
            .reasons = reasons->texts.items,
            .reason_count = reasons->texts.count,
        };
    }
    result->nodes = nodes;
    result->node_count = node_count;
}

struct kerf_disruption_result *kerf_disruption_decide(const struct kerf_cluster *cluster, const struct kerf_disruption_options *options,
                                                      enum kerf_disruption_method first_method, struct kerf_disruption_memory *memory)
{
    struct kerf_disruption_result *result = kerf_allocate(sizeof *result);
    kerf_arena_init(&result->arena);
    struct kerf_disruption_pass pass;
    kerf_disruption_pass_init(&pass, cluster, options, &result->arena);
    result->not_synced = !is_synced(cluster);
    struct listing listings[2] = { 0 };
    bool over = result->not_synced;
    int end = options->one_method ? (int)first_method + 1 : KERF_METHOD_COUNT;
    for (int m = first_method; m < end && !result->not_synced; m++) {
        enum kerf_disruption_method method = (enum kerf_disruption_method)m;
        if (over && !options->explain)
            break;
        const struct listing *listing = listing_of(&pass, listings, method);
        struct kerf_candidates candidates = kerf_candidates_of_method(&pass, &listing->listed, method);
        publish_candidates(&pass, result, method, &candidates);
        if (candidates.count == 0 || (over && !(method == KERF_METHOD_SINGLE_NODE && options->explain)))
            continue;
        struct kerf_method_input input = {
            .candidates = candidates,
            .totals = listing->totals,
            .budgets = kerf_budgets_map(&pass, kerf_reason_of_method(method)),
            .memory = memory,
            .consolidation_state = kerf_cluster_consolidation_state(cluster),
        };
        if (!over)
            over = run_method(&pass, result, method, &input);
        if (method == KERF_METHOD_SINGLE_NODE && options->explain)
            explain_rest(&pass, result, &input);
        result->memo_set = result->memo_set || input.memo_set;
    }
    if (options->explain && result->not_synced)
        kerf_explain_not_synced(&pass);
    if (options->explain)
        publish_reasons(&pass, result);
    result->simulations = pass.simulations;
    result->refused_by_bounds = pass.refused_by_bounds;
    result->simulated_pods = pass.simulated_pods;
    result->compute_us = (kerf_time_us)pass.compute_us;
    kerf_disruption_pass_fini(&pass);
    return result;
}

void kerf_disruption_result_free(struct kerf_disruption_result *result)
{
    if (!result)
        return;
    kerf_arena_fini(&result->arena);
    free(result);
}

/* ---- the condition Consolidatable (2.7) ------------------------------------------------------------------------------------------------ */

bool kerf_disruption_is_consolidatable(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node, kerf_time_us now_epoch_us,
                                       kerf_time_us *out_recheck_epoch_us)
{
    *out_recheck_epoch_us = KERF_TIME_NEVER;
    if (!node->has_claim || node->nodepool_index == KERF_NOT_FOUND)
        return false;
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[node->nodepool_index];
    const struct kerf_condition *initialized = kerf_conditions_get(&node->claim.conditions, "Initialized");
    if (nodepool->replicas >= 0 || nodepool->consolidate_after_us == KERF_TIME_NEVER || !initialized ||
        initialized->status != KERF_CONDITION_TRUE)
        return false;
    kerf_time_us since_epoch_us = node->claim.last_pod_event_epoch_us != KERF_TIME_UNSET ? node->claim.last_pod_event_epoch_us
                                                                                         : initialized->transition_epoch_us;
    if (nodepool->consolidate_after_us > 0 && since_epoch_us != KERF_TIME_UNSET &&
        now_epoch_us - since_epoch_us < nodepool->consolidate_after_us) {
        *out_recheck_epoch_us = since_epoch_us + nodepool->consolidate_after_us;
        return false;
    }
    return true;
}
