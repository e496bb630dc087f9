/** What `kerf plan` answers: written by advise_plan.c, plan_explain.c and plan_gap.c, printed by report_plan.c,
 * report_explain.c and report_gap.c. */
#ifndef KERF_ADVISE_PLAN_ADVICE_H
#define KERF_ADVISE_PLAN_ADVICE_H

#include "kerf/advise.h"
#include "provisioning/provisioning.h"

/** One change to one object. */
struct kerf_plan_step {
    bool of_nodepool;        /* else of the pods */
    uint32_t nodepool_index; /* of a NodePool */
    const char *field;       /* `spec.tolerations` */
    const char *action;      /* add, remove, set */
    const char *value;       /* what is added, removed or set; NULL: nothing more to say */
    const char *was;         /* NULL: nothing */
    const char *text;        /* all of it in words */
};

/** What would let pods in: tried by a whole pass with the change made, and found true. */
struct kerf_plan_change {
    const struct kerf_plan_step *steps;
    uint32_t step_count;
    size_t places;   /* how many of the explained pods would have a place */
    const char *where; /* of the first of them: a new node or an existing one, in words */
};

struct kerf_plan_explanation {
    const struct kerf_explanation *of;
    const struct kerf_plan_change *changes; /* fewest steps first; none: none was found */
    size_t change_count;
    bool gave_up; /* the search ended at its limit of work */
    /* a pod that was placed, or does not take part */
    const char *where; /* NULL: it stays */
    const char *why;
};

/** What a planner makes of the pods. */
struct kerf_gap_plan {
    double usd_per_hour; /* if the cheapest launches */
    size_t node_count;   /* new ones */
    size_t left_count;
    size_t unlaunched_count; /* new nodes that nothing can be launched for now */
};

struct kerf_plan_restriction {
    const char *name, *text;
    struct kerf_gap_plan karpenter, packed; /* without it */
    struct kerf_provisioning_bound bound;
};

struct kerf_plan_gap {
    struct kerf_gap_plan karpenter, packed;
    struct kerf_provisioning_bound bound; /* for the pods that both place */
    const struct kerf_plan_restriction *restrictions;
    size_t restriction_count;
};

struct kerf_plan_advice {
    struct kerf_arena arena;
    const struct kerf_cluster *cluster;
    kerf_time_us at_epoch_us;
    size_t pod_count; /* that took part or were refused by validation */
    struct kerf_plan *plan;
    const struct kerf_launch_request *launches; /* by claim; no overrides: nothing could be launched */
    const struct kerf_plan_refusal *invalid;    /* pods that validation left out */
    size_t invalid_count;
    bool explains;
    const struct kerf_plan_explanation *explanations;
    size_t explanation_count;
    const struct kerf_plan_gap *gap; /* NULL: not asked for */
    struct kerf_plan *traced; /* the pass that watched one pod; NULL: none did */
};

#endif
