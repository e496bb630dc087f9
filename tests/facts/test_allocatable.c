/*
 * All types of Karpenter's reference page: allocatable amounts and labels as the page prints them.
 *
 * karpenter_allocatable.csv, karpenter_labels.csv: transcribed from docs/reference/instance-types.md of
 * github.com/aws/karpenter-provider-aws, page commit 692ccdd06 (2026-07-11), Apache-2.0. The page assumes AL2023, no block device
 * mappings, no kubelet settings, 7.5 % memory overhead.
 * karpenter_exceptions.csv: cells where the page is older than the catalogue. It was built with a branch interface table of
 * 2026-05-18 that did not list 56 types, and three bandwidths were corrected since; `newer_value` is of the tables of 2026-08.
 */
#include "catalog/catalog.h"
#include "document/document.h"
#include "../support/catalog_folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { PAGE_TYPES = 1363, EXCEPTIONS = 59, EXCEPTIONS_POD_ENI = 56 };

static struct kerf_errors *errs;
static struct test_folder folder;
static struct kerf_catalog *catalog;
static struct kerf_arena arena;
static struct kerf_instance_types types;
static struct kerf_csv *exceptions;

static struct kerf_csv *read_facts(const char *path)
{
    struct kerf_csv *csv = NULL;
    cr_assert_eq(kerf_csv_read_file(path, ',', &csv, errs), KERF_OK, "%s: run the tests from the top of the repository", path);
    return csv;
}

/* The table of the built-in catalogue, whole: as a folder whose prices are of no region, so that nothing is left out. */
static void load(void)
{
    errs = kerf_errors_new();
    folder = test_folder_new();
    test_folder_link(&folder, "instance_types.csv", "instance_catalog/instance_types.csv");
    test_folder_write(&folder, "on_demand_prices.csv", "instance_type,usd_per_hour\n");
    test_folder_write(&folder, "spot_prices.csv", "zone,instance_type,usd_per_hour\n");
    test_folder_write(&folder, "zones.csv", "zone,zone_id\nus-east-1a,use1-az2\n");
    enum kerf_status status = kerf_catalog_load(folder.path, NULL, &catalog, errs);
    kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
    kerf_arena_init(&arena);
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    types =
        kerf_catalog_list_types(catalog, &nodeclass, kerf_instance_options_default(), kerf_catalog_vocabulary(catalog), &arena);
    exceptions = read_facts("tests/facts/karpenter_exceptions.csv");
}

static void unload(void)
{
    kerf_csv_free(exceptions);
    kerf_arena_fini(&arena);
    kerf_catalog_free(catalog);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

TestSuite(allocatable_facts, .init = load, .fini = unload);

static const struct kerf_instance_type *type_of(const char *name)
{
    const struct kerf_instance_facts *facts =
        kerf_catalog_find(catalog, kerf_name_find(kerf_catalog_vocabulary(catalog)->names, name));
    cr_assert_not_null(facts, "%s", name);
    return &types.items[facts->index];
}

/* The row of exceptions about a cell, or KERF_NOT_FOUND. */
static uint32_t exception_of(const char *type, const char *column)
{
    for (uint32_t i = 0; i < kerf_csv_row_count(exceptions); i++)
        if (strcmp(kerf_csv_text(exceptions, i, 0), type) == 0 && strcmp(kerf_csv_text(exceptions, i, 1), column) == 0)
            return i;
    return KERF_NOT_FOUND;
}

/* Equal to the page, or one of the named exceptions, which must differ and be what the newer table says. Returns 1 for these. */
static unsigned compare_cell(const char *type, const char *column, const char *page, const char *ours)
{
    uint32_t exception = exception_of(type, column);
    if (exception == KERF_NOT_FOUND) {
        cr_expect_str_eq(ours, page, "%s %s: the page says \"%s\", kerf \"%s\"", type, column, page, ours);
        return 0;
    }
    cr_expect_str_eq(kerf_csv_text(exceptions, exception, 2), page, "%s %s", type, column);
    cr_expect_str_eq(kerf_csv_text(exceptions, exception, 3), ours, "%s %s", type, column);
    cr_expect_str_neq(page, ours, "%s %s", type, column);
    return 1;
}

Test(allocatable_facts, agrees_with_the_reference_page)
{
    static const struct {
        const char *column;
        enum kerf_resource resource;
        int64_t unit; /* of the column, in the unit of the resource */
    } columns[] = {
        {"allocatable_cpu_millicores", KERF_RESOURCE_CPU, 1000000},
        {"allocatable_memory_mib", KERF_RESOURCE_MEMORY, 1048576000},
        {"allocatable_ephemeral_storage_gib", KERF_RESOURCE_EPHEMERAL_STORAGE, 1073741824000},
        {"allocatable_pods", KERF_RESOURCE_PODS, 1},
        {"allocatable_nvidia_gpu", KERF_RESOURCE_NVIDIA_GPU, 1000},
        {"allocatable_amd_gpu", KERF_RESOURCE_AMD_GPU, 1000},
        {"allocatable_neuron", KERF_RESOURCE_NEURON, 1000},
        {"allocatable_neuroncore", KERF_RESOURCE_NEURONCORE, 1000},
        {"allocatable_gaudi", KERF_RESOURCE_GAUDI, 1000},
        {"allocatable_efa", KERF_RESOURCE_EFA, 1000},
        {"allocatable_pod_eni", KERF_RESOURCE_POD_ENI, 1000},
    };
    struct kerf_csv *page = read_facts("tests/facts/karpenter_allocatable.csv");
    uint32_t type_column = kerf_csv_find_column(page, "instance_type");
    unsigned exception_count = 0;
    for (uint32_t row = 0; row < kerf_csv_row_count(page); row++) {
        const char *name = kerf_csv_text(page, row, type_column);
        const struct kerf_instance_type *type = type_of(name);
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
            int64_t amount = type->allocatable.amounts[columns[i].resource];
            cr_expect(kerf_resources_has(&type->allocatable, columns[i].resource));
            cr_expect_eq(amount % columns[i].unit, 0, "%s %s", name, columns[i].column);
            char text[32];
            snprintf(text, sizeof text, "%" PRId64, amount / columns[i].unit);
            uint32_t column = kerf_csv_find_column(page, columns[i].column);
            cr_assert_neq(column, KERF_NOT_FOUND, "%s", columns[i].column);
            exception_count += compare_cell(name, columns[i].column, kerf_csv_text(page, row, column), text);
        }
    }
    cr_expect_eq(kerf_csv_row_count(page), PAGE_TYPES);
    cr_expect_eq(types.count, PAGE_TYPES);
    cr_expect_eq(exception_count, EXCEPTIONS_POD_ENI);
    kerf_csv_free(page);
}

Test(allocatable_facts, labels_agree_with_the_reference_page)
{
    struct kerf_csv *page = read_facts("tests/facts/karpenter_labels.csv");
    struct kerf_vocabulary *vocabulary = kerf_catalog_vocabulary(catalog);
    unsigned exception_count = 0;
    cr_expect_eq(kerf_csv_row_count(page), PAGE_TYPES);
    for (uint32_t row = 0; row < kerf_csv_row_count(page); row++) {
        const char *name = kerf_csv_text(page, row, 0);
        struct kerf_labels labels = kerf_catalog_type_labels(type_of(name), vocabulary, &arena);
        for (uint32_t column = 1; column < kerf_csv_column_count(page); column++) {
            const char *key = kerf_csv_column_name(page, column);
            kerf_name key_name = kerf_name_find(vocabulary->names, key);
            cr_assert_not_null(key_name, "%s", key);
            const char *ours = kerf_name_text(kerf_labels_get(&labels, key_name));
            exception_count += compare_cell(name, key, kerf_csv_text(page, row, column), ours);
        }
    }
    cr_expect_eq(exception_count, EXCEPTIONS - EXCEPTIONS_POD_ENI);
    cr_expect_eq(kerf_csv_row_count(exceptions), EXCEPTIONS);
    kerf_csv_free(page);
}
