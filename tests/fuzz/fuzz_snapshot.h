/**
 * Clusters from any bytes: manifests that can be read, with amounts, names and numbers that are allowed and that nobody means. Names
 * meet often, so that owners, budgets, selectors, groups and volumes find one another, and now and then don't.
 */
#ifndef FUZZ_SNAPSHOT_H
#define FUZZ_SNAPSHOT_H

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FUZZ_PATH_BYTES = 64 };

struct fuzz_bytes {
    const uint8_t *data;
    size_t size;
};

static inline uint32_t fuzz_take(struct fuzz_bytes *bytes, uint32_t count)
{
    if (bytes->size == 0 || count == 0)
        return 0;
    bytes->size--;
    return *bytes->data++ % count;
}

static inline bool fuzz_chance(struct fuzz_bytes *bytes, uint32_t of) { return fuzz_take(bytes, of) == 1; }

#define FUZZ_ANY(bytes, texts) ((texts)[fuzz_take((bytes), sizeof(texts) / sizeof(texts)[0])])

static const char *const fuzz_cpus[] = {"100m", "1", "0", "250m", "2", "1900m", "7", "64", "1n", "0.1", "500k", "9e9"};
static const char *const fuzz_memories[] = {"128Mi", "1Gi", "0", "4Gi", "1", "0.3Gi", "900m", "512Gi", "7Ti", "15Pi"};
static const char *const fuzz_zones[] = {"us-east-1a", "us-east-1b", "us-east-1c", "nowhere"};
static const char *const fuzz_types[] = {"m5.large", "m5.xlarge", "t3.nano", "m7g.large", "p3.2xlarge", "unknown.large"};
static const char *const fuzz_capacities[] = {"on-demand", "spot", "reserved"};
static const char *const fuzz_apps[] = {"a", "b", "c"};
static const char *const fuzz_times[] = {"2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2026-06-01T00:00:00Z",
                                         "1970-01-01T00:00:00Z"};
static const char *const fuzz_counts[] = {"1", "0", "2", "50%", "100%", "10%", "1000000"};
static const char *const fuzz_keys[] = {"topology.kubernetes.io/zone", "kubernetes.io/hostname", "karpenter.sh/capacity-type",
                                        "node.kubernetes.io/instance-type", "kubernetes.io/arch", "karpenter.sh/nodepool", "disk"};
static const char *const fuzz_whole[] = {"1", "0", "-1", "5", "100", "2147483647", "-2147483648", "1000000000"};

static inline void fuzz_requirement(struct fuzz_bytes *bytes, struct kerf_text *out)
{
    static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"};
    static const char *const sizes[] = {"karpenter.k8s.aws/instance-cpu", "karpenter.k8s.aws/instance-memory"};
    uint32_t operator= fuzz_take(bytes, 6);
    if (operator>= 4) {
        kerf_text_append_format(out, "{key: %s, operator: %s, values: ['%u']}, ", FUZZ_ANY(bytes, sizes), operators[operator],
                                fuzz_take(bytes, 200));
        return;
    }
    uint32_t key = fuzz_take(bytes, 7);
    static const char *const arches[] = {"amd64", "arm64"};
    const char *value = key == 0   ? FUZZ_ANY(bytes, fuzz_zones)
                        : key == 2 ? FUZZ_ANY(bytes, fuzz_capacities)
                        : key == 3 ? FUZZ_ANY(bytes, fuzz_types)
                        : key == 4 ? FUZZ_ANY(bytes, arches)
                                   : FUZZ_ANY(bytes, fuzz_apps);
    kerf_text_append_format(out, "{key: %s, operator: %s", fuzz_keys[key], operators[operator]);
    if (operator< 2)
        kerf_text_append_format(out, ", values: [%s%s]", value, key == 0 && fuzz_chance(bytes, 2) ? ", us-east-1b" : "");
    kerf_text_append(out, "}, ");
}

static inline void fuzz_requirements(struct fuzz_bytes *bytes, struct kerf_text *out, uint32_t count_max)
{
    kerf_text_append(out, "[");
    for (uint32_t i = fuzz_take(bytes, count_max + 1); i > 0; i--)
        fuzz_requirement(bytes, out);
    kerf_text_append(out, "]");
}

static inline void fuzz_affinity(struct fuzz_bytes *bytes, struct kerf_text *out)
{
    kerf_text_append(out, "  affinity:\n");
    if (fuzz_chance(bytes, 2)) {
        kerf_text_append(out, "    nodeAffinity:\n      requiredDuringSchedulingIgnoredDuringExecution:\n        nodeSelectorTerms: [{matchExpressions: ");
        fuzz_requirements(bytes, out, 2);
        kerf_text_append(out, "}, {matchExpressions: ");
        fuzz_requirements(bytes, out, 1);
        kerf_text_append(out, "}]\n");
    }
    static const char *const kinds[] = {"podAntiAffinity", "podAffinity"};
    const char *kind = FUZZ_ANY(bytes, kinds), *key = fuzz_keys[fuzz_take(bytes, 2)];
    if (fuzz_chance(bytes, 2))
        kerf_text_append_format(out, "    %s: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: %s, labelSelector: {matchLabels: {app: %s}}}]}\n",
                                kind, key, FUZZ_ANY(bytes, fuzz_apps));
    else
        kerf_text_append_format(out, "    %s: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: %u, podAffinityTerm: {topologyKey: %s, labelSelector: "
                                     "{matchLabels: {app: %s}}}}]}\n",
                                kind, 1 + fuzz_take(bytes, 100), key, FUZZ_ANY(bytes, fuzz_apps));
}

/** The lines of a pod's spec, without `spec:`. */
static inline void fuzz_pod_spec(struct fuzz_bytes *bytes, struct kerf_text *out)
{
    kerf_text_append_format(out, "  containers: [{name: c, image: x, resources: {requests: {cpu: '%s', memory: '%s'%s}}%s}]\n", FUZZ_ANY(bytes, fuzz_cpus),
                            FUZZ_ANY(bytes, fuzz_memories), fuzz_chance(bytes, 8) ? ", nvidia.com/gpu: 1" : "",
                            fuzz_chance(bytes, 8) ? ", ports: [{containerPort: 80, hostPort: 80}]" : "");
    if (fuzz_chance(bytes, 6))
        kerf_text_append_format(out, "  priority: %s\n", FUZZ_ANY(bytes, fuzz_whole));
    if (fuzz_chance(bytes, 8))
        kerf_text_append_format(out, "  nodeSelector: {topology.kubernetes.io/zone: %s}\n", FUZZ_ANY(bytes, fuzz_zones));
    if (fuzz_chance(bytes, 6))
        kerf_text_append(out, "  tolerations: [{operator: Exists}]\n");
    if (fuzz_chance(bytes, 4))
        kerf_text_append_format(out, "  topologySpreadConstraints: [{maxSkew: %u, topologyKey: %s, whenUnsatisfiable: %s, labelSelector: {matchLabels: {app: %s}}%s}]\n",
                                1 + fuzz_take(bytes, 3), fuzz_keys[fuzz_take(bytes, 3)], fuzz_chance(bytes, 2) ? "DoNotSchedule" : "ScheduleAnyway",
                                FUZZ_ANY(bytes, fuzz_apps), "");
    if (fuzz_chance(bytes, 4))
        fuzz_affinity(bytes, out);
    if (fuzz_chance(bytes, 8))
        kerf_text_append(out, "  volumes: [{name: v, persistentVolumeClaim: {claimName: claim}}]\n");
    if (fuzz_chance(bytes, 8))
        kerf_text_append_format(out, "  terminationGracePeriodSeconds: %u\n", fuzz_take(bytes, 4) * 100);
}

static inline void fuzz_nodepool(struct fuzz_bytes *bytes, struct kerf_text *out, uint32_t number)
{
    static const char *const policies[] = {"WhenEmptyOrUnderutilized", "WhenEmpty", "Balanced"};
    static const char *const waits[] = {"0s", "Never", "30s", "24h"};
    kerf_text_append_format(out, "---\napiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: pool%u, uid: pool%u}\nspec:\n", number, number);
    if (fuzz_chance(bytes, 4))
        kerf_text_append_format(out, "  weight: %u\n", 1 + fuzz_take(bytes, 100));
    if (fuzz_chance(bytes, 4))
        kerf_text_append_format(out, "  limits: {cpu: '%s', memory: '%s', nodes: %u}\n", FUZZ_ANY(bytes, fuzz_cpus), FUZZ_ANY(bytes, fuzz_memories),
                                fuzz_take(bytes, 5));
    kerf_text_append_format(out, "  disruption: {consolidationPolicy: %s, consolidateAfter: %s, budgets: [{nodes: '%s'%s}]}\n", FUZZ_ANY(bytes, policies),
                            FUZZ_ANY(bytes, waits), FUZZ_ANY(bytes, fuzz_counts),
                            fuzz_chance(bytes, 4) ? ", schedule: '0 0 31 2 *', duration: 1h" : "");
    kerf_text_append(out, "  template:\n    spec:\n      nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: class}\n      requirements: ");
    fuzz_requirements(bytes, out, 3);
    kerf_text_append_format(out, "\n      expireAfter: %s\n", fuzz_chance(bytes, 4) ? "1m" : "Never");
    if (fuzz_chance(bytes, 6))
        kerf_text_append(out, "      taints: [{key: t, effect: NoSchedule}]\n");
}

static inline void fuzz_node(struct fuzz_bytes *bytes, struct kerf_text *out, uint32_t number, bool of_karpenter)
{
    const char *type = FUZZ_ANY(bytes, fuzz_types), *zone = FUZZ_ANY(bytes, fuzz_zones), *capacity = FUZZ_ANY(bytes, fuzz_capacities);
    const char *created = FUZZ_ANY(bytes, fuzz_times), *cpu = FUZZ_ANY(bytes, fuzz_cpus), *memory = FUZZ_ANY(bytes, fuzz_memories);
    uint32_t group = fuzz_take(bytes, 3);
    kerf_text_append_format(out, "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: node%u\n  creationTimestamp: '%s'\n  labels: {kubernetes.io/hostname: node%u, "
                                 "node.kubernetes.io/instance-type: %s, topology.kubernetes.io/zone: %s, kubernetes.io/arch: amd64, kubernetes.io/os: linux, ",
                            number, created, number, type, zone);
    kerf_text_append_format(out, of_karpenter ? "karpenter.sh/nodepool: pool%u, karpenter.sh/capacity-type: %s, karpenter.sh/registered: 'true', "
                                                "karpenter.sh/initialized: 'true'}\n"
                                              : "eks.amazonaws.com/nodegroup: group%u, eks.amazonaws.com/capacityType: %s}\n",
                            group, capacity);
    kerf_text_append_format(out, "spec: {providerID: 'aws:///%s/i-%u'%s%s}\n", zone, number, fuzz_chance(bytes, 8) ? ", unschedulable: true" : "",
                            fuzz_chance(bytes, 8) ? ", taints: [{key: t, effect: NoExecute}]" : "");
    kerf_text_append_format(out, "status:\n  capacity: {cpu: '%s', memory: '%s', pods: 29}\n  allocatable: {cpu: '%s', memory: '%s', pods: %u}\n  conditions: [{type: Ready, status: '%s', "
                                 "lastTransitionTime: '%s'}]\n",
                            cpu, memory, cpu, memory, fuzz_take(bytes, 30), fuzz_chance(bytes, 8) ? "Unknown" : "True", created);
    if (!of_karpenter)
        return;
    kerf_text_append_format(out, "---\napiVersion: karpenter.sh/v1\nkind: NodeClaim\nmetadata: {name: claim%u, creationTimestamp: '%s', labels: {karpenter.sh/nodepool: pool%u, "
                                 "karpenter.sh/capacity-type: %s, node.kubernetes.io/instance-type: %s, topology.kubernetes.io/zone: %s}}\n"
                                 "spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: class}, requirements: []}\n"
                                 "status: {providerID: 'aws:///%s/i-%u', nodeName: node%u, capacity: {cpu: '%s'}, allocatable: {cpu: '%s', memory: '%s', pods: 29}, conditions: ["
                                 "{type: Launched, status: 'True', lastTransitionTime: '%s'}, {type: Registered, status: 'True', lastTransitionTime: '%s'}, "
                                 "{type: Initialized, status: 'True', lastTransitionTime: '%s'}%s]}\n",
                            number, created, group, capacity, type, zone, zone, number, number, cpu, cpu, memory, created, created, created,
                            fuzz_chance(bytes, 3) ? "" : ", {type: Consolidatable, status: 'True', lastTransitionTime: '2025-12-31T00:00:00Z'}");
}

static inline void fuzz_pod(struct fuzz_bytes *bytes, struct kerf_text *out, uint32_t number, uint32_t node_count)
{
    const char *app = FUZZ_ANY(bytes, fuzz_apps);
    static const char *const owners[] = {"ReplicaSet", "DaemonSet", "StatefulSet", "Job", "Node"};
    kerf_text_append_format(out, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod%u\n  labels: {app: %s}\n  creationTimestamp: '%s'\n", number, app,
                            FUZZ_ANY(bytes, fuzz_times));
    if (!fuzz_chance(bytes, 4))
        kerf_text_append_format(out, "  ownerReferences: [{apiVersion: apps/v1, kind: %s, name: %s, uid: %s, controller: true}]\n", FUZZ_ANY(bytes, owners), app, app);
    if (fuzz_chance(bytes, 8))
        kerf_text_append(out, "  annotations: {karpenter.sh/do-not-disrupt: 'true', cluster-autoscaler.kubernetes.io/safe-to-evict: 'false'}\n");
    if (fuzz_chance(bytes, 12))
        kerf_text_append(out, "  deletionTimestamp: '2026-01-01T00:00:00Z'\n");
    kerf_text_append(out, "spec:\n");
    fuzz_pod_spec(bytes, out);
    uint32_t node = fuzz_take(bytes, node_count + 2); /* one that there is not, and none */
    static const char *const phases[] = {"Running", "Running", "Pending", "Failed", "Succeeded"};
    if (node <= node_count)
        kerf_text_append_format(out, "  nodeName: node%u\nstatus: {phase: %s, startTime: '%s'}\n", node, FUZZ_ANY(bytes, phases), FUZZ_ANY(bytes, fuzz_times));
    else
        kerf_text_append(out, "status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', reason: Unschedulable}]}\n");
}

static inline void fuzz_workload(struct fuzz_bytes *bytes, struct kerf_text *out, uint32_t number)
{
    static const char *const kinds[] = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"};
    const char *kind = number == 0 ? kinds[0] : FUZZ_ANY(bytes, kinds), *app = FUZZ_ANY(bytes, fuzz_apps);
    bool is_job = strcmp(kind, "Job") == 0;
    kerf_text_append_format(out, "---\napiVersion: %s/v1\nkind: %s\nmetadata: {name: w%u}\nspec:\n", is_job ? "batch" : "apps", kind, number);
    if (is_job)
        kerf_text_append_format(out, "  parallelism: %u\n  completions: %u\n", fuzz_take(bytes, 4), 1 + fuzz_take(bytes, 5));
    else if (strcmp(kind, "DaemonSet") != 0)
        kerf_text_append_format(out, "  replicas: %u\n", fuzz_take(bytes, 12));
    if (!is_job)
        kerf_text_append_format(out, "  selector: {matchLabels: {app: %s}}\n", app);
    struct kerf_text spec = {0};
    fuzz_pod_spec(bytes, &spec);
    if (is_job)
        kerf_text_append(&spec, "  restartPolicy: Never\n");
    kerf_text_append_format(out, "  template:\n    metadata: {labels: {app: %s}}\n    spec:\n", app);
    for (const char *line = spec.bytes; *line;) { /* four columns to the right */
        size_t length = strcspn(line, "\n") + 1;
        kerf_text_append(out, "    ");
        kerf_text_append_bytes(out, line, length);
        line += length;
    }
    kerf_text_fini(&spec);
}

static inline void fuzz_policies(struct fuzz_bytes *bytes, struct kerf_text *out)
{
    kerf_text_append(out, "---\napiVersion: karpenter.k8s.aws/v1\nkind: EC2NodeClass\nmetadata: {name: class}\nspec: {amiSelectorTerms: [{alias: al2023@latest}], role: r, "
                          "subnetSelectorTerms: [{tags: {a: b}}], securityGroupSelectorTerms: [{tags: {a: b}}]");
    if (fuzz_chance(bytes, 4))
        kerf_text_append_format(out, ", kubelet: {maxPods: %u, systemReserved: {cpu: '%s', memory: '%s'}}", fuzz_take(bytes, 3), FUZZ_ANY(bytes, fuzz_cpus),
                                FUZZ_ANY(bytes, fuzz_memories));
    kerf_text_append(out, "}\n");
    for (uint32_t i = fuzz_take(bytes, 3); i > 0; i--)
        kerf_text_append_format(out, "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: pdb%u}\nspec: {%s: '%s', selector: {matchLabels: {app: %s}}}\n", i,
                                fuzz_chance(bytes, 2) ? "minAvailable" : "maxUnavailable", FUZZ_ANY(bytes, fuzz_counts), FUZZ_ANY(bytes, fuzz_apps));
    if (fuzz_chance(bytes, 3))
        kerf_text_append_format(out, "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: claim}\nspec: {storageClassName: gp3, accessModes: [ReadWriteOnce], resources: {requests: "
                                     "{storage: '%s'}}}\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: gp3}\nprovisioner: ebs.csi.aws.com\n"
                                     "volumeBindingMode: WaitForFirstConsumer\n",
                                FUZZ_ANY(bytes, fuzz_memories));
}

/** A descriptor that holds the text, as a path; the caller closes it. */
static inline int fuzz_file_of(const struct kerf_text *text, char path[FUZZ_PATH_BYTES])
{
    int descriptor = memfd_create("fuzz", 0);
    KERF_ASSERT(descriptor >= 0);
    KERF_ASSERT(write(descriptor, text->bytes, text->length) == (ssize_t)text->length);
    snprintf(path, FUZZ_PATH_BYTES, "/proc/%d/fd/%d", getpid(), descriptor); /* opened anew, it is read from its start */
    return descriptor;
}

/* ---- a catalogue of few types, written once ------------------------------------------------------------------------------------ */

static char fuzz_catalog_path[] = "/tmp/kerf-fuzz-XXXXXX";

static inline void fuzz_write_table(const char *name, const char *text)
{
    char path[FUZZ_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", fuzz_catalog_path, name);
    FILE *file = fopen(path, "w");
    KERF_ASSERT(file != NULL);
    fputs(text, file);
    fclose(file);
}

static inline void fuzz_remove_catalog(void)
{
    static const char *const names[] = {"instance_types.csv", "on_demand_prices.csv", "spot_prices.csv", "zones.csv"};
    char path[FUZZ_PATH_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", fuzz_catalog_path, names[i]);
        unlink(path);
    }
    rmdir(fuzz_catalog_path);
}

static inline const char *fuzz_catalog(void)
{
    static bool is_there;
    if (is_there)
        return fuzz_catalog_path;
    KERF_ASSERT(mkdtemp(fuzz_catalog_path) != NULL);
    is_there = true;
    atexit(fuzz_remove_catalog);
    fuzz_write_table("instance_types.csv", "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni,hypervisor,local_nvme_gb,instance_store_total_gb,gpus,gpu_name,"
                                           "gpu_manufacturer,gpu_memory_mib,usage_classes,bare_metal\n"
                                           "p3.2xlarge,amd64,8,62464,4,15,xen,,0,1,v100,nvidia,16384,on-demand+spot,false\n"
                                           "t3.nano,amd64,2,512,2,2,nitro,,0,0,,,,on-demand+spot,false\n"
                                           "m5.large,amd64,2,8192,3,10,nitro,,0,0,,,,on-demand+spot,false\n"
                                           "m5.xlarge,amd64,4,16384,4,15,nitro,,0,0,,,,on-demand+spot,false\n"
                                           "m7g.large,arm64,2,8192,3,10,nitro,,0,0,,,,on-demand+spot,false\n");
    fuzz_write_table("on_demand_prices.csv", "instance_type,usd_per_hour,karpenter_usd_per_hour\nm5.large,0.096,\nm5.xlarge,0.192,\nm7g.large,0.0816,\nt3.nano,0.0052,\n"
                                             "p3.2xlarge,3.06,\n");
    fuzz_write_table("spot_prices.csv", "zone,instance_type,usd_per_hour\nus-east-1a,m5.large,0.04\nus-east-1b,m5.large,0.04\nus-east-1b,m7g.large,0.03\n"
                                        "us-east-1a,m5.xlarge,0.07\nus-east-1c,t3.nano,0.001\n");
    fuzz_write_table("zones.csv", "zone,zone_id\nus-east-1a,use1-az2\nus-east-1b,use1-az4\nus-east-1c,use1-az6\n");
    return fuzz_catalog_path;
}

#endif
