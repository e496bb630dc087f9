/**
 * kerf/scenario: read a scenario file. What is inside matters to kerf/experiment.h.
 */
#ifndef KERF_SCENARIO_H
#define KERF_SCENARIO_H

#include "kerf/status.h"

struct kerf_scenario; /* immutable once read */

/** What the command line may set over the file. All zero: nothing. */
struct kerf_scenario_overrides {
    const char *catalog_folder;
    const char *region;
    const char *seed;         /* decimal */
    const char *replications; /* decimal */
    const char *horizon;      /* duration */
    const char *warm_up;      /* duration */
    const char *const *designs; /* only these, by name, in this order */
    size_t design_count;
    bool only_first_design;     /* where `designs` names none */
};

/** Reads the scenario and all it names. Errors carry their places, several at once. */
KERF_MUST_CHECK enum kerf_status kerf_scenario_read(const char *path, const struct kerf_scenario_overrides *overrides,
                                                    struct kerf_scenario **out_scenario, struct kerf_errors *errs);
void kerf_scenario_free(struct kerf_scenario *scenario);

#endif
