/** Worked examples of cluster-autoscaler.md 15.2: which group grows, and by how much. */
#include "../../support/autoscaling_world.h"

#include <criterion/criterion.h>

static struct autoscaling_world world;

static void set_up(void)
{
    world_init(&world);
}
static void tear_down(void)
{
    world_fini(&world);
}
TestSuite(scale_up, .init = set_up, .fini = tear_down);

static void add_group(const char *name, enum world_shape shape)
{
    world_add_group(&world, name, shape, "a", 0, 1000);
}

static struct world_pods add_pending(const char *app, uint32_t count, int64_t millicores, int64_t mebibytes)
{
    struct world_pods pods = world_pods_of(&world, app, millicores, mebibytes);
    world_add_pending(&world, &pods, count);
    return pods;
}

static double waste_of(const char *group)
{
    const struct kerf_autoscaling_option *option = world_option(&world, group);
    cr_assert_not_null(option);
    const struct kerf_resources *capacity = &world.groups[option->group_index].template_node->capacity;
    double cpu = 0, memory = 0, cores = (double)capacity->cpu_nanocores * option->node_count,
           bytes = (double)capacity->memory_millibytes * option->node_count;
    for (uint32_t i = 0; i < option->pod_count; i++) {
        const struct kerf_resources *requests = kerf_cluster_pod(world.cluster, option->pods[i])->pod.requests;
        cpu += (double)requests->cpu_nanocores;
        memory += (double)requests->memory_millibytes;
    }
    return (cores - cpu) / cores + (bytes - memory) / bytes;
}

/** nodes and waste of an option */
static void expect_option(const char *group, int32_t nodes, double waste)
{
    const struct kerf_autoscaling_option *option = world_option(&world, group);
    cr_assert_not_null(option, "%s", group);
    cr_expect_eq(option->node_count, nodes, "%s: %d nodes", group, option->node_count);
    cr_expect_float_eq(waste_of(group), waste, 5e-5, "%s: %f", group, waste_of(group));
}

Test(scale_up, u1_one_shape)
{
    add_group("A", SHAPE_A);
    add_pending("p", 10, 1000, 1024);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 4);
    cr_expect_eq(world_option(&world, "A")->pod_count, 10);
}

Test(scale_up, u2_big_ones_first)
{
    add_group("A", SHAPE_A);
    add_pending("small", 4, 1200, 1024);
    add_pending("big", 2, 2500, 1024);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 3);
    cr_expect_eq(world_option(&world, "A")->pod_count, 6);
}

Test(scale_up, u3_least_waste)
{
    add_group("A", SHAPE_A);
    add_group("B", SHAPE_B);
    add_pending("p", 3, 900, 1024);
    world_scale_up(&world, 0);
    expect_option("A", 1, 1.1375);
    expect_option("B", 3, 1.4250);
    cr_expect_eq(world_grown(&world, "A"), 1);
}

Test(scale_up, u4_exact_tie)
{
    add_group("B", SHAPE_B);
    add_group("A", SHAPE_A);
    add_pending("p", 2, 1700, 6 * 1024);
    world_scale_up(&world, 0);
    expect_option("A", 1, 0.40);
    expect_option("B", 2, 0.40);
    cr_expect_eq(world.up->best_group_count, 2);
    cr_expect_eq(world_grown(&world, "A"), 1, "the first by name");
}

Test(scale_up, u5_tie_of_sizes)
{
    add_group("A", SHAPE_A);
    add_group("C", SHAPE_C);
    add_pending("p", 10, 1000, 1024);
    world_scale_up(&world, 0);
    expect_option("A", 4, 1.21875);
    expect_option("C", 2, 1.21875);
    cr_expect_eq(world.up->best_group_count, 2);
}

Test(scale_up, u6_one_small_pod)
{
    add_group("A", SHAPE_A);
    add_group("B", SHAPE_B);
    add_group("C", SHAPE_C);
    add_pending("p", 1, 500, 1024);
    world_scale_up(&world, 0);
    expect_option("A", 1, 1.8125);
    expect_option("B", 1, 1.6250);
    expect_option("C", 1, 1.90625);
    cr_expect_eq(world_grown(&world, "B"), 1);
}

Test(scale_up, u7_memory_decides)
{
    add_group("A", SHAPE_A);
    add_group("B", SHAPE_B);
    add_group("C", SHAPE_C);
    add_pending("p", 7, 500, 4 * 1024);
    world_scale_up(&world, 0);
    expect_option("A", 3, 1.125);
    expect_option("B", 7, 1.25);
    expect_option("C", 1, 0.6875);
    cr_expect_eq(world_grown(&world, "C"), 1);
}

Test(scale_up, u8_a_tighter_option_first)
{
    add_group("A", SHAPE_A);
    add_group("B", SHAPE_B);
    add_pending("small", 17, 100, 400);
    add_pending("big", 1, 3500, 8 * 1024);
    world_scale_up(&world, 0);
    expect_option("A", 2, 0.8925);
    expect_option("B", 1, 0.3199);
    cr_expect_eq(world_option(&world, "A")->pod_count, 18);
    cr_expect_eq(world_option(&world, "B")->pod_count, 17);
    cr_expect_eq(world_grown(&world, "B"), 1);
    cr_expect_eq(world.up->awaiting_count, 1);
    world_apply(&world);
    world_scale_up(&world, 0);
    cr_expect_eq(world.fit_count, 17, "they fit the node that is on its way");
    cr_expect_eq(world_grown(&world, "A"), 1);
    cr_expect_eq(world_grown(&world, "B"), 0);
}

Test(scale_up, u9_apart)
{
    add_group("A", SHAPE_A);
    struct world_pods pods = world_pods_of(&world, "p", 100, 64);
    struct kerf_pod_affinity_term term = {.topology_key = world.vocabulary->key_hostname,
                                          .selector = world_selector(&world, "p")};
    pods.spec->required_anti_affinity = (struct kerf_pod_affinity_terms){&term, 1};
    world_add_pending(&world, &pods, 5);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 5);
}

Test(scale_up, u10_room_of_the_group)
{
    world_add_group(&world, "A", SHAPE_A, "a", 8, 10);
    add_pending("big", 3, 3000, 1024);
    add_pending("small", 4, 700, 512);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 2);
    cr_expect_eq(world_option(&world, "A")->pod_count, 4, "two big ones, two small ones");
    world_apply(&world);
    world_scale_up(&world, 0);
    cr_expect_eq(world.fit_count, 4);
    cr_expect_eq(world.up->result, KERF_SCALE_UP_NO_OPTIONS, "the group is full");
    cr_expect_eq(world.up->remaining_count, 3);
}

Test(scale_up, u10_with_room)
{
    add_group("A", SHAPE_A);
    add_pending("big", 3, 3000, 1024);
    add_pending("small", 4, 700, 512);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 4);
}

Test(scale_up, u11_pod_slots)
{
    add_group("A", SHAPE_A);
    add_group("B", SHAPE_B);
    add_pending("p", 100, 10, 10);
    world_scale_up(&world, 0);
    expect_option("A", 2, 1.844482421875);
    expect_option("B", 4, 1.844482421875);
    cr_expect_eq(world.up->best_group_count, 2, "an exact tie");
    cr_expect_eq(world_grown(&world, "A"), 2);
}

Test(scale_up, u12_upcoming_nodes_take_pods)
{
    add_group("A", SHAPE_A);
    struct world_pods pods = add_pending("p", 10, 1000, 1024);
    world_scale_up(&world, 0);
    world_apply(&world);
    world_add_pending(&world, &pods, 2);
    world_scale_up(&world, 1);
    cr_expect_eq(world.up->result, KERF_SCALE_UP_NOT_NEEDED, "four nodes have room for twelve");
    world_add_pending(&world, &pods, 1);
    world_scale_up(&world, 2);
    cr_expect_eq(world_grown(&world, "A"), 1);
}

Test(scale_up, u13_zone_spread)
{
    uint32_t a = world_add_group(&world, "A-a", SHAPE_A, "a", 1, 100), b = world_add_group(&world, "A-b", SHAPE_A, "b", 1, 100);
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    struct kerf_topology_spread spread = {.max_skew = 1,
                                          .do_not_schedule = true,
                                          .topology_key = world.vocabulary->key_zone,
                                          .node_taints_policy = KERF_NODE_POLICY_IGNORE,
                                          .selector = world_selector(&world, "p")};
    pods.spec->spreads = (struct kerf_topology_spreads){&spread, 1};
    struct world_pods filler = world_pods_of(&world, "filler", 3250, 1024);
    kerf_node_id nodes[] = {world_add_node(&world, "n-a", a), world_add_node(&world, "n-b", b)};
    for (int i = 0; i < 2; i++) {
        world_add_bound(&world, &filler, nodes[i]);
        world_add_bound(&world, &pods, nodes[i]);
    }
    world_add_pending(&world, &pods, 4);
    world_scale_up(&world, 0);
    cr_expect_eq(world.up->option_count, 2);
    cr_expect_eq(world_option(&world, "A-a")->pod_count, 1, "a second node would be empty");
    cr_expect_eq(world_option(&world, "A-b")->pod_count, 1);
    cr_expect_eq(world_grown(&world, "A-a"), 1);
    world_apply(&world);
    world_scale_up(&world, 0);
    cr_expect_null(world_option(&world, "A-a"));
    cr_expect_eq(world_option(&world, "A-b")->pod_count, 2);
    cr_expect_eq(world_grown(&world, "A-b"), 1);
    world_apply(&world);
    world_scale_up(&world, 0);
    cr_expect_eq(world.up->result, KERF_SCALE_UP_NOT_NEEDED);
}

Test(scale_up, u15_nodes_at_a_time)
{
    world_add_group(&world, "A", SHAPE_A, "a", 0, 2000);
    add_pending("p", 1500, 3500, 4 * 1024);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 1000);
    world_apply(&world);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 500);
}

static void fill_nodes(uint32_t group, int count)
{
    struct world_pods filler = world_pods_of(&world, "filler", 3750, 1024);
    for (int i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%02d", i);
        world_add_bound(&world, &filler, world_add_node(&world, name, group));
    }
}

Test(scale_up, u16_nodes_of_the_cluster)
{
    world.options.max_nodes_total = 10;
    uint32_t group = world_add_group(&world, "A", SHAPE_A, "a", 9, 100);
    world.groups[group].upcoming_count = 1;
    struct world_pods pods = world_pods_of(&world, "p", 3500, 1024);
    fill_nodes(group, 8);
    world_add_pending(&world, &pods, 4);
    world_scale_up(&world, 0);
    cr_expect_eq(world.fit_count, 1, "on the upcoming one");
    cr_expect_eq(world_grown(&world, "A"), 1, "of the three that are needed");
}

Test(scale_up, u16_nodes_at_max)
{
    world.options.max_nodes_total = 10;
    uint32_t group = world_add_group(&world, "A", SHAPE_A, "a", 10, 100);
    struct world_pods pods = world_pods_of(&world, "p", 3500, 1024);
    fill_nodes(group, 10);
    world_add_pending(&world, &pods, 3);
    world_scale_up(&world, 0);
    cr_expect_eq(world.up->result, KERF_SCALE_UP_NODES_AT_MAX);
    cr_expect_eq(world.up->option_count, 0, "not tried");
}

Test(scale_up, u17_cores_of_the_cluster)
{
    world.options.cores_max = 40;
    uint32_t group = world_add_group(&world, "A", SHAPE_A, "a", 9, 100);
    struct world_pods pods = world_pods_of(&world, "p", 3500, 1024);
    fill_nodes(group, 9);
    world_add_pending(&world, &pods, 3);
    world_scale_up(&world, 0);
    cr_expect_eq(world_option(&world, "A")->node_count, 3);
    cr_expect_eq(world_grown(&world, "A"), 1);
}

Test(scale_up, u17_no_cores_left)
{
    world.options.cores_max = 40;
    uint32_t group = world_add_group(&world, "A", SHAPE_A, "a", 10, 100);
    struct world_pods pods = world_pods_of(&world, "p", 3500, 1024);
    fill_nodes(group, 10);
    world_add_pending(&world, &pods, 3);
    world_scale_up(&world, 0);
    cr_expect_eq(world.up->result, KERF_SCALE_UP_NO_OPTIONS);
}

Test(scale_up, u18_priorities)
{
    world.options.expanders[0] = KERF_EXPANDER_PRIORITY;
    world.priorities = "10:\n- .*\n50:\n- spot\n";
    add_group("ng-od", SHAPE_A);
    add_group("ng-spot", SHAPE_A);
    add_pending("p", 1, 500, 1024);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "ng-spot"), 1);
    world.groups[1].can_scale_up = false; /* in back-off */
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "ng-od"), 1);
}

/* ---- what pods count at all (15.1, L6 and L7) ---- */

Test(scale_up, l6_young_pods_wait)
{
    world.options.new_pod_scale_up_delay_us = 30 * KERF_SECOND_US;
    add_group("A", SHAPE_A);
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.pod.meta.created_epoch_us = world_time(92);
    world_add_pending(&world, &pods, 1);
    for (int now = 92; now <= 122; now += 10) {
        world_scale_up(&world, now);
        cr_expect_eq(world.up->result, KERF_SCALE_UP_NOT_NEEDED, "at %d", now);
    }
    world_scale_up(&world, 132);
    cr_expect_eq(world_grown(&world, "A"), 1);
}

Test(scale_up, l7_expendable_pods)
{
    add_group("A", SHAPE_A);
    struct world_pods pods = world_pods_of(&world, "p", 500, 512);
    pods.spec->has_priority = true;
    pods.spec->priority = -11;
    world_add_pending(&world, &pods, 1);
    world_scale_up(&world, 0);
    cr_expect_eq(world.up->result, KERF_SCALE_UP_NOT_NEEDED);
    struct world_pods more = world_pods_of(&world, "q", 500, 512);
    more.spec->has_priority = true;
    more.spec->priority = -10;
    world_add_pending(&world, &more, 1);
    world_scale_up(&world, 0);
    cr_expect_eq(world_grown(&world, "A"), 1);
}

/* What the provider says of a group counts until one of its nodes has been ready for more than a minute; that one has less. */
Test(scale_up, u14_a_template_that_promises_too_much)
{
    add_group("b", SHAPE_B);
    struct kerf_node promised = *world.groups[0].template_node;
    promised.allocatable.memory_millibytes = INT64_C(8) << 30;
    promised.allocatable.memory_millibytes *= 1000;
    world.groups[0].template_node = &promised; /* 7992 MiB are free */
    add_pending("p", 1, 500, 7680);
    world_scale_up(&world, 105);
    cr_expect_eq(world_grown(&world, "b"), 1);

    kerf_node_id id = world_add_node(&world, "b1", 0);
    struct kerf_node node = kerf_cluster_node(world.cluster, id)->node;
    node.allocatable.memory_millibytes = INT64_C(7) << 30;
    node.allocatable.memory_millibytes *= 1000;
    struct kerf_condition ready = node.conditions.items[0];
    ready.transition_epoch_us = world_time(170);
    node.conditions.items = &ready;
    kerf_cluster_update_node(world.cluster, id, &node);
    world.groups[0].target_size = 1;
    world_scale_up(&world, 175);
    cr_expect_eq(world_grown(&world, "b"), 1, "the node is ready for five seconds");
    world_scale_up(&world, 235);
    cr_expect_eq(world_grown(&world, "b"), 0, "the template is the node's now");
}
