#include <criterion/criterion.h>

#include "provisioning/fast_internal.h"

/* Whatever happens to a list of claims one step at a time, the order is that of Go's sort before each search. */
enum { CLAIMS_MAX = 400 };

static void check_same(const uint32_t *keys, const uint32_t *items, const uint32_t *sorted_keys, const uint32_t *sorted_items,
                       size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(keys[i], sorted_keys[i], "seed %" PRIu64 ", %zu claims, place %zu", seed, count, i);
        cr_assert_eq(items[i], sorted_items[i], "seed %" PRIu64 ", %zu claims, place %zu", seed, count, i);
    }
}

static void follow(uint64_t seed, uint32_t claims_percent, uint32_t front_percent)
{
    uint32_t keys[CLAIMS_MAX], items[CLAIMS_MAX], sorted_keys[CLAIMS_MAX], sorted_items[CLAIMS_MAX];
    size_t count = 0;
    uint64_t random = seed;
    for (int step = 0; step < 6000; step++) {
        random = kerf_hash_mix(random, (uint64_t)step);
        if (count == 0 || (count < CLAIMS_MAX && random % 100 < claims_percent)) {
            keys[count] = sorted_keys[count] = 1;
            items[count] = sorted_items[count] = (uint32_t)count;
            count++;
            kerf_claim_order_settle_last(keys, items, count);
        } else {
            bool front = random / 100 % 100 < front_percent;
            size_t at = front ? 0 : (size_t)(random / 10000 % count);
            sorted_keys[at]++;
            kerf_claim_order_raise(keys, items, count, at);
        }
        kerf_go_sort(sorted_keys, sorted_items, count);
        check_same(keys, items, sorted_keys, sorted_items, count, seed);
    }
}

Test(claim_order, is_that_of_the_sort)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        follow(seed, 10, 0);
        follow(seed, 10, 90);
        follow(seed, 1, 50);
        follow(seed, 30, 30);
    }
}
