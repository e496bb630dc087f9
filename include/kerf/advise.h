/**
 * kerf/advise: one decision over manifests, without time: read them, build the world, ask a decider, explain. What comes out is
 * printed by kerf/report.h.
 */
#ifndef KERF_ADVISE_H
#define KERF_ADVISE_H

#include "kerf/status.h"
#include "kerf/units.h"

/** What the commands plan, disrupt, schedule and check share (product.md, "Contracts"). All zero is the default of each. */
struct kerf_advise_options {
    const char *const *files; /* -f: files, directories, `-` */
    size_t file_count;
    const char *catalog_folder; /* --catalog; NULL: built in */
    const char *region;         /* --region; NULL: us-east-1 */
    const char *at;             /* --at, RFC 3339; NULL: the newest time in the input */
    const char *const *unavailable; /* --unavailable, each a comma-separated list */
    size_t unavailable_count;
    const char *const *nominated; /* --nominated NODE=TIME */
    size_t nominated_count;
    const char *const *feature_gates; /* --feature-gate NAME=true|false */
    size_t feature_gate_count;
    const char *preference_policy; /* Respect (default), Ignore */
    const char *min_values_policy; /* Strict (default), BestEffort */
    bool packed_planner;           /* plan: pods are packed by price first, by the same NodePools and rules */
    bool bound;                    /* plan: how far from the cheapest plan, proved, and what restrictions cost */
    bool explain;                  /* plan: why pods stay, and the smallest change that would let them in */
    const char *explain_pod;       /* plan, with explain: only this one (NAMESPACE/NAME or NAME), placed or not; NULL: all that stay */
    bool plain_engine;             /* plan: the implementation that goes a pod at a time; the answer is the same */
    bool derive_conditions;        /* disrupt: set Consolidatable and Drifted first */
    bool autoscale;                /* an Autoscale among the files says the moment, and its pods are all there are */
};

/** Manifests that were read and the world made of them. */
struct kerf_snapshot;
KERF_MUST_CHECK enum kerf_status kerf_snapshot_load(const struct kerf_advise_options *options, struct kerf_snapshot **out_snapshot,
                                                    struct kerf_errors *errs);
void kerf_snapshot_free(struct kerf_snapshot *snapshot);

/** Answers; each has a printer in kerf/report.h. */
struct kerf_plan_advice;     /* one Karpenter provisioning pass, with the launch choice of each nodeclaim */
struct kerf_schedule_advice; /* kube-scheduler's choice for each pending pod, in queue order */
struct kerf_disrupt_advice;  /* one disruption pass */
struct kerf_autoscale_advice; /* Cluster Autoscaler's scale-up, or its scale-down */

struct kerf_plan_advice *kerf_advise_plan(struct kerf_snapshot *snapshot);
void kerf_plan_advice_free(struct kerf_plan_advice *advice);
bool kerf_plan_advice_all_placed(const struct kerf_plan_advice *advice); /* else exit 1 */

struct kerf_schedule_advice *kerf_advise_schedule(struct kerf_snapshot *snapshot);
void kerf_schedule_advice_free(struct kerf_schedule_advice *advice);
bool kerf_schedule_advice_all_placed(const struct kerf_schedule_advice *advice);

struct kerf_disrupt_advice *kerf_advise_disrupt(struct kerf_snapshot *snapshot);
void kerf_disrupt_advice_free(struct kerf_disrupt_advice *advice);
bool kerf_disrupt_advice_has_command(const struct kerf_disrupt_advice *advice);

struct kerf_autoscale_advice *kerf_advise_autoscale(struct kerf_snapshot *snapshot); /* the snapshot must outlive it */
void kerf_autoscale_advice_free(struct kerf_autoscale_advice *advice);
bool kerf_autoscale_advice_acts(const struct kerf_autoscale_advice *advice); /* else exit 1 */

/** `kerf check`: reads manifests and scenarios and adds what is wrong or suspicious to `errs`. */
KERF_MUST_CHECK enum kerf_status kerf_advise_check(const struct kerf_advise_options *options, struct kerf_errors *errs);

#endif
