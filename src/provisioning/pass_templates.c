/**
 * pass_templates: the NodePools that a pass considers, the templates made of them, and what is left of their limits.
 * karpenter-provisioning.md 1.6, 5.4, 5.5, 6.4, 12.1.
 */
#include "provisioning/provisioning_internal.h"

/* Managed by the AWS provider, dynamic, ready, and not being deleted (1.6). */
static bool is_considered(const struct kerf_nodepool *nodepool)
{
    if (nodepool->replicas >= 0 || nodepool->meta.deletion_epoch_us != KERF_TIME_UNSET || !kerf_nodepool_is_ready(nodepool))
        return false;
    return nodepool->nodeclass.kind == NULL || kerf_name_is(nodepool->nodeclass.kind, "EC2NodeClass");
}

static int compare_pools(const void *a, const void *b, void *context)
{
    (void)context;
    const struct kerf_nodepool *left = ((const struct kerf_pass_pool *)a)->nodepool;
    const struct kerf_nodepool *right = ((const struct kerf_pass_pool *)b)->nodepool;
    int order = kerf_compare_i64(right->weight, left->weight);
    return order != 0 ? order : kerf_name_compare(right->meta.name, left->meta.name);
}

void kerf_pass_list_pools(struct kerf_pass *pass)
{
    size_t all = pass->objects->nodepools.count;
    pass->pools = KERF_NEW_ARRAY(&pass->arena, struct kerf_pass_pool, all);
    for (uint32_t i = 0; i < all; i++) {
        const struct kerf_nodepool *nodepool = &pass->objects->nodepools.items[i];
        if (!is_considered(nodepool))
            continue;
        pass->has_pool = true;
        for (size_t k = 0; k < nodepool->taints.count; k++)
            pass->tolerate_prefer_no_schedule |= nodepool->taints.items[k].effect == KERF_TAINT_PREFER_NO_SCHEDULE;
        uint32_t nodeclass_index = kerf_cluster_nodeclass_of_pool(pass->cluster, i);
        if (nodeclass_index == KERF_NOT_FOUND)
            continue; /* its types cannot be listed */
        struct kerf_pass_pool *pool = &pass->pools[pass->pool_count++];
        pool->nodepool_index = i;
        pool->nodepool = nodepool;
        pool->table = kerf_provisioning_cache_table(pass->cache, nodeclass_index);
    }
    kerf_sort(pass->pools, pass->pool_count, sizeof pass->pools[0], compare_pools, NULL);
}

void kerf_pass_compute_limits(struct kerf_pass *pass, struct kerf_pass_pool *pool)
{
    const struct kerf_nodepool_limits *limits = &pool->nodepool->limits;
    bool lifted = (pass->options.lifted & KERF_LIFT_LIMITS) != 0;
    pool->limited = lifted ? 0 : limits->resources.present;
    pool->limits_nodes = !lifted && limits->nodes >= 0;
    pool->has_limits = pool->limited != 0 || pool->limits_nodes;
    if (!pool->has_limits)
        return;
    pool->remaining_nodes = limits->nodes;
    for (uint32_t i = 0; i < KERF_RESOURCE_MAX; i++)
        pool->remaining[i] = limits->resources.amounts[i];
    for (uint32_t i = 0; i < pass->node_count; i++) {
        const struct kerf_cluster_node *node = pass->nodes[i].node;
        if (node->nodepool_index != pool->nodepool_index)
            continue;
        struct kerf_resources capacity = kerf_cluster_node_capacity(pass->cluster, node);
        for (uint32_t k = 0; k < KERF_RESOURCE_MAX; k++)
            if (pool->limited >> k & 1)
                pool->remaining[k] -= capacity.amounts[k];
        pool->remaining_nodes--;
    }
    pool->within_limits = KERF_NEW_ARRAY(&pass->arena, uint64_t, pool->table->words);
}

struct kerf_requirements kerf_pass_template_requirements(struct kerf_pass *pass, const struct kerf_nodepool *nodepool)
{
    const struct kerf_vocabulary *vocabulary = pass->vocabulary;
    struct kerf_requirements requirements = {0};
    kerf_requirements_add_expressions(&pass->arena, vocabulary, &requirements, &nodepool->requirements);
    struct kerf_requirements labels = kerf_requirements_of_labels(&pass->arena, vocabulary, &nodepool->template_labels);
    kerf_requirements_add_all(&pass->arena, &requirements, &labels);
    const struct kerf_label implied[] = {
        {vocabulary->key_nodepool, nodepool->meta.name},
        {vocabulary->key_ec2nodeclass, nodepool->nodeclass.name},
        {vocabulary->key_registered, vocabulary->word_true},
        {vocabulary->key_initialized, vocabulary->word_true},
    };
    for (size_t i = 0; i < sizeof implied / sizeof implied[0]; i++) {
        struct kerf_requirement one = kerf_requirement_in(&pass->arena, implied[i].key, &implied[i].value, 1);
        kerf_requirements_add(&pass->arena, &requirements, &one);
    }
    return requirements;
}

void kerf_pass_make_templates(struct kerf_pass *pass)
{
    pass->templates = KERF_NEW_ARRAY(&pass->arena, struct kerf_template, pass->pool_count);
    static const struct kerf_resources nothing;
    for (uint32_t i = 0; i < pass->pool_count; i++) {
        struct kerf_pass_pool *pool = &pass->pools[i];
        kerf_pass_compute_limits(pass, pool);
        struct kerf_template *template = &pass->templates[pass->template_count];
        *template =
            (struct kerf_template){.pool = pool, .pool_index = i, .requirements = kerf_pass_template_requirements(pass, pool->nodepool)};
        uint64_t *all = KERF_NEW_ARRAY(&pass->arena, uint64_t, pool->table->words);
        for (uint32_t k = 0; k < pool->table->count; k++)
            kerf_bit_set(all, k);
        template->options = KERF_NEW_ARRAY(&pass->arena, uint64_t, pool->table->words);
        struct kerf_filter filter = {
            .template = template,
            .options = all,
            .requirements = &template->requirements,
            .requests = &nothing,
            .lower_min_values = pass->options.min_values_policy == KERF_MIN_VALUES_BEST_EFFORT,
            .remaining = template->options,
        };
        if (!kerf_pass_filter_types(pass, &filter, NULL))
            continue; /* without types the template is dropped for the pass (6.4) */
        template->slots = filter.slots;
        template->min_values_lowered = filter.min_values_lowered;
        kerf_pass_group_daemons(pass, template);
        pass->template_count++;
    }
}

/* ---- limits in the pass (5.4, 5.5) ------------------------------------------------------------------------------------ */

static bool holds_within(const struct kerf_pass_pool *pool, uint32_t type)
{
    if (pool->limits_nodes && pool->remaining_nodes < 0)
        return false; /* no type has an amount of `nodes`, and 0 is more than what is left (Q13) */
    for (uint32_t limited = pool->limited; limited != 0; limited &= limited - 1) {
        uint32_t resource = (uint32_t)__builtin_ctz(limited);
        const int64_t *column = pool->table->capacity[resource];
        if ((kerf_i128)(column != NULL ? column[type] : 0) > pool->remaining[resource])
            return false;
    }
    return true;
}

const uint64_t *kerf_pass_options_within_limits(struct kerf_pass *pass, struct kerf_template *template, struct kerf_text *reason)
{
    (void)pass;
    struct kerf_pass_pool *pool = template->pool;
    if (!pool->has_limits)
        return template->options;
    if (pool->limits_nodes && pool->remaining_nodes == 0) {
        if (reason != NULL)
            kerf_text_append_format(reason, "node limits have been exhausted for nodepool (NodePool=%s)",
                                    pool->nodepool->meta.name->text);
        return NULL;
    }
    if (!pool->within_limits_known) {
        pool->within_limits_known = true;
        memset(pool->within_limits, 0, pool->table->words * sizeof pool->within_limits[0]);
        uint32_t type;
        KERF_FOR_TYPES(type, template->options, pool->table->words)
        {
            if (holds_within(pool, type))
                kerf_bit_set(pool->within_limits, type);
        }
    }
    if (kerf_types_any(pool->within_limits, pool->table->words))
        return pool->within_limits;
    if (reason != NULL)
        kerf_text_append_format(reason, "all available instance types exceed limits for nodepool (NodePool=%s)",
                                pool->nodepool->meta.name->text);
    return NULL;
}

void kerf_pass_charge_limits(struct kerf_template *template, const uint64_t *options)
{
    struct kerf_pass_pool *pool = template->pool;
    for (uint32_t limited = pool->limited; limited != 0; limited &= limited - 1) {
        uint32_t resource = (uint32_t)__builtin_ctz(limited);
        const int64_t *column = pool->table->capacity[resource];
        int64_t largest = 0;
        uint32_t type;
        if (column != NULL) {
            KERF_FOR_TYPES(type, options, pool->table->words)
            {
                largest = kerf_max_i64(largest, column[type]);
            }
        }
        pool->remaining[resource] -= largest;
    }
    if (pool->limited != 0)
        pool->within_limits_known = false;
}
