/**
 * The spec of a pod. What is read of it is first written down as text; specs with the same text are one value, so the
 * thousands of pods of a Deployment share one, and only the first of them is read and checked.
 */
#include "manifest/manifest_internal.h"

/* ---- content
 * ------------------------------------------------------------------------------------------------------------------- */

static void append_value(struct kerf_text *content, const struct kerf_value *value)
{
    static const char opening[] = "~\"[{";
    kerf_text_append_bytes(content, &opening[value->kind], 1);
    if (value->kind == KERF_VALUE_SCALAR) {
        kerf_text_append_bytes(content, &value->count, sizeof value->count);
        kerf_text_append_bytes(content, value->text, value->count);
        kerf_text_append_bytes(content, value->quoted ? "q" : "p", 1);
        return;
    }
    for (uint32_t i = 0; i < kerf_value_count(value); i++) {
        if (value->items[i].key)
            kerf_text_append_bytes(content, value->items[i].key, strlen(value->items[i].key) + 1);
        append_value(content, &value->items[i]);
    }
    kerf_text_append_bytes(content, "}", 1);
}

static bool is_one_of(const char *key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

static void append_members(struct kerf_text *content, const struct kerf_value *map, const char *const *keys, size_t count)
{
    for (uint32_t i = 0; i < kerf_value_count(map); i++) {
        if (!is_one_of(map->items[i].key, keys, count))
            continue;
        kerf_text_append_bytes(content, map->items[i].key, strlen(map->items[i].key) + 1);
        append_value(content, &map->items[i]);
    }
    kerf_text_append_bytes(content, "}", 1);
}

static const char *const container_keys[] = {"name", "image", "resources", "ports", "restartPolicy"};
static const char *const volume_keys[] = {"persistentVolumeClaim", "ephemeral", "csi",
                                          "awsElasticBlockStore",  "emptyDir",  "hostPath"};
static const char *const spec_keys[] = {
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "schedulingGates",
    "resourceClaims",
    "overhead",
    "resources",
    "priority",
    "priorityClassName",
    "preemptionPolicy",
    "restartPolicy",
    "schedulerName",
    "runtimeClassName",
    "terminationGracePeriodSeconds",
    "activeDeadlineSeconds",
    "hostNetwork",
};

static bool volume_counts(const struct kerf_value *volume)
{
    for (size_t i = 0; i < KERF_COUNT_OF(volume_keys); i++)
        if (kerf_value_get_or_null(volume, volume_keys[i]))
            return true;
    return false;
}

void kerf_reader_spec_content(struct kerf_text *content, const struct kerf_value *spec)
{
    append_members(content, spec, spec_keys, KERF_COUNT_OF(spec_keys));
    static const char *const lists[] = {"initContainers", "containers"};
    for (size_t i = 0; i < KERF_COUNT_OF(lists); i++) {
        const struct kerf_value *containers = kerf_value_get(spec, lists[i]);
        kerf_text_append(content, containers ? "[" : "-");
        for (uint32_t j = 0; j < kerf_value_count(containers); j++)
            append_members(content, &containers->items[j], container_keys, KERF_COUNT_OF(container_keys));
    }
    const struct kerf_value *volumes = kerf_value_get(spec, "volumes");
    for (uint32_t i = 0; i < kerf_value_count(volumes); i++)
        if (volume_counts(&volumes->items[i]))
            append_value(content, &volumes->items[i]);
}

/* ---- reading
 * ------------------------------------------------------------------------------------------------------------------- */

/** What the API server does: a limit without a request is the request too. */
static void default_requests(struct kerf_resources *requests, const struct kerf_resources *limits)
{
    for (int i = 0; i < KERF_RESOURCE_MAX; i++)
        if (kerf_resources_has(limits, (enum kerf_resource)i) && !kerf_resources_has(requests, (enum kerf_resource)i))
            kerf_resources_set(requests, (enum kerf_resource)i, limits->amounts[i]);
}

static void read_ports(struct kerf_reader *reader, const struct kerf_value *item, bool host_network,
                       struct kerf_container *container)
{
    static const char *const protocols[] = {"TCP", "UDP", "SCTP"};
    const struct kerf_value *list = kerf_field_list(reader, item, "ports");
    uint32_t otherwise = reader->from_server ? KERF_PROTOCOL_UNSET : KERF_PROTOCOL_TCP;
    uint32_t count = kerf_value_count(list);
    struct kerf_host_port *ports = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *port = &list->items[i];
        int32_t number = kerf_field_i32(reader, port, "hostPort", 0, 65535, 0);
        if (number == 0 && host_network)
            number = kerf_field_i32(reader, port, "containerPort", 1, 65535, 0);
        if (number == 0)
            continue;
        if (!ports)
            ports = KERF_NEW_ARRAY(reader->arena, struct kerf_host_port, count);
        ports[container->host_port_count++] = (struct kerf_host_port){
            .address = kerf_field_name(reader, port, "hostIP"),
            .port = (uint16_t)number,
            .protocol = (enum kerf_protocol)kerf_field_enum(reader, port, "protocol", protocols, KERF_COUNT_OF(protocols), otherwise),
        };
    }
    container->host_ports = ports;
}

static void check_resources(struct kerf_reader *reader, const struct kerf_value *item, const struct kerf_container *container)
{
    for (int i = 0; i < KERF_RESOURCE_MAX; i++) {
        enum kerf_resource resource = (enum kerf_resource)i;
        if (kerf_resources_has(&container->limits, resource) && kerf_resources_has(&container->requests, resource) &&
            container->requests.amounts[i] > container->limits.amounts[i])
            KERF_NOTE(reader, kerf_value_error(kerf_value_get(item, "resources"), reader->errs, "requests more %s than its limit",
                                               kerf_name_text(reader->vocabulary->resource_names[i])));
    }
}

static void read_container(struct kerf_reader *reader, const struct kerf_value *item, bool init, bool host_network,
                           struct kerf_container *container)
{
    static const char *const policies[] = {"Never", "Always", "OnFailure"};
    KERF_NOTE(reader, kerf_value_expect(item, KERF_VALUE_MAP, reader->errs));
    if (!kerf_value_is_map(item))
        return;
    KERF_CHECK_KEYS(reader, item, KERF_KEYS_WARN_NEAR_MISSES, "name", "image", "command", "args", "workingDir", "ports",
                    "envFrom", "env", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "volumeMounts",
                    "volumeDevices", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "terminationMessagePath",
                    "terminationMessagePolicy", "imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty");
    container->name = kerf_field_required_name(reader, item, "name");
    container->image = kerf_field_name(reader, item, "image");
    container->init = init;
    container->restart_always = kerf_field_enum(reader, item, "restartPolicy", policies, KERF_COUNT_OF(policies), 0) == 1 && init;
    const struct kerf_value *resources = kerf_field_map(reader, item, "resources");
    if (resources) {
        KERF_CHECK_KEYS(reader, resources, KERF_KEYS_WARN_NEAR_MISSES, "requests", "limits", "claims");
        container->requests = kerf_field_resources(reader, resources, "requests", KERF_ROUND_UP);
        container->limits = kerf_field_resources(reader, resources, "limits", KERF_ROUND_UP);
        default_requests(&container->requests, &container->limits);
        check_resources(reader, item, container);
    }
    read_ports(reader, item, host_network, container);
}

static void read_containers(struct kerf_reader *reader, const struct kerf_value *value, struct kerf_pod_spec *spec)
{
    const struct kerf_value *init = kerf_field_list(reader, value, "initContainers");
    const struct kerf_value *main = NULL;
    KERF_NOTE(reader, kerf_value_require(value, "containers", &main, reader->errs));
    main = kerf_field_list(reader, value, "containers");
    if (main && main->count == 0)
        KERF_NOTE(reader, kerf_value_error(main, reader->errs, "empty, expected at least one container"));
    uint32_t init_count = kerf_value_count(init);
    spec->container_count = init_count + kerf_value_count(main);
    struct kerf_container *containers = KERF_NEW_ARRAY(reader->arena, struct kerf_container, spec->container_count);
    for (uint32_t i = 0; i < init_count; i++)
        read_container(reader, &init->items[i], true, spec->host_network, &containers[i]);
    for (uint32_t i = 0; i < kerf_value_count(main); i++)
        read_container(reader, &main->items[i], false, spec->host_network, &containers[init_count + i]);
    spec->containers = containers;
}

static bool read_volume(struct kerf_reader *reader, const struct kerf_value *item, struct kerf_pod_volume *volume)
{
    volume->name = kerf_field_required_name(reader, item, "name");
    const struct kerf_value *claim = kerf_field_map(reader, item, "persistentVolumeClaim");
    const struct kerf_value *ephemeral = kerf_field_map(reader, item, "ephemeral");
    const struct kerf_value *csi = kerf_field_map(reader, item, "csi");
    const struct kerf_value *disk = kerf_field_map(reader, item, "awsElasticBlockStore");
    const struct kerf_value *empty = kerf_value_get_or_null(item, "emptyDir");
    if (claim) {
        volume->claim_name = kerf_field_required_name(reader, claim, "claimName");
    } else if (ephemeral) {
        const struct kerf_value *template = kerf_field_map(reader, ephemeral, "volumeClaimTemplate");
        volume->ephemeral = true;
        volume->storage_class_name =
            kerf_field_name_or_empty(reader, kerf_field_map(reader, template, "spec"), "storageClassName");
    } else if (csi) {
        volume->csi_driver = kerf_field_required_name(reader, csi, "driver");
    } else if (disk) {
        volume->disk_id = kerf_field_required_name(reader, disk, "volumeID");
        volume->read_only = kerf_field_bool(reader, disk, "readOnly", false);
    } else if (empty || kerf_value_get(item, "hostPath")) {
        volume->local = !empty || strcmp(kerf_value_get_text_or(empty, "medium", ""), "Memory") != 0;
        return volume->local;
    } else {
        return false;
    }
    return true;
}

static void read_volumes(struct kerf_reader *reader, const struct kerf_value *value, struct kerf_pod_spec *spec)
{
    const struct kerf_value *list = kerf_field_list(reader, value, "volumes");
    struct kerf_pod_volume *volumes = NULL;
    for (uint32_t i = 0; i < kerf_value_count(list); i++) {
        struct kerf_pod_volume volume = {0};
        if (!kerf_value_is_map(&list->items[i]) || !volume_counts(&list->items[i]) ||
            !read_volume(reader, &list->items[i], &volume))
            continue;
        if (!volumes)
            volumes = KERF_NEW_ARRAY(reader->arena, struct kerf_pod_volume, list->count);
        volumes[spec->volume_count++] = volume;
    }
    spec->volumes = volumes;
}

static const kerf_name *read_item_names(struct kerf_reader *reader, const struct kerf_value *value, const char *key,
                                        uint32_t *out_count)
{
    const struct kerf_value *list = kerf_field_list(reader, value, key);
    *out_count = kerf_value_count(list);
    if (*out_count == 0)
        return NULL;
    kerf_name *names = KERF_NEW_ARRAY(reader->arena, kerf_name, *out_count);
    for (uint32_t i = 0; i < *out_count; i++)
        names[i] = kerf_field_required_name(reader, &list->items[i], "name");
    return names;
}

/** Requests of the whole pod: where only a limit is given, what the containers ask for together, else the limit. */
static void read_pod_level(struct kerf_reader *reader, const struct kerf_value *value, struct kerf_pod_spec *spec)
{
    const struct kerf_value *resources = kerf_field_map(reader, value, "resources");
    if (!resources)
        return;
    spec->pod_level_requests = kerf_field_resources(reader, resources, "requests", KERF_ROUND_UP);
    struct kerf_resources limits = kerf_field_resources(reader, resources, "limits", KERF_ROUND_UP);
    struct kerf_resources containers;
    struct kerf_pod_spec without_overhead = *spec;
    without_overhead.has_pod_level_requests = false;
    without_overhead.overhead = (struct kerf_resources){0};
    kerf_pod_requests_of(&without_overhead, NULL, NULL, &containers);
    for (int i = 0; i < KERF_RESOURCE_MAX; i++) {
        enum kerf_resource resource = (enum kerf_resource)i;
        if (kerf_resources_has(&limits, resource) && !kerf_resources_has(&spec->pod_level_requests, resource))
            kerf_resources_set(&spec->pod_level_requests, resource,
                               kerf_resources_has(&containers, resource) ? containers.amounts[i] : limits.amounts[i]);
    }
    spec->has_pod_level_requests = spec->pod_level_requests.present != 0;
}

static void read_spec(struct kerf_reader *reader, const struct kerf_value *value, struct kerf_pod_spec *spec)
{
    static const char *const preemption[] = {"PreemptLowerPriority", "Never"};
    static const char *const restart[] = {"Always", "OnFailure", "Never"};
    KERF_CHECK_KEYS(reader, value, KERF_KEYS_WARN_NEAR_MISSES, "activeDeadlineSeconds", "affinity",
                    "automountServiceAccountToken", "containers", "dnsConfig", "dnsPolicy", "enableServiceLinks",
                    "ephemeralContainers", "hostAliases", "hostIPC", "hostNetwork", "hostPID", "hostUsers", "hostname",
                    "hostnameOverride", "imagePullSecrets", "initContainers", "nodeName", "nodeSelector", "os", "overhead",
                    "preemptionPolicy", "priority", "priorityClassName", "readinessGates", "resourceClaims", "resources",
                    "restartPolicy", "runtimeClassName", "schedulerName", "schedulingGates", "securityContext", "serviceAccount",
                    "serviceAccountName", "setHostnameAsFQDN", "shareProcessNamespace", "subdomain",
                    "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints", "volumes", "workloadRef");
    spec->host_network = kerf_field_bool(reader, value, "hostNetwork", false);
    spec->node_selector = kerf_field_labels(reader, value, "nodeSelector");
    kerf_reader_affinity(reader, kerf_field_map(reader, value, "affinity"), spec);
    spec->tolerations = kerf_field_tolerations(reader, value, "tolerations");
    spec->spreads = kerf_field_spreads(reader, value, "topologySpreadConstraints");
    read_containers(reader, value, spec);
    read_volumes(reader, value, spec);
    spec->scheduling_gates = read_item_names(reader, value, "schedulingGates", &spec->scheduling_gate_count);
    spec->resource_claims = read_item_names(reader, value, "resourceClaims", &spec->resource_claim_count);
    spec->overhead = kerf_field_resources(reader, value, "overhead", KERF_ROUND_UP);
    read_pod_level(reader, value, spec);
    spec->has_priority = kerf_value_get(value, "priority") != NULL;
    spec->priority = kerf_field_i32(reader, value, "priority", INT32_MIN, INT32_MAX, 0);
    spec->priority_class_name = kerf_field_name(reader, value, "priorityClassName");
    spec->has_preemption_policy = kerf_value_get(value, "preemptionPolicy") != NULL;
    spec->preemption_policy =
        (enum kerf_preemption_policy)kerf_field_enum(reader, value, "preemptionPolicy", preemption, KERF_COUNT_OF(preemption), 0);
    spec->restart_policy =
        (enum kerf_restart_policy)kerf_field_enum(reader, value, "restartPolicy", restart, KERF_COUNT_OF(restart), 0);
    spec->scheduler_name = kerf_field_name(reader, value, "schedulerName");
    if (kerf_name_is(spec->scheduler_name, "default-scheduler"))
        spec->scheduler_name = NULL;
    spec->runtime_class_name = kerf_field_name(reader, value, "runtimeClassName");
    spec->termination_grace_seconds = kerf_field_i64(reader, value, "terminationGracePeriodSeconds", INT32_MIN, INT32_MAX, 30);
    spec->active_deadline_seconds = kerf_field_i64(reader, value, "activeDeadlineSeconds", 1, INT32_MAX, 0);
    kerf_pod_spec_compute_requests(spec);
}

static bool uses_label_keys(const struct kerf_value *affinity)
{
    /* Rare: look for the word before asking each term. */
    for (uint32_t i = 0; i < kerf_value_count(affinity); i++) {
        const struct kerf_value *item = &affinity->items[i];
        if (item->key && (strcmp(item->key, "matchLabelKeys") == 0 || strcmp(item->key, "mismatchLabelKeys") == 0))
            return true;
        if (uses_label_keys(item))
            return true;
    }
    return false;
}

const struct kerf_pod_spec *kerf_reader_pod_spec(struct kerf_reader *reader, const struct kerf_value *value,
                                                 const struct kerf_meta *meta, bool is_template, bool live)
{
    static const struct kerf_pod_spec nothing = {.termination_grace_seconds = 30};
    if (!value)
        return &nothing; /* an error was noted */
    reader->from_server = live || (is_template && meta->uid);
    bool by_labels = !is_template && uses_label_keys(kerf_value_get(value, "affinity"));
    kerf_text_clear(&reader->content);
    kerf_reader_spec_content(&reader->content, value);
    if (!live) /* LimitRanges of the namespace will act on it */
        kerf_text_append_format(&reader->content, "%s%s", reader->from_server ? "!" : "@", kerf_name_text(meta->namespace_name));
    for (size_t i = 0; by_labels && i < meta->labels.count; i++)
        kerf_text_append_format(&reader->content, "#%s=%s", meta->labels.items[i].key->text, meta->labels.items[i].value->text);
    kerf_name content = kerf_name_of_bytes(reader->contents, reader->content.bytes, reader->content.length);
    uint32_t index = kerf_name_map_get(&reader->spec_indices, content);
    if (index != KERF_NOT_FOUND)
        return reader->objects->pod_specs.items[index].spec;
    struct kerf_pod_spec *spec = KERF_NEW(reader->arena, struct kerf_pod_spec);
    read_spec(reader, value, spec);
    if (by_labels)
        kerf_pod_spec_merge_label_keys(reader->arena, spec, &meta->labels);
    kerf_name_map_put(&reader->spec_indices, content, (uint32_t)reader->objects->pod_specs.count);
    KERF_VEC_PUSH_IN(reader->arena, &reader->objects->pod_specs,
                     (struct kerf_owned_pod_spec){.spec = spec, .namespace_name = meta->namespace_name, .live = live});
    return spec;
}

struct kerf_pod_template kerf_reader_template(struct kerf_reader *reader, const struct kerf_value *object_spec,
                                              const struct kerf_meta *owner)
{
    struct kerf_pod_template result = {0};
    const struct kerf_value *template = kerf_field_required_map(reader, object_spec, "template");
    const struct kerf_value *spec = template ? kerf_field_required_map(reader, template, "spec") : NULL;
    const struct kerf_value *metadata = kerf_field_map(reader, template, "metadata");
    result.labels = kerf_field_labels(reader, metadata, "labels");
    result.annotations = kerf_field_annotations(reader, metadata, "annotations");
    result.spec = kerf_reader_pod_spec(reader, spec, owner, true, false);
    return result;
}
