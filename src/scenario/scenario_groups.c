/** Node groups of the scenario, beside those that eksctl's ClusterConfigs bring; and checks that both need. */
#include "scenario/scenario_internal.h"

#include "manifest/manifest.h"

enum { NODES_MAX = 100000, GROUP_SIZE_DEFAULT = 2 };

static const int64_t VOLUME_BYTES_MAX = (int64_t)1 << 46; /* gp3: 64 TiB */

static struct kerf_labels read_labels(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *group)
{
    const struct kerf_value *map = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_map(group, "labels", &map, reader->errs));
    if (!map)
        return (struct kerf_labels){ 0 };
    struct kerf_label *labels = KERF_NEW_ARRAY(reader->arena, struct kerf_label, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        const char *text = "";
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(&map->items[i], &text, reader->errs));
        labels[i].key = kerf_name_of(design->vocabulary->names, map->items[i].key);
        labels[i].value = kerf_name_of(design->vocabulary->names, text);
    }
    return kerf_labels_sorted(reader->arena, labels, map->count);
}

static struct kerf_taints read_taints(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *group)
{
    const char *effects[KERF_TAINT_EFFECT_ANY];
    for (int i = 0; i < KERF_TAINT_EFFECT_ANY; i++)
        effects[i] = kerf_taint_effect_text((enum kerf_taint_effect)i);
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(group, "taints", &list, reader->errs));
    struct kerf_taint *taints = KERF_NEW_ARRAY(reader->arena, struct kerf_taint, kerf_value_count(list));
    uint32_t count = 0;
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        const struct kerf_value *item = &list->items[i], *key = NULL, *effect = NULL;
        uint32_t effect_index = KERF_TAINT_NO_SCHEDULE;
        KERF_SCENARIO_NOTE(reader, kerf_value_require(item, "key", &key, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_require(item, "effect", &effect, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(effect, effects, KERF_TAINT_EFFECT_ANY, &effect_index, reader->errs));
        kerf_name key_name = key ? kerf_scenario_read_name(reader, design, key) : NULL;
        const char *value_text = "";
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(kerf_value_get(item, "value"), &value_text, reader->errs));
        if (key_name && effect)
            taints[count++] = (struct kerf_taint){ .key = key_name,
                                                   .value = *value_text ? kerf_name_of(design->vocabulary->names, value_text) : NULL,
                                                   .effect = (enum kerf_taint_effect)effect_index };
    }
    return (struct kerf_taints){ taints, count };
}

/** As eksctl: two nodes unless something is given; a size that is not given follows the others. */
static void read_sizes(struct kerf_scenario_reader *reader, const struct kerf_value *group, struct kerf_nodegroup *nodegroup)
{
    int64_t min = -1, max = -1, desired = -1;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(group, "minSize"), 0, NODES_MAX, &min, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(group, "maxSize"), 0, NODES_MAX, &max, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(group, "desiredCapacity"), 0, NODES_MAX, &desired, reader->errs));
    if (desired < 0)
        desired = min >= 0 ? min : max >= 0 && max < GROUP_SIZE_DEFAULT ? max : GROUP_SIZE_DEFAULT;
    min = min < 0 ? desired : min;
    max = max < 0 ? kerf_max_i64(desired, min) : max;
    if (min > desired || desired > max)
        KERF_SCENARIO_REFUSE(reader, group, "sizes contradict: minSize %" PRId64 ", desiredCapacity %" PRId64 ", maxSize %" PRId64
                                            "; expected them in this order of size", min, desired, max);
    nodegroup->min_size = (int32_t)min;
    nodegroup->max_size = (int32_t)max;
    nodegroup->desired_capacity = (int32_t)desired;
}

static void read_types(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *group,
                       struct kerf_nodegroup *nodegroup)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(group, "instanceTypes", &list, reader->errs));
    if (list && list->count == 0)
        KERF_SCENARIO_REFUSE(reader, list, "an empty list; expected names of instance types");
    uint32_t count = list ? list->count : 1;
    kerf_name *types = KERF_NEW_ARRAY(reader->arena, kerf_name, count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const char *text = "m5.large";
        const struct kerf_value *at = list ? &list->items[i] : group;
        enum kerf_status status = list ? kerf_value_read_text(at, &text, reader->errs) : KERF_OK;
        kerf_scenario_note(reader, status);
        const struct kerf_instance_facts *facts = status == KERF_OK ? kerf_scenario_find_type(reader, design, text, at) : NULL;
        if (facts)
            types[kept++] = facts->name;
    }
    nodegroup->instance_types = types;
    nodegroup->instance_type_count = kept;
}

/** A mixed instances policy: with a share, the group has both capacity types. */
static void read_shares(struct kerf_scenario_reader *reader, const struct kerf_value *group, struct kerf_nodegroup *nodegroup)
{
    const struct kerf_value *capacity_type = kerf_value_get(group, "capacityType");
    const struct kerf_value *base = kerf_value_get(group, "onDemandBase"), *percentage = kerf_value_get(group, "onDemandPercentage");
    int64_t base_count = 0, percent = 0;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(base, 0, NODES_MAX, &base_count, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(percentage, 0, 100, &percent, reader->errs));
    if (!base && !percentage)
        return;
    if (capacity_type)
        KERF_SCENARIO_REFUSE(reader, capacity_type, "the group has shares of both capacity types; expected either this or those");
    nodegroup->mixed = percent < 100;
    nodegroup->on_demand_base = (int32_t)base_count;
    nodegroup->on_demand_percent = (int32_t)percent;
}

/** `2`, or `33%` of the group. */
static void read_max_unavailable(struct kerf_scenario_reader *reader, const struct kerf_value *value, struct kerf_nodegroup *nodegroup)
{
    const char *text = "1";
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &text, reader->errs));
    size_t length = strlen(text);
    bool percent = length > 1 && text[length - 1] == '%';
    char digits[8] = "";
    int64_t number = 0;
    if (length - percent < sizeof digits)
        memcpy(digits, text, length - percent);
    if (!kerf_parse_i64(digits, &number) || number < 1 || number > 100)
        KERF_SCENARIO_REFUSE(reader, value, "\"%s\" nodes can't be unavailable; expected 1 to 100, or 1%% to 100%%", text);
    nodegroup->max_unavailable = percent ? 1 : (int32_t)number;
    nodegroup->max_unavailable_percent = percent ? (int32_t)number : 0;
}

/** What EKS or Auto Scaling do to the group on their own. */
static void read_upkeep(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *group,
                        struct kerf_nodegroup *nodegroup)
{
    static const char *const handlers[] = { [KERF_HANDLER_NOT_SAID] = "", "none", "imds", "queue" };
    const struct kerf_value *handler = kerf_value_get(group, "terminationHandler"), *updates = NULL;
    uint32_t index = 0;
    if (handler) {
        KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(handler, handlers + 1, KERF_SCENARIO_COUNT_OF(handlers) - 1, &index, reader->errs));
        nodegroup->termination_handler = (enum kerf_termination_handler)(index + 1);
        if (nodegroup->managed)
            KERF_SCENARIO_REFUSE(reader, handler, "EKS drains the nodes of groups that it manages; expected \"managed: false\" beside it");
    }
    if (nodegroup->managed && !nodegroup->zone_rebalancing)
        KERF_SCENARIO_REFUSE(reader, kerf_value_get(group, "zoneRebalancing"),
                             "groups that EKS manages are always rebalanced; expected \"managed: false\" beside it");
    nodegroup->capacity_rebalancing = nodegroup->managed && nodegroup->spot;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_bool(kerf_value_get(group, "capacityRebalancing"), &nodegroup->capacity_rebalancing, reader->errs));
    read_max_unavailable(reader, kerf_value_get(group, "maxUnavailable"), nodegroup);
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(group, "updates", &updates, reader->errs));
    if (updates && !nodegroup->managed)
        KERF_SCENARIO_REFUSE(reader, updates, "EKS updates the groups that it manages, this one it doesn't");
    kerf_time_us *moments = KERF_NEW_ARRAY(reader->arena, kerf_time_us, kerf_value_count(updates));
    for (uint32_t i = 0; i < kerf_value_count(updates); i++)
        kerf_scenario_read_moment(reader, design, &updates->items[i], &moments[i]);
    nodegroup->updates_us = moments;
    nodegroup->update_count = kerf_value_count(updates);
}

static void read_group(struct kerf_scenario_reader *reader, struct kerf_design *design, const struct kerf_value *group)
{
    static const char *const capacity_types[] = { "on-demand", "spot", "ON_DEMAND", "SPOT" };
    struct kerf_meta_details details = { .input_index = design->objects.object_count++, .place = kerf_value_place(group, reader->arena) };
    struct kerf_nodegroup nodegroup = { .meta = { .created_epoch_us = KERF_TIME_UNSET,
                                                  .deletion_epoch_us = KERF_TIME_UNSET,
                                                  .details = kerf_arena_copy(reader->arena, &details, sizeof details) } };
    const struct kerf_value *name = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(group, "name", &name, reader->errs));
    if (!name)
        return;
    nodegroup.meta.name = kerf_scenario_read_name(reader, design, name);
    if (!nodegroup.meta.name)
        return;
    read_types(reader, design, group, &nodegroup);
    uint32_t capacity_type = 0;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(kerf_value_get(group, "capacityType"), capacity_types,
                                                    KERF_SCENARIO_COUNT_OF(capacity_types), &capacity_type, reader->errs));
    nodegroup.spot = capacity_type % 2 == 1;
    read_shares(reader, group, &nodegroup);
    read_sizes(reader, group, &nodegroup);
    nodegroup.labels = read_labels(reader, design, group);
    nodegroup.taints = read_taints(reader, design, group);
    nodegroup.zones = kerf_scenario_read_zones(reader, design, group, "zones", false, &nodegroup.zone_count);
    const struct kerf_value *volume_size = kerf_value_get(group, "volumeSize");
    KERF_SCENARIO_NOTE(reader, kerf_scenario_read_bytes(volume_size, &nodegroup.volume_size_bytes, reader->errs));
    if (nodegroup.volume_size_bytes > VOLUME_BYTES_MAX)
        KERF_SCENARIO_REFUSE(reader, volume_size, "%s is more than a volume of EBS holds; expected up to 64Ti", volume_size->text);
    int64_t max_pods = 0;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(group, "maxPods"), 1, 10000, &max_pods, reader->errs));
    nodegroup.max_pods = (int32_t)max_pods;
    const char *families[KERF_AMI_CUSTOM + 1];
    for (int i = 0; i <= KERF_AMI_CUSTOM; i++)
        families[i] = kerf_ami_family_text((enum kerf_ami_family)i);
    uint32_t family = KERF_AMI_AL2023;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(kerf_value_get(group, "amiFamily"), families, KERF_AMI_CUSTOM + 1, &family, reader->errs));
    nodegroup.ami_family = (enum kerf_ami_family)family;
    kerf_scenario_read_settings(reader, group, "nodeGroups[]", &nodegroup);
    read_upkeep(reader, design, group, &nodegroup);
    KERF_VEC_PUSH_IN(&design->objects.arena, &design->objects.nodegroups, nodegroup);
}

/** What eksctl's groups name must exist here as well. */
static void check_group(struct kerf_scenario_reader *reader, const struct kerf_design *design, uint32_t index)
{
    const struct kerf_nodegroup *group = &design->objects.nodegroups.items[index];
    for (uint32_t i = 0; i < index; i++)
        if (design->objects.nodegroups.items[i].meta.name == group->meta.name)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_meta_details(&group->meta)->place, "there are two node groups \"%s\"; expected different names",
                                                       group->meta.name->text));
    for (uint32_t i = 0; i < group->instance_type_count; i++)
        if (!kerf_catalog_find(design->catalog, group->instance_types[i]))
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_meta_details(&group->meta)->place, "node group \"%s\": %s is no instance type of %s",
                                                       group->meta.name->text, group->instance_types[i]->text,
                                                       kerf_catalog_region(design->catalog)->text));
    if (group->instance_type_count == 0 && group->max_size > 0)
        kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_meta_details(&group->meta)->place, "node group \"%s\" has no instance type", group->meta.name->text));
    for (uint32_t i = 0; i < group->zone_count; i++) {
        bool known = false;
        for (uint32_t j = 0; j < design->zone_count; j++)
            known = known || design->zones[j] == group->zones[i];
        if (!known)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_meta_details(&group->meta)->place, "node group \"%s\": %s is none of the cluster's zones",
                                                       group->meta.name->text, group->zones[i]->text));
    }
}

/** The node termination handler's chart names its DaemonSet or its Deployment so. */
static enum kerf_termination_handler handler_among(const struct kerf_objects *objects)
{
    for (size_t i = 0; i < objects->workloads.count; i++) {
        const struct kerf_workload *workload = &objects->workloads.items[i];
        if (!kerf_name_is(workload->meta.name, "aws-node-termination-handler"))
            continue;
        if (workload->kind == KERF_WORKLOAD_DAEMONSET)
            return KERF_HANDLER_IMDS;
        if (workload->kind == KERF_WORKLOAD_DEPLOYMENT)
            return KERF_HANDLER_QUEUE;
    }
    return KERF_HANDLER_NONE;
}

void kerf_scenario_read_groups(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(root, "nodeGroups", &list, reader->errs));
    for (uint32_t i = 0; i < kerf_value_count(list); i++)
        read_group(reader, design, &list->items[i]);
    for (uint32_t i = 0; i < design->objects.nodegroups.count; i++)
        if (design->objects.nodegroups.items[i].termination_handler == KERF_HANDLER_NOT_SAID)
            design->objects.nodegroups.items[i].termination_handler = handler_among(&design->objects);
    if (reader->status == KERF_OK)
        for (uint32_t i = 0; i < design->objects.nodegroups.count; i++)
            check_group(reader, design, i);
}

void kerf_scenario_read_autoscaler(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *autoscaler = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_map(root, "autoscaler", &autoscaler, reader->errs));
    design->autoscaler.enabled = autoscaler != NULL;
    design->autoscaler.options = kerf_autoscaler_options_default();
    KERF_SCENARIO_NOTE(reader, kerf_manifest_read_autoscaler_flags(kerf_value_get(autoscaler, "flags"), reader->arena, design->vocabulary,
                                                                   &design->autoscaler.options, reader->errs));
    if (autoscaler && design->objects.nodegroups.count == 0 && reader->status == KERF_OK)
        kerf_value_warn(autoscaler, reader->errs, "design \"%s\" has no node group that an autoscaler could change", design->name);
}
