#include "stats/stats.h"

#include <math.h>
#include <stdlib.h>

/*
 * Octaves of 128 bins. The first holds 0..127, octave i > 0 holds the values with highest bit i + 6, in steps of 2^(i - 1).
 * An octave takes its kilobyte when its first value comes.
 */
#define BIN_BITS 7
#define BINS (1 << BIN_BITS)
#define OCTAVES (63 - BIN_BITS + 1)

struct kerf_quantiles {
    uint64_t count;
    kerf_i128 sum;
    int64_t maximum;
    uint64_t *octaves[OCTAVES];
    uint64_t octave_counts[OCTAVES];
};

struct kerf_quantiles *kerf_quantiles_new(void)
{
    return kerf_allocate(sizeof(struct kerf_quantiles));
}

void kerf_quantiles_free(struct kerf_quantiles *quantiles)
{
    if (quantiles == NULL)
        return;
    for (size_t i = 0; i < OCTAVES; i++)
        free(quantiles->octaves[i]);
    free(quantiles);
}

void kerf_quantiles_clear(struct kerf_quantiles *quantiles)
{
    for (size_t i = 0; i < OCTAVES; i++) {
        if (quantiles->octaves[i] != NULL)
            memset(quantiles->octaves[i], 0, BINS * sizeof(uint64_t));
        quantiles->octave_counts[i] = 0;
    }
    quantiles->count = 0;
    quantiles->sum = 0;
    quantiles->maximum = 0;
}

static uint64_t *octave_of(struct kerf_quantiles *quantiles, unsigned octave)
{
    if (quantiles->octaves[octave] == NULL)
        quantiles->octaves[octave] = kerf_allocate(BINS * sizeof(uint64_t));
    return quantiles->octaves[octave];
}

void kerf_quantiles_add(struct kerf_quantiles *quantiles, int64_t value)
{
    const uint64_t v = value > 0 ? (uint64_t)value : 0;
    const unsigned octave = v < BINS ? 0 : 63 - (unsigned)__builtin_clzll(v) - (BIN_BITS - 1);
    const unsigned shift = octave > 1 ? octave - 1 : 0;
    octave_of(quantiles, octave)[v >> shift & (BINS - 1)]++;
    quantiles->octave_counts[octave]++;
    quantiles->count++;
    quantiles->sum += v;
    if ((int64_t)v > quantiles->maximum)
        quantiles->maximum = (int64_t)v;
}

void kerf_quantiles_merge(struct kerf_quantiles *quantiles, const struct kerf_quantiles *other)
{
    for (unsigned i = 0; i < OCTAVES; i++) {
        if (other->octave_counts[i] == 0)
            continue;
        uint64_t *bins = octave_of(quantiles, i);
        for (size_t j = 0; j < BINS; j++)
            bins[j] += other->octaves[i][j];
        quantiles->octave_counts[i] += other->octave_counts[i];
    }
    quantiles->count += other->count;
    quantiles->sum += other->sum;
    if (other->maximum > quantiles->maximum)
        quantiles->maximum = other->maximum;
}

uint64_t kerf_quantiles_count(const struct kerf_quantiles *quantiles)
{
    return quantiles->count;
}

/* The greatest value of a bin. */
static int64_t upper_edge(unsigned octave, unsigned bin)
{
    if (octave == 0)
        return bin;
    const unsigned shift = octave - 1;
    return (int64_t)(((uint64_t)(BINS + bin) << shift) + (((uint64_t)1 << shift) - 1));
}

int64_t kerf_quantiles_at(const struct kerf_quantiles *quantiles, double probability)
{
    KERF_ASSERT(probability >= 0.0);
    KERF_ASSERT(probability <= 1.0);
    if (quantiles->count == 0)
        return 0;
    /* The nearest rank; what is taken off keeps 0.07 x 100 = 7.000000000000001 at rank 7. */
    const double count = (double)quantiles->count;
    const double rank_wanted = fmax(1.0, ceil(probability * count - 1e-12 * count));
    uint64_t rank = rank_wanted < count ? (uint64_t)rank_wanted : quantiles->count;
    for (unsigned i = 0; i < OCTAVES; i++) {
        if (rank > quantiles->octave_counts[i]) {
            rank -= quantiles->octave_counts[i];
            continue;
        }
        unsigned j = 0;
        for (; rank > quantiles->octaves[i][j]; j++)
            rank -= quantiles->octaves[i][j];
        return kerf_min_i64(upper_edge(i, j), quantiles->maximum);
    }
    return quantiles->maximum;
}

double kerf_quantiles_mean(const struct kerf_quantiles *quantiles)
{
    return quantiles->count == 0 ? 0.0 : (double)quantiles->sum / (double)quantiles->count;
}

int64_t kerf_quantiles_maximum(const struct kerf_quantiles *quantiles)
{
    return quantiles->maximum;
}
