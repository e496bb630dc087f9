/**
 * pass_filter: which instance types a claim may still be (section 6), minValues (4.5), and the choice of the error (6.3).
 *
 * Of a claim's types only the requirements that changed need looking at: the options meet all others already. What a requirement
 * leaves is a bitset that the type table remembers; what remains to be done type by type is the fit.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- minValues -------------------------------------------------------------------------------------------------------- */

static uint32_t count_values(const struct kerf_instance_type *const *types, size_t type_count, kerf_name key, uint32_t enough)
{
    struct kerf_name_map seen = {0};
    for (size_t i = 0; i < type_count && seen.count < enough; i++) {
        const struct kerf_requirement *own = kerf_requirements_get(&types[i]->requirements, key);
        for (uint32_t k = 0; own != NULL && k < own->value_count; k++)
            kerf_name_map_put(&seen, own->values[k], 1);
    }
    uint32_t count = seen.count;
    kerf_name_map_fini(&seen);
    return count;
}

bool kerf_min_values_met(const struct kerf_requirements *requirements, const struct kerf_instance_type *const *types,
                         size_t type_count, kerf_name *out_key, uint32_t *out_observed)
{
    for (size_t i = 0; i < requirements->count; i++) {
        const struct kerf_requirement *requirement = &requirements->items[i];
        if (requirement->min_values <= 0)
            continue;
        uint32_t observed = count_values(types, type_count, requirement->key, (uint32_t)requirement->min_values);
        if (observed >= (uint32_t)requirement->min_values)
            continue;
        *out_key = requirement->key;
        *out_observed = observed;
        return false;
    }
    return true;
}

/* Of the types that are left. Strict: false. BestEffort: the requirement is lowered to what there is. */
static bool satisfy_min_values(struct kerf_pass *pass, struct kerf_filter *filter, kerf_name *out_key)
{
    struct kerf_requirements *requirements = filter->requirements;
    bool wanted = false;
    for (size_t i = 0; i < requirements->count; i++)
        wanted |= requirements->items[i].min_values > 0;
    if (!wanted)
        return true;
    const struct kerf_type_table *table = filter->template->pool->table;
    const struct kerf_instance_type **types = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_instance_type *, table->count);
    size_t count = 0;
    uint32_t type;
    KERF_FOR_TYPES(type, filter->remaining, table->words)
    {
        types[count++] = &table->types[type];
    }
    uint32_t observed;
    while (count > 0 &&
           !kerf_min_values_met(requirements, types, count, out_key, &observed)) { /* no types: not a failure of minValues */
        if (!filter->lower_min_values)
            return false;
        for (size_t i = 0; i < requirements->count; i++)
            if (requirements->items[i].key == *out_key)
                requirements->items[i].min_values = (int32_t)observed;
        filter->min_values_lowered = true;
    }
    return true;
}

/* ---- the three tests -------------------------------------------------------------------------------------------------- */

static void intersect(uint64_t *into, const uint64_t *other, uint32_t words)
{
    for (uint32_t word = 0; word < words; word++)
        into[word] &= other[word];
}

static bool is_met_already(const struct kerf_filter *filter, const struct kerf_requirement *requirement)
{
    if (filter->before == NULL)
        return false;
    const struct kerf_requirement *before = kerf_requirements_get(filter->before, requirement->key);
    return before != NULL && kerf_requirement_equal(before, requirement);
}

/* Keeps the types that meet the requirements; `all`: also those that are known to be met. True if any requirement was new. */
static bool keep_compatible(struct kerf_pass *pass, const struct kerf_filter *filter, bool all, uint64_t *types)
{
    struct kerf_type_table *table = filter->template->pool->table;
    const struct kerf_requirements *requirements = filter->requirements;
    bool any_new = false;
    for (size_t i = 0; i < requirements->count; i++) {
        const struct kerf_requirement *requirement = &requirements->items[i];
        if (is_met_already(filter, requirement)) {
            if (!all)
                continue;
        } else {
            any_new = true;
        }
        if (requirement->key == pass->vocabulary->key_hostname)
            continue; /* no type knows it */
        intersect(types, kerf_type_table_meeting(pass->cache, table, requirement), table->words);
    }
    return any_new;
}

/* Takes away the types without room for the claim's pods, this one, and the daemon pods of the group. */
static void keep_roomy(struct kerf_pass *pass, struct kerf_type_table *table, const struct kerf_resources *requests,
                       const struct kerf_resources *overhead, uint64_t *types)
{
    for (uint32_t present = requests->present | overhead->present; present != 0; present &= present - 1) {
        uint32_t resource = (uint32_t)__builtin_ctz(present);
        int64_t amount = kerf_saturate_i64((kerf_i128)requests->amounts[resource] + overhead->amounts[resource]);
        if (amount <= 0)
            continue; /* a zero request always fits */
        const struct kerf_fit_rows *rows =
            table->allocatable[resource] != NULL ? kerf_type_table_fit_rows(pass->cache, table, resource) : NULL;
        uint32_t row = rows != NULL ? kerf_fit_rows_find(rows, amount) : 0;
        if (rows == NULL || row == rows->count) { /* asks for what no type has */
            memset(types, 0, table->words * sizeof types[0]);
            return;
        }
        intersect(types, &rows->types[(size_t)row * table->words], table->words);
    }
}

static bool group_usable(const struct kerf_filter *filter, const struct kerf_daemon_group *group)
{
    if (filter->pod == NULL || !filter->pod->has_host_ports)
        return true;
    const struct kerf_pod_spec *spec = filter->pod->pod->spec;
    return !kerf_pod_ports_conflict(spec, group->ports, group->port_count) &&
           !kerf_pod_ports_conflict(spec, filter->ports, filter->port_count);
}

static const struct kerf_daemon_group no_daemons;

/* Adds to `out_types` those of `types` that fit with the daemon pods of their group. */
static void keep_fitting(struct kerf_pass *pass, const struct kerf_filter *filter, const uint64_t *types, uint64_t *out_types)
{
    const struct kerf_template *template = filter->template;
    struct kerf_type_table *table = template->pool->table;
    uint32_t group_count = template->daemon_group_count;
    uint64_t *fitting = KERF_NEW_ARRAY(&pass->scratch, uint64_t, table->words);
    memset(out_types, 0, table->words * sizeof out_types[0]);
    for (uint32_t i = 0; i < (group_count > 0 ? group_count : 1); i++) {
        const struct kerf_daemon_group *group = group_count > 0 ? &template->daemon_groups[i] : &no_daemons;
        if (!group_usable(filter, group))
            continue;
        for (uint32_t word = 0; word < table->words; word++)
            fitting[word] = types[word] & ~table->negative[word] & (group->types != NULL ? group->types[word] : UINT64_MAX);
        keep_roomy(pass, table, filter->requests, &group->overhead, fitting);
        for (uint32_t word = 0; word < table->words; word++)
            out_types[word] |= fitting[word];
    }
}

static bool asks_beyond_room(const struct kerf_filter *filter)
{
    uint32_t present = filter->requests->present;
    for (uint32_t i = 0; i < filter->template->daemon_group_count; i++)
        present |= filter->template->daemon_groups[i].overhead.present;
    return present >> KERF_ROOM_RESOURCES != 0;
}

/* Ports and other resources narrow the options for good; room is looked at again when more is asked. */
static void keep_room_apart(const struct kerf_filter *filter, const uint64_t *types)
{
    const struct kerf_type_table *table = filter->template->pool->table;
    bool narrowed = asks_beyond_room(filter) || (filter->pod != NULL && filter->pod->has_host_ports);
    memcpy(filter->room_apart, narrowed ? filter->remaining : types, table->words * sizeof types[0]);
}

void kerf_pass_settle_options(struct kerf_pass *pass, struct kerf_pass_claim *claim)
{
    struct kerf_filter filter = {.template = claim->template, .requests = &claim->requests};
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    uint64_t *options = KERF_NEW_ARRAY(&pass->scratch, uint64_t, claim->template->pool->table->words);
    keep_fitting(pass, &filter, claim->options, options);
    memcpy(claim->options, options, claim->template->pool->table->words * sizeof options[0]);
    kerf_arena_rewind(&pass->scratch, mark);
}

/* ---- the error (6.3) -------------------------------------------------------------------------------------------------- */

static bool any_common(const uint64_t *a, const uint64_t *b, uint32_t words)
{
    for (uint32_t word = 0; word < words; word++)
        if ((a[word] & b[word]) != 0)
            return true;
    return false;
}

static const char *choose_error(struct kerf_pass *pass, const struct kerf_filter *filter)
{
    struct kerf_type_table *table = filter->template->pool->table;
    uint32_t words = table->words;
    uint64_t *seen = KERF_NEW_ARRAY(&pass->scratch, uint64_t, words);
    for (uint32_t i = 0; i < filter->template->daemon_group_count; i++)
        for (uint32_t word = 0; group_usable(filter, &filter->template->daemon_groups[i]) && word < words; word++)
            seen[word] |= filter->options[word] & filter->template->daemon_groups[i].types[word];
    uint64_t *compatible = kerf_arena_copy(&pass->scratch, seen, words * sizeof seen[0]);
    uint64_t *offering = kerf_arena_copy(&pass->scratch, seen, words * sizeof seen[0]);
    uint64_t *fitting = KERF_NEW_ARRAY(&pass->scratch, uint64_t, words);
    keep_compatible(pass, filter, true, compatible);
    intersect(offering, kerf_type_table_offering(pass->cache, table, filter->slots)->types, words);
    keep_fitting(pass, filter, offering, fitting); /* `fits` is only asked where an offering matched */
    bool any_compatible = kerf_types_any(compatible, words);
    bool any_offering = kerf_types_any(offering, words);
    bool any_fitting = kerf_types_any(fitting, words);
    if (!any_compatible && !any_fitting && !any_offering)
        return "no instance type met the scheduling requirements or had enough resources or had a required offering";
    if (!any_compatible && !any_fitting)
        return "no instance type met the scheduling requirements or had enough resources";
    if (!any_fitting && !any_offering)
        return "no instance type had enough resources or had a required offering";
    if (!any_compatible)
        return "no instance type met all requirements";
    if (!any_fitting)
        return "no instance type has enough resources";
    if (any_common(fitting, offering, words) && !any_common(fitting, compatible, words))
        return "no instance type which had enough resources and the required offering met the scheduling requirements";
    if (any_common(compatible, offering, words))
        return "no instance type which met the scheduling requirements and the required offering had the required resources";
    return "no instance type met the requirements, resources and offering together";
}

static void explain(struct kerf_pass *pass, const struct kerf_filter *filter, kerf_name unmet_min_values,
                    struct kerf_text *reason)
{
    if (unmet_min_values != NULL)
        kerf_text_append_format(reason, "minValues requirement is not met for label(s) (label(s)=%s)", unmet_min_values->text);
    else
        kerf_text_append(reason, choose_error(pass, filter));
    kerf_text_append(reason, ", requirements=");
    kerf_text_append_requirements(reason, filter->requirements);
    kerf_text_append(reason, ", resources=");
    kerf_text_append_resources(reason, pass->vocabulary, filter->requests);
}

/* ---- the filter ------------------------------------------------------------------------------------------------------- */

bool kerf_pass_filter_types(struct kerf_pass *pass, struct kerf_filter *filter, struct kerf_text *reason)
{
    struct kerf_type_table *table = filter->template->pool->table;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    uint64_t *meeting = kerf_arena_copy(&pass->scratch, filter->options, table->words * sizeof(uint64_t));
    bool narrowed = keep_compatible(pass, filter, false, meeting);
    filter->slots = narrowed ? kerf_type_table_slots(pass->vocabulary, table, filter->requirements) : filter->slots_before;
    if (filter->slots != filter->slots_before || filter->before == NULL)
        intersect(meeting, kerf_type_table_offering(pass->cache, table, filter->slots)->types, table->words);
    keep_fitting(pass, filter, meeting, filter->remaining);
    if (filter->room_apart != NULL)
        keep_room_apart(filter, meeting);
    kerf_name unmet_min_values = NULL;
    bool left = kerf_types_any(filter->remaining, table->words);
    if (left && !satisfy_min_values(pass, filter, &unmet_min_values))
        left = false;
    if (!left && reason != NULL)
        explain(pass, filter, unmet_min_values, reason);
    kerf_arena_rewind(&pass->scratch, mark);
    return left;
}
