/** CSV and TSV: a header and rows, every cell with its place. */
#include "document/document_internal.h"

#include <stdlib.h>

struct cell {
    const char *text;
    uint32_t line;
    uint32_t column;
};

struct kerf_csv {
    struct kerf_arena arena;
    const char *file;
    struct cell *header; /* column_count cells */
    struct cell *cells;  /* row_count * column_count, by rows */
    uint32_t column_count;
    uint32_t row_count;
};

/** Cells are unquoted and ended in place. */
struct reader {
    struct kerf_csv *csv;
    struct kerf_errors *errs;
    char *at;
    char *end; /* *end is NUL */
    char *line_start;
    uint32_t line;
    uint32_t continuation_bytes; /* of UTF-8 in this line: columns count characters */
    char separator;
    KERF_VEC(struct cell) row;
    KERF_VEC(struct cell) cells;
};

static struct kerf_place place_of(const struct reader *reader, const char *at)
{
    return (struct kerf_place){
        .file = reader->csv->file,
        .line = reader->line,
        .column = (uint32_t)(at - reader->line_start) - reader->continuation_bytes + 1,
    };
}

static bool is_line_end(const struct reader *reader)
{
    return reader->at == reader->end || *reader->at == '\n' || (*reader->at == '\r' && reader->at[1] == '\n');
}

static void count_char(struct reader *reader)
{
    if (*reader->at == '\n') {
        reader->line++;
        reader->line_start = reader->at + 1;
        reader->continuation_bytes = 0;
    } else if (((unsigned char)*reader->at & 0xc0) == 0x80) {
        reader->continuation_bytes++;
    }
}

static enum kerf_status read_quoted(struct reader *reader, struct cell *cell, char **out_end)
{
    struct kerf_place opening = place_of(reader, reader->at);
    char *out = ++reader->at;
    cell->text = out;
    for (;; reader->at++) {
        if (reader->at == reader->end)
            return kerf_errors_add(reader->errs, opening, "this cell has no end; expected a closing '\"'");
        if (*reader->at == '"') {
            if (reader->at[1] != '"')
                break;
            reader->at++;
        }
        count_char(reader);
        *out++ = *reader->at;
    }
    reader->at++;
    *out_end = out;
    if (!is_line_end(reader) && *reader->at != reader->separator)
        return kerf_errors_add(reader->errs, place_of(reader, reader->at),
                               "text behind the closing '\"' of a cell; expected a separator or the end of the line");
    return KERF_OK;
}

/** Reads one line (several, with line ends in quotes) into `row`. */
static enum kerf_status read_row(struct reader *reader)
{
    reader->row.count = 0;
    for (;;) {
        struct kerf_place place = place_of(reader, reader->at);
        struct cell cell = {.text = reader->at, .line = place.line, .column = place.column};
        char *cell_end = reader->at;
        if (*reader->at == '"') {
            KERF_TRY(read_quoted(reader, &cell, &cell_end));
        } else {
            while (!is_line_end(reader) && *reader->at != reader->separator) {
                count_char(reader);
                reader->at++;
            }
            cell_end = reader->at;
        }
        KERF_VEC_PUSH(&reader->row, cell);
        bool is_last = is_line_end(reader);
        if (!is_last) {
            reader->at++;
        } else if (reader->at < reader->end) {
            reader->at += *reader->at == '\r';
            count_char(reader);
            reader->at++;
        }
        *cell_end = '\0'; /* only now: it may have been the separator */
        if (is_last)
            return KERF_OK;
    }
}

static bool skip_blank_line(struct reader *reader)
{
    const char *at = reader->at;
    while (*at == ' ' || *at == '\r')
        at++;
    if (*at != '\n' && at != reader->end)
        return false;
    reader->at += at - reader->at;
    if (reader->at < reader->end) {
        count_char(reader);
        reader->at++;
    }
    return true;
}

static enum kerf_status check_header(const struct reader *reader)
{
    enum kerf_status status = KERF_OK;
    for (size_t i = 0; i < reader->row.count; i++) {
        const struct cell *cell = &reader->row.items[i];
        struct kerf_place place = {.file = reader->csv->file, .line = cell->line, .column = cell->column};
        if (!*cell->text)
            status = kerf_errors_add(reader->errs, place, "column %zu has no name", i + 1);
        for (size_t j = 0; j < i && *cell->text; j++) {
            if (strcmp(reader->row.items[j].text, cell->text) == 0) {
                status = kerf_errors_add(reader->errs, place, "two columns are named \"%s\"", cell->text);
                break;
            }
        }
    }
    return status;
}

static enum kerf_status read_rows(struct reader *reader)
{
    struct kerf_csv *csv = reader->csv;
    enum kerf_status status = KERF_OK;
    bool has_header = false;
    while (reader->at < reader->end) {
        if (skip_blank_line(reader))
            continue;
        uint32_t line = reader->line;
        KERF_TRY(read_row(reader));
        if (!has_header) {
            has_header = true;
            KERF_TRY(check_header(reader));
            csv->column_count = (uint32_t)reader->row.count;
            csv->header = kerf_arena_copy(&csv->arena, reader->row.items, reader->row.count * sizeof(struct cell));
        } else if (reader->row.count != csv->column_count) {
            struct kerf_place place = {.file = csv->file, .line = line, .column = 1};
            status = kerf_errors_add(reader->errs, place, "%zu cells were found; expected %" PRIu32 ", as in the header",
                                     reader->row.count, csv->column_count);
        } else {
            for (size_t i = 0; i < reader->row.count; i++)
                KERF_VEC_PUSH(&reader->cells, reader->row.items[i]);
            csv->row_count++;
        }
    }
    if (!has_header)
        return kerf_errors_add(reader->errs, (struct kerf_place){.file = csv->file}, "is empty; expected a header row");
    return status;
}

static struct kerf_csv *csv_new(const char *file)
{
    struct kerf_csv *csv = kerf_allocate(sizeof *csv);
    kerf_arena_init(&csv->arena);
    csv->file = kerf_arena_text(&csv->arena, file);
    return csv;
}

void kerf_csv_free(struct kerf_csv *csv)
{
    if (!csv)
        return;
    kerf_arena_fini(&csv->arena);
    free(csv->cells);
    free(csv);
}

enum kerf_status kerf_csv_read_bytes(const char *file, const void *bytes, size_t length, char separator,
                                     struct kerf_csv **out_csv, struct kerf_errors *errs)
{
    size_t start = 0;
    KERF_TRY(kerf_input_check(file, bytes, length, &start, errs));
    struct kerf_csv *csv = csv_new(file);
    char *copy = kerf_arena_alloc(&csv->arena, length - start + 1);
    if (length > start)
        memcpy(copy, (const char *)bytes + start, length - start);
    struct reader reader = {.csv = csv,
                            .errs = errs,
                            .at = copy,
                            .end = copy + (length - start),
                            .line_start = copy,
                            .line = 1,
                            .separator = separator};
    enum kerf_status status = read_rows(&reader);
    csv->cells = reader.cells.items;
    KERF_VEC_FREE(&reader.row);
    if (status != KERF_OK) {
        kerf_csv_free(csv);
        return status;
    }
    *out_csv = csv;
    return KERF_OK;
}

enum kerf_status kerf_csv_read_file(const char *path, char separator, struct kerf_csv **out_csv, struct kerf_errors *errs)
{
    struct kerf_text bytes = {0};
    enum kerf_status status = kerf_input_read(path, &bytes, errs);
    if (status == KERF_OK)
        status =
            kerf_csv_read_bytes(kerf_input_name(path), bytes.bytes ? bytes.bytes : "", bytes.length, separator, out_csv, errs);
    kerf_text_fini(&bytes);
    return status;
}

/* ---- looking ---- */

uint32_t kerf_csv_row_count(const struct kerf_csv *csv)
{
    return csv->row_count;
}
uint32_t kerf_csv_column_count(const struct kerf_csv *csv)
{
    return csv->column_count;
}

const char *kerf_csv_column_name(const struct kerf_csv *csv, uint32_t column)
{
    KERF_ASSERT(column < csv->column_count);
    return csv->header[column].text;
}

uint32_t kerf_csv_find_column(const struct kerf_csv *csv, const char *name)
{
    for (uint32_t i = 0; i < csv->column_count; i++)
        if (strcmp(csv->header[i].text, name) == 0)
            return i;
    return KERF_NOT_FOUND;
}

struct kerf_place kerf_csv_header_place(const struct kerf_csv *csv, uint32_t column)
{
    KERF_ASSERT(column < csv->column_count);
    const struct cell *cell = &csv->header[column];
    return (struct kerf_place){.file = csv->file, .line = cell->line, .column = cell->column};
}

enum kerf_status kerf_csv_require_column(const struct kerf_csv *csv, const char *name, uint32_t *out_column,
                                         struct kerf_errors *errs)
{
    uint32_t column = kerf_csv_find_column(csv, name);
    if (column == KERF_NOT_FOUND)
        return kerf_errors_add(errs, (struct kerf_place){.file = csv->file, .line = csv->header[0].line, .column = 1},
                               "column \"%s\" is missing", name);
    *out_column = column;
    return KERF_OK;
}

static const struct cell *cell_at(const struct kerf_csv *csv, uint32_t row, uint32_t column)
{
    KERF_ASSERT(row < csv->row_count);
    KERF_ASSERT(column < csv->column_count);
    return &csv->cells[(size_t)row * csv->column_count + column];
}

const char *kerf_csv_text(const struct kerf_csv *csv, uint32_t row, uint32_t column)
{
    return column == KERF_NOT_FOUND ? "" : cell_at(csv, row, column)->text;
}

struct kerf_place kerf_csv_place(const struct kerf_csv *csv, uint32_t row, uint32_t column)
{
    if (column == KERF_NOT_FOUND) {
        const struct cell *first = cell_at(csv, row, 0);
        return (struct kerf_place){.file = csv->file, .line = first->line};
    }
    const struct cell *cell = cell_at(csv, row, column);
    return (struct kerf_place){.file = csv->file, .line = cell->line, .column = cell->column, .path = csv->header[column].text};
}

/* ---- reading cells ---- */

enum kerf_status kerf_csv_read_i64(const struct kerf_csv *csv, uint32_t row, uint32_t column, int64_t min, int64_t max,
                                   int64_t *out_value, struct kerf_errors *errs)
{
    const char *text = kerf_csv_text(csv, row, column);
    int64_t number;
    if (!*text)
        return KERF_OK;
    if (!kerf_parse_i64(text, &number))
        return kerf_errors_add(errs, kerf_csv_place(csv, row, column), "\"%s\" is not a whole number", text);
    if (number < min || number > max)
        return kerf_errors_add(errs, kerf_csv_place(csv, row, column), "%s is out of range; expected %" PRId64 " to %" PRId64,
                               text, min, max);
    *out_value = number;
    return KERF_OK;
}

enum kerf_status kerf_csv_read_double(const struct kerf_csv *csv, uint32_t row, uint32_t column, double min, double max,
                                      double *out_value, struct kerf_errors *errs)
{
    const char *text = kerf_csv_text(csv, row, column);
    double number;
    if (!*text)
        return KERF_OK;
    if (!kerf_parse_double(text, &number))
        return kerf_errors_add(errs, kerf_csv_place(csv, row, column), "\"%s\" is not a number", text);
    char min_text[KERF_DOUBLE_TEXT_BYTES], max_text[KERF_DOUBLE_TEXT_BYTES];
    if (number < min || number > max)
        return kerf_errors_add(errs, kerf_csv_place(csv, row, column), "%s is out of range; expected %s to %s", text,
                               kerf_format_double(min_text, min), kerf_format_double(max_text, max));
    *out_value = number;
    return KERF_OK;
}

enum kerf_status kerf_csv_read_bool(const struct kerf_csv *csv, uint32_t row, uint32_t column, bool *out_value,
                                    struct kerf_errors *errs)
{
    const char *text = kerf_csv_text(csv, row, column);
    if (!*text)
        return KERF_OK;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return kerf_errors_add(errs, kerf_csv_place(csv, row, column), "\"%s\" is not true or false", text);
    *out_value = strcmp(text, "true") == 0;
    return KERF_OK;
}
