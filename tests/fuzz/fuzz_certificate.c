/**
 * Items, bins and a certificate of any bytes (form feeds between them): what was read is judged, and what was packed passes by its
 * own certificate, written and read again.
 */
#include "cli/pack_certificate.c" /* no library holds it */

#include "base/base.h"
#include "fuzz_target.h"

#include <sys/mman.h>
#include <unistd.h>

enum { ITEMS_MAX = 64, BINS_MAX = 16, COUNT_MAX = 1000, PATH_BYTES = 64, LOOKS_TRIED = 100000, STEPS_TRIED = 50000 };

struct problem {
    struct kerf_pack_input read;
    struct binpack_item_class classes[ITEMS_MAX];
    struct binpack_bin_type types[BINS_MAX];
    struct binpack_input input;
    int64_t scratch[8 * ITEMS_MAX + BINS_MAX];
};

static void set_up(struct problem *problem)
{
    const struct kerf_pack_input *read = &problem->read;
    for (size_t i = 0; i < read->item_count; i++)
        problem->classes[i] = (struct binpack_item_class){.demand = read->item_demands + i * read->resource_count, .count = read->item_counts[i] % COUNT_MAX};
    for (size_t i = 0; i < read->bin_count; i++)
        problem->types[i] = (struct binpack_bin_type){.capacity = read->bin_capacities + i * read->resource_count, .price = read->bin_prices[i], .limit = read->bin_limits[i]};
    problem->input = (struct binpack_input){.resource_count = read->resource_count,
                                            .bin_types = problem->types,
                                            .bin_type_count = read->bin_count,
                                            .item_classes = problem->classes,
                                            .item_class_count = read->item_count};
}

static void judge(struct problem *problem, const char *path, bool must_hold)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_pack_certificate certificate;
    struct binpack_fault fault = {0};
    enum kerf_status status = kerf_pack_certificate_read(path, &problem->read, &certificate, errs);
    KERF_ASSERT((status == KERF_OK) == (kerf_errors_count(errs) == 0));
    if (status == KERF_OK) {
        if (!must_hold && certificate.bound.search_limit > LOOKS_TRIED)
            certificate.bound.search_limit = LOOKS_TRIED;
        bool holds = binpack_verify_plan(&problem->input, &certificate.plan, problem->scratch, &fault);
        holds &= binpack_verify_bound(&problem->input, &certificate.bound, problem->scratch, &fault);
        KERF_ASSERT(holds || !must_hold);
        kerf_pack_certificate_free(&certificate);
    } else {
        KERF_ASSERT(!must_hold);
    }
    kerf_errors_free(errs);
}

static void pack_and_judge(struct problem *problem, const char *path)
{
    static unsigned char memory[1 << 20];
    struct binpack_problem *packing;
    struct binpack_plan plan = {0};
    struct binpack_bound bound;
    struct binpack_options options = {.step_limit = STEPS_TRIED};
    if (binpack_problem_new(&problem->input, memory, sizeof memory, &packing, NULL) != BINPACK_OK || binpack_bound_find(packing, &bound) != BINPACK_OK ||
        binpack_solve(packing, &options, &plan) == BINPACK_E_OVERFLOW || plan.method == NULL || binpack_bound_find(packing, &bound) != BINPACK_OK)
        return;
    struct kerf_errors *errs = kerf_errors_new();
    if (kerf_pack_certificate_write(path, &problem->read, &plan, &bound, errs))
        judge(problem, path, true);
    kerf_errors_free(errs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *bins = size > 0 ? memchr(data, '\f', size) : NULL;
    const uint8_t *certificate = bins != NULL ? memchr(bins + 1, '\f', size - (size_t)(bins + 1 - data)) : NULL;
    if (certificate == NULL)
        return 0;
    struct problem problem = {0};
    struct kerf_errors *errs = kerf_errors_new();
    enum kerf_status status = kerf_pack_input_read_table_bytes("items", data, (size_t)(bins - data), "bins", bins + 1, (size_t)(certificate - bins - 1),
                                                               &problem.read, errs);
    kerf_errors_free(errs);
    if (status != KERF_OK)
        return 0;
    if (problem.read.item_count <= ITEMS_MAX && problem.read.bin_count <= BINS_MAX) {
        set_up(&problem);
        char path[PATH_BYTES];
        int descriptor = memfd_create("fuzz", 0);
        KERF_ASSERT(descriptor >= 0);
        size_t length = size - (size_t)(certificate + 1 - data);
        KERF_ASSERT(write(descriptor, certificate + 1, length) == (ssize_t)length);
        snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), descriptor);
        judge(&problem, path, false);
        pack_and_judge(&problem, path);
        close(descriptor);
    }
    kerf_pack_input_free(&problem.read);
    return 0;
}
