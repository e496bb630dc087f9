/**
 * to_packing: what a pass decides, as a bin packing problem. Pods that ask the same become an item class, offerings of each NodePool's
 * instance types less their daemon pods become bin types. Two readings: the one that a plan is made of (`PLAN`: zones of spread pods
 * are dealt out, a pod goes to the heaviest NodePools that take it) and the one that bounds every plan (`BOUND`: preferences are
 * given up, all NodePools are open, what one bin cannot see is left out, existing nodes cost nothing).
 */
#ifndef KERF_TO_PACKING_H
#define KERF_TO_PACKING_H

#include "binpack/binpack.h"
#include "provisioning/fast_internal.h"

enum kerf_packing_reading { KERF_PACKING_PLAN, KERF_PACKING_BOUND };

enum { KERF_NANOS_PER_USD = 1000000000 };

/** What a class may be put on of one template. */
struct kerf_packing_offer {
    uint64_t *types; /* NULL: nothing */
    kerf_slots slots;
};

/** Pods that ask the same. */
struct kerf_packing_class {
    struct kerf_pass_pod *sample;
    uint32_t next; /* with the same hash */
    KERF_VEC(struct kerf_pass_pod *) pods;
    struct kerf_packing_offer *offers; /* by template */
    uint64_t *nodes;                   /* existing ones that may take it; BOUND */
    int64_t per_bin_max;               /* 0: any number */
    struct kerf_group_list apart;      /* groups of host names whose pods it may not meet: required anti-affinity */
    uint32_t zone_group;               /* the topology group that spreads it over zones; KERF_NOT_FOUND: none */
    bool is_left_out;                  /* it asks what no bin can answer */
};

/** Where a bin type comes from. */
struct kerf_packing_bin {
    uint32_t template; /* KERF_NOT_FOUND: an existing node */
    uint32_t type;     /* or position of the node */
    kerf_slots slots;  /* that its price holds for */
    uint32_t zone;     /* index among the catalogue's zones; KERF_NOT_FOUND: any */
};

/** Items of a class, in one zone if that was dealt out. */
struct kerf_packing_item {
    uint32_t class_index;
    uint32_t zone; /* KERF_NOT_FOUND: any */
    int64_t count;
};

struct kerf_packing {
    struct kerf_pass *pass;
    enum kerf_packing_reading reading;
    struct kerf_arena arena;
    KERF_VEC(struct kerf_packing_class) classes;
    struct kerf_id_map class_index;
    KERF_VEC(struct kerf_packing_bin) bins;
    KERF_VEC(struct kerf_packing_item) items;
    struct binpack_input input; /* bin types and item classes as in `bins` and `items` */
    void *memory;               /* of the solver */
    struct binpack_problem *problem;
    struct binpack_plan plan;
    struct binpack_bound bound;
};

void kerf_packing_init(struct kerf_packing *packing, struct kerf_pass *pass, enum kerf_packing_reading reading);
void kerf_packing_fini(struct kerf_packing *packing);
/** Pods with topology known (kerf_pass_init_topology). The pod must live as long as the packing. */
void kerf_packing_add_pod(struct kerf_packing *packing, struct kerf_pass_pod *pod);
/** Makes `input` of the pods. */
void kerf_packing_read(struct kerf_packing *packing);
/** Solves it within so many steps and verifies plan and bound; false: overflow, which no sensible cluster meets. */
bool kerf_packing_solve(struct kerf_packing *packing, uint64_t step_limit);

#endif
