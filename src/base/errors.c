/** The list of what is wrong with the user's input, in the order in which it was found. */
#include "base/base.h"

#include <stdlib.h>

enum {
    KEPT_MAX = 50,     /* of errors, and of warnings; the rest is counted */
    TEXT_BYTES = 2000, /* of a message; a key of a megabyte is in nobody's interest */
    TEXT_END_BYTES = 400
};

struct message {
    char *text;
    bool is_warning;
};

struct kerf_errors {
    KERF_VEC(struct message) messages;
    size_t error_count;
    size_t warning_count;
    bool has_io;
};

struct kerf_errors *kerf_errors_new(void)
{
    return kerf_allocate(sizeof(struct kerf_errors));
}

void kerf_errors_free(struct kerf_errors *errs)
{
    if (!errs)
        return;
    for (size_t i = 0; i < errs->messages.count; i++)
        free(errs->messages.items[i].text);
    KERF_VEC_FREE(&errs->messages);
    free(errs);
}

/** Appends text of the user's, on one line whatever it holds: a message is a line, and no file writes to the terminal. */
static void append_printable(struct kerf_text *line, const char *text)
{
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte == '\n')
            kerf_text_append(line, "\\n");
        else if (byte == '\t')
            kerf_text_append(line, "\\t");
        else if (byte == '\r')
            kerf_text_append(line, "\\r");
        else if (byte < 0x20 || byte == 0x7f)
            kerf_text_append_format(line, "\\x%02x", byte);
        else if (byte == 0xc2 && (unsigned char)c[1] >= 0x80 && (unsigned char)c[1] < 0xa0) /* the controls of 8 bits */
            kerf_text_append_format(line, "\\x%02x", (unsigned char)*++c);
        else
            kerf_text_append_bytes(line, c, 1);
    }
}

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/** Leaves out the middle of a text that is too long, between characters of UTF-8. */
static void shorten(struct kerf_text *line)
{
    static const char gap[] = " ... ";
    if (line->length <= TEXT_BYTES)
        return;
    size_t head = TEXT_BYTES - TEXT_END_BYTES, tail = line->length - TEXT_END_BYTES;
    while (head > 0 && is_inside_character(line->bytes[head]))
        head--;
    while (tail < line->length && is_inside_character(line->bytes[tail]))
        tail++;
    memcpy(line->bytes + head, gap, sizeof gap - 1);
    memmove(line->bytes + head + sizeof gap - 1, line->bytes + tail, line->length - tail + 1);
    line->length = head + sizeof gap - 1 + line->length - tail;
}

KERF_PRINTF(3, 0)
static char *message_text(struct kerf_place place, bool is_warning, const char *format, va_list arguments)
{
    struct kerf_text line = {0};
    kerf_text_append(&line, is_warning ? "warning: " : "");
    if (place.file && *place.file) {
        append_printable(&line, place.file);
        if (place.line)
            kerf_text_append_format(&line, ":%" PRIu32, place.line);
        if (place.line && place.column)
            kerf_text_append_format(&line, ":%" PRIu32, place.column);
        kerf_text_append(&line, ": ");
    }
    if (place.path && *place.path) {
        append_printable(&line, place.path);
        kerf_text_append(&line, ": ");
    }
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    KERF_ASSERT(length >= 0);
    char *text = kerf_allocate((size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    append_printable(&line, text);
    free(text);
    shorten(&line);
    return line.bytes;
}

/** Who reads a file several times (a scenario, once a design) says what is wrong with it once. */
static bool is_known(const struct kerf_errors *errs, const char *text, bool is_warning)
{
    for (size_t i = 0; i < errs->messages.count; i++)
        if (errs->messages.items[i].is_warning == is_warning && strcmp(errs->messages.items[i].text, text) == 0)
            return true;
    return false;
}

KERF_PRINTF(3, 0)
static void add_error(struct kerf_errors *errs, struct kerf_place place, const char *format, va_list arguments)
{
    char *text = message_text(place, false, format, arguments);
    if (is_known(errs, text, false) || errs->error_count++ >= KEPT_MAX)
        free(text);
    else
        KERF_VEC_PUSH(&errs->messages, (struct message){.text = text});
}

enum kerf_status kerf_errors_add(struct kerf_errors *errs, struct kerf_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_error(errs, place, format, arguments);
    va_end(arguments);
    return KERF_E_INPUT;
}

enum kerf_status kerf_errors_add_io(struct kerf_errors *errs, struct kerf_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_error(errs, place, format, arguments);
    va_end(arguments);
    errs->has_io = true;
    return KERF_E_IO;
}

void kerf_errors_warn(struct kerf_errors *errs, struct kerf_place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = message_text(place, true, format, arguments);
    va_end(arguments);
    if (!is_known(errs, text, true) && errs->warning_count++ < KEPT_MAX)
        KERF_VEC_PUSH(&errs->messages, (struct message){.text = text, .is_warning = true});
    else
        free(text);
}

size_t kerf_errors_count(const struct kerf_errors *errs)
{
    return errs->error_count;
}

size_t kerf_warnings_count(const struct kerf_errors *errs)
{
    return errs->warning_count;
}

static void print_more(FILE *stream, size_t count, const char *what)
{
    if (count > KEPT_MAX)
        fprintf(stream, "and %zu more %s\n", count - KEPT_MAX, what);
}

void kerf_errors_print(struct kerf_errors *errs, FILE *stream)
{
    size_t kept_count = 0;
    for (size_t i = 0; i < errs->messages.count; i++) {
        struct message message = errs->messages.items[i];
        fprintf(stream, "%s\n", message.text);
        if (message.is_warning)
            free(message.text);
        else
            errs->messages.items[kept_count++] = message;
    }
    print_more(stream, errs->error_count, "errors");
    print_more(stream, errs->warning_count, "warnings");
    errs->messages.count = kept_count;
    errs->warning_count = 0;
}

enum kerf_status kerf_errors_status(const struct kerf_errors *errs)
{
    return errs->has_io ? KERF_E_IO : errs->error_count ? KERF_E_INPUT : KERF_OK;
}
