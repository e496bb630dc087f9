/** `kerf check`: tells scenarios from manifests, reads both, and looks for what would surprise their author. */
#include "advise/advise_internal.h"
#include "advise/check_findings.h"
#include "manifest/manifest.h"

#include <stdlib.h>

/** Files of the input by what they hold. Standard input is kept, since it can be read but once. */
struct input {
    struct kerf_arena arena;
    KERF_VEC(const char *) manifests;
    KERF_VEC(const char *) scenarios;
    struct kerf_text standard_input;
    bool has_standard_input;
    bool standard_input_is_scenario;
};

static bool is_scenario(const struct kerf_document *document)
{
    return strcmp(kerf_value_get_text_or(&document->root, "kind", ""), "Scenario") == 0 &&
           strncmp(kerf_value_get_text_or(&document->root, "apiVersion", ""), "kerf/", strlen("kerf/")) == 0;
}

/** Errors of syntax are found here already; the readers proper will say the same, which is kept once. */
static enum kerf_status classify_path(struct input *input, const char *path, struct kerf_errors *errs)
{
    struct kerf_documents *documents = kerf_documents_new();
    enum kerf_status status;
    if (strcmp(path, "-") == 0) {
        input->has_standard_input = true;
        status = kerf_text_read_file(path, &input->standard_input, errs);
        if (status == KERF_OK)
            status = kerf_documents_read_bytes(documents, kerf_input_name(path), input->standard_input.bytes, input->standard_input.length, errs);
    } else {
        status = kerf_documents_read_files(documents, &path, 1, errs);
    }
    bool only_scenarios = documents->list.count > 0;
    for (size_t i = 0; i < documents->list.count; i++) {
        const struct kerf_document *document = documents->list.items[i];
        kerf_check_aws_node(&document->root, errs);
        if (!is_scenario(document))
            only_scenarios = false;
        else if (strcmp(path, "-") == 0)
            input->standard_input_is_scenario = true;
        else if (document->index_in_file == 0)
            KERF_VEC_PUSH(&input->scenarios, kerf_arena_text(&input->arena, document->file));
    }
    if (!only_scenarios && strcmp(path, "-") != 0)
        KERF_VEC_PUSH(&input->manifests, path);
    kerf_documents_free(documents);
    return status;
}

/* ---- looking ------------------------------------------------------------------------------------------------------------------------- */

static void look(const struct kerf_check_subject *subject)
{
    kerf_check_nodepools(subject);
    kerf_check_budgets(subject);
    kerf_check_singletons(subject);
    kerf_check_spreads(subject);
    kerf_check_network(subject);
    kerf_check_unplaceable(subject);
}

static void look_at_scenario(struct kerf_scenario *scenario, struct kerf_errors *errs)
{
    for (uint32_t i = 0; i < scenario->design_count; i++) {
        struct kerf_design *design = &scenario->designs[i];
        struct kerf_arena arena;
        kerf_arena_init(&arena);
        const struct kerf_check_subject subject = {
            .objects = &design->objects,
            .catalog = design->catalog,
            .vocabulary = design->vocabulary,
            .instance_options = design->instance_options,
            .design = design,
            .file = scenario->file,
            .at_epoch_us = design->start_epoch_us,
            .arena = &arena,
            .errs = errs,
        };
        look(&subject);
        kerf_arena_fini(&arena);
    }
}

static enum kerf_status check_scenario(const struct input *input, const char *path, const struct kerf_advise_options *options,
                                       struct kerf_errors *errs)
{
    const struct kerf_scenario_overrides overrides = { .catalog_folder = options->catalog_folder, .region = options->region };
    struct kerf_scenario *scenario = NULL;
    enum kerf_status status = path ? kerf_scenario_read(path, &overrides, &scenario, errs)
                                   : kerf_scenario_read_text(kerf_input_name("-"), input->standard_input.bytes,
                                                             input->standard_input.length, &overrides, &scenario, errs);
    if (status == KERF_OK)
        look_at_scenario(scenario, errs);
    kerf_scenario_free(scenario);
    return status;
}

/** Zones as an EC2NodeClass without a status has them (product.md). */
static void choose_zones(struct kerf_check_subject *subject)
{
    size_t count;
    const struct kerf_zone *zones = kerf_catalog_zones(subject->catalog, &count);
    count = count < 3 ? count : 3;
    kerf_name *names = KERF_NEW_ARRAY(subject->arena, kerf_name, count);
    for (size_t i = 0; i < count; i++)
        names[i] = zones[i].name;
    subject->instance_options.default_zones = names;
    subject->instance_options.default_zone_count = count;
}

static enum kerf_status check_manifests(const struct input *input, const struct kerf_advise_options *options, struct kerf_errors *errs)
{
    struct kerf_catalog *catalog = NULL;
    KERF_TRY(kerf_catalog_load(options->catalog_folder, options->region, &catalog, errs));
    struct kerf_vocabulary *vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(catalog));
    struct kerf_objects objects;
    kerf_objects_init(&objects);
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    enum kerf_status status = kerf_manifest_read(input->manifests.items, input->manifests.count, vocabulary, &objects, errs);
    if (input->has_standard_input && !input->standard_input_is_scenario) {
        enum kerf_status text = kerf_manifest_read_text(kerf_input_name("-"), input->standard_input.bytes, input->standard_input.length,
                                                        vocabulary, &objects, errs);
        status = status == KERF_OK ? text : status;
    }
    if (status == KERF_OK) {
        kerf_manifest_settle(&objects, vocabulary, false);
        struct kerf_check_subject subject = {
            .objects = &objects,
            .catalog = catalog,
            .vocabulary = vocabulary,
            .instance_options = kerf_instance_options_default(),
            .at_epoch_us = objects.newest_epoch_us == KERF_TIME_UNSET ? 0 : objects.newest_epoch_us,
            .arena = &arena,
            .errs = errs,
        };
        choose_zones(&subject);
        look(&subject);
    }
    kerf_arena_fini(&arena);
    kerf_objects_fini(&objects);
    kerf_vocabulary_free(vocabulary);
    kerf_catalog_free(catalog);
    return status;
}

enum kerf_status kerf_advise_check(const struct kerf_advise_options *options, struct kerf_errors *errs)
{
    struct input input = { 0 };
    kerf_arena_init(&input.arena);
    enum kerf_status status = KERF_OK;
    for (size_t i = 0; i < options->file_count; i++) {
        enum kerf_status one = classify_path(&input, options->files[i], errs);
        status = one > status ? one : status;
    }
    if (input.manifests.count > 0 || (input.has_standard_input && !input.standard_input_is_scenario)) {
        enum kerf_status one = check_manifests(&input, options, errs);
        status = one > status ? one : status;
    }
    for (size_t i = 0; i < input.scenarios.count; i++) {
        enum kerf_status one = check_scenario(&input, input.scenarios.items[i], options, errs);
        status = one > status ? one : status;
    }
    if (input.standard_input_is_scenario) {
        enum kerf_status one = check_scenario(&input, NULL, options, errs);
        status = one > status ? one : status;
    }
    KERF_VEC_FREE(&input.manifests);
    KERF_VEC_FREE(&input.scenarios);
    kerf_text_fini(&input.standard_input);
    kerf_arena_fini(&input.arena);
    return status;
}
