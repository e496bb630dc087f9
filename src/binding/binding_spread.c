/** PodTopologySpread: hard constraints filter (kube-scheduler.md 5.3), soft and default ones score (9.3, 10). */
#include "binding_internal.h"
#include "random/random.h"

#include <math.h>

/* ---- which pods, which nodes
 * ------------------------------------------------------------------------------------------------------- */

static struct pod_filter filter_of_selector(struct attempt *attempt, struct kerf_label_selector selector)
{
    struct pod_term *term = KERF_NEW(attempt->arena, struct pod_term);
    *term = (struct pod_term){.own_namespace = attempt->pod->pod.meta.namespace_name, .selector = selector};
    return (struct pod_filter){.terms = term, .term_count = 1, .skip_terminating = true};
}

static bool selects_everything(const struct kerf_label_selector *selector)
{
    return selector->present && !selector->invalid && selector->expressions.count == 0;
}

/* ---- hard constraints
 * -------------------------------------------------------------------------------------------------------------- */

static bool has_all_keys(const struct attempt *attempt, uint32_t slot)
{
    for (uint32_t i = 0; i < attempt->spread_count; i++)
        if (attempt->spreads[i].column->domain_of_slot[slot] == KERF_NOT_FOUND)
            return false;
    return true;
}

static void count_nodes(struct attempt *attempt, struct spread_state *state, const struct match_column *matches)
{
    const struct kerf_binding *binding = attempt->binding;
    state->counts = KERF_NEW_ARRAY(attempt->arena, int32_t, state->column->domain_count);
    state->domain_nodes = KERF_NEW_ARRAY(attempt->arena, uint32_t, state->column->domain_count);
    for (uint32_t at = 0; at < binding->order_count; at++) {
        uint32_t slot = binding->order[at];
        if (!has_all_keys(attempt, slot) || !kerf_spread_policies_include(attempt, state->spread, &binding->nodes[slot]))
            continue;
        uint32_t domain = state->column->domain_of_slot[slot];
        state->domain_total += state->domain_nodes[domain]++ == 0;
        if (matches) /* an empty selector counts nothing */
            state->counts[domain] += (int32_t)matches->count_of_slot[slot];
    }
}

/** The same from what is remembered of the pod's kind; dry runs of preemption leave the counts as they were. */
static void take_tally(struct attempt *attempt, struct spread_state *state, const struct match_column *matches,
                       struct spread_tally *tally)
{
    const struct key_column **required = KERF_NEW_ARRAY(attempt->arena, const struct key_column *, attempt->spread_count);
    for (uint32_t i = 0; i < attempt->spread_count; i++)
        required[i] = attempt->spreads[i].column;
    struct tally_rule rule = {.spread = state->spread,
                              .column = state->column,
                              .matches = matches,
                              .required = required,
                              .required_count = attempt->spread_count};
    kerf_tally_follow(attempt, tally, &rule);
    state->counts = tally->counts;
    state->domain_nodes = tally->domain_nodes;
    state->domain_total = tally->domain_total;
}

void kerf_spread_begin(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    const struct kerf_topology_spreads *spreads = &attempt->spec->spreads;
    uint32_t hard_count = 0;
    for (size_t i = 0; i < spreads->count; i++)
        hard_count += spreads->items[i].do_not_schedule;
    if (!hard_count)
        return;
    attempt->spreads = KERF_NEW_ARRAY(attempt->arena, struct spread_state, hard_count);
    const struct kerf_labels *labels = &attempt->pod->pod.meta.labels;
    for (size_t i = 0; i < spreads->count; i++) {
        if (!spreads->items[i].do_not_schedule)
            continue;
        struct spread_state *state = &attempt->spreads[attempt->spread_count++];
        state->spread = &spreads->items[i];
        state->filter = filter_of_selector(
            attempt, kerf_spread_selector(state->spread, labels, kerf_cluster_vocabulary(binding->cluster), attempt->arena));
        state->column = kerf_binding_key_column(binding, state->spread->topology_key);
        state->self = kerf_label_selector_matches(&state->filter.terms[0].selector, labels);
        state->minimum_stale = true;
    }
    for (uint32_t i = 0; i < attempt->spread_count; i++) {
        struct spread_state *state = &attempt->spreads[i];
        const struct match_column *matches =
            selects_everything(&state->filter.terms[0].selector) ? NULL : kerf_binding_match_column(binding, &state->filter);
        if (attempt->kind)
            take_tally(attempt, state, matches,
                       &kerf_kind_tallies(&attempt->kind->hard, &attempt->kind->hard_count, attempt->spread_count)[i]);
        else
            count_nodes(attempt, state, matches);
    }
}

static int64_t minimum_of(struct spread_state *state)
{
    if (!state->minimum_stale)
        return state->minimum;
    state->minimum_stale = false;
    uint32_t wanted = state->spread->min_domains > 1 ? (uint32_t)state->spread->min_domains : 1;
    int64_t minimum = INT64_MAX;
    for (uint32_t d = 0; d < state->column->domain_count; d++)
        if (state->domain_nodes[d] && state->counts[d] < minimum)
            minimum = state->counts[d];
    return state->minimum = state->domain_total < wanted ? 0 : minimum;
}

bool kerf_spread_filter(struct attempt *attempt, uint32_t slot, struct refusal *out_refusal)
{
    for (uint32_t i = 0; i < attempt->spread_count; i++) {
        struct spread_state *state = &attempt->spreads[i];
        uint32_t domain = state->column->domain_of_slot[slot];
        if (domain == KERF_NOT_FOUND) {
            *out_refusal = (struct refusal){
                "PodTopologySpread", "node(s) didn't match pod topology spread constraints (missing required label)", false};
            return false;
        }
        if (state->counts[domain] + state->self - minimum_of(state) > state->spread->max_skew) {
            *out_refusal = (struct refusal){"PodTopologySpread", "node(s) didn't match pod topology spread constraints", true};
            return false;
        }
    }
    return true;
}

void kerf_spread_note_allowed(struct attempt *attempt)
{
    enum { FEW_DOMAINS = 64 };
    struct spread_state *state = attempt->spreads;
    if (attempt->spread_count != 1 || state->column->domain_count > FEW_DOMAINS)
        return;
    state->allowed = KERF_NEW_ARRAY(attempt->arena, bool, state->column->domain_count);
    int64_t most = minimum_of(state) + state->spread->max_skew - state->self;
    for (uint32_t d = 0; d < state->column->domain_count; d++)
        state->allowed[d] = state->counts[d] <= most;
}

void kerf_spread_count_pod(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign)
{
    if (!attempt->spread_count || pod->meta.namespace_name != attempt->pod->pod.meta.namespace_name ||
        !has_all_keys(attempt, slot))
        return;
    for (uint32_t i = 0; i < attempt->spread_count; i++) {
        struct spread_state *state = &attempt->spreads[i];
        if (!kerf_label_selector_matches(&state->filter.terms[0].selector, &pod->meta.labels) ||
            !kerf_spread_policies_include(attempt, state->spread, &attempt->binding->nodes[slot]))
            continue;
        state->counts[state->column->domain_of_slot[slot]] += sign;
        state->minimum_stale = true;
    }
}

/* ---- soft constraints
 * ---------------------------------------------------------------------------------------------------------------- */

struct soft_constraint {
    struct kerf_topology_spread spread;
    const struct match_column *matches; /* NULL: counts nothing */
    struct key_column *column;
    bool by_host;
    const int32_t *tallied; /* by domain, from what is remembered; NULL: `counts` */
    int64_t *counts;   /* by domain; at domain_count: nodes without the key */
    bool *of_feasible; /* by domain: a feasible node is in it */
    double weight;
};

static const struct kerf_topology_spread *system_defaults(const struct kerf_vocabulary *vocabulary,
                                                          struct kerf_topology_spread out[2])
{
    out[0] = (struct kerf_topology_spread){.max_skew = 3,
                                           .topology_key = vocabulary->key_hostname,
                                           .node_affinity_policy = KERF_NODE_POLICY_HONOR,
                                           .node_taints_policy = KERF_NODE_POLICY_IGNORE};
    out[1] = (struct kerf_topology_spread){.max_skew = 5,
                                           .topology_key = vocabulary->key_zone,
                                           .node_affinity_policy = KERF_NODE_POLICY_HONOR,
                                           .node_taints_policy = KERF_NODE_POLICY_IGNORE};
    return out;
}

static void add_label_expression(struct attempt *attempt, struct kerf_expression *expressions, size_t *count,
                                 struct kerf_label label)
{
    for (size_t i = 0; i < *count; i++)
        if (expressions[i].key == label.key && expressions[i].op == KERF_OP_IN && expressions[i].value_count == 1 &&
            expressions[i].values[0] == label.value)
            return;
    expressions[(*count)++] =
        (struct kerf_expression){.key = label.key,
                                 .op = KERF_OP_IN,
                                 .values = kerf_arena_copy(attempt->arena, &label.value, sizeof label.value),
                                 .value_count = 1,
                                 .min_values = -1};
}

/** The selector of whoever controls the pod: its ReplicaSet, StatefulSet or ReplicationController. */
static const struct kerf_workload *controller_with_selector(const struct attempt *attempt, bool *out_is_deployment)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    const struct kerf_owner *owner = kerf_meta_controller(&attempt->pod->pod.meta);
    *out_is_deployment = false;
    if (!owner || !owner->kind || !owner->name)
        return NULL;
    if (!kerf_name_is(owner->kind, "ReplicaSet") && !kerf_name_is(owner->kind, "StatefulSet") &&
        !kerf_name_is(owner->kind, "ReplicationController"))
        return NULL;
    const struct kerf_workload *workloads = kerf_cluster_objects(cluster)->workloads.items;
    uint32_t index = kerf_cluster_find_workload(cluster, attempt->pod->pod.meta.namespace_name, owner->kind, owner->name);
    if (index != KERF_NOT_FOUND)
        return &workloads[index];
    /* The ReplicaSet itself was not read: its Deployment's selector and the hash of the template are what it selects by. */
    index = attempt->pod->workload_index;
    if (index == KERF_NOT_FOUND || workloads[index].kind != KERF_WORKLOAD_DEPLOYMENT)
        return NULL;
    *out_is_deployment = true;
    return &workloads[index];
}

/** What the built-in default constraints select (section 10); count 0: there are none. */
static struct kerf_label_selector default_selector(struct attempt *attempt)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    const struct kerf_objects *objects = kerf_cluster_objects(cluster);
    const struct kerf_pod *pod = &attempt->pod->pod;
    size_t room = 1;
    for (size_t i = 0; i < objects->services.count; i++)
        if (objects->services.items[i].meta.namespace_name == pod->meta.namespace_name)
            room += objects->services.items[i].selector.count;
    bool is_deployment;
    const struct kerf_workload *controller = controller_with_selector(attempt, &is_deployment);
    if (controller)
        room += controller->selector.expressions.count;
    struct kerf_expression *expressions = KERF_NEW_ARRAY(attempt->arena, struct kerf_expression, room);
    size_t count = 0;
    for (size_t i = 0; i < objects->services.count; i++) {
        const struct kerf_service *service = &objects->services.items[i];
        if (service->meta.namespace_name != pod->meta.namespace_name || !service->selector.count)
            continue;
        bool selects = true;
        for (size_t l = 0; l < service->selector.count && selects; l++)
            selects = kerf_labels_get(&pod->meta.labels, service->selector.items[l].key) == service->selector.items[l].value;
        for (size_t l = 0; l < service->selector.count && selects; l++)
            add_label_expression(attempt, expressions, &count, service->selector.items[l]);
    }
    bool invalid = false;
    if (controller && controller->selector.present) {
        invalid = controller->selector.invalid;
        for (size_t i = 0; i < controller->selector.expressions.count; i++)
            expressions[count++] = controller->selector.expressions.items[i];
        kerf_name hash_key = kerf_name_find(kerf_cluster_vocabulary(cluster)->names, "pod-template-hash");
        kerf_name hash = is_deployment && hash_key ? kerf_labels_get(&pod->meta.labels, hash_key) : NULL;
        if (hash)
            add_label_expression(attempt, expressions, &count, (struct kerf_label){hash_key, hash});
    }
    return (struct kerf_label_selector){.present = true, .invalid = invalid, .expressions = {expressions, count}};
}

/** The soft constraints that score this pod: its own, or the default ones if it has none of any sort. */
static struct soft_constraint *soft_constraints(struct attempt *attempt, uint32_t *out_count, bool *out_strict)
{
    struct kerf_binding *binding = attempt->binding;
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(binding->cluster);
    const struct kerf_topology_spreads *own = &attempt->spec->spreads;
    struct kerf_topology_spread built_in[2];
    const struct kerf_topology_spread *spreads = own->items;
    size_t spread_count = own->count;
    struct kerf_label_selector selector = {0};
    bool by_default = own->count == 0;
    *out_strict = !by_default || binding->configuration->spread_defaults_list;
    *out_count = 0;
    if (by_default) {
        if (binding->configuration->spread_defaults_list) {
            spreads = binding->configuration->default_spreads.items;
            spread_count = binding->configuration->default_spreads.count;
        } else {
            spreads = system_defaults(vocabulary, built_in);
            spread_count = 2;
        }
        if (!spread_count)
            return NULL;
        selector = default_selector(attempt);
        if (selects_everything(&selector))
            return NULL;
    }
    struct soft_constraint *constraints = KERF_NEW_ARRAY(attempt->arena, struct soft_constraint, spread_count);
    for (size_t i = 0; i < spread_count; i++) {
        if (spreads[i].do_not_schedule)
            continue;
        struct soft_constraint *constraint = &constraints[(*out_count)++];
        constraint->spread = spreads[i];
        if (!by_default)
            selector = kerf_spread_selector(&spreads[i], &attempt->pod->pod.meta.labels,
                                            kerf_cluster_vocabulary(binding->cluster), attempt->arena);
        struct pod_filter filter = filter_of_selector(attempt, selector);
        constraint->matches = selects_everything(&selector) ? NULL : kerf_binding_match_column(binding, &filter);
        constraint->column = kerf_binding_key_column(binding, spreads[i].topology_key);
        constraint->by_host = spreads[i].topology_key == vocabulary->key_hostname;
        if (constraint->by_host)
            continue; /* each node is its domain */
        constraint->of_feasible = KERF_NEW_ARRAY(attempt->arena, bool, constraint->column->domain_count + 1);
        if (!attempt->kind)
            constraint->counts = KERF_NEW_ARRAY(attempt->arena, int64_t, constraint->column->domain_count + 1);
    }
    return constraints;
}

static uint32_t domain_or_none(const struct soft_constraint *constraint, uint32_t slot)
{
    uint32_t domain = constraint->column->domain_of_slot[slot];
    return domain == KERF_NOT_FOUND ? constraint->column->domain_count : domain;
}

static bool has_soft_keys(const struct soft_constraint *constraints, uint32_t constraint_count, uint32_t slot)
{
    for (uint32_t i = 0; i < constraint_count; i++)
        if (constraints[i].column->domain_of_slot[slot] == KERF_NOT_FOUND)
            return false;
    return true;
}

/** By its size: the domains among the feasible nodes. */
static void weigh(struct soft_constraint *constraint, const uint32_t *slots, uint32_t count, const bool *ignored)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (ignored[i])
            continue;
        bool seen = false;
        if (!constraint->by_host) {
            bool *of_feasible = &constraint->of_feasible[domain_or_none(constraint, slots[i])];
            seen = *of_feasible;
            *of_feasible = true;
        }
        size += !seen;
    }
    constraint->weight = kerf_exact_log((double)size + 2.0);
}

/** Matching pods over all nodes, per domain that has a feasible node. */
static void count_domains(struct attempt *attempt, const struct soft_constraint *constraints, uint32_t constraint_count,
                          bool strict, struct soft_constraint *constraint)
{
    const struct kerf_binding *binding = attempt->binding;
    for (uint32_t at = 0; at < binding->order_count; at++) {
        uint32_t slot = binding->order[at];
        uint32_t domain = domain_or_none(constraint, slot);
        if (constraint->matches->count_of_slot[slot] && constraint->of_feasible[domain] &&
            (!strict || has_soft_keys(constraints, constraint_count, slot)) &&
            kerf_spread_policies_include(attempt, &constraint->spread, &binding->nodes[slot]))
            constraint->counts[domain] += constraint->matches->count_of_slot[slot];
    }
}

/** The same from what is remembered of the pod's kind; domains without a feasible node count too, and nobody asks for them. */
static void tally_domains(struct attempt *attempt, const struct soft_constraint *constraints, uint32_t constraint_count,
                          bool strict, struct soft_constraint *constraint)
{
    struct pod_kind *kind = attempt->kind;
    struct spread_tally *tally =
        &kerf_kind_tallies(&kind->soft, &kind->soft_count, constraint_count)[constraint - constraints];
    const struct key_column **required = KERF_NEW_ARRAY(attempt->arena, const struct key_column *, constraint_count);
    for (uint32_t i = 0; i < constraint_count; i++)
        required[i] = constraints[i].column;
    struct tally_rule rule = {.spread = &constraint->spread,
                              .column = constraint->column,
                              .matches = constraint->matches,
                              .required = required,
                              .required_count = strict ? constraint_count : 0};
    kerf_tally_follow(attempt, tally, &rule);
    constraint->tallied = tally->counts;
}

/** As round() of a number that isn't negative: the nearest whole one, halves up. */
static int64_t rounded(double number)
{
    int64_t whole = (int64_t)number;
    return whole + (number - (double)whole >= 0.5);
}

bool kerf_spread_score(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    uint32_t constraint_count;
    bool strict;
    struct soft_constraint *constraints = soft_constraints(attempt, &constraint_count, &strict);
    if (!constraint_count)
        return false;
    bool *ignored = KERF_NEW_ARRAY(attempt->arena, bool, count);
    for (uint32_t i = 0; strict && i < count; i++)
        ignored[i] = !has_soft_keys(constraints, constraint_count, slots[i]);
    for (uint32_t c = 0; c < constraint_count; c++) {
        weigh(&constraints[c], slots, count, ignored);
        if (constraints[c].by_host || !constraints[c].matches)
            continue;
        if (attempt->kind)
            tally_domains(attempt, constraints, constraint_count, strict, &constraints[c]);
        else
            count_domains(attempt, constraints, constraint_count, strict, &constraints[c]);
    }
    int64_t lowest = INT64_MAX, highest = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (ignored[i])
            continue;
        double score = 0;
        for (uint32_t c = 0; c < constraint_count; c++) {
            const struct soft_constraint *constraint = &constraints[c];
            uint32_t domain = constraint->column->domain_of_slot[slots[i]];
            if (domain == KERF_NOT_FOUND)
                continue;
            int64_t pods = !constraint->matches  ? 0
                           : constraint->by_host ? constraint->matches->count_of_slot[slots[i]]
                           : constraint->tallied ? constraint->tallied[domain]
                                                 : constraint->counts[domain];
            score += (double)pods * constraint->weight + (double)(constraint->spread.max_skew - 1);
        }
        scores[i] = rounded(score);
        lowest = kerf_min_i64(lowest, scores[i]);
        highest = kerf_max_i64(highest, scores[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        scores[i] = ignored[i] ? 0 : highest == 0 ? 100 : 100 * (highest + lowest - scores[i]) / highest;
    return true;
}
