/** The file: what all designs share, and the designs. */
#include "scenario/scenario_internal.h"

#include <stdlib.h>

enum { REPLICATIONS_MAX = 10000, DESIGN_NAME_BYTES_MAX = 63 };

void kerf_scenario_note(struct kerf_scenario_reader *reader, enum kerf_status status)
{
    if (status > reader->status)
        reader->status = status;
}

/* ---- what all designs share --------------------------------------------------------------------------------------------------------- */

static void read_identity(struct kerf_scenario_reader *reader, const struct kerf_value *root)
{
    static const char *const versions[] = { "kerf/v1alpha1" };
    static const char *const kinds[] = { "Scenario" };
    const struct kerf_value *value = NULL, *metadata = NULL;
    uint32_t index;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(root, "apiVersion", &value, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(value, versions, 1, &index, reader->errs));
    value = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(root, "kind", &value, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_enum(value, kinds, 1, &index, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_get_map(root, "metadata", &metadata, reader->errs));
    struct kerf_scenario *scenario = reader->scenario;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(kerf_value_get(metadata, "name"), &scenario->name, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(kerf_value_get(root, "question"), &scenario->question, reader->errs));
    if (scenario->name && *scenario->name)
        return;
    const char *slash = strrchr(scenario->file, '/');
    char *name = kerf_arena_text(reader->arena, slash ? slash + 1 : scenario->file);
    char *dot = strrchr(name, '.');
    if (dot && dot > name)
        *dot = '\0';
    scenario->name = name;
}

static void read_experiment(struct kerf_scenario_reader *reader, const struct kerf_value *root)
{
    struct kerf_scenario *scenario = reader->scenario;
    int64_t replications = 20;
    scenario->seed = 1;
    KERF_SCENARIO_NOTE(reader, kerf_value_read_u64(kerf_value_get(root, "seed"), UINT64_MAX, &scenario->seed, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_read_i64(kerf_value_get(root, "replications"), 1, REPLICATIONS_MAX, &replications, reader->errs));
    const struct kerf_scenario_overrides *overrides = reader->overrides;
    if (overrides->seed && !kerf_parse_u64(overrides->seed, &scenario->seed))
        kerf_scenario_note(reader, kerf_errors_add(reader->errs, (struct kerf_place){ .file = "--seed" },
                                                   "\"%s\" is no whole number from 0 to 2^64 - 1", overrides->seed));
    if (overrides->replications && (!kerf_parse_i64(overrides->replications, &replications) || replications < 1 ||
                                    replications > REPLICATIONS_MAX)) {
        kerf_scenario_note(reader, kerf_errors_add(reader->errs, (struct kerf_place){ .file = "--replications" },
                                                   "\"%s\" is no whole number from 1 to %d", overrides->replications, REPLICATIONS_MAX));
        replications = 1;
    }
    scenario->replications = (uint32_t)replications;
}

/* ---- designs ------------------------------------------------------------------------------------------------------------------------ */

/** One entry of `designs`; `overlay` NULL: the file has none. */
struct entry {
    const char *name;
    const struct kerf_value *overlay;
};

/** Keys that mean the whole comparison, so that no design may have its own. */
static void refuse_common_keys(struct kerf_scenario_reader *reader, const struct kerf_value *overlay)
{
    static const char *const common[] = { "apiVersion", "kind", "metadata", "question", "seed", "replications", "designs" };
    for (size_t i = 0; i < KERF_SCENARIO_COUNT_OF(common); i++) {
        const struct kerf_value *value = kerf_value_get_or_null(overlay, common[i]);
        if (value)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_value_key_place(value, reader->arena),
                                                       "all designs share it; expected it at the top of the file"));
    }
}

/** The overlay without its name, whose keys are those of the file. */
static void check_overlay(struct kerf_scenario_reader *reader, const struct kerf_value *overlay)
{
    struct kerf_value rest = *overlay;
    struct kerf_value *items = KERF_NEW_ARRAY(reader->arena, struct kerf_value, overlay->count);
    rest.count = 0;
    for (uint32_t i = 0; i < overlay->count; i++)
        if (strcmp(overlay->items[i].key, "name") != 0)
            items[rest.count++] = overlay->items[i];
    rest.items = items;
    kerf_scenario_check_keys(reader, &rest, "");
    refuse_common_keys(reader, overlay);
}

static const struct entry *find_entry(const struct entry *entries, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(entries[i].name, name) == 0)
            return &entries[i];
    return NULL;
}

/** Names stand in tables and become folders of results, beside the summary. */
static bool is_design_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("_-.", *c)))
            return false;
    return *name && *name != '.' && strlen(name) <= DESIGN_NAME_BYTES_MAX && strcmp(name, "summary.json") != 0;
}

static struct entry *read_entries(struct kerf_scenario_reader *reader, const struct kerf_value *root, uint32_t *out_count)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_get_list(root, "designs", &list, reader->errs));
    uint32_t count = kerf_value_count(list);
    struct entry *entries = KERF_NEW_ARRAY(reader->arena, struct entry, count + 1);
    *out_count = 0;
    if (count == 0) /* a scenario's own name is free text */
        entries[(*out_count)++] = (struct entry){ is_design_name(reader->scenario->name) ? reader->scenario->name : "design", NULL };
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *item = &list->items[i], *value = NULL;
        const char *name = NULL;
        KERF_SCENARIO_NOTE(reader, kerf_value_require(item, "name", &value, reader->errs));
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &name, reader->errs));
        if (kerf_value_is_map(item))
            check_overlay(reader, item);
        if (!name)
            continue;
        if (!is_design_name(name))
            KERF_SCENARIO_REFUSE(reader, value, "\"%s\" is no name for a design; expected up to %d letters, digits, -, _ and ., no dot first",
                                 name, DESIGN_NAME_BYTES_MAX);
        else if (find_entry(entries, *out_count, name))
            KERF_SCENARIO_REFUSE(reader, value, "there are two designs \"%s\"; expected different names", name);
        else
            entries[(*out_count)++] = (struct entry){ name, item };
    }
    return entries;
}

/** Those that the command line names, in its order; all without a choice. */
static struct entry *choose_entries(struct kerf_scenario_reader *reader, struct entry *entries, uint32_t *count)
{
    const struct kerf_scenario_overrides *overrides = reader->overrides;
    if (overrides->design_count == 0)
        return entries;
    const char **names = KERF_NEW_ARRAY(reader->arena, const char *, *count);
    for (uint32_t i = 0; i < *count; i++)
        names[i] = entries[i].name;
    struct entry *chosen = KERF_NEW_ARRAY(reader->arena, struct entry, overrides->design_count);
    uint32_t chosen_count = 0;
    for (size_t i = 0; i < overrides->design_count; i++) {
        const struct kerf_place place = { .file = "--design" };
        const char *name = overrides->designs[i];
        const struct entry *entry = find_entry(entries, *count, name);
        const char *nearest = entry ? NULL : kerf_nearest(name, names, *count);
        if (!entry)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, place, "%s has no design \"%s\"%s%s%s", reader->scenario->file, name,
                                                       nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : ""));
        else if (find_entry(chosen, chosen_count, name))
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, place, "\"%s\" is given twice; expected once", name));
        else
            chosen[chosen_count++] = *entry;
    }
    *count = chosen_count;
    return chosen;
}

static void read_designs(struct kerf_scenario_reader *reader, const struct kerf_value *root)
{
    struct kerf_scenario *scenario = reader->scenario;
    uint32_t count = 0;
    struct entry *entries = read_entries(reader, root, &count);
    entries = choose_entries(reader, entries, &count);
    scenario->designs = KERF_NEW_ARRAY(reader->arena, struct kerf_design, count);
    scenario->catalogs = KERF_NEW_ARRAY(reader->arena, struct kerf_catalog *, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct kerf_value *merged =
            entries[i].overlay ? kerf_value_overlay(scenario->documents, root, entries[i].overlay) : root;
        struct kerf_design *design = &scenario->designs[scenario->design_count++];
        design->name = entries[i].name;
        kerf_scenario_read_design(reader, merged, design);
    }
}

/* ---- the file ----------------------------------------------------------------------------------------------------------------------- */

static void read_document(struct kerf_scenario_reader *reader)
{
    const struct kerf_documents *documents = reader->scenario->documents;
    const struct kerf_value *root = &documents->list.items[0]->root;
    if (documents->list.count > 1)
        KERF_SCENARIO_REFUSE(reader, &documents->list.items[1]->root, "a second document; expected one scenario a file");
    KERF_SCENARIO_NOTE(reader, kerf_value_expect(root, KERF_VALUE_MAP, reader->errs));
    if (!kerf_value_is_map(root))
        return;
    read_identity(reader, root);
    if (reader->status != KERF_OK)
        return; /* of another kind, all its keys would be unknown */
    kerf_scenario_check_keys(reader, root, "");
    read_experiment(reader, root);
    read_designs(reader, root);
}

/** `documents` pass to the scenario. */
static enum kerf_status read_scenario(const char *file, struct kerf_documents *take_documents, enum kerf_status status,
                                      const struct kerf_scenario_overrides *overrides, struct kerf_scenario **out_scenario,
                                      struct kerf_errors *errs)
{
    static const struct kerf_scenario_overrides nothing = { 0 };
    struct kerf_scenario *scenario = kerf_allocate(sizeof *scenario);
    kerf_arena_init(&scenario->arena);
    scenario->documents = take_documents;
    scenario->file = kerf_arena_text(&scenario->arena, file);
    struct kerf_scenario_reader reader = {
        .scenario = scenario,
        .overrides = overrides ? overrides : &nothing,
        .arena = &scenario->arena,
        .errs = errs,
        .status = status,
    };
    if (status == KERF_OK && take_documents->list.count > 0)
        read_document(&reader);
    else if (status == KERF_OK)
        kerf_scenario_note(&reader, kerf_errors_add(errs, (struct kerf_place){ .file = scenario->file }, "empty; expected a scenario"));
    if (reader.status != KERF_OK) {
        kerf_scenario_free(scenario);
        return reader.status;
    }
    *out_scenario = scenario;
    return KERF_OK;
}

enum kerf_status kerf_scenario_read(const char *path, const struct kerf_scenario_overrides *overrides, struct kerf_scenario **out_scenario,
                                    struct kerf_errors *errs)
{
    struct kerf_documents *documents = kerf_documents_new();
    enum kerf_status status = kerf_documents_read_files(documents, &path, 1, errs);
    return read_scenario(path, documents, status, overrides, out_scenario, errs);
}

enum kerf_status kerf_scenario_read_text(const char *file, const char *text, size_t length, const struct kerf_scenario_overrides *overrides,
                                         struct kerf_scenario **out_scenario, struct kerf_errors *errs)
{
    struct kerf_documents *documents = kerf_documents_new();
    enum kerf_status status = kerf_documents_read_bytes(documents, file, text, length, errs);
    return read_scenario(file, documents, status, overrides, out_scenario, errs);
}

void kerf_scenario_free(struct kerf_scenario *scenario)
{
    if (!scenario)
        return;
    for (uint32_t i = 0; i < scenario->design_count; i++) {
        kerf_objects_fini(&scenario->designs[i].objects);
        kerf_vocabulary_free(scenario->designs[i].vocabulary);
    }
    for (uint32_t i = 0; i < scenario->catalog_count; i++)
        kerf_catalog_free(scenario->catalogs[i]);
    kerf_documents_free(scenario->documents);
    kerf_arena_fini(&scenario->arena);
    free(scenario);
}
