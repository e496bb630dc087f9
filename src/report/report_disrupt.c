/** report_disrupt: a disruption pass for people and for programs (product.md, kerf.disrupt/v1). */
#include "advise/disrupt_advice.h"
#include "document/document.h"
#include "kerf/report.h"

enum { TEXT_TYPES_SHOWN = 5, TEXT_PODS_SHOWN = 6, JSON_INDENT = 1 };

static const char *node_name(const struct kerf_disrupt_advice *advice, kerf_node_id id)
{
    return kerf_name_text(kerf_cluster_node_name(advice->cluster, kerf_cluster_node(advice->cluster, id)));
}

static const char *pool_name(const struct kerf_disrupt_advice *advice, const struct kerf_planned_claim *replacement)
{
    return kerf_name_text(kerf_cluster_objects(advice->cluster)->nodepools.items[replacement->nodepool_index].meta.name);
}

static const char *decision_text(const struct kerf_disruption_command *command) { return command->replace ? "replace" : "delete"; }

/** The reason of the condition Drifted, NULL when it isn't True. */
static const char *drifted(const struct kerf_nodeclaim *claim)
{
    const struct kerf_condition *condition = kerf_conditions_get(&claim->conditions, "Drifted");
    return condition != NULL && condition->status == KERF_CONDITION_TRUE ? kerf_name_text(condition->reason) : NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------------------ */

static void put_nodes(struct kerf_json *json, const struct kerf_disrupt_advice *advice, const char *key, const kerf_node_id *nodes, size_t count)
{
    kerf_json_key(json, key);
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < count; i++)
        kerf_json_text(json, node_name(advice, nodes[i]));
    kerf_json_end_list(json);
}

static void put_values(struct kerf_json *json, const char *key, const struct kerf_planned_claim *replacement, kerf_name requirement_key)
{
    const struct kerf_requirement *requirement = kerf_requirements_get(&replacement->requirements, requirement_key);
    if (requirement == NULL || requirement->complement)
        return;
    kerf_json_key(json, key);
    kerf_json_begin_list_in_line(json);
    for (uint32_t i = 0; i < requirement->value_count; i++)
        kerf_json_text(json, requirement->values[i]->text);
    kerf_json_end_list(json);
}

static void put_replacement(struct kerf_json *json, const struct kerf_disrupt_advice *advice, const struct kerf_planned_claim *replacement)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(advice->cluster);
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "nodePool", pool_name(advice, replacement));
    kerf_json_key(json, "instanceTypes");
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < replacement->instance_type_count; i++)
        kerf_json_text(json, replacement->instance_types[i]->name->text);
    kerf_json_end_list(json);
    put_values(json, "capacityTypes", replacement, vocabulary->key_capacity_type);
    put_values(json, "zones", replacement, vocabulary->key_zone);
    kerf_json_key(json, "pods");
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < replacement->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(advice->cluster, replacement->pods[i])->pod;
        kerf_json_format(json, "%s/%s", kerf_name_text(pod->meta.namespace_name), kerf_name_text(pod->meta.name));
    }
    kerf_json_end_list(json);
    kerf_json_end_map(json);
}

static void put_command(struct kerf_json *json, const struct kerf_disrupt_advice *advice)
{
    const struct kerf_disruption_command *command = advice->command;
    if (command == NULL) {
        kerf_json_put_null(json, "command");
        return;
    }
    kerf_json_key(json, "command");
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "method", kerf_disruption_method_text(command->method));
    kerf_json_put_text(json, "decision", decision_text(command));
    put_nodes(json, advice, "candidates", command->candidates, command->candidate_count);
    kerf_json_key(json, "replacements");
    kerf_json_begin_list(json);
    for (size_t i = 0; i < command->replacement_count; i++)
        put_replacement(json, advice, &command->replacements[i]);
    kerf_json_end_list(json);
    kerf_json_put_double(json, "savingsUsdPerHour", command->savings_usd_per_hour);
    if (command->has_score)
        kerf_json_put_double(json, "score", command->score);
    kerf_json_end_map(json);
}

static void put_claims(struct kerf_json *json, const struct kerf_disrupt_advice *advice)
{
    kerf_json_key(json, "nodeClaims");
    kerf_json_begin_list(json);
    for (size_t at = 0; at < kerf_cluster_node_count(advice->cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(advice->cluster, at);
        if (!node->has_claim)
            continue;
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "name", kerf_name_text(node->claim.meta.name));
        kerf_json_put_bool(json, "consolidatable", kerf_conditions_true(&node->claim.conditions, "Consolidatable"));
        kerf_json_put_text(json, "drifted", drifted(&node->claim));
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
}

static void report_json(const struct kerf_disrupt_advice *advice, FILE *stream)
{
    char time[KERF_TIME_TEXT_BYTES];
    struct kerf_json json;
    kerf_json_init(&json, stream, JSON_INDENT);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "schema", "kerf.disrupt/v1");
    kerf_json_put_text(&json, "at", kerf_format_time(time, advice->at_epoch_us));
    put_command(&json, advice);
    kerf_json_key(&json, "candidatesByMethod");
    kerf_json_begin_map(&json);
    const struct kerf_disruption_result *first = advice->results[0];
    for (int m = 0; m < KERF_METHOD_COUNT; m++)
        put_nodes(&json, advice, kerf_disruption_method_text((enum kerf_disruption_method)m), first->candidates_by_method[m],
                  first->candidate_count_by_method[m]);
    kerf_json_end_map(&json);
    if (advice->with_conditions)
        put_claims(&json, advice);
    kerf_json_key(&json, "nodes");
    kerf_json_begin_list(&json);
    for (size_t i = 0; i < advice->node_count; i++) {
        const struct kerf_disrupt_node *node = &advice->nodes[i];
        kerf_json_begin_map_in_line(&json);
        kerf_json_put_text(&json, "name", node_name(advice, node->node));
        kerf_json_put_bool(&json, "candidate", node->candidate);
        kerf_json_key(&json, "reasons");
        kerf_json_begin_list(&json);
        for (size_t j = 0; j < node->reason_count; j++)
            kerf_json_text(&json, node->reasons[j]);
        kerf_json_end_list(&json);
        kerf_json_end_map(&json);
    }
    kerf_json_end_list(&json);
    kerf_json_end_map(&json);
    enum kerf_status ignored = kerf_json_finish(&json); /* the stream remembers; the program looks at it before it ends */
    (void)ignored;
    kerf_json_fini(&json);
}

/* ---- text ------------------------------------------------------------------------------------------------------------------------- */

static const char *plural(size_t count) { return count == 1 ? "" : "s"; }

static void print_replacement(const struct kerf_disrupt_advice *advice, const struct kerf_planned_claim *replacement, FILE *stream)
{
    fprintf(stream, "  by a node of NodePool %s", pool_name(advice, replacement));
    for (size_t i = 0; i < replacement->instance_type_count && i < TEXT_TYPES_SHOWN; i++)
        fprintf(stream, "%s%s", i > 0 ? ", " : ": ", replacement->instance_types[i]->name->text);
    if (replacement->instance_type_count > TEXT_TYPES_SHOWN)
        fprintf(stream, " and %zu dearer ones", replacement->instance_type_count - TEXT_TYPES_SHOWN);
    fprintf(stream, "\n");
    for (size_t i = 0; i < replacement->pod_count && i < TEXT_PODS_SHOWN; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(advice->cluster, replacement->pods[i])->pod;
        fprintf(stream, "%s%s/%s", i > 0 ? ", " : "    pods ", kerf_name_text(pod->meta.namespace_name), kerf_name_text(pod->meta.name));
    }
    if (replacement->pod_count > TEXT_PODS_SHOWN)
        fprintf(stream, " and %zu more", replacement->pod_count - TEXT_PODS_SHOWN);
    if (replacement->pod_count > 0)
        fprintf(stream, "\n");
}

static void report_text(const struct kerf_disrupt_advice *advice, FILE *stream)
{
    char time[KERF_TIME_TEXT_BYTES];
    const struct kerf_disruption_command *command = advice->command;
    fprintf(stream, "At %s: ", kerf_format_time(time, advice->at_epoch_us));
    if (command == NULL) {
        fprintf(stream, "nothing to do.\n");
    } else {
        fprintf(stream, "%s would %s %zu node%s and save $%.4f an hour", kerf_disruption_method_text(command->method), decision_text(command),
                command->candidate_count, plural(command->candidate_count), command->savings_usd_per_hour);
        if (command->has_score)
            fprintf(stream, " (Balanced score %.3g)", command->score);
        fprintf(stream, ".\n");
        for (size_t i = 0; i < command->candidate_count; i++)
            fprintf(stream, "  %s\n", node_name(advice, command->candidates[i]));
        for (size_t i = 0; i < command->replacement_count; i++)
            print_replacement(advice, &command->replacements[i], stream);
    }
    if (advice->with_conditions) {
        fprintf(stream, "\nNodeClaims\n");
        for (size_t at = 0; at < kerf_cluster_node_count(advice->cluster); at++) {
            const struct kerf_cluster_node *node = kerf_cluster_node_at(advice->cluster, at);
            if (!node->has_claim)
                continue;
            const char *why = drifted(&node->claim);
            fprintf(stream, "  %-40s %s%s%s\n", kerf_name_text(node->claim.meta.name),
                    kerf_conditions_true(&node->claim.conditions, "Consolidatable") ? "consolidatable" : "not consolidatable",
                    why != NULL ? ", drifted: " : "", why != NULL ? why : "");
        }
    }
    fprintf(stream, "\nNodes that stay, and why\n");
    for (size_t i = 0; i < advice->node_count; i++) {
        const struct kerf_disrupt_node *node = &advice->nodes[i];
        if (node->reason_count == 0)
            continue;
        fprintf(stream, "  %s\n", node_name(advice, node->node));
        for (size_t j = 0; j < node->reason_count; j++)
            fprintf(stream, "    %s\n", node->reasons[j]);
    }
}

void kerf_report_disrupt(const struct kerf_disrupt_advice *advice, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON)
        report_json(advice, stream);
    else
        report_text(advice, stream);
}
