/**
 * random: keyed streams and the distributions that kerf draws from. A stream has a purpose and an owner named by content (a
 * pod's name, a capacity pool), so a change of policy leaves every other draw in place and designs are compared on common
 * random numbers. A stream is a generator of our own (Philox: 64-bit key, counter based), so that its state is two words and
 * opening one costs nothing.
 *
 * Samplers use inversion, one uniform a draw. All results are the same bytes on every machine that rounds as IEEE 754 says:
 * neither libm nor GSL is asked for a logarithm or a quantile. Times are rounded to the nearest microsecond here and nowhere
 * else. Parameters out of their range (a negative mean, a probability above 1, NaN) are bugs and asserted.
 */
#ifndef KERF_RANDOM_H
#define KERF_RANDOM_H

#include "base/base.h"

enum kerf_purpose {
    KERF_PURPOSE_TEST = 1,
    KERF_PURPOSE_ARRIVAL,        /* owner: workload */
    KERF_PURPOSE_DURATION,       /* owner: pod */
    KERF_PURPOSE_IMAGE_PULL,     /* owner: pod */
    KERF_PURPOSE_LAUNCH,         /* owner: nodeclaim */
    KERF_PURPOSE_BOOT,           /* owner: nodeclaim */
    KERF_PURPOSE_TERMINATION,    /* owner: nodeclaim */
    KERF_PURPOSE_POOL_SHOCK,     /* owner: capacity pool (type and zone) */
    KERF_PURPOSE_POOL_AFTERMATH, /* owner: capacity pool */
    KERF_PURPOSE_POOL_CHOICE,    /* owner: nodeclaim: which of equally good offerings EC2 takes */
    KERF_PURPOSE_DOMAIN_TIE,     /* owner: pod: Karpenter's random choice among equal domains */
    KERF_PURPOSE_NODE_TIE,       /* owner: pod: kube-scheduler's random choice among equal nodes */
    KERF_PURPOSE_NAME,           /* owner: nodepool: the random suffix of names */
    KERF_PURPOSE_FAULT,          /* owner: whatever fails */
    KERF_PURPOSE_SUBNET,         /* owner: subnet: which free address EC2 takes */
    KERF_PURPOSE_LOAD,           /* owner: workload: noise on a daily curve */
    KERF_PURPOSE_SCALING_DELAY,  /* owner: node group and number of the draw: until Auto Scaling acts */
    KERF_PURPOSE_EXPANDER,       /* owner: number of the draw: Cluster Autoscaler's choice among equal groups */
};

struct kerf_stream {
    uint64_t key;
    uint64_t counter;
};

struct kerf_stream kerf_stream_open(uint64_t seed, uint32_t replication, enum kerf_purpose purpose, uint64_t owner_hash);
uint64_t kerf_draw_u64(struct kerf_stream *stream);
double kerf_draw_uniform(struct kerf_stream *stream);                              /* [0, 1), 53 bits */
uint64_t kerf_draw_below(struct kerf_stream *stream, uint64_t bound);              /* [0, bound), bound > 0; multiply-shift, unbiased to 2^-64 */
bool kerf_draw_chance(struct kerf_stream *stream, double probability);
double kerf_draw_exponential(struct kerf_stream *stream, double mean);
double kerf_draw_normal(struct kerf_stream *stream, double mean, double deviation); /* by inversion */
double kerf_draw_lognormal(struct kerf_stream *stream, double mu, double sigma);    /* parameters of ln(x) */
double kerf_draw_gamma(struct kerf_stream *stream, double shape, double scale);     /* by inversion */
uint64_t kerf_draw_poisson(struct kerf_stream *stream, double mean);                /* by inversion; normal beyond 10,000; mean <= 1e18 */

/** Two standard normals with correlation `rho`, of which the caller makes jointly drawn phases (exp(mu + sigma z)). */
void kerf_draw_normal_pair(struct kerf_stream *stream, double rho, double out_z[2]);

/** exp(mu + sigma z): a lognormal phase from a normal that was drawn before. */
double kerf_lognormal_at(double mu, double sigma, double z);

/** Exponential and logarithm with the same last digit on every machine, for calibrations; errors below a unit of the last place. */
double kerf_exact_exp(double x); /* 0 below -745.2, infinity above 709.79 */
double kerf_exact_log(double x); /* x > 0, finite */

/** Standard normal quantile and its inverse, for calibrations. */
double kerf_normal_quantile(double probability);

/** Rounds seconds to microseconds; 0 below zero, KERF_TIME_NEVER - 1 from 2^62 us (146,000 years) on. NaN is a bug (asserted). */
kerf_time_us kerf_time_of_seconds(double seconds);
kerf_time_us kerf_draw_exponential_us(struct kerf_stream *stream, kerf_time_us mean_us);
kerf_time_us kerf_draw_lognormal_us(struct kerf_stream *stream, double mu, double sigma); /* of ln(seconds) */

#endif
