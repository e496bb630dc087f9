#include "cost/cost.h"

/* 1e-6 USD an hour, Fargate Linux x86, us-east-1; sources in the door. */
#define VCPU_HOUR_USD_MICROS 40480
#define GB_HOUR_USD_MICROS 4445
#define ACCELERATOR_SHARE (KERF_SHARE_ONE / 4 * 3)

#define NANOCORES_PER_CORE 1000000000
#define MILLIBYTES_PER_GB ((kerf_i128)1024 * 1024 * 1024 * 1000)

enum dimension { CPU, MEMORY, ACCELERATOR, DIMENSIONS };

static const enum kerf_resource accelerators[] = {KERF_RESOURCE_NVIDIA_GPU, KERF_RESOURCE_AMD_GPU, KERF_RESOURCE_NEURON,
                                                  KERF_RESOURCE_NEURONCORE, KERF_RESOURCE_GAUDI};
enum { ACCELERATOR_KINDS = sizeof accelerators / sizeof accelerators[0] };

static int64_t amount_of(const struct kerf_resources *resources, enum kerf_resource resource)
{
    return resources == NULL ? 0 : kerf_max_i64(0, resources->amounts[resource]);
}

static uint64_t share_of(int64_t part, int64_t whole)
{
    if (whole <= 0)
        return 0;
    return part >= whole ? KERF_SHARE_ONE : (uint64_t)((kerf_i128)part * KERF_SHARE_ONE / whole);
}

static uint64_t share_times(uint64_t a, uint64_t b)
{
    return (uint64_t)((kerf_i128)a * b / KERF_SHARE_ONE);
}

/* The part of a dimension of `capacity` that `held` takes. Accelerators: of the kind that is taken most (a Neuron device and its
 * cores are two names of one thing). */
static uint64_t held_share(const struct kerf_resources *held, const struct kerf_resources *capacity, enum dimension dimension)
{
    if (dimension == CPU)
        return share_of(amount_of(held, KERF_RESOURCE_CPU), amount_of(capacity, KERF_RESOURCE_CPU));
    if (dimension == MEMORY)
        return share_of(amount_of(held, KERF_RESOURCE_MEMORY), amount_of(capacity, KERF_RESOURCE_MEMORY));
    uint64_t most = 0;
    for (size_t i = 0; i < ACCELERATOR_KINDS; i++) {
        const uint64_t share = share_of(amount_of(held, accelerators[i]), amount_of(capacity, accelerators[i]));
        if (share > most)
            most = share;
    }
    return most;
}

static void weigh_dimensions(const struct kerf_resources *capacity, uint64_t weights[DIMENSIONS])
{
    weights[ACCELERATOR] = 0;
    for (size_t i = 0; i < ACCELERATOR_KINDS; i++)
        if (amount_of(capacity, accelerators[i]) > 0)
            weights[ACCELERATOR] = ACCELERATOR_SHARE;
    const uint64_t rest = KERF_SHARE_ONE - weights[ACCELERATOR];
    /* in 10^-3 micro-dollars, so that the smallest instance's worth has five digits; both below 2^60 */
    const kerf_i128 cpu = (kerf_i128)amount_of(capacity, KERF_RESOURCE_CPU) * VCPU_HOUR_USD_MICROS * 1000 / NANOCORES_PER_CORE;
    const kerf_i128 memory = (kerf_i128)amount_of(capacity, KERF_RESOURCE_MEMORY) * GB_HOUR_USD_MICROS * 1000 / MILLIBYTES_PER_GB;
    weights[MEMORY] = cpu + memory == 0 ? 0 : (uint64_t)(memory * rest / (cpu + memory)); /* a few nanocores are worth 0 */
    weights[CPU] = rest - weights[MEMORY];
}

struct kerf_cost_shares kerf_node_shares(const struct kerf_node_use *use)
{
    static const enum kerf_cost_cause holders[] = {KERF_COST_DAEMONSET, KERF_COST_WORKLOAD, KERF_COST_HEADROOM};
    const struct kerf_resources *const held[] = {use->daemonset, use->workload, use->headroom};
    struct kerf_cost_shares shares = {0};
    if (amount_of(use->capacity, KERF_RESOURCE_CPU) == 0 && amount_of(use->capacity, KERF_RESOURCE_MEMORY) == 0) {
        shares.by_cause[KERF_COST_IDLE] = KERF_SHARE_ONE;
        return shares;
    }
    uint64_t weights[DIMENSIONS];
    weigh_dimensions(use->capacity, weights);

    uint64_t allocatable[DIMENSIONS];
    uint64_t free_parts[DIMENSIONS];
    uint64_t common = KERF_SHARE_ONE; /* of the allocatable: free in every dimension */
    for (int d = 0; d < DIMENSIONS; d++) {
        allocatable[d] = held_share(use->allocatable, use->capacity, (enum dimension)d);
        free_parts[d] = allocatable[d];
        if (weights[d] == 0)
            continue;
        shares.by_cause[KERF_COST_OVERHEAD] += share_times(weights[d], KERF_SHARE_ONE - allocatable[d]);
        for (size_t h = 0; h < 3; h++) {
            uint64_t part = held_share(held[h], use->capacity, (enum dimension)d);
            if (part > free_parts[d])
                part = free_parts[d];
            free_parts[d] -= part;
            shares.by_cause[holders[h]] += share_times(weights[d], part);
        }
        if (allocatable[d] > 0) {
            const uint64_t free_share = share_of((int64_t)free_parts[d], (int64_t)allocatable[d]);
            if (free_share < common)
                common = free_share;
        }
    }
    const int64_t slots = amount_of(use->allocatable, KERF_RESOURCE_PODS);
    if (slots > 0) {
        int64_t slots_free = slots;
        for (size_t h = 0; h < 3; h++)
            slots_free -= kerf_min_i64(slots_free, amount_of(held[h], KERF_RESOURCE_PODS));
        const uint64_t free_share = share_of(slots_free, slots);
        if (free_share < common)
            common = free_share;
    }
    for (int d = 0; d < DIMENSIONS; d++)
        shares.by_cause[KERF_COST_FRAGMENTATION] += share_times(weights[d], free_parts[d] - share_times(common, allocatable[d]));

    uint64_t given = 0;
    for (size_t cause = 0; cause < KERF_COST_CAUSE_COUNT; cause++)
        given += shares.by_cause[cause];
    KERF_ASSERT(given <= KERF_SHARE_ONE);
    shares.by_cause[KERF_COST_IDLE] = KERF_SHARE_ONE - given;
    return shares;
}
