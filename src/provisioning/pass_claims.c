/**
 * pass_claims: claims that the pass has opened, their order, and opening another one. karpenter-provisioning.md 5.3, 5.4, 5.6.
 */
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

bool kerf_pass_tolerates(const struct kerf_pass_pod *pod, const struct kerf_taints *taints)
{
    if (taints->count == 0)
        return true;
    unsigned effects = pod->now.preferences.tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
    return kerf_taints_untolerated(taints, &pod->pod->spec->tolerations, effects) == NULL;
}

struct kerf_requirements kerf_pass_keep_requirements(struct kerf_pass *pass, const struct kerf_requirements *before,
                                                     const struct kerf_requirements *merged)
{
    bool same = merged->count == before->count;
    for (size_t i = 0; same && i < merged->count; i++)
        same = kerf_requirement_equal(&merged->items[i], &before->items[i]);
    if (same)
        return *before;
    struct kerf_requirements kept = kerf_requirements_copy(&pass->arena, merged);
    for (size_t i = 0; i < kept.count; i++) {
        const struct kerf_requirement *old = kerf_requirements_get(before, kept.items[i].key);
        if (old != NULL && kerf_requirement_equal(old, &kept.items[i]))
            kept.items[i] = *old;
        else if (kept.items[i].value_count > 0)
            kept.items[i].values =
                kerf_arena_copy(&pass->arena, kept.items[i].values, kept.items[i].value_count * sizeof kept.items[i].values[0]);
    }
    return kept;
}

/* The most of each resource that any option holds: what doesn't fit there fits nowhere. */
static void measure_room(struct kerf_pass *pass, struct kerf_pass_claim *claim)
{
    struct kerf_type_table *table = claim->template->pool->table;
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++) {
        if (!claim->largest_known)
            claim->largest[resource] = kerf_type_table_largest(pass->cache, table, resource, claim->options);
        claim->room[resource] = claim->largest[resource] - claim->requests.amounts[resource];
    }
    claim->largest_known = true;
    claim->room_known = true;
}

/* A first look, before anything is merged or filtered. */
static bool may_have_room(struct kerf_pass *pass, struct kerf_pass_claim *claim, const struct kerf_resources *requests)
{
    if (!claim->room_known)
        measure_room(pass, claim);
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++)
        if (requests->amounts[resource] > claim->room[resource] && requests->amounts[resource] > 0)
            return false;
    return true;
}

/* ---- adding a pod (5.6) ----------------------------------------------------------------------------------------------- */

/* What an attempt found; lies in scratch. */
struct addition {
    struct kerf_requirements requirements;
    uint64_t *options;
    uint64_t *room_apart; /* NULL unless the pass keeps it apart */
    kerf_slots slots;
    kerf_slots held;
    struct kerf_resources requests;
    bool min_values_lowered;
};

/* With the claim's own requirements and the pod's, and nothing of what topology demands at the moment. */
static bool fits_topology_apart(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod,
                                const struct kerf_requirements *with_pod, const struct kerf_resources *requests)
{
    struct kerf_requirements requirements = kerf_requirements_copy(&pass->scratch, with_pod);
    struct kerf_filter filter = {
        .template = claim->template,
        .options = claim->options,
        .before = &claim->requirements,
        .slots_before = claim->slots,
        .requirements = &requirements,
        .requests = requests,
        .pod = pod,
        .ports = claim->ports.items,
        .port_count = claim->ports.count,
        .remaining = KERF_NEW_ARRAY(&pass->scratch, uint64_t, claim->template->pool->table->words),
    };
    return kerf_pass_filter_types(pass, &filter, NULL);
}

static bool tighten_and_filter(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod,
                               bool is_new, const struct kerf_requirements *with_pod, const struct kerf_requirements *volume,
                               struct addition *found, struct kerf_text *reason)
{
    kerf_name key = NULL;
    pass->reserved_error = false;
    found->requirements = kerf_requirements_copy(&pass->scratch, with_pod);
    if (volume != NULL) {
        if (!kerf_requirements_compatible(pass->vocabulary, with_pod, volume, KERF_UNDEFINED_WELL_KNOWN, &key)) {
            if (reason != NULL) {
                kerf_text_append(reason, "incompatible volume requirements, ");
                kerf_text_append_incompatible(reason, with_pod, volume, key);
            }
            return false;
        }
        kerf_requirements_add_all(&pass->scratch, &found->requirements, volume);
    }
    if (kerf_pass_has_topology(pass, pod)) {
        struct kerf_candidate candidate = {.taints = &claim->template->pool->nodepool->taints,
                                           .requirements = &found->requirements,
                                           .hostname = claim->hostname,
                                           .host_domain = claim->host_domain};
        struct kerf_requirements demanded;
        if (!kerf_pass_topology_tighten(pass, pod, &candidate, &found->requirements, &demanded, reason))
            return false;
        if (!kerf_requirements_compatible(pass->vocabulary, &found->requirements, &demanded, KERF_UNDEFINED_WELL_KNOWN, &key)) {
            if (reason != NULL)
                kerf_text_append_incompatible(reason, &found->requirements, &demanded, key);
            return false;
        }
        kerf_requirements_add_all(&pass->scratch, &found->requirements, &demanded);
    }
    struct kerf_filter filter = {
        .template = claim->template,
        .options = claim->options,
        .before = &claim->requirements,
        .slots_before = claim->slots,
        .requirements = &found->requirements,
        .requests = &found->requests,
        .pod = pod,
        .ports = claim->ports.items,
        .port_count = claim->ports.count,
        .lower_min_values = is_new && pass->options.min_values_policy == KERF_MIN_VALUES_BEST_EFFORT,
        .remaining = found->options,
        .room_apart = found->room_apart,
    };
    if (!kerf_pass_filter_types(pass, &filter, reason))
        return false;
    found->held = 0;
    pass->reserved_error =
        pass->cache->has_reserved && !kerf_pass_find_reserved(pass, claim, found->options, filter.slots, &found->held, reason);
    if (pass->reserved_error)
        return false;
    found->slots = filter.slots;
    found->min_values_lowered = filter.min_values_lowered;
    return true;
}

static bool find_addition(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod,
                          bool is_new, struct addition *found, struct kerf_text *reason, struct kerf_refusal *refusal)
{
    refusal->kind = KERF_REFUSED_EVER;
    const struct kerf_taints *taints = &claim->template->pool->nodepool->taints;
    if (!kerf_pass_tolerates(pod, taints)) {
        if (reason != NULL) {
            unsigned effects = pod->now.preferences.tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
            kerf_text_append_taint(reason, kerf_taints_untolerated(taints, &pod->pod->spec->tolerations, effects));
        }
        return false;
    }
    kerf_name key = NULL;
    if (!kerf_requirements_compatible(pass->vocabulary, &claim->requirements, &pod->now.full, KERF_UNDEFINED_WELL_KNOWN, &key)) {
        if (reason != NULL) {
            kerf_text_append(reason, "incompatible requirements, ");
            kerf_text_append_incompatible(reason, &claim->requirements, &pod->now.full, key);
        }
        return false;
    }
    struct kerf_requirements with_pod = claim->requirements;
    if (pod->now.full.count > 0) {
        with_pod = kerf_requirements_copy(&pass->scratch, &claim->requirements);
        kerf_requirements_add_all(&pass->scratch, &with_pod, &pod->now.full);
    }
    found->requests = claim->requests;
    kerf_resources_add(&found->requests, pod->requests);
    found->options = KERF_NEW_ARRAY(&pass->scratch, uint64_t, claim->template->pool->table->words);
    found->room_apart =
        pass->keeps_room_apart ? KERF_NEW_ARRAY(&pass->scratch, uint64_t, claim->template->pool->table->words) : NULL;
    if (pod->volume_alternative_count == 0) {
        bool fits = tighten_and_filter(pass, claim, pod, is_new, &with_pod, NULL, found, reason);
        if (!fits && kerf_pass_has_topology(pass, pod) && refusal->asked_ever &&
            fits_topology_apart(pass, claim, pod, &with_pod, &found->requests))
            refusal->kind = KERF_REFUSED_NOW;
        return fits;
    }
    refusal->kind = KERF_REFUSED_NOW;
    for (uint32_t i = 0; i < pod->volume_alternative_count; i++) {
        struct kerf_text *last = i + 1 == pod->volume_alternative_count ? reason : NULL; /* the last error is reported */
        if (tighten_and_filter(pass, claim, pod, is_new, &with_pod, &pod->volume_alternatives[i], found, last))
            return true;
    }
    return false;
}

/* Nothing but room can refuse another pod that changes no requirement. */
static bool fits_by_room(const struct kerf_pass_claim *claim)
{
    for (size_t i = 0; i < claim->requirements.count; i++)
        if (claim->requirements.items[i].min_values > 0)
            return false;
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++)
        if (claim->requests.amounts[resource] < 0)
            return false;
    return true;
}

static void record(struct kerf_pass *pass, struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod)
{
    struct kerf_candidate candidate = {.taints = &claim->template->pool->nodepool->taints,
                                       .requirements = &claim->requirements,
                                       .hostname = claim->hostname,
                                       .host_domain = claim->host_domain};
    kerf_pass_topology_record(pass, pod, &candidate);
}

#ifdef KERF_CHECKED
static bool changes_requirements(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod)
{
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    struct kerf_requirements merged = kerf_requirements_copy(&pass->scratch, &claim->requirements);
    kerf_requirements_add_all(&pass->scratch, &merged, &pod->now.full);
    bool changes = kerf_pass_keep_requirements(pass, &claim->requirements, &merged).items != claim->requirements.items;
    kerf_arena_rewind(&pass->scratch, mark);
    return changes;
}
#endif

void kerf_pass_put_on_claim(struct kerf_pass *pass, struct kerf_pass_claim *claim, const struct kerf_pass_pod *pod)
{
    KERF_CHECK_SLOW(!changes_requirements(pass, claim, pod));
    kerf_resources_add(&claim->requests, pod->requests);
    claim->room_known = false;
    KERF_VEC_PUSH_IN(&pass->arena, &claim->pods, pod->id);
    kerf_pass_host_domain(pass, claim->hostname, &claim->host_domain);
    record(pass, claim, pod);
}

static void commit(struct kerf_pass *pass, struct kerf_pass_claim *claim, struct kerf_pass_pod *pod, const struct addition *found)
{
    claim->requirements = kerf_pass_keep_requirements(pass, &claim->requirements, &found->requirements);
    const uint64_t *options = found->room_apart != NULL ? found->room_apart : found->options;
    size_t option_bytes = claim->template->pool->table->words * sizeof options[0];
    if (claim->pods.count == 0 || memcmp(claim->options, options, option_bytes) != 0) {
        memcpy(claim->options, options, option_bytes);
        claim->largest_known = false;
        claim->frontier = NULL;
    }
    claim->slots = found->slots;
    kerf_pass_hold_reserved(pass, claim, found->held);
    claim->requests = found->requests;
    claim->room_known = false;
    claim->fits_by_room = fits_by_room(claim);
    if (claim->pods.count == 0)
        kerf_pass_register_host(pass, claim->hostname);
    KERF_VEC_PUSH_IN(&pass->arena, &claim->pods, pod->id);
    for (uint32_t i = 0; pod->has_host_ports && i < pod->pod->spec->container_count; i++) {
        const struct kerf_container *container = &pod->pod->spec->containers[i];
        for (uint32_t k = 0; !container->init && k < container->host_port_count; k++)
            KERF_VEC_PUSH_IN(&pass->arena, &claim->ports, container->host_ports[k]);
    }
    record(pass, claim, pod);
}

void kerf_pass_put_likes(struct kerf_pass *pass, struct kerf_pass_claim *claim, const struct kerf_resources *requests,
                         const uint32_t *positions, uint32_t count)
{
    claim->requests.present |= requests->present;
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++)
        claim->requests.amounts[resource] += count * requests->amounts[resource];
    claim->room_known = false;
    size_t wanted = claim->pods.count + count;
    if (wanted > claim->pods.capacity) {
        claim->pods.capacity = claim->pods.count > 1 && wanted < 2 * claim->pods.count ? 2 * claim->pods.count : wanted;
        kerf_pod_id *items = KERF_NEW_ARRAY(&pass->arena, kerf_pod_id, claim->pods.capacity);
        memcpy(items, claim->pods.items, claim->pods.count * sizeof items[0]);
        claim->pods.items = items;
    }
    for (uint32_t i = 0; i < count; i++)
        claim->pods.items[claim->pods.count++] = pass->input->pods[positions[i]];
}

/* ---- in-flight claims (5.3) ------------------------------------------------------------------------------------------- */

bool kerf_pass_try_claim(struct kerf_pass *pass, struct kerf_pass_claim *claim, struct kerf_pass_pod *pod,
                         struct kerf_refusal *refusal)
{
    refusal->kind = KERF_REFUSED_EVER;
    if (!may_have_room(pass, claim, pod->requests))
        return false;
    uint32_t host_domain = kerf_pass_host_domain(pass, claim->hostname, &claim->host_domain);
    refusal->group = kerf_pass_topology_refusing_host(pass, pod, claim->hostname, host_domain);
    if (refusal->group != KERF_NOT_FOUND) {
        bool for_good = kerf_group_refuses_for_good(pass->topology.groups.items[refusal->group]);
        refusal->kind = for_good ? KERF_REFUSED_BY_HOST : KERF_REFUSED_NOW;
        return false;
    }
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    struct addition found;
    bool placed = find_addition(pass, claim, pod, false, &found, NULL, refusal);
    if (placed)
        commit(pass, claim, pod, &found);
    kerf_arena_rewind(&pass->scratch, mark);
    return placed;
}

bool kerf_pass_add_to_claim(struct kerf_pass *pass, struct kerf_pass_pod *pod)
{
    size_t count = pass->claims.count;
    if (!pass->search_sorted) {
        kerf_go_sort(pass->search_keys, pass->search, count);
        pass->search_sorted = true;
    }
    struct kerf_refusal refusal = {0};
    for (size_t i = 0; i < count; i++) {
        if (!kerf_pass_try_claim(pass, pass->claims.items[pass->search[i]], pod, &refusal))
            continue;
        pass->search_keys[i]++;
        pass->search_sorted = i + 1 == count || pass->search_keys[i] <= pass->search_keys[i + 1];
        return true;
    }
    return false;
}

/* ---- a new claim (5.4) ------------------------------------------------------------------------------------------------ */

static void append_claim(struct kerf_pass *pass, struct kerf_pass_claim *claim)
{
    size_t count = pass->claims.count;
    if (count == pass->search_capacity) {
        pass->search_capacity = pass->search_capacity > 0 ? pass->search_capacity * 2 : 16;
        pass->search = kerf_reallocate(pass->search, kerf_array_bytes(pass->search_capacity, sizeof pass->search[0]));
        pass->search_keys =
            kerf_reallocate(pass->search_keys, kerf_array_bytes(pass->search_capacity, sizeof pass->search_keys[0]));
    }
    pass->search[count] = claim->index;
    pass->search_keys[count] = 1;
    pass->search_sorted = pass->search_sorted && (count == 0 || pass->search_keys[count - 1] <= 1);
    KERF_VEC_PUSH_IN(&pass->arena, &pass->claims, claim);
}

static void restrict_opening(struct kerf_pass *pass, const struct kerf_opening *opening, struct kerf_pass_claim *claim)
{
    if (opening != NULL && opening->zone != NULL) {
        struct kerf_requirement zone = kerf_requirement_in(&pass->scratch, pass->vocabulary->key_zone, &opening->zone, 1);
        kerf_requirements_add(&pass->scratch, &claim->requirements, &zone);
        claim->slots = kerf_type_table_slots(pass->vocabulary, claim->template->pool->table, &claim->requirements);
    }
    for (uint32_t word = 0; opening != NULL && opening->options != NULL && word < claim->template->pool->table->words; word++)
        claim->options[word] &= opening->options[word];
}

static bool open_from(struct kerf_pass *pass, struct kerf_template *template, const struct kerf_opening *opening,
                      struct kerf_pass_pod *pod, struct kerf_text *reason)
{
    const uint64_t *options = kerf_pass_options_within_limits(pass, template, reason);
    if (options == NULL)
        return false;
    uint32_t words = template->pool->table->words;
    struct kerf_pass_claim trial = {
        .template = template,
        .index = (uint32_t)pass->claims.count,
        .host_domain = KERF_NOT_FOUND,
        .hostname = kerf_provisioning_cache_placeholder(pass->cache, (uint32_t)pass->claims.count),
        .requirements = kerf_requirements_copy(&pass->scratch, &template->requirements),
        .options = kerf_arena_copy(&pass->scratch, options, words * sizeof options[0]),
        .slots = template->slots,
        .min_values_relaxed = template->min_values_lowered,
    };
    kerf_pass_host_domain(pass, trial.hostname, &trial.host_domain);
    struct kerf_requirement host = kerf_requirement_in(&pass->scratch, pass->vocabulary->key_hostname, &trial.hostname, 1);
    kerf_requirements_add(&pass->scratch, &trial.requirements, &host);
    restrict_opening(pass, opening, &trial);
    struct addition found;
    struct kerf_refusal refusal = {0};
    if (!find_addition(pass, &trial, pod, true, &found, reason, &refusal))
        return false;
    struct kerf_pass_claim *claim = KERF_NEW(&pass->arena, struct kerf_pass_claim);
    *claim = trial;
    claim->requirements =
        kerf_requirements_copy(&pass->arena, &template->requirements); /* shared values; the host name is copied */
    claim->options = KERF_NEW_ARRAY(&pass->arena, uint64_t, words);
    claim->min_values_relaxed |= found.min_values_lowered;
    commit(pass, claim, pod, &found);
    append_claim(pass, claim);
    kerf_pass_charge_limits(template, found.options);
    return true;
}

/* The list, with the claim's own host name. */
static struct kerf_requirements with_host(struct kerf_pass *pass, const struct kerf_requirements *like, kerf_name hostname)
{
    struct kerf_requirements requirements = kerf_requirements_copy(&pass->arena, like);
    for (size_t i = 0; i < requirements.count; i++)
        if (requirements.items[i].key == pass->vocabulary->key_hostname)
            requirements.items[i] = kerf_requirement_in(&pass->arena, pass->vocabulary->key_hostname, &hostname, 1);
    return requirements;
}

void kerf_pass_open_like(struct kerf_pass *pass, const struct kerf_pass_claim *like, const struct kerf_pass_pod *pod)
{
    KERF_ASSERT(!like->template->pool->has_limits);
    struct kerf_pass_claim *claim = KERF_NEW(&pass->arena, struct kerf_pass_claim);
    uint32_t index = (uint32_t)pass->claims.count;
    *claim = (struct kerf_pass_claim){
        .template = like->template,
        .index = index,
        .host_domain = KERF_NOT_FOUND,
        .hostname = kerf_provisioning_cache_placeholder(pass->cache, index),
        .options = kerf_arena_copy(&pass->arena, like->options, like->template->pool->table->words * sizeof like->options[0]),
        .slots = like->slots,
        .requests = *pod->requests,
        .min_values_relaxed = like->min_values_relaxed,
        .fits_by_room = like->fits_by_room,
        .frontier = like->frontier,
    };
    claim->requirements = with_host(pass, &like->requirements, claim->hostname);
    kerf_pass_host_domain(pass, claim->hostname, &claim->host_domain);
    kerf_pass_register_host(pass, claim->hostname);
    KERF_VEC_PUSH_IN(&pass->arena, &claim->pods, pod->id);
    append_claim(pass, claim);
}

bool kerf_pass_open_claim(struct kerf_pass *pass, struct kerf_pass_pod *pod, struct kerf_text *reason)
{
    if (pass->template_count == 0) {
        if (reason != NULL)
            kerf_text_append(reason, "nodepool requirements filtered out all available instance types");
        return false;
    }
    for (uint32_t i = 0; i < pass->template_count; i++) {
        if (reason != NULL && reason->length > 0)
            kerf_text_append(reason, "; ");
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        pass->reserved_error = false;
        bool opened = open_from(pass, &pass->templates[i], NULL, pod, reason);
        kerf_arena_rewind(&pass->scratch, mark);
        if (opened || pass->reserved_error)
            return opened; /* later templates are not used even if they would work */
    }
    return false;
}

bool kerf_pass_open_claim_from(struct kerf_pass *pass, struct kerf_template *template, const struct kerf_opening *opening,
                               struct kerf_pass_pod *pod)
{
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    bool opened = open_from(pass, template, opening, pod, NULL);
    kerf_arena_rewind(&pass->scratch, mark);
    return opened;
}
