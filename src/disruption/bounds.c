/**
 * Bounds: most what-ifs end in nothing, and mostly a look at sums proves it without placing a pod. What doesn't fit on any other node by
 * processor, memory and number of pods, or is more than all of them have free, must go on new nodes; if no instance type that holds all of
 * that together is cheaper than the candidates, no decision of 7.5 is left but nothing. Affinity, topology, daemon pods and pending
 * pods, which bounds pass over, only make places fewer. Never says yes: a command always comes from a simulation.
 */
#include "disruption/disruption_internal.h"

#include <float.h>
#include <stdlib.h>

/** Amounts that bounds look at. */
enum { BOUND_CPU, BOUND_MEMORY, BOUND_PODS, BOUND_COUNT };
static const enum kerf_resource bound_resources[BOUND_COUNT] = { KERF_RESOURCE_CPU, KERF_RESOURCE_MEMORY, KERF_RESOURCE_PODS };

struct amounts {
    int64_t of[BOUND_COUNT];
};

/** A type as some NodePool may launch it. */
struct launchable {
    struct amounts allocatable;
    double price_usd_per_hour;          /* the least of its offerings */
    double on_demand_price_usd_per_hour; /* the least of those that aren't Spot; DBL_MAX: none */
};

/** A node that may take pods, by what is free on it. One that isn't initialized is none: a pod there fails the what-if (7.3). */
struct destination {
    struct amounts free;
    kerf_node_id id;
    const struct kerf_cluster_node *node;
    bool closed;  /* within its consolidateAfter window (7.2) */
    bool tainted; /* has taints that keep pods away */
};

/** What can be launched for some pods, by price. */
struct launchables {
    struct launchable *items;
    size_t count;
};

struct kerf_disruption_bounds {
    const struct kerf_cluster *cluster;
    struct kerf_roster *roster;
    struct launchables all;
    bool all_pools_spot_only;
    KERF_VEC(struct launchables) of_class; /* of pods that ask the same but for room (kerf_provisioning_overflow_class) */
    /* of the world as it was when the pass began */
    struct destination *destinations; /* most free cpu first */
    size_t destination_count;
    size_t destination_capacity;
};

static struct amounts amounts_of(const struct kerf_resources *resources)
{
    struct amounts amounts;
    for (int i = 0; i < BOUND_COUNT; i++)
        amounts.of[i] = resources->amounts[bound_resources[i]];
    return amounts;
}

static bool fit(const struct amounts *request, const struct amounts *total)
{
    for (int i = 0; i < BOUND_COUNT; i++)
        if (request->of[i] > 0 && request->of[i] > total->of[i])
            return false;
    return true;
}

/* ---- what can be launched: follows from the immutable inputs ---------------------------------------------------------------------- */

static int by_price(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_double(((const struct launchable *)a)->price_usd_per_hour, ((const struct launchable *)b)->price_usd_per_hour);
}

/** What pods ask of a node but room; NULL: anything. */
struct asked {
    const struct kerf_requirements *requirements;
    const struct kerf_tolerations *tolerations;
};

/** What every node of the pool has: its requirements and labels. */
static struct kerf_requirements pool_requirements(const struct kerf_disruption_bounds *bounds, struct kerf_arena *scratch,
                                                  const struct kerf_nodepool *nodepool)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(bounds->cluster);
    struct kerf_requirements wanted = kerf_requirements_of_labels(scratch, vocabulary, &nodepool->template_labels);
    kerf_requirements_add_expressions(scratch, vocabulary, &wanted, &nodepool->requirements);
    struct kerf_requirement own_name = kerf_requirement_in(scratch, vocabulary->key_nodepool, &nodepool->meta.name, 1);
    kerf_requirements_add(scratch, &wanted, &own_name);
    return wanted;
}

/** Offerings that are out of capacity at the moment count too: they may only make the bound lower. */
static void add_pool(struct kerf_disruption_bounds *bounds, struct launchables *launchables, struct kerf_arena *scratch,
                     uint32_t nodepool_index, const struct asked *asked)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(bounds->cluster);
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(bounds->cluster)->nodepools.items[nodepool_index];
    uint32_t nodeclass_index = kerf_cluster_nodeclass_of_pool(bounds->cluster, nodepool_index);
    if (nodepool->replicas >= 0 || nodeclass_index == KERF_NOT_FOUND)
        return;
    struct kerf_requirements wanted = pool_requirements(bounds, scratch, nodepool);
    if (asked) {
        if (kerf_taints_untolerated(&nodepool->taints, asked->tolerations, KERF_EFFECTS_HARD) ||
            !kerf_requirements_compatible(vocabulary, &wanted, asked->requirements, KERF_UNDEFINED_WELL_KNOWN, NULL))
            return;
        kerf_requirements_add_all(scratch, &wanted, asked->requirements);
    }
    const struct kerf_requirement *capacity_type = kerf_requirements_get(&wanted, vocabulary->key_capacity_type);
    if (!capacity_type || kerf_requirement_has(capacity_type, vocabulary->word_on_demand) ||
        kerf_requirement_has(capacity_type, vocabulary->word_reserved))
        bounds->all_pools_spot_only = bounds->all_pools_spot_only && asked; /* said of all pools once, whoever asks */
    const struct kerf_instance_types *types = kerf_cluster_instance_types(bounds->cluster, nodeclass_index);
    for (size_t i = 0; i < types->count; i++) {
        const struct kerf_instance_type *type = &types->items[i];
        if (!kerf_requirements_intersect(&type->requirements, &wanted, NULL))
            continue;
        struct launchable launchable = { amounts_of(&type->allocatable), DBL_MAX, DBL_MAX };
        for (uint32_t j = 0; j < type->offering_count; j++) {
            const struct kerf_offering *offering = &type->offerings[j];
            if (!offering->available ||
                !kerf_requirements_compatible(vocabulary, &wanted, &offering->requirements, KERF_UNDEFINED_WELL_KNOWN, NULL))
                continue;
            if (offering->price_usd_per_hour < launchable.price_usd_per_hour)
                launchable.price_usd_per_hour = offering->price_usd_per_hour;
            if (offering->capacity_type != KERF_SPOT && offering->price_usd_per_hour < launchable.on_demand_price_usd_per_hour)
                launchable.on_demand_price_usd_per_hour = offering->price_usd_per_hour;
        }
        if (launchable.price_usd_per_hour == DBL_MAX)
            continue;
        launchables->items[launchables->count++] = launchable;
    }
}

static struct launchables list_launchables(struct kerf_disruption_bounds *bounds, const struct asked *asked)
{
    const struct kerf_objects *objects = kerf_cluster_objects(bounds->cluster);
    struct launchables launchables = { 0 };
    launchables.items = kerf_allocate(
        kerf_array_bytes(objects->nodepools.count * kerf_catalog_type_count(kerf_cluster_catalog(bounds->cluster)), sizeof *launchables.items));
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    for (uint32_t pool = 0; pool < objects->nodepools.count; pool++)
        add_pool(bounds, &launchables, &scratch, pool, asked);
    kerf_arena_fini(&scratch);
    kerf_sort(launchables.items, launchables.count, sizeof *launchables.items, by_price, NULL);
    return launchables;
}

struct kerf_disruption_bounds *kerf_disruption_bounds_new(const struct kerf_cluster *cluster)
{
    struct kerf_disruption_bounds *bounds = kerf_allocate(sizeof *bounds);
    *bounds = (struct kerf_disruption_bounds){ .cluster = cluster, .all_pools_spot_only = true };
    bounds->all = list_launchables(bounds, NULL);
    bounds->roster = kerf_roster_new(cluster);
    return bounds;
}

void kerf_disruption_bounds_free(struct kerf_disruption_bounds *bounds)
{
    if (!bounds)
        return;
    free(bounds->all.items);
    kerf_roster_free(bounds->roster);
    for (size_t i = 0; i < bounds->of_class.count; i++)
        free(bounds->of_class.items[i].items);
    KERF_VEC_FREE(&bounds->of_class);
    free(bounds->destinations);
    free(bounds);
}

struct kerf_roster *kerf_disruption_bounds_roster(struct kerf_disruption_bounds *bounds)
{
    return bounds->roster;
}

/** The least that a node with room for all of it may cost. */
static double least_price(const struct launchables *launchables, const struct amounts *request, bool without_spot)
{
    double least = DBL_MAX;
    for (size_t i = 0; i < launchables->count; i++) {
        const struct launchable *launchable = &launchables->items[i];
        if (launchable->price_usd_per_hour >= least)
            break; /* none of the rest is cheaper */
        if (!fit(request, &launchable->allocatable))
            continue;
        double price = without_spot ? launchable->on_demand_price_usd_per_hour : launchable->price_usd_per_hour;
        least = price < least ? price : least;
    }
    return least;
}

/* ---- where there is room ----------------------------------------------------------------------------------------------------------- */

static int by_free_cpu(const void *a, const void *b, void *context)
{
    (void)context;
    const struct destination *x = a, *y = b;
    int order = kerf_compare_i64(y->free.of[BOUND_CPU], x->free.of[BOUND_CPU]);
    return order != 0 ? order : kerf_compare_u64(x->id.index, y->id.index);
}

/** Within its consolidateAfter window (7.2). */
static bool is_closed(const struct kerf_cluster *cluster, const struct kerf_cluster_node *node, kerf_time_us now_epoch_us)
{
    if (!node->has_claim || node->nodepool_index == KERF_NOT_FOUND)
        return false;
    const struct kerf_nodepool *nodepool = &kerf_cluster_objects(cluster)->nodepools.items[node->nodepool_index];
    kerf_time_us recheck_epoch_us;
    return nodepool->meta.deletion_epoch_us == KERF_TIME_UNSET && kerf_nodepool_is_ready(nodepool) &&
           !kerf_disruption_is_consolidatable(cluster, node, now_epoch_us, &recheck_epoch_us) && recheck_epoch_us != KERF_TIME_NEVER;
}

static bool has_hard_taint(const struct kerf_taints *taints)
{
    for (size_t i = 0; i < taints->count; i++)
        if (taints->items[i].effect != KERF_TAINT_PREFER_NO_SCHEDULE)
            return true;
    return false;
}

void kerf_disruption_bounds_begin(struct kerf_disruption_bounds *bounds, kerf_time_us now_epoch_us)
{
    const struct kerf_cluster *cluster = bounds->cluster;
    size_t node_count = kerf_cluster_node_count(cluster);
    bounds->destination_count = 0;
    if (node_count > bounds->destination_capacity) {
        bounds->destination_capacity = node_count + node_count / 2;
        bounds->destinations =
            kerf_reallocate(bounds->destinations, kerf_array_bytes(bounds->destination_capacity, sizeof *bounds->destinations));
    }
    for (size_t at = 0; at < node_count; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        if (kerf_cluster_is_deleting(cluster, node) || !node->has_node || !kerf_cluster_is_initialized(cluster, node))
            continue;
        struct destination *destination = &bounds->destinations[bounds->destination_count++];
        *destination = (struct destination){
            .id = node->id, .node = node, .closed = is_closed(cluster, node, now_epoch_us), .tainted = has_hard_taint(&node->node.taints)};
        for (int i = 0; i < BOUND_COUNT; i++)
            destination->free.of[i] = node->node.allocatable.amounts[bound_resources[i]] - node->requested.amounts[bound_resources[i]];
    }
    kerf_sort(bounds->destinations, bounds->destination_count, sizeof *bounds->destinations, by_free_cpu, NULL);
}

/** May the pod be there at all, room aside? */
static bool is_admitted(const struct kerf_disruption_pass *pass, const struct destination *destination, const struct kerf_pod *pod)
{
    if (destination->closed && pod->phase != KERF_POD_PENDING)
        return false;
    if (destination->tainted && kerf_taints_untolerated(&destination->node->node.taints, &pod->spec->tolerations, KERF_EFFECTS_HARD))
        return false;
    const struct kerf_labels *wanted = &pod->spec->node_selector;
    for (size_t i = 0; i < wanted->count; i++) {
        kerf_name key = kerf_vocabulary_normalize_key(pass->vocabulary, wanted->items[i].key);
        kerf_name value = kerf_labels_get(&destination->node->node.meta.labels, key);
        if (value && value != wanted->items[i].value) /* a label that is missing may come with another pod (provisioning Q11) */
            return false;
    }
    return true;
}

/** A pod of the what-if, with what bounds look at. */
struct bound_pod {
    const struct kerf_pod *pod;
    struct amounts request;
};

static bool fits_somewhere(const struct kerf_disruption_pass *pass, const struct bound_pod *pod)
{
    const struct kerf_disruption_bounds *bounds = pass->options->bounds;
    for (size_t i = 0; i < bounds->destination_count; i++) {
        const struct destination *destination = &bounds->destinations[i];
        if (pod->request.of[BOUND_CPU] > 0 && pod->request.of[BOUND_CPU] > destination->free.of[BOUND_CPU])
            return false; /* nor on any that has less */
        if (!kerf_bit_get(pass->left_out, destination->id.index) && fit(&pod->request, &destination->free) &&
            is_admitted(pass, destination, pod->pod))
            return true;
    }
    return false;
}

/** What all nodes together have free for these pods, from above. */
static struct amounts total_free(const struct kerf_disruption_pass *pass, const struct bound_pod *pods, size_t pod_count)
{
    const struct kerf_disruption_bounds *bounds = pass->options->bounds;
    struct amounts least = { { INT64_MAX, INT64_MAX, INT64_MAX } }, total = { { 0 } };
    bool some_pending = false;
    for (size_t i = 0; i < pod_count; i++) {
        some_pending = some_pending || pods[i].pod->phase == KERF_POD_PENDING;
        for (int k = 0; k < BOUND_COUNT; k++)
            least.of[k] = kerf_min_i64(least.of[k], pods[i].request.of[k]);
    }
    for (size_t i = 0; i < bounds->destination_count; i++) {
        const struct destination *destination = &bounds->destinations[i];
        if (least.of[BOUND_CPU] > 0 && least.of[BOUND_CPU] > destination->free.of[BOUND_CPU])
            break;
        if ((destination->closed && !some_pending) || kerf_bit_get(pass->left_out, destination->id.index) || !fit(&least, &destination->free))
            continue;
        bool admits_some = !destination->tainted;
        for (size_t j = 0; j < pod_count && !admits_some; j++)
            admits_some = is_admitted(pass, destination, pods[j].pod);
        for (int k = 0; admits_some && k < BOUND_COUNT; k++)
            total.of[k] = kerf_saturate_i64((kerf_i128)total.of[k] + kerf_max_i64(destination->free.of[k], 0));
    }
    return total;
}

/** What must go on new nodes, from below; false: nothing must. */
static bool must_leave(const struct kerf_disruption_pass *pass, struct bound_pod *pods, size_t pod_count, struct amounts *out_homeless)
{
    kerf_i128 homeless[BOUND_COUNT] = { 0 }, rest[BOUND_COUNT] = { 0 };
    size_t rest_count = 0;
    for (size_t i = 0; i < pod_count; i++) {
        bool has_home = fits_somewhere(pass, &pods[i]);
        for (int k = 0; k < BOUND_COUNT; k++)
            *(has_home ? &rest[k] : &homeless[k]) += pods[i].request.of[k];
        if (has_home)
            pods[rest_count++] = pods[i];
    }
    bool some = rest_count < pod_count;
    if (rest_count > 0) {
        struct amounts total = total_free(pass, pods, rest_count);
        for (int k = 0; k < BOUND_COUNT; k++) {
            if (rest[k] <= total.of[k])
                continue;
            homeless[k] += rest[k] - total.of[k];
            some = true;
        }
    }
    for (int k = 0; k < BOUND_COUNT; k++)
        out_homeless->of[k] = kerf_saturate_i64(homeless[k]);
    return some;
}

/** What must become cheaper. */
struct replaced {
    double price_usd_per_hour;
    bool without_spot; /* a new node that may be Spot is out of the question (7.6 rule 1); one that may not is no Spot offering */
};

static struct replaced sum_replaced(const struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates)
{
    struct replaced replaced = { 0 };
    bool all_spot = true;
    for (size_t i = 0; i < candidates->count; i++) {
        replaced.price_usd_per_hour += candidates->items[i]->price_usd_per_hour;
        all_spot = all_spot && candidates->items[i]->capacity_type == KERF_SPOT;
    }
    replaced.without_spot = all_spot && !pass->options->spot_to_spot_consolidation;
    return replaced;
}

bool kerf_disruption_bounds_refuse(const struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates, const kerf_pod_id *pods,
                                   size_t pod_count)
{
    const struct kerf_disruption_bounds *bounds = pass->options->bounds;
    struct bound_pod *bound_pods = kerf_allocate(kerf_array_bytes(pod_count, sizeof *bound_pods));
    for (size_t i = 0; i < pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(pass->cluster, pods[i])->pod;
        bound_pods[i] = (struct bound_pod){ pod, amounts_of(pod->requests) };
    }
    struct amounts homeless;
    bool some = must_leave(pass, bound_pods, pod_count, &homeless);
    free(bound_pods);
    if (!some)
        return false;
    struct replaced replaced = sum_replaced(pass, candidates);
    if (replaced.without_spot && bounds->all_pools_spot_only)
        return true;
    return least_price(&bounds->all, &homeless, replaced.without_spot) >= replaced.price_usd_per_hour;
}

bool kerf_disruption_bounds_refuse_overflow(const struct kerf_disruption_pass *pass, const struct kerf_candidates *candidates,
                                            const struct kerf_overflow_answer *overflow)
{
    struct kerf_disruption_bounds *bounds = pass->options->bounds;
    if (overflow->stopped)
        return true;
    if (overflow->homeless_count == 0)
        return false; /* nothing must be launched for them */
    struct replaced replaced = sum_replaced(pass, candidates);
    if (replaced.without_spot && bounds->all_pools_spot_only)
        return true;
    while (bounds->of_class.count < kerf_provisioning_overflow_class_count(pass->cache)) {
        struct asked asked;
        kerf_provisioning_overflow_class(pass->cache, bounds->of_class.count, &asked.requirements, &asked.tolerations);
        KERF_VEC_PUSH(&bounds->of_class, list_launchables(bounds, &asked));
    }
    /* One node must do for all of them, and so for each class. */
    struct amounts homeless = { { overflow->homeless.amounts[0], overflow->homeless.amounts[1], overflow->homeless.amounts[3] } };
    for (uint64_t classes = overflow->homeless_classes; classes; classes &= classes - 1)
        if (least_price(&bounds->of_class.items[__builtin_ctzll(classes)], &homeless, replaced.without_spot) >= replaced.price_usd_per_hour)
            return true;
    return false;
}
