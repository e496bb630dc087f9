/** Certificates of packings as files. */
#include "cli/pack_certificate.h"

#include "kerf/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char schema[] = "kerf.certificate/v1";

bool kerf_pack_certificate_write(const char *path, const struct kerf_pack_input *input, const struct binpack_plan *plan,
                                 const struct binpack_bound *bound, struct kerf_errors *errs)
{
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

/* Room for one more; false when the machine has none. */
static bool grow(void **memory, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return true;
    size_t wanted = 2 * *capacity + 64;
    void *grown = realloc(*memory, wanted * item_bytes);
    if (grown == NULL)
        return false;
    *memory = grown;
    *capacity = wanted;
    return true;
}

static bool read_pattern(struct reader *reader, struct kerf_pack_certificate *certificate)
{
    struct binpack_plan *plan = &certificate->plan;
    if (!grow(&certificate->memory[4], plan->pattern_count, &reader->pattern_capacity, sizeof *plan->patterns))
        return false;
    struct binpack_pattern pattern = {.placement_first = plan->placement_count};
    if (!find_name(reader, reader->input->bin_names, reader->input->bin_count, SIZE_MAX, &pattern.bin_type) ||
        !next_number(reader, &pattern.bin_count))
        return false;
    while (reader->rest != NULL) {
        struct binpack_placement placement;
        if (!grow(&certificate->memory[5], plan->placement_count, &reader->placement_capacity, sizeof placement) ||
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
    if (strcmp(word, "search") == 0 && next_number(reader, &looks) && looks >= 0) {
        certificate->bound.search_limit = (uint64_t)looks;
        return true;
    }
    kerf_errors_add(reader->errs, place_of(reader), "\"%s\" was found; expected cost, bins, bound, scale, search, item, type, pattern",
                    word);
    return false;
}

static enum kerf_status read_lines(struct reader *reader, FILE *file, struct kerf_pack_certificate *certificate)
{
    char *line = NULL;
    size_t capacity = 0;
    enum kerf_status status = KERF_OK;
    ssize_t length;
    while (status == KERF_OK && (length = getline(&line, &capacity, file)) >= 0) {
        reader->line++;
        if (length > 0 && line[length - 1] == '\n')
            line[length - 1] = '\0';
        reader->rest = line;
        if (reader->line == 1 && strcmp(line, schema) != 0)
            status = kerf_errors_add(reader->errs, place_of(reader), "this is no certificate; expected the line %s", schema);
        else if (reader->line > 1 && !read_line(reader, certificate))
            status = KERF_E_INPUT;
    }
    if (status == KERF_OK && reader->line == 0)
        status = kerf_errors_add(reader->errs, (struct kerf_place){.file = reader->path}, "the file is empty; expected %s", schema);
    free(line);
    return status;
}

enum kerf_status kerf_pack_certificate_read(const char *path, const struct kerf_pack_input *input,
                                            struct kerf_pack_certificate *out_certificate, struct kerf_errors *errs)
{
    *out_certificate = (struct kerf_pack_certificate){0};
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return kerf_errors_add(errs, (struct kerf_place){.file = path}, "cannot be read: %s", strerror(errno));
    struct reader reader = {.path = path, .input = input, .errs = errs};
    out_certificate->memory[0] = calloc(input->item_count + 1, sizeof(int64_t));
    out_certificate->memory[1] = calloc(input->bin_count * input->resource_count + 1, sizeof(int64_t));
    out_certificate->memory[2] = calloc(input->bin_count + 1, sizeof(int64_t));
    out_certificate->memory[3] = calloc(input->item_count + 1, sizeof(int64_t));
    enum kerf_status status = KERF_E_IO;
    if (out_certificate->memory[0] != NULL && out_certificate->memory[1] != NULL && out_certificate->memory[2] != NULL &&
        out_certificate->memory[3] != NULL)
        status = read_lines(&reader, file, out_certificate);
    else
        kerf_errors_add(errs, (struct kerf_place){.file = path}, "the machine's memory does not hold it");
    fclose(file);
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
    for (size_t c = 0; c < input->item_count; c++)
        out_certificate->plan.unplaced_count += out_certificate->plan.unplaced[c];
    return KERF_OK;
}

void kerf_pack_certificate_free(struct kerf_pack_certificate *certificate)
{
    for (size_t i = 0; i < sizeof certificate->memory / sizeof certificate->memory[0]; i++)
        free(certificate->memory[i]);
    *certificate = (struct kerf_pack_certificate){0};
}
