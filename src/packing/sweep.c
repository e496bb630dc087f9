/* SPDX-License-Identifier: MIT */
/*
 * A sweep gives the master program contents that go together: as each is taken, what is left gets less, so the next one holds
 * other items. Contents that are each best on their own would all hold the same items, and the program would need many rounds to
 * learn the value of the others.
 */
#include <string.h>

#include "packing/columns.h"

static const double RATIO_MIN = 0.8; /* contents worth less for their price are no help */
static const uint64_t LOOKS_PER_CONTENT = 6000;

/* The best content of the type for what is left; its value over its price. 0: none. */
static double look_at(struct generation *generation, size_t position)
{
    struct pricer *pricer = &generation->pricer;
    const struct master *master = &generation->master;
    uint32_t type = master->problem->frontier[position];
    double price = (double)master->problem->price[type] / master->money;
    double least = price > 1e-12 ? price * RATIO_MIN : 1e-12;
    pricer->content_count = pricer->cell_count = 0;
    if (binpack_knapsack_relax(pricer, position) <= least)
        return 0;
    binpack_contents_find(pricer, position, least, LOOKS_PER_CONTENT);
    if (pricer->content_count == 0)
        return 0;
    return pricer->contents[pricer->content_count - 1].value / (price > 1e-12 ? price : 1e-12);
}

/* How often the last content found can be repeated; takes its items. */
static void take(struct generation *generation)
{
    const struct pricer *pricer = &generation->pricer;
    const struct content *content = &pricer->contents[pricer->content_count - 1];
    const struct column_cell *cells = pricer->cells + content->cell_first;
    int64_t times = INT64_MAX;
    for (uint32_t c = 0; c < content->cell_count; c++) {
        int64_t lasts = generation->sweep_left[generation->master.row_group[cells[c].row]] / cells[c].count;
        times = lasts < times ? lasts : times;
    }
    for (uint32_t c = 0; c < content->cell_count; c++)
        generation->sweep_left[generation->master.row_group[cells[c].row]] -= times * cells[c].count;
}

size_t binpack_generation_sweep(struct generation *generation, struct filling *filling, const double *dual)
{
    struct master *master = &generation->master;
    struct pricer *pricer = &generation->pricer;
    const struct binpack_problem *problem = master->problem;
    size_t added = 0;
    uint32_t now = 1;
    memcpy(generation->sweep_left, filling->left, problem->group_count * sizeof *generation->sweep_left);
    pricer->left = generation->sweep_left;
    pricer->group_value = dual;
    pricer->wants_best_only = true;
    for (size_t i = 0; i < problem->frontier_count; i++) {
        double price = (double)problem->price[problem->frontier[i]] / master->money;
        generation->sweep_seen[i] = 0;
        generation->sweep_ratio[i] = 0;
        if (filling->type_left[problem->frontier[i]] > 0)
            generation->sweep_ratio[i] = binpack_knapsack_relax(pricer, i) / (price > 1e-12 ? price : 1e-12);
    }
    while (!filling->out_of_steps && added < master->column_capacity / 3) {
        size_t best = 0;
        for (size_t i = 1; i < problem->frontier_count; i++)
            if (generation->sweep_ratio[i] > generation->sweep_ratio[best])
                best = i;
        if (problem->frontier_count == 0 || generation->sweep_ratio[best] <= RATIO_MIN)
            break;
        if (generation->sweep_seen[best] != now) { /* less is left than when it was looked at */
            generation->sweep_seen[best] = now;
            generation->sweep_ratio[best] = look_at(generation, best);
            continue;
        }
        if (pricer->content_count == 0 || pricer->contents[pricer->content_count - 1].type != problem->frontier[best])
            generation->sweep_ratio[best] = look_at(generation, best);
        if (pricer->content_count == 0)
            break;
        const struct content *content = &pricer->contents[pricer->content_count - 1];
        take(generation);
        added += binpack_master_add(master, content->type, pricer->cells + content->cell_first, content->cell_count) != UINT32_MAX;
        now++;
    }
    pricer->wants_best_only = false;
    pricer->left = filling->left;
    return added;
}
