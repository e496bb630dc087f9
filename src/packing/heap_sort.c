/* SPDX-License-Identifier: MIT */
/* The C library's qsort may allocate; this sort needs no memory. Every order here is total, so stability is no matter. */
#include <string.h>

#include "packing/packing_internal.h"

enum { ITEM_BYTES_MAX = 64 };

static void swap_items(unsigned char *a, unsigned char *b, size_t item_bytes)
{
    unsigned char held[ITEM_BYTES_MAX];
    memcpy(held, a, item_bytes);
    memcpy(a, b, item_bytes);
    memcpy(b, held, item_bytes);
}

static void sift_down(unsigned char *items, size_t root, size_t count, size_t item_bytes,
                      int (*compare)(const void *, const void *))
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count)
            return;
        if (child + 1 < count && compare(items + child * item_bytes, items + (child + 1) * item_bytes) < 0)
            child++;
        if (compare(items + root * item_bytes, items + child * item_bytes) >= 0)
            return;
        swap_items(items + root * item_bytes, items + child * item_bytes, item_bytes);
        root = child;
    }
}

void binpack_sort(void *items, size_t count, size_t item_bytes, int (*compare)(const void *, const void *))
{
    unsigned char *bytes = items;
    for (size_t root = count / 2; root-- > 0;)
        sift_down(bytes, root, count, item_bytes, compare);
    for (size_t end = count; end-- > 1;) {
        swap_items(bytes, bytes + end * item_bytes, item_bytes);
        sift_down(bytes, 0, end, item_bytes, compare);
    }
}
