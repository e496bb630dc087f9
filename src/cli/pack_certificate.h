/**
 * A packing and the proof of its bound as a file, and back: tab-separated lines, the first word says what a line holds.
 *
 *   kerf.certificate/v1
 *   cost COST, bins COUNT, bound BOUND, scale SCALE, search LOOKS      one line each
 *   item NAME VALUE UNPLACED             what an item is worth, in 1/SCALE of a price unit; items left over
 *   type NAME RENT SHARE...              a share a resource, in the order of the items' columns
 *   pattern TYPE COUNT ITEM COUNT ...    so many bins with so many of each item
 */
#ifndef KERF_CLI_PACK_CERTIFICATE_H
#define KERF_CLI_PACK_CERTIFICATE_H

#include <stdbool.h>

#include "binpack/binpack.h"
#include "kerf/pack_input.h"

/** False, with a message in errs, when the file cannot be written. */
bool kerf_pack_certificate_write(const char *path, const struct kerf_pack_input *input, const struct binpack_plan *plan,
                                 const struct binpack_bound *bound, struct kerf_errors *errs);

/** What was read; its arrays are the reader's own. */
struct kerf_pack_certificate {
    struct binpack_plan plan;
    struct binpack_bound bound;
    void *memory[6];
};

KERF_MUST_CHECK enum kerf_status kerf_pack_certificate_read(const char *path, const struct kerf_pack_input *input,
                                                            struct kerf_pack_certificate *out_certificate,
                                                            struct kerf_errors *errs);
void kerf_pack_certificate_free(struct kerf_pack_certificate *certificate);

#endif
