/* SPDX-License-Identifier: MIT */
/*
 * Checks the input, copies what the solvers read into plain arrays, groups item classes that nothing tells apart, and finds the
 * bin types that are worth opening.
 */
#include <string.h>

#include "packing/packing_internal.h"

static const int64_t DEMAND_MIN = -((int64_t)1 << 62);

enum { RUNS_PER_CLASS_GUESS = 4, CELLS_PER_CLASS_GUESS = 48, BYTES_OF_SLACK = 1 << 16,
       COLUMN_ROWS_MAX = 1200, COLUMN_BYTES_PER_ROW = 7000 };

const char *binpack_outcome_text(enum binpack_outcome outcome)
{
    switch (outcome) {
    case BINPACK_OK:
        return "all items are placed";
    case BINPACK_LEFT_OVER:
        return "items are left over";
    case BINPACK_OUT_OF_STEPS:
        return "the step limit ended the search";
    case BINPACK_OUT_OF_SPACE:
        return "the memory is too small";
    case BINPACK_E_ARGUMENT:
        return "the input is not a packing problem";
    case BINPACK_E_OVERFLOW:
        return "a number is too large";
    }
    return "unknown outcome";
}

size_t binpack_memory_bytes(const struct binpack_input *input)
{
    const size_t vector_bytes = sizeof(int64_t) * BINPACK_RESOURCES_MAX;
    size_t a_class = 8 * vector_bytes + RUNS_PER_CLASS_GUESS * 2 * (sizeof(struct run) + vector_bytes) +
                     CELLS_PER_CLASS_GUESS * sizeof(struct cell) + 16 * sizeof(int64_t);
    size_t a_type = 8 * vector_bytes + 16 * sizeof(int64_t);
    size_t for_classes, for_types, sum, rows = input->item_class_count < COLUMN_ROWS_MAX ? input->item_class_count : COLUMN_ROWS_MAX;
    size_t for_conflicts = 0;
    for (size_t c = 0; c < input->item_class_count; c++)
        if (input->item_classes[c].conflicts != NULL &&
            __builtin_mul_overflow(input->item_class_count, (input->item_class_count + 63) / 64 * sizeof(uint64_t), &for_conflicts))
            return SIZE_MAX;
    size_t for_columns = rows * rows * sizeof(double) + (rows + 60) * COLUMN_BYTES_PER_ROW; /* twice: repairs have their own */
    if (__builtin_mul_overflow(a_class, input->item_class_count, &for_classes) ||
        __builtin_mul_overflow(a_type, input->bin_type_count, &for_types) ||
        __builtin_add_overflow(for_classes, for_types, &sum) || __builtin_add_overflow(sum, 2 * for_columns, &sum) || __builtin_add_overflow(sum, for_conflicts, &sum) ||
        __builtin_add_overflow(sum, (size_t)BYTES_OF_SLACK + 2 * BINPACK_COMPLETION_BYTES, &sum))
        return SIZE_MAX;
    return sum;
}

/* ---- checks ----------------------------------------------------------------------------------------------------------- */

static enum binpack_outcome fail(struct binpack_fault *out_fault, enum binpack_outcome outcome, const char *what, size_t index,
                                 size_t resource)
{
    if (out_fault != NULL)
        *out_fault = (struct binpack_fault){what, index, resource};
    return outcome;
}

static enum binpack_outcome check_input(const struct binpack_input *input, struct binpack_fault *out_fault)
{
    if (input->resource_count == 0 || input->resource_count > BINPACK_RESOURCES_MAX)
        return fail(out_fault, BINPACK_E_ARGUMENT, "the number of resources is not 1 to 16", SIZE_MAX, SIZE_MAX);
    if (input->bin_type_count >= UINT32_MAX || input->item_class_count >= UINT32_MAX)
        return fail(out_fault, BINPACK_E_OVERFLOW, "there are more than 2^32 classes or types", SIZE_MAX, SIZE_MAX);
    for (size_t t = 0; t < input->bin_type_count; t++) {
        const struct binpack_bin_type *type = &input->bin_types[t];
        if (type->price < 0 || type->limit < 0)
            return fail(out_fault, BINPACK_E_ARGUMENT, "the price or limit of a bin type is negative", t, SIZE_MAX);
        for (size_t r = 0; r < input->resource_count; r++)
            if (type->capacity[r] < 0)
                return fail(out_fault, BINPACK_E_ARGUMENT, "a capacity of a bin type is negative", t, r);
    }
    int64_t item_count = 0;
    for (size_t c = 0; c < input->item_class_count; c++) {
        const struct binpack_item_class *class = &input->item_classes[c];
        if (class->count < 0 || class->per_bin_max < 0)
            return fail(out_fault, BINPACK_E_ARGUMENT, "the count or per_bin_max of an item class is negative", c, SIZE_MAX);
        for (size_t r = 0; r < input->resource_count; r++)
            if (class->demand[r] < DEMAND_MIN)
                return fail(out_fault, BINPACK_E_OVERFLOW, "a demand of an item class is below -2^62", c, r);
        if (__builtin_add_overflow(item_count, class->count, &item_count))
            return fail(out_fault, BINPACK_E_OVERFLOW, "the number of items outgrows 64 bits", c, SIZE_MAX);
    }
    return BINPACK_OK;
}

/* ---- bin types -------------------------------------------------------------------------------------------------------- */

struct by_price_key {
    int64_t price;
    uint32_t type;
};

static int compare_by_price(const void *a, const void *b)
{
    const struct by_price_key *x = a, *y = b;
    if (x->price != y->price)
        return x->price < y->price ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool read_types(struct binpack_problem *problem)
{
    struct space *space = &problem->space;
    size_t type_count = problem->type_count, resource_count = problem->resource_count;
    problem->capacity = binpack_space_keep(space, type_count * resource_count, sizeof(int64_t));
    problem->price = binpack_space_keep(space, type_count, sizeof(int64_t));
    problem->limit = binpack_space_keep(space, type_count, sizeof(int64_t));
    problem->by_price = binpack_space_keep(space, type_count, sizeof(uint32_t));
    problem->frontier = binpack_space_keep(space, type_count, sizeof(uint32_t));
    problem->stand_in = binpack_space_keep(space, type_count, sizeof(uint32_t));
    problem->capacity_max = binpack_space_keep(space, resource_count, sizeof(int64_t));
    struct by_price_key *keys = binpack_space_scratch(space, type_count, sizeof *keys);
    if (problem->capacity == NULL || problem->price == NULL || problem->limit == NULL || problem->by_price == NULL ||
        problem->frontier == NULL || problem->stand_in == NULL || problem->capacity_max == NULL || keys == NULL)
        return false;
    for (size_t t = 0; t < type_count; t++) {
        const struct binpack_bin_type *type = &problem->input.bin_types[t];
        problem->price[t] = type->price;
        problem->limit[t] = type->limit;
        keys[t] = (struct by_price_key){type->price, (uint32_t)t};
        if (type->limit > 0)
            problem->price_step = greatest_common_divisor(type->price, problem->price_step);
        for (size_t r = 0; r < resource_count; r++) {
            problem->capacity[t * resource_count + r] = type->capacity[r];
            if (type->limit > 0 && type->capacity[r] > problem->capacity_max[r])
                problem->capacity_max[r] = type->capacity[r];
        }
    }
    binpack_sort(keys, type_count, sizeof *keys, compare_by_price);
    for (size_t i = 0; i < type_count; i++)
        problem->by_price[i] = keys[i].type;
    return true;
}

/* Is `better` at least as large, without limit, no dearer, and allowed wherever `type` is? Then nobody need open `type`. */
static bool makes_needless(const struct binpack_problem *problem, size_t better, size_t type)
{
    size_t resource_count = problem->resource_count;
    if (problem->limit[better] != BINPACK_NO_LIMIT ||
        !binpack_fits(problem->capacity + type * resource_count, problem->capacity + better * resource_count, resource_count))
        return false;
    for (size_t s = 1; s < problem->allowed_set_count; s++) {
        const uint64_t *set = problem->allowed_sets[s];
        if ((set[type / 64] >> (type % 64) & 1) != 0 && (set[better / 64] >> (better % 64) & 1) == 0)
            return false;
    }
    return true;
}

static uint32_t find_stand_in(const struct binpack_problem *problem, uint32_t type)
{
    uint32_t found = type;
    for (size_t i = 0; i < problem->frontier_count && problem->limit[type] > 0; i++) {
        uint32_t other = problem->frontier[i];
        if (other == type)
            return type;
        if (found == type && problem->price[other] <= problem->price[type] && makes_needless(problem, other, type))
            found = other;
    }
    return found;
}

static void find_frontier(struct binpack_problem *problem)
{
    for (size_t i = 0; i < problem->type_count; i++) {
        uint32_t type = problem->by_price[i];
        bool is_needed = problem->limit[type] > 0;
        /* cheaper types come first; among equal prices a later one may be the larger, and of equals the first stays */
        for (size_t j = 0; j < problem->type_count && is_needed; j++) {
            uint32_t other = problem->by_price[j];
            if (problem->price[other] > problem->price[type])
                break;
            if (other == type || !makes_needless(problem, other, type))
                continue;
            is_needed = j > i && problem->price[other] == problem->price[type] && makes_needless(problem, type, other);
        }
        if (is_needed)
            problem->frontier[problem->frontier_count++] = type;
    }
    for (uint32_t type = 0; type < problem->type_count; type++)
        problem->stand_in[type] = find_stand_in(problem, type);
}

/* ---- item classes -> groups ------------------------------------------------------------------------------------------- */

/* Everything that may tell two classes apart; the class itself last, so that the order is total. */
struct class_key {
    const int64_t *demand;
    int64_t per_bin_max;
    uint32_t allowed_set;
    uint32_t item_class;
    uint32_t resource_count;
    bool has_conflict; /* with another class */
};

static int compare_kind(const struct class_key *x, const struct class_key *y)
{
    for (uint32_t r = 0; r < x->resource_count; r++)
        if (x->demand[r] != y->demand[r])
            return x->demand[r] > y->demand[r] ? -1 : 1;
    if (x->per_bin_max != y->per_bin_max)
        return x->per_bin_max < y->per_bin_max ? -1 : 1;
    if (x->allowed_set != y->allowed_set)
        return x->allowed_set < y->allowed_set ? -1 : 1;
    return 0;
}

static int compare_class(const void *a, const void *b)
{
    const struct class_key *x = a, *y = b;
    int order = compare_kind(x, y);
    return order != 0 ? order : (x->item_class > y->item_class) - (x->item_class < y->item_class);
}

/* Numbers the distinct sets of allowed types in the order of their first class, from 1. The bits beyond the last type are not
 * read. */
struct set_key {
    const uint64_t *words;
    size_t type_count;
    uint32_t item_class;
};

static uint64_t word_of(const struct set_key *key, size_t word)
{
    size_t used_bits = key->type_count - word * 64;
    return used_bits >= 64 ? key->words[word] : key->words[word] & (((uint64_t)1 << used_bits) - 1);
}

static int compare_words(const struct set_key *x, const struct set_key *y)
{
    for (size_t word = 0; word * 64 < x->type_count; word++)
        if (word_of(x, word) != word_of(y, word))
            return word_of(x, word) < word_of(y, word) ? -1 : 1;
    return 0;
}

static int compare_set(const void *a, const void *b)
{
    const struct set_key *x = a, *y = b;
    int order = compare_words(x, y);
    return order != 0 ? order : (x->item_class > y->item_class) - (x->item_class < y->item_class);
}

static bool number_allowed_sets(struct binpack_problem *problem, uint32_t *set_of_class)
{
    const struct binpack_input *input = &problem->input;
    size_t key_count = 0;
    for (size_t c = 0; c < input->item_class_count; c++)
        key_count += input->item_classes[c].allowed_bin_types != NULL;
    struct set_key *keys = binpack_space_scratch(&problem->space, key_count, sizeof *keys);
    problem->allowed_sets = binpack_space_keep(&problem->space, key_count + 1, sizeof *problem->allowed_sets);
    if (keys == NULL || problem->allowed_sets == NULL)
        return false;
    problem->allowed_set_count = 1;
    size_t filled = 0;
    for (size_t c = 0; c < input->item_class_count; c++)
        if (input->item_classes[c].allowed_bin_types != NULL)
            keys[filled++] = (struct set_key){input->item_classes[c].allowed_bin_types, problem->type_count, (uint32_t)c};
    binpack_sort(keys, key_count, sizeof *keys, compare_set);
    for (size_t i = 0; i < key_count; i++) {
        if (i == 0 || compare_words(&keys[i - 1], &keys[i]) != 0)
            problem->allowed_sets[problem->allowed_set_count++] = keys[i].words;
        set_of_class[keys[i].item_class] = (uint32_t)(problem->allowed_set_count - 1);
    }
    return true;
}

static bool has_bit(const uint64_t *words, size_t bit)
{
    return words != NULL && (words[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Marks the classes that have a conflict with another one, whichever says so. Returns whether there are any. */
static bool mark_conflicts(const struct binpack_input *input, bool *has_conflict)
{
    bool any = false;
    for (size_t c = 0; c < input->item_class_count; c++) {
        for (size_t other = 0; input->item_classes[c].conflicts != NULL && other < input->item_class_count; other++) {
            if (other == c || !has_bit(input->item_classes[c].conflicts, other) || input->item_classes[c].count == 0 ||
                input->item_classes[other].count == 0)
                continue;
            has_conflict[c] = has_conflict[other] = any = true;
        }
    }
    return any;
}

/* Conflicts by group: each of a class in conflict is that class alone. */
static bool read_conflicts(struct binpack_problem *problem)
{
    const struct binpack_input *input = &problem->input;
    problem->conflict_words = (problem->group_count + 63) / 64;
    problem->conflicts = binpack_space_keep(&problem->space, problem->group_count * problem->conflict_words, sizeof *problem->conflicts);
    if (problem->conflicts == NULL)
        return false;
    for (size_t g = 0; g < problem->group_count; g++) {
        uint32_t class = problem->members[problem->member_first[g]];
        for (size_t other = 0; other < problem->group_count; other++) {
            uint32_t other_class = problem->members[problem->member_first[other]];
            if (other != g &&
                (has_bit(input->item_classes[class].conflicts, other_class) || has_bit(input->item_classes[other_class].conflicts, class)))
                problem->conflicts[g * problem->conflict_words + other / 64] |= (uint64_t)1 << (other % 64);
        }
    }
    return true;
}

static bool group_classes(struct binpack_problem *problem)
{
    const struct binpack_input *input = &problem->input;
    struct space *space = &problem->space;
    size_t class_count = input->item_class_count, resource_count = problem->resource_count;
    uint32_t *set_of_class = binpack_space_scratch(space, class_count, sizeof *set_of_class);
    struct class_key *keys = binpack_space_scratch(space, class_count, sizeof *keys);
    bool *has_conflict = binpack_space_scratch(space, class_count, sizeof *has_conflict);
    problem->members = binpack_space_keep(space, class_count, sizeof *problem->members);
    problem->member_first = binpack_space_keep(space, class_count + 1, sizeof *problem->member_first);
    if (set_of_class == NULL || keys == NULL || has_conflict == NULL || problem->members == NULL || problem->member_first == NULL ||
        !number_allowed_sets(problem, set_of_class))
        return false;
    size_t key_count = 0;
    bool any_conflict = mark_conflicts(input, has_conflict);
    for (size_t c = 0; c < class_count; c++) {
        const struct binpack_item_class *class = &input->item_classes[c];
        if (class->count == 0)
            continue;
        int64_t per_bin_max = has_bit(class->conflicts, c) ? 1 : class->per_bin_max;
        per_bin_max = per_bin_max == 0 || per_bin_max >= class->count ? INT64_MAX : per_bin_max;
        keys[key_count++] = (struct class_key){class->demand, per_bin_max, set_of_class[c], (uint32_t)c, (uint32_t)resource_count,
                                               has_conflict[c]};
    }
    binpack_sort(keys, key_count, sizeof *keys, compare_class);
    size_t group_count = 0;
    for (size_t i = 0; i < key_count; i++) {
        /* a cap counts the items of one class, so classes that have one stay apart; so do those in conflict */
        if (i == 0 || keys[i].has_conflict || keys[i - 1].has_conflict || keys[i].per_bin_max != INT64_MAX || compare_kind(&keys[i - 1], &keys[i]) != 0)
            problem->member_first[group_count++] = (uint32_t)i;
        problem->members[i] = keys[i].item_class;
    }
    problem->member_first[group_count] = (uint32_t)key_count;
    problem->group_count = group_count;
    problem->demand = binpack_space_keep(space, group_count * resource_count, sizeof(int64_t));
    problem->count = binpack_space_keep(space, group_count, sizeof(int64_t));
    problem->per_bin_max = binpack_space_keep(space, group_count, sizeof(int64_t));
    problem->allowed_set = binpack_space_keep(space, group_count, sizeof(uint32_t));
    problem->fits_somewhere = binpack_space_keep(space, group_count, sizeof(bool));
    if (problem->demand == NULL || problem->count == NULL || problem->per_bin_max == NULL || problem->allowed_set == NULL ||
        problem->fits_somewhere == NULL)
        return false;
    for (size_t g = 0; g < group_count; g++) {
        const struct class_key *key = &keys[problem->member_first[g]];
        memcpy(problem->demand + g * resource_count, key->demand, resource_count * sizeof(int64_t));
        problem->per_bin_max[g] = key->per_bin_max;
        problem->allowed_set[g] = key->allowed_set;
        for (uint32_t m = problem->member_first[g]; m < problem->member_first[g + 1]; m++)
            problem->count[g] += input->item_classes[problem->members[m]].count;
    }
    return !any_conflict || read_conflicts(problem);
}

/* Which groups can be placed at all, and what those need together; false when a bin's room could outgrow 64 bits. */
static bool sum_demands(struct binpack_problem *problem)
{
    size_t resource_count = problem->resource_count;
    for (size_t g = 0; g < problem->group_count; g++) {
        const int64_t *demand = problem->demand + g * resource_count;
        for (size_t r = 0; r < resource_count; r++) {
            if (demand[r] < 0) {
                binpack_i128 room = problem->room_made[r] - (binpack_i128)demand[r] * problem->count[g];
                if (room > INT64_MAX - problem->capacity_max[r]) /* so that no room of a bin outgrows 64 bits */
                    return false;
                problem->room_made[r] = (int64_t)room;
            }
        }
    }
    for (size_t g = 0; g < problem->group_count; g++) {
        const int64_t *demand = problem->demand + g * resource_count;
        for (size_t t = 0; t < problem->type_count && !problem->fits_somewhere[g]; t++)
            problem->fits_somewhere[g] = binpack_could_hold(problem, g, t);
        for (size_t r = 0; r < resource_count && problem->fits_somewhere[g]; r++)
            problem->total_demand[r] += (binpack_i128)demand[r] * problem->count[g]; /* < 2^63 each, < 2^63 items in all */
    }
    return true;
}

bool binpack_has_equal_items(const struct binpack_problem *problem, int64_t times)
{
    binpack_i128 items = 0;
    for (size_t g = 0; g < problem->group_count; g++)
        items += problem->count[g];
    return items >= times * (binpack_i128)problem->group_count;
}

enum binpack_outcome binpack_problem_new(const struct binpack_input *input, void *memory, size_t memory_bytes,
                                         struct binpack_problem **out_problem, struct binpack_fault *out_fault)
{
    enum binpack_outcome outcome = check_input(input, out_fault);
    if (outcome != BINPACK_OK)
        return outcome;
    size_t skip = (16 - (uintptr_t)memory % 16) % 16;
    if (memory_bytes < skip)
        return BINPACK_OUT_OF_SPACE;
    struct space space = {.memory = (unsigned char *)memory + skip, .bytes = (memory_bytes - skip) / 16 * 16};
    struct binpack_problem *problem = binpack_space_keep(&space, 1, sizeof *problem);
    if (problem == NULL)
        return BINPACK_OUT_OF_SPACE;
    problem->input = *input;
    problem->space = space;
    problem->resource_count = input->resource_count;
    problem->type_count = input->bin_type_count;
    if (!read_types(problem) || !group_classes(problem))
        return BINPACK_OUT_OF_SPACE;
    find_frontier(problem);
    if (!sum_demands(problem))
        return fail(out_fault, BINPACK_E_OVERFLOW, "the room that items of negative demand make outgrows 64 bits", SIZE_MAX,
                    SIZE_MAX);
    problem->space.back = 0;
    problem->front_of_results = problem->space.front;
    *out_problem = problem;
    return BINPACK_OK;
}

void binpack_problem_forget_results(struct binpack_problem *problem)
{
    problem->space.front = problem->front_of_results;
    problem->space.back = 0;
    problem->bound = (struct binpack_bound){0};
    problem->group_value = NULL;
}
