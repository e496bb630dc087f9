/* SPDX-License-Identifier: MIT */
/*
 * Contents of a bin that are worth more than it costs: a depth-first search that takes as many as fit of each item in turn, then
 * fewer. What the rest could still add is bounded by the type's resource prices in two ways: room at those prices plus what items
 * are worth beyond them, and room at the best price that any item left pays for it. Where a bin holds many items a whole search
 * is out of reach; then it starts from the linear program's answer rounded down, and from a few of its items taken back.
 */
#include <string.h>

#include "packing/columns.h"

enum { SAME_START_MAX = 2, BASE_LOOKS = 2500, TAKEN_BACK_MAX = 2 };

static int compare_item(const void *a, const void *b)
{
    const struct candidate_item *x = a, *y = b;
    if (x->makes_room != y->makes_room)
        return x->makes_room ? -1 : 1;
    if (x->ratio != y->ratio)
        return x->ratio > y->ratio ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static void order_items(struct pricer *pricer, const double *price)
{
    size_t resource_count = pricer->master->problem->resource_count;
    pricer->maker_count = 0;
    for (size_t j = 0; j < pricer->item_count; j++) {
        struct candidate_item *item = &pricer->items[j];
        item->weight = 0;
        for (size_t r = 0; r < resource_count; r++)
            item->weight += price[r] * pricer->part[item->row * resource_count + r];
        double ratio = item->weight > 1e-12 ? item->value / item->weight : 1e12;
        item->ratio = ratio < 1e12 ? ratio : 1e12;
        pricer->maker_count += item->makes_room;
    }
    binpack_sort(pricer->items, pricer->item_count, sizeof *pricer->items, compare_item);
    pricer->suffix[pricer->item_count] = 0;
    for (size_t j = pricer->item_count; j-- > 0;) {
        double excess = pricer->items[j].value - pricer->items[j].weight;
        pricer->suffix[j] = pricer->suffix[j + 1] + (excess > 0 ? excess * pricer->items[j].most : 0);
    }
}

struct search {
    struct pricer *pricer;
    size_t position;
    uint32_t type;
    double threshold;
    double best;
    double room_price; /* of the whole bin */
    uint64_t looks_left;
    bool from_base;
    bool is_full; /* no more contents are taken down: only better ones count */
};

/* Takes down base and frames. */
static void record(struct search *search, size_t depth, double value)
{
    struct pricer *pricer = search->pricer;
    if (pricer->content_count == CONTENTS_MAX) {
        search->is_full = true; /* the last gives way to the better one */
        pricer->content_count--;
        pricer->cell_count = pricer->contents[pricer->content_count].cell_first;
    }
    if (pricer->cell_capacity - pricer->cell_count < pricer->item_count) {
        search->is_full = true;
        return;
    }
    struct content *content = &pricer->contents[pricer->content_count];
    *content = (struct content){.value = value, .type = search->type, .cell_first = (uint32_t)pricer->cell_count};
    struct column_cell *cells = pricer->cells + pricer->cell_count;
    size_t count = 0, frame = 0;
    for (size_t j = 0; j < pricer->item_count; j++) {
        int64_t items = search->from_base ? (int64_t)pricer->items[j].base : 0;
        if (frame < depth && pricer->frame_position[frame] == j)
            items += pricer->frame_count[frame++];
        else if (!search->from_base) {
            if (frame == depth)
                break;
            j = pricer->frame_position[frame] - (size_t)1;
            continue;
        }
        if (items == 0)
            continue;
        size_t at = count++;
        for (; at > 0 && cells[at - 1].row > pricer->items[j].row; at--)
            cells[at] = cells[at - 1];
        cells[at] = (struct column_cell){pricer->items[j].row, items};
    }
    content->cell_count = (uint32_t)count;
    if (count == 0)
        return;
    pricer->cell_count += count;
    pricer->content_count++;
}

static bool all_fit(const int64_t *room, size_t resource_count)
{
    for (size_t r = 0; r < resource_count; r++)
        if (room[r] < 0)
            return false;
    return true;
}

/* Is the item in conflict with what the frames or the base hold? */
static bool is_in_conflict(const struct search *search, size_t depth, uint32_t group)
{
    const struct pricer *pricer = search->pricer;
    const struct binpack_problem *problem = pricer->master->problem;
    if (problem->conflicts == NULL)
        return false;
    for (size_t i = 0; i < depth; i++)
        if (binpack_in_conflict(problem, group, pricer->items[pricer->frame_position[i]].group))
            return true;
    for (size_t j = 0; search->from_base && j < pricer->item_count; j++)
        if (pricer->items[j].base > 0 && binpack_in_conflict(problem, group, pricer->items[j].group))
            return true;
    return false;
}

/* From `room` and what the base is worth and weighs. True when the search was complete. */
static bool search_from(struct search *search, int64_t *room, double value, double weight)
{
    struct pricer *pricer = search->pricer;
    const struct binpack_problem *problem = pricer->master->problem;
    size_t resource_count = problem->resource_count, item_count = pricer->item_count, depth = 0, position = 0;
    double excess = value - weight; /* what is held is worth beyond its weight */
    uint64_t looks = 0;
    for (;;) {
        double threshold = search->threshold;
        if (search->is_full || search->from_base || pricer->wants_best_only ||
            (depth > 0 && pricer->top_count[pricer->frame_position[0]] >= SAME_START_MAX))
            threshold = search->best > threshold ? search->best : threshold;
        bool is_pruned = false;
        for (; position < item_count; position++) {
            const struct candidate_item *item = &pricer->items[position];
            if (search->room_price + excess + pricer->suffix[position] <= threshold) {
                is_pruned = true;
                break;
            }
            if (position >= pricer->maker_count) {
                if (position == pricer->maker_count && !all_fit(room, resource_count)) {
                    is_pruned = true;
                    break;
                }
                if (value + item->ratio * (search->room_price - weight) <= threshold) {
                    is_pruned = true;
                    break;
                }
            }
            looks++;
            int64_t most = (int64_t)(item->most - (search->from_base ? item->base : 0));
            const int64_t *demand = problem->demand + item->group * resource_count;
            int64_t count = position < pricer->maker_count ? most : binpack_fit_count(demand, room, resource_count, most);
            if (count <= 0 || is_in_conflict(search, depth, item->group))
                continue;
            pricer->frame_position[depth] = (uint32_t)position;
            pricer->frame_count[depth++] = count;
            for (size_t r = 0; r < resource_count; r++)
                room[r] -= count * demand[r];
            value += (double)count * item->value;
            weight += (double)count * item->weight;
            excess += (double)count * (item->value - item->weight);
        }
        if (!is_pruned && value > threshold && all_fit(room, resource_count)) {
            record(search, depth, value);
            if (value > search->best)
                search->best = value;
            if (depth > 0)
                pricer->top_count[pricer->frame_position[0]]++;
        }
        if (depth == 0 || looks > search->looks_left)
            break;
        const struct candidate_item *item = &pricer->items[pricer->frame_position[depth - 1]];
        const int64_t *demand = problem->demand + item->group * resource_count;
        for (size_t r = 0; r < resource_count; r++)
            room[r] += demand[r];
        value -= item->value;
        weight -= item->weight;
        excess -= item->value - item->weight;
        position = pricer->frame_position[depth - 1] + (size_t)1;
        if (--pricer->frame_count[depth - 1] == 0)
            depth--;
    }
    bool is_complete = looks <= search->looks_left;
    search->looks_left -= looks < search->looks_left ? looks : search->looks_left;
    binpack_steps(pricer->filling, looks);
    return is_complete;
}

/* Of items of the base in conflict the earlier ones stay. */
static void leave_out_conflicts(struct pricer *pricer)
{
    const struct binpack_problem *problem = pricer->master->problem;
    for (size_t j = 1; problem->conflicts != NULL && j < pricer->item_count; j++)
        for (size_t k = 0; k < j && pricer->items[j].base > 0; k++)
            if (pricer->items[k].base > 0 && binpack_in_conflict(problem, pricer->items[j].group, pricer->items[k].group))
                pricer->items[j].base = 0;
}

/* The linear program's answer rounded down, less `taken_back` of its `which`-th fractional item. False: there is no such item. */
static bool set_base(struct pricer *pricer, size_t which, double taken_back)
{
    size_t fractional = 0;
    for (size_t j = 0; j < pricer->item_count; j++) {
        struct candidate_item *item = &pricer->items[j];
        double amount = pricer->amount[item->row];
        item->base = (double)(int64_t)(amount + 1e-9);
        if (amount - item->base <= 1e-9)
            continue;
        if (++fractional == which) {
            if (item->base < taken_back)
                return false;
            item->base -= taken_back;
        }
    }
    leave_out_conflicts(pricer);
    return which <= fractional;
}

static void search_from_bases(struct search *search, const int64_t *capacity)
{
    struct pricer *pricer = search->pricer;
    const struct binpack_problem *problem = pricer->master->problem;
    size_t resource_count = problem->resource_count;
    search->from_base = true;
    uint64_t looks_left = search->looks_left;
    for (size_t which = 0; which <= resource_count && looks_left > 0; which++) {
        for (int taken_back = 1; taken_back <= (which == 0 ? 1 : TAKEN_BACK_MAX); taken_back++) {
            if (!set_base(pricer, which, taken_back))
                break;
            int64_t room[BINPACK_RESOURCES_MAX];
            double value = 0, weight = 0;
            memcpy(room, capacity, resource_count * sizeof *room);
            for (size_t j = 0; j < pricer->item_count; j++) {
                const struct candidate_item *item = &pricer->items[j];
                const int64_t *demand = problem->demand + item->group * resource_count;
                for (size_t r = 0; r < resource_count && item->base > 0; r++)
                    room[r] -= (int64_t)item->base * demand[r];
                value += item->base * item->value;
                weight += item->base * item->weight;
            }
            if (!all_fit(room, resource_count))
                continue;
            search->looks_left = looks_left < BASE_LOOKS * pricer->effort ? looks_left : BASE_LOOKS * pricer->effort;
            uint64_t given = search->looks_left;
            search_from(search, room, value, weight);
            looks_left -= given - search->looks_left;
        }
    }
}

void binpack_contents_find(struct pricer *pricer, size_t position, double threshold, uint64_t look_limit)
{
    const struct binpack_problem *problem = pricer->master->problem;
    size_t resource_count = problem->resource_count;
    uint32_t type = problem->frontier[position];
    const double *price = pricer->type_price + position * resource_count;
    const int64_t *capacity = problem->capacity + type * resource_count;
    struct search search = {.pricer = pricer,
                            .position = position,
                            .type = type,
                            .threshold = threshold,
                            .best = threshold,
                            .looks_left = look_limit};
    double amount = 0;
    for (size_t j = 0; j < pricer->item_count; j++)
        amount += pricer->amount[pricer->items[j].row];
    order_items(pricer, price);
    for (size_t r = 0; r < resource_count; r++)
        if (problem->capacity_max[r] > 0)
            search.room_price += price[r] * (double)capacity[r] / (double)problem->capacity_max[r];
    memset(pricer->top_count, 0, (pricer->item_count + 1) * sizeof *pricer->top_count);
    if (amount <= BINPACK_FEW_ITEMS || pricer->maker_count > 0) {
        int64_t room[BINPACK_RESOURCES_MAX];
        memcpy(room, capacity, resource_count * sizeof *room);
        if (search_from(&search, room, 0, 0)) {
            if (search.best < pricer->upper[position])
                pricer->upper[position] = search.best;
            return;
        }
        search.looks_left = look_limit;
    }
    search_from_bases(&search, capacity);
}
