/** Shared by the files of `advise`: what a snapshot holds. */
#ifndef KERF_ADVISE_INTERNAL_H
#define KERF_ADVISE_INTERNAL_H

#include "kerf/advise.h"
#include "disruption/disruption.h"

struct kerf_snapshot {
    struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary; /* a child of the catalogue's */
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    kerf_time_us at_epoch_us;
    struct kerf_disruption_options disruption; /* its `provisioning` holds the options of a pass */
    bool derive_conditions;
    bool bound;       /* plan: how far from the cheapest */
    bool explain;     /* plan: why pods stay */
    bool explain_one; /* only this one, placed or not */
    kerf_pod_id explain_pod;
};

struct kerf_plan_advice;
struct kerf_provisioning_input;
/** Fills the gap of an advice (plan_gap.c). */
void kerf_plan_find_gap(const struct kerf_provisioning_input *input, struct kerf_plan_advice *advice);
/** Fills the explanations of an advice whose plan was made of `input` with `explain` (plan_explain.c). */
void kerf_explain_plan(struct kerf_snapshot *snapshot, const struct kerf_provisioning_input *input, struct kerf_plan_advice *advice);

#endif
