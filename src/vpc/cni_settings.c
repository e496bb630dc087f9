#include "base/base.h"
#include "kerf/vpc.h"

#define DEFAULT_WARM_ENI_TARGET 1    /* code and manifest */
#define MANIFEST_WARM_PREFIX_TARGET 1 /* the code's default is 0 */
#define DEFAULT_IP_COOLDOWN_S 30

enum variable_kind { BOOLEAN, COUNT, COOLDOWN };

/* `fallback`: what an unparsable value means, which for WARM_PREFIX_TARGET is not what the manifest sets. `minimum`: below it, the same. */
static const struct variable {
    const char *name;
    enum variable_kind kind;
    size_t offset;
    int32_t fallback;
    int32_t minimum;
} variables[] = {
    {"WARM_ENI_TARGET", COUNT, offsetof(struct kerf_cni_settings, warm_eni_target), DEFAULT_WARM_ENI_TARGET, 0},
    {"WARM_IP_TARGET", COUNT, offsetof(struct kerf_cni_settings, warm_ip_target), 0, 0},
    {"MINIMUM_IP_TARGET", COUNT, offsetof(struct kerf_cni_settings, minimum_ip_target), 0, 0},
    {"WARM_PREFIX_TARGET", COUNT, offsetof(struct kerf_cni_settings, warm_prefix_target), 0, 0},
    {"MAX_ENI", COUNT, offsetof(struct kerf_cni_settings, max_enis), 0, 1},
    {"IP_COOLDOWN_PERIOD", COOLDOWN, offsetof(struct kerf_cni_settings, ip_cooldown_us), DEFAULT_IP_COOLDOWN_S, INT32_MIN},
    {"ENABLE_PREFIX_DELEGATION", BOOLEAN, offsetof(struct kerf_cni_settings, prefix_delegation), 0, 0},
    {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", BOOLEAN, offsetof(struct kerf_cni_settings, custom_networking), 0, 0},
    {"ENABLE_POD_ENI", BOOLEAN, offsetof(struct kerf_cni_settings, pod_eni), 0, 0},
    {"ENABLE_SUBNET_DISCOVERY", BOOLEAN, offsetof(struct kerf_cni_settings, subnet_discovery), 1, 0},
    {"AWS_MANAGE_ENIS_NON_SCHEDULABLE", BOOLEAN, offsetof(struct kerf_cni_settings, manage_enis_cordoned), 0, 0},
    {"ENABLE_MULTI_NIC", BOOLEAN, offsetof(struct kerf_cni_settings, multi_nic), 0, 0},
    {"ENABLE_IPv4", BOOLEAN, offsetof(struct kerf_cni_settings, ipv4), 1, 0},
    {"ENABLE_IPv6", BOOLEAN, offsetof(struct kerf_cni_settings, ipv6), 0, 0},
};
#define VARIABLE_COUNT (sizeof variables / sizeof variables[0])

struct kerf_cni_settings kerf_cni_settings_default(void)
{
    return (struct kerf_cni_settings){
        .subnet_discovery = true,
        .ipv4 = true,
        .warm_eni_target = DEFAULT_WARM_ENI_TARGET,
        .warm_prefix_target = MANIFEST_WARM_PREFIX_TARGET,
        .ip_cooldown_us = DEFAULT_IP_COOLDOWN_S * KERF_SECOND_US,
    };
}

const char *kerf_cni_env_expected(const char *name)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        if (strcmp(variables[i].name, name) == 0)
            return variables[i].kind == BOOLEAN ? "true or false" : variables[i].minimum == 1 ? "a whole number from 1 on" : "a whole number from 0 on";
    return "";
}

const char *kerf_cni_env_name(size_t index) { return index < VARIABLE_COUNT ? variables[index].name : NULL; }

/* The spellings that Go's strconv.ParseBool takes. */
static bool parse_bool(const char *text, bool *out_value)
{
    static const char *const spellings[2][6] = {{"0", "f", "F", "false", "False", "FALSE"}, {"1", "t", "T", "true", "True", "TRUE"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 6; i++)
            if (strcmp(text, spellings[value][i]) == 0) {
                *out_value = value == 1;
                return true;
            }
    return false;
}

/* Beyond a billion nothing changes any more: every target is above what a node can hold. */
static bool parse_count(const char *text, int32_t minimum, int32_t *out_value)
{
    const int32_t limit = 1000000000;
    int64_t value = 0;
    if (!kerf_parse_i64(text, &value) || value < minimum)
        return false;
    *out_value = (int32_t)kerf_min_i64(value, limit);
    return true;
}

enum kerf_cni_env kerf_cni_settings_read(struct kerf_cni_settings *settings, const char *name, const char *value)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const struct variable *variable = &variables[i];
        if (strcmp(variable->name, name) != 0)
            continue;
        char *field = (char *)settings + variable->offset;
        bool parsed;
        if (variable->kind == BOOLEAN) {
            bool read = variable->fallback != 0;
            parsed = parse_bool(value, &read);
            memcpy(field, &read, sizeof read);
        } else {
            int32_t read = variable->fallback;
            parsed = parse_count(value, variable->minimum, &read);
            kerf_time_us read_us = read * KERF_SECOND_US;
            if (variable->kind == COUNT)
                memcpy(field, &read, sizeof read);
            else
                memcpy(field, &read_us, sizeof read_us);
        }
        return parsed ? KERF_CNI_ENV_READ : KERF_CNI_ENV_DEFAULTED;
    }
    return KERF_CNI_ENV_UNKNOWN;
}

const char *kerf_cni_settings_refusal(const struct kerf_cni_settings *settings)
{
    if (settings->ip_cooldown_us < 0)
        return "IP_COOLDOWN_PERIOD is negative: the aws-node container refuses to start";
    if (settings->prefix_delegation && settings->warm_ip_target <= 0 && settings->minimum_ip_target <= 0 && settings->warm_prefix_target <= 0)
        return "ENABLE_PREFIX_DELEGATION needs WARM_PREFIX_TARGET, WARM_IP_TARGET or MINIMUM_IP_TARGET above 0: the aws-node container "
               "refuses to start";
    if (settings->ipv4 && settings->ipv6)
        return "ENABLE_IPv4 and ENABLE_IPv6 are both true: ipamd refuses to start";
    if (!settings->ipv4 && !settings->ipv6)
        return "ENABLE_IPv4 and ENABLE_IPv6 are both false: ipamd refuses to start";
    if (settings->ipv6 && settings->custom_networking)
        return "IPv6 does not work with custom networking (AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG): ipamd refuses to start";
    if (settings->ipv6 && !settings->prefix_delegation)
        return "IPv6 needs ENABLE_PREFIX_DELEGATION: ipamd refuses to start";
    return NULL;
}
