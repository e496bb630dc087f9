/** Asserts: what a bug of ours prints, with the run that it happened in, so that the run can be repeated. */
#include "base/base.h"

#include <stdlib.h>

static _Thread_local const struct kerf_run_context *run_context;

void kerf_set_run_context(const struct kerf_run_context *context)
{
    run_context = context;
}

_Noreturn void kerf_assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "kerf: internal error: %s:%d: %s does not hold", file, line, condition);
    if (run_context) {
        fprintf(stderr, " (seed %" PRIu64 ", replication %" PRIu32, run_context->seed, run_context->replication);
        if (run_context->design)
            fprintf(stderr, ", design %s", run_context->design);
        if (run_context->now_us)
            fprintf(stderr, ", at %" PRId64 " us", *run_context->now_us);
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    abort();
}
