/**
 * pass_counts: domains of a key, and the pods that topology groups find in them at the start: running pods, their nodes, the node
 * filter. karpenter-provisioning.md 7.3, 7.6.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* ---- domains of a key ------------------------------------------------------------------------------------------------- */

uint32_t kerf_domain_space_find(const struct kerf_domain_space *space, kerf_name domain)
{
    return kerf_name_map_get(&space->index, domain);
}

uint32_t kerf_domain_space_enter(struct kerf_domain_space *space, kerf_name domain)
{
    uint32_t found = kerf_name_map_get(&space->index, domain);
    if (found != KERF_NOT_FOUND)
        return found;
    kerf_name_map_put(&space->index, domain, (uint32_t)space->names.count);
    KERF_VEC_PUSH(&space->names, domain);
    return (uint32_t)space->names.count - 1;
}

static void find_universe(struct kerf_pass *pass, struct kerf_domain_space *space)
{
    size_t pool_words = kerf_bitset_words(pass->pool_count);
    for (uint32_t i = 0; i < pass->pool_count; i++) {
        const struct kerf_pool_domains *domains =
            kerf_provisioning_cache_domains(pass->cache, pass->pools[i].nodepool_index, space->key);
        for (uint32_t k = 0; k < domains->count; k++)
            kerf_domain_space_enter(space, domains->names[k]);
    }
    space->universe_count = (uint32_t)space->names.count;
    space->universe_pools = KERF_NEW_ARRAY(&pass->arena, uint64_t, space->universe_count * pool_words);
    for (uint32_t i = 0; i < pass->pool_count; i++) {
        const struct kerf_pool_domains *domains =
            kerf_provisioning_cache_domains(pass->cache, pass->pools[i].nodepool_index, space->key);
        for (uint32_t k = 0; k < domains->count; k++)
            kerf_bit_set(&space->universe_pools[kerf_domain_space_find(space, domains->names[k]) * pool_words], i);
    }
}

struct kerf_domain_space *kerf_pass_domain_space(struct kerf_pass *pass, kerf_name key)
{
    struct kerf_topology *topology = &pass->topology;
    for (size_t i = 0; i < topology->spaces.count; i++)
        if (topology->spaces.items[i]->key == key)
            return topology->spaces.items[i];
    struct kerf_domain_space *space = KERF_NEW(&pass->arena, struct kerf_domain_space);
    space->key = key;
    space->is_hostname = key == pass->vocabulary->key_hostname;
    find_universe(pass, space);
    space->node_domains = KERF_NEW_ARRAY(&pass->arena, uint32_t, pass->node_count);
    for (uint32_t i = 0; i < pass->node_count; i++) {
        /* a key that is only an old name of another is not among the node's requirements */
        bool old_key = kerf_vocabulary_normalize_key(pass->vocabulary, key) != key;
        kerf_name value = old_key ? NULL : kerf_pass_node_label(pass, &pass->nodes[i], key);
        space->node_domains[i] = value != NULL ? kerf_domain_space_enter(space, value) : KERF_NOT_FOUND;
    }
    KERF_VEC_PUSH(&topology->spaces, space);
    if (space->is_hostname) {
        topology->hosts = space;
        for (size_t i = 0; i < pass->claims.count; i++) /* in order of opening, whoever is asked first */
            kerf_pass_host_domain(pass, pass->claims.items[i]->hostname, &pass->claims.items[i]->host_domain);
    }
    return space;
}

/* ---- counts ----------------------------------------------------------------------------------------------------------- */

static void make_room(struct kerf_topology_group *group, uint32_t domain)
{
    if (domain < group->capacity)
        return;
    uint32_t capacity = group->capacity > 0 ? group->capacity : 8;
    while (capacity <= domain)
        capacity *= 2;
    group->counts = kerf_reallocate(group->counts, kerf_array_bytes(capacity, sizeof group->counts[0]));
    for (uint32_t i = group->capacity; i < capacity; i++)
        group->counts[i] = -1;
    group->capacity = capacity;
}

void kerf_group_register(struct kerf_topology_group *group, uint32_t domain)
{
    make_room(group, domain);
    if (group->counts[domain] >= 0)
        return;
    group->counts[domain] = 0;
    group->known_count++;
    group->empty_count++;
}

void kerf_group_record(struct kerf_topology_group *group, uint32_t domain)
{
    kerf_group_register(group, domain);
    if (group->counts[domain]++ == 0)
        group->empty_count--;
}

uint32_t kerf_pass_host_domain(const struct kerf_pass *pass, kerf_name hostname, uint32_t *host_domain)
{
    if (*host_domain == KERF_NOT_FOUND && pass->topology.hosts != NULL)
        *host_domain = kerf_domain_space_enter(pass->topology.hosts, hostname);
    return *host_domain;
}

void kerf_pass_register_host(struct kerf_pass *pass, kerf_name hostname)
{
    struct kerf_topology *topology = &pass->topology;
    if (topology->hosts == NULL)
        return;
    uint32_t domain = kerf_domain_space_enter(topology->hosts, hostname);
    for (size_t i = 0; i < topology->groups.count; i++)
        if (topology->groups.items[i]->space == topology->hosts)
            kerf_group_register(topology->groups.items[i], domain);
}

/* ---- pods with the same labels ---------------------------------------------------------------------------------------- */

uint32_t kerf_pass_label_class(struct kerf_pass *pass, const struct kerf_pod *pod)
{
    struct kerf_topology *topology = &pass->topology;
    uint64_t hash = pod->meta.namespace_name != NULL ? pod->meta.namespace_name->hash : 0;
    for (size_t i = 0; i < pod->meta.labels.count; i++)
        hash = kerf_hash_mix(hash, (uint64_t)pod->meta.labels.items[i].key->hash << 32 | pod->meta.labels.items[i].value->hash);
    uint32_t first = kerf_id_map_get(&topology->class_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = topology->classes.items[i].next)
        if (topology->classes.items[i].sample->meta.namespace_name == pod->meta.namespace_name &&
            kerf_labels_equal(&topology->classes.items[i].sample->meta.labels, &pod->meta.labels))
            return i;
    kerf_id_map_put(&topology->class_index, hash, (uint32_t)topology->classes.count);
    KERF_VEC_PUSH(&topology->classes, (struct kerf_label_class){.sample = pod, .hash = hash, .next = first});
    return (uint32_t)topology->classes.count - 1;
}

static bool in_namespaces(const struct kerf_topology_group *group, kerf_name namespace_name)
{
    for (uint32_t i = 0; i < group->namespace_count; i++)
        if (group->namespaces[i] == namespace_name)
            return true;
    return false;
}

bool kerf_group_selects(const struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_pod *pod)
{
    (void)pass;
    return in_namespaces(group, pod->meta.namespace_name) && kerf_label_selector_matches(&group->selector, &pod->meta.labels);
}

/* ---- running pods (7.3) ----------------------------------------------------------------------------------------------- */

static bool plain_filter_passes(struct kerf_pass *pass, const struct kerf_topology_group *group, const struct kerf_node *node)
{
    if (group->kind != KERF_GROUP_SPREAD)
        return true;
    if (group->honors_taints) {
        unsigned effects = group->tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
        if (kerf_taints_untolerated(&node->taints, &group->tolerations, effects) != NULL)
            return false;
    }
    if (!group->honors_affinity || group->filter_term_count == 0)
        return true;
    for (uint32_t i = 0; i < group->filter_term_count; i++)
        if (kerf_pass_plain_labels_accept(pass, &node->meta.labels, &group->filter_terms[i]))
            return true;
    return false;
}

bool kerf_group_filter_passes(struct kerf_pass *pass, const struct kerf_topology_group *group,
                              const struct kerf_candidate *candidate)
{
    if (group->kind != KERF_GROUP_SPREAD)
        return true;
    if (group->honors_taints) {
        unsigned effects = group->tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
        if (kerf_taints_untolerated(candidate->taints, &group->tolerations, effects) != NULL)
            return false;
    }
    if (!group->honors_affinity || group->filter_term_count == 0)
        return true;
    for (uint32_t i = 0; i < group->filter_term_count; i++) {
        if (candidate->requirements != NULL ? kerf_requirements_compatible(pass->vocabulary, candidate->requirements,
                                                                           &group->filter_terms[i], KERF_UNDEFINED_NONE, NULL)
                                            : kerf_pass_labels_accept(pass, candidate->node, &group->filter_terms[i]))
            return true;
    }
    return false;
}

/* Domains that active nodes have, and the pods that run in them. */
void kerf_group_count_bound(struct kerf_pass *pass, struct kerf_topology_group *group)
{
    struct kerf_domain_space *space = group->space;
    for (uint32_t i = 0; i < pass->node_count; i++) {
        const struct kerf_cluster_node *node = pass->nodes[i].node;
        /* the filter looks at the Node, the domain is what Karpenter's own view of the entry says */
        kerf_name domain = node->has_node ? kerf_labels_get(pass->nodes[i].labels, space->key) : NULL;
        if (domain != NULL && plain_filter_passes(pass, group, &node->node))
            kerf_group_register(group, kerf_domain_space_enter(space, domain));
    }
    kerf_pass_base_list_running(pass);
    const struct kerf_pass_base *base = pass->base;
    for (uint32_t i = 0; i < base->running_class_count; i++) {
        const struct kerf_running_class *class = &base->running_classes[i];
        if (!in_namespaces(group, class->sample->meta.namespace_name))
            continue;
        /* without a selector every pod of the namespaces counts at the start, though none will be selected later (Q6) */
        if (group->selector.present && !kerf_label_selector_matches(&group->selector, &class->sample->meta.labels))
            continue;
        for (uint32_t k = 0; k < class->count; k++) {
            const struct kerf_running_pod *running = &base->running[class->first + k];
            if (kerf_bit_get(pass->in_pass, running->id.index))
                continue;
            const struct kerf_node *node = &running->node->node;
            kerf_name domain = kerf_labels_get(&node->meta.labels, space->key);
            if (domain == NULL && space->is_hostname)
                domain = node->meta.name;
            if (domain != NULL && plain_filter_passes(pass, group, node))
                kerf_group_record(group, kerf_domain_space_enter(space, domain));
        }
    }
}
