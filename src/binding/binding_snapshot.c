/**
 * The snapshot: nodes as kube-scheduler's cache holds them, refreshed from the cluster's journal, in the order of the node tree
 * (kube-scheduler.md 6.1).
 */
#include "binding_internal.h"

#include <stdlib.h>

enum {
    LOG_MAX = 1 << 15,        /* then columns start anew */
    DEFAULT_MILLICORES = 100, /* of a container without a cpu request, for scores */
};
#define DEFAULT_MEMORY_BYTES (200ll * 1024 * 1024)

static int64_t rounded_up(int64_t amount, int64_t unit)
{
    return amount / unit + (amount % unit > 0);
}

int64_t kerf_binding_unit_amount(enum kerf_resource resource, int64_t amount)
{
    return resource == KERF_RESOURCE_CPU    ? rounded_up(amount, 1000000)
           : resource == KERF_RESOURCE_PODS ? amount
                                            : rounded_up(amount, 1000);
}

/** Section 4.1 for one resource, with an amount assumed for containers that state none (0: none assumed). */
static int64_t effective_request(const struct kerf_pod_spec *spec, enum kerf_resource resource, int64_t assumed,
                                 bool use_pod_level)
{
    int64_t sidecars = 0, init_step = 0, running = 0;
    for (uint32_t i = 0; i < spec->container_count; i++) {
        const struct kerf_container *container = &spec->containers[i];
        int64_t request = kerf_resources_has(&container->requests, resource) ? container->requests.amounts[resource] : assumed;
        if (!container->init) {
            running = kerf_saturate_i64((kerf_i128)running + request);
        } else if (container->restart_always) {
            sidecars = kerf_saturate_i64((kerf_i128)sidecars + request);
            init_step = kerf_max_i64(init_step, sidecars);
        } else {
            init_step = kerf_max_i64(init_step, kerf_saturate_i64((kerf_i128)sidecars + request));
        }
    }
    int64_t base = kerf_max_i64(kerf_saturate_i64((kerf_i128)running + sidecars), init_step);
    if (use_pod_level && spec->has_pod_level_requests && kerf_resources_has(&spec->pod_level_requests, resource))
        base = spec->pod_level_requests.amounts[resource];
    return kerf_saturate_i64((kerf_i128)base + spec->overhead.amounts[resource]);
}

static int64_t nonzero_request(const struct kerf_pod *pod, enum kerf_resource resource, int64_t assumed, bool on_node)
{
    const struct kerf_pod_spec *spec = pod->spec;
    /* On a node a pod with requests of its own level is given the default only for what is stated nowhere. */
    if (on_node && spec->has_pod_level_requests && kerf_resources_has(&spec->requests, resource))
        assumed = 0;
    int64_t amount = kerf_binding_unit_amount(resource, effective_request(spec, resource, assumed, on_node));
    if (on_node && pod->requests != &spec->requests) /* resized in place */
        amount = kerf_max_i64(amount, kerf_binding_unit_amount(resource, pod->requests->amounts[resource]));
    return amount;
}

void kerf_binding_nonzero_requests(const struct kerf_pod *pod, bool on_node, int64_t *out_cpu, int64_t *out_memory)
{
    *out_cpu = nonzero_request(pod, KERF_RESOURCE_CPU, DEFAULT_MILLICORES * 1000000ll, on_node);
    *out_memory = nonzero_request(pod, KERF_RESOURCE_MEMORY, DEFAULT_MEMORY_BYTES * 1000, on_node);
}

/* ---- nodes
 * ------------------------------------------------------------------------------------------------------------------------ */

static bool has_terms(const struct kerf_pod_spec *spec)
{
    return spec->required_affinity.count || spec->preferred_affinity.count || spec->required_anti_affinity.count ||
           spec->preferred_anti_affinity.count;
}

static bool has_ports(const struct kerf_pod_spec *spec)
{
    for (uint32_t i = 0; i < spec->container_count; i++)
        if (spec->containers[i].host_port_count)
            return true;
    return false;
}

void kerf_binding_count_pod(struct kerf_binding *binding, struct node_info *info, const struct kerf_pod *pod, int32_t sign)
{
    for (uint32_t present = pod->requests->present; present; present &= present - 1) {
        enum kerf_resource resource = (enum kerf_resource)__builtin_ctz(present);
        if (resource != KERF_RESOURCE_PODS)
            info->used[resource] += sign * kerf_binding_unit_amount(resource, pod->requests->amounts[resource]);
    }
    info->used[KERF_RESOURCE_PODS] += sign;
    if (has_terms(pod->spec)) {
        info->affinity_pods += (uint32_t)sign;
        binding->affinity_pod_total += (uint64_t)sign;
    }
    if (pod->spec->required_anti_affinity.count > 0) {
        info->anti_pods += (uint32_t)sign;
        binding->anti_pod_total += (uint64_t)sign;
    }
    if (has_ports(pod->spec))
        info->port_pods += (uint32_t)sign;
    if (pod->spec->volume_count > 0)
        info->volume_pods += (uint32_t)sign;
}

/** Nothing counts on the node any more. */
static void forget_pods(struct kerf_binding *binding, struct node_info *info)
{
    binding->affinity_pod_total -= info->affinity_pods;
    binding->anti_pod_total -= info->anti_pods;
    memset(info->used, 0, sizeof info->used);
    info->nonzero_cpu = info->nonzero_memory = 0;
    info->affinity_pods = info->anti_pods = info->port_pods = info->volume_pods = 0;
}

static void count_pods(struct kerf_binding *binding, struct node_info *info, const struct kerf_cluster_node *node)
{
    forget_pods(binding, info);
    info->lowest_priority = INT32_MAX;
    for (uint32_t i = 0; i < node->pod_count; i++) {
        const struct kerf_pod *pod = &kerf_cluster_pod(binding->cluster, node->pods[i])->pod;
        if (kerf_pod_is_terminal(pod))
            continue;
        kerf_binding_count_pod(binding, info, pod, 1);
        if (kerf_pod_priority(pod) < info->lowest_priority)
            info->lowest_priority = kerf_pod_priority(pod);
        if (info->lowest_priority < binding->lowest_priority)
            binding->lowest_priority = info->lowest_priority;
        int64_t cpu, memory;
        kerf_binding_nonzero_requests(pod, true, &cpu, &memory);
        info->nonzero_cpu += cpu;
        info->nonzero_memory += memory;
    }
}

static kerf_name zone_label(const struct kerf_binding *binding, const struct kerf_labels *labels, const char *beta_key,
                            kerf_name key)
{
    struct kerf_names *names = kerf_cluster_vocabulary(binding->cluster)->names;
    kerf_name old_key = kerf_name_find(names, beta_key);
    kerf_name value = old_key ? kerf_labels_get(labels, old_key) : NULL;
    return value ? value : kerf_labels_get(labels, key);
}

/** Region and zone under which the node stands in the tree. */
static void zone_key(const struct kerf_binding *binding, const struct kerf_labels *labels, kerf_name *out_region,
                     kerf_name *out_zone)
{
    const struct kerf_vocabulary *vocabulary = kerf_cluster_vocabulary(binding->cluster);
    *out_region = zone_label(binding, labels, "failure-domain.beta.kubernetes.io/region", vocabulary->key_region);
    *out_zone = zone_label(binding, labels, "failure-domain.beta.kubernetes.io/zone", vocabulary->key_zone);
}

static void add_to_tree(struct kerf_binding *binding, uint32_t slot)
{
    struct node_info *info = &binding->nodes[slot];
    size_t at = 0;
    while (at < binding->zones.count &&
           (binding->zones.items[at].region != info->region || binding->zones.items[at].zone != info->zone))
        at++;
    if (at == binding->zones.count)
        KERF_VEC_PUSH(&binding->zones, (struct zone_list){.region = info->region, .zone = info->zone});
    KERF_VEC_PUSH(&binding->zones.items[at].slots, slot);
    binding->order_stale = true;
}

static void remove_from_tree(struct kerf_binding *binding, uint32_t slot)
{
    const struct node_info *info = &binding->nodes[slot];
    for (size_t at = 0; at < binding->zones.count; at++) {
        struct zone_list *zone = &binding->zones.items[at];
        if (zone->region != info->region || zone->zone != info->zone)
            continue;
        size_t kept = 0;
        for (size_t i = 0; i < zone->slots.count; i++)
            if (zone->slots.items[i] != slot)
                zone->slots.items[kept++] = zone->slots.items[i];
        zone->slots.count = kept;
        if (!kept) { /* the zone comes back at the end */
            KERF_VEC_FREE(&zone->slots);
            memmove(zone, zone + 1, (binding->zones.count - at - 1) * sizeof *zone);
            binding->zones.count--;
        }
        break;
    }
    binding->order_stale = true;
}

uint32_t kerf_binding_take_slot(struct kerf_binding *binding)
{
    if (binding->free_slots.count)
        return binding->free_slots.items[--binding->free_slots.count];
    if (binding->slot_count == binding->slot_capacity) {
        binding->slot_capacity = binding->slot_capacity ? binding->slot_capacity * 2 : 64;
        binding->nodes = kerf_reallocate(binding->nodes, binding->slot_capacity * sizeof *binding->nodes);
    }
    memset(&binding->nodes[binding->slot_count], 0, sizeof *binding->nodes);
    return binding->slot_count++;
}

static void remember_slot(struct kerf_binding *binding, kerf_node_id id, uint32_t slot)
{
    if (id.index >= binding->node_id_capacity) {
        uint32_t capacity = binding->node_id_capacity ? binding->node_id_capacity : 64;
        while (capacity <= id.index)
            capacity *= 2;
        binding->slot_of_node = kerf_reallocate(binding->slot_of_node, capacity * sizeof *binding->slot_of_node);
        for (uint32_t i = binding->node_id_capacity; i < capacity; i++)
            binding->slot_of_node[i] = KERF_NOT_FOUND;
        binding->node_id_capacity = capacity;
    }
    binding->slot_of_node[id.index] = slot;
}

void kerf_binding_note_slot(struct kerf_binding *binding, uint32_t slot)
{
    KERF_VEC_PUSH(&binding->log, slot);
    if (slot < binding->slot_classes_capacity)
        binding->slot_classes[slot].known = false;
}

static void drop_node(struct kerf_binding *binding, uint32_t slot)
{
    struct node_info *info = &binding->nodes[slot];
    remove_from_tree(binding, slot);
    if (kerf_name_map_get(&binding->slot_by_name, info->name) == slot)
        kerf_name_map_remove(&binding->slot_by_name, info->name);
    binding->slot_of_node[info->id.index] = KERF_NOT_FOUND;
    binding->images_stale |= info->image_count > 0;
    binding->soft_taint_nodes -= info->has_soft_taints;
    info->alive = false;
    info->has_soft_taints = false;
    forget_pods(binding, info);
    kerf_binding_note_slot(binding, slot);
    KERF_VEC_PUSH(&binding->free_slots, slot);
}

void kerf_binding_read_node(const struct kerf_binding *binding, struct node_info *info, const struct kerf_node *node)
{
    info->alive = true;
    info->name = node->meta.name;
    info->labels = node->meta.labels;
    info->taints = node->taints;
    info->unschedulable = node->unschedulable;
    info->has_hard_taints = info->has_soft_taints = false;
    for (size_t i = 0; i < info->taints.count; i++) {
        if (info->taints.items[i].effect == KERF_TAINT_PREFER_NO_SCHEDULE)
            info->has_soft_taints = true;
        else
            info->has_hard_taints = true;
    }
    for (int r = 0; r < KERF_RESOURCE_MAX; r++)
        info->allocatable[r] = kerf_binding_unit_amount((enum kerf_resource)r, node->allocatable.amounts[r]);
    zone_key(binding, &node->meta.labels, &info->region, &info->zone);
    info->images = node->images;
    info->image_count = node->image_count;
}

static void read_node(struct kerf_binding *binding, kerf_node_id id)
{
    const struct kerf_cluster_node *node = kerf_cluster_node(binding->cluster, id);
    uint32_t slot = id.index < binding->node_id_capacity ? binding->slot_of_node[id.index] : KERF_NOT_FOUND;
    if (!node || !node->has_node) {
        if (slot != KERF_NOT_FOUND)
            drop_node(binding, slot);
        return;
    }
    bool is_new = slot == KERF_NOT_FOUND;
    if (is_new) {
        slot = kerf_binding_take_slot(binding);
        remember_slot(binding, id, slot);
        kerf_name_map_put(&binding->slot_by_name, node->node.meta.name, slot);
    }
    struct node_info *info = &binding->nodes[slot];
    if (!is_new && info->scheduling_revision == node->scheduling_revision)
        return; /* nothing that is looked at here; or several entries of the journal, one look */
    kerf_name region, zone;
    zone_key(binding, &node->node.meta.labels, &region, &zone);
    bool moved = !is_new && (info->region != region || info->zone != zone);
    if (moved)
        remove_from_tree(binding, slot);
    binding->images_stale |= is_new || info->images != node->node.images || info->image_count != node->node.image_count;
    info->id = id;
    info->scheduling_revision = node->scheduling_revision;
    uint32_t had_soft_taints = is_new ? 0 : info->has_soft_taints;
    kerf_binding_read_node(binding, info, &node->node);
    binding->soft_taint_nodes += info->has_soft_taints - had_soft_taints;
    count_pods(binding, info, node);
    if (is_new || moved)
        add_to_tree(binding, slot);
    kerf_binding_note_slot(binding, slot);
}

/** The first of each zone in turn, then the second of each, and so on. */
static void rebuild_order(struct kerf_binding *binding)
{
    uint32_t total = 0;
    for (size_t i = 0; i < binding->zones.count; i++)
        total += (uint32_t)binding->zones.items[i].slots.count;
    binding->order = kerf_reallocate(binding->order, (total + 1) * sizeof *binding->order);
    binding->feasible = kerf_reallocate(binding->feasible, (total + 1) * sizeof *binding->feasible);
    binding->order_count = 0;
    for (size_t turn = 0; binding->order_count < total; turn++)
        for (size_t i = 0; i < binding->zones.count; i++)
            if (turn < binding->zones.items[i].slots.count)
                binding->order[binding->order_count++] = binding->zones.items[i].slots.items[turn];
    if (binding->order_count)
        binding->start_index %= binding->order_count;
    binding->order_stale = false;
}

struct appeared {
    uint64_t appearance;
    kerf_node_id id;
};

static int compare_appeared(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_compare_u64(((const struct appeared *)a)->appearance, ((const struct appeared *)b)->appearance);
}

/** Looks at every node; those that are new come in the order in which they appeared. */
static void read_all(struct kerf_binding *binding)
{
    for (uint32_t slot = 0; slot < binding->slot_count; slot++) {
        if (!binding->nodes[slot].alive)
            continue;
        const struct kerf_cluster_node *node = kerf_cluster_node(binding->cluster, binding->nodes[slot].id);
        if (!node || !node->has_node)
            drop_node(binding, slot);
    }
    size_t count = kerf_cluster_node_count(binding->cluster);
    struct appeared *appeared = kerf_allocate(kerf_array_bytes(count, sizeof *appeared));
    size_t found = 0;
    for (size_t at = 0; at < count; at++) {
        const struct kerf_cluster_node *node = kerf_cluster_node_at(binding->cluster, at);
        if (node->has_node)
            appeared[found++] = (struct appeared){node->appearance, node->id};
    }
    kerf_sort(appeared, found, sizeof *appeared, compare_appeared, NULL);
    for (size_t i = 0; i < found; i++)
        read_node(binding, appeared[i].id);
    free(appeared);
}

void kerf_binding_trim_log(struct kerf_binding *binding)
{
    if (binding->log.count > LOG_MAX) {
        kerf_binding_cut_class_changes(binding);
        binding->log.count = 0;
        binding->epoch++;
    }
}

void kerf_binding_refresh(struct kerf_binding *binding)
{
    uint64_t count = kerf_cluster_journal_count(binding->cluster);
    if (binding->built && binding->journal_cursor == count)
        return;
    kerf_node_id id;
    if (!binding->built || !kerf_cluster_journal_at(binding->cluster, binding->journal_cursor, &id)) {
        read_all(binding);
        binding->built = true;
    } else {
        for (uint64_t number = binding->journal_cursor; number < count; number++)
            if (kerf_cluster_journal_at(binding->cluster, number, &id))
                read_node(binding, id);
    }
    binding->journal_cursor = count;
    if (binding->order_stale)
        rebuild_order(binding);
    kerf_binding_trim_log(binding);
}

/* ---- images
 * ------------------------------------------------------------------------------------------------------------------------- */

void kerf_binding_refresh_images(struct kerf_binding *binding)
{
    if (!binding->images_stale)
        return;
    binding->images_stale = false;
    binding->image_generation += binding->any_images;
    binding->any_images = false;
    binding->images.count = 0;
    kerf_name_map_clear(&binding->image_by_name);
    for (size_t z = 0; z < binding->zones.count; z++) {
        for (size_t i = 0; i < binding->zones.items[z].slots.count; i++) {
            const struct node_info *info = &binding->nodes[binding->zones.items[z].slots.items[i]];
            for (uint32_t image = 0; image < info->image_count; image++) {
                for (uint32_t n = 0; n < info->images[image].name_count; n++) {
                    kerf_name name = info->images[image].names[n];
                    uint32_t index = kerf_name_map_get(&binding->image_by_name, name);
                    if (index == KERF_NOT_FOUND) {
                        index = (uint32_t)binding->images.count;
                        KERF_VEC_PUSH(&binding->images, (struct image_state){.size_bytes = info->images[image].size_bytes});
                        kerf_name_map_put(&binding->image_by_name, name, index);
                    }
                    binding->images.items[index].node_count++;
                    binding->any_images = true;
                }
            }
        }
    }
    binding->image_generation += binding->any_images;
}

void kerf_binding_snapshot_fini(struct kerf_binding *binding)
{
    kerf_binding_columns_fini(binding);
    kerf_binding_classes_fini(binding);
    for (size_t i = 0; i < binding->zones.count; i++)
        KERF_VEC_FREE(&binding->zones.items[i].slots);
    KERF_VEC_FREE(&binding->zones);
    KERF_VEC_FREE(&binding->free_slots);
    KERF_VEC_FREE(&binding->log);
    KERF_VEC_FREE(&binding->images);
    kerf_name_map_fini(&binding->slot_by_name);
    kerf_name_map_fini(&binding->image_by_name);
    free(binding->nodes);
    free(binding->slot_of_node);
    free(binding->order);
    free(binding->feasible);
}
