/** Which option is taken: a chain of filters, each of which keeps its best (7.3). */
#include "autoscaling_internal.h"
#include "random/random.h"

const struct node_template *kerf_expansion_template(const struct expansion *expansion, uint32_t option)
{
    return &expansion->autoscaling->templates[expansion->options[option].group_index];
}

/** Keeps those of the smallest score, by exact equality as the real one compares. */
static uint32_t keep_lowest(uint32_t *kept, uint32_t count, const double *scores)
{
    uint32_t left = 0;
    double best = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (left == 0 || scores[i] < best) {
            best = scores[i];
            left = 0;
        }
        if (scores[i] <= best)
            kept[left++] = kept[i];
    }
    return left;
}

static double waste_of(const struct expansion *expansion, uint32_t option_index)
{
    const struct kerf_autoscaling_option *option = &expansion->options[option_index];
    const struct kerf_node *node = &kerf_expansion_template(expansion, option_index)->node;
    kerf_i128 cpu = 0, memory = 0;
    for (uint32_t i = 0; i < option->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(expansion->autoscaling->cluster, option->pods[i])->pod;
        cpu += pod->requests->cpu_nanocores;
        memory += pod->requests->memory_millibytes;
    }
    int64_t used_millicores = kerf_saturate_i64((cpu + 999999) / 1000000);
    int64_t used_bytes = kerf_saturate_i64((memory + 999) / 1000);
    int64_t millicores = node->capacity.cpu_nanocores / 1000000 * option->node_count;
    int64_t bytes = node->capacity.memory_millibytes / 1000 * option->node_count;
    return (double)(millicores - used_millicores) / (double)millicores + (double)(bytes - used_bytes) / (double)bytes;
}

static uint32_t run_filter(const struct expansion *expansion, enum kerf_expander expander, uint32_t *kept, uint32_t count)
{
    double *scores = KERF_NEW_ARRAY(&expansion->autoscaling->arena, double, count);
    bool by_score = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_autoscaling_option *option = &expansion->options[kept[i]];
        if (expander == KERF_EXPANDER_LEAST_WASTE)
            scores[i] = waste_of(expansion, kept[i]);
        else if (expander == KERF_EXPANDER_MOST_PODS)
            scores[i] = -(double)option->pod_count;
        else if (expander == KERF_EXPANDER_LEAST_NODES)
            scores[i] = (double)option->node_count;
        else
            by_score = false;
    }
    uint32_t left = count;
    if (by_score)
        left = keep_lowest(kept, count, scores);
    else if (expander == KERF_EXPANDER_PRICE)
        left = kerf_expander_price(expansion, kept, count);
    else if (expander == KERF_EXPANDER_PRIORITY)
        left = kerf_expander_priority(expansion, kept, count);
    return left; /* random keeps all: the last draw is its own */
}

uint32_t kerf_expansion_choose(const struct expansion *expansion, uint32_t *out_best)
{
    const struct kerf_autoscaler_options *options = expansion->autoscaling->options;
    uint32_t count = expansion->option_count;
    for (uint32_t i = 0; i < count; i++)
        out_best[i] = i;
    for (uint32_t i = 0; i < options->expander_count && count > 1; i++)
        count = run_filter(expansion, options->expanders[i], out_best, count);
    return count;
}
