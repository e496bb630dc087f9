/** report_plan: a provisioning pass for people and for programs (product.md, kerf.plan/v1). */
#include "advise/plan_advice.h"
#include "document/document.h"
#include "kerf/report.h"
#include "report/report_explain.h"
#include "report/report_gap.h"

enum { QUANTITY_BYTES = 40, TEXT_TYPES_SHOWN = 5, TEXT_PODS_SHOWN = 6, JSON_INDENT = 1 };

static const struct kerf_pod *pod_of(const struct kerf_plan_advice *advice, kerf_pod_id id)
{
    return &kerf_cluster_pod(advice->cluster, id)->pod;
}

static const char *namespace_of(const struct kerf_pod *pod)
{
    return pod->meta.namespace_name != NULL ? pod->meta.namespace_name->text : "default";
}

static const char *pool_name(const struct kerf_plan_advice *advice, const struct kerf_planned_claim *claim)
{
    return kerf_cluster_objects(advice->cluster)->nodepools.items[claim->nodepool_index].meta.name->text;
}

static kerf_name zone_name(const struct kerf_plan_advice *advice, const struct kerf_offering *offering)
{
    size_t count;
    return kerf_catalog_zones(kerf_cluster_catalog(advice->cluster), &count)[offering->zone_index].name;
}

static const char *reason_of(const struct kerf_plan_refusal *refusal)
{
    return refusal->reason != NULL ? refusal->reason : "the pass ended before its turn";
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static void put_pod(struct kerf_json *json, const struct kerf_plan_advice *advice, kerf_pod_id id)
{
    const struct kerf_pod *pod = pod_of(advice, id);
    kerf_json_format(json, "%s/%s", namespace_of(pod), pod->meta.name->text);
}

static void put_pods(struct kerf_json *json, const struct kerf_plan_advice *advice, const kerf_pod_id *pods, size_t count)
{
    kerf_json_key(json, "pods");
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < count; i++)
        put_pod(json, advice, pods[i]);
    kerf_json_end_list(json);
}

static void put_requirements(struct kerf_json *json, const struct kerf_plan_advice *advice,
                             const struct kerf_planned_claim *claim)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_expressions written =
        kerf_requirements_write(kerf_cluster_vocabulary(advice->cluster), &arena, &claim->requirements);
    kerf_json_key(json, "requirements");
    kerf_json_begin_list(json);
    for (size_t i = 0; i < written.count; i++) {
        const struct kerf_expression *expression = &written.items[i];
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "key", expression->key->text);
        kerf_json_put_text(json, "operator", kerf_operator_text(expression->op));
        if (expression->value_count > 0) {
            kerf_json_key(json, "values");
            kerf_json_begin_list(json);
            for (uint32_t k = 0; k < expression->value_count; k++)
                kerf_json_text(json, expression->values[k]->text);
            kerf_json_end_list(json);
        }
        if (expression->min_values >= 0)
            kerf_json_put_i64(json, "minValues", expression->min_values);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    kerf_arena_fini(&arena);
}

static void put_requests(struct kerf_json *json, const struct kerf_plan_advice *advice, const struct kerf_resources *requests)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(advice->cluster);
    kerf_json_key(json, "requests");
    kerf_json_begin_map_in_line(json);
    for (uint32_t i = 0; i < vocabulary->resource_count; i++) {
        char text[QUANTITY_BYTES];
        if (!kerf_resources_has(requests, (enum kerf_resource)i))
            continue;
        kerf_quantity_format((enum kerf_resource)i, requests->amounts[i], text, sizeof text);
        kerf_json_put_text(json, vocabulary->resource_names[i]->text, text);
    }
    kerf_json_end_map(json);
}

static void put_claim(struct kerf_json *json, const struct kerf_plan_advice *advice, size_t index)
{
    const struct kerf_planned_claim *claim = &advice->plan->claims[index];
    const struct kerf_launch_request *launch = &advice->launches[index];
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "nodePool", pool_name(advice, claim));
    put_pods(json, advice, claim->pods, claim->pod_count);
    put_requirements(json, advice, claim);
    kerf_json_key(json, "instanceTypes");
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < claim->instance_type_count; i++)
        kerf_json_text(json, claim->instance_types[i]->name->text);
    kerf_json_end_list(json);
    put_requests(json, advice, &claim->requests);
    if (launch->override_count > 0) {
        const struct kerf_launch_override *first = &launch->overrides[0];
        kerf_json_key(json, "launch");
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "instanceType", first->type->name->text);
        kerf_json_put_text(json, "zone", zone_name(advice, first->offering)->text);
        kerf_json_put_text(json, "capacityType", kerf_capacity_type_text(launch->capacity_type));
        kerf_json_put_double(json, "priceUsdPerHour", first->offering->price_usd_per_hour);
        kerf_json_end_map(json);
    }
    kerf_json_end_map(json);
}

static void put_refusals(struct kerf_json *json, const struct kerf_plan_advice *advice, const struct kerf_plan_refusal *refusals,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kerf_json_begin_map_in_line(json);
        kerf_json_key(json, "pod");
        put_pod(json, advice, refusals[i].pod);
        kerf_json_put_text(json, "reason", reason_of(&refusals[i]));
        kerf_json_end_map(json);
    }
}

static void report_json(const struct kerf_plan_advice *advice, FILE *stream)
{
    const struct kerf_plan *plan = advice->plan;
    struct kerf_json json;
    kerf_json_init(&json, stream, JSON_INDENT);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "schema", "kerf.plan/v1");
    kerf_json_key(&json, "nodeClaims");
    kerf_json_begin_list(&json);
    for (size_t i = 0; i < plan->claim_count; i++)
        put_claim(&json, advice, i);
    kerf_json_end_list(&json);
    kerf_json_key(&json, "existingNodes");
    kerf_json_begin_list(&json);
    for (size_t i = 0; i < plan->existing_count; i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(advice->cluster, plan->existing[i].node);
        kerf_json_begin_map(&json);
        kerf_json_put_text(&json, "name", kerf_cluster_node_name(advice->cluster, node)->text);
        put_pods(&json, advice, plan->existing[i].pods, plan->existing[i].pod_count);
        kerf_json_end_map(&json);
    }
    kerf_json_end_list(&json);
    kerf_json_key(&json, "unschedulable");
    kerf_json_begin_list(&json);
    put_refusals(&json, advice, advice->invalid, advice->invalid_count);
    put_refusals(&json, advice, plan->refusals, plan->refusal_count);
    kerf_json_end_list(&json);
    if (advice->explains) {
        kerf_json_key(&json, "explanations");
        kerf_report_explanations_json(advice, &json);
    }
    if (advice->gap != NULL) {
        kerf_json_key(&json, "bound");
        kerf_report_gap_json(advice, &json);
    }
    kerf_json_end_map(&json);
    enum kerf_status ignored = kerf_json_finish(&json); /* the stream remembers; the program looks at it before it ends */
    (void)ignored;
    kerf_json_fini(&json);
}

/* ---- text ------------------------------------------------------------------------------------------------------------- */

static void print_pods(const struct kerf_plan_advice *advice, const kerf_pod_id *pods, size_t count, FILE *stream)
{
    fprintf(stream, "    pods      ");
    for (size_t i = 0; i < count && i < TEXT_PODS_SHOWN; i++) {
        const struct kerf_pod *pod = pod_of(advice, pods[i]);
        fprintf(stream, "%s%s/%s", i > 0 ? ", " : "", namespace_of(pod), pod->meta.name->text);
    }
    if (count > TEXT_PODS_SHOWN)
        fprintf(stream, " and %zu more", count - TEXT_PODS_SHOWN);
    fprintf(stream, "\n");
}

static void print_requests(const struct kerf_plan_advice *advice, const struct kerf_resources *requests, FILE *stream)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(advice->cluster);
    const char *separator = "    requests  ";
    for (uint32_t i = 0; i < vocabulary->resource_count; i++) {
        char text[QUANTITY_BYTES];
        if (!kerf_resources_has(requests, (enum kerf_resource)i) || requests->amounts[i] == 0)
            continue;
        kerf_quantity_format((enum kerf_resource)i, requests->amounts[i], text, sizeof text);
        fprintf(stream, "%s%s %s", separator, vocabulary->resource_names[i]->text, text);
        separator = ", ";
    }
    fprintf(stream, "\n");
}

static void print_claim(const struct kerf_plan_advice *advice, size_t index, FILE *stream)
{
    const struct kerf_planned_claim *claim = &advice->plan->claims[index];
    const struct kerf_launch_request *launch = &advice->launches[index];
    fprintf(stream, "  %zu. NodePool %s", index + 1, pool_name(advice, claim));
    if (launch->override_count > 0) {
        const struct kerf_launch_override *first = &launch->overrides[0];
        fprintf(stream, ": cheapest launch %s, %s, %s, $%.4f an hour\n", first->type->name->text,
                kerf_capacity_type_text(launch->capacity_type), zone_name(advice, first->offering)->text,
                first->offering->price_usd_per_hour);
    } else {
        fprintf(stream, ": nothing of it can be launched now\n");
    }
    print_pods(advice, claim->pods, claim->pod_count, stream);
    print_requests(advice, &claim->requests, stream);
    fprintf(stream, "    types     ");
    for (size_t i = 0; i < claim->instance_type_count && i < TEXT_TYPES_SHOWN; i++)
        fprintf(stream, "%s%s", i > 0 ? ", " : "", claim->instance_types[i]->name->text);
    if (claim->instance_type_count > TEXT_TYPES_SHOWN)
        fprintf(stream, " and %zu dearer ones", claim->instance_type_count - TEXT_TYPES_SHOWN);
    fprintf(stream, "\n");
}

static void print_refusals(const struct kerf_plan_advice *advice, const struct kerf_plan_refusal *refusals, size_t count,
                           FILE *stream)
{
    for (size_t i = 0; i < count; i++) {
        const struct kerf_pod *pod = pod_of(advice, refusals[i].pod);
        fprintf(stream, "  %s/%s\n    %s\n", namespace_of(pod), pod->meta.name->text, reason_of(&refusals[i]));
    }
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void report_text(const struct kerf_plan_advice *advice, FILE *stream)
{
    const struct kerf_plan *plan = advice->plan;
    size_t left = advice->invalid_count + plan->refusal_count;
    double usd_per_hour = 0;
    for (size_t i = 0; i < plan->claim_count; i++)
        if (advice->launches[i].override_count > 0)
            usd_per_hour += advice->launches[i].overrides[0].offering->price_usd_per_hour;
    fprintf(stream, "%zu pod%s: %zu new node%s", advice->pod_count, plural(advice->pod_count), plan->claim_count,
            plural(plan->claim_count));
    if (plan->claim_count > 0)
        fprintf(stream, " at $%.4f an hour if the cheapest launch", usd_per_hour);
    fprintf(stream, ", %zu existing node%s used, %zu pod%s left.\n", plan->existing_count, plural(plan->existing_count), left,
            plural(left));
    if (plan->claim_count > 0)
        fprintf(stream, "\nNew nodes\n");
    for (size_t i = 0; i < plan->claim_count; i++)
        print_claim(advice, i, stream);
    if (plan->existing_count > 0)
        fprintf(stream, "\nExisting nodes\n");
    for (size_t i = 0; i < plan->existing_count; i++) {
        const struct kerf_cluster_node *node = kerf_cluster_node(advice->cluster, plan->existing[i].node);
        fprintf(stream, "  %s\n", kerf_cluster_node_name(advice->cluster, node)->text);
        print_pods(advice, plan->existing[i].pods, plan->existing[i].pod_count, stream);
    }
    if (advice->gap != NULL)
        kerf_report_gap_text(advice, stream);
    if (advice->explains) {
        kerf_report_explanations(advice, stream);
        return;
    }
    if (left > 0)
        fprintf(stream, "\nPods left, and why\n");
    print_refusals(advice, advice->invalid, advice->invalid_count, stream);
    print_refusals(advice, plan->refusals, plan->refusal_count, stream);
}

void kerf_report_plan(const struct kerf_plan_advice *advice, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON)
        report_json(advice, stream);
    else
        report_text(advice, stream);
}
