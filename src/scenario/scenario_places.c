/** Names that a scenario uses for things of the catalogue and of its own time: zones, instance types, offerings, moments. */
#include "scenario/scenario_internal.h"

kerf_name kerf_scenario_read_name(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *value)
{
    const char *text = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &text, reader->errs));
    if (!text)
        return NULL;
    if (!*text) {
        KERF_SCENARIO_REFUSE(reader, value, "empty; expected a text");
        return NULL;
    }
    return kerf_name_of(design->vocabulary->names, text);
}

bool kerf_scenario_is_pattern(const char *text) { return strpbrk(text, "*?") != NULL; }

/** On a mismatch the last `*` takes one character more: no earlier one needs to be tried again. */
bool kerf_scenario_pattern_matches(const char *pattern, const char *text)
{
    const char *star = NULL, *star_text = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            star_text = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++star_text;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* ---- zones ----------------------------------------------------------------------------------------------------------------------- */

static bool has_zone(const kerf_name *zones, uint32_t count, kerf_name zone)
{
    for (uint32_t i = 0; i < count; i++)
        if (zones[i] == zone)
            return true;
    return false;
}

static void refuse_zone(struct kerf_scenario_reader *reader, const struct kerf_design *design, const struct kerf_value *value,
                        bool of_region)
{
    struct kerf_text list = { 0 };
    size_t count;
    const struct kerf_zone *zones = kerf_catalog_zones(design->catalog, &count);
    count = of_region ? count : design->zone_count;
    for (size_t i = 0; i < count; i++)
        kerf_text_append_format(&list, "%s%s", i ? ", " : "", of_region ? zones[i].name->text : design->zones[i]->text);
    if (of_region)
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" is none of the zones of %s; expected one of %s", value->text,
                             kerf_catalog_region(design->catalog)->text, list.bytes);
    else
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" is none of the cluster's zones; expected one of %s", value->text, list.bytes);
    kerf_text_fini(&list);
}

const kerf_name *kerf_scenario_read_zones(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *map,
                                          const char *key, bool of_region, uint32_t *out_count)
{
    const struct kerf_value *list = NULL;
    *out_count = 0;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(map, key, &list, reader->errs));
    if (!list)
        return NULL;
    if (list->count == 0)
        KERF_SCENARIO_REFUSE(reader, list, "an empty list; expected names of zones");
    kerf_name *zones = KERF_NEW_ARRAY(reader->arena, kerf_name, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        kerf_name zone = kerf_scenario_read_name(reader, design, &list->items[i]);
        if (!zone)
            continue;
        bool known = of_region ? kerf_catalog_zone_index(design->catalog, zone) != KERF_NOT_FOUND
                               : has_zone(design->zones, design->zone_count, zone);
        if (!known)
            refuse_zone(reader, design, &list->items[i], of_region);
        else if (has_zone(zones, *out_count, zone))
            KERF_SCENARIO_REFUSE(reader, &list->items[i], "zone \"%s\" is given twice; expected once", zone->text);
        else
            zones[(*out_count)++] = zone;
    }
    return zones;
}

/* ---- instance types and offerings ------------------------------------------------------------------------------------------------- */

const struct kerf_instance_facts *kerf_scenario_find_type(struct kerf_scenario_reader *reader, const struct kerf_design *design,
                                                          const char *name, const struct kerf_value *at)
{
    kerf_name known = kerf_name_find(design->vocabulary->names, name);
    const struct kerf_instance_facts *facts = known ? kerf_catalog_find(design->catalog, known) : NULL;
    if (facts)
        return facts;
    if (known && kerf_catalog_find_anywhere(design->catalog, known)) {
        KERF_SCENARIO_REFUSE(reader, at, "%s is not sold in %s; expected an instance type of the region", name,
                             kerf_catalog_region(design->catalog)->text);
        return NULL;
    }
    size_t count = kerf_catalog_type_count(design->catalog);
    const char **names = KERF_NEW_ARRAY(reader->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        names[i] = kerf_catalog_facts(design->catalog, (uint32_t)i)->name->text;
    const char *nearest = kerf_nearest(name, names, count);
    KERF_SCENARIO_REFUSE(reader, at, "\"%s\" is no instance type%s%s%s", name, nearest ? "; did you mean " : "", nearest ? nearest : "",
                         nearest ? "?" : "");
    return NULL;
}

/** Requirements on labels, as `kerf catalog list --requirement` has them; else a pattern of names. */
static bool is_selector(const char *text) { return strpbrk(text, "=!<>(/ ") != NULL; }

/** Marks the types that one entry means. */
static void mark_types(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *entry,
                       struct kerf_instance_types *types, uint64_t *marked)
{
    const char *text = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(entry, &text, reader->errs));
    if (!text)
        return;
    struct kerf_requirements wanted = { 0 };
    bool by_labels = is_selector(text);
    if (by_labels) {
        enum kerf_status status = kerf_catalog_read_selector(design->vocabulary, text, reader->arena, &wanted,
                                                             kerf_value_place(entry, reader->arena), reader->errs);
        kerf_scenario_note(reader, status);
        if (status != KERF_OK)
            return;
        if (types->count == 0) {
            struct kerf_ec2nodeclass nodeclass = { .kubelet = { .max_pods = -1 } };
            *types = kerf_catalog_list_types(design->catalog, &nodeclass, design->instance_options, design->vocabulary, reader->arena);
        }
    } else if (!kerf_scenario_is_pattern(text)) {
        const struct kerf_instance_facts *facts = kerf_scenario_find_type(reader, design, text, entry);
        if (facts)
            kerf_bit_set(marked, facts->index);
        return;
    }
    bool any = false;
    for (uint32_t i = 0; i < kerf_catalog_type_count(design->catalog); i++) {
        bool meant = by_labels ? kerf_requirements_compatible(design->vocabulary, &types->items[i].requirements, &wanted,
                                                              KERF_UNDEFINED_NONE, NULL)
                               : kerf_scenario_pattern_matches(text, kerf_catalog_facts(design->catalog, i)->name->text);
        if (!meant)
            continue;
        kerf_bit_set(marked, i);
        any = true;
    }
    if (!any)
        KERF_SCENARIO_REFUSE(reader, entry, "\"%s\" meets no instance type of %s; expected a name, a pattern such as m5.*, or a selector "
                                            "such as karpenter.k8s.aws/instance-family=m5",
                             text, kerf_catalog_region(design->catalog)->text);
}

const uint64_t *kerf_scenario_read_offerings(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *map,
                                             enum kerf_capacity_type capacity_type)
{
    size_t type_count = kerf_catalog_type_count(design->catalog);
    uint64_t *marked = KERF_NEW_ARRAY(reader->arena, uint64_t, kerf_bitset_words(type_count) + 1);
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(map, "instanceTypes", &list, reader->errs));
    struct kerf_instance_types types = { 0 };
    for (uint32_t i = 0; i < kerf_value_count(list); i++)
        mark_types(reader, design, &list->items[i], &types, marked);
    uint32_t zone_count;
    const kerf_name *zones = kerf_scenario_read_zones(reader, design, map, "zones", false, &zone_count);
    if (!zones) {
        zones = design->zones;
        zone_count = design->zone_count;
    }
    uint64_t *offerings = KERF_NEW_ARRAY(reader->arena, uint64_t, kerf_bitset_words(kerf_catalog_offering_count(design->catalog)) + 1);
    for (uint32_t type = 0; type < type_count; type++) {
        if (list && !kerf_bit_get(marked, type))
            continue;
        for (uint32_t i = 0; i < zone_count; i++)
            for (int each = 0; each < KERF_CAPACITY_TYPE_COUNT; each++)
                if (capacity_type == KERF_CAPACITY_TYPE_COUNT || (int)capacity_type == each)
                    kerf_bit_set(offerings, kerf_catalog_offering_index(design->catalog, type,
                                                                        kerf_catalog_zone_index(design->catalog, zones[i]),
                                                                        (enum kerf_capacity_type)each));
    }
    return offerings;
}

/* ---- time ------------------------------------------------------------------------------------------------------------------------- */

void kerf_scenario_read_moment(struct kerf_scenario_reader *reader, const struct kerf_design *design, const struct kerf_value *value,
                               kerf_time_us *out_since_start_us)
{
    const char *text = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &text, reader->errs));
    if (!text)
        return;
    kerf_time_us epoch_us, since_us;
    if (kerf_parse_time(text, &epoch_us))
        since_us = epoch_us - design->start_epoch_us;
    else if (!kerf_parse_duration(text, &since_us)) {
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" is no moment; expected a duration since the start (such as 36h) or RFC 3339 (such as "
                                            "2026-01-09T12:00:00Z)",
                             text);
        return;
    }
    if (since_us < 0)
        KERF_SCENARIO_REFUSE(reader, value, "%s is before the start", text);
    else
        *out_since_start_us = since_us;
}

static bool read_offset(const char *text, int32_t *out_minutes)
{
    if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0) {
        *out_minutes = 0;
        return true;
    }
    bool shaped = strlen(text) == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
    for (int i = 1; shaped && i < 6; i++)
        shaped = i == 3 || (text[i] >= '0' && text[i] <= '9');
    if (!shaped)
        return false;
    int32_t hours = (text[1] - '0') * 10 + text[2] - '0', minutes = (text[4] - '0') * 10 + text[5] - '0';
    *out_minutes = (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return hours <= 14 && minutes < 60;
}

/** A date is its midnight in the scenario's time zone. */
static bool read_start(const char *text, int32_t offset_minutes, kerf_time_us *out_epoch_us)
{
    if (kerf_parse_time(text, out_epoch_us))
        return true;
    char midnight[32];
    if (strlen(text) != 10)
        return false;
    memcpy(midnight, text, 10);
    memcpy(midnight + 10, "T00:00:00Z", sizeof "T00:00:00Z");
    if (!kerf_parse_time(midnight, out_epoch_us))
        return false;
    *out_epoch_us -= offset_minutes * KERF_MINUTE_US;
    return true;
}

void kerf_scenario_read_clock(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *value = kerf_value_get(root, "timeZone");
    const char *zone = "UTC", *start = "2026-01-04"; /* a Sunday: with a day of warm-up the week begins on Monday */
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &zone, reader->errs));
    if (!read_offset(zone, &design->utc_offset_minutes)) {
        design->utc_offset_minutes = 0;
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" is no time zone that every machine knows alike; expected UTC or an offset such as +01:00 "
                                            "(names need a database of rules, which differs from machine to machine)",
                             zone);
    }
    value = kerf_value_get(root, "start");
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &start, reader->errs));
    if (!read_start(start, design->utc_offset_minutes, &design->start_epoch_us))
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" is no start; expected a date (2026-01-04) or RFC 3339 (2026-01-04T00:00:00Z)", start);
    static const struct {
        const char *flag;
        size_t offset;
        size_t text_offset;
    } flags[] = {
        { "--horizon", offsetof(struct kerf_design, horizon_us), offsetof(struct kerf_scenario_overrides, horizon) },
        { "--warm-up", offsetof(struct kerf_design, warm_up_us), offsetof(struct kerf_scenario_overrides, warm_up) },
    };
    for (size_t i = 0; i < KERF_SCENARIO_COUNT_OF(flags); i++) {
        const char *text = NULL;
        memcpy(&text, (const char *)reader->overrides + flags[i].text_offset, sizeof text);
        kerf_time_us duration_us;
        if (!text)
            continue;
        if (!kerf_parse_duration(text, &duration_us) || duration_us < 0 || duration_us > 3660 * KERF_DAY_US)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, (struct kerf_place){ .file = flags[i].flag },
                                                       "\"%s\" is no duration up to ten years (such as 168h)", text));
        else
            memcpy((char *)design + flags[i].offset, &duration_us, sizeof duration_us);
    }
    if (design->warm_up_us >= design->horizon_us) {
        char warm_up[KERF_TIME_TEXT_BYTES], horizon[KERF_TIME_TEXT_BYTES];
        const struct kerf_value *at = kerf_value_get(root, "warmUp");
        at = at ? at : kerf_value_get(root, "horizon");
        KERF_SCENARIO_REFUSE(reader, at ? at : root, "a warm-up of %s leaves nothing of the horizon of %s; expected a shorter one",
                             kerf_format_duration(warm_up, design->warm_up_us), kerf_format_duration(horizon, design->horizon_us));
    }
}
