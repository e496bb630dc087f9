/** What a pod asks for as a whole (karpenter-provisioning 3.1), and the specs that depend on the single pod. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(pod_requests, .init = set_up, .fini = tear_down);

enum role { MAIN, INIT, SIDECAR };
struct row {
    enum role role;
    int64_t cpu;
};

static int64_t cpu_of(const struct row *rows, uint32_t count, int64_t overhead, int64_t pod_level)
{
    struct kerf_container containers[8] = {0};
    struct kerf_pod_spec spec = {.containers = containers, .container_count = count};
    for (uint32_t i = 0; i < count; i++) {
        containers[i].init = rows[i].role != MAIN;
        containers[i].restart_always = rows[i].role == SIDECAR;
        kerf_resources_set(&containers[i].requests, KERF_RESOURCE_CPU, rows[i].cpu);
    }
    if (overhead)
        kerf_resources_set(&spec.overhead, KERF_RESOURCE_CPU, overhead);
    if (pod_level) {
        spec.has_pod_level_requests = true;
        kerf_resources_set(&spec.pod_level_requests, KERF_RESOURCE_CPU, pod_level);
    }
    kerf_pod_spec_compute_requests(&spec);
    cr_expect_eq(spec.requests.pods, 1);
    cr_expect(!kerf_resources_has(&spec.requests, KERF_RESOURCE_MEMORY));
    return spec.requests.cpu_nanocores;
}
#define CPU(overhead, pod_level, ...) cpu_of((struct row[]){__VA_ARGS__}, sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row), overhead, pod_level)

Test(pod_requests, rules)
{
    cr_expect_eq(CPU(0, 0, {MAIN, 3}, {MAIN, 4}), 7);
    cr_expect_eq(CPU(0, 0, {INIT, 9}, {MAIN, 3}, {MAIN, 4}), 9);
    cr_expect_eq(CPU(0, 0, {INIT, 5}, {MAIN, 3}, {MAIN, 4}), 7);
    cr_expect_eq(CPU(0, 0, {SIDECAR, 2}, {INIT, 5}, {MAIN, 3}), 7);  /* 5 on top of the sidecar before it */
    cr_expect_eq(CPU(0, 0, {INIT, 5}, {SIDECAR, 2}, {MAIN, 3}), 5);  /* the sidecar comes after it */
    cr_expect_eq(CPU(0, 0, {SIDECAR, 2}, {SIDECAR, 3}, {MAIN, 1}), 6);
    cr_expect_eq(CPU(10, 0, {INIT, 9}, {MAIN, 3}), 19);
    cr_expect_eq(CPU(10, 4, {INIT, 9}, {MAIN, 3}), 14); /* the pod's own word replaces the sum; overhead comes last */
}

Test(pod_requests, pod_of)
{
    struct kerf_pod pod = pod_of(&world, "2", "4Gi");
    cr_expect_eq(pod.requests->cpu_nanocores, 2000000000);
    cr_expect_eq(pod.requests->memory_millibytes, INT64_C(4294967296000));
    cr_expect(kerf_pod_is_active(&pod));
    cr_expect_eq(kerf_pod_priority(&pod), 0);
}

Test(pod_requests, label_keys)
{
    struct kerf_labels labels = labels_of(&world, "app=web, hash=h1, tenant=t");
    kerf_name keys[] = {name_of(&world, "hash"), name_of(&world, "absent")}, mismatch[] = {name_of(&world, "tenant")};
    struct kerf_pod_affinity_term term = {.topology_key = name_of(&world, "zone"),
                                          .selector = {.present = true},
                                          .match_label_keys = keys,
                                          .match_label_key_count = 2,
                                          .mismatch_label_keys = mismatch,
                                          .mismatch_label_key_count = 1};
    struct kerf_pod_spec spec = {.required_anti_affinity = {&term, 1}};
    for (int i = 0; i < 2; i++) { /* the second time nothing is added */
        kerf_pod_spec_merge_label_keys(&world.objects.arena, &spec, &labels);
        const struct kerf_label_selector *selector = &spec.required_anti_affinity.items[0].selector;
        cr_assert_eq(selector->expressions.count, 2);
        cr_expect(!kerf_label_selector_matches(selector, &labels)); /* its own tenant is left out */
        struct kerf_labels other = labels_of(&world, "hash=h1, tenant=u");
        cr_expect(kerf_label_selector_matches(selector, &other));
    }
    cr_expect_eq(term.selector.expressions.count, 0); /* what was shared is as it was */
}
