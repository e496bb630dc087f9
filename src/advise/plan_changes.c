/**
 * plan_changes: what could be changed against a rule, one step at a time: of the pods first, then of the NodePool. Nothing here is known to
 * help: whoever asks tries each with a pass.
 */
#include <stdlib.h>

#include "advise/plan_what_if.h"

enum { AMOUNT_BYTES = 40 };
#define MIB_MILLIBYTES (INT64_C(1) << 20) * 1000
#define MILLICORE_NANOCORES 1000000

struct lister {
    struct kerf_what_if *what_if;
    struct kerf_arena *arena;
    struct kerf_vocabulary *vocabulary;
    const struct kerf_hypothesis *base;
    const struct kerf_exclusion *exclusion;
    kerf_hypotheses *list;
};

static struct kerf_hypothesis next_of(const struct lister *lister, struct kerf_plan_step step)
{
    struct kerf_hypothesis next = *lister->base;
    step.nodepool_index = lister->base->nodepool_index;
    KERF_ASSERT(next.step_count < KERF_CHANGE_STEPS_MAX);
    next.causes[next.step_count] = lister->exclusion;
    next.choices[next.step_count] = (int64_t)lister->list->count;
    next.steps[next.step_count++] = step;
    if (step.of_nodepool)
        next.pool_changed = true;
    else
        next.pod_changed = true;
    return next;
}

static const char *pool_name(const struct lister *lister)
{
    return lister->base->pool.meta.name->text;
}

/* ---- taints ------------------------------------------------------------------------------------------------------------ */

static void tolerate(const struct lister *lister)
{
    const struct kerf_taint *taint = lister->exclusion->taint;
    bool has_value = taint->value != NULL && taint->value->length > 0;
    struct kerf_hypothesis next = next_of(
        lister, (struct kerf_plan_step){.field = "spec.tolerations", .action = "add", .value = lister->exclusion->offered,
                                        .text = kerf_arena_format(lister->arena, "the pod tolerates %s", lister->exclusion->offered)});
    size_t count = next.spec.tolerations.count;
    struct kerf_toleration *items = KERF_NEW_ARRAY(lister->arena, struct kerf_toleration, count + 1);
    for (size_t i = 0; i < count; i++)
        items[i] = next.spec.tolerations.items[i];
    items[count] = (struct kerf_toleration){.key = taint->key,
                                            .op = has_value ? KERF_TOLERATION_EQUAL : KERF_TOLERATION_EXISTS,
                                            .value = has_value ? taint->value : NULL,
                                            .effect = taint->effect,
                                            .toleration_seconds = -1};
    next.spec.tolerations = (struct kerf_tolerations){items, count + 1};
    KERF_VEC_PUSH(lister->list, next);
}

static void remove_taint(const struct lister *lister)
{
    const struct kerf_taint *taint = lister->exclusion->taint;
    struct kerf_hypothesis next =
        next_of(lister, (struct kerf_plan_step){.of_nodepool = true, .field = "spec.template.spec.taints", .action = "remove",
                                                .value = lister->exclusion->offered,
                                                .text = kerf_arena_format(lister->arena, "NodePool %s without the taint %s",
                                                                          pool_name(lister), lister->exclusion->offered)});
    struct kerf_taint *items = KERF_NEW_ARRAY(lister->arena, struct kerf_taint, next.pool.taints.count);
    size_t count = 0;
    for (size_t i = 0; i < next.pool.taints.count; i++) {
        const struct kerf_taint *one = &next.pool.taints.items[i];
        if (one->key != taint->key || one->value != taint->value || one->effect != taint->effect)
            items[count++] = *one;
    }
    if (count < next.pool.taints.count) {
        next.pool.taints = (struct kerf_taints){items, count};
        KERF_VEC_PUSH(lister->list, next);
    }
}

/* ---- requirements of the pod ------------------------------------------------------------------------------------------- */

static bool is_key(const struct lister *lister, kerf_name written, kerf_name key)
{
    return kerf_vocabulary_normalize_key(lister->vocabulary, written) == key;
}

static struct kerf_expressions without_key(const struct lister *lister, const struct kerf_expressions *from, kerf_name key)
{
    struct kerf_expression *items = KERF_NEW_ARRAY(lister->arena, struct kerf_expression, from->count);
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++)
        if (!is_key(lister, from->items[i].key, key))
            items[count++] = from->items[i];
    return (struct kerf_expressions){items, count};
}

/* A term of which nothing is left would match every node, and with it the whole affinity. */
static bool drop_from_terms(const struct lister *lister, struct kerf_pod_spec *spec, kerf_name key)
{
    struct kerf_node_selector_term *terms = KERF_NEW_ARRAY(lister->arena, struct kerf_node_selector_term, spec->required_node_term_count);
    bool found = false, empty = false;
    for (uint32_t i = 0; i < spec->required_node_term_count; i++) {
        terms[i] = spec->required_node_terms[i];
        terms[i].match_expressions = without_key(lister, &terms[i].match_expressions, key);
        found |= terms[i].match_expressions.count < spec->required_node_terms[i].match_expressions.count;
        empty |= terms[i].match_expressions.count == 0 && terms[i].match_fields.count == 0;
    }
    spec->required_node_terms = terms;
    if (found && empty) {
        spec->has_required_node_terms = false;
        spec->required_node_term_count = 0;
    }
    return found;
}

static void drop_pod_key(const struct lister *lister, kerf_name key)
{
    const char *what = lister->exclusion->wanted != NULL ? lister->exclusion->wanted : key->text;
    if (lister->exclusion->key != key)
        what = key->text;
    struct kerf_hypothesis next =
        next_of(lister, (struct kerf_plan_step){.field = "spec.affinity.nodeAffinity", .action = "remove", .value = what,
                                                .text = kerf_arena_format(lister->arena, "the pod without its requirement %s", what)});
    struct kerf_label *labels = KERF_NEW_ARRAY(lister->arena, struct kerf_label, next.spec.node_selector.count);
    size_t count = 0;
    for (size_t i = 0; i < next.spec.node_selector.count; i++)
        if (!is_key(lister, next.spec.node_selector.items[i].key, key))
            labels[count++] = next.spec.node_selector.items[i];
    bool in_selector = count < next.spec.node_selector.count;
    next.spec.node_selector = (struct kerf_labels){labels, count};
    if (in_selector)
        next.steps[next.step_count - 1].field = "spec.nodeSelector";
    if (drop_from_terms(lister, &next.spec, key) || in_selector)
        KERF_VEC_PUSH(lister->list, next);
}

/* ---- requirements of the NodePool -------------------------------------------------------------------------------------- */

/* The NodePool's requirement on the key; NULL: none, or several. */
static const struct kerf_expression *only_expression(const struct kerf_nodepool *pool, kerf_name key)
{
    const struct kerf_expression *found = NULL;
    for (size_t i = 0; i < pool->requirements.count; i++) {
        if (pool->requirements.items[i].key != key)
            continue;
        if (found != NULL)
            return NULL;
        found = &pool->requirements.items[i];
    }
    return found;
}

static struct kerf_labels labels_without(const struct lister *lister, const struct kerf_labels *from, kerf_name key)
{
    struct kerf_label *items = KERF_NEW_ARRAY(lister->arena, struct kerf_label, from->count);
    size_t count = 0;
    for (size_t i = 0; i < from->count; i++)
        if (!is_key(lister, from->items[i].key, key))
            items[count++] = from->items[i];
    return (struct kerf_labels){items, count};
}

static void drop_pool_key(const struct lister *lister, kerf_name key)
{
    struct kerf_hypothesis next =
        next_of(lister, (struct kerf_plan_step){.of_nodepool = true, .field = "spec.template.spec.requirements", .action = "remove",
                                                .value = key->text,
                                                .text = kerf_arena_format(lister->arena, "NodePool %s without its requirement on %s",
                                                                          pool_name(lister), key->text)});
    next.pool.requirements = without_key(lister, &lister->base->pool.requirements, key);
    next.pool.template_labels = labels_without(lister, &lister->base->pool.template_labels, key);
    if (next.pool.requirements.count < lister->base->pool.requirements.count ||
        next.pool.template_labels.count < lister->base->pool.template_labels.count)
        KERF_VEC_PUSH(lister->list, next);
}

static void drop_each_pool_key(const struct lister *lister)
{
    for (size_t i = 0; i < lister->base->pool.requirements.count; i++)
        drop_pool_key(lister, kerf_vocabulary_normalize_key(lister->vocabulary, lister->base->pool.requirements.items[i].key));
    for (size_t i = 0; i < lister->base->pool.template_labels.count; i++)
        drop_pool_key(lister, lister->base->pool.template_labels.items[i].key);
}

/* The value that the pod asks for; NULL: none in particular. */
static kerf_name wanted_value(const struct lister *lister, kerf_name key)
{
    kerf_name value = kerf_labels_get(&lister->base->spec.node_selector, key);
    for (uint32_t i = 0; value == NULL && i < lister->base->spec.required_node_term_count; i++) {
        const struct kerf_expressions *expressions = &lister->base->spec.required_node_terms[i].match_expressions;
        for (size_t k = 0; k < expressions->count; k++)
            if (is_key(lister, expressions->items[k].key, key) && expressions->items[k].op == KERF_OP_IN &&
                expressions->items[k].value_count > 0)
                value = expressions->items[k].values[0];
    }
    return value;
}

static void label_pool(const struct lister *lister, kerf_name key)
{
    kerf_name value = wanted_value(lister, key);
    if (value == NULL)
        value = lister->vocabulary->word_true;
    const char *label = kerf_arena_format(lister->arena, "%s=%s", key->text, value->text);
    struct kerf_hypothesis next = next_of(
        lister, (struct kerf_plan_step){.of_nodepool = true, .field = "spec.template.metadata.labels", .action = "add", .value = label,
                                        .text = kerf_arena_format(lister->arena, "NodePool %s with the label %s", pool_name(lister), label)});
    struct kerf_label *own = KERF_NEW(lister->arena, struct kerf_label); /* the merged list may borrow it */
    *own = (struct kerf_label){key, value};
    struct kerf_labels added = {own, 1};
    next.pool.template_labels = kerf_labels_merge(lister->arena, &next.pool.template_labels, &added);
    KERF_VEC_PUSH(lister->list, next);
}

static void lower_min_values(const struct lister *lister)
{
    kerf_name key = lister->exclusion->key;
    struct kerf_hypothesis next = next_of(
        lister, (struct kerf_plan_step){
                    .of_nodepool = true, .field = "spec.template.spec.requirements.minValues", .action = "set",
                    .value = lister->exclusion->offered, .was = lister->exclusion->wanted,
                    .text = kerf_arena_format(lister->arena, "NodePool %s with minValues %s instead of %s for %s", pool_name(lister),
                                              lister->exclusion->offered, lister->exclusion->wanted, key->text)});
    struct kerf_expression *items = kerf_arena_copy(lister->arena, next.pool.requirements.items,
                                                    next.pool.requirements.count * sizeof next.pool.requirements.items[0]);
    for (size_t i = 0; i < next.pool.requirements.count; i++)
        if (is_key(lister, items[i].key, key) && items[i].min_values > lister->exclusion->needed)
            items[i].min_values = (int32_t)lister->exclusion->needed;
    next.pool.requirements.items = items;
    KERF_VEC_PUSH(lister->list, next);
}

/* The values that the found place has and the dropped requirement excluded. */
static const struct kerf_requirement *needed_by(const struct kerf_outcome *outcome, kerf_name key)
{
    const struct kerf_planned_claim *claim = outcome->claim;
    if (claim == NULL || claim->instance_type_count == 0)
        return NULL;
    const struct kerf_requirement *of_claim = kerf_requirements_get(&claim->requirements, key);
    if (of_claim != NULL && !of_claim->complement && of_claim->value_count > 0)
        return of_claim;
    return kerf_requirements_get(&claim->instance_types[0]->requirements, key);
}

/* In with one value more; or the bound moved so far that the value is within. */
static bool widen(struct kerf_arena *arena, struct kerf_expression *expression, kerf_name value)
{
    int64_t number;
    switch (expression->op) {
    case KERF_OP_IN: {
        kerf_name *values = KERF_NEW_ARRAY(arena, kerf_name, expression->value_count + 1u);
        for (uint32_t i = 0; i < expression->value_count; i++)
            values[i] = expression->values[i];
        values[expression->value_count] = value;
        expression->values = values;
        expression->value_count++;
        return true;
    }
    case KERF_OP_NOT_IN: {
        kerf_name *values = KERF_NEW_ARRAY(arena, kerf_name, expression->value_count + 1u);
        uint32_t count = 0;
        for (uint32_t i = 0; i < expression->value_count; i++)
            if (expression->values[i] != value)
                values[count++] = expression->values[i];
        bool narrower = count < expression->value_count && count > 0;
        expression->values = values;
        expression->value_count = count;
        return narrower;
    }
    case KERF_OP_GT:
    case KERF_OP_LT:
    case KERF_OP_GTE:
    case KERF_OP_LTE:
        return kerf_parse_i64(value->text, &number);
    default:
        return false;
    }
}

static kerf_name bound_for(struct kerf_vocabulary *vocabulary, enum kerf_operator op, kerf_name value)
{
    int64_t number = 0;
    bool is_number = kerf_parse_i64(value->text, &number);
    KERF_ASSERT(is_number);
    number += op == KERF_OP_LT ? 1 : op == KERF_OP_GT ? -1 : 0;
    return kerf_name_format(vocabulary->names, "%" PRId64, number);
}

bool kerf_narrow_change(struct kerf_what_if *what_if, const struct kerf_hypothesis *dropped, const struct kerf_outcome *outcome,
                        struct kerf_hypothesis *out_narrow)
{
    struct kerf_vocabulary *vocabulary = what_if->snapshot->vocabulary;
    const struct kerf_plan_step *last = &dropped->steps[dropped->step_count - 1];
    if (!last->of_nodepool || strcmp(last->field, "spec.template.spec.requirements") != 0 || strcmp(last->action, "remove") != 0)
        return false;
    const struct kerf_nodepool *pool = &what_if->snapshot->objects.nodepools.items[dropped->nodepool_index];
    kerf_name key = kerf_name_find(vocabulary->names, last->value);
    const struct kerf_expression *old = key != NULL ? only_expression(pool, key) : NULL;
    const struct kerf_requirement *needed = key != NULL ? needed_by(outcome, key) : NULL;
    if (old == NULL || needed == NULL || needed->value_count == 0)
        return false;
    struct kerf_requirement own = kerf_requirement_of(what_if->arena, vocabulary, old);
    kerf_name value = NULL;
    for (uint32_t i = 0; i < needed->value_count && value == NULL; i++)
        if (!kerf_requirement_has(&own, needed->values[i]))
            value = needed->values[i];
    struct kerf_expression wider = *old;
    if (value == NULL || !widen(what_if->arena, &wider, value))
        return false;
    bool is_bound = wider.op >= KERF_OP_GT;
    if (is_bound) {
        kerf_name *bound = KERF_NEW(what_if->arena, kerf_name);
        *bound = bound_for(vocabulary, wider.op, value);
        wider.values = bound;
    }
    *out_narrow = *dropped;
    struct kerf_expression *items = KERF_NEW_ARRAY(what_if->arena, struct kerf_expression, dropped->pool.requirements.count + 1);
    for (size_t i = 0; i < dropped->pool.requirements.count; i++)
        items[i] = dropped->pool.requirements.items[i];
    items[dropped->pool.requirements.count] = wider;
    out_narrow->pool.requirements = (struct kerf_expressions){items, dropped->pool.requirements.count + 1};
    struct kerf_plan_step *step = &out_narrow->steps[out_narrow->step_count - 1];
    step->action = is_bound ? "set" : old->op == KERF_OP_IN ? "add" : "remove";
    step->value = kerf_arena_format(what_if->arena, "%s %s %s", key->text, kerf_operator_text(wider.op),
                                    is_bound ? wider.values[0]->text : value->text);
    if (is_bound)
        step->was = kerf_arena_format(what_if->arena, "%s %s %s", key->text, kerf_operator_text(old->op), old->values[0]->text);
    step->text = is_bound ? kerf_arena_format(what_if->arena, "NodePool %s with %s instead of %s", pool->meta.name->text, step->value,
                                              old->values[0]->text)
                          : kerf_arena_format(what_if->arena, "NodePool %s with %s %s the values of %s (%s)", pool->meta.name->text,
                                              value->text, old->op == KERF_OP_IN ? "among" : "not among", key->text,
                                              kerf_operator_text(old->op));
    return true;
}

/* ---- amounts ----------------------------------------------------------------------------------------------------------- */

static int64_t round_down(enum kerf_resource resource, int64_t amount)
{
    if (resource == KERF_RESOURCE_CPU && amount > MILLICORE_NANOCORES)
        return amount - amount % MILLICORE_NANOCORES;
    if ((resource == KERF_RESOURCE_MEMORY || resource == KERF_RESOURCE_EPHEMERAL_STORAGE) && amount > MIB_MILLIBYTES)
        return amount - amount % (MIB_MILLIBYTES);
    return amount;
}

/* As much of each short resource as the nearest place has. */
static void ask_for_less(const struct lister *lister)
{
    const struct kerf_exclusion *exclusion = lister->exclusion;
    struct kerf_text value = {0}, was = {0};
    struct kerf_resources requests = lister->base->spec.requests;
    bool possible = exclusion->shortage_count > 0;
    for (uint32_t i = 0; i < exclusion->shortage_count; i++) {
        const struct kerf_shortage *shortage = &exclusion->shortages[i];
        char text[AMOUNT_BYTES];
        const char *name = lister->vocabulary->resource_names[shortage->resource]->text;
        kerf_quantity_format(shortage->resource, requests.amounts[shortage->resource], text, sizeof text);
        kerf_text_append_format(&was, "%s%s %s", i > 0 ? ", " : "", name, text);
        int64_t left = round_down(shortage->resource, shortage->offered - shortage->besides);
        int64_t least = shortage->resource < KERF_RESOURCE_PODS ? 1 : 0; /* every pod needs some of those */
        possible &= left >= least && shortage->resource != KERF_RESOURCE_PODS && shortage->wanted > 0;
        kerf_quantity_format(shortage->resource, kerf_max_i64(0, left), text, sizeof text);
        kerf_text_append_format(&value, "%s%s %s", i > 0 ? ", " : "", name, text);
        requests.amounts[shortage->resource] = left;
        if (left == 0)
            requests.present &= ~(1u << shortage->resource);
    }
    if (possible) {
        const char *now = kerf_arena_text(lister->arena, value.bytes), *before = kerf_arena_text(lister->arena, was.bytes);
        struct kerf_hypothesis next =
            next_of(lister, (struct kerf_plan_step){.field = "spec.containers.resources.requests", .action = "set", .value = now, .was = before,
                                                    .text = kerf_arena_format(lister->arena, "the pod asks for %s instead of %s", now, before)});
        next.spec.requests = requests;
        KERF_VEC_PUSH(lister->list, next);
    }
    kerf_text_fini(&value);
    kerf_text_fini(&was);
}

static void without_host_ports(const struct lister *lister)
{
    struct kerf_hypothesis next = next_of(
        lister, (struct kerf_plan_step){.field = "spec.containers.ports.hostPort", .action = "remove", .value = lister->exclusion->wanted,
                                        .text = kerf_arena_format(lister->arena, "the pod without host port %s",
                                                                  lister->exclusion->wanted != NULL ? lister->exclusion->wanted : "")});
    struct kerf_container *containers =
        kerf_arena_copy(lister->arena, next.spec.containers, next.spec.container_count * sizeof next.spec.containers[0]);
    for (uint32_t i = 0; i < next.spec.container_count; i++)
        containers[i].host_port_count = 0;
    next.spec.containers = containers;
    KERF_VEC_PUSH(lister->list, next);
}

struct kerf_hypothesis kerf_raise_limits(struct kerf_what_if *what_if, const struct kerf_hypothesis *base,
                                         const struct kerf_exclusion *exclusion, int64_t nodes)
{
    struct kerf_vocabulary *vocabulary = what_if->snapshot->vocabulary;
    struct kerf_hypothesis next = *base;
    struct kerf_nodepool_limits *limits = &next.pool.limits;
    struct kerf_text value = {0}, was = {0};
    if (exclusion->rule == KERF_EXCLUDED_BY_NODE_LIMIT) {
        kerf_text_append_format(&was, "nodes %" PRId64, limits->nodes);
        limits->nodes = kerf_saturate_i64((kerf_i128)limits->nodes + nodes);
        kerf_text_append_format(&value, "nodes %" PRId64, limits->nodes);
    }
    for (uint32_t i = 0; i < exclusion->shortage_count; i++) {
        const struct kerf_shortage *shortage = &exclusion->shortages[i];
        int64_t *limit = &limits->resources.amounts[shortage->resource];
        const char *name = vocabulary->resource_names[shortage->resource]->text;
        char text[AMOUNT_BYTES];
        kerf_quantity_format(shortage->resource, *limit, text, sizeof text);
        kerf_text_append_format(&was, "%s%s %s", i > 0 ? ", " : "", name, text);
        *limit = kerf_saturate_i64((kerf_i128)*limit + shortage->wanted - shortage->offered + (kerf_i128)(nodes - 1) * shortage->wanted);
        kerf_quantity_format(shortage->resource, *limit, text, sizeof text);
        kerf_text_append_format(&value, "%s%s %s", i > 0 ? ", " : "", name, text);
    }
    struct kerf_plan_step step = {.of_nodepool = true, .nodepool_index = base->nodepool_index, .field = "spec.limits", .action = "set"};
    step.value = kerf_arena_text(what_if->arena, value.length > 0 ? value.bytes : "");
    step.was = kerf_arena_text(what_if->arena, was.length > 0 ? was.bytes : "");
    step.text = kerf_arena_format(what_if->arena, "NodePool %s with the limit %s instead of %s", next.pool.meta.name->text, step.value, step.was);
    KERF_ASSERT(next.step_count < KERF_CHANGE_STEPS_MAX);
    next.causes[next.step_count] = exclusion;
    next.choices[next.step_count] = nodes;
    next.steps[next.step_count++] = step;
    next.pool_changed = true;
    kerf_text_fini(&value);
    kerf_text_fini(&was);
    return next;
}

/* ---- topology ---------------------------------------------------------------------------------------------------------- */

static bool has_hard_spread(const struct lister *lister)
{
    for (size_t i = 0; i < lister->base->spec.spreads.count; i++)
        if (lister->base->spec.spreads.items[i].do_not_schedule && lister->base->spec.spreads.items[i].topology_key == lister->exclusion->key)
            return true;
    return false;
}

static void soften_spread(const struct lister *lister, int32_t max_skew)
{
    kerf_name key = lister->exclusion->key;
    if (!has_hard_spread(lister))
        return;
    struct kerf_plan_step step = {.field = "spec.topologySpreadConstraints.whenUnsatisfiable", .action = "set", .value = "ScheduleAnyway",
                                  .was = "DoNotSchedule"};
    step.text = kerf_arena_format(lister->arena, "ScheduleAnyway for the pod's spread over %s", key->text);
    if (max_skew > 0) {
        step.field = "spec.topologySpreadConstraints.maxSkew";
        step.value = kerf_arena_format(lister->arena, "%d", max_skew);
        step.was = NULL;
        step.text = kerf_arena_format(lister->arena, "maxSkew %d for the pod's spread over %s", max_skew, key->text);
    }
    struct kerf_hypothesis next = next_of(lister, step);
    struct kerf_topology_spread *items =
        kerf_arena_copy(lister->arena, next.spec.spreads.items, next.spec.spreads.count * sizeof next.spec.spreads.items[0]);
    for (size_t i = 0; i < next.spec.spreads.count; i++) {
        if (items[i].topology_key != key || !items[i].do_not_schedule)
            continue;
        if (max_skew > 0)
            items[i].max_skew = items[i].max_skew > max_skew ? items[i].max_skew : max_skew;
        else
            items[i].do_not_schedule = false;
    }
    next.spec.spreads.items = items;
    KERF_VEC_PUSH(lister->list, next);
}

static bool drop_terms(const struct lister *lister, struct kerf_pod_affinity_terms *terms)
{
    struct kerf_pod_affinity_term *items = KERF_NEW_ARRAY(lister->arena, struct kerf_pod_affinity_term, terms->count);
    size_t count = 0;
    for (size_t i = 0; i < terms->count; i++)
        if (terms->items[i].topology_key != lister->exclusion->key)
            items[count++] = terms->items[i];
    bool any = count < terms->count;
    *terms = (struct kerf_pod_affinity_terms){items, count};
    return any;
}

static void drop_affinity(const struct lister *lister, bool anti)
{
    kerf_name key = lister->exclusion->key;
    struct kerf_hypothesis next =
        next_of(lister, (struct kerf_plan_step){.field = anti ? "spec.affinity.podAntiAffinity" : "spec.affinity.podAffinity",
                                                .action = "remove",
                                                .value = key->text,
                                                .text = kerf_arena_format(lister->arena, "the pod without its required pod %saffinity over %s",
                                                                          anti ? "anti-" : "", key->text)});
    if (drop_terms(lister, anti ? &next.spec.required_anti_affinity : &next.spec.required_affinity))
        KERF_VEC_PUSH(lister->list, next);
}

static void ease_spread(const struct lister *lister)
{
    int64_t needed = lister->exclusion->needed;
    if (needed > 0 && needed <= INT32_MAX)
        soften_spread(lister, (int32_t)needed);
    soften_spread(lister, 0);
}

/* ---- by rule ----------------------------------------------------------------------------------------------------------- */

static void drop_each_pod_key(const struct lister *lister)
{
    const struct kerf_pod_spec *spec = &lister->base->spec;
    for (size_t i = 0; i < spec->node_selector.count; i++)
        drop_pod_key(lister, kerf_vocabulary_normalize_key(lister->vocabulary, spec->node_selector.items[i].key));
    for (uint32_t i = 0; i < spec->required_node_term_count; i++)
        for (size_t k = 0; k < spec->required_node_terms[i].match_expressions.count; k++)
            drop_pod_key(lister, kerf_vocabulary_normalize_key(lister->vocabulary, spec->required_node_terms[i].match_expressions.items[k].key));
}

static void against_requirement(const struct lister *lister)
{
    kerf_name key = lister->exclusion->key;
    if (lister->exclusion->rule == KERF_EXCLUDED_BY_REQUIREMENT)
        drop_pod_key(lister, key);
    if (lister->base->nodepool_index == KERF_NOT_FOUND)
        return;
    if (lister->exclusion->offered != NULL)
        drop_pool_key(lister, key);
    else
        label_pool(lister, key);
}

static void against_types(const struct lister *lister)
{
    if (lister->exclusion->key != NULL)
        drop_pod_key(lister, lister->exclusion->key);
    if (lister->base->nodepool_index != KERF_NOT_FOUND)
        drop_each_pool_key(lister);
}

void kerf_list_changes(struct kerf_what_if *what_if, const struct kerf_hypothesis *base, uint32_t nodepool_index,
                       const struct kerf_exclusion *exclusion, kerf_hypotheses *out_list)
{
    struct lister lister = {what_if, what_if->arena, what_if->snapshot->vocabulary, base, exclusion, out_list};
    if (base->step_count == KERF_CHANGE_STEPS_MAX)
        return;
    bool of_pool = nodepool_index != KERF_NOT_FOUND;
    switch (exclusion->rule) {
    case KERF_EXCLUDED_BY_VALIDATION:
        drop_each_pod_key(&lister);
        break;
    case KERF_EXCLUDED_BY_TAINT:
        tolerate(&lister);
        if (of_pool)
            remove_taint(&lister);
        break;
    case KERF_EXCLUDED_BY_REQUIREMENT:
    case KERF_EXCLUDED_BY_VOLUME:
        against_requirement(&lister);
        break;
    case KERF_EXCLUDED_BY_SPREAD:
        ease_spread(&lister);
        break;
    case KERF_EXCLUDED_BY_AFFINITY:
    case KERF_EXCLUDED_BY_ANTI_AFFINITY:
        drop_affinity(&lister, exclusion->rule == KERF_EXCLUDED_BY_ANTI_AFFINITY);
        break;
    case KERF_EXCLUDED_BY_CONFLICT:
        ease_spread(&lister);
        drop_affinity(&lister, false);
        drop_affinity(&lister, true);
        break;
    case KERF_EXCLUDED_BY_OWN_DEMANDS:
    case KERF_EXCLUDED_BY_TYPES:
    case KERF_EXCLUDED_BY_OFFERING:
        against_types(&lister);
        break;
    case KERF_EXCLUDED_BY_HOST_PORT:
        without_host_ports(&lister);
        break;
    case KERF_EXCLUDED_BY_RESOURCES:
        ask_for_less(&lister);
        if (of_pool)
            drop_each_pool_key(&lister);
        break;
    case KERF_EXCLUDED_BY_MIN_VALUES:
        if (of_pool && exclusion->key != NULL && exclusion->needed > 0)
            lower_min_values(&lister);
        break;
    default: /* limits have a search of their own; for the rest no change is known */
        break;
    }
}
