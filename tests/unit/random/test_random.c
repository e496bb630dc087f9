#include "random/random_internal.h"

#include <criterion/criterion.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

static struct kerf_stream stream_of(uint64_t owner)
{
    return kerf_stream_open(42, 0, KERF_PURPOSE_TEST, owner);
}

/* ---- the generator --------------------------------------------------------------------------------------------------------- */

/* Published test vectors of philox2x64-10: all bits clear, all set, digits of pi. */
Test(random, philox_agrees_with_its_authors)
{
    static const struct {
        uint64_t counter[2];
        uint64_t key;
        uint64_t want[2];
    } rows[] = {
        {{0, 0}, 0, {0xca00a0459843d731, 0x66c24222c9a845b5}},
        {{UINT64_MAX, UINT64_MAX}, UINT64_MAX, {0x65b021d60cd8310f, 0x4d02f3222f86df20}},
        {{0x243f6a8885a308d3, 0x13198a2e03707344}, 0xa4093822299f31d0, {0x0a5e742c2997341c, 0xb0f883d38000de5d}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct kerf_philox_block got =
            kerf_philox((struct kerf_philox_block){{rows[i].counter[0], rows[i].counter[1]}}, rows[i].key);
        cr_expect_eq(got.word[0], rows[i].want[0]);
        cr_expect_eq(got.word[1], rows[i].want[1]);
    }
}

/* What a seed means may not change unseen: every recorded result hangs on it. */
Test(random, draws_are_pinned)
{
    struct kerf_stream stream = kerf_stream_open(1, 2, KERF_PURPOSE_BOOT, kerf_hash_text("default-x7k2p"));
    cr_expect_eq(stream.key, 0x9db15d4a487d912fu);
    cr_expect_eq(kerf_draw_u64(&stream), 0x2af4549f9bf8be58u);
    cr_expect_eq(kerf_draw_below(&stream, 1000), 793);
    cr_expect_eq(kerf_draw_uniform(&stream), 0x1.f8684e8bb1164p-3);
    cr_expect_eq(kerf_draw_exponential(&stream, 3.0), 0x1.4c2b83c3c62d4p+0);
    cr_expect_eq(kerf_draw_normal(&stream, 1.0, 2.0), 0x1.23a5752d9e93cp+0);
    cr_expect_eq(kerf_draw_lognormal(&stream, 3.064, 0.155), 0x1.8b6b55d46fe77p+4);
    cr_expect_eq(kerf_draw_gamma(&stream, 0.7, 2.0), 0x1.0f28c0c9fb7aap-1);
    cr_expect_eq(kerf_draw_gamma(&stream, 40.0, 2.0), 0x1.063b72f13b865p+6);
    cr_expect_eq(kerf_draw_poisson(&stream, 3.5), 5);
    cr_expect_eq(kerf_draw_poisson(&stream, 400.0), 379);
    cr_expect_eq(kerf_draw_poisson(&stream, 1e6), 1001134);
    cr_expect_eq(kerf_draw_exponential_us(&stream, KERF_HOUR_US), 434614609);
    cr_expect_eq(kerf_draw_lognormal_us(&stream, 3.109, 0.218), 17573641);
}

/* The pinned draws would not show a compiler that folds or contracts in rare cases; a hash over many does. */
Test(random, samplers_give_the_same_bytes_everywhere)
{
    struct kerf_stream stream = stream_of(99);
    uint64_t hash = 0;
    for (int i = 0; i < 20000; i++) {
        double values[3];
        values[0] = kerf_draw_exponential(&stream, 0.3 + i);
        values[1] = kerf_draw_normal(&stream, 0.1, 1.7);
        values[2] = kerf_draw_lognormal(&stream, 0.3, 2.0);
        hash = kerf_hash_mix(hash, kerf_hash_bytes(values, sizeof values));
    }
    for (int i = 0; i < 1000; i++) {
        const double value = kerf_draw_gamma(&stream, 0.1 + i * 0.37, 1.0);
        hash = kerf_hash_mix(hash, kerf_hash_bytes(&value, sizeof value));
        hash = kerf_hash_mix(hash, kerf_draw_poisson(&stream, i * 1.3));
    }
    cr_expect_eq(hash, 0x285f8826416caedfu, "0x%016" PRIx64, hash);
}

/* Flipping any one bit of key or counter flips each output bit in about half of the cases. */
Test(random, avalanche)
{
    enum { SAMPLES = 400 };
    struct kerf_stream inputs = stream_of(1);
    for (unsigned bit = 0; bit < 128; bit++) {
        int flips[64] = {0};
        for (int i = 0; i < SAMPLES; i++) {
            struct kerf_stream stream = {.key = kerf_draw_u64(&inputs), .counter = kerf_draw_u64(&inputs)};
            struct kerf_stream other = stream;
            if (bit < 64)
                other.key ^= (uint64_t)1 << bit;
            else
                other.counter ^= (uint64_t)1 << (bit - 64);
            const uint64_t difference = kerf_draw_u64(&stream) ^ kerf_draw_u64(&other);
            for (unsigned j = 0; j < 64; j++)
                flips[j] += (int)(difference >> j & 1);
        }
        for (unsigned j = 0; j < 64; j++) /* 5.5 deviations of a fair coin; 8192 bits are looked at */
            cr_assert_lt(abs(flips[j] - SAMPLES / 2), 55, "input bit %u, output bit %u: %d of %d", bit, j, flips[j], SAMPLES);
    }
}

static double chi_square(const uint64_t *counts, size_t bins, double expected)
{
    double sum = 0.0;
    for (size_t i = 0; i < bins; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return sum;
}

/* Within the central 99.98 % of the chi-square distribution, by its normal approximation. */
static void expect_uniform(const uint64_t *counts, size_t bins, double expected, const char *what)
{
    const double degrees = (double)(bins - 1);
    const double z = (chi_square(counts, bins, expected) - degrees) / sqrt(2.0 * degrees);
    cr_expect_lt(fabs(z), 3.9, "%s: z = %.2f", what, z);
}

Test(random, uniform_in_a_stream_and_across_streams)
{
    enum { BINS = 256, DRAWS = 256000 };
    uint64_t top[BINS] = {0};
    uint64_t low[BINS] = {0};
    uint64_t across[BINS] = {0};
    uint64_t pairs[BINS] = {0};
    struct kerf_stream stream = stream_of(2);
    uint64_t last = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        const uint64_t word = kerf_draw_u64(&stream);
        top[word >> 56]++;
        low[word & 255]++;
        pairs[(word >> 60) << 4 | last >> 60]++;
        last = word;
        struct kerf_stream other = stream_of(i); /* neighbouring owners, first draw */
        across[kerf_draw_u64(&other) >> 56]++;
    }
    expect_uniform(top, BINS, DRAWS / BINS, "top byte");
    expect_uniform(low, BINS, DRAWS / BINS, "low byte");
    expect_uniform(pairs, BINS, DRAWS / BINS, "successive draws");
    expect_uniform(across, BINS, DRAWS / BINS, "neighbouring owners");
}

static double correlation(struct kerf_stream a, struct kerf_stream b)
{
    enum { DRAWS = 20000 };
    double sum = 0.0;
    for (int i = 0; i < DRAWS; i++)
        sum += (kerf_draw_uniform(&a) - 0.5) * (kerf_draw_uniform(&b) - 0.5);
    return sum * 12.0 / DRAWS;
}

Test(random, neighbouring_streams_are_independent)
{
    const double limit = 4.5 / sqrt(20000.0);
    for (uint64_t i = 0; i < 32; i++) {
        const struct kerf_stream stream = kerf_stream_open(i, 0, KERF_PURPOSE_TEST, i);
        cr_expect_lt(fabs(correlation(stream, kerf_stream_open(i + 1, 0, KERF_PURPOSE_TEST, i))), limit, "seed");
        cr_expect_lt(fabs(correlation(stream, kerf_stream_open(i, 1, KERF_PURPOSE_TEST, i))), limit, "replication");
        cr_expect_lt(fabs(correlation(stream, kerf_stream_open(i, 0, KERF_PURPOSE_ARRIVAL, i))), limit, "purpose");
        cr_expect_lt(fabs(correlation(stream, kerf_stream_open(i, 0, KERF_PURPOSE_TEST, i + 1))), limit, "owner");
        cr_expect_lt(fabs(correlation(stream, (struct kerf_stream){.key = stream.key, .counter = 1})), limit, "lag");
        cr_expect_lt(fabs(correlation(stream, (struct kerf_stream){.key = stream.key ^ (uint64_t)1 << i})), limit, "key bit");
    }
}

Test(random, parts_of_a_name_are_not_interchangeable)
{
    const uint64_t key = kerf_stream_open(1, 2, KERF_PURPOSE_TEST, 3).key;
    cr_expect_neq(key, kerf_stream_open(2, 1, KERF_PURPOSE_TEST, 3).key);
    cr_expect_neq(key, kerf_stream_open(3, 2, KERF_PURPOSE_TEST, 1).key);
    cr_expect_neq(kerf_stream_open(0, 0, KERF_PURPOSE_TEST, 0).key, kerf_stream_open(0, 1, KERF_PURPOSE_TEST, 0).key);
}

/* ---- simple draws ---------------------------------------------------------------------------------------------------------- */

Test(random, below_covers_its_range_evenly)
{
    enum { BOUND = 7, DRAWS = 70000 };
    uint64_t counts[BOUND] = {0};
    struct kerf_stream stream = stream_of(3);
    for (int i = 0; i < DRAWS; i++)
        counts[kerf_draw_below(&stream, BOUND)]++;
    expect_uniform(counts, BOUND, DRAWS / BOUND, "below 7");
    cr_expect_eq(kerf_draw_below(&stream, 1), 0);
    for (int i = 0; i < 100; i++)
        cr_expect_lt(kerf_draw_below(&stream, UINT64_MAX), UINT64_MAX);
}

Test(random, chance_takes_one_draw_whatever_the_probability)
{
    struct kerf_stream stream = stream_of(4);
    for (int i = 0; i < 1000; i++) {
        cr_expect(!kerf_draw_chance(&stream, 0.0));
        cr_expect(kerf_draw_chance(&stream, 1.0));
    }
    cr_expect_eq(stream.counter, 2000);
    int hits = 0;
    for (int i = 0; i < 10000; i++)
        hits += kerf_draw_chance(&stream, 0.3);
    cr_expect_lt(abs(hits - 3000), 200, "%d", hits);
}

Test(random, seconds_are_rounded_to_microseconds)
{
    cr_expect_eq(kerf_time_of_seconds(1.5), 1500000);
    cr_expect_eq(kerf_time_of_seconds(0.0000014), 1);
    cr_expect_eq(kerf_time_of_seconds(0.0000016), 2);
    cr_expect_eq(kerf_time_of_seconds(0.0), 0);
    cr_expect_eq(kerf_time_of_seconds(-3.0), 0);
    cr_expect_eq(kerf_time_of_seconds(1e13), KERF_TIME_NEVER - 1);
    cr_expect_eq(kerf_time_of_seconds(HUGE_VAL), KERF_TIME_NEVER - 1);
    cr_expect_eq(kerf_time_of_seconds(-HUGE_VAL), 0);
}

/* ---- distributions: mean, variance and quantiles -----------------------------------------------------------------------------
 */

enum shape { EXPONENTIAL, NORMAL, LOGNORMAL, GAMMA_SMALL, GAMMA_LARGE, POISSON_SMALL, POISSON_MIDDLE, POISSON_NORMAL, SHAPES };

static double draw_of(struct kerf_stream *stream, enum shape shape)
{
    switch (shape) {
    case EXPONENTIAL:
        return kerf_draw_exponential(stream, 2.0);
    case NORMAL:
        return kerf_draw_normal(stream, 1.0, 3.0);
    case LOGNORMAL:
        return kerf_draw_lognormal(stream, 0.5, 0.4);
    case GAMMA_SMALL:
        return kerf_draw_gamma(stream, 0.6, 2.0);
    case GAMMA_LARGE:
        return kerf_draw_gamma(stream, 9.0, 0.5);
    case POISSON_SMALL:
        return (double)kerf_draw_poisson(stream, 2.5);
    case POISSON_MIDDLE:
        return (double)kerf_draw_poisson(stream, 120.0);
    default:
        return (double)kerf_draw_poisson(stream, 20000.0);
    }
}

/* P(X <= x) */
static double cdf_of(enum shape shape, double x)
{
    switch (shape) {
    case EXPONENTIAL:
        return gsl_cdf_exponential_P(x, 2.0);
    case NORMAL:
        return gsl_cdf_gaussian_P(x - 1.0, 3.0);
    case LOGNORMAL:
        return gsl_cdf_lognormal_P(x, 0.5, 0.4);
    case GAMMA_SMALL:
        return gsl_cdf_gamma_P(x, 0.6, 2.0);
    case GAMMA_LARGE:
        return gsl_cdf_gamma_P(x, 9.0, 0.5);
    case POISSON_SMALL:
        return gsl_cdf_poisson_P((unsigned)x, 2.5);
    case POISSON_MIDDLE:
        return gsl_cdf_poisson_P((unsigned)x, 120.0);
    default:
        return gsl_cdf_poisson_P((unsigned)x, 20000.0);
    }
}

static const struct {
    const char *name;
    double mean;
    double variance;
    double points[3];
} shapes[SHAPES] = {
    [EXPONENTIAL] = {"exponential", 2.0, 4.0, {0.2, 1.4, 6.0}},
    [NORMAL] = {"normal", 1.0, 9.0, {-3.0, 1.0, 6.0}},
    [LOGNORMAL] = {"lognormal", 1.7860384307500734, 0.553497, {1.0, 1.65, 3.0}},
    [GAMMA_SMALL] = {"gamma 0.6", 1.2, 2.4, {0.05, 0.7, 4.0}},
    [GAMMA_LARGE] = {"gamma 9", 4.5, 2.25, {2.7, 4.4, 6.8}},
    [POISSON_SMALL] = {"poisson 2.5", 2.5, 2.5, {0.0, 2.0, 5.0}},
    [POISSON_MIDDLE] = {"poisson 120", 120.0, 120.0, {104.0, 120.0, 137.0}},
    [POISSON_NORMAL] = {"poisson 20000", 20000.0, 20000.0, {19800.0, 20000.0, 20200.0}},
};

Test(random, distributions_agree_with_theory)
{
    enum { DRAWS = 40000 };
    for (int shape = 0; shape < SHAPES; shape++) {
        struct kerf_stream stream = stream_of(1000 + (uint64_t)shape);
        double sum = 0.0;
        double squares = 0.0;
        int below[3] = {0};
        for (int i = 0; i < DRAWS; i++) {
            const double x = draw_of(&stream, (enum shape)shape);
            sum += x - shapes[shape].mean;
            squares += (x - shapes[shape].mean) * (x - shapes[shape].mean);
            for (int j = 0; j < 3; j++)
                below[j] += x <= shapes[shape].points[j];
        }
        const double mean_error = sum / DRAWS / sqrt(shapes[shape].variance / DRAWS);
        cr_expect_lt(fabs(mean_error), 4.0, "%s: mean off by %.2f deviations", shapes[shape].name, mean_error);
        cr_expect_lt(fabs(squares / DRAWS / shapes[shape].variance - 1.0), 0.06, "%s: variance %g", shapes[shape].name,
                     squares / DRAWS);
        for (int j = 0; j < 3; j++) {
            const double p = cdf_of((enum shape)shape, shapes[shape].points[j]);
            const double error = ((double)below[j] - p * DRAWS) / sqrt(p * (1.0 - p) * DRAWS);
            cr_expect_lt(fabs(error), 4.0, "%s at %g: off by %.2f deviations", shapes[shape].name, shapes[shape].points[j],
                         error);
        }
        const uint64_t draws = shape == LOGNORMAL || shape == NORMAL ? DRAWS : stream.counter;
        cr_expect_eq(draws, DRAWS, "%s: one uniform a draw", shapes[shape].name);
    }
}

Test(random, inversion_rises_with_the_uniform)
{
    /* The same draw of a stream with a larger parameter is larger: what makes common random numbers work. */
    for (uint64_t owner = 0; owner < 200; owner++) {
        struct kerf_stream a = stream_of(owner);
        struct kerf_stream b = stream_of(owner);
        cr_expect_lt(kerf_draw_gamma(&a, 2.0, 1.0), kerf_draw_gamma(&b, 2.1, 1.0));
        cr_expect_leq(kerf_draw_poisson(&a, 30.0), kerf_draw_poisson(&b, 33.0));
        cr_expect_leq(kerf_draw_exponential(&a, 1.0), kerf_draw_exponential(&b, 1.2));
    }
}

Test(random, normal_pair_has_its_correlation)
{
    enum { DRAWS = 40000 };
    struct kerf_stream stream = stream_of(5);
    double xy = 0.0;
    double yy = 0.0;
    for (int i = 0; i < DRAWS; i++) {
        double z[2];
        kerf_draw_normal_pair(&stream, 0.6, z);
        xy += z[0] * z[1];
        yy += z[1] * z[1];
    }
    cr_expect_lt(fabs(xy / DRAWS - 0.6), 0.025, "%g", xy / DRAWS);
    cr_expect_lt(fabs(yy / DRAWS - 1.0), 0.03, "%g", yy / DRAWS);
    double z[2];
    kerf_draw_normal_pair(&stream, 1.0, z);
    cr_expect_eq(z[0], z[1]);
    kerf_draw_normal_pair(&stream, -1.0, z);
    cr_expect_eq(z[0], -z[1]);
}

Test(random, draws_at_the_edges)
{
    struct kerf_stream stream = stream_of(6);
    cr_expect_eq(kerf_draw_poisson(&stream, 0.0), 0);
    cr_expect_eq(kerf_draw_exponential(&stream, 0.0), 0.0);
    cr_expect_eq(kerf_draw_normal(&stream, 4.0, 0.0), 4.0);
    cr_expect_eq(kerf_draw_exponential_us(&stream, 0), 0);
    cr_expect_gt(kerf_draw_exponential_us(&stream, KERF_TIME_NEVER / 4), 0);
    cr_expect_gt(kerf_draw_poisson(&stream, 1e18), (uint64_t)1e17);
}
