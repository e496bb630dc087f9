/** catalog_internal: what the files of the room share. */
#ifndef KERF_CATALOG_INTERNAL_H
#define KERF_CATALOG_INTERNAL_H

#include "catalog/catalog.h"
#include "document/document.h"

/** Labels of which every type has at most one value; which key is whose stands in instance_types.c. */
enum kerf_type_label {
    KERF_LABEL_INSTANCE_TYPE,
    KERF_LABEL_ARCH,
    KERF_LABEL_CATEGORY,
    KERF_LABEL_GENERATION,
    KERF_LABEL_FAMILY,
    KERF_LABEL_SIZE,
    KERF_LABEL_CAPABILITY_FLEX,
    KERF_LABEL_CPU,
    KERF_LABEL_MEMORY,
    KERF_LABEL_CPU_MANUFACTURER,
    KERF_LABEL_CPU_SUSTAINED_CLOCK,
    KERF_LABEL_EBS_BANDWIDTH,
    KERF_LABEL_NETWORK_BANDWIDTH,
    KERF_LABEL_LOCAL_NVME,
    KERF_LABEL_GPU_NAME,
    KERF_LABEL_GPU_MANUFACTURER,
    KERF_LABEL_GPU_COUNT,
    KERF_LABEL_GPU_MEMORY,
    KERF_LABEL_ACCELERATOR_NAME,
    KERF_LABEL_ACCELERATOR_MANUFACTURER,
    KERF_LABEL_ACCELERATOR_COUNT,
    KERF_LABEL_HYPERVISOR,
    KERF_LABEL_ENCRYPTION_IN_TRANSIT,
    KERF_LABEL_NITRO_SANDBOX,
    KERF_TYPE_LABEL_COUNT
};

/** Columns beyond kerf_instance_facts. -1: not stated. */
struct kerf_instance_row {
    int64_t cpu_sustained_clock_mhz;
    int64_t os_visible_memory_mib;
    int64_t gpu_memory_mib; /* of one GPU */
    int64_t accelerators;   /* inference accelerators that are not Neuron devices */
    int64_t neuron_devices;
    int64_t neuron_cores;
    int64_t local_nvme_gb;
    int64_t efa_interfaces;
    kerf_name cpu_manufacturer;
    kerf_name hypervisor;
    kerf_name gpu_name;
    kerf_name gpu_manufacturer;
    kerf_name accelerator_name;
    kerf_name accelerator_manufacturer;
    bool trunking_compatible;
    bool encryption_in_transit;
    bool nitro_enclaves;
    kerf_name labels[KERF_TYPE_LABEL_COUNT]; /* NULL: no value */
};

struct kerf_catalog {
    struct kerf_arena arena;
    struct kerf_vocabulary *vocabulary;
    kerf_name region;
    bool of_folder;       /* --catalog: all of its zones stand for a NodeClass without status */
    const char *snapshot; /* kerf_catalog_snapshot */
    struct kerf_zone zones[KERF_ZONE_MAX];
    size_t zone_count;
    struct kerf_instance_facts *facts; /* type_count types that are sold in the region by name, then the others by name */
    size_t type_count;
    size_t facts_count;
    struct kerf_name_map by_name;
};

/** The files of a catalogue as tables, each reduced to the rows of one region; NULL: not there. */
struct kerf_catalog_tables {
    struct kerf_csv *instance_types;
    struct kerf_csv *on_demand_prices;
    struct kerf_csv *spot_prices;
    struct kerf_csv *zones;
    struct kerf_csv *zone_gaps;
};

/** The catalogue of a region from its tables, of which zone_gaps may be NULL. `folder`: where they come from; NULL: built in. */
KERF_MUST_CHECK enum kerf_status kerf_catalog_of_tables(const struct kerf_catalog_tables *tables, const char *folder,
                                                        const char *region, struct kerf_catalog **out_catalog,
                                                        struct kerf_errors *errs);

/** A file of the built-in catalogue (`zones.csv`); asserts that it is one. */
struct kerf_builtin_file {
    const char *name;
    const char *bytes;
    size_t length;
};
struct kerf_builtin_file kerf_builtin_file(const char *name);

/** instance_types.csv -> facts (in the order of the file) without prices, zones and index. Errors: missing columns, values out of range, a name twice. */
KERF_MUST_CHECK enum kerf_status kerf_instance_facts_read(struct kerf_catalog *catalog, const struct kerf_csv *csv,
                                                          struct kerf_errors *errs);

/** Zones of the region from zones.csv, by name. */
KERF_MUST_CHECK enum kerf_status kerf_catalog_read_zones(struct kerf_catalog *catalog, const struct kerf_csv *csv,
                                                         struct kerf_errors *errs);
/** Prices, and where the types are sold. `out_sold` (facts_count): has a row in a price list that says what is sold. */
KERF_MUST_CHECK enum kerf_status kerf_catalog_read_prices(struct kerf_catalog *catalog, const struct kerf_catalog_tables *tables,
                                                          bool *out_sold, struct kerf_errors *errs);

/** What a NodeClass makes of a type's amounts (aws-instance-model.md 3 and 4); all but the extended resources of the node's own. */
struct kerf_node_settings {
    enum kerf_ami_family ami_family;
    const struct kerf_kubelet *kubelet;
    const struct kerf_block_device *block_devices;
    uint32_t block_device_count;
    bool instance_store_raid0;
    double vm_memory_overhead_percent;
    int32_t reserved_enis;
};
void kerf_instance_amounts(const struct kerf_instance_facts *facts, const struct kerf_node_settings *settings,
                           struct kerf_instance_type *out_type);

bool kerf_ami_family_is_windows(enum kerf_ami_family ami_family);
/** AL2023 has no image for a1, Windows none for arm64. */
bool kerf_ami_family_runs(enum kerf_ami_family ami_family, const struct kerf_instance_facts *facts);

#endif
