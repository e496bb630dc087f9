/** The nodes of a loop in the order in which the real program's walk is put (14), and the round robin search over them (4.2). */
#include "autoscaling_internal.h"

uint32_t kerf_autoscaling_group_of(const struct kerf_autoscaling *autoscaling, const struct kerf_labels *labels)
{
    kerf_name name = kerf_labels_get(labels, autoscaling->vocabulary->key_eks_nodegroup);
    return name ? kerf_name_map_get(&autoscaling->group_by_name, name) : KERF_NOT_FOUND;
}

static bool is_among(const kerf_node_id *ids, uint32_t count, kerf_node_id id)
{
    for (uint32_t i = 0; i < count; i++)
        if (kerf_node_id_equal(ids[i], id))
            return true;
    return false;
}

static int compare_names(const void *a, const void *b, void *context)
{
    (void)context;
    const struct listed_node *x = a, *y = b;
    int order = kerf_name_compare(x->name, y->name);
    return order ? order : kerf_compare_u64(x->id.index, y->id.index);
}

/** Pods that Cluster Autoscaler doesn't see leave the paper. */
static void drop_expendable_pods(struct kerf_autoscaling *autoscaling, const struct kerf_cluster_node *node, uint32_t slot)
{
    for (uint32_t i = 0; i < node->pod_count; i++) {
        pod_ref pod = kerf_cluster_pod(autoscaling->cluster, node->pods[i]);
        if (!kerf_pod_is_terminal(&pod->pod) && kerf_autoscaling_is_expendable(autoscaling, &pod->pod))
            kerf_binding_suppose_no_pod(autoscaling->binding, slot, pod);
    }
}

/** Pods for which others were preempted count as being there. */
static void add_nominated_pods(struct kerf_autoscaling *autoscaling)
{
    size_t count = kerf_cluster_nominated_count(autoscaling->cluster);
    for (size_t at = 0; at < count; at++) {
        pod_ref pod = kerf_cluster_nominated_at(autoscaling->cluster, at);
        uint32_t node = kerf_node_list_find(autoscaling, kerf_pod_status(&pod->pod)->nominated_node_name);
        if (node != KERF_NOT_FOUND && !kerf_autoscaling_is_expendable(autoscaling, &pod->pod))
            kerf_binding_suppose_pods(autoscaling->binding, autoscaling->list.nodes.items[node].slot, &pod, 1);
    }
}

void kerf_node_list_read(struct kerf_autoscaling *autoscaling)
{
    const struct kerf_autoscaling_moment *moment = autoscaling->moment;
    struct node_list *list = &autoscaling->list;
    list->nodes.count = 0;
    size_t count = kerf_cluster_node_count(autoscaling->cluster);
    bool sorted = true;
    for (size_t at = 0; at < count; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(autoscaling->cluster, at);
        if (!node->has_node)
            continue;
        uint32_t slot = kerf_binding_suppose_slot(autoscaling->binding, node->id);
        if (is_among(moment->starting_nodes, moment->starting_node_count, node->id)) {
            kerf_binding_suppose_no_node(autoscaling->binding, slot);
            continue;
        }
        struct listed_node listed = {.slot = slot,
                                     .id = node->id,
                                     .name = node->node.meta.name,
                                     .group_index = kerf_autoscaling_group_of(autoscaling, &node->node.meta.labels),
                                     .marks = NODE_LISTED};
        drop_expendable_pods(autoscaling, node, slot);
        sorted = sorted && (!list->nodes.count || compare_names(&list->nodes.items[list->nodes.count - 1], &listed, NULL) < 0);
        KERF_VEC_PUSH(&list->nodes, listed);
    }
    if (!sorted)
        kerf_sort(list->nodes.items, list->nodes.count, sizeof *list->nodes.items, compare_names, NULL);
    add_nominated_pods(autoscaling);
}

/** Only those that are there from the start of the loop are looked at: they are in the order of names. */
uint32_t kerf_node_list_find(const struct kerf_autoscaling *autoscaling, kerf_name name)
{
    const struct node_list *list = &autoscaling->list;
    size_t low = 0, high = list->nodes.count;
    while (high > 0 && kerf_node_id_equal(list->nodes.items[high - 1].id, KERF_NO_NODE)) {
        if (list->nodes.items[high - 1].name == name)
            return (uint32_t)(high - 1);
        high--;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = kerf_name_compare(list->nodes.items[middle].name, name);
        if (order == 0)
            return (uint32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return KERF_NOT_FOUND;
}

static kerf_name made_up_text(struct kerf_vocabulary *vocabulary, bool is_new, const char *group, size_t number)
{
    return kerf_name_format(vocabulary->names, "template-node-for-%s-%s%zu", group, is_new ? "" : "upcoming-", number);
}

/** Names of made-up nodes are the same in every estimate, so that few texts are kept. */
static kerf_name made_up_name(struct kerf_autoscaling *autoscaling, uint32_t group_index, bool is_new, uint32_t number)
{
    kerf_name group = autoscaling->moment->groups[group_index].name;
    struct group_memory *memory = kerf_group_memory(autoscaling, group);
    struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(autoscaling->cluster);
    while (memory->node_names[is_new].count <= number) {
        kerf_name name = made_up_text(vocabulary, is_new, kerf_name_text(group), memory->node_names[is_new].count);
        KERF_VEC_PUSH(&memory->node_names[is_new], name);
    }
    return memory->node_names[is_new].items[number];
}

static struct kerf_labels with_hostname(struct kerf_autoscaling *autoscaling, const struct kerf_labels *labels,
                                        kerf_name hostname)
{
    struct kerf_label *copy = kerf_arena_copy(&autoscaling->arena, labels->items, labels->count * sizeof *copy);
    for (size_t i = 0; i < labels->count; i++)
        if (copy[i].key == autoscaling->vocabulary->key_hostname)
            copy[i].value = hostname;
    return (struct kerf_labels){copy, labels->count};
}

uint32_t kerf_node_list_add(struct kerf_autoscaling *autoscaling, uint32_t group_index, uint32_t number, unsigned marks)
{
    const struct node_template *template = &autoscaling->templates[group_index];
    struct kerf_node *node = KERF_NEW(&autoscaling->arena, struct kerf_node);
    *node = template->node;
    node->meta.name = made_up_name(autoscaling, group_index, (marks & NODE_NEW) != 0, number);
    node->meta.labels = with_hostname(autoscaling, &template->node.meta.labels, node->meta.name);
    struct listed_node listed = {.slot = kerf_binding_suppose_node(autoscaling->binding, node),
                                 .id = KERF_NO_NODE,
                                 .name = node->meta.name,
                                 .group_index = group_index,
                                 .marks = NODE_LISTED | marks};
    if (template->pod_count)
        kerf_binding_suppose_pods(autoscaling->binding, listed.slot, template->pods, template->pod_count);
    KERF_VEC_PUSH(&autoscaling->list.nodes, listed);
    return (uint32_t)autoscaling->list.nodes.count - 1;
}

void kerf_node_list_remove(struct kerf_autoscaling *autoscaling, uint32_t at)
{
    struct node_list *list = &autoscaling->list;
    kerf_binding_suppose_no_node(autoscaling->binding, list->nodes.items[at].slot);
    list->nodes.count--;
    memmove(list->nodes.items + at, list->nodes.items + at + 1, (list->nodes.count - at) * sizeof *list->nodes.items);
}

uint32_t kerf_node_list_search(struct kerf_autoscaling *autoscaling, unsigned mark, uint32_t except)
{
    struct node_list *list = &autoscaling->list;
    uint32_t count = (uint32_t)list->nodes.count;
    uint32_t at = count ? (list->last_match + 1) % count : 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct listed_node *node = &list->nodes.items[at];
        if ((node->marks & mark) && at != except && !kerf_binding_supposed_cordoned(autoscaling->binding, node->slot) &&
            kerf_binding_suppose_passes(autoscaling->binding, node->slot, NULL)) {
            list->last_match = at;
            return at;
        }
        if (++at == count)
            at = 0;
    }
    return KERF_NOT_FOUND;
}
