/* Requirements and offerings of types for a NodeClass: aws-instance-model.md 5 and 6, on a catalogue of six types. */
#include "catalog/catalog.h"
#include "../../support/catalog_folder.h"

#include <criterion/criterion.h>
#include <math.h>

static struct kerf_errors *errs;
static struct test_folder folder;
static struct kerf_catalog *catalog;
static struct kerf_vocabulary *vocabulary;
static struct kerf_arena arena;

static void load(void)
{
    errs = kerf_errors_new();
    folder = test_catalog_new();
    enum kerf_status status = kerf_catalog_load(folder.path, NULL, &catalog, errs);
    kerf_errors_print(errs, stderr);
    cr_assert_eq(status, KERF_OK);
    vocabulary = kerf_catalog_vocabulary(catalog);
    kerf_arena_init(&arena);
}

static void unload(void)
{
    kerf_arena_fini(&arena);
    kerf_catalog_free(catalog);
    test_folder_free(&folder);
    kerf_errors_free(errs);
}

TestSuite(instance_types, .init = load, .fini = unload);

static kerf_name name_of(const char *text) { return kerf_name_of(vocabulary->names, text); }

static const struct kerf_instance_type *list_one(const char *name, const struct kerf_ec2nodeclass *nodeclass)
{
    struct kerf_instance_types types =
        kerf_catalog_list_types(catalog, nodeclass, kerf_instance_options_default(), vocabulary, &arena);
    cr_assert_eq(types.count, 6);
    return &types.items[kerf_catalog_find(catalog, name_of(name))->index];
}

static const struct kerf_offering *offering_of(const struct kerf_instance_type *type, const char *zone,
                                               enum kerf_capacity_type capacity_type)
{
    for (uint32_t i = 0; i < type->offering_count; i++) {
        const struct kerf_offering *offering = &type->offerings[i];
        if (offering->zone_index == kerf_catalog_zone_index(catalog, name_of(zone)) && offering->capacity_type == capacity_type)
            return offering;
    }
    return NULL;
}

static bool values_are(const struct kerf_requirements *requirements, kerf_name key, const char *joined)
{
    const struct kerf_requirement *requirement = kerf_requirements_get(requirements, key);
    struct kerf_text text = {0};
    kerf_text_append(&text, "");
    for (uint32_t i = 0; requirement != NULL && i < requirement->value_count; i++)
        kerf_text_append_format(&text, "%s%s", i == 0 ? "" : ",", requirement->values[i]->text);
    bool equal = requirement != NULL && strcmp(text.bytes, joined) == 0;
    kerf_text_fini(&text);
    return equal;
}

Test(instance_types, catalogue_is_in_order_of_names)
{
    static const char *const names[] = {"a1.large", "i3.large", "m5.large", "m5.metal", "m7g.large", "p3.2xlarge"};
    cr_assert_eq(kerf_catalog_type_count(catalog), 6);
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_str_eq(kerf_catalog_facts(catalog, i)->name->text, names[i]);
        cr_expect_eq(kerf_catalog_facts(catalog, i)->index, i);
    }
    size_t zone_count = 0;
    const struct kerf_zone *zones = kerf_catalog_zones(catalog, &zone_count);
    cr_assert_eq(zone_count, 2);
    cr_expect_str_eq(zones[0].name->text, "us-east-1a");
    cr_expect_str_eq(zones[0].zone_id->text, "use1-az2");
    cr_expect_eq(kerf_catalog_offering_count(catalog), 36);
    cr_expect_null(kerf_catalog_find(catalog, name_of("m5.xlarge")));
    cr_expect_null(kerf_catalog_find(catalog, NULL));
    cr_expect(kerf_catalog_facts(catalog, 1)->old_storage);
    cr_expect_not(kerf_catalog_facts(catalog, 2)->old_storage);
}

Test(instance_types, requirements_of_a_type)
{
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    const struct kerf_requirements *m5 = &list_one("m5.large", &nodeclass)->requirements;
    cr_expect(values_are(m5, vocabulary->key_instance_type, "m5.large"));
    cr_expect(values_are(m5, vocabulary->key_category, "m"));
    cr_expect(values_are(m5, vocabulary->key_generation, "5"));
    cr_expect(values_are(m5, vocabulary->key_cpu, "2"));
    cr_expect(values_are(m5, vocabulary->key_zone, "us-east-1a,us-east-1b"));
    cr_expect(values_are(m5, vocabulary->key_zone_id, "use1-az1,use1-az2"));
    cr_expect(values_are(m5, vocabulary->key_capacity_type, "on-demand,spot"));
    cr_expect(values_are(m5, vocabulary->key_tenancy, "dedicated,default"));
    cr_expect(values_are(m5, vocabulary->key_os, "linux"));
    cr_expect(values_are(m5, vocabulary->key_region, "us-east-1"));
    cr_expect(values_are(m5, vocabulary->key_nitro_sandbox, "false"));
    cr_expect_eq(kerf_requirement_operator(kerf_requirements_get(m5, vocabulary->key_gpu_name)), KERF_OP_DOES_NOT_EXIST);
    cr_expect_eq(kerf_requirement_operator(kerf_requirements_get(m5, vocabulary->key_capacity_reservation_id)),
                 KERF_OP_DOES_NOT_EXIST);
    cr_expect_eq(kerf_requirement_operator(kerf_requirements_get(m5, vocabulary->key_windows_build)), KERF_OP_DOES_NOT_EXIST);
    cr_expect_null(kerf_requirements_get(m5, vocabulary->key_placement_group_id));
    for (size_t i = 1; i < m5->count; i++)
        cr_expect_lt(kerf_name_compare(m5->items[i - 1].key, m5->items[i].key), 0);

    const struct kerf_requirements *p3 = &list_one("p3.2xlarge", &nodeclass)->requirements;
    cr_expect(values_are(p3, vocabulary->key_gpu_name, "v100"));
    cr_expect(values_are(p3, vocabulary->key_gpu_count, "1"));
    const struct kerf_requirements *metal = &list_one("m5.metal", &nodeclass)->requirements;
    cr_expect(values_are(metal, vocabulary->key_hypervisor, ""));
    cr_expect_eq(kerf_requirement_operator(kerf_requirements_get(metal, vocabulary->key_hypervisor)), KERF_OP_IN);
    cr_expect(values_are(metal, vocabulary->key_capacity_type, "on-demand"));
}

/* A type without a Spot price keeps spot among its requirements: only its offering can't be used. */
Test(instance_types, usage_classes_and_not_prices_make_capacity_types)
{
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    const struct kerf_instance_type *i3 = list_one("i3.large", &nodeclass);
    cr_expect(values_are(&i3->requirements, vocabulary->key_capacity_type, "on-demand,spot"));
    cr_expect_eq(i3->offering_count, 4);
    const struct kerf_offering *spot = offering_of(i3, "us-east-1b", KERF_SPOT);
    cr_expect_not(spot->available);
    cr_expect_eq(spot->price_usd_per_hour, 0);
    cr_expect(values_are(&i3->requirements, vocabulary->key_zone, "us-east-1b")); /* a gap in us-east-1a */
    cr_expect_not(offering_of(i3, "us-east-1a", KERF_ON_DEMAND)->available);
    cr_expect(offering_of(i3, "us-east-1b", KERF_ON_DEMAND)->available);
}

Test(instance_types, offerings_in_order_with_their_prices)
{
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    const struct kerf_instance_type *m5 = list_one("m5.large", &nodeclass);
    static const double prices[] = {0.096, 0.04, 0.096, 0.05};
    cr_assert_eq(m5->offering_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct kerf_offering *offering = &m5->offerings[i];
        cr_expect_eq(offering->zone_index, i / 2);
        cr_expect_eq(offering->capacity_type, i % 2 == 0 ? KERF_ON_DEMAND : KERF_SPOT);
        cr_expect_eq(offering->price_usd_per_hour, prices[i]);
        cr_expect(offering->available);
        cr_expect_eq(offering->index, kerf_catalog_offering_index(catalog, m5->index, i / 2, offering->capacity_type));
    }
    cr_expect(values_are(&m5->offerings[1].requirements, vocabulary->key_zone, "us-east-1a"));
    cr_expect(values_are(&m5->offerings[1].requirements, vocabulary->key_zone_id, "use1-az2"));
    cr_expect(values_are(&m5->offerings[1].requirements, vocabulary->key_capacity_type, "spot"));
    cr_expect(values_are(&m5->offerings[1].requirements, vocabulary->key_capacity_reservation_id, ""));
    /* Karpenter decides about bare metal with its own list; the bill is another. */
    const struct kerf_instance_type *metal = list_one("m5.metal", &nodeclass);
    cr_expect_eq(offering_of(metal, "us-east-1a", KERF_ON_DEMAND)->price_usd_per_hour, 5.069);
    cr_expect_eq(metal->facts->billed_usd_per_hour, 4.608);
    cr_expect_null(offering_of(metal, "us-east-1a", KERF_SPOT));
    /* No On-Demand price: known, but of no use. */
    const struct kerf_instance_type *p3 = list_one("p3.2xlarge", &nodeclass);
    cr_expect(isnan(p3->facts->on_demand_usd_per_hour));
    cr_expect_not(offering_of(p3, "us-east-1b", KERF_ON_DEMAND)->available);
}

Test(instance_types, subnets_of_the_nodeclass_give_zones)
{
    struct kerf_subnet_status subnets[] = {{name_of("subnet-1"), name_of("us-east-1b"), name_of("use1-az1")},
                                           {name_of("subnet-2"), name_of("us-east-1q"), name_of("use1-az9")}};
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}, .subnets = subnets, .subnet_count = 2};
    const struct kerf_instance_type *m5 = list_one("m5.large", &nodeclass);
    cr_expect(values_are(&m5->requirements, vocabulary->key_zone, "us-east-1b"));
    cr_expect(values_are(&m5->requirements, vocabulary->key_zone_id, "use1-az1"));
    cr_expect_eq(m5->offering_count, 4);
    cr_expect_not(offering_of(m5, "us-east-1a", KERF_SPOT)->available);
    cr_expect_null(kerf_requirements_get(&offering_of(m5, "us-east-1a", KERF_SPOT)->requirements, vocabulary->key_zone_id));
    cr_expect(offering_of(m5, "us-east-1b", KERF_SPOT)->available);
    subnets[0].zone_id = NULL;
    m5 = list_one("m5.large", &nodeclass);
    cr_expect_null(kerf_requirements_get(&m5->requirements, vocabulary->key_zone_id));
}

Test(instance_types, default_zones_stand_for_missing_subnets)
{
    kerf_name zones[] = {name_of("us-east-1a")};
    struct kerf_instance_options options = kerf_instance_options_default();
    options.default_zones = zones;
    options.default_zone_count = 1;
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    struct kerf_instance_types types = kerf_catalog_list_types(catalog, &nodeclass, options, vocabulary, &arena);
    cr_expect(values_are(&types.items[2].requirements, vocabulary->key_zone, "us-east-1a"));
    cr_expect(values_are(&types.items[1].requirements, vocabulary->key_zone, "")); /* i3.large: not sold there */
}

Test(instance_types, ami_families_exclude_types)
{
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    const struct kerf_instance_type *a1 = list_one("a1.large", &nodeclass);
    cr_expect_not(offering_of(a1, "us-east-1a", KERF_ON_DEMAND)->available, "AL2023 has no image for a1");
    nodeclass.ami_family = KERF_AMI_AL2;
    a1 = list_one("a1.large", &nodeclass);
    cr_expect(offering_of(a1, "us-east-1a", KERF_ON_DEMAND)->available);
    cr_expect_not(offering_of(a1, "us-east-1b", KERF_SPOT)->available, "no price there");
    nodeclass.ami_family = KERF_AMI_WINDOWS2022;
    const struct kerf_instance_type *m7g = list_one("m7g.large", &nodeclass);
    cr_expect_not(offering_of(m7g, "us-east-1a", KERF_ON_DEMAND)->available);
    cr_expect(values_are(&m7g->requirements, vocabulary->key_os, ""));
    const struct kerf_instance_type *m5 = list_one("m5.large", &nodeclass);
    cr_expect(values_are(&m5->requirements, vocabulary->key_os, "windows"));
    cr_expect(values_are(&m5->requirements, vocabulary->key_windows_build, "10.0.20348"));
    cr_expect(offering_of(m5, "us-east-1a", KERF_ON_DEMAND)->available);
}

Test(instance_types, labels_are_single_values)
{
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    const struct kerf_instance_type *m5 = list_one("m5.large", &nodeclass);
    struct kerf_labels labels = kerf_catalog_type_labels(m5, vocabulary, &arena);
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(&labels, vocabulary->key_family)), "m5");
    cr_expect_str_eq(kerf_name_text(kerf_labels_get(&labels, vocabulary->key_tenancy)), "default");
    cr_expect_null(kerf_labels_get(&labels, vocabulary->key_zone));
    cr_expect_null(kerf_labels_get(&labels, vocabulary->key_capacity_type));
    cr_expect_null(kerf_labels_get(&labels, vocabulary->key_gpu_name));
}

/* Names that mean something beyond letters and digits. */
Test(instance_types, category_and_generation_of_odd_names)
{
    test_folder_write(
        &folder, "instance_types.csv",
        "name,arch,vcpus,memory_mib,max_enis_default_card,ipv4_per_eni\n"
        "c7i-flex.large,amd64,2,4096,3,10\nu-24tb1.112xlarge,amd64,448,25165824,15,50\nu7i-12tb.224xlarge,amd64,896,12582912,15,"
        "50\n"
        "mac-m4.metal,arm64,10,24576,8,30\nhpc7a.12xlarge,amd64,24,786432,4,50\nx2iedn.metal,amd64,128,4194304,15,50\n");
    test_folder_write(&folder, "on_demand_prices.csv", "instance_type,usd_per_hour\nc7i-flex.large,0.08\n");
    test_folder_write(&folder, "spot_prices.csv", "instance_type,usd_per_hour\n");
    test_folder_remove(&folder, "zone_gaps.csv");
    kerf_catalog_free(catalog);
    cr_assert_eq(kerf_catalog_load(folder.path, NULL, &catalog, errs), KERF_OK);
    vocabulary = kerf_catalog_vocabulary(catalog);
    struct kerf_ec2nodeclass nodeclass = {.kubelet = {.max_pods = -1}};
    static const struct {
        const char *name, *category, *generation, *family, *flex;
    } rows[] = {
        {"c7i-flex.large", "c", "7", "c7i-flex", "true"}, {"u-24tb1.112xlarge", "u", "1", "u-24tb1", "false"},
        {"u7i-12tb.224xlarge", "u", "7", "u7i-12tb", "false"}, {"mac-m4.metal", "", "", "mac-m4", "false"},
        {"hpc7a.12xlarge", "hpc", "7", "hpc7a", "false"}, {"x2iedn.metal", "x", "2", "x2iedn", "false"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct kerf_requirements *requirements = &list_one(rows[i].name, &nodeclass)->requirements;
        cr_expect(values_are(requirements, vocabulary->key_category, rows[i].category), "%s", rows[i].name);
        cr_expect(values_are(requirements, vocabulary->key_generation, rows[i].generation), "%s", rows[i].name);
        cr_expect(values_are(requirements, vocabulary->key_family, rows[i].family), "%s", rows[i].name);
        cr_expect(values_are(requirements, vocabulary->key_capability_flex, rows[i].flex), "%s", rows[i].name);
    }
}
