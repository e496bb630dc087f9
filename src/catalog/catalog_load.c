/** catalog_load: from files, or from the bytes in the program, to a catalogue of one region; and its plain questions. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "catalog/catalog_internal.h"

static const char default_region[] = "us-east-1";

/* ---- tables -------------------------------------------------------------------------------------------------------------- */

/*
 * The header and the lines of one region of a built-in file, whose first column is the region and which is sorted by it: a
 * fraction of a millisecond, where reading all rows would take several.
 */
static void cut_region(const struct kerf_builtin_file *file, const char *region, struct kerf_text *out_cut)
{
    const char *end = file->bytes + file->length;
    const char *header_end = memchr(file->bytes, '\n', file->length);
    KERF_ASSERT(header_end != NULL);
    kerf_text_append_bytes(out_cut, file->bytes, (size_t)(header_end + 1 - file->bytes));
    struct kerf_text key = {0};
    kerf_text_append_format(&key, "\n%s,", region);
    const char *first = memmem(header_end, (size_t)(end - header_end), key.bytes, key.length);
    if (first != NULL) {
        const char *line = ++first;
        while (line < end && (size_t)(end - line) >= key.length - 1 && memcmp(line, key.bytes + 1, key.length - 1) == 0) {
            const char *newline = memchr(line, '\n', (size_t)(end - line));
            line = newline != NULL ? newline + 1 : end;
        }
        kerf_text_append_bytes(out_cut, first, (size_t)(line - first));
    }
    kerf_text_fini(&key);
}

static enum kerf_status read_builtin(const char *name, const char *region, struct kerf_csv **out_csv, struct kerf_errors *errs)
{
    struct kerf_builtin_file file = kerf_builtin_file(name);
    if (region == NULL)
        return kerf_csv_read_bytes(file.name, file.bytes, file.length, ',', out_csv, errs);
    struct kerf_text cut = {0};
    cut_region(&file, region, &cut);
    enum kerf_status status = kerf_csv_read_bytes(file.name, cut.bytes, cut.length, ',', out_csv, errs);
    kerf_text_fini(&cut);
    return status;
}

static enum kerf_status read_of_folder(const char *folder, const char *name, bool optional, struct kerf_arena *arena,
                                       struct kerf_csv **out_csv, struct kerf_errors *errs)
{
    const char *path = kerf_arena_format(arena, "%s/%s", folder, name);
    if (optional && access(path, F_OK) != 0 && errno == ENOENT)
        return KERF_OK;
    return kerf_csv_read_file(path, ',', out_csv, errs);
}

/* Paths lie in `arena`, as long as the tables are used. */
static enum kerf_status read_tables(const char *folder, const char *region, struct kerf_arena *arena,
                                    struct kerf_catalog_tables *tables, struct kerf_errors *errs)
{
    const struct {
        const char *name;
        bool optional;
        bool by_region; /* in the built-in catalogue */
        bool built_in;
        struct kerf_csv **csv;
    } files[] = {
        {"instance_types.csv", false, false, true, &tables->instance_types},
        {"on_demand_prices.csv", false, true, true, &tables->on_demand_prices},
        {"spot_prices.csv", false, true, true, &tables->spot_prices},
        {"zones.csv", false, true, true, &tables->zones},
        {"zone_gaps.csv", true, true, false, &tables->zone_gaps},
    };
    enum kerf_status status = KERF_OK;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        enum kerf_status file_status = KERF_OK;
        if (folder != NULL)
            file_status = read_of_folder(folder, files[i].name, files[i].optional, arena, files[i].csv, errs);
        else if (files[i].built_in)
            file_status = read_builtin(files[i].name, files[i].by_region ? region : NULL, files[i].csv, errs);
        if (file_status != KERF_OK)
            status = file_status;
    }
    return status;
}

static void free_tables(struct kerf_catalog_tables *tables)
{
    kerf_csv_free(tables->instance_types);
    kerf_csv_free(tables->on_demand_prices);
    kerf_csv_free(tables->spot_prices);
    kerf_csv_free(tables->zones);
    kerf_csv_free(tables->zone_gaps);
}

/* ---- order --------------------------------------------------------------------------------------------------------------- */

struct sold_fact {
    struct kerf_instance_facts facts;
    bool sold;
};

static int compare_facts(const void *a, const void *b, void *context)
{
    (void)context;
    const struct sold_fact *left = a;
    const struct sold_fact *right = b;
    if (left->sold != right->sold)
        return left->sold ? -1 : 1;
    return kerf_name_compare(left->facts.name, right->facts.name);
}

/* Types that are sold in the region come first and have an index; each kind by name. */
static void settle_order(struct kerf_catalog *catalog, const bool *sold)
{
    size_t count = catalog->facts_count;
    struct sold_fact *order = kerf_allocate(kerf_array_bytes(count, sizeof *order));
    for (size_t i = 0; i < count; i++)
        order[i] = (struct sold_fact){catalog->facts[i], sold[i]};
    kerf_sort(order, count, sizeof *order, compare_facts, NULL);
    for (size_t i = 0; i < count; i++) {
        catalog->facts[i] = order[i].facts;
        catalog->facts[i].index = order[i].sold ? (uint32_t)i : KERF_NOT_FOUND;
        catalog->type_count += order[i].sold;
        kerf_name_map_put(&catalog->by_name, order[i].facts.name, (uint32_t)i);
    }
    free(order);
}

/* ---- loading ------------------------------------------------------------------------------------------------------------- */

static enum kerf_status fill(struct kerf_catalog *catalog, const struct kerf_catalog_tables *tables, struct kerf_errors *errs)
{
    /* All files are read even if one is wrong, so that several errors are reported; prices need types and zones. */
    enum kerf_status status = kerf_instance_facts_read(catalog, tables->instance_types, errs);
    enum kerf_status zone_status = kerf_catalog_read_zones(catalog, tables->zones, errs);
    if (status == KERF_OK)
        status = zone_status;
    KERF_TRY(status);
    bool *sold = kerf_allocate(catalog->facts_count * sizeof *sold);
    status = kerf_catalog_read_prices(catalog, tables, sold, errs);
    if (status == KERF_OK)
        settle_order(catalog, sold);
    free(sold);
    return status;
}

/* The dates of the built-in prices; a folder's are its owner's to know. */
static enum kerf_status note_snapshot(struct kerf_catalog *catalog, const char *folder, struct kerf_errors *errs)
{
    if (folder != NULL) {
        catalog->snapshot = kerf_arena_format(&catalog->arena, "%s, %s", folder, catalog->region->text);
        return KERF_OK;
    }
    struct kerf_csv *csv = NULL;
    KERF_TRY(read_builtin("regions.csv", catalog->region->text, &csv, errs));
    KERF_ASSERT(kerf_csv_row_count(csv) == 1);
    const char *on_demand = kerf_csv_text(csv, 0, kerf_csv_find_column(csv, "on_demand_date"));
    const char *spot = kerf_csv_text(csv, 0, kerf_csv_find_column(csv, "spot_date"));
    catalog->snapshot = spot[0] != '\0' ? kerf_arena_format(&catalog->arena, "built-in, %s: On-Demand %s, Spot estimate %s",
                                                            catalog->region->text, on_demand, spot)
                                        : kerf_arena_format(&catalog->arena, "built-in, %s: On-Demand %s, no Spot prices",
                                                            catalog->region->text, on_demand);
    kerf_csv_free(csv);
    return KERF_OK;
}

/* Says what was meant, or what there is. */
static enum kerf_status check_builtin_region(const char *region, struct kerf_errors *errs)
{
    struct kerf_csv *csv = NULL;
    KERF_TRY(read_builtin("regions.csv", NULL, &csv, errs));
    uint32_t count = kerf_csv_row_count(csv);
    const char **names = kerf_allocate(kerf_array_bytes(count, sizeof *names));
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = kerf_csv_text(csv, i, 0);
        found = found || strcmp(names[i], region) == 0;
    }
    enum kerf_status status = KERF_OK;
    if (!found) {
        const char *nearest = kerf_nearest(region, names, count);
        struct kerf_text list = {0};
        for (uint32_t i = 0; nearest == NULL && i < count; i++)
            kerf_text_append_format(&list, "%s%s", i == 0 ? "" : ", ", names[i]);
        status = nearest != NULL ? kerf_errors_add(errs, (struct kerf_place){.file = "region"},
                                                   "the catalogue has no prices of \"%s\"; did you mean %s?", region, nearest)
                                 : kerf_errors_add(errs, (struct kerf_place){.file = "region"},
                                                   "the catalogue has no prices of \"%s\" (it has %s)", region, list.bytes);
        kerf_text_fini(&list);
    }
    free(names);
    kerf_csv_free(csv);
    return status;
}

enum kerf_status kerf_catalog_of_tables(const struct kerf_catalog_tables *tables, const char *folder, const char *region,
                                        struct kerf_catalog **out_catalog, struct kerf_errors *errs)
{
    struct kerf_catalog *catalog = kerf_allocate(sizeof *catalog);
    kerf_arena_init(&catalog->arena);
    catalog->vocabulary = kerf_vocabulary_new(NULL);
    catalog->region = kerf_name_of(catalog->vocabulary->names, region);
    catalog->of_folder = folder != NULL;
    enum kerf_status status = fill(catalog, tables, errs);
    if (status == KERF_OK)
        status = note_snapshot(catalog, folder, errs);
    if (status == KERF_OK)
        *out_catalog = catalog;
    else
        kerf_catalog_free(catalog);
    return status;
}

enum kerf_status kerf_catalog_load(const char *folder, const char *region, struct kerf_catalog **out_catalog,
                                   struct kerf_errors *errs)
{
    if (region == NULL)
        region = default_region;
    if (folder == NULL)
        KERF_TRY(check_builtin_region(region, errs));
    else if (*folder == '\0') /* else the root's files would be read */
        return kerf_errors_add(errs, (struct kerf_place){.file = "catalog"}, "the path is empty; expected a folder");
    struct kerf_arena paths;
    kerf_arena_init(&paths);
    struct kerf_catalog_tables tables = {0};
    enum kerf_status status = read_tables(folder, region, &paths, &tables, errs);
    if (status == KERF_OK)
        status = kerf_catalog_of_tables(&tables, folder, region, out_catalog, errs);
    free_tables(&tables);
    kerf_arena_fini(&paths);
    return status;
}

void kerf_catalog_free(struct kerf_catalog *catalog)
{
    if (catalog == NULL)
        return;
    kerf_name_map_fini(&catalog->by_name);
    kerf_vocabulary_free(catalog->vocabulary);
    kerf_arena_fini(&catalog->arena);
    free(catalog);
}

/* ---- plain questions ----------------------------------------------------------------------------------------------------- */

kerf_name kerf_catalog_region(const struct kerf_catalog *catalog)
{
    return catalog->region;
}

const struct kerf_zone *kerf_catalog_zones(const struct kerf_catalog *catalog, size_t *out_count)
{
    *out_count = catalog->zone_count;
    return catalog->zones;
}

uint32_t kerf_catalog_zone_index(const struct kerf_catalog *catalog, kerf_name zone)
{
    for (uint32_t i = 0; i < catalog->zone_count; i++)
        if (catalog->zones[i].name == zone)
            return i;
    return KERF_NOT_FOUND;
}

size_t kerf_catalog_offering_count(const struct kerf_catalog *catalog)
{
    return catalog->type_count * catalog->zone_count * KERF_CAPACITY_TYPE_COUNT;
}

size_t kerf_catalog_offering_index(const struct kerf_catalog *catalog, uint32_t type_index, uint32_t zone_index,
                                   enum kerf_capacity_type capacity_type)
{
    KERF_ASSERT(type_index < catalog->type_count);
    KERF_ASSERT(zone_index < catalog->zone_count);
    return ((size_t)type_index * catalog->zone_count + zone_index) * KERF_CAPACITY_TYPE_COUNT + (size_t)capacity_type;
}

size_t kerf_catalog_type_count(const struct kerf_catalog *catalog)
{
    return catalog->type_count;
}

const struct kerf_instance_facts *kerf_catalog_facts(const struct kerf_catalog *catalog, uint32_t type_index)
{
    KERF_ASSERT(type_index < catalog->type_count);
    return &catalog->facts[type_index];
}

const struct kerf_instance_facts *kerf_catalog_find_anywhere(const struct kerf_catalog *catalog, kerf_name type_name)
{
    uint32_t index = type_name != NULL ? kerf_name_map_get(&catalog->by_name, type_name) : KERF_NOT_FOUND;
    return index != KERF_NOT_FOUND ? &catalog->facts[index] : NULL;
}

const struct kerf_instance_facts *kerf_catalog_find(const struct kerf_catalog *catalog, kerf_name type_name)
{
    const struct kerf_instance_facts *facts = kerf_catalog_find_anywhere(catalog, type_name);
    return facts != NULL && facts->index != KERF_NOT_FOUND ? facts : NULL;
}

const char *kerf_catalog_snapshot(const struct kerf_catalog *catalog)
{
    return catalog->snapshot;
}

struct kerf_vocabulary *kerf_catalog_vocabulary(struct kerf_catalog *catalog)
{
    return catalog->vocabulary;
}
