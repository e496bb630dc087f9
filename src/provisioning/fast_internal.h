/**
 * Shared by the files of the fast engine: shapes instead of pods, and what places have refused for good. The rules themselves are
 * those of the other files of the room, asked only where an answer isn't known: so both engines give the same plan.
 */
#ifndef KERF_FAST_INTERNAL_H
#define KERF_FAST_INTERNAL_H

#include "provisioning/provisioning_internal.h"

/** Places (existing nodes, claims in flight) that have refused something for good. */
struct kerf_refusals {
    uint64_t *nodes;
    uint64_t *claims; /* grows */
    uint32_t claim_words;
};

/** What a pod, relaxed so far, asks of a place, topology apart. Pods of different labels and spreads share it. */
struct kerf_fit {
    const struct kerf_pass_pod *pod; /* some shape that asks it: for what relaxation doesn't change */
    bool tolerates_prefer_no_schedule;
    struct kerf_requirements requirements;
    uint64_t hash;
    uint32_t next; /* with the same hash */
    struct kerf_refusals refusals;
    uint64_t *admitted; /* claims that have a pod of it; grows */
    uint32_t admitted_words;
    unsigned char *tolerated; /* by template, when nothing is required; NULL: not yet asked */
};

/** Amounts of the resources that every type has. */
struct kerf_room {
    int64_t amounts[KERF_ROOM_RESOURCES];
};

/** Of types and the daemon pods of their template: what is left for pods, without what others have as much of in everything. */
struct kerf_frontier {
    const struct kerf_template *template;
    const uint64_t *types;
    uint32_t next; /* with the same hash */
    uint32_t count;
    struct kerf_room *rooms;
};

/** A topology group of host names that refuses for good, and whether the pods that ask count in it themselves. */
struct kerf_gate {
    uint32_t group;
    bool self;
    struct kerf_refusals refusals;
};

/** A shape, relaxed so far: made when a pod of it first gets there. */
struct kerf_shape_view {
    struct kerf_pass_view view;
    uint32_t fit;
    uint32_t *gates;
    uint32_t gate_count;
    bool is_simple;         /* nothing else is asked of a claim in flight: what refused once refuses ever */
    bool asks_for_room;     /* and of one that has such a pod nothing but room (kerf_fast_asks_for_room) */
    uint32_t inverse_count; /* inverse groups that the gates were made for */
    uint64_t failed_at;     /* the state of the pass in which all places refused it; 0: none */
    struct kerf_text reason;
};

/** Pods that no rule of the pass tells apart but by name, age and UID. */
struct kerf_shape {
    struct kerf_pass_pod pod; /* takes the id of the one whose turn it is */
    uint32_t next; /* with the same hash */
    uint32_t size; /* the same for all shapes of that much cpu and memory */
    KERF_VEC(struct kerf_shape_view) views;
    bool constrained;   /* has spreads or pod affinity */
    uint32_t current;   /* the view that `pod.now` is */
    bool fully_relaxed; /* no view comes after the last */
};

struct kerf_fast {
    struct kerf_pass *pass;
    KERF_VEC(struct kerf_shape) shapes; /* in order of first appearance */
    struct kerf_id_map shape_index;
    uint32_t *shape_of; /* by position in the input */
    uint32_t *order;    /* positions in order of the queue (2.1) */
    KERF_VEC(struct kerf_fit) fits;
    struct kerf_id_map fit_index;
    KERF_VEC(struct kerf_gate) gates;
    struct kerf_id_map gate_index;
    KERF_VEC(struct kerf_frontier *) frontiers;
    struct kerf_id_map frontier_index;
    uint64_t state;   /* counts what changed the outcome of asking: placements, groups made late */
    bool pods_differ; /* ties are drawn by UID: one pod's failure says nothing of another's */
    /* where the search of the last view may go on: every claim before it has refused it for good */
    const struct kerf_shape_view *cursor_view;
    size_t cursor;
};

/* spec_identity.c */
uint64_t kerf_pod_identity_hash(const struct kerf_pod *pod);
/** No rule of a pass tells them apart, volumes aside. */
bool kerf_pods_ask_the_same(const struct kerf_pod *a, const struct kerf_pod *b);
uint64_t kerf_tolerations_hash(uint64_t hash, const struct kerf_tolerations *tolerations);
bool kerf_tolerations_same(const struct kerf_tolerations *a, const struct kerf_tolerations *b);
bool kerf_host_ports_same(const struct kerf_pod_spec *a, const struct kerf_pod_spec *b);

/* fast_shapes.c */
/** Reads the pods of the input: shapes, and the order of the queue (2.1). */
void kerf_fast_read_pods(struct kerf_fast *fast);
/** Groups that the shapes ask for. */
void kerf_fast_init_topology(struct kerf_fast *fast);
/** The view after so many relaxations, made current; NULL: nothing is left to relax. */
struct kerf_shape_view *kerf_fast_view(struct kerf_fast *fast, struct kerf_shape *shape, uint32_t step);
/** After a failed turn. */
void kerf_fast_restore(struct kerf_fast *fast, struct kerf_shape *shape);
void kerf_fast_fini(struct kerf_fast *fast);

/* fast_search.c */
bool kerf_fast_add_to_node(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view);
bool kerf_fast_add_to_claim(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view);
/** `like` (may be NULL): see kerf_pass_open_like. */
bool kerf_fast_open_claim(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view,
                          const struct kerf_pass_claim *like, struct kerf_text *reason);
/** Where among the claims the search of a view begins. */
size_t kerf_fast_first_place(struct kerf_fast *fast, const struct kerf_shape_view *view);
bool kerf_fast_try_claim(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view, uint32_t index);
static inline bool kerf_refusals_have_claim(const struct kerf_refusals *refusals, uint32_t index)
{
    return index / 64 < refusals->claim_words && kerf_bit_get(refusals->claims, index);
}

/** Puts a bit into a bitset that grows. */
void kerf_fast_set_grown(uint64_t **bits, uint32_t *words, uint32_t index);

/* fast_room.c */
/** No rule but room speaks about the view on a claim that has such a pod already, gates apart. */
bool kerf_fast_asks_for_room(const struct kerf_shape *shape, const struct kerf_shape_view *view);
/** Is it so with this claim? Then kerf_fast_room tells. */
bool kerf_fast_room_decides(struct kerf_fast *fast, const struct kerf_shape_view *view, struct kerf_pass_claim *claim);
/** How many pods, up to `wanted`, still find room there. */
uint32_t kerf_fast_room(const struct kerf_pass_claim *claim, const struct kerf_resources *requests, uint32_t wanted);
/** The claim has got a pod of the fit. */
void kerf_fast_admit(struct kerf_fast *fast, uint32_t fit, uint32_t claim);

/* fast_runs.c */
/**
 * Pods of a view that asks for room alone, in the order of the queue: as many as find a place on claims, without one more look at
 * nodes. Returns how many did.
 */
size_t kerf_fast_place_run(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view,
                           const uint32_t *positions, size_t count);
/** May it be asked for this view? */
bool kerf_fast_may_run(const struct kerf_fast *fast, const struct kerf_shape *shape, const struct kerf_shape_view *view);

/* claim_order.c: what Go's sort makes of a list that was sorted until one number of pods changed, without sorting it */
/** The claim at that place got a pod. True: more than its own place may have changed. */
bool kerf_claim_order_raise(uint32_t *keys, uint32_t *items, size_t count, size_t at);
/**
 * The claim at that place got so many pods, one after the other. Returns its new place, or KERF_NOT_FOUND, and nothing was done, where
 * the order in between is not known without sorting.
 */
size_t kerf_claim_order_raise_by(uint32_t *keys, uint32_t *items, size_t count, size_t at, uint32_t pods);
/** Does the order of a list of that length follow without sorting when the claim there gets a pod, and others are smaller? */
bool kerf_claim_order_is_known(size_t count, size_t at);
/** The end of the claims with as many pods as the one there. */
size_t kerf_claim_order_end(const uint32_t *keys, size_t count, size_t at);
/** The last one is new, with one pod; the place where it goes, or KERF_NOT_FOUND if more than that may have changed. */
size_t kerf_claim_order_settle_last(uint32_t *keys, uint32_t *items, size_t count);

/* fast.c: the engine. What is left in the queue, in its order; in the arena of the pass, texts until kerf_fast_fini */
const struct kerf_plan_refusal *kerf_fast_solve(struct kerf_fast *fast, size_t *out_left_count);

#endif
