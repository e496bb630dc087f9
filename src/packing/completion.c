/* SPDX-License-Identifier: MIT */
/*
 * Contents of bins that hold many items. A whole search of them is out of reach, and what the linear program over one bin proposes is
 * a few sorts of items only, so that a program over such contents ends well above its bound. Here its answer, rounded down, gives up to a
 * few of its items, takes one of any sort, and the room that is left gets the best pair of items that fits: a table has it for every
 * amount of room of two resources. Values that are varied a little propose other items to begin with.
 */
#include <string.h>

#include "packing/columns.h"

enum { LINE = BINPACK_COMPLETION_LINE, CELLS = LINE - 1, VARIATIONS = 8, TAKEN_BACK_MAX = 4, BASES_MAX = 2 };
static const double ROOM_OF_MEAN = 4;     /* the table ends at so many items of mean size */
static const double VARIATION_MAX = 0.015; /* part of a value */
#define NO_PAIR UINT32_MAX

/* The two resources of which all items together take the largest parts of the largest bins. */
static void choose_resources(const struct binpack_problem *problem, size_t out_resources[2])
{
    double parts[BINPACK_RESOURCES_MAX] = {0};
    size_t first = 0, second = 0;
    for (size_t r = 0; r < problem->resource_count; r++) {
        for (size_t g = 0; g < problem->group_count && problem->capacity_max[r] > 0; g++)
            parts[r] += (double)problem->demand[g * problem->resource_count + r] * (double)problem->count[g] /
                        (double)problem->capacity_max[r];
        if (parts[r] > parts[first])
            first = r;
    }
    second = first == 0 && problem->resource_count > 1 ? 1 : 0;
    for (size_t r = 0; r < problem->resource_count; r++)
        if (r != first && parts[r] > parts[second])
            second = r;
    out_resources[0] = first;
    out_resources[1] = second; /* the same one where there is but one */
}

/* Are there many items of each sort to be placed, is room what it seems, and do any two go together? */
static bool is_worth_while(const struct pricer *pricer)
{
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    double items = 0;
    for (size_t row = 0; row < master->group_row_count; row++)
        items += (double)pricer->left[master->row_group[row]];
    for (size_t r = 0; r < problem->resource_count; r++)
        if (problem->room_made[r] > 0)
            return false;
    return master->group_row_count > 0 && problem->conflicts == NULL && items >= BINPACK_MANY_EQUAL * (double)master->group_row_count;
}

void binpack_completion_start(struct pricer *pricer)
{
    const struct binpack_problem *problem = pricer->master->problem;
    struct space *space = &pricer->master->problem->space;
    struct completion *completion = &pricer->completion;
    size_t rows = pricer->master->group_row_count;
    _Static_assert(BINPACK_COMPLETION_BYTES == LINE * LINE * (sizeof *completion->value + sizeof *completion->pair), "the table's bytes");
    if (!is_worth_while(pricer) || space->bytes - space->front - space->back < 2 * (size_t)BINPACK_COMPLETION_BYTES)
        return; /* where memory is short, others need it more */
    completion->value = binpack_space_scratch(space, (size_t)LINE * LINE, sizeof(double));
    completion->pair = binpack_space_scratch(space, (size_t)LINE * LINE, sizeof *completion->pair);
    completion->varied = binpack_space_scratch(space, rows, sizeof(double));
    completion->amount = binpack_space_scratch(space, rows, sizeof(double));
    completion->held = binpack_space_scratch(space, rows, sizeof *completion->held);
    if (completion->value == NULL || completion->pair == NULL || completion->varied == NULL || completion->amount == NULL ||
        completion->held == NULL)
        return;
    choose_resources(problem, completion->resources);
    for (size_t k = 0; k < 2; k++) {
        double sum = 0;
        for (size_t row = 0; row < rows; row++)
            sum += (double)problem->demand[pricer->master->row_group[row] * problem->resource_count + completion->resources[k]];
        completion->cell[k] = sum > 0 ? sum / (double)rows * ROOM_OF_MEAN / CELLS : 1;
    }
    completion->draw = 88172645463325252u;
    completion->is_there = true;
}

/* The first cell whose room is at least that; LINE: none. */
static size_t cell_above(double amount, double cell)
{
    double cells = amount / cell;
    if (cells > CELLS - 1)
        return LINE;
    size_t whole = (size_t)cells;
    return whole + ((double)whole < cells);
}

static void enter(struct pricer *pricer, uint32_t first, uint32_t second)
{
    struct completion *completion = &pricer->completion;
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    double value = pricer->group_value[first];
    const int64_t *demand = problem->demand + master->row_group[first] * problem->resource_count;
    double amounts[2] = {(double)demand[completion->resources[0]], (double)demand[completion->resources[1]]};
    if (second != NO_PAIR) {
        value += pricer->group_value[second];
        demand = problem->demand + master->row_group[second] * problem->resource_count;
        amounts[0] += (double)demand[completion->resources[0]];
        amounts[1] += (double)demand[completion->resources[1]];
    }
    size_t line = cell_above(amounts[0], completion->cell[0]), place = cell_above(amounts[1], completion->cell[1]);
    if (line == LINE || place == LINE || value <= completion->value[line * LINE + place])
        return;
    completion->value[line * LINE + place] = value;
    completion->pair[line * LINE + place] = first << 16 | (second == NO_PAIR ? UINT16_MAX : second);
}

void binpack_completion_fill(struct pricer *pricer)
{
    struct completion *completion = &pricer->completion;
    uint32_t rows = (uint32_t)pricer->master->group_row_count;
    memset(completion->value, 0, (size_t)LINE * LINE * sizeof(double));
    memset(completion->pair, 0xff, (size_t)LINE * LINE * sizeof *completion->pair);
    for (uint32_t first = 0; first < rows; first++) {
        if (pricer->group_value[first] <= 0)
            continue;
        enter(pricer, first, NO_PAIR);
        for (uint32_t second = first; second < rows; second++)
            if (pricer->group_value[second] > 0)
                enter(pricer, first, second);
    }
    for (size_t line = 0; line < LINE; line++) { /* what fits in less room fits in more */
        for (size_t place = 0; place < LINE; place++) {
            size_t at = line * LINE + place, best = at;
            if (line > 0 && completion->value[at - LINE] > completion->value[best])
                best = at - LINE;
            if (place > 0 && completion->value[at - 1] > completion->value[best])
                best = at - 1;
            completion->value[at] = completion->value[best];
            completion->pair[at] = completion->pair[best];
        }
    }
    binpack_steps(pricer->filling, (size_t)rows * rows / 8 + (size_t)LINE * LINE / 8);
}

/* Takes down what is held, if the bin may hold it. */
static bool record(struct pricer *pricer, uint32_t type)
{
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    const int64_t *held = pricer->completion.held;
    int64_t room[BINPACK_RESOURCES_MAX];
    size_t resource_count = problem->resource_count, count = 0;
    if (pricer->content_count == CONTENTS_MAX || pricer->cell_capacity - pricer->cell_count < master->group_row_count)
        return false;
    memcpy(room, problem->capacity + type * resource_count, resource_count * sizeof *room);
    struct content *content = &pricer->contents[pricer->content_count];
    *content = (struct content){.type = type, .cell_first = (uint32_t)pricer->cell_count};
    binpack_steps(pricer->filling, master->group_row_count / 4);
    for (uint32_t row = 0; row < master->group_row_count; row++) {
        uint32_t group = master->row_group[row];
        if (held[row] == 0)
            continue;
        if (held[row] > pricer->left[group] || held[row] > problem->per_bin_max[group] || !binpack_is_allowed(problem, group, type))
            return false;
        for (size_t r = 0; r < resource_count; r++) {
            room[r] -= held[row] * problem->demand[group * resource_count + r];
            if (room[r] < 0)
                return false;
        }
        pricer->cells[pricer->cell_count + count++] = (struct column_cell){row, held[row]};
        content->value += (double)held[row] * pricer->group_value[row];
    }
    content->cell_count = (uint32_t)count;
    pricer->cell_count += count;
    pricer->content_count++;
    return true;
}

/* What a bin holds to begin with: whole items of the linear program's answer, less some of its first sorts. */
struct base {
    uint32_t rows[BASES_MAX];
    size_t row_count;
    double value;
    double room[2]; /* of the table's resources */
};

static struct base set_base(struct pricer *pricer, uint32_t type)
{
    struct completion *completion = &pricer->completion;
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    const int64_t *capacity = problem->capacity + type * problem->resource_count;
    struct base base = {.room = {(double)capacity[completion->resources[0]], (double)capacity[completion->resources[1]]}};
    memset(completion->held, 0, master->group_row_count * sizeof *completion->held);
    for (size_t j = 0; j < pricer->item_count; j++) {
        uint32_t row = pricer->items[j].row;
        int64_t whole = (int64_t)(completion->amount[row] + 1e-9);
        if (whole <= 0)
            continue;
        completion->held[row] = whole;
        if (base.row_count < BASES_MAX)
            base.rows[base.row_count++] = row;
        const int64_t *demand = problem->demand + master->row_group[row] * problem->resource_count;
        base.value += (double)whole * pricer->group_value[row];
        for (size_t k = 0; k < 2; k++)
            base.room[k] -= (double)whole * (double)demand[completion->resources[k]];
    }
    return base;
}

/* With one more item of each sort in turn (NO_PAIR: none) and the best pair beside it; returns the best value so far. */
static double complete(struct pricer *pricer, uint32_t type, double value, const double room[2], double best)
{
    struct completion *completion = &pricer->completion;
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    for (size_t j = 0; j <= pricer->item_count; j++) {
        uint32_t third = j < pricer->item_count ? pricer->items[j].row : NO_PAIR;
        double left[2] = {room[0], room[1]}, with_third = value;
        if (third != NO_PAIR) {
            const int64_t *demand = problem->demand + master->row_group[third] * problem->resource_count;
            left[0] -= (double)demand[completion->resources[0]];
            left[1] -= (double)demand[completion->resources[1]];
            with_third += pricer->group_value[third];
        }
        if (left[0] < 0 || left[1] < 0)
            continue;
        double line = left[0] / completion->cell[0], place = left[1] / completion->cell[1];
        size_t at = (line < CELLS ? (size_t)line : CELLS) * LINE + (place < CELLS ? (size_t)place : CELLS);
        if (with_third + completion->value[at] <= best)
            continue;
        uint32_t pair = completion->pair[at], first = pair >> 16, second = pair & UINT16_MAX;
        bool has_first = pair != NO_PAIR, has_second = has_first && second != UINT16_MAX;
        int64_t *held = completion->held;
        if (third != NO_PAIR)
            held[third]++;
        if (has_first)
            held[first]++;
        if (has_second)
            held[second]++;
        if (record(pricer, type))
            best = with_third + completion->value[at];
        if (third != NO_PAIR)
            held[third]--;
        if (has_first)
            held[first]--;
        if (has_second)
            held[second]--;
    }
    binpack_steps(pricer->filling, pricer->item_count);
    return best;
}

/* From the amounts in completion.amount. */
static void find_from(struct pricer *pricer, uint32_t type, double threshold)
{
    struct completion *completion = &pricer->completion;
    const struct master *master = pricer->master;
    const struct binpack_problem *problem = master->problem;
    struct base base = set_base(pricer, type);
    double best = threshold;
    if (base.row_count == 0)
        return;
    uint32_t one = base.rows[0], other = base.rows[base.row_count - 1];
    const int64_t *demand_of_one = problem->demand + master->row_group[one] * problem->resource_count;
    const int64_t *demand_of_other = problem->demand + master->row_group[other] * problem->resource_count;
    int64_t one_whole = completion->held[one], other_whole = completion->held[other];
    for (int64_t i = 0; i <= TAKEN_BACK_MAX && i <= one_whole; i++) {
        for (int64_t k = 0; k <= (base.row_count > 1 ? TAKEN_BACK_MAX : 0) && k <= other_whole; k++) {
            double room[2];
            for (size_t r = 0; r < 2; r++)
                room[r] = base.room[r] + (double)i * (double)demand_of_one[completion->resources[r]] +
                          (double)k * (double)demand_of_other[completion->resources[r]];
            completion->held[one] = one_whole - i;
            if (base.row_count > 1)
                completion->held[other] = other_whole - k;
            best = complete(pricer, type, base.value - (double)i * pricer->group_value[one] - (double)k * pricer->group_value[other],
                            room, best);
        }
    }
}

static void vary_values(struct pricer *pricer, const double *values)
{
    struct completion *completion = &pricer->completion;
    for (size_t row = 0; row < pricer->master->group_row_count; row++) {
        completion->draw ^= completion->draw << 13;
        completion->draw ^= completion->draw >> 7;
        completion->draw ^= completion->draw << 17;
        double drawn = (double)(completion->draw >> 40) / (double)(1 << 23) - 1; /* from -1 to 1 */
        completion->varied[row] = values[row] * (1 + VARIATION_MAX * drawn);
    }
}

void binpack_completion_find(struct pricer *pricer, size_t position, double threshold)
{
    struct completion *completion = &pricer->completion;
    uint32_t type = pricer->master->problem->frontier[position];
    size_t amount_bytes = pricer->master->group_row_count * sizeof(double);
    const double *values = pricer->group_value;
    memcpy(completion->amount, pricer->amount, amount_bytes);
    find_from(pricer, type, threshold);
    double upper = pricer->upper[position];
    for (int variation = 0; variation < VARIATIONS && !pricer->filling->out_of_steps; variation++) {
        vary_values(pricer, values);
        pricer->group_value = completion->varied;
        binpack_knapsack_relax(pricer, position);
        memcpy(completion->amount, pricer->amount, amount_bytes);
        pricer->group_value = values;
        find_from(pricer, type, threshold);
    }
    binpack_knapsack_relax(pricer, position); /* its prices and items as they were */
    pricer->upper[position] = upper;
}
