/**
 * What the loop need not find out again about every node in every pass: what its pods cost to evict, which budgets stand before them, its
 * price, and the order of names. Cluster's journal names the nodes that changed; who may be disrupted now is asked anew each time.
 */
#include "disruption/disruption_internal.h"

#include <stdlib.h>

struct kerf_roster {
    const struct kerf_cluster *cluster;
    uint64_t journal_read;
    struct kerf_roster_entry *entries; /* by node id */
    uint32_t capacity;
    KERF_VEC(kerf_node_id) by_name;
    KERF_VEC(const struct kerf_candidate *) slots; /* scratch of sorting */
    uint32_t sorted_count;                         /* of the last sort */
};

struct kerf_roster *kerf_roster_new(const struct kerf_cluster *cluster)
{
    struct kerf_roster *roster = kerf_allocate(sizeof *roster);
    roster->cluster = cluster;
    roster->journal_read = UINT64_MAX; /* the first look is at everything */
    return roster;
}

void kerf_roster_free(struct kerf_roster *roster)
{
    if (!roster)
        return;
    for (uint32_t i = 0; i < roster->capacity; i++)
        KERF_VEC_FREE(&roster->entries[i].pdbs);
    free(roster->entries);
    KERF_VEC_FREE(&roster->by_name);
    KERF_VEC_FREE(&roster->slots);
    free(roster);
}

static void make_room(struct kerf_roster *roster)
{
    uint32_t bound = kerf_cluster_node_id_bound(roster->cluster);
    if (bound <= roster->capacity)
        return;
    uint32_t capacity = bound + bound / 2 + 64;
    roster->entries = kerf_reallocate(roster->entries, kerf_array_bytes(capacity, sizeof *roster->entries));
    memset(roster->entries + roster->capacity, 0, (capacity - roster->capacity) * sizeof *roster->entries);
    roster->capacity = capacity;
}

/* ---- order of names ---------------------------------------------------------------------------------------------------------------- */

/** By name, of equal ones the older first, as a stable sort of the world's list has them. */
static size_t place_of(const struct kerf_roster *roster, kerf_name name, kerf_node_id id)
{
    size_t first = 0;
    for (size_t length = roster->by_name.count; length > 0;) {
        size_t half = length / 2;
        kerf_node_id other = roster->by_name.items[first + half];
        int order = kerf_name_compare(roster->entries[other.index].listed_as, name);
        bool before = order != 0 ? order < 0 : other.index < id.index;
        first = before ? first + half + 1 : first;
        length = before ? length - half - 1 : half;
    }
    return first;
}

static void take_off_list(struct kerf_roster *roster, kerf_node_id id)
{
    struct kerf_roster_entry *entry = &roster->entries[id.index];
    if (!entry->listed_as)
        return;
    size_t at = place_of(roster, entry->listed_as, id);
    KERF_ASSERT(kerf_node_id_equal(roster->by_name.items[at], id));
    roster->by_name.count--;
    memmove(&roster->by_name.items[at], &roster->by_name.items[at + 1], (roster->by_name.count - at) * sizeof *roster->by_name.items);
    entry->listed_as = NULL;
}

static void put_on_list(struct kerf_roster *roster, kerf_node_id id, kerf_name name)
{
    size_t at = place_of(roster, name, id);
    KERF_VEC_PUSH(&roster->by_name, id);
    memmove(&roster->by_name.items[at + 1], &roster->by_name.items[at], (roster->by_name.count - 1 - at) * sizeof *roster->by_name.items);
    roster->by_name.items[at] = id;
    roster->entries[id.index].listed_as = name;
}

/** Something happened to the node. */
static void look_at(struct kerf_roster *roster, kerf_node_id id)
{
    struct kerf_roster_entry *entry = &roster->entries[id.index];
    entry->known = false;
    const struct kerf_cluster_node *node = kerf_cluster_node(roster->cluster, id);
    kerf_name name = node ? kerf_cluster_node_name(roster->cluster, node) : NULL;
    if (name == entry->listed_as)
        return;
    take_off_list(roster, id);
    if (name)
        put_on_list(roster, id, name);
    else
        KERF_VEC_FREE(&entry->pdbs);
}

void kerf_roster_refresh(struct kerf_roster *roster)
{
    uint64_t written = kerf_cluster_journal_count(roster->cluster);
    make_room(roster);
    kerf_node_id id;
    bool remembered = roster->journal_read != UINT64_MAX && (roster->journal_read == written ||
                                                              kerf_cluster_journal_at(roster->cluster, roster->journal_read, &id));
    if (remembered) {
        for (uint64_t number = roster->journal_read; number < written; number++)
            if (kerf_cluster_journal_at(roster->cluster, number, &id))
                look_at(roster, id);
    } else {
        for (uint32_t i = 0; i < roster->capacity; i++)
            look_at(roster, (kerf_node_id){ i });
    }
    roster->journal_read = written;
}

/* ---- what is known of a node ---------------------------------------------------------------------------------------------------------- */

static void add_pdb(struct kerf_roster_entry *entry, uint32_t pdb_index)
{
    for (size_t i = 0; i < entry->pdbs.count; i++)
        if (entry->pdbs.items[i] == pdb_index)
            return;
    KERF_VEC_PUSH(&entry->pdbs, pdb_index);
}

/** What stands before an eviction of the pod, but for how many disruptions its budget allows now. */
static void read_pod(const struct kerf_disruption_pass *pass, const struct kerf_cluster_pod *pod, struct kerf_roster_entry *entry)
{
    if (kerf_labels_get(&kerf_meta_details(&pod->pod.meta)->annotations, pass->vocabulary->key_do_not_disrupt))
        entry->changes = true;
    size_t count;
    const uint32_t *pdbs = kerf_cluster_pdbs_of_pod(pass->cluster, pod->id, &count);
    for (size_t i = 0; i < count; i++)
        if (pass->objects->pdbs.items[pdbs[i]].unhealthy_policy == KERF_EVICT_ALWAYS_ALLOW)
            entry->changes = true;
    if (count == 0 || !kerf_pod_is_evictable(pass->vocabulary, &pod->pod, pass->now_epoch_us))
        return;
    if (count > 1)
        entry->is_blocked = true;
    else
        add_pdb(entry, pdbs[0]);
}

const struct kerf_roster_entry *kerf_roster_entry(struct kerf_roster *roster, struct kerf_disruption_pass *pass,
                                                  const struct kerf_cluster_node *node)
{
    struct kerf_roster_entry *entry = &roster->entries[node->id.index];
    if (entry->known)
        return entry;
    entry->known = true;
    entry->changes = entry->is_blocked = false;
    entry->pdbs.count = 0;
    for (uint32_t i = 0; i < node->pod_count; i++)
        read_pod(pass, kerf_cluster_pod(pass->cluster, node->pods[i]), entry);
    kerf_candidate_fill(pass, node, &entry->candidate);
    entry->is_annotated = kerf_labels_get(kerf_cluster_node_annotations(pass->cluster, node), pass->vocabulary->key_do_not_disrupt) ==
                          pass->vocabulary->word_true;
    entry->has_pool_label = kerf_labels_get(kerf_cluster_node_labels(pass->cluster, node), pass->vocabulary->key_nodepool) != NULL;
    return entry;
}

enum { PDB_UNKNOWN, PDB_OPEN, PDB_CLOSED };

bool kerf_roster_pods_allow(struct kerf_disruption_pass *pass, const struct kerf_roster_entry *entry)
{
    if (entry->is_blocked)
        return false;
    if (!pass->pdb_states)
        pass->pdb_states = KERF_NEW_ARRAY(&pass->scratch, unsigned char, pass->objects->pdbs.count);
    for (size_t i = 0; i < entry->pdbs.count; i++) {
        unsigned char *state = &pass->pdb_states[entry->pdbs.items[i]];
        if (*state == PDB_UNKNOWN)
            *state = kerf_cluster_pdb_state(pass->cluster, entry->pdbs.items[i]).disruptions_allowed == 0 ? PDB_CLOSED : PDB_OPEN;
        if (*state == PDB_CLOSED)
            return false;
    }
    return true;
}

const kerf_node_id *kerf_roster_by_name(const struct kerf_roster *roster, size_t *out_count)
{
    *out_count = roster->by_name.count;
    return roster->by_name.items;
}

/* ---- order of savings -------------------------------------------------------------------------------------------------------------------- */

void kerf_roster_presort(struct kerf_roster *roster, struct kerf_candidates *candidates)
{
    roster->slots.count = 0;
    while (roster->slots.count < roster->sorted_count)
        KERF_VEC_PUSH(&roster->slots, NULL);
    size_t fresh = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct kerf_candidate *candidate = candidates->items[i];
        uint32_t place = roster->entries[candidate->id.index].place;
        if (place < roster->sorted_count && !roster->slots.items[place])
            roster->slots.items[place] = candidate;
        else
            candidates->items[fresh++] = candidate;
    }
    for (size_t i = 0; i < fresh; i++)
        KERF_VEC_PUSH(&roster->slots, candidates->items[i]);
    size_t at = 0;
    for (size_t i = 0; i < roster->slots.count; i++)
        if (roster->slots.items[i])
            candidates->items[at++] = roster->slots.items[i];
    KERF_ASSERT(at == candidates->count);
}

void kerf_roster_keep_order(struct kerf_roster *roster, const struct kerf_candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        roster->entries[candidates->items[i]->id.index].place = (uint32_t)i;
    roster->sorted_count = (uint32_t)candidates->count;
}
