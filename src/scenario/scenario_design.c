/** One design: the file with the overlay of the design, read in the order in which the parts need one another. */
#include "scenario/scenario_internal.h"
#include "manifest/manifest.h"

/* ---- catalogue -------------------------------------------------------------------------------------------------------------------- */

/** Designs of one region share its catalogue. */
static struct kerf_catalog *find_catalog(struct kerf_scenario_reader *reader, const char *region)
{
    struct kerf_scenario *scenario = reader->scenario;
    for (uint32_t i = 0; i < scenario->catalog_count; i++)
        if (strcmp(kerf_catalog_region(scenario->catalogs[i])->text, region) == 0)
            return scenario->catalogs[i];
    return NULL;
}

static struct kerf_catalog *load_catalog(struct kerf_scenario_reader *reader, const struct kerf_value *root)
{
    const struct kerf_value *value = kerf_value_get(root, "region");
    const char *region = "us-east-1";
    KERF_SCENARIO_NOTE(reader, kerf_value_read_text(value, &region, reader->errs));
    if (reader->overrides->region)
        region = reader->overrides->region;
    struct kerf_catalog *catalog = find_catalog(reader, region);
    if (catalog)
        return catalog;
    enum kerf_status status = kerf_catalog_load(reader->overrides->catalog_folder, region, &catalog, reader->errs);
    kerf_scenario_note(reader, status);
    if (status == KERF_E_INPUT && value && !reader->overrides->region)
        KERF_SCENARIO_REFUSE(reader, value, "no catalogue for the region \"%s\"", region);
    if (status != KERF_OK)
        return NULL;
    struct kerf_scenario *scenario = reader->scenario;
    scenario->catalogs[scenario->catalog_count++] = catalog; /* one a design at most */
    return catalog;
}

/* ---- manifests -------------------------------------------------------------------------------------------------------------------- */

static void read_manifests(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    const struct kerf_value *list = NULL;
    KERF_SCENARIO_NOTE(reader, kerf_value_require(root, "manifests", &list, reader->errs));
    KERF_SCENARIO_NOTE(reader, kerf_value_expect(list, KERF_VALUE_LIST, reader->errs));
    if (!kerf_value_is_list(list))
        return;
    if (list->count == 0)
        KERF_SCENARIO_REFUSE(reader, list, "an empty list; expected paths of files and folders");
    const char **paths = KERF_NEW_ARRAY(reader->arena, const char *, list->count);
    size_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const char *text = NULL;
        KERF_SCENARIO_NOTE(reader, kerf_value_read_text(&list->items[i], &text, reader->errs));
        if (text && *text)
            paths[count++] = kerf_path_beside(reader->arena, reader->scenario->file, text);
        else if (text)
            KERF_SCENARIO_REFUSE(reader, &list->items[i], "empty; expected a path");
    }
    KERF_SCENARIO_NOTE(reader, kerf_manifest_read(paths, count, design->vocabulary, &design->objects, reader->errs));
}

/** What manifests name must be among them. */
static void check_references(struct kerf_scenario_reader *reader, const struct kerf_design *design)
{
    const struct kerf_objects *objects = &design->objects;
    for (size_t i = 0; i < objects->nodepools.count; i++) {
        const struct kerf_nodepool *nodepool = &objects->nodepools.items[i];
        bool found = false;
        for (size_t j = 0; j < objects->nodeclasses.count; j++)
            found = found || objects->nodeclasses.items[j].meta.name == nodepool->nodeclass.name;
        if (!found)
            kerf_scenario_note(reader, kerf_errors_add(reader->errs, kerf_meta_details(&nodepool->meta)->place,
                                                       "NodePool \"%s\" refers to EC2NodeClass \"%s\", which none of the manifests has",
                                                       nodepool->meta.name->text, kerf_name_text(nodepool->nodeclass.name)));
    }
    if (objects->nodepools.count == 0 && objects->nodegroups.count == 0 && objects->nodes.count == 0)
        kerf_errors_warn(reader->errs, (struct kerf_place){ .file = reader->scenario->file },
                         "design \"%s\" has no NodePool, node group or node: no pod will ever run", design->name);
}

/* ---- the whole -------------------------------------------------------------------------------------------------------------------- */

void kerf_scenario_read_design(struct kerf_scenario_reader *reader, const struct kerf_value *root, struct kerf_design *design)
{
    kerf_objects_init(&design->objects);
    design->instance_options = kerf_instance_options_default();
    kerf_scenario_read_settings(reader, root, "", design);
    kerf_scenario_read_clock(reader, root, design);
    design->catalog = load_catalog(reader, root);
    if (!design->catalog)
        return; /* no zone, type or workload can be judged without it */
    design->vocabulary = kerf_vocabulary_new(kerf_catalog_vocabulary(design->catalog));
    read_manifests(reader, root, design);
    kerf_scenario_read_network(reader, root, design);
    kerf_scenario_read_groups(reader, root, design);
    kerf_scenario_read_autoscaler(reader, root, design);
    if (reader->status == KERF_OK)
        kerf_manifest_settle(&design->objects, design->vocabulary, false);
    design->karpenter.enabled = design->objects.nodepools.count > 0;
    kerf_scenario_read_market(reader, root, design);
    kerf_scenario_read_loads(reader, root, design);
    if (reader->status == KERF_OK)
        check_references(reader, design);
}
