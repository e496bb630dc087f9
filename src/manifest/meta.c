/** metadata and status.conditions, which every kind has. */
#include "manifest/manifest_internal.h"

static struct kerf_labels texts_by_key(struct kerf_reader *reader, const struct kerf_value *entries, bool annotations)
{
    uint32_t count = kerf_value_count(entries);
    size_t kept = 0;
    if (count == 0)
        return (struct kerf_labels){0};
    struct kerf_label *items = KERF_NEW_ARRAY(&reader->scratch, struct kerf_label, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *entry = &entries->items[i];
        if (annotations && strcmp(entry->key, "kubectl.kubernetes.io/last-applied-configuration") == 0)
            continue;                         /* the object once more, as text */
        if (entry->kind == KERF_VALUE_NULL) { /* the API server reads null as "" */
            items[kept++] = (struct kerf_label){kerf_name_of(reader->vocabulary->names, entry->key),
                                                kerf_name_of(reader->vocabulary->names, "")};
            continue;
        }
        kerf_reader_want_text(reader, entry);
        kerf_name value = kerf_value_name(reader, entry);
        if (value)
            items[kept++] = (struct kerf_label){kerf_name_of(reader->vocabulary->names, entry->key), value};
    }
    return kerf_labels_sorted(reader->arena, items, kept);
}

struct kerf_labels kerf_field_labels(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    return texts_by_key(reader, kerf_field_map(reader, map, key), false);
}

/** Annotations of Karpenter that do not exist, or no longer, and the one that is meant. */
static void check_annotation(struct kerf_reader *reader, const struct kerf_value *entry)
{
    static const char *const meant[] = {"karpenter.sh/do-disrupt", "karpenter.sh/do-not-evict", "karpenter.sh/do-not-consolidate",
                                        "karpenter.sh/do-not-disrupted", "karpenter.sh/no-disrupt"};
    for (size_t i = 0; i < KERF_COUNT_OF(meant); i++) {
        if (strcmp(entry->key, meant[i]) == 0)
            kerf_value_warn(entry, reader->errs,
                            "Karpenter knows no annotation %s; karpenter.sh/do-not-disrupt: \"true\" is meant", entry->key);
    }
}

struct kerf_labels kerf_field_annotations(struct kerf_reader *reader, const struct kerf_value *map, const char *key)
{
    const struct kerf_value *entries = kerf_field_map(reader, map, key);
    for (uint32_t i = 0; i < kerf_value_count(entries); i++)
        if (strncmp(entries->items[i].key, "karpenter.sh/", strlen("karpenter.sh/")) == 0)
            check_annotation(reader, &entries->items[i]);
    return texts_by_key(reader, entries, true);
}

struct kerf_place kerf_reader_place(struct kerf_reader *reader, const struct kerf_value *value)
{
    const struct kerf_document *document = kerf_value_document(value);
    if (document != reader->file_document) { /* places outlive the documents */
        if (!reader->file || strcmp(reader->file, document->file) != 0)
            reader->file = kerf_arena_text(reader->arena, document->file);
        reader->file_document = document;
    }
    return (struct kerf_place){.file = reader->file, .line = value->line, .column = value->column};
}

struct kerf_meta_details *kerf_reader_details(struct kerf_reader *reader, const struct kerf_value *object)
{
    struct kerf_meta_details details = {.input_index = reader->objects->object_count++, .place = kerf_reader_place(reader, object)};
    return kerf_arena_copy(reader->arena, &details, sizeof details);
}

static void read_owners(struct kerf_reader *reader, const struct kerf_value *metadata, struct kerf_meta_details *details)
{
    const struct kerf_value *list = kerf_field_list(reader, metadata, "ownerReferences");
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return;
    struct kerf_owner *owners = KERF_NEW_ARRAY(reader->arena, struct kerf_owner, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i];
        owners[i] = (struct kerf_owner){
            .api_version = kerf_field_required_name(reader, item, "apiVersion"),
            .kind = kerf_field_required_name(reader, item, "kind"),
            .name = kerf_field_required_name(reader, item, "name"),
            .uid = kerf_field_name(reader, item, "uid"),
            .controller = kerf_field_bool(reader, item, "controller", false),
        };
    }
    details->owners = owners;
    details->owner_count = count;
}

/** When the deletion was asked for: the timestamp lies a grace period after it. */
static kerf_time_us deletion_time(struct kerf_reader *reader, const struct kerf_value *metadata)
{
    kerf_time_us newest_epoch_us = reader->objects->newest_epoch_us;
    kerf_time_us deletion_epoch_us = kerf_field_time(reader, metadata, "deletionTimestamp");
    if (deletion_epoch_us == KERF_TIME_UNSET)
        return KERF_TIME_UNSET;
    int64_t grace_seconds = kerf_field_i64(reader, metadata, "deletionGracePeriodSeconds", 0, INT32_MAX, 0);
    kerf_time_us asked_epoch_us = deletion_epoch_us - grace_seconds * KERF_SECOND_US;
    reader->objects->newest_epoch_us = kerf_max_i64(newest_epoch_us, asked_epoch_us);
    return deletion_epoch_us;
}

struct kerf_meta kerf_reader_meta(struct kerf_reader *reader, const struct kerf_value *object, bool namespaced)
{
    const struct kerf_value *metadata = kerf_field_required_map(reader, object, "metadata");
    struct kerf_meta_details *details = kerf_reader_details(reader, object);
    struct kerf_meta meta = {
        .created_epoch_us = KERF_TIME_UNSET,
        .deletion_epoch_us = KERF_TIME_UNSET,
        .details = details,
    };
    if (!metadata)
        return meta;
    KERF_CHECK_KEYS(reader, metadata, KERF_KEYS_WARN_NEAR_MISSES, "name", "namespace", "uid", "labels", "annotations",
                    "ownerReferences", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
                    "generateName", "resourceVersion", "selfLink", "finalizers", "managedFields");
    if (namespaced) {
        meta.namespace_name = kerf_field_name(reader, metadata, "namespace");
        if (!meta.namespace_name)
            meta.namespace_name = reader->vocabulary->word_default;
    }
    const char *generate = kerf_value_get_text_or(metadata, "generateName", NULL);
    if (generate && !kerf_value_get(metadata, "name"))
        meta.name = kerf_name_format(reader->vocabulary->names, "%s%05" PRIu32, generate, details->input_index);
    else
        meta.name = kerf_field_required_name(reader, metadata, "name");
    meta.uid = kerf_field_name(reader, metadata, "uid");
    meta.created_epoch_us = kerf_field_time(reader, metadata, "creationTimestamp");
    meta.deletion_epoch_us = deletion_time(reader, metadata);
    meta.labels = kerf_field_labels(reader, metadata, "labels");
    details->annotations = kerf_field_annotations(reader, metadata, "annotations");
    details->generation = kerf_field_i64(reader, metadata, "generation", 0, INT64_MAX, 0);
    read_owners(reader, metadata, details);
    return meta;
}

struct kerf_conditions kerf_field_conditions(struct kerf_reader *reader, const struct kerf_value *status)
{
    static const char *const statuses[] = {"Unknown", "True", "False"};
    const struct kerf_value *list = kerf_field_list(reader, status, "conditions");
    uint32_t count = kerf_value_count(list);
    if (count == 0)
        return (struct kerf_conditions){0};
    struct kerf_condition *conditions = KERF_NEW_ARRAY(reader->arena, struct kerf_condition, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i];
        conditions[i] = (struct kerf_condition){
            .type = kerf_field_required_name(reader, item, "type"),
            .status = (enum kerf_condition_status)kerf_field_enum(reader, item, "status", statuses, KERF_COUNT_OF(statuses), 0),
            .reason = kerf_field_name(reader, item, "reason"),
            .transition_epoch_us = kerf_field_time(reader, item, "lastTransitionTime"),
            .observed_generation = kerf_field_i64(reader, item, "observedGeneration", 0, INT64_MAX, 0),
        };
    }
    return (struct kerf_conditions){conditions, count};
}
