/** Arithmetic of resource lists. Loops over the present bits: most lists have two to four entries. */
#include "model/resources.h"

#define FOR_EACH_RESOURCE(index, bits)                                                                                           \
    for (uint32_t rest_##index = (bits), index; rest_##index && (index = (uint32_t)__builtin_ctz(rest_##index), true);           \
         rest_##index &= rest_##index - 1)

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

void kerf_resources_add(struct kerf_resources *into, const struct kerf_resources *added)
{
    FOR_EACH_RESOURCE(i, added->present)
    into->amounts[i] = add_saturating(into->amounts[i], added->amounts[i]);
    into->present |= added->present;
}

void kerf_resources_subtract(struct kerf_resources *into, const struct kerf_resources *taken)
{
    FOR_EACH_RESOURCE(i, taken->present)
    {
        int64_t rest;
        if (__builtin_sub_overflow(into->amounts[i], taken->amounts[i], &rest))
            rest = into->amounts[i] < 0 ? INT64_MIN : INT64_MAX;
        into->amounts[i] = rest;
    }
    into->present |= taken->present;
}

void kerf_resources_maximum(struct kerf_resources *into, const struct kerf_resources *other)
{
    FOR_EACH_RESOURCE(i, other->present)
    {
        if (!kerf_resources_has(into, (enum kerf_resource)i) || into->amounts[i] < other->amounts[i])
            into->amounts[i] = other->amounts[i];
    }
    into->present |= other->present;
}

bool kerf_resources_fit(const struct kerf_resources *request, const struct kerf_resources *total)
{
    FOR_EACH_RESOURCE(i, total->present)
    {
        if (total->amounts[i] < 0)
            return false;
    }
    FOR_EACH_RESOURCE(i, request->present)
    {
        if (request->amounts[i] > total->amounts[i]) /* an absent amount is 0 */
            return false;
    }
    return true;
}

bool kerf_resources_equal(const struct kerf_resources *a, const struct kerf_resources *b)
{
    if (a->present != b->present)
        return false;
    FOR_EACH_RESOURCE(i, a->present)
    {
        if (a->amounts[i] != b->amounts[i])
            return false;
    }
    return true;
}

void kerf_resource_totals_add(struct kerf_resource_totals *into, const struct kerf_resources *added, int sign)
{
    FOR_EACH_RESOURCE(i, added->present)
    into->amounts[i] += sign < 0 ? -(kerf_i128)added->amounts[i] : (kerf_i128)added->amounts[i];
    into->present |= added->present;
}
