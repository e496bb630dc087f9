/** The pods of a workload: names, owners, labels, claims, tolerations. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(workload_pods, .init = set_up, .fini = tear_down);

#define TEMPLATE                                                                                                                   \
    "  selector: {matchLabels: {app: web}}\n"                                                                                     \
    "  template:\n"                                                                                                                \
    "    metadata: {labels: {app: web}}\n"                                                                                         \
    "    spec: {containers: [{name: main, image: 'x:1', resources: {requests: {cpu: 100m}}}]}\n"

static struct kerf_pod pod_at(uint32_t index)
{
    struct kerf_pod pod;
    kerf_workload_make_pod(&world.objects.arena, world.vocabulary, &world.objects.workloads.items[0], index, 7, &pod);
    return pod;
}

static const char *label_of(const struct kerf_pod *pod, const char *key)
{
    return kerf_name_text(kerf_labels_get(&pod->meta.labels, name_of(&world, key)));
}

Test(workload_pods, deployment)
{
    test_world_read_clean(&world, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n" TEMPLATE);
    struct kerf_pod first = pod_at(0), later = pod_at(12345);
    const char *hash = label_of(&first, "pod-template-hash");
    cr_expect_eq(strlen(hash), 10);
    cr_expect_str_eq(first.meta.name->text, kerf_arena_format(&world.objects.arena, "web-%s-00000", hash));
    cr_expect_str_eq(later.meta.name->text, kerf_arena_format(&world.objects.arena, "web-%s-12345", hash));
    cr_expect_str_eq(first.meta.namespace_name->text, "shop");
    cr_expect_str_eq(first.meta.uid->text, "shop/web/Deployment/0000000000");
    cr_expect_lt(kerf_name_compare(first.meta.uid, later.meta.uid), 0);
    cr_expect_eq(first.meta.created_epoch_us, 7);
    cr_assert(kerf_meta_owned_by(&first.meta, "apps/v1", "ReplicaSet"));
    cr_expect_str_eq(kerf_meta_controller(&first.meta)->name->text, kerf_arena_format(&world.objects.arena, "web-%s", hash));
    cr_expect_str_eq(label_of(&first, "app"), "web");
    cr_expect_eq(first.requests->cpu_nanocores, 100000000);
    cr_expect_eq(first.phase, KERF_POD_PENDING);
    cr_expect(!first.has_status);
    cr_expect_eq(first.spec->tolerations.count, 2); /* five minutes on a lost node */
    cr_expect_eq(first.spec->tolerations.items[0].toleration_seconds, 300);
    kerf_workload_prepare(&world.objects.arena, world.vocabulary, &world.objects.workloads.items[0]);
    struct kerf_pod one = pod_at(1), two = pod_at(2);
    cr_expect_eq(one.spec, two.spec); /* what is equal is shared */
    cr_expect_eq(one.meta.labels.items, two.meta.labels.items);
    cr_expect_eq(kerf_meta_details(&one.meta)->owners, kerf_meta_details(&two.meta)->owners);
    cr_expect_str_eq(label_of(&one, "pod-template-hash"), hash);
}

Test(workload_pods, template_hash_follows_the_template)
{
    test_world_read_clean(&world, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n" TEMPLATE);
    test_world_read_clean(&world, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
                                  "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
                                  "    spec: {containers: [{name: main, image: 'x:2', resources: {requests: {cpu: 100m}}}]}\n");
    struct kerf_pod old, new;
    kerf_workload_make_pod(&world.objects.arena, world.vocabulary, &world.objects.workloads.items[0], 0, 0, &old);
    kerf_workload_make_pod(&world.objects.arena, world.vocabulary, &world.objects.workloads.items[1], 0, 0, &new);
    cr_expect_str_neq(label_of(&old, "pod-template-hash"), label_of(&new, "pod-template-hash"));
}

Test(workload_pods, statefulset)
{
    test_world_read_clean(&world, "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n"
                                  "  ordinals: {start: 3}\n"
                                  "  volumeClaimTemplates:\n"
                                  "  - {metadata: {name: data}, spec: {storageClassName: gp3, resources: {requests: {storage: 1Gi}}}}\n" TEMPLATE);
    struct kerf_pod pod = pod_at(1);
    cr_expect_str_eq(pod.meta.name->text, "web-4");
    cr_expect(kerf_meta_owned_by(&pod.meta, "apps/v1", "StatefulSet"));
    cr_expect_str_eq(label_of(&pod, "apps.kubernetes.io/pod-index"), "4");
    cr_expect_str_eq(label_of(&pod, "statefulset.kubernetes.io/pod-name"), "web-4");
    cr_assert_eq(pod.spec->volume_count, 1);
    cr_expect_str_eq(pod.spec->volumes[0].claim_name->text, "data-web-4");
    cr_expect_eq(world.objects.workloads.items[0].claim_templates[0].storage_bytes, 1 << 30);
    const struct kerf_pvc *claim = pod.spec->volumes[0].own_claim;
    cr_assert_not_null(claim);
    cr_expect_eq(claim->meta.name, pod.spec->volumes[0].claim_name);
    cr_expect_str_eq(claim->storage_class_name->text, "gp3");
    cr_expect_null(claim->volume_name);
}

Test(workload_pods, daemonset)
{
    test_world_read_clean(&world, "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web}\nspec:\n" TEMPLATE);
    struct kerf_pod pod = pod_at(0);
    cr_expect(kerf_pod_is_daemon(&pod));
    cr_expect_eq(pod.spec->tolerations.count, 6);
    cr_expect_eq(world.objects.workloads.items[0].template.spec->tolerations.count, 0); /* Karpenter sees the template */
}

Test(workload_pods, job)
{
    test_world_read_clean(&world, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: etl}\nspec:\n  completionMode: Indexed\n"
                                  "  completions: 5\n  parallelism: 2\n"
                                  "  template: {spec: {restartPolicy: Never, containers: [{name: main}]}}\n");
    cr_expect_eq(world.objects.workloads.items[0].replicas, 2);
    struct kerf_pod pod = pod_at(1);
    cr_expect_str_eq(pod.meta.name->text, "etl-00001");
    cr_expect(kerf_meta_owned_by(&pod.meta, "batch/v1", "Job"));
    cr_expect_str_eq(label_of(&pod, "batch.kubernetes.io/job-completion-index"), "1");
    cr_expect_str_eq(label_of(&pod, "job-name"), "etl");
}

Test(workload_pods, ephemeral_volume_and_label_keys)
{
    test_world_read_clean(
        &world,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
        "  selector: {matchLabels: {app: web}}\n"
        "  template:\n"
        "    metadata: {labels: {app: web}}\n"
        "    spec:\n"
        "      containers: [{name: main}]\n"
        "      volumes: [{name: scratch, ephemeral: {volumeClaimTemplate: {spec: {storageClassName: gp3}}}}]\n"
        "      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [\n"
        "        {topologyKey: zone, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [pod-template-hash]}]}}\n");
    struct kerf_pod pod = pod_at(0);
    cr_expect_str_eq(pod.spec->volumes[0].claim_name->text, kerf_arena_format(&world.objects.arena, "%s-scratch", pod.meta.name->text));
    cr_assert_not_null(pod.spec->volumes[0].own_claim);
    cr_expect_str_eq(pod.spec->volumes[0].own_claim->storage_class_name->text, "gp3");
    const struct kerf_label_selector *selector = &pod.spec->required_anti_affinity.items[0].selector;
    cr_assert_eq(selector->expressions.count, 2);
    cr_expect_str_eq(selector->expressions.items[1].values[0]->text, label_of(&pod, "pod-template-hash"));
}
