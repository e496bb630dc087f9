/* Marking: Consolidatable (D1 to D5) and Drifted (J7 to J12) of karpenter-disruption.md 17.4 and 17.10. */
#include <criterion/criterion.h>

#include "../../support/disrupt_world.h"
#include "document/document.h"

static struct disrupt_world world;

static void set_up(void)
{
    disrupt_world_init(&world);
    disrupt_world_add_type(&world, "t1.large", 4, 0.2, 0.1);
}
static void tear_down(void) { disrupt_world_fini(&world); }
TestSuite(conditions, .init = set_up, .fini = tear_down);

static kerf_time_us at(const char *time)
{
    kerf_time_us epoch_us = 0;
    cr_assert(kerf_parse_time(time, &epoch_us));
    return epoch_us;
}

static bool consolidatable(const char *now, kerf_time_us *out_recheck)
{
    disrupt_world_build(&world);
    return kerf_disruption_is_consolidatable(world.cluster, disrupt_world_node(&world, "n"), at(now), out_recheck);
}

Test(conditions, d1_the_window_runs_from_the_last_pod_event)
{
    kerf_time_us recheck;
    disrupt_world_add_pool(&world, "np", "consolidateAfter: 1m", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .claim_status = ", lastPodEventTime: '2026-01-10T12:00:00Z'"});
    cr_expect(!consolidatable("2026-01-10T12:00:59Z", &recheck));
    cr_expect_eq(recheck, at("2026-01-10T12:01:00Z"));
    cr_expect(consolidatable("2026-01-10T12:01:00Z", &recheck));
}
Test(conditions, d2_or_from_initialization)
{
    kerf_time_us recheck;
    disrupt_world_add_pool(&world, "np", "consolidateAfter: 1m", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .initialized_at = "2026-01-10T12:00:00Z"});
    cr_expect(!consolidatable("2026-01-10T12:00:30Z", &recheck));
    cr_expect(consolidatable("2026-01-10T12:01:00Z", &recheck));
}
Test(conditions, d3_never)
{
    kerf_time_us recheck;
    disrupt_world_add_pool(&world, "np", "consolidateAfter: Never", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large"});
    cr_expect(!consolidatable("2026-02-10T12:00:00Z", &recheck));
    cr_expect_eq(recheck, KERF_TIME_NEVER);
}
Test(conditions, d4_pod_events_within_ten_seconds_are_dropped)
{
    disrupt_world_add_pool(&world, "np", "consolidateAfter: 30s", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large"});
    disrupt_world_build(&world);
    const struct kerf_cluster_node *node = disrupt_world_node(&world, "n");
    static const char *const events[] = {"2026-01-10T12:00:00Z", "2026-01-10T12:00:05Z", "2026-01-10T12:00:10Z"};
    static const char *const last[] = {"2026-01-10T12:00:00Z", "2026-01-10T12:00:00Z", "2026-01-10T12:00:10Z"};
    for (size_t i = 0; i < 3; i++) {
        disrupt_world_set_now(&world, events[i]);
        kerf_cluster_note_pod_event(world.cluster, node->id);
        cr_expect_eq(node->claim.last_pod_event_epoch_us, at(last[i]), "%s", events[i]);
    }
}
Test(conditions, a_window_of_nothing_is_open_from_initialization_on)
{
    kerf_time_us recheck;
    disrupt_world_add_pool(&world, "np", "", "", "");
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = "t1.large", .claim_status = ", lastPodEventTime: '2026-01-10T12:00:00Z'"});
    cr_expect(consolidatable("2026-01-10T12:00:00Z", &recheck));
}

/* ---- drift ---------------------------------------------------------------------------------------------------------------------------- */

static const char *drift_of(const char *requirements, const char *pool_meta, const char *claim_extra, const char *labels, const char *type)
{
    tear_down();
    set_up();
    disrupt_world_add(&world,
                      "{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: np%s}, spec: {template: {spec: {nodeClassRef: {group: "
                      "karpenter.k8s.aws, kind: EC2NodeClass, name: default}, requirements: [%s]}}}}",
                      pool_meta, requirements);
    disrupt_world_add_node(&world, (struct disrupt_node){.name = "n", .type = type, .labels = labels, .claim_extra = claim_extra});
    disrupt_world_build(&world);
    const char *why = kerf_disruption_drift_reason(world.cluster, disrupt_world_node(&world, "n"), world.options.provisioning.now_epoch_us);
    return why != NULL ? why : "";
}
#define OS ", kubernetes.io/os: linux"

Test(conditions, j7_to_j9_requirements)
{
    static const struct {
        const char *requirements, *want;
    } rows[] = {
        {"{key: karpenter.sh/capacity-type, operator: In, values: [spot]}", "RequirementsDrifted"},
        {"{key: kubernetes.io/os, operator: In, values: [linux, windows]}", ""},
        {"{key: kubernetes.io/os, operator: Exists}", ""},
        {"{key: kubernetes.io/os, operator: DoesNotExist}", "RequirementsDrifted"},
        {"{key: example.com/team, operator: In, values: [a]}", "RequirementsDrifted"},
        {"{key: example.com/team, operator: NotIn, values: [a]}", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_str_eq(drift_of(rows[i].requirements, "", "", OS, "t1.large"), rows[i].want, "%s", rows[i].requirements);
}
Test(conditions, j10_and_j11_hashes)
{
#define HASH(hash, version) ", annotations: {karpenter.sh/nodepool-hash: '" hash "', karpenter.sh/nodepool-hash-version: " version "}"
    cr_expect_str_eq(drift_of("", HASH("1", "v3"), HASH("2", "v3"), "", "t1.large"), "NodePoolDrifted");
    cr_expect_str_eq(drift_of("", HASH("1", "v3"), HASH("1", "v3"), "", "t1.large"), "");
    cr_expect_str_eq(drift_of("", HASH("1", "v3"), HASH("2", "v2"), "", "t1.large"), "");
    cr_expect_str_eq(drift_of("", "", HASH("2", "v3"), "", "t1.large"), "");
}
Test(conditions, a_type_that_is_gone)
{
    cr_expect_str_eq(drift_of("", "", "", "", "x9.large"), "InstanceTypeNotFound");
}
