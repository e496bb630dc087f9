/** A nodeclaim's way, what refused launches leave behind, expiry, the condition Consolidatable. */
#include "../../support/sim_world.h"

#include "provisioning/provisioning.h"

#include <criterion/criterion.h>

static const char *const web_of_one =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 1, selector: { matchLabels: { a: b } }, template: { metadata: { "
    "labels: { a: b } }, spec: { containers: [{ name: c, image: i, resources: { requests: { cpu: 1 } } }] } } }\n";

static void open_world(struct sim_world *world, const char *keys, const char *pool_spec, uint32_t controllers)
{
    struct kerf_text text = {0};
    kerf_text_append(&text, web_of_one);
    kerf_text_append_format(&text,
                            "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\nspec: { amiSelectorTerms: [{ alias: "
                            "al2023@latest }], role: r, subnetSelectorTerms: [{ tags: { a: b } }], securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
                            "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: np }\nspec:\n  disruption: { consolidateAfter: %s, "
                            "consolidationPolicy: WhenEmpty }\n  template:\n    spec:\n      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: "
                            "default }\n%s",
                            "2m", pool_spec);
    sim_world_open(world, keys, text.bytes, controllers);
    kerf_text_fini(&text);
}

static const char *const m5_large_on_demand =
    "      requirements: [{ key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }, { key: karpenter.sh/capacity-type, operator: In, "
    "values: [on-demand] }]\n";

Test(lifecycle, a_claim_launches_registers_and_becomes_ready)
{
    struct sim_world world;
    open_world(&world, "", m5_large_on_demand, KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    world.checked = true;
    sim_world_run(&world, SECONDS(600));
    const struct sim_event *created = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0);
    const struct sim_event *launched = sim_world_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, 0);
    const struct sim_event *added = sim_world_event(&world, KERF_CHANGE_NODE_ADDED, 0);
    const struct sim_event *ready = sim_world_event(&world, KERF_CHANGE_NODE_READY, 0);
    const struct kerf_cluster_node *node = kerf_cluster_node(world.world->cluster, created->node);
    struct kerf_boot_times boot = kerf_cloud_draw_boot(world.world->cloud, kerf_world_owner_of_node(node), false);
    cr_expect_eq(launched->at_us - created->at_us, boot.launch_us);
    cr_expect_eq(added->at_us - launched->at_us, boot.registration_us);
    cr_expect_eq(ready->at_us - added->at_us, boot.initialization_us);
    cr_expect(kerf_cluster_is_initialized(world.world->cluster, node));
    cr_expect_eq(node->node.taints.count, 0);
    cr_expect_eq(sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 0)->at_us, launched->at_us);
    cr_expect_eq(sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 0)->value, 96000);
    cr_expect_eq(sim_world_event(&world, KERF_CHANGE_POD_BOUND, 0)->at_us, ready->at_us, "with an idle scheduler at once, whatever the back-off");
    sim_world_close(&world);
}

Test(lifecycle, a_refused_launch_is_remembered_for_three_minutes)
{
    struct sim_world world;
    open_world(&world, "cloud: { gaps: [{ until: 2m, capacityType: on-demand }] }\n", m5_large_on_demand, KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_LAUNCH_REFUSED), 3, "in each zone");
    kerf_node_id first = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0)->node;
    kerf_time_us refused_us = sim_world_node_event(&world, KERF_CHANGE_NODE_REMOVED, first)->at_us;
    kerf_time_us again_us = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 1)->at_us;
    cr_expect_geq(again_us - refused_us, SECONDS(175), "nothing is offered until the memory fades");
    cr_expect_leq(again_us - refused_us, SECONDS(205));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);
    sim_world_close(&world);
}

#define OF_ZONES(zones)                                                                                                                   \
    "      requirements: [{ key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }, { key: karpenter.sh/capacity-type, operator: " \
    "In, values: [on-demand] }, { key: topology.kubernetes.io/zone, operator: In, values: [" zones "] }]\n"

static bool is_marked(const struct sim_world *world, const char *type, const char *zone)
{
    const struct kerf_catalog *catalog = world->design->catalog;
    kerf_name type_name = kerf_name_find(world->world->vocabulary->names, type), zone_name = kerf_name_find(world->world->vocabulary->names, zone);
    size_t offering = kerf_catalog_offering_index(catalog, kerf_catalog_find(catalog, type_name)->index, kerf_catalog_zone_index(catalog, zone_name),
                                                  KERF_ON_DEMAND);
    return kerf_bit_get(kerf_cluster_unavailable_offerings(world->world->cluster), offering);
}

/* L9 of karpenter-provisioning.md: five equal claims, of which EC2 has three. */
Test(lifecycle, l9_a_partial_answer)
{
    struct sim_world world;
    open_world(&world,
               "cloud: { gaps: [{ until: 2m, capacityType: on-demand, instances: 3 }] }\nload: [{ workload: Deployment/web, schedule: [{ at: \"0 0 * * "
               "*\", replicas: 0 }] }]\n",
               OF_ZONES("us-east-1a, us-east-1b"), KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    for (int i = 0; i < 5; i++) {
        char name[24];
        snprintf(name, sizeof name, "p%d", i);
        sim_world_add_pod(&world, name, "1.5", "100Mi", "", ""); /* one fills a node */
    }
    sim_world_run(&world, SECONDS(10));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 5);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_LAUNCHED), 3);
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_NODE_REMOVED), 2);
    cr_expect(is_marked(&world, "m5.large", "us-east-1a"));
    cr_expect(is_marked(&world, "m5.large", "us-east-1b"));
    cr_expect_not(is_marked(&world, "m5.large", "us-east-1c"), "nobody asked for it");
    sim_world_run(&world, SECONDS(900));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_LAUNCHED), 5, "when the memory has faded");
    sim_world_close(&world);
}

#define UNAUTHORIZED_FOR(time)                                                                                                            \
    "cloud: { gaps: [{ until: 1h, zones: [us-east-1a] }, { until: " time ", zones: [us-east-1b], error: UnauthorizedOperation }] }\n"

/* L11: an error that capacity doesn't explain: the claim stays, and the launch is tried again after 1, 2, 4, ... seconds. */
Test(lifecycle, l11_an_unauthorised_launch_is_tried_again)
{
    struct sim_world world;
    open_world(&world, UNAUTHORIZED_FOR("30s"), OF_ZONES("us-east-1a, us-east-1b"), KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    sim_world_run(&world, SECONDS(20));
    kerf_node_id claim = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0)->node;
    cr_expect(is_marked(&world, "m5.large", "us-east-1a"));
    cr_expect_not(is_marked(&world, "m5.large", "us-east-1b"), "nothing is wrong with the offering");
    cr_assert_not_null(kerf_cluster_node(world.world->cluster, claim));
    cr_expect_geq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_LAUNCH_REFUSED), 1);
    sim_world_run(&world, SECONDS(600));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 1, "no pass runs while a claim is not launched");
    const struct sim_event *created = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0);
    const struct sim_event *launched = sim_world_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, 0);
    /* Answers take as long as any, each back-off doubles: the sixth request comes after 31 s and five answers. */
    struct kerf_boot_times boot =
        kerf_cloud_draw_boot(world.world->cloud, kerf_world_owner_of_node(kerf_cluster_node(world.world->cluster, claim)), false);
    kerf_time_us requests = 0, at_us = created->at_us;
    while (at_us < SECONDS(30))
        at_us += boot.launch_us + (KERF_SECOND_US << requests++);
    cr_expect_eq(launched->at_us, at_us + boot.launch_us);
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);
    sim_world_close(&world);
}

/* 11.2 */
Test(lifecycle, a_launch_that_never_succeeds_is_given_up_after_five_minutes)
{
    struct sim_world world;
    open_world(&world, UNAUTHORIZED_FOR("7m"), OF_ZONES("us-east-1a, us-east-1b"), KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    sim_world_run(&world, SECONDS(900));
    const struct sim_event *created = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0);
    kerf_time_us gone_us = sim_world_node_event(&world, KERF_CHANGE_NODE_REMOVED, created->node)->at_us;
    cr_expect_geq(gone_us, created->at_us + SECONDS(300));
    cr_expect_leq(gone_us, created->at_us + SECONDS(305));
    cr_expect_geq(sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED), 2);
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);
    sim_world_close(&world);
}

/* 6.5 and 10.10: an instance takes of its reservation and gives back; On-Demand follows when it is used up. */
Test(lifecycle, reservations_are_used_first)
{
    static const char *const reserved_or_on_demand =
        "      requirements: [{ key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }, { key: karpenter.sh/capacity-type, operator: "
        "In, values: [reserved, on-demand] }]\n---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\nspec: { "
        "amiSelectorTerms: [{ alias: al2023@latest }], role: r, capacityReservationSelectorTerms: [{ id: cr-1 }] }\n---\nCapacityReservations:\n  - { "
        "CapacityReservationId: cr-1, InstanceType: m5.large, AvailabilityZone: us-east-1b, AvailableInstanceCount: 1 }\n";
    struct sim_world world;
    open_world(&world, "", reserved_or_on_demand, KERF_SIM_ALL);
    const struct kerf_vocabulary *vocabulary = world.world->vocabulary;
    kerf_pod_id other = sim_world_add_pod(&world, "other", "1.5", "100Mi", "", "");
    sim_world_run(&world, SECONDS(120));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_LAUNCHED), 2);
    kerf_node_id first = sim_world_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, 0)->node, second = sim_world_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, 1)->node;
    const struct kerf_labels *labels = &kerf_cluster_node(world.world->cluster, first)->claim.meta.labels;
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(labels, vocabulary->key_capacity_type)), "reserved");
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(labels, vocabulary->key_capacity_reservation_id)), "cr-1");
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(labels, vocabulary->key_capacity_reservation_type)), "default");
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(labels, vocabulary->key_zone)), "us-east-1b");
    labels = &kerf_cluster_node(world.world->cluster, second)->claim.meta.labels;
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(labels, vocabulary->key_capacity_type)), "on-demand");
    cr_expect_null(kerf_labels_get(labels, vocabulary->key_capacity_reservation_id));
    cr_expect_eq(sim_world_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_STARTED, 0)->value, 96000, "a reserved instance is paid as On-Demand");
    cr_expect_eq(kerf_cluster_reservation_room(world.world->cluster, 0), 0);
    kerf_pod_id on_first = kerf_cluster_node(world.world->cluster, first)->pods[0];
    cr_expect(kerf_pod_id_equal(on_first, other), "the larger one is placed first");
    kerf_cluster_delete_pod(world.world->cluster, other, kerf_world_epoch_now(world.world));
    sim_world_run(&world, SECONDS(3000));
    cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED), 1);
    cr_expect_eq(kerf_cluster_reservation_room(world.world->cluster, 0), 1);
    sim_world_close(&world);
}

Test(lifecycle, expired_claims_go_one_a_second)
{
    static const char *const pool =
        "      expireAfter: 30m\n      requirements: [{ key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }, { key: "
        "karpenter.sh/capacity-type, operator: In, values: [on-demand] }]\n";
    struct sim_world world;
    open_world(&world, "", pool, 1u << KERF_SIM_LIFECYCLE);
    for (int i = 0; i < 3; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        sim_world_add_claimed_node(&world, name, "m5.large", "us-east-1a", false);
    }
    sim_world_run(&world, SECONDS(2000));
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(sim_world_event(&world, KERF_CHANGE_CLAIM_DELETING, i)->at_us, SECONDS(1800 + (double)i));
    sim_world_close(&world);

    open_world(&world, "", pool, KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    sim_world_run(&world, SECONDS(3000));
    const struct sim_event *created = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0);
    cr_expect_eq(sim_world_node_event(&world, KERF_CHANGE_CLAIM_DELETING, created->node)->at_us, created->at_us + 30 * KERF_MINUTE_US);
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1, "its pod found another place");
    sim_world_close(&world);
}

/* K1 and K2: to the second, whatever guards the node (budgets are the disruptor's: nobody asks it); many at once go one a second. */
Test(lifecycle, k1_k2_sixty_claims_expire_within_a_minute)
{
    static const char *const pool =
        "      expireAfter: 720h\n      requirements: [{ key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }, { key: "
        "karpenter.sh/capacity-type, operator: In, values: [on-demand] }]\n";
    struct sim_world world;
    open_world(&world, "horizon: 721h\n", pool, 1u << KERF_SIM_LIFECYCLE);
    for (int i = 0; i < 60; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        sim_world_add_claimed_node(&world, name, "m5.large", "us-east-1a", false);
    }
    kerf_pod_id guard = sim_world_add_pod(&world, "guard", "10m", "10Mi", ", annotations: { karpenter.sh/do-not-disrupt: \"true\" }", "");
    kerf_cluster_bind_pod(world.world->cluster, guard, kerf_cluster_node_at(world.world->cluster, 0)->id);
    sim_world_run(&world, SECONDS(2592000.0 - 1));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_DELETING), 0);
    sim_world_run(&world, SECONDS(2592000.0));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_DELETING), 1);
    cr_expect(kerf_cluster_is_deleted(kerf_cluster_node_at(world.world->cluster, 0)), "the guarded one");
    sim_world_run(&world, SECONDS(2592000.0 + 59));
    cr_expect_eq(sim_world_count(&world, KERF_CHANGE_CLAIM_DELETING), 60);
    sim_world_close(&world);
}

/* karpenter-disruption 2.7 */
Test(lifecycle, consolidatable_follows_pods_that_come_and_go)
{
    struct sim_world world;
    open_world(&world, "load: [{ workload: Deployment/web, schedule: [{ at: \"0 0 * * *\", replicas: 1 }, { at: \"0 1 * * *\", replicas: 0 }] }]\n",
               m5_large_on_demand, KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    sim_world_run(&world, SECONDS(600));
    const struct kerf_cluster_node *node = kerf_cluster_node_at(world.world->cluster, 0);
    kerf_time_us bound_us = sim_world_event(&world, KERF_CHANGE_POD_BOUND, 0)->at_us;
    const struct kerf_condition *condition = kerf_conditions_get(&node->claim.conditions, "Consolidatable");
    cr_assert_not_null(condition);
    cr_expect_eq(condition->status, KERF_CONDITION_TRUE);
    cr_expect_eq(condition->transition_epoch_us - world.design->start_epoch_us, bound_us + 2 * KERF_MINUTE_US);
    sim_world_run(&world, SECONDS(3601));
    cr_expect_not(kerf_conditions_true(&node->claim.conditions, "Consolidatable"), "a pod is going");
    sim_world_run(&world, SECONDS(3600 + 121));
    cr_expect(kerf_conditions_true(&node->claim.conditions, "Consolidatable"));
    sim_world_close(&world);
}

Test(lifecycle, a_claim_deleted_while_its_launch_is_in_flight_ends_at_the_answer)
{
    struct sim_world world;
    open_world(&world, "zones: [us-east-1a]\nsubnets: [{ id: a, zone: us-east-1a, cidr: 10.0.0.0/24 }]\n", m5_large_on_demand, KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
    world.checked = true;
    while (sim_world_count(&world, KERF_CHANGE_CLAIM_ADDED) == 0)
        sim_world_run(&world, kerf_world_now(world.world) + SECONDS(0.1));
    kerf_node_id node = sim_world_event(&world, KERF_CHANGE_CLAIM_ADDED, 0)->node;
    kerf_cluster_delete_claim(world.world->cluster, node);
    sim_world_run(&world, SECONDS(900));
    const struct sim_event *launched = sim_world_node_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, node);
    cr_assert_not_null(launched);
    cr_expect_eq(sim_world_node_event(&world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, node)->at_us, launched->at_us, "nothing to drain");
    cr_expect_null(sim_world_node_event(&world, KERF_CHANGE_NODE_ADDED, node));
    cr_expect_null(kerf_cluster_node(world.world->cluster, node));
    cr_expect_eq(sim_world_bound_pods(&world, "web"), 1, "another node came");
    sim_world_close(&world);
}

/* Ties: EC2 takes the instance in the microsecond in which its kubelet joins. The world goes first, in order of scheduling. */
Test(lifecycle, a_reclaim_and_a_registration_in_one_microsecond_have_one_answer)
{
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        struct sim_world world;
        open_world(&world,
                   "timings: { registration: { mu: 3, sigma: 0 } }\nspot: { reclaims: false }\n",
                   "      requirements: [{ key: node.kubernetes.io/instance-type, operator: In, values: [m5.large] }, { key: karpenter.sh/capacity-type, "
                   "operator: In, values: [spot] }]\n",
                   KERF_SIM_ALL & ~(1u << KERF_SIM_DISRUPTOR));
        world.checked = true;
        while (sim_world_count(&world, KERF_CHANGE_CLAIM_LAUNCHED) == 0)
            sim_world_run(&world, kerf_world_now(world.world) + SECONDS(0.1));
        struct sim_event launched = *sim_world_event(&world, KERF_CHANGE_CLAIM_LAUNCHED, 0);
        const struct kerf_cluster_node *node = kerf_cluster_node(world.world->cluster, launched.node);
        struct kerf_boot_times boot = kerf_cloud_draw_boot(world.world->cloud, kerf_world_owner_of_node(node), false);
        kerf_world_schedule(world.world, launched.at_us + boot.registration_us, KERF_EVENT_SPOT_RECLAIM, launched.node.index, 0);
        sim_world_run(&world, SECONDS(1200));
        cr_expect_null(kerf_cluster_node(world.world->cluster, launched.node), "whichever came first, the node is gone");
        cr_expect_null(sim_world_node_event(&world, KERF_CHANGE_NODE_READY, launched.node));
        cr_expect_eq(sim_world_count(&world, SIM_NOTICE + KERF_NOTICE_NODE_LOST), 1);
        cr_expect_eq(sim_world_bound_pods(&world, "web"), 1);
        hashes[i] = kerf_engine_trace_hash(world.world->engine);
        sim_world_close(&world);
    }
    cr_expect_eq(hashes[0], hashes[1]);
}
