/** How many nodes of a group a set of pods needs: first fit decreasing over a template, as the binpacking estimator does it
 * (7.2). */
#include "autoscaling_internal.h"

struct run {
    struct kerf_autoscaling *autoscaling;
    uint32_t group_index;
    int64_t node_limit; /* 0: none */
    uint32_t added_count;
    uint32_t first_new;         /* index of the first added node in the list */
    uint32_t last_new;          /* of the last; KERF_NOT_FOUND: none yet */
    KERF_VEC(uint8_t) has_pods; /* by number of the added node */
    uint8_t *old_has_pods;      /* by index in the list: existing nodes that got a pod (b1) */
    int32_t node_count;
    struct estimate *estimate;
    uint32_t pod_capacity;
};

/* ---- order
 * -------------------------------------------------------------------------------------------------------------------------- */

static void container_sums(const struct kerf_pod_spec *spec, int64_t *out_millicores, int64_t *out_bytes)
{
    int64_t cpu = 0, memory = 0;
    for (uint32_t i = 0; i < spec->container_count; i++) {
        if (spec->containers[i].init)
            continue;
        cpu += spec->containers[i].requests.cpu_nanocores;
        memory += spec->containers[i].requests.memory_millibytes;
    }
    *out_millicores = cpu / 1000000 + (cpu % 1000000 > 0);
    *out_bytes = memory / 1000 + (memory % 1000 > 0);
}

static double score_of(const struct kerf_node *node, pod_ref pod)
{
    int64_t millicores, bytes;
    container_sums(pod->pod.spec, &millicores, &bytes);
    double score = 0;
    if (node->allocatable.cpu_nanocores > 0)
        score += (double)millicores / (double)(node->allocatable.cpu_nanocores / 1000000);
    if (node->allocatable.memory_millibytes > 0)
        score += (double)bytes / (double)(node->allocatable.memory_millibytes / 1000);
    return score;
}

static int compare_scores(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_double((*(struct pod_group *const *)b)->score, (*(struct pod_group *const *)a)->score);
}

/* ---- placing
 * ------------------------------------------------------------------------------------------------------------------------ */

static void place(struct run *run, uint32_t at, const pod_ref *pods, uint32_t count)
{
    struct kerf_autoscaling *autoscaling = run->autoscaling;
    kerf_binding_suppose_pods(autoscaling->binding, autoscaling->list.nodes.items[at].slot, pods, count);
    uint8_t *has_pods = at >= run->first_new ? &run->has_pods.items[at - run->first_new] : &run->old_has_pods[at];
    run->node_count += !*has_pods;
    *has_pods = 1;
    if (count > 0)
        memcpy(run->estimate->pods + run->estimate->pod_count, pods, count * sizeof *pods);
    run->estimate->pod_count += count;
}

static uint32_t slot_of(const struct run *run, uint32_t at)
{
    return run->autoscaling->list.nodes.items[at].slot;
}

/**
 * Phase a where a node that refused once refuses for good, and nodes have room for several: nodes that are full leave the round,
 * so that each step places a pod. Same places as one search after the other.
 */
static uint32_t fill_in_rounds(struct run *run, const struct pod_group *group)
{
    struct kerf_autoscaling *autoscaling = run->autoscaling;
    struct node_list *list = &autoscaling->list;
    uint32_t count = (uint32_t)list->nodes.count, round_count = 0, placed = 0;
    uint32_t start = (list->last_match + 1) % count;
    if (start < run->first_new)
        start = run->first_new;
    struct kerf_arena_mark mark = kerf_arena_mark(&autoscaling->arena);
    struct open_node {
        uint32_t at, room, taken;
    } *round = KERF_NEW_ARRAY(&autoscaling->arena, struct open_node, run->added_count);
    for (uint32_t i = 0; i < run->added_count; i++) {
        uint32_t at = start + i < count ? start + i : run->first_new + (start + i - count);
        uint32_t room = kerf_binding_supposed_cordoned(autoscaling->binding, slot_of(run, at))
                            ? 0
                            : kerf_binding_suppose_room(autoscaling->binding, slot_of(run, at), group->count);
        if (room)
            round[round_count++] = (struct open_node){.at = at, .room = room};
    }
    uint32_t open_count = round_count, last_match = KERF_NOT_FOUND;
    for (uint32_t turn = 1; open_count && placed < group->count; turn++) {
        open_count = 0;
        for (uint32_t i = 0; i < round_count && placed < group->count; i++) {
            if (round[i].room < turn)
                continue;
            round[i].taken++;
            placed++;
            last_match = round[i].at;
            open_count += round[i].room > turn;
        }
    }
    uint32_t given = 0; /* equal pods: which of them is where makes no difference */
    for (uint32_t i = 0; i < round_count; i++) {
        if (round[i].taken)
            place(run, round[i].at, group->pods + given, round[i].taken);
        given += round[i].taken;
    }
    if (last_match != KERF_NOT_FOUND)
        list->last_match = last_match;
    kerf_arena_rewind(&autoscaling->arena, mark);
    return placed;
}

/** Phase a: nodes that were added already. Returns how many pods got a place before the first that got none. */
static uint32_t try_added_nodes(struct run *run, const struct pod_group *group)
{
    if (!run->added_count)
        return 0;
    if (kerf_binding_suppose_is_resource_bound(run->autoscaling->binding))
        return fill_in_rounds(run, group);
    uint32_t placed = 0;
    for (; placed < group->count; placed++) {
        uint32_t at = kerf_node_list_search(run->autoscaling, NODE_NEW, KERF_NOT_FOUND);
        if (at == KERF_NOT_FOUND)
            break;
        place(run, at, &group->pods[placed], 1);
    }
    return placed;
}

static bool spreads_over_hosts(const struct run *run, const struct kerf_pod_spec *spec)
{
    for (size_t i = 0; i < spec->spreads.count; i++)
        if (spec->spreads.items[i].topology_key == run->autoscaling->vocabulary->key_hostname)
            return true;
    return false;
}

/** The node that was added last; or, for a spread over hosts, any other. Returns how many of the next pods got a place. */
static uint32_t try_last_node(struct run *run, const pod_ref *pods, uint32_t count)
{
    if (run->last_new == KERF_NOT_FOUND)
        return 0;
    const char *plugin = NULL;
    struct kerf_binding *binding = run->autoscaling->binding;
    uint32_t room = kerf_binding_suppose_room(binding, slot_of(run, run->last_new), count);
    if (room) {
        place(run, run->last_new, pods, room);
        return room;
    }
    kerf_binding_suppose_passes(binding, slot_of(run, run->last_new), &plugin);
    if (!plugin || strcmp(plugin, "PodTopologySpread") != 0 || !spreads_over_hosts(run, pods[0]->pod.spec))
        return 0;
    uint32_t at = kerf_node_list_search(run->autoscaling, NODE_LISTED, run->last_new);
    if (at == KERF_NOT_FOUND)
        return 0;
    place(run, at, pods, 1);
    return 1;
}

/** Phase b. False: no node may be added any more. */
static bool try_new_nodes(struct run *run, const pod_ref *pods, uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        uint32_t placed = try_last_node(run, pods + done, count - done);
        if (placed) {
            done += placed;
            continue;
        }
        if (run->last_new != KERF_NOT_FOUND && !run->has_pods.items[run->last_new - run->first_new])
            return true; /* a new node is no better than the empty one */
        if (run->node_limit < 0 || (run->node_limit > 0 && run->added_count >= run->node_limit))
            return false;
        run->last_new = kerf_node_list_add(run->autoscaling, run->group_index, run->added_count, NODE_NEW);
        KERF_VEC_PUSH_IN(&run->autoscaling->arena, &run->has_pods, 0);
        run->added_count++;
        uint32_t room = kerf_binding_suppose_room(run->autoscaling->binding, slot_of(run, run->last_new), count - done);
        if (!room)
            return true; /* it stays, empty, for others */
        place(run, run->last_new, pods + done, room);
        done += room;
    }
    return true;
}

struct estimate kerf_autoscaling_estimate(struct kerf_autoscaling *autoscaling, uint32_t group_index,
                                          struct pod_group *const *groups, uint32_t group_count, int64_t node_limit)
{
    struct estimate estimate = {0};
    size_t mark = kerf_binding_suppose_mark(autoscaling->binding);
    uint32_t list_count = (uint32_t)autoscaling->list.nodes.count;
    struct run run = {.autoscaling = autoscaling,
                      .group_index = group_index,
                      .node_limit = node_limit,
                      .first_new = list_count,
                      .last_new = KERF_NOT_FOUND,
                      .old_has_pods = KERF_NEW_ARRAY(&autoscaling->arena, uint8_t, list_count),
                      .estimate = &estimate};
    uint32_t pod_count = 0;
    struct pod_group **order = KERF_NEW_ARRAY(&autoscaling->arena, struct pod_group *, group_count);
    for (uint32_t i = 0; i < group_count; i++) {
        order[i] = groups[i];
        order[i]->score = score_of(&autoscaling->templates[group_index].node, groups[i]->pods[0]);
        pod_count += groups[i]->count;
    }
    kerf_sort(order, group_count, sizeof *order, compare_scores, NULL);
    estimate.pods = KERF_NEW_ARRAY(&autoscaling->arena, pod_ref, pod_count);
    bool may_add = true;
    for (uint32_t i = 0; i < group_count; i++) {
        const struct pod_group *group = order[i];
        if (!kerf_binding_suppose_asked(autoscaling->binding, group->pods[0]))
            continue;
        uint32_t placed = try_added_nodes(&run, group);
        if (may_add && placed < group->count)
            may_add = try_new_nodes(&run, group->pods + placed, group->count - placed);
    }
    estimate.node_count = run.node_count;
    autoscaling->list.nodes.count = list_count;
    kerf_binding_suppose_rewind(autoscaling->binding, mark);
    return estimate;
}
