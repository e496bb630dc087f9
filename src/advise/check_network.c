/** Settings of the CNI and subnets that are read without complaint and rarely meant (vpc-cni.md 9), each with what will happen. */
#include "advise/check_findings.h"
#include "manifest/manifest.h"

/** Of findings that many instance types share, the first is told, with their number. */
struct told {
    const struct kerf_check_subject *subject;
    struct kerf_place place;
    const char *owner; /* before the text; "" for none */
    uint32_t counts[KERF_VPC_MISCONFIGURATION_COUNT];
    char *texts[KERF_VPC_MISCONFIGURATION_COUNT];
};

static void note(void *context, enum kerf_vpc_misconfiguration kind, const char *text)
{
    struct told *told = context;
    if (told->counts[kind]++ == 0)
        told->texts[kind] = kerf_arena_text(told->subject->arena, text);
}

static void tell(struct told *told)
{
    for (int kind = 0; kind < KERF_VPC_MISCONFIGURATION_COUNT; kind++) {
        if (told->counts[kind] == 1)
            kerf_errors_warn(told->subject->errs, told->place, "%s%s", told->owner, told->texts[kind]);
        else if (told->counts[kind] > 1)
            kerf_errors_warn(told->subject->errs, told->place, "%s%s; and so for %u other types", told->owner, told->texts[kind],
                             told->counts[kind] - 1);
    }
}

/** Pods of DaemonSets on the host network: a node has them all, as far as can be told here. */
static int64_t host_pods_of(const struct kerf_check_subject *subject)
{
    int64_t count = 0;
    for (size_t i = 0; i < subject->objects->workloads.count; i++) {
        const struct kerf_workload *workload = &subject->objects->workloads.items[i];
        count += workload->kind == KERF_WORKLOAD_DAEMONSET && workload->template.spec && workload->template.spec->host_network;
    }
    return count > 0 ? count : 2; /* aws-node and kube-proxy */
}

static void judge_type(struct told *told, const struct kerf_instance_facts *facts, int64_t max_pods, int64_t unmanaged_enis, int64_t host_pods)
{
    const struct kerf_design *design = told->subject->design;
    struct kerf_vpc_judged_node node = {
        .name = facts->name->text,
        .limits = { .enis = (int32_t)facts->enis, .ipv4_per_eni = (int32_t)facts->ipv4_per_eni },
        .max_pods = max_pods,
        .max_pods_standard = facts->max_pods,
        .host_pods = host_pods,
        .reserved_enis = design->instance_options.reserved_enis,
        .unmanaged_enis = unmanaged_enis,
        .prefix_capable = facts->prefix_capable,
        .trunk_capable = facts->branch_enis > 0,
    };
    if (facts->enis > 0 && facts->ipv4_per_eni > 1)
        kerf_vpc_review_node(&design->cni, &node, note, told);
}

static void check_pools(const struct kerf_check_subject *subject, int64_t host_pods)
{
    for (size_t i = 0; i < subject->objects->nodepools.count; i++) {
        const struct kerf_nodepool *nodepool = &subject->objects->nodepools.items[i];
        struct told told = { .subject = subject, .place = kerf_meta_details(&nodepool->meta)->place };
        told.owner = kerf_arena_format(subject->arena, "NodePool \"%s\": ", kerf_name_text(nodepool->meta.name));
        const struct kerf_instance_type *const *types;
        size_t count = kerf_check_types_of_pool(subject, nodepool, &types);
        for (size_t j = 0; j < count; j++)
            judge_type(&told, types[j]->facts, types[j]->capacity.pods, 0, host_pods);
        tell(&told);
    }
}

static void check_groups(const struct kerf_check_subject *subject, int64_t host_pods)
{
    for (size_t i = 0; i < subject->objects->nodegroups.count; i++) {
        const struct kerf_nodegroup *group = &subject->objects->nodegroups.items[i];
        struct told told = { .subject = subject, .place = kerf_meta_details(&group->meta)->place };
        told.owner = kerf_arena_format(subject->arena, "node group \"%s\": ", kerf_name_text(group->meta.name));
        for (uint32_t j = 0; j < group->instance_type_count; j++) {
            const struct kerf_instance_facts *facts = kerf_catalog_find(subject->catalog, group->instance_types[j]);
            if (facts)
                judge_type(&told, facts, group->max_pods > 0 ? group->max_pods : facts->max_pods, group->unmanaged_enis, host_pods);
        }
        tell(&told);
    }
}

void kerf_check_network(const struct kerf_check_subject *subject)
{
    const struct kerf_design *design = subject->design;
    if (!design || design->subnet_count == 0)
        return; /* without subnets addresses are not modelled, and the CNI's settings without effect */
    struct told told = { .subject = subject, .place = { .file = subject->file } };
    told.owner = kerf_arena_format(subject->arena, "design \"%s\": ", design->name);
    kerf_vpc_review_settings(&design->cni, design->warm_eni_given, note, &told);
    tell(&told);
    for (uint32_t i = 0; i < design->subnet_count; i++) {
        const struct kerf_scenario_subnet *subnet = &design->subnets[i];
        struct told of_subnet = { .subject = subject, .place = told.place };
        of_subnet.owner = kerf_arena_format(subject->arena, "design \"%s\", subnet \"%s\": ", design->name, subnet->id);
        bool reserved = false;
        for (uint32_t j = 0; j < subnet->range_count; j++)
            reserved |= subnet->ranges[j].kind == KERF_RESERVATION_PREFIX;
        int64_t taken = subnet->taken;
        for (uint32_t j = 0; j < subnet->taker_count; j++)
            taken += subnet->takers[j].addresses;
        int64_t usable = (int64_t)kerf_cidr_size(subnet->cidr) - KERF_VPC_SUBNET_RESERVED;
        if (subnet->use != KERF_SUBNET_NODES)
            kerf_vpc_review_subnet(&design->cni, subnet->cidr, kerf_min_i64(taken, usable), reserved, note, &of_subnet);
        tell(&of_subnet);
    }
    int64_t host_pods = host_pods_of(subject);
    check_pools(subject, host_pods);
    check_groups(subject, host_pods);
}

/* ---- aws-node among the manifests -------------------------------------------------------------------------------------------------- */

struct at_value {
    const struct kerf_value *value;
    struct kerf_errors *errs;
};

static void warn_at(void *context, enum kerf_vpc_misconfiguration kind, const char *text)
{
    (void)kind;
    const struct at_value *at = context;
    kerf_value_warn(at->value, at->errs, "%s", text);
}

static void check_env(const struct kerf_value *env, struct kerf_errors *errs)
{
    struct kerf_cni_settings settings = kerf_cni_settings_default();
    bool warm_eni_given = false;
    for (uint32_t i = 0; i < kerf_value_count(env); i++) {
        const char *name = kerf_value_get_text_or(&env->items[i], "name", ""), *value = kerf_value_get_text_or(&env->items[i], "value", "");
        if (kerf_cni_settings_read(&settings, name, value) == KERF_CNI_ENV_DEFAULTED)
            kerf_value_warn(&env->items[i], errs, "%s: aws-node cannot use \"%s\" and takes its default silently; expected %s", name, value,
                            kerf_cni_env_expected(name));
        warm_eni_given |= strcmp(name, "WARM_ENI_TARGET") == 0 && strcmp(value, "1") != 0; /* the manifest itself sets 1 */
    }
    const char *refusal = kerf_cni_settings_refusal(&settings);
    struct at_value at = { env, errs };
    if (refusal)
        kerf_value_warn(env, errs, "%s", refusal);
    else
        kerf_vpc_review_settings(&settings, warm_eni_given, warn_at, &at);
}

void kerf_check_aws_node(const struct kerf_value *object, struct kerf_errors *errs)
{
    const struct kerf_value *items = kerf_value_get(object, "items");
    for (uint32_t i = 0; i < kerf_value_count(items); i++)
        kerf_check_aws_node(&items->items[i], errs);
    if (strcmp(kerf_value_get_text_or(object, "kind", ""), "DaemonSet") != 0 ||
        strcmp(kerf_value_get_text_or(kerf_value_get(object, "metadata"), "name", ""), "aws-node") != 0)
        return;
    const struct kerf_value *spec = kerf_value_get(kerf_value_get(kerf_value_get(object, "spec"), "template"), "spec");
    const struct kerf_value *containers = kerf_value_get(spec, "containers");
    for (uint32_t i = 0; i < kerf_value_count(containers); i++)
        if (strcmp(kerf_value_get_text_or(&containers->items[i], "name", ""), "aws-node") == 0 && kerf_value_get(&containers->items[i], "env"))
            check_env(kerf_value_get(&containers->items[i], "env"), errs);
}
