/**
 * fast_runs: many equal pods in a row. The claims that have the same number of pods are asked in one sweep: of those that take a pod
 * each goes before the claims with one more, so the order after the sweep is known (claim_order). When all have refused, a new claim
 * alone takes pods until it is full.
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

struct run {
    struct kerf_fast *fast;
    struct kerf_shape *shape;
    struct kerf_shape_view *view;
    const uint32_t *positions; /* of pods that wait */
    size_t left;
    size_t at; /* every claim before it has refused */
    const struct kerf_pass_claim *opened; /* the last one, by the run itself, and filled by it alone; NULL: none */
};

bool kerf_fast_may_run(const struct kerf_fast *fast, const struct kerf_shape *shape, const struct kerf_shape_view *view)
{
    const struct kerf_pass *pass = fast->pass;
    const struct kerf_label_class *class = &pass->topology.classes.items[shape->pod.label_class];
    if (!view->asks_for_room || view->gate_count > 0 || class->groups.count > 0 || class->inverse.count > 0 ||
        shape->pod.inverse.count > 0 || pass->options.attempt_limit != 0)
        return false;
    const struct kerf_refusals *refusals = &fast->fits.items[view->fit].refusals;
    for (uint32_t i = 0; i < pass->node_count; i += 64) {
        uint32_t nodes = pass->node_count - i;
        if (~refusals->nodes[i / 64] << (nodes < 64 ? 64 - nodes : 0) != 0)
            return false; /* a node may still take it */
    }
    return true;
}

static bool has_refused(const struct run *run, uint32_t index)
{
    return kerf_refusals_have_claim(&run->fast->fits.items[run->view->fit].refusals, index);
}

static void refuse(struct run *run, uint32_t index)
{
    struct kerf_refusals *refusals = &run->fast->fits.items[run->view->fit].refusals;
    kerf_fast_set_grown(&refusals->claims, &refusals->claim_words, index);
}

/* So many pods go to the claim, where room alone decides and there is enough. */
static void put(struct run *run, struct kerf_pass_claim *claim, uint32_t count)
{
    kerf_pass_put_likes(run->fast->pass, claim, run->shape->pod.requests, run->positions, count);
    run->positions += count;
    run->left -= count;
}

/* One pod to the claim at that place, as if it came alone; the place where the search goes on. */
static size_t step(struct run *run, size_t at)
{
    struct kerf_pass *pass = run->fast->pass;
    run->shape->pod.id = pass->input->pods[run->positions[0]];
    if (has_refused(run, pass->search[at]) || !kerf_fast_try_claim(run->fast, run->shape, run->view, pass->search[at]))
        return at + 1;
    run->positions++;
    run->left--;
    return kerf_claim_order_raise(pass->search_keys, pass->search, pass->claims.count, at) ? 0 : at;
}

/*
 * A pod to each claim from that place on that has as many as the one there and takes one; the place where the search goes on. Those
 * that took one come to stand at the end, the last first.
 */
static size_t sweep(struct run *run, size_t at)
{
    struct kerf_pass *pass = run->fast->pass;
    size_t count = pass->claims.count;
    uint32_t *keys = pass->search_keys, *items = pass->search;
    size_t end = kerf_claim_order_end(keys, count, at);
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    uint32_t *raised = KERF_NEW_ARRAY(&pass->scratch, uint32_t, end - at);
    size_t raised_count = 0;
    size_t place = at; /* of the next one, once those that took a pod have moved */
    size_t i = at;
    bool known = true;
    for (; i < end && run->left > 0; i++) {
        uint32_t item = items[i];
        struct kerf_pass_claim *claim = pass->claims.items[item];
        if (!has_refused(run, item)) {
            bool moves = i + 1 < end;
            known = kerf_fast_room_decides(run->fast, run->view, claim) && (!moves || kerf_claim_order_is_known(count, place));
            if (!known)
                break;
            if (kerf_fast_room(claim, run->shape->pod.requests, 1) > 0) {
                put(run, claim, 1);
                raised[raised_count++] = item;
                continue;
            }
            refuse(run, item);
        }
        items[place++] = item;
    }
    memmove(&items[place], &items[i], (end - i) * sizeof items[0]);
    for (size_t k = 0; k < raised_count; k++) {
        items[end - 1 - k] = raised[k];
        keys[end - 1 - k]++;
    }
    kerf_arena_rewind(&pass->scratch, mark);
    return known ? place : step(run, place);
}

/* A new claim for the next pod, and as many more as it takes. False: none can be opened. */
static bool open_one(struct run *run)
{
    struct kerf_fast *fast = run->fast;
    struct kerf_pass *pass = fast->pass;
    run->shape->pod.id = pass->input->pods[run->positions[0]];
    fast->cursor = run->at;
    const struct kerf_pass_claim *like = run->opened;
    if (!kerf_fast_open_claim(fast, run->shape, run->view, like, NULL))
        return false;
    run->positions++;
    run->left--;
    run->at = fast->cursor;
    size_t count = pass->claims.count;
    struct kerf_pass_claim *claim = pass->claims.items[count - 1];
    bool by_room = kerf_fast_room_decides(fast, run->view, claim);
    run->opened = by_room && !claim->template->pool->has_limits ? claim : NULL;
    if (run->left == 0 || run->at >= count || pass->search[run->at] != claim->index || !by_room)
        return true;
    uint32_t room = kerf_fast_room(claim, run->shape->pod.requests, UINT32_MAX);
    uint32_t more = run->left < room ? (uint32_t)run->left : room;
    size_t place = more > 0 ? kerf_claim_order_raise_by(pass->search_keys, pass->search, count, run->at, more) : run->at;
    if (place == KERF_NOT_FOUND)
        return true;
    put(run, claim, more);
    if (more == room) {
        refuse(run, claim->index);
        run->at = count;
    } else {
        run->at = place;
    }
    return true;
}

size_t kerf_fast_place_run(struct kerf_fast *fast, struct kerf_shape *shape, struct kerf_shape_view *view,
                           const uint32_t *positions, size_t count)
{
    struct run run = {.fast = fast, .shape = shape, .view = view, .positions = positions, .left = count};
    run.at = kerf_fast_first_place(fast, view);
    while (run.left > 0) {
        size_t claim_count = fast->pass->claims.count;
        if (run.at < claim_count) {
            run.at = has_refused(&run, fast->pass->search[run.at]) ? run.at + 1 : sweep(&run, run.at);
        } else if (!open_one(&run)) {
            break;
        }
    }
    fast->cursor_view = view;
    fast->cursor = run.at;
    fast->pass->attempts += count - run.left;
    fast->state += count - run.left;
    return count - run.left;
}
