/* The worked examples 24 to 45 of karpenter-provisioning.md 16.5, 16.6 and 16.9: spread, affinity, anti-affinity. */
#include <criterion/criterion.h>

#include "../../support/plan_world.h"

static struct plan_world world;

static void set_up(void)
{
    plan_world_init(&world);
    world.shown_keys[0] = "topology.kubernetes.io/zone";
}
static void tear_down(void)
{
    plan_world_fini(&world);
}
TestSuite(examples_topology, .init = set_up, .fini = tear_down);

#define EXPECT(text) cr_expect_str_eq(plan_world_run(&world), text, "%s\n%s", world.outcome.bytes, world.reasons.bytes)

#define ZONE "topology.kubernetes.io/zone"
#define HOST "kubernetes.io/hostname"
#define CAPACITY_TYPE "karpenter.sh/capacity-type"
#define ONE_SPREAD(key, skew, app, how)                                                                                          \
    "{topologyKey: " key ", maxSkew: " skew ", whenUnsatisfiable: " how ", labelSelector: {matchLabels: {app: " app "}}}"
#define SPREAD(key, skew) ", topologySpreadConstraints: [" ONE_SPREAD(key, skew, "x", "DoNotSchedule") "]"
#define TERM(key, app) "{topologyKey: " key ", labelSelector: {matchLabels: {app: " app "}}}"
#define AFFINITY(key, app) ", affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [" TERM(key, app) "]}}"
#define ANTI(key, app) ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [" TERM(key, app) "]}}"
#define ZONES(zones) ", requirements: [{key: " ZONE ", operator: In, values: [" zones "]}]"

Test(examples_topology, e24_zones_fill_evenly)
{
    plan_world_add_pods(&world, "p", 4, "0.5", "128Mi", "app: x", SPREAD(ZONE, "1"));
    EXPECT("np{p1,p4}[A,B,C] 1 zone=z1; np{p2}[A,B,C] 500m zone=z2; np{p3}[A,B,C] 500m zone=z3");
}

Test(examples_topology, e25_spread_and_the_order_of_claims)
{
    plan_world_add_pods(&world, "p", 7, "1.5", "128Mi", "app: x", SPREAD(ZONE, "1"));
    EXPECT("np{p1,p4}[B,C] 3 zone=z1; np{p2,p5}[B,C] 3 zone=z2; np{p3,p6,p7}[C] 4500m zone=z3");
}

Test(examples_topology, e26_a_zone_out_of_reach_holds_the_minimum)
{
    plan_world_add_pool(&world, "np", ZONES("z1, z2"), "");
    plan_world_add_node(&world, "full", "z3", "1", true, "");
    plan_world_add_bound(&world, "runs", "full", "1", "app: x");
    plan_world_add_pods(&world, "p", 6, "1.1", "128Mi", "app: x", SPREAD(ZONE, "1"));
    EXPECT("np{p1,p3}[B,C] 2200m zone=z1; np{p2,p4}[B,C] 2200m zone=z2; left p5,p6");
}

Test(examples_topology, e27_fewer_domains_than_wanted_count_as_empty)
{
    plan_world_add_pool(&world, "np", ZONES("z1, z2"), "");
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: x",
                        ", topologySpreadConstraints: [{topologyKey: " ZONE ", maxSkew: 1, minDomains: 3, whenUnsatisfiable: "
                        "DoNotSchedule, labelSelector: {matchLabels: {app: x}}}]");
    EXPECT("np{p1}[A,B,C] 500m zone=z1; np{p2}[A,B,C] 500m zone=z2; left p3");
}

Test(examples_topology, e28_one_a_host)
{
    plan_world_add_pods(&world, "p", 4, "0.5", "128Mi", "app: x", SPREAD(HOST, "1"));
    EXPECT("np{p1}[A,B,C] 500m zone=any; np{p2}[A,B,C] 500m zone=any; np{p3}[A,B,C] 500m zone=any; np{p4}[A,B,C] 500m zone=any");
}

Test(examples_topology, e29_four_a_host)
{
    plan_world_add_pods(&world, "p", 5, "0.5", "128Mi", "app: x", SPREAD(HOST, "4"));
    EXPECT("np{p1,p2,p3,p4}[A,B,C] 2 zone=any; np{p5}[A,B,C] 500m zone=any");
}

Test(examples_topology, e30_one_a_host_of_each_app)
{
    plan_world_add_pods(&world, "a", 2, "0.5", "128Mi", "app: x", SPREAD(HOST, "1"));
    plan_world_add_pods(&world, "b", 2, "0.5", "128Mi", "app: y",
                        ", topologySpreadConstraints: [" ONE_SPREAD(HOST, "1", "y", "DoNotSchedule") "]");
    EXPECT("np{a1,b1}[A,B,C] 1 zone=any; np{a2,b2}[A,B,C] 1 zone=any");
}

Test(examples_topology, e31_a_selector_that_matches_nobody_spreads_nobody)
{
    plan_world_add_pods(&world, "p", 5, "0.5", "128Mi", "app: y", SPREAD(HOST, "1"));
    EXPECT("np{p1,p2,p3,p4,p5}[B,C] 2500m zone=any");
}

Test(examples_topology, e32_but_it_pins_the_zone)
{
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: y", SPREAD(ZONE, "1"));
    EXPECT("np{p1,p2,p3}[A,B,C] 1500m zone=z1");
}

Test(examples_topology, e33_zones_and_hosts)
{
    plan_world_add_pods(&world, "p", 10, "0.1", "128Mi", "app: x",
                        ", topologySpreadConstraints: [" ONE_SPREAD(ZONE, "1", "x", "DoNotSchedule") ", " ONE_SPREAD(
                            HOST, "3", "x", "DoNotSchedule") "]");
    plan_world_run(&world);
    static const size_t pods[] = {3, 3, 3, 1};
    static const char *const zones[] = {"z1", "z2", "z3", "z1"};
    cr_assert_eq(world.plan->claim_count, 4, "%s", world.outcome.bytes);
    for (size_t i = 0; i < 4; i++) {
        const struct kerf_requirement *zone =
            kerf_requirements_get(&world.plan->claims[i].requirements, world.vocabulary->key_zone);
        cr_expect_eq(world.plan->claims[i].pod_count, pods[i]);
        cr_expect_str_eq(zone->values[0]->text, zones[i]);
    }
}

Test(examples_topology, e34_a_type_that_the_pool_excludes_still_makes_a_domain)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "t1.large", 2, 4096, 0.1, 0);
    plan_world_add_type(&world, "t2.large", 2, 4096, 0.1, 0);
    plan_world_add_gap(&world, "z3", "t1.large");
    plan_world_add_pool(&world, "np",
                        ", requirements: [{key: node.kubernetes.io/instance-type, operator: In, values: [t1.large]}]", "");
    plan_world_add_pods(&world, "p", 4, "1.5", "128Mi", "app: x", SPREAD(ZONE, "1"));
    EXPECT("np{p1}[t1] 1500m zone=z1; np{p2}[t1] 1500m zone=z2; left p3,p4");
}

Test(examples_topology, e35_a_follower_is_tried_again)
{
    plan_world_add_pod(&world, "a", "1", "128Mi", "", AFFINITY(HOST, "c"));
    plan_world_add_pod(&world, "b", "0.9", "128Mi", "", ", nodeSelector: {" ZONE ": z9}");
    plan_world_add_pod(&world, "c", "0.2", "128Mi", "app: c", "");
    EXPECT("np{c,a}[A,B,C] 1200m zone=any; left b");
    cr_expect_eq(world.plan->attempts, 5, "a, b, c, a, b");
}

Test(examples_topology, e36_capacity_types_are_domains)
{
    world.shown_keys[0] = CAPACITY_TYPE;
    plan_world_add_pool(&world, "np", ", requirements: [{key: " CAPACITY_TYPE ", operator: In, values: [spot, on-demand]}]", "");
    plan_world_add_pods(&world, "p", 4, "1.5", "128Mi", "app: x", SPREAD(CAPACITY_TYPE, "1"));
    EXPECT("np{p1,p3}[B,C] 3 capacity-type=on-demand; np{p2,p4}[B,C] 3 capacity-type=spot");
}

Test(examples_topology, e37_schedule_anyway_is_given_up)
{
    plan_world_add_pool(&world, "np", ZONES("z1"), "");
    plan_world_add_node(&world, "full", "z2", "1", true, "");
    plan_world_add_bound(&world, "runs", "full", "1", "");
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: x",
                        ", topologySpreadConstraints: [" ONE_SPREAD(ZONE, "1", "x", "ScheduleAnyway") "]");
    EXPECT("np{p1,p2,p3}[A,B,C] 1500m zone=z1");
}

/* ---- affinity and anti-affinity --------------------------------------------------------------------------------------- */

Test(examples_topology, e38_one_pod_blocks_every_zone_that_it_may_take)
{
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: x", ANTI(ZONE, "x"));
    EXPECT("np{p1}[A,B,C] 500m zone=z1|z2|z3; left p2,p3");
}

Test(examples_topology, e39_once_the_node_is_there_the_next_follows)
{
    plan_world_add_node(&world, "n1", "z1", "2", true, "");
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: x", ANTI(ZONE, "x"));
    EXPECT("np{p2}[A,B,C] 500m zone=z2|z3; n1{p1}; left p3");
}

Test(examples_topology, e40_anti_affinity_to_others)
{
    plan_world_add_pod(&world, "big", "1.5", "128Mi", "", ANTI(ZONE, "x"));
    plan_world_add_pod(&world, "small", "0.5", "128Mi", "app: x", "");
    EXPECT("np{big}[A,B,C] 1500m zone=z1|z2|z3; left small");
}

Test(examples_topology, e41_affinity_to_a_full_host)
{
    plan_world_clear_types(&world);
    plan_world_add_type(&world, "a.large", 2, 4096, 0.1, 0);
    world.kubelet = "maxPods: 5,";
    plan_world_add_pods(&world, "p", 10, "0.1", "128Mi", "app: x", AFFINITY(HOST, "x"));
    EXPECT("np{p01,p02,p03,p04,p05}[A] 500m zone=any; left p06,p07,p08,p09,p10");
}

Test(examples_topology, e42_the_first_of_its_kind_picks_a_zone)
{
    plan_world_add_pods(&world, "p", 3, "1.5", "128Mi", "app: x", AFFINITY(ZONE, "x"));
    EXPECT("np{p1,p2,p3}[C] 4500m zone=z1");
}

static void add_database_in_z2(void)
{
    plan_world_add_node(&world, "db-node", "z2", "1", true, "");
    plan_world_add_bound(&world, "db-0", "db-node", "1", "app: db");
}

Test(examples_topology, e43_affinity_to_a_running_pod)
{
    add_database_in_z2();
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "", AFFINITY(ZONE, "db"));
    EXPECT("np{p}[A,B,C] 500m zone=z2");
}

Test(examples_topology, e44_two_constraints_on_one_key_are_not_solved_together)
{
    add_database_in_z2();
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "app: x", AFFINITY(ZONE, "db") SPREAD(ZONE, "1"));
    EXPECT("left p");
}

Test(examples_topology, e44_drawn_ties_succeed_now_and_then)
{
    add_database_in_z2();
    plan_world_add_pod(&world, "p", "0.5", "128Mi", "app: x", AFFINITY(ZONE, "db") SPREAD(ZONE, "1"));
    world.options.draw_ties = true;
    int placed = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        world.options.tie_seed = seed;
        placed += strcmp(plan_world_run(&world), "np{p}[A,B,C] 500m zone=z2") == 0;
    }
    cr_expect(placed > 70 && placed < 130, "%d of 300", placed);
}

#define PREFERRED_ANTI                                                                                                           \
    ", affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: " TERM(       \
        HOST, "x") "}]}}"

Test(examples_topology, e45_preferences_count_like_demands)
{
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: x", PREFERRED_ANTI);
    EXPECT("np{p1}[A,B,C] 500m zone=any; np{p2}[A,B,C] 500m zone=any; np{p3}[A,B,C] 500m zone=any");
}

Test(examples_topology, e45_unless_they_are_ignored)
{
    plan_world_add_pods(&world, "p", 3, "0.5", "128Mi", "app: x", PREFERRED_ANTI);
    world.options.preference_policy = KERF_PREFERENCES_IGNORE;
    EXPECT("np{p1,p2,p3}[A,B,C] 1500m zone=any");
}
