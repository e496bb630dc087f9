/** What EC2 does to the cluster by the scenario's order: prescribed Spot shocks, and launches that it refuses. */
#include "scenario/scenario_internal.h"

static void read_shocks(struct kerf_scenario_reader *reader, const struct kerf_value *spot, struct kerf_design *design)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(spot, "shocks", &list, reader->errs));
    uint32_t count = kerf_value_count(list);
    struct kerf_spot_shock *shocks = KERF_NEW_ARRAY(reader->arena, struct kerf_spot_shock, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i], *at = NULL;
        shocks[i] = (struct kerf_spot_shock){ .fraction = 1.0, .unavailable_us = KERF_HOUR_US };
        if (kerf_value_require(item, "at", &at, reader->errs) != KERF_OK) {
            kerf_scenario_note(reader, KERF_E_INPUT);
            continue;
        }
        kerf_scenario_read_moment(reader, design, at, &shocks[i].at_us);
        if (shocks[i].at_us > design->horizon_us)
            KERF_SCENARIO_REFUSE(reader, at, "%s is beyond the horizon: it would never come", at->text);
        KERF_SCENARIO_NOTE(reader, kerf_value_read_double(kerf_value_get(item, "fraction"), 0, 1, &shocks[i].fraction, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_duration(kerf_value_get(item, "unavailable"), 0, 366 * KERF_DAY_US,
                                                            &shocks[i].unavailable_us, reader->errs));
        shocks[i].offerings = kerf_scenario_read_offerings(reader, design, item, KERF_SPOT);
    }
    design->spot.shocks = shocks;
    design->spot.shock_count = count;
}

static void read_gaps(struct kerf_scenario_reader *reader, const struct kerf_value *cloud, struct kerf_design *design)
{
    static const char *const capacity_types[] = { [KERF_ON_DEMAND] = "on-demand", [KERF_SPOT] = "spot", [KERF_RESERVED] = "reserved" };
    static const char *const codes[] = { [KERF_LAUNCH_INSUFFICIENT_CAPACITY] = "InsufficientInstanceCapacity",
                                         [KERF_LAUNCH_UNAUTHORIZED] = "UnauthorizedOperation" };
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(cloud, "gaps", &list, reader->errs));
    uint32_t count = kerf_value_count(list);
    struct kerf_capacity_gap *gaps = KERF_NEW_ARRAY(reader->arena, struct kerf_capacity_gap, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i];
        if (!kerf_value_is_map(item)) {
            KERF_SCENARIO_NOTE(reader, kerf_value_expect(item, KERF_VALUE_MAP, reader->errs));
            continue;
        }
        gaps[i] = (struct kerf_capacity_gap){ .until_us = KERF_TIME_NEVER };
        kerf_scenario_read_moment(reader, design, kerf_value_get(item, "from"), &gaps[i].from_us);
        kerf_scenario_read_moment(reader, design, kerf_value_get(item, "until"), &gaps[i].until_us);
        if (gaps[i].until_us <= gaps[i].from_us)
            KERF_SCENARIO_REFUSE(reader, kerf_value_get(item, "until"), "the gap ends before it begins");
        uint32_t capacity_type = KERF_CAPACITY_TYPE_COUNT;
        KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(kerf_value_get(item, "capacityType"), capacity_types, KERF_CAPACITY_TYPE_COUNT,
                                                        &capacity_type, reader->errs));
        uint32_t code = KERF_LAUNCH_INSUFFICIENT_CAPACITY;
        KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(kerf_value_get(item, "error"), codes, KERF_SCENARIO_COUNT_OF(codes), &code, reader->errs));
        gaps[i].error = (enum kerf_launch_error)code;
        KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(item, "instances"), 0, INT32_MAX, &gaps[i].instances, reader->errs));
        gaps[i].offerings = kerf_scenario_read_offerings(reader, design, item, (enum kerf_capacity_type)capacity_type);
    }
    design->cloud.gaps = gaps;
    design->cloud.gap_count = count;
}

void kerf_scenario_read_market(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    read_shocks(reader, kerf_value_get(root, "spot"), design);
    read_gaps(reader, kerf_value_get(root, "cloud"), design);
}
