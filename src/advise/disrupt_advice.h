/** What `kerf disrupt` answers: written by advise_disrupt.c, printed by report_disrupt.c. */
#ifndef KERF_ADVISE_DISRUPT_ADVICE_H
#define KERF_ADVISE_DISRUPT_ADVICE_H

#include "disruption/disruption.h"
#include "kerf/advise.h"

/** A command that the pass found and that its validation dropped. */
struct kerf_dropped_command {
    enum kerf_disruption_method method;
    const kerf_node_id *candidates;
    size_t candidate_count;
    const char *why;
};

struct kerf_disrupt_node {
    kerf_node_id node;
    bool candidate; /* of any method */
    const char *const *reasons;
    size_t reason_count;
};

struct kerf_disrupt_advice {
    struct kerf_arena arena;
    const struct kerf_cluster *cluster;
    kerf_time_us at_epoch_us;
    struct kerf_disruption_result *results[KERF_METHOD_COUNT]; /* of the pass: a second one only after a dropped command */
    size_t result_count;
    const struct kerf_disruption_command *command; /* several of static drift are one here; NULL: nothing to do */
    struct kerf_dropped_command dropped[KERF_METHOD_COUNT];
    size_t dropped_count;
    const struct kerf_disrupt_node *nodes; /* by name */
    size_t node_count;
    bool with_conditions; /* Consolidatable and Drifted were derived: print them */
};

#endif
