/** What kube-scheduler would do with each pending pod: shared with `report`, which prints it. */
#ifndef KERF_ADVISE_SCHEDULE_H
#define KERF_ADVISE_SCHEDULE_H

#include "kerf/advise.h"
#include "binding/binding.h"

struct kerf_schedule_refusal {
    kerf_name node;
    const char *plugin;
    const char *reason;
    bool preemption_might_help;
};

struct kerf_schedule_pod {
    kerf_name namespace_name;
    kerf_name name;
    kerf_name node; /* NULL: it finds none */
    bool gated;     /* it has scheduling gates: never tried */
    const kerf_name *feasible;
    size_t feasible_count;
    const struct kerf_node_score *scores; /* of feasible nodes, in their order; none with fewer than two */
    size_t score_count;
    const struct kerf_schedule_refusal *refusals;
    size_t refusal_count;
    kerf_name nominated;        /* the node on which it preempts; NULL: none */
    const char *const *victims; /* `namespace/name` */
    size_t victim_count;
};

struct kerf_schedule_advice {
    struct kerf_arena arena;              /* owns all below */
    const struct kerf_schedule_pod *pods; /* in the order in which they were tried */
    size_t pod_count;
    size_t node_count;
    size_t placed_count;
};

#endif
