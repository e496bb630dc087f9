/**
 * JSON (RFC 8259), one value or several, without recursion. Texts are unescaped where they stand and end where their closing
 * quote stood, so a value costs its struct and nothing else; only numbers are copied.
 */
#include "document/document_internal.h"

struct reader {
    struct kerf_tree *tree;
    char *at;
    char *end; /* *end is NUL */
    char *line_start;
    uint32_t line;
    uint32_t continuation_bytes; /* of UTF-8 in this line: columns count characters */
};

static struct kerf_place place_of(const struct reader *reader, const char *at)
{
    return (struct kerf_place){
        .file = reader->tree->file,
        .line = reader->line,
        .column = (uint32_t)(at - reader->line_start) - reader->continuation_bytes + 1,
    };
}

static enum kerf_status fail_expecting(const struct reader *reader, const char *expected)
{
    struct kerf_place place = place_of(reader, reader->at);
    struct kerf_errors *errs = reader->tree->errs;
    if (reader->at == reader->end)
        return kerf_errors_add(errs, place, "the text ends here; expected %s", expected);
    if ((unsigned char)*reader->at > ' ' && (unsigned char)*reader->at < 0x7f)
        return kerf_errors_add(errs, place, "'%c' was found; expected %s", *reader->at, expected);
    return kerf_errors_add(errs, place, "byte 0x%02x was found; expected %s", (unsigned char)*reader->at, expected);
}

static void skip_blanks(struct reader *reader)
{
    for (;; reader->at++) {
        if (*reader->at == '\n') {
            reader->line++;
            reader->line_start = reader->at + 1;
            reader->continuation_bytes = 0;
        } else if (*reader->at != ' ' && *reader->at != '\t' && *reader->at != '\r') {
            return;
        }
    }
}

static bool read_hex4(const char *text, uint32_t *out_code)
{
    uint32_t code = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
        code = code << 4 | digit;
    }
    *out_code = code;
    return true;
}

static char *write_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/** At a backslash. Writes what it stands for, which is never longer, and moves behind the escape. */
static enum kerf_status read_escape(struct reader *reader, char **out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = reader->at[1];
    const char *known = letter ? strchr(letters, letter) : NULL;
    if (known) {
        *(*out)++ = meanings[known - letters];
        reader->at += 2;
        return KERF_OK;
    }
    uint32_t code;
    if (letter != 'u' || !read_hex4(reader->at + 2, &code))
        return fail_expecting(reader, "an escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and four hexadecimal digits");
    if (code == 0)
        return kerf_errors_add(reader->tree->errs, place_of(reader, reader->at),
                               "\\u0000 was found; expected a text without NUL");
    reader->at += 6;
    if (code >= 0xd800 && code < 0xe000) {
        uint32_t low;
        if (code < 0xdc00 && reader->at[0] == '\\' && reader->at[1] == 'u' && read_hex4(reader->at + 2, &low) && low >= 0xdc00 &&
            low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            reader->at += 6;
        } else {
            code = 0xfffd; /* half of a pair stands for no character; Go's decoder reads the same */
        }
    }
    *out = write_utf8(*out, code);
    return KERF_OK;
}

/** At the opening quote. The text is ended in place. */
static enum kerf_status read_string(struct reader *reader, char **out_text, uint32_t *out_length)
{
    const char *opening = reader->at;
    struct kerf_place opening_place = place_of(reader, opening);
    char *text = ++reader->at;
    while ((unsigned char)*reader->at >= ' ' && *reader->at != '"' && *reader->at != '\\') {
        reader->continuation_bytes += ((unsigned char)*reader->at & 0xc0) == 0x80;
        reader->at++;
    }
    char *out = reader->at;
    while (*reader->at != '"') {
        if (reader->at == reader->end)
            return kerf_errors_add(reader->tree->errs, opening_place, "this text has no end; expected a closing '\"'");
        if ((unsigned char)*reader->at < ' ')
            return fail_expecting(reader, "a text without raw control characters (write \\n, \\t, \\u001f)");
        if (*reader->at == '\\') {
            KERF_TRY(read_escape(reader, &out));
        } else {
            reader->continuation_bytes += ((unsigned char)*reader->at & 0xc0) == 0x80;
            *out++ = *reader->at++;
        }
    }
    reader->at++;
    *out = '\0';
    *out_text = text;
    *out_length = (uint32_t)(out - text);
    return KERF_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum kerf_status read_number(struct reader *reader, struct kerf_value *value)
{
    char *start = reader->at;
    reader->at += *reader->at == '-';
    if (!is_digit(*reader->at))
        return fail_expecting(reader, "a digit");
    if (*reader->at == '0' && is_digit(reader->at[1]))
        return fail_expecting(reader, "a number without leading zeros");
    while (is_digit(*reader->at))
        reader->at++;
    if (*reader->at == '.') {
        reader->at++;
        if (!is_digit(*reader->at))
            return fail_expecting(reader, "a digit");
        while (is_digit(*reader->at))
            reader->at++;
    }
    if (*reader->at == 'e' || *reader->at == 'E') {
        reader->at++;
        reader->at += *reader->at == '+' || *reader->at == '-';
        if (!is_digit(*reader->at))
            return fail_expecting(reader, "a digit");
        while (is_digit(*reader->at))
            reader->at++;
    }
    value->count = (uint32_t)(reader->at - start);
    char *text = kerf_arena_alloc(&reader->tree->documents->arena, value->count + (size_t)1);
    memcpy(text, start, value->count);
    value->text = text;
    return KERF_OK;
}

static enum kerf_status read_scalar(struct reader *reader, struct kerf_value *value)
{
    static const char *const words[] = {"null", "true", "false"};
    value->kind = KERF_VALUE_SCALAR;
    if (*reader->at == '"') {
        char *text;
        KERF_TRY(read_string(reader, &text, &value->count));
        value->quoted = true;
        value->text = text;
        return KERF_OK;
    }
    if (*reader->at == '-' || is_digit(*reader->at))
        return read_number(reader, value);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(reader->at, words[i], length) == 0) {
            value->kind = i == 0 ? KERF_VALUE_NULL : KERF_VALUE_SCALAR;
            value->text = i == 0 ? "" : words[i];
            value->count = i == 0 ? 0 : (uint32_t)length;
            reader->at += length;
            return KERF_OK;
        }
    }
    return fail_expecting(reader, "a value ({, [, a text in double quotes, a number, true, false or null)");
}

/** After `{` or a comma in a map. */
static enum kerf_status read_key(struct reader *reader)
{
    skip_blanks(reader);
    if (*reader->at == '{' && reader->tree->depth == 1)
        return fail_expecting(reader, "a key in double quotes (is this a template? Render it first)");
    if (*reader->at != '"')
        return fail_expecting(reader, "a key in double quotes");
    struct kerf_place place = place_of(reader, reader->at);
    char *text;
    uint32_t length;
    KERF_TRY(read_string(reader, &text, &length));
    kerf_tree_key(reader->tree, text, length, place.line, place.column);
    skip_blanks(reader);
    if (*reader->at != ':')
        return fail_expecting(reader, "':'");
    reader->at++;
    return KERF_OK;
}

/** Reads one value, with all that it holds. Duplicate keys are reported and do not stop the reading. */
static enum kerf_status read_value(struct reader *reader)
{
    struct kerf_tree *tree = reader->tree;
    enum kerf_status status = KERF_OK;
    struct kerf_value value;
    do {
        /* A value is due. */
        skip_blanks(reader);
        struct kerf_place place = place_of(reader, reader->at);
        char closing = *reader->at == '{' ? '}' : ']';
        if (*reader->at == '{' || *reader->at == '[') {
            KERF_TRY(kerf_tree_begin(tree, closing == '}' ? KERF_VALUE_MAP : KERF_VALUE_LIST, place.line, place.column));
            reader->at++;
            skip_blanks(reader);
            if (*reader->at != closing) {
                if (closing == '}')
                    KERF_TRY(read_key(reader));
                continue;
            }
        } else {
            value = (struct kerf_value){.line = place.line, .column = place.column};
            KERF_TRY(read_scalar(reader, &value));
            kerf_tree_scalar(tree, &value);
        }
        /* A value has ended, or an empty map or list is about to. */
        while (tree->depth > 0) {
            skip_blanks(reader);
            bool is_map = kerf_tree_is_map_open(tree);
            if (*reader->at == (is_map ? '}' : ']')) {
                reader->at++;
                if (kerf_tree_end(tree, &value) != KERF_OK)
                    status = KERF_E_INPUT;
            } else if (*reader->at == ',') {
                reader->at++;
                if (is_map)
                    KERF_TRY(read_key(reader));
                break;
            } else {
                return fail_expecting(reader, is_map ? "',' or '}'" : "',' or ']'");
            }
        }
    } while (tree->depth > 0);
    return status;
}

enum kerf_status kerf_json_read(struct kerf_tree *tree, char *bytes, size_t start, size_t length)
{
    KERF_ASSERT(bytes[length] == '\0');
    struct reader reader = {.tree = tree, .at = bytes + start, .end = bytes + length, .line_start = bytes + start, .line = 1};
    enum kerf_status status = KERF_OK;
    for (;;) {
        skip_blanks(&reader);
        if (reader.at == reader.end)
            return status;
        if (reader.at == reader.line_start && strncmp(reader.at, "---", 3) == 0) {
            reader.at += 3;
            continue;
        }
        if (*reader.at != '{' && *reader.at != '[')
            return fail_expecting(&reader, "'{', '[' or the end of the text");
        enum kerf_status read = read_value(&reader);
        if (read != KERF_OK && tree->depth > 0)
            return read; /* broken off: what follows cannot be trusted */
        status = read != KERF_OK ? read : status;
        kerf_tree_end_document(tree);
    }
}
