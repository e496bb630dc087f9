/**
 * spec_identity: do two pod specs ask the same of a pass? Only what a rule of provisioning reads counts, in the order in which it
 * is written (relaxation goes by order).
 */
#include "provisioning/fast_internal.h"

/* ---- hashes ------------------------------------------------------------------------------------------------------------ */

static uint64_t mix_name(uint64_t hash, kerf_name name)
{
    return kerf_hash_mix(hash, name != NULL ? name->hash : 1);
}

static uint64_t mix_labels(uint64_t hash, const struct kerf_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++)
        hash = mix_name(mix_name(hash, labels->items[i].key), labels->items[i].value);
    return hash;
}

static uint64_t mix_expressions(uint64_t hash, const struct kerf_expressions *expressions)
{
    for (size_t i = 0; i < expressions->count; i++) {
        const struct kerf_expression *expression = &expressions->items[i];
        hash = kerf_hash_mix(mix_name(hash, expression->key), (uint64_t)expression->op);
        for (uint32_t k = 0; k < expression->value_count; k++)
            hash = mix_name(hash, expression->values[k]);
    }
    return hash;
}

static uint64_t mix_affinity(uint64_t hash, const struct kerf_pod_affinity_terms *terms, uint64_t kind)
{
    for (size_t i = 0; i < terms->count; i++)
        hash = mix_expressions(mix_name(kerf_hash_mix(hash, kind), terms->items[i].topology_key),
                               &terms->items[i].selector.expressions);
    return hash;
}

uint64_t kerf_tolerations_hash(uint64_t hash, const struct kerf_tolerations *tolerations)
{
    for (size_t i = 0; i < tolerations->count; i++)
        hash = kerf_hash_mix(mix_name(hash, tolerations->items[i].key), (uint64_t)tolerations->items[i].effect);
    return hash;
}

uint64_t kerf_requests_hash(uint64_t hash, const struct kerf_resources *requests)
{
    hash = kerf_hash_mix(hash, requests->present);
    for (uint32_t present = requests->present; present != 0; present &= present - 1)
        hash = kerf_hash_mix(hash, (uint64_t)requests->amounts[__builtin_ctz(present)]);
    return hash;
}

uint64_t kerf_pod_identity_hash(const struct kerf_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->spec;
    uint64_t hash = kerf_requests_hash(mix_name(0, pod->meta.namespace_name), pod->requests);
    hash = mix_labels(mix_labels(hash, &pod->meta.labels), &spec->node_selector);
    for (uint32_t i = 0; i < spec->required_node_term_count; i++)
        hash = mix_expressions(kerf_hash_mix(hash, i), &spec->required_node_terms[i].match_expressions);
    for (uint32_t i = 0; i < spec->preferred_node_term_count; i++)
        hash = mix_expressions(kerf_hash_mix(hash, (uint64_t)spec->preferred_node_terms[i].weight),
                               &spec->preferred_node_terms[i].term.match_expressions);
    hash = mix_affinity(hash, &spec->required_affinity, 1);
    hash = mix_affinity(hash, &spec->preferred_affinity, 2);
    hash = mix_affinity(hash, &spec->required_anti_affinity, 3);
    hash = mix_affinity(hash, &spec->preferred_anti_affinity, 4);
    for (size_t i = 0; i < spec->spreads.count; i++)
        hash = mix_expressions(mix_name(hash, spec->spreads.items[i].topology_key), &spec->spreads.items[i].selector.expressions);
    return kerf_tolerations_hash(hash, &spec->tolerations);
}

/* ---- equality ---------------------------------------------------------------------------------------------------------- */

static bool same_names(const kerf_name *a, uint32_t a_count, const kerf_name *b, uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool same_expressions(const struct kerf_expressions *a, const struct kerf_expressions *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; a->items != b->items && i < a->count; i++)
        if (a->items[i].key != b->items[i].key || a->items[i].op != b->items[i].op ||
            !same_names(a->items[i].values, a->items[i].value_count, b->items[i].values, b->items[i].value_count))
            return false;
    return true;
}

static bool same_selector(const struct kerf_label_selector *a, const struct kerf_label_selector *b)
{
    return a->present == b->present && a->invalid == b->invalid && same_expressions(&a->expressions, &b->expressions);
}

static bool same_affinity(const struct kerf_pod_affinity_terms *a, const struct kerf_pod_affinity_terms *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct kerf_pod_affinity_term *left = &a->items[i], *right = &b->items[i];
        if (left->weight != right->weight || left->topology_key != right->topology_key ||
            !same_selector(&left->selector, &right->selector) ||
            !same_selector(&left->namespace_selector, &right->namespace_selector) ||
            !same_names(left->namespaces, left->namespace_count, right->namespaces, right->namespace_count))
            return false;
    }
    return true;
}

static bool same_spreads(const struct kerf_topology_spreads *a, const struct kerf_topology_spreads *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct kerf_topology_spread *left = &a->items[i], *right = &b->items[i];
        if (left->max_skew != right->max_skew || left->min_domains != right->min_domains ||
            left->do_not_schedule != right->do_not_schedule || left->node_affinity_policy != right->node_affinity_policy ||
            left->node_taints_policy != right->node_taints_policy || left->topology_key != right->topology_key ||
            !same_selector(&left->selector, &right->selector) ||
            !same_names(left->match_label_keys, left->match_label_key_count, right->match_label_keys,
                        right->match_label_key_count))
            return false;
    }
    return true;
}

bool kerf_tolerations_same(const struct kerf_tolerations *a, const struct kerf_tolerations *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; a->items != b->items && i < a->count; i++) {
        const struct kerf_toleration *left = &a->items[i], *right = &b->items[i];
        if (left->key != right->key || left->op != right->op || left->value != right->value || left->effect != right->effect ||
            left->toleration_seconds != right->toleration_seconds)
            return false;
    }
    return true;
}

/* The k-th port that a container of the pod takes of its host; NULL: it has no more. */
static const struct kerf_host_port *host_port_at(const struct kerf_pod_spec *spec, uint32_t k)
{
    for (uint32_t i = 0; i < spec->container_count; i++) {
        uint32_t count = spec->containers[i].init ? 0 : spec->containers[i].host_port_count;
        if (k < count)
            return &spec->containers[i].host_ports[k];
        k -= count;
    }
    return NULL;
}

bool kerf_host_ports_same(const struct kerf_pod_spec *a, const struct kerf_pod_spec *b)
{
    for (uint32_t k = 0;; k++) {
        const struct kerf_host_port *left = host_port_at(a, k), *right = host_port_at(b, k);
        if (left == NULL || right == NULL)
            return left == right;
        if (left->address != right->address || left->port != right->port || left->protocol != right->protocol)
            return false;
    }
}

static bool same_node_terms(const struct kerf_pod_spec *a, const struct kerf_pod_spec *b)
{
    if (a->has_required_node_terms != b->has_required_node_terms || a->required_node_term_count != b->required_node_term_count ||
        a->preferred_node_term_count != b->preferred_node_term_count)
        return false;
    for (uint32_t i = 0; i < a->required_node_term_count; i++)
        if (!same_expressions(&a->required_node_terms[i].match_expressions, &b->required_node_terms[i].match_expressions))
            return false;
    for (uint32_t i = 0; i < a->preferred_node_term_count; i++)
        if (a->preferred_node_terms[i].weight != b->preferred_node_terms[i].weight ||
            !same_expressions(&a->preferred_node_terms[i].term.match_expressions,
                              &b->preferred_node_terms[i].term.match_expressions))
            return false;
    return true;
}

bool kerf_pod_specs_ask_the_same(const struct kerf_pod_spec *a, const struct kerf_pod_spec *b)
{
    return kerf_labels_equal(&a->node_selector, &b->node_selector) && same_node_terms(a, b) &&
           same_affinity(&a->required_affinity, &b->required_affinity) &&
           same_affinity(&a->preferred_affinity, &b->preferred_affinity) &&
           same_affinity(&a->required_anti_affinity, &b->required_anti_affinity) &&
           same_affinity(&a->preferred_anti_affinity, &b->preferred_anti_affinity) && same_spreads(&a->spreads, &b->spreads) &&
           kerf_tolerations_same(&a->tolerations, &b->tolerations) && kerf_host_ports_same(a, b) &&
           (a->resource_claim_count > 0) == (b->resource_claim_count > 0);
}

/* Both ask for the same nodes; of a template's required terms, those of a pod don't matter (3.3). */
static bool same_daemon_terms(const struct kerf_pod_spec *live, const struct kerf_pod_spec *template)
{
    if (template->has_required_node_terms)
        return true;
    for (uint32_t i = 0; i < live->required_node_term_count; i++) /* fields, which bind it to its node, are not read */
        if (live->required_node_terms[i].match_expressions.count > 0)
            return false;
    return true;
}

bool kerf_daemon_specs_same(const struct kerf_pod_spec *live, const struct kerf_pod_spec *template)
{
    return live == template ||
           (kerf_resources_equal(&live->requests, &template->requests) && kerf_labels_equal(&live->node_selector, &template->node_selector) &&
            same_daemon_terms(live, template) && kerf_tolerations_same(&live->tolerations, &template->tolerations) &&
            kerf_host_ports_same(live, template) && (live->resource_claim_count > 0) == (template->resource_claim_count > 0));
}

bool kerf_pods_ask_the_same(const struct kerf_pod *a, const struct kerf_pod *b)
{
    return a->meta.namespace_name == b->meta.namespace_name &&
           (a->requests == b->requests || kerf_resources_equal(a->requests, b->requests)) &&
           kerf_labels_equal(&a->meta.labels, &b->meta.labels) && (a->spec == b->spec || kerf_pod_specs_ask_the_same(a->spec, b->spec));
}
