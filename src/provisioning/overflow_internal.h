/** Shared by overflow.c and overflow_kinds.c: kinds of pods, the nodes that take them, and what a what-if puts where. */
#ifndef KERF_PROVISIONING_OVERFLOW_INTERNAL_H
#define KERF_PROVISIONING_OVERFLOW_INTERNAL_H

#include "provisioning/fast_internal.h"

/** Taints and node selector alike: the same nodes admit them, room aside. */
struct kerf_overflow_class {
    struct kerf_tolerations tolerations;
    struct kerf_requirements requirements;
    uint64_t *admits; /* by position */
};

/** Pods that no rule tells apart, their age aside. */
struct kerf_overflow_kind {
    struct kerf_resources requests;
    struct kerf_overflow_sum amounts;
    struct kerf_labels selector;
    uint32_t class;
    uint32_t next; /* with the same hash */
    uint32_t rank; /* by cpu and memory, the largest first (2.1); equal ones share it */
    uint64_t *fits; /* by position: admits it, and has room before anything is placed */
};

/** Pods of one kind, all with or without the right to nodes within their window. */
struct kerf_overflow_group {
    uint32_t kind;
    uint32_t count;
    bool ignores_window;
};

struct kerf_overflow_pod {
    kerf_pod_id id;
    uint32_t kind;
};

/** What would have to move from a node. */
struct kerf_overflow_row {
    bool known;
    bool changes;   /* with time alone: look again each time */
    bool is_simple; /* all of it is of some kind */
    KERF_VEC(struct kerf_overflow_pod) pods; /* in order of binding; kind KERF_NOT_FOUND: of none */
    KERF_VEC(struct kerf_overflow_group) groups;
};

/** Equal pods that take their turn together. */
struct kerf_overflow_batch {
    struct kerf_overflow_group group;
    bool from_candidate;
};

/** Where the batch of a kind is; four for each: with the right to closed nodes or without, from candidates or not. */
struct kerf_overflow_batch_slot {
    uint64_t what_if;
    uint32_t batch;
};

struct kerf_overflow {
    struct kerf_provisioning_cache *cache;
    struct kerf_pass reader; /* for rules that read the labels of a node */
    struct kerf_arena arena; /* kinds and classes */
    KERF_VEC(struct kerf_overflow_class) classes;
    KERF_VEC(struct kerf_overflow_kind) kinds;
    struct kerf_id_map kind_index;
    uint32_t words;    /* of each set of positions */
    uint32_t capacity; /* positions */
    uint32_t count;
    /* by position */
    struct kerf_overflow_row *rows;
    struct kerf_overflow_sum *room;
    struct kerf_overflow_sum *rest; /* where the current what-if has put something */
    uint64_t *rest_of;              /* the what-if that rest is of */
    uint64_t *stale;                /* a set: room and fits are out of date */
    uint64_t *odd;                  /* a set: nodes where other rules are asked */
    uint64_t *open;                 /* a set: not within their window */
    uint32_t odd_count;
    uint32_t initialized_count;
    uint64_t what_if;
    /* of the current pass */
    bool usable;
    kerf_time_us now_epoch_us;
    KERF_VEC(struct kerf_overflow_pod) shared;
    KERF_VEC(struct kerf_overflow_batch) batches; /* in order of size */
    KERF_VEC(struct kerf_overflow_batch_slot) batch_slots;
    KERF_VEC(struct kerf_overflow_pod) turns;
    const kerf_node_id *candidates;
    size_t candidate_count;
    uint64_t *left_out; /* a set of positions, empty between what-ifs */
};

/* ---- overflow_kinds.c ------------------------------------------------------------------------------------------------ */

/** Is there room on the node at that position, as the base has it, for a pod of the kind that it admits? */
bool kerf_overflow_kind_fits(struct kerf_overflow *overflow, const struct kerf_overflow_kind *kind, uint32_t position);
/** Taints and labels alone. */
bool kerf_overflow_class_admits(struct kerf_overflow *overflow, const struct kerf_overflow_class *class, uint32_t position);
/** Of overflow->kinds, made when new; KERF_NOT_FOUND: other rules than room, taints and node selectors are asked. */
uint32_t kerf_overflow_find_kind(struct kerf_overflow *overflow, const struct kerf_pod *pod);
/** The amounts that are counted. */
struct kerf_overflow_sum kerf_overflow_sum_of(const struct kerf_resources *resources);
void kerf_overflow_put_bit(uint64_t *bits, uint32_t at, bool value);

#endif
