/**
 * Packing problems made of any bytes, with every restriction and numbers of every size: whatever the solvers give must pass the
 * verifier, the kerf must add up to the gap, and no arithmetic may overflow. Memory and steps are short now and then.
 */
#include "binpack/binpack.h"
#include "fuzz_target.h"

#include <stdlib.h>

enum { CLASSES_MAX = 24, TYPES_MAX = 12, MEMORY_BYTES = 1 << 20, STEPS_MAX = 20000 };

#define REQUIRE(condition)                                                                                                       \
    do {                                                                                                                         \
        if (!(condition))                                                                                                        \
            abort();                                                                                                             \
    } while (0)

struct bytes {
    const uint8_t *data;
    size_t size;
};

static uint8_t take(struct bytes *bytes)
{
    if (bytes->size == 0)
        return 0;
    bytes->size--;
    return *bytes->data++;
}

/* Small numbers mostly, and all magnitudes up to the ends of 64 bits. */
static int64_t take_number(struct bytes *bytes)
{
    uint8_t byte = take(bytes);
    if (byte < 0xc0)
        return byte % 64;
    uint64_t number = 0;
    for (int i = byte & 7; i >= 0; i--)
        number = number << 8 | take(bytes);
    return (int64_t)(number & INT64_MAX);
}

struct fuzzed {
    int64_t capacity[TYPES_MAX][BINPACK_RESOURCES_MAX];
    int64_t demand[CLASSES_MAX][BINPACK_RESOURCES_MAX];
    uint64_t allowed[CLASSES_MAX];
    uint64_t conflicts[CLASSES_MAX];
    struct binpack_bin_type types[TYPES_MAX];
    struct binpack_item_class classes[CLASSES_MAX];
    struct binpack_input input;
};

static void take_problem(struct bytes *bytes, struct fuzzed *fuzzed)
{
    uint8_t shape = take(bytes);
    fuzzed->input = (struct binpack_input){.resource_count = 1 + shape % BINPACK_RESOURCES_MAX,
                                           .bin_types = fuzzed->types,
                                           .bin_type_count = take(bytes) % (TYPES_MAX + 1),
                                           .item_classes = fuzzed->classes,
                                           .item_class_count = take(bytes) % (CLASSES_MAX + 1)};
    if (shape < 128) /* few resources are what most problems have */
        fuzzed->input.resource_count = 1 + shape % 3;
    for (size_t t = 0; t < fuzzed->input.bin_type_count; t++) {
        for (size_t r = 0; r < fuzzed->input.resource_count; r++)
            fuzzed->capacity[t][r] = take_number(bytes);
        uint8_t kind = take(bytes);
        fuzzed->types[t] = (struct binpack_bin_type){.capacity = fuzzed->capacity[t],
                                                     .price = take_number(bytes),
                                                     .limit = kind & 1 ? take_number(bytes) : BINPACK_NO_LIMIT};
    }
    for (size_t c = 0; c < fuzzed->input.item_class_count; c++) {
        uint8_t kind = take(bytes);
        for (size_t r = 0; r < fuzzed->input.resource_count; r++) {
            int64_t number = take_number(bytes);
            fuzzed->demand[c][r] = (kind & 6) == 6 && r % 2 == 0 ? -number : number;
        }
        fuzzed->classes[c] = (struct binpack_item_class){.demand = fuzzed->demand[c], .count = take_number(bytes)};
        if (kind & 8)
            fuzzed->classes[c].per_bin_max = take_number(bytes);
        if (kind & 16) {
            fuzzed->allowed[c] = take(bytes) | (uint64_t)take(bytes) << 8;
            fuzzed->classes[c].allowed_bin_types = &fuzzed->allowed[c];
        }
        if (kind & 32) {
            fuzzed->conflicts[c] = take(bytes) | (uint64_t)take(bytes) << 8;
            fuzzed->classes[c].conflicts = &fuzzed->conflicts[c];
        }
    }
}

static void check_split(struct binpack_problem *problem, const struct binpack_bound *bound, struct binpack_plan *plan)
{
    int64_t unopened;
    if (binpack_plan_split_gap(problem, bound, plan, &unopened) != BINPACK_OK)
        return;
    __extension__ __int128 sum = unopened;
    REQUIRE(unopened >= 0);
    for (size_t i = 0; i < plan->pattern_count; i++) {
        REQUIRE(plan->patterns[i].kerf >= 0);
        sum += (__int128)plan->patterns[i].kerf * plan->patterns[i].bin_count;
    }
    REQUIRE(sum == (__int128)bound->scale * (plan->cost - bound->cost));
}

/* Counts change, and the plan that stands is changed with them. */
static void revise(struct bytes *bytes, struct fuzzed *fuzzed, const struct binpack_plan *standing)
{
    static unsigned char memory[MEMORY_BYTES];
    int64_t scratch[8 * CLASSES_MAX + TYPES_MAX], prices[CLASSES_MAX];
    for (size_t c = 0; c < fuzzed->input.item_class_count; c++) {
        uint8_t change = take(bytes);
        if (change & 1)
            fuzzed->classes[c].count = change & 2 ? fuzzed->classes[c].count / 2 : fuzzed->classes[c].count / 2 + change;
        prices[c] = take_number(bytes);
    }
    struct binpack_revision_options options = {
        .move_limit = take_number(bytes), .move_prices = take(bytes) & 1 ? prices : NULL, .step_limit = STEPS_MAX / 4};
    struct binpack_problem *problem;
    struct binpack_revision revision;
    struct binpack_fault fault = {0};
    if (binpack_problem_new(&fuzzed->input, memory, MEMORY_BYTES, &problem, &fault) != BINPACK_OK)
        return;
    enum binpack_outcome outcome = binpack_revise(problem, standing, &options, &revision);
    if (outcome == BINPACK_OK || outcome == BINPACK_LEFT_OVER || outcome == BINPACK_OUT_OF_STEPS)
        REQUIRE(binpack_verify_revision(&fuzzed->input, standing, &options, &revision, scratch, &fault));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char memory[MEMORY_BYTES];
    struct fuzzed fuzzed;
    struct bytes bytes = {data, size};
    uint8_t budget = take(&bytes);
    take_problem(&bytes, &fuzzed);
    size_t memory_bytes = budget & 1 ? (size_t)(budget & 0xf8) * 64 : MEMORY_BYTES;
    struct binpack_options options = {.step_limit = budget & 2 ? 1 + (uint64_t)(budget >> 2) : STEPS_MAX};
    struct binpack_problem *problem;
    struct binpack_fault fault = {0};
    enum binpack_outcome outcome = binpack_problem_new(&fuzzed.input, memory, memory_bytes, &problem, &fault);
    REQUIRE(outcome != BINPACK_E_ARGUMENT || fault.what != NULL);
    if (outcome != BINPACK_OK)
        return 0;
    int64_t scratch[8 * CLASSES_MAX + TYPES_MAX];
    struct binpack_bound bound;
    outcome = binpack_bound_find(problem, &bound);
    REQUIRE(outcome == BINPACK_OK || outcome == BINPACK_OUT_OF_SPACE || outcome == BINPACK_E_OVERFLOW);
    if (outcome == BINPACK_OK)
        REQUIRE(binpack_verify_bound(&fuzzed.input, &bound, scratch, &fault));
    struct binpack_plan plan = {0};
    enum binpack_outcome solved = binpack_solve(problem, &options, &plan);
    REQUIRE(solved != BINPACK_E_ARGUMENT);
    if (solved == BINPACK_E_OVERFLOW || plan.method == NULL)
        return 0;
    REQUIRE(binpack_verify_plan(&fuzzed.input, &plan, scratch, &fault));
    if (outcome == BINPACK_OK) { /* solving may have raised the bound */
        REQUIRE(binpack_bound_find(problem, &bound) == BINPACK_OK);
        REQUIRE(binpack_verify_bound(&fuzzed.input, &bound, scratch, &fault));
    }
    if (plan.unplaced_count == 0 && outcome == BINPACK_OK) {
        REQUIRE(bound.cost <= plan.cost);
        check_split(problem, &bound, &plan);
        REQUIRE(binpack_verify_plan(&fuzzed.input, &plan, scratch, &fault));
    }
    revise(&bytes, &fuzzed, &plan);
    return 0;
}
