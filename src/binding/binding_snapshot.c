/**
 * The snapshot: nodes as kube-scheduler's cache holds them, refreshed from the cluster's journal, in the order of the node tree
 * (kube-scheduler.md 6.1); and columns over nodes that several pods ask for: domains of a topology key, numbers of pods that
 * match.
 */
#include "binding_internal.h"

#include <stdlib.h>

enum {
    LOG_MAX = 1 << 15,        /* then columns start anew */
    MATCH_COLUMNS_MAX = 512,  /* then all of them are forgotten */
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

/* ---- columns
 * ------------------------------------------------------------------------------------------------------------------------ */

static void grow_column(uint32_t **values, uint32_t *capacity, uint32_t slot_capacity)
{
    if (*capacity >= slot_capacity)
        return;
    *values = kerf_reallocate(*values, slot_capacity * sizeof **values);
    *capacity = slot_capacity;
}

static void read_key(const struct kerf_binding *binding, struct key_column *column, uint32_t slot)
{
    const struct node_info *info = &binding->nodes[slot];
    kerf_name value = info->alive ? kerf_labels_get(&info->labels, column->key) : NULL;
    uint32_t domain = KERF_NOT_FOUND;
    if (value) {
        domain = kerf_name_map_get(&column->domain_by_value, value);
        if (domain == KERF_NOT_FOUND) {
            domain = column->domain_count++;
            kerf_name_map_put(&column->domain_by_value, value, domain);
        }
    }
    column->domain_of_slot[slot] = domain;
}

struct key_column *kerf_binding_key_column(struct kerf_binding *binding, kerf_name key)
{
    struct key_column *column = NULL;
    for (size_t i = 0; i < binding->key_columns.count && !column; i++)
        if (binding->key_columns.items[i]->key == key)
            column = binding->key_columns.items[i];
    bool anew = false;
    if (!column) {
        column = kerf_allocate(sizeof *column);
        column->key = key;
        KERF_VEC_PUSH(&binding->key_columns, column);
        anew = true;
    }
    grow_column(&column->domain_of_slot, &column->slot_capacity, binding->slot_capacity);
    /* Host names of nodes that are gone would pile up: start anew when most domains are such. */
    if (anew || column->epoch != binding->epoch || column->domain_count > 2 * binding->order_count + 64) {
        kerf_name_map_clear(&column->domain_by_value);
        column->domain_count = 0;
        column->generation++;
        for (uint32_t slot = 0; slot < binding->slot_count; slot++)
            read_key(binding, column, slot);
        column->epoch = binding->epoch;
    } else {
        for (uint64_t at = column->cursor; at < binding->log.count; at++)
            read_key(binding, column, binding->log.items[at]);
    }
    column->cursor = binding->log.count;
    return column;
}

/** Namespaces of a term of the incoming pod, with the slip of this release: see the head of kube-scheduler.md. */
static bool term_takes_namespace(const struct kerf_binding *binding, const struct pod_term *term, kerf_name namespace_name)
{
    if (!term->namespace_count && !term->namespace_selector.present)
        return namespace_name == term->own_namespace;
    for (uint32_t i = 0; i < term->namespace_count; i++)
        if (term->namespaces[i] == namespace_name)
            return true;
    if (!term->namespace_selector.present)
        return false;
    /* The namespaces that match were added to the list; the selector stays in force beside it, against an empty label set. */
    static const struct kerf_labels no_labels = {0};
    return kerf_label_selector_matches(&term->namespace_selector, &no_labels) ||
           kerf_namespace_matches(binding->cluster, &term->namespace_selector, namespace_name);
}

bool kerf_binding_filter_takes(const struct kerf_binding *binding, const struct pod_filter *filter, const struct kerf_pod *pod)
{
    for (uint32_t i = 0; i < filter->term_count; i++) {
        const struct pod_term *term = &filter->terms[i];
        if (!kerf_label_selector_matches(&term->selector, &pod->meta.labels) ||
            !term_takes_namespace(binding, term, pod->meta.namespace_name))
            return false;
    }
    return true;
}

static bool selectors_equal(const struct kerf_label_selector *a, const struct kerf_label_selector *b)
{
    if (a->present != b->present || a->invalid != b->invalid || a->expressions.count != b->expressions.count)
        return false;
    for (size_t i = 0; i < a->expressions.count; i++) {
        const struct kerf_expression *x = &a->expressions.items[i], *y = &b->expressions.items[i];
        if (x->key != y->key || x->op != y->op || x->value_count != y->value_count)
            return false;
        for (uint32_t v = 0; v < x->value_count; v++)
            if (x->values[v] != y->values[v])
                return false;
    }
    return true;
}

static bool filters_equal(const struct pod_filter *a, const struct pod_filter *b)
{
    if (a->term_count != b->term_count || a->skip_terminating != b->skip_terminating)
        return false;
    for (uint32_t i = 0; i < a->term_count; i++) {
        const struct pod_term *x = &a->terms[i], *y = &b->terms[i];
        if (x->own_namespace != y->own_namespace || x->namespace_count != y->namespace_count ||
            !selectors_equal(&x->selector, &y->selector) || !selectors_equal(&x->namespace_selector, &y->namespace_selector))
            return false;
        for (uint32_t n = 0; n < x->namespace_count; n++)
            if (x->namespaces[n] != y->namespaces[n])
                return false;
    }
    return true;
}

static struct kerf_label_selector copy_selector(struct kerf_arena *arena, const struct kerf_label_selector *selector)
{
    struct kerf_label_selector copy = *selector;
    struct kerf_expression *expressions =
        kerf_arena_copy(arena, selector->expressions.items, selector->expressions.count * sizeof *expressions);
    for (size_t i = 0; i < copy.expressions.count; i++)
        expressions[i].values = kerf_arena_copy(arena, expressions[i].values, expressions[i].value_count * sizeof(kerf_name));
    copy.expressions.items = expressions;
    return copy;
}

static struct pod_filter copy_filter(struct kerf_arena *arena, const struct pod_filter *filter)
{
    struct pod_term *terms = kerf_arena_copy(arena, filter->terms, filter->term_count * sizeof *terms);
    for (uint32_t i = 0; i < filter->term_count; i++) {
        terms[i].namespaces = kerf_arena_copy(arena, terms[i].namespaces, terms[i].namespace_count * sizeof(kerf_name));
        terms[i].selector = copy_selector(arena, &terms[i].selector);
        terms[i].namespace_selector = copy_selector(arena, &terms[i].namespace_selector);
    }
    return (struct pod_filter){.terms = terms, .term_count = filter->term_count, .skip_terminating = filter->skip_terminating};
}

static void free_match_columns(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->match_columns.count; i++) {
        free(binding->match_columns.items[i]->count_of_slot);
        KERF_VEC_FREE(&binding->match_columns.items[i]->takes);
        KERF_VEC_FREE(&binding->match_columns.items[i]->taken);
        free(binding->match_columns.items[i]);
    }
    binding->match_columns.count = 0;
    kerf_arena_reset(&binding->filter_arena);
}

static void grow_match_column(const struct kerf_binding *binding, struct match_column *column)
{
    grow_column(&column->count_of_slot, &column->slot_capacity, binding->slot_capacity);
    for (; column->known_slots < binding->slot_count; column->known_slots++)
        column->count_of_slot[column->known_slots] = 0; /* the log names them too */
}

void kerf_binding_grow_match_columns(struct kerf_binding *binding)
{
    for (size_t i = 0; i < binding->match_columns.count; i++)
        grow_match_column(binding, binding->match_columns.items[i]);
}

void kerf_binding_trim_columns(struct kerf_binding *binding)
{
    if (binding->match_columns.count > MATCH_COLUMNS_MAX)
        free_match_columns(binding);
}

struct match_column *kerf_binding_match_column(struct kerf_binding *binding, const struct pod_filter *filter)
{
    struct match_column *column = NULL;
    for (size_t i = 0; i < binding->match_columns.count && !column; i++)
        if (filters_equal(&binding->match_columns.items[i]->filter, filter))
            column = binding->match_columns.items[i];
    bool anew = false;
    if (!column) {
        column = kerf_allocate(sizeof *column);
        column->filter = copy_filter(&binding->filter_arena, filter);
        KERF_VEC_PUSH(&binding->match_columns, column);
        anew = true;
    }
    grow_match_column(binding, column);
    if (kerf_binding_follow_classes(binding, column, anew)) {
        column->cursor = binding->log.count;
        return column;
    }
    if (anew || column->epoch != binding->epoch) {
        column->total = 0;
        for (uint32_t slot = 0; slot < binding->slot_count; slot++)
            column->total += column->count_of_slot[slot] = kerf_binding_count_matches(binding, column, slot);
        column->epoch = binding->epoch;
        column->known_slots = binding->slot_count;
        kerf_binding_mark_classes(binding, column);
    } else {
        for (uint64_t at = column->cursor; at < binding->log.count; at++) {
            uint32_t slot = binding->log.items[at];
            column->total -= column->count_of_slot[slot];
            column->count_of_slot[slot] = kerf_binding_count_matches(binding, column, slot);
            column->total += column->count_of_slot[slot];
        }
    }
    column->cursor = binding->log.count;
    return column;
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
    free_match_columns(binding);
    kerf_binding_classes_fini(binding);
    KERF_VEC_FREE(&binding->match_columns);
    for (size_t i = 0; i < binding->key_columns.count; i++) {
        free(binding->key_columns.items[i]->domain_of_slot);
        kerf_name_map_fini(&binding->key_columns.items[i]->domain_by_value);
        free(binding->key_columns.items[i]);
    }
    KERF_VEC_FREE(&binding->key_columns);
    for (size_t i = 0; i < binding->zones.count; i++)
        KERF_VEC_FREE(&binding->zones.items[i].slots);
    KERF_VEC_FREE(&binding->zones);
    KERF_VEC_FREE(&binding->free_slots);
    KERF_VEC_FREE(&binding->log);
    KERF_VEC_FREE(&binding->images);
    kerf_name_map_fini(&binding->slot_by_name);
    kerf_name_map_fini(&binding->image_by_name);
    kerf_arena_fini(&binding->filter_arena);
    free(binding->nodes);
    free(binding->slot_of_node);
    free(binding->order);
    free(binding->feasible);
}
