/** Worked examples of cluster-autoscaler.md 15.5, as far as they are decisions: which nodes are unneeded, and which go in which
 * loop. */
#include "../../support/autoscaling_world.h"

#include <criterion/criterion.h>

static struct autoscaling_world world;
static uint32_t group;

static void set_up(void)
{
    world_init(&world);
    group = world_add_group(&world, "A", SHAPE_A, "a", 0, 100);
}
static void tear_down(void)
{
    world_fini(&world);
}
TestSuite(scale_down, .init = set_up, .fini = tear_down);

static kerf_node_id add_node(const char *name)
{
    world.groups[group].target_size++;
    return world_add_node(&world, name, group);
}

static void add_nodes(int count)
{
    for (int i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%02d", i);
        add_node(name);
    }
}

/** Loops ten seconds apart; returns when the node's deletion would begin, and stops there. -1: not until `until`. */
static int deleted_at(kerf_node_id node, int from, int until)
{
    for (int now = from; now <= until; now += 10) {
        world_scale_down(&world, now);
        for (uint32_t i = 0; i < world.down->delete_empty_count; i++)
            if (kerf_node_id_equal(world.down->delete_empty[i], node))
                return now;
        for (uint32_t i = 0; i < world.down->delete_drain_count; i++)
            if (kerf_node_id_equal(world.down->delete_drain[i], node))
                return now;
    }
    return -1;
}

/** Deletions are told to the loops after; instances are gone and targets lowered at once. Returns how many began in the loop. */
static uint32_t delete_some(int now)
{
    world_scale_down(&world, now);
    uint32_t count = world.down->delete_empty_count;
    for (uint32_t i = 0; i < count; i++) {
        kerf_node_id id = world.down->delete_empty[i];
        const struct kerf_cluster_node *node = kerf_cluster_node(world.cluster, id);
        while (node->pod_count)
            kerf_cluster_remove_pod(world.cluster, node->pods[0]);
        kerf_cluster_remove_node(world.cluster, id);
        world.groups[group].target_size--;
    }
    return count;
}

Test(scale_down, d1_strictly_longer)
{
    kerf_node_id node = add_node("n");
    cr_expect_eq(deleted_at(node, 0, 700), 610);
}

Test(scale_down, d3_threshold)
{
    struct world_pods equal = world_pods_of(&world, "equal", 1800, 100), above = world_pods_of(&world, "above", 1801, 100);
    kerf_node_id half = add_node("half"), more = add_node("more");
    world_add_bound(&world, &equal, half);
    world_add_bound(&world, &above, more);
    world_scale_down(&world, 0);
    cr_expect_eq(world_why_stays(&world, more), KERF_UNREMOVABLE_NOT_UNDERUTILIZED);
    cr_expect(world_is_unneeded(&world, half), "1950 / 3900 is 0.5 exactly");
    for (uint32_t i = 0; i < world.down->utilization_count; i++)
        if (kerf_node_id_equal(world.down->utilizations[i].node, half))
            cr_expect_eq(world.down->utilizations[i].utilization, 0.5);
}

Test(scale_down, d3_without_daemonsets)
{
    world.options.ignore_daemonsets_utilization = true;
    kerf_node_id below = add_node("below"), limit = add_node("limit"), above = add_node("above");
    struct world_pods a = world_pods_of(&world, "a", 1800, 100), b = world_pods_of(&world, "b", 1875, 100),
                      c = world_pods_of(&world, "c", 1876, 100);
    world_add_bound(&world, &a, below);
    world_add_bound(&world, &b, limit);
    world_add_bound(&world, &c, above);
    world_scale_down(&world, 0);
    cr_expect_eq(world.down->utilization_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        if (kerf_node_id_equal(world.down->utilizations[i].node, below))
            cr_expect_float_eq(world.down->utilizations[i].utilization, 0.48, 1e-12);
    cr_expect_eq(world_why_stays(&world, above), KERF_UNREMOVABLE_NOT_UNDERUTILIZED);
    cr_expect_neq(world_why_stays(&world, limit), KERF_UNREMOVABLE_NOT_UNDERUTILIZED);
}

Test(scale_down, d4_ten_at_a_time)
{
    add_nodes(15);
    for (int now = 0; now < 610; now += 10) {
        world_scale_down(&world, now);
        cr_assert_eq(world.down->unneeded_count, 15);
        cr_assert_eq(world.down->delete_empty_count, 0);
    }
    cr_expect_eq(delete_some(610), 10);
    cr_expect_eq(delete_some(620), 5);
}

Test(scale_down, d5_so_many_are_looked_at)
{
    static const uint32_t unneeded[] = {20, 40, 45};
    add_nodes(45);
    for (int now = 0; now < 610; now += 10) {
        world_scale_down(&world, now);
        cr_assert_eq(world.down->unneeded_count, unneeded[now / 10 < 2 ? now / 10 : 2], "at %d", now);
    }
    for (int now = 610; now < 650; now += 10)
        cr_expect_eq(delete_some(now), 10, "at %d", now);
    cr_expect_eq(delete_some(650), 5);
}

Test(scale_down, d6_minimum)
{
    add_nodes(2);
    world.groups[group].target_size = 3;
    world.groups[group].min_size = 2;
    for (int now = 0; now < 610; now += 10)
        world_scale_down(&world, now);
    world_scale_down(&world, 610);
    cr_expect_eq(world.down->unneeded_count, 2);
    cr_expect_eq(world.down->delete_empty_count, 1);
    cr_expect_eq(world.down->not_yet_count, 1);
    cr_expect_eq(world.down->not_yet[0].reason, KERF_UNREMOVABLE_GROUP_MIN_SIZE);
}

Test(scale_down, d7_no_place_until_a_pod_ends)
{
    struct world_pods pods = world_pods_of(&world, "p", 1000, 512);
    kerf_node_id n1 = add_node("n1"), n2 = add_node("n2");
    world_add_bound(&world, &pods, n1);
    kerf_pod_id last;
    for (int i = 0; i < 3; i++)
        last = world_add_bound(&world, &pods, n2);
    for (int now = 0; now < 100; now += 10) {
        world_scale_down(&world, now);
        cr_expect_eq(world_why_stays(&world, n1), now ? KERF_UNREMOVABLE_RECENTLY : KERF_UNREMOVABLE_NO_PLACE);
        cr_expect_eq(world_why_stays(&world, n2), KERF_UNREMOVABLE_NOT_UNDERUTILIZED);
    }
    kerf_cluster_remove_pod(world.cluster, last);
    for (int now = 100; now < 300; now += 10) {
        world_scale_down(&world, now);
        cr_expect_eq(world_why_stays(&world, n1), KERF_UNREMOVABLE_RECENTLY, "its pause");
        cr_expect_eq(world_why_stays(&world, n2), KERF_UNREMOVABLE_NOT_UNDERUTILIZED, "0.551");
    }
    cr_expect_eq(deleted_at(n1, 300, 1000), 910);
}

Test(scale_down, d8_nodes_that_receive_stay)
{
    struct world_pods pods = world_pods_of(&world, "p", 1000, 512);
    kerf_node_id nodes[] = {add_node("n1"), add_node("n2"), add_node("n3")};
    for (int i = 0; i < 3; i++)
        world_add_bound(&world, &pods, nodes[i]);
    world_scale_down(&world, 0);
    cr_expect(world_is_unneeded(&world, nodes[0]));
    cr_expect(world_is_unneeded(&world, nodes[1]));
    cr_expect(!world_is_unneeded(&world, nodes[2]), "it has the pods of all");
    cr_expect_eq(deleted_at(nodes[0], 10, 700), 610, "one drain at a time");
    cr_expect_eq(world.down->delete_drain_count, 1);
    cr_expect_eq(world.down->drain_count, 2);
}

Test(scale_down, d10_system_pod_without_budget)
{
    struct world_pods filler = world_pods_of(&world, "filler", 2500, 512);
    struct world_pods system = world_pods_of(&world, "dns", 100, 100);
    system.pod.meta.namespace_name = world.vocabulary->word_kube_system;
    system.pod.meta.created_epoch_us = world_time(0) - 1000 * KERF_SECOND_US;
    world.objects.workloads.items[system.workload_index].meta.namespace_name = world.vocabulary->word_kube_system;
    kerf_node_id node = add_node("n"), other = add_node("other");
    world_add_bound(&world, &filler, other);
    world_add_bound(&world, &system, node);
    for (int now = 0; now < 2700; now += 10) {
        world_scale_down(&world, now);
        cr_assert_eq(world_why_stays(&world, node), now % 300 ? KERF_UNREMOVABLE_RECENTLY : KERF_UNREMOVABLE_BLOCKED_BY_POD,
                     "at %d", now);
    }
    cr_expect_eq(deleted_at(node, 2700, 3400), 3310);
}

Test(scale_down, d13_unready_nodes_wait_longer)
{
    kerf_node_id back = add_node("back"), lost = add_node("lost");
    for (int now = 0; now < 300; now += 10)
        world_scale_down(&world, now);
    kerf_cluster_set_node_condition(world.cluster, back, "Ready", KERF_CONDITION_FALSE);
    kerf_cluster_set_node_condition(world.cluster, lost, "Ready", KERF_CONDITION_FALSE);
    for (int now = 300; now < 700; now += 10) {
        world_scale_down(&world, now);
        cr_assert_eq(world.down->delete_empty_count, 0, "at %d", now);
    }
    kerf_cluster_set_node_condition(world.cluster, back, "Ready", KERF_CONDITION_TRUE);
    cr_expect_eq(deleted_at(back, 700, 800), 700, "its clock ran on, and ten minutes count again");
    cr_expect_eq(deleted_at(lost, 710, 1300), 1210);
}

Test(scale_down, d16_parallelism)
{
    static const uint32_t unneeded[] = {6, 12, 15};
    world.options.max_scale_down_parallelism = 3;
    add_nodes(15);
    for (int now = 0; now < 610; now += 10) {
        world_scale_down(&world, now);
        cr_assert_eq(world.down->unneeded_count, unneeded[now / 10 < 2 ? now / 10 : 2], "at %d", now);
    }
    for (int now = 610; now <= 650; now += 10)
        cr_expect_eq(delete_some(now), 3, "at %d", now);
}

/* ---- which pods keep a node (section 11) ---- */

static kerf_node_id other_node;

/** A node with that pod, beside one that could take it. */
static kerf_node_id node_with(const struct world_pods *pods)
{
    kerf_node_id node = add_node("n");
    other_node = add_node("other");
    struct world_pods filler = world_pods_of(&world, "filler", 2500, 512);
    world_add_bound(&world, &filler, other_node);
    world_add_bound(&world, pods, node);
    world_scale_down(&world, 0);
    return node;
}

static enum kerf_blocking_reason blocking_reason(kerf_node_id node)
{
    for (uint32_t i = 0; i < world.down->unremovable_count; i++)
        if (kerf_node_id_equal(world.down->unremovable[i].node, node))
            return world.down->unremovable[i].pod_reason;
    return KERF_BLOCKING_NONE;
}

Test(scale_down, d9_budget)
{
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    world_add_budget(&world, "p", 0);
    kerf_node_id node = node_with(&pods);
    cr_expect_eq(blocking_reason(node), KERF_BLOCKING_NOT_ENOUGH_PDB);
    world.objects.pdbs.items[0].disruptions_allowed = 1; /* from 60 on */
    world_scale_down(&world, 290);
    cr_expect_eq(world_why_stays(&world, node), KERF_UNREMOVABLE_RECENTLY);
    world_scale_down(&world, 300);
    cr_expect(world_is_unneeded(&world, node));
}

Test(scale_down, d17_local_storage)
{
    struct kerf_pod_volume volume = {.name = kerf_name_of(world.vocabulary->names, "scratch"), .local = true};
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.spec->volumes = &volume;
    pods.spec->volume_count = 1;
    kerf_node_id node = node_with(&pods);
    cr_expect_eq(blocking_reason(node), KERF_BLOCKING_LOCAL_STORAGE);
    world_scale_down(&world, 10);
    cr_expect_eq(world_why_stays(&world, node), KERF_UNREMOVABLE_RECENTLY);
    world.options.skip_nodes_with_local_storage = false;
    world_scale_down(&world, 300);
    cr_expect(world_is_unneeded(&world, node));
}

Test(scale_down, d17_volume_that_may_go)
{
    struct kerf_pod_volume volume = {.name = kerf_name_of(world.vocabulary->names, "scratch"), .local = true};
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.spec->volumes = &volume;
    pods.spec->volume_count = 1;
    pods.details->annotations =
        world_annotation(&world, "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", "other,scratch");
    cr_expect(world_is_unneeded(&world, node_with(&pods)));
}

Test(scale_down, d18_bare_pod)
{
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.details->owner_count = 0;
    kerf_node_id node = node_with(&pods);
    cr_expect_eq(blocking_reason(node), KERF_BLOCKING_NOT_REPLICATED);
}

Test(scale_down, d18_bare_pod_that_may_go)
{
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.details->owner_count = 0;
    pods.details->annotations = world_annotation(&world, "cluster-autoscaler.kubernetes.io/safe-to-evict", "true");
    cr_expect(world_is_unneeded(&world, node_with(&pods)));
}

Test(scale_down, d19_old_system_pod_that_may_not_go)
{
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.pod.meta.namespace_name = world.vocabulary->word_kube_system;
    world.objects.workloads.items[pods.workload_index].meta.namespace_name = world.vocabulary->word_kube_system;
    pods.pod.meta.created_epoch_us = world_time(0) - 2 * KERF_HOUR_US;
    pods.details->annotations = world_annotation(&world, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false");
    cr_expect(world_is_unneeded(&world, node_with(&pods)), "rule 9 decides before rule 10");
}

Test(scale_down, not_safe_to_evict)
{
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.details->annotations = world_annotation(&world, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false");
    cr_expect_eq(blocking_reason(node_with(&pods)), KERF_BLOCKING_NOT_SAFE_TO_EVICT);
}

Test(scale_down, l7_expendable_pods_leave_a_node_empty)
{
    struct world_pods pods = world_pods_of(&world, "p", 3000, 512);
    pods.spec->has_priority = true;
    pods.spec->priority = -11;
    kerf_node_id node = node_with(&pods);
    cr_expect(world_is_unneeded(&world, node));
    cr_expect(world.down->unneeded[0].is_empty);
}

Test(scale_down, d2_deletions_in_progress_count)
{
    add_nodes(15);
    for (int now = 0; now <= 600; now += 10)
        world_scale_down(&world, now);
    for (int i = 0; i < 4; i++)
        world.deleting[world.deleting_count++] = kerf_cluster_node_at(world.cluster, (size_t)i)->id;
    world_scale_down(&world, 610);
    cr_expect_eq(world.down->unneeded_count, 11);
    cr_expect_eq(world.down->delete_empty_count, 6, "ten less four");
}

/** A pod that may not go, and that was told to go at 100 with a grace of a minute. */
static kerf_node_id node_of_terminating_pod(void)
{
    struct world_pods pods = world_pods_of(&world, "stuck", 1000, 100);
    pods.spec->termination_grace_seconds = 60;
    pods.details->annotations = world_annotation(&world, "cluster-autoscaler.kubernetes.io/safe-to-evict", "false");
    kerf_node_id node = add_node("n");
    kerf_cluster_delete_pod(world.cluster, world_add_bound(&world, &pods, node), world_time(100));
    return node;
}

Test(scale_down, a_terminating_pod_counts_for_its_grace_and_half_a_minute)
{
    kerf_node_id node = node_of_terminating_pod();
    world_scale_down(&world, 190);
    cr_expect_eq(world_why_stays(&world, node), KERF_UNREMOVABLE_BLOCKED_BY_POD);
}

Test(scale_down, a_terminating_pod_is_ignored_then)
{
    kerf_node_id node = node_of_terminating_pod();
    world_scale_down(&world, 191);
    cr_expect(world_is_unneeded(&world, node));
}

Test(scale_down, a_node_whose_deletion_was_begun_lately)
{
    kerf_node_id node = add_node("n");
    struct kerf_taint taint = {.key = kerf_name_of(world.vocabulary->names, KERF_TO_BE_DELETED_TAINT),
                               .value = kerf_name_format(world.vocabulary->names, "%" PRId64, (int64_t)(world_time(0) / KERF_SECOND_US)),
                               .effect = KERF_TAINT_NO_SCHEDULE};
    kerf_cluster_set_node_taints(world.cluster, node, (struct kerf_taints){&taint, 1});
    world_scale_down(&world, 299);
    cr_expect_eq(world_why_stays(&world, node), KERF_UNREMOVABLE_BEING_DELETED);
    world_scale_down(&world, 309);
    cr_expect(world_is_unneeded(&world, node));
}
