/** provisioning_bound: the least that any plan under the NodePools can cost, by the packer's certificate. */
#include "provisioning/to_packing.h"

/* Pods that no bin may hold. */
static size_t count_unplaceable(const struct kerf_packing *packing)
{
    size_t count = 0;
    for (size_t i = 0; i < packing->items.count; i++) {
        const struct binpack_item_class *class = &packing->input.item_classes[i];
        if (kerf_bitset_next(class->allowed_bin_types, kerf_bitset_words(packing->bins.count), 0) == SIZE_MAX)
            count += (size_t)class->count;
    }
    return count;
}

void kerf_provisioning_find_bound(const struct kerf_provisioning_input *input, uint64_t step_limit,
                                  struct kerf_provisioning_bound *out_bound)
{
    *out_bound = (struct kerf_provisioning_bound){.is_known = true, .method = "no pods"};
    if (input->pod_count == 0)
        return;
    struct kerf_pass pass;
    struct kerf_packing packing;
    kerf_pass_start(&pass, input);
    kerf_plain_read(&pass);
    kerf_packing_init(&packing, &pass, KERF_PACKING_BOUND);
    for (uint32_t i = 0; i < pass.pod_count; i++)
        kerf_packing_add_pod(&packing, &pass.pods[i]);
    kerf_packing_read(&packing);
    out_bound->is_known = kerf_packing_solve(&packing, step_limit);
    if (out_bound->is_known) {
        out_bound->usd_per_hour = (double)packing.bound.cost / KERF_NANOS_PER_USD;
        out_bound->unplaceable_count = count_unplaceable(&packing);
        out_bound->pod_count = pass.pod_count - out_bound->unplaceable_count;
        out_bound->method = packing.bound.method;
    }
    kerf_packing_fini(&packing);
    kerf_plain_fini(&pass);
    kerf_pass_end(&pass);
}
