/** Load over time: which workload gets what. */
#include "scenario/scenario_internal.h"

enum { REPLICAS_MAX = 1000000 };

/* ---- which workloads an entry means ---------------------------------------------------------------------------------------------- */

/** `Kind/namespace/name`, or `Kind/name` in the namespace default. */
struct workload_reference {
    const char *kind;
    const char *namespace_name;
    const char *name;
    uint32_t strength; /* of several entries for one workload the strongest holds: a full name, else the pattern that says most */
};

/** Characters of a pattern that stand for themselves; a full name is stronger than any pattern. */
static uint32_t strength_of(const char *text)
{
    uint32_t count = 0;
    for (const char *c = text; *c; c++)
        count += *c != '*' && *c != '?';
    return kerf_scenario_is_pattern(text) ? count : UINT32_MAX;
}

static bool read_reference(struct kerf_scenario_reader *reader, const struct kerf_value *value, struct workload_reference *out_reference)
{
    const char *text = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &text, reader->errs));
    if (!text)
        return false;
    char *copy = kerf_arena_text(reader->arena, text);
    char *first = strchr(copy, '/');
    char *second = first ? strchr(first + 1, '/') : NULL;
    if (!first || (second && strchr(second + 1, '/'))) {
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" names no workload; expected Kind/namespace/name, or Kind/name in the namespace default",
                             text);
        return false;
    }
    *first = '\0';
    if (second)
        *second = '\0';
    *out_reference = (struct workload_reference){
        .kind = copy,
        .namespace_name = second ? first + 1 : "default",
        .name = second ? second + 1 : first + 1,
        .strength = strength_of(text),
    };
    return true;
}

static const char *namespace_of(const struct kerf_workload *workload)
{
    return workload->meta.namespace_name ? workload->meta.namespace_name->text : "default";
}

static bool reference_matches(const struct workload_reference *reference, const struct kerf_workload *workload)
{
    return workload->kind != KERF_WORKLOAD_DAEMONSET && strcmp(reference->kind, kerf_workload_kind_text(workload->kind)) == 0 &&
           kerf_scenario_pattern_matches(reference->namespace_name, namespace_of(workload)) &&
           kerf_scenario_pattern_matches(reference->name, workload->meta.name->text);
}

static void refuse_unknown_workload(struct kerf_scenario_reader *reader, const struct kerf_value *value, const struct kerf_design *design)
{
    size_t count = design->objects.workloads.count;
    const char **names = KERF_NEW_ARRAY(reader->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const struct kerf_workload *workload = &design->objects.workloads.items[i];
        names[i] = kerf_arena_format(reader->arena, "%s/%s/%s", kerf_workload_kind_text(workload->kind), namespace_of(workload),
                                     workload->meta.name->text);
        if (strcmp(names[i], value->text) == 0) { /* it is there, but a DaemonSet */
            KERF_SCENARIO_REFUSE(reader, value, "a DaemonSet has one pod a node; expected a workload with replicas");
            return;
        }
    }
    const char *nearest = kerf_nearest(value->text, names, count);
    KERF_SCENARIO_REFUSE(reader, value, "no workload \"%s\" in the manifests%s%s%s", value->text, nearest ? "; did you mean " : "",
                         nearest ? nearest : "", nearest ? "?" : "");
}

/* ---- what it gets ---------------------------------------------------------------------------------------------------------------- */

static bool require_replicas(struct kerf_scenario_reader *reader, const struct kerf_value *item, int64_t *out_replicas)
{
    const struct kerf_value *value = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(item, "replicas", &value, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(value, 0, REPLICAS_MAX, out_replicas, reader->errs));
    return value != NULL;
}

static void read_schedule(struct kerf_scenario_reader *reader, const struct kerf_value *item, struct kerf_load *load)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(item, "schedule", &list, reader->errs));
    struct kerf_load_step *steps = KERF_NEW_ARRAY(reader->arena, struct kerf_load_step, kerf_value_count(list));
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        const struct kerf_value *at = NULL;
        const char *text = NULL;
        struct kerf_cron cron;
        KERF_SCENARIO_NOTE(reader, kerf_value_require(&list->items[i], "at", &at, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(at, &text, reader->errs));
        if (!text)
            continue;
        if (!kerf_cron_parse(text, &cron))
            KERF_SCENARIO_REFUSE(reader, at, "\"%s\" is no cron schedule; expected minute, hour, day, month and weekday, such as 0 20 * * 1-5",
                                 text);
        else if (kerf_cron_next(&cron, 0) == KERF_TIME_NEVER)
            KERF_SCENARIO_REFUSE(reader, at, "\"%s\" never comes", text);
        struct kerf_load_step step = { .cron = text };
        if (require_replicas(reader, &list->items[i], &step.replicas))
            steps[load->step_count++] = step;
    }
    load->steps = steps;
}

/** HH:MM, 00:00 to 23:59. */
static bool read_minute(const char *text, int32_t *out_minute)
{
    if (strlen(text) != 5 || text[2] != ':')
        return false;
    for (int i = 0; i < 5; i++)
        if (i != 2 && (text[i] < '0' || text[i] > '9'))
            return false;
    int32_t hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    *out_minute = hour * 60 + minute;
    return hour < 24 && minute < 60;
}

static void read_daily(struct kerf_scenario_reader *reader, const struct kerf_value *item, struct kerf_load *load)
{
    const struct kerf_value *daily = NULL, *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_map(item, "daily", &daily, reader->errs));
    if (!daily)
        return;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(daily, "points", &list, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_expect(list, KERF_VALUE_LIST, reader->errs));
    if (!kerf_value_is_list(list))
        return;
    if (list->count < 2)
        KERF_SCENARIO_REFUSE(reader, list, "%" PRIu32 " point; a curve has at least two", list->count);
    struct kerf_load_point *points = KERF_NEW_ARRAY(reader->arena, struct kerf_load_point, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct kerf_value *at = NULL;
        const char *text = NULL;
        struct kerf_load_point point = { 0 };
        KERF_SCENARIO_NOTE(reader, kerf_value_require(&list->items[i], "at", &at, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(at, &text, reader->errs));
        if (!text)
            continue;
        if (!read_minute(text, &point.minute))
            KERF_SCENARIO_REFUSE(reader, at, "\"%s\" is no time of day; expected 00:00 to 23:59", text);
        else if (load->point_count > 0 && points[load->point_count - 1].minute >= point.minute)
            KERF_SCENARIO_REFUSE(reader, at, "%s is not after the point before; expected points in the order of the day", text);
        if (require_replicas(reader, &list->items[i], &point.replicas))
            points[load->point_count++] = point;
    }
    load->points = points;
    if (load->step_count > 0)
        KERF_SCENARIO_REFUSE(reader, daily, "there is a schedule too; expected one of schedule and daily");
}

static bool is_job(const struct kerf_workload *workload)
{
    return workload->kind == KERF_WORKLOAD_JOB || workload->kind == KERF_WORKLOAD_CRONJOB;
}

/** The entry in the words of the struct, for a workload of that kind. */
static struct kerf_load read_load(struct kerf_scenario_reader *reader, const struct kerf_design *design, const struct kerf_value *item)
{
    struct kerf_load load = {
        .duration_median_us = KERF_TIME_UNSET,
        .image_bytes = design->timings.image_bytes,
        .start_us = design->timings.pod_start_us,
        .stop_us = design->timings.pod_stop_us,
        .restart_price_per_hour = KERF_RESTART_AT_BILL,
    };
    kerf_scenario_read_settings(reader, item, "load[]", &load);
    read_schedule(reader, item, &load);
    read_daily(reader, item, &load);
    if (kerf_value_get(item, "duration") && load.duration_median_us == KERF_TIME_UNSET)
        KERF_SCENARIO_NOTE(reader, kerf_value_require(kerf_value_get(item, "duration"), "median", &(const struct kerf_value *){ NULL },
                                                      reader->errs));
    return load;
}

/** Keys that mean nothing for a workload of this kind. */
static void check_kind(struct kerf_scenario_reader *reader, const struct kerf_value *item, const struct kerf_workload *workload)
{
    static const char *const of_jobs[] = { "arrivals" };
    static const char *const of_others[] = { "replicas", "schedule", "daily" };
    bool job = is_job(workload);
    const char *const *wrong = job ? of_others : of_jobs;
    size_t count = job ? KERF_SCENARIO_COUNT_OF(of_others) : KERF_SCENARIO_COUNT_OF(of_jobs);
    for (size_t i = 0; i < count; i++) {
        const struct kerf_value *value = kerf_value_get(item, wrong[i]);
        if (value)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_value_key_place(value, reader->arena), "a %s has no %s; expected %s",
                                                       kerf_workload_kind_text(workload->kind), wrong[i],
                                                       job ? "arrivals, duration" : "replicas, schedule or daily"));
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------------------------- */

/** Who holds a workload's load. */
struct claim {
    uint32_t item; /* of the list; KERF_NOT_FOUND: nobody */
    uint32_t strength;
};

static void claim_workloads(struct kerf_scenario_reader *reader, const struct kerf_design *design, const struct kerf_value *list,
                            uint32_t index, struct claim *claims)
{
    const struct kerf_value *value = NULL;
    struct workload_reference reference;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(&list->items[index], "workload", &value, reader->errs));
    if (!value || !read_reference(reader, value, &reference))
        return;
    bool any = false;
    for (uint32_t i = 0; i < design->objects.workloads.count; i++) {
        const struct kerf_workload *workload = &design->objects.workloads.items[i];
        if (!reference_matches(&reference, workload))
            continue;
        any = true;
        check_kind(reader, &list->items[index], workload);
        bool taken = claims[i].item != KERF_NOT_FOUND;
        if (taken && claims[i].strength == reference.strength)
            KERF_SCENARIO_REFUSE(reader, value, "%s/%s/%s has a load already (line %" PRIu32 "), by a name as exact; expected one a workload",
                                 kerf_workload_kind_text(workload->kind), namespace_of(workload), workload->meta.name->text,
                                 list->items[claims[i].item].line);
        else if (!taken || claims[i].strength < reference.strength)
            claims[i] = (struct claim){ index, reference.strength };
    }
    if (!any)
        refuse_unknown_workload(reader, value, design);
}

void kerf_scenario_read_loads(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *list = NULL;
    uint32_t workload_count = (uint32_t)design->objects.workloads.count;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(root, "load", &list, reader->errs));
    uint32_t count = kerf_value_count(list);
    struct claim *claims = KERF_NEW_ARRAY(reader->arena, struct claim, workload_count);
    struct kerf_load *read = KERF_NEW_ARRAY(reader->arena, struct kerf_load, count);
    for (uint32_t i = 0; i < workload_count; i++)
        claims[i].item = KERF_NOT_FOUND;
    for (uint32_t i = 0; i < count; i++) {
        read[i] = read_load(reader, design, &list->items[i]);
        claim_workloads(reader, design, list, i, claims);
    }
    struct kerf_load *loads = KERF_NEW_ARRAY(reader->arena, struct kerf_load, workload_count);
    uint32_t *load_of_workload = KERF_NEW_ARRAY(reader->arena, uint32_t, workload_count);
    for (uint32_t i = 0; i < workload_count; i++) {
        load_of_workload[i] = KERF_NOT_FOUND;
        if (claims[i].item == KERF_NOT_FOUND)
            continue;
        struct kerf_workload *workload = &design->objects.workloads.items[i];
        KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(&list->items[claims[i].item], "replicas"), 0, REPLICAS_MAX,
                                                       &workload->replicas, reader->errs));
        loads[design->load_count] = read[claims[i].item];
        loads[design->load_count].workload_index = i;
        load_of_workload[i] = design->load_count++;
    }
    design->loads = loads;
    design->load_of_workload = load_of_workload;
}
