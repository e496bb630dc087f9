/**
 * One attempt: what filters need to know beforehand (PreFilter), and the filters in the order of the profile
 * (kube-scheduler.md 1 and 5). The first that rejects a node is the only one blamed.
 */
#include "binding_internal.h"

/* ---- before the search
 * ------------------------------------------------------------------------------------------------------------- */

static void collect_requests(struct attempt *attempt)
{
    const struct kerf_resources *requests = attempt->pod->pod.requests;
    attempt->request_count = 0;
    for (uint32_t present = requests->present; present; present &= present - 1) {
        enum kerf_resource resource = (enum kerf_resource)__builtin_ctz(present);
        int64_t amount = kerf_binding_unit_amount(resource, requests->amounts[resource]);
        if (resource == KERF_RESOURCE_PODS || amount <= 0)
            continue;
        attempt->requests[attempt->request_count].resource = resource;
        attempt->requests[attempt->request_count++].amount = amount;
    }
    kerf_binding_nonzero_requests(&attempt->pod->pod, false, &attempt->nonzero_cpu, &attempt->nonzero_memory);
}

/** Ports of app containers and sidecars; other init containers are gone before the rest starts. */
static void collect_ports(struct attempt *attempt)
{
    const struct kerf_pod_spec *spec = attempt->spec;
    uint32_t count = 0;
    for (uint32_t i = 0; i < spec->container_count; i++)
        count += spec->containers[i].host_port_count;
    if (!count)
        return;
    struct kerf_host_port *ports = KERF_NEW_ARRAY(attempt->arena, struct kerf_host_port, count);
    for (uint32_t i = 0; i < spec->container_count; i++)
        if (!spec->containers[i].init || spec->containers[i].restart_always)
            for (uint32_t p = 0; p < spec->containers[i].host_port_count; p++)
                ports[attempt->port_count++] = spec->containers[i].host_ports[p];
    attempt->ports = ports;
}

static void add_restricted_name(struct attempt *attempt, kerf_name *names, kerf_name name)
{
    for (uint32_t i = 0; i < attempt->restricted_count; i++)
        if (names[i] == name)
            return;
    names[attempt->restricted_count++] = name;
}

static bool has_value(const struct kerf_expression *field, kerf_name value)
{
    for (uint32_t v = 0; v < field->value_count; v++)
        if (field->values[v] == value)
            return true;
    return false;
}

/** Names that the term allows: those common to its metadata.name fields with In. False: the term names none. */
static bool names_of_term(const struct kerf_node_selector_term *term, kerf_name *out_names, uint32_t *out_count)
{
    bool named = false;
    *out_count = 0;
    for (size_t f = 0; f < term->match_fields.count; f++) {
        const struct kerf_expression *field = &term->match_fields.items[f];
        if (field->op != KERF_OP_IN || !kerf_name_is(field->key, "metadata.name"))
            continue;
        if (!named) {
            for (uint32_t v = 0; v < field->value_count; v++)
                out_names[(*out_count)++] = field->values[v];
            named = true;
            continue;
        }
        uint32_t kept = 0;
        for (uint32_t i = 0; i < *out_count; i++)
            if (has_value(field, out_names[i]))
                out_names[kept++] = out_names[i];
        *out_count = kept;
    }
    return named;
}

/** A pod whose every term names nodes is looked at on those nodes only. */
static void restrict_by_name(struct attempt *attempt)
{
    const struct kerf_pod_spec *spec = attempt->spec;
    if (!spec->has_required_node_terms || !spec->required_node_term_count)
        return;
    uint32_t value_count = 0;
    for (uint32_t t = 0; t < spec->required_node_term_count; t++) {
        const struct kerf_node_selector_term *term = &spec->required_node_terms[t];
        if (!term->match_fields.count)
            return;
        for (size_t f = 0; f < term->match_fields.count; f++)
            value_count += term->match_fields.items[f].value_count;
    }
    kerf_name *names = KERF_NEW_ARRAY(attempt->arena, kerf_name, value_count + 1);
    kerf_name *of_term = KERF_NEW_ARRAY(attempt->arena, kerf_name, value_count + 1);
    for (uint32_t t = 0; t < spec->required_node_term_count; t++) {
        uint32_t count;
        if (!names_of_term(&spec->required_node_terms[t], of_term, &count)) {
            attempt->restricted_count = 0;
            return;
        }
        for (uint32_t i = 0; i < count; i++)
            add_restricted_name(attempt, names, of_term[i]);
    }
    attempt->restricted = true;
    attempt->restricted_names = names;
    if (!attempt->restricted_count)
        attempt->rejected = (struct refusal){"NodeAffinity", "node(s) didn't match Pod's node affinity", false};
}

bool kerf_attempt_node_rules_match(const struct attempt *attempt, const struct node_info *node)
{
    const struct kerf_pod_spec *spec = attempt->spec;
    for (size_t i = 0; i < spec->node_selector.count; i++)
        if (kerf_labels_get(&node->labels, spec->node_selector.items[i].key) != spec->node_selector.items[i].value)
            return false;
    if (!spec->has_required_node_terms)
        return true;
    for (uint32_t t = 0; t < spec->required_node_term_count; t++)
        if (kerf_node_selector_term_matches(&spec->required_node_terms[t], &node->labels, node->name))
            return true;
    return false;
}

void kerf_attempt_begin(struct attempt *attempt, struct kerf_binding *binding, const struct kerf_cluster_pod *pod,
                        struct pod_kind *kind, struct kerf_arena *arena)
{
    *attempt = (struct attempt){.binding = binding, .pod = pod, .spec = pod->pod.spec, .arena = arena, .kind = kind};
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(binding->cluster);
    struct kerf_taint cordon = {.key = vocabulary->key_taint_unschedulable, .effect = KERF_TAINT_NO_SCHEDULE};
    struct kerf_taints cordons = {&cordon, 1};
    attempt->tolerates_unschedulable = !kerf_taints_untolerated(&cordons, &attempt->spec->tolerations, KERF_EFFECTS_HARD | KERF_COMPARISONS_OFF);
    attempt->has_node_rules = attempt->spec->node_selector.count > 0 || attempt->spec->has_required_node_terms;
    collect_requests(attempt);
    collect_ports(attempt);
    restrict_by_name(attempt);
    if (attempt->restricted)
        attempt->kind = NULL; /* few nodes to look at, and in another order */
    if (attempt->spec->volume_count && !attempt->rejected.plugin)
        kerf_volumes_begin(attempt);
    if (attempt->rejected.plugin)
        return;
    kerf_spread_begin(attempt);
    kerf_interpod_begin(attempt);
}

bool kerf_attempt_is_local(const struct attempt *attempt)
{
    return !attempt->spread_count && !attempt->affinity_count && !attempt->anti_affinity_count &&
           !attempt->existing_anti_affinity.count;
}

void kerf_attempt_count_pod(struct attempt *attempt, uint32_t slot, const struct kerf_pod *pod, int32_t sign)
{
    kerf_spread_count_pod(attempt, slot, pod, sign);
    kerf_interpod_count_pod(attempt, slot, pod, sign);
}

/* ---- views
 * ------------------------------------------------------------------------------------------------------------------------- */

static bool is_removed(const struct node_view *view, kerf_pod_id id)
{
    for (uint32_t i = 0; i < view->removed_count; i++)
        if (kerf_pod_id_equal(view->removed[i], id))
            return true;
    return false;
}

const struct kerf_cluster_pod **kerf_view_pods(const struct attempt *attempt, const struct node_view *view, uint32_t *out_count)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    struct slot_pods on_node = kerf_slot_pods(attempt->binding, view->slot);
    const struct kerf_cluster_pod **pods =
        KERF_NEW_ARRAY(attempt->arena, const struct kerf_cluster_pod *, on_node.count + view->added_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < on_node.count; i++) {
        const struct kerf_cluster_pod *pod = kerf_slot_pod(&on_node, i);
        if (!kerf_pod_is_terminal(&pod->pod) && !is_removed(view, pod->id))
            pods[count++] = pod;
    }
    for (uint32_t i = 0; i < view->added_count; i++)
        pods[count++] = kerf_cluster_pod(cluster, view->added[i]);
    *out_count = count;
    return pods;
}

/* ---- filters
 * ------------------------------------------------------------------------------------------------------------------------ */

static bool refuse(struct refusal *out_refusal, const char *plugin, const char *reason, bool resolvable)
{
    *out_refusal = (struct refusal){plugin, reason, resolvable};
    return false;
}

static bool wildcard(kerf_name address)
{
    return !address || kerf_name_is(address, "0.0.0.0");
}

static enum kerf_protocol protocol_of(const struct kerf_host_port *port)
{
    return port->protocol == KERF_PROTOCOL_UNSET ? KERF_PROTOCOL_TCP : port->protocol;
}

/** kube-scheduler's own rule: only 0.0.0.0 stands for every address, `::` is an address like others. */
static bool ports_clash(const struct kerf_host_port *a, const struct kerf_host_port *b)
{
    return a->port == b->port && protocol_of(a) == protocol_of(b) &&
           (a->address == b->address || wildcard(a->address) || wildcard(b->address));
}

static bool ports_are_free(const struct attempt *attempt, const struct node_view *view)
{
    if (!attempt->binding->nodes[view->slot].port_pods && !view->added_count)
        return true;
    uint32_t pod_count;
    const struct kerf_cluster_pod **pods = kerf_view_pods(attempt, view, &pod_count);
    for (uint32_t i = 0; i < pod_count; i++) {
        const struct kerf_pod_spec *spec = pods[i]->pod.spec;
        for (uint32_t c = 0; c < spec->container_count; c++) {
            const struct kerf_container *container = &spec->containers[c];
            if (container->init && !container->restart_always)
                continue;
            for (uint32_t p = 0; p < container->host_port_count; p++)
                for (uint32_t own = 0; own < attempt->port_count; own++)
                    if (ports_clash(&attempt->ports[own], &container->host_ports[p]))
                        return false;
        }
    }
    return true;
}

static const char *insufficient(enum kerf_resource resource)
{
    switch (resource) {
    case KERF_RESOURCE_CPU:
        return "Insufficient cpu";
    case KERF_RESOURCE_MEMORY:
        return "Insufficient memory";
    case KERF_RESOURCE_EPHEMERAL_STORAGE:
        return "Insufficient ephemeral-storage";
    default:
        return "Insufficient extended resource";
    }
}

/** Section 4.2; any request beyond the whole node makes the refusal unresolvable. */
static bool resources_fit(const struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal)
{
    const struct node_info *node = &attempt->binding->nodes[view->slot];
    const char *reason = NULL;
    if (view->used[KERF_RESOURCE_PODS] + 1 > node->allocatable[KERF_RESOURCE_PODS])
        reason = "Too many pods";
    bool resolvable = true;
    for (uint32_t i = 0; i < attempt->request_count; i++) {
        enum kerf_resource resource = attempt->requests[i].resource;
        int64_t amount = attempt->requests[i].amount;
        if (amount <= node->allocatable[resource] - view->used[resource])
            continue;
        if (!reason)
            reason = insufficient(resource);
        if (amount > node->allocatable[resource])
            resolvable = false;
    }
    return !reason || refuse(out_refusal, "NodeResourcesFit", reason, resolvable);
}

bool kerf_attempt_filter_node(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal)
{
    const struct kerf_binding *binding = attempt->binding;
    const struct node_info *node = &binding->nodes[view->slot];
    const struct kerf_pod_spec *spec = attempt->spec;
    if (node->unschedulable && !attempt->tolerates_unschedulable)
        return refuse(out_refusal, "NodeUnschedulable", "node(s) were unschedulable", false);
    if (node->has_hard_taints && kerf_taints_untolerated(&node->taints, &spec->tolerations, KERF_EFFECTS_HARD | KERF_COMPARISONS_OFF))
        return refuse(out_refusal, "TaintToleration", "node(s) had untolerated taint(s)", false);
    if (binding->configuration->has_added_affinity &&
        !kerf_node_selector_term_matches(&binding->configuration->added_affinity, &node->labels, node->name))
        return refuse(out_refusal, "NodeAffinity", "node(s) didn't match scheduler-enforced node affinity", false);
    if (attempt->has_node_rules && !kerf_attempt_node_rules_match(attempt, node))
        return refuse(out_refusal, "NodeAffinity", "node(s) didn't match Pod's node affinity/selector", false);
    if (attempt->port_count && !ports_are_free(attempt, view))
        return refuse(out_refusal, "NodePorts", "node(s) didn't have free ports for the requested pod ports", true);
    if (!resources_fit(attempt, view, out_refusal))
        return false;
    return !attempt->volumes || kerf_volumes_filter(attempt, view, out_refusal);
}

bool kerf_attempt_filter(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal)
{
    if (!kerf_attempt_filter_node(attempt, view, out_refusal))
        return false;
    if (attempt->spread_count && !kerf_spread_filter(attempt, view->slot, out_refusal))
        return false;
    return kerf_interpod_filter(attempt, view->slot, out_refusal);
}

bool kerf_attempt_filter_nominated(struct attempt *attempt, const struct node_view *view, struct refusal *out_refusal)
{
    const struct kerf_cluster *cluster = attempt->binding->cluster;
    size_t nominated_count = kerf_cluster_nominated_count(cluster);
    if (!nominated_count)
        return kerf_attempt_filter(attempt, view, out_refusal);
    kerf_name name = attempt->binding->nodes[view->slot].name;
    struct node_view with = *view;
    kerf_pod_id *added = NULL;
    int64_t *used = NULL;
    for (size_t at = 0; at < nominated_count; at++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_nominated_at(cluster, at);
        if (kerf_pod_status(&pod->pod)->nominated_node_name != name || kerf_pod_id_equal(pod->id, attempt->pod->id) ||
            kerf_pod_priority(&pod->pod) < kerf_pod_priority(&attempt->pod->pod))
            continue;
        if (!added) {
            added = KERF_NEW_ARRAY(attempt->arena, kerf_pod_id, nominated_count);
            used = kerf_arena_copy(attempt->arena, view->used, KERF_RESOURCE_MAX * sizeof *used);
        }
        added[with.added_count++] = pod->id;
        for (int r = 0; r < KERF_RESOURCE_MAX; r++)
            if (r != KERF_RESOURCE_PODS)
                used[r] += kerf_binding_unit_amount((enum kerf_resource)r, pod->pod.requests->amounts[r]);
        used[KERF_RESOURCE_PODS]++;
    }
    if (!added)
        return kerf_attempt_filter(attempt, view, out_refusal);
    with.added = added;
    with.used = used;
    for (uint32_t i = 0; i < with.added_count; i++)
        kerf_attempt_count_pod(attempt, view->slot, &kerf_cluster_pod(cluster, added[i])->pod, 1);
    bool passes = kerf_attempt_filter(attempt, &with, out_refusal);
    for (uint32_t i = 0; i < with.added_count; i++)
        kerf_attempt_count_pod(attempt, view->slot, &kerf_cluster_pod(cluster, added[i])->pod, -1);
    return passes && kerf_attempt_filter(attempt, view, out_refusal); /* they may never come */
}
