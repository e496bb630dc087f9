/** What the readers of the room share: bytes of a file, and a builder of trees. */
#ifndef KERF_DOCUMENT_INTERNAL_H
#define KERF_DOCUMENT_INTERNAL_H

#include "document/document.h"

enum { KERF_NESTING_MAX = 100 };

/* ---- input.c ---- */

/** Appends what the file (`-`: standard input) holds. */
KERF_MUST_CHECK enum kerf_status kerf_input_read(const char *path, struct kerf_text *bytes, struct kerf_errors *errs);
/** Checks that these are UTF-8 without NUL and finds where the text begins after a byte order mark. */
KERF_MUST_CHECK enum kerf_status kerf_input_check(const char *file, const char *bytes, size_t length, size_t *out_start,
                                                  struct kerf_errors *errs);
/** Line and column (in characters) of an offset. */
struct kerf_place kerf_input_place(const char *file, const char *bytes, size_t offset);

/* ---- tree.c ---- */

/** Builds the trees of one file from pieces in source order: begin, key, scalar, end. */
struct kerf_tree {
    struct kerf_documents *documents;
    struct kerf_errors *errs;
    const char *file;
    enum kerf_document_format format;
    uint32_t document_count;             /* begun in this file */
    uint32_t alias_value_count;          /* copied for aliases in this file */
    KERF_VEC(struct kerf_value) pending; /* values whose parent has not ended; open ones among them */
    uint32_t depth;
    struct kerf_tree_level {
        size_t index;  /* of the open value in `pending` */
        kerf_name key; /* of the next child; NULL when none was given */
        uint32_t key_line, key_column;
    } levels[KERF_NESTING_MAX + 1];
};

void kerf_tree_fini(struct kerf_tree *tree);
/** Opens a map or list. */
KERF_MUST_CHECK enum kerf_status kerf_tree_begin(struct kerf_tree *tree, enum kerf_value_kind kind, uint32_t line,
                                                 uint32_t column);
/** Closes it and returns a copy of its value (its children are in place). */
KERF_MUST_CHECK enum kerf_status kerf_tree_end(struct kerf_tree *tree, struct kerf_value *out_value);
void kerf_tree_key(struct kerf_tree *tree, const char *text, size_t length, uint32_t line, uint32_t column);
/** A scalar or null; the text must live as long as the documents. */
void kerf_tree_scalar(struct kerf_tree *tree, const struct kerf_value *scalar);
/** A copy of a finished value, as a child of the open one. */
KERF_MUST_CHECK enum kerf_status kerf_tree_alias(struct kerf_tree *tree, const struct kerf_value *value, struct kerf_place place);
/** Ends a document: its root becomes one of the documents, unless it is null or was not begun. */
void kerf_tree_end_document(struct kerf_tree *tree);
static inline bool kerf_tree_is_map_open(const struct kerf_tree *tree)
{
    return tree->depth > 0 && tree->pending.items[tree->levels[tree->depth].index].kind == KERF_VALUE_MAP;
}

/** Copies the items of a map, whose keys differ, into the arena, with their index. */
const struct kerf_value *kerf_tree_index_map(struct kerf_documents *documents, const struct kerf_value *items, uint32_t count);

/** The child of a map, through the index that big maps have behind their items. */
const struct kerf_value *kerf_tree_find(const struct kerf_value *map, const char *key);

/* ---- yaml_reader.c, json_reader.c: bytes that passed kerf_input_check, from `start` on ---- */

KERF_MUST_CHECK enum kerf_status kerf_yaml_read(struct kerf_tree *tree, const char *bytes, size_t start, size_t length);
/** Changes the bytes, which must lie in the arena of the documents and be followed by a NUL. */
KERF_MUST_CHECK enum kerf_status kerf_json_read(struct kerf_tree *tree, char *bytes, size_t start, size_t length);

#endif
