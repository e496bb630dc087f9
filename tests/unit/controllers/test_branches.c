/** Security groups for pods and ENIConfigs in a run (vpc-cni.md 5.1 and 6; N9 of 10.3). */
#include "../../support/sim_world.h"

#include <criterion/criterion.h>

/** A node group of m5.large (3 interfaces of 10 addresses, 9 branches), and a Deployment that a SecurityGroupPolicy selects. */
static void open_world(struct sim_world *world, const char *keys, const char *more, int replicas)
{
    struct kerf_text manifests = {0};
    kerf_text_append_format(&manifests,
                            "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: %d, selector: { matchLabels: { a: b } }, "
                            "template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 1m } } }] } } }\n"
                            "---\napiVersion: vpcresources.k8s.aws/v1beta1\nkind: SecurityGroupPolicy\nmetadata: { name: web }\n"
                            "spec: { podSelector: { matchLabels: { a: b } }, securityGroups: { groupIds: [sg-1] } }\n%s",
                            replicas, more);
    sim_world_open(world, keys, manifests.bytes, KERF_SIM_ALL);
    world->checked = true;
    kerf_text_fini(&manifests);
}

static int64_t used(const struct sim_world *world, uint32_t subnet)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->world->network.subnets[subnet]);
    return (int64_t)counts.size - counts.free;
}

static size_t addressed(const struct sim_world *world) { return sim_world_count(world, KERF_CHANGE_POD_ADDRESSED); }

static const char *const one_node = "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]\ncni: { ENABLE_POD_ENI: true }\n"
                                    "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1 }]\n";

/* N9: the pool (10), the trunk (1), and an address a pod; the pods' addresses come back 60 to 90 s after their end. */
Test(branches, a_pod_takes_an_address_until_it_cooled_down)
{
    struct sim_world world;
    open_world(&world, one_node, "", 4);
    sim_world_run(&world, SECONDS(600));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 4);
    cr_expect_eq(addressed(&world), 4);
    cr_expect_eq(used(&world, 0), 11 + 4);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_POD_RUNNING), 4);
    for (size_t at = 0; at < kerf_cluster_pod_count(world.world->cluster); at++) /* replaced by four others */
        kerf_cluster_delete_pod(world.world->cluster, kerf_cluster_pod_at(world.world->cluster, at)->id, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(650));
    cr_expect_eq(used(&world, 0), 11 + 8, "the old ones cool down");
    sim_world_run(&world, SECONDS(600 + 2 + 91));
    cr_expect_eq(used(&world, 0), 11 + 4);
    sim_world_close(&world);
}

/* kube-scheduler counts vpc.amazonaws.com/pod-eni: a node of m5.large takes nine. */
Test(branches, the_type_limits_them)
{
    struct sim_world world;
    open_world(&world, one_node, "", 12);
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 9);
    cr_expect_eq(used(&world, 0), 11 + 9);
    sim_world_close(&world);
}

/* Without the feature nobody attaches trunks, and no node has what the webhook made the pods ask for. */
Test(branches, pods_wait_without_the_feature)
{
    struct sim_world world;
    open_world(&world, "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]\n"
                       "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1 }]\n", "", 4);
    sim_world_run(&world, SECONDS(600));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 0);
    cr_expect_eq(used(&world, 0), 10, "the pool alone");
    sim_world_close(&world);
}

Test(branches, a_full_subnet_is_tried_again_after_half_an_hour)
{
    struct sim_world world;
    open_world(&world, "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/28, takers: [{ name: t, addresses: 6, until: 1000s }] }]\n"
                       "cni: { ENABLE_POD_ENI: true, WARM_IP_TARGET: 1 }\nnodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1 }]\n", "", 4);
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(addressed(&world), 2, "eleven less the taker's six, the primary's, the pool's and the trunk's");
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_POD_WITHOUT_ADDRESS), 2);
    sim_world_run(&world, SECONDS(1500));
    cr_expect_eq(addressed(&world), 2, "addresses are free, and nobody asks");
    sim_world_run(&world, SECONDS(2800));
    cr_expect_eq(addressed(&world), 4);
    sim_world_close(&world);
}

Test(branches, a_trunk_without_an_address_is_asked_for_again)
{
    struct sim_world world;
    open_world(&world, "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/28, takers: [{ name: t, addresses: 9, until: 1000s }] }]\n"
                       "cni: { ENABLE_POD_ENI: true, WARM_IP_TARGET: 1 }\nnodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1 }]\n", "", 2);
    sim_world_run(&world, SECONDS(990));
    cr_expect_eq(used(&world, 0), 11, "the taker's nine, the primary's and the pool's");
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 0, "a node without a trunk offers no branches");
    sim_world_run(&world, SECONDS(1200));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 2);
    cr_expect_eq(used(&world, 0), 2 + 1 + 2);
    sim_world_close(&world);
}

Test(branches, a_node_s_end_returns_all_a_minute_later)
{
    struct sim_world world;
    open_world(&world, one_node, "", 4);
    sim_world_run(&world, SECONDS(600));
    int64_t before = used(&world, 0);
    kerf_node_id node = kerf_cluster_node_at(world.world->cluster, 0)->id;
    kerf_cluster_delete_claim(world.world->cluster, node);
    sim_world_run(&world, SECONDS(1800));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 4, "on the node that took its place");
    cr_expect_eq(used(&world, 0), before);
    cr_expect_eq(kerf_branches_held(world.sim.controllers[KERF_SIM_BRANCHES]), 4);
    sim_world_close(&world);
}

/* Karpenter counts on nine a node, and calls a node initialized only when its trunk brought them. */
Test(branches, karpenter_launches_for_them)
{
    struct sim_world world;
    struct kerf_text more = {0};
    kerf_text_append_format(&more, "---\n%s", sim_pool_of_m5_large);
    open_world(&world, "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]\ncni: { ENABLE_POD_ENI: true }\n", more.bytes, 12);
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(kerf_cluster_node_count(world.world->cluster), 2);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_NODE_INITIALIZED), 2);
    cr_expect_eq(addressed(&world), 12);
    cr_expect_eq(used(&world, 0), 2 * 11 + 12);
    sim_world_close(&world);
    kerf_text_fini(&more);
}

/* ---- ENIConfigs ------------------------------------------------------------------------------------------------------------------- */

#define ENICONFIG(name, subnet) "---\napiVersion: crd.k8s.amazonaws.com/v1alpha1\nkind: ENIConfig\nmetadata: { name: " name " }\nspec: { subnet: " subnet " }\n"
#define CUSTOM(more)                                                                                                              \
    "zones: [us-east-1a]\nsubnets:\n  - { id: n, zone: us-east-1a, cidr: 10.0.0.0/28 }\n  - { id: p, zone: us-east-1a, cidr: 100.64.0.0/24 }\n"      \
    "  - { id: q, zone: us-east-1a, cidr: 100.64.1.0/24 }\ncni: { AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG: true" more " }\n"

/* N1: the primary in the node's subnet, ten addresses in that of the ENIConfig: by the zone, by a label of its own, or the default one. */
Test(eniconfigs, the_node_s_labels_choose)
{
    static const struct {
        const char *keys, *group_labels;
        int64_t p, q;
    } cases[] = {
        { CUSTOM(", ENI_CONFIG_LABEL_DEF: topology.kubernetes.io/zone"), "", 10, 0 },
        { CUSTOM(""), ", labels: { k8s.amazonaws.com/eniConfig: other }", 0, 10 },
        { CUSTOM(""), "", 10, 0 },
        { CUSTOM(", ENI_CONFIG_LABEL_DEF: topology.kubernetes.io/zone"), ", labels: { vpc.amazonaws.com/externalEniConfig: other }", 0, 10 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_world world;
        struct kerf_text keys = {0};
        kerf_text_append_format(&keys, "%snodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1%s }]\n", cases[i].keys, cases[i].group_labels);
        open_world(&world, keys.bytes, ENICONFIG("us-east-1a", "p") ENICONFIG("other", "q") ENICONFIG("default", "p"), 0);
        sim_world_run(&world, SECONDS(600));
        cr_expect_eq(used(&world, 0), 1, "case %zu", i);
        cr_expect_eq(used(&world, 1), cases[i].p, "case %zu", i);
        cr_expect_eq(used(&world, 2), cases[i].q, "case %zu", i);
        sim_world_close(&world);
        kerf_text_fini(&keys);
    }
}

Test(eniconfigs, without_one_the_node_never_is_ready)
{
    struct sim_world world;
    open_world(&world, CUSTOM("") "nodeGroups: [{ name: g, instanceTypes: [m5.large], desiredCapacity: 1 }]\n",
               ENICONFIG("us-east-1a", "p") ENICONFIG("us-east-1b", "q"), 0);
    sim_world_run(&world, SECONDS(900));
    const struct kerf_cluster_node *node = kerf_cluster_node_at(world.world->cluster, 0);
    cr_expect_not(kerf_cluster_is_ready(world.world->cluster, node));
    cr_expect_eq(used(&world, 1) + used(&world, 2), 0);
    sim_world_close(&world);
}
