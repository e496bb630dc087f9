/** What the domains of a spread constraint hold, for pods of one kind: counted once, then followed node by node. */
#include "binding_internal.h"

#include <stdlib.h>

bool kerf_spread_policies_include(const struct attempt *attempt, const struct kerf_topology_spread *spread,
                                  const struct node_info *node)
{
    if (attempt->has_node_rules && spread->node_affinity_policy == KERF_NODE_POLICY_HONOR &&
        !kerf_attempt_node_rules_match(attempt, node))
        return false;
    return spread->node_taints_policy != KERF_NODE_POLICY_HONOR || !node->has_hard_taints ||
           !kerf_taints_untolerated(&node->taints, &attempt->spec->tolerations, KERF_EFFECTS_HARD | KERF_COMPARISONS_OFF);
}

static bool is_included(const struct attempt *attempt, const struct tally_rule *rule, uint32_t slot)
{
    for (uint32_t i = 0; i < rule->required_count; i++)
        if (rule->required[i]->domain_of_slot[slot] == KERF_NOT_FOUND)
            return false;
    return rule->spread == NULL || kerf_spread_policies_include(attempt, rule->spread, &attempt->binding->nodes[slot]);
}

static void take_slot(struct spread_tally *tally, uint32_t slot)
{
    uint32_t domain = tally->domain_of_slot[slot];
    if (domain == KERF_NOT_FOUND)
        return;
    tally->counts[domain] -= (int32_t)tally->count_of_slot[slot];
    tally->pod_total -= tally->count_of_slot[slot];
    tally->domain_total -= --tally->domain_nodes[domain] == 0;
}

static void put_slot(const struct attempt *attempt, struct spread_tally *tally, const struct tally_rule *rule, uint32_t slot)
{
    uint32_t domain = rule->column->domain_of_slot[slot]; /* none: the slot may be empty */
    if (domain != KERF_NOT_FOUND && !is_included(attempt, rule, slot))
        domain = KERF_NOT_FOUND;
    tally->domain_of_slot[slot] = domain;
    if (domain == KERF_NOT_FOUND)
        return;
    tally->count_of_slot[slot] = rule->matches ? rule->matches->count_of_slot[slot] : 0;
    tally->counts[domain] += (int32_t)tally->count_of_slot[slot];
    tally->pod_total += tally->count_of_slot[slot];
    tally->domain_total += tally->domain_nodes[domain]++ == 0;
}

static void grow_domains(struct spread_tally *tally, uint32_t domain_count)
{
    if (tally->domain_capacity >= domain_count)
        return;
    uint32_t capacity = tally->domain_capacity > 0 ? tally->domain_capacity : 8;
    while (capacity < domain_count)
        capacity *= 2;
    tally->counts = kerf_reallocate(tally->counts, kerf_array_bytes(capacity, sizeof *tally->counts));
    tally->domain_nodes = kerf_reallocate(tally->domain_nodes, kerf_array_bytes(capacity, sizeof *tally->domain_nodes));
    size_t added = capacity - tally->domain_capacity;
    memset(tally->counts + tally->domain_capacity, 0, added * sizeof *tally->counts);
    memset(tally->domain_nodes + tally->domain_capacity, 0, added * sizeof *tally->domain_nodes);
    tally->domain_capacity = capacity;
}

static void grow_slots(struct spread_tally *tally, uint32_t slot_capacity)
{
    if (tally->slot_capacity >= slot_capacity)
        return;
    tally->domain_of_slot =
        kerf_reallocate(tally->domain_of_slot, kerf_array_bytes(slot_capacity, sizeof *tally->domain_of_slot));
    tally->count_of_slot = kerf_reallocate(tally->count_of_slot, kerf_array_bytes(slot_capacity, sizeof *tally->count_of_slot));
    for (uint32_t slot = tally->slot_capacity; slot < slot_capacity; slot++)
        tally->domain_of_slot[slot] = KERF_NOT_FOUND;
    tally->slot_capacity = slot_capacity;
}

void kerf_tally_follow(const struct attempt *attempt, struct spread_tally *tally, const struct tally_rule *rule)
{
    const struct kerf_binding *binding = attempt->binding;
    grow_slots(tally, binding->slot_capacity);
    grow_domains(tally, rule->column->domain_count);
    if (!tally->known || tally->epoch != binding->epoch || tally->generation != rule->column->generation ||
        binding->log.count - tally->cursor > binding->slot_count) {
        if (tally->domain_capacity > 0) { /* without a node there are none, and no memory */
            memset(tally->counts, 0, tally->domain_capacity * sizeof *tally->counts);
            memset(tally->domain_nodes, 0, tally->domain_capacity * sizeof *tally->domain_nodes);
        }
        tally->domain_total = 0;
        tally->pod_total = 0;
        for (uint32_t slot = 0; slot < binding->slot_count; slot++)
            put_slot(attempt, tally, rule, slot);
        tally->known = true;
        tally->epoch = binding->epoch;
        tally->generation = rule->column->generation;
    } else {
        for (uint64_t at = tally->cursor; at < binding->log.count; at++) {
            take_slot(tally, binding->log.items[at]);
            put_slot(attempt, tally, rule, binding->log.items[at]);
        }
    }
    tally->cursor = binding->log.count;
}

void kerf_tally_fini(struct spread_tally *tally)
{
    free(tally->domain_of_slot);
    free(tally->count_of_slot);
    free(tally->counts);
    free(tally->domain_nodes);
}
