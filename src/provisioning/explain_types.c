/**
 * explain_types: the instance types of a template against a pod, as a funnel: how many there are, how many meet the requirements, how many
 * of those can be had, and what the nearest of them lacks. The same rules as pass_filter, which only wants to know what is left.
 */
#include "provisioning/explain_internal.h"

enum { AMOUNT_BYTES = 40 };

void kerf_exclusion_take_text(struct kerf_explainer *explainer, struct kerf_exclusion *exclusion, struct kerf_text *text)
{
    exclusion->text = kerf_arena_text(explainer->arena, text->length > 0 ? text->bytes : "");
    kerf_text_fini(text);
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* ---- shortages -------------------------------------------------------------------------------------------------------- */

int64_t kerf_shortage_excess(const struct kerf_shortage *shortage)
{
    kerf_i128 wanted = (kerf_i128)shortage->wanted + shortage->besides;
    return wanted <= 0 ? 0 : kerf_saturate_i64((wanted - shortage->offered) * 1000000 / wanted);
}

void kerf_explain_shortages(struct kerf_explainer *explainer, struct kerf_exclusion *exclusion, struct kerf_text *text)
{
    const struct kerf_vocabulary *vocabulary = explainer->pass->vocabulary;
    for (uint32_t i = 0; i < exclusion->shortage_count; i++) {
        const struct kerf_shortage *shortage = &exclusion->shortages[i];
        char wanted[AMOUNT_BYTES], besides[AMOUNT_BYTES], offered[AMOUNT_BYTES];
        kerf_quantity_format(shortage->resource, shortage->wanted, wanted, sizeof wanted);
        kerf_quantity_format(shortage->resource, shortage->besides, besides, sizeof besides);
        kerf_quantity_format(shortage->resource, shortage->offered, offered, sizeof offered);
        kerf_text_append_format(text, "%s%s %s", i > 0 ? ", " : "", vocabulary->resource_names[shortage->resource]->text, wanted);
        if (shortage->besides > 0)
            kerf_text_append_format(text, " beside %s", besides);
        kerf_text_append_format(text, " of %s", offered);
    }
}

struct nearest {
    uint32_t type;
    uint32_t short_count;
    int64_t excess;
};

static bool is_nearer(const struct nearest *a, const struct nearest *b)
{
    return a->short_count != b->short_count ? a->short_count < b->short_count : a->excess < b->excess;
}

/* What the type lacks; the list has room for all resources. */
static uint32_t list_shortages(const struct kerf_type_table *table, uint32_t type, const struct kerf_resources *wanted,
                               const struct kerf_resources *besides, const struct kerf_resources *overhead,
                               struct kerf_shortage *shortages)
{
    uint32_t count = 0;
    for (uint32_t present = wanted->present | besides->present | overhead->present; present != 0; present &= present - 1) {
        enum kerf_resource resource = (enum kerf_resource)__builtin_ctz(present);
        struct kerf_shortage one = {
            .resource = resource,
            .wanted = wanted->amounts[resource],
            .besides = kerf_saturate_i64((kerf_i128)besides->amounts[resource] + overhead->amounts[resource]),
            .offered = table->allocatable[resource] != NULL ? table->allocatable[resource][type] : 0,
        };
        kerf_i128 sum = (kerf_i128)one.wanted + one.besides;
        if (sum > 0 && sum > one.offered)
            shortages[count++] = one;
    }
    return count;
}

/* ---- the funnel ------------------------------------------------------------------------------------------------------- */

struct funnel {
    struct kerf_explainer *explainer;
    const struct kerf_types_question *question;
    struct kerf_type_table *table;
    struct kerf_exclusion exclusion;
    uint64_t *types; /* what is left so far */
};

static const struct kerf_daemon_group no_daemons;

static uint32_t group_count(const struct funnel *funnel)
{
    return funnel->question->template->daemon_group_count > 0 ? funnel->question->template->daemon_group_count : 1;
}

static const struct kerf_daemon_group *group_at(const struct funnel *funnel, uint32_t i)
{
    return funnel->question->template->daemon_group_count > 0 ? &funnel->question->template->daemon_groups[i] : &no_daemons;
}

static bool ports_free(const struct funnel *funnel, const struct kerf_daemon_group *group)
{
    const struct kerf_types_question *question = funnel->question;
    if (question->pod == NULL || !question->pod->has_host_ports)
        return true;
    const struct kerf_pod_spec *spec = question->pod->pod->spec;
    return !kerf_pod_ports_conflict(spec, group->ports, group->port_count) &&
           !kerf_pod_ports_conflict(spec, question->ports, question->port_count);
}

/* True if types are left. Requirements that the template has already come last: they cannot be what the pod brought. */
static bool meet_requirements(struct funnel *funnel)
{
    const struct kerf_types_question *question = funnel->question;
    struct kerf_pass *pass = funnel->explainer->pass;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < question->requirements->count; i++) {
            const struct kerf_requirement *requirement = &question->requirements->items[i];
            const struct kerf_requirement *old =
                question->of_template != NULL ? kerf_requirements_get(question->of_template, requirement->key) : NULL;
            bool known = old != NULL && kerf_requirement_equal(old, requirement);
            if (requirement->key == pass->vocabulary->key_hostname || known != (round == 1))
                continue;
            const uint64_t *meeting = kerf_type_table_meeting(pass->cache, funnel->table, requirement);
            uint32_t before = (uint32_t)kerf_bitset_count(funnel->types, funnel->table->words);
            for (uint32_t word = 0; word < funnel->table->words; word++)
                funnel->types[word] &= meeting[word];
            if (kerf_types_any(funnel->types, funnel->table->words))
                continue;
            struct kerf_text text = {0};
            kerf_text_append_requirement(&text, requirement);
            funnel->exclusion.rule = KERF_EXCLUDED_BY_TYPES;
            funnel->exclusion.key = requirement->key;
            funnel->exclusion.wanted = kerf_arena_text(funnel->explainer->arena, text.bytes);
            kerf_text_append_format(&text, " is met by none of the %u instance type%s that meet the rest", before, plural(before));
            kerf_exclusion_take_text(funnel->explainer, &funnel->exclusion, &text);
            return false;
        }
    }
    return true;
}

static bool meet_ports(struct funnel *funnel)
{
    const struct kerf_types_question *question = funnel->question;
    bool any = false;
    for (uint32_t i = 0; i < group_count(funnel); i++) {
        const struct kerf_daemon_group *group = group_at(funnel, i);
        if (!ports_free(funnel, group))
            continue;
        for (uint32_t word = 0; word < funnel->table->words; word++)
            any |= (funnel->types[word] & (group->types != NULL ? group->types[word] : UINT64_MAX)) != 0;
    }
    if (any)
        return true;
    struct kerf_text text = {0}, ports = {0};
    const struct kerf_pod_spec *spec = question->pod->pod->spec;
    for (uint32_t i = 0; i < spec->container_count; i++)
        for (uint32_t k = 0; !spec->containers[i].init && k < spec->containers[i].host_port_count; k++)
            kerf_text_append_format(&ports, "%s%u", ports.length > 0 ? ", " : "", spec->containers[i].host_ports[k].port);
    funnel->exclusion.rule = KERF_EXCLUDED_BY_HOST_PORT;
    funnel->exclusion.wanted = kerf_arena_text(funnel->explainer->arena, ports.bytes);
    kerf_text_append_format(&text, "host port %s is taken by %s", ports.bytes,
                            kerf_pod_ports_conflict(spec, question->ports, question->port_count) ? "a pod that is there" : "a daemon pod");
    kerf_text_fini(&ports);
    kerf_exclusion_take_text(funnel->explainer, &funnel->exclusion, &text);
    return false;
}

static void append_if_there(struct kerf_text *text, const struct kerf_requirements *requirements, kerf_name key)
{
    const struct kerf_requirement *requirement = kerf_requirements_get(requirements, key);
    if (requirement == NULL)
        return;
    kerf_text_append(text, text->length > 0 ? ", " : "");
    kerf_text_append_requirement(text, requirement);
}

static bool meet_offerings(struct funnel *funnel)
{
    struct kerf_pass *pass = funnel->explainer->pass;
    uint32_t before = (uint32_t)kerf_bitset_count(funnel->types, funnel->table->words);
    kerf_slots slots = kerf_type_table_slots(pass->vocabulary, funnel->table, funnel->question->requirements);
    const uint64_t *offering = kerf_type_table_offering(pass->cache, funnel->table, slots)->types;
    for (uint32_t word = 0; word < funnel->table->words; word++)
        funnel->types[word] &= offering[word];
    funnel->exclusion.available_count = (uint32_t)kerf_bitset_count(funnel->types, funnel->table->words);
    if (funnel->exclusion.available_count > 0)
        return true;
    struct kerf_text wanted = {0}, text = {0};
    append_if_there(&wanted, funnel->question->requirements, pass->vocabulary->key_capacity_type);
    append_if_there(&wanted, funnel->question->requirements, pass->vocabulary->key_zone);
    funnel->exclusion.rule = KERF_EXCLUDED_BY_OFFERING;
    funnel->exclusion.key =
        kerf_requirements_get(funnel->question->requirements, pass->vocabulary->key_zone) != NULL ? pass->vocabulary->key_zone : NULL;
    funnel->exclusion.wanted = wanted.length > 0 ? kerf_arena_text(funnel->explainer->arena, wanted.bytes) : NULL;
    kerf_text_append_format(&text, "none of the %u instance type%s that meet the requirements can be had%s%s", before, plural(before),
                            wanted.length > 0 ? " with " : " anywhere", wanted.length > 0 ? wanted.bytes : "");
    kerf_text_fini(&wanted);
    kerf_exclusion_take_text(funnel->explainer, &funnel->exclusion, &text);
    return false;
}

static const struct kerf_resources nothing;

static const struct kerf_resources *wanted_of(const struct funnel *funnel)
{
    return funnel->question->pod != NULL ? funnel->question->pod->requests : &nothing;
}

static const struct kerf_resources *besides_of(const struct funnel *funnel)
{
    return funnel->question->besides != NULL ? funnel->question->besides : &nothing;
}

static bool meet_resources(struct funnel *funnel)
{
    struct kerf_shortage shortages[KERF_RESOURCE_MAX];
    struct nearest best = {.type = KERF_NOT_FOUND, .short_count = UINT32_MAX};
    uint32_t best_group = 0;
    uint64_t *roomy = KERF_NEW_ARRAY(&funnel->explainer->pass->scratch, uint64_t, funnel->table->words);
    for (uint32_t i = 0; i < group_count(funnel); i++) {
        const struct kerf_daemon_group *group = group_at(funnel, i);
        uint32_t type;
        if (!ports_free(funnel, group))
            continue;
        KERF_FOR_TYPES(type, funnel->types, funnel->table->words)
        {
            if (group->types != NULL && !kerf_bit_get(group->types, type))
                continue;
            struct nearest one = {.type = type};
            one.short_count = list_shortages(funnel->table, type, wanted_of(funnel), besides_of(funnel), &group->overhead, shortages);
            for (uint32_t k = 0; k < one.short_count; k++)
                one.excess = kerf_saturate_i64((kerf_i128)one.excess + kerf_shortage_excess(&shortages[k]));
            if (one.short_count == 0 && !kerf_bit_get(funnel->table->negative, type))
                kerf_bit_set(roomy, type);
            if (best.type == KERF_NOT_FOUND || is_nearer(&one, &best)) {
                best = one;
                best_group = i;
            }
        }
    }
    memcpy(funnel->types, roomy, funnel->table->words * sizeof roomy[0]);
    if (kerf_types_any(roomy, funnel->table->words) || best.type == KERF_NOT_FOUND)
        return best.type != KERF_NOT_FOUND;
    const struct kerf_daemon_group *group = group_at(funnel, best_group);
    struct kerf_exclusion *exclusion = &funnel->exclusion;
    exclusion->rule = KERF_EXCLUDED_BY_RESOURCES;
    exclusion->nearest = funnel->table->types[best.type].name;
    exclusion->shortage_count = list_shortages(funnel->table, best.type, wanted_of(funnel), besides_of(funnel), &group->overhead, shortages);
    exclusion->shortages =
        kerf_arena_copy(funnel->explainer->arena, shortages, exclusion->shortage_count * sizeof shortages[0]);
    struct kerf_text text = {0};
    kerf_text_append_format(&text, "none of the %u instance type%s left has room; %s comes nearest: ", exclusion->available_count,
                            plural(exclusion->available_count), exclusion->nearest->text);
    if (exclusion->shortage_count == 0)
        kerf_text_append(&text, "its allocatable is negative");
    kerf_explain_shortages(funnel->explainer, exclusion, &text);
    kerf_exclusion_take_text(funnel->explainer, exclusion, &text);
    return false;
}

static bool meet_min_values(struct funnel *funnel)
{
    struct kerf_pass *pass = funnel->explainer->pass;
    if (pass->options.min_values_policy == KERF_MIN_VALUES_BEST_EFFORT && funnel->question->besides == NULL)
        return true;
    const struct kerf_instance_type **types = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_instance_type *, funnel->table->count);
    size_t count = 0;
    uint32_t type, observed = 0;
    kerf_name key = NULL;
    KERF_FOR_TYPES(type, funnel->types, funnel->table->words)
    {
        types[count++] = &funnel->table->types[type];
    }
    if (count == 0 || kerf_min_values_met(funnel->question->requirements, types, count, &key, &observed))
        return true;
    int32_t wanted = kerf_requirements_get(funnel->question->requirements, key)->min_values;
    struct kerf_exclusion *exclusion = &funnel->exclusion;
    exclusion->rule = KERF_EXCLUDED_BY_MIN_VALUES;
    exclusion->key = key;
    exclusion->needed = observed;
    exclusion->wanted = kerf_arena_format(funnel->explainer->arena, "%d", wanted);
    exclusion->offered = kerf_arena_format(funnel->explainer->arena, "%u", observed);
    exclusion->text = kerf_arena_format(funnel->explainer->arena, "minValues %d of %s: the %zu instance type%s that would hold the pod have %u",
                                        wanted, key->text, count, plural((uint32_t)count), observed);
    return false;
}

struct kerf_exclusion kerf_explain_types(struct kerf_explainer *explainer, const struct kerf_types_question *question, uint64_t *out_left)
{
    struct kerf_arena *scratch = &explainer->pass->scratch;
    struct kerf_arena_mark mark = kerf_arena_mark(scratch);
    struct kerf_type_table *table = question->template->pool->table;
    struct funnel funnel = {
        .explainer = explainer,
        .question = question,
        .table = table,
        .types = kerf_arena_copy(scratch, question->options, table->words * sizeof(uint64_t)),
    };
    funnel.exclusion.type_count = (uint32_t)kerf_bitset_count(funnel.types, table->words);
    bool left = meet_requirements(&funnel);
    left = left && meet_ports(&funnel) && meet_offerings(&funnel) && meet_resources(&funnel) && meet_min_values(&funnel);
    if (out_left != NULL)
        for (uint32_t word = 0; word < table->words; word++)
            out_left[word] = left ? funnel.types[word] : 0;
    kerf_arena_rewind(scratch, mark);
    return funnel.exclusion;
}

/* ---- limits ----------------------------------------------------------------------------------------------------------- */

static uint32_t list_limit_shortages(const struct kerf_pass_pool *pool, uint32_t type, struct kerf_shortage *shortages)
{
    uint32_t count = 0;
    for (uint32_t limited = pool->limited; limited != 0; limited &= limited - 1) {
        enum kerf_resource resource = (enum kerf_resource)__builtin_ctz(limited);
        int64_t capacity = pool->table->capacity[resource] != NULL ? pool->table->capacity[resource][type] : 0;
        if ((kerf_i128)capacity > pool->remaining[resource])
            shortages[count++] = (struct kerf_shortage){
                .resource = resource, .wanted = capacity, .offered = kerf_saturate_i64(pool->remaining[resource])};
    }
    return count;
}

struct kerf_exclusion kerf_explain_limits(struct kerf_explainer *explainer, const struct kerf_pass_pool *pool, const uint64_t *types,
                                          uint32_t type_count, bool would_do)
{
    struct kerf_exclusion exclusion = {.rule = KERF_EXCLUDED_BY_LIMITS, .type_count = type_count};
    if (pool->limits_nodes && pool->remaining_nodes <= 0) {
        exclusion.rule = KERF_EXCLUDED_BY_NODE_LIMIT;
        exclusion.wanted = "1";
        exclusion.offered = kerf_arena_format(explainer->arena, "%" PRId64, pool->remaining_nodes);
        exclusion.text = kerf_arena_format(explainer->arena, "limits.nodes %" PRId64 " leaves %" PRId64, pool->nodepool->limits.nodes,
                                           pool->remaining_nodes);
        return exclusion;
    }
    struct kerf_shortage shortages[KERF_RESOURCE_MAX];
    struct nearest best = {.type = KERF_NOT_FOUND};
    uint32_t type;
    KERF_FOR_TYPES(type, types, pool->table->words)
    {
        struct nearest one = {.type = type, .short_count = list_limit_shortages(pool, type, shortages)};
        for (uint32_t k = 0; k < one.short_count; k++)
            one.excess = kerf_saturate_i64((kerf_i128)one.excess + (kerf_i128)shortages[k].wanted - shortages[k].offered);
        if (best.type == KERF_NOT_FOUND || is_nearer(&one, &best))
            best = one;
    }
    if (best.type == KERF_NOT_FOUND) {
        exclusion.text = "what the limits leave holds no instance type";
        return exclusion;
    }
    exclusion.nearest = pool->table->types[best.type].name;
    exclusion.shortage_count = list_limit_shortages(pool, best.type, shortages);
    exclusion.shortages = kerf_arena_copy(explainer->arena, shortages, exclusion.shortage_count * sizeof shortages[0]);
    struct kerf_text text = {0};
    for (uint32_t i = 0; i < exclusion.shortage_count; i++) {
        char limit[AMOUNT_BYTES], left[AMOUNT_BYTES], wanted[AMOUNT_BYTES];
        enum kerf_resource resource = shortages[i].resource;
        kerf_quantity_format(resource, pool->nodepool->limits.resources.amounts[resource], limit, sizeof limit);
        kerf_quantity_format(resource, shortages[i].offered, left, sizeof left);
        kerf_quantity_format(resource, shortages[i].wanted, wanted, sizeof wanted);
        const char *name = explainer->pass->vocabulary->resource_names[resource]->text;
        if (i == 0)
            exclusion.key = explainer->pass->vocabulary->resource_names[resource];
        kerf_text_append_format(&text, "%slimits.%s %s leaves %s, and %s, the smallest type %s, has %s", i > 0 ? "; " : "", name,
                                limit, left, exclusion.nearest->text, would_do ? "that would do" : "of the NodePool", wanted);
    }
    kerf_exclusion_take_text(explainer, &exclusion, &text);
    return exclusion;
}
