/** The snapshot: catalogue and manifests become a world at one moment, with the options of the deciders. */
#include "advise/advise_internal.h"
#include "document/document.h"
#include "manifest/manifest.h"

#include <stdlib.h>

/* ---- flags
 * --------------------------------------------------------------------------------------------------------------------- */

static struct kerf_place place_of_flag(const char *flag)
{
    return (struct kerf_place){.file = flag};
}

static enum kerf_status read_at(struct kerf_snapshot *snapshot, const char *at, struct kerf_errors *errs)
{
    snapshot->at_epoch_us = snapshot->objects.newest_epoch_us == KERF_TIME_UNSET ? 0 : snapshot->objects.newest_epoch_us;
    if (at && !kerf_parse_time(at, &snapshot->at_epoch_us))
        return kerf_errors_add(errs, place_of_flag("--at"),
                               "\"%s\" is no time (expected RFC 3339, for example 2026-01-01T00:00:00Z)", at);
    return KERF_OK;
}

/** Karpenter's gates: those that a decision of ours depends on, and the rest. */
enum {
    GATE_SPOT_TO_SPOT,
    GATE_STATIC_CAPACITY,
    GATE_RESERVED_CAPACITY,
    GATE_NODE_REPAIR,
    GATE_NODE_OVERLAY,
    GATE_CAPACITY_BUFFER
};
static const struct {
    const char *name;
    bool by_default;
    bool followed;
} gates[] = {
    [GATE_SPOT_TO_SPOT] = {"SpotToSpotConsolidation", false, true},
    [GATE_STATIC_CAPACITY] = {"StaticCapacity", false, true},
    [GATE_RESERVED_CAPACITY] = {"ReservedCapacity", true, false},
    [GATE_NODE_REPAIR] = {"NodeRepair", false, false},
    [GATE_NODE_OVERLAY] = {"NodeOverlay", false, false},
    [GATE_CAPACITY_BUFFER] = {"CapacityBuffer", false, false},
};
enum { GATE_COUNT = sizeof gates / sizeof gates[0] };

static enum kerf_status read_gate(struct kerf_snapshot *snapshot, char *text, struct kerf_errors *errs)
{
    struct kerf_place place = place_of_flag("--feature-gate");
    char *equals = strchr(text, '=');
    if (!equals)
        return kerf_errors_add(errs, place, "\"%s\" has no value (expected NAME=true or NAME=false)", text);
    *equals = 0;
    const char *value = equals + 1;
    bool on = !strcmp(value, "true");
    if (!on && strcmp(value, "false"))
        return kerf_errors_add(errs, place, "\"%s\": \"%s\" is neither true nor false", text, value);
    const char *names[GATE_COUNT];
    size_t gate = GATE_COUNT;
    for (size_t i = 0; i < GATE_COUNT; i++) {
        names[i] = gates[i].name;
        if (!strcmp(text, names[i]))
            gate = i;
    }
    if (gate == GATE_COUNT) {
        const char *nearest = kerf_nearest(text, names, GATE_COUNT);
        return kerf_errors_add(errs, place, "\"%s\" is no feature gate of Karpenter%s%s%s", text,
                               nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    }
    if (gate == GATE_SPOT_TO_SPOT)
        snapshot->disruption.spot_to_spot_consolidation = on;
    else if (gate == GATE_STATIC_CAPACITY)
        snapshot->disruption.static_capacity = on;
    if (!gates[gate].followed && on != gates[gate].by_default)
        kerf_errors_warn(errs, place, "kerf knows %s only as %s, and decides so", text, gates[gate].by_default ? "on" : "off");
    return KERF_OK;
}

/** `A=true,B=false` as Karpenter's own flag takes it. */
static enum kerf_status read_gates(struct kerf_snapshot *snapshot, const char *list, struct kerf_errors *errs)
{
    char *copy = kerf_arena_text(&snapshot->objects.arena, list);
    enum kerf_status status = KERF_OK;
    for (char *next; copy; copy = next) {
        next = strchr(copy, ',');
        if (next)
            *next++ = 0;
        enum kerf_status one = read_gate(snapshot, copy, errs);
        status = status == KERF_OK ? one : status;
    }
    return status;
}

static enum kerf_status read_choice(const char *flag, const char *value, const char *first, const char *second, bool *out_second,
                                    struct kerf_errors *errs)
{
    *out_second = false;
    if (!value || !strcmp(value, first))
        return KERF_OK;
    if (strcmp(value, second))
        return kerf_errors_add(errs, place_of_flag(flag), "\"%s\" is unknown (expected %s or %s)", value, first, second);
    *out_second = true;
    return KERF_OK;
}

static enum kerf_status nominate(struct kerf_snapshot *snapshot, const char *text, struct kerf_errors *errs)
{
    struct kerf_place place = place_of_flag("--nominated");
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return kerf_errors_add(errs, place, "\"%s\" has no time (expected NODE=TIME)", text);
    kerf_time_us until_epoch_us;
    if (!kerf_parse_time(equals + 1, &until_epoch_us))
        return kerf_errors_add(errs, place, "\"%s\" is no time (expected RFC 3339, for example 2026-01-01T00:00:00Z)",
                               equals + 1);
    kerf_name name = kerf_name_of_bytes(snapshot->vocabulary->names, text, (size_t)(equals - text));
    const struct kerf_cluster_node *node = kerf_cluster_find_node(snapshot->cluster, name);
    if (!node)
        return kerf_errors_add(errs, place, "there is no node \"%s\" in the input", kerf_name_text(name));
    kerf_cluster_nominate(snapshot->cluster, node->id, until_epoch_us);
    return KERF_OK;
}

/** NAMESPACE/NAME, or a name that only one pod has. */
static enum kerf_status find_pod(struct kerf_snapshot *snapshot, const char *text, struct kerf_errors *errs)
{
    const char *slash = strchr(text, '/');
    size_t found = 0;
    for (size_t i = 0; i < kerf_cluster_pod_count(snapshot->cluster); i++) {
        const struct kerf_cluster_pod *pod = kerf_cluster_pod_at(snapshot->cluster, i);
        const char *namespace_name = pod->pod.meta.namespace_name ? pod->pod.meta.namespace_name->text : "default";
        bool same_namespace = !slash || (strlen(namespace_name) == (size_t)(slash - text) &&
                                         !strncmp(namespace_name, text, (size_t)(slash - text)));
        if (!same_namespace || strcmp(pod->pod.meta.name->text, slash ? slash + 1 : text))
            continue;
        snapshot->explain_pod = pod->id;
        found++;
    }
    if (found == 0)
        return kerf_errors_add(errs, place_of_flag("--explain"), "there is no pod \"%s\" in the input", text);
    if (found > 1)
        return kerf_errors_add(errs, place_of_flag("--explain"), "%zu pods are called \"%s\" (expected NAMESPACE/NAME)", found, text);
    snapshot->explain_one = true;
    return KERF_OK;
}

/* ---- the snapshot
 * -------------------------------------------------------------------------------------------------------------- */

static enum kerf_status load(struct kerf_snapshot *snapshot, const struct kerf_advise_options *options, struct kerf_errors *errs)
{
    KERF_TRY(kerf_catalog_load(options->catalog_folder, options->region, &snapshot->catalog, errs));
    snapshot->vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(snapshot->catalog));
    enum kerf_status status =
        kerf_manifest_read(options->files, options->file_count, snapshot->vocabulary, &snapshot->objects, errs);
    /* Flags are looked at even when files are wrong, so that one run tells all. */
    bool ignore_preferences, best_effort;
    enum kerf_status flags[] = {
        read_at(snapshot, options->at, errs),
        read_choice("--preference-policy", options->preference_policy, "Respect", "Ignore", &ignore_preferences, errs),
        read_choice("--min-values-policy", options->min_values_policy, "Strict", "BestEffort", &best_effort, errs),
    };
    for (size_t i = 0; i < 3; i++)
        status = status == KERF_OK ? flags[i] : status;
    for (size_t i = 0; i < options->feature_gate_count; i++) {
        enum kerf_status gate = read_gates(snapshot, options->feature_gates[i], errs);
        status = status == KERF_OK ? gate : status;
    }
    uint64_t *unavailable =
        KERF_NEW_ARRAY(&snapshot->objects.arena, uint64_t, kerf_bitset_words(kerf_catalog_offering_count(snapshot->catalog)) + 1);
    for (size_t i = 0; i < options->unavailable_count; i++) {
        enum kerf_status marked = kerf_catalog_mark_unavailable(snapshot->catalog, options->unavailable[i], unavailable,
                                                                place_of_flag("--unavailable"), errs);
        status = status == KERF_OK ? marked : status;
    }
    if (status != KERF_OK)
        return status;

    bool one_moment = options->autoscale && snapshot->objects.autoscale.present;
    kerf_manifest_settle(&snapshot->objects, snapshot->vocabulary, !one_moment);
    KERF_TRY(read_at(snapshot, options->at, errs)); /* again: only now the newest time is known */
    if (one_moment && !options->at && snapshot->objects.autoscale.at_epoch_us != KERF_TIME_UNSET)
        snapshot->at_epoch_us = snapshot->objects.autoscale.at_epoch_us;
    snapshot->disruption.provisioning = (struct kerf_provisioning_options){
        .engine = options->packed_planner ? KERF_ENGINE_PACKED : options->plain_engine ? KERF_ENGINE_PLAIN : KERF_ENGINE_FAST,
        .preference_policy = ignore_preferences ? KERF_PREFERENCES_IGNORE : KERF_PREFERENCES_RESPECT,
        .min_values_policy = best_effort ? KERF_MIN_VALUES_BEST_EFFORT : KERF_MIN_VALUES_STRICT,
        .now_epoch_us = snapshot->at_epoch_us,
    };
    snapshot->disruption.explain = true;
    snapshot->derive_conditions = options->derive_conditions;

    snapshot->cluster =
        kerf_cluster_new(&snapshot->objects, snapshot->catalog, kerf_instance_options_default(), snapshot->vocabulary);
    kerf_cluster_set_now(snapshot->cluster, snapshot->at_epoch_us);
    kerf_cluster_add_objects(snapshot->cluster);
    kerf_cluster_set_unavailable_bits(snapshot->cluster, unavailable);
    snapshot->explain = options->explain;
    snapshot->bound = options->bound;
    if (options->explain && options->explain_pod)
        KERF_TRY(find_pod(snapshot, options->explain_pod, errs));
    for (size_t i = 0; i < options->nominated_count; i++) {
        enum kerf_status nominated = nominate(snapshot, options->nominated[i], errs);
        status = status == KERF_OK ? nominated : status;
    }
    return status;
}

enum kerf_status kerf_snapshot_load(const struct kerf_advise_options *options, struct kerf_snapshot **out_snapshot,
                                    struct kerf_errors *errs)
{
    struct kerf_snapshot *snapshot = kerf_allocate(sizeof *snapshot);
    kerf_objects_init(&snapshot->objects);
    enum kerf_status status = load(snapshot, options, errs);
    if (status != KERF_OK) {
        kerf_snapshot_free(snapshot);
        return status;
    }
    *out_snapshot = snapshot;
    return KERF_OK;
}

void kerf_snapshot_free(struct kerf_snapshot *snapshot)
{
    if (!snapshot)
        return;
    kerf_cluster_free(snapshot->cluster);
    kerf_objects_fini(&snapshot->objects);
    kerf_vocabulary_free(snapshot->vocabulary);
    kerf_catalog_free(snapshot->catalog);
    free(snapshot);
}
