/**
 * provisioning: the door of the room: the pods that take part (1.1 to 1.3), and a pass from its set-up (sections 1.6, 3, 7) over
 * the engine that places pods to the finished plan.
 */
#include <stdlib.h>

#include "provisioning/fast_internal.h"

/* ---- pods that take part ---------------------------------------------------------------------------------------------- */

struct collection {
    kerf_pod_id *pods;
    size_t pod_count;
    KERF_VEC(struct kerf_plan_refusal) refusals;
};

static void collect(const struct kerf_cluster *cluster, struct kerf_arena *arena, const struct kerf_cluster_pod *pod,
                    struct collection *collection)
{
    if (!kerf_pod_is_provisionable(&pod->pod))
        return;
    const char *problems = kerf_pod_validate(cluster, &pod->pod, arena);
    if (problems == NULL)
        collection->pods[collection->pod_count++] = pod->id;
    else
        KERF_VEC_PUSH_IN(arena, &collection->refusals, (struct kerf_plan_refusal){.pod = pod->id, .reason = problems});
}

void kerf_provisioning_collect_pods(const struct kerf_cluster *cluster, kerf_time_us now_epoch_us, struct kerf_arena *arena,
                                    const kerf_pod_id **out_pods, size_t *out_pod_count,
                                    const struct kerf_plan_refusal **out_refusals, size_t *out_refusal_count)
{
    size_t pending = kerf_cluster_pending_count(cluster), ended = kerf_cluster_ended_unbound_count(cluster);
    size_t on_deleting = 0;
    for (size_t i = 0; i < kerf_cluster_node_count(cluster); i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, i);
        if (node->has_node && kerf_cluster_is_deleting(cluster, node))
            on_deleting += node->pod_count;
    }
    struct collection collection = {.pods = KERF_NEW_ARRAY(arena, kerf_pod_id, pending + ended + on_deleting)};
    for (size_t i = 0; i < pending; i++)
        collect(cluster, arena, kerf_cluster_pending_at(cluster, i), &collection);
    for (size_t i = 0; i < ended; i++) /* nobody looks at the phase (1.1) */
        collect(cluster, arena, kerf_cluster_ended_unbound_at(cluster, i), &collection);
    for (size_t i = 0; on_deleting > 0 && i < kerf_cluster_node_count(cluster); i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, i);
        if (!node->has_node || !kerf_cluster_is_deleting(cluster, node))
            continue;
        for (uint32_t k = 0; k < node->pod_count; k++) {
            const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, node->pods[k]);
            if (pod != NULL && kerf_pod_is_currently_reschedulable(cluster, pod, now_epoch_us))
                collection.pods[collection.pod_count++] = pod->id;
        }
    }
    *out_pods = collection.pods;
    *out_pod_count = collection.pod_count;
    *out_refusals = collection.refusals.items;
    *out_refusal_count = collection.refusals.count;
}

/* ---- a pass ------------------------------------------------------------------------------------------------------------ */

const char kerf_no_pool_reason[] = "no dynamic nodepools found";
const char kerf_dra_reason[] = "pod has resource claims, and dynamic resource allocation is ignored (ignore-dra-requests)";

static void finish(struct kerf_pass *pass, struct kerf_plan *plan, const struct kerf_plan_refusal *left, size_t left_count)
{
    plan->stopped = pass->stopped;
    if (pass->stopped)
        return;
    kerf_pass_finish(pass, plan, left, left_count);
    if (pass->input->explain)
        kerf_pass_explain(pass, plan);
    plan->last_attempt = pass->last_attempt;
}

static void run_plain(struct kerf_pass *pass, struct kerf_plan *plan)
{
    size_t left_count;
    const struct kerf_plan_refusal *left = kerf_plain_solve(pass, &left_count);
    finish(pass, plan, left, left_count);
    kerf_plain_fini(pass);
}

static void run_fast(struct kerf_pass *pass, struct kerf_plan *plan)
{
    struct kerf_fast fast = {.pass = pass};
    size_t left_count;
    pass->keeps_room_apart = true;
    const struct kerf_plan_refusal *left = kerf_fast_solve(&fast, &left_count);
    for (size_t i = 0; i < pass->claims.count; i++)
        kerf_pass_settle_options(pass, pass->claims.items[i]);
    finish(pass, plan, left, left_count);
    kerf_fast_fini(&fast);
}

void kerf_pass_start(struct kerf_pass *pass, const struct kerf_provisioning_input *input)
{
    *pass = (struct kerf_pass){
        .input = input,
        .cluster = input->cluster,
        .objects = kerf_cluster_objects(input->cluster),
        .vocabulary = kerf_cluster_vocabulary(input->cluster),
        .options = input->options,
        .cache = input->cache != NULL ? input->cache : kerf_provisioning_cache_new(input->cluster),
        .search_sorted = true,
    };
    KERF_ASSERT(pass->cache->cluster == input->cluster);
    kerf_arena_init(&pass->arena);
    kerf_arena_init(&pass->scratch);
    kerf_provisioning_cache_refresh(pass->cache);
    kerf_pass_take_base(pass); /* before the pods: their last preference depends on the pools */
}

void kerf_pass_end(struct kerf_pass *pass)
{
    if (pass->input->cache == NULL)
        kerf_provisioning_cache_free(pass->cache);
    kerf_pass_fini_topology(pass);
    free(pass->search);
    free(pass->search_keys);
    kerf_arena_fini(&pass->arena);
    kerf_arena_fini(&pass->scratch);
}

static struct kerf_plan *run(const struct kerf_provisioning_input *input)
{
    struct kerf_plan *plan = kerf_allocate(sizeof *plan);
    kerf_arena_init(&plan->arena);
    if (input->pod_count == 0)
        return plan;
    struct kerf_pass pass;
    kerf_pass_start(&pass, input);
    pass.explain_arena = &plan->arena;
    if (pass.cache->has_reserved) /* what refuses a pod may take it a pod later: nothing is remembered, nothing packed */
        pass.options.engine = KERF_ENGINE_PLAIN;
    if (pass.options.engine == KERF_ENGINE_FAST)
        run_fast(&pass, plan);
    else
        run_plain(&pass, plan);
    kerf_pass_end(&pass);
    return plan;
}

/* Karpenter's own plan, unless the packed one holds more pods, or as many for less. */
static struct kerf_plan *run_packed(const struct kerf_provisioning_input *input)
{
    struct kerf_provisioning_input as_karpenter = *input;
    as_karpenter.options.engine = KERF_ENGINE_FAST;
    struct kerf_plan *packed = run(input);
    struct kerf_plan *plain = run(&as_karpenter);
    size_t packed_unlaunched, plain_unlaunched;
    double packed_price = kerf_plan_price_usd_per_hour(input, packed, &packed_unlaunched);
    double plain_price = kerf_plan_price_usd_per_hour(input, plain, &plain_unlaunched);
    size_t packed_left = packed->refusal_count + packed_unlaunched, plain_left = plain->refusal_count + plain_unlaunched;
    bool keeps_packed = packed_left < plain_left || (packed_left == plain_left && packed_price < plain_price);
    kerf_plan_free(keeps_packed ? plain : packed);
    return keeps_packed ? packed : plain;
}

struct kerf_plan *kerf_provisioning_plan(const struct kerf_provisioning_input *input)
{
    return input->options.engine == KERF_ENGINE_PACKED && input->pod_count > 0 ? run_packed(input) : run(input);
}

double kerf_plan_price_usd_per_hour(const struct kerf_provisioning_input *input, const struct kerf_plan *plan, size_t *out_unlaunched)
{
    struct kerf_provisioning_cache *cache =
        input->cache != NULL ? input->cache : kerf_provisioning_cache_new(input->cluster);
    kerf_name name = kerf_name_of(kerf_cluster_vocabulary(input->cluster)->names, "priced");
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    double usd_per_hour = 0;
    *out_unlaunched = 0;
    for (size_t i = 0; i < plan->claim_count; i++) {
        struct kerf_nodeclaim claim;
        struct kerf_launch_request request;
        struct kerf_arena_mark mark = kerf_arena_mark(&arena);
        kerf_plan_make_claim(input->cluster, &plan->claims[i], name, input->options.now_epoch_us, &arena, &claim);
        kerf_provisioning_request_launch(cache, &claim, &arena, &request);
        if (request.override_count > 0)
            usd_per_hour += request.overrides[0].offering->price_usd_per_hour;
        else
            (*out_unlaunched)++;
        kerf_arena_rewind(&arena, mark);
    }
    kerf_arena_fini(&arena);
    if (input->cache == NULL)
        kerf_provisioning_cache_free(cache);
    return usd_per_hour;
}

void kerf_plan_free(struct kerf_plan *plan)
{
    if (plan == NULL)
        return;
    kerf_arena_fini(&plan->arena);
    free(plan);
}
