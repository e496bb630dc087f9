/**
 * plan_what_if: a pass over the same world with a few pods, or a NodePool, changed. Changes are put in place for the pass and taken back, so
 * the world and its answers stay as they were. Shared by the files that look for the smallest change.
 */
#ifndef KERF_ADVISE_PLAN_WHAT_IF_H
#define KERF_ADVISE_PLAN_WHAT_IF_H

#include "advise/advise_internal.h"
#include "advise/plan_advice.h"

enum { KERF_CHANGE_STEPS_MAX = 4, KERF_CHANGES_MAX = 4 };

/** A search for what would let the pods of one explanation in. */
struct kerf_what_if {
    struct kerf_snapshot *snapshot;
    struct kerf_provisioning_cache *cache; /* of the NodePools as they are */
    struct kerf_arena *arena;              /* of what is kept: steps and their texts */
    const kerf_pod_id *pods;
    size_t pod_count;
    uint64_t attempts_left; /* work, in pods tried against all places; counted, never timed */
};

/** Changes so far; a value: copies share what they point to and never change it. */
struct kerf_hypothesis {
    bool pod_changed;
    struct kerf_pod_spec spec; /* volumes stay each pod's own */
    bool pool_changed;
    uint32_t nodepool_index;
    struct kerf_nodepool pool;
    struct kerf_plan_step steps[KERF_CHANGE_STEPS_MAX];
    uint32_t step_count;
    /* where each step comes from, so that the others can be taken again without it */
    const struct kerf_exclusion *causes[KERF_CHANGE_STEPS_MAX];
    int64_t choices[KERF_CHANGE_STEPS_MAX]; /* position in the list of changes, or nodes of a raised limit */
};

struct kerf_outcome {
    bool ran; /* false: there was no work left */
    size_t places;
    struct kerf_plan *plan; /* to be freed with kerf_plan_free */
    const struct kerf_planned_claim *claim; /* where the first pod with a place is; NULL: on an existing node, or nowhere */
    kerf_node_id node;
    const struct kerf_plan_refusal *invalid; /* the first pod is refused by validation */
    struct kerf_arena arena; /* with kerf_outcome_fini */
};

struct kerf_hypothesis kerf_hypothesis_of(const struct kerf_what_if *what_if, uint32_t nodepool_index);
/** A whole pass with the changes; explains the shape of the first pod if it stays. */
struct kerf_outcome kerf_what_if_run(struct kerf_what_if *what_if, const struct kerf_hypothesis *hypothesis);
void kerf_outcome_fini(struct kerf_outcome *outcome);

/* plan_changes.c: hypotheses with one step more, the nearest at hand first */
typedef KERF_VEC(struct kerf_hypothesis) kerf_hypotheses;
/** Against a rule of a NodePool (KERF_NOT_FOUND: of the pod itself, or of an existing node). On the heap: KERF_VEC_FREE. */
void kerf_list_changes(struct kerf_what_if *what_if, const struct kerf_hypothesis *base, uint32_t nodepool_index,
                       const struct kerf_exclusion *exclusion, kerf_hypotheses *out_list);
/** The pool's limits with room for `nodes` more of the smallest type that would do. */
struct kerf_hypothesis kerf_raise_limits(struct kerf_what_if *what_if, const struct kerf_hypothesis *base,
                                         const struct kerf_exclusion *exclusion, int64_t nodes);
/** Instead of the dropped requirement: the pool's own with what the found place needs; false: there is no narrower one. */
bool kerf_narrow_change(struct kerf_what_if *what_if, const struct kerf_hypothesis *dropped, const struct kerf_outcome *outcome,
                        struct kerf_hypothesis *out_narrow);

#endif
