/**
 * packed: the pass with another filling. Karpenter fills the node that it has and looks at prices when it is full; here the pods that
 * find no existing node are packed first, and each bin becomes a claim. Every pod is put on its claim by the rules of the pass, so a
 * plan of this planner is one that the NodePools allow; what a claim refuses goes Karpenter's way afterwards.
 */
#include "provisioning/to_packing.h"

#include <stdlib.h>

/** A pod and the bin that it is for. */
struct assignment {
    struct kerf_pass_pod *pod;
    uint32_t bin;
    uint32_t rank; /* among the pods of its class in its zone */
    uint32_t zone;
};

struct carrying_out {
    struct kerf_pass *pass;
    struct kerf_packing *packing;
    struct kerf_pass_claim **claims; /* by bin; NULL: not opened */
    uint32_t *bin_type;
    bool *is_pinned; /* some pod in it was dealt its zone */
    int64_t bin_count;
    struct assignment *assignments;
    size_t count;
};

static int compare_assignments(const void *a, const void *b, void *context)
{
    (void)context;
    const struct assignment *left = a, *right = b;
    int order = kerf_compare_u64(left->rank, right->rank);
    if (order == 0)
        order = kerf_compare_u64(left->zone, right->zone);
    return order != 0 ? order : kerf_compare_u64(left->bin, right->bin);
}

/* Where the pods of an item class go: bins in order, as many in each as the plan says. */
static void assign_item(struct carrying_out *work, uint32_t item, struct kerf_pass_pod *const *pods)
{
    const struct binpack_plan *plan = &work->packing->plan;
    uint32_t bin = 0, rank = 0;
    for (size_t p = 0; p < plan->pattern_count; p++) {
        const struct binpack_pattern *pattern = &plan->patterns[p];
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &plan->placements[pattern->placement_first + i];
            if (placement->item_class != item)
                continue;
            for (int64_t b = 0; b < pattern->bin_count; b++)
                for (int64_t k = 0; k < placement->item_count; k++, rank++) {
                    work->assignments[work->count++] = (struct assignment){
                        pods[rank], bin + (uint32_t)b, rank, work->packing->items.items[item].zone};
                    work->is_pinned[bin + (uint32_t)b] |= work->packing->items.items[item].zone != KERF_NOT_FOUND;
                }
        }
        bin += (uint32_t)pattern->bin_count;
    }
}

/* In a limited NodePool a claim that lists large types would use up the limit (5.4): only types up to the size of the chosen one. */
static const uint64_t *options_for(struct kerf_pass *pass, const struct kerf_template *template, uint32_t chosen)
{
    const struct kerf_pass_pool *pool = template->pool;
    if (!pool->has_limits)
        return NULL;
    uint64_t *options = kerf_arena_copy(&pass->scratch, template->options, pool->table->words * sizeof(uint64_t));
    uint32_t type;
    KERF_FOR_TYPES(type, template->options, pool->table->words)
    {
        for (uint32_t limited = pool->limited; limited != 0; limited &= limited - 1) {
            const int64_t *column = pool->table->capacity[__builtin_ctz(limited)];
            if (column != NULL && column[type] > column[chosen])
                options[type / 64] &= ~(1ull << type % 64);
        }
    }
    return options;
}

static bool open_claim(struct carrying_out *work, const struct assignment *assignment)
{
    struct kerf_pass *pass = work->pass;
    const struct kerf_packing_bin *bin = &work->packing->bins.items[work->bin_type[assignment->bin]];
    struct kerf_template *template = &pass->templates[bin->template];
    struct kerf_arena_mark mark = kerf_arena_mark(&pass->scratch);
    struct kerf_opening opening = {.options = options_for(pass, template, bin->type)};
    if (work->is_pinned[assignment->bin]) {
        size_t zone_count;
        opening.zone = kerf_catalog_zones(kerf_cluster_catalog(pass->cluster), &zone_count)[bin->zone].name;
    }
    bool opened = kerf_pass_open_claim_from(pass, template, &opening, assignment->pod);
    kerf_arena_rewind(&pass->scratch, mark);
    if (opened)
        work->claims[assignment->bin] = pass->claims.items[pass->claims.count - 1];
    return opened;
}

static bool place(struct carrying_out *work, const struct assignment *assignment)
{
    struct kerf_refusal refusal = {0};
    work->pass->attempts++;
    struct kerf_pass_claim *claim = work->claims[assignment->bin];
    return claim != NULL ? kerf_pass_try_claim(work->pass, claim, assignment->pod, &refusal) : open_claim(work, assignment);
}

static void number_bins(struct carrying_out *work)
{
    const struct binpack_plan *plan = &work->packing->plan;
    work->bin_type = KERF_NEW_ARRAY(&work->packing->arena, uint32_t, (size_t)plan->bin_count);
    work->claims = KERF_NEW_ARRAY(&work->packing->arena, struct kerf_pass_claim *, (size_t)plan->bin_count);
    work->is_pinned = KERF_NEW_ARRAY(&work->packing->arena, bool, (size_t)plan->bin_count);
    for (size_t p = 0; p < plan->pattern_count; p++)
        for (int64_t b = 0; b < plan->patterns[p].bin_count; b++)
            work->bin_type[work->bin_count++] = plan->patterns[p].bin_type;
}

/* The search for room on claims goes by their number of pods (5.3). */
static void tell_search(struct kerf_pass *pass)
{
    for (size_t i = 0; i < pass->claims.count; i++)
        pass->search_keys[i] = (uint32_t)pass->claims.items[pass->search[i]]->pods.count;
    pass->search_sorted = false;
}

static void carry_out(struct kerf_pass *pass, struct kerf_packing *packing, uint64_t *placed)
{
    struct carrying_out work = {.pass = pass, .packing = packing};
    number_bins(&work);
    work.assignments = KERF_NEW_ARRAY(&packing->arena, struct assignment, pass->pod_count);
    for (uint32_t i = 0; i < packing->items.count;) { /* zones of a class lie together: they are filled in turn */
        uint32_t class_index = packing->items.items[i].class_index;
        struct kerf_pass_pod **pods = packing->classes.items[class_index].pods.items;
        work.count = 0;
        for (; i < packing->items.count && packing->items.items[i].class_index == class_index; i++) {
            assign_item(&work, i, pods);
            pods += packing->items.items[i].count;
        }
        kerf_sort(work.assignments, work.count, sizeof work.assignments[0], compare_assignments, NULL);
        for (size_t k = 0; k < work.count; k++)
            if (place(&work, &work.assignments[k]))
                kerf_bit_set(placed, (uint32_t)(work.assignments[k].pod - pass->pods));
    }
    tell_search(pass);
}

void kerf_packed_place(struct kerf_pass *pass, uint32_t *queue, size_t *queue_count)
{
    struct kerf_packing packing;
    kerf_packing_init(&packing, pass, KERF_PACKING_PLAN);
    uint64_t *placed = KERF_NEW_ARRAY(&pass->arena, uint64_t, kerf_bitset_words(pass->pod_count));
    for (size_t i = 0; i < *queue_count; i++) {
        struct kerf_pass_pod *pod = &pass->pods[queue[i]];
        if (pod->pod->spec->resource_claim_count > 0)
            continue;
        if (pass->node_count > 0) {
            pass->attempts++;
            if (kerf_pass_add_to_node(pass, pod)) {
                kerf_bit_set(placed, queue[i]);
                continue;
            }
        }
        kerf_packing_add_pod(&packing, pod);
    }
    kerf_packing_read(&packing);
    uint64_t steps = pass->options.packing_steps > 0 ? pass->options.packing_steps : KERF_PACKING_STEPS_USUAL;
    if (packing.items.count > 0 && kerf_packing_solve(&packing, steps))
        carry_out(pass, &packing, placed);
    kerf_packing_fini(&packing);
    size_t left = 0;
    for (size_t i = 0; i < *queue_count; i++)
        if (!kerf_bit_get(placed, queue[i]))
            queue[left++] = queue[i];
    *queue_count = left;
}
