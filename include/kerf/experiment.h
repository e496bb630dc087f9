/**
 * kerf/experiment: designs x replications on common random numbers. Threads run whole replications; results are folded in the order
 * of replications, so the number of threads changes nothing.
 */
#ifndef KERF_EXPERIMENT_H
#define KERF_EXPERIMENT_H

#include "kerf/scenario.h"

struct kerf_experiment_options {
    uint32_t threads;   /* 0: the processors that this process may use */
    double confidence;  /* 0: 0.95 */
    const char *out_folder; /* keep series, events, bills and the summary there; NULL: nothing is kept */
    void (*progress)(void *context, uint32_t done, uint32_t total); /* called from one thread at a time; NULL: none */
    void *progress_context;
};

struct kerf_comparison; /* printed by kerf/report.h */

/** Runs every design of the scenario. KERF_E_IO when out_folder can't be written; KERF_E_INPUT when a run stopped by livelock. */
KERF_MUST_CHECK enum kerf_status kerf_experiment_run(const struct kerf_scenario *scenario, const struct kerf_experiment_options *options,
                                                     struct kerf_comparison **out_comparison, struct kerf_errors *errs);
void kerf_comparison_free(struct kerf_comparison *comparison);

#endif
