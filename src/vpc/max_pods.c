#include "base/base.h"
#include "kerf/vpc.h"

#define HOST_NETWORK_PODS 2 /* aws-node and kube-proxy, which the formula adds back */
#define POD_CAP_SMALL 110   /* kubelet's recommended cap; the larger one above 30 vCPU */
#define POD_CAP_LARGE 250
#define POD_CAP_VCPUS 30
#define AUTO_MODE_CAP 110

/* Slots of all interfaces but the reserved ones; 0 when none is left. */
static int64_t usable_slots(struct kerf_eni_limits limits, int64_t reserved_enis)
{
    KERF_ASSERT(limits.enis >= 0);
    KERF_ASSERT(limits.ipv4_per_eni >= 0);
    KERF_ASSERT(reserved_enis >= 0);
    int64_t enis = limits.enis - reserved_enis;
    if (enis <= 0 || limits.ipv4_per_eni <= 0)
        return 0;
    return enis * (limits.ipv4_per_eni - 1);
}

int64_t kerf_vpc_max_pods(struct kerf_eni_limits limits, enum kerf_ip_mode mode, int64_t reserved_enis)
{
    if (limits.enis <= reserved_enis)
        return 0;
    int64_t addresses_per_slot = mode == KERF_IP_PREFIX ? KERF_PREFIX_ADDRESSES : 1;
    return usable_slots(limits, reserved_enis) * addresses_per_slot + HOST_NETWORK_PODS;
}

int64_t kerf_vpc_max_pods_cap(int64_t vcpus) { return vcpus > POD_CAP_VCPUS ? POD_CAP_LARGE : POD_CAP_SMALL; }

struct kerf_max_pods_by_tool kerf_vpc_max_pods_by_tool(const struct kerf_max_pods_query *query)
{
    struct kerf_eni_limits limits = query->limits;
    struct kerf_max_pods_by_tool by = {0};
    by.standard = kerf_vpc_max_pods(limits, KERF_IP_SECONDARY, 0);

    /* The calculator asks for hypervisor "nitro", which bare metal does not report, so bare metal gets the secondary formula although ipamd
     * would delegate prefixes there. */
    enum kerf_ip_mode calculator_mode = query->prefix_delegation && query->nitro ? KERF_IP_PREFIX : KERF_IP_SECONDARY;
    struct kerf_eni_limits calculator_limits = limits;
    if (query->cni_max_enis > 0 && query->cni_max_enis < limits.enis)
        calculator_limits.enis = (int32_t)query->cni_max_enis;
    int64_t own_enis = query->custom_networking ? 1 : 0; /* the script adds the two pods even where no interface is left */
    by.formula = calculator_limits.enis > own_enis ? kerf_vpc_max_pods(calculator_limits, calculator_mode, own_enis) : HOST_NETWORK_PODS;
    by.calculator = query->vcpus > 0 ? kerf_min_i64(by.formula, kerf_vpc_max_pods_cap(query->vcpus)) : by.formula;
    by.managed_node_group = by.calculator;

    by.karpenter = kerf_vpc_max_pods(limits, KERF_IP_SECONDARY, query->reserved_enis + query->efa_only_enis);
    by.auto_mode = kerf_min_i64(AUTO_MODE_CAP, usable_slots(limits, 0));

    bool prefixes = query->prefix_delegation && (query->nitro || query->bare_metal);
    by.pool_addresses = usable_slots(calculator_limits, query->custom_networking ? 1 : 0) * (prefixes ? KERF_PREFIX_ADDRESSES : 1);
    return by;
}
