/**
 * The worked examples of kube-scheduler's rules, by number. Those of the queue in time (25, 26, 28 and the waiting of 5) are the binder
 * controller's.
 */
#include "../../support/manifest_world.h"
#include "binding/binding.h"
#include "binding/binding_internal.h"

#include <criterion/criterion.h>

/* ---- writing worlds --------------------------------------------------------------------------------------------------------------- */

static void add_node(struct kerf_text *yaml, const char *name, const char *zone, const char *cpu, const char *memory, const char *rest)
{
    kerf_text_append_format(yaml,
                            "---\napiVersion: v1\nkind: Node\nmetadata:\n  name: %s\n  labels: {kubernetes.io/hostname: %s, topology.kubernetes.io/region: r%s%s}\n"
                            "%s%sstatus:\n  allocatable: {cpu: %s, memory: %s, pods: \"110\"}\n",
                            name, name, zone ? ", topology.kubernetes.io/zone: " : "", zone ? zone : "", rest ? rest : "", rest ? "\n" : "",
                            cpu, memory);
}

/** `meta` goes into metadata ("labels: {...}"), `spec` into spec; node NULL: pending; cpu or memory NULL: not requested. */
static void add_pod(struct kerf_text *yaml, const char *name, const char *node, const char *cpu, const char *memory, const char *meta,
                    const char *spec)
{
    kerf_text_append_format(yaml, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  namespace: default\n%s%s%sspec:\n", name,
                            meta ? "  " : "", meta ? meta : "", meta ? "\n" : "");
    if (node)
        kerf_text_append_format(yaml, "  nodeName: %s\n", node);
    if (spec)
        kerf_text_append_format(yaml, "%s\n", spec);
    kerf_text_append_format(yaml, "  containers:\n  - name: c\n    image: app:1\n    resources: {requests: {");
    if (cpu)
        kerf_text_append_format(yaml, "cpu: %s%s", cpu, memory ? ", " : "");
    if (memory)
        kerf_text_append_format(yaml, "memory: %s", memory);
    kerf_text_append_format(yaml, "}}\nstatus: {phase: %s}\n", node ? "Running" : "Pending");
}

struct decided {
    struct manifest_world world;
    struct kerf_binding *binding;
    struct kerf_binding_decision decision;
};

static void decide(struct decided *decided, struct kerf_text *yaml, const char *pod)
{
    manifest_world_open(&decided->world, yaml->bytes);
    kerf_text_fini(yaml);
    decided->binding = kerf_binding_new(decided->world.cluster, (struct kerf_binding_options){ .explain = true });
    kerf_binding_decide(decided->binding, world_pod(&decided->world, pod), &decided->decision);
}

static void finish(struct decided *decided)
{
    kerf_binding_free(decided->binding);
    manifest_world_close(&decided->world);
}

static const struct kerf_node_score *score_of(const struct decided *decided, const char *node)
{
    kerf_node_id id = world_node(&decided->world, node);
    for (size_t i = 0; i < decided->decision.score_count; i++)
        if (kerf_node_id_equal(decided->decision.scores[i].node, id))
            return &decided->decision.scores[i];
    cr_assert_fail("no score of %s", node);
    return NULL;
}

static int64_t plugin_score(const struct decided *decided, const char *node, enum kerf_score_plugin plugin)
{
    return score_of(decided, node)->by_plugin[plugin];
}

static bool is_feasible(const struct decided *decided, const char *node)
{
    kerf_node_id id = world_node(&decided->world, node);
    for (size_t i = 0; i < decided->decision.feasible_count; i++)
        if (kerf_node_id_equal(decided->decision.feasible[i], id))
            return true;
    return false;
}

static const struct kerf_node_refusal *refusal_of(const struct decided *decided, const char *node)
{
    kerf_node_id id = world_node(&decided->world, node);
    for (size_t i = 0; i < decided->decision.refusal_count; i++)
        if (kerf_node_id_equal(decided->decision.refusals[i].node, id))
            return &decided->decision.refusals[i];
    cr_assert_fail("%s was not refused", node);
    return NULL;
}

/* ---- search ------------------------------------------------------------------------------------------------------------------------- */

static size_t feasible_of(int node_count)
{
    struct kerf_text yaml = { 0 };
    for (int i = 0; i < node_count; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%04d", i);
        add_node(&yaml, name, "a", "4", "16Gi", NULL);
    }
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    size_t count = d.decision.feasible_count;
    finish(&d);
    return count;
}

Test(binding, examples_1_and_2_how_many_nodes_are_looked_for)
{
    cr_expect_eq(feasible_of(500), 230);
    cr_expect_eq(feasible_of(150), 100);
    cr_expect_eq(feasible_of(99), 99);
    cr_expect_eq(feasible_of(250), 120);
}

Test(binding, examples_3_and_4_zones_in_turn_and_the_start_of_the_search)
{
    static const char *const nodes[][2] = { { "a1", "a" }, { "a2", "a" }, { "b1", "b" }, { "a3", "a" }, { "c1", "c" }, { "c2", "c" } };
    static const char *const order[] = { "a1", "b1", "c1", "a2", "c2", "a3" };
    struct kerf_text yaml = { 0 };
    for (size_t i = 0; i < 6; i++)
        add_node(&yaml, nodes[i][0], nodes[i][1], "4", "16Gi", NULL);
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    cr_assert_eq(d.decision.feasible_count, 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(d.decision.feasible[i].index, world_node(&d.world, order[i]).index, "place %zu", i);
    cr_expect_eq(d.binding->start_index, 0);
    finish(&d);
}

Test(binding, the_next_search_begins_with_the_node_beyond_the_limit)
{
    struct kerf_text yaml = { 0 };
    for (int i = 0; i < 150; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%04d", i);
        add_node(&yaml, name, "a", i == 3 ? "1m" : "4", "16Gi", NULL);
    }
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(d.decision.feasible_count, 100);
    cr_expect_eq(d.binding->start_index, 101, "100 kept and one refused");
    kerf_binding_decide(d.binding, world_pod(&d.world, "p"), &d.decision);
    cr_expect_eq(d.decision.feasible[0].index, world_node(&d.world, "n0101").index);
    cr_expect_eq(d.binding->start_index, (101 + 101) % 150);
    finish(&d);
}

Test(binding, example_5_back_off)
{
    static const kerf_time_us want_s[] = { 0, 1, 2, 4, 8, 10, 10, 10 };
    for (uint32_t i = 0; i < 8; i++)
        cr_expect_eq(kerf_binding_backoff_us(i), want_s[i] * KERF_SECOND_US);
    cr_expect_eq(kerf_binding_backoff_us(UINT32_MAX), 10 * KERF_SECOND_US);
    static const int64_t retry_s[] = {0, 2, 5, 10, 19, 30, 41}; /* example 28 */
    for (uint32_t i = 1; i < sizeof retry_s / sizeof retry_s[0]; i++)
        cr_expect_eq(kerf_binding_error_retry_us(retry_s[i - 1] * KERF_SECOND_US, i), retry_s[i] * KERF_SECOND_US);
    cr_expect_eq(kerf_binding_error_retry_us(10 * KERF_SECOND_US - 1, 1), 11 * KERF_SECOND_US);
}

/* ---- resources ------------------------------------------------------------------------------------------------------------------------ */

Test(binding, examples_6_and_7_sidecars_count_from_where_they_are_declared)
{
    static const char *const sidecar = "{name: s, image: s, restartPolicy: Always, resources: {requests: {cpu: 300m}}}";
    static const char *const init = "{name: i, image: i, resources: {requests: {cpu: \"2\"}}}";
    for (int first = 0; first < 2; first++) {
        struct kerf_text yaml = { 0 };
        kerf_text_append_format(&yaml,
                                "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default}\nspec:\n  initContainers: [%s, %s]\n"
                                "  containers:\n  - {name: a, image: a, resources: {requests: {cpu: 500m}}}\n"
                                "  - {name: b, image: b, resources: {requests: {cpu: 400m}}}\n",
                                first ? init : sidecar, first ? sidecar : init);
        struct manifest_world world;
        manifest_world_open(&world, yaml.bytes);
        kerf_text_fini(&yaml);
        cr_expect_eq(kerf_cluster_pod(world.cluster, world_pod(&world, "p"))->pod.requests->cpu_nanocores, first ? 2000000000 : 2300000000);
        int64_t cpu, memory;
        kerf_binding_nonzero_requests(&kerf_cluster_pod(world.cluster, world_pod(&world, "p"))->pod, true, &cpu, &memory);
        cr_expect_eq(cpu, first ? 2000 : 2300);
        cr_expect_eq(memory, 3 * 209715200, "two containers and the sidecar without a request");
        manifest_world_close(&world);
    }
}

static void decide_on_used(struct decided *d, const char *configuration)
{
    struct kerf_text yaml = { 0 };
    kerf_text_append(&yaml, configuration ? configuration : "");
    add_node(&yaml, "n", "a", "4000m", "16Gi", NULL);
    add_node(&yaml, "other", "a", "4000m", "16Gi", NULL);
    add_pod(&yaml, "used", "n", "1500m", "4Gi", NULL, NULL);
    add_pod(&yaml, "p", NULL, "500m", "2Gi", NULL, NULL);
    decide(d, &yaml, "p");
}

Test(binding, examples_8_and_10_least_allocated_and_balance)
{
    struct decided d;
    decide_on_used(&d, NULL);
    cr_expect_eq(plugin_score(&d, "n", KERF_SCORE_RESOURCES_FIT), 56);
    cr_expect_eq(plugin_score(&d, "n", KERF_SCORE_BALANCED_ALLOCATION), 75);
    finish(&d);
}

static const char configuration_head[] = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n"
                                         "- pluginConfig:\n  - name: NodeResourcesFit\n    args:\n      scoringStrategy:\n";

Test(binding, example_9_other_strategies)
{
    struct kerf_text text = { 0 };
    struct decided d;
    kerf_text_append_format(&text, "%s        type: MostAllocated\n        resources: [{name: cpu, weight: 1}, {name: memory, weight: 1}]\n",
                            configuration_head);
    decide_on_used(&d, text.bytes);
    cr_expect_eq(plugin_score(&d, "n", KERF_SCORE_RESOURCES_FIT), 43);
    finish(&d);
    kerf_text_clear(&text);
    kerf_text_append_format(&text,
                            "%s        type: RequestedToCapacityRatio\n        resources: [{name: cpu, weight: 1}, {name: memory, weight: 1}]\n"
                            "        requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}\n",
                            configuration_head);
    decide_on_used(&d, text.bytes);
    cr_expect_eq(plugin_score(&d, "n", KERF_SCORE_RESOURCES_FIT), 44);
    finish(&d);
    kerf_text_fini(&text);
}

static int64_t balance(const char *used_cpu, const char *used_memory, const char *cpu, const char *memory)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n", "a", "10", "1000Mi", NULL);
    add_node(&yaml, "other", "a", "10", "1000Mi", NULL);
    add_pod(&yaml, "used", "n", used_cpu, used_memory, NULL, NULL);
    add_pod(&yaml, "p", NULL, cpu, memory, NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    int64_t score = plugin_score(&d, "n", KERF_SCORE_BALANCED_ALLOCATION);
    finish(&d);
    return score;
}

Test(binding, examples_11_and_12_balance_before_and_after)
{
    cr_expect_eq(balance("2500m", "250Mi", "5", "0"), 62);
    cr_expect_eq(balance("2", "700Mi", "4", "0"), 85);
}

Test(binding, example_13_what_is_assumed_of_pods_without_requests)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n", "a", "1930m", "7Gi", NULL);
    add_node(&yaml, "other", "a", "1930m", "7Gi", NULL);
    for (int i = 0; i < 3; i++)
        add_pod(&yaml, i == 0 ? "e0" : i == 1 ? "e1" : "e2", "n", NULL, NULL, NULL, NULL);
    add_pod(&yaml, "p", NULL, "250m", "512Mi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(plugin_score(&d, "n", KERF_SCORE_RESOURCES_FIT), 77);
    cr_expect_eq(plugin_score(&d, "n", KERF_SCORE_BALANCED_ALLOCATION), 73);
    finish(&d);
}

/* ---- taints, affinity, images ----------------------------------------------------------------------------------------------------------- */

Test(binding, example_14_soft_taints)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n0", "a", "4", "16Gi", NULL);
    add_node(&yaml, "n1", "a", "4", "16Gi", "spec: {taints: [{key: x, effect: PreferNoSchedule}]}");
    add_node(&yaml, "n2", "a", "4", "16Gi", "spec: {taints: [{key: x, effect: PreferNoSchedule}, {key: y, effect: PreferNoSchedule}]}");
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(plugin_score(&d, "n0", KERF_SCORE_TAINT_TOLERATION), 300);
    cr_expect_eq(plugin_score(&d, "n1", KERF_SCORE_TAINT_TOLERATION), 150);
    cr_expect_eq(plugin_score(&d, "n2", KERF_SCORE_TAINT_TOLERATION), 0);
    finish(&d);
}

Test(binding, example_15_preferred_node_affinity)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n0", "a", "4", "16Gi", NULL);
    add_node(&yaml, "n1", "b", "4", "16Gi", NULL);
    add_node(&yaml, "n2", "c", "4", "16Gi", NULL);
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL,
            "  affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [\n"
            "    {weight: 80, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [a]}]}},\n"
            "    {weight: 20, preference: {matchExpressions: [{key: topology.kubernetes.io/zone, operator: In, values: [b]}]}}]}}");
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(plugin_score(&d, "n0", KERF_SCORE_NODE_AFFINITY), 200);
    cr_expect_eq(plugin_score(&d, "n1", KERF_SCORE_NODE_AFFINITY), 50);
    cr_expect_eq(plugin_score(&d, "n2", KERF_SCORE_NODE_AFFINITY), 0);
    finish(&d);
}

static int64_t image_score(int64_t mebibytes, int on_nodes)
{
    struct kerf_text yaml = { 0 };
    for (int i = 0; i < 10; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        add_node(&yaml, name, "a", "4", "16Gi", NULL);
        if (i < on_nodes)
            kerf_text_append_format(&yaml, "  images: [{names: [\"app:1\"], sizeBytes: %" PRId64 "}]\n", mebibytes * 1024 * 1024);
    }
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    int64_t score = plugin_score(&d, "n0", KERF_SCORE_IMAGE_LOCALITY);
    finish(&d);
    return score;
}

Test(binding, example_16_images)
{
    cr_expect_eq(image_score(600, 3), 16);
    cr_expect_eq(image_score(600, 10), 59);
    cr_expect_eq(image_score(50, 4), 0);
}

/* ---- spread ------------------------------------------------------------------------------------------------------------------------------- */

static const char web[] = "labels: {app: web}";

static void spread_world(struct kerf_text *yaml, bool with_zone_c, int min_domains)
{
    static const char *const pods[][2] = { { "a1", "na" }, { "a2", "na" }, { "a3", "na" }, { "b1", "nb" }, { "b2", "nb" }, { "c1", "nc" }, { "c2", "nc" } };
    add_node(yaml, "na", "a", "40", "160Gi", NULL);
    add_node(yaml, "nb", "b", "40", "160Gi", NULL);
    if (with_zone_c)
        add_node(yaml, "nc", "c", "40", "160Gi", NULL);
    for (size_t i = 0; i < (with_zone_c ? 7 : 5); i++)
        add_pod(yaml, pods[i][0], pods[i][1], "1", "1Gi", web, NULL);
    char spec[400];
    snprintf(spec, sizeof spec,
             "  topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule, "
             "minDomains: %d, labelSelector: {matchLabels: {app: web}}}]",
             min_domains);
    add_pod(yaml, "p", NULL, "1", "1Gi", web, spec);
}

Test(binding, examples_17_and_18_hard_spread)
{
    struct decided d;
    struct kerf_text yaml = { 0 };
    spread_world(&yaml, true, 1);
    decide(&d, &yaml, "p");
    cr_expect(!is_feasible(&d, "na"));
    cr_expect(is_feasible(&d, "nb"));
    cr_expect(is_feasible(&d, "nc"));
    finish(&d);

    yaml = (struct kerf_text){ 0 };
    spread_world(&yaml, false, 1);
    decide(&d, &yaml, "p");
    cr_expect(!is_feasible(&d, "na"));
    cr_expect(is_feasible(&d, "nb"));
    finish(&d);

    yaml = (struct kerf_text){ 0 };
    spread_world(&yaml, false, 3);
    decide(&d, &yaml, "p");
    cr_expect_eq(d.decision.feasible_count, 0);
    cr_expect_eq(d.decision.node.index, KERF_NO_NODE.index);
    cr_expect_str_eq(refusal_of(&d, "nb")->plugin, "PodTopologySpread");
    finish(&d);
}

static const char replicaset[] = "---\napiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web, namespace: default}\nspec:\n  replicas: 9\n"
                                 "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
                                 "    spec: {containers: [{name: c, image: app:1}]}\n";
static const char owned[] = "labels: {app: web}\n  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u, controller: true}]";

Test(binding, example_19_default_spread)
{
    static const struct {
        const char *node, *zone;
        int pods;
        int64_t want;
    } rows[] = { { "a1", "a", 2, 68 }, { "a2", "a", 2, 68 }, { "b1", "b", 2, 87 }, { "c1", "c", 1, 100 }, { "c2", "c", 1, 100 } };
    struct kerf_text yaml = { 0 };
    kerf_text_append(&yaml, replicaset);
    for (size_t i = 0; i < 5; i++) {
        add_node(&yaml, rows[i].node, rows[i].zone, "40", "160Gi", NULL);
        for (int p = 0; p < rows[i].pods; p++) {
            char name[24];
            snprintf(name, sizeof name, "w%zu-%d", i, p);
            add_pod(&yaml, name, rows[i].node, "1", "1Gi", owned, NULL);
        }
    }
    add_pod(&yaml, "p", NULL, "1", "1Gi", owned, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(plugin_score(&d, rows[i].node, KERF_SCORE_TOPOLOGY_SPREAD), 2 * rows[i].want, "%s: %" PRId64, rows[i].node,
                     plugin_score(&d, rows[i].node, KERF_SCORE_TOPOLOGY_SPREAD));
    finish(&d);
}

/* ---- affinity between pods ------------------------------------------------------------------------------------------------------------------ */

Test(binding, example_20_the_first_pod_of_its_kind)
{
    static const char together[] = "  affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [\n"
                                   "    {topologyKey: topology.kubernetes.io/zone, labelSelector: {matchLabels: {app: web}}}]}}";
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "na", "a", "4", "16Gi", NULL);
    add_node(&yaml, "nb", "b", "4", "16Gi", NULL);
    add_node(&yaml, "nowhere", NULL, "4", "16Gi", NULL);
    add_pod(&yaml, "p", NULL, "1", "1Gi", web, together);
    add_pod(&yaml, "q", NULL, "1", "1Gi", web, together);
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect(is_feasible(&d, "na"));
    cr_expect(is_feasible(&d, "nb"));
    cr_expect(!is_feasible(&d, "nowhere"));
    kerf_cluster_bind_pod(d.world.cluster, world_pod(&d.world, "p"), world_node(&d.world, "na"));
    kerf_binding_decide(d.binding, world_pod(&d.world, "q"), &d.decision);
    cr_expect(is_feasible(&d, "na"));
    cr_expect(!is_feasible(&d, "nb"));
    finish(&d);
}

Test(binding, example_21_preferred_anti_affinity)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n0", "a", "40", "160Gi", NULL);
    add_node(&yaml, "n1", "a", "40", "160Gi", NULL);
    add_node(&yaml, "n2", "a", "40", "160Gi", NULL);
    add_pod(&yaml, "w1", "n1", "1", "1Gi", web, NULL);
    add_pod(&yaml, "w2", "n2", "1", "1Gi", web, NULL);
    add_pod(&yaml, "w3", "n2", "1", "1Gi", web, NULL);
    add_pod(&yaml, "p", NULL, "1", "1Gi", web,
            "  affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [\n"
            "    {weight: 100, podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}}]}}");
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(plugin_score(&d, "n0", KERF_SCORE_INTER_POD_AFFINITY), 200);
    cr_expect_eq(plugin_score(&d, "n1", KERF_SCORE_INTER_POD_AFFINITY), 100);
    cr_expect_eq(plugin_score(&d, "n2", KERF_SCORE_INTER_POD_AFFINITY), 0);
    finish(&d);
}

/* ---- all together ---------------------------------------------------------------------------------------------------------------------------- */

static void decide_example_22(struct decided *d, const char *configuration)
{
    struct kerf_text yaml = { 0 };
    kerf_text_append(&yaml, configuration);
    kerf_text_append(&yaml, replicaset);
    add_node(&yaml, "na", "a", "3920m", "14Gi", NULL);
    kerf_text_append_format(&yaml, "  images: [{names: [\"app:1\"], sizeBytes: %d}]\n", 300 * 1024 * 1024);
    add_node(&yaml, "nb", "b", "3920m", "14Gi", NULL);
    add_node(&yaml, "nc", "c", "3920m", "14Gi", "spec: {taints: [{key: x, effect: PreferNoSchedule}]}");
    add_pod(&yaml, "a1", "na", "500m", "1Gi", owned, NULL);
    add_pod(&yaml, "a2", "na", "500m", "1Gi", owned, NULL);
    add_pod(&yaml, "a-other", "na", "500m", "4Gi", NULL, NULL);
    add_pod(&yaml, "b1", "nb", "500m", "1Gi", owned, NULL);
    add_pod(&yaml, "b-other", "nb", "2000m", "3Gi", NULL, NULL);
    add_pod(&yaml, "c1", "nc", "500m", "1Gi", owned, NULL);
    add_pod(&yaml, "p", NULL, "500m", "1Gi", owned, NULL);
    decide(d, &yaml, "p");
}

Test(binding, example_22_a_full_sum)
{
    static const char *const nodes[] = { "na", "nb", "nc" };
    static const int64_t least[] = { 582, 616, 352 }, most[] = { 583, 628, 292 };
    struct decided d;
    decide_example_22(&d, "");
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(score_of(&d, nodes[i])->total, least[i], "%s: %" PRId64, nodes[i], score_of(&d, nodes[i])->total);
    cr_expect_eq(d.decision.node.index, world_node(&d.world, "nb").index);
    finish(&d);
    struct kerf_text text = { 0 };
    kerf_text_append_format(&text, "%s        type: MostAllocated\n        resources: [{name: cpu, weight: 1}, {name: memory, weight: 1}]\n",
                            configuration_head);
    decide_example_22(&d, text.bytes);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(score_of(&d, nodes[i])->total, most[i], "%s: %" PRId64, nodes[i], score_of(&d, nodes[i])->total);
    kerf_text_fini(&text);
    finish(&d);
}

/* ---- preemption ---------------------------------------------------------------------------------------------------------------------------------- */

static void add_budget(struct kerf_text *yaml, const char *app)
{
    kerf_text_append_format(yaml,
                            "---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: %s, namespace: default}\n"
                            "spec: {maxUnavailable: 0, selector: {matchLabels: {app: %s}}}\nstatus: {disruptionsAllowed: 0}\n",
                            app, app);
}

Test(binding, example_23_where_to_preempt)
{
    struct kerf_text yaml = { 0 };
    for (int i = 1; i <= 3; i++) {
        char name[24];
        snprintf(name, sizeof name, "n%d", i);
        add_node(&yaml, name, "a", "2", "16Gi", NULL);
    }
    add_pod(&yaml, "v1", "n1", "1", "1Gi", NULL, "  priority: 0");
    add_pod(&yaml, "v2", "n1", "1", "1Gi", NULL, "  priority: 0");
    add_pod(&yaml, "v3", "n2", "2", "1Gi", NULL, "  priority: 100");
    add_pod(&yaml, "v4", "n3", "2", "1Gi", "labels: {app: kept}", "  priority: 0");
    add_budget(&yaml, "kept");
    add_pod(&yaml, "p", NULL, "2", "1Gi", NULL, "  priority: 1000");
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(d.decision.preempted_node.index, world_node(&d.world, "n1").index);
    cr_expect_eq(d.decision.victim_count, 2);
    finish(&d);
}

Test(binding, example_24_who_is_spared)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n", "a", "4", "16Gi", NULL);
    add_pod(&yaml, "a", "n", "1", "1Gi", "labels: {app: kept}", "  priority: 0");
    add_pod(&yaml, "b", "n", "1", "1Gi", NULL, "  priority: 0");
    add_pod(&yaml, "c", "n", "2", "1Gi", NULL, "  priority: 5");
    add_budget(&yaml, "kept");
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, "  priority: 10");
    struct decided d;
    decide(&d, &yaml, "p");
    cr_assert_eq(d.decision.victim_count, 1);
    cr_expect_eq(d.decision.victims[0].index, world_pod(&d.world, "b").index);
    finish(&d);
}

Test(binding, pods_that_never_preempt_or_whose_victims_are_going)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n", "a", "4", "16Gi", NULL);
    add_pod(&yaml, "v", "n", "4", "1Gi", NULL, "  priority: 0");
    add_pod(&yaml, "polite", NULL, "1", "1Gi", NULL, "  priority: 10\n  preemptionPolicy: Never");
    add_pod(&yaml, "p", NULL, "1", "1Gi", NULL, "  priority: 10");
    add_pod(&yaml, "later", NULL, "3500m", "1Gi", NULL, "  priority: 10");
    struct decided d;
    decide(&d, &yaml, "polite");
    cr_expect_eq(d.decision.preempted_node.index, KERF_NO_NODE.index);
    kerf_binding_decide(d.binding, world_pod(&d.world, "p"), &d.decision);
    cr_expect_eq(d.decision.preempted_node.index, world_node(&d.world, "n").index);
    kerf_cluster_set_pod_nominated(d.world.cluster, world_pod(&d.world, "p"), world_name(&d.world, "n"));
    kerf_cluster_delete_pod(d.world.cluster, world_pod(&d.world, "v"), 30 * KERF_SECOND_US);
    kerf_binding_decide(d.binding, world_pod(&d.world, "p"), &d.decision);
    cr_expect_eq(d.decision.preempted_node.index, KERF_NO_NODE.index, "it waits for its victim");
    cr_expect(d.decision.waits_for_victims);
    kerf_cluster_remove_pod(d.world.cluster, world_pod(&d.world, "v"));
    kerf_binding_decide(d.binding, world_pod(&d.world, "later"), &d.decision);
    cr_expect_eq(d.decision.node.index, KERF_NO_NODE.index, "the room is held for the nominated pod");
    kerf_binding_decide(d.binding, world_pod(&d.world, "p"), &d.decision);
    cr_expect_eq(d.decision.node.index, world_node(&d.world, "n").index);
    finish(&d);
}

Test(binding, example_27_more_than_the_whole_node)
{
    struct kerf_text yaml = { 0 };
    add_node(&yaml, "n", "a", "1930m", "7Gi", NULL);
    add_pod(&yaml, "v", "n", "1", "1Gi", NULL, "  priority: 0");
    add_pod(&yaml, "p", NULL, "2", "1Gi", NULL, "  priority: 10");
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect(!refusal_of(&d, "n")->preemption_might_help);
    cr_expect_eq(d.decision.preempted_node.index, KERF_NO_NODE.index);
    finish(&d);
}

Test(binding, no_nodes_at_all)
{
    struct kerf_text yaml = { 0 };
    add_pod(&yaml, "p", NULL, "2", "1Gi", NULL, NULL);
    struct decided d;
    decide(&d, &yaml, "p");
    cr_expect_eq(d.decision.node.index, KERF_NO_NODE.index);
    cr_expect_eq(d.decision.preempted_node.index, KERF_NO_NODE.index);
    finish(&d);
}
