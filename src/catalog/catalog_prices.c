/** catalog_prices: zones, On-Demand and Spot prices and zone gaps become part of the facts. */
#include <math.h>

#include "catalog/catalog_internal.h"

#define USD_PER_HOUR_MAX 1e6

/* A table whose rows may be of several regions. */
struct price_reader {
    struct kerf_catalog *catalog;
    const struct kerf_csv *csv;
    struct kerf_errors *errs;
    uint32_t region_column;
    uint32_t type_column;
    uint32_t zone_column;
    uint32_t price_column;
};

static bool is_of_region(const struct price_reader *reader, uint32_t row)
{
    return reader->region_column == KERF_NOT_FOUND ||
           strcmp(kerf_csv_text(reader->csv, row, reader->region_column), reader->catalog->region->text) == 0;
}

static enum kerf_status open_table(struct kerf_catalog *catalog, const struct kerf_csv *csv, bool needs_type, bool needs_price,
                                   bool needs_zone, struct kerf_errors *errs, struct price_reader *out_reader)
{
    *out_reader = (struct price_reader){.catalog = catalog, .csv = csv, .errs = errs, .region_column = kerf_csv_find_column(csv, "region"),
                                        .type_column = kerf_csv_find_column(csv, "instance_type"),
                                        .zone_column = kerf_csv_find_column(csv, "zone"),
                                        .price_column = kerf_csv_find_column(csv, "usd_per_hour")};
    enum kerf_status status = KERF_OK;
    if (needs_type && kerf_csv_require_column(csv, "instance_type", &out_reader->type_column, errs) != KERF_OK)
        status = KERF_E_INPUT;
    if (needs_price && kerf_csv_require_column(csv, "usd_per_hour", &out_reader->price_column, errs) != KERF_OK)
        status = KERF_E_INPUT;
    if (needs_zone && kerf_csv_require_column(csv, "zone", &out_reader->zone_column, errs) != KERF_OK)
        status = KERF_E_INPUT;
    return status;
}

/* The facts of a row's type. A price list may be longer than the list of types, so an unknown one is passed over with a word. */
static struct kerf_instance_facts *type_of_row(const struct price_reader *reader, uint32_t row)
{
    const char *text = kerf_csv_text(reader->csv, row, reader->type_column);
    kerf_name name = kerf_name_find(reader->catalog->vocabulary->names, text);
    uint32_t index = name != NULL ? kerf_name_map_get(&reader->catalog->by_name, name) : KERF_NOT_FOUND;
    if (index != KERF_NOT_FOUND)
        return &reader->catalog->facts[index];
    kerf_errors_warn(reader->errs, kerf_csv_place(reader->csv, row, reader->type_column),
                     "\"%s\" is none of the types of instance_types.csv; the row is passed over", text);
    return NULL;
}

static enum kerf_status read_zone(const struct price_reader *reader, uint32_t row, uint32_t *out_zone_index)
{
    const char *text = kerf_csv_text(reader->csv, row, reader->zone_column);
    *out_zone_index = kerf_catalog_zone_index(reader->catalog, kerf_name_find(reader->catalog->vocabulary->names, text));
    if (*out_zone_index != KERF_NOT_FOUND)
        return KERF_OK;
    return kerf_errors_add(reader->errs, kerf_csv_place(reader->csv, row, reader->zone_column),
                           "\"%s\" is none of the zones of zones.csv", text);
}

static enum kerf_status read_price(const struct price_reader *reader, uint32_t row, double *out_price)
{
    if (kerf_csv_text(reader->csv, row, reader->price_column)[0] == '\0')
        return kerf_errors_add(reader->errs, kerf_csv_place(reader->csv, row, reader->price_column),
                               "is empty; leave out the row of a type without a price");
    return kerf_csv_read_double(reader->csv, row, reader->price_column, 0, USD_PER_HOUR_MAX, out_price, reader->errs);
}

static enum kerf_status add_twice(const struct price_reader *reader, uint32_t row, const struct kerf_instance_facts *facts)
{
    return kerf_errors_add(reader->errs, kerf_csv_place(reader->csv, row, reader->type_column), "%s stands there twice",
                           facts->name->text);
}

/* ---- zones --------------------------------------------------------------------------------------------------------------- */

static int compare_zones(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_name_compare(((const struct kerf_zone *)a)->name, ((const struct kerf_zone *)b)->name);
}

enum kerf_status kerf_catalog_read_zones(struct kerf_catalog *catalog, const struct kerf_csv *csv, struct kerf_errors *errs)
{
    struct price_reader reader;
    KERF_TRY(open_table(catalog, csv, false, false, true, errs, &reader));
    uint32_t id_column = kerf_csv_find_column(csv, "zone_id");
    struct kerf_names *names = catalog->vocabulary->names;
    for (uint32_t row = 0; row < kerf_csv_row_count(csv); row++) {
        if (!is_of_region(&reader, row))
            continue;
        struct kerf_place place = kerf_csv_place(csv, row, reader.zone_column);
        const char *text = kerf_csv_text(csv, row, reader.zone_column);
        if (text[0] == '\0')
            return kerf_errors_add(errs, place, "is empty; a zone has a name such as us-east-1a");
        kerf_name name = kerf_name_of(names, text);
        if (kerf_catalog_zone_index(catalog, name) != KERF_NOT_FOUND)
            return kerf_errors_add(errs, place, "%s stands there twice", text);
        if (catalog->zone_count == KERF_ZONE_MAX)
            return kerf_errors_add(errs, place, "more than %d zones in a region", KERF_ZONE_MAX);
        const char *id = kerf_csv_text(csv, row, id_column);
        catalog->zones[catalog->zone_count++] = (struct kerf_zone){name, id[0] != '\0' ? kerf_name_of(names, id) : NULL};
    }
    if (catalog->zone_count == 0)
        return kerf_errors_add(errs, kerf_csv_header_place(csv, reader.zone_column), "no zones of region %s",
                               catalog->region->text);
    kerf_sort(catalog->zones, catalog->zone_count, sizeof catalog->zones[0], compare_zones, NULL);
    return KERF_OK;
}

/* ---- prices -------------------------------------------------------------------------------------------------------------- */

/* Karpenter decides with its own list where that differs from what is billed (bare metal: aws-instance-model.md 7). */
static enum kerf_status read_on_demand(struct kerf_catalog *catalog, const struct kerf_csv *csv, bool *out_sold,
                                       struct kerf_errors *errs)
{
    struct price_reader reader;
    KERF_TRY(open_table(catalog, csv, true, true, false, errs, &reader));
    uint32_t karpenter_column = kerf_csv_find_column(csv, "karpenter_usd_per_hour");
    enum kerf_status status = KERF_OK;
    for (uint32_t row = 0; row < kerf_csv_row_count(csv); row++) {
        struct kerf_instance_facts *facts = is_of_region(&reader, row) ? type_of_row(&reader, row) : NULL;
        if (facts == NULL)
            continue;
        double billed = NAN;
        enum kerf_status row_status =
            isnan(facts->billed_usd_per_hour) ? read_price(&reader, row, &billed) : add_twice(&reader, row, facts);
        facts->billed_usd_per_hour = facts->on_demand_usd_per_hour = billed;
        if (row_status == KERF_OK)
            row_status =
                kerf_csv_read_double(csv, row, karpenter_column, 0, USD_PER_HOUR_MAX, &facts->on_demand_usd_per_hour, errs);
        if (row_status != KERF_OK)
            status = row_status;
        out_sold[facts - catalog->facts] = true;
    }
    /* A list of several regions says what is sold where; a list without the column says only what things cost. */
    for (size_t i = 0; i < catalog->facts_count && reader.region_column == KERF_NOT_FOUND; i++)
        out_sold[i] = true;
    return status;
}

static enum kerf_status set_spot_price(const struct price_reader *reader, uint32_t row, struct kerf_instance_facts *facts,
                                       uint32_t first_zone, uint32_t end_zone)
{
    double price = NAN;
    KERF_TRY(read_price(reader, row, &price));
    for (uint32_t zone = first_zone; zone < end_zone; zone++) {
        if (!isnan(facts->spot_usd_per_hour[zone]))
            return add_twice(reader, row, facts);
        facts->spot_usd_per_hour[zone] = price;
    }
    return KERF_OK;
}

static enum kerf_status read_spot(struct kerf_catalog *catalog, const struct kerf_csv *csv, struct kerf_errors *errs)
{
    struct price_reader reader;
    KERF_TRY(open_table(catalog, csv, true, true, false, errs, &reader));
    uint32_t band_column = kerf_csv_find_column(csv, "interruption_band");
    enum kerf_status status = KERF_OK;
    for (uint32_t row = 0; row < kerf_csv_row_count(csv); row++) {
        struct kerf_instance_facts *facts = is_of_region(&reader, row) ? type_of_row(&reader, row) : NULL;
        if (facts == NULL)
            continue;
        uint32_t first_zone = 0;
        uint32_t end_zone = (uint32_t)catalog->zone_count;
        enum kerf_status row_status = KERF_OK;
        if (reader.zone_column != KERF_NOT_FOUND) {
            row_status = read_zone(&reader, row, &first_zone);
            end_zone = first_zone + 1;
        }
        if (row_status == KERF_OK)
            row_status = set_spot_price(&reader, row, facts, first_zone, end_zone);
        int64_t band = facts->advisor_interruption_band;
        if (row_status == KERF_OK)
            row_status = kerf_csv_read_i64(csv, row, band_column, 0, 4, &band, errs);
        facts->advisor_interruption_band = (int32_t)band;
        if (row_status != KERF_OK)
            status = row_status;
    }
    return status;
}

static enum kerf_status read_gaps(struct kerf_catalog *catalog, const struct kerf_csv *csv, struct kerf_errors *errs)
{
    struct price_reader reader;
    KERF_TRY(open_table(catalog, csv, true, false, true, errs, &reader));
    enum kerf_status status = KERF_OK;
    for (uint32_t row = 0; row < kerf_csv_row_count(csv); row++) {
        struct kerf_instance_facts *facts = is_of_region(&reader, row) ? type_of_row(&reader, row) : NULL;
        if (facts == NULL)
            continue;
        uint32_t zone = 0;
        enum kerf_status row_status = read_zone(&reader, row, &zone);
        if (row_status == KERF_OK)
            facts->zone_mask &= ~(1u << zone);
        else
            status = row_status;
    }
    return status;
}

enum kerf_status kerf_catalog_read_prices(struct kerf_catalog *catalog, const struct kerf_catalog_tables *tables, bool *out_sold,
                                          struct kerf_errors *errs)
{
    enum kerf_status status = read_on_demand(catalog, tables->on_demand_prices, out_sold, errs);
    for (size_t i = 0; i < catalog->facts_count; i++)
        catalog->facts[i].zone_mask = out_sold[i] ? (1u << catalog->zone_count) - 1 : 0;
    enum kerf_status spot_status = read_spot(catalog, tables->spot_prices, errs);
    enum kerf_status gap_status = tables->zone_gaps != NULL ? read_gaps(catalog, tables->zone_gaps, errs) : KERF_OK;
    if (status == KERF_OK)
        status = spot_status != KERF_OK ? spot_status : gap_status;
    return status;
}
