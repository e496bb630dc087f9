#include "cost/cost.h"

#include <criterion/criterion.h>
#include <math.h>

#define GB ((int64_t)1024 * 1024 * 1024 * 1000)
#define CORE ((int64_t)1000000000)

/* By Fargate's prices 4 vCPU are worth 161,920 and 16 GB 71,120: */
static const double cpu_weight = 161920.0 / 233040.0;
static const double memory_weight = 71120.0 / 233040.0;

static struct kerf_resources resources_of(int64_t cpu_nanocores, int64_t memory_millibytes, int64_t pods)
{
    struct kerf_resources resources = {0};
    kerf_resources_set(&resources, KERF_RESOURCE_CPU, cpu_nanocores);
    kerf_resources_set(&resources, KERF_RESOURCE_MEMORY, memory_millibytes);
    kerf_resources_set(&resources, KERF_RESOURCE_PODS, pods);
    return resources;
}

static void expect_share(const struct kerf_cost_shares *shares, enum kerf_cost_cause cause, double want)
{
    const double got = (double)shares->by_cause[cause] / (double)KERF_SHARE_ONE;
    cr_expect(fabs(got - want) < 1e-8, "%s: %.9f, not %.9f", kerf_cost_cause_name(cause), got, want);
}

static void expect_whole(const struct kerf_cost_shares *shares)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < KERF_COST_CAUSE_COUNT; i++)
        sum += shares->by_cause[i];
    cr_expect_eq(sum, KERF_SHARE_ONE);
}

Test(node_shares, empty_node_is_idle_but_for_its_overhead)
{
    const struct kerf_resources capacity = resources_of(4 * CORE, 16 * GB, 58);
    const struct kerf_resources allocatable = resources_of(3920 * CORE / 1000, 14 * GB, 58);
    const struct kerf_cost_shares shares =
        kerf_node_shares(&(struct kerf_node_use){.capacity = &capacity, .allocatable = &allocatable});
    const double overhead = cpu_weight * 0.02 + memory_weight * 2.0 / 16.0;
    expect_share(&shares, KERF_COST_OVERHEAD, overhead);
    expect_share(&shares, KERF_COST_IDLE, 1.0 - overhead);
    expect_share(&shares, KERF_COST_FRAGMENTATION, 0.0);
    expect_whole(&shares);
}

Test(node_shares, each_holder_pays_for_its_requests)
{
    const struct kerf_resources capacity = resources_of(4 * CORE, 16 * GB, 58);
    const struct kerf_resources workload = resources_of(2 * CORE, 4 * GB, 3);
    const struct kerf_resources daemonset = resources_of(CORE / 5, GB, 2);
    const struct kerf_resources headroom = resources_of(CORE, 4 * GB, 1);
    const struct kerf_cost_shares shares = kerf_node_shares(&(struct kerf_node_use){
        .capacity = &capacity, .allocatable = &capacity, .workload = &workload, .daemonset = &daemonset, .headroom = &headroom});
    expect_share(&shares, KERF_COST_WORKLOAD, cpu_weight * 0.5 + memory_weight * 0.25);
    expect_share(&shares, KERF_COST_DAEMONSET, cpu_weight * 0.05 + memory_weight / 16.0);
    expect_share(&shares, KERF_COST_HEADROOM, cpu_weight * 0.25 + memory_weight * 0.25);
    /* 0.8 of 4 vCPU and 7 of 16 GB are free: a fifth of the node is, and the rest of the memory is an offcut */
    expect_share(&shares, KERF_COST_IDLE, 0.2);
    expect_share(&shares, KERF_COST_FRAGMENTATION, memory_weight * (7.0 / 16.0 - 0.2));
    expect_whole(&shares);
}

Test(node_shares, room_without_pod_slots_is_an_offcut)
{
    const struct kerf_resources capacity = resources_of(4 * CORE, 16 * GB, 10);
    const struct kerf_resources workload = resources_of(CORE, 4 * GB, 10);
    const struct kerf_cost_shares shares =
        kerf_node_shares(&(struct kerf_node_use){.capacity = &capacity, .allocatable = &capacity, .workload = &workload});
    expect_share(&shares, KERF_COST_WORKLOAD, 0.25);
    expect_share(&shares, KERF_COST_IDLE, 0.0);
    expect_share(&shares, KERF_COST_FRAGMENTATION, 0.75);
}

Test(node_shares, accelerators_take_three_quarters)
{
    struct kerf_resources capacity = resources_of(4 * CORE, 16 * GB, 29);
    kerf_resources_set(&capacity, KERF_RESOURCE_NVIDIA_GPU, 4000);
    struct kerf_resources workload = resources_of(2 * CORE, 8 * GB, 1);
    kerf_resources_set(&workload, KERF_RESOURCE_NVIDIA_GPU, 1000);
    const struct kerf_cost_shares shares =
        kerf_node_shares(&(struct kerf_node_use){.capacity = &capacity, .allocatable = &capacity, .workload = &workload});
    expect_share(&shares, KERF_COST_WORKLOAD, 0.75 * 0.25 + 0.25 * 0.5);
    expect_share(&shares, KERF_COST_IDLE, 0.5);
    expect_share(&shares, KERF_COST_FRAGMENTATION, 0.75 * 0.25);
    expect_whole(&shares);
}

Test(node_shares, devices_and_cores_of_neuron_are_one_thing)
{
    struct kerf_resources capacity = resources_of(4 * CORE, 16 * GB, 29);
    kerf_resources_set(&capacity, KERF_RESOURCE_NEURON, 1000);
    kerf_resources_set(&capacity, KERF_RESOURCE_NEURONCORE, 2000);
    struct kerf_resources workload = {0};
    kerf_resources_set(&workload, KERF_RESOURCE_NEURONCORE, 1000);
    const struct kerf_cost_shares shares =
        kerf_node_shares(&(struct kerf_node_use){.capacity = &capacity, .allocatable = &capacity, .workload = &workload});
    expect_share(&shares, KERF_COST_WORKLOAD, 0.375);
}

Test(node_shares, requests_beyond_capacity_are_cut)
{
    const struct kerf_resources capacity = resources_of(4 * CORE, 16 * GB, 10);
    const struct kerf_resources daemonset = resources_of(CORE, 0, 1);
    const struct kerf_resources workload = resources_of(9 * CORE, 0, 20);
    const struct kerf_resources headroom = resources_of(CORE, 16 * GB, 1);
    const struct kerf_cost_shares shares = kerf_node_shares(&(struct kerf_node_use){
        .capacity = &capacity, .allocatable = &capacity, .workload = &workload, .daemonset = &daemonset, .headroom = &headroom});
    expect_share(&shares, KERF_COST_DAEMONSET, cpu_weight * 0.25);
    expect_share(&shares, KERF_COST_WORKLOAD, cpu_weight * 0.75);
    expect_share(&shares, KERF_COST_HEADROOM, memory_weight);
    expect_whole(&shares);
}

Test(node_shares, strange_inputs_still_make_a_whole)
{
    const struct kerf_resources nothing = {0};
    const struct kerf_resources huge = resources_of(INT64_MAX, INT64_MAX, INT64_MAX);
    const struct kerf_resources tiny = resources_of(1, 0, 0);
    const struct kerf_resources negative = resources_of(-5 * CORE, -GB, -1);
    const struct kerf_resources *all[] = {NULL, &nothing, &huge, &tiny, &negative};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 5; j++)
            for (size_t k = 0; k < 5; k++) {
                const struct kerf_cost_shares shares = kerf_node_shares(
                    &(struct kerf_node_use){.capacity = all[i], .allocatable = all[j], .workload = all[k], .headroom = all[j]});
                expect_whole(&shares);
            }
    const struct kerf_cost_shares shares = kerf_node_shares(&(struct kerf_node_use){0});
    cr_expect_eq(shares.by_cause[KERF_COST_IDLE], KERF_SHARE_ONE);
}
