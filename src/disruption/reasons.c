/** Texts for people: why a node stays, with the numbers that decided it. Nothing is decided here. */
#include "disruption/disruption_internal.h"

#include "document/document.h"

#include <float.h>

void kerf_explain_refusal(struct kerf_disruption_pass *pass, const struct kerf_cluster_node *node, const char *why)
{
    if (!pass->reasons)
        return;
    char until[KERF_TIME_TEXT_BYTES];
    bool going = node->has_claim && node->has_node && kerf_cluster_is_initialized(pass->cluster, node) && !node->in_command &&
                 kerf_cluster_is_deleting(pass->cluster, node);
    if (going && node->claim.meta.deletion_epoch_us != KERF_TIME_UNSET)
        kerf_disruption_explain(pass, node->id, "it is being deleted since %s", kerf_format_time(until, node->claim.meta.deletion_epoch_us));
    else if (!going && node->nominated_until_epoch_us != KERF_TIME_UNSET && pass->now_epoch_us < node->nominated_until_epoch_us &&
             strstr(why, "nominated"))
        kerf_disruption_explain(pass, node->id, "%s until %s", why, kerf_format_time(until, node->nominated_until_epoch_us));
    else
        kerf_disruption_explain(pass, node->id, "%s", why);
}

void kerf_explain_do_not_disrupt(struct kerf_disruption_pass *pass, kerf_node_id node, const struct kerf_pod *pod)
{
    if (!pass->reasons)
        return;
    kerf_name value = kerf_labels_get(&kerf_meta_details(&pod->meta)->annotations, pass->vocabulary->key_do_not_disrupt);
    kerf_disruption_explain(pass, node, "pod %s/%s has the annotation karpenter.sh/do-not-disrupt: %s", kerf_name_text(pod->meta.namespace_name),
                            kerf_name_text(pod->meta.name), kerf_name_text(value));
}

/** Such a pod can't be evicted at all, whatever its budgets allow (2.3 rule 2). */
void kerf_explain_several_budgets(struct kerf_disruption_pass *pass, kerf_node_id node, const struct kerf_pod *pod)
{
    const char *names = NULL;
    for (size_t i = 0; pass->reasons && i < pass->objects->pdbs.count; i++) {
        const struct kerf_pdb *pdb = &pass->objects->pdbs.items[i];
        if (pdb->meta.namespace_name != pod->meta.namespace_name || !kerf_label_selector_matches(&pdb->selector, &pod->meta.labels))
            continue;
        names = names ? kerf_arena_format(pass->arena, "%s, %s", names, kerf_name_text(pdb->meta.name)) : kerf_name_text(pdb->meta.name);
    }
    kerf_disruption_explain(pass, node, "several PodDisruptionBudgets select pod %s/%s, so it can't be evicted: %s",
                            kerf_name_text(pod->meta.namespace_name), kerf_name_text(pod->meta.name), names ? names : "");
}

/** When consolidateAfter will be over; or that nobody has marked the NodeClaim although it is. */
void kerf_explain_not_consolidatable(struct kerf_disruption_pass *pass, const struct kerf_candidate *candidate, const char *what)
{
    if (!pass->reasons)
        return;
    char after[KERF_TIME_TEXT_BYTES], until[KERF_TIME_TEXT_BYTES];
    kerf_time_us recheck_epoch_us;
    bool is_over = kerf_disruption_is_consolidatable(pass->cluster, candidate->node, pass->now_epoch_us, &recheck_epoch_us);
    kerf_format_duration(after, candidate->nodepool->consolidate_after_us);
    if (is_over)
        kerf_disruption_explain(pass, candidate->id, "%s is not Consolidatable: consolidateAfter %s is over, but the condition isn't True", what, after);
    else if (recheck_epoch_us != KERF_TIME_NEVER)
        kerf_disruption_explain(pass, candidate->id, "%s is not Consolidatable before %s: consolidateAfter %s since its last pod came or went", what,
                                kerf_format_time(until, recheck_epoch_us), after);
    else
        kerf_disruption_explain(pass, candidate->id, "%s is not Consolidatable", what);
}

const char *kerf_failure_reason(struct kerf_disruption_pass *pass, const struct kerf_simulation *simulation)
{
    if (!pass->reasons)
        return NULL;
    const struct kerf_pod *pod = &kerf_cluster_pod(pass->cluster, simulation->failed_pod)->pod;
    const char *text = kerf_arena_format(pass->arena, "pod %s/%s would have no place: %s", kerf_name_text(pod->meta.namespace_name),
                                         kerf_name_text(pod->meta.name), simulation->failed_why ? simulation->failed_why : "nothing fits");
    return simulation->failed_count < 2 ? text : kerf_arena_format(pass->arena, "%s; %zu more pods have none either", text, simulation->failed_count - 1);
}

const char *kerf_several_nodes_reason(struct kerf_disruption_pass *pass, const struct kerf_plan *plan, double price_usd_per_hour)
{
    if (!pass->reasons)
        return NULL;
    double sum = 0;
    for (size_t i = 0; i < plan->claim_count; i++) {
        const struct kerf_planned_claim *claim = &plan->claims[i];
        struct kerf_offering_mask allowed = kerf_offerings_allowed(pass, &claim->requirements, claim->instance_types, claim->instance_type_count);
        double cheapest = DBL_MAX;
        for (size_t j = 0; j < claim->instance_type_count; j++) {
            double price = kerf_cheapest_launch_price(pass, claim->instance_types[j], &allowed);
            cheapest = price < cheapest ? price : cheapest;
        }
        sum += cheapest < DBL_MAX ? cheapest : 0;
    }
    return kerf_arena_format(pass->arena, "%zu new nodes would be needed, $%.6g an hour at least, now it is $%.6g: consolidation makes one at most",
                             plan->claim_count, sum, price_usd_per_hour);
}

/** Section 1.3: before its nodeclaims are launched, the loop looks at nothing. */
void kerf_explain_not_synced(struct kerf_disruption_pass *pass)
{
    const struct kerf_cluster_node *waited_for = NULL;
    size_t count = kerf_cluster_node_count(pass->cluster);
    for (size_t at = 0; at < count && !waited_for; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(pass->cluster, at);
        if (node->has_claim && !node->claim.provider_id)
            waited_for = node;
    }
    for (size_t at = 0; waited_for && at < count; at++)
        kerf_disruption_explain(pass, kerf_cluster_node_at(pass->cluster, at)->id,
                                "no node is looked at before NodeClaim %s is launched: it has no provider ID yet",
                                kerf_name_text(waited_for->claim.meta.name));
}
