/** Of the disruptor: commands that were started and have not ended. */
#ifndef KERF_CONTROLLERS_COMMAND_QUEUE_H
#define KERF_CONTROLLERS_COMMAND_QUEUE_H

#include "controllers/controllers_internal.h"

struct queued_command;
struct kerf_command_queue {
    struct kerf_world *world;
    KERF_VEC(struct queued_command) commands; /* by slot; closed ones are used again */
    size_t node_count;                        /* candidates of all open commands */
};
void kerf_command_queue_init(struct kerf_command_queue *queue, struct kerf_world *world);
void kerf_command_queue_fini(struct kerf_command_queue *queue);

/** Starts a command; false: it failed, the taints that were set stay until the loop's next pass. */
bool kerf_command_queue_start(struct kerf_command_queue *queue, const struct kerf_disruption_command *command);
/** The look that was due at this moment. */
void kerf_command_queue_poll(struct kerf_command_queue *queue, uint64_t slot);

/** Takes the disrupted taint and the condition DisruptionReason from a node that has them. */
void kerf_command_queue_clear_node(struct kerf_world *world, kerf_node_id node);

#endif
