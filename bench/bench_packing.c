/*
 * How fast are plans and bounds? Seeded pods of few shapes (requests as a recommender would set them, multiplicities after Zipf)
 * on a catalogue of four families with sizes from 2 to 96 vCPU, and unit items in equal bins. For each case: the bound alone,
 * each method alone with its gap, all methods together, and the plan revised when counts have changed. Prints minimum and median of the runs, millions of items a second at
 * the minimum, and a hash of the result.
 * usage: bench_packing [--small]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binpack/binpack.h"

#include "measure.h"

enum { RUNS = 7, RESOURCES = 3, TYPES_MAX = 64, POD_LIMIT = 110 };

static uint64_t state;
static size_t runs = RUNS;
static uint64_t step_limit; /* 0: the usual */

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 8;
}

/* Of a triangular shape between low and high, most near low: a crude log-normal in integers. */
static int64_t draw_skewed(int64_t low, int64_t high)
{
    int64_t value = high;
    for (int i = 0; i < 4; i++) {
        int64_t next = low + (int64_t)(draw() % (uint64_t)(high - low + 1));
        value = next < value ? next : value;
    }
    return value;
}

struct instance {
    const char *name;
    struct binpack_input input;
    struct binpack_bin_type types[TYPES_MAX];
    int64_t capacity[TYPES_MAX][RESOURCES];
    struct binpack_item_class *classes;
    int64_t (*demand)[RESOURCES];
    int64_t item_count;
};

static void instance_start(struct instance *instance, const char *name, size_t class_count)
{
    *instance = (struct instance){.name = name};
    instance->classes = calloc(class_count, sizeof *instance->classes);
    instance->demand = calloc(class_count, sizeof *instance->demand);
    instance->input = (struct binpack_input){.resource_count = RESOURCES,
                                             .bin_types = instance->types,
                                             .item_classes = instance->classes,
                                             .item_class_count = class_count};
}

static void add_type(struct instance *instance, int64_t a, int64_t b, int64_t c, int64_t price)
{
    size_t t = instance->input.bin_type_count++;
    int64_t capacity[RESOURCES] = {a, b, c};
    memcpy(instance->capacity[t], capacity, sizeof capacity);
    instance->types[t] = (struct binpack_bin_type){.capacity = instance->capacity[t], .price = price, .limit = BINPACK_NO_LIMIT};
}

static void make_pods(struct instance *instance, const char *name, size_t shapes, int64_t pods)
{
    static const struct {
        int64_t mib_per_cpu, price_micros;
    } families[] = {{2048, 42500}, {4096, 48000}, {8192, 63000}, {4096, 56000}};
    static const int64_t vcpus[] = {2, 4, 8, 16, 32, 48, 64, 96};
    instance_start(instance, name, shapes);
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
        for (size_t v = 0; v < sizeof vcpus / sizeof vcpus[0]; v++)
            add_type(instance, vcpus[v] * 1000 - 70 - vcpus[v] * 5, vcpus[v] * families[f].mib_per_cpu * 92 / 100 - 400,
                     POD_LIMIT, vcpus[v] * families[f].price_micros + (int64_t)(draw() % 50));
    int64_t harmonic_millionths = 0;
    for (size_t s = 0; s < shapes; s++)
        harmonic_millionths += 1000000 / (int64_t)(s + 1);
    for (size_t s = 0; s < shapes; s++) {
        instance->demand[s][0] = draw_skewed(30, 8000);
        instance->demand[s][1] = instance->demand[s][0] * draw_skewed(250, 16000) / 1000 + 32;
        instance->demand[s][2] = 1;
        int64_t count = pods * 1000000 / harmonic_millionths / (int64_t)(s + 1) + 1;
        instance->classes[s] = (struct binpack_item_class){.demand = instance->demand[s], .count = count};
        instance->item_count += count;
    }
}

static void make_unit_items(struct instance *instance, const char *name, size_t items)
{
    instance_start(instance, name, items);
    add_type(instance, 1000, 1000, 1000, 1);
    for (size_t i = 0; i < items; i++) {
        for (size_t r = 0; r < RESOURCES; r++)
            instance->demand[i][r] = 20 + (int64_t)(draw() % 400);
        instance->classes[i] = (struct binpack_item_class){.demand = instance->demand[i], .count = 1};
    }
    instance->item_count = (int64_t)items;
}

/* ---- measuring -------------------------------------------------------------------------------------------------------- */

static uint64_t hash_plan(const struct binpack_plan *plan)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < plan->pattern_count; i++) {
        const struct binpack_pattern *pattern = &plan->patterns[i];
        hash = (hash ^ pattern->bin_type) * 1099511628211u;
        hash = (hash ^ (uint64_t)pattern->bin_count) * 1099511628211u;
        for (size_t p = 0; p < pattern->placement_count; p++) {
            hash = (hash ^ plan->placements[pattern->placement_first + p].item_class) * 1099511628211u;
            hash = (hash ^ (uint64_t)plan->placements[pattern->placement_first + p].item_count) * 1099511628211u;
        }
    }
    return hash;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_packing: %s\n", what);
    exit(1);
}

static bool is_plan(enum binpack_outcome outcome)
{
    return outcome == BINPACK_OK || outcome == BINPACK_OUT_OF_STEPS;
}

/* One thing to measure: making the problem, and the bound, or a plan by a method (NULL: all). */
static void measure(const struct instance *instance, bool is_bound, const char *method, void *memory, size_t memory_bytes)
{
    double seconds[RUNS], gap = 0;
    uint64_t hash = 0, steps = 0;
    for (size_t run = 0; run < runs; run++) {
        struct binpack_problem *problem;
        struct binpack_bound bound;
        struct binpack_plan plan = {0};
        double start = seconds_now();
        if (binpack_problem_new(&instance->input, memory, memory_bytes, &problem, NULL) != BINPACK_OK ||
            binpack_bound_find(problem, &bound) != BINPACK_OK)
            fail("no bound");
        if (!is_bound && !is_plan(binpack_solve(problem, &(struct binpack_options){.method = method, .step_limit = step_limit}, &plan)))
            fail("no plan");
        seconds[run] = seconds_now() - start;
        uint64_t hash_now = is_bound ? (uint64_t)bound.cost : hash_plan(&plan);
        if (run > 0 && hash_now != hash)
            fail("two runs gave two results");
        hash = hash_now;
        steps = plan.steps;
        gap = is_bound ? 0 : 100 * (double)(plan.cost - bound.cost) / (double)bound.cost;
    }
    const char *label = method != NULL ? method : is_bound ? "bound" : "all";
    sort_seconds(seconds, runs);
    printf("%-18s %-6s  min %9.3f ms  median %9.3f ms  %9.2f M items/s  %9llu steps  gap %6.2f %%  hash %016llx\n",
           instance->name, label, seconds[0] * 1e3, seconds[runs / 2] * 1e3, (double)instance->item_count / seconds[0] * 1e-6,
           (unsigned long long)steps, gap, (unsigned long long)hash);
}

/* A plan that stands while every count changes by two per cent: the new bound, and what may be done with so many moves. */
static void measure_revision(struct instance *instance, int64_t move_limit, void *memory, size_t memory_bytes)
{
    double adopt_seconds[RUNS], seconds[RUNS], gap = 0;
    uint64_t hash = 0, steps = 0;
    void *memory_now = malloc(memory_bytes);
    struct binpack_problem *problem, *changed;
    struct binpack_bound bound, bound_now;
    struct binpack_plan plan;
    struct binpack_revision revision;
    if (memory_now == NULL || binpack_problem_new(&instance->input, memory, memory_bytes, &problem, NULL) != BINPACK_OK ||
        !is_plan(binpack_solve(problem, &(struct binpack_options){.step_limit = step_limit}, &plan)) || binpack_bound_find(problem, &bound) != BINPACK_OK)
        fail("no plan to revise");
    for (size_t s = 0; s < instance->input.item_class_count; s++)
        instance->classes[s].count += s % 2 == 0 ? instance->classes[s].count / 50 + 1 : -(instance->classes[s].count / 50);
    for (size_t run = 0; run < runs; run++) {
        double start = seconds_now();
        if (binpack_problem_new(&instance->input, memory_now, memory_bytes, &changed, NULL) != BINPACK_OK ||
            binpack_bound_adopt(changed, &bound, &bound_now) != BINPACK_OK)
            fail("no bound for other counts");
        adopt_seconds[run] = seconds_now() - start;
        struct binpack_revision_options options = {.move_limit = move_limit, .step_limit = step_limit};
        if (!is_plan(binpack_revise(changed, &plan, &options, &revision)))
            fail("no revision");
        seconds[run] = seconds_now() - start;
        hash = hash_plan(&revision.plan);
        steps = revision.plan.steps;
        gap = 100 * (double)(revision.plan.cost - bound_now.cost) / (double)bound_now.cost;
    }
    sort_seconds(adopt_seconds, runs);
    sort_seconds(seconds, runs);
    printf("%-18s revise  min %9.3f ms  median %9.3f ms  of it bound %7.3f ms  %9llu steps  gap %6.2f %%  moved %lld  hash %016llx\n",
           instance->name, seconds[0] * 1e3, seconds[runs / 2] * 1e3, adopt_seconds[0] * 1e3, (unsigned long long)steps, gap,
           (long long)revision.moved_count, (unsigned long long)hash);
    free(memory_now);
}

static void run_case(struct instance *instance)
{
    size_t method_count, memory_bytes = 4 * binpack_memory_bytes(&instance->input);
    const struct binpack_method *methods = binpack_methods(&method_count);
    void *memory = malloc(memory_bytes);
    measure(instance, true, NULL, memory, memory_bytes);
    for (size_t m = 0; m < method_count; m++)
        measure(instance, false, methods[m].name, memory, memory_bytes);
    measure(instance, false, NULL, memory, memory_bytes);
    if (instance->item_count > (int64_t)instance->input.item_class_count) /* not where each item is a class */
        for (int64_t moves = 0; moves <= 1000; moves += 1000)
            measure_revision(instance, moves, memory, memory_bytes);
    free(memory);
    free(instance->classes);
    free(instance->demand);
}

int main(int argument_count, char **arguments)
{
    bool is_small = argument_count > 1 && strcmp(arguments[1], "--small") == 0;
    if (is_small) {
        runs = 2;
        step_limit = 1000000;
    }
    struct instance instance;
    state = 88172645463325252u;
    make_pods(&instance, "pods-1k-50", 50, 1000);
    run_case(&instance);
    make_unit_items(&instance, "unit-200", 200);
    run_case(&instance);
    if (is_small)
        return 0;
    make_pods(&instance, "pods-1M-50", 50, 1000000);
    run_case(&instance);
    make_pods(&instance, "pods-1M-200", 200, 1000000);
    run_case(&instance);
    make_pods(&instance, "pods-1M-1000", 1000, 1000000);
    run_case(&instance);
    make_unit_items(&instance, "unit-2000", 2000);
    run_case(&instance);
    return 0;
}
