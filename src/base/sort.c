/** A stable merge sort. qsort promises nothing for ties and passes no context. */
#include "base/base.h"

#include <stdlib.h>

struct sorting {
    unsigned char *scratch; /* room for half of the items, and at least one */
    size_t item_bytes;
    kerf_compare compare;
    void *context;
};

static void insertion_sort(const struct sorting *sorting, unsigned char *items, size_t count)
{
    size_t size = sorting->item_bytes;
    for (size_t i = 1; i < count; i++) {
        unsigned char *item = items + i * size;
        size_t place = i;
        while (place > 0 && sorting->compare(items + (place - 1) * size, item, sorting->context) > 0)
            place--;
        if (place == i)
            continue;
        memcpy(sorting->scratch, item, size);
        memmove(items + (place + 1) * size, items + place * size, (i - place) * size);
        memcpy(items + place * size, sorting->scratch, size);
    }
}

static void merge_sort(const struct sorting *sorting, unsigned char *items, size_t count)
{
    if (count <= 8) {
        insertion_sort(sorting, items, count);
        return;
    }
    size_t size = sorting->item_bytes;
    size_t left_count = count / 2;
    unsigned char *middle = items + left_count * size;
    unsigned char *end = items + count * size;
    merge_sort(sorting, items, left_count);
    merge_sort(sorting, middle, count - left_count);
    if (sorting->compare(middle - size, middle, sorting->context) <= 0)
        return;
    memcpy(sorting->scratch, items, left_count * size);
    const unsigned char *left = sorting->scratch;
    const unsigned char *left_end = left + left_count * size;
    const unsigned char *right = middle;
    unsigned char *out = items;
    while (left < left_end && right < end) {
        const unsigned char **smaller = sorting->compare(left, right, sorting->context) <= 0 ? &left : &right;
        memmove(out, *smaller, size);
        *smaller += size;
        out += size;
    }
    memcpy(out, left, (size_t)(left_end - left)); /* what is left on the right lies where it belongs */
}

void kerf_sort(void *items, size_t count, size_t item_bytes, kerf_compare compare, void *context)
{
    if (count < 2)
        return;
    size_t half = count / 2 + 1;
    struct sorting sorting = {
        .scratch = kerf_reallocate(NULL, kerf_array_bytes(half, item_bytes)),
        .item_bytes = item_bytes,
        .compare = compare,
        .context = context,
    };
    merge_sort(&sorting, items, count);
    free(sorting.scratch);
}
