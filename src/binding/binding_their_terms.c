/**
 * What the affinity terms of pods that are there say of pods of one kind: required anti-affinity keeps them away from domains, all others
 * give points. Counted once, then followed node by node.
 */
#include "binding_internal.h"

#include <stdlib.h>

static void grow_key(struct their_key *key, uint32_t slot_capacity)
{
    if (key->slot_capacity < slot_capacity) {
        key->share_of_slot = kerf_reallocate(key->share_of_slot, kerf_array_bytes(slot_capacity, sizeof *key->share_of_slot));
        for (uint32_t slot = key->slot_capacity; slot < slot_capacity; slot++)
            key->share_of_slot[slot] = (struct their_share){.domain = KERF_NOT_FOUND};
        key->slot_capacity = slot_capacity;
    }
    uint32_t wanted = key->column->domain_count;
    if (key->domain_capacity < wanted) {
        uint32_t capacity = key->domain_capacity > 0 ? key->domain_capacity : 8;
        while (capacity < wanted)
            capacity *= 2;
        key->anti = kerf_reallocate(key->anti, kerf_array_bytes(capacity, sizeof *key->anti));
        key->points = kerf_reallocate(key->points, kerf_array_bytes(capacity, sizeof *key->points));
        memset(key->anti + key->domain_capacity, 0, (capacity - key->domain_capacity) * sizeof *key->anti);
        memset(key->points + key->domain_capacity, 0, (capacity - key->domain_capacity) * sizeof *key->points);
        key->domain_capacity = capacity;
    }
}

static struct their_key *find_key(struct kerf_binding *binding, struct pod_kind *kind, kerf_name name)
{
    for (size_t i = 0; i < kind->their_keys.count; i++)
        if (kind->their_keys.items[i].column->key == name)
            return &kind->their_keys.items[i];
    struct their_key made = {.column = kerf_binding_key_column(binding, name)};
    made.generation = made.column->generation;
    grow_key(&made, binding->slot_capacity);
    KERF_VEC_PUSH(&kind->their_keys, made);
    return &kind->their_keys.items[kind->their_keys.count - 1];
}

/** One term that may select pods of the kind. */
static void add_term(const struct attempt *attempt, struct pod_kind *kind, uint32_t slot, const struct kerf_pod *pod,
                     const struct kerf_pod_affinity_term *term, bool anti, int64_t points)
{
    struct kerf_binding *binding = attempt->binding;
    if (!kerf_affinity_term_selects(binding->cluster, term, pod->meta.namespace_name, &attempt->pod->pod))
        return;
    struct their_key *key = find_key(binding, kind, term->topology_key);
    uint32_t domain = key->column->domain_of_slot[slot];
    if (domain == KERF_NOT_FOUND)
        return;
    struct their_share *share = &key->share_of_slot[slot];
    share->domain = domain;
    if (anti) {
        share->anti++;
        key->anti[domain]++;
        key->anti_total++;
    } else {
        share->terms++;
        share->points += points;
        key->points[domain] += points;
        key->term_total++;
    }
}

static void put_slot(const struct attempt *attempt, struct pod_kind *kind, uint32_t slot)
{
    const struct kerf_binding *binding = attempt->binding;
    const struct kerf_scheduler_configuration *configuration = binding->configuration;
    int64_t hard_weight = kerf_hard_affinity_weight(configuration);
    bool prefers = !configuration->ignore_preferred_terms_of_existing_pods;
    if (!binding->nodes[slot].alive || !binding->nodes[slot].affinity_pods)
        return;
    struct slot_pods pods = kerf_slot_pods(binding, slot);
    for (uint32_t i = 0; i < pods.count; i++) {
        const struct kerf_pod *pod = &kerf_slot_pod(&pods, i)->pod;
        const struct kerf_pod_spec *spec = pod->spec;
        if (kerf_pod_is_terminal(pod))
            continue;
        for (size_t t = 0; t < spec->required_anti_affinity.count; t++)
            add_term(attempt, kind, slot, pod, &spec->required_anti_affinity.items[t], true, 0);
        for (size_t t = 0; hard_weight > 0 && t < spec->required_affinity.count; t++)
            add_term(attempt, kind, slot, pod, &spec->required_affinity.items[t], false, hard_weight);
        for (size_t t = 0; prefers && t < spec->preferred_affinity.count; t++)
            add_term(attempt, kind, slot, pod, &spec->preferred_affinity.items[t], false, spec->preferred_affinity.items[t].weight);
        for (size_t t = 0; prefers && t < spec->preferred_anti_affinity.count; t++)
            add_term(attempt, kind, slot, pod, &spec->preferred_anti_affinity.items[t], false,
                     -(int64_t)spec->preferred_anti_affinity.items[t].weight);
    }
}

static void take_slot(struct pod_kind *kind, uint32_t slot)
{
    for (size_t i = 0; i < kind->their_keys.count; i++) {
        struct their_key *key = &kind->their_keys.items[i];
        struct their_share *share = &key->share_of_slot[slot];
        if (share->domain == KERF_NOT_FOUND)
            continue;
        key->anti[share->domain] -= share->anti;
        key->anti_total -= share->anti;
        key->points[share->domain] -= share->points;
        key->term_total -= share->terms;
        *share = (struct their_share){.domain = KERF_NOT_FOUND};
    }
}

static void forget(struct pod_kind *kind)
{
    for (size_t i = 0; i < kind->their_keys.count; i++) {
        free(kind->their_keys.items[i].share_of_slot);
        free(kind->their_keys.items[i].anti);
        free(kind->their_keys.items[i].points);
    }
    kind->their_keys.count = 0;
}

void kerf_their_terms_follow(const struct attempt *attempt, struct pod_kind *kind)
{
    struct kerf_binding *binding = attempt->binding;
    bool anew = !kind->their_known || kind->their_epoch != binding->epoch ||
                binding->log.count - kind->their_cursor > binding->slot_count;
    for (size_t i = 0; i < kind->their_keys.count; i++) {
        struct their_key *key = &kind->their_keys.items[i];
        kerf_binding_key_column(binding, key->column->key);
        anew |= key->generation != key->column->generation;
        grow_key(key, binding->slot_capacity);
    }
    if (anew) {
        forget(kind);
        for (uint32_t slot = 0; slot < binding->slot_count; slot++)
            put_slot(attempt, kind, slot);
    }
    for (uint64_t at = anew ? binding->log.count : kind->their_cursor; at < binding->log.count; at++) {
        take_slot(kind, binding->log.items[at]);
        put_slot(attempt, kind, binding->log.items[at]);
    }
    kind->their_known = true;
    kind->their_epoch = binding->epoch;
    kind->their_cursor = binding->log.count;
}

void kerf_their_terms_fini(struct pod_kind *kind)
{
    forget(kind);
    KERF_VEC_FREE(&kind->their_keys);
}
