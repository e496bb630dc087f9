/** Shared by the files of `scenario`: the state of a reading, and the table of keys. */
#ifndef KERF_SCENARIO_INTERNAL_H
#define KERF_SCENARIO_INTERNAL_H

#include "document/document.h"
#include "scenario/scenario.h"

#define KERF_SCENARIO_COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/** One reading of a file. Errors go to `errs` and reading goes on; `status` remembers that there was one. */
struct kerf_scenario_reader {
    struct kerf_scenario *scenario;
    const struct kerf_scenario_overrides *overrides;
    struct kerf_arena *arena; /* of the scenario */
    struct kerf_errors *errs;
    enum kerf_status status;
};
/** Notes a status; the message is already in the list. */
void kerf_scenario_note(struct kerf_scenario_reader *reader, enum kerf_status status);
#define KERF_SCENARIO_NOTE(reader, expression) kerf_scenario_note((reader), (expression))
/** An error at the value. */
#define KERF_SCENARIO_REFUSE(reader, value, ...)                                                                                  \
    kerf_scenario_note((reader), kerf_value_error((value), (reader)->errs, __VA_ARGS__))

/* ---- scenario_settings.c: every key, and those that are one value in one member ------------------------------------------------ */

/** Refuses keys that the table doesn't know, below `map` at any depth. prefix: "" for the root, "load[]" for an item of it. */
void kerf_scenario_check_keys(struct kerf_scenario_reader *reader, const struct kerf_value *map, const char *prefix);
/**
 * Reads the simple keys directly below `prefix` (or in maps below it, not in lists) into members of `into`: a kerf_design for "",
 * a kerf_load for "load[]". Absent keys get their defaults, but for those that the caller has set before.
 */
void kerf_scenario_read_settings(struct kerf_scenario_reader *reader, const struct kerf_value *map, const char *prefix, void *into);
/** A lone value as the table's kinds read it, for keys that stand elsewhere: a quantity in bytes. */
enum kerf_status kerf_scenario_read_bytes(const struct kerf_value *value, int64_t *out_bytes, struct kerf_errors *errs);

/* ---- scenario_places.c: zones, instance types, moments ------------------------------------------------------------------------- */

kerf_name kerf_scenario_read_name(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *value);
/** Patterns of names: `*` any characters, `?` one. */
bool kerf_scenario_is_pattern(const char *text);
bool kerf_scenario_pattern_matches(const char *pattern, const char *text);
/** A list of zones of the design; none when absent. */
const kerf_name *kerf_scenario_read_zones(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *map,
                                          const char *key, bool of_region, uint32_t *out_count);
/** An instance type of the region; NULL and an error when there is none of that name. */
const struct kerf_instance_facts *kerf_scenario_find_type(struct kerf_scenario_reader *reader, const struct kerf_design *design,
                                                          const char *name, const struct kerf_value *at);
/** A moment: a duration since the start, or RFC 3339. Needs design->start_epoch_us. */
void kerf_scenario_read_moment(struct kerf_scenario_reader *reader, const struct kerf_design *design, const struct kerf_value *value,
                               kerf_time_us *out_since_start_us);
/** The offerings of `zones` x `instanceTypes` (absent: all) of the map, for one capacity type or both (KERF_CAPACITY_TYPE_COUNT). */
const uint64_t *kerf_scenario_read_offerings(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *map,
                                             enum kerf_capacity_type capacity_type);

/* ---- one file each -------------------------------------------------------------------------------------------------------------- */

void kerf_scenario_read_clock(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);
void kerf_scenario_read_market(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);
void kerf_scenario_read_network(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);
void kerf_scenario_read_groups(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);
/** After the groups. */
void kerf_scenario_read_autoscaler(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);
void kerf_scenario_read_loads(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);
/** Reads one design from the root of its tree (the file's, with the overlay). */
void kerf_scenario_read_design(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design);

#endif
