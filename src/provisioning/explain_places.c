/**
 * explain_places: one pod against one place, in the order in which a pass asks (karpenter-provisioning.md 5.2, 5.4, 5.6), until a rule
 * refuses it. Asked of the state in which the pass left the place.
 */
#include "provisioning/explain_internal.h"

/* ---- what most places ask --------------------------------------------------------------------------------------------- */

static struct kerf_exclusion explain_taint(struct kerf_explainer *explainer, const struct kerf_taints *taints,
                                           const struct kerf_pass_pod *pod)
{
    unsigned effects = pod->now.preferences.tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
    const struct kerf_taint *taint = kerf_taints_untolerated(taints, &pod->pod->spec->tolerations, effects);
    bool has_value = taint->value != NULL && taint->value->length > 0;
    struct kerf_exclusion exclusion = {.rule = KERF_EXCLUDED_BY_TAINT, .key = taint->key, .taint = taint};
    exclusion.offered = kerf_arena_format(explainer->arena, "%s%s%s:%s", taint->key->text, has_value ? "=" : "",
                                          has_value ? taint->value->text : "", kerf_taint_effect_text(taint->effect));
    exclusion.text = kerf_arena_format(explainer->arena, "the pod does not tolerate the taint %s", exclusion.offered);
    return exclusion;
}

/* Of the key that two lists of requirements disagree on. */
static struct kerf_exclusion explain_key(struct kerf_explainer *explainer, enum kerf_exclusion_rule rule, const char *who,
                                         const struct kerf_requirements *place, const struct kerf_requirements *incoming, kerf_name key)
{
    struct kerf_exclusion exclusion = {.rule = rule, .key = key};
    const struct kerf_requirement *own = kerf_requirements_get(place, key);
    const struct kerf_requirement *wanted = kerf_requirements_get(incoming, key);
    struct kerf_text text = {0};
    if (wanted != NULL) {
        kerf_text_append_requirement(&text, wanted);
        exclusion.wanted = kerf_arena_text(explainer->arena, text.bytes);
    }
    kerf_text_clear(&text);
    if (own != NULL) {
        kerf_text_append_requirement(&text, own);
        exclusion.offered = kerf_arena_text(explainer->arena, text.bytes);
    }
    kerf_text_clear(&text);
    kerf_text_append_format(&text, "%s %s", who, exclusion.wanted != NULL ? exclusion.wanted : kerf_name_text(key));
    if (exclusion.offered != NULL)
        kerf_text_append_format(&text, ", and the place has %s", exclusion.offered);
    else
        kerf_text_append(&text, ", and the place does not have that label");
    kerf_exclusion_take_text(explainer, &exclusion, &text);
    return exclusion;
}

/* ---- topology --------------------------------------------------------------------------------------------------------- */

static void append_counts(struct kerf_text *text, const struct kerf_topology_group *group)
{
    enum { SHOWN_MAX = 8 };
    uint32_t shown = 0, more = 0;
    for (uint32_t domain = 0; domain < group->capacity; domain++) {
        if (group->counts[domain] < 0)
            continue;
        if (shown == SHOWN_MAX) {
            more++;
            continue;
        }
        kerf_text_append_format(text, "%s%s %d", shown++ > 0 ? ", " : "", group->space->names.items[domain]->text, group->counts[domain]);
    }
    if (more > 0)
        kerf_text_append_format(text, " and %u more", more);
    if (shown == 0)
        kerf_text_append(text, "in no domain, for none is known");
}

static bool accepts(const struct kerf_requirement *requirement, kerf_name domain)
{
    return requirement == NULL || kerf_requirement_has(requirement, domain);
}

/* The least maxSkew with which a domain of the candidate would do (7.4); 0: it has none. */
static int64_t needed_skew(struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pass_pod *pod,
                           const struct kerf_candidate *candidate, const struct kerf_requirements *requirements)
{
    int64_t self = kerf_group_selects(pass, group, pod->pod) ? 1 : 0;
    if (group->space->is_hostname) {
        int32_t count = kerf_group_count(group, candidate->host_domain);
        return kerf_max_i64(0, count) + self;
    }
    const struct kerf_requirement *of_pod = kerf_requirements_get(&pod->now.strict, group->space->key);
    const struct kerf_requirement *of_place = kerf_requirements_get(requirements, group->space->key);
    int64_t smallest = INT32_MAX, reachable = INT32_MAX;
    int32_t domain_count = 0;
    for (uint32_t domain = 0; domain < group->capacity; domain++) {
        kerf_name name = group->space->names.items[domain];
        if (group->counts[domain] < 0)
            continue;
        if (accepts(of_pod, name)) {
            domain_count++;
            smallest = kerf_min_i64(smallest, group->counts[domain]);
        }
        if (accepts(of_place, name))
            reachable = kerf_min_i64(reachable, group->counts[domain]);
    }
    if (group->min_domains > domain_count)
        smallest = 0;
    return reachable == INT32_MAX || smallest == INT32_MAX ? 0 : reachable + self - smallest;
}

struct kerf_exclusion kerf_explain_group(struct kerf_explainer *explainer, const struct kerf_pass_pod *pod,
                                         const struct kerf_candidate *candidate, const struct kerf_requirements *requirements)
{
    struct kerf_pass *pass = explainer->pass;
    const struct kerf_topology_group *group = pass->topology.groups.items[pass->refusing_group];
    struct kerf_exclusion exclusion = {.key = group->space->key};
    struct kerf_text counts = {0}, text = {0};
    if (group->space->is_hostname)
        kerf_text_append_format(&counts, "%d", kerf_max_i64(0, kerf_group_count(group, candidate->host_domain)) > 0
                                                   ? (int)kerf_group_count(group, candidate->host_domain)
                                                   : 0);
    else
        append_counts(&counts, group);
    exclusion.offered = kerf_arena_text(explainer->arena, counts.bytes);
    const char *key = group->space->key->text;
    switch (group->kind) {
    case KERF_GROUP_SPREAD:
        exclusion.rule = KERF_EXCLUDED_BY_SPREAD;
        exclusion.needed = needed_skew(pass, group, pod, candidate, requirements);
        exclusion.wanted = kerf_arena_format(explainer->arena, "maxSkew %d", group->max_skew);
        kerf_text_append_format(&text, "topology spread over %s with maxSkew %d: matching pods %s", key, group->max_skew, counts.bytes);
        if (exclusion.needed > 0)
            kerf_text_append_format(&text, "; the best domain here would make it %" PRId64, exclusion.needed);
        else
            kerf_text_append(&text, "; the place has no domain that counts");
        break;
    case KERF_GROUP_AFFINITY:
        exclusion.rule = KERF_EXCLUDED_BY_AFFINITY;
        kerf_text_append_format(&text, "pod affinity over %s: no domain here has a pod that it asks for (matching pods %s)", key, counts.bytes);
        break;
    case KERF_GROUP_ANTI_AFFINITY:
        exclusion.rule = group->inverse ? KERF_EXCLUDED_BY_OTHERS_ANTI_AFFINITY : KERF_EXCLUDED_BY_ANTI_AFFINITY;
        kerf_text_append_format(&text, "%s over %s: every domain here has %s (%s)",
                                group->inverse ? "anti-affinity of other pods" : "pod anti-affinity", key,
                                group->inverse ? "a pod that keeps this one away" : "a pod that it keeps away from", counts.bytes);
        break;
    }
    kerf_text_fini(&counts);
    kerf_exclusion_take_text(explainer, &exclusion, &text);
    return exclusion;
}

/* Adds what topology demands to `requirements`, in scratch; false: `out_exclusion` says why it cannot. */
static bool apply_topology(struct kerf_explainer *explainer, const struct kerf_pass_pod *pod, const struct kerf_candidate *candidate,
                           enum kerf_undefined undefined, struct kerf_requirements *requirements, struct kerf_exclusion *out_exclusion)
{
    struct kerf_pass *pass = explainer->pass;
    struct kerf_requirements demanded;
    kerf_name key = NULL;
    if (!kerf_pass_has_topology(pass, pod))
        return true;
    if (!kerf_pass_topology_tighten(pass, pod, candidate, requirements, &demanded, NULL)) {
        *out_exclusion = kerf_explain_group(explainer, pod, candidate, requirements);
        return false;
    }
    if (!kerf_requirements_compatible(pass->vocabulary, requirements, &demanded, undefined, &key)) {
        *out_exclusion = explain_key(explainer, KERF_EXCLUDED_BY_CONFLICT, "its topology constraints together demand", requirements, &demanded, key);
        return false;
    }
    kerf_requirements_add_all(&pass->scratch, requirements, &demanded);
    return true;
}

/* ---- claims and templates ---------------------------------------------------------------------------------------------- */

/* Two constraints over one key may each choose a domain of their own: the key "must not exist", which no type meets (7.5). */
static struct kerf_exclusion as_conflict(struct kerf_explainer *explainer, const struct kerf_exclusion *exclusion,
                                         const struct kerf_requirements *before, const struct kerf_requirements *merged)
{
    const struct kerf_requirement *now = kerf_requirements_get(merged, exclusion->key);
    const struct kerf_requirement *then = kerf_requirements_get(before, exclusion->key);
    if (kerf_requirement_operator(now) != KERF_OP_DOES_NOT_EXIST ||
        (then != NULL && kerf_requirement_operator(then) == KERF_OP_DOES_NOT_EXIST))
        return *exclusion;
    struct kerf_exclusion conflict = *exclusion;
    conflict.rule = KERF_EXCLUDED_BY_CONFLICT;
    conflict.text = kerf_arena_format(explainer->arena, "its topology constraints over %s demand domains that have nothing in common",
                                      exclusion->key->text);
    return conflict;
}

static struct kerf_exclusion explain_alternative(struct kerf_explainer *explainer, const struct kerf_pass_claim *claim,
                                                 struct kerf_pass_pod *pod, const struct kerf_requirements *with_pod,
                                                 const struct kerf_requirements *volume, uint64_t *out_left)
{
    struct kerf_pass *pass = explainer->pass;
    struct kerf_exclusion exclusion = {0};
    struct kerf_requirements merged = kerf_requirements_copy(&pass->scratch, with_pod);
    kerf_name key = NULL;
    if (volume != NULL) {
        if (!kerf_requirements_compatible(pass->vocabulary, with_pod, volume, KERF_UNDEFINED_WELL_KNOWN, &key))
            return explain_key(explainer, KERF_EXCLUDED_BY_VOLUME, "its volumes need", with_pod, volume, key);
        kerf_requirements_add_all(&pass->scratch, &merged, volume);
    }
    struct kerf_candidate candidate = {.taints = &claim->template->pool->nodepool->taints,
                                       .requirements = &merged,
                                       .hostname = claim->hostname,
                                       .host_domain = claim->host_domain};
    if (!apply_topology(explainer, pod, &candidate, KERF_UNDEFINED_WELL_KNOWN, &merged, &exclusion))
        return exclusion;
    struct kerf_types_question question = {
        .template = claim->template,
        .options = claim->options,
        .requirements = &merged,
        .of_template = &claim->template->requirements,
        .besides = claim->pods.count > 0 ? &claim->requests : NULL,
        .pod = pod,
        .ports = claim->ports.items,
        .port_count = claim->ports.count,
    };
    exclusion = kerf_explain_types(explainer, &question, out_left);
    return exclusion.rule == KERF_EXCLUDED_BY_TYPES ? as_conflict(explainer, &exclusion, with_pod, &merged) : exclusion;
}

static struct kerf_exclusion explain_addition(struct kerf_explainer *explainer, const struct kerf_pass_claim *claim,
                                              struct kerf_pass_pod *pod, uint64_t *out_left)
{
    struct kerf_pass *pass = explainer->pass;
    const struct kerf_taints *taints = &claim->template->pool->nodepool->taints;
    kerf_name key = NULL;
    if (!kerf_pass_tolerates(pod, taints))
        return explain_taint(explainer, taints, pod);
    if (!kerf_requirements_compatible(pass->vocabulary, &claim->requirements, &pod->now.full, KERF_UNDEFINED_WELL_KNOWN, &key))
        return explain_key(explainer, KERF_EXCLUDED_BY_REQUIREMENT, "the pod wants", &claim->requirements, &pod->now.full, key);
    struct kerf_requirements with_pod = kerf_requirements_copy(&pass->scratch, &claim->requirements);
    kerf_requirements_add_all(&pass->scratch, &with_pod, &pod->now.full);
    if (pod->volume_alternative_count == 0)
        return explain_alternative(explainer, claim, pod, &with_pod, NULL, out_left);
    struct kerf_exclusion last = {0};
    for (uint32_t i = 0; i < pod->volume_alternative_count; i++) {
        last = explain_alternative(explainer, claim, pod, &with_pod, &pod->volume_alternatives[i], out_left);
        if (last.rule == KERF_EXCLUDED_BY_NOTHING)
            break;
    }
    return last;
}

struct kerf_exclusion kerf_explain_claim(struct kerf_explainer *explainer, struct kerf_pass_claim *claim, struct kerf_pass_pod *pod)
{
    struct kerf_arena_mark mark = kerf_arena_mark(&explainer->pass->scratch);
    kerf_pass_host_domain(explainer->pass, claim->hostname, &claim->host_domain);
    struct kerf_exclusion exclusion = explain_addition(explainer, claim, pod, NULL);
    kerf_arena_rewind(&explainer->pass->scratch, mark);
    return exclusion;
}

static struct kerf_exclusion explain_opening(struct kerf_explainer *explainer, struct kerf_template *template, const uint64_t *options,
                                             struct kerf_pass_pod *pod, uint64_t *out_left)
{
    struct kerf_pass *pass = explainer->pass;
    struct kerf_pass_claim trial = {
        .template = template,
        .host_domain = KERF_NOT_FOUND,
        .hostname = kerf_provisioning_cache_placeholder(pass->cache, (uint32_t)pass->claims.count),
        .requirements = kerf_requirements_copy(&pass->scratch, &template->requirements),
        .options = kerf_arena_copy(&pass->scratch, options, template->pool->table->words * sizeof options[0]),
        .slots = template->slots,
    };
    kerf_pass_host_domain(pass, trial.hostname, &trial.host_domain);
    struct kerf_requirement host = kerf_requirement_in(&pass->scratch, pass->vocabulary->key_hostname, &trial.hostname, 1);
    kerf_requirements_add(&pass->scratch, &trial.requirements, &host);
    return explain_addition(explainer, &trial, pod, out_left);
}

struct kerf_exclusion kerf_explain_template(struct kerf_explainer *explainer, struct kerf_template *template, struct kerf_pass_pod *pod)
{
    struct kerf_pass *pass = explainer->pass;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    uint32_t words = template->pool->table->words;
    const uint64_t *within = kerf_pass_options_within_limits(pass, template, NULL);
    struct kerf_exclusion exclusion = {0};
    if (within != NULL)
        exclusion = explain_opening(explainer, template, within, pod, NULL);
    if (template->pool->has_limits && (within == NULL || exclusion.rule >= KERF_EXCLUDED_BY_TYPES)) {
        /* would it do without the limits? Then it is they that keep it out, whatever the rule at which the rest fails */
        uint64_t *would_do = KERF_NEW_ARRAY(&pass->scratch, uint64_t, words);
        struct kerf_exclusion without = explain_opening(explainer, template, template->options, pod, would_do);
        if (within == NULL || without.rule == KERF_EXCLUDED_BY_NOTHING) {
            bool some_would_do = without.rule == KERF_EXCLUDED_BY_NOTHING;
            const uint64_t *types = some_would_do ? would_do : template->options;
            exclusion = kerf_explain_limits(explainer, template->pool, types, (uint32_t)kerf_bitset_count(types, words), some_would_do);
        }
    }
    kerf_arena_rewind(&pass->scratch, mark);
    return exclusion;
}

static struct kerf_exclusion outside(struct kerf_explainer *explainer, const char *text)
{
    return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_POOL, .text = kerf_arena_text(explainer->arena, text)};
}

struct kerf_exclusion kerf_explain_pool(struct kerf_explainer *explainer, uint32_t nodepool_index)
{
    struct kerf_pass *pass = explainer->pass;
    const struct kerf_nodepool *nodepool = &pass->objects->nodepools.items[nodepool_index];
    if (nodepool->replicas >= 0)
        return outside(explainer, "a static NodePool (spec.replicas) gets no nodes for pods");
    if (nodepool->meta.deletion_epoch_us != KERF_TIME_UNSET)
        return outside(explainer, "the NodePool is being deleted");
    if (!kerf_nodepool_is_ready(nodepool))
        return outside(explainer, "the NodePool is not ready (status.conditions)");
    if (kerf_cluster_nodeclass_of_pool(pass->cluster, nodepool_index) == KERF_NOT_FOUND)
        return outside(explainer, kerf_arena_format(&pass->scratch, "its EC2NodeClass %s was not read",
                                                    kerf_name_text(nodepool->nodeclass.name)));
    for (uint32_t i = 0; i < pass->pool_count; i++) {
        if (pass->pools[i].nodepool_index != nodepool_index)
            continue;
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        struct kerf_template template = {.pool = &pass->pools[i], .pool_index = i,
                                         .requirements = kerf_pass_template_requirements(pass, nodepool)};
        struct kerf_type_table *table = pass->pools[i].table;
        uint64_t *all = KERF_NEW_ARRAY(&pass->scratch, uint64_t, table->words);
        for (uint32_t k = 0; k < table->count; k++)
            kerf_bit_set(all, k);
        struct kerf_types_question question = {.template = &template, .options = all, .requirements = &template.requirements};
        struct kerf_exclusion exclusion = kerf_explain_types(explainer, &question, NULL);
        exclusion.rule = KERF_EXCLUDED_BY_OWN_DEMANDS;
        exclusion.text = kerf_arena_format(explainer->arena, "the NodePool's own requirements leave no instance type: %s",
                                           exclusion.text != NULL ? exclusion.text : "");
        kerf_arena_rewind(&pass->scratch, mark);
        return exclusion;
    }
    return outside(explainer, "the NodePool is not part of the pass");
}

/* ---- existing nodes ----------------------------------------------------------------------------------------------------- */

static struct kerf_exclusion explain_node_room(struct kerf_explainer *explainer, const struct kerf_pass_node *node,
                                               const struct kerf_pass_pod *pod)
{
    struct kerf_shortage shortages[KERF_RESOURCE_MAX];
    uint32_t count = 0;
    for (uint32_t present = pod->requests->present; present != 0; present &= present - 1) {
        enum kerf_resource resource = (enum kerf_resource)__builtin_ctz(present);
        struct kerf_shortage one = {
            .resource = resource, .wanted = pod->requests->amounts[resource], .offered = node->remaining.amounts[resource]};
        if (one.wanted > 0 && one.wanted > one.offered)
            shortages[count++] = one;
    }
    struct kerf_exclusion exclusion = {.rule = KERF_EXCLUDED_BY_RESOURCES, .nearest = node->name, .shortage_count = count};
    exclusion.shortages = kerf_arena_copy(explainer->arena, shortages, count * sizeof shortages[0]);
    struct kerf_text text = {0};
    kerf_text_append(&text, count > 0 ? "no room: " : "something that the node has is overcommitted: nothing fits");
    kerf_explain_shortages(explainer, &exclusion, &text);
    kerf_text_append(&text, count > 0 ? " free" : "");
    kerf_exclusion_take_text(explainer, &exclusion, &text);
    return exclusion;
}

/* Labels, volumes and topology, once there is room. */
static struct kerf_exclusion explain_node_demands(struct kerf_explainer *explainer, uint32_t position, struct kerf_pass_pod *pod)
{
    struct kerf_pass *pass = explainer->pass;
    struct kerf_pass_node *node = &pass->nodes[position];
    const struct kerf_requirements *own = kerf_pass_node_requirements(pass, node);
    struct kerf_candidate candidate = {
        .node = node,
        .node_position = position,
        .taints = &node->taints,
        .hostname = node->hostname,
        .host_domain = pass->topology.hosts != NULL ? pass->topology.hosts->node_domains[position] : KERF_NOT_FOUND,
    };
    kerf_name key = NULL;
    if (!kerf_requirements_compatible(pass->vocabulary, own, &pod->now.full, KERF_UNDEFINED_NONE, &key))
        return explain_key(explainer, KERF_EXCLUDED_BY_REQUIREMENT, "the pod wants", own, &pod->now.full, key);
    struct kerf_requirements with_pod = kerf_requirements_copy(&pass->scratch, own);
    kerf_requirements_add_all(&pass->scratch, &with_pod, &pod->now.full);
    struct kerf_exclusion exclusion = {0};
    uint32_t alternatives = pod->volume_alternative_count > 0 ? pod->volume_alternative_count : 1;
    for (uint32_t i = 0; i < alternatives; i++) {
        struct kerf_requirements merged = kerf_requirements_copy(&pass->scratch, &with_pod);
        const struct kerf_requirements *volume = pod->volume_alternative_count > 0 ? &pod->volume_alternatives[i] : NULL;
        if (volume != NULL && !kerf_requirements_compatible(pass->vocabulary, &merged, volume, KERF_UNDEFINED_NONE, &key)) {
            exclusion = explain_key(explainer, KERF_EXCLUDED_BY_VOLUME, "its volumes need", &merged, volume, key);
            continue;
        }
        if (volume != NULL)
            kerf_requirements_add_all(&pass->scratch, &merged, volume);
        if (apply_topology(explainer, pod, &candidate, KERF_UNDEFINED_NONE, &merged, &exclusion))
            return (struct kerf_exclusion){0};
    }
    return exclusion;
}

struct kerf_exclusion kerf_explain_node(struct kerf_explainer *explainer, uint32_t position, struct kerf_pass_pod *pod)
{
    struct kerf_pass *pass = explainer->pass;
    struct kerf_pass_node *node = &pass->nodes[position];
    if (!kerf_pass_tolerates(pod, &node->taints))
        return explain_taint(explainer, &node->taints, pod);
    if (node->csinode != NULL && !kerf_pass_volumes_within_limits(pass, node, pod))
        return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_VOLUME_LIMIT, .text = "the attach limit of a CSI driver is reached"};
    if (pod->has_host_ports && kerf_pass_node_ports_conflict(pass, node, pod))
        return (struct kerf_exclusion){.rule = KERF_EXCLUDED_BY_HOST_PORT, .text = "a host port of the pod is taken"};
    if (!kerf_resources_fit(pod->requests, &node->remaining))
        return explain_node_room(explainer, node, pod);
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    struct kerf_exclusion exclusion = explain_node_demands(explainer, position, pod);
    kerf_arena_rewind(&pass->scratch, mark);
    return exclusion;
}
