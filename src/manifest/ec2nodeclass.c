/** EC2NodeClass: what of it changes the room on a node or where nodes may stand. */
#include "manifest/manifest_internal.h"

static const struct {
    const char *alias;
    const char *family;
    enum kerf_ami_family value;
} families[] = {
    {"al2023", "AL2023", KERF_AMI_AL2023},
    {"al2", "AL2", KERF_AMI_AL2},
    {"bottlerocket", "Bottlerocket", KERF_AMI_BOTTLEROCKET},
    {"windows2019", "Windows2019", KERF_AMI_WINDOWS2019},
    {"windows2022", "Windows2022", KERF_AMI_WINDOWS2022},
    {"windows2025", "Windows2025", KERF_AMI_WINDOWS2025},
    {NULL, "Custom", KERF_AMI_CUSTOM},
};

/** The family of `al2023@latest`. */
static bool family_of_alias(struct kerf_reader *reader, const struct kerf_value *alias, enum kerf_ami_family *out_family)
{
    size_t length = strcspn(alias->text, "@");
    for (size_t i = 0; i < KERF_COUNT_OF(families); i++) {
        if (families[i].alias && strlen(families[i].alias) == length && strncmp(families[i].alias, alias->text, length) == 0) {
            *out_family = families[i].value;
            return true;
        }
    }
    KERF_NOTE(reader, kerf_value_error(alias, reader->errs,
                                       "\"%s\" is no alias; expected FAMILY@VERSION with al2023, al2, bottlerocket, windows2019, "
                                       "windows2022 or windows2025",
                                       alias->text));
    return false;
}

static void read_family(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_ec2nodeclass *nodeclass)
{
    const struct kerf_value *family = kerf_value_get(spec, "amiFamily");
    const struct kerf_value *terms = kerf_field_list(reader, spec, "amiSelectorTerms");
    const char *names[KERF_COUNT_OF(families)];
    for (size_t i = 0; i < KERF_COUNT_OF(families); i++)
        names[i] = families[i].family;
    for (uint32_t i = 0; i < kerf_value_count(terms); i++) {
        const struct kerf_value *alias = kerf_value_get(&terms->items[i], "alias");
        if (kerf_value_is_scalar(alias) && family_of_alias(reader, alias, &nodeclass->ami_family))
            return;
    }
    uint32_t index = kerf_field_enum(reader, spec, "amiFamily", names, KERF_COUNT_OF(names), 0);
    nodeclass->ami_family = families[index].value;
    if (kerf_value_count(terms) > 0)
        return;
    if (family && families[index].alias)
        kerf_value_warn(
            family, reader->errs,
            "amiSelectorTerms is required since karpenter.k8s.aws/v1; amiSelectorTerms: [{alias: %s@latest}] is meant",
            families[index].alias);
    else
        kerf_value_warn(spec, reader->errs, "amiSelectorTerms is required; amiSelectorTerms: [{alias: al2023@latest}] is taken");
}

static struct kerf_kubelet_signal read_signal(struct kerf_reader *reader, const struct kerf_value *signals, const char *key)
{
    struct kerf_kubelet_signal signal = {0};
    const struct kerf_value *value = kerf_value_get(signals, key);
    const char *text = kerf_field_text(reader, signals, key);
    size_t length = text ? strlen(text) : 0;
    if (length == 0)
        return signal;
    if (text[length - 1] != '%') {
        signal.present = kerf_value_quantity(reader, value, 3, KERF_ROUND_UP, &signal.amount);
        return signal;
    }
    const char *number = kerf_arena_format(&reader->scratch, "%.*s", (int)(length - 1), text);
    if (kerf_parse_double(number, &signal.percent_value) && signal.percent_value >= 0 && signal.percent_value <= 100) {
        signal.present = signal.percent = true;
        return signal;
    }
    KERF_NOTE(reader, kerf_value_error(value, reader->errs,
                                       "\"%s\" is no share of the capacity; expected 0%% to 100%% or a quantity", text));
    return (struct kerf_kubelet_signal){0};
}

static void read_kubelet(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_kubelet *kubelet)
{
    const struct kerf_value *value = kerf_field_map(reader, spec, "kubelet");
    *kubelet = (struct kerf_kubelet){.max_pods = -1};
    if (!value)
        return;
    KERF_CHECK_KEYS(reader, value, KERF_KEYS_WARN, "maxPods", "podsPerCore", "kubeReserved", "systemReserved", "evictionHard",
                    "evictionSoft", "evictionSoftGracePeriod", "evictionMaxPodGracePeriod", "clusterDNS", "cpuCFSQuota",
                    "imageGCHighThresholdPercent", "imageGCLowThresholdPercent", "memoryManagerPolicy", "reservedMemory",
                    "registryPullQPS", "registryBurst");
    const struct kerf_value *max_pods = kerf_value_get(value, "maxPods");
    if (kerf_value_is_scalar(max_pods) && max_pods->quoted)
        kerf_value_warn(max_pods, reader->errs, "an expression is followed only with the gate NodeClassCEL; taken as not given");
    else
        kubelet->max_pods = kerf_field_i32(reader, value, "maxPods", 0, INT32_MAX, -1);
    kubelet->pods_per_core = kerf_field_i32(reader, value, "podsPerCore", 0, INT32_MAX, 0);
    kubelet->kube_reserved = kerf_field_resources(reader, value, "kubeReserved", KERF_ROUND_UP);
    kubelet->system_reserved = kerf_field_resources(reader, value, "systemReserved", KERF_ROUND_UP);
    const struct kerf_value *eviction = kerf_field_map(reader, value, "evictionHard");
    kubelet->has_eviction_hard = eviction != NULL;
    kubelet->eviction_hard_memory = read_signal(reader, eviction, "memory.available");
    kubelet->eviction_hard_storage = read_signal(reader, eviction, "nodefs.available");
}

static void read_block_devices(struct kerf_reader *reader, const struct kerf_value *spec, struct kerf_ec2nodeclass *nodeclass)
{
    const struct kerf_value *list = kerf_field_list(reader, spec, "blockDeviceMappings");
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return;
    struct kerf_block_device *devices = KERF_NEW_ARRAY(reader->arena, struct kerf_block_device, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i], *ebs = kerf_field_map(reader, item, "ebs");
        if (kerf_value_is_map(item))
            KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN, "deviceName", "ebs", "rootVolume");
        if (ebs)
            KERF_CHECK_KEYS(reader, ebs, KERF_KEYS_WARN, "volumeSize", "volumeType", "iops", "throughput", "encrypted",
                            "kmsKeyID", "snapshotID", "deleteOnTermination", "volumeInitializationRate");
        devices[i] = (struct kerf_block_device){
            .device_name = kerf_field_name(reader, item, "deviceName"),
            .root_volume = kerf_field_bool(reader, item, "rootVolume", false),
            .volume_size_bytes = kerf_field_bytes(reader, ebs, "volumeSize", 0),
            .volume_type = kerf_field_name(reader, ebs, "volumeType"),
        };
    }
    nodeclass->block_devices = devices;
    nodeclass->block_device_count = count;
}

static void read_nodeclass_status(struct kerf_reader *reader, const struct kerf_value *status,
                                  struct kerf_ec2nodeclass *nodeclass)
{
    const struct kerf_value *list = kerf_field_list(reader, status, "subnets");
    uint32_t count = kerf_value_count(list);
    nodeclass->has_status = kerf_value_count(status) > 0;
    nodeclass->conditions = kerf_field_conditions(reader, status);
    kerf_read_reservation_status(reader, status, nodeclass);
    if (count == 0)
        return;
    struct kerf_subnet_status *subnets = KERF_NEW_ARRAY(reader->arena, struct kerf_subnet_status, count);
    for (uint32_t i = 0; i < count; i++)
        subnets[i] = (struct kerf_subnet_status){
            .id = kerf_field_required_name(reader, &list->items[i], "id"),
            .zone = kerf_field_required_name(reader, &list->items[i], "zone"),
            .zone_id = kerf_field_name(reader, &list->items[i], "zoneID"),
        };
    nodeclass->subnets = subnets;
    nodeclass->subnet_count = count;
}

/** Images, subnets and security groups are chosen by AWS; here only the keys of their terms are looked at. */
static void check_selector_terms(struct kerf_reader *reader, const struct kerf_value *spec)
{
    static const char *const lists[] = {"amiSelectorTerms", "subnetSelectorTerms", "securityGroupSelectorTerms",
                                        "capacityReservationSelectorTerms"};
    for (size_t i = 0; i < KERF_COUNT_OF(lists); i++) {
        const struct kerf_value *list = kerf_field_list(reader, spec, lists[i]);
        for (uint32_t j = 0; j < kerf_value_count(list); j++) {
            KERF_NOTE(reader, kerf_value_expect(&list->items[j], KERF_VALUE_MAP, reader->errs));
            if (kerf_value_is_map(&list->items[j]))
                KERF_CHECK_KEYS(reader, &list->items[j], KERF_KEYS_WARN, "alias", "id", "name", "owner", "ssmParameter", "tags",
                                "ownerID", "instanceMatchCriteria");
        }
    }
}

void kerf_read_ec2nodeclass(struct kerf_reader *reader, const struct kerf_value *object)
{
    static const char *const store_policies[] = {"RAID0"};
    KERF_CHECK_KEYS(reader, object, KERF_KEYS_WARN, "apiVersion", "kind", "metadata", "spec", "status");
    struct kerf_ec2nodeclass nodeclass = {.meta = kerf_reader_meta(reader, object, false)};
    const struct kerf_value *spec = kerf_field_required_map(reader, object, "spec");
    if (!spec)
        return;
    KERF_CHECK_KEYS(reader, spec, KERF_KEYS_WARN, "amiFamily", "amiSelectorTerms", "subnetSelectorTerms",
                    "securityGroupSelectorTerms", "capacityReservationSelectorTerms", "role", "instanceProfile", "userData",
                    "tags", "kubelet", "blockDeviceMappings", "instanceStorePolicy", "detailedMonitoring", "metadataOptions",
                    "associatePublicIPAddress", "context", "ipPrefixCount", "networkInterfaces", "placementGroupSelector",
                    "cpuOptions");
    check_selector_terms(reader, spec);
    kerf_read_reservation_terms(reader, spec, &nodeclass);
    read_family(reader, spec, &nodeclass);
    read_kubelet(reader, spec, &nodeclass.kubelet);
    read_block_devices(reader, spec, &nodeclass);
    nodeclass.instance_store_raid0 = kerf_field_enum(reader, spec, "instanceStorePolicy", store_policies, 1, 1) == 0;
    read_nodeclass_status(reader, kerf_field_map(reader, object, "status"), &nodeclass);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->nodeclasses, nodeclass);
}
