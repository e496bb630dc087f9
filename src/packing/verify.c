/* SPDX-License-Identifier: MIT */
/*
 * Judges plans and certificates from the caller's own input. Shares no code with the solvers: it includes the door alone and
 * works in 128-bit integers where they take short cuts.
 */
#include "binpack/binpack.h"

__extension__ typedef __int128 wide;

static bool is_wrong(struct binpack_fault *out_fault, const char *what, size_t index, size_t resource)
{
    *out_fault = (struct binpack_fault){what, index, resource};
    return false;
}

static bool may_hold(const struct binpack_item_class *class, size_t type)
{
    return class->allowed_bin_types == NULL || ((class->allowed_bin_types[type / 64] >> (type % 64)) & 1u) == 1u;
}

static bool verify_pattern(const struct binpack_input *input, const struct binpack_plan *plan, size_t index, int64_t *placed,
                           struct binpack_fault *out_fault)
{
    const struct binpack_pattern *pattern = &plan->patterns[index];
    if (pattern->bin_type >= input->bin_type_count)
        return is_wrong(out_fault, "the pattern is of an unknown bin type", index, SIZE_MAX);
    if (pattern->bin_count < 1)
        return is_wrong(out_fault, "the pattern has no bin", index, SIZE_MAX);
    if (pattern->placement_count > plan->placement_count ||
        pattern->placement_first > plan->placement_count - pattern->placement_count)
        return is_wrong(out_fault, "the pattern's placements lie outside the plan", index, SIZE_MAX);
    wide load[BINPACK_RESOURCES_MAX] = {0};
    for (size_t i = 0; i < pattern->placement_count; i++) {
        const struct binpack_placement *placement = &plan->placements[pattern->placement_first + i];
        if (placement->item_class >= input->item_class_count)
            return is_wrong(out_fault, "the pattern holds an unknown item class", index, SIZE_MAX);
        if (i > 0 && placement[-1].item_class >= placement->item_class)
            return is_wrong(out_fault, "the pattern's item classes do not ascend", index, SIZE_MAX);
        const struct binpack_item_class *class = &input->item_classes[placement->item_class];
        if (placement->item_count < 1)
            return is_wrong(out_fault, "the pattern holds no item of a class that it names", index, SIZE_MAX);
        if (class->per_bin_max > 0 && placement->item_count > class->per_bin_max)
            return is_wrong(out_fault, "the pattern holds more items of a class than a bin may", index, SIZE_MAX);
        if (!may_hold(class, pattern->bin_type))
            return is_wrong(out_fault, "the pattern holds items that its bin type may not", index, SIZE_MAX);
        for (size_t r = 0; r < input->resource_count; r++)
            if (__builtin_add_overflow(load[r], (wide) class->demand[r] * placement->item_count, &load[r]))
                return is_wrong(out_fault, "the pattern's load outgrows 128 bits", index, r);
        wide items = (wide)placement->item_count * pattern->bin_count + placed[placement->item_class];
        if (items > class->count)
            return is_wrong(out_fault, "more items of a class are placed than there are", placement->item_class, SIZE_MAX);
        placed[placement->item_class] = (int64_t)items;
    }
    for (size_t r = 0; r < input->resource_count; r++)
        if (load[r] > input->bin_types[pattern->bin_type].capacity[r])
            return is_wrong(out_fault, "the pattern holds more than its bin type's capacity", index, r);
    return true;
}

bool binpack_verify_plan(const struct binpack_input *input, const struct binpack_plan *plan, int64_t *scratch,
                         struct binpack_fault *out_fault)
{
    int64_t *placed = scratch, *opened = scratch + input->item_class_count;
    for (size_t c = 0; c < input->item_class_count; c++)
        placed[c] = 0;
    for (size_t t = 0; t < input->bin_type_count; t++)
        opened[t] = 0;
    wide cost = 0, bins = 0, unplaced = 0;
    for (size_t i = 0; i < plan->pattern_count; i++) {
        if (!verify_pattern(input, plan, i, placed, out_fault))
            return false;
        const struct binpack_pattern *pattern = &plan->patterns[i];
        const struct binpack_bin_type *type = &input->bin_types[pattern->bin_type];
        wide of_type = (wide)opened[pattern->bin_type] + pattern->bin_count;
        if (of_type > type->limit)
            return is_wrong(out_fault, "more bins of a type are opened than its limit", pattern->bin_type, SIZE_MAX);
        opened[pattern->bin_type] = (int64_t)of_type;
        bins += pattern->bin_count;
        cost += (wide)type->price * pattern->bin_count;
        if (cost > INT64_MAX)
            return is_wrong(out_fault, "the cost outgrows 64 bits", i, SIZE_MAX);
    }
    for (size_t c = 0; c < input->item_class_count; c++) {
        if (plan->unplaced[c] < 0 || (wide)placed[c] + plan->unplaced[c] != input->item_classes[c].count)
            return is_wrong(out_fault, "the items of a class are neither all placed nor declared unplaced", c, SIZE_MAX);
        unplaced += plan->unplaced[c];
    }
    if (cost != plan->cost || bins != plan->bin_count || unplaced != plan->unplaced_count)
        return is_wrong(out_fault, "the plan's cost, bins or unplaced items do not add up", SIZE_MAX, SIZE_MAX);
    return true;
}

/* The shares of a bin type stay within what a bin of it costs. */
static bool verify_shares(const struct binpack_input *input, const struct binpack_bound *bound, size_t type,
                          struct binpack_fault *out_fault)
{
    wide sum = 0;
    for (size_t r = 0; r < input->resource_count; r++) {
        int64_t share = bound->price_shares[type * input->resource_count + r];
        if (share < 0)
            return is_wrong(out_fault, "a share of a bin type's price is negative", type, r);
        sum += share;
    }
    if (bound->rents[type] < 0 || (bound->rents[type] > 0 && input->bin_types[type].limit == BINPACK_NO_LIMIT))
        return is_wrong(out_fault, "the rent of a bin type is negative, or has no limit to go with", type, SIZE_MAX);
    if (sum > (wide)bound->scale * input->bin_types[type].price + bound->rents[type])
        return is_wrong(out_fault, "the shares of a bin type exceed its price and rent", type, SIZE_MAX);
    return true;
}

/* What all items of negative demand together could add to the room of a bin. */
static wide room_made(const struct binpack_input *input, size_t resource)
{
    wide room = 0; /* at most 2^62 * 2^63: the item counts add up to less than 2^63 */
    for (size_t c = 0; c < input->item_class_count; c++)
        if (input->item_classes[c].demand[resource] < 0)
            room -= (wide)input->item_classes[c].demand[resource] * input->item_classes[c].count;
    return room;
}

/* No bin type that could hold an item of the class gives it for less than its value. */
static bool verify_value(const struct binpack_input *input, const struct binpack_bound *bound, size_t index, const wide *room,
                         struct binpack_fault *out_fault)
{
    const struct binpack_item_class *class = &input->item_classes[index];
    bool fits_somewhere = false;
    if (class->count == 0) /* no item, no value that counts */
        return true;
    for (size_t t = 0; t < input->bin_type_count; t++) {
        const struct binpack_bin_type *type = &input->bin_types[t];
        bool fits = type->limit > 0 && may_hold(class, t);
        wide worth = 0;
        for (size_t r = 0; r < input->resource_count && fits; r++) {
            fits = class->demand[r] <= type->capacity[r] + room[r];
            if (!fits || type->capacity[r] == 0)
                continue;
            wide money = (wide)bound->price_shares[t * input->resource_count + r] * class->demand[r];
            worth += money / type->capacity[r] - (money % type->capacity[r] < 0); /* rounded down, also below 0 */
        }
        if (!fits)
            continue;
        fits_somewhere = true;
        if (worth < bound->item_values[index])
            return is_wrong(out_fault, "an item class is valued above what a bin type gives it for", index, SIZE_MAX);
    }
    if (!fits_somewhere && bound->item_values[index] != 0)
        return is_wrong(out_fault, "an item class that no bin type can hold has a value", index, SIZE_MAX);
    return true;
}

bool binpack_verify_bound(const struct binpack_input *input, const struct binpack_bound *bound, struct binpack_fault *out_fault)
{
    if (bound->scale < 1 || bound->cost < 0)
        return is_wrong(out_fault, "the scale or the cost of the bound is not positive", SIZE_MAX, SIZE_MAX);
    wide proven = 0; /* scale * cost of every plan is at least this */
    int64_t unit = 0;
    for (size_t t = 0; t < input->bin_type_count; t++) {
        if (!verify_shares(input, bound, t, out_fault))
            return false;
        if (bound->rents[t] > 0 && __builtin_sub_overflow(proven, (wide)bound->rents[t] * input->bin_types[t].limit, &proven))
            return is_wrong(out_fault, "the rents outgrow 128 bits", t, SIZE_MAX);
        for (int64_t rest = input->bin_types[t].limit > 0 ? input->bin_types[t].price : 0; rest != 0;) {
            int64_t next = unit % rest;
            unit = rest;
            rest = next;
        }
    }
    wide room[BINPACK_RESOURCES_MAX];
    for (size_t r = 0; r < input->resource_count; r++)
        room[r] = room_made(input, r);
    for (size_t c = 0; c < input->item_class_count; c++) {
        if (!verify_value(input, bound, c, room, out_fault))
            return false;
        if (__builtin_add_overflow(proven, (wide)bound->item_values[c] * input->item_classes[c].count, &proven))
            return is_wrong(out_fault, "the values outgrow 128 bits", c, SIZE_MAX);
    }
    if (bound->cost == 0)
        return true;
    /* The cost is a multiple of `unit`; it may be claimed when the multiple before it lies below what is proven. */
    if (unit == 0 || bound->cost % unit != 0)
        return is_wrong(out_fault, "the bound is no multiple of what prices have in common", SIZE_MAX, SIZE_MAX);
    if ((wide)(bound->cost - unit) * bound->scale >= proven)
        return is_wrong(out_fault, "the values of the items do not prove the bound", SIZE_MAX, SIZE_MAX);
    return true;
}
