/* What a folder may hold and what is refused, and what the built-in catalogue holds. */
#include "catalog/catalog.h"
#include "../../support/catalog_folder.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>

#define TYPES_HEADER "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni,usage_classes\n"
#define M5 "m5.large,amd64,2,8192,3,10,on-demand+spot\n"

/* A file replaced by a text, and a piece of the first error that must come of it; NULL text: the file is missing. */
static const struct {
    const char *file;
    const char *text;
    const char *error;
} bad_files[] = {
    {"instance_types.csv", NULL, "instance_types.csv"},
    {"instance_types.csv", "", "instance_types.csv"},
    {"instance_types.csv", "name,arch\n", "vcpus"},
    {"instance_types.csv", TYPES_HEADER, "no instance types"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,two,8192,3,10,\n", "instance_types.csv:2:16: vcpus: \"two\""},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,-2,8192,3,10,\n", "vcpus"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,2,99999999999999999999,3,10,\n", "memory_mib"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,2,8192,300,10,\n", "max_enis_default_card"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,,8192,3,10,\n", "is empty"},
    {"instance_types.csv", TYPES_HEADER "m5.large,sparc,2,8192,3,10,\n", "\"sparc\" is not an architecture"},
    {"instance_types.csv", TYPES_HEADER "m5large,amd64,2,8192,3,10,\n", "\"m5large\" is not the name of an instance type"},
    {"instance_types.csv", TYPES_HEADER ".large,amd64,2,8192,3,10,\n", "is not the name of an instance type"},
    {"instance_types.csv", TYPES_HEADER "m5.,amd64,2,8192,3,10,\n", "is not the name of an instance type"},
    {"instance_types.csv", TYPES_HEADER M5 M5, "m5.large stands there twice"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,2,8192,3,10,on-demand+spott\n", "\"spott\" is not a usage class"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,2,8192,3,10,+\n", "is not a usage class"},
    {"instance_types.csv", TYPES_HEADER "m5.large,amd64,2\n", "instance_types.csv:2"},
    {"on_demand_prices.csv", NULL, "on_demand_prices.csv"},
    {"on_demand_prices.csv", "instance_type\nm5.large\n", "usd_per_hour"},
    {"on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,cheap\n",
     "on_demand_prices.csv:2:10: usd_per_hour: \"cheap\""},
    {"on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,-1\n", "usd_per_hour"},
    {"on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,nan\n", "usd_per_hour"},
    {"on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,1e300\n", "usd_per_hour"},
    {"on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,\n", "is empty"},
    {"on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,0.1\nm5.large,0.1\n", "m5.large stands there twice"},
    {"on_demand_prices.csv",
     "\x7f"
     "ELF\x02\x01\x01\x80\xff,\n",
     "on_demand_prices.csv"},
    {"spot_prices.csv", NULL, "spot_prices.csv"},
    {"spot_prices.csv", "zone,instance_type,usd_per_hour\nus-east-1x,m5.large,0.1\n", "\"us-east-1x\" is none of the zones"},
    {"spot_prices.csv", "zone,instance_type,usd_per_hour\nus-east-1a,m5.large,0.1\nus-east-1a,m5.large,0.1\n", "twice"},
    {"spot_prices.csv", "instance_type,usd_per_hour,interruption_band\nm5.large,0.1,5\n", "interruption_band"},
    {"zones.csv", NULL, "zones.csv"},
    {"zones.csv", "zone,zone_id\n", "no zones of region us-east-1"},
    {"zones.csv", "zone_id\nuse1-az1\n", "zone"},
    {"zones.csv", "zone,zone_id\n,use1-az1\n", "is empty"},
    {"zones.csv", "zone,zone_id\nus-east-1a,use1-az1\nus-east-1a,use1-az2\n", "us-east-1a stands there twice"},
    {"zones.csv", "zone\na\nb\nc\nd\ne\nf\ng\nh\ni\n", "more than 8 zones"},
    {"zones.csv", "region,zone\neu-west-1,eu-west-1a\n", "no zones of region us-east-1"},
    {"zone_gaps.csv", "zone,instance_type\nus-east-1z,m5.large\n", "\"us-east-1z\" is none of the zones"},
    {"zone_gaps.csv", "zone\nus-east-1a\n", "instance_type"},
};

static char *printed(struct kerf_errors *errs)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    kerf_errors_print(errs, stream);
    fclose(stream);
    return text;
}

ParameterizedTestParameters(catalog_files, bad_input)
{
    static size_t rows[sizeof bad_files / sizeof bad_files[0]];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        rows[i] = i;
    return cr_make_param_array(size_t, rows, sizeof rows / sizeof rows[0]);
}

ParameterizedTest(size_t *row, catalog_files, bad_input)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct test_folder folder = test_catalog_new();
    test_folder_remove(&folder, bad_files[*row].file);
    if (bad_files[*row].text != NULL)
        test_folder_write(&folder, bad_files[*row].file, bad_files[*row].text);
    struct kerf_catalog *catalog = NULL;
    cr_expect_eq(kerf_catalog_load(folder.path, NULL, &catalog, errs), KERF_E_INPUT, "row %zu", *row);
    cr_expect_null(catalog);
    char *text = printed(errs);
    cr_expect(strstr(text, bad_files[*row].error) != NULL, "row %zu: expected \"%s\" in:\n%s", *row, bad_files[*row].error, text);
    cr_expect(strstr(text, bad_files[*row].file) != NULL, "row %zu names its file:\n%s", *row, text);
    free(text);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

Test(catalog_files, a_missing_folder_and_a_file_are_no_catalogue)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_catalog *catalog = NULL;
    cr_expect_eq(kerf_catalog_load("/nonexistent", NULL, &catalog, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_catalog_load("COPYING", NULL, &catalog, errs), KERF_E_INPUT);
    cr_expect_null(catalog);
    kerf_errors_free(errs);
}

Test(catalog_files, several_errors_are_reported_together)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct test_folder folder = test_catalog_new();
    test_folder_write(&folder, "instance_types.csv", TYPES_HEADER "m5.large,amd64,x,y,3,10,\nm6.large,amd64,2,z,3,10,\n");
    test_folder_write(&folder, "zones.csv", "zone\n");
    struct kerf_catalog *catalog = NULL;
    cr_expect_eq(kerf_catalog_load(folder.path, NULL, &catalog, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_errors_count(errs), 4);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

/* A price list may be longer than the list of types. */
Test(catalog_files, prices_of_unknown_types_are_passed_over_with_a_warning)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct test_folder folder = test_catalog_new();
    test_folder_write(&folder, "on_demand_prices.csv", "instance_type,usd_per_hour\nm5.large,0.096\nm5.huge,1\n");
    struct kerf_catalog *catalog = NULL;
    cr_assert_eq(kerf_catalog_load(folder.path, NULL, &catalog, errs), KERF_OK);
    cr_expect_eq(kerf_warnings_count(errs), 1);
    cr_expect_eq(kerf_catalog_type_count(catalog), 6);
    kerf_catalog_free(catalog);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

Test(catalog_files, prices_of_a_folder_hold_for_any_region)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct test_folder folder = test_catalog_new();
    struct kerf_catalog *catalog = NULL;
    cr_assert_eq(kerf_catalog_load(folder.path, "eu-west-1", &catalog, errs), KERF_OK);
    cr_expect_str_eq(kerf_catalog_region(catalog)->text, "eu-west-1");
    cr_expect_eq(kerf_catalog_facts(catalog, 2)->on_demand_usd_per_hour, 0.096);
    kerf_catalog_free(catalog);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

Test(catalog_files, built_in_regions)
{
    static const struct {
        const char *region;
        size_t zones, types;
        const char *first_zone;
    } rows[] = {{"us-east-1", 6, 1345, "us-east-1a"}, {"us-west-1", 2, 0, "us-west-1b"},  {"eu-central-1", 3, 0, "eu-central-1a"},
                {"us-gov-west-1", 3, 0, "us-gov-west-1a"}, {"ap-northeast-1", 3, 0, "ap-northeast-1a"}};
    struct kerf_errors *errs = kerf_errors_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_catalog *catalog = NULL;
        cr_assert_eq(kerf_catalog_load(NULL, rows[i].region, &catalog, errs), KERF_OK);
        size_t zone_count = 0;
        const struct kerf_zone *zones = kerf_catalog_zones(catalog, &zone_count);
        cr_expect_eq(zone_count, rows[i].zones, "%s", rows[i].region);
        cr_expect_str_eq(zones[0].name->text, rows[i].first_zone);
        if (rows[i].types > 0)
            cr_expect_eq(kerf_catalog_type_count(catalog), rows[i].types);
        for (uint32_t type = 0; type < kerf_catalog_type_count(catalog); type++) {
            const struct kerf_instance_facts *facts = kerf_catalog_facts(catalog, type);
            cr_expect(facts->on_demand_usd_per_hour > 0, "%s %s", rows[i].region, facts->name->text);
            cr_expect_eq(facts->zone_mask, (1u << zone_count) - 1);
            cr_expect(isnan(facts->spot_usd_per_hour[0]) || facts->spot_usd_per_hour[0] <= facts->billed_usd_per_hour);
            cr_expect_eq(isnan(facts->spot_usd_per_hour[0]), facts->advisor_interruption_band < 0);
        }
        kerf_catalog_free(catalog);
    }
    cr_expect_eq(kerf_errors_count(errs), 0);
    cr_expect_eq(kerf_warnings_count(errs), 0);
    kerf_errors_free(errs);
}

/* p4d.24xlarge is sold in few regions; its facts are known in all. */
Test(catalog_files, types_that_are_not_sold_are_known_all_the_same)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_catalog *catalog = NULL;
    cr_assert_eq(kerf_catalog_load(NULL, "ca-west-1", &catalog, errs), KERF_OK);
    kerf_name name = kerf_name_find(kerf_catalog_vocabulary(catalog)->names, "p4d.24xlarge");
    cr_expect_null(kerf_catalog_find(catalog, name));
    const struct kerf_instance_facts *facts = kerf_catalog_find_anywhere(catalog, name);
    cr_assert_not_null(facts);
    cr_expect_eq(facts->vcpus, 96);
    cr_expect_eq(facts->zone_mask, 0);
    cr_expect_eq(facts->index, KERF_NOT_FOUND);
    cr_expect(isnan(facts->on_demand_usd_per_hour));
    struct kerf_instance_limits limits;
    cr_expect_eq(kerf_catalog_get_limits(catalog, "m5.large", &limits, errs), KERF_OK);
    cr_expect_eq(limits.enis, 3);
    cr_expect_eq(limits.ipv4_per_eni, 10);
    cr_expect(limits.nitro);
    cr_expect_eq(kerf_catalog_get_limits(catalog, "m5.larg", &limits, errs), KERF_E_INPUT);
    kerf_catalog_free(catalog);
    kerf_errors_free(errs);
}

Test(catalog_files, an_unknown_region_is_refused)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_catalog *catalog = NULL;
    cr_expect_eq(kerf_catalog_load(NULL, "eu-wst-1", &catalog, errs), KERF_E_INPUT);
    cr_expect_eq(kerf_catalog_load(NULL, "", &catalog, errs), KERF_E_INPUT);
    char *text = printed(errs);
    cr_expect(strstr(text, "did you mean eu-west-1?") != NULL, "%s", text);
    free(text);
    kerf_errors_free(errs);
}
