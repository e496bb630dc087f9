/** What is refused, where, and in which words. */
#include "scenario_text.h"

static const struct {
    const char *text;     /* after the head and the manifests */
    const char *expected; /* a line of the errors, or its beginning */
} rows[] = {
    { "designs: [{name: ../a}]\n", "t.yaml:4:18: designs[0].name: \"../a\" is no name for a design" },
    { "designs: [{name: summary.json}]\n", "t.yaml:4:18: designs[0].name: \"summary.json\" is no name for a design" },
    { "spott: {}\n", "t.yaml:4:1: spott: unknown key; did you mean \"spot\"?" },
    { "spot: {hazard: 2}\n", "t.yaml:4:8: spot.hazard: unknown key" },
    { "spot: {hazardFactr: 2}\n", "t.yaml:4:8: spot.hazardFactr: unknown key; did you mean \"hazardFactor\"?" },
    { "spot: {hazardFactor: many}\n", "t.yaml:4:22: spot.hazardFactor: \"many\" is not a number" },
    { "spot: {hitAlpha: 0}\n", "t.yaml:4:18: spot.hitAlpha: 0 is out of range" },
    { "spot: [1]\n", "t.yaml:4:7: spot: a list was found; expected a map" },
    { "spot: {reclaims: maybe}\n", "t.yaml:4:18: spot.reclaims: \"maybe\" is not true or false" },
    { "spot: {notice: 2}\n", "t.yaml:4:16: spot.notice: \"2\" is not a duration" },
    { "spot: {shocks: [{}]}\n", "t.yaml:4:17: spot.shocks[0]: key \"at\" is missing" },
    { "spot: {shocks: [{at: noon}]}\n", "t.yaml:4:22: spot.shocks[0].at: \"noon\" is no moment" },
    { "spot: {shocks: [{at: 2025-01-01T00:00:00Z}]}\n", "t.yaml:4:22: spot.shocks[0].at: 2025-01-01T00:00:00Z is before the start" },
    { "spot: {shocks: [{at: 900h}]}\n", "t.yaml:4:22: spot.shocks[0].at: 900h is beyond the horizon" },
    { "spot: {shocks: [{at: 1h, zones: [us-east-1f]}]}\n",
      "t.yaml:4:34: spot.shocks[0].zones[0]: \"us-east-1f\" is none of the cluster's zones; expected one of us-east-1a, us-east-1b, us-east-1c" },
    { "spot: {shocks: [{at: 1h, instanceTypes: [m5.larg]}]}\n",
      "t.yaml:4:42: spot.shocks[0].instanceTypes[0]: \"m5.larg\" is no instance type; did you mean m5.large?" },
    { "spot: {shocks: [{at: 1h, instanceTypes: ['q9.*']}]}\n",
      "t.yaml:4:42: spot.shocks[0].instanceTypes[0]: \"q9.*\" meets no instance type of us-east-1" },
    { "spot: {shocks: [{at: 1h, instanceTypes: ['karpenter.k8s.aws/instance-famly=m5']}]}\n",
      "t.yaml:4:42: spot.shocks[0].instanceTypes[0]: no instance type has the label" },
    { "cloud: {gaps: [{from: 2h, until: 1h}]}\n", "t.yaml:4:34: cloud.gaps[0].until: the gap ends before it begins" },
    { "cloud: {gaps: [{capacityType: on-spot}]}\n", "t.yaml:4:31: cloud.gaps[0].capacityType: \"on-spot\" is not one of on-demand, spot, reserved" },
    { "cloud: {gaps: [{error: AccessDenied}]}\n",
      "t.yaml:4:24: cloud.gaps[0].error: \"AccessDenied\" is not one of InsufficientInstanceCapacity, UnauthorizedOperation" },
    { "cloud: {gaps: [x]}\n", "t.yaml:4:16: cloud.gaps[0]: \"x\" was found; expected a map" },
    { "prices: {}\n", "t.yaml:4:1: prices: this version of kerf doesn't read it yet" },
    { "commitments: []\n", "t.yaml:4:1: commitments: this version of kerf doesn't read it yet" },
    { "region: mars-north-1\n", "t.yaml:4:9: region: no catalogue for the region \"mars-north-1\"" },
    { "zones: [us-east-1z]\n", "t.yaml:4:9: zones[0]: \"us-east-1z\" is none of the zones of us-east-1" },
    { "zones: []\n", "t.yaml:4:8: zones: an empty list" },
    { "zones: [us-east-1a, us-east-1a]\n", "t.yaml:4:21: zones[1]: zone \"us-east-1a\" is given twice" },
    { "zones: us-east-1a\n", "t.yaml:4:8: zones: \"us-east-1a\" was found; expected a list" },
    { "zones: [us-east-1a]\nsubnets: [{id: b, zone: us-east-1b, cidr: 10.0.0.0/24}]\n", "t.yaml:4:8: zones: zone \"us-east-1a\" has no subnet" },
    { "subnets: [{id: a, zone: us-east-1a}]\n", "t.yaml:4:11: subnets[0]: key \"cidr\" is missing" },
    { "subnets: [{id: a, zone: us-east-1a, cidr: 10.0.0.0/15}]\n", "t.yaml:4:43: subnets[0].cidr: \"10.0.0.0/15\": a subnet of a VPC is /16 to /28" },
    { "subnets: [{id: a, zone: us-east-1a, cidr: 10.0.0.1/24}]\n", "t.yaml:4:43: subnets[0].cidr: \"10.0.0.1/24\": " },
    { "subnets: [{id: a, zone: us-east-1a, cidr: 10.0.0.0/28, taken: 12}]\n", "t.yaml:4:63: subnets[0].taken: 12 is out of range; expected 0 to 11" },
    { "subnets: [{id: a, zone: us-east-1a, cidr: 10.0.0.0/22}, {id: b, zone: us-east-1b, cidr: 10.0.2.0/24}]\n",
      "t.yaml:4:89: subnets[1].cidr: 10.0.2.0/24 overlaps 10.0.0.0/22 of subnet \"a\"" },
    { "subnets: [{id: a, zone: us-east-1a, cidr: 10.0.0.0/24}, {id: a, zone: us-east-1b, cidr: 10.0.2.0/24}]\n",
      "t.yaml:4:62: subnets[1].id: there are two subnets \"a\"" },
    { "cni: {WARM_ENI_TARGT: 1}\n", "t.yaml:4:23: cni.WARM_ENI_TARGT: unknown variable of aws-node; did you mean WARM_ENI_TARGET?" },
    { "cni: {WARM_ENI_TARGET: some}\n", "t.yaml:4:24: cni.WARM_ENI_TARGET: aws-node cannot use \"some\" and would take its default silently; expected what it takes: a whole number from 0 on" },
    { "cni: {MAX_ENI: 0}\n", "t.yaml:4:16: cni.MAX_ENI: aws-node cannot use \"0\" and would take its default silently; expected what it takes: a whole number from 1 on" },
    { "cni: {ENABLE_POD_ENI: yes}\n", "t.yaml:4:23: cni.ENABLE_POD_ENI: aws-node cannot use \"yes\"" },
    { "cni: {IP_COOLDOWN_PERIOD: -1}\n", "t.yaml:4:6: cni: IP_COOLDOWN_PERIOD is negative" },
    { "nodeGroups: [{}]\n", "t.yaml:4:14: nodeGroups[0]: key \"name\" is missing" },
    { "nodeGroups: [{name: a, instanceTypes: [m9.large]}]\n", "t.yaml:4:40: nodeGroups[0].instanceTypes[0]: \"m9.large\" is no instance type" },
    { "nodeGroups: [{name: a, minSize: 3, maxSize: 2}]\n", "t.yaml:4:14: nodeGroups[0]: sizes contradict" },
    { "nodeGroups: [{name: a, volumeSize: 65Ti}]\n", "t.yaml:4:36: nodeGroups[0].volumeSize: 65Ti is more than a volume of EBS holds; expected up to 64Ti" },
    { "nodeGroups: [{name: a}, {name: a}]\n", "t.yaml:4:25: nodeGroups[1]: there are two node groups \"a\"" },
    { "nodeGroups: [{name: a, taints: [{key: k, effect: Never}]}]\n", "t.yaml:4:50: nodeGroups[0].taints[0].effect: \"Never\" is not one of" },
    { "nodeGroups: [{name: a, maxUnavailable: 0%}]\n", "t.yaml:4:40: nodeGroups[0].maxUnavailable: \"0%\" nodes can't be unavailable" },
    { "nodeGroups: [{name: a, zoneRebalancing: false}]\n", "t.yaml:4:41: nodeGroups[0].zoneRebalancing: groups that EKS manages are always rebalanced" },
    { "nodeGroups: [{name: a, terminationHandler: imds}]\n", "t.yaml:4:44: nodeGroups[0].terminationHandler: EKS drains the nodes" },
    { "nodeGroups: [{name: a, managed: false, updates: [1h]}]\n", "t.yaml:4:49: nodeGroups[0].updates: EKS updates the groups that it manages" },
    { "nodeGroups: [{name: a, zones: [us-east-1f]}]\n", "t.yaml:4:32: nodeGroups[0].zones[0]: \"us-east-1f\" is none of the cluster's zones" },
    { "load: [{workload: Deployment/shop/apy}]\n",
      "t.yaml:4:19: load[0].workload: no workload \"Deployment/shop/apy\" in the manifests; did you mean Deployment/shop/api?" },
    { "load: [{workload: api}]\n", "t.yaml:4:19: load[0].workload: \"api\" names no workload; expected Kind/namespace/name" },
    { "load: [{workload: DaemonSet/shop/agent}]\n", "t.yaml:4:19: load[0].workload: a DaemonSet has one pod a node" },
    { "load: [{workload: Deployment/shop/api}, {workload: Deployment/shop/api}]\n",
      "t.yaml:4:52: load[1].workload: Deployment/shop/api has a load already (line 4)" },
    { "load: [{workload: Deployment/shop/api, replicas: -1}]\n", "t.yaml:4:50: load[0].replicas: -1 is out of range" },
    { "load: [{workload: Deployment/shop/api, schedule: [{at: '0 25 * * *', replicas: 1}]}]\n",
      "t.yaml:4:56: load[0].schedule[0].at: \"0 25 * * *\" is no cron schedule" },
    { "load: [{workload: Deployment/shop/api, schedule: [{at: '0 0 31 2 *', replicas: 1}]}]\n",
      "t.yaml:4:56: load[0].schedule[0].at: \"0 0 31 2 *\" never comes" },
    { "load: [{workload: Deployment/shop/api, schedule: [{at: '@daily'}]}]\n", "t.yaml:4:51: load[0].schedule[0]: key \"replicas\" is missing" },
    { "load: [{workload: Deployment/shop/api, daily: {points: [{at: '04:00', replicas: 1}]}}]\n", "t.yaml:4:56: load[0].daily.points: 1 point; a curve has at least two" },
    { "load: [{workload: Deployment/shop/api, daily: {points: [{at: '4:00', replicas: 1}, {at: '05:00', replicas: 1}]}}]\n",
      "t.yaml:4:62: load[0].daily.points[0].at: \"4:00\" is no time of day" },
    { "load: [{workload: Deployment/shop/api, daily: {points: [{at: '06:00', replicas: 1}, {at: '05:00', replicas: 1}]}}]\n",
      "t.yaml:4:90: load[0].daily.points[1].at: 05:00 is not after the point before" },
    { "load: [{workload: Deployment/shop/api, schedule: [{at: '@daily', replicas: 1}], daily: {points: [{at: '06:00', replicas: 1}, {at: '07:00', replicas: 1}]}}]\n",
      "t.yaml:4:88: load[0].daily: there is a schedule too" },
    { "load: [{workload: Deployment/shop/api, arrivals: {perHour: 1}}]\n", "t.yaml:4:40: load[0].arrivals: a Deployment has no arrivals" },
    { "load: [{workload: Job/shop/train, replicas: 1}]\n", "t.yaml:4:35: load[0].replicas: a Job has no replicas" },
    { "load: [{workload: Job/shop/train, duration: {sigma: 1}}]\n", "t.yaml:4:45: load[0].duration: key \"median\" is missing" },
    { "start: yesterday\n", "t.yaml:4:8: start: \"yesterday\" is no start" },
    { "timeZone: Europe/Berlin\n", "t.yaml:4:11: timeZone: \"Europe/Berlin\" is no time zone that every machine knows alike" },
    { "horizon: 24h\nwarmUp: 24h\n", "t.yaml:5:9: warmUp: a warm-up of 24h0m0s leaves nothing of the horizon of 24h0m0s" },
    { "replications: 0\n", "t.yaml:4:15: replications: 0 is out of range; expected 1 to 10000" },
    { "seed: -1\n", "t.yaml:4:7: seed: -1 is out of range" },
    { "seed: 99999999999999999999\n", "t.yaml:4:7: seed: 99999999999999999999 is out of range" },
    { "fees: {rootVolume: 1e99}\n", "t.yaml:4:20: fees.rootVolume: \"1e99\" is not a quantity of bytes" },
    { "fees: {rootVolume: 0}\n", "t.yaml:4:20: fees.rootVolume: 0 is out of range" },
    { "karpenter: {planner: mine}\n", "t.yaml:4:22: karpenter.planner: \"mine\" is not one of karpenter, packed" },
    { "karpenter: {preferencePolicy: Sometimes}\n", "t.yaml:4:31: karpenter.preferencePolicy: \"Sometimes\" is not one of Respect, Ignore" },
    { "karpenter: {featureGates: {Drift: true}}\n", "t.yaml:4:28: karpenter.featureGates.Drift: unknown key" },
    { "timings: {launch: 2s}\n", "t.yaml:4:19: timings.launch: \"2s\" was found; expected a map" },
    { "designs: [{}]\n", "t.yaml:4:11: designs[0]: key \"name\" is missing" },
    { "designs: [{name: a}, {name: a}]\n", "t.yaml:4:29: designs[1].name: there are two designs \"a\"" },
    { "designs: [{name: ../a}]\n", "t.yaml:4:18: designs[0].name: \"../a\" is no name for a design" },
    { "designs: [{name: a, seed: 2}]\n", "t.yaml:4:21: designs[0].seed: all designs share it" },
    { "designs: [{name: a, spott: 2}]\n", "t.yaml:4:21: designs[0].spott: unknown key; did you mean \"spot\"?" },
    { "designs: [{name: a, spot: {notice: x}}]\n", "t.yaml:4:36: designs[0].spot.notice: \"x\" is not a duration" },
    { "designs: [{name: a, manifests: [nowhere.yaml]}]\n", "tests/unit/scenario/nowhere.yaml: " },
    { "designs: [{name: a, manifests: []}]\n", "t.yaml:4:32: designs[0].manifests: an empty list" },
    { "designs: [{name: a, manifests: [manifests/pool_without_class.yaml]}]\n",
      "tests/unit/scenario/manifests/pool_without_class.yaml:1:1: NodePool \"default\" refers to EC2NodeClass \"other\"" },
};

static bool has_line_beginning(const char *errors, const char *expected)
{
    const char *prefix = strncmp(expected, "t.yaml", 6) == 0 ? "tests/unit/scenario/" : "";
    for (const char *line = errors; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, prefix, strlen(prefix)) == 0 && strncmp(line + strlen(prefix), expected, strlen(expected)) == 0)
            return true;
    return false;
}

Test(refusals, name_the_place_and_what_was_expected)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL, *errors = NULL;
        cr_assert(asprintf(&text, "%s%s%s", SCENARIO_HEAD, SCENARIO_MANIFESTS, rows[i].text) > 0);
        struct kerf_scenario *scenario = read_scenario_with(text, NULL, &errors);
        cr_expect_null(scenario, "%s", rows[i].text);
        cr_expect(has_line_beginning(errors, rows[i].expected), "of\n%sexpected: %s\ngot: %s", rows[i].text, rows[i].expected, errors);
        kerf_scenario_free(scenario);
        free(errors);
        free(text);
    }
}

Test(refusals, of_files_that_are_no_scenario)
{
    static const struct {
        const char *text;
        const char *expected;
    } files[] = {
        { "", "t.yaml: empty; expected a scenario" },
        { "- 1\n", "t.yaml:1:1: a list was found; expected a map" },
        { "kind: Scenario\n", "t.yaml:1:1: key \"apiVersion\" is missing" },
        { "apiVersion: v1\nkind: Pod\n", "t.yaml:1:13: apiVersion: \"v1\" is not one of kerf/v1alpha1" },
        { SCENARIO_HEAD, "t.yaml:1:1: key \"manifests\" is missing" },
        { SCENARIO_HEAD SCENARIO_MANIFESTS "---\na: 1\n", "t.yaml:5:1: a second document; expected one scenario a file" },
        { "a: [\n", "t.yaml:2:1: " },
        { "\001\002", "t.yaml:1:1: " },
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char *errors = NULL;
        struct kerf_scenario *scenario = read_scenario_with(files[i].text, NULL, &errors);
        cr_expect_null(scenario);
        cr_expect(has_line_beginning(errors, files[i].expected), "of\n%s\nexpected: %s\ngot: %s", files[i].text, files[i].expected, errors);
        free(errors);
    }
}

Test(refusals, come_several_at_once_and_each_once)
{
    char *errors = NULL;
    struct kerf_scenario *scenario = read_scenario_with(SCENARIO_HEAD SCENARIO_MANIFESTS "spot: {notice: x}\n"
                                                                                         "zones: [nowhere]\n"
                                                                                         "designs: [{name: a}, {name: b, cloud: {gaps: 1}}]\n",
                                                        NULL, &errors);
    cr_expect_null(scenario);
    size_t lines = 0;
    for (const char *c = errors; *c; c++)
        lines += *c == '\n';
    cr_expect_eq(lines, 3, "%s", errors);
    free(errors);
}

Test(refusals, of_the_command_line)
{
    static const char *const designs[] = { "bas" };
    const struct kerf_scenario_overrides overrides = { .seed = "x", .replications = "0", .horizon = "soon", .designs = designs,
                                                       .design_count = 1 };
    char *errors = NULL;
    struct kerf_scenario *scenario = read_scenario_with(SCENARIO_HEAD SCENARIO_MANIFESTS "designs: [{name: base}]\n", &overrides, &errors);
    cr_expect_null(scenario);
    cr_expect_not_null(strstr(errors, "--seed: \"x\" is no whole number"));
    cr_expect_not_null(strstr(errors, "--replications: \"0\" is no whole number from 1 to 10000"));
    cr_expect_not_null(strstr(errors, "has no design \"bas\"; did you mean base?"));
    free(errors);
}
