/**
 * The orchestration queue of disruption commands (karpenter-disruption.md section 10): start of a command with its taints, replacements
 * and marks; a look at it every second; its end or its roll-back.
 *
 * Simplified: a look costs no time. If the first candidate is gone before the command ends, the real queue forgets to look and leaves
 * the other candidates tainted and marked until Karpenter restarts; ours goes on looking.
 */
#include "controllers/command_queue.h"

#include <stdlib.h>

#define POLL_US KERF_SECOND_US
#define LIMIT_PER_NODE_US (80 * KERF_SECOND_US / 1000)
#define LIMIT_MIN_US (10 * KERF_MINUTE_US)
#define LIMIT_MAX_US KERF_HOUR_US

struct queued_command {
    bool open;
    enum kerf_disruption_method method;
    kerf_node_id *candidates;
    size_t candidate_count;
    kerf_node_id *replacements;
    bool *initialized; /* by replacement: seen once, never asked again */
    size_t replacement_count;
    kerf_time_us created_us;
};

/* ---- taints and marks ---------------------------------------------------------------------------------------------------------- */

static const char *reason_text(enum kerf_disruption_method method)
{
    switch (method) {
    case KERF_METHOD_EMPTINESS:
        return "Empty";
    case KERF_METHOD_STATIC_DRIFT:
    case KERF_METHOD_DRIFT:
        return "Drifted";
    default:
        return "Underutilized";
    }
}

static void remove_disrupted_taint(struct kerf_world *world, const struct kerf_cluster_node *node)
{
    kerf_name key = world->vocabulary->key_disrupted;
    struct kerf_taint *kept = kerf_allocate(kerf_array_bytes(node->node.taints.count, sizeof *kept));
    size_t count = 0;
    for (size_t i = 0; i < node->node.taints.count; i++)
        if (node->node.taints.items[i].key != key)
            kept[count++] = node->node.taints.items[i];
    if (count < node->node.taints.count)
        kerf_cluster_set_node_taints(world->cluster, node->id, (struct kerf_taints){ kept, count });
    free(kept);
}

void kerf_command_queue_clear_node(struct kerf_world *world, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    if (node->has_node)
        remove_disrupted_taint(world, node);
    if (kerf_conditions_true(&node->claim.conditions, "DisruptionReason") && kerf_cluster_is_initialized(world->cluster, node))
        kerf_cluster_set_claim_condition(world->cluster, id, "DisruptionReason", KERF_CONDITION_FALSE, "DisruptionReason");
}

/* ---- start (10.1) -------------------------------------------------------------------------------------------------------------- */

void kerf_command_queue_init(struct kerf_command_queue *queue, struct kerf_world *world)
{
    *queue = (struct kerf_command_queue){ .world = world };
}

static void free_command(struct queued_command *command)
{
    free(command->candidates);
    free(command->replacements);
    free(command->initialized);
    *command = (struct queued_command){ 0 };
}

void kerf_command_queue_fini(struct kerf_command_queue *queue)
{
    for (size_t i = 0; i < queue->commands.count; i++)
        free_command(&queue->commands.items[i]);
    KERF_VEC_FREE(&queue->commands);
}

static size_t free_slot(struct kerf_command_queue *queue)
{
    for (size_t i = 0; i < queue->commands.count; i++)
        if (!queue->commands.items[i].open)
            return i;
    KERF_VEC_PUSH(&queue->commands, (struct queued_command){ 0 });
    return queue->commands.count - 1;
}

/** Something happened to them while the loop computed: the real controller would fail to mark them. */
static bool can_start(const struct kerf_cluster *cluster, const struct kerf_disruption_command *command)
{
    for (size_t i = 0; i < command->candidate_count; i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, command->candidates[i]);
        if (!node || node->in_command || kerf_cluster_is_deleting(cluster, node))
            return false;
    }
    return true;
}

static bool create_replacements(struct kerf_world *world, const struct kerf_disruption_command *command, kerf_node_id *out_replacements)
{
    for (size_t i = 0; i < command->replacement_count; i++)
        if (!kerf_claim_create(world, &command->replacements[i], &out_replacements[i]))
            return false; /* over a limit of the NodePool: those that were made stay */
    return true;
}

bool kerf_command_queue_start(struct kerf_command_queue *queue, const struct kerf_disruption_command *command)
{
    struct kerf_world *world = queue->world;
    if (!can_start(world->cluster, command))
        return false;
    for (size_t i = 0; i < command->candidate_count; i++) {
        kerf_node_add_disrupted_taint(world, command->candidates[i]);
        kerf_cluster_set_claim_condition(world->cluster, command->candidates[i], "DisruptionReason", KERF_CONDITION_TRUE,
                                         reason_text(command->method));
    }
    struct queued_command queued = {
        .open = true,
        .method = command->method,
        .candidates = kerf_allocate(kerf_array_bytes(command->candidate_count, sizeof(kerf_node_id))),
        .candidate_count = command->candidate_count,
        .replacements = kerf_allocate(kerf_array_bytes(command->replacement_count, sizeof(kerf_node_id))),
        .initialized = kerf_allocate(kerf_array_bytes(command->replacement_count, sizeof(bool))),
        .replacement_count = command->replacement_count,
        .created_us = kerf_world_now(world),
    };
    if (!create_replacements(world, command, queued.replacements)) {
        free_command(&queued);
        return false; /* the taints go at the start of the next pass */
    }
    for (size_t i = 0; i < command->candidate_count; i++) {
        queued.candidates[i] = command->candidates[i];
        kerf_cluster_mark_for_deletion(world->cluster, command->candidates[i], true);
        kerf_cluster_set_in_command(world->cluster, command->candidates[i], true);
    }
    kerf_nominate_placements(world, command->placements, command->placement_count);
    size_t slot = free_slot(queue);
    queue->commands.items[slot] = queued;
    queue->node_count += command->candidate_count;
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_DISRUPTION_STARTED,
                                                   .node = command->candidates[0],
                                                   .pod = KERF_NO_POD,
                                                   .detail = command->method,
                                                   .value = (int64_t)command->candidate_count });
    kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_COMMAND_POLL, slot, 0);
    return true;
}

/* ---- progress and end (10.2, 10.3) -------------------------------------------------------------------------------------------------- */

enum command_state { COMMAND_WAITS, COMMAND_DONE, COMMAND_LOST };

static enum command_state look_at_replacements(const struct kerf_cluster *cluster, struct queued_command *command)
{
    enum command_state state = COMMAND_DONE;
    for (size_t i = 0; i < command->replacement_count; i++) {
        if (command->initialized[i])
            continue;
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, command->replacements[i]);
        if (!node)
            return COMMAND_LOST; /* no capacity, or it never registered */
        command->initialized[i] = kerf_conditions_true(&node->claim.conditions, "Initialized");
        if (!command->initialized[i])
            state = COMMAND_WAITS;
    }
    return state;
}

static void delete_candidates(struct kerf_cluster *cluster, const struct queued_command *command)
{
    for (size_t i = 0; i < command->candidate_count; i++)
        if (kerf_cluster_node(cluster, command->candidates[i]))
            kerf_cluster_delete_claim(cluster, command->candidates[i]);
}

static void close_command(struct kerf_command_queue *queue, struct queued_command *command)
{
    for (size_t i = 0; i < command->candidate_count; i++)
        if (kerf_cluster_node(queue->world->cluster, command->candidates[i]))
            kerf_cluster_set_in_command(queue->world->cluster, command->candidates[i], false);
    queue->node_count -= command->candidate_count;
    free_command(command);
}

/** Everything as it was; replacements that exist stay as ordinary capacity. */
static void roll_back(struct kerf_command_queue *queue, struct queued_command *command)
{
    struct kerf_world *world = queue->world;
    kerf_node_id first = command->candidates[0];
    enum kerf_disruption_method method = command->method;
    for (size_t i = 0; i < command->candidate_count; i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, command->candidates[i]);
        if (!node)
            continue;
        kerf_cluster_mark_for_deletion(world->cluster, node->id, false);
        if (!kerf_cluster_is_deleting(world->cluster, node))
            kerf_command_queue_clear_node(world, node->id);
    }
    close_command(queue, command);
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_DISRUPTION_FAILED,
                                                   .node = kerf_cluster_node(world->cluster, first) ? first : KERF_NO_NODE,
                                                   .pod = KERF_NO_POD,
                                                   .detail = method });
}

void kerf_command_queue_poll(struct kerf_command_queue *queue, uint64_t slot)
{
    struct kerf_world *world = queue->world;
    struct queued_command *command = &queue->commands.items[slot];
    KERF_ASSERT(command->open);
    enum command_state state = look_at_replacements(world->cluster, command);
    if (state == COMMAND_DONE)
        delete_candidates(world->cluster, command);
    kerf_time_us limit_us =
        kerf_min_i64(kerf_max_i64(LIMIT_PER_NODE_US * (int64_t)queue->node_count, LIMIT_MIN_US), LIMIT_MAX_US);
    if (state == COMMAND_LOST || kerf_world_now(world) - command->created_us > limit_us)
        roll_back(queue, command); /* too late counts even if the candidates have just been deleted */
    else if (state == COMMAND_DONE)
        close_command(queue, command);
    else
        kerf_world_schedule(world, kerf_world_now(world) + POLL_US, KERF_EVENT_COMMAND_POLL, slot, 0);
}
