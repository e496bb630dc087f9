/** Scores of feasible nodes: each plugin, normalised and weighted (kube-scheduler.md 7 and 9). */
#include "binding_internal.h"

#include <math.h>

/** The helper D of section 7: against the largest raw score. */
static void normalise(int64_t *scores, uint32_t count, bool reverse)
{
    int64_t largest = 0;
    for (uint32_t i = 0; i < count; i++)
        largest = kerf_max_i64(largest, scores[i]);
    for (uint32_t i = 0; i < count; i++) {
        if (largest == 0) {
            scores[i] = reverse ? 100 : scores[i];
            continue;
        }
        scores[i] = 100 * scores[i] / largest;
        if (reverse)
            scores[i] = 100 - scores[i];
    }
}

static bool score_taints(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    bool any = false;
    for (uint32_t i = 0; i < count && attempt->binding->soft_taint_nodes; i++) {
        const struct node_info *node = &attempt->binding->nodes[slots[i]];
        scores[i] = 0;
        for (size_t t = 0; node->has_soft_taints && t < node->taints.count; t++) {
            struct kerf_taints one = {&node->taints.items[t], 1};
            scores[i] += kerf_taints_untolerated(&one, &attempt->spec->tolerations,
                                                 1u << KERF_TAINT_PREFER_NO_SCHEDULE | KERF_COMPARISONS_OFF) != NULL;
        }
        any |= scores[i] != 0;
    }
    if (any)
        normalise(scores, count, true);
    else
        for (uint32_t i = 0; i < count; i++)
            scores[i] = 100;
    return true;
}

int64_t kerf_binding_preferred_of(const struct attempt *attempt, uint32_t slot)
{
    const struct kerf_pod_spec *spec = attempt->spec;
    const struct node_info *node = &attempt->binding->nodes[slot];
    int64_t sum = 0;
    for (uint32_t t = 0; t < spec->preferred_node_term_count; t++)
        if (spec->preferred_node_terms[t].weight &&
            kerf_node_selector_term_matches(&spec->preferred_node_terms[t].term, &node->labels, node->name))
            sum += spec->preferred_node_terms[t].weight;
    return sum;
}

static bool score_node_affinity(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    if (!attempt->spec->preferred_node_term_count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        scores[i] = attempt->kind ? attempt->kind->preferred[slots[i]] : kerf_binding_preferred_of(attempt, slots[i]);
    normalise(scores, count, false);
    return true;
}

/* ---- resources
 * --------------------------------------------------------------------------------------------------------------------------- */

struct weighted_resource {
    enum kerf_resource resource; /* KERF_RESOURCE_MAX: nobody in the input knows that name */
    int64_t weight;
};

static uint32_t scored_resources(const struct attempt *attempt, const struct kerf_resource_weight *configured,
                                 uint32_t configured_count, struct weighted_resource out[KERF_RESOURCE_MAX])
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(attempt->binding->cluster);
    if (!configured_count) {
        out[0] = (struct weighted_resource){KERF_RESOURCE_CPU, 1};
        out[1] = (struct weighted_resource){KERF_RESOURCE_MEMORY, 1};
        return 2;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < configured_count && count < KERF_RESOURCE_MAX; i++)
        for (uint32_t r = 0; r < vocabulary->resource_count; r++)
            if (vocabulary->resource_names[r] == configured[i].resource)
                out[count++] = (struct weighted_resource){(enum kerf_resource)r, configured[i].weight};
    return count;
}

static int64_t request_of(const struct attempt *attempt, enum kerf_resource resource)
{
    for (uint32_t i = 0; i < attempt->request_count; i++)
        if (attempt->requests[i].resource == resource)
            return attempt->requests[i].amount;
    return 0;
}

/** Neither cpu nor memory nor storage: a resource that nodes offer by name. */
static bool is_scalar(enum kerf_resource resource)
{
    return resource != KERF_RESOURCE_CPU && resource != KERF_RESOURCE_MEMORY && resource != KERF_RESOURCE_EPHEMERAL_STORAGE &&
           resource != KERF_RESOURCE_PODS;
}

/** The shape of RequestedToCapacityRatio at a utilisation from 0 to 100; scores of points count from 0 to 10. */
static int64_t shape_at(const struct kerf_scheduler_configuration *configuration, int64_t utilization)
{
    const struct kerf_shape_point *points = configuration->shape;
    for (uint32_t i = 0; i < configuration->shape_count; i++) {
        if (utilization > points[i].utilization)
            continue;
        int64_t score = 10 * (int64_t)points[i].score;
        if (i == 0)
            return score;
        int64_t before = 10 * (int64_t)points[i - 1].score;
        return before +
               (score - before) * (utilization - points[i - 1].utilization) / (points[i].utilization - points[i - 1].utilization);
    }
    return configuration->shape_count ? 10 * (int64_t)points[configuration->shape_count - 1].score : 0;
}

static int64_t resource_score(const struct kerf_scheduler_configuration *configuration, int64_t requested, int64_t allocatable)
{
    switch (configuration->fit_strategy) {
    case KERF_FIT_MOST_ALLOCATED:
        return 100 * kerf_min_i64(requested, allocatable) / allocatable;
    case KERF_FIT_REQUESTED_TO_CAPACITY_RATIO:
        return shape_at(configuration, requested > allocatable ? 100 : 100 * requested / allocatable);
    default:
        return requested > allocatable ? 0 : 100 * (allocatable - requested) / allocatable;
    }
}

static bool score_fit(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    const struct kerf_scheduler_configuration *configuration = attempt->binding->configuration;
    bool by_ratio = configuration->fit_strategy == KERF_FIT_REQUESTED_TO_CAPACITY_RATIO;
    struct weighted_resource resources[KERF_RESOURCE_MAX];
    uint32_t resource_count =
        scored_resources(attempt, configuration->fit_resources, configuration->fit_resource_count, resources);
    int64_t requests[KERF_RESOURCE_MAX];
    for (uint32_t r = 0; r < resource_count; r++)
        requests[r] = resources[r].resource == KERF_RESOURCE_CPU      ? attempt->nonzero_cpu
                      : resources[r].resource == KERF_RESOURCE_MEMORY ? attempt->nonzero_memory
                                                                      : request_of(attempt, resources[r].resource);
    for (uint32_t i = 0; i < count; i++) {
        const struct node_info *node = &attempt->binding->nodes[slots[i]];
        int64_t sum = 0, weights = 0;
        for (uint32_t r = 0; r < resource_count; r++) {
            enum kerf_resource resource = resources[r].resource;
            int64_t allocatable = node->allocatable[resource];
            if (allocatable == 0 || (is_scalar(resource) && requests[r] == 0))
                continue;
            int64_t used = resource == KERF_RESOURCE_CPU      ? node->nonzero_cpu
                           : resource == KERF_RESOURCE_MEMORY ? node->nonzero_memory
                                                              : node->used[resource];
            int64_t score = resource_score(configuration, used + requests[r], allocatable);
            if (by_ratio && score <= 0)
                continue;
            sum += score * resources[r].weight;
            weights += resources[r].weight;
        }
        if (weights == 0)
            scores[i] = 0;
        else
            scores[i] = by_ratio ? (int64_t)round((double)sum / (double)weights) : sum / weights;
    }
    return true;
}

static int64_t balance_of(const double *fractions, uint32_t count)
{
    double deviation = 0;
    if (count == 2) {
        deviation = fabs((fractions[0] - fractions[1]) / 2);
    } else if (count > 2) {
        double sum = 0, squares = 0;
        for (uint32_t i = 0; i < count; i++)
            sum += fractions[i];
        double mean = sum / (double)count;
        for (uint32_t i = 0; i < count; i++)
            squares += (fractions[i] - mean) * (fractions[i] - mean);
        deviation = sqrt(squares / (double)count);
    }
    return (int64_t)((1 - deviation) * 100.0);
}

static double fraction_of(int64_t requested, int64_t allocatable)
{
    double fraction = (double)requested / (double)allocatable;
    return fraction > 1 ? 1 : fraction;
}

static bool score_balance(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    const struct kerf_scheduler_configuration *configuration = attempt->binding->configuration;
    struct weighted_resource resources[KERF_RESOURCE_MAX];
    uint32_t resource_count =
        scored_resources(attempt, configuration->balanced_resources, configuration->balanced_resource_count, resources);
    int64_t requests[KERF_RESOURCE_MAX];
    bool any = false;
    for (uint32_t r = 0; r < resource_count; r++) {
        requests[r] = request_of(attempt, resources[r].resource);
        any |= requests[r] != 0;
    }
    if (!any)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct node_info *node = &attempt->binding->nodes[slots[i]];
        double with[KERF_RESOURCE_MAX], without[KERF_RESOURCE_MAX];
        uint32_t fractions = 0;
        for (uint32_t r = 0; r < resource_count; r++) {
            enum kerf_resource resource = resources[r].resource;
            if (node->allocatable[resource] == 0 || (is_scalar(resource) && requests[r] == 0))
                continue;
            with[fractions] = fraction_of(node->used[resource] + requests[r], node->allocatable[resource]);
            without[fractions++] = fraction_of(node->used[resource], node->allocatable[resource]);
        }
        scores[i] = 50 + (50 + balance_of(with, fractions) - balance_of(without, fractions)) / 2;
    }
    return true;
}

/* ---- images
 * -------------------------------------------------------------------------------------------------------------------------------
 */

#define IMAGE_MEBIBYTE (1024ll * 1024)
#define IMAGE_BYTES_MIN (23 * IMAGE_MEBIBYTE)
#define IMAGE_BYTES_MAX_PER_CONTAINER (1000 * IMAGE_MEBIBYTE)

/** The name under which kubelets report it: `:latest` where there is no tag. NULL: nobody has it. */
static kerf_name normal_image(const struct attempt *attempt, kerf_name image)
{
    if (!image)
        return NULL;
    const char *colon = strrchr(image->text, ':');
    const char *slash = strrchr(image->text, '/');
    if (colon && (!slash || colon > slash))
        return image;
    const char *tagged = kerf_arena_format(attempt->arena, "%s:latest", image->text);
    return kerf_name_find(kerf_cluster_vocabulary(attempt->binding->cluster)->names, tagged);
}

static bool node_has_image(const struct node_info *node, kerf_name image)
{
    for (uint32_t i = 0; i < node->image_count; i++)
        for (uint32_t n = 0; n < node->images[i].name_count; n++)
            if (node->images[i].names[n] == image)
                return true;
    return false;
}

static bool score_images(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores)
{
    struct kerf_binding *binding = attempt->binding;
    memset(scores, 0, count * sizeof *scores);
    kerf_binding_refresh_images(binding);
    if (!binding->any_images)
        return true;
    uint32_t container_count = attempt->spec->container_count;
    int64_t largest = IMAGE_BYTES_MAX_PER_CONTAINER * container_count;
    for (uint32_t c = 0; c < container_count; c++) {
        kerf_name image = normal_image(attempt, attempt->spec->containers[c].image);
        uint32_t index = image ? kerf_name_map_get(&binding->image_by_name, image) : KERF_NOT_FOUND;
        if (index == KERF_NOT_FOUND)
            continue;
        const struct image_state *state = &binding->images.items[index];
        double spread = (double)state->node_count / (double)binding->order_count;
        int64_t points = (int64_t)((double)state->size_bytes * spread);
        for (uint32_t i = 0; i < count; i++)
            if (node_has_image(&binding->nodes[slots[i]], image))
                scores[i] += points;
    }
    for (uint32_t i = 0; i < count; i++) {
        int64_t sum = kerf_min_i64(kerf_max_i64(scores[i], IMAGE_BYTES_MIN), largest);
        scores[i] = container_count ? 100 * (sum - IMAGE_BYTES_MIN) / (largest - IMAGE_BYTES_MIN) : 0;
    }
    return true;
}

/* ---- together
 * ------------------------------------------------------------------------------------------------------------------------------
 */

typedef bool (*score_function)(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *scores);

static const score_function score_functions[KERF_SCORE_PLUGIN_COUNT] = {
    [KERF_SCORE_TAINT_TOLERATION] = score_taints,     [KERF_SCORE_NODE_AFFINITY] = score_node_affinity,
    [KERF_SCORE_TOPOLOGY_SPREAD] = kerf_spread_score, [KERF_SCORE_INTER_POD_AFFINITY] = kerf_interpod_score,
    [KERF_SCORE_RESOURCES_FIT] = score_fit,           [KERF_SCORE_BALANCED_ALLOCATION] = score_balance,
    [KERF_SCORE_IMAGE_LOCALITY] = score_images,
};

/** Those whose score of a node hangs on that node and the pod alone. */
static bool looks_at_one_node(uint32_t plugin)
{
    return plugin == KERF_SCORE_RESOURCES_FIT || plugin == KERF_SCORE_BALANCED_ALLOCATION || plugin == KERF_SCORE_IMAGE_LOCALITY;
}

int64_t kerf_binding_score_alone(struct attempt *attempt, uint32_t slot)
{
    int64_t total = 0;
    for (uint32_t plugin = 0; plugin < KERF_SCORE_PLUGIN_COUNT; plugin++) {
        int64_t weight = attempt->binding->weights[plugin], score;
        if (weight && looks_at_one_node(plugin) && score_functions[plugin](attempt, &slot, 1, &score))
            total += weight * score;
    }
    return total;
}

void kerf_binding_score(struct attempt *attempt, const uint32_t *slots, uint32_t count, int64_t *totals,
                        struct kerf_node_score *explained)
{
    for (uint32_t i = 0; i < count; i++)
        totals[i] = attempt->kind ? attempt->kind->scores[slots[i]] : 0;
    int64_t *scores = KERF_NEW_ARRAY(attempt->arena, int64_t, count);
    for (uint32_t plugin = 0; plugin < KERF_SCORE_PLUGIN_COUNT; plugin++) {
        int64_t weight = attempt->binding->weights[plugin];
        if (attempt->kind && looks_at_one_node(plugin))
            continue;
        if (!weight || !score_functions[plugin](attempt, slots, count, scores))
            continue;
        for (uint32_t i = 0; i < count; i++) {
            totals[i] += weight * scores[i];
            if (explained) {
                explained[i].by_plugin[plugin] = weight * scores[i];
                explained[i].scored |= 1u << plugin;
            }
        }
    }
}
