/** Interned names: open addressing over texts that lie in an arena of the table. */
#include "base/base.h"

#include <stdlib.h>

struct kerf_names {
    const struct kerf_names *parent;
    struct kerf_arena arena;
    kerf_name *slots; /* capacity is a power of two; NULL is free */
    size_t capacity;
    size_t count;
};

struct kerf_names *kerf_names_new(const struct kerf_names *parent)
{
    struct kerf_names *names = kerf_allocate(sizeof *names);
    names->parent = parent;
    kerf_arena_init(&names->arena);
    return names;
}

void kerf_names_free(struct kerf_names *names)
{
    if (!names)
        return;
    kerf_arena_fini(&names->arena);
    free(names->slots);
    free(names);
}

static uint32_t hash_of(const char *bytes, size_t length)
{
    uint64_t hash = kerf_hash_bytes(bytes, length);
    return (uint32_t)(hash ^ hash >> 32);
}

/** The slot that holds the text, or the free one where it belongs. The table must not be empty. */
static size_t slot_of(const struct kerf_names *names, uint32_t hash, const char *bytes, size_t length)
{
    size_t slot = hash & (names->capacity - 1);
    for (;; slot = (slot + 1) & (names->capacity - 1)) {
        kerf_name name = names->slots[slot];
        if (!name || (name->hash == hash && name->length == length && memcmp(name->text, bytes, length) == 0))
            return slot;
    }
}

static kerf_name find(const struct kerf_names *names, uint32_t hash, const char *bytes, size_t length)
{
    for (; names; names = names->parent) {
        kerf_name name = names->capacity ? names->slots[slot_of(names, hash, bytes, length)] : NULL;
        if (name)
            return name;
    }
    return NULL;
}

static void grow(struct kerf_names *names)
{
    kerf_name *old_slots = names->slots;
    size_t old_capacity = names->capacity;
    names->capacity = old_capacity ? old_capacity * 2 : 64;
    names->slots = kerf_allocate(kerf_array_bytes(names->capacity, sizeof *names->slots));
    for (size_t i = 0; i < old_capacity; i++)
        if (old_slots[i])
            names->slots[slot_of(names, old_slots[i]->hash, old_slots[i]->text, old_slots[i]->length)] = old_slots[i];
    free(old_slots);
}

kerf_name kerf_name_of_bytes(struct kerf_names *names, const char *bytes, size_t length)
{
    KERF_ASSERT(length < UINT32_MAX);
    uint32_t hash = hash_of(bytes, length);
    kerf_name known = find(names, hash, bytes, length);
    if (known)
        return known;
    if (names->count >= names->capacity - names->capacity / 4)
        grow(names);
    struct kerf_name *name = kerf_arena_alloc(&names->arena, sizeof *name + length + 1);
    name->hash = hash;
    name->length = (uint32_t)length;
    memcpy(name->text, bytes, length);
    names->slots[slot_of(names, hash, bytes, length)] = name;
    names->count++;
    return name;
}

kerf_name kerf_name_of(struct kerf_names *names, const char *text)
{
    return text ? kerf_name_of_bytes(names, text, strlen(text)) : NULL;
}

kerf_name kerf_name_format(struct kerf_names *names, const char *format, ...)
{
    char short_text[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(short_text, sizeof short_text, format, arguments);
    va_end(arguments);
    KERF_ASSERT(length >= 0);
    if ((size_t)length < sizeof short_text)
        return kerf_name_of_bytes(names, short_text, (size_t)length);
    char *long_text = kerf_allocate((size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(long_text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    kerf_name name = kerf_name_of_bytes(names, long_text, (size_t)length);
    free(long_text);
    return name;
}

kerf_name kerf_name_find(const struct kerf_names *names, const char *text)
{
    if (!text)
        return NULL;
    size_t length = strlen(text);
    return find(names, hash_of(text, length), text, length);
}

int kerf_name_compare(kerf_name a, kerf_name b)
{
    if (a == b)
        return 0;
    if (!a || !b)
        return a ? 1 : -1;
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, shorter);
    return order ? (order > 0) - (order < 0) : kerf_compare_u64(a->length, b->length);
}

