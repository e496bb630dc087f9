/**
 * document: what people write and what clusters print, as data with places. YAML and JSON become one tree of values that
 * know their file, line, column and path; CSV and TSV become rows; and results are written as JSON. What the values mean
 * (quantities, labels, kinds) is for the rooms above.
 *
 * Every scalar is kept as its text, so `no`, `0.5`, `1Gi` and 20 digits reach the reader as they were written.
 *
 * YAML is read by libyaml. JSON has a reader of its own: a parser that turns numbers into doubles loses the digits of `0.1`
 * and of large integers, one without positions needs a second walk to name a place, and one with an allocation a value
 * needs several times the memory; ours cuts the texts out of the file's bytes. The tests compare it with cJSON.
 */
#ifndef KERF_DOCUMENT_H
#define KERF_DOCUMENT_H

#include "base/base.h"

/* ---- the tree ------------------------------------------------------------------------------------------------------------ */

enum kerf_value_kind { KERF_VALUE_NULL, KERF_VALUE_SCALAR, KERF_VALUE_LIST, KERF_VALUE_MAP };

/** Immutable once read; belongs to its kerf_documents. Children lie in the order of the source. */
struct kerf_value {
    uint8_t kind;  /* enum kerf_value_kind */
    bool quoted;   /* scalar: written in quotes or as a block, so surely a text */
    uint32_t line; /* of the value, from 1 */
    uint32_t column;
    uint32_t key_line; /* of its key, in a map; else 0 */
    uint32_t key_column;
    uint32_t count;                  /* map, list: children; scalar: bytes of the text */
    const char *key;                 /* in a map: its key; else NULL */
    const struct kerf_value *parent; /* NULL for the root of a document */
    union {
        const char *text;               /* scalar; valid UTF-8, no NUL inside. For null: "" */
        const struct kerf_value *items; /* map, list */
    };
};

enum kerf_document_format { KERF_FORMAT_YAML, KERF_FORMAT_JSON };

struct kerf_document {
    struct kerf_value root; /* first, so that a value finds its document */
    const char *file;       /* as the user named it; "<stdin>" for `-` */
    uint32_t index_in_file; /* from 0, empty documents counted */
    enum kerf_document_format format;
    struct kerf_documents *owner;
};

/** Everything that was read, in order; owns all texts and values. */
struct kerf_documents {
    struct kerf_arena arena;
    struct kerf_names *keys;
    KERF_VEC(const struct kerf_document *) list;
    struct kerf_id_map near_misses; /* of kerf_value_check_keys: answers already found */
};

struct kerf_documents *kerf_documents_new(void);
void kerf_documents_free(struct kerf_documents *documents);

/**
 * Reads files, directories (their *.yaml, *.yml and *.json in the order of their names, not deeper) and `-` (standard input)
 * and appends their documents; empty ones are passed over. Goes on after a broken file, so several are reported.
 * Errors (KERF_E_INPUT): missing or unreadable files, more than 1 GiB, bytes that are no UTF-8 text, syntax, duplicate keys,
 * nesting beyond 100, aliases that grow beyond a million values, tags that change a meaning (`!Ref`), a named file without
 * any document. KERF_E_IO: a read that broke off. Anchors, aliases and merge keys (`<<`) are resolved; a value that came by an
 * alias has the place of its anchor, and the path of its alias.
 */
KERF_MUST_CHECK enum kerf_status kerf_documents_read_files(struct kerf_documents *documents, const char *const *paths,
                                                           size_t path_count, struct kerf_errors *errs);

/**
 * The same for one text in memory (copied); `file` (copied) names it in messages. What begins with `{` or `[` is JSON (one
 * value, or several with blanks or a line `---` between them), as kubectl has it; all else is YAML.
 */
KERF_MUST_CHECK enum kerf_status kerf_documents_read_bytes(struct kerf_documents *documents, const char *file, const void *bytes,
                                                           size_t length, struct kerf_errors *errs);

/** `path` as seen from the folder of `file`: absolute paths as they are, "a/b.yaml" + "c.yaml" -> "a/c.yaml". */
char *kerf_path_beside(struct kerf_arena *arena, const char *file, const char *path);

/**
 * `overlay` laid over `base` (both maps): maps merge at any depth, lists, scalars and null of the overlay replace. Returns the root
 * of a new tree in the documents' arena. Each value keeps the place and path that it was read with, so errors point to the line
 * that must change; a merged map has the place of the overlay's.
 */
const struct kerf_value *kerf_value_overlay(struct kerf_documents *documents, const struct kerf_value *base,
                                            const struct kerf_value *overlay);

/* ---- looking around: NULL in, NULL out, so that look-ups chain ----------------------------------------------------------- */

/** The child with that key; NULL when `map` is NULL or no map, when there is none, or when it is null. Fast for big maps too. */
const struct kerf_value *kerf_value_get(const struct kerf_value *map, const char *key);
/** The same, but a null is returned as a value of kind KERF_VALUE_NULL. */
const struct kerf_value *kerf_value_get_or_null(const struct kerf_value *map, const char *key);
/** Number of children; 0 for NULL and for all but maps and lists. */
static inline uint32_t kerf_value_count(const struct kerf_value *value)
{
    return value && value->kind >= KERF_VALUE_LIST ? value->count : 0;
}
static inline bool kerf_value_is_map(const struct kerf_value *value) { return value && value->kind == KERF_VALUE_MAP; }
static inline bool kerf_value_is_list(const struct kerf_value *value) { return value && value->kind == KERF_VALUE_LIST; }
static inline bool kerf_value_is_scalar(const struct kerf_value *value) { return value && value->kind == KERF_VALUE_SCALAR; }
/** The text of the scalar under that key, or `otherwise` when there is none or it is no scalar; for looking before reading. */
const char *kerf_value_get_text_or(const struct kerf_value *map, const char *key, const char *otherwise);

const struct kerf_document *kerf_value_document(const struct kerf_value *value);
/** File, line, column and path (`spec.nodePools[0].limits.cpu`); the path lies in the arena, and is left out when that is NULL. */
struct kerf_place kerf_value_place(const struct kerf_value *value, struct kerf_arena *arena);
/** The place of the value's key in its map. */
struct kerf_place kerf_value_key_place(const struct kerf_value *value, struct kerf_arena *arena);
/** Adds an error (returns KERF_E_INPUT) or a warning at the value, with its path. */
enum kerf_status kerf_value_error(const struct kerf_value *value, struct kerf_errors *errs, const char *format, ...)
    KERF_PRINTF(3, 4);
void kerf_value_warn(const struct kerf_value *value, struct kerf_errors *errs, const char *format, ...) KERF_PRINTF(3, 4);

/* ---- reading: found and expected -------------------------------------------------------------------------------------------
 * A NULL value (absent, or null) leaves the result untouched and is KERF_OK, so a default stands:
 *     int64_t replicas = 1;
 *     KERF_TRY(kerf_value_read_i64(kerf_value_get(spec, "replicas"), 0, INT32_MAX, &replicas, errs));
 * Each error names the place, what was found and what was expected. On an error the result is untouched.
 */

/** The child with that key, which must be there and not null; an error as well when `map` is no map. */
KERF_MUST_CHECK enum kerf_status kerf_value_require(const struct kerf_value *map, const char *key,
                                                    const struct kerf_value **out_value, struct kerf_errors *errs);
/** Checks the kind. NULL passes. */
KERF_MUST_CHECK enum kerf_status kerf_value_expect(const struct kerf_value *value, enum kerf_value_kind kind,
                                                   struct kerf_errors *errs);
/** get and expect in one; *out_value is NULL when absent or null. */
KERF_MUST_CHECK enum kerf_status kerf_value_get_map(const struct kerf_value *map, const char *key,
                                                    const struct kerf_value **out_value, struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_value_get_list(const struct kerf_value *map, const char *key,
                                                     const struct kerf_value **out_value, struct kerf_errors *errs);

/** Any scalar; the text is borrowed from the documents. */
KERF_MUST_CHECK enum kerf_status kerf_value_read_text(const struct kerf_value *value, const char **out_text,
                                                      struct kerf_errors *errs);
/** Unquoted true, false; in YAML also True, TRUE, yes, no, on, off and so on (YAML 1.1, as Kubernetes reads them). */
KERF_MUST_CHECK enum kerf_status kerf_value_read_bool(const struct kerf_value *value, bool *out_value, struct kerf_errors *errs);
/** A decimal whole number, unquoted. In JSON, beyond 2^53 it is refused: its writer may have rounded it. */
KERF_MUST_CHECK enum kerf_status kerf_value_read_i64(const struct kerf_value *value, int64_t min, int64_t max, int64_t *out_value,
                                                     struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_value_read_u64(const struct kerf_value *value, uint64_t max, uint64_t *out_value,
                                                     struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_value_read_double(const struct kerf_value *value, double min, double max, double *out_value,
                                                        struct kerf_errors *errs);
/** One of the names; NULL entries are passed over. The index is that of the name. */
KERF_MUST_CHECK enum kerf_status kerf_value_read_enum(const struct kerf_value *value, const char *const *names, size_t name_count,
                                                      uint32_t *out_index, struct kerf_errors *errs);
/** RFC 3339, to the microsecond: 2026-01-01T00:00:00Z. */
KERF_MUST_CHECK enum kerf_status kerf_value_read_time(const struct kerf_value *value, kerf_time_us *out_epoch_us,
                                                      struct kerf_errors *errs);
/** 30s, 1h30m, 720h; within [min, max]. */
KERF_MUST_CHECK enum kerf_status kerf_value_read_duration(const struct kerf_value *value, kerf_time_us min, kerf_time_us max,
                                                          kerf_time_us *out_us, struct kerf_errors *errs);

enum kerf_key_mode {
    KERF_KEYS_REFUSE,          /* an unknown key is an error */
    KERF_KEYS_WARN,            /* an unknown key is a warning */
    KERF_KEYS_WARN_NEAR_MISSES /* only one that looks like a known key is a warning */
};
/** Compares the keys of a map with those that we know; says which was probably meant. NULL passes. Reports all unknown keys. */
KERF_MUST_CHECK enum kerf_status kerf_value_check_keys(const struct kerf_value *map, const char *const *known_keys,
                                                       size_t known_count, enum kerf_key_mode mode, struct kerf_errors *errs);

/* ---- times and durations ------------------------------------------------------------------------------------------------- */

/** RFC 3339 with Z or an offset; fractions finer than a microsecond are cut. Years 0000 to 9999. */
bool kerf_parse_time(const char *text, kerf_time_us *out_epoch_us);
/** Go's syntax: a sign, then numbers with h, m, s, ms, us, ns; or 0. What is finer than a microsecond is cut towards zero. */
bool kerf_parse_duration(const char *text, kerf_time_us *out_us);

enum { KERF_TIME_TEXT_BYTES = 64 };
/** 2026-01-01T00:00:00Z, with 6 digits of fraction only when there is one. Returns `buffer`. */
const char *kerf_format_time(char buffer[KERF_TIME_TEXT_BYTES], kerf_time_us epoch_us);
/** As Go prints it: 1h30m0s, 1.5s, 0s. Returns `buffer`. */
const char *kerf_format_duration(char buffer[KERF_TIME_TEXT_BYTES], kerf_time_us us);

/* ---- CSV and TSV --------------------------------------------------------------------------------------------------------- */

/** A header row and rows of as many cells. Quotes as in RFC 4180; blank lines are passed over. */
struct kerf_csv;

/** Reads a file (`-`: standard input); separator ',' or '\t'. Errors: as for documents; duplicate column names, ragged rows. */
KERF_MUST_CHECK enum kerf_status kerf_csv_read_file(const char *path, char separator, struct kerf_csv **out_csv,
                                                    struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_csv_read_bytes(const char *file, const void *bytes, size_t length, char separator,
                                                     struct kerf_csv **out_csv, struct kerf_errors *errs);
void kerf_csv_free(struct kerf_csv *csv);

uint32_t kerf_csv_row_count(const struct kerf_csv *csv); /* without the header */
uint32_t kerf_csv_column_count(const struct kerf_csv *csv);
const char *kerf_csv_column_name(const struct kerf_csv *csv, uint32_t column);
uint32_t kerf_csv_find_column(const struct kerf_csv *csv, const char *name); /* KERF_NOT_FOUND when absent */
KERF_MUST_CHECK enum kerf_status kerf_csv_require_column(const struct kerf_csv *csv, const char *name, uint32_t *out_column,
                                                         struct kerf_errors *errs);
/** Of the column's name. */
struct kerf_place kerf_csv_header_place(const struct kerf_csv *csv, uint32_t column);
/** Borrowed from the table; "" for an empty cell, and for column KERF_NOT_FOUND. */
const char *kerf_csv_text(const struct kerf_csv *csv, uint32_t row, uint32_t column);
/** The path is the name of the column. */
struct kerf_place kerf_csv_place(const struct kerf_csv *csv, uint32_t row, uint32_t column);
/** An empty cell, like a column that is KERF_NOT_FOUND, leaves the result untouched. */
KERF_MUST_CHECK enum kerf_status kerf_csv_read_i64(const struct kerf_csv *csv, uint32_t row, uint32_t column, int64_t min,
                                                   int64_t max, int64_t *out_value, struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_csv_read_double(const struct kerf_csv *csv, uint32_t row, uint32_t column, double min,
                                                      double max, double *out_value, struct kerf_errors *errs);
KERF_MUST_CHECK enum kerf_status kerf_csv_read_bool(const struct kerf_csv *csv, uint32_t row, uint32_t column, bool *out_value,
                                                    struct kerf_errors *errs);

/* ---- texts of other forms -------------------------------------------------------------------------------------------------- */

/** Appends a file's text (`-`: standard input), checked like documents: there, a file, UTF-8 without NUL; no byte order mark. */
KERF_MUST_CHECK enum kerf_status kerf_text_read_file(const char *path, struct kerf_text *text, struct kerf_errors *errs);
/** How messages name the path: as it is, "<stdin>" for `-`. */
const char *kerf_input_name(const char *path);

/* ---- writing JSON -------------------------------------------------------------------------------------------------------- */

enum { KERF_JSON_DEPTH_MAX = 64 };

/**
 * Writes one JSON value, piece by piece, into a text or through to a stream. The same calls give the same bytes: integers
 * are exact, doubles have the fewest digits that read back the same (not finite: null), no locale.
 * A stream that fails shows in kerf_json_finish. Calls out of order, or nesting beyond KERF_JSON_DEPTH_MAX, are bugs (asserted).
 *     kerf_json_begin_map(&json); kerf_json_put_double(&json, "cost", cost); kerf_json_end_map(&json);
 */
struct kerf_json {
    struct kerf_text text; /* what was not yet written to the stream; the whole without a stream */
    FILE *stream;          /* NULL: keep all in `text` */
    uint32_t indent;       /* 0: one line; else blanks per level */
    uint32_t depth;
    bool after_key;
    bool stream_failed;
    struct {
        bool is_map, in_line, has_items;
    } levels[KERF_JSON_DEPTH_MAX + 1];
};
void kerf_json_init(struct kerf_json *json, FILE *stream, uint32_t indent);
void kerf_json_fini(struct kerf_json *json);
/** Ends the value with a newline and flushes to the stream; KERF_E_IO (nothing added to any list) when a write failed. */
KERF_MUST_CHECK enum kerf_status kerf_json_finish(struct kerf_json *json);

void kerf_json_begin_map(struct kerf_json *json);
void kerf_json_begin_map_in_line(struct kerf_json *json); /* for short ones; on one line also when indenting, like all in it */
void kerf_json_end_map(struct kerf_json *json);
void kerf_json_begin_list(struct kerf_json *json);
void kerf_json_begin_list_in_line(struct kerf_json *json);
void kerf_json_end_list(struct kerf_json *json);
void kerf_json_key(struct kerf_json *json, const char *key);
void kerf_json_text(struct kerf_json *json, const char *text); /* NULL: null; bytes that are no UTF-8 become U+FFFD */
void kerf_json_format(struct kerf_json *json, const char *format, ...) KERF_PRINTF(2, 3); /* a text */
void kerf_json_i64(struct kerf_json *json, int64_t value);
void kerf_json_u64(struct kerf_json *json, uint64_t value);
void kerf_json_double(struct kerf_json *json, double value);
void kerf_json_bool(struct kerf_json *json, bool value);
void kerf_json_null(struct kerf_json *json);
/** value / 10^decimals with all needed digits and no more: (1234500, 6) -> 1.2345; for micro-dollars and the like. */
void kerf_json_decimal(struct kerf_json *json, int64_t value, uint32_t decimals);

/** Key and value in one. */
void kerf_json_put_text(struct kerf_json *json, const char *key, const char *text);
void kerf_json_put_i64(struct kerf_json *json, const char *key, int64_t value);
void kerf_json_put_double(struct kerf_json *json, const char *key, double value);
void kerf_json_put_bool(struct kerf_json *json, const char *key, bool value);
void kerf_json_put_null(struct kerf_json *json, const char *key);
void kerf_json_put_decimal(struct kerf_json *json, const char *key, int64_t value, uint32_t decimals);

enum { KERF_DOUBLE_TEXT_BYTES = 32 };
/** The shortest text of a double that reads back the same: 0.1, 1e+21, 0 for -0; also inf and nan. Returns `buffer`. */
const char *kerf_format_double(char buffer[KERF_DOUBLE_TEXT_BYTES], double value);

#endif
