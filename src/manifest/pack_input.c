/** Tables and .vbp files of packing problems as plain arrays. */
#include "kerf/pack_input.h"

#include <stdlib.h>

#include "document/document.h"

struct kerf_pack_input_memory {
    struct kerf_arena arena;
};

static void input_start(struct kerf_pack_input *input)
{
    *input = (struct kerf_pack_input){.memory = kerf_allocate(sizeof *input->memory)};
    kerf_arena_init(&input->memory->arena);
}

void kerf_pack_input_free(struct kerf_pack_input *input)
{
    if (input->memory == NULL)
        return;
    kerf_arena_fini(&input->memory->arena);
    free(input->memory);
    *input = (struct kerf_pack_input){0};
}

/* ---- tables ----------------------------------------------------------------------------------------------------------- */

/* Columns that are no resource; the rest of a table's columns are. */
static const char *const item_columns[] = {"name", "count", "conflicts"};
static const char *const bin_columns[] = {"name", "price", "limit"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static enum kerf_status find_resources(struct kerf_pack_input *input, const struct kerf_csv *items, const struct kerf_csv *bins,
                                       uint32_t *item_column, uint32_t *bin_column, struct kerf_errors *errs)
{
    enum kerf_status status = KERF_OK;
    input->resource_names = KERF_NEW_ARRAY(&input->memory->arena, const char *, KERF_PACK_RESOURCES_MAX);
    for (uint32_t column = 0; column < kerf_csv_column_count(items); column++) {
        const char *name = kerf_csv_column_name(items, column);
        if (is_among(name, item_columns, sizeof item_columns / sizeof item_columns[0]))
            continue;
        struct kerf_place place = kerf_csv_header_place(items, column);
        if (is_among(name, bin_columns, sizeof bin_columns / sizeof bin_columns[0])) {
            status = kerf_errors_add(errs, place, "column \"%s\" belongs to bins; expected name, count, conflicts or a resource", name);
            continue;
        }
        if (input->resource_count == KERF_PACK_RESOURCES_MAX)
            return kerf_errors_add(errs, place, "column \"%s\" is resource %d; expected at most %d", name,
                                   KERF_PACK_RESOURCES_MAX + 1, KERF_PACK_RESOURCES_MAX);
        uint32_t other = kerf_csv_find_column(bins, name);
        if (other == KERF_NOT_FOUND) {
            status = kerf_errors_add(errs, place, "resource \"%s\" is no column of the bins; expected the same resources in both",
                                     name);
            continue;
        }
        item_column[input->resource_count] = column;
        bin_column[input->resource_count] = other;
        input->resource_names[input->resource_count++] = kerf_arena_text(&input->memory->arena, name);
    }
    for (uint32_t column = 0; column < kerf_csv_column_count(bins); column++) {
        const char *name = kerf_csv_column_name(bins, column);
        if (!is_among(name, bin_columns, sizeof bin_columns / sizeof bin_columns[0]) &&
            kerf_csv_find_column(items, name) == KERF_NOT_FOUND)
            status = kerf_errors_add(errs, kerf_csv_header_place(bins, column),
                                     "resource \"%s\" is no column of the items; expected the same resources in both", name);
    }
    if (status == KERF_OK && input->resource_count == 0)
        status = kerf_errors_add(errs, kerf_csv_header_place(items, 0), "no column of a resource was found; expected 1 to %d",
                                 KERF_PACK_RESOURCES_MAX);
    return status;
}

/* A number that must be there (in a column that may be absent, for which `absent` stands). */
static enum kerf_status read_number(const struct kerf_csv *csv, uint32_t row, uint32_t column, int64_t absent, int64_t *out_value,
                                    struct kerf_errors *errs)
{
    *out_value = absent;
    if (column == KERF_NOT_FOUND)
        return KERF_OK;
    if (*kerf_csv_text(csv, row, column) == '\0')
        return kerf_errors_add(errs, kerf_csv_place(csv, row, column), "the cell is empty; expected a whole number");
    return kerf_csv_read_i64(csv, row, column, 0, INT64_MAX, out_value, errs);
}

/* Names from the column `name`, or made from the row; no two may be equal, for they are the keys of the answer. */
static enum kerf_status read_names(struct kerf_pack_input *input, const struct kerf_csv *csv, const char *prefix,
                                   const char **out_names, struct kerf_errors *errs)
{
    enum kerf_status status = KERF_OK;
    uint32_t column = kerf_csv_find_column(csv, "name");
    struct kerf_names *names = kerf_names_new(NULL);
    struct kerf_name_map rows = {0};
    for (uint32_t row = 0; row < kerf_csv_row_count(csv); row++) {
        const char *given = kerf_csv_text(csv, row, column);
        out_names[row] = *given != '\0' ? kerf_arena_text(&input->memory->arena, given)
                                        : kerf_arena_format(&input->memory->arena, "%s-%" PRIu32, prefix, row + 1);
        kerf_name key = kerf_name_of(names, out_names[row]);
        uint32_t earlier = kerf_name_map_get(&rows, key);
        if (earlier != KERF_NOT_FOUND)
            status = kerf_errors_add(errs, kerf_csv_place(csv, row, column), "\"%s\" is the name of line %" PRIu32 " too",
                                     out_names[row], kerf_csv_place(csv, earlier, column).line);
        else
            kerf_name_map_put(&rows, key, row);
    }
    kerf_name_map_fini(&rows);
    kerf_names_free(names);
    return status;
}

/* The items that a cell names. */
static enum kerf_status read_conflicts(struct kerf_pack_input *input, const struct kerf_csv *csv, uint32_t row, uint32_t column,
                                       const struct kerf_names *names, const struct kerf_name_map *rows, struct kerf_errors *errs)
{
    enum kerf_status status = KERF_OK;
    const char *text = kerf_csv_text(csv, row, column);
    if (*text == '\0')
        return KERF_OK;
    input->item_conflicts[row] = KERF_NEW_ARRAY(&input->memory->arena, uint64_t, kerf_bitset_words(input->item_count));
    for (;; text++) {
        size_t length = strcspn(text, ",");
        const char *name = kerf_arena_format(&input->memory->arena, "%.*s", (int)length, text);
        kerf_name key = kerf_name_find(names, name);
        uint32_t other = key != NULL ? kerf_name_map_get(rows, key) : KERF_NOT_FOUND;
        if (other == KERF_NOT_FOUND)
            status = kerf_errors_add(errs, kerf_csv_place(csv, row, column), "\"%s\" is no item; expected names of items, separated by commas",
                                     name);
        else
            kerf_bit_set(input->item_conflicts[row], other);
        text += length;
        if (*text == '\0')
            return status;
    }
}

static enum kerf_status read_all_conflicts(struct kerf_pack_input *input, const struct kerf_csv *csv, struct kerf_errors *errs)
{
    uint32_t column = kerf_csv_find_column(csv, "conflicts");
    enum kerf_status status = KERF_OK;
    input->item_conflicts = KERF_NEW_ARRAY(&input->memory->arena, uint64_t *, input->item_count);
    if (column == KERF_NOT_FOUND)
        return KERF_OK;
    struct kerf_names *names = kerf_names_new(NULL);
    struct kerf_name_map rows = {0};
    for (uint32_t row = 0; row < input->item_count; row++)
        kerf_name_map_put(&rows, kerf_name_of(names, input->item_names[row]), row);
    for (uint32_t row = 0; row < input->item_count; row++)
        if (read_conflicts(input, csv, row, column, names, &rows, errs) != KERF_OK)
            status = KERF_E_INPUT;
    kerf_name_map_fini(&rows);
    kerf_names_free(names);
    return status;
}

static enum kerf_status read_items(struct kerf_pack_input *input, const struct kerf_csv *csv, const uint32_t *resource_column,
                                   struct kerf_errors *errs)
{
    struct kerf_arena *arena = &input->memory->arena;
    uint32_t count_column = kerf_csv_find_column(csv, "count");
    input->item_count = kerf_csv_row_count(csv);
    input->item_names = KERF_NEW_ARRAY(arena, const char *, input->item_count);
    input->item_counts = KERF_NEW_ARRAY(arena, int64_t, input->item_count);
    input->item_demands = KERF_NEW_ARRAY(arena, int64_t, input->item_count * input->resource_count);
    enum kerf_status status = read_names(input, csv, "item", input->item_names, errs);
    if (read_all_conflicts(input, csv, errs) != KERF_OK)
        status = KERF_E_INPUT;
    for (uint32_t row = 0; row < input->item_count; row++) {
        if (read_number(csv, row, count_column, 1, &input->item_counts[row], errs) != KERF_OK)
            status = KERF_E_INPUT;
        for (size_t r = 0; r < input->resource_count; r++)
            if (read_number(csv, row, resource_column[r], 0, &input->item_demands[row * input->resource_count + r], errs) !=
                KERF_OK)
                status = KERF_E_INPUT;
    }
    return status;
}

static enum kerf_status read_bins(struct kerf_pack_input *input, const struct kerf_csv *csv, const uint32_t *resource_column,
                                  struct kerf_errors *errs)
{
    struct kerf_arena *arena = &input->memory->arena;
    uint32_t price_column = kerf_csv_find_column(csv, "price"), limit_column = kerf_csv_find_column(csv, "limit");
    input->bin_count = kerf_csv_row_count(csv);
    input->bin_names = KERF_NEW_ARRAY(arena, const char *, input->bin_count);
    input->bin_prices = KERF_NEW_ARRAY(arena, int64_t, input->bin_count);
    input->bin_limits = KERF_NEW_ARRAY(arena, int64_t, input->bin_count);
    input->bin_capacities = KERF_NEW_ARRAY(arena, int64_t, input->bin_count * input->resource_count);
    enum kerf_status status = read_names(input, csv, "bin", input->bin_names, errs);
    for (uint32_t row = 0; row < input->bin_count; row++) {
        input->bin_limits[row] = INT64_MAX;
        if (read_number(csv, row, price_column, 0, &input->bin_prices[row], errs) != KERF_OK ||
            kerf_csv_read_i64(csv, row, limit_column, 0, INT64_MAX, &input->bin_limits[row], errs) != KERF_OK)
            status = KERF_E_INPUT;
        for (size_t r = 0; r < input->resource_count; r++)
            if (read_number(csv, row, resource_column[r], 0, &input->bin_capacities[row * input->resource_count + r], errs) !=
                KERF_OK)
                status = KERF_E_INPUT;
    }
    return status;
}

static enum kerf_status read_tables(const struct kerf_csv *items, const struct kerf_csv *bins, struct kerf_pack_input *out_input,
                                    struct kerf_errors *errs)
{
    struct kerf_pack_input input;
    uint32_t item_column[KERF_PACK_RESOURCES_MAX], bin_column[KERF_PACK_RESOURCES_MAX];
    input_start(&input);
    uint32_t price_column;
    enum kerf_status status = kerf_csv_require_column(bins, "price", &price_column, errs);
    enum kerf_status of_resources = find_resources(&input, items, bins, item_column, bin_column, errs);
    status = status == KERF_OK ? of_resources : status;
    if (status == KERF_OK) {
        status = read_items(&input, items, item_column, errs);
        enum kerf_status of_bins = read_bins(&input, bins, bin_column, errs);
        status = status == KERF_OK ? of_bins : status;
    }
    if (status != KERF_OK) {
        kerf_pack_input_free(&input);
        return status;
    }
    *out_input = input;
    return KERF_OK;
}

enum kerf_status kerf_pack_input_read_tables(const char *items_path, const char *bins_path, struct kerf_pack_input *out_input,
                                             struct kerf_errors *errs)
{
    struct kerf_csv *items = NULL, *bins = NULL;
    enum kerf_status status = kerf_csv_read_file(items_path, '\t', &items, errs);
    enum kerf_status of_bins = kerf_csv_read_file(bins_path, '\t', &bins, errs);
    status = status == KERF_OK ? of_bins : status;
    if (status == KERF_OK)
        status = read_tables(items, bins, out_input, errs);
    kerf_csv_free(items);
    kerf_csv_free(bins);
    return status;
}

enum kerf_status kerf_pack_input_read_table_bytes(const char *items_name, const void *items_bytes, size_t items_length,
                                                  const char *bins_name, const void *bins_bytes, size_t bins_length,
                                                  struct kerf_pack_input *out_input, struct kerf_errors *errs)
{
    struct kerf_csv *items = NULL, *bins = NULL;
    enum kerf_status status = kerf_csv_read_bytes(items_name, items_bytes, items_length, '\t', &items, errs);
    enum kerf_status of_bins = kerf_csv_read_bytes(bins_name, bins_bytes, bins_length, '\t', &bins, errs);
    status = status == KERF_OK ? of_bins : status;
    if (status == KERF_OK)
        status = read_tables(items, bins, out_input, errs);
    kerf_csv_free(items);
    kerf_csv_free(bins);
    return status;
}

static const int64_t VBP_SIZE_MIN = -1000000000000000000; /* published triplets have sizes of -1 and -2 */

/* ---- .vbp ------------------------------------------------------------------------------------------------------------- */

/* Whole numbers between blanks and line ends, each with its place. */
struct numbers {
    const char *at;
    const char *end;
    const char *line_start;
    struct kerf_place place; /* of the number read last */
    uint32_t line;
    struct kerf_errors *errs;
};

static enum kerf_status next_number(struct numbers *numbers, const char *what, int64_t min, int64_t max, int64_t *out_value)
{
    while (numbers->at < numbers->end && strchr(" \t\r\n", *numbers->at) != NULL) {
        if (*numbers->at++ == '\n') {
            numbers->line++;
            numbers->line_start = numbers->at;
        }
    }
    numbers->place.line = numbers->line;
    numbers->place.column = (uint32_t)(numbers->at - numbers->line_start) + 1;
    if (numbers->at == numbers->end)
        return kerf_errors_add(numbers->errs, numbers->place, "the file ends; expected %s", what);
    char word[24];
    size_t length = 0;
    for (; numbers->at < numbers->end && strchr(" \t\r\n", *numbers->at) == NULL; numbers->at++) {
        if (length + 1 < sizeof word)
            word[length] = *numbers->at;
        length++;
    }
    bool is_whole = length + 1 < sizeof word;
    word[is_whole ? length : sizeof word - 1] = '\0';
    int64_t value;
    if (!is_whole || !kerf_parse_i64(word, &value) || value < min || value > max)
        return kerf_errors_add(numbers->errs, numbers->place,
                               "\"%s%s\" was found; expected %s, a whole number from %" PRId64 " to %" PRId64, word,
                               is_whole ? "" : "...", what, min, max);
    *out_value = value;
    return KERF_OK;
}

static enum kerf_status read_vbp(struct kerf_pack_input *input, struct numbers *numbers)
{
    struct kerf_arena *arena = &input->memory->arena;
    int64_t resource_count, item_count;
    KERF_TRY(next_number(numbers, "the number of dimensions", 1, KERF_PACK_RESOURCES_MAX, &resource_count));
    input->resource_count = (size_t)resource_count;
    input->resource_names = KERF_NEW_ARRAY(arena, const char *, input->resource_count);
    input->bin_count = 1;
    input->bin_names = KERF_NEW_ARRAY(arena, const char *, 1);
    input->bin_prices = KERF_NEW_ARRAY(arena, int64_t, 1);
    input->bin_limits = KERF_NEW_ARRAY(arena, int64_t, 1);
    input->bin_capacities = KERF_NEW_ARRAY(arena, int64_t, input->resource_count);
    input->bin_names[0] = "bin";
    input->bin_prices[0] = 1;
    input->bin_limits[0] = INT64_MAX;
    for (size_t r = 0; r < input->resource_count; r++) {
        input->resource_names[r] = kerf_arena_format(arena, "%zu", r + 1);
        KERF_TRY(next_number(numbers, "a capacity of the bin", 0, INT64_MAX, &input->bin_capacities[r]));
    }
    /* each line takes two bytes a number at least, so a count that is a lie asks for no more memory than the file has */
    int64_t count_max = (numbers->end - numbers->at) / (2 * (resource_count + 1)) + 1;
    KERF_TRY(next_number(numbers, "the number of item lines", 0, INT64_MAX, &item_count));
    if (item_count > count_max)
        return kerf_errors_add(numbers->errs, numbers->place,
                               "%" PRId64 " item lines are announced, and the file is too short for them", item_count);
    input->item_count = (size_t)item_count;
    input->item_names = KERF_NEW_ARRAY(arena, const char *, input->item_count);
    input->item_counts = KERF_NEW_ARRAY(arena, int64_t, input->item_count);
    input->item_demands = KERF_NEW_ARRAY(arena, int64_t, input->item_count * input->resource_count);
    input->item_conflicts = KERF_NEW_ARRAY(arena, uint64_t *, input->item_count);
    for (size_t i = 0; i < input->item_count; i++) {
        input->item_names[i] = kerf_arena_format(arena, "item-%zu", i + 1);
        for (size_t r = 0; r < input->resource_count; r++)
            KERF_TRY(next_number(numbers, "a size of an item", VBP_SIZE_MIN, INT64_MAX,
                                 &input->item_demands[i * input->resource_count + r]));
        KERF_TRY(next_number(numbers, "the demand of an item", 0, INT64_MAX, &input->item_counts[i]));
    }
    while (numbers->at < numbers->end && strchr(" \t\r\n", *numbers->at) != NULL) {
        if (*numbers->at++ == '\n') {
            numbers->line++;
            numbers->line_start = numbers->at;
        }
    }
    if (numbers->at < numbers->end) {
        numbers->place.line = numbers->line;
        numbers->place.column = (uint32_t)(numbers->at - numbers->line_start) + 1;
        return kerf_errors_add(numbers->errs, numbers->place, "the file goes on after %" PRId64 " item lines; expected its end",
                               item_count);
    }
    return KERF_OK;
}

enum kerf_status kerf_pack_input_read_vbp_bytes(const char *name, const void *bytes, size_t length,
                                                struct kerf_pack_input *out_input, struct kerf_errors *errs)
{
    struct kerf_pack_input input;
    input_start(&input);
    struct numbers numbers = {.at = bytes, .line_start = bytes, .line = 1, .errs = errs, .place = {.file = name}};
    numbers.end = numbers.at + length;
    enum kerf_status status = read_vbp(&input, &numbers);
    if (status != KERF_OK) {
        kerf_pack_input_free(&input);
        return status;
    }
    *out_input = input;
    return KERF_OK;
}

enum kerf_status kerf_pack_input_read_vbp(const char *path, struct kerf_pack_input *out_input, struct kerf_errors *errs)
{
    struct kerf_text text = {0};
    enum kerf_status status = kerf_text_read_file(path, &text, errs);
    if (status == KERF_OK)
        status = kerf_pack_input_read_vbp_bytes(kerf_input_name(path), text.bytes != NULL ? text.bytes : "", text.length,
                                                out_input, errs);
    kerf_text_fini(&text);
    return status;
}
