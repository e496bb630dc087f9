/**
 * go_sort: the unstable sort of Go's standard library (pattern-defeating quicksort as in Go 1.24 and later), since Karpenter
 * looks through its in-flight claims in the order that this sort leaves among equal ones. karpenter-provisioning.md appendix A.
 * Ranges are half open; less compares keys only.
 */
#include "provisioning/provisioning_internal.h"

struct sequence {
    uint32_t *keys;
    uint32_t *items;
};

enum hint { HINT_UNKNOWN, HINT_INCREASING, HINT_DECREASING };
enum { INSERTION_LENGTH_MAX = 12, NINTHER_LENGTH_MIN = 50, PARTIAL_STEPS_MAX = 5, EXCHANGES_MAX = 12 };

static bool less(const struct sequence *s, size_t i, size_t j)
{
    return s->keys[i] < s->keys[j];
}

static void swap(struct sequence *s, size_t i, size_t j)
{
    uint32_t key = s->keys[i];
    s->keys[i] = s->keys[j];
    s->keys[j] = key;
    uint32_t item = s->items[i];
    s->items[i] = s->items[j];
    s->items[j] = item;
}

static void insertion_sort(struct sequence *s, size_t a, size_t b)
{
    for (size_t i = a + 1; i < b; i++)
        for (size_t j = i; j > a && less(s, j, j - 1); j--)
            swap(s, j, j - 1);
}

static void sift_down(struct sequence *s, size_t root, size_t length, size_t first)
{
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= length)
            return;
        if (child + 1 < length && less(s, first + child, first + child + 1))
            child++;
        if (!less(s, first + root, first + child))
            return;
        swap(s, first + root, first + child);
        root = child;
    }
}

static void heap_sort(struct sequence *s, size_t a, size_t b)
{
    size_t length = b - a;
    for (size_t i = (length - 1) / 2 + 1; i-- > 0;)
        sift_down(s, i, length, a);
    for (size_t i = length; i-- > 0;) {
        swap(s, a, a + i);
        sift_down(s, 0, i, a);
    }
}

/* Moves some elements about, by a generator that always starts the same, to break patterns that unbalance the partition. */
static void break_patterns(struct sequence *s, size_t a, size_t b)
{
    size_t length = b - a;
    if (length < 8)
        return;
    uint64_t random = length;
    uint64_t modulus = 1;
    while (modulus <= length)
        modulus *= 2;
    size_t index = a + length / 4 * 2 - 1;
    for (size_t i = 0; i < 3; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t other = (size_t)(random & (modulus - 1));
        if (other >= length)
            other -= length;
        swap(s, index + i, a + other);
    }
}

/* The middle of three positions by their keys; counts the exchanges that sorting them would take. */
static size_t median(const struct sequence *s, size_t x, size_t y, size_t z, unsigned *exchanges)
{
    size_t other;
    if (less(s, y, x)) {
        (*exchanges)++;
        other = x;
        x = y;
        y = other;
    }
    if (less(s, z, y)) {
        (*exchanges)++;
        other = y;
        y = z;
        z = other;
    }
    if (less(s, y, x)) {
        (*exchanges)++;
        y = x;
    }
    return y;
}

static size_t choose_pivot(const struct sequence *s, size_t a, size_t b, enum hint *out_hint)
{
    size_t length = b - a;
    size_t quarter = length / 4;
    size_t i = a + quarter;
    size_t j = a + quarter * 2;
    size_t k = a + quarter * 3;
    unsigned exchanges = 0;
    if (length >= 8) {
        if (length >= NINTHER_LENGTH_MIN) {
            i = median(s, i - 1, i, i + 1, &exchanges);
            j = median(s, j - 1, j, j + 1, &exchanges);
            k = median(s, k - 1, k, k + 1, &exchanges);
        }
        j = median(s, i, j, k, &exchanges);
    }
    *out_hint = exchanges == 0 ? HINT_INCREASING : exchanges == EXCHANGES_MAX ? HINT_DECREASING : HINT_UNKNOWN;
    return j;
}

/* Sorts what is nearly sorted with a few moves; false: it was not. */
static bool partial_insertion_sort(struct sequence *s, size_t a, size_t b)
{
    size_t i = a + 1;
    for (int step = 0; step < PARTIAL_STEPS_MAX; step++) {
        while (i < b && !less(s, i, i - 1))
            i++;
        if (i == b)
            return true;
        if (b - a < NINTHER_LENGTH_MIN)
            return false;
        swap(s, i, i - 1);
        if (i - a >= 2)
            for (size_t j = i - 1; j >= 1 && less(s, j, j - 1); j--)
                swap(s, j, j - 1);
        if (b - i >= 2)
            for (size_t j = i + 1; j < b && less(s, j, j - 1); j++)
                swap(s, j, j - 1);
    }
    return false;
}

/* Smaller than the pivot to its left, the others to its right; the pivot's new place. */
static size_t partition(struct sequence *s, size_t a, size_t b, size_t pivot, bool *out_partitioned)
{
    swap(s, a, pivot);
    size_t i = a + 1;
    size_t j = b - 1;
    while (i <= j && less(s, i, a))
        i++;
    while (i <= j && !less(s, j, a))
        j--;
    *out_partitioned = i > j;
    while (i <= j) {
        swap(s, i, j);
        i++;
        j--;
        while (i <= j && less(s, i, a))
            i++;
        while (i <= j && !less(s, j, a))
            j--;
    }
    swap(s, j, a);
    return j;
}

/* Equal to the pivot to the left, greater to the right; where the greater ones begin. */
static size_t partition_equal(struct sequence *s, size_t a, size_t b, size_t pivot)
{
    swap(s, a, pivot);
    size_t i = a + 1;
    size_t j = b - 1;
    for (;;) {
        while (i <= j && !less(s, a, i))
            i++;
        while (i <= j && less(s, a, j))
            j--;
        if (i > j)
            return i;
        swap(s, i, j);
        i++;
        j--;
    }
}

static void pattern_defeating_sort(struct sequence *s, size_t a, size_t b, unsigned limit)
{
    bool balanced = true;
    bool partitioned = true;
    for (;;) {
        size_t length = b - a;
        if (length <= INSERTION_LENGTH_MAX) {
            insertion_sort(s, a, b);
            return;
        }
        if (limit == 0) {
            heap_sort(s, a, b);
            return;
        }
        if (!balanced) {
            break_patterns(s, a, b);
            limit--;
        }
        enum hint hint;
        size_t pivot = choose_pivot(s, a, b, &hint);
        if (hint == HINT_DECREASING) {
            for (size_t i = a, j = b - 1; i < j; i++, j--)
                swap(s, i, j);
            pivot = (b - 1) - (pivot - a);
            hint = HINT_INCREASING;
        }
        if (balanced && partitioned && hint == HINT_INCREASING && partial_insertion_sort(s, a, b))
            return;
        if (a > 0 && !less(s, a - 1, pivot)) {
            a = partition_equal(s, a, b, pivot);
            continue;
        }
        size_t middle = partition(s, a, b, pivot, &partitioned);
        size_t left = middle - a;
        size_t right = b - middle;
        size_t threshold = length / 8;
        if (left < right) {
            balanced = left >= threshold;
            pattern_defeating_sort(s, a, middle, limit);
            a = middle + 1;
        } else {
            balanced = right >= threshold;
            pattern_defeating_sort(s, middle + 1, b, limit);
            b = middle;
        }
    }
}

void kerf_go_sort(uint32_t *keys, uint32_t *items, size_t count)
{
    unsigned limit = 0;
    for (size_t n = count; n != 0; n >>= 1)
        limit++;
    struct sequence s = {keys, items};
    pattern_defeating_sort(&s, 0, count, limit);
}
