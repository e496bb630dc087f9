/**
 * allocatable: from the facts of a type to capacity, overhead and allocatable, as Karpenter's AWS provider computes them for a
 * NodeClass, and as a node reports them itself. Source: aws-instance-model.md 3 and 4 (karpenter-provider-aws 1d927085d,
 * amazon-eks-ami 81fec2e8). Floating point only where the provider uses it, in the order it does.
 */
#include <math.h>

#include "catalog/catalog_internal.h"
#include "kerf/vpc.h"

#define MIB_BYTES ((int64_t)1 << 20)
#define GIB_BYTES ((int64_t)1 << 30)
#define MILLI ((int64_t)1000)
#define NANOCORES_PER_MILLICORE ((int64_t)1000000)

enum {
    ARM64_KERNEL_MIB = 64,      /* set aside by the kernel on Graviton */
    RESERVED_MIB_PER_POD = 11,
    RESERVED_MIB = 255,
    EVICTION_MIB = 100,
    PODS_WITHOUT_ENI_LIMIT = 110,
    DEFAULT_VOLUME_GIB = 20,
    WINDOWS_VOLUME_GIB = 50,
};

bool kerf_ami_family_is_windows(enum kerf_ami_family ami_family)
{
    return ami_family == KERF_AMI_WINDOWS2019 || ami_family == KERF_AMI_WINDOWS2022 || ami_family == KERF_AMI_WINDOWS2025;
}

bool kerf_ami_family_runs(enum kerf_ami_family ami_family, const struct kerf_instance_facts *facts)
{
    if (kerf_ami_family_is_windows(ami_family))
        return !kerf_name_is(facts->arch, "arm64");
    return ami_family != KERF_AMI_AL2023 || !kerf_name_is(facts->family, "a1");
}

static int64_t eni_limited_pods(const struct kerf_instance_facts *facts, int32_t reserved_enis)
{
    struct kerf_eni_limits limits = {(int32_t)facts->enis, (int32_t)facts->ipv4_per_eni};
    return kerf_vpc_max_pods(limits, KERF_IP_SECONDARY, reserved_enis);
}

static int64_t pods(const struct kerf_instance_facts *facts, const struct kerf_node_settings *settings)
{
    int64_t count = PODS_WITHOUT_ENI_LIMIT;
    if (settings->kubelet->max_pods >= 0)
        count = settings->kubelet->max_pods;
    else if (!kerf_ami_family_is_windows(settings->ami_family))
        count = eni_limited_pods(facts, settings->reserved_enis);
    if (settings->kubelet->pods_per_core > 0 && settings->ami_family != KERF_AMI_BOTTLEROCKET)
        count = kerf_min_i64(count, settings->kubelet->pods_per_core * facts->vcpus);
    return count;
}

/* The provider's estimate of what the guest sees: a share of the nominal memory is lost to the hypervisor and firmware. */
static int64_t estimated_memory_bytes(const struct kerf_instance_facts *facts, double overhead_percent)
{
    int64_t mib = facts->memory_mib - (kerf_name_is(facts->arch, "arm64") ? ARM64_KERNEL_MIB : 0);
    double overhead_mib = ceil((double)(mib * MIB_BYTES) * overhead_percent / 1024 / 1024);
    return (mib - (int64_t)overhead_mib) * MIB_BYTES;
}

static const char *ephemeral_device(enum kerf_ami_family ami_family)
{
    switch (ami_family) {
    case KERF_AMI_AL2023:
    case KERF_AMI_AL2:
        return "/dev/xvda";
    case KERF_AMI_BOTTLEROCKET:
        return "/dev/xvdb";
    case KERF_AMI_WINDOWS2019:
    case KERF_AMI_WINDOWS2022:
    case KERF_AMI_WINDOWS2025:
        return "/dev/sda1";
    case KERF_AMI_CUSTOM:
        break;
    }
    return NULL;
}

static int64_t ephemeral_storage_bytes(const struct kerf_instance_facts *facts, const struct kerf_node_settings *settings)
{
    if (settings->instance_store_raid0 && facts->instance_store_gb > 0)
        return facts->instance_store_gb * 1000000000;
    const struct kerf_block_device *devices = settings->block_devices;
    for (uint32_t i = 0; i < settings->block_device_count; i++)
        if (devices[i].root_volume && devices[i].volume_size_bytes > 0)
            return devices[i].volume_size_bytes;
    if (settings->ami_family == KERF_AMI_CUSTOM) {
        int64_t last_bytes = settings->block_device_count > 0 ? devices[settings->block_device_count - 1].volume_size_bytes : 0;
        return last_bytes > 0 ? last_bytes : DEFAULT_VOLUME_GIB * GIB_BYTES;
    }
    for (uint32_t i = 0; i < settings->block_device_count; i++)
        if (kerf_name_is(devices[i].device_name, ephemeral_device(settings->ami_family)) && devices[i].volume_size_bytes > 0)
            return devices[i].volume_size_bytes;
    return (kerf_ami_family_is_windows(settings->ami_family) ? WINDOWS_VOLUME_GIB : DEFAULT_VOLUME_GIB) * GIB_BYTES;
}

/* Shares of the bracket in hundredths of a percent; each bracket is cut to whole millicores. */
static int64_t reserved_millicores(int64_t vcpus)
{
    static const struct {
        int64_t first_millicores, end_millicores, share;
    } brackets[] = {{0, 1000, 600}, {1000, 2000, 100}, {2000, 4000, 50}, {4000, INT64_MAX, 25}};
    int64_t reserved = 0;
    for (size_t i = 0; i < sizeof brackets / sizeof brackets[0] && vcpus * 1000 > brackets[i].first_millicores; i++) {
        int64_t end = kerf_min_i64(vcpus * 1000, brackets[i].end_millicores);
        reserved += (end - brackets[i].first_millicores) * brackets[i].share / 10000;
    }
    return reserved;
}

/* What the kubelet keeps for itself and the container runtime. `pod_count` holds where the family counts real pods. */
static void set_kube_reserved(const struct kerf_instance_facts *facts, enum kerf_ami_family ami_family, int64_t pod_count,
                              struct kerf_resources *out_reserved)
{
    bool real_pods = ami_family == KERF_AMI_BOTTLEROCKET || kerf_ami_family_is_windows(ami_family);
    int64_t reserved_for = real_pods ? pod_count : eni_limited_pods(facts, 0);
    kerf_resources_set(out_reserved, KERF_RESOURCE_CPU, reserved_millicores(facts->vcpus) * NANOCORES_PER_MILLICORE);
    kerf_resources_set(out_reserved, KERF_RESOURCE_MEMORY,
                       (RESERVED_MIB_PER_POD * reserved_for + RESERVED_MIB) * MIB_BYTES * MILLI);
    kerf_resources_set(out_reserved, KERF_RESOURCE_EPHEMERAL_STORAGE, GIB_BYTES * MILLI);
}

/* ceil(bytes / 100 x percent), as the provider divides first. 100 % means disabled. */
static int64_t share_millibytes(int64_t capacity_millibytes, double percent)
{
    if (percent >= 100)
        return 0;
    return (int64_t)ceil((double)(capacity_millibytes / MILLI) / 100 * percent) * MILLI;
}

static int64_t eviction_millibytes(const struct kerf_kubelet_signal *signal, int64_t capacity_millibytes,
                                   int64_t default_millibytes)
{
    if (!signal->present)
        return default_millibytes;
    return signal->percent ? share_millibytes(capacity_millibytes, signal->percent_value) : signal->amount;
}

static void override(struct kerf_resources *into, const struct kerf_resources *given)
{
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (kerf_resources_has(given, (enum kerf_resource)i))
            kerf_resources_set(into, (enum kerf_resource)i, given->amounts[i]);
}

/* Overheads of resources that the capacity doesn't list don't count. */
static void set_allocatable(struct kerf_instance_type *type)
{
    type->allocatable = type->capacity;
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (kerf_resources_has(&type->capacity, (enum kerf_resource)i))
            type->allocatable.amounts[i] = kerf_saturate_i64((kerf_i128)type->capacity.amounts[i] - type->kube_reserved.amounts[i] -
                                                             type->system_reserved.amounts[i] - type->eviction_threshold.amounts[i]);
}

static int64_t gpus_of(const struct kerf_instance_facts *facts, const char *manufacturer)
{
    return kerf_name_is(facts->row->gpu_manufacturer, manufacturer) ? kerf_max_i64(facts->gpu_count, 0) : 0;
}

static void set_devices(const struct kerf_instance_facts *facts, struct kerf_resources *capacity)
{
    const struct kerf_instance_row *row = facts->row;
    int64_t branch_enis = row->trunking_compatible ? kerf_max_i64(facts->branch_enis, 0) : 0;
    kerf_resources_set(capacity, KERF_RESOURCE_POD_ENI, branch_enis * MILLI);
    kerf_resources_set(capacity, KERF_RESOURCE_NVIDIA_GPU, gpus_of(facts, "nvidia") * MILLI);
    kerf_resources_set(capacity, KERF_RESOURCE_AMD_GPU, gpus_of(facts, "amd") * MILLI);
    kerf_resources_set(capacity, KERF_RESOURCE_GAUDI, gpus_of(facts, "habana") * MILLI);
    kerf_resources_set(capacity, KERF_RESOURCE_NEURON, kerf_max_i64(row->neuron_devices, 0) * MILLI);
    kerf_resources_set(capacity, KERF_RESOURCE_NEURONCORE, kerf_max_i64(row->neuron_cores, 0) * MILLI);
    kerf_resources_set(capacity, KERF_RESOURCE_EFA, kerf_max_i64(row->efa_interfaces, 0) * MILLI);
}

void kerf_instance_amounts(const struct kerf_instance_facts *facts, const struct kerf_node_settings *settings,
                           struct kerf_instance_type *out_type)
{
    int64_t pod_count = pods(facts, settings);
    int64_t memory_millibytes = estimated_memory_bytes(facts, settings->vm_memory_overhead_percent) * MILLI;
    int64_t storage_millibytes = kerf_saturate_i64((kerf_i128)ephemeral_storage_bytes(facts, settings) * MILLI);
    struct kerf_resources *capacity = &out_type->capacity;
    kerf_resources_set(capacity, KERF_RESOURCE_CPU, facts->vcpus * 1000 * NANOCORES_PER_MILLICORE);
    kerf_resources_set(capacity, KERF_RESOURCE_MEMORY, memory_millibytes);
    kerf_resources_set(capacity, KERF_RESOURCE_EPHEMERAL_STORAGE, storage_millibytes);
    kerf_resources_set(capacity, KERF_RESOURCE_PODS, pod_count);
    set_devices(facts, capacity);
    if (kerf_ami_family_is_windows(settings->ami_family))
        kerf_resources_set(capacity, KERF_RESOURCE_PRIVATE_IPV4, kerf_max_i64(facts->ipv4_per_eni - 1, 0) * MILLI);

    set_kube_reserved(facts, settings->ami_family, pod_count, &out_type->kube_reserved);
    override(&out_type->kube_reserved, &settings->kubelet->kube_reserved);
    out_type->system_reserved = settings->kubelet->system_reserved;
    kerf_resources_set(
        &out_type->eviction_threshold, KERF_RESOURCE_MEMORY,
        eviction_millibytes(&settings->kubelet->eviction_hard_memory, memory_millibytes, EVICTION_MIB * MIB_BYTES * MILLI));
    kerf_resources_set(&out_type->eviction_threshold, KERF_RESOURCE_EPHEMERAL_STORAGE,
                       eviction_millibytes(&settings->kubelet->eviction_hard_storage, storage_millibytes,
                                           share_millibytes(storage_millibytes, 10)));
    set_allocatable(out_type);
}

/* ---- the node's own report ----------------------------------------------------------------------------------------------- */

/*
 * Where nobody measured the type: the median loss of measured types by size (aws-instance-model.md 3.1; 1,092 types of
 * ec2instances.info, 2025-12 to 2026-01). Measured types scatter by about 2 points around it.
 */
static int64_t visible_memory_mib(const struct kerf_instance_facts *facts)
{
    static const struct {
        int64_t memory_mib_min;
        int64_t loss_permille;
    } losses[] = {{262144, 31}, {65536, 35}, {32768, 37}, {16384, 42}, {8192, 52}, {4096, 71}, {0, 105}};
    if (facts->row->os_visible_memory_mib > 0)
        return facts->row->os_visible_memory_mib;
    size_t i = 0;
    while (facts->memory_mib < losses[i].memory_mib_min)
        i++;
    return facts->memory_mib - facts->memory_mib * losses[i].loss_permille / 1000;
}

void kerf_catalog_node_resources(const struct kerf_instance_facts *facts, enum kerf_ami_family ami_family, int32_t max_pods,
                                 int64_t root_volume_bytes, struct kerf_resources *out_capacity,
                                 struct kerf_resources *out_allocatable)
{
    struct kerf_kubelet kubelet = {.max_pods = max_pods > 0 ? max_pods : -1};
    struct kerf_node_settings settings = {.ami_family = ami_family, .kubelet = &kubelet};
    struct kerf_instance_type type = {.facts = facts};
    kerf_instance_amounts(facts, &settings, &type);
    /* The defaults of the bootstrap program are those of the provider; memory and disk are what the node finds. The file system's
     * own loss (about 0.1 % of an xfs root) is left out. */
    int64_t storage_bytes = root_volume_bytes > 0 ? root_volume_bytes : type.capacity.ephemeral_storage_millibytes / MILLI;
    type.capacity.memory_millibytes = visible_memory_mib(facts) * MIB_BYTES * MILLI;
    type.capacity.ephemeral_storage_millibytes = kerf_saturate_i64((kerf_i128)storage_bytes * MILLI);
    type.eviction_threshold.ephemeral_storage_millibytes = share_millibytes(type.capacity.ephemeral_storage_millibytes, 10);
    set_allocatable(&type);
    /* A node lists what its device plugins found, and branch interfaces only with security groups for pods. */
    for (int i = 0; i < KERF_RESOURCE_MAX; i++) {
        bool kept = i <= KERF_RESOURCE_PODS || (type.capacity.amounts[i] > 0 && i != KERF_RESOURCE_POD_ENI);
        if (kept)
            continue;
        kerf_resources_remove(&type.capacity, (enum kerf_resource)i);
        kerf_resources_remove(&type.allocatable, (enum kerf_resource)i);
    }
    *out_capacity = type.capacity;
    *out_allocatable = type.allocatable;
}

/* ---- volumes ------------------------------------------------------------------------------------------------------------- */

int64_t kerf_catalog_volume_limit(const struct kerf_instance_facts *facts, int64_t block_device_count, int64_t attached_enis)
{
    enum { LIMIT_WITHOUT_NITRO = 39, LIMIT_UNKNOWN = 27 };
    int64_t limit = facts->ebs_attachment_limit;
    bool shared = facts->ebs_attachment_shared;
    if (limit < 0) {
        bool is_xen = kerf_name_is(facts->row->hypervisor, "xen");
        limit = is_xen ? LIMIT_WITHOUT_NITRO : LIMIT_UNKNOWN;
        shared = !is_xen;
    }
    int64_t reserved = block_device_count + 1 + (shared ? kerf_max_i64(attached_enis - 1, 0) : 0);
    return kerf_max_i64(limit - reserved, 1);
}
