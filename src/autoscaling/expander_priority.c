/** Expander priority: numbers with patterns of group names, from its ConfigMap (7.3). */
#include "autoscaling_internal.h"
#include "document/document.h"

/** A priority of the ConfigMap and what it asks of a name. */
struct rank {
    int64_t priority;
    struct name_pattern **patterns;
    uint32_t pattern_count;
};

/** False: the text is not what the expander takes. */
static bool read_rank(struct kerf_arena *arena, const struct kerf_value *entry, struct rank *out_rank)
{
    struct kerf_errors *errs = kerf_errors_new();
    bool good = kerf_parse_i64(entry->key, &out_rank->priority) && kerf_value_is_list(entry);
    out_rank->pattern_count = good ? kerf_value_count(entry) : 0;
    out_rank->patterns = KERF_NEW_ARRAY(arena, struct name_pattern *, out_rank->pattern_count);
    for (uint32_t i = 0; i < out_rank->pattern_count && good; i++) {
        const char *text = NULL;
        good = kerf_value_read_text(&entry->items[i], &text, errs) == KERF_OK && text != NULL;
        out_rank->patterns[i] = good ? kerf_name_pattern_new(arena, text) : NULL;
        good = good && out_rank->patterns[i] != NULL;
    }
    kerf_errors_free(errs);
    return good;
}

/** The ranks of the text; count 0: nothing usable. */
static struct rank *read_ranks(struct kerf_arena *arena, const char *text, uint32_t *out_count)
{
    struct kerf_errors *errs = kerf_errors_new();
    struct kerf_documents *documents = kerf_documents_new();
    struct rank *ranks = NULL;
    *out_count = 0;
    if (kerf_documents_read_bytes(documents, "priorities", text, strlen(text), errs) == KERF_OK && documents->list.count == 1 &&
        kerf_value_is_map(&documents->list.items[0]->root)) {
        const struct kerf_value *root = &documents->list.items[0]->root;
        uint32_t count = kerf_value_count(root);
        ranks = KERF_NEW_ARRAY(arena, struct rank, count);
        while (*out_count < count && read_rank(arena, &root->items[*out_count], &ranks[*out_count]))
            (*out_count)++;
        if (*out_count < count)
            *out_count = 0; /* one mistake spoils all */
    }
    kerf_documents_free(documents);
    kerf_errors_free(errs);
    return ranks;
}

static bool matches(const struct rank *rank, const char *name)
{
    for (uint32_t i = 0; i < rank->pattern_count; i++)
        if (kerf_name_pattern_finds(rank->patterns[i], name))
            return true;
    return false;
}

uint32_t kerf_expander_priority(const struct expansion *expansion, uint32_t *kept, uint32_t count)
{
    const struct kerf_autoscaling *autoscaling = expansion->autoscaling;
    if (!autoscaling->priorities)
        return count;
    struct kerf_arena arena;
    kerf_arena_init(&arena);
    uint32_t rank_count;
    struct rank *ranks = read_ranks(&arena, autoscaling->priorities, &rank_count);
    int64_t highest = -1; /* numbers below never win */
    int64_t *priority_of = KERF_NEW_ARRAY(&arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = kerf_name_text(autoscaling->moment->groups[expansion->options[kept[i]].group_index].name);
        priority_of[i] = -2;
        for (uint32_t r = 0; r < rank_count; r++)
            if (ranks[r].priority > priority_of[i] && matches(&ranks[r], name))
                priority_of[i] = ranks[r].priority;
        highest = kerf_max_i64(highest, priority_of[i]);
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++)
        if (priority_of[i] == highest)
            kept[left++] = kept[i];
    kerf_arena_fini(&arena);
    return left ? left : count;
}
