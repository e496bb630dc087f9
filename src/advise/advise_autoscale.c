/**
 * advise_autoscale: what Cluster Autoscaler would do. Scale-up is one loop. Scale-down takes loops ten seconds apart, in which
 * nothing else happens, until a node that is unneeded now has been so for long enough: the last one decides.
 */
#include <stdlib.h>

#include "advise/advise_internal.h"
#include "advise/autoscale_advice.h"

#define DEFAULT_VOLUME_BYTES ((int64_t)20 << 30)

/* ---- groups
 * --------------------------------------------------------------------------------------------------------------------- */

static int32_t count_nodes(const struct kerf_cluster *cluster, kerf_name group, int32_t *out_all)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(cluster);
    int32_t count = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(cluster); at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(cluster, at);
        *out_all += node->has_node;
        count += node->has_node && kerf_labels_get(&node->node.meta.labels, vocabulary->key_eks_nodegroup) == group;
    }
    return count;
}

static void add_stated_groups(const struct kerf_autoscale *autoscale, struct kerf_autoscaling_group *out_groups)
{
    for (uint32_t i = 0; i < autoscale->group_count; i++) {
        const struct kerf_autoscale_group *group = &autoscale->groups[i];
        out_groups[i] = (struct kerf_autoscaling_group){
            .name = group->name,
            .min_size = group->min_size,
            .max_size = group->max_size,
            .target_size = group->size,
            .can_scale_up = true,
            .template_node = &group->node,
            .price_usd_per_hour = group->price_usd_per_hour,
        };
    }
}

/** Groups of a ClusterConfig: as large as their nodes that were read; where no node was read at all, as large as they are desired
 * to be, and those nodes are on their way. */
static void add_eksctl_groups(struct kerf_snapshot *snapshot, struct kerf_arena *arena, struct kerf_autoscaling_group *out_groups)
{
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(snapshot->catalog, &zone_count);
    for (size_t i = 0; i < snapshot->objects.nodegroups.count; i++) {
        const struct kerf_nodegroup *group = &snapshot->objects.nodegroups.items[i];
        struct kerf_node *node = KERF_NEW(arena, struct kerf_node);
        kerf_autoscaling_cloud_template(snapshot->cluster, group, zone_count ? zones[0].name : NULL, DEFAULT_VOLUME_BYTES, arena,
                                        node);
        int32_t all = 0, size = count_nodes(snapshot->cluster, group->meta.name, &all);
        out_groups[i] = (struct kerf_autoscaling_group){
            .name = group->meta.name,
            .min_size = group->min_size,
            .max_size = group->max_size,
            .target_size = all ? size : group->desired_capacity,
            .upcoming_count = all ? 0 : group->desired_capacity,
            .can_scale_up = true,
            .template_node = node,
            .template_has_proxy = true,
        };
        const struct kerf_instance_facts *facts = kerf_catalog_find(snapshot->catalog, group->instance_types[0]);
        if (facts)
            out_groups[i].price_usd_per_hour =
                group->spot && zone_count ? facts->spot_usd_per_hour[0] : facts->on_demand_usd_per_hour;
    }
}

/* ---- decisions
 * -------------------------------------------------------------------------------------------------------------------- */

static void run_scale_up(struct kerf_autoscale_advice *advice, const struct kerf_autoscaling_moment *moment)
{
    kerf_autoscaling_begin(advice->autoscaling, moment);
    kerf_autoscaling_filter(advice->autoscaling, &advice->fits, &advice->fit_count);
    advice->up = kerf_autoscaling_scale_up(advice->autoscaling);
    kerf_autoscaling_end(advice->autoscaling);
}

static void keep_loop(struct kerf_autoscale_advice *advice, struct kerf_autoscale_loop *loop, int64_t at_seconds,
                      const struct kerf_scale_down *down)
{
    kerf_node_id *unneeded = KERF_NEW_ARRAY(&advice->arena, kerf_node_id, down->unneeded_count);
    for (uint32_t i = 0; i < down->unneeded_count; i++)
        unneeded[i] = down->unneeded[i].node;
    *loop = (struct kerf_autoscale_loop){
        .at_seconds = at_seconds,
        .unneeded = unneeded,
        .unneeded_count = down->unneeded_count,
        .unremovable = kerf_arena_copy(&advice->arena, down->unremovable, down->unremovable_count * sizeof *loop->unremovable),
        .unremovable_count = down->unremovable_count,
    };
}

static void run_scale_down(struct kerf_snapshot *snapshot, struct kerf_autoscale_advice *advice,
                           struct kerf_autoscaling_moment *moment, const struct kerf_autoscaler_options *options)
{
    const kerf_time_us step_us = 10 * KERF_SECOND_US;
    kerf_time_us end_us = options->scale_down_unneeded_time_us + step_us;
    const struct kerf_autoscaling_fit *fits;
    uint32_t fit_count;
    for (kerf_time_us at_us = 0; at_us <= end_us; at_us += step_us) {
        moment->now_epoch_us = snapshot->at_epoch_us + at_us;
        kerf_cluster_set_now(snapshot->cluster, moment->now_epoch_us);
        kerf_autoscaling_begin(advice->autoscaling, moment);
        kerf_autoscaling_filter(advice->autoscaling, &fits, &fit_count);
        advice->down = kerf_autoscaling_scale_down(advice->autoscaling);
        kerf_autoscaling_end(advice->autoscaling);
        if (at_us == 0) {
            keep_loop(advice, &advice->loops[0], 0, advice->down);
            advice->utilization_count = advice->down->utilization_count;
            advice->utilizations = kerf_arena_copy(&advice->arena, advice->down->utilizations,
                                                   advice->utilization_count * sizeof *advice->utilizations);
        }
        keep_loop(advice, &advice->loops[1], at_us / KERF_SECOND_US, advice->down);
    }
    kerf_cluster_set_now(snapshot->cluster, snapshot->at_epoch_us);
}

struct kerf_autoscale_advice *kerf_advise_autoscale(struct kerf_snapshot *snapshot)
{
    const struct kerf_autoscale *autoscale = &snapshot->objects.autoscale;
    struct kerf_autoscale_advice *advice = kerf_allocate(sizeof *advice);
    kerf_arena_init(&advice->arena);
    advice->cluster = snapshot->cluster;
    struct kerf_autoscaler_options *options = KERF_NEW(&advice->arena, struct kerf_autoscaler_options);
    *options = autoscale->present ? autoscale->options : kerf_autoscaler_options_default();
    advice->group_count = autoscale->present ? autoscale->group_count : (uint32_t)snapshot->objects.nodegroups.count;
    struct kerf_autoscaling_group *groups = KERF_NEW_ARRAY(&advice->arena, struct kerf_autoscaling_group, advice->group_count);
    if (autoscale->present)
        add_stated_groups(autoscale, groups);
    else
        add_eksctl_groups(snapshot, &advice->arena, groups);
    advice->groups = groups;
    struct kerf_autoscaling_moment moment = {.now_epoch_us = snapshot->at_epoch_us,
                                             .groups = groups,
                                             .group_count = advice->group_count,
                                             .pricing = autoscale->pricing};
    advice->autoscaling = kerf_autoscaling_new(snapshot->cluster, options, snapshot->objects.autoscaler_priorities);
    if (!autoscale->present || !autoscale->scale_down)
        run_scale_up(advice, &moment);
    /* Without an action asked for: what there is to do, pods first. */
    advice->is_scale_down =
        autoscale->present ? autoscale->scale_down : advice->up->result == KERF_SCALE_UP_NOT_NEEDED && advice->fit_count == 0;
    if (advice->is_scale_down)
        run_scale_down(snapshot, advice, &moment, options);
    return advice;
}

void kerf_autoscale_advice_free(struct kerf_autoscale_advice *advice)
{
    if (!advice)
        return;
    kerf_autoscaling_free(advice->autoscaling);
    kerf_arena_fini(&advice->arena);
    free(advice);
}

bool kerf_autoscale_advice_acts(const struct kerf_autoscale_advice *advice)
{
    if (advice->is_scale_down)
        return advice->down->delete_empty_count + advice->down->delete_drain_count > 0;
    return advice->up->size_count > 0;
}
