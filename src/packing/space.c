/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "packing/packing_internal.h"

enum { ALIGNMENT = 16 };

static bool round_up_bytes(size_t count, size_t item_bytes, size_t *out_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes) || __builtin_add_overflow(bytes, ALIGNMENT - 1, &bytes))
        return false;
    *out_bytes = bytes / ALIGNMENT * ALIGNMENT;
    return true;
}

void *binpack_space_keep(struct space *space, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (!round_up_bytes(count, item_bytes, &bytes) || bytes > space->bytes - space->front - space->back)
        return NULL;
    void *piece = space->memory + space->front;
    space->front += bytes;
    return memset(piece, 0, bytes);
}

void *binpack_space_scratch(struct space *space, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (!round_up_bytes(count, item_bytes, &bytes) || bytes > space->bytes - space->front - space->back)
        return NULL;
    space->back += bytes;
    return memset(space->memory + space->bytes - space->back, 0, bytes);
}
