/* SPDX-License-Identifier: MIT */
/*
 * Makes values that column generation found a certificate in integers. No content of a bin may be worth more than the bin's price
 * and rent. For a type this follows from shares of its price, as for resource prices, or from a search through all its contents,
 * with the shares as multipliers that tell which branches cannot matter. verify.c does the same search by its own means.
 *
 * Values that prove more than a whole multiple of the price step are lowered to a little above the multiple before it, which proves
 * the same cost and leaves the search some slack. A content worth too much lowers all values until it is not.
 */
#include <string.h>

#include "packing/columns.h"

enum { TRIES_MAX = 12 };

struct proof_item {
    int64_t value;
    int64_t weight;
    int64_t most;
    uint32_t group;
    bool makes_room;
};

struct proof {
    struct filling *filling;
    struct proof_item *items;
    size_t item_count, maker_count;
    binpack_i128 *suffix;
    uint32_t *frame_position;
    int64_t *frame_count;
    int64_t *values; /* by group */
    int64_t *shares;
    int64_t *rents;
    uint64_t looks, look_limit;
    binpack_i128 worst; /* the most that a content was found to be worth, of the type in hand */
};

static int compare_proof_item(const void *a, const void *b)
{
    const struct proof_item *x = a, *y = b;
    if (x->makes_room != y->makes_room)
        return x->makes_room ? -1 : 1;
    binpack_i128 left = (binpack_i128)x->value * y->weight, right = (binpack_i128)y->value * x->weight;
    if (left != right)
        return left > right ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static int64_t floor_share(int64_t share, int64_t demand, int64_t capacity)
{
    binpack_i128 money = (binpack_i128)share * demand;
    binpack_i128 part = money >= 0 ? money / capacity : -((-money + capacity - 1) / capacity);
    return part > INT64_MAX / 4 ? INT64_MAX / 4 : part < -(INT64_MAX / 4) ? INT64_MIN : (int64_t)part;
}

/* Lists what the type may hold. False when a weight is out of reach. *out_is_linear: no item is worth more than it weighs. */
static bool list_items(struct proof *proof, uint32_t type, bool *out_is_linear)
{
    const struct binpack_problem *problem = proof->filling->problem;
    size_t resource_count = problem->resource_count;
    const int64_t *shares = proof->shares + type * resource_count;
    proof->item_count = proof->maker_count = 0;
    *out_is_linear = true;
    for (uint32_t group = 0; group < problem->group_count; group++) {
        if (!problem->fits_somewhere[group] || !binpack_could_hold(problem, group, type))
            continue;
        struct proof_item item = {.value = proof->values[group], .group = group};
        item.most = problem->count[group] < problem->per_bin_max[group] ? problem->count[group] : problem->per_bin_max[group];
        binpack_i128 weight = 0;
        for (size_t r = 0; r < resource_count; r++) {
            int64_t demand = problem->demand[group * resource_count + r];
            int64_t capacity = problem->capacity[type * resource_count + r];
            item.makes_room |= demand < 0;
            if (demand > 0 && (capacity + problem->room_made[r]) / demand < item.most)
                item.most = (capacity + problem->room_made[r]) / demand;
            if (capacity > 0 && shares[r] > 0 && demand != 0)
                weight += floor_share(shares[r], demand, capacity);
        }
        if (weight > INT64_MAX / 2 || weight < -(INT64_MAX / 2))
            return false;
        item.weight = (int64_t)weight;
        *out_is_linear &= item.value <= item.weight;
        if (!item.makes_room && item.value <= 0)
            continue;
        proof->maker_count += item.makes_room;
        proof->items[proof->item_count++] = item;
    }
    binpack_sort(proof->items, proof->item_count, sizeof *proof->items, compare_proof_item);
    proof->suffix[proof->item_count] = 0;
    for (size_t j = proof->item_count; j-- > 0;) {
        binpack_i128 excess = (binpack_i128)proof->items[j].value - proof->items[j].weight;
        proof->suffix[j] = proof->suffix[j + 1] + (excess > 0 ? excess * proof->items[j].most : 0);
    }
    return true;
}

static bool all_fit(const int64_t *room, size_t resource_count)
{
    for (size_t r = 0; r < resource_count; r++)
        if (room[r] < 0)
            return false;
    return true;
}

/* False when looks ran out. Stops at the first content worth more than `money` and leaves its value in `worst`. */
static bool search_contents(struct proof *proof, uint32_t type, int64_t money, int64_t share_sum)
{
    const struct binpack_problem *problem = proof->filling->problem;
    size_t resource_count = problem->resource_count, depth = 0, position = 0;
    int64_t room[BINPACK_RESOURCES_MAX];
    binpack_i128 value = 0, weight = 0;
    memcpy(room, problem->capacity + type * resource_count, resource_count * sizeof *room);
    for (;;) {
        for (; position < proof->item_count; position++) {
            const struct proof_item *item = &proof->items[position];
            if (share_sum - weight + value + proof->suffix[position] <= money)
                break;
            if (position >= proof->maker_count) {
                if (position == proof->maker_count && !all_fit(room, resource_count))
                    break;
                if (item->weight > 0 && (binpack_i128)(value - money) * item->weight + item->value * (share_sum - weight) <= 0)
                    break;
            }
            if (++proof->looks > proof->look_limit)
                return false;
            const int64_t *demand = problem->demand + item->group * resource_count;
            int64_t count =
                position < proof->maker_count ? item->most : binpack_fit_count(demand, room, resource_count, item->most);
            if (count <= 0)
                continue;
            proof->frame_position[depth] = (uint32_t)position;
            proof->frame_count[depth++] = count;
            for (size_t r = 0; r < resource_count; r++)
                room[r] -= count * demand[r];
            value += (binpack_i128)count * item->value;
            weight += (binpack_i128)count * item->weight;
        }
        if (value > money && all_fit(room, resource_count)) {
            proof->worst = value;
            return true;
        }
        if (depth == 0)
            return true;
        const struct proof_item *item = &proof->items[proof->frame_position[depth - 1]];
        for (size_t r = 0; r < resource_count; r++)
            room[r] += problem->demand[item->group * resource_count + r];
        value -= item->value;
        weight -= item->weight;
        position = proof->frame_position[depth - 1] + (size_t)1;
        if (--proof->frame_count[depth - 1] == 0)
            depth--;
    }
}

/* Shares from the resource prices that the relaxed knapsack has at these values, in proportion to what it says. */
static int64_t set_shares(const struct generation *generation, struct proof *proof, size_t position, double money_scale)
{
    const struct binpack_problem *problem = proof->filling->problem;
    size_t resource_count = problem->resource_count;
    uint32_t type = problem->frontier[position];
    const double *price = generation->pricer.type_price + position * resource_count;
    int64_t sum = 0;
    for (size_t r = 0; r < resource_count; r++) {
        double share = problem->capacity_max[r] > 0 ? price[r] * (double)problem->capacity[type * resource_count + r] /
                                                          (double)problem->capacity_max[r] * money_scale
                                                    : 0;
        share = share < 1e18 ? share : 0;
        proof->shares[type * resource_count + r] = (int64_t)share;
        if (__builtin_add_overflow(sum, (int64_t)share, &sum) || sum > INT64_MAX / 2)
            return -1;
    }
    return sum;
}

/* 1: proven, 0: a content is worth `worst`, -1: not within the looks. */
static int prove_type(struct generation *generation, struct proof *proof, size_t position, int64_t scale)
{
    const struct binpack_problem *problem = proof->filling->problem;
    uint32_t type = problem->frontier[position];
    int64_t money = scale * problem->price[type] + proof->rents[type];
    binpack_knapsack_relax(&generation->pricer, position);
    int64_t share_sum = set_shares(generation, proof, position, generation->master.money * (double)scale);
    bool is_linear;
    if (share_sum < 0 || !list_items(proof, type, &is_linear))
        return -1;
    if (is_linear && share_sum <= money)
        return 1;
    proof->worst = 0;
    if (!search_contents(proof, type, money, share_sum))
        return -1;
    return proof->worst == 0;
}

static bool proof_start(struct proof *proof, struct filling *filling)
{
    struct binpack_problem *problem = filling->problem;
    struct space *space = &problem->space;
    *proof = (struct proof){.filling = filling};
    proof->items = binpack_space_scratch(space, problem->group_count, sizeof *proof->items);
    proof->suffix = binpack_space_scratch(space, problem->group_count + 1, sizeof *proof->suffix);
    proof->frame_position = binpack_space_scratch(space, problem->group_count + 1, sizeof *proof->frame_position);
    proof->frame_count = binpack_space_scratch(space, problem->group_count + 1, sizeof *proof->frame_count);
    proof->values = binpack_space_scratch(space, problem->group_count, sizeof *proof->values);
    proof->shares = binpack_space_scratch(space, problem->type_count * problem->resource_count, sizeof *proof->shares);
    proof->rents = binpack_space_scratch(space, problem->type_count, sizeof *proof->rents);
    return proof->items != NULL && proof->suffix != NULL && proof->frame_position != NULL && proof->frame_count != NULL &&
           proof->values != NULL && proof->shares != NULL && proof->rents != NULL;
}

/* Values and rents times `part`, in integers. */
static void set_values(const struct generation *generation, struct proof *proof, double part, int64_t scale)
{
    const struct master *master = &generation->master;
    const struct binpack_problem *problem = master->problem;
    double unit = master->money * (double)scale * part;
    memset(proof->values, 0, problem->group_count * sizeof *proof->values);
    for (size_t row = 0; row < master->group_row_count; row++) {
        double value = generation->best_dual[row] * unit;
        proof->values[master->row_group[row]] = value < 4e18 ? (int64_t)value : 0;
        generation->trial_dual[row] = generation->best_dual[row] * part;
    }
    for (size_t t = 0; t < problem->type_count; t++) {
        proof->rents[t] = 0;
        if (problem->limit[t] == 0 || problem->limit[t] == BINPACK_NO_LIMIT)
            continue; /* the scale suits the prices of types that may be opened */
        double rent = master->type_row[t] != UINT32_MAX ? generation->best_dual[master->type_row[t]] * unit : 0;
        int64_t rent_max = INT64_MAX / 2 - scale * problem->price[t];
        proof->rents[t] = rent <= 0 ? 0 : rent >= (double)rent_max ? rent_max : (int64_t)rent + 1;
    }
}

/* All types, or why not: as prove_type. `worst` part: by what the values must shrink. */
static int prove_all(struct generation *generation, struct proof *proof, int64_t scale, double *out_shrink)
{
    const struct binpack_problem *problem = proof->filling->problem;
    generation->pricer.group_value = generation->trial_dual;
    generation->pricer.left = problem->count;
    for (size_t i = 0; i < problem->frontier_count; i++) {
        int answer = prove_type(generation, proof, i, scale);
        if (answer == 1)
            continue;
        uint32_t type = problem->frontier[i];
        double money = (double)scale * (double)problem->price[type] + (double)proof->rents[type];
        *out_shrink = answer == 0 ? money / (double)proof->worst : 1;
        return answer;
    }
    return 1;
}

static enum binpack_outcome keep(const struct proof *proof, int64_t scale)
{
    struct binpack_problem *problem = proof->filling->problem;
    size_t front = problem->space.front;
    struct binpack_bound bound = {.scale = scale, .search_limit = 4 * proof->looks + 1000, .method = "contents"};
    int64_t *group_value = binpack_space_keep(&problem->space, problem->group_count, sizeof *group_value);
    int64_t *item_values = binpack_space_keep(&problem->space, problem->input.item_class_count, sizeof *item_values);
    int64_t *shares = binpack_space_keep(&problem->space, problem->type_count * problem->resource_count, sizeof *shares);
    int64_t *rents = binpack_space_keep(&problem->space, problem->type_count, sizeof *rents);
    if (group_value == NULL || item_values == NULL || shares == NULL || rents == NULL) {
        problem->space.front = front;
        return BINPACK_OUT_OF_SPACE;
    }
    memcpy(group_value, proof->values, problem->group_count * sizeof *group_value);
    memcpy(shares, proof->shares, problem->type_count * problem->resource_count * sizeof *shares);
    memcpy(rents, proof->rents, problem->type_count * sizeof *rents);
    for (size_t g = 0; g < problem->group_count; g++)
        for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++)
            item_values[problem->members[m]] = group_value[g];
    bound.item_values = item_values;
    bound.price_shares = shares;
    bound.rents = rents;
    enum binpack_outcome outcome = binpack_bound_round_up(problem, &bound, group_value);
    if (outcome != BINPACK_OK || bound.cost <= problem->bound.cost) {
        problem->space.front = front;
        return outcome;
    }
    problem->bound = bound;
    problem->group_value = group_value;
    return BINPACK_OK;
}

enum binpack_outcome binpack_pattern_bound_try(struct generation *generation, struct filling *filling, uint64_t look_limit)
{
    struct binpack_problem *problem = filling->problem;
    int64_t scale = problem->bound.scale;
    double unit = generation->money_step, bound = generation->best_bound;
    struct proof proof;
    if (!proof_start(&proof, filling))
        return BINPACK_OUT_OF_SPACE;
    double part = 1 - 1e-9;
    for (int i = 0; i < TRIES_MAX; i++) {
        double proven = bound * part / unit; /* price steps */
        if (unit <= 0 || proven * unit * generation->master.money <= (double)problem->bound.cost)
            break;
        if (proven < 1e9) {
            double whole = (double)(int64_t)proven, rest = proven - whole;
            if (rest > 1e-6)
                part *= (whole + (rest < 0.02 ? rest * 0.5 : 0.01)) / proven;
        }
        set_values(generation, &proof, part, scale);
        proof.looks = 0;
        proof.look_limit = look_limit - (i > 0 ? look_limit / 2 : 0);
        double shrink = 1;
        int answer = prove_all(generation, &proof, scale, &shrink);
        binpack_steps(filling, proof.looks);
        if (answer == 1)
            return keep(&proof, scale);
        if (filling->out_of_steps)
            break;
        /* a content worth too much: a little below it; out of looks: the next price step down, or half a per cent */
        part = answer == 0 ? part * shrink * (1 - 1e-9) : part * 0.995;
        if (answer < 0 && proven < 200)
            part = ((double)(int64_t)proven - 1e-5) * unit / bound;
    }
    return BINPACK_OK;
}
