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
};

#endif
