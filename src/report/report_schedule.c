/** kube-scheduler's choices: a line a pod for people, `kerf.schedule/v1` for programs. */
#include "advise/advise_schedule.h"
#include "document/document.h"
#include "kerf/report.h"

static void put_names(struct kerf_json *json, const char *key, const kerf_name *names, size_t count)
{
    kerf_json_key(json, key);
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < count; i++)
        kerf_json_text(json, kerf_name_text(names[i]));
    kerf_json_end_list(json);
}

static void put_scores(struct kerf_json *json, const struct kerf_schedule_pod *pod)
{
    kerf_json_key(json, "scores");
    kerf_json_begin_map(json);
    for (size_t i = 0; i < pod->score_count; i++) {
        kerf_json_key(json, kerf_name_text(pod->feasible[i]));
        kerf_json_begin_map_in_line(json);
        kerf_json_put_i64(json, "total", pod->scores[i].total);
        for (int plugin = 0; plugin < KERF_SCORE_PLUGIN_COUNT; plugin++)
            if (pod->scores[i].scored >> plugin & 1)
                kerf_json_put_i64(json, kerf_score_plugin_text((enum kerf_score_plugin)plugin), pod->scores[i].by_plugin[plugin]);
        kerf_json_end_map(json);
    }
    kerf_json_end_map(json);
}

static void put_best(struct kerf_json *json, const struct kerf_schedule_pod *pod)
{
    int64_t best = INT64_MIN;
    for (size_t i = 0; i < pod->score_count; i++)
        best = pod->scores[i].total > best ? pod->scores[i].total : best;
    kerf_json_key(json, "best");
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < pod->feasible_count; i++)
        if (!pod->score_count || pod->scores[i].total == best)
            kerf_json_text(json, kerf_name_text(pod->feasible[i]));
    kerf_json_end_list(json);
}

static void put_refusals(struct kerf_json *json, const struct kerf_schedule_pod *pod)
{
    kerf_json_key(json, "infeasible");
    kerf_json_begin_map(json);
    for (size_t i = 0; i < pod->refusal_count; i++) {
        const struct kerf_schedule_refusal *refusal = &pod->refusals[i];
        kerf_json_key(json, kerf_name_text(refusal->node));
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "plugin", refusal->plugin);
        kerf_json_put_text(json, "code", refusal->preemption_might_help ? "Unschedulable" : "UnschedulableAndUnresolvable");
        kerf_json_key(json, "reasons");
        kerf_json_begin_list(json);
        kerf_json_text(json, refusal->reason);
        kerf_json_end_list(json);
        kerf_json_end_map(json);
    }
    kerf_json_end_map(json);
}

static void put_pod(struct kerf_json *json, const struct kerf_schedule_pod *pod)
{
    kerf_json_begin_map(json);
    kerf_json_key(json, "pod");
    kerf_json_format(json, "%s/%s", kerf_name_text(pod->namespace_name), kerf_name_text(pod->name));
    kerf_json_put_text(json, "node", pod->node ? pod->node->text : NULL);
    if (pod->gated)
        kerf_json_put_bool(json, "gated", true);
    put_best(json, pod);
    put_names(json, "feasible", pod->feasible, pod->feasible_count);
    put_scores(json, pod);
    put_refusals(json, pod);
    if (pod->nominated)
        kerf_json_put_text(json, "nominated", pod->nominated->text);
    kerf_json_key(json, "victims");
    kerf_json_begin_list_in_line(json);
    for (size_t i = 0; i < pod->victim_count; i++)
        kerf_json_text(json, pod->victims[i]);
    kerf_json_end_list(json);
    kerf_json_end_map(json);
}

static void print_json(const struct kerf_schedule_advice *advice, FILE *stream)
{
    struct kerf_json json;
    kerf_json_init(&json, stream, 2);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "schema", "kerf.schedule/v1");
    kerf_json_key(&json, "pods");
    kerf_json_begin_list(&json);
    for (size_t i = 0; i < advice->pod_count; i++)
        put_pod(&json, &advice->pods[i]);
    kerf_json_end_list(&json);
    kerf_json_end_map(&json);
    enum kerf_status status = kerf_json_finish(&json); /* a stream that fails is the caller's to see: ferror */
    (void)status;
    kerf_json_fini(&json);
}

/** "3 nodes NodeResourcesFit: Insufficient cpu; 1 node TaintToleration: ..." in the order in which the reasons first appeared. */
static void print_reasons(const struct kerf_schedule_pod *pod, FILE *stream)
{
    for (size_t i = 0; i < pod->refusal_count; i++) {
        const struct kerf_schedule_refusal *refusal = &pod->refusals[i];
        bool is_first = true;
        for (size_t j = 0; j < i && is_first; j++)
            is_first = strcmp(pod->refusals[j].reason, refusal->reason) != 0;
        if (!is_first)
            continue;
        size_t count = 0;
        for (size_t j = i; j < pod->refusal_count; j++)
            count += strcmp(pod->refusals[j].reason, refusal->reason) == 0;
        fprintf(stream, "%s %zu node%s: %s (%s)", i ? ";" : "", count, count == 1 ? "" : "s", refusal->reason, refusal->plugin);
    }
}

static void print_text(const struct kerf_schedule_advice *advice, FILE *stream)
{
    for (size_t i = 0; i < advice->pod_count; i++) {
        const struct kerf_schedule_pod *pod = &advice->pods[i];
        fprintf(stream, "%s/%s: ", kerf_name_text(pod->namespace_name), kerf_name_text(pod->name));
        if (pod->node) {
            fprintf(stream, "%s", pod->node->text);
            for (size_t s = 0; s < pod->score_count; s++)
                if (pod->feasible[s] == pod->node)
                    fprintf(stream, ", score %" PRId64 ", the best of %zu", pod->scores[s].total, pod->score_count);
        } else if (pod->gated) {
            fprintf(stream, "not tried, it has scheduling gates");
        } else if (!advice->node_count) {
            fprintf(stream, "no node, there are none");
        } else {
            fprintf(stream, "no node;");
            print_reasons(pod, stream);
        }
        for (size_t v = 0; v < pod->victim_count; v++)
            fprintf(stream, "%s%s", v ? ", " : ", preempting ", pod->victims[v]);
        fprintf(stream, "\n");
    }
    fprintf(stream, "%zu of %zu pods find a node.\n", advice->placed_count, advice->pod_count);
}

void kerf_report_schedule(const struct kerf_schedule_advice *advice, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON)
        print_json(advice, stream);
    else
        print_text(advice, stream);
}
