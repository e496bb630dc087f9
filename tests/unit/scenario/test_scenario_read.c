/** What a good file becomes: defaults, values, overlays, loads. */
#include "scenario_text.h"

#include <math.h>

Test(scenario, has_defaults_that_a_newcomer_would_want)
{
    struct kerf_scenario *scenario = read_scenario(SCENARIO_HEAD SCENARIO_MANIFESTS);
    cr_assert_not_null(scenario);
    cr_expect_str_eq(scenario->name, "t");
    cr_expect_null(scenario->question);
    cr_expect_eq(scenario->seed, 1);
    cr_expect_eq(scenario->replications, 20);
    cr_assert_eq(scenario->design_count, 1);
    const struct kerf_design *design = &scenario->designs[0];
    cr_expect_str_eq(design->name, "t");
    cr_expect_str_eq(kerf_catalog_region(design->catalog)->text, "us-east-1");
    cr_assert_eq(design->zone_count, 3);
    cr_expect_str_eq(design->zones[0]->text, "us-east-1a");
    cr_expect_eq(design->instance_options.default_zone_count, 3);
    cr_expect_eq(design->subnet_count, 0);
    cr_expect_eq(design->cni.warm_eni_target, 1);
    cr_expect_eq(design->load_count, 0);
    cr_expect_eq(design->load_of_workload[0], KERF_NOT_FOUND);
    cr_expect_eq(design->horizon_us, 192 * KERF_HOUR_US);
    cr_expect_eq(design->warm_up_us, 24 * KERF_HOUR_US);
    char start[KERF_TIME_TEXT_BYTES];
    cr_expect_str_eq(kerf_format_time(start, design->start_epoch_us), "2026-01-04T00:00:00Z");
    cr_expect(design->spot.reclaims);
    cr_expect_eq(design->spot.launch_life_us, 72 * KERF_HOUR_US);
    cr_expect_eq(design->spot.hit_alpha, 0.9);
    cr_expect_eq(design->timings.registration.mu, 3.15);
    cr_expect_eq(design->timings.image_pull_bytes_per_second, 40000000);
    cr_expect_eq(design->fees.control_plane_per_hour, 100000);
    cr_expect_eq(design->fees.ebs_gb_month, 80000);
    cr_expect_eq(design->fees.root_volume_gb, 20);
    cr_expect(design->karpenter.enabled);
    cr_expect(design->karpenter.interruption_queue);
    cr_expect_not(design->karpenter.ignore_preferences);
    cr_expect_eq(design->karpenter.batch_max_us, 10 * KERF_SECOND_US);
    cr_expect_eq(design->instance_options.vm_memory_overhead_percent, 0.075);
    kerf_scenario_free(scenario);
}

Test(scenario, overlays_merge_maps_and_replace_lists_and_values)
{
    struct kerf_scenario *scenario = read_scenario(SCENARIO_HEAD SCENARIO_MANIFESTS
                                                   "metadata: {name: pair}\n"
                                                   "spot: {hazardFactor: 2, notice: 1m}\n"
                                                   "nodeGroups: [{name: a, maxSize: 1}, {name: b, maxSize: 1}]\n"
                                                   "timings: {launch: {mu: 1, sigma: 0.5}}\n"
                                                   "designs:\n"
                                                   "- name: base\n"
                                                   "- name: other\n"
                                                   "  spot: {hazardFactor: 3}\n"
                                                   "  nodeGroups: [{name: c, maxSize: 1}]\n"
                                                   "  timings: {launch: {sigma: null}}\n"
                                                   "  horizon: 48h\n");
    cr_assert_not_null(scenario);
    cr_assert_eq(scenario->design_count, 2);
    const struct kerf_design *base = &scenario->designs[0], *other = &scenario->designs[1];
    cr_expect_eq(base->catalog, other->catalog);
    cr_expect_eq(base->spot.hazard_factor, 2);
    cr_expect_eq(other->spot.hazard_factor, 3);
    cr_expect_eq(other->spot.notice_us, KERF_MINUTE_US);
    cr_expect_eq(base->objects.nodegroups.count, 2);
    cr_assert_eq(other->objects.nodegroups.count, 1);
    cr_expect_str_eq(other->objects.nodegroups.items[0].meta.name->text, "c");
    cr_expect_eq(other->timings.launch.mu, 1);
    cr_expect_eq(base->timings.launch.sigma, 0.5);
    cr_expect_eq(other->timings.launch.sigma, 0.09, "null gives the default back");
    cr_expect_eq(base->horizon_us, 192 * KERF_HOUR_US);
    cr_expect_eq(other->horizon_us, 48 * KERF_HOUR_US);
    kerf_scenario_free(scenario);
}

Test(scenario, designs_of_two_regions_have_two_catalogues)
{
    struct kerf_scenario *scenario = read_scenario(SCENARIO_HEAD SCENARIO_MANIFESTS
                                                   "designs: [{name: a}, {name: b, region: eu-west-1}, {name: c}]\n");
    cr_assert_not_null(scenario);
    cr_expect_eq(scenario->catalog_count, 2);
    cr_expect_eq(scenario->designs[0].catalog, scenario->designs[2].catalog);
    cr_expect_str_eq(scenario->designs[1].zones[0]->text, "eu-west-1a");
    kerf_scenario_free(scenario);
}

Test(scenario, reads_loads_by_name_and_by_pattern)
{
    struct kerf_scenario *scenario =
        read_scenario(SCENARIO_HEAD SCENARIO_MANIFESTS "timings: {podStart: 9s, imageSize: 1G}\n"
                                                       "load:\n"
                                                       "- workload: Deployment/*/*\n"
                                                       "  replicas: 4\n"
                                                       "  schedule: [{at: '0 20 * * 1-5', replicas: 0}, {at: '0 7 * * 1-5', replicas: 4}]\n"
                                                       "- workload: Deployment/shop/w*\n"
                                                       "  replicas: 7\n"
                                                       "- workload: Deployment/shop/web\n"
                                                       "  imageSize: 100M\n"
                                                       "  daily:\n"
                                                       "    weekendFactor: 0.5\n"
                                                       "    points: [{at: '04:00', replicas: 1}, {at: '13:30', replicas: 9}]\n"
                                                       "- workload: StatefulSet/db\n"
                                                       "  startTime: 1m\n"
                                                       "- workload: Job/shop/train\n"
                                                       "  arrivals: {perHour: 2.5}\n"
                                                       "  duration: {median: 20m}\n");
    cr_assert_not_null(scenario);
    const struct kerf_design *design = &scenario->designs[0];
    cr_assert_eq(design->load_count, 4);
    cr_expect_eq(design->objects.workloads.items[0].replicas, 4);
    cr_expect_eq(design->objects.workloads.items[1].replicas, 1, "the entry of its own has no replicas");
    const struct kerf_load *api = &design->loads[design->load_of_workload[0]];
    cr_assert_eq(api->step_count, 2);
    cr_expect_str_eq(api->steps[1].cron, "0 7 * * 1-5");
    cr_expect_eq(api->start_us, 9 * KERF_SECOND_US);
    cr_expect_eq(api->image_bytes, 1000000000);
    const struct kerf_load *web = &design->loads[design->load_of_workload[1]];
    cr_expect_eq(web->workload_index, 1);
    cr_assert_eq(web->point_count, 2);
    cr_expect_eq(web->points[1].minute, 810);
    cr_expect_eq(web->points[1].replicas, 9);
    cr_expect_eq(web->weekend_factor, 0.5);
    cr_expect_eq(web->update_every_us, 5 * KERF_MINUTE_US);
    cr_expect_eq(web->image_bytes, 100000000);
    cr_expect_eq(web->duration_median_us, KERF_TIME_UNSET);
    const struct kerf_load *db = &design->loads[design->load_of_workload[2]];
    cr_expect_eq(db->start_us, KERF_MINUTE_US);
    cr_expect_eq(design->load_of_workload[3], KERF_NOT_FOUND, "a DaemonSet");
    const struct kerf_load *train = &design->loads[design->load_of_workload[4]];
    cr_expect_eq(train->arrivals_per_hour, 2.5);
    cr_expect_eq(train->duration_median_us, 20 * KERF_MINUTE_US);
    cr_expect_eq(train->duration_sigma, 0.8);
    kerf_scenario_free(scenario);
}

static bool has_offering(const struct kerf_design *design, const uint64_t *bits, const char *type, const char *zone, enum kerf_capacity_type kind)
{
    struct kerf_names *names = design->vocabulary->names;
    const struct kerf_instance_facts *facts = kerf_catalog_find(design->catalog, kerf_name_find(names, type));
    uint32_t zone_index = kerf_catalog_zone_index(design->catalog, kerf_name_find(names, zone));
    return kerf_bit_get(bits, kerf_catalog_offering_index(design->catalog, facts->index, zone_index, kind));
}

Test(scenario, shocks_and_gaps_choose_offerings)
{
    struct kerf_scenario *scenario = read_scenario(
        SCENARIO_HEAD SCENARIO_MANIFESTS
        "start: 2026-01-05\n"
        "timeZone: -05:00\n"
        "spot:\n"
        "  shocks:\n"
        "  - {at: 2026-01-09T12:00:00-05:00, zones: [us-east-1a], instanceTypes: ['m5.*', 'karpenter.k8s.aws/instance-family in (c5)'], fraction: 0.6}\n"
        "  - {at: 36h, unavailable: 2h}\n"
        "cloud:\n"
        "  gaps: [{from: 1h, until: 2h, capacityType: on-demand, instanceTypes: [m5.large]}, {until: 1h}]\n");
    cr_assert_not_null(scenario);
    const struct kerf_design *design = &scenario->designs[0];
    cr_assert_eq(design->spot.shock_count, 2);
    const struct kerf_spot_shock *shock = &design->spot.shocks[0];
    cr_expect_eq(shock->at_us, (4 * 24 + 12) * KERF_HOUR_US);
    cr_expect_eq(shock->fraction, 0.6);
    cr_expect_eq(shock->unavailable_us, KERF_HOUR_US);
    cr_expect(has_offering(design, shock->offerings, "m5.large", "us-east-1a", KERF_SPOT));
    cr_expect(has_offering(design, shock->offerings, "c5.large", "us-east-1a", KERF_SPOT));
    cr_expect_not(has_offering(design, shock->offerings, "m5.large", "us-east-1b", KERF_SPOT));
    cr_expect_not(has_offering(design, shock->offerings, "m5a.large", "us-east-1a", KERF_SPOT));
    cr_expect_not(has_offering(design, shock->offerings, "m5.large", "us-east-1a", KERF_ON_DEMAND));
    cr_expect_eq(design->spot.shocks[1].at_us, 36 * KERF_HOUR_US);
    cr_expect_eq(design->spot.shocks[1].fraction, 1);
    cr_expect(has_offering(design, design->spot.shocks[1].offerings, "m5a.large", "us-east-1b", KERF_SPOT));
    cr_assert_eq(design->cloud.gap_count, 2);
    const struct kerf_capacity_gap *gaps = design->cloud.gaps;
    cr_expect(has_offering(design, gaps[0].offerings, "m5.large", "us-east-1c", KERF_ON_DEMAND));
    cr_expect_not(has_offering(design, gaps[0].offerings, "m5.large", "us-east-1c", KERF_SPOT));
    cr_expect_eq(gaps[1].from_us, 0);
    cr_expect_eq(gaps[1].until_us, KERF_HOUR_US);
    cr_expect(has_offering(design, gaps[1].offerings, "c5.large", "us-east-1a", KERF_SPOT));
    kerf_scenario_free(scenario);
}

Test(scenario, subnets_give_zones_and_the_cni_its_variables)
{
    struct kerf_scenario *scenario = read_scenario(SCENARIO_HEAD SCENARIO_MANIFESTS
                                                   "subnets:\n"
                                                   "- {id: b, zone: us-east-1d, cidr: 10.0.4.0/22, taken: 7}\n"
                                                   "- {id: a, zone: us-east-1b, cidr: 10.0.0.0/22}\n"
                                                   "cni: {ENABLE_PREFIX_DELEGATION: true, WARM_ENI_TARGET: 2}\n");
    cr_assert_not_null(scenario);
    const struct kerf_design *design = &scenario->designs[0];
    cr_assert_eq(design->subnet_count, 2);
    cr_expect_str_eq(design->subnets[0].id, "b");
    cr_expect_eq(design->subnets[0].taken, 7);
    cr_expect_eq(design->subnets[1].cidr.prefix_length, 22);
    cr_assert_eq(design->zone_count, 2);
    cr_expect_str_eq(design->zones[0]->text, "us-east-1b");
    cr_expect_str_eq(design->zones[1]->text, "us-east-1d");
    cr_expect(design->cni.prefix_delegation);
    cr_expect_eq(design->cni.warm_eni_target, 2);
    kerf_scenario_free(scenario);
}

Test(scenario, node_groups_follow_eksctl)
{
    struct kerf_scenario *scenario =
        read_scenario(SCENARIO_HEAD "manifests: [manifests/workloads.yaml]\n"
                                    "nodeGroups:\n"
                                    "- name: system\n"
                                    "  labels: {b: '2', a: '1'}\n"
                                    "  taints: [{key: k, value: v, effect: NoSchedule}]\n"
                                    "- {name: big, instanceTypes: [m6i.xlarge, m5.xlarge], capacityType: SPOT, minSize: 3, zones: [us-east-1b], "
                                    "volumeSize: 50Gi, maxPods: 110, amiFamily: Bottlerocket}\n");
    cr_assert_not_null(scenario);
    const struct kerf_design *design = &scenario->designs[0];
    cr_expect_not(design->karpenter.enabled);
    cr_assert_eq(design->objects.nodegroups.count, 2);
    const struct kerf_nodegroup *system = &design->objects.nodegroups.items[0], *big = &design->objects.nodegroups.items[1];
    cr_expect_str_eq(system->instance_types[0]->text, "m5.large");
    cr_expect_eq(system->desired_capacity, 2);
    cr_expect_eq(system->max_size, 2);
    cr_expect_not(system->spot);
    cr_expect_str_eq(system->labels.items[0].key->text, "a");
    cr_expect_eq(system->taints.count, 1);
    cr_expect_eq(big->instance_type_count, 2);
    cr_expect(big->spot);
    cr_expect_eq(big->desired_capacity, 3);
    cr_expect_eq(big->zone_count, 1);
    cr_expect_eq(big->volume_size_bytes, (int64_t)50 << 30);
    cr_expect_eq(big->max_pods, 110);
    cr_expect_eq(big->ami_family, KERF_AMI_BOTTLEROCKET);
    kerf_scenario_free(scenario);
}

Test(scenario, the_command_line_goes_before_the_file)
{
    static const char *const designs[] = { "b", "a" };
    const struct kerf_scenario_overrides overrides = { .region = "eu-west-1", .seed = "18446744073709551615", .replications = "3",
                                                       .horizon = "48h", .warm_up = "0s", .designs = designs, .design_count = 2 };
    struct kerf_scenario *scenario =
        read_scenario_with(SCENARIO_HEAD SCENARIO_MANIFESTS "seed: 5\nregion: us-west-2\ndesigns: [{name: a}, {name: b}, {name: c}]\n",
                           &overrides, NULL);
    cr_assert_not_null(scenario);
    cr_expect_eq(scenario->seed, UINT64_MAX);
    cr_expect_eq(scenario->replications, 3);
    cr_assert_eq(scenario->design_count, 2);
    cr_expect_str_eq(scenario->designs[0].name, "b");
    cr_expect_eq(scenario->designs[1].horizon_us, 48 * KERF_HOUR_US);
    cr_expect_eq(scenario->designs[1].warm_up_us, 0);
    cr_expect_str_eq(kerf_catalog_region(scenario->designs[0].catalog)->text, "eu-west-1");
    kerf_scenario_free(scenario);
}
