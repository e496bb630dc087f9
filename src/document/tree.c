/**
 * Builds trees. A value waits in `pending` until its parent ends; then all children of the parent move to their final place
 * in the arena, side by side, and the children of each of them learn where their parent lies. So each parent pointer is set
 * once, and nothing in the arena is ever moved or wasted.
 */
#include "document/document_internal.h"

#include <stdlib.h>

enum { INDEXED_COUNT_MIN = 17, ALIAS_VALUES_MAX = 1000000 };

/* ---- the index behind the items of a big map: open addressing, slots hold 1 + position ---- */

static uint32_t index_capacity(uint32_t count)
{
    uint32_t capacity = 64;
    while (capacity < 2 * count)
        capacity *= 2;
    return capacity;
}

static size_t items_bytes(enum kerf_value_kind kind, uint32_t count)
{
    size_t bytes = kerf_array_bytes(count, sizeof(struct kerf_value));
    return kind == KERF_VALUE_MAP && count >= INDEXED_COUNT_MIN ? bytes + index_capacity(count) * sizeof(uint32_t) : bytes;
}

/** The slot that leads to the key, or the free one where it belongs. */
static uint32_t index_slot(const struct kerf_value *items, const uint32_t *slots, uint32_t capacity, const char *key)
{
    uint32_t slot = (uint32_t)kerf_hash_text(key) & (capacity - 1);
    while (slots[slot] && strcmp(items[slots[slot] - 1].key, key) != 0)
        slot = (slot + 1) & (capacity - 1);
    return slot;
}

const struct kerf_value *kerf_tree_find(const struct kerf_value *map, const char *key)
{
    if (map->count < INDEXED_COUNT_MIN) {
        for (uint32_t i = 0; i < map->count; i++)
            if (strcmp(map->items[i].key, key) == 0)
                return &map->items[i];
        return NULL;
    }
    const uint32_t *slots = (const uint32_t *)(const void *)(map->items + map->count);
    uint32_t found = slots[index_slot(map->items, slots, index_capacity(map->count), key)];
    return found ? &map->items[found - 1] : NULL;
}

static void report_duplicate(struct kerf_tree *tree, const struct kerf_value *first, const struct kerf_value *second)
{
    struct kerf_place place = {.file = tree->file, .line = second->key_line, .column = second->key_column};
    kerf_errors_add(tree->errs, place, "key \"%s\" is given twice (first in line %" PRIu32 "); expected once", second->key,
                    first->key_line);
}

/** Looks for duplicate keys; keys are interned, so equal keys are one pointer. Fills the index of a big map. */
static enum kerf_status check_and_index_map(struct kerf_tree *tree, struct kerf_value *items, uint32_t count)
{
    enum kerf_status status = KERF_OK;
    if (count < INDEXED_COUNT_MIN) {
        for (uint32_t i = 1; i < count; i++) {
            for (uint32_t j = 0; j < i; j++) {
                if (items[j].key == items[i].key) {
                    report_duplicate(tree, &items[j], &items[i]);
                    status = KERF_E_INPUT;
                    break;
                }
            }
        }
        return status;
    }
    uint32_t *slots = (uint32_t *)(void *)(items + count);
    uint32_t capacity = index_capacity(count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = index_slot(items, slots, capacity, items[i].key);
        if (slots[slot]) {
            report_duplicate(tree, &items[slots[slot] - 1], &items[i]);
            status = KERF_E_INPUT;
        } else {
            slots[slot] = i + 1;
        }
    }
    return status;
}

const struct kerf_value *kerf_tree_index_map(struct kerf_documents *documents, const struct kerf_value *items, uint32_t count)
{
    struct kerf_value *copy = kerf_arena_alloc(&documents->arena, items_bytes(KERF_VALUE_MAP, count));
    if (count > 0)
        memcpy(copy, items, count * sizeof *copy);
    if (count < INDEXED_COUNT_MIN)
        return copy;
    uint32_t *slots = (uint32_t *)(void *)(copy + count);
    uint32_t capacity = index_capacity(count);
    for (uint32_t i = 0; i < count; i++)
        slots[index_slot(copy, slots, capacity, copy[i].key)] = i + 1;
    return copy;
}

static void adopt_children(struct kerf_value *parent)
{
    if (parent->kind < KERF_VALUE_LIST)
        return;
    struct kerf_value *children = (struct kerf_value *)(uintptr_t)parent->items;
    for (uint32_t i = 0; i < parent->count; i++)
        children[i].parent = parent;
}

/* ---- building ---- */

void kerf_tree_fini(struct kerf_tree *tree)
{
    KERF_VEC_FREE(&tree->pending);
}

/** Gives a new child the key that was announced for it. */
static struct kerf_value with_key(struct kerf_tree *tree, struct kerf_value value)
{
    struct kerf_tree_level *level = &tree->levels[tree->depth];
    value.key = NULL;
    value.key_line = value.key_column = 0;
    if (kerf_tree_is_map_open(tree)) {
        KERF_ASSERT(level->key);
        value.key = level->key->text;
        value.key_line = level->key_line;
        value.key_column = level->key_column;
        level->key = NULL;
    }
    return value;
}

void kerf_tree_key(struct kerf_tree *tree, const char *text, size_t length, uint32_t line, uint32_t column)
{
    struct kerf_tree_level *level = &tree->levels[tree->depth];
    KERF_ASSERT(kerf_tree_is_map_open(tree) && !level->key);
    level->key = kerf_name_of_bytes(tree->documents->keys, text, length);
    level->key_line = line;
    level->key_column = column;
}

enum kerf_status kerf_tree_begin(struct kerf_tree *tree, enum kerf_value_kind kind, uint32_t line, uint32_t column)
{
    if (tree->depth == KERF_NESTING_MAX) {
        struct kerf_place place = {.file = tree->file, .line = line, .column = column};
        return kerf_errors_add(tree->errs, place, "values are nested more than %d deep", KERF_NESTING_MAX);
    }
    KERF_VEC_PUSH(&tree->pending, with_key(tree, (struct kerf_value){.kind = (uint8_t)kind, .line = line, .column = column}));
    tree->levels[++tree->depth] = (struct kerf_tree_level){.index = tree->pending.count - 1};
    return KERF_OK;
}

void kerf_tree_scalar(struct kerf_tree *tree, const struct kerf_value *scalar)
{
    KERF_ASSERT(scalar->kind < KERF_VALUE_LIST);
    KERF_VEC_PUSH(&tree->pending, with_key(tree, *scalar));
}

/** Adds the keys of a merged map that the map does not have itself. */
static void merge_map(struct kerf_tree *tree, size_t first, const struct kerf_value *merged)
{
    for (uint32_t i = 0; i < merged->count; i++) {
        bool is_known = false;
        for (size_t j = first; j < tree->pending.count && !is_known; j++)
            is_known = tree->pending.items[j].key == merged->items[i].key;
        if (!is_known)
            KERF_VEC_PUSH(&tree->pending, merged->items[i]);
    }
}

/** Resolves `<<: map` and `<<: [map, map]` among the pending children from `first` on; the map's own keys win. */
static enum kerf_status merge_children(struct kerf_tree *tree, size_t first)
{
    size_t at = first;
    while (at < tree->pending.count && strcmp(tree->pending.items[at].key, "<<") != 0)
        at++;
    if (at == tree->pending.count)
        return KERF_OK;
    struct kerf_value merged = tree->pending.items[at];
    memmove(&tree->pending.items[at], &tree->pending.items[at + 1], (tree->pending.count - at - 1) * sizeof merged);
    tree->pending.count--;
    if (merged.kind == KERF_VALUE_MAP) {
        merge_map(tree, first, &merged);
        return KERF_OK;
    }
    bool are_maps = merged.kind == KERF_VALUE_LIST;
    for (uint32_t i = 0; are_maps && i < merged.count; i++)
        are_maps = merged.items[i].kind == KERF_VALUE_MAP;
    if (!are_maps) {
        struct kerf_place place = {.file = tree->file, .line = merged.key_line, .column = merged.key_column};
        return kerf_errors_add(tree->errs, place, "the merge key << takes a map or a list of maps");
    }
    for (uint32_t i = 0; i < merged.count; i++)
        merge_map(tree, first, &merged.items[i]);
    return KERF_OK;
}

enum kerf_status kerf_tree_end(struct kerf_tree *tree, struct kerf_value *out_value)
{
    size_t index = tree->levels[tree->depth].index;
    enum kerf_value_kind kind = tree->pending.items[index].kind;
    enum kerf_status status = KERF_OK;
    if (kind == KERF_VALUE_MAP && tree->format == KERF_FORMAT_YAML)
        status = merge_children(tree, index + 1);
    uint32_t count = (uint32_t)(tree->pending.count - index - 1);
    struct kerf_value *items = kerf_arena_alloc(&tree->documents->arena, items_bytes(kind, count));
    memcpy(items, tree->pending.items + index + 1, count * sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        adopt_children(&items[i]);
    if (kind == KERF_VALUE_MAP && check_and_index_map(tree, items, count) != KERF_OK)
        status = KERF_E_INPUT;
    tree->pending.items[index].items = items;
    tree->pending.items[index].count = count;
    tree->pending.count = index + 1;
    tree->depth--;
    *out_value = tree->pending.items[index];
    return status;
}

static enum kerf_status copy_children(struct kerf_tree *tree, struct kerf_value *value, uint32_t depth, struct kerf_place place)
{
    if (value->kind < KERF_VALUE_LIST)
        return KERF_OK;
    if (depth >= KERF_NESTING_MAX)
        return kerf_errors_add(tree->errs, place, "with this alias, values are nested more than %d deep", KERF_NESTING_MAX);
    tree->alias_value_count += value->count;
    if (tree->alias_value_count > ALIAS_VALUES_MAX)
        return kerf_errors_add(tree->errs, place, "aliases grow this file beyond %d values", ALIAS_VALUES_MAX);
    struct kerf_value *items = kerf_arena_copy(&tree->documents->arena, value->items, items_bytes(value->kind, value->count));
    value->items = items;
    for (uint32_t i = 0; i < value->count; i++) {
        KERF_TRY(copy_children(tree, &items[i], depth + 1, place));
        adopt_children(&items[i]);
    }
    return KERF_OK;
}

enum kerf_status kerf_tree_alias(struct kerf_tree *tree, const struct kerf_value *value, struct kerf_place place)
{
    struct kerf_value copy = *value;
    tree->alias_value_count++;
    KERF_TRY(copy_children(tree, &copy, tree->depth, place));
    KERF_VEC_PUSH(&tree->pending, with_key(tree, copy));
    return KERF_OK;
}

void kerf_tree_end_document(struct kerf_tree *tree)
{
    KERF_ASSERT(tree->depth == 0);
    KERF_ASSERT(tree->pending.count <= 1);
    uint32_t index_in_file = tree->document_count++;
    if (tree->pending.count == 0)
        return;
    tree->pending.count = 0;
    if (tree->pending.items[0].kind == KERF_VALUE_NULL)
        return;
    struct kerf_document *document = KERF_NEW(&tree->documents->arena, struct kerf_document);
    *document = (struct kerf_document){
        .root = tree->pending.items[0],
        .file = tree->file,
        .index_in_file = index_in_file,
        .format = tree->format,
        .owner = tree->documents,
    };
    adopt_children(&document->root);
    KERF_VEC_PUSH(&tree->documents->list, document);
}
