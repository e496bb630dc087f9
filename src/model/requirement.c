/** One requirement on one label key: a set of values or of excluded values, between bounds (karpenter-provisioning 4.1, 4.2). */
#include "model/requirements.h"

enum { LINEAR_SEARCH_MAX = 16 };

static bool holds(const kerf_name *values, uint32_t count, kerf_name value)
{
    if (count <= LINEAR_SEARCH_MAX) {
        for (uint32_t i = 0; i < count; i++)
            if (values[i] == value)
                return true;
        return false;
    }
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (values[middle] == value)
            return true;
        if (kerf_name_compare(values[middle], value) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

struct bounds {
    bool has_lower;
    bool has_upper;
    int64_t lower;
    int64_t upper;
};

static struct bounds bounds_of(const struct kerf_requirement *requirement)
{
    return (struct bounds){requirement->has_lower, requirement->has_upper, requirement->lower, requirement->upper};
}

static struct bounds merged_bounds(const struct kerf_requirement *a, const struct kerf_requirement *b)
{
    struct bounds merged = bounds_of(a);
    if (b->has_lower && (!merged.has_lower || b->lower > merged.lower))
        merged.lower = b->lower;
    if (b->has_upper && (!merged.has_upper || b->upper < merged.upper))
        merged.upper = b->upper;
    merged.has_lower = merged.has_lower || b->has_lower;
    merged.has_upper = merged.has_upper || b->has_upper;
    return merged;
}

static bool crossed(const struct bounds *bounds)
{
    return bounds->has_lower && bounds->has_upper && bounds->lower > bounds->upper;
}

static bool within(const struct bounds *bounds, kerf_name value)
{
    int64_t number;
    if (!bounds->has_lower && !bounds->has_upper)
        return true;
    if (!kerf_parse_i64(value->text, &number))
        return false;
    return (!bounds->has_lower || number >= bounds->lower) && (!bounds->has_upper || number <= bounds->upper);
}

enum kerf_operator kerf_requirement_operator(const struct kerf_requirement *requirement)
{
    if (requirement->complement)
        return requirement->value_count ? KERF_OP_NOT_IN : KERF_OP_EXISTS;
    return requirement->value_count ? KERF_OP_IN : KERF_OP_DOES_NOT_EXIST;
}

bool kerf_requirement_has(const struct kerf_requirement *requirement, kerf_name value)
{
    if (holds(requirement->values, requirement->value_count, value) == requirement->complement)
        return false;
    struct bounds bounds = bounds_of(requirement);
    return within(&bounds, value);
}

/* ---- making -------------------------------------------------------------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b, void *context)
{
    (void)context;
    return kerf_name_compare(*(const kerf_name *)a, *(const kerf_name *)b);
}

static uint32_t sort_unique(kerf_name *values, size_t count)
{
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = kerf_name_compare(values[i - 1], values[i]) < 0;
    if (sorted)
        return (uint32_t)count;
    kerf_sort(values, count, sizeof *values, compare_names, NULL);
    uint32_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || values[kept - 1] != values[i])
            values[kept++] = values[i];
    return kept;
}

struct kerf_requirement kerf_requirement_in(struct kerf_arena *arena, kerf_name key, const kerf_name *values, size_t value_count)
{
    struct kerf_requirement made = {.key = key, .min_values = -1};
    if (value_count == 0)
        return made;
    kerf_name *copy = kerf_arena_copy(arena, values, value_count * sizeof *values);
    made.value_count = sort_unique(copy, value_count);
    made.values = copy;
    return made;
}

struct kerf_requirement kerf_requirement_exists(kerf_name key)
{
    return (struct kerf_requirement){.key = key, .complement = true, .min_values = -1};
}

/** What Karpenter makes of a bound: validation has refused what is no integer, so here it counts as 0; too large ones stay at the
 * edge. */
static int64_t bound_of(const struct kerf_expression *expression)
{
    int64_t bound = 0;
    const char *text = expression->value_count ? kerf_name_text(expression->values[0]) : "";
    if (kerf_parse_i64(text, &bound))
        return bound;
    const char *digits = text + (*text == '-' || *text == '+');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return 0;
    return *text == '-' ? INT64_MIN : INT64_MAX;
}

struct kerf_requirement kerf_requirement_of(struct kerf_arena *arena, const struct kerf_vocabulary *vocabulary,
                                            const struct kerf_expression *expression)
{
    kerf_name key = kerf_vocabulary_normalize_key(vocabulary, expression->key);
    struct kerf_requirement made = {.key = key};
    switch (expression->op) {
    case KERF_OP_IN:
    case KERF_OP_NOT_IN:
        made = kerf_requirement_in(arena, key, expression->values, expression->value_count);
        made.complement = expression->op == KERF_OP_NOT_IN;
        break;
    case KERF_OP_EXISTS:
        made.complement = true;
        break;
    case KERF_OP_DOES_NOT_EXIST:
        break;
    case KERF_OP_GT:
    case KERF_OP_GTE: {
        int64_t bound = bound_of(expression);
        bool beyond = expression->op == KERF_OP_GT && bound == INT64_MAX; /* nothing is greater: DoesNotExist */
        made.complement = !beyond;
        made.has_lower = !beyond;
        made.lower = beyond ? 0 : bound + (expression->op == KERF_OP_GT);
        break;
    }
    case KERF_OP_LT:
    case KERF_OP_LTE: {
        int64_t bound = bound_of(expression);
        bool beyond = expression->op == KERF_OP_LT && bound == INT64_MIN;
        made.complement = !beyond;
        made.has_upper = !beyond;
        made.upper = beyond ? 0 : bound - (expression->op == KERF_OP_LT);
        break;
    }
    }
    made.min_values = expression->min_values;
    return made;
}

/* ---- intersection
 * -------------------------------------------------------------------------------------------------------------- */

/** Walks two sorted lists in step: is `value` in `values`, looking from `*at` on? Values must be asked in ascending order. */
static bool holds_next(const kerf_name *values, uint32_t count, uint32_t *at, kerf_name value)
{
    while (*at < count && values[*at] != value && kerf_name_compare(values[*at], value) < 0)
        (*at)++;
    return *at < count && values[*at] == value;
}

/** Values of `from` that are (or are not) in `other` and lie within the bounds; shares the array of `from` if all are. */
static void keep_values(struct kerf_arena *arena, struct kerf_requirement *result, const struct kerf_requirement *from,
                        const struct kerf_requirement *other, bool wanted, const struct bounds *bounds)
{
    bool search = other->value_count <= LINEAR_SEARCH_MAX || from->value_count * 8u < other->value_count;
    kerf_name *kept = NULL;
    uint32_t kept_count = 0, at = 0;
    for (uint32_t i = 0; i < from->value_count; i++) {
        kerf_name value = from->values[i];
        bool found =
            search ? holds(other->values, other->value_count, value) : holds_next(other->values, other->value_count, &at, value);
        bool keep = found == wanted && within(bounds, value);
        if (!keep && !kept) { /* the first that goes: only now a list of our own is needed */
            kept = KERF_NEW_ARRAY(arena, kerf_name, from->value_count - 1);
            if (i)
                memcpy(kept, from->values, i * sizeof *kept);
            kept_count = i;
        }
        if (keep && kept)
            kept[kept_count++] = value;
    }
    result->values = kept ? kept : from->values;
    result->value_count = kept ? kept_count : from->value_count;
}

static void unite_values(struct kerf_arena *arena, struct kerf_requirement *result, const struct kerf_requirement *a,
                         const struct kerf_requirement *b, const struct bounds *bounds)
{
    static const struct kerf_requirement nothing;
    if (b->value_count == 0) {
        keep_values(arena, result, a, &nothing, false, bounds);
        return;
    }
    if (a->value_count == 0) {
        keep_values(arena, result, b, &nothing, false, bounds);
        return;
    }
    kerf_name *united = KERF_NEW_ARRAY(arena, kerf_name, (size_t)a->value_count + b->value_count);
    uint32_t count = 0, i = 0, j = 0;
    while (i < a->value_count || j < b->value_count) {
        int order = i == a->value_count ? 1 : j == b->value_count ? -1 : kerf_name_compare(a->values[i], b->values[j]);
        kerf_name value = order <= 0 ? a->values[i] : b->values[j];
        i += order <= 0;
        j += order >= 0;
        if (within(bounds, value))
            united[count++] = value;
    }
    result->values = united;
    result->value_count = count;
}

struct kerf_requirement kerf_requirement_intersection(struct kerf_arena *arena, const struct kerf_requirement *a,
                                                      const struct kerf_requirement *b)
{
    struct bounds bounds = merged_bounds(a, b);
    struct kerf_requirement result = {.key = a->key, .min_values = a->min_values > b->min_values ? a->min_values : b->min_values};
    if (crossed(&bounds))
        return result;
    if (a->complement && b->complement) {
        unite_values(arena, &result, a, b, &bounds);
        result.complement = true;
        result.has_lower = bounds.has_lower;
        result.has_upper = bounds.has_upper;
        result.lower = bounds.has_lower ? bounds.lower : 0;
        result.upper = bounds.has_upper ? bounds.upper : 0;
    } else if (a->complement) {
        keep_values(arena, &result, b, a, false, &bounds);
    } else if (b->complement) {
        keep_values(arena, &result, a, b, false, &bounds);
    } else if (a->value_count <= b->value_count) {
        keep_values(arena, &result, a, b, true, &bounds);
    } else {
        keep_values(arena, &result, b, a, true, &bounds);
    }
    return result;
}

bool kerf_requirement_intersects(const struct kerf_requirement *a, const struct kerf_requirement *b)
{
    struct bounds bounds = merged_bounds(a, b);
    if (crossed(&bounds))
        return false;
    if (a->complement && b->complement)
        return true;
    const struct kerf_requirement *concrete = a->complement ? b : b->complement ? a : a->value_count <= b->value_count ? a : b;
    const struct kerf_requirement *other = concrete == a ? b : a;
    for (uint32_t i = 0; i < concrete->value_count; i++) {
        kerf_name value = concrete->values[i];
        if (holds(other->values, other->value_count, value) != other->complement && within(&bounds, value))
            return true;
    }
    return false;
}
