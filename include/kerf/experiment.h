/**
 * kerf/experiment: designs x replications on common random numbers. Threads run whole replications; results are folded in the order
 * of replications, so the number of threads changes nothing.
 */
#ifndef KERF_EXPERIMENT_H
#define KERF_EXPERIMENT_H

#include "kerf/scenario.h"
#include "kerf/subnets.h"

struct kerf_experiment_options {
    uint32_t threads;       /* 0: the processors that this process may use */
    double confidence;      /* 0: 0.95 */
    const char *out_folder; /* keep events, series and bills there, in DESIGN/REPLICATION/; NULL: nothing is kept */
    /** Called from one thread at a time after each replication; NULL: never. */
    void (*progress)(void *context, uint32_t done, uint32_t total);
    void *progress_context;
};

struct kerf_comparison; /* printed by kerf/report.h; borrows the scenarios */

/**
 * Runs every design of the scenarios, in their order; seed and replications are the first scenario's. KERF_E_IO when a file of
 * out_folder can't be written; KERF_E_INPUT when a run stopped because its controllers undid one another at one instant.
 */
KERF_MUST_CHECK enum kerf_status kerf_experiment_run(const struct kerf_scenario *const *scenarios, size_t scenario_count,
                                                     const struct kerf_experiment_options *options,
                                                     struct kerf_comparison **out_comparison, struct kerf_errors *errs);
void kerf_comparison_free(struct kerf_comparison *comparison);

/**
 * Simulates the scenario's first design where addresses never run out, and makes of it the question for kerf_advise_subnets: its subnets and
 * settings, and what its nodes and pods ask of them, a course a replication. The query borrows what out_simulated keeps. KERF_E_INPUT: the
 * design has no subnets, or a run stopped as above.
 */
struct kerf_subnet_scenario;
KERF_MUST_CHECK enum kerf_status kerf_experiment_subnets(const struct kerf_scenario *scenario, const struct kerf_experiment_options *options,
                                                         struct kerf_subnet_scenario **out_simulated, struct kerf_subnet_query *out_query,
                                                         struct kerf_errors *errs);
void kerf_subnet_scenario_free(struct kerf_subnet_scenario *simulated);

#endif
