/** The world's verbs: ids, lists, sums, PDB counts, conditions, views. */
#include "cluster/cluster.h"

#include <criterion/criterion.h>

/** A world over objects that a test fills, without a catalogue. */
struct fixture {
    struct kerf_vocabulary *vocabulary;
    struct kerf_objects objects;
    struct kerf_cluster *cluster;
    struct kerf_arena arena;
};

static void open_fixture(struct fixture *fixture)
{
    fixture->vocabulary = kerf_vocabulary_new(NULL);
    kerf_objects_init(&fixture->objects);
    kerf_arena_init(&fixture->arena);
    fixture->cluster = NULL;
}

static struct kerf_cluster *build(struct fixture *fixture)
{
    fixture->cluster = kerf_cluster_new(&fixture->objects, NULL, (struct kerf_instance_options){ 0 }, fixture->vocabulary);
    return fixture->cluster;
}

static void close_fixture(struct fixture *fixture)
{
    if (fixture->cluster)
        kerf_cluster_check(fixture->cluster);
    kerf_cluster_free(fixture->cluster);
    kerf_objects_fini(&fixture->objects);
    kerf_vocabulary_free(fixture->vocabulary);
    kerf_arena_fini(&fixture->arena);
}

static kerf_name name_of(struct fixture *fixture, const char *text) { return kerf_name_of(fixture->vocabulary->names, text); }

static struct kerf_meta meta_of(struct fixture *fixture, const char *namespace_name, const char *name)
{
    return (struct kerf_meta){ .namespace_name = name_of(fixture, namespace_name),
                               .name = name_of(fixture, name),
                               .created_epoch_us = KERF_TIME_UNSET,
                               .deletion_epoch_us = KERF_TIME_UNSET };
}

static struct kerf_labels label_of(struct fixture *fixture, const char *key, const char *value)
{
    struct kerf_label label = { name_of(fixture, key), name_of(fixture, value) };
    return (struct kerf_labels){ kerf_arena_copy(&fixture->arena, &label, sizeof label), 1 };
}

static struct kerf_node node_of(struct fixture *fixture, const char *name, int64_t cpu)
{
    struct kerf_node node = { .meta = meta_of(fixture, NULL, name) };
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_CPU, cpu * 1000000000);
    kerf_resources_set(&node.allocatable, KERF_RESOURCE_PODS, 10);
    node.capacity = node.allocatable;
    return node;
}

static struct kerf_pod pod_of(struct fixture *fixture, const char *name, int64_t cpu, const char *app)
{
    struct kerf_pod_spec *spec = KERF_NEW(&fixture->arena, struct kerf_pod_spec);
    kerf_resources_set(&spec->requests, KERF_RESOURCE_CPU, cpu * 1000000000);
    kerf_resources_set(&spec->requests, KERF_RESOURCE_PODS, 1);
    struct kerf_pod pod = { .meta = meta_of(fixture, "default", name),
                            .spec = spec,
                            .requests = &spec->requests};
    if (app)
        pod.meta.labels = label_of(fixture, "app", app);
    return pod;
}

static struct kerf_nodeclaim claim_of(struct fixture *fixture, const char *name)
{
    return (struct kerf_nodeclaim){ .meta = meta_of(fixture, NULL, name), .last_pod_event_epoch_us = KERF_TIME_UNSET };
}

Test(cluster, ids_are_never_used_again)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    struct kerf_pod pod = pod_of(&f, "p", 1, NULL);
    kerf_pod_id first = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    kerf_cluster_remove_pod(cluster, first);
    kerf_pod_id second = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    cr_expect_neq(first.index, second.index);
    cr_expect_null(kerf_cluster_pod(cluster, first));
    cr_expect_not_null(kerf_cluster_pod(cluster, second));
    cr_expect_null(kerf_cluster_pod(cluster, KERF_NO_POD));
    cr_expect_eq(kerf_cluster_pod_id_bound(cluster), 2);
    close_fixture(&f);
}

Test(cluster, lists_keep_the_order_of_appearance)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    kerf_pod_id ids[300];
    struct kerf_pod pod = pod_of(&f, "p", 0, NULL);
    for (size_t i = 0; i < 300; i++)
        ids[i] = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    /* from the front, from the middle, and reading in between */
    bool gone[300] = { false };
    for (size_t round = 0; round < 280; round++) {
        size_t victim = round % 3 == 0 ? round / 3 : (round * 37) % 300;
        if (gone[victim])
            continue;
        kerf_cluster_remove_pod(cluster, ids[victim]);
        gone[victim] = true;
        size_t at = 0;
        for (size_t i = 0; i < 300; i++) {
            if (gone[i])
                continue;
            if (round % 5 == 0)
                cr_assert_eq(kerf_cluster_pod_at(cluster, at)->id.index, ids[i].index);
            at++;
        }
        cr_assert_eq(kerf_cluster_pod_count(cluster), at);
        cr_assert_eq(kerf_cluster_pending_count(cluster), at);
    }
    close_fixture(&f);
}

Test(cluster, a_node_counts_its_pods)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    struct kerf_node node = node_of(&f, "n1", 4);
    kerf_node_id n = kerf_cluster_add_node(cluster, &node);
    struct kerf_pod pod = pod_of(&f, "a", 1, NULL);
    kerf_pod_id a = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    pod = pod_of(&f, "b", 2, NULL);
    kerf_pod_id b = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    pod = pod_of(&f, "c", 1, NULL);
    pod.node_name = name_of(&f, "n1");
    kerf_pod_id c = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    cr_expect_eq(kerf_cluster_pending_count(cluster), 2);
    kerf_cluster_bind_pod(cluster, a, n);
    kerf_cluster_bind_pod(cluster, b, n);
    const struct kerf_cluster_node *entry = kerf_cluster_node(cluster, n);
    cr_expect_eq(entry->requested.cpu_nanocores, 4000000000);
    cr_expect_eq(entry->requested.pods, 3);
    cr_expect_eq(entry->pods[0].index, c.index);
    cr_expect_eq(entry->pods[2].index, b.index);
    cr_expect_eq(kerf_cluster_pending_count(cluster), 0);
    kerf_cluster_check(cluster);
    kerf_cluster_set_pod_phase(cluster, a, KERF_POD_SUCCEEDED); /* stays in the list, gives its room back */
    cr_expect_eq(entry->pod_count, 3);
    cr_expect_eq(entry->requested.cpu_nanocores, 3000000000);
    kerf_cluster_check(cluster);
    kerf_cluster_remove_pod(cluster, c);
    cr_expect_eq(entry->pods[0].index, a.index);
    cr_expect_eq(kerf_cluster_pod(cluster, b)->index_on_node, 1);
    cr_expect_eq(entry->requested.cpu_nanocores, 2000000000);
    cr_expect_eq(kerf_cluster_find_node(cluster, name_of(&f, "n1")), entry);
    close_fixture(&f);
}

static void count_changes(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    (void)cluster;
    ((int *)context)[change->kind]++;
}

Test(cluster, claim_and_node_meet_and_become_what_karpenter_sees)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    int changes[KERF_CHANGE_COUNT] = { 0 };
    kerf_cluster_listen(cluster, count_changes, changes);

    struct kerf_nodeclaim claim = claim_of(&f, "pool-abc");
    struct kerf_taint startup = { .key = name_of(&f, "example.com/startup"), .effect = KERF_TAINT_NO_SCHEDULE };
    struct kerf_taint own = { .key = name_of(&f, "team"), .value = name_of(&f, "a"), .effect = KERF_TAINT_NO_SCHEDULE };
    claim.startup_taints = (struct kerf_taints){ &startup, 1 };
    claim.taints = (struct kerf_taints){ &own, 1 };
    kerf_resources_set(&claim.allocatable, KERF_RESOURCE_CPU, 4);
    kerf_node_id id = kerf_cluster_add_claim(cluster, &claim);
    const struct kerf_cluster_node *entry = kerf_cluster_node(cluster, id);
    cr_expect(!kerf_cluster_is_registered(cluster, entry));
    cr_expect_eq(kerf_cluster_find_node(cluster, name_of(&f, "pool-abc")), entry);

    struct kerf_nodeclaim launched = entry->claim;
    launched.provider_id = name_of(&f, "aws:///us-east-1a/i-1");
    kerf_cluster_update_claim(cluster, id, &launched);
    cr_expect_eq(changes[KERF_CHANGE_CLAIM_LAUNCHED], 1);

    struct kerf_node node = node_of(&f, "ip-10-0-0-1", 0);
    node.provider_id = launched.provider_id;
    struct kerf_taint taints[] = { own, startup, { .key = f.vocabulary->key_taint_not_ready, .effect = KERF_TAINT_NO_SCHEDULE } };
    node.taints = (struct kerf_taints){ taints, 3 };
    cr_expect_eq(kerf_cluster_add_node(cluster, &node).index, id.index);
    cr_expect_eq(kerf_cluster_node_count(cluster), 1);
    cr_expect_eq(entry->appearance, 1);
    cr_expect_str_eq(kerf_cluster_node_name(cluster, entry)->text, "pool-abc");
    cr_expect_eq(kerf_cluster_node_allocatable(cluster, entry).cpu_nanocores, 4, "a zero of the node is completed from the claim");

    kerf_cluster_set_node_label(cluster, id, f.vocabulary->key_registered, f.vocabulary->word_true);
    cr_expect_eq(changes[KERF_CHANGE_NODE_REGISTERED], 1);
    cr_expect_str_eq(kerf_cluster_node_name(cluster, entry)->text, "ip-10-0-0-1");
    cr_expect_eq(kerf_cluster_node_taints(cluster, entry, &f.arena).count, 1, "startup and ephemeral taints are looked through");
    kerf_cluster_set_now(cluster, 5);
    kerf_cluster_set_node_condition(cluster, id, "Ready", KERF_CONDITION_TRUE);
    kerf_cluster_set_now(cluster, 9);
    kerf_cluster_set_node_condition(cluster, id, "Ready", KERF_CONDITION_TRUE);
    cr_expect_eq(kerf_conditions_get(&entry->node.conditions, "Ready")->transition_epoch_us, 5);
    cr_expect_eq(changes[KERF_CHANGE_NODE_READY], 1);
    kerf_cluster_set_node_label(cluster, id, f.vocabulary->key_initialized, f.vocabulary->word_true);
    cr_expect_eq(changes[KERF_CHANGE_NODE_INITIALIZED], 1);
    cr_expect_eq(kerf_cluster_node_taints(cluster, entry, &f.arena).count, 3, "once initialised all taints count");
    cr_expect_eq(kerf_cluster_node_allocatable(cluster, entry).cpu_nanocores, 0);

    cr_expect(!kerf_cluster_is_deleting(cluster, entry));
    kerf_cluster_delete_claim(cluster, id);
    cr_expect(kerf_cluster_is_deleting(cluster, entry));
    cr_expect_eq(changes[KERF_CHANGE_CLAIM_DELETING], 1);
    kerf_cluster_remove_node(cluster, id);
    cr_expect_eq(changes[KERF_CHANGE_NODE_REMOVED], 1);
    cr_expect_null(kerf_cluster_node(cluster, id));
    cr_expect_null(kerf_cluster_find_node(cluster, name_of(&f, "ip-10-0-0-1")));
    close_fixture(&f);
}

Test(cluster, pod_events_keep_ten_seconds_apart)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    struct kerf_nodeclaim claim = claim_of(&f, "c");
    kerf_node_id id = kerf_cluster_add_claim(cluster, &claim);
    static const struct {
        kerf_time_us at_s, want_s;
    } events[] = { { 0, 0 }, { 9, 0 }, { 10, 10 }, { 19, 10 }, { 20, 20 } };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        kerf_cluster_set_now(cluster, events[i].at_s * KERF_SECOND_US);
        kerf_cluster_note_pod_event(cluster, id);
        cr_expect_eq(kerf_cluster_node(cluster, id)->claim.last_pod_event_epoch_us, events[i].want_s * KERF_SECOND_US);
    }
    close_fixture(&f);
}

Test(cluster, the_consolidation_state_is_renewed_by_changes_and_by_age)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    struct kerf_pod pod = pod_of(&f, "p", 1, NULL);
    kerf_cluster_set_now(cluster, KERF_SECOND_US);
    kerf_pod_id id = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
    cr_expect_eq(kerf_cluster_consolidation_state(cluster), 0, "a pending pod changes nothing");
    kerf_cluster_set_now(cluster, 2 * KERF_SECOND_US);
    kerf_cluster_remove_pod(cluster, id);
    cr_expect_eq(kerf_cluster_consolidation_state(cluster), 2 * KERF_SECOND_US);
    kerf_cluster_set_now(cluster, 2 * KERF_SECOND_US + 5 * KERF_MINUTE_US - 1);
    cr_expect_eq(kerf_cluster_consolidation_state(cluster), 2 * KERF_SECOND_US);
    kerf_cluster_set_now(cluster, 2 * KERF_SECOND_US + 5 * KERF_MINUTE_US);
    cr_expect_eq(kerf_cluster_consolidation_state(cluster), 2 * KERF_SECOND_US + 5 * KERF_MINUTE_US);
    close_fixture(&f);
}

/* ---- PDBs ------------------------------------------------------------------------------------------------------------------------- */

static struct kerf_label_selector selector_of(struct fixture *fixture, const char *app)
{
    kerf_name value = name_of(fixture, app);
    struct kerf_expression expression = { .key = name_of(fixture, "app"),
                                          .op = KERF_OP_IN,
                                          .values = kerf_arena_copy(&fixture->arena, &value, sizeof value),
                                          .value_count = 1,
                                          .min_values = -1 };
    return (struct kerf_label_selector){ .present = true,
                                         .expressions = { kerf_arena_copy(&fixture->arena, &expression, sizeof expression), 1 } };
}

/* workloads.md 11.1: spec, replicas that are all ready, and what is then allowed */
static const struct {
    bool max, percent;
    int32_t value;
    int32_t replicas;
    int32_t desired;
    int32_t allowed;
} budget_rows[] = {
    { false, true, 50, 7, 4, 3 },  { true, true, 30, 7, 4, 3 },  { true, true, 25, 3, 2, 1 }, { true, true, 1, 1, 0, 1 },
    { false, true, 90, 10, 9, 1 }, { false, true, 90, 3, 3, 0 }, { false, false, 1, 1, 1, 0 }, { true, false, 0, 5, 5, 0 },
};

Test(cluster, pdb_states_of_the_reference)
{
    for (size_t row = 0; row < sizeof budget_rows / sizeof budget_rows[0]; row++) {
        struct fixture f;
        open_fixture(&f);
        struct kerf_int_or_percent value = { true, budget_rows[row].percent, budget_rows[row].value };
        struct kerf_pdb pdb = { .meta = meta_of(&f, "default", "pdb"), .selector = selector_of(&f, "web") };
        if (budget_rows[row].max)
            pdb.max_unavailable = value;
        else
            pdb.min_available = value;
        KERF_VEC_PUSH_IN(&f.objects.arena, &f.objects.pdbs, pdb);
        struct kerf_workload workload = { .kind = KERF_WORKLOAD_DEPLOYMENT,
                                          .meta = meta_of(&f, "default", "web"),
                                          .replicas = budget_rows[row].replicas };
        KERF_VEC_PUSH_IN(&f.objects.arena, &f.objects.workloads, workload);
        struct kerf_cluster *cluster = build(&f);
        kerf_pod_id ids[10];
        for (int i = 0; i < budget_rows[row].replicas; i++) {
            struct kerf_pod pod = pod_of(&f, "p", 0, "web");
            ids[i] = kerf_cluster_add_pod(cluster, &pod, 0);
            kerf_cluster_set_pod_ready(cluster, ids[i], true);
        }
        struct kerf_pod other = pod_of(&f, "other", 0, "else");
        kerf_cluster_add_pod(cluster, &other, KERF_NOT_FOUND);
        struct kerf_pdb_state state = kerf_cluster_pdb_state(cluster, 0);
        cr_expect_eq(state.desired_healthy, budget_rows[row].desired, "row %zu: %d", row, state.desired_healthy);
        cr_expect_eq(state.disruptions_allowed, budget_rows[row].allowed, "row %zu: %d", row, state.disruptions_allowed);
        cr_expect_eq(state.expected_pods, budget_rows[row].replicas);
        kerf_cluster_check(cluster);

        kerf_cluster_delete_pod(cluster, ids[0], 0); /* terminating: no longer healthy, the expectation stays */
        state = kerf_cluster_pdb_state(cluster, 0);
        cr_expect_eq(state.current_healthy, budget_rows[row].replicas - 1);
        size_t count;
        cr_expect_eq(*kerf_cluster_pdbs_of_pod(cluster, ids[0], &count), 0);
        cr_expect_eq(count, 1);
        kerf_cluster_check(cluster);
        kerf_cluster_set_workload_replicas(cluster, 0, 100);
        if (budget_rows[row].max || budget_rows[row].percent)
            cr_expect_eq(kerf_cluster_pdb_state(cluster, 0).expected_pods, 100);
        for (int i = 0; i < budget_rows[row].replicas; i++)
            kerf_cluster_remove_pod(cluster, ids[i]);
        cr_expect_eq(kerf_cluster_pdb_state(cluster, 0).expected_pods, 0);
        close_fixture(&f);
    }
}

Test(cluster, a_status_that_was_read_holds_until_budgets_are_counted)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_pdb pdb = { .meta = meta_of(&f, "default", "pdb"),
                            .selector = selector_of(&f, "web"),
                            .max_unavailable = { true, false, 1 },
                            .has_status = true,
                            .disruptions_allowed = 7 };
    KERF_VEC_PUSH_IN(&f.objects.arena, &f.objects.pdbs, pdb);
    struct kerf_cluster *cluster = build(&f);
    cr_expect_eq(kerf_cluster_pdb_state(cluster, 0).disruptions_allowed, 7);
    kerf_cluster_count_pdbs(cluster);
    cr_expect_eq(kerf_cluster_pdb_state(cluster, 0).disruptions_allowed, 0);
    close_fixture(&f);
}

Test(cluster, a_million_dead_pods_cost_their_ids)
{
    struct fixture f;
    open_fixture(&f);
    struct kerf_cluster *cluster = build(&f);
    struct kerf_pod pod = pod_of(&f, "p", 0, "web");
    for (int i = 0; i < 200000; i++) {
        kerf_pod_id id = kerf_cluster_add_pod(cluster, &pod, KERF_NOT_FOUND);
        kerf_cluster_set_pod_ready(cluster, id, true);
        kerf_cluster_remove_pod(cluster, id);
    }
    cr_expect_eq(kerf_cluster_pod_count(cluster), 0);
    cr_expect_eq(kerf_cluster_pod_id_bound(cluster), 200000);
    close_fixture(&f);
}
