#include "random/random_internal.h"

#include <math.h>

#define PHILOX_MULTIPLIER 0xd2b74407b1ce6e93u
#define PHILOX_KEY_STEP 0x9e3779b97f4a7c15u /* golden ratio */
#define PHILOX_ROUNDS 10

#define POISSON_NORMAL_FROM 10000.0
#define POISSON_MEAN_MAX 1e18

__extension__ typedef unsigned __int128 u128;

struct kerf_philox_block kerf_philox(struct kerf_philox_block counter, uint64_t key)
{
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        const u128 product = (u128)counter.word[0] * PHILOX_MULTIPLIER;
        counter.word[0] = (uint64_t)(product >> 64) ^ key ^ counter.word[1];
        counter.word[1] = (uint64_t)product;
        key += PHILOX_KEY_STEP;
    }
    return counter;
}

struct kerf_stream kerf_stream_open(uint64_t seed, uint32_t replication, enum kerf_purpose purpose, uint64_t owner_hash)
{
    uint64_t key = kerf_hash_mix(0x6b657266, seed); /* any constant: it keeps seed 0 from being a special case of the mix */
    key = kerf_hash_mix(key, replication);
    key = kerf_hash_mix(key, (uint64_t)purpose);
    return (struct kerf_stream){.key = kerf_hash_mix(key, owner_hash)};
}

uint64_t kerf_draw_u64(struct kerf_stream *stream)
{
    return kerf_philox((struct kerf_philox_block){{stream->counter++, 0}}, stream->key).word[0];
}

double kerf_draw_uniform(struct kerf_stream *stream)
{
    return (double)(kerf_draw_u64(stream) >> 11) * 0x1p-53;
}

/* In (0, 1), symmetric about 1/2: odd multiples of 2^-53. For inverses that have a pole at both ends. */
static double draw_open_uniform(struct kerf_stream *stream)
{
    return (double)(kerf_draw_u64(stream) >> 12 << 1 | 1) * 0x1p-53;
}

uint64_t kerf_draw_below(struct kerf_stream *stream, uint64_t bound)
{
    KERF_ASSERT(bound > 0);
    return (uint64_t)((u128)kerf_draw_u64(stream) * bound >> 64);
}

bool kerf_draw_chance(struct kerf_stream *stream, double probability)
{
    KERF_ASSERT(probability >= 0.0);
    KERF_ASSERT(probability <= 1.0);
    return kerf_draw_uniform(stream) < probability;
}

double kerf_draw_exponential(struct kerf_stream *stream, double mean)
{
    KERF_ASSERT(mean >= 0.0);
    KERF_ASSERT(mean < HUGE_VAL);
    return mean * -kerf_exact_log(1.0 - kerf_draw_uniform(stream));
}

double kerf_draw_normal(struct kerf_stream *stream, double mean, double deviation)
{
    KERF_ASSERT(deviation >= 0.0);
    return mean + deviation * kerf_normal_quantile(draw_open_uniform(stream));
}

double kerf_draw_lognormal(struct kerf_stream *stream, double mu, double sigma)
{
    return kerf_exact_exp(kerf_draw_normal(stream, mu, sigma));
}

double kerf_draw_gamma(struct kerf_stream *stream, double shape, double scale)
{
    KERF_ASSERT(shape > 0.0);
    KERF_ASSERT(shape < HUGE_VAL);
    KERF_ASSERT(scale >= 0.0);
    return scale * kerf_gamma_quantile(shape, draw_open_uniform(stream));
}

uint64_t kerf_draw_poisson(struct kerf_stream *stream, double mean)
{
    KERF_ASSERT(mean >= 0.0);
    KERF_ASSERT(mean <= POISSON_MEAN_MAX);
    if (mean <= POISSON_NORMAL_FROM)
        return kerf_poisson_quantile(mean, kerf_draw_uniform(stream));
    /* Beyond, the skewness 1/sqrt(mean) is below 1 %; 8.2 deviations below the mean, the furthest a draw gets, is still positive.
     */
    return (uint64_t)(kerf_draw_normal(stream, mean, sqrt(mean)) + 0.5);
}

void kerf_draw_normal_pair(struct kerf_stream *stream, double rho, double out_z[2])
{
    KERF_ASSERT(rho >= -1.0);
    KERF_ASSERT(rho <= 1.0);
    const double first = kerf_draw_normal(stream, 0.0, 1.0);
    const double second = kerf_draw_normal(stream, 0.0, 1.0);
    out_z[0] = first;
    out_z[1] = rho * first + sqrt((1.0 - rho) * (1.0 + rho)) * second;
}

static kerf_time_us time_of_us(double us)
{
    KERF_ASSERT(us == us);
    if (us < 0.5)
        return 0;
    return us < 0x1p62 ? (kerf_time_us)(us + 0.5) : KERF_TIME_NEVER - 1;
}

kerf_time_us kerf_time_of_seconds(double seconds)
{
    return time_of_us(seconds * 1e6);
}

kerf_time_us kerf_draw_exponential_us(struct kerf_stream *stream, kerf_time_us mean_us)
{
    KERF_ASSERT(mean_us >= 0);
    return time_of_us(kerf_draw_exponential(stream, (double)mean_us));
}

double kerf_lognormal_at(double mu, double sigma, double z)
{
    return kerf_exact_exp(mu + sigma * z);
}

kerf_time_us kerf_draw_lognormal_us(struct kerf_stream *stream, double mu, double sigma)
{
    return kerf_time_of_seconds(kerf_draw_lognormal(stream, mu, sigma));
}
