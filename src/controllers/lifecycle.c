/**
 * lifecycle: a nodeclaim's way from creation to an initialized node (karpenter-provisioning.md 10 and 11, karpenter-disruption.md 2.7 and
 * 12.1): EC2's answer, registration, readiness, expiry, the condition Consolidatable, and what Karpenter remembers of refused offerings.
 *
 * Simplified: startup taints go when the node is ready; every launched instance registers; registration and taint removal are one step.
 */
#include "controllers/controllers_internal.h"

#include <stdlib.h>

/** One worker deletes expired nodeclaims, and sleeps so long after each (karpenter-disruption 12.1). */
#define EXPIRY_PAUSE_US KERF_SECOND_US

/** A launch that failed for another reason than capacity is tried again for so long (10.8, 11.2). */
#define LAUNCH_TIMEOUT_US (5 * KERF_MINUTE_US)
#define LAUNCH_BACKOFF_MAX_US KERF_MINUTE_US

struct claim_books {
    struct kerf_boot_times boot;
    struct kerf_cloud_choice choice; /* what EC2 gave */
    uint32_t address;                /* primary address in the choice's subnet */
    bool launched;
    bool is_retried;                 /* not launched, and capacity was not all that EC2 complained of */
    kerf_time_us failed_us;          /* the first time */
    uint32_t failures;
    bool booted; /* its time to become ready has come */
    bool ended;  /* the instance is gone: it won't join or become ready any more */
    kerf_event_handle next;          /* of its way */
    kerf_event_handle expiry;
    kerf_event_handle pod_event;
    kerf_event_handle consolidatable;
};

struct kerf_lifecycle {
    struct kerf_world *world;
    struct kerf_books books;    /* by node id, claims only */
    kerf_time_us next_expiry_us; /* the expiration controller sleeps after each deletion */
};

static struct claim_books *books_of(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    return kerf_books_find(&lifecycle->books, id.index);
}

/* ---- launch ------------------------------------------------------------------------------------------------------------------------ */

static bool subnet_has_address(void *context, uint32_t subnet_index)
{
    const struct kerf_world *world = context;
    return subnet_index == KERF_NOT_FOUND || kerf_vpc_subnet_counts(world->network.subnets[subnet_index]).assignable > 0;
}

static void remember_refusals(struct kerf_lifecycle *lifecycle, enum kerf_capacity_type capacity_type, const struct kerf_launch_outcome *outcome)
{
    struct kerf_world *world = lifecycle->world;
    for (size_t i = 0; i < outcome->refused_count; i++) {
        const struct kerf_cloud_choice *refused = &outcome->refused[i];
        bool addresses = outcome->errors[i] == KERF_LAUNCH_INSUFFICIENT_ADDRESSES;
        if (outcome->errors[i] == KERF_LAUNCH_UNAUTHORIZED)
            continue; /* says nothing of the offering */
        kerf_offering_remember_unavailable(world, refused->type_index, refused->zone_index, capacity_type);
        if (addresses)
            kerf_subnet_note_full(world, refused->subnet_index);
        if (kerf_launch_refusal_was_told(outcome, i))
            continue;
        kerf_world_notify(world, (struct kerf_notice){
                                     .kind = addresses ? KERF_NOTICE_SUBNET_EXHAUSTED : KERF_NOTICE_LAUNCH_REFUSED,
                                     .node = KERF_NO_NODE,
                                     .pod = KERF_NO_POD,
                                     .detail = addresses ? refused->subnet_index : (uint64_t)refused->type_index << 32 | refused->zone_index,
                                 });
    }
}

static void on_sweep(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    (void)event;
    struct kerf_lifecycle *lifecycle = context;
    kerf_offering_sweep(lifecycle->world);
}

static bool is_refused_otherwise(const struct kerf_launch_outcome *outcome)
{
    for (size_t i = 0; i < outcome->refused_count; i++)
        if (outcome->errors[i] == KERF_LAUNCH_UNAUTHORIZED)
            return true;
    return false;
}

static bool has_timed_out(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    const struct claim_books *books = books_of(lifecycle, id);
    return books->failures > 0 && kerf_world_now(lifecycle->world) >= books->failed_us + LAUNCH_TIMEOUT_US;
}

/** The claim stays, not launched, and so no pass runs (1.6); the request is sent again after the back-off, or time is up. */
static void retry_launch(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    struct kerf_world *world = lifecycle->world;
    struct claim_books *books = books_of(lifecycle, id);
    kerf_time_us now_us = kerf_world_now(world);
    if (books->failures == 0)
        books->failed_us = now_us;
    kerf_time_us wait_us = books->failures < 6 ? KERF_SECOND_US << books->failures : LAUNCH_BACKOFF_MAX_US;
    books->failures++;
    books->next = kerf_world_schedule(world, kerf_min_i64(now_us + wait_us, books->failed_us + LAUNCH_TIMEOUT_US), KERF_EVENT_CLAIM_LAUNCH,
                                      id.index, 0);
}

/** The request goes out; EC2 decides at once and its answer travels. */
static void on_claim_launch(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_lifecycle *lifecycle = context;
    struct kerf_world *world = lifecycle->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    if (!node)
        return;
    if (kerf_cluster_is_deleted(node) || has_timed_out(lifecycle, id)) { /* nothing was launched, nothing is to end */
        kerf_cluster_remove_node(world->cluster, id);
        return;
    }
    struct kerf_arena scratch;
    kerf_arena_init(&scratch);
    struct kerf_launch_request request;
    kerf_provisioning_request_launch(kerf_world_provisioning_cache(world), &node->claim, &scratch, &request);
    struct kerf_cloud_choice *choices = KERF_NEW_ARRAY(&scratch, struct kerf_cloud_choice, request.override_count);
    int64_t *pods = KERF_NEW_ARRAY(&scratch, int64_t, request.override_count); /* that each choice has room for */
    size_t choice_count = 0;
    for (size_t i = 0; i < request.override_count; i++) {
        const struct kerf_launch_override *override = &request.overrides[i];
        uint32_t subnet_index = kerf_subnet_of_claim(world, override->offering->zone_index);
        if (world->design->subnet_count > 0 && subnet_index == KERF_NOT_FOUND)
            continue; /* no subnet in that zone */
        pods[choice_count] = override->type->capacity.pods;
        choices[choice_count++] = (struct kerf_cloud_choice){
            .type_index = override->type->index,
            .zone_index = override->offering->zone_index,
            .reservation = override->offering->reservation,
            .subnet_index = subnet_index,
            .price_usd_per_hour = override->offering->price_usd_per_hour,
        };
    }
    struct kerf_launch_outcome outcome;
    kerf_cloud_launch(world->cloud, kerf_engine_now(engine), request.capacity_type, choices, choice_count, kerf_world_owner_of_node(node),
                      subnet_has_address, world, &outcome);
    kerf_subnet_note_request(world, choices, pods, choice_count, outcome.launched ? &outcome.choice : NULL);
    struct claim_books *books = books_of(lifecycle, id);
    books->launched = outcome.launched;
    books->is_retried = !outcome.launched && is_refused_otherwise(&outcome);
    if (outcome.launched) {
        books->choice = outcome.choice;
        books->address = KERF_ADDRESS_NONE;
        if (outcome.choice.subnet_index != KERF_NOT_FOUND)
            books->launched = kerf_instance_take_address(world, outcome.choice.subnet_index, &books->address);
        if (books->launched && request.capacity_type == KERF_RESERVED)
            kerf_cluster_change_reservation_room(world->cluster, outcome.choice.reservation, -1);
    }
    remember_refusals(lifecycle, request.capacity_type, &outcome);
    const struct kerf_instance_facts *facts = books->launched ? kerf_catalog_facts(world->design->catalog, books->choice.type_index) : NULL;
    books->boot = kerf_world_draw_boot(world, kerf_world_owner_of_node(node), facts && facts->old_storage);
    books->next = kerf_world_schedule(world, kerf_engine_now(engine) + books->boot.launch_us, KERF_EVENT_INSTANCE_LAUNCHED, id.index,
                                      (uint32_t)request.capacity_type);
    kerf_arena_fini(&scratch);
}

enum { RESERVATION_LABELS = 3, OWN_LABELS_MAX = 3 + RESERVATION_LABELS };

static size_t reservation_labels(struct kerf_world *world, uint32_t index, struct kerf_label *out_labels)
{
    struct kerf_vocabulary *vocabulary = world->vocabulary;
    const struct kerf_capacity_reservation *reservation = &world->design->objects.capacity_reservations.items[index];
    out_labels[0] = (struct kerf_label){ vocabulary->key_capacity_reservation_id, reservation->id };
    out_labels[1] = (struct kerf_label){ vocabulary->key_capacity_reservation_type,
                                         reservation->capacity_block ? kerf_name_of(vocabulary->names, "capacity-block") : vocabulary->word_default };
    out_labels[2] = (struct kerf_label){ vocabulary->key_capacity_reservation_interruptible,
                                         reservation->interruptible ? vocabulary->word_true : kerf_name_of(vocabulary->names, "false") };
    return RESERVATION_LABELS;
}

/** Labels, resources and provider ID as the launch stores them (10.9). */
static void set_launched(struct kerf_lifecycle *lifecycle, const struct kerf_cluster_node *node, const struct claim_books *books,
                         enum kerf_capacity_type capacity_type)
{
    struct kerf_world *world = lifecycle->world;
    struct kerf_vocabulary *vocabulary = world->vocabulary;
    struct kerf_arena *arena = kerf_cluster_node_arena(world->cluster, node->id);
    const struct kerf_instance_types *types = kerf_cluster_instance_types(world->cluster, node->nodeclass_index);
    const struct kerf_instance_type *type = &types->items[books->choice.type_index];
    size_t zone_count;
    const struct kerf_zone *zone = &kerf_catalog_zones(world->design->catalog, &zone_count)[books->choice.zone_index];
    struct kerf_label own[OWN_LABELS_MAX] = {
        { vocabulary->key_zone, zone->name },
        { vocabulary->key_capacity_type, kerf_capacity_type_word(vocabulary, capacity_type) },
    };
    size_t own_count = 2;
    if (zone->zone_id)
        own[own_count++] = (struct kerf_label){ vocabulary->key_zone_id, zone->zone_id };
    if (capacity_type == KERF_RESERVED)
        own_count += reservation_labels(world, books->choice.reservation, own + own_count);
    struct kerf_labels type_labels = kerf_catalog_type_labels(type, vocabulary, arena);
    struct kerf_labels own_labels = kerf_labels_sorted(arena, own, own_count);
    struct kerf_labels provided = kerf_labels_merge(arena, &type_labels, &own_labels);
    struct kerf_nodeclaim claim = node->claim;
    claim.meta.labels = kerf_labels_merge(arena, &provided, &claim.meta.labels);
    claim.capacity = type->capacity;
    claim.allocatable = type->allocatable;
    claim.provider_id = kerf_name_format(vocabulary->names, "aws:///%s/i-%016" PRIx64, zone->name->text, kerf_world_owner_of_node(node));
    kerf_cluster_update_claim(world->cluster, node->id, &claim);
    kerf_cluster_set_claim_condition(world->cluster, node->id, "Launched", KERF_CONDITION_TRUE, "Launched");
}

static void on_launched(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_lifecycle *lifecycle = context;
    struct kerf_world *world = lifecycle->world;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct claim_books *books = books_of(lifecycle, id);
    if (books->is_retried) {
        retry_launch(lifecycle, id);
        return;
    }
    if (!books->launched) {
        kerf_cluster_remove_node(world->cluster, id); /* insufficient capacity: the claim is deleted, the pods try again */
        return;
    }
    enum kerf_capacity_type capacity_type = (enum kerf_capacity_type)event->detail;
    set_launched(lifecycle, node, books, capacity_type);
    if (books->choice.subnet_index != KERF_NOT_FOUND)
        kerf_instance_join_network(world, id, books->choice.subnet_index, books->address, books->choice.type_index, node->claim.capacity.pods);
    kerf_world_notify(world, (struct kerf_notice){
                                 .kind = KERF_NOTICE_INSTANCE_STARTED,
                                 .node = id,
                                 .pod = KERF_NO_POD,
                                 .detail = books->choice.subnet_index,
                                 .value = kerf_offering_price(world, books->choice.type_index, books->choice.zone_index, capacity_type),
                             });
    if (kerf_cluster_is_deleted(node))
        return; /* the terminator takes it from here */
    books->next = kerf_world_schedule(world, kerf_engine_now(engine) + books->boot.registration_us, KERF_EVENT_NODE_JOINS, id.index, 0);
}

/* ---- registration and initialization ------------------------------------------------------------------------------------------- */

static void on_joins(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_lifecycle *lifecycle = context;
    struct kerf_world *world = lifecycle->world;
    struct kerf_vocabulary *vocabulary = world->vocabulary;
    kerf_node_id id = { (uint32_t)event->subject };
    const struct kerf_cluster_node *entry = kerf_cluster_node(world->cluster, id);
    struct claim_books *books = books_of(lifecycle, id);
    struct kerf_arena *arena = kerf_cluster_node_arena(world->cluster, id);
    kerf_name name = kerf_name_format(vocabulary->names, "ip-%s", entry->claim.meta.name->text);
    struct kerf_label own[] = { { vocabulary->key_hostname, name }, { vocabulary->key_registered, vocabulary->word_true } };
    struct kerf_labels own_labels = kerf_labels_sorted(arena, own, sizeof own / sizeof own[0]);
    size_t taint_count = entry->claim.taints.count + entry->claim.startup_taints.count + 1;
    struct kerf_taint *taints = KERF_NEW_ARRAY(arena, struct kerf_taint, taint_count);
    size_t at = 0;
    for (size_t i = 0; i < entry->claim.taints.count; i++)
        taints[at++] = entry->claim.taints.items[i];
    for (size_t i = 0; i < entry->claim.startup_taints.count; i++)
        taints[at++] = entry->claim.startup_taints.items[i];
    taints[at++] = (struct kerf_taint){ .key = vocabulary->key_taint_not_ready, .effect = KERF_TAINT_NO_SCHEDULE };
    struct kerf_meta_details *details = KERF_NEW(arena, struct kerf_meta_details);
    details->annotations = kerf_meta_details(&entry->claim.meta)->annotations;
    struct kerf_node node = {
        .meta = {
            .name = name,
            .uid = name,
            .created_epoch_us = kerf_world_epoch_now(world),
            .deletion_epoch_us = KERF_TIME_UNSET,
            .labels = kerf_labels_merge(arena, &entry->claim.meta.labels, &own_labels),
            .details = details,
        },
        .provider_id = entry->claim.provider_id,
        .taints = { taints, at },
        .capacity = entry->claim.capacity,
        .allocatable = entry->claim.allocatable,
    };
    if (!world->design->cni.pod_eni || entry->network) { /* Karpenter counts on branch interfaces; a node has them when its trunk is there */
        kerf_resources_remove(&node.capacity, KERF_RESOURCE_POD_ENI);
        kerf_resources_remove(&node.allocatable, KERF_RESOURCE_POD_ENI);
    }
    kerf_cluster_add_node(world->cluster, &node);
    kerf_cluster_set_claim_condition(world->cluster, id, "Registered", KERF_CONDITION_TRUE, "Registered");
    books->next = kerf_world_schedule(world, kerf_engine_now(engine) + books->boot.initialization_us, KERF_EVENT_NODE_READY, id.index, 0);
}

static void recheck_consolidatable(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    struct kerf_world *world = lifecycle->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    if (kerf_cluster_is_deleted(node)) /* a mark of the queue is in Karpenter's memory alone: this controller doesn't see it */
        return;
    struct claim_books *books = books_of(lifecycle, id);
    kerf_time_us recheck_epoch_us = KERF_TIME_NEVER;
    bool now_consolidatable = kerf_disruption_is_consolidatable(world->cluster, node, kerf_world_epoch_now(world), &recheck_epoch_us);
    if (now_consolidatable != node->consolidatable)
        kerf_cluster_set_claim_condition(world->cluster, id, "Consolidatable",
                                         now_consolidatable ? KERF_CONDITION_TRUE : KERF_CONDITION_FALSE, "Consolidatable");
    if (now_consolidatable || recheck_epoch_us == KERF_TIME_NEVER)
        return;
    /* An earlier look does no harm and looks again, so a check that is under way is left alone. */
    if (!kerf_engine_is_scheduled(world->engine, books->consolidatable))
        books->consolidatable = kerf_world_schedule(world, recheck_epoch_us - world->design->start_epoch_us, KERF_EVENT_CLAIM_CONSOLIDATABLE,
                                                    id.index, 0);
}

static void on_consolidatable(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    recheck_consolidatable(context, (kerf_node_id){ (uint32_t)event->subject });
}

/** Karpenter calls no node initialized that lacks something its pods asked for, such as a device. */
static bool has_what_was_asked_for(const struct kerf_cluster_node *node)
{
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (node->claim.requests.amounts[i] > 0 && node->node.allocatable.amounts[i] == 0)
            return false;
    return true;
}

static void make_ready(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    struct kerf_world *world = lifecycle->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct kerf_arena *arena = kerf_cluster_node_arena(world->cluster, id);
    struct kerf_taint *kept = KERF_NEW_ARRAY(arena, struct kerf_taint, node->node.taints.count);
    size_t kept_count = 0;
    for (size_t i = 0; i < node->node.taints.count; i++) {
        const struct kerf_taint *taint = &node->node.taints.items[i];
        bool goes = taint->key == world->vocabulary->key_taint_not_ready;
        for (size_t j = 0; j < node->claim.startup_taints.count && !goes; j++)
            goes = taint->key == node->claim.startup_taints.items[j].key && taint->effect == node->claim.startup_taints.items[j].effect;
        if (!goes)
            kept[kept_count++] = *taint;
    }
    kerf_cluster_set_node_taints(world->cluster, id, (struct kerf_taints){ kept, kept_count });
    kerf_cluster_set_node_condition(world->cluster, id, "Ready", KERF_CONDITION_TRUE);
    if (!has_what_was_asked_for(node))
        return;
    kerf_cluster_set_node_label(world->cluster, id, world->vocabulary->key_initialized, world->vocabulary->word_true);
    kerf_cluster_set_claim_condition(world->cluster, id, "Initialized", KERF_CONDITION_TRUE, "Initialized");
    recheck_consolidatable(lifecycle, id);
}

/** The node is ready when it has booted and its CNI works. */
static void make_ready_if_possible(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(lifecycle->world->cluster, id);
    struct claim_books *books = books_of(lifecycle, id);
    bool network_ready = !node->network || kerf_conditions_true(&node->node.conditions, "NetworkingReady");
    if (books && books->booted && !books->ended && network_ready && !kerf_node_is_ready(node))
        make_ready(lifecycle, id);
}

static void on_network_ready(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_lifecycle *lifecycle = context;
    kerf_node_id id = { (uint32_t)event->subject };
    if (kerf_cluster_node(lifecycle->world->cluster, id))
        make_ready_if_possible(lifecycle, id);
}

static void on_ready(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_lifecycle *lifecycle = context;
    kerf_node_id id = { (uint32_t)event->subject };
    struct claim_books *books = books_of(lifecycle, id);
    books->booted = true;
    make_ready_if_possible(lifecycle, id);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------------------ */

static void on_expire(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    struct kerf_lifecycle *lifecycle = context;
    struct kerf_world *world = lifecycle->world;
    kerf_node_id id = { (uint32_t)event->subject };
    if (kerf_cluster_is_deleted(kerf_cluster_node(world->cluster, id)))
        return;
    kerf_time_us now_us = kerf_engine_now(engine);
    if (now_us < lifecycle->next_expiry_us) {
        books_of(lifecycle, id)->expiry = kerf_world_schedule(world, lifecycle->next_expiry_us, KERF_EVENT_CLAIM_EXPIRE, id.index, 0);
        return;
    }
    lifecycle->next_expiry_us = now_us + EXPIRY_PAUSE_US;
    kerf_cluster_delete_claim(world->cluster, id);
}

static void start_claim(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    struct kerf_world *world = lifecycle->world;
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct claim_books *books = kerf_books_open(&lifecycle->books, id.index);
    kerf_time_us now_us = kerf_world_now(world);
    if (!node->claim.provider_id) /* else it was launched before the start */
        books->next = kerf_world_schedule(world, now_us, KERF_EVENT_CLAIM_LAUNCH, id.index, 0);
    kerf_time_us expire_us = node->claim.expire_after_us;
    if (expire_us != KERF_TIME_NEVER && expire_us <= world->design->horizon_us - now_us)
        books->expiry = kerf_world_schedule(world, now_us + expire_us, KERF_EVENT_CLAIM_EXPIRE, id.index, 0);
}

static void stop_claim(struct kerf_lifecycle *lifecycle, kerf_node_id id)
{
    struct claim_books *books = books_of(lifecycle, id);
    if (!books)
        return;
    kerf_engine_cancel(lifecycle->world->engine, books->next);
    kerf_engine_cancel(lifecycle->world->engine, books->expiry);
    kerf_engine_cancel(lifecycle->world->engine, books->pod_event);
    kerf_engine_cancel(lifecycle->world->engine, books->consolidatable);
    kerf_books_drop(&lifecycle->books, id.index);
}

static void note_pod_event(struct kerf_lifecycle *lifecycle, const struct kerf_change *change)
{
    struct claim_books *books = books_of(lifecycle, change->node);
    if (!books || kerf_engine_is_scheduled(lifecycle->world->engine, books->pod_event))
        return;
    const struct kerf_cluster_pod *pod = kerf_cluster_pod(lifecycle->world->cluster, change->pod);
    if (pod->daemon)
        return;
    /* Work happens in events: the condition is looked at again within this instant. */
    books->pod_event =
        kerf_world_schedule(lifecycle->world, kerf_world_now(lifecycle->world), KERF_EVENT_CLAIM_POD_EVENT, change->node.index, 0);
}

static void on_pod_event(void *context, struct kerf_engine *engine, const struct kerf_event *event)
{
    (void)engine;
    struct kerf_lifecycle *lifecycle = context;
    kerf_node_id id = { (uint32_t)event->subject };
    kerf_cluster_note_pod_event(lifecycle->world->cluster, id);
    recheck_consolidatable(lifecycle, id);
}

static void on_change(void *context, const struct kerf_cluster *cluster, const struct kerf_change *change)
{
    struct kerf_lifecycle *lifecycle = context;
    switch (change->kind) {
    case KERF_CHANGE_CLAIM_ADDED:
        start_claim(lifecycle, change->node);
        break;
    case KERF_CHANGE_CLAIM_DELETING: {
        struct claim_books *books = books_of(lifecycle, change->node);
        const struct kerf_cluster_node *node = kerf_cluster_node(cluster, change->node);
        if (books && kerf_cluster_is_deleted(node) && node->claim.provider_id)
            kerf_engine_cancel(lifecycle->world->engine, books->next); /* it will not join or become ready any more */
        break;
    }
    case KERF_CHANGE_NODE_REMOVED:
        stop_claim(lifecycle, change->node);
        break;
    case KERF_CHANGE_NODE_CHANGED: {
        const struct claim_books *books = books_of(lifecycle, change->node);
        if (books && books->booted && !books->ended && !kerf_node_is_ready(kerf_cluster_node(cluster, change->node)))
            kerf_world_schedule(lifecycle->world, kerf_world_now(lifecycle->world), KERF_EVENT_NETWORK_READY, change->node.index, 0);
        break;
    }
    case KERF_CHANGE_POD_BOUND:
    case KERF_CHANGE_POD_TERMINATING:
    case KERF_CHANGE_POD_FINISHED:
        note_pod_event(lifecycle, change);
        break;
    default:
        break;
    }
}

/** Its capacity reservation has room for another instance. */
static void leave_reservation(struct kerf_world *world, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    kerf_name reservation = node ? kerf_labels_get(&node->claim.meta.labels, world->vocabulary->key_capacity_reservation_id) : NULL;
    for (size_t i = 0; reservation && i < world->design->objects.capacity_reservations.count; i++)
        if (world->design->objects.capacity_reservations.items[i].id == reservation)
            kerf_cluster_change_reservation_room(world->cluster, (uint32_t)i, 1);
}

static void on_notice(void *context, const struct kerf_notice *notice)
{
    struct kerf_lifecycle *lifecycle = context;
    if (notice->kind != KERF_NOTICE_INSTANCE_ENDED)
        return;
    leave_reservation(lifecycle->world, notice->node);
    struct claim_books *books = books_of(lifecycle, notice->node);
    if (!books)
        return;
    books->ended = true;
    kerf_engine_cancel(lifecycle->world->engine, books->next);
}

struct kerf_lifecycle *kerf_lifecycle_new(struct kerf_world *world)
{
    struct kerf_lifecycle *lifecycle = kerf_allocate(sizeof *lifecycle);
    lifecycle->world = world;
    kerf_books_init(&lifecycle->books, sizeof(struct claim_books));
    kerf_cluster_listen(world->cluster, on_change, lifecycle);
    kerf_world_listen(world, on_notice, lifecycle);
    kerf_subnet_views_watch(world);
    kerf_engine_handle(world->engine, KERF_EVENT_CLAIM_LAUNCH, on_claim_launch, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_INSTANCE_LAUNCHED, on_launched, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_NODE_JOINS, on_joins, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_NODE_READY, on_ready, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_NETWORK_READY, on_network_ready, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_CLAIM_POD_EVENT, on_pod_event, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_CLAIM_CONSOLIDATABLE, on_consolidatable, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_CLAIM_EXPIRE, on_expire, lifecycle);
    kerf_engine_handle(world->engine, KERF_EVENT_OFFERING_SWEEP, on_sweep, lifecycle);
    return lifecycle;
}

void kerf_lifecycle_free(struct kerf_lifecycle *lifecycle)
{
    if (!lifecycle)
        return;
    kerf_books_fini(&lifecycle->books);
    free(lifecycle);
}
