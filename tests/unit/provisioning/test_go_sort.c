#include <criterion/criterion.h>
#include <stdlib.h>

#include "provisioning/provisioning_internal.h"

/* The vectors of karpenter-provisioning.md, appendix A: keys, then the original positions in the order that Go's sort leaves. */
static const struct {
    uint32_t keys[60];
    size_t count;
    uint32_t order[60];
} rows[] = {
    {{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1}, 13, {12, 6, 2, 3, 4, 5, 0, 7, 8, 9, 10, 11, 1}},
    {{2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 14, {6, 12, 2, 3, 4, 5, 8, 13, 1, 9, 10, 11, 7, 0}},
    {{1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1}, 14, {9, 12, 2, 3, 4, 5, 8, 13, 1, 0, 10, 11, 7, 6}},
    {{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1}, 16, {15, 8, 11, 3, 4, 5, 6, 2, 9, 7, 10, 0, 12, 13, 14, 1}},
    {{5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 5, 4, 3, 2, 1}, 15, {4, 14, 9, 3, 8, 13, 7, 2, 12, 6, 11, 1, 0, 5, 10}},
};

static void sort_positions(uint32_t *keys, size_t count, uint32_t *out_order)
{
    for (size_t i = 0; i < count; i++)
        out_order[i] = (uint32_t)i;
    kerf_go_sort(keys, out_order, count);
}

Test(go_sort, leaves_equal_keys_as_go_does)
{
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        uint32_t keys[60], order[60];
        memcpy(keys, rows[row].keys, sizeof keys);
        sort_positions(keys, rows[row].count, order);
        for (size_t i = 0; i < rows[row].count; i++)
            cr_expect_eq(order[i], rows[row].order[i], "row %zu, place %zu: %u", row, i, order[i]);
    }
}

Test(go_sort, keeps_equal_keys_in_place)
{
    for (size_t count = 0; count < 100; count++) {
        uint32_t keys[100], order[100];
        for (size_t i = 0; i < count; i++)
            keys[i] = 7;
        sort_positions(keys, count, order);
        for (size_t i = 0; i < count; i++)
            cr_expect_eq(order[i], i);
    }
}

Test(go_sort, reverses_a_falling_row)
{
    uint32_t keys[20], order[20];
    for (uint32_t i = 0; i < 20; i++)
        keys[i] = 20 - i;
    sort_positions(keys, 20, order);
    for (uint32_t i = 0; i < 20; i++)
        cr_expect_eq(order[i], 19 - i);
}

Test(go_sort, moves_one_late_element_forward)
{
    uint32_t keys[60], order[60];
    for (uint32_t i = 0; i < 60; i++)
        keys[i] = i < 40 ? 1 : 2;
    keys[59] = 1;
    sort_positions(keys, 60, order);
    for (uint32_t i = 0; i < 60; i++)
        cr_expect_eq(order[i], i < 40 ? i : i == 40 ? 59 : i - 1);
}

Test(go_sort, sorts)
{
    uint64_t random = 12345;
    for (int round = 0; round < 500; round++) {
        uint32_t keys[100], order[100];
        size_t count = (size_t)round % 100 + 1;
        for (size_t i = 0; i < count; i++) {
            random = kerf_hash_mix(random, i);
            keys[i] = (uint32_t)(random % 9);
        }
        sort_positions(keys, count, order);
        for (size_t i = 1; i < count; i++)
            cr_assert(keys[i - 1] <= keys[i]);
    }
}
