/* SPDX-License-Identifier: MIT */
/*
 * Column generation: the master program over the contents known so far gives every item a value; contents that are worth more than
 * their bin costs at these values join it. Values are smoothed towards those that prove the best bound, which keeps them from
 * swinging; when smoothed values yield nothing, the smoothing is halved.
 *
 * A bound at any time (Farley): items' values divided by what the most overpriced bin is worth over its price.
 */
#include <string.h>

#include "packing/columns.h"

enum { EFFORT_GROWTH = 4, EFFORT_MAX = 64, TYPES_PER_ROUND = 6, ROUNDS_WITHOUT_GAIN_MAX = 12, PATIENCE = 5 };
enum { SWEEPS_MAX = 20, SWEEPS_OF_MANY = 4 /* where rounds find more */ };
static const double SWEEP_SMOOTHING = 0.5, SWEEP_GAIN_MIN = 2e-4;
static const double SMOOTHING_FIRST = 0.9, SMOOTHING_LEAST = 0.05;
static const double WORTH_MORE = 1e-7;    /* part of its price by which a content must be worth more */
static const double GAP_MIN = 5e-5;       /* between program and bound, part of the cost: closer is not worth the effort */
static const double STEPS_OF_COST_MAX = 10000; /* few multiples of the price step: the last part of a bin decides, and is worth the effort */
static const uint64_t LOOKS_PER_TYPE = 30000;
static const int64_t COUNT_MAX = (int64_t)1 << 50; /* items and room are exact as doubles below it */

static bool is_within_reach(const struct filling *filling)
{
    const struct binpack_problem *problem = filling->problem;
    int64_t item_count = 0;
    for (size_t g = 0; g < problem->group_count; g++)
        item_count += problem->count[g];
    if (item_count > COUNT_MAX)
        return false;
    for (size_t r = 0; r < problem->resource_count; r++)
        if (problem->room_made[r] > 0)
            for (size_t s = 0; s < problem->resource_count; s++)
                if (problem->capacity_max[s] > COUNT_MAX || problem->room_made[s] > COUNT_MAX)
                    return false;
    return true;
}

static void add_single_contents(struct generation *generation, const struct filling *filling)
{
    struct master *master = &generation->master;
    const struct binpack_problem *problem = master->problem;
    for (uint32_t row = 0; row < master->group_row_count; row++) {
        uint32_t group = master->row_group[row], best_type = UINT32_MAX;
        const int64_t *demand = problem->demand + group * problem->resource_count;
        int64_t most = filling->left[group] < problem->per_bin_max[group] ? filling->left[group] : problem->per_bin_max[group];
        int64_t best_count = 0;
        double best_price = 0;
        for (size_t i = 0; i < problem->frontier_count; i++) {
            uint32_t type = problem->frontier[i];
            if (filling->type_left[type] == 0 || !binpack_is_allowed(problem, group, type))
                continue;
            int64_t count =
                binpack_fit_count(demand, problem->capacity + type * problem->resource_count, problem->resource_count, most);
            double price = count > 0 ? (double)problem->price[type] / (double)count : 0;
            if (count > 0 && (best_type == UINT32_MAX || price < best_price)) {
                best_type = type;
                best_price = price;
                best_count = count;
            }
        }
        if (best_type != UINT32_MAX)
            binpack_master_add(master, best_type, &(struct column_cell){row, best_count}, 1);
    }
    binpack_steps(generation->pricer.filling, master->group_row_count * problem->frontier_count);
}

void binpack_generation_add_bins(struct generation *generation, const struct filling *filling, size_t first_run)
{
    struct pricer *pricer = &generation->pricer;
    struct master *master = &generation->master;
    for (size_t i = first_run; i < filling->run_count; i++) {
        size_t count = 0;
        for (uint32_t at = filling->runs[i].content; at != UINT32_MAX; at = filling->cells[at].next) {
            const struct cell *cell = &filling->cells[at];
            uint32_t row = master->group_row[cell->group];
            if (row == UINT32_MAX || count == pricer->cell_capacity)
                break; /* holds what is not to be placed */
            size_t place = count;
            for (; place > 0 && pricer->cells[place - 1].row > row; place--)
                pricer->cells[place] = pricer->cells[place - 1];
            if (place > 0 && pricer->cells[place - 1].row == row) {
                pricer->cells[place - 1].count += cell->item_count;
                memmove(pricer->cells + place, pricer->cells + place + 1, (count - place) * sizeof *pricer->cells);
                continue;
            }
            pricer->cells[place] = (struct column_cell){row, cell->item_count};
            count++;
        }
        binpack_master_add(master, filling->runs[i].type, pricer->cells, count);
    }
}

/* What the values would prove if no content were worth more than its bin. */
static double worth_of(const struct master *master, const struct filling *filling, const double *dual)
{
    double worth = 0;
    for (size_t row = 0; row < master->group_row_count; row++)
        worth += dual[row] * (double)filling->left[master->row_group[row]];
    return worth;
}

bool binpack_generation_start(struct generation *generation, struct filling *filling)
{
    struct binpack_problem *problem = filling->problem;
    struct space *space = &problem->space;
    *generation = (struct generation){.smoothing = SMOOTHING_FIRST};
    if (!is_within_reach(filling))
        return true;
    struct master *master = &generation->master;
    if (!binpack_master_start(master, filling))
        return false;
    if (master->row_count == 0)
        return true;
    generation->best_dual = binpack_space_scratch(space, master->row_count, sizeof(double));
    generation->trial_dual = binpack_space_scratch(space, master->row_count, sizeof(double));
    generation->sweep_left = binpack_space_scratch(space, problem->group_count, sizeof *generation->sweep_left);
    generation->sweep_ratio = binpack_space_scratch(space, problem->frontier_count, sizeof(double));
    generation->sweep_seen = binpack_space_scratch(space, problem->frontier_count, sizeof *generation->sweep_seen);
    if (generation->best_dual == NULL || generation->trial_dual == NULL || generation->sweep_left == NULL ||
        generation->sweep_ratio == NULL || generation->sweep_seen == NULL ||
        !binpack_pricer_start(&generation->pricer, master) ||
        !binpack_master_add_artificial(master))
        return false;
    generation->pricer.filling = filling;
    generation->pricer.left = filling->left;
    generation->pricer.effort = 1;
    generation->money_step = (double)problem->price_step / master->money;
    for (uint32_t row = 0; row < master->group_row_count; row++)
        generation->best_dual[row] =
            (double)problem->group_value[master->row_group[row]] / (double)problem->bound.scale / master->money;
    for (size_t t = 0; t < problem->type_count; t++)
        if (master->type_row[t] != UINT32_MAX)
            generation->best_dual[master->type_row[t]] =
                (double)problem->bound.rents[t] / (double)problem->bound.scale / master->money;
    generation->best_bound = worth_of(master, filling, generation->best_dual);
    for (size_t t = 0; t < problem->type_count; t++)
        if (master->type_row[t] != UINT32_MAX)
            generation->best_bound -= generation->best_dual[master->type_row[t]] * (double)filling->type_left[t];
    add_single_contents(generation, filling);
    binpack_completion_start(&generation->pricer);
    generation->is_ready = true;
    return true;
}

static double rent_of(const struct master *master, const double *dual, uint32_t type)
{
    return master->type_row[type] == UINT32_MAX ? 0 : dual[master->type_row[type]];
}

/* The best of overpriced types come first. */
struct type_key {
    double over;
    uint32_t position;
};

static int compare_type(const void *a, const void *b)
{
    const struct type_key *x = a, *y = b;
    if (x->over != y->over)
        return x->over > y->over ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* By the linear program's answer. */
static bool holds_many(const struct pricer *pricer)
{
    double amount = 0;
    for (size_t j = 0; j < pricer->item_count; j++)
        amount += pricer->amount[pricer->items[j].row];
    return amount > BINPACK_FEW_ITEMS;
}

/* Contents that are worth more than their bins at the given values go into the pricer's list. */
static void find_contents(struct generation *generation, struct filling *filling, const double *dual)
{
    struct master *master = &generation->master;
    struct pricer *pricer = &generation->pricer;
    const struct binpack_problem *problem = master->problem;
    struct type_key keys[TYPES_PER_ROUND + 1];
    size_t key_count = 0;
    pricer->group_value = dual;
    pricer->content_count = pricer->cell_count = 0;
    for (size_t i = 0; i < problem->frontier_count && !filling->out_of_steps; i++) {
        uint32_t type = problem->frontier[i];
        pricer->upper[i] = 0;
        if (filling->type_left[type] == 0)
            continue;
        double price = (double)problem->price[type] / master->money + rent_of(master, dual, type);
        pricer->upper[i] = binpack_knapsack_quick(pricer, i);
        if (pricer->upper[i] > price * (1 + WORTH_MORE))
            pricer->upper[i] = binpack_knapsack_relax(pricer, i);
        if (pricer->upper[i] <= price * (1 + WORTH_MORE) + 1e-12)
            continue;
        size_t at = key_count < TYPES_PER_ROUND ? key_count++ : TYPES_PER_ROUND;
        keys[at] = (struct type_key){price > 0 ? pricer->upper[i] / price : 1e300, (uint32_t)i};
        for (; at > 0 && compare_type(&keys[at], &keys[at - 1]) < 0; at--) {
            struct type_key key = keys[at];
            keys[at] = keys[at - 1];
            keys[at - 1] = key;
        }
    }
    if (pricer->completion.is_there && key_count > 0)
        binpack_completion_fill(pricer);
    for (size_t k = 0; k < key_count && !filling->out_of_steps; k++) {
        size_t i = keys[k].position;
        uint32_t type = problem->frontier[i];
        double price = (double)problem->price[type] / master->money + rent_of(master, dual, type);
        if (problem->frontier_count > 1)
            binpack_knapsack_relax(pricer, i); /* its amounts */
        double threshold = price * (1 + WORTH_MORE) + 1e-12;
        if (pricer->completion.is_there && holds_many(pricer))
            binpack_completion_find(pricer, i, threshold);
        else
            binpack_contents_find(pricer, i, threshold, LOOKS_PER_TYPE * pricer->effort);
    }
}

static size_t add_contents(struct generation *generation)
{
    struct master *master = &generation->master;
    const struct pricer *pricer = &generation->pricer;
    size_t added = 0;
    for (size_t i = 0; i < pricer->content_count; i++) {
        const struct content *content = &pricer->contents[i];
        const struct column_cell *cells = pricer->cells + content->cell_first;
        double price = (double)master->problem->price[content->type] / master->money;
        double reduced = price + rent_of(master, master->dual, content->type);
        for (uint32_t c = 0; c < content->cell_count; c++)
            reduced -= master->dual[cells[c].row] * (double)cells[c].count;
        if (reduced < -WORTH_MORE * price)
            added += binpack_master_add(master, content->type, cells, content->cell_count) != UINT32_MAX;
    }
    return added;
}

/* Keeps the trial values if they prove more than the best so far. True if they do. */
static bool keep_best(struct generation *generation, const struct filling *filling)
{
    struct master *master = &generation->master;
    const struct binpack_problem *problem = master->problem;
    const double *upper = generation->pricer.upper;
    double part = 1;
    for (size_t i = 0; i < problem->frontier_count; i++) {
        uint32_t type = problem->frontier[i];
        double price = (double)problem->price[type] / master->money;
        if (master->type_row[type] == UINT32_MAX && filling->type_left[type] > 0 && upper[i] * part > price)
            part = price / upper[i];
    }
    double bound = part * worth_of(master, filling, generation->trial_dual);
    for (size_t i = 0; i < problem->frontier_count; i++) {
        uint32_t type = problem->frontier[i];
        if (master->type_row[type] == UINT32_MAX)
            continue;
        double rent = part * upper[i] - (double)problem->price[type] / master->money;
        generation->trial_dual[master->type_row[type]] = rent > 0 ? rent : 0;
        bound -= rent > 0 ? rent * (double)filling->type_left[type] : 0;
    }
    if (bound <= generation->best_bound)
        return false;
    generation->best_bound = bound;
    for (size_t row = 0; row < master->row_count; row++)
        generation->best_dual[row] = row < master->group_row_count ? part * generation->trial_dual[row] : generation->trial_dual[row];
    return true;
}

/* The least cost that a plan can have, given that it is at least this and a multiple of the price step. */
static double round_up(const struct generation *generation, double cost)
{
    double steps = cost / generation->money_step;
    if (generation->money_step <= 0 || steps > 1e9)
        return cost;
    double whole = (double)(int64_t)steps;
    return (whole + (steps - whole > 1e-6 ? 1 : 0)) * generation->money_step;
}

/* Sweeps as long as each makes the program noticeably cheaper. */
static void sweep(struct generation *generation, struct filling *filling)
{
    struct master *master = &generation->master;
    size_t sweeps_max = generation->pricer.completion.is_there ? SWEEPS_OF_MANY : SWEEPS_MAX;
    for (size_t i = 0; i < sweeps_max && !filling->out_of_steps; i++) {
        double cost = binpack_simplex_cost(master), smoothing = i == 0 ? 1 : SWEEP_SMOOTHING;
        if (cost - generation->best_bound <= GAP_MIN * cost)
            return;
        for (size_t row = 0; row < master->row_count; row++)
            generation->trial_dual[row] =
                smoothing * generation->best_dual[row] + (1 - smoothing) * (master->dual[row] > 0 ? master->dual[row] : 0);
        size_t added = binpack_generation_sweep(generation, filling, generation->trial_dual);
        binpack_simplex_primal(master, filling);
        if (added == 0 || (i > 0 && binpack_simplex_cost(master) > cost - SWEEP_GAIN_MIN * cost))
            return;
    }
}

void binpack_generation_run(struct generation *generation, struct filling *filling, size_t round_limit, double goal)
{
    struct master *master = &generation->master;
    binpack_master_set_need(master, filling->left, filling->type_left);
    for (size_t row = 0; row < master->group_row_count; row++) { /* stand-ins are the first basis */
        master->basic[row] = (int32_t)row;
        master->columns[row].is_basic = true;
    }
    binpack_simplex_rebuild(master);
    binpack_simplex_primal(master, filling);
    sweep(generation, filling);
    size_t rounds_without_gain = 0;
    bool is_patient = binpack_simplex_cost(master) < generation->money_step * STEPS_OF_COST_MAX;
    for (size_t round = 0; round < round_limit && !filling->out_of_steps; round++) {
        double cost = binpack_simplex_cost(master);
        double bound = round_up(generation, generation->best_bound);
        if (cost - generation->best_bound <= GAP_MIN * cost || bound >= round_up(generation, cost * (1 - 2e-6)) || bound >= goal) {
            generation->is_converged = true;
            return;
        }
        for (size_t row = 0; row < master->row_count; row++)
            generation->trial_dual[row] = generation->smoothing * generation->best_dual[row] +
                                          (1 - generation->smoothing) * (master->dual[row] > 0 ? master->dual[row] : 0);
        find_contents(generation, filling, generation->trial_dual);
        if (filling->out_of_steps)
            return;
        size_t added = add_contents(generation);
        bool has_gained = keep_best(generation, filling);
        if (added == 0) {
            if (generation->smoothing == 0 && !has_gained) {
                if (is_patient && generation->pricer.effort < EFFORT_MAX) {
                    generation->pricer.effort *= EFFORT_GROWTH;
                    continue;
                }
                generation->is_converged = true;
                return;
            }
            generation->smoothing = generation->smoothing > SMOOTHING_LEAST ? generation->smoothing / 2 : 0;
            continue;
        }
        binpack_simplex_primal(master, filling);
        double cost_now = binpack_simplex_cost(master);
        rounds_without_gain = has_gained || cost_now < cost * (1 - 2e-5) ? 0 : rounds_without_gain + 1;
        if (rounds_without_gain > (is_patient ? PATIENCE * ROUNDS_WITHOUT_GAIN_MAX : ROUNDS_WITHOUT_GAIN_MAX))
            return;
    }
}

void binpack_generation_rerun(struct generation *generation, struct filling *filling, size_t round_limit)
{
    struct master *master = &generation->master;
    binpack_master_set_need(master, filling->left, filling->type_left);
    binpack_simplex_rebuild(master);
    binpack_simplex_dual(master, filling);
    binpack_simplex_primal(master, filling);
    for (size_t round = 0; round < round_limit && !filling->out_of_steps; round++) {
        for (size_t row = 0; row < master->row_count; row++)
            generation->trial_dual[row] = master->dual[row] > 0 ? master->dual[row] : 0;
        find_contents(generation, filling, generation->trial_dual);
        if (add_contents(generation) == 0)
            return;
        binpack_simplex_primal(master, filling);
    }
}
