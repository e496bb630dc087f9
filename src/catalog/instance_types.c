/**
 * instance_types: for one EC2NodeClass, every type with its requirements, amounts and offerings, as Karpenter's provider lists
 * them (aws-instance-model.md 5 and 6; karpenter-provisioning.md 3.4 and 10.10).
 *
 * All types have requirements on the same keys, so their order is found once; values lie in the catalogue, and what depends on
 * zones alone is shared by all types that are sold in the same zones.
 */
#include <math.h>

#include "catalog/catalog_internal.h"

#define DEFAULT_ZONE_COUNT 3 /* of the built-in catalogue, when nobody says where the subnets are */

enum requirement_source { FROM_LABEL, FROM_RESERVATIONS, FROM_NODECLASS, ZONE, ZONE_ID, CAPACITY_TYPE };

/* One row a requirement: the member of the vocabulary with its key, and where its values come from. */
static const struct requirement_rule {
    size_t key_offset;
    enum requirement_source source;
    enum kerf_type_label label;
} requirement_rules[] = {
#define KEY(member) offsetof(struct kerf_vocabulary, key_##member)
    {KEY(instance_type), FROM_LABEL, KERF_LABEL_INSTANCE_TYPE},
    {KEY(category), FROM_LABEL, KERF_LABEL_CATEGORY},
    {KEY(generation), FROM_LABEL, KERF_LABEL_GENERATION},
    {KEY(family), FROM_LABEL, KERF_LABEL_FAMILY},
    {KEY(size), FROM_LABEL, KERF_LABEL_SIZE},
    {KEY(capability_flex), FROM_LABEL, KERF_LABEL_CAPABILITY_FLEX},
    {KEY(cpu), FROM_LABEL, KERF_LABEL_CPU},
    {KEY(memory), FROM_LABEL, KERF_LABEL_MEMORY},
    {KEY(cpu_manufacturer), FROM_LABEL, KERF_LABEL_CPU_MANUFACTURER},
    {KEY(cpu_sustained_clock), FROM_LABEL, KERF_LABEL_CPU_SUSTAINED_CLOCK},
    {KEY(ebs_bandwidth), FROM_LABEL, KERF_LABEL_EBS_BANDWIDTH},
    {KEY(network_bandwidth), FROM_LABEL, KERF_LABEL_NETWORK_BANDWIDTH},
    {KEY(local_nvme), FROM_LABEL, KERF_LABEL_LOCAL_NVME},
    {KEY(gpu_name), FROM_LABEL, KERF_LABEL_GPU_NAME},
    {KEY(gpu_manufacturer), FROM_LABEL, KERF_LABEL_GPU_MANUFACTURER},
    {KEY(gpu_count), FROM_LABEL, KERF_LABEL_GPU_COUNT},
    {KEY(gpu_memory), FROM_LABEL, KERF_LABEL_GPU_MEMORY},
    {KEY(accelerator_name), FROM_LABEL, KERF_LABEL_ACCELERATOR_NAME},
    {KEY(accelerator_manufacturer), FROM_LABEL, KERF_LABEL_ACCELERATOR_MANUFACTURER},
    {KEY(accelerator_count), FROM_LABEL, KERF_LABEL_ACCELERATOR_COUNT},
    {KEY(hypervisor), FROM_LABEL, KERF_LABEL_HYPERVISOR},
    {KEY(encryption_in_transit), FROM_LABEL, KERF_LABEL_ENCRYPTION_IN_TRANSIT},
    {KEY(nitro_sandbox), FROM_LABEL, KERF_LABEL_NITRO_SANDBOX},
    {KEY(arch), FROM_LABEL, KERF_LABEL_ARCH},
    {KEY(capacity_reservation_id), FROM_RESERVATIONS, 0},
    {KEY(capacity_reservation_type), FROM_RESERVATIONS, 0},
    {KEY(capacity_reservation_interruptible), FROM_RESERVATIONS, 0},
    {KEY(os), FROM_NODECLASS, 0},
    {KEY(windows_build), FROM_NODECLASS, 0},
    {KEY(region), FROM_NODECLASS, 0},
    {KEY(tenancy), FROM_NODECLASS, 0},
    {KEY(zone), ZONE, 0},
    {KEY(zone_id), ZONE_ID, 0},
    {KEY(capacity_type), CAPACITY_TYPE, 0},
#undef KEY
};
enum { REQUIREMENT_COUNT = sizeof requirement_rules / sizeof requirement_rules[0] };

struct value_list {
    const kerf_name *items;
    uint32_t count;
};

struct listing {
    const struct kerf_catalog *catalog;
    struct kerf_vocabulary *vocabulary;
    struct kerf_arena *arena;
    struct kerf_node_settings settings;
    uint32_t subnet_mask;                   /* zones with a subnet of the NodeClass */
    kerf_name zone_ids[KERF_ZONE_MAX];      /* of those; NULL: not known */
    const struct requirement_rule *rules[REQUIREMENT_COUNT]; /* in order of their keys */
    kerf_name keys[REQUIREMENT_COUNT];
    struct value_list of_nodeclass[REQUIREMENT_COUNT];       /* FROM_NODECLASS, for types that the family runs */
    struct value_list zones[1u << KERF_ZONE_MAX];            /* by zone mask; items NULL: not yet made */
    struct value_list ids[1u << KERF_ZONE_MAX];
    struct value_list capacity_types[1u << KERF_CAPACITY_TYPE_COUNT]; /* by bits of what the type is offered as */
    struct kerf_requirements offering_requirements[KERF_ZONE_MAX][KERF_CAPACITY_TYPE_COUNT];
    const struct kerf_capacity_reservation *reservations; /* of the NodeClass, by ID */
    uint32_t reservation_count;
};

struct kerf_instance_options kerf_instance_options_default(void)
{
    return (struct kerf_instance_options){.vm_memory_overhead_percent = 0.075};
}

/* ---- what the NodeClass says --------------------------------------------------------------------------------------------- */

static void add_subnet_zone(struct listing *listing, kerf_name zone, kerf_name zone_id)
{
    uint32_t index = kerf_catalog_zone_index(listing->catalog, zone);
    if (index == KERF_NOT_FOUND)
        return; /* no offering is there: the catalogue knows all zones of the region */
    listing->subnet_mask |= 1u << index;
    if (zone_id != NULL)
        listing->zone_ids[index] = zone_id;
}

static void find_subnet_zones(struct listing *listing, const struct kerf_ec2nodeclass *nodeclass,
                              const struct kerf_instance_options *options)
{
    const struct kerf_catalog *catalog = listing->catalog;
    if (nodeclass->subnet_count > 0) {
        for (uint32_t i = 0; i < nodeclass->subnet_count; i++)
            add_subnet_zone(listing, nodeclass->subnets[i].zone, nodeclass->subnets[i].zone_id);
        return;
    }
    if (options->default_zone_count > 0) {
        for (size_t i = 0; i < options->default_zone_count; i++) {
            uint32_t index = kerf_catalog_zone_index(catalog, options->default_zones[i]);
            if (index != KERF_NOT_FOUND)
                add_subnet_zone(listing, options->default_zones[i], catalog->zones[index].zone_id);
        }
        return;
    }
    size_t count = catalog->of_folder || catalog->zone_count < DEFAULT_ZONE_COUNT ? catalog->zone_count : DEFAULT_ZONE_COUNT;
    for (size_t i = 0; i < count; i++)
        add_subnet_zone(listing, catalog->zones[i].name, catalog->zones[i].zone_id);
}

static struct value_list one_value(struct listing *listing, kerf_name value)
{
    return (struct value_list){kerf_arena_copy(listing->arena, &value, sizeof value), 1};
}

static const char *windows_build(enum kerf_ami_family ami_family)
{
    switch (ami_family) {
    case KERF_AMI_WINDOWS2019:
        return "10.0.17763";
    case KERF_AMI_WINDOWS2022:
        return "10.0.20348";
    case KERF_AMI_WINDOWS2025:
        return "10.0.26100";
    case KERF_AMI_AL2023:
    case KERF_AMI_AL2:
    case KERF_AMI_BOTTLEROCKET:
    case KERF_AMI_CUSTOM:
        break;
    }
    return NULL;
}

static struct value_list nodeclass_values(struct listing *listing, kerf_name key)
{
    struct kerf_vocabulary *vocabulary = listing->vocabulary;
    enum kerf_ami_family ami_family = listing->settings.ami_family;
    if (key == vocabulary->key_os)
        return one_value(listing, kerf_ami_family_is_windows(ami_family) ? vocabulary->word_windows : vocabulary->word_linux);
    if (key == vocabulary->key_region)
        return one_value(listing, listing->catalog->region);
    if (key == vocabulary->key_tenancy) {
        const kerf_name tenancies[] = {kerf_name_of(vocabulary->names, "dedicated"), vocabulary->word_default};
        kerf_name sorted[] = {tenancies[0], tenancies[1]};
        if (kerf_name_compare(sorted[0], sorted[1]) > 0) {
            sorted[0] = tenancies[1];
            sorted[1] = tenancies[0];
        }
        return (struct value_list){kerf_arena_copy(listing->arena, sorted, sizeof sorted), 2};
    }
    KERF_ASSERT(key == vocabulary->key_windows_build);
    const char *build = windows_build(ami_family);
    return build != NULL ? one_value(listing, kerf_name_of(vocabulary->names, build)) : (struct value_list){NULL, 0};
}

static int compare_rules(const void *a, const void *b, void *context)
{
    const struct requirement_rule *const *left = a;
    const struct requirement_rule *const *right = b;
    const char *vocabulary = context;
    return kerf_name_compare(*(const kerf_name *)(const void *)(vocabulary + (*left)->key_offset),
                             *(const kerf_name *)(const void *)(vocabulary + (*right)->key_offset));
}

static void prepare_rules(struct listing *listing)
{
    for (size_t i = 0; i < REQUIREMENT_COUNT; i++)
        listing->rules[i] = &requirement_rules[i];
    kerf_sort(listing->rules, REQUIREMENT_COUNT, sizeof listing->rules[0], compare_rules, listing->vocabulary);
    for (size_t i = 0; i < REQUIREMENT_COUNT; i++) {
        const char *vocabulary = (const char *)listing->vocabulary;
        listing->keys[i] = *(const kerf_name *)(const void *)(vocabulary + listing->rules[i]->key_offset);
        if (listing->rules[i]->source == FROM_NODECLASS)
            listing->of_nodeclass[i] = nodeclass_values(listing, listing->keys[i]);
    }
}

/* ---- requirements -------------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_name_compare(*(const kerf_name *)a, *(const kerf_name *)b);
}

static struct value_list zone_values(struct listing *listing, uint32_t mask)
{
    struct value_list *list = &listing->zones[mask];
    if (list->items != NULL)
        return *list;
    kerf_name *names = KERF_NEW_ARRAY(listing->arena, kerf_name, KERF_ZONE_MAX);
    for (uint32_t i = 0; i < listing->catalog->zone_count; i++)
        if (mask >> i & 1)
            names[list->count++] = listing->catalog->zones[i].name; /* zones are in order of name */
    list->items = names;
    return *list;
}

static struct value_list zone_id_values(struct listing *listing, uint32_t mask)
{
    struct value_list *list = &listing->ids[mask];
    if (list->items != NULL)
        return *list;
    kerf_name *names = KERF_NEW_ARRAY(listing->arena, kerf_name, KERF_ZONE_MAX);
    for (uint32_t i = 0; i < listing->catalog->zone_count; i++)
        if ((mask >> i & 1) && listing->zone_ids[i] != NULL)
            names[list->count++] = listing->zone_ids[i];
    kerf_sort(names, list->count, sizeof names[0], compare_names, NULL);
    list->items = names;
    return *list;
}

static bool has_reservation(const struct listing *listing, const struct kerf_instance_facts *facts)
{
    for (uint32_t i = 0; i < listing->reservation_count; i++)
        if (listing->reservations[i].instance_type == facts->name)
            return true;
    return false;
}

static struct value_list capacity_type_values(struct listing *listing, const struct kerf_instance_facts *facts)
{
    /* in order of the words */
    static const enum kerf_capacity_type order[] = {KERF_ON_DEMAND, KERF_RESERVED, KERF_SPOT};
    unsigned bits = has_reservation(listing, facts) ? 1u << KERF_RESERVED : 0;
    for (unsigned i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++)
        bits |= facts->supports[i] ? 1u << i : 0;
    struct value_list *list = &listing->capacity_types[bits];
    if (list->items != NULL)
        return *list;
    kerf_name *names = KERF_NEW_ARRAY(listing->arena, kerf_name, KERF_CAPACITY_TYPE_COUNT);
    for (size_t i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++)
        if (bits >> order[i] & 1)
            names[list->count++] = kerf_capacity_type_word(listing->vocabulary, order[i]);
    list->items = names;
    return *list;
}

static kerf_name reservation_value(const struct listing *listing, const struct kerf_capacity_reservation *reservation, kerf_name key)
{
    struct kerf_vocabulary *vocabulary = listing->vocabulary;
    if (key == vocabulary->key_capacity_reservation_id)
        return reservation->id;
    if (key == vocabulary->key_capacity_reservation_type)
        return reservation->capacity_block ? kerf_name_of(vocabulary->names, "capacity-block") : vocabulary->word_default;
    return reservation->interruptible ? vocabulary->word_true : kerf_name_of(vocabulary->names, "false");
}

/* What the type's reservations say of the key, each value once, in order. */
static struct value_list reservation_values(struct listing *listing, const struct kerf_instance_facts *facts, kerf_name key)
{
    struct value_list list = {NULL, 0};
    if (!has_reservation(listing, facts))
        return list;
    kerf_name *names = KERF_NEW_ARRAY(listing->arena, kerf_name, listing->reservation_count);
    for (uint32_t i = 0; i < listing->reservation_count; i++)
        if (listing->reservations[i].instance_type == facts->name)
            names[list.count++] = reservation_value(listing, &listing->reservations[i], key);
    kerf_sort(names, list.count, sizeof names[0], compare_names, NULL);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list.count; i++)
        if (kept == 0 || names[kept - 1] != names[i])
            names[kept++] = names[i];
    return (struct value_list){names, kept};
}

static struct value_list values_of(struct listing *listing, size_t rule_index, const struct kerf_instance_facts *facts,
                                   uint32_t zone_mask)
{
    const struct requirement_rule *rule = listing->rules[rule_index];
    switch (rule->source) {
    case FROM_LABEL:
        return (struct value_list){&facts->row->labels[rule->label], facts->row->labels[rule->label] != NULL};
    case FROM_RESERVATIONS:
        return reservation_values(listing, facts, listing->keys[rule_index]);
    case FROM_NODECLASS:
        /* Windows has no image for arm64, and then no value of the operating system. */
        if (listing->keys[rule_index] == listing->vocabulary->key_os &&
            kerf_ami_family_is_windows(listing->settings.ami_family) &&
            !kerf_ami_family_runs(listing->settings.ami_family, facts))
            break;
        return listing->of_nodeclass[rule_index];
    case ZONE:
        return zone_values(listing, zone_mask);
    case ZONE_ID:
        return zone_id_values(listing, zone_mask);
    case CAPACITY_TYPE:
        return capacity_type_values(listing, facts);
    }
    return (struct value_list){NULL, 0};
}

static struct kerf_requirements make_requirements(struct listing *listing, const struct kerf_instance_facts *facts,
                                                  uint32_t zone_mask)
{
    struct kerf_requirements requirements = {KERF_NEW_ARRAY(listing->arena, struct kerf_requirement, REQUIREMENT_COUNT), 0,
                                             REQUIREMENT_COUNT};
    for (size_t i = 0; i < REQUIREMENT_COUNT; i++) {
        struct value_list values = values_of(listing, i, facts, zone_mask);
        if (listing->rules[i]->source == ZONE_ID && values.count == 0)
            continue; /* without known zone ids there is no such requirement */
        requirements.items[requirements.count++] = (struct kerf_requirement){.key = listing->keys[i],
                                                                             .min_values = -1,
                                                                             .values = values.count > 0 ? values.items : NULL,
                                                                             .value_count = values.count};
    }
    return requirements;
}

/* ---- offerings ----------------------------------------------------------------------------------------------------------- */

static void require(struct listing *listing, struct kerf_requirements *requirements, kerf_name key, kerf_name value)
{
    struct kerf_requirement one = kerf_requirement_in(listing->arena, key, &value, value != NULL);
    kerf_requirements_set(listing->arena, requirements, &one);
}

/* Reserved offerings say of which reservation they are, all others that they are of none. */
static void prepare_offerings(struct listing *listing)
{
    struct kerf_vocabulary *vocabulary = listing->vocabulary;
    for (size_t zone = 0; zone < listing->catalog->zone_count; zone++) {
        for (int i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++) {
            struct kerf_requirements *requirements = &listing->offering_requirements[zone][i];
            require(listing, requirements, vocabulary->key_capacity_type,
                    kerf_capacity_type_word(vocabulary, (enum kerf_capacity_type)i));
            require(listing, requirements, vocabulary->key_zone, listing->catalog->zones[zone].name);
            require(listing, requirements, vocabulary->key_capacity_reservation_id, NULL);
            require(listing, requirements, vocabulary->key_capacity_reservation_type, NULL);
            require(listing, requirements, vocabulary->key_capacity_reservation_interruptible, NULL);
            if ((listing->subnet_mask >> zone & 1) && listing->zone_ids[zone] != NULL)
                require(listing, requirements, vocabulary->key_zone_id, listing->zone_ids[zone]);
        }
    }
}

static struct kerf_requirements reserved_requirements(struct listing *listing, uint32_t zone,
                                                      const struct kerf_capacity_reservation *reservation)
{
    const struct kerf_vocabulary *vocabulary = listing->vocabulary;
    const kerf_name keys[] = {vocabulary->key_capacity_reservation_id, vocabulary->key_capacity_reservation_type,
                              vocabulary->key_capacity_reservation_interruptible};
    struct kerf_requirements requirements =
        kerf_requirements_copy(listing->arena, &listing->offering_requirements[zone][KERF_RESERVED]);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        require(listing, &requirements, keys[k], reservation_value(listing, reservation, keys[k]));
    return requirements;
}

/* One for each reservation of the type (aws-instance-model.md 6.2). */
static void make_reserved_offerings(struct listing *listing, struct kerf_instance_type *type, struct kerf_offering *offerings,
                                    bool runs, uint32_t zone_mask)
{
    const double share_of_on_demand = 1e-7; /* practically free, but in the order of On-Demand prices */
    const struct kerf_instance_facts *facts = type->facts;
    for (uint32_t i = 0; i < listing->reservation_count; i++) {
        const struct kerf_capacity_reservation *reservation = &listing->reservations[i];
        uint32_t zone = kerf_catalog_zone_index(listing->catalog, reservation->zone);
        if (reservation->instance_type != facts->name || zone == KERF_NOT_FOUND)
            continue;
        double price = facts->on_demand_usd_per_hour;
        offerings[type->offering_count++] = (struct kerf_offering){
            .capacity_type = KERF_RESERVED,
            .zone_index = zone,
            .index = (uint32_t)kerf_catalog_offering_index(listing->catalog, facts->index, zone, KERF_RESERVED),
            .reservation = reservation->index,
            .available = runs && (zone_mask >> zone & 1),
            .price_usd_per_hour = isnan(price) ? 0 : price * share_of_on_demand,
            .requirements = reserved_requirements(listing, zone, reservation),
        };
    }
}

static void make_offerings(struct listing *listing, struct kerf_instance_type *type, uint32_t zone_mask)
{
    const struct kerf_catalog *catalog = listing->catalog;
    const struct kerf_instance_facts *facts = type->facts;
    struct kerf_offering *offerings = KERF_NEW_ARRAY(
        listing->arena, struct kerf_offering, catalog->zone_count * KERF_CAPACITY_TYPE_COUNT + listing->reservation_count);
    bool runs = kerf_ami_family_runs(listing->settings.ami_family, facts);
    for (uint32_t zone = 0; zone < catalog->zone_count; zone++) {
        for (int i = 0; i < KERF_CAPACITY_TYPE_COUNT; i++) {
            enum kerf_capacity_type capacity_type = (enum kerf_capacity_type)i;
            if (!facts->supports[capacity_type])
                continue;
            double price = capacity_type == KERF_SPOT ? facts->spot_usd_per_hour[zone] : facts->on_demand_usd_per_hour;
            struct kerf_offering *offering = &offerings[type->offering_count++];
            offering->capacity_type = capacity_type;
            offering->zone_index = zone;
            offering->index = (uint32_t)kerf_catalog_offering_index(catalog, facts->index, zone, capacity_type);
            offering->reservation = KERF_NOT_FOUND;
            offering->available = runs && !isnan(price) && (zone_mask >> zone & 1);
            offering->price_usd_per_hour = isnan(price) ? 0 : price;
            offering->requirements = listing->offering_requirements[zone][capacity_type];
        }
    }
    make_reserved_offerings(listing, type, offerings, runs, zone_mask);
    type->offerings = offerings;
}

/* ---- the list ------------------------------------------------------------------------------------------------------------ */

struct kerf_instance_types kerf_catalog_list_types(const struct kerf_catalog *catalog, const struct kerf_ec2nodeclass *nodeclass,
                                                   struct kerf_instance_options options, struct kerf_vocabulary *vocabulary,
                                                   struct kerf_arena *arena)
{
    struct listing *listing = KERF_NEW(arena, struct listing);
    *listing = (struct listing){
        .catalog = catalog,
        .vocabulary = vocabulary,
        .arena = arena,
        .settings = {.ami_family = nodeclass->ami_family,
                     .kubelet = &nodeclass->kubelet,
                     .block_devices = nodeclass->block_devices,
                     .block_device_count = nodeclass->block_device_count,
                     .instance_store_raid0 = nodeclass->instance_store_raid0,
                     .vm_memory_overhead_percent = options.vm_memory_overhead_percent,
                     .reserved_enis = options.reserved_enis},
        .reservations = nodeclass->reservations,
        .reservation_count = nodeclass->reservation_count,
    };
    find_subnet_zones(listing, nodeclass, &options);
    prepare_rules(listing);
    prepare_offerings(listing);
    struct kerf_instance_type *types = KERF_NEW_ARRAY(arena, struct kerf_instance_type, catalog->type_count);
    for (uint32_t i = 0; i < catalog->type_count; i++) {
        const struct kerf_instance_facts *facts = &catalog->facts[i];
        uint32_t zone_mask = facts->zone_mask & listing->subnet_mask;
        types[i].facts = facts;
        types[i].name = facts->name;
        types[i].index = i;
        types[i].requirements = make_requirements(listing, facts, zone_mask);
        kerf_instance_amounts(facts, &listing->settings, &types[i]);
        make_offerings(listing, &types[i], zone_mask);
    }
    return (struct kerf_instance_types){types, catalog->type_count};
}

struct kerf_labels kerf_catalog_type_labels(const struct kerf_instance_type *type, struct kerf_vocabulary *vocabulary,
                                            struct kerf_arena *arena)
{
    struct kerf_label *labels = KERF_NEW_ARRAY(arena, struct kerf_label, type->requirements.count);
    size_t count = 0;
    for (size_t i = 0; i < type->requirements.count; i++) {
        const struct kerf_requirement *requirement = &type->requirements.items[i];
        kerf_name value = requirement->value_count == 1 && !requirement->complement ? requirement->values[0] : NULL;
        if (requirement->key == vocabulary->key_tenancy)
            value = vocabulary->word_default; /* a launch picks it where both are allowed, and always labels the node */
        bool of_offering = requirement->key == vocabulary->key_zone || requirement->key == vocabulary->key_zone_id ||
                           requirement->key == vocabulary->key_capacity_type ||
                           requirement->key == vocabulary->key_capacity_reservation_id ||
                           requirement->key == vocabulary->key_capacity_reservation_type ||
                           requirement->key == vocabulary->key_capacity_reservation_interruptible;
        if (value != NULL && !of_offering)
            labels[count++] = (struct kerf_label){requirement->key, value};
    }
    return (struct kerf_labels){labels, count};
}
