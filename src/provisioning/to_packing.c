/** to_packing: see to_packing.h. Prices are whole billionths of a dollar an hour, rounded down. */
#include "provisioning/to_packing.h"

#include <stdlib.h>

enum { MEMORY_DOUBLINGS_MAX = 6 };

void kerf_packing_init(struct kerf_packing *packing, struct kerf_pass *pass, enum kerf_packing_reading reading)
{
    *packing = (struct kerf_packing){.pass = pass, .reading = reading};
    kerf_arena_init(&packing->arena);
}

void kerf_packing_fini(struct kerf_packing *packing)
{
    for (size_t i = 0; i < packing->classes.count; i++)
        KERF_VEC_FREE(&packing->classes.items[i].pods);
    KERF_VEC_FREE(&packing->classes);
    KERF_VEC_FREE(&packing->bins);
    KERF_VEC_FREE(&packing->items);
    kerf_id_map_fini(&packing->class_index);
    kerf_arena_fini(&packing->arena);
    free(packing->memory);
}

/* ---- classes ---------------------------------------------------------------------------------------------------------- */

/* A label that the template leaves open may be brought by another pod of the claim: a bound counts with it. */
static bool is_compatible(const struct kerf_packing *packing, const struct kerf_requirements *template,
                          const struct kerf_requirements *pod)
{
    if (packing->reading == KERF_PACKING_BOUND)
        return kerf_requirements_intersect(template, pod, NULL);
    return kerf_requirements_compatible(packing->pass->vocabulary, template, pod, KERF_UNDEFINED_WELL_KNOWN, NULL);
}

/* What of a template a pod may be put on, as it asks now. Added to `offer`. */
static void add_offer(struct kerf_packing *packing, uint32_t index, struct kerf_pass_pod *pod, struct kerf_packing_offer *offer)
{
    struct kerf_pass *pass = packing->pass;
    struct kerf_template *template = &pass->templates[index];
    const uint64_t *options = kerf_pass_options_within_limits(pass, template, NULL);
    if (options == NULL || !kerf_pass_tolerates(pod, &template->pool->nodepool->taints) ||
        !is_compatible(packing, &template->requirements, &pod->now.full))
        return;
    uint32_t words = template->pool->table->words;
    struct kerf_requirements requirements = kerf_requirements_copy(&pass->scratch, &template->requirements);
    kerf_requirements_add_all(&pass->scratch, &requirements, &pod->now.full);
    struct kerf_filter filter = {
        .template = template,
        .options = options,
        .requirements = &requirements,
        .requests = pod->requests,
        .pod = pod,
        .lower_min_values = pass->options.min_values_policy == KERF_MIN_VALUES_BEST_EFFORT,
        .remaining = KERF_NEW_ARRAY(&pass->scratch, uint64_t, words),
    };
    if (!kerf_pass_filter_types(pass, &filter, NULL))
        return;
    if (offer->types == NULL)
        offer->types = KERF_NEW_ARRAY(&packing->arena, uint64_t, words);
    for (uint32_t word = 0; word < words; word++)
        offer->types[word] |= filter.remaining[word];
    offer->slots |= filter.slots;
}

static void add_offers(struct kerf_packing *packing, struct kerf_packing_class *class)
{
    struct kerf_pass *pass = packing->pass;
    int64_t weight = INT64_MIN;
    for (uint32_t i = 0; i < pass->template_count; i++) {
        const struct kerf_nodepool *nodepool = pass->templates[i].pool->nodepool;
        if (packing->reading == KERF_PACKING_PLAN && weight != INT64_MIN && nodepool->weight != weight)
            return; /* a heavier NodePool takes it */
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        add_offer(packing, i, class->sample, &class->offers[i]);
        kerf_arena_rewind(&pass->scratch, mark);
        if (class->offers[i].types != NULL)
            weight = nodepool->weight;
    }
}

static void add_nodes(struct kerf_packing *packing, struct kerf_packing_class *class)
{
    struct kerf_pass *pass = packing->pass;
    for (uint32_t i = 0; i < pass->node_count; i++) {
        struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
        if (kerf_resources_fit(class->sample->requests, &pass->nodes[i].remaining) &&
            kerf_pass_tolerates(class->sample, &pass->nodes[i].taints) &&
            kerf_requirements_intersect(kerf_pass_node_requirements(pass, &pass->nodes[i]), &class->sample->now.full, NULL))
            kerf_bit_set(class->nodes, i);
        kerf_arena_rewind(&pass->scratch, mark);
    }
}

static void lower_per_bin_max(struct kerf_packing_class *class, int64_t most)
{
    if (class->per_bin_max == 0 || most < class->per_bin_max)
        class->per_bin_max = most;
}

/* What the pod's own groups say of pods that share a bin with their likes, and of zones. */
static void read_groups(struct kerf_packing *packing, struct kerf_packing_class *class, const struct kerf_group_list *groups)
{
    const struct kerf_pass *pass = packing->pass;
    if (class->sample->has_host_ports)
        lower_per_bin_max(class, 1);
    class->apart = (struct kerf_group_list){KERF_NEW_ARRAY(&packing->arena, uint32_t, groups->count), 0};
    for (uint32_t i = 0; i < groups->count; i++) {
        const struct kerf_topology_group *group = pass->topology.groups.items[groups->items[i]];
        bool counts_itself = kerf_group_selects(pass, group, class->sample->pod);
        if (group->kind == KERF_GROUP_ANTI_AFFINITY && group->space->is_hostname)
            class->apart.items[class->apart.count++] = groups->items[i];
        if (group->kind == KERF_GROUP_AFFINITY)
            class->is_left_out = true;
        else if (!counts_itself)
            continue; /* others decide: looked at when the plan is carried out */
        else if (group->space->is_hostname)
            lower_per_bin_max(class, group->kind == KERF_GROUP_SPREAD && group->max_skew > 1 ? group->max_skew : 1);
        else if (group->kind == KERF_GROUP_SPREAD && group->space->key == pass->vocabulary->key_zone &&
                 class->zone_group == KERF_NOT_FOUND)
            class->zone_group = groups->items[i];
        else
            class->is_left_out = true;
    }
}

static struct kerf_group_list common_groups(struct kerf_packing *packing, const struct kerf_group_list *a,
                                            const struct kerf_group_list *b)
{
    struct kerf_group_list common = {KERF_NEW_ARRAY(&packing->arena, uint32_t, a->count), 0};
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t k = 0; k < b->count; k++)
            if (a->items[i] == b->items[k]) {
                common.items[common.count++] = a->items[i];
                break;
            }
    return common;
}

/* The class as it asks now, and in the reading that bounds also as it asks when preferences are given up. */
static void read_class(struct kerf_packing *packing, struct kerf_packing_class *class)
{
    struct kerf_pass *pass = packing->pass;
    struct kerf_pass_pod *pod = class->sample;
    add_offers(packing, class);
    if (packing->reading == KERF_PACKING_PLAN) {
        class->is_left_out = pod->has_claim_volumes || pod->volumes_unreadable || pod->volume_alternative_count > 0 ||
                             pod->pod->spec->resource_claim_count > 0;
        read_groups(packing, class, &pod->now.groups);
        return;
    }
    const struct kerf_group_list first = pod->now.groups;
    add_nodes(packing, class);
    while (kerf_pass_relax(pass, pod)) {
        add_offers(packing, class);
        add_nodes(packing, class);
    }
    /* what no relaxing takes away; relaxed pods may count in a group of their own, and then share a node with others */
    struct kerf_group_list lasting = common_groups(packing, &first, &pod->now.groups);
    read_groups(packing, class, &lasting);
    class->is_left_out = false;
    class->zone_group = KERF_NOT_FOUND;
    kerf_pass_restore(pass, pod);
}

void kerf_packing_add_pod(struct kerf_packing *packing, struct kerf_pass_pod *pod)
{
    bool own = pod->has_claim_volumes || pod->volumes_unreadable;
    uint64_t hash = kerf_pod_identity_hash(pod->pod);
    uint32_t first = own ? KERF_NOT_FOUND : kerf_id_map_get(&packing->class_index, hash);
    for (uint32_t i = first; i != KERF_NOT_FOUND; i = packing->classes.items[i].next)
        if (kerf_pods_ask_the_same(packing->classes.items[i].sample->pod, pod->pod)) {
            KERF_VEC_PUSH(&packing->classes.items[i].pods, pod);
            return;
        }
    struct kerf_packing_class class = {
        .sample = pod,
        .next = first,
        .offers = KERF_NEW_ARRAY(&packing->arena, struct kerf_packing_offer, packing->pass->template_count),
        .nodes = KERF_NEW_ARRAY(&packing->arena, uint64_t, kerf_bitset_words(packing->pass->node_count)),
        .zone_group = KERF_NOT_FOUND,
    };
    read_class(packing, &class);
    KERF_VEC_PUSH(&class.pods, pod);
    if (!own)
        kerf_id_map_put(&packing->class_index, hash, (uint32_t)packing->classes.count);
    KERF_VEC_PUSH(&packing->classes, class);
}

/* ---- items: classes, those that are spread dealt out over zones ------------------------------------------------------- */

/* Pods of spread groups by zone, those that run included: group * zone_count + zone; -1: no zone of the group. */
static int64_t *count_zones(struct kerf_packing *packing, const struct kerf_zone *zones, size_t zone_count)
{
    const struct kerf_pass *pass = packing->pass;
    int64_t *counts = KERF_NEW_ARRAY(&packing->arena, int64_t, pass->topology.groups.count * zone_count);
    for (size_t g = 0; g < pass->topology.groups.count; g++) {
        const struct kerf_topology_group *group = pass->topology.groups.items[g];
        for (size_t z = 0; z < zone_count; z++) {
            uint32_t domain =
                group->space->key == pass->vocabulary->key_zone ? kerf_domain_space_find(group->space, zones[z].name) : KERF_NOT_FOUND;
            counts[g * zone_count + z] = domain != KERF_NOT_FOUND ? kerf_group_count(group, domain) : -1;
        }
    }
    return counts;
}

/* Zones where some offer of the class lies. */
static uint32_t zones_of(const struct kerf_packing *packing, const struct kerf_packing_class *class)
{
    uint32_t zones = 0;
    for (uint32_t t = 0; t < packing->pass->template_count; t++)
        for (uint32_t slot = 0; slot < KERF_SLOT_MAX; slot++)
            if (slot < packing->pass->templates[t].pool->table->zone_slot_count && (class->offers[t].slots >> slot & 1))
                zones |= 1u << slot / KERF_ZONE_SLOTS;
    return zones;
}

static void deal_out(struct kerf_packing *packing, uint32_t index, int64_t *counts, size_t zone_count)
{
    const struct kerf_packing_class *class = &packing->classes.items[index];
    int64_t *of_group = counts + class->zone_group * zone_count;
    int64_t dealt[KERF_ZONE_MAX] = {0};
    uint32_t zones = zones_of(packing, class);
    for (size_t i = 0; i < class->pods.count; i++) {
        size_t least = zone_count;
        for (size_t z = 0; z < zone_count; z++)
            if (zones >> z & 1 && of_group[z] >= 0 && (least == zone_count || of_group[z] < of_group[least]))
                least = z;
        if (least == zone_count)
            return;
        of_group[least]++;
        dealt[least]++;
    }
    for (uint32_t z = 0; z < zone_count; z++)
        if (dealt[z] > 0)
            KERF_VEC_PUSH(&packing->items, (struct kerf_packing_item){index, z, dealt[z]});
}

static void list_items(struct kerf_packing *packing)
{
    size_t zone_count;
    const struct kerf_zone *zones = kerf_catalog_zones(kerf_cluster_catalog(packing->pass->cluster), &zone_count);
    int64_t *counts = count_zones(packing, zones, zone_count);
    for (uint32_t i = 0; i < packing->classes.count; i++) {
        const struct kerf_packing_class *class = &packing->classes.items[i];
        if (class->is_left_out)
            continue;
        if (class->zone_group != KERF_NOT_FOUND)
            deal_out(packing, i, counts, zone_count);
        else
            KERF_VEC_PUSH(&packing->items, (struct kerf_packing_item){i, KERF_NOT_FOUND, (int64_t)class->pods.count});
    }
}

/* ---- bins ------------------------------------------------------------------------------------------------------------- */

/* Slots of a template and capacity type. */
static kerf_slots slots_of(const struct kerf_packing *packing, uint32_t template_index, uint32_t capacity_type)
{
    const struct kerf_template *template = &packing->pass->templates[template_index];
    return template->slots & kerf_type_table_slots_of(template->pool->table, (enum kerf_capacity_type)capacity_type);
}

/* Do zones make a difference? If no item is bound to one, an offering stands for those of all zones. */
static bool zones_matter(const struct kerf_packing *packing)
{
    for (size_t i = 0; i < packing->items.count; i++) {
        const struct kerf_packing_class *class = &packing->classes.items[packing->items.items[i].class_index];
        if (packing->items.items[i].zone != KERF_NOT_FOUND)
            return true;
        for (uint32_t t = 0; t < packing->pass->template_count; t++)
            for (uint32_t c = 0; c < KERF_RESERVED; c++) {
                kerf_slots here = class->offers[t].slots & slots_of(packing, t, c);
                if (here != 0 && here != slots_of(packing, t, c))
                    return true;
            }
    }
    return false;
}

static bool may_hold(const struct kerf_packing *packing, const struct kerf_packing_bin *bin, const struct kerf_packing_item *item)
{
    const struct kerf_packing_class *class = &packing->classes.items[item->class_index];
    if (bin->template == KERF_NOT_FOUND)
        return kerf_bit_get(class->nodes, bin->type);
    const struct kerf_packing_offer *offer = &class->offers[bin->template];
    return offer->types != NULL && kerf_bit_get(offer->types, bin->type) && (offer->slots & bin->slots) != 0 &&
           (item->zone == KERF_NOT_FOUND || item->zone == bin->zone) &&
           kerf_type_table_cheapest(packing->pass->templates[bin->template].pool->table, bin->type, offer->slots & bin->slots) != NULL;
}

struct priced_bin {
    struct kerf_packing_bin bin;
    int64_t price_nanos;
    int64_t capacity[BINPACK_RESOURCES_MAX];
    int64_t limit;
    uint64_t *members; /* items that it may hold */
};

struct bin_list {
    KERF_VEC(struct priced_bin) kept;
    uint32_t resources[BINPACK_RESOURCES_MAX]; /* that some pod asks for */
    size_t resource_count;
};

static void find_resources(const struct kerf_packing *packing, struct bin_list *list)
{
    bool is_asked[KERF_RESOURCE_MAX] = {0};
    for (size_t i = 0; i < packing->items.count; i++)
        for (uint32_t r = 0; r < KERF_RESOURCE_MAX; r++)
            is_asked[r] |= packing->classes.items[packing->items.items[i].class_index].sample->requests->amounts[r] > 0;
    for (uint32_t r = 0; r < KERF_RESOURCE_MAX && list->resource_count < BINPACK_RESOURCES_MAX; r++)
        if (is_asked[r])
            list->resources[list->resource_count++] = r;
}

/* What a node of the type holds beside its daemon pods; false: less than nothing. */
static bool capacity_of(const struct kerf_template *template, uint32_t type, const struct bin_list *list, int64_t *capacity)
{
    const struct kerf_daemon_group *group = template->daemon_groups;
    while (group < template->daemon_groups + template->daemon_group_count && !kerf_bit_get(group->types, type))
        group++;
    bool has_group = group < template->daemon_groups + template->daemon_group_count;
    for (size_t i = 0; i < list->resource_count; i++) {
        const int64_t *column = template->pool->table->allocatable[list->resources[i]];
        capacity[i] = (column != NULL ? column[type] : 0) - (has_group ? group->overhead.amounts[list->resources[i]] : 0);
        if (capacity[i] < 0)
            return false;
    }
    return true;
}

static bool makes_needless(const struct kerf_packing *packing, const struct bin_list *list, const struct priced_bin *better,
                           const struct priced_bin *bin)
{
    for (size_t i = 0; i < list->resource_count; i++)
        if (better->capacity[i] < bin->capacity[i])
            return false;
    for (size_t word = 0; word < kerf_bitset_words(packing->items.count); word++)
        if ((bin->members[word] & ~better->members[word]) != 0)
            return false;
    return true;
}

static int compare_priced_bins(const void *a, const void *b, void *context)
{
    (void)context;
    const struct priced_bin *left = a, *right = b;
    int order = kerf_compare_i64(left->price_nanos, right->price_nanos);
    if (order == 0) /* of equal prices the larger first */
        order = kerf_compare_i64(right->capacity[0], left->capacity[0]);
    return order != 0 ? order : kerf_compare_u64(left->bin.type, right->bin.type);
}

/* Offerings of a template in some slots: those that no other makes needless are kept. */
static void add_bins(struct kerf_packing *packing, struct bin_list *list, uint32_t template_index, kerf_slots slots, uint32_t zone)
{
    struct kerf_template *template = &packing->pass->templates[template_index];
    const struct kerf_type_table *table = template->pool->table;
    KERF_VEC(struct priced_bin) found = {0};
    uint32_t type;
    KERF_FOR_TYPES(type, template->options, table->words)
    {
        const struct kerf_offering *offering = kerf_type_table_cheapest(table, type, slots);
        struct priced_bin bin = {.bin = {.template = template_index, .type = type, .slots = slots, .zone = zone},
                                 .limit = BINPACK_NO_LIMIT};
        if (offering == NULL || !capacity_of(template, type, list, bin.capacity))
            continue;
        bin.price_nanos = (int64_t)(offering->price_usd_per_hour * KERF_NANOS_PER_USD);
        if (offering->capacity_type == KERF_RESERVED)
            bin.limit = kerf_cluster_reservation_room(packing->pass->cluster, offering->reservation);
        KERF_VEC_PUSH(&found, bin);
    }
    kerf_sort(found.items, found.count, sizeof found.items[0], compare_priced_bins, NULL);
    size_t first = list->kept.count;
    for (size_t i = 0; i < found.count; i++) {
        struct priced_bin *bin = &found.items[i];
        bin->members = KERF_NEW_ARRAY(&packing->arena, uint64_t, kerf_bitset_words(packing->items.count));
        bool holds_any = false, is_needed = true;
        for (size_t k = 0; k < packing->items.count; k++)
            if (may_hold(packing, &bin->bin, &packing->items.items[k])) {
                kerf_bit_set(bin->members, (uint32_t)k);
                holds_any = true;
            }
        for (size_t k = first; k < list->kept.count && is_needed; k++)
            is_needed = !makes_needless(packing, list, &list->kept.items[k], bin);
        if (holds_any && is_needed)
            KERF_VEC_PUSH(&list->kept, *bin);
    }
    KERF_VEC_FREE(&found);
}

/* Existing nodes: bins of no price, one of each. */
static void add_node_bins(struct kerf_packing *packing, struct bin_list *list)
{
    for (uint32_t i = 0; i < packing->pass->node_count && packing->reading == KERF_PACKING_BOUND; i++) {
        struct priced_bin bin = {.bin = {.template = KERF_NOT_FOUND, .type = i, .zone = KERF_NOT_FOUND}, .limit = 1};
        bool holds_any = false;
        bin.members = KERF_NEW_ARRAY(&packing->arena, uint64_t, kerf_bitset_words(packing->items.count));
        for (size_t k = 0; k < packing->items.count; k++)
            if (may_hold(packing, &bin.bin, &packing->items.items[k])) {
                kerf_bit_set(bin.members, (uint32_t)k);
                holds_any = true;
            }
        for (size_t r = 0; r < list->resource_count; r++)
            bin.capacity[r] = kerf_max_i64(packing->pass->nodes[i].remaining.amounts[list->resources[r]], 0);
        if (holds_any)
            KERF_VEC_PUSH(&list->kept, bin);
    }
}

static bool wants_apart(const struct kerf_packing *packing, const struct kerf_packing_class *class, const struct kerf_pod *other)
{
    for (uint32_t i = 0; i < class->apart.count; i++)
        if (kerf_group_selects(packing->pass, packing->pass->topology.groups.items[class->apart.items[i]], other))
            return true;
    return false;
}

static bool ports_conflict(const struct kerf_pod_spec *spec, const struct kerf_pod_spec *other)
{
    for (uint32_t i = 0; i < other->container_count; i++)
        if (kerf_pod_ports_conflict(spec, other->containers[i].host_ports, other->containers[i].host_port_count))
            return true;
    return false;
}

/* Items that may not lie beside one of the class; NULL: none. For its own items there is per_bin_max. */
static const uint64_t *list_conflicts(struct kerf_packing *packing, const struct kerf_packing_class *class)
{
    size_t item_count = packing->items.count;
    uint64_t *conflicts = NULL;
    if (class->apart.count == 0 && !class->sample->has_host_ports)
        return NULL;
    for (size_t k = 0; k < item_count; k++) {
        const struct kerf_packing_class *other = &packing->classes.items[packing->items.items[k].class_index];
        if (other == class || (!wants_apart(packing, class, other->sample->pod) &&
                               !(other->sample->has_host_ports && ports_conflict(class->sample->pod->spec, other->sample->pod->spec))))
            continue;
        if (conflicts == NULL)
            conflicts = KERF_NEW_ARRAY(&packing->arena, uint64_t, kerf_bitset_words(item_count));
        kerf_bit_set(conflicts, k);
    }
    return conflicts;
}

static void write_input(struct kerf_packing *packing, const struct bin_list *list)
{
    size_t type_count = list->kept.count, item_count = packing->items.count;
    struct binpack_bin_type *types = KERF_NEW_ARRAY(&packing->arena, struct binpack_bin_type, type_count);
    struct binpack_item_class *classes = KERF_NEW_ARRAY(&packing->arena, struct binpack_item_class, item_count);
    for (size_t t = 0; t < type_count; t++) {
        const struct priced_bin *bin = &list->kept.items[t];
        KERF_VEC_PUSH(&packing->bins, bin->bin);
        types[t] = (struct binpack_bin_type){
            .capacity = kerf_arena_copy(&packing->arena, bin->capacity, list->resource_count * sizeof bin->capacity[0]),
            .price = bin->price_nanos,
            .limit = bin->limit};
    }
    for (size_t i = 0; i < item_count; i++) {
        const struct kerf_packing_class *class = &packing->classes.items[packing->items.items[i].class_index];
        int64_t *demand = KERF_NEW_ARRAY(&packing->arena, int64_t, list->resource_count);
        uint64_t *allowed = KERF_NEW_ARRAY(&packing->arena, uint64_t, kerf_bitset_words(type_count));
        for (size_t r = 0; r < list->resource_count; r++)
            demand[r] = kerf_max_i64(class->sample->requests->amounts[list->resources[r]], 0);
        for (uint32_t t = 0; t < type_count; t++)
            if (kerf_bit_get(list->kept.items[t].members, (uint32_t)i))
                kerf_bit_set(allowed, t);
        classes[i] = (struct binpack_item_class){.demand = demand,
                                                 .count = packing->items.items[i].count,
                                                 .per_bin_max = class->per_bin_max,
                                                 .allowed_bin_types = allowed,
                                                 .conflicts = list_conflicts(packing, class)};
    }
    packing->input = (struct binpack_input){.resource_count = list->resource_count,
                                            .bin_types = types,
                                            .bin_type_count = type_count,
                                            .item_classes = classes,
                                            .item_class_count = item_count};
}

static void add_template_bins(struct kerf_packing *packing, struct bin_list *list, uint32_t t, bool by_zone, uint32_t zone_count)
{
    for (uint32_t c = 0; c < KERF_RESERVED; c++) {
        kerf_slots slots = slots_of(packing, t, c);
        if (slots != 0 && !by_zone)
            add_bins(packing, list, t, slots, KERF_NOT_FOUND);
        for (uint32_t z = 0; z < zone_count && by_zone; z++)
            if (slots >> (z * KERF_ZONE_SLOTS + c) & 1)
                add_bins(packing, list, t, kerf_slot_bit(z * KERF_ZONE_SLOTS + c), z);
    }
    for (uint32_t slot = 0; slot < KERF_SLOT_MAX; slot++) /* of a reservation's zone: any will do for a bound */
        if (slots_of(packing, t, KERF_RESERVED) >> slot & 1)
            add_bins(packing, list, t, kerf_slot_bit(slot), KERF_NOT_FOUND);
}

void kerf_packing_read(struct kerf_packing *packing)
{
    struct bin_list list = {0};
    size_t zone_count;
    kerf_catalog_zones(kerf_cluster_catalog(packing->pass->cluster), &zone_count);
    list_items(packing);
    find_resources(packing, &list);
    if (list.resource_count == 0)
        list.resources[list.resource_count++] = KERF_RESOURCE_PODS;
    bool by_zone = zones_matter(packing);
    add_node_bins(packing, &list);
    for (uint32_t t = 0; t < packing->pass->template_count; t++)
        add_template_bins(packing, &list, t, by_zone, (uint32_t)zone_count);
    write_input(packing, &list);
    KERF_VEC_FREE(&list.kept);
}

/* ---- solving ---------------------------------------------------------------------------------------------------------- */

static void check_answer(struct kerf_packing *packing)
{
    struct binpack_fault fault;
    int64_t *scratch = KERF_NEW_ARRAY(&packing->arena, int64_t, BINPACK_VERIFY_CELLS(&packing->input));
    KERF_ASSERT(binpack_verify_plan(&packing->input, &packing->plan, scratch, &fault));
    KERF_ASSERT(binpack_verify_bound(&packing->input, &packing->bound, scratch, &fault));
}

bool kerf_packing_solve(struct kerf_packing *packing, uint64_t step_limit)
{
    size_t bytes = binpack_memory_bytes(&packing->input);
    struct binpack_options options = {.step_limit = step_limit};
    for (int i = 0; i < MEMORY_DOUBLINGS_MAX; i++, bytes *= 2) {
        packing->memory = kerf_reallocate(packing->memory, bytes);
        enum binpack_outcome outcome = binpack_problem_new(&packing->input, packing->memory, bytes, &packing->problem, NULL);
        if (outcome == BINPACK_OK)
            outcome = binpack_solve(packing->problem, &options, &packing->plan);
        if (outcome == BINPACK_OUT_OF_SPACE)
            continue;
        if (outcome == BINPACK_E_OVERFLOW || outcome == BINPACK_E_ARGUMENT ||
            binpack_bound_find(packing->problem, &packing->bound) != BINPACK_OK)
            return false;
        check_answer(packing);
        return true;
    }
    return false;
}
