/** Validation of a command 15 s after it was found, against the world as it then is (karpenter-disruption.md section 9). */
#include "disruption/disruption_internal.h"

#include <stdlib.h>

static bool is_nominated(const struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate)
{
    kerf_time_us until_epoch_us = candidate->node->nominated_until_epoch_us;
    return until_epoch_us != KERF_TIME_UNSET && pass->now_epoch_us < until_epoch_us;
}

/** The command's candidates that still are candidates of its method, in the command's order. */
static struct kerf_candidates rebuild(struct kerf_disruption_pass *pass, const struct kerf_disruption_command *command)
{
    struct kerf_candidates listed = kerf_candidates_list(pass, kerf_method_is_eventual(command->method), command->method);
    struct kerf_candidates wanted = kerf_candidates_of_method(pass, &listed, command->method);
    struct kerf_candidates kept = { .items = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, command->candidate_count) };
    for (size_t i = 0; i < command->candidate_count; i++)
        for (size_t j = 0; j < wanted.count; j++)
            if (kerf_node_id_equal(wanted.items[j]->id, command->candidates[i]))
                kept.items[kept.count++] = wanted.items[j];
    return kept;
}

/** Those that are neither nominated nor beyond their budget. */
static struct kerf_candidates within_budgets(struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                                             enum kerf_disruption_reason reason)
{
    int64_t *budgets = kerf_budgets_map(pass, reason);
    struct kerf_candidates kept = { .items = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_candidate *, candidates->count) };
    for (size_t i = 0; i < candidates->count; i++) {
        const struct kerf_candidate *candidate = candidates->items[i];
        if (is_nominated(pass, candidate) || budgets[candidate->nodepool_index] <= 0)
            continue;
        budgets[candidate->nodepool_index]--;
        kept.items[kept.count++] = candidate;
    }
    return kept;
}

static bool names_type(const struct kerf_planned_claim *planned, kerf_name name)
{
    for (size_t i = 0; i < planned->instance_type_count; i++)
        if (planned->instance_types[i]->name == name)
            return true;
    return false;
}

/** The new simulation must come to what the command does (9.2 rules 3 to 5). */
static bool simulation_agrees(struct kerf_disruption_pass *pass, const struct kerf_disruption_command *command,
                              const struct kerf_candidates *candidates, size_t *out_planned)
{
    struct kerf_simulation simulation;
    kerf_simulate(pass, candidates, KERF_SIMULATE_VALIDATION, &simulation);
    *out_planned = simulation.plan ? simulation.plan->claim_count : 0;
    bool agrees = simulation.outcome == KERF_SIMULATION_DONE && !simulation.failed &&
                  simulation.plan->claim_count == command->replacement_count;
    for (size_t i = 0; agrees && i < command->replacement_count; i++)
        for (size_t j = 0; agrees && j < command->replacements[i].instance_type_count; j++)
            agrees = names_type(&simulation.plan->claims[i], command->replacements[i].instance_types[j]->name);
    kerf_simulation_fini(&simulation);
    return agrees;
}

bool kerf_disruption_validate(const struct kerf_cluster *cluster, const struct kerf_disruption_options *options,
                              const struct kerf_disruption_command *command, struct kerf_arena *arena,
                              struct kerf_disruption_command *out_command, const char **out_why)
{
    struct kerf_disruption_options silent = *options;
    silent.explain = false;
    struct kerf_disruption_pass pass;
    kerf_disruption_pass_init(&pass, cluster, &silent, arena);
    struct kerf_candidates candidates = rebuild(&pass, command);
    bool valid = false;
    if (command->method == KERF_METHOD_EMPTINESS) {
        struct kerf_candidates kept = within_budgets(&pass, &candidates, KERF_REASON_EMPTY);
        valid = kept.count > 0;
        if (!valid && out_why)
            *out_why = kerf_arena_format(arena, "%zu of %zu nodes were empty then, and nominations and budgets let none go", candidates.count, command->candidate_count);
        if (valid) {
            *out_command = kerf_command_of(&pass, KERF_METHOD_EMPTINESS, &kept);
            out_command->savings_usd_per_hour = kerf_estimated_savings(&pass, &kept, NULL, 0);
            out_command->has_score = command->has_score;
            out_command->score = command->score;
        }
    } else if (command->method == KERF_METHOD_MULTI_NODE || command->method == KERF_METHOD_SINGLE_NODE) {
        /* Nothing changes between the two looks at candidates and budgets that the real code takes: one suffices. */
        size_t wanted = command->candidate_count, allowed = 0, planned = 0;
        if (candidates.count == wanted)
            allowed = within_budgets(&pass, &candidates, KERF_REASON_UNDERUTILIZED).count;
        valid = allowed == wanted && simulation_agrees(&pass, command, &candidates, &planned);
        if (valid)
            *out_command = *command;
        else if (out_why && candidates.count < wanted)
            *out_why = kerf_arena_format(arena, "%zu of %zu nodes were candidates then", candidates.count, wanted);
        else if (out_why && allowed < wanted)
            *out_why = kerf_arena_format(arena, "budgets and nominations let %zu of %zu nodes go then", allowed, wanted);
        else if (out_why && planned != command->replacement_count)
            *out_why = kerf_arena_format(arena, "%zu new nodes would be needed then, not %zu", planned, command->replacement_count);
        else if (out_why)
            *out_why = "a pod would have no place then, or the new node could not be of all the command's types";
    } else { /* drift is not validated */
        valid = true;
        *out_command = *command;
    }
    kerf_disruption_pass_fini(&pass);
    return valid;
}
