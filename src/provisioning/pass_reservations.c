/**
 * pass_reservations: capacity reservations in a pass (karpenter-provisioning.md 6.5). What a claim will be launched as is not known yet, so
 * it holds an instance of every reservation that it might get, and a pod that finds all of them held waits for the next pass.
 */
#include "provisioning/provisioning_internal.h"

static int64_t *rooms(struct kerf_pass *pass)
{
    size_t count = pass->objects->capacity_reservations.count;
    if (pass->reservation_room == NULL) {
        pass->reservation_room = KERF_NEW_ARRAY(&pass->arena, int64_t, count);
        for (size_t i = 0; i < count; i++)
            pass->reservation_room[i] = kerf_cluster_reservation_room(pass->cluster, (uint32_t)i);
    }
    return pass->reservation_room;
}

static bool is_offered(const struct kerf_type_table *table, uint32_t slot, const uint64_t *options)
{
    for (uint32_t word = 0; word < table->words; word++)
        if ((table->available[slot][word] & options[word]) != 0)
            return true;
    return false;
}

bool kerf_pass_find_reserved(struct kerf_pass *pass, const struct kerf_pass_claim *claim, const uint64_t *options, kerf_slots slots,
                             kerf_slots *out_held, struct kerf_text *reason)
{
    const struct kerf_type_table *table = claim->template->pool->table;
    bool any_compatible = false;
    *out_held = 0;
    for (uint32_t slot = table->zone_slot_count; slot < table->slot_count; slot++) {
        if (!(slots >> slot & 1) || !is_offered(table, slot, options))
            continue;
        any_compatible = true;
        if ((claim->held >> slot & 1) || rooms(pass)[table->slot_reservation[slot]] > 0)
            *out_held |= kerf_slot_bit(slot);
    }
    if (*out_held != 0 || pass->input->reservations_are_optional || (!any_compatible && claim->held == 0))
        return true;
    if (reason != NULL)
        kerf_text_append(reason, any_compatible ? "instance types with a compatible capacity reservation are left, but other claims of this pass "
                                                  "may need what it has room for; the next pass tries again"
                                                : "the pod would leave the claim without the capacity reservations that it holds");
    return false;
}

void kerf_pass_hold_reserved(struct kerf_pass *pass, struct kerf_pass_claim *claim, kerf_slots held)
{
    const struct kerf_type_table *table = claim->template->pool->table;
    for (uint32_t slot = table->zone_slot_count; slot < table->slot_count && held != claim->held; slot++)
        rooms(pass)[table->slot_reservation[slot]] += (int64_t)(claim->held >> slot & 1) - (int64_t)(held >> slot & 1);
    claim->held = held;
}

void kerf_pass_settle_reserved(struct kerf_pass *pass, struct kerf_pass_claim *claim)
{
    const struct kerf_type_table *table = claim->template->pool->table;
    if (claim->held == 0)
        return;
    kerf_name *ids = KERF_NEW_ARRAY(&pass->arena, kerf_name, table->slot_count);
    size_t count = 0;
    for (uint32_t slot = table->zone_slot_count; slot < table->slot_count; slot++) /* by ID */
        if (claim->held >> slot & 1)
            ids[count++] = pass->objects->capacity_reservations.items[table->slot_reservation[slot]].id;
    struct kerf_requirement reserved =
        kerf_requirement_in(&pass->arena, pass->vocabulary->key_capacity_type, &pass->vocabulary->word_reserved, 1);
    struct kerf_requirement held = kerf_requirement_in(&pass->arena, pass->vocabulary->key_capacity_reservation_id, ids, count);
    claim->requirements = kerf_requirements_copy(&pass->arena, &claim->requirements);
    kerf_requirements_set(&pass->arena, &claim->requirements, &reserved);
    kerf_requirements_add(&pass->arena, &claim->requirements, &held);
    claim->slots = kerf_type_table_slots(pass->vocabulary, table, &claim->requirements);
}
