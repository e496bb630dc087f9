/** report_gap: how far a plan is from the cheapest, for people and for programs (`kerf plan --bound`). */
#include "report/report_gap.h"

static double percent_above(double usd_per_hour, double bound)
{
    return bound > 0 ? 100 * (usd_per_hour - bound) / bound : 0;
}

/* Do both hold the same number of pods, so that their prices can be compared? */
static bool compares(const struct kerf_gap_plan *a, const struct kerf_gap_plan *b)
{
    return a->left_count == b->left_count && a->unlaunched_count == b->unlaunched_count;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static void put_plan(struct kerf_json *json, const char *key, const struct kerf_gap_plan *plan, const struct kerf_provisioning_bound *bound)
{
    kerf_json_key(json, key);
    kerf_json_begin_map_in_line(json);
    kerf_json_put_double(json, "usdPerHour", plan->usd_per_hour);
    kerf_json_put_i64(json, "nodes", (int64_t)plan->node_count);
    kerf_json_put_i64(json, "podsLeft", (int64_t)plan->left_count);
    if (plan->unlaunched_count > 0)
        kerf_json_put_i64(json, "nodesWithoutLaunch", (int64_t)plan->unlaunched_count);
    if (bound->is_known && bound->usd_per_hour > 0)
        kerf_json_put_double(json, "gapPercent", percent_above(plan->usd_per_hour, bound->usd_per_hour));
    kerf_json_end_map(json);
}

static void put_bound(struct kerf_json *json, const struct kerf_provisioning_bound *bound)
{
    if (!bound->is_known)
        return;
    kerf_json_put_double(json, "usdPerHour", bound->usd_per_hour);
    kerf_json_put_i64(json, "pods", (int64_t)bound->pod_count);
    kerf_json_put_text(json, "method", bound->method);
}

void kerf_report_gap_json(const struct kerf_plan_advice *advice, struct kerf_json *json)
{
    const struct kerf_plan_gap *gap = advice->gap;
    kerf_json_begin_map(json);
    put_bound(json, &gap->bound);
    put_plan(json, "karpenter", &gap->karpenter, &gap->bound);
    put_plan(json, "packed", &gap->packed, &gap->bound);
    kerf_json_key(json, "restrictions");
    kerf_json_begin_list(json);
    for (size_t i = 0; i < gap->restriction_count; i++) {
        const struct kerf_plan_restriction *without = &gap->restrictions[i];
        kerf_json_begin_map(json);
        kerf_json_put_text(json, "without", without->name);
        put_bound(json, &without->bound);
        put_plan(json, "karpenter", &without->karpenter, &without->bound);
        put_plan(json, "packed", &without->packed, &without->bound);
        if (compares(&without->packed, &gap->packed))
            kerf_json_put_double(json, "priceUsdPerHour", gap->packed.usd_per_hour - without->packed.usd_per_hour);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    kerf_json_end_map(json);
}

/* ---- text ------------------------------------------------------------------------------------------------------------- */

static void print_plan(const char *name, const struct kerf_gap_plan *plan, const struct kerf_provisioning_bound *bound, FILE *stream)
{
    fprintf(stream, "  %-28s $%10.4f an hour, %zu node%s", name, plan->usd_per_hour, plan->node_count, plan->node_count == 1 ? "" : "s");
    if (bound->is_known && bound->usd_per_hour > 0)
        fprintf(stream, ", %.2f %% above", percent_above(plan->usd_per_hour, bound->usd_per_hour));
    if (plan->left_count > 0)
        fprintf(stream, ", %zu pod%s left", plan->left_count, plan->left_count == 1 ? "" : "s");
    if (plan->unlaunched_count > 0)
        fprintf(stream, ", %zu that nothing can be launched for", plan->unlaunched_count);
    fprintf(stream, "\n");
}

static void print_restriction(const struct kerf_plan_gap *gap, const struct kerf_plan_restriction *without, FILE *stream)
{
    fprintf(stream, "  %-28s ", without->text);
    if (compares(&without->packed, &gap->packed))
        fprintf(stream, "$%10.4f an hour", gap->packed.usd_per_hour - without->packed.usd_per_hour);
    else
        fprintf(stream, "%zu pods left instead of %zu", gap->packed.left_count, without->packed.left_count);
    fprintf(stream, "; without: packed $%.4f, Karpenter $%.4f", without->packed.usd_per_hour, without->karpenter.usd_per_hour);
    if (without->bound.is_known)
        fprintf(stream, ", bound $%.4f", without->bound.usd_per_hour);
    fprintf(stream, "\n");
}

void kerf_report_gap_text(const struct kerf_plan_advice *advice, FILE *stream)
{
    const struct kerf_plan_gap *gap = advice->gap;
    fprintf(stream, "\nHow close to the cheapest\n");
    if (gap->bound.is_known)
        fprintf(stream, "  %-28s $%10.4f an hour for the %zu pods placed: proved, no plan under these NodePools costs less\n", "bound",
                gap->bound.usd_per_hour, gap->bound.pod_count);
    else
        fprintf(stream, "  no bound: the numbers outgrow the packer\n");
    print_plan("Karpenter's plan", &gap->karpenter, &gap->bound, stream);
    print_plan("packed by price", &gap->packed, &gap->bound, stream);
    if (gap->restriction_count > 0)
        fprintf(stream, "\nWhat restrictions cost (packed by price)\n");
    for (size_t i = 0; i < gap->restriction_count; i++)
        print_restriction(gap, &gap->restrictions[i], stream);
}
