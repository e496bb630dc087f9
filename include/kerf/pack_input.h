/**
 * kerf/pack_input: what `kerf pack` reads, as plain arrays: items and priced bins from two tables (tab-separated, a header row,
 * columns by name in any order), or from one .vbp file (VPSolver's form: one bin type of price 1). Packing them is for binpack.
 *
 * Items: `name` (may be absent: item-1, item-2 ...), `count` (absent: 1), `conflicts` (absent or empty: none; names, separated by commas,
 * of items that may not lie in one bin with these), and a column a resource. Bins: `name` (may be absent:
 * bin-1 ...), `price`, `limit` (absent or empty: any number), and the same resources. All numbers are integers >= 0.
 */
#ifndef KERF_PACK_INPUT_H
#define KERF_PACK_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "kerf/status.h"

enum { KERF_PACK_RESOURCES_MAX = 16 };

/** Owns its arrays and texts; free with kerf_pack_input_free. */
struct kerf_pack_input {
    size_t resource_count;
    const char **resource_names;
    size_t item_count;
    const char **item_names; /* all different */
    int64_t *item_counts;
    int64_t *item_demands; /* item * resource_count + resource */
    uint64_t **item_conflicts; /* by item: a bit for each item; NULL: names none */
    size_t bin_count;
    const char **bin_names; /* all different */
    int64_t *bin_prices;
    int64_t *bin_limits;     /* INT64_MAX: any number */
    int64_t *bin_capacities; /* bin * resource_count + resource */
    struct kerf_pack_input_memory *memory;
};

/** `-` for one of the paths is standard input. Errors name file, line and column; several are reported. */
KERF_MUST_CHECK enum kerf_status kerf_pack_input_read_tables(const char *items_path, const char *bins_path,
                                                             struct kerf_pack_input *out_input, struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_pack_input_read_vbp(const char *path, struct kerf_pack_input *out_input,
                                                          struct kerf_errors *errs);

/** The same from memory; the names are for messages. */
KERF_MUST_CHECK enum kerf_status kerf_pack_input_read_table_bytes(const char *items_name, const void *items, size_t items_length,
                                                                  const char *bins_name, const void *bins, size_t bins_length,
                                                                  struct kerf_pack_input *out_input, struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_pack_input_read_vbp_bytes(const char *name, const void *bytes, size_t length,
                                                                struct kerf_pack_input *out_input, struct kerf_errors *errs);

void kerf_pack_input_free(struct kerf_pack_input *input);

#endif
