#include "base/base.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

Test(arena, hands_out_zeroed_aligned_pieces)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    for (size_t round = 0; round < 3; round++) {
        for (size_t size = 0; size < 300; size++) {
            unsigned char *piece = kerf_arena_alloc(&arena, size);
            cr_assert_eq((uintptr_t)piece % 16, 0);
            for (size_t i = 0; i < size; i++)
                cr_assert_eq(piece[i], 0);
            memset(piece, 0xab, size);
        }
        kerf_arena_reset(&arena);
    }
    kerf_arena_fini(&arena);
}

Test(arena, pieces_differ_also_empty_ones)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    cr_expect_neq(kerf_arena_alloc(&arena, 0), kerf_arena_alloc(&arena, 0));
    kerf_arena_fini(&arena);
}

Test(arena, counts_what_it_handed_out)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    kerf_arena_alloc(&arena, 10);
    struct kerf_arena_mark mark = kerf_arena_mark(&arena);
    kerf_arena_alloc(&arena, 5000000);
    cr_expect_eq(arena.allocated_bytes, 5000010);
    kerf_arena_rewind(&arena, mark);
    cr_expect_eq(arena.allocated_bytes, 10);
    kerf_arena_reset(&arena);
    cr_expect_eq(arena.allocated_bytes, 0);
    kerf_arena_fini(&arena);
}

Test(arena, rewinding_keeps_what_lay_before_the_mark)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    char *kept = kerf_arena_text(&arena, "kept");
    for (int round = 0; round < 50; round++) {
        struct kerf_arena_mark mark = kerf_arena_mark(&arena);
        for (size_t i = 0; i < 400; i++)
            memset(kerf_arena_alloc(&arena, i * 7), 0xcd, i * 7);
        kerf_arena_rewind(&arena, mark);
    }
    cr_expect_str_eq(kept, "kept");
    kerf_arena_fini(&arena);
}

Test(arena, rewinding_to_the_beginning)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    struct kerf_arena_mark mark = kerf_arena_mark(&arena);
    for (int round = 0; round < 3; round++) {
        kerf_arena_alloc(&arena, 100000);
        kerf_arena_alloc(&arena, 10);
        kerf_arena_rewind(&arena, mark.block ? mark : (struct kerf_arena_mark){0});
    }
    cr_expect_eq(arena.allocated_bytes, 0);
    kerf_arena_fini(&arena);
}

Test(arena, copies_and_formats)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    cr_expect_str_eq(kerf_arena_format(&arena, "%s-%d", "pod", 7), "pod-7");
    cr_expect_str_eq(kerf_arena_copy(&arena, "abc", 4), "abc");
    cr_expect_not_null(kerf_arena_copy(&arena, NULL, 0));
    kerf_arena_fini(&arena);
    kerf_arena_fini(NULL);
}

Test(arena, an_unknown_mark_is_a_bug, .signal = SIGABRT)
{
    struct kerf_arena one, other;
    kerf_arena_init(&one);
    kerf_arena_init(&other);
    kerf_arena_alloc(&other, 1);
    kerf_arena_rewind(&one, kerf_arena_mark(&other));
}

Test(vec, grows_on_the_heap_and_in_an_arena)
{
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    KERF_VEC(uint32_t) heap = {0};
    KERF_VEC(uint32_t) piece = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        KERF_VEC_PUSH(&heap, i);
        KERF_VEC_PUSH_IN(&arena, &piece, i * 2);
    }
    cr_assert_eq(heap.count, 1000);
    cr_assert_eq(piece.count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert_eq(heap.items[i], i);
        cr_assert_eq(piece.items[i], i * 2);
    }
    KERF_VEC_FREE(&heap);
    cr_expect_null(heap.items);
    kerf_arena_fini(&arena);
}

static void leave_with_9(size_t size)
{
    (void)size;
    _Exit(9);
}

Test(memory, an_overflowing_size_is_out_of_memory, .exit_code = 9)
{
    kerf_set_out_of_memory_handler(leave_with_9);
    kerf_array_bytes(SIZE_MAX / 2, 3);
}

Test(memory, an_absurd_piece_is_out_of_memory, .exit_code = 4)
{
    kerf_set_out_of_memory_handler(NULL);
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    kerf_arena_alloc(&arena, SIZE_MAX - 3);
}

Test(memory, size_zero_is_not_null)
{
    void *memory = kerf_allocate(0);
    cr_expect_not_null(memory);
    memory = kerf_reallocate(memory, 0);
    cr_expect_not_null(memory);
    free(memory);
}
