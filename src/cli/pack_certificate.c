/** Certificates of packings as files. */
#include "cli/pack_certificate.h"

#include "kerf/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "kerf.certificate/v1";

/* Looks that a certificate may ask of who checks it: some minutes. */
static const int64_t LOOKS_MAX = 100000000000;
static const size_t BYTES_MAX = (size_t)1 << 30;

/* Cells end at a tab and lines at a line's end. */
static bool names_can_be_cells(const char *path, const char *const *names, size_t count, struct kerf_errors *errs)
{
    for (size_t i = 0; i < count; i++) {
        if (strpbrk(names[i], "\t\n\r") != NULL) {
            kerf_errors_add(errs, (struct kerf_place){.file = path}, "the name \"%s\" has a tab or a line's end in it, which a certificate cannot hold",
                            names[i]);
            return false;
        }
    }
    return true;
}

bool kerf_pack_certificate_write(const char *path, const struct kerf_pack_input *input, const struct binpack_plan *plan,
                                 const struct binpack_bound *bound, struct kerf_errors *errs)
{
    if (!names_can_be_cells(path, input->item_names, input->item_count, errs) || !names_can_be_cells(path, input->bin_names, input->bin_count, errs))
        return false;
    struct kerf_output output;
    if (!kerf_output_open(&output, path)) {
        kerf_errors_add_io(errs, (struct kerf_place){.file = path}, "cannot be written: %s", strerror(errno));
        return false;
    }
    FILE *file = output.stream;
    fprintf(file, "%s\ncost\t%" PRId64 "\nbins\t%" PRId64 "\nbound\t%" PRId64 "\nscale\t%" PRId64 "\nsearch\t%" PRIu64 "\n", schema,
            plan->cost, plan->bin_count, bound->cost, bound->scale, bound->search_limit);
    for (size_t c = 0; c < input->item_count; c++)
        fprintf(file, "item\t%s\t%" PRId64 "\t%" PRId64 "\n", input->item_names[c], bound->item_values[c], plan->unplaced[c]);
    for (size_t t = 0; t < input->bin_count; t++) {
        fprintf(file, "type\t%s\t%" PRId64, input->bin_names[t], bound->rents[t]);
        for (size_t r = 0; r < input->resource_count; r++)
            fprintf(file, "\t%" PRId64, bound->price_shares[t * input->resource_count + r]);
        fputc('\n', file);
    }
    for (size_t p = 0; p < plan->pattern_count; p++) {
        const struct binpack_pattern *pattern = &plan->patterns[p];
        fprintf(file, "pattern\t%s\t%" PRId64, input->bin_names[pattern->bin_type], pattern->bin_count);
        for (size_t i = 0; i < pattern->placement_count; i++) {
            const struct binpack_placement *placement = &plan->placements[pattern->placement_first + i];
            fprintf(file, "\t%s\t%" PRId64, input->item_names[placement->item_class], placement->item_count);
        }
        fputc('\n', file);
    }
    if (kerf_output_close(&output))
        return true;
    kerf_errors_add_io(errs, (struct kerf_place){.file = path}, "could not be written: %s", strerror(errno));
    return false;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

struct reader {
    const char *path;
    const struct kerf_pack_input *input;
    struct kerf_errors *errs;
    uint32_t line;
    char *rest; /* of the line; NULL at its end */
    size_t item_count, type_count;
    size_t pattern_capacity, placement_capacity;
};

static struct kerf_place place_of(const struct reader *reader)
{
    return (struct kerf_place){.file = reader->path, .line = reader->line, .column = 1};
}

static const char *next_cell(struct reader *reader)
{
    char *cell = reader->rest;
    if (cell == NULL)
        return "";
    char *tab = strchr(cell, '\t');
    reader->rest = tab == NULL ? NULL : tab + 1;
    if (tab != NULL)
        *tab = '\0';
    return cell;
}

static bool next_number(struct reader *reader, int64_t *out_value)
{
    const char *cell = next_cell(reader);
    char *end;
    errno = 0;
    long long value = strtoll(cell, &end, 10);
    if (*cell == '\0' || *end != '\0' || errno != 0) {
        kerf_errors_add(reader->errs, place_of(reader), "\"%s\" is not a whole number", cell);
        return false;
    }
    *out_value = value;
    return true;
}

/* Names come in the order of the tables, so the next one is looked for first. */
static bool find_name(struct reader *reader, const char *const *names, size_t count, size_t guess, uint32_t *out_index)
{
    const char *cell = next_cell(reader);
    if (guess < count && strcmp(names[guess], cell) == 0) {
        *out_index = (uint32_t)guess;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], cell) == 0) {
            *out_index = (uint32_t)i;
            return true;
        }
    }
    kerf_errors_add(reader->errs, place_of(reader), "\"%s\" is no item or bin of the tables", cell);
    return false;
}

static bool read_item(struct reader *reader, struct kerf_pack_certificate *certificate)
{
    uint32_t item;
    int64_t *values = certificate->memory[0], *unplaced = certificate->memory[3];
    return find_name(reader, reader->input->item_names, reader->input->item_count, reader->item_count++, &item) &&
           next_number(reader, &values[item]) && next_number(reader, &unplaced[item]);
}

static bool read_type(struct reader *reader, struct kerf_pack_certificate *certificate)
{
    uint32_t type;
    int64_t *shares = certificate->memory[1], *rents = certificate->memory[2];
    if (!find_name(reader, reader->input->bin_names, reader->input->bin_count, reader->type_count++, &type) ||
        !next_number(reader, &rents[type]))
        return false;
    for (size_t r = 0; r < reader->input->resource_count; r++)
        if (!next_number(reader, &shares[type * reader->input->resource_count + r]))
            return false;
    return true;
}

/* Room for one more; false, with an error, when the machine has none. */
static bool grow(struct reader *reader, void **memory, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return true;
    size_t wanted = 2 * *capacity + 64;
    void *grown = realloc(*memory, wanted * item_bytes);
    if (grown == NULL) {
        kerf_errors_add_io(reader->errs, place_of(reader), "the machine's memory does not hold it");
        return false;
    }
    *memory = grown;
    *capacity = wanted;
    return true;
}

static bool read_pattern(struct reader *reader, struct kerf_pack_certificate *certificate)
{
    struct binpack_plan *plan = &certificate->plan;
    if (!grow(reader, &certificate->memory[4], plan->pattern_count, &reader->pattern_capacity, sizeof *plan->patterns))
        return false;
    struct binpack_pattern pattern = {.placement_first = plan->placement_count};
    if (!find_name(reader, reader->input->bin_names, reader->input->bin_count, SIZE_MAX, &pattern.bin_type) ||
        !next_number(reader, &pattern.bin_count))
        return false;
    while (reader->rest != NULL) {
        struct binpack_placement placement;
        if (!grow(reader, &certificate->memory[5], plan->placement_count, &reader->placement_capacity, sizeof placement) ||
            !find_name(reader, reader->input->item_names, reader->input->item_count, SIZE_MAX, &placement.item_class) ||
            !next_number(reader, &placement.item_count))
            return false;
        ((struct binpack_placement *)certificate->memory[5])[plan->placement_count++] = placement;
        pattern.placement_count++;
    }
    ((struct binpack_pattern *)certificate->memory[4])[plan->pattern_count++] = pattern;
    return true;
}

static bool read_line(struct reader *reader, struct kerf_pack_certificate *certificate)
{
    const char *word = next_cell(reader);
    int64_t looks = 0;
    if (strcmp(word, "item") == 0)
        return read_item(reader, certificate);
    if (strcmp(word, "type") == 0)
        return read_type(reader, certificate);
    if (strcmp(word, "pattern") == 0)
        return read_pattern(reader, certificate);
    if (strcmp(word, "cost") == 0)
        return next_number(reader, &certificate->plan.cost);
    if (strcmp(word, "bins") == 0)
        return next_number(reader, &certificate->plan.bin_count);
    if (strcmp(word, "bound") == 0)
        return next_number(reader, &certificate->bound.cost);
    if (strcmp(word, "scale") == 0)
        return next_number(reader, &certificate->bound.scale);
    if (strcmp(word, "search") == 0) {
        if (!next_number(reader, &looks))
            return false;
        certificate->bound.search_limit = (uint64_t)looks;
        if (looks >= 0 && looks <= LOOKS_MAX)
            return true;
        kerf_errors_add(reader->errs, place_of(reader), "%" PRId64 " looks were found; expected 0 to %" PRId64, looks, LOOKS_MAX);
        return false;
    }
    kerf_errors_add(reader->errs, place_of(reader), "\"%s\" was found; expected cost, bins, bound, scale, search, item, type, pattern",
                    word);
    return false;
}

/* The file's bytes and a zero after them; the caller frees. NULL after an error. */
static char *read_all(const char *path, size_t *out_length, struct kerf_errors *errs)
{
    struct kerf_place place = {.file = path};
    FILE *file = fopen(path, "r");
    char *bytes = NULL;
    size_t length = 0, capacity = 1 << 16, count = 1;
    bool is_open = file != NULL;
    while (is_open && count > 0 && length < BYTES_MAX) {
        char *grown = length + 1 < capacity && bytes != NULL ? bytes : realloc(bytes, capacity *= 2);
        if (grown == NULL) {
            kerf_errors_add_io(errs, place, "the machine's memory does not hold it");
            fclose(file);
            free(bytes);
            return NULL;
        }
        bytes = grown;
        length += count = fread(bytes + length, 1, capacity - length - 1, file);
    }
    if (!is_open || ferror(file))
        kerf_errors_add(errs, place, "cannot be read: %s", strerror(errno));
    else if (length >= BYTES_MAX)
        kerf_errors_add(errs, place, "more than 1 GiB was found; expected a text of less");
    bool is_good = is_open && !ferror(file) && length < BYTES_MAX;
    if (is_open)
        fclose(file);
    if (!is_good) {
        free(bytes);
        return NULL;
    }
    bytes[length] = '\0';
    *out_length = length;
    return bytes;
}

static enum kerf_status read_lines(struct reader *reader, char *bytes, size_t length, struct kerf_pack_certificate *certificate)
{
    enum kerf_status status = KERF_OK;
    for (char *line = bytes, *next; line < bytes + length; line = next) {
        char *end = memchr(line, '\n', (size_t)(bytes + length - line));
        end = end != NULL ? end : bytes + length;
        next = end + 1;
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
        reader->line++;
        reader->rest = line;
        if (reader->line == 1 && strcmp(line, schema) != 0)
            return kerf_errors_add(reader->errs, place_of(reader), "this is no certificate; expected the line %s", schema);
        if (reader->line > 1 && !read_line(reader, certificate))
            status = KERF_E_INPUT;
    }
    if (reader->line == 0)
        status = kerf_errors_add(reader->errs, (struct kerf_place){.file = reader->path}, "the file is empty; expected %s", schema);
    return status;
}

enum kerf_status kerf_pack_certificate_read(const char *path, const struct kerf_pack_input *input,
                                            struct kerf_pack_certificate *out_certificate, struct kerf_errors *errs)
{
    *out_certificate = (struct kerf_pack_certificate){0};
    size_t length = 0;
    char *bytes = read_all(path, &length, errs);
    if (bytes == NULL)
        return kerf_errors_status(errs);
    struct reader reader = {.path = path, .input = input, .errs = errs};
    out_certificate->memory[0] = calloc(input->item_count + 1, sizeof(int64_t));
    out_certificate->memory[1] = calloc(input->bin_count * input->resource_count + 1, sizeof(int64_t));
    out_certificate->memory[2] = calloc(input->bin_count + 1, sizeof(int64_t));
    out_certificate->memory[3] = calloc(input->item_count + 1, sizeof(int64_t));
    enum kerf_status status = KERF_E_IO;
    if (out_certificate->memory[0] != NULL && out_certificate->memory[1] != NULL && out_certificate->memory[2] != NULL &&
        out_certificate->memory[3] != NULL)
        status = read_lines(&reader, bytes, length, out_certificate);
    else
        kerf_errors_add_io(errs, (struct kerf_place){.file = path}, "the machine's memory does not hold it");
    free(bytes);
    if (status != KERF_OK) {
        kerf_pack_certificate_free(out_certificate);
        return status;
    }
    out_certificate->bound.item_values = out_certificate->memory[0];
    out_certificate->bound.price_shares = out_certificate->memory[1];
    out_certificate->bound.rents = out_certificate->memory[2];
    out_certificate->plan.unplaced = out_certificate->memory[3];
    out_certificate->plan.patterns = out_certificate->memory[4];
    out_certificate->plan.placements = out_certificate->memory[5];
    for (size_t c = 0; c < input->item_count; c++) {
        if (__builtin_add_overflow(out_certificate->plan.unplaced_count, out_certificate->plan.unplaced[c], &out_certificate->plan.unplaced_count)) {
            kerf_pack_certificate_free(out_certificate);
            return kerf_errors_add(errs, (struct kerf_place){.file = path}, "more items are left over than can be counted");
        }
    }
    return KERF_OK;
}

void kerf_pack_certificate_free(struct kerf_pack_certificate *certificate)
{
    for (size_t i = 0; i < sizeof certificate->memory / sizeof certificate->memory[0]; i++)
        free(certificate->memory[i]);
    *certificate = (struct kerf_pack_certificate){0};
}
