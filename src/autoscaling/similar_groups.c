/** Groups that are alike, and the spreading of new nodes over them (8). */
#include "autoscaling_internal.h"

#include <math.h>
#include <stdlib.h>

/* ---- what is alike
 * ------------------------------------------------------------------------------------------------------------------ */

static bool is_ignored_label(const struct kerf_autoscaling *autoscaling, kerf_name key)
{
    static const char *const keys[] = {
        "kubernetes.io/hostname",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "beta.kubernetes.io/fluentd-ds-ready",
        "kops.k8s.io/instancegroup",
        "alpha.eksctl.io/instance-id",
        "alpha.eksctl.io/nodegroup-name",
        "eks.amazonaws.com/nodegroup",
        "k8s.amazonaws.com/eniConfig",
        "lifecycle",
        "topology.ebs.csi.aws.com/zone",
        "topology.k8s.aws/zone-id",
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (kerf_name_is(key, keys[i]))
            return true;
    for (uint32_t i = 0; i < autoscaling->options->balancing_ignored_label_count; i++)
        if (kerf_name_is(autoscaling->options->balancing_ignored_labels[i], kerf_name_text(key)))
            return true;
    return false;
}

static bool labels_alike(const struct kerf_autoscaling *autoscaling, const struct kerf_labels *a, const struct kerf_labels *b)
{
    for (int side = 0; side < 2; side++) {
        const struct kerf_labels *from = side ? b : a, *to = side ? a : b;
        for (size_t i = 0; i < from->count; i++)
            if (!is_ignored_label(autoscaling, from->items[i].key) &&
                kerf_labels_get(to, from->items[i].key) != from->items[i].value)
                return false;
    }
    return true;
}

/** With balancing-label these labels decide alone. */
static bool named_labels_alike(const struct kerf_autoscaling *autoscaling, const struct kerf_labels *a,
                               const struct kerf_labels *b)
{
    const struct kerf_autoscaler_options *options = autoscaling->options;
    for (uint32_t i = 0; i < options->balancing_label_count; i++) {
        kerf_name key = kerf_name_find(autoscaling->vocabulary->names, kerf_name_text(options->balancing_labels[i]));
        kerf_name value = key ? kerf_labels_get(a, key) : NULL;
        if (!value || kerf_labels_get(b, key) != value)
            return false;
    }
    return true;
}

/** Differs by at most that share of the larger; amounts as Go has them: thousandths, rounded up. */
static bool within(enum kerf_resource resource, int64_t a, int64_t b, double ratio)
{
    if (resource == KERF_RESOURCE_CPU) {
        a = a / 1000000 + (a % 1000000 > 0);
        b = b / 1000000 + (b % 1000000 > 0);
    } else if (resource == KERF_RESOURCE_PODS) {
        a *= 1000;
        b *= 1000;
    }
    double larger = fmax((double)a, (double)b), smaller = fmin((double)a, (double)b);
    return larger - smaller <= larger * ratio;
}

static struct kerf_resources free_of(const struct node_template *template)
{
    struct kerf_resources free = template->node.allocatable;
    for (uint32_t i = 0; i < template->pod_count; i++) {
        const struct kerf_resources *requests = template->pods[i]->pod.requests;
        for (int r = 0; r < KERF_RESOURCE_MAX; r++)
            if (r != KERF_RESOURCE_PODS)
                free.amounts[r] -= requests->amounts[r];
    }
    return free;
}

bool kerf_templates_similar(const struct kerf_autoscaling *autoscaling, const struct node_template *a,
                            const struct node_template *b)
{
    const struct kerf_autoscaler_options *options = autoscaling->options;
    if (options->balancing_label_count)
        return named_labels_alike(autoscaling, &a->node.meta.labels, &b->node.meta.labels);
    const struct kerf_resources *x = &a->node.capacity, *y = &b->node.capacity;
    const struct kerf_resources *p = &a->node.allocatable, *q = &b->node.allocatable;
    if (x->present != y->present || p->present != q->present)
        return false;
    struct kerf_resources free_a = free_of(a), free_b = free_of(b);
    for (int r = 0; r < KERF_RESOURCE_MAX; r++) {
        enum kerf_resource resource = (enum kerf_resource)r;
        if (kerf_resources_has(x, resource) &&
            (resource == KERF_RESOURCE_MEMORY ? !within(resource, x->amounts[r], y->amounts[r], options->memory_difference_ratio)
                                              : x->amounts[r] != y->amounts[r]))
            return false;
        if (kerf_resources_has(p, resource) &&
            (!within(resource, p->amounts[r], q->amounts[r], options->max_allocatable_difference_ratio) ||
             !within(resource, free_a.amounts[r], free_b.amounts[r], options->max_free_difference_ratio)))
            return false;
    }
    return labels_alike(autoscaling, &a->node.meta.labels, &b->node.meta.labels);
}

/* ---- spreading
 * ---------------------------------------------------------------------------------------------------------------------- */

struct growing {
    uint32_t group_index;
    int32_t from, to, max;
};

static int compare_sizes(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_i64(((const struct growing *)a)->from, ((const struct growing *)b)->from);
}

uint32_t kerf_autoscaling_balance(const struct kerf_autoscaling_group *groups, const uint32_t *group_indices,
                                  uint32_t group_count, int32_t node_count, struct kerf_autoscaling_size *out_sizes)
{
    struct growing *all = kerf_allocate(kerf_array_bytes(group_count + 1, sizeof *all));
    uint32_t count = 0;
    int64_t room = 0;
    for (uint32_t i = 0; i < group_count; i++) {
        const struct kerf_autoscaling_group *group = &groups[group_indices[i]];
        if (group->target_size == group->max_size)
            continue;
        all[count++] = (struct growing){group_indices[i], group->target_size, group->target_size, group->max_size};
        room += kerf_max_i64(group->max_size - group->target_size, 0);
    }
    kerf_sort(all, count, sizeof *all, compare_sizes, NULL);
    uint32_t start = 0, at = 0;
    for (int64_t left = kerf_min_i64(node_count, room); left > 0;) {
        if (all[at].to < all[at].max) {
            all[at].to++;
            left--;
        } else { /* full: to the front, and passed over from now on */
            struct growing full = all[at];
            all[at] = all[start];
            all[start++] = full;
        }
        bool next_is_smaller = at + 1 < count && all[at].to > all[at + 1].to;
        at = next_is_smaller ? at + 1 : start;
    }
    uint32_t changed = 0;
    for (uint32_t i = 0; i < count; i++)
        if (all[i].to != all[i].from)
            out_sizes[changed++] = (struct kerf_autoscaling_size){all[i].group_index, all[i].from, all[i].to};
    free(all);
    return changed;
}
