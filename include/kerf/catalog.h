/**
 * kerf/catalog: the EC2 instance catalogue for callers outside: load it, and the results of `kerf catalog list` and `show`.
 */
#ifndef KERF_CATALOG_H
#define KERF_CATALOG_H

#include "kerf/status.h"

struct kerf_catalog; /* immutable once loaded; may be shared by threads */

/**
 * Loads the catalogue for one region. `folder` NULL: the one built into the program; else a folder of CSV files
 * (instance_types.csv, on_demand_prices.csv, spot_prices.csv, zones.csv, zone_gaps.csv), whose prices hold for any region.
 * `region` NULL: us-east-1. Unknown region or unusable files: KERF_E_INPUT with places.
 */
KERF_MUST_CHECK enum kerf_status kerf_catalog_load(const char *folder, const char *region, struct kerf_catalog **out_catalog,
                                                   struct kerf_errors *errs);
void kerf_catalog_free(struct kerf_catalog *catalog);

#endif
