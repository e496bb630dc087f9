/**
 * catalog: what EC2 sells. Facts of instance types, zones of a region, On-Demand and Spot prices (built into the program, or
 * from a folder of CSV files), and from them, for one EC2NodeClass, the instance types as Karpenter's AWS provider lists them:
 * labels as requirements, capacity, overhead, allocatable, offerings. No time: which offerings are out of capacity at the moment
 * is `cluster`'s memory, what the market really does is `cloud`'s.
 * Rules: aws-instance-model.md, karpenter-provisioning.md 3.4 and 10.10.
 */
#ifndef KERF_CATALOG_ROOM_H
#define KERF_CATALOG_ROOM_H

#include "model/model.h"
#include "kerf/catalog.h"

enum kerf_capacity_type { KERF_ON_DEMAND, KERF_SPOT, KERF_RESERVED, KERF_CAPACITY_TYPE_COUNT };
/** on-demand, spot, reserved: as the label has it. */
const char *kerf_capacity_type_text(enum kerf_capacity_type capacity_type);
/** Of karpenter.sh/capacity-type; KERF_CAPACITY_TYPE_COUNT: NULL, or another word. */
enum kerf_capacity_type kerf_capacity_type_of_label(const struct kerf_vocabulary *vocabulary, kerf_name word);
kerf_name kerf_capacity_type_word(const struct kerf_vocabulary *vocabulary, enum kerf_capacity_type capacity_type);

struct kerf_zone {
    kerf_name name;    /* us-east-1a */
    kerf_name zone_id; /* use1-az4 */
};

#define KERF_ZONE_MAX 8 /* of one region */

/** One row of instance_types.csv and its prices in the catalogue's region. Amounts are the raw facts; NULL, -1 and NaN: not stated. */
struct kerf_instance_facts {
    kerf_name name; /* m5.large */
    kerf_name family;
    kerf_name size;
    kerf_name arch;
    uint32_t index; /* in the catalogue: types are sorted by name (bytes) */
    int64_t vcpus;
    int64_t memory_mib;
    int64_t enis;                /* of the default network card */
    int64_t enis_all_cards;
    int64_t ipv4_per_eni;
    int64_t branch_enis;
    int64_t network_bandwidth_mbps;
    int64_t ebs_bandwidth_mbps;
    int64_t ebs_attachment_limit;
    bool ebs_attachment_shared;  /* the limit is shared with network interfaces */
    int64_t instance_store_gb;
    int64_t gpu_count;
    bool bare_metal;
    bool prefix_capable;         /* interfaces take /28 prefixes: hypervisor nitro, or bare metal (vpc-cni.md 4) */
    bool burstable;
    bool current_generation;
    bool old_storage;            /* i3 and other types whose boot takes about twice as long (timings.md 9) */
    bool supports[KERF_CAPACITY_TYPE_COUNT]; /* usage classes */
    uint32_t zone_mask;          /* zones of the region where it is sold: bit = index of kerf_catalog_zones */
    double on_demand_usd_per_hour;               /* what Karpenter decides with; NaN: none */
    double billed_usd_per_hour;                  /* list price of On-Demand: differs for some bare metal only; NaN: none */
    double spot_usd_per_hour[KERF_ZONE_MAX];     /* by zone; NaN: none */
    int32_t advisor_interruption_band;           /* Spot Advisor: 0 (<5 %) to 4 (>20 %); -1: none */
    int32_t max_pods;            /* eni_max_pods by the formula, without prefixes */
    const struct kerf_instance_row *row;         /* all columns, within the room */
};

/** One (capacity type, zone) of an instance type, or one capacity reservation. */
struct kerf_offering {
    enum kerf_capacity_type capacity_type;
    uint32_t zone_index;  /* of the catalogue's zones */
    uint32_t index;       /* of all offerings of the catalogue: the bit of unavailable-offering sets */
    uint32_t reservation; /* of objects->capacity_reservations; KERF_NOT_FOUND: not a reserved one */
    bool available;       /* sold there, with a price, a subnet of the NodeClass in the zone, type suits the AMI family */
    double price_usd_per_hour; /* Karpenter compares these as doubles; 0 where there is none */
    struct kerf_requirements requirements; /* capacity type, zone, zone id, reservation */
};

/** An instance type for one NodeClass, as Karpenter's provider lists it. */
struct kerf_instance_type {
    const struct kerf_instance_facts *facts;
    kerf_name name;
    uint32_t index; /* = facts->index */
    struct kerf_requirements requirements;
    struct kerf_resources capacity;
    struct kerf_resources kube_reserved;
    struct kerf_resources system_reserved;
    struct kerf_resources eviction_threshold;
    struct kerf_resources allocatable;
    const struct kerf_offering *offerings; /* zones by name, per zone on-demand then spot; then reservations by ID */
    uint32_t offering_count;
};

/** Listed by name. */
struct kerf_instance_types {
    const struct kerf_instance_type *items;
    size_t count;
};

/** The region of a catalogue and its zones, by name (all zones that prices or zones.csv know). */
kerf_name kerf_catalog_region(const struct kerf_catalog *catalog);
const struct kerf_zone *kerf_catalog_zones(const struct kerf_catalog *catalog, size_t *out_count);
uint32_t kerf_catalog_zone_index(const struct kerf_catalog *catalog, kerf_name zone); /* KERF_NOT_FOUND */
/** Number of offering indices: a bitset of that size can mark each. Index = (type * zones + zone) * KERF_CAPACITY_TYPE_COUNT + capacity type. */
size_t kerf_catalog_offering_count(const struct kerf_catalog *catalog);
size_t kerf_catalog_offering_index(const struct kerf_catalog *catalog, uint32_t type_index, uint32_t zone_index,
                                   enum kerf_capacity_type capacity_type);

size_t kerf_catalog_type_count(const struct kerf_catalog *catalog);
const struct kerf_instance_facts *kerf_catalog_facts(const struct kerf_catalog *catalog, uint32_t type_index);
const struct kerf_instance_facts *kerf_catalog_find(const struct kerf_catalog *catalog, kerf_name type_name); /* NULL: unknown */
/** Also a type that is not sold in the region, and so is none of the catalogue's types: zone_mask 0, no prices, index KERF_NOT_FOUND. */
const struct kerf_instance_facts *kerf_catalog_find_anywhere(const struct kerf_catalog *catalog, kerf_name type_name);

/** Where prices come from and of which date, for results: `built-in, us-east-1: On-Demand 2026-07-20, Spot estimate 2025-06-28`. */
const char *kerf_catalog_snapshot(const struct kerf_catalog *catalog);

/** Names which the catalogue interned; users of the catalogue make children of it or share it while they read input. */
struct kerf_vocabulary *kerf_catalog_vocabulary(struct kerf_catalog *catalog);

struct kerf_instance_options {
    double vm_memory_overhead_percent; /* 0.075 */
    int32_t reserved_enis;             /* 0 */
    /** Zones when the NodeClass has no status: of the scenario; none: the first three of the region (or all of --catalog's zones.csv). */
    const kerf_name *default_zones;
    size_t default_zone_count;
};
struct kerf_instance_options kerf_instance_options_default(void);

/**
 * The instance types of a NodeClass, all of the catalogue in order of name; those that can't be used have unavailable offerings only.
 * Lives in `arena`. O(types x zones).
 */
struct kerf_instance_types kerf_catalog_list_types(const struct kerf_catalog *catalog, const struct kerf_ec2nodeclass *nodeclass,
                                                   struct kerf_instance_options options, struct kerf_vocabulary *vocabulary,
                                                   struct kerf_arena *arena);

/**
 * Node resources of an instance of that type outside Karpenter (managed node group, max_pods 0: what the type allows): capacity and
 * allocatable as the node itself reports them, root volume in bytes.
 */
void kerf_catalog_node_resources(const struct kerf_instance_facts *facts, enum kerf_ami_family ami_family, int32_t max_pods,
                                 int64_t root_volume_bytes, struct kerf_resources *out_capacity,
                                 struct kerf_resources *out_allocatable);

/**
 * Volumes that the EBS CSI driver says a node of the type can attach (the count of its CSINode): what EC2 allows, less the root
 * and the mapped block devices, and where the limit is shared, less the network interfaces beyond the first. At least 1.
 * Source: aws-instance-model.md 4.5 (aws-ebs-csi-driver 429e202e).
 */
int64_t kerf_catalog_volume_limit(const struct kerf_instance_facts *facts, int64_t block_device_count, int64_t attached_enis);

/** Labels that the type gives to a node (single values of its requirements), without zone and capacity type. */
struct kerf_labels kerf_catalog_type_labels(const struct kerf_instance_type *type, struct kerf_vocabulary *vocabulary,
                                            struct kerf_arena *arena);

/** What a query found: kerf_catalog_ask. */
struct kerf_catalog_found {
    const struct kerf_instance_type *type;
    double usd_per_hour[KERF_CAPACITY_TYPE_COUNT]; /* of the cheapest available offering that the query allows; NaN: none */
};
struct kerf_catalog_answer {
    struct kerf_arena arena;
    struct kerf_catalog *catalog;
    enum kerf_ami_family ami_family;
    struct kerf_instance_types types;   /* all of the region, for that AMI family and all zones */
    struct kerf_requirements allowed;   /* what the query requires, all together */
    const struct kerf_catalog_found *found;
    size_t found_count;
    size_t unavailable_count;           /* types that meet the requirements, but can't be launched so */
};

/**
 * Reads one selector text (kerf_catalog_query.requirements) and adds its requirements to `into`. Keys that no instance type has
 * are refused with what was probably meant. `place` names the flag in errors.
 */
KERF_MUST_CHECK enum kerf_status kerf_catalog_read_selector(struct kerf_vocabulary *vocabulary, const char *text,
                                                            struct kerf_arena *arena, struct kerf_requirements *into,
                                                            struct kerf_place place, struct kerf_errors *errs);

const char *kerf_ami_family_text(enum kerf_ami_family ami_family); /* as an EC2NodeClass names it */

/**
 * `--unavailable capacityType:type:zone[,...]`, `*` for type or zone: sets the bits of those offerings. `place` names the flag in errors.
 */
KERF_MUST_CHECK enum kerf_status kerf_catalog_mark_unavailable(const struct kerf_catalog *catalog, const char *list,
                                                               uint64_t *bits, struct kerf_place place, struct kerf_errors *errs);

#endif
