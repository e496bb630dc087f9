/** unavailable: the list of `--unavailable`, offerings that are out of capacity. */
#include <stdlib.h>

#include "catalog/catalog_internal.h"

static const char expected[] = "capacityType:type:zone, with * for any type or zone";

static enum kerf_status refuse(const char *entry, size_t length, const char *why, struct kerf_place place,
                               struct kerf_errors *errs)
{
    return kerf_errors_add(errs, place, "\"%.*s\": %s (expected %s)", (int)length, entry, why, expected);
}

/* The name between two separators, if anybody knows it. */
static kerf_name part_name(const struct kerf_catalog *catalog, const char *bytes, size_t length)
{
    char *text = kerf_allocate(length + 1);
    memcpy(text, bytes, length);
    kerf_name name = kerf_name_find(catalog->vocabulary->names, text);
    free(text);
    return name;
}

static bool is_star(const char *bytes, size_t length)
{
    return length == 1 && bytes[0] == '*';
}

static enum kerf_status mark_entry(const struct kerf_catalog *catalog, const char *entry, size_t length, uint64_t *bits,
                                   struct kerf_place place, struct kerf_errors *errs)
{
    const char *first_colon = memchr(entry, ':', length);
    if (first_colon == NULL)
        return refuse(entry, length, "is no offering", place, errs);
    size_t rest = length - (size_t)(first_colon + 1 - entry);
    const char *second_colon = memchr(first_colon + 1, ':', rest);
    if (second_colon == NULL)
        return refuse(entry, length, "is no offering", place, errs);
    const char *zone_text = second_colon + 1;
    size_t zone_length = length - (size_t)(zone_text - entry);
    size_t type_length = (size_t)(second_colon - first_colon - 1);

    kerf_name word = part_name(catalog, entry, (size_t)(first_colon - entry));
    const struct kerf_vocabulary *vocabulary = catalog->vocabulary;
    enum kerf_capacity_type capacity_type = kerf_capacity_type_of_label(vocabulary, word);
    if (capacity_type == KERF_CAPACITY_TYPE_COUNT)
        return refuse(entry, length, "the capacity type is neither on-demand nor spot nor reserved", place, errs);

    uint32_t type_first = 0;
    uint32_t type_end = (uint32_t)catalog->type_count;
    if (!is_star(first_colon + 1, type_length)) {
        const struct kerf_instance_facts *facts = kerf_catalog_find(catalog, part_name(catalog, first_colon + 1, type_length));
        if (facts == NULL)
            return refuse(entry, length, "the catalogue has no such instance type", place, errs);
        type_first = facts->index;
        type_end = type_first + 1;
    }
    uint32_t zone_first = 0;
    uint32_t zone_end = (uint32_t)catalog->zone_count;
    if (!is_star(zone_text, zone_length)) {
        zone_first = kerf_catalog_zone_index(catalog, part_name(catalog, zone_text, zone_length));
        if (zone_first == KERF_NOT_FOUND)
            return refuse(entry, length, "the region has no such zone", place, errs);
        zone_end = zone_first + 1;
    }
    for (uint32_t type = type_first; type < type_end; type++)
        for (uint32_t zone = zone_first; zone < zone_end; zone++)
            kerf_bit_set(bits, kerf_catalog_offering_index(catalog, type, zone, capacity_type));
    return KERF_OK;
}

enum kerf_status kerf_catalog_mark_unavailable(const struct kerf_catalog *catalog, const char *list, uint64_t *bits,
                                               struct kerf_place place, struct kerf_errors *errs)
{
    enum kerf_status status = KERF_OK;
    for (const char *entry = list;; entry++) {
        size_t length = strcspn(entry, ",");
        enum kerf_status entry_status = mark_entry(catalog, entry, length, bits, place, errs);
        if (entry_status != KERF_OK)
            status = entry_status;
        entry += length;
        if (*entry == '\0')
            return status;
    }
}
