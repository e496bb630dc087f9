/**
 * What every benchmark does with time: it counts the processor's, of its one thread, so that what others do on the machine is left out as far as
 * caches allow; and it tells the least and the median of its runs.
 */
#ifndef KERF_BENCH_MEASURE_H
#define KERF_BENCH_MEASURE_H

#include <stdlib.h>
#include <time.h>

/** Processor time of this program so far. */
static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Ascending: the least is the first, the median stands in the middle. */
static inline void sort_seconds(double *seconds, size_t count) { qsort(seconds, count, sizeof *seconds, compare_seconds); }

#endif
