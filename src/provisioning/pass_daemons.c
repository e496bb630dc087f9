/**
 * pass_daemons: which daemon pods land on which types and nodes, and what they take there. karpenter-provisioning.md 3.3, 9.1.
 *
 * Karpenter tries each daemon pod against type after type and changes the pod while doing so (Q9): a toleration is added, and
 * a required node term that some type does not meet is dropped for good, if another is left. Here the pod's terms are bitsets
 * of types, so the walk over the types becomes a search for the first type that the current term misses.
 */
#include "provisioning/provisioning_internal.h"

static bool belongs_to(const struct kerf_pod *pod, const struct kerf_owner *owner, const struct kerf_workload *set)
{
    if (set->kind != KERF_WORKLOAD_DAEMONSET || set->meta.namespace_name != pod->meta.namespace_name)
        return false;
    return owner->uid != NULL && set->meta.uid != NULL ? owner->uid == set->meta.uid : owner->name == set->meta.name;
}

/* The live pod of each set is the newest one in memory; of pods with equal times the first by UID (Karpenter has no order there).
 */
static const struct kerf_pod **find_live_pods(struct kerf_pass *pass)
{
    const struct kerf_objects *objects = pass->objects;
    const struct kerf_pod **live = KERF_NEW_ARRAY(&pass->scratch, const struct kerf_pod *, objects->workloads.count);
    uint32_t *sets = KERF_NEW_ARRAY(&pass->scratch, uint32_t, objects->workloads.count);
    uint32_t set_count = 0;
    for (uint32_t i = 0; i < objects->workloads.count; i++)
        if (objects->workloads.items[i].kind == KERF_WORKLOAD_DAEMONSET)
            sets[set_count++] = i;
    for (size_t i = 0; i < kerf_cluster_daemon_pod_count(pass->cluster); i++) {
        const struct kerf_pod *pod = &kerf_cluster_daemon_pod_at(pass->cluster, i)->pod;
        const struct kerf_owner *owner = kerf_meta_controller(&pod->meta);
        for (uint32_t k = 0; owner != NULL && k < set_count; k++) {
            if (!belongs_to(pod, owner, &objects->workloads.items[sets[k]]))
                continue;
            const struct kerf_pod **newest = &live[sets[k]];
            if (*newest == NULL || pod->meta.created_epoch_us > (*newest)->meta.created_epoch_us ||
                (pod->meta.created_epoch_us == (*newest)->meta.created_epoch_us &&
                 kerf_name_compare(pod->meta.uid, (*newest)->meta.uid) < 0))
                *newest = pod;
            break;
        }
    }
    return live;
}

/* The spec that counts: of the live pod, or of the template as long as that asks the same, for pods go. */
static const struct kerf_pod_spec *spec_of_set(struct kerf_pass *pass, const struct kerf_workload *set, const struct kerf_pod *live)
{
    const struct kerf_pod_spec *template = set->template.spec;
    if (live == NULL || kerf_daemon_specs_same(live->spec, template))
        return template;
    pass->daemons_differ = true;
    if (!template->has_required_node_terms)
        return live->spec;
    /* the live pod's required affinity pins it to its node: that of the template counts */
    struct kerf_pod_spec *merged = kerf_arena_copy(&pass->arena, live->spec, sizeof *live->spec);
    merged->has_required_node_terms = true;
    merged->required_node_terms = template->required_node_terms;
    merged->required_node_term_count = template->required_node_term_count;
    return merged;
}

void kerf_pass_read_daemons(struct kerf_pass *pass)
{
    const struct kerf_objects *objects = pass->objects;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    const struct kerf_pod **live_pods = find_live_pods(pass);
    pass->daemons_differ = false;
    pass->daemons = KERF_NEW_ARRAY(&pass->arena, struct kerf_daemon, objects->workloads.count);
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_workload *daemonset = &objects->workloads.items[i];
        if (daemonset->kind != KERF_WORKLOAD_DAEMONSET || (pass->options.lifted & KERF_LIFT_DAEMONS) != 0)
            continue;
        const struct kerf_pod_spec *spec = spec_of_set(pass, daemonset, live_pods[i]);
        if (spec->resource_claim_count > 0)
            continue; /* ignore-dra-requests is true by default */
        struct kerf_daemon *daemon = &pass->daemons[pass->daemon_count++];
        daemon->spec = spec;
        daemon->term_count = spec->required_node_term_count > 0 ? spec->required_node_term_count : 1;
        daemon->terms = KERF_NEW_ARRAY(&pass->arena, struct kerf_requirements, daemon->term_count);
        for (uint32_t k = 0; k < daemon->term_count; k++) {
            daemon->terms[k] = kerf_requirements_of_labels(&pass->arena, pass->vocabulary, &spec->node_selector);
            if (spec->required_node_term_count > 0)
                kerf_requirements_add_expressions(&pass->arena, pass->vocabulary, &daemon->terms[k],
                                                  &spec->required_node_terms[k].match_expressions);
        }
    }
    kerf_arena_rewind(&pass->scratch, mark);
}

bool kerf_pass_daemons_differ(struct kerf_pass *pass)
{
    const struct kerf_objects *objects = pass->objects;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    const struct kerf_pod **live_pods = find_live_pods(pass);
    bool differ = false;
    for (size_t i = 0; i < objects->workloads.count && !differ; i++)
        differ = live_pods[i] != NULL && !kerf_daemon_specs_same(live_pods[i]->spec, objects->workloads.items[i].template.spec);
    kerf_arena_rewind(&pass->scratch, mark);
    return differ;
}

static bool tolerates(const struct kerf_daemon *daemon, const struct kerf_taints *taints)
{
    unsigned effects = daemon->tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
    return kerf_taints_untolerated(taints, &daemon->spec->tolerations, effects) == NULL;
}

/* Types of the template that the daemon's term meets. */
static void meet_term(struct kerf_pass *pass, const struct kerf_template *template, const struct kerf_requirements *term,
                      uint64_t *out_types)
{
    struct kerf_type_table *table = template->pool->table;
    if (!kerf_requirements_compatible(pass->vocabulary, &template->requirements, term, KERF_UNDEFINED_WELL_KNOWN, NULL)) {
        memset(out_types, 0, table->words * sizeof out_types[0]);
        return;
    }
    memcpy(out_types, template->options, table->words * sizeof out_types[0]);
    for (size_t i = 0; i < term->count; i++) {
        const uint64_t *meeting = kerf_type_table_meeting(pass->cache, table, &term->items[i]);
        for (uint32_t word = 0; word < table->words; word++)
            out_types[word] &= meeting[word];
    }
}

static void land(struct kerf_pass *pass, const struct kerf_template *template, struct kerf_daemon *daemon, uint64_t *out_types)
{
    uint32_t words = template->pool->table->words;
    daemon->tolerates_prefer_no_schedule = true;
    memset(out_types, 0, words * sizeof out_types[0]);
    if (!tolerates(daemon, &template->pool->nodepool->taints))
        return;
    uint64_t *term_types = KERF_NEW_ARRAY(&pass->scratch, uint64_t, words);
    meet_term(pass, template, &daemon->terms[daemon->first_term], term_types);
    uint32_t type;
    KERF_FOR_TYPES(type, template->options, words)
    {
        while (!kerf_bit_get(term_types, type) && daemon->first_term + 1 < daemon->term_count) {
            daemon->first_term++; /* dropped for good, also for the types before (they keep what they found) */
            meet_term(pass, template, &daemon->terms[daemon->first_term], term_types);
        }
        if (kerf_bit_get(term_types, type))
            kerf_bit_set(out_types, type);
    }
}

static int compare_groups(const void *a, const void *b, void *context)
{
    size_t words = *(const uint32_t *)context;
    size_t left = kerf_bitset_next(((const struct kerf_daemon_group *)a)->types, words, 0);
    size_t right = kerf_bitset_next(((const struct kerf_daemon_group *)b)->types, words, 0);
    return kerf_compare_u64(left, right);
}

/* Splits every group into the types where the daemon lands and those where it does not. */
static void split_groups(struct kerf_pass *pass, struct kerf_template *template, const struct kerf_daemon *daemon,
                         const uint64_t *lands)
{
    uint32_t words = template->pool->table->words;
    uint32_t count = template->daemon_group_count;
    struct kerf_daemon_group *groups = KERF_NEW_ARRAY(&pass->arena, struct kerf_daemon_group, (size_t)count * 2);
    uint32_t made = 0;
    uint32_t port_count = 0;
    for (uint32_t k = 0; k < daemon->spec->container_count; k++)
        port_count += daemon->spec->containers[k].init ? 0 : daemon->spec->containers[k].host_port_count;
    for (uint32_t i = 0; i < count; i++) {
        struct kerf_daemon_group inside = template->daemon_groups[i];
        struct kerf_daemon_group outside = template->daemon_groups[i];
        inside.types = KERF_NEW_ARRAY(&pass->arena, uint64_t, words);
        outside.types = KERF_NEW_ARRAY(&pass->arena, uint64_t, words);
        for (uint32_t word = 0; word < words; word++) {
            inside.types[word] = template->daemon_groups[i].types[word] & lands[word];
            outside.types[word] = template->daemon_groups[i].types[word] & ~lands[word];
        }
        if (kerf_types_any(outside.types, words))
            groups[made++] = outside;
        if (!kerf_types_any(inside.types, words))
            continue;
        kerf_resources_add(&inside.overhead, &daemon->spec->requests);
        if (port_count > 0) {
            struct kerf_host_port *ports = KERF_NEW_ARRAY(&pass->arena, struct kerf_host_port, inside.port_count + port_count);
            for (uint32_t k = 0; k < inside.port_count; k++)
                ports[k] = inside.ports[k];
            for (uint32_t k = 0; k < daemon->spec->container_count; k++) {
                const struct kerf_container *container = &daemon->spec->containers[k];
                for (uint32_t p = 0; !container->init && p < container->host_port_count; p++)
                    ports[inside.port_count++] = container->host_ports[p];
            }
            inside.ports = ports;
        }
        groups[made++] = inside;
    }
    template->daemon_groups = groups;
    template->daemon_group_count = made;
}

void kerf_pass_group_daemons(struct kerf_pass *pass, struct kerf_template *template)
{
    uint32_t words = template->pool->table->words;
    template->daemon_groups = KERF_NEW(&pass->arena, struct kerf_daemon_group);
    template->daemon_groups[0].types = kerf_arena_copy(&pass->arena, template->options, words * sizeof(uint64_t));
    template->daemon_group_count = 1;
    for (uint32_t i = 0; i < pass->daemon_count; i++) {
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        uint64_t *lands = KERF_NEW_ARRAY(&pass->scratch, uint64_t, words);
        land(pass, template, &pass->daemons[i], lands);
        if (kerf_types_any(lands, words))
            split_groups(pass, template, &pass->daemons[i], lands);
        kerf_arena_rewind(&pass->scratch, mark);
    }
    /* Karpenter's order is random; here by first appearance in the list of types (section 14) */
    kerf_sort(template->daemon_groups, template->daemon_group_count, sizeof template->daemon_groups[0], compare_groups, &words);
}

struct kerf_resources kerf_pass_daemons_of_node(struct kerf_pass *pass, struct kerf_pass_node *node)
{
    struct kerf_resources expected = {0};
    for (uint32_t i = 0; i < pass->daemon_count; i++) {
        const struct kerf_daemon *daemon = &pass->daemons[i];
        if (tolerates(daemon, &node->taints) && kerf_pass_labels_accept(pass, node, &daemon->terms[daemon->first_term]))
            kerf_resources_add(&expected, &daemon->spec->requests);
    }
    return expected;
}

struct kerf_resources kerf_pass_stated_overhead(const struct kerf_template *template, const uint64_t *options)
{
    struct kerf_resources overhead = {0};
    uint32_t words = template->pool->table->words;
    for (uint32_t i = 0; i < template->daemon_group_count; i++) {
        const struct kerf_daemon_group *group = &template->daemon_groups[i];
        bool has_option = false;
        for (uint32_t word = 0; word < words && !has_option; word++)
            has_option = (group->types[word] & options[word]) != 0;
        if (!has_option)
            continue;
        if (overhead.present == 0) { /* empty so far, or emptied: the next group's instead (Q10) */
            overhead = group->overhead;
            continue;
        }
        for (uint32_t resource = 0; resource < KERF_RESOURCE_MAX; resource++) {
            if (!(group->overhead.present >> resource & 1)) {
                overhead.amounts[resource] = 0;
                overhead.present &= ~(1u << resource);
            } else {
                overhead.amounts[resource] = kerf_min_i64(overhead.amounts[resource], group->overhead.amounts[resource]);
            }
        }
    }
    return overhead;
}
