/* SPDX-License-Identifier: MIT */
/* Makes resource prices a certificate in integers, and the certificate a bound. */
#include <string.h>

#include "packing/packing_internal.h"

/* The finest power of ten in which every price still fits 62 bits, so that share x demand fits 126. */
static int64_t choose_scale(const struct binpack_problem *problem)
{
    const int64_t scale_max = 1000000000000000000;
    int64_t money_max = (int64_t)1 << 62;
    int64_t price_max = 1;
    for (size_t r = 0; r < problem->resource_count; r++)
        if (problem->room_made[r] > 0)
            money_max = (int64_t)1 << 40; /* an item that makes 2^22 times a bin's room may be worth that much less than 0 */
    for (size_t t = 0; t < problem->type_count; t++)
        if (problem->limit[t] > 0 && problem->price[t] > price_max)
            price_max = problem->price[t];
    int64_t scale = 1;
    while (scale < scale_max && scale <= money_max / 10 / price_max)
        scale *= 10;
    return scale;
}

/* What an item takes of a bin type's shares, rounded down resource by resource. */
static binpack_i128 value_in(const struct binpack_problem *problem, const int64_t *demand, const int64_t *shares, size_t type)
{
    binpack_i128 value = 0;
    for (size_t r = 0; r < problem->resource_count; r++) {
        int64_t capacity = problem->capacity[type * problem->resource_count + r];
        if (demand[r] == 0 || shares[r] == 0 || capacity == 0)
            continue;
        binpack_i128 money = (binpack_i128)shares[r] * demand[r];
        value += money >= 0 ? money / capacity : -((-money + capacity - 1) / capacity);
    }
    return value;
}

static binpack_i128 least_value(const struct binpack_problem *problem, const struct resource_prices *prices, size_t group,
                                const int64_t *price_shares)
{
    size_t resource_count = problem->resource_count;
    const int64_t *demand = problem->demand + group * resource_count;
    binpack_i128 least = INT64_MAX;
    for (size_t i = 0; i < prices->type_count; i++) {
        uint32_t t = prices->types[i];
        if (!binpack_could_hold(problem, group, t))
            continue;
        binpack_i128 value = value_in(problem, demand, price_shares + t * resource_count, t);
        if (value < least)
            least = value;
    }
    return least;
}

static void set_shares_and_rents(const struct binpack_problem *problem, const struct resource_prices *prices, int64_t scale,
                                 int64_t *price_shares, int64_t *rents)
{
    size_t resource_count = problem->resource_count;
    for (size_t i = 0; i < prices->type_count; i++) {
        uint32_t t = prices->types[i];
        if (problem->limit[t] == 0)
            continue; /* nobody may open it: it restricts no value */
        int64_t money = scale * problem->price[t];
        double rent = prices->rents[i] * (double)scale;
        int64_t rent_max = INT64_MAX - money;
        rents[t] = rent >= (double)rent_max ? rent_max : rent > 0 ? (int64_t)rent : 0;
        money += rents[t];
        for (size_t r = 0; r < resource_count; r++) {
            int64_t weight = (int64_t)prices->weights[i * resource_count + r];
            price_shares[t * resource_count + r] = (int64_t)((binpack_i128)money * weight >> SHARE_BITS);
        }
    }
    /*
     * Other types have one that is as large and no dearer. At the unit prices of that one, rounded up, no item is cheaper there,
     * so they need not be looked at for values; and each share is at most the other's, so they add up to no more than its price.
     */
    for (size_t t = 0; t < problem->type_count; t++) {
        uint32_t other = problem->stand_in[t];
        for (size_t r = 0; r < resource_count && other != t && prices->type_count < problem->type_count; r++) {
            int64_t capacity = problem->capacity[other * resource_count + r];
            binpack_i128 part =
                (binpack_i128)price_shares[other * resource_count + r] * problem->capacity[t * resource_count + r];
            price_shares[t * resource_count + r] = capacity > 0 ? (int64_t)((part + capacity - 1) / capacity) : 0;
        }
    }
}

/* scale * cost >= sum of values - rents, and cost is a multiple of the greatest common divisor of the prices. */
enum binpack_outcome binpack_bound_round_up(const struct binpack_problem *problem, struct binpack_bound *bound,
                                            const int64_t *group_value)
{
    binpack_i128 worth = 0, rent = 0;
    for (size_t g = 0; g < problem->group_count; g++)
        worth += (binpack_i128)group_value[g] * problem->count[g]; /* < 2^63 each, < 2^63 items in all */
    int64_t divisor = problem->price_step;
    for (size_t t = 0; t < problem->type_count; t++) {
        if (problem->limit[t] == 0)
            continue;
        if (bound->rents[t] > 0 && __builtin_add_overflow(rent, (binpack_i128)bound->rents[t] * problem->limit[t], &rent))
            return BINPACK_E_OVERFLOW;
    }
    bound->cost = 0;
    if (divisor == 0 || worth <= rent)
        return BINPACK_OK;
    binpack_i128 unit = (binpack_i128)bound->scale * divisor; /* scale * price fits 62 bits, unless scale is 1 */
    binpack_i128 cost = ((worth - rent - 1) / unit + 1) * divisor;
    if (cost > INT64_MAX)
        return BINPACK_E_OVERFLOW;
    bound->cost = (int64_t)cost;
    return BINPACK_OK;
}

static enum binpack_outcome find(struct binpack_problem *problem)
{
    size_t type_count = problem->type_count, class_count = problem->input.item_class_count;
    int64_t *item_values = binpack_space_keep(&problem->space, class_count, sizeof *item_values);
    int64_t *price_shares = binpack_space_keep(&problem->space, type_count * problem->resource_count, sizeof *price_shares);
    int64_t *rents = binpack_space_keep(&problem->space, type_count, sizeof *rents);
    int64_t *group_value = binpack_space_keep(&problem->space, problem->group_count, sizeof *group_value);
    struct resource_prices prices;
    if (item_values == NULL || price_shares == NULL || rents == NULL || group_value == NULL ||
        !binpack_resource_prices_find(problem, &prices))
        return BINPACK_OUT_OF_SPACE;
    struct binpack_bound bound = {
        .scale = choose_scale(problem), .method = "resource prices", .item_values = item_values, .price_shares = price_shares, .rents = rents};
    set_shares_and_rents(problem, &prices, bound.scale, price_shares, rents);
    for (size_t g = 0; g < problem->group_count; g++) {
        binpack_i128 value = problem->fits_somewhere[g] ? least_value(problem, &prices, g, price_shares) : 0;
        if (value < INT64_MIN) /* an item that makes far more room than a bin has */
            return BINPACK_E_OVERFLOW;
        group_value[g] = (int64_t)value;
        for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++)
            item_values[problem->members[m]] = group_value[g];
    }
    enum binpack_outcome outcome = binpack_bound_round_up(problem, &bound, group_value);
    if (outcome == BINPACK_OK) {
        problem->bound = bound;
        problem->group_value = group_value;
    }
    return outcome;
}

enum binpack_outcome binpack_bound_find(struct binpack_problem *problem, struct binpack_bound *out_bound)
{
    if (problem->bound.scale == 0) {
        size_t front = problem->space.front;
        enum binpack_outcome outcome = find(problem);
        problem->space.back = 0;
        if (outcome != BINPACK_OK) {
            problem->space.front = front;
            return outcome;
        }
    }
    *out_bound = problem->bound;
    return BINPACK_OK;
}

enum binpack_outcome binpack_bound_adopt(struct binpack_problem *problem, const struct binpack_bound *bound,
                                         struct binpack_bound *out_bound)
{
    struct space *space = &problem->space;
    size_t type_count = problem->type_count, class_count = problem->input.item_class_count, front = space->front;
    if (bound->scale < 1 || problem->bound.scale != 0)
        return BINPACK_E_ARGUMENT;
    int64_t *item_values = binpack_space_keep(space, class_count, sizeof *item_values);
    int64_t *price_shares = binpack_space_keep(space, type_count * problem->resource_count, sizeof *price_shares);
    int64_t *rents = binpack_space_keep(space, type_count, sizeof *rents);
    int64_t *group_value = binpack_space_keep(space, problem->group_count, sizeof *group_value);
    int64_t *scratch = binpack_space_scratch(space, BINPACK_VERIFY_CELLS(&problem->input), sizeof *scratch);
    enum binpack_outcome outcome = BINPACK_OUT_OF_SPACE;
    if (item_values != NULL && price_shares != NULL && rents != NULL && group_value != NULL && scratch != NULL) {
        if (class_count > 0)
            memcpy(item_values, bound->item_values, class_count * sizeof *item_values);
        if (type_count > 0) {
            memcpy(price_shares, bound->price_shares, type_count * problem->resource_count * sizeof *price_shares);
            memcpy(rents, bound->rents, type_count * sizeof *rents);
        }
        for (size_t g = 0; g < problem->group_count; g++) {
            group_value[g] = INT64_MAX; /* what proves something for every class of the group */
            for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++)
                if (item_values[problem->members[m]] < group_value[g])
                    group_value[g] = item_values[problem->members[m]];
            for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++)
                item_values[problem->members[m]] = group_value[g];
        }
        struct binpack_bound adopted = *bound;
        adopted.item_values = item_values;
        adopted.price_shares = price_shares;
        adopted.rents = rents;
        struct binpack_fault fault;
        outcome = binpack_bound_round_up(problem, &adopted, group_value);
        if (outcome == BINPACK_OK && !binpack_verify_bound(&problem->input, &adopted, scratch, &fault))
            outcome = BINPACK_E_ARGUMENT;
        if (outcome == BINPACK_OK) {
            problem->bound = *out_bound = adopted;
            problem->group_value = group_value;
        }
    }
    space->back = 0;
    if (outcome != BINPACK_OK)
        space->front = front;
    return outcome;
}
