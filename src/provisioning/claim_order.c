/**
 * claim_order: the order in which claims are searched (karpenter-provisioning.md 5.3), kept as Go's unstable sort would leave it,
 * but without sorting. Before each search one number of pods at most has changed, and of such a list the sort (appendix A) is
 * known: up to 12 elements are sorted by insertion; from 50 on, unless the change shows at one of the places where the pivot is
 * looked for, the list counts as nearly sorted, and the one element moves past the smaller ones. The rest is sorted for real.
 */
#include "provisioning/fast_internal.h"

enum { INSERTION_LENGTH_MAX = 12, NEARLY_SORTED_LENGTH_MIN = 50 };

/* The first place at or after `from` whose key is greater than `key`; keys ascend there. */
static size_t end_of(const uint32_t *keys, size_t from, size_t count, uint32_t key)
{
    size_t first = from;
    size_t last = from;
    for (size_t step = 1; last < count && keys[last] <= key; step *= 2) { /* mostly it is near */
        first = last + 1;
        last = last + step < count ? last + step : count;
    }
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (keys[middle] <= key)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

/* Does the choice of the pivot meet the element at `at`, which is greater than the one after it? */
static bool is_seen_by_pivot(size_t count, size_t at)
{
    size_t quarter = count / 4;
    for (size_t i = 1; i <= 3; i++)
        if (at == i * quarter || at + 1 == i * quarter)
            return true;
    return false;
}

bool kerf_claim_order_is_known(size_t count, size_t at)
{
    return count <= INSERTION_LENGTH_MAX || (count >= NEARLY_SORTED_LENGTH_MIN && !is_seen_by_pivot(count, at));
}

size_t kerf_claim_order_end(const uint32_t *keys, size_t count, size_t at)
{
    return end_of(keys, at + 1, count, keys[at]);
}

/* Raised step by step to `key`, does the element pass a place where it would be sorted? `keys` are as they are before. */
static bool is_seen_on_the_way(const uint32_t *keys, size_t count, size_t at, uint32_t key)
{
    for (size_t quarter = 1; quarter <= 3; quarter++) {
        for (size_t before = 0; before <= 1; before++) {
            size_t place = quarter * (count / 4) - before;
            if (place < at || place + 1 >= count)
                continue;
            /* It stands there with as many pods as the one that follows, and is the first of these: so it moves from there. */
            uint32_t next = keys[place + 1];
            if (place == at ? next <= key - 1 : next > keys[at] && next < key && keys[place] < next)
                return true;
        }
    }
    return false;
}

size_t kerf_claim_order_raise_by(uint32_t *keys, uint32_t *items, size_t count, size_t at, uint32_t pods)
{
    uint32_t key = keys[at] + pods;
    bool moves = at + 1 < count && keys[at + 1] < key;
    if (moves && count > INSERTION_LENGTH_MAX &&
        (count < NEARLY_SORTED_LENGTH_MIN || is_seen_on_the_way(keys, count, at, key)))
        return KERF_NOT_FOUND;
    size_t end = moves ? end_of(keys, at + 1, count, key - 1) : at + 1;
    uint32_t item = items[at];
    memmove(&items[at], &items[at + 1], (end - at - 1) * sizeof items[0]);
    memmove(&keys[at], &keys[at + 1], (end - at - 1) * sizeof keys[0]);
    items[end - 1] = item;
    keys[end - 1] = key;
    return end - 1;
}

bool kerf_claim_order_raise(uint32_t *keys, uint32_t *items, size_t count, size_t at)
{
    uint32_t before = keys[at]++;
    if (at + 1 == count || keys[at] <= keys[at + 1])
        return false;
    if (count > INSERTION_LENGTH_MAX && (count < NEARLY_SORTED_LENGTH_MIN || is_seen_by_pivot(count, at))) {
        kerf_go_sort(keys, items, count);
        return true;
    }
    size_t end = end_of(keys, at + 1, count, before);
    uint32_t item = items[at];
    memmove(&items[at], &items[at + 1], (end - at - 1) * sizeof items[0]);
    items[end - 1] = item;
    keys[at] = before;
    keys[end - 1] = before + 1;
    return false;
}

size_t kerf_claim_order_settle_last(uint32_t *keys, uint32_t *items, size_t count)
{
    size_t last = count - 1;
    if (last == 0 || keys[last - 1] <= keys[last])
        return last;
    if (count > INSERTION_LENGTH_MAX && count < NEARLY_SORTED_LENGTH_MIN) {
        kerf_go_sort(keys, items, count);
        return KERF_NOT_FOUND;
    }
    size_t at = end_of(keys, 0, last, keys[last]);
    uint32_t item = items[last];
    memmove(&items[at + 1], &items[at], (last - at) * sizeof items[0]);
    items[at] = item;
    uint32_t key = keys[last];
    memmove(&keys[at + 1], &keys[at], (last - at) * sizeof keys[0]);
    keys[at] = key;
    return at;
}
