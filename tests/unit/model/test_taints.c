/** Which toleration answers which taint. */
#include "../../support/objects_builder.h"

#include <criterion/criterion.h>

static struct test_world world;
static void set_up(void) { test_world_init(&world); }
static void tear_down(void) { test_world_fini(&world); }
TestSuite(taints, .init = set_up, .fini = tear_down);

enum { ANY = KERF_TAINT_EFFECT_ANY, HARD = KERF_TAINT_NO_SCHEDULE, SOFT = KERF_TAINT_PREFER_NO_SCHEDULE };

Test(taints, tolerations)
{
    static const struct {
        const char *key;
        enum kerf_toleration_operator op;
        const char *value;
        int effect;
        const char *taint_value;
        bool want;
    } rows[] = { /* against the taint k=..:NoSchedule */
        {"k", KERF_TOLERATION_EQUAL, "v", HARD, "v", true},    {"k", KERF_TOLERATION_EQUAL, "v", ANY, "v", true},
        {"k", KERF_TOLERATION_EQUAL, "v", SOFT, "v", false},   {"k", KERF_TOLERATION_EQUAL, "w", HARD, "v", false},
        {"l", KERF_TOLERATION_EXISTS, NULL, HARD, "v", false}, {"k", KERF_TOLERATION_EXISTS, NULL, HARD, "v", true},
        {NULL, KERF_TOLERATION_EXISTS, NULL, ANY, "v", true},  {NULL, KERF_TOLERATION_EXISTS, NULL, SOFT, "v", false},
        {"k", KERF_TOLERATION_EQUAL, NULL, HARD, NULL, true},  {"k", KERF_TOLERATION_EQUAL, "", HARD, NULL, true},
        {"k", KERF_TOLERATION_GT, "5", HARD, "6", true},       {"k", KERF_TOLERATION_GT, "5", HARD, "5", false},
        {"k", KERF_TOLERATION_LT, "5", HARD, "4", true},       {"k", KERF_TOLERATION_LT, "5", HARD, "x", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kerf_toleration toleration = {.key = name_of(&world, rows[i].key),
                                             .op = rows[i].op,
                                             .value = name_of(&world, rows[i].value),
                                             .effect = (enum kerf_taint_effect)rows[i].effect,
                                             .toleration_seconds = -1};
        struct kerf_taint taint = {name_of(&world, "k"), name_of(&world, rows[i].taint_value), KERF_TAINT_NO_SCHEDULE};
        cr_expect_eq(kerf_toleration_tolerates(&toleration, &taint), rows[i].want, "row %zu", i);
    }
}

Test(taints, first_untolerated)
{
    struct kerf_taint items[] = {{name_of(&world, "a"), NULL, KERF_TAINT_PREFER_NO_SCHEDULE},
                                 {name_of(&world, "b"), NULL, KERF_TAINT_NO_SCHEDULE},
                                 {name_of(&world, "c"), NULL, KERF_TAINT_NO_EXECUTE}};
    struct kerf_taints taints = {items, 3};
    struct kerf_toleration b = {.key = name_of(&world, "b"), .op = KERF_TOLERATION_EXISTS, .effect = KERF_TAINT_EFFECT_ANY};
    struct kerf_tolerations tolerations = {&b, 1}, none = {0};
    cr_expect_eq(kerf_taints_untolerated(&taints, &tolerations, KERF_EFFECTS_ALL), &items[0]);
    cr_expect_eq(kerf_taints_untolerated(&taints, &tolerations, KERF_EFFECTS_HARD), &items[2]);
    cr_expect_eq(kerf_taints_untolerated(&taints, &none, KERF_EFFECTS_HARD), &items[1]);
    cr_expect_null(kerf_taints_untolerated(&taints, &tolerations, 1u << KERF_TAINT_NO_SCHEDULE));
}
