/* Section 9 of the rules: each row is found, and what will happen is said with the right numbers; what is well set is not found. */
#include <criterion/criterion.h>

#include "../../support/vpc_world.h"

#define PD "ENABLE_PREFIX_DELEGATION=true"

struct found {
    uint32_t kinds;
    struct kerf_text text;
};

static void note(void *context, enum kerf_vpc_misconfiguration kind, const char *text)
{
    struct found *found = context;
    found->kinds |= 1u << kind;
    kerf_text_append(&found->text, text);
    kerf_text_append(&found->text, "\n");
}

static void expect(struct found *found, uint32_t kinds, const char *what, const char *words)
{
    cr_expect_eq(found->kinds, kinds, "%s: found %x, expected %x: %s", what, found->kinds, kinds, found->text.bytes ? found->text.bytes : "");
    if (words)
        cr_expect(found->text.bytes && strstr(found->text.bytes, words), "%s: \"%s\" lacks \"%s\"", what, found->text.bytes ? found->text.bytes : "",
                  words);
    kerf_text_fini(&found->text);
}

static const struct {
    const char *env;
    bool warm_eni_given;
    uint32_t kinds;
    const char *words;
} settings_rows[] = {
    {"", true, 0, NULL},
    {PD, true, 0, NULL},
    {"WARM_IP_TARGET=5 MINIMUM_IP_TARGET=20", false, 0, NULL},
    {"WARM_IP_TARGET=5 WARM_ENI_TARGET=2", true, 1u << KERF_VPC_WARM_ENI_IGNORED, "WARM_ENI_TARGET=2 is ignored"},
    {PD " WARM_IP_TARGET=5 MINIMUM_IP_TARGET=20", false, 1u << KERF_VPC_WARM_PREFIX_VETOES, "an empty interface is kept"},
    {PD " WARM_IP_TARGET=5 WARM_PREFIX_TARGET=0", false, 0, NULL},
    {"WARM_IP_TARGET=1", false, 1u << KERF_VPC_WARM_IP_SMALL, "gains 1 address in five seconds"},
    {"WARM_IP_TARGET=2", false, 1u << KERF_VPC_WARM_IP_SMALL, "gains 2 addresses in five seconds"},
    {"WARM_IP_TARGET=3", false, 0, NULL},
    {"MINIMUM_IP_TARGET=10", false, 1u << KERF_VPC_MINIMUM_IS_CEILING, "once 10 addresses are in use"},
    {"WARM_ENI_TARGET=0", true, 1u << KERF_VPC_WARM_ENI_FLAPS, "creates it again"},
    {"WARM_ENI_TARGET=0 AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true", true, 1u << KERF_VPC_WARM_ENI_FLAPS, "also at none"},
    {"IP_COOLDOWN_PERIOD=120", false, 1u << KERF_VPC_COOLDOWN_LONG, "IP_COOLDOWN_PERIOD=120"},
    {"IP_COOLDOWN_PERIOD=30", false, 0, NULL},
};

Test(misconfigurations, of_settings)
{
    for (size_t i = 0; i < sizeof settings_rows / sizeof settings_rows[0]; i++) {
        struct kerf_vpc_pool_options options = vpc_options(4, 15, settings_rows[i].env);
        struct found found = {0};
        kerf_vpc_review_settings(&options.settings, settings_rows[i].warm_eni_given, note, &found);
        expect(&found, settings_rows[i].kinds, settings_rows[i].env, settings_rows[i].words);
    }
}

static const struct {
    const char *env;
    int64_t max_pods, reserved_enis;
    bool xen;
    uint32_t kinds;
    const char *words;
    int64_t unmanaged_enis;
} node_rows[] = { /* m5.large: 3 interfaces of 10, standard 29, two pods on the host network */
    {"", 29, 0, false, 0, NULL, 0},
    {"", 110, 0, false, 1u << KERF_VPC_MAX_PODS_HIGH, "27 addresses for 108 pods", 0},
    {PD, 110, 0, false, 0, NULL, 0},
    {PD, 29, 0, false, 1u << KERF_VPC_PREFIX_WITHOUT_DENSITY, "stops at 32 addresses", 0},
    {PD, 110, 0, true, 1u << KERF_VPC_PREFIX_ON_XEN | 1u << KERF_VPC_MAX_PODS_HIGH, "27 for 108 pods", 0},
    {"ENABLE_POD_ENI=true", 29, 0, false, 1u << KERF_VPC_TRUNK_NOT_RESERVED, "18 addresses for 27 pods", 0},
    {"ENABLE_POD_ENI=true", 20, 1, false, 0, NULL, 0},
    {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true", 29, 0, false, 1u << KERF_VPC_CUSTOM_NOT_RESERVED, "18 addresses for 27 pods", 0},
    {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true", 20, 1, false, 0, NULL, 0},
    {"MINIMUM_IP_TARGET=40 WARM_IP_TARGET=5", 29, 0, false, 1u << KERF_VPC_MINIMUM_IS_FLOOR, "more than the 27 pods", 0},
    {"WARM_IP_TARGET=28 MINIMUM_IP_TARGET=10", 29, 0, false, 1u << KERF_VPC_WARM_IP_TAKES_ALL, "up to 27 addresses", 0},
    {"", 29, 0, false, 1u << KERF_VPC_UNMANAGED_NOT_RESERVED, "1 interface of m5.large is not the CNI's", 1},
    {"", 11, 0, false, 0, NULL, 2},
    {"MAX_ENI=1", 29, 0, false, 1u << KERF_VPC_MAX_PODS_HIGH, "9 addresses for 27 pods", 0},
};

Test(misconfigurations, of_nodes)
{
    for (size_t i = 0; i < sizeof node_rows / sizeof node_rows[0]; i++) {
        struct kerf_vpc_pool_options options = vpc_options(3, 10, node_rows[i].env);
        struct kerf_vpc_judged_node node = {.name = "m5.large", .limits = {3, 10}, .max_pods = node_rows[i].max_pods, .max_pods_standard = 29,
                                            .host_pods = 2, .reserved_enis = node_rows[i].reserved_enis, .unmanaged_enis = node_rows[i].unmanaged_enis, .prefix_capable = !node_rows[i].xen,
                                            .trunk_capable = true};
        struct found found = {0};
        kerf_vpc_review_node(&options.settings, &node, note, &found);
        expect(&found, node_rows[i].kinds, node_rows[i].env, node_rows[i].words);
    }
}

Test(misconfigurations, of_subnets)
{
    static const struct {
        const char *env;
        uint8_t prefix_length;
        int64_t taken;
        bool reserved;
        uint32_t kinds;
        const char *words;
    } rows[] = {
        {PD, 24, 0, false, 0, NULL},
        {PD, 24, 10, false, 0, NULL},
        {PD, 24, 24, false, 1u << KERF_VPC_FRAGMENTED, "of its 14 /28 about 2.7 are whole (none with probability 0.0"}, /* 14 C(235,24) / C(251,24) */
        {PD, 24, 60, false, 1u << KERF_VPC_FRAGMENTED, "InsufficientCidrBlocks"},
        {PD, 26, 59, false, 1u << KERF_VPC_FRAGMENTED, "about 0.0 are whole (none with probability 1.00)"},
        {PD, 24, 60, true, 0, NULL},
        {"", 24, 60, false, 0, NULL},
        {PD, 28, 0, false, 1u << KERF_VPC_NO_BLOCK, "has no /28"},
        {PD, 27, 0, false, 1u << KERF_VPC_NO_BLOCK, "has no /28"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_vpc_pool_options options = vpc_options(3, 10, rows[i].env);
        struct found found = {0};
        kerf_vpc_review_subnet(&options.settings, (struct kerf_cidr){.first = 10u << 24, .prefix_length = rows[i].prefix_length}, rows[i].taken,
                               rows[i].reserved, note, &found);
        expect(&found, rows[i].kinds, rows[i].env, rows[i].words);
    }
}
