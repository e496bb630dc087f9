/** Zones, subnets and the CNI. */
#include "scenario/scenario_internal.h"

uint32_t kerf_scenario_subnet_index(const struct kerf_design *design, const char *id)
{
    for (uint32_t i = 0; i < design->subnet_count; i++)
        if (strcmp(design->subnets[i].id, id) == 0)
            return i;
    return KERF_NOT_FOUND;
}

/* ---- subnets ---------------------------------------------------------------------------------------------------------------------- */

static void read_takers(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *item,
                        struct kerf_scenario_subnet *subnet)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(item, "takers", &list, reader->errs));
    struct kerf_subnet_taker *takers = KERF_NEW_ARRAY(reader->arena, struct kerf_subnet_taker, kerf_value_count(list));
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        const struct kerf_value *name = NULL, *addresses = NULL;
        struct kerf_subnet_taker *taker = &takers[i];
        *taker = (struct kerf_subnet_taker){ .until_us = KERF_TIME_NEVER };
        KERF_SCENARIO_NOTE(reader, kerf_value_require(&list->items[i], "name", &name, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_require(&list->items[i], "addresses", &addresses, reader->errs));
        if (!name || !addresses)
            continue;
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(name, &taker->name, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(addresses, 1, (int64_t)kerf_cidr_size(subnet->cidr), &taker->addresses, reader->errs));
        kerf_scenario_read_moment(reader, design, kerf_value_get(&list->items[i], "from"), &taker->from_us);
        kerf_scenario_read_moment(reader, design, kerf_value_get(&list->items[i], "until"), &taker->until_us);
        if (taker->until_us <= taker->from_us)
            KERF_SCENARIO_REFUSE(reader, kerf_value_get(&list->items[i], "until"), "the taker leaves before it comes");
    }
    subnet->takers = takers;
    subnet->taker_count = kerf_value_count(list);
}

static void read_reserved(struct kerf_scenario_reader *reader, const struct kerf_value *item, struct kerf_scenario_subnet *subnet)
{
    static const char *const kinds[] = { [KERF_RESERVATION_PREFIX] = "prefix", [KERF_RESERVATION_EXPLICIT] = "explicit" };
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(item, "reserved", &list, reader->errs));
    if (kerf_value_count(list) > KERF_SUBNET_RANGES_MAX) {
        KERF_SCENARIO_REFUSE(reader, list, "%u reservations; expected at most %d in one subnet", kerf_value_count(list), KERF_SUBNET_RANGES_MAX);
        return;
    }
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        const struct kerf_value *cidr = NULL;
        const char *text = NULL;
        uint32_t kind = KERF_RESERVATION_PREFIX;
        KERF_SCENARIO_NOTE(reader, kerf_value_require(&list->items[i], "cidr", &cidr, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(kerf_value_get(&list->items[i], "type"), kinds, KERF_SCENARIO_COUNT_OF(kinds), &kind, reader->errs));
        if (!cidr)
            continue;
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(cidr, &text, reader->errs));
        if (!text)
            continue;
        struct kerf_subnet_range range = { .kind = (enum kerf_vpc_reservation_kind)kind };
        const char *problem = kerf_cidr_parse(text, &range.cidr);
        if (!problem && !kerf_cidr_contains(subnet->cidr, range.cidr))
            problem = "the reservation does not lie in its subnet";
        if (!problem && range.kind == KERF_RESERVATION_PREFIX && range.cidr.prefix_length > 28)
            problem = "a prefix reservation is smaller than a /28 block";
        for (uint32_t j = 0; j < subnet->range_count && !problem; j++)
            if (kerf_cidr_overlaps(subnet->ranges[j].cidr, range.cidr))
                problem = "the reservation overlaps another one";
        if (problem)
            KERF_SCENARIO_REFUSE(reader, cidr, "\"%s\": %s", text, problem);
        else
            subnet->ranges[subnet->range_count++] = range;
    }
}

static bool read_subnet(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *item,
                        struct kerf_scenario_subnet *subnet)
{
    const struct kerf_value *id = NULL, *zone = NULL, *cidr = NULL;
    const struct {
        const char *key;
        const struct kerf_value **value;
    } wanted[] = { { "id", &id }, { "zone", &zone }, { "cidr", &cidr } };
    for (size_t i = 0; i < KERF_SCENARIO_COUNT_OF(wanted); i++)
        KERF_SCENARIO_NOTE(reader, kerf_value_require(item, wanted[i].key, wanted[i].value, reader->errs));
    if (!id || !zone || !cidr)
        return false;
    kerf_name id_name = kerf_scenario_read_name(reader, design, id);
    kerf_name zone_name = kerf_scenario_read_name(reader, design, zone);
    const char *cidr_text = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(cidr, &cidr_text, reader->errs));
    if (!id_name || !zone_name || !cidr_text)
        return false;
    subnet->id = id_name->text;
    subnet->zone_index = kerf_catalog_zone_index(design->catalog, zone_name);
    if (subnet->zone_index == KERF_NOT_FOUND) {
        KERF_SCENARIO_REFUSE(reader, zone, "\"%s\" is none of the zones of %s", zone_name->text, kerf_catalog_region(design->catalog)->text);
        return false;
    }
    const char *problem = kerf_cidr_parse(cidr_text, &subnet->cidr);
    if (!problem && (subnet->cidr.prefix_length < 16 || subnet->cidr.prefix_length > 28))
        problem = "a subnet of a VPC is /16 to /28";
    if (problem) {
        KERF_SCENARIO_REFUSE(reader, cidr, "\"%s\": %s; expected for example 10.0.0.0/22", cidr_text, problem);
        return false;
    }
    int64_t usable = (int64_t)kerf_cidr_size(subnet->cidr) - KERF_VPC_SUBNET_RESERVED;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(item, "taken"), 0, usable, &subnet->taken, reader->errs));
    static const char *const uses[] = { [KERF_SUBNET_BOTH] = "both", [KERF_SUBNET_NODES] = "nodes", [KERF_SUBNET_PODS] = "pods" };
    uint32_t use = KERF_SUBNET_BOTH;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(kerf_value_get(item, "use"), uses, KERF_SCENARIO_COUNT_OF(uses), &use, reader->errs));
    subnet->use = (enum kerf_subnet_use)use;
    read_takers(reader, design, item, subnet);
    read_reserved(reader, item, subnet);
    return true;
}

static void check_against_others(struct kerf_scenario_reader *reader, const struct kerf_value *item, const struct kerf_scenario_subnet *subnet,
                                 const struct kerf_scenario_subnet *others, uint32_t other_count)
{
    for (uint32_t i = 0; i < other_count; i++) {
        char text[19], other_text[19];
        kerf_cidr_print(subnet->cidr, text);
        kerf_cidr_print(others[i].cidr, other_text);
        if (strcmp(others[i].id, subnet->id) == 0)
            KERF_SCENARIO_REFUSE(reader, kerf_value_get(item, "id"), "there are two subnets \"%s\"; expected different ids", subnet->id);
        if (kerf_cidr_overlaps(others[i].cidr, subnet->cidr))
            KERF_SCENARIO_REFUSE(reader, kerf_value_get(item, "cidr"), "%s overlaps %s of subnet \"%s\"", text, other_text, others[i].id);
    }
}

/** With custom networking a subnet that an ENIConfig names is one of pods, unless the scenario says otherwise. */
static void take_eniconfigs(struct kerf_scenario_reader *reader, struct kerf_scenario_subnet *subnets, const struct kerf_value *list,
                            struct kerf_design *design)
{
    for (size_t i = 0; i < design->objects.eniconfigs.count && design->cni.custom_networking && design->subnet_count > 0; i++) {
        const struct kerf_eniconfig *eniconfig = &design->objects.eniconfigs.items[i];
        uint32_t found = kerf_scenario_subnet_index(design, eniconfig->subnet->text);
        if (found == KERF_NOT_FOUND)
            kerf_errors_warn(reader->errs, kerf_meta_details(&eniconfig->meta)->place,
                             "ENIConfig \"%s\" names subnet \"%s\", which design \"%s\" does not have: nodes that use it never become ready",
                             eniconfig->meta.name->text, eniconfig->subnet->text, design->name);
        for (uint32_t j = 0; found != KERF_NOT_FOUND && j < kerf_value_count(list); j++)
            if (!kerf_value_get(&list->items[j], "use") && strcmp(kerf_value_get_text_or(&list->items[j], "id", ""), eniconfig->subnet->text) == 0)
                subnets[found].use = KERF_SUBNET_PODS;
    }
}

static void read_subnets(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(root, "subnets", &list, reader->errs));
    struct kerf_scenario_subnet *subnets = KERF_NEW_ARRAY(reader->arena, struct kerf_scenario_subnet, kerf_value_count(list));
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        struct kerf_scenario_subnet *subnet = &subnets[design->subnet_count];
        if (!read_subnet(reader, design, &list->items[i], subnet))
            continue;
        check_against_others(reader, &list->items[i], subnet, subnets, design->subnet_count);
        design->subnet_count++;
    }
    design->subnets = subnets;
    take_eniconfigs(reader, subnets, list, design);
}

/* ---- zones ------------------------------------------------------------------------------------------------------------------------ */

enum { DEFAULT_ZONE_COUNT = 3 };

/** Can an instance be launched in that zone? */
static bool zone_has_subnet(const struct kerf_design *design, uint32_t zone_index)
{
    for (uint32_t i = 0; i < design->subnet_count; i++)
        if (design->subnets[i].zone_index == zone_index && design->subnets[i].use != KERF_SUBNET_PODS)
            return true;
    return false;
}

static void read_zones(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    size_t region_count;
    const struct kerf_zone *region = kerf_catalog_zones(design->catalog, &region_count);
    const struct kerf_value *value = kerf_value_get(root, "zones");
    if (value) {
        design->zones = kerf_scenario_read_zones(reader, design, root, "zones", true, &design->zone_count);
        for (uint32_t i = 0; design->subnet_count > 0 && i < design->zone_count; i++)
            if (!zone_has_subnet(design, kerf_catalog_zone_index(design->catalog, design->zones[i])))
                KERF_SCENARIO_REFUSE(reader, value, "zone \"%s\" has no subnet; expected one of its own, or no subnets at all",
                                     design->zones[i]->text);
        return;
    }
    kerf_name *zones = KERF_NEW_ARRAY(reader->arena, kerf_name, region_count);
    for (uint32_t i = 0; i < region_count; i++)
        if (design->subnet_count > 0 ? zone_has_subnet(design, i) : i < DEFAULT_ZONE_COUNT)
            zones[design->zone_count++] = region[i].name;
    design->zones = zones;
}

/* ---- the CNI ---------------------------------------------------------------------------------------------------------------------- */

static void read_variable(struct kerf_scenario_reader *reader, const struct kerf_value *value, struct kerf_design *design)
{
    if (strcmp(value->key, "ENI_CONFIG_LABEL_DEF") == 0) {
        kerf_name label = kerf_scenario_read_name(reader, design, value);
        design->eni_config_label = label ? label : design->eni_config_label;
        return;
    }
    const char *names[64];
    size_t count = 0;
    while (count < KERF_SCENARIO_COUNT_OF(names) && kerf_cni_env_name(count)) {
        names[count] = kerf_cni_env_name(count);
        count++;
    }
    const char *text = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &text, reader->errs));
    if (!text)
        return;
    design->warm_eni_given |= strcmp(value->key, "WARM_ENI_TARGET") == 0;
    switch (kerf_cni_settings_read(&design->cni, value->key, text)) {
    case KERF_CNI_ENV_READ:
        break;
    case KERF_CNI_ENV_DEFAULTED:
        KERF_SCENARIO_REFUSE(reader, value, "aws-node cannot use \"%s\" and would take its default silently; expected what it takes: %s", text,
                             kerf_cni_env_expected(value->key));
        break;
    case KERF_CNI_ENV_UNKNOWN: {
        const char *nearest = kerf_nearest(value->key, names, count);
        if (nearest)
            KERF_SCENARIO_REFUSE(reader, value, "unknown variable of aws-node; did you mean %s?", nearest);
        else
            kerf_value_warn(value, reader->errs, "moves no addresses as far as kerf knows; passed over");
        break;
    }
    }
}

static void read_cni(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *map = NULL;
    design->cni = kerf_cni_settings_default();
    design->warm_eni_given = false;
    design->eni_config_label = kerf_name_of(design->vocabulary->names, "k8s.amazonaws.com/eniConfig");
    KERF_SCENARIO_NOTE(reader, kerf_value_get_map(root, "cni", &map, reader->errs));
    for (uint32_t i = 0; i < kerf_value_count(map); i++)
        read_variable(reader, &map->items[i], design);
    const char *refusal = kerf_cni_settings_refusal(&design->cni);
    if (refusal && map)
        KERF_SCENARIO_REFUSE(reader, map, "%s", refusal);
    if (!design->cni.prefix_delegation && kerf_value_get(map, "WARM_PREFIX_TARGET"))
        kerf_value_warn(kerf_value_get(map, "WARM_PREFIX_TARGET"), reader->errs, "has no effect without ENABLE_PREFIX_DELEGATION");
}

/** Pods of each zone with nodes get addresses somewhere; with custom networking and no ENIConfig, in exactly one subnet of their own. */
static void check_uses(struct kerf_scenario_reader *reader, const struct kerf_value *root, const struct kerf_design *design)
{
    const struct kerf_value *list = kerf_value_get(root, "subnets");
    bool by_eniconfig = design->cni.custom_networking && design->objects.eniconfigs.count > 0;
    for (uint32_t i = 0; i < design->zone_count && design->subnet_count > 0 && !by_eniconfig; i++) {
        uint32_t zone_index = kerf_catalog_zone_index(design->catalog, design->zones[i]);
        uint32_t pods = 0, both = 0;
        for (uint32_t j = 0; j < design->subnet_count; j++) {
            pods += design->subnets[j].zone_index == zone_index && design->subnets[j].use == KERF_SUBNET_PODS;
            both += design->subnets[j].zone_index == zone_index && design->subnets[j].use == KERF_SUBNET_BOTH;
        }
        if (design->cni.custom_networking && pods != 1)
            KERF_SCENARIO_REFUSE(reader, list, "zone %s has %u subnets with use: pods; with custom networking expected one, that of its ENIConfig",
                                 design->zones[i]->text, pods);
        else if (pods + both == 0)
            KERF_SCENARIO_REFUSE(reader, list, "zone %s has no subnet for pods; expected one with use: both or use: pods", design->zones[i]->text);
    }
}

void kerf_scenario_read_network(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    read_cni(reader, root, design);
    read_subnets(reader, root, design);
    read_zones(reader, root, design);
    design->instance_options.default_zones = design->zones;
    design->instance_options.default_zone_count = design->zone_count;
    check_uses(reader, root, design);
}
