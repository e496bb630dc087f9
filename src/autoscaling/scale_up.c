/** The scale-up: valid groups, their options, the choice, its caps and its spreading (7.1). */
#include "autoscaling_internal.h"
#include "random/random.h"

/** What the steps of one scale-up share. */
struct scale_up {
    struct kerf_autoscaling *autoscaling;
    struct kerf_scale_up *result;
    struct pod_group *groups;
    uint32_t group_count;
    bool *valid;                     /* by group index */
    struct pod_group ***schedulable; /* by group index: pod groups whose first pod passes on its template */
    uint32_t *schedulable_count;
    int64_t node_count; /* ready ones and upcoming ones */
    uint32_t ready_count;
    struct cluster_amounts left;
};

static const struct kerf_autoscaling_group *group_at(const struct scale_up *up, uint32_t g)
{
    return &up->autoscaling->moment->groups[g];
}

static void count_nodes(struct scale_up *up)
{
    const struct kerf_autoscaling *autoscaling = up->autoscaling;
    for (size_t i = 0; i < autoscaling->list.nodes.count; i++) {
        const struct listed_node *listed = &autoscaling->list.nodes.items[i];
        bool made_up = kerf_node_id_equal(listed->id, KERF_NO_NODE);
        up->node_count += made_up;
        if (!made_up && kerf_autoscaling_is_ready(autoscaling->cluster, kerf_listed_node_of(autoscaling, listed), NULL))
            up->ready_count++;
    }
    up->node_count += up->ready_count;
}

/* ---- steps 1 and 2
 * -------------------------------------------------------------------------------------------------------------------- */

static bool is_valid(const struct scale_up *up, uint32_t g)
{
    const struct kerf_autoscaling_group *group = group_at(up, g);
    const struct node_template *template = &up->autoscaling->templates[g];
    return group->can_scale_up && group->target_size < group->max_size && template->present &&
           kerf_cluster_amounts_allow(up->left, kerf_cluster_amounts_of(&template->node)) >= 1;
}

static void find_schedulable(struct scale_up *up, uint32_t g)
{
    struct kerf_autoscaling *autoscaling = up->autoscaling;
    size_t mark = kerf_binding_suppose_mark(autoscaling->binding);
    uint32_t count = (uint32_t)autoscaling->list.nodes.count;
    uint32_t test = kerf_node_list_add(autoscaling, g, 0, NODE_NEW);
    uint32_t slot = autoscaling->list.nodes.items[test].slot;
    up->schedulable[g] = KERF_NEW_ARRAY(&autoscaling->arena, struct pod_group *, up->group_count);
    for (uint32_t i = 0; i < up->group_count; i++) {
        if (!kerf_binding_suppose_asked(autoscaling->binding, up->groups[i].pods[0]) ||
            !kerf_binding_suppose_passes(autoscaling->binding, slot, NULL))
            continue;
        up->groups[i].schedulable = true;
        up->schedulable[g][up->schedulable_count[g]++] = &up->groups[i];
    }
    autoscaling->list.nodes.count = count;
    kerf_binding_suppose_rewind(autoscaling->binding, mark);
}

/* ---- step 3
 * -------------------------------------------------------------------------------------------------------------------------- */

/** Every group of pods that the one can take, the other can too; both lists are in the same order. */
static bool takes_all(const struct scale_up *up, uint32_t g, uint32_t other)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < up->schedulable_count[g]; i++) {
        while (at < up->schedulable_count[other] && up->schedulable[other][at] != up->schedulable[g][i])
            at++;
        if (at == up->schedulable_count[other])
            return false;
    }
    return true;
}

static void find_similar(struct scale_up *up, uint32_t g, struct kerf_autoscaling_option *option)
{
    struct kerf_autoscaling *autoscaling = up->autoscaling;
    if (!autoscaling->options->balance_similar_node_groups)
        return;
    uint32_t group_count = autoscaling->moment->group_count;
    uint32_t *similar = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        uint32_t other = autoscaling->groups_by_name[i];
        if (other != g && up->valid[other] && takes_all(up, g, other) &&
            kerf_templates_similar(autoscaling, &autoscaling->templates[g], &autoscaling->templates[other]))
            similar[option->similar_group_count++] = other;
    }
    option->similar_groups = similar;
}

static int64_t smaller_limit(int64_t a, int64_t b) /* 0: no limit; negative: no node at all */
{
    if (a < 0 || b < 0)
        return -1;
    return a == 0 ? b : b == 0 ? a : kerf_min_i64(a, b);
}

/** Nodes that an estimate may add. */
static int64_t node_limit_of(const struct scale_up *up, uint32_t g, const struct kerf_autoscaling_option *option)
{
    const struct kerf_autoscaler_options *options = up->autoscaling->options;
    int64_t room = group_at(up, g)->max_size - group_at(up, g)->target_size;
    for (uint32_t i = 0; i < option->similar_group_count; i++)
        room += kerf_max_i64(
            group_at(up, option->similar_groups[i])->max_size - group_at(up, option->similar_groups[i])->target_size, 0);
    int64_t limit = smaller_limit(options->max_nodes_per_scaleup, room > 0 ? room : -1);
    if (options->max_nodes_total > 0)
        limit = smaller_limit(limit, options->max_nodes_total > up->node_count ? options->max_nodes_total - up->node_count : -1);
    return limit;
}

static kerf_pod_id *ids_of(struct kerf_arena *arena, const pod_ref *pods, uint32_t count)
{
    kerf_pod_id *ids = KERF_NEW_ARRAY(arena, kerf_pod_id, count);
    for (uint32_t i = 0; i < count; i++)
        ids[i] = pods[i]->id;
    return ids;
}

static void make_options(struct scale_up *up)
{
    struct kerf_autoscaling *autoscaling = up->autoscaling;
    uint32_t group_count = autoscaling->moment->group_count;
    struct kerf_autoscaling_option *options = KERF_NEW_ARRAY(&autoscaling->arena, struct kerf_autoscaling_option, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        uint32_t g = autoscaling->groups_by_name[i];
        if (!up->valid[g] || !up->schedulable_count[g])
            continue;
        struct kerf_autoscaling_option option = {.group_index = g};
        find_similar(up, g, &option);
        struct estimate estimate = kerf_autoscaling_estimate(autoscaling, g, up->schedulable[g], up->schedulable_count[g],
                                                             node_limit_of(up, g, &option));
        if (!estimate.pod_count || !estimate.node_count)
            continue;
        option.node_count = estimate.node_count;
        option.pods = ids_of(&autoscaling->arena, estimate.pods, estimate.pod_count);
        option.pod_count = estimate.pod_count;
        options[up->result->option_count++] = option;
    }
    up->result->options = options;
}

/* ---- steps 4 to 8
 * --------------------------------------------------------------------------------------------------------------------- */

static uint32_t choose(struct scale_up *up)
{
    struct kerf_autoscaling *autoscaling = up->autoscaling;
    struct expansion expansion = {.autoscaling = autoscaling,
                                  .options = up->result->options,
                                  .option_count = up->result->option_count,
                                  .ready_node_count = up->ready_count};
    uint32_t *best = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, expansion.option_count);
    uint32_t count = kerf_expansion_choose(&expansion, best);
    uint32_t *groups = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++)
        groups[i] = up->result->options[best[i]].group_index;
    up->result->best_groups = groups;
    up->result->best_group_count = count;
    if (!autoscaling->draws || count == 1)
        return best[0]; /* options are in the order of names */
    struct kerf_stream stream = kerf_stream_open(autoscaling->draw_seed, 0, KERF_PURPOSE_EXPANDER, autoscaling->draw_count++);
    return best[kerf_draw_below(&stream, count)];
}

static int64_t capped(const struct scale_up *up, const struct kerf_autoscaling_option *option)
{
    int64_t count = option->node_count, total = up->autoscaling->options->max_nodes_total;
    if (total > 0)
        count = kerf_min_i64(count, total - up->node_count);
    const struct kerf_node *node = &up->autoscaling->templates[option->group_index].node;
    return kerf_min_i64(count, kerf_cluster_amounts_allow(up->left, kerf_cluster_amounts_of(node)));
}

static void spread(struct scale_up *up, const struct kerf_autoscaling_option *option, int64_t node_count)
{
    struct kerf_autoscaling *autoscaling = up->autoscaling;
    uint32_t count = 1 + option->similar_group_count;
    uint32_t *targets = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, count);
    targets[0] = option->group_index;
    for (uint32_t i = 1; i < count; i++)
        targets[i] = option->similar_groups[i - 1];
    struct kerf_autoscaling_size *sizes = KERF_NEW_ARRAY(&autoscaling->arena, struct kerf_autoscaling_size, count);
    uint32_t changed = kerf_autoscaling_balance(autoscaling->moment->groups, targets, count,
                                                (int32_t)kerf_min_i64(node_count, INT32_MAX), sizes);
    struct cluster_amounts left = up->left;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < changed; i++) { /* what a limit cuts here goes to nobody else */
        struct cluster_amounts one = kerf_cluster_amounts_of(&autoscaling->templates[sizes[i].group_index].node);
        int64_t grow = kerf_min_i64(sizes[i].to - sizes[i].from, kerf_cluster_amounts_allow(left, one));
        if (grow <= 0)
            continue;
        left.cores -= one.cores * grow;
        left.memory_bytes -= one.memory_bytes * grow;
        sizes[i].to = sizes[i].from + (int32_t)grow;
        sizes[kept++] = sizes[i];
    }
    up->result->sizes = sizes;
    up->result->size_count = kept;
}

/** Pods of groups that nobody can take, and of those that the chosen group can't. */
static void tell_rest(struct scale_up *up)
{
    struct kerf_autoscaling *autoscaling = up->autoscaling;
    struct kerf_scale_up *result = up->result;
    kerf_pod_id *remaining = KERF_NEW_ARRAY(&autoscaling->arena, kerf_pod_id, autoscaling->unschedulable_count);
    kerf_pod_id *awaiting = KERF_NEW_ARRAY(&autoscaling->arena, kerf_pod_id, autoscaling->unschedulable_count);
    bool chosen = result->chosen_option != KERF_NOT_FOUND;
    uint32_t g = chosen ? result->options[result->chosen_option].group_index : 0, at = 0;
    for (uint32_t i = 0; i < up->group_count; i++) {
        const struct pod_group *group = &up->groups[i];
        bool helped = chosen && at < up->schedulable_count[g] && up->schedulable[g][at] == group;
        at += helped;
        for (uint32_t p = 0; p < group->count; p++) {
            if (!group->schedulable)
                remaining[result->remaining_count++] = group->pods[p]->id;
            else if (chosen && !helped)
                awaiting[result->awaiting_count++] = group->pods[p]->id;
        }
    }
    result->remaining = remaining;
    result->awaiting = awaiting;
}

const struct kerf_scale_up *kerf_autoscaling_scale_up(struct kerf_autoscaling *autoscaling)
{
    struct kerf_scale_up *result = KERF_NEW(&autoscaling->arena, struct kerf_scale_up);
    result->chosen_option = KERF_NOT_FOUND;
    struct scale_up up = {.autoscaling = autoscaling, .result = result};
    count_nodes(&up);
    int64_t total = autoscaling->options->max_nodes_total;
    if (!autoscaling->unschedulable_count || (total > 0 && up.ready_count >= total)) {
        result->result = autoscaling->unschedulable_count ? KERF_SCALE_UP_NODES_AT_MAX : KERF_SCALE_UP_NOT_NEEDED;
        return result;
    }
    struct cluster_amounts used = kerf_cluster_amounts_used(autoscaling, false);
    up.left = (struct cluster_amounts){autoscaling->options->cores_max - used.cores,
                                       autoscaling->options->memory_max_bytes - used.memory_bytes};
    up.groups = kerf_pod_groups_build(autoscaling, autoscaling->unschedulable, autoscaling->unschedulable_count, &up.group_count);
    uint32_t group_count = autoscaling->moment->group_count;
    up.valid = KERF_NEW_ARRAY(&autoscaling->arena, bool, group_count);
    up.schedulable = KERF_NEW_ARRAY(&autoscaling->arena, struct pod_group **, group_count);
    up.schedulable_count = KERF_NEW_ARRAY(&autoscaling->arena, uint32_t, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        uint32_t g = autoscaling->groups_by_name[i];
        up.valid[g] = is_valid(&up, g);
        if (up.valid[g])
            find_schedulable(&up, g);
    }
    make_options(&up);
    result->result = KERF_SCALE_UP_NO_OPTIONS;
    if (result->option_count) {
        result->chosen_option = choose(&up);
        const struct kerf_autoscaling_option *option = &result->options[result->chosen_option];
        int64_t node_count = capped(&up, option);
        result->result = node_count < 1 ? KERF_SCALE_UP_LIMITED : KERF_SCALE_UP_DONE;
        if (node_count >= 1)
            spread(&up, option, node_count);
    }
    tell_rest(&up);
    return result;
}
