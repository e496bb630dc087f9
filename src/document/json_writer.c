/** Writing JSON. */
#include "document/document_internal.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { FLUSH_BYTES = 1 << 16 };

void kerf_json_init(struct kerf_json *json, FILE *stream, uint32_t indent)
{
    *json = (struct kerf_json){.stream = stream, .indent = indent};
}

void kerf_json_fini(struct kerf_json *json)
{
    if (json)
        kerf_text_fini(&json->text);
}

static void flush_to_stream(struct kerf_json *json)
{
    if (!json->stream || json->text.length == 0)
        return;
    if (fwrite(json->text.bytes, 1, json->text.length, json->stream) != json->text.length)
        json->stream_failed = true;
    kerf_text_clear(&json->text);
}

enum kerf_status kerf_json_finish(struct kerf_json *json)
{
    KERF_ASSERT(json->depth == 0);
    KERF_ASSERT(json->levels[0].has_items);
    kerf_text_append(&json->text, "\n");
    json->levels[0].has_items = false;
    flush_to_stream(json);
    if (json->stream && fflush(json->stream) != 0)
        json->stream_failed = true;
    return json->stream_failed ? KERF_E_IO : KERF_OK;
}

static void break_line(struct kerf_json *json)
{
    if (json->indent == 0 || json->levels[json->depth].in_line)
        return;
    kerf_text_append(&json->text, "\n");
    for (uint32_t i = 0; i < json->indent * json->depth; i++)
        kerf_text_append_bytes(&json->text, " ", 1);
}

/** What stands before an item: a comma, a new line. A value behind a key needs nothing. */
static void begin_item(struct kerf_json *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    KERF_ASSERT(json->depth > 0 || !json->levels[0].has_items);
    if (json->levels[json->depth].has_items)
        kerf_text_append(&json->text, json->indent && json->levels[json->depth].in_line ? ", " : ",");
    if (json->depth > 0)
        break_line(json);
    json->levels[json->depth].has_items = true;
}

static void begin_value(struct kerf_json *json)
{
    KERF_ASSERT(!json->levels[json->depth].is_map || json->after_key);
    begin_item(json);
}

static void begin_children(struct kerf_json *json, bool is_map, bool in_line)
{
    begin_value(json);
    KERF_ASSERT(json->depth < KERF_JSON_DEPTH_MAX);
    kerf_text_append(&json->text, is_map ? "{" : "[");
    in_line = in_line || json->levels[json->depth].in_line;
    json->depth++;
    json->levels[json->depth].is_map = is_map;
    json->levels[json->depth].in_line = in_line;
    json->levels[json->depth].has_items = false;
}

static void end_children(struct kerf_json *json, bool is_map)
{
    KERF_ASSERT(json->depth > 0);
    KERF_ASSERT(json->levels[json->depth].is_map == is_map);
    KERF_ASSERT(!json->after_key);
    bool break_before = json->levels[json->depth].has_items && !json->levels[json->depth].in_line;
    json->depth--;
    if (break_before && json->indent) {
        bool in_line = json->levels[json->depth].in_line;
        json->levels[json->depth].in_line = false;
        break_line(json);
        json->levels[json->depth].in_line = in_line;
    }
    kerf_text_append(&json->text, is_map ? "}" : "]");
    if (json->text.length >= FLUSH_BYTES)
        flush_to_stream(json);
}

void kerf_json_begin_map(struct kerf_json *json)
{
    begin_children(json, true, false);
}
void kerf_json_begin_map_in_line(struct kerf_json *json)
{
    begin_children(json, true, true);
}
void kerf_json_end_map(struct kerf_json *json)
{
    end_children(json, true);
}
void kerf_json_begin_list(struct kerf_json *json)
{
    begin_children(json, false, false);
}
void kerf_json_begin_list_in_line(struct kerf_json *json)
{
    begin_children(json, false, true);
}
void kerf_json_end_list(struct kerf_json *json)
{
    end_children(json, false);
}

/* ---- texts ---- */

/** Length of the UTF-8 sequence at `s`, 0 when it is none. The text ends with a NUL, which no sequence contains. */
static size_t sequence_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool is_wrong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
                    (s[0] == 0xf4 && s[1] > 0x8f);
    return is_wrong ? 0 : length;
}

static void append_escaped(struct kerf_text *out, const char *text)
{
    static const char meanings[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    kerf_text_append_bytes(out, "\"", 1);
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        const unsigned char *run = at;
        while (*at >= ' ' && *at < 0x7f && *at != '"' && *at != '\\')
            at++;
        kerf_text_append_bytes(out, run, (size_t)(at - run));
        if (!*at)
            break;
        const char *known = strchr(meanings, (char)*at);
        size_t length = sequence_length(at);
        if (known)
            kerf_text_append_bytes(out, (char[]){'\\', letters[known - meanings]}, 2);
        else if (*at < ' ' || *at == 0x7f)
            kerf_text_append_format(out, "\\u%04x", *at);
        else if (length > 0)
            kerf_text_append_bytes(out, at, length);
        else
            kerf_text_append(out, "\xef\xbf\xbd");
        at += length ? length : 1;
    }
    kerf_text_append_bytes(out, "\"", 1);
}

void kerf_json_key(struct kerf_json *json, const char *key)
{
    KERF_ASSERT(json->levels[json->depth].is_map && !json->after_key);
    begin_item(json);
    append_escaped(&json->text, key);
    kerf_text_append(&json->text, json->indent ? ": " : ":");
    json->after_key = true;
}

static void append_raw(struct kerf_json *json, const char *raw)
{
    begin_value(json);
    kerf_text_append(&json->text, raw);
}

void kerf_json_text(struct kerf_json *json, const char *text)
{
    if (!text) {
        kerf_json_null(json);
        return;
    }
    begin_value(json);
    append_escaped(&json->text, text);
}

void kerf_json_format(struct kerf_json *json, const char *format, ...)
{
    struct kerf_text text = {0};
    va_list arguments;
    va_start(arguments, format);
    kerf_text_append_format_list(&text, format, arguments);
    va_end(arguments);
    kerf_json_text(json, text.bytes);
    kerf_text_fini(&text);
}

/* ---- numbers and words ---- */

void kerf_json_i64(struct kerf_json *json, int64_t value)
{
    begin_value(json);
    kerf_text_append_format(&json->text, "%" PRId64, value);
}

void kerf_json_u64(struct kerf_json *json, uint64_t value)
{
    begin_value(json);
    kerf_text_append_format(&json->text, "%" PRIu64, value);
}

void kerf_json_double(struct kerf_json *json, double value)
{
    char text[KERF_DOUBLE_TEXT_BYTES];
    append_raw(json, isfinite(value) ? kerf_format_double(text, value) : "null");
}

void kerf_json_bool(struct kerf_json *json, bool value)
{
    append_raw(json, value ? "true" : "false");
}
void kerf_json_null(struct kerf_json *json)
{
    append_raw(json, "null");
}

void kerf_json_decimal(struct kerf_json *json, int64_t value, uint32_t decimals)
{
    KERF_ASSERT(decimals <= 18);
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    uint64_t scale = 1;
    while (decimals > 0 && magnitude % 10 == 0) {
        magnitude /= 10;
        decimals--;
    }
    for (uint32_t i = 0; i < decimals; i++)
        scale *= 10;
    begin_value(json);
    kerf_text_append_format(&json->text, "%s%" PRIu64, value < 0 ? "-" : "", magnitude / scale);
    if (decimals > 0)
        kerf_text_append_format(&json->text, ".%0*" PRIu64, (int)decimals, magnitude % scale);
}

void kerf_json_put_text(struct kerf_json *json, const char *key, const char *text)
{
    kerf_json_key(json, key);
    kerf_json_text(json, text);
}

void kerf_json_put_i64(struct kerf_json *json, const char *key, int64_t value)
{
    kerf_json_key(json, key);
    kerf_json_i64(json, value);
}

void kerf_json_put_double(struct kerf_json *json, const char *key, double value)
{
    kerf_json_key(json, key);
    kerf_json_double(json, value);
}

void kerf_json_put_bool(struct kerf_json *json, const char *key, bool value)
{
    kerf_json_key(json, key);
    kerf_json_bool(json, value);
}

void kerf_json_put_null(struct kerf_json *json, const char *key)
{
    kerf_json_key(json, key);
    kerf_json_null(json);
}

void kerf_json_put_decimal(struct kerf_json *json, const char *key, int64_t value, uint32_t decimals)
{
    kerf_json_key(json, key);
    kerf_json_decimal(json, value, decimals);
}

/**
 * Each decimal of up to 15 digits survives the way through a double, so the shortest text is that of 15 digits without
 * trailing zeros, if it reads back the same; else 16 or 17 digits are needed. (Numbers below DBL_MIN hold fewer.) The decimal
 * point of the process' locale, if it has another one, is passed over.
 */
const char *kerf_format_double(char buffer[KERF_DOUBLE_TEXT_BYTES], double value)
{
    char digits[24];
    int digit_count = 0, exponent = 0;
    if (value == 0)
        return strcpy(buffer, "0");
    if (!isfinite(value))
        return strcpy(buffer, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    for (int wanted = fabs(value) < DBL_MIN ? 1 : 15; wanted <= 17; wanted++) {
        char text[64], plain[64];
        snprintf(text, sizeof text, "%.*e", wanted - 1, fabs(value));
        const char *mark = strchr(text, 'e');
        digit_count = 0;
        for (const char *c = text; c < mark; c++)
            if (*c >= '0' && *c <= '9')
                digits[digit_count++] = *c;
        exponent = atoi(mark + 1);
        double again;
        snprintf(plain, sizeof plain, "%.*se%d", digit_count, digits, exponent - (digit_count - 1));
        if (kerf_parse_double(plain, &again) && again == fabs(value))
            break;
    }
    while (digit_count > 1 && digits[digit_count - 1] == '0')
        digit_count--;
    const char *sign = value < 0 ? "-" : "";
    if (exponent < -7 || exponent > 20) {
        snprintf(buffer, KERF_DOUBLE_TEXT_BYTES, "%s%c%s%.*se%+03d", sign, digits[0], digit_count > 1 ? "." : "", digit_count - 1,
                 digits + 1, exponent);
    } else if (exponent < 0) {
        snprintf(buffer, KERF_DOUBLE_TEXT_BYTES, "%s0.%.*s%.*s", sign, -exponent - 1, "0000000", digit_count, digits);
    } else if (digit_count > exponent + 1) {
        snprintf(buffer, KERF_DOUBLE_TEXT_BYTES, "%s%.*s.%.*s", sign, exponent + 1, digits, digit_count - exponent - 1,
                 digits + exponent + 1);
    } else {
        snprintf(buffer, KERF_DOUBLE_TEXT_BYTES, "%s%.*s%.*s", sign, digit_count, digits, exponent + 1 - digit_count,
                 "00000000000000000000");
    }
    return buffer;
}
