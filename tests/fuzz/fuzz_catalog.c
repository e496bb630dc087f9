/**
 * Any bytes as the files of a catalogue and a selector, with lines `%` between them: types, On-Demand prices, Spot prices, zones,
 * zone gaps, selector. What loads is listed and asked: amounts add up, an available offering has a price.
 */
#include "catalog/catalog_internal.h"
#include "fuzz_target.h"

#include <stdlib.h>

enum { PART_COUNT = 6 };

struct part {
    const char *bytes;
    size_t length;
};

static void cut(const uint8_t *data, size_t size, struct part parts[PART_COUNT])
{
    const char *bytes = (const char *)data;
    size_t at = 0;
    for (size_t i = 0; i < PART_COUNT; i++) {
        const char *mark = size - at > 3 ? memmem(bytes + at, size - at, "\n%\n", 3) : NULL;
        size_t end = mark != NULL && i + 1 < PART_COUNT ? (size_t)(mark - bytes) + 1 : size;
        parts[i] = (struct part){bytes + at, end - at};
        at = end == size ? size : end + 2;
    }
}

static void check_types(struct kerf_catalog *catalog)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    struct kerf_instance_types types =
        kerf_catalog_list_types(catalog, &nodeclass, kerf_instance_options_default(), kerf_catalog_vocabulary(catalog), &arena);
    KERF_ASSERT(types.count == kerf_catalog_type_count(catalog));
    for (size_t i = 0; i < types.count; i++) {
        const struct kerf_instance_type *type = &types.items[i];
        KERF_ASSERT(i == 0 || kerf_name_compare(types.items[i - 1].name, type->name) < 0);
        KERF_ASSERT(type->capacity.memory_millibytes > 0);
        KERF_ASSERT(type->allocatable.cpu_nanocores > 0);
        KERF_ASSERT(type->allocatable.memory_millibytes < type->capacity.memory_millibytes);
        for (uint32_t k = 0; k < type->offering_count; k++)
            KERF_ASSERT(type->offerings[k].price_usd_per_hour >= 0);
    }
    kerf_arena_fini(&arena);
}

static void ask(struct kerf_catalog *catalog, const struct part *selector, struct kerf_errors *errs)
{
    char *text = kerf_allocate(selector->length + 1);
    memcpy(text, selector->bytes, selector->length);
    const char *requirements[] = {text};
    struct kerf_catalog_query query = {.requirements = requirements, .requirement_count = 1};
    struct kerf_catalog_answer *answer = NULL;
    if (kerf_catalog_ask(catalog, &query, &answer, errs) == KERF_OK)
        KERF_ASSERT(answer->found_count + answer->unavailable_count <= kerf_catalog_type_count(catalog));
    kerf_catalog_answer_free(answer);
    uint64_t *bits = kerf_allocate(kerf_bitset_words(kerf_catalog_offering_count(catalog)) * sizeof *bits);
    enum kerf_status ignored = kerf_catalog_mark_unavailable(catalog, text, bits, (struct kerf_place){.file = "fuzz"}, errs);
    (void)ignored;
    free(bits);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct part parts[PART_COUNT];
    cut(data, size, parts);
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_catalog_tables tables = {0};
    struct kerf_csv **const files[] = {&tables.instance_types, &tables.on_demand_prices, &tables.spot_prices, &tables.zones,
                                       &tables.zone_gaps};
    enum kerf_status status = KERF_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && status == KERF_OK; i++)
        status = kerf_csv_read_bytes("fuzz", parts[i].bytes, parts[i].length, ',', files[i], errs);
    struct kerf_catalog *catalog = NULL;
    if (status == KERF_OK && kerf_catalog_of_tables(&tables, "fuzz", "us-east-1", &catalog, errs) == KERF_OK) {
        check_types(catalog);
        ask(catalog, &parts[PART_COUNT - 1], errs);
    }
    kerf_catalog_free(catalog);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        kerf_csv_free(*files[i]);
    kerf_errors_free(errs);
    return 0;
}
