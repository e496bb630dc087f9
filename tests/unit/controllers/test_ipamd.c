/** Addresses of pods: they come with interfaces and loops, or don't (vpc-cni.md 2 and 3). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define CONTROLLERS (1u << KERF_SIM_IPAMD | 1u << KERF_SIM_NODEGROUPS | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_TERMINATOR)
static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";

/** One ready node of m5.large (3 interfaces of 10 addresses) in a subnet of that many usable addresses, `taken` of them gone. */
static kerf_node_id open_world(struct sim_world *world, const char *more, int taken)
{
    char keys[512];
    snprintf(keys, sizeof keys,
             "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/25, taken: %d }]\nnodeGroups: [{ name: g, instanceTypes: [m5.large], "
             "desiredCapacity: 1 }]\n%s",
             taken, more);
    sim_world_open(world, keys, nothing, CONTROLLERS);
    world->checked = true;
    sim_world_run(world, SECONDS(600));
    return kerf_cluster_node_at(world->world->cluster, 0)->id;
}

static int64_t used(const struct sim_world *world)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->world->network.subnets[0]);
    return (int64_t)counts.size - counts.free - world->design->subnets[0].taken;
}

static void add_pods(struct sim_world *world, kerf_node_id node, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        char name[24];
        snprintf(name, sizeof name, "p%d", i);
        kerf_pod_id pod = sim_world_add_pod(world, name, "1m", "1Mi", "", "");
        kerf_cluster_bind_pod(world->world->cluster, pod, node);
    }
}

static size_t addressed(const struct sim_world *world) { return sim_world_count(world, KERF_CHANGE_POD_ADDRESSED); }

Test(ipamd, a_ready_node_holds_a_warm_interface)
{
    struct sim_world world;
    kerf_node_id node = open_world(&world, "", 0);
    cr_expect(kerf_cluster_is_ready(world.world->cluster, kerf_cluster_node(world.world->cluster, node)));
    cr_expect_eq(used(&world), 10, "its own address and nine for pods");
    sim_world_close(&world);
}

/* vpc-cni.md 3.10: 27 pods on a default m5.large; here with six seconds for an interface */
Test(ipamd, pods_wait_for_interfaces)
{
    struct sim_world world;
    kerf_node_id node = open_world(&world, "", 0);
    add_pods(&world, node, 0, 27);
    sim_world_run(&world, SECONDS(600));
    cr_expect_eq(addressed(&world), 9);
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_POD_WITHOUT_ADDRESS), 18);
    sim_world_run(&world, SECONDS(615));
    cr_expect_eq(addressed(&world), 18, "a second interface, and the kubelet asked again after 12 s");
    sim_world_run(&world, SECONDS(640));
    cr_expect_eq(addressed(&world), 27);
    cr_expect_eq(used(&world), 30);
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_POD_WITHOUT_ADDRESS), 18, "each tells once");
    sim_world_run(&world, SECONDS(700));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_RUNNING), 27);
    for (size_t at = 0; at < 27; at++)
        kerf_cluster_delete_pod(world.world->cluster, kerf_cluster_pod_at(world.world->cluster, at)->id, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(used(&world), 10, "interfaces went back after the cool-down");
    sim_world_close(&world);
}

static void cordon(struct sim_world *world, kerf_node_id id, bool cordoned)
{
    struct kerf_node node = kerf_cluster_node(world->world->cluster, id)->node;
    node.unschedulable = cordoned;
    kerf_cluster_update_node(world->world->cluster, id, &node);
}

/* vpc-cni.md 2: a cordoned node's pool doesn't grow, and its pods wait until it is uncordoned; nor does it give up interfaces. */
Test(ipamd, a_cordon_stops_the_pool)
{
    struct sim_world world;
    kerf_node_id node = open_world(&world, "", 0);
    cordon(&world, node, true);
    add_pods(&world, node, 0, 12);
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(addressed(&world), 9);
    cr_expect_eq(used(&world), 10);
    cordon(&world, node, false);
    sim_world_run(&world, SECONDS(960));
    cr_expect_eq(addressed(&world), 12);
    cr_expect_eq(used(&world), 30);
    cordon(&world, node, true);
    for (size_t at = 0; at < 12; at++)
        kerf_cluster_delete_pod(world.world->cluster, kerf_cluster_pod_at(world.world->cluster, at)->id, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(1300));
    cr_expect_eq(used(&world), 30);
    cordon(&world, node, false);
    sim_world_run(&world, SECONDS(1400));
    cr_expect_eq(used(&world), 10);
    sim_world_close(&world);
}

Test(ipamd, host_network_pods_need_none)
{
    struct sim_world world;
    kerf_node_id node = open_world(&world, "", 0);
    kerf_pod_id pod = sim_world_add_pod(&world, "agent", "1m", "1Mi", "", ", hostNetwork: true");
    kerf_cluster_bind_pod(world.world->cluster, pod, node);
    sim_world_run(&world, SECONDS(700));
    cr_expect_eq(addressed(&world), 0);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_RUNNING), 1);
    sim_world_close(&world);
}

Test(ipamd, an_exhausted_subnet_leaves_pods_waiting_until_others_go)
{
    struct sim_world world;
    kerf_node_id node = open_world(&world, "", 123 - 12);
    cr_expect_eq(used(&world), 10);
    add_pods(&world, node, 0, 15);
    sim_world_run(&world, SECONDS(1200));
    cr_expect_lt(addressed(&world), 15);
    cr_expect_gt(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED), 0);
    size_t before = addressed(&world);
    for (size_t at = 0; at < 6; at++)
        kerf_cluster_delete_pod(world.world->cluster, kerf_cluster_pod_at(world.world->cluster, at)->id, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(1300));
    cr_expect_eq(addressed(&world), before + 6 < 15 ? before + 6 : 15, "addresses cool down and are given again");
    sim_world_close(&world);
}

Test(ipamd, prefixes_only_where_the_hypervisor_gives_them)
{
    struct sim_world world;
    open_world(&world, "cni: { ENABLE_PREFIX_DELEGATION: true }\n", 0);
    cr_expect_eq(used(&world), 17, "its own address and a block of sixteen");
    sim_world_close(&world);
    sim_world_open(&world,
                   "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/25 }]\ncni: { ENABLE_PREFIX_DELEGATION: true }\nnodeGroups: [{ name: "
                   "g, instanceTypes: [m4.large], desiredCapacity: 1 }]\n",
                   nothing, CONTROLLERS);
    sim_world_run(&world, SECONDS(600));
    cr_expect_neq(used(&world) % 16, 1, "a xen type has single addresses: %d", (int)used(&world));
    sim_world_close(&world);
}

Test(ipamd, what_ends_gives_everything_back)
{
    struct sim_world world;
    kerf_node_id node = open_world(&world, "", 0);
    add_pods(&world, node, 0, 20);
    sim_world_run(&world, SECONDS(603)); /* an interface is on its way */
    kerf_cluster_delete_claim(world.world->cluster, node);
    sim_world_run(&world, SECONDS(612));
    kerf_node_id next = kerf_cluster_node_count(world.world->cluster) > 1 ? kerf_cluster_node_at(world.world->cluster, 1)->id : KERF_NO_NODE;
    sim_world_run(&world, SECONDS(1500));
    (void)next;
    cr_assert_eq(kerf_cluster_node_count(world.world->cluster), 1, "its successor");
    cr_expect_eq(used(&world), 10);
    sim_world_close(&world);
}
