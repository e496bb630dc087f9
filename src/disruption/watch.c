/** A standing look at the world: which entries a pass could find something about, kept up to date by cluster's journal. */
#include "disruption/disruption_internal.h"

#include <stdlib.h>

enum { UNLAUNCHED = 1, TAINTED = 2, EMPTY = 4, DRIFTED = 8, UNDERUTILIZED = 16 };

struct kerf_disruption_watch {
    const struct kerf_cluster *cluster;
    uint64_t journal_read;
    uint8_t *facts; /* by node id */
    uint32_t capacity;
    struct kerf_disruption_outlook outlook;
};

struct kerf_disruption_watch *kerf_disruption_watch_new(const struct kerf_cluster *cluster)
{
    struct kerf_disruption_watch *watch = kerf_allocate(sizeof *watch);
    watch->cluster = cluster;
    watch->journal_read = UINT64_MAX; /* nothing is known yet: the first look is at everything */
    return watch;
}

void kerf_disruption_watch_free(struct kerf_disruption_watch *watch)
{
    if (!watch)
        return;
    free(watch->facts);
    free(watch);
}

/** Some pod would have to move, at a cost (RDC above 1). */
static bool is_occupied(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(cluster, node->pods[i])->pod;
        if (kerf_pod_is_reschedulable(pod) && kerf_pod_eviction_cost(kerf_cluster_vocabulary(cluster), pod) > 0)
            return true;
    }
    return false;
}

static bool has_disrupted_taint(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    kerf_name key = kerf_cluster_vocabulary(cluster)->key_disrupted;
    for (size_t i = 0; i < node->node.taints.count; i++)
        if (node->node.taints.items[i].key == key)
            return true;
    return false;
}

static uint8_t facts_of(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node)
{
    uint8_t facts = 0;
    if (!node->has_claim)
        return 0;
    if (!node->claim.provider_id)
        facts |= UNLAUNCHED;
    if (!node->has_node || kerf_cluster_is_deleting(cluster, node))
        return facts;
    if (has_disrupted_taint(cluster, node) || kerf_conditions_true(&node->claim.conditions, "DisruptionReason"))
        facts |= TAINTED;
    if (node->nodepool_index == KERF_NOT_FOUND || !kerf_cluster_is_initialized(cluster, node))
        return facts;
    if (node->drifted)
        facts |= DRIFTED;
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[node->nodepool_index];
    if (nodepool->replicas < 0 && nodepool->consolidate_after_us != KERF_TIME_NEVER &&
        node->consolidatable) {
        if (!is_occupied(cluster, node))
            facts |= EMPTY;
        else if (nodepool->consolidation_policy != KERF_WHEN_EMPTY)
            facts |= UNDERUTILIZED;
    }
    return facts;
}

static void count(struct kerf_disruption_outlook *outlook, uint8_t facts, bool added)
{
    uint32_t by = added ? 1 : UINT32_MAX;
    outlook->unlaunched += facts & UNLAUNCHED ? by : 0;
    outlook->tainted += facts & TAINTED ? by : 0;
    outlook->empty += facts & EMPTY ? by : 0;
    outlook->drifted += facts & DRIFTED ? by : 0;
    outlook->underutilized += facts & UNDERUTILIZED ? by : 0;
}

static void look_at(struct kerf_disruption_watch *watch, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(watch->cluster, id);
    uint8_t facts = node ? facts_of(watch->cluster, node) : 0;
    count(&watch->outlook, watch->facts[id.index], false);
    count(&watch->outlook, facts, true);
    watch->facts[id.index] = facts;
}

static void make_room(struct kerf_disruption_watch *watch)
{
    uint32_t bound = kerf_cluster_node_id_bound(watch->cluster);
    if (bound <= watch->capacity)
        return;
    uint32_t capacity = bound + bound / 2 + 64;
    watch->facts = kerf_reallocate(watch->facts, capacity);
    memset(watch->facts + watch->capacity, 0, capacity - watch->capacity);
    watch->capacity = capacity;
}

struct kerf_disruption_outlook kerf_disruption_look(struct kerf_disruption_watch *watch)
{
    uint64_t written = kerf_cluster_journal_count(watch->cluster);
    make_room(watch);
    kerf_node_id id;
    bool remembered = watch->journal_read != UINT64_MAX && (watch->journal_read == written ||
                                                             kerf_cluster_journal_at(watch->cluster, watch->journal_read, &id));
    if (remembered) {
        for (uint64_t number = watch->journal_read; number < written; number++)
            if (kerf_cluster_journal_at(watch->cluster, number, &id))
                look_at(watch, id);
    } else {
        watch->outlook = (struct kerf_disruption_outlook){ 0 };
        if (watch->capacity > 0)
            memset(watch->facts, 0, watch->capacity);
        for (size_t at = 0; at < kerf_cluster_node_count(watch->cluster); at++)
            look_at(watch, kerf_cluster_node_at(watch->cluster, at)->id);
    }
    watch->journal_read = written;
    return watch->outlook;
}
