/** `kerf plan --explain`: for every kind of rule the first one that refuses, its numbers, and the change that a second pass found to help. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advise/plan_advice.h"
#include "kerf/report.h"
#include "../../support/plan_world.h"

enum { SAYS_MAX = 5 };

struct example {
    const char *name;
    const char *objects;      /* beside the NodeClass `default`, documents divided by --- */
    const char *unavailable;  /* NULL: nothing */
    const char *pod;          /* --explain POD; NULL: all */
    bool best_effort;
    const char *says[SAYS_MAX]; /* parts of the text, in order; NULL ends */
};

#define POOL(name, template_spec, spec)                                                                                                \
    "---\n{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: " name "}, spec: {template: {spec: {nodeClassRef: {group: "   \
    "karpenter.k8s.aws, kind: EC2NodeClass, name: default}" template_spec "}}" spec "}}\n"
#define LABELLED_POD(name, labels, cpu, spec)                                                                                          \
    "---\n{apiVersion: v1, kind: Pod, metadata: {name: " name ", uid: " name ", labels: {" labels "}}, spec: {containers: [{name: m, " \
    "resources: {requests: {cpu: " cpu ", memory: 128Mi}}}]" spec "}}\n"
#define POD(name, cpu, spec) LABELLED_POD(name, "app: " name, cpu, spec)
#define PLAIN_POOL POOL("np", "", "")
#define REQUIREMENTS(list) ", requirements: [" list "]"
#define PVC(name, class, volume)                                                                                                       \
    "---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: " name ", annotations: {pv.kubernetes.io/bind-completed: 'yes'}}, " \
    "spec: {storageClassName: " class ", volumeName: " volume "}, status: {phase: Bound}}\n"
#define PV(name, zone)                                                                                                                 \
    "---\n{apiVersion: v1, kind: PersistentVolume, metadata: {name: " name "}, spec: {csi: {driver: ebs.csi.aws.com, volumeHandle: v}, " \
    "nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [" zone \
    "]}]}]}}}}\n"

static const struct example examples[] = {
    {"taint", POOL("np", ", taints: [{key: team, value: red, effect: NoSchedule}]", "") POD("p", "1", ""), NULL, NULL, false,
     {"NodePool np         the pod does not tolerate the taint team=red:NoSchedule\n",
      "would do            the pod tolerates team=red:NoSchedule: it goes to a new node of NodePool np\n",
      "or                  NodePool np without the taint team=red:NoSchedule: it goes to a new node of NodePool np\n"}},
    {"requirement against the pool's",
     POOL("np", REQUIREMENTS("{key: topology.kubernetes.io/zone, operator: In, values: [z1, z2]}"), "")
         POD("p", "1", ", nodeSelector: {topology.kubernetes.io/zone: z3}"),
     NULL, NULL, false,
     {"the pod wants topology.kubernetes.io/zone In [z3], and the place has topology.kubernetes.io/zone In [z1 z2]",
      "the pod without its requirement topology.kubernetes.io/zone In [z3]: it goes to",
      "NodePool np with z3 among the values of topology.kubernetes.io/zone (In): it goes to"}},
    {"two requirements on one key are not narrowed one by one",
     POOL("np", REQUIREMENTS("{key: topology.kubernetes.io/zone, operator: In, values: [z1, z2]}, {key: topology.kubernetes.io/zone, operator: NotIn, "
                             "values: [z2]}"), "")
         POD("p", "1", ", nodeSelector: {topology.kubernetes.io/zone: z3}"),
     NULL, NULL, false,
     {"NodePool np without its requirement on topology.kubernetes.io/zone: it goes to"}},
    {"label that nobody has", PLAIN_POOL POD("p", "1", ", nodeSelector: {team: red}"), NULL, NULL, false,
     {"the pod wants team In [red], and the place does not have that label", "the pod without its requirement team In [red]: it",
      "NodePool np with the label team=red: it goes to a new node of NodePool np\n"}},
    {"requirement in an affinity term",
     PLAIN_POOL POD("p", "1",
                    ", affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: "
                    "[{key: team, operator: Exists}]}]}}}"),
     NULL, NULL, false,
     {"the pod wants team Exists, and the place does not have that label", "the pod without its requirement team Exists: it",
      "NodePool np with the label team=true: it goes to"}},
    {"resources", PLAIN_POOL POD("p", "9500m", ""), NULL, NULL, false,
     {"none of the 3 instance types left has room; c.large comes nearest: cpu 9500m of 8\n", "the pod asks for cpu 8 instead of cpu 9500m: it"}},
    {"resources beside daemon pods",
     PLAIN_POOL "---\n{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: {matchLabels: {a: d}}, template: {metadata: "
                "{labels: {a: d}}, spec: {containers: [{name: m, resources: {requests: {cpu: 300m}}}]}}}}\n" POD("p", "7800m", ""),
     NULL, NULL, false,
     {"c.large comes nearest: cpu 7800m beside 300m of 8\n", "the pod asks for cpu 7700m instead of cpu 7800m: it goes to"}},
    {"resource that no type has", PLAIN_POOL
     "---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: m, resources: {requests: {cpu: 1, example.com/fpga: 1}}}]}}\n",
     NULL, NULL, false,
     {"comes nearest: example.com/fpga 1 of 0\n", "the pod asks for example.com/fpga 0 instead of example.com/fpga 1: it goes to"}},
    {"resources within the pool's bounds",
     POOL("np", REQUIREMENTS("{key: karpenter.k8s.aws/instance-cpu, operator: Lt, values: ['4']}"), "") POD("p", "3", ""), NULL, NULL, false,
     {"none of the 1 instance type left has room; a.large comes nearest: cpu 3 of 2\n", "the pod asks for cpu 2 instead of cpu 3",
      "NodePool np with karpenter.k8s.aws/instance-cpu Lt 5 instead of 4: it goes to"}},
    {"resources on an existing node", "@node" POD("p", "9", ""), NULL, NULL, false,
     {"c.large comes nearest: cpu 9 of 8\n", "1 existing node     n1: no room: cpu 9 of 8500m free\n", "the pod asks for cpu 8 instead of cpu 9",
      "the pod asks for cpu 8500m instead of cpu 9: it goes to the node n1\n"}},
    {"limits", POOL("np", "", ", limits: {cpu: 3}") POD("p1", "1500m", "") POD("p2", "1500m", "") POD("p3", "1500m", ""), NULL, NULL, false,
     {"2 pods such as default/p2", "limits.cpu 3 leaves 1, and a.large, the smallest type that would do, has 2\n",
      "NodePool np with the limit cpu 4 instead of cpu 3: 1 of them has a place", "NodePool np with the limit cpu 6 instead of cpu 3: all have a place"}},
    {"limit of nodes", POOL("np", "", ", limits: {nodes: 0}") POD("p", "1", ""), NULL, NULL, false,
     {"limits.nodes 0 leaves 0\n", "NodePool np with the limit nodes 1 instead of nodes 0: it goes to"}},
    {"minValues", POOL("np", REQUIREMENTS("{key: node.kubernetes.io/instance-type, operator: Exists, minValues: 3}"), "") POD("p", "3", ""),
     NULL, NULL, false,
     {"minValues 3 of node.kubernetes.io/instance-type: the 2 instance types that would hold the pod have 2\n",
      "NodePool np with minValues 2 instead of 3 for node.kubernetes.io/instance-type: it goes to"}},
    {"topology spread",
     POOL("np", REQUIREMENTS("{key: topology.kubernetes.io/zone, operator: In, values: [z1]}"), "") "@node-z2" LABELLED_POD(
         "p1", "app: s", "1",
         ", topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, labelSelector: "
         "{matchLabels: {app: s}}}]")
         LABELLED_POD("p2", "app: s", "1",
                      ", topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, "
                      "labelSelector: {matchLabels: {app: s}}}]"),
     NULL, NULL, false,
     {"topology spread over topology.kubernetes.io/zone with maxSkew 1: matching pods z1 1, z2 0; the best domain here would make it 2\n",
      "maxSkew 2 for the pod's spread over topology.kubernetes.io/zone: it goes to", "ScheduleAnyway for the pod's spread over topology"}},
    {"pod affinity",
     PLAIN_POOL POD("p", "1",
                    ", affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: topology.kubernetes.io/zone, "
                    "labelSelector: {matchLabels: {app: db}}}]}}"),
     NULL, NULL, false,
     {"pod affinity over topology.kubernetes.io/zone: no domain here has a pod that it asks for",
      "the pod without its required pod affinity over topology.kubernetes.io/zone: it goes to"}},
    {"pod anti-affinity",
     PLAIN_POOL LABELLED_POD("p1", "app: x", "1",
                             ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
                             "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: x}}}]}}")
         LABELLED_POD("p2", "app: x", "1",
                      ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
                      "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: x}}}]}}"),
     NULL, NULL, false,
     {"pod anti-affinity over topology.kubernetes.io/zone: every domain here has a pod that it keeps away from (z1 1, z2 1, z3 1)"}},
    {"anti-affinity of others",
     PLAIN_POOL POD("big", "1500m",
                    ", affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: "
                    "topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: small}}}]}}") POD("small", "500m", ""),
     NULL, NULL, false,
     {"default/small\n", "anti-affinity of other pods over topology.kubernetes.io/zone: every domain here has a pod that keeps this one away",
      "would do            nothing that kerf tries\n"}},
    {"two constraints that contradict each other", "@node-z2"
     PLAIN_POOL LABELLED_POD("p", "app: s", "9",
                             ", topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: "
                             "DoNotSchedule, labelSelector: {matchLabels: {app: s}}}], affinity: {podAffinity: "
                             "{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: topology.kubernetes.io/zone, labelSelector: "
                             "{matchLabels: {app: bound}}}]}}"),
     NULL, NULL, false,
     {"its topology constraints over topology.kubernetes.io/zone demand domains that have nothing in common\n",
      "would do            ScheduleAnyway for the pod's spread over topology.kubernetes.io/zone, and the pod asks for cpu 8 instead of cpu 9: it"}},
    {"instance types", PLAIN_POOL POD("p", "1", ", nodeSelector: {karpenter.k8s.aws/instance-family: z9}"), NULL, NULL, false,
     {"karpenter.k8s.aws/instance-family In [z9] is met by none of the 3 instance types that meet the rest\n",
      "the pod without its requirement karpenter.k8s.aws/instance-family In [z9]: it goes to"}},
    {"host port of a daemon pod",
     PLAIN_POOL "---\n{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {selector: {matchLabels: {a: d}}, template: {metadata: "
                "{labels: {a: d}}, spec: {containers: [{name: m, ports: [{containerPort: 80, hostPort: 8080}]}]}}}}\n"
                "---\n{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: m, ports: [{containerPort: 80, hostPort: "
                "8080}], resources: {requests: {cpu: 1}}}]}}\n",
     NULL, NULL, false, {"host port 8080 is taken by a daemon pod\n", "the pod without host port 8080: it goes to"}},
    {"volume", POOL("np", REQUIREMENTS("{key: topology.kubernetes.io/zone, operator: In, values: [z1]}"), "") PVC("data", "gp3", "pv-1")
                   PV("pv-1", "z2") POD("p", "1", ", volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]"),
     NULL, NULL, false,
     {"its volumes need topology.kubernetes.io/zone In [z2], and the place has topology.kubernetes.io/zone In [z1]\n",
      "NodePool np with z2 among the values of topology.kubernetes.io/zone (In): it goes to"}},
    {"offering", POOL("np", REQUIREMENTS("{key: karpenter.sh/capacity-type, operator: In, values: [spot]}"), "") POD("p", "5", ""),
     "spot:c.large:*", NULL, false,
     {"none of the 2 instance types left has room; b.large comes nearest: cpu 5 of 4\n", "the pod asks for cpu 4 instead of cpu 5",
      "NodePool np with on-demand among the values of karpenter.sh/capacity-type (In): it goes to"}},
    {"offering in the pod's zone", PLAIN_POOL POD("p", "1", ", nodeSelector: {topology.kubernetes.io/zone: z1}"),
     "spot:*:z1,on-demand:*:z1", NULL, false,
     {"none of the 3 instance types that meet the requirements can be had with topology.kubernetes.io/zone In [z1]\n",
      "the pod without its requirement topology.kubernetes.io/zone In [z1]: it goes to"}},
    {"invalid pod", PLAIN_POOL POD("p", "1", ", nodeSelector: {kubernetes.io/hostname: n}"), NULL, NULL, false,
     {"the pod itself      ignoring pod, using label kubernetes.io/hostname is not allowed", "the pod without its requirement kubernetes.io/hostname: it"}},
    {"resource claims", PLAIN_POOL POD("p", "1", ", resourceClaims: [{name: gpu, resourceClaimName: gpu}]"), NULL, NULL, false,
     {"the pod itself      pod has resource claims", "nothing that kerf tries\n"}},
    {"no template", POOL("np", REQUIREMENTS("{key: kubernetes.io/arch, operator: In, values: [arm64]}"), "") POD("p", "1", ""), NULL, NULL, false,
     {"the NodePool's own requirements leave no instance type: kubernetes.io/arch In [arm64] is met by none of the 3 instance types",
      "NodePool np with amd64 among the values of kubernetes.io/arch (In): it goes to"}},
    {"pools that no pass asks", POOL("fixed", "", ", replicas: 2") "---\n{apiVersion: karpenter.sh/v1, kind: NodePool, metadata: {name: lost}, spec: "
         "{template: {spec: {nodeClassRef: {group: karpenter.k8s.aws, kind: EC2NodeClass, name: absent}}}}}\n" POD("p", "1", ""),
     NULL, NULL, false,
     {"NodePool fixed      a static NodePool (spec.replicas) gets no nodes for pods\n", "NodePool lost       its EC2NodeClass absent was not read\n"}},
    {"one rule behind another",
     POOL("np", ", taints: [{key: team, value: red, effect: NoSchedule}]", "") POD("p", "12", ", nodeSelector: {team: red}"), NULL, NULL, false,
     {"does not tolerate the taint team=red:NoSchedule\n",
      "would do            the pod tolerates team=red:NoSchedule, and the pod without its requirement team In [red], and the pod asks for cpu 8 "
      "instead of cpu 12: it goes to"}},
    {"several pools, one explanation for equal pods",
     POOL("a", ", taints: [{key: team, value: red, effect: NoSchedule}]", "") POOL("b", "", ", limits: {cpu: 0}")
         LABELLED_POD("p1", "batch.kubernetes.io/job-name: j1", "1", "") LABELLED_POD("p2", "batch.kubernetes.io/job-name: j2", "1", ""),
     NULL, NULL, false,
     {"2 pods such as default/p1\n", "NodePool b          limits.cpu 0 leaves 0, and a.large, the smallest type that would do, has 2\n",
      "NodePool a          the pod does not tolerate", "NodePool b with the limit cpu 2 instead of cpu 0: all have a place"}},
    {"a pod with a new node", PLAIN_POOL POD("p1", "1500m", "") POD("p2", "1", ""), NULL, "p1", false,
     {"goes to             new node 1, of NodePool np\n", "so this one was opened", "NodePool np         accepts it\n"}},
    {"a pod that joins", PLAIN_POOL POD("p1", "1500m", "") POD("p2", "1", ""), NULL, "default/p2", false,
     {"goes to             new node 1, of NodePool np\n", "with 1 of its 2 pods then, is the first that accepted"}},
    {"a pod on an existing node", "@node" POD("p", "2", ""), NULL, "p", false, {"goes to             the node n1\n", "the first node"}},
    {"a gated pod", PLAIN_POOL POD("p", "1", ", schedulingGates: [{name: wait}]"), NULL, "p", false,
     {"goes to             no part in the pass\n", "why                 it has scheduling gates\n"}},
};
enum { EXAMPLE_COUNT = sizeof examples / sizeof examples[0] };

static void add_objects(struct plan_world *world, const char *objects)
{
    const char *zone = strstr(objects, "@node-z2") != NULL ? "z2" : "z1";
    bool has_node = strstr(objects, "@node") != NULL;
    world->has_pool = strstr(objects, "kind: NodePool") != NULL;
    for (const char *rest = objects; *rest != '\0';) {
        const char *mark = strstr(rest, "@node");
        size_t length = mark != NULL ? (size_t)(mark - rest) : strlen(rest);
        kerf_text_append_bytes(&world->manifest, rest, length);
        rest += length;
        if (mark != NULL)
            rest += strncmp(rest, "@node-z2", 8) == 0 ? 8 : 5;
    }
    if (!has_node)
        return;
    plan_world_add_node(world, "n1", zone, "8500m", true, "");
    if (strcmp(zone, "z2") == 0)
        plan_world_add_bound(world, "bound", "n1", "8500m", "app: bound");
}

/* The answer as text and, of both engines, as JSON. */
static char *answer(const struct plan_world *world, const char *path, const struct example *example, bool plain, enum kerf_format format)
{
    const char *files[] = {path};
    const char *unavailable[] = {example->unavailable};
    struct kerf_advise_options options = {
        .files = files,
        .file_count = 1,
        .catalog_folder = world->folder.path,
        .unavailable = unavailable,
        .unavailable_count = example->unavailable != NULL,
        .explain = true,
        .explain_pod = example->pod,
        .plain_engine = plain,
    };
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_snapshot *snapshot = NULL;
    enum kerf_status status = kerf_snapshot_load(&options, &snapshot, errs);
    if (status != KERF_OK)
        kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK, "%s", example->name);
    struct kerf_plan_advice *advice = kerf_advise_plan(snapshot);
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    kerf_report_plan(advice, format, stream);
    fclose(stream);
    kerf_plan_advice_free(advice);
    kerf_snapshot_free(snapshot);
    kerf_errors_free(errs);
    return text;
}

ParameterizedTestParameters(plan_explain, examples)
{
    static size_t rows[EXAMPLE_COUNT];
    for (size_t i = 0; i < EXAMPLE_COUNT; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, EXAMPLE_COUNT);
}

ParameterizedTest(size_t *row, plan_explain, examples)
{
    const struct example *example = &examples[*row];
    struct plan_world world;
    plan_world_init(&world);
    add_objects(&world, example->objects);
    plan_world_build(&world);
    test_folder_write(&world.folder, "objects.yaml", world.manifest.bytes);
    char path[512];
    snprintf(path, sizeof path, "%s/objects.yaml", world.folder.path);

    char *text = answer(&world, path, example, false, KERF_AS_TEXT);
    const char *from = strstr(text, "\nWhy\n");
    cr_assert_not_null(from, "%s: nothing is explained:\n%s", example->name, text);
    for (size_t i = 0; i < SAYS_MAX && example->says[i] != NULL; i++) {
        const char *found = strstr(from, example->says[i]);
        cr_assert_not_null(found, "%s: lacks \"%s\" in:\n%s", example->name, example->says[i], from);
        from = found;
    }
    free(text);
    char *fast = answer(&world, path, example, false, KERF_AS_JSON);
    char *plain = answer(&world, path, example, true, KERF_AS_JSON);
    cr_assert_str_eq(fast, plain, "%s: the engines explain differently", example->name);
    free(fast);
    free(plain);
    remove(path);
    plan_world_fini(&world);
}
