/** One tree of values laid over another. */
#include "document/document_internal.h"

#include <stdlib.h>

static const struct kerf_value *merge_items(struct kerf_documents *documents, const struct kerf_value *base,
                                            const struct kerf_value *overlay, uint32_t *out_count);

/** The child as it stands where both have it: maps merge, all else is replaced. Its parent stays the one that it was read with. */
static struct kerf_value merge_child(struct kerf_documents *documents, const struct kerf_value *base, const struct kerf_value *overlay)
{
    struct kerf_value child = *overlay;
    if (base->kind == KERF_VALUE_MAP && overlay->kind == KERF_VALUE_MAP)
        child.items = merge_items(documents, base, overlay, &child.count);
    return child;
}

static const struct kerf_value *merge_items(struct kerf_documents *documents, const struct kerf_value *base,
                                            const struct kerf_value *overlay, uint32_t *out_count)
{
    KERF_VEC(struct kerf_value) items = {0};
    for (uint32_t i = 0; i < base->count; i++) {
        const struct kerf_value *over = kerf_tree_find(overlay, base->items[i].key);
        KERF_VEC_PUSH(&items, over ? merge_child(documents, &base->items[i], over) : base->items[i]);
    }
    for (uint32_t i = 0; i < overlay->count; i++)
        if (!kerf_tree_find(base, overlay->items[i].key))
            KERF_VEC_PUSH(&items, overlay->items[i]);
    *out_count = (uint32_t)items.count;
    const struct kerf_value *indexed = kerf_tree_index_map(documents, items.items, *out_count);
    KERF_VEC_FREE(&items);
    return indexed;
}

const struct kerf_value *kerf_value_overlay(struct kerf_documents *documents, const struct kerf_value *base,
                                            const struct kerf_value *overlay)
{
    KERF_ASSERT(kerf_value_is_map(base));
    KERF_ASSERT(kerf_value_is_map(overlay));
    const struct kerf_document *source = kerf_value_document(overlay);
    struct kerf_document *document = KERF_NEW(&documents->arena, struct kerf_document);
    *document = *source;
    document->root = (struct kerf_value){.kind = KERF_VALUE_MAP, .line = overlay->line, .column = overlay->column};
    document->root.items = merge_items(documents, base, overlay, &document->root.count);
    return &document->root;
}
