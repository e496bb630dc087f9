/* The test vectors of aws-instance-model.md 11, on the built-in catalogue. */
#include "catalog/catalog.h"

#include <criterion/criterion.h>
#include <math.h>

#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)
#define MILLI 1000

static struct kerf_errors *errs;
static struct kerf_catalog *catalog;
static struct kerf_arena arena;

static void load(void)
{
    errs = kerf_errors_new();
    cr_assert_eq(kerf_catalog_load(NULL, NULL, &catalog, errs), KERF_OK);
    kerf_arena_init(&arena);
}

static void unload(void)
{
    kerf_arena_fini(&arena);
    kerf_catalog_free(catalog);
    kerf_errors_free(errs);
}

TestSuite(amounts, .init = load, .fini = unload);

static kerf_name name_of(const char *text)
{
    return kerf_name_of(kerf_catalog_vocabulary(catalog)->names, text);
}

static const struct kerf_instance_facts *facts_of(const char *name)
{
    const struct kerf_instance_facts *facts = kerf_catalog_find(catalog, name_of(name));
    cr_assert_not_null(facts, "%s", name);
    return facts;
}

static const struct kerf_instance_type *list_one(const char *name, const struct kerf_ec2nodeclass *nodeclass,
                                                 struct kerf_instance_options options)
{
    struct kerf_instance_types types =
        kerf_catalog_list_types(catalog, nodeclass, options, kerf_catalog_vocabulary(catalog), &arena);
    return &types.items[facts_of(name)->index];
}

static struct kerf_ec2nodeclass nodeclass_of(enum kerf_ami_family ami_family)
{
    return (struct kerf_ec2nodeclass){.ami_family = ami_family, .kubelet = {.max_pods = -1}};
}

Test(amounts, types_with_default_settings)
{
    static const struct {
        const char *name;
        int64_t vcpus, memory_mib;
        const char *arch;
        int64_t capacity_mib, pods, reserved_millicores, kube_reserved_mib, allocatable_millicores, allocatable_mib;
    } rows[] = {
        {"t3.nano", 2, 512, "amd64", 473, 4, 70, 299, 1930, 74},
        {"t3.medium", 2, 4096, "amd64", 3788, 17, 70, 442, 1930, 3246},
        {"m5.large", 2, 8192, "amd64", 7577, 29, 70, 574, 1930, 6903},
        {"m7g.large", 2, 8192, "arm64", 7518, 29, 70, 574, 1930, 6844},
        {"c7g.medium", 1, 2048, "arm64", 1835, 8, 60, 343, 940, 1392},
        {"m5.xlarge", 4, 16384, "amd64", 15155, 58, 80, 893, 3920, 14162},
        {"m6i.4xlarge", 16, 65536, "amd64", 60620, 234, 110, 2829, 15890, 57691},
        {"r7i.8xlarge", 32, 262144, "amd64", 242483, 234, 150, 2829, 31850, 239554},
        {"c7g.16xlarge", 64, 131072, "arm64", 121182, 737, 230, 8362, 63770, 112720},
        {"m6idn.32xlarge", 128, 524288, "amd64", 484966, 394, 390, 4589, 127610, 480277},
        {"p5.48xlarge", 192, 2097152, "amd64", 1939865, 100, 550, 1355, 191450, 1938410},
        {"m7i.metal-48xl", 192, 786432, "amd64", 727449, 737, 550, 8362, 191450, 718987},
        {"m5.4xlarge", 16, 65536, "amd64", 60620, 234, 110, 2829, 15890, 57691},
        {"m6g.large", 2, 8192, "arm64", 7518, 29, 70, 574, 1930, 6844},
        {"c5.24xlarge", 96, 196608, "amd64", 181862, 737, 310, 8362, 95690, 173400},
    };
    struct kerf_ec2nodeclass nodeclass = nodeclass_of(KERF_AMI_AL2023);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct kerf_instance_type *type = list_one(rows[i].name, &nodeclass, kerf_instance_options_default());
        cr_expect_eq(type->facts->vcpus, rows[i].vcpus, "%s", rows[i].name);
        cr_expect_eq(type->facts->memory_mib, rows[i].memory_mib, "%s", rows[i].name);
        cr_expect_str_eq(type->facts->arch->text, rows[i].arch, "%s", rows[i].name);
        cr_expect_eq(type->capacity.memory_millibytes, rows[i].capacity_mib * MIB * MILLI, "%s", rows[i].name);
        cr_expect_eq(type->capacity.pods, rows[i].pods, "%s", rows[i].name);
        cr_expect_eq(type->facts->max_pods, rows[i].pods, "%s", rows[i].name);
        cr_expect_eq(type->kube_reserved.cpu_nanocores, rows[i].reserved_millicores * 1000000, "%s", rows[i].name);
        cr_expect_eq(type->kube_reserved.memory_millibytes, rows[i].kube_reserved_mib * MIB * MILLI, "%s", rows[i].name);
        cr_expect_eq(type->allocatable.cpu_nanocores, rows[i].allocatable_millicores * 1000000, "%s", rows[i].name);
        cr_expect_eq(type->allocatable.memory_millibytes, rows[i].allocatable_mib * MIB * MILLI, "%s", rows[i].name);
        cr_expect_eq(type->allocatable.ephemeral_storage_millibytes, 17 * GIB * MILLI, "%s", rows[i].name);
    }
}

Test(amounts, settings_of_m5_large)
{
    const struct kerf_kubelet_signal five_percent = {.present = true, .percent = true, .percent_value = 5};
    const struct kerf_kubelet_signal disabled = {.present = true, .percent = true, .percent_value = 100};
    const struct {
        enum kerf_ami_family ami_family;
        int32_t max_pods, pods_per_core, reserved_enis;
        const struct kerf_kubelet_signal *memory_available;
        double overhead_percent;
        int64_t pods, kube_reserved_mib, eviction_bytes, capacity_mib, allocatable_bytes;
    } rows[] = {
        {KERF_AMI_AL2023, -1, 0, 0, NULL, 0.075, 29, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_AL2023, 110, 0, 0, NULL, 0.075, 110, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_BOTTLEROCKET, -1, 0, 0, NULL, 0.075, 29, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_BOTTLEROCKET, 110, 0, 0, NULL, 0.075, 110, 1465, 104857600, 7577, 6304038912},
        {KERF_AMI_AL2023, -1, 0, 1, NULL, 0.075, 20, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_BOTTLEROCKET, -1, 0, 1, NULL, 0.075, 20, 475, 104857600, 7577, 7342129152},
        {KERF_AMI_AL2023, -1, 10, 0, NULL, 0.075, 20, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_BOTTLEROCKET, -1, 10, 0, NULL, 0.075, 29, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_AL2023, -1, 0, 0, &five_percent, 0.075, 29, 574, 397253018, 7577, 6945924710},
        {KERF_AMI_AL2023, -1, 0, 0, &disabled, 0.075, 29, 574, 0, 7577, 7343177728},
        {KERF_AMI_WINDOWS2022, -1, 0, 0, NULL, 0.075, 110, 1465, 104857600, 7577, 6304038912},
        {KERF_AMI_AL2023, -1, 0, 0, NULL, 0.05, 29, 574, 104857600, 7782, 7453278208},
        {KERF_AMI_AL2, -1, 0, 0, NULL, 0.075, 29, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_CUSTOM, -1, 10, 0, NULL, 0.075, 20, 574, 104857600, 7577, 7238320128},
        {KERF_AMI_AL2023, -1, 0, 3, NULL, 0.075, 0, 574, 104857600, 7577, 7238320128}, /* all interfaces reserved */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_ec2nodeclass nodeclass = nodeclass_of(rows[i].ami_family);
        nodeclass.kubelet.max_pods = rows[i].max_pods;
        nodeclass.kubelet.pods_per_core = rows[i].pods_per_core;
        if (rows[i].memory_available != NULL)
            nodeclass.kubelet.eviction_hard_memory = *rows[i].memory_available;
        struct kerf_instance_options options = kerf_instance_options_default();
        options.reserved_enis = rows[i].reserved_enis;
        options.vm_memory_overhead_percent = rows[i].overhead_percent;
        const struct kerf_instance_type *type = list_one("m5.large", &nodeclass, options);
        cr_expect_eq(type->capacity.pods, rows[i].pods, "row %zu", i);
        cr_expect_eq(type->kube_reserved.memory_millibytes, rows[i].kube_reserved_mib * MIB * MILLI, "row %zu", i);
        cr_expect_eq(type->eviction_threshold.memory_millibytes, rows[i].eviction_bytes * MILLI, "row %zu", i);
        cr_expect_eq(type->capacity.memory_millibytes, rows[i].capacity_mib * MIB * MILLI, "row %zu", i);
        cr_expect_eq(type->allocatable.memory_millibytes, rows[i].allocatable_bytes * MILLI, "row %zu", i);
    }
}

Test(amounts, pods_of_reserved_interfaces_and_large_types)
{
    struct kerf_ec2nodeclass nodeclass = nodeclass_of(KERF_AMI_AL2023);
    cr_expect_eq(list_one("t3.large", &nodeclass, kerf_instance_options_default())->capacity.pods, 35);
    cr_expect_eq(list_one("m6idn.32xlarge", &nodeclass, kerf_instance_options_default())->capacity.pods, 394);
}

Test(amounts, kubelet_block_replaces_per_resource)
{
    struct kerf_ec2nodeclass nodeclass = nodeclass_of(KERF_AMI_AL2023);
    kerf_resources_set(&nodeclass.kubelet.kube_reserved, KERF_RESOURCE_CPU, 200000000);
    kerf_resources_set(&nodeclass.kubelet.system_reserved, KERF_RESOURCE_MEMORY, 256 * MIB * MILLI);
    nodeclass.kubelet.eviction_hard_memory = (struct kerf_kubelet_signal){.present = true, .amount = 500 * MIB * MILLI};
    nodeclass.kubelet.eviction_hard_storage = (struct kerf_kubelet_signal){.present = true, .percent = true, .percent_value = 15};
    const struct kerf_instance_type *type = list_one("m5.large", &nodeclass, kerf_instance_options_default());
    cr_expect_eq(type->allocatable.cpu_nanocores, 1800000000);
    cr_expect_eq(type->allocatable.memory_millibytes, (7577 - 574 - 256 - 500) * MIB * MILLI);
    cr_expect_eq(type->allocatable.ephemeral_storage_millibytes, (20 * GIB - GIB - 3 * GIB) * MILLI);
}

Test(amounts, what_is_reserved_beyond_all_bounds_leaves_nothing)
{
    struct kerf_ec2nodeclass nodeclass = nodeclass_of(KERF_AMI_AL2023);
    kerf_resources_set(&nodeclass.kubelet.kube_reserved, KERF_RESOURCE_MEMORY, INT64_MAX);
    kerf_resources_set(&nodeclass.kubelet.system_reserved, KERF_RESOURCE_MEMORY, INT64_MAX);
    struct kerf_block_device device = {.root_volume = true, .volume_size_bytes = INT64_MAX};
    nodeclass.block_devices = &device;
    nodeclass.block_device_count = 1;
    const struct kerf_instance_type *type = list_one("m5.large", &nodeclass, kerf_instance_options_default());
    cr_expect_eq(type->allocatable.memory_millibytes, INT64_MIN);
    cr_expect_eq(type->capacity.ephemeral_storage_millibytes, INT64_MAX);
    cr_expect_lt(type->allocatable.ephemeral_storage_millibytes, type->capacity.ephemeral_storage_millibytes);
}

Test(amounts, ephemeral_storage_follows_mappings)
{
    const struct {
        enum kerf_ami_family ami_family;
        const char *device;
        bool root;
        int64_t gib;
        bool raid0;
        const char *type;
        int64_t want_bytes;
    } rows[] = {
        {KERF_AMI_AL2023, "/dev/xvda", false, 100, false, "m5.large", 100 * GIB},
        {KERF_AMI_AL2023, "/dev/xvdb", false, 100, false, "m5.large", 20 * GIB},
        {KERF_AMI_AL2023, "/dev/xvdb", true, 100, false, "m5.large", 100 * GIB},
        {KERF_AMI_AL2023, "/dev/xvda", false, 0, false, "m5.large", 20 * GIB},
        {KERF_AMI_BOTTLEROCKET, "/dev/xvdb", false, 80, false, "m5.large", 80 * GIB},
        {KERF_AMI_BOTTLEROCKET, "/dev/xvda", false, 80, false, "m5.large", 20 * GIB},
        {KERF_AMI_CUSTOM, "/dev/sdz", false, 33, false, "m5.large", 33 * GIB},
        {KERF_AMI_CUSTOM, "/dev/sdz", false, 0, false, "m5.large", 20 * GIB},
        {KERF_AMI_WINDOWS2022, "/dev/xvda", false, 80, false, "m5.large", 50 * GIB},
        {KERF_AMI_WINDOWS2022, "/dev/sda1", false, 80, false, "m5.large", 80 * GIB},
        {KERF_AMI_AL2023, "/dev/xvda", true, 100, true, "m6idn.32xlarge", 7600000000000},
        {KERF_AMI_AL2023, "/dev/xvda", true, 100, true, "m5.large", 100 * GIB}, /* has no instance store */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_block_device device = {name_of(rows[i].device), rows[i].root, rows[i].gib * GIB, NULL};
        struct kerf_ec2nodeclass nodeclass = nodeclass_of(rows[i].ami_family);
        nodeclass.block_devices = &device;
        nodeclass.block_device_count = 1;
        nodeclass.instance_store_raid0 = rows[i].raid0;
        const struct kerf_instance_type *type = list_one(rows[i].type, &nodeclass, kerf_instance_options_default());
        cr_expect_eq(type->capacity.ephemeral_storage_millibytes, rows[i].want_bytes * MILLI, "row %zu", i);
    }
}

Test(amounts, devices_stay_listed_when_zero)
{
    struct kerf_ec2nodeclass nodeclass = nodeclass_of(KERF_AMI_AL2023);
    const struct kerf_instance_type *plain = list_one("m5.large", &nodeclass, kerf_instance_options_default());
    cr_expect(kerf_resources_has(&plain->capacity, KERF_RESOURCE_NVIDIA_GPU));
    cr_expect_eq(plain->capacity.amounts[KERF_RESOURCE_NVIDIA_GPU], 0);
    cr_expect_not(kerf_resources_has(&plain->capacity, KERF_RESOURCE_PRIVATE_IPV4));
    const struct kerf_instance_type *accelerated = list_one("p5.48xlarge", &nodeclass, kerf_instance_options_default());
    cr_expect_eq(accelerated->allocatable.amounts[KERF_RESOURCE_NVIDIA_GPU], 8 * MILLI);
    cr_expect_eq(accelerated->allocatable.amounts[KERF_RESOURCE_EFA], 32 * MILLI);
    nodeclass.ami_family = KERF_AMI_WINDOWS2022;
    const struct kerf_instance_type *windows = list_one("m5.large", &nodeclass, kerf_instance_options_default());
    cr_expect_eq(windows->capacity.amounts[KERF_RESOURCE_PRIVATE_IPV4], 9 * MILLI);
}

/* A node of a managed group: what the guest was measured to see, less what its bootstrap program reserves. */
Test(amounts, node_outside_karpenter)
{
    struct kerf_resources capacity;
    struct kerf_resources allocatable;
    kerf_catalog_node_resources(facts_of("m5.large"), KERF_AMI_AL2023, 0, 80 * GIB, &capacity, &allocatable);
    int64_t visible_mib = capacity.memory_millibytes / MIB / MILLI;
    cr_expect_geq(visible_mib, 7577);
    cr_expect_lt(visible_mib, 8192);
    cr_expect_eq(allocatable.memory_millibytes, (visible_mib - 574 - 100) * MIB * MILLI);
    cr_expect_eq(allocatable.cpu_nanocores, 1930000000);
    cr_expect_eq(capacity.pods, 29);
    cr_expect_eq(capacity.ephemeral_storage_millibytes, 80 * GIB * MILLI);
    cr_expect_eq(allocatable.ephemeral_storage_millibytes, (80 * GIB - GIB - 8 * GIB) * MILLI);
    cr_expect_not(kerf_resources_has(&capacity, KERF_RESOURCE_POD_ENI));
    cr_expect_not(kerf_resources_has(&capacity, KERF_RESOURCE_NVIDIA_GPU));

    kerf_catalog_node_resources(facts_of("m5.large"), KERF_AMI_AL2023, 110, 0, &capacity, &allocatable);
    cr_expect_eq(capacity.pods, 110);
    cr_expect_eq(allocatable.memory_millibytes, (visible_mib - 574 - 100) * MIB * MILLI);
    cr_expect_eq(capacity.ephemeral_storage_millibytes, 20 * GIB * MILLI);

    kerf_catalog_node_resources(facts_of("m5.large"), KERF_AMI_BOTTLEROCKET, 110, 0, &capacity, &allocatable);
    cr_expect_eq(allocatable.memory_millibytes, (visible_mib - 1465 - 100) * MIB * MILLI);

    kerf_catalog_node_resources(facts_of("p5.48xlarge"), KERF_AMI_AL2023, 0, 0, &capacity, &allocatable);
    cr_expect_eq(capacity.amounts[KERF_RESOURCE_NVIDIA_GPU], 8 * MILLI);
}

/* The project's own tests quote what kubelets reported: m5.large 7,220,184 KiB, t4g.xlarge 15,136,012 KiB allocatable. */
Test(amounts, node_memory_is_near_what_kubelets_report)
{
    static const struct {
        const char *name;
        int64_t allocatable_kib;
    } rows[] = {{"m5.large", 7220184}, {"t4g.xlarge", 15136012}, {"t4g.medium", 3377496}, {"t4g.small", 1408312}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_resources capacity;
        struct kerf_resources allocatable;
        kerf_catalog_node_resources(facts_of(rows[i].name), KERF_AMI_AL2023, 0, 0, &capacity, &allocatable);
        double ratio = (double)allocatable.memory_millibytes / ((double)rows[i].allocatable_kib * 1024 * MILLI);
        cr_expect(fabs(ratio - 1) < 0.03, "%s: %.4f", rows[i].name, ratio);
    }
}

Test(amounts, volumes_that_a_node_can_attach)
{
    static const struct {
        const char *name;
        int64_t devices, enis, want;
    } rows[] = {
        {"m5.large", 0, 1, 26}, /* not in the driver's table: 27, shared with network interfaces */
        {"m5.large", 1, 3, 23},
        {"m5.large", 100, 1, 1},
        {"m4.large", 2, 2, 36}, /* Xen: 39 of its own */
        {"m8g.large", 0, 3, 31},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_eq(kerf_catalog_volume_limit(facts_of(rows[i].name), rows[i].devices, rows[i].enis), rows[i].want, "row %zu",
                     i);
}
