/** Growing texts. */
#include "base/base.h"

#include <stdlib.h>

void kerf_text_fini(struct kerf_text *text)
{
    if (!text)
        return;
    free(text->bytes);
    *text = (struct kerf_text){0};
}

void kerf_text_clear(struct kerf_text *text)
{
    text->length = 0;
    if (text->bytes)
        text->bytes[0] = '\0';
}

/** Room for `more` bytes and the terminator. */
static void reserve(struct kerf_text *text, size_t more)
{
    size_t needed;
    if (__builtin_add_overflow(text->length, more, &needed) || needed > SIZE_MAX / 4)
        kerf_array_bytes(SIZE_MAX, 2); /* out of memory */
    if (needed < text->capacity)
        return;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity * 2;
    while (capacity <= needed)
        capacity *= 2;
    text->bytes = kerf_reallocate(text->bytes, capacity);
    text->capacity = capacity;
}

void kerf_text_append_bytes(struct kerf_text *text, const void *bytes, size_t length)
{
    reserve(text, length);
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void kerf_text_append(struct kerf_text *text, const char *piece)
{
    kerf_text_append_bytes(text, piece, strlen(piece));
}

void kerf_text_append_format_list(struct kerf_text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    KERF_ASSERT(length >= 0);
    reserve(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
    text->length += (size_t)length;
}

void kerf_text_append_format(struct kerf_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    kerf_text_append_format_list(text, format, arguments);
    va_end(arguments);
}
