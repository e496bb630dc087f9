/** Bytes of the user's files, and whether they are text. */
#include "document/document_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** Beyond this a file is taken for a mistake; offsets and columns then fit 32 bits. */
static const size_t FILE_BYTES_MAX = (size_t)1 << 30;

const char *kerf_input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "<stdin>" : path;
}

static enum kerf_status read_descriptor(int descriptor, struct kerf_place place, struct kerf_text *bytes,
                                        struct kerf_errors *errs)
{
    size_t chunk_bytes = 1 << 16;
    char *chunk = kerf_reallocate(NULL, chunk_bytes);
    enum kerf_status status = KERF_OK;
    size_t total_bytes = 0;
    while (status == KERF_OK) {
        ssize_t count = read(descriptor, chunk, chunk_bytes);
        if (count == 0)
            break;
        if (count < 0) {
            if (errno != EINTR)
                status = kerf_errors_add_io(errs, place, "reading failed after %zu bytes: %s", total_bytes, strerror(errno));
            continue;
        }
        kerf_text_append_bytes(bytes, chunk, (size_t)count);
        total_bytes += (size_t)count;
        if (total_bytes > FILE_BYTES_MAX)
            status = kerf_errors_add(errs, place, "more than 1 GiB was found; expected a text of less");
    }
    free(chunk);
    return status;
}

enum kerf_status kerf_input_read(const char *path, struct kerf_text *bytes, struct kerf_errors *errs)
{
    struct kerf_place place = {.file = kerf_input_name(path)};
    if (strcmp(path, "-") == 0)
        return read_descriptor(STDIN_FILENO, place, bytes, errs);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return kerf_errors_add(errs, place, "cannot be opened: %s", strerror(errno));
    struct stat about;
    enum kerf_status status;
    if (fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode))
        status = kerf_errors_add(errs, place, "is a directory; a file was expected");
    else
        status = read_descriptor(descriptor, place, bytes, errs);
    close(descriptor);
    return status;
}

struct kerf_place kerf_input_place(const char *file, const char *bytes, size_t offset)
{
    struct kerf_place place = {.file = file, .line = 1, .column = 1};
    for (size_t i = 0; i < offset; i++) {
        if (bytes[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)bytes[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

/** Length of the UTF-8 sequence at `s` (`left` bytes remain), 0 when it is none: overlong, surrogate, too large, cut off. */
static size_t sequence_length(const unsigned char *s, size_t left)
{
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

/** Eight bytes of ASCII without a NUL, the common case. */
static bool are_plain_ascii(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return !(((word - 0x0101010101010101u) | word) & 0x8080808080808080u);
}

enum kerf_status kerf_input_check(const char *file, const char *bytes, size_t length, size_t *out_start, struct kerf_errors *errs)
{
    if (length >= 2 && (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
        return kerf_errors_add(errs, (struct kerf_place){.file = file, .line = 1, .column = 1},
                               "this is UTF-16 (by its byte order mark); expected UTF-8");
    size_t start = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (size_t i = start; i < length;) {
        if (i + 8 <= length && are_plain_ascii(bytes + i)) {
            i += 8;
            continue;
        }
        if (bytes[i] == '\0')
            return kerf_errors_add(errs, kerf_input_place(file, bytes + start, i - start),
                                   "a NUL byte was found; expected text in UTF-8");
        size_t step = sequence_length((const unsigned char *)bytes + i, length - i);
        if (step == 0)
            return kerf_errors_add(errs, kerf_input_place(file, bytes + start, i - start),
                                   "byte 0x%02x is not UTF-8; expected text in UTF-8", (unsigned char)bytes[i]);
        i += step;
    }
    *out_start = start;
    return KERF_OK;
}

enum kerf_status kerf_text_read_file(const char *path, struct kerf_text *text, struct kerf_errors *errs)
{
    struct kerf_text bytes = {0};
    size_t start = 0;
    enum kerf_status status = kerf_input_read(path, &bytes, errs);
    if (status == KERF_OK)
        status = kerf_input_check(kerf_input_name(path), bytes.bytes ? bytes.bytes : "", bytes.length, &start, errs);
    if (status == KERF_OK && bytes.length > start)
        kerf_text_append_bytes(text, bytes.bytes + start, bytes.length - start);
    kerf_text_fini(&bytes);
    return status;
}
