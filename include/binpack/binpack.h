/* SPDX-License-Identifier: MIT */
/**
 * binpack: packs items into priced bins, proves how far from the best the packing can be, and splits that gap over the bins.
 *
 * Items come in classes (a demand in up to 16 resources, and how many there are), bins in types (a capacity, a price, how many
 * may be opened). A plan puts every item into a bin so that no resource of a bin is exceeded; its cost is the sum of the prices
 * of its bins. An open bin that still has room is a bin type of price 0 and limit 1 whose capacity is what is left.
 *
 * All quantities are 64-bit integers in whatever unit the caller likes, and >= 0 but for demands: an item may also make room (some
 * published instances have such items), as long as its bin holds in the end. Sums and products are checked, overflow is refused.
 *
 * The library allocates nothing: it works in memory that the caller brings, and running out of it, or of the step limit, is an
 * outcome and not a crash. It needs nothing but the C library, keeps no global state, prints nothing, and gives the same answer
 * for the same input everywhere. Different problems may be worked on by different threads.
 */
#ifndef BINPACK_H
#define BINPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BINPACK_RESOURCES_MAX 16
#define BINPACK_NO_LIMIT INT64_MAX /* as many bins of a type as needed */

enum binpack_outcome {
    BINPACK_OK = 0,
    BINPACK_LEFT_OVER,    /* a valid plan, but items are left without a bin: none fits them, or the limits are used up */
    BINPACK_OUT_OF_STEPS, /* the step limit ended the search: the best plan so far, which may leave items over */
    BINPACK_OUT_OF_SPACE, /* the memory is too small: the best plan so far if there is one (method not NULL); else no result */
    BINPACK_E_ARGUMENT,   /* the input is not a problem: a negative number, no resource, an unknown method; no result */
    BINPACK_E_OVERFLOW,   /* a cost or a count does not fit its integer; no result */
};

/** A short English text for an outcome, for messages; never NULL. */
const char *binpack_outcome_text(enum binpack_outcome outcome);

/* ---- the problem ------------------------------------------------------------------------------------------------------ */

struct binpack_bin_type {
    const int64_t *capacity; /* one number a resource */
    int64_t price;           /* of one bin */
    int64_t limit;           /* largest number of bins, BINPACK_NO_LIMIT: any */
};

/** Fields that are left out (zero) restrict nothing. */
struct binpack_item_class {
    const int64_t *demand;             /* one number a resource, of one item; at least -2^62 */
    int64_t count;                     /* number of items */
    int64_t per_bin_max;               /* largest number of items of this class in one bin, 0: as many as fit */
    const uint64_t *allowed_bin_types; /* bit i % 64 of word i / 64: bin type i may hold these items; NULL: any may */
    /* bit i % 64 of word i / 64: no bin may hold items of this class and of class i, whichever of the two says so; its own bit: no two
     * of its items; NULL: none */
    const uint64_t *conflicts;
};

/** Everything is borrowed from the caller and must stay as it is while a problem made from it is in use. */
struct binpack_input {
    size_t resource_count;
    const struct binpack_bin_type *bin_types;
    size_t bin_type_count;
    const struct binpack_item_class *item_classes;
    size_t item_class_count;
};

/** What is wrong, and where: positions in the input or the plan that `what` speaks of (SIZE_MAX: none). */
struct binpack_fault {
    const char *what;
    size_t index;
    size_t resource;
};

struct binpack_problem; /* lies in the caller's memory; there is nothing to free but that */

/** Bytes that hold a problem of this size, its bound and a plan that is not unusually varied: a size to start with, and to double
 *  after BINPACK_OUT_OF_SPACE. SIZE_MAX: too large for any memory. */
size_t binpack_memory_bytes(const struct binpack_input *input);

/**
 * Checks the input and lays the problem into memory[0 .. memory_bytes). Classes that no plan could tell apart are worked on as
 * one. out_fault (may be NULL) says what is wrong after BINPACK_E_ARGUMENT or BINPACK_E_OVERFLOW.
 * Cost: C log C comparisons for C classes, T^2 for T bin types.
 */
enum binpack_outcome binpack_problem_new(const struct binpack_input *input, void *memory, size_t memory_bytes,
                                         struct binpack_problem **out_problem, struct binpack_fault *out_fault);

/** Gives back the space of all plans and bounds of this problem, which must no longer be read. */
void binpack_problem_forget_results(struct binpack_problem *problem);

/* ---- the lower bound -------------------------------------------------------------------------------------------------- */

/**
 * No plan that places all items costs less than `cost`. Proof, in integers: all money is counted in 1/scale of a price unit, and
 *
 *   shares of a bin type      price_shares[type * resource_count + r] >= 0 add up to at most scale * price + rents[type]
 *   value of an item class    item_values[class] <= sum over r with capacity_r > 0 of floor(share_r * demand_r / capacity_r), for
 *                             every bin type that may be opened, may hold an item of the class, and can: its demand_r is at most
 *                             capacity_r + the room that all items together make in r (0 when there is no such type)
 *   rent of a bin type        rents[type] >= 0, and 0 for a type without limit
 *
 * So no bin holds items worth more than its price and rent, and all items together are worth at most scale * cost plus the rents
 * of all bins that may be opened. Costs are whole multiples of the greatest common divisor of the prices, so the quotient is
 * rounded up to such a multiple. Neither per_bin_max nor conflicts are used: they can only raise the cost.
 *
 * Borrowed from the problem until binpack_problem_forget_results.
 */
struct binpack_bound {
    int64_t cost;
    int64_t scale; /* a power of ten */
    const int64_t *item_values;
    const int64_t *price_shares;
    const int64_t *rents;
    uint64_t search_limit; /* looks that proving by search needs at most, all types together; 0: shares prove all */
    const char *method;    /* "resource prices" or "contents" */
};

/**
 * Resource prices: the linear program over what a unit of each resource may cost in all types (and single resources, and even
 * shares, beside it), then a climb in which each type divides its price in its own way; a class is valued at the bin type in which
 * it is cheapest to hold. BINPACK_OK, BINPACK_OUT_OF_SPACE or BINPACK_E_OVERFLOW. Cost: 20 to 70 passes over item classes x needed
 * bin types x resources, fewer for very large problems. The search uses floating point; what it finds is made integer and proves
 * itself.
 */
enum binpack_outcome binpack_bound_find(struct binpack_problem *problem, struct binpack_bound *out_bound);

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

/** `item_count` items of a class, in each bin of a pattern. */
struct binpack_placement {
    uint32_t item_class;
    int64_t item_count;
};

/** `bin_count` bins with the same content: placements[placement_first ..], in ascending order of class, each class once. */
struct binpack_pattern {
    uint32_t bin_type;
    int64_t bin_count;
    size_t placement_first;
    size_t placement_count;
    int64_t kerf; /* of one bin, in 1/scale of the bound; 0 until binpack_plan_split_gap */
};

/** Borrowed from the problem until binpack_problem_forget_results. Patterns lie in the order in which bins were opened. */
struct binpack_plan {
    const struct binpack_pattern *patterns;
    size_t pattern_count;
    const struct binpack_placement *placements;
    size_t placement_count;
    int64_t bin_count;
    int64_t cost;
    const int64_t *unplaced; /* items of each class that are left without a bin */
    int64_t unplaced_count;  /* their sum */
    bool is_cheapest;        /* no plan costs less: by the bound, or because every plan was looked at */
    const char *method;      /* the row of binpack_methods that made the plan */
    uint64_t steps;          /* steps that the whole call took, of all methods tried */
};

struct binpack_method {
    const char *name;
    const char *summary;
};

/** The methods, in the order in which they are tried; *out_count rows. */
const struct binpack_method *binpack_methods(size_t *out_count);

/** Left out (zero): all methods, the cheapest plan wins; the usual steps. */
struct binpack_options {
    const char *method;
    uint64_t step_limit; /* a step is one look at whether and how often an item class fits a bin, or work of that size; 0: each
                            search takes BINPACK_STEPS_USUAL, UINT64_MAX: no limit */
};

#define BINPACK_STEPS_USUAL ((uint64_t)60000000) /* half a second to a second of a core */

/**
 * BINPACK_OK, BINPACK_LEFT_OVER and BINPACK_OUT_OF_STEPS give a plan; BINPACK_OUT_OF_SPACE gives one unless out_plan->method is NULL.
 * A plan that places more items is better than one that
 * places fewer; then the cheaper one is. A bin that no cheaper type could replace as it stands is never left in a dearer one,
 * so far as the limits allow. options may be NULL.
 */
enum binpack_outcome binpack_solve(struct binpack_problem *problem, const struct binpack_options *options,
                                   struct binpack_plan *out_plan);

/**
 * The kerf of each bin: what it costs beyond the value of its items, so that
 *
 *   sum over patterns of bin_count * kerf  +  *out_kerf_unopened  =  scale * (plan cost - bound cost)
 *
 * exactly, every term >= 0. kerf is price + rent - values; what the bound gained by rounding up is taken from the bins with the
 * largest kerf (the waste that no plan avoids), for which a pattern may be split in two. out_kerf_unopened: rents of limited
 * bins that the plan leaves unopened; 0 without limits. Only for a plan that places all items: else BINPACK_E_ARGUMENT.
 */
enum binpack_outcome binpack_plan_split_gap(struct binpack_problem *problem, const struct binpack_bound *bound,
                                            struct binpack_plan *plan, int64_t *out_kerf_unopened);

/* ---- a plan that stands: items come and go, and moving one has a price ------------------------------------------------- */

/** Left out (zero): nothing is moved, new items go into room that is there and into new bins. */
struct binpack_revision_options {
    int64_t move_limit;         /* most items that leave the bin in which they stand; BINPACK_NO_LIMIT: any number */
    const int64_t *move_prices; /* by item class, of moving one item, in price units, >= 0; NULL: moves are free */
    const int64_t *must_close;  /* by pattern of the standing plan: bins of it that must go (their items move whatever the
                                   limit says); NULL: none */
    uint64_t step_limit;        /* 0: BINPACK_STEPS_USUAL */
};

struct binpack_revision {
    struct binpack_plan plan;
    const size_t *origins; /* by pattern of the plan: the standing pattern whose bins these are, SIZE_MAX: they are new */
    int64_t closed_count;  /* standing bins that are gone */
    int64_t moved_count;   /* items that left the bin in which they stood and are still there; see binpack_verify_revision */
    int64_t moved_price;   /* the sum of their prices */
};

/**
 * Changes a standing plan: its bins hold items already, and the problem says how many of each class there are to be now, which
 * may be more (items to add) or fewer (items that leave: out of the bins that hold least of value). What is left over is placed, first
 * in room that is there, then in new bins; then bins are closed, alone and several at once, and their items put elsewhere, as
 * long as that makes
 *
 *   the prices of all bins + the prices of all moves
 *
 * less, within the limit on moves. Items of a class are alike, so a move is counted only where a bin holds fewer than it did.
 *
 * standing: a plan over the same bin types and item classes, of this problem or another; patterns and placements are read, its
 * sums are not. Its bins must hold what is in them.
 *
 * BINPACK_OK, BINPACK_LEFT_OVER or BINPACK_OUT_OF_STEPS (the best so far) with a revision; BINPACK_E_ARGUMENT: the standing plan
 * is none, or items that make room leave bins that need it; BINPACK_OUT_OF_SPACE and BINPACK_E_OVERFLOW without.
 */
enum binpack_outcome binpack_revise(struct binpack_problem *problem, const struct binpack_plan *standing,
                                    const struct binpack_revision_options *options, struct binpack_revision *out_revision);

/** What closing one bin would do. */
struct binpack_what_if {
    bool can_close;        /* each of its items finds another bin, which may be a new one */
    int64_t cost_change;   /* of the prices of all bins; negative: money is saved */
    int64_t moved_count;   /* items that leave their bins */
    int64_t moved_price;
    int64_t to_open_count; /* of these: into room of bins that stand */
};

/**
 * For each pattern of the standing plan: what if one of its bins were closed? Of two ways the better one is told: its items into
 * the room of the others, and the rest into the cheapest new bins; or all into new bins. out_answers has room for every pattern.
 * The limits and must_close of the options are not looked at; new items of the problem wait outside. Outcomes as binpack_revise.
 */
enum binpack_outcome binpack_what_if_closed(struct binpack_problem *problem, const struct binpack_plan *standing,
                                            const struct binpack_revision_options *options,
                                            struct binpack_what_if *out_answers);

/**
 * Takes over a certificate that was found for a problem of the same bin types and item classes whose counts were others: the
 * values of the items hold for any counts, so only their sum is new. BINPACK_OK: binpack_bound_find gives it from now on.
 * BINPACK_E_ARGUMENT: it proves nothing here. Cost: that of binpack_verify_bound.
 */
enum binpack_outcome binpack_bound_adopt(struct binpack_problem *problem, const struct binpack_bound *bound,
                                         struct binpack_bound *out_bound);

/* ---- verification: shares no code with what it checks ----------------------------------------------------------------- */

/** Cells of scratch that either check needs. */
#define BINPACK_VERIFY_CELLS(input) (8 * (input)->item_class_count + (input)->bin_type_count)

/**
 * True when the plan places every item that it does not declare unplaced, keeps capacities, limits, allowed types and
 * per_bin_max, no conflict is broken, and its counts and cost add up. Otherwise out_fault (not NULL) says what is wrong.
 */
bool binpack_verify_plan(const struct binpack_input *input, const struct binpack_plan *plan, int64_t *scratch,
                         struct binpack_fault *out_fault);

/**
 * True when the certificate proves bound->cost. Cost: item classes x bin types x resources, in 128-bit integers, and as many looks
 * as the certificate's search_limit says.
 */
bool binpack_verify_bound(const struct binpack_input *input, const struct binpack_bound *bound, int64_t *scratch,
                          struct binpack_fault *out_fault);

/**
 * True when the revision's plan is one, each of its patterns that has an origin is of that type and no more of its bins are there
 * than stood, and counts and prices of moves are these: of a class, what stood, less what must leave (more stood than there is to
 * be), less what is still in the bin where it stood; and they keep the limit, or are no more than bins that must close held.
 */
bool binpack_verify_revision(const struct binpack_input *input, const struct binpack_plan *standing,
                             const struct binpack_revision_options *options, const struct binpack_revision *revision,
                             int64_t *scratch, struct binpack_fault *out_fault);

#ifdef __cplusplus
}
#endif

#endif
