#include "base/base.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { KEY_COUNT = 500, STEP_COUNT = 20000 };

static uint64_t next_random(uint64_t *state)
{
    return *state = kerf_hash_mix(*state, 1);
}

Test(name_map, behaves_like_a_plain_array)
{
    struct kerf_names *names = kerf_names_new(NULL);
    struct kerf_name_map map = {0};
    uint32_t oracle[KEY_COUNT];
    memset(oracle, 0xff, sizeof oracle);
    uint64_t state = 7;
    uint32_t count = 0;
    for (uint32_t step = 0; step < STEP_COUNT; step++) {
        size_t at = next_random(&state) % KEY_COUNT;
        kerf_name key = kerf_name_format(names, "k%zu", at);
        if (next_random(&state) % 3 == 0) {
            count -= oracle[at] != KERF_NOT_FOUND;
            kerf_name_map_remove(&map, key);
            oracle[at] = KERF_NOT_FOUND;
        } else {
            count += oracle[at] == KERF_NOT_FOUND;
            kerf_name_map_put(&map, key, step);
            oracle[at] = step;
        }
        size_t asked = next_random(&state) % KEY_COUNT;
        cr_assert_eq(kerf_name_map_get(&map, kerf_name_format(names, "k%zu", asked)), oracle[asked]);
        cr_assert_eq(map.count, count);
    }
    kerf_name_map_clear(&map);
    cr_expect_eq(kerf_name_map_get(&map, kerf_name_of(names, "k1")), KERF_NOT_FOUND);
    kerf_name_map_fini(&map);
    kerf_names_free(names);
}

Test(id_map, behaves_like_a_plain_array)
{
    struct kerf_id_map map = {0};
    uint32_t oracle[KEY_COUNT];
    memset(oracle, 0xff, sizeof oracle);
    uint64_t state = 9;
    for (uint32_t step = 0; step < STEP_COUNT; step++) {
        uint64_t at = next_random(&state) % KEY_COUNT;
        uint64_t key = at == 0 ? UINT64_MAX : at * 0x100000000u; /* keys that differ in their high half alone */
        if (next_random(&state) % 3 == 0) {
            kerf_id_map_remove(&map, key);
            oracle[at] = KERF_NOT_FOUND;
        } else {
            kerf_id_map_put(&map, key, step);
            oracle[at] = step;
        }
        uint64_t asked = next_random(&state) % KEY_COUNT;
        cr_assert_eq(kerf_id_map_get(&map, asked == 0 ? UINT64_MAX : asked * 0x100000000u), oracle[asked]);
    }
    kerf_id_map_clear(&map);
    cr_expect_eq(map.count, 0);
    cr_expect_eq(kerf_id_map_get(&map, UINT64_MAX), KERF_NOT_FOUND);
    kerf_id_map_fini(&map);
}

Test(maps, empty_ones_answer)
{
    struct kerf_name_map by_name = {0};
    struct kerf_id_map by_id = {0};
    cr_expect_eq(kerf_name_map_get(&by_name, NULL), KERF_NOT_FOUND);
    cr_expect_eq(kerf_id_map_get(&by_id, 0), KERF_NOT_FOUND);
    kerf_name_map_remove(&by_name, NULL);
    kerf_id_map_remove(&by_id, 0);
    kerf_id_map_put(&by_id, 0, 5);
    cr_expect_eq(kerf_id_map_get(&by_id, 0), 5);
    kerf_id_map_fini(&by_id);
    kerf_name_map_fini(&by_name);
}
