/**
 * kerf/catalog: the EC2 instance catalogue for callers outside: load it, and the results of `kerf catalog list` and `show`.
 */
#ifndef KERF_CATALOG_H
#define KERF_CATALOG_H

#include "kerf/status.h"

struct kerf_catalog; /* immutable once loaded; may be shared by threads */

/**
 * Loads the catalogue for one region. `folder` NULL: the one built into the program; else a folder of CSV files
 * (instance_types.csv, on_demand_prices.csv, spot_prices.csv, zones.csv, zone_gaps.csv; instance_catalog/README.md says which
 * columns), whose prices hold for any region. A few milliseconds.
 * `region` NULL: us-east-1. Unknown region or unusable files: KERF_E_INPUT with places.
 */
KERF_MUST_CHECK enum kerf_status kerf_catalog_load(const char *folder, const char *region, struct kerf_catalog **out_catalog,
                                                   struct kerf_errors *errs);
void kerf_catalog_free(struct kerf_catalog *catalog);

/** What `kerf catalog list` and `show` ask. All zero: all types, AL2023, all zones of the region. */
struct kerf_catalog_query {
    /**
     * Requirements on labels, each as Kubernetes writes selectors, several joined by commas: `key`, `!key`, `key=a`, `key!=a`,
     * `key in (a,b)`, `key notin (a,b)`, `key>5`, `key<5`, and `>=`, `<=`. Zone and capacity type choose offerings too.
     */
    const char *const *requirements;
    size_t requirement_count;
    const char *zone;       /* NULL: all */
    const char *ami_family; /* as an EC2NodeClass names it: AL2023, AL2, Bottlerocket, Windows2022, ...; NULL: AL2023 */
};

/** Instance types with capacity, overhead, allocatable and offerings; printed by kerf/report.h. */
struct kerf_catalog_answer;

/** The types that meet the query and can be launched, the cheapest first, equal prices by name. */
KERF_MUST_CHECK enum kerf_status kerf_catalog_ask(struct kerf_catalog *catalog, const struct kerf_catalog_query *query,
                                                  struct kerf_catalog_answer **out_answer, struct kerf_errors *errs);
/** One type by its name, whether it can be launched or not. An unknown name: KERF_E_INPUT, with what was probably meant. */
KERF_MUST_CHECK enum kerf_status kerf_catalog_ask_type(struct kerf_catalog *catalog, const char *type_name,
                                                       const struct kerf_catalog_query *query,
                                                       struct kerf_catalog_answer **out_answer, struct kerf_errors *errs);
void kerf_catalog_answer_free(struct kerf_catalog_answer *answer);

/** What the CNI's arithmetic asks of an instance type. Counts; network interfaces are those of the default card. */
struct kerf_instance_limits {
    int32_t enis;
    int32_t ipv4_per_eni;
    int64_t vcpus;
    bool nitro;               /* hypervisor nitro: bare metal has none */
    bool bare_metal;
    bool trunking_compatible; /* can carry branch interfaces */
};
/** Of any type that the catalogue knows, sold in the region or not. Unknown name: KERF_E_INPUT, with what was probably meant. */
KERF_MUST_CHECK enum kerf_status kerf_catalog_get_limits(const struct kerf_catalog *catalog, const char *type_name,
                                                         struct kerf_instance_limits *out_limits, struct kerf_errors *errs);

#endif
