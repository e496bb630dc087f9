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

/* The first class of the pattern that may not lie beside another one of it; SIZE_MAX: none. */
static size_t find_conflict(const struct binpack_input *input, const struct binpack_placement *placements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t *conflicts = input->item_classes[placements[i].item_class].conflicts;
        for (size_t j = 0; conflicts != NULL && j < count; j++) {
            size_t other = placements[j].item_class;
            if ((conflicts[other / 64] >> (other % 64) & 1) != 0 && (i != j || placements[i].item_count > 1))
                return placements[i].item_class;
        }
    }
    return SIZE_MAX;
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
    if (find_conflict(input, &plan->placements[pattern->placement_first], pattern->placement_count) != SIZE_MAX)
        return is_wrong(out_fault, "the pattern holds items of two classes in conflict", index, SIZE_MAX);
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

/* Shares and rent of a bin type are what they may be. */
static bool verify_shares(const struct binpack_input *input, const struct binpack_bound *bound, size_t type,
                          struct binpack_fault *out_fault)
{
    for (size_t r = 0; r < input->resource_count; r++)
        if (bound->price_shares[type * input->resource_count + r] < 0)
            return is_wrong(out_fault, "a share of a bin type's price is negative", type, r);
    if (bound->rents[type] < 0 || (bound->rents[type] > 0 && input->bin_types[type].limit == BINPACK_NO_LIMIT))
        return is_wrong(out_fault, "the rent of a bin type is negative, or has no limit to go with", type, SIZE_MAX);
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

/* Could a bin of the type hold an item of the class, with all the room that other items make? */
static bool could_hold(const struct binpack_input *input, size_t class, size_t type, const wide *room)
{
    for (size_t r = 0; r < input->resource_count; r++)
        if (input->item_classes[class].demand[r] > input->bin_types[type].capacity[r] + room[r])
            return false;
    return input->item_classes[class].count > 0 && input->bin_types[type].limit > 0 &&
           may_hold(&input->item_classes[class], type);
}

/* What an item takes of the shares of a bin type, each resource rounded down, also below 0. */
static wide weight_in(const struct binpack_input *input, const struct binpack_bound *bound, size_t class, size_t type)
{
    wide weight = 0;
    for (size_t r = 0; r < input->resource_count; r++) {
        int64_t capacity = input->bin_types[type].capacity[r];
        if (capacity == 0)
            continue;
        wide money = (wide)bound->price_shares[type * input->resource_count + r] * input->item_classes[class].demand[r];
        weight += money / capacity - (money % capacity < 0);
    }
    return weight;
}

/* ---- a bin type whose shares do not prove its values: all its contents are looked at ----------------------------------- */

/* Columns of the scratch, item_class_count cells each. */
struct search {
    const struct binpack_input *input;
    int64_t *class, *value, *weight, *most, *suffix_high, *suffix_low, *position, *count;
    size_t item_count, maker_count;
    uint64_t looks_left;
};

static bool makes_room(const struct binpack_input *input, size_t class)
{
    for (size_t r = 0; r < input->resource_count; r++)
        if (input->item_classes[class].demand[r] < 0)
            return true;
    return false;
}

/* Items that make room come first, then those of great value for their weight, then equal demands together. */
static bool comes_before(const struct search *search, size_t a, size_t b)
{
    const struct binpack_item_class *x = &search->input->item_classes[search->class[a]];
    const struct binpack_item_class *y = &search->input->item_classes[search->class[b]];
    bool x_makes = makes_room(search->input, (size_t)search->class[a]);
    bool y_makes = makes_room(search->input, (size_t)search->class[b]);
    if (x_makes != y_makes)
        return x_makes;
    wide left = (wide)search->value[a] * search->weight[b], right = (wide)search->value[b] * search->weight[a];
    if (left != right)
        return left > right;
    for (size_t r = 0; r < search->input->resource_count; r++)
        if (x->demand[r] != y->demand[r])
            return x->demand[r] > y->demand[r];
    return search->class[a] < search->class[b];
}

static void swap_items(struct search *search, size_t a, size_t b)
{
    int64_t *columns[] = {search->class, search->value, search->weight, search->most};
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
        int64_t held = columns[c][a];
        columns[c][a] = columns[c][b];
        columns[c][b] = held;
    }
}

/* Shell sort: the order is total, and no memory is needed. */
static void sort_items(struct search *search)
{
    size_t gap = 1;
    while (gap < search->item_count / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (size_t i = gap; i < search->item_count; i++)
            for (size_t j = i; j >= gap && comes_before(search, j, j - gap); j -= gap)
                swap_items(search, j, j - gap);
}

/* Classes that differ in nothing that matters here are one, so that the search does not try their permutations. */
static void merge_items(struct search *search)
{
    size_t count = 0;
    for (size_t i = 0; i < search->item_count; i++) {
        bool is_equal = count > 0 && search->value[count - 1] == search->value[i] && search->weight[count - 1] == search->weight[i];
        for (size_t r = 0; r < search->input->resource_count && is_equal; r++)
            is_equal = search->input->item_classes[search->class[count - 1]].demand[r] ==
                       search->input->item_classes[search->class[i]].demand[r];
        if (is_equal && !__builtin_add_overflow(search->most[count - 1], search->most[i], &search->most[count - 1]))
            continue;
        swap_items(search, count++, i);
    }
    search->item_count = count;
}

static wide suffix_of(const struct search *search, size_t position)
{
    return position == search->item_count ? 0 : ((wide)search->suffix_high[position] << 62) + search->suffix_low[position];
}

static bool list_items(struct search *search, const struct binpack_bound *bound, size_t type, const wide *room)
{
    search->item_count = search->maker_count = 0;
    for (size_t c = 0; c < search->input->item_class_count; c++) {
        const struct binpack_item_class *class = &search->input->item_classes[c];
        bool makes = makes_room(search->input, c);
        if ((bound->item_values[c] <= 0 && !makes) || !could_hold(search->input, c, type, room))
            continue;
        wide weight = weight_in(search->input, bound, c, type);
        if (weight > INT64_MAX || weight < INT64_MIN)
            return false;
        size_t i = search->item_count++;
        search->class[i] = (int64_t)c;
        search->value[i] = bound->item_values[c];
        search->weight[i] = (int64_t)weight;
        search->most[i] = class->per_bin_max > 0 && class->per_bin_max < class->count ? class->per_bin_max : class->count;
        if (class->conflicts != NULL && (class->conflicts[c / 64] >> (c % 64) & 1) != 0 && search->most[i] > 1)
            search->most[i] = 1;
        for (size_t r = 0; r < search->input->resource_count; r++) { /* with all the room that there could be */
            wide most = class->demand[r] > 0 ? (search->input->bin_types[type].capacity[r] + room[r]) / class->demand[r] : INT64_MAX;
            search->most[i] = most < search->most[i] ? (int64_t)most : search->most[i];
        }
        search->maker_count += makes;
    }
    sort_items(search);
    size_t before = search->item_count;
    merge_items(search);
    if (before != search->item_count) {
        search->maker_count = 0;
        for (size_t i = 0; i < search->item_count; i++)
            search->maker_count += makes_room(search->input, (size_t)search->class[i]);
    }
    wide suffix = 0;
    for (size_t i = search->item_count; i-- > 0;) {
        wide excess = (wide)search->value[i] - search->weight[i];
        wide gain = 0;
        if (excess > 0 && __builtin_mul_overflow(excess, (wide)search->most[i], &gain))
            return false;
        if (__builtin_add_overflow(suffix, gain, &suffix) || suffix >> 62 > INT64_MAX)
            return false;
        search->suffix_high[i] = (int64_t)(suffix >> 62);
        search->suffix_low[i] = (int64_t)(suffix & (((wide)1 << 62) - 1));
    }
    return true;
}

static bool all_fit(const wide *room, size_t resource_count)
{
    for (size_t r = 0; r < resource_count; r++)
        if (room[r] < 0)
            return false;
    return true;
}

/* How many of the item at the position the bin takes: all, as long as later items may make room for them. */
static int64_t fit_count(const struct search *search, size_t position, const wide *room)
{
    const int64_t *demand = search->input->item_classes[search->class[position]].demand;
    wide count = search->most[position];
    for (size_t r = 0; r < search->input->resource_count && position >= search->maker_count; r++)
        if (demand[r] > 0 && room[r] / demand[r] < count)
            count = room[r] / demand[r];
    return count > 0 ? (int64_t)count : 0;
}

static void put(const struct search *search, size_t position, int64_t count, wide *room, wide *value, wide *weight)
{
    const int64_t *demand = search->input->item_classes[search->class[position]].demand;
    for (size_t r = 0; r < search->input->resource_count; r++)
        room[r] -= (wide)count * demand[r];
    *value += (wide)count * search->value[position];
    *weight += (wide)count * search->weight[position];
}

/*
 * True when no content is worth more than `money`. A content weighs at most `shares`, since it fits; so what is held and weighs
 * less can gain no more than what items to come are worth beyond their weight (suffix), nor more than the best of them is worth
 * for the weight that is left.
 */
static bool search_type(struct search *search, size_t type, wide money, wide shares)
{
    const struct binpack_input *input = search->input;
    wide room[BINPACK_RESOURCES_MAX], value = 0, weight = 0;
    for (size_t r = 0; r < input->resource_count; r++)
        room[r] = input->bin_types[type].capacity[r];
    size_t depth = 0, next = 0;
    for (;;) {
        for (; next < search->item_count; next++) {
            if (shares - weight + value + suffix_of(search, next) <= money)
                break;
            if (next == search->maker_count && !all_fit(room, input->resource_count))
                break;
            if (next >= search->maker_count && search->weight[next] > 0 && money >= value &&
                (shares - weight) * search->value[next] <= (money - value) * search->weight[next])
                break;
            if (search->looks_left-- == 0)
                return false;
            int64_t count = fit_count(search, next, room);
            if (count == 0)
                continue;
            put(search, next, count, room, &value, &weight);
            search->position[depth] = (int64_t)next;
            search->count[depth++] = count;
        }
        if (value > money && all_fit(room, input->resource_count))
            return false;
        if (depth == 0)
            return true;
        next = (size_t)search->position[depth - 1];
        put(search, next, -1, room, &value, &weight);
        next++;
        if (--search->count[depth - 1] == 0)
            depth--;
    }
}

/* Is another type as large, no dearer with its rent, and open to the same items? Of equal types the first is looked at. */
static bool is_covered(const struct binpack_input *input, const struct binpack_bound *bound, size_t type)
{
    wide money = (wide)bound->scale * input->bin_types[type].price + bound->rents[type];
    for (size_t t = 0; t < input->bin_type_count; t++) {
        wide other = (wide)bound->scale * input->bin_types[t].price + bound->rents[t];
        bool covers = t != type && input->bin_types[t].limit > 0 && other <= money;
        bool is_equal = other == money;
        for (size_t r = 0; r < input->resource_count && covers; r++) {
            covers = input->bin_types[t].capacity[r] >= input->bin_types[type].capacity[r];
            is_equal &= input->bin_types[t].capacity[r] == input->bin_types[type].capacity[r];
        }
        for (size_t c = 0; c < input->item_class_count && covers; c++)
            covers = may_hold(&input->item_classes[c], t) || !may_hold(&input->item_classes[c], type);
        if (covers && (!is_equal || t < type))
            return true;
    }
    return false;
}

/* No bin of the type can hold items worth more than its price and rent. */
static bool verify_type(const struct binpack_input *input, const struct binpack_bound *bound, size_t type, const wide *room,
                        struct search *search, struct binpack_fault *out_fault)
{
    wide money = (wide)bound->scale * input->bin_types[type].price + bound->rents[type], shares = 0;
    for (size_t r = 0; r < input->resource_count; r++)
        shares += bound->price_shares[type * input->resource_count + r];
    size_t class = 0;
    while (class < input->item_class_count &&
           (!could_hold(input, class, type, room) || weight_in(input, bound, class, type) >= bound->item_values[class]))
        class++;
    if (class == input->item_class_count && shares <= money)
        return true;
    if (bound->search_limit == 0)
        return shares > money ? is_wrong(out_fault, "the shares of a bin type exceed its price and rent", type, SIZE_MAX)
                              : is_wrong(out_fault, "an item class is valued above what a bin type gives it for", class, SIZE_MAX);
    if (is_covered(input, bound, type))
        return true;
    if (shares > INT64_MAX || !list_items(search, bound, type, room) || !search_type(search, type, money, shares))
        return is_wrong(out_fault, "a bin may hold items worth more than its price and rent", type, SIZE_MAX);
    return true;
}

/* An item that no bin type can hold has no value to prove anything with. */
static bool verify_value(const struct binpack_input *input, const struct binpack_bound *bound, size_t index, const wide *room,
                         struct binpack_fault *out_fault)
{
    for (size_t t = 0; t < input->bin_type_count; t++)
        if (could_hold(input, index, t, room))
            return true;
    if (bound->item_values[index] != 0 && input->item_classes[index].count > 0)
        return is_wrong(out_fault, "an item class that no bin type can hold has a value", index, SIZE_MAX);
    return true;
}

bool binpack_verify_bound(const struct binpack_input *input, const struct binpack_bound *bound, int64_t *scratch,
                          struct binpack_fault *out_fault)
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
    struct search search = {.input = input, .looks_left = bound->search_limit};
    int64_t **columns[] = {&search.class,       &search.value,      &search.weight,   &search.most,
                           &search.suffix_high, &search.suffix_low, &search.position, &search.count};
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
        *columns[c] = scratch + c * input->item_class_count;
    for (size_t t = 0; t < input->bin_type_count; t++)
        if (input->bin_types[t].limit > 0 && !verify_type(input, bound, t, room, &search, out_fault))
            return false;
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

/* ---- a revision ------------------------------------------------------------------------------------------------------- */

/* In how many bins of a standing pattern how many items of the class stood; 0: none. */
static int64_t stood_of(const struct binpack_plan *plan, size_t pattern, size_t class)
{
    for (size_t i = 0; i < plan->patterns[pattern].placement_count; i++)
        if (plan->placements[plan->patterns[pattern].placement_first + i].item_class == class)
            return plan->placements[plan->patterns[pattern].placement_first + i].item_count;
    return 0;
}

/* Every standing bin is there at most once. Quadratic in patterns: checking need not be fast, and needs no memory. */
static bool verify_origins(const struct binpack_plan *standing, const struct binpack_revision *revision, wide *out_closed,
                           struct binpack_fault *out_fault)
{
    const struct binpack_plan *plan = &revision->plan;
    wide stood = 0, there = 0;
    for (size_t p = 0; p < plan->pattern_count; p++)
        if (revision->origins[p] != SIZE_MAX && (revision->origins[p] >= standing->pattern_count ||
                                                 standing->patterns[revision->origins[p]].bin_type != plan->patterns[p].bin_type))
            return is_wrong(out_fault, "the pattern's origin is none, or of another bin type", p, SIZE_MAX);
    for (size_t s = 0; s < standing->pattern_count; s++) {
        wide bins = 0;
        for (size_t p = 0; p < plan->pattern_count; p++)
            bins += revision->origins[p] == s ? plan->patterns[p].bin_count : 0;
        if (bins > standing->patterns[s].bin_count)
            return is_wrong(out_fault, "more bins of a standing pattern are there than stood", s, SIZE_MAX);
        there += bins;
        stood += standing->patterns[s].bin_count;
    }
    *out_closed = stood - there;
    return true;
}

bool binpack_verify_revision(const struct binpack_input *input, const struct binpack_plan *standing,
                             const struct binpack_revision_options *options, const struct binpack_revision *revision,
                             int64_t *scratch, struct binpack_fault *out_fault)
{
    const struct binpack_plan *plan = &revision->plan;
    wide closed, moved = 0, price = 0, forced = 0;
    if (!binpack_verify_plan(input, plan, scratch, out_fault) || !verify_origins(standing, revision, &closed, out_fault))
        return false;
    for (size_t c = 0; c < input->item_class_count; c++) {
        wide of_class = 0;
        for (size_t s = 0; s < standing->pattern_count; s++) {
            wide here = stood_of(standing, s, c);
            of_class += here * standing->patterns[s].bin_count;
            if (options->must_close != NULL)
                forced += here * options->must_close[s];
        }
        if (of_class > input->item_classes[c].count) /* the rest leaves */
            of_class = input->item_classes[c].count;
        for (size_t p = 0; p < plan->pattern_count; p++) {
            int64_t now = stood_of(plan, p, c);
            int64_t before = revision->origins[p] != SIZE_MAX ? stood_of(standing, revision->origins[p], c) : 0;
            of_class -= (wide)(now < before ? now : before) * plan->patterns[p].bin_count;
        }
        if (of_class > 0) {
            moved += of_class;
            price += of_class * (options->move_prices != NULL ? options->move_prices[c] : 0);
        }
    }
    if (options->must_close != NULL)
        for (size_t s = 0; s < standing->pattern_count; s++) {
            wide bins = 0;
            for (size_t p = 0; p < plan->pattern_count; p++)
                bins += revision->origins[p] == s ? plan->patterns[p].bin_count : 0;
            if (bins > standing->patterns[s].bin_count - options->must_close[s])
                return is_wrong(out_fault, "bins are there that must close", s, SIZE_MAX);
        }
    if (closed != revision->closed_count || moved != revision->moved_count || price != revision->moved_price)
        return is_wrong(out_fault, "the revision's closed bins or moves do not add up", SIZE_MAX, SIZE_MAX);
    if (moved > options->move_limit && moved > forced)
        return is_wrong(out_fault, "more items are moved than the limit allows", SIZE_MAX, SIZE_MAX);
    return true;
}
