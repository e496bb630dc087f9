/* Settings that the CNI takes and whose effect is rarely meant: what will happen, with the numbers at hand. */
#include <stdio.h>

#include "base/base.h"
#include "kerf/vpc.h"

enum { TEXT_BYTES = 512, WARM_IP_SMALL = 2, COOLDOWN_DEFAULT_S = 30 };
#define FEW_BLOCKS 0.5 /* of those that the empty subnet has */

struct report {
    kerf_vpc_finding finding;
    void *context;
};

static void tell(const struct report *report, enum kerf_vpc_misconfiguration kind, const char *format, ...) KERF_PRINTF(3, 4);
static void tell(const struct report *report, enum kerf_vpc_misconfiguration kind, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report->finding(report->context, kind, text);
}

static bool has_targets(const struct kerf_cni_settings *settings) { return settings->warm_ip_target > 0 || settings->minimum_ip_target > 0; }

void kerf_vpc_review_settings(const struct kerf_cni_settings *settings, bool warm_eni_given, kerf_vpc_finding finding, void *context)
{
    const struct report report = {finding, context};
    if (settings->ipv6)
        return; /* no pool of IPv4 addresses */
    if (has_targets(settings) && warm_eni_given)
        tell(&report, KERF_VPC_WARM_ENI_IGNORED,
             "WARM_ENI_TARGET=%d is ignored beside WARM_IP_TARGET and MINIMUM_IP_TARGET, also when interfaces are released",
             settings->warm_eni_target);
    if (settings->prefix_delegation && has_targets(settings) && settings->warm_prefix_target > 0)
        tell(&report, KERF_VPC_WARM_PREFIX_VETOES,
             "WARM_PREFIX_TARGET=%d beside address targets: those decide what is taken and returned, but an empty interface is kept while the others "
             "have fewer than %d wholly free prefixes (set it to 0, the manifest's default is 1)",
             settings->warm_prefix_target, settings->warm_prefix_target);
    if (!settings->prefix_delegation && settings->warm_ip_target > 0 && settings->warm_ip_target <= WARM_IP_SMALL && settings->minimum_ip_target == 0)
        tell(&report, KERF_VPC_WARM_IP_SMALL,
             "WARM_IP_TARGET=%d without MINIMUM_IP_TARGET: a node gains %d address%s in five seconds, each by a call of its own, and returns it when "
             "a pod goes; in a burst pods wait, and EC2 throttles the whole account (set MINIMUM_IP_TARGET near the pods of a node)",
             settings->warm_ip_target, settings->warm_ip_target, settings->warm_ip_target == 1 ? "" : "es");
    if (settings->minimum_ip_target > 0 && settings->warm_ip_target == 0)
        tell(&report, KERF_VPC_MINIMUM_IS_CEILING,
             "MINIMUM_IP_TARGET=%d without WARM_IP_TARGET is a ceiling: once %d addresses are in use the pool grows no more, and further pods "
             "stay in ContainerCreating for ever",
             settings->minimum_ip_target, settings->minimum_ip_target);
    if (!settings->prefix_delegation && !has_targets(settings) && settings->warm_eni_target == 0)
        tell(&report, KERF_VPC_WARM_ENI_FLAPS,
             "WARM_ENI_TARGET=0: with pods at a multiple of an interface's addresses%s the node creates an interface, releases it after a minute and "
             "creates it again",
             settings->custom_networking ? " (with custom networking also at none)" : "");
    if (settings->ip_cooldown_us > COOLDOWN_DEFAULT_S * KERF_SECOND_US)
        tell(&report, KERF_VPC_COOLDOWN_LONG,
             "IP_COOLDOWN_PERIOD=%lld: addresses of pods that went lie idle for so long, count as available and keep the pool from growing: pods "
             "that replace others wait for them",
             (long long)(settings->ip_cooldown_us / KERF_SECOND_US));
}

void kerf_vpc_review_node(const struct kerf_cni_settings *settings, const struct kerf_vpc_judged_node *node, kerf_vpc_finding finding, void *context)
{
    const struct report report = {finding, context};
    if (settings->ipv6)
        return;
    bool prefixes = settings->prefix_delegation && node->prefix_capable;
    int64_t slots = node->limits.ipv4_per_eni - 1, slot_addresses = prefixes ? KERF_PREFIX_ADDRESSES : 1;
    int64_t enis = settings->max_enis >= 1 ? kerf_min_i64(settings->max_enis, node->limits.enis) : node->limits.enis;
    bool trunk = settings->pod_eni && node->trunk_capable;
    int64_t usable_enis = kerf_max_i64(0, enis - settings->custom_networking - trunk - node->unmanaged_enis);
    int64_t addresses = usable_enis * slots * slot_addresses;
    int64_t pods = node->max_pods - node->host_pods; /* that need an address */
    bool lowered = false;
    if (settings->prefix_delegation && !node->prefix_capable)
        tell(&report, KERF_VPC_PREFIX_ON_XEN, "%s cannot take prefixes: it silently hands out secondary addresses, %lld for %lld pods", node->name,
             (long long)addresses, (long long)pods);
    if (trunk && pods > addresses && node->reserved_enis < 1 + settings->custom_networking) {
        lowered = true;
        tell(&report, KERF_VPC_TRUNK_NOT_RESERVED,
             "ENABLE_POD_ENI keeps an interface of %s for the trunk, and max-pods %lld does not know of it: %lld addresses for %lld pods, the others "
             "stay in ContainerCreating (lower max-pods, or set Karpenter's RESERVED_ENIS)",
             node->name, (long long)node->max_pods, (long long)addresses, (long long)pods);
    }
    if (settings->custom_networking && !trunk && pods > addresses && node->reserved_enis < 1) {
        lowered = true;
        tell(&report, KERF_VPC_CUSTOM_NOT_RESERVED,
             "custom networking keeps the primary interface of %s from pods, and max-pods %lld does not know of it: %lld addresses for %lld pods, the "
             "others stay in ContainerCreating (lower max-pods, or set Karpenter's RESERVED_ENIS to 1)",
             node->name, (long long)node->max_pods, (long long)addresses, (long long)pods);
    }
    if (node->unmanaged_enis > 0 && pods > addresses && node->reserved_enis < 1) {
        lowered = true;
        tell(&report, KERF_VPC_UNMANAGED_NOT_RESERVED,
             "%lld interface%s of %s %s not the CNI's (tag node.k8s.amazonaws.com/no_manage), and max-pods %lld does not know of it: %lld addresses for "
             "%lld pods, the others stay in ContainerCreating (lower max-pods)",
             (long long)node->unmanaged_enis, node->unmanaged_enis == 1 ? "" : "s", node->name, node->unmanaged_enis == 1 ? "is" : "are",
             (long long)node->max_pods, (long long)addresses, (long long)pods);
    }
    if (!lowered && pods > addresses)
        tell(&report, KERF_VPC_MAX_PODS_HIGH, "max-pods %lld of %s is above what its interfaces hold: %lld addresses for %lld pods, the others stay in "
             "ContainerCreating", (long long)node->max_pods, node->name, (long long)addresses, (long long)pods);
    if (prefixes && node->max_pods == node->max_pods_standard)
        tell(&report, KERF_VPC_PREFIX_WITHOUT_DENSITY,
             "prefixes with max-pods %lld, the value for secondary addresses, on %s: the pool stops at %lld addresses and no more pods fit than before "
             "(Karpenter knows no prefixes: set kubelet.maxPods in the EC2NodeClass)",
             (long long)node->max_pods, node->name, (long long)((node->max_pods + KERF_PREFIX_ADDRESSES - 1) / KERF_PREFIX_ADDRESSES * KERF_PREFIX_ADDRESSES));
    if (settings->minimum_ip_target > pods)
        tell(&report, KERF_VPC_MINIMUM_IS_FLOOR, "MINIMUM_IP_TARGET=%d is more than the %lld pods that %s takes: an empty node holds as many addresses",
             settings->minimum_ip_target, (long long)pods, node->name);
    if (settings->warm_ip_target > kerf_min_i64(addresses, node->max_pods))
        tell(&report, KERF_VPC_WARM_IP_TAKES_ALL,
             "WARM_IP_TARGET=%d is more than %s can hold or run: each node takes all it can, up to %lld addresses, without an error",
             settings->warm_ip_target, node->name, (long long)kerf_min_i64(addresses, kerf_max_i64(node->max_pods, slots)));
}

void kerf_vpc_review_subnet(const struct kerf_cni_settings *settings, struct kerf_cidr cidr, int64_t taken, bool reserved,
                            kerf_vpc_finding finding, void *context)
{
    const struct report report = {finding, context};
    char text[19];
    kerf_cidr_print(cidr, text);
    if (!settings->prefix_delegation || settings->ipv6 || reserved)
        return;
    if (kerf_vpc_subnet_prefixes_max(cidr.prefix_length) == 0) {
        tell(&report, KERF_VPC_NO_BLOCK, "%s has no /28 that can be delegated: AWS keeps five of its addresses. Nodes are Ready, their pods find no address",
             text);
        return;
    }
    int64_t blocks = kerf_vpc_subnet_prefixes_max(cidr.prefix_length);
    int64_t usable = (int64_t)kerf_cidr_size(cidr) - KERF_VPC_SUBNET_RESERVED;
    double whole = 1; /* chance that no taken address lies in a given block */
    for (int64_t i = 0; i < taken && whole > 0; i++)
        whole *= (double)(usable - KERF_PREFIX_ADDRESSES - i) / (double)(usable - i);
    if (whole < FEW_BLOCKS)
        tell(&report, KERF_VPC_FRAGMENTED,
             "prefixes in %s, where %lld addresses lie scattered: of its %lld /28 about %.1f are whole (none with probability %.2f). Without one: "
             "InsufficientCidrBlocks, nodes are Ready, their pods find no address, the CNI asks again every two minutes and does not fall back to "
             "single addresses (a new subnet, or a reservation for prefixes)",
             text, (long long)taken, (long long)blocks, (double)blocks * whole, 1 - kerf_vpc_prefix_chance(cidr.prefix_length, (uint32_t)taken));
}
