/** Shared by the files of `experiment`. */
#ifndef KERF_EXPERIMENT_INTERNAL_H
#define KERF_EXPERIMENT_INTERNAL_H

#include "kerf/experiment.h"

/** Calls run for 0 .. total - 1, on as many threads as the options say; returns when all are done. */
void kerf_experiment_share(uint32_t total, void (*run)(void *context, uint32_t index), void *context,
                           const struct kerf_experiment_options *options);

#endif
