/** Lists of requirements, a key once, and how they are compared (karpenter-provisioning 4.3). */
#include "model/requirements.h"

static struct kerf_requirement *find(const struct kerf_requirements *requirements, kerf_name key)
{
    for (size_t i = 0; i < requirements->count; i++)
        if (requirements->items[i].key == key)
            return &requirements->items[i];
    return NULL;
}

const struct kerf_requirement *kerf_requirements_get(const struct kerf_requirements *requirements, kerf_name key)
{
    return find(requirements, key);
}

static void insert(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirement *requirement)
{
    struct kerf_requirement inserted = *requirement; /* may lie in the array that grows */
    if (into->count == into->capacity)
        into->items = kerf_vec_grow_in(arena, into->items, &into->capacity, sizeof *into->items);
    size_t at = into->count++;
    for (; at > 0 && kerf_name_compare(into->items[at - 1].key, inserted.key) > 0; at--)
        into->items[at] = into->items[at - 1];
    into->items[at] = inserted;
}

void kerf_requirements_add(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirement *requirement)
{
    struct kerf_requirement *present = find(into, requirement->key);
    if (present)
        *present = kerf_requirement_intersection(arena, present, requirement);
    else
        insert(arena, into, requirement);
}

void kerf_requirements_add_all(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirements *added)
{
    for (size_t i = 0; i < added->count; i++)
        kerf_requirements_add(arena, into, &added->items[i]);
}

void kerf_requirements_set(struct kerf_arena *arena, struct kerf_requirements *into, const struct kerf_requirement *requirement)
{
    struct kerf_requirement *present = find(into, requirement->key);
    if (present)
        *present = *requirement;
    else
        insert(arena, into, requirement);
}

void kerf_requirements_remove(struct kerf_requirements *from, kerf_name key)
{
    struct kerf_requirement *present = find(from, key);
    if (!present)
        return;
    size_t at = (size_t)(present - from->items);
    memmove(present, present + 1, (--from->count - at) * sizeof *present);
}

struct kerf_requirements kerf_requirements_copy(struct kerf_arena *arena, const struct kerf_requirements *from)
{
    if (from->count == 0)
        return (struct kerf_requirements){0};
    size_t capacity = from->count + 4; /* a copy is made to be narrowed: room for the keys that a pod brings */
    struct kerf_requirement *items = KERF_NEW_ARRAY(arena, struct kerf_requirement, capacity);
    memcpy(items, from->items, from->count * sizeof *items);
    return (struct kerf_requirements){items, from->count, capacity};
}

struct kerf_requirements kerf_requirements_of_labels(struct kerf_arena *arena, const struct kerf_vocabulary *vocabulary,
                                                     const struct kerf_labels *labels)
{
    struct kerf_requirements made = {0};
    if (labels->count == 0)
        return made;
    made.capacity = labels->count + 4;
    made.items = KERF_NEW_ARRAY(arena, struct kerf_requirement, made.capacity);
    kerf_name *values = KERF_NEW_ARRAY(arena, kerf_name, labels->count);
    for (size_t i = 0; i < labels->count; i++) {
        values[i] = labels->items[i].value;
        struct kerf_requirement requirement = {
            .key = kerf_vocabulary_normalize_key(vocabulary, labels->items[i].key),
            .values = &values[i],
            .value_count = 1,
            .min_values = -1,
        };
        kerf_requirements_add(arena, &made, &requirement);
    }
    return made;
}

void kerf_requirements_add_expressions(struct kerf_arena *arena, const struct kerf_vocabulary *vocabulary,
                                       struct kerf_requirements *into, const struct kerf_expressions *expressions)
{
    for (size_t i = 0; i < expressions->count; i++) {
        struct kerf_requirement requirement = kerf_requirement_of(arena, vocabulary, &expressions->items[i]);
        kerf_requirements_add(arena, into, &requirement);
    }
}

/** Such a requirement is content with a label that is not there. */
static bool allows_absence(const struct kerf_requirement *requirement)
{
    enum kerf_operator op = kerf_requirement_operator(requirement);
    return op == KERF_OP_NOT_IN || op == KERF_OP_DOES_NOT_EXIST;
}

static bool refuse(kerf_name key, kerf_name *out_key)
{
    if (out_key)
        *out_key = key;
    return false;
}

/** Finds `key`, from `*at` on: both lists are sorted, so a key that was found need not be passed again. */
static const struct kerf_requirement *find_from(const struct kerf_requirements *requirements, size_t *at, kerf_name key)
{
    for (size_t i = *at; i < requirements->count; i++) {
        if (requirements->items[i].key == key) {
            *at = i + 1;
            return &requirements->items[i];
        }
    }
    return NULL;
}

bool kerf_requirements_intersect(const struct kerf_requirements *a, const struct kerf_requirements *b, kerf_name *out_key)
{
    const struct kerf_requirements *fewer = a->count <= b->count ? a : b;
    const struct kerf_requirements *more = fewer == a ? b : a;
    size_t at = 0;
    for (size_t i = 0; i < fewer->count; i++) {
        const struct kerf_requirement *one = &fewer->items[i];
        const struct kerf_requirement *other = find_from(more, &at, one->key);
        if (!other || kerf_requirement_intersects(one, other))
            continue;
        if (!(allows_absence(one) && allows_absence(other)))
            return refuse(one->key, out_key);
    }
    return true;
}

bool kerf_requirements_compatible(const struct kerf_vocabulary *vocabulary, const struct kerf_requirements *node,
                                  const struct kerf_requirements *incoming, enum kerf_undefined undefined, kerf_name *out_key)
{
    size_t at = 0;
    for (size_t i = 0; i < incoming->count; i++) {
        const struct kerf_requirement *wanted = &incoming->items[i];
        if (find_from(node, &at, wanted->key) || allows_absence(wanted))
            continue;
        if (undefined == KERF_UNDEFINED_WELL_KNOWN && kerf_vocabulary_is_well_known(vocabulary, wanted->key))
            continue;
        return refuse(wanted->key, out_key);
    }
    return kerf_requirements_intersect(node, incoming, out_key);
}
