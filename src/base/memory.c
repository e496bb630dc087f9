/** The heap: allocation that never returns NULL, checked sizes, growing arrays. */
#include "base/base.h"

#include <stdlib.h>

static void exit_for_lack_of_memory(size_t size)
{
    fprintf(stderr, "kerf: out of memory (%zu bytes were asked for)\n", size);
    exit(4);
}

static kerf_out_of_memory_handler out_of_memory_handler = exit_for_lack_of_memory;

void kerf_set_out_of_memory_handler(kerf_out_of_memory_handler handler)
{
    out_of_memory_handler = handler ? handler : exit_for_lack_of_memory;
}

static _Noreturn void fail_for_lack_of_memory(size_t size)
{
    out_of_memory_handler(size);
    abort(); /* the handler broke its promise */
}

void *kerf_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        fail_for_lack_of_memory(size);
    return memory;
}

void *kerf_reallocate(void *memory, size_t size)
{
    void *moved = realloc(memory, size ? size : 1);
    if (!moved)
        fail_for_lack_of_memory(size);
    return moved;
}

size_t kerf_array_bytes(size_t count, size_t item_bytes)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_bytes, &bytes))
        fail_for_lack_of_memory(SIZE_MAX);
    return bytes;
}

static size_t grown_capacity(size_t capacity)
{
    return capacity < 8 ? 8 : capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
}

void *kerf_vec_grow(void *items, size_t *capacity, size_t item_bytes)
{
    size_t grown = grown_capacity(*capacity);
    void *moved = kerf_reallocate(items, kerf_array_bytes(grown, item_bytes));
    *capacity = grown;
    return moved;
}

void *kerf_vec_grow_in(struct kerf_arena *arena, void *items, size_t *capacity, size_t item_bytes)
{
    size_t grown = grown_capacity(*capacity);
    void *moved = kerf_arena_alloc(arena, kerf_array_bytes(grown, item_bytes));
    if (*capacity)
        memcpy(moved, items, *capacity * item_bytes);
    *capacity = grown;
    return moved;
}
