/** Any bytes as a .vbp file, and as the two tables of kerf pack (a form feed between them): arrays that hang together, or errors.
 */
#include "base/base.h"
#include "fuzz_target.h"
#include "kerf/pack_input.h"

static void check(enum kerf_status status, struct kerf_pack_input *input, struct kerf_errors *errs)
{
    KERF_ASSERT((status == KERF_OK) == (kerf_errors_count(errs) == 0));
    if (status != KERF_OK)
        return;
    KERF_ASSERT(input->resource_count >= 1);
    KERF_ASSERT(input->resource_count <= KERF_PACK_RESOURCES_MAX);
    for (size_t i = 0; i < input->item_count; i++) {
        KERF_ASSERT(input->item_names[i][0] != '\0');
        KERF_ASSERT(input->item_counts[i] >= 0);
    }
    for (size_t i = 0; i < input->bin_count; i++) {
        KERF_ASSERT(input->bin_names[i][0] != '\0');
        KERF_ASSERT(input->bin_prices[i] >= 0);
        KERF_ASSERT(input->bin_limits[i] >= 0);
    }
    for (size_t i = 0; i < input->bin_count * input->resource_count; i++)
        KERF_ASSERT(input->bin_capacities[i] >= 0);
    kerf_pack_input_free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kerf_pack_input input;
    struct kerf_errors *errs = kerf_errors_new();
    check(kerf_pack_input_read_vbp_bytes("fuzz.vbp", data, size, &input, errs), &input, errs);
    kerf_errors_free(errs);

    errs = kerf_errors_new();
    const uint8_t *feed = size > 0 ? memchr(data, '\f', size) : NULL;
    size_t items_length = feed != NULL ? (size_t)(feed - data) : size;
    const uint8_t *bins = feed != NULL ? feed + 1 : data;
    size_t bins_length = feed != NULL ? size - items_length - 1 : size;
    check(kerf_pack_input_read_table_bytes("items", data, items_length, "bins", bins, bins_length, &input, errs), &input, errs);
    kerf_errors_free(errs);
    return 0;
}
