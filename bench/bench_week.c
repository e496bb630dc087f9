/**
 * How long does a simulated week take? A cluster of some 500 nodes and 10,000 pods at the day's peak, which follow a daily curve, with
 * Karpenter that provisions and consolidates, Spot that is reclaimed, and the CNI's addresses. `--small` runs a morning of a small one.
 */
#include "kerf/scenario.h"
#include "scenario/scenario.h"
#include "sim/sim.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "measure.h"

struct size {
    int workloads;
    int peak;
    const char *horizon;
    int runs;
};

static void write_text(const char *folder, const char *name, const struct kerf_text *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text->bytes, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(4);
    }
}

static const char *const pools =
    "apiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: { name: default }\n"
    "spec: { amiSelectorTerms: [{ alias: al2023@latest }], role: nodes, subnetSelectorTerms: [{ tags: { a: b } }],\n"
    "        securityGroupSelectorTerms: [{ tags: { a: b } }] }\n"
    "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: on-demand }\n"
    "spec:\n  template:\n    spec:\n      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n"
    "      taints: [{ key: tier, value: steady, effect: NoSchedule }]\n"
    "      requirements:\n        - { key: karpenter.sh/capacity-type, operator: In, values: [on-demand] }\n"
    "        - { key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m] }\n"
    "        - { key: karpenter.k8s.aws/instance-cpu, operator: In, values: [\"4\"] }\n"
    "        - { key: kubernetes.io/arch, operator: In, values: [amd64] }\n"
    "  disruption: { consolidationPolicy: WhenEmptyOrUnderutilized, consolidateAfter: 5m }\n"
    "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: { name: spot }\n"
    "spec:\n  template:\n    spec:\n      nodeClassRef: { group: karpenter.k8s.aws, kind: EC2NodeClass, name: default }\n"
    "      requirements:\n        - { key: karpenter.sh/capacity-type, operator: In, values: [spot] }\n"
    "        - { key: karpenter.k8s.aws/instance-category, operator: In, values: [c, m, r] }\n"
    "        - { key: karpenter.k8s.aws/instance-cpu, operator: In, values: [\"4\"] }\n"
    "        - { key: kubernetes.io/arch, operator: In, values: [amd64] }\n"
    "  disruption: { consolidationPolicy: WhenEmptyOrUnderutilized, consolidateAfter: 1m }\n"
    "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: agent, namespace: kube-system }\n"
    "spec: { selector: { matchLabels: { a: agent } }, template: { metadata: { labels: { a: agent } }, spec: { tolerations: [{ operator: "
    "Exists }], containers: [{ name: c, image: i, resources: { requests: { cpu: 100m, memory: 128Mi } } }] } } }\n";

static void write_files(const char *folder, const struct size *size)
{
    struct kerf_text keys = {0};
    struct kerf_text objects = {0};
    kerf_text_append_format(&keys,
                            "apiVersion: kerf/v1alpha1\nkind: Scenario\nmetadata: { name: week }\nmanifests: [objects.yaml]\n"
                            "zones: [us-east-1a, us-east-1b, us-east-1c]\nhorizon: %s\nwarmUp: 0s\nreplications: 1\nsubnets:\n"
                            "  - { id: a, zone: us-east-1a, cidr: 10.0.0.0/18 }\n  - { id: b, zone: us-east-1b, cidr: 10.0.64.0/18 }\n"
                            "  - { id: c, zone: us-east-1c, cidr: 10.0.128.0/18 }\nload:\n",
                            size->horizon);
    kerf_text_append(&objects, pools);
    for (int i = 0; i < size->workloads; i++) {
        bool steady = i % 3 == 0;
        kerf_text_append_format(&objects,
                                "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web-%d }\nspec: { replicas: %d, selector: { "
                                "matchLabels: { app: web-%d } }, template: { metadata: { labels: { app: web-%d } }, spec: { %scontainers: [{ "
                                "name: c, image: i, resources: { requests: { cpu: %dm, memory: %dMi } } }] } } }\n",
                                i, size->peak, i, i,
                                steady ? "nodeSelector: { karpenter.sh/nodepool: on-demand }, tolerations: [{ key: tier, operator: Exists }], " : "",
                                100 + 50 * (i % 5), 256 << i % 3);
        if (i % 4 == 0)
            kerf_text_append_format(&objects,
                                    "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: web-%d }\nspec: { selector: { "
                                    "matchLabels: { app: web-%d } }, maxUnavailable: 10%% }\n",
                                    i, i);
        kerf_text_append_format(&keys,
                                "  - { workload: Deployment/web-%d, daily: { noise: 0.03, weekendFactor: 0.6, points: [{ at: \"04:%02d\", "
                                "replicas: %d }, { at: \"13:%02d\", replicas: %d }, { at: \"22:00\", replicas: %d }] } }\n",
                                i, i % 60, size->peak / 3, i % 60, size->peak, size->peak / 2);
    }
    write_text(folder, "scenario.yaml", &keys);
    write_text(folder, "objects.yaml", &objects);
    kerf_text_fini(&keys);
    kerf_text_fini(&objects);
}

static struct kerf_scenario *read_scenario(const struct size *size)
{
    char folder[] = "/tmp/kerf-week-XXXXXX";
    char path[64];
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(4);
    }
    write_files(folder, size);
    snprintf(path, sizeof path, "%s/scenario.yaml", folder);
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_scenario *scenario = NULL;
    if (kerf_scenario_read(path, &(struct kerf_scenario_overrides){0}, &scenario, errs) != KERF_OK) {
        kerf_errors_print(errs, stderr);
        exit(3);
    }
    kerf_errors_free(errs);
    unlink(path);
    snprintf(path, sizeof path, "%s/objects.yaml", folder);
    unlink(path);
    rmdir(folder);
    return scenario;
}

static double metric_of(const struct kerf_record *record, const char *name)
{
    size_t count;
    const struct kerf_metric *metrics = kerf_record_metrics(record, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return metrics[i].value;
    return -1.0;
}

int main(int argc, char **argv)
{
    bool small = argc > 1 && strcmp(argv[1], "--small") == 0;
    struct size size = small ? (struct size){6, 20, "6h", 1} : (struct size){60, 180, argc > 1 ? argv[1] : "168h", 1};
    struct kerf_scenario *scenario = read_scenario(&size);
    for (int run = 0; run < size.runs; run++) {
        struct kerf_sim_outcome outcome;
        double begin = seconds_now();
        kerf_sim_run(&scenario->designs[0], 1, 0, (struct kerf_record_options){0}, &outcome);
        double seconds = seconds_now() - begin;
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("%s of %d workloads: %.0f nodes (peak %.0f), %.0f pods (peak %.0f), %.0f launches a day\n", size.horizon, size.workloads,
               metric_of(outcome.record, "nodesMean"), metric_of(outcome.record, "nodesPeak"), metric_of(outcome.record, "podsRunningMean"),
               metric_of(outcome.record, "podsRunningPeak"), metric_of(outcome.record, "nodesLaunchedPerDay"));
        printf("%.2f s, %.0f MB at most, %" PRIu64 " events, %.0f events/s, trace %016" PRIx64 "%s\n", seconds, (double)usage.ru_maxrss / 1024.0,
               outcome.event_count, (double)outcome.event_count / seconds, kerf_record_trace_hash(outcome.record),
               outcome.livelock ? ", LIVELOCK" : "");
        kerf_record_free(outcome.record);
    }
    kerf_scenario_free(scenario);
    return 0;
}
