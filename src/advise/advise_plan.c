/** advise_plan: one Karpenter provisioning pass over a snapshot, and what would be launched for each nodeclaim. */
#include <stdlib.h>

#include "advise/advise_internal.h"
#include "advise/plan_advice.h"

static void request_launches(const struct kerf_snapshot *snapshot, struct kerf_provisioning_cache *cache,
                             struct kerf_plan_advice *advice)
{
    struct kerf_launch_request *launches = KERF_NEW_ARRAY(&advice->arena, struct kerf_launch_request, advice->plan->claim_count);
    for (size_t i = 0; i < advice->plan->claim_count; i++) {
        const struct kerf_planned_claim *planned = &advice->plan->claims[i];
        kerf_name pool_name = snapshot->objects.nodepools.items[planned->nodepool_index].meta.name;
        kerf_name claim_name = kerf_name_format(snapshot->vocabulary->names, "%s-%05zu", pool_name->text, i);
        struct kerf_nodeclaim claim;
        kerf_plan_make_claim(snapshot->cluster, planned, claim_name, snapshot->at_epoch_us, &advice->arena, &claim);
        kerf_provisioning_request_launch(cache, &claim, &advice->arena, &launches[i]);
    }
    advice->launches = launches;
}

struct kerf_plan_advice *kerf_advise_plan(struct kerf_snapshot *snapshot)
{
    struct kerf_plan_advice *advice = kerf_allocate(sizeof *advice);
    kerf_arena_init(&advice->arena);
    advice->cluster = snapshot->cluster;
    advice->at_epoch_us = snapshot->at_epoch_us;
    struct kerf_provisioning_input input = {
        .cluster = snapshot->cluster,
        .cache = kerf_provisioning_cache_new(snapshot->cluster),
        .options = snapshot->disruption.provisioning,
    };
    input.options.now_epoch_us = snapshot->at_epoch_us;
    input.explain = snapshot->explain;
    input.explain_only = snapshot->explain_one ? &snapshot->explain_pod : NULL;
    kerf_provisioning_collect_pods(snapshot->cluster, snapshot->at_epoch_us, &advice->arena, &input.pods, &input.pod_count,
                                   &advice->invalid, &advice->invalid_count);
    advice->pod_count = input.pod_count + advice->invalid_count;
    advice->plan = kerf_provisioning_plan(&input);
    request_launches(snapshot, input.cache, advice);
    if (snapshot->bound)
        kerf_plan_find_gap(&input, advice);
    if (snapshot->explain)
        kerf_explain_plan(snapshot, &input, advice);
    kerf_provisioning_cache_free(input.cache);
    return advice;
}

void kerf_plan_advice_free(struct kerf_plan_advice *advice)
{
    if (advice == NULL)
        return;
    kerf_plan_free(advice->plan);
    kerf_plan_free(advice->traced);
    kerf_arena_fini(&advice->arena);
    free(advice);
}

bool kerf_plan_advice_all_placed(const struct kerf_plan_advice *advice)
{
    return advice->invalid_count == 0 && advice->plan->refusal_count == 0;
}
