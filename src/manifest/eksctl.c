/** eksctl's ClusterConfig: its node groups. */
#include "manifest/manifest_internal.h"

static enum kerf_ami_family family_of(const char *text)
{
    static const struct {
        const char *text;
        enum kerf_ami_family family;
    } families[] = {
        {"AmazonLinux2023", KERF_AMI_AL2023},
        {"AmazonLinux2", KERF_AMI_AL2},
        {"Bottlerocket", KERF_AMI_BOTTLEROCKET},
        {"WindowsServer2019CoreContainer", KERF_AMI_WINDOWS2019},
        {"WindowsServer2019FullContainer", KERF_AMI_WINDOWS2019},
        {"WindowsServer2022CoreContainer", KERF_AMI_WINDOWS2022},
        {"WindowsServer2022FullContainer", KERF_AMI_WINDOWS2022},
    };
    for (size_t i = 0; i < KERF_COUNT_OF(families); i++)
        if (strcmp(families[i].text, text) == 0)
            return families[i].family;
    return *text ? KERF_AMI_CUSTOM : KERF_AMI_AL2023; /* Ubuntu and images of one's own */
}

/** `taints:` is a list as in Kubernetes, or a map of KEY: VALUE:EFFECT. */
static struct kerf_taints read_taints(struct kerf_reader *reader, const struct kerf_value *group)
{
    const struct kerf_value *map = kerf_value_get(group, "taints");
    uint32_t count = kerf_value_count(map);
    size_t kept = 0;
    if (!kerf_value_is_map(map))
        return kerf_field_taints(reader, group, "taints");
    struct kerf_taint *taints = KERF_NEW_ARRAY(reader->arena, struct kerf_taint, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *entry = &map->items[i];
        const char *text = NULL;
        KERF_NOTE(reader, kerf_value_read_text(entry, &text, reader->errs));
        const char *colon = text ? strrchr(text, ':') : NULL;
        if (!colon) {
            if (text)
                KERF_NOTE(reader, kerf_value_error(entry, reader->errs, "\"%s\" is no taint; expected VALUE:EFFECT", text));
            continue;
        }
        struct kerf_value effect = *entry; /* for the place */
        effect.text = colon + 1;
        effect.count = (uint32_t)strlen(effect.text);
        struct kerf_taint taint = {.key = kerf_name_of(reader->vocabulary->names, entry->key)};
        if (colon > text)
            taint.value = kerf_name_of_bytes(reader->vocabulary->names, text, (size_t)(colon - text));
        if (kerf_reader_taint_effect(reader, &effect, &taint.effect))
            taints[kept++] = taint;
    }
    return (struct kerf_taints){taints, kept};
}

static void read_types(struct kerf_reader *reader, const struct kerf_value *group, bool managed, struct kerf_nodegroup *nodegroup)
{
    const struct kerf_value *distribution = kerf_field_map(reader, group, "instancesDistribution");
    nodegroup->instance_types =
        kerf_field_names(reader, distribution ? distribution : group, "instanceTypes", &nodegroup->instance_type_count);
    kerf_name single = kerf_field_name(reader, group, "instanceType");
    if (nodegroup->instance_type_count == 0 && !kerf_name_is(single, "mixed")) {
        kerf_name *types = KERF_NEW(reader->arena, kerf_name);
        *types = single ? single : kerf_name_of(reader->vocabulary->names, "m5.large"); /* eksctl's default */
        nodegroup->instance_types = types;
        nodegroup->instance_type_count = 1;
    }
    nodegroup->spot = managed
                          ? kerf_field_bool(reader, group, "spot", false)
                          : distribution && kerf_field_i32(reader, distribution, "onDemandBaseCapacity", 0, INT32_MAX, 0) == 0 &&
                                kerf_field_i32(reader, distribution, "onDemandPercentageAboveBaseCapacity", 0, 100, 100) == 0;
    if (managed || !distribution || nodegroup->spot)
        return;
    nodegroup->on_demand_base = kerf_field_i32(reader, distribution, "onDemandBaseCapacity", 0, INT32_MAX, 0);
    nodegroup->on_demand_percent = kerf_field_i32(reader, distribution, "onDemandPercentageAboveBaseCapacity", 0, 100, 100);
    nodegroup->mixed = nodegroup->on_demand_percent < 100;
}

/** eksctl: two nodes unless something is given; a size that is not given follows the others. */
static void read_sizes(struct kerf_reader *reader, const struct kerf_value *group, struct kerf_nodegroup *nodegroup)
{
    int32_t min = kerf_field_i32(reader, group, "minSize", 0, INT32_MAX, -1);
    int32_t max = kerf_field_i32(reader, group, "maxSize", 0, INT32_MAX, -1);
    int32_t desired = kerf_field_i32(reader, group, "desiredCapacity", 0, INT32_MAX, -1);
    if (desired < 0)
        desired = min >= 0 ? min : max >= 0 && max < 2 ? max : 2;
    if (min < 0)
        min = desired;
    if (max < 0)
        max = desired > min ? desired : min;
    if (min > desired || desired > max)
        KERF_NOTE(reader, kerf_value_error(group, reader->errs,
                                           "sizes contradict: minSize %" PRId32 ", desiredCapacity %" PRId32 ", maxSize %" PRId32,
                                           min, desired, max));
    nodegroup->min_size = min;
    nodegroup->max_size = max;
    nodegroup->desired_capacity = desired;
}

static void read_upkeep(struct kerf_reader *reader, const struct kerf_value *group, struct kerf_nodegroup *nodegroup)
{
    const struct kerf_value *update = kerf_field_map(reader, group, "updateConfig");
    const struct kerf_value *distribution = kerf_field_map(reader, group, "instancesDistribution");
    const struct kerf_value *suspended = kerf_field_list(reader, group, "asgSuspendProcesses");
    nodegroup->max_unavailable = update ? kerf_field_i32(reader, update, "maxUnavailable", 1, 100, 1) : 1;
    nodegroup->max_unavailable_percent = update ? kerf_field_i32(reader, update, "maxUnavailablePercentage", 1, 100, 0) : 0;
    nodegroup->capacity_rebalancing = nodegroup->managed ? nodegroup->spot
                                      : distribution     ? kerf_field_bool(reader, distribution, "capacityRebalance", false)
                                                         : false;
    for (uint32_t i = 0; i < kerf_value_count(suspended); i++) {
        const char *process = NULL;
        KERF_NOTE(reader, kerf_value_read_text(&suspended->items[i], &process, reader->errs));
        nodegroup->zone_rebalancing &= !process || strcmp(process, "AZRebalance") != 0 || nodegroup->managed;
    }
}

/** eksctl's own labels: pods select by them. */
static struct kerf_labels with_eksctl_labels(struct kerf_reader *reader, const struct kerf_value *object, struct kerf_labels labels,
                                             kerf_name group_name)
{
    const struct kerf_value *meta = kerf_field_map(reader, object, "metadata");
    kerf_name cluster_name = meta ? kerf_field_name(reader, meta, "name") : NULL;
    struct kerf_label own[2];
    size_t count = 0;
    if (group_name)
        own[count++] = (struct kerf_label){kerf_name_of(reader->vocabulary->names, "alpha.eksctl.io/nodegroup-name"), group_name};
    if (cluster_name)
        own[count++] = (struct kerf_label){kerf_name_of(reader->vocabulary->names, "alpha.eksctl.io/cluster-name"), cluster_name};
    struct kerf_labels own_labels = kerf_labels_sorted(reader->arena, own, count);
    return kerf_labels_merge(reader->arena, &own_labels, &labels);
}

static void read_group(struct kerf_reader *reader, const struct kerf_value *group, const struct kerf_value *object, bool managed)
{
    struct kerf_nodegroup nodegroup = {
        .meta = {.created_epoch_us = KERF_TIME_UNSET,
                 .deletion_epoch_us = KERF_TIME_UNSET,
                 .details = kerf_reader_details(reader, group)},
        .managed = managed,
        .zone_rebalancing = true,
        .boot_factor = 1.0,
    };
    KERF_NOTE(reader, kerf_value_expect(group, KERF_VALUE_MAP, reader->errs));
    if (!kerf_value_is_map(group))
        return;
    KERF_CHECK_KEYS(reader, group, KERF_KEYS_WARN_NEAR_MISSES, "name", "instanceType", "instanceTypes", "spot", "minSize",
                    "maxSize", "desiredCapacity", "labels", "taints", "availabilityZones", "volumeSize", "maxPodsPerNode",
                    "amiFamily", "instancesDistribution", "iam", "ssh", "subnets", "tags", "ami", "privateNetworking",
                    "volumeType", "updateConfig", "volumeIOPS", "volumeThroughput", "volumeEncrypted", "launchTemplate",
                    "instanceSelector", "securityGroups", "preBootstrapCommands", "overrideBootstrapCommand", "disableIMDSv1",
                    "disablePodIMDS", "propagateASGTags", "releaseVersion", "capacityReservation", "efaEnabled",
                    "asgMetricsCollection", "kubeletExtraConfig", "nodeRepairConfig", "instanceName", "instancePrefix",
                    "enableDetailedMonitoring", "bottlerocket", "asgSuspendProcesses");
    nodegroup.meta.name = kerf_field_required_name(reader, group, "name");
    read_types(reader, group, managed, &nodegroup);
    read_sizes(reader, group, &nodegroup);
    read_upkeep(reader, group, &nodegroup);
    nodegroup.labels = with_eksctl_labels(reader, object, kerf_field_labels(reader, group, "labels"), nodegroup.meta.name);
    nodegroup.taints = read_taints(reader, group);
    nodegroup.zones = kerf_field_names(reader, group, "availabilityZones", &nodegroup.zone_count);
    if (nodegroup.zone_count == 0)
        nodegroup.zones = kerf_field_names(reader, object, "availabilityZones", &nodegroup.zone_count);
    nodegroup.volume_size_bytes = kerf_field_i64(reader, group, "volumeSize", 1, 65536, 80)
                                  << 30; /* GiB; 80 is eksctl's default */
    nodegroup.max_pods = kerf_field_i32(reader, group, "maxPodsPerNode", 1, INT32_MAX, 0);
    nodegroup.ami_family = family_of(kerf_value_get_text_or(group, "amiFamily", ""));
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->nodegroups, nodegroup);
}

void kerf_read_cluster_config(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const lists[] = {"managedNodeGroups", "nodeGroups"};
    for (size_t i = 0; i < KERF_COUNT_OF(lists); i++) {
        const struct kerf_value *list = kerf_field_list(reader, object, lists[i]);
        for (uint32_t j = 0; j < kerf_value_count(list); j++)
            read_group(reader, &list->items[j], object, i == 0);
    }
}
