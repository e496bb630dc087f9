/* How likely random single addresses leave a whole /28 block free: blocks are dealt their taken addresses one after another, each from the
 * hypergeometric distribution of what is left, and courses in which a block gets none are left out. */
#include <stdlib.h>

#include "base/base.h"
#include "kerf/vpc.h"

#define BLOCK KERF_PREFIX_ADDRESSES
#define NEGLIGIBLE 1e-30 /* a course this unlikely moves no digit that is shown */

static const double ways_in_block[BLOCK + 1] = {1,    16,   120,  560,  1820, 4368, 8008, 11440, 12870,
                                                11440, 8008, 4368, 1820, 560,  120,  16,   1};

/* out[n] = count (count - 1) ... (count - n + 1): at most 65531 to the 16th, far inside a double. */
static void falling(double count, double out[BLOCK + 1])
{
    out[0] = 1;
    for (int n = 0; n < BLOCK; n++)
        out[n + 1] = out[n] * (count > n ? count - n : 0);
}

double kerf_vpc_prefix_chance(uint8_t prefix_length, uint32_t taken)
{
    struct kerf_cidr cidr = {.prefix_length = prefix_length};
    uint32_t usable = (uint32_t)kerf_cidr_size(cidr) - KERF_VPC_SUBNET_RESERVED;
    uint32_t blocks = (uint32_t)kerf_vpc_subnet_prefixes_max(prefix_length);
    KERF_ASSERT(taken <= usable);
    double *chance = kerf_allocate((taken + 1) * sizeof *chance); /* by addresses left to deal: all blocks so far got some */
    double *next = kerf_allocate((taken + 1) * sizeof *next);
    chance[taken] = 1;
    for (uint32_t block = 0; block < blocks; block++) {
        double left = usable - block * BLOCK, ways[BLOCK + 1];
        falling(left, ways);
        memset(next, 0, (taken + 1) * sizeof *next);
        for (uint32_t rest = 0; rest <= taken; rest++) {
            if (chance[rest] < NEGLIGIBLE)
                continue;
            double of_taken[BLOCK + 1], of_free[BLOCK + 1];
            falling(rest, of_taken);
            falling(left - rest, of_free);
            for (uint32_t n = 1; n <= BLOCK && n <= rest; n++)
                next[rest - n] += chance[rest] * ways_in_block[n] * of_taken[n] * of_free[BLOCK - n] / ways[BLOCK];
        }
        double *swap = chance;
        chance = next;
        next = swap;
    }
    double none_free = 0;
    for (uint32_t rest = 0; rest <= taken; rest++)
        none_free += chance[rest];
    free(chance);
    free(next);
    return none_free < 1 ? 1 - none_free : 0;
}
