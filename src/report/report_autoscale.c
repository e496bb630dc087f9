/** Cluster Autoscaler's decision: sentences for people, `kerf.autoscale/v1` for programs. */
#include "advise/autoscale_advice.h"
#include "document/document.h"
#include "kerf/report.h"

/* ---- names
 * ----------------------------------------------------------------------------------------------------------------------- */

static const char *node_name(const struct kerf_autoscale_advice *advice, kerf_node_id id)
{
    return kerf_name_text(kerf_cluster_node(advice->cluster, id)->node.meta.name);
}

static const char *group_name(const struct kerf_autoscale_advice *advice, uint32_t group_index)
{
    return kerf_name_text(advice->groups[group_index].name);
}

static void put_pod(struct kerf_json *json, const struct kerf_autoscale_advice *advice, kerf_pod_id id)
{
    const struct kerf_meta *meta = &kerf_cluster_pod(advice->cluster, id)->pod.meta;
    kerf_json_format(json, "%s/%s", kerf_name_text(meta->namespace_name), kerf_name_text(meta->name));
}

static void put_pods(struct kerf_json *json, const char *key, const struct kerf_autoscale_advice *advice, const kerf_pod_id *pods,
                     uint32_t count)
{
    kerf_json_key(json, key);
    kerf_json_begin_list_in_line(json);
    for (uint32_t i = 0; i < count; i++)
        put_pod(json, advice, pods[i]);
    kerf_json_end_list(json);
}

static void put_nodes(struct kerf_json *json, const char *key, const struct kerf_autoscale_advice *advice,
                      const kerf_node_id *nodes, uint32_t count)
{
    kerf_json_key(json, key);
    kerf_json_begin_list_in_line(json);
    for (uint32_t i = 0; i < count; i++)
        kerf_json_text(json, node_name(advice, nodes[i]));
    kerf_json_end_list(json);
}

/* ---- JSON
 * ------------------------------------------------------------------------------------------------------------------------ */

static void put_options(struct kerf_json *json, const struct kerf_autoscale_advice *advice)
{
    kerf_json_key(json, "options");
    kerf_json_begin_list(json);
    for (uint32_t i = 0; i < advice->up->option_count; i++) {
        const struct kerf_autoscaling_option *option = &advice->up->options[i];
        kerf_json_begin_map(json);
        kerf_json_put_text(json, "group", group_name(advice, option->group_index));
        kerf_json_put_i64(json, "nodes", option->node_count);
        put_pods(json, "pods", advice, option->pods, option->pod_count);
        kerf_json_key(json, "similar");
        kerf_json_begin_list_in_line(json);
        for (uint32_t s = 0; s < option->similar_group_count; s++)
            kerf_json_text(json, group_name(advice, option->similar_groups[s]));
        kerf_json_end_list(json);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
}

static void put_sizes(struct kerf_json *json, const struct kerf_autoscale_advice *advice)
{
    kerf_json_key(json, "sizes");
    kerf_json_begin_list(json);
    for (uint32_t i = 0; i < advice->up->size_count; i++) {
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "group", group_name(advice, advice->up->sizes[i].group_index));
        kerf_json_put_i64(json, "from", advice->up->sizes[i].from);
        kerf_json_put_i64(json, "to", advice->up->sizes[i].to);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
}

static const struct kerf_autoscaling_option *chosen_option(const struct kerf_autoscale_advice *advice)
{
    return advice->up->chosen_option == KERF_NOT_FOUND ? NULL : &advice->up->options[advice->up->chosen_option];
}

static void put_scale_up(struct kerf_json *json, const struct kerf_autoscale_advice *advice)
{
    const struct kerf_scale_up *up = advice->up;
    const struct kerf_autoscaling_option *chosen = chosen_option(advice);
    kerf_json_key(json, "scaleUp");
    kerf_json_begin_map(json);
    kerf_json_key(json, "fits");
    kerf_json_begin_map(json);
    for (uint32_t i = 0; i < advice->fit_count; i++) {
        const struct kerf_meta *meta = &kerf_cluster_pod(advice->cluster, advice->fits[i].pod)->pod.meta;
        struct kerf_text key = {0};
        kerf_text_append_format(&key, "%s/%s", kerf_name_text(meta->namespace_name), kerf_name_text(meta->name));
        kerf_json_put_text(json, key.bytes, kerf_name_text(advice->fits[i].node));
        kerf_text_fini(&key);
    }
    kerf_json_end_map(json);
    put_options(json, advice);
    kerf_json_key(json, "best");
    kerf_json_begin_list_in_line(json);
    for (uint32_t i = 0; i < up->best_group_count; i++)
        kerf_json_text(json, group_name(advice, up->best_groups[i]));
    kerf_json_end_list(json);
    kerf_json_put_text(json, "chosen", chosen ? group_name(advice, chosen->group_index) : NULL);
    put_sizes(json, advice);
    put_pods(json, "triggered", advice, chosen ? chosen->pods : NULL, chosen ? chosen->pod_count : 0);
    put_pods(json, "remaining", advice, up->remaining, up->remaining_count);
    put_pods(json, "awaiting", advice, up->awaiting, up->awaiting_count);
    kerf_json_end_map(json);
}

static void put_unremovable(struct kerf_json *json, const char *key, const struct kerf_autoscale_advice *advice,
                            const struct kerf_unremovable_node *nodes, uint32_t count)
{
    kerf_json_key(json, key);
    kerf_json_begin_map(json);
    for (uint32_t i = 0; i < count; i++) {
        kerf_json_key(json, node_name(advice, nodes[i].node));
        kerf_json_begin_map_in_line(json);
        kerf_json_put_text(json, "reason", kerf_unremovable_reason_text(nodes[i].reason));
        if (!kerf_pod_id_equal(nodes[i].pod, KERF_NO_POD)) {
            kerf_json_key(json, "pod");
            put_pod(json, advice, nodes[i].pod);
            kerf_json_put_text(json, "podReason", kerf_blocking_reason_text(nodes[i].pod_reason));
        }
        kerf_json_end_map(json);
    }
    kerf_json_end_map(json);
}

static void put_scale_down(struct kerf_json *json, const struct kerf_autoscale_advice *advice)
{
    const struct kerf_scale_down *down = advice->down;
    kerf_json_key(json, "scaleDown");
    kerf_json_begin_map(json);
    kerf_json_key(json, "utilization");
    kerf_json_begin_map(json);
    for (uint32_t i = 0; i < advice->utilization_count; i++)
        kerf_json_put_double(json, node_name(advice, advice->utilizations[i].node), advice->utilizations[i].utilization);
    kerf_json_end_map(json);
    kerf_json_key(json, "loops");
    kerf_json_begin_list(json);
    for (int i = 0; i < 2; i++) {
        kerf_json_begin_map(json);
        kerf_json_put_i64(json, "at", advice->loops[i].at_seconds);
        put_nodes(json, "unneeded", advice, advice->loops[i].unneeded, advice->loops[i].unneeded_count);
        put_unremovable(json, "unremovable", advice, advice->loops[i].unremovable, advice->loops[i].unremovable_count);
        kerf_json_end_map(json);
    }
    kerf_json_end_list(json);
    put_nodes(json, "empty", advice, down->empty, down->empty_count);
    put_nodes(json, "drain", advice, down->drain, down->drain_count);
    put_nodes(json, "deleteEmpty", advice, down->delete_empty, down->delete_empty_count);
    put_nodes(json, "deleteDrain", advice, down->delete_drain, down->delete_drain_count);
    put_unremovable(json, "notYet", advice, down->not_yet, down->not_yet_count);
    kerf_json_end_map(json);
}

static void print_json(const struct kerf_autoscale_advice *advice, FILE *stream)
{
    struct kerf_json json;
    kerf_json_init(&json, stream, 2);
    kerf_json_begin_map(&json);
    kerf_json_put_text(&json, "schema", "kerf.autoscale/v1");
    if (advice->is_scale_down)
        put_scale_down(&json, advice);
    else
        put_scale_up(&json, advice);
    kerf_json_end_map(&json);
    enum kerf_status status = kerf_json_finish(&json); /* a stream that fails is the caller's to see: ferror */
    (void)status;
    kerf_json_fini(&json);
}

/* ---- text
 * ------------------------------------------------------------------------------------------------------------------------ */

static void print_some_pods(const struct kerf_autoscale_advice *advice, const kerf_pod_id *pods, uint32_t count, FILE *stream)
{
    enum { SHOWN = 5 };
    for (uint32_t i = 0; i < count && i < SHOWN; i++) {
        const struct kerf_meta *meta = &kerf_cluster_pod(advice->cluster, pods[i])->pod.meta;
        fprintf(stream, "%s%s/%s", i ? ", " : " ", kerf_name_text(meta->namespace_name), kerf_name_text(meta->name));
    }
    if (count > SHOWN)
        fprintf(stream, " and %" PRIu32 " more", count - SHOWN);
    fprintf(stream, "\n");
}

static void print_scale_up(const struct kerf_autoscale_advice *advice, FILE *stream)
{
    const struct kerf_scale_up *up = advice->up;
    const struct kerf_autoscaling_option *chosen = chosen_option(advice);
    if (advice->fit_count)
        fprintf(stream, "%" PRIu32 " pending pod%s fit%s nodes that are there or on their way.\n", advice->fit_count,
                advice->fit_count == 1 ? "" : "s", advice->fit_count == 1 ? "s" : "");
    for (uint32_t i = 0; i < up->option_count; i++) {
        const struct kerf_autoscaling_option *option = &up->options[i];
        fprintf(stream, "option %s: %" PRId32 " node%s for %" PRIu32 " pod%s%s\n", group_name(advice, option->group_index),
                option->node_count, option->node_count == 1 ? "" : "s", option->pod_count, option->pod_count == 1 ? "" : "s",
                option == chosen ? ", taken" : "");
    }
    if (chosen && up->best_group_count > 1)
        fprintf(stream, "%" PRIu32 " options are equally good: the real program draws one of them.\n", up->best_group_count);
    for (uint32_t i = 0; i < up->size_count; i++)
        fprintf(stream, "%s grows from %" PRId32 " to %" PRId32 ".\n", group_name(advice, up->sizes[i].group_index),
                up->sizes[i].from, up->sizes[i].to);
    if (up->result == KERF_SCALE_UP_NODES_AT_MAX)
        fprintf(stream, "max-nodes-total is reached: nothing is tried.\n");
    else if (up->result == KERF_SCALE_UP_LIMITED)
        fprintf(stream, "A limit of the cluster leaves no room for the option that was taken.\n");
    else if (up->result == KERF_SCALE_UP_NO_OPTIONS)
        fprintf(stream, "No group can take any of the pods.\n");
    else if (up->result == KERF_SCALE_UP_NOT_NEEDED)
        fprintf(stream, "No pod needs a new node.\n");
    if (up->awaiting_count) {
        fprintf(stream, "await the next loop:");
        print_some_pods(advice, up->awaiting, up->awaiting_count, stream);
    }
    if (up->remaining_count) {
        fprintf(stream, "no group can help:");
        print_some_pods(advice, up->remaining, up->remaining_count, stream);
    }
}

static void print_reason(const struct kerf_autoscale_advice *advice, const struct kerf_unremovable_node *node, FILE *stream)
{
    fprintf(stream, "%s: stays, %s", node_name(advice, node->node), kerf_unremovable_reason_text(node->reason));
    if (!kerf_pod_id_equal(node->pod, KERF_NO_POD)) {
        const struct kerf_meta *meta = &kerf_cluster_pod(advice->cluster, node->pod)->pod.meta;
        fprintf(stream, " (%s/%s: %s)", kerf_name_text(meta->namespace_name), kerf_name_text(meta->name),
                kerf_blocking_reason_text(node->pod_reason));
    }
    fprintf(stream, "\n");
}

static bool is_among(const kerf_node_id *nodes, uint32_t count, kerf_node_id node)
{
    for (uint32_t i = 0; i < count; i++)
        if (kerf_node_id_equal(nodes[i], node))
            return true;
    return false;
}

static void print_scale_down(const struct kerf_autoscale_advice *advice, FILE *stream)
{
    const struct kerf_scale_down *down = advice->down;
    for (uint32_t i = 0; i < down->delete_empty_count; i++)
        fprintf(stream, "%s: removed, it is empty\n", node_name(advice, down->delete_empty[i]));
    for (uint32_t i = 0; i < down->delete_drain_count; i++)
        fprintf(stream, "%s: drained and removed\n", node_name(advice, down->delete_drain[i]));
    for (int drain = 0; drain < 2; drain++) {
        const kerf_node_id *nodes = drain ? down->drain : down->empty;
        uint32_t count = drain ? down->drain_count : down->empty_count;
        for (uint32_t i = 0; i < count; i++)
            if (!is_among(down->delete_empty, down->delete_empty_count, nodes[i]) &&
                !is_among(down->delete_drain, down->delete_drain_count, nodes[i]))
                fprintf(stream, "%s: next, so many at a time are not deleted\n", node_name(advice, nodes[i]));
    }
    for (uint32_t i = 0; i < down->not_yet_count; i++)
        print_reason(advice, &down->not_yet[i], stream);
    /* Why a node was found unremovable is told by the loop that looked; later ones only say that it was recent. */
    for (uint32_t i = 0; i < advice->loops[1].unremovable_count; i++) {
        const struct kerf_unremovable_node *node = &advice->loops[1].unremovable[i];
        for (uint32_t f = 0; f < advice->loops[0].unremovable_count && node->reason == KERF_UNREMOVABLE_RECENTLY; f++)
            if (kerf_node_id_equal(advice->loops[0].unremovable[f].node, node->node))
                node = &advice->loops[0].unremovable[f];
        print_reason(advice, node, stream);
    }
    uint32_t deleted = down->delete_empty_count + down->delete_drain_count;
    fprintf(stream, "%" PRIu32 " node%s removed after %" PRId64 " s, %" PRIu32 " unneeded.\n", deleted, deleted == 1 ? "" : "s",
            advice->loops[1].at_seconds, advice->loops[1].unneeded_count);
}

void kerf_report_autoscale(const struct kerf_autoscale_advice *advice, enum kerf_format format, FILE *stream)
{
    if (format == KERF_AS_JSON)
        print_json(advice, stream);
    else if (advice->is_scale_down)
        print_scale_down(advice, stream);
    else
        print_scale_up(advice, stream);
}
