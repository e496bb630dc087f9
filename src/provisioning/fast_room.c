/**
 * fast_room: another pod on a claim that changes no requirement of it asks for room alone. Then the claim's types need no filter:
 * of what they offer to pods the largest amounts that no other type exceeds in everything are a handful (its frontier), and what
 * fits under one of them fits. What is left of the options is worked out when all is placed (kerf_pass_settle_options).
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

/* ---- frontiers --------------------------------------------------------------------------------------------------------- */

static bool covers(const struct kerf_room *larger, const struct kerf_room *smaller)
{
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++)
        if (larger->amounts[resource] < smaller->amounts[resource])
            return false;
    return true;
}

/* What the type has for pods beside daemons; -1: not even for these. */
static struct kerf_room room_of_type(const struct kerf_type_table *table, uint32_t type, const struct kerf_resources *overhead)
{
    struct kerf_room room;
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++) {
        int64_t allocatable = table->allocatable[resource] != NULL ? table->allocatable[resource][type] : 0;
        int64_t left = kerf_saturate_i64((kerf_i128)allocatable - overhead->amounts[resource]);
        room.amounts[resource] = kerf_max_i64(left, -1);
    }
    return room;
}

static void add_room(struct kerf_frontier *frontier, struct kerf_room room)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < frontier->count; i++)
        if (covers(&frontier->rooms[i], &room))
            return;
    for (uint32_t i = 0; i < frontier->count; i++)
        if (!covers(&room, &frontier->rooms[i]))
            frontier->rooms[kept++] = frontier->rooms[i];
    frontier->rooms[kept++] = room;
    frontier->count = kept;
}

static void fill_frontier(struct kerf_pass *pass, struct kerf_frontier *frontier)
{
    static const struct kerf_resources nothing;
    const struct kerf_template *template = frontier->template;
    const struct kerf_type_table *table = template->pool->table;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    frontier->rooms = KERF_NEW_ARRAY(&pass->scratch, struct kerf_room, table->count + 1u);
    uint32_t group_count = template->daemon_group_count;
    for (uint32_t i = 0; i < (group_count > 0 ? group_count : 1); i++) {
        const struct kerf_daemon_group *group = group_count > 0 ? &template->daemon_groups[i] : NULL;
        for (uint32_t word = 0; word < table->words; word++) {
            uint64_t types = frontier->types[word] & ~table->negative[word] & (group != NULL ? group->types[word] : UINT64_MAX);
            for (; types != 0; types &= types - 1)
                add_room(frontier, room_of_type(table, word * 64 + (uint32_t)__builtin_ctzll(types),
                                                group != NULL ? &group->overhead : &nothing));
        }
    }
    frontier->rooms = kerf_arena_copy(&pass->arena, frontier->rooms, frontier->count * sizeof frontier->rooms[0]);
    kerf_arena_rewind(&pass->scratch, mark);
}

static const struct kerf_frontier *find_frontier(struct kerf_fast *fast, const struct kerf_pass_claim *claim)
{
    struct kerf_pass *pass = fast->pass;
    uint32_t words = claim->template->pool->table->words;
    uint64_t hash = claim->template->pool_index;
    for (uint32_t word = 0; word < words; word++)
        hash = kerf_hash_mix(hash, claim->options[word]);
    uint32_t first = kerf_id_map_get(&fast->frontier_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = fast->frontiers.items[i]->next) {
        const struct kerf_frontier *frontier = fast->frontiers.items[i];
        if (frontier->template == claim->template && memcmp(frontier->types, claim->options, words * sizeof(uint64_t)) == 0)
            return frontier;
    }
    struct kerf_frontier *made = KERF_NEW(&pass->arena, struct kerf_frontier);
    made->template = claim->template;
    made->types = kerf_arena_copy(&pass->arena, claim->options, words * sizeof(uint64_t));
    made->next = first;
    fill_frontier(pass, made);
    kerf_id_map_put(&fast->frontier_index, hash, (uint32_t)fast->frontiers.count);
    KERF_VEC_PUSH(&fast->frontiers, made);
    return made;
}

/* ---- asking a claim ---------------------------------------------------------------------------------------------------- */

enum answer { UNKNOWN, NO, YES };

/* A pod of the fit is on the claim already, or wants nothing: requirements and taints say nothing new. */
static bool is_admitted(struct kerf_fast *fast, uint32_t fit_index, const struct kerf_pass_claim *claim)
{
    struct kerf_fit *fit = &fast->fits.items[fit_index];
    if (fit->requirements.count > 0)
        return claim->index / 64 < fit->admitted_words && kerf_bit_get(fit->admitted, claim->index);
    uint32_t template = (uint32_t)(claim->template - fast->pass->templates);
    if (fit->tolerated == NULL)
        fit->tolerated = KERF_NEW_ARRAY(&fast->pass->arena, unsigned char, fast->pass->template_count);
    if (fit->tolerated[template] == UNKNOWN) {
        unsigned effects = fit->tolerates_prefer_no_schedule ? KERF_EFFECTS_HARD : KERF_EFFECTS_ALL;
        const struct kerf_taint *untolerated =
            kerf_taints_untolerated(&claim->template->pool->nodepool->taints, &fit->pod->pod->spec->tolerations, effects);
        fit->tolerated[template] = untolerated == NULL ? YES : NO;
    }
    return fit->tolerated[template] == YES;
}

void kerf_fast_admit(struct kerf_fast *fast, uint32_t fit_index, uint32_t claim)
{
    struct kerf_fit *fit = &fast->fits.items[fit_index];
    if (fit->requirements.count > 0)
        kerf_fast_set_grown(&fit->admitted, &fit->admitted_words, claim);
}

bool kerf_fast_asks_for_room(const struct kerf_shape *shape, const struct kerf_shape_view *view)
{
    const struct kerf_pass_pod *pod = &shape->pod;
    if (!view->is_simple || pod->has_host_ports || pod->has_claim_volumes || pod->volume_alternative_count > 0 ||
        pod->requests->present >> KERF_ROOM_RESOURCES != 0)
        return false;
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES; resource++)
        if (pod->requests->amounts[resource] < 0)
            return false;
    return true;
}

static uint32_t pods_under(const struct kerf_room *room, const struct kerf_resources *used, const struct kerf_resources *each,
                           uint32_t wanted)
{
    int64_t count = wanted;
    for (uint32_t resource = 0; resource < KERF_ROOM_RESOURCES && count > 0; resource++) {
        int64_t left = room->amounts[resource] - used->amounts[resource];
        if (left < each->amounts[resource] || left < 0)
            return 0;
        if (each->amounts[resource] > 0 && left / count < each->amounts[resource])
            count = left / each->amounts[resource];
    }
    return (uint32_t)count;
}

bool kerf_fast_room_decides(struct kerf_fast *fast, const struct kerf_shape_view *view, struct kerf_pass_claim *claim)
{
    if (!view->asks_for_room || !claim->fits_by_room || !is_admitted(fast, view->fit, claim))
        return false;
    if (claim->frontier == NULL)
        claim->frontier = find_frontier(fast, claim);
    return true;
}

uint32_t kerf_fast_room(const struct kerf_pass_claim *claim, const struct kerf_resources *requests, uint32_t wanted)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < claim->frontier->count && most < wanted; i++) {
        uint32_t count = pods_under(&claim->frontier->rooms[i], &claim->requests, requests, wanted);
        most = count > most ? count : most;
    }
    return most;
}
