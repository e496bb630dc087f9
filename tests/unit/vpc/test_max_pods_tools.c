/* Max pods as each tool computes it: the table of checked types. */
#include <criterion/criterion.h>

#include "base/base.h"
#include "kerf/vpc.h"

static const struct {
    const char *type;
    int enis, ipv4_per_eni, vcpus;
    bool nitro, bare_metal;
    int standard, calculator, prefix_addresses, calculator_prefix, custom; /* prefix_addresses -1: no prefixes */
} rows[] = {
    {"t3.nano", 2, 2, 2, true, false, 4, 4, 32, 34, 3},
    {"t3.small", 3, 4, 2, true, false, 11, 11, 144, 110, 8},
    {"t3.medium", 3, 6, 2, true, false, 17, 17, 240, 110, 12},
    {"m6g.medium", 2, 4, 1, true, false, 8, 8, 96, 98, 5},
    {"m5.large", 3, 10, 2, true, false, 29, 29, 432, 110, 20},
    {"c8i.large", 3, 20, 2, true, false, 59, 59, 912, 110, 40},
    {"m5.xlarge", 4, 15, 4, true, false, 58, 58, 896, 110, 44},
    {"m5.4xlarge", 8, 30, 16, true, false, 234, 110, 3712, 110, 205},
    {"m5.8xlarge", 8, 30, 32, true, false, 234, 234, 3712, 250, 205},
    {"m5.24xlarge", 15, 50, 96, true, false, 737, 250, 11760, 250, 688},
    {"m5.metal", 15, 50, 96, false, true, 737, 250, 11760, 250, 688},
    {"p5.48xlarge", 2, 50, 192, true, false, 100, 100, 1568, 250, 51},
    {"m4.large", 2, 10, 2, false, false, 20, 20, -1, 20, 11},
    {"m4.4xlarge", 8, 30, 16, false, false, 234, 110, -1, 110, 205},
};

Test(max_pods_tools, table)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_max_pods_query query = {
            .limits = {.enis = rows[i].enis, .ipv4_per_eni = rows[i].ipv4_per_eni},
            .vcpus = rows[i].vcpus,
            .nitro = rows[i].nitro,
            .bare_metal = rows[i].bare_metal,
        };
        struct kerf_max_pods_by_tool by = kerf_vpc_max_pods_by_tool(&query);
        cr_expect_eq(by.standard, rows[i].standard, "%s", rows[i].type);
        cr_expect_eq(by.formula, rows[i].standard, "%s", rows[i].type);
        cr_expect_eq(by.calculator, rows[i].calculator, "%s", rows[i].type);
        cr_expect_eq(by.karpenter, rows[i].standard, "%s", rows[i].type);
        cr_expect_eq(by.auto_mode, rows[i].standard - 2 < 110 ? rows[i].standard - 2 : 110, "%s", rows[i].type);

        query.prefix_delegation = true;
        by = kerf_vpc_max_pods_by_tool(&query);
        cr_expect_eq(by.calculator, rows[i].calculator_prefix, "%s", rows[i].type);
        cr_expect_eq(by.standard, rows[i].standard, "%s: nodeadm knows no prefixes", rows[i].type);
        cr_expect_eq(by.karpenter, rows[i].standard, "%s: nor does Karpenter", rows[i].type);
        cr_expect_eq(by.pool_addresses, rows[i].prefix_addresses >= 0 ? rows[i].prefix_addresses : rows[i].standard - 2, "%s", rows[i].type);

        query.prefix_delegation = false;
        query.custom_networking = true;
        query.reserved_enis = 1;
        by = kerf_vpc_max_pods_by_tool(&query);
        cr_expect_eq(by.formula, rows[i].custom, "%s", rows[i].type);
        cr_expect_eq(by.karpenter, rows[i].custom, "%s", rows[i].type);
    }
}

Test(max_pods_tools, limits_of_the_limits)
{
    cr_expect_eq(kerf_vpc_max_pods((struct kerf_eni_limits){1, 10}, KERF_IP_SECONDARY, 1), 0, "no interface is left");
    cr_expect_eq(kerf_vpc_max_pods((struct kerf_eni_limits){0, 0}, KERF_IP_PREFIX, 0), 0);
    cr_expect_eq(kerf_vpc_max_pods((struct kerf_eni_limits){2, 1}, KERF_IP_SECONDARY, 0), 2, "host network pods only");
    cr_expect_eq(kerf_vpc_max_pods_cap(30), 110);
    cr_expect_eq(kerf_vpc_max_pods_cap(31), 250);
    struct kerf_max_pods_query query = {.limits = {8, 30}, .cni_max_enis = 2, .custom_networking = true};
    cr_expect_eq(kerf_vpc_max_pods_by_tool(&query).formula, 29 + 2, "min(MAX_ENI, interfaces) less the primary");
}
