/** Claims, volumes and attachments in time: where a pod with a volume may go, and how long it waits for it. */
#include "../../support/sim_world.h"

#include "controllers/controllers_internal.h"

#include <criterion/criterion.h>

#define CONTROLLERS (1u << KERF_SIM_WORKLOADS | 1u << KERF_SIM_VOLUMES | 1u << KERF_SIM_KUBELETS | 1u << KERF_SIM_BINDER | 1u << KERF_SIM_TERMINATOR)

/* The defaults: a new volume 2 s, attached in 5 s, detached in 10 s; an image is pulled in 7 s; 2 s to stop and one to clean up. */
#define NEW_US SECONDS(2)
#define ATTACH_US SECONDS(5)
#define DETACH_US SECONDS(10)
#define PULL_US SECONDS(7)
#define STOP_US SECONDS(3)

static const char *const classes =
    "---\n{ apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: { name: gp3 }, provisioner: ebs.csi.aws.com, "
    "volumeBindingMode: WaitForFirstConsumer }\n---\n"
    "{ apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: { name: now }, provisioner: ebs.csi.aws.com }\n---\n"
    "{ apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: { name: shared }, provisioner: efs.csi.aws.com, "
    "volumeBindingMode: WaitForFirstConsumer }\n---\n";

/** A StatefulSet `db` of that many replicas with one claim of a class for each; `spec`: further keys of its pods' spec. */
static void open_world(struct sim_world *world, int replicas, const char *class, const char *spec, const char *more)
{
    struct kerf_text text = {0};
    kerf_text_append(&text, classes);
    kerf_text_append_format(&text,
                            "{ apiVersion: apps/v1, kind: StatefulSet, metadata: { name: db }, spec: { replicas: %d, podManagementPolicy: Parallel, "
                            "selector: { matchLabels: { app: db } }, template: { metadata: { labels: { app: db } }, spec: { containers: [{ name: c, "
                            "image: i, resources: { requests: { cpu: 100m } } }]%s } }, volumeClaimTemplates: [{ metadata: { name: data }, spec: { "
                            "storageClassName: %s, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }] } }\n%s",
                            replicas, spec, class, more);
    kerf_text_append(&text, sim_pool_of_m5_large);
    sim_world_open(world, "", text.bytes, CONTROLLERS);
    kerf_text_fini(&text);
}

static const struct kerf_cluster_pod *find_pod(const struct sim_world *world, const char *name)
{
    const struct kerf_cluster *cluster = world->world->cluster;
    for (size_t at = 0; at < kerf_cluster_pod_count(cluster); at++)
        if (kerf_name_is(kerf_cluster_pod_at(cluster, at)->pod.meta.name, name))
            return kerf_cluster_pod_at(cluster, at);
    cr_assert_fail("no pod %s", name);
    return NULL;
}

static const struct kerf_pv *volume_of(const struct sim_world *world, const char *claim_name)
{
    struct kerf_names *names = world->world->vocabulary->names;
    const struct kerf_pvc *claim = kerf_cluster_find_pvc(world->world->cluster, kerf_name_of(names, "default"), kerf_name_of(names, claim_name));
    return claim && claim->volume_name ? kerf_cluster_find_pv(world->world->cluster, claim->volume_name) : NULL;
}

static const char *zone_of(const struct kerf_pv *volume)
{
    return volume->has_node_affinity ? volume->node_terms[0].match_expressions.items[0].values[0]->text : "";
}

static void stop_pod(struct sim_world *world, const char *name)
{
    kerf_cluster_delete_pod(world->world->cluster, find_pod(world, name)->id, kerf_world_epoch_now(world->world) + SECONDS(30));
}

/** When the pod of that name that lives now was told of; -1: never. */
static kerf_time_us told_us(const struct sim_world *world, int kind, const char *name)
{
    const struct sim_event *event = sim_world_pod_event(world, kind, find_pod(world, name)->id);
    return event ? event->at_us : -1;
}

Test(volumes, a_pod_comes_back_to_the_zone_of_its_volume)
{
    struct sim_world world;
    open_world(&world, 1, "gp3", "", "");
    kerf_node_id first = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(100));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), NEW_US + ATTACH_US + PULL_US);
    cr_assert_not_null(volume_of(&world, "data-db-0"));
    cr_expect_str_eq(zone_of(volume_of(&world, "data-db-0")), "us-east-1a");
    sim_world_add_node(&world, "m", "m5.large", "us-east-1b");
    kerf_node_set_cordoned(world.world, first, true);
    stop_pod(&world, "db-0");
    sim_world_run(&world, SECONDS(1000));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_BOUND, "db-0"), -1, "the other zone is out of reach");
    kerf_node_set_cordoned(world.world, first, false);
    sim_world_run(&world, SECONDS(1100));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_BOUND, "db-0"), SECONDS(1000));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), SECONDS(1000) + ATTACH_US, "its volume was free, its image is there");
    sim_world_close(&world);
}

Test(volumes, a_volume_is_detached_before_it_is_attached_elsewhere)
{
    struct sim_world world;
    open_world(&world, 1, "gp3", "", "");
    kerf_node_id first = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(100));
    kerf_node_id second = sim_world_add_node(&world, "m", "m5.large", "us-east-1a");
    kerf_node_set_cordoned(world.world, first, true);
    stop_pod(&world, "db-0");
    sim_world_run(&world, SECONDS(100) + STOP_US + SECONDS(1));
    cr_expect_eq(kerf_cluster_node(world.world->cluster, first)->attached_count, 1);
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_BOUND, "db-0"), SECONDS(100) + STOP_US);
    sim_world_run(&world, SECONDS(200));
    cr_expect_eq(kerf_cluster_node(world.world->cluster, first)->attached_count, 0);
    cr_expect_eq(kerf_cluster_node(world.world->cluster, second)->attached_count, 1);
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), SECONDS(100) + STOP_US + DETACH_US + ATTACH_US + PULL_US);
    sim_world_close(&world);
}

/* Nobody unmounted: kube-controller-manager waits for six minutes before it detaches by force. */
Test(volumes, a_lost_instance_holds_its_volume_for_six_minutes)
{
    struct sim_world world;
    open_world(&world, 1, "gp3", "", "");
    kerf_node_id first = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(100));
    sim_world_add_node(&world, "m", "m5.large", "us-east-1a");
    kerf_instance_end(world.world, first);
    kerf_node_remove_with_pods(world.world, first);
    sim_world_run(&world, SECONDS(1000));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_BOUND, "db-0"), SECONDS(100));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), SECONDS(100 + 360) + ATTACH_US + PULL_US);
    sim_world_close(&world);
}

Test(volumes, shared_file_systems_are_of_no_zone_and_never_attached)
{
    struct sim_world world;
    open_world(&world, 1, "shared", "", "");
    kerf_node_id first = sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(100));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), PULL_US);
    cr_expect_not(volume_of(&world, "data-db-0")->has_node_affinity);
    sim_world_add_node(&world, "m", "m5.large", "us-east-1b");
    kerf_node_set_cordoned(world.world, first, true);
    stop_pod(&world, "db-0");
    sim_world_run(&world, SECONDS(200));
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), SECONDS(100) + STOP_US + PULL_US);
    sim_world_close(&world);
}

/* A class that binds at once does not ask where the pod goes: ordinals in a row get zones in a row. */
Test(volumes, immediate_volumes_are_spread_over_zones)
{
    struct sim_world world;
    open_world(&world, 3, "now", "", "");
    sim_world_add_node(&world, "a", "m5.large", "us-east-1a");
    sim_world_add_node(&world, "b", "m5.large", "us-east-1b");
    sim_world_add_node(&world, "c", "m5.large", "us-east-1c");
    sim_world_run(&world, SECONDS(100));
    const char *names[] = {"db-0", "db-1", "db-2"};
    const char *claims[] = {"data-db-0", "data-db-1", "data-db-2"};
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(told_us(&world, KERF_CHANGE_POD_BOUND, names[i]), NEW_US, "not before its volume is there");
        cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, names[i]), NEW_US + ATTACH_US + PULL_US);
        const struct kerf_cluster_node *node = kerf_cluster_node(world.world->cluster, find_pod(&world, names[i])->node);
        cr_expect_str_eq(zone_of(volume_of(&world, claims[i])),
                         kerf_labels_get(kerf_cluster_node_labels(world.world->cluster, node), world.world->vocabulary->key_zone)->text);
        for (int k = 0; k < i; k++)
            cr_expect_str_neq(zone_of(volume_of(&world, claims[i])), zone_of(volume_of(&world, claims[k])));
    }
    sim_world_close(&world);
}

Test(volumes, the_claim_of_an_ephemeral_volume_goes_with_its_pod)
{
    struct sim_world world;
    open_world(&world, 1, "gp3",
               ", volumes: [{ name: scratch, ephemeral: { volumeClaimTemplate: { spec: { storageClassName: gp3, accessModes: [ReadWriteOnce], "
               "resources: { requests: { storage: 1Gi } } } } } }]",
               "");
    sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(100));
    kerf_time_us start_us = world.design->start_epoch_us;
    cr_expect_eq(volume_of(&world, "db-0-scratch")->meta.created_epoch_us, start_us + NEW_US);
    stop_pod(&world, "db-0");
    sim_world_run(&world, SECONDS(200));
    cr_expect_eq(volume_of(&world, "db-0-scratch")->meta.created_epoch_us, start_us + SECONDS(100) + STOP_US + NEW_US, "the next pod's own");
    cr_expect_eq(volume_of(&world, "data-db-0")->meta.created_epoch_us, start_us + NEW_US, "those of a StatefulSet stay");
    sim_world_close(&world);
}

/* kube-scheduler.md 5: a volume that is there and would do is taken before a new one is made, the smallest first. */
Test(volumes, a_volume_that_is_there_is_taken_first)
{
    static const char *const volumes =
        "---\n{ apiVersion: v1, kind: PersistentVolume, metadata: { name: large }, spec: { storageClassName: gp3, capacity: { storage: 9Gi }, "
        "csi: { driver: ebs.csi.aws.com, volumeHandle: vol-1 } } }\n"
        "---\n{ apiVersion: v1, kind: PersistentVolume, metadata: { name: small }, spec: { storageClassName: gp3, capacity: { storage: 2Gi }, "
        "csi: { driver: ebs.csi.aws.com, volumeHandle: vol-2 } } }\n";
    struct sim_world world;
    open_world(&world, 3, "gp3", "", volumes);
    sim_world_add_node(&world, "n", "m5.large", "us-east-1a");
    sim_world_run(&world, SECONDS(100));
    cr_expect_str_eq(volume_of(&world, "data-db-0")->meta.name->text, "small");
    cr_expect_str_eq(volume_of(&world, "data-db-1")->meta.name->text, "large");
    cr_expect_str_eq(zone_of(volume_of(&world, "data-db-2")), "us-east-1a", "made for it");
    cr_expect_eq(told_us(&world, KERF_CHANGE_POD_RUNNING, "db-0"), ATTACH_US + PULL_US);
    sim_world_close(&world);
}

/* ---- the instance waits for its volumes (karpenter-disruption.md 12.9) ------------------------------------------------------ */

static double ended_after(const struct sim_world *world, kerf_node_id node)
{
    const struct sim_event *event = sim_world_node_event(world, SIM_NOTICE + KERF_NOTICE_INSTANCE_ENDED, node);
    return event ? (double)(event->at_us - SECONDS(100)) / 1e6 : -1.0;
}

/** A drained node of a claim with that termination grace period (0: none), 100 s after the start. */
static kerf_node_id drain(struct sim_world *world, double grace_s)
{
    kerf_node_id id = sim_world_add_claimed_node(world, "n", "m5.large", "us-east-1a", false);
    struct kerf_nodeclaim claim = kerf_cluster_node(world->world->cluster, id)->claim;
    claim.termination_grace_period_us = grace_s > 0 ? SECONDS(grace_s) : KERF_TIME_UNSET;
    kerf_cluster_update_claim(world->world->cluster, id, &claim);
    sim_world_run(world, SECONDS(100));
    kerf_cluster_delete_claim(world->world->cluster, id);
    return id;
}

Test(volumes, the_instance_ends_when_its_volumes_are_detached)
{
    struct sim_world world;
    open_world(&world, 1, "gp3", "", "");
    kerf_node_id node = drain(&world, 0);
    sim_world_run(&world, SECONDS(400));
    cr_expect_float_eq(ended_after(&world, node), 13.0, 1e-9, "3 s for the pod, 10 s for the volume");
    sim_world_close(&world);
}

/* K14 */
Test(volumes, a_volume_that_stays_holds_the_instance_to_its_deadline)
{
    struct sim_world world;
    open_world(&world, 1, "gp3", "", "");
    kerf_node_id node = drain(&world, 300);
    kerf_cluster_attach_volume(world.world->cluster, node, kerf_name_of(world.world->vocabulary->names, "stuck"));
    sim_world_run(&world, SECONDS(100 + 300));
    cr_expect_lt(ended_after(&world, node), 0.0);
    sim_world_run(&world, SECONDS(100 + 302));
    cr_expect_float_eq(ended_after(&world, node), 301.0, 1e-9, "the look after the deadline");
    sim_world_close(&world);
}

/* K15 */
Test(volumes, a_volume_of_a_pod_that_stays_is_not_waited_for)
{
    struct sim_world world;
    open_world(&world, 1, "gp3", ", tolerations: [{ operator: Exists }]", "");
    kerf_node_id node = drain(&world, 300);
    sim_world_run(&world, SECONDS(400));
    cr_expect_float_eq(ended_after(&world, node), 5.0, 1e-9);
    sim_world_close(&world);
}
