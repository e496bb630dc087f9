/** plan_compare: are two plans the same in every byte? The first difference as a text otherwise. */
#ifndef KERF_TESTS_PLAN_COMPARE_H
#define KERF_TESTS_PLAN_COMPARE_H

#include "provisioning/provisioning.h"

/** NULL: they are the same. Else what differs, in `arena`. */
const char *plan_difference(const struct kerf_plan *a, const struct kerf_plan *b, struct kerf_arena *arena);

#endif
