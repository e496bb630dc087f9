/** Which known word a mistyped one may have meant. */
#include "base/base.h"

#include <stdlib.h>

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t kerf_edit_distance(const char *a, const char *b, uint32_t limit)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    size_t apart = a_length > b_length ? a_length - b_length : b_length - a_length;
    if (apart >= limit)
        return limit;
    /* Three rows of the table of distances between beginnings of a and b. */
    size_t width = b_length + 1;
    uint32_t *rows = kerf_allocate(kerf_array_bytes(width, 3 * sizeof *rows));
    uint32_t *before = rows, *last = rows + width, *row = rows + 2 * width;
    for (size_t j = 0; j < width; j++)
        last[j] = (uint32_t)j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = (uint32_t)i;
        uint32_t row_min = row[0];
        for (size_t j = 1; j < width; j++) {
            uint32_t distance = min_u32(last[j], row[j - 1]) + 1;
            distance = min_u32(distance, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                distance = min_u32(distance, before[j - 2] + 1);
            row[j] = distance;
            row_min = min_u32(row_min, distance);
        }
        uint32_t *free_row = before;
        before = last;
        last = row;
        row = free_row;
        if (row_min > limit)
            break; /* a swap reaches two rows back, but never lowers the least of a row by more than it added */
    }
    uint32_t distance = min_u32(last[b_length], limit);
    free(rows);
    return distance;
}

const char *kerf_nearest(const char *text, const char *const *candidates, size_t candidate_count)
{
    uint32_t limit = (uint32_t)(min_u32((uint32_t)strlen(text), 300) / 3);
    const char *nearest = NULL;
    uint32_t nearest_distance = limit + 1;
    for (size_t i = 0; i < candidate_count; i++) {
        uint32_t distance = kerf_edit_distance(text, candidates[i], nearest_distance);
        if (distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
