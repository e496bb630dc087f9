/* Small packing problems in a few words, solved in memory of their own. */
#ifndef KERF_TESTS_PACK_BUILDER_H
#define KERF_TESTS_PACK_BUILDER_H

#include "binpack/binpack.h"

enum { PACK_BUILDER_MAX = 64 };

struct pack_builder {
    size_t resource_count;
    size_t type_count;
    size_t class_count;
    int64_t capacity[PACK_BUILDER_MAX][BINPACK_RESOURCES_MAX];
    int64_t demand[PACK_BUILDER_MAX][BINPACK_RESOURCES_MAX];
    uint64_t allowed[PACK_BUILDER_MAX];
    uint64_t conflicts[PACK_BUILDER_MAX];
    struct binpack_bin_type types[PACK_BUILDER_MAX];
    struct binpack_item_class classes[PACK_BUILDER_MAX];
    struct binpack_input input;
    void *memory;
    struct binpack_problem *problem;
    uint64_t step_limit; /* of pack_solve; 0: the usual */
    struct binpack_bound bound;
    struct binpack_plan plan;
    int64_t kerf_unopened;
};

void pack_builder_init(struct pack_builder *builder, size_t resource_count);
void pack_builder_fini(struct pack_builder *builder);

/* Two resources are named; the rest of 16 is 0 and may be set in the arrays. */
struct binpack_bin_type *pack_add_bin(struct pack_builder *builder, int64_t first, int64_t second, int64_t price);
struct binpack_item_class *pack_add_items(struct pack_builder *builder, int64_t count, int64_t first, int64_t second);
/* The class may lie in these bin types only (bits). */
void pack_allow(struct pack_builder *builder, struct binpack_item_class *class, uint64_t types);

/* The first of the two says that it may not lie beside the other. */
void pack_add_conflict(struct pack_builder *builder, size_t class, size_t other);

/* Makes the problem; its outcome. */
enum binpack_outcome pack_make(struct pack_builder *builder, size_t memory_bytes);
/*
 * Makes, bounds, solves (method NULL: all) and splits the gap; everything that comes out is verified, and the test fails if it is
 * wrong in any way. Returns the outcome of the solver.
 */
enum binpack_outcome pack_solve(struct pack_builder *builder, const char *method);
/* The test fails if the revision is wrong in any way. */
void pack_check_revision(struct pack_builder *builder, const struct binpack_plan *standing,
                         const struct binpack_revision_options *options, const struct binpack_revision *revision);

#endif
