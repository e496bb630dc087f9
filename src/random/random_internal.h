/**
 * The mathematics under the samplers. It uses +, -, *, / and square roots only, all of which IEEE 754 rounds in one way, so
 * results are the same bytes whatever compiler, C library or processor: libm's log and exp differ in the last digit between
 * machines with and without a fused multiply-add, and GSL's inverse of the gamma distribution gives up for some arguments.
 */
#ifndef KERF_RANDOM_INTERNAL_H
#define KERF_RANDOM_INTERNAL_H

#include "random/random.h"

/** Philox 2x64 with 10 rounds. Source: Salmon, Moraes, Dror, Shaw, SC11; its published test vectors. */
struct kerf_philox_block {
    uint64_t word[2];
};
struct kerf_philox_block kerf_philox(struct kerf_philox_block counter, uint64_t key);

double kerf_log_gamma(double x); /* ln of the gamma function, x > 0; error at most 1e-15 times x ln x, and no less than 1e-15 */

/**
 * Regularized incomplete gamma functions, lower (out_p) and upper (out_q), of shape > 0 and x >= 0; p + q = 1 and the smaller
 * one keeps its relative precision: 1e-13 for shapes up to 100, losing a digit for each further factor of ten.
 * Takes about 5 sqrt(shape) steps at worst.
 */
void kerf_incomplete_gamma(double shape, double x, double *out_p, double *out_q);

/**
 * Unit scale; 0 < probability < 1. Beyond a shape of 100,000 by the formula of Wilson and Hilferty, which is then right to
 * 1e-7. May be 0 for shapes below 0.05, where the true value is less than the smallest double.
 */
double kerf_gamma_quantile(double shape, double probability);

/** The smallest k with P(K <= k) > probability; 0 <= mean <= 10,000; 0 <= probability < 1, where less than 2^-54 counts as 2^-54. */
uint64_t kerf_poisson_quantile(double mean, double probability);

#endif
