/**
 * builtin: the files of instance_catalog/ as the program carries them. The assembler reads them, so that no generated source of
 * a megabyte has to be compiled; the Makefile says that this object depends on them, and is run where their paths hold.
 */
#include "catalog/catalog_internal.h"

#define KERF_EMBED(symbol, path)                                                                                                  \
    __asm__(".pushsection .rodata\n"                                                                                              \
            ".global " #symbol "\n" #symbol ":\n"                                                                                 \
            ".incbin \"" path "\"\n"                                                                                              \
            ".global " #symbol "_end\n" #symbol "_end:\n"                                                                         \
            ".byte 0\n"                                                                                                           \
            ".popsection\n");                                                                                                     \
    extern const char symbol[];                                                                                                   \
    extern const char symbol##_end[]

KERF_EMBED(kerf_embedded_instance_types, "instance_catalog/instance_types.csv");
KERF_EMBED(kerf_embedded_on_demand_prices, "instance_catalog/on_demand_prices.csv");
KERF_EMBED(kerf_embedded_spot_prices, "instance_catalog/spot_prices.csv");
KERF_EMBED(kerf_embedded_zones, "instance_catalog/zones.csv");
KERF_EMBED(kerf_embedded_regions, "instance_catalog/regions.csv");

struct kerf_builtin_file kerf_builtin_file(const char *name)
{
    const struct {
        const char *name;
        const char *first;
        const char *end;
    } files[] = {
        {"instance_types.csv", kerf_embedded_instance_types, kerf_embedded_instance_types_end},
        {"on_demand_prices.csv", kerf_embedded_on_demand_prices, kerf_embedded_on_demand_prices_end},
        {"spot_prices.csv", kerf_embedded_spot_prices, kerf_embedded_spot_prices_end},
        {"zones.csv", kerf_embedded_zones, kerf_embedded_zones_end},
        {"regions.csv", kerf_embedded_regions, kerf_embedded_regions_end},
    };
    size_t i = 0;
    while (i < sizeof files / sizeof files[0] && strcmp(files[i].name, name) != 0)
        i++;
    KERF_ASSERT(i < sizeof files / sizeof files[0]);
    return (struct kerf_builtin_file){files[i].name, files[i].first, (size_t)(files[i].end - files[i].first)};
}
