/** Which subnet a launch goes to and what runs out there, as Karpenter, groups and the CNI meet it (karpenter-provisioning 10.4, vpc-cni.md 5 and 8). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

#define WITH_KARPENTER (KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR))
#define WITH_A_GROUP (1u << KERF_SIM_IPAMD | 1u << KERF_SIM_NODEGROUPS | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_TERMINATOR | 1u << KERF_SIM_TAKERS)
static const char *const nothing = "apiVersion: v1\nkind: Namespace\nmetadata: { name: default }\n";
static const char *const group_of_one = "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1 }]\n";

/** A pod of one vCPU, so a node of m5.large each. */
static void open_karpenter(struct sim_world *world, const char *keys, int replicas)
{
    struct kerf_text text = {0};
    kerf_text_append_format(&text,
                            "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: %d, selector: { matchLabels: { a: b } }, "
                            "template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 1 } } }] } } }\n%s",
                            replicas, sim_pool_of_m5_large);
    sim_world_open(world, keys, text.bytes, WITH_KARPENTER);
    world->checked = true;
    kerf_text_fini(&text);
}

static int64_t used(const struct sim_world *world, uint32_t subnet)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->world->network.subnets[subnet]);
    return (int64_t)counts.size - counts.free;
}

static int nodes_in(const struct sim_world *world, uint32_t subnet)
{
    int count = 0;
    for (size_t at = 0; at < kerf_cluster_node_count(world->world->cluster); at++)
        count += kerf_cluster_node_at(world->world->cluster, at)->subnet_index == subnet;
    return count;
}

Test(subnet_choice, launches_in_flight_are_deducted)
{
    struct sim_world world;
    open_karpenter(&world,
                   "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }, { id: b, zone: us-east-1a, cidr: 10.0.1.0/24 }]\n", 4);
    sim_world_run(&world, SECONDS(300));
    cr_expect_eq(nodes_in(&world, 0), 2);
    cr_expect_eq(nodes_in(&world, 1), 2, "29 pods off the estimate of the one make the other the fuller");
    cr_expect_eq(world.world->subnet_views[0].estimate, 251 - 2 * 29);
    sim_world_run(&world, SECONDS(320));
    cr_expect_eq(world.world->subnet_views[0].estimate, 251 - used(&world, 0), "five minutes later EC2 is asked");
    sim_world_close(&world);
}

/* Others take the rest of the subnet that Karpenter believes to be the emptier. */
Test(subnet_choice, old_counts_mislead)
{
    struct sim_world world;
    open_karpenter(&world,
                   "zones: [us-east-1a]\nsubnets:\n"
                   "  - { id: a, zone: us-east-1a, cidr: 10.0.0.0/24, takers: [{ name: alb, addresses: 256, from: 110s }] }\n"
                   "  - { id: b, zone: us-east-1a, cidr: 10.0.1.0/25 }\n",
                   1);
    sim_world_run(&world, SECONDS(120));
    cr_assert_eq(nodes_in(&world, 0), 1);
    cr_expect_eq(used(&world, 0), 251, "what the taker could not have is not taken");
    size_t before = sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED);
    sim_world_add_pod(&world, "late", "1", "1Gi", "", "");
    sim_world_run(&world, SECONDS(140));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED), before + 1, "the launch is refused");
    cr_expect_eq(nodes_in(&world, 1), 0, "and the offering is gone for three minutes, though another subnet has room");
    cr_expect_eq(world.world->subnet_views[0].estimate, 0);
    sim_world_run(&world, SECONDS(400));
    cr_expect_eq(nodes_in(&world, 1), 1);
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED), before + 1);
    sim_world_close(&world);
}

Test(subnet_choice, a_zone_goes_when_all_its_subnets_refused)
{
    struct sim_world world;
    open_karpenter(&world,
                   "zones: [us-east-1a, us-east-1b]\nsubnets:\n  - { id: a, zone: us-east-1a, cidr: 10.0.0.0/28, taken: 11 }\n"
                   "  - { id: b, zone: us-east-1b, cidr: 10.0.1.0/28, taken: 11 }\n",
                   1);
    sim_world_run(&world, SECONDS(30));
    const struct kerf_catalog *catalog = world.design->catalog;
    const struct kerf_instance_facts *other = kerf_catalog_find(catalog, kerf_name_find(world.world->vocabulary->names, "c5.large"));
    cr_assert_not_null(other);
    const uint64_t *gone = kerf_cluster_unavailable_offerings(world.world->cluster);
    for (uint32_t zone = 0; zone < 2; zone++)
        for (int capacity_type = 0; capacity_type < KERF_CAPACITY_TYPE_COUNT; capacity_type++)
            cr_expect(kerf_bit_get(gone, kerf_catalog_offering_index(catalog, other->index, zone, (enum kerf_capacity_type)capacity_type)));
    sim_world_finish(&world);
    cr_expect_gt(sim_world_metric(&world, "launchesWithoutAddressPerDay"), 0);
    cr_expect_eq(sim_world_metric(&world, "addressesRefusedPerDay.error.InsufficientCidrBlocks"), 0);
    sim_world_close(&world);
}

Test(subnet_choice, takers_come_and_go)
{
    struct sim_world world;
    char keys[512];
    snprintf(keys, sizeof keys,
             "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/26, taken: 3, takers: [{ name: upgrade, addresses: 5, from: 10m, "
             "until: 20m }] }]\n%s",
             group_of_one);
    sim_world_open(&world, keys, nothing, WITH_A_GROUP);
    world.checked = true;
    sim_world_run(&world, SECONDS(590));
    int64_t before = used(&world, 0);
    sim_world_run(&world, SECONDS(610));
    cr_expect_eq(used(&world, 0), before + 5);
    sim_world_run(&world, SECONDS(1210));
    cr_expect_eq(used(&world, 0), before);
    sim_world_close(&world);
}

/* N1 and N5: pods' addresses come from a subnet of their own, by an ENIConfig or by tags. */
Test(subnet_choice, pods_have_a_subnet_of_their_own)
{
    static const char *const cni[] = { "cni: { AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: true }\n", "" };
    for (int tags = 0; tags < 2; tags++) {
        struct sim_world world;
        char keys[512];
        snprintf(keys, sizeof keys,
                 "zones: [us-east-1a]\nsubnets:\n  - { id: n, zone: us-east-1a, cidr: 10.0.0.0/28, use: nodes }\n"
                 "  - { id: p, zone: us-east-1a, cidr: 100.64.0.0/24, use: pods }\n%s%s",
                 group_of_one, cni[tags]);
        sim_world_open(&world, keys, nothing, WITH_A_GROUP);
        world.checked = true;
        sim_world_run(&world, SECONDS(600));
        cr_expect_eq(used(&world, 0), 1, "tags %d", tags);
        cr_expect_eq(used(&world, 1), 10, "tags %d", tags);
        cr_expect_eq(nodes_in(&world, 0), 1);
        kerf_node_id node = kerf_cluster_node_at(world.world->cluster, 0)->id;
        kerf_pod_id pod = sim_world_add_pod(&world, "p", "1m", "1Mi", "", "");
        kerf_cluster_bind_pod(world.world->cluster, pod, node);
        sim_world_run(&world, SECONDS(700));
        cr_expect_eq(used(&world, 1), 20);
        sim_world_close(&world);
    }
}

Test(subnet_choice, a_fragmented_subnet_has_no_block)
{
    struct sim_world world;
    char keys[512];
    snprintf(keys, sizeof keys,
             "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24, taken: 120 }]\ncni: { ENABLE_PREFIX_DELEGATION: true }\n%s",
             group_of_one);
    sim_world_open(&world, keys, nothing, WITH_A_GROUP);
    world.checked = true;
    sim_world_run(&world, SECONDS(1200));
    kerf_node_id node = kerf_cluster_node_at(world.world->cluster, 0)->id;
    cr_expect(kerf_cluster_is_ready(world.world->cluster, kerf_cluster_node(world.world->cluster, node)), "Ready, with an empty pool");
    cr_expect_eq(used(&world, 0), 121);
    cr_expect_geq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_CIDR_BLOCKS_EXHAUSTED), 5, "asked again every two minutes");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SUBNET_EXHAUSTED), 0);
    kerf_pod_id pod = sim_world_add_pod(&world, "p", "1m", "1Mi", "", "");
    kerf_cluster_bind_pod(world.world->cluster, pod, node);
    sim_world_run(&world, SECONDS(1200 + 1205));
    int64_t tries = 0;
    for (size_t i = 0; i < sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_SANDBOX_FAILED); i++)
        tries += sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_SANDBOX_FAILED, i)->value;
    cr_expect_eq(tries, 101, "one at once and one every twelve seconds, acted out or not: %d", (int)tries);
    sim_world_close(&world);
}

Test(subnet_choice, security_groups_for_pods_cost_a_trunk)
{
    struct sim_world world;
    char keys[512];
    snprintf(keys, sizeof keys, "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]\ncni: { ENABLE_POD_ENI: true }\n%s", group_of_one);
    sim_world_open(&world, keys, nothing, WITH_A_GROUP);
    world.checked = true;
    sim_world_run(&world, SECONDS(600));
    cr_expect_eq(used(&world, 0), 11);
    sim_world_close(&world);
}

Test(subnet_choice, calls_beyond_the_budget_are_throttled)
{
    struct sim_world world;
    sim_world_open(&world,
                   "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]\ncloud: { ec2CallsPerSecond: 0.1, ec2CallsBurst: 2 }\n"
                   "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 8 }]\nhorizon: 1h\n",
                   nothing, WITH_A_GROUP);
    world.checked = true;
    sim_world_run(&world, SECONDS(3600));
    kerf_time_us longest = 0;
    size_t calls = sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_EC2_CALL);
    for (size_t i = 0; i < calls; i++)
        longest = kerf_max_i64(longest, sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_EC2_CALL, i)->value);
    cr_expect_eq(calls, 8, "an assign call for each node");
    cr_expect_gt(longest, SECONDS(30), "the last of eight waits for its turn: %lld us", (long long)longest);
    sim_world_finish(&world);
    cr_expect_gt(sim_world_metric(&world, "ec2CallsThrottledPerHour"), 3);
    sim_world_close(&world);
}
