/** Taints and the tolerations that answer them. */
#include "model/requirements.h"

const char *kerf_taint_effect_text(enum kerf_taint_effect effect)
{
    static const char *const texts[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", ""};
    return texts[effect];
}

/** An absent value and an empty one are the same. */
static bool same_value(kerf_name a, kerf_name b)
{
    return a == b || ((!a || a->length == 0) && (!b || b->length == 0));
}

bool kerf_toleration_tolerates(const struct kerf_toleration *toleration, const struct kerf_taint *taint)
{
    if (toleration->effect != KERF_TAINT_EFFECT_ANY && toleration->effect != taint->effect)
        return false;
    if (toleration->key && toleration->key->length > 0 && toleration->key != taint->key)
        return false;
    int64_t bound, value;
    switch (toleration->op) {
    case KERF_TOLERATION_EQUAL:
        return same_value(toleration->value, taint->value);
    case KERF_TOLERATION_EXISTS:
        return true;
    default:
        if (!kerf_parse_i64(kerf_name_text(toleration->value), &bound) || !kerf_parse_i64(kerf_name_text(taint->value), &value))
            return false;
        return toleration->op == KERF_TOLERATION_GT ? value > bound : value < bound;
    }
}

static bool compares(const struct kerf_toleration *toleration)
{
    return toleration->op == KERF_TOLERATION_GT || toleration->op == KERF_TOLERATION_LT;
}

const struct kerf_taint *kerf_taints_untolerated(const struct kerf_taints *taints, const struct kerf_tolerations *tolerations,
                                                 unsigned effects)
{
    for (size_t i = 0; i < taints->count; i++) {
        const struct kerf_taint *taint = &taints->items[i];
        if (!(effects >> taint->effect & 1))
            continue;
        size_t j = 0;
        while (j < tolerations->count && ((effects & KERF_COMPARISONS_OFF && compares(&tolerations->items[j])) ||
                                          !kerf_toleration_tolerates(&tolerations->items[j], taint)))
            j++;
        if (j == tolerations->count)
            return taint;
    }
    return NULL;
}
