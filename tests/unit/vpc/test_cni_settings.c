#include <criterion/criterion.h>

#include "base/base.h"
#include "kerf/vpc.h"

static struct kerf_cni_settings with(const char *name, const char *value)
{
    struct kerf_cni_settings settings = kerf_cni_settings_default();
    cr_assert_neq(kerf_cni_settings_read(&settings, name, value), KERF_CNI_ENV_UNKNOWN, "%s", name);
    return settings;
}

Test(cni_settings, defaults_are_the_manifest_s)
{
    struct kerf_cni_settings settings = kerf_cni_settings_default();
    cr_expect_eq(settings.warm_eni_target, 1);
    cr_expect_eq(settings.warm_prefix_target, 1);
    cr_expect_eq(settings.warm_ip_target, 0);
    cr_expect_eq(settings.max_enis, 0);
    cr_expect_eq(settings.ip_cooldown_us, 30 * KERF_SECOND_US);
    cr_expect(settings.subnet_discovery);
    cr_expect_null(kerf_cni_settings_refusal(&settings));
}

Test(cni_settings, what_cannot_be_parsed_means_the_code_s_default)
{
    cr_expect_eq(with("WARM_ENI_TARGET", "0").warm_eni_target, 0, "legal");
    cr_expect_eq(with("WARM_ENI_TARGET", "-1").warm_eni_target, 1);
    cr_expect_eq(with("WARM_ENI_TARGET", "two").warm_eni_target, 1);
    cr_expect_eq(with("WARM_IP_TARGET", "-5").warm_ip_target, 0);
    cr_expect_eq(with("WARM_PREFIX_TARGET", "x").warm_prefix_target, 0, "not the manifest's 1");
    cr_expect_eq(with("MAX_ENI", "0").max_enis, 0);
    cr_expect_eq(with("MAX_ENI", "3").max_enis, 3);
    cr_expect_eq(with("WARM_IP_TARGET", "99999999999999999999").warm_ip_target, 0, "overflow is no integer");
    cr_expect(with("ENABLE_PREFIX_DELEGATION", "True").prefix_delegation);
    cr_expect(with("ENABLE_PREFIX_DELEGATION", "1").prefix_delegation);
    cr_expect_not(with("ENABLE_PREFIX_DELEGATION", "yes").prefix_delegation);
    cr_expect(with("ENABLE_SUBNET_DISCOVERY", "no").subnet_discovery);
    cr_expect_eq(with("IP_COOLDOWN_PERIOD", "5").ip_cooldown_us, 5 * KERF_SECOND_US);
}

Test(cni_settings, what_means_the_default_is_told)
{
    struct kerf_cni_settings settings = kerf_cni_settings_default();
    static const char *const defaulted[][2] = {{"WARM_ENI_TARGET", "-1"}, {"WARM_IP_TARGET", ""},        {"MAX_ENI", "0"},
                                               {"IP_COOLDOWN_PERIOD", "30s"}, {"ENABLE_POD_ENI", "yes"}, {"ENABLE_IPv6", "2"}};
    static const char *const read[][2] = {{"WARM_ENI_TARGET", "0"}, {"MAX_ENI", "1"}, {"IP_COOLDOWN_PERIOD", "-1"}, {"ENABLE_POD_ENI", "T"}};
    for (size_t i = 0; i < sizeof defaulted / sizeof defaulted[0]; i++)
        cr_expect_eq(kerf_cni_settings_read(&settings, defaulted[i][0], defaulted[i][1]), KERF_CNI_ENV_DEFAULTED, "%s", defaulted[i][0]);
    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++)
        cr_expect_eq(kerf_cni_settings_read(&settings, read[i][0], read[i][1]), KERF_CNI_ENV_READ, "%s", read[i][0]);
    cr_expect_str_eq(kerf_cni_env_expected("MAX_ENI"), "a whole number from 1 on");
    cr_expect_str_eq(kerf_cni_env_expected("ENABLE_IPv4"), "true or false");
}

Test(cni_settings, every_listed_name_is_read_and_no_other)
{
    struct kerf_cni_settings settings = kerf_cni_settings_default();
    size_t count = 0;
    while (kerf_cni_env_name(count))
        cr_expect_eq(kerf_cni_settings_read(&settings, kerf_cni_env_name(count++), "1"), KERF_CNI_ENV_READ);
    cr_expect_eq(count, 14);
    cr_expect_eq(kerf_cni_settings_read(&settings, "AWS_VPC_K8S_CNI_LOGLEVEL", "DEBUG"), KERF_CNI_ENV_UNKNOWN);
    cr_expect_eq(kerf_cni_settings_read(&settings, "", ""), KERF_CNI_ENV_UNKNOWN);
}

Test(cni_settings, refusals)
{
    struct kerf_cni_settings settings = with("ENABLE_PREFIX_DELEGATION", "true");
    cr_expect_null(kerf_cni_settings_refusal(&settings));
    settings.warm_prefix_target = 0;
    cr_expect_not_null(kerf_cni_settings_refusal(&settings));
    settings.minimum_ip_target = 1;
    cr_expect_null(kerf_cni_settings_refusal(&settings));
    settings = with("IP_COOLDOWN_PERIOD", "-1");
    cr_expect_not_null(kerf_cni_settings_refusal(&settings));
    settings = with("ENABLE_IPv6", "true");
    cr_expect_not_null(kerf_cni_settings_refusal(&settings), "both families");
    settings.ipv4 = false;
    cr_expect_not_null(kerf_cni_settings_refusal(&settings), "needs prefixes");
    settings.prefix_delegation = true;
    cr_expect_null(kerf_cni_settings_refusal(&settings));
    settings.custom_networking = true;
    cr_expect_not_null(kerf_cni_settings_refusal(&settings));
}
