/**
 * Threads take numbers from a common counter; what a number stands for has a place of its own, so nothing hangs on who did it.
 */
#include "experiment/experiment_internal.h"

#include <pthread.h>
#include <sched.h>

struct share {
    uint32_t total;
    uint32_t next;
    uint32_t done;
    void (*run)(void *context, uint32_t index);
    void *context;
    const struct kerf_experiment_options *options;
    pthread_mutex_t lock;
};

static void *run_share(void *context)
{
    struct share *share = context;
    for (;;) {
        pthread_mutex_lock(&share->lock);
        uint32_t index = share->next < share->total ? share->next++ : share->total;
        pthread_mutex_unlock(&share->lock);
        if (index == share->total)
            return NULL;
        share->run(share->context, index);
        pthread_mutex_lock(&share->lock);
        share->done++;
        if (share->options->progress)
            share->options->progress(share->options->progress_context, share->done, share->total);
        pthread_mutex_unlock(&share->lock);
    }
}

static uint32_t available_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

void kerf_experiment_share(uint32_t total, void (*run)(void *context, uint32_t index), void *context,
                           const struct kerf_experiment_options *options)
{
    enum { THREADS_MAX = 256 };
    pthread_t threads[THREADS_MAX];
    struct share share = { .total = total, .run = run, .context = context, .options = options };
    uint32_t wanted = options->threads > 0 ? options->threads : available_processors();
    wanted = wanted < THREADS_MAX ? wanted : THREADS_MAX;
    wanted = wanted < total ? wanted : total;
    uint32_t started = 0;
    pthread_mutex_init(&share.lock, NULL);
    while (started + 1 < wanted && pthread_create(&threads[started], NULL, run_share, &share) == 0)
        started++;
    run_share(&share); /* this thread works too, alone if need be */
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&share.lock);
}
