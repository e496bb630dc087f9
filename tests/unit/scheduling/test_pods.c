/** What pods are to Karpenter, whom terms select, which ports collide, what PDBs say. */
#include "scheduling/scheduling.h"

#include <criterion/criterion.h>

static struct kerf_vocabulary *vocabulary;
static struct kerf_arena arena;
static struct kerf_pod_spec spec;

static void set_up(void)
{
    vocabulary = kerf_vocabulary_new(NULL);
    kerf_arena_init(&arena);
    spec = (struct kerf_pod_spec){ 0 };
}
static void tear_down(void)
{
    kerf_arena_fini(&arena);
    kerf_vocabulary_free(vocabulary);
}
TestSuite(scheduling, .init = set_up, .fini = tear_down);

static kerf_name name_of(const char *text) { return kerf_name_of(vocabulary->names, text); }

static struct kerf_labels labels_of(kerf_name key, const char *value)
{
    struct kerf_label label = { key, name_of(value) };
    return (struct kerf_labels){ kerf_arena_copy(&arena, &label, sizeof label), 1 };
}

static struct kerf_pod pod_of(void)
{
    return (struct kerf_pod){ .meta = { .namespace_name = name_of("default"),
                                        .name = name_of("p"),
                                        .created_epoch_us = KERF_TIME_UNSET,
                                        .deletion_epoch_us = KERF_TIME_UNSET },
                              .spec = &spec,
                              .requests = &spec.requests,
                              .has_status = true,
                              .phase = KERF_POD_RUNNING};
}

/** Status of the pod alone, to be filled. */
static struct kerf_pod_status *status_of(struct kerf_pod *pod)
{
    struct kerf_pod_status *status = kerf_arena_copy(&arena, kerf_pod_status(pod), sizeof *status);
    pod->status = status;
    return status;
}

/** Details of the pod alone, to be filled. */
static struct kerf_meta_details *details_of(struct kerf_pod *pod)
{
    struct kerf_meta_details *details = kerf_arena_copy(&arena, kerf_meta_details(&pod->meta), sizeof *details);
    pod->meta.details = details;
    return details;
}

static void own(struct kerf_pod *pod, const char *api_version, const char *kind)
{
    struct kerf_owner owner = { .api_version = name_of(api_version), .kind = name_of(kind), .name = name_of("o"), .controller = true };
    details_of(pod)->owners = kerf_arena_copy(&arena, &owner, sizeof owner);
    details_of(pod)->owner_count = 1;
}

static void set_condition(struct kerf_pod *pod, const char *type, enum kerf_condition_status status, const char *reason)
{
    struct kerf_condition condition = { .type = name_of(type), .status = status, .reason = name_of(reason) };
    struct kerf_conditions conditions = { kerf_arena_copy(&arena, &condition, sizeof condition), 1 };
    status_of(pod)->conditions = conditions;
}

Test(scheduling, provisionable)
{
    struct kerf_pod pod = pod_of();
    pod.phase = KERF_POD_PENDING;
    cr_expect(!kerf_pod_is_provisionable(&pod), "kube-scheduler hasn't failed it");
    set_condition(&pod, "PodScheduled", KERF_CONDITION_FALSE, "SchedulingGated");
    cr_expect(!kerf_pod_is_provisionable(&pod));
    set_condition(&pod, "PodScheduled", KERF_CONDITION_TRUE, "Unschedulable");
    cr_expect(kerf_pod_is_provisionable(&pod), "only the reason is looked at");
    status_of(&pod)->nominated_node_name = name_of("n");
    cr_expect(!kerf_pod_is_provisionable(&pod));
    status_of(&pod)->nominated_node_name = NULL;
    pod.node_name = name_of("n");
    cr_expect(!kerf_pod_is_provisionable(&pod));
    pod.node_name = NULL;
    own(&pod, "apps/v1", "DaemonSet");
    cr_expect(!kerf_pod_is_provisionable(&pod));
    own(&pod, "v1", "Node");
    cr_expect(!kerf_pod_is_provisionable(&pod));
    own(&pod, "extensions/v1beta1", "DaemonSet");
    cr_expect(kerf_pod_is_provisionable(&pod));

    struct kerf_pod fresh = pod_of();
    fresh.has_status = false;
    cr_expect(kerf_pod_is_provisionable(&fresh), "never applied: pending, as if kube-scheduler had failed it");
    kerf_name gate = name_of("g");
    spec.scheduling_gates = &gate;
    spec.scheduling_gate_count = 1;
    cr_expect(!kerf_pod_is_provisionable(&fresh));
}

Test(scheduling, reschedulable_and_drainable)
{
    struct kerf_pod pod = pod_of();
    cr_expect(kerf_pod_is_reschedulable(&pod));
    cr_expect(kerf_pod_is_drainable(vocabulary, &pod, 0));
    pod.meta.deletion_epoch_us = 100 * KERF_SECOND_US;
    cr_expect(!kerf_pod_is_reschedulable(&pod));
    own(&pod, "apps/v1", "StatefulSet");
    cr_expect(kerf_pod_is_reschedulable(&pod));
    cr_expect(kerf_pod_is_drainable(vocabulary, &pod, 160 * KERF_SECOND_US));
    cr_expect(!kerf_pod_is_drainable(vocabulary, &pod, 160 * KERF_SECOND_US + 1), "stuck terminating");
    own(&pod, "apps/v1", "DaemonSet");
    cr_expect(!kerf_pod_is_reschedulable(&pod));
    pod = pod_of();
    own(&pod, "v1", "Node");
    cr_expect(!kerf_pod_is_drainable(vocabulary, &pod, 0));
    pod = pod_of();
    pod.phase = KERF_POD_SUCCEEDED;
    cr_expect(!kerf_pod_is_reschedulable(&pod));
    struct kerf_toleration every = { .op = KERF_TOLERATION_EXISTS, .effect = KERF_TAINT_EFFECT_ANY, .toleration_seconds = -1 };
    spec.tolerations = (struct kerf_tolerations){ &every, 1 };
    cr_expect(!kerf_pod_is_drainable(vocabulary, &pod, 0));
}

static const struct {
    const char *value;
    kerf_time_us started_s; /* -1: no start time */
    kerf_time_us now_s;
    bool in_force;
} do_not_disrupt_rows[] = {
    { NULL, 0, 0, false },    { "true", 0, 1 << 30, true }, { "90s", 0, 89, true },  { "90s", 0, 90, false },
    { "1h30m", 10, 5409, true }, { "1h30m", 10, 5410, false }, { "5m", -1, 1 << 30, true }, { "false", 0, 0, false },
    { "True", 0, 0, false },  { "0s", 0, 0, false },        { "-5m", 0, 0, false },  { "abc", 0, 0, false },
    { "", 0, 0, false },      { "10", 0, 0, false },
};

Test(scheduling, do_not_disrupt)
{
    for (size_t i = 0; i < sizeof do_not_disrupt_rows / sizeof do_not_disrupt_rows[0]; i++) {
        struct kerf_pod pod = pod_of();
        if (do_not_disrupt_rows[i].value)
            details_of(&pod)->annotations = labels_of(vocabulary->key_do_not_disrupt, do_not_disrupt_rows[i].value);
        if (do_not_disrupt_rows[i].started_s >= 0)
            status_of(&pod)->started_epoch_us = do_not_disrupt_rows[i].started_s * KERF_SECOND_US;
        cr_expect_eq(kerf_pod_do_not_disrupt(vocabulary, &pod, do_not_disrupt_rows[i].now_s * KERF_SECOND_US),
                     do_not_disrupt_rows[i].in_force, "row %zu", i);
    }
}

static const struct {
    const char *deletion_cost;
    bool has_priority;
    int32_t priority;
    double want;
} cost_rows[] = {
    { NULL, false, 0, 1.0 },           { NULL, true, 0, 1.0 },           { NULL, true, 33554432, 2.0 },
    { "134217728", false, 0, 2.0 },    { "-134217728", false, 0, 0.0 },  { "-2147483648", true, -2147483648, -10.0 },
    { "2147483647", true, 1000000000, 10.0 }, { "1.5e8", false, 0, 1.0 + 1.5e8 / 134217728.0 }, { "many", false, 0, 1.0 },
    { "inf", false, 0, 10.0 },         { "-Inf", false, 0, -10.0 },
};

Test(scheduling, eviction_cost)
{
    for (size_t i = 0; i < sizeof cost_rows / sizeof cost_rows[0]; i++) {
        struct kerf_pod pod = pod_of();
        if (cost_rows[i].deletion_cost)
            details_of(&pod)->annotations = labels_of(vocabulary->key_pod_deletion_cost, cost_rows[i].deletion_cost);
        spec.has_priority = cost_rows[i].has_priority;
        spec.priority = cost_rows[i].priority;
        double got = kerf_pod_eviction_cost(vocabulary, &pod);
        cr_expect(got == cost_rows[i].want, "row %zu: %g", i, got);
    }
}

Test(scheduling, host_ports)
{
    kerf_name local = name_of("127.0.0.1"), all = name_of("0.0.0.0"), all6 = name_of("::");
    struct kerf_host_port base = { .address = local, .port = 80, .protocol = KERF_PROTOCOL_TCP };
    static const struct {
        int address; /* 0: none, 1: local, 2: all, 3: all of IPv6, 4: another */
        uint16_t port;
        enum kerf_protocol protocol;
        bool conflict;
    } rows[] = { { 1, 80, KERF_PROTOCOL_TCP, true },  { 0, 80, KERF_PROTOCOL_TCP, true },  { 2, 80, KERF_PROTOCOL_TCP, true },
                 { 3, 80, KERF_PROTOCOL_TCP, true },  { 4, 80, KERF_PROTOCOL_TCP, false }, { 1, 81, KERF_PROTOCOL_TCP, false },
                 { 1, 80, KERF_PROTOCOL_UDP, false } };
    kerf_name addresses[] = { NULL, local, all, all6, name_of("10.0.0.1") };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_host_port other = { .address = addresses[rows[i].address], .port = rows[i].port, .protocol = rows[i].protocol };
        cr_expect_eq(kerf_host_ports_conflict(&base, &other), rows[i].conflict, "row %zu", i);
        cr_expect_eq(kerf_host_ports_conflict(&other, &base), rows[i].conflict, "row %zu turned", i);
    }
    struct kerf_container containers[] = { { .init = true, .host_ports = &base, .host_port_count = 1 }, { .host_port_count = 0 } };
    spec.containers = containers;
    spec.container_count = 2;
    cr_expect(!kerf_pod_ports_conflict(&spec, &base, 1), "ports of init containers aren't looked at");
    containers[0].init = false;
    cr_expect(kerf_pod_ports_conflict(&spec, &base, 1));
}

static struct kerf_label_selector selector_of(const char *key, const char *value)
{
    kerf_name text = name_of(value);
    struct kerf_expression expression = { .key = name_of(key),
                                          .op = KERF_OP_IN,
                                          .values = kerf_arena_copy(&arena, &text, sizeof text),
                                          .value_count = 1,
                                          .min_values = -1 };
    return (struct kerf_label_selector){ .present = true, .expressions = { kerf_arena_copy(&arena, &expression, sizeof expression), 1 } };
}

Test(scheduling, affinity_terms_and_their_namespaces)
{
    struct kerf_objects objects;
    kerf_objects_init(&objects);
    struct kerf_namespace labelled = { .meta = { .name = name_of("team-a"), .labels = labels_of(name_of("team"), "a") } };
    KERF_VEC_PUSH_IN(&objects.arena, &objects.namespaces, labelled);
    struct kerf_cluster *cluster = kerf_cluster_new(&objects, NULL, (struct kerf_instance_options){ 0 }, vocabulary);
    struct kerf_pod pod = pod_of();
    pod.meta.labels = labels_of(name_of("app"), "web");
    kerf_name own_namespace = name_of("default"), team = name_of("team-a");
    struct kerf_pod_affinity_term term = { .selector = selector_of("app", "web") };
    cr_expect(kerf_affinity_term_selects(cluster, &term, own_namespace, &pod));
    cr_expect(!kerf_affinity_term_selects(cluster, &term, team, &pod));
    term.namespaces = &team;
    term.namespace_count = 1;
    cr_expect(!kerf_affinity_term_selects(cluster, &term, own_namespace, &pod), "a list replaces the pod's own namespace");
    pod.meta.namespace_name = team;
    cr_expect(kerf_affinity_term_selects(cluster, &term, own_namespace, &pod));
    term.namespace_count = 0;
    term.namespace_selector = selector_of("team", "a");
    cr_expect(kerf_affinity_term_selects(cluster, &term, own_namespace, &pod));
    pod.meta.namespace_name = own_namespace;
    cr_expect(!kerf_affinity_term_selects(cluster, &term, own_namespace, &pod));
    term.namespace_selector = selector_of("kubernetes.io/metadata.name", "default");
    cr_expect(kerf_affinity_term_selects(cluster, &term, team, &pod), "a namespace that wasn't read has its name as a label");
    term.namespace_selector.expressions.count = 0;
    cr_expect(kerf_affinity_term_selects(cluster, &term, team, &pod), "an empty selector means all namespaces");
    term.selector.present = false;
    cr_expect(!kerf_affinity_term_selects(cluster, &term, team, &pod));
    kerf_cluster_free(cluster);
    kerf_objects_fini(&objects);
}

Test(scheduling, spread_selectors_take_the_labels_of_the_pod)
{
    kerf_name keys[] = { name_of("rev"), name_of("missing") };
    struct kerf_topology_spread spread = { .selector = selector_of("app", "web"), .match_label_keys = keys, .match_label_key_count = 2 };
    struct kerf_label own[] = { { name_of("app"), name_of("web") }, { name_of("rev"), name_of("1") } };
    struct kerf_label older[] = { { name_of("app"), name_of("web") }, { name_of("rev"), name_of("0") } };
    struct kerf_labels own_labels = { own, 2 }, older_labels = { older, 2 };
    struct kerf_label_selector selector = kerf_spread_selector(&spread, &own_labels, vocabulary, &arena);
    cr_expect_eq(selector.expressions.count, 2);
    cr_expect(kerf_label_selector_matches(&selector, &own_labels));
    cr_expect(!kerf_label_selector_matches(&selector, &older_labels));
}

/* ---- PDBs --------------------------------------------------------------------------------------------------------------------------- */

Test(scheduling, budgets_against_evictions)
{
    struct kerf_objects objects;
    kerf_objects_init(&objects);
    struct kerf_pdb pdb = { .meta = { .namespace_name = name_of("default"), .name = name_of("pdb") },
                            .selector = selector_of("app", "web"),
                            .max_unavailable = { true, false, 0 },
                            .has_status = true };
    KERF_VEC_PUSH_IN(&objects.arena, &objects.pdbs, pdb);
    struct kerf_cluster *cluster = kerf_cluster_new(&objects, NULL, (struct kerf_instance_options){ 0 }, vocabulary);
    struct kerf_pod pod = pod_of();
    pod.meta.labels = labels_of(name_of("app"), "web");
    const struct kerf_cluster_pod *held = kerf_cluster_pod(cluster, kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND));
    uint32_t pdb_index = 7;
    cr_expect(!kerf_pdb_allows_eviction(cluster, held, &pdb_index));
    cr_expect_eq(pdb_index, 0);
    cr_expect(kerf_pdb_fully_blocks(cluster, held));
    cr_expect(!kerf_pod_is_currently_reschedulable(cluster, held, 0));
    cr_expect_eq(kerf_api_eviction(cluster, held), KERF_EVICTION_BUDGET_USED_UP);

    objects.pdbs.items[0].max_unavailable.value = 1;
    cr_expect(!kerf_pdb_fully_blocks(cluster, held));
    cr_expect(kerf_pod_is_currently_reschedulable(cluster, held, 0));
    objects.pdbs.items[0].disruptions_allowed = 1;
    cr_expect(kerf_pdb_allows_eviction(cluster, held, NULL));
    cr_expect_eq(kerf_api_eviction(cluster, held), KERF_EVICTION_ALLOWED);
    objects.pdbs.items[0].disruptions_allowed = 0;

    kerf_cluster_set_pod_ready(cluster, held->id, false);
    cr_expect(!kerf_pdb_allows_eviction(cluster, held, NULL));
    objects.pdbs.items[0].unhealthy_policy = KERF_EVICT_ALWAYS_ALLOW;
    cr_expect(kerf_pdb_allows_eviction(cluster, held, NULL));
    cr_expect_eq(kerf_api_eviction(cluster, held), KERF_EVICTION_ALLOWED);

    kerf_cluster_set_pod_ready(cluster, held->id, true);
    cr_expect(!kerf_pdb_allows_eviction(cluster, held, NULL));
    kerf_cluster_delete_pod(cluster, held->id, 0);
    cr_expect(kerf_pdb_allows_eviction(cluster, held, NULL), "a pod that goes anyway doesn't block");
    kerf_cluster_free(cluster);
    kerf_objects_fini(&objects);
}
