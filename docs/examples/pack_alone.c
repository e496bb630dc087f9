/*
 * The packing library alone: three deployments on three node types, no other part of kerf.
 *   cc -Iinclude pack_alone.c libbinpack.a
 */
#include <binpack/binpack.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    /* millicores, MiB, pods; prices in millionths of a dollar an hour */
    const char *const type_names[] = {"large", "xlarge", "2xlarge"};
    const struct binpack_bin_type types[] = {
        {.capacity = (int64_t[]){1930, 7200, 29}, .price = 96000, .limit = BINPACK_NO_LIMIT},
        {.capacity = (int64_t[]){3920, 14900, 58}, .price = 192000, .limit = BINPACK_NO_LIMIT},
        {.capacity = (int64_t[]){7910, 30600, 58}, .price = 384000, .limit = BINPACK_NO_LIMIT},
    };
    const char *const class_names[] = {"web", "cache", "batch"};
    const struct binpack_item_class classes[] = {
        {.demand = (int64_t[]){250, 512, 1}, .count = 60},
        {.demand = (int64_t[]){500, 6000, 1}, .count = 6, .per_bin_max = 1}, /* never two on one node */
        {.demand = (int64_t[]){3500, 4096, 1}, .count = 4},
    };
    const struct binpack_input input = {
        .resource_count = 3, .bin_types = types, .bin_type_count = 3, .item_classes = classes, .item_class_count = 3};

    size_t bytes = binpack_memory_bytes(&input);
    void *memory = malloc(bytes);
    struct binpack_problem *problem;
    struct binpack_bound bound;
    struct binpack_plan plan;
    struct binpack_fault fault;
    int64_t unopened, scratch[8 * 3 + 3]; /* BINPACK_VERIFY_CELLS(&input) */
    if (memory == NULL || binpack_problem_new(&input, memory, bytes, &problem, &fault) != BINPACK_OK ||
        binpack_solve(problem, NULL, &plan) != BINPACK_OK || binpack_bound_find(problem, &bound) != BINPACK_OK ||
        binpack_plan_split_gap(problem, &bound, &plan, &unopened) != BINPACK_OK ||
        !binpack_verify_plan(&input, &plan, scratch, &fault) || !binpack_verify_bound(&input, &bound, scratch, &fault))
        return 1;

    printf("%lld nodes for $%.3f an hour; none can cost less than $%.3f\n", (long long)plan.bin_count, (double)plan.cost * 1e-6,
           (double)bound.cost * 1e-6);
    for (size_t p = 0; p < plan.pattern_count; p++) {
        const struct binpack_pattern *pattern = &plan.patterns[p];
        printf("%3lld x %-8s wastes $%.3f each:", (long long)pattern->bin_count, type_names[pattern->bin_type],
               (double)pattern->kerf / (double)bound.scale * 1e-6);
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &plan.placements[pattern->placement_first + i];
            printf("  %lld %s", (long long)placement->item_count, class_names[placement->item_class]);
        }
        putchar('\n');
    }
    free(memory);
    return 0;
}
