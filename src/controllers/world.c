/**
 * What the controllers share: scheduling by kind, notices, rate limits, books by id, and the few steps of an instance's end that
 * several of them take.
 */
#include "controllers/controllers_internal.h"

#include <math.h>
#include <stdlib.h>

void kerf_world_notify(struct kerf_world *world, struct kerf_notice notice)
{
    for (uint32_t i = 0; i < world->notice_listener_count; i++)
        world->notice_listeners[i](world->notice_contexts[i], &notice);
}

struct kerf_provisioning_cache *kerf_world_provisioning_cache(struct kerf_world *world)
{
    if (!world->provisioning_cache)
        world->provisioning_cache = kerf_provisioning_cache_new(world->cluster);
    return world->provisioning_cache;
}

void kerf_world_listen(struct kerf_world *world, kerf_notice_listener listener, void *context)
{
    KERF_ASSERT(world->notice_listener_count < KERF_NOTICE_LISTENERS_MAX);
    world->notice_listeners[world->notice_listener_count] = listener;
    world->notice_contexts[world->notice_listener_count++] = context;
}

void kerf_world_fini(struct kerf_world *world)
{
    kerf_name_map_fini(&world->node_names);
    kerf_provisioning_cache_free(world->provisioning_cache);
    world->provisioning_cache = NULL;
}

kerf_event_handle kerf_world_schedule(struct kerf_world *world, kerf_time_us at_us, enum kerf_event_kind kind, uint64_t subject,
                                      uint32_t detail)
{
    enum kerf_event_class event_class = kind <= KERF_EVENT_POD_STOPPED ? KERF_EVENT_WORLD
                                        : kind == KERF_EVENT_SAMPLE    ? KERF_EVENT_OBSERVER
                                                                       : KERF_EVENT_CONTROLLER;
    return kerf_engine_schedule(world->engine, at_us,
                                (struct kerf_event){ .kind = (uint16_t)kind,
                                                     .event_class = (uint16_t)event_class,
                                                     .detail = detail,
                                                     .subject = subject });
}

uint64_t kerf_world_owner_of_pod(const struct kerf_cluster_pod *pod)
{
    return kerf_hash_mix(kerf_hash_text(kerf_name_text(pod->pod.meta.namespace_name)), kerf_hash_text(pod->pod.meta.name->text));
}

uint64_t kerf_world_owner_of_work(const struct kerf_world *world, const struct kerf_cluster_pod *pod)
{
    if (pod->workload_index == KERF_NOT_FOUND || pod->tag == 0)
        return kerf_world_owner_of_pod(pod);
    const struct kerf_meta *workload = &world->design->objects.workloads.items[pod->workload_index].meta;
    uint64_t hash = kerf_hash_mix(kerf_hash_text(kerf_name_text(workload->namespace_name)), kerf_hash_text(workload->name->text));
    return kerf_hash_mix(hash, pod->tag);
}

uint64_t kerf_world_owner_of_node(const struct kerf_cluster_node *node)
{
    return kerf_hash_text(node->has_claim ? node->claim.meta.name->text : node->node.meta.name->text);
}

struct kerf_boot_times kerf_world_draw_boot(struct kerf_world *world, uint64_t owner_hash, bool slow)
{
    uint64_t number = world->launch_counter++;
    return kerf_cloud_draw_boot(world->cloud, world->design->timings.boot_by_launch ? kerf_hash_mix(1, number) : owner_hash, slow);
}

const struct kerf_nodegroup *kerf_node_group(const struct kerf_world *world, const struct kerf_cluster_node *node)
{
    return node->nodegroup_index == KERF_NOT_FOUND ? NULL : &world->design->objects.nodegroups.items[node->nodegroup_index];
}

bool kerf_node_hears_of_notices(const struct kerf_world *world, const struct kerf_cluster_node *node)
{
    const struct kerf_nodegroup *group = kerf_node_group(world, node);
    if (node->has_claim)
        return world->design->karpenter.interruption_queue;
    return !group || group->managed || group->termination_handler != KERF_HANDLER_NONE;
}

/* ---- rate limits --------------------------------------------------------------------------------------------------------- */

struct kerf_token_bucket kerf_token_bucket_of(double per_second, int64_t burst)
{
    return (struct kerf_token_bucket){ .tokens = (double)burst, .burst = (double)burst, .per_second = per_second };
}

static void refill(struct kerf_token_bucket *bucket, kerf_time_us now_us)
{
    bucket->tokens += (double)(now_us - bucket->at_us) * bucket->per_second / (double)KERF_SECOND_US;
    if (bucket->tokens > bucket->burst)
        bucket->tokens = bucket->burst;
    bucket->at_us = now_us;
}

/* A token that is a rounding error away from whole is whole: kerf_token_bucket_next rounds to microseconds. */
static const double nearly_one = 1.0 - 1e-6;

bool kerf_token_bucket_take(struct kerf_token_bucket *bucket, kerf_time_us now_us)
{
    refill(bucket, now_us);
    if (bucket->tokens < nearly_one)
        return false;
    bucket->tokens -= 1.0;
    return true;
}

kerf_time_us kerf_token_bucket_next(struct kerf_token_bucket *bucket, kerf_time_us now_us)
{
    refill(bucket, now_us);
    if (bucket->tokens >= nearly_one)
        return now_us;
    return now_us + (kerf_time_us)ceil((1.0 - bucket->tokens) / bucket->per_second * (double)KERF_SECOND_US);
}

/* ---- books --------------------------------------------------------------------------------------------------------------- */

void kerf_books_init(struct kerf_books *books, size_t row_bytes)
{
    *books = (struct kerf_books){ .row_bytes = row_bytes };
}

void kerf_books_fini(struct kerf_books *books)
{
    kerf_id_map_fini(&books->rows_by_id);
    free(books->rows);
    free(books->free_rows);
}

void *kerf_books_open(struct kerf_books *books, uint32_t id)
{
    uint32_t row = kerf_id_map_get(&books->rows_by_id, id);
    if (row == KERF_NOT_FOUND) {
        if (books->free_count > 0) {
            row = books->free_rows[--books->free_count];
        } else {
            if (books->row_count == books->row_capacity) {
                size_t capacity = books->row_capacity;
                books->rows = kerf_vec_grow(books->rows, &capacity, books->row_bytes);
                books->row_capacity = (uint32_t)capacity;
            }
            row = books->row_count++;
        }
        kerf_id_map_put(&books->rows_by_id, id, row);
        memset(books->rows + row * books->row_bytes, 0, books->row_bytes);
    }
    return books->rows + row * books->row_bytes;
}

void *kerf_books_find(const struct kerf_books *books, uint32_t id)
{
    uint32_t row = kerf_id_map_get(&books->rows_by_id, id);
    return row == KERF_NOT_FOUND ? NULL : books->rows + row * books->row_bytes;
}

void kerf_books_drop(struct kerf_books *books, uint32_t id)
{
    uint32_t row = kerf_id_map_get(&books->rows_by_id, id);
    if (row == KERF_NOT_FOUND)
        return;
    kerf_id_map_remove(&books->rows_by_id, id);
    if (books->free_count == books->free_capacity) {
        size_t capacity = books->free_capacity;
        books->free_rows = kerf_vec_grow(books->free_rows, &capacity, sizeof *books->free_rows);
        books->free_capacity = (uint32_t)capacity;
    }
    books->free_rows[books->free_count++] = row;
}

/* ---- instances ----------------------------------------------------------------------------------------------------------- */

bool kerf_node_is_ready(const struct kerf_cluster_node *node)
{
    return node->has_node && kerf_conditions_true(&node->node.conditions, "Ready");
}

void kerf_subnet_notify(struct kerf_world *world, uint32_t subnet_index)
{
    struct kerf_vpc_subnet_counts counts = kerf_vpc_subnet_counts(world->network.subnets[subnet_index]);
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_SUBNET_USED,
                                                   .node = KERF_NO_NODE,
                                                   .pod = KERF_NO_POD,
                                                   .detail = subnet_index,
                                                   .value = (int64_t)counts.size - counts.free });
}

bool kerf_instance_take_address(struct kerf_world *world, uint32_t subnet_index, uint32_t *out_address)
{
    if (!kerf_vpc_ec2_launch(&world->network, subnet_index, out_address))
        return false;
    kerf_subnet_notify(world, subnet_index);
    return true;
}

void kerf_instance_give_address(struct kerf_world *world, uint32_t subnet_index, uint32_t address)
{
    kerf_vpc_subnet_release(world->network.subnets[subnet_index], address);
    kerf_subnet_notify(world, subnet_index);
}

void kerf_instance_join_network(struct kerf_world *world, kerf_node_id id, uint32_t subnet_index, uint32_t address, uint32_t type_index,
                                int64_t max_pods)
{
    const struct kerf_instance_facts *facts = kerf_catalog_facts(world->design->catalog, type_index);
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    struct kerf_vpc_pool_options options = {
        .settings = world->design->cni,
        .limits = { .enis = (int32_t)facts->enis, .ipv4_per_eni = (int32_t)facts->ipv4_per_eni },
        .max_pods = max_pods,
        .prefix_capable = facts->prefix_capable,
        .trunk_capable = facts->branch_enis > 0,
        .unmanaged_enis = node->nodegroup_index == KERF_NOT_FOUND ? 0 : world->design->objects.nodegroups.items[node->nodegroup_index].unmanaged_enis,
        .primary_subnet = subnet_index,
        .primary_excluded = world->design->subnets[subnet_index].use == KERF_SUBNET_NODES,
        .eni_subnet = kerf_subnet_for_pods(world, subnet_index, kerf_cluster_node_labels(world->cluster, node)),
        .primary_address = address,
        .order = KERF_ORDER_GO_MAPS,
        .order_key = kerf_hash_mix(kerf_hash_mix(world->seed, world->replication),
                                   kerf_world_owner_of_node(node)),
    };
    struct kerf_vpc_pool *pool = kerf_allocate(sizeof *pool);
    kerf_vpc_pool_init(pool, &options, kerf_world_now(world));
    kerf_cluster_set_network(world->cluster, id, subnet_index, pool);
}

void kerf_instance_end(struct kerf_world *world, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    kerf_world_notify(world, (struct kerf_notice){ .kind = KERF_NOTICE_INSTANCE_ENDED, .node = id, .pod = KERF_NO_POD });
    if (node->network) {
        kerf_vpc_ec2_terminate(&world->network, node->network);
        uint32_t subnet_index = node->subnet_index;
        kerf_cluster_set_network(world->cluster, id, KERF_NOT_FOUND, NULL);
        for (uint32_t i = 0; i < world->design->subnet_count; i++) /* its interfaces may have been in others of the zone */
            if (world->design->subnets[i].zone_index == world->design->subnets[subnet_index].zone_index)
                kerf_subnet_notify(world, i);
    }
}

void kerf_node_remove_with_pods(struct kerf_world *world, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(world->cluster, id);
    while (node->pod_count > 0)
        kerf_cluster_remove_pod(world->cluster, node->pods[node->pod_count - 1]);
    kerf_cluster_remove_node(world->cluster, id);
}

kerf_usd_micros kerf_offering_price(const struct kerf_world *world, uint32_t type_index, uint32_t zone_index,
                                    enum kerf_capacity_type capacity_type)
{
    const struct kerf_instance_facts *facts = kerf_catalog_facts(world->design->catalog, type_index);
    double usd = capacity_type == KERF_SPOT ? facts->spot_usd_per_hour[zone_index] : facts->billed_usd_per_hour;
    return isnan(usd) ? 0 : (kerf_usd_micros)llround(usd * 1e6);
}
