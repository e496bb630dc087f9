/* SPDX-License-Identifier: MIT */
/*
 * The linear program over the contents of one bin: at most so many of each item, at most so much of each resource, the greatest
 * value. A primal simplex with bounded columns and as many rows as resources. Its dual prices bound what any content is worth and
 * tell contents.c what to try first.
 */
#include <math.h>
#include <string.h>

#include "packing/columns.h"

enum { PIVOTS_PER_RESOURCE = 30, PIVOTS_AT_LEAST = 60, STAGED_CELLS_PER_ROW = 24, STAGED_CELLS_AT_LEAST = 1024 };
static const double PIVOT_MIN = 1e-9;
static const double GAIN_MIN = 1e-9; /* money units */

bool binpack_pricer_start(struct pricer *pricer, struct master *master)
{
    const struct binpack_problem *problem = master->problem;
    struct space *space = &master->problem->space;
    size_t rows = master->group_row_count, resource_count = problem->resource_count;
    *pricer = (struct pricer){.master = master};
    pricer->part = binpack_space_scratch(space, rows * resource_count, sizeof(double));
    pricer->type_price = binpack_space_scratch(space, problem->frontier_count * resource_count, sizeof(double));
    pricer->upper = binpack_space_scratch(space, problem->frontier_count, sizeof(double));
    pricer->amount = binpack_space_scratch(space, rows, sizeof(double));
    pricer->items = binpack_space_scratch(space, rows, sizeof *pricer->items);
    pricer->suffix = binpack_space_scratch(space, rows + 1, sizeof(double));
    pricer->frame_position = binpack_space_scratch(space, rows + 1, sizeof *pricer->frame_position);
    pricer->frame_count = binpack_space_scratch(space, rows + 1, sizeof *pricer->frame_count);
    pricer->top_count = binpack_space_scratch(space, rows + 1, sizeof *pricer->top_count);
    pricer->cell_capacity = rows * STAGED_CELLS_PER_ROW + STAGED_CELLS_AT_LEAST;
    pricer->cells = binpack_space_scratch(space, pricer->cell_capacity, sizeof *pricer->cells);
    if (pricer->part == NULL || pricer->type_price == NULL || pricer->upper == NULL || pricer->amount == NULL ||
        pricer->items == NULL || pricer->suffix == NULL || pricer->frame_position == NULL || pricer->frame_count == NULL ||
        pricer->top_count == NULL || pricer->cells == NULL)
        return false;
    for (size_t row = 0; row < rows; row++)
        for (size_t r = 0; r < resource_count; r++)
            if (problem->capacity_max[r] > 0)
                pricer->part[row * resource_count + r] =
                    (double)problem->demand[master->row_group[row] * resource_count + r] / (double)problem->capacity_max[r];
    return true;
}

/* The items that may lie in the type, with how many of each at most. */
static void list_items(struct pricer *pricer, uint32_t type)
{
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    size_t resource_count = problem->resource_count;
    pricer->item_count = 0;
    for (uint32_t row = 0; row < master->group_row_count; row++) {
        uint32_t group = master->row_group[row];
        if (pricer->left[group] == 0 || !binpack_could_hold(problem, group, type))
            continue;
        const int64_t *demand = problem->demand + group * resource_count;
        double most = (double)(pricer->left[group] < problem->per_bin_max[group] ? pricer->left[group]
                                                                                   : problem->per_bin_max[group]);
        bool makes_room = false;
        for (size_t r = 0; r < resource_count; r++) {
            makes_room |= demand[r] < 0;
            if (demand[r] <= 0)
                continue;
            double fit = ((double)problem->capacity[type * resource_count + r] + (double)problem->room_made[r]) /
                         (double)demand[r] * (1 + 1e-12);
            if (fit < most)
                most = (double)(int64_t)fit;
        }
        if (!makes_room && pricer->group_value[row] <= GAIN_MIN)
            continue;
        pricer->items[pricer->item_count++] = (struct candidate_item){
            .value = pricer->group_value[row], .group = group, .row = row, .most = most, .makes_room = makes_room};
    }
}

struct tiny_basis {
    size_t count;
    double inverse[BINPACK_RESOURCES_MAX][BINPACK_RESOURCES_MAX];
    int32_t basic[BINPACK_RESOURCES_MAX]; /* item, or -1 - resource: its slack */
    double value[BINPACK_RESOURCES_MAX];
    double price[BINPACK_RESOURCES_MAX];
};

static void set_prices(const struct pricer *pricer, struct tiny_basis *basis)
{
    for (size_t r = 0; r < basis->count; r++) {
        basis->price[r] = 0;
        for (size_t i = 0; i < basis->count; i++)
            if (basis->basic[i] >= 0)
                basis->price[r] += pricer->items[basis->basic[i]].value * basis->inverse[i][r];
    }
}

/* `base` of an item is 1 while it is nonbasic at its most, `weight` 1 while it is basic. */
static bool improve(struct pricer *pricer, struct tiny_basis *basis)
{
    size_t resource_count = basis->count;
    int32_t entering = INT32_MIN;
    double best = GAIN_MIN, direction = 1;
    for (size_t j = 0; j < pricer->item_count; j++) {
        const struct candidate_item *item = &pricer->items[j];
        const double *part = pricer->part + item->row * resource_count;
        double gain = item->value;
        for (size_t r = 0; r < resource_count; r++)
            gain -= basis->price[r] * part[r];
        double size = item->base > 0 ? -gain : gain;
        if (item->weight > 0 || size * item->most <= best)
            continue;
        best = size * item->most;
        entering = (int32_t)j;
        direction = item->base > 0 ? -1 : 1;
    }
    for (size_t r = 0; r < resource_count; r++)
        if (-basis->price[r] > best) {
            best = -basis->price[r];
            entering = -1 - (int32_t)r;
            direction = 1;
        }
    if (entering == INT32_MIN)
        return false;
    double change[BINPACK_RESOURCES_MAX];
    for (size_t i = 0; i < resource_count; i++) {
        change[i] = 0;
        if (entering < 0)
            change[i] = basis->inverse[i][-1 - entering];
        else
            for (size_t r = 0; r < resource_count; r++)
                change[i] += basis->inverse[i][r] * pricer->part[pricer->items[entering].row * resource_count + r];
    }
    double step = entering >= 0 ? pricer->items[entering].most : INFINITY;
    size_t leaving = resource_count;
    bool leaves_at_most = false;
    for (size_t i = 0; i < resource_count; i++) {
        double rate = change[i] * direction;
        double limit;
        if (rate > PIVOT_MIN)
            limit = basis->value[i] / rate;
        else if (rate < -PIVOT_MIN && basis->basic[i] >= 0)
            limit = (pricer->items[basis->basic[i]].most - basis->value[i]) / -rate;
        else
            continue;
        limit = limit > 0 ? limit : 0;
        if (limit < step) {
            step = limit;
            leaving = i;
            leaves_at_most = rate < 0;
        }
    }
    if (isinf(step))
        return false;
    for (size_t i = 0; i < resource_count; i++)
        basis->value[i] -= change[i] * direction * step;
    if (leaving == resource_count) { /* from one bound to the other */
        pricer->items[entering].base = direction > 0 ? 1 : 0;
        return true;
    }
    if (basis->basic[leaving] >= 0) {
        pricer->items[basis->basic[leaving]].base = leaves_at_most ? 1 : 0;
        pricer->items[basis->basic[leaving]].weight = 0;
    }
    basis->value[leaving] = step;
    if (entering >= 0) {
        struct candidate_item *item = &pricer->items[entering];
        basis->value[leaving] = direction > 0 ? step : item->most - step;
        item->weight = 1;
        item->base = 0;
    }
    basis->basic[leaving] = entering;
    for (size_t r = 0; r < resource_count; r++)
        basis->inverse[leaving][r] /= change[leaving];
    for (size_t i = 0; i < resource_count; i++)
        for (size_t r = 0; r < resource_count && i != leaving; r++)
            basis->inverse[i][r] -= change[i] * basis->inverse[leaving][r];
    set_prices(pricer, basis);
    return true;
}

/* What no content is worth more than at these prices. */
static double upper_bound(const struct pricer *pricer, uint32_t type, const double *price)
{
    const struct binpack_problem *problem = pricer->master->problem;
    double upper = 0;
    for (size_t r = 0; r < problem->resource_count; r++)
        if (problem->capacity_max[r] > 0)
            upper += price[r] * (double)problem->capacity[type * problem->resource_count + r] / (double)problem->capacity_max[r];
    for (size_t j = 0; j < pricer->item_count; j++) {
        const struct candidate_item *item = &pricer->items[j];
        double excess = item->value;
        for (size_t r = 0; r < problem->resource_count; r++)
            excess -= price[r] * pricer->part[item->row * problem->resource_count + r];
        if (excess > 0)
            upper += excess * item->most;
    }
    return upper;
}

double binpack_knapsack_quick(struct pricer *pricer, size_t position)
{
    uint32_t type = pricer->master->problem->frontier[position];
    list_items(pricer, type);
    binpack_steps(pricer->filling, pricer->item_count);
    return upper_bound(pricer, type, pricer->type_price + position * pricer->master->problem->resource_count);
}

double binpack_knapsack_relax(struct pricer *pricer, size_t position)
{
    const struct binpack_problem *problem = pricer->master->problem;
    size_t resource_count = problem->resource_count;
    uint32_t type = problem->frontier[position];
    double *price = pricer->type_price + position * resource_count;
    struct tiny_basis basis = {.count = resource_count};
    list_items(pricer, type);
    for (size_t r = 0; r < resource_count; r++) {
        basis.inverse[r][r] = 1;
        basis.basic[r] = -1 - (int32_t)r;
        if (problem->capacity_max[r] > 0)
            basis.value[r] = (double)problem->capacity[type * resource_count + r] / (double)problem->capacity_max[r];
    }
    size_t pivots = 0;
    while (pivots < PIVOTS_PER_RESOURCE * resource_count + PIVOTS_AT_LEAST && improve(pricer, &basis))
        pivots++;
    binpack_steps(pricer->filling, (pivots + 2) * pricer->item_count);
    for (size_t r = 0; r < resource_count; r++)
        price[r] = basis.price[r] > 0 ? basis.price[r] : 0;
    memset(pricer->amount, 0, pricer->master->group_row_count * sizeof(double));
    for (size_t j = 0; j < pricer->item_count; j++) {
        struct candidate_item *item = &pricer->items[j];
        pricer->amount[item->row] = item->base > 0 ? item->most : 0;
        item->base = 0;
        item->weight = 0;
    }
    for (size_t i = 0; i < resource_count; i++)
        if (basis.basic[i] >= 0)
            pricer->amount[pricer->items[basis.basic[i]].row] = basis.value[i];
    return pricer->upper[position] = upper_bound(pricer, type, price);
}
