/** report_explain: why pods stay and what would let them in, for people and for programs (additional keys of kerf.plan/v1). */
#include "report/report_explain.h"

enum { QUANTITY_BYTES = 40, NAME_WIDTH = 18 };

static const struct kerf_pod *pod_of(const struct kerf_plan_advice *advice, kerf_pod_id id)
{
    return &kerf_cluster_pod(advice->cluster, id)->pod;
}

static const char *namespace_of(const struct kerf_pod *pod)
{
    return pod->meta.namespace_name != NULL ? pod->meta.namespace_name->text : "default";
}

static const char *pool_name(const struct kerf_plan_advice *advice, uint32_t index)
{
    return kerf_cluster_objects(advice->cluster)->nodepools.items[index].meta.name->text;
}

/* ---- JSON ------------------------------------------------------------------------------------------------------------- */

static void put_amount(struct kerf_json *json, const char *key, enum kerf_resource resource, int64_t amount)
{
    char text[QUANTITY_BYTES];
    kerf_quantity_format(resource, amount, text, sizeof text);
    kerf_json_put_text(json, key, text);
}

static void put_if(struct kerf_json *json, const char *key, const char *text)
{
    if (text != NULL)
        kerf_json_put_text(json, key, text);
}

static void put_exclusion(struct kerf_json *json, const struct kerf_plan_advice *advice, const struct kerf_exclusion *exclusion)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(advice->cluster);
    kerf_json_put_text(json, "rule", kerf_exclusion_rule_text(exclusion->rule));
    put_if(json, "key", exclusion->key != NULL ? exclusion->key->text : NULL);
    put_if(json, "wanted", exclusion->wanted);
    put_if(json, "offered", exclusion->offered);
    put_if(json, "nearest", exclusion->nearest != NULL ? exclusion->nearest->text : NULL);
    if (exclusion->shortage_count > 0) {
        kerf_json_key(json, "resources");
        kerf_json_begin_list(json);
        for (uint32_t i = 0; i < exclusion->shortage_count; i++) {
            const struct kerf_shortage *shortage = &exclusion->shortages[i];
            kerf_json_begin_map(json);
            kerf_json_put_text(json, "resource", vocabulary->resource_names[shortage->resource]->text);
            put_amount(json, "wanted", shortage->resource, shortage->wanted);
            put_amount(json, "besides", shortage->resource, shortage->besides);
            put_amount(json, "offered", shortage->resource, shortage->offered);
            kerf_json_end_map(json);
        }
        kerf_json_end_list(json);
    }
    put_if(json, "text", exclusion->text);
}

static void put_summary(struct kerf_json *json, const struct kerf_plan_advice *advice, const char *key,
                        const struct kerf_place_summary *summary)
{
    kerf_json_key(json, key);
    kerf_json_begin_list(json);
    for (int rule = KERF_EXCLUDED_BY_NOTHING + 1; rule < KERF_EXCLUSION_RULE_COUNT; rule++) {
        const struct kerf_rule_count *counted = &summary->rules[rule];
        if (counted->count == 0)
            continue;
        kerf_json_begin_map_in_line(json);
        kerf_json_put_i64(json, "count", counted->count);
        put_if(json, "node", counted->place != NULL ? counted->place->text : NULL);
        put_exclusion(json, advice, &counted->nearest);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
}

static void put_step(struct kerf_json *json, const struct kerf_plan_advice *advice, const struct kerf_plan_step *step)
{
    kerf_json_begin_map(json);
    kerf_json_put_text(json, "kind", step->of_nodepool ? "NodePool" : "Pod");
    if (step->of_nodepool)
        kerf_json_put_text(json, "name", pool_name(advice, step->nodepool_index));
    kerf_json_put_text(json, "action", step->action);
    kerf_json_put_text(json, "field", step->field);
    put_if(json, "value", step->value);
    put_if(json, "was", step->was);
    kerf_json_put_text(json, "text", step->text);
    kerf_json_end_map(json);
}

static void put_changes(struct kerf_json *json, const struct kerf_plan_advice *advice, const struct kerf_plan_explanation *told)
{
    kerf_json_key(json, "changes");
    kerf_json_begin_list(json);
    for (size_t i = 0; i < told->change_count; i++) {
        kerf_json_begin_map(json);
        kerf_json_key(json, "steps");
        kerf_json_begin_list_in_line(json);
        for (uint32_t k = 0; k < told->changes[i].step_count; k++)
            put_step(json, advice, &told->changes[i].steps[k]);
        kerf_json_end_list(json);
        kerf_json_put_i64(json, "places", (int64_t)told->changes[i].places);
        kerf_json_put_text(json, "where", told->changes[i].where);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    if (told->gave_up)
        kerf_json_put_bool(json, "searchEndedEarly", true);
}

void kerf_report_explanations_json(const struct kerf_plan_advice *advice, struct kerf_json *json)
{
    kerf_json_begin_list(json);
    for (size_t i = 0; i < advice->explanation_count; i++) {
        const struct kerf_plan_explanation *told = &advice->explanations[i];
        kerf_json_begin_map(json);
        kerf_json_key(json, "pods");
        kerf_json_begin_list_in_line(json);
        for (size_t k = 0; k < told->of->pod_count; k++) {
            const struct kerf_pod *pod = pod_of(advice, told->of->pods[k]);
            kerf_json_format(json, "%s/%s", namespace_of(pod), pod->meta.name->text);
        }
        kerf_json_end_list(json);
        if (told->where != NULL) {
            kerf_json_put_text(json, "where", told->where);
            kerf_json_put_text(json, "why", told->why);
        }
        if (told->of->own.rule != KERF_EXCLUDED_BY_NOTHING) {
            kerf_json_key(json, "pod");
            kerf_json_begin_map_in_line(json);
            put_exclusion(json, advice, &told->of->own);
            kerf_json_end_map(json);
        }
        kerf_json_key(json, "nodePools");
        kerf_json_begin_list(json);
        for (uint32_t k = 0; k < told->of->pool_count; k++) {
            kerf_json_begin_map_in_line(json);
            kerf_json_put_text(json, "name", pool_name(advice, told->of->pools[k].nodepool_index));
            put_exclusion(json, advice, &told->of->pools[k].exclusion);
            kerf_json_end_map(json);
        }
        kerf_json_end_list(json);
        put_summary(json, advice, "existingNodes", &told->of->nodes);
        put_summary(json, advice, "newNodes", &told->of->claims);
        if (told->where == NULL)
            put_changes(json, advice, told);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
}

/* ---- text ------------------------------------------------------------------------------------------------------------- */

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_line(FILE *stream, const char *name, const char *format, ...) KERF_PRINTF(3, 4);
static void print_line(FILE *stream, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stream, "    %-*s  ", NAME_WIDTH, name);
    vfprintf(stream, format, arguments);
    fprintf(stream, "\n");
    va_end(arguments);
}

static void print_summary(FILE *stream, const char *what, const struct kerf_place_summary *summary)
{
    for (int rule = KERF_EXCLUDED_BY_NOTHING + 1; rule < KERF_EXCLUSION_RULE_COUNT; rule++) {
        const struct kerf_rule_count *counted = &summary->rules[rule];
        if (counted->count == 0)
            continue;
        char name[64];
        snprintf(name, sizeof name, "%u %s%s", counted->count, what, plural(counted->count));
        const char *example = counted->place != NULL ? counted->place->text : NULL;
        if (example != NULL && counted->count > 1)
            print_line(stream, name, "%s; %s: %s", kerf_exclusion_rule_text(counted->rule), example, counted->nearest.text);
        else
            print_line(stream, name, "%s%s%s", example != NULL ? example : "", example != NULL ? ": " : "", counted->nearest.text);
    }
}

static void print_changes(FILE *stream, const struct kerf_plan_explanation *told)
{
    size_t pods = told->of->pod_count;
    for (size_t i = 0; i < told->change_count; i++) {
        const struct kerf_plan_change *change = &told->changes[i];
        fprintf(stream, "    %-*s  ", NAME_WIDTH, i == 0 ? "would do" : "or");
        for (uint32_t k = 0; k < change->step_count; k++)
            fprintf(stream, "%s%s", k > 0 ? ", and " : "", change->steps[k].text);
        if (pods == 1)
            fprintf(stream, ": it goes to %s\n", change->where);
        else if (change->places == pods)
            fprintf(stream, ": all have a place, the first on %s\n", change->where);
        else
            fprintf(stream, ": %zu of them ha%s a place, the first on %s\n", change->places, change->places == 1 ? "s" : "ve", change->where);
    }
    if (told->change_count == 0)
        print_line(stream, "would do", "%s", told->gave_up ? "not found within the limit of work" : "nothing that kerf tries");
    else if (told->gave_up)
        print_line(stream, "", "(the search for more ended at its limit of work)");
}

static void print_pools(FILE *stream, const struct kerf_plan_advice *advice, const struct kerf_explanation *explanation)
{
    for (uint32_t i = 0; i < explanation->pool_count; i++) {
        char name[128];
        snprintf(name, sizeof name, "NodePool %s", pool_name(advice, explanation->pools[i].nodepool_index));
        const char *text = explanation->pools[i].exclusion.text;
        print_line(stream, name, "%s", text != NULL ? text : "accepts it");
    }
}

static void print_explanation(FILE *stream, const struct kerf_plan_advice *advice, const struct kerf_plan_explanation *told)
{
    const struct kerf_explanation *of = told->of;
    const struct kerf_pod *first = pod_of(advice, of->pods[0]);
    if (of->pod_count == 1)
        fprintf(stream, "  %s/%s\n", namespace_of(first), first->meta.name->text);
    else
        fprintf(stream, "  %zu pods such as %s/%s\n", of->pod_count, namespace_of(first), first->meta.name->text);
    if (told->where != NULL) {
        print_line(stream, "goes to", "%s", told->where);
        print_line(stream, "why", "%s", told->why);
    }
    if (of->own.rule != KERF_EXCLUDED_BY_NOTHING)
        print_line(stream, "the pod itself", "%s", of->own.text != NULL ? of->own.text : kerf_exclusion_rule_text(of->own.rule));
    print_pools(stream, advice, of);
    print_summary(stream, "existing node", &of->nodes);
    print_summary(stream, "new node", &of->claims);
    if (told->where == NULL)
        print_changes(stream, told);
}

void kerf_report_explanations(const struct kerf_plan_advice *advice, FILE *stream)
{
    if (advice->explanation_count > 0)
        fprintf(stream, "\nWhy\n");
    for (size_t i = 0; i < advice->explanation_count; i++)
        print_explanation(stream, advice, &advice->explanations[i]);
}
