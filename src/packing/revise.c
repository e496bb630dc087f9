/* SPDX-License-Identifier: MIT */
/*
 * A standing plan, changed: what is new finds its place, then bins are closed as long as that is worth the moves. First one at a
 * time, those that waste most first; then several at once, drawn as `improve` draws them.
 */
#include <string.h>

#include "packing/revise.h"

enum { VICTIMS_MAX = 12, TRIES_WITHOUT_GAIN_MAX = 60, TRIES_PER_RUN = 8 };
static const double PREFERENCE = 0.7; /* how often a bin is drawn for what it wastes */

/* ---- one trial -------------------------------------------------------------------------------------------------------- */

/* Is the new state allowed and better? */
static bool is_gain(const struct revising *revising, const struct measure *before, const struct measure *after)
{
    int64_t limit = before->moved > revising->move_limit ? before->moved : revising->move_limit;
    if (after->moved > limit || after->unplaced > before->unplaced)
        return false;
    return after->unplaced < before->unplaced || after->cost < before->cost;
}

/* What the bins cost now; the moves are looked at only when that is less. */
static binpack_i128 cost_of_bins(const struct filling *filling)
{
    binpack_i128 cost = 0;
    for (size_t i = 0; i < filling->run_count; i++)
        cost += (binpack_i128)filling->problem->price[filling->runs[i].type] * filling->runs[i].bin_count;
    return cost;
}

/* Places what the trial left; keeps it when that is better than `now`, and undoes it otherwise. */
static bool place_or_undo(struct trial *trial, struct revising *revising, struct measure *now, bool into_room, bool by_columns)
{
    struct filling *filling = &revising->filling;
    binpack_trial_place(trial, revising, into_room, by_columns);
    if (!filling->out_of_space && !filling->out_of_steps &&
        (now->unplaced > 0 || cost_of_bins(filling) < now->cost)) {
        struct measure after = binpack_revising_measure(revising);
        if (is_gain(revising, now, &after)) {
            *now = after;
            return true;
        }
    }
    filling->out_of_space = false;
    binpack_trial_undo(trial, revising);
    return false;
}

/* ---- which bins ------------------------------------------------------------------------------------------------------- */

struct choice {
    double waste; /* of one bin, in price units */
    uint32_t run;
};

static int compare_choice(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    if (x->waste < y->waste || x->waste > y->waste)
        return x->waste > y->waste ? -1 : 1;
    return (x->run > y->run) - (x->run < y->run);
}

static double waste_of(struct revising *revising, const struct run *run)
{
    const struct filling *filling = &revising->filling;
    const struct binpack_problem *problem = filling->problem;
    double scale = (double)problem->bound.scale, waste = (double)problem->price[run->type];
    binpack_i128 move_cost;
    binpack_revising_kept(revising, run, &move_cost);
    for (uint32_t at = run->content; at != UINT32_MAX; at = filling->cells[at].next)
        waste -= (double)problem->group_value[filling->cells[at].group] / scale * (double)filling->cells[at].item_count;
    return waste - (double)move_cost;
}

struct search {
    struct revising *revising;
    struct trial trial;
    struct measure now;
    struct choice *choices;
    size_t capacity;
    uint64_t random;
};

static bool list_choices(struct search *search)
{
    struct filling *filling = &search->revising->filling;
    if (search->capacity < filling->run_count || search->choices == NULL) {
        search->capacity = 2 * filling->run_count + 1;
        search->choices = binpack_space_scratch(&filling->problem->space, search->capacity, sizeof *search->choices);
        if (search->choices == NULL)
            return false;
    }
    for (size_t i = 0; i < filling->run_count; i++)
        search->choices[i] = (struct choice){waste_of(search->revising, &filling->runs[i]), (uint32_t)i};
    binpack_steps(filling, filling->run_count);
    return true;
}

/* Scratch of a trial is given back, unless what must stay was moved into it. */
struct keeper {
    size_t back;
    const void *runs, *cells, *saved, *choices;
};
static struct keeper remember(const struct search *search)
{
    const struct filling *filling = &search->revising->filling;
    return (struct keeper){filling->problem->space.back, filling->runs, filling->cells, search->trial.runs, search->choices};
}
static void give_back(const struct search *search, const struct keeper *keeper)
{
    const struct filling *filling = &search->revising->filling;
    if (filling->runs == keeper->runs && filling->cells == keeper->cells && search->trial.runs == keeper->saved &&
        search->choices == keeper->choices)
        filling->problem->space.back = keeper->back;
}

/* May so many moves more be made? Items of new bins move for nothing. */
static bool may_move(const struct search *search, size_t run, int64_t factor)
{
    binpack_i128 ignored;
    int64_t kept = binpack_revising_kept(search->revising, &search->revising->filling.runs[run], &ignored);
    int64_t left = search->revising->move_limit - search->now.moved;
    return kept == 0 || (left > 0 && kept / factor <= left);
}

/* ---- one bin at a time ------------------------------------------------------------------------------------------------ */

static bool close_one(struct search *search, uint32_t run)
{
    struct revising *revising = search->revising;
    for (int into_room = 1; into_room >= 0; into_room--) {
        if (!binpack_trial_save(&search->trial, revising))
            return false;
        binpack_trial_close(&search->trial, revising, run);
        if (place_or_undo(&search->trial, revising, &search->now, into_room, false))
            return true;
    }
    return false;
}

/* Looks at every bin once, the most wasteful first; starts anew after a gain. False when nothing more is gained. */
static bool close_any(struct search *search)
{
    struct filling *filling = &search->revising->filling;
    if (!list_choices(search))
        return false;
    size_t count = filling->run_count;
    binpack_sort(search->choices, count, sizeof *search->choices, compare_choice);
    for (size_t i = 0; i < count && !filling->out_of_steps; i++) {
        struct keeper keeper = remember(search);
        bool has_gained = may_move(search, search->choices[i].run, 1) && close_one(search, search->choices[i].run);
        give_back(search, &keeper);
        if (has_gained)
            return true;
    }
    return false;
}

/* ---- several at once -------------------------------------------------------------------------------------------------- */

static uint32_t draw(struct search *search, uint32_t below)
{
    search->random ^= search->random << 13;
    search->random ^= search->random >> 7;
    search->random ^= search->random << 17;
    return (uint32_t)((search->random >> 16) % below);
}

static uint32_t draw_run(struct search *search, double waste_sum)
{
    const struct filling *filling = &search->revising->filling;
    double place = (double)draw(search, 1u << 30) / (double)(1u << 30) * waste_sum;
    if ((double)draw(search, 1000) < PREFERENCE * 1000)
        for (uint32_t i = 0; i < filling->run_count; i++) {
            double waste = search->choices[i].waste > 0 ? search->choices[i].waste : 0;
            place -= waste * (double)filling->runs[i].bin_count;
            if (place < 0)
                return i;
        }
    return draw(search, (uint32_t)filling->run_count);
}

static bool close_several(struct search *search, size_t wanted)
{
    struct revising *revising = search->revising;
    struct filling *filling = &revising->filling;
    if (!list_choices(search) || !binpack_trial_save(&search->trial, revising))
        return false;
    double waste_sum = 0;
    for (size_t i = 0; i < filling->run_count; i++)
        waste_sum += search->choices[i].waste > 0 ? search->choices[i].waste * (double)filling->runs[i].bin_count : 0;
    for (size_t i = 0; i < wanted; i++) {
        uint32_t run = draw_run(search, waste_sum);
        if (may_move(search, run, 4)) /* most may find themselves where they were */
            binpack_trial_close(&search->trial, revising, run);
    }
    if (search->trial.closed_count == 0) {
        binpack_trial_undo(&search->trial, revising);
        return false;
    }
    bool into_room = draw(search, 2) == 0;
    return place_or_undo(&search->trial, revising, &search->now, into_room, true);
}

static void close_many(struct search *search)
{
    struct filling *filling = &search->revising->filling;
    size_t without_gain = 0;
    for (size_t i = 0; !filling->out_of_steps && filling->run_count > 1 &&
                       without_gain < TRIES_WITHOUT_GAIN_MAX + TRIES_PER_RUN * filling->run_count;
         i++) {
        if (search->now.unplaced == 0 && search->now.bin_cost <= filling->problem->bound.cost && search->now.move_cost == 0)
            return;
        struct keeper keeper = remember(search);
        size_t room = filling->run_count < VICTIMS_MAX ? filling->run_count : VICTIMS_MAX;
        bool has_gained = close_several(search, 2 + i % (room - 1));
        give_back(search, &keeper);
        without_gain = has_gained ? 0 : without_gain + 1;
    }
}

/* ---- the door --------------------------------------------------------------------------------------------------------- */

static enum binpack_outcome start(struct search *search, struct revising *revising, struct binpack_problem *problem,
                                  const struct binpack_plan *standing, const struct binpack_revision_options *options)
{
    struct binpack_bound bound;
    enum binpack_outcome outcome = binpack_bound_find(problem, &bound);
    if (outcome != BINPACK_OK)
        return outcome;
    uint64_t step_limit = options->step_limit == 0 ? BINPACK_STEPS_USUAL : options->step_limit;
    *revising = (struct revising){.standing = standing, .options = options};
    *search = (struct search){.revising = revising, .random = 0x9e3779b97f4a7c15u};
    if (options->move_limit < 0)
        return BINPACK_E_ARGUMENT;
    if (!binpack_filling_start(&revising->filling, problem, 0, step_limit))
        return BINPACK_OUT_OF_SPACE;
    outcome = binpack_revising_load(revising);
    if (outcome == BINPACK_OK && !binpack_trial_start(&search->trial, revising))
        outcome = BINPACK_OUT_OF_SPACE;
    return outcome;
}

/* Room that is there, then new bins; false when space ran out, and then nothing was placed. */
static bool place_new_once(struct search *search, bool by_columns)
{
    struct filling *filling = &search->revising->filling;
    binpack_trial_place(&search->trial, search->revising, true, by_columns);
    if (filling->out_of_space) {
        filling->out_of_space = false;
        binpack_trial_undo(&search->trial, search->revising);
        return false;
    }
    search->now = binpack_revising_measure(search->revising);
    return true;
}

/* New bins by first fit, or by column generation where that is cheaper. */
static bool place_new(struct search *search)
{
    struct revising *revising = search->revising;
    struct filling *filling = &revising->filling;
    uint64_t before = filling->steps, limit = filling->step_limit;
    if (!binpack_trial_save(&search->trial, revising) || !place_new_once(search, false))
        return false;
    uint64_t steps_of_plain = filling->steps - before; /* kept, to place so again */
    if (filling->run_count < search->trial.first_new + 2 || filling->out_of_steps || limit - filling->steps <= steps_of_plain)
        return true; /* nothing to choose */
    struct measure plain = search->now;
    binpack_trial_undo(&search->trial, revising);
    filling->step_limit = limit - steps_of_plain;
    bool is_placed = place_new_once(search, true);
    filling->step_limit = limit;
    filling->out_of_steps = filling->steps >= limit;
    if (is_placed && search->now.unplaced <= plain.unplaced && search->now.cost <= plain.cost)
        return true;
    binpack_trial_undo(&search->trial, revising);
    filling->out_of_steps = false;
    return place_new_once(search, false);
}

enum binpack_outcome binpack_revise(struct binpack_problem *problem, const struct binpack_plan *standing,
                                    const struct binpack_revision_options *options, struct binpack_revision *out_revision)
{
    const struct binpack_revision_options defaults = {0};
    struct revising revising;
    struct search search;
    problem->space.back = 0;
    enum binpack_outcome outcome = start(&search, &revising, problem, standing, options != NULL ? options : &defaults);
    if (outcome == BINPACK_OK && !place_new(&search))
        outcome = BINPACK_OUT_OF_SPACE;
    if (outcome == BINPACK_OK) {
        while (!revising.filling.out_of_steps && close_any(&search))
            ;
        close_many(&search);
        size_t front = problem->space.front;
        outcome = binpack_revising_result(&revising, out_revision);
        if (outcome != BINPACK_OK)
            problem->space.front = front;
    }
    problem->space.back = 0;
    if (outcome != BINPACK_OK)
        return outcome;
    if (revising.filling.out_of_steps && options != NULL && options->step_limit != 0)
        return BINPACK_OUT_OF_STEPS;
    return out_revision->plan.unplaced_count > 0 ? BINPACK_LEFT_OVER : BINPACK_OK;
}

/* ---- what if ---------------------------------------------------------------------------------------------------------- */

static int64_t placed_in_room(const struct trial *trial, const struct filling *filling, int64_t closed_items)
{
    for (size_t i = trial->first_new; i < filling->run_count; i++)
        for (uint32_t at = filling->runs[i].content; at != UINT32_MAX; at = filling->cells[at].next)
            closed_items -= filling->cells[at].item_count * filling->runs[i].bin_count;
    return closed_items;
}

/* Closes one bin of the run in one way and undoes it; better answers replace *answer. */
static bool suppose(struct search *search, size_t run, bool into_room, struct binpack_what_if *answer)
{
    struct revising *revising = search->revising;
    struct filling *filling = &revising->filling;
    if (!binpack_trial_save(&search->trial, revising))
        return false;
    binpack_trial_close(&search->trial, revising, run);
    int64_t closed_items = 0;
    for (size_t g = 0; g < filling->problem->group_count; g++)
        closed_items += filling->left[g];
    search->trial.closed[0] = 0; /* the bin is gone: an equal one would be a new one */
    binpack_trial_place(&search->trial, revising, into_room, false);
    bool has_space = !filling->out_of_space;
    if (has_space) {
        struct measure after = binpack_revising_measure(revising);
        binpack_i128 change = after.bin_cost - search->now.bin_cost, price = after.move_cost - search->now.move_cost;
        bool is_better = after.unplaced == 0 && !filling->out_of_steps &&
                         (!answer->can_close || change + price < (binpack_i128)answer->cost_change + answer->moved_price);
        if (is_better && change >= INT64_MIN && change <= INT64_MAX && price <= INT64_MAX)
            *answer = (struct binpack_what_if){.can_close = true,
                                               .cost_change = (int64_t)change,
                                               .moved_count = after.moved - search->now.moved,
                                               .moved_price = (int64_t)price,
                                               .to_open_count = placed_in_room(&search->trial, filling, closed_items)};
    }
    filling->out_of_space = false;
    binpack_trial_undo(&search->trial, revising);
    return has_space;
}

enum binpack_outcome binpack_what_if_closed(struct binpack_problem *problem, const struct binpack_plan *standing,
                                            const struct binpack_revision_options *options,
                                            struct binpack_what_if *out_answers)
{
    struct binpack_revision_options supposed = options != NULL ? *options : (struct binpack_revision_options){0};
    supposed.must_close = NULL;
    struct revising revising;
    struct search search;
    problem->space.back = 0;
    enum binpack_outcome outcome = start(&search, &revising, problem, standing, &supposed);
    if (outcome == BINPACK_OK) {
        memset(revising.filling.left, 0, problem->group_count * sizeof *revising.filling.left);
        search.now = binpack_revising_measure(&revising);
        memset(out_answers, 0, standing->pattern_count * sizeof *out_answers);
        for (size_t p = 0; p < standing->pattern_count; p++) /* empty bins, and those that items left empty */
            out_answers[p] = (struct binpack_what_if){
                .can_close = true, .cost_change = -problem->price[standing->patterns[p].bin_type]};
        for (size_t i = 0; i < revising.filling.run_count; i++) /* of the others nothing is known yet, should steps run out */
            out_answers[revising.bases[revising.filling.runs[i].base].pattern] = (struct binpack_what_if){0};
    }
    for (size_t i = revising.filling.run_count; outcome == BINPACK_OK && i-- > 0;) {
        struct binpack_what_if *answer = &out_answers[revising.bases[revising.filling.runs[i].base].pattern];
        *answer = (struct binpack_what_if){0}; /* of the bases of a pattern, the first's is told */
        struct keeper keeper = remember(&search);
        if (!suppose(&search, i, true, answer) || !suppose(&search, i, false, answer))
            outcome = BINPACK_OUT_OF_SPACE;
        give_back(&search, &keeper);
        if (revising.filling.out_of_steps)
            outcome = BINPACK_OUT_OF_STEPS;
    }
    problem->space.back = 0;
    return outcome;
}
