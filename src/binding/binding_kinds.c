/**
 * Pods of one kind: what each node by itself answers them is remembered until the node changes, so that the next replica looks anew at
 * few nodes. What hangs on several nodes (spread, affinity, normalised scores) is worked out for each pod as ever.
 */
#include "binding_internal.h"

#include <stdlib.h>

enum { KINDS_MAX = 256 }; /* then all are forgotten */

/* ---- which pods are of one kind --------------------------------------------------------------------------------------------------- */

static uint64_t hash_of_name(kerf_name name)
{
    return name ? name->hash : 0;
}

/** By content; equality is by what replicas share. */
static uint64_t hash_of_kind(const struct kerf_pod *pod)
{
    uint64_t hash = kerf_hash_mix(hash_of_name(pod->meta.namespace_name), (uint64_t)pod->requests->cpu_nanocores);
    hash = kerf_hash_mix(hash, (uint64_t)pod->requests->memory_millibytes);
    for (size_t i = 0; i < pod->meta.labels.count; i++)
        hash = kerf_hash_mix(hash, (uint64_t)hash_of_name(pod->meta.labels.items[i].key) << 32 |
                                       hash_of_name(pod->meta.labels.items[i].value));
    const struct kerf_owner *owner = kerf_meta_controller(&pod->meta);
    return owner ? kerf_hash_mix(hash, hash_of_name(owner->name)) : hash;
}

static bool is_of_kind(const struct pod_kind *kind, const struct kerf_cluster_pod *pod)
{
    const struct kerf_meta *meta = &pod->pod.meta;
    const struct kerf_owner *owner = kerf_meta_controller(meta);
    if (kind->spec != pod->pod.spec || kind->requests != pod->pod.requests || kind->namespace_name != meta->namespace_name ||
        kind->workload_index != pod->workload_index || kind->label_count != meta->labels.count ||
        kind->owner_kind != (owner ? owner->kind : NULL) || kind->owner_name != (owner ? owner->name : NULL))
        return false;
    for (size_t i = 0; i < kind->label_count; i++)
        if (kind->labels[i].key != meta->labels.items[i].key || kind->labels[i].value != meta->labels.items[i].value)
            return false;
    return true;
}

static struct pod_kind *new_kind(const struct kerf_cluster_pod *pod)
{
    const struct kerf_meta *meta = &pod->pod.meta;
    const struct kerf_owner *owner = kerf_meta_controller(meta);
    struct pod_kind *kind = kerf_allocate(sizeof *kind);
    *kind = (struct pod_kind){.spec = pod->pod.spec,
                              .requests = pod->pod.requests,
                              .namespace_name = meta->namespace_name,
                              .owner_kind = owner ? owner->kind : NULL,
                              .owner_name = owner ? owner->name : NULL,
                              .labels = kerf_allocate(kerf_array_bytes(meta->labels.count, sizeof *kind->labels)),
                              .label_count = meta->labels.count,
                              .workload_index = pod->workload_index};
    if (meta->labels.count)
        memcpy(kind->labels, meta->labels.items, meta->labels.count * sizeof *kind->labels);
    return kind;
}

static void free_tallies(struct spread_tally *tallies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        kerf_tally_fini(&tallies[i]);
    free(tallies);
}

static void forget_kinds(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->kinds.count; i++) {
        struct pod_kind *kind = binding->kinds.items[i];
        free_tallies(kind->hard, kind->hard_count);
        free_tallies(kind->soft, kind->soft_count);
        free_tallies(kind->own, kind->own_count);
        kerf_their_terms_fini(kind);
        free(kind->labels);
        free(kind->verdicts);
        KERF_VEC_FREE(&kind->unknown);
        free(kind->scores);
        free(kind->preferred);
        free(kind);
    }
    binding->kinds.count = 0;
    kerf_id_map_clear(&binding->kind_index);
}

void kerf_binding_kinds_fini(struct kerf_binding *binding)
{
    forget_kinds(binding);
    KERF_VEC_FREE(&binding->kinds);
    kerf_id_map_fini(&binding->kind_index);
}

static struct pod_kind *find_kind(struct kerf_binding *binding, const struct kerf_cluster_pod *pod)
{
    uint64_t hash = hash_of_kind(&pod->pod);
    uint32_t first = kerf_id_map_get(&binding->kind_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = binding->kinds.items[i]->next)
        if (is_of_kind(binding->kinds.items[i], pod))
            return binding->kinds.items[i];
    if (binding->kinds.count == KINDS_MAX) {
        forget_kinds(binding);
        first = KERF_NOT_FOUND;
    }
    struct pod_kind *kind = new_kind(pod);
    kind->next = first;
    kind->epoch = binding->epoch;
    kind->cursor = binding->log.count;
    kerf_id_map_put(&binding->kind_index, hash, (uint32_t)binding->kinds.count);
    KERF_VEC_PUSH(&binding->kinds, kind);
    return kind;
}

/* ---- what is remembered ------------------------------------------------------------------------------------------------------------- */

static void forget_verdict(struct pod_kind *kind, uint32_t slot)
{
    if (kind->verdicts[slot] == KIND_UNKNOWN)
        return;
    kind->passing -= kind->verdicts[slot] == KIND_PASSES;
    kind->verdicts[slot] = KIND_UNKNOWN;
    KERF_VEC_PUSH(&kind->unknown, slot);
}

static void grow_kind(struct pod_kind *kind, uint32_t slot_capacity)
{
    if (kind->slot_capacity >= slot_capacity)
        return;
    kind->verdicts = kerf_reallocate(kind->verdicts, slot_capacity);
    kind->scores = kerf_reallocate(kind->scores, kerf_array_bytes(slot_capacity, sizeof *kind->scores));
    if (kind->spec->preferred_node_term_count)
        kind->preferred = kerf_reallocate(kind->preferred, kerf_array_bytes(slot_capacity, sizeof *kind->preferred));
    for (; kind->slot_capacity < slot_capacity; kind->slot_capacity++) {
        kind->verdicts[kind->slot_capacity] = KIND_UNUSED;
        forget_verdict(kind, kind->slot_capacity);
    }
}

/** Images weigh by the share of nodes that have them. */
static bool images_changed(struct kerf_binding *binding, struct pod_kind *kind)
{
    if (!binding->weights[KERF_SCORE_IMAGE_LOCALITY])
        return false;
    kerf_binding_refresh_images(binding);
    bool changed = kind->image_generation != binding->image_generation ||
                   (binding->any_images && kind->order_count != binding->order_count);
    kind->image_generation = binding->image_generation;
    kind->order_count = binding->order_count;
    return changed;
}

static void follow_log(struct kerf_binding *binding, struct pod_kind *kind)
{
    grow_kind(kind, binding->slot_capacity);
    bool anew = images_changed(binding, kind) || kind->epoch != binding->epoch ||
                binding->log.count - kind->cursor > binding->slot_count;
    if (anew || kind->unknown.count > 4 * (size_t)kind->slot_capacity) {
        kind->passing = 0;
        kind->unknown.count = 0;
        for (uint32_t slot = 0; slot < kind->slot_capacity; slot++) {
            kind->verdicts[slot] = KIND_UNUSED;
            forget_verdict(kind, slot);
        }
    } else {
        for (uint64_t at = kind->cursor; at < binding->log.count; at++)
            forget_verdict(kind, binding->log.items[at]);
    }
    kind->epoch = binding->epoch;
    kind->cursor = binding->log.count;
}

struct pod_kind *kerf_binding_kind_of(struct kerf_binding *binding, const struct kerf_cluster_pod *pod)
{
    const struct kerf_pod_spec *spec = pod->pod.spec;
    if (binding->options.plain || binding->options.explain || spec->volume_count || kerf_pod_status(&pod->pod)->nominated_node_name ||
        kerf_cluster_nominated_count(binding->cluster))
        return NULL;
    struct pod_kind *kind = find_kind(binding, pod);
    if (!kind->met_again) {
        kind->met_again = true;
        return NULL;
    }
    follow_log(binding, kind);
    return kind;
}

struct spread_tally *kerf_kind_tallies(struct spread_tally **tallies, uint32_t *tally_count, uint32_t count)
{
    if (!*tallies) {
        *tallies = kerf_allocate(kerf_array_bytes(count, sizeof **tallies));
        *tally_count = count;
    }
    KERF_ASSERT(*tally_count == count);
    return *tallies;
}

/* ---- the search --------------------------------------------------------------------------------------------------------------------- */

static unsigned char look_at(struct attempt *attempt, uint32_t slot)
{
    struct pod_kind *kind = attempt->kind;
    struct node_view view = kerf_view_of(attempt->binding, slot);
    struct refusal refusal;
    bool passes = kerf_attempt_filter_node(attempt, &view, &refusal);
    if (passes) {
        kind->scores[slot] = kerf_binding_score_alone(attempt, slot);
        if (kind->preferred)
            kind->preferred[slot] = kerf_binding_preferred_of(attempt, slot);
    }
    kind->passing += passes;
    return kind->verdicts[slot] = passes ? KIND_PASSES : refusal.resolvable ? KIND_REFUSES_FOR_NOW : KIND_REFUSES;
}

/** All nodes refuse, each by itself: where preemption might help is remembered too. The search has gone round: the next one begins where it did. */
static void note_candidates(struct attempt *attempt)
{
    struct kerf_binding *binding = attempt->binding;
    uint32_t at = binding->start_index;
    if (kerf_pod_priority(&attempt->pod->pod) <= binding->lowest_priority)
        return; /* nobody could be preempted */
    for (uint32_t i = 0; i < binding->order_count; i++) {
        uint32_t slot = binding->order[at];
        at = at + 1 == binding->order_count ? 0 : at + 1;
        if (attempt->kind->verdicts[slot] == KIND_REFUSES_FOR_NOW)
            KERF_VEC_PUSH(&binding->candidates, slot);
    }
}

/** Mostly a pod that comes again finds what the last one of its kind found: only nodes that changed are looked at. */
static bool no_node_passes(struct attempt *attempt)
{
    struct pod_kind *kind = attempt->kind;
    while (kind->passing == 0 && kind->unknown.count > 0) {
        uint32_t slot = kind->unknown.items[--kind->unknown.count];
        if (kind->verdicts[slot] != KIND_UNKNOWN)
            continue;
        if (slot < attempt->binding->slot_count && attempt->binding->nodes[slot].alive)
            (void)look_at(attempt, slot);
        else
            kind->verdicts[slot] = KIND_UNUSED;
    }
    return kind->passing == 0;
}

bool kerf_kind_search(struct attempt *attempt, uint32_t wanted)
{
    struct kerf_binding *binding = attempt->binding;
    const uint32_t *order = binding->order;
    const unsigned char *verdicts = attempt->kind->verdicts;
    bool by_domain = attempt->spread_count > 0;
    bool by_pods = attempt->affinity_count || attempt->anti_affinity_count || attempt->existing_anti_affinity.count;
    struct refusal refusal;
    uint32_t found = 0, examined = 0, at = binding->start_index;
    if (no_node_passes(attempt)) {
        note_candidates(attempt);
        return true;
    }
    if (by_domain)
        kerf_spread_note_allowed(attempt);
    for (; examined < binding->order_count; examined++) {
        uint32_t slot = order[at];
        at = at + 1 == binding->order_count ? 0 : at + 1;
        unsigned char verdict = verdicts[slot];
        if (verdict == KIND_UNKNOWN)
            verdict = look_at(attempt, slot);
        if (verdict != KIND_PASSES || (by_domain && !kerf_spread_allows(attempt, slot)) ||
            (by_pods && !kerf_interpod_filter(attempt, slot, &refusal)))
            continue;
        if (found == wanted)
            break; /* one beyond the limit ends the search, and is the next pod's first */
        binding->feasible[found++] = slot;
    }
    if (!found && (by_domain || by_pods))
        return false;
    if (!found)
        note_candidates(attempt);
    binding->feasible_count = found;
    binding->start_index = (binding->start_index + examined) % binding->order_count;
    return true;
}
