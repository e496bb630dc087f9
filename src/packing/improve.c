/* SPDX-License-Identifier: MIT */
/*
 * Ruin and recreate: a few bins are emptied, those that waste most more often than others, and their items are packed again as a
 * small problem of its own, by column generation and a dive. What comes out replaces them when it costs no more. When the values
 * of the items say that the bins cannot be replaced by cheaper ones, nothing is tried.
 */
#include <string.h>

#include "packing/columns.h"

enum { VICTIMS_MAX = 28, GROUPS_MAX = 90, ROUNDS_MAX = 40, TRIES_WITHOUT_WORK_MAX = 20000, TRIES_WITHOUT_GAIN_MAX = 100, TRIES_PER_RUN = 60 };
static const double PREFERENCE = 0.7; /* how often a bin is chosen for what it wastes */

struct victim {
    uint32_t run;
    int64_t bin_count;
};

struct repair {
    struct filling *filling;
    uint64_t random;
    double *waste; /* by run, of one bin, price units; with the sum before it for choosing */
    size_t waste_capacity;
    double waste_sum;
    struct victim victims[VICTIMS_MAX];
    size_t victim_count;
    double victim_waste;
    binpack_i128 victim_cost;
    size_t group_count; /* different groups among the victims' items */
};

static uint32_t draw(struct repair *repair, uint32_t below)
{
    repair->random ^= repair->random << 13;
    repair->random ^= repair->random >> 7;
    repair->random ^= repair->random << 17;
    return (uint32_t)((repair->random >> 16) % below);
}

static double waste_of(const struct filling *filling, const struct run *run)
{
    const struct binpack_problem *problem = filling->problem;
    double scale = (double)problem->bound.scale;
    double waste = (double)problem->price[run->type] + (double)problem->bound.rents[run->type] / scale;
    for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
        waste -= (double)problem->group_value[filling->cells[at].group] / scale * (double)filling->cells[at].item_count;
    return waste > 0 ? waste : 0;
}

static bool weigh_runs(struct repair *repair)
{
    struct filling *filling = repair->filling;
    if (repair->waste_capacity < filling->run_count) {
        repair->waste_capacity = 2 * filling->run_count;
        repair->waste = binpack_space_scratch(&filling->problem->space, repair->waste_capacity, sizeof(double));
        if (repair->waste == NULL) {
            filling->out_of_space = true;
            return false;
        }
    }
    repair->waste_sum = 0;
    for (size_t i = 0; i < filling->run_count; i++) {
        repair->waste[i] = waste_of(filling, &filling->runs[i]);
        repair->waste_sum += repair->waste[i] * (double)filling->runs[i].bin_count;
    }
    return true;
}

/* A run by what its bins waste, or any. */
static uint32_t choose_run(struct repair *repair)
{
    const struct filling *filling = repair->filling;
    double place = (double)draw(repair, 1u << 30) / (double)(1u << 30);
    if ((double)draw(repair, 1000) < PREFERENCE * 1000) {
        place *= repair->waste_sum;
        for (uint32_t i = 0; i < filling->run_count; i++) {
            place -= repair->waste[i] * (double)filling->runs[i].bin_count;
            if (place < 0)
                return i;
        }
    }
    return draw(repair, (uint32_t)filling->run_count);
}

/* Takes a bin out of its run, unless it brings too many groups. */
static void add_victim(struct repair *repair, uint32_t run)
{
    struct filling *filling = repair->filling;
    struct run *from = &filling->runs[run];
    if (from->bin_count == 0)
        return;
    size_t fresh = 0;
    for (uint32_t at = from->content; at != UINT32_MAX; at = filling->cells[at].next)
        fresh += filling->left[filling->cells[at].group] == 0;
    if (repair->victim_count > 1 && repair->group_count + fresh > GROUPS_MAX)
        return;
    size_t v = 0;
    while (v < repair->victim_count && repair->victims[v].run != run)
        v++;
    if (v == repair->victim_count)
        repair->victims[repair->victim_count++] = (struct victim){run, 0};
    repair->victims[v].bin_count++;
    from->bin_count--;
    repair->group_count += fresh;
    for (uint32_t at = from->content; at != UINT32_MAX; at = filling->cells[at].next)
        filling->left[filling->cells[at].group] += filling->cells[at].item_count;
    if (filling->type_left[from->type] != BINPACK_NO_LIMIT)
        filling->type_left[from->type]++;
    repair->victim_waste += repair->waste[run];
    repair->victim_cost += filling->problem->price[from->type];
}

static void put_back(struct repair *repair)
{
    struct filling *filling = repair->filling;
    for (size_t v = 0; v < repair->victim_count; v++) {
        struct run *run = &filling->runs[repair->victims[v].run];
        int64_t bin_count = repair->victims[v].bin_count;
        run->bin_count += bin_count;
        if (filling->type_left[run->type] != BINPACK_NO_LIMIT)
            filling->type_left[run->type] -= bin_count;
        for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
            filling->left[filling->cells[at].group] -= filling->cells[at].item_count * bin_count;
    }
}

static void close_runs(struct filling *filling, size_t first_run)
{
    for (size_t i = first_run; i < filling->run_count; i++) {
        const struct run *run = &filling->runs[i];
        if (filling->type_left[run->type] != BINPACK_NO_LIMIT)
            filling->type_left[run->type] += run->bin_count;
        for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
            filling->left[filling->cells[at].group] += filling->cells[at].item_count * run->bin_count;
    }
    filling->run_count = first_run;
}

static int64_t left_over(const struct filling *filling)
{
    int64_t sum = 0;
    for (size_t g = 0; g < filling->problem->group_count; g++)
        sum += filling->left[g];
    return sum;
}

/* Packs what is left as a problem of its own. */
static void recreate(struct repair *repair, const struct filling *bins)
{
    struct filling *filling = repair->filling;
    const struct binpack_problem *problem = filling->problem;
    struct generation generation;
    if (!binpack_generation_start(&generation, filling)) {
        filling->out_of_space = true;
        return;
    }
    if (!generation.is_ready)
        return;
    binpack_generation_add_bins(&generation, bins, 0);
    double goal = (double)(repair->victim_cost - problem->price_step) / generation.master.money;
    binpack_generation_run(&generation, filling, ROUNDS_MAX, goal + 0.5 * generation.money_step);
    double cost = binpack_simplex_cost(&generation.master);
    if (filling->out_of_steps || cost > goal + 1e-4 * goal + 1e-9)
        return; /* nothing cheaper is in sight */
    binpack_dive(&generation, filling);
}

static binpack_i128 cost_of(const struct filling *filling, size_t first_run)
{
    binpack_i128 cost = 0;
    for (size_t i = first_run; i < filling->run_count; i++)
        cost += (binpack_i128)filling->problem->price[filling->runs[i].type] * filling->runs[i].bin_count;
    return cost;
}

/* One try. True when the plan got cheaper or holds more. */
static bool try_once(struct repair *repair, size_t victims_wanted, int64_t left_before)
{
    struct filling *filling = repair->filling;
    const struct binpack_problem *problem = filling->problem;
    repair->victim_count = repair->group_count = 0;
    repair->victim_waste = 0;
    repair->victim_cost = 0;
    for (size_t i = 0; i < victims_wanted; i++)
        add_victim(repair, choose_run(repair));
    binpack_steps(filling, filling->run_count / 8 + victims_wanted);
    if (left_before == 0 && repair->victim_waste < (double)problem->price_step * (1 - 1e-9)) {
        put_back(repair);
        return false;
    }
    size_t first_run = filling->run_count, first_cell = filling->cell_count;
    struct filling bins = *filling; /* only the victims, as columns to begin with */
    struct run victims[VICTIMS_MAX];
    for (size_t v = 0; v < repair->victim_count; v++)
        victims[v] = filling->runs[repair->victims[v].run];
    bins.runs = victims;
    bins.run_count = repair->victim_count;
    recreate(repair, &bins);
    binpack_i128 cost = cost_of(filling, first_run);
    int64_t left = left_over(filling);
    if (!filling->out_of_space && left > left_before && cost < repair->victim_cost) { /* the rest, plainly */
        binpack_filling_reorder(filling);
        binpack_method_ffd(filling);
        left = left_over(filling);
    }
    if (!filling->out_of_space && left <= left_before)
        binpack_right_size_from(filling, first_run);
    cost = cost_of(filling, first_run);
    if (filling->out_of_space || left > left_before || (left == left_before && cost > repair->victim_cost) ||
        filling->run_count == first_run) {
        close_runs(filling, first_run);
        filling->cell_count = first_cell;
        put_back(repair);
        return false;
    }
    binpack_drop_empty_runs(filling);
    return left < left_before || cost < repair->victim_cost;
}

static void recount(struct filling *filling)
{
    const struct binpack_problem *problem = filling->problem;
    memcpy(filling->left, problem->count, problem->group_count * sizeof *filling->left);
    for (size_t i = 0; i < filling->run_count; i++)
        for (uint32_t at = filling->runs[i].content; at != UINT32_MAX; at = filling->cells[at].next)
            filling->left[filling->cells[at].group] -= filling->cells[at].item_count * filling->runs[i].bin_count;
}

void binpack_method_improve(struct filling *filling)
{
    struct space *space = &filling->problem->space;
    if (filling->start != NULL && !binpack_filling_load(filling, filling->start))
        return;
    if (filling->start == NULL)
        binpack_method_ffd(filling);
    if (filling->out_of_space || filling->out_of_steps)
        return;
    struct repair repair = {.filling = filling, .random = 0x9e3779b97f4a7c15u};
    size_t without_work = 0, tries_without_gain = 0;
    int64_t left_before = left_over(filling);
    for (size_t i = 0; !filling->out_of_steps && without_work < TRIES_WITHOUT_WORK_MAX &&
                       tries_without_gain < TRIES_WITHOUT_GAIN_MAX + TRIES_PER_RUN * filling->run_count;
         i++) {
        if (filling->run_count == 0 || (filling->start != NULL && filling->start->is_cheapest) ||
            (left_before == 0 && cost_of(filling, 0) <= filling->problem->bound.cost))
            break;
        if (!weigh_runs(&repair))
            break;
        size_t back = space->back;
        const void *runs = filling->runs, *cells = filling->cells;
        uint64_t steps = filling->steps;
        bool has_gained = try_once(&repair, 3 + i % (VICTIMS_MAX - 3), left_before);
        tries_without_gain = has_gained ? 0 : tries_without_gain + 1;
        left_before = left_over(filling);
        without_work = filling->steps - steps > 1000 + filling->run_count ? 0 : without_work + 1;
        if (filling->runs == runs && filling->cells == cells)
            space->back = back;
        if (filling->out_of_space) { /* what there is stays good, but counts may have been left half done */
            filling->out_of_space = false;
            recount(filling);
            break;
        }
    }
}
