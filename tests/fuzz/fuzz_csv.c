/** Any bytes as CSV and as TSV; read, write with all cells in quotes, read: the same cells. */
#include "document/document.h"
#include "fuzz_target.h"

#include <stdlib.h>

static void append_quoted(struct kerf_text *out, const char *text)
{
    kerf_text_append(out, "\"");
    for (; *text; text++)
        kerf_text_append_bytes(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    kerf_text_append(out, "\"");
}

static void append_row(struct kerf_text *out, const struct kerf_csv *csv, uint32_t row, char separator)
{
    for (uint32_t column = 0; column < kerf_csv_column_count(csv); column++) {
        if (column)
            kerf_text_append_bytes(out, &separator, 1);
        append_quoted(out, row == KERF_NOT_FOUND ? kerf_csv_column_name(csv, column) : kerf_csv_text(csv, row, column));
    }
    kerf_text_append(out, "\n");
}

static void write_table(struct kerf_text *out, const struct kerf_csv *csv, char separator, struct kerf_errors *errs)
{
    append_row(out, csv, KERF_NOT_FOUND, separator);
    for (uint32_t row = 0; row < kerf_csv_row_count(csv); row++) {
        append_row(out, csv, row, separator);
        for (uint32_t column = 0; column < kerf_csv_column_count(csv); column++) {
            int64_t whole;
            double number;
            bool flag;
            enum kerf_status ignored = kerf_csv_read_i64(csv, row, column, -5, 5, &whole, errs);
            ignored |= kerf_csv_read_double(csv, row, column, -5, 5, &number, errs);
            ignored |= kerf_csv_read_bool(csv, row, column, &flag, errs);
            (void)ignored;
        }
    }
}

static void round_trip(const uint8_t *data, size_t size, char separator)
{
    struct kerf_csv *csv = NULL, *again = NULL;
    struct kerf_errors *errs = kerf_errors_new();
    if (kerf_csv_read_bytes("fuzz", data, size, separator, &csv, errs) == KERF_OK) {
        struct kerf_text written = {0}, written_again = {0};
        write_table(&written, csv, separator, errs);
        KERF_ASSERT(kerf_csv_read_bytes("again", written.bytes, written.length, separator, &again, errs) == KERF_OK);
        write_table(&written_again, again, separator, errs);
        KERF_ASSERT(strcmp(written.bytes, written_again.bytes) == 0);
        kerf_text_fini(&written);
        kerf_text_fini(&written_again);
    }
    kerf_csv_free(csv);
    kerf_csv_free(again);
    kerf_errors_free(errs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    round_trip(data, size, ',');
    round_trip(data, size, '\t');
    return 0;
}
