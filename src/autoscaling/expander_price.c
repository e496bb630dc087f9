/** Expander price: what an option costs over what its pods are worth, and how far its nodes are from a preferred size (7.3). */
#include "autoscaling_internal.h"

#include "random/random.h"

#define GIB_BYTES ((double)((int64_t)1 << 30))

static double price_of_amounts(const struct kerf_autoscale_pricing *pricing, double cores, double bytes)
{
    return cores * pricing->pod_cpu_usd_per_hour + bytes / GIB_BYTES * pricing->pod_gib_usd_per_hour;
}

static double price_of_pod(const struct kerf_autoscale_pricing *pricing, const struct kerf_pod_spec *spec)
{
    double price = 0;
    for (uint32_t i = 0; i < spec->container_count; i++) {
        if (spec->containers[i].init)
            continue;
        const struct kerf_resources *requests = &spec->containers[i].requests;
        price += price_of_amounts(pricing, (double)requests->cpu_nanocores / 1e9, (double)requests->memory_millibytes / 1e3);
    }
    return price;
}

static double preferred_cores(uint32_t node_count)
{
    static const struct {
        uint32_t nodes_max;
        double cores;
    } rows[] = {{2, 1}, {6, 2}, {20, 4}, {60, 8}, {200, 16}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (node_count <= rows[i].nodes_max)
            return rows[i].cores;
    return 32;
}

static bool has_gpu(const struct kerf_node *node)
{
    return node->allocatable.amounts[KERF_RESOURCE_NVIDIA_GPU] > 0 || node->capacity.amounts[KERF_RESOURCE_NVIDIA_GPU] > 0;
}

/** For x >= 0, with the same last digit everywhere. */
static double tanh_of(double x)
{
    double e = kerf_exact_exp(-2 * x);
    return (1 - e) / (1 + e);
}

static double score_of(const struct expansion *expansion, uint32_t index)
{
    const struct kerf_autoscaling_moment *moment = expansion->autoscaling->moment;
    const struct kerf_autoscaling_option *option = &expansion->options[index];
    const struct kerf_node *node = &kerf_expansion_template(expansion, index)->node;
    double pods = 0;
    for (uint32_t i = 0; i < option->pod_count; i++)
        pods += price_of_pod(&moment->pricing, kerf_cluster_pod(expansion->autoscaling->cluster, option->pods[i])->pod.spec);
    double nodes = moment->groups[option->group_index].price_usd_per_hour * (double)option->node_count;
    double steady = price_of_amounts(&moment->pricing, 0.5, 500.0 * 1024 * 1024);
    double preferred = preferred_cores(expansion->ready_node_count), cores = (double)node->capacity.cpu_nanocores / 1e9;
    double unfit = preferred / cores > cores / preferred ? preferred / cores : cores / preferred;
    double suppressed = (unfit - 1.0) * (1.0 - tanh_of((double)(option->node_count - 1) / 15.0)) + 1.0;
    if (has_gpu(node))
        suppressed = 1000;
    return suppressed * ((nodes + steady) / (pods + steady));
}

uint32_t kerf_expander_price(const struct expansion *expansion, uint32_t *kept, uint32_t count)
{
    uint32_t left = 0;
    double best = 0;
    for (uint32_t i = 0; i < count; i++) {
        double score = score_of(expansion, kept[i]);
        if (left == 0 || score < best) {
            best = score;
            left = 0;
        }
        if (score <= best)
            kept[left++] = kept[i];
    }
    return left;
}
