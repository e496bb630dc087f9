/**
 * fast_search: places for a pod, the refused ones passed over. A place that refused a fit, or that a gate of topology closes, is
 * not asked again: nodes and claims only fill up and narrow in the course of a pass. The one exception is a requirement on a
 * custom label that nobody defined, which a later pod may bring along (Q11): then the place is forgotten everywhere.
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

enum {
    FEW_CLAIMS = 128, /* up to here claims are looked through one by one */
    OPEN_MAX = 32     /* and of more, when as many are open, those alone */
};

/* ---- what is known ----------------------------------------------------------------------------------------------------- */

void kerf_fast_set_grown(uint64_t **bits, uint32_t *words, uint32_t index)
{
    if (index / 64 >= *words) {
        uint32_t grown = *words > 0 ? *words : 1;
        while (grown <= index / 64)
            grown *= 2;
        *bits = kerf_reallocate(*bits, kerf_array_bytes(grown, sizeof(uint64_t)));
        memset(&(*bits)[*words], 0, (grown - *words) * sizeof(uint64_t));
        *words = grown;
    }
    kerf_bit_set(*bits, index);
}

static void refuse_claim(struct kerf_refusals *refusals, uint32_t index)
{
    kerf_fast_set_grown(&refusals->claims, &refusals->claim_words, index);
}

static struct kerf_refusals *refusals_of_gate(struct kerf_fast *fast, const struct kerf_shape_view *view, uint32_t group)
{
    for (uint32_t i = 0; i < view->gate_count; i++)
        if (fast->gates.items[view->gates[i]].group == group)
            return &fast->gates.items[view->gates[i]].refusals;
    return NULL;
}

/* Who refused for good what was asked; NULL: nobody did, it may be asked again. */
static struct kerf_refusals *where_to_note(struct kerf_fast *fast, const struct kerf_shape_view *view,
                                           const struct kerf_refusal *refusal)
{
    if (refusal->kind == KERF_REFUSED_EVER)
        return &fast->fits.items[view->fit].refusals;
    return refusal->kind == KERF_REFUSED_BY_HOST ? refusals_of_gate(fast, view, refusal->group) : NULL;
}

/* Has the list a key that the one before had not, and that may not be left undefined? */
static bool has_new_custom_key(const struct kerf_pass *pass, const struct kerf_requirements *before,
                               const struct kerf_requirements *after)
{
    for (size_t i = 0; after->count != before->count && i < after->count; i++)
        if (kerf_requirements_get(before, after->items[i].key) == NULL &&
            !kerf_vocabulary_is_well_known(pass->vocabulary, after->items[i].key))
            return true;
    return false;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------- */

static void forget_node(struct kerf_fast *fast, uint32_t position)
{
    for (size_t i = 0; i < fast->fits.count; i++)
        kerf_bit_clear(fast->fits.items[i].refusals.nodes, position);
}

static bool try_node(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view, uint32_t position)
{
    struct kerf_pass *pass = fast->pass;
    struct kerf_refusal refusal = {.asked_ever = true};
    size_t keys = pass->nodes[position].requirements.count;
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    bool placed = kerf_pass_try_node(pass, position, &shape->pod, &refusal);
    kerf_arena_rewind(&pass->scratch, mark);
    if (placed) {
        if (pass->nodes[position].requirements.count != keys)
            forget_node(fast, position);
        return true;
    }
    struct kerf_refusals *note = where_to_note(fast, view, &refusal);
    if (note != NULL)
        kerf_bit_set(note->nodes, position);
    return false;
}

bool kerf_fast_add_to_node(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view)
{
    struct kerf_pass *pass = fast->pass;
    if (shape->pod.volumes_unreadable)
        return false;
    size_t words = kerf_bitset_words(pass->node_count);
    for (size_t word = 0; word < words; word++) {
        uint64_t refused = fast->fits.items[view->fit].refusals.nodes[word];
        for (uint32_t i = 0; i < view->gate_count; i++)
            refused |= fast->gates.items[view->gates[i]].refusals.nodes[word];
        if (word + 1 == words && pass->node_count % 64 != 0)
            refused |= UINT64_MAX << pass->node_count % 64;
        for (uint64_t open = ~refused; open != 0; open &= open - 1)
            if (try_node(fast, shape, view, (uint32_t)(word * 64 + (size_t)__builtin_ctzll(open))))
                return true;
    }
    return false;
}

/* ---- claims in flight -------------------------------------------------------------------------------------------------- */

static void forget_claim(struct kerf_fast *fast, uint32_t index)
{
    for (size_t i = 0; i < fast->fits.count; i++)
        if (index / 64 < fast->fits.items[i].refusals.claim_words)
            kerf_bit_clear(fast->fits.items[i].refusals.claims, index);
}

static bool is_refused(const struct kerf_fast *fast, const struct kerf_shape_view *view, uint32_t index)
{
    if (kerf_refusals_have_claim(&fast->fits.items[view->fit].refusals, index))
        return true;
    for (uint32_t i = 0; i < view->gate_count; i++)
        if (kerf_refusals_have_claim(&fast->gates.items[view->gates[i]].refusals, index))
            return true;
    return false;
}

/* Claims that have not refused the view, in order of opening; more than OPEN_MAX: there are many. */
static uint32_t list_open(const struct kerf_fast *fast, const struct kerf_shape_view *view, uint32_t open_claims[OPEN_MAX])
{
    const struct kerf_refusals *fit = &fast->fits.items[view->fit].refusals;
    size_t count = fast->pass->claims.count;
    uint32_t open_count = 0;
    for (size_t word = 0; word < kerf_bitset_words(count); word++) {
        uint64_t refused = word < fit->claim_words ? fit->claims[word] : 0;
        for (uint32_t i = 0; i < view->gate_count; i++) {
            const struct kerf_refusals *gate = &fast->gates.items[view->gates[i]].refusals;
            refused |= word < gate->claim_words ? gate->claims[word] : 0;
        }
        if (count - word * 64 < 64)
            refused |= UINT64_MAX << (count - word * 64);
        for (uint64_t open = ~refused; open != 0; open &= open - 1) {
            if (open_count == OPEN_MAX)
                return OPEN_MAX + 1;
            open_claims[open_count++] = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(open));
        }
    }
    return open_count;
}

static size_t first_with(const uint32_t *keys, size_t count, uint32_t key)
{
    size_t first = 0;
    for (size_t length = count; length > 0;) {
        size_t half = length / 2;
        if (keys[first + half] < key) {
            first += half + 1;
            length -= half + 1;
        } else {
            length = half;
        }
    }
    return first;
}

size_t kerf_fast_first_place(struct kerf_fast *fast, const struct kerf_shape_view *view)
{
    const struct kerf_pass *pass = fast->pass;
    size_t count = pass->claims.count;
    if (fast->cursor_view == view)
        return fast->cursor;
    uint32_t open_claims[OPEN_MAX];
    uint32_t open_count = count > FEW_CLAIMS ? list_open(fast, view, open_claims) : OPEN_MAX + 1;
    if (open_count > OPEN_MAX)
        return 0;
    uint32_t smallest = KERF_NOT_FOUND;
    for (uint32_t i = 0; i < open_count; i++)
        smallest = (uint32_t)kerf_min_i64(smallest, (int64_t)pass->claims.items[open_claims[i]]->pods.count);
    return open_count == 0 ? count : first_with(pass->search_keys, count, smallest);
}

/* Where nothing but gates and room is asked. */
static bool try_room(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view,
                     struct kerf_pass_claim *claim)
{
    struct kerf_pass *pass = fast->pass;
    if (kerf_fast_room(claim, shape->pod.requests, 1) == 0) {
        refuse_claim(&fast->fits.items[view->fit].refusals, claim->index);
        return false;
    }
    if (view->gate_count > 0) {
        uint32_t domain = kerf_pass_host_domain(pass, claim->hostname, &claim->host_domain);
        uint32_t group = kerf_pass_topology_refusing_host(pass, &shape->pod, claim->hostname, domain);
        if (group != KERF_NOT_FOUND) {
            refuse_claim(refusals_of_gate(fast, view, group), claim->index);
            return false;
        }
    }
    kerf_pass_put_on_claim(pass, claim, &shape->pod);
    return true;
}

bool kerf_fast_try_claim(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view, uint32_t index)
{
    struct kerf_pass *pass = fast->pass;
    struct kerf_pass_claim *claim = pass->claims.items[index];
    if (kerf_fast_room_decides(fast, view, claim))
        return try_room(fast, shape, view, claim);
    struct kerf_refusal refusal = {.asked_ever = true};
    struct kerf_requirements before = claim->requirements;
    if (kerf_pass_try_claim(pass, claim, &shape->pod, &refusal)) {
        kerf_fast_admit(fast, view->fit, index);
        if (has_new_custom_key(pass, &before, &claim->requirements))
            forget_claim(fast, index);
        return true;
    }
    struct kerf_refusals *note = where_to_note(fast, view, &refusal);
    if (note != NULL)
        refuse_claim(note, index);
    return false;
}

/* The claim at that place took the pod, or none did. */
static bool settle(struct kerf_fast *fast, const struct kerf_shape_view *view, size_t at)
{
    struct kerf_pass *pass = fast->pass;
    size_t count = pass->claims.count;
    fast->cursor_view = view->is_simple ? view : NULL;
    fast->cursor = at;
    if (at >= count)
        return false;
    if (kerf_claim_order_raise(pass->search_keys, pass->search, count, at))
        fast->cursor = 0;
    return true;
}

/* The place in the search of the first of the claims, all with that number of pods. */
static size_t find_first(const struct kerf_pass *pass, const uint32_t *claims, uint32_t claim_count, uint32_t pods)
{
    for (size_t at = first_with(pass->search_keys, pass->claims.count, pods);; at++)
        for (uint32_t i = 0; i < claim_count; i++)
            if (pass->search[at] == claims[i])
                return at;
}

/* Few claims are open: they are asked in the order of the search without looking for their places, unless that decides. */
static bool add_to_one_of(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view,
                          uint32_t *open_claims, uint32_t open_count)
{
    struct kerf_pass *pass = fast->pass;
    while (open_count > 0) {
        size_t pods = SIZE_MAX;
        for (uint32_t i = 0; i < open_count; i++)
            pods = pass->claims.items[open_claims[i]]->pods.count < pods ? pass->claims.items[open_claims[i]]->pods.count : pods;
        uint32_t equals[OPEN_MAX];
        uint32_t equal_count = 0;
        for (uint32_t i = 0; i < open_count; i++)
            if (pass->claims.items[open_claims[i]]->pods.count == pods)
                equals[equal_count++] = open_claims[i];
        uint32_t next = equal_count == 1 ? equals[0] : pass->search[find_first(pass, equals, equal_count, (uint32_t)pods)];
        if (kerf_fast_try_claim(fast, shape, view, next))
            return settle(fast, view, find_first(pass, &next, 1, (uint32_t)pods));
        uint32_t kept = 0;
        for (uint32_t i = 0; i < open_count; i++)
            if (open_claims[i] != next)
                open_claims[kept++] = open_claims[i];
        open_count = kept;
    }
    return settle(fast, view, pass->claims.count);
}

bool kerf_fast_add_to_claim(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view)
{
    struct kerf_pass *pass = fast->pass;
    size_t count = pass->claims.count;
    size_t at = fast->cursor_view == view ? fast->cursor : 0;
    if (count - at > FEW_CLAIMS) {
        uint32_t open_claims[OPEN_MAX];
        uint32_t open_count = list_open(fast, view, open_claims);
        if (open_count <= OPEN_MAX)
            return add_to_one_of(fast, shape, view, open_claims, open_count);
    }
    for (; at < count; at++)
        if (!is_refused(fast, view, pass->search[at]) && kerf_fast_try_claim(fast, shape, view, pass->search[at]))
            break;
    return settle(fast, view, at);
}

bool kerf_fast_open_claim(struct kerf_fast *fast, struct kerf_shape *shape, const struct kerf_shape_view *view,
                          const struct kerf_pass_claim *like, struct kerf_text *reason)
{
    struct kerf_pass *pass = fast->pass;
    if (like != NULL)
        kerf_pass_open_like(pass, like, &shape->pod);
    else if (!kerf_pass_open_claim(pass, &shape->pod, reason))
        return false;
    kerf_fast_admit(fast, view->fit, (uint32_t)pass->claims.count - 1);
    size_t at = kerf_claim_order_settle_last(pass->search_keys, pass->search, pass->claims.count);
    fast->cursor = at == KERF_NOT_FOUND ? 0 : (size_t)kerf_min_i64((int64_t)fast->cursor, (int64_t)at);
    return true;
}
