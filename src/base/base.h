/**
 * base: what every room stands on and what knows nothing of Kubernetes: memory in arenas, growing arrays, interned names,
 * look-up tables, bitsets, a stable sort, exact integer parsing, text buffers, hashes, asserts.
 *
 * Memory: an allocation that fails calls the handler of kerf_set_out_of_memory_handler, which must not return (default: a
 * line on stderr, exit 4). So no caller checks for NULL. The packing library has its own rule and does not use this room.
 */
#ifndef KERF_BASE_H
#define KERF_BASE_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kerf/status.h"
#include "kerf/units.h"

/* ---- asserts ------------------------------------------------------------------------------------------------------------- */

/** Ends the process with the message and, if a run is under way in this thread, its seed, replication and time. */
_Noreturn void kerf_assert_failed(const char *condition, const char *file, int line);

/** Cheap preconditions; stays in release builds. One condition each. */
#define KERF_ASSERT(condition) ((condition) ? (void)0 : kerf_assert_failed(#condition, __FILE__, __LINE__))

/** Recomputes what is believed; compiled only with KERF_CHECKED (debug and sanitizer builds). */
#ifdef KERF_CHECKED
#define KERF_CHECK_SLOW(condition) KERF_ASSERT(condition)
#else
#define KERF_CHECK_SLOW(condition) ((void)0)
#endif

/** What an assert prints about the run of this thread; set by `sim`, `now_us` is read when an assert fails. NULL: no run. */
struct kerf_run_context {
    uint64_t seed;
    uint32_t replication;
    const char *design;
    const kerf_time_us *now_us;
};
void kerf_set_run_context(const struct kerf_run_context *context);

/* ---- memory -------------------------------------------------------------------------------------------------------------- */

typedef void (*kerf_out_of_memory_handler)(size_t size); /* must not return */
void kerf_set_out_of_memory_handler(kerf_out_of_memory_handler handler);

void *kerf_allocate(size_t size);                 /* zeroed; never NULL, also for size 0 */
void *kerf_reallocate(void *memory, size_t size); /* never NULL; new bytes are not cleared */

/** Pieces that die together. Alignment 16; zeroed. Free space is poisoned under AddressSanitizer; built with
 *  ARENA_PASSTHROUGH each piece is a malloc of its own. */
struct kerf_arena {
    struct kerf_arena_block *blocks;
    size_t allocated_bytes; /* handed out since the last reset */
};
void kerf_arena_init(struct kerf_arena *arena);
void kerf_arena_fini(struct kerf_arena *arena);
void kerf_arena_reset(struct kerf_arena *arena); /* forgets all pieces, keeps the largest block for re-use */
void *kerf_arena_alloc(struct kerf_arena *arena, size_t size);
void *kerf_arena_copy(struct kerf_arena *arena, const void *bytes, size_t size);
char *kerf_arena_text(struct kerf_arena *arena, const char *text);
char *kerf_arena_format(struct kerf_arena *arena, const char *format, ...) KERF_PRINTF(2, 3);

/** A place to come back to: what was allocated after the mark is forgotten by kerf_arena_rewind. */
struct kerf_arena_mark {
    struct kerf_arena_block *block;
    size_t used_bytes;
    size_t allocated_bytes;
};
struct kerf_arena_mark kerf_arena_mark(const struct kerf_arena *arena);
void kerf_arena_rewind(struct kerf_arena *arena, struct kerf_arena_mark mark);

#define KERF_NEW(arena, type) ((type *)kerf_arena_alloc((arena), sizeof(type)))
#define KERF_NEW_ARRAY(arena, type, count) ((type *)kerf_arena_alloc((arena), kerf_array_bytes((count), sizeof(type))))
size_t kerf_array_bytes(size_t count, size_t item_bytes); /* checked product: overflow counts as out of memory */

/** A growing array of a type: `KERF_VEC(struct kerf_taint) taints;` All zero is empty. */
#define KERF_VEC(type)                                                                                                            \
    struct {                                                                                                                      \
        type *items;                                                                                                              \
        size_t count;                                                                                                             \
        size_t capacity;                                                                                                          \
    }
/** Appends to a vec on the heap; free with KERF_VEC_FREE. */
#define KERF_VEC_PUSH(vec, ...)                                                                                                   \
    do {                                                                                                                          \
        if ((vec)->count == (vec)->capacity)                                                                                      \
            (vec)->items = kerf_vec_grow((vec)->items, &(vec)->capacity, sizeof *(vec)->items);                                   \
        (vec)->items[(vec)->count++] = (__VA_ARGS__);                                                                             \
    } while (0)
#define KERF_VEC_FREE(vec) (free((vec)->items), (vec)->items = NULL, (vec)->count = (vec)->capacity = 0)
/** Appends to a vec whose items lie in an arena (grown by copying; never freed alone). */
#define KERF_VEC_PUSH_IN(arena, vec, ...)                                                                                         \
    do {                                                                                                                          \
        if ((vec)->count == (vec)->capacity)                                                                                      \
            (vec)->items = kerf_vec_grow_in((arena), (vec)->items, &(vec)->capacity, sizeof *(vec)->items);                       \
        (vec)->items[(vec)->count++] = (__VA_ARGS__);                                                                             \
    } while (0)
void *kerf_vec_grow(void *items, size_t *capacity, size_t item_bytes);
void *kerf_vec_grow_in(struct kerf_arena *arena, void *items, size_t *capacity, size_t item_bytes);

/* ---- names --------------------------------------------------------------------------------------------------------------- */

/**
 * An interned text: within one family of tables, equal texts are the same pointer, so `==` compares. NULL means absent.
 * Order by kerf_name_compare (bytes), never by address. `hash` follows from the text alone.
 */
struct kerf_name {
    uint32_t hash;
    uint32_t length;
    char text[];
};
typedef const struct kerf_name *kerf_name;

/**
 * A table of names. A child sees its parent's names and adds its own; the parent must no longer grow while children live, and
 * may then be shared by threads (each replication has a child of its own).
 */
struct kerf_names;
struct kerf_names *kerf_names_new(const struct kerf_names *parent);
void kerf_names_free(struct kerf_names *names);
kerf_name kerf_name_of(struct kerf_names *names, const char *text);                          /* NULL text gives NULL */
kerf_name kerf_name_of_bytes(struct kerf_names *names, const char *bytes, size_t length);
kerf_name kerf_name_format(struct kerf_names *names, const char *format, ...) KERF_PRINTF(2, 3);
kerf_name kerf_name_find(const struct kerf_names *names, const char *text);                  /* NULL when nobody interned it */
int kerf_name_compare(kerf_name a, kerf_name b);                                             /* byte order; NULL first */
static inline const char *kerf_name_text(kerf_name name) { return name ? name->text : ""; }
static inline bool kerf_name_is(kerf_name name, const char *text)
{
    return name && name->text[0] == text[0] && strcmp(name->text, text) == 0;
}

/* ---- look-up tables: by content, never walked ------------------------------------------------------------------------------ */

#define KERF_NOT_FOUND UINT32_MAX

/** name -> number. All zero is empty. */
struct kerf_name_map {
    struct kerf_name_map_entry *entries;
    uint32_t count;
    uint32_t capacity;
};
void kerf_name_map_fini(struct kerf_name_map *map);
void kerf_name_map_clear(struct kerf_name_map *map); /* keeps the memory */
void kerf_name_map_put(struct kerf_name_map *map, kerf_name key, uint32_t value);
uint32_t kerf_name_map_get(const struct kerf_name_map *map, kerf_name key); /* KERF_NOT_FOUND when absent */
void kerf_name_map_remove(struct kerf_name_map *map, kerf_name key);

/** 64-bit key -> number (the key is any number that follows from content: an id, a pair of indices, a hash known to be unique). */
struct kerf_id_map {
    struct kerf_id_map_entry *entries;
    uint32_t count;
    uint32_t capacity;
};
void kerf_id_map_fini(struct kerf_id_map *map);
void kerf_id_map_clear(struct kerf_id_map *map);
void kerf_id_map_put(struct kerf_id_map *map, uint64_t key, uint32_t value);
uint32_t kerf_id_map_get(const struct kerf_id_map *map, uint64_t key);
void kerf_id_map_remove(struct kerf_id_map *map, uint64_t key);

/* ---- bitsets: arrays of 64-bit words ------------------------------------------------------------------------------------- */

static inline size_t kerf_bitset_words(size_t bit_count) { return (bit_count + 63) / 64; }
static inline bool kerf_bit_get(const uint64_t *words, size_t index) { return words[index / 64] >> (index % 64) & 1; }
static inline void kerf_bit_set(uint64_t *words, size_t index) { words[index / 64] |= (uint64_t)1 << (index % 64); }
static inline void kerf_bit_clear(uint64_t *words, size_t index) { words[index / 64] &= ~((uint64_t)1 << (index % 64)); }
size_t kerf_bitset_count(const uint64_t *words, size_t word_count);
/** The first set bit at or after `from`, or SIZE_MAX. */
size_t kerf_bitset_next(const uint64_t *words, size_t word_count, size_t from);

/* ---- order --------------------------------------------------------------------------------------------------------------- */

typedef int (*kerf_compare)(const void *a, const void *b, void *context);
/** Stable merge sort. */
void kerf_sort(void *items, size_t count, size_t item_bytes, kerf_compare compare, void *context);
static inline int kerf_compare_i64(int64_t a, int64_t b) { return (a > b) - (a < b); }
static inline int kerf_compare_u64(uint64_t a, uint64_t b) { return (a > b) - (a < b); }
static inline int kerf_compare_double(double a, double b) { return (a > b) - (a < b); }

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

/** Decimal, optional sign, whole text, no blanks; false on anything else or overflow. */
bool kerf_parse_i64(const char *text, int64_t *out_value);
bool kerf_parse_u64(const char *text, uint64_t *out_value);
/** Decimal floating point as the C locale writes it, whole text, finite; independent of the process' locale. */
bool kerf_parse_double(const char *text, double *out_value);

/** A growing text on the heap, always terminated once anything was appended. All zero is empty. */
struct kerf_text {
    char *bytes;
    size_t length;
    size_t capacity;
};
void kerf_text_fini(struct kerf_text *text);
void kerf_text_clear(struct kerf_text *text);
void kerf_text_append(struct kerf_text *text, const char *piece);
void kerf_text_append_bytes(struct kerf_text *text, const void *bytes, size_t length);
void kerf_text_append_format(struct kerf_text *text, const char *format, ...) KERF_PRINTF(2, 3);
void kerf_text_append_format_list(struct kerf_text *text, const char *format, va_list arguments) KERF_PRINTF(2, 0);

/** Number of single-byte edits (insert, delete, replace, swap of neighbours), at most `limit`; for "did you mean". */
uint32_t kerf_edit_distance(const char *a, const char *b, uint32_t limit);
/** The candidate nearest to `text` within a third of its length, or NULL. */
const char *kerf_nearest(const char *text, const char *const *candidates, size_t candidate_count);

/* ---- hashes -------------------------------------------------------------------------------------------------------------- */

uint64_t kerf_hash_bytes(const void *bytes, size_t length);
uint64_t kerf_hash_text(const char *text);
static inline uint64_t kerf_hash_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2));
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* ---- exact arithmetic ---------------------------------------------------------------------------------------------------- */

__extension__ typedef __int128 kerf_i128; /* sums over a fleet outgrow 64 bits in our units */

static inline int64_t kerf_saturate_i64(kerf_i128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}
static inline int64_t kerf_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t kerf_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- log ----------------------------------------------------------------------------------------------------------------- */

/** Prose for people; may change freely. Libraries are given this function and never print. */
typedef void (*kerf_log_function)(void *context, const char *message);

#endif
