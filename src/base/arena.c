/**
 * Arenas: blocks in a list, newest first; a piece is cut from the newest, and a piece that does not fit opens a new block.
 *
 * Under AddressSanitizer what is not handed out is poisoned, and pieces keep a gap between them, so that running over the end
 * of one is seen. With ARENA_PASSTHROUGH each piece is a block of its own from malloc: then a piece used after a reset is seen
 * too.
 */
#include "base/base.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifdef ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#define POISON(address, size) ASAN_POISON_MEMORY_REGION((address), (size))
#define UNPOISON(address, size) ASAN_UNPOISON_MEMORY_REGION((address), (size))
enum { GAP_BYTES = 16 };
#else
#define POISON(address, size) ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
enum { GAP_BYTES = 0 };
#endif

enum { ALIGNMENT_BYTES = 16, BLOCK_BYTES_FIRST = 4096, BLOCK_BYTES_MAX = 1 << 20 };

struct kerf_arena_block {
    struct kerf_arena_block *older;
    struct kerf_arena_block *spare; /* emptied by a rewind; taken again before a new one is asked for */
    size_t capacity;
    size_t used;
    _Alignas(ALIGNMENT_BYTES) unsigned char bytes[];
};

static void free_block(struct kerf_arena_block *block)
{
    if (!block)
        return;
    free_block(block->spare);
    UNPOISON(block->bytes, block->capacity);
    free(block);
}

/** Takes the newest block off the list and returns it. */
static struct kerf_arena_block *pop_block(struct kerf_arena *arena)
{
    struct kerf_arena_block *block = arena->blocks;
    arena->blocks = block->older;
    return block;
}

/** Empties the block; the larger of it and `kept` lives, the other is freed. */
static struct kerf_arena_block *keep_larger(struct kerf_arena_block *kept, struct kerf_arena_block *block)
{
    free_block(block->spare);
    block->spare = NULL;
    block->older = NULL;
    block->used = 0;
    POISON(block->bytes, block->capacity);
#ifdef ARENA_PASSTHROUGH
    free_block(block);
    return kept;
#else
    if (!kept)
        return block;
    struct kerf_arena_block *smaller = kept->capacity < block->capacity ? kept : block;
    struct kerf_arena_block *larger = smaller == kept ? block : kept;
    free_block(smaller);
    return larger;
#endif
}

void kerf_arena_init(struct kerf_arena *arena)
{
    *arena = (struct kerf_arena){0};
}

void kerf_arena_fini(struct kerf_arena *arena)
{
    if (!arena)
        return;
    while (arena->blocks)
        free_block(pop_block(arena));
    *arena = (struct kerf_arena){0};
}

void kerf_arena_reset(struct kerf_arena *arena)
{
    struct kerf_arena_block *kept = NULL;
    while (arena->blocks)
        kept = keep_larger(kept, pop_block(arena));
    arena->blocks = kept;
    arena->allocated_bytes = 0;
}

static void open_block(struct kerf_arena *arena, size_t size)
{
    struct kerf_arena_block *newest = arena->blocks;
    if (newest && newest->spare && newest->spare->capacity >= size) {
        struct kerf_arena_block *block = newest->spare;
        newest->spare = NULL;
        block->older = newest;
        arena->blocks = block;
        return;
    }
#ifdef ARENA_PASSTHROUGH
    size_t capacity = size;
#else
    size_t capacity = newest ? newest->capacity * 2 : BLOCK_BYTES_FIRST;
    if (capacity > BLOCK_BYTES_MAX)
        capacity = BLOCK_BYTES_MAX;
    if (capacity < size)
        capacity = size;
#endif
    struct kerf_arena_block *block = kerf_reallocate(NULL, sizeof *block + capacity);
    *block = (struct kerf_arena_block){.older = newest, .capacity = capacity};
    POISON(block->bytes, block->capacity);
    arena->blocks = block;
}

void *kerf_arena_alloc(struct kerf_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4)
        kerf_array_bytes(SIZE_MAX, 2); /* out of memory, without an overflow below */
    size_t padded = (size + GAP_BYTES + ALIGNMENT_BYTES - 1) & ~(size_t)(ALIGNMENT_BYTES - 1);
    if (padded == 0)
        padded = ALIGNMENT_BYTES; /* pieces differ in address, also empty ones */
#ifdef ARENA_PASSTHROUGH
    open_block(arena, padded);
#else
    if (!arena->blocks || arena->blocks->capacity - arena->blocks->used < padded)
        open_block(arena, padded);
#endif
    struct kerf_arena_block *block = arena->blocks;
    unsigned char *piece = block->bytes + block->used;
    block->used += padded;
    arena->allocated_bytes += size;
    UNPOISON(piece, size);
    return memset(piece, 0, size);
}

void *kerf_arena_copy(struct kerf_arena *arena, const void *bytes, size_t size)
{
    void *copy = kerf_arena_alloc(arena, size);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

char *kerf_arena_text(struct kerf_arena *arena, const char *text)
{
    return kerf_arena_copy(arena, text, strlen(text) + 1);
}

char *kerf_arena_format(struct kerf_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    KERF_ASSERT(length >= 0);
    char *text = kerf_arena_alloc(arena, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

struct kerf_arena_mark kerf_arena_mark(const struct kerf_arena *arena)
{
    return (struct kerf_arena_mark){
        .block = arena->blocks,
        .used_bytes = arena->blocks ? arena->blocks->used : 0,
        .allocated_bytes = arena->allocated_bytes,
    };
}

void kerf_arena_rewind(struct kerf_arena *arena, struct kerf_arena_mark mark)
{
    struct kerf_arena_block *kept = NULL;
    while (arena->blocks != mark.block) {
        KERF_ASSERT(arena->blocks);
        kept = keep_larger(kept, pop_block(arena));
    }
    arena->allocated_bytes = mark.allocated_bytes;
    if (!mark.block) {
        arena->blocks = kept;
        return;
    }
    if (kept) {
        free_block(mark.block->spare);
        mark.block->spare = kept;
    }
    KERF_ASSERT(mark.used_bytes <= mark.block->used);
    mark.block->used = mark.used_bytes;
    POISON(mark.block->bytes + mark.used_bytes, mark.block->capacity - mark.used_bytes);
}
