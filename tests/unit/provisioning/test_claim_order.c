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

/* A claim that gets several pods in a row, against a sort for each. */
static void raise_in_a_row(uint32_t *keys, uint32_t *items, size_t count, size_t at, uint32_t pods)
{
    uint32_t item = items[at];
    for (uint32_t pod = 0; pod < pods; pod++) {
        keys[at]++;
        kerf_go_sort(keys, items, count);
        for (at = 0; items[at] != item;)
            at++;
    }
}

Test(claim_order, of_several_pods_at_once_is_that_of_one_after_the_other)
{
    uint64_t random = 7;
    unsigned known = 0;
    for (unsigned round = 0; round < 4000; round++) {
        uint32_t keys[CLAIMS_MAX], items[CLAIMS_MAX], sorted_keys[CLAIMS_MAX], sorted_items[CLAIMS_MAX];
        random = kerf_hash_mix(random, round);
        size_t count = 1 + random % (round % 2 == 0 ? 70 : CLAIMS_MAX);
        uint32_t steps = (uint32_t)(random >> 20) % 60; /* of 60 claims so many have more pods than the one before */
        for (size_t i = 0; i < count; i++) {
            random = kerf_hash_mix(random, i);
            keys[i] = sorted_keys[i] = i == 0 ? 1 : keys[i - 1] + (random % 60 < steps ? (uint32_t)(random >> 40) % 3 : 0);
            items[i] = sorted_items[i] = (uint32_t)i;
        }
        size_t at = (size_t)(random >> 32) % count;
        uint32_t pods = 1 + (uint32_t)(random >> 8) % 12;
        raise_in_a_row(sorted_keys, sorted_items, count, at, pods);
        size_t place = kerf_claim_order_raise_by(keys, items, count, at, pods);
        if (place == KERF_NOT_FOUND)
            continue;
        known++;
        cr_assert_eq(items[place], at);
        check_same(keys, items, sorted_keys, sorted_items, count, round);
    }
    cr_expect_gt(known, 2000);
}
