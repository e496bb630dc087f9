/**
 * claim_volumes: claims get their volumes; volumes are attached to the nodes of their pods and detached behind them: what the controllers of
 * persistent volumes and of attachments do, with the CSI driver's sidecars.
 *
 * A claim whose class waits for its first consumer is bound with the pod (kube-scheduler.md 5), to a volume that is there or to a new one in
 * the node's zone; another one some time after it appears. EBS volumes are attached to one node at a time; a pod starts once its own are. They
 * are detached when the last pod of the node that uses them is gone; those of an instance that ended under its pods only by force, minutes
 * later, because nobody can say that they were unmounted.
 *
 * Simplified: a pod is bound before its new volume is there rather than after; a claim that binds at once always gets a new volume; calls are
 * neither throttled nor fail.
 */
#include "controllers/controllers_internal.h"

#include "scheduling/scheduling.h"

#include <stdlib.h>

/** A volume that is attached, being attached or being detached. */
struct attachment {
    kerf_name volume;
    kerf_node_id node;
    kerf_event_handle next; /* the end of the attaching or detaching that is under way */
    bool attached;
    bool detaching;
    bool instance_ended;
};

struct kerf_volumes {
    struct kerf_world *world;
    KERF_VEC(struct attachment) attachments;
    KERF_VEC(uint32_t) free_rows;
    struct kerf_name_map rows;          /* by volume */
    KERF_VEC(kerf_pod_id) waiting;      /* bound pods whose volumes aren't all attached yet */
    KERF_VEC(struct kerf_pvc) immediate; /* copies of claims whose class binds at once, in order of coming */
    size_t immediate_done;
    KERF_VEC(const struct kerf_pvc *) going; /* of ephemeral volumes whose pod is gone */
};

static bool is_block_storage(kerf_name driver)
{
    return kerf_name_is(driver, "ebs.csi.aws.com") || kerf_name_is(driver, "ebs.csi.eks.amazonaws.com");
}

/* ---- claims ------------------------------------------------------------------------------------------------------------ */

static void provision(struct kerf_world *world, const struct kerf_pvc *claim, kerf_name zone, kerf_time_us ready_epoch_us)
{
    const struct kerf_storage_class *class = kerf_claim_storage_class(world->cluster, claim);
    kerf_name driver = kerf_claim_driver(world->cluster, claim);
    kerf_cluster_provision_pvc(world->cluster, claim, class->meta.name, driver, is_block_storage(driver) ? zone : NULL, ready_epoch_us);
}

void kerf_volumes_bind_claims(struct kerf_world *world, const struct kerf_pod *pod, const struct kerf_cluster_node *node)
{
    for (uint32_t i = 0; i < pod->spec->volume_count; i++) {
        const struct kerf_pvc *claim = kerf_volume_claim(world->cluster, pod, &pod->spec->volumes[i]);
        const struct kerf_storage_class *class = claim && !claim->volume_name ? kerf_claim_storage_class(world->cluster, claim) : NULL;
        if (!class || !class->wait_for_first_consumer)
            continue;
        claim = kerf_cluster_add_pvc(world->cluster, claim);
        const struct kerf_pv *volume = kerf_binding_volume_for(world->cluster, claim, node);
        if (volume)
            kerf_cluster_bind_pvc(world->cluster, claim, volume);
        else
            provision(world, claim, kerf_labels_get(kerf_cluster_node_labels(world->cluster, node), world->vocabulary->key_zone),
                      kerf_world_epoch_now(world) + world->design->timings.volume_provision_us);
    }
}

/** The zone of a volume that doesn't wait for a pod: the provisioner spreads those of a StatefulSet's claims by their ordinals. */
static kerf_name zone_of_immediate(const struct kerf_design *design, kerf_name claim_name)
{
    const char *text = claim_name->text;
    size_t length = strlen(text), digits = 0;
    while (digits < length && text[length - digits - 1] >= '0' && text[length - digits - 1] <= '9')
        digits++;
    bool numbered = digits > 0 && digits < 10 && digits < length && text[length - digits - 1] == '-';
    uint64_t ordinal = numbered ? strtoull(text + length - digits, NULL, 10) : 0;
    uint64_t hash = kerf_hash_bytes(text, numbered ? length - digits - 1 : length);
    return design->zone_count ? design->zones[(hash % design->zone_count + ordinal) % design->zone_count] : NULL;
}

static void provision_later(struct kerf_volumes *volumes, const struct kerf_pvc *claim)
{
    struct kerf_world *world = volumes->world;
    KERF_VEC_PUSH(&volumes->immediate, *claim);
    kerf_world_schedule(world, kerf_world_now(world) + world->design->timings.volume_provision_us, KERF_EVENT_VOLUME_PROVISIONED, 0, 0);
}

static bool binds_at_once(const struct kerf_world *world, const struct kerf_pvc *claim)
{
    const struct kerf_storage_class *class = claim->volume_name ? NULL : kerf_claim_storage_class(world->cluster, claim);
    return class && !class->wait_for_first_consumer && class->provisioner &&
           !kerf_name_is(class->provisioner, "kubernetes.io/no-provisioner");
}

/** All take equally long: the claim is the one that has waited longest. */
static void on_provisioned(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    struct kerf_volumes *volumes = context;
    struct kerf_world *world = volumes->world;
    struct kerf_pvc claim = volumes->immediate.items[volumes->immediate_done++];
    if (volumes->immediate_done == volumes->immediate.count)
        volumes->immediate.count = volumes->immediate_done = 0;
    const struct kerf_pvc *there = kerf_cluster_add_pvc(world->cluster, &claim);
    if (!there->volume_name)
        provision(world, there, zone_of_immediate(world->design, claim.meta.name), kerf_world_epoch_now(world));
}

/* ---- attachments ------------------------------------------------------------------------------------------------------- */

static struct attachment *find_attachment(struct kerf_volumes *volumes, kerf_name volume)
{
    uint32_t row = kerf_name_map_get(&volumes->rows, volume);
    return row == KERF_NOT_FOUND ? NULL : &volumes->attachments.items[row];
}

/** The name of an EBS volume that a pod's volume stands for, if its claim has got one; else NULL. */
static kerf_name block_volume(const struct kerf_world *world, const struct kerf_pod *pod, uint32_t at)
{
    const struct kerf_pvc *claim = kerf_volume_claim(world->cluster, pod, &pod->spec->volumes[at]);
    return claim && claim->volume_name && is_block_storage(kerf_claim_driver(world->cluster, claim)) ? claim->volume_name : NULL;
}

bool kerf_pod_waits_for_volumes(const struct kerf_world *world, const struct kerf_cluster_pod *pod)
{
    if (pod->attached)
        return false;
    for (uint32_t i = 0; i < pod->pod.spec->volume_count; i++)
        if (block_volume(world, &pod->pod, i))
            return true;
    return false;
}

bool kerf_pod_uses_volume(const struct kerf_world *world, const struct kerf_pod *pod, kerf_name volume)
{
    for (uint32_t i = 0; i < pod->spec->volume_count; i++)
        if (block_volume(world, pod, i) == volume)
            return true;
    return false;
}

static void begin_attaching(struct kerf_volumes *volumes, kerf_name volume, kerf_node_id node)
{
    struct kerf_world *world = volumes->world;
    uint32_t row = (uint32_t)volumes->attachments.count;
    if (volumes->free_rows.count)
        row = volumes->free_rows.items[--volumes->free_rows.count];
    else
        KERF_VEC_PUSH(&volumes->attachments, (struct attachment){0});
    kerf_time_us there_us = kerf_world_now(world); /* a new volume is made first */
    const struct kerf_pv *object = kerf_cluster_find_pv(world->cluster, volume);
    if (object && object->meta.created_epoch_us != KERF_TIME_UNSET)
        there_us = kerf_max_i64(there_us, object->meta.created_epoch_us - world->design->start_epoch_us);
    volumes->attachments.items[row] = (struct attachment){
        .volume = volume,
        .node = node,
        .next = kerf_world_schedule(world, there_us + world->design->timings.volume_attach_us, KERF_EVENT_VOLUME_ATTACHED, row, 0),
    };
    kerf_name_map_put(&volumes->rows, volume, row);
    kerf_cluster_attach_volume(world->cluster, node, volume);
}

/** Begins what can be begun; true when all of the pod's volumes are attached. */
static bool attach(struct kerf_volumes *volumes, const struct kerf_cluster_pod *pod)
{
    bool all = true;
    for (uint32_t i = 0; i < pod->pod.spec->volume_count; i++) {
        kerf_name volume = block_volume(volumes->world, &pod->pod, i);
        if (!volume)
            continue;
        const struct attachment *attachment = find_attachment(volumes, volume);
        if (!attachment)
            begin_attaching(volumes, volume, pod->node);
        all &= attachment && kerf_node_id_equal(attachment->node, pod->node) && attachment->attached && !attachment->detaching;
    }
    return all;
}

/** Pods in the order in which they were bound. */
static void serve_waiting(struct kerf_volumes *volumes)
{
    const struct kerf_cluster *cluster = volumes->world->cluster;
    size_t kept = 0;
    for (size_t i = 0; i < volumes->waiting.count; i++) {
        kerf_pod_id id = volumes->waiting.items[i];
        const struct kerf_cluster_pod *pod = kerf_cluster_pod(cluster, id);
        if (!pod || kerf_pod_is_terminating(&pod->pod) || kerf_pod_is_terminal(&pod->pod) || !kerf_cluster_node(cluster, pod->node))
            continue;
        if (attach(volumes, pod))
            kerf_cluster_set_pod_attached(volumes->world->cluster, id);
        else
            volumes->waiting.items[kept++] = id;
    }
    volumes->waiting.count = kept;
}

static void on_pod_bound(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_volumes *volumes = context;
    KERF_VEC_PUSH(&volumes->waiting, ((kerf_pod_id){(uint32_t)event->subject}));
    serve_waiting(volumes);
}

static void on_attached(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_volumes *volumes = context;
    volumes->attachments.items[event->subject].attached = true;
    serve_waiting(volumes);
}

static void on_detached(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_volumes *volumes = context;
    struct kerf_world *world = volumes->world;
    struct attachment gone = volumes->attachments.items[event->subject];
    kerf_name_map_remove(&volumes->rows, gone.volume);
    KERF_VEC_PUSH(&volumes->free_rows, (uint32_t)event->subject);
    if (kerf_cluster_node(world->cluster, gone.node))
        kerf_cluster_detach_volume(world->cluster, gone.node, gone.volume);
    serve_waiting(volumes);
}

static void detach(struct kerf_volumes *volumes, struct attachment *attachment, kerf_time_us in_us)
{
    struct kerf_world *world = volumes->world;
    kerf_engine_cancel(world->engine, attachment->next);
    attachment->detaching = true;
    attachment->next = kerf_world_schedule(world, kerf_world_now(world) + in_us, KERF_EVENT_VOLUME_DETACHED,
                                           (uint64_t)(attachment - volumes->attachments.items), 0);
}

static bool is_used_by_others(const struct kerf_world *world, const struct kerf_cluster_pod *pod, kerf_name volume)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, pod->node);
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_cluster_pod *other = kerf_cluster_pod(world->cluster, node->pods[i]);
        if (other != pod && !kerf_pod_is_terminal(&other->pod) && kerf_pod_uses_volume(world, &other->pod, volume))
            return true;
    }
    return false;
}

/** The pod has ended on its node, or is removed: nobody may need its volumes there any more. */
static void leave(struct kerf_volumes *volumes, const struct kerf_cluster_pod *pod)
{
    const struct kerf_timings *timings = &volumes->world->design->timings;
    for (uint32_t i = 0; i < pod->pod.spec->volume_count; i++) {
        kerf_name volume = block_volume(volumes->world, &pod->pod, i);
        struct attachment *attachment = volume ? find_attachment(volumes, volume) : NULL;
        if (attachment && kerf_node_id_equal(attachment->node, pod->node) && !attachment->detaching &&
            !is_used_by_others(volumes->world, pod, volume))
            detach(volumes, attachment, attachment->instance_ended ? timings->volume_force_detach_us : timings->volume_detach_us);
    }
}

/* ---- what happens elsewhere -------------------------------------------------------------------------------------------- */

static void claim_of_new_pod(struct kerf_volumes *volumes, const struct kerf_pod *pod)
{
    for (uint32_t i = 0; i < pod->spec->volume_count; i++) {
        const struct kerf_pvc *claim = kerf_volume_claim(volumes->world->cluster, pod, &pod->spec->volumes[i]);
        if (claim && claim == pod->spec->volumes[i].own_claim && binds_at_once(volumes->world, claim))
            provision_later(volumes, claim);
    }
}

static void let_ephemeral_claims_go(struct kerf_volumes *volumes, const struct kerf_pod *pod)
{
    struct kerf_world *world = volumes->world;
    size_t before = volumes->going.count;
    for (uint32_t i = 0; i < pod->spec->volume_count; i++) {
        const struct kerf_pvc *claim = pod->spec->volumes[i].ephemeral ? kerf_volume_claim(world->cluster, pod, &pod->spec->volumes[i]) : NULL;
        if (claim && claim != pod->spec->volumes[i].own_claim)
            KERF_VEC_PUSH(&volumes->going, claim);
    }
    if (before == 0 && volumes->going.count)
        kerf_world_schedule(world, kerf_world_now(world), KERF_EVENT_CLAIMS_GO, 0, 0);
}

static void on_claims_go(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    struct kerf_volumes *volumes = context;
    for (size_t i = 0; i < volumes->going.count; i++)
        kerf_cluster_remove_pvc(volumes->world->cluster, volumes->going.items[i]->meta.namespace_name, volumes->going.items[i]->meta.name);
    volumes->going.count = 0;
}

/** The node's object goes, its instance is gone: what was unmounted in time is free now. */
static void on_node_removed(struct kerf_volumes *volumes, const struct kerf_cluster_node *node)
{
    for (uint32_t i = 0; i < node->attached_count; i++) {
        struct attachment *attachment = find_attachment(volumes, node->attached[i]);
        if (!attachment)
            continue;
        if (attachment->detaching && !kerf_engine_is_scheduled(volumes->world->engine, attachment->next))
            detach(volumes, attachment, 0);
        else if (!attachment->detaching)
            detach(volumes, attachment, volumes->world->design->timings.volume_force_detach_us);
    }
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_volumes *volumes = context;
    const struct kerf_cluster_pod *pod;
    switch (change->kind) {
    case KERF_CHANGE_POD_ADDED:
        claim_of_new_pod(volumes, &kerf_cluster_pod(cluster, change->pod)->pod);
        break;
    case KERF_CHANGE_POD_BOUND:
        pod = kerf_cluster_pod(cluster, change->pod);
        if (kerf_pod_waits_for_volumes(volumes->world, pod))
            kerf_world_schedule(volumes->world, kerf_world_now(volumes->world), KERF_EVENT_VOLUMES_WANTED, change->pod.index, 0);
        break;
    case KERF_CHANGE_POD_FINISHED:
    case KERF_CHANGE_POD_REMOVED:
        pod = kerf_cluster_pod(cluster, change->pod);
        if (!kerf_node_id_equal(change->node, KERF_NO_NODE))
            leave(volumes, pod);
        if (change->kind == KERF_CHANGE_POD_REMOVED)
            let_ephemeral_claims_go(volumes, &pod->pod);
        break;
    case KERF_CHANGE_NODE_REMOVED:
        on_node_removed(volumes, kerf_cluster_node(cluster, change->node));
        break;
    default:
        break;
    }
}

/** Detaching that is under way when an instance is told to end is over when it is gone (EC2 detaches what it terminates). */
static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_volumes *volumes = context;
    if (notice->kind != KERF_NOTICE_INSTANCE_ENDED)
        return;
    const struct kerf_cluster_node *node = kerf_cluster_node(volumes->world->cluster, notice->node);
    for (uint32_t i = 0; i < node->attached_count; i++) {
        struct attachment *attachment = find_attachment(volumes, node->attached[i]);
        if (!attachment)
            continue;
        attachment->instance_ended = true;
        kerf_engine_cancel(volumes->world->engine, attachment->next);
    }
}

struct kerf_volumes *kerf_volumes_new(struct kerf_world *world)
{
    struct kerf_volumes *volumes = kerf_allocate(sizeof *volumes);
    *volumes = (struct kerf_volumes){.world = world};
    kerf_cluster_listen(world->cluster, on_change, volumes);
    kerf_world_listen(world, on_notice, volumes);
    kerf_engine_handle(world->engine, KERF_EVENT_VOLUME_PROVISIONED, on_provisioned, volumes);
    kerf_engine_handle(world->engine, KERF_EVENT_VOLUMES_WANTED, on_pod_bound, volumes);
    kerf_engine_handle(world->engine, KERF_EVENT_VOLUME_ATTACHED, on_attached, volumes);
    kerf_engine_handle(world->engine, KERF_EVENT_VOLUME_DETACHED, on_detached, volumes);
    kerf_engine_handle(world->engine, KERF_EVENT_CLAIMS_GO, on_claims_go, volumes);
    const struct kerf_objects *objects = &world->design->objects;
    for (size_t i = 0; i < objects->pvcs.count; i++)
        if (binds_at_once(world, &objects->pvcs.items[i]))
            provision_later(volumes, &objects->pvcs.items[i]);
    return volumes;
}

void kerf_volumes_free(struct kerf_volumes *volumes)
{
    if (!volumes)
        return;
    KERF_VEC_FREE(&volumes->attachments);
    KERF_VEC_FREE(&volumes->free_rows);
    KERF_VEC_FREE(&volumes->waiting);
    KERF_VEC_FREE(&volumes->immediate);
    KERF_VEC_FREE(&volumes->going);
    kerf_name_map_fini(&volumes->rows);
    free(volumes);
}
